/* Watches what is freed, to find what a secret leaves behind: while leaks_watched is set, each freed block that holds the
 * text "SECRET" is counted. Included by one .c of a test that is linked with wrap_free (meson.build). */
#ifndef AF_TESTS_UNIT_WATCH_FREE_H
#define AF_TESTS_UNIT_WATCH_FREE_H

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool leaks_watched;
static int leaks;

void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);
void __real_free(void *block);

/* Zeroed, so that the whole block may be looked at. */
void *__wrap_malloc(size_t size) {
  return calloc(1, size);
}

void __wrap_free(void *block) {
  if (leaks_watched && block && memmem(block, malloc_usable_size(block), "SECRET", 6))
    leaks++;
  __real_free(block);
}

/* Always moves, as realloc may at any time: what it leaves behind is looked at, and what it adds is zeroed. */
void *__wrap_realloc(void *block, size_t size) {
  void *moved = calloc(1, size);
  size_t old = block ? malloc_usable_size(block) : 0;
  if (!moved)
    return NULL;
  if (block)
    memcpy(moved, block, old < size ? old : size);
  __wrap_free(block);
  return moved;
}

#endif
