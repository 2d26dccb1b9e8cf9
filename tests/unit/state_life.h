/* A life of a store that tests cut short in every way they know, and the judgement of what is left of it. */
#ifndef AF_TESTS_UNIT_STATE_LIFE_H
#define AF_TESTS_UNIT_STATE_LIFE_H

#include "tests/unit/state_fixture.h"

#include <fcntl.h>

#include "base/buf.h"

/* Five transactions, after each of which the copy has one of these revisions. Says in *done how
 * many have been committed. Returns the first error. */
enum { LIFE = 5 };
static const int64_t life_revision[LIFE + 1] = {0, 1, 2, 4, 5, 5};

static inline int transaction(struct af_store *s, int i, struct af_copy_row *c, struct af_error *err) {
  struct af_batch_row b = a_batch("b");
  struct af_step_row step = a_step("c", 0);
  struct af_effect_row effect = an_effect("c", "snap-2");
  struct af_exposure_row e = an_exposure("snap-1");
  int rc = 0;
  switch (i) {
  case 0:
    rc = af_store_batch_insert(s, &b, err);
    return rc ? rc : af_store_copy_insert(s, c, &NOTE, err);
  case 1:
    return af_store_step_insert(s, c, &step, &NOTE_0, err);
  case 2:
    step.state = AF_STEP_INTENDED;
    rc = af_store_step_update(s, c, &step, &NOTE_0, err);
    step.state = AF_STEP_PENDING;
    return rc ? rc : af_store_step_update(s, c, &step, &NOTE_0, err);
  case 3:
    rc = af_store_facts_put(s, c, "{}", &NOTE, err);
    return rc ? rc : af_store_effect_put(s, &effect, err);
  default:
    rc = af_store_exposure_put(s, &e, err);
    return rc ? rc : af_store_holder_add(s, e.id, "c", err);
  }
}

static inline int live(struct fixture *f, volatile int *done) {
  struct af_copy_row c = a_copy("b", "c");
  struct af_store *s;
  int rc = af_store_open(&s, f->path, AF_STORE_OWNER, &f->clock.clock, &f->err);
  if (rc != 0)
    return rc;
  for (int i = 0; rc == 0 && i < LIFE; i++) {
    rc = transaction(s, i, &c, &f->err);
    if (rc == 0)
      rc = af_store_commit(s, &f->err);
    if (rc == 0)
      *done = i + 1;
    else if (af_store_commit(s, NULL) != rc || af_store_batch_insert(s, &(struct af_batch_row){0}, NULL) == 0 || af_store_dirty(s))
      rc = 1; /* a store that failed must stay failed */
  }
  af_store_close(s);
  return rc;
}

/* Opens what is left, whose first done transactions were committed: they are there, and of the others a whole number. */
static inline void assert_whole(struct fixture *f, int done) {
  struct af_copy_row c = {0};
  struct af_step_row *steps;
  struct af_exposure_row *open;
  size_t steps_n, open_n, holders = 0;
  fixture_open(f);
  assert_ok(af_store_integrity_check(f->store, &f->err), &f->err);
  int rc = af_store_copy_get(f->store, "c", &c, &f->err);
  assert_true(rc == 0 || rc == -AF_ENOENT);
  assert_ok(af_store_steps(f->store, "c", &steps, &steps_n, &f->err), &f->err);
  assert_ok(af_store_exposures_open(f->store, &open, &open_n, &f->err), &f->err);
  if (open_n)
    assert_ok(af_store_holders(f->store, open[0].id, &holders, &f->err), &f->err);
  assert_int_equal(holders, open_n); /* the last transaction, whole or not at all */
  int found = open_n ? LIFE : -1;
  for (int i = 0; found < 0 && i < LIFE; i++)
    if (life_revision[i] == c.revision)
      found = i;
  assert_in_range(found, done, LIFE); /* a revision between two transactions is not there at all */
  assert_int_equal(count_events(f, "c"), c.revision);
  assert_int_equal(steps_n, found >= 2);
  if (steps_n)
    assert_int_equal(steps[0].state, found >= 3 ? AF_STEP_PENDING : AF_STEP_IDLE);
  for (size_t i = 0; i < steps_n; i++)
    af_step_row_done(&steps[i]);
  for (size_t i = 0; i < open_n; i++)
    af_exposure_row_done(&open[i]);
  free(steps);
  free(open);
  af_copy_row_done(&c);
  fixture_close(f);
}

static inline void remove_database(const struct fixture *f) {
  static const char *const suffixes[] = {"", "-wal", "-shm", ".new", ".lock"};
  for (size_t i = 0; i < COUNT(suffixes); i++) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s%s", f->path, suffixes[i]);
    (void)unlink(path);
  }
}

/* An empty database as bytes, so that each round begins with the same one without creating it. */
static inline struct af_buf new_database(struct fixture *f) {
  struct af_buf bytes;
  fixture_open(f);
  fixture_close(f);
  af_buf_init(&bytes, 1 << 20);
  assert_ok(af_buf_read_file(&bytes, f->path, &f->err), &f->err);
  return bytes;
}

static inline void put_back(const struct fixture *f, const struct af_buf *bytes) {
  remove_database(f);
  int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, bytes->ptr, bytes->len), bytes->len);
  (void)close(fd);
}

#endif
