/* What the files of the inspection share and nobody else sees. */
#ifndef AF_ENGINE_INSPECT_PARTS_H
#define AF_ENGINE_INSPECT_PARTS_H

#include "engine/inspect.h"

struct af_inspection {
  struct af_inspected who;
  const struct af_copy_spec *spec; /* who.spec */
  struct af_facts facts;
  size_t stage;
  size_t key;   /* index into facts.source_keys while these are described */
  bool starved; /* memory ran out over an input or a fact: NULL then doesn't mean that there is nothing to ask */
};

/* Passes a value on, and notes where it could not be made. */
static inline json_t *af_inspection_made(struct af_inspection *x, json_t *value) {
  x->starved = x->starved || !value;
  return value;
}

/* build: the input, or NULL to skip this read. take: keeps the answer; an answer that is an error comes only to tolerant rows. */
struct af_read {
  const struct af_op *op;
  enum af_where where;
  json_t *(*build)(struct af_inspection *x);
  int (*take)(struct af_inspection *x, const struct af_answer *a, struct af_error *err);
  bool tolerant; /* a refusal is a fact as well */
  bool repeats;  /* asked until build returns NULL */
};

/* inspect_launch.c: where an instance of it could be launched. Read where the ladder may come to that. */
#define AF_LAUNCH_READS 5
extern const struct af_read af_launch_reads[AF_LAUNCH_READS];

#endif
