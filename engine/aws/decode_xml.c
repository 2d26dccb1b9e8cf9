/* XML replies to trees, in one pass over the bytes (expat). A stack of open elements, each with its shape: structures and lists are
 * hung into the tree when they open, scalars when they close. What the shape doesn't know is skipped whole, save for a request id
 * near the root. White space between elements, their order, and how expat cuts the text into pieces make no difference
 * (rules.md 8). A document type is refused: no reply of AWS has one, and it is the only door to entities of the sender's making. */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/aws/codec_parts.h"

struct frame { /* an open element that the shape knows */
  const struct af_shape *shape;
  json_t *value;   /* borrowed: the structure or list; NULL for a scalar, which is made when the element closes */
  json_t *target;  /* borrowed: where a scalar goes */
  const char *key; /* its member there; NULL: appended */
};

struct reading {
  XML_Parser parser;
  const char *root;
  struct af_codec_reading *r;
  json_t *tree; /* owned until it is handed over */
  struct frame frames[AF_CODEC_MAX_DEPTH];
  int depth;   /* of the frames */
  int skipped; /* depth inside an element that is skipped; 0: not in one */
  bool in_request_id;
  int values;
  struct af_buf text; /* of the scalar that is open */
  int rc;
};

static void stop(struct reading *d, int rc, const char *name, const char *what) {
  if (d->rc == 0 && rc == -AF_EINVAL)
    snprintf(d->r->why, sizeof d->r->why, "%.64s %.128s", name, what);
  if (d->rc == 0)
    d->rc = rc;
  XML_StopParser(d->parser, XML_FALSE);
}

/* ---- opening ---- */

static void attach(struct reading *d, json_t *target, const char *key, json_t *fresh) {
  int rc = !fresh ? -1 : key ? json_object_set_new(target, key, fresh) : json_array_append_new(target, fresh);
  if (rc < 0)
    stop(d, -AF_ENOMEM, "", "");
}

static void push(struct reading *d, const struct af_shape *shape, json_t *target, const char *key) {
  struct frame *f = &d->frames[d->depth++];
  *f = (struct frame){.shape = shape, .target = target, .key = key};
  af_buf_reset(&d->text);
  if (shape->type != AF_T_STRUCT && shape->type != AF_T_LIST)
    return;
  f->value = shape->type == AF_T_LIST ? json_array() : json_object();
  attach(d, target, key, f->value);
}

/* A flattened list has no element of its own: its first item makes it. */
static json_t *flat_list(struct reading *d, json_t *structure, const char *key) {
  json_t *list = json_object_get(structure, key);
  if (!list)
    attach(d, structure, key, list = json_array());
  return list;
}

static const struct af_member *member_on_wire(const struct af_shape *structure, const char *wire) {
  for (const struct af_member *m = structure->members; m->name; m++)
    if (strcmp(m->wire, wire) == 0)
      return m;
  return NULL;
}

/* Opens the frame of a child element; false where the shape doesn't know it. */
static bool open_known(struct reading *d, const char *name) {
  const struct frame *parent = &d->frames[d->depth - 1];
  if (parent->shape->type == AF_T_LIST) {
    if (strcmp(name, parent->shape->item) != 0)
      return false;
    push(d, parent->shape->element, parent->value, NULL);
    return true;
  }
  const struct af_member *m = parent->shape->type == AF_T_STRUCT ? member_on_wire(parent->shape, name) : NULL;
  if (!m || m->shape->type == AF_T_MAP)
    return false;
  if (m->shape->type == AF_T_LIST && m->shape->flattened)
    push(d, m->shape->element, flat_list(d, parent->value, m->name), NULL);
  else
    push(d, m->shape, parent->value, m->name);
  return true;
}

static void open_root(struct reading *d, const char *name, const struct af_shape *shape) {
  bool is_member = af_streq(d->root, AF_CODEC_ROOT_IS_MEMBER);
  if (d->root && !is_member && strcmp(name, d->root) != 0) {
    stop(d, -AF_EINVAL, name, "is not the reply's root element");
    return;
  }
  d->tree = json_object();
  if (!d->tree) {
    stop(d, -AF_ENOMEM, "", "");
    return;
  }
  d->frames[d->depth++] = (struct frame){.shape = shape, .value = d->tree};
  if (is_member && !open_known(d, name))
    stop(d, -AF_EINVAL, name, "is not the reply's root element");
}

static void XMLCALL on_open(void *user, const char *name, const char **attributes) {
  struct reading *d = user;
  if (d->rc < 0)
    return;
  if (d->depth + d->skipped >= AF_CODEC_MAX_DEPTH || ++d->values > AF_CODEC_MAX_VALUES) {
    stop(d, -AF_EINVAL, name, "is too deep, or the reply holds too many elements");
  } else if (d->depth == 0) {
    open_root(d, name, d->frames[0].shape);
  } else if (d->skipped > 0 || !open_known(d, name)) {
    d->skipped++;
    /* EC2: requestId below the root, STS: in ResponseMetadata; of errors: RequestID and RequestId (rules.md 8). */
    if (d->depth == 1 && d->skipped <= 2 && strcasecmp(name, "requestid") == 0) {
      d->in_request_id = true;
      af_buf_reset(&d->text);
    }
  }
}

static void XMLCALL on_text(void *user, const char *text, int len) {
  struct reading *d = user;
  if (d->rc < 0 || d->depth == 0 || len < 0)
    return;
  if (d->in_request_id || (d->skipped == 0 && !d->frames[d->depth - 1].value))
    af_buf_add(&d->text, text, (size_t)len);
  if (af_buf_rc(&d->text) < 0)
    stop(d, -AF_ENOMEM, "", "");
}

/* ---- closing ---- */

static json_t *to_string(struct af_str text) {
  return json_stringn(text.len > 0 ? text.ptr : "", text.len);
}

static bool to_int(struct af_str text, json_t **ret) {
  int64_t n;
  if (af_str_to_i64(text, &n) < 0)
    return false;
  *ret = json_integer(n);
  return true;
}

static bool to_bool(struct af_str text, json_t **ret) {
  bool yes = af_str_eq(text, af_str("true")), no = af_str_eq(text, af_str("false"));
  *ret = json_boolean(yes);
  return yes || no;
}

static bool to_double(struct af_str text, json_t **ret) {
  char copy[64], *end;
  if (af_str_eq(text, af_str("NaN")) || af_str_eq(text, af_str("Infinity")) || af_str_eq(text, af_str("-Infinity"))) {
    *ret = to_string(text); /* JSON has no word for these */
    return true;
  }
  if (!AF_COPY(copy, text))
    return false;
  double number = strtod(copy, &end);
  *ret = json_real(number);
  return *end == 0 && *ret;
}

static void close_scalar(struct reading *d, const struct frame *f, const char *name) {
  struct af_str text = af_buf_view(&d->text), trimmed = af_str_trim(text);
  enum af_type type = f->shape->type;
  json_t *fresh = NULL;
  bool ok = true;
  if (trimmed.len == 0 && (type == AF_T_INT || type == AF_T_BOOL || type == AF_T_DOUBLE))
    return; /* an empty element that should hold one of these says as much as none */
  switch (type) {
  case AF_T_INT: ok = to_int(trimmed, &fresh); break;
  case AF_T_BOOL: ok = to_bool(trimmed, &fresh); break;
  case AF_T_DOUBLE: ok = to_double(trimmed, &fresh); break;
  case AF_T_TIMESTAMP:
  case AF_T_BLOB: fresh = to_string(trimmed); break;
  default: fresh = to_string(text); break;
  }
  if (ok) {
    attach(d, f->target, f->key, fresh);
  } else {
    json_decref(fresh);
    stop(d, -AF_EINVAL, name, "does not hold a value of its type");
  }
}

static void XMLCALL on_close(void *user, const char *name) {
  struct reading *d = user;
  if (d->rc < 0)
    return;
  if (d->skipped > 0) {
    d->skipped--;
    if (d->in_request_id)
      AF_COPY(d->r->request_id, af_str_trim(af_buf_view(&d->text)));
    d->in_request_id = false;
    return;
  }
  const struct frame *f = &d->frames[--d->depth];
  if (!f->value)
    close_scalar(d, f, name);
}

/* ---- the whole ---- */

static void XMLCALL on_doctype(void *user, const char *name, const char *system, const char *public, int has_subset) {
  stop(user, -AF_EINVAL, "the text", "has a document type");
}

static int parse(struct reading *d, struct af_str body) {
  XML_SetUserData(d->parser, d);
  XML_SetElementHandler(d->parser, on_open, on_close);
  XML_SetCharacterDataHandler(d->parser, on_text);
  XML_SetStartDoctypeDeclHandler(d->parser, on_doctype);
  enum XML_Status status = XML_Parse(d->parser, body.len > 0 ? body.ptr : "", (int)body.len, 1);
  if (d->rc < 0 || status == XML_STATUS_OK)
    return d->rc;
  enum XML_Error error = XML_GetErrorCode(d->parser);
  if (error == XML_ERROR_NO_MEMORY)
    return -AF_ENOMEM;
  snprintf(d->r->why, sizeof d->r->why, "line %lu: %.200s", (unsigned long)XML_GetCurrentLineNumber(d->parser),
           XML_ErrorString(error));
  return -AF_EINVAL;
}

int af_codec_decode_xml(const struct af_shape *shape, const char *root, bool secret, struct af_str body, json_t **ret,
                        struct af_codec_reading *r) {
  struct reading d = {.root = root, .r = r, .parser = secret ? af_codec_wiping_parser() : XML_ParserCreate(NULL)};
  if (!d.parser)
    return -AF_ENOMEM;
  d.frames[0].shape = shape; /* open_root() takes it from there */
  (secret ? af_buf_init_secret : af_buf_init)(&d.text, AF_REPLY_MAX_BYTES);
  int rc = parse(&d, body);
  XML_ParserFree(d.parser);
  af_buf_done(&d.text);
  if (rc < 0) {
    json_decref(d.tree);
    return rc;
  }
  *ret = d.tree;
  return 0;
}
