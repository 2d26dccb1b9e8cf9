#!/usr/bin/python3
"""Replies that are lost on the way, over real connections: cloudsim carries the call out and closes without a word. The real binary makes no
second image, snapshot or grant of it, and the AWS CLI sees what it made."""
# also: asan
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import SOURCE, TARGET, equal, test

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
FERRY = os.path.join(BUILD, "tools", "amiferry", "amiferry")
PLAIN, SEALED = "ami-0aaa0000000000001", "ami-0aaa0000000000002"
CLEAN = ("duplicates", "shares_open", "shares_lost", "grants_open", "orphaned_snapshots", "lost_resources")


def profile(name, keys):
    return "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n" % (name, *keys)


def ferry(world, *arguments):
    """Runs amiferry with the world's source and target administrators as profiles."""
    with open(os.path.join(world.home, "credentials"), "w") as f:
        f.write(profile("from", SOURCE) + profile("to", TARGET))
    manifest = {"version": 1, "defaults": {"source": {"profile": "from", "region": "us-east-1"}, "target": {"profile": "to", "region": "eu-west-1"}},
                "copies": [{"source": {"image": PLAIN}, "name": "plain-copy"},
                           {"source": {"image": SEALED}, "name": "sealed-copy", "target": {"kms_key": "alias/target-disks"}}]}
    path = os.path.join(world.home, "manifest.json")
    with open(path, "w") as f:
        json.dump(manifest, f)
    done = subprocess.run([FERRY, *arguments, path, "--db", os.path.join(world.home, "amiferry.db"), "--poll-interval", "0.1", "--consistency-window", "1",
                           "--output", "json", "--quiet"], env=world.env(AWS_ENDPOINT_URL=world.url), capture_output=True, text=True, timeout=300)
    equal((done.returncode, done.stderr), (0, ""))
    return json.loads(done.stdout)


def check(world, calls):
    audit = world.audit()
    for what in CLEAN:
        equal((what, audit[what]), (what, []))
    for call, times in calls.items():
        equal((call, audit["calls"][call].get("ok")), (call, times))
    equal(len(audit["images"]), 2)
    return audit


def loses(action, kind="lost-reply"):
    # What a call did is counted as done, whether or not its reply arrived: one more would be a second one.
    once = {"ec2:CopyImage": 1, "ec2:RegisterImage": 1, "ec2:CopySnapshot": 2}
    if action == "CopyImage":
        del once["ec2:CopyImage"]  # libcurl may send it again by itself: its token makes that one image, and the number of images is checked

    @test("a %s of %s, over a connection that was used before, makes no second one" % (kind.replace("-", " "), action))
    def _():
        with harness.World(BUILD, "small.yaml", "--speed", "100") as world:
            world.faults({"kind": kind, "action": action, "nth": 1})
            ferry(world, "run")
            audit = check(world, once)
            equal([kinds for kinds in audit["faults"].values()], [{kind: 1}])


for action in ("CopySnapshot", "RegisterImage", "CreateGrant", "CopyImage", "ModifySnapshotAttribute", "RetireGrant"):
    loses(action)
for action in ("CopySnapshot", "RegisterImage"):
    loses(action, "half")


@test("the AWS CLI sees what amiferry made: images, snapshots under the target's key, tags, and no access left")
def _():
    with harness.World(BUILD, "small.yaml", "--speed", "100") as world:
        results = ferry(world, "run")
        made = {copy["name"]: copy["target"]["image"] for copy in results}
        code, reply, error = world.aws(TARGET, "ec2", "describe-images", "--owners", "self", "--image-ids", *made.values(), region="eu-west-1")
        equal((code, error), (0, ""))
        equal(sorted(image["Name"] for image in reply["Images"]), ["plain-copy", "sealed-copy"])
        sealed = next(image for image in reply["Images"] if image["Name"] == "sealed-copy")
        equal({tag["Key"] for tag in sealed["Tags"]} >= {"amiferry:copy", "amiferry:source", "amiferry:key"}, True)
        ids = [mapping["Ebs"]["SnapshotId"] for mapping in sealed["BlockDeviceMappings"] if "Ebs" in mapping and "SnapshotId" in mapping["Ebs"]]
        code, reply, error = world.aws(TARGET, "ec2", "describe-snapshots", "--snapshot-ids", *ids, region="eu-west-1")
        equal((code, {snapshot["KmsKeyId"].split(":")[4] for snapshot in reply["Snapshots"]}), (0, {"444455556666"}))
        code, reply, error = world.aws(SOURCE, "ec2", "describe-image-attribute", "--image-id", PLAIN, "--attribute", "launchPermission")
        equal((code, [p for p in reply["LaunchPermissions"] if p.get("UserId") == "444455556666"]), (0, []))


@test("plan, too, sees what stands behind an empty page: the copies that are there already")
def _():
    with harness.World(BUILD, "small.yaml", "--speed", "100") as world:
        ferry(world, "run")
        world.faults({"kind": "empty-page", "action": "DescribeImages", "account": "444455556666", "times": 2})
        plan = ferry(world, "plan")
        equal([copy["route"] for copy in plan["copies"]], ["adopt", "adopt"])


sys.exit(harness.run())
