/* Warnings: what a person should know before a route is gone, as a table of questions. The most serious come first, because a
 * decision has room for a few. */
#include "plans/survey.h"

#include <inttypes.h>
#include <stdio.h>

#include "plans/bundle.h"
#include "plans/estimate.h"
#include "plans/keep.h"
#include "plans/launch.h"

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

static void of_trust(const struct af_survey *s, struct af_decision *d) {
  if (makes(d) && s->ownership == AF_OWNER_TRUSTED)
    warn(d, "account %s%s%s%s made %s, and the manifest trusts it: whatever is in the image is in the copy", s->owner,
         *s->alias ? " (" : "", s->alias, *s->alias ? ")" : "", s->image_id);
}

/* rules.md 4: the system boots once, and what it does then is in the copy. */
static void of_boot(const struct af_survey *s, struct af_decision *d) {
  if (d->route != AF_ROUTE_LAUNCH_IMAGE)
    return;
  warn(d, "the system starts once on the way: %s, so that the copy is not the same to the bit",
       s->windows ? "first-boot tasks run, and an image that was generalised with Sysprep is not any more"
                  : "cloud-init and other first-boot tasks run, SSH host keys and logs are written");
  if (s->tpm)
    warn(d, "the temporary instance has a NitroTPM of its own: what is sealed to one cannot be opened by what is launched from "
            "the copy");
}

/* Nothing is allocated for it: a decision must not depend on memory. */
static void of_instance(const struct af_survey *s, struct af_decision *d) {
  struct af_place place;
  char price[80] = "see AWS's price list";
  if (d->route != AF_ROUTE_LAUNCH_IMAGE || af_launch_place(s->spec, s->facts, 0, &place) < 0)
    return;
  int64_t micros = af_price_instance(place.instance_type);
  if (micros > 0)
    snprintf(price, sizeof price, "$%" PRId64 ".%04" PRId64 " an hour at us-east-1's list price for Linux", micros / 1000000,
             micros % 1000000 / 100);
  warn(d, "an instance (%s, subnet %s) runs for some minutes: %s%s", place.instance_type, place.subnet, price,
       af_survey_billed(s) ? "; what else it is billed for is charged too, some of it by the hour" : "");
}

static void of_bridge(const struct af_survey *s, struct af_decision *d) {
  if (d->bridge)
    warn(d,
         "a temporary AMI under the bridge key is made in account %s: it stores all of the image once more there until the copy "
         "ends",
         s->owner);
}

static void of_hop(const struct af_survey *s, struct af_decision *d) {
  if (d->hop)
    warn(
        d,
        "a temporary AMI is made in %s: account %s stores all of the image once more there until the copy ends, and pays for the "
        "transfer to %s",
        s->spec->source.region, s->facts->target_account, s->spec->target.region);
}

static size_t n_launchers(const struct af_survey *s) {
  static const char *const lists[] = {"accounts", "organizations", "organizational_units"};
  size_t n = 0;
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
    n += json_array_size(json_object_get(s->spec->launch_permissions, lists[i]));
  return n;
}

/* rules.md 1.3: to be allowed to launch an image is not to be allowed to use its key. */
static void of_launchers(const struct af_survey *s, struct af_decision *d) {
  if (makes(d) && d->encrypt && n_launchers(s) > 0)
    warn(d, "whom launch_permissions lets launch the copy needs the use of its key %s too: let its policy or a grant say so",
         s->spec->kms_key);
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

/* rules.md 5: what CopyImage reads besides the files. Whoever may list a bucket sees the names of all that is in it. */
static void of_bundle(const struct af_survey *s, struct af_decision *d) {
  char bundle[AF_BUNDLE_SIZE];
  if (d->route == AF_ROUTE_COPY_IMAGE && d->instance_store && d->cross_account && af_bundle(s->facts->image, bundle))
    warn(d, "while it is copied, the policy of bucket %.*s lets account %s list all of that bucket, and read what begins with %s",
         (int)strcspn(bundle, "/"), bundle, s->facts->target_account, bundle);
}

/* rules.md 5. */
static void of_instance_store(const struct af_survey *s, struct af_decision *d) {
  if (makes(d) && s->instance_store)
    warn(d, "how much its files in S3 take is not known: the estimate leaves them out");
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
  af_keep_deprecation(s->spec, s->facts, NULL, warning);
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
      of_boot,      of_instance,       of_trust,       of_public,     of_launch_permission, of_bundle,
      of_billing,   of_launchers,      of_allowed_images, of_bridge,  of_hop,               of_default_encryption,
      of_mixed_encryption, of_source_keys, of_target_key, of_instance_store, of_paravirtual, of_what_is_kept,
  };
  for (size_t i = 0; i < sizeof warnings / sizeof warnings[0]; i++)
    warnings[i](s, d);
}
