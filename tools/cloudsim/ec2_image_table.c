/* An image's plain attributes and what each is called: in the world file, in DescribeImages, as a filter, in RegisterImage and in
 * DescribeImageAttribute; and whether CopyImage carries it over (rules.md 1.2). */
#include "tools/cloudsim/ec2.h"

const struct cs_image_attribute cs_image_attributes[CS_ATTRIBUTE_MAX_] = {
    [CS_NAME] = {"name", "name", "name", "Name", NULL, false},
    [CS_DESCRIPTION] = {"description", "description", "description", "Description", "description", false},
    [CS_ARCHITECTURE] = {"architecture", "architecture", "architecture", "Architecture", NULL, true},
    [CS_TYPE] = {"type", "imageType", "image-type", NULL, NULL, true},
    [CS_KERNEL] = {"kernel_id", "kernelId", "kernel-id", "KernelId", "kernel", true},
    [CS_RAMDISK] = {"ramdisk_id", "ramdiskId", "ramdisk-id", "RamdiskId", "ramdisk", true},
    [CS_PLATFORM] = {"platform", "platform", "platform", NULL, NULL, true},
    [CS_PLATFORM_DETAILS] = {"platform_details", "platformDetails", NULL, NULL, NULL, true},
    [CS_USAGE_OPERATION] = {"usage_operation", "usageOperation", NULL, NULL, NULL, true},
    [CS_LOCATION] = {"location", "imageLocation", "manifest-location", "ImageLocation", NULL, false},
    [CS_ROOT_TYPE] = {"root_device_type", "rootDeviceType", "root-device-type", NULL, NULL, true},
    [CS_ROOT_NAME] = {"root_device", "rootDeviceName", "root-device-name", "RootDeviceName", NULL, true},
    [CS_VIRTUALIZATION] = {"virtualization", "virtualizationType", "virtualization-type", "VirtualizationType", NULL, true},
    [CS_HYPERVISOR] = {"hypervisor", "hypervisor", "hypervisor", NULL, NULL, true},
    [CS_SRIOV] = {"sriov_net_support", "sriovNetSupport", NULL, "SriovNetSupport", "sriovNetSupport", true},
    [CS_ENA] = {"ena_support", "enaSupport", "ena-support", "EnaSupport", NULL, true},
    [CS_BOOT_MODE] = {"boot_mode", "bootMode", NULL, "BootMode", "bootMode", true},
    [CS_TPM] = {"tpm_support", "tpmSupport", NULL, "TpmSupport", "tpmSupport", true},
    [CS_IMDS] = {"imds_support", "imdsSupport", NULL, "ImdsSupport", "imdsSupport", true},
    [CS_UEFI_DATA] = {"uefi_data", NULL, NULL, "UefiData", "uefiData", true},
    [CS_CREATION_DATE] = {"creation_date", "creationDate", "creation-date", NULL, NULL, false},
    [CS_DEPRECATION] = {"deprecation_time", "deprecationTime", NULL, NULL, NULL, false},
    [CS_PROTECTION] = {"deregistration_protection", "deregistrationProtection", NULL, NULL, "deregistrationProtection", false},
    [CS_LAST_LAUNCHED] = {"last_launched_time", "lastLaunchedTime", NULL, NULL, "lastLaunchedTime", false},
    [CS_SOURCE_IMAGE] = {"source_image_id", "sourceImageId", "source-image-id", NULL, NULL, false},
    [CS_SOURCE_REGION] = {"source_image_region", "sourceImageRegion", "source-image-region", NULL, NULL, false},
    [CS_SOURCE_INSTANCE] = {"source_instance_id", "sourceInstanceId", "source-instance-id", NULL, NULL, false},
    [CS_ALIAS] = {"owner_alias", "imageOwnerAlias", "owner-alias", NULL, NULL, false},
};
