/* The one way to write: checks the move, writes row and event together, calls the invariant. Nothing else in the engine changes a
 * state. What fails here stops the engine before anything of this turn is sent. */
#include <stdlib.h>

#include "base/json.h"
#include "engine/internal.h"

int af_engine_fail(struct af_engine *e, int rc, const struct af_error *err) {
  if (e->rc) return e->rc;
  e->rc = rc;
  if (err) e->failure = *err;
  else
    af_error_set(&e->failure, rc, AF_CLASS_INTERNAL, rc == -AF_ENOMEM ? "OutOfMemory" : "Internal", "%s",
                 rc == -AF_ENOMEM ? "memory is out" : "the engine could not go on");
  return rc;
}

bool af_error_is_memory(const struct af_error *err) {
  return err->class == AF_CLASS_INTERNAL && af_streq(err->code, "OutOfMemory");
}

static char *dup_or_null(const char *s) {
  return s ? af_str_dup(af_str(s)) : NULL;
}

/* Kept until the commit: nobody is told of what may still be rolled back. */
static int keep_event(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_event_row *ev) {
  if (!e->config.on_event) return 0;
  if (e->n_events == e->events_size) {
    size_t size = e->events_size ? e->events_size * 2 : 32;
    struct af_pending_event *list = realloc(e->events, size * sizeof(*list));
    if (!list) return af_engine_fail(e, -AF_ENOMEM, NULL);
    e->events = list;
    e->events_size = size;
  }
  const struct af_step_row *s = step == SIZE_MAX ? NULL : &c->steps[step];
  struct af_step_row then = {0};
  if (s) then = (struct af_step_row){.face = s->face, .state = s->state, .attempts = s->attempts};
  e->events[e->n_events++] = (struct af_pending_event){.copy = c,
                                                       .step = step,
                                                       .then = then,
                                                       .row = {.kind = dup_or_null(ev->kind),
                                                               .step = ev->step,
                                                               .message = dup_or_null(ev->message),
                                                               .action = dup_or_null(ev->action),
                                                               .request_id = dup_or_null(ev->request_id),
                                                               .detail = dup_or_null(ev->detail),
                                                               .number = c->row.revision,
                                                               .at_ms = af_now_ms(e->config.clock)}};
  return 0;
}

static int illegal(struct af_engine *e, const struct af_live_copy *c, const char *from, const char *to) {
  struct af_error err;
  int rc = af_error_set(&err, -AF_EINVAL, AF_CLASS_INTERNAL, "IllegalMove", "copy %s: no move from %s to %s", c->row.id, from, to);
  return af_engine_fail(e, rc, &err);
}

static int check(struct af_engine *e, struct af_live_copy *c) {
  struct af_error err;
  int rc = af_machine_invariant(&c->row, c->steps, c->n_steps, &err);
  return rc ? af_engine_fail(e, rc, &err) : 0;
}

static int set_error(struct af_engine *e, char **field, const struct af_error *error) {
  char *json = NULL;
  int rc = error ? af_error_to_json(error, &json) : 0;
  if (rc) return af_engine_fail(e, rc, NULL);
  free(*field);
  *field = json;
  return 0;
}

static struct af_event_row event_of(const struct af_note *note, int64_t step, const char *detail) {
  return (struct af_event_row){.kind = note->kind,
                               .step = step,
                               .message = note->message,
                               .action = note->op ? note->op->label : NULL,
                               .request_id = note->request_id && *note->request_id ? note->request_id : NULL,
                               .detail = detail};
}

int af_record_copy(struct af_engine *e, struct af_live_copy *c, enum af_copy_state to, const struct af_note *note) {
  struct af_error err;
  if (e->rc) return e->rc;
  if (to != c->row.state && !af_copy_move_legal(c->row.state, to))
    return illegal(e, c, af_copy_state_name(c->row.state), af_copy_state_name(to));
  c->row.state = to;
  if (note->error && set_error(e, &c->row.error, note->error)) return e->rc;
  struct af_event_row ev = event_of(note, -1, note->error ? c->row.error : NULL);
  int rc = af_store_copy_update(e->config.store, &c->row, &ev, &err);
  if (rc) return af_engine_fail(e, rc, &err);
  if (check(e, c)) return e->rc;
  return keep_event(e, c, SIZE_MAX, &ev);
}

void af_step_give_slot(struct af_engine *e, struct af_live_copy *c, size_t step) {
  if (!c->live[step].slot) return;
  struct af_at at = af_step_at(c, step);
  af_slot_give(e->budgets, at.session, at.region, af_step_traits(c->steps[step].kind)->quota);
  c->live[step].slot = false;
}

/* What follows from a state: the intent, the data as text, the slot. */
static int settle(struct af_engine *e, struct af_live_copy *c, size_t step, enum af_step_state from, enum af_step_state to,
                  const struct af_note *note) {
  struct af_step_row *s = &c->steps[step];
  struct af_live_step *live = &c->live[step];
  if (to == AF_STEP_AMBIGUOUS && from == AF_STEP_INTENDED)
    s->intent_ms = af_now_ms(e->config.clock); /* it may have been carried out as late as now */
  if (to == AF_STEP_INTENDED) {
    if (af_row_set(&s->intent, note->op->label)) return af_engine_fail(e, -AF_ENOMEM, NULL);
    s->intent_ms = af_now_ms(e->config.clock);
  } else if (to != AF_STEP_AMBIGUOUS && af_row_set(&s->intent, NULL)) {
    return af_engine_fail(e, -AF_ENOMEM, NULL);
  }
  free(s->data);
  s->data = json_object_size(live->data) ? af_json_dumps(live->data, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
  if (!s->data && json_object_size(live->data)) return af_engine_fail(e, -AF_ENOMEM, NULL);
  if (to == AF_STEP_IDLE || to == AF_STEP_DONE) af_step_give_slot(e, c, step);
  return 0;
}

int af_record_step(struct af_engine *e, struct af_live_copy *c, size_t step, enum af_step_state to, const struct af_note *note) {
  struct af_step_row *s = &c->steps[step];
  struct af_error err;
  if (e->rc) return e->rc;
  if (to != s->state && !af_step_move_legal(s->state, to)) return illegal(e, c, af_step_state_name(s->state), af_step_state_name(to));
  enum af_step_state from = s->state;
  s->state = to;
  if (settle(e, c, step, from, to, note) || set_error(e, &s->error, note->error)) return e->rc;
  struct af_event_row ev = event_of(note, s->ordinal, s->error);
  int rc = af_store_step_update(e->config.store, &c->row, s, &ev, &err);
  if (rc) return af_engine_fail(e, rc, &err);
  if (check(e, c)) return e->rc;
  return keep_event(e, c, step, &ev);
}

int af_record_goal(struct af_engine *e, struct af_live_copy *c, enum af_copy_goal goal, const struct af_error *error) {
  static const char *const messages[AF_GOAL_MAX_] = {
      [AF_GOAL_DONE] = "all is there: taking back what was borrowed",
      [AF_GOAL_FAILED] = "it can't be done: undoing it",
      [AF_GOAL_CANCELLED] = "cancelled: undoing it",
      [AF_GOAL_BLOCKED] = "a person is needed: taking back what was borrowed",
      [AF_GOAL_REROUTE] = "AWS refuses this route: undoing it, to go another way",
  };
  c->row.goal = goal;
  struct af_note note = {.kind = "goal", .message = messages[goal], .error = error};
  return af_record_copy(e, c, AF_COPY_UNDOING, &note);
}

/* What came over the wire may not be UTF-8; an error must be told all the same. */
static json_t *text(const char *s) {
  json_t *o = json_string(s);
  char clean[1024];
  if (o) return o;
  AF_COPY(clean, af_str(s));
  for (char *p = clean; *p; p++)
    if ((unsigned char)*p >= 0x80) *p = '?';
  return json_string(clean);
}

int af_error_to_json(const struct af_error *err, char **ret_json) {
  json_t *o = json_pack("{s:s, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "class", af_class_name(err->class), "code", text(err->code),
                        "http_status", err->http_status, "request_id", text(err->request_id), "account", text(err->account), "region",
                        text(err->region), "action", text(err->action), "resource", text(err->resource), "message", text(err->message),
                        "hint", text(err->hint));
  char *json = o ? af_json_dumps(o, JSON_COMPACT) : NULL;
  json_decref(o);
  if (!json) return -AF_ENOMEM;
  *ret_json = json;
  return 0;
}

int af_error_from_json(const char *json, struct af_error *ret) {
  json_t *o = NULL;
  int rc = json ? af_json_read(af_str(json), 0, &o, NULL) : -AF_EINVAL;
  if (rc || !json_is_object(o)) {
    json_decref(o);
    return rc ? rc : -AF_EINVAL;
  }
  af_error_clear(ret);
  if (af_class_parse(af_json_str(o, "class"), &ret->class)) ret->class = AF_CLASS_INTERNAL;
  ret->http_status = (int)af_json_int(o, "http_status");
  AF_ERROR_TEXT(ret->code, af_str(af_json_str(o, "code")));
  AF_ERROR_TEXT(ret->request_id, af_str(af_json_str(o, "request_id")));
  AF_ERROR_TEXT(ret->account, af_str(af_json_str(o, "account")));
  AF_ERROR_TEXT(ret->region, af_str(af_json_str(o, "region")));
  AF_ERROR_TEXT(ret->action, af_str(af_json_str(o, "action")));
  AF_ERROR_TEXT(ret->resource, af_str(af_json_str(o, "resource")));
  AF_ERROR_TEXT(ret->message, af_str(af_json_str(o, "message")));
  AF_ERROR_TEXT(ret->hint, af_str(af_json_str(o, "hint")));
  json_decref(o);
  return 0;
}
