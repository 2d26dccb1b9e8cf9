/* The driver of surveys (survey.h). */
#include "engine/survey.h"

#include "engine/pages.h"

static void send_asked(struct af_engine *e, struct af_survey *s, size_t i) {
  struct af_call call = {.op = s->asked.op,
                         .session = s->asked.side == AF_SOURCE ? s->source : s->target,
                         .region = s->asked.region,
                         .input = s->asked.input,
                         .tag = i};
  if (af_aws_send(e->config.aws, &call, &s->error)) s->over = true; /* this copy can't be asked about; the others can */
}

static int ask(struct af_engine *e, struct af_survey *s, size_t i) {
  int rc = s->ask(s->reads, &s->asked);
  if (!rc && s->asked.op) send_asked(e, s, i);
  else s->over = !rc;
  return rc;
}

static void take(struct af_engine *e, struct af_survey *s, struct af_answer *a) {
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
  int rc = s->answer(s->reads, a, &err);
  if (!rc) {
    s->repeats = 0;
    s->since_ms = now;
    return;
  }
  bool again = err.class == AF_CLASS_TRANSIENT || err.class == AF_CLASS_THROTTLED || err.class == AF_CLASS_CAPACITY;
  s->repeats++;
  if (again && (now < s->since_ms + e->config.patience_ms || s->repeats < AF_TRIES_LEAST)) {
    s->due_ms = now + af_retry_delay_ms(err.class, s->repeats, a->retry_after_ms, e->config.random);
    return;
  }
  s->error = err;
  s->over = true;
}

/* Sends what is due, at most AF_INSPECT_AT_ONCE at a time; returns how long to wait, or -1 where all are over. */
static int64_t round_of_asks(struct af_engine *e, struct af_survey *list, size_t n) {
  int64_t now = af_now_ms(e->config.clock), wait = 1000;
  size_t busy = 0, open = 0;
  for (size_t i = 0; i < n; i++) {
    struct af_survey *s = &list[i];
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

int af_survey_run(struct af_engine *e, struct af_survey *list, size_t n, struct af_error *err) {
  int64_t now = af_now_ms(e->config.clock);
  for (size_t i = 0; i < n; i++) list[i].since_ms = list[i].due_ms > now ? list[i].due_ms : now;
  for (;;) {
    int64_t wait = round_of_asks(e, list, n);
    if (e->rc) *err = e->failure;
    if (wait < 0 || e->rc) return e->rc;
    if (e->config.stop && *e->config.stop) return af_error_set(err, -AF_ECANCELED, AF_CLASS_CANCELLED, "Interrupted", "interrupted");
    struct af_answer a;
    if (af_aws_wait(e->config.aws, wait < 250 ? wait : 250))
      return af_error_set(err, -AF_EIO, AF_CLASS_INTERNAL, "Transport", "waiting for AWS failed");
    while (af_aws_next(e->config.aws, &a)) {
      take(e, &list[a.tag], &a);
      af_answer_done(&a);
    }
  }
}

bool af_survey_failed(const struct af_survey *s) {
  return s->error.class != AF_CLASS_NONE || *s->error.message;
}

void af_survey_done(struct af_survey *s) {
  af_ask_done(&s->asked);
  json_decref(s->pages);
  s->pages = NULL;
}
