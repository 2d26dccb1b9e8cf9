/* Tags are gathered into a fixed list, because a resource has 50 at most; only what is returned is allocated. */
#include "plans/keep.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "plans/shape.h"

/* --- tags --- */

struct tag {
  const char *key, *value; /* borrowed */
};

struct tags {
  struct tag list[AF_KEEP_TAGS_MAX];
  size_t n;
  size_t left_out; /* of the source's */
};

static int by_key(const void *a, const void *b) {
  return strcmp(((const struct tag *)a)->key, ((const struct tag *)b)->key);
}

static bool add(struct tags *t, const char *key, const char *value) {
  if (t->n == AF_KEEP_TAGS_MAX)
    return false;
  t->list[t->n++] = (struct tag){key, value};
  return true;
}

static void add_wanted(struct tags *t, const struct af_copy_spec *spec) {
  const char *key;
  json_t *value;
  json_object_foreach(spec->tags, key, value)
    add(t, key, json_string_value(value));
}

/* What people wrote on a source, by key, so that it doesn't depend on AWS's order what is left out. */
static void add_sources(struct tags *t, const struct af_copy_spec *spec, const json_t *resource) {
  struct tags own = {.n = 0};
  const json_t *list = json_object_get(resource, "Tags");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *key = af_json_str(json_array_get(list, i), "Key");
    if (*key && af_shape_users_tag(af_str(key)) && !json_object_get(spec->tags, key))
      t->left_out += !add(&own, key, af_json_str(json_array_get(list, i), "Value"));
  }
  qsort(own.list, own.n, sizeof own.list[0], by_key);
  for (size_t i = 0; i < own.n; i++)
    t->left_out += !add(t, own.list[i].key, own.list[i].value);
}

/* The source of what is tagged; NULL where nothing is kept of it. */
static const json_t *source_of(const struct af_copy_spec *spec, const struct af_facts *facts, const char *snapshot) {
  if (!spec->source_tags || facts->begun_ms == 0)
    return NULL;
  return snapshot ? af_json_find(facts->snapshots, "SnapshotId", snapshot) : facts->image;
}

static void add_users(struct tags *t, const struct af_copy_spec *spec, const struct af_facts *facts, const char *snapshot) {
  add_wanted(t, spec);
  add_sources(t, spec, source_of(spec, facts, snapshot));
}

/* Where something comes from: the first is given up last. */
enum { PROVENANCE_SIZE = 192, PROVENANCE_TAGS = 4 };
static size_t provenance(const struct af_copy_spec *spec, const struct af_decision *d, const char *copy_id, const char *mark,
                         const char *snapshot, char source[PROVENANCE_SIZE], struct tag ret[PROVENANCE_TAGS]) {
  size_t n = 0;
  bool of_snapshot = snapshot && *snapshot;
  snprintf(source, PROVENANCE_SIZE, "%s/%s%s%s", spec->source.region, spec->image, of_snapshot ? "/" : "",
           of_snapshot ? snapshot : "");
  ret[n++] = (struct tag){AF_TAG_SOURCE, source};
  if (*d->key_arn)
    ret[n++] = (struct tag){AF_TAG_KEY, d->key_arn};
  ret[n++] = (struct tag){AF_TAG_COPY, copy_id};
  ret[n++] = (struct tag){AF_TAG_STEP, mark};
  return n;
}

static int to_json(struct tags *t, json_t **ret) {
  json_t *array = json_array();
  int bad = !array;
  qsort(t->list, t->n, sizeof t->list[0], by_key);
  for (size_t i = 0; i < t->n && !bad; i++)
    bad = json_array_append_new(array, json_pack("{s:s, s:s}", "Key", t->list[i].key, "Value", t->list[i].value));
  if (bad) {
    json_decref(array);
    return -AF_ENOMEM;
  }
  *ret = array;
  return 0;
}

int af_keep_tags(const struct af_copy_spec *spec, const struct af_facts *facts, const struct af_decision *decision,
                 const char *copy_id, const char *mark, const char *source_snapshot, json_t **ret) {
  char source[PROVENANCE_SIZE];
  struct tag ours[PROVENANCE_TAGS];
  struct tags t = {.n = 0};
  size_t n = provenance(spec, decision, copy_id, mark, source_snapshot, source, ours);
  add_users(&t, spec, facts, source_snapshot);
  for (size_t i = 0; i < n; i++)
    add(&t, ours[i].key, ours[i].value);
  return to_json(&t, ret);
}

int af_keep_creation_tags(const struct af_copy_spec *spec, const struct af_facts *facts, const struct af_decision *decision,
                          const char *copy_id, const char *mark, const char *source_snapshot, json_t **ret) {
  char source[PROVENANCE_SIZE];
  struct tag ours[PROVENANCE_TAGS];
  struct tags t = {.n = 0};
  size_t n = provenance(spec, decision, copy_id, mark, source_snapshot, source, ours);
  for (size_t i = 0; i < n; i++)
    add(&t, ours[i].key, ours[i].value);
  add_users(&t, spec, facts, source_snapshot);
  return to_json(&t, ret);
}

bool af_keep_adoptable(const struct af_copy_spec *spec, const struct af_facts *facts, const struct af_decision *decision) {
  struct tags t = {.n = 0};
  add_users(&t, spec, facts, NULL);
  return t.n + (*decision->key_arn ? 2 : 1) <= AF_KEEP_TAGS_MAX;
}

size_t af_keep_left_out(const struct af_copy_spec *spec, const struct af_facts *facts, const char **ret_resource) {
  struct tags t = {.n = 0};
  add_users(&t, spec, facts, NULL);
  size_t left_out = t.left_out;
  *ret_resource = left_out ? spec->image : NULL;
  for (size_t i = 0; i < json_array_size(facts->snapshots); i++) {
    const char *id = af_json_str(json_array_get(facts->snapshots, i), "SnapshotId");
    t = (struct tags){.n = 0};
    add_users(&t, spec, facts, id);
    left_out += t.left_out;
    if (t.left_out && !*ret_resource)
      *ret_resource = id;
  }
  return left_out;
}

/* --- deprecation --- */

static const int64_t minute_ms = 60000, day_ms = INT64_C(86400000);
enum { DAYS_MAX = 3652 }; /* ten years, with their leap days (rules.md 2.5) */

/* Days count from the making of the AMI. Which second was written down when it was made isn't known of one that is there: what it says is right
 * if it is less than a day off, so that a manifest that is run again changes nothing. */
static int64_t days_on(const struct af_facts *facts, const json_t *adopted, int64_t days) {
  int64_t begun = facts->begun_ms, said;
  if (af_time_parse(af_str(af_json_str(adopted, "CreationDate")), &begun) < 0)
    begun = facts->begun_ms;
  int64_t at = begun + days * day_ms;
  bool told = af_time_parse(af_str(af_json_str(adopted, "DeprecationTime")), &said) == 0;
  return told && said > at - day_ms && said < at + day_ms ? said : at;
}

/* The time that is wanted, whatever it is; 0 where none is. */
static int64_t wanted_time(const struct af_copy_spec *spec, const struct af_facts *facts, const json_t *adopted, const char *kept) {
  struct af_str text = af_str(af_streq(spec->deprecation, "keep") ? kept : spec->deprecation);
  uint64_t days;
  int64_t ms;
  if (text.len == 0 || af_streq(spec->deprecation, "none"))
    return 0;
  if (text.ptr[text.len - 1] == 'd' && af_str_to_u64(af_str_n(text.ptr, text.len - 1), &days) == 0)
    return days <= DAYS_MAX ? days_on(facts, adopted, (int64_t)days) : INT64_MAX;
  return af_time_parse(text, &ms) == 0 ? ms : 0;
}

int64_t af_keep_deprecation(const struct af_copy_spec *spec, const struct af_facts *facts, const json_t *adopted, char warning[AF_KEEP_WARNING_SIZE]) {
  const char *kept = af_json_str(facts->image, "DeprecationTime");
  bool keep = af_streq(spec->deprecation, "keep");
  warning[0] = 0;
  int64_t at = facts->begun_ms ? wanted_time(spec, facts, adopted, kept) : 0;
  if (at == 0)
    return 0;
  at -= (at % minute_ms + minute_ms) % minute_ms;
  const char *why_not = NULL;
  if (at <= facts->begun_ms)
    why_not = "over";
  else if ((at - facts->begun_ms) / day_ms > DAYS_MAX)
    why_not = "more than ten years ahead, which AWS does not take";
  if (!why_not)
    return at;
  snprintf(warning, AF_KEEP_WARNING_SIZE, "%s, %.40s, is %s: the copy is not deprecated",
           keep ? "the time at which the source is deprecated" : "the manifest's deprecation", keep ? kept : spec->deprecation,
           why_not);
  return 0;
}

bool af_keep_deprecation_over(int64_t at, int64_t now_ms) {
  return at < now_ms + minute_ms;
}

/* --- protection --- */

static const char *const protection_names[] = {
    [AF_PROTECTION_NONE] = "none",
    [AF_PROTECTION_ENABLED] = "enabled",
    [AF_PROTECTION_WITH_COOLDOWN] = "enabled-with-cooldown",
};

const char *af_protection_name(enum af_protection p) {
  return protection_names[p];
}

/* AWS writes enabled-with-cooldown and enabled-without-cooldown; what it writes while a cooldown runs protects nothing for good. */
enum af_protection af_protection_of(const json_t *image) {
  const char *text = af_json_str(image, "DeregistrationProtection");
  if (af_streq(text, "enabled-with-cooldown"))
    return AF_PROTECTION_WITH_COOLDOWN;
  return af_str_starts(af_str(text), "enabled") ? AF_PROTECTION_ENABLED : AF_PROTECTION_NONE;
}

enum af_protection af_keep_protection(const struct af_copy_spec *spec, const struct af_facts *facts) {
  if (facts->begun_ms == 0)
    return AF_PROTECTION_NONE;
  for (size_t p = 0; p < sizeof protection_names / sizeof protection_names[0]; p++)
    if (af_streq(spec->deregistration_protection, protection_names[p]))
      return (enum af_protection)p;
  return af_protection_of(facts->image);
}
