#!/usr/bin/python3
# timeout: 1800
"""Faults planted in the engine, one at a time, in a copy of the sources: the simulation must catch each. A simulation that finds nothing in
a broken engine would prove nothing of a whole one.

    test_mutations.py BUILD [NAME]...

Each mutation replaces a text that occurs once, so that one which no longer fits the sources fails here, too.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEEDS = 3000
SEEDED = "simulation"

# name, file, what is there, what is put there; and the program that notices, where scenes that show it are too rare among the seeds
MUTATIONS = [
    ("an intent that is found after a crash is not reconciled", "engine/load.c",
     "af_record_step(e, c, i, AF_STEP_AMBIGUOUS,", "af_record_step(e, c, i, AF_STEP_IDLE,"),
    ("a lost reply is taken for a call that was never made", "engine/outcome.c",
     "if (s->state == AF_STEP_INTENDED) return step_ambiguous(", "if (false) return step_ambiguous("),
    ("what AWS doesn't show yet is taken for what never happened", "engine/steps/common.c",
     "return ctx->asked_ms >= ctx->step->intent_ms + ctx->window_ms;", "return true;"),
    ("calls are sent before their intents are committed", "engine/engine.c",
     "  int rc = af_store_commit(e->config.store, &err);\n", "  if (!stop) send_out(e);\n  int rc = af_store_commit(e->config.store, &err);\n"),
    ("a grant is retired while what needs it is still being copied", "engine/machine.c",
     "return s->face == AF_FACE_DO && s->state == AF_STEP_DONE;",
     "return s->face == AF_FACE_DO && (s->state == AF_STEP_DONE || s->state == AF_STEP_PENDING);"),
    ("a grant is retired where a copy is blocked while another of its snapshots is being copied", "engine/machine.c",
     "  return s->state == AF_STEP_INTENDED || s->state == AF_STEP_AMBIGUOUS || s->state == AF_STEP_PENDING;\n}\n\n/* A wish to cancel",
     "  return false;\n}\n\n/* A wish to cancel", "simulation_refusals"),
    ("access is opened without holding it", "engine/exposure.c",
     "int rc = hold(e, x, c->row.id, true);", "int rc = 0;"),
    ("access that was there before is taken for borrowed", "engine/exposure.c",
     "if (out->was_there) x.borrowed = false;", "x.borrowed = true;"),
    ("a cancelled copy keeps what it made", "engine/machine.c",
     "    case AF_GOAL_FAILED:\n    case AF_GOAL_CANCELLED:\n", "    case AF_GOAL_CANCELLED: return traits->temporary;\n    case AF_GOAL_FAILED:\n"),
    ("another route is taken before the first is undone", "engine/machine.c",
     "    case AF_GOAL_REROUTE: return true;", "      return true;\n    case AF_GOAL_REROUTE: return traits->temporary;", "simulation_ladder"),
    ("what is borrowed is not taken back where all went well", "engine/machine.c",
     "    case AF_GOAL_DONE:\n    case AF_GOAL_BLOCKED: return traits->temporary;",
     "    case AF_GOAL_DONE: return traits->temporary && !traits->exposure;\n    case AF_GOAL_BLOCKED: return traits->temporary;"),
    ("a manifest that is run again doesn't wait for what AWS will show", "engine/recent.c",
     "if (earlier->state == AF_COPY_DONE) return af_route_makes(d->route);", "if (earlier->state == AF_COPY_DONE) return false;", "simulation_engine"),
    ("reads that lag: what was just made is copied on as it is shown", "engine/recent.c",
     "return earlier->state == AF_COPY_DONE && af_streq(", "return false && af_streq(", "simulation_engine"),
    ("reads that lag: an inspection is trusted by when it ended", "engine/recent.c",
     "if (c->inspect_begun_ms >= shown) return", "if (af_now_ms(e->config.clock) >= shown) return", "simulation_engine"),
    ("a clock that is set makes old what has just been done", "engine/past.c",
     "int64_t at = earlier ? written_ms - e->written_ms + e->begun_ms : written_ms;", "int64_t at = earlier ? written_ms : written_ms;",
     "simulation_scenes"),
    ("reads that lag: verify judges what was just made at once", "engine/verify.c",
     "if (rc || now >= shown ||", "if (rc || true ||", "simulation_engine"),
    ("reads that lag: a copy's own verification judges at once", "engine/steps/verify.c",
     "if (af_json_int(seen, FIRST_ASKED) < ctx->step->started_ms + ctx->window_ms) {", "if (false) {"),
    ("steps are undone in the order in which they were taken", "engine/machine.c",
     "  int64_t stage = INT64_MIN; /* the last that is not settled yet: stages are undone backwards */\n"
     "  for (size_t i = 0; i < n; i++)\n    if (unsettled(copy->goal, &steps[i]) && steps[i].stage > stage) stage = steps[i].stage;\n",
     "  int64_t stage = INT64_MAX;\n"
     "  for (size_t i = 0; i < n; i++)\n    if (unsettled(copy->goal, &steps[i]) && steps[i].stage < stage) stage = steps[i].stage;\n"
     "  if (stage == INT64_MAX) stage = INT64_MIN;\n"),
]


def copy_sources(folder):
    for name in ("base", "plans", "state", "engine", "tools", "tests", "meson.build", "meson_options.txt", "README.md", "LICENSE"):
        path = os.path.join(ROOT, name)
        if os.path.isdir(path):
            shutil.copytree(path, os.path.join(folder, name), ignore=shutil.ignore_patterns("__pycache__", "corpus"))
        elif os.path.exists(path):
            shutil.copy(path, folder)


def build(folder, program=SEEDED):
    """None, or what the compiler said."""
    done = subprocess.run(["ninja", "-C", os.path.join(folder, "out"), "tests/simulation/" + program], capture_output=True, text=True)
    return None if done.returncode == 0 else done.stdout[-2000:]


def noticed(folder, program):
    """(True, how), or (False, why not)."""
    options = ["--seeds", str(SEEDS), "--brief"] if program == SEEDED else []
    done = subprocess.run([os.path.join(folder, "out", "tests", "simulation", program), *options], capture_output=True, text=True,
                          env=dict(os.environ, AF_STRIDE="1000"))
    said = re.search(r"seed \d+ breaks a law: .*|\[  FAILED  \] .*", done.stderr + done.stdout)
    return done.returncode != 0 and said is not None, said.group(0)[:240] if said else done.stdout[-400:]


def caught(folder, path, old, new, program=SEEDED):
    """(True, how), or (False, why not)."""
    file = os.path.join(folder, path)
    with open(file, encoding="utf-8") as f:
        text = f.read()
    if text.count(old) != 1:
        return False, f"{path} has the text {text.count(old)} times: the mutation must be brought up to date"
    try:
        with open(file, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        problem = build(folder, program)
        return (False, "it does not compile:\n" + problem) if problem else noticed(folder, program)
    finally:
        with open(file, "w", encoding="utf-8") as f:
            f.write(text)


def main():
    names = sys.argv[2:]
    wanted = [m for m in MUTATIONS if not names or any(n in m[0] for n in names)]
    folder = tempfile.mkdtemp(prefix="mutations.")
    try:
        print(f"1..{len(wanted) + 1}", flush=True)
        copy_sources(folder)
        setup = subprocess.run(["meson", "setup", "--buildtype=debugoptimized", "-Dwerror=false", os.path.join(folder, "out"), folder], capture_output=True, text=True)
        problem = setup.stdout[-2000:] if setup.returncode else build(folder)
        print(f"{'not ' if problem else ''}ok 1 - the copy of the sources builds", flush=True)
        if problem:
            print("# " + problem.replace("\n", "\n# "))
            return 1
        bad = 0
        for i, (name, *mutation) in enumerate(wanted):
            good, how = caught(folder, *mutation)
            bad += not good
            print(f"{'' if good else 'not '}ok {i + 2} - it is noticed that {name}", flush=True)
            print("# " + how.replace("\n", "\n# "), flush=True)
        return 1 if bad else 0
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
