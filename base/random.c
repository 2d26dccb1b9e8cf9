/* Randomness: the kernel's, and a seeded generator for simulations (xoshiro256** 1.0 by Blackman and Vigna, public domain,
 * seeded through splitmix64 as they advise). */
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t system_next(void *ctx) {
  uint64_t bits;
  ssize_t n;
  do
    n = getrandom(&bits, sizeof bits, 0);
  while (n < 0 && errno == EINTR);
  if (n != (ssize_t)sizeof bits)
    abort(); /* without randomness no token is unique: better to stop than to guess */
  return bits;
}

const struct af_random *af_random_system(void) {
  static const struct af_random system = {.next = system_next};
  return &system;
}

static uint64_t rotate_left(uint64_t x, int bits) {
  return (x << bits) | (x >> (64 - bits));
}

static uint64_t seeded_next(void *ctx) {
  uint64_t *s = ((struct af_random_seeded *)ctx)->s;
  uint64_t result = rotate_left(s[1] * 5, 7) * 9;
  uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate_left(s[3], 45);
  return result;
}

static uint64_t splitmix64(uint64_t *state) {
  uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

void af_random_seed(struct af_random_seeded *r, uint64_t seed) {
  for (int i = 0; i < 4; i++)
    r->s[i] = splitmix64(&seed);
  r->random = (struct af_random){.next = seeded_next, .ctx = r};
}

uint64_t af_random_below(const struct af_random *r, uint64_t bound) {
  if (bound == 0)
    abort();
  /* The first 2^64 mod bound values would make small results likelier: they are drawn again. */
  uint64_t uneven = (0 - bound) % bound;
  uint64_t bits;
  do
    bits = r->next(r->ctx);
  while (bits < uneven);
  return bits % bound;
}

double af_random_unit(const struct af_random *r) {
  return (double)(r->next(r->ctx) >> 11) * 0x1.0p-53; /* 53 bits: all that a double in [0, 1) can hold evenly */
}

void af_random_hex(const struct af_random *r, char *out, size_t digits) {
  uint64_t bits = 0;
  for (size_t i = 0; i < digits; i++) {
    if (i % 16 == 0)
      bits = r->next(r->ctx);
    out[i] = "0123456789abcdef"[bits & 15];
    bits >>= 4;
  }
  out[digits] = 0;
}
