/* One seed played from its first call to its last: lives and deaths, the mending of what a person can mend, and the laws. */
#ifndef AF_TESTS_SIMULATION_PLAY_H
#define AF_TESTS_SIMULATION_PLAY_H

#include "tests/simulation/invariants.h"
#include "tests/simulation/scenario.h"

struct play_stats {
  unsigned long seeds, copies, lives, calls, struck;
  unsigned long ends[AF_COPY_STATE_MAX_]; /* of copies */
  unsigned long kinds[SCENE_KINDS_];      /* of AMIs that arrived */
  struct moves moves;
};

/* false: a law was broken, why says which. kept: SCENE_ALL, or fewer parts. */
bool play(uint64_t seed, uint64_t kept, struct play_stats *stats, struct why *why);

#endif
