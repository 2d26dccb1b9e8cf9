/* Planning: the inspection of every copy of a manifest, side by side, with nothing written anywhere. */
#include <stdlib.h>

#include "engine/routes.h"
#include "engine/survey.h"

static int inspection_ask(void *inspection, struct af_ask *ret) {
  return af_inspection_ask(inspection, ret);
}

static int inspection_answer(void *inspection, const struct af_answer *a, struct af_error *err) {
  return af_inspection_answer(inspection, a, err);
}

static void report(const struct af_survey *s, size_t i, const struct af_copy_spec *spec, af_planned *found, void *ctx) {
  struct af_decision decision;
  struct af_step_row *steps = NULL;
  size_t n = 0;
  char none[] = "";
  if (af_survey_failed(s)) {
    found(ctx, i, spec, NULL, NULL, NULL, 0, &s->error);
    return;
  }
  const struct af_facts *facts = af_inspection_facts(s->reads);
  af_route_decide(spec, facts, NULL, &decision);
  if (decision.route != AF_ROUTE_NONE && af_route_steps(&(struct af_copy_row){.id = none}, spec, facts, &decision, 0, &steps, &n)) n = 0;
  found(ctx, i, spec, facts, &decision, steps, n, NULL);
  af_step_rows_free(steps, n);
}

static int survey_all(struct af_engine *e, const struct af_manifest *m, struct af_survey *list, struct af_error *err) {
  for (size_t i = 0; i < m->n; i++) {
    int rc = af_spec_sessions(e, &m->copies[i], &list[i].source, &list[i].target, err);
    struct af_inspection *inspection = NULL;
    struct af_inspected who = {.spec = &m->copies[i], .copy_id = "", .begun_ms = af_now_ms(e->config.clock)};
    if (!rc && af_inspection_new(&inspection, &who)) rc = af_error_nomem(err);
    if (rc) return rc;
    list[i].reads = inspection;
    list[i].ask = inspection_ask;
    list[i].answer = inspection_answer;
  }
  return af_survey_run(e, list, m->n, err);
}

int af_engine_plan(struct af_engine *e, const struct af_manifest *m, af_planned *found, void *ctx, struct af_error *err) {
  struct af_survey *list = calloc(m->n ? m->n : 1, sizeof(*list));
  if (!list) return af_error_nomem(err);
  int rc = survey_all(e, m, list, err);
  for (size_t i = 0; i < m->n; i++) {
    if (!rc) report(&list[i], i, &m->copies[i], found, ctx);
    af_survey_done(&list[i]);
    af_inspection_free(list[i].reads);
  }
  free(list);
  return rc;
}
