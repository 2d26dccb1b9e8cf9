/* EC2's calls about the network that a temporary instance is shut off in: VPCs, subnets, security groups (rules.md 4).
 * Replies hold what tells where an instance may go and what a group lets through. */
#include "engine/aws/ops.h"
#include "engine/aws/ops_ec2.h"

/* ---- CreateSecurityGroup ---- */

static const struct af_shape create_security_group_in = STRUCTURE(
    NEED_AS(Description, GroupDescription, af_string),
    MAY(DryRun, af_bool),
    NEED(GroupName, af_string),
    MAY_AS(TagSpecifications, TagSpecification, af_ec2_tag_specifications_in),
    MAY(VpcId, af_string));
static const struct af_shape create_security_group_out = STRUCTURE(
    MAY_AS(GroupId, groupId, af_string),
    MAY_AS(Tags, tagSet, af_ec2_tags_out));
/* No token: the name is unique in its VPC, so a second call ends in InvalidGroup.Duplicate and does not say which group it was. */
const struct af_op af_ec2_create_security_group =
    EC2(CreateSecurityGroup, create_security_group_in, create_security_group_out, .mutates = true);

/* ---- DeleteSecurityGroup ---- */

static const struct af_shape delete_security_group_in = STRUCTURE(
    MAY(DryRun, af_bool),
    MAY(GroupId, af_string),
    MAY(GroupName, af_string));
/* A second call ends in InvalidGroup.NotFound. */
const struct af_op af_ec2_delete_security_group =
    EC2(DeleteSecurityGroup, delete_security_group_in, af_nothing, .mutates = true, .repeatable = true);

/* ---- DescribeSecurityGroups ---- */

static const struct af_shape describe_security_groups_in = STRUCTURE(
    MAY(DryRun, af_bool),
    MAY_AS(Filters, Filter, af_ec2_filters_in),
    MAY_AS(GroupIds, GroupId, af_ec2_narrowing_strings),
    MAY_AS(GroupNames, GroupName, af_ec2_narrowing_strings),
    MAY(MaxResults, af_int),
    MAY(NextToken, af_string));
static const struct af_shape ip_range_out = STRUCTURE(
    MAY_AS(CidrIp, cidrIp, af_string),
    MAY_AS(Description, description, af_string));
static const struct af_shape ip_ranges_out = ITEMS("item", ip_range_out);
static const struct af_shape ipv6_range_out = STRUCTURE(
    MAY_AS(CidrIpv6, cidrIpv6, af_string),
    MAY_AS(Description, description, af_string));
static const struct af_shape ipv6_ranges_out = ITEMS("item", ipv6_range_out);
static const struct af_shape prefix_list_out = STRUCTURE(
    MAY_AS(Description, description, af_string),
    MAY_AS(PrefixListId, prefixListId, af_string));
static const struct af_shape prefix_lists_out = ITEMS("item", prefix_list_out);
static const struct af_shape group_pair_out = STRUCTURE(
    MAY_AS(Description, description, af_string),
    MAY_AS(GroupId, groupId, af_string),
    MAY_AS(GroupName, groupName, af_string),
    MAY_AS(PeeringStatus, peeringStatus, af_string),
    MAY_AS(UserId, userId, af_string),
    MAY_AS(VpcId, vpcId, af_string),
    MAY_AS(VpcPeeringConnectionId, vpcPeeringConnectionId, af_string));
static const struct af_shape group_pairs_out = ITEMS("item", group_pair_out);
static const struct af_shape ip_permission_out = STRUCTURE(
    MAY_AS(FromPort, fromPort, af_int),
    MAY_AS(IpProtocol, ipProtocol, af_string),
    MAY_AS(IpRanges, ipRanges, ip_ranges_out),
    MAY_AS(Ipv6Ranges, ipv6Ranges, ipv6_ranges_out),
    MAY_AS(PrefixListIds, prefixListIds, prefix_lists_out),
    MAY_AS(ToPort, toPort, af_int),
    MAY_AS(UserIdGroupPairs, groups, group_pairs_out));
static const struct af_shape ip_permissions_out = ITEMS("item", ip_permission_out);
static const struct af_shape security_group_out = STRUCTURE(
    MAY_AS(Description, groupDescription, af_string),
    MAY_AS(GroupId, groupId, af_string),
    MAY_AS(GroupName, groupName, af_string),
    MAY_AS(IpPermissions, ipPermissions, ip_permissions_out),
    MAY_AS(IpPermissionsEgress, ipPermissionsEgress, ip_permissions_out),
    MAY_AS(OwnerId, ownerId, af_string),
    MAY_AS(SecurityGroupArn, securityGroupArn, af_string),
    MAY_AS(Tags, tagSet, af_ec2_tags_out),
    MAY_AS(VpcId, vpcId, af_string));
static const struct af_shape security_groups_out = ITEMS("item", security_group_out);
static const struct af_shape describe_security_groups_out = STRUCTURE(
    MAY_AS(NextToken, nextToken, af_string),
    MAY_AS(SecurityGroups, securityGroupInfo, security_groups_out));
const struct af_op af_ec2_describe_security_groups =
    EC2(DescribeSecurityGroups, describe_security_groups_in, describe_security_groups_out, .repeatable = true);

/* ---- DescribeSubnets ---- */

static const struct af_shape describe_subnets_in = STRUCTURE(
    MAY(DryRun, af_bool),
    MAY_AS(Filters, Filter, af_ec2_filters_in),
    MAY(MaxResults, af_int),
    MAY(NextToken, af_string),
    MAY_AS(SubnetIds, SubnetId, af_ec2_narrowing_strings));
static const struct af_shape subnet_out = STRUCTURE(
    MAY_AS(AvailabilityZone, availabilityZone, af_string),
    MAY_AS(AvailabilityZoneId, availabilityZoneId, af_string),
    MAY_AS(AvailableIpAddressCount, availableIpAddressCount, af_int),
    MAY_AS(CidrBlock, cidrBlock, af_string),
    MAY_AS(DefaultForAz, defaultForAz, af_bool),
    MAY_AS(Ipv6Native, ipv6Native, af_bool),
    MAY_AS(MapPublicIpOnLaunch, mapPublicIpOnLaunch, af_bool),
    MAY_AS(OutpostArn, outpostArn, af_string),
    MAY_AS(OwnerId, ownerId, af_string),
    MAY_AS(State, state, af_string),
    MAY_AS(SubnetArn, subnetArn, af_string),
    MAY_AS(SubnetId, subnetId, af_string),
    MAY_AS(Tags, tagSet, af_ec2_tags_out),
    MAY_AS(VpcId, vpcId, af_string));
static const struct af_shape subnets_out = ITEMS("item", subnet_out);
static const struct af_shape describe_subnets_out = STRUCTURE(
    MAY_AS(NextToken, nextToken, af_string),
    MAY_AS(Subnets, subnetSet, subnets_out));
const struct af_op af_ec2_describe_subnets = EC2(DescribeSubnets, describe_subnets_in, describe_subnets_out, .repeatable = true);

/* ---- DescribeVpcs ---- */

static const struct af_shape describe_vpcs_in = STRUCTURE(
    MAY(DryRun, af_bool),
    MAY_AS(Filters, Filter, af_ec2_filters_in),
    MAY(MaxResults, af_int),
    MAY(NextToken, af_string),
    MAY_AS(VpcIds, VpcId, af_ec2_narrowing_strings));
static const struct af_shape vpc_out = STRUCTURE(
    MAY_AS(CidrBlock, cidrBlock, af_string),
    MAY_AS(InstanceTenancy, instanceTenancy, af_string),
    MAY_AS(IsDefault, isDefault, af_bool),
    MAY_AS(OwnerId, ownerId, af_string),
    MAY_AS(State, state, af_string),
    MAY_AS(Tags, tagSet, af_ec2_tags_out),
    MAY_AS(VpcId, vpcId, af_string));
static const struct af_shape vpcs_out = ITEMS("item", vpc_out);
static const struct af_shape describe_vpcs_out = STRUCTURE(
    MAY_AS(NextToken, nextToken, af_string),
    MAY_AS(Vpcs, vpcSet, vpcs_out));
const struct af_op af_ec2_describe_vpcs = EC2(DescribeVpcs, describe_vpcs_in, describe_vpcs_out, .repeatable = true);

/* ---- RevokeSecurityGroupEgress ---- */

static const struct af_shape ip_range_in = STRUCTURE(
    MAY(CidrIp, af_string),
    MAY(Description, af_string));
static const struct af_shape ip_ranges_in = FLAT(ip_range_in);
static const struct af_shape ipv6_range_in = STRUCTURE(
    MAY(CidrIpv6, af_string),
    MAY(Description, af_string));
static const struct af_shape ipv6_ranges_in = FLAT(ipv6_range_in);
static const struct af_shape prefix_list_in = STRUCTURE(
    MAY(Description, af_string),
    MAY(PrefixListId, af_string));
static const struct af_shape prefix_lists_in = FLAT(prefix_list_in);
static const struct af_shape group_pair_in = STRUCTURE(
    MAY(Description, af_string),
    MAY(GroupId, af_string),
    MAY(GroupName, af_string),
    MAY(PeeringStatus, af_string),
    MAY(UserId, af_string),
    MAY(VpcId, af_string),
    MAY(VpcPeeringConnectionId, af_string));
static const struct af_shape group_pairs_in = FLAT(group_pair_in);
static const struct af_shape ip_permission_in = STRUCTURE(
    MAY(FromPort, af_int),
    MAY(IpProtocol, af_string),
    MAY(IpRanges, ip_ranges_in),
    MAY(Ipv6Ranges, ipv6_ranges_in),
    MAY(PrefixListIds, prefix_lists_in),
    MAY(ToPort, af_int),
    MAY_AS(UserIdGroupPairs, Groups, group_pairs_in));
static const struct af_shape ip_permissions_in = FLAT(ip_permission_in);
static const struct af_shape revoke_egress_in = STRUCTURE(
    MAY(DryRun, af_bool),
    NEED(GroupId, af_string),
    MAY(IpPermissions, ip_permissions_in),
    MAY_AS(SecurityGroupRuleIds, SecurityGroupRuleId, af_ec2_strings_in));
static const struct af_shape revoke_egress_out = STRUCTURE(
    MAY_AS(Return, return, af_bool),
    MAY_AS(UnknownIpPermissions, unknownIpPermissionSet, ip_permissions_out));
/* A rule that is gone stays so: a second call ends in InvalidPermission.NotFound. */
const struct af_op af_ec2_revoke_security_group_egress =
    EC2(RevokeSecurityGroupEgress, revoke_egress_in, revoke_egress_out, .mutates = true, .repeatable = true);
