/* The ladder: the ways that a copy may go, in order, and what stands in the way of each. For this folder only. */
#ifndef AF_PLANS_LADDER_H
#define AF_PLANS_LADDER_H

#include "plans/survey.h"

struct af_rung {
  enum af_route route;
  const json_t *tried;      /* what AWS said when it was tried; NULL: it was not */
  struct af_error obstacle; /* class NONE: nothing that is known stands in the way */
};

struct af_ladder {
  struct af_rung rungs[AF_RUNGS_MAX];
  size_t n;
  bool named; /* by the manifest */
};

/* d has its keys already. */
void af_ladder(const struct af_survey *s, const struct af_decision *d, const json_t *tried, struct af_ladder *ret);
bool af_rung_is_free(const struct af_rung *rung); /* it was not tried, and nothing stands in the way */
/* The first rung that was not tried and that nothing stands in the way of; NULL where there is none. */
const struct af_rung *af_ladder_next(const struct af_ladder *l);
/* No rung is left: all that stands in the way, by the one that a person can mend first. */
void af_ladder_refuse(const struct af_survey *s, const struct af_ladder *l, struct af_error *ret);
/* May launch-image be taken without anybody being asked again? */
bool af_ladder_may_launch(const struct af_survey *s, const struct af_ladder *l);

#endif
