/* Sweeping what deaths have left: whatever a copy was at when its database was lost, or wrongly says that it has ended, a sweep finds all of it
 * that carries a tag or a name, and takes it away; wherever the sweep itself dies, the next one does. */
#include <sqlite3.h>

#include "tests/simulation/survive.h"

struct deed {
  const char *manifest;
  bool unknown;
  size_t deleted, failed; /* what became of it */
};

static int sweep(struct af_engine *e, void *ctx, struct af_error *err) {
  struct deed *d = ctx;
  struct af_manifest m;
  struct af_sweep s = {0};
  int rc = af_manifest_read(&m, "manifest", af_str(d->manifest), NULL, err);
  if (rc) return rc;
  rc = af_engine_sweep(e, &m, &s, err);
  if (getenv("RIG_TRACE")) fprintf(stderr, "sweep: %zu things, %zu places unread\n", s.n, s.n_unread);
  for (size_t i = 0; i < s.n; i++) s.things[i].doomed = af_sweep_deletes(s.things[i].verdict, d->unknown);
  if (!rc) rc = af_engine_sweep_delete(e, &m, &s, err);
  d->deleted = d->failed = 0;
  for (size_t i = 0; i < s.n; i++) {
    d->deleted += s.things[i].deleted;
    d->failed += s.things[i].error != NULL;
    if (getenv("RIG_TRACE")) fprintf(stderr, "  %s: %s\n", s.things[i].id, s.things[i].error ? s.things[i].error->message : s.things[i].why);
  }
  af_sweep_done(&s);
  af_manifest_done(&m);
  return rc;
}

/* What amiferry made and would have to take away. Shares carry no tags: whoever loses the database has lost them. */
static void assert_swept(struct rig *r, const char *when) {
  static const char *const empty[] = {"grants_open", "instances_open", "volumes_left", "security_groups_left", "orphaned_snapshots", "lost_resources"};
  for (size_t i = 0; i < COUNT(empty); i++)
    if (audit_count(r, empty[i])) {
      print_audit(r);
      fail_msg("%s: the audit has %s", when, empty[i]);
    }
}

static void sweep_up(struct rig *r, const struct journey *j, bool unknown, const char *when) {
  struct deed d = {.manifest = j->manifest, .unknown = unknown};
  struct af_error err;
  rig_arm(r, RIG_LIVES, 0);
  rig_advance(r, 120000); /* until AWS shows all that was made, and nothing that is gone */
  if (rig_do(r, sweep, &d, &err)) fail_msg("%s: %s", when, err.message);
  if (d.failed) fail_msg("%s: %zu could not be deleted", when, d.failed);
  rig_advance(r, 120000);
  if (rig_do(r, sweep, &d, &err)) fail_msg("%s: %s", when, err.message);
  if (d.deleted + d.failed) fail_msg("%s: the second sweep found more", when);
  assert_swept(r, when);
}

static struct rig *dead(const struct journey *j, uint64_t seed, uint64_t k) {
  struct rig *r = set_out(j, seed);
  struct af_error err;
  rig_arm(r, k % 2 ? RIG_DIES_AFTER : RIG_DIES_BEFORE, k);
  (void)rig_run(r, j->manifest, &err);
  return r;
}

/* All is there; or the AMI that was adopted had not been finished, and what is wrong with it is said. */
static void assert_arrived(struct rig *r, const char *when) {
  struct af_copy_row *list;
  size_t n = rig_copies(r, &list);
  for (size_t i = 0; i < n; i++) {
    bool said = list[i].state == AF_COPY_FAILED && af_streq(list[i].route, "adopt") && strstr(list[i].error, "VerifyDifference");
    if (list[i].state != AF_COPY_DONE && !said)
      fail_msg("%s: copy %zu is %s: %s", when, i, af_copy_state_name(list[i].state), list[i].error ? list[i].error : "");
  }
  rig_copies_free(list, n);
}

TEST(whatever_a_copy_was_at_when_its_database_was_lost_is_found_and_the_manifest_can_be_run_again) {
  struct af_error err;
  for (size_t i = 0; i < COUNT(journeys); i++) {
    bool died = true;
    for (uint64_t k = 1 + i; died; k += (uint64_t)stride_or(7)) {
      struct rig *r = dead(&journeys[i], 7000 + k, k);
      char when[96];
      snprintf(when, sizeof(when), "%s, dead and lost at call %u", journeys[i].name, (unsigned)k);
      died = rig_died(r);
      rig_lose_database(r);
      sweep_up(r, &journeys[i], true, when);
      set_faults(r, "[]");
      if (rig_run(r, journeys[i].manifest, &err)) fail_msg("%s: %s", when, err.message);
      assert_arrived(r, when);
      assert_swept(r, when);
      assert_int_equal(live_images(r), journeys[i].faults ? 1 : journeys[i].images); /* that failed only because of its faults */
      rig_free(r);
    }
  }
}

/* A database that says that its copies have ended, whatever they were at. */
static void end_copies(struct rig *r) {
  sqlite3 *db;
  assert_int_equal(sqlite3_open(rig_database(r), &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "UPDATE copy SET state = 'cancelled', image_id = NULL", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
}

/* The rig itself looks whether each call is among the events before it is sent. Returns whether the sweep died. */
static bool dies_sweeping(const struct journey *j, enum rig_death death, uint64_t k) {
  struct rig *r = dead(j, 8000 + k, 45);
  struct deed d = {.manifest = j->manifest};
  struct af_error err;
  char when[96];
  assert_true(rig_died(r));
  snprintf(when, sizeof(when), "%s, the sweep dead by %d at %u", j->name, (int)death, (unsigned)k);
  end_copies(r);
  rig_advance(r, 120000);
  rig_arm(r, death, k);
  int rc = rig_do(r, sweep, &d, &err);
  bool died = rig_died(r);
  if (!died && rc) fail_msg("%s: %s", when, err.message);
  sweep_up(r, j, false, when);
  assert_int_equal(live_images(r), 0);
  rig_free(r);
  return died;
}

TEST(a_sweep_of_a_known_copy_that_dies_at_any_call_or_commit_is_ended_by_the_next) {
  for (size_t i = 0; i < COUNT(journeys); i++)
    for (int death = RIG_LIVES + 1; death < RIG_DEATH_MAX_; death++) {
      uint64_t k = 1;
      while (dies_sweeping(&journeys[i], (enum rig_death)death, k)) k += (uint64_t)stride_or(5);
      assert_in_range(k, 2, 500);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whatever_a_copy_was_at_when_its_database_was_lost_is_found_and_the_manifest_can_be_run_again),
      cmocka_unit_test(a_sweep_of_a_known_copy_that_dies_at_any_call_or_commit_is_ended_by_the_next),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
