/* Warnings: what a person should know before a route is gone, as a table of questions. The most serious come first, because a
 * decision has room for a few. */
#include "plans/survey.h"

#include <stdio.h>

#include "plans/keep.h"

__attribute__((format(printf, 2, 3))) static void warn(struct af_decision *d, const char *format, ...) {
  if (d->n_warnings == AF_DECISION_MAX_WARNINGS)
    return;
  va_list args;
  va_start(args, format);
  vsnprintf(d->warnings[d->n_warnings++], sizeof d->warnings[0], format, args);
  va_end(args);
}

static bool makes(const struct af_decision *d) {
  return af_route_makes(d->route);
}

static void of_public(const struct af_survey *s, struct af_decision *d) {
  if (af_json_bool(s->facts->image, "Public"))
    warn(d, "%s is a public image: everybody can launch it", s->image_id);
}

/* rules.md section 12. reencrypt shares snapshots and keys only. */
static void of_launch_permission(const struct af_survey *s, struct af_decision *d) {
  if (d->route != AF_ROUTE_REENCRYPT && makes(d) && d->cross_account)
    warn(d, "while it is copied, account %s may launch %s; whoever may launch an image can also make an AMI of the instance",
         s->facts->target_account, s->image_id);
}

static void of_billing(const struct af_survey *s, struct af_decision *d) {
  const char *what = s->marketplace ? "carries a Marketplace product code" : "carries a billed platform";
  if (!makes(d) || !(s->marketplace || s->billed))
    return;
  if (d->route == AF_ROUTE_REENCRYPT)
    warn(d, "the image %s (%s, %s): RegisterImage may lose it; verify compares both, and a copy that lost it fails", what,
         af_json_str(s->facts->image, "PlatformDetails"), af_json_str(s->facts->image, "UsageOperation"));
  else if (s->marketplace && s->ownership != AF_OWNER_TARGET && d->route == AF_ROUTE_COPY_IMAGE)
    warn(d, "the image %s: AWS may refuse to copy it, and who launches the copy needs a subscription", what);
  else
    warn(d, "the image %s: what is launched from the copy is billed for it (%s)", what,
         af_json_str(s->facts->image, "PlatformDetails"));
}

/* The source's own credentials can't see what the target's setting hides (rules.md 1.3). */
static void of_allowed_images(const struct af_survey *s, struct af_decision *d) {
  if (makes(d) && d->cross_account && af_streq(s->facts->allowed_images, "enabled") &&
      !af_json_bool(s->facts->image, "ImageAllowed"))
    warn(d, "account %s has Allowed AMIs enabled: if it does not allow images of %s, the copy fails with InvalidAMIID.NotFound",
         s->facts->target_account, s->owner);
}

static void of_default_encryption(const struct af_survey *s, struct af_decision *d) {
  if (makes(d) && s->facts->encryption_by_default && !*d->key_arn)
    warn(d,
         "account %s encrypts new EBS volumes by default: the copy comes out encrypted under its default key; name kms_key to "
         "choose",
         s->facts->target_account);
}

static void of_mixed_encryption(const struct af_survey *s, struct af_decision *d) {
  if (makes(d) && s->plain && af_survey_encrypted(s))
    warn(d, "some volumes are not encrypted in the source (%s is the first): in the copy all are, under one key",
         af_json_str(s->plain, "SnapshotId"));
}

static void of_source_keys(const struct af_survey *s, struct af_decision *d) {
  if (makes(d) && s->under_unknown)
    warn(d, "the key %s of the source could not be described: if the target may not use it, the copy fails late",
         af_json_str(s->under_unknown, "KmsKeyId"));
  if (makes(d) && s->foreign_key && d->cross_account)
    warn(d, "the key %s is not of the source account %s: its owner must let the source create grants",
         af_json_str(s->foreign_key, "Arn"), s->owner);
}

static void of_target_key(const struct af_survey *s, struct af_decision *d) {
  if (makes(d) && af_streq(af_json_str(s->facts->target_key, "KeyManager"), "AWS"))
    warn(d, "%s is an AWS managed key: a copy under it can never be shared with another account", s->spec->kms_key);
}

/* rules.md 5. */
static void of_instance_store(const struct af_survey *s, struct af_decision *d) {
  if (makes(d) && s->instance_store && s->spec->kms_key)
    warn(d, "%s is not used: an image that keeps its storage in S3 is not encrypted by its copy", s->spec->kms_key);
}

static void of_paravirtual(const struct af_survey *s, struct af_decision *d) {
  if (makes(d) && s->paravirtual && s->cross_region)
    warn(d, "the image is paravirtual: %s must support such images and have its kernel", s->spec->target.region);
}

static void of_what_is_kept(const struct af_survey *s, struct af_decision *d) {
  char warning[AF_KEEP_WARNING_SIZE];
  const char *resource;
  af_keep_deprecation(s->spec, s->facts, warning);
  if (makes(d) && *warning)
    warn(d, "%s", warning);
  size_t left_out = makes(d) ? af_keep_left_out(s->spec, s->facts, &resource) : 0;
  if (left_out > 0)
    warn(d, "%zu tags of the source have no room beside the manifest's (AWS takes 50): %s is the first that loses one", left_out,
         resource);
  if (makes(d) && !af_keep_adoptable(s->spec, s->facts, d))
    warn(d, "the tags leave no room for amiferry's own: the finished copy is not known again when the manifest is run later");
}

void af_route_warn(const struct af_survey *s, struct af_decision *d) {
  static void (*const warnings[])(const struct af_survey *s, struct af_decision *d) = {
      of_public,           of_launch_permission, of_billing,    of_allowed_images, of_default_encryption,
      of_mixed_encryption, of_source_keys,       of_target_key, of_instance_store,  of_paravirtual,
      of_what_is_kept,
  };
  for (size_t i = 0; i < sizeof warnings / sizeof warnings[0]; i++)
    warnings[i](s, d);
}
