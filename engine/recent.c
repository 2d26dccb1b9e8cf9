/* AWS's reads lag behind its writes. A manifest that is run again right after it ended may not be shown the AMI that it made, and would make
 * it twice; or be shown one that was just taken back, and would adopt it. Another that copies that AMI on may not be shown it, or what was set
 * on it last, and would fail, or keep less than there is. The record knows better: what it says of the last moments is waited for, be it of an
 * earlier run or of a copy that has just ended in this one. */
#include <stdlib.h>

#include "engine/internal.h"

/* Takes the row over. Of one whose texts can't be read, the row says enough. */
static int add_recent(struct af_engine *e, struct af_copy_row *row) {
  struct af_error err;
  struct af_live_copy *c = af_live_copy_new(row);
  if (!c) return af_engine_fail(e, -AF_ENOMEM, NULL);
  e->recent[e->n_recent++] = c;
  c->row.updated_ms = af_past_when(e, c->row.updated_ms);
  return af_live_copy_parse(c, e->config.store, &err) == -AF_ENOMEM ? af_engine_fail(e, -AF_ENOMEM, NULL) : 0;
}

int af_recent_read(struct af_engine *e) {
  struct af_copy_row *rows = NULL;
  struct af_error err;
  size_t n = 0;
  if (e->recent || !e->config.store) return 0;
  int rc = af_store_copies_ended(e->config.store, af_past_since(e, e->begun_ms - e->config.window_ms), &rows, &n, &err);
  if (rc) return af_engine_fail(e, rc, &err);
  e->recent = calloc(n + 1, sizeof(*e->recent));
  if (!e->recent) rc = af_engine_fail(e, -AF_ENOMEM, NULL);
  for (size_t i = 0; i < n && !rc; i++) rc = add_recent(e, &rows[i]);
  for (size_t i = 0; i < n; i++) af_copy_row_done(&rows[i]);
  free(rows);
  return rc;
}

void af_recent_free(struct af_engine *e) {
  for (size_t i = 0; i < e->n_recent; i++) af_live_copy_free(e->recent[i]);
  free(e->recent);
}

/* Does the decision contradict what this earlier copy did? One that arrived holds the name; one that was undone doesn't. */
static bool contradicts(const struct af_decision *d, const struct af_copy_row *earlier) {
  if (earlier->state == AF_COPY_DONE) return af_route_makes(d->route);
  bool held = d->route == AF_ROUTE_ADOPT || d->route == AF_ROUTE_SKIP || af_streq(d->refusal.code, "NameTaken");
  return held && earlier->route;
}

/* Was what is to be copied made by this earlier copy? Its facts are there once all was read; before that the manifest names it. */
static bool made_source(const struct af_live_copy *c, const struct af_copy_row *earlier) {
  const char *read = af_json_str(c->facts.image, "ImageId");
  return earlier->state == AF_COPY_DONE && af_streq(earlier->image_id, *read ? read : c->spec.image);
}

/* An answer may take longer than the window: what counts is when the inspection began to ask. */
static int64_t shown_by(const struct af_engine *e, const struct af_live_copy *c, const struct af_live_copy *earlier, bool decided) {
  int64_t shown = earlier->row.updated_ms + e->config.window_ms;
  if (c->inspect_begun_ms >= shown) return 0;
  bool same = af_streq(earlier->row.key, c->row.key) || af_same_end(c, earlier) || af_wants_name_of(c, earlier);
  bool again = decided && same && contradicts(&c->decision, &earlier->row);
  return again || made_source(c, &earlier->row) ? shown : 0;
}

/* It has ended, or has gone back to choose another way. Who is at it is a twin (twin.c). */
static bool rests(const struct af_live_copy *c) {
  enum af_copy_state at = c->row.state == AF_COPY_BLOCKED ? c->row.resume_state : c->row.state;
  return af_copy_state_ended(at) || at == AF_COPY_INSPECTING;
}

static int64_t later(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static int64_t doubt(const struct af_engine *e, const struct af_live_copy *c, bool decided) {
  int64_t until = 0;
  for (size_t i = 0; i < e->n_recent; i++) until = later(until, shown_by(e, c, e->recent[i], decided));
  for (size_t i = 0; i < e->n_copies; i++)
    if (e->copies[i] != c && rests(e->copies[i])) until = later(until, shown_by(e, c, e->copies[i], decided));
  return until;
}

int64_t af_recent_doubt(const struct af_engine *e, const struct af_live_copy *c) {
  return doubt(e, c, true);
}

int64_t af_recent_unseen(const struct af_engine *e, const struct af_live_copy *c) {
  return doubt(e, c, false);
}

int64_t af_recent_shown(const struct af_engine *e) {
  int64_t until = 0;
  for (size_t i = 0; i < e->n_recent; i++) until = later(until, e->recent[i]->row.updated_ms + e->config.window_ms);
  return until;
}
