/* Allocations that fail: the one after `allocations_left` more, and only that or, with `allocations_end`, all that follow. Included by one .c of a test that is linked with wrap_alloc
 * (meson.build); libraries with allocators of their own (jansson, SQLite) are pointed at these by the test. */
#ifndef AF_TESTS_UNIT_FAIL_ALLOC_H
#define AF_TESTS_UNIT_FAIL_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

static long allocations_left = -1; /* until the one that fails; -1: none does */

static bool allocations_end;       /* what has failed once fails from then on */

static bool allocation_fails(void) {
  if (allocations_left > 0 || (allocations_left == 0 && !allocations_end))
    return allocations_left-- == 0;
  return allocations_left == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

void *__wrap_malloc(size_t size) {
  return allocation_fails() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t n, size_t size) {
  return allocation_fails() ? NULL : __real_calloc(n, size);
}
void *__wrap_realloc(void *p, size_t size) {
  return allocation_fails() ? NULL : __real_realloc(p, size);
}
void *__wrap_reallocarray(void *p, size_t n, size_t size) {
  return allocation_fails() ? NULL : __real_reallocarray(p, n, size);
}

#endif
