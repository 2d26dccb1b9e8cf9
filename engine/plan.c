/* Planning: the inspection of every copy of a manifest, side by side, with nothing written anywhere. */
#include <stdlib.h>

#include "engine/internal.h"
#include "engine/pages.h"
#include "engine/routes.h"

struct survey { /* one copy's inspection */
  struct af_inspection *inspection;
  struct af_session *source, *target;
  json_t *pages;       /* what earlier pages of the answer brought */
  struct af_ask asked; /* the call in flight; op NULL: none */
  int repeats;
  int64_t due_ms, since_ms;
  bool over;
  struct af_error error; /* why it can't be read; class NONE where it can */
};

static void send_asked(struct af_engine *e, struct survey *s, size_t i) {
  struct af_call call = {.op = s->asked.op,
                         .session = s->asked.side == AF_SOURCE ? s->source : s->target,
                         .region = s->asked.region,
                         .input = s->asked.input,
                         .tag = i};
  if (af_aws_send(e->config.aws, &call, &s->error)) s->over = true; /* this copy can't be asked about; the others can */
}

static int ask(struct af_engine *e, struct survey *s, size_t i) {
  int rc = af_inspection_ask(s->inspection, &s->asked);
  if (!rc && s->asked.op) send_asked(e, s, i);
  else s->over = !rc;
  return rc;
}

static void take(struct af_engine *e, struct survey *s, struct af_answer *a) {
  struct af_error err;
  int64_t now = af_now_ms(e->config.clock);
  json_t *next;
  if (af_pages_take(&s->pages, s->asked.input, a, &next)) af_engine_fail(e, -AF_ENOMEM, NULL);
  if (next) {
    json_decref(s->asked.input);
    s->asked.input = next;
    send_asked(e, s, (size_t)a->tag);
    return;
  }
  json_decref(s->pages);
  s->pages = NULL;
  af_ask_done(&s->asked);
  int rc = af_inspection_answer(s->inspection, a, &err);
  if (!rc) {
    s->repeats = 0;
    s->since_ms = now;
    return;
  }
  bool again = err.class == AF_CLASS_TRANSIENT || err.class == AF_CLASS_THROTTLED || err.class == AF_CLASS_CAPACITY;
  if (again && now < s->since_ms + e->config.patience_ms) {
    s->due_ms = now + af_retry_delay_ms(err.class, ++s->repeats, a->retry_after_ms, e->config.random);
    return;
  }
  s->error = err;
  s->over = true;
}

/* Sends what is due, at most AF_INSPECT_AT_ONCE at a time; returns how long to wait, or -1 where all are over. */
static int64_t round_of_asks(struct af_engine *e, struct survey *list, size_t n) {
  int64_t now = af_now_ms(e->config.clock), wait = 1000;
  size_t busy = 0, open = 0;
  for (size_t i = 0; i < n; i++) {
    struct survey *s = &list[i];
    if (s->over || busy >= AF_INSPECT_AT_ONCE) {
      open += !s->over;
      continue;
    }
    open++;
    if (!s->asked.op && s->due_ms <= now && ask(e, s, i)) return af_engine_fail(e, -AF_ENOMEM, NULL);
    if (s->asked.op) busy++;
    else if (s->due_ms > now && s->due_ms - now < wait) wait = s->due_ms - now;
    else if (s->over) wait = 0;
  }
  return open ? wait : -1;
}

static void report(struct survey *s, size_t i, const struct af_copy_spec *spec, af_planned *found, void *ctx) {
  struct af_decision decision;
  struct af_step_row *steps = NULL;
  size_t n = 0;
  char none[] = "";
  if (s->error.class != AF_CLASS_NONE || *s->error.message) {
    found(ctx, i, spec, NULL, NULL, NULL, 0, &s->error);
    return;
  }
  const struct af_facts *facts = af_inspection_facts(s->inspection);
  af_route_decide(spec, facts, NULL, &decision);
  if (decision.route != AF_ROUTE_NONE && af_route_steps(&(struct af_copy_row){.id = none}, spec, facts, &decision, 0, &steps, &n)) n = 0;
  found(ctx, i, spec, facts, &decision, steps, n, NULL);
  af_step_rows_free(steps, n);
}

static int survey_all(struct af_engine *e, const struct af_manifest *m, struct survey *list, struct af_error *err) {
  for (size_t i = 0; i < m->n; i++) {
    int rc = af_spec_sessions(e, &m->copies[i], &list[i].source, &list[i].target, err);
    if (!rc && af_inspection_new(&list[i].inspection, &m->copies[i])) rc = af_error_nomem(err);
    if (rc) return rc;
    list[i].since_ms = af_now_ms(e->config.clock);
  }
  for (;;) {
    int64_t wait = round_of_asks(e, list, m->n);
    if (e->rc) *err = e->failure;
    if (wait < 0 || e->rc) return e->rc;
    if (e->config.stop && *e->config.stop) return af_error_set(err, -AF_ECANCELED, AF_CLASS_CANCELLED, "Interrupted", "interrupted");
    struct af_answer a;
    af_aws_wait(e->config.aws, wait < 250 ? wait : 250);
    while (af_aws_next(e->config.aws, &a)) {
      take(e, &list[a.tag], &a);
      af_answer_done(&a);
    }
  }
}

int af_engine_plan(struct af_engine *e, const struct af_manifest *m, af_planned *found, void *ctx, struct af_error *err) {
  struct survey *list = calloc(m->n ? m->n : 1, sizeof(*list));
  if (!list) return af_error_nomem(err);
  int rc = survey_all(e, m, list, err);
  for (size_t i = 0; i < m->n; i++) {
    if (!rc) report(&list[i], i, &m->copies[i], found, ctx);
    af_ask_done(&list[i].asked);
    json_decref(list[i].pages);
    af_inspection_free(list[i].inspection);
  }
  free(list);
  return rc;
}
