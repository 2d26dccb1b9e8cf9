#!/usr/bin/python3
"""Measures a batch of 200 copies, run by the real binary against cloudsim: calls by API, CPU time and peak memory. Both routes, half each.

    batch.py BUILD [COPIES]
"""
import json
import os
import resource
import subprocess
import sys
import tempfile
import urllib.request

BUILD = os.path.abspath(sys.argv[1])
COPIES = int(sys.argv[2]) if len(sys.argv) > 2 else 200

CONFIG = """[profile from]
role_arn = arn:aws:iam::111111111111:role/amiferry-source
source_profile = operator
[profile to]
role_arn = arn:aws:iam::222222222222:role/amiferry-target
source_profile = operator
"""
CREDENTIALS = "[operator]\naws_access_key_id = AKIAOPERATOR00000001\naws_secret_access_key = of-no-worth-at-all\n"
TRUST = [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}}]


def world():
    snapshots, images = [], []
    for i in range(COPIES):
        sealed = i % 2 == 1
        snapshot = {"id": "snap-%017x" % (i + 1), "size": 8}
        if sealed:
            snapshot.update(encrypted=True, kms_key="alias/amis")
        snapshots.append(snapshot)
        images.append({"id": "ami-%017x" % (i + 1), "name": "image-%d" % i,
                       "mappings": [{"device": "/dev/xvda", "snapshot": snapshot["id"], "volume_type": "gp3"}]})
    return {"version": 1, "speed": 60, "regions": ["us-east-1", "eu-west-1"],
            "latencies": {"read_lag": [0, 2], "grant_propagation": [5, 30], "copy_min": 20, "copy_mib_per_s": 200},
            "audit": {"copy_tag": "amiferry:copy", "step_tag": "amiferry:step"},
            "accounts": [
                {"id": "111111111111",
                 "users": [{"name": "operator", "access_keys": [{"id": "AKIAOPERATOR00000001", "secret": "of-no-worth-at-all"}]}],
                 "roles": [{"name": "amiferry-source", "trust": TRUST}],
                 "regions": {"us-east-1": {"keys": [{"id": "00000000-0000-4000-8000-000000000001", "alias": "alias/amis"}],
                                           "snapshots": snapshots, "images": images}}},
                {"id": "222222222222", "roles": [{"name": "amiferry-target", "trust": TRUST}],
                 "regions": {"eu-west-1": {"keys": [{"id": "00000000-0000-4000-8000-000000000002", "alias": "alias/amis"}]}}}]}


def manifest():
    return {"version": 1, "defaults": {"source": {"profile": "from", "region": "us-east-1"}, "target": {"profile": "to", "region": "eu-west-1"}},
            "copies": [{"source": {"image": "ami-%017x" % (i + 1)}, **({"target": {"kms_key": "alias/amis"}} if i % 2 else {})} for i in range(COPIES)]}


def write(folder, name, what):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(what if isinstance(what, str) else json.dumps(what))
    return path


def measure(folder):
    cloud = subprocess.Popen([os.path.join(BUILD, "tools/cloudsim/cloudsim"), write(folder, "world.json", world())], stdout=subprocess.PIPE, text=True)
    try:
        url = cloud.stdout.readline().strip()
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        env.update(AWS_ENDPOINT_URL=url, AWS_CONFIG_FILE=write(folder, "config", CONFIG), AWS_SHARED_CREDENTIALS_FILE=write(folder, "credentials", CREDENTIALS))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([os.path.join(BUILD, "tools/amiferry/amiferry"), "run", write(folder, "manifest.json", manifest()), "--db",
                               os.path.join(folder, "amiferry.db"), "--poll-interval", "0.5", "--consistency-window", "2", "--quiet", "--output", "json"],
                              env=env, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        with urllib.request.urlopen(url + "/_cloudsim/audit") as reply:
            audit = json.load(reply)
    finally:
        cloud.terminate()
        cloud.wait()
    if done.returncode:
        sys.exit("the batch ended with %d: %s" % (done.returncode, done.stderr[-2000:]))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return audit, cpu, after.ru_maxrss, os.path.getsize(os.path.join(folder, "amiferry.db"))


with tempfile.TemporaryDirectory(prefix="bench.") as folder:
    audit, cpu, peak_kib, db = measure(folder)
print("a batch of %d copies, half copy-image, half reencrypt, over HTTP to cloudsim" % COPIES)
print("  AWS calls a copy:")
total = 0
for name, outcomes in sorted(audit["calls"].items(), key=lambda item: -sum(item[1].values())):
    n = sum(outcomes.values())
    total += n
    print("    %6.2f  %s%s" % (n / COPIES, name, "" if set(outcomes) == {"ok"} else "  (%s)" % ", ".join("%d %s" % (v, k) for k, v in sorted(outcomes.items()))))
print("    %6.2f  in all" % (total / COPIES))
print("  CPU:          %.2f ms a copy (user and system)" % (cpu * 1000 / COPIES))
print("  peak memory:  %.1f MiB in all, %.1f KiB a copy" % (peak_kib / 1024, peak_kib / COPIES))
print("  database:     %.1f KiB a copy" % (db / 1024 / COPIES))
