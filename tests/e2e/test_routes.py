#!/usr/bin/python3
"""amiferry routes: the picture of the ways that a copy may go, and the README's copy of it."""
# timeout: 120
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from ferry import QUICK, SEALED, Place, cloud, copy
from harness import HERE, contains, equal, test

ROUTES = ["adopt", "skip", "copy-image", "reencrypt", "launch-image"]


@test("the README's picture is what amiferry routes --mermaid draws")
def _():
    with open(os.path.join(HERE, "..", "..", "README.md")) as f:
        blocks = re.findall(r"```mermaid\n(.*?)```", f.read(), re.S)
    with Place() as p:
        equal(blocks, [p.run("routes", "--mermaid").ends(0).out])
        p.untouched()


@test("text, JSON and both pictures have every route and every step of it, in one order")
def _():
    with Place() as p:
        document = p.run("routes", "--output", "json").ends(0).json()
        equal([r["route"] for r in document["routes"]], ROUTES)
        text, mermaid, dot = (p.run("routes", *o).ends(0).out for o in ([], ["--mermaid"], ["--dot"]))
        parts = dict(part.split("\n", 1) for part in text.rstrip("\n").split("\n\n")[1:])
        for number, r in enumerate(document["routes"], 1):
            kinds = [s["kind"] for s in r["steps"]]
            equal([line.split()[0] for line in parts[r["route"]].splitlines()], kinds)
            equal(re.findall(r'r%ds\d+[\[(]"([a-z-]+)' % number, mermaid), kinds)
            equal(re.findall(r'r%ds\d+ \[label="([a-z-]+)' % number, dot.split("  source ->")[0]), kinds)
        equal(dot.count("{"), dot.count("}"))
        for way in document["auto"]:
            contains(text, "%-42s  %s" % (way["for"], ", then ".join(way["routes"])))
            contains(mermaid, way["for"])
            contains(dot, way["for"])


@test("a copy takes the steps of its route in that order, and those that are always taken")
def _():
    with cloud() as p:
        steps = {r["route"]: r["steps"] for r in p.run("routes", "--output", "json").ends(0).json()["routes"]}
        for c in p.run("run", p.manifest(copy(name="one"), copy(SEALED, "two")), *QUICK, "--output", "json").ends(0).json():
            taken = [s["kind"] for s in p.run("show", c["id"], "--output", "json").ends(0).json()["steps"]]
            equal([s["kind"] for s in steps[c["route"]] if s["kind"] in taken], sorted(set(taken), key=taken.index))
            equal([s["kind"] for s in steps[c["route"]] if not s["when"] and s["kind"] not in taken], [])


@test("two pictures at once, or a picture as JSON, are refused with 2")
def _():
    with Place() as p:
        for options in (["--dot", "--mermaid"], ["--dot", "--output", "json"], ["--mermaid", "--output", "ndjson"]):
            done = p.run("routes", *options).ends(2)
            contains(done.err, "one of --dot, --mermaid and --output")
            equal(done.out, "")


sys.exit(harness.run())
