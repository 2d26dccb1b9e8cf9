/* JSON through jansson, which decides what is valid and decodes it. jansson keeps no lines: they come from walking the text,
 * valid by then, in step with jansson's tree, which is in the order of the text. */
#include <stdlib.h>

#include "base/doc_tree.h"
#include "base/json.h"

/* A place in the text. */
struct cursor {
  const char *p, *end;
  int line;
};

static void step(struct cursor *c) {
  c->line += *c->p == '\n';
  c->p++;
}

/* Past the string that starts at its quote. */
static void skip_string(struct cursor *c) {
  step(c);
  while (c->p < c->end && *c->p != '"') {
    if (*c->p == '\\' && c->p + 1 < c->end)
      step(c);
    step(c);
  }
  if (c->p < c->end)
    step(c);
}

/* To the next byte that can begin a key, a value or an end: what lies between carries no meaning in valid JSON. */
static void skip_between(struct cursor *c) {
  while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r' || *c->p == ',' || *c->p == ':'))
    step(c);
}

static struct af_str skip_scalar(struct cursor *c) {
  const char *start = c->p;
  if (*c->p == '"')
    skip_string(c);
  else
    while (c->p < c->end && !strchr(" \t\r\n,:]}", *c->p))
      step(c);
  return af_str_n(start, (size_t)(c->p - start));
}

/* Holds the limits before jansson spends memory and stack on the text. */
static int check_limits(struct af_doc *doc, struct af_str text, struct af_error *err) {
  struct cursor c = {text.ptr, text.ptr + text.len, 1};
  int depth = 0;
  size_t marks = 1; /* the values are at least half of this: each opens a container, or follows a comma or an opening */
  while (c.p < c.end) {
    if (*c.p == '"') {
      skip_string(&c);
      continue;
    }
    depth += (*c.p == '[' || *c.p == '{') - (*c.p == ']' || *c.p == '}');
    marks += *c.p == '[' || *c.p == '{' || *c.p == ',';
    if (depth > doc->limits.depth)
      return af_doc_too_deep(doc, c.line, err);
    if (marks / 2 > doc->limits.nodes)
      return af_doc_too_many(doc, c.line, err);
    step(&c);
  }
  return 0;
}

/* Where the walk is inside of one container. */
struct level {
  const json_t *container;
  size_t index; /* of a list's next item */
  void *iter;   /* of a map's next member */
};

static struct level enter(json_t *container) {
  return (struct level){.container = container, .iter = json_is_object(container) ? json_object_iter(container) : NULL};
}

/* The next value of the container, or NULL at its end; of a map, the key is taken from the text too. */
static int next_value(struct af_doc *doc, struct level *l, struct cursor *c, json_t **ret, struct af_error *err) {
  skip_between(c);
  if (json_is_array(l->container)) {
    *ret = json_array_get(l->container, l->index++);
    return 0;
  }
  *ret = l->iter ? json_object_iter_value(l->iter) : NULL;
  if (!*ret)
    return 0;
  const char *key = json_object_iter_key(l->iter);
  int rc = af_doc_key(doc, af_str(key), c->line, err);
  skip_scalar(c);
  skip_between(c);
  union {
    const json_t *in;
    json_t *out;
  } container = {.in = l->container}; /* jansson's iterator takes no const */
  l->iter = json_object_iter_next(container.out, l->iter);
  return rc;
}

static int add_scalar(struct af_doc *doc, const json_t *value, struct cursor *c, struct af_error *err) {
  int line = c->line;
  struct af_str raw = skip_scalar(c);
  if (json_is_string(value))
    return af_doc_value(doc, AF_NODE_STRING, af_str_n(json_string_value(value), json_string_length(value)), line, NULL, err);
  struct af_node *n;
  int rc = af_doc_value(doc, AF_NODE_NULL, raw, line, &n, err);
  if (rc < 0)
    return rc;
  if (json_is_boolean(value)) {
    n->type = AF_NODE_BOOL;
    n->value.boolean = json_is_true(value);
  } else if (json_is_integer(value)) {
    n->type = AF_NODE_INT;
    n->value.integer = json_integer_value(value);
  } else if (json_is_real(value)) {
    n->type = AF_NODE_REAL;
    n->value.real = json_real_value(value);
  }
  return 0;
}

static int walk(struct af_doc *doc, json_t *root, struct af_str text, struct level *stack, struct af_error *err) {
  struct cursor c = {text.ptr, text.ptr + text.len, 1};
  json_t *value = root;
  int rc = 0;
  skip_between(&c);
  do {
    if (!value) {
      rc = af_doc_close(doc, err);
      step(&c); /* the closing bracket */
    } else if (json_is_object(value) || json_is_array(value)) {
      rc = af_doc_open(doc, json_is_object(value) ? AF_NODE_MAP : AF_NODE_LIST, c.line, err);
      step(&c);
      if (rc == 0)
        stack[doc->depth] = enter(value);
    } else {
      rc = add_scalar(doc, value, &c, err);
    }
    if (rc == 0 && doc->depth > 0)
      rc = next_value(doc, &stack[doc->depth], &c, &value, err);
  } while (rc == 0 && doc->depth > 0);
  return rc;
}

/* jansson shows the text near an error. It is left out: the document may hold credentials, and errors are stored. */
static int syntax_error(struct af_doc *doc, json_error_t *e, struct af_error *err) {
  char what[JSON_ERROR_TEXT_LENGTH];
  AF_COPY(what, af_str(e->text));
  char *near = strstr(what, " near '"); /* and a ' at the end */
  if (near)
    *near = 0;
  int shown = near ? (int)strcspn(near + 7, "'") : 0;
  switch (json_error_code(e)) {
  case json_error_duplicate_key:
    return af_doc_error(doc, e->line, err, -AF_EINVAL, "DocDuplicateKey", "the key %.*s is there twice: keep one of the two",
                        shown, near ? near + 7 : "");
  case json_error_null_character:
  case json_error_null_byte_in_key:
    return af_doc_error(doc, e->line, err, -AF_EINVAL, "DocUnsupported", "holds the character NUL: remove it");
  case json_error_numeric_overflow:
    return af_doc_error(doc, e->line, err, -AF_EINVAL, "DocSyntax", "a number is too big (column %d): quote it if it is a text",
                        e->column);
  default:
    return af_doc_error(doc, e->line, err, -AF_EINVAL, "DocSyntax", "not valid JSON: %s (column %d)", what, e->column);
  }
}

int af_doc_read_json(struct af_doc *doc, struct af_str text, struct af_error *err) {
  int rc = check_limits(doc, text, err);
  if (rc < 0)
    return rc;
  json_error_t e;
  json_t *root;
  rc = af_json_read(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &root, &e);
  if (rc < 0)
    return rc == -AF_ENOMEM ? af_error_nomem(err) : syntax_error(doc, &e, err);
  struct level *stack = calloc((size_t)doc->limits.depth + 1, sizeof *stack);
  rc = stack ? walk(doc, root, text, stack, err) : af_error_nomem(err);
  free(stack);
  json_decref(root);
  return rc;
}
