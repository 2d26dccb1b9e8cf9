/* Whole runs while the power fails: at any write, sync, cut or new name of the database, which then holds what a disk keeps of it. The next
 * engine finds the database sound and brings every copy home, with nothing twice, open or left over. */
#include "tests/simulation/between.h"
#include "tests/simulation/survive.h"
#include "tests/unit/fault_vfs.h"

static bool between_is_dead(void) {
  return fault.dead;
}
static void between_enter(void) {
}
static void between_leave(void) {
}

/* How much a run that nothing disturbs asks of the disk. */
static int64_t ops_of(const struct journey *j) {
  struct rig *r = set_out(j, 1);
  struct af_error err;
  fault_vfs_arm(FAULT_CHANGES, INT64_MAX, 0);
  assert_ok(rig_run(r, j->manifest, &err), &err);
  int64_t ops = fault.seen;
  fault_vfs_disarm();
  rig_free(r);
  return ops;
}

/* The power is there again; by chance it fails once more while the next engine is at work. */
static void fails_and_arrives(struct rig *r, const struct journey *j, int64_t ops, const struct af_random *random, const char *when) {
  struct af_error err;
  for (int again = 0; fault.dead; again++) {
    fault_vfs_power_on(random);
    size_t copies = assert_sound(r, when);
    rig_advance(r, (int64_t)af_random_below(random, 60000));
    if (again == 3 || af_random_below(random, 2)) break;
    fault_vfs_arm(FAULT_CHANGES, 1 + (int64_t)af_random_below(random, (uint64_t)ops), 0);
    (void)(copies ? rig_resume(r, &err) : rig_run(r, j->manifest, &err));
  }
  fault_vfs_disarm();
  arrives(r, j, when);
}

TEST(a_power_loss_at_any_moment_of_a_run_loses_and_duplicates_nothing) {
  int64_t losses = 0;
  fault_vfs_install();
  for (size_t i = 0; i < COUNT(journeys); i++) {
    const struct journey *j = &journeys[i];
    int64_t ops = ops_of(j), stride = stride_or(ops / 12 + 1);
    for (int64_t at = 1 + (int64_t)i; at <= ops; at += stride) {
      struct rig *r = set_out(j, (uint64_t)at);
      struct af_random_seeded random;
      struct af_error err;
      char when[96];
      snprintf(when, sizeof(when), "%s, power lost at operation %d of %d", j->name, (int)at, (int)ops);
      af_random_seed(&random, (uint64_t)at);
      fault_vfs_arm(FAULT_CHANGES, at, 0);
      (void)rig_run(r, j->manifest, &err);
      losses += fault.dead;
      fails_and_arrives(r, j, ops, &random.random, when);
      rig_free(r);
    }
  }
  fault_vfs_remove();
  assert_true(losses > 40);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_power_loss_at_any_moment_of_a_run_loses_and_duplicates_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
