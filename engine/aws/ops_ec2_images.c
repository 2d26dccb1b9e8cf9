/* EC2's calls about images. Replies: complete shapes, so that nothing AWS said is lost. Left out of requests: members for Outposts and
 * single zones, which no route uses; product codes, which EC2 no longer takes. */
#include "engine/aws/ops.h"
#include "engine/aws/ops_ec2.h"

/* ---- CopyImage ---- */

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
    MAY_AS(TagSpecifications, TagSpecification, af_ec2_tag_specifications_in));
static const struct af_shape copy_image_out = STRUCTURE(
    MAY_AS(ImageId, imageId, af_string));
/* The ClientToken makes a repeat harmless (rules.md 2.1). */
const struct af_op af_ec2_copy_image = EC2(CopyImage, copy_image_in, copy_image_out, .mutates = true, .repeatable = true);

/* ---- CreateImage ---- */

static const struct af_shape create_image_in = STRUCTURE(
    MAY_AS(BlockDeviceMappings, BlockDeviceMapping, af_ec2_block_device_mappings_in),
    MAY(Description, af_string),
    MAY(DryRun, af_bool),
    NEED(InstanceId, af_string),
    NEED(Name, af_string),
    MAY(NoReboot, af_bool),
    MAY_AS(TagSpecifications, TagSpecification, af_ec2_tag_specifications_in));
static const struct af_shape create_image_out = STRUCTURE(
    MAY_AS(ImageId, imageId, af_string));
/* No token: the unique name is the natural key (rules.md 2.1). */
const struct af_op af_ec2_create_image = EC2(CreateImage, create_image_in, create_image_out, .mutates = true);

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
static const struct af_shape attribute_value_out = STRUCTURE(
    MAY_AS(Value, value, af_string));
static const struct af_shape launch_permission_out = STRUCTURE(
    MAY_AS(Group, group, af_string),
    MAY_AS(OrganizationArn, organizationArn, af_string),
    MAY_AS(OrganizationalUnitArn, organizationalUnitArn, af_string),
    MAY_AS(UserId, userId, af_string));
static const struct af_shape launch_permissions_out = ITEMS("item", launch_permission_out);
static const struct af_shape image_attribute_out = STRUCTURE(
    MAY_AS(BlockDeviceMappings, blockDeviceMapping, af_ec2_block_device_mappings_out),
    MAY_AS(BootMode, bootMode, attribute_value_out),
    MAY_AS(DeregistrationProtection, deregistrationProtection, attribute_value_out),
    MAY_AS(Description, description, attribute_value_out),
    MAY_AS(ImageId, imageId, af_string),
    MAY_AS(ImdsSupport, imdsSupport, attribute_value_out),
    MAY_AS(KernelId, kernel, attribute_value_out),
    MAY_AS(LastLaunchedTime, lastLaunchedTime, attribute_value_out),
    MAY_AS(LaunchPermissions, launchPermission, launch_permissions_out),
    MAY_AS(ProductCodes, productCodes, af_ec2_product_codes_out),
    MAY_AS(RamdiskId, ramdisk, attribute_value_out),
    MAY_AS(SriovNetSupport, sriovNetSupport, attribute_value_out),
    MAY_AS(TpmSupport, tpmSupport, attribute_value_out),
    MAY_AS(UefiData, uefiData, attribute_value_out));
const struct af_op af_ec2_describe_image_attribute =
    EC2(DescribeImageAttribute, describe_image_attribute_in, image_attribute_out, .repeatable = true);

/* ---- DescribeImages ---- */

static const struct af_shape describe_images_in = STRUCTURE(
    MAY(DryRun, af_bool),
    MAY_AS(ExecutableUsers, ExecutableBy, af_ec2_narrowing_strings),
    MAY_AS(Filters, Filter, af_ec2_filters_in),
    MAY_AS(ImageIds, ImageId, af_ec2_narrowing_strings),
    MAY(IncludeDeprecated, af_bool),
    MAY(IncludeDisabled, af_bool),
    MAY(MaxResults, af_int),
    MAY(NextToken, af_string),
    MAY_AS(Owners, Owner, af_ec2_narrowing_strings));
static const struct af_shape image_watermark_out = STRUCTURE(
    MAY_AS(SourceImageCreationTime, sourceImageCreationTime, af_timestamp),
    MAY_AS(SourceImageId, sourceImageId, af_string),
    MAY_AS(SourceImageRegion, sourceImageRegion, af_string),
    MAY_AS(WatermarkCreationTime, watermarkCreationTime, af_timestamp),
    MAY_AS(WatermarkKey, watermarkKey, af_string));
static const struct af_shape image_watermarks_out = ITEMS("item", image_watermark_out);
static const struct af_shape image_out = STRUCTURE(
    MAY_AS(Architecture, architecture, af_string),
    MAY_AS(BlockDeviceMappings, blockDeviceMapping, af_ec2_block_device_mappings_out),
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
    MAY_AS(ProductCodes, productCodes, af_ec2_product_codes_out),
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
    MAY_AS(StateReason, stateReason, af_ec2_state_reason_out),
    MAY_AS(Tags, tagSet, af_ec2_tags_out),
    MAY_AS(TpmSupport, tpmSupport, af_string),
    MAY_AS(UsageOperation, usageOperation, af_string),
    MAY_AS(VirtualizationType, virtualizationType, af_string));
static const struct af_shape images_out = ITEMS("item", image_out);
static const struct af_shape describe_images_out = STRUCTURE(
    MAY_AS(Images, imagesSet, images_out),
    MAY_AS(NextToken, nextToken, af_string));
const struct af_op af_ec2_describe_images = EC2(DescribeImages, describe_images_in, describe_images_out, .repeatable = true);

/* ---- DisableImageDeprecation ---- */

static const struct af_shape image_in = STRUCTURE(
    MAY(DryRun, af_bool),
    NEED(ImageId, af_string));
static const struct af_shape yes_out = STRUCTURE(
    MAY_AS(Return, return, af_bool));
/* Set-semantics. */
const struct af_op af_ec2_disable_image_deprecation =
    EC2(DisableImageDeprecation, image_in, yes_out, .mutates = true, .repeatable = true);

/* ---- DisableImageDeregistrationProtection ---- */

static const struct af_shape protection_out = STRUCTURE(
    MAY_AS(Return, return, af_string));
/* Set-semantics. After a protection with a cooldown the image stays protected for another 24 hours (rules.md 2.5). */
const struct af_op af_ec2_disable_image_deregistration_protection =
    EC2(DisableImageDeregistrationProtection, image_in, protection_out, .mutates = true, .repeatable = true);

/* ---- EnableImageDeprecation ---- */

static const struct af_shape enable_image_deprecation_in = STRUCTURE(
    NEED(DeprecateAt, af_timestamp),
    MAY(DryRun, af_bool),
    NEED(ImageId, af_string));
/* Set-semantics. */
const struct af_op af_ec2_enable_image_deprecation =
    EC2(EnableImageDeprecation, enable_image_deprecation_in, yes_out, .mutates = true, .repeatable = true);

/* ---- EnableImageDeregistrationProtection ---- */

static const struct af_shape enable_protection_in = STRUCTURE(
    MAY(DryRun, af_bool),
    NEED(ImageId, af_string),
    MAY(WithCooldown, af_bool));
/* Set-semantics. */
const struct af_op af_ec2_enable_image_deregistration_protection =
    EC2(EnableImageDeregistrationProtection, enable_protection_in, protection_out, .mutates = true, .repeatable = true);

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
    MAY_AS(OrganizationArns, OrganizationArn, af_ec2_strings_in),
    MAY_AS(OrganizationalUnitArns, OrganizationalUnitArn, af_ec2_strings_in),
    MAY_AS(UserGroups, UserGroup, af_ec2_strings_in),
    MAY_AS(UserIds, UserId, af_ec2_strings_in),
    MAY(Value, af_string));
/* Set-semantics. */
const struct af_op af_ec2_modify_image_attribute =
    EC2(ModifyImageAttribute, modify_image_attribute_in, af_nothing, .mutates = true, .repeatable = true);

/* ---- RegisterImage ---- */

static const struct af_shape register_image_in = STRUCTURE(
    MAY(Architecture, af_string),
    MAY_AS(BillingProducts, BillingProduct, af_ec2_strings_in),
    MAY_AS(BlockDeviceMappings, BlockDeviceMapping, af_ec2_block_device_mappings_in),
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
    MAY_AS(TagSpecifications, TagSpecification, af_ec2_tag_specifications_in),
    MAY(TpmSupport, af_string),
    MAY(UefiData, af_string),
    MAY(VirtualizationType, af_string));
static const struct af_shape register_image_out = STRUCTURE(
    MAY_AS(ImageId, imageId, af_string));
/* No token: the unique name is the natural key (rules.md 2.1). */
const struct af_op af_ec2_register_image = EC2(RegisterImage, register_image_in, register_image_out, .mutates = true);
