/* Polling: what is pending in one account and Region is asked about together, up to 200 at a time. By filter, not by id: an id that AWS
 * doesn't know would fail the whole call, a filter just doesn't find it. An image says nothing of how far its copy is; the snapshots
 * that AWS makes for it do, and these are found by the tag that they were given (rules.md 1.6). */
#include <stdlib.h>

#include "engine/aws/ops.h"
#include "engine/internal.h"
#include "engine/pages.h"

struct source { /* how one kind of thing is polled */
  const struct af_op *op;
  const char *filter, *owner, *list, *id;
};
static const struct source sources[] = {
    [AF_POLL_SNAPSHOT] = {&af_ec2_describe_snapshots, "snapshot-id", "OwnerIds", "Snapshots", "SnapshotId"},
    [AF_POLL_IMAGE] = {&af_ec2_describe_images, "image-id", "Owners", "Images", "ImageId"},
};

static const struct source progress_source = {&af_ec2_describe_snapshots, "tag:" AF_TAG_COPY, "OwnerIds", "Snapshots", "SnapshotId"};

static const struct source *source_of(const struct af_op *op) {
  return op == sources[AF_POLL_IMAGE].op ? &sources[AF_POLL_IMAGE] : &sources[AF_POLL_SNAPSHOT];
}

/* A poll of this turn that has room. */
static struct af_flight *find(struct af_engine *e, enum af_flight_kind kind, const struct af_op *op, const struct af_session *session,
                              const char *region) {
  for (size_t i = 0; i < e->n_outbox; i++) {
    struct af_flight *f = &e->flights[e->outbox[i]];
    if (f->kind == kind && f->op == op && f->session == session && !f->pages && f->n_refs < AF_POLL_MOST && af_streq(f->region, region))
      return f;
  }
  return NULL;
}

static struct af_flight *begin(struct af_engine *e, enum af_flight_kind kind, const struct source *src, struct af_session *session,
                               const char *region) {
  json_t *input = json_pack("{s:[s], s:[{s:s, s:[]}], s:i}", src->owner, "self", "Filters", "Name", src->filter, "Values", "MaxResults", AF_PAGE_MOST);
  if (!input) {
    af_engine_fail(e, -AF_ENOMEM, NULL);
    return NULL;
  }
  struct af_flight *f = af_flight_new(e, kind, src->op, session, region, input);
  if (!f) return NULL;
  f->refs = calloc(AF_POLL_MOST, sizeof(*f->refs));
  if (!f->refs) af_engine_fail(e, -AF_ENOMEM, NULL);
  return f->refs ? f : NULL;
}

/* Puts one more value into a poll of this turn. Where the budget has no room for the call, returns how long to wait. */
static int64_t ask_about(struct af_engine *e, enum af_flight_kind kind, const struct source *src, size_t copy, size_t step,
                         const char *value) {
  struct af_at at = af_step_at(e->copies[copy], step);
  struct af_flight *f = find(e, kind, src->op, at.session, at.region);
  if (!f) {
    int64_t pace = af_budget_take(e->budgets, at.session, at.region, src->op, af_now_ms(e->config.clock));
    if (pace > 0) return pace;
    f = begin(e, kind, src, at.session, at.region);
  }
  if (!f) return 0;
  json_t *values = json_object_get(json_array_get(json_object_get(f->input, "Filters"), 0), "Values");
  if (json_array_append_new(values, json_string(value))) { /* an empty filter would be a mistake, and a short one would find nothing */
    af_engine_fail(e, -AF_ENOMEM, NULL);
    return 0;
  }
  f->refs[f->n_refs++] = (struct af_target_ref){copy, step};
  return 0;
}

void af_poll_add(struct af_engine *e, size_t copy, size_t step) {
  struct af_live_copy *c = e->copies[copy];
  struct af_step_row *s = &c->steps[step];
  int64_t now = af_now_ms(e->config.clock);
  int64_t pace = ask_about(e, AF_FLIGHT_POLL, &sources[af_step_kind(s->kind)->poll], copy, step, s->resource);
  if (pace) {
    s->next_ms = now + pace;
    return;
  }
  c->live[step].busy = true;
  c->live[step].asked_ms = now;
  if (!s->started_ms) s->started_ms = now;
  if (af_step_traits(s->kind)->quota &&
      af_step_kind(s->kind)->poll == AF_POLL_IMAGE) /* only to show it: where there is no room, it is left out */
    ask_about(e, AF_FLIGHT_PROGRESS, &progress_source, copy, step, c->row.id);
}

/* Progress is written down in tens: often enough for another process to show, seldom enough to cost nothing. */
static void note_progress(struct af_engine *e, struct af_live_copy *c, size_t step, int64_t before) {
  struct af_step_row *s = &c->steps[step];
  if (s->state != AF_STEP_PENDING || s->progress / 10 == before / 10) return;
  af_record_step(e, c, step, AF_STEP_PENDING, &(struct af_note){.kind = "progress"});
}

/* One look that doesn't show it proves nothing: a replica may be behind. Missing for a whole window, it is gone. */
static bool just_missing(struct af_engine *e, struct af_live_step *live, const json_t *item) {
  if (item) live->missing_ms = 0;
  else if (!live->missing_ms) live->missing_ms = live->asked_ms;
  return !item && live->asked_ms < live->missing_ms + e->config.window_ms;
}

static void matured(struct af_engine *e, const struct af_target_ref *ref, const struct source *src, const struct af_answer *a) {
  struct af_live_copy *c = e->copies[ref->copy];
  struct af_step_row *s = &c->steps[ref->step];
  struct af_step_ctx ctx;
  struct af_outcome out;
  int64_t before = s->progress;
  af_step_context(e, c, ref->step, NULL, &ctx);
  af_outcome_init(&out);
  const json_t *item = af_json_find(json_object_get(a->output, src->list), src->id, s->resource);
  int rc = 0;
  if (just_missing(e, &c->live[ref->step], item)) out.kind = AF_OUT_PENDING;
  else rc = af_step_kind(s->kind)->matured(&ctx, item, &out);
  c->live[ref->step].repeats = 0;
  c->live[ref->step].expired = 0;
  c->live[ref->step].waits[0] = '\0';
  if (rc) af_engine_fail(e, rc, NULL);
  else if (!af_apply_outcome(e, c, ref->step, src->op, a->request_id, &out)) note_progress(e, c, ref->step, before);
  af_outcome_done(&out);
}

/* One call failed, so one repeat is paid for, and all come back together. */
static int64_t repeat_delay(struct af_engine *e, const struct af_flight *f, const struct af_answer *a) {
  int cost, most = 0;
  for (size_t i = 0; i < f->n_refs; i++) {
    struct af_live_step *live = &e->copies[f->refs[i].copy]->live[f->refs[i].step];
    live->repeats++;
    if (live->repeats > most) most = live->repeats;
  }
  return af_repeat_delay_ms(e, e->copies[f->refs[0].copy], a, most, &cost);
}

void af_poll_answer(struct af_engine *e, struct af_flight *f, struct af_answer *a) {
  const struct source *src = source_of(f->op);
  int64_t delay_ms = a->rc && f->n_refs ? repeat_delay(e, f, a) : 0;
  for (size_t i = 0; i < f->n_refs && !e->rc; i++) {
    struct af_live_copy *c = e->copies[f->refs[i].copy];
    c->live[f->refs[i].step].busy = false;
    c->wake_ms = 0;
    if (c->steps[f->refs[i].step].state != AF_STEP_PENDING) continue; /* turned round meanwhile */
    if (a->rc) af_apply_error(e, c, f->refs[i].step, f->op, a, delay_ms);
    else matured(e, &f->refs[i], src, a);
  }
}

/* Of all that AWS copies for this image, how much is there, by size. */
static void show_progress(struct af_engine *e, const struct af_target_ref *ref, const json_t *snapshots) {
  struct af_live_copy *c = e->copies[ref->copy];
  struct af_step_row *s = ref->step < c->n_steps ? &c->steps[ref->step] : NULL;
  if (!s || af_step_kind(s->kind)->poll != AF_POLL_IMAGE) return; /* it took another route meanwhile: its steps are others */
  int64_t before = s->progress, done = 0, all = 0, percent;
  size_t i;
  json_t *snapshot;
  json_array_foreach(snapshots, i, snapshot) {
    struct af_str text = af_str(af_json_str(snapshot, "Progress"));
    if (!af_streq(af_tag(snapshot, AF_TAG_COPY), c->row.id)) continue;
    all += af_json_int(snapshot, "VolumeSize");
    if (text.len && af_str_to_i64(af_str_n(text.ptr, text.len - 1), &percent) == 0) done += af_json_int(snapshot, "VolumeSize") * percent;
  }
  if (!all || s->state != AF_STEP_PENDING || done / all <= before) return;
  s->progress = done / all;
  note_progress(e, c, ref->step, before);
}

void af_progress_answer(struct af_engine *e, struct af_flight *f, struct af_answer *a) {
  for (size_t i = 0; !a->rc && i < f->n_refs && !e->rc; i++) show_progress(e, &f->refs[i], json_object_get(a->output, "Snapshots"));
}
