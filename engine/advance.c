/* Decides and prepares: carries the machine's actions out as far as the commit. Calls that come of it wait in the outbox. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/internal.h"

#define ACTIONS_MAX 64
#define ROUNDS_MAX 16  /* moves of one copy in one turn */
#define GLANCE_MS 1000 /* how soon to look again at what another copy decides: a slot, an exposure */

struct af_at af_step_at(const struct af_live_copy *c, size_t step) {
  enum af_where where = af_step_traits(c->steps[step].kind)->where;
  return (struct af_at){.session = where == AF_AT_SOURCE ? c->source : c->target,
                        .account = where == AF_AT_SOURCE ? c->facts.source_account : c->facts.target_account,
                        .region = where == AF_AT_TARGET ? c->spec.target.region : c->spec.source.region};
}

static size_t step_of_kind(const struct af_live_copy *c, const char *kind) {
  size_t i = 0;
  while (i < c->n_steps && !af_streq(c->steps[i].kind, kind)) i++;
  return i;
}

static const char *made_by(const struct af_live_copy *c, const char *kind) {
  size_t i = step_of_kind(c, kind);
  return i < c->n_steps ? c->steps[i].resource : NULL;
}

/* What was made on the way stands for the source AMI: a bridge for all that follows, the instance's image for the copy of it. */
static const char *source_image(const struct af_live_copy *c, size_t step) {
  const char *hop = af_streq(c->steps[step].kind, "copy-image") ? made_by(c, "create-hop-image") : NULL;
  const char *bridge = af_streq(c->steps[step].kind, "bridge-image") ? NULL : made_by(c, "bridge-image");
  return hop ? hop : bridge ? bridge : c->spec.image;
}

const char *af_step_subject(const struct af_live_copy *c, size_t step) {
  const char *item = c->steps[step].item;
  size_t bridge = step_of_kind(c, "bridge-image");
  const char *instead =
      bridge < c->n_steps ? json_string_value(json_object_get(json_object_get(c->live[bridge].data, "snapshots"), item)) : NULL;
  return !*item ? source_image(c, step) : instead ? instead : item;
}

void af_step_context(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_exposure_row *exposure,
                     struct af_step_ctx *ret) {
  *ret = (struct af_step_ctx){.copy = &c->row,
                              .spec = &c->spec,
                              .facts = &c->facts,
                              .decision = &c->decision,
                              .steps = c->steps,
                              .n_steps = c->n_steps,
                              .step = &c->steps[step],
                              .data = c->live[step].data,
                              .source_image = source_image(c, step),
                              .subject = af_step_subject(c, step),
                              .exposure = exposure,
                              .scratch = &c->live[step].scratch,
                              .now_ms = af_now_ms(e->config.clock),
                              .gone_ms = c->live[step].gone_ms,
                              .asked_ms = c->live[step].asked_ms,
                              .window_ms = e->config.window_ms};
}

static int outbox_add(struct af_engine *e, size_t flight) {
  if (e->n_outbox == e->outbox_size) {
    size_t size = e->outbox_size ? e->outbox_size * 2 : 64;
    size_t *list = realloc(e->outbox, size * sizeof(*list));
    if (!list) return -AF_ENOMEM;
    e->outbox = list;
    e->outbox_size = size;
  }
  e->outbox[e->n_outbox++] = flight;
  return 0;
}

static size_t free_flight(struct af_engine *e) {
  for (size_t i = 0; i < e->n_flights; i++)
    if (!e->flights[i].used) return i;
  size_t n = e->n_flights ? e->n_flights * 2 : 64;
  struct af_flight *list = realloc(e->flights, n * sizeof(*list));
  if (!list) return SIZE_MAX;
  memset(list + e->n_flights, 0, (n - e->n_flights) * sizeof(*list));
  e->flights = list;
  size_t first = e->n_flights;
  e->n_flights = n;
  return first;
}

struct af_flight *af_flight_new(struct af_engine *e, enum af_flight_kind kind, const struct af_op *op, struct af_session *session,
                                const char *region, json_t *input) {
  size_t i = free_flight(e);
  if (i == SIZE_MAX || outbox_add(e, i)) {
    json_decref(input);
    af_engine_fail(e, -AF_ENOMEM, NULL);
    return NULL;
  }
  struct af_flight *f = &e->flights[i];
  *f = (struct af_flight){.used = true, .kind = kind, .op = op, .session = session, .input = input};
  AF_COPY(f->region, af_str(region));
  return f;
}

void af_flight_done(struct af_flight *f) {
  json_decref(f->input);
  json_decref(f->pages);
  json_decref(f->question);
  free(f->refs);
  *f = (struct af_flight){0};
}

/* In memory only: after a crash it is simply looked at again. */
static bool wait_for(struct af_live_copy *c, size_t step, int64_t until_ms, const char *why) {
  c->steps[step].next_ms = until_ms;
  AF_COPY(c->live[step].waits, af_str(why));
  return false;
}

static bool turn_step_round(struct af_engine *e, struct af_live_copy *c, size_t step) {
  struct af_step_row *s = &c->steps[step];
  s->face = AF_FACE_UNDO;
  s->attempts = 0;
  s->started_ms = 0;
  s->next_ms = 0;
  c->live[step].repeats = c->live[step].expired = 0;
  c->live[step].hidden_ms = c->live[step].gone_ms = 0;
  c->live[step].refused = NULL;
  c->live[step].waits[0] = '\0';
  af_record_step(e, c, step, AF_STEP_IDLE, &(struct af_note){.kind = "undo"});
  return true;
}

/* What can't be done is undone. What can't be undone is left to a person, and so is what stays in doubt for as long again as undoing may take:
 * it may have been done, and mustn't be given up. */
static bool past_limit(struct af_engine *e, struct af_live_copy *c, size_t step) {
  const struct af_step_row *s = &c->steps[step];
  const struct af_step_traits *t = af_step_traits(s->kind);
  bool undo = s->face == AF_FACE_UNDO, doubt = !undo && s->state == AF_STEP_AMBIGUOUS;
  int64_t limit_ms = undo ? t->undo_limit_ms : doubt ? t->limit_ms + t->undo_limit_ms : t->limit_ms;
  if (!s->started_ms || af_now_ms(e->config.clock) < s->started_ms + limit_ms) return false;
  struct af_at at = af_step_at(c, step);
  char span[AF_TIME_SIZE];
  struct af_outcome out;
  af_time_span(limit_ms, span);
  af_outcome_init(&out);
  af_outcome_fail(&out, undo || doubt ? AF_CLASS_AUTH : AF_CLASS_REFUSED, "TimeLimit", s->resource ? s->resource : af_step_subject(c, step),
                  "%s%s took longer than %s%s%s", undo ? "taking back what came of " : doubt ? "finding out what came of " : "", t->title, span,
                  *c->live[step].waits ? "; last: " : "", c->live[step].waits);
  if (undo || doubt) af_error_hint(&out.error, "see in account %s, %s what is wrong, then: amiferry retry %s", at.account, at.region, c->row.id);
  else af_error_hint(&out.error, "look at it in account %s; when it is put right, run the manifest again", at.account);
  af_apply_outcome(e, c, step, NULL, NULL, &out);
  af_outcome_done(&out);
  return true;
}

/* A slot is taken by the call that makes something, and kept while AWS is at it. */
static bool slot_free(struct af_engine *e, struct af_live_copy *c, size_t step) {
  const struct af_step_traits *t = af_step_traits(c->steps[step].kind);
  struct af_live_step *live = &c->live[step];
  bool makes = c->steps[step].face == AF_FACE_DO && c->steps[step].state == AF_STEP_IDLE && json_object_size(live->data) == 0;
  if (!t->quota || !makes || live->slot) return true;
  struct af_at at = af_step_at(c, step);
  live->slot = af_slot_take(e->budgets, at.session, at.region, t->quota);
  return live->slot;
}

/* The contract: an intent is committed before its call; a step whose last intent is unresolved sends nothing that isn't harmless to repeat.
 */
static bool prepare_change(struct af_engine *e, size_t copy, size_t step, struct af_ask *ask, struct af_session *session) {
  struct af_live_copy *c = e->copies[copy];
  struct af_step_row *s = &c->steps[step];
  if (!ask->op->repeatable && (s->state == AF_STEP_AMBIGUOUS || s->resource)) {
    struct af_error err;
    af_error_set(&err, -AF_EINVAL, AF_CLASS_INTERNAL, "UnresolvedIntent",
                 "%s of copy %s would send %s again before the last one is resolved", s->kind, c->row.id, ask->op->label);
    af_engine_fail(e, -AF_EINVAL, &err);
    return false;
  }
  s->attempts++;
  c->live[step].unresolved = s->state == AF_STEP_AMBIGUOUS;
  if (af_step_traits(s->kind)->exposure && af_exposure_intended(e, c, step)) return false;
  if (af_record_step(e, c, step, AF_STEP_INTENDED, &(struct af_note){.kind = "intent", .op = ask->op})) return false;
  struct af_flight *f = af_flight_new(e, AF_FLIGHT_STEP, ask->op, session, ask->region, json_incref(ask->input));
  if (f) f->ref = (struct af_target_ref){copy, step};
  return false; /* the answer moves it on */
}

static bool prepare_read(struct af_engine *e, size_t copy, size_t step, struct af_ask *ask, struct af_session *session) {
  struct af_flight *f = af_flight_new(e, AF_FLIGHT_STEP, ask->op, session, ask->region, json_incref(ask->input));
  if (f) f->ref = (struct af_target_ref){copy, step};
  e->copies[copy]->live[step].busy = true;
  return false;
}

static bool send_ask(struct af_engine *e, size_t copy, size_t step, struct af_ask *ask) {
  struct af_live_copy *c = e->copies[copy];
  struct af_session *session = ask->side == AF_SOURCE ? c->source : c->target;
  int64_t now = af_now_ms(e->config.clock);
  int64_t pace = af_budget_take(e->budgets, session, ask->region, ask->op, now);
  if (pace > 0) return wait_for(c, step, now + pace, "pacing calls below AWS's limit");
  c->live[step].waits[0] = '\0';
  c->live[step].asked_ms = now;
  if (!c->steps[step].started_ms) c->steps[step].started_ms = now; /* who waits for his turn hasn't begun */
  return ask->op->mutates ? prepare_change(e, copy, step, ask, session) : prepare_read(e, copy, step, ask, session);
}

static int ask_kind(struct af_engine *e, struct af_live_copy *c, size_t step, struct af_step_ctx *ctx, struct af_ask *ask,
                    struct af_outcome *out) {
  struct af_exposure_row *beside = NULL;
  bool writes = af_step_traits(c->steps[step].kind)->document && c->live[step].scratch;
  int rc = writes ? af_exposure_beside(e, c, step, &beside, &ctx->n_beside) : 0;
  ctx->beside = beside;
  if (!rc) rc = af_step_kind(c->steps[step].kind)->ask(ctx, ask, out);
  for (size_t i = 0; i < ctx->n_beside; i++) af_exposure_row_done(&beside[i]);
  free(beside);
  return rc;
}

static bool ask_step(struct af_engine *e, size_t copy, size_t step, const struct af_exposure_row *exposure) {
  struct af_live_copy *c = e->copies[copy];
  struct af_step_ctx ctx;
  struct af_ask ask = {0};
  struct af_outcome out;
  bool moved = false;
  if (!slot_free(e, c, step)) {
    c->steps[step].started_ms = 0; /* its time runs once it has its turn */
    return wait_for(c, step, af_now_ms(e->config.clock) + GLANCE_MS, "as many copies as AWS allows are under way");
  }
  af_step_context(e, c, step, exposure, &ctx);
  af_outcome_init(&out);
  int rc = ask_kind(e, c, step, &ctx, &ask, &out);
  if (rc) {
    af_engine_fail(e, rc, NULL);
  } else if (!ask.op) {
    af_apply_outcome(e, c, step, NULL, NULL, &out);
    moved = true;
  } else {
    moved = send_ask(e, copy, step, &ask);
  }
  if (c->steps[step].state == AF_STEP_IDLE) af_step_give_slot(e, c, step); /* it wasn't sent after all */
  af_ask_done(&ask);
  af_outcome_done(&out);
  return moved;
}

static bool step_through_gate(struct af_engine *e, size_t copy, size_t step) {
  struct af_live_copy *c = e->copies[copy];
  struct af_exposure_row x = {0};
  enum af_gate gate = AF_GATE_WAIT;
  bool moved = false;
  int rc = af_exposure_gate(e, c, step, &x, &gate);
  if (!rc && gate == AF_GATE_GO) {
    moved = ask_step(e, copy, step, &x);
  } else if (!rc && gate != AF_GATE_DONE) {
    wait_for(c, step, af_now_ms(e->config.clock) + GLANCE_MS,
             gate == AF_GATE_TURN            ? "another copy is changing the policy of the same bucket"
             : x.state == AF_EXPOSURE_CLOSED ? "until AWS has forgotten the access that was taken back"
                                             : "another copy is opening or closing the same access");
  } else if (!rc) {
    bool opens = c->steps[step].face == AF_FACE_DO;
    json_object_clear(c->live[step].data); /* what it saw when it looked may not be so the next time */
    af_record_step(e, c, step, AF_STEP_DONE,
                   &(struct af_note){.kind = "outcome",
                                     .message = opens ? "open already, by another copy"
                                                      : "nothing of ours to take back, or another copy needs it still"});
    moved = true;
  }
  af_exposure_row_done(&x);
  return moved;
}

static bool act_on_step(struct af_engine *e, size_t copy, size_t step) {
  struct af_live_copy *c = e->copies[copy];
  struct af_step_row *s = &c->steps[step];
  struct af_live_step *live = &c->live[step];
  const struct af_step_traits *t = af_step_traits(s->kind);
  if (live->busy) return false;
  bool undo = c->row.state == AF_COPY_UNDOING && af_goal_undoes(c->row.goal, t);
  if (undo && s->face == AF_FACE_DO && s->state != AF_STEP_AMBIGUOUS) return turn_step_round(e, c, step);
  if (past_limit(e, c, step)) return true;
  if (s->state == AF_STEP_PENDING && af_step_kind(s->kind)->poll != AF_POLL_ASK && json_object_size(live->data) == 0) {
    af_poll_add(e, copy, step);
    return false;
  }
  if (af_streq(s->kind, "finish-image") && af_for_good_waits(e, c, step))
    return wait_for(c, step, af_now_ms(e->config.clock) + GLANCE_MS, "another copy counts on access to this AMI, or takes it back");
  return t->exposure ? step_through_gate(e, copy, step) : ask_step(e, copy, step, NULL);
}

/* All of this rung is undone: what AWS says now is read anew, and the next rung is chosen. Its steps stay in memory until those of the next
 * rung take their place: this turn's events still tell of them. */
static bool go_another_way(struct af_engine *e, struct af_live_copy *c) {
  c->row.goal = AF_GOAL_NONE;
  c->row.rung++;
  if (af_row_set(&c->row.image_id, NULL)) af_engine_fail(e, -AF_ENOMEM, NULL);
  else af_record_copy(e, c, AF_COPY_INSPECTING, &(struct af_note){.kind = "state", .message = "undone; going another way"});
  return false;
}

static bool end_copy(struct af_engine *e, struct af_live_copy *c) {
  static const char *const messages[AF_COPY_STATE_MAX_] = {[AF_COPY_DONE] = "done",
                                                           [AF_COPY_FAILED] = "failed; everything is undone",
                                                           [AF_COPY_CANCELLED] = "cancelled; everything is undone",
                                                           [AF_COPY_BLOCKED] = "blocked: a person is needed"};
  enum af_copy_state to = af_goal_end(c->row.goal);
  if (c->row.goal == AF_GOAL_REROUTE) return go_another_way(e, c);
  struct af_note note = {.kind = "state", .message = messages[to]};
  if ((to == AF_COPY_FAILED || to == AF_COPY_CANCELLED) && af_row_set(&c->row.image_id, NULL)) af_engine_fail(e, -AF_ENOMEM, NULL);
  if (to == AF_COPY_BLOCKED) c->row.resume_state = AF_COPY_WORKING; /* whatever it was blocked in on the way here */
  af_record_copy(e, c, to, &note);
  if (to == AF_COPY_BLOCKED && c->retried && !e->rc) af_unblock(e, c);
  return true;
}

static bool act(struct af_engine *e, size_t copy, const struct af_action *a) {
  switch (a->kind) {
    case AF_ACT_STEP: return act_on_step(e, copy, a->step);
    case AF_ACT_UNDO: af_record_goal(e, e->copies[copy], a->goal, NULL); return true;
    case AF_ACT_END: return end_copy(e, e->copies[copy]);
    default: return false;
  }
}

void af_advance_copy(struct af_engine *e, size_t copy) {
  struct af_live_copy *c = e->copies[copy];
  if (c->row.state == AF_COPY_WAITING || c->row.state == AF_COPY_INSPECTING) {
    af_inspect_advance(e, copy);
    if (c->row.state != AF_COPY_WORKING) return;
  }
  bool live = c->row.state == AF_COPY_WORKING || c->row.state == AF_COPY_UNDOING;
  if (live && !af_accounts_sure(e, copy)) return;
  bool moved = true;
  int64_t now = af_now_ms(e->config.clock); /* one for all rounds: what is due in the last question was acted on in the last round */
  struct af_action actions[ACTIONS_MAX];
  for (int round = 0; moved && round < ROUNDS_MAX && !e->rc; round++) {
    enum af_copy_state before = c->row.state;
    size_t n = af_machine_next(&c->row, c->steps, c->n_steps, now, actions, ACTIONS_MAX, &c->wake_ms);
    moved = false;
    for (size_t i = 0; i < n && !e->rc && c->row.state == before; i++) moved |= act(e, copy, &actions[i]);
  }
  af_machine_next(&c->row, c->steps, c->n_steps, now, actions, ACTIONS_MAX, &c->wake_ms); /* acting made some steps wait */
  if (moved || c->row.state == AF_COPY_INSPECTING) c->wake_ms = 0; /* the rounds ran out, or it goes another way: on in the next turn */
}
