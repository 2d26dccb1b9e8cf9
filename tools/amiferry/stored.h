/* A stored copy as a view, for commands that show what no engine drives. */
#ifndef AF_TOOLS_AMIFERRY_STORED_H
#define AF_TOOLS_AMIFERRY_STORED_H

#include "tools/amiferry/output.h"

struct af_stored {
  struct af_copy_spec spec;
  struct af_facts facts;
  bool has_facts;
  struct af_step_row *steps; /* of all rungs, oldest first */
  size_t n_steps, n_old;     /* n_old: of them of routes that were given up: history */
  struct af_copy_view view;
  char waits[200]; /* what the last call of the step at hand was told */
};
/* row is borrowed, and must outlive ret. */
int af_stored_read(struct af_stored *ret, struct af_store *s, const struct af_copy_row *row, struct af_error *err);
void af_stored_done(struct af_stored *s);
int af_stored_spec(struct af_copy_spec *ret, const struct af_copy_row *row, struct af_error *err);
json_t *af_json_exposure(const struct af_exposure_row *x);

#endif
