#!/usr/bin/python3
"""The AWS CLI and boto3 against cloudsim, unchanged: they are how we know that it speaks AWS.

timeout: 900
"""
# timeout: 900
# also: asan
import datetime
import http.client
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import READER, ROOT, SOURCE, TARGET, contains, equal, refused, test

KEY = "arn:aws:kms:us-east-1:111122223333:key/1111aaaa-11aa-41aa-a1aa-111111111111"
TARGET_KEY = "arn:aws:kms:eu-west-1:444455556666:key/4444bbbb-44bb-44bb-a4bb-444444444444"
PLAIN, SEALED = "ami-0aaa0000000000001", "ami-0aaa0000000000002"
PLAIN_ROOT, SEALED_ROOT, SEALED_DATA, DEFAULT_ROOT = ("snap-0aaa000000000000%d" % i for i in (1, 2, 3, 4))
EBS_OPERATIONS = ["DescribeKey", "CreateGrant", "Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom",
                  "ReEncryptTo"]


def ok(result):
    code, reply, error = result
    if code != 0:
        raise AssertionError("the AWS CLI failed with %d: %s" % (code, error))
    return reply


def until(probe, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = probe()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError("it did not come true within %d s" % seconds)


# --- the AWS CLI ---

@test("the CLI says who calls")
def _(world):
    reply = ok(world.aws(SOURCE, "sts", "get-caller-identity"))
    equal((reply["Account"], reply["Arn"]), ("111122223333", "arn:aws:iam::111122223333:user/source-admin"))
    equal(ok(world.aws(ROOT, "sts", "get-caller-identity"))["Arn"], "arn:aws:iam::444455556666:root")


@test("the CLI describes Regions, images, snapshots, attributes and tags")
def _(world):
    names = {r["RegionName"] for r in ok(world.aws(SOURCE, "ec2", "describe-regions"))["Regions"]}
    equal(names, {"us-east-1", "eu-west-1"})
    images = {i["ImageId"]: i for i in ok(world.aws(SOURCE, "ec2", "describe-images", "--owners", "self"))["Images"]}
    sealed = images[SEALED]["BlockDeviceMappings"]
    equal([m["DeviceName"] for m in sealed], ["/dev/xvda", "/dev/sdb", "/dev/sdc"])
    equal((sealed[0]["Ebs"]["Encrypted"], sealed[1]["Ebs"]["Iops"], sealed[2]["VirtualName"]), (True, 4000, "ephemeral0"))
    snapshots = ok(world.aws(SOURCE, "ec2", "describe-snapshots", "--owner-ids", "self"))["Snapshots"]
    equal({s["SnapshotId"]: s["Encrypted"] for s in snapshots if s["SnapshotId"] in (PLAIN_ROOT, SEALED_ROOT)},
          {PLAIN_ROOT: False, SEALED_ROOT: True})
    attribute = ok(world.aws(SOURCE, "ec2", "describe-image-attribute", "--image-id", PLAIN, "--attribute", "description"))
    equal(attribute["Description"]["Value"], "A plain image")
    attribute = ok(world.aws(SOURCE, "ec2", "describe-snapshot-attribute", "--snapshot-id", PLAIN_ROOT, "--attribute", "createVolumePermission"))
    equal(attribute["CreateVolumePermissions"], [])
    tags = ok(world.aws(SOURCE, "ec2", "describe-tags", "--filters", "Name=resource-id,Values=" + PLAIN))["Tags"]
    equal({(t["Key"], t["Value"]) for t in tags}, {("Name", "plain"), ("team", "blue")})


@test("the CLI shares an image with its storage, and the target copies it and waits for it")
def _(world):
    ok(world.aws(SOURCE, "ec2", "modify-image-attribute", "--image-id", PLAIN, "--launch-permission", "Add=[{UserId=444455556666}]"))
    code, _, error = world.aws(TARGET, "ec2", "copy-image", "--name", "copy", "--source-image-id", PLAIN, "--source-region", "us-east-1",
                               region="eu-west-1")
    contains(error, "You do not have permission to access the storage of this ami")
    ok(world.aws(SOURCE, "ec2", "modify-snapshot-attribute", "--snapshot-id", PLAIN_ROOT, "--attribute", "createVolumePermission",
                 "--operation-type", "add", "--user-ids", "444455556666"))
    image = ok(world.aws(TARGET, "ec2", "copy-image", "--name", "copy", "--source-image-id", PLAIN, "--source-region", "us-east-1",
                         region="eu-west-1"))["ImageId"]
    until(lambda: world.boto(TARGET, "ec2", "eu-west-1").describe_images(ImageIds=[image])["Images"][0]["State"] == "available")
    ok(world.aws(TARGET, "ec2", "wait", "image-available", "--image-ids", image, region="eu-west-1"))


@test("the CLI copies a sealed snapshot across accounts and Regions under the target's key, and registers an image of it")
def _(world):
    grant = ok(world.aws(SOURCE, "kms", "create-grant", "--key-id", KEY, "--grantee-principal", "arn:aws:iam::444455556666:root", "--name",
                         "cli", "--operations", *EBS_OPERATIONS))
    listed = ok(world.aws(SOURCE, "kms", "list-grants", "--key-id", KEY))["Grants"]
    contains([g["GrantId"] for g in listed], grant["GrantId"])
    ok(world.aws(SOURCE, "ec2", "modify-snapshot-attribute", "--snapshot-id", SEALED_ROOT, "--attribute", "createVolumePermission",
                 "--operation-type", "add", "--user-ids", "444455556666"))
    copy = ok(world.aws(TARGET, "ec2", "copy-snapshot", "--source-snapshot-id", SEALED_ROOT, "--source-region", "us-east-1", "--encrypted",
                        "--kms-key-id", TARGET_KEY, "--tag-specifications", "ResourceType=snapshot,Tags=[{Key=copy,Value=1}]",
                        region="eu-west-1"))["SnapshotId"]
    ec2 = world.boto(TARGET, "ec2", "eu-west-1")
    until(lambda: ec2.describe_snapshots(SnapshotIds=[copy])["Snapshots"][0]["State"] != "pending")
    ok(world.aws(TARGET, "ec2", "wait", "snapshot-completed", "--snapshot-ids", copy, region="eu-west-1"))
    snapshot = ec2.describe_snapshots(SnapshotIds=[copy])["Snapshots"][0]
    equal((snapshot["KmsKeyId"], snapshot["OwnerId"]), (TARGET_KEY, "444455556666"))
    image = ok(world.aws(TARGET, "ec2", "register-image", "--name", "registered", "--architecture", "x86_64", "--virtualization-type", "hvm",
                         "--ena-support", "--root-device-name", "/dev/xvda", "--block-device-mappings",
                         '[{"DeviceName":"/dev/xvda","Ebs":{"SnapshotId":"%s"}}]' % copy, region="eu-west-1"))["ImageId"]
    until(lambda: ec2.describe_images(ImageIds=[image])["Images"][0]["State"] == "available")


@test("the CLI reads keys, policies and aliases")
def _(world):
    key = ok(world.aws(SOURCE, "kms", "describe-key", "--key-id", "alias/source-disks"))["KeyMetadata"]
    equal((key["Arn"], key["KeyManager"], key["KeyState"]), (KEY, "CUSTOMER", "Enabled"))
    policy = ok(world.aws(SOURCE, "kms", "get-key-policy", "--policy-name", "default", "--key-id", KEY))["Policy"]
    contains(policy, "arn:aws:iam::111122223333:root")
    aliases = {a["AliasName"] for a in ok(world.aws(SOURCE, "kms", "list-aliases"))["Aliases"]}
    contains(aliases, "alias/source-disks")


@test("the CLI assumes a role with the right external id and is refused with a wrong one")
def _(world):
    arguments = ["sts", "assume-role", "--role-arn", "arn:aws:iam::111122223333:role/ferry-source", "--role-session-name", "cli"]
    reply = ok(world.aws(TARGET, *arguments, "--external-id", "ferry-42"))
    equal(reply["AssumedRoleUser"]["Arn"], "arn:aws:sts::111122223333:assumed-role/ferry-source/cli")
    c = reply["Credentials"]
    session = (c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"])
    equal(ok(world.aws(session, "sts", "get-caller-identity"))["Account"], "111122223333")
    for wrong in (["--external-id", "ferry-43"], []):
        code, _, error = world.aws(TARGET, *arguments, *wrong)
        equal(code, 254)
        contains(error, "(AccessDenied)")
        contains(error, "User: arn:aws:iam::444455556666:user/target-admin is not authorized to perform: sts:AssumeRole on resource: "
                        "arn:aws:iam::111122223333:role/ferry-source")


@test("the CLI shows errors as AWS gives them")
def _(world):
    for who, arguments, code in (
            ((SOURCE[0], "wrong"), ["ec2", "describe-images", "--owners", "self"], "SignatureDoesNotMatch"),
            (("AKIAFAKENOBODY000001", "x"), ["ec2", "describe-images", "--owners", "self"], "AuthFailure"),
            (("AKIAFAKENOBODY000001", "x"), ["sts", "get-caller-identity"], "InvalidClientTokenId"),
            (("AKIAFAKENOBODY000001", "x"), ["kms", "list-keys"], "UnrecognizedClientException"),
            (READER, ["ec2", "deregister-image", "--image-id", "ami-0aaa0000000000009"], "UnauthorizedOperation"),
            (READER, ["kms", "list-keys"], "AccessDeniedException"),
            (TARGET, ["ec2", "describe-images", "--image-ids", "ami-0bad0000000000000"], "InvalidAMIID.NotFound"),
            (SOURCE, ["kms", "describe-key", "--key-id", "alias/nothing"], "NotFoundException")):
        status, _, error = world.aws(who, *arguments)
        equal(status, 254)
        contains(error, "An error occurred (%s)" % code)


# --- boto3 ---

@test("signatures: unknown keys, wrong secrets, foreign tokens and wrong scopes are told apart as each service does")
def _(world):
    stranger, wrong = ("AKIAFAKENOBODY000001", "x"), (SOURCE[0], "wrong")
    token = SOURCE + ("a token that nobody gave",)
    for who, service, call, code, status in (
            (stranger, "ec2", "describe_regions", "AuthFailure", 401), (stranger, "sts", "get_caller_identity", "InvalidClientTokenId", 403),
            (stranger, "kms", "list_keys", "UnrecognizedClientException", 400), (wrong, "ec2", "describe_regions", "SignatureDoesNotMatch", 403),
            (wrong, "sts", "get_caller_identity", "SignatureDoesNotMatch", 403), (wrong, "kms", "list_keys", "InvalidSignatureException", 400),
            (token, "ec2", "describe_regions", "AuthFailure", 401), (token, "sts", "get_caller_identity", "InvalidClientTokenId", 403),
            (token, "kms", "list_keys", "UnrecognizedClientException", 400)):
        refused(code, getattr(world.boto(who, service), call), status=status)
    refused("AuthFailure", world.boto(SOURCE, "ec2", "mars-north-1").describe_regions, status=401)
    for service, action, code, status in (("sts", "GetCallerIdentity", "SignatureDoesNotMatch", 403), ("ec2", "DescribeRegions", "AuthFailure", 401),
                                          ("kms", "ListKeys", "InvalidSignatureException", 400)):
        got, body = world.call(SOURCE, service, action, {}, scope="s3")
        equal(got, status)
        contains(body, code)


@test("sessions: chaining is capped at an hour, expiry is told truly, the external id is checked")
def _(world):
    sts = world.boto(TARGET, "sts")
    source = {"RoleArn": "arn:aws:iam::111122223333:role/ferry-source", "RoleSessionName": "ss"}
    target = {"RoleArn": "arn:aws:iam::444455556666:role/ferry-target", "RoleSessionName": "tt"}
    refused("ValidationError", sts.assume_role, ExternalId="ferry-42", DurationSeconds=3601, **source, text="MaxSessionDuration")
    any_text = world.boto(TARGET, "sts", parameter_validation=False)
    for bad in ({"DurationSeconds": 899}, {"DurationSeconds": 43201}, {"RoleSessionName": "x"}, {"RoleSessionName": "no blanks"}):
        refused("ValidationError", any_text.assume_role, **{**target, **bad}, text="1 validation error detected")
    before = datetime.datetime.now(datetime.timezone.utc)
    c = sts.assume_role(**source, ExternalId="ferry-42", DurationSeconds=900)["Credentials"]
    assert 895 <= (c["Expiration"] - before).total_seconds() <= 901, c["Expiration"]
    chained = world.boto((c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"]), "sts")
    refused("ValidationError", chained.assume_role, DurationSeconds=3601, **target, text="role chaining")
    equal(chained.assume_role(DurationSeconds=3600, **target)["AssumedRoleUser"]["Arn"],
          "arn:aws:sts::444455556666:assumed-role/ferry-target/tt")
    refused("AccessDenied", world.boto(ROOT, "sts").assume_role, **target, status=403, text="Roles may not be assumed by root accounts")
    refused("AccessDenied", sts.assume_role, RoleArn="arn:aws:iam::444455556666:role/ferry-instance", RoleSessionName="xx")
    equal(sts.get_access_key_info(AccessKeyId=SOURCE[0])["Account"], "111122223333")
    s = sts.get_session_token()["Credentials"]
    own = world.boto((s["AccessKeyId"], s["SecretAccessKey"], s["SessionToken"]), "sts")
    equal(own.get_caller_identity()["Arn"], "arn:aws:iam::444455556666:user/target-admin")
    refused("AccessDenied", own.get_session_token)


@test("a web identity is traded for a role, and a stale or strange token is not")
def _(world):
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config
    sts = boto3.client("sts", endpoint_url=world.url, region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    role = {"RoleArn": "arn:aws:iam::444455556666:role/ferry-web", "RoleSessionName": "web"}
    reply = sts.assume_role_with_web_identity(WebIdentityToken="fake.web.identity", **role)
    equal(reply["SubjectFromWebIdentityToken"], "repo:amiferry")
    c = reply["Credentials"]
    equal(world.boto((c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"]), "sts").get_caller_identity()["Arn"],
          "arn:aws:sts::444455556666:assumed-role/ferry-web/web")
    refused("ExpiredTokenException", sts.assume_role_with_web_identity, WebIdentityToken="fake.web.expired", **role, status=400)
    refused("InvalidIdentityToken", sts.assume_role_with_web_identity, WebIdentityToken="fake.other", **role, status=400)
    refused("AccessDenied", sts.assume_role_with_web_identity, WebIdentityToken="fake.web.identity",
            RoleArn="arn:aws:iam::444455556666:role/ferry-target", RoleSessionName="web")
    refused("MissingAuthenticationToken", sts.get_caller_identity, status=403)


def dry_run(world, who, action, parameters):
    """DryRun came to KMS after the botocore that Debian has."""
    return world.call(who, "kms", action, {**parameters, "DryRun": True})[1]


@test("grants: a name makes CreateGrant repeatable, and the grant ends by retiring or revoking")
def _(world):
    kms, target = world.boto(SOURCE, "kms"), world.boto(TARGET, "kms")
    grant = {"KeyId": KEY, "GranteePrincipal": "arn:aws:iam::444455556666:user/target-admin", "Operations": ["DescribeKey", "Decrypt"]}
    first = kms.create_grant(Name="once", **grant)
    again = kms.create_grant(Name="once", **grant)
    equal(first["GrantId"], again["GrantId"])
    assert first["GrantToken"] != again["GrantToken"]
    other = kms.create_grant(Name="once", **{**grant, "Operations": ["DescribeKey"]})
    assert other["GrantId"] != first["GrantId"]
    assert kms.create_grant(**grant)["GrantId"] != kms.create_grant(**grant)["GrantId"]
    equal(target.describe_key(KeyId=KEY)["KeyMetadata"]["Arn"], KEY)
    contains(dry_run(world, SOURCE, "CreateGrant", {**grant, "Name": "never"}), "DryRunOperationException")
    contains(dry_run(world, SOURCE, "RetireGrant", {"KeyId": KEY, "GrantId": first["GrantId"]}), "DryRunOperationException")
    refused("AccessDeniedException", target.retire_grant, KeyId=KEY, GrantId=first["GrantId"])
    kms.retire_grant(KeyId=KEY, GrantId=first["GrantId"])
    refused("NotFoundException", kms.retire_grant, KeyId=KEY, GrantId=first["GrantId"])
    for page in kms.get_paginator("list_grants").paginate(KeyId=KEY, PaginationConfig={"PageSize": 2}):
        for g in page["Grants"]:
            if g["GranteePrincipal"].endswith("target-admin"):
                kms.revoke_grant(KeyId=KEY, GrantId=g["GrantId"])


@test("grants: names, operations, principals and keys are checked")
def _(world):
    kms, reader = world.boto(SOURCE, "kms", parameter_validation=False), world.boto(READER, "kms")
    grant = {"KeyId": KEY, "GranteePrincipal": "arn:aws:iam::444455556666:root", "Operations": ["Decrypt"]}
    refused("ValidationException", kms.create_grant, **{**grant, "Operations": ["ReEncrypt"]}, text="operations")
    refused("ValidationException", kms.create_grant, **{**grant, "Name": "no blanks"})
    refused("InvalidArnException", kms.create_grant, **{**grant, "GranteePrincipal": "arn:aws:iam::444455556666:role/nobody"})
    refused("InvalidArnException", kms.create_grant, **{**grant, "GranteePrincipal": "arn:aws:iam::444455556666:group/admins"})
    refused("InvalidArnException", kms.create_grant, **{**grant, "KeyId": "alias/source-disks"}, text="Aliases are not supported")
    refused("NotFoundException", kms.create_grant, **{**grant, "KeyId": KEY.replace("1111aaaa", "1111ffff")})
    refused("DisabledException", kms.create_grant, **{**grant, "KeyId": "1111bbbb-11bb-41bb-a1bb-111111111111"})
    refused("KMSInvalidStateException", kms.create_grant, **{**grant, "KeyId": "1111cccc-11cc-41cc-a1cc-111111111111"})
    refused("AccessDeniedException", reader.create_grant, **grant)
    refused("NotFoundException", reader.create_grant, **{**grant, "KeyId": KEY.split("/")[1]})
    managed = kms.describe_key(KeyId="alias/aws/ebs")["KeyMetadata"]
    equal(managed["KeyManager"], "AWS")
    refused("AccessDeniedException", kms.create_grant, **{**grant, "KeyId": managed["Arn"]})
    refused("AccessDeniedException", kms.put_key_policy, KeyId=managed["Arn"], PolicyName="default", Policy="{}")


@test("a probe tells whether a key may be used, without using it")
def _(world):
    kms = world.boto(SOURCE, "kms")
    probe = {"KeyId": KEY, "KeySpec": "AES_256"}
    action = "GenerateDataKeyWithoutPlaintext"
    contains(dry_run(world, SOURCE, action, probe), "DryRunOperationException")
    contains(dry_run(world, SOURCE, action, {**probe, "KeyId": "alias/signing"}), "InvalidKeyUsageException")
    contains(dry_run(world, SOURCE, action, {"KeyId": KEY}), "ValidationException")
    contains(dry_run(world, READER, action, probe), "AccessDeniedException")
    grant = kms.create_grant(KeyId=KEY, GranteePrincipal="arn:aws:iam::444455556666:user/reader", Operations=[action])
    contains(dry_run(world, READER, action, probe), "DryRunOperationException")
    kms.revoke_grant(KeyId=KEY, GrantId=grant["GrantId"])
    contains(dry_run(world, READER, action, probe), "AccessDeniedException")


@test("a sealed snapshot without the key, or with a bad presigned URL, fails later and not at once")
def _(world):
    source, target = world.boto(SOURCE, "ec2"), world.boto(TARGET, "ec2", "eu-west-1")
    source.modify_snapshot_attribute(SnapshotId=SEALED_DATA, Attribute="createVolumePermission", OperationType="add", UserIds=["444455556666"])

    def fate(snapshot):
        return until(lambda: [s for s in target.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"] if s["State"] != "pending"])[0]

    request = {"SourceRegion": "us-east-1", "SourceSnapshotId": SEALED_DATA, "Encrypted": True, "KmsKeyId": TARGET_KEY}
    grants = world.boto(SOURCE, "kms").list_grants(KeyId=KEY)["Grants"]
    for g in grants:
        world.boto(SOURCE, "kms").revoke_grant(KeyId=KEY, GrantId=g["GrantId"])
    done = fate(target.copy_snapshot(**request)["SnapshotId"])
    equal((done["State"], done["StateMessage"]), ("error", "Given key ID is not accessible"))
    world.boto(SOURCE, "kms").create_grant(KeyId=KEY, GranteePrincipal="arn:aws:iam::444455556666:root", Operations=EBS_OPERATIONS)
    spoilt = world.boto(TARGET, "ec2", "eu-west-1")

    def spoil(params, **_):
        body = params["body"]
        body["PresignedUrl"] = body["PresignedUrl"].replace("X-Amz-Signature=", "X-Amz-Signature=0")

    spoilt.meta.events.register_last("before-call.ec2.CopySnapshot", spoil)
    equal(fate(spoilt.copy_snapshot(**request)["SnapshotId"])["State"], "error")
    equal(fate(target.copy_snapshot(**request)["SnapshotId"])["State"], "completed")


@test("the URL that botocore presigns for CopySnapshot is scoped to the source Region, also behind an endpoint of one's own")
def _(world):
    seen = []
    client = world.boto(TARGET, "ec2", "eu-west-1")
    client.meta.events.register_last("before-call.ec2.CopySnapshot", lambda params, **_: seen.append(dict(params["body"])))
    try:
        client.copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=SEALED_DATA, Encrypted=True, KmsKeyId=TARGET_KEY)
    except client.exceptions.ClientError:
        pass
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(seen[0]["PresignedUrl"]).query))
    contains(query["X-Amz-Credential"], "/us-east-1/ec2/aws4_request")
    equal((query["Action"], query["DestinationRegion"], query["SourceSnapshotId"]), ("CopySnapshot", "eu-west-1", SEALED_DATA))


@test("pages: describes and lists come in pieces and come whole")
def _(world):
    kms = world.boto(SOURCE, "kms")
    whole = [a["AliasName"] for a in kms.list_aliases()["Aliases"]]
    parts = [a["AliasName"] for p in kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 2}) for a in p["Aliases"]]
    equal(parts, whole)
    ec2 = world.boto(SOURCE, "ec2")
    pages = list(ec2.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], PaginationConfig={"PageSize": 5}))
    equal({s["SnapshotId"] for p in pages for s in p["Snapshots"]}, {PLAIN_ROOT, SEALED_ROOT, SEALED_DATA, DEFAULT_ROOT})
    refused("InvalidMarkerException", kms.list_aliases, Marker="nonsense")
    refused("ValidationException", kms.list_grants, KeyId=KEY, Limit=101)


# --- instances ---

SOLD, LOCKED = "ami-0bbb0000000000001", "ami-0bbb0000000000002"
QUIET = ["--instance-type", "t3.small", "--metadata-options", "HttpTokens=required", "--credit-specification", "CpuCredits=standard"]


def state_of(ec2, instance):
    return ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["State"]["Name"]


@test("the CLI makes an image of a product that may not be copied: launch, stop, create-image, terminate")
def _(world):
    with harness.World(world.build, "instances.yaml") as own:
        ec2 = own.boto(TARGET, "ec2")
        refused("InvalidRequest", ec2.copy_image, Name="copy", SourceImageId=SOLD, SourceRegion="us-east-1")
        subnet = ok(own.aws(TARGET, "ec2", "describe-subnets", "--filters", "Name=default-for-az,Values=true"))["Subnets"][0]
        group = ok(own.aws(TARGET, "ec2", "create-security-group", "--group-name", "ferry", "--description", "nothing in or out", "--vpc-id",
                           subnet["VpcId"], "--tag-specifications", "ResourceType=security-group,Tags=[{Key=copy,Value=1}]"))["GroupId"]
        ok(own.aws(TARGET, "ec2", "revoke-security-group-egress", "--group-id", group, "--ip-permissions", "IpProtocol=-1,IpRanges=[{CidrIp=0.0.0.0/0}]"))
        equal(ok(own.aws(TARGET, "ec2", "describe-security-groups", "--group-ids", group))["SecurityGroups"][0]["IpPermissionsEgress"], [])
        run = ["ec2", "run-instances", "--image-id", SOLD, *QUIET, "--client-token", "once", "--network-interfaces",
               "DeviceIndex=0,SubnetId=%s,Groups=%s,AssociatePublicIpAddress=false" % (subnet["SubnetId"], group),
               "--tag-specifications", "ResourceType=instance,Tags=[{Key=copy,Value=1}]", "ResourceType=volume,Tags=[{Key=copy,Value=1}]"]
        code, _, error = own.aws(TARGET, *run)
        contains(error, "(OptInRequired)")
        contains(error, "https://aws.amazon.com/marketplace/pp?sku=prod-abc123")
        own.subscribe("444455556666", "prod-abc123")
        first = ok(own.aws(TARGET, *run))
        equal(ok(own.aws(TARGET, *run))["ReservationId"], first["ReservationId"])
        instance = first["Instances"][0]["InstanceId"]
        until(lambda: state_of(ec2, instance) == "running")
        ok(own.aws(TARGET, "ec2", "wait", "instance-running", "--instance-ids", instance))
        ok(own.aws(TARGET, "ec2", "stop-instances", "--instance-ids", instance))
        until(lambda: state_of(ec2, instance) == "stopped")
        ok(own.aws(TARGET, "ec2", "wait", "instance-stopped", "--instance-ids", instance))
        image = ok(own.aws(TARGET, "ec2", "create-image", "--instance-id", instance, "--name", "mine", "--tag-specifications",
                           "ResourceType=image,Tags=[{Key=copy,Value=1}]", "ResourceType=snapshot,Tags=[{Key=copy,Value=1}]"))["ImageId"]
        until(lambda: ec2.describe_images(ImageIds=[image])["Images"][0]["State"] == "available")
        ok(own.aws(TARGET, "ec2", "terminate-instances", "--instance-ids", instance))
        until(lambda: state_of(ec2, instance) == "terminated")
        ok(own.aws(TARGET, "ec2", "wait", "instance-terminated", "--instance-ids", instance))
        ok(own.aws(TARGET, "ec2", "delete-security-group", "--group-id", group))
        described = ec2.describe_images(ImageIds=[image])["Images"][0]
        equal((described["OwnerId"], described["UsageOperation"], described["PlatformDetails"], described["BootMode"]),
              ("444455556666", "RunInstances:0010", "Red Hat Enterprise Linux", "uefi-preferred"))
        equal([c["ProductCodeId"] for c in described["ProductCodes"]], ["prod-abc123"])
        equal([m.get("VirtualName") for m in described["BlockDeviceMappings"]], [None, "ephemeral0"])
        audit = own.audit()
        for clean in ("instances_open", "volumes_left", "security_groups_left", "orphaned_snapshots", "duplicates", "hazards"):
            equal(audit[clean], [])
        equal(len(audit["instances"]), 1)


@test("boto3 sees an instance whose key is out of reach die, and names a key that works")
def _(world):
    with harness.World(world.build, "instances.yaml") as own:
        ec2 = own.boto(TARGET, "ec2")
        run = {"ImageId": LOCKED, "InstanceType": "m5.large", "MinCount": 1, "MaxCount": 1}
        instance = ec2.run_instances(**run)["Instances"][0]["InstanceId"]
        until(lambda: state_of(ec2, instance) == "terminated")
        reason = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]["StateReason"]
        equal(reason["Code"], "Client.InternalError")
        own.boto(SOURCE, "kms").create_grant(KeyId=KEY, GranteePrincipal="arn:aws:iam::444455556666:root", Operations=EBS_OPERATIONS)
        instance = ec2.run_instances(**run)["Instances"][0]["InstanceId"]
        until(lambda: state_of(ec2, instance) == "running")
        volumes = ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [instance]}])["Volumes"]
        contains(volumes[0]["KmsKeyId"], ":444455556666:key/")
        ec2.stop_instances(InstanceIds=[instance])
        until(lambda: state_of(ec2, instance) == "stopped")
        ec2.start_instances(InstanceIds=[instance])
        refused("IncorrectInstanceState", ec2.stop_instances, InstanceIds=[instance])


@test("boto3 reads instance types in pages, and is refused what is not for sale, has no room, or is not allowed")
def _(world):
    with harness.World(world.build, "instances.yaml") as own:
        ec2 = own.boto(TARGET, "ec2")
        pages = list(ec2.get_paginator("describe_instance_types").paginate(
            Filters=[{"Name": "processor-info.supported-architecture", "Values": ["x86_64"]}], PaginationConfig={"PageSize": 5}))
        names = [t["InstanceType"] for p in pages for t in p["InstanceTypes"]]
        equal((len(names), len(pages) > 3), (len(set(names)), True))
        contains(names, "m5.large")
        zones = ec2.describe_instance_type_offerings(LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": ["c5.large"]}])
        equal([o["Location"] for o in zones["InstanceTypeOfferings"]], ["us-east-1b"])
        run = {"ImageId": LOCKED, "MinCount": 1, "MaxCount": 1}
        refused("InsufficientInstanceCapacity", ec2.run_instances, **run, InstanceType="r5.large", status=500)
        refused("Unsupported", ec2.run_instances, **run, InstanceType="c5.large", Placement={"AvailabilityZone": "us-east-1a"}, status=400)
        refused("InvalidParameterValue", ec2.run_instances, **run, InstanceType="t4g.small", status=400, text="does not match the architecture")
        refused("UnauthorizedOperation", own.boto(READER, "ec2").run_instances, **run, InstanceType="m5.large", status=403, text=":subnet/")
        refused("DryRunOperation", ec2.run_instances, **run, InstanceType="m5.large", DryRun=True, status=412)
        own.faults({"kind": "capacity", "action": "RunInstances", "nth": 1})
        refused("InsufficientInstanceCapacity", ec2.run_instances, **run, InstanceType="m5.large", status=500)
        for wrong in ({"account": "444455556666"}, {"account": "000000000000", "product_code": "x"}):
            try:
                own.subscribe(wrong["account"], wrong.get("product_code"))
                raise AssertionError("it was taken")
            except urllib.error.HTTPError as error:
                equal(error.code, 400)


# --- S3 ---

def bundle_policy(account):
    root = {"AWS": "arn:aws:iam::%s:root" % account}
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": "Bucket", "Effect": "Allow", "Principal": root, "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
         "Resource": "arn:aws:s3:::golden-amis"},
        {"Sid": "Bundle", "Effect": "Allow", "Principal": root, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::golden-amis/linux/*"}]})


@test("the CLI reads buckets, and puts, gets and deletes a bucket policy")
def _(world):
    with harness.World(world.build, "s3.yaml") as s3:
        equal(ok(s3.aws(SOURCE, "s3api", "get-bucket-location", "--bucket", "golden-amis"))["LocationConstraint"], None)
        equal(ok(s3.aws(SOURCE, "s3api", "get-bucket-location", "--bucket", "far-amis"))["LocationConstraint"], "eu-west-1")
        equal(s3.aws(SOURCE, "s3api", "head-bucket", "--bucket", "golden-amis")[0], 0)
        contains(s3.aws(TARGET, "s3api", "head-bucket", "--bucket", "golden-amis")[2], "(403)")
        contains(s3.aws(SOURCE, "s3api", "head-bucket", "--bucket", "no-such-bucket")[2], "(404)")
        keys = [o["Key"] for o in ok(s3.aws(SOURCE, "s3api", "list-objects-v2", "--bucket", "golden-amis", "--page-size", "1"))["Contents"]]
        equal(keys, ["linux/image.manifest.xml", "linux/image.part.00", "linux/image.part.01", "notes/a b+c.txt"])
        contains(s3.aws(SOURCE, "s3api", "get-bucket-policy", "--bucket", "golden-amis")[2], "(NoSuchBucketPolicy)")
        policy = bundle_policy("444455556666")
        ok(s3.aws(SOURCE, "s3api", "put-bucket-policy", "--bucket", "golden-amis", "--policy", policy))
        equal(json.loads(ok(s3.aws(SOURCE, "s3api", "get-bucket-policy", "--bucket", "golden-amis"))["Policy"]), json.loads(policy))
        equal(s3.aws(TARGET, "s3api", "head-bucket", "--bucket", "golden-amis")[0], 0)
        ok(s3.aws(SOURCE, "s3api", "delete-bucket-policy", "--bucket", "golden-amis"))
        _, _, error = s3.aws(SOURCE, "s3api", "put-bucket-policy", "--bucket", "golden-amis", "--policy", bundle_policy("999999999999"))
        contains(error, "(MalformedPolicy)")
        contains(error, "Invalid principal in policy")
        equal(s3.audit()["shares_open"], [])


@test("boto3 copies an image out of a bucket once the bucket is shared, and the audit knows of the share")
def _(world):
    with harness.World(world.build, "s3.yaml") as s3:
        ec2, owner = s3.boto(TARGET, "ec2", "eu-west-1"), s3.boto(SOURCE, "s3")
        request = {"Name": "from a bucket", "SourceImageId": "ami-0aaa0000000000009", "SourceRegion": "us-east-1"}
        refused("InvalidRequest", ec2.copy_image, **request, text="You do not have permission to access the storage of this ami")
        owner.put_bucket_policy(Bucket="golden-amis", Policy=bundle_policy("444455556666"))
        image = ec2.copy_image(**request)["ImageId"]
        copy = until(lambda: [i for i in ec2.describe_images(ImageIds=[image])["Images"] if i["State"] == "available"])[0]
        bucket, key = copy["ImageLocation"].split("/", 1)
        assert bucket.startswith("amis-for-444455556666-in-eu-west-1-"), bucket
        target = s3.boto(TARGET, "s3", "eu-west-1")
        contains(target.get_object(Bucket=bucket, Key=key)["Body"].read().decode(), "<manifest>")
        equal(target.list_objects_v2(Bucket=bucket, Prefix=image)["KeyCount"], 3)
        equal(target.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"], [{"ObjectOwnership": "BucketOwnerPreferred"}])
        equal({(s["resource"], s["kind"], s["to"]) for s in s3.audit()["shares_open"]},
              {("golden-amis", "policyStatement", "arn:aws:iam::444455556666:root")})
        owner.delete_bucket_policy(Bucket="golden-amis")
        equal(s3.audit()["shares_open"], [])


@test("boto3 reads objects whole, in part and by presigned URL, follows a bucket to its Region, and sets lists")
def _(world):
    with harness.World(world.build, "s3.yaml") as s3:
        owner = s3.boto(SOURCE, "s3")
        equal(owner.head_object(Bucket="golden-amis", Key="linux/image.part.00")["ContentLength"], 10000000)
        equal(len(owner.get_object(Bucket="golden-amis", Key="linux/image.part.00", Range="bytes=5-104")["Body"].read()), 100)
        equal(owner.get_object(Bucket="golden-amis", Key="notes/a b+c.txt")["Body"].read(), b"a name that has to be encoded")
        later = s3.boto(SOURCE, "s3", signature_version="s3v4")
        url = later.generate_presigned_url("get_object", Params={"Bucket": "golden-amis", "Key": "notes/a b+c.txt"}, ExpiresIn=60)
        with urllib.request.urlopen(url, timeout=30) as reply:
            equal(reply.read(), b"a name that has to be encoded")
        refused("404", owner.head_object, Bucket="golden-amis", Key="nothing", status=404)
        refused("NoSuchKey", owner.get_object, Bucket="golden-amis", Key="nothing", status=404)
        refused("NoSuchBucketPolicy", owner.get_bucket_policy, Bucket="far-amis", status=404)
        equal(s3.audit()["calls"]["s3:GetBucketPolicy"], {"PermanentRedirect": 1, "NoSuchBucketPolicy": 1})
        refused("OwnershipControlsNotFoundError", s3.boto(SOURCE, "s3", "eu-west-1").get_bucket_ownership_controls, Bucket="far-amis")
        acl = owner.get_object_acl(Bucket="golden-amis", Key="linux/image.part.01")
        equal([g["Permission"] for g in acl["Grants"]], ["FULL_CONTROL"])
        who = {"ID": acl["Owner"]["ID"], "Type": "CanonicalUser"}
        whole = {"Owner": acl["Owner"], "Grants": [*acl["Grants"], {"Grantee": who, "Permission": "READ_ACP"}]}
        owner.put_object_acl(Bucket="golden-amis", Key="linux/image.part.01", AccessControlPolicy=whole)
        again = owner.get_object_acl(Bucket="golden-amis", Key="linux/image.part.01")["Grants"]
        equal([(g["Grantee"]["Type"], g["Permission"]) for g in again], [("CanonicalUser", "FULL_CONTROL"), ("CanonicalUser", "READ_ACP")])
        owner.put_bucket_acl(Bucket="golden-amis", ACL="private")
        refused("AccessControlListNotSupported", owner.put_bucket_acl, Bucket="sealed-amis", ACL="private", status=400)
        wrong = (SOURCE[0], "another/secret", None)
        refused("SignatureDoesNotMatch", s3.boto(wrong, "s3").get_bucket_policy, Bucket="golden-amis", status=403)
        s3.faults({"kind": "throttle", "service": "s3"})
        refused("SlowDown", owner.get_bucket_acl, Bucket="golden-amis", status=503)


# --- faults ---

@test("a lost reply closes the connection after the effect, and the audit knows it")
def _(world):
    from botocore.exceptions import ConnectionClosedError
    ec2 = world.boto(SOURCE, "ec2")
    ec2.describe_regions()  # the connection has served before
    world.faults({"kind": "lost-reply", "service": "ec2", "action": "CreateTags", "nth": 1})
    try:
        ec2.create_tags(Resources=[PLAIN], Tags=[{"Key": "lost", "Value": "1"}])
        raise AssertionError("a reply came")
    except ConnectionClosedError:
        pass
    finally:
        world.faults()
    tags = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [PLAIN]}, {"Name": "key", "Values": ["lost"]}])["Tags"]
    equal(len(tags), 1)
    equal([e["action"] for e in world.audit()["ambiguous_effects"] if e["action"] == "CreateTags"], ["CreateTags"])


@test("a cut connection leaves no effect, half a reply promises more than comes")
def _(world):
    ec2 = world.boto(SOURCE, "ec2")
    for kind, effect, wanted in (("cut", 0, http.client.RemoteDisconnected), ("half", 1, http.client.IncompleteRead)):
        world.faults({"kind": kind, "action": "CreateTags"})
        try:
            world.call(SOURCE, "ec2", "CreateTags", {"ResourceId.1": PLAIN, "Tag.1.Key": kind, "Tag.1.Value": "1"})
            raise AssertionError("a whole reply came")
        except wanted:
            pass
        finally:
            world.faults()
        equal(len(ec2.describe_tags(Filters=[{"Name": "key", "Values": [kind]}])["Tags"]), effect)


@test("throttles, errors before and after the effect, empty pages and malformed replies are as AWS's")
def _(world):
    ec2, kms = world.boto(SOURCE, "ec2"), world.boto(SOURCE, "kms")
    world.faults({"kind": "throttle"})
    refused("RequestLimitExceeded", ec2.describe_regions, status=503)
    refused("ThrottlingException", kms.list_keys, status=400)
    refused("Throttling", world.boto(SOURCE, "sts").get_caller_identity, status=400)
    world.faults({"kind": "error", "status": 503})
    refused("Unavailable", ec2.describe_regions, status=503)
    world.faults({"kind": "error", "status": 502})
    refused("502", ec2.describe_regions, status=502)
    world.faults({"kind": "error", "action": "RunInstances", "code": "InsufficientInstanceCapacity", "message": "no room"})
    refused("InsufficientInstanceCapacity", ec2.run_instances, ImageId=PLAIN, MinCount=1, MaxCount=1, status=500, text="no room")
    world.faults({"kind": "error-after", "action": "CreateTags"})
    refused("InternalError", ec2.create_tags, Resources=[PLAIN], Tags=[{"Key": "after", "Value": "1"}], status=500)
    world.faults({"kind": "empty-page", "action": "DescribeSnapshots", "nth": 1})
    first = ec2.describe_snapshots(OwnerIds=["self"], MaxResults=5)
    equal(first["Snapshots"], [])
    assert first.get("NextToken")
    pages = ec2.describe_snapshots(OwnerIds=["self"], MaxResults=5, NextToken=first["NextToken"])
    equal(len(pages["Snapshots"]), 4)
    world.faults({"kind": "malformed", "action": "DescribeRegions"})
    from botocore.parsers import ResponseParserError
    try:
        ec2.describe_regions()
        raise AssertionError("it was parsed")
    except ResponseParserError:
        pass
    finally:
        world.faults()
    equal(len(ec2.describe_tags(Filters=[{"Name": "key", "Values": ["after"]}])["Tags"]), 1)


@test("an expired token and a clock that is off are refused as each service does")
def _(world):
    ec2, kms, sts = (world.boto(SOURCE, s) for s in ("ec2", "kms", "sts"))
    world.faults({"kind": "expired-token"})
    refused("RequestExpired", ec2.describe_regions, status=400)
    refused("ExpiredTokenException", kms.list_keys, status=400)
    refused("ExpiredToken", sts.get_caller_identity, status=403)
    world.faults({"kind": "clock-skew", "seconds": 1000})
    refused("RequestExpired", ec2.describe_regions, status=400)
    refused("InvalidSignatureException", kms.list_keys, status=400, text="Signature expired")
    refused("SignatureDoesNotMatch", sts.get_caller_identity, status=403, text="- 15 min.)")
    world.faults({"kind": "clock-skew", "seconds": -600})
    ec2.describe_regions()
    refused("InvalidSignatureException", kms.list_keys, status=400, text="Signature not yet current")
    world.faults()


@test("a slow reply holds up nobody else")
def _(world):
    import threading
    slow, quick = world.boto(SOURCE, "ec2"), world.boto(SOURCE, "kms")
    world.faults({"kind": "slow", "action": "DescribeRegions", "delay_ms": 3000})
    before = world.audit()["calls"]["ec2:DescribeRegions"]["ok"]
    begun = time.monotonic()
    thread = threading.Thread(target=slow.describe_regions)
    thread.start()
    until(lambda: world.audit()["calls"]["ec2:DescribeRegions"].get("ok", 0) > before)
    quick.list_keys()
    assert thread.is_alive()
    thread.join()
    world.faults()
    assert time.monotonic() - begun >= 3


@test("a fault that makes no sense is refused")
def _(world):
    for bad, part in (({"kind": "earthquake"}, "earthquake"), ({"kind": "cut", "nht": 1}, "nth")):
        try:
            world.faults(bad)
            raise AssertionError("it was taken")
        except urllib.error.HTTPError as error:
            equal(error.code, 400)
            contains(error.read().decode(), part)


@test("a call that is presigned is a call, for an hour and by GET")
def _(world):
    url = world.boto(SOURCE, "sts").generate_presigned_url("get_caller_identity", ExpiresIn=3600, HttpMethod="GET")
    status, body = fetch(url)
    equal(status, 200)
    contains(body, "arn:aws:iam::111122223333:user/source-admin")
    equal(fetch(url.replace("X-Amz-Expires=3600", "X-Amz-Expires=3601"))[0], 403)
    world.faults({"kind": "clock-skew", "seconds": 3700})
    equal(fetch(url)[0], 403)
    world.faults()


# --- metadata ---

def fetch(url, method="GET", **headers):
    request = urllib.request.Request(url, method=method, headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


@test("instance and container credentials are handed out to who holds the token")
def _(world):
    import json
    role = world.url + "/latest/meta-data/iam/security-credentials/"
    equal(fetch(role)[0], 401)
    equal(fetch(world.url + "/latest/api/token", "PUT")[0], 400)
    token = fetch(world.url + "/latest/api/token", "PUT", x_aws_ec2_metadata_token_ttl_seconds="60")[1]
    equal(fetch(role, x_aws_ec2_metadata_token=token), (200, "ferry-instance"))
    c = json.loads(fetch(role + "ferry-instance", x_aws_ec2_metadata_token=token)[1])
    equal(world.boto((c["AccessKeyId"], c["SecretAccessKey"], c["Token"]), "sts").get_caller_identity()["Arn"],
          "arn:aws:sts::444455556666:assumed-role/ferry-instance/i-0123456789abcdef0")
    equal(fetch(world.url + "/_cloudsim/container-credentials")[0], 401)
    c = json.loads(fetch(world.url + "/_cloudsim/container-credentials", Authorization="fake-container-token")[1])
    equal(c["RoleArn"], "arn:aws:iam::444455556666:role/ferry-instance")


@test("the CLI finds its credentials through both metadata endpoints")
def _(world):
    reply = ok(world.aws(None, "sts", "get-caller-identity", AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT=world.url + "/"))
    contains(reply["Arn"], "assumed-role/ferry-instance/")
    reply = ok(world.aws(None, "sts", "get-caller-identity", AWS_CONTAINER_AUTHORIZATION_TOKEN="fake-container-token",
                         AWS_CONTAINER_CREDENTIALS_FULL_URI=world.url + "/_cloudsim/container-credentials"))
    contains(reply["Arn"], "assumed-role/ferry-instance/container")


@test("only 127.0.0.1 is listened on, a request that is no HTTP does no harm, and every reply is dated and numbered")
def _(world):
    port = int(world.url.rsplit(":", 1)[1])
    s = socket.create_connection(("127.0.0.1", port), 5)
    s.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    s.close()
    try:
        socket.create_connection(("::1", port), 1)
        raise AssertionError("it listens on ::1")
    except OSError:
        pass
    meta = world.boto(SOURCE, "kms").list_keys()["ResponseMetadata"]
    assert meta["HTTPHeaders"]["date"] and meta["HTTPHeaders"]["x-amzn-requestid"]
    equal(meta["HTTPHeaders"]["content-type"], "application/x-amz-json-1.1")
    contains(world.boto(SOURCE, "ec2").describe_regions()["ResponseMetadata"]["HTTPHeaders"]["content-type"], "text/xml")


@test("world files that are wrong are refused with line and path, and so is bad usage")
def _(world):
    import subprocess
    program = os.path.join(world.build, "tools", "cloudsim", "cloudsim")
    for text, part in (("accounts: [{id: '111122223333', users: [{name: x, secret: y}]}]", "users[0]"),
                       ("acounts: []", "accounts"),
                       ("accounts:\n- id: '111122223333'\n  roles:\n  - {name: r, trust: {Effect: Allow}}", ":4: accounts[0].roles[0].trust"),
                       ("faults: [{kind: nonsense}]", "nonsense"), ("{", "1"), ("sts: {instance_role: 'arn:aws:iam::111122223333:role/x'}", "no role")):
        done = subprocess.run([program, "-"], input=text, capture_output=True, text=True, timeout=20)
        equal(done.returncode, 2)
        contains(done.stderr, part)
        equal(done.stdout, "")
    for arguments in ([], ["a", "b"], ["--port", "70000", "x"], ["--speed", "0", "x"], ["--nonsense"], ["/no/such/world"]):
        equal(subprocess.run([program, *arguments], capture_output=True, timeout=20).returncode, 2)
    done = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=20)
    equal(done.returncode, 0)
    contains(done.stdout, "--speed")
    port = world.url.rsplit(":", 1)[1]
    done = subprocess.run([program, "--port", port, harness.world_file("small.yaml")], capture_output=True, text=True, timeout=20)
    equal(done.returncode, 1)
    contains(done.stderr, "cannot listen on 127.0.0.1:" + port)


@test("every world file of the tests and of the demo loads")
def _(world):
    folder = os.path.join(harness.HERE, "worlds")
    files = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".yaml")]
    for path in files + [os.path.join(harness.HERE, "..", "..", "tools", "demo-world.yaml")]:
        with harness.World(world.build, os.path.abspath(path)) as other:
            equal(other.get("/_cloudsim/health")["status"], "ok")


@test("the audit can be read by people, and its exit status says whether anything is left open")
def _(world):
    import subprocess
    program = os.path.join(world.build, "tools", "cloudsim", "cloudsim")
    with harness.World(world.build, "small.yaml") as fresh:
        def audit():
            return subprocess.run([program, "--audit", fresh.url], capture_output=True, text=True, timeout=20)
        equal(audit().returncode, 0)
        fresh.boto(SOURCE, "kms").create_grant(KeyId=KEY, GranteePrincipal="arn:aws:iam::444455556666:root", Operations=["Decrypt"], Name="left")
        done = audit()
        equal(done.returncode, 1)
        contains(done.stdout, "grants left open       1\n  key " + KEY)
    equal(audit().returncode, 2)


@test("sessions that the world shortens expire in seconds, and say so")
def _(world):
    import tempfile
    with open(harness.world_file("small.yaml")) as f, tempfile.NamedTemporaryFile("w", suffix=".yaml") as short:
        short.write(f.read().replace("sts:\n", "sts:\n  session_seconds: 8\n", 1))
        short.flush()
        with harness.World(world.build, short.name) as quick:
            c = quick.boto(TARGET, "sts").assume_role(RoleArn="arn:aws:iam::444455556666:role/ferry-target", RoleSessionName="short")["Credentials"]

            def left():
                return (c["Expiration"] - datetime.datetime.now(datetime.timezone.utc)).total_seconds()

            assert left() <= 8
            session = (c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"])
            clients = [quick.boto(session, service) for service in ("ec2", "kms", "sts")]
            clients[0].describe_regions()
            time.sleep(max(0, left()) + 0.1)
            refused("RequestExpired", clients[0].describe_regions, status=400)
            refused("ExpiredTokenException", clients[1].list_keys, status=400)
            refused("ExpiredToken", clients[2].get_caller_identity, status=403)


@test("it ends at SIGTERM with status 0, also amid a slow reply")
def _(world):
    import threading
    other = harness.World(world.build, "small.yaml", "--log")
    other.faults({"kind": "slow", "delay_ms": 60000})

    def call():
        try:
            other.boto(SOURCE, "ec2").describe_regions()
        except Exception:
            pass

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    until(lambda: "ec2:DescribeRegions 111122223333 us-east-1" in "\n".join(other.log))
    begun = time.monotonic()
    equal(other.stop(), 0)
    assert time.monotonic() - begun < 15


if __name__ == "__main__":
    if not os.access("/usr/bin/aws", os.X_OK):
        harness.skip_all("the AWS CLI is not installed")
    with harness.World(sys.argv[1], "small.yaml") as everyones:
        status = harness.run(everyones)
    sys.exit(status)
