#!/usr/bin/python3
"""Instance-store images by the real command over HTTP: the bucket is opened to the target for the copy, and closed again."""
# timeout: 300
import contextlib
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from ferry import BUILD, QUICK, Place, copy, lacks, wait_for
from harness import SOURCE, TARGET, contains, equal, test

OF_OLD = "ami-0aaa0000000000009"
OTHERS = json.dumps({"Version": "2012-10-17", "Id": "of-before", "Statement": [
    {"Sid": "Admin", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/source-admin"}, "Action": "s3:*",
     "Resource": ["arn:aws:s3:::golden-amis", "arn:aws:s3:::golden-amis/*"]}]})


@contextlib.contextmanager
def cloud():
    with harness.World(BUILD, "s3.yaml") as world, Place(world.url) as place:
        place.world = world
        yield place


def policy_of(p):
    code, reply, _ = p.world.aws(SOURCE, "s3api", "get-bucket-policy", "--bucket", "golden-amis")
    return json.loads(reply["Policy"]) if code == 0 else None


@test("a plan says who may read which files meanwhile, and that their size is not known")
def _():
    with cloud() as p:
        out = p.run("plan", p.manifest(copy(OF_OLD, "of-new"))).ends(0).out
        contains(out, "steps     share-bundle, share-image, copy-image, verify")
        contains(out, "before    account 111122223333 owns the image and its files in S3, not encrypted")
        contains(out, "meanwhile account 444455556666 may read its files in S3, launch the image; all of it is taken back")
        contains(out, "after     account 444455556666 owns a new image and its files in S3")
        contains(out, "the policy of bucket golden-amis lets account 444455556666 list all of that bucket, and read what begins with golden-amis/linux/image.")
        contains(out, "the estimate leaves them out")
        planned = p.run("plan", p.manifest(copy(OF_OLD, "of-new")), "--output", "json").ends(0).json()
        borrowed = planned["copies"][0]["ownership"]["borrowed"]
        contains(json.dumps(borrowed), '"resource": "golden-amis/linux/image."')
        equal(p.world.audit()["shares_open"], [])


@test("the AWS CLI sees a bucket without a policy before and after, and the files of the copy in the target's own bucket")
def _():
    with cloud() as p:
        done = p.run("run", p.manifest(copy(OF_OLD, "of-new")), *QUICK, "--output", "json").ends(0).json()
        equal([c["state"] for c in done], ["done"])
        equal(policy_of(p), None)
        equal([p.world.audit()[m] for m in ("shares_open", "shares_lost", "hazards", "duplicates")], [[], [], [], []])
        image = p.world.aws(TARGET, "ec2", "describe-images", "--owners", "self", "--region", "eu-west-1")[1]["Images"][0]
        equal((image["Name"], image["RootDeviceType"]), ("of-new", "instance-store"))
        contains(image["ImageLocation"], "amis-for-444455556666-in-eu-west-1-")
        p.run("verify", done[0]["id"]).ends(0)
        steps = p.run("show", done[0]["id"], "--output", "json").ends(0).json()["steps"]
        equal([s["item"] for s in steps if s["kind"] == "share-bundle"], ["golden-amis/linux/image."])


@test("a policy of before is kept as it was, and status shows what is open while it is")
def _():
    with cloud() as p:
        p.world.aws(SOURCE, "s3api", "put-bucket-policy", "--bucket", "golden-amis", "--policy", OTHERS)
        before = policy_of(p)
        running = p.start("run", p.manifest(copy(OF_OLD, "of-new")), *QUICK)
        opened = wait_for(lambda: [x for x in p.run("status", "--output", "json").json().get("open_access", []) if x["kind"] == "bucketPolicy"])
        equal((opened[0]["resource"], opened[0]["grantee"], opened[0]["account"]), ("golden-amis/linux/image.", "444455556666", "111122223333"))
        out, err = running.communicate(timeout=120)
        equal((running.returncode, policy_of(p)), (0, before))
        lacks(json.dumps(p.run("status", "--output", "json").ends(0).json()), "bucketPolicy")


sys.exit(harness.run())
