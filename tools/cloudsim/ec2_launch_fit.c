/* May this caller launch this image, and does the image run on this type? The refusals of RunInstances that are about the image
 * (rules.md 1.3.6, 4, 5). Where AWS documents no words, the words here are ours; the codes are AWS's. */
#include <stdio.h>

#include "tools/cloudsim/ec2_compute.h"

/* --- the image --- */

static int check_subscription(struct cs_call *call, const struct cs_image *image) {
  const char *code = cs_marketplace_code(call->sim, image, cs_caller_account(call));
  if (!code)
    return 0;
  return cs_fail(call, 401, "OptInRequired",
                 "In order to use this AWS Marketplace product you need to accept terms and subscribe. To do so please visit "
                 "https://aws.amazon.com/marketplace/pp?sku=%s",
                 code);
}

const struct cs_image *cs_launch_image(struct cs_call *call) {
  const char *id = cs_param(&call->params, "ImageId");
  if (cs_check_image_id(call, id) < 0)
    return NULL;
  const struct cs_image *image = cs_image_by_id(call->sim, id);
  enum cs_seen seen = cs_image_seen(call, call->region, image);
  if (seen == CS_UNSEEN)
    cs_fail(call, 400, "InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id);
  else if (!cs_image_usable(call, image))
    cs_fail(call, 400, "InvalidAMIID.Unavailable", "The image ID '%s' is not available", id);
  else if (check_subscription(call, image) == 0)
    return image;
  return NULL;
}

/* --- the type --- */

static bool is(const struct cs_image *image, enum cs_attribute which, const char *value) {
  return af_streq(image->text[which], value);
}

static int fits_architecture(struct cs_call *call, const struct cs_image *image, const struct cs_instance_type *type) {
  char supported[80];
  if (cs_type_has_architecture(type, image->text[CS_ARCHITECTURE]))
    return 0;
  cs_type_architectures(type, supported, sizeof supported);
  return cs_fail(call, 400, "InvalidParameterValue",
                 "The architecture '%s' of the specified instance type does not match the architecture '%s' of the specified AMI. Specify an "
                 "instance type and an AMI that have matching architectures, and try again. You can use 'describe-instance-types' or "
                 "'describe-images' to discover the architecture of the instance type or AMI.",
                 supported, image->text[CS_ARCHITECTURE]);
}

static int fits_virtualization(struct cs_call *call, const struct cs_image *image, const struct cs_instance_type *type) {
  if (!is(image, CS_VIRTUALIZATION, "paravirtual") || type->flags & CS_T_PV)
    return 0;
  return cs_fail(call, 400, "InvalidParameterCombination",
                 "Virtualization type 'hvm' is required for instances of type '%s'. Ensure that you are using an AMI with virtualization type "
                 "'hvm'. For more information, see http://docs.aws.amazon.com/AWSEC2/latest/UserGuide/virtualization_types.html",
                 type->name);
}

static int fits_root_device(struct cs_call *call, const struct cs_image *image, const struct cs_instance_type *type) {
  if (is(image, CS_ROOT_TYPE, "ebs") || type->flags & CS_T_INSTANCE_STORE)
    return 0;
  return cs_fail(call, 400, "UnsupportedOperation",
                 "AMI '%s' with an instance-store root device is not supported for the instance type '%s'.", image->id, type->name);
}

static int fits_boot_mode(struct cs_call *call, const struct cs_image *image, const struct cs_instance_type *type) {
  if (is(image, CS_BOOT_MODE, "uefi") && !(type->flags & CS_T_UEFI))
    return cs_fail(call, 400, "InvalidParameterValue",
                   "The %s instance type does not support an AMI with a boot mode of UEFI. Only instance types built on the Nitro System "
                   "support UEFI. Specify an instance type that supports UEFI, and try again.",
                   type->name);
  if (is(image, CS_BOOT_MODE, "legacy-bios") && !(type->flags & CS_T_LEGACY_BIOS))
    return cs_fail(call, 400, "InvalidParameterValue",
                   "The %s instance type does not support an AMI with a boot mode of Legacy BIOS. Specify an instance type that supports "
                   "Legacy BIOS, and try again.",
                   type->name);
  return 0;
}

static int fits_tpm(struct cs_call *call, const struct cs_image *image, const struct cs_instance_type *type) {
  if (!image->text[CS_TPM] || type->flags & CS_T_TPM)
    return 0;
  return cs_fail(call, 400, "UnsupportedOperation", "The %s instance type does not support an AMI with NitroTPM %s.", type->name,
                 image->text[CS_TPM]);
}

static int fits_ena(struct cs_call *call, const struct cs_image *image, const struct cs_instance_type *type) {
  if (is(image, CS_ENA, "true") || !(type->flags & CS_T_ENA_REQUIRED))
    return 0;
  return cs_fail(call, 400, "InvalidParameterCombination",
                 "Enhanced networking with the Elastic Network Adapter (ENA) is required for the '%s' instance type. Ensure that you are using an "
                 "AMI that is enabled for ENA.",
                 type->name);
}

/* Macs are dedicated hosts, and cloudsim has none (rules.md 4). */
static int fits_host(struct cs_call *call, const struct cs_image *image, const struct cs_instance_type *type) {
  (void)image;
  if (!(type->flags & (CS_T_X86_64_MAC | CS_T_ARM64_MAC)))
    return 0;
  return cs_fail(call, 400, "UnsupportedOperation",
                 "The instance type '%s' is supported on Dedicated Hosts only: the tenancy must be 'host'.", type->name);
}

int cs_launch_fit(struct cs_call *call, const struct cs_image *image, const struct cs_instance_type *type) {
  static int (*const checks[])(struct cs_call *, const struct cs_image *, const struct cs_instance_type *) = {
      fits_architecture, fits_virtualization, fits_root_device, fits_boot_mode, fits_tpm, fits_ena, fits_host};
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
    if (checks[i](call, image, type) < 0)
      return -AF_EAWS;
  return 0;
}

/* rules.md 2.4: an image that says nothing boots as its type does by default. */
const char *cs_launch_boot_mode(const struct cs_image *image, const struct cs_instance_type *type) {
  bool uefi = is(image, CS_BOOT_MODE, "uefi") || is(image, CS_BOOT_MODE, "uefi-preferred");
  return type->flags & CS_T_UEFI && (uefi || !(type->flags & CS_T_LEGACY_BIOS)) ? "uefi" : "legacy-bios";
}
