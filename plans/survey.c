/* Reading the facts once, so that each check of the route is one question. Pure. */
#include "plans/survey.h"

#include "plans/attribute.h"
#include "plans/shape.h"

/* Without source credentials source.account is not whom we are but whose image it has to be; no list overrules it. */
static enum af_ownership ownership_of(const struct af_copy_spec *spec, const struct af_facts *f) {
  const char *owner = af_json_str(f->image, "OwnerId"), *expected = spec->pull ? spec->source.account : NULL;
  if (!*owner || (expected && !af_streq(owner, expected)))
    return AF_OWNER_UNKNOWN;
  if (af_streq(owner, f->target_account))
    return AF_OWNER_TARGET;
  if (af_streq(owner, f->source_account))
    return AF_OWNER_SOURCE;
  return expected || af_json_lists(spec->trusted_owners, owner) ||
                 af_json_lists(spec->trusted_owners, af_json_str(f->image, "ImageOwnerAlias"))
             ? AF_OWNER_TRUSTED
             : AF_OWNER_UNKNOWN;
}

/* devpay is Marketplace's forerunner; both are paid for by whoever launches the image (rules.md 1.5). */
static bool has_product(const json_t *image) {
  return json_array_size(json_object_get(image, "ProductCodes")) > 0 ||
         af_streq(af_json_str(image, "ImageOwnerAlias"), "aws-marketplace");
}

static bool differs(const json_t *image, const char *member, const char *plain) {
  const char *value = af_json_str(image, member);
  return *value && !af_streq(value, plain);
}

static void set_first(const json_t **slot, const json_t *value) {
  if (!*slot)
    *slot = value;
}

static void survey_key(struct af_survey *s, const json_t *snapshot) {
  const json_t *key = af_json_find(s->facts->source_keys, "Arn", af_json_str(snapshot, "KmsKeyId"));
  struct af_arn arn;
  if (!key || *af_json_str(key, "Error")) {
    set_first(&s->under_unknown, snapshot);
    return;
  }
  set_first(af_streq(af_json_str(key, "KeyManager"), "AWS") ? &s->under_aws : &s->under_customer, snapshot);
  if (!af_streq(af_json_str(key, "KeyState"), "Enabled"))
    set_first(&s->idle_key, key);
  if (af_arn_split(af_str(af_json_str(key, "Arn")), &arn) && !af_str_eq(arn.account, af_str(s->owner)))
    set_first(&s->foreign_key, key);
}

static void survey_snapshot(struct af_survey *s, const json_t *mapping) {
  const char *id = af_mapping_snapshot(mapping);
  if (!*id && !s->sealed_device && af_json_bool(json_object_get(mapping, "Ebs"), "Encrypted"))
    s->sealed_device = af_json_str(mapping, "DeviceName");
  if (!*id)
    return;
  s->n_snapshots++;
  const json_t *snapshot = af_json_find(s->facts->snapshots, "SnapshotId", id);
  if (!snapshot) {
    if (!s->unread)
      s->unread = id;
    if (af_json_bool(json_object_get(mapping, "Ebs"), "Encrypted"))
      set_first(&s->under_hidden, mapping);
    return;
  }
  if (!af_streq(af_json_str(snapshot, "State"), "completed"))
    set_first(&s->unfinished, snapshot);
  if (af_streq(af_json_str(snapshot, "StorageTier"), "archive"))
    set_first(&s->archived, snapshot);
  if (*af_json_str(snapshot, "OwnerId") && !af_streq(af_json_str(snapshot, "OwnerId"), s->owner))
    set_first(&s->of_another, snapshot);
  if (af_json_bool(snapshot, "Encrypted") || af_json_bool(json_object_get(mapping, "Ebs"), "Encrypted"))
    survey_key(s, snapshot);
  else
    set_first(&s->plain, snapshot);
}

/* AKI and ARI ids are their Region's (rules.md 2.4). */
static const char *kernel_of(const json_t *image) {
  const char *kernel = af_json_str(image, "KernelId"), *disk = af_json_str(image, "RamdiskId");
  return *kernel ? kernel : *disk ? disk : NULL;
}

/* The first that the manifest doesn't give up. */
static const char *watermark_of(const struct af_copy_spec *spec, const json_t *image) {
  const json_t *list = json_object_get(image, "ImageWatermarks");
  for (size_t i = 0; i < json_array_size(list); i++) {
    char name[AF_ATTRIBUTE_SIZE];
    const char *key = af_json_str(json_array_get(list, i), "WatermarkKey");
    af_attribute_of("watermark", key, name);
    if (!af_attribute_allowed(spec->allow_differences, name))
      return key;
  }
  return NULL;
}

const char *af_survey_lost_by_registering(const struct af_survey *s) {
  if (s->tpm && af_streq(af_json_str(s->facts->image, "BootMode"), "uefi-preferred"))
    return "cannot express NitroTPM with the boot mode uefi-preferred";
  if (s->uefi_hidden)
    return "would need the UEFI data, which only the image's owner can read";
  if (s->kernel)
    return "would need the kernel's id in the target's Region, which is another one";
  return s->watermark ? "loses the image's watermarks" : NULL;
}

void af_survey(struct af_survey *ret, const struct af_copy_spec *spec, const struct af_facts *facts) {
  const json_t *image = facts->image;
  *ret = (struct af_survey){
      .spec = spec,
      .facts = facts,
      .image_id = spec->image,
      .owner = af_json_str(image, "OwnerId"),
      .alias = af_json_str(image, "ImageOwnerAlias"),
      .ownership = ownership_of(spec, facts),
      .cross_region = !af_streq(spec->source.region, spec->target.region),
      .instance_store = af_streq(af_json_str(image, "RootDeviceType"), "instance-store"),
      .marketplace = has_product(image),
      .windows = af_streq(af_json_str(image, "Platform"), "windows"),
      .billed = af_streq(af_json_str(image, "Platform"), "windows") || differs(image, "PlatformDetails", "Linux/UNIX") ||
                differs(image, "UsageOperation", "RunInstances"),
      .tpm = *af_json_str(image, "TpmSupport"),
      .mac = strstr(af_json_str(image, "Architecture"), "_mac") != NULL,
      .uefi_hidden = facts->uefi_unreadable && !af_streq(af_json_str(image, "BootMode"), "legacy-bios"),
      .kernel = af_streq(spec->source.region, spec->target.region) ? NULL : kernel_of(image),
      .watermark = watermark_of(spec, image),
      .paravirtual = af_streq(af_json_str(image, "VirtualizationType"), "paravirtual"),
  };
  const json_t *mappings = json_object_get(image, "BlockDeviceMappings");
  for (size_t i = 0; i < json_array_size(mappings); i++)
    survey_snapshot(ret, json_array_get(mappings, i));
}

const char *af_survey_encryption(const struct af_survey *s) {
  static const char *const words[2][8] = {
      {"not encrypted", "encrypted under a customer key", "encrypted under an AWS managed key",
       "encrypted under a customer key and an AWS managed key", "encrypted under a key that could not be described",
       "encrypted under keys of which one could not be described", "encrypted under keys of which one could not be described",
       "encrypted under keys of which one could not be described"},
      {"not encrypted", "partly encrypted under a customer key", "partly encrypted under an AWS managed key",
       "partly encrypted under a customer key and an AWS managed key", "partly encrypted under a key that could not be described",
       "partly encrypted under keys of which one could not be described",
       "partly encrypted under keys of which one could not be described",
       "partly encrypted under keys of which one could not be described"},
  };
  return words[s->plain != NULL]
              [(s->under_customer ? 1 : 0) | (s->under_aws ? 2 : 0) | (s->under_unknown || s->under_hidden ? 4 : 0)];
}
