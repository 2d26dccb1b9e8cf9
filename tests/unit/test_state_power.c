/* state/store.h when the power fails: at any write, sync, cut or new name of any sequence of changes, on a disk that keeps, drops, tears and
 * reorders what was not synced (fault_disk.h). What a commit confirmed is there; of what was under way, all or nothing. The same disk does
 * visible harm to a database that doesn't sync, so it is one that can. */
#include "tests/unit/fault_vfs.h"
#include "tests/unit/state_life.h"
#include "tests/unit/state_walk.h"

#include "state/store_internal.h"

/* Everything in a database, as one number. */
static uint64_t digest(sqlite3 *db) {
  static const char *const tables[] = {"batch", "copy", "copy_text", "step", "event", "effect", "exposure", "holder"};
  uint64_t sum = 14695981039346656037u; /* FNV-1a */
  for (size_t t = 0; t < COUNT(tables); t++) {
    char sql[64];
    sqlite3_stmt *stmt;
    int rc;
    (void)snprintf(sql, sizeof sql, "SELECT * FROM %s", tables[t]);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
      for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        const unsigned char *text = sqlite3_column_text(stmt, i);
        for (int k = 0, n = sqlite3_column_bytes(stmt, i); k <= n; k++)
          sum = (sum ^ (k < n ? text[k] : 0x100u)) * 1099511628211u;
      }
    assert_int_equal(rc, SQLITE_DONE);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
  }
  return sum;
}

/* A walk that nothing stops: what the database held after each commit, and how much it asked of the disk. */
struct reference {
  uint64_t after[WALK_TURNS + 3];
  int commits;
  int64_t ops;
};

static void note_digest(struct walk *w) {
  struct reference *ref = w->ctx;
  assert_in_range(w->commits, 1, (int)COUNT(ref->after) - 1);
  ref->after[w->commits] = digest(w->f->store->db);
}

static void walk_to_the_end(struct fixture *f, uint64_t seed, struct reference *ref) {
  struct walk *w = calloc(1, sizeof *w);
  assert_non_null(w);
  *w = (struct walk){.f = f, .on_commit = note_digest, .ctx = ref};
  fault_vfs_arm(FAULT_CHANGES, INT64_MAX, 0);
  int rc = walk(w, seed);
  ref->commits = w->commits;
  ref->ops = fault.seen;
  fixture_close(f);
  fault_vfs_disarm();
  assert_ok(rc, &f->err);
  free(w);
}

/* Opens and closes what a loss has left, and loses the power over that, too. */
static void fail_again_while_it_recovers(struct fixture *f, const struct af_random *random) {
  fault_vfs_arm(FAULT_CHANGES, 1 + (int64_t)af_random_below(random, 12), 0);
  if (af_store_open(&f->store, f->path, AF_STORE_OWNER, &f->clock.clock, &f->err) == 0)
    fixture_close(f);
  if (fault.dead)
    fault_vfs_power_on(random);
  fault_vfs_disarm();
}

/* Walks until the power fails at the at-th operation. What the database then holds: the commits that were confirmed, or one more, which was
 * under way; less than confirmed or none of these is harm. */
static bool walk_and_fail(struct fixture *f, uint64_t seed, const struct reference *ref, int64_t at, bool lying, const struct af_random *random) {
  struct walk *w = calloc(1, sizeof *w);
  assert_non_null(w);
  *w = (struct walk){.f = f};
  fault_vfs_arm(FAULT_CHANGES, at, 0);
  fault.lying = lying;
  (void)walk(w, seed);
  fixture_close(f);
  assert_true(fault.dead);
  fault_vfs_power_on(random);
  if (!lying && af_random_below(random, 2))
    fail_again_while_it_recovers(f, random);
  bool whole = af_store_open(&f->store, f->path, AF_STORE_OWNER, &f->clock.clock, &f->err) == 0;
  if (whole && af_store_integrity_check(f->store, &f->err) == 0) {
    uint64_t now = digest(f->store->db);
    whole = now == ref->after[w->commits] || (w->committing && now == ref->after[w->commits + 1]);
    if (!whole)
      (void)snprintf(f->err.message, sizeof f->err.message, "it is not as commit %d left it", w->commits);
  } else {
    whole = false;
  }
  fixture_close(f);
  free(w);
  return whole;
}

/* Of walks that are cut short: how many there were, and to how many the disk has done harm. */
struct tally {
  int walks, harmed;
};

static struct tally many_walks(struct fixture *f, bool from_nothing, bool lying, uint64_t seeds, int64_t losses) {
  struct tally tally = {0};
  struct af_random_seeded random;
  struct af_buf database = new_database(f);
  fault_vfs_install();
  for (uint64_t seed = 1; seed <= seeds; seed++) {
    struct reference *ref = calloc(1, sizeof *ref);
    assert_non_null(ref);
    for (int64_t i = 0; i <= losses; i++) {
      if (from_nothing)
        remove_database(f);
      else
        put_back(f, &database);
      af_random_seed(&random, 1000 * seed + (uint64_t)i);
      if (i == 0) {
        fixture_open(f);
        ref->after[0] = digest(f->store->db);
        fixture_close(f);
        if (from_nothing)
          remove_database(f);
        walk_to_the_end(f, seed, ref);
        continue;
      }
      /* A creation is some forty operations: they all get their turn. */
      int64_t at = from_nothing ? i : 1 + (int64_t)af_random_below(&random.random, (uint64_t)ref->ops);
      tally.walks++;
      if (walk_and_fail(f, seed, ref, at, lying, &random.random))
        continue;
      tally.harmed++;
      if (!lying)
        fail_msg("seed %u, power lost at operation %d of %d: %s", (unsigned)seed, (int)at, (int)ref->ops, f->err.message);
    }
    free(ref);
  }
  fault_vfs_remove();
  af_buf_done(&database);
  return tally;
}

TEST(no_sequence_of_changes_loses_a_commit_to_a_power_loss) {
  struct tally t = many_walks(*state, false, false, on_valgrind() ? 2 : 24, 10);
  assert_true(t.walks >= 20 && t.harmed == 0);
}

TEST(a_power_loss_while_a_database_is_created_leaves_none_or_a_whole_one) {
  struct tally t = many_walks(*state, true, false, on_valgrind() ? 1 : 2, 90);
  assert_true(t.walks > 80 && t.harmed == 0);
}

TEST(a_disk_that_only_says_that_it_syncs_does_harm_that_is_seen) {
  struct tally t = many_walks(*state, false, true, on_valgrind() ? 2 : 10, 10);
  print_message("# syncs that did nothing: harm in %d of %d walks\n", t.harmed, t.walks);
  assert_true(t.harmed > 0);
}

/* SQLite by itself, with the setting that the store uses and with the one that it must not use. */
enum { ROWS = 60, ROW_BYTES = 9000 };

/* Inserts rows, one a transaction; how many were confirmed. */
static int insert_rows(const char *path, const char *synchronous) {
  sqlite3 *db;
  char sql[256];
  int n = 0, rc = sqlite3_open(path, &db);
  (void)snprintf(sql, sizeof sql,
                 "PRAGMA journal_mode = WAL; PRAGMA synchronous = %s; PRAGMA wal_autocheckpoint = 20; CREATE TABLE t (n INTEGER PRIMARY KEY, x)",
                 synchronous);
  if (rc == SQLITE_OK)
    rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
  for (int i = 1; rc == SQLITE_OK && i <= ROWS; i++) {
    (void)snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d, randomblob(%d))", i, ROW_BYTES);
    rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    n += rc == SQLITE_OK;
  }
  (void)sqlite3_close(db);
  return n;
}

/* Is the file sound, and are the first n rows there? */
static bool holds_rows(const char *path, int n, bool *ret_sound) {
  sqlite3 *db;
  sqlite3_stmt *stmt = NULL;
  int found = -1;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  *ret_sound = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW &&
               strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
  (void)sqlite3_finalize(stmt);
  if (sqlite3_prepare_v2(db, "SELECT count(*) FROM t WHERE n <= ?", -1, &stmt, NULL) == SQLITE_OK && sqlite3_bind_int(stmt, 1, n) == SQLITE_OK &&
      sqlite3_step(stmt) == SQLITE_ROW)
    found = sqlite3_column_int(stmt, 0);
  (void)sqlite3_finalize(stmt);
  (void)sqlite3_close(db);
  return found == n;
}

/* How many databases of so many lost a commit, and how many are not even sound. */
static void lose_rows(struct fixture *f, const char *synchronous, int losses, int *ret_lost, int *ret_unsound) {
  struct af_random_seeded random;
  *ret_lost = *ret_unsound = 0;
  fault_vfs_install();
  for (int i = 1; i <= losses; i++) {
    bool sound;
    remove_database(f);
    af_random_seed(&random, (uint64_t)i);
    fault_vfs_arm(FAULT_CHANGES, 40 + (int64_t)af_random_below(&random.random, 300), 0);
    int n = insert_rows(f->path, synchronous);
    if (fault.dead)
      fault_vfs_power_on(&random.random);
    fault_vfs_disarm();
    *ret_lost += !holds_rows(f->path, n, &sound);
    *ret_unsound += !sound;
  }
  fault_vfs_remove();
}

TEST(synchronous_off_loses_and_damages_what_full_keeps) {
  int lost, unsound, losses = on_valgrind() ? 10 : 40;
  lose_rows(*state, "FULL", losses, &lost, &unsound);
  assert_int_equal(lost, 0);
  assert_int_equal(unsound, 0);
  lose_rows(*state, "OFF", losses, &lost, &unsound);
  print_message("# synchronous=OFF: of %d databases %d lost commits, %d are damaged\n", losses, lost, unsound);
  assert_true(lost > 0);
  assert_true(unsound > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STATE_TEST(no_sequence_of_changes_loses_a_commit_to_a_power_loss),
      STATE_TEST(a_power_loss_while_a_database_is_created_leaves_none_or_a_whole_one),
      STATE_TEST(a_disk_that_only_says_that_it_syncs_does_harm_that_is_seen),
      STATE_TEST(synchronous_off_loses_and_damages_what_full_keeps),
  };
  return cmocka_run_group_tests_name("state power", tests, NULL, NULL);
}
