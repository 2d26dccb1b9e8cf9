/* Memory and time of the simulation. The allocators abort when there is none: a simulated AWS that half forgot what it did would
 * blame its client. What the world and its resources own is freed with the simulation. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/sim.h"

static void *got(void *memory) {
  if (!memory) {
    fputs("cloudsim: out of memory\n", stderr);
    abort();
  }
  return memory;
}

void *cs_new(size_t size) {
  return got(calloc(1, size > 0 ? size : 1));
}

char *cs_strndup(struct af_str s) {
  return got(af_str_dup(s));
}

char *cs_strdup(const char *s) {
  return s ? cs_strndup(af_str(s)) : NULL;
}

void cs_set(char **slot, const char *text) {
  char *fresh = cs_strdup(text); /* text may point into what is freed */
  free(*slot);
  *slot = fresh;
}

/* The array is full whenever n is 0 or a power of two: no size has to be kept beside it. */
void *cs_grow(void *items, size_t n, size_t item_size) {
  if (n > 0 && (n & (n - 1)) != 0)
    return items;
  return got(reallocarray(items, n > 0 ? 2 * n : 1, item_size));
}

int64_t cs_sim_time(const struct cs_sim *sim, int64_t now_ms) {
  return sim->start_ms + (int64_t)((double)(now_ms - sim->start_ms) * sim->speed);
}

int64_t cs_sim_wall(const struct cs_sim *sim, int64_t sim_ms) {
  if (sim_ms == INT64_MAX)
    return INT64_MAX;
  /* One more than the quotient, so that going to that time is never a millisecond too early. */
  double wall = (double)(sim_ms - sim->start_ms) / sim->speed;
  int64_t whole = (int64_t)wall;
  return sim->start_ms + ((double)whole < wall ? whole + 1 : whole);
}

int64_t cs_draw(struct af_random_seeded *r, struct cs_range range) {
  if (range.max <= range.min)
    return range.min;
  return range.min + (int64_t)af_random_below(&r->random, (uint64_t)(range.max - range.min) + 1);
}
