/* A YAML or JSON document as a tree in which every node knows its line, so that each error can name line and path.
 * YAML goes through libyaml (1.2 core schema: true/false, null, numbers; no anchors, aliases, tags or merge keys), JSON through
 * jansson. Both refuse duplicate keys, NUL, invalid UTF-8, more than one document, and whatever passes the limits. */
#ifndef AF_BASE_DOC_H
#define AF_BASE_DOC_H

#include "base/error.h"
#include "base/str.h"

enum af_node_type { AF_NODE_NULL, AF_NODE_BOOL, AF_NODE_INT, AF_NODE_REAL, AF_NODE_STRING, AF_NODE_LIST, AF_NODE_MAP };
enum af_doc_format { AF_DOC_AUTO, AF_DOC_YAML, AF_DOC_JSON }; /* AUTO: JSON if the first byte that is not white space is { or [ */

struct af_doc_limits {
  size_t bytes; /* 0 takes the default of 4 MiB */
  int depth;    /* 0: 32 */
  size_t nodes; /* 0: 200,000 */
};

struct af_doc;
struct af_node;

/* name is what errors call the text ("batch.yaml", "standard input"). Errors: -AF_EINVAL, -AF_ETOOBIG, -AF_ENOMEM with
 * `name:line: path: what` in err->message and class AF_CLASS_INVALID. */
int af_doc_read(struct af_doc **ret_doc, const char *name, struct af_str text, enum af_doc_format format,
                const struct af_doc_limits *limits, struct af_error *err);
/* Reads the file too; "-" is standard input. */
int af_doc_read_file(struct af_doc **ret_doc, const char *path, const struct af_doc_limits *limits, struct af_error *err);
void af_doc_free(struct af_doc *doc); /* takes NULL; every node goes with it */
const struct af_node *af_doc_root(const struct af_doc *doc); /* never NULL; an empty document is a null node */
const char *af_doc_name(const struct af_doc *doc);

enum af_node_type af_node_type(const struct af_node *n);
const char *af_node_type_name(enum af_node_type t); /* "a string", "a list"...: for messages */
int af_node_line(const struct af_node *n); /* 1 for the first */
size_t af_node_count(const struct af_node *n); /* of a list or a map; 0 otherwise, and of NULL: what is absent has no items */
const struct af_node *af_node_at(const struct af_node *n, size_t i); /* item of a list, value of a map; NULL past the end */
struct af_str af_node_key(const struct af_node *n, size_t i); /* key i of a map, in the order of the text */
const struct af_node *af_node_get(const struct af_node *map, const char *key); /* NULL where absent */
/* The scalar as it was written (unquoted), whatever its type: account ids like 012345678901 must not become numbers. */
struct af_str af_node_text(const struct af_node *n);
int64_t af_node_int(const struct af_node *n);  /* of AF_NODE_INT; 0 otherwise */
double af_node_real(const struct af_node *n);  /* of INT and REAL */
bool af_node_bool(const struct af_node *n);    /* of AF_NODE_BOOL */

/* Fills err with "name:line: path: <format>", as copies[3].target.region; returns -AF_EINVAL. */
int af_node_error(const struct af_doc *doc, const struct af_node *n, struct af_error *err, const char *code, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Refuses every key of a map that isn't in known (which ends with NULL), with line, path and the nearest known key. */
int af_node_only(const struct af_doc *doc, const struct af_node *map, const char *const *known, struct af_error *err);

#endif
