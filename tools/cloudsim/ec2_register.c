/* RegisterImage (rules.md 2.4), and the ends: DeregisterImage, DeleteSnapshot (rules.md 2.5). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2.h"

enum { MOST_UEFI_DATA = 64000 };

static const char *param(struct cs_call *call, const char *name) {
  return cs_param(&call->params, name);
}

static int done(struct af_buf *out) {
  cs_xml_bool(out, "return", true);
  return 0;
}

/* --- RegisterImage: plain parameters --- */

static const struct {
  const char *param;
  const char *const allowed[8];
} choices[] = {
    {"Architecture", {"i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac"}},
    {"VirtualizationType", {"hvm", "paravirtual"}},
    {"BootMode", {"legacy-bios", "uefi", "uefi-preferred"}},
    {"TpmSupport", {"v2.0"}},
    {"ImdsSupport", {"v2.0"}},
    {"SriovNetSupport", {"simple"}},
};

static int check_text(struct cs_call *call) {
  const char *description = param(call, "Description"), *uefi = param(call, "UefiData");
  for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
    if (cs_one_of(call, choices[i].param, choices[i].allowed) < 0)
      return -AF_EAWS;
  if (description && strlen(description) > 255)
    return cs_fail(call, 400, "InvalidParameterValue", "Value for parameter description is invalid. It has at most 255 characters.");
  size_t n = uefi ? strlen(uefi) : 0;
  if (n > MOST_UEFI_DATA || (uefi && strspn(uefi, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != n))
    return cs_fail(call, 400, "InvalidParameterValue", "Value for parameter UefiData is invalid.");
  if (cs_param_prefix(&call->params, "BillingProduct.")) /* rules.md 2.4: AWS must have authorised the account */
    return cs_fail(call, 403, "AuthFailure", "The account is not authorized to register images with billing products.");
  return 0;
}

static int check_combinations(struct cs_call *call) {
  bool hvm = af_streq(param(call, "VirtualizationType"), "hvm"); /* absent: paravirtual */
  const char *boot = param(call, "BootMode");
  if (!hvm && (cs_param_bool(call, "EnaSupport", false) == true || param(call, "SriovNetSupport")))
    return cs_fail(call, 400, "InvalidParameterCombination", "Enhanced networking is supported by hvm images only.");
  if (!hvm && boot && !af_streq(boot, "legacy-bios"))
    return cs_fail(call, 400, "InvalidParameterCombination", "The boot mode %s is supported by hvm images only.", boot);
  if (param(call, "TpmSupport") && !af_streq(boot, "uefi"))
    return cs_fail(call, 400, "InvalidParameterCombination", "NitroTPM is supported with the boot mode uefi only.");
  if (af_streq(param(call, "Architecture"), "arm64") && af_streq(boot, "legacy-bios"))
    return cs_fail(call, 400, "InvalidParameterCombination", "The architecture arm64 does not support the boot mode legacy-bios.");
  return 0;
}

/* --- RegisterImage: mappings --- */

static const char *ebs(struct cs_call *call, size_t i, const char *member) {
  return cs_paramf(&call->params, "BlockDeviceMapping.%zu.Ebs.%s", i, member);
}

static int64_t ebs_int(struct cs_call *call, size_t i, const char *member) {
  int64_t n = -1;
  const char *text = ebs(call, i, member);
  if (text)
    (void)af_str_to_i64(af_str(text), &n);
  return n;
}

static int bad_mapping(struct cs_call *call, const struct cs_mapping *m, const char *why) {
  return cs_fail(call, 400, "InvalidBlockDeviceMapping", "Invalid device mapping %s: %s", m->device, why);
}

/* By the model's documentation of EbsBlockDevice. most 0: the type has no such parameter. */
static const struct volume_type {
  const char *name;
  struct {
    int64_t least, most;
  } gib, iops, mibs;
  bool provisioned; /* iops must be given */
} volume_types[] = {
    {"gp2", {1, 16384}, {0, 0}, {0, 0}, false},
    {"gp3", {1, 65536}, {3000, 80000}, {125, 2000}, false},
    {"io1", {4, 16384}, {100, 64000}, {0, 0}, true},
    {"io2", {4, 65536}, {100, 256000}, {0, 0}, true},
    {"sc1", {125, 16384}, {0, 0}, {0, 0}, false},
    {"st1", {125, 16384}, {0, 0}, {0, 0}, false},
    {"standard", {1, 1024}, {0, 0}, {0, 0}, false},
};

static const struct volume_type *volume_type(const char *name) {
  for (size_t i = 0; i < sizeof volume_types / sizeof volume_types[0]; i++)
    if (af_streq(volume_types[i].name, name))
      return &volume_types[i];
  return NULL;
}

/* given -1: not at all, which is lawful. */
static int check_range(struct cs_call *call, const struct volume_type *type, const char *name, int64_t given, int64_t least, int64_t most) {
  if (given < 0)
    return 0;
  if (most == 0)
    return cs_fail(call, 400, "InvalidParameterCombination", "The parameter %s is not supported for %s volumes.", name, type->name);
  if (given < least)
    return cs_fail(call, 400, "InvalidParameterValue", "Volume %s of %" PRId64 " is too low; minimum is %" PRId64 " for %s volumes.", name,
                   given, least, type->name);
  if (given > most)
    return cs_fail(call, 400, "InvalidParameterValue", "Volume %s of %" PRId64 " is too high; maximum is %" PRId64 " for %s volumes.", name,
                   given, most, type->name);
  return 0;
}

int cs_check_performance(struct cs_call *call, const struct cs_mapping *m) {
  const struct volume_type *type = volume_type(m->volume_type);
  if (!type)
    return cs_fail(call, 400, "InvalidParameterValue", "Value (%s) for parameter volumeType is invalid.", m->volume_type);
  if (type->provisioned && m->iops < 0)
    return cs_fail(call, 400, "MissingParameter", "The request must contain the parameter iops for volume type %s", m->volume_type);
  return check_range(call, type, "iops", m->iops, type->iops.least, type->iops.most) < 0
             ? -AF_EAWS
             : check_range(call, type, "throughput", m->throughput, type->mibs.least, type->mibs.most);
}

int cs_check_volume_size(struct cs_call *call, const struct cs_mapping *m) {
  const struct volume_type *type = volume_type(m->volume_type);
  if (type && m->volume_size < type->gib.least)
    return cs_fail(call, 400, "InvalidParameterValue", "Volume of %" PRId64 "GiB is too small for volume type %s; minimum is %" PRId64 "GiB.",
                   m->volume_size, type->name, type->gib.least);
  if (type && m->volume_size > type->gib.most)
    return cs_fail(call, 400, "InvalidParameterValue", "Volume of %" PRId64 "GiB is too large for volume type %s; maximum is %" PRId64 "GiB.",
                   m->volume_size, type->name, type->gib.most);
  return 0;
}

static int read_from_snapshot(struct cs_call *call, size_t i, struct cs_mapping *m, const char *id) {
  char arn[160];
  if (ebs(call, i, "Encrypted"))
    return cs_fail(call, 400, "InvalidBlockDeviceMapping", "the encrypted flag cannot be specified since device %s has a snapshot specified.",
                   m->device);
  struct cs_snapshot *s = cs_own_snapshot(call, id);
  if (!s)
    return -AF_EAWS;
  cs_arn(arn, sizeof arn, call->region, "snapshot", id);
  if (cs_policy_check(call, "ec2:RegisterImage", arn) < 0)
    return -AF_EAWS;
  if (!af_streq(cs_snapshot_state(s, call->view_ms), "completed"))
    return cs_fail(call, 400, "IncorrectState", "The snapshot '%s' is not in the completed state.", id);
  if (cs_check_tier(call, s, "registered") < 0)
    return -AF_EAWS;
  if (m->volume_size < 0)
    m->volume_size = s->volume_size_gib;
  if (m->volume_size < s->volume_size_gib)
    return cs_fail(call, 400, "InvalidBlockDeviceMapping", "Volume of size %" PRId64 "GB is smaller than snapshot '%s', expect size >= %" PRId64 "GB",
                   m->volume_size, id, s->volume_size_gib);
  if (cs_check_volume_size(call, m) < 0)
    return -AF_EAWS;
  m->snapshot_id = cs_strdup(id);
  m->encrypted = s->encrypted;
  return 0;
}

static int read_ebs(struct cs_call *call, size_t i, struct cs_mapping *m) {
  const char *snapshot = ebs(call, i, "SnapshotId"), *type = ebs(call, i, "VolumeType"), *ends = ebs(call, i, "DeleteOnTermination");
  m->ebs = true;
  m->volume_type = cs_strdup(type ? type : "standard");
  m->volume_size = ebs_int(call, i, "VolumeSize");
  m->iops = ebs_int(call, i, "Iops");
  m->throughput = ebs_int(call, i, "Throughput");
  m->delete_on_termination = !ends || ends[0] == 't' || ends[0] == 'T';
  if (ebs(call, i, "KmsKeyId")) /* rules.md 2.4: RunInstances alone takes it */
    return bad_mapping(call, m, "KmsKeyId is not supported");
  if (cs_check_performance(call, m) < 0)
    return -AF_EAWS;
  if (snapshot)
    return read_from_snapshot(call, i, m, snapshot);
  if (m->volume_size <= 0)
    return bad_mapping(call, m, "a snapshot or a volume size is needed");
  m->encrypted = af_streq(ebs(call, i, "Encrypted"), "true");
  return cs_check_volume_size(call, m);
}

static int read_mapping(struct cs_call *call, struct cs_image *image, size_t i) {
  const char *device = cs_paramf(&call->params, "BlockDeviceMapping.%zu.DeviceName", i);
  const char *virtual = cs_paramf(&call->params, "BlockDeviceMapping.%zu.VirtualName", i);
  char prefix[48];
  if (!device || !device[0])
    return cs_fail(call, 400, "MissingParameter", "The request must contain the parameter deviceName");
  for (size_t k = 0; k < image->n_mappings; k++)
    if (af_streq(image->mappings[k].device, device))
      return cs_fail(call, 400, "InvalidBlockDeviceMapping", "Duplicate device name: %s", device);
  struct cs_mapping *m = CS_ADD(image->mappings, image->n_mappings);
  *m = (struct cs_mapping){.device = cs_strdup(device), .volume_size = -1, .iops = -1, .throughput = -1};
  snprintf(prefix, sizeof prefix, "BlockDeviceMapping.%zu.Ebs.", i);
  if (cs_param_prefix(&call->params, prefix))
    return virtual ? bad_mapping(call, m, "virtualName and ebs exclude each other") : read_ebs(call, i, m);
  if (virtual) {
    m->virtual_name = cs_strdup(virtual);
    return strncmp(virtual, "ephemeral", 9) == 0 ? 0 : bad_mapping(call, m, "unknown virtualName");
  }
  m->no_device = true;
  return 0;
}

static int read_mappings(struct cs_call *call, struct cs_image *image) {
  size_t n = cs_param_list(call, "BlockDeviceMapping");
  for (size_t i = 1; i <= n; i++)
    if (read_mapping(call, image, i) < 0)
      return -AF_EAWS;
  if (param(call, "ImageLocation"))
    return 0;
  const struct cs_mapping *root = cs_root_mapping(image);
  if (!root || !root->snapshot_id)
    return cs_fail(call, 400, "InvalidBlockDeviceMapping", "The root device %s has no snapshot in the block device mapping.",
                   image->text[CS_ROOT_NAME]);
  return 0;
}

/* --- RegisterImage: the effect --- */

static void set_default(struct cs_image *image, enum cs_attribute which, const char *value) {
  if (!image->text[which])
    cs_set(&image->text[which], value);
}

/* rules.md 2.4: billing is derived from the snapshot's metadata, if it is there; else the image counts as Linux. */
static void set_billing(struct cs_call *call, struct cs_image *image) {
  const struct cs_mapping *root = cs_root_mapping(image);
  const struct cs_snapshot *s = root ? cs_snapshot_by_id(call->sim, root->snapshot_id) : NULL;
  if (s && call->sim->uncertain.register_keeps_billing) {
    cs_set(&image->text[CS_PLATFORM_DETAILS], s->platform_details);
    cs_set(&image->text[CS_USAGE_OPERATION], s->usage_operation);
  }
  set_default(image, CS_PLATFORM_DETAILS, "Linux/UNIX");
  set_default(image, CS_USAGE_OPERATION, "RunInstances");
  if (strncmp(image->text[CS_PLATFORM_DETAILS], "Windows", 7) == 0)
    cs_set(&image->text[CS_PLATFORM], "windows");
  for (size_t i = 0; i < image->n_mappings; i++) { /* Marketplace codes come along by themselves */
    s = cs_snapshot_by_id(call->sim, image->mappings[i].snapshot_id);
    if (s)
      cs_codes_copy(&image->codes, &image->n_codes, s->codes, s->n_codes);
  }
}

static void set_text(struct cs_call *call, struct cs_image *image) {
  char text[AF_TIME_SIZE], location[160];
  for (int i = 0; i < CS_ATTRIBUTE_MAX_; i++)
    if (cs_image_attributes[i].param)
      cs_set(&image->text[i], param(call, cs_image_attributes[i].param));
  if (cs_param_bool(call, "EnaSupport", false) != true)
    cs_set(&image->text[CS_ENA], NULL);
  else
    cs_set(&image->text[CS_ENA], "true");
  bool bundle = image->text[CS_LOCATION] != NULL;
  snprintf(location, sizeof location, "%s/%s", image->owner->id, image->text[CS_NAME]);
  af_time_iso(call->sim_ms / 1000 * 1000, text);
  set_default(image, CS_LOCATION, location);
  set_default(image, CS_ARCHITECTURE, "i386");             /* rules.md 2.4 */
  set_default(image, CS_VIRTUALIZATION, "paravirtual");    /* rules.md 2.4 */
  set_default(image, CS_ROOT_NAME, "/dev/sda1");
  set_default(image, CS_ROOT_TYPE, bundle ? "instance-store" : "ebs");
  set_default(image, CS_TYPE, "machine");
  set_default(image, CS_HYPERVISOR, "xen");
  set_default(image, CS_CREATION_DATE, text);
}

/* The image is put together on the side, and enters the world only when nothing more can go wrong. */
static struct cs_image *enter(struct cs_call *call, struct cs_image *draft) {
  struct cs_image *image = cs_image_new(call->sim, draft->owner, draft->region, NULL);
  char id[CS_ID_SIZE];
  AF_COPY(id, af_str(image->id));
  *image = *draft;
  AF_COPY(image->id, af_str(id));
  *draft = (struct cs_image){0};
  image->created_ms = call->sim_ms;
  image->gone_ms = CS_NEVER;
  image->ready_ms = call->sim_ms + cs_draw(&call->sim->times, call->sim->latency.image_registration);
  AF_COPY(image->creator, af_str(call->caller.arn));
  cs_tag_specs_apply(call, "image", &image->tags);
  cs_image_wait(call->sim, image);
  return image;
}

static int check_register(struct cs_call *call) {
  static const char *const types[] = {"image", NULL}; /* the image only: rules.md 2.4 */
  char arn[160];
  cs_arn(arn, sizeof arn, call->region, "image", "*");
  return cs_check_name(call, param(call, "Name")) < 0 || check_text(call) < 0 || check_combinations(call) < 0 || cs_kernels_check(call) < 0 ||
                 cs_policy_check(call, "ec2:RegisterImage", arn) < 0 || cs_tag_specs_check(call, types) < 0
             ? -AF_EAWS
             : 0;
}

int cs_register_image(struct cs_call *call, struct af_buf *out) {
  if (check_register(call) < 0)
    return -AF_EAWS;
  struct cs_image *draft = cs_new(sizeof *draft);
  draft->owner = cs_caller_account(call);
  draft->region = call->region;
  set_text(call, draft);
  int rc = read_mappings(call, draft) < 0 || cs_dry_run(call) < 0 || cs_check_unique_name(call, draft->text[CS_NAME]) < 0 ||
                   cs_check_image_quota(call, false) < 0
               ? -AF_EAWS
               : 0;
  if (rc == 0) {
    set_billing(call, draft);
    cs_xml_text(out, "imageId", enter(call, draft)->id);
  }
  cs_image_free(draft);
  return rc;
}

/* --- DeregisterImage --- */

static int may(struct cs_call *call, const char *action, const char *type, const char *id) {
  char arn[160];
  cs_arn(arn, sizeof arn, call->region, type, id);
  return cs_policy_check(call, action, arn);
}

/* What a copy that still runs does without its source is not documented: the audit names it. A copy under way ends with itself. */
static void delete_snapshot(struct cs_call *call, struct cs_snapshot *s) {
  const struct cs_ec2 *ec2 = call->sim->ec2;
  for (size_t i = 0; i < ec2->n_pending_snapshots; i++) {
    const struct cs_snapshot *to = ec2->pending_snapshots[i];
    if (to->copying && to->copying->source == s)
      cs_hazard(call->sim, call->sim_ms, "%s was deleted while its copy %s was under way", s->id, to->id);
  }
  cs_snapshot_end(call->sim, s, call->sim_ms);
}

/* rules.md 2.5: what becomes of each snapshot when the image goes and asks to take them along. */
static const char *delete_associated(struct cs_call *call, const struct cs_image *image, struct cs_snapshot *s) {
  if (cs_snapshot_users(call->sim, s, call->sim_ms, image, NULL))
    return "skipped";
  if (may(call, "ec2:DeleteSnapshot", "snapshot", s->id) < 0) {
    call->failure = (struct cs_failure){0};
    return "missing-permissions";
  }
  if (s->locked || s->owner != image->owner)
    return "client-error";
  delete_snapshot(call, s);
  return "success";
}

static void delete_all_associated(struct cs_call *call, struct af_buf *out, const struct cs_image *image) {
  cs_xml_open(out, "deleteSnapshotResultSet");
  for (size_t i = 0; i < image->n_mappings; i++) {
    struct cs_snapshot *s = cs_snapshot_by_id(call->sim, image->mappings[i].snapshot_id);
    if (!s || !cs_snapshot_lives(s, call->sim_ms))
      continue;
    cs_xml_open(out, "item");
    cs_xml_text(out, "snapshotId", s->id);
    cs_xml_text(out, "returnCode", delete_associated(call, image, s));
    cs_xml_close(out, "item");
  }
  cs_xml_close(out, "deleteSnapshotResultSet");
}

int cs_deregister_image(struct cs_call *call, struct af_buf *out) {
  const char *id = param(call, "ImageId");
  struct cs_image *image = cs_touch_image(call, id);
  if (!image)
    return -AF_EAWS;
  const char *protection = image->text[CS_PROTECTION];
  if ((protection && !af_streq(protection, "disabled")) || call->sim_ms < image->protected_until) /* rules.md 2.5 */
    return cs_fail(call, 400, "OperationNotPermitted", "The image '%s' has deregistration protection enabled.", id);
  cs_image_end(call->sim, image, call->sim_ms);
  cs_xml_bool(out, "return", true);
  if (cs_param_bool(call, "DeleteAssociatedSnapshots", false) == true)
    delete_all_associated(call, out, image);
  return 0;
}

/* --- DeleteSnapshot --- */

int cs_delete_snapshot(struct cs_call *call, struct af_buf *out) {
  const char *id = param(call, "SnapshotId");
  const struct cs_image *user = NULL;
  struct cs_snapshot *s = cs_touch_snapshot(call, id);
  if (!s)
    return -AF_EAWS;
  if (cs_snapshot_users(call->sim, s, call->sim_ms, NULL, &user))
    return cs_fail(call, 400, "InvalidSnapshot.InUse", "The snapshot %s is currently in use by %s", id, user->id);
  if (s->locked)
    return cs_fail(call, 400, "OperationNotPermitted", "The snapshot '%s' is locked.", id);
  delete_snapshot(call, s);
  return done(out);
}
