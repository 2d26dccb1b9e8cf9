/* The body of an EC2 or query call: Action, Version and the members, flattened into names with dots and numbers from 1
 * (rules.md 8). EC2 numbers every list directly (ImageId.1) and leaves an empty one out; query puts the item's name between
 * (Tags.member.1) and says an empty list with an empty value. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/aws/codec_parts.h"
#include "engine/aws/sigv4.h"

struct out {
  enum af_protocol protocol;
  struct af_buf *body;
  struct af_buf name; /* of the value that is being written */
};

/* The shortest text that reads back as the same number. */
static void put_double(struct af_buf *out, double d) {
  char text[40];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, d);
    double back = strtod(text, NULL);
    if (!(back < d) && !(back > d))
      break;
  }
  af_buf_puts(out, text);
}

void af_codec_put_plain(struct af_buf *out, const json_t *v) {
  if (json_is_boolean(v))
    af_buf_puts(out, json_is_true(v) ? "true" : "false");
  else if (json_is_integer(v))
    af_buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
  else if (json_is_real(v))
    put_double(out, json_real_value(v));
}

static void put_scalar(struct out *o, const json_t *v) {
  af_buf_putc(o->body, '&');
  af_uri_encode(o->body, af_buf_view(&o->name), false);
  af_buf_putc(o->body, '=');
  if (json_is_string(v))
    af_uri_encode(o->body, af_str_n(json_string_value(v), json_string_length(v)), false);
  else
    af_codec_put_plain(o->body, v);
}

static void cut_name(struct out *o, size_t len) {
  if (af_buf_rc(&o->name) == 0 && o->name.ptr) {
    o->name.len = len;
    o->name.ptr[len] = 0;
  }
}

static void put_value(struct out *o, const struct af_shape *shape, const json_t *v);

static void put_members(struct out *o, const struct af_shape *shape, const json_t *v) {
  size_t before = o->name.len;
  for (const struct af_member *m = shape->members; m->name; m++) {
    const json_t *value = json_object_get(v, m->name);
    if (!value || json_is_null(value))
      continue;
    af_buf_printf(&o->name, "%s%s", before > 0 ? "." : "", m->wire);
    put_value(o, m->shape, value);
    cut_name(o, before);
  }
}

static void put_items(struct out *o, const struct af_shape *shape, const json_t *v) {
  size_t before = o->name.len, n = json_array_size(v);
  if (n == 0 && o->protocol == AF_PROTOCOL_QUERY)
    put_scalar(o, NULL);
  for (size_t i = 0; i < n; i++) {
    if (!shape->flattened) /* EC2's lists all are */
      af_buf_printf(&o->name, ".%s", shape->item);
    af_buf_printf(&o->name, ".%zu", i + 1);
    put_value(o, shape->element, json_array_get(v, i));
    cut_name(o, before);
  }
}

static void put_value(struct out *o, const struct af_shape *shape, const json_t *v) {
  if (shape->type == AF_T_STRUCT)
    put_members(o, shape, v);
  else if (shape->type == AF_T_LIST)
    put_items(o, shape, v);
  else
    put_scalar(o, v);
}

void af_codec_encode_query(const struct af_op *op, const json_t *input, struct af_buf *body) {
  struct out o = {.protocol = op->protocol, .body = body};
  af_buf_init(&o.name, 4096);
  af_buf_printf(body, "Action=%s&Version=%s", op->action, op->version);
  put_members(&o, op->input, input);
  if (body->rc == 0)
    body->rc = af_buf_rc(&o.name);
  af_buf_done(&o.name);
}
