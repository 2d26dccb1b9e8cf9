/* Randomness as a vtable, so that one seed can drive a whole run. */
#ifndef AF_BASE_RANDOM_H
#define AF_BASE_RANDOM_H

#include "base/str.h"

struct af_random {
  uint64_t (*next)(void *ctx); /* 64 uniform bits */
  void *ctx;
};

const struct af_random *af_random_system(void); /* getrandom(2); aborts if the kernel has none */

/* xoshiro256** seeded through splitmix64: for simulations and tests, never for keys. */
struct af_random_seeded {
  uint64_t s[4];
  struct af_random random;
};
void af_random_seed(struct af_random_seeded *r, uint64_t seed); /* r->random.ctx points into r: don't move it */

uint64_t af_random_below(const struct af_random *r, uint64_t bound); /* uniform in [0, bound); bound > 0 */
double af_random_unit(const struct af_random *r);                    /* uniform in [0, 1) */
void af_random_hex(const struct af_random *r, char *out, size_t digits); /* writes digits characters and a NUL */

#endif
