/* The laws, each looked at from outside: the record through the store's reader and through plain SQL, the cloud through its audit. */
#include "tests/simulation/invariants.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((format(printf, 2, 3))) static bool broken(struct why *why, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(why->text, sizeof(why->text), format, args);
  va_end(args);
  return false;
}

/* --- the record --- */

struct replay { /* what a copy's events say so far */
  const char *copy, **step;
  size_t n_steps;
};

static bool same_state(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

static int step_state_of(const char *face_and_state, enum af_step_face *face) {
  enum af_step_state state;
  const char *slash = face_and_state ? strchr(face_and_state, '/') : NULL;
  char text[8];
  if (!slash || slash - face_and_state >= (long)sizeof(text)) return -1;
  snprintf(text, sizeof(text), "%.*s", (int)(slash - face_and_state), face_and_state);
  return af_step_face_parse(text, face) || af_step_state_parse(slash + 1, &state) ? -1 : (int)state;
}

static void count_move(struct moves *seen, const struct af_event_row *ev) {
  enum af_copy_state from, to;
  enum af_step_face face_before, face_after;
  if (same_state(ev->from_state, ev->to_state) || !ev->from_state) return;
  if (ev->step < 0) {
    if (!af_copy_state_parse(ev->from_state, &from) && !af_copy_state_parse(ev->to_state, &to)) seen->copy[from][to]++;
    return;
  }
  int a = step_state_of(ev->from_state, &face_before), b = step_state_of(ev->to_state, &face_after);
  if (a >= 0 && b >= 0) seen->step[a][b]++;
}

static bool replay_one(const char *id, struct replay *at, const struct af_event_row *ev, struct why *why) {
  if (ev->step >= (int64_t)at->n_steps) return broken(why, "%s: event %lld is of a step that isn't there", id, (long long)ev->number);
  const char **now = ev->step < 0 ? &at->copy : &at->step[ev->step];
  if (!same_state(*now, ev->from_state))
    return broken(why, "%s: event %lld says step %lld was %s, and the one before left it %s", id, (long long)ev->number, (long long)ev->step,
                  ev->from_state ? ev->from_state : "nothing", *now ? *now : "nothing");
  *now = ev->to_state;
  return true;
}

static bool replays_to_rows(const struct af_copy_row *c, const struct replay *at, const struct af_step_row *steps, struct why *why) {
  if (!same_state(at->copy, af_copy_state_name(c->state)))
    return broken(why, "%s: its events end %s, its row is %s", c->id, at->copy ? at->copy : "nowhere", af_copy_state_name(c->state));
  for (size_t i = 0; i < at->n_steps; i++) {
    char state[32];
    snprintf(state, sizeof(state), "%s/%s", af_step_face_name(steps[i].face), af_step_state_name(steps[i].state));
    if (!same_state(at->step[i], state))
      return broken(why, "%s: the events of step %zu end %s, its row is %s", c->id, i, at->step[i] ? at->step[i] : "nowhere", state);
    bool open = steps[i].state == AF_STEP_INTENDED || steps[i].state == AF_STEP_AMBIGUOUS || steps[i].state == AF_STEP_PENDING;
    if (af_copy_state_ended(c->state) && open) return broken(why, "%s has ended, and its step %zu is %s", c->id, i, state);
  }
  return true;
}

/* The outcome of an intent: it leaves "intended" with an answer of AWS, whose id no other outcome may have. */
static bool is_outcome(const struct af_event_row *ev) {
  enum af_step_face face;
  return ev->step >= 0 && ev->request_id && step_state_of(ev->from_state, &face) == AF_STEP_INTENDED && !same_state(ev->from_state, ev->to_state);
}

static bool outcomes_are_single(const char *id, const struct af_event_row *events, size_t n, struct why *why) {
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < i && is_outcome(&events[i]); k++)
      if (is_outcome(&events[k]) && strcmp(events[i].request_id, events[k].request_id) == 0)
        return broken(why, "%s: events %zu and %zu record one outcome, %s", id, k + 1, i + 1, events[i].request_id);
  return true;
}

static bool copy_holds(const struct af_copy_row *c, const struct af_step_row *steps, size_t n_steps, const struct af_event_row *events, size_t n,
                       struct moves *seen, struct why *why) {
  struct replay at = {.n_steps = n_steps, .step = calloc(n_steps + 1, sizeof(char *))};
  bool holds = at.step && (int64_t)n == c->revision;
  if (!holds) broken(why, "%s: %zu events, and its revision is %lld", c->id, n, (long long)c->revision);
  for (size_t i = 0; i < n && holds; i++) {
    if (events[i].number != (int64_t)i + 1) holds = broken(why, "%s: no event %zu", c->id, i + 1);
    holds = holds && replay_one(c->id, &at, &events[i], why);
    if (seen) count_move(seen, &events[i]);
  }
  holds = holds && replays_to_rows(c, &at, steps, why) && outcomes_are_single(c->id, events, n, why);
  free(at.step);
  return holds;
}

static bool stored_copy_holds(struct af_store *reader, const struct af_copy_row *c, struct moves *seen, struct why *why) {
  struct af_step_row *steps = NULL;
  struct af_event_row *events = NULL;
  size_t n_steps = 0, n = 0;
  struct af_error err;
  bool read = !af_store_steps(reader, c->id, &steps, &n_steps, &err) && !af_store_events(reader, c->id, 0, &events, &n, &err);
  bool holds = read ? copy_holds(c, steps, n_steps, events, n, seen, why) : broken(why, "%s can't be read: %s", c->id, err.message);
  for (size_t i = 0; i < n_steps; i++) af_step_row_done(&steps[i]);
  for (size_t i = 0; i < n; i++) af_event_row_done(&events[i]);
  free(steps);
  free(events);
  return holds;
}

bool record_holds(struct rig *r, struct moves *seen, struct why *why) {
  struct af_store *reader = rig_reader(r);
  struct af_copy_row *list = NULL;
  bool holds = true;
  if (!reader) return true; /* it died before there was one */
  size_t n = rig_copies(r, &list);
  for (size_t i = 0; i < n && holds; i++) holds = stored_copy_holds(reader, &list[i], seen, why);
  rig_copies_free(list, n);
  rig_reader_close(r, reader);
  return holds;
}

/* Rows that must not be there; the first names the law that is broken. */
static bool none(struct rig *r, unsigned slot, const char *sql, struct why *why) {
  sqlite3_stmt *look = rig_look(r, slot, sql);
  if (!look) return true; /* nothing is written yet */
  int rc = sqlite3_step(look);
  if (rc == SQLITE_ROW) broken(why, "%s", (const char *)sqlite3_column_text(look, 0));
  else if (rc != SQLITE_DONE) broken(why, "the record can't be read: %s", sqlite3_errstr(rc));
  sqlite3_reset(look);
  return rc == SQLITE_DONE;
}

/* The steps that open and close an exposure. */
#define OF_EXPOSURE                                                                                                              \
  " s.kind IN ('share-snapshot', 'share-image', 'share-bundle', 'grant-key')"                      \
  " AND x.kind = CASE s.kind WHEN 'share-snapshot' THEN 'createVolumePermission' WHEN 'share-image' THEN 'launchPermission'"      \
  " WHEN 'share-bundle' THEN 'bucketPolicy' ELSE 'grant' END"

/* A copy that is at work beyond its shares counts on them. (While AWS is asked to take one back, the row is "closing".) */
static const char open_to_all_who_rely_on_it[] =
    "SELECT 'copy ' || c.id || ' relies on ' || x.kind || ' of ' || x.resource || ', which is ' || x.state"
    " FROM copy c JOIN holder h ON h.copy_id = c.id JOIN exposure x ON x.id = h.exposure_id JOIN step s ON s.copy_id = c.id AND s.rung = c.rung"
    " WHERE c.state = 'working' AND s.face = 'do' AND s.state = 'done' AND x.state IN ('closed', 'closing') AND s.item IN (x.resource, '') AND" OF_EXPOSURE;
/* The last to hold it lets go before it closes it. (What a bridge stands for has another name than the step's item, so any such step will do.) */
static const char held_or_closed[] =
    "SELECT x.kind || ' of ' || x.resource || ' is ' || x.state || ', nobody holds it, and nobody closes it' FROM exposure x"
    " WHERE x.borrowed = 1 AND x.state <> 'closed' AND NOT EXISTS (SELECT 1 FROM holder h WHERE h.exposure_id = x.id)"
    " AND NOT EXISTS (SELECT 1 FROM step s WHERE s.face = 'undo' AND s.state <> 'done' AND" OF_EXPOSURE ")";
static const char nothing_held[] =
    "SELECT x.kind || ' of ' || x.resource || ' is ' || x.state || coalesce(', held by ' || h.copy_id, '') FROM exposure x"
    " LEFT JOIN holder h ON h.exposure_id = x.id WHERE (x.borrowed = 1 AND x.state <> 'closed') OR h.copy_id IS NOT NULL";

bool nothing_is_borrowed(struct rig *r, struct why *why) {
  return none(r, 1, nothing_held, why);
}

/* --- the cloud --- */

static bool audit_is_empty(json_t *audit, const char *const *members, struct why *why) {
  for (size_t i = 0; members[i]; i++) {
    json_t *list = json_object_get(audit, members[i]);
    if (json_is_array(list) && json_array_size(list) == 0) continue;
    char *text = json_dumps(list, JSON_COMPACT | JSON_ENCODE_ANY);
    broken(why, "the cloud has %s: %s", members[i], text ? text : "");
    free(text);
    return false;
  }
  return true;
}

static bool audit_has_none(struct rig *r, const char *const *members, struct why *why) {
  json_t *audit = rig_audit(r);
  bool holds = audit_is_empty(audit, members, why);
  json_decref(audit);
  return holds;
}

bool cloud_is_clean(struct rig *r, const char *wanted, struct why *why) {
  static const char *const members[] = {"duplicates",     "shares_open",  "shares_lost",          "grants_open", "grants_lost", "orphaned_snapshots",
                                        "lost_resources", "volumes_left", "security_groups_left", "hazards",     "instances_open", NULL};
  json_t *audit = rig_audit(r), *shares = json_object_get(audit, "shares_open");
  for (size_t i = json_array_size(shares); i-- > 0 && wanted;)
    if (strcmp(json_string_value(json_object_get(json_array_get(shares, i), "to")), wanted) == 0) json_array_remove(shares, i);
  bool holds = audit_is_empty(audit, members, why);
  json_decref(audit);
  return holds;
}

bool holds_at_every_turn(struct rig *r, struct why *why) {
  static const char *const members[] = {"duplicates", "shares_lost", "grants_lost", "lost_resources", "hazards", NULL};
  return none(r, 2, open_to_all_who_rely_on_it, why) && none(r, 3, held_or_closed, why) && audit_has_none(r, members, why);
}

/* --- coverage of the machine --- */

unsigned moves_print(const struct moves *seen) {
  unsigned missing = 0;
  for (int a = 0; a < AF_COPY_STATE_MAX_; a++)
    for (int b = 0; b < AF_COPY_STATE_MAX_; b++)
      if (a != b && af_copy_move_legal((enum af_copy_state)a, (enum af_copy_state)b)) {
        printf("# copy %-10s -> %-10s %lu\n", af_copy_state_name((enum af_copy_state)a), af_copy_state_name((enum af_copy_state)b), seen->copy[a][b]);
        missing += !seen->copy[a][b];
      }
  for (int a = 0; a < AF_STEP_STATE_MAX_; a++)
    for (int b = 0; b < AF_STEP_STATE_MAX_; b++)
      if (a != b && af_step_move_legal((enum af_step_state)a, (enum af_step_state)b)) {
        printf("# step %-10s -> %-10s %lu\n", af_step_state_name((enum af_step_state)a), af_step_state_name((enum af_step_state)b), seen->step[a][b]);
        missing += !seen->step[a][b];
      }
  printf("# legal moves that nothing made: %u\n", missing);
  return missing;
}
