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

/* The percentage is that of the snapshots being copied, also of those that AWS copies for an image (engine/poll.c); other steps have none.
 */
static int percent_of(const struct af_step_row *steps, size_t n_steps, int64_t stage) {
  int64_t sum = 0, n = 0;
  for (size_t i = 0; i < n_steps; i++) {
    const struct af_step_traits *traits = af_step_traits(steps[i].kind);
    if (steps[i].stage != stage || !traits || !traits->quota) continue;
    sum += steps[i].progress;
    n++;
  }
  return n ? (int)(sum / n) : -1;
}

static bool known_kinds(const struct af_step_row *steps, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!af_step_traits(steps[i].kind)) return false;
  return true;
}

/* Fills all but what only a running engine knows; returns the step that the copy is at, NULL where it is at none. */
static const struct af_step_row *look(struct af_copy_view *v) {
  const struct af_step_row *at = NULL;
  bool back = v->row->state == AF_COPY_UNDOING;
  for (size_t k = 0; k < v->n_steps; k++) {
    const struct af_step_row *s = &v->steps[k];
    if ((size_t)s->stage + 1 > v->n_stage) v->n_stage = (size_t)s->stage + 1;
    if (!finished(v->row, s) && (!at || (back ? s->stage > at->stage : s->stage < at->stage))) at = s;
  }
  if (!at || (v->row->state != AF_COPY_WORKING && !back)) return at;
  v->step = (size_t)at->stage + 1;
  if (back) return at;
  v->title = af_step_traits(at->kind)->title;
  v->percent = percent_of(v->steps, v->n_steps, at->stage);
  return at;
}

static const char *text_or_empty(const char *s) {
  return s ? s : "";
}

static const struct af_step_row *view_of(struct af_copy_view *ret, const struct af_copy_row *row, const struct af_copy_spec *spec,
                                         const struct af_facts *facts, const struct af_decision *decision, const struct af_step_row *steps,
                                         size_t n_steps) {
  const char *source = facts ? facts->source_account : "", *target = facts ? facts->target_account : "";
  *ret = (struct af_copy_view){.row = row,
                               .spec = spec,
                               .steps = steps,
                               .n_steps = n_steps,
                               .title = state_title(row),
                               .percent = -1,
                               .bytes = row->bytes,
                               .waits = ""};
  ret->source_account = *source ? source : text_or_empty(spec->source.account);
  ret->target_account = *target ? target : text_or_empty(spec->target.account);
  AF_COPY(ret->name, af_str(decision && *decision->name ? decision->name : text_or_empty(spec->name)));
  return look(ret);
}

void af_engine_view(const struct af_engine *e, size_t i, struct af_copy_view *ret) {
  const struct af_live_copy *c = e->copies[i];
  const struct af_step_row *at = view_of(ret, &c->row, &c->spec, c->has_facts ? &c->facts : NULL, &c->decision, c->steps, c->n_steps);
  ret->waits = at ? c->live[at - c->steps].waits : c->waits;
}

int af_copy_view_stored(struct af_copy_view *ret, const struct af_copy_row *row, const struct af_copy_spec *spec,
                        const struct af_facts *facts, const struct af_step_row *steps, size_t n_steps) {
  struct af_decision decision = {0};
  if (!known_kinds(steps, n_steps)) return -AF_EVERSION;
  if (facts) af_route_decide(spec, facts, NULL, &decision); /* for its name, which no rung changes */
  view_of(ret, row, spec, facts, &decision, steps, n_steps);
  return 0;
}
