/* A copy's way from waiting to working: its facts are read, its route chosen, its steps written down. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/internal.h"
#include "engine/routes.h"

#define GLANCE_MS 20  /* how soon to look again at a read that another copy makes */
#define TWIN_MS 5000  /* how soon to look again whether the copy that makes the same has ended */
#define LOOKS 8       /* how often the window is looked through for what an earlier run did */

static struct af_session *session_of(const struct af_live_copy *c, enum af_side side) {
  return side == AF_SOURCE ? c->source : c->target;
}

/* Reads that hold for many copies are made once a run: keyed by who asks, where, and what. The caller frees. */
static char *shared_key(const struct af_session *session, const char *region, const struct af_op *op, const json_t *input) {
  struct af_buf b;
  char *text = af_json_dumps(input, JSON_COMPACT | JSON_SORT_KEYS);
  if (!text) return NULL;
  af_buf_init(&b, 16 * 1024);
  af_buf_printf(&b, "%p %s %s %s", (const void *)session, region, op->label, text);
  free(text);
  return af_buf_steal(&b);
}

static void stop_inspecting(struct af_engine *e, struct af_live_copy *c) {
  af_inspection_free(c->inspection);
  c->inspection = NULL;
  e->inspecting--;
}

bool af_error_blocks(const struct af_error *err) {
  return err->class == AF_CLASS_AUTH || err->class == AF_CLASS_TRANSIENT || err->class == AF_CLASS_THROTTLED ||
         err->class == AF_CLASS_CAPACITY;
}

static void refuse(struct af_engine *e, struct af_live_copy *c, const struct af_error *err) {
  stop_inspecting(e, c);
  if (c->row.cancel_requested) return; /* it is cancelled when it is looked at next */
  c->row.resume_state = AF_COPY_INSPECTING;
  af_record_copy(e, c, af_error_blocks(err) ? AF_COPY_BLOCKED : AF_COPY_FAILED,
                 &(struct af_note){.kind = "state", .message = err->message, .error = err, .request_id = err->request_id});
}

static int write_facts(struct af_engine *e, struct af_live_copy *c) {
  json_t *json = NULL;
  struct af_error err;
  int rc = af_facts_to_json(&c->facts, &json);
  char *text = rc ? NULL : af_json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
  json_decref(json);
  if (!text) return af_engine_fail(e, -AF_ENOMEM, NULL);
  c->row.bytes = af_facts_bytes(&c->facts);
  struct af_event_row ev = {.kind = "facts", .step = -1};
  rc = af_store_facts_put(e->config.store, &c->row, text, &ev, &err);
  free(text);
  return rc ? af_engine_fail(e, rc, &err) : 0;
}

static int write_steps(struct af_engine *e, struct af_live_copy *c) {
  struct af_step_row *steps = NULL;
  size_t n = 0;
  struct af_error err;
  int rc = af_route_steps(&c->row, &c->spec, &c->facts, &c->decision, c->next_ordinal, &steps, &n);
  if (!rc) rc = af_live_copy_steps(c, steps, n);
  if (rc) return af_engine_fail(e, rc, NULL);
  for (size_t i = 0; i < n; i++) {
    struct af_event_row ev = {.kind = "planned", .step = steps[i].ordinal, .message = *steps[i].item ? steps[i].item : NULL};
    rc = af_store_step_insert(e->config.store, &c->row, &steps[i], &ev, &err);
    if (rc) return af_engine_fail(e, rc, &err);
    c->next_ordinal = steps[i].ordinal + 1;
  }
  return 0;
}

/* Everything is read again in a while. */
static void doubt(struct af_engine *e, struct af_live_copy *c, int64_t until) {
  int64_t again = af_now_ms(e->config.clock) + e->config.window_ms / LOOKS;
  stop_inspecting(e, c);
  AF_COPY(c->waits, af_str("AWS to show what an earlier run did"));
  c->wake_ms = again < until ? again : until;
}

static void wait_for_twin(struct af_engine *e, struct af_live_copy *c, const struct af_live_copy *twin) {
  stop_inspecting(e, c);
  c->twin = twin;
  snprintf(c->waits, sizeof(c->waits), "copy %s, which makes an AMI under the same name", twin->row.id);
  c->wake_ms = af_now_ms(e->config.clock) + TWIN_MS;
}

static void refuse_twin(struct af_engine *e, struct af_live_copy *c, const struct af_live_copy *twin) {
  struct af_error err;
  af_error_set(&err, -AF_EEXIST, AF_CLASS_AUTH, "CopyUnderWay", "copy %s of batch %s makes an AMI under the same name, and is not finished",
               twin->row.id, twin->row.batch_id);
  AF_COPY(err.resource, af_str(c->spec.image));
  af_error_hint(&err, "finish or cancel that one first, then retry this copy: amiferry resume %s", twin->row.batch_id);
  refuse(e, c, &err);
}

static void choose_route(struct af_engine *e, struct af_live_copy *c) {
  struct af_facts *facts = af_inspection_facts(c->inspection);
  af_facts_done(&c->facts);
  c->facts = *facts;
  af_facts_init(facts);
  c->has_facts = c->at_home = true;
  int rc = af_copy_decide(c);
  if (rc) {
    af_engine_fail(e, rc, NULL);
    return;
  }
  int64_t until = af_recent_doubt(e, c);
  const struct af_live_copy *twin = until ? NULL : af_twin(e, c);
  if (until) doubt(e, c, until);
  else if (twin && af_twin_is_under_way(e, twin)) wait_for_twin(e, c, twin);
  if (!c->inspection || e->rc || write_facts(e, c)) return;
  if (twin) {
    refuse_twin(e, c, twin);
    return;
  }
  if (c->decision.route == AF_ROUTE_NONE) {
    refuse(e, c, &c->decision.refusal);
    return;
  }
  stop_inspecting(e, c);
  if (af_row_set(&c->row.route, af_route_name(c->decision.route)) || af_row_set(&c->row.reason, c->decision.reason))
    af_engine_fail(e, -AF_ENOMEM, NULL);
  else if (!write_steps(e, c)) af_record_copy(e, c, AF_COPY_WORKING, &(struct af_note){.kind = "route", .message = c->decision.reason});
}

/* Where it happened, as far as the error itself doesn't say. */
static void fill_error(const struct af_live_copy *c, const struct af_ask *ask, const struct af_answer *a, struct af_error *err) {
  const struct af_facts *facts = af_inspection_facts(c->inspection);
  if (!*err->action) AF_COPY(err->action, af_str(ask->op->label));
  if (!*err->region) AF_COPY(err->region, af_str(ask->region));
  if (!*err->account) AF_COPY(err->account, af_str(ask->side == AF_SOURCE ? facts->source_account : facts->target_account));
  if (!*err->request_id) AF_COPY(err->request_id, af_str(a->request_id));
  if (!*err->resource) AF_COPY(err->resource, af_str(c->spec.image));
}

static void take(struct af_engine *e, struct af_live_copy *c, const struct af_ask *asked, struct af_answer *a) {
  struct af_error err;
  int64_t now = af_now_ms(e->config.clock);
  int rc = af_inspection_answer(c->inspection, a, &err);
  c->wake_ms = 0;
  if (!rc) {
    c->inspect_repeats = c->inspect_expired = 0;
    c->inspect_since_ms = now;
    c->waits[0] = '\0';
    return;
  }
  if (af_error_is_memory(&err)) {
    af_engine_fail(e, -AF_ENOMEM, &err);
    return;
  }
  bool expired = af_is_expired_credentials(err.code) && ++c->inspect_expired < AF_EXPIRED_MOST;
  bool again = err.class == AF_CLASS_TRANSIENT || err.class == AF_CLASS_THROTTLED || err.class == AF_CLASS_CAPACITY || expired;
  fill_error(c, asked, a, &err);
  int64_t until = err.class == AF_CLASS_NOT_YET_VISIBLE ? af_recent_unseen(e, c) : 0;
  if (until) {
    doubt(e, c, until);
    return;
  }
  c->inspect_repeats++;
  if (!again || (now >= c->inspect_since_ms + e->config.patience_ms && c->inspect_repeats >= AF_TRIES_LEAST)) {
    if (again && !*err.hint)
      af_error_hint(&err, "it was asked for %lld minutes, and never answered otherwise: retry when AWS is well again",
                    (long long)((now - c->inspect_since_ms) / 60000));
    if (!e->rc) refuse(e, c, &err);
    return;
  }
  char text[sizeof(err.code) + sizeof(err.message) + 2];
  snprintf(text, sizeof(text), "%s: %s", err.code, err.message);
  AF_COPY(c->waits, af_str(text));
  c->wake_ms = now + af_retry_delay_ms(expired ? AF_CLASS_TRANSIENT : err.class, c->inspect_repeats, a->retry_after_ms, e->config.random);
}

enum shared { SHARED_ASK, SHARED_TAKEN, SHARED_WAIT };

/* Takes what another copy has read; waits while another is reading it (null stands for that); otherwise this copy reads for all. */
static enum shared take_shared(struct af_engine *e, struct af_live_copy *c, const struct af_ask *ask) {
  if (!af_inspection_shared(ask->op)) return SHARED_ASK;
  char *key = shared_key(session_of(c, ask->side), ask->region, ask->op, ask->input);
  json_t *output = key ? json_object_get(e->shared_reads, key) : NULL;
  if (key && !output) json_object_set_new(e->shared_reads, key, json_null());
  free(key);
  if (!output) return SHARED_ASK;
  if (json_is_null(output)) return SHARED_WAIT;
  struct af_answer a = {.output = output, .retry_after_ms = -1};
  take(e, c, ask, &a);
  return SHARED_TAKEN;
}

static void keep_shared(struct af_engine *e, const struct af_flight *f, const struct af_answer *a) {
  if (!af_inspection_shared(f->op)) return;
  char *key = shared_key(f->session, f->region, f->op, f->question ? f->question : f->input); /* that is what the others wait for */
  if (key && a->rc) json_object_del(e->shared_reads, key); /* the next one asks for itself */
  else if (!key || json_object_set(e->shared_reads, key, a->output)) af_engine_fail(e, -AF_ENOMEM, NULL); /* the others would wait for ever */
  free(key);
}

/* Returns how long to wait where it can't be sent yet, for want of budget. */
static int64_t send_read(struct af_engine *e, size_t copy, struct af_ask *next) {
  struct af_live_copy *c = e->copies[copy];
  struct af_session *session = session_of(c, next->side);
  int64_t now = af_now_ms(e->config.clock), pace = af_budget_take(e->budgets, session, next->region, next->op, now);
  struct af_flight *f = pace ? NULL : af_flight_new(e, AF_FLIGHT_INSPECT, next->op, session, next->region, json_incref(next->input));
  if (f) f->ref.copy = copy;
  c->inspect_busy = f != NULL;
  return pace;
}

/* It wasn't sent after all. */
static void forget_shared(struct af_engine *e, const struct af_live_copy *c, const struct af_ask *ask) {
  char *key = shared_key(session_of(c, ask->side), ask->region, ask->op, ask->input);
  if (key) json_object_del(e->shared_reads, key);
  else af_engine_fail(e, -AF_ENOMEM, NULL);
  free(key);
}

/* Asks until a call has to be waited for. */
static void ask(struct af_engine *e, size_t copy) {
  struct af_live_copy *c = e->copies[copy];
  while (c->inspection && !c->inspect_busy && !e->rc) {
    struct af_ask next = {0};
    int64_t wait = 0, now = af_now_ms(e->config.clock);
    int rc = af_inspection_ask(c->inspection, &next);
    enum shared shared = rc || !next.op ? SHARED_TAKEN : take_shared(e, c, &next);
    if (rc) af_engine_fail(e, rc, NULL);
    else if (!next.op) choose_route(e, c);
    else if (shared == SHARED_WAIT) wait = GLANCE_MS, c->inspect_since_ms = now; /* it asks nothing, and so nothing in vain */
    else if (shared == SHARED_ASK) wait = send_read(e, copy, &next);
    if (shared == SHARED_ASK && wait) forget_shared(e, c, &next);
    if (wait || c->inspect_busy) c->wake_ms = wait ? now + wait : INT64_MAX;
    af_ask_done(&next);
    if (wait) return;
  }
}

static bool begin(struct af_engine *e, struct af_live_copy *c) {
  int64_t now = af_now_ms(e->config.clock);
  if (e->inspecting >= AF_INSPECT_AT_ONCE) {
    c->wake_ms = now + 100;
    AF_COPY(c->waits, af_str("its turn"));
    return false;
  }
  if (c->row.state == AF_COPY_WAITING && af_record_copy(e, c, AF_COPY_INSPECTING, &(struct af_note){.kind = "state"})) return false;
  json_decref(c->tried);
  c->tried = NULL;
  int rc = af_copy_tried(c, &c->tried);
  struct af_inspected who = {.spec = &c->spec, .copy_id = c->row.id, .begun_ms = c->row.created_ms, .tried = c->tried};
  if (!rc) rc = af_inspection_new(&c->inspection, &who);
  if (rc) return af_engine_fail(e, rc, NULL) == 0;
  e->inspecting++;
  c->inspect_begun_ms = c->inspect_since_ms = now;
  c->inspect_repeats = c->inspect_expired = 0;
  c->waits[0] = '\0';
  return true;
}

void af_inspect_advance(struct af_engine *e, size_t copy) {
  struct af_live_copy *c = e->copies[copy];
  if (c->inspect_busy) {
    c->wake_ms = INT64_MAX; /* a person may have woken it, but only the answer moves it on */
    return;
  }
  if (c->row.cancel_requested) {
    if (c->inspection) stop_inspecting(e, c);
    af_record_copy(e, c, AF_COPY_CANCELLED, &(struct af_note){.kind = "state", .message = "cancelled before anything was made"});
    return;
  }
  if (c->twin && af_twin_is_under_way(e, c->twin)) {
    c->wake_ms = af_now_ms(e->config.clock) + TWIN_MS;
    return;
  }
  c->twin = NULL;
  if (!c->inspection && !begin(e, c)) return;
  ask(e, copy);
}

void af_inspect_answer(struct af_engine *e, size_t copy, const struct af_flight *f, struct af_answer *a) {
  struct af_live_copy *c = e->copies[copy];
  c->inspect_busy = false;
  if (!c->inspection) return;
  keep_shared(e, f, a);
  struct af_ask asked = {.op = f->op, .side = f->session == c->source ? AF_SOURCE : AF_TARGET, .region = f->region};
  take(e, c, &asked, a);
}
