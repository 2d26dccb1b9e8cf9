/* The shapes that several of EC2's calls share. */
#include "engine/aws/ops_ec2.h"

const struct af_shape af_ec2_narrowing_strings = {.type = AF_T_LIST, .element = &af_string, .flattened = true, .not_empty = true};
const struct af_shape af_ec2_strings_in = FLAT(af_string);
const struct af_shape af_ec2_strings_out = ITEMS("item", af_string);

static const struct af_shape filter_in = STRUCTURE(
    MAY(Name, af_string),
    MAY_AS(Values, Value, af_ec2_narrowing_strings));
const struct af_shape af_ec2_filters_in = {.type = AF_T_LIST, .element = &filter_in, .flattened = true, .not_empty = true};

static const struct af_shape tag_in = STRUCTURE(
    MAY(Key, af_string),
    MAY(Value, af_string));
const struct af_shape af_ec2_tags_in = FLAT(tag_in);
static const struct af_shape tag_specification_in = STRUCTURE(
    MAY(ResourceType, af_string),
    MAY_AS(Tags, Tag, af_ec2_tags_in));
const struct af_shape af_ec2_tag_specifications_in = FLAT(tag_specification_in);
static const struct af_shape tag_out = STRUCTURE(
    MAY_AS(Key, key, af_string),
    MAY_AS(Value, value, af_string));
const struct af_shape af_ec2_tags_out = ITEMS("item", tag_out);

static const struct af_shape ebs_block_device_in = STRUCTURE(
    MAY(DeleteOnTermination, af_bool),
    MAY(EbsCardIndex, af_int),
    MAY(Encrypted, af_bool),
    MAY(Iops, af_int),
    MAY(KmsKeyId, af_string),
    MAY(SnapshotId, af_string),
    MAY(Throughput, af_int),
    MAY(VolumeInitializationRate, af_int),
    MAY(VolumeSize, af_int),
    MAY(VolumeType, af_string));
static const struct af_shape block_device_mapping_in = STRUCTURE(
    MAY(DeviceName, af_string),
    MAY(Ebs, ebs_block_device_in),
    MAY(NoDevice, af_string),
    MAY(VirtualName, af_string));
const struct af_shape af_ec2_block_device_mappings_in = FLAT(block_device_mapping_in);
static const struct af_shape ebs_block_device_out = STRUCTURE(
    MAY_AS(AvailabilityZone, availabilityZone, af_string),
    MAY(AvailabilityZoneId, af_string),
    MAY_AS(DeleteOnTermination, deleteOnTermination, af_bool),
    MAY(EbsCardIndex, af_int),
    MAY_AS(Encrypted, encrypted, af_bool),
    MAY_AS(Iops, iops, af_int),
    MAY_AS(KmsKeyId, kmsKeyId, af_string),
    MAY_AS(OutpostArn, outpostArn, af_string),
    MAY_AS(SnapshotId, snapshotId, af_string),
    MAY_AS(Throughput, throughput, af_int),
    MAY(VolumeInitializationRate, af_int),
    MAY_AS(VolumeSize, volumeSize, af_int),
    MAY_AS(VolumeType, volumeType, af_string));
static const struct af_shape block_device_mapping_out = STRUCTURE(
    MAY_AS(DeviceName, deviceName, af_string),
    MAY_AS(Ebs, ebs, ebs_block_device_out),
    MAY_AS(NoDevice, noDevice, af_string),
    MAY_AS(VirtualName, virtualName, af_string));
const struct af_shape af_ec2_block_device_mappings_out = ITEMS("item", block_device_mapping_out);

static const struct af_shape product_code_out = STRUCTURE(
    MAY_AS(ProductCodeId, productCode, af_string),
    MAY_AS(ProductCodeType, type, af_string));
const struct af_shape af_ec2_product_codes_out = ITEMS("item", product_code_out);
const struct af_shape af_ec2_state_reason_out = STRUCTURE(
    MAY_AS(Code, code, af_string),
    MAY_AS(Message, message, af_string));
