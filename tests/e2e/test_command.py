#!/usr/bin/python3
"""The command as a person and a pipeline meet it: usage, manifests, exit codes, output, terminals, signals. Where AWS is needed,
cloudsim is; where it must not be asked, a socket counts who knocks."""
# timeout: 900
# also: asan
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import unicodedata
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from ferry import FERRY, PLAIN, QUICK, SEALED, Done, Place, cloud, copy, lacks, on_terminal, wait_for
from harness import READER, SOURCE, TARGET, contains, equal, test

COMMANDS = ["plan", "run", "resume", "status", "show", "retry", "cancel", "undo", "verify", "sweep", "routes", "doctor", "help"]
GOOD = """version: 1
copies:
  - source: {region: us-east-1, image: ami-0123456789abcdef0}
    target: {region: eu-west-1}
"""


def columns_of(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


# --- usage ---

@test("without a command it says what is missing, on standard error, and exits with 2")
def _():
    with Place() as p:
        done = p.run().ends(2)
        equal(done.out, "")
        contains(done.err, "a command is missing")
        p.untouched()


@test("an unknown command is answered with the near one and with all that there are")
def _():
    with Place() as p:
        done = p.run("stauts").ends(2)
        contains(done.err, "did you mean status?")
        for name in COMMANDS:
            contains(done.err, name)


@test("an unknown option is answered with the near one")
def _():
    with Place() as p:
        contains(p.run("run", "--poll-intervall", "3", "x").ends(2).err, "did you mean --poll-interval?")
        contains(p.run("status", "--wach").ends(2).err, "did you mean --watch?")
        contains(p.run("run", "--poll-interval", "soon", "x").ends(2).err, "is not a number of seconds")
        contains(p.run("status", "--output", "xml").ends(2).err, "text, json or ndjson")
        contains(p.run("run").ends(2).err, "usage: amiferry run")
        p.untouched()


@test("help says every command, option and exit code, on standard output")
def _():
    with Place() as p:
        text = p.run("--help").ends(0).out
        for part in COMMANDS + ["--db", "--output", "--no-progress", "130"]:
            contains(text, part)
        for name in COMMANDS:
            shown = p.run(name, "--help").ends(0)
            equal(shown.out, p.run("help", name).ends(0).out)
            contains(shown.out, "usage: amiferry " + name)
            equal(shown.err, "")
        contains(p.run("help", "rnu").ends(2).err, "did you mean run?")
        contains(p.run("--version").ends(0).out, "amiferry 0.")
        p.untouched()


# --- manifests ---

def with_line(old, new):
    assert old in GOOD
    return GOOD.replace(old, new)


DEEP = "version: 1\ncopies: " + "[" * 3000 + "]" * 3000
BAD = [
    ("an unknown key", with_line("    target:", "    traget:"), "did you mean \"target\"?"),
    ("a wrong type", with_line("copies:\n", "copies: yes\nx:\n"), "copies"),
    ("a number where a string belongs", with_line("{region: eu-west-1}", "{region: 7}"), "region"),
    ("an AMI id that is none", with_line("ami-0123456789abcdef0", "ami-xyz"), "\"ami-xyz\" is not"),
    ("an account of eleven digits", with_line("{region: eu-west-1}", "{region: eu-west-1, account: \"12345678901\"}"), "account"),
    ("a Region that is none", with_line("eu-west-1", "Ireland!"), "Region"),
    ("no Region", with_line("{region: eu-west-1}", "{profile: dst}"), "region"),
    ("no copies", "version: 1\ncopies: []\n", "copies"),
    ("another version", with_line("version: 1", "version: 2"), "version"),
    ("the same copy twice", GOOD + GOOD.split("copies:\n")[1], "same copy"),
    ("the same key twice", with_line("version: 1\n", "version: 1\nversion: 1\n"), "version"),
    ("an anchor", with_line("version: 1", "version: &v 1"), "anchor"),
    ("nothing", "", "batch"),
    ("no YAML", "version: [1\n", "batch.yaml:"),
    ("broken JSON", '{"version": 1, "copies": [}', "batch.yaml:1"),
    ("a text", "just a text\n", "batch.yaml:1"),
    ("a NUL byte", with_line("us-east-1", "us-e\0ast-1"), "0x00"),
    ("bytes that are no UTF-8", GOOD.encode() + b"# \xff\xfe\n", "UTF-8"),
    ("nesting without an end", DEEP, "deep"),
    ("10 MB", "# " + "x" * 10_000_000 + "\n" + GOOD, "4194304 bytes"),
    ("10 MB behind it", GOOD + "  #" + "x" * 78 + "\n" * 130_000 + " " * 10_000_000, "4194304 bytes"),
]


def check_bad(what, content, part):
    @test("a manifest with %s exits with 2, sends nothing and makes no database" % what)
    def _():
        for command in ("run", "plan"):
            with Place() as p:
                done = p.run(command, p.write("batch.yaml", content)).ends(2)
                equal(done.out, "")
                contains(done.err, "amiferry: ")
                contains(done.err, part)
                p.untouched()


for bad in BAD:
    check_bad(*bad)


@test("all that is wrong with a manifest is said at once, a line each")
def _():
    wrong = "version: 1\ncopies:\n" + "- {source: {region: us-east-1, image: ami-xyz}, target: {regoin: eu-west-1}}\n" * 15
    for command in ("run", "plan", "sweep"):
        with Place() as p:
            path = p.write("batch.yaml", wrong)
            lines = p.run(command, path).ends(2).err.splitlines()
            equal(lines[:2], ["amiferry: %s:3: copies[0].source.image: \"ami-xyz\" is not an AMI id: write ami- and 17 (or 8) hexadecimal digits in "
                              "lower case, as ami-0123456789abcdef0" % path,
                              "amiferry: %s:3: copies[0].target: unknown key \"regoin\"; did you mean \"region\"?" % path])
            equal((len(lines), lines[20]), (21, "amiferry: and 10 more"))
            p.untouched()


@test("a manifest that is not there, a folder or not readable exits with 2")
def _():
    with Place() as p:
        contains(p.run("run", os.path.join(p.home, "nowhere.yaml")).ends(2).err, "nowhere.yaml")
        contains(p.run("run", p.home).ends(2).err, p.home)
        if os.geteuid() != 0:
            secret = p.write("secret.yaml", GOOD)
            os.chmod(secret, 0)
            contains(p.run("run", secret).ends(2).err, "secret.yaml")
        p.untouched()


@test("a manifest on standard input is read, and what is wrong with it is said of standard input")
def _():
    with Place() as p:
        contains(p.run("run", "-", input=b"version: 7\n").ends(2).err, "standard input:1")
        p.untouched()


@test("a profile that is not there exits with 2, and no connection is made")
def _():
    with Place() as p:
        bad = p.manifest(copy(target={"profile": "dts"}))
        contains(p.run("run", bad).ends(2).err, "there is no profile \"dts\"")
        contains(p.run("run", p.manifest(copy(target={"profile": "raeder"}), name="near.json")).ends(2).err, "did you mean reader?")
        contains(p.run("plan", bad).ends(2).err, "dts")
        equal(p.knocks, 0)


# --- the database ---

@test("without a database status and resume say so and exit with 0, show and a named batch with 2; none is made")
def _():
    with Place() as p:
        contains(p.run("status").ends(0).err, "no database yet")
        equal(p.run("status", "--output", "json").ends(0).json(), {"batches": [], "open_access": [], "owner": None})
        equal(p.run("status", "--output", "ndjson").ends(0).out, "")
        contains(p.run("resume").ends(0).err, "nothing to resume")
        equal(p.run("resume", "--output", "json").ends(0).json(), [])
        contains(p.run("show", "cp-1").ends(2).err, "no database")
        contains(p.run("status", "2026").ends(2).err, "no batch 2026")
        contains(p.run("resume", "2026").ends(2).err, "no batch 2026")
        contains(p.run("status", HOME="", XDG_STATE_HOME="").ends(2).err, "--db")
        p.untouched()


@test("a database elsewhere is taken from --db, and named in how to resume")
def _():
    with Place() as p:
        path = os.path.join(p.home, "my db's.db")
        process = p.start("run", p.manifest(copy()), "--db", path)
        try:
            wait_for(lambda: p.knocks)
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
            equal(process.returncode, 130)
            contains(err, "--db '" + os.path.join(p.home, "my db'\\''s.db") + "'")
            equal(os.stat(path).st_mode & 0o777, 0o600)
            equal(os.path.exists(p.db), False)
        finally:
            process.kill()


@test("whatever is said of what to type names the database, where the command line named it")
def _():
    with cloud() as p:
        db = os.path.join(p.home, "my db.db")
        named = " --db '%s'\n" % db
        blocked = copy(name="blocked", target={"profile": "reader"})
        done = p.run("run", p.manifest(copy(name="one"), blocked), *QUICK, "--db", db).ends(4)
        equal(re.findall(r"all of it: amiferry show cp-[0-9a-f]{12}(.*\n)", done.out), [named])
        for when in ("to resume it after a stop or a crash", "a person is needed, see above; then"):
            equal(re.findall(when + r": amiferry resume [0-9a-f-]{20}(.*\n)", done.err), [named])
        done = p.run("run", p.manifest(blocked), *QUICK, "--db", db).ends(2)
        equal(re.findall(r"finish that batch first: amiferry resume [0-9a-f-]{20}(.*\n)", done.err), [named])
        lock = os.open(db + ".lock", os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_EX)  # as a second process would
        equal(re.findall(r"to see how far it is: amiferry status(.*\n)", p.run("resume", "--db", db).ends(5).err), [named])
        os.close(lock)
        made = p.run("show", "cp-", "--db", db).ends(2).err  # which there are
        hints = [p.run("undo", name, "--db", db).ends(2).err for name in re.findall("cp-[0-9a-f]{12}", made)]
        equal(sorted(re.findall(r": amiferry (\w+) cp-[0-9a-f]{12}(.*\n)", "".join(hints))), [("cancel", named), ("undo", " --yes" + named)])
        done = re.findall("undo (cp-[0-9a-f]{12})", "".join(hints))
        config = open(os.path.join(p.home, "config")).read()
        p.write("config", config.replace(TARGET[0], SOURCE[0]).replace(TARGET[1], SOURCE[1]))
        told = p.run("undo", done[0], "--yes", *QUICK, "--db", db).ends(4).out  # of a copy that is blocked
        equal(re.findall(r"what to do: .*: amiferry retry cp-[0-9a-f]{12}(.*\n)", told), [named])


@test("a folder that can't be written to exits with 1 and says what to do")
def _():
    with Place() as p:
        done = p.run("run", p.manifest(copy()), "--db", "/proc/amiferry/x.db").ends(1)
        contains(done.err, "/proc/amiferry")
        if os.geteuid() != 0:
            os.chmod(p.home, 0o500)
            contains(p.run("run", os.path.join(p.home, "batch.json")).ends(1).err, "--db")
            os.chmod(p.home, 0o700)
        equal(p.knocks, 0)


@test("a folder that can't be written to from mid-run on stops nothing that is under way")
def _():
    with cloud("--speed", "100") as p:
        manifest = p.manifest(*(copy(name="plain-%d" % i) for i in range(3)))
        ferry = shutil.copy(FERRY, p.home)
        if os.geteuid() == 0:  # whom no mode keeps out
            subprocess.run(["chown", "-R", "nobody", p.home], check=True)
        nobody = {"user": "nobody"} if os.geteuid() == 0 else {}
        env = p.env(GCOV_PREFIX=p.home)  # where coverage is counted, nobody may not write to the build

        def start():
            return subprocess.Popen([ferry, "run", manifest, *QUICK], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **nobody)

        process = start()
        wait_for(lambda: p.world.audit()["images"])
        os.chmod(os.path.dirname(p.db), 0o500)
        equal((process.communicate()[1].splitlines()[-1], process.returncode), ("3 done", 0))
        os.chmod(os.path.dirname(p.db), 0o700)
        process = start()
        process.communicate()
        equal(process.returncode, 0)
        audit = p.world.audit()
        equal((audit["duplicates"], len(audit["images"])), ([], 3))


@test("a file that is no database of ours is refused and left as it is")
def _():
    with Place() as p:
        path = p.write("other.db", b"SQLite format 3\0" + b"not really" * 500)
        before = open(path, "rb").read()
        for command in (["run", p.manifest(copy())], ["status"], ["resume"]):
            done = p.run(*command, "--db", path)
            equal(done.code in (1, 2), True)
            contains(done.err, "other.db")
        equal(open(path, "rb").read(), before)
        equal(p.knocks, 0)


@test("a path that can't be a database's is wrong usage, whatever the command")
def _():
    with Place() as p:
        made = p.write("made.db", b"")
        os.link(made, os.path.join(p.home, "other name.db"))
        for command in (["run", p.manifest(copy())], ["resume"], ["status"], ["show", "cp-1"], ["cancel", "cp-1"]):
            for path in (p.home, "/dev/null"):
                done = p.run(*command, "--db", path).ends(2)
                contains(done.err, path + " is ")
                contains(done.err, "--db")
        contains(p.run("run", p.manifest(copy()), "--db", made).ends(2).err, "hard links")
        equal(p.knocks, 0)


def as_nobody(p, *args):
    """Run by a user whom modes keep out; by a copy, since the build's folder may be closed to them."""
    ferry = os.path.join(p.home, "amiferry")
    if not os.path.exists(ferry):
        shutil.copy(FERRY, ferry)
    nobody = {"user": "nobody"} if os.geteuid() == 0 else {}
    done = subprocess.run([ferry, *args], env=p.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, **nobody)
    return Done(done.returncode, done.stdout, done.stderr)


@test("a database that may not be opened is named")
def _():
    with Place() as p:
        os.chmod(p.home, 0o755)
        path = p.write("closed.db", b"")
        os.chmod(path, 0)
        for command in (["status"], ["resume"], ["doctor", "--profile", "nowhere"]):
            done = as_nobody(p, *command, "--db", path).ends(1)
            contains(done.out + done.err, "cannot open the database %s: Permission denied" % path)
            contains(done.out + done.err, "check who owns the file")


@test("a second process exits with 5 and names the first; status works meanwhile")
def _():
    with Place() as p:
        first = p.start("run", p.manifest(copy()))
        try:
            wait_for(lambda: p.knocks)
            for command in (["run", p.manifest(copy(), name="b.json")], ["resume"]):
                contains(p.run(*command).ends(5).err, str(first.pid))
            equal(len(p.run("status", "--output", "json").ends(0).json()["batches"]), 1)
        finally:
            first.kill()
            first.communicate()
        p.run("status").ends(0)


@test("a disk that is full ends it with 1, loses nothing, and a resume goes on")
def _():
    with cloud() as p:
        manifest = p.manifest(*(copy(name="plain-%d" % i) for i in range(20)))
        full = False
        for limit in range(100_000, 2_000_000, 60_000):
            done = p.run("run", manifest, *QUICK, limit=limit)
            if done.code == 0:
                break
            equal(done.code, 1)
            contains(done.err, "disk")
            full = full or "nothing is lost" in done.err
        equal(full, True)
        p.run("run", manifest, *QUICK).ends(0)
        audit = p.world.audit()
        equal(audit["duplicates"], [])
        equal(len(audit["images"]), 20)


# --- runs ---

@test("a run copies, says so in a line a copy, and leaves no access open; run again it takes over what is there")
def _():
    with cloud() as p:
        manifest = p.manifest(copy(name="plain-copy"), copy(SEALED, "sealed-copy"))
        done = p.run("run", manifest, *QUICK).ends(0)
        lines = done.out.splitlines()
        equal(len(lines), 2)
        equal(bool(re.fullmatch(PLAIN + r" \(us-east-1\) -> ami-[0-9a-f]{17} \(eu-west-1\)  done  plain-copy", lines[0])), True)
        contains(lines[1], "done  sealed-copy")
        contains(done.err, "amiferry resume 20")
        contains(done.err, "2 done")
        audit = p.world.audit()
        equal(audit["shares_open"], [])
        equal(audit["grants_open"], [])
        equal(len(audit["images"]), 2)
        again = p.run("run", manifest, *QUICK, "--output", "json").ends(0).json()
        equal([(c["state"], c["route"]) for c in again], [("done", "adopt"), ("done", "adopt")])
        equal(len(p.world.audit()["images"]), 2)


@test("each step is told once, and as taken back only where something was")
def _():
    with cloud() as p:
        finished = copy(name="finished", launch_permissions={"accounts": ["111122223333"]}, tags={"team": "web"})
        done = p.run("run", p.manifest(finished, copy(SEALED, "sealed")), *QUICK, "--output", "json").ends(0)
        ids = [c["id"] for c in done.json()]
        for identity in ids:
            told = re.findall(identity + " [^\n]*: ([^:\n]*: (?:done|taken back))", done.err)
            equal(len(told), len(set(told)))
            contains(told, "verifying: done")
        equal(done.err.count("finishing the image: done"), 1)
        err = p.run("undo", ids[0], "--yes", *QUICK).ends(0).err
        equal(re.findall(r": ([^:\n]*): taken back", err), ["copying the image"])
        steps = re.findall(r"^ +\d+  (\S+) +undo/done(.*)", p.run("show", ids[0]).ends(0).out, re.M)
        equal([(kind, "nothing taken back" in rest) for kind, rest in steps],
              [("share-snapshot", False), ("share-image", False), ("copy-image", False), ("finish-image", True), ("verify", True)])


@test("of a copy of which nothing was made or opened, nothing is told as taken back")
def _():
    with cloud() as p:
        p.world.faults({"kind": "throttle", "action": "CreateGrant"})
        process = p.start("run", p.manifest(copy(SEALED, "held-back")), *QUICK)
        try:
            identity = wait_for(lambda: re.findall("cp-[0-9a-f]{12}", p.run("show", "cp-").out))[0]
            wait_for(lambda: "CreateGrant" in p.run("show", identity).out)
            p.run("cancel", identity).ends(0)
            err = process.communicate(timeout=60)[1]
        finally:
            process.kill()
        lacks(err, "taken back")
        for kind in ("share-snapshot", "copy-snapshot", "register-image", "verify"):
            contains(re.findall(r"^ +\d+  (\S+) +undo/done.*nothing taken back", p.run("show", identity).out, re.M), kind)


@test("JSON is one array, NDJSON an object a line, and both say the same")
def _():
    with cloud() as p:
        first = p.run("run", p.manifest(copy(name="one"), copy(name="two")), *QUICK, "--output", "json").ends(0).json()
        equal([(c["type"], c["name"], c["state"], c["position"]) for c in first], [("copy", "one", "done", 0), ("copy", "two", "done", 1)])
        equal(first[0]["source"], {"account": "111122223333", "region": "us-east-1", "image": PLAIN})
        equal(first[0]["target"]["account"], "444455556666")
        equal(first[0]["error"], None)
        equal(p.run("resume", first[0]["batch"], "--output", "ndjson").ends(0).lines(), first)


@test("--quiet says nothing on standard error, --no-progress only what begins and ends")
def _():
    with cloud() as p:
        equal(p.run("run", p.manifest(copy(name="one")), *QUICK, "--quiet").ends(0).err, "")
        err = p.run("run", p.manifest(copy(name="two")), *QUICK, "--no-progress").ends(0).err
        lacks(err, "sharing")
        contains(err, "1 done")


@test("some failed and some done exits with 3, all failed with 1, blocked and none failed with 4")
def _():
    with cloud() as p:
        absent, blocked = copy("ami-0aaa000000000dead"), copy(name="blocked", target={"profile": "reader"})
        done = p.run("run", p.manifest(copy(), absent, blocked), *QUICK).ends(3)
        contains(done.err, "1 done, 1 failed, 1 blocked")
        p.run("run", p.manifest(absent, name="absent.json"), *QUICK).ends(1)
        p.run("resume", *QUICK).ends(3)
    with cloud() as p:
        done = p.run("run", p.manifest(copy(), blocked), *QUICK).ends(4)
        contains(done.err, "a person is needed")
        p.run("run", p.manifest(blocked), *QUICK).ends(2)  # under way, in the other batch


@test("an error names account, Region, resource, API, code, request id and what to do; after a resume, too")
def _():
    with cloud() as p:
        manifest = p.manifest(copy(name="blocked", target={"profile": "reader"}))
        for command in (["run", manifest], ["resume"]):
            text = p.run(*command, *QUICK).ends(4).out
            for part in ("UnauthorizedOperation: ", "account 444455556666", "Region eu-west-1", "ec2:CopyImage", "about " + PLAIN, "HTTP 403",
                         "what to do: Allow ec2:CreateTags", "amiferry show cp-"):
                contains(text, part)
            request = re.search(r"request ([0-9a-f-]{36})", text).group(1)
            copy_id = re.search(r"amiferry show (cp-[0-9a-f]+)", text).group(1)
            events = p.run("show", copy_id, "--output", "json").ends(0).json()["events"]
            equal(any(e["request_id"] == request and e["action"] == "ec2:CopyImage" for e in events), True)
        equal(p.world.audit()["shares_open"], [])  # nothing stays open while it waits for a person


@test("a Region that AWS doesn't know is named, and neither the clock nor the secret is blamed")
def _():
    with cloud() as p:
        text = p.run("plan", p.manifest(copy(target={"region": "eu-wst-1"}))).ends(4).out
        contains(text, "what to do: There may be no Region eu-wst-1: look at its spelling")


@test("a blocked copy goes on once a person has seen to it")
def _():
    with cloud() as p:
        p.run("run", p.manifest(copy(name="blocked", target={"profile": "reader"})), *QUICK).ends(4)
        config = open(os.path.join(p.home, "config")).read()
        p.write("config", config.replace(READER[0], TARGET[0]).replace(READER[1], TARGET[1]))
        contains(p.run("resume", *QUICK).ends(0).out, "done  blocked")
        contains(p.run("resume").ends(0).err, "nothing to resume")


# --- interruption ---

def interrupted(p, sign, *args):
    process = p.start(*args)
    said = process.stderr.readline()  # the batch: it has begun
    wait_for(lambda: "CopyImage" in str(p.world.audit()["calls"]))
    process.send_signal(sign)
    begun = time.monotonic()
    out, err = process.communicate(timeout=60)
    return Done(process.returncode, out, said + err), time.monotonic() - begun


@test("Ctrl-C, SIGTERM and SIGHUP stop at a safe point with 130 and say how to go on; a resume ends it, and nothing is made twice")
def _():
    with cloud("--speed", "0.3") as p:
        manifest = p.manifest(copy(name="one"))
        done, seconds = interrupted(p, signal.SIGINT, "run", manifest, *QUICK)
        done.ends(130)
        contains(done.err, "stopping at a safe point")
        contains(done.err, "stopped; to go on: amiferry resume 20")
        equal(done.out, "")
        equal(seconds < 10, True)
        state = p.run("status", "--output", "json").ends(0).json()
        equal(state["batches"][0]["counts"]["working"], 1)
        equal(len(state["open_access"]) > 0, True)
        for sign in (signal.SIGTERM, signal.SIGHUP):
            interrupted(p, sign, "resume", *QUICK)[0].ends(130)
        again = p.run("run", manifest, *QUICK).ends(0)
        contains(again.err, "begun before and taken up again")
        audit = p.world.audit()
        equal(len(audit["images"]), 1)
        equal(audit["duplicates"], [])
        equal(audit["shares_open"], [])
        equal(p.run("status", "--output", "json").ends(0).json()["open_access"], [])


@test("a second signal ends it at once, and it can still be resumed")
def _():
    with cloud() as p:
        p.world.faults({"kind": "slow", "action": "ModifySnapshotAttribute", "delay_ms": 3000})
        process = p.start("run", p.manifest(copy(name="one")), *QUICK)
        try:
            wait_for(lambda: "DescribeSnapshotAttribute" in str(p.world.audit()["calls"]))
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
            equal(process.poll(), None)  # a call that changes something is awaited
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=1)
            equal(process.returncode, 130)
        finally:
            process.kill()
        p.world.faults()
        p.run("resume", *QUICK).ends(0)
        equal(len(p.world.audit()["images"]), 1)
        equal(p.world.audit()["shares_open"], [])


# --- showing ---

@test("status, and show by the beginning of an id, tell what is stored")
def _():
    with cloud() as p:
        made = p.run("run", p.manifest(copy(SEALED, "sealed-copy"), copy(name="plain-copy")), *QUICK, "--output", "json").ends(0).json()
        batch = made[0]["batch"]
        contains(p.run("status").ends(0).out, batch)
        shown = p.run("status", batch[:-2], "--output", "json").ends(0).json()
        equal(shown["copies"], made)
        equal(shown["batch"]["counts"], {"done": 2, "working": 0, "waiting": 0, "failed": 0, "cancelled": 0, "blocked": 0})
        kinds = [o["type"] for o in p.run("status", batch, "--output", "ndjson").ends(0).lines()]
        equal(kinds, ["batch", "copy", "copy"])
        text = p.run("show", made[0]["id"][:-3]).ends(0).out
        for part in ("sealed-copy", "reencrypt", "grant-key", "copy-snapshot", "undo/done", "ec2:CopySnapshot", "snapshot snap-", "live"):
            contains(text, part)
        document = p.run("show", made[0]["id"], "--output", "json").ends(0).json()
        equal([e["number"] for e in document["events"]], list(range(1, document["revision"] + 1)))
        equal(document["facts"]["image"]["ImageId"], SEALED)
        contains(p.run("show", "cp-").ends(2).err, "2 have a copy id that begins with cp-")
        contains(p.run("show", "zz").ends(2).err, made[0]["id"])


@test("show and status tell which routes were tried and what AWS said, and keep their steps apart from those of the present one")
def _():
    with cloud() as p:
        made = p.run("run", p.manifest(copy(name="one")), *QUICK, "--output", "json").ends(0).json()
        equal(made[0]["tried"], [])
        tried = [{"route": "reencrypt", "code": "InvalidRequest", "reason": "it carries a product code"}]
        with contextlib.closing(sqlite3.connect(p.db)) as db, db:  # as the engine leaves it that went down a rung
            db.execute("UPDATE copy SET rung = 1, tried = ?", [json.dumps(tried)])
            db.execute("UPDATE step SET rung = 1 WHERE kind <> 'share-snapshot'")
        text = p.run("show", made[0]["id"]).ends(0).out
        contains(text, "tried        reencrypt: InvalidRequest: it carries a product code\n  route        copy-image\n")
        equal(bool(re.search(r"steps of reencrypt, given up\n +0  share-snapshot .*\nsteps\n +1  share-image ", text)), True)
        shown = p.run("show", made[0]["id"], "--output", "json").ends(0).json()
        equal((shown["tried"], [s["rung"] for s in shown["steps"]]), (tried, [0] + [1] * (len(shown["steps"]) - 1)))
        equal(p.run("status", made[0]["batch"], "--output", "json").ends(0).json()["copies"][0]["tried"], tried)


@test("status --watch ends when nothing is under way any more")
def _():
    with cloud("--speed", "0.3") as p:
        process = p.start("run", p.manifest(copy(name="one")), *QUICK)
        wait_for(lambda: os.path.exists(p.db) and p.run("status", "--output", "json").json()["batches"])
        watched = p.run("status", "--watch", "--output", "ndjson", timeout=60).ends(0).lines()
        process.communicate(timeout=60)
        equal(process.returncode, 0)
        counts = [o["counts"] for o in watched if o["type"] == "batch"]
        equal(counts[-1]["done"], 1)
        equal(len(counts) > 1 and counts[0]["done"] == 0, True)


def killed(p, *args):
    """A run that died with its copy half made; the batch's id."""
    process = p.start("run", p.manifest(copy(name="one")), *QUICK, *args)
    try:
        wait_for(lambda: "CopyImage" in str(p.world.audit()["calls"]))
        seen = p.run("status", *args).ends(0)
        lacks(seen.out, "stopped")
        document = p.run("status", *args, "--output", "json").ends(0).json()
        equal((document["owner"], document["batches"][0]["owner"]), ({"pid": process.pid},) * 2)
    finally:
        process.kill()
        process.communicate()
    return document["batches"][0]["id"]


@test("status says where no process is at work any more and what to type; --watch then ends with 130")
def _():
    for name in (None, "my db"):
        with cloud("--speed", "0.05") as p:
            db = ["--db", os.path.join(p.home, name)] if name else []
            batch = killed(p, *db)
            line = "stopped: no process carries it out; to go on: amiferry resume " + batch + (" --db '%s/my db'\n" % p.home if db else "\n")
            contains(p.run("status", *db).ends(0).out, "    " + line)
            equal(p.run("status", batch, *db).ends(0).out.count("\n" + line), 1)
            contains(p.run("status", "--watch", *db, timeout=30).ends(130).out, line)
            document = p.run("status", batch, *db, "--output", "json").ends(0).json()
            equal((document["owner"], document["batch"]["owner"], document["batch"]["counts"]["working"]), (None, None, 1))
            equal([o["owner"] for o in p.run("status", *db, "--output", "ndjson").ends(0).lines() if o["type"] == "batch"], [None])
            p.run("cancel", batch, *QUICK, *db).ends(0)
            lacks(p.run("status", *db).ends(0).out, "stopped")


@test("status says which batch the process at work carries, and that another one stands still meanwhile")
def _():
    with cloud("--speed", "0.05") as p:
        still = killed(p)
        process = p.start("run", p.manifest(copy(name="two"), name="two.json"), *QUICK)

        def carried():
            return {b["id"] == still: b["carried"] for b in p.run("status", "--output", "json").ends(0).json()["batches"]}

        try:
            wait_for(lambda: carried() == {True: False, False: True})
            line = ("stopped: process %d, which holds the database, is at work on something else; to go on when it has ended: amiferry resume %s\n" %
                    (process.pid, still))
            equal(p.run("status").ends(0).out.count("stopped"), 1)
            contains(p.run("status").out, line)
            contains(p.run("status", "--watch", still, timeout=30).ends(130).out, line)
            process.send_signal(signal.SIGSTOP)  # it doesn't answer, so it can't be told
            equal(carried(), {True: None, False: None})
            lacks(p.run("status").ends(0).out, "stopped")
            process.send_signal(signal.SIGCONT)
            p.run("cancel", [b["id"] for b in p.run("status", "--output", "json").json()["batches"] if b["id"] != still][0]).ends(0)
            process.communicate(timeout=60)
        finally:
            process.kill()
        equal(carried(), {True: None, False: None})
        contains(p.run("status").out, "stopped: no process carries it out; to go on: amiferry resume " + still)


@test("status --watch that was there before the process that goes on sees it through")
def _():
    with cloud("--speed", "0.2") as p:
        killed(p)
        watching = p.start("status", "--watch", "--output", "ndjson")
        seen = json.loads(watching.stdout.readline())
        equal(seen["owner"], None)
        resumed = p.start("resume", *QUICK)
        out = watching.communicate(timeout=60)[0]
        resumed.communicate(timeout=60)
        equal((watching.returncode, resumed.returncode), (0, 0))
        batches = [o for o in map(json.loads, out.splitlines()) if o["type"] == "batch"]
        equal({"pid": resumed.pid} in [b["owner"] for b in batches], True)
        equal(batches[-1]["counts"]["done"], 1)


@test("a reader who may write nothing is told as well whether a process is at work")
def _():
    if os.geteuid() != 0:
        return  # only root can become somebody else
    with cloud("--speed", "0.05") as p:
        ferry = shutil.copy(FERRY, p.home)

        def look():
            for folder, _, names in os.walk(p.home):
                os.chmod(folder, 0o755)
                for name in names:
                    os.chmod(os.path.join(folder, name), 0o755 if name == "amiferry" else 0o444)
            done = subprocess.run([ferry, "status", "--output", "json"], env=p.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, user="nobody")
            return Done(done.returncode, done.stdout.decode(), done.stderr.decode()).ends(0).json()["owner"]

        process = p.start("run", p.manifest(copy(name="one")), *QUICK)
        try:
            wait_for(lambda: "CopyImage" in str(p.world.audit()["calls"]))
            equal(look(), {"pid": process.pid})
        finally:
            process.kill()
            process.communicate()
        equal(look(), None)
        process = p.start("resume", *QUICK)  # the lock opens for those for whom the database does
        try:
            wait_for(lambda: p.run("status", "--output", "json").json()["owner"])
            equal(os.stat(p.db + ".lock").st_mode & 0o777, 0o644)
            equal(look(), {"pid": process.pid})
            os.chmod(p.db + ".lock", 0o600)
            done = subprocess.run([ferry, "status", "--output", "json"], env=p.env(), stdout=subprocess.PIPE, user="nobody")
            equal(json.loads(done.stdout)["owner"], {"pid": None})
        finally:
            process.kill()
            process.communicate()


@test("plan tells routes, reasons, ownership and cost, changes nothing, and writes no database")
def _():
    with cloud() as p:
        manifest = p.manifest(copy(name="plain-copy"), copy(SEALED, "sealed-copy"))
        out = os.path.join(p.home, "plan.json")
        text = p.run("plan", manifest, "--out", out).ends(0).out
        for part in ("copy-image  plain-copy", "reencrypt  sealed-copy", "why ", "steps ", "otherwise launch-image, if AWS refuses that",
                     "before ", "meanwhile ", "after ", "estimate ", "2 can go"):
            contains(text, part)
        document = json.load(open(out))
        equal(document, p.run("plan", manifest, "--output", "json").ends(0).json())
        equal([c["route"] for c in document["copies"]], ["copy-image", "reencrypt"])
        equal([c["ladder"] for c in document["copies"]], ["copy-image, then launch-image", "reencrypt, then launch-image"])
        equal([c["launch"] for c in document["copies"]], [None, None])
        equal(document["copies"][1]["key"].startswith("arn:aws:kms:eu-west-1:444455556666:key/"), True)
        equal(document["totals"]["copies"], 2)
        equal(len(p.run("plan", manifest, "--output", "ndjson").ends(0).lines()), 3)
        equal(os.path.exists(p.db), False)
        changed = [c for c in p.world.audit()["calls"] if not re.search(":(Describe|Get|List)", c)]
        equal(changed, [])


@test("a number in JSON is no longer than it has to be")
def _():
    with cloud("--speed", "0.1") as p:
        manifest = p.manifest(copy(name="plain-copy"), copy(SEALED, "sealed-copy"))
        for form in ("json", "ndjson"):
            text = p.run("plan", manifest, "--output", form).ends(0).out
            amounts = re.findall(r'_usd(?:_month)?": ?([^,}\s]+)', text)
            equal([a for a in amounts if repr(float(a)) != a], [])
            equal(any(float(a) * 64 % 1 for a in amounts), True)  # one at least that no binary fraction is
        with urllib.request.urlopen(p.url + "/_cloudsim/health", timeout=30) as reply:
            contains(reply.read().decode(), '"speed": 0.1\n')


@test("plan exits with 1 where a copy is refused, with 4 where one is blocked; each says why and what to do")
def _():
    with cloud() as p:
        refused = {"source": {"image": SEALED}, "name": "without-a-key"}
        text = p.run("plan", p.manifest(copy(), refused)).ends(1).out
        contains(text, "KmsKeyMissing: ")
        contains(text, "what to do: write target.kms_key")
        contains(text, "1 can go, 0 blocked, 1 refused")
        blocked = copy(target={"region": "eu-west-1", "profile": "nobody"})
        p.write("config", open(os.path.join(p.home, "config")).read() +
                "[profile nobody]\naws_access_key_id = AKIAFAKENOBODY\naws_secret_access_key = fake\n")
        text = p.run("plan", p.manifest(copy(), blocked)).ends(4).out
        contains(text, "blocked")
        contains(p.run("plan", p.manifest(copy()), "--out", "/proc/nowhere").ends(1).err, "/proc/nowhere")


@test("doctor checks versions, database, credentials, clock and endpoints")
def _():
    with cloud() as p:
        checks = p.run("doctor", "--profile", "src", "--output", "ndjson").ends(0).lines()
        equal([(c["check"], c["status"]) for c in checks],
              [("versions", "ok"), ("database", "ok"), ("credentials", "ok"), ("clock", "ok")] + [("endpoint", "ok")] * 3)
        contains(checks[2]["message"], "account 111122223333, arn:aws:iam::111122223333:user/source-admin")
        contains(p.run("doctor", "--profile", "srk").ends(1).out, "fail  credentials")
        p.run("run", p.manifest(copy()), *QUICK).ends(0)
        contains(p.run("doctor", "--profile", "src").ends(0).out, "is whole")
        os.chmod(p.db, 0o644)
        contains(p.run("doctor", "--profile", "src").ends(0).out, "warn  database")
        role = ["--role-arn", "arn:aws:iam::111122223333:role/ferry-source"]
        contains(p.run("doctor", "--profile", "dst", *role).ends(1).out, "external id")
        contains(p.run("doctor", "--profile", "dst", *role, "--external-id", "ferry-42", "--region", "us-east-1").ends(0).out, "assumed-role/ferry-source")
        p.world.faults({"kind": "clock-skew", "seconds": 600})
        contains(p.run("doctor", "--profile", "src").ends(0).out, "warn  clock")


@test("doctor gives no advice about the mode of what is no database of amiferry's")
def _():
    with Place() as p:
        foreign = os.path.join(p.home, "foreign.db")
        with contextlib.closing(sqlite3.connect(foreign)) as db, db:
            db.execute("CREATE TABLE t (a)")
        folder = os.path.join(p.home, "folder")
        os.mkdir(folder)
        for path in (p.write("notes.txt", "hello, this is no database\n"), foreign, folder, "/dev/null"):
            if path != "/dev/null":
                os.chmod(path, 0o777)
            checks = p.run("doctor", "--db", path, "--profile", "nowhere", "--output", "json").ends(1).json()
            equal([c["status"] for c in checks if c["check"] == "database"], ["fail"])
            lacks(json.dumps(checks), "chmod")


@test("doctor fails where run could not write to the database or its folder, and says what to do")
def _():
    with cloud() as p:
        manifest = p.manifest(copy())
        os.chmod(p.home, 0o755)
        as_nobody(p, "help").ends(0)  # the copy that it runs
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "nobody", p.home], check=True)

        def database(*args):
            done = as_nobody(p, "doctor", "--profile", "src", "--output", "json", *args)
            return [(c["status"], c["message"], c["hint"]) for c in done.json() if c["check"] == "database"], done.code

        def refused(what, *args):
            """As doctor says, so it is."""
            told, code = database(*args)
            equal((told[-1][0], told[-1][1], code), ("fail", "run can't start: " + what, 1))
            contains(told[-1][2], "check who owns the file and its folder")
            contains(as_nobody(p, "run", manifest, *QUICK, *args).ends(1).err, "check who owns the file and its folder")
            equal(len(told), 1 if "none" in args[-1] else 2)

        def tidy():
            for name in ("-wal", "-shm"):  # which readers leave behind, with the database's mode: an owner that finds them needs no folder
                if os.path.exists(path + name):
                    os.unlink(path + name)

        os.mkdir(p.home + "/shut", 0o500)
        if os.geteuid() == 0:
            shutil.chown(p.home + "/shut", "nobody")
        none = p.home + "/shut/none/yet/x.db"
        refused("cannot write to the folder %s/shut: Permission denied" % p.home, "--db", none)
        equal(os.listdir(p.home + "/shut"), [])
        os.chmod(p.home + "/shut", 0o700)
        equal(database("--db", none), ([("ok", "none yet at %s; run makes it" % none, None)], 0))
        equal(os.listdir(p.home + "/shut"), [])
        path = p.home + "/shut/x.db"
        as_nobody(p, "run", manifest, *QUICK, "--db", path).ends(0)
        equal(database("--db", path), ([("ok", path + " is whole", None)], 0))
        tidy()
        os.chmod(p.home + "/shut", 0o500)
        refused("cannot write to the folder %s/shut: Permission denied" % p.home, "--db", path)
        os.chmod(p.home + "/shut", 0o700)
        for name in (path, path + ".lock"):
            os.chmod(name, 0o400)
            refused("cannot write %s: Permission denied" % name, "--db", path)
            os.chmod(name, 0o600)
            tidy()
        equal(database("--db", path), ([("ok", path + " is whole", None)], 0))
        if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode:
            return
        tidy()
        for db in (path, none):  # whom no mode keeps out, a mount does
            mounted = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
            done = subprocess.run(["unshare", "-m", "/bin/sh", "-c", mounted, "sh", p.home + "/shut", FERRY, "doctor", "--profile", "src", "--db", db],
                                  env=p.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if "mount" in done.stderr:
                return
            equal(done.returncode, 1)
            contains(done.stdout, "fail  database     run can't start: cannot write %s: Read-only file system\n" %
                     (path if db == path else "to the folder %s/shut" % p.home))
            contains(done.stdout, "mount it so that it can be written to")


@test("doctor says which endpoint does not answer")
def _():
    with cloud() as p:
        text = p.run("doctor", "--profile", "src", AWS_ENDPOINT_URL_KMS="http://127.0.0.1:1", timeout=200).ends(1).out
        contains(text, "fail  endpoint     kms does not answer at http://127.0.0.1:1")
        contains(text, "ok    endpoint     ec2 answers")


# --- terminals and pipes ---

ESCAPE = re.compile(r"\033\[[0-9;]*[A-Za-z]")


@test("on a terminal progress is drawn within its width and height, and results are left behind")
def _():
    with cloud("--speed", "0.5") as p:
        manifest = p.manifest(*(copy(name="a-rather-long-name-for-a-copy-%02d" % i) for i in range(12)))
        code, out = on_terminal(p, 60, 8, "run", manifest, *QUICK)
        equal(code, 0)
        blocks = re.findall(r"\033\[(\d+)A\033\[J", out)
        equal(len(blocks) > 2, True)
        equal(max(map(int, blocks)) < 8, True)
        drawn = re.findall(r"(?:^|\n)([^\n]*(?:working|%)[^\n]*)\r\n", out)
        for line in drawn:
            equal(columns_of(ESCAPE.sub("", line).strip("\r")) < 60, True)
        contains(out, "more")
        contains(out, "\033[32mdone\033[0m")
        results = re.findall(r"ami-\S+ \(us-east-1\) -> ami-[0-9a-f]{17}\r\n    \(eu-west-1\)  done  a-rather-long-name-for-a-copy-\d\d\r$", ESCAPE.sub("", out), re.M)
        equal((len(results), max(columns_of(line) for r in results for line in r.splitlines()) <= 60), (12, True))
        lacks(out, "\033[?25l")  # the cursor is never hidden


@test("at any usual width, and without a terminal, each row says where its copy goes, in the manifest's order")
def _():
    regions = ["eu-west-1", "us-east-1"]
    with cloud("--speed", "0.5") as p:
        for columns in (40, 60, 80, 200):
            name = "to-%d-columns" % columns
            manifest = p.manifest(*(copy(name=name, target={"region": region}) for region in regions))
            code, out = on_terminal(p, columns, 24, "run", manifest, *QUICK)
            equal(code, 0)
            blocks = [re.findall(r"^\S*000000001 .*", ESCAPE.sub("", block), re.M) for block in re.split(r"\033\[\d+A\033\[J", out)[1:-1]]
            told = [[re.findall("→ (" + "|".join(regions) + r")(?:\s|$)", row) for row in rows] for rows in blocks]
            equal([rows for rows in told if not all(rows) or rows != sorted(rows)], [])
            equal([[region] for region in regions] in told, True)
        err = p.run("run", p.manifest(*(copy(name="lines", target={"region": region}) for region in regions)), *QUICK).ends(0).err
        for region in regions:
            contains(err, "%s -> 444455556666 %s: copying the image: under way" % (PLAIN, region))


@test("on a terminal a plan's lines are folded between words, under where they began; elsewhere each is whole")
def _():
    with cloud() as p:
        manifest = p.manifest(copy(SEALED, "one"))
        code, out = on_terminal(p, 72, 24, "plan", manifest)
        equal(code, 0)
        lines = ESCAPE.sub("", out).replace("\r", "").splitlines()
        equal([line for line in lines if columns_of(line) > 72 and " " in line.strip()], [])
        whole = p.run("plan", manifest).ends(0).out
        equal(re.sub(r"\n {14}", " ", "\n".join(lines[1:])).split(), whole.split())
        equal(len(whole.splitlines()) < len(lines) - 1, True)
        contains("\n".join(lines), "\n              ")


@test("a terminal that changes its size is drawn anew in the new size")
def _():
    with cloud("--speed", "0.15") as p:
        code, out = on_terminal(p, 150, 20, "run", p.manifest(copy(name="one"), copy(name="two")), *QUICK, resize=(40, 10), after=1.5)
        equal(code, 0)
        widths = [columns_of(ESCAPE.sub("", line)) for line in re.findall(r"(\S*0000001 [^\r\n]*copying t[^\r\n]*)\r\n", out)]
        equal((max(widths) > 60, min(widths) < 40), (True, True))


@test("NO_COLOR and TERM=dumb are honoured")
def _():
    with cloud() as p:
        code, out = on_terminal(p, 80, 24, "run", p.manifest(copy(name="one")), *QUICK, NO_COLOR="1")
        equal(code, 0)
        equal(re.findall(r"\033\[[0-9;]*m", out), [])
        code, out = on_terminal(p, 80, 24, "run", p.manifest(copy(name="two")), *QUICK, TERM="dumb")
        equal(code, 0)
        lacks(out, "\033")
        contains(out, "copying the image: under way")


@test("Ctrl-C on a terminal takes the block away and says what happens")
def _():
    with cloud("--speed", "0.05") as p:
        code, out = on_terminal(p, 80, 24, "run", p.manifest(copy(name="one")), *QUICK, send=signal.SIGINT, after=2)
        equal(code, 130)
        contains(out, "stopping at a safe point… (Ctrl-C again: at once)")
        contains(out.split("\033[J")[-1], "to go on: amiferry resume")


@test("standard output that can't be written to ends it with 1; a reader that went away doesn't")
def _():
    with cloud() as p:
        with open("/dev/full", "w") as full:
            contains(p.run("run", p.manifest(copy(name="one")), *QUICK, stdout=full).ends(1).err, "standard output: No space left on device")
            many = p.manifest(*(copy(name="many-%d" % i) for i in range(20)))  # more than fits into the stream's buffer
            for form in (["--output", "json"], ["--output", "ndjson"], []):
                contains(p.run("plan", many, *form, stdout=full).ends(1).err, "standard output: No space left on device")
        equal(len(p.world.audit()["images"]), 1)
        read, write = os.pipe()
        os.close(read)
        p.run("status", stdout=write).ends(0)
        os.close(write)


@test("secrets are in no output, log or database, and no core is dumped")
def _():
    with cloud() as p:
        log = os.path.join(p.home, "log")
        done = p.run("run", p.manifest(copy(SEALED, "one")), *QUICK, "--log-level", "debug", "--log-format", "json", "--log-file", log).ends(0)
        p.run("doctor", "--profile", "src", "--log-level", "debug", "--log-file", log).ends(0)
        for line in open(log):
            if line.startswith("{"):
                json.loads(line)
        stored = b"".join(open(os.path.join(folder, name), "rb").read() for folder, _, names in os.walk(os.path.dirname(p.db)) for name in names)
        for secret in (SOURCE[1], TARGET[1]):
            for text in (done.out, done.err, open(log).read(), stored.decode("latin-1")):
                lacks(text, secret)
    with Place() as p:
        process = p.start("run", p.manifest(copy()))
        try:
            wait_for(lambda: p.knocks)
            contains(re.sub(" +", " ", open("/proc/%d/limits" % process.pid).read()), "Max core file size 0 0 bytes")
        finally:
            process.kill()
            process.communicate()


sys.exit(harness.run())
