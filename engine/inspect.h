/* Inspection: reads the facts of one copy, call by call, changing nothing. The same for `plan` and for the engine; whoever drives it
 * sends the calls. */
#ifndef AF_ENGINE_INSPECT_H
#define AF_ENGINE_INSPECT_H

#include "engine/step.h"

struct af_inspected { /* whose facts; borrowed */
  const struct af_copy_spec *spec;
  const char *copy_id; /* what this copy itself has made is none of the facts; "" where it has made nothing */
  int64_t begun_ms;
  const json_t *tried; /* routes that were given up (plans/route.h); NULL: none */
};
struct af_inspection;
int af_inspection_new(struct af_inspection **ret, const struct af_inspected *who);
void af_inspection_free(struct af_inspection *x); /* takes NULL */

/* The next call; ret->op stays NULL where all facts are there. */
int af_inspection_ask(struct af_inspection *x, struct af_ask *ret);
/* Takes the answer to the call that was asked last. -AF_EAWS: it can't go on, the answer's error says why; ask again to try once more. */
int af_inspection_answer(struct af_inspection *x, const struct af_answer *a, struct af_error *err);
/* What has been read; borrowed. */
struct af_facts *af_inspection_facts(struct af_inspection *x);
/* Does the answer to this call hold for other copies of the same principals and Regions, too? */
bool af_inspection_shared(const struct af_op *op);

/* An ARN says the partition: arn:PARTITION:sts::… Leaves out as it is where it says none. */
void af_take_partition(const char *arn, char out[16]);

#endif
