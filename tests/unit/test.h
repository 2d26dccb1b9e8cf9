/* What every unit test includes: cmocka with the prelude it wants, a clock that stands still, assertions on errors. */
#ifndef AF_TESTS_UNIT_TEST_H
#define AF_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/str.h"
#include "base/time.h"

/* A test is named by what it shows: `TEST(the_first_failure_sticks) { ... }`, then in main()
 * `const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_failure_sticks)};` */
#define TEST(name) static void name(void **state)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* AF_STRIDE=1 takes every one of what a test strides over. */
static inline int64_t stride_or(int64_t usual) {
  const char *text = getenv("AF_STRIDE");
  int64_t n = text ? strtoll(text, NULL, 10) : usual;
  return n > 0 ? n : usual;
}

/* The same of a long row: with sanitizers or another compiler fewer are taken than where it is cheap. */
static inline int64_t stride_between(int64_t cheap, int64_t dear) {
#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
  cheap = dear;
#endif
  return stride_or(cheap);
}

/* A clock that moves only when the test says so: `struct test_clock c; test_clock_init(&c, ms); ... c.now_ms += 1000;` */
struct test_clock {
  int64_t now_ms, mono_ms;
  struct af_clock clock; /* .ctx points to this struct: don't move it */
};

static inline int64_t test_clock_now_ms_(void *ctx) {
  return ((struct test_clock *)ctx)->now_ms;
}
static inline int64_t test_clock_mono_ms_(void *ctx) {
  return ((struct test_clock *)ctx)->mono_ms;
}
static inline void test_clock_init(struct test_clock *c, int64_t now_ms) {
  *c = (struct test_clock){.now_ms = now_ms, .clock = {test_clock_now_ms_, test_clock_mono_ms_, c}};
}
/* Both clocks go on, as they do while nothing jumps. */
static inline void test_clock_advance(struct test_clock *c, int64_t ms) {
  c->now_ms += ms;
  c->mono_ms += ms;
}

static inline void test_contains_(const char *text, const char *part, const char *file, int line) {
  if (!strstr(text, part)) {
    print_error("expected \"%s\" in: \"%s\"\n", part, text);
    _fail(file, line);
  }
}
#define assert_contains(text, part) test_contains_((text), (part), __FILE__, __LINE__)

static inline void test_lacks_(const char *text, const char *part, const char *file, int line) {
  if (strstr(text, part)) {
    print_error("did not expect \"%s\" in: \"%s\"\n", part, text);
    _fail(file, line);
  }
}
#define assert_lacks(text, part) test_lacks_((text), (part), __FILE__, __LINE__)

static inline void test_str_equal_(struct af_str s, const char *want, const char *file, int line) {
  if (!af_str_eq(s, af_str(want))) {
    print_error("\"%.*s\" is not \"%s\"\n", (int)s.len, s.len ? s.ptr : "", want);
    _fail(file, line);
  }
}
#define assert_str_equal(view, want) test_str_equal_((view), (want), __FILE__, __LINE__)

/* The call failed with rc, and its message holds part: assert_error(call(&err), -AF_EINVAL, &err, "did you mean"). */
#define assert_error(call, rc, err, part)   \
  do {                                      \
    assert_int_equal((call), (rc));         \
    assert_contains((err)->message, (part)); \
  } while (0)

/* The call returned 0; its message is shown where it did not. */
#define assert_ok(call, err)                                \
  do {                                                      \
    int test_rc_ = (call);                                  \
    if (test_rc_ != 0)                                      \
      print_error("%s: %s\n", (err)->code, (err)->message); \
    assert_int_equal(test_rc_, 0);                          \
  } while (0)

/* Where all is slow by a factor of thirty, long rows are walked in greater steps: the other builds take every one. */
static inline bool on_valgrind(void) {
  const char *preload = getenv("LD_PRELOAD");
  return preload && strstr(preload, "vgpreload");
}

#endif
