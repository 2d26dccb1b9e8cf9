#!/usr/bin/python3
"""The real command while memory runs out: each allocation fails in turn, once or from then on, in it and in all its libraries. It either does
what it was told or says in a line why not, never dies of a signal, and with memory the next run brings every copy home. And cloudsim, which
answers as it does with memory, or says that it has none and ends."""
import http.client
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ferry import BUILD, FERRY, PLAIN, QUICK, cloud, copy
from harness import SOURCE, TARGET, World, equal, run, skip_all, test

SCARCE = os.path.join(BUILD, "tests", "e2e", "scarce.so")
POINTS = int(os.environ.get("AF_POINTS", "60"))  # of each command: all of them take an hour
CLEAN = ("duplicates", "shares_open", "shares_lost", "grants_open", "orphaned_snapshots", "lost_resources")


def scarce(place, args, **env):
    done = subprocess.run([FERRY, *args], env=place.env(LD_PRELOAD=SCARCE, **env), capture_output=True, timeout=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def counted(place):
    with open(os.path.join(place.home, "count"), encoding="ascii") as f:
        return int(f.read())


def allocations(place, args, code=0):
    equal(scarce(place, args, SCARCE_COUNT=os.path.join(place.home, "count"))[0], code)
    return counted(place)


def points(n):
    """Where to fail, and whether once: the first, where a program makes itself ready, lie closer."""
    close = list(range(0, min(n, 600), max(1, 600 // POINTS)))
    wide = list(range(600, n, max(1, (n - 600) // POINTS)))
    return [(at, once) for at in close + wide for once in (True, False)]


def answers(place, args, at, once):
    """The exit code; whatever it is, it was said why."""
    env = {"SCARCE_ONCE": "1"} if once else {}
    code, out, err = scarce(place, args, SCARCE_AFTER=str(at), **env)
    where = "%s: allocation %d %s" % (args[0], at, "fails" if once else "and all after it fail")
    if code not in (0, 1, 3, 4) or (code and not err.strip()):
        raise AssertionError("%s: exit code %d, %r" % (where, code, err[-500:]))
    return code, out, where


def reads(place, *args):
    whole = scarce(place, args)[1]
    for at, once in points(allocations(place, args)):
        code, out, where = answers(place, args, at, once)
        if code == 0 and out != whole:
            raise AssertionError("%s: it says all is well and prints\n%s\ninstead of\n%s" % (where, out, whole))


@test("plan, status, show and verify say that memory is out, or print all")
def _():
    with cloud("--speed", "1000") as place:
        manifest = place.manifest(copy(name="of-little-memory"))
        reads(place, "plan", manifest)
        [made] = place.run("run", manifest, *QUICK, "--output", "json").ends(0).json()
        reads(place, "status", "--output", "json")
        reads(place, "show", made["id"], "--output", "json")
        reads(place, "verify", made["id"])


@test("run goes on with memory where it stopped without")
def _():
    with cloud("--speed", "1000") as place:
        n = allocations(place, ["run", place.manifest(copy(name="with-enough")), *QUICK])
        names = []
        for at, once in points(n)[::8]:
            names.append("little-%d-%s" % (at, once))
            args = ["run", place.manifest(copy(name=names[-1])), *QUICK]
            answers(place, args, at, once)
            place.run(*args).ends(0)
        audit = place.world.audit()
        for what in CLEAN:
            equal((what, audit[what]), (what, []))
        equal(len(audit["images"]), len(names) + 1)


CALLS = (
    lambda world: world.get("/_cloudsim/audit"),
    lambda world: world.call(SOURCE, "ec2", "DescribeImages", {"Owner.1": "self"}),
    lambda world: world.call(SOURCE, "ec2", "ModifyImageAttribute", {"ImageId": PLAIN, "LaunchPermission.Add.1.UserId": "444455556666"}),
    lambda world: world.call(TARGET, "kms", "ListKeys", {}),
    lambda world: world.audit()["shares_open"],
)


def simulates(**env):
    """What cloudsim answers (None: nothing), without times and numbers of requests; its exit status, and what it said. Who sees his connection
    closed asks again: libmicrohttpd does that where it has no memory to read a request."""
    try:
        world = World(BUILD, "small.yaml", env=dict(os.environ, LD_PRELOAD=SCARCE, **env))
    except RuntimeError as error:
        return [None] * len(CALLS), 2, str(error).partition("start: ")[2]
    replies = [None] * len(CALLS)
    for i in sorted([*range(len(CALLS))] * 2):
        try:
            replies[i] = replies[i] or re.sub(r"[0-9-]{10}T[0-9:.]+Z|<requestId>[^<]+", "", str(CALLS[i](world)))
        except (OSError, http.client.HTTPException):
            pass
    return replies, world.stop(), "\n".join(world.log)


@test("cloudsim answers in full or not at all, and says why it ends")
def _():
    with cloud() as place:
        whole, status, _ = simulates(SCARCE_COUNT=os.path.join(place.home, "count"))
        n = counted(place)
    equal((status, None in whole), (0, False))
    for at, once in points(n):
        replies, status, said = simulates(SCARCE_AFTER=str(at), **({"SCARCE_ONCE": "1"} if once else {}))
        where = "cloudsim: allocation %d %s" % (at, "fails" if once else "and all after it fail")
        wrong = [got for got, right in zip(replies, whole) if got not in (None, right)]
        if wrong or (status, said != "") not in ((0, False), (2, True)):
            raise AssertionError("%s: exit status %r, %r, %r" % (where, status, said, wrong))


@test("cloudsim --audit prints all or says that memory is out")
def _():
    with cloud() as place:
        def audit(**env):
            command = [os.path.join(BUILD, "tools", "cloudsim", "cloudsim"), "--audit", place.url]
            done = subprocess.run(command, env=dict(os.environ, LD_PRELOAD=SCARCE, **env), capture_output=True, timeout=120)
            return done.returncode, done.stdout.decode(), done.stderr.decode()

        whole = audit(SCARCE_COUNT=os.path.join(place.home, "count"))
        for at, once in points(counted(place)):
            code, out, err = audit(SCARCE_AFTER=str(at), **({"SCARCE_ONCE": "1"} if once else {}))
            if (code, out, err) != whole and (code != 2 or "memory" not in err):
                raise AssertionError("allocation %d fails, once: %s: %r, %r, %r" % (at, once, code, out, err))


if os.path.basename(BUILD) == "build-coverage":
    skip_all("what counts the lines can't do without memory itself")
sys.exit(run())
