/* Death at every point of every route: before each call, after it, before each commit and after it, until there is no such point left; and
 * again while that death is being recovered from. After the third life all is as if nobody had died. */
#include "tests/simulation/invariants.h"
#include "tests/simulation/trips.h"

#define POINTS_EACH 1 /* every point; but fewer where a run costs ten times as much, or has been made with another compiler */
#define POINTS_FEWER 13

static const char *const deaths[RIG_DEATH_MAX_] = {[RIG_DIES_BEFORE] = "before call",
                                                   [RIG_DIES_AFTER] = "after call",
                                                   [RIG_DIES_UNCOMMITTED] = "before commit",
                                                   [RIG_DIES_COMMITTED] = "after commit"};

static void must_hold(bool holds, const char *when, const struct why *why) {
  if (!holds) fail_msg("%s: %s", when, why->text);
}

/* What was not written down before it died is asked for again. */
static int start_again(struct rig *r, const struct trip *t, struct af_error *err) {
  struct af_copy_row *list;
  size_t n = rig_copies(r, &list);
  rig_copies_free(list, n);
  rig_advance(r, 500);
  return n ? rig_resume(r, err) : rig_run(r, t->manifest, err);
}

static void assert_arrived(struct rig *r, const struct trip *t, const char *when) {
  struct why why;
  arrived(r, t, when);
  must_hold(record_holds(r, NULL, &why), when, &why);
  must_hold(nothing_is_borrowed(r, &why), when, &why);
}

/* Returns whether there was a k-th point. Where in the recovery it dies again is another one for each k, so that all are reached. */
static bool dies_twice(const struct trip *t, enum rig_death how, uint64_t k) {
  struct rig *r = new_rig(t->world, 1000 + k);
  struct af_error err;
  struct why why;
  char when[160];
  enum rig_death again = (enum rig_death)(RIG_LIVES + 1 + (k + k / 4) % (RIG_DEATH_MAX_ - 1));
  uint64_t j = 1 + k * 7 % 31;
  snprintf(when, sizeof(when), "%s, death %s %u and %s %u", t->manifest + sizeof(MANIFEST_HEAD) - 1, deaths[how], (unsigned)k, deaths[again], (unsigned)j);
  rig_arm(r, how, k);
  int rc = rig_run(r, t->manifest, &err);
  bool died = rig_died(r);
  if (!died) assert_ok(rc, &err);
  must_hold(record_holds(r, NULL, &why), when, &why);
  rig_arm(r, again, j);
  if (died) rc = start_again(r, t, &err);
  if (died && rig_died(r)) {
    must_hold(record_holds(r, NULL, &why), when, &why);
    rig_arm(r, RIG_LIVES, 0);
    rc = start_again(r, t, &err);
  }
  if (rc) fail_msg("%s: %s", when, err.message);
  assert_arrived(r, t, when);
  rig_free(r);
  return died;
}

static void dies_everywhere(enum rig_death how) {
  uint64_t points = 0, stride = trips_stride(POINTS_EACH, POINTS_FEWER);
  for (size_t i = 0; i < COUNT(trips); i++)
    for (uint64_t k = 1 + i % stride; dies_twice(&trips[i], how, k); k += stride) points++;
  printf("# died %s %llu times, on %zu routes\n", deaths[how], (unsigned long long)points, COUNT(trips));
}

TEST(death_before_any_call_loses_and_duplicates_nothing) {
  dies_everywhere(RIG_DIES_BEFORE);
}
TEST(death_after_any_call_loses_and_duplicates_nothing) {
  dies_everywhere(RIG_DIES_AFTER);
}
TEST(death_before_any_commit_loses_and_duplicates_nothing) {
  dies_everywhere(RIG_DIES_UNCOMMITTED);
}
TEST(death_after_any_commit_loses_and_duplicates_nothing) {
  dies_everywhere(RIG_DIES_COMMITTED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(death_before_any_call_loses_and_duplicates_nothing),
      cmocka_unit_test(death_after_any_call_loses_and_duplicates_nothing),
      cmocka_unit_test(death_before_any_commit_loses_and_duplicates_nothing),
      cmocka_unit_test(death_after_any_commit_loses_and_duplicates_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
