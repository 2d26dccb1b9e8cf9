/* amiferry show: all that is stored of one copy.
 *
 * json, ndjson  one object: a copy's (output.c), with "type": "show" and
 *   "machine_version", "revision", "goal", "cancel_requested", "spec": what the manifest asks for, "facts": what AWS said,
 *   "steps":    [{"ordinal", "rung": how many routes were given up before it, "stage", "kind", "title", "item", "face": "do|undo", "state", "generation", "attempts", "resource", "intent",
 *                 "progress", "started", "next", "error"}],
 *   "effects":  [{"step", "kind", "account", "region", "resource", "state": "live|gone"}],
 *   "open_access": [open_access, ...] (status.c): of what this copy shares,
 *   "events":   [{"number", "at", "kind", "step", "from", "to", "message", "action", "request_id", "detail"}] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "plans/estimate.h"
#include "tools/amiferry/commands.h"
#include "tools/amiferry/find.h"
#include "tools/amiferry/stored.h"

enum { TEXT_MAX = 64 * 1024 * 1024 };

struct show { /* all of it, read */
  struct af_copy_row row;
  struct af_stored stored;
  struct af_effect_row *effects;
  size_t n_effects;
  struct af_exposure_row *open;
  size_t n_open;
  struct af_event_row *events;
  size_t n_events;
};

static void show_done(struct show *x) {
  for (size_t i = 0; i < x->n_effects; i++) af_effect_row_done(&x->effects[i]);
  for (size_t i = 0; i < x->n_open; i++) af_exposure_row_done(&x->open[i]);
  for (size_t i = 0; i < x->n_events; i++) af_event_row_done(&x->events[i]);
  free(x->effects);
  free(x->open);
  free(x->events);
  af_stored_done(&x->stored);
  af_copy_row_done(&x->row);
}

static int show_read(struct show *x, struct af_store *s, const char *name, struct af_error *err) {
  int rc = af_copy_find(s, name, &x->row, err);
  if (rc) return rc;
  rc = af_stored_read(&x->stored, s, &x->row, err);
  if (!rc) rc = af_store_effects(s, x->row.id, &x->effects, &x->n_effects, err);
  if (!rc) rc = af_store_exposures_open(s, &x->open, &x->n_open, err);
  if (!rc) rc = af_store_events(s, x->row.id, 0, &x->events, &x->n_events, err);
  return rc;
}

/* Is this access to something that the copy's steps are about? */
static bool concerns(const struct show *x, const struct af_exposure_row *open) {
  if (af_streq(open->resource, x->stored.spec.image)) return true;
  for (size_t i = 0; i < x->stored.n_steps; i++)
    if (af_streq(open->resource, x->stored.steps[i].item)) return true;
  return false;
}

/* --- JSON --- */

static json_t *json_steps(const struct show *x) {
  json_t *list = json_array();
  for (size_t i = 0; i < x->stored.n_steps; i++) {
    const struct af_step_row *s = &x->stored.steps[i];
    json_array_append_new(
        list, json_pack("{s:I, s:I, s:I, s:s, s:s, s:o, s:s, s:s, s:I, s:I, s:o, s:o, s:I, s:o, s:o, s:o}", "ordinal", (json_int_t)s->ordinal, "rung",
                        (json_int_t)s->rung, "stage",
                        (json_int_t)s->stage, "kind", s->kind, "title", af_step_title(s->kind), "item", af_json_text(*s->item ? s->item : NULL), "face",
                        af_step_face_name(s->face), "state", af_step_state_name(s->state), "generation", (json_int_t)s->generation, "attempts",
                        (json_int_t)s->attempts, "resource", af_json_text(s->resource), "intent", af_json_text(s->intent), "progress",
                        (json_int_t)s->progress, "started", af_json_time(s->started_ms), "next", af_json_time(s->next_ms), "error",
                        af_json_stored_error(s->error)));
  }
  return list;
}

static json_t *json_effects(const struct show *x) {
  json_t *list = json_array();
  for (size_t i = 0; i < x->n_effects; i++) {
    const struct af_effect_row *e = &x->effects[i];
    json_array_append_new(list, json_pack("{s:I, s:o, s:o, s:o, s:o, s:s}", "step", (json_int_t)e->step, "kind", af_json_text(e->kind), "account",
                                          af_json_text(e->account), "region", af_json_text(e->region), "resource", af_json_text(e->resource), "state",
                                          af_effect_state_name(e->state)));
  }
  return list;
}

static json_t *json_open(const struct show *x) {
  json_t *list = json_array();
  for (size_t i = 0; i < x->n_open; i++)
    if (concerns(x, &x->open[i])) json_array_append_new(list, af_json_exposure(&x->open[i]));
  return list;
}

static json_t *json_or_null(const char *text) {
  json_t *json;
  return text && !af_json_read(af_str(text), JSON_DECODE_ANY, &json, NULL) ? json : json_null();
}

static json_t *json_events(const struct show *x) {
  json_t *list = json_array();
  for (size_t i = 0; i < x->n_events; i++) {
    const struct af_event_row *e = &x->events[i];
    json_array_append_new(list, json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "number", (json_int_t)e->number, "at",
                                          af_json_time(e->at_ms), "kind", af_json_text(e->kind), "step", e->step < 0 ? json_null() : json_integer(e->step),
                                          "from", af_json_text(e->from_state), "to", af_json_text(e->to_state), "message", af_json_text(e->message),
                                          "action", af_json_text(e->action), "request_id", af_json_text(e->request_id), "detail", json_or_null(e->detail)));
  }
  return list;
}

static json_t *json_show(const struct show *x) {
  json_t *o = af_json_copy(&x->stored.view), *facts = NULL;
  if (!x->stored.has_facts || af_facts_to_json(&x->stored.facts, &facts)) facts = json_null();
  json_t *more = json_pack("{s:s, s:I, s:I, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "type", "show", "machine_version",
                           (json_int_t)x->row.machine_version, "revision", (json_int_t)x->row.revision, "goal", af_copy_goal_name(x->row.goal),
                           "cancel_requested", x->row.cancel_requested, "spec", json_or_null(x->row.spec), "facts", facts, "steps", json_steps(x), "effects",
                           json_effects(x), "open_access", json_open(x), "events", json_events(x));
  if (!o || !more || json_object_update(o, more)) {
    json_decref(o);
    o = NULL;
  }
  json_decref(more);
  return o;
}

/* --- text --- */

static void put_member(struct af_buf *out, const char *name, const char *text) {
  if (!text || !*text) return;
  af_buf_printf(out, "  %-12s ", name);
  af_put_text(out, text);
  af_buf_putc(out, '\n');
}

static void put_time(struct af_buf *out, const char *name, int64_t ms) {
  char at[AF_TIME_SIZE];
  if (!ms) return;
  af_time_iso_s(ms, at);
  put_member(out, name, at);
}

static void put_snapshots(struct af_buf *out, const struct af_facts *f) {
  size_t i;
  json_t *s;
  json_array_foreach(f->snapshots, i, s) {
    const char *key = af_json_str(s, "KmsKeyId");
    af_buf_printf(out, "  snapshot     %s, ", af_json_str(s, "SnapshotId"));
    af_bytes_text(out, af_snapshot_bytes(s));
    af_buf_puts(out, !af_json_bool(s, "Encrypted") ? ", not encrypted" : *key ? ", under " : ", encrypted");
    af_put_text(out, key);
    af_buf_putc(out, '\n');
  }
}

/* What matters of the image; JSON has all of it. */
static void put_facts(struct af_buf *out, const struct af_facts *f) {
  static const struct {
    const char *name, *member;
  } members[] = {{"source", "Name"}, {"owner", "OwnerId"}, {"platform", "PlatformDetails"}, {"architecture", "Architecture"}, {"boot mode", "BootMode"}};
  for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) put_member(out, members[i].name, af_json_str(f->image, members[i].member));
  put_snapshots(out, f);
}

static void put_head(struct af_buf *out, const struct show *x, const struct af_terminal *t) {
  const struct af_copy_view *v = &x->stored.view;
  struct af_buf size;
  af_buf_printf(out, "%s  ", x->row.id);
  af_put_result(out, v, t);
  put_member(out, "batch", x->row.batch_id);
  put_member(out, "from account", v->source_account);
  put_member(out, "to account", v->target_account);
  if (x->row.state == AF_COPY_WORKING || x->row.state == AF_COPY_UNDOING) put_member(out, "at", v->title);
  put_member(out, "waits", v->waits);
  af_put_tried(out, "  tried        ", x->row.tried);
  put_member(out, "route", x->row.route);
  put_member(out, "reason", x->row.reason);
  if (x->stored.has_facts) put_facts(out, &x->stored.facts);
  if (v->bytes) {
    af_buf_init(&size, 64);
    af_bytes_text(&size, v->bytes);
    put_member(out, "size", af_buf_cstr(&size));
    af_buf_done(&size);
  }
  put_time(out, "created", x->row.created_ms);
  put_time(out, "updated", x->row.updated_ms);
}

static void put_step(struct af_buf *out, const struct af_step_row *s) {
  struct af_error err;
  af_buf_printf(out, "  %2" PRId64 "  %-14s %s/%s%s%s", s->ordinal, s->kind, af_step_face_name(s->face), af_step_state_name(s->state),
                *s->item ? "  " : "", s->item);
  if (s->resource && !af_streq(s->resource, s->item)) af_buf_printf(out, " -> %s", s->resource);
  if (s->generation) af_buf_printf(out, "  generation %" PRId64, s->generation);
  if (s->attempts > 1) af_buf_printf(out, "  %" PRId64 " attempts", s->attempts);
  if (s->state == AF_STEP_PENDING && s->progress) af_buf_printf(out, "  %" PRId64 "%%", s->progress);
  if (af_step_nothing_undone(s)) af_buf_puts(out, "  nothing taken back");
  af_buf_putc(out, '\n');
  if (s->state != AF_STEP_DONE && s->error && !af_error_from_json(s->error, &err)) af_put_error(out, &err);
}

/* Rung by rung: those of a route that was given up are undone. */
static void put_steps(struct af_buf *out, const struct show *x) {
  json_t *tried = af_json_tried(x->row.tried);
  for (size_t i = 0; i < x->stored.n_steps; i++) {
    const struct af_step_row *s = &x->stored.steps[i];
    bool first = i == 0 || s->rung != s[-1].rung;
    if (first && i < x->stored.n_old) af_buf_printf(out, "steps of %s, given up\n", af_json_str(json_array_get(tried, (size_t)s->rung), "route"));
    else if (first) af_buf_puts(out, "steps\n");
    put_step(out, s);
  }
  json_decref(tried);
}

static void put_effects(struct af_buf *out, const struct show *x) {
  if (x->n_effects) af_buf_puts(out, "made or changed\n");
  for (size_t i = 0; i < x->n_effects; i++) {
    const struct af_effect_row *e = &x->effects[i];
    af_buf_printf(out, "  %s %s (account %s, %s)  %s\n", e->kind, e->resource, e->account, e->region, af_effect_state_name(e->state));
  }
  for (size_t i = 0, n = 0; i < x->n_open; i++) {
    const struct af_exposure_row *o = &x->open[i];
    if (!concerns(x, o)) continue;
    if (n++ == 0) af_buf_puts(out, "open access\n");
    af_buf_printf(out, "  %s of %s (account %s, %s) to %s  %s\n", o->kind, o->resource, o->account, o->region, o->grantee, af_exposure_state_name(o->state));
  }
}

static void put_event(struct af_buf *out, const struct af_event_row *e) {
  char at[AF_TIME_SIZE];
  af_time_iso(e->at_ms, at);
  af_buf_printf(out, "  %4" PRId64 "  %s  ", e->number, at);
  if (e->step >= 0) af_buf_printf(out, "step %-2" PRId64 " ", e->step);
  else af_buf_puts(out, "copy    ");
  af_buf_printf(out, "%-9s", e->kind);
  if (e->to_state && e->from_state && !af_streq(e->from_state, e->to_state)) af_buf_printf(out, " %s -> %s", e->from_state, e->to_state);
  else if (e->to_state) af_buf_printf(out, " %s", e->to_state);
  if (e->action) af_buf_printf(out, "  %s", e->action);
  if (e->request_id) af_buf_printf(out, "  request %s", e->request_id);
  if (e->message) {
    af_buf_puts(out, "  ");
    af_put_text(out, e->message);
  }
  af_buf_putc(out, '\n');
}

static void put_show(struct af_buf *out, const struct show *x, const struct af_terminal *t) {
  put_head(out, x, t);
  put_steps(out, x);
  put_effects(out, x);
  af_buf_puts(out, "events\n");
  for (size_t i = 0; i < x->n_events; i++) put_event(out, &x->events[i]);
}

/* --- the command --- */

static void print(const struct af_invocation *inv, const struct show *x) {
  if (inv->settings.output == AF_OUTPUT_TEXT) {
    struct af_terminal t;
    struct af_buf text;
    af_terminal_look(&t, STDOUT_FILENO);
    af_buf_init(&text, TEXT_MAX);
    put_show(&text, x, &t);
    af_print_text(&text);
    af_buf_done(&text);
    return;
  }
  json_t *o = json_show(x);
  if (o) af_print_json(o, (enum af_output_format)inv->settings.output);
  json_decref(o);
}

static int run(const struct af_invocation *inv) {
  struct af_wiring w = {0};
  struct show x = {0};
  struct af_error err;
  int rc = af_wiring_init(&w, &inv->settings, &err);
  if (!rc) rc = af_wiring_store(&w, AF_STORE_READER, &err);
  if (rc == -AF_ENOENT) rc = af_error_set(&err, rc, AF_CLASS_INVALID, "NoCopy", "no copy %.64s: there is no database at %s", inv->args[0], w.db);
  if (!rc) rc = show_read(&x, w.store, inv->args[0], &err);
  if (rc) af_say_error(&err);
  else print(inv, &x);
  show_done(&x);
  af_wiring_done(&w);
  return rc ? (int)af_exit_of(rc, &err) : AF_EXIT_DONE;
}

const struct af_command af_command_show = {
    .name = "show", .arguments = "COPY", .min_args = 1, .max_args = 1,
    .summary = "show all that is known of a copy: facts, steps, effects, every event with its request id",
    .text = "The beginning of a copy's id is enough; status BATCH and --output json name the ids.",
    .run = run};
