/* Death at every point of every route: before each call, after it, before each commit and after it, until there is no such point left; and
 * again while that death is being recovered from. After the third life all is as if nobody had died.
 *
 * After each first death comes one second death, another for each; AF_SECOND=N tries all of the first N of each kind, which takes hours, and
 * AF_ONLY='*after_any_call*' leaves the other kinds of first deaths to other processes. */
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

struct deaths {
  enum rig_death first, second;
  uint64_t k, j;
};

/* Returns how often it died: where there is no k-th point it lives through, and without a j-th it dies but once. */
static int dies_twice(const struct trip *t, const struct deaths *d) {
  struct rig *r = new_rig(t->world, 1000 + d->k);
  struct af_error err;
  struct why why;
  char when[160];
  int died = 0;
  snprintf(when, sizeof(when), "%s, death %s %u and %s %u", t->manifest + sizeof(MANIFEST_HEAD) - 1, deaths[d->first], (unsigned)d->k,
           deaths[d->second], (unsigned)d->j);
  rig_arm(r, d->first, d->k);
  int rc = rig_run(r, t->manifest, &err);
  while (rig_died(r)) {
    must_hold(record_holds(r, NULL, &why), when, &why);
    rig_arm(r, died++ ? RIG_LIVES : d->second, d->j);
    rc = start_again(r, t, &err);
  }
  if (rc) fail_msg("%s: %s", when, err.message);
  assert_arrived(r, t, when);
  rig_free(r);
  return died;
}

/* Returns how many second deaths there were after this first one; -1 where there was no such first one. */
static int dies_again_everywhere(const struct trip *t, enum rig_death first, uint64_t k, uint64_t most) {
  int seconds = 0;
  for (enum rig_death second = RIG_LIVES + 1; second < RIG_DEATH_MAX_; second++)
    for (uint64_t j = 1; j <= most; j++) {
      int died = dies_twice(t, &(struct deaths){first, second, k, j});
      if (died == 0) return -1;
      if (died == 1) break;
      seconds++;
    }
  return seconds;
}

/* Where in the recovery it dies again is another point for each k, so that all are reached. */
static int dies_again_somewhere(const struct trip *t, enum rig_death first, uint64_t k) {
  enum rig_death second = (enum rig_death)(RIG_LIVES + 1 + (k + k / 4) % (RIG_DEATH_MAX_ - 1));
  return dies_twice(t, &(struct deaths){first, second, k, 1 + k * 7 % 31}) - 1;
}

static void dies_everywhere(enum rig_death how) {
  const char *text = getenv("AF_SECOND");
  uint64_t firsts = 0, seconds = 0, stride = (uint64_t)stride_between(POINTS_EACH, POINTS_FEWER), most = text ? strtoull(text, NULL, 10) : 0;
  for (size_t i = 0; i < COUNT(trips); i++)
    for (uint64_t k = 1 + i % stride;; k += stride) {
      int again = most ? dies_again_everywhere(&trips[i], how, k, most) : dies_again_somewhere(&trips[i], how, k);
      if (again < 0) break;
      firsts++;
      seconds += (uint64_t)again;
    }
  printf("# died %s %llu times, and %llu times again, on %zu routes\n", deaths[how], (unsigned long long)firsts, (unsigned long long)seconds,
         COUNT(trips));
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
  if (getenv("AF_ONLY")) cmocka_set_test_filter(getenv("AF_ONLY"));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
