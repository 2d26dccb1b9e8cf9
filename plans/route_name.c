/* The new AMI's name, and what is to happen where somebody has it already (on_existing). An earlier copy of ours, of the same
 * source under the same key, is what was asked for: it is adopted, so that a manifest can be run again and again. Pure. */
#include "plans/survey.h"

#include <stdio.h>

#include "plans/name.h"

/* No account has so many copies of one name; a limit, so that looking for a free one ends. */
enum { SUFFIX_MAX = 10000 };

bool af_route_refuses_name(const struct af_survey *s, struct af_decision *d) {
  return af_name_expand(s->spec, s->facts, d->name, &d->refusal) < 0;
}

static bool tag_is(const json_t *holder, const char *key, const char *value) {
  const char *tag = af_json_tag(holder, key);
  return *value ? af_streq(tag, value) : tag == NULL;
}

static void source_of(const struct af_survey *s, char ret[128]) {
  snprintf(ret, 128, "%s/%s", s->spec->source.region, s->image_id);
}

static bool is_ours(const struct af_survey *s, const struct af_decision *d, const json_t *holder) {
  char wanted[128];
  source_of(s, wanted);
  return tag_is(holder, AF_TAG_SOURCE, wanted) && tag_is(holder, AF_TAG_KEY, d->key_arn);
}

/* An image that is deregistered is shown for a while, but its name is free. */
static bool is_live(const json_t *holder) {
  return !af_streq(af_json_str(holder, "State"), "deregistered");
}

/* Good for being adopted, by its state (rules.md 2.3). */
static bool is_sound(const json_t *holder) {
  const char *state = af_json_str(holder, "State");
  return af_streq(state, "available") || af_streq(state, "pending") || af_streq(state, "transient");
}

static bool adopt(const struct af_survey *s, struct af_decision *d, const json_t *holder) {
  const char *id = af_json_str(holder, "ImageId");
  d->route = AF_ROUTE_ADOPT;
  AF_COPY(d->adopted_image, af_str(id));
  snprintf(d->reason, sizeof d->reason,
           "account %s has %s already, a copy that amiferry made of %s%s%s: it is verified and nothing is made",
           s->facts->target_account, id, s->image_id, *d->key_arn ? " under the key " : ", not encrypted", d->key_arn);
  return true;
}

static bool refuse_broken(const struct af_survey *s, struct af_decision *d, const json_t *holder) {
  const char *id = af_json_str(holder, "ImageId"), *state = af_json_str(holder, "State");
  AF_REFUSE(&d->refusal, REFUSED, "NameHeldByBrokenCopy",
            "the name \"%s\" is held by %s, an earlier copy of this source that is %s", d->name, id,
            *state ? state : "in no known state");
  return af_refuse_hint(&d->refusal,
                        af_streq(state, "disabled") ? "enable %s, or deregister it and run the manifest again"
                                                    : "deregister %s and run the manifest again",
                        id);
}

static bool refuse_taken(const struct af_survey *s, struct af_decision *d, const json_t *holder) {
  const char *id = af_json_str(holder, "ImageId"), *source = af_json_tag(holder, AF_TAG_SOURCE),
             *key = af_json_tag(holder, AF_TAG_KEY);
  char wanted[128];
  source_of(s, wanted);
  if (!source)
    AF_REFUSE(&d->refusal, REFUSED, "NameTaken",
              "the name \"%s\" is already taken in account %s by %s, something that is not ours%s", d->name,
              s->facts->target_account, id, af_streq(id, s->image_id) ? ": it is the source itself" : "");
  else if (!af_streq(source, wanted))
    AF_REFUSE(&d->refusal, REFUSED, "NameTaken", "the name \"%s\" is already taken by %s, a copy of another source: %s", d->name,
              id, source);
  else
    AF_REFUSE(&d->refusal, REFUSED, "NameTaken", "the name \"%s\" is already taken by %s, a copy of the same source %s%s",
              d->name, id, key ? "under the key " : "that is not encrypted", key ? key : "");
  af_refusal_at(&d->refusal, "ec2:DescribeImages", s->facts->target_account, s->spec->target.region, id);
  return af_refuse_hint(&d->refusal, "write another name into the manifest, or deregister %s", id);
}

static bool skip(const struct af_survey *s, struct af_decision *d, const json_t *holder) {
  d->route = AF_ROUTE_SKIP;
  AF_COPY(d->adopted_image, af_str(af_json_str(holder, "ImageId")));
  snprintf(d->reason, sizeof d->reason, "account %s has %s already under this name, and the manifest says to leave it at that",
           s->facts->target_account, d->adopted_image);
  return true;
}

/* --- on_existing: suffix --- */

static bool is_held(const struct af_survey *s, const char *name) {
  for (size_t i = 0; i < json_array_size(s->facts->name_holders); i++) {
    const json_t *holder = json_array_get(s->facts->name_holders, i);
    if (is_live(holder) && af_streq(af_json_str(holder, "Name"), name))
      return true;
  }
  return false;
}

/* A name is not cut to make room: who else has the shorter one was never asked. */
static bool refuse_long(struct af_decision *d) {
  AF_REFUSE(&d->refusal, REFUSED, "NameTaken", "the name \"%s\" is already taken, and leaves no room for a number behind it",
            d->name);
  return af_refuse_hint(&d->refusal, "write a shorter name into the manifest");
}

static bool take_suffix(const struct af_survey *s, struct af_decision *d) {
  char name[sizeof d->name];
  if (!is_held(s, d->name))
    return false;
  for (int i = 2; i < SUFFIX_MAX; i++) {
    if ((size_t)snprintf(name, sizeof name, "%s-%d", d->name, i) >= sizeof name)
      break;
    if (!is_held(s, name)) {
      AF_COPY(d->name, af_str(name));
      return false;
    }
  }
  bool refused = refuse_long(d);
  af_refusal_at(&d->refusal, "ec2:DescribeImages", s->facts->target_account, s->spec->target.region, s->image_id);
  return refused;
}

/* --- who holds it --- */

/* Where the name may get a number, the facts hold whatever begins like it. */
static bool has_our_name(const struct af_survey *s, const struct af_decision *d, const json_t *holder) {
  struct af_str name = af_str(af_json_str(holder, "Name")), wanted = af_str(d->name);
  uint64_t number;
  if (!af_streq(s->spec->on_existing, "suffix") || af_str_eq(name, wanted))
    return true;
  return name.len > wanted.len + 1 && name.ptr[wanted.len] == '-' && memcmp(name.ptr, wanted.ptr, wanted.len) == 0 &&
         af_str_to_u64(af_str_n(name.ptr + wanted.len + 1, name.len - wanted.len - 1), &number) == 0 && number >= 2;
}

/* The copy of ours that is the best to adopt, sound ones first; otherwise the first live holder. */
static const json_t *first_holder(const struct af_survey *s, const struct af_decision *d) {
  const json_t *best = NULL, *any = NULL;
  for (size_t i = 0; i < json_array_size(s->facts->name_holders); i++) {
    const json_t *holder = json_array_get(s->facts->name_holders, i);
    if (!is_live(holder) || !has_our_name(s, d, holder))
      continue;
    if (!any)
      any = holder;
    if (is_ours(s, d, holder) && (!best || (is_sound(holder) && !is_sound(best))))
      best = holder;
  }
  return best ? best : any;
}

bool af_route_settles_by_holder(const struct af_survey *s, struct af_decision *d) {
  const json_t *holder = first_holder(s, d);
  const char *otherwise = s->spec->on_existing;
  if (!holder)
    return false;
  bool ours = is_ours(s, d, holder), named = af_streq(otherwise, "suffix");
  if (named && !(ours && is_sound(holder)))
    return take_suffix(s, d);
  if (af_streq(otherwise, "skip"))
    return skip(s, d, holder);
  if (!ours || af_streq(otherwise, "fail"))
    return refuse_taken(s, d, holder);
  if (named)
    AF_COPY(d->name, af_str(af_json_str(holder, "Name")));
  return is_sound(holder) ? adopt(s, d, holder) : refuse_broken(s, d, holder);
}
