#!/usr/bin/python3
"""Lists what tools/test runs of one build: one line a suite, "name TAB seconds TAB unit|other TAB command for a shell".

The meson tests come from `meson introspect`. Those built in tests/unit/ are "unit": they also run under valgrind, unless
they are in a meson suite called no-valgrind."""
import json
import os
import shlex
import subprocess
import sys


def main():
    build = sys.argv[1]
    tests = json.loads(subprocess.check_output(["meson", "introspect", "--tests", build]))
    unit_folder = os.path.join(os.path.realpath(build), "tests", "unit") + os.sep
    for test in tests:
        if test["protocol"] != "tap":
            sys.exit(f"{test['name']}: its meson protocol must be 'tap', so that its results can be counted")
        kind = "unit" if os.path.realpath(test["cmd"][0]).startswith(unit_folder) else "other"
        if any(suite.endswith(":no-valgrind") for suite in test["suite"]):
            kind = "other"
        command = shlex.join(["env", *(f"{k}={v}" for k, v in test["env"].items()), "@RUNNER@", *test["cmd"]])
        if test["workdir"]:
            command = f"cd {shlex.quote(test['workdir'])} && {command}"
        print(test["name"], test["timeout"], kind, command.replace(" @RUNNER@ ", " $RUNNER "), sep="\t")


main()
