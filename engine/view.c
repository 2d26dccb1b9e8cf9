/* What a person is shown of a copy while it runs. */
#include "engine/internal.h"

const char *af_step_title(const char *kind) {
  const struct af_step_traits *t = af_step_traits(kind);
  return t ? t->title : kind;
}

static bool finished(const struct af_copy_row *row, const struct af_step_row *s) {
  if (row->state != AF_COPY_UNDOING) return s->face == AF_FACE_DO && s->state == AF_STEP_DONE;
  return !af_goal_undoes(row->goal, af_step_traits(s->kind)) || (s->face == AF_FACE_UNDO && s->state == AF_STEP_DONE);
}

static const char *state_title(const struct af_copy_row *row) {
  static const char *const titles[AF_COPY_STATE_MAX_] = {
      [AF_COPY_WAITING] = "waiting", [AF_COPY_INSPECTING] = "inspecting", [AF_COPY_WORKING] = "working", [AF_COPY_DONE] = "done",
      [AF_COPY_FAILED] = "failed",   [AF_COPY_CANCELLED] = "cancelled",   [AF_COPY_BLOCKED] = "blocked"};
  if (row->state == AF_COPY_UNDOING) return row->goal == AF_GOAL_DONE || row->goal == AF_GOAL_BLOCKED ? "taking back" : "undoing";
  return titles[row->state];
}

/* The percentage is that of the snapshots being copied; other steps have none. */
static int percent_of(const struct af_live_copy *c, int64_t stage) {
  int64_t sum = 0, n = 0;
  for (size_t i = 0; i < c->n_steps; i++) {
    if (c->steps[i].stage != stage || !af_step_traits(c->steps[i].kind)->quota) continue;
    sum += c->steps[i].progress;
    n++;
  }
  return n ? (int)(sum / n) : -1;
}

void af_engine_view(const struct af_engine *e, size_t i, struct af_copy_view *ret) {
  const struct af_live_copy *c = e->copies[i];
  const struct af_step_row *at = NULL;
  bool back = c->row.state == AF_COPY_UNDOING;
  int64_t stages = 0;
  *ret = (struct af_copy_view){.row = &c->row, .spec = &c->spec, .steps = c->steps, .n_steps = c->n_steps, .title = state_title(&c->row),
                               .percent = -1, .bytes = c->row.bytes, .waits = c->waits};
  for (size_t k = 0; k < c->n_steps; k++) {
    const struct af_step_row *s = &c->steps[k];
    if (s->stage + 1 > stages) stages = s->stage + 1;
    if (!finished(&c->row, s) && (!at || (back ? s->stage > at->stage : s->stage < at->stage))) at = s;
    if (at == s) ret->waits = c->live[k].waits;
  }
  ret->n_stage = (size_t)stages;
  if (!at || (c->row.state != AF_COPY_WORKING && !back)) return;
  ret->step = (size_t)at->stage + 1;
  if (back) return;
  ret->title = af_step_traits(at->kind)->title;
  ret->percent = percent_of(c, at->stage);
}
