/* What a copy is asked to be: its members as a table, its JSON form, and the key that makes two of them the same.
 * A spec owns all that it points to. */
#include "plans/spec.h"

#include <stdlib.h>

#include "base/buf.h"

#define AT(member) offsetof(struct af_copy_spec, member)

const struct af_spec_field af_spec_fields[] = {
    [AF_SPEC_SOURCE_ACCOUNT] = {"source", "account", AT(source.account), AF_SHAPE_ACCOUNT, .digits = true},
    [AF_SPEC_SOURCE_REGION] = {"source", "region", AT(source.region), AF_SHAPE_REGION, .required = true},
    [AF_SPEC_SOURCE_PROFILE] = {"source", "profile", AT(source.profile), AF_SHAPE_PROFILE},
    [AF_SPEC_SOURCE_ROLE_ARN] = {"source", "role_arn", AT(source.role_arn), AF_SHAPE_ROLE_ARN},
    [AF_SPEC_SOURCE_EXTERNAL_ID] = {"source", "external_id", AT(source.external_id), AF_SHAPE_EXTERNAL_ID, .digits = true},
    [AF_SPEC_IMAGE] = {"source", "image", AT(image), AF_SHAPE_IMAGE, .required = true},
    [AF_SPEC_TARGET_ACCOUNT] = {"target", "account", AT(target.account), AF_SHAPE_ACCOUNT, .digits = true},
    [AF_SPEC_TARGET_REGION] = {"target", "region", AT(target.region), AF_SHAPE_REGION, .required = true},
    [AF_SPEC_TARGET_PROFILE] = {"target", "profile", AT(target.profile), AF_SHAPE_PROFILE},
    [AF_SPEC_TARGET_ROLE_ARN] = {"target", "role_arn", AT(target.role_arn), AF_SHAPE_ROLE_ARN},
    [AF_SPEC_TARGET_EXTERNAL_ID] = {"target", "external_id", AT(target.external_id), AF_SHAPE_EXTERNAL_ID, .digits = true},
    [AF_SPEC_KMS_KEY] = {"target", "kms_key", AT(kms_key), AF_SHAPE_KMS_KEY},
    [AF_SPEC_NAME] = {NULL, "name", AT(name), AF_SHAPE_IMAGE_NAME},
    [AF_SPEC_DESCRIPTION] = {NULL, "description", AT(description), AF_SHAPE_DESCRIPTION},
};
_Static_assert(sizeof af_spec_fields / sizeof af_spec_fields[0] == AF_SPEC_MEMBER_MAX_, "every member has its row");

char **af_spec_slot(struct af_copy_spec *spec, enum af_spec_member member) {
  return (char **)(void *)((char *)spec + af_spec_fields[member].offset);
}

const char *af_spec_text(const struct af_copy_spec *spec, enum af_spec_member member) {
  return *(char *const *)(const void *)((const char *)spec + af_spec_fields[member].offset);
}

void af_copy_spec_done(struct af_copy_spec *spec) {
  if (!spec)
    return;
  for (int i = 0; i < AF_SPEC_MEMBER_MAX_; i++)
    free(*af_spec_slot(spec, i));
  free(spec->route);
  json_decref(spec->tags);
  json_decref(spec->allow_differences);
  *spec = (struct af_copy_spec){0};
}

/* The object that a member belongs into; an empty one is made where there is none yet. Borrowed; NULL when memory is out. */
static json_t *section_of(json_t *object, const char *section) {
  if (!section)
    return object;
  json_t *inner = json_object_get(object, section);
  if (!inner && json_object_set_new(object, section, json_object()) == 0)
    inner = json_object_get(object, section);
  return inner;
}

int af_copy_spec_to_json(const struct af_copy_spec *spec, json_t **ret) {
  json_t *object = json_object();
  int bad = !object;
  for (int i = 0; i < AF_SPEC_MEMBER_MAX_ && !bad; i++) {
    const char *text = af_spec_text(spec, i);
    if (text)
      bad = json_object_set_new(section_of(object, af_spec_fields[i].section), af_spec_fields[i].key, json_string(text));
  }
  if (!bad)
    bad = json_object_set_new(object, "tags", json_deep_copy(spec->tags)) ||
          json_object_set_new(object, "route", json_string(spec->route)) ||
          json_object_set_new(object, "allow_differences", json_deep_copy(spec->allow_differences));
  if (bad) {
    json_decref(object);
    return -AF_ENOMEM;
  }
  *ret = object;
  return 0;
}

static int bad_spec(struct af_error *err, const char *member, const char *what) {
  return af_error_set(err, -AF_EINVAL, AF_CLASS_INTERNAL, "SpecInvalid", "the stored spec of a copy: %s: %s", member, what);
}

/* Copies the string of object into *slot; where there is none it stays NULL. */
static int take_text(const json_t *object, const char *key, char **slot, struct af_error *err) {
  const json_t *value = json_object_get(object, key);
  if (!value)
    return 0;
  if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
    return bad_spec(err, key, "is not a string");
  *slot = af_str_dup(af_str(json_string_value(value)));
  return *slot ? 0 : af_error_nomem(err);
}

static bool all_strings(json_t *value) {
  for (size_t i = 0; i < json_array_size(value); i++)
    if (!json_is_string(json_array_get(value, i)))
      return false;
  for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at))
    if (!json_is_string(json_object_iter_value(at)))
      return false;
  return true;
}

/* A copy of the container of strings at key, or a new empty one. */
static int take_strings(const json_t *object, const char *key, json_type type, json_t **slot, struct af_error *err) {
  json_t *value = json_object_get(object, key);
  if (value && (json_typeof(value) != type || !all_strings(value)))
    return bad_spec(err, key, type == JSON_ARRAY ? "is not a list of strings" : "is not an object of strings");
  *slot = value ? json_deep_copy(value) : type == JSON_ARRAY ? json_array() : json_object();
  return *slot ? 0 : af_error_nomem(err);
}

static int take_all(struct af_copy_spec *spec, const json_t *json, struct af_error *err) {
  int rc = 0;
  for (int i = 0; i < AF_SPEC_MEMBER_MAX_ && rc == 0; i++) {
    const struct af_spec_field *field = &af_spec_fields[i];
    rc = take_text(field->section ? json_object_get(json, field->section) : json, field->key, af_spec_slot(spec, i), err);
    if (rc == 0 && field->required && !af_spec_text(spec, i))
      rc = bad_spec(err, field->key, "is missing");
  }
  if (rc == 0)
    rc = take_text(json, "route", &spec->route, err);
  if (rc == 0 && !spec->route)
    rc = bad_spec(err, "route", "is missing");
  if (rc == 0)
    rc = take_strings(json, "tags", JSON_OBJECT, &spec->tags, err);
  if (rc == 0)
    rc = take_strings(json, "allow_differences", JSON_ARRAY, &spec->allow_differences, err);
  return rc;
}

int af_copy_spec_from_json(struct af_copy_spec *ret, const json_t *json, struct af_error *err) {
  if (!json_is_object(json))
    return bad_spec(err, "the whole", "is not an object");
  struct af_copy_spec spec = {0};
  int rc = take_all(&spec, json, err);
  if (rc < 0) {
    af_copy_spec_done(&spec);
    return rc;
  }
  *ret = spec;
  return 0;
}

struct af_str af_party_account(const struct af_party *party) {
  struct af_arn arn;
  if (party->account)
    return af_str(party->account);
  return party->role_arn && af_arn_split(af_str(party->role_arn), &arn) ? arn.account : af_str_n(NULL, 0);
}

void af_party_identity(struct af_buf *out, const struct af_party *party) {
  struct af_str account = af_party_account(party);
  if (account.len > 0) {
    af_buf_str(out, account);
  } else {
    af_buf_puts(out, party->profile ? "profile=" : "default");
    af_buf_puts(out, party->profile ? party->profile : "");
  }
}

/* No AMI id, Region or name has a colon or a star in it, and what may have one comes last: no two specs share a key by accident.
 */
int af_copy_spec_key(const struct af_copy_spec *spec, char **ret) {
  struct af_buf key;
  af_buf_init(&key, 4096);
  af_buf_printf(&key, "%s:%s:%s:%s:", spec->image, spec->source.region, spec->target.region, spec->name ? spec->name : "*");
  af_party_identity(&key, &spec->target);
  int rc = af_buf_rc(&key);
  char *text = rc == 0 ? af_buf_steal(&key) : NULL;
  af_buf_done(&key);
  if (!text)
    return rc ? rc : -AF_ENOMEM;
  *ret = text;
  return 0;
}
