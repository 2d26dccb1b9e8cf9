/* EC2's calls about volumes: those that outlive a temporary instance are to be found and deleted (rules.md 4). */
#include "engine/aws/ops.h"
#include "engine/aws/ops_ec2.h"

/* ---- DeleteVolume ---- */

static const struct af_shape delete_volume_in = STRUCTURE(
    MAY(DryRun, af_bool),
    NEED(VolumeId, af_string));
/* A second call ends in InvalidVolume.NotFound. */
const struct af_op af_ec2_delete_volume = EC2(DeleteVolume, delete_volume_in, af_nothing, .mutates = true, .repeatable = true);

/* ---- DescribeVolumes ---- */

static const struct af_shape describe_volumes_in = STRUCTURE(
    MAY(DryRun, af_bool),
    MAY_AS(Filters, Filter, af_ec2_filters_in),
    MAY(MaxResults, af_int),
    MAY(NextToken, af_string),
    MAY_AS(VolumeIds, VolumeId, af_ec2_narrowing_strings));
static const struct af_shape volume_attachment_out = STRUCTURE(
    MAY_AS(AttachTime, attachTime, af_timestamp),
    MAY_AS(DeleteOnTermination, deleteOnTermination, af_bool),
    MAY_AS(Device, device, af_string),
    MAY_AS(InstanceId, instanceId, af_string),
    MAY_AS(State, status, af_string),
    MAY_AS(VolumeId, volumeId, af_string));
static const struct af_shape volume_attachments_out = ITEMS("item", volume_attachment_out);
static const struct af_shape volume_out = STRUCTURE(
    MAY_AS(Attachments, attachmentSet, volume_attachments_out),
    MAY_AS(AvailabilityZone, availabilityZone, af_string),
    MAY_AS(CreateTime, createTime, af_timestamp),
    MAY_AS(Encrypted, encrypted, af_bool),
    MAY_AS(Iops, iops, af_int),
    MAY_AS(KmsKeyId, kmsKeyId, af_string),
    MAY_AS(Size, size, af_int),
    MAY_AS(SnapshotId, snapshotId, af_string),
    MAY_AS(State, status, af_string),
    MAY_AS(Tags, tagSet, af_ec2_tags_out),
    MAY_AS(Throughput, throughput, af_int),
    MAY_AS(VolumeId, volumeId, af_string),
    MAY_AS(VolumeType, volumeType, af_string));
static const struct af_shape volumes_out = ITEMS("item", volume_out);
static const struct af_shape describe_volumes_out = STRUCTURE(
    MAY_AS(NextToken, nextToken, af_string),
    MAY_AS(Volumes, volumeSet, volumes_out));
const struct af_op af_ec2_describe_volumes = EC2(DescribeVolumes, describe_volumes_in, describe_volumes_out, .repeatable = true);
