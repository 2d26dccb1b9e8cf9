#!/usr/bin/python3
"""The batch of tools/demo, killed with SIGKILL at random moments and resumed, until it has been killed a hundred times: each batch ends done,
nothing is there twice, nothing is left open. AF_KILLS and AF_SEED set the number and the chances."""
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
from harness import equal, test

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
TOOLS = os.path.join(os.path.dirname(os.path.dirname(harness.HERE)), "tools")
FERRY = os.path.join(BUILD, "tools", "amiferry", "amiferry")
KILLS = int(os.environ.get("AF_KILLS", "100"))
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
COPIES = 8


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

    def start(self):
        # Before it has written its batch down there is nothing to resume: then the manifest is run again, as a pipeline would.
        command = ["resume"] if self.written() else ["run", os.path.join(TOOLS, "demo-manifest.yaml")]
        return subprocess.Popen([FERRY, *command, "--db", self.db, "--poll-interval", "0.1", "--consistency-window", "0.4", "--no-progress"],
                                env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def written(self):
        if not os.path.exists(self.db):
            return False
        try:
            with sqlite3.connect("file:%s?mode=ro" % self.db, uri=True) as db:
                return db.execute("SELECT count(*) FROM batch").fetchone()[0] > 0
        except sqlite3.Error:
            return False

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
        equal((process.returncode, output if process.returncode else ""), (0, ""))
        return output

    def come_through(self):
        process = self.start()
        output, _ = process.communicate(timeout=300)
        equal((process.returncode, output if process.returncode else ""), (0, ""))

    def stop(self):
        self.world.stop()
        shutil.rmtree(self.home, ignore_errors=True)


def check(batch):
    audit = batch.world.audit()
    for what in ("duplicates", "shares_open", "shares_lost", "grants_open", "orphaned_snapshots", "lost_resources"):
        equal((what, audit[what]), (what, []))
    equal(sorted(image["state"] for image in audit["images"]), ["available"] * COPIES)
    equal(audit["calls"]["ec2:RegisterImage"]["ok"], 4)
    with sqlite3.connect(batch.db) as db:
        equal(db.execute("PRAGMA integrity_check").fetchone()[0], "ok")
        equal(db.execute("SELECT count(*) FROM copy WHERE state <> 'done'").fetchone()[0], 0)
        equal(db.execute("SELECT count(*) FROM step WHERE state IN ('intended', 'ambiguous', 'pending')").fetchone()[0], 0)
        equal(db.execute("SELECT count(*) FROM (SELECT copy_id, count(*) AS n, max(number) AS last FROM event GROUP BY copy_id) WHERE n <> last").fetchone()[0], 0)


@test("killed %d times at random moments (AF_SEED=%d), every batch is resumed to its end, nothing is twice, nothing is left open" % (KILLS, SEED))
def _():
    chances = random.Random(SEED)
    kills = batches = 0
    while kills < KILLS:
        batches += 1
        batch = Batch(chances, SEED + batches)
        try:
            # Killed too often it would hardly get on: a bound lets each batch end.
            while batch.kills < 40 and kills + batch.kills < KILLS and batch.run_until_killed() is None:
                pass
            batch.come_through()
            check(batch)
            kills += batch.kills
        finally:
            batch.stop()
    print("# %d kills in %d batches of %d copies" % (kills, batches, COPIES), flush=True)


sys.exit(harness.run())
