/* Checks a request's tree against its shape, before any byte is written: what amiferry gets wrong here is a fault of its own, so
 * the message names the member by its path in the model's words ("Filters[0].Values"). */
#include <ctype.h>

#include "engine/aws/codec_parts.h"

struct check {
  enum af_protocol protocol;
  const char *label;
  struct af_buf path;
  struct af_error *err;
};

const struct af_member *af_codec_member(const struct af_shape *structure, const char *name) {
  for (const struct af_member *m = structure->members; m->name; m++)
    if (strcmp(m->name, name) == 0)
      return m;
  return NULL;
}

static int refuse(struct check *c, const char *what) {
  return af_error_set(c->err, -AF_EINVAL, AF_CLASS_INTERNAL, "RequestShape", "%s: %s %s", c->label,
                      c->path.len > 0 ? af_buf_cstr(&c->path) : "the input", what);
}

static bool is_odd_number(const json_t *v) { /* JSON has no word for these (Smithy's number rules) */
  const char *s = json_string_value(v);
  return af_streq(s, "NaN") || af_streq(s, "Infinity") || af_streq(s, "-Infinity");
}

static const char *misfit(enum af_protocol protocol, enum af_type type, const json_t *v) {
  bool fits[] = {
      [AF_T_STRING] = json_is_string(v),
      [AF_T_BOOL] = json_is_boolean(v),
      [AF_T_INT] = json_is_integer(v),
      [AF_T_DOUBLE] = json_is_number(v) || is_odd_number(v),
      [AF_T_TIMESTAMP] = json_is_string(v) || (protocol == AF_PROTOCOL_JSON && json_is_number(v)),
      [AF_T_BLOB] = json_is_string(v),
      [AF_T_LIST] = json_is_array(v),
      [AF_T_STRUCT] = json_is_object(v),
      [AF_T_MAP] = protocol == AF_PROTOCOL_JSON && json_is_object(v),
  };
  static const char *const wanted[] = {
      [AF_T_STRING] = "must be a string",
      [AF_T_BOOL] = "must be true or false",
      [AF_T_INT] = "must be an integer",
      [AF_T_DOUBLE] = "must be a number",
      [AF_T_TIMESTAMP] = "must be a time",
      [AF_T_BLOB] = "must be base64 text",
      [AF_T_LIST] = "must be a list",
      [AF_T_STRUCT] = "must be a structure",
      [AF_T_MAP] = "must be a map, and the protocol must be JSON",
  };
  return fits[type] ? NULL : wanted[type];
}

static int check_value(struct check *c, const struct af_shape *shape, const json_t *v, int depth);

static int check_at(struct check *c, const struct af_shape *shape, const json_t *v, int depth, const char *name, size_t index) {
  size_t before = c->path.len;
  if (name)
    af_buf_printf(&c->path, "%s%s", before > 0 ? "." : "", name);
  else
    af_buf_printf(&c->path, "[%zu]", index);
  int rc = af_buf_rc(&c->path);
  if (rc == -AF_ENOMEM)
    return af_error_nomem(c->err);
  rc = rc < 0 ? refuse(c, "is too deep") : check_value(c, shape, v, depth + 1);
  if (rc == 0) {
    c->path.len = before;
    c->path.ptr[before] = 0;
  }
  return rc;
}

static bool absent(const json_t *object, const struct af_member *m, enum af_protocol protocol) {
  const json_t *v = json_object_get(object, m->name);
  /* EC2 has no way to say that a list is empty: it would not be sent at all. */
  return !v || json_is_null(v) || (protocol == AF_PROTOCOL_EC2 && m->shape->type == AF_T_LIST && json_array_size(v) == 0);
}

/* An empty name in a path makes another call of it: a GET of a bucket without a name lists all buckets. A header is one line, and curl takes
 * one without a value for the wish to have none. */
static const char *misplaced(const struct af_member *m, const json_t *v) {
  if ((m->place != AF_IN_PATH && m->place != AF_IN_HEADER) || !json_is_string(v))
    return NULL;
  if (json_string_length(v) == 0)
    return "is empty";
  for (size_t i = 0; m->place == AF_IN_HEADER && i < json_string_length(v); i++)
    if (iscntrl((unsigned char)json_string_value(v)[i]))
      return "must be one line";
  return NULL;
}

static int check_structure(struct check *c, const struct af_shape *shape, const json_t *v, int depth) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)v, name, value) {
    const struct af_member *m = af_codec_member(shape, name);
    if (!m) {
      af_buf_printf(&c->path, "%s%s", c->path.len > 0 ? "." : "", name);
      return refuse(c, "is not a member of this call");
    }
    const char *why = misplaced(m, value);
    if (why) {
      af_buf_puts(&c->path, name);
      return refuse(c, why);
    }
    int rc = json_is_null(value) ? 0 : check_at(c, m->shape, value, depth, name, 0);
    if (rc < 0)
      return rc;
  }
  for (const struct af_member *m = shape->members; m->name; m++) {
    if (m->required && absent(v, m, c->protocol)) {
      af_buf_printf(&c->path, "%s%s", c->path.len > 0 ? "." : "", m->name);
      return refuse(c, "is missing");
    }
  }
  return 0;
}

static int check_items(struct check *c, const struct af_shape *shape, const json_t *v, int depth) {
  size_t n = json_array_size(v);
  if (n == 0 && shape->not_empty)
    return refuse(c, "is empty: it would widen the call instead of narrowing it");
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < n; i++)
    rc = check_at(c, shape->element, json_array_get(v, i), depth, NULL, i);
  return rc;
}

static int check_map(struct check *c, const struct af_shape *shape, const json_t *v, int depth) {
  const char *name;
  json_t *value;
  int rc = 0;
  json_object_foreach((json_t *)(uintptr_t)v, name, value) {
    rc = check_at(c, shape->element, value, depth, name, 0);
    if (rc < 0)
      break;
  }
  return rc;
}

static int check_value(struct check *c, const struct af_shape *shape, const json_t *v, int depth) {
  if (depth > AF_CODEC_MAX_DEPTH)
    return refuse(c, "is too deep");
  const char *why = misfit(c->protocol, shape->type, v);
  if (why)
    return refuse(c, why);
  switch (shape->type) {
  case AF_T_STRUCT: return check_structure(c, shape, v, depth);
  case AF_T_LIST: return check_items(c, shape, v, depth);
  case AF_T_MAP: return check_map(c, shape, v, depth);
  default: return 0;
  }
}

int af_codec_check(const struct af_op *op, const json_t *input, struct af_error *err) {
  struct check c = {.protocol = op->protocol, .label = op->label, .err = err};
  af_buf_init(&c.path, 4096);
  int rc = check_value(&c, op->input, input, 0);
  af_buf_done(&c.path);
  return rc;
}
