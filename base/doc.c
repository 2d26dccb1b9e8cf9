/* Documents: checking and reading a text, and looking at its nodes. The tree is built in doc_tree.c from the events of
 * doc_yaml.c or the values of doc_json.c. */
#include "base/doc.h"

#include "base/buf.h"
#include "base/doc_tree.h"

/* Refuses what neither format may hold, and says on which line. */
static int check_bytes(const struct af_doc *doc, struct af_str text, struct af_error *err) {
  int line = 1;
  size_t start = 0;
  for (size_t i = 0; i <= text.len; i++) {
    bool end = i == text.len;
    unsigned char c = end ? '\n' : (unsigned char)text.ptr[i];
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
      return af_doc_error(doc, line, err, -AF_EINVAL, "DocEncoding", "holds the control character 0x%02x: remove it", c);
    if (c != '\n')
      continue;
    if (!af_str_utf8(af_str_n(text.ptr + start, i - start)))
      return af_doc_error(doc, line, err, -AF_EINVAL, "DocEncoding", "is not valid UTF-8: save the file as UTF-8");
    start = i + 1;
    line++;
  }
  return 0;
}

static bool looks_like_json(struct af_str text) {
  text = af_str_trim(text);
  return text.len > 0 && (text.ptr[0] == '{' || text.ptr[0] == '[');
}

static int read_text(struct af_doc *doc, struct af_str text, enum af_doc_format format, struct af_error *err) {
  if (text.len > doc->limits.bytes)
    return af_doc_error(doc, 1, err, -AF_ETOOBIG, "DocTooBig", "is longer than %zu bytes, the most that is read: split it",
                        doc->limits.bytes);
  if (af_str_starts(text, "\xEF\xBB\xBF"))
    text = af_str_n(text.ptr + 3, text.len - 3);
  int rc = check_bytes(doc, text, err);
  if (rc < 0)
    return rc;
  if (format == AF_DOC_AUTO)
    format = looks_like_json(text) ? AF_DOC_JSON : AF_DOC_YAML;
  rc = format == AF_DOC_JSON ? af_doc_read_json(doc, text, err) : af_doc_read_yaml(doc, text, err);
  if (rc == 0 && !doc->root)
    rc = af_doc_value(doc, AF_NODE_NULL, af_str_n("", 0), 1, NULL, err);
  return rc;
}

int af_doc_read(struct af_doc **ret_doc, const char *name, struct af_str text, enum af_doc_format format,
                const struct af_doc_limits *limits, struct af_error *err) {
  struct af_doc *doc = af_doc_new(name, limits);
  if (!doc)
    return af_error_nomem(err);
  int rc = read_text(doc, text, format, err);
  if (rc < 0) {
    af_doc_free(doc);
    return rc;
  }
  *ret_doc = doc;
  return 0;
}

int af_doc_read_file(struct af_doc **ret_doc, const char *path, const struct af_doc_limits *limits, struct af_error *err) {
  const char *name = af_streq(path, "-") ? "standard input" : path;
  struct af_doc *empty = af_doc_new(name, limits); /* for the limits' defaults */
  if (!empty)
    return af_error_nomem(err);
  struct af_buf b;
  af_buf_init(&b, empty->limits.bytes);
  af_doc_free(empty);
  int rc = af_buf_read_file(&b, path, err);
  if (rc == 0)
    rc = af_doc_read(ret_doc, name, af_buf_view(&b), AF_DOC_AUTO, limits, err);
  af_buf_done(&b);
  return rc;
}

const struct af_node *af_doc_root(const struct af_doc *doc) {
  return doc->root;
}

const char *af_doc_name(const struct af_doc *doc) {
  return doc->name;
}

enum af_node_type af_node_type(const struct af_node *n) {
  return n->type;
}

const char *af_node_type_name(enum af_node_type t) {
  static const char *const names[] = {
      [AF_NODE_NULL] = "nothing",    [AF_NODE_BOOL] = "true or false", [AF_NODE_INT] = "a whole number", [AF_NODE_REAL] = "a number",
      [AF_NODE_STRING] = "a string", [AF_NODE_LIST] = "a list",        [AF_NODE_MAP] = "a map",
  };
  return (unsigned)t < sizeof names / sizeof names[0] ? names[t] : "nothing";
}

int af_node_line(const struct af_node *n) {
  return n->line;
}

size_t af_node_count(const struct af_node *n) {
  return n ? n->count : 0;
}

const struct af_node *af_node_at(const struct af_node *n, size_t i) {
  return n && i < n->count ? n->items[i] : NULL;
}

struct af_str af_node_key(const struct af_node *n, size_t i) {
  return i < n->count ? n->items[i]->key : af_str_n("", 0);
}

struct af_str af_node_text(const struct af_node *n) {
  return n->text;
}

int64_t af_node_int(const struct af_node *n) {
  return n->type == AF_NODE_INT ? n->value.integer : 0;
}

double af_node_real(const struct af_node *n) {
  return n->type == AF_NODE_REAL ? n->value.real : (double)af_node_int(n);
}

bool af_node_bool(const struct af_node *n) {
  return n->type == AF_NODE_BOOL && n->value.boolean;
}

/* --- keys that nobody knows --- */

static int unknown_key(const struct af_doc *doc, const struct af_node *map, const struct af_node *member,
                       const char *const *known, struct af_error *err) {
  struct af_node at = *map;
  at.line = member->key_line;
  char key[80];
  AF_COPY(key, member->key);
  const char *near = af_str_nearest(member->key, known);
  if (near)
    return af_node_error(doc, &at, err, "UnknownKey", "unknown key \"%s\"; did you mean \"%s\"?", key, near);
  struct af_buf list;
  af_buf_init(&list, 600);
  for (size_t i = 0; known[i]; i++)
    af_buf_printf(&list, "%s%s", i ? ", " : "", known[i]);
  const char *more = af_buf_rc(&list) < 0 ? ", ..." : "";
  af_node_error(doc, &at, err, "UnknownKey", "unknown key \"%s\"; the keys here are: %s%s", key, af_buf_cstr(&list), more);
  af_buf_done(&list);
  return -AF_EINVAL;
}

static bool is_known(struct af_str key, const char *const *known) {
  for (; *known; known++)
    if (af_str_eq(key, af_str(*known)))
      return true;
  return false;
}

int af_node_only(const struct af_doc *doc, const struct af_node *map, const char *const *known, struct af_error *err) {
  if (map->type != AF_NODE_MAP)
    return af_node_error(doc, map, err, "WrongType", "must be a map, not %s", af_node_type_name(map->type));
  for (size_t i = 0; i < map->count; i++)
    if (!is_known(map->items[i]->key, known))
      return unknown_key(doc, map, map->items[i], known, err);
  return 0;
}
