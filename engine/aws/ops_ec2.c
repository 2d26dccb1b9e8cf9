/* EC2's calls (version 2016-11-15), as the model of 2026-08 has them. Requests: the names that go on the wire are the model's
 * locationName with a capital (rules.md 8). Replies: complete shapes of images and snapshots, so that nothing AWS said is lost.
 * Left out of requests: members for Outposts and single zones, which no route uses; product codes, which EC2 no longer takes. */
#include "engine/aws/ops.h"
#include "engine/aws/ops_table.h"

#define EC2(name, in, out, ...) \
  {.service = "ec2", .action = #name, .label = "ec2:" #name, .version = "2016-11-15", .protocol = AF_PROTOCOL_EC2, \
   .input = &(in), .output = &(out), __VA_ARGS__}

/* An empty one would not narrow anything: a call for no images would return all of them (rules.md 6.3). */
static const struct af_shape narrowing_strings = {.type = AF_T_LIST, .element = &af_string, .flattened = true, .not_empty = true};
static const struct af_shape strings_in = FLAT(af_string);
static const struct af_shape strings_out = ITEMS("item", af_string);

/* ---- CopyImage ---- */

static const struct af_shape tag_in = STRUCTURE(
    MAY(Key, af_string),
    MAY(Value, af_string));
static const struct af_shape tags_in = FLAT(tag_in);
static const struct af_shape tag_specification_in = STRUCTURE(
    MAY(ResourceType, af_string),
    MAY_AS(Tags, Tag, tags_in));
static const struct af_shape tag_specifications_in = FLAT(tag_specification_in);
static const struct af_shape copy_image_in = STRUCTURE(
    MAY(ClientToken, af_string),
    MAY(CopyImageTags, af_bool),
    MAY(Description, af_string),
    MAY(DryRun, af_bool),
    MAY(Encrypted, af_bool),
    MAY(KmsKeyId, af_string),
    NEED(Name, af_string),
    MAY(SnapshotCopyCompletionDurationMinutes, af_int),
    NEED(SourceImageId, af_string),
    NEED(SourceRegion, af_string),
    MAY_AS(TagSpecifications, TagSpecification, tag_specifications_in));
static const struct af_shape copy_image_out = STRUCTURE(
    MAY_AS(ImageId, imageId, af_string));
/* The ClientToken makes a repeat harmless (rules.md 2.1). */
const struct af_op af_ec2_copy_image = EC2(CopyImage, copy_image_in, copy_image_out, .mutates = true, .repeatable = true);

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
    MAY_AS(TagSpecifications, TagSpecification, tag_specifications_in));
static const struct af_shape tag_out = STRUCTURE(
    MAY_AS(Key, key, af_string),
    MAY_AS(Value, value, af_string));
static const struct af_shape tags_out = ITEMS("item", tag_out);
static const struct af_shape copy_snapshot_out = STRUCTURE(
    MAY_AS(SnapshotId, snapshotId, af_string),
    MAY_AS(Tags, tagSet, tags_out));
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

/* ---- DeregisterImage ---- */

static const struct af_shape deregister_image_in = STRUCTURE(
    MAY(DeleteAssociatedSnapshots, af_bool),
    MAY(DryRun, af_bool),
    NEED(ImageId, af_string));
static const struct af_shape delete_result_out = STRUCTURE(
    MAY_AS(ReturnCode, returnCode, af_string),
    MAY_AS(SnapshotId, snapshotId, af_string));
static const struct af_shape delete_results_out = ITEMS("item", delete_result_out);
static const struct af_shape deregister_image_out = STRUCTURE(
    MAY_AS(DeleteSnapshotResults, deleteSnapshotResultSet, delete_results_out),
    MAY_AS(Return, return, af_bool));
/* A second call ends in InvalidAMIID.Unavailable or .NotFound. */
const struct af_op af_ec2_deregister_image =
    EC2(DeregisterImage, deregister_image_in, deregister_image_out, .mutates = true, .repeatable = true);

/* ---- DescribeImageAttribute ---- */

static const struct af_shape describe_image_attribute_in = STRUCTURE(
    NEED(Attribute, af_string),
    MAY(DryRun, af_bool),
    NEED(ImageId, af_string));
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
static const struct af_shape block_device_mappings_out = ITEMS("item", block_device_mapping_out);
static const struct af_shape attribute_value_out = STRUCTURE(
    MAY_AS(Value, value, af_string));
static const struct af_shape launch_permission_out = STRUCTURE(
    MAY_AS(Group, group, af_string),
    MAY_AS(OrganizationArn, organizationArn, af_string),
    MAY_AS(OrganizationalUnitArn, organizationalUnitArn, af_string),
    MAY_AS(UserId, userId, af_string));
static const struct af_shape launch_permissions_out = ITEMS("item", launch_permission_out);
static const struct af_shape product_code_out = STRUCTURE(
    MAY_AS(ProductCodeId, productCode, af_string),
    MAY_AS(ProductCodeType, type, af_string));
static const struct af_shape product_codes_out = ITEMS("item", product_code_out);
static const struct af_shape image_attribute_out = STRUCTURE(
    MAY_AS(BlockDeviceMappings, blockDeviceMapping, block_device_mappings_out),
    MAY_AS(BootMode, bootMode, attribute_value_out),
    MAY_AS(DeregistrationProtection, deregistrationProtection, attribute_value_out),
    MAY_AS(Description, description, attribute_value_out),
    MAY_AS(ImageId, imageId, af_string),
    MAY_AS(ImdsSupport, imdsSupport, attribute_value_out),
    MAY_AS(KernelId, kernel, attribute_value_out),
    MAY_AS(LastLaunchedTime, lastLaunchedTime, attribute_value_out),
    MAY_AS(LaunchPermissions, launchPermission, launch_permissions_out),
    MAY_AS(ProductCodes, productCodes, product_codes_out),
    MAY_AS(RamdiskId, ramdisk, attribute_value_out),
    MAY_AS(SriovNetSupport, sriovNetSupport, attribute_value_out),
    MAY_AS(TpmSupport, tpmSupport, attribute_value_out),
    MAY_AS(UefiData, uefiData, attribute_value_out));
const struct af_op af_ec2_describe_image_attribute =
    EC2(DescribeImageAttribute, describe_image_attribute_in, image_attribute_out, .repeatable = true);

/* ---- DescribeImages ---- */

static const struct af_shape filter_in = STRUCTURE(
    MAY(Name, af_string),
    MAY_AS(Values, Value, narrowing_strings));
static const struct af_shape filters_in = {.type = AF_T_LIST, .element = &filter_in, .flattened = true, .not_empty = true};
static const struct af_shape describe_images_in = STRUCTURE(
    MAY(DryRun, af_bool),
    MAY_AS(ExecutableUsers, ExecutableBy, narrowing_strings),
    MAY_AS(Filters, Filter, filters_in),
    MAY_AS(ImageIds, ImageId, narrowing_strings),
    MAY(IncludeDeprecated, af_bool),
    MAY(IncludeDisabled, af_bool),
    MAY(MaxResults, af_int),
    MAY(NextToken, af_string),
    MAY_AS(Owners, Owner, narrowing_strings));
static const struct af_shape image_watermark_out = STRUCTURE(
    MAY_AS(SourceImageCreationTime, sourceImageCreationTime, af_timestamp),
    MAY_AS(SourceImageId, sourceImageId, af_string),
    MAY_AS(SourceImageRegion, sourceImageRegion, af_string),
    MAY_AS(WatermarkCreationTime, watermarkCreationTime, af_timestamp),
    MAY_AS(WatermarkKey, watermarkKey, af_string));
static const struct af_shape image_watermarks_out = ITEMS("item", image_watermark_out);
static const struct af_shape state_reason_out = STRUCTURE(
    MAY_AS(Code, code, af_string),
    MAY_AS(Message, message, af_string));
static const struct af_shape image_out = STRUCTURE(
    MAY_AS(Architecture, architecture, af_string),
    MAY_AS(BlockDeviceMappings, blockDeviceMapping, block_device_mappings_out),
    MAY_AS(BootMode, bootMode, af_string),
    MAY_AS(CreationDate, creationDate, af_string),
    MAY_AS(DeprecationTime, deprecationTime, af_string),
    MAY_AS(DeregistrationProtection, deregistrationProtection, af_string),
    MAY_AS(Description, description, af_string),
    MAY_AS(EnaSupport, enaSupport, af_bool),
    MAY_AS(FreeTierEligible, freeTierEligible, af_bool),
    MAY_AS(Hypervisor, hypervisor, af_string),
    MAY_AS(ImageAllowed, imageAllowed, af_bool),
    MAY_AS(ImageId, imageId, af_string),
    MAY_AS(ImageLocation, imageLocation, af_string),
    MAY_AS(ImageOwnerAlias, imageOwnerAlias, af_string),
    MAY_AS(ImageType, imageType, af_string),
    MAY_AS(ImageWatermarks, imageWatermarkSet, image_watermarks_out),
    MAY_AS(ImdsSupport, imdsSupport, af_string),
    MAY_AS(KernelId, kernelId, af_string),
    MAY_AS(LastLaunchedTime, lastLaunchedTime, af_string),
    MAY_AS(Name, name, af_string),
    MAY_AS(OwnerId, imageOwnerId, af_string),
    MAY_AS(Platform, platform, af_string),
    MAY_AS(PlatformDetails, platformDetails, af_string),
    MAY_AS(ProductCodes, productCodes, product_codes_out),
    MAY_AS(Public, isPublic, af_bool),
    MAY_AS(PublicSsmParameterName, publicSsmParameterName, af_string),
    MAY_AS(RamdiskId, ramdiskId, af_string),
    MAY_AS(RootDeviceName, rootDeviceName, af_string),
    MAY_AS(RootDeviceType, rootDeviceType, af_string),
    MAY_AS(SourceImageId, sourceImageId, af_string),
    MAY_AS(SourceImageRegion, sourceImageRegion, af_string),
    MAY_AS(SourceInstanceId, sourceInstanceId, af_string),
    MAY_AS(SriovNetSupport, sriovNetSupport, af_string),
    MAY_AS(State, imageState, af_string),
    MAY_AS(StateReason, stateReason, state_reason_out),
    MAY_AS(Tags, tagSet, tags_out),
    MAY_AS(TpmSupport, tpmSupport, af_string),
    MAY_AS(UsageOperation, usageOperation, af_string),
    MAY_AS(VirtualizationType, virtualizationType, af_string));
static const struct af_shape images_out = ITEMS("item", image_out);
static const struct af_shape describe_images_out = STRUCTURE(
    MAY_AS(Images, imagesSet, images_out),
    MAY_AS(NextToken, nextToken, af_string));
const struct af_op af_ec2_describe_images = EC2(DescribeImages, describe_images_in, describe_images_out, .repeatable = true);

/* ---- DescribeRegions ---- */

static const struct af_shape describe_regions_in = STRUCTURE(
    MAY(AllRegions, af_bool),
    MAY(DryRun, af_bool),
    MAY_AS(Filters, Filter, filters_in),
    MAY_AS(RegionNames, RegionName, narrowing_strings));
static const struct af_shape geography_out = STRUCTURE(
    MAY_AS(Name, name, af_string));
static const struct af_shape geographies_out = ITEMS("item", geography_out);
static const struct af_shape region_out = STRUCTURE(
    MAY_AS(Endpoint, regionEndpoint, af_string),
    MAY_AS(Geography, geographySet, geographies_out),
    MAY_AS(OptInStatus, optInStatus, af_string),
    MAY_AS(RegionName, regionName, af_string));
static const struct af_shape regions_out = ITEMS("item", region_out);
static const struct af_shape describe_regions_out = STRUCTURE(
    MAY_AS(Regions, regionInfo, regions_out));
const struct af_op af_ec2_describe_regions =
    EC2(DescribeRegions, describe_regions_in, describe_regions_out, .repeatable = true);

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
    MAY_AS(ProductCodes, productCodes, product_codes_out),
    MAY_AS(SnapshotId, snapshotId, af_string));
const struct af_op af_ec2_describe_snapshot_attribute =
    EC2(DescribeSnapshotAttribute, snapshot_attribute_in, snapshot_attribute_out, .repeatable = true);

/* ---- DescribeSnapshots ---- */

static const struct af_shape describe_snapshots_in = STRUCTURE(
    MAY(DryRun, af_bool),
    MAY_AS(Filters, Filter, filters_in),
    MAY(MaxResults, af_int),
    MAY(NextToken, af_string),
    MAY_AS(OwnerIds, Owner, narrowing_strings),
    MAY_AS(RestorableByUserIds, RestorableBy, narrowing_strings),
    MAY_AS(SnapshotIds, SnapshotId, narrowing_strings));
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
    MAY_AS(Tags, tagSet, tags_out),
    MAY_AS(TransferType, transferType, af_string),
    MAY_AS(VolumeId, volumeId, af_string),
    MAY_AS(VolumeSize, volumeSize, af_int));
static const struct af_shape snapshots_out = ITEMS("item", snapshot_out);
static const struct af_shape describe_snapshots_out = STRUCTURE(
    MAY_AS(NextToken, nextToken, af_string),
    MAY_AS(Snapshots, snapshotSet, snapshots_out));
const struct af_op af_ec2_describe_snapshots =
    EC2(DescribeSnapshots, describe_snapshots_in, describe_snapshots_out, .repeatable = true);

/* ---- GetAllowedImagesSettings ---- */

static const struct af_shape allowed_images_in = STRUCTURE(
    MAY(DryRun, af_bool));
static const struct af_shape creation_date_condition_out = STRUCTURE(
    MAY_AS(MaximumDaysSinceCreated, maximumDaysSinceCreated, af_int));
static const struct af_shape deprecation_time_condition_out = STRUCTURE(
    MAY_AS(MaximumDaysSinceDeprecated, maximumDaysSinceDeprecated, af_int));
static const struct af_shape image_watermark_filter_out = STRUCTURE(
    MAY_AS(MaximumDaysSinceSourceImageCreated, maximumDaysSinceSourceImageCreated, af_int),
    MAY_AS(MaximumDaysSinceWatermarkCreated, maximumDaysSinceWatermarkCreated, af_int),
    MAY_AS(SourceImageRegion, sourceImageRegion, af_string),
    MAY_AS(WatermarkKey, watermarkKey, af_string));
static const struct af_shape image_watermark_filters_out = ITEMS("item", image_watermark_filter_out);
static const struct af_shape image_criterion_out = STRUCTURE(
    MAY_AS(CreationDateCondition, creationDateCondition, creation_date_condition_out),
    MAY_AS(DeprecationTimeCondition, deprecationTimeCondition, deprecation_time_condition_out),
    MAY_AS(ImageNames, imageNameSet, strings_out),
    MAY_AS(ImageProviders, imageProviderSet, strings_out),
    MAY_AS(ImageWatermarks, imageWatermarkSet, image_watermark_filters_out),
    MAY_AS(MarketplaceProductCodes, marketplaceProductCodeSet, strings_out));
static const struct af_shape image_criteria_out = ITEMS("item", image_criterion_out);
static const struct af_shape allowed_images_out = STRUCTURE(
    MAY_AS(ImageCriteria, imageCriterionSet, image_criteria_out),
    MAY_AS(ManagedBy, managedBy, af_string),
    MAY_AS(State, state, af_string));
const struct af_op af_ec2_get_allowed_images_settings =
    EC2(GetAllowedImagesSettings, allowed_images_in, allowed_images_out, .repeatable = true);

/* ---- GetEbsEncryptionByDefault ---- */

static const struct af_shape ebs_default_in = STRUCTURE(
    MAY(DryRun, af_bool));
static const struct af_shape ebs_default_out = STRUCTURE(
    MAY_AS(EbsEncryptionByDefault, ebsEncryptionByDefault, af_bool),
    MAY_AS(SseType, sseType, af_string));
const struct af_op af_ec2_get_ebs_encryption_by_default =
    EC2(GetEbsEncryptionByDefault, ebs_default_in, ebs_default_out, .repeatable = true);

/* ---- ModifyImageAttribute ---- */

static const struct af_shape attribute_value_in = STRUCTURE(
    MAY(Value, af_string));
static const struct af_shape launch_permission_in = STRUCTURE(
    MAY(Group, af_string),
    MAY(OrganizationArn, af_string),
    MAY(OrganizationalUnitArn, af_string),
    MAY(UserId, af_string));
static const struct af_shape launch_permissions_in = FLAT(launch_permission_in);
static const struct af_shape launch_permission_modifications_in = STRUCTURE(
    MAY(Add, launch_permissions_in),
    MAY(Remove, launch_permissions_in));
static const struct af_shape modify_image_attribute_in = STRUCTURE(
    MAY(Attribute, af_string),
    MAY(Description, attribute_value_in),
    MAY(DryRun, af_bool),
    NEED(ImageId, af_string),
    MAY(ImdsSupport, attribute_value_in),
    MAY(LaunchPermission, launch_permission_modifications_in),
    MAY(OperationType, af_string),
    MAY_AS(OrganizationArns, OrganizationArn, strings_in),
    MAY_AS(OrganizationalUnitArns, OrganizationalUnitArn, strings_in),
    MAY_AS(UserGroups, UserGroup, strings_in),
    MAY_AS(UserIds, UserId, strings_in),
    MAY(Value, af_string));
/* Set-semantics. */
const struct af_op af_ec2_modify_image_attribute =
    EC2(ModifyImageAttribute, modify_image_attribute_in, af_nothing, .mutates = true, .repeatable = true);

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
    MAY_AS(GroupNames, UserGroup, strings_in),
    MAY(OperationType, af_string),
    NEED(SnapshotId, af_string),
    MAY_AS(UserIds, UserId, strings_in));
/* Set-semantics. */
const struct af_op af_ec2_modify_snapshot_attribute =
    EC2(ModifySnapshotAttribute, modify_snapshot_attribute_in, af_nothing, .mutates = true, .repeatable = true);

/* ---- RegisterImage ---- */

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
static const struct af_shape block_device_mappings_in = FLAT(block_device_mapping_in);
static const struct af_shape register_image_in = STRUCTURE(
    MAY(Architecture, af_string),
    MAY_AS(BillingProducts, BillingProduct, strings_in),
    MAY_AS(BlockDeviceMappings, BlockDeviceMapping, block_device_mappings_in),
    MAY(BootMode, af_string),
    MAY(Description, af_string),
    MAY(DryRun, af_bool),
    MAY(EnaSupport, af_bool),
    MAY(ImageLocation, af_string),
    MAY(ImdsSupport, af_string),
    MAY(KernelId, af_string),
    NEED(Name, af_string),
    MAY(RamdiskId, af_string),
    MAY(RootDeviceName, af_string),
    MAY(SriovNetSupport, af_string),
    MAY_AS(TagSpecifications, TagSpecification, tag_specifications_in),
    MAY(TpmSupport, af_string),
    MAY(UefiData, af_string),
    MAY(VirtualizationType, af_string));
static const struct af_shape register_image_out = STRUCTURE(
    MAY_AS(ImageId, imageId, af_string));
/* No token: the unique name is the natural key (rules.md 2.1). */
const struct af_op af_ec2_register_image = EC2(RegisterImage, register_image_in, register_image_out, .mutates = true);
