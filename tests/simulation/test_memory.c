/* Whole runs while memory runs out: the N-th allocation fails, once or from then on, ours and those of jansson, SQLite, expat and OpenSSL. The
 * engine says so and leaves a sound database; the next one, which has memory, brings every copy home. The sanitizers see what leaks. */
#include "tests/simulation/between.h"
#include "tests/simulation/survive.h"
#include "tests/unit/fail_alloc.h"

#include <expat.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

static long allocations_kept; /* while the cloud has its turn */

static bool between_is_dead(void) {
  return false;
}
static void between_enter(void) {
  allocations_kept = allocations_left;
  allocations_left = -1;
}
static void between_leave(void) {
  allocations_left = allocations_kept;
}

static sqlite3_mem_methods sqlite_memory;

static void *sqlite_malloc(int size) {
  return allocation_fails() ? NULL : sqlite_memory.xMalloc(size);
}
static void *sqlite_realloc(void *p, int size) {
  return allocation_fails() ? NULL : sqlite_memory.xRealloc(p, size);
}
static void *openssl_malloc(size_t size, const char *file, int line) {
  return __wrap_malloc(size);
}
static void *openssl_realloc(void *p, size_t size, const char *file, int line) {
  return __wrap_realloc(p, size);
}
static void openssl_free(void *p, const char *file, int line) {
  free(p);
}

XML_Parser __wrap_XML_ParserCreate(const XML_Char *encoding);
XML_Parser __wrap_XML_ParserCreate(const XML_Char *encoding) {
  static const XML_Memory_Handling_Suite ours = {__wrap_malloc, __wrap_realloc, free};
  return XML_ParserCreate_MM(encoding, &ours, NULL);
}

static int take_over_all_memory(void **state) {
  assert_int_equal(CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free), 1);
  assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory), SQLITE_OK);
  sqlite3_mem_methods failing = sqlite_memory;
  failing.xMalloc = sqlite_malloc;
  failing.xRealloc = sqlite_realloc;
  assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
  json_set_alloc_funcs(__wrap_malloc, free);
  return 0;
}

/* How many allocations a run makes that nothing disturbs. It also lets the libraries make what they make once. */
static long allocations_of(const struct journey *j) {
  struct rig *r = set_out(j, 1);
  struct af_error err;
  allocations_left = LONG_MAX;
  int rc = rig_run(r, j->manifest, &err);
  long n = LONG_MAX - allocations_left;
  allocations_left = -1;
  assert_ok(rc, &err);
  rig_free(r);
  return n;
}

static void runs_out(const struct journey *j, long at, bool for_good) {
  struct rig *r = set_out(j, 1);
  struct af_error err = {0};
  char when[120];
  snprintf(when, sizeof(when), "%s, allocation %d fails%s", j->name, (int)at, for_good ? " and all that follow" : "");
  allocations_end = for_good;
  allocations_left = at;
  int rc = rig_run(r, j->manifest, &err);
  bool struck = allocations_left <= 0;
  allocations_left = -1;
  if (rc != 0 && rc != -AF_ENOMEM) fail_msg("%s: it is called %d, %s: %s", when, rc, err.code, err.message);
  if (rc != 0 && !af_streq(err.code, "OutOfMemory")) fail_msg("%s: it is called %s: %s", when, err.code, err.message);
  if (for_good && struck) assert_int_equal(rc, -AF_ENOMEM); /* the last few are not made in every run */
  arrives(r, j, when);
  rig_free(r);
}

static void tortures(bool for_good) {
  for (size_t i = 0; i < COUNT(journeys); i++) {
    long n = allocations_of(&journeys[i]), stride = (long)stride_or(n / 13 + 1);
    for (long at = (long)i; at < n; at += stride) runs_out(&journeys[i], at, for_good);
  }
}

TEST(a_run_survives_an_allocation_that_fails) {
  tortures(false);
}
TEST(a_run_that_has_no_more_memory_ends_and_is_resumed) {
  tortures(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_run_survives_an_allocation_that_fails),
      cmocka_unit_test(a_run_that_has_no_more_memory_ends_and_is_resumed),
  };
  return cmocka_run_group_tests(tests, take_over_all_memory, NULL);
}
