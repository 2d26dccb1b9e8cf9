/* Loaded before everything else (LD_PRELOAD): allocations fail in the whole program, its libraries included.
 *
 * SCARCE_AFTER=N     so many succeed, and then
 * SCARCE_ONCE=1      one fails; otherwise all that follow
 * SCARCE_COUNT=FILE  how many there were is written there in the end */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* glibc's own names of what is replaced here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static atomic_long made, fails_from = -1;
static bool once;

__attribute__((constructor)) static void begin(void) {
  const char *after = getenv("SCARCE_AFTER");
  once = getenv("SCARCE_ONCE") != NULL;
  made = 0;
  if (after) fails_from = strtol(after, NULL, 10);
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("SCARCE_COUNT");
  FILE *out = path ? fopen(path, "w") : NULL;
  if (!out) return;
  fprintf(out, "%ld\n", made);
  fclose(out);
}

static bool fails(void) {
  long at = made++, from = fails_from;
  if (from < 0 || at < from || (once && at > from)) return false;
  errno = ENOMEM;
  return true;
}

__attribute__((visibility("default"))) void *malloc(size_t size) {
  return fails() ? NULL : __libc_malloc(size);
}
__attribute__((visibility("default"))) void *calloc(size_t n, size_t size) {
  return fails() ? NULL : __libc_calloc(n, size);
}
__attribute__((visibility("default"))) void *realloc(void *p, size_t size) {
  return fails() ? NULL : __libc_realloc(p, size);
}
