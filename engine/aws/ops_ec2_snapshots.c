/* EC2's calls about snapshots. Replies: complete shapes, so that nothing AWS said is lost. Left out of requests: members for Outposts
 * and single zones, which no route uses. */
#include "engine/aws/ops.h"
#include "engine/aws/ops_ec2.h"

/* ---- CopySnapshot ---- */

static const struct af_shape copy_snapshot_in = STRUCTURE(
    MAY(CompletionDurationMinutes, af_int),
    MAY(Description, af_string),
    MAY(DestinationRegion, af_string),
    MAY(DryRun, af_bool),
    MAY(Encrypted, af_bool),
    MAY(KmsKeyId, af_string),
    MAY(PresignedUrl, af_string),
    NEED(SourceRegion, af_string),
    NEED(SourceSnapshotId, af_string),
    MAY_AS(TagSpecifications, TagSpecification, af_ec2_tag_specifications_in));
static const struct af_shape copy_snapshot_out = STRUCTURE(
    MAY_AS(SnapshotId, snapshotId, af_string),
    MAY_AS(Tags, tagSet, af_ec2_tags_out));
/* No token: each repeat starts another copy (rules.md 2.1); the presigned source: 2.2. */
const struct af_op af_ec2_copy_snapshot =
    EC2(CopySnapshot, copy_snapshot_in, copy_snapshot_out, .mutates = true, .presigned_source = true);

/* ---- DeleteSnapshot ---- */

static const struct af_shape delete_snapshot_in = STRUCTURE(
    MAY(DryRun, af_bool),
    NEED(SnapshotId, af_string));
/* A second call ends in InvalidSnapshot.NotFound. */
const struct af_op af_ec2_delete_snapshot =
    EC2(DeleteSnapshot, delete_snapshot_in, af_nothing, .mutates = true, .repeatable = true);

/* ---- DescribeSnapshotAttribute ---- */

static const struct af_shape snapshot_attribute_in = STRUCTURE(
    NEED(Attribute, af_string),
    MAY(DryRun, af_bool),
    NEED(SnapshotId, af_string));
static const struct af_shape create_volume_permission_out = STRUCTURE(
    MAY_AS(Group, group, af_string),
    MAY_AS(UserId, userId, af_string));
static const struct af_shape create_volume_permissions_out = ITEMS("item", create_volume_permission_out);
static const struct af_shape snapshot_attribute_out = STRUCTURE(
    MAY_AS(CreateVolumePermissions, createVolumePermission, create_volume_permissions_out),
    MAY_AS(ProductCodes, productCodes, af_ec2_product_codes_out),
    MAY_AS(SnapshotId, snapshotId, af_string));
const struct af_op af_ec2_describe_snapshot_attribute =
    EC2(DescribeSnapshotAttribute, snapshot_attribute_in, snapshot_attribute_out, .repeatable = true);

/* ---- DescribeSnapshots ---- */

static const struct af_shape describe_snapshots_in = STRUCTURE(
    MAY(DryRun, af_bool),
    MAY_AS(Filters, Filter, af_ec2_filters_in),
    MAY(MaxResults, af_int),
    MAY(NextToken, af_string),
    MAY_AS(OwnerIds, Owner, af_ec2_narrowing_strings),
    MAY_AS(RestorableByUserIds, RestorableBy, af_ec2_narrowing_strings),
    MAY_AS(SnapshotIds, SnapshotId, af_ec2_narrowing_strings));
static const struct af_shape snapshot_out = STRUCTURE(
    MAY_AS(AvailabilityZone, availabilityZone, af_string),
    MAY_AS(CompletionDurationMinutes, completionDurationMinutes, af_int),
    MAY_AS(CompletionTime, completionTime, af_timestamp),
    MAY_AS(DataEncryptionKeyId, dataEncryptionKeyId, af_string),
    MAY_AS(Description, description, af_string),
    MAY_AS(Encrypted, encrypted, af_bool),
    MAY_AS(FullSnapshotSizeInBytes, fullSnapshotSizeInBytes, af_int),
    MAY_AS(KmsKeyId, kmsKeyId, af_string),
    MAY_AS(OutpostArn, outpostArn, af_string),
    MAY_AS(OwnerAlias, ownerAlias, af_string),
    MAY_AS(OwnerId, ownerId, af_string),
    MAY_AS(Progress, progress, af_string),
    MAY_AS(RestoreExpiryTime, restoreExpiryTime, af_timestamp),
    MAY_AS(SnapshotId, snapshotId, af_string),
    MAY_AS(SseType, sseType, af_string),
    MAY_AS(StartTime, startTime, af_timestamp),
    MAY_AS(State, status, af_string),
    MAY_AS(StateMessage, statusMessage, af_string),
    MAY_AS(StorageTier, storageTier, af_string),
    MAY_AS(Tags, tagSet, af_ec2_tags_out),
    MAY_AS(TransferType, transferType, af_string),
    MAY_AS(VolumeId, volumeId, af_string),
    MAY_AS(VolumeSize, volumeSize, af_int));
static const struct af_shape snapshots_out = ITEMS("item", snapshot_out);
static const struct af_shape describe_snapshots_out = STRUCTURE(
    MAY_AS(NextToken, nextToken, af_string),
    MAY_AS(Snapshots, snapshotSet, snapshots_out));
const struct af_op af_ec2_describe_snapshots =
    EC2(DescribeSnapshots, describe_snapshots_in, describe_snapshots_out, .repeatable = true);

/* ---- ModifySnapshotAttribute ---- */

static const struct af_shape create_volume_permission_in = STRUCTURE(
    MAY(Group, af_string),
    MAY(UserId, af_string));
static const struct af_shape create_volume_permissions_in = FLAT(create_volume_permission_in);
static const struct af_shape create_volume_permission_modifications_in = STRUCTURE(
    MAY(Add, create_volume_permissions_in),
    MAY(Remove, create_volume_permissions_in));
static const struct af_shape modify_snapshot_attribute_in = STRUCTURE(
    MAY(Attribute, af_string),
    MAY(CreateVolumePermission, create_volume_permission_modifications_in),
    MAY(DryRun, af_bool),
    MAY_AS(GroupNames, UserGroup, af_ec2_strings_in),
    MAY(OperationType, af_string),
    NEED(SnapshotId, af_string),
    MAY_AS(UserIds, UserId, af_ec2_strings_in));
/* Set-semantics. */
const struct af_op af_ec2_modify_snapshot_attribute =
    EC2(ModifySnapshotAttribute, modify_snapshot_attribute_in, af_nothing, .mutates = true, .repeatable = true);
