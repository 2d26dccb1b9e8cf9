/* Calls that change an image's standing: disabled or not, deprecated or not, protected or not (rules.md 2.3, 2.5), and the way out for
 * an account that an image was shared with. */
#include <stdio.h>

#include "tools/cloudsim/ec2.h"

static const int64_t minute_ms = 60 * 1000;
static const int64_t day_ms = (int64_t)24 * 3600 * 1000;

static struct cs_image *begin(struct cs_call *call) {
  return cs_touch_image(call, cs_param(&call->params, "ImageId"));
}

static int done(struct af_buf *out) {
  cs_xml_bool(out, "return", true);
  return 0;
}

static int wrong_state(struct cs_call *call, const struct cs_image *image) {
  return cs_fail(call, 400, "IncorrectState", "The image '%s' is in the state %s.", image->id, cs_image_state(image, call->sim_ms));
}

/* A disabled image loses every launch permission for good (rules.md 2.3). */
int cs_disable_image(struct cs_call *call, struct af_buf *out) {
  struct cs_image *image = begin(call);
  if (!image)
    return -AF_EAWS;
  if (!af_streq(cs_image_state(image, call->sim_ms), "available"))
    return wrong_state(call, image);
  for (size_t i = 0; i < image->permissions.n; i++)
    if (image->permissions.items[i].until == CS_NEVER)
      image->permissions.items[i].until = call->sim_ms;
  cs_image_set_fate(image, call->sim_ms, CS_IMAGE_DISABLED);
  return done(out);
}

int cs_enable_image(struct cs_call *call, struct af_buf *out) {
  struct cs_image *image = begin(call);
  if (!image || cs_check_tiers(call, image, "used by an image that is enabled") < 0)
    return -AF_EAWS;
  if (!af_streq(cs_image_state(image, call->sim_ms), "disabled"))
    return wrong_state(call, image);
  cs_image_set_fate(image, call->sim_ms, CS_IMAGE_AVAILABLE);
  return done(out);
}

/* rules.md 2.5: rounded to the minute, not in the past, ten years ahead at most, two years after its making for public images. */
int cs_enable_deprecation(struct cs_call *call, struct af_buf *out) {
  int64_t at, created;
  const char *text = cs_param(&call->params, "DeprecateAt");
  struct cs_image *image = begin(call);
  if (!image)
    return -AF_EAWS;
  if (af_time_parse(af_str(text), &at) < 0)
    return cs_fail(call, 400, "InvalidParameterValue", "Value (%s) for parameter DeprecateAt is invalid.", text);
  at = (at + minute_ms / 2) / minute_ms * minute_ms;
  bool bounded = cs_permissions_public(&image->permissions, call->sim_ms) && af_time_parse(af_str(image->text[CS_CREATION_DATE]), &created) == 0;
  int64_t last = bounded ? created + 730 * day_ms : call->sim_ms + 3652 * day_ms;
  if (at < call->sim_ms || at > last)
    return cs_fail(call, 400, "InvalidParameterValue", "Value (%s) for parameter DeprecateAt is invalid. It lies in the past, or too far ahead.", text);
  char stored[AF_TIME_SIZE];
  af_time_iso(at, stored);
  cs_image_set(image, call->sim_ms, CS_DEPRECATION, stored);
  return done(out);
}

int cs_disable_deprecation(struct cs_call *call, struct af_buf *out) {
  struct cs_image *image = begin(call);
  if (!image)
    return -AF_EAWS;
  cs_image_set(image, call->sim_ms, CS_DEPRECATION, NULL);
  return done(out);
}

int cs_enable_protection(struct cs_call *call, struct af_buf *out) {
  struct cs_image *image = begin(call);
  if (!image)
    return -AF_EAWS;
  bool cooldown = cs_param_bool(call, "WithCooldown", false) == true;
  cs_image_set(image, call->sim_ms, CS_PROTECTION, cooldown ? "enabled-with-cooldown" : "enabled-without-cooldown");
  return done(out);
}

/* rules.md 2.5: with cooldown, it goes on for a day. */
int cs_disable_protection(struct cs_call *call, struct af_buf *out) {
  struct cs_image *image = begin(call);
  if (!image)
    return -AF_EAWS;
  if (af_streq(image->text[CS_PROTECTION], "enabled-with-cooldown"))
    image->protected_until = call->sim_ms + day_ms;
  cs_image_set(image, call->sim_ms, CS_PROTECTION, "disabled");
  return done(out);
}

/* rules.md 2.5: the account that an image is shared with drops out by itself; it cannot leave a group or an organization. */
int cs_cancel_launch_permission(struct cs_call *call, struct af_buf *out) {
  const char *id = cs_param(&call->params, "ImageId");
  if (cs_check_image_id(call, id) < 0 || cs_may_touch(call, "image", id) < 0)
    return -AF_EAWS;
  struct cs_image *image = cs_image_by_id(call->sim, id);
  if (cs_image_seen(call, call->region, image) != CS_SEEN)
    return cs_fail(call, 400, "InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id);
  if (cs_dry_run(call) < 0)
    return -AF_EAWS;
  if (!cs_permitted(&image->permissions, call->sim_ms, CS_TO_USER, call->caller.account))
    return cs_fail(call, 400, "InvalidAMIID.Unavailable", "The image '%s' is not shared with this account by its id.", id);
  cs_withdraw(&image->permissions, call->sim_ms, CS_TO_USER, call->caller.account);
  return done(out);
}
