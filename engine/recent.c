/* AWS's reads lag behind its writes. A manifest that is run again right after it ended may not be shown the AMI that it made, and would make
 * it twice; or be shown one that was just taken back, and would adopt it. Another that copies that AMI on may not be shown it, or what was set
 * on it last, and would fail, or keep less than there is. The record knows better: what it says of the last moments is waited for. */
#include <stdlib.h>

#include "engine/internal.h"

static int read_recent(struct af_engine *e) {
  struct af_error err;
  int64_t since = e->begun_ms - e->config.window_ms, now = af_now_ms(e->config.clock);
  int rc = af_store_copies_ended(e->config.store, since, &e->recent, &e->n_recent, &err);
  e->recent_read = true;
  for (size_t i = 0; i < e->n_recent; i++)
    if (e->recent[i].updated_ms > now) e->recent[i].updated_ms = now; /* the clock was set back since: nobody waits longer than the window */
  return rc ? af_engine_fail(e, rc, &err) : 0;
}

void af_recent_free(struct af_engine *e) {
  for (size_t i = 0; i < e->n_recent; i++) af_copy_row_done(&e->recent[i]);
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
static int64_t doubt(struct af_engine *e, const struct af_live_copy *c, bool decided) {
  int64_t until = 0;
  if (!e->recent_read && read_recent(e)) return 0;
  for (size_t i = 0; i < e->n_recent; i++) {
    const struct af_copy_row *earlier = &e->recent[i];
    int64_t shown = earlier->updated_ms + e->config.window_ms;
    bool again = decided && af_streq(earlier->key, c->row.key) && contradicts(&c->decision, earlier);
    if (c->inspect_begun_ms >= shown || !(again || made_source(c, earlier))) continue;
    if (shown > until) until = shown;
  }
  return until;
}

int64_t af_recent_doubt(struct af_engine *e, const struct af_live_copy *c) {
  return doubt(e, c, true);
}

int64_t af_recent_unseen(struct af_engine *e, const struct af_live_copy *c) {
  return doubt(e, c, false);
}

int64_t af_recent_shown(struct af_engine *e) {
  int64_t until = 0;
  if (!e->recent_read && read_recent(e)) return 0;
  for (size_t i = 0; i < e->n_recent; i++)
    if (e->recent[i].updated_ms + e->config.window_ms > until) until = e->recent[i].updated_ms + e->config.window_ms;
  return until;
}
