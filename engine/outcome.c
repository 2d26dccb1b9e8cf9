/* What answers mean: for the step that asked, and for its copy. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/internal.h"
#include "engine/pages.h"
#include "plans/bundle.h"

#define GRACE_WINDOWS 5      /* how many windows AWS is given to see what we just made or opened */
#define LOOK_MS 1000         /* pause between two looks for what a lost call may have made */
#define QUOTA_EMPTY_MS 20000 /* the retry quota is used up: AWS is having a bad time, so wait as long as SDKs do at most */

static int record_effect(struct af_engine *e, struct af_live_copy *c, size_t step, const char *kind, const char *resource, bool gone) {
  struct af_at at = af_step_at(c, step);
  struct af_effect_row row = {.step = c->steps[step].ordinal, .state = gone ? AF_EFFECT_GONE : AF_EFFECT_LIVE};
  struct af_error err = {0};
  int rc = af_row_set(&row.copy_id, c->row.id) || af_row_set(&row.kind, kind) || af_row_set(&row.account, at.account) ||
                   af_row_set(&row.region, at.region) || af_row_set(&row.resource, resource)
               ? -AF_ENOMEM
               : 0;
  if (!rc) rc = af_store_effect_put(e->config.store, &row, &err);
  af_effect_row_done(&row);
  return rc ? af_engine_fail(e, rc, *err.code ? &err : NULL) : 0;
}

/* What it made is no more. */
static int forget_resource(struct af_engine *e, struct af_live_copy *c, size_t step) {
  bool image = af_step_traits(c->steps[step].kind)->makes_image;
  return af_row_set(&c->steps[step].resource, NULL) || (image && af_row_set(&c->row.image_id, NULL)) ? af_engine_fail(e, -AF_ENOMEM, NULL)
                                                                                                     : 0;
}

static void take_data(struct af_live_step *live, struct af_outcome *out) {
  if (!out->data) return;
  json_decref(live->data);
  live->data = out->data;
  out->data = NULL;
}

/* What an outcome leaves behind in the rows, before its move is written. */
static int keep(struct af_engine *e, struct af_live_copy *c, size_t step, struct af_outcome *out) {
  struct af_step_row *s = &c->steps[step];
  bool image = af_step_traits(s->kind)->makes_image && s->face == AF_FACE_DO && !out->effect_gone;
  take_data(&c->live[step], out);
  if (out->progress >= 0) s->progress = out->progress;
  const char *resource = *out->resource ? out->resource : s->resource;
  if (out->effect && resource && record_effect(e, c, step, out->effect, resource, out->effect_gone)) return e->rc;
  if (out->effect_gone && s->resource) return forget_resource(e, c, step);
  if (out->effect_gone || !*out->resource) return 0;
  if (af_row_set(&s->resource, out->resource) || (image && af_row_set(&c->row.image_id, out->resource)))
    return af_engine_fail(e, -AF_ENOMEM, NULL);
  return 0;
}

static int forget(struct af_engine *e, struct af_live_copy *c, size_t step, bool data) {
  if (data) json_object_clear(c->live[step].data);
  json_decref(c->live[step].scratch);
  c->live[step].scratch = NULL;
  return af_row_set(&c->steps[step].resource, NULL) ? af_engine_fail(e, -AF_ENOMEM, NULL) : 0;
}

static int step_done(struct af_engine *e, struct af_live_copy *c, size_t step, bool told, const struct af_note *note) {
  struct af_step_row *s = &c->steps[step];
  char *made = s->face == AF_FACE_DO ? s->resource : NULL; /* what is done keeps what it made, and nothing else */
  if (made) s->resource = NULL;
  if (forget(e, c, step, !told)) {
    free(made);
    return e->rc;
  }
  s->resource = made;
  if (s->face == AF_FACE_DO) s->progress = 100;
  s->next_ms = 0;
  return af_record_step(e, c, step, AF_STEP_DONE, note);
}

static int step_again(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_outcome *out, const struct af_note *note) {
  struct af_step_row *s = &c->steps[step];
  struct af_step_ctx ctx;
  int64_t delay = out->delay_ms;
  af_step_context(e, c, step, NULL, &ctx);
  if (s->state == AF_STEP_PENDING && delay == 0 && json_object_size(c->live[step].data) == 0) delay = e->config.poll_min_ms;
  if (s->state == AF_STEP_AMBIGUOUS) {
    s->next_ms = ctx.now_ms + af_pause_ms(&ctx);
    if (!af_settled(&ctx)) return 0;
    s->next_ms = 0;
    return af_record_step(
        e, c, step, AF_STEP_IDLE,
        &(struct af_note){.kind = "outcome", .op = note->op, .message = "AWS shows nothing of the lost call: it was never carried out"});
  }
  s->next_ms = delay ? ctx.now_ms + delay : 0;
  if (*out->error.message) AF_COPY(c->live[step].waits, af_str(out->error.message));
  bool refused = s->state == AF_STEP_INTENDED && (s->face == AF_FACE_UNDO || !c->live[step].unresolved);
  if (refused && af_step_traits(s->kind)->exposure && af_exposure_refused(e, c, step)) return e->rc; /* still ours to open or to close */
  if (s->state == AF_STEP_INTENDED) return af_record_step(e, c, step, AF_STEP_IDLE, note);
  return *out->note ? af_record_step(e, c, step, s->state, note) : 0; /* a read changes no state: it isn't written */
}

static int step_remake(struct af_engine *e, struct af_live_copy *c, size_t step, bool told, const struct af_note *note) {
  struct af_step_row *s = &c->steps[step];
  s->generation++;
  s->attempts = 0;
  s->progress = 0;
  s->started_ms = 0;
  s->next_ms = af_now_ms(e->config.clock) + e->config.poll_min_ms; /* what was wrong needs a moment to mend */
  if (af_step_traits(s->kind)->makes_image && af_row_set(&c->row.image_id, NULL)) return af_engine_fail(e, -AF_ENOMEM, NULL);
  return forget(e, c, step, !told) ? e->rc : af_record_step(e, c, step, AF_STEP_IDLE, note);
}

static int step_pending(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_outcome *out,
                        const struct af_note *note) {
  struct af_step_row *s = &c->steps[step];
  int64_t now = af_now_ms(e->config.clock);
  int64_t age = s->intent_ms ? now - s->intent_ms : 0, delay = age / 10,
          grid = e->config.poll_min_ms; /* what has taken long is asked about less often */
  if (delay < e->config.poll_min_ms) delay = e->config.poll_min_ms;
  if (delay > e->config.poll_max_ms) delay = e->config.poll_max_ms;
  s->next_ms = (now + delay + grid - 1) / grid * grid; /* on a grid, so that many are asked about in one call */
  return s->state == AF_STEP_PENDING && !*out->note ? 0 : af_record_step(e, c, step, AF_STEP_PENDING, note);
}

int af_block_here(struct af_engine *e, struct af_live_copy *c, const struct af_error *err) {
  if (c->row.state == AF_COPY_WORKING && c->row.cancel_requested) return af_record_goal(e, c, AF_GOAL_CANCELLED, NULL);
  c->row.resume_state = c->row.state;
  for (size_t i = 0; i < c->n_steps; i++) af_step_give_slot(e, c, i); /* who waits for a person keeps nobody waiting: AWS itself says when there is no room */
  return af_record_copy(e, c, AF_COPY_BLOCKED,
                        &(struct af_note){.kind = "state", .message = "can go neither on nor back: a person is needed", .error = err});
}

/* Notes why this route was given up, and says whether another is left. Another that waits for a person is one, too. */
static bool try_another(struct af_engine *e, struct af_live_copy *c, const struct af_error *err) {
  struct af_decision next = {0};
  json_t *tried = NULL;
  json_t *one = json_pack("{s:s, s:s, s:s}", "route", af_route_name(c->decision.route), "code", err->code, "reason", err->message);
  int rc = af_copy_tried(c, &tried);
  if (json_array_append_new(tried, one) && !rc) rc = -AF_ENOMEM; /* takes NULL for either */
  if (!rc) af_route_decide(&c->spec, &c->facts, tried, &next);
  bool left = next.route != AF_ROUTE_NONE || next.refusal.class == AF_CLASS_AUTH;
  char *text = rc || !left ? NULL : af_json_dumps(tried, JSON_COMPACT);
  json_decref(tried);
  if (rc || (left && !text)) return af_engine_fail(e, rc ? rc : -AF_ENOMEM, NULL) == 0;
  if (!left) return false;
  free(c->row.tried);
  c->row.tried = text;
  return true;
}

/* The copy's way on from a step that can't be done. What is ambiguous or pending must not be turned round: who can't be looked at may be
 * at work in AWS, under a key that it needs. */
static int copy_failed(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_error *err, bool lower) {
  const struct af_step_row *s = &c->steps[step];
  bool open = s->state == AF_STEP_AMBIGUOUS || s->state == AF_STEP_PENDING;
  enum af_copy_goal goal = err->class == AF_CLASS_AUTH ? AF_GOAL_BLOCKED : AF_GOAL_FAILED;
  if (c->row.state != AF_COPY_WORKING && c->row.state != AF_COPY_UNDOING) return 0; /* blocked already, by another step */
  bool turns = c->row.state == AF_COPY_UNDOING && s->face == AF_FACE_DO && af_goal_undoes(c->row.goal, af_step_traits(s->kind));
  if (turns && s->state == AF_STEP_PENDING) return 0; /* it is to be undone next, however far it is */
  if (open || s->face == AF_FACE_UNDO) return af_block_here(e, c, err);
  bool makes = af_route_makes(c->decision.route); /* what is there already would be taken over again */
  if (c->row.state == AF_COPY_WORKING && lower && makes && try_another(e, c, err)) goal = AF_GOAL_REROUTE;
  if (e->rc) return e->rc;
  if (c->row.state == AF_COPY_WORKING) return af_record_goal(e, c, goal, err);
  if (c->row.goal == AF_GOAL_BLOCKED && goal == AF_GOAL_FAILED) return af_record_goal(e, c, AF_GOAL_FAILED, err);
  return 0; /* its own undo comes next, whatever it failed of */
}

/* Where it happened and to what, as far as the error itself doesn't say. */
static void fill_error(const struct af_live_copy *c, size_t step, const struct af_op *op, const char *request_id, struct af_error *err) {
  struct af_at at = af_step_at(c, step);
  if (!*err->resource) AF_COPY(err->resource, af_str(af_step_subject(c, step)));
  if (!*err->action && op) AF_COPY(err->action, af_str(op->label));
  if (!*err->account) AF_COPY(err->account, af_str(at.account));
  if (!*err->region) AF_COPY(err->region, af_str(at.region));
  if (!*err->request_id && request_id) AF_COPY(err->request_id, af_str(request_id));
}

static bool in_doubt(const struct af_live_copy *c, size_t step) {
  const struct af_step_row *s = &c->steps[step];
  return s->state == AF_STEP_AMBIGUOUS || (s->state == AF_STEP_INTENDED && c->live[step].unresolved);
}

/* verdict: the step's kind has judged what it made or was to make. Otherwise a call was refused, and a refused read says nothing about what
 * is pending. */
static int step_fail(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_op *op, const char *request_id,
                     struct af_error *err, bool verdict, bool lower) {
  struct af_step_row *s = &c->steps[step];
  bool moot = af_step_traits(s->kind)->exposure && af_says_gone(err); /* nothing can be open on what is no more */
  bool unknown = in_doubt(c, step) && !moot;
  bool waits = c->row.state == AF_COPY_BLOCKED && s->resource; /* a person comes first: it is looked at again */
  enum af_step_state to = unknown ? AF_STEP_AMBIGUOUS : s->state == AF_STEP_PENDING && (!verdict || waits) ? AF_STEP_PENDING : AF_STEP_IDLE;
  fill_error(c, step, op, request_id, err);
  if (s->state == AF_STEP_INTENDED && !unknown && af_step_traits(s->kind)->exposure && af_exposure_refused(e, c, step)) return e->rc;
  struct af_note note = {.kind = "refused", .op = op, .message = err->message, .request_id = request_id, .error = err};
  if (af_record_step(e, c, step, to, &note)) return e->rc;
  return copy_failed(e, c, step, err, lower);
}

/* What we ourselves opened, and have perhaps just closed, is not to be taken for someone else's. */
static int was_there(struct af_engine *e, struct af_live_copy *c, size_t step, struct af_outcome *out) {
  struct af_exposure_row x = {0};
  int rc = af_exposure_read(e, c, step, &x);
  if (!rc && af_exposure_ours(e, c, step, &x)) {
    out->kind = AF_OUT_AGAIN;
    out->delay_ms = LOOK_MS;
    AF_COPY(out->error.message, af_str("what AWS shows as open is ours, or was so a moment ago"));
    out->was_there = false;
    json_decref(out->data);
    out->data = json_object();
  } else if (!rc) {
    AF_COPY(out->note, af_str("it was open before: left as it is"));
  }
  af_exposure_row_done(&x);
  return rc == -AF_ENOENT ? 0 : rc;
}

int af_apply_outcome(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_op *op, const char *request_id,
                     struct af_outcome *out) {
  struct af_step_row *s = &c->steps[step];
  const struct af_step_traits *t = af_step_traits(s->kind);
  struct af_note note = {.kind = "outcome", .op = op, .message = NULL, .request_id = request_id};
  if (out->was_there && was_there(e, c, step, out)) return e->rc;
  if (*out->note) note.message = out->note;
  else if (*out->resource) note.message = out->resource;
  bool told = out->data != NULL;
  if (t->exposure && (out->kind == AF_OUT_DONE || out->kind == AF_OUT_PENDING) && af_exposure_outcome(e, c, step, out)) return e->rc;
  if (keep(e, c, step, out)) return e->rc;
  switch (out->kind) {
    case AF_OUT_DONE: return step_done(e, c, step, told, &note);
    case AF_OUT_PENDING: return step_pending(e, c, step, out, &note);
    case AF_OUT_AGAIN: return step_again(e, c, step, out, &note);
    case AF_OUT_REMAKE: return step_remake(e, c, step, told, &note);
    case AF_OUT_FAIL:
      if (out->effect_gone) s->generation++; /* a retry makes another one: with another token, and as many tries as the first */
      return step_fail(e, c, step, op, request_id, &out->error, true, out->lower);
    default: return af_engine_fail(e, -AF_EINVAL, NULL);
  }
}

int64_t af_repeat_delay_ms(struct af_engine *e, struct af_live_copy *c, const struct af_answer *a, int repeat, int *ret_cost) {
  struct af_retry_quota *quota = af_budget_retries(e->budgets, c->target, c->spec.target.region);
  enum af_class class = a->error.class == AF_CLASS_AUTH || a->error.class == AF_CLASS_AMBIGUOUS ? AF_CLASS_TRANSIENT : a->error.class;
  int64_t delay = af_retry_delay_ms(class, repeat, a->retry_after_ms, e->config.random);
  if (quota && !af_retry_quota_take(quota, class, ret_cost) && delay < QUOTA_EMPTY_MS) delay = QUOTA_EMPTY_MS;
  return delay;
}

static void waits_because(struct af_live_step *live, const struct af_error *err) {
  char text[sizeof(err->code) + sizeof(err->message) + 2];
  snprintf(text, sizeof(text), "%s: %s", err->code, err->message);
  AF_COPY(live->waits, af_str(text));
}

/* The call did not happen and may work later. One that repeated a call of unknown outcome leaves that unknown. */
static int step_repeat(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_op *op, const struct af_answer *a,
                       int64_t delay_ms) {
  struct af_step_row *s = &c->steps[step];
  waits_because(&c->live[step], &a->error);
  s->next_ms = af_now_ms(e->config.clock) + delay_ms;
  if (s->state != AF_STEP_INTENDED) return 0;
  bool unknown = c->live[step].unresolved;
  if (!unknown && af_step_traits(s->kind)->exposure && af_exposure_refused(e, c, step)) return e->rc;
  struct af_note note = {.kind = "repeat", .op = op, .message = a->error.message, .request_id = a->request_id, .error = &a->error};
  return af_record_step(e, c, step, unknown ? AF_STEP_AMBIGUOUS : AF_STEP_IDLE, &note);
}

/* Whatever the bucket's policy says, its lists must be on, and the target's own principal must be let (rules.md 5). */
static void bundle_hint(const struct af_live_copy *c, struct af_error *err) {
  char bundle[AF_BUNDLE_SIZE];
  if (!c->decision.instance_store || !af_bundle(c->facts.image, bundle)) return;
  int bucket = (int)strcspn(bundle, "/");
  af_error_hint(err,
                "CopyImage reads the image's files in S3: see that bucket %.*s has ACLs enabled (Object Ownership is not BucketOwnerEnforced), that "
                "its policy lets account %s use s3:GetBucketAcl, s3:ListBucket and (on %s*) s3:GetObject, and that the target's principal may "
                "use these too; then retry",
                bucket, bundle, c->facts.target_account, bundle);
}

/* The step of this copy that made, or took over, what AWS doesn't see; n_steps: it is somebody else's. */
static size_t maker_of(const struct af_live_copy *c, const struct af_error *err) {
  size_t i = 0;
  while (i < c->n_steps && (!c->steps[i].resource || af_step_traits(c->steps[i].kind)->exposure || !strstr(err->message, c->steps[i].resource))) i++;
  return i;
}

/* AWS had time enough to see it before it was asked: then it isn't lag. What this copy made is not to be had again by waiting. An AMI that the
 * target still doesn't see may be hidden by its Allowed AMIs setting (rules.md 1.3). */
static int not_visible(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_op *op, const struct af_answer *a) {
  static const char moot[] = "gone, and with it whatever the lost call may have set";
  struct af_error err = a->error;
  size_t maker = maker_of(c, &err);
  bool ours = maker < c->n_steps;
  err.class = ours ? AF_CLASS_REFUSED : AF_CLASS_AUTH;
  if (ours) af_vanished_hint(af_step_at(c, maker).account, &err);
  if (ours && in_doubt(c, step) && af_step_traits(c->steps[step].kind)->of_image &&
      af_record_step(e, c, step, AF_STEP_IDLE, &(struct af_note){.kind = "outcome", .op = op, .message = moot}))
    return e->rc;
  if (strstr(err.message, "storage of this ami")) bundle_hint(c, &err);
  if (af_str_starts(af_str(err.code), "InvalidAMIID.") && af_streq(c->facts.allowed_images, "enabled"))
    af_error_hint(&err,
                  "Allowed AMIs is enabled in account %s, %s and hides images of account %s: add that account to the allowed providers "
                  "(ec2 replace-image-criteria-in-allowed-images-settings)",
                  c->facts.target_account, c->spec.target.region, c->facts.source_account);
  return step_fail(e, c, step, op, a->request_id, &err, false, false);
}

static int step_ambiguous(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_op *op, const struct af_error *err,
                          const char *request_id) {
  c->steps[step].next_ms = af_now_ms(e->config.clock) + LOOK_MS / 2;
  AF_COPY(c->live[step].waits, af_str("the reply was lost: finding out whether it happened"));
  struct af_note note = {.kind = "ambiguous", .op = op, .message = err->message, .request_id = request_id, .error = err};
  return af_record_step(e, c, step, AF_STEP_AMBIGUOUS, &note);
}

static bool expired_again(struct af_live_step *live, const struct af_error *err) {
  return err->class == AF_CLASS_AUTH && af_is_expired_credentials(err->code) && ++live->expired < AF_EXPIRED_MOST;
}

int af_apply_error(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_op *op, const struct af_answer *a,
                   int64_t delay_ms) {
  struct af_step_row *s = &c->steps[step];
  struct af_error err = a->error;
  int64_t asked = c->live[step].asked_ms;
  if (af_error_is_memory(&err)) return af_engine_fail(e, -AF_ENOMEM, &err);
  if (expired_again(&c->live[step], &err)) return step_repeat(e, c, step, op, a, delay_ms);
  switch (err.class) {
    case AF_CLASS_NOT_YET_VISIBLE:
      if (!c->live[step].hidden_ms) c->live[step].hidden_ms = asked;
      if (asked >= c->live[step].hidden_ms + GRACE_WINDOWS * e->config.window_ms) return not_visible(e, c, step, op, a);
      return step_repeat(e, c, step, op, a, delay_ms);
    case AF_CLASS_TRANSIENT:
    case AF_CLASS_THROTTLED:
    case AF_CLASS_CAPACITY: return step_repeat(e, c, step, op, a, delay_ms);
    case AF_CLASS_AMBIGUOUS:
      if (s->state == AF_STEP_INTENDED) return step_ambiguous(e, c, step, op, &err, a->request_id);
      return step_repeat(e, c, step, op, a, delay_ms);
    default: return step_fail(e, c, step, op, a->request_id, &err, false, false);
  }
}

/* AWS said yes and nothing that makes sense: a change may have happened, a read is repeated. */
static int senseless(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_op *op, struct af_answer *a) {
  a->rc = -AF_EAWS;
  af_error_set(&a->error, a->rc, op->mutates ? AF_CLASS_AMBIGUOUS : AF_CLASS_TRANSIENT, "MalformedReply",
               "%s answered without what it was asked for", op->label);
  return af_apply_error(e, c, step, op, a, LOOK_MS);
}

/* That a look goes through says nothing of the call that it is for: only when that one does, its count begins anew. */
static void count(struct af_engine *e, struct af_live_copy *c, struct af_live_step *live, const struct af_op *op, const struct af_answer *a) {
  struct af_retry_quota *quota = a->rc ? NULL : af_budget_retries(e->budgets, c->target, c->spec.target.region);
  if (quota) af_retry_quota_give(quota, live->cost);
  if (!a->rc) live->cost = 0;
  if (!a->rc && (!live->refused || live->refused == op)) {
    live->repeats = live->expired = 0;
    live->hidden_ms = 0;
  }
  if (!a->rc || live->refused == op) return;
  live->refused = op;
  live->repeats = 0;
}

static void step_answer(struct af_engine *e, const struct af_flight *f, struct af_answer *a) {
  struct af_live_copy *c = e->copies[f->ref.copy];
  struct af_live_step *live = &c->live[f->ref.step];
  struct af_exposure_row x = {0};
  struct af_step_ctx ctx;
  struct af_outcome out;
  bool borrowed = af_step_traits(c->steps[f->ref.step].kind)->exposure != NULL;
  live->busy = false;
  c->wake_ms = 0;
  if (a->rc && !*a->error.account) /* the session doesn't know it where nothing was inspected since the start */
    AF_COPY(a->error.account, af_str(f->session == c->source ? c->facts.source_account : c->facts.target_account));
  if (borrowed && af_exposure_read(e, c, f->ref.step, &x)) borrowed = false;
  if (e->rc) return;
  af_step_context(e, c, f->ref.step, borrowed ? &x : NULL, &ctx);
  af_outcome_init(&out);
  int rc = af_step_kind(c->steps[f->ref.step].kind)->answer(&ctx, f->op, a, &out);
  count(e, c, live, f->op, a);
  if (out.unseen && !live->gone_ms) live->gone_ms = live->asked_ms;
  else if (!out.unseen && f->op->mutates && (!a->rc || af_says_gone(&a->error))) live->gone_ms = 0; /* the next removal is of something else */
  if (out.kind == AF_OUT_DEFAULT) take_data(live, &out);
  if (rc) af_engine_fail(e, rc, NULL);
  else if (out.kind != AF_OUT_DEFAULT) af_apply_outcome(e, c, f->ref.step, f->op, a->request_id, &out);
  else if (a->rc) af_apply_error(e, c, f->ref.step, f->op, a, af_repeat_delay_ms(e, c, a, ++live->repeats, &live->cost));
  else senseless(e, c, f->ref.step, f->op, a);
  af_outcome_done(&out);
  af_exposure_row_done(&x);
}

/* Another page of this answer is on its way: what it is for goes on with it. */
static bool next_page(struct af_engine *e, struct af_flight *f, struct af_answer *a) {
  json_t *input;
  int rc = af_pages_take(&f->pages, f->input, a, &input);
  if (rc) af_engine_fail(e, rc, NULL);
  if (!input) return false;
  struct af_flight old = *f; /* f may move when a flight is added */
  struct af_flight *more = af_flight_new(e, old.kind, old.op, old.session, old.region, input);
  if (!more) return false;
  more->ref = old.ref;
  more->refs = old.refs;
  more->n_refs = old.n_refs;
  more->pages = json_incref(old.pages);
  more->question = json_incref(old.question ? old.question : old.input);
  return true;
}

void af_take_answer(struct af_engine *e, struct af_answer *a) {
  if (a->tag >= e->n_flights || !e->flights[a->tag].used) return;
  size_t slot = (size_t)a->tag;
  if (next_page(e, &e->flights[slot], a)) {
    e->flights[slot].refs = NULL; /* they went on with the next page */
  } else if (!e->rc) {
    struct af_flight f = e->flights[slot]; /* what an answer leads to may add flights, and move the table */
    if (f.kind == AF_FLIGHT_STEP) step_answer(e, &f, a);
    else if (f.kind == AF_FLIGHT_POLL) af_poll_answer(e, &f, a);
    else if (f.kind == AF_FLIGHT_PROGRESS) af_progress_answer(e, &f, a);
    else if (f.kind == AF_FLIGHT_ACCOUNT) af_accounts_answer(e, &f, a);
    else af_inspect_answer(e, f.ref.copy, &f, a);
  }
  af_flight_done(&e->flights[slot]);
}
