/* Comparing what can be changed on a finished image: tags, deprecation, protection, who may launch it. What the manifest or the
 * source asks for must be there. An image that is adopted may have more than that: somebody gave it that since. */
#include <ctype.h>
#include <stdio.h>

#include "base/time.h"
#include "plans/keep.h"
#include "plans/shape.h"
#include "plans/verify_run.h"

static bool adopted(const struct af_verify_run *r) {
  return r->decision->route == AF_ROUTE_ADOPT;
}

/* --- tags --- */

static void compare_tag(struct af_verify_run *r, const char *group, const json_t *wanted, const json_t *resource) {
  char attribute[AF_ATTRIBUTE_SIZE];
  const char *key = af_json_str(wanted, "Key"), *value = af_json_str(wanted, "Value"), *there = af_json_tag(resource, key);
  af_attribute_of(group, key, attribute);
  /* A tag may have an empty value, so that "not there" must not look like it. */
  enum af_verdict verdict = !there ? AF_MISSING : af_streq(there, value) ? AF_SAME : AF_DIFFERENT;
  af_verify_add(r, attribute, verdict, value, there ? there : "");
}

void af_verify_tags(struct af_verify_run *r, const char *group, const char *snapshot, const json_t *resource) {
  json_t *tags = NULL;
  int rc = r->rc ? r->rc : af_keep_tags(r->spec, r->facts, r->decision, "", "", snapshot, &tags);
  for (size_t i = 0; i < json_array_size(tags); i++)
    if (af_shape_users_tag(af_str(af_json_str(json_array_get(tags, i), "Key"))))
      compare_tag(r, group, json_array_get(tags, i), resource);
  json_decref(tags);
  if (rc < 0)
    r->rc = rc;
}

/* --- deprecation and protection --- */

static int64_t minute_of(int64_t ms) {
  return ms - ms % 60000;
}

static void time_of(int64_t ms, char out[AF_TIME_SIZE]) {
  out[0] = 0;
  if (ms)
    af_time_iso_s(ms, out);
}

static void compare_deprecation(struct af_verify_run *r) {
  char wanted[AF_TIME_SIZE], there[AF_TIME_SIZE];
  int64_t at = 0;
  if (af_time_parse(af_str(af_json_str(r->copy->image, "DeprecationTime")), &at) < 0)
    at = 0;
  time_of(r->decision->deprecate_ms, wanted);
  time_of(minute_of(at), there);
  struct af_finding *f = af_verify_texts(r, "deprecationTime", wanted, there);
  bool over = f && f->verdict == AF_MISSING && af_keep_deprecation_over(r->decision->deprecate_ms, r->copy->now_ms);
  if (f && f->verdict != AF_SAME && ((adopted(r) && !*wanted) || over))
    f->allowed = true;
}

static void compare_protection(struct af_verify_run *r) {
  enum af_protection wanted = r->decision->protection, there = af_protection_of(r->copy->image);
  if (r->copy->unfinished && there == AF_PROTECTION_NONE)
    return; /* what is protected can't be undone, so that it comes last */
  struct af_finding *f =
      af_verify_texts(r, "deregistrationProtection", af_protection_name(wanted), af_protection_name(there));
  if (f && f->verdict != AF_SAME && adopted(r) && there > wanted)
    f->allowed = true;
}

/* --- launch permission --- */

static const struct {
  const char *wanted, *member; /* of the spec's launch_permissions, and of a LaunchPermission */
} kinds[] = {
    {"accounts", "UserId"},
    {"organizations", "OrganizationArn"},
    {"organizational_units", "OrganizationalUnitArn"},
};
#define N_KINDS (sizeof kinds / sizeof kinds[0])

static bool lists(const json_t *array, const char *text) {
  for (size_t i = 0; i < json_array_size(array); i++)
    if (af_streq(json_string_value(json_array_get(array, i)), text))
      return true;
  return false;
}

bool af_verify_more_is_allowed(const struct af_verify_run *r, const char *who) {
  return adopted(r) || (r->copy->unfinished && isdigit((unsigned char)who[0]));
}

static void permission(struct af_verify_run *r, enum af_verdict verdict, const char *who) {
  char attribute[AF_ATTRIBUTE_SIZE];
  snprintf(attribute, sizeof attribute, "launchPermission[%.120s]", who);
  bool more = verdict == AF_DIFFERENT;
  struct af_finding *f = af_verify_add(r, attribute, verdict, more ? "" : who, verdict == AF_SAME || more ? who : "");
  if (f && more && af_verify_more_is_allowed(r, who))
    f->allowed = true;
}

static void compare_wanted(struct af_verify_run *r, size_t kind) {
  const json_t *wanted = json_object_get(r->spec->launch_permissions, kinds[kind].wanted), *there = r->copy->launch_permissions;
  for (size_t i = 0; i < json_array_size(wanted); i++) {
    const char *who = json_string_value(json_array_get(wanted, i));
    permission(r, !there ? AF_UNREADABLE : af_json_find(there, kinds[kind].member, who) ? AF_SAME : AF_MISSING, who);
  }
}

/* Everybody ("all") is a group, and nobody's wish. The owner itself may stand in the list, and needs no permission. */
static bool is_wanted(const struct af_verify_run *r, const json_t *one, const char **who) {
  *who = af_json_str(one, "Group");
  for (size_t i = 0; i < N_KINDS; i++) {
    const char *text = af_json_str(one, kinds[i].member);
    if (*text)
      *who = text;
    if (*text && lists(json_object_get(r->spec->launch_permissions, kinds[i].wanted), text))
      return true;
  }
  return af_streq(*who, r->facts->target_account);
}

static void compare_permissions(struct af_verify_run *r) {
  for (size_t i = 0; i < N_KINDS; i++)
    compare_wanted(r, i);
  for (size_t i = 0; i < json_array_size(r->copy->launch_permissions); i++) {
    const char *who;
    if (!is_wanted(r, json_array_get(r->copy->launch_permissions, i), &who))
      permission(r, AF_DIFFERENT, who);
  }
}

void af_verify_settings(struct af_verify_run *r) {
  af_verify_tags(r, "tag", NULL, r->copy->image);
  compare_deprecation(r);
  compare_protection(r);
  compare_permissions(r);
}
