/* What scenes have in common: faults in a few words, a person who comes once, and what is asserted of one copy. */
#ifndef AF_TESTS_SIMULATION_SCENES_H
#define AF_TESTS_SIMULATION_SCENES_H

#include "engine/aws/ops.h"
#include "engine/internal.h"
#include "tests/simulation/check.h"
#include "tests/simulation/hand.h"
#include "tests/simulation/ladder_world.h"

/* --- faults --- */

#define TARGET ", \"account\": \"222222222222\""
#define NTH(n) ", \"nth\": " n
#define AFTER(n) ", \"after\": " n
#define TIMES(n) ", \"times\": " n
#define FAULT(kind, action, which) "{\"kind\": \"" kind "\", \"action\": \"" action "\"" which "}"
#define SLOW(action, which, ms) FAULT("slow", action, which ", \"delay_ms\": " ms)
#define FAILS(action, which, status, code) FAULT("error", action, which ", \"status\": " status ", \"code\": \"" code "\", \"message\": \"no\"")
#define FORBID(action, which) FAILS(action, which, "403", "UnauthorizedOperation")

/* PLAIN_HERE reads its facts for so long: what it does comes late, and the process runs meanwhile. */
#define SLOW_HERE(ms) SLOW("DescribeImages", TARGET ", \"region\": \"us-east-1\"" NTH("1"), ms)
#define HOUR "3600000" /* the longest that cloudsim keeps one waiting; two of them add up */

/* --- worlds --- */

/* A third account, which may copy on what was copied. */
#define THIRD                                                                                                                  \
  "- id: '333333333333'\n" ROLE("amiferry-third", "on-wards") "  regions:\n    eu-west-1:\n"                                      \
  "      keys: [{id: 00000000-0000-4000-8000-000000000013, alias: alias/amis}]\n"
#define THIRD_CONFIG CONFIG \
  "[profile on]\nrole_arn = arn:aws:iam::333333333333:role/amiferry-third\nsource_profile = operator\nexternal_id = on-wards\n"

/* Takes the world over, and changes one more text of it. */
static inline char *changed(char *world, const char *what, const char *instead) {
  char *out = rig_world(world, what, instead);
  free(world);
  return out;
}

/* --- a person --- */

struct person { /* comes once; asks a while later, for the copy to be retried or cancelled */
  bool (*comes)(const struct rig *r, const struct af_engine *e);
  void (*mends)(struct rig *r, struct af_engine *e); /* NULL: nothing */
  int64_t after_ms;
  int (*asks)(struct af_engine *e, const char *id, size_t *ret_n, struct af_error *err);
  size_t copy;
  int64_t came_ms; /* 0: not yet */
  bool asked;
};

static inline void attends(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  struct person *p = ctx;
  struct af_copy_view v;
  struct af_error err;
  size_t n = 0;
  if (!p->came_ms && p->comes(r, e)) {
    if (p->mends) p->mends(r, e);
    p->came_ms = rig_now(r);
  }
  if (!p->came_ms || p->asked || rig_now(r) < p->came_ms + p->after_ms) return;
  af_engine_view(e, p->copy, &v);
  assert_ok(p->asks(e, v.row->id, &n, &err), &err);
  assert_int_equal(n, 1);
  p->asked = true;
}

static inline void run_attended(struct rig *r, const char *manifest, struct person *p) {
  struct af_error err;
  rig_attend(r, attends, p);
  assert_ok(rig_run(r, manifest, &err), &err);
  rig_attend(r, NULL, NULL);
}

static inline void sends(struct rig *r, struct af_engine *e, const struct af_op *op, struct af_session *session, const char *region, json_t *input) {
  struct af_error err;
  assert_ok(by_hand(r, e, op, session, region, input, &err), &err);
}

static inline const struct af_step_row *step_of(const struct af_live_copy *c, const char *kind) {
  for (size_t i = 0; i < c->n_steps; i++)
    if (af_streq(c->steps[i].kind, kind)) return &c->steps[i];
  return NULL;
}

/* --- when a person comes --- */

static inline bool is_in(const struct af_engine *e, size_t copy, enum af_copy_state state) {
  struct af_copy_view v;
  af_engine_view(e, copy, &v);
  return v.row->state == state;
}
static inline bool is_blocked(const struct rig *r, const struct af_engine *e) {
  return is_in(e, 0, AF_COPY_BLOCKED);
}
static inline bool works(const struct rig *r, const struct af_engine *e) {
  return is_in(e, 0, AF_COPY_WORKING);
}
static inline bool is_polling_the_image(const struct rig *r, const struct af_engine *e) {
  const struct af_live_copy *c = e->copies[0];
  for (size_t i = 0; i < c->n_steps; i++)
    if (af_streq(c->steps[i].kind, "copy-image") && c->steps[i].state == AF_STEP_PENDING && c->live[i].busy) return true;
  return false;
}

/* Of PLAIN, by its owner. */
static inline void deletes_the_source(struct rig *r, struct af_engine *e) {
  const struct af_live_copy *c = e->copies[0];
  sends(r, e, &af_ec2_deregister_image, c->source, "us-east-1", json_pack("{s:s}", "ImageId", "ami-0a000000000000000"));
  sends(r, e, &af_ec2_delete_snapshot, c->source, "us-east-1", json_pack("{s:s}", "SnapshotId", "snap-0a000000000000001"));
  sends(r, e, &af_ec2_delete_snapshot, c->source, "us-east-1", json_pack("{s:s}", "SnapshotId", "snap-0a000000000000002"));
}

/* Somebody makes it die; it is away for so long, and all faults are over then. */
static inline void dies_and_is_away(struct rig *r, const char *manifest, rig_person *somebody, void *ctx, int64_t away_ms) {
  struct af_error err;
  rig_attend(r, somebody, ctx);
  (void)rig_run(r, manifest, &err);
  assert_true(rig_died(r));
  rig_arm(r, RIG_LIVES, 0);
  rig_attend(r, NULL, NULL);
  set_faults(r, "[]");
  rig_advance(r, away_ms);
}

/* --- what is shown --- */

static inline void assert_reason(struct rig *r, const char *code) {
  struct af_copy_row *list;
  struct af_error err;
  size_t n = rig_copies(r, &list);
  assert_int_equal(n, 1);
  assert_non_null(list[0].error);
  assert_int_equal(af_error_from_json(list[0].error, &err), 0);
  assert_string_equal(err.code, code);
  rig_copies_free(list, n);
}

static inline enum af_copy_state last_state(struct rig *r) {
  struct af_copy_row *list;
  size_t n = rig_copies(r, &list);
  assert_true(n > 0);
  enum af_copy_state state = list[n - 1].state;
  rig_copies_free(list, n);
  return state;
}

#endif
