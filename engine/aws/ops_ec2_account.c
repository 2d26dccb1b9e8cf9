/* EC2's calls about what an account is set to in a Region, and about Regions. */
#include "engine/aws/ops.h"
#include "engine/aws/ops_ec2.h"

/* ---- DescribeRegions ---- */

static const struct af_shape describe_regions_in = STRUCTURE(
    MAY(AllRegions, af_bool),
    MAY(DryRun, af_bool),
    MAY_AS(Filters, Filter, af_ec2_filters_in),
    MAY_AS(RegionNames, RegionName, af_ec2_narrowing_strings));
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
    MAY_AS(ImageNames, imageNameSet, af_ec2_strings_out),
    MAY_AS(ImageProviders, imageProviderSet, af_ec2_strings_out),
    MAY_AS(ImageWatermarks, imageWatermarkSet, image_watermark_filters_out),
    MAY_AS(MarketplaceProductCodes, marketplaceProductCodeSet, af_ec2_strings_out));
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
