/* What a caller sees of images and snapshots, as of a time that may lie in the past (ec2.h), and whose they are. */
#include <stdio.h>

#include "tools/cloudsim/ec2.h"

struct cs_account *cs_caller_account(const struct cs_call *call) {
  return cs_account_find(call->sim, call->caller.account);
}

struct cs_settings *cs_caller_settings(const struct cs_call *call) {
  return cs_settings_of(call->sim, cs_caller_account(call), call->region->name);
}

void cs_arn(char *arn, size_t size, const struct cs_region *region, const char *type, const char *id) {
  snprintf(arn, size, "arn:%s:ec2:%s::%s/%s", region->partition, region->name, type, id);
}

void cs_call_arn(const struct cs_call *call, const char *type, const char *id, char *arn, size_t size) {
  bool global = af_streq(type, "image") || af_streq(type, "snapshot");
  snprintf(arn, size, "arn:%s:ec2:%s:%s:%s/%s", call->region->partition, call->region->name, global ? "" : call->caller.account, type, id);
}

bool cs_image_lives(const struct cs_image *image, int64_t at) {
  return image->created_ms <= at && at < image->gone_ms;
}

bool cs_snapshot_lives(const struct cs_snapshot *s, int64_t at) {
  return s->created_ms <= at && at < s->gone_ms;
}

/* --- images --- */

static bool list_has(char *const *list, size_t n, const char *text) {
  for (size_t i = 0; i < n; i++)
    if (af_streq(list[i], text))
      return true;
  return false;
}

/* rules.md 1.3.6: the account's criteria; own images are never restricted. No criterion at all allows nothing. */
bool cs_image_allowed(const struct cs_call *call, const struct cs_image *image) {
  const struct cs_settings *s = cs_settings_of(call->sim, cs_caller_account(call), image->region->name);
  if (af_streq(image->owner->id, call->caller.account) || af_streq(s->allowed_images_state, "disabled"))
    return true;
  bool named = s->n_allowed_names == 0;
  for (size_t i = 0; i < s->n_allowed_names; i++)
    named = named || af_str_glob(af_str(s->allowed_names[i]), af_str(image->text[CS_NAME]));
  bool provider = s->n_allowed_providers == 0 || list_has(s->allowed_providers, s->n_allowed_providers, image->owner->id) ||
                  list_has(s->allowed_providers, s->n_allowed_providers, image->owner->alias);
  return named && provider && s->n_allowed_names + s->n_allowed_providers > 0;
}

const char *cs_image_state(const struct cs_image *image, int64_t view) {
  static const char *const fates[] = {
      [CS_IMAGE_AVAILABLE] = "available",
      [CS_IMAGE_FAILED] = "failed",
      [CS_IMAGE_DISABLED] = "disabled",
      [CS_IMAGE_INVALID] = "invalid",
  };
  if (view >= image->gone_ms)
    return "deregistered";
  return view < image->ready_ms ? "pending" : fates[cs_image_fate(image, view)];
}

bool cs_image_usable(const struct cs_call *call, const struct cs_image *image) {
  return af_streq(cs_image_state(image, call->view_ms), "available") && af_streq(cs_image_state(image, call->sim_ms), "available");
}

static int64_t after(int64_t time, int64_t span) {
  return time > INT64_MAX - span ? INT64_MAX : time + span;
}

/* A disabled image has lost its launch permissions (rules.md 2.3). */
static bool image_open(const struct cs_call *call, const struct cs_image *image) {
  if (af_streq(image->owner->id, call->caller.account))
    return true;
  return cs_image_fate(image, call->view_ms) != CS_IMAGE_DISABLED && cs_permissions_reach(&image->permissions, call->view_ms, cs_caller_account(call));
}

enum cs_seen cs_image_seen(const struct cs_call *call, const struct cs_region *region, const struct cs_image *image) {
  int64_t view = call->view_ms, shown = call->sim->latency.deregistered_visible;
  if (!image || image->region != region || view < image->created_ms || !image_open(call, image))
    return CS_UNSEEN;
  const struct cs_settings *settings = cs_settings_of(call->sim, cs_caller_account(call), region->name);
  if (af_streq(settings->allowed_images_state, "enabled") && !cs_image_allowed(call, image))
    return CS_UNSEEN;
  /* rules.md 2.3: deregistered images show for a while, then the id gives nothing, then it is an error. */
  int64_t hidden = after(image->gone_ms, shown);
  if (view < image->gone_ms || view < hidden)
    return CS_SEEN;
  return view < after(hidden, shown) ? CS_GONE : CS_UNSEEN;
}

/* --- snapshots --- */

const char *cs_snapshot_state(const struct cs_snapshot *s, int64_t view) {
  if (view < s->ready_ms)
    return "pending";
  return s->failed ? "error" : "completed";
}

/* rules.md 2.3: reads 100 % a while before it is completed. */
int cs_snapshot_progress(const struct cs_snapshot *s, int64_t view) {
  if (view >= s->ready_ms)
    return s->failed ? 0 : 100;
  int64_t gone = view - s->start_ms, whole = s->ready_ms - s->start_ms;
  if (gone <= 0 || whole <= 0 || s->ready_ms == CS_NEVER)
    return 0;
  double percent = 100.0 * (double)gone / (0.95 * (double)whole);
  return percent >= 100.0 ? 100 : (int)percent;
}

enum cs_seen cs_snapshot_seen(const struct cs_call *call, const struct cs_region *region, const struct cs_snapshot *s) {
  if (!s || s->region != region || call->view_ms < s->created_ms)
    return CS_UNSEEN;
  return call->view_ms < after(s->gone_ms, call->sim->latency.deleted_visible) ? CS_SEEN : CS_UNSEEN;
}

/* The permission stays as it was given, and shows as such; block-all-sharing only keeps it from working (rules.md 2.5). */
bool cs_snapshot_public(const struct cs_sim *sim, const struct cs_snapshot *s, int64_t view) {
  const struct cs_settings *settings = cs_settings_of(sim, s->owner, s->region->name);
  return cs_permissions_public(&s->permissions, view) && !af_streq(settings->snapshot_block_public, "block-all-sharing");
}

bool cs_snapshot_open(const struct cs_sim *sim, const struct cs_snapshot *s, int64_t view, const struct cs_account *account) {
  return s->owner == account || cs_permissions_reach_closed(&s->permissions, view, account) || cs_snapshot_public(sim, s, view);
}

bool cs_snapshot_users(const struct cs_sim *sim, const struct cs_snapshot *s, int64_t at, const struct cs_image *but,
                       const struct cs_image **ret) {
  for (size_t i = 0; i < sim->ec2->n_images; i++) {
    const struct cs_image *image = sim->ec2->images[i];
    if (image == but || image->region != s->region || !cs_image_lives(image, at))
      continue;
    for (size_t k = 0; k < image->n_mappings; k++)
      if (af_streq(image->mappings[k].snapshot_id, s->id)) {
        if (ret)
          *ret = image;
        return true;
      }
  }
  return false;
}

int cs_check_tier(struct cs_call *call, const struct cs_snapshot *s, const char *what_for) {
  if (!af_streq(s->storage_tier, "archive"))
    return 0;
  return cs_fail(call, 400, "IncorrectState", "The snapshot '%s' is archived and cannot be %s.", s->id, what_for);
}

int cs_check_tiers(struct cs_call *call, const struct cs_image *image, const char *what_for) {
  for (size_t i = 0; i < image->n_mappings; i++) {
    const struct cs_snapshot *s = cs_snapshot_by_id(call->sim, image->mappings[i].snapshot_id);
    if (s && cs_check_tier(call, s, what_for) < 0)
      return -AF_EAWS;
  }
  return 0;
}

/* --- what a parameter names --- */

/* An id has 8 or 17 hexadecimal digits. */
int cs_check_id(struct cs_call *call, const char *id, const char *prefix, const char *code) {
  size_t skip = strlen(prefix), digits = strncmp(id, prefix, skip) == 0 ? strlen(id + skip) : 0;
  if ((digits == 8 || digits == 17) && strspn(id + skip, "0123456789abcdef") == digits)
    return 0;
  return cs_fail(call, 400, code, "Invalid id: \"%s\" (expecting \"%s...\")", id, prefix);
}

int cs_check_image_id(struct cs_call *call, const char *id) {
  return cs_check_id(call, id, "ami-", "InvalidAMIID.Malformed");
}

int cs_check_snapshot_id(struct cs_call *call, const char *id) {
  return cs_check_id(call, id, "snap-", "InvalidSnapshotID.Malformed");
}

struct cs_image *cs_own_image(struct cs_call *call, const char *id) {
  if (cs_check_image_id(call, id) < 0)
    return NULL;
  struct cs_image *image = cs_image_by_id(call->sim, id);
  enum cs_seen seen = cs_image_seen(call, call->region, image);
  if (seen == CS_UNSEEN) {
    cs_fail(call, 400, "InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id);
    return NULL;
  }
  if (!af_streq(image->owner->id, call->caller.account)) { /* rules.md 2.4 */
    cs_fail(call, 403, "AuthFailure", "Not authorized for image:%s", id);
    return NULL;
  }
  if (seen == CS_GONE || !cs_image_lives(image, call->sim_ms)) { /* rules.md 2.1 */
    cs_fail(call, 400, "InvalidAMIID.Unavailable", "The image ID '%s' is no longer available", id);
    return NULL;
  }
  return image;
}

struct cs_snapshot *cs_own_snapshot(struct cs_call *call, const char *id) {
  if (cs_check_snapshot_id(call, id) < 0)
    return NULL;
  struct cs_snapshot *s = cs_snapshot_by_id(call->sim, id);
  struct cs_account *account = cs_caller_account(call);
  if (cs_snapshot_seen(call, call->region, s) == CS_UNSEEN || !cs_snapshot_open(call->sim, s, call->view_ms, account) ||
      !cs_snapshot_lives(s, call->sim_ms)) {
    cs_fail(call, 400, "InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", id);
    return NULL;
  }
  if (s->owner != account) {
    cs_fail(call, 403, "AuthFailure", "Not authorized for snapshot:%s", id);
    return NULL;
  }
  return s;
}
