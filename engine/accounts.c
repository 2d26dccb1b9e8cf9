/* Profiles and environments can come to stand for other accounts between two lives of a copy. What it made and opened is in the accounts
 * that it was begun with, and nowhere else can it go on or be undone: before anything is asked about it, STS says whose the credentials
 * are. One answer holds for all copies of a session. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/aws/ops.h"
#include "engine/internal.h"

#define GLANCE_MS 100 /* how soon to look again at an answer that another copy waits for */

static void session_key(const struct af_session *session, char out[40]) {
  snprintf(out, 40, "account %p", (const void *)session);
}

static struct af_session *session_of(const struct af_live_copy *c, enum af_side side) {
  return side == AF_SOURCE ? c->source : c->target;
}

static const char *account_of(const struct af_live_copy *c, enum af_side side) {
  return side == AF_TARGET ? c->facts.target_account : c->facts.source_account;
}

/* What is all taken back in the source account needs its credentials no more: they may have gone with the account. */
static bool is_used(const struct af_live_copy *c, enum af_side side) {
  bool used = side == AF_TARGET;
  for (size_t i = 0; i < c->n_steps && !used && !c->facts.pull; i++)
    used = af_step_traits(c->steps[i].kind)->where == AF_AT_SOURCE && (c->steps[i].face == AF_FACE_DO || c->steps[i].state != AF_STEP_DONE);
  return used;
}

static void wait_until(struct af_live_copy *c, int64_t when, const char *why) {
  c->wake_ms = when;
  AF_COPY(c->waits, af_str(why));
}

static void send(struct af_engine *e, size_t copy, enum af_side side, const char *key) {
  struct af_live_copy *c = e->copies[copy];
  struct af_session *session = session_of(c, side);
  const char *region = side == AF_SOURCE ? c->spec.source.region : c->spec.target.region;
  int64_t now = af_now_ms(e->config.clock), pace = af_budget_take(e->budgets, session, region, &af_sts_get_caller_identity, now);
  json_t *input = pace ? NULL : json_object();
  if (pace) {
    wait_until(c, now + pace, "pacing calls below AWS's limit");
    return;
  }
  if (!input || json_object_set_new(e->shared_reads, key, json_null())) {
    json_decref(input);
    af_engine_fail(e, -AF_ENOMEM, NULL);
    return;
  }
  struct af_flight *f = af_flight_new(e, AF_FLIGHT_ACCOUNT, &af_sts_get_caller_identity, session, region, input);
  if (!f) return;
  f->ref.copy = copy;
  c->inspect_busy = true;
  if (!c->inspect_since_ms) c->inspect_since_ms = now;
  wait_until(c, INT64_MAX, "STS to say whose the credentials are");
}

static void wrong(struct af_engine *e, struct af_live_copy *c, enum af_side side, const char *account) {
  const char *wanted = account_of(c, side), *name = side == AF_SOURCE ? "source" : "target";
  struct af_error err;
  af_error_set(&err, -AF_EAWS, AF_CLASS_AUTH, "WrongAccount", "the %s credentials belong to account %s now, and this copy was begun with account %s",
               name, *account ? account : "?", wanted);
  AF_COPY(err.action, af_str(af_sts_get_caller_identity.label));
  AF_COPY(err.account, af_str(account));
  AF_COPY(err.region, af_str(side == AF_SOURCE ? c->spec.source.region : c->spec.target.region));
  AF_COPY(err.resource, af_str(c->row.image_id && side == AF_TARGET ? c->row.image_id : c->spec.image));
  af_error_hint(&err, "set the profile or the environment to account %s, then: amiferry retry %s", wanted, c->row.id);
  af_block_here(e, c, &err);
}

/* Is this side known to be the account that it was? Otherwise it is asked for, waited for, or the copy is blocked. */
static bool sure(struct af_engine *e, size_t copy, enum af_side side) {
  struct af_live_copy *c = e->copies[copy];
  char key[40];
  if (!is_used(c, side) || !*account_of(c, side)) return true;
  session_key(session_of(c, side), key);
  json_t *known = json_object_get(e->shared_reads, key);
  if (!known) send(e, copy, side, key);
  else if (json_is_null(known)) wait_until(c, af_now_ms(e->config.clock) + GLANCE_MS, "STS to say whose the credentials are");
  else if (af_streq(json_string_value(known), account_of(c, side))) return true;
  else wrong(e, c, side, json_string_value(known));
  return false;
}

bool af_accounts_sure(struct af_engine *e, size_t copy) {
  struct af_live_copy *c = e->copies[copy];
  if (c->at_home) return true;
  if (c->inspect_busy) c->wake_ms = INT64_MAX; /* only the answer moves it on */
  else c->at_home = sure(e, copy, AF_TARGET) && sure(e, copy, AF_SOURCE);
  if (c->at_home) c->waits[0] = '\0';
  return c->at_home;
}

void af_accounts_forget(struct af_engine *e, const struct af_live_copy *c) {
  char key[40];
  for (int side = 0; side < 2 && !c->at_home; side++) {
    session_key(session_of(c, side ? AF_TARGET : AF_SOURCE), key);
    if (!json_is_null(json_object_get(e->shared_reads, key))) json_object_del(e->shared_reads, key);
  }
}

/* No answer says nothing about the account: it is asked again while patience lasts; then, as where it is refused, a person is needed. */
static void refused(struct af_engine *e, struct af_live_copy *c, const struct af_flight *f, struct af_answer *a) {
  struct af_error *err = &a->error;
  int64_t now = af_now_ms(e->config.clock);
  if (af_error_is_memory(err)) {
    af_engine_fail(e, -AF_ENOMEM, err);
    return;
  }
  bool expired = af_is_expired_credentials(err->code) && ++c->inspect_expired < AF_EXPIRED_MOST;
  bool again = err->class == AF_CLASS_TRANSIENT || err->class == AF_CLASS_THROTTLED || err->class == AF_CLASS_CAPACITY || expired;
  c->inspect_repeats++;
  if (again && (now < c->inspect_since_ms + e->config.patience_ms || c->inspect_repeats < AF_TRIES_LEAST)) {
    char text[sizeof(err->code) + sizeof(err->message) + 2];
    snprintf(text, sizeof(text), "%s: %s", err->code, err->message);
    wait_until(c, now + af_retry_delay_ms(expired ? AF_CLASS_TRANSIENT : err->class, c->inspect_repeats, a->retry_after_ms, e->config.random), text);
    return;
  }
  if (again && !*err->hint)
    af_error_hint(err, "it was asked for %lld minutes, and never answered otherwise: retry when AWS is well again",
                  (long long)((now - c->inspect_since_ms) / 60000));
  if (!*err->action) AF_COPY(err->action, af_str(f->op->label));
  if (!*err->region) AF_COPY(err->region, af_str(f->region));
  if (!*err->account) AF_COPY(err->account, af_str(account_of(c, f->session == c->source ? AF_SOURCE : AF_TARGET)));
  if (!*err->request_id) AF_COPY(err->request_id, af_str(a->request_id));
  if (!*err->resource) AF_COPY(err->resource, af_str(c->spec.image));
  c->inspect_repeats = c->inspect_expired = 0;
  c->inspect_since_ms = 0;
  af_block_here(e, c, err);
}

void af_accounts_answer(struct af_engine *e, const struct af_flight *f, struct af_answer *a) {
  struct af_live_copy *c = e->copies[f->ref.copy];
  char key[40];
  session_key(f->session, key);
  c->inspect_busy = false;
  c->wake_ms = 0;
  if (a->rc) {
    json_object_del(e->shared_reads, key); /* the next one asks for itself */
    refused(e, c, f, a);
    return;
  }
  c->inspect_repeats = c->inspect_expired = 0;
  c->inspect_since_ms = 0;
  if (json_object_set_new(e->shared_reads, key, json_string(af_json_str(a->output, "Account")))) af_engine_fail(e, -AF_ENOMEM, NULL);
}
