/* What the tests of state/ share: a folder of their own, a store in it under a clock that stands still, and rows with every
 * member filled. */
#ifndef AF_TESTS_UNIT_STATE_FIXTURE_H
#define AF_TESTS_UNIT_STATE_FIXTURE_H

#include "tests/unit/test.h"

#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/store.h"

struct fixture {
  char folder[64];
  char path[128]; /* of the database */
  struct test_clock clock;
  struct af_store *store; /* the owner; NULL until it is opened */
  struct af_error err;
};

static inline int fixture_set_up(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  (void)snprintf(f->folder, sizeof f->folder, "/tmp/amiferry-state-XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  (void)snprintf(f->path, sizeof f->path, "%s/amiferry.db", f->folder);
  test_clock_init(&f->clock, 1000000);
  *state = f;
  return 0;
}

static inline int fixture_remove(const char *path, const struct stat *st, int type, struct FTW *at) {
  return remove(path);
}

static inline int fixture_tear_down(void **state) {
  struct fixture *f = *state;
  af_store_close(f->store);
  assert_int_equal(nftw(f->folder, fixture_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
  free(f);
  return 0;
}

#define STATE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

static inline void fixture_open(struct fixture *f) {
  assert_ok(af_store_open(&f->store, f->path, AF_STORE_OWNER, &f->clock.clock, &f->err), &f->err);
}
static inline void fixture_close(struct fixture *f) {
  af_store_close(f->store);
  f->store = NULL;
}
static inline void fixture_reopen(struct fixture *f) {
  fixture_close(f);
  fixture_open(f);
}
static inline void fixture_commit(struct fixture *f) {
  assert_ok(af_store_commit(f->store, &f->err), &f->err);
}

/* Rows of string literals: never given to _done(). */
#define TEXT_OF(literal) ((char *)(uintptr_t)(literal))

static inline struct af_batch_row a_batch(const char *id) {
  return (struct af_batch_row){.id = TEXT_OF(id), .manifest_name = TEXT_OF("batch.yaml"), .manifest_digest = TEXT_OF("d1"),
                               .manifest = TEXT_OF("{\"version\":1}"), .created_ms = 5};
}
static inline struct af_copy_row a_copy(const char *batch, const char *id) {
  return (struct af_copy_row){.id = TEXT_OF(id), .batch_id = TEXT_OF(batch), .key = TEXT_OF(id), .spec = TEXT_OF("{\"source\":1}"),
                              .machine_version = 3};
}
static inline struct af_step_row a_step(const char *copy, int64_t ordinal) {
  return (struct af_step_row){.copy_id = TEXT_OF(copy), .ordinal = ordinal, .kind = TEXT_OF("copy-snapshot"),
                              .item = TEXT_OF("snap-1")};
}
static inline struct af_effect_row an_effect(const char *copy, const char *resource) {
  return (struct af_effect_row){.copy_id = TEXT_OF(copy), .step = 0, .kind = TEXT_OF("snapshot"),
                                .account = TEXT_OF("111122223333"), .region = TEXT_OF("eu-west-1"), .resource = TEXT_OF(resource), .state = AF_EFFECT_LIVE};
}
static inline struct af_exposure_row an_exposure(const char *resource) {
  return (struct af_exposure_row){.kind = TEXT_OF("createVolumePermission"), .account = TEXT_OF("111122223333"),
                                  .region = TEXT_OF("eu-west-1"), .resource = TEXT_OF(resource), .grantee = TEXT_OF("444455556666"),
                                  .state = AF_EXPOSURE_OPENING, .borrowed = true, .generation = 1};
}
static const struct af_event_row NOTE = {.kind = "note", .step = -1};
static const struct af_event_row NOTE_0 = {.kind = "note", .step = 0};

/* One batch "b", one copy "c" at revision 1, not committed. */
static inline struct af_copy_row fixture_copy(struct fixture *f) {
  struct af_batch_row b = a_batch("b");
  struct af_copy_row c = a_copy("b", "c");
  assert_ok(af_store_batch_insert(f->store, &b, &f->err), &f->err);
  assert_ok(af_store_copy_insert(f->store, &c, &NOTE, &f->err), &f->err);
  return c;
}
/* The same with a step 0, at revision 2. */
static inline struct af_copy_row fixture_step(struct fixture *f) {
  struct af_copy_row c = fixture_copy(f);
  struct af_step_row step = a_step("c", 0);
  assert_ok(af_store_step_insert(f->store, &c, &step, &NOTE_0, &f->err), &f->err);
  return c;
}

/* Starts a process that runs body, says so and waits until it is killed. */
static inline pid_t child_start(void (*body)(void *ctx), void *ctx) {
  int ready[2];
  char byte;
  assert_int_equal(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is ended leaves nobody behind */
    body(ctx);
    if (write(ready[1], "x", 1) == 1)
      for (;;)
        (void)pause();
    _exit(1);
  }
  (void)close(ready[1]);
  assert_int_equal(read(ready[0], &byte, 1), 1);
  (void)close(ready[0]);
  return child;
}

static inline void child_kill(pid_t child) {
  assert_int_equal(kill(child, SIGKILL), 0);
  assert_int_equal(waitpid(child, NULL, 0), child);
}

static inline size_t count_events(struct fixture *f, const char *copy) {
  struct af_event_row *rows;
  size_t n;
  assert_ok(af_store_events(f->store, copy, 0, &rows, &n, &f->err), &f->err);
  for (size_t i = 0; i < n; i++)
    af_event_row_done(&rows[i]);
  free(rows);
  return n;
}

#endif
