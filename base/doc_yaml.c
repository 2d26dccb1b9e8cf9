/* YAML through libyaml's events. What YAML has beyond plain data (anchors, aliases, tags, merge keys, many documents) is
 * refused: it hides what a manifest says, and makes small files large. */
#include <locale.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/doc_tree.h"

/* --- the core schema --- */

static bool one_of(struct af_str text, const char *const *words) {
  for (; *words; words++)
    if (af_str_eq(text, af_str(*words)))
      return true;
  return false;
}

static size_t digits(const char *p) {
  size_t n = 0;
  while (p[n] >= '0' && p[n] <= '9')
    n++;
  return n;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? over the whole text */
static bool looks_real(const char *p) {
  p += *p == '-' || *p == '+';
  size_t whole = digits(p);
  p += whole;
  if (*p == '.') {
    size_t fraction = digits(++p);
    p += fraction;
    whole += fraction;
  }
  if (whole == 0)
    return false;
  if (*p == 'e' || *p == 'E') {
    p++;
    p += *p == '-' || *p == '+';
    size_t exponent = digits(p);
    p += exponent;
    if (exponent == 0)
      return false;
  }
  return *p == 0;
}

/* 0o17 and 0x1f. Past 64 bits it stays a string. */
static bool resolve_based(struct af_str text, int64_t *ret) {
  int bits = af_str_starts(text, "0o") ? 3 : af_str_starts(text, "0x") ? 4 : 0;
  if (bits == 0 || text.len == 2)
    return false;
  uint64_t value = 0;
  for (size_t i = 2; i < text.len; i++) {
    char c = text.ptr[i];
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
    if (digit >> bits || value >> (63 - bits))
      return false;
    value = value << bits | (uint64_t)digit;
  }
  *ret = (int64_t)value;
  return true;
}

static double read_real(const char *text) {
  /* strtod() itself follows LC_NUMERIC; glibc makes the "C" locale without allocating. */
  locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  double value = c ? strtod_l(text, NULL, c) : 0;
  if (c)
    freelocale(c);
  return value;
}

static bool resolve_special(struct af_str text, double *ret) {
  static const char *const inf[] = {".inf", ".Inf", ".INF", NULL}, *const nan[] = {".nan", ".NaN", ".NAN", NULL};
  bool sign = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
  if (one_of(text, nan)) {
    *ret = __builtin_nan("");
    return true;
  }
  *ret = sign && text.ptr[0] == '-' ? -__builtin_inf() : __builtin_inf();
  return one_of(sign ? af_str_n(text.ptr + 1, text.len - 1) : text, inf);
}

enum af_node_type af_doc_resolve(struct af_str text, struct af_node *n) {
  static const char *const null[] = {"", "~", "null", "Null", "NULL", NULL};
  static const char *const yes[] = {"true", "True", "TRUE", NULL}, *const no[] = {"false", "False", "FALSE", NULL};
  if (one_of(text, null))
    return AF_NODE_NULL;
  bool truth = one_of(text, yes);
  if (truth || one_of(text, no)) {
    n->value.boolean = truth;
    return AF_NODE_BOOL;
  }
  if (af_str_to_i64(text, &n->value.integer) == 0 || resolve_based(text, &n->value.integer))
    return AF_NODE_INT;
  if (looks_real(text.ptr)) {
    n->value.real = read_real(text.ptr);
    return AF_NODE_REAL;
  }
  return resolve_special(text, &n->value.real) ? AF_NODE_REAL : AF_NODE_STRING;
}

/* --- events --- */

static int line_of(yaml_mark_t mark) {
  return (int)mark.line + 1;
}

/* libyaml says what it missed; this says what people did. */
static const char *advice(const char *problem) {
  static const struct {
    const char *problem, *advice;
  } table[] = {
      {"found character that cannot start any token", "indent with spaces, not tabs; quote values that start with @ ` or %"},
      {"found a tab character", "indent with spaces, not tabs"},
      {"mapping values are not allowed", "quote a value that holds ': ', and check the indentation"},
      {"did not find expected key", "check the indentation of this line and of those above it"},
      {"did not find expected '-' indicator", "check the indentation of this line and of those above it"},
      {"could not find expected ':'", "put a ':' and a space behind the key, and check the indentation"},
      {"found unexpected end of stream", "close the quote"},
      {"did not find expected ',' or", "close the bracket, and put a comma between its items"},
      {"control characters are not allowed", "remove the control character"},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    if (strstr(problem, table[i].problem))
      return table[i].advice;
  return "correct or quote what is there";
}

static int line_at(struct af_str text, size_t offset) {
  int line = 1;
  for (size_t i = 0; i < offset && i < text.len; i++)
    line += text.ptr[i] == '\n';
  return line;
}

static int syntax_error(struct af_doc *doc, const yaml_parser_t *p, struct af_str text, struct af_error *err) {
  if (p->error == YAML_MEMORY_ERROR)
    return af_error_nomem(err);
  int line = p->error == YAML_READER_ERROR ? line_at(text, p->problem_offset) : line_of(p->problem_mark);
  const char *problem = p->problem ? p->problem : "cannot be read";
  if (p->context && p->context_mark.line != p->problem_mark.line)
    af_doc_error(doc, line, err, -AF_EINVAL, "DocSyntax", "not valid YAML: %s, %s that starts on line %d: %s", problem,
                 p->context, line_of(p->context_mark), advice(problem));
  else
    af_doc_error(doc, line, err, -AF_EINVAL, "DocSyntax", "not valid YAML: %s: %s", problem, advice(problem));
  return -AF_EINVAL;
}

static int unsupported(struct af_doc *doc, int line, struct af_error *err, const char *what) {
  return af_doc_error(doc, line, err, -AF_EINVAL, "DocUnsupported", "%s", what);
}

static int refuse_extras(struct af_doc *doc, int line, const yaml_char_t *anchor, const yaml_char_t *tag, struct af_error *err) {
  if (anchor)
    return unsupported(doc, line, err, "anchors (&name) are not supported: write the value out where it is used, or quote it");
  if (tag)
    return unsupported(doc, line, err, "tags (!name) are not supported: leave the tag out, or quote the value");
  return 0;
}

static bool wants_key(const struct af_doc *doc) {
  return doc->open && doc->open->type == AF_NODE_MAP && !doc->has_key;
}

static int on_key(struct af_doc *doc, struct af_str text, bool plain, int line, struct af_error *err) {
  if (plain && af_str_eq(text, af_str("<<")))
    return unsupported(doc, line, err, "merge keys (<<) are not supported: write the keys out");
  if (plain && text.len == 0)
    return unsupported(doc, line, err, "there is no key before the ':'");
  return af_doc_key(doc, text, line, err);
}

static int on_scalar(struct af_doc *doc, const yaml_event_t *e, int line, struct af_error *err) {
  struct af_str text = af_str_n((const char *)e->data.scalar.value, e->data.scalar.length);
  bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  int rc = refuse_extras(doc, line, e->data.scalar.anchor, e->data.scalar.tag, err);
  if (rc < 0)
    return rc;
  if (!af_str_utf8(text)) /* "\0" and surrogates can be written as escapes */
    return unsupported(doc, line, err, "holds the character NUL, or one that is none: remove it");
  if (wants_key(doc))
    return on_key(doc, text, plain, line, err);
  struct af_node *n;
  rc = af_doc_value(doc, AF_NODE_STRING, text, line, &n, err);
  if (rc == 0 && plain)
    n->type = af_doc_resolve(n->text, n);
  return rc;
}

static int on_container(struct af_doc *doc, enum af_node_type type, const yaml_char_t *anchor, const yaml_char_t *tag, int line,
                        struct af_error *err) {
  int rc = refuse_extras(doc, line, anchor, tag, err);
  if (rc < 0)
    return rc;
  if (wants_key(doc))
    return unsupported(doc, line, err, "a list or a map cannot be a key: write a text");
  return af_doc_open(doc, type, line, err);
}

/* 1 when the stream has ended. */
static int on_event(struct af_doc *doc, const yaml_event_t *e, struct af_error *err) {
  int line = line_of(e->start_mark);
  switch (e->type) {
  case YAML_DOCUMENT_START_EVENT:
    return doc->root ? unsupported(doc, line, err, "a second document starts here: put each document into a file of its own") : 0;
  case YAML_ALIAS_EVENT:
    return unsupported(doc, line, err, "aliases (*name) are not supported: write the value out, or quote it if it is a text");
  case YAML_SCALAR_EVENT:
    return on_scalar(doc, e, line, err);
  case YAML_SEQUENCE_START_EVENT:
    return on_container(doc, AF_NODE_LIST, e->data.sequence_start.anchor, e->data.sequence_start.tag, line, err);
  case YAML_MAPPING_START_EVENT:
    return on_container(doc, AF_NODE_MAP, e->data.mapping_start.anchor, e->data.mapping_start.tag, line, err);
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT:
    return af_doc_close(doc, err);
  case YAML_STREAM_END_EVENT:
    return 1;
  default:
    return 0;
  }
}

int af_doc_read_yaml(struct af_doc *doc, struct af_str text, struct af_error *err) {
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser))
    return af_error_nomem(err);
  yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&parser, (const unsigned char *)(text.len ? text.ptr : ""), text.len);
  int rc = 0;
  while (rc == 0) {
    yaml_event_t event;
    if (!yaml_parser_parse(&parser, &event)) {
      rc = syntax_error(doc, &parser, text, err);
    } else {
      rc = on_event(doc, &event, err);
      yaml_event_delete(&event);
    }
  }
  yaml_parser_delete(&parser);
  return rc < 0 ? rc : 0;
}
