#!/usr/bin/python3
"""The batch of tools/demo, which goes every route, killed with SIGKILL at random moments and resumed, until it has been killed a hundred
times: each batch ends as it should, nothing is there twice, nothing is left open. AF_KILLS and AF_SEED set the number and the chances,
AF_KILL_SECONDS for how long more batches are begun: AF_KILLS=100000 AF_KILL_SECONDS=3600 kills for an hour."""
# timeout: 1500
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import contains, equal, test

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
TOOLS = os.path.join(os.path.dirname(os.path.dirname(harness.HERE)), "tools")
FERRY = os.path.join(BUILD, "tools", "amiferry", "amiferry")
KILLS = int(os.environ.get("AF_KILLS", "100"))
SECONDS = int(os.environ.get("AF_KILL_SECONDS", "120"))
SEED = int(os.environ.get("AF_SEED", time.time_ns() % 1000000))

CONFIG = """[profile golden]
role_arn = arn:aws:iam::111122223333:role/amiferry-source
source_profile = operator
external_id = demo-golden
[profile recovery]
role_arn = arn:aws:iam::444455556666:role/amiferry-target
source_profile = operator
external_id = demo-recovery
"""
CREDENTIALS = """[operator]
aws_access_key_id = AKIAFAKEOPERATOR0001
aws_secret_access_key = not-a-secret-only-the-simulated-aws-knows-it
"""

# How the copies of tools/demo-manifest.yaml end, in its order: by which route; and how often AWS carried out what makes an image and has no
# client token.
ENDS = ["copy-image", "copy-image", "copy-image", "reencrypt", "reencrypt", "reencrypt", "launch-image", "launch-image", "copy-image",
        "copy-image", "copy-image", None]  # the last is refused
MADE_ONCE = {"ec2:RegisterImage": 3, "ec2:CreateImage": 2}


class Batch:
    """One batch in a world of its own, from its first start to its end."""

    def __init__(self, chances, seed):
        self.chances = chances
        self.world = harness.World(BUILD, os.path.join(TOOLS, "demo-world.yaml"), "--speed", "60", "--seed", str(seed))
        self.home = tempfile.mkdtemp(prefix="kill.")
        for name, text in (("config", CONFIG), ("credentials", CREDENTIALS)):
            with open(os.path.join(self.home, name), "w") as f:
                f.write(text)
        self.db = os.path.join(self.home, "state", "amiferry.db")
        self.env = self.world.env(AWS_ENDPOINT_URL=self.world.url, AWS_CONFIG_FILE=os.path.join(self.home, "config"),
                                  AWS_SHARED_CREDENTIALS_FILE=os.path.join(self.home, "credentials"))
        self.kills = 0
        self.subscribed = self.finished = False

    def start(self):
        # Before it has written its batch down there is nothing to resume: then the manifest is run again, as a pipeline would.
        command = ["resume", *self.written()] if self.written() else ["run", os.path.join(TOOLS, "demo-manifest.yaml")]
        return subprocess.Popen([FERRY, *command, "--db", self.db, "--poll-interval", "0.1", "--consistency-window", "0.4", "--no-progress"],
                                env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def written(self):
        if not os.path.exists(self.db):
            return []
        try:
            with sqlite3.connect("file:%s?mode=ro" % self.db, uri=True) as db:
                return [row[0] for row in db.execute("SELECT id FROM batch")]
        except sqlite3.Error:
            return []

    def run_until_killed(self):
        """Returns None when it was killed, or its output when it came through."""
        process = self.start()
        try:
            output, _ = process.communicate(timeout=self.chances.uniform(0.02, 0.9))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            self.kills += 1
            return None
        self.person(process.returncode, output)
        return output

    def person(self, code, output):
        """One copy is refused, and one waits until somebody has subscribed: the first time that a batch ends, that is done."""
        equal((code, output if code != 3 else ""), (3, ""))
        self.finished = self.subscribed
        if not self.subscribed:
            contains(output, "OptInRequired")
            self.world.subscribe("444455556666", "prod-fake-firewall")
            self.subscribed = True

    def come_through(self):
        while not self.finished:
            process = self.start()
            output, _ = process.communicate(timeout=300)
            self.person(process.returncode, output)

    def stop(self):
        self.world.stop()
        shutil.rmtree(self.home, ignore_errors=True)


def check(batch):
    audit = batch.world.audit()
    for what in ("duplicates", "shares_open", "shares_lost", "grants_open", "grants_lost", "orphaned_snapshots", "lost_resources", "instances_open",
                 "volumes_left", "security_groups_left", "hazards"):
        equal((what, audit[what]), (what, []))
    equal(sorted(image["state"] for image in audit["images"]), ["available"] * (len(ENDS) - 1))
    for call, times in MADE_ONCE.items():
        equal((call, audit["calls"][call]["ok"]), (call, times))
    with sqlite3.connect(batch.db) as db:
        equal(db.execute("PRAGMA integrity_check").fetchone()[0], "ok")
        equal(db.execute("SELECT count(*) FROM batch").fetchone()[0], 1)
        equal([route for (route,) in db.execute("SELECT CASE state WHEN 'done' THEN route END FROM copy ORDER BY position")], ENDS)
        equal(db.execute("SELECT count(*) FROM step WHERE state IN ('intended', 'ambiguous', 'pending')").fetchone()[0], 0)
        equal(db.execute("SELECT count(*) FROM (SELECT copy_id, count(*) AS n, max(number) AS last FROM event GROUP BY copy_id) WHERE n <> last").fetchone()[0], 0)


@test("killed %d times at random moments (AF_SEED=%d), every batch is resumed to its end, nothing is twice, nothing is left open" % (KILLS, SEED))
def _():
    chances = random.Random(SEED)
    kills = batches = 0
    end = time.monotonic() + SECONDS
    while kills < KILLS and time.monotonic() < end:
        batches += 1
        batch = Batch(chances, SEED + batches)
        try:
            # Killed too often it would hardly get on: a bound lets each batch end.
            while not batch.finished and batch.kills < 50 and kills + batch.kills < KILLS:
                batch.run_until_killed()
            batch.come_through()
            check(batch)
            kills += batch.kills
        finally:
            batch.stop()
    print("# %d kills in %d batches of %d copies" % (kills, batches, len(ENDS)), flush=True)


sys.exit(harness.run())
