/* Whole runs on a disk that is full or broken: each operation of the database fails in turn, once or from then on. The engine ends with an
 * error that says so; when the disk is well again the next one brings every copy home, with nothing twice, open or left over. */
#include "tests/simulation/between.h"
#include "tests/simulation/survive.h"
#include "tests/unit/fault_vfs.h"

static unsigned ops_kept; /* while the cloud has its turn */

static bool between_is_dead(void) {
  return false;
}
static void between_enter(void) { /* the rig looks at the database there */
  ops_kept = fault.ops;
  fault.ops = 0;
}
static void between_leave(void) {
  fault.ops = ops_kept;
}

static const struct ailment {
  const char *name;
  unsigned ops;
  int code, rc;
} ailments[] = {
    {"full", FAULT_WRITE, SQLITE_FULL, -AF_EFULL},
    {"writes fail", FAULT_WRITE, SQLITE_IOERR_WRITE, -AF_EIO},
    {"syncs fail", FAULT_SYNC, SQLITE_IOERR_FSYNC, -AF_EIO},
    {"reads fail", FAULT_READ, SQLITE_IOERR_READ, -AF_EIO},
    {"cuts fail", FAULT_TRUNCATE, SQLITE_IOERR_TRUNCATE, -AF_EIO},
};

static int64_t ops_of(const struct journey *j, unsigned ops) {
  struct rig *r = set_out(j, 1);
  struct af_error err;
  fault_vfs_arm(ops, INT64_MAX, SQLITE_IOERR);
  assert_ok(rig_run(r, j->manifest, &err), &err);
  int64_t n = fault.seen;
  fault_vfs_disarm();
  rig_free(r);
  return n;
}

/* Whether it was seen: SQLite makes good by itself what only a checkpoint needed. */
static bool falls_ill(const struct journey *j, const struct ailment *a, int64_t at, bool lasting) {
  struct rig *r = set_out(j, (uint64_t)at);
  struct af_error err = {0};
  char when[120];
  snprintf(when, sizeof(when), "%s, %s%s from operation %d on", j->name, a->name, lasting ? "" : " once", (int)at);
  fault_vfs_arm(a->ops, at, a->code);
  fault.lasting = lasting;
  int rc = rig_run(r, j->manifest, &err);
  fault_vfs_disarm();
  if (rc != 0 && rc != a->rc) fail_msg("%s: it is called %d, %s: %s", when, rc, err.code, err.message);
  if (rc != 0 && !*err.hint) fail_msg("%s: %s: no word of what to do", when, err.message);
  arrives(r, j, when);
  rig_free(r);
  return rc != 0;
}

static void falls_ill_everywhere(bool lasting) {
  fault_vfs_install();
  for (size_t k = 0; k < COUNT(ailments); k++) {
    int seen = 0;
    for (size_t i = 0; i < COUNT(journeys); i++) {
      int64_t n = ops_of(&journeys[i], ailments[k].ops), stride = stride_or(n / 4 + 1);
      for (int64_t at = 1 + (int64_t)(i % 3); at <= n; at += stride) seen += falls_ill(&journeys[i], &ailments[k], at, lasting);
    }
    assert_true(seen > 0 || ailments[k].ops == FAULT_TRUNCATE);
  }
  fault_vfs_remove();
}

TEST(a_disk_that_fails_once_ends_the_run_and_loses_nothing) {
  falls_ill_everywhere(false);
}
TEST(a_disk_that_fails_from_then_on_ends_the_run_and_loses_nothing) {
  falls_ill_everywhere(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_disk_that_fails_once_ends_the_run_and_loses_nothing),
      cmocka_unit_test(a_disk_that_fails_from_then_on_ends_the_run_and_loses_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
