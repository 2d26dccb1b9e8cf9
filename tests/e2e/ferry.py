"""What the tests of the command share: the command run in a folder of its own, on terminals, beside cloudsim; and manifests."""
import contextlib
import fcntl
import json
import os
import pty
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

import harness
from harness import READER, SOURCE, TARGET, equal

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
FERRY = os.path.join(BUILD, "tools", "amiferry", "amiferry")
PLAIN, SEALED = "ami-0aaa0000000000001", "ami-0aaa0000000000002"
QUICK = ["--poll-interval", "0.1", "--consistency-window", "1"]


def lacks(text, part):
    if part in text:
        raise AssertionError("did not want %r in %r" % (part, text))


class Done:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def ends(self, code):
        if self.code != code:
            raise AssertionError("wanted exit code %d, got %d\n%s\n%s" % (code, self.code, self.out, self.err))
        return self

    def json(self):
        return json.loads(self.out)

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


class Place:
    """A folder with its own home and database, and a socket that counts connections in AWS's place."""

    def __init__(self, url=None):
        self.home = tempfile.mkdtemp(prefix="ferry.")
        self.db = os.path.join(self.home, "state", "amiferry", "amiferry.db")
        self.knocks = 0
        self.socket = None
        if not url:
            self.socket = socket.create_server(("127.0.0.1", 0))
            threading.Thread(target=self._count, daemon=True).start()
            url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        self.url = url
        self.write("config", "".join(
            "[profile %s]\nregion = %s\naws_access_key_id = %s\naws_secret_access_key = %s\n" % (name, region, *keys)
            for name, region, keys in (("src", "us-east-1", SOURCE), ("dst", "eu-west-1", TARGET), ("reader", "eu-west-1", READER))))

    def _count(self):
        held = []  # open, and never answered
        while True:
            try:
                held.append(self.socket.accept())
            except OSError:
                return
            self.knocks += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.socket:
            self.socket.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def write(self, name, content):
        path = os.path.join(self.home, name)
        with open(path, "wb") as f:
            f.write(content.encode() if isinstance(content, str) else content)
        return path

    def env(self, **more):
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_") and not k.lower().endswith("_proxy")}
        env.update(HOME=self.home, XDG_STATE_HOME=os.path.join(self.home, "state"), AWS_ENDPOINT_URL=self.url, LC_ALL="C.UTF-8",
                   AWS_CONFIG_FILE=os.path.join(self.home, "config"), AWS_SHARED_CREDENTIALS_FILE=os.path.join(self.home, "none"),
                   AWS_EC2_METADATA_DISABLED="true", AWS_ACCESS_KEY_ID="AKIAFAKE", AWS_SECRET_ACCESS_KEY="fake")
        env.update(more)
        return env

    def run(self, *args, input=None, timeout=120, limit=None, stdout=subprocess.PIPE, **env):
        before = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) if limit else None
        done = subprocess.run([FERRY, *args], env=self.env(**env), input=input, stdout=stdout, stderr=subprocess.PIPE, timeout=timeout,
                              preexec_fn=before)
        return Done(done.returncode, (done.stdout or b"").decode(), done.stderr.decode())

    def start(self, *args, **env):
        return subprocess.Popen([FERRY, *args], env=self.env(**env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def manifest(self, *copies, name="batch.json"):
        return self.write(name, json.dumps({
            "version": 1,
            "defaults": {"source": {"region": "us-east-1", "profile": "src"}, "target": {"region": "eu-west-1", "profile": "dst"}},
            "copies": list(copies)}))

    def untouched(self):
        """Nothing was sent, and no database was made."""
        equal(self.knocks, 0)
        equal(os.path.exists(os.path.dirname(self.db)), False)


def copy(image=PLAIN, name=None, **more):
    c = {"source": {"image": image}, **more}
    if image == SEALED:
        c.setdefault("target", {})["kms_key"] = "alias/target-disks"
    if name:
        c["name"] = name
    return c


@contextlib.contextmanager
def cloud(*options):
    with harness.World(BUILD, "small.yaml", *options) as world, Place(world.url) as place:
        place.world = world
        yield place


def wait_for(probe, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = probe()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("it did not come within %d s" % seconds)


def on_terminal(place, columns, rows, *args, send=None, after=0.0, resize=None, answer=None, **env):
    """Runs it with a terminal for all three streams. answer: (what is asked, what is typed then). Returns the exit code and what came
    out of it."""
    pid, fd = pty.fork()
    if pid == 0:
        try:
            time.sleep(0.2)
            os.execve(FERRY, [FERRY, *args], place.env(TERM="xterm", **env) if "TERM" not in env else place.env(**env))
        finally:
            os._exit(127)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    out, begun = b"", time.monotonic()
    while True:
        if select.select([fd], [], [], 0.05)[0]:
            try:
                more = os.read(fd, 65536)
            except OSError:
                break
            if not more:
                break
            out += more
        if send and time.monotonic() - begun > after:
            os.kill(pid, send)
            send = None
        if answer and answer[0].encode() in out:
            os.write(fd, answer[1].encode())
            answer = None
        if resize and time.monotonic() - begun > after:
            fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", resize[1], resize[0], 0, 0))
            resize = None
        if time.monotonic() - begun > 120:
            os.kill(pid, signal.SIGKILL)
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), out.decode()
