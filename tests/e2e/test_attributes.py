#!/usr/bin/python3
"""Losing nothing: AMIs that use every attribute, each by every route that it can take, within its Region and to another. Source and copy are
read here, with signed calls and an XML parser of the test's own, and every element that AWS shows must be the same, but for those named below.
What AWS cannot keep must be refused by name, or be a difference that the manifest allows."""
# timeout: 600
import base64
import json
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from ferry import BUILD, Place
from harness import SOURCE, TARGET, equal, test

REGIONS = ["us-east-1", "eu-west-1"]  # the source's own, and another
OWNER, NEW_OWNER = "111122223333", "444455556666"
KERNEL = {"us-east-1": "aki-919dcaf8", "eu-west-1": "aki-52a34525"}
RAMDISK = {"us-east-1": "ari-42b95a2b", "eu-west-1": "ari-7f5f6a0b"}

FIFTY = {"key %02d" % i: "value %02d" % i for i in range(50)}
UNICODE = {"Straße": "Ärger & Co <\"1'>", "チーム": "基盤 ☃", "🚢": "👩‍👩‍👧", "עברית": "שלום", "a=b;c,d": "", "cafe\u0301": "café", " space ": "  two  "}
UEFI = base64.b64encode(b"AMZNUEFI" + bytes(range(256)) * 180).decode()  # 61,452 characters: nearly all that there may be


def disk(device="/dev/xvda", snapshot=8, **more):
    return {"device": device, "snapshot": snapshot, "volume_type": "gp3", **more}


# name -> what is particular about it: attributes of the image, tags of its snapshots, what of the manifest it needs.
KINDS = {
    "secure-boot": dict(boot_mode="uefi", uefi_data=UEFI, imds_support="v2.0"),
    "nitrotpm": dict(boot_mode="uefi", tpm_support="v2.0", uefi_data="QU1aTlVFRkk="),
    "preferred": dict(boot_mode="uefi-preferred", uefi_data="QU1aTlVFRkk="),
    "preferred-tpm": dict(boot_mode="uefi-preferred", tpm_support="v2.0"),
    "legacy-bios": dict(boot_mode="legacy-bios", sriov_net_support="simple"),
    "imdsv2": dict(imds_support="v2.0"),
    "no-ena": dict(ena_support="false"),
    "i386": dict(architecture="i386", ena_support="false"),
    "paravirtual": dict(virtualization="paravirtual", kernel_id=KERNEL["us-east-1"], ramdisk_id=RAMDISK["us-east-1"], root_device="/dev/sda1",
                        mappings=[disk("/dev/sda1", volume_type="standard")], wants=dict(launch=dict(instance_type="m3.medium"))),
    "arm64": dict(architecture="arm64"),
    "arm64-uefi": dict(architecture="arm64", boot_mode="uefi", imds_support="v2.0"),
    "mac": dict(architecture="x86_64_mac", boot_mode="uefi"),
    "mac-arm64": dict(architecture="arm64_mac", boot_mode="uefi"),
    "volumes": dict(root_device="/dev/sda1", mappings=[
        disk("/dev/sda1", iops=4000, throughput=250), disk("/dev/sdb", 20, volume_type="io2", iops=9000),
        disk("/dev/sdc", 10, volume_type="io1", iops=500), disk("/dev/sdd", 125, volume_type="st1"), disk("/dev/sde", 125, volume_type="sc1"),
        disk("/dev/sdf", volume_type="gp2"), disk("/dev/sdg", volume_type="standard"), disk("/dev/sdh", volume_size=30)]),
    "no-data": dict(mappings=[
        disk(), disk("/dev/sdb", None, volume_size=5), disk("/dev/sdc", None, volume_size=6, encrypted=True, volume_type="io2", iops=300),
        {"device": "/dev/sdd", "virtual_name": "ephemeral0"}, {"device": "sde", "virtual_name": "ephemeral1"}, {"device": "/dev/sdf", "no_device": True}]),
    "kept-volumes": dict(root_device="/dev/xvdb", mappings=[
        disk("/dev/xvda", 9, delete_on_termination=False), disk("/dev/xvdb", delete_on_termination=False), disk("xvdc", 10)]),
    "26-volumes": dict(mappings=[disk("/dev/xvda")] + [disk("/dev/sd%c" % (ord("b") + i), 1 + i, volume_type="gp2") for i in range(25)]),
    "[odd] (n@me)./-'_ 1": dict(description="Zwölf Boxkämpfer & <Eva> \"quer\"\u00a0über ☃", tags=UNICODE, snapshot_tags=UNICODE),
    "50-tags": dict(tags=FIFTY, snapshot_tags=FIFTY),
    "windows": dict(platform="windows", platform_details="Windows", usage_operation="RunInstances:0002", billing=True),
    "rhel": dict(platform_details="Red Hat Enterprise Linux", usage_operation="RunInstances:0010"),
    "market": dict(product_codes=[dict(code="prod-abc")], snapshot_codes=[dict(code="prod-abc")]),
    "guarded": dict(deprecation_time="2033-04-05T06:07:00.000Z", deregistration_protection="enabled-with-cooldown"),
    "watermarked": dict(watermarks=[dict(key="golden", source_image_id="ami-01234567890abcdef", source_image_region="us-east-1",
                                         created="2026-07-01T00:00:00Z", source_created="2026-06-30T00:00:00Z")]),
}

# Of those that lie in S3, which are old.
IN_S3 = {
    "s3": dict(ena_support="false", sriov_net_support="simple", description="Von gestern", tags=UNICODE),
    "s3-paravirtual": dict(virtualization="paravirtual", kernel_id=KERNEL["us-east-1"], ramdisk_id=RAMDISK["us-east-1"], tags=FIFTY),
    "s3-i386": dict(architecture="i386", ena_support="false", imds_support="v2.0", deprecation_time="2033-04-05T06:07:00.000Z"),
}
for _traits in IN_S3.values():
    _traits.update(root_device_type="instance-store", root_device="/dev/sda1",
                   mappings=[{"device": "/dev/sdb", "virtual_name": "ephemeral0"}, {"device": "sdc", "virtual_name": "ephemeral1"}])

# How the storage lies at the source, and the routes that lead from there.
STORAGE = {
    "in S3": ({}, ["copy-image"]),
    "plain": ({}, ["copy-image", "launch-image"]),
    "to be sealed": ({}, ["reencrypt"]),
    "sealed": (dict(kms_key="alias/source-disks"), ["auto", "reencrypt", "copy-image"]),
    "default-key": (dict(encrypted=True), ["reencrypt", "launch-image"]),
}

# rules.md 4: a Mac needs a host of its own for a day. 2.4: RegisterImage cannot say NitroTPM with uefi-preferred, knows no watermarks, and a
# kernel only of its own Region.
REFUSED = [
    ("mac.*", ".*", "launch-image", ".*", "is for Mac"),
    ("preferred-tpm", ".*", "reencrypt", ".*", "cannot express NitroTPM with the boot mode uefi-preferred"),
    ("paravirtual", ".*", "reencrypt", "eu-west-1", "would need the kernel's id in the target's Region"),
    ("watermarked", ".*", "reencrypt", ".*", "loses the image's watermarks"),
    ("no-data", "plain", "launch-image", ".*", "the manifest names no key for it"),
]

# What auto takes for an AMI under a customer key: it keeps everything, whatever way that is.
AUTO = [
    ("preferred-tpm|watermarked|windows|rhel|market", ".*", "copy-image"),
    ("paravirtual", "eu-west-1", "copy-image"),
    (".*", ".*", "reencrypt"),
]


def kinds_of(storage):
    return IN_S3 if storage == "in S3" else KINDS


def keyed(storage):
    return storage not in ("in S3", "plain")


class Source:
    """One image of the world: each of its own, so that its copy may keep its name."""
    count = 0

    def __init__(self, kind, storage, route):
        Source.count += 1
        self.kind, self.storage, self.route, self.number = kind, storage, route, Source.count
        self.id = "ami-0%016x" % self.number
        self.traits = {"mappings": [disk()], "tags": {"Name": kind}, **kinds_of(storage)[kind]}
        self.wants = self.traits.pop("wants", {})
        self.snapshot_tags = self.traits.pop("snapshot_tags", {"Name": kind, "of": "snapshot"})
        self.codes = self.traits.pop("snapshot_codes", [])
        self.name = "%s %d" % (kind, self.number)
        self.read = None

    def snapshots(self):
        return [{"id": self.snapshot(i), "size": m["snapshot"], "tags": {**self.snapshot_tags}, "product_codes": self.codes, **STORAGE[self.storage][0]}
                for i, m in enumerate(self.traits["mappings"]) if m.get("snapshot")]

    def snapshot(self, i):
        return "snap-0%012x%04x" % (self.number, i)

    def image(self):
        mappings = [{k: self.snapshot(i) if k == "snapshot" else v for k, v in m.items() if v is not None}
                    for i, m in enumerate(self.traits["mappings"])]
        location = {"location": "old-bundles/%d/image.manifest.xml" % self.number} if self.storage == "in S3" else {}
        return {"id": self.id, "name": self.name, **self.traits, **location, "mappings": mappings}

    def files(self):
        return [{"key": "%d/image.%s" % (self.number, name), "size": 1000} for name in ("manifest.xml", "part.00")]

    def copy(self, region):
        key = {"kms_key": "alias/target-disks"} if keyed(self.storage) else {}
        bridge = {"bridge_key": "alias/source-disks"} if self.storage == "default-key" else {}
        launch = {"kms_key": "alias/target-disks"} if key and self.route == "launch-image" and region != "us-east-1" else {}
        wants = {**self.wants, "launch": {**self.wants.get("launch", {}), **launch}}
        return {"source": {"image": self.id, **bridge}, "target": {"region": region, **key}, "route": self.route,
                **{k: v for k, v in wants.items() if v}}

    def refusal(self, region):
        mine = (self.kind, self.storage, self.route, region)
        return next((row[4] for row in REFUSED if all(map(re.fullmatch, row, mine))), None)

    def taken(self, region):
        """The route that it is to go."""
        return self.route if self.route != "auto" else next(row[2] for row in AUTO if all(map(re.fullmatch, row, (self.kind, region))))


def world_of(sources):
    def account(number, user, keys, alias, **home):
        regions = {r: {"keys": [{"id": "%s-%04d-4000-8000-%s" % (number[:8], i, number), "alias": alias}]} for i, r in enumerate(REGIONS)}
        regions["us-east-1"].update(home)
        return {"id": number, "users": [{"name": user, "access_keys": [{"id": keys[0], "secret": keys[1]}]}], "regions": regions}
    target = account(NEW_OWNER, "target-admin", TARGET, "alias/target-disks")
    target["subscriptions"] = ["prod-abc"]
    return {
        "version": 1, "regions": REGIONS,
        "kernels": [KERNEL, RAMDISK],
        "latencies": {"read_lag": 0, "grant_propagation": [0, 0], "key_check": 0.2, "image_registration": 0.2, "copy_min": 0.5, "copy_mib_per_s": 1000000,
                      "instance_start": [1, 2], "instance_stop": [1, 2], "instance_terminate": [1, 2]},
        "quotas": {"throttle": False},
        "audit": {"copy_tag": "amiferry:copy", "step_tag": "amiferry:step"},
        "accounts": [
            account(OWNER, "source-admin", SOURCE, "alias/source-disks", images=[s.image() for s in sources],
                    snapshots=[one for s in sources for one in s.snapshots()],
                    buckets=[{"name": "old-bundles", "ownership": "ObjectWriter", "objects": [one for s in sources for one in s.files()]}]),
            target],
    }


# --- reading, independently of amiferry ---

def plain(element):
    """Elements as dictionaries, items as lists, text as text."""
    children = [(re.sub(r"\{.*\}", "", c.tag), plain(c)) for c in element]
    if not children:
        return element.text or ""
    return [c for _, c in children] if children[0][0] == "item" else dict(children)


def ask(world, credentials, region, action, **parameters):
    status, body = world.call(credentials, "ec2", action, {k.replace("_", "."): v for k, v in parameters.items()}, region)
    if status != 200:
        raise AssertionError("%s in %s: %s" % (action, region, body))
    return plain(ElementTree.fromstring(body.encode()))


def tags_of(thing):
    return {t["key"]: t["value"] for t in thing.get("tagSet") or []}


# Of an image and of its copy these are their own; all the rest, whatever it is, must be the same.
OF_ITS_OWN = {"imageId", "imageLocation", "imageOwnerId", "creationDate", "isPublic", "sourceImageId", "sourceImageRegion", "sourceInstanceId", "tagSet",
              "lastLaunchedTime", "blockDeviceMapping", "watermark"}
ATTRIBUTES = ["description", "kernel", "ramdisk", "sriovNetSupport", "bootMode", "tpmSupport", "uefiData", "imdsSupport", "deregistrationProtection"]


class Image:
    """All that AWS shows of one."""

    def __init__(self, world, credentials, region, image):
        self.shown = ask(world, credentials, region, "DescribeImages", ImageId_1=image)["imagesSet"][0]
        self.attributes = {}
        for name in ATTRIBUTES:
            self.attributes[name] = ask(world, credentials, region, "DescribeImageAttribute", ImageId=image, Attribute=name).get(name)
        self.mappings = {m["deviceName"]: m for m in self.shown["blockDeviceMapping"]}
        ids = [m["ebs"]["snapshotId"] for m in self.mappings.values() if "snapshotId" in (m.get("ebs") or {})]
        found = ask(world, credentials, region, "DescribeSnapshots", **{"SnapshotId_%d" % (i + 1): s for i, s in enumerate(ids)})["snapshotSet"]
        self.snapshots = {s["snapshotId"]: s for s in found}
        equal(sorted(self.snapshots), sorted(ids))

    def snapshot(self, device):
        return self.snapshots.get((self.mappings[device].get("ebs") or {}).get("snapshotId"))


def compare_tags(what, source, copy):
    """The user's tags are there, all of them; beside them amiferry's own, as far as there is room."""
    users = {k: v for k, v in tags_of(copy).items() if not k.startswith("amiferry:")}
    equal((what, users), (what, tags_of(source)))


def compare_mapping(s, device, source, copy, region):
    a, b = source.mappings[device], copy.mappings[device]
    grown = s.route == "launch-image" and "ebs" in a and "snapshotId" not in a["ebs"]  # rules.md 4: CreateImage takes a snapshot of each volume
    own = {"snapshotId", "encrypted"}
    equal((device, {k: v for k, v in a.items() if k != "ebs"}), (device, {k: v for k, v in b.items() if k != "ebs"}))
    equal((device, {k: v for k, v in (a.get("ebs") or {}).items() if k not in own}), (device, {k: v for k, v in (b.get("ebs") or {}).items() if k not in own}))
    mine, other = copy.snapshot(device), source.snapshot(device)
    equal((device, bool(mine)), (device, bool(other) or grown))
    if not other:
        equal((device, a.get("ebs", {}).get("encrypted") == "true" and b["ebs"].get("encrypted") != "true"), (device, False))
        return
    sealed, size = keyed(s.storage), a["ebs"]["volumeSize"] if s.route == "launch-image" else other["volumeSize"]  # of a volume, or of a snapshot
    key = mine.get("kmsKeyId", "")
    equal((device, b["ebs"]["encrypted"], mine["encrypted"], mine["volumeSize"], mine["ownerId"], mine["status"]),
          (device, str(sealed).lower(), str(sealed).lower(), size, NEW_OWNER, "completed"))
    equal((device, bool(re.match("arn:aws:kms:%s:%s:key/" % (region, NEW_OWNER), key))), (device, sealed))
    compare_tags(device, other, mine)


def compare(s, source, copy, region):
    for name in (set(source.shown) | set(copy.shown)) - OF_ITS_OWN:
        want = source.shown.get(name)
        if name in ("kernelId", "ramdiskId"):
            want = {"kernelId": KERNEL, "ramdiskId": RAMDISK}[name][region]
        equal((name, copy.shown.get(name)), (name, want))
    for name in ATTRIBUTES:
        if name not in ("kernel", "ramdisk"):  # compared above
            equal((name, copy.attributes[name]), (name, source.attributes[name]))
    equal(copy.shown["imageOwnerId"], NEW_OWNER)
    equal(copy.shown["isPublic"], "false")
    compare_tags("image", source.shown, copy.shown)
    # rules.md 4: an instance has no device that is not there, and its image nothing to say of it
    gone = {d for d, m in source.mappings.items() if "noDevice" in m} if s.route == "launch-image" else set()
    equal(sorted(copy.mappings), sorted(set(source.mappings) - gone))
    for device in copy.mappings:
        compare_mapping(s, device, source, copy, region)


def read_and_compare(world, s, copy):
    region = copy["target"]["region"]
    s.read = s.read or Image(world, SOURCE, "us-east-1", s.id)
    try:
        compare(s, s.read, Image(world, TARGET, region, copy["target"]["image"]), region)
    except AssertionError as error:
        raise AssertionError("%s, %s, %s, to %s: %s" % (s.kind, s.storage, s.route, region, error)) from None


def run_all(sources):
    """Each in a batch of all, to both Regions; returns nothing, or raises with all that went wrong."""
    home = Place("http://127.0.0.1:1")
    with home, harness.World(BUILD, home.write("world.yaml", json.dumps(world_of(sources), ensure_ascii=False)), "--speed", "60") as world:
        home.url = world.url
        wrong = []
        by_id = {s.id: s for s in sources}
        manifest = home.manifest(*[s.copy(region) for s in sources for region in REGIONS])
        done = home.run("run", manifest, "--poll-interval", "0.1", "--consistency-window", "0.4", "--output", "json", timeout=400)
        if done.code not in (0, 3):
            raise AssertionError("exit code %d: %s" % (done.code, done.err))
        copies = done.json()
        equal(len(copies), 2 * len(sources))
        for c in copies:
            s = by_id[c["source"]["image"]]
            words = s.refusal(c["target"]["region"])
            where = "%s, %s, %s, to %s" % (s.kind, s.storage, s.route, c["target"]["region"])
            if words:
                if c["state"] not in ("failed", "blocked") or words not in json.dumps(c["error"]):
                    wrong.append("%s: was to be refused (%s): %s %s" % (where, words, c["state"], c["error"]))
                continue
            if c["state"] != "done" or c["route"] != s.taken(c["target"]["region"]):
                wrong.append("%s: %s by %s: %s" % (where, c["state"], c["route"], c["error"]))
                continue
            try:
                read_and_compare(world, s, c)
            except AssertionError as error:
                wrong.append(str(error))
        audit = world.audit()
        for member in ("duplicates", "shares_open", "shares_lost", "grants_open", "orphaned_snapshots", "lost_resources", "instances_open", "volumes_left",
                       "security_groups_left", "hazards"):
            if audit[member]:
                wrong.append("the audit has %s: %s" % (member, audit[member]))
        if wrong:
            raise AssertionError("\n".join(["%d of %d:" % (len(wrong), len(copies))] + wrong))


for _storage, (_, _routes) in STORAGE.items():
    for _route in _routes:
        @test("an AMI of each kind, %s, by %s within its Region and to another keeps every attribute, or is refused by name" % (_storage, _route))
        def _(storage=_storage, route=_route):
            only = os.environ.get("AF_KIND", ".*")
            sources = [Source(kind, storage, route) for kind in kinds_of(storage) if re.fullmatch(only, kind)]
            if sources:
                run_all(sources)

sys.exit(harness.run())
