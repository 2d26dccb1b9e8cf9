/* A walk through the store: batches, copies, steps, effects, exposures and holders as chance draws them, with commits between and now and then
 * a new opening. The same seed takes the same way, so that a second walk which is cut short can be held against the first. */
#ifndef AF_TESTS_UNIT_STATE_WALK_H
#define AF_TESTS_UNIT_STATE_WALK_H

#include "tests/unit/state_fixture.h"

#include "base/random.h"

enum { WALK_COPIES = 6, WALK_STEPS = 4, WALK_EXPOSURES = 5, WALK_TURNS = 70, WALK_TEXT = 30000, WALK_LONG_TEXT = 2000000 };
static const char *const walk_names[] = {"n0", "n1", "n2", "n3", "n4", "n5"};

struct walk {
  struct fixture *f;
  struct af_random_seeded random;
  struct af_copy_row copies[WALK_COPIES];
  struct af_step_row steps[WALK_COPIES][WALK_STEPS];
  struct af_exposure_row exposures[WALK_EXPOSURES];
  size_t n_batches, n_copies, n_steps[WALK_COPIES], n_exposures;
  char text[WALK_LONG_TEXT + 1];
  size_t longest; /* of its texts: in each twelfth walk they fill the log, so that SQLite begins it anew */
  int commits;     /* that succeeded */
  bool committing; /* one more may have */
  void (*on_commit)(struct walk *w);
  void *ctx;
};

static inline size_t walk_below(struct walk *w, size_t bound) {
  return (size_t)af_random_below(&w->random.random, bound);
}

/* An event with a message of a length by chance, mostly a short one. */
static inline struct af_event_row walk_event(struct walk *w, int64_t step) {
  size_t len = walk_below(w, 8) ? walk_below(w, 60) : walk_below(w, w->longest);
  memset(w->text, 'a' + (int)walk_below(w, 26), len);
  w->text[len] = 0;
  return (struct af_event_row){.kind = "note", .step = step, .message = w->text};
}

static inline int walk_batch(struct walk *w) {
  if (w->n_batches == COUNT(walk_names))
    return 0;
  struct af_batch_row b = a_batch(walk_names[w->n_batches++]);
  return af_store_batch_insert(w->f->store, &b, &w->f->err);
}
static inline int walk_copy(struct walk *w) {
  if (w->n_batches == 0 || w->n_copies == WALK_COPIES)
    return 0;
  struct af_copy_row *c = &w->copies[w->n_copies];
  struct af_event_row ev = walk_event(w, -1);
  *c = a_copy(walk_names[walk_below(w, w->n_batches)], walk_names[w->n_copies++]);
  return af_store_copy_insert(w->f->store, c, &ev, &w->f->err);
}
static inline int walk_copy_changes(struct walk *w) {
  if (w->n_copies == 0)
    return 0;
  struct af_copy_row *c = &w->copies[walk_below(w, w->n_copies)];
  struct af_event_row ev = walk_event(w, -1);
  c->state = (enum af_copy_state)walk_below(w, AF_COPY_STATE_MAX_);
  c->bytes = (int64_t)walk_below(w, 1 << 20);
  return af_store_copy_update(w->f->store, c, &ev, &w->f->err);
}
static inline int walk_facts(struct walk *w) {
  if (w->n_copies == 0)
    return 0;
  struct af_copy_row *c = &w->copies[walk_below(w, w->n_copies)];
  struct af_event_row ev = walk_event(w, -1);
  return af_store_facts_put(w->f->store, c, walk_below(w, 2) ? "{\"a\":1}" : "{\"b\":2}", &ev, &w->f->err);
}
static inline int walk_step(struct walk *w) {
  if (w->n_copies == 0)
    return 0;
  size_t i = walk_below(w, w->n_copies);
  if (w->n_steps[i] == WALK_STEPS)
    return 0;
  struct af_step_row *step = &w->steps[i][w->n_steps[i]];
  *step = a_step(walk_names[i], (int64_t)w->n_steps[i]++);
  struct af_event_row ev = walk_event(w, step->ordinal);
  return af_store_step_insert(w->f->store, &w->copies[i], step, &ev, &w->f->err);
}
static inline int walk_step_changes(struct walk *w) {
  size_t i = w->n_copies ? walk_below(w, w->n_copies) : 0;
  if (w->n_steps[i] == 0)
    return 0;
  struct af_step_row *step = &w->steps[i][walk_below(w, w->n_steps[i])];
  struct af_event_row ev = walk_event(w, step->ordinal);
  step->state = (enum af_step_state)walk_below(w, AF_STEP_STATE_MAX_);
  step->progress = (int64_t)walk_below(w, 101);
  return af_store_step_update(w->f->store, &w->copies[i], step, &ev, &w->f->err);
}
static inline int walk_effect(struct walk *w) {
  size_t i = w->n_copies ? walk_below(w, w->n_copies) : 0;
  if (w->n_steps[i] == 0)
    return 0;
  struct af_effect_row e = an_effect(walk_names[i], walk_names[walk_below(w, COUNT(walk_names))]);
  e.state = walk_below(w, 2) ? AF_EFFECT_LIVE : AF_EFFECT_GONE;
  return af_store_effect_put(w->f->store, &e, &w->f->err);
}
static inline int walk_exposure(struct walk *w) {
  size_t i = walk_below(w, WALK_EXPOSURES);
  if (i >= w->n_exposures) {
    i = w->n_exposures++;
    w->exposures[i] = an_exposure(walk_names[i]);
  }
  w->exposures[i].state = (enum af_exposure_state)walk_below(w, AF_EXPOSURE_STATE_MAX_);
  return af_store_exposure_put(w->f->store, &w->exposures[i], &w->f->err);
}
static inline int walk_holder(struct walk *w) {
  if (w->n_exposures == 0 || w->n_copies == 0)
    return 0;
  int64_t id = w->exposures[walk_below(w, w->n_exposures)].id;
  const char *copy = walk_names[walk_below(w, w->n_copies)];
  return walk_below(w, 3) ? af_store_holder_add(w->f->store, id, copy, &w->f->err)
                          : af_store_holder_remove(w->f->store, id, copy, &w->f->err);
}
static inline int walk_commit(struct walk *w) {
  bool dirty = af_store_dirty(w->f->store);
  w->committing = dirty;
  int rc = af_store_commit(w->f->store, &w->f->err);
  if (rc != 0 || !dirty)
    return rc;
  w->committing = false;
  w->commits++;
  if (w->on_commit)
    w->on_commit(w);
  return 0;
}
/* What is open is committed, since a close rolls it back and the rows here would not know. */
static inline int walk_open_anew(struct walk *w) {
  int rc = walk_commit(w);
  if (rc != 0)
    return rc;
  fixture_close(w->f);
  return af_store_open(&w->f->store, w->f->path, AF_STORE_OWNER, &w->f->clock.clock, &w->f->err);
}

/* Begins with a database that is open, or with none; ends with the first error. */
static inline int walk(struct walk *w, uint64_t seed) {
  static int (*const turns[])(struct walk * w) = {
      walk_batch, walk_copy, walk_copy, walk_copy_changes, walk_copy_changes, walk_facts, walk_step, walk_step, walk_step_changes,
      walk_step_changes, walk_step_changes, walk_effect, walk_exposure, walk_holder, walk_commit, walk_commit, walk_commit, walk_open_anew,
  };
  int rc = 0;
  af_random_seed(&w->random, seed);
  test_clock_init(&w->f->clock, 1000000);
  w->longest = seed % 12 ? WALK_TEXT : WALK_LONG_TEXT;
  if (!w->f->store)
    rc = af_store_open(&w->f->store, w->f->path, AF_STORE_OWNER, &w->f->clock.clock, &w->f->err);
  for (int i = 0; rc == 0 && i < WALK_TURNS; i++) {
    test_clock_advance(&w->f->clock, 1);
    rc = turns[walk_below(w, COUNT(turns))](w);
  }
  return rc ? rc : walk_open_anew(w);
}

#endif
