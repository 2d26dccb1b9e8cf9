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

/* Reads everything; the first error. */
static int read_all(struct af_store *s, struct af_error *err) {
  struct af_batch_row *batches = NULL;
  struct af_copy_row *copies = NULL, copy = {0};
  struct af_step_row *steps = NULL;
  struct af_event_row *events = NULL;
  struct af_exposure_row *open = NULL, *changed = NULL;
  size_t n[6] = {0};
  int rc = af_store_batches(s, &batches, &n[0], err);
  if (rc == 0)
    rc = af_store_copies(s, "b", &copies, &n[1], err);
  if (rc == 0)
    rc = af_store_steps(s, "c", &steps, &n[2], err);
  if (rc == 0)
    rc = af_store_events(s, "c", 0, &events, &n[3], err);
  if (rc == 0)
    rc = af_store_exposures_open(s, &open, &n[4], err);
  if (rc == 0)
    rc = af_store_exposures_changed(s, "createVolumePermission", "111122223333", "snap-", -1, &changed, &n[5], err);
  if (rc == 0)
    rc = af_store_copy_get(s, "c", &copy, err);
  for (size_t i = 0; i < n[0]; i++)
    af_batch_row_done(&batches[i]);
  for (size_t i = 0; i < n[1]; i++)
    af_copy_row_done(&copies[i]);
  for (size_t i = 0; i < n[2]; i++)
    af_step_row_done(&steps[i]);
  for (size_t i = 0; i < n[3]; i++)
    af_event_row_done(&events[i]);
  for (size_t i = 0; i < n[4]; i++)
    af_exposure_row_done(&open[i]);
  for (size_t i = 0; i < n[5]; i++)
    af_exposure_row_done(&changed[i]);
  free(batches);
  free(copies);
  free(steps);
  free(events);
  free(open);
  free(changed);
  af_copy_row_done(&copy);
  return rc;
}

TEST(reading_survives_each_failed_allocation_and_ends_nothing) {
  struct fixture *f = *state;
  int done = 0, n = 0;
  assert_int_equal(live(f, &done), 0);
  fixture_open(f);
  for (bool struck = true; struck; n++) {
    allocations_left = n;
    int rc = read_all(f->store, &f->err);
    struck = allocations_left < 0;
    allocations_left = -1;
    assert_int_equal(rc, struck ? -AF_ENOMEM : 0);
    assert_ok(read_all(f->store, &f->err), &f->err);
  }
  assert_true(n > 50);
}

/* SQLite rolls a transaction back by itself when a read within it fails for want of memory. The store must not go on as if what
 * was written before were still there. */
TEST(a_read_that_costs_the_transaction_ends_the_store) {
  struct fixture *f = *state;
  struct af_buf database = new_database(f);
  int ended = 0;
  bool struck = true;
  fault_vfs_install();
  for (int n = 0; struck; n += on_valgrind() ? 17 : 1) {
    put_back(f, &database);
    fixture_open(f);
    (void)fixture_step(f);
    allocations_left = n;
    int rc = read_all(f->store, &f->err);
    struck = allocations_left < 0;
    allocations_left = -1;
    bool committed = af_store_commit(f->store, &f->err) == 0;
    ended += !committed;
    assert_true(rc != 0 || committed);
    fixture_reopen(f);
    assert_int_equal(count_events(f, "c"), committed ? 2 : 0);
    fixture_close(f);
  }
  assert_true(ended > 0);
  fault_vfs_remove();
  af_buf_done(&database);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STATE_TEST(the_life_of_a_new_database_survives_failed_allocations),
      STATE_TEST(the_life_of_a_database_that_is_there_survives_failed_allocations),
      STATE_TEST(reading_survives_each_failed_allocation_and_ends_nothing),
      STATE_TEST(a_read_that_costs_the_transaction_ends_the_store),
  };
  return cmocka_run_group_tests_name("state torture", tests, take_over_sqlites_memory, NULL);
}
