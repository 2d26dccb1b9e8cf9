"""What the end-to-end tests share: cloudsim started and stopped, credentials, the AWS CLI, boto3, and TAP.

    with harness.World(build, "small.yaml") as world:
        code, reply, error = world.aws(harness.SOURCE, "ec2", "describe-images")
        world.boto(harness.SOURCE, "ec2").describe_images()

Nothing of the user's AWS settings is seen: HOME and the configuration files are in a folder of the test's own.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))

# The users of worlds/small.yaml: name -> (access key, secret). All made up.
SOURCE = ("AKIAFAKESOURCEADMIN1", "fake/secret/of/the/source/admin/00000001")
TARGET = ("AKIAFAKETARGETADMIN1", "fake/secret/of/the/target/admin/00000002")
READER = ("AKIAFAKETARGETREADER", "fake/secret/of/the/target/reader/0000003")
ROOT = ("AKIAFAKETARGETROOT01", "fake/secret/of/the/target/root/000000004")
REGION = "us-east-1"


def world_file(name):
    return name if os.path.isabs(name) else os.path.join(HERE, "worlds", name)


class World:
    """A running cloudsim. Stops it on the way out, whatever happened."""

    def __init__(self, build, world, *options, env=None):
        self.build = os.path.abspath(build)
        self.home = tempfile.mkdtemp(prefix="cloudsim.")
        self.process = self._reader = None
        command = [os.path.join(self.build, "tools", "cloudsim", "cloudsim"), *options, world_file(world)]
        try:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
            self.url = self.process.stdout.readline().strip()
            if not self.url.startswith("http://127.0.0.1:"):
                self.process.wait(10)
                raise RuntimeError("cloudsim did not start: " + self.process.stderr.read())
        except BaseException:
            self.stop()
            raise
        self.log = []
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def _read_log(self):
        for line in self.process.stderr:
            self.log.append(line.rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, trouble, *_):
        status = self.stop()
        if status != 0 and not trouble:  # a crash, or what a sanitizer found
            raise AssertionError("cloudsim ended with %r: %s" % (status, "\n".join(self.log[-40:])))

    def stop(self):
        """Ends it as an operator would; returns its exit status."""
        status = None
        if self.process:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            try:
                status = self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                status = self.process.wait()
        if self._reader:
            self._reader.join(10)
        shutil.rmtree(self.home, ignore_errors=True)
        return status

    # --- its own endpoints ---
    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=30) as reply:
            return json.load(reply)

    def audit(self):
        return self.get("/_cloudsim/audit")

    def faults(self, *faults):
        """Replaces the faults; without any, there are none."""
        request = urllib.request.Request(self.url + "/_cloudsim/faults", json.dumps(faults).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def subscribe(self, account, product_code):
        """What a person does in the console, to accept a Marketplace product's terms."""
        wish = json.dumps({"account": account, "product_code": product_code}).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + "/_cloudsim/subscribe", wish, method="POST"), timeout=30) as reply:
            return json.load(reply)

    # --- clients ---
    def env(self, credentials=None, region=REGION, **more):
        """An environment in which AWS's tools know this world's credentials and nothing else."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_") and not k.lower().endswith("_proxy")}
        env.update(HOME=self.home, AWS_CONFIG_FILE=os.path.join(self.home, "config"), AWS_DEFAULT_REGION=region, AWS_REGION=region,
                   AWS_SHARED_CREDENTIALS_FILE=os.path.join(self.home, "credentials"), AWS_EC2_METADATA_DISABLED="true",
                   AWS_MAX_ATTEMPTS="1", AWS_PAGER="", LC_ALL="C.UTF-8")
        if credentials:
            env.update(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), credentials))
        env.update(more)
        return env

    def aws(self, credentials, *args, region=REGION, timeout=120, **env):
        """Debian's AWS CLI. Returns its exit status, its JSON output (or text), and what it said on standard error."""
        # AWS_ENDPOINT_URL came after the CLI that Debian has: the option is known to all of them.
        command = ["/usr/bin/aws", "--endpoint-url", self.url, "--output", "json", *args]
        done = subprocess.run(command, env=self.env(credentials, region, **env), capture_output=True, text=True, timeout=timeout)
        try:
            reply = json.loads(done.stdout) if done.stdout.strip() else None
        except ValueError:
            reply = done.stdout
        return done.returncode, reply, done.stderr

    def boto(self, credentials, service, region=REGION, attempts=1, **config):
        """A boto3 client that sees this world only, and doesn't retry unless told."""
        import boto3
        from botocore.config import Config
        session = boto3.session.Session(*credentials, region_name=region)
        return session.client(service, endpoint_url=self.url,
                              config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}, read_timeout=30, **config))

    def call(self, credentials, service, action, parameters, region=REGION, scope=None, headers=()):
        """A call that is signed by botocore and built here: for what its models don't know or won't send. scope is the service
        of the signature where it isn't the service that is called. Returns the HTTP status and the body as text."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        if service == "kms":
            body = json.dumps(parameters)
            own = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService." + action}
        else:
            version = {"ec2": "2016-11-15", "sts": "2011-06-15"}[service]
            body = urllib.parse.urlencode({"Action": action, "Version": version, **parameters})
            own = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        request = AWSRequest("POST", self.url + "/", headers={**own, **dict(headers)}, data=body)
        SigV4Auth(Credentials(*credentials), scope or service, region).add_auth(request)
        sent = urllib.request.Request(self.url + "/", body.encode(), dict(request.headers.items()), method="POST")
        try:
            with urllib.request.urlopen(sent, timeout=30) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


# --- TAP ---
_tests = []


def test(sentence):
    """Registers a test under a sentence about behaviour."""
    def register(function):
        _tests.append((sentence, function))
        return function
    return register


def run(*arguments):
    """Runs what was registered, prints TAP, and returns the exit status."""
    failed = 0
    print("1..%d" % len(_tests), flush=True)
    for number, (sentence, function) in enumerate(_tests, 1):
        try:
            function(*arguments)
            print("ok %d - %s" % (number, sentence), flush=True)
        except Exception as error:  # a test that fails must not hide the next
            import traceback
            failed = 1
            print("not ok %d - %s" % (number, sentence))
            for line in ("%s: %s" % (type(error).__name__, error)).splitlines() + traceback.format_exc().splitlines():
                print("# " + line, flush=True)
    return failed


def skip_all(why):
    print("1..0 # SKIP " + why)
    sys.exit(0)


def equal(got, want):
    if got != want:
        raise AssertionError("wanted %r, got %r" % (want, got))


def contains(text, part):
    if part not in text:
        raise AssertionError("wanted %r in %r" % (part, text))


def refused(code, call, *args, status=None, text=None, **kwargs):
    """The boto3 call must fail with this code (and HTTP status, and text in its message). Returns the error's response."""
    from botocore.exceptions import ClientError
    try:
        call(*args, **kwargs)
    except ClientError as error:
        equal(error.response["Error"]["Code"], code)
        if status:
            equal(error.response["ResponseMetadata"]["HTTPStatusCode"], status)
        if text:
            contains(error.response["Error"]["Message"], text)
        return error.response
    raise AssertionError("wanted %s, but the call went through" % code)
