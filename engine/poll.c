/* Polling: what is pending in one account and Region is asked about together, up to 200 at a time. By filter, not by id: an id that AWS
 * doesn't know would fail the whole call, a filter just doesn't find it. */
#include <stdlib.h>

#include "engine/aws/ops.h"
#include "engine/internal.h"

struct source { /* how one kind of thing is polled */
  const struct af_op *op;
  const char *filter, *owner, *list, *id;
};
static const struct source sources[] = {
    [AF_POLL_SNAPSHOT] = {&af_ec2_describe_snapshots, "snapshot-id", "OwnerIds", "Snapshots", "SnapshotId"},
    [AF_POLL_IMAGE] = {&af_ec2_describe_images, "image-id", "Owners", "Images", "ImageId"},
};

static const struct source *source_of(const struct af_op *op) {
  return op == sources[AF_POLL_IMAGE].op ? &sources[AF_POLL_IMAGE] : &sources[AF_POLL_SNAPSHOT];
}

/* A poll of this turn that has room. */
static struct af_flight *find(struct af_engine *e, const struct af_op *op, const struct af_session *session, const char *region) {
  for (size_t i = 0; i < e->n_outbox; i++) {
    struct af_flight *f = &e->flights[e->outbox[i]];
    if (f->kind == AF_FLIGHT_POLL && f->op == op && f->session == session && !f->pages && f->n_refs < AF_POLL_MOST && af_streq(f->region, region))
      return f;
  }
  return NULL;
}

static struct af_flight *begin(struct af_engine *e, const struct source *src, struct af_session *session, const char *region) {
  json_t *input = json_pack("{s:[s], s:[{s:s, s:[]}]}", src->owner, "self", "Filters", "Name", src->filter, "Values");
  if (!input) {
    af_engine_fail(e, -AF_ENOMEM, NULL);
    return NULL;
  }
  struct af_flight *f = af_flight_new(e, AF_FLIGHT_POLL, src->op, session, region, input);
  if (!f) return NULL;
  f->refs = calloc(AF_POLL_MOST, sizeof(*f->refs));
  if (!f->refs) af_engine_fail(e, -AF_ENOMEM, NULL);
  return f->refs ? f : NULL;
}

void af_poll_add(struct af_engine *e, size_t copy, size_t step) {
  struct af_live_copy *c = e->copies[copy];
  const struct source *src = &sources[af_step_kind(c->steps[step].kind)->poll];
  struct af_flight *f = find(e, src->op, c->target, c->spec.target.region);
  if (!f) {
    int64_t now = af_now_ms(e->config.clock);
    int64_t pace = af_budget_take(e->budgets, c->target, c->spec.target.region, src->op, now);
    if (pace > 0) {
      c->steps[step].next_ms = now + pace;
      return;
    }
    f = begin(e, src, c->target, c->spec.target.region);
  }
  if (!f) return;
  json_t *values = json_object_get(json_array_get(json_object_get(f->input, "Filters"), 0), "Values");
  json_array_append_new(values, json_string(c->steps[step].resource));
  f->refs[f->n_refs++] = (struct af_target_ref){copy, step};
  c->live[step].busy = true;
  c->live[step].asked_ms = af_now_ms(e->config.clock);
}

static const json_t *item_of(const json_t *list, const char *member, const char *id) {
  size_t i;
  json_t *item;
  json_array_foreach(list, i, item) {
    if (af_streq(af_json_str(item, member), id)) return item;
  }
  return NULL;
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
  const json_t *item = item_of(json_object_get(a->output, src->list), src->id, s->resource);
  int rc = 0;
  if (just_missing(e, &c->live[ref->step], item)) out.kind = AF_OUT_PENDING;
  else rc = af_step_kind(s->kind)->matured(&ctx, item, &out);
  c->live[ref->step].repeats = 0;
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
