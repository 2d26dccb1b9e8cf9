/* Laws, not expected outputs: what must hold of the record and of the cloud whatever happened (design section 3). Each returns false with
 * the reason in why, and asserts nothing itself. */
#ifndef AF_TESTS_SIMULATION_INVARIANTS_H
#define AF_TESTS_SIMULATION_INVARIANTS_H

#include "engine/machine.h"
#include "tests/simulation/rig.h"

struct why {
  char text[512];
};

/* How often each move of the machine was recorded, summed over all records that were looked at. */
struct moves {
  unsigned long copy[AF_COPY_STATE_MAX_][AF_COPY_STATE_MAX_];
  unsigned long step[AF_STEP_STATE_MAX_][AF_STEP_STATE_MAX_];
};

/* At every commit. An access that a copy relies on is open, nothing is waited for twice, and the cloud has nothing double that AWS was not
 * asked to delete. */
bool holds_at_every_turn(struct rig *r, struct why *why);

/* Between two lives, and in the end. The events of each copy are numbered without a gap and replay to the rows as they are; no two of
 * them record one outcome; what has ended has nothing unresolved. Adds the moves to seen (may be NULL). */
bool record_holds(struct rig *r, struct moves *seen, struct why *why);

/* When everything is at rest. Nothing is twice, open or left over, nothing of the world's own is taken away, nothing was done that a careful
 * client doesn't do. What was shared with `wanted` (an account; NULL: none) is what a manifest wanted so. */
bool cloud_is_clean(struct rig *r, const char *wanted, struct why *why);
/* No access is still open through us, and nobody holds any. */
bool nothing_is_borrowed(struct rig *r, struct why *why);

/* Prints the moves, legal ones that nobody made last, as comment lines; returns how many those are. */
unsigned moves_print(const struct moves *seen);

#endif
