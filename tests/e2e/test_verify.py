#!/usr/bin/python3
"""amiferry verify: a copy and its source compared as they are in AWS now."""
# timeout: 300
# also: asan
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from ferry import PLAIN, QUICK, SEALED, Place, cloud, copy, wait_for
from harness import SOURCE, TARGET, contains, equal, test

FAST = ["--patience", "1"]
WINDOW = ["--consistency-window", "1"]  # what differs in a copy that is younger is read again


def made(p, *copies):
    return p.run("run", p.manifest(*copies), *QUICK, "--output", "json").ends(0).json()


def verify(p, c, code, *more):
    return p.run("verify", c["id"], *WINDOW, "--output", "json", *more).ends(code).json()


def verdicts(document):
    return {f["attribute"]: f["verdict"] for f in document["findings"]}


def target(p):
    return p.world.boto(TARGET, "ec2", "eu-west-1")


@test("an untouched copy is the same in every attribute, snapshot and key, and exits with 0; nothing is changed")
def _():
    with cloud() as p:
        c = made(p, copy(SEALED, "sealed", tags={"team": "blue"}))[0]
        stored = open(p.db, "rb").read()
        before = p.world.audit()["calls"]
        document = verify(p, c, 0)
        equal((document["same"], document["source"]), (True, {"region": "us-east-1", "image": SEALED, "live": True}))
        equal(set(verdicts(document).values()), {"Same"})
        for attribute in ("architecture", "ownerId", "name", "tag[team]", "snapshot[/dev/sdb].kmsKeyId", "blockDeviceMapping[/dev/sdb].iops"):
            equal(attribute in verdicts(document), True)
        equal(p.run("verify", c["id"], "--output", "ndjson").ends(0).lines(), [document])
        text = p.run("verify", c["id"][:-2]).ends(0).out
        contains(text, "Same        architecture ")
        contains(text, "%d Same\n" % len(document["findings"]))
        after = p.world.audit()["calls"]
        equal([call for call in after if after[call] != before.get(call) and not re.search(":(Describe|Get)", call)], [])
        equal(open(p.db, "rb").read(), stored)


@test("who may read the copy's snapshots is compared, where the manifest lets somebody and where it doesn't")
def _():
    with cloud() as p:
        letting = {"accounts": ["111122223333"], "snapshots": True}
        one, two = made(p, copy(name="one", launch_permissions=letting), copy(name="two"))
        equal(verify(p, one, 0)["findings"].count({"attribute": "snapshotPermission[/dev/xvda][111122223333]", "verdict": "Same", "allowed": False,
                                                   "source": "111122223333", "copy": "111122223333"}), 1)
        for c, operation in ((one, "remove"), (two, "add")):
            image = target(p).describe_images(ImageIds=[c["target"]["image"]])["Images"][0]
            target(p).modify_snapshot_attribute(SnapshotId=image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"], Attribute="createVolumePermission",
                                                OperationType=operation, UserIds=["111122223333"])
        for c, verdict in ((one, "Missing"), (two, "Different")):
            equal({a: v for a, v in verdicts(verify(p, c, 1)).items() if v != "Same"}, {"snapshotPermission[/dev/xvda][111122223333]": verdict})


@test("what was changed in the copy is Different or Missing and exits with 1; what the manifest allows doesn't count")
def _():
    with cloud() as p:
        one, two = made(p, copy(name="one", tags={"team": "blue", "stage": "x"}), copy(name="two", tags={"team": "blue"}, allow_differences=["tag"]))
        for c in (one, two):
            target(p).create_tags(Resources=[c["target"]["image"]], Tags=[{"Key": "team", "Value": "red"}])
        target(p).delete_tags(Resources=[one["target"]["image"]], Tags=[{"Key": "stage"}])
        document = verify(p, one, 1)
        equal({a: v for a, v in verdicts(document).items() if v != "Same"}, {"tag[team]": "Different", "tag[stage]": "Missing"})
        equal(document["same"], False)
        text = p.run("verify", one["id"], *WINDOW).ends(1).out
        contains(text, "  blue -> red\n")
        contains(text, "  x -> nothing\n")
        contains(text, " Same, 1 Different, 1 Missing\n")
        equal(verify(p, two, 0)["same"], True)
        contains(p.run("verify", two["id"]).ends(0).out, "blue -> red  (allowed)")


@test("a copy that is gone is a Missing image and exits with 1")
def _():
    with cloud() as p:
        c = made(p, copy(name="one"))[0]
        target(p).deregister_image(ImageId=c["target"]["image"])
        document = verify(p, c, 1)
        equal([(f["attribute"], f["verdict"], f["source"]) for f in document["findings"]], [("image", "Missing", PLAIN)])


@test("where the source is gone the copy is compared with what was read of it, and that is said")
def _():
    with cloud() as p:
        c = made(p, copy(name="one"))[0]
        p.world.boto(SOURCE, "ec2").deregister_image(ImageId=PLAIN)
        document = verify(p, c, 0)
        equal((document["source"]["live"], set(verdicts(document).values())), (False, {"Same"}))
        contains(p.run("verify", c["id"]).ends(0).out, "the source is gone: compared with what was read of it")


@test("what can't be read exits with 4 and says why: wrong keys, another account's, no answer")
def _():
    with cloud() as p:
        c = made(p, copy(name="one"))[0]
        config = open(os.path.join(p.home, "config")).read()
        p.write("config", config.replace(TARGET[1], "fake/not/the/secret"))
        contains(p.run("verify", c["id"]).ends(4).err, "it can't be read now\n    SignatureDoesNotMatch: ")
        p.write("config", config.replace(TARGET[0], SOURCE[0]).replace(TARGET[1], SOURCE[1]))
        done = p.run("verify", c["id"], "--output", "json").ends(4)
        contains(done.err, "WrongAccount: the target credentials belong to account 111122223333 now")
        equal(done.out, "")
        p.write("config", config)
        done = p.run("verify", c["id"], *FAST, AWS_ENDPOINT_URL="http://127.0.0.1:1").ends(4)
        contains(done.err, "it can't be read now")


@test("what is not done, or not there, is nothing to verify and exits with 2")
def _():
    with Place() as p:
        contains(p.run("verify", "cp-1").ends(2).err, "there is no database")
        p.untouched()
    with cloud() as p:
        p.run("run", p.manifest(copy("ami-0aaa000000000dead")), *QUICK).ends(1)
        c = p.run("run", p.manifest(copy("ami-0aaa000000000dead")), *QUICK, "--output", "json").ends(1).json()[0]
        contains(p.run("verify", c["id"]).ends(2).err, "is failed: there is nothing to verify")
        contains(p.run("verify", "cp-zz").ends(2).err, "no copy cp-zz")


@test("verify works beside a process that is at work, and puts up with answers that fail for a moment")
def _():
    with cloud("--speed", "0.2") as p:
        c = made(p, copy(name="one"))[0]
        process = p.start("run", p.manifest(copy(name="two")), *QUICK)
        wait_for(lambda: str(p.world.audit()["calls"]).count("CopyImage"))
        p.world.faults({"kind": "throttle", "action": "DescribeImages", "times": 2})
        equal(verify(p, c, 0)["same"], True)
        equal(process.poll(), None)
        process.communicate(timeout=60)
        equal(process.returncode, 0)


sys.exit(harness.run())
