#!/usr/bin/python3
"""tools/demo as a newcomer meets it: it prints what the README says, can be killed, and goes on."""
# timeout: 900
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import contains, equal, test

ROOT = os.path.dirname(os.path.dirname(harness.HERE))
DEMO = os.path.join(ROOT, "tools", "demo")

# What differs from run to run, or by machine.
CHANGING = [(r"http://127\.0\.0\.1:\d+", "URL"), (r"\b\d{8}-\d{6}-[0-9a-f]{4}\b", "BATCH"), (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
            (r"\bami-(?!0c0ffee)[0-9a-f]{17}\b", "AMI"), (r"\bcp-[0-9a-f]{12}\b", "COPY"), (r" +", " ")]


def even(line):
    for pattern, instead in CHANGING:
        line = re.sub(pattern, instead, line)
    return line.strip()


def readme_block(first):
    """The indented block of the README that begins with this line, evened out, without the lines that stand for others (…)."""
    with open(os.path.join(ROOT, "README.md")) as f:
        text = f.read()
    for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.M):
        lines = [line[4:] for line in block.splitlines() if line.strip()]
        if lines and even(lines[0]) == even(first):
            return [even(line) for line in lines if line.strip() != "…"]
    raise AssertionError("the README has no block that begins with %r" % first)


def demo(*arguments, **more):
    return subprocess.run([DEMO, *arguments], capture_output=True, text=True, timeout=600, **more)


@test("it prints what the README shows, and leaves nothing running")
def _():
    done = demo()
    equal((done.returncode, done.stderr if done.returncode else ""), (0, ""))
    printed = [even(line) for line in (done.stdout + "\n" + done.stderr).splitlines()]
    for line in readme_block("A simulated AWS listens on http://127.0.0.1:1, with four accounts and two Regions."):
        if line not in printed:
            raise AssertionError("the README promises %r, which tools/demo did not print:\n%s" % (line, done.stdout))
    # The simulated AWS has ended, and the database is still there.
    contains(demo("status").stdout, "done")
    copies = re.findall(r"amiferry show (cp-[0-9a-f]{12})", done.stdout)
    contains(demo("show", copies[0]).stdout, copies[0])
    for command in ("env", "resume", "audit"):
        ended = demo(command)
        equal((ended.returncode, ended.stdout), (1, ""))
        contains(ended.stderr, "the simulated AWS isn't running")


def amiferry_of(session):
    """The process id of the amiferry that runs in this session."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % entry) as f:
                name, rest = re.match(r"\d+ \((.*)\) (.*)", f.read()).groups()
        except OSError:
            continue
        if name == "amiferry" and rest.split()[3] == str(session):
            return int(entry)
    raise AssertionError("no amiferry runs in the session of tools/demo")


@test("killed in the middle and resumed, the batch ends with nothing twice and nothing open")
def _():
    running = subprocess.Popen([DEMO], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        output = ""
        while "inspecting" not in output:
            line = running.stdout.readline()
            if not line:
                raise AssertionError("tools/demo ended early:\n" + output)
            output += line
        time.sleep(2)
        os.kill(amiferry_of(running.pid), signal.SIGKILL)
        contains(running.communicate(timeout=60)[0], "tools/demo resume")
        equal(running.returncode, 137)
        contains(demo("status").stdout, "working")
        done = demo("resume")
        equal(done.returncode, 0)
        for line in ("images made 11", "shares left open none", "grants left open none", "made twice none", "snapshots of none none",
                     "instances left none"):
            contains([even(printed) for printed in done.stdout.splitlines()], line)
    finally:
        demo("stop")


sys.exit(harness.run())
