/* EC2's calls about instances: the temporary one that an image is made of (rules.md 4). Requests hold what such an instance needs: it
 * gets no key pair, no profile and no user data. Replies hold what says how it fares, what it is attached to and what it costs. */
#include "engine/aws/ops.h"
#include "engine/aws/ops_ec2.h"

/* ---- DescribeInstances ---- */

static const struct af_shape describe_instances_in = STRUCTURE(
    MAY(DryRun, af_bool),
    MAY_AS(Filters, Filter, af_ec2_filters_in),
    MAY_AS(InstanceIds, InstanceId, af_ec2_narrowing_strings),
    MAY(MaxResults, af_int),
    MAY(NextToken, af_string));
static const struct af_shape ebs_instance_block_device_out = STRUCTURE(
    MAY_AS(AttachTime, attachTime, af_timestamp),
    MAY_AS(DeleteOnTermination, deleteOnTermination, af_bool),
    MAY_AS(Status, status, af_string),
    MAY_AS(VolumeId, volumeId, af_string));
static const struct af_shape instance_block_device_mapping_out = STRUCTURE(
    MAY_AS(DeviceName, deviceName, af_string),
    MAY_AS(Ebs, ebs, ebs_instance_block_device_out));
static const struct af_shape instance_block_device_mappings_out = ITEMS("item", instance_block_device_mapping_out);
static const struct af_shape group_identifier_out = STRUCTURE(
    MAY_AS(GroupId, groupId, af_string),
    MAY_AS(GroupName, groupName, af_string));
static const struct af_shape group_identifiers_out = ITEMS("item", group_identifier_out);
static const struct af_shape metadata_options_out = STRUCTURE(
    MAY_AS(HttpEndpoint, httpEndpoint, af_string),
    MAY_AS(HttpPutResponseHopLimit, httpPutResponseHopLimit, af_int),
    MAY_AS(HttpTokens, httpTokens, af_string),
    MAY_AS(State, state, af_string));
static const struct af_shape interface_association_out = STRUCTURE(
    MAY_AS(PublicIp, publicIp, af_string));
static const struct af_shape interface_attachment_out = STRUCTURE(
    MAY_AS(AttachmentId, attachmentId, af_string),
    MAY_AS(DeleteOnTermination, deleteOnTermination, af_bool),
    MAY_AS(DeviceIndex, deviceIndex, af_int),
    MAY_AS(Status, status, af_string));
static const struct af_shape network_interface_out = STRUCTURE(
    MAY_AS(Association, association, interface_association_out),
    MAY_AS(Attachment, attachment, interface_attachment_out),
    MAY_AS(Groups, groupSet, group_identifiers_out),
    MAY_AS(NetworkInterfaceId, networkInterfaceId, af_string),
    MAY_AS(PrivateIpAddress, privateIpAddress, af_string),
    MAY_AS(Status, status, af_string),
    MAY_AS(SubnetId, subnetId, af_string),
    MAY_AS(VpcId, vpcId, af_string));
static const struct af_shape network_interfaces_out = ITEMS("item", network_interface_out);
static const struct af_shape placement_out = STRUCTURE(
    MAY_AS(AvailabilityZone, availabilityZone, af_string),
    MAY_AS(AvailabilityZoneId, availabilityZoneId, af_string),
    MAY_AS(HostId, hostId, af_string),
    MAY_AS(Tenancy, tenancy, af_string));
static const struct af_shape instance_state_out = STRUCTURE(
    MAY_AS(Code, code, af_int),
    MAY_AS(Name, name, af_string));
static const struct af_shape instance_out = STRUCTURE(
    MAY_AS(Architecture, architecture, af_string),
    MAY_AS(BlockDeviceMappings, blockDeviceMapping, instance_block_device_mappings_out),
    MAY_AS(BootMode, bootMode, af_string),
    MAY_AS(ClientToken, clientToken, af_string),
    MAY_AS(CurrentInstanceBootMode, currentInstanceBootMode, af_string),
    MAY_AS(EbsOptimized, ebsOptimized, af_bool),
    MAY_AS(EnaSupport, enaSupport, af_bool),
    MAY_AS(Hypervisor, hypervisor, af_string),
    MAY_AS(ImageId, imageId, af_string),
    MAY_AS(InstanceId, instanceId, af_string),
    MAY_AS(InstanceLifecycle, instanceLifecycle, af_string),
    MAY_AS(InstanceType, instanceType, af_string),
    MAY_AS(KernelId, kernelId, af_string),
    MAY_AS(KeyName, keyName, af_string),
    MAY_AS(LaunchTime, launchTime, af_timestamp),
    MAY_AS(MetadataOptions, metadataOptions, metadata_options_out),
    MAY_AS(NetworkInterfaces, networkInterfaceSet, network_interfaces_out),
    MAY_AS(Placement, placement, placement_out),
    MAY_AS(Platform, platform, af_string),
    MAY_AS(PlatformDetails, platformDetails, af_string),
    MAY_AS(PrivateIpAddress, privateIpAddress, af_string),
    MAY_AS(ProductCodes, productCodes, af_ec2_product_codes_out),
    MAY_AS(PublicIpAddress, ipAddress, af_string),
    MAY_AS(RamdiskId, ramdiskId, af_string),
    MAY_AS(RootDeviceName, rootDeviceName, af_string),
    MAY_AS(RootDeviceType, rootDeviceType, af_string),
    MAY_AS(SecurityGroups, groupSet, group_identifiers_out),
    MAY_AS(SriovNetSupport, sriovNetSupport, af_string),
    MAY_AS(State, instanceState, instance_state_out),
    MAY_AS(StateReason, stateReason, af_ec2_state_reason_out),
    MAY_AS(StateTransitionReason, reason, af_string),
    MAY_AS(SubnetId, subnetId, af_string),
    MAY_AS(Tags, tagSet, af_ec2_tags_out),
    MAY_AS(TpmSupport, tpmSupport, af_string),
    MAY_AS(UsageOperation, usageOperation, af_string),
    MAY_AS(VirtualizationType, virtualizationType, af_string),
    MAY_AS(VpcId, vpcId, af_string));
static const struct af_shape instances_out = ITEMS("item", instance_out);
static const struct af_shape reservation_out = STRUCTURE(
    MAY_AS(Groups, groupSet, group_identifiers_out),
    MAY_AS(Instances, instancesSet, instances_out),
    MAY_AS(OwnerId, ownerId, af_string),
    MAY_AS(RequesterId, requesterId, af_string),
    MAY_AS(ReservationId, reservationId, af_string));
static const struct af_shape reservations_out = ITEMS("item", reservation_out);
static const struct af_shape describe_instances_out = STRUCTURE(
    MAY_AS(NextToken, nextToken, af_string),
    MAY_AS(Reservations, reservationSet, reservations_out));
const struct af_op af_ec2_describe_instances =
    EC2(DescribeInstances, describe_instances_in, describe_instances_out, .repeatable = true);

/* ---- RunInstances ---- */

static const struct af_shape credit_specification_in = STRUCTURE(
    NEED(CpuCredits, af_string));
static const struct af_shape metadata_options_in = STRUCTURE(
    MAY(HttpEndpoint, af_string),
    MAY(HttpPutResponseHopLimit, af_int),
    MAY(HttpTokens, af_string));
/* The trap: an empty list of groups would not be sent, and the instance would get the VPC's default group. */
static const struct af_shape network_interface_in = STRUCTURE(
    MAY(AssociatePublicIpAddress, af_bool),
    MAY(DeleteOnTermination, af_bool),
    MAY(DeviceIndex, af_int),
    MAY_AS(Groups, SecurityGroupId, af_ec2_narrowing_strings),
    MAY(SubnetId, af_string));
static const struct af_shape network_interfaces_in = FLAT(network_interface_in);
static const struct af_shape run_instances_in = STRUCTURE(
    MAY_AS(BlockDeviceMappings, BlockDeviceMapping, af_ec2_block_device_mappings_in),
    MAY(ClientToken, af_string),
    MAY(CreditSpecification, credit_specification_in),
    MAY(DryRun, af_bool),
    MAY(ImageId, af_string),
    MAY(InstanceInitiatedShutdownBehavior, af_string),
    MAY(InstanceType, af_string),
    NEED(MaxCount, af_int),
    MAY(MetadataOptions, metadata_options_in),
    NEED(MinCount, af_int),
    MAY_AS(NetworkInterfaces, NetworkInterface, network_interfaces_in),
    MAY_AS(SecurityGroupIds, SecurityGroupId, af_ec2_narrowing_strings),
    MAY(SubnetId, af_string),
    MAY_AS(TagSpecifications, TagSpecification, af_ec2_tag_specifications_in));
/* The ClientToken makes a repeat harmless, but only within one Availability Zone where a subnet is named: the same token in another
 * zone launches again (rules.md 2.1). */
const struct af_op af_ec2_run_instances = EC2(RunInstances, run_instances_in, reservation_out, .mutates = true, .repeatable = true);

/* ---- StopInstances ---- */

static const struct af_shape stop_or_terminate_in = STRUCTURE(
    MAY(DryRun, af_bool),
    MAY(Force, af_bool),
    NEED_AS(InstanceIds, InstanceId, af_ec2_narrowing_strings),
    MAY(SkipOsShutdown, af_bool));
static const struct af_shape state_change_out = STRUCTURE(
    MAY_AS(CurrentState, currentState, instance_state_out),
    MAY_AS(InstanceId, instanceId, af_string),
    MAY_AS(PreviousState, previousState, instance_state_out));
static const struct af_shape state_changes_out = ITEMS("item", state_change_out);
static const struct af_shape stop_instances_out = STRUCTURE(
    MAY_AS(StoppingInstances, instancesSet, state_changes_out));
/* One that is stopping or stopped stays so. */
const struct af_op af_ec2_stop_instances =
    EC2(StopInstances, stop_or_terminate_in, stop_instances_out, .mutates = true, .repeatable = true);

/* ---- TerminateInstances ---- */

static const struct af_shape terminate_instances_out = STRUCTURE(
    MAY_AS(TerminatingInstances, instancesSet, state_changes_out));
/* One that is gone stays so (rules.md 2.1). */
const struct af_op af_ec2_terminate_instances =
    EC2(TerminateInstances, stop_or_terminate_in, terminate_instances_out, .mutates = true, .repeatable = true);
