#!/usr/bin/python3
"""amiferry sweep: what no copy needs is found by its tags, in every account and Region of a manifest, and deleted where that is asked for; what
a copy needs, or was made for, stays."""
# timeout: 600
# also: asan
import contextlib
import glob
import os
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from botocore.exceptions import ClientError
from ferry import BUILD, QUICK, SEALED, Place, copy, on_terminal, wait_for
from harness import SOURCE, TARGET, contains, equal, test

BLIND = ("AKIAFAKETARGETBLIND1", "fake/secret/of/the/target/blind/00000005")
SOURCE_KEY = "arn:aws:kms:us-east-1:111122223333:key/1111aaaa-11aa-41aa-a1aa-111111111111"
HERE, THERE = "us-east-1", "eu-west-1"
OWN = "ami-0ccc0000000000001"  # the target's, before anything is copied


@contextlib.contextmanager
def cloud(*options, world="sweep.yaml"):
    with harness.World(BUILD, world, *options) as world, Place(world.url) as p:
        p.world = world
        with open(os.path.join(p.home, "config"), "a") as f:
            f.write("[profile blind]\nregion = %s\naws_access_key_id = %s\naws_secret_access_key = %s\n" % (THERE, *BLIND))
        yield p


def sweep(p, m, *options, code=0):
    return p.run("sweep", m, *options, *QUICK, "--output", "json").ends(code).json()


def found(document):
    """What is listed, as verdict, kind and id."""
    return sorted((t["verdict"], t["kind"], t["id"]) for t in document["things"])


def ec2(p, region=THERE, credentials=TARGET):
    return p.world.boto(credentials, "ec2", region)


def tags(kind, copy_id, step="9.0", temporary=True):
    list_ = [{"Key": "amiferry:copy", "Value": copy_id}, {"Key": "amiferry:step", "Value": step}]
    return [{"ResourceType": kind, "Tags": list_ + [{"Key": "amiferry:temporary", "Value": "yes"}] * temporary}]


def settled(call):
    """What AWS says as soon as it knows of what was just made or opened."""
    def attempt():
        try:
            return call()
        except ClientError as error:
            if not any(word in str(error) for word in ("NotFound", "IncorrectState", "Unavailable", "RequestLimitExceeded")):
                raise
    return wait_for(attempt)


def share(p, how):
    ec2(p, HERE, SOURCE).modify_snapshot_attribute(SnapshotId="snap-0aaa0000000000001", Attribute="createVolumePermission", OperationType=how,
                                                   UserIds=["444455556666"])


def leave_snapshot(p, copy_id, step="9.0", temporary=True, region=THERE):
    """A snapshot of the target's, as a lost call of that copy would have made it."""
    share(p, "add")
    ask = {"SourceRegion": HERE, "SourceSnapshotId": "snap-0aaa0000000000001", "TagSpecifications": tags("snapshot", copy_id, step, temporary)}
    made = settled(lambda: ec2(p, region).copy_snapshot(**ask))["SnapshotId"]
    wait_for(lambda: settled(lambda: ec2(p, region).describe_snapshots(SnapshotIds=[made]))["Snapshots"][0]["State"] == "completed")
    share(p, "remove")
    return made


def leave_image(p, snapshot, copy_id=None, name="left", step="9.0", temporary=True):
    """An AMI over that snapshot: of a copy, or somebody's own."""
    mapping = [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}]
    made = settled(lambda: ec2(p).register_image(Name=name, RootDeviceName="/dev/xvda", BlockDeviceMappings=mapping))["ImageId"]
    if copy_id:
        settled(lambda: ec2(p).create_tags(Resources=[made], Tags=tags("image", copy_id, step, temporary)[0]["Tags"]))
    wait_for(lambda: settled(lambda: ec2(p).describe_images(ImageIds=[made]))["Images"][0]["State"] == "available")
    return made


def leave_launch(p, copy_id):
    """A security group, and an instance with its volume in it, in the Region where copies launch."""
    client = ec2(p, HERE)
    group = client.create_security_group(GroupName="left-" + copy_id, Description="left", TagSpecifications=tags("security-group", copy_id))["GroupId"]
    ask = {"ImageId": OWN, "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1, "SecurityGroupIds": [group],
           "TagSpecifications": tags("instance", copy_id) + tags("volume", copy_id)}
    launched = settled(lambda: client.run_instances(**ask))["Instances"][0]["InstanceId"]
    volumes = wait_for(lambda: client.describe_volumes(Filters=[{"Name": "tag:amiferry:copy", "Values": [copy_id]}])["Volumes"])
    return sorted([("instance", launched), ("security-group", group), ("volume", volumes[0]["VolumeId"])])


def leave_grant(p, copy_id):
    root = "arn:aws:iam::%s:root"
    return p.world.boto(SOURCE, "kms", HERE).create_grant(
        KeyId=SOURCE_KEY, GranteePrincipal=root % "444455556666", RetiringPrincipal=root % "111122223333", Operations=["Decrypt", "DescribeKey"],
        Name="amiferry-%s-9-0" % copy_id)["GrantId"]


LAG_S = 2


def lagging():
    with open(harness.world_file("sweep.yaml")) as f:
        text = f.read().replace("read_lag: 0\n", "read_lag: [0.5, %g]\n" % LAG_S)
    path = os.path.join(tempfile.mkdtemp(prefix="sweep."), "lagging.yaml")
    with open(path, "w") as f:
        f.write(text)
    return path


def done(p, *copies):
    """A manifest and the ids of its copies, all done."""
    m = p.manifest(*copies)
    return m, [c["id"] for c in p.run("run", m, *QUICK, "--output", "json").ends(0).json()]


def cancelled(p, **more):
    """A manifest and the id of its copy, which ended without anything being left."""
    m = p.manifest(copy(name="one", target={"profile": "reader"}, **more))
    p.run("run", m, *QUICK).ends(4)
    c = p.run("cancel", p.run("status", "--output", "json").json()["batches"][0]["id"], *QUICK, "--output", "json").ends(0).json()[0]
    m = p.manifest(copy(name="one", **more))
    return m, c["id"]


def launching(p):
    """A run that launches an AMI, caught while its instance is there."""
    m = p.manifest(copy(name="one", route="launch-image"))
    process = p.start("run", m, *QUICK)
    wait_for(lambda: "RunInstances" in str(p.world.audit()["calls"]))
    return m, process


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def lose_database(p):
    for path in glob.glob(p.db + "*"):
        os.unlink(path)


CLEAN = ("instances_open", "volumes_left", "security_groups_left", "grants_open", "grants_lost", "shares_open", "shares_lost", "duplicates",
         "lost_resources", "orphaned_snapshots")


def events(p, copy_id):
    """What sweep has written down."""
    return [e for e in p.run("show", copy_id, "--output", "json").ends(0).json()["events"] if "sweep: " in (e["message"] or "")]


def clean(p, images):
    """Nothing is there but so many new AMIs with their snapshots."""
    audit = p.world.audit()
    equal({k: audit[k] for k in CLEAN}, {k: [] for k in CLEAN})
    equal(len(audit["images"]), images)


# --- what stays ---

@test("what finished copies were made for is kept and not listed, and nothing else of them is left")
def _():
    with cloud() as p:
        m, _ids = done(p, copy(name="one"), copy(SEALED, "two"), copy(name="three", route="launch-image"))
        before = p.world.audit()
        document = sweep(p, m, "--delete", "--unknown", "--yes")
        equal((document["things"], document["unread"]), ([], []))
        equal((document["totals"]["kept"], document["totals"]["needed"]), (3 + 4, 0))
        equal((p.world.audit()["images"], p.world.audit()["snapshots"]), (before["images"], before["snapshots"]))


@test("what a stopped copy has under way is needed: it isn't listed, isn't deleted, and the copy goes on with it")
def _():
    with cloud() as p:
        m, process = launching(p)
        process.send_signal(signal.SIGTERM)
        process.communicate()
        document = sweep(p, m, "--delete", "--unknown", "--yes")
        equal((document["things"], document["totals"]["needed"]), ([], 3))
        p.run("resume", *QUICK).ends(0)
        clean(p, 1)


@test("a snapshot that somebody's own AMI uses is kept, whosever tag it has; so is an AMI that another copy has adopted")
def _():
    with cloud() as p:
        m, one = cancelled(p)
        used = leave_snapshot(p, one)
        leave_image(p, used, name="somebody's own")
        p.run("run", m, *QUICK, "--db", os.path.join(p.home, "other.db")).ends(0)
        adopted = p.run("run", m, *QUICK, "--output", "json").ends(0).json()[0]
        equal(adopted["route"], "adopt")
        image = ec2(p).describe_images(ImageIds=[adopted["target"]["image"]])["Images"][0]
        both = [image["ImageId"], image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]]
        ec2(p).create_tags(Resources=both, Tags=[{"Key": "amiferry:copy", "Value": one}])
        document = sweep(p, m, "--delete", "--yes")
        equal((document["things"], document["totals"]["kept"]), ([], 3))


@test("an AMI that somebody copied of a finished one, tags and all, stays when that one is undone")
def _():
    with cloud() as p:
        m, (one,) = done(p, copy(name="one"))
        image = p.run("show", one, "--output", "json").ends(0).json()["target"]["image"]
        status, _body = p.world.call(TARGET, "ec2", "CopyImage", {"Name": "his", "SourceImageId": image, "SourceRegion": THERE,
                                                                 "CopyImageTags": "true"}, region=THERE)
        equal(status, 200)
        wait_for(lambda: ec2(p).describe_images(Filters=[{"Name": "name", "Values": ["his"]}, {"Name": "tag:amiferry:copy", "Values": [one]},
                                                         {"Name": "state", "Values": ["available"]}])["Images"])
        p.run("undo", one, "--yes", *QUICK).ends(0)
        document = sweep(p, m, "--delete", "--unknown", "--yes")
        equal((document["things"], document["totals"]["kept"]), ([], 2))


# --- what goes ---

@test("everything that an ended copy left is an orphan: --delete takes it away, users before what they use, and leaves the results")
def _():
    with cloud() as p:
        m, one = cancelled(p)
        _m, (_two,) = done(p, copy(name="two"))
        snapshot = leave_snapshot(p, one)
        want = sorted([("image", leave_image(p, snapshot, one)), ("snapshot", snapshot), ("grant", leave_grant(p, one))] + leave_launch(p, one))
        document = sweep(p, m)
        equal(found(document), [("orphan", *w) for w in want])
        equal({t["copy"] for t in document["things"]}, {one})
        document = sweep(p, m, "--delete", "--yes")
        equal(sorted((t["kind"], t["id"]) for t in document["things"] if t["deleted"]), want)
        equal((document["totals"]["deleted"], document["totals"]["failed"]), (len(want), 0))
        equal(sweep(p, m)["things"], [])
        clean(p, 1)
        asked = [e["message"].split()[1] for e in events(p, one) if e["kind"] == "intent"]
        for first, later in (("instance", "volume"), ("volume", "security-group"), ("image", "snapshot")):
            equal(asked.index(first) < asked.index(later), True)


@test("each call about a copy that the database knows is among its events, before it is sent and after it")
def _():
    with cloud() as p:
        m, one = cancelled(p)
        snapshot = leave_snapshot(p, one)
        p.world.faults({"kind": "error-after", "action": "DeleteSnapshot", "status": 503, "code": "Unavailable", "message": "x", "times": 1})
        equal(sweep(p, m, "--delete", "--yes")["totals"]["deleted"], 1)
        seen = [(e["kind"], e["action"], "not deleted" in e["message"]) for e in events(p, one)]
        equal(seen, [("intent", "ec2:DeleteSnapshot", False), ("outcome", "ec2:DeleteSnapshot", True)] * 2)
        contains(events(p, one)[-1]["message"], "snapshot %s (account 444455556666, eu-west-1): gone" % snapshot)
        equal(p.run("show", one, "--output", "json").json()["state"], "cancelled")


@test("what a finished copy made on the way, or in vain, is an orphan; by the mark of the step that made it, not by chance")
def _():
    with cloud() as p:
        m, (one,) = done(p, copy(SEALED, "one"))
        temporary, anew = leave_snapshot(p, one), leave_snapshot(p, one, "2.7", temporary=False)
        equal(found(sweep(p, m)), sorted([("orphan", "snapshot", temporary), ("orphan", "snapshot", anew)]))
        equal(sweep(p, m, "--delete", "--yes")["totals"]["deleted"], 2)
        clean(p, 1)


@test("an orphan AMI's snapshot goes with it although the user's tags have left no room for amiferry's")
def _():
    with cloud() as p:
        m, one = cancelled(p)
        snapshot = leave_snapshot(p, one)
        image = leave_image(p, snapshot, one)
        ec2(p).delete_tags(Resources=[snapshot], Tags=[{"Key": "amiferry:copy"}])
        document = sweep(p, m, "--delete", "--yes")
        equal([(t["id"], t["deleted"]) for t in document["things"]], [(image, True), (snapshot, True)])
        clean(p, 0)


# --- what is unknown ---

@test("what a lost database's copy left is unknown: --delete alone lets it be, --unknown takes it away")
def _():
    with cloud() as p:
        m, process = launching(p)
        kill(process)
        lose_database(p)
        document = sweep(p, m)
        equal([(t["verdict"], t["kind"]) for t in document["things"]], [("unknown", "instance"), ("unknown", "volume"), ("unknown", "security-group")])
        equal(sweep(p, m, "--delete", "--yes")["totals"]["deleted"], 0)
        equal(os.path.exists(p.db), False)
        equal(sweep(p, m, "--delete", "--unknown", "--yes")["totals"]["deleted"], 3)
        audit = p.world.audit()
        equal((audit["instances_open"], audit["volumes_left"], audit["security_groups_left"]), ([], [], []))


@test("another database's copy isn't disturbed by --delete, wherever it is")
def _():
    with cloud() as p:
        m, process = launching(p)
        equal(sweep(p, m, "--db", os.path.join(p.home, "other.db"), "--delete", "--yes")["totals"]["unknown"], 3)
        process.communicate()
        equal(process.returncode, 0)
        clean(p, 1)


@test("a whole AMI whose database is lost is never deleted, and its manifest's next run adopts it")
def _():
    with cloud() as p:
        m, _ids = done(p, copy(name="one"))
        lose_database(p)
        document = sweep(p, m, "--delete", "--unknown", "--yes")
        equal([(t["verdict"], t["kind"], t["deleted"]) for t in document["things"]], [("adoptable", "image", False)])
        equal(p.run("run", m, *QUICK, "--output", "json").ends(0).json()[0]["route"], "adopt")
        equal((sweep(p, m)["things"], sweep(p, m)["totals"]["kept"]), ([], 2))
        clean(p, 1)


@test("grants of a lost database are found by their names; those of others are none of amiferry's")
def _():
    with cloud() as p:
        m = p.manifest(copy(SEALED, "one"))
        lost = leave_grant(p, "cp-0123456789ab")
        kms = p.world.boto(SOURCE, "kms", HERE)
        root = "arn:aws:iam::111122223333:root"
        theirs = kms.create_grant(KeyId=SOURCE_KEY, GranteePrincipal=root, RetiringPrincipal=root, Operations=["Decrypt"], Name="amiferry")["GrantId"]
        equal(found(sweep(p, m)), [("unknown", "grant", lost)])
        sweep(p, m, "--delete", "--unknown", "--yes")
        equal([g["GrantId"] for g in kms.list_grants(KeyId=SOURCE_KEY)["Grants"]], [theirs])


# --- beside others ---

@test("beside a process at work it lists, and --delete exits with 5 and deletes nothing")
def _():
    with cloud() as p:
        _m, one = cancelled(p)
        snapshot = leave_snapshot(p, one)
        m, process = launching(p)
        equal(found(sweep(p, m)), [("orphan", "snapshot", snapshot)])
        refused = p.run("sweep", m, "--delete", "--yes", *QUICK).ends(5)
        contains(refused.err, "in use by process %d" % process.pid)
        equal(refused.out, "")
        process.communicate()
        equal(process.returncode, 0)
        equal(found(sweep(p, m)), [("orphan", "snapshot", snapshot)])


@test("where something can't be looked at, that is said with 4, and the rest is swept all the same")
def _():
    with cloud() as p:
        _m, one = cancelled(p)
        snapshot = leave_snapshot(p, one)
        m = p.manifest(copy(name="one"), copy(name="two", target={"region": HERE, "profile": "blind"}))
        document = sweep(p, m, "--delete", "--yes", code=4)
        equal([(t["id"], t["deleted"]) for t in document["things"]], [(snapshot, True)])
        equal([(u["what"], u["account"], u["region"], u["error"]["code"]) for u in document["unread"]],
              [(w, "444455556666", HERE, "UnauthorizedOperation") for w in ("images", "snapshots", "instances", "volumes", "security groups")])
        contains(p.run("sweep", m, *QUICK).ends(4).out, "could not be looked at\n  444455556666  us-east-1       images\n    UnauthorizedOperation: ")


@test("credentials of another account than the manifest says are not listed with")
def _():
    with cloud() as p:
        m, one = cancelled(p)
        leave_snapshot(p, one)
        m = p.manifest(copy(name="one", target={"account": "999988887777"}))
        document = sweep(p, m, "--delete", "--yes", code=4)
        equal((document["things"], {u["error"]["code"] for u in document["unread"]}), ([], {"WrongAccount"}))


@test("what can't be deleted is listed with AWS's reason and ends with 1; the rest goes")
def _():
    with cloud() as p:
        m, one = cancelled(p)
        held, free = leave_snapshot(p, one), leave_snapshot(p, one)
        p.world.faults({"kind": "error", "action": "DeleteSnapshot", "status": 403, "code": "UnauthorizedOperation",
                        "message": "not this one", "times": 1})
        document = sweep(p, m, "--delete", "--yes", code=1)
        fates = sorted((t["deleted"], t["error"] and t["error"]["code"]) for t in document["things"])
        equal(fates, [(False, "UnauthorizedOperation"), (True, None)])
        equal((document["totals"]["deleted"], document["totals"]["failed"]), (1, 1))
        document = sweep(p, m, "--delete", "--yes")
        equal(len(document["things"]), 1)
        equal({held, free} >= {t["id"] for t in document["things"]}, True)
        clean(p, 0)


@test("AWS may show for a while what is gone: that isn't taken for something left, nor for an orphan's user")
def _():
    with cloud(world=lagging()) as p:
        m, one = cancelled(p)
        snapshot = leave_snapshot(p, one)
        leave_image(p, snapshot, one)
        leave_launch(p, one)
        time.sleep(LAG_S)  # until all of it is shown
        document = p.run("sweep", m, "--delete", "--yes", "--poll-interval", "0.1", "--consistency-window", "8", "--output", "json").ends(0).json()
        equal((document["totals"]["deleted"], document["totals"]["failed"]), (5, 0))
        clean(p, 0)


# --- what is said, and asked ---

@test("without a terminal --yes is needed; on one, it asks, and no leaves everything as it is")
def _():
    with cloud() as p:
        m, one = cancelled(p)
        snapshot = leave_snapshot(p, one)
        refused = p.run("sweep", m, "--delete", *QUICK).ends(2)
        contains(refused.err, snapshot)
        contains(refused.err, "amiferry sweep %s --delete --yes" % m)
        code, out = on_terminal(p, 200, 50, "sweep", m, "--delete", *QUICK, answer=("Go on? [y/N]", "n\n"))
        equal(code, 1)
        contains(out, "nothing was changed")
        equal(found(sweep(p, m)), [("orphan", "snapshot", snapshot)])
        code, out = on_terminal(p, 200, 50, "sweep", m, "--delete", *QUICK, answer=("Go on? [y/N]", "y\n"))
        equal(code, 0)
        contains(out, "1 deleted, 0 could not be")
        clean(p, 0)


@test("--unknown and --yes without --delete, and a manifest that is wrong, exit with 2 before anything is sent")
def _():
    with Place() as p:
        m = p.manifest(copy(name="one"))
        for options in (["--unknown"], ["--yes"]):
            contains(p.run("sweep", m, *options).ends(2).err, "go with --delete")
        p.run("sweep", p.write("bad.yaml", "version: 2")).ends(2)
        contains(p.run("sweep").ends(2).err, "usage: amiferry sweep")
        p.untouched()


@test("text says what, where, how big, how old and why; ndjson the same, a line each, with the totals last")
def _():
    with cloud() as p:
        m, one = cancelled(p)
        snapshot = leave_snapshot(p, one)
        done_ = p.run("sweep", m, *QUICK).ends(0)
        contains(done_.out, "orphans: no copy needs them\n  444455556666  eu-west-1       snapshot        %s    8.0 GiB" % snapshot)
        contains(done_.out, "  %s  its copy has failed or was cancelled\n" % one)
        contains(done_.out, "1 orphan, 0 unknown")
        contains(done_.err, "amiferry sweep %s --delete" % m)
        lines = p.run("sweep", m, *QUICK, "--output", "ndjson").ends(0).lines()
        equal([l["type"] for l in lines], ["thing", "totals"])
        equal((lines[0]["bytes"], lines[0]["temporary"], lines[0]["deleted"], lines[0]["error"]), (8 << 30, True, False, None))


@test("an interrupted sweep leaves nothing that the next one doesn't find")
def _():
    with cloud() as p:
        m, one = cancelled(p)
        for _i in range(3):
            leave_snapshot(p, one)
        p.world.faults({"kind": "slow", "action": "DeleteSnapshot", "delay_ms": 2000})
        process = p.start("sweep", m, "--delete", "--yes", *QUICK)
        wait_for(lambda: "DeleteSnapshot" in str(p.world.audit()["calls"]))
        kill(process)
        p.world.faults()
        left = len(sweep(p, m)["things"])
        equal(1 <= left <= 3, True)
        equal(sweep(p, m, "--delete", "--yes")["totals"]["deleted"], left)
        clean(p, 0)


sys.exit(harness.run())
