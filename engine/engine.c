/* The loop: answers in, decisions, one commit, calls out (design section 3, rule 7). */
#include "engine/engine.h"

#include <stdlib.h>

#include "engine/internal.h"

#define TICK_MS 250 /* how often a program that shows progress is called while nothing happens */
#define IDLE_MS 60000

int af_engine_new(struct af_engine **ret, const struct af_engine_config *config, struct af_error *err) {
  int rc = af_machine_check(err);
  if (rc) return rc;
  struct af_engine *e = calloc(1, sizeof(*e));
  if (!e) return af_error_nomem(err);
  e->config = *config;
  e->begun_ms = af_now_ms(config->clock);
  if (!e->config.poll_min_ms) e->config.poll_min_ms = 15000;
  if (!e->config.poll_max_ms) e->config.poll_max_ms = 60000;
  if (e->config.poll_max_ms < e->config.poll_min_ms) e->config.poll_max_ms = e->config.poll_min_ms;
  if (!e->config.window_ms) e->config.window_ms = 60000;
  if (!e->config.patience_ms) e->config.patience_ms = 300000;
  e->shared_reads = json_object();
  if (!e->shared_reads || af_budgets_new(&e->budgets)) {
    af_engine_free(e);
    return af_error_nomem(err);
  }
  rc = af_past_read(e, err);
  if (rc) af_engine_free(e);
  else *ret = e;
  return rc;
}

static void drop_events(struct af_engine *e) {
  for (size_t i = 0; i < e->n_events; i++) af_event_row_done(&e->events[i].row);
  e->n_events = 0;
}

void af_engine_free(struct af_engine *e) {
  if (!e) return;
  for (size_t i = 0; i < e->n_copies; i++) af_live_copy_free(e->copies[i]);
  af_others_free(e);
  for (size_t i = 0; i < e->n_flights; i++) af_flight_done(&e->flights[i]);
  drop_events(e);
  free(e->events);
  free(e->copies);
  free(e->flights);
  free(e->outbox);
  json_decref(e->shared_reads);
  af_recent_free(e);
  af_budgets_free(e->budgets);
  free(e);
}

static bool stopping(const struct af_engine *e) {
  return e->config.stop && *e->config.stop;
}

static void collect(struct af_engine *e) {
  struct af_answer a;
  while (!e->rc && af_aws_next(e->config.aws, &a)) {
    af_take_answer(e, &a);
    af_answer_done(&a);
  }
}

/* The largest first: what takes longest begins earliest (design section 9). */
static int by_bytes(const void *a, const void *b, void *engine) {
  const struct af_engine *e = engine;
  int64_t x = e->copies[*(const size_t *)a]->row.bytes, y = e->copies[*(const size_t *)b]->row.bytes;
  return x < y ? 1 : x > y ? -1 : 0;
}

static int decide(struct af_engine *e) {
  size_t *due = malloc((e->n_copies ? e->n_copies : 1) * sizeof(*due)), n = 0;
  int64_t now = af_now_ms(e->config.clock);
  if (!due) return af_engine_fail(e, -AF_ENOMEM, NULL);
  for (size_t i = 0; i < e->n_copies; i++)
    if (!af_copy_state_ended(e->copies[i]->row.state) && e->copies[i]->wake_ms <= now) due[n++] = i;
  qsort_r(due, n, sizeof(*due), by_bytes, e);
  for (size_t i = 0; i < n && !e->rc; i++) af_advance_copy(e, due[i]);
  free(due);
  return e->rc;
}

static void tell(struct af_engine *e) {
  for (size_t i = 0; i < e->n_events; i++) {
    struct af_pending_event *ev = &e->events[i];
    struct af_step_row step = {0};
    if (ev->step != SIZE_MAX) step = ev->copy->steps[ev->step];
    step.face = ev->then.face;
    step.state = ev->then.state;
    step.attempts = ev->then.attempts;
    e->config.on_event(e->config.ctx, &ev->copy->row, ev->step == SIZE_MAX ? NULL : &step, &ev->row);
  }
  drop_events(e);
  if (e->config.on_turn) e->config.on_turn(e->config.ctx);
}

/* What was decided is committed by now. A call that can't even be sent has its answer at once. */
static void send_out(struct af_engine *e) {
  size_t n = e->n_outbox;
  size_t *list = e->outbox;
  e->outbox = NULL; /* answers may decide new calls: these wait for their own commit */
  e->n_outbox = e->outbox_size = 0;
  for (size_t i = 0; i < n; i++) {
    const struct af_flight *f = &e->flights[list[i]];
    struct af_call call = {.op = f->op, .session = f->session, .region = f->region, .input = f->input, .tag = list[i]};
    struct af_answer a = {.tag = list[i], .retry_after_ms = -1};
    a.rc = af_aws_send(e->config.aws, &call, &a.error);
    if (!a.rc) continue;
    af_take_answer(e, &a);
    af_answer_done(&a);
  }
  free(list);
}

static bool changes_in_flight(const struct af_engine *e) {
  for (size_t i = 0; i < e->n_flights; i++)
    if (e->flights[i].used && e->flights[i].op->mutates) return true;
  return false;
}

static bool all_rest(const struct af_engine *e) {
  for (size_t i = 0; i < e->n_copies; i++) {
    enum af_copy_state s = e->copies[i]->row.state;
    if (!af_copy_state_ended(s) && s != AF_COPY_BLOCKED) return false;
  }
  return true;
}

/* How long until something is due; AF_EINVAL-free: a loop that nothing would ever wake is a fault, and said so. */
static int64_t until_due(const struct af_engine *e) {
  int64_t wake = INT64_MAX, now = af_now_ms(e->config.clock);
  if (af_store_dirty(e->config.store)) return 0; /* a call that couldn't even be sent has moved something since the commit */
  for (size_t i = 0; i < e->n_copies; i++)
    if (!af_copy_state_ended(e->copies[i]->row.state) && e->copies[i]->wake_ms < wake) wake = e->copies[i]->wake_ms;
  if (wake == INT64_MAX) return af_engine_in_flight(e) ? IDLE_MS : -1;
  if (wake <= now) return 0;
  return wake - now < IDLE_MS ? wake - now : IDLE_MS;
}

static int rest(struct af_engine *e) {
  int64_t ms = until_due(e);
  if (ms < 0) {
    struct af_error err;
    af_error_set(&err, -AF_EINVAL, AF_CLASS_INTERNAL, "NothingToWaitFor", "copies are unfinished, but nothing would move them on");
    return af_engine_fail(e, -AF_EINVAL, &err);
  }
  if (stopping(e)) ms = TICK_MS;
  if (ms > TICK_MS && (e->config.on_turn || e->config.stop)) ms = TICK_MS;
  return af_aws_wait(e->config.aws, ms);
}

/* One turn. Sets *ret_over when the run is over. */
static int turn(struct af_engine *e, bool *ret_over) {
  struct af_error err;
  bool stop = stopping(e);
  collect(e);
  if (!e->rc && !stop) decide(e);
  if (e->rc) return e->rc;
  int rc = af_store_commit(e->config.store, &err);
  if (rc) return af_engine_fail(e, rc, &err);
  tell(e);
  *ret_over = all_rest(e) && !changes_in_flight(e);
  if (*ret_over) return 0;
  if (stop && !changes_in_flight(e)) {
    *ret_over = true;
    return -AF_ECANCELED;
  }
  if (!stop) send_out(e);
  return e->rc ? e->rc : rest(e);
}

int af_engine_run(struct af_engine *e, struct af_error *err) {
  bool over = false;
  int rc = af_recent_read(e);
  while (!over && !rc) rc = turn(e, &over);
  if (e->rc) *err = e->failure;
  else if (rc == -AF_ECANCELED) af_error_set(err, rc, AF_CLASS_CANCELLED, "Interrupted", "stopped at a safe point");
  else if (rc) af_error_set(err, rc, AF_CLASS_INTERNAL, "Transport", "waiting for AWS failed");
  return rc;
}

size_t af_engine_count(const struct af_engine *e) {
  return e->n_copies;
}

size_t af_engine_in_flight(const struct af_engine *e) {
  size_t n = 0;
  for (size_t i = 0; i < e->n_flights; i++) n += e->flights[i].used;
  return n;
}
