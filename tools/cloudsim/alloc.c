/* Memory and time of the simulation. Where there is no memory the program ends: a simulated AWS that half forgot what it did would
 * blame its client. It says so and exits: abort() would call a fault what is none, and leave a core file.
 * What the world and its resources own is freed with the simulation. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "tools/cloudsim/sim.h"

void cs_no_memory(void) {
  fputs("cloudsim: out of memory\n", stderr);
  _exit(CS_EXIT_NO_MEMORY); /* what runs at an exit may want memory */
}

static void *got(void *memory) {
  if (!memory)
    cs_no_memory();
  return memory;
}

void *cs_malloc(size_t size) {
  return got(malloc(size > 0 ? size : 1));
}

void *cs_realloc(void *memory, size_t size) {
  return got(realloc(memory, size > 0 ? size : 1));
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

void cs_buf_whole(const struct af_buf *b) {
  if (af_buf_rc(b) == -AF_ENOMEM)
    cs_no_memory();
}

void cs_buf_reset(struct af_buf *b) {
  cs_buf_whole(b);
  af_buf_reset(b);
}

void cs_buf_done(struct af_buf *b) {
  cs_buf_whole(b);
  af_buf_done(b);
}

static void *openssl_malloc(size_t size, const char *file, int line) {
  return cs_malloc(size);
}
static void *openssl_realloc(void *memory, size_t size, const char *file, int line) {
  return cs_realloc(memory, size);
}
static void openssl_free(void *memory, const char *file, int line) {
  free(memory);
}

void cs_guard_libraries(void) {
  json_set_alloc_funcs(cs_malloc, free);
  if (!CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free))
    abort(); /* OpenSSL has been used already */
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
