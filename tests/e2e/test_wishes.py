#!/usr/bin/python3
"""What a person wants of copies that are stored: cancel, retry, undo, here and through the socket of the process that owns the database."""
# timeout: 600
# also: asan
import json
import os
import re
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from ferry import PLAIN, QUICK, SEALED, Place, cloud, copy, lacks, on_terminal, wait_for
from harness import READER, SOURCE, TARGET, contains, equal, test


def begun(p, *copies, options=()):
    """A run that has sent CopyImage, and its copies' ids by position."""
    process = p.start("run", p.manifest(*copies), *QUICK, *options)
    wait_for(lambda: "CopyImage" in str(p.world.audit()["calls"]))
    return process, ids(p)


def ids(p):
    batch = p.run("status", "--output", "json").json()["batches"][0]["id"]
    return [c["id"] for c in p.run("status", batch, "--output", "json").json()["copies"]]


def states(p):
    batch = p.run("status", "--output", "json").json()["batches"][0]["id"]
    return [c["state"] for c in p.run("status", batch, "--output", "json").json()["copies"]]


def clean(p, images):
    audit = p.world.audit()
    equal((len(audit["images"]), audit["shares_open"], audit["grants_open"], audit["duplicates"]), (images, [], [], []))


def mend(p):
    """What a person does who sees to what blocked it."""
    config = open(os.path.join(p.home, "config")).read()
    p.write("config", config.replace(READER[0], TARGET[0]).replace(READER[1], TARGET[1]))


def blocked(name):
    return copy(name=name, target={"profile": "reader"})


# --- where nobody owns the database ---

@test("without a database, or such a copy, cancel, retry and undo exit with 2 and make none")
def _():
    with Place() as p:
        for command in ("cancel", "retry", "undo"):
            contains(p.run(command, "cp-1").ends(2).err, "no copy or batch cp-1: there is no database")
            contains(p.run(command).ends(2).err, "usage: amiferry " + command)
        p.untouched()
    with cloud() as p:
        p.run("run", p.manifest(copy(name="one")), *QUICK).ends(0)
        contains(p.run("cancel", "cp-zz").ends(2).err, "no copy cp-zz")
        contains(p.run("retry", "1999").ends(2).err, "no batch 1999")


@test("an empty id, as of a variable that isn't set, names nothing, though there is but one batch and one copy")
def _():
    with cloud() as p:
        p.run("run", p.manifest(blocked("one")), *QUICK).ends(4)
        for command in ("cancel", "retry", "resume", "status"):
            contains(p.run(command, "").ends(2).err, "an empty id names no batch")
        for command in ("undo", "verify", "show"):
            contains(p.run(command, "").ends(2).err, "an empty id names no copy")
        equal(states(p), ["blocked"])


@test("cancel undoes what was stopped in the middle, and leaves the rest of the batch to be carried to its end")
def _():
    with cloud("--speed", "0.1") as p:
        process, (one, _two) = begun(p, copy(name="one"), copy(name="two"))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        equal(process.returncode, 130)
        done = p.run("cancel", one, *QUICK).ends(0)
        contains(done.err, "to be cancelled: 1 copy\nand the other unfinished copy of the batch is carried to its end; Ctrl-C stops\n")
        contains(done.err, "1 done, 1 cancelled")
        counts = p.run("status", "--output", "json").json()["batches"][0]["counts"]
        equal(counts, {"done": 1, "working": 0, "waiting": 0, "failed": 1, "cancelled": 1, "blocked": 0})
        equal(states(p), ["cancelled", "done"])
        clean(p, 1)


@test("cancel of a batch cancels all of it, and says at the second time that there is nothing left")
def _():
    with cloud("--speed", "0.1") as p:
        process, _ = begun(p, copy(name="one"), copy(name="two"))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        batch = p.run("status", "--output", "json").json()["batches"][0]["id"]
        copies = p.run("cancel", batch, *QUICK, "--output", "json").ends(0).json()
        equal([c["state"] for c in copies], ["cancelled", "cancelled"])
        contains(p.run("cancel", batch).ends(0).err, "nothing to cancel")
        equal(p.run("cancel", batch, "--output", "json").ends(0).json(), [])  # as resume does
        equal(p.run("retry", batch, "--output", "json").ends(1).json(), [])
        clean(p, 0)


@test("cancel of what is done changes nothing, names undo and exits with 1")
def _():
    with cloud() as p:
        made = p.run("run", p.manifest(copy(name="one")), *QUICK, "--output", "json").ends(0).json()
        contains(p.run("cancel", made[0]["id"]).ends(1).err, "amiferry undo")
        clean(p, 1)


@test("a blocked copy is cancelled without being tried again; retry tries the one that is named and no other")
def _():
    with cloud() as p:
        p.run("run", p.manifest(blocked("one"), blocked("two"), blocked("three")), *QUICK).ends(4)
        one, two, _three = ids(p)
        lacks(p.run("cancel", one, *QUICK).ends(0).err, "carried to")
        equal(states(p), ["cancelled", "blocked", "blocked"])
        p.run("retry", two, *QUICK).ends(4)
        mend(p)
        contains(p.run("retry", two, *QUICK).ends(0).err, "to be tried again: 1 copy")
        equal(states(p), ["cancelled", "done", "blocked"])
        clean(p, 1)


# --- credentials that came to be another account's ---

def swap(p, profile, old, new):
    """The profile of that name stands for another account from now on."""
    config = open(os.path.join(p.home, "config")).read()
    head, tail = config.split("[profile %s]" % profile)
    p.write("config", head + "[profile %s]" % profile + tail.replace(old[0], new[0], 1).replace(old[1], new[1], 1))


def left(p):
    """What is there, is open and was called for but for who asks."""
    audit = p.world.audit()
    return ([x["id"] for x in audit["images"] + audit["snapshots"]], audit["shares_open"], audit["grants_open"],
            {call: n for call, n in audit["calls"].items() if "GetCallerIdentity" not in call})


@test("a copy goes on in the accounts that it was begun with and in no other: it waits for a person, and is resumed when they are back")
def _():
    for image, step in ((PLAIN, "ModifySnapshotAttribute"), (PLAIN, "CopyImage"), (SEALED, "CopySnapshot")):
        for profile, own, other in (("dst", TARGET, SOURCE), ("src", SOURCE, TARGET)):
            with cloud("--speed", "0.2") as p:
                process = p.start("run", p.manifest(copy(image, name="one")), *QUICK)
                wait_for(lambda: step in str(p.world.audit()["calls"]))
                process.kill()
                process.communicate()
                time.sleep(0.3)  # what it sent last arrives
                before = left(p)
                swap(p, profile, own, other)
                blocked = p.run("resume", *QUICK, "--output", "json").ends(4).json()[0]
                equal((blocked["state"], blocked["error"]["code"]), ("blocked", "WrongAccount"))
                contains(blocked["error"]["hint"], "amiferry retry " + blocked["id"])
                p.run("cancel", blocked["id"], *QUICK).ends(4)
                equal(left(p), before)
                swap(p, profile, other, own)
                equal(p.run("resume", *QUICK, "--output", "json").ends(1).json()[0]["state"], "cancelled")
                clean(p, 0)


@test("where STS doesn't say whose the credentials are, a copy that was stopped waits, then asks for a person, and goes on later")
def _():
    with cloud("--speed", "0.2") as p:
        process, _ids = begun(p, copy(name="one"))
        process.kill()
        process.communicate()
        time.sleep(0.3)
        before = left(p)
        down = {"kind": "error", "action": "GetCallerIdentity", "status": 503, "code": "ServiceUnavailable", "message": "x"}
        p.world.faults(down)
        error = p.run("resume", *QUICK, "--patience", "1", "--output", "json").ends(4).json()[0]["error"]
        equal((error["code"], error["action"], left(p)), ("ServiceUnavailable", "sts:GetCallerIdentity", before))
        contains(error["hint"], "retry when AWS is well again")
        p.world.faults({**down, "times": 2})
        p.run("resume", *QUICK).ends(0)
        clean(p, 1)


@test("undo with another account's credentials takes nothing away, and says so")
def _():
    with cloud() as p:
        manifest = p.write("batch.json", json.dumps({"version": 1, "copies": [copy(source={"image": PLAIN, "region": "us-east-1", "profile": "src"},
                                                                                   target={"region": "eu-west-1"}, name="one")]}))
        own, other = (dict(AWS_ACCESS_KEY_ID=who[0], AWS_SECRET_ACCESS_KEY=who[1]) for who in (TARGET, SOURCE))
        one = p.run("run", manifest, *QUICK, "--output", "json", **own).ends(0).json()[0]["id"]
        contains(p.run("undo", one, "--yes", *QUICK, **other).ends(4).out, "WrongAccount: the target credentials belong to account 111122223333 now")
        clean(p, 1)
        p.run("resume", *QUICK, **own).ends(1)
        clean(p, 0)


@test("undo needs nothing of a source account whose credentials are gone")
def _():
    with cloud() as p:
        one = p.run("run", p.manifest(copy(name="one")), *QUICK, "--output", "json").ends(0).json()[0]["id"]
        swap(p, "src", SOURCE, ("AKIAGONE", "gone"))
        p.run("undo", one, "--yes", *QUICK).ends(0)
        clean(p, 0)


# --- through the owner's socket ---

@test("the owner's socket is beside the database, for its user alone, and goes with the owner")
def _():
    with cloud("--speed", "0.3") as p:
        process, _ = begun(p, copy(name="one"))
        equal(os.stat(p.db + ".sock").st_mode & 0o177777, 0o140600)
        process.communicate(timeout=60)
        equal(process.returncode, 0)
        equal(os.path.exists(p.db + ".sock"), False)


@test("cancel reaches the owner: it exits with 0 at once, and the owner undoes that copy and goes on with the others")
def _():
    with cloud("--speed", "0.1") as p:
        # the window keeps it undoing while it is asked again
        process, (one, two) = begun(p, copy(name="one"), copy(name="two"), options=["--consistency-window", "8"])
        done = p.run("cancel", one[:-1], "--output", "json").ends(0)
        equal(done.json(), {"type": "asked", "ask": "cancel", "id": one, "changed": 1})
        contains(done.err, "in use by process %d" % process.pid)
        equal(p.run("cancel", one, "--output", "ndjson").ends(0).lines()[0]["changed"], 0)
        contains(p.run("retry", two).ends(0).err, "to be tried again: 0 copies")
        out, err = process.communicate(timeout=120)
        equal(process.returncode, 3)
        contains(out, "cancelled  one")
        equal(states(p), ["cancelled", "done"])
        clean(p, 1)


@test("retry reaches the owner, which takes the blocked copy up while it carries another one")
def _():
    with cloud("--speed", "0.1") as p:
        process = p.start("run", p.manifest(copy(name="long"), blocked("one")), *QUICK)
        wait_for(lambda: os.path.exists(p.db) and p.run("status", "--output", "json").json()["batches"] and "blocked" in states(p))
        contains(p.run("retry", ids(p)[1]).ends(0).err, "to be tried again: 1 copy")
        process.communicate(timeout=120)
        equal(process.returncode, 4)  # its credentials are the same
        one = p.run("show", ids(p)[1], "--output", "json").json()
        equal([e["message"] for e in one["events"]].count("taken up again"), 1)


@test("what the owner doesn't carry, and an owner that doesn't answer, exit with 5 and say so")
def _():
    with cloud("--speed", "0.1") as p:
        p.run("run", p.manifest(blocked("other")), *QUICK).ends(4)
        other = ids(p)[0]
        process, _ = begun(p, copy(name="one"))
        done = p.run("cancel", other).ends(5)
        contains(done.err, "it carries out other batches")
        os.unlink(p.db + ".sock")
        contains(p.run("cancel", ids(p)[0]).ends(5).err, "its socket does not answer")
        process.kill()
        process.communicate()


@test("undo leaves a database alone that another process owns, and exits with 5")
def _():
    with cloud("--speed", "0.1") as p:
        made = p.run("run", p.manifest(copy(name="first"), name="first.json"), *QUICK, "--output", "json").ends(0).json()
        process, _ = begun(p, copy(name="second"))
        contains(p.run("undo", made[0]["id"], "--yes").ends(5).err, "in use by process %d" % process.pid)
        process.communicate(timeout=60)
        clean(p, 2)


@test("a socket that a killed owner left is replaced; a file of that name is not")
def _():
    with cloud("--speed", "0.3") as p:
        process, _ = begun(p, copy(name="one"))
        process.kill()
        process.communicate()
        equal(os.path.exists(p.db + ".sock"), True)
        lacks(p.run("resume", *QUICK).ends(0).err, "can't reach")
        p.write("state/amiferry/amiferry.db.sock", "mine")
        contains(p.run("run", p.manifest(copy(name="two")), *QUICK).ends(0).err, "cancel and retry can't reach this process")
        equal(open(p.db + ".sock").read(), "mine")


@test("a path too long for a socket's address is reached all the same; a name too long is said, and copies go on")
def _():
    with cloud("--speed", "0.1") as p:
        deep = os.path.join(p.home, "d" * 120, "e" * 120)
        os.makedirs(deep)
        path = os.path.join(deep, "x.db")
        process = p.start("run", p.manifest(copy(name="one")), *QUICK, "--db", path)
        wait_for(lambda: "CopyImage" in str(p.world.audit()["calls"]))
        batch = p.run("status", "--db", path, "--output", "json").json()["batches"][0]["id"]
        contains(p.run("cancel", batch, "--db", path).ends(0).err, "amiferry status %s --db %s shows" % (batch, path))
        process.communicate(timeout=60)
        equal(process.returncode, 1)
        clean(p, 0)
        long = os.path.join(p.home, "n" * 120)
        contains(p.run("run", p.manifest(copy(name="two")), *QUICK, "--db", long).ends(0).err, "too long to have a socket")


def talk(path, *pieces, pause=0.0):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(path)
        for piece in pieces:
            s.sendall(piece)
            time.sleep(pause)
        out = b""
        try:
            while more := s.recv(4096):
                out += more
        except ConnectionResetError:
            pass
        return out


@test("the owner refuses what is no question, shows silent guests out, and goes on copying")
def _():
    with cloud("--speed", "0.05") as p:
        process, (one,) = begun(p, copy(name="one"))
        path = p.db + ".sock"
        for line in (b"\n", b"{}\n", b"[1]\n", b"null\n", b"\xff\xfe\n", b"{\"ask\": \"cancel\"}\n", b"{\"ask\": 7, \"id\": \"x\"}\n",
                     b"{\"ask\": \"run\", \"id\": \"x\"}\n", b"{\"ask\": \"cancel\", \"id\": \"\"}\n",
                     b"{\"ask\": \"cancel\", \"id\": \"%s\"}\n" % (b"x" * 500), b"{\"ask\": \"cancel\", \"id\": \"x\", \"more\": 1}\n",
                     b"{\"ask\": \"cancel\", \"ask\": \"retry\", \"id\": \"x\"}\n", b"[" * 900 + b"\n"):
            equal("no question" in json.loads(talk(path, line))["error"], True)
        contains(json.loads(talk(path, b"x" * 1024))["error"], "too long")
        talk(path, b"x" * 100_000)  # as much as it likes
        equal(json.loads(talk(path, b"{\"ask\": \"cancel\", \"id\": \"cp-other\"}\n")), {"loaded": 0, "changed": 0})
        question = json.dumps({"ask": "retry", "id": one}).encode() + b"\n"
        equal(json.loads(talk(path, question[:9], question[9:], pause=0.3)), {"loaded": 1, "changed": 0})
        silent = [socket.socket(socket.AF_UNIX) for _ in range(12)]
        for s in silent:
            s.connect(path)
        equal(json.loads(talk(path, question)), {"loaded": 1, "changed": 0})  # after the silent ones were shown out
        equal(talk(path), b"")
        for s in silent:
            s.close()
        equal(process.poll(), None)
        process.communicate(timeout=120)
        equal(process.returncode, 0)


@test("another user is not listened to")
def _():
    if os.geteuid() != 0:
        return
    with cloud("--speed", "0.1") as p:
        process, (one,) = begun(p, copy(name="one"))
        path = p.db + ".sock"
        os.chmod(path, 0o666)
        for folder in (p.home, os.path.join(p.home, "state"), os.path.dirname(p.db)):
            os.chmod(folder, 0o755)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.chdir(os.path.dirname(path))  # the folders above may be closed to others
                os.setuid(65534)
                code = 0 if talk(os.path.basename(path), b"{\"ask\": \"cancel\", \"id\": \"%s\"}\n" % one.encode()) == b"" else 1
            except BrokenPipeError:
                code = 0
            finally:
                os._exit(code)
        equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        process.communicate(timeout=60)
        equal(process.returncode, 0)
        clean(p, 1)


# --- undo ---

@test("undo without a terminal wants --yes, and shows what would go; with it the AMI and its snapshots are gone")
def _():
    with cloud() as p:
        made = p.run("run", p.manifest(copy(name="one"), copy("ami-0aaa0000000000002", "two")), *QUICK, "--output", "json").ends(0).json()
        for c in made:
            done = p.run("undo", c["id"]).ends(2)
            contains(done.err, "deregister %s (account 444455556666, eu-west-1)" % c["target"]["image"])
            contains(done.err, "amiferry undo %s --yes" % c["id"])
        equal(len(p.world.audit()["images"]), 2)
        for c in made:
            contains(p.run("undo", c["id"][:-2], "--yes", *QUICK).ends(0).out, "cancelled")
        equal(p.world.boto(TARGET, "ec2", "eu-west-1").describe_images(Owners=["self"])["Images"], [])
        snapshots = p.world.boto(TARGET, "ec2", "eu-west-1").describe_snapshots(OwnerIds=["self"])["Snapshots"]
        equal([s for s in snapshots if any(t["Key"] == "amiferry:copy" for t in s.get("Tags", []))], [])
        contains(p.run("undo", made[0]["id"], "--yes").ends(2).err, "undone already")


@test("undo lists what goes in the order in which it goes, each thing once")
def _():
    with cloud() as p:
        for made in p.run("run", p.manifest(copy(name="one"), copy(SEALED, "two")), *QUICK, "--output", "json").ends(0).json():
            goes = re.findall(r"^  (deregister|delete) +(\S+)", p.run("undo", made["id"]).ends(2).err, re.M)
            p.run("undo", made["id"], "--yes", *QUICK).ends(0)
            gone = [(does, event["message"]) for event in p.run("show", made["id"], "--output", "json").ends(0).json()["events"]
                    for does, action in (("deregister", "ec2:DeregisterImage"), ("delete", "ec2:DeleteSnapshot"))
                    if (event["kind"], event["action"]) == ("outcome", action)]
            if made["route"] == "reencrypt":
                equal((len(goes), goes[0], sorted(goes[1:])), (3, gone[0], sorted(gone[1:])))  # the snapshots go side by side
            else:  # its snapshots are known to AWS alone
                equal(goes, [("deregister", made["target"]["image"]), ("delete", "its")])
                equal([does for does, _ in gone], ["deregister", "delete"])


@test("undo takes the snapshots of an image along where fifty tags of the user's left no room for amiferry's")
def _():
    with cloud() as p:
        more = {"tag-%02d" % i: "" for i in range(49)}
        p.world.boto(SOURCE, "ec2").create_tags(Resources=["snap-0aaa0000000000001"], Tags=[{"Key": k, "Value": v} for k, v in more.items()])
        made = p.run("run", p.manifest(copy(name="one")), *QUICK, "--output", "json").ends(0).json()
        equal([s["tags"] for s in p.world.audit()["snapshots"]], [{"Name": "plain-root", **more}])
        p.run("undo", made[0]["id"], "--yes", *QUICK).ends(0)
        clean(p, 0)
        equal(p.world.audit()["snapshots"], [])


@test("on a terminal undo asks, and only a yes takes it away")
def _():
    with cloud() as p:
        made = p.run("run", p.manifest(copy(name="one")), *QUICK, "--output", "json").ends(0).json()
        code, out = on_terminal(p, 100, 24, "undo", made[0]["id"], *QUICK, answer=("[y/N] ", "n\n"))
        equal(code, 1)
        contains(out, "deregister " + made[0]["target"]["image"])
        contains(out, "nothing was changed")
        equal(states(p), ["done"])
        code, out = on_terminal(p, 100, 24, "undo", made[0]["id"], *QUICK, answer=("[y/N] ", "y\n"))
        equal(code, 0)
        equal(states(p), ["cancelled"])


@test("an adopted copy made nothing: undo refuses, and names the copy that did")
def _():
    with cloud() as p:
        p.run("run", p.manifest(copy(name="one")), *QUICK).ends(0)
        again = p.run("run", p.manifest(copy(name="one")), *QUICK, "--output", "json").ends(0).json()
        contains(p.run("undo", again[0]["id"], "--yes").ends(2).err, "made nothing")
        equal(len(p.world.audit()["images"]), 1)


@test("undo names the copies of later batches that have taken over what would go, a few of them")
def _():
    with cloud() as p:
        made = p.run("run", p.manifest(copy(name="one"), copy(name="two")), *QUICK, "--output", "json").ends(0).json()
        lacks(p.run("undo", made[0]["id"]).ends(2).err, "stands on it")
        later = [p.run("run", p.manifest(copy(name="one")), *QUICK, "--output", "json").ends(0).json()[0] for _ in range(7)]
        said = p.run("undo", made[0]["id"]).ends(2).err
        for c in later[2:]:
            contains(said, "  %s of batch %s stands on it, too\n" % (c["id"], c["batch"]))
        equal(said.count("stands on it"), 5)
        contains(said, "  and so do 2 others\n")
        lacks(p.run("undo", made[1]["id"]).ends(2).err, "stands on it")
        p.run("undo", made[0]["id"], "--yes", *QUICK).ends(0)
        equal(len(p.world.audit()["images"]), 1)


sys.exit(harness.run())
