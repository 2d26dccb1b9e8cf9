/* cloudsim: instances launched, stopped, started and terminated, and their volumes. Sections 2.1, 4 and 6 of the rules. */
#include "tests/unit/cloudsim_compute.h"

/* --- launching --- */

TEST(an_instance_goes_from_pending_to_running) {
  WORLD(w, CALM, OWN_IMAGES);
  assert_done(
      w,
      call_as(w, TARGET,
              OWN
              "&ClientToken=t1&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v"));
  assert_body(w, "<blockDeviceMapping></blockDeviceMapping>");
  assert_body(w, "<instanceState><code>0</code><name>pending</name></instanceState>");
  assert_body(w, "<clientToken>t1</clientToken>");
  assert_body(w, "<ownerId>" TARGET "</ownerId>");
  char id[64];
  AF_COPY(id, af_str(value_of(w, "instanceId")));
  after_s(w, 5);
  assert_string_equal(instance_state(w, id), "pending");
  assert_body(w, "<deviceName>/dev/xvda</deviceName>");
  after_s(w, 11);
  assert_string_equal(instance_state(w, id), "running");
  assert_body(w, "<code>16</code>");
  assert_body(w, "<imageId>ami-000000b1</imageId>");
  assert_body(w, "<instanceType>t3.micro</instanceType>");
  assert_body(w, "<tagSet><item><key>k</key><value>v</value></item></tagSet>");
  assert_body(w, "<availabilityZone>eu-west-1a</availabilityZone>");
  assert_body(w, "<privateIpAddress>172.31.0.4</privateIpAddress>");
  assert_body(w, "<groupName>default</groupName>");
  assert_body(w, "<httpTokens>optional</httpTokens>");
  assert_body(w, "<currentInstanceBootMode>legacy-bios</currentInstanceBootMode>");
  assert_no_body(w, "stateReason");
}

TEST(a_shared_image_needs_launch_permission_and_nothing_of_its_storage) {
  WORLD(w, CALM, "");
  assert_refused(w, call_as(w, TARGET, RUN_SOURCE("ami-00000001")), "InvalidAMIID.NotFound",
                 "The image id '[ami-00000001]' does not exist");
  share_image(w, "ami-00000001");
  assert_string_equal(instance_state(w, launched(w, RUN_SOURCE("ami-00000001"))), "pending");
  assert_refused(w, call_as(w, OTHER, RUN_SOURCE("ami-00000001")), "InvalidAMIID.NotFound", "");
}

TEST(an_image_is_launched_through_an_organization_a_unit_and_the_public) {
  static const char *const ways[] = {"OrganizationArn=arn:aws:organizations::" SOURCE ":organization/o-one",
                                     "OrganizationalUnitArn=arn:aws:organizations::" SOURCE ":ou/o-one/ou-two", "Group=all"};
  for (size_t i = 0; i < COUNT(ways); i++) {
    WORLD(w, CALM, "");
    char form[300];
    snprintf(form, sizeof form, "Action=ModifyImageAttribute&ImageId=ami-00000001&LaunchPermission.Add.1.%s", ways[i]);
    assert_done(w, call_as(w, SOURCE, form));
    launched(w, RUN_SOURCE("ami-00000001"));
  }
}

TEST(allowed_amis_hide_an_image_from_launching) {
  WORLD(w, CALM, "      allowed_images: {state: enabled, providers: [amazon]}\n");
  share_image(w, "ami-00000001");
  assert_refused(w, call_as(w, TARGET, RUN_SOURCE("ami-00000001")), "InvalidAMIID.NotFound", "");
}

TEST(an_image_that_is_not_available_is_not_launched) {
  static const struct {
    const char *image, *code;
  } bad[] = {{"ami-000000b9", "InvalidAMIID.Unavailable"},
             {"ami-000000ba", "InvalidAMIID.Unavailable"},
             {"ami-00000bad", "InvalidAMIID.NotFound"},
             {"image-1", "InvalidAMIID.Malformed"}};
  WORLD(w, CALM, OWN_IMAGES);
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_refused(w, call_id(w, RUN "&InstanceType=t3.micro&ImageId=@", bad[i].image), bad[i].code, bad[i].image);
  assert_done(w, call_as(w, TARGET, "Action=DeregisterImage&ImageId=ami-000000b1"));
  assert_refused(w, call_as(w, TARGET, OWN), "InvalidAMIID.NotFound", "");
}

TEST(a_product_must_be_subscribed_to) {
  struct af_error err;
  WORLD(w, CALM, "");
  share_image(w, "ami-00000006");
  assert_int_equal(call_as(w, TARGET, RUN_SOURCE("ami-00000006")), 401);
  assert_refused(w, 401, "OptInRequired",
                 "In order to use this AWS Marketplace product you need to accept terms and subscribe. To do so please visit "
                 "https://aws.amazon.com/marketplace/pp?sku=abc123");
  assert_int_equal(cs_sim_subscribe(w->sim, "000000000000", "abc123", &err), -AF_EINVAL);
  assert_int_equal(cs_sim_subscribe(w->sim, TARGET, "", &err), -AF_EINVAL);
  assert_ok(cs_sim_subscribe(w->sim, TARGET, "other", &err), &err);
  assert_int_equal(call_as(w, TARGET, RUN_SOURCE("ami-00000006")), 401);
  assert_ok(cs_sim_subscribe(w->sim, TARGET, "abc123", &err), &err);
  assert_ok(cs_sim_subscribe(w->sim, TARGET, "abc123", &err), &err);
  launched(w, RUN_SOURCE("ami-00000006"));
  assert_body(w, "<productCode>abc123</productCode>");
}

TEST(a_product_code_of_a_snapshot_counts_as_one_of_the_image) {
  WORLD(w, CALM,
        "      snapshots: [{id: snap-000000c1, product_codes: [{code: xyz}]}]\n"
        "      images: [{id: ami-000000c1, name: made, mappings: [{device: /dev/xvda, snapshot: snap-000000c1}]}]\n");
  assert_refused(w, call_as(w, TARGET, RUN_SOURCE("ami-000000c1")), "OptInRequired", "sku=xyz");
}

TEST(an_image_runs_on_types_that_fit_it) {
  static const struct {
    const char *form, *code, *part;
  } bad[] = {
      {"ami-000000b3&InstanceType=t3.micro", "InvalidParameterValue",
       "The architecture 'x86_64' of the specified instance type does not match the architecture 'arm64' of the specified AMI."},
      {"ami-000000b1&InstanceType=t4g.micro", "InvalidParameterValue", "The architecture 'arm64' of the specified instance type"},
      {"ami-000000b4&InstanceType=t2.micro", "InvalidParameterCombination",
       "Virtualization type 'hvm' is required for instances of type 't2.micro'"},
      {"ami-000000b5&InstanceType=t2.micro", "InvalidParameterValue",
       "The t2.micro instance type does not support an AMI with a boot mode of UEFI."},
      {"ami-000000bc&InstanceType=t4g.micro", "InvalidParameterValue",
       "The t4g.micro instance type does not support an AMI with a boot mode of Legacy BIOS."},
      {"ami-000000bb&InstanceType=m4.large", "UnsupportedOperation", "NitroTPM"},
      {"ami-000000b6&InstanceType=t3.micro", "InvalidParameterCombination", "(ENA) is required for the 't3.micro' instance type"},
      {"ami-000000b7&InstanceType=m5.large", "UnsupportedOperation",
       "AMI 'ami-000000b7' with an instance-store root device is not supported"},
      {"ami-000000b8&InstanceType=mac2.metal", "UnsupportedOperation", "Dedicated Hosts"},
      {"ami-000000b8&InstanceType=m5.large", "InvalidParameterValue", "arm64_mac"},
      {"ami-000000b1&InstanceType=m9.huge", "InvalidParameterValue", "Invalid value 'm9.huge' for InstanceType"},
  };
  static const char *const good[] = {
      "ami-000000b3&InstanceType=t4g.micro", "ami-000000b4&InstanceType=m3.medium", "ami-000000b4", /* m1.small */
      "ami-000000b5&InstanceType=m5.large",  "ami-000000b6&InstanceType=t2.micro",  "ami-000000b7&InstanceType=m3.medium",
      "ami-000000b1&InstanceType=t2.micro",
  };
  WORLD(w, CALM, OWN_IMAGES);
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_refused(w, call_id(w, RUN "&ImageId=@", bad[i].form), bad[i].code, bad[i].part);
  for (size_t i = 0; i < COUNT(good); i++)
    assert_done(w, call_id(w, RUN "&ImageId=@", good[i]));
}

TEST(parameters_that_make_no_sense_are_refused) {
  static const struct {
    const char *form, *code, *part;
  } bad[] = {
      {"Action=RunInstances&ImageId=ami-000000b1", "MissingParameter", "MinCount"},
      {"Action=RunInstances&ImageId=ami-000000b1&MinCount=0&MaxCount=1", "InvalidParameterValue", "minCount"},
      {"Action=RunInstances&ImageId=ami-000000b1&MinCount=2&MaxCount=1", "InvalidParameterCombination", "MinCount"},
      {"Action=RunInstances&ImageId=ami-000000b1&MinCount=2&MaxCount=2", "UnsupportedOperation", "one instance"},
      {RUN "&ImageId=", "MissingParameter", "ImageId"},
      {OWN "&InstanceInitiatedShutdownBehavior=burn", "InvalidParameterValue", "burn"},
      {OWN "&MetadataOptions.HttpTokens=maybe", "InvalidParameterValue", "maybe"},
      {OWN "&MetadataOptions.HttpPutResponseHopLimit=65", "InvalidParameterValue", "hop"},
      {OWN "&UserData=***", "InvalidParameterValue", "BASE64"},
      {OWN "&KeyName=yours", "InvalidKeyPair.NotFound", "The key pair 'yours' does not exist"},
      {OWN "&IamInstanceProfile.Name=admin", "InvalidParameterValue", "Invalid IAM Instance Profile name"},
      {RUN "&ImageId=ami-000000b1&InstanceType=m5.large&CreditSpecification.CpuCredits=standard",
       "InstanceCreditSpecification.NotSupported", "m5.large"},
      {OWN "&TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=a", "InvalidParameterValue", "image"},
      {OWN "&SubnetId=subnet-00000bad", "InvalidSubnetID.NotFound", "subnet-00000bad"},
      {OWN "&SecurityGroupId.1=sg-00000bad", "InvalidGroup.NotFound", "sg-00000bad"},
      {OWN "&SubnetId=x&NetworkInterface.1.DeviceIndex=0", "InvalidParameterCombination", "instance-level subnet ID"},
      {OWN "&SecurityGroupId.1=x&NetworkInterface.1.DeviceIndex=0", "InvalidParameterCombination", "instance-level security groups"},
      {OWN "&NetworkInterface.1.AssociatePublicIpAddress=true", "MissingParameter", "deviceIndex"},
      {OWN "&NetworkInterface.1.DeviceIndex=1", "InvalidParameterCombination", "device index"},
      {OWN "&Placement.AvailabilityZone=eu-west-1x", "InvalidParameterValue", "eu-west-1x"},
      {OWN "&LaunchTemplate.LaunchTemplateName=x", "UnknownParameter", "LaunchTemplate"},
  };
  WORLD(w, CALM, OWN_IMAGES);
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_refused(w, call_as(w, TARGET, bad[i].form), bad[i].code, bad[i].part);
  assert_int_equal(audit_count(w, "instances"), 0);
}

TEST(a_dry_run_launches_nothing_and_finds_what_does_not_fit) {
  WORLD(w, CALM, OWN_IMAGES);
  assert_refused(w, call_as(w, TARGET, OWN "&DryRun=true"), "DryRunOperation", "");
  assert_refused(w, call_as(w, TARGET, RUN "&ImageId=ami-000000b3&InstanceType=t3.micro&DryRun=true"), "InvalidParameterValue",
                 "architecture");
  front.denied[0] = "ec2:RunInstances *:image/*";
  assert_refused(w, call_as(w, TARGET, OWN "&DryRun=true"), "UnauthorizedOperation", "");
  assert_int_equal(audit_count(w, "instances"), 0);
}

TEST(launching_needs_permission_on_every_resource) {
  static const char *const denied[] = {
      "ec2:RunInstances arn:aws:ec2:eu-west-1:" TARGET ":instance/*",       "ec2:RunInstances arn:aws:ec2:eu-west-1::image/ami-000000b1",
      "ec2:RunInstances arn:aws:ec2:eu-west-1:" TARGET ":subnet/*",         "ec2:RunInstances arn:aws:ec2:eu-west-1:" TARGET ":volume/*",
      "ec2:RunInstances arn:aws:ec2:eu-west-1:" TARGET ":security-group/*", "ec2:RunInstances arn:aws:ec2:eu-west-1:" TARGET ":network-interface/*",
      "ec2:RunInstances arn:aws:ec2:eu-west-1:" TARGET ":key-pair/mine",    "ec2:CreateTags arn:aws:ec2:eu-west-1:" TARGET ":instance/*",
  };
  WORLD(w, CALM, OWN_IMAGES);
  for (size_t i = 0; i < COUNT(denied); i++) {
    front.denied[0] = denied[i];
    assert_refused(w, call_as(w, TARGET, OWN "&KeyName=mine&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=a"),
                   "UnauthorizedOperation", "");
  }
}

/* --- the place --- */

#define NETWORK                                                                                                         \
  OWN_IMAGES                                                                                                            \
  "      vpcs: [{id: vpc-0000000a, cidr: 10.1.0.0/16, subnets: [{id: subnet-0000000a, zone: eu-west-1a, cidr: 10.1.0.0/24},\n" \
  "        {id: subnet-0000000b, zone: eu-west-1b, cidr: 10.1.1.0/24}, {id: subnet-0000000d, zone: eu-west-1a, cidr: 10.1.2.0/24}]},\n" \
  "        {id: vpc-0000000b, cidr: 10.2.0.0/16}]\n"

TEST(without_a_default_network_a_subnet_must_be_named) {
  WORLD(w, CALM, NETWORK);
  assert_refused(w, call_as(w, TARGET, OWN), "VPCIdNotSpecified", "No default VPC for this user");
  launched(w, OWN "&SubnetId=subnet-0000000b");
  assert_body(w, "<availabilityZone>eu-west-1b</availabilityZone>");
  assert_body(w, "<privateIpAddress>10.1.1.4</privateIpAddress>");
  WORLD(bare, CALM, OWN_IMAGES "      vpcs: [{id: vpc-0000000c, default: true}]\n");
  assert_refused(bare, call_as(bare, TARGET, OWN), "MissingInput",
                 "No subnets found for the default VPC 'vpc-0000000c'. Please specify a subnet.");
}

TEST(a_security_group_must_be_of_the_subnets_network_and_stays_while_it_is_used) {
  WORLD(w, CALM, NETWORK);
  char group[64], other[64], form[300];
  assert_done(w, call_as(w, TARGET, "Action=CreateSecurityGroup&GroupName=ferry&GroupDescription=x&VpcId=vpc-0000000a"));
  AF_COPY(group, af_str(value_of(w, "groupId")));
  assert_done(w, call_as(w, TARGET, "Action=CreateSecurityGroup&GroupName=ferry&GroupDescription=x&VpcId=vpc-0000000b"));
  AF_COPY(other, af_str(value_of(w, "groupId")));
  assert_refused(w, call_id(w, OWN "&SubnetId=subnet-0000000a&SecurityGroupId.1=@", other), "InvalidParameter",
                 "belong to different networks");
  fill(form, sizeof form,
       OWN "&NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.SubnetId=subnet-0000000a&NetworkInterface.1.SecurityGroupId.1=@", group);
  const char *id = running(w, form);
  assert_body(w, group);
  assert_refused(w, call_id(w, "Action=DeleteSecurityGroup&GroupId=@", group), "DependencyViolation", "has a dependent object");
  assert_done(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", id));
  assert_refused(w, call_id(w, "Action=DeleteSecurityGroup&GroupId=@", group), "DependencyViolation", "");
  after_s(w, 30);
  assert_done(w, call_id(w, "Action=DeleteSecurityGroup&GroupId=@", group));
}

TEST(an_address_for_the_world_is_given_by_the_subnet_or_the_call) {
  WORLD(w, CALM, OWN_IMAGES);
  running(w, OWN);
  assert_body(w, "<ipAddress>203.0.113.");
  assert_int_equal(audit_count(w, "hazards"), 3); /* public address, IMDSv1, unlimited credits */
  running(w, OWN "&NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.AssociatePublicIpAddress=false&MetadataOptions.HttpTokens=required"
                 "&CreditSpecification.CpuCredits=standard");
  assert_no_body(w, "203.0.113.");
  assert_body(w, "<httpTokens>required</httpTokens>");
  assert_int_equal(audit_count(w, "hazards"), 3);
  WORLD(plain, CALM, NETWORK);
  running(plain, RUN "&ImageId=ami-000000b5&InstanceType=m5.large&SubnetId=subnet-0000000a");
  assert_no_body(plain, "203.0.113.");
  assert_body(plain, "<httpTokens>required</httpTokens>"); /* of its image */
  assert_body(plain, "<httpPutResponseHopLimit>2</httpPutResponseHopLimit>");
  assert_int_equal(audit_count(plain, "hazards"), 0);
  launched(plain, RUN "&ImageId=ami-000000b5&InstanceType=m5.large&SubnetId=subnet-0000000a&KeyName=mine&UserData=QQ%3D%3D&MetadataOptions."
                      "HttpTokens=optional");
  assert_int_equal(audit_count(plain, "hazards"), 3);
}

TEST(types_are_launched_where_they_are_offered_and_there_is_room) {
  WORLD(w, CALM, OWN_IMAGES "      instance_types: {unavailable: [c5.large], zones: {m5.large: [eu-west-1b, eu-west-1c]},\n"
                            "        no_capacity: [m5.large/eu-west-1b, r5.large]}\n");
#define ON(type) RUN "&ImageId=ami-000000b1&InstanceType=" type
  assert_refused(w, call_as(w, TARGET, ON("c5.large")), "Unsupported", "The requested configuration is currently not supported.");
  launched(w, ON("m5.large"));
  assert_body(w, "<availabilityZone>eu-west-1c</availabilityZone>");
  assert_refused(w, call_as(w, TARGET, ON("m5.large") "&Placement.AvailabilityZone=eu-west-1a"), "Unsupported",
                 "(m5.large) is not supported in your requested Availability Zone (eu-west-1a). Please retry your request by not specifying an "
                 "Availability Zone or choosing eu-west-1b, eu-west-1c.");
  assert_int_equal(call_as(w, TARGET, ON("m5.large") "&Placement.AvailabilityZone=eu-west-1b"), 500);
  assert_refused(w, 500, "InsufficientInstanceCapacity",
                 "We currently do not have sufficient m5.large capacity in the Availability Zone you requested (eu-west-1b).");
  assert_contains(w->message, "choosing eu-west-1c.");
  assert_refused(w, call_as(w, TARGET, ON("r5.large")), "InsufficientInstanceCapacity", "r5.large");
}

TEST(running_vcpus_have_a_quota) {
  WORLD(w, "quotas: {throttle: false, vcpus: 4}\n", OWN_IMAGES);
  const char *id = running(w, OWN);
  launched(w, OWN); /* of two vCPUs each */
  assert_refused(w, call_as(w, TARGET, OWN), "VcpuLimitExceeded", "than your current vCPU limit of 4 allows");
  assert_done(w, call_id(w, "Action=StopInstances&InstanceId.1=@", id));
  after_s(w, 60);
  launched(w, OWN);
  assert_refused(w, call_id(w, "Action=StartInstances&InstanceId.1=@", id), "VcpuLimitExceeded", "");
}

TEST(each_api_has_its_own_bucket) {
  static const struct {
    const char *form, *code;
    int n;
  } buckets[] = {
      {"Action=DescribeInstances", "", 50},
      {"Action=DescribeVolumes", "", 50},
      {"Action=DescribeInstances&MaxResults=5", "", 100},
      {"Action=StartInstances&InstanceId.1=i-00000bad", "InvalidInstanceID.NotFound", 5},
      {"Action=StopInstances&InstanceId.1=i-00000bad", "InvalidInstanceID.NotFound", 50},
      {"Action=TerminateInstances&InstanceId.1=i-00000bad", "InvalidInstanceID.NotFound", 100},
      {"Action=CreateImage&Name=abc&InstanceId=i-00000bad", "InvalidInstanceID.NotFound", 50},
  };
  WORLD(w, "", "");
  for (size_t i = 0; i < COUNT(buckets); i++) {
    for (int n = 0; n < buckets[i].n; n++) {
      call_as(w, TARGET, buckets[i].form);
      assert_string_equal(w->code, buckets[i].code);
    }
    assert_refused(w, call_as(w, TARGET, buckets[i].form), "RequestLimitExceeded", "");
  }
}

TEST(launches_have_the_smallest_bucket) {
  WORLD(w, "", OWN_IMAGES);
  for (int i = 0; i < 5; i++)
    launched(w, OWN);
  assert_int_equal(call_as(w, TARGET, OWN), 503);
  assert_refused(w, 503, "RequestLimitExceeded", "");
  after_s(w, 1);
  launched(w, OWN);
  launched(w, OWN);
  assert_refused(w, call_as(w, TARGET, OWN), "RequestLimitExceeded", "");
}

/* --- ClientToken --- */

TEST(a_token_launches_once_and_gives_the_same_reservation) {
  WORLD(w, CALM, OWN_IMAGES);
  char reservation[64];
  const char *id = launched(w, OWN "&ClientToken=one");
  AF_COPY(reservation, af_str(value_of(w, "reservationId")));
  after_s(w, 60);
  assert_string_equal(launched(w, OWN "&ClientToken=one"), id);
  assert_string_equal(value_of(w, "reservationId"), reservation);
  assert_body(w, "running");
  assert_string_not_equal(launched(w, OWN "&ClientToken=two"), id);
  assert_refused(w, call_as(w, TARGET, RUN "&ImageId=ami-000000b1&InstanceType=t3.small&ClientToken=one"), "IdempotentParameterMismatch",
                 "");
  assert_int_equal(audit_count(w, "instances"), 2);
  assert_done(w, call_as(w, TARGET, "Action=DescribeInstances&Filter.1.Name=client-token&Filter.1.Value.1=one"));
  assert_int_equal(count_of(w, "<instanceId>"), 1);
}

TEST(a_token_is_zonal_where_the_place_is_named) {
  WORLD(w, CALM, NETWORK);
  const char *first = launched(w, OWN "&ClientToken=one&SubnetId=subnet-0000000a");
  const char *again = launched(w, OWN "&ClientToken=one&SubnetId=subnet-0000000b");
  assert_string_not_equal(first, again);
  assert_string_equal(launched(w, OWN "&ClientToken=one&SubnetId=subnet-0000000a"), first);
  assert_refused(w, call_as(w, TARGET, OWN "&ClientToken=one&SubnetId=subnet-0000000d"), "IdempotentParameterMismatch", "");
#define IN_SUBNET(id) "&NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.SubnetId=" id
  first = launched(w, OWN "&ClientToken=two" IN_SUBNET("subnet-0000000a"));
  again = launched(w, OWN "&ClientToken=two" IN_SUBNET("subnet-0000000b"));
  assert_string_not_equal(first, again);
}

TEST(a_token_of_a_terminated_instance_is_refused) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *id = running(w, OWN "&ClientToken=one");
  assert_done(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", id));
  assert_refused(w, call_as(w, TARGET, OWN "&ClientToken=one"), "IdempotentInstanceTerminated",
                 "for which the instance has been terminated");
}

TEST(a_token_is_replayed_when_the_image_is_shared_no_more) {
  WORLD(w, CALM, "");
  share_image(w, "ami-00000001");
  const char *id = launched(w, RUN_SOURCE("ami-00000001") "&ClientToken=one");
  assert_done(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000001&LaunchPermission.Remove.1.UserId=" TARGET));
  assert_string_equal(launched(w, RUN_SOURCE("ami-00000001") "&ClientToken=one"), id);
}

/* --- stopping, starting, ending --- */

TEST(an_instance_is_stopped_and_started_again) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *id = launched(w, OWN);
  assert_refused(w, call_id(w, "Action=StopInstances&InstanceId.1=@", id), "IncorrectInstanceState",
                 "has never reached the 'running' state");
  after_s(w, 60);
  assert_done(w, call_id(w, "Action=StopInstances&InstanceId.1=@", id));
  assert_body(w, "<currentState><code>64</code><name>stopping</name></currentState><previousState><code>16</code><name>running</name></"
                 "previousState>");
  assert_refused(w, call_id(w, "Action=StartInstances&InstanceId.1=@", id), "IncorrectInstanceState",
                 "is not in a state from which it can be started");
  assert_done(w, call_id(w, "Action=StopInstances&InstanceId.1=@", id)); /* again, and nothing happens */
  after_s(w, 30);
  assert_string_equal(instance_state(w, id), "stopped");
  assert_body(w, "<code>Client.UserInitiatedShutdown</code>");
  assert_body(w, "<reason>User initiated (");
  assert_no_body(w, "<ipAddress>");
  assert_done(w, call_id(w, "Action=StopInstances&InstanceId.1=@", id));
  assert_done(w, call_id(w, "Action=StartInstances&InstanceId.1=@", id));
  assert_body(w, "<currentState><code>0</code><name>pending</name></currentState>");
  after_s(w, 30);
  assert_string_equal(instance_state(w, id), "running");
}

TEST(an_instance_is_terminated_once_and_shows_for_an_hour) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *id = running(w, OWN);
  assert_done(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", id));
  assert_body(w, "<currentState><code>32</code><name>shutting-down</name></currentState>");
  after_s(w, 30);
  assert_string_equal(instance_state(w, id), "terminated");
  assert_body(w, "<blockDeviceMapping></blockDeviceMapping>");
  assert_body(w, "<networkInterfaceSet></networkInterfaceSet>");
  assert_no_body(w, "<subnetId>");
  assert_done(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", id));
  assert_body(w, "<previousState><code>48</code><name>terminated</name></previousState>");
  assert_refused(w, call_id(w, "Action=StopInstances&InstanceId.1=@", id), "IncorrectInstanceState", "stopped");
  assert_refused(w, call_id(w, "Action=StartInstances&InstanceId.1=@", id), "IncorrectInstanceState", "started");
  after_s(w, 3500);
  assert_string_equal(instance_state(w, id), "terminated");
  after_s(w, 100);
  assert_refused(w, call_id(w, "Action=DescribeInstances&InstanceId.1=@", id), "InvalidInstanceID.NotFound", id);
  assert_refused(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", id), "InvalidInstanceID.NotFound", id);
}

TEST(a_pending_instance_and_a_stopping_one_can_be_terminated) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *pending = launched(w, OWN), *stopping = running(w, OWN);
  assert_done(w, call_id(w, "Action=StopInstances&InstanceId.1=@", stopping));
  const char *young = launched(w, OWN);
  assert_done(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", young));
  assert_done(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", stopping));
  after_s(w, 60);
  assert_string_equal(instance_state(w, young), "terminated");
  assert_string_equal(instance_state(w, stopping), "terminated");
  assert_string_equal(instance_state(w, pending), "running");
}

TEST(protection_keeps_an_instance) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *id = running(w, OWN "&DisableApiTermination=true&DisableApiStop=true");
  assert_refused(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", id), "OperationNotPermitted",
                 "may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.");
  assert_refused(w, call_id(w, "Action=StopInstances&InstanceId.1=@", id), "OperationNotPermitted", "disableApiStop");
  assert_string_equal(instance_state(w, id), "running");
}

/* The example of the API reference, TerminateInstances. */
TEST(protection_keeps_the_instances_of_its_zone_and_no_others) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *a = running(w, OWN "&Placement.AvailabilityZone=eu-west-1a"), *b = running(w, OWN "&Placement.AvailabilityZone=eu-west-1a");
  const char *c = running(w, OWN "&Placement.AvailabilityZone=eu-west-1b&DisableApiTermination=true");
  const char *d = running(w, OWN "&Placement.AvailabilityZone=eu-west-1b");
  char form[300];
  snprintf(form, sizeof form, "Action=TerminateInstances&InstanceId.1=%s&InstanceId.2=%s&InstanceId.3=%s&InstanceId.4=%s", a, c, d, b);
  assert_refused(w, call_id(w, "@&DryRun=true", form), "OperationNotPermitted", c);
  assert_string_equal(instance_state(w, a), "running");
  assert_refused(w, call_id(w, "@&InstanceId.5=i-00000bad", form), "InvalidInstanceID.NotFound", "i-00000bad");
  assert_string_equal(instance_state(w, a), "running");
  assert_refused(w, call_as(w, TARGET, form), "OperationNotPermitted", c);
  assert_string_equal(instance_state(w, a), "shutting-down");
  assert_string_equal(instance_state(w, b), "shutting-down");
  assert_string_equal(instance_state(w, c), "running");
  assert_string_equal(instance_state(w, d), "running");
}

TEST(calls_on_several_instances_do_all_or_nothing) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *a = running(w, OWN), *b = launched(w, OWN);
  char form[300];
  snprintf(form, sizeof form, "Action=StopInstances&InstanceId.1=%s&InstanceId.2=%s", a, b);
  assert_refused(w, call_as(w, TARGET, form), "IncorrectInstanceState", b);
  assert_string_equal(instance_state(w, a), "running");
  snprintf(form, sizeof form, "Action=TerminateInstances&InstanceId.1=%s&InstanceId.2=i-00000bad", a);
  assert_refused(w, call_as(w, TARGET, form), "InvalidInstanceID.NotFound", "The instance ID 'i-00000bad' does not exist");
  assert_refused(w, call_as(w, TARGET, "Action=TerminateInstances&InstanceId.1=j-1"), "InvalidInstanceID.Malformed", "j-1");
  assert_refused(w, call_as(w, TARGET, "Action=TerminateInstances"), "MissingParameter", "InstanceId");
  snprintf(form, sizeof form, "Action=TerminateInstances&InstanceId.1=%s&InstanceId.2=%s&DryRun=true", a, b);
  assert_refused(w, call_as(w, TARGET, form), "DryRunOperation", "");
  front.denied[0] = "ec2:TerminateInstances *:instance/*";
  assert_refused(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", a), "UnauthorizedOperation", "");
  assert_refused(w, call_in(w, TARGET, "us-east-1", "Action=DescribeInstances&InstanceId.1=i-00000bad"), "InvalidInstanceID.NotFound", "");
}

TEST(an_instance_of_instance_store_cannot_be_stopped) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *id = running(w, RUN "&ImageId=ami-000000b7&InstanceType=m3.medium");
  assert_refused(w, call_id(w, "Action=StopInstances&InstanceId.1=@", id), "UnsupportedOperation",
                 "does not have an 'ebs' root device type");
}

/* --- keys --- */

static const char *outcome(struct world *w, const char *form) {
  const char *id = launched(w, form);
  after_s(w, 60);
  return instance_state(w, id);
}

TEST(anothers_encrypted_image_is_launched_under_the_targets_default_key) {
  WORLD(w, CALM, "");
  share_image(w, "ami-00000003");
  front.granted = true;
  assert_string_equal(outcome(w, RUN_SOURCE("ami-00000003")), "running");
  assert_done(w, call_as(w, TARGET, "Action=DescribeVolumes"));
  assert_string_equal(value_of(w, "kmsKeyId"), "arn:aws:kms:eu-west-1:" TARGET ":key/ebs-2");
  assert_body(w, "<encrypted>true</encrypted>");
}

TEST(the_call_names_the_key_of_a_volume) {
  WORLD(w, CALM, "");
  share_image(w, "ami-00000003");
  share_image(w, "ami-00000001");
  front.granted = true;
#define ROOT_KEY "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.Encrypted=true&BlockDeviceMapping.1.Ebs.KmsKeyId="
  assert_string_equal(outcome(w, RUN_SOURCE("ami-00000003") ROOT_KEY "alias/mine"), "running");
  assert_done(w, call_as(w, TARGET, "Action=DescribeVolumes"));
  assert_string_equal(value_of(w, "kmsKeyId"), TARGET_KEY);
  assert_string_equal(outcome(w, RUN_SOURCE("ami-00000001") ROOT_KEY TARGET_KEY), "running");
  assert_done(w, call_as(w, TARGET, "Action=DescribeVolumes&Filter.1.Name=size&Filter.1.Value.1=100"));
  assert_string_equal(value_of(w, "encrypted"), "false");
  assert_refused(
      w,
      call_as(w, TARGET,
              RUN_SOURCE("ami-00000001") "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.KmsKeyId=alias/mine"),
      "InvalidParameterDependency", "KmsKeyId");
  assert_refused(
      w,
      call_as(w, TARGET, RUN_SOURCE("ami-00000003") "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.Encrypted=false"),
      "InvalidBlockDeviceMapping", "encrypted");
}

TEST(own_encrypted_snapshots_keep_their_key_and_encryption_by_default_gives_one) {
  WORLD(w, CALM, OWN_IMAGES "      ebs_encryption_by_default: true\n");
  assert_string_equal(outcome(w, RUN "&ImageId=ami-000000b2&InstanceType=t3.micro"), "running");
  assert_done(w, call_as(w, TARGET, "Action=DescribeVolumes"));
  assert_string_equal(value_of(w, "kmsKeyId"), TARGET_KEY);
  assert_string_equal(outcome(w, OWN), "running");
  assert_done(w, call_as(w, TARGET, "Action=DescribeVolumes&Filter.1.Name=snapshot-id&Filter.1.Value.1=snap-000000b1"));
  assert_string_equal(value_of(w, "kmsKeyId"), "arn:aws:kms:eu-west-1:" TARGET ":key/ebs-2");
}

static void assert_died(struct world *w, const char *id, const char *code) {
  after_s(w, 1);
  assert_string_equal(instance_state(w, id), "pending"); /* the call succeeds; the verdict comes later */
  after_s(w, 2);
  assert_string_equal(instance_state(w, id), "shutting-down");
  assert_body(w, code);
  after_s(w, 60);
  assert_string_equal(instance_state(w, id), "terminated");
  assert_body(w, code);
  assert_body(w, "<reason>Server.InternalError</reason>");
  assert_done(w, call_id(w, "Action=DescribeVolumes&Filter.1.Name=attachment.instance-id&Filter.1.Value.1=@", id));
  assert_body(w, "<volumeSet></volumeSet>");
}

TEST(a_bad_key_lets_the_call_succeed_and_the_instance_die) {
  WORLD(w, CALM, OWN_IMAGES);
  share_image(w, "ami-00000003");
  assert_died(w, launched(w, RUN_SOURCE("ami-00000003")), "<message>Client.InternalError: Client error on launch</message>"); /* no grant */
  front.granted = true;
  assert_died(w, launched(w, RUN_SOURCE("ami-00000003") ROOT_KEY "alias/nowhere"), "<code>Client.InternalError</code>");
  front.forbidden_operation = "CreateGrant";
  assert_died(w, launched(w, RUN_SOURCE("ami-00000003")), "<code>Client.InternalError</code>");
  front.target_key_disabled = true;
  assert_died(w, launched(w, RUN "&ImageId=ami-000000b2&InstanceType=t3.micro"), "<code>Client.InternalError</code>");
}

TEST(a_key_that_is_disabled_is_named_as_being_in_a_wrong_state) {
  WORLD(w, CALM, OWN_IMAGES);
  struct cs_key *key = cs_kms_key_find(w->sim, "eu-west-1", TARGET, TARGET_KEY);
  key->enabled = false;
  assert_died(w, launched(w, RUN "&ImageId=ami-000000b2&InstanceType=t3.micro"), "<code>Client.InvalidKMSKey.InvalidState</code>");
  key->enabled = true;
}

TEST(an_image_under_anothers_default_key_cannot_be_launched) {
  WORLD(w, CALM, "");
  cs_permit(&cs_image_by_id(w->sim, "ami-00000004")->permissions, CS_EVER, CS_TO_USER, TARGET); /* no call would do so */
  assert_died(w, launched(w, RUN_SOURCE("ami-00000004")), "Client.InternalError");
}

TEST(an_instance_whose_key_was_lost_does_not_start_again) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *id = stopped(w, RUN "&ImageId=ami-000000b2&InstanceType=t3.micro");
  front.target_key_disabled = true;
  assert_done(w, call_id(w, "Action=StartInstances&InstanceId.1=@", id));
  after_s(w, 60);
  assert_string_equal(instance_state(w, id), "stopped");
  assert_body(w, "Client.InternalError");
  front.target_key_disabled = false;
  assert_done(w, call_id(w, "Action=StartInstances&InstanceId.1=@", id));
  after_s(w, 60);
  assert_string_equal(instance_state(w, id), "running");
}

TEST(once_it_runs_an_instance_needs_the_source_key_no_more) {
  WORLD(w, CALM, "");
  share_image(w, "ami-00000003");
  front.granted = true;
  const char *id = stopped(w, RUN_SOURCE("ami-00000003"));
  front.granted = false;
  assert_done(w, call_id(w, "Action=StartInstances&InstanceId.1=@", id));
  after_s(w, 60);
  assert_string_equal(instance_state(w, id), "running");
}

/* --- devices and volumes --- */

TEST(mappings_are_the_images_unless_the_call_changes_them) {
  WORLD(w, CALM, "");
  share_image(w, "ami-00000001");
  running(w, RUN_SOURCE("ami-00000001")
          "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.VolumeSize=20&BlockDeviceMapping.1.Ebs.VolumeType=io2"
          "&BlockDeviceMapping.1.Ebs.Iops=500&BlockDeviceMapping.2.DeviceName=/dev/sdb&BlockDeviceMapping.2.Ebs.DeleteOnTermination=true"
          "&BlockDeviceMapping.3.DeviceName=/dev/sdf&BlockDeviceMapping.3.Ebs.VolumeSize=5&BlockDeviceMapping.3.Ebs.VolumeType=gp3"
          "&TagSpecification.1.ResourceType=volume&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v");
  assert_done(w, call_as(w, TARGET, "Action=DescribeVolumes&Filter.1.Name=tag:k&Filter.1.Value.1=v"));
  assert_int_equal(count_of(w, "<status>in-use</status>"), 3);
  assert_done(w, call_as(w, TARGET, "Action=DescribeVolumes&Filter.1.Name=attachment.device&Filter.1.Value.1=/dev/xvda"));
  assert_body(w, "<size>20</size>");
  assert_body(w, "<volumeType>io2</volumeType><iops>500</iops>");
  assert_done(w, call_as(w, TARGET, "Action=DescribeVolumes&Filter.1.Name=attachment.device&Filter.1.Value.1=/dev/sdb"));
  assert_body(w, "<snapshotId>snap-00000002</snapshotId>");
  assert_body(w, "<volumeType>io1</volumeType><iops>300</iops>");
  assert_body(w, "<deleteOnTermination>true</deleteOnTermination>");
  assert_done(w, call_as(w, TARGET, "Action=DescribeVolumes&Filter.1.Name=attachment.device&Filter.1.Value.1=/dev/sdf"));
  assert_body(w, "<snapshotId></snapshotId>");
  assert_body(w, "<iops>3000</iops><throughput>125</throughput>");
  assert_body(w, "<deleteOnTermination>false</deleteOnTermination>");
  /* Another type does not take the iops of the image's along. */
  running(w, RUN_SOURCE("ami-00000001") "&BlockDeviceMapping.1.DeviceName=/dev/sdb&BlockDeviceMapping.1.Ebs.VolumeType=gp2"
                                        "&BlockDeviceMapping.2.DeviceName=/dev/sdc&BlockDeviceMapping.2.NoDevice=");
  assert_done(w, call_as(w, TARGET, "Action=DescribeVolumes&Filter.1.Name=volume-type&Filter.1.Value.1=gp2"));
  assert_body(w, "<size>100</size>");
}

TEST(a_disk_that_the_image_wants_empty_and_encrypted_is_so) {
  WORLD(w, CALM, OWN_IMAGES);
  running(w, RUN "&ImageId=ami-000000bd&InstanceType=m5.large");
  assert_done(w, call_as(w, TARGET, "Action=DescribeVolumes&Filter.1.Name=encrypted&Filter.1.Value.1=true"));
  assert_int_equal(count_of(w, "<size>5</size>"), 1);
  assert_string_equal(value_of(w, "kmsKeyId"), "arn:aws:kms:eu-west-1:" TARGET ":key/ebs-2");
}

TEST(mappings_that_make_no_sense_are_refused) {
  static const struct {
    const char *form, *code, *part;
  } bad[] = {
      {"&BlockDeviceMapping.1.Ebs.VolumeSize=9", "MissingParameter", "deviceName"},
      {"&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.VolumeSize=4", "InvalidBlockDeviceMapping",
       "smaller than snapshot"},
      {"&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.NoDevice=", "InvalidBlockDeviceMapping", "root device"},
      {"&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.SnapshotId=snap-000000b2", "InvalidBlockDeviceMapping",
       "root device"},
      {"&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.VolumeType=io1", "MissingParameter", "iops"},
      {"&BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeType=gp3", "InvalidBlockDeviceMapping", "size"},
      {"&BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.SnapshotId=snap-00000001", "InvalidSnapshot.NotFound",
       "snap-00000001"},
      {"&BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.VirtualName=other0", "InvalidBlockDeviceMapping", "virtualName"},
  };
  WORLD(w, CALM, OWN_IMAGES);
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_refused(w, call_id(w, OWN "@", bad[i].form), bad[i].code, bad[i].part);
#define MORE "&BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.SnapshotId=snap-000000b2" \
             "&BlockDeviceMapping.2.DeviceName=/dev/sdg&BlockDeviceMapping.2.VirtualName=ephemeral0"
  launched(w, OWN MORE);
  front.denied[0] = "ec2:RunInstances arn:aws:ec2:eu-west-1::snapshot/snap-000000b2";
  assert_refused(w, call_as(w, TARGET, OWN MORE), "UnauthorizedOperation", "");
}

TEST(volumes_go_with_their_instance_or_stay_as_they_are_set) {
  WORLD(w, CALM, "");
  share_image(w, "ami-00000001"); /* /dev/sdb is not deleted on termination */
  const char *id = running(w, RUN_SOURCE("ami-00000001"));
  assert_int_equal(count_of(w, "<volumeId>"), 2);
  assert_done(w, call_id(w, "Action=DescribeVolumes&Filter.1.Name=attachment.instance-id&Filter.1.Value.1=@", id));
  assert_int_equal(count_of(w, "<status>in-use</status>"), 2);
  char volume[64];
  AF_COPY(volume, af_str(value_of(w, "volumeId")));
  assert_refused(w, call_id(w, "Action=DeleteVolume&VolumeId=@", volume), "VolumeInUse", "is currently attached to i-");
  assert_done(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", id));
  after_s(w, 60);
  assert_int_equal(audit_count(w, "volumes_left"), 1);
  assert_done(w, call_as(w, TARGET, "Action=DescribeVolumes&Filter.1.Name=status&Filter.1.Value.1=available"));
  assert_int_equal(count_of(w, "<createTime>"), 1);
  assert_body(w, "<size>100</size>");
  assert_body(w, "<attachmentSet></attachmentSet>");
  AF_COPY(volume, af_str(value_of(w, "volumeId")));
  assert_refused(w, call_id(w, "Action=DeleteVolume&VolumeId=@&DryRun=true", volume), "DryRunOperation", "");
  assert_done(w, call_id(w, "Action=DeleteVolume&VolumeId=@", volume));
  assert_refused(w, call_id(w, "Action=DeleteVolume&VolumeId=@", volume), "InvalidVolume.NotFound", volume);
  assert_int_equal(audit_count(w, "volumes_left"), 0);
}

/* --- describing --- */

TEST(instances_are_found_by_many_filters) {
  static const char *const filters[] = {
      "image-id&Filter.1.Value.1=ami-000000b1", "instance-state-name&Filter.1.Value.1=running", "tag:k&Filter.1.Value.1=v", "tag-key&Filter.1.Value.1=k",
      "instance-type&Filter.1.Value.1=t3.*", "client-token&Filter.1.Value.1=one", "availability-zone&Filter.1.Value.1=eu-west-1a",
      "architecture&Filter.1.Value.1=x86_64", "root-device-type&Filter.1.Value.1=ebs", "instance-state-code&Filter.1.Value.1=16",
      "block-device-mapping.device-name&Filter.1.Value.1=/dev/xvda", "instance.group-name&Filter.1.Value.1=default",
      "private-ip-address&Filter.1.Value.1=172.31.*", "key-name&Filter.1.Value.1=mine", ("owner-id&Filter.1.Value.1=" TARGET),
  };
  WORLD(w, CALM, OWN_IMAGES);
  const char *id = running(w, OWN "&ClientToken=one&KeyName=mine&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=k&"
                                  "TagSpecification.1.Tag.1.Value=v");
  const char *other = running(w, RUN "&ImageId=ami-000000b3&InstanceType=t4g.micro&Placement.AvailabilityZone=eu-west-1b");
  assert_done(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", other));
  after_s(w, 60);
  for (size_t i = 0; i < COUNT(filters); i++) {
    char form[200];
    snprintf(form, sizeof form, "Action=DescribeInstances&Filter.1.Name=%s", filters[i]);
    assert_done(w, call_as(w, TARGET, form));
    assert_body(w, id);
    if (i < COUNT(filters) - 1)
      assert_int_equal(count_of(w, "<reservationId>"), af_streq(filters[i], "root-device-type&Filter.1.Value.1=ebs") ? 2 : 1);
  }
  assert_done(w, call_as(w, TARGET, "Action=DescribeInstanceStatus"));
  assert_int_equal(count_of(w, "<systemStatus><status>ok"), 1);
  assert_done(w, call_as(w, TARGET, "Action=DescribeInstanceStatus&IncludeAllInstances=true"));
  assert_int_equal(count_of(w, "<systemStatus>"), 2);
}

TEST(instances_come_in_pages) {
  WORLD(w, CALM, OWN_IMAGES);
  for (int i = 0; i < 7; i++)
    launched(w, OWN);
  assert_done(w, call_as(w, TARGET, "Action=DescribeInstances&MaxResults=5"));
  assert_int_equal(count_of(w, "<reservationId>"), 5);
  char form[200];
  snprintf(form, sizeof form, "Action=DescribeInstances&MaxResults=5&NextToken=%s", value_of(w, "nextToken"));
  assert_done(w, call_as(w, TARGET, form));
  assert_int_equal(count_of(w, "<reservationId>"), 2);
  assert_refused(w, call_as(w, TARGET, "Action=DescribeInstances&MaxResults=4"), "InvalidParameterValue", "maxResults");
}

TEST(a_read_that_lags_does_not_know_the_instance_yet) {
  WORLD(w, "quotas: {throttle: false}\nlatencies: {read_lag: 10}\n", OWN_IMAGES);
  after_s(w, 60);
  const char *id = launched(w, OWN);
  assert_refused(w, call_id(w, "Action=DescribeInstances&InstanceId.1=@", id), "InvalidInstanceID.NotFound", id);
  assert_refused(w, call_id(w, "Action=StopInstances&InstanceId.1=@", id), "InvalidInstanceID.NotFound", id);
  after_s(w, 16);
  assert_string_equal(instance_state(w, id), "pending");
  assert_done(w, call_id(w, "Action=StopInstances&InstanceId.1=@", id)); /* who decides knows that it runs */
  after_s(w, 9);
  assert_string_equal(instance_state(w, id), "running");
  after_s(w, 2);
  assert_string_equal(instance_state(w, id), "stopping");
}

TEST(instances_carry_tags_and_volumes_too) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *id = running(w, OWN);
  assert_done(w, call_id(w, "Action=CreateTags&ResourceId.1=@&Tag.1.Key=late&Tag.1.Value=x", id));
  assert_done(w, call_as(w, TARGET, "Action=DescribeTags&Filter.1.Name=key&Filter.1.Value.1=late"));
  assert_body(w, "<resourceType>instance</resourceType>");
  launched(w, OWN "&TagSpecification.1.ResourceType=network-interface&TagSpecification.1.Tag.1.Key=wire&TagSpecification.1.Tag.1.Value=x");
  assert_done(w, call_as(w, TARGET, "Action=DescribeTags&Filter.1.Name=key&Filter.1.Value.1=wire"));
  assert_body(w, "<resourceType>network-interface</resourceType>");
  front.denied[0] = "ec2:CreateTags arn:aws:ec2:eu-west-1:" TARGET ":instance/*";
  assert_refused(w, call_id(w, "Action=CreateTags&ResourceId.1=@&Tag.1.Key=late", id), "UnauthorizedOperation", "");
}

/* --- the audit --- */

TEST(the_audit_counts_what_was_made_and_what_was_left) {
  WORLD(w, CALM "audit: {copy_tag: copy, step_tag: step}\n", OWN_IMAGES);
#define TAGGED OWN "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=copy&TagSpecification.1.Tag.1.Value=c1" \
               "&TagSpecification.1.Tag.2.Key=step&TagSpecification.1.Tag.2.Value=launch"
  assert_int_equal(audit_count(w, "instances_open"), 0);
  assert_int_equal(audit_count(w, "security_groups_left"), 0); /* the world's default groups don't count */
  const char *id = running(w, TAGGED);
  assert_done(w, call_as(w, TARGET, "Action=CreateSecurityGroup&GroupName=ferry&GroupDescription=x"));
  assert_int_equal(audit_count(w, "instances_open"), 1);
  assert_int_equal(audit_count(w, "volumes"), 1);
  assert_int_equal(audit_count(w, "volumes_left"), 0);
  assert_int_equal(audit_count(w, "security_groups_left"), 1);
  assert_int_equal(audit_count(w, "duplicates"), 0);
  const char *twin = launched(w, TAGGED);
  assert_int_equal(audit_count(w, "duplicates"), 1);
  assert_done(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", twin));
  assert_int_equal(audit_count(w, "duplicates"), 0);
  assert_done(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", id));
  assert_int_equal(audit_count(w, "instances_open"), 2);
  after_s(w, 60);
  assert_int_equal(audit_count(w, "instances_open"), 0);
  assert_int_equal(audit_count(w, "instances"), 2);
  assert_int_equal(audit_count(w, "volumes"), 0);
}

TEST(time_knows_when_an_instance_moves_next) {
  WORLD(w, CALM, OWN_IMAGES);
  launched(w, RUN "&ImageId=ami-000000b2&InstanceType=t3.micro");
  int64_t now = cs_sim_time(w->sim, w->now_ms);
  assert_int_equal(cs_ec2_next_ms(w->sim, now), now + 2000); /* the verdict on its key */
  cs_ec2_advance(w->sim, now + 2000);
  assert_int_equal(cs_ec2_next_ms(w->sim, now + 2000), now + 15000);
  cs_ec2_advance(w->sim, now + 15000);
  assert_true(cs_ec2_next_ms(w->sim, now + 15000) == INT64_MAX);
  after_s(w, 60);
  const char *id = launched(w, OWN);
  assert_done(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", id));
  now = cs_sim_time(w->sim, w->now_ms);
  assert_int_equal(cs_ec2_next_ms(w->sim, now), now + 20000); /* it will not run at all */
}

TEST(a_dry_run_with_a_token_that_was_used_is_a_dry_run) {
  WORLD(w, CALM, OWN_IMAGES);
  launched(w, OWN "&ClientToken=t1");
  assert_refused(w, call_as(w, TARGET, OWN "&ClientToken=t1&DryRun=true"), "DryRunOperation", "");
}

TEST(a_volume_is_of_a_size_that_its_type_has) {
  WORLD(w, CALM, OWN_IMAGES);
  assert_refused(w, call_as(w, TARGET, OWN "&BlockDeviceMapping.1.DeviceName=/dev/sdf&BlockDeviceMapping.1.Ebs.VolumeType=st1"
                                           "&BlockDeviceMapping.1.Ebs.VolumeSize=100"), "InvalidParameterValue", "too small");
  assert_refused(w, call_as(w, TARGET, OWN "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.VolumeType=gp3"
                                           "&BlockDeviceMapping.1.Ebs.Iops=100"), "InvalidParameterValue", "iops");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_instance_goes_from_pending_to_running),
      cmocka_unit_test(a_shared_image_needs_launch_permission_and_nothing_of_its_storage),
      cmocka_unit_test(an_image_is_launched_through_an_organization_a_unit_and_the_public),
      cmocka_unit_test(allowed_amis_hide_an_image_from_launching),
      cmocka_unit_test(an_image_that_is_not_available_is_not_launched),
      cmocka_unit_test(a_product_must_be_subscribed_to),
      cmocka_unit_test(a_product_code_of_a_snapshot_counts_as_one_of_the_image),
      cmocka_unit_test(an_image_runs_on_types_that_fit_it),
      cmocka_unit_test(parameters_that_make_no_sense_are_refused),
      cmocka_unit_test(a_dry_run_launches_nothing_and_finds_what_does_not_fit),
      cmocka_unit_test(launching_needs_permission_on_every_resource),
      cmocka_unit_test(without_a_default_network_a_subnet_must_be_named),
      cmocka_unit_test(a_security_group_must_be_of_the_subnets_network_and_stays_while_it_is_used),
      cmocka_unit_test(an_address_for_the_world_is_given_by_the_subnet_or_the_call),
      cmocka_unit_test(types_are_launched_where_they_are_offered_and_there_is_room),
      cmocka_unit_test(running_vcpus_have_a_quota),
      cmocka_unit_test(each_api_has_its_own_bucket),
      cmocka_unit_test(launches_have_the_smallest_bucket),
      cmocka_unit_test(a_token_launches_once_and_gives_the_same_reservation),
      cmocka_unit_test(a_token_is_zonal_where_the_place_is_named),
      cmocka_unit_test(a_token_of_a_terminated_instance_is_refused),
      cmocka_unit_test(a_token_is_replayed_when_the_image_is_shared_no_more),
      cmocka_unit_test(an_instance_is_stopped_and_started_again),
      cmocka_unit_test(an_instance_is_terminated_once_and_shows_for_an_hour),
      cmocka_unit_test(a_pending_instance_and_a_stopping_one_can_be_terminated),
      cmocka_unit_test(protection_keeps_an_instance),
      cmocka_unit_test(protection_keeps_the_instances_of_its_zone_and_no_others),
      cmocka_unit_test(calls_on_several_instances_do_all_or_nothing),
      cmocka_unit_test(an_instance_of_instance_store_cannot_be_stopped),
      cmocka_unit_test(anothers_encrypted_image_is_launched_under_the_targets_default_key),
      cmocka_unit_test(the_call_names_the_key_of_a_volume),
      cmocka_unit_test(own_encrypted_snapshots_keep_their_key_and_encryption_by_default_gives_one),
      cmocka_unit_test(a_bad_key_lets_the_call_succeed_and_the_instance_die),
      cmocka_unit_test(a_key_that_is_disabled_is_named_as_being_in_a_wrong_state),
      cmocka_unit_test(an_image_under_anothers_default_key_cannot_be_launched),
      cmocka_unit_test(an_instance_whose_key_was_lost_does_not_start_again),
      cmocka_unit_test(once_it_runs_an_instance_needs_the_source_key_no_more),
      cmocka_unit_test(mappings_are_the_images_unless_the_call_changes_them),
      cmocka_unit_test(a_disk_that_the_image_wants_empty_and_encrypted_is_so),
      cmocka_unit_test(mappings_that_make_no_sense_are_refused),
      cmocka_unit_test(volumes_go_with_their_instance_or_stay_as_they_are_set),
      cmocka_unit_test(instances_are_found_by_many_filters),
      cmocka_unit_test(instances_come_in_pages),
      cmocka_unit_test(a_read_that_lags_does_not_know_the_instance_yet),
      cmocka_unit_test(instances_carry_tags_and_volumes_too),
      cmocka_unit_test(the_audit_counts_what_was_made_and_what_was_left),
      cmocka_unit_test(time_knows_when_an_instance_moves_next),
      cmocka_unit_test(a_dry_run_with_a_token_that_was_used_is_a_dry_run),
      cmocka_unit_test(a_volume_is_of_a_size_that_its_type_has),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
