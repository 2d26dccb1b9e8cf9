/* cloudsim when memory runs out: each allocation of a world and of every kind of request fails in turn, once or from then on, ours and
 * those of jansson, OpenSSL and expat. It says so and ends before it answers: a simulated AWS that half forgot what it did would blame its
 * client. Each failure has a process of its own, begun in the midst of one walk. */
#include "tests/unit/cloudsim_s3.h"
#include "tests/unit/fail_alloc.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- a world with some of everything, and a walk through it ------------------------------------------------------------------------------ */

#define TOP                                                                                                                       \
  "latencies: {read_lag: [0, 0.5], key_check: 0.2, copy_min: 1, instance_start: 1, instance_stop: 1, instance_terminate: 1}\n"    \
  "quotas: {buckets: {CopyImage: [50, 1]}, vcpus: 64}\n"                                                                          \
  "uncertain: {source_key_operations: [DescribeKey, Decrypt, CreateGrant, ReEncryptFrom]}\n"                                      \
  "kernels: [{us-east-1: aki-919dcaf8, eu-west-1: aki-52a34525}]\n"                                                               \
  "faults: [{kind: throttle, service: kms, action: ListKeys, nth: 1}]\n"                                                          \
  "sts:\n"                                                                                                                        \
  "  web_identities: [{token: fake.web, provider: 'arn:aws:iam::" TARGET ":oidc-provider/ci.example.com', subject: me, audience: sts}]\n" \
  "  instance_role: arn:aws:iam::" TARGET ":role/web\n"                                                                           \
  "  container_role: arn:aws:iam::" TARGET ":role/web\n"                                                                          \
  "  container_token: fake-token\n"
#define NARROW                                                                                                                    \
  "[{Effect: Allow, Action: 'ec2:CreateTags', Resource: '*', Condition: {StringLike: {'aws:RequestTag/team': 'b*'},\n"            \
  "      'ForAllValues:StringEqualsIgnoreCase': {'aws:TagKeys': [Team]}, Null: {'ec2:CreateAction': true}}},\n"                   \
  "     {Effect: Deny, Action: 'ec2:*', Resource: '*', Condition: {StringEquals: {'ec2:Region': me-south-1}}},\n"                 \
  "     {Effect: Allow, Action: ['ec2:Modify*', 'ec2:Describe*'], Resource: '*', Condition: {StringEqualsIfExists: {'ec2:Add/userId': '1'}}}]"
#define SOURCE_MORE                                                                                                               \
  "        policy: {Statement: [{Effect: Allow, Principal: {AWS: ['arn:aws:iam::" SOURCE ":root']}, Action: 'kms:*', Resource: '*'},\n" \
  "          {Effect: Allow, Principal: {AWS: 'arn:aws:iam::" TARGET ":root'}, Action: 'kms:DescribeKey', Resource: '*'}]}\n"      \
  BUCKETS("")                                                                                                                     \
  "      snapshots:\n"                                                                                                            \
  "      - {id: snap-00000001, size: 8, full_size: 1073741824, tags: {Role: root}}\n"                                             \
  "      - {id: snap-00000002, size: 8, kms_key: alias/disks, create_volume_permissions: ['" TARGET "']}\n"                                 \
  "      images:\n"                                                                                                               \
  "      - {id: ami-00000001, name: plain, description: of old, tags: {Team: blue}, launch_permissions: ['" TARGET "'],\n"        \
  "         uefi_data: QU1J, boot_mode: uefi-preferred, tpm_support: v2.0, imds_support: v2.0,\n"                                 \
  "         mappings: [{device: /dev/xvda, snapshot: snap-00000001}, {device: /dev/sdc, virtual_name: ephemeral0}]}\n"            \
  "      - {id: ami-00000002, name: sealed, launch_permissions: ['" TARGET "'], mappings: [{device: /dev/xvda, snapshot: snap-00000002}]}\n" \
  "      - {id: ami-00000003, name: bundle, root_device_type: instance-store, launch_permissions: ['" TARGET "'],\n"              \
  "         location: golden-amis/linux/image.manifest.xml}\n"                                                                    \
  "      - {id: ami-00000004, name: third, mappings: [{device: /dev/xvda, snapshot: snap-00000001}]}\n"                           \
  "      - {id: ami-00000005, name: fourth, mappings: [{device: /dev/xvda, snapshot: snap-00000001}]}\n"                          \
  "      - {id: ami-00000006, name: fifth, mappings: [{device: /dev/xvda, snapshot: snap-00000001}]}\n"
#define TARGET_MORE                                                                                                               \
  "  - {name: web, trust: [{Effect: Allow, Principal: {Federated: 'arn:aws:iam::" TARGET ":oidc-provider/ci.example.com'},\n"     \
  "     Action: 'sts:AssumeRoleWithWebIdentity', Condition: {StringEquals: {'ci.example.com:sub': me}}},\n"                       \
  "     {Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: 'sts:AssumeRole'}]}\n"                                   \
  "  regions:\n"                                                                                                                  \
  "    eu-west-1:\n"                                                                                                              \
  "      keys: [{id: 4444bbbb-44bb-44bb-a4bb-444444444444, alias: alias/mine}]\n"                                                 \
  "      key_pairs: [mine]\n"                                                                                                     \
  "      snapshots: [{id: snap-000000b1, size: 8}]\n"                                                                             \
  "      images: [{id: ami-000000b1, name: own, mappings: [{device: /dev/xvda, snapshot: snap-000000b1}]}]\n"

static const char world_text[] = WORLD(TOP, NARROW, SOURCE_MORE) TARGET_MORE;

#define TAGS "&TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=team&TagSpecification.1.Tag.1.Value=blue"
#define READS_BUNDLE                                                                                              \
  POLICY(STATEMENT(ROOT_OF(TARGET), "['s3:GetBucketAcl','s3:ListBucket']", "'" GOLDEN "'") ","                    \
         STATEMENT(ROOT_OF(TARGET), "'s3:GetObject'", "'" GOLDEN "/linux/image.*'"))
#define KEY_POLICY                                                                                                \
  "{\\'Statement\\':[{\\'Effect\\':\\'Allow\\',\\'Principal\\':{\\'AWS\\':\\'arn:aws:iam::" SOURCE                \
  ":root\\'},\\'Action\\':\\'kms:*\\',\\'Resource\\':\\'*\\'}]}"
#define GRANT "{'KeyId':'" KEY "','GranteePrincipal':'arn:aws:iam::" TARGET ":root','RetiringPrincipal':'arn:aws:iam::" TARGET    \
  ":root','Operations':['Decrypt','DescribeKey','CreateGrant','ReEncryptFrom','GenerateDataKeyWithoutPlaintext'],'Name':'ferry'"

/* In the order of AWS: who, which service where, which call, what with. '@' stands for what the latest `keep` found; in JSON and XML ' for ". */
enum via { EC2, STS, KMS, S3, BARE };
static struct login session;
static const struct step {
  enum via via;
  const struct login *who;
  const char *region, *action, *more;
  const char *keep;       /* an element or member of the answer; "session": its credentials */
  int64_t wait_s;         /* before it is sent */
  struct s3_header header; /* of S3 and BARE */
  bool refused;
} steps[] = {
    {BARE, NULL, NULL, "GET /_cloudsim/health", NULL},
    {EC2, &source_admin, "us-east-1", "DescribeRegions", "AllRegions=true"},
    {EC2, &source_admin, "us-east-1", "DescribeImages", "Owner.1=self&MaxResults=5", "nextToken"},
    {EC2, &source_admin, "us-east-1", "DescribeImages", "Owner.1=self&MaxResults=5&NextToken=@"},
    {EC2, &source_admin, "us-east-1", "DescribeImages", "Filter.1.Name=tag:Team&Filter.1.Value.1=b*"},
    {EC2, &source_admin, "us-east-1", "DescribeSnapshots", "Owner.1=self"},
    {EC2, &source_admin, "us-east-1", "ModifyImageAttribute", "ImageId=ami-00000001&LaunchPermission.Add.1.UserId=444455556666"},
    {EC2, &source_admin, "us-east-1", "ModifySnapshotAttribute", "SnapshotId=snap-00000001&CreateVolumePermission.Add.1.UserId=444455556666"},
    {EC2, &source_admin, "us-east-1", "DescribeImageAttribute", "ImageId=ami-00000001&Attribute=launchPermission", NULL, 1},
    {EC2, &source_admin, "us-east-1", "DescribeImageAttribute", "ImageId=ami-00000001&Attribute=uefiData"},
    {EC2, &source_admin, "us-east-1", "DescribeSnapshotAttribute", "SnapshotId=snap-00000001&Attribute=createVolumePermission"},
    {EC2, &source_admin, "us-east-1", "CreateTags", "ResourceId.1=ami-00000001&Tag.1.Key=k&Tag.1.Value=%3Cv%3E&Tag.2.Key=l"},
    {EC2, &source_admin, "us-east-1", "DescribeTags", "", NULL, 1},
    {EC2, &source_admin, "us-east-1", "DeleteTags", "ResourceId.1=ami-00000001&Tag.1.Key=k"},
    {EC2, &source_admin, "us-east-1", "DescribeImages", "ImageId.1=ami-00000bad", .refused = true},
    {EC2, &source_admin, "us-east-1", "MakeTea", "", .refused = true},
    {EC2, &target_narrow, "us-east-1", "CreateTags", "ResourceId.1=ami-00000001&Tag.1.Key=team&Tag.1.Value=green", .refused = true},
    {EC2, &target_narrow, "us-east-1", "ModifyImageAttribute", "ImageId=ami-00000001&LaunchPermission.Add.1.UserId=222222222222", .refused = true},

    {STS, &target_admin, "us-east-1", "GetCallerIdentity", ""},
    {STS, &target_admin, "us-east-1", "AssumeRole",
     "RoleArn=arn:aws:iam::" SOURCE ":role/ferry&RoleSessionName=me&ExternalId=ferry-42&DurationSeconds=3600"
     "&Policy=%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D", "session"},
    {EC2, &session, "us-east-1", "DescribeSnapshots", "SnapshotId.1=snap-00000001"},
    {KMS, &session, "us-east-1", "DescribeKey", "{'KeyId':'alias/disks'}"},
    {S3, &session, "us-east-1", "GET /golden-amis?location=", NULL},
    {STS, &target_admin, "us-east-1", "AssumeRole", "RoleArn=arn:aws:iam::" TARGET ":role/hop&RoleSessionName=me"},
    {STS, &source_admin, "us-east-1", "AssumeRole", "RoleArn=arn:aws:iam::" SOURCE ":role/ferry&RoleSessionName=me&Tags.member.1.Key=a&Tags.member.1.Value=b"},
    {STS, &target_admin, "us-east-1", "GetSessionToken", ""},
    {STS, NULL, "us-east-1", "AssumeRoleWithWebIdentity", "RoleArn=arn:aws:iam::" TARGET ":role/web&RoleSessionName=me&WebIdentityToken=fake.web"},
    {STS, &target_admin, "us-east-1", "GetAccessKeyInfo", "AccessKeyId=AKIAFAKESOURCEADMIN1"},

    {KMS, &source_admin, "us-east-1", "ListKeys", "{}", .refused = true},
    {KMS, &source_admin, "us-east-1", "ListKeys", "{'Limit':1}"},
    {KMS, &source_admin, "us-east-1", "ListAliases", "{}"},
    {KMS, &source_admin, "us-east-1", "DescribeKey", "{'KeyId':'alias/disks'}"},
    {KMS, &source_admin, "us-east-1", "GetKeyPolicy", "{'KeyId':'" KEY "'}"},
    {KMS, &source_admin, "us-east-1", "PutKeyPolicy", "{'KeyId':'" KEY "','Policy':'" KEY_POLICY "'}"},
    {KMS, &source_admin, "us-east-1", "CreateGrant", GRANT ",'Constraints':{'EncryptionContextSubset':{'a':'b'}}}", "GrantId"},
    {KMS, &source_admin, "us-east-1", "RevokeGrant", "{'KeyId':'" KEY "','GrantId':'@'}"},
    {KMS, &source_admin, "us-east-1", "CreateGrant", GRANT "}", "GrantToken"},
    {KMS, &source_admin, "us-east-1", "ListGrants", "{'KeyId':'" KEY "'}"},
    {KMS, &target_admin, "us-east-1", "ListRetirableGrants", "{'RetiringPrincipal':'arn:aws:iam::" TARGET ":root'}"},
    {KMS, &target_admin, "eu-west-1", "GenerateDataKeyWithoutPlaintext", "{'KeyId':'alias/mine','KeySpec':'AES_256','EncryptionContext':{'a':'b'}}"},
    {KMS, &target_admin, "us-east-1", "GenerateDataKeyWithoutPlaintext", "{'KeyId':'" KEY "','KeySpec':'AES_256','GrantTokens':['@']}"},
    {KMS, &target_admin, "us-east-1", "CreateKey", "{'Description':'mine'}", "KeyId"},
    {KMS, &target_admin, "us-east-1", "CreateAlias", "{'AliasName':'alias/new','TargetKeyId':'@'}"},
    {KMS, &target_admin, "us-east-1", "DisableKey", "{'KeyId':'@'}"},
    {KMS, &target_admin, "us-east-1", "EnableKey", "{'KeyId':'@'}"},
    {KMS, &target_admin, "us-east-1", "ScheduleKeyDeletion", "{'KeyId':'@','PendingWindowInDays':7}"},
    {KMS, &target_admin, "us-east-1", "DescribeKey", "{'KeyId'", .refused = true},

    {S3, &source_admin, "us-east-1", "PUT /golden-amis?policy=", READS_BUNDLE},
    {S3, &source_admin, "us-east-1", "GET /golden-amis?policy=", NULL, NULL, 1},
    {S3, &source_admin, "us-east-1", "GET /golden-amis?list-type=2&max-keys=2", NULL, "NextContinuationToken"},
    {S3, &source_admin, "us-east-1", "GET /golden-amis?continuation-token=@&encoding-type=url&list-type=2", NULL},
    {S3, &source_admin, "us-east-1", "GET /golden-amis?delimiter=%2F&list-type=2", NULL},
    {S3, &target_admin, "us-east-1", "GET /golden-amis/linux/image.manifest.xml", NULL},
    {S3, &source_admin, "us-east-1", "GET /golden-amis/a%20b%2Bc.txt", NULL},
    {S3, &source_admin, "us-east-1", "HEAD /golden-amis/windows/one", NULL},
    {S3, &source_admin, "us-east-1", "GET /sealed-amis?ownershipControls=", NULL},
    {S3, &source_admin, "us-east-1", "GET /golden-amis?acl=", NULL, "ID"},
    {S3, &source_admin, "us-east-1", "PUT /golden-amis?acl=",
     "<AccessControlPolicy xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Owner><ID>@</ID></Owner><AccessControlList><Grant><Grantee><ID>@</ID>"
     "</Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>"},
    {S3, &source_admin, "us-east-1", "PUT /golden-amis/windows/one?acl=", NULL, NULL, 0, {"x-amz-acl", "private"}},
    {S3, &source_admin, "us-east-1", "GET /golden-amis/nothing", NULL, .refused = true},

    {EC2, &target_admin, "eu-west-1", "CopyImage", "Name=copied&SourceRegion=us-east-1&SourceImageId=ami-00000001&ClientToken=one&Description=x" TAGS, "imageId"},
    {EC2, &target_admin, "eu-west-1", "CopyImage", "Name=sealed&SourceRegion=us-east-1&SourceImageId=ami-00000002&Encrypted=true&KmsKeyId=alias/mine"},
    {EC2, &target_admin, "eu-west-1", "CopyImage", "Name=bundle&SourceRegion=us-east-1&SourceImageId=ami-00000003"},
    {EC2, &target_admin, "eu-west-1", "CopySnapshot", "SourceRegion=us-east-1&SourceSnapshotId=snap-00000001&PresignedUrl=%"},
    {EC2, &target_admin, "eu-west-1", "DescribeImages", "ImageId.1=@", NULL, 30},
    {EC2, &target_admin, "eu-west-1", "DescribeSnapshots", "Owner.1=self"},
    {KMS, &source_admin, "us-east-1", "ListGrants", "{'KeyId':'" KEY "'}"},
    {S3, &source_admin, "us-east-1", "DELETE /golden-amis?policy=", NULL},
    {EC2, &target_admin, "eu-west-1", "EnableImageDeprecation", "ImageId=@&DeprecateAt=2030-01-01T00:00:00Z"},
    {EC2, &target_admin, "eu-west-1", "EnableImageDeregistrationProtection", "ImageId=@"},
    {EC2, &target_admin, "eu-west-1", "DeregisterImage", "ImageId=@", .refused = true},
    {EC2, &target_admin, "eu-west-1", "DisableImageDeregistrationProtection", "ImageId=@"},
    {EC2, &target_admin, "eu-west-1", "DisableImage", "ImageId=@", NULL, 1},
    {EC2, &target_admin, "eu-west-1", "DeregisterImage", "ImageId=@&DeleteAssociatedSnapshots=true", NULL, 1},
    {EC2, &target_admin, "eu-west-1", "RegisterImage",
     "Name=made&RootDeviceName=/dev/sda1&Architecture=x86_64&BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.Ebs.SnapshotId=snap-000000b1"
     "&BlockDeviceMapping.2.DeviceName=/dev/sdb&BlockDeviceMapping.2.VirtualName=ephemeral0" TAGS},

    {EC2, &target_admin, "eu-west-1", "DescribeVpcs", ""},
    {EC2, &target_admin, "eu-west-1", "DescribeSubnets", "", "subnetId"},
    {EC2, &target_admin, "eu-west-1", "DescribeAvailabilityZones", ""},
    {EC2, &target_admin, "eu-west-1", "DescribeInstanceTypes", "InstanceType.1=t3.micro&InstanceType.2=m5.large"},
    {EC2, &target_admin, "eu-west-1", "DescribeInstanceTypeOfferings", "LocationType=availability-zone&Filter.1.Name=instance-type&Filter.1.Value.1=t3.micro"},
    {EC2, &target_admin, "eu-west-1", "RunInstances",
     "MinCount=1&MaxCount=1&ImageId=ami-000000b1&InstanceType=t3.micro&KeyName=mine&SubnetId=@&ClientToken=two"
     "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v", "instanceId"},
    {EC2, &target_admin, "eu-west-1", "DescribeInstances", "InstanceId.1=@", NULL, 60},
    {EC2, &target_admin, "eu-west-1", "DescribeInstanceStatus", "IncludeAllInstances=true"},
    {EC2, &target_admin, "eu-west-1", "DescribeVolumes", ""},
    {EC2, &target_admin, "eu-west-1", "StopInstances", "InstanceId.1=@"},
    {EC2, &target_admin, "eu-west-1", "CreateImage", "Name=of-an-instance&InstanceId=@", NULL, 60},
    {EC2, &target_admin, "eu-west-1", "StartInstances", "InstanceId.1=@", NULL, 60},
    {EC2, &target_admin, "eu-west-1", "TerminateInstances", "InstanceId.1=@", NULL, 60},
    {EC2, &target_admin, "eu-west-1", "CreateSecurityGroup", "GroupName=ferry&GroupDescription=x", "groupId"},
    {EC2, &target_admin, "eu-west-1", "AuthorizeSecurityGroupIngress", "GroupId=@&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22"
     "&IpPermissions.1.ToPort=22&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0/8", NULL, 1},
    {EC2, &target_admin, "eu-west-1", "DescribeSecurityGroups", ""},
    {EC2, &target_admin, "eu-west-1", "DeleteSecurityGroup", "GroupId=@", NULL, 1},
    {EC2, &target_admin, "eu-west-1", "GetEbsDefaultKmsKeyId", ""},
    {EC2, &target_admin, "eu-west-1", "GetAllowedImagesSettings", ""},

    {BARE, NULL, NULL, "PUT /latest/api/token", NULL, NULL, 0, {"x-aws-ec2-metadata-token-ttl-seconds", "60"}},
    {BARE, NULL, NULL, "GET /latest/meta-data/iam/security-credentials/web", NULL, NULL, 0, {"x-aws-ec2-metadata-token", "(body)"}},
    {BARE, NULL, NULL, "GET /_cloudsim/container-credentials", NULL, NULL, 0, {"Authorization", "fake-token"}},
    {BARE, NULL, NULL, "POST /_cloudsim/subscribe", "{'account':'" TARGET "','product_code':'abc123'}"},
    {BARE, NULL, NULL, "POST /_cloudsim/faults", "[{'kind':'error-after','status':500,'code':'InternalError','message':'x','action':'CreateTags'},"
     "{'kind':'malformed','action':'DescribeRegions'},{'kind':'half','action':'DescribeVpcs'},{'kind':'throttle','service':'sts'}]"},
    {BARE, NULL, NULL, "POST /_cloudsim/faults", "[{'kind':'nonsense'}]", .refused = true},
    {EC2, &source_admin, "us-east-1", "CreateTags", "ResourceId.1=ami-00000001&Tag.1.Key=late", .refused = true},
    {EC2, &source_admin, "us-east-1", "DescribeRegions", ""},
    {EC2, &source_admin, "us-east-1", "DescribeVpcs", ""},
    {STS, &source_admin, "us-east-1", "GetCallerIdentity", "", .refused = true},
    {BARE, NULL, NULL, "GET /_cloudsim/audit", NULL},
    {EC2, &target_admin, "eu-west-1", "DescribeImages", "Owner.1=self", NULL, 60},
    {EC2, &target_admin, "eu-west-1", "DescribeInstances", ""},
};

static char kept[4096];

/* The text with what was kept in the place of '@', and a presigned URL in that of a '%' at its end. */
static char *filled(const struct step *s, const char *text, int64_t now_ms) {
  static char out[2][16384];
  static unsigned turn;
  struct af_buf b;
  char url[8192];
  size_t n = strlen(text);
  bool signs_url = n > 0 && text[n - 1] == '%';
  af_buf_init(&b, sizeof out[0] - 1);
  for (size_t i = 0; i < n - signs_url; i++)
    if (text[i] == '@')
      af_buf_puts(&b, kept);
    else
      af_buf_putc(&b, text[i] == '\'' && s->via >= KMS ? '"' : text[i]);
  if (signs_url) {
    presign(url, sizeof url, s->who, "us-east-1", now_ms,
            "Action=CopySnapshot&DestinationRegion=eu-west-1&SourceRegion=us-east-1&SourceSnapshotId=snap-00000001&Version=2016-11-15");
    cs_uri_encode(&b, af_str(url), false);
  }
  assert_int_equal(af_buf_rc(&b), 0);
  char *to = out[turn++ % 2];
  af_str_copy(to, sizeof out[0], af_buf_view(&b));
  af_buf_done(&b);
  return to;
}

static void keep(struct world *w, const char *name) {
  char mark[80];
  if (strcmp(name, "session") == 0) {
    session = login_of(w);
    return;
  }
  snprintf(mark, sizeof mark, "<%s>", name);
  const char *at = strstr(af_buf_cstr(&w->reply.body), mark);
  if (!at) {
    snprintf(mark, sizeof mark, "\"%s\":\"", name);
    at = strstr(af_buf_cstr(&w->reply.body), mark);
  }
  if (!at)
    fail_msg("no %s in %s", name, af_buf_cstr(&w->reply.body));
  af_str_copy(kept, sizeof kept, af_str_n(at + strlen(mark), strcspn(at + strlen(mark), "<\"")));
}

static void take(struct world *w, const struct step *s) {
  static const char *const services[] = {[EC2] = "ec2", [STS] = "sts"};
  char method[16], token[80];
  w->now_ms += s->wait_s * 1000;
  const char *more = s->more ? filled(s, s->more, w->now_ms) : NULL, *what = filled(s, s->action, w->now_ms);
  struct s3_sending sent = {.who = s->who, .region = s->region, .method = method, .body = more, .more = {s->header}};
  switch (s->via) {
  case EC2:
  case STS:
    query(w, s->who, services[s->via], s->region, s->action, more);
    break;
  case KMS:
    kms_in(w, s->who, s->region, s->action, more);
    break;
  default:
    af_str_copy(method, sizeof method, af_str_n(what, strcspn(what, " ")));
    sent.path = what + strlen(method) + 1;
    char *mark = strchr(sent.path, '?');
    if (mark) {
      *mark = 0;
      sent.query = mark + 1;
    }
    if (s->header.value && strcmp(s->header.value, "(body)") == 0) {
      AF_COPY(token, af_buf_view(&w->reply.body));
      sent.more[0].value = token;
    }
    if (s->via == S3)
      send_s3(w, &sent);
    else
      hand_over(w, &sent, sent.more, sent.more[0].name ? 1 : 0);
  }
  if ((w->reply.status >= 400) != s->refused)
    fail_msg("%s %s: %s", s->action, more ? more : "", af_buf_cstr(&w->reply.body));
  if (s->keep)
    keep(w, s->keep);
}

/* --- each failure ------------------------------------------------------------------------------------------------------------------------- */

enum { WENT_ON = 40, NOT_STRUCK = 41, HANGS_S = 60 };
static size_t n_answers, points, wrong;
static bool child; /* its allocation fails in what comes now */
static int said;   /* a file of what a child says */

static void judge(const char *what, int status, long n, bool for_good) {
  char text[8192] = "";
  assert_true(pread(said, text, sizeof text - 1, 0) >= 0);
  points++;
  if (WIFEXITED(status) && WEXITSTATUS(status) == CS_EXIT_NO_MEMORY && strcmp(text, "cloudsim: out of memory\n") == 0)
    return;
  wrong++;
  print_error("%s, after %zu others, allocation %ld fails%s: status %x\n%s\n", what, n_answers, n, for_good ? " and all that follow" : "",
              (unsigned)status, text);
}

/* Returns once in a child for each allocation that is made until ends(), and in the end in the parent. */
static void begins(const char *what) {
  long stride = (long)stride_between(7, 61);
  for (long n = (long)n_answers % stride;; n += stride)
    for (int for_good = 0; for_good < 2; for_good++) {
      int status;
      assert_int_equal(ftruncate(said, 0) | lseek(said, 0, SEEK_SET), 0);
      pid_t pid = fork();
      assert_true(pid >= 0);
      if (pid == 0) {
        dup2(said, STDERR_FILENO);
        alarm(HANGS_S);
        child = true;
        allocations_end = for_good;
        allocations_left = n;
        return;
      }
      assert_int_equal(waitpid(pid, &status, 0), pid);
      if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_STRUCK)
        return;
      judge(what, status, n, for_good);
    }
}

/* No child comes further. */
static void ends(const char *answer) {
  bool struck = allocations_left < 0 || allocations_end;
  allocations_left = -1;
  if (!child)
    return;
  fprintf(stderr, "it went on: %s\n", answer);
  _exit(struck ? WENT_ON : NOT_STRUCK);
}

int __real_cs_sim_new(struct cs_sim **ret, const struct af_doc *world, int64_t now_ms, uint64_t seed, struct af_error *err);
int __wrap_cs_sim_new(struct cs_sim **ret, const struct af_doc *world, int64_t now_ms, uint64_t seed, struct af_error *err);
int __wrap_cs_sim_new(struct cs_sim **ret, const struct af_doc *world, int64_t now_ms, uint64_t seed, struct af_error *err) {
  begins("a world");
  int rc = __real_cs_sim_new(ret, world, now_ms, seed, err);
  ends(rc < 0 ? err->message : "a world");
  return rc;
}

void __real_cs_sim_handle(struct cs_sim *sim, int64_t now_ms, const struct cs_request *req, struct cs_reply *ret);
void __wrap_cs_sim_handle(struct cs_sim *sim, int64_t now_ms, const struct cs_request *req, struct cs_reply *ret);
void __wrap_cs_sim_handle(struct cs_sim *sim, int64_t now_ms, const struct cs_request *req, struct cs_reply *ret) {
  begins(steps[n_answers].action);
  __real_cs_sim_handle(sim, now_ms, req, ret);
  ends(af_buf_cstr(&ret->body));
  n_answers++;
}

TEST(an_allocation_that_fails_ends_it_before_it_answers) {
  struct world w;
  world_init(&w, world_text);
  for (size_t i = 0; i < COUNT(steps); i++)
    take(&w, &steps[i]);
  world_done(&w);
  print_message("# %zu points\n", points);
  assert_true(points > COUNT(steps));
  assert_int_equal(wrong, 0);
}

static int make_ready(void **state) {
  cs_guard_libraries();
  said = memfd_create("said", MFD_CLOEXEC);
  assert_true(said >= 0);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_allocation_that_fails_ends_it_before_it_answers),
  };
  return cmocka_run_group_tests(tests, make_ready, NULL);
}
