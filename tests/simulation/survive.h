/* What becomes of copies whose engine came to harm: the database is sound, its rows are what its events tell, and the copies are brought to
 * their end by the next engine. */
#ifndef AF_TESTS_SIMULATION_SURVIVE_H
#define AF_TESTS_SIMULATION_SURVIVE_H

#include "tests/simulation/check.h"
#include "tests/simulation/ladder_world.h"

/* Each goes another way, through steps of other kinds. */
static const struct journey {
  const char *name, *world, *manifest;
  size_t images;
  const char *faults; /* NULL: none, and the copies get there; otherwise they fail and are undone */
} journeys[] = {
    {"copy-image", WORLD, MANIFEST_HEAD PLAIN, 1},
    {"reencrypt", WORLD, MANIFEST_HEAD SEALED, 1},
    {"launch-image", LADDER_WORLD(REFUSED_BILLING, ""), MANIFEST_HEAD IMAGE(WINDOWS, ""), 1},
    {"bridge", LADDER_WORLD("", ""), MANIFEST_HEAD BRIDGED(DEFAULT_KEY, THERE_KEY), 1},
    {"batch", WORLD, MANIFEST_HEAD PLAIN PLAIN_HERE SEALED SEALED_HERE, 4},
    {"undone", WORLD, MANIFEST_HEAD SEALED, 0,
     "[{\"kind\": \"error\", \"action\": \"RegisterImage\", \"status\": 400, \"code\": \"InvalidParameterValue\", \"message\": \"not liked\"}]"},
};

static inline struct rig *set_out(const struct journey *j, uint64_t seed) {
  struct rig *r = new_rig(j->world, seed);
  if (j->faults) set_faults(r, j->faults);
  return r;
}

/* What the events say last of the copy (step -1) or of one of its steps; they are numbered without a gap. */
static inline const char *last_told(const struct af_event_row *ev, size_t n, int64_t step, const char *when) {
  const char *told = NULL;
  for (size_t i = 0; i < n; i++) {
    if (ev[i].number != (int64_t)i + 1) fail_msg("%s: event %zu has number %d", when, i + 1, (int)ev[i].number);
    if (ev[i].step == step && ev[i].to_state) told = ev[i].to_state;
  }
  return told;
}

static inline void assert_told(struct af_store *s, const struct af_copy_row *c, const char *when) {
  struct af_event_row *ev;
  struct af_step_row *steps;
  struct af_error err;
  size_t n_ev, n_steps;
  assert_ok(af_store_events(s, c->id, 0, &ev, &n_ev, &err), &err);
  assert_ok(af_store_steps(s, c->id, &steps, &n_steps, &err), &err);
  assert_int_equal(n_ev, c->revision);
  assert_string_equal(last_told(ev, n_ev, -1, when), af_copy_state_name(c->state));
  for (size_t i = 0; i < n_steps; i++) {
    char now[64];
    snprintf(now, sizeof(now), "%s/%s", af_step_face_name(steps[i].face), af_step_state_name(steps[i].state));
    assert_string_equal(last_told(ev, n_ev, steps[i].ordinal, when), now);
    af_step_row_done(&steps[i]);
  }
  for (size_t i = 0; i < n_ev; i++) af_event_row_done(&ev[i]);
  free(ev);
  free(steps);
}

/* Returns how many copies there are. */
static inline size_t assert_sound(struct rig *r, const char *when) {
  struct test_clock clock;
  struct af_store *s;
  struct af_copy_row *list;
  struct af_error err;
  test_clock_init(&clock, rig_now(r));
  if (af_store_open(&s, rig_database(r), AF_STORE_OWNER, &clock.clock, &err) || af_store_integrity_check(s, &err))
    fail_msg("%s: %s", when, err.message);
  size_t n = rig_copies(r, &list);
  for (size_t i = 0; i < n; i++) assert_told(s, &list[i], when);
  rig_copies_free(list, n);
  af_store_close(s);
  return n;
}

/* Another engine takes up what the database knows of; where that is nothing, the person asks again. */
static inline int go_on(struct rig *r, const struct journey *j, const char *when, struct af_error *err) {
  return assert_sound(r, when) ? rig_resume(r, err) : rig_run(r, j->manifest, err);
}

static inline void arrives(struct rig *r, const struct journey *j, const char *when) {
  struct af_error err;
  rig_advance(r, 500);
  if (go_on(r, j, when, &err)) fail_msg("%s: %s", when, err.message);
  assert_all(r, j->faults ? AF_COPY_FAILED : AF_COPY_DONE, when);
  assert_clean(r, when);
  rig_advance(r, 3600000); /* what was deregistered shows for a while */
  assert_int_equal(live_images(r), j->images);
}

#endif
