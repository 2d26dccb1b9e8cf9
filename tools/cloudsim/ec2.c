/* The door to EC2: time passes, the API's bucket is charged, parameters are checked, the action runs and its reply is framed.
 * The table of actions is the list of what cloudsim's EC2 can do. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2_compute.h"

#define FILTERS " Filter.#.Name Filter.#.Value.#"
#define PAGES " MaxResults:i NextToken"
#define TAGS " TagSpecification.#.ResourceType TagSpecification.#.Tag.#.Key TagSpecification.#.Tag.#.Value"
#define DRY " DryRun:b"
#define WHO(what) " " what ".UserId " what ".Group " what ".OrganizationArn " what ".OrganizationalUnitArn"

#define PERMISSIONS                                                                                                     \
  " IpPermissions.#.IpProtocol IpPermissions.#.FromPort:i IpPermissions.#.ToPort:i IpPermissions.#.IpRanges.#.CidrIp"   \
  " IpPermissions.#.IpRanges.#.Description IpPermissions.#.Ipv6Ranges.#.CidrIpv6 IpPermissions.#.Ipv6Ranges.#.Description" \
  " IpPermissions.#.PrefixListIds.#.PrefixListId IpPermissions.#.PrefixListIds.#.Description IpPermissions.#.Groups.#.GroupId" \
  " IpPermissions.#.Groups.#.UserId IpPermissions.#.Groups.#.Description CidrIp IpProtocol FromPort:i ToPort:i"

#define MAPPINGS                                                                                              \
  "BlockDeviceMapping.#.DeviceName BlockDeviceMapping.#.VirtualName BlockDeviceMapping.#.NoDevice "           \
  "BlockDeviceMapping.#.Ebs.SnapshotId BlockDeviceMapping.#.Ebs.VolumeSize:i "                                \
  "BlockDeviceMapping.#.Ebs.VolumeType BlockDeviceMapping.#.Ebs.Iops:i BlockDeviceMapping.#.Ebs.Throughput:i " \
  "BlockDeviceMapping.#.Ebs.DeleteOnTermination:b BlockDeviceMapping.#.Ebs.Encrypted:b "                      \
  "BlockDeviceMapping.#.Ebs.KmsKeyId BlockDeviceMapping.#.Ebs.OutpostArn "                                    \
  "BlockDeviceMapping.#.Ebs.AvailabilityZone BlockDeviceMapping.#.Ebs.AvailabilityZoneId "                    \
  "BlockDeviceMapping.#.Ebs.EbsCardIndex:i BlockDeviceMapping.#.Ebs.VolumeInitializationRate:i"

struct action {
  const char *name;
  cs_run *run;
  struct cs_bucket_size bucket; /* rules.md 6.2 */
  const char *params;           /* ec2_params.c explains */
};

static const struct action actions[] = {
    {"AuthorizeSecurityGroupEgress", cs_authorize_group, {50, 5}, "!GroupId" PERMISSIONS DRY},
    {"AuthorizeSecurityGroupIngress", cs_authorize_group, {50, 5}, "!GroupId" PERMISSIONS DRY},
    {"CancelImageLaunchPermission", cs_cancel_launch_permission, {50, 5}, "!ImageId" DRY},
    {"CopyImage", cs_copy_image, {100, 1},
     "!Name !SourceImageId !SourceRegion ClientToken CopyImageTags:b Description DestinationAvailabilityZone "
     "DestinationAvailabilityZoneId DestinationOutpostArn Encrypted:b KmsKeyId SnapshotCopyCompletionDurationMinutes:i" TAGS DRY},
    {"CopySnapshot", cs_copy_snapshot, {50, 5},
     "!SourceRegion !SourceSnapshotId CompletionDurationMinutes:i Description DestinationAvailabilityZone DestinationOutpostArn "
     "DestinationRegion Encrypted:b KmsKeyId PresignedUrl" TAGS DRY},
    {"CreateImage", cs_create_image, {50, 5}, "!InstanceId !Name Description NoReboot:b " MAPPINGS TAGS DRY},
    {"CreateSecurityGroup", cs_create_group, {50, 5}, "!GroupName !GroupDescription VpcId" TAGS DRY},
    {"CreateTags", cs_create_tags, {100, 10}, "!ResourceId.# !Tag.#.Key Tag.#.Value" DRY},
    {"DeleteSecurityGroup", cs_delete_group, {50, 5}, "!GroupId" DRY},
    {"DeleteSnapshot", cs_delete_snapshot, {100, 5}, "!SnapshotId" DRY},
    {"DeleteTags", cs_delete_tags, {100, 10}, "!ResourceId.# Tag.#.Key Tag.#.Value" DRY},
    {"DeleteVolume", cs_delete_volume, {50, 5}, "!VolumeId" DRY},
    {"DeregisterImage", cs_deregister_image, {100, 5}, "!ImageId DeleteAssociatedSnapshots:b" DRY},
    {"DescribeAvailabilityZones", cs_describe_zones, {100, 20}, "AllAvailabilityZones:b ZoneId.# ZoneName.#" FILTERS DRY},
    {"DescribeImageAttribute", cs_describe_image_attribute, {100, 20}, "!ImageId !Attribute" DRY},
    {"DescribeImages", cs_describe_images, {100, 20},
     "ImageId.# Owner.# ExecutableBy.# IncludeDeprecated:b IncludeDisabled:b" FILTERS PAGES DRY},
    {"DescribeInstanceStatus", cs_describe_instance_status, {100, 20}, "InstanceId.# IncludeAllInstances:b" FILTERS PAGES DRY},
    {"DescribeInstanceTypeOfferings", cs_describe_type_offerings, {100, 20}, "LocationType" FILTERS PAGES DRY},
    {"DescribeInstanceTypes", cs_describe_instance_types, {100, 20}, "InstanceType.#" FILTERS PAGES DRY},
    {"DescribeInstances", cs_describe_instances, {100, 20}, "InstanceId.#" FILTERS PAGES DRY},
    {"DescribeRegions", cs_describe_regions, {100, 20}, "AllRegions:b RegionName.#" FILTERS DRY},
    {"DescribeSecurityGroups", cs_describe_groups, {100, 20}, "GroupId.#" FILTERS PAGES DRY},
    {"DescribeSnapshotAttribute", cs_describe_snapshot_attribute, {100, 20}, "!SnapshotId !Attribute" DRY},
    {"DescribeSnapshots", cs_describe_snapshots, {100, 20}, "SnapshotId.# Owner.# RestorableBy.#" FILTERS PAGES DRY},
    {"DescribeSubnets", cs_describe_subnets, {100, 20}, "SubnetId.#" FILTERS PAGES DRY},
    {"DescribeTags", cs_describe_tags, {100, 20}, "" FILTERS PAGES DRY},
    {"DescribeVolumes", cs_describe_volumes, {100, 20}, "VolumeId.#" FILTERS PAGES DRY},
    {"DescribeVpcs", cs_describe_vpcs, {100, 20}, "VpcId.#" FILTERS PAGES DRY},
    {"DisableImage", cs_disable_image, {50, 5}, "!ImageId" DRY},
    {"DisableImageDeprecation", cs_disable_deprecation, {50, 5}, "!ImageId" DRY},
    {"DisableImageDeregistrationProtection", cs_disable_protection, {50, 5}, "!ImageId" DRY},
    {"EnableImage", cs_enable_image, {50, 5}, "!ImageId" DRY},
    {"EnableImageDeprecation", cs_enable_deprecation, {50, 5}, "!ImageId !DeprecateAt" DRY},
    {"EnableImageDeregistrationProtection", cs_enable_protection, {50, 5}, "!ImageId WithCooldown:b" DRY},
    {"GetAllowedImagesSettings", cs_get_allowed_images, {100, 20}, "" DRY},
    {"GetEbsDefaultKmsKeyId", cs_get_default_key, {100, 20}, "" DRY},
    {"GetEbsEncryptionByDefault", cs_get_encryption_by_default, {100, 20}, "" DRY},
    {"GetImageBlockPublicAccessState", cs_get_image_block, {100, 20}, "" DRY},
    {"GetSnapshotBlockPublicAccessState", cs_get_snapshot_block, {100, 20}, "" DRY},
    {"ModifyImageAttribute", cs_modify_image_attribute, {100, 5},
     "!ImageId Attribute OperationType Value Description.Value ImdsSupport.Value UserId.# UserGroup.# OrganizationArn.# "
     "OrganizationalUnitArn.# ProductCode.#" WHO("LaunchPermission.Add.#") WHO("LaunchPermission.Remove.#") DRY},
    {"ModifySnapshotAttribute", cs_modify_snapshot_attribute, {100, 5},
     "!SnapshotId Attribute OperationType UserId.# UserGroup.# CreateVolumePermission.Add.#.UserId "
     "CreateVolumePermission.Add.#.Group CreateVolumePermission.Remove.#.UserId CreateVolumePermission.Remove.#.Group" DRY},
    {"RegisterImage", cs_register_image, {50, 5},
     "!Name Architecture BillingProduct.# " MAPPINGS
     " BootMode Description EnaSupport:b ImageLocation ImdsSupport KernelId RamdiskId RootDeviceName SriovNetSupport TpmSupport "
     "UefiData VirtualizationType" TAGS DRY},
    {"ResetImageAttribute", cs_reset_image_attribute, {50, 5}, "!ImageId !Attribute" DRY},
    {"ResetSnapshotAttribute", cs_reset_snapshot_attribute, {50, 5}, "!SnapshotId !Attribute" DRY},
    {"RevokeSecurityGroupEgress", cs_revoke_group, {50, 5}, "!GroupId SecurityGroupRuleId.#" PERMISSIONS DRY},
    {"RevokeSecurityGroupIngress", cs_revoke_group, {50, 5}, "!GroupId SecurityGroupRuleId.#" PERMISSIONS DRY},
    {"RunInstances", cs_run_instances, {5, 2},
     "!ImageId !MinCount:i !MaxCount:i ClientToken InstanceType SubnetId SecurityGroupId.# KeyName UserData IamInstanceProfile.Name "
     "IamInstanceProfile.Arn InstanceInitiatedShutdownBehavior DisableApiTermination:b DisableApiStop:b EbsOptimized:b Monitoring.Enabled:b "
     "Placement.AvailabilityZone CreditSpecification.CpuCredits MetadataOptions.HttpTokens MetadataOptions.HttpEndpoint "
     "MetadataOptions.HttpPutResponseHopLimit:i MetadataOptions.HttpProtocolIpv6 MetadataOptions.InstanceMetadataTags "
     "NetworkInterface.#.DeviceIndex:i NetworkInterface.#.SubnetId NetworkInterface.#.SecurityGroupId.# "
     "NetworkInterface.#.AssociatePublicIpAddress:b NetworkInterface.#.DeleteOnTermination:b NetworkInterface.#.Description " MAPPINGS TAGS DRY},
    {"StartInstances", cs_start_instances, {5, 2}, "!InstanceId.#" DRY},
    {"StopInstances", cs_stop_instances, {50, 5}, "!InstanceId.# Force:b Hibernate:b SkipOsShutdown:b" DRY},
    {"TerminateInstances", cs_terminate_instances, {100, 5}, "!InstanceId.# Force:b SkipOsShutdown:b" DRY},
};

static const struct action *find_action(const char *name) {
  for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
    if (af_streq(actions[i].name, name))
      return &actions[i];
  return NULL;
}

/* rules.md 6.2: without a filter, an id or a page, these have a smaller bucket of their own. */
static bool unfiltered(struct cs_call *call) {
  static const struct {
    const char *action, *ids;
  } large[] = {{"DescribeSnapshots", "SnapshotId."}, {"DescribeInstances", "InstanceId."}, {"DescribeVolumes", "VolumeId."}};
  struct cs_params *p = &call->params;
  for (size_t i = 0; i < sizeof large / sizeof large[0]; i++)
    if (af_streq(call->action, large[i].action))
      return !cs_param_prefix(p, "Filter.") && !cs_param_prefix(p, large[i].ids) && !cs_param(p, "MaxResults") && !cs_param(p, "NextToken");
  return false;
}

static struct cs_bucket_size bucket_size(const struct cs_sim *sim, const char *action, struct cs_bucket_size normal) {
  for (size_t i = 0; i < sim->quota.n_overrides; i++)
    if (af_streq(sim->quota.overrides[i].action, action))
      return sim->quota.overrides[i].size;
  return normal;
}

static struct cs_bucket *bucket_of(struct cs_ec2 *ec2, const char *key, double full, int64_t now) {
  for (size_t i = 0; i < ec2->n_buckets; i++)
    if (af_streq(ec2->buckets[i].key, key))
      return &ec2->buckets[i];
  struct cs_bucket *b = CS_ADD(ec2->buckets, ec2->n_buckets);
  *b = (struct cs_bucket){.tokens = full, .filled_ms = now};
  AF_COPY(b->key, af_str(key));
  return b;
}

static int throttle(struct cs_call *call, const struct action *action) {
  struct cs_sim *sim = call->sim;
  if (!sim->quota.throttle)
    return 0;
  bool whole = unfiltered(call);
  struct cs_bucket_size size = bucket_size(sim, action->name, whole ? (struct cs_bucket_size){50, 10} : action->bucket);
  char key[160];
  snprintf(key, sizeof key, "%s %s %s%s", call->caller.account, call->region->name, action->name, whole ? " unfiltered" : "");
  struct cs_bucket *b = bucket_of(sim->ec2, key, size.capacity, call->sim_ms);
  if (call->sim_ms > b->filled_ms) {
    b->tokens = fmin(size.capacity, b->tokens + (double)(call->sim_ms - b->filled_ms) / 1000.0 * size.refill_per_s);
    b->filled_ms = call->sim_ms;
  }
  if (b->tokens < 1.0)
    return cs_fail(call, 503, "RequestLimitExceeded", "Request limit exceeded.");
  b->tokens -= 1.0;
  return 0;
}

int cs_dry_run(struct cs_call *call) {
  if (cs_param_bool(call, "DryRun", false) != true)
    return 0;
  return cs_fail(call, 412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
}

static int check_call(struct cs_call *call, const struct action *action) {
  const char *version = cs_param(&call->params, "Version");
  if (!action)
    return cs_fail(call, 400, "InvalidAction", "The action %s is not valid for this web service.", call->action);
  if (!version)
    return cs_fail(call, 400, "MissingParameter", "The request must contain the parameter Version");
  if (!af_streq(version, "2016-11-15"))
    return cs_fail(call, 400, "NoSuchVersion", "The requested version (%s) of service AmazonEC2 does not exist", version);
  struct cs_account *account = cs_caller_account(call);
  if (!account || !cs_settings_of(call->sim, account, call->region->name)->enabled) /* rules.md 1.3.7 */
    return cs_fail(call, 401, "AuthFailure", "AWS was not able to validate the provided access credentials");
  if (throttle(call, action) < 0)
    return -AF_EAWS;
  return cs_params_check(call, action->params);
}

static void frame(const struct cs_call *call, struct cs_reply *reply, const struct af_buf *inside) {
  struct af_buf *b = &reply->body;
  reply->status = 200;
  af_buf_puts(&reply->headers, "Content-Type: text/xml;charset=UTF-8\n");
  af_buf_puts(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
  af_buf_printf(b, "<%sResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">", call->action);
  cs_xml_text(b, "requestId", call->request_id);
  af_buf_str(b, af_buf_view(inside));
  af_buf_printf(b, "</%sResponse>", call->action);
}

void cs_ec2_handle(struct cs_call *call, struct cs_reply *reply) {
  struct af_buf inside;
  af_buf_init(&inside, (size_t)64 << 20);
  cs_ec2_advance(call->sim, call->sim_ms);
  int64_t lag = cs_draw(&call->sim->lags, call->sim->latency.read_lag);
  call->view_ms = call->sim_ms - lag;
  const struct action *action = find_action(call->action);
  if (check_call(call, action) < 0 || action->run(call, &inside) < 0)
    cs_ec2_error(call, reply);
  else
    frame(call, reply, &inside);
  cs_buf_done(&inside);
}
