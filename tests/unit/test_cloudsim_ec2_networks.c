/* cloudsim: what a launch needs to be there: networks, security groups, instance types. Section 4 of the rules. */
#include "tests/unit/cloudsim_ec2.h"

#include "tools/cloudsim/ec2_compute.h"

#define NO_NETWORK "      vpcs: []\n"
#define TWO_NETWORKS                                                                                                    \
  "      vpcs:\n"                                                                                                       \
  "      - {id: vpc-0000000a, cidr: 10.1.0.0/16, tags: {Name: main}, subnets: [\n"                                        \
  "          {id: subnet-0000000a, zone: eu-west-1a, cidr: 10.1.0.0/24},\n"                                              \
  "          {id: subnet-0000000b, zone: eu-west-1b, cidr: 10.1.1.0/24, map_public_ip: true, tags: {Tier: open}}]}\n"    \
  "      - {id: vpc-0000000b, default: true, subnets: [{id: subnet-0000000c, zone: eu-west-1c, default: true}]}\n"
#define MAKE "Action=CreateSecurityGroup&GroupName=ferry&GroupDescription=nothing+in,+nothing+out"
#define ALL_OUT "&IpPermissions.1.IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0"

static const char *made_group(struct world *w) {
  static char id[64];
  assert_done(
      w, call_as(w, TARGET,
                 MAKE "&TagSpecification.1.ResourceType=security-group&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v"));
  AF_COPY(id, af_str(value_of(w, "groupId")));
  return id;
}

static int on_group(struct world *w, const char *action, const char *id, const char *more) {
  char form[600];
  snprintf(form, sizeof form, "Action=%s&GroupId=%s%s", action, id, more);
  return call_as(w, TARGET, form);
}

/* --- networks --- */

TEST(every_account_has_a_default_network_in_every_region_it_uses) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, TARGET, "Action=DescribeVpcs"));
  assert_int_equal(count_of(w, "<vpcId>"), 1);
  assert_string_equal(value_of(w, "isDefault"), "true");
  assert_string_equal(value_of(w, "cidrBlock"), "172.31.0.0/16");
  assert_string_equal(value_of(w, "ownerId"), TARGET);
  char mine[64];
  AF_COPY(mine, af_str(value_of(w, "vpcId")));
  assert_done(w, call_as(w, TARGET, "Action=DescribeSubnets"));
  assert_int_equal(count_of(w, "<defaultForAz>true</defaultForAz>"), 3);
  assert_int_equal(count_of(w, "<mapPublicIpOnLaunch>true"), 3);
  assert_body(w, "<availabilityZone>eu-west-1c</availabilityZone>");
  assert_body(w, "<availableIpAddressCount>4091</availableIpAddressCount>");
  assert_done(w, call_as(w, SOURCE, "Action=DescribeVpcs"));
  assert_string_not_equal(value_of(w, "vpcId"), mine);
  assert_done(w, call_in(w, TARGET, "us-east-1", "Action=DescribeVpcs"));
  assert_string_not_equal(value_of(w, "vpcId"), mine);
  char form[200];
  snprintf(form, sizeof form, "Action=DescribeVpcs&VpcId.1=%s", mine);
  assert_refused(w, call_as(w, SOURCE, form), "InvalidVpcID.NotFound", mine);
}

TEST(a_world_says_which_networks_there_are_or_that_there_are_none) {
  WORLD(none, "", NO_NETWORK);
  assert_done(none, call_as(none, TARGET, "Action=DescribeVpcs"));
  assert_body(none, "<vpcSet></vpcSet>");
  assert_done(none, call_as(none, TARGET, "Action=DescribeSecurityGroups"));
  assert_body(none, "<securityGroupInfo></securityGroupInfo>");
  assert_refused(none, call_as(none, TARGET, MAKE), "VPCIdNotSpecified", "No default VPC for this user");
  WORLD(w, "", TWO_NETWORKS);
  assert_done(w, call_as(w, TARGET, "Action=DescribeVpcs&Filter.1.Name=is-default&Filter.1.Value.1=true"));
  assert_string_equal(value_of(w, "vpcId"), "vpc-0000000b");
  assert_int_equal(count_of(w, "<vpcId>"), 1);
  assert_done(w, call_as(w, TARGET, "Action=DescribeVpcs&Filter.1.Name=tag:Name&Filter.1.Value.1=main"));
  assert_body(w, "vpc-0000000a");
  assert_done(w, call_as(w, TARGET, "Action=DescribeSecurityGroups&Filter.1.Name=group-name&Filter.1.Value.1=default"));
  assert_int_equal(count_of(w, "<groupName>default"), 2);
}

TEST(subnets_are_found_by_network_zone_and_default) {
  static const struct {
    const char *filter, *want;
    size_t n;
  } cases[] = {
      {"vpc-id&Filter.1.Value.1=vpc-0000000a", "subnet-0000000a", 2},
      {"availability-zone&Filter.1.Value.1=eu-west-1b", "subnet-0000000b", 1},
      {"default-for-az&Filter.1.Value.1=true", "subnet-0000000c", 1},
      {"state&Filter.1.Value.1=available", "subnet-0000000a", 3},
      {"subnet-id&Filter.1.Value.1=subnet-0000000b", "subnet-0000000b", 1},
      {"tag:Tier&Filter.1.Value.1=open", "subnet-0000000b", 1},
      {"availability-zone-id&Filter.1.Value.1=eu-west-1-az1", "subnet-0000000a", 1},
      {"tag-key&Filter.1.Value.1=Tier", "subnet-0000000b", 1},
      {"map-public-ip-on-launch&Filter.1.Value.1=false", "subnet-0000000a", 1},
  };
  WORLD(w, "", TWO_NETWORKS);
  for (size_t i = 0; i < COUNT(cases); i++) {
    char form[200];
    snprintf(form, sizeof form, "Action=DescribeSubnets&Filter.1.Name=%s", cases[i].filter);
    assert_done(w, call_as(w, TARGET, form));
    assert_body(w, cases[i].want);
    assert_int_equal(count_of(w, "<subnetId>"), cases[i].n);
  }
  assert_done(w, call_as(w, TARGET, "Action=DescribeSubnets&SubnetId.1=subnet-0000000b"));
  assert_int_equal(count_of(w, "<subnetId>"), 1);
  assert_refused(w, call_as(w, TARGET, "Action=DescribeSubnets&SubnetId.1=subnet-0000000d"), "InvalidSubnetID.NotFound", "subnet-0000000d");
  assert_refused(w, call_as(w, TARGET, "Action=DescribeSubnets&SubnetId.1=net-1"), "InvalidSubnetID.Malformed", "net-1");
  assert_refused(w, call_as(w, OTHER, "Action=DescribeSubnets&SubnetId.1=subnet-0000000b"), "InvalidSubnetID.NotFound", "");
}

TEST(a_network_that_makes_no_sense_is_refused_with_its_place) {
  static const struct {
    const char *target, *part;
  } bad[] = {
      {"      vpcs: [{id: vpc-1}]\n", "needs an id"},
      {"      vpcs: [{id: vpc-0000000a, cidr: here}]\n", "cidr"},
      {"      vpcs: [{id: vpc-0000000a, subnets: [{id: subnet-0000000a}]}]\n", "zone"},
      {"      vpcs: [{id: vpc-0000000a, subnets: [{id: subnet-0000000a, zone: us-east-1a}]}]\n", "zone"},
      {"      vpcs: [{id: vpc-0000000a}, {id: vpc-0000000a}]\n", "already"},
      {"      vpcs: [{id: vpc-0000000a, name: x}]\n", "name"},
      {"      instance_types: {zones: {m9.huge: [eu-west-1a]}}\n", "m9.huge"},
      {"      instance_types: {zones: {m5.large: [eu-west-1z]}}\n", "eu-west-1z"},
      {"      instance_types: {gone: [m5.large]}\n", "gone"},
  };
  for (size_t i = 0; i < COUNT(bad); i++) {
    char text[16384];
    struct af_error err;
    struct world w = {0};
    snprintf(text, sizeof text, "regions: [eu-west-1, us-east-1, cn-north-1, {name: ap-east-1, opt_in: true}]\n" ACCOUNTS, bad[i].target);
    reset_front();
    assert_int_equal(load_world(&w, text, &err), -AF_EINVAL);
    assert_contains(err.message, bad[i].part);
    world_done(&w);
  }
}

TEST(lists_of_networks_come_in_pages) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, TARGET, "Action=DescribeSubnets&MaxResults=4"), "InvalidParameterValue", "maxResults");
  assert_refused(w, call_as(w, TARGET, "Action=DescribeSubnets&MaxResults=5&SubnetId.1=subnet-0000000a"), "InvalidParameterCombination",
                 "SubnetId");
  for (int i = 0; i < 6; i++) {
    char form[200];
    snprintf(form, sizeof form, "Action=CreateSecurityGroup&GroupName=group%d&GroupDescription=x", i);
    assert_done(w, call_as(w, TARGET, form));
  }
  assert_done(w, call_as(w, TARGET, "Action=DescribeSecurityGroups&MaxResults=5"));
  assert_int_equal(count_of(w, "<groupName>"), 5);
  char form[200];
  snprintf(form, sizeof form, "Action=DescribeSecurityGroups&MaxResults=5&NextToken=%s", value_of(w, "nextToken"));
  assert_done(w, call_as(w, TARGET, form));
  assert_int_equal(count_of(w, "<groupName>"), 2);
  assert_no_body(w, "nextToken");
}

/* --- security groups --- */

TEST(a_new_security_group_lets_everything_out_and_nothing_in) {
  WORLD(w, "", "");
  const char *id = made_group(w);
  assert_body(w, "<key>k</key><value>v</value>");
  assert_done(w, call_as(w, TARGET, "Action=DescribeSecurityGroups&Filter.1.Name=tag:k&Filter.1.Value.1=v"));
  assert_string_equal(value_of(w, "groupId"), id);
  assert_string_equal(value_of(w, "groupDescription"), "nothing in, nothing out");
  assert_body(w, "<ipPermissions></ipPermissions>");
  assert_body(w, "<ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp>");
}

TEST(rules_are_taken_away_and_given) {
  WORLD(w, "", "");
  const char *id = made_group(w);
  assert_done(w, on_group(w, "RevokeSecurityGroupEgress", id, ALL_OUT));
  assert_refused(w, on_group(w, "RevokeSecurityGroupEgress", id, ALL_OUT), "InvalidPermission.NotFound", "does not exist");
  assert_done(w, call_as(w, TARGET, "Action=DescribeSecurityGroups&Filter.1.Name=group-name&Filter.1.Value.1=ferry"));
  assert_body(w, "<ipPermissionsEgress></ipPermissionsEgress>");
  assert_done(w, on_group(w, "AuthorizeSecurityGroupEgress", id, ALL_OUT));
  char rule[64], more[200];
  AF_COPY(rule, af_str(value_of(w, "securityGroupRuleId")));
  assert_refused(w, on_group(w, "AuthorizeSecurityGroupEgress", id, ALL_OUT), "InvalidPermission.Duplicate", "0.0.0.0/0");
  assert_done(w, on_group(w, "AuthorizeSecurityGroupIngress", id, ALL_OUT)); /* the other way is another rule */
  assert_done(w, on_group(w, "RevokeSecurityGroupIngress", id, ALL_OUT));
  assert_done(w, on_group(w, "AuthorizeSecurityGroupIngress", id, "&IpProtocol=tcp&FromPort=22&ToPort=22&CidrIp=10.0.0.0/8"));
  assert_done(w, call_as(w, TARGET, "Action=DescribeSecurityGroups&Filter.1.Name=group-name&Filter.1.Value.1=ferry"));
  assert_body(w, "<ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort>");
  snprintf(more, sizeof more, "&SecurityGroupRuleId.1=%s", rule);
  assert_done(w, on_group(w, "RevokeSecurityGroupEgress", id, more));
  assert_refused(w, on_group(w, "RevokeSecurityGroupEgress", id, more), "InvalidSecurityGroupRuleId.NotFound", rule);
  assert_refused(w, on_group(w, "RevokeSecurityGroupIngress", id, ""), "MissingParameter", "ipPermissions");
}

TEST(a_security_groups_name_is_unique_in_its_network) {
  WORLD(w, "", TWO_NETWORKS);
  made_group(w);
  assert_refused(w, call_as(w, TARGET, MAKE), "InvalidGroup.Duplicate", "The security group 'ferry' already exists for VPC 'vpc-0000000b'");
  assert_done(w, call_as(w, TARGET, MAKE "&VpcId=vpc-0000000a"));
  assert_refused(w, call_as(w, TARGET, "Action=CreateSecurityGroup&GroupName=default&GroupDescription=x"), "InvalidParameterValue",
                 "reserved");
  assert_refused(w, call_as(w, TARGET, "Action=CreateSecurityGroup&GroupName=sg-1&GroupDescription=x"), "InvalidParameterValue",
                 "GroupName");
  assert_refused(w, call_as(w, TARGET, "Action=CreateSecurityGroup&GroupName=a&GroupDescription=%c3%a4"), "InvalidParameterValue",
                 "GroupDescription");
  assert_refused(w, call_as(w, TARGET, MAKE "&VpcId=vpc-0000000c"), "InvalidVpcID.NotFound", "vpc-0000000c");
}

TEST(a_security_group_is_deleted_once_and_the_default_one_never) {
  WORLD(w, "", "");
  const char *id = made_group(w);
  assert_refused(w, on_group(w, "DeleteSecurityGroup", id, "&DryRun=true"), "DryRunOperation", "");
  assert_done(w, on_group(w, "DeleteSecurityGroup", id, ""));
  assert_refused(w, on_group(w, "DeleteSecurityGroup", id, ""), "InvalidGroup.NotFound", id);
  assert_done(w, call_as(w, TARGET, MAKE)); /* the name is free again */
  assert_done(w, call_as(w, TARGET, "Action=DescribeSecurityGroups&Filter.1.Name=group-name&Filter.1.Value.1=default"));
  char group[64];
  AF_COPY(group, af_str(value_of(w, "groupId")));
  assert_refused(w, on_group(w, "DeleteSecurityGroup", group, ""), "CannotDelete", "default");
  assert_refused(w, on_group(w, "DeleteSecurityGroup", "sg-1", ""), "InvalidGroupId.Malformed", "sg-1");
}

TEST(a_read_that_lags_sees_the_security_group_late_and_its_going_late) {
  WORLD(w, "latencies: {read_lag: 5}\n", "");
  after_s(w, 60);
  const char *id = made_group(w);
  char form[200];
  snprintf(form, sizeof form, "Action=DescribeSecurityGroups&GroupId.1=%s", id);
  assert_refused(w, call_as(w, TARGET, form), "InvalidGroup.NotFound", id);
  after_s(w, 6);
  assert_done(w, call_as(w, TARGET, form));
  assert_done(w, on_group(w, "DeleteSecurityGroup", id, ""));
  assert_done(w, call_as(w, TARGET, form));
  assert_refused(w, on_group(w, "DeleteSecurityGroup", id, ""), "InvalidGroup.NotFound", id); /* a write knows it */
  after_s(w, 6);
  assert_refused(w, call_as(w, TARGET, form), "InvalidGroup.NotFound", id);
}

TEST(calls_on_security_groups_need_permission_for_each) {
  WORLD(w, "", "");
  char id[64];
  AF_COPY(id, af_str(made_group(w)));
  front.denied[0] = "ec2:DeleteSecurityGroup arn:aws:ec2:eu-west-1:" TARGET ":security-group/*";
  front.denied[1] = "ec2:CreateSecurityGroup arn:aws:ec2:eu-west-1:" TARGET ":vpc/*";
  front.denied[2] = "ec2:RevokeSecurityGroupEgress *";
  front.denied[3] = "ec2:CreateTags *:security-group/*";
  front.denied[4] = "ec2:DescribeSubnets *";
  assert_refused(w, on_group(w, "DeleteSecurityGroup", id, ""), "UnauthorizedOperation", "");
  assert_refused(w, call_as(w, TARGET, MAKE "2"), "UnauthorizedOperation", "");
  assert_refused(w, on_group(w, "RevokeSecurityGroupEgress", id, ALL_OUT), "UnauthorizedOperation", "");
  assert_refused(w, call_as(w, TARGET, "Action=DescribeSubnets"), "UnauthorizedOperation", "");
  front.denied[1] = "none none";
  assert_refused(w,
                 call_as(w, TARGET,
                         "Action=CreateSecurityGroup&GroupName=b&GroupDescription=x&TagSpecification.1.ResourceType=security-group"
                         "&TagSpecification.1.Tag.1.Key=k"),
                 "UnauthorizedOperation", "");
}

TEST(networks_and_groups_carry_tags_like_images) {
  WORLD(w, "", TWO_NETWORKS);
  assert_done(w, call_as(w, TARGET, "Action=CreateTags&ResourceId.1=subnet-0000000a&ResourceId.2=vpc-0000000a&Tag.1.Key=a&Tag.1.Value=b"));
  assert_done(w, call_as(w, TARGET, "Action=DescribeTags&Filter.1.Name=key&Filter.1.Value.1=a"));
  assert_body(w, "<resourceId>subnet-0000000a</resourceId><resourceType>subnet</resourceType>");
  assert_body(w, "<resourceId>vpc-0000000a</resourceId><resourceType>vpc</resourceType>");
  assert_done(w, call_as(w, TARGET, "Action=DeleteTags&ResourceId.1=subnet-0000000a&Tag.1.Key=a"));
  assert_done(w, call_as(w, TARGET, "Action=DescribeTags&Filter.1.Name=key&Filter.1.Value.1=a"));
  assert_no_body(w, "subnet-0000000a");
  assert_refused(w, call_as(w, OTHER, "Action=CreateTags&ResourceId.1=vpc-0000000a&Tag.1.Key=a"), "InvalidVpcID.NotFound", "");
  assert_string_equal(cs_ec2_resource_tag(w->sim, "arn:aws:ec2:eu-west-1:" TARGET ":vpc/vpc-0000000a", "a"), "b");
}

/* --- instance types --- */

static size_t types_of(struct world *w, const char *filters) {
  char form[600];
  snprintf(form, sizeof form, "Action=DescribeInstanceTypes%s", filters);
  assert_done(w, call_as(w, TARGET, form));
  return count_of(w, "<instanceType>");
}

TEST(instance_types_say_what_they_run) {
  WORLD(w, "", "");
  assert_int_equal(types_of(w, "&InstanceType.1=t3.micro"), 1);
  assert_body(w, "<hypervisor>nitro</hypervisor>");
  assert_body(w, "<supportedBootModes><item>legacy-bios</item><item>uefi</item></supportedBootModes>");
  assert_body(w, "<nitroTpmSupport>supported</nitroTpmSupport>");
  assert_body(w, "<enaSupport>required</enaSupport>");
  assert_body(w, "<freeTierEligible>true</freeTierEligible>");
  assert_body(w, "<burstablePerformanceSupported>true</burstablePerformanceSupported>");
  assert_int_equal(types_of(w, "&InstanceType.1=m3.medium"), 1);
  assert_body(w, "<supportedVirtualizationTypes><item>hvm</item><item>paravirtual</item></supportedVirtualizationTypes>");
  assert_body(w, "<supportedRootDeviceTypes><item>ebs</item><item>instance-store</item></supportedRootDeviceTypes>");
  assert_body(w, "<currentGeneration>false</currentGeneration>");
  assert_int_equal(types_of(w, "&InstanceType.1=mac2.metal"), 1);
  assert_body(w, "<supportedArchitectures><item>arm64_mac</item></supportedArchitectures>");
  assert_no_body(w, "<hypervisor>");
  assert_refused(w, call_as(w, TARGET, "Action=DescribeInstanceTypes&InstanceType.1=m9.huge"), "InvalidInstanceType", "[m9.huge]");
}

TEST(instance_types_are_chosen_by_what_an_image_needs) {
  static const struct {
    const char *filters, *with, *without;
  } cases[] = {
      {"&Filter.1.Name=processor-info.supported-architecture&Filter.1.Value.1=arm64", "t4g.micro", "t3.micro"},
      {"&Filter.1.Name=supported-virtualization-type&Filter.1.Value.1=paravirtual", "c3.large", "m5.large"},
      {"&Filter.1.Name=supported-boot-mode&Filter.1.Value.1=uefi", "m5.large", "t2.micro"},
      {"&Filter.1.Name=supported-root-device-type&Filter.1.Value.1=instance-store", "m3.medium", "m5.large"},
      {"&Filter.1.Name=nitro-tpm-support&Filter.1.Value.1=supported", "m6i.large", "m4.large"},
      {"&Filter.1.Name=hypervisor&Filter.1.Value.1=xen", "m4.large", "m5.large"},
      {"&Filter.1.Name=bare-metal&Filter.1.Value.1=false&Filter.2.Name=current-generation&Filter.2.Value.1=true", "m5.large", "m5.metal"},
      {"&Filter.1.Name=burstable-performance-supported&Filter.1.Value.1=false", "c5.large", "t3.micro"},
      {"&Filter.1.Name=free-tier-eligible&Filter.1.Value.1=true", "t2.micro", "t2.small"},
      {"&Filter.1.Name=network-info.ena-support&Filter.1.Value.1=unsupported", "t2.micro", "t3.micro"},
      {"&Filter.1.Name=vcpu-info.default-vcpus&Filter.1.Value.1=4", "m5.xlarge", "m5.large"},
      {"&Filter.1.Name=memory-info.size-in-mib&Filter.1.Value.1=1024", "t3.micro", "t3.small"},
      {"&Filter.1.Name=instance-type&Filter.1.Value.1=t3*", "t3a.small", "t4g.small"},
      {"&Filter.1.Name=instance-storage-supported&Filter.1.Value.1=true", "m5d.large", "m5.large"},
      {"&Filter.1.Name=dedicated-hosts-supported&Filter.1.Value.1=true", "m5.large", "t3.micro"},
  };
  WORLD(w, "", "");
  for (size_t i = 0; i < COUNT(cases); i++) {
    char with[80], without[80];
    assert_true(types_of(w, cases[i].filters) > 0);
    snprintf(with, sizeof with, "<instanceType>%s<", cases[i].with);
    snprintf(without, sizeof without, "<instanceType>%s<", cases[i].without);
    assert_body(w, with);
    assert_no_body(w, without);
  }
}

TEST(instance_types_come_in_pages_without_a_gap) {
  WORLD(w, "", "");
  size_t all = types_of(w, ""), n = 0;
  char more[200] = "";
  for (int pages = 0; pages < 40; pages++) {
    char form[300];
    snprintf(form, sizeof form, "&MaxResults=7%s", more);
    n += types_of(w, form);
    if (!strstr(body_of(w), "nextToken"))
      break;
    snprintf(more, sizeof more, "&NextToken=%s", value_of(w, "nextToken"));
  }
  assert_int_equal(n, all);
  assert_true(all >= 30);
  assert_refused(w, call_as(w, TARGET, "Action=DescribeInstanceTypes&MaxResults=101"), "InvalidParameterValue", "100");
  assert_refused(w, call_as(w, TARGET, "Action=DescribeInstanceTypes&MaxResults=5&InstanceType.1=t3.micro"), "InvalidParameterCombination",
                 "");
}

TEST(a_world_keeps_types_out_of_a_region_or_to_some_of_its_zones) {
  WORLD(w, "", "      instance_types: {unavailable: [m5.large], zones: {c5.large: [eu-west-1b], r5.large: []}}\n");
  assert_refused(w, call_as(w, TARGET, "Action=DescribeInstanceTypes&InstanceType.1=m5.large"), "InvalidInstanceType", "m5.large");
  assert_refused(w, call_as(w, TARGET, "Action=DescribeInstanceTypes&InstanceType.1=r5.large"), "InvalidInstanceType", "r5.large");
  assert_int_equal(types_of(w, "&InstanceType.1=c5.large"), 1);
#define OFFERINGS "Action=DescribeInstanceTypeOfferings&LocationType=availability-zone&Filter.1.Name=instance-type&Filter.1.Value.1="
  assert_done(w, call_as(w, TARGET, OFFERINGS "c5.large"));
  assert_int_equal(count_of(w, "<location>"), 1);
  assert_string_equal(value_of(w, "location"), "eu-west-1b");
  assert_done(w, call_as(w, TARGET, OFFERINGS "m5.large&Filter.1.Value.2=r5.large"));
  assert_int_equal(count_of(w, "<location>"), 0);
  assert_done(w, call_as(w, TARGET, OFFERINGS "t3.micro&Filter.2.Name=location&Filter.2.Value.1=eu-west-1a"));
  assert_int_equal(count_of(w, "<location>"), 1);
  assert_done(w, call_as(w, TARGET, "Action=DescribeInstanceTypeOfferings&Filter.1.Name=instance-type&Filter.1.Value.1=t3.micro"));
  assert_body(w, "<locationType>region</locationType><location>eu-west-1</location>");
  assert_done(
      w,
      call_as(
          w, TARGET,
          "Action=DescribeInstanceTypeOfferings&LocationType=availability-zone-id&Filter.1.Name=instance-type&Filter.1.Value.1=t3.micro"));
  assert_body(w, "<location>eu-west-1-az3</location>");
  assert_refused(w, call_as(w, TARGET, "Action=DescribeInstanceTypeOfferings&LocationType=planet"), "InvalidParameterValue", "planet");
  assert_done(w, call_as(w, SOURCE, OFFERINGS "m5.large"));
  assert_int_equal(count_of(w, "<location>"), 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_account_has_a_default_network_in_every_region_it_uses),
      cmocka_unit_test(a_world_says_which_networks_there_are_or_that_there_are_none),
      cmocka_unit_test(subnets_are_found_by_network_zone_and_default),
      cmocka_unit_test(a_network_that_makes_no_sense_is_refused_with_its_place),
      cmocka_unit_test(lists_of_networks_come_in_pages),
      cmocka_unit_test(a_new_security_group_lets_everything_out_and_nothing_in),
      cmocka_unit_test(rules_are_taken_away_and_given),
      cmocka_unit_test(a_security_groups_name_is_unique_in_its_network),
      cmocka_unit_test(a_security_group_is_deleted_once_and_the_default_one_never),
      cmocka_unit_test(a_read_that_lags_sees_the_security_group_late_and_its_going_late),
      cmocka_unit_test(calls_on_security_groups_need_permission_for_each),
      cmocka_unit_test(networks_and_groups_carry_tags_like_images),
      cmocka_unit_test(instance_types_say_what_they_run),
      cmocka_unit_test(instance_types_are_chosen_by_what_an_image_needs),
      cmocka_unit_test(instance_types_come_in_pages_without_a_gap),
      cmocka_unit_test(a_world_keeps_types_out_of_a_region_or_to_some_of_its_zones),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
