/* Building the tree of a document. Owns the document's memory: an arena whose chunks are freed at once. Nothing here
 * recurses, so depth costs no stack. */
#include "base/doc_tree.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_SIZE = 32 * 1024, PATH_SIZE = 400, KEY_SHOWN = 64, DEFAULT_BYTES = 4 << 20, DEFAULT_DEPTH = 32, DEFAULT_NODES = 200000 };

struct af_doc_chunk {
  struct af_doc_chunk *next;
  size_t used, size;
  _Alignas(max_align_t) char bytes[];
};

static void *take(struct af_doc *doc, size_t size) {
  size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
  struct af_doc_chunk *c = doc->chunks;
  if (!c || size > c->size - c->used) {
    size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
    c = malloc(sizeof *c + room);
    if (!c)
      return NULL;
    *c = (struct af_doc_chunk){.next = doc->chunks, .size = room};
    doc->chunks = c;
  }
  void *p = c->bytes + c->used;
  c->used += size;
  return p;
}

static bool take_copy(struct af_doc *doc, struct af_str text, struct af_str *ret) {
  char *copy = take(doc, text.len + 1);
  if (!copy)
    return false;
  if (text.len > 0)
    memcpy(copy, text.ptr, text.len);
  copy[text.len] = 0;
  *ret = af_str_n(copy, text.len);
  return true;
}

struct af_doc *af_doc_new(const char *name, const struct af_doc_limits *limits) {
  struct af_doc *doc = calloc(1, sizeof *doc);
  if (!doc)
    return NULL;
  if (limits)
    doc->limits = *limits;
  if (doc->limits.bytes == 0)
    doc->limits.bytes = DEFAULT_BYTES;
  if (doc->limits.depth == 0)
    doc->limits.depth = DEFAULT_DEPTH;
  if (doc->limits.nodes == 0)
    doc->limits.nodes = DEFAULT_NODES;
  struct af_str copy;
  if (!take_copy(doc, af_str(name ? name : "document"), &copy)) {
    af_doc_free(doc);
    return NULL;
  }
  doc->name = copy.ptr;
  return doc;
}

void af_doc_free(struct af_doc *doc) {
  if (!doc)
    return;
  while (doc->chunks) {
    struct af_doc_chunk *next = doc->chunks->next;
    free(doc->chunks);
    doc->chunks = next;
  }
  free(doc);
}

/* --- errors: where in the text, and where in the tree --- */

/* Writes before *at, towards the front: a path is collected from the leaf up. What doesn't fit is "...". */
static bool prepend(char *path, size_t *at, const char *text, size_t len) {
  if (len + 3 > *at) {
    memcpy(path + *at - 3, "...", 3);
    *at -= 3;
    return false;
  }
  *at -= len;
  memcpy(path + *at, text, len);
  return true;
}

static bool plain_key(struct af_str key) {
  for (size_t i = 0; i < key.len; i++)
    if (strchr(" .[]\"\\:", key.ptr[i]) || (unsigned char)key.ptr[i] < 0x20)
      return false;
  return key.len > 0;
}

static bool prepend_step(char *path, size_t *at, const struct af_node *parent, size_t index, struct af_str key) {
  char step[KEY_SHOWN + 16];
  char shown[KEY_SHOWN];
  int n;
  AF_COPY(shown, key);
  if (parent->type == AF_NODE_LIST)
    n = snprintf(step, sizeof step, "[%zu]", index);
  else if (plain_key(key))
    n = snprintf(step, sizeof step, "%s%s", parent->parent ? "." : "", shown);
  else
    n = snprintf(step, sizeof step, "[\"%s\"]", shown);
  return prepend(path, at, step, (size_t)n);
}

static const char *path_of(char path[PATH_SIZE], size_t at, const struct af_node *n) {
  for (; n && n->parent; n = n->parent)
    if (!prepend_step(path, &at, n->parent, n->index, n->key))
      break;
  return path + at;
}

__attribute__((format(printf, 7, 0))) static int fill(const struct af_doc *doc, int line, const char *path,
                                                      struct af_error *err, int rc, const char *code, const char *format,
                                                      va_list args) {
  char what[sizeof err->message];
  vsnprintf(what, sizeof what, format, args);
  af_error_set(err, rc, AF_CLASS_INVALID, code, "%s:%d: %s%s%s", doc->name, line, path, *path ? ": " : "", what);
  if (err)
    AF_COPY(err->resource, af_str(doc->name));
  return rc;
}

int af_doc_error(const struct af_doc *doc, int line, struct af_error *err, int rc, const char *code, const char *format, ...) {
  char path[PATH_SIZE];
  size_t at = sizeof path - 1;
  path[at] = 0;
  if (doc->open && (doc->has_key || doc->open->type == AF_NODE_LIST))
    prepend_step(path, &at, doc->open, doc->open->count, doc->key);
  va_list args;
  va_start(args, format);
  fill(doc, line, path_of(path, at, doc->open), err, rc, code, format, args);
  va_end(args);
  return rc;
}

int af_node_error(const struct af_doc *doc, const struct af_node *n, struct af_error *err, const char *code, const char *format, ...) {
  char path[PATH_SIZE];
  path[sizeof path - 1] = 0;
  va_list args;
  va_start(args, format);
  fill(doc, n->line, path_of(path, sizeof path - 1, n), err, -AF_EINVAL, code, format, args);
  va_end(args);
  return -AF_EINVAL;
}

int af_doc_too_deep(const struct af_doc *doc, int line, struct af_error *err) {
  return af_doc_error(doc, line, err, -AF_ETOOBIG, "DocTooDeep", "is nested more than %d levels deep", doc->limits.depth);
}

int af_doc_too_many(const struct af_doc *doc, int line, struct af_error *err) {
  return af_doc_error(doc, line, err, -AF_ETOOBIG, "DocTooBig", "has more than %zu values: split it into several files",
                      doc->limits.nodes);
}

/* --- building --- */

int af_doc_key(struct af_doc *doc, struct af_str key, int line, struct af_error *err) {
  if (!take_copy(doc, key, &doc->key))
    return af_error_nomem(err);
  doc->has_key = true;
  doc->key_line = line;
  return 0;
}

int af_doc_value(struct af_doc *doc, enum af_node_type type, struct af_str text, int line, struct af_node **ret,
                 struct af_error *err) {
  if (doc->nodes >= doc->limits.nodes)
    return af_doc_too_many(doc, line, err);
  struct af_node *n = take(doc, sizeof *n);
  if (!n)
    return af_error_nomem(err);
  *n = (struct af_node){.type = type, .line = line, .parent = doc->open};
  if (!take_copy(doc, text, &n->text))
    return af_error_nomem(err);
  struct af_node *parent = doc->open;
  if (!parent) {
    doc->root = n;
  } else {
    n->index = parent->count++;
    n->key = doc->has_key ? doc->key : af_str_n("", 0);
    n->key_line = doc->has_key ? doc->key_line : line;
    *(parent->last ? &parent->last->next : &parent->first) = n;
    parent->last = n;
  }
  doc->has_key = false;
  doc->nodes++;
  if (ret)
    *ret = n;
  return 0;
}

int af_doc_open(struct af_doc *doc, enum af_node_type type, int line, struct af_error *err) {
  if (doc->depth >= doc->limits.depth)
    return af_doc_too_deep(doc, line, err);
  struct af_node *n = NULL;
  int rc = af_doc_value(doc, type, af_str_n("", 0), line, &n, err);
  if (rc < 0)
    return rc;
  doc->open = n;
  doc->depth++;
  return 0;
}

static int compare_keys(struct af_str a, struct af_str b) {
  int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
  return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_members(const void *a, const void *b) {
  const struct af_node *x = *(const struct af_node *const *)a, *y = *(const struct af_node *const *)b;
  int order = compare_keys(x->key, y->key);
  return order ? order : (x->index > y->index) - (x->index < y->index);
}

static int refuse_duplicates(struct af_doc *doc, const struct af_node *map, struct af_error *err) {
  const struct af_node *found = NULL; /* the first one in the text */
  int before = 0;
  for (size_t i = 1; i < map->count; i++)
    if (compare_keys(map->sorted[i - 1]->key, map->sorted[i]->key) == 0 && (!found || map->sorted[i]->index < found->index)) {
      found = map->sorted[i];
      before = map->sorted[i - 1]->key_line;
    }
  if (!found)
    return 0;
  struct af_node key = *found;
  key.line = found->key_line;
  return af_node_error(doc, &key, err, "DocDuplicateKey", "the key is already on line %d: keep one of the two", before);
}

int af_doc_close(struct af_doc *doc, struct af_error *err) {
  struct af_node *n = doc->open;
  struct af_node **items = take(doc, (n->count + 1) * sizeof *items);
  struct af_node **sorted = n->type == AF_NODE_MAP ? take(doc, (n->count + 1) * sizeof *sorted) : items;
  if (!items || !sorted)
    return af_error_nomem(err);
  size_t i = 0;
  for (struct af_node *child = n->first; child; child = child->next)
    items[i++] = child;
  n->items = items;
  if (n->type == AF_NODE_MAP) {
    if (n->count > 0)
      memcpy(sorted, items, n->count * sizeof *sorted);
    qsort(sorted, n->count, sizeof *sorted, compare_members);
    n->sorted = sorted;
    int rc = refuse_duplicates(doc, n, err);
    if (rc < 0)
      return rc;
  }
  doc->open = n->parent;
  doc->depth--;
  return 0;
}

const struct af_node *af_node_get(const struct af_node *map, const char *key) {
  if (!map || map->type != AF_NODE_MAP)
    return NULL;
  struct af_str want = af_str(key);
  for (size_t low = 0, high = map->count; low < high;) {
    size_t middle = low + (high - low) / 2;
    int order = compare_keys(want, map->sorted[middle]->key);
    if (order == 0)
      return map->sorted[middle];
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}
