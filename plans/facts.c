/* The facts as JSON and back, and small readers of API objects. The struct owns what it points to. */
#include "plans/facts.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

void af_facts_init(struct af_facts *f) {
  *f = (struct af_facts){0};
}

/* The members of the struct, by kind: a new fact is one line here. */
static const struct {
  const char *name;
  size_t offset, size;
} texts[] = {
#define TEXT(m)                                                                                                                  \
  { #m, offsetof(struct af_facts, m), sizeof((struct af_facts *)0)->m }
    TEXT(source_account), TEXT(target_account), TEXT(source_partition), TEXT(target_partition), TEXT(allowed_images),
#undef TEXT
};

static const struct {
  const char *name;
  size_t offset;
  json_type type;
  bool required;
} trees[] = {
    {"image", offsetof(struct af_facts, image), JSON_OBJECT, true},
    {"snapshots", offsetof(struct af_facts, snapshots), JSON_ARRAY, true},
    {"source_keys", offsetof(struct af_facts, source_keys), JSON_ARRAY, true},
    {"target_key", offsetof(struct af_facts, target_key), JSON_OBJECT, false},
    {"bridge_key", offsetof(struct af_facts, bridge_key), JSON_OBJECT, false},
    {"launch_key", offsetof(struct af_facts, launch_key), JSON_OBJECT, false},
    {"launch", offsetof(struct af_facts, launch), JSON_OBJECT, false},
    {"name_holders", offsetof(struct af_facts, name_holders), JSON_ARRAY, false},
};

static const struct {
  const char *name;
  size_t offset;
  bool required; /* those of later versions are false where they are missing */
} flags[] = {
    {"encryption_by_default", offsetof(struct af_facts, encryption_by_default), true},
    {"pull", offsetof(struct af_facts, pull), false},
    {"uefi_unreadable", offsetof(struct af_facts, uefi_unreadable), false},
    {"launch_encryption_by_default", offsetof(struct af_facts, launch_encryption_by_default), false},
};

#define N(array) (sizeof(array) / sizeof(array)[0])

static json_t **tree_at(struct af_facts *f, size_t i) {
  return (json_t **)(void *)((char *)f + trees[i].offset);
}

void af_facts_done(struct af_facts *f) {
  if (!f)
    return;
  for (size_t i = 0; i < N(trees); i++)
    json_decref(*tree_at(f, i));
  free(f->uefi_data);
  *f = (struct af_facts){0};
}

int af_facts_to_json(const struct af_facts *f, json_t **ret) {
  json_t *object = json_object();
  int bad = !object;
  for (size_t i = 0; i < N(texts) && !bad; i++)
    bad = json_object_set_new(object, texts[i].name, json_string((const char *)f + texts[i].offset));
  for (size_t i = 0; i < N(trees) && !bad; i++) {
    json_t *tree = *(json_t *const *)(const void *)((const char *)f + trees[i].offset);
    if (tree)
      bad = json_object_set_new(object, trees[i].name, json_deep_copy(tree));
  }
  if (!bad && f->uefi_data)
    bad = json_object_set_new(object, "uefi_data", json_string(f->uefi_data));
  for (size_t i = 0; i < N(flags) && !bad; i++)
    bad = json_object_set_new(object, flags[i].name, json_boolean(*(const bool *)((const char *)f + flags[i].offset)));
  if (!bad)
    bad = json_object_set_new(object, "begun_ms", json_integer(f->begun_ms));
  if (bad) {
    json_decref(object);
    return -AF_ENOMEM;
  }
  *ret = object;
  return 0;
}

static int bad_facts(struct af_error *err, const char *member, const char *what) {
  return af_error_set(err, -AF_EINVAL, AF_CLASS_INTERNAL, "FactsInvalid", "the stored facts of a copy: %s: %s", member, what);
}

static bool all_objects(const json_t *array) {
  for (size_t i = 0; i < json_array_size(array); i++)
    if (!json_is_object(json_array_get(array, i)))
      return false;
  return true;
}

static int take_text(struct af_facts *f, size_t i, const json_t *json, struct af_error *err) {
  const json_t *value = json_object_get(json, texts[i].name);
  if (!json_is_string(value))
    return bad_facts(err, texts[i].name, "is not a string");
  if (!af_str_copy((char *)f + texts[i].offset, texts[i].size, af_str(json_string_value(value))))
    return bad_facts(err, texts[i].name, "is too long");
  return 0;
}

static int take_tree(struct af_facts *f, size_t i, const json_t *json, struct af_error *err) {
  const json_t *value = json_object_get(json, trees[i].name);
  if (!value)
    return trees[i].required ? bad_facts(err, trees[i].name, "is missing") : 0;
  if (json_typeof(value) != trees[i].type || (json_is_array(value) && !all_objects(value)))
    return bad_facts(err, trees[i].name, trees[i].type == JSON_ARRAY ? "is not a list of objects" : "is not an object");
  *tree_at(f, i) = json_deep_copy(value);
  return *tree_at(f, i) ? 0 : af_error_nomem(err);
}

static int take_flag(struct af_facts *f, size_t i, const json_t *json, struct af_error *err) {
  const json_t *value = json_object_get(json, flags[i].name);
  if (value ? !json_is_boolean(value) : flags[i].required)
    return bad_facts(err, flags[i].name, "is not true or false");
  *(bool *)((char *)f + flags[i].offset) = json_is_true(value);
  return 0;
}

/* Versions before this one kept one holder of the name. */
static int take_holders(struct af_facts *f, const json_t *json, struct af_error *err) {
  json_t *one = json_object_get(json, "name_holder");
  if (one && !json_is_object(one))
    return bad_facts(err, "name_holder", "is not an object");
  if (!f->name_holders)
    f->name_holders = one ? json_pack("[o]", json_deep_copy(one)) : json_array();
  return f->name_holders ? 0 : af_error_nomem(err);
}

static int take_rest(struct af_facts *f, const json_t *json, struct af_error *err) {
  const json_t *begun = json_object_get(json, "begun_ms"), *uefi = json_object_get(json, "uefi_data");
  if (begun && !json_is_integer(begun))
    return bad_facts(err, "begun_ms", "is not a whole number");
  f->begun_ms = json_integer_value(begun);
  if (!uefi)
    return 0;
  if (!json_is_string(uefi))
    return bad_facts(err, "uefi_data", "is not a string");
  f->uefi_data = af_str_dup(af_str(json_string_value(uefi)));
  return f->uefi_data ? 0 : af_error_nomem(err);
}

int af_facts_from_json(struct af_facts *ret, const json_t *json, struct af_error *err) {
  if (!json_is_object(json))
    return bad_facts(err, "the whole", "is not an object");
  struct af_facts f;
  af_facts_init(&f);
  int rc = 0;
  for (size_t i = 0; i < N(texts) && rc == 0; i++)
    rc = take_text(&f, i, json, err);
  for (size_t i = 0; i < N(trees) && rc == 0; i++)
    rc = take_tree(&f, i, json, err);
  for (size_t i = 0; i < N(flags) && rc == 0; i++)
    rc = take_flag(&f, i, json, err);
  if (rc == 0)
    rc = take_holders(&f, json, err);
  if (rc == 0)
    rc = take_rest(&f, json, err);
  if (rc < 0) {
    af_facts_done(&f);
    return rc;
  }
  *ret = f;
  return 0;
}

const char *af_json_str(const json_t *object, const char *member) {
  const char *text = json_string_value(json_object_get(object, member));
  return text ? text : "";
}

bool af_json_bool(const json_t *object, const char *member) {
  return json_is_true(json_object_get(object, member));
}

int64_t af_json_int(const json_t *object, const char *member) {
  return json_integer_value(json_object_get(object, member));
}

int64_t af_snapshot_bytes(const json_t *snapshot) {
  int64_t full = af_json_int(snapshot, "FullSnapshotSizeInBytes"), size = af_json_int(snapshot, "VolumeSize");
  /* A volume has 64 TiB at most: more is no size of AWS's, and would only make the sum overflow. */
  const int64_t gib = INT64_C(1) << 30, most = 65536 * gib;
  int64_t bytes = full > 0 ? full : size > 0 && size <= 65536 ? size * gib : 0;
  return bytes <= most ? bytes : most;
}

int64_t af_bytes_plus(int64_t a, int64_t b) {
  int64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

int64_t af_facts_bytes(const struct af_facts *f) {
  int64_t sum = 0;
  for (size_t i = 0; i < json_array_size(f->snapshots); i++)
    sum = af_bytes_plus(sum, af_snapshot_bytes(json_array_get(f->snapshots, i)));
  return sum;
}

const char *af_mapping_snapshot(const json_t *mapping) {
  return json_object_get(mapping, "NoDevice") ? "" : af_json_str(json_object_get(mapping, "Ebs"), "SnapshotId");
}

void af_mapping_name(const json_t *mappings, size_t i, char out[AF_MAPPING_NAME_SIZE]) {
  const json_t *mapping = json_array_get(mappings, i);
  const char *id = af_mapping_snapshot(mapping);
  bool again = false;
  for (size_t k = 0; k < i && *id; k++)
    again = again || strcmp(af_mapping_snapshot(json_array_get(mappings, k)), id) == 0;
  snprintf(out, AF_MAPPING_NAME_SIZE, "%s%s%s", id, again ? ":" : "", again ? af_json_str(mapping, "DeviceName") : "");
}

void af_json_put(json_t **whole, const char *member, json_t *value) {
  if (json_object_set_new(*whole, member, value) == 0) /* takes NULL for either */
    return;
  json_decref(*whole);
  *whole = NULL;
}

static int add_text(const char *text, size_t len, void *buf) {
  af_buf_add(buf, text, len);
  return af_buf_rc(buf);
}

char *af_json_dumps(const json_t *json, size_t how) {
  struct af_buf text;
  af_buf_init(&text, SIZE_MAX / 4);
  if (json_dump_callback(json, add_text, &text, how) != 0 || af_buf_rc(&text) != 0) {
    af_buf_done(&text);
    return NULL;
  }
  return af_buf_steal(&text);
}

void af_json_append(json_t **whole, json_t *value) {
  if (json_array_append_new(*whole, value) == 0)
    return;
  json_decref(*whole);
  *whole = NULL;
}

const json_t *af_json_find(const json_t *array, const char *member, const char *value) {
  for (size_t i = 0; i < json_array_size(array); i++)
    if (af_streq(af_json_str(json_array_get(array, i), member), value))
      return json_array_get(array, i);
  return NULL;
}

bool af_json_lists(const json_t *array, const char *word) {
  for (size_t i = 0; *word && i < json_array_size(array); i++)
    if (af_streq(json_string_value(json_array_get(array, i)), word))
      return true;
  return false;
}

const char *af_json_tag(const json_t *resource, const char *key) {
  const json_t *tag = af_json_find(json_object_get(resource, "Tags"), "Key", key);
  return tag ? af_json_str(tag, "Value") : NULL;
}
