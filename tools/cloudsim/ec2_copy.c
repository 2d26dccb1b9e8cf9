/* CopyImage and CopySnapshot: who may copy what under which key, answered at once; the rest happens later (ec2_lifecycle.c).
 * rules.md 1, 2.1, 2.2. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2.h"

/* --- what both calls check --- */

int cs_check_name(struct cs_call *call, const char *name) {
  size_t n = strlen(name);
  if (n >= 3 && n <= 128 && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789()[] ./-'@_") == n)
    return 0;
  return cs_fail(call, 400, "InvalidAMIName.Malformed",
                 "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_'");
}

int cs_check_unique_name(struct cs_call *call, const char *name) {
  const struct cs_ec2 *ec2 = call->sim->ec2;
  for (size_t i = 0; i < ec2->n_images; i++) {
    const struct cs_image *image = ec2->images[i];
    if (image->region == call->region && af_streq(image->owner->id, call->caller.account) && cs_image_lives(image, call->sim_ms) &&
        af_streq(image->text[CS_NAME], name)) /* rules.md 2.1 */
      return cs_fail(call, 400, "InvalidAMIName.Duplicate", "AMI name %s is already in use by AMI %s", name, image->id);
  }
  return 0;
}

static const struct cs_region *source_region(struct cs_call *call) {
  const char *name = cs_param(&call->params, "SourceRegion");
  const struct cs_region *region = cs_region_find(call->sim, name);
  /* No path crosses partitions: rules.md 1.1. */
  if (!region || !af_streq(region->partition, call->region->partition)) {
    cs_fail(call, 400, "InvalidRegion", "The region '%s' is not valid or not in this partition.", name);
    return NULL;
  }
  if (!cs_settings_of(call->sim, cs_caller_account(call), name)->enabled) {
    cs_fail(call, 401, "OptInRequired", "You are not subscribed to the region '%s'.", name);
    return NULL;
  }
  return region;
}

int cs_check_description(struct cs_call *call) {
  const char *text = cs_param(&call->params, "Description");
  if (text && strlen(text) > 255)
    return cs_fail(call, 400, "InvalidParameterValue", "Value for parameter description is invalid. It has at most 255 characters.");
  return 0;
}

static int check_minutes(struct cs_call *call, const char *name, int64_t *ret) {
  int64_t minutes = cs_param_int(call, name, 0);
  if (cs_param(&call->params, name) && (minutes < 15 || minutes > 2880 || minutes % 15 != 0)) /* rules.md 1.1 */
    return cs_fail(call, 400, "InvalidParameterValue", "Value (%" PRId64 ") for parameter %s is invalid. 15 to 2880, in steps of 15.",
                   minutes, name);
  *ret = minutes;
  return 0;
}

static int check_encryption(struct cs_call *call) {
  if (cs_param(&call->params, "KmsKeyId") && cs_param_bool(call, "Encrypted", false) != true) /* rules.md 1.1, 2.2 */
    return cs_fail(call, 400, "InvalidParameterDependency", "The parameter [KmsKeyId] requires the parameter Encrypted to be set.");
  static const char *const elsewhere[] = {"DestinationOutpostArn", "DestinationAvailabilityZone", "DestinationAvailabilityZoneId"};
  for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
    if (cs_param(&call->params, elsewhere[i]))
      return cs_fail(call, 400, "UnsupportedOperation", "cloudsim has no Outposts and no Local Zones.");
  return 0;
}

int cs_check_snapshot_quota(struct cs_call *call, int copies, int new_snapshots) {
  const struct cs_quotas *q = &call->sim->quota;
  const struct cs_usage *u = cs_usage_of(call->sim, cs_caller_account(call), call->region);
  if (copies > 0 && u->snapshot_copies + copies > q->snapshot_copies) /* rules.md 6.1 */
    return cs_fail(call, 400, "ResourceLimitExceeded", "Too many snapshot copies in progress. The limit is %d for this destination region.",
                   q->snapshot_copies);
  if (q->pending_snapshots > 0 && u->pending_snapshots + new_snapshots > q->pending_snapshots)
    return cs_fail(call, 400, "PendingSnapshotLimitExceeded", "You have reached your pending snapshot limit of %d.", q->pending_snapshots);
  if (u->snapshots + new_snapshots > q->snapshots)
    return cs_fail(call, 400, "SnapshotLimitExceeded", "You have reached your quota of %d snapshots in this Region.", q->snapshots);
  return 0;
}

int cs_check_image_quota(struct cs_call *call, bool copy) {
  const struct cs_quotas *q = &call->sim->quota;
  const struct cs_usage *u = cs_usage_of(call->sim, cs_caller_account(call), call->region);
  if (copy && u->image_copies >= q->image_copies)
    return cs_fail(call, 400, "ResourceLimitExceeded", "Too many image copies in progress. The limit is %d for this destination region.",
                   q->image_copies);
  if (u->images >= q->images)
    return cs_fail(call, 400, "ResourceLimitExceeded", "You have reached your quota of %d AMIs in this Region.", q->images);
  return 0;
}

/* --- keys --- */

struct key_choice {
  struct cs_copy_order order;
  const char *doom; /* the key is not to be found: the copy will fail by itself */
};

const struct cs_key *cs_default_key(struct cs_call *call) {
  const struct cs_settings *s = cs_caller_settings(call);
  if (!s->ebs_default_key)
    return cs_kms_default_ebs_key(call->sim, call->caller.account, call->region->name);
  return cs_kms_key_find(call->sim, call->region->name, call->caller.account, s->ebs_default_key);
}

/* rules.md 1.4: with no parameters, encrypted stays encrypted, and encryption by default makes it so. */
static const struct cs_key *implied_key(struct cs_call *call, const struct cs_snapshot *from, bool image) {
  bool own = af_streq(from->owner->id, call->caller.account);
  bool same_key = image && from->encrypted && (own || call->sim->uncertain.copy_same_key_for_foreign);
  if (same_key && from->region == call->region)
    return cs_kms_key_find(call->sim, from->region->name, from->owner->id, from->kms_key);
  /* rules.md 2.2: CopySnapshot takes aws/ebs, unless encryption by default is on. */
  if (!image && !cs_caller_settings(call)->ebs_encryption_by_default)
    return cs_kms_default_ebs_key(call->sim, call->caller.account, call->region->name);
  return cs_default_key(call);
}

static struct key_choice choose_key(struct cs_call *call, const struct cs_snapshot *from, bool image) {
  struct key_choice choice = {0};
  const char *named = cs_param(&call->params, "KmsKeyId");
  choice.order.encrypted = from->encrypted || cs_param_bool(call, "Encrypted", false) == true ||
                           cs_caller_settings(call)->ebs_encryption_by_default;
  if (!choice.order.encrypted)
    return choice;
  choice.order.target_key =
      named ? cs_kms_key_find(call->sim, call->region->name, call->caller.account, named) : implied_key(call, from, image);
  if (!choice.order.target_key)
    choice.doom = "Given key ID is not accessible"; /* authenticated asynchronously: rules.md 1.1 */
  return choice;
}

/* --- CopyImage: the source --- */

static const struct cs_snapshot *mapped(const struct cs_call *call, const struct cs_image *image, size_t i) {
  return cs_snapshot_by_id(call->sim, image->mappings[i].snapshot_id);
}

/* rules.md 1.3.2: reading the storage is a permission of its own, on every snapshot. */
static bool storage_open(struct cs_call *call, const struct cs_image *image) {
  const struct cs_account *account = cs_caller_account(call);
  if (cs_bundled(image))
    return cs_bundle_open(call->sim, call->sim_ms, &call->caller, image);
  if (image->owner == account)
    return true;
  for (size_t i = 0; i < image->n_mappings; i++) {
    if (!image->mappings[i].snapshot_id)
      continue;
    const struct cs_snapshot *s = mapped(call, image, i);
    if (!s || !cs_snapshot_open(call->sim, s, call->view_ms, account))
      return false;
  }
  return true;
}

static const struct cs_image *find_source(struct cs_call *call, const struct cs_region *region) {
  const char *id = cs_param(&call->params, "SourceImageId");
  if (cs_check_image_id(call, id) < 0)
    return NULL;
  const struct cs_image *image = cs_image_by_id(call->sim, id);
  enum cs_seen seen = cs_image_seen(call, region, image);
  /* rules.md 1.3.1: perhaps the bytes need no launch permission. */
  if (seen == CS_UNSEEN && !call->sim->uncertain.copy_needs_launch_permission && image && image->region == region &&
      cs_image_lives(image, call->view_ms) && storage_open(call, image))
    seen = CS_SEEN;
  if (seen == CS_UNSEEN)
    cs_fail(call, 400, "InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id);
  else if (seen == CS_GONE || !cs_image_usable(call, image))
    cs_fail(call, 400, "InvalidAMIID.Unavailable", "The image ID '%s' is not available", id);
  return call->failure.status != 0 ? NULL : image;
}

static bool subscribed(const struct cs_account *account, const char *code) {
  for (size_t i = 0; account && i < account->n_subscriptions; i++)
    if (af_streq(account->subscriptions[i], code))
      return true;
  return false;
}

static const char *sold(const struct cs_product_code *codes, size_t n, const struct cs_account *account) {
  for (size_t i = 0; i < n; i++)
    if (af_streq(codes[i].type, "marketplace") && !subscribed(account, codes[i].code))
      return codes[i].code;
  return NULL;
}

const char *cs_marketplace_code(const struct cs_sim *sim, const struct cs_image *image, const struct cs_account *account) {
  const char *code = sold(image->codes, image->n_codes, account);
  for (size_t i = 0; i < image->n_mappings && !code; i++) {
    const struct cs_snapshot *s = cs_snapshot_by_id(sim, image->mappings[i].snapshot_id);
    code = s ? sold(s->codes, s->n_codes, account) : NULL;
  }
  return code;
}

/* The refusals of a source that is there and available, in the order of rules.md 1.5: storage, then billing, then encryption. */
static int check_source(struct cs_call *call, const struct cs_image *image) {
  const struct cs_uncertain *u = &call->sim->uncertain;
  bool foreign = !af_streq(image->owner->id, call->caller.account);
  if (!storage_open(call, image))
    return cs_fail(call, 400, "InvalidRequest", "You do not have permission to access the storage of this ami");
  if (cs_check_tiers(call, image, "copied") < 0)
    return -AF_EAWS;
  if (foreign && u->marketplace_copy_refused && cs_marketplace_code(call->sim, image, NULL))
    return cs_fail(call, 400, "InvalidRequest", "Images from AWS Marketplace cannot be copied to another AWS account");
  if (foreign && u->billing_copy_refused && (image->billing || image->n_codes > 0))
    return cs_fail(call, 400, "InvalidRequest", "Images with EC2 BillingProduct codes cannot be copied to another AWS account");
  for (size_t i = 0; i < image->n_mappings; i++) {
    const struct cs_snapshot *s = mapped(call, image, i);
    if (s && s->encrypted && cs_param(&call->params, "Encrypted") && cs_param_bool(call, "Encrypted", true) == false)
      return cs_fail(call, 400, "InvalidRequest",
                     "Snapshot %s is encrypted. Creating unencrypted copy from an encrypted snapshot is not supported.", s->id);
  }
  return 0;
}

static int may_copy(struct cs_call *call, const struct cs_region *region, const char *type, const char *id) {
  char arn[160];
  cs_arn(arn, sizeof arn, region, type, id);
  return cs_policy_check(call, "ec2:CopyImage", arn);
}

/* rules.md 1.3.5: besides the new image, policies can name the source image and its snapshots. */
static int may_copy_source(struct cs_call *call, const struct cs_image *image) {
  if (may_copy(call, image->region, "image", image->id) < 0)
    return -AF_EAWS;
  for (size_t i = 0; i < image->n_mappings; i++)
    if (image->mappings[i].snapshot_id && may_copy(call, image->region, "snapshot", image->mappings[i].snapshot_id) < 0)
      return -AF_EAWS;
  return 0;
}

/* --- CopyImage: the effect --- */

/* "1,566,308,778,174" */
static void with_commas(int64_t n, char *out, size_t size) {
  char digits[24];
  int len = snprintf(digits, sizeof digits, "%" PRId64, n);
  size_t at = 0;
  for (int i = 0; i < len && at + 2 < size; i++) {
    if (i > 0 && (len - i) % 3 == 0)
      out[at++] = ',';
    out[at++] = digits[i];
  }
  out[at] = 0;
}

void cs_image_inherit(struct cs_image *to, const struct cs_image *from) {
  for (int i = 0; i < CS_ATTRIBUTE_MAX_; i++)
    if (cs_image_attributes[i].copied)
      cs_set(&to->text[i], from->text[i]);
  cs_codes_copy(&to->codes, &to->n_codes, from->codes, from->n_codes);
  cs_watermarks_copy(to, from);
  to->billing = from->billing;
}

void cs_image_derive(struct cs_call *call, struct cs_image *to, const struct cs_image *from) {
  char text[AF_TIME_SIZE], location[160];
  cs_image_inherit(to, from);
  const char *name = cs_param(&call->params, "Name");
  snprintf(location, sizeof location, "%s/%s", to->owner->id, name);
  af_time_iso(call->sim_ms / 1000 * 1000, text);
  cs_set(&to->text[CS_NAME], name);
  cs_set(&to->text[CS_DESCRIPTION], cs_param(&call->params, "Description"));
  cs_set(&to->text[CS_LOCATION], location);
  cs_set(&to->text[CS_CREATION_DATE], text);
  cs_set(&to->text[CS_SOURCE_IMAGE], from->id);
  cs_set(&to->text[CS_SOURCE_REGION], from->region->name);
  cs_tag_specs_apply(call, "image", &to->tags);
}

/* rules.md 1.2: with CopyImageTags the user's own tags; another account's never, but for those that its owner shares. */
static void inherit_tags(struct cs_call *call, struct cs_tags *to, const struct cs_image *from) {
  if (cs_caller_account(call) == from->owner && cs_param_bool(call, "CopyImageTags", false) == true)
    cs_tags_copy(to, call->sim_ms, &from->tags);
  else
    cs_tags_copy_shared(to, call->sim_ms, &from->tags);
}

/* The tags that come along count, too (rules.md 1.2); without room for all there is no copy (1.1: atomic). */
static int check_tag_room(struct cs_call *call, const struct cs_image *from) {
  struct cs_tags all = {0};
  inherit_tags(call, &all, from);
  cs_tag_specs_apply(call, "image", &all);
  int rc = cs_tags_room(call, &all, 0, "*");
  cs_tags_done(&all);
  return rc;
}

static void copy_attributes(struct cs_call *call, struct cs_image *to, const struct cs_image *from) {
  inherit_tags(call, &to->tags, from);
  cs_image_derive(call, to, from); /* the call's tags last: they say what is wanted now */
  cs_kernels_copy(call->sim, to, from);
}

static void copy_one_snapshot(struct cs_call *call, struct cs_image *to, const struct cs_image *from, size_t i, int64_t minutes) {
  struct cs_mapping *m = &to->mappings[i];
  const struct cs_snapshot *source = mapped(call, from, i);
  if (!source)
    return;
  struct key_choice key = choose_key(call, source, true);
  struct cs_snapshot *s = cs_snapshot_new(call->sim, to->owner, to->region, NULL);
  char text[256], when[40];
  with_commas(call->sim_ms, when, sizeof when);
  snprintf(text, sizeof text, "Copied for DestinationAmi %s from SourceAmi %s for SourceSnapshot %s. Task created on %s.", to->id, from->id,
           source->id, when); /* rules.md 1.6 */
  cs_set(&s->description, text);
  cs_set(&m->snapshot_id, s->id);
  m->encrypted = key.order.encrypted;
  s->image = to;
  to->waits_for++;
  cs_tag_specs_apply(call, "snapshot", &s->tags);
  key.order.minutes = minutes;
  key.order.by_copy_snapshot = call->sim->uncertain.copy_image_uses_snapshot_slots;
  cs_copy_begin(call, s, source, &key.order, key.doom);
}

static struct cs_image *begin_image_copy(struct cs_call *call, const struct cs_image *from, int64_t minutes) {
  struct cs_image *to = cs_image_new(call->sim, cs_caller_account(call), call->region, NULL);
  to->created_ms = call->sim_ms;
  to->copy = to->assembled = true;
  AF_COPY(to->creator, af_str(call->caller.arn));
  copy_attributes(call, to, from);
  for (size_t i = 0; i < from->n_mappings; i++) {
    cs_mapping_copy(CS_ADD(to->mappings, to->n_mappings), &from->mappings[i]);
    copy_one_snapshot(call, to, from, i, minutes);
  }
  if (cs_bundled(from))
    cs_bundle_copy_begin(call, to, from);
  else if (to->waits_for == 0)
    to->ready_ms = call->sim_ms + cs_draw(&call->sim->times, call->sim->latency.image_registration);
  cs_image_wait(call->sim, to);
  return to;
}

static int check_copy_image(struct cs_call *call, int64_t *ret_minutes) {
  static const char *const types[] = {"image", "snapshot", NULL};
  return cs_check_name(call, cs_param(&call->params, "Name")) < 0 || cs_check_description(call) < 0 || check_encryption(call) < 0 ||
                 check_minutes(call, "SnapshotCopyCompletionDurationMinutes", ret_minutes) < 0 || cs_tag_specs_check(call, types) < 0
             ? -AF_EAWS
             : 0;
}

static int check_room(struct cs_call *call, const struct cs_image *source) {
  int n = 0;
  for (size_t i = 0; i < source->n_mappings; i++)
    n += source->mappings[i].snapshot_id != NULL;
  if (call->sim->uncertain.copy_image_unique_name && cs_check_unique_name(call, cs_param(&call->params, "Name")) < 0)
    return -AF_EAWS;
  return check_tag_room(call, source) < 0 || cs_check_image_quota(call, true) < 0 ||
                 cs_check_snapshot_quota(call, call->sim->uncertain.copy_image_uses_snapshot_slots ? n : 0, n) < 0
             ? -AF_EAWS
             : 0;
}

int cs_copy_image(struct cs_call *call, struct af_buf *out) {
  const char *token = cs_param(&call->params, "ClientToken"), *id = NULL;
  int64_t minutes = 0;
  const struct cs_region *region = source_region(call);
  if (!region || check_copy_image(call, &minutes) < 0 || may_copy(call, call->region, "image", "*") < 0)
    return -AF_EAWS;
  if (!call->sim->uncertain.dry_run_checks_source && cs_dry_run(call) < 0)
    return -AF_EAWS;
  int replayed = cs_token_replay(call, token, "", &id);
  if (replayed < 0)
    return replayed;
  if (!replayed) {
    const struct cs_image *source = find_source(call, region);
    if (!source || may_copy_source(call, source) < 0 || check_source(call, source) < 0 || cs_kernels_check_copy(call, source) < 0 ||
        (cs_bundled(source) && cs_s3_check_bundle_target(call) < 0) || cs_dry_run(call) < 0 || check_room(call, source) < 0)
      return -AF_EAWS;
    id = begin_image_copy(call, source, minutes)->id;
    cs_token_keep(call, token, "", id);
  }
  cs_xml_text(out, "imageId", id);
  return 0;
}

/* --- CopySnapshot --- */

static const struct cs_snapshot *find_source_snapshot(struct cs_call *call, const struct cs_region *region) {
  const char *id = cs_param(&call->params, "SourceSnapshotId");
  if (cs_check_snapshot_id(call, id) < 0)
    return NULL;
  const struct cs_snapshot *s = cs_snapshot_by_id(call->sim, id);
  if (cs_snapshot_seen(call, region, s) == CS_UNSEEN || !cs_snapshot_lives(s, call->sim_ms) ||
      !cs_snapshot_open(call->sim, s, call->view_ms, cs_caller_account(call))) {
    cs_fail(call, 400, "InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", id);
    return NULL;
  }
  if (!af_streq(cs_snapshot_state(s, call->view_ms), "completed")) {
    cs_fail(call, 400, "IncorrectState", "The snapshot '%s' is not in the completed state.", id);
    return NULL;
  }
  return cs_check_tier(call, s, "copied") < 0 ? NULL : s;
}

/* rules.md 2.2: the same call, presigned for the source Region by the same caller. NULL: good. */
static const char *presigned_fault(struct cs_call *call, const struct cs_region *region, const char *url) {
  static const char *const same[] = {"SourceRegion", "SourceSnapshotId"};
  struct cs_caller signer = {0};
  struct cs_params signed_params = {0};
  struct cs_failure failure = {0};
  const char *fault = NULL;
  if (cs_auth_presigned(call->sim, call->now_ms + call->skew_ms, url, region->name, &signer, &signed_params, &failure) < 0)
    return "The presigned URL is not valid";
  if (!af_streq(cs_param(&signed_params, "Action"), "CopySnapshot") || !af_streq(signer.account, call->caller.account) ||
      !af_streq(cs_param(&signed_params, "DestinationRegion"), call->region->name))
    fault = "The presigned URL is not of this call";
  for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
    if (!af_streq(cs_param(&signed_params, same[i]), cs_param(&call->params, same[i])))
      fault = "The presigned URL is not of this call";
  cs_params_done(&signed_params);
  return fault;
}

static int check_copy_snapshot(struct cs_call *call, int64_t *ret_minutes) {
  static const char *const types[] = {"snapshot", NULL};
  char arn[160];
  if (cs_param(&call->params, "Encrypted") && cs_param_bool(call, "Encrypted", true) == false) /* rules.md 2.2 */
    return cs_fail(call, 400, "InvalidParameterValue", "Value (false) for parameter Encrypted is invalid.");
  if (cs_check_description(call) < 0 || check_encryption(call) < 0 || check_minutes(call, "CompletionDurationMinutes", ret_minutes) < 0)
    return -AF_EAWS;
  cs_arn(arn, sizeof arn, call->region, "snapshot", "*");
  return cs_policy_check(call, "ec2:CopySnapshot", arn) < 0 ? -AF_EAWS : cs_tag_specs_check(call, types);
}

int cs_copy_snapshot(struct cs_call *call, struct af_buf *out) {
  int64_t minutes = 0;
  const struct cs_region *region = source_region(call);
  const char *url = cs_param(&call->params, "PresignedUrl");
  if (!region || check_copy_snapshot(call, &minutes) < 0)
    return -AF_EAWS;
  const struct cs_snapshot *source = find_source_snapshot(call, region);
  if (!source)
    return -AF_EAWS;
  if (source->encrypted && !url)
    return cs_fail(call, 400, "MissingParameter", "The request must contain the parameter PresignedUrl");
  if (cs_dry_run(call) < 0 || cs_check_snapshot_quota(call, 1, 1) < 0)
    return -AF_EAWS;
  struct key_choice key = choose_key(call, source, false);
  const char *fault = source->encrypted ? presigned_fault(call, region, url) : NULL;
  key.order.minutes = minutes;
  key.order.by_copy_snapshot = true;
  struct cs_snapshot *s = cs_snapshot_new(call->sim, cs_caller_account(call), call->region, NULL);
  cs_set(&s->description, cs_param(&call->params, "Description"));
  cs_tag_specs_apply(call, "snapshot", &s->tags);
  cs_copy_begin(call, s, source, &key.order, fault ? fault : key.doom);
  cs_xml_text(out, "snapshotId", s->id);
  cs_xml_tags(out, &s->tags, call->sim_ms, true);
  return 0;
}
