/* Deleting what sweep has found: one thing after the other in each place, the places side by side. Every call is harmless to repeat by NATURE:
 * what is gone stays gone, and says so.
 *
 * Of a copy that the database knows, each call is written down among the copy's events before it is sent, and its outcome after it. Of one that
 * it doesn't know there is nothing to write to, and nothing is lost by it: an intent without an outcome is there to be looked up in AWS, and
 * that is how the next sweep begins anyway, with the tag on the thing itself. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/aws/ops.h"
#include "engine/step.h"
#include "engine/survey.h"
#include "engine/sweep.h"

static const struct means { /* how a kind is deleted */
  const char *done; /* "deleted" */
  const struct af_op *op;
  const char *member;
  bool list;
} means[AF_SWEEP_KIND_MAX_] = {
    [AF_SWEEP_INSTANCE] = {"terminated", &af_ec2_terminate_instances, "InstanceIds", true},
    [AF_SWEEP_VOLUME] = {"deleted", &af_ec2_delete_volume, "VolumeId", false},
    [AF_SWEEP_GROUP] = {"deleted", &af_ec2_delete_security_group, "GroupId", false},
    [AF_SWEEP_IMAGE] = {"deregistered", &af_ec2_deregister_image, "ImageId", false},
    [AF_SWEEP_SNAPSHOT] = {"deleted", &af_ec2_delete_snapshot, "SnapshotId", false},
    [AF_SWEEP_GRANT] = {"retired", &af_kms_retire_grant, "GrantId", false},
};

struct removal { /* of one place */
  struct af_engine *e;
  const struct af_sweep_place *place;
  struct af_sweep_thing **things; /* doomed, by kind; borrowed */
  size_t n, at;
  bool going;       /* something that others hang on is on its way out */
  int64_t since_ms; /* when things[at] was first asked to go; 0: not yet */
};

/* --- the record --- */

static int write_event(struct af_engine *e, const char *copy, const struct af_event_row *ev) {
  struct af_copy_row row = {0};
  struct af_error err;
  int rc = af_store_copy_get(e->config.store, copy, &row, &err);
  if (!rc) rc = af_store_copy_update(e->config.store, &row, ev, &err);
  if (!rc) rc = af_store_commit(e->config.store, &err);
  af_copy_row_done(&row);
  return rc ? af_engine_fail(e, rc, &err) : 0;
}

/* a: NULL before the call */
static int record(const struct removal *r, const struct af_sweep_thing *t, const struct af_answer *a) {
  const struct means *m = &means[t->kind];
  char message[512], *detail = NULL;
  if (!t->ours) return 0;
  const char *what = !a ? "to be " : a->rc && !af_says_gone(&a->error) ? "not " : a->rc ? "gone, not " : "";
  snprintf(message, sizeof(message), "sweep: %s %s (account %s, %s): %s%s", af_sweep_kind_name(t->kind), t->id, t->account, t->region, what, m->done);
  if (a && a->rc && af_error_to_json(&a->error, &detail)) return af_engine_fail(r->e, -AF_ENOMEM, NULL);
  int rc = write_event(r->e, t->copy,
                       &(struct af_event_row){.kind = a ? "outcome" : "intent", .step = -1, .message = message, .action = m->op->label,
                                              .request_id = a && *a->request_id ? a->request_id : NULL, .detail = detail});
  free(detail);
  return rc;
}

/* --- the calls --- */

static int ask(void *reads, struct af_ask *ret) {
  struct removal *r = reads;
  *ret = (struct af_ask){.side = AF_SOURCE, .region = r->place->region};
  if (r->at == r->n) return 0;
  const struct af_sweep_thing *t = r->things[r->at];
  const struct means *m = &means[t->kind];
  json_t *input = m->list ? json_pack("{s:[s]}", m->member, t->id) : json_pack("{s:s}", m->member, t->id);
  if (!input || (*t->key && json_object_set_new(input, "KeyId", json_string(t->key)))) {
    json_decref(input);
    return -AF_ENOMEM;
  }
  if (!r->since_ms) r->since_ms = af_now_ms(r->e->config.clock);
  int rc = record(r, t, NULL);
  if (rc) {
    json_decref(input);
    return rc;
  }
  ret->op = m->op;
  ret->input = input;
  return 0;
}

/* What still holds it may be on its way out, or gone where AWS hasn't noticed. Half of the patience: the survey's own must not end first, since that
 * ends the whole walk. */
static bool still_held(const struct removal *r, const struct af_error *err) {
  const struct af_engine_config *c = &r->e->config;
  int64_t wait = r->going ? c->patience_ms / 2 : c->window_ms < c->patience_ms / 2 ? c->window_ms : c->patience_ms / 2;
  return err->class == AF_CLASS_NOT_YET_VISIBLE && af_now_ms(c->clock) < r->since_ms + wait;
}

static void set_error(struct af_sweep_thing *t, const struct af_error *err) {
  if (!t->error) t->error = malloc(sizeof(*t->error));
  if (t->error) *t->error = *err;
}

static int answer(void *reads, const struct af_answer *a, struct af_error *err) {
  struct removal *r = reads;
  struct af_sweep_thing *t = r->things[r->at];
  bool gone = !a->rc || af_says_gone(&a->error);
  enum af_class class = a->error.class;
  if (record(r, t, a)) {
    *err = r->e->failure;
    return r->e->rc;
  }
  bool held = !gone && still_held(r, &a->error);
  if (held || (!gone && (class == AF_CLASS_TRANSIENT || class == AF_CLASS_THROTTLED || class == AF_CLASS_CAPACITY || class == AF_CLASS_AMBIGUOUS))) {
    *err = a->error;
    if (class != AF_CLASS_THROTTLED) err->class = AF_CLASS_TRANSIENT; /* asked again: harmless, whatever became of it */
    return a->rc;
  }
  t->deleted = gone;
  if (!gone) set_error(t, &a->error);
  r->going |= gone && (t->kind == AF_SWEEP_INSTANCE || t->kind == AF_SWEEP_IMAGE);
  r->at++;
  r->since_ms = 0;
  return 0;
}

/* --- the walks --- */

/* Things are in the order of their kinds within an account and Region, so each place's are, too. */
static int gather(struct af_engine *e, struct af_sweep *s, struct removal *list, struct af_sweep_thing **room) {
  for (size_t i = 0; i < s->n_places; i++) {
    list[i] = (struct removal){.e = e, .place = &s->places[i], .things = room, .going = s->places[i].going};
    for (size_t k = 0; k < s->n; k++)
      if (s->things[k].doomed && s->things[k].place == i) *room++ = &s->things[k], list[i].n++;
  }
  return 0;
}

static int carry_out(struct af_engine *e, struct removal *removals, size_t n, struct af_error *err) {
  struct af_survey *list = calloc(n ? n : 1, sizeof(*list));
  if (!list) return af_error_nomem(err);
  for (size_t i = 0; i < n; i++)
    list[i] = (struct af_survey){
        .reads = &removals[i], .ask = ask, .answer = answer, .source = removals[i].place->session, .target = removals[i].place->session};
  int rc = af_survey_run(e, list, n, err);
  for (size_t i = 0; i < n; i++) { /* where AWS could not be reached any more, the rest stays */
    for (size_t k = removals[i].at; k < removals[i].n && af_survey_failed(&list[i]); k++) set_error(removals[i].things[k], &list[i].error);
    af_survey_done(&list[i]);
  }
  free(list);
  return rc;
}

/* --- afterwards --- */

static size_t still_shown(const struct af_sweep *now, struct af_sweep *s) {
  struct af_error err;
  size_t n = 0;
  for (size_t i = 0; i < s->n; i++) {
    struct af_sweep_thing *t = &s->things[i];
    free(t->deleted ? t->error : NULL);
    if (t->deleted) t->error = NULL;
    if (!t->deleted || !af_sweep_find(now, t)) continue;
    af_error_set(&err, -AF_EAWS, AF_CLASS_NOT_YET_VISIBLE, "StillShown", "AWS has taken the call, and shows %s %s still",
                 af_sweep_kind_name(t->kind), t->id);
    af_error_hint(&err, "sweep again in a while");
    set_error(t, &err);
    n++;
  }
  return n;
}

static int pause_a_while(struct af_engine *e, struct af_error *err) {
  int64_t until = af_now_ms(e->config.clock) + e->config.window_ms / 6 + 1;
  for (int64_t now; (now = af_now_ms(e->config.clock)) < until;) {
    if (e->config.stop && *e->config.stop) return af_error_set(err, -AF_ECANCELED, AF_CLASS_CANCELLED, "Interrupted", "interrupted");
    if (af_aws_wait(e->config.aws, until - now < 250 ? until - now : 250))
      return af_error_set(err, -AF_EIO, AF_CLASS_INTERNAL, "Transport", "waiting for AWS failed");
  }
  return 0;
}

/* What AWS shows may lag behind what it did: a thing is left only if it is shown for a whole window. */
static int look_again(struct af_engine *e, const struct af_manifest *m, struct af_sweep *s, struct af_error *err) {
  int64_t until = af_now_ms(e->config.clock) + e->config.window_ms;
  for (;;) {
    struct af_sweep now;
    int rc = af_engine_sweep(e, m, &now, err);
    if (rc) return rc;
    size_t left = still_shown(&now, s);
    af_sweep_done(&now);
    if (!left || af_now_ms(e->config.clock) >= until) return 0;
    rc = pause_a_while(e, err);
    if (rc) return rc;
  }
}

int af_engine_sweep_delete(struct af_engine *e, const struct af_manifest *m, struct af_sweep *s, struct af_error *err) {
  struct removal *removals = calloc(s->n_places ? s->n_places : 1, sizeof(*removals));
  struct af_sweep_thing **room = calloc(s->n ? s->n : 1, sizeof(struct af_sweep_thing *));
  int rc = removals && room ? gather(e, s, removals, room) : af_error_nomem(err);
  if (!rc) rc = carry_out(e, removals, s->n_places, err);
  if (!rc) rc = look_again(e, m, s, err);
  free(removals);
  free(room);
  return rc;
}
