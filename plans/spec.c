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
    [AF_SPEC_BRIDGE_KEY] = {"source", "bridge_key", AT(bridge_key), AF_SHAPE_KMS_KEY},
    [AF_SPEC_TARGET_ACCOUNT] = {"target", "account", AT(target.account), AF_SHAPE_ACCOUNT, .digits = true},
    [AF_SPEC_TARGET_REGION] = {"target", "region", AT(target.region), AF_SHAPE_REGION, .required = true},
    [AF_SPEC_TARGET_PROFILE] = {"target", "profile", AT(target.profile), AF_SHAPE_PROFILE},
    [AF_SPEC_TARGET_ROLE_ARN] = {"target", "role_arn", AT(target.role_arn), AF_SHAPE_ROLE_ARN},
    [AF_SPEC_TARGET_EXTERNAL_ID] = {"target", "external_id", AT(target.external_id), AF_SHAPE_EXTERNAL_ID, .digits = true},
    [AF_SPEC_KMS_KEY] = {"target", "kms_key", AT(kms_key), AF_SHAPE_KMS_KEY},
    [AF_SPEC_NAME] = {NULL, "name", AT(name), AF_SHAPE_NAME_TEMPLATE},
    [AF_SPEC_DESCRIPTION] = {NULL, "description", AT(description), AF_SHAPE_DESCRIPTION},
    [AF_SPEC_ON_EXISTING] = {NULL, "on_existing", AT(on_existing), AF_SHAPE_ON_EXISTING, .otherwise = "adopt"},
    [AF_SPEC_LAUNCH_SUBNET] = {"launch", "subnet", AT(launch_subnet), AF_SHAPE_SUBNET},
    [AF_SPEC_LAUNCH_TYPE] = {"launch", "instance_type", AT(launch_type), AF_SHAPE_INSTANCE_TYPE},
    [AF_SPEC_LAUNCH_KEY] = {"launch", "kms_key", AT(launch_key), AF_SHAPE_KMS_KEY},
    [AF_SPEC_DEPRECATION] = {NULL, "deprecation", AT(deprecation), AF_SHAPE_DEPRECATION, .otherwise = "keep"},
    [AF_SPEC_PROTECTION] = {NULL, "deregistration_protection", AT(deregistration_protection), AF_SHAPE_PROTECTION,
                            .otherwise = "keep"},
};
_Static_assert(sizeof af_spec_fields / sizeof af_spec_fields[0] == AF_SPEC_MEMBER_MAX_, "every member has its row");

char **af_spec_slot(struct af_copy_spec *spec, enum af_spec_member member) {
  return (char **)(void *)((char *)spec + af_spec_fields[member].offset);
}

const char *af_spec_text(const struct af_copy_spec *spec, enum af_spec_member member) {
  return *(char *const *)(const void *)((const char *)spec + af_spec_fields[member].offset);
}

/* The containers of strings. One that is always written was there before specs left out what says nothing. */
static const struct container {
  const char *key;
  size_t offset;
  json_type type;
  bool always;
} containers[] = {
    {"tags", AT(tags), JSON_OBJECT, true},
    {"allow_differences", AT(allow_differences), JSON_ARRAY, true},
    {"trusted_owners", AT(trusted_owners), JSON_ARRAY, false},
    {"route", AT(routes), JSON_ARRAY, false}, /* written in a way of its own */
    {"launch_permissions", AT(launch_permissions), JSON_OBJECT, false},
};
#define N_CONTAINERS (sizeof containers / sizeof containers[0])

static json_t **container_at(struct af_copy_spec *spec, size_t i) {
  return (json_t **)(void *)((char *)spec + containers[i].offset);
}

static const json_t *container_of(const struct af_copy_spec *spec, size_t i) {
  return *(json_t *const *)(const void *)((const char *)spec + containers[i].offset);
}

void af_copy_spec_done(struct af_copy_spec *spec) {
  if (!spec)
    return;
  for (int i = 0; i < AF_SPEC_MEMBER_MAX_; i++)
    free(*af_spec_slot(spec, i));
  for (size_t i = 0; i < N_CONTAINERS; i++)
    json_decref(*container_at(spec, i));
  *spec = (struct af_copy_spec){0};
}

/* Nobody but the new AMI's owner. */
static json_t *no_permissions(void) {
  return json_pack("{s:[], s:[], s:[], s:b}", "accounts", "organizations", "organizational_units", "snapshots", 0);
}

static json_t *empty_container(size_t i) {
  if (containers[i].offset == AT(launch_permissions))
    return no_permissions();
  return containers[i].type == JSON_ARRAY ? json_array() : json_object();
}

int af_spec_fill(struct af_copy_spec *spec) {
  for (int i = 0; i < AF_SPEC_MEMBER_MAX_; i++) {
    char **slot = af_spec_slot(spec, i);
    if (!*slot && af_spec_fields[i].otherwise && !(*slot = af_str_dup(af_str(af_spec_fields[i].otherwise))))
      return -AF_ENOMEM;
  }
  for (size_t i = 0; i < N_CONTAINERS; i++) {
    json_t **slot = container_at(spec, i);
    if (!*slot && !(*slot = empty_container(i)))
      return -AF_ENOMEM;
  }
  return 0;
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

static int texts_to_json(const struct af_copy_spec *spec, json_t *object) {
  for (int i = 0; i < AF_SPEC_MEMBER_MAX_; i++) {
    const char *text = af_spec_text(spec, i);
    if (text && !af_streq(text, af_spec_fields[i].otherwise) &&
        json_object_set_new(section_of(object, af_spec_fields[i].section), af_spec_fields[i].key, json_string(text)))
      return -1;
  }
  return 0;
}

static int containers_to_json(const struct af_copy_spec *spec, json_t *object) {
  for (size_t i = 0; i < N_CONTAINERS; i++) {
    if (containers[i].offset == AT(routes))
      continue;
    json_t *empty = empty_container(i);
    bool says = containers[i].always || !json_equal(container_of(spec, i), empty);
    bool bad = !empty || (says && json_object_set_new(object, containers[i].key, json_deep_copy(container_of(spec, i))));
    json_decref(empty);
    if (bad)
      return -1;
  }
  return 0;
}

/* One name, as it stood before there were orders; none is auto. */
static int routes_to_json(const struct af_copy_spec *spec, json_t *object) {
  const json_t *first = json_array_get(spec->routes, 0);
  return json_object_set_new(object, "route",
                             json_array_size(spec->routes) > 1 ? json_deep_copy(spec->routes)
                             : first                           ? json_deep_copy(first)
                                                               : json_string("auto"));
}

static int flags_to_json(const struct af_copy_spec *spec, json_t *object) {
  if (spec->pull && json_object_set_new(section_of(object, "source"), "credentials", json_string("none")))
    return -1;
  return spec->source_tags ? 0 : json_object_set_new(object, "source_tags", json_false());
}

int af_copy_spec_to_json(const struct af_copy_spec *spec, json_t **ret) {
  json_t *object = json_object();
  if (!object || texts_to_json(spec, object) || containers_to_json(spec, object) || routes_to_json(spec, object) ||
      flags_to_json(spec, object)) {
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

/* A copy of the container of strings; where there is none the slot stays NULL. */
static int take_strings(const json_t *object, size_t i, json_t **slot, struct af_error *err) {
  json_t *value = json_object_get(object, containers[i].key);
  if (value && (json_typeof(value) != containers[i].type || !all_strings(value)))
    return bad_spec(err, containers[i].key,
                    containers[i].type == JSON_ARRAY ? "is not a list of strings" : "is not an object of strings");
  *slot = value ? json_deep_copy(value) : NULL;
  return *slot || !value ? 0 : af_error_nomem(err);
}

static int take_routes(const json_t *object, json_t **slot, struct af_error *err) {
  json_t *value = json_object_get(object, "route");
  if (!json_is_string(value) && !(json_is_array(value) && json_array_size(value) > 0 && all_strings(value)))
    return bad_spec(err, "route", value ? "is neither a name nor a list of names" : "is missing");
  if (json_is_array(value))
    *slot = json_deep_copy(value);
  else
    *slot = af_streq(json_string_value(value), "auto") ? json_array() : json_pack("[s]", json_string_value(value));
  return *slot ? 0 : af_error_nomem(err);
}

/* Three lists of strings and whether snapshots are shared too; what isn't there is empty. */
static int take_permissions(const json_t *object, json_t **slot, struct af_error *err) {
  json_t *value = json_object_get(object, "launch_permissions"), *list;
  const char *key;
  *slot = no_permissions();
  if (!*slot)
    return af_error_nomem(err);
  if (value && !json_is_object(value))
    return bad_spec(err, "launch_permissions", "is not an object");
  json_object_foreach(value, key, list) {
    const json_t *known = json_object_get(*slot, key);
    bool fits = json_is_array(known) ? json_is_array(list) && all_strings(list) : known && json_is_boolean(list);
    if (!fits)
      return bad_spec(err, "launch_permissions", "is not who may launch the new image");
    if (json_object_set_new(*slot, key, json_deep_copy(list)))
      return af_error_nomem(err);
  }
  return 0;
}

static int take_container(struct af_copy_spec *spec, size_t i, const json_t *json, struct af_error *err) {
  if (containers[i].offset == AT(routes))
    return take_routes(json, &spec->routes, err);
  if (containers[i].offset == AT(launch_permissions))
    return take_permissions(json, &spec->launch_permissions, err);
  return take_strings(json, i, container_at(spec, i), err);
}

static int take_flags(struct af_copy_spec *spec, const json_t *json, struct af_error *err) {
  const json_t *credentials = json_object_get(json_object_get(json, "source"), "credentials");
  const json_t *tags = json_object_get(json, "source_tags");
  if (credentials && !af_streq(json_string_value(credentials), "none"))
    return bad_spec(err, "credentials", "is not none");
  if (tags && !json_is_boolean(tags))
    return bad_spec(err, "source_tags", "is not true or false");
  spec->pull = credentials != NULL;
  spec->source_tags = !json_is_false(tags);
  return 0;
}

static int take_all(struct af_copy_spec *spec, const json_t *json, struct af_error *err) {
  int rc = 0;
  for (int i = 0; i < AF_SPEC_MEMBER_MAX_ && rc == 0; i++) {
    const struct af_spec_field *field = &af_spec_fields[i];
    rc = take_text(field->section ? json_object_get(json, field->section) : json, field->key, af_spec_slot(spec, i), err);
    if (rc == 0 && field->required && !af_spec_text(spec, i))
      rc = bad_spec(err, field->key, "is missing");
  }
  for (size_t i = 0; i < N_CONTAINERS && rc == 0; i++)
    rc = take_container(spec, i, json, err);
  if (rc == 0)
    rc = take_flags(spec, json, err);
  return rc == 0 && af_spec_fill(spec) < 0 ? af_error_nomem(err) : rc;
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
