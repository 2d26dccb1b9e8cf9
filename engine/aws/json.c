/* JSON 1.1, both ways. Requests are written in the order of the shape, so that the same input gives the same bytes. Replies are
 * copied member by member: what the shape doesn't know is left behind, null counts as absent, numbers stay as they came. */
#include "base/json.h"
#include "engine/aws/codec_parts.h"

static int append(const char *text, size_t len, void *body) {
  af_buf_add(body, text, len);
  return af_buf_rc(body) < 0 ? -1 : 0;
}

static void put_scalar(struct af_buf *body, const json_t *v) {
  if (json_dump_callback(v, append, body, JSON_ENCODE_ANY | JSON_COMPACT) < 0 && body->rc == 0)
    body->rc = -AF_ENOMEM;
}

static void put_name(struct af_buf *body, const char *name, bool *first) {
  af_buf_puts(body, *first ? "" : ",");
  *first = false;
  json_t *text = json_string(name);
  put_scalar(body, text);
  json_decref(text);
  af_buf_putc(body, ':');
}

static void put_value(struct af_buf *body, const struct af_shape *shape, const json_t *v);

static void put_members(struct af_buf *body, const struct af_shape *shape, const json_t *v) {
  bool first = true;
  af_buf_putc(body, '{');
  for (const struct af_member *m = shape->members; m->name; m++) {
    const json_t *value = json_object_get(v, m->name);
    if (!value || json_is_null(value))
      continue;
    put_name(body, m->wire, &first);
    put_value(body, m->shape, value);
  }
  af_buf_putc(body, '}');
}

static void put_map(struct af_buf *body, const struct af_shape *shape, const json_t *v) {
  const char *name;
  json_t *value;
  bool first = true;
  af_buf_putc(body, '{');
  json_object_foreach((json_t *)(uintptr_t)v, name, value) {
    put_name(body, name, &first);
    put_value(body, shape->element, value);
  }
  af_buf_putc(body, '}');
}

static void put_items(struct af_buf *body, const struct af_shape *shape, const json_t *v) {
  af_buf_putc(body, '[');
  for (size_t i = 0; i < json_array_size(v); i++) {
    af_buf_puts(body, i > 0 ? "," : "");
    put_value(body, shape->element, json_array_get(v, i));
  }
  af_buf_putc(body, ']');
}

static void put_value(struct af_buf *body, const struct af_shape *shape, const json_t *v) {
  switch (shape->type) {
  case AF_T_STRUCT: put_members(body, shape, v); break;
  case AF_T_MAP: put_map(body, shape, v); break;
  case AF_T_LIST: put_items(body, shape, v); break;
  default: put_scalar(body, v); break;
  }
}

void af_codec_encode_json(const struct af_op *op, const json_t *input, struct af_buf *body) {
  put_members(body, op->input, input);
}

/* ---- replies ---- */

struct in {
  struct af_codec_reading *r;
  int values; /* left */
};

static int malformed(struct in *in, const char *name, const char *what) {
  struct af_buf why;
  af_buf_init(&why, 1024);
  af_buf_printf(&why, "%.64s %s", name, what);
  AF_COPY(in->r->why, af_buf_view(&why));
  af_buf_done(&why);
  return -AF_EINVAL;
}

static int take(struct in *in, const struct af_shape *shape, json_t *v, const char *name, int depth, json_t **ret);

static int take_into(struct in *in, const struct af_shape *shape, json_t *v, const char *name, int depth, json_t *target) {
  json_t *copy = NULL;
  int rc = json_is_null(v) ? 0 : take(in, shape, v, name, depth + 1, &copy);
  if (rc < 0 || !copy)
    return rc;
  rc = json_is_array(target) ? json_array_append_new(target, copy) : json_object_set_new(target, name, copy);
  return rc < 0 ? -AF_ENOMEM : 0;
}

static int take_members(struct in *in, const struct af_shape *shape, json_t *v, int depth, json_t *target) {
  int rc = 0;
  for (const struct af_member *m = shape->members; rc == 0 && m->name; m++) {
    json_t *value = json_object_get(v, m->wire);
    if (value)
      rc = take_into(in, m->shape, value, m->name, depth, target);
  }
  return rc;
}

static int take_map(struct in *in, const struct af_shape *shape, json_t *v, int depth, json_t *target) {
  const char *name;
  json_t *value;
  int rc = 0;
  json_object_foreach(v, name, value) {
    rc = take_into(in, shape->element, value, name, depth, target);
    if (rc < 0)
      break;
  }
  return rc;
}

static int take_items(struct in *in, const struct af_shape *shape, json_t *v, const char *name, int depth, json_t *target) {
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < json_array_size(v); i++)
    rc = take_into(in, shape->element, json_array_get(v, i), name, depth, target);
  return rc;
}

static bool fits(enum af_type type, const json_t *v) {
  switch (type) {
  case AF_T_STRING:
  case AF_T_BLOB: return json_is_string(v);
  case AF_T_BOOL: return json_is_boolean(v);
  case AF_T_INT: return json_is_integer(v);
  case AF_T_DOUBLE:
  case AF_T_TIMESTAMP: return json_is_number(v) || json_is_string(v);
  case AF_T_LIST: return json_is_array(v);
  case AF_T_STRUCT:
  case AF_T_MAP: return json_is_object(v);
  }
  return false;
}

static int take(struct in *in, const struct af_shape *shape, json_t *v, const char *name, int depth, json_t **ret) {
  if (depth > AF_CODEC_MAX_DEPTH || --in->values < 0)
    return malformed(in, name, "is too deep, or the reply holds too many values");
  if (!fits(shape->type, v))
    return malformed(in, name, "has the wrong type");
  if (shape->type != AF_T_STRUCT && shape->type != AF_T_LIST && shape->type != AF_T_MAP) {
    *ret = json_incref(v);
    return 0;
  }
  json_t *fresh = shape->type == AF_T_LIST ? json_array() : json_object();
  if (!fresh)
    return -AF_ENOMEM;
  int rc = shape->type == AF_T_LIST  ? take_items(in, shape, v, name, depth, fresh)
           : shape->type == AF_T_MAP ? take_map(in, shape, v, depth, fresh)
                                     : take_members(in, shape, v, depth, fresh);
  if (rc < 0)
    json_decref(fresh);
  else
    *ret = fresh;
  return rc;
}

int af_codec_decode_json(const struct af_shape *shape, struct af_str body, json_t **ret, struct af_codec_reading *r) {
  struct in in = {.r = r, .values = AF_CODEC_MAX_VALUES};
  json_error_t error;
  json_t *root;
  int rc = af_json_read(body, 0, &root, &error);
  if (rc < 0)
    return rc == -AF_ENOMEM ? rc : malformed(&in, "the text", error.text);
  rc = take(&in, shape, root, "the text", 0, ret);
  json_decref(root);
  return rc;
}
