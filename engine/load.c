/* Batches and copies taken up where they are stored, and what a person can ask of them: cancel, retry, undo. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "engine/internal.h"
#include "engine/routes.h"

#define COUNT_MOST 1000000000 /* whatever is more is a time */

static void drop_steps(struct af_live_copy *c) {
  for (size_t i = 0; i < c->n_steps; i++) {
    json_decref(c->live[i].data);
    json_decref(c->live[i].scratch);
  }
  free(c->live);
  af_step_rows_free(c->steps, c->n_steps);
  c->live = NULL;
  c->steps = NULL;
  c->n_steps = 0;
}

struct af_live_copy *af_live_copy_new(struct af_copy_row *row) {
  struct af_live_copy *c = calloc(1, sizeof(*c));
  if (!c) return NULL;
  c->row = *row;
  *row = (struct af_copy_row){0};
  af_facts_init(&c->facts);
  return c;
}

void af_live_copy_free(struct af_live_copy *c) {
  if (!c) return;
  drop_steps(c);
  af_inspection_free(c->inspection);
  json_decref(c->tried);
  af_facts_done(&c->facts);
  af_copy_spec_done(&c->spec);
  af_copy_row_done(&c->row);
  free(c);
}

/* JSON that a row holds. -AF_ENOMEM, or -AF_ECORRUPT: it is none, or of another type. */
static int read_stored(const char *text, json_type type, json_t **ret) {
  json_t *json;
  int rc = af_json_read(af_str(text), JSON_DECODE_ANY, &json, NULL);
  if (rc) return rc == -AF_ENOMEM ? rc : -AF_ECORRUPT;
  if (json_typeof(json) == type) {
    *ret = json;
    return 0;
  }
  json_decref(json);
  return -AF_ECORRUPT;
}

static int damaged(const struct af_live_copy *c, const char *what, int rc, struct af_error *err) {
  if (rc != -AF_ECORRUPT) return af_error_nomem(err);
  af_error_set(err, rc, AF_CLASS_INTERNAL, "StoreCorrupt", "the database is damaged: what is stored of copy %s as %s is not what amiferry writes",
               c->row.id, what);
  af_error_hint(err, "it was left as it is: keep a copy of it, then restore a backup or start with another --db");
  return rc;
}

int af_live_copy_steps(struct af_live_copy *c, struct af_step_row *steps, size_t n) {
  drop_steps(c);
  c->live = calloc(n ? n : 1, sizeof(*c->live));
  if (!c->live) {
    af_step_rows_free(steps, n);
    return -AF_ENOMEM;
  }
  c->steps = steps;
  c->n_steps = n;
  for (size_t i = 0; i < n; i++) {
    int rc = read_stored(steps[i].data ? steps[i].data : "{}", JSON_OBJECT, &c->live[i].data);
    if (rc) return rc;
  }
  return 0;
}

int af_live_copy_parse(struct af_live_copy *c, struct af_store *store, struct af_error *err) {
  char *facts = NULL;
  json_t *json = NULL;
  int rc = read_stored(c->row.spec, JSON_OBJECT, &json);
  if (rc) return damaged(c, "what was asked for", rc, err);
  rc = af_copy_spec_from_json(&c->spec, json, err);
  json_decref(json);
  if (rc) return rc;
  rc = af_store_facts_get(store, c->row.id, &facts, err);
  if (rc) return rc == -AF_ENOENT ? 0 : rc;
  rc = read_stored(facts, JSON_OBJECT, &json);
  free(facts);
  if (rc) return damaged(c, "what was read", rc, err);
  rc = af_facts_from_json(&c->facts, json, err);
  json_decref(json);
  if (rc) return rc;
  c->has_facts = true;
  rc = af_copy_decide(c);
  if (rc) return damaged(c, "the routes that were tried", rc, err);
  enum af_copy_state at = c->row.state == AF_COPY_BLOCKED ? c->row.resume_state : c->row.state;
  bool planned = c->row.route && at != AF_COPY_INSPECTING && !af_copy_state_ended(at); /* while it is inspected, the route is that of the last rung */
  if (!planned || af_streq(c->row.route, af_route_name(c->decision.route))) return 0;
  rc = af_error_set(err, -AF_EVERSION, AF_CLASS_INVALID, "OtherRoute", "copy %s was begun as %s, and this program would go %s", c->row.id,
                    c->row.route, af_route_name(c->decision.route));
  af_error_hint(err, "finish it with the amiferry that began it");
  return rc;
}

int af_copy_tried(const struct af_live_copy *c, json_t **ret) {
  json_t *all = NULL;
  int rc = read_stored(c->row.tried ? c->row.tried : "[]", JSON_ARRAY, &all);
  if (rc) return rc;
  while (json_array_size(all) > (size_t)c->row.rung) json_array_remove(all, json_array_size(all) - 1);
  *ret = all;
  return 0;
}

int af_copy_decide(struct af_live_copy *c) {
  json_t *tried;
  int rc = af_copy_tried(c, &tried);
  if (rc) return rc;
  af_route_decide(&c->spec, &c->facts, tried, &c->decision);
  json_decref(tried);
  return 0;
}

/* Its row learns of the new AMI when it is written for the next time. */
static int find_image(struct af_live_copy *c, struct af_error *err) {
  for (size_t i = 0; i < c->n_steps; i++) {
    const struct af_step_traits *t = af_step_traits(c->steps[i].kind);
    if (t && t->makes_image && c->steps[i].resource && af_row_set(&c->row.image_id, c->steps[i].resource)) return af_error_nomem(err);
  }
  return 0;
}

/* What is at work in AWS takes one of its slots, whether or not there is room. */
static void take_slot(struct af_engine *e, struct af_live_copy *c, size_t step) {
  const struct af_step_row *s = &c->steps[step];
  const char *quota = af_step_traits(s->kind)->quota;
  bool at_work = s->state == AF_STEP_INTENDED || s->state == AF_STEP_AMBIGUOUS || s->state == AF_STEP_PENDING;
  if (!quota || c->live[step].slot || !at_work || s->face != AF_FACE_DO) return;
  struct af_at at = af_step_at(c, step);
  af_slot_force(e->budgets, at.session, at.region, quota);
  c->live[step].slot = true;
}

/* Times are put into this life's. (Counts are far below any time.) */
static void bring_up(const struct af_engine *e, json_t *data) {
  const char *key;
  json_t *member;
  size_t i;
  if (json_integer_value(data) > COUNT_MOST) json_integer_set(data, af_past_when(e, json_integer_value(data)));
  json_object_foreach(data, key, member) bring_up(e, member);
  json_array_foreach(data, i, member) bring_up(e, member);
}

/* An intent that is found had no outcome when the process ended: it is ambiguous until AWS has been asked. */
static int wake_steps(struct af_engine *e, struct af_live_copy *c) {
  int64_t now = af_now_ms(e->config.clock);
  for (size_t i = 0; i < c->n_steps; i++) {
    struct af_step_row *s = &c->steps[i];
    const struct af_step_traits *t = af_step_traits(s->kind);
    if (!t) return af_engine_fail(e, -AF_EVERSION, NULL);
    s->next_ms = 0;
    s->started_ms = 0; /* limits are for the time that it is looked after */
    s->intent_ms = s->state == AF_STEP_AMBIGUOUS ? now : af_past_when(e, s->intent_ms);
    bring_up(e, c->live[i].data);
    if (s->state == AF_STEP_INTENDED &&
        af_record_step(e, c, i, AF_STEP_AMBIGUOUS,
                       &(struct af_note){.kind = "ambiguous", .message = "the process ended before the outcome was known"}))
      return e->rc;
    if (c->row.state != AF_COPY_BLOCKED) take_slot(e, c, i);
  }
  return 0;
}

/* Why it is going back was written down with its goal; what it was stopped by on the way has taken that one's place. */
static int recall_reason(struct af_engine *e, struct af_live_copy *c) {
  struct af_event_row *events = NULL;
  struct af_error err;
  size_t n = 0;
  const char *reason = NULL;
  int rc = af_store_events(e->config.store, c->row.id, 0, &events, &n, &err);
  if (rc) return af_engine_fail(e, rc, &err);
  for (size_t i = 0; i < n; i++)
    if (af_streq(events[i].kind, "goal")) reason = events[i].detail;
  if (af_row_set(&c->row.error, reason)) rc = af_engine_fail(e, -AF_ENOMEM, NULL);
  for (size_t i = 0; i < n; i++) af_event_row_done(&events[i]);
  free(events);
  return rc;
}

/* Limits and patience are for the time that it is looked after, not for that in which it waited for a person. */
static void begin_anew(struct af_engine *e, struct af_live_copy *c, size_t step) {
  struct af_live_step *live = &c->live[step];
  c->steps[step].started_ms = 0;
  live->missing_ms = live->hidden_ms = live->gone_ms = 0;
  live->repeats = live->expired = 0;
  take_slot(e, c, step);
}

/* What is yet to be done to the new AMI needs neither its source nor what was made on the way. */
static bool has_image(const struct af_live_copy *c) {
  for (size_t i = 0; i < c->n_steps; i++)
    if (af_step_traits(c->steps[i].kind)->makes_image) return c->steps[i].face == AF_FACE_DO && c->steps[i].state == AF_STEP_DONE;
  return false;
}

/* While nobody was at it, another copy may have taken back what it had borrowed of the same access (for_good.c): who is let in for good is let
 * in once more. All that finish-image sends is harmless to repeat. */
static int let_in_anew(struct af_engine *e, struct af_live_copy *c) {
  static const char why[] = "once more: another copy may have shut out meanwhile who was let in";
  for (size_t i = 0; i < c->n_steps && json_array_size(json_object_get(c->spec.launch_permissions, "accounts")); i++) {
    struct af_step_row *s = &c->steps[i];
    bool begun = s->state == AF_STEP_DONE || json_object_get(c->live[i].data, "done");
    if (!af_streq(s->kind, "finish-image") || s->face != AF_FACE_DO || !begun) continue;
    json_object_del(c->live[i].data, "done");
    if (af_record_step(e, c, i, s->state == AF_STEP_DONE ? AF_STEP_IDLE : s->state, &(struct af_note){.kind = "retry", .message = why})) return e->rc;
  }
  return 0;
}

/* Borrowed access is opened anew where it is needed still, what was made is kept. */
int af_unblock(struct af_engine *e, struct af_live_copy *c) {
  enum af_copy_state to = c->row.resume_state;
  c->retried = to == AF_COPY_UNDOING && c->row.goal == AF_GOAL_BLOCKED;
  for (size_t i = 0; i < c->n_steps; i++) begin_anew(e, c, i);
  af_accounts_forget(e, c);
  if (to == AF_COPY_INSPECTING) json_object_clear(e->shared_reads); /* what was mended is to be seen */
  if (to == AF_COPY_WORKING) {
    for (size_t i = 0; i < c->n_steps; i++) {
      struct af_step_row *s = &c->steps[i];
      if (s->face != AF_FACE_UNDO) continue;
      s->face = AF_FACE_DO;
      s->generation++;
      json_object_clear(c->live[i].data);
      if (af_record_step(e, c, i, AF_STEP_IDLE, &(struct af_note){.kind = "retry"})) return e->rc;
      if (has_image(c) && af_record_step(e, c, i, AF_STEP_DONE, &(struct af_note){.kind = "outcome", .message = "not needed any more: the AMI is there"}))
        return e->rc;
    }
    c->row.goal = AF_GOAL_NONE;
    if (let_in_anew(e, c)) return e->rc;
  }
  free(c->row.error);
  c->row.error = NULL;
  if (to == AF_COPY_UNDOING && recall_reason(e, c)) return e->rc;
  return af_record_copy(e, c, to, &(struct af_note){.kind = "retry", .message = "taken up again"});
}

/* Keeps the steps of the present rung; those before are history. */
static int take_rung(struct af_live_copy *c, struct af_step_row *rows, size_t n) {
  size_t old = 0;
  if (n) c->next_ordinal = rows[n - 1].ordinal + 1;
  while (old < n && rows[old].rung < c->row.rung) af_step_row_done(&rows[old++]);
  if (old) memmove(rows, rows + old, (n - old) * sizeof(*rows));
  return af_live_copy_steps(c, rows, n - old);
}

static int load_copy(struct af_engine *e, struct af_live_copy *c, bool ended_too, struct af_error *err) {
  struct af_step_row *steps = NULL;
  size_t n = 0;
  if (c->row.machine_version > AF_MACHINE_VERSION)
    return af_error_set(err, -AF_EVERSION, AF_CLASS_INVALID, "NewerMachine",
                        "copy %s was begun by a newer amiferry: use that one to finish it", c->row.id);
  if (c->row.updated_ms > af_now_ms(e->config.clock)) c->row.updated_ms = e->begun_ms; /* by whatever clock that was */
  int rc = af_live_copy_parse(c, e->config.store, err);
  if (rc || (af_copy_state_ended(c->row.state) && !ended_too)) return rc;
  rc = af_store_steps(e->config.store, c->row.id, &steps, &n, err);
  if (!rc && (rc = take_rung(c, steps, n))) rc = damaged(c, "its steps", rc, err);
  if (!rc) rc = find_image(c, err);
  if (!rc) rc = af_machine_invariant(&c->row, c->steps, c->n_steps, err); /* what was committed keeps it; an edited row need not */
  if (!rc) rc = af_spec_sessions(e, &c->spec, &c->source, &c->target, err);
  if (!rc) rc = wake_steps(e, c);
  if (!rc && c->row.state == AF_COPY_WORKING) rc = let_in_anew(e, c);
  if (rc && e->rc) *err = e->failure;
  return rc;
}

static int add_copy(struct af_engine *e, struct af_copy_row *row, bool ended_too, struct af_error *err) {
  struct af_live_copy **list = realloc(e->copies, (e->n_copies + 1) * sizeof(*list));
  if (list) e->copies = list;
  struct af_live_copy *c = list ? af_live_copy_new(row) : NULL;
  if (!c) return af_error_nomem(err);
  e->copies[e->n_copies++] = c;
  return load_copy(e, c, ended_too, err);
}

static int load_batch(struct af_engine *e, const char *batch_id, struct af_error *err) {
  struct af_copy_row *rows = NULL;
  size_t n = 0;
  int rc = af_store_copies(e->config.store, batch_id, &rows, &n, err);
  for (size_t i = 0; i < n && !rc; i++) rc = add_copy(e, &rows[i], false, err);
  for (size_t i = 0; i < n; i++) af_copy_row_done(&rows[i]);
  free(rows);
  return rc;
}

int af_engine_load(struct af_engine *e, const char *batch_id, enum af_load how, struct af_error *err) {
  size_t first = e->n_copies;
  int rc = load_batch(e, batch_id, err);
  for (size_t i = first; i < e->n_copies && !rc && how == AF_LOAD_RETRY; i++) {
    struct af_live_copy *c = e->copies[i];
    if (c->row.state == AF_COPY_BLOCKED) rc = af_unblock(e, c);
    else c->retried = c->row.state == AF_COPY_UNDOING && c->row.goal == AF_GOAL_BLOCKED; /* on its way there */
  }
  if (e->rc) *err = e->failure;
  return rc ? rc : af_store_commit(e->config.store, err);
}

static bool named(const struct af_live_copy *c, const char *id) {
  return af_streq(c->row.id, id) || af_streq(c->row.batch_id, id);
}

static int ask_each(struct af_engine *e, const char *id, int (*ask)(struct af_engine *e, struct af_live_copy *c, bool *ret_asked),
                    size_t *ret_n, struct af_error *err) {
  size_t n = 0;
  for (size_t i = 0; i < e->n_copies && !e->rc; i++) {
    bool asked = false;
    if (!named(e->copies[i], id) || ask(e, e->copies[i], &asked) || !asked) continue;
    e->copies[i]->wake_ms = 0;
    n++;
  }
  if (e->rc) *err = e->failure;
  else *ret_n = n;
  return e->rc ? e->rc : af_store_commit(e->config.store, err);
}

/* What waits for a person needn't be taken up again first; what is at work learns of it in its next turn. */
static int cancel_one(struct af_engine *e, struct af_live_copy *c, bool *ret_asked) {
  if (af_copy_state_ended(c->row.state) || c->row.cancel_requested) return 0;
  *ret_asked = true;
  c->row.cancel_requested = true;
  struct af_note note = {.kind = "cancel", .message = "to be cancelled: a person wants it so"};
  if (c->row.state != AF_COPY_BLOCKED) return af_record_copy(e, c, c->row.state, &note);
  if (c->row.resume_state == AF_COPY_INSPECTING) return af_record_copy(e, c, AF_COPY_CANCELLED, &note);
  for (size_t i = 0; i < c->n_steps; i++) begin_anew(e, c, i);
  if (c->row.goal != AF_GOAL_FAILED) c->row.goal = AF_GOAL_CANCELLED;
  else if (recall_reason(e, c)) return e->rc;
  return af_record_copy(e, c, AF_COPY_UNDOING, &note);
}

int af_engine_cancel(struct af_engine *e, const char *id, size_t *ret_n, struct af_error *err) {
  return ask_each(e, id, cancel_one, ret_n, err);
}

static int retry_one(struct af_engine *e, struct af_live_copy *c, bool *ret_asked) {
  if (c->row.state != AF_COPY_BLOCKED) return 0;
  *ret_asked = true;
  return af_unblock(e, c);
}

int af_engine_retry(struct af_engine *e, const char *id, size_t *ret_n, struct af_error *err) {
  return ask_each(e, id, retry_one, ret_n, err);
}

/* Can this copy be undone? Only what is done, and only what it made itself. */
static int refuse_undo(const struct af_copy_row *row, struct af_error *err) {
  bool ours = !af_streq(row->route, af_route_name(AF_ROUTE_ADOPT)) && !af_streq(row->route, af_route_name(AF_ROUTE_SKIP));
  if (row->state == AF_COPY_DONE && ours) return 0;
  int rc = af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "NothingToUndo",
                        row->state == AF_COPY_DONE ? "copy %s (%s) made nothing: %s was there before" : "copy %s is %s, not done%s", row->id,
                        row->state == AF_COPY_DONE ? row->route : af_copy_state_name(row->state),
                        row->state == AF_COPY_DONE ? row->image_id : "");
  af_error_hint(err, row->state == AF_COPY_DONE         ? "undo the copy that made it: its id is the image's tag amiferry:copy"
                     : af_copy_state_ended(row->state) ? "it is undone already"
                                                       : "cancel it: amiferry cancel %s",
                row->id);
  return rc;
}

int af_engine_undo(struct af_engine *e, const char *copy_id, struct af_error *err) {
  struct af_copy_row row = {0};
  int rc = af_store_copy_get(e->config.store, copy_id, &row, err);
  if (!rc) rc = refuse_undo(&row, err);
  if (!rc) rc = add_copy(e, &row, true, err);
  af_copy_row_done(&row);
  if (rc) return rc;
  if (af_record_goal(e, e->copies[e->n_copies - 1], AF_GOAL_CANCELLED, NULL)) *err = e->failure;
  return e->rc ? e->rc : af_store_commit(e->config.store, err);
}
