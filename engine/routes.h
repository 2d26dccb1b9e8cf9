/* Which steps a route takes, as data; and the rows they become for one copy. */
#ifndef AF_ENGINE_ROUTES_H
#define AF_ENGINE_ROUTES_H

#include "plans/route.h"
#include "state/store.h"

/* Makes the rows of the steps that the decision takes, in order and numbered from first_ordinal on; the caller frees them with
 * af_step_rows_free(). */
int af_route_steps(const struct af_copy_row *copy, const struct af_copy_spec *spec, const struct af_facts *facts,
                   const struct af_decision *decision, int64_t first_ordinal, struct af_step_row **ret, size_t *ret_n);
void af_step_rows_free(struct af_step_row *steps, size_t n); /* takes NULL */

#endif
