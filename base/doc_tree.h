/* Inside of base/doc: the tree and how it is built. Only doc*.c include this. The readers of YAML and JSON call open, key,
 * value and close in the order of the text; the tree keeps the limits, finds duplicate keys and knows the path of each error. */
#ifndef AF_BASE_DOC_TREE_H
#define AF_BASE_DOC_TREE_H

#include "base/doc.h"

struct af_node {
  enum af_node_type type;
  int line;                /* of the value */
  int key_line;            /* of its key, where the parent is a map */
  struct af_node *parent;
  size_t index;            /* in the parent */
  struct af_str key;       /* NUL-terminated, as is text */
  struct af_str text;
  union {
    int64_t integer;
    double real;
    bool boolean;
  } value;
  size_t count;
  struct af_node **items;  /* in the order of the text; set when the container is closed */
  struct af_node **sorted; /* of a map: by key */
  struct af_node *first, *last, *next; /* while it is built */
};

struct af_doc_chunk;

struct af_doc {
  const char *name;
  struct af_doc_limits limits;
  struct af_doc_chunk *chunks; /* all memory of the document */
  struct af_node *root;
  size_t nodes;
  /* while it is built: */
  struct af_node *open; /* the innermost container that isn't closed */
  int depth;
  bool has_key;
  struct af_str key; /* whose value comes next */
  int key_line;
};

struct af_doc *af_doc_new(const char *name, const struct af_doc_limits *limits);

/* Each returns 0 or an error in err. Strings are copied. */
int af_doc_key(struct af_doc *doc, struct af_str key, int line, struct af_error *err);
int af_doc_value(struct af_doc *doc, enum af_node_type type, struct af_str text, int line, struct af_node **ret,
                 struct af_error *err);
int af_doc_open(struct af_doc *doc, enum af_node_type type, int line, struct af_error *err);
int af_doc_close(struct af_doc *doc, struct af_error *err);

/* "name:line: path: ..." where path is the place that is being built. */
int af_doc_error(const struct af_doc *doc, int line, struct af_error *err, int rc, const char *code, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
int af_doc_too_deep(const struct af_doc *doc, int line, struct af_error *err);
int af_doc_too_many(const struct af_doc *doc, int line, struct af_error *err);

/* A plain scalar's type and value by the core schema of YAML 1.2 (chapter 10.3). The text ends with a NUL. */
enum af_node_type af_doc_resolve(struct af_str text, struct af_node *n);

int af_doc_read_yaml(struct af_doc *doc, struct af_str text, struct af_error *err);
int af_doc_read_json(struct af_doc *doc, struct af_str text, struct af_error *err);

#endif
