/* Rungs and obstacles, each as a table. `auto` takes the rungs of the first row that fits the image (design section 4); a
 * manifest's list is taken as it stands. An obstacle says why a rung can't be gone, in the words of a refusal: where no rung is
 * left, it becomes one. Pure. */
#include "plans/ladder.h"

#include <stdio.h>

#include "plans/bundle.h"
#include "plans/launch.h"

/* --- the rungs of auto --- */

static bool in_s3(const struct af_survey *s) {
  return s->instance_store;
}
static bool is_own(const struct af_survey *s) {
  return s->ownership == AF_OWNER_TARGET;
}
static bool cannot_register(const struct af_survey *s) {
  return af_survey_lost_by_registering(s) != NULL;
}
static bool is_shared_encrypted(const struct af_survey *s) {
  return s->ownership == AF_OWNER_SOURCE && af_survey_encrypted(s);
}
static bool is_any(const struct af_survey *s) {
  return true;
}

/* What is billed goes by CopyImage although it is encrypted: RegisterImage may lose its billing (design section 4). */
static const struct {
  bool (*of)(const struct af_survey *s);
  const char *words;
  enum af_route rungs[AF_RUNGS_MAX];
} ways[] = {
    {in_s3, "it is in instance store", {AF_ROUTE_COPY_IMAGE}},
    {af_survey_billed, "it carries billing", {AF_ROUTE_COPY_IMAGE, AF_ROUTE_LAUNCH_IMAGE}},
    {is_own, "the target account owns it", {AF_ROUTE_COPY_IMAGE}},
    {cannot_register, "registering it anew would lose part of it", {AF_ROUTE_COPY_IMAGE, AF_ROUTE_LAUNCH_IMAGE}},
    {is_shared_encrypted, "it is shared and encrypted", {AF_ROUTE_REENCRYPT, AF_ROUTE_LAUNCH_IMAGE}},
    {is_any, "anything else", {AF_ROUTE_COPY_IMAGE, AF_ROUTE_LAUNCH_IMAGE}},
};

bool af_route_way(size_t i, struct af_route_way *ret) {
  if (i >= sizeof ways / sizeof ways[0])
    return false;
  *ret = (struct af_route_way){.words = ways[i].words};
  while (ret->n < AF_RUNGS_MAX && ways[i].rungs[ret->n] != AF_ROUTE_NONE) {
    ret->rungs[ret->n] = ways[i].rungs[ret->n];
    ret->n++;
  }
  return true;
}

static void take_auto(const struct af_survey *s, struct af_ladder *l) {
  size_t row = 0;
  while (!ways[row].of(s))
    row++;
  while (l->n < AF_RUNGS_MAX && ways[row].rungs[l->n] != AF_ROUTE_NONE) {
    l->rungs[l->n].route = ways[row].rungs[l->n];
    l->n++;
  }
}

/* A route that is named twice is one rung: it is not tried again. Names were checked before. */
static void take_named(const struct af_survey *s, struct af_ladder *l) {
  for (size_t i = 0; i < json_array_size(s->spec->routes) && l->n < AF_RUNGS_MAX; i++) {
    enum af_route route = AF_ROUTE_NONE;
    bool known = af_route_parse(json_string_value(json_array_get(s->spec->routes, i)), &route) == 0;
    for (size_t k = 0; k < l->n; k++)
      known = known && l->rungs[k].route != route;
    if (known)
      l->rungs[l->n++].route = route;
  }
}

/* --- what stands in the way --- */

static bool lacks_storage(const struct af_survey *s, const struct af_decision *d, struct af_error *e) {
  const char *reader = s->facts->pull ? s->facts->target_account : s->facts->source_account;
  if (!s->unread)
    return false;
  AF_REFUSE(e, AUTH, "StorageUnreadable",
            "account %s cannot read %s, which %s needs: being allowed to launch an image does not allow to copy it", reader,
            s->unread, s->image_id);
  af_refusal_at(e, "ec2:DescribeSnapshots", reader, s->spec->source.region, s->unread);
  return af_refuse_hint(e, "ask account %s to share the snapshots of %s (createVolumePermission) with account %s, then retry",
                        s->owner, s->image_id, s->facts->target_account);
}

/* What can't be named can't be opened; whoever pulls opens nothing. */
static bool lacks_bundle(const struct af_survey *s, const struct af_decision *d, struct af_error *e) {
  char bundle[AF_BUNDLE_SIZE];
  if (!s->instance_store || !d->cross_account || af_bundle(s->facts->image, bundle))
    return false;
  AF_REFUSE(e, REFUSED, "BundleNotNamed", "%s keeps its storage in S3, and its location (%s) names no bucket and manifest that a policy could name",
            s->image_id, af_json_str(s->facts->image, "ImageLocation"));
  return af_refuse_hint(e, "let account %s read the bundle, and copy the image with source.credentials: none", s->facts->target_account);
}

static bool impossible(struct af_error *e, const char *why) {
  AF_REFUSE(e, INVALID, "RouteNotPossible", "%s", why);
  return af_refuse_hint(e, "write route: auto, or mend what stands in the way");
}

static bool lacks_key(const struct af_survey *s, const struct af_decision *d, struct af_error *e) {
  return !*d->key_arn && !s->instance_store &&
         impossible(e, "it copies each snapshot under a key of the target, and the manifest names no target.kms_key");
}
static bool lacks_snapshots(const struct af_survey *s, const struct af_decision *d, struct af_error *e) {
  return (s->n_snapshots == 0 || s->instance_store) &&
         impossible(e, s->instance_store ? "it copies snapshots, and the image keeps its storage in S3 (instance store)"
                                         : "it copies snapshots, and the image has none");
}
static bool loses_some(const struct af_survey *s, const struct af_decision *d, struct af_error *e) {
  if (!cannot_register(s))
    return false;
  AF_REFUSE(e, INVALID, "RouteNotPossible", "it ends with RegisterImage, which %s", af_survey_lost_by_registering(s));
  return af_refuse_hint(e, s->watermark && !s->kernel ? "write route: auto, or name watermark in allow_differences"
                                                      : "write route: auto, or mend what stands in the way");
}

/* rules.md 4: CreateImage keeps an EBS root; mac instances need a Dedicated Host for 24 hours; paravirtual images run on types
 * that AWS has long stopped recommending. */
static bool cannot_launch(const struct af_survey *s, const struct af_decision *d, struct af_error *e) {
  const char *architecture = af_json_str(s->facts->image, "Architecture");
  if (s->instance_store)
    AF_REFUSE(e, REFUSED, "LaunchNotPossible",
              "%s keeps its storage in S3 (instance store): no AMI can be made of an instance of it", s->image_id);
  else if (s->mac)
    AF_REFUSE(e, REFUSED, "LaunchNotPossible", "%s is for Mac (%s), which runs on a Dedicated Host only, for a day at least",
              s->image_id, architecture);
  else if (s->paravirtual && !s->spec->launch_type)
    AF_REFUSE(e, REFUSED, "LaunchNotPossible", "%s is paravirtual, and runs on some types of former generations only",
              s->image_id);
  else
    return false;
  return af_refuse_hint(e, s->instance_store ? "go by copy-image"
                           : s->mac
                               ? "go by copy-image, or launch it on a Dedicated Host of yours and make an AMI of the instance"
                               : "write launch.instance_type: one that runs paravirtual images");
}

/* An empty volume is not empty any more when an image is made of its instance: it gets a snapshot, which is under some key. */
static bool lacks_volume_key(const struct af_survey *s, const struct af_decision *d, struct af_error *e) {
  if (!s->sealed_device || *d->key_arn)
    return false;
  AF_REFUSE(e, INVALID, "KmsKeyMissing", "%s, an empty volume that is encrypted, gets a snapshot when an image is made of the instance, and the manifest names no key for it",
            s->sealed_device);
  return af_refuse_hint(e, "write target.kms_key: a customer key of account %s in %s", s->facts->target_account, s->spec->target.region);
}

static bool lacks_launch_key(const struct af_survey *s, const struct af_decision *d, struct af_error *e) {
  return s->cross_region && af_route_refuses_launch_key(s, e);
}

/* Where one could launch is read only when it may come to that. */
static bool lacks_place(const struct af_survey *s, const struct af_decision *d, struct af_error *e) {
  if (!s->facts->launch || af_launch_check(s->spec, s->facts, e) == 0)
    return false;
  af_refusal_at(e, "", s->facts->target_account, s->spec->source.region, s->image_id);
  return true;
}

static const struct {
  enum af_route route;
  bool (*stands)(const struct af_survey *s, const struct af_decision *d, struct af_error *e);
} obstacles[] = {
    {AF_ROUTE_COPY_IMAGE, lacks_storage},      {AF_ROUTE_COPY_IMAGE, lacks_bundle},  {AF_ROUTE_REENCRYPT, lacks_key},
    {AF_ROUTE_REENCRYPT, lacks_snapshots},     {AF_ROUTE_REENCRYPT, loses_some},     {AF_ROUTE_REENCRYPT, lacks_storage},
    {AF_ROUTE_LAUNCH_IMAGE, cannot_launch},    {AF_ROUTE_LAUNCH_IMAGE, lacks_volume_key},
    {AF_ROUTE_LAUNCH_IMAGE, lacks_launch_key}, {AF_ROUTE_LAUNCH_IMAGE, lacks_place},
};

/* --- the ladder --- */

void af_ladder(const struct af_survey *s, const struct af_decision *d, const json_t *tried, struct af_ladder *ret) {
  memset(ret, 0, sizeof *ret);
  ret->named = json_array_size(s->spec->routes) > 0;
  (ret->named ? take_named : take_auto)(s, ret);
  for (size_t i = 0; i < ret->n; i++) {
    struct af_rung *rung = &ret->rungs[i];
    rung->tried = af_json_find(tried, "route", af_route_name(rung->route));
    for (size_t k = 0; k < sizeof obstacles / sizeof obstacles[0]; k++)
      if (obstacles[k].route == rung->route && obstacles[k].stands(s, d, &rung->obstacle))
        break;
  }
}

bool af_rung_is_free(const struct af_rung *rung) {
  return !rung->tried && rung->obstacle.class == AF_CLASS_NONE;
}

const struct af_rung *af_ladder_next(const struct af_ladder *l) {
  for (size_t i = 0; i < l->n; i++)
    if (af_rung_is_free(&l->rungs[i]))
      return &l->rungs[i];
  return NULL;
}

/* Named, billed, or nothing else is left: then nobody has to be asked before an instance is launched. */
bool af_ladder_may_launch(const struct af_survey *s, const struct af_ladder *l) {
  const struct af_rung *launch = NULL;
  for (size_t i = 0; i < l->n; i++)
    if (l->rungs[i].route == AF_ROUTE_LAUNCH_IMAGE && af_rung_is_free(&l->rungs[i]))
      launch = &l->rungs[i];
  return launch && (l->named || af_survey_billed(s) || af_ladder_next(l) == launch);
}

/* --- nothing left --- */

/* What a person can mend comes before what nobody can. */
static const struct af_rung *worst(const struct af_ladder *l) {
  const struct af_rung *first = NULL;
  for (size_t i = 0; i < l->n; i++) {
    const struct af_rung *rung = &l->rungs[i];
    if (rung->tried)
      continue;
    if (!first || (rung->obstacle.class == AF_CLASS_AUTH && first->obstacle.class != AF_CLASS_AUTH))
      first = rung;
  }
  return first;
}

/* What doesn't fit is left out, and nothing is allocated: a decision must not depend on memory. */
__attribute__((format(printf, 3, 4))) static void append(char *to, size_t size, const char *format, ...) {
  size_t at = strlen(to);
  va_list args;
  va_start(args, format);
  vsnprintf(to + at, size - at, format, args);
  va_end(args);
}

struct words {
  char message[sizeof((struct af_error *)0)->message], hint[sizeof((struct af_error *)0)->hint];
};

static void tell(const struct af_rung *rung, struct words *w) {
  const char *name = af_route_name(rung->route);
  append(w->message, sizeof w->message, "%s", *w->message ? "; " : "");
  if (rung->tried) {
    append(w->message, sizeof w->message, "AWS refused %s (%s: %s)", name, af_json_str(rung->tried, "code"),
           af_json_str(rung->tried, "reason"));
    return;
  }
  append(w->message, sizeof w->message, "%s is not possible: %s", name, rung->obstacle.message);
  append(w->hint, sizeof w->hint, "%s%s", *w->hint ? "; or " : "", rung->obstacle.hint);
}

void af_ladder_refuse(const struct af_survey *s, const struct af_ladder *l, struct af_error *ret) {
  const struct af_rung *by = worst(l);
  struct words w = {.message = "", .hint = ""};
  for (size_t i = 0; i < l->n; i++)
    tell(&l->rungs[i], &w);
  if (by)
    *ret = by->obstacle;
  else
    AF_REFUSE(ret, REFUSED, "RoutesExhausted", "no way is left for %s", s->image_id);
  AF_ERROR_TEXT(ret->message, af_str(w.message));
  af_refuse_hint(ret, "%s", *w.hint ? w.hint : "see what AWS said of each, mend it, and run the manifest again");
}
