#!/usr/bin/python3
"""Prints what `gcovr --json-summary` counted: a line a folder, then the files that are reached least."""
import json
import sys


def percent(part, whole):
    return f"{100 * part / whole:5.1f} %" if whole else "    - "


def main():
    files = json.load(open(sys.argv[1]))["files"]
    folders = {}
    for f in files:
        name = f["filename"].split("/")[0]
        sums = folders.setdefault(name, [0, 0, 0, 0])
        for i, key in enumerate(("line_covered", "line_total", "branch_covered", "branch_total")):
            sums[i] += f[key]
    print("coverage       lines  branches")
    for name in sorted(folders):
        covered, lines, taken, branches = folders[name]
        print(f"{name:12} {percent(covered, lines)}   {percent(taken, branches)}")
    for f in sorted(files, key=lambda f: f["line_percent"])[:10]:
        if f["line_percent"] < 90:
            print(f"  {percent(f['line_covered'], f['line_total'])} of the lines of {f['filename']}")


main()
