/* state/ when memory runs out: the N-th allocation fails, for every N, ours and SQLite's. A call says so or does its work; what
 * was committed is there; the sanitizers see what leaks. */
#include "tests/unit/fault_vfs.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/state_life.h"

static sqlite3_mem_methods sqlite_memory;

static void *sqlite_malloc(int size) {
  return allocation_fails() ? NULL : sqlite_memory.xMalloc(size);
}
static void *sqlite_realloc(void *p, int size) {
  return allocation_fails() ? NULL : sqlite_memory.xRealloc(p, size);
}

static int take_over_sqlites_memory(void **state) {
  assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory), SQLITE_OK);
  sqlite3_mem_methods failing = sqlite_memory;
  failing.xMalloc = sqlite_malloc;
  failing.xRealloc = sqlite_realloc;
  assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
  assert_int_equal(sqlite3_initialize(), SQLITE_OK);
  return 0;
}

/* Lives once with every stride-th allocation failing, from the first to the last. */
static void torture(struct fixture *f, const struct af_buf *database, int stride, int least) {
  int n = 0;
  for (bool struck = true; struck; n += stride) {
    int done = 0;
    if (database)
      put_back(f, database);
    else
      remove_database(f);
    allocations_left = n;
    int rc = live(f, &done);
    struck = allocations_left < 0;
    allocations_left = -1;
    if (rc != 0) {
      assert_int_equal(rc, -AF_ENOMEM);
      assert_string_equal(f->err.code, "OutOfMemory");
    }
    assert_whole(f, done);
  }
  assert_true(n > least);
}

/* Strides are primes, so that each call of the life is met somewhere; with 1 (minutes, for the syncs of each creation) both pass
 * as well. */
TEST(the_life_of_a_new_database_survives_failed_allocations) {
  fault_vfs_install(); /* only to spare the real disk its syncs */
  torture(*state, NULL, on_valgrind() ? 997 : 53, 1000);
  fault_vfs_remove();
}

TEST(the_life_of_a_database_that_is_there_survives_failed_allocations) {
  struct af_buf database = new_database(*state);
  fault_vfs_install();
  torture(*state, &database, on_valgrind() ? 211 : 11, 1000);
  fault_vfs_remove();
  af_buf_done(&database);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STATE_TEST(the_life_of_a_new_database_survives_failed_allocations),
      STATE_TEST(the_life_of_a_database_that_is_there_survives_failed_allocations),
  };
  return cmocka_run_group_tests_name("state torture", tests, take_over_sqlites_memory, NULL);
}
