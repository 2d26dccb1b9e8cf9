/* EC2's calls about instance types and where they are to be had. Replies hold what decides whether an image boots on a type, what the
 * type costs and how large it is (rules.md 4); not what accelerators, cards and bandwidths it has. */
#include "engine/aws/ops.h"
#include "engine/aws/ops_ec2.h"

/* ---- DescribeInstanceTypeOfferings ---- */

static const struct af_shape describe_offerings_in = STRUCTURE(
    MAY(DryRun, af_bool),
    MAY_AS(Filters, Filter, af_ec2_filters_in),
    MAY(LocationType, af_string),
    MAY(MaxResults, af_int),
    MAY(NextToken, af_string));
static const struct af_shape offering_out = STRUCTURE(
    MAY_AS(InstanceType, instanceType, af_string),
    MAY_AS(Location, location, af_string),
    MAY_AS(LocationType, locationType, af_string));
static const struct af_shape offerings_out = ITEMS("item", offering_out);
static const struct af_shape describe_offerings_out = STRUCTURE(
    MAY_AS(InstanceTypeOfferings, instanceTypeOfferingSet, offerings_out),
    MAY_AS(NextToken, nextToken, af_string));
const struct af_op af_ec2_describe_instance_type_offerings =
    EC2(DescribeInstanceTypeOfferings, describe_offerings_in, describe_offerings_out, .repeatable = true);

/* ---- DescribeInstanceTypes ---- */

static const struct af_shape describe_instance_types_in = STRUCTURE(
    MAY(DryRun, af_bool),
    MAY_AS(Filters, Filter, af_ec2_filters_in),
    MAY_AS(InstanceTypes, InstanceType, af_ec2_narrowing_strings),
    MAY(MaxResults, af_int),
    MAY(NextToken, af_string));
static const struct af_shape ebs_info_out = STRUCTURE(
    MAY_AS(EbsOptimizedSupport, ebsOptimizedSupport, af_string),
    MAY_AS(EncryptionSupport, encryptionSupport, af_string),
    MAY_AS(MaximumEbsAttachments, maximumEbsAttachments, af_int),
    MAY_AS(NvmeSupport, nvmeSupport, af_string));
static const struct af_shape memory_info_out = STRUCTURE(
    MAY_AS(SizeInMiB, sizeInMiB, af_int));
static const struct af_shape network_info_out = STRUCTURE(
    MAY_AS(EnaSupport, enaSupport, af_string),
    MAY_AS(Ipv6Supported, ipv6Supported, af_bool),
    MAY_AS(MaximumNetworkInterfaces, maximumNetworkInterfaces, af_int),
    MAY_AS(NetworkPerformance, networkPerformance, af_string));
static const struct af_shape nitro_tpm_info_out = STRUCTURE(
    MAY_AS(SupportedVersions, supportedVersions, af_ec2_strings_out));
static const struct af_shape processor_info_out = STRUCTURE(
    MAY_AS(Manufacturer, manufacturer, af_string),
    MAY_AS(SupportedArchitectures, supportedArchitectures, af_ec2_strings_out),
    MAY_AS(SupportedFeatures, supportedFeatures, af_ec2_strings_out));
static const struct af_shape vcpu_info_out = STRUCTURE(
    MAY_AS(DefaultCores, defaultCores, af_int),
    MAY_AS(DefaultThreadsPerCore, defaultThreadsPerCore, af_int),
    MAY_AS(DefaultVCpus, defaultVCpus, af_int));
static const struct af_shape instance_type_out = STRUCTURE(
    MAY_AS(BareMetal, bareMetal, af_bool),
    MAY_AS(BurstablePerformanceSupported, burstablePerformanceSupported, af_bool),
    MAY_AS(CurrentGeneration, currentGeneration, af_bool),
    MAY_AS(DedicatedHostsSupported, dedicatedHostsSupported, af_bool),
    MAY_AS(EbsInfo, ebsInfo, ebs_info_out),
    MAY_AS(FreeTierEligible, freeTierEligible, af_bool),
    MAY_AS(Hypervisor, hypervisor, af_string),
    MAY_AS(InstanceStorageSupported, instanceStorageSupported, af_bool),
    MAY_AS(InstanceType, instanceType, af_string),
    MAY_AS(MemoryInfo, memoryInfo, memory_info_out),
    MAY_AS(NetworkInfo, networkInfo, network_info_out),
    MAY_AS(NitroTpmInfo, nitroTpmInfo, nitro_tpm_info_out),
    MAY_AS(NitroTpmSupport, nitroTpmSupport, af_string),
    MAY_AS(ProcessorInfo, processorInfo, processor_info_out),
    MAY_AS(SupportedBootModes, supportedBootModes, af_ec2_strings_out),
    MAY_AS(SupportedRootDeviceTypes, supportedRootDeviceTypes, af_ec2_strings_out),
    MAY_AS(SupportedUsageClasses, supportedUsageClasses, af_ec2_strings_out),
    MAY_AS(SupportedVirtualizationTypes, supportedVirtualizationTypes, af_ec2_strings_out),
    MAY_AS(VCpuInfo, vCpuInfo, vcpu_info_out));
static const struct af_shape instance_types_out = ITEMS("item", instance_type_out);
static const struct af_shape describe_instance_types_out = STRUCTURE(
    MAY_AS(InstanceTypes, instanceTypeSet, instance_types_out),
    MAY_AS(NextToken, nextToken, af_string));
const struct af_op af_ec2_describe_instance_types =
    EC2(DescribeInstanceTypes, describe_instance_types_in, describe_instance_types_out, .repeatable = true);
