/* Stored rows, put together as the engine would. */
#include "tools/amiferry/stored.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

int af_stored_spec(struct af_copy_spec *ret, const struct af_copy_row *row, struct af_error *err) {
  json_t *json;
  if (af_json_read(af_str(row->spec), 0, &json, NULL) == -AF_ENOMEM) return af_error_nomem(err);
  int rc = af_copy_spec_from_json(ret, json, err);
  json_decref(json);
  return rc;
}

static int read_facts(struct af_stored *s, struct af_store *store, const struct af_copy_row *row, struct af_error *err) {
  char *text = NULL;
  int rc = af_store_facts_get(store, row->id, &text, err);
  if (rc) return rc == -AF_ENOENT ? 0 : rc;
  json_t *json;
  rc = af_json_read(af_str(text), 0, &json, NULL);
  free(text);
  if (rc == -AF_ENOMEM) return af_error_nomem(err);
  rc = af_facts_from_json(&s->facts, json, err);
  json_decref(json);
  s->has_facts = !rc;
  return rc;
}

/* A step that AWS has sent back waits for its time; so does one whose answer was lost. */
static void read_waits(struct af_stored *s, const struct af_copy_row *row) {
  struct af_error err;
  bool live = row->state == AF_COPY_WORKING || row->state == AF_COPY_UNDOING;
  for (size_t i = s->n_old; live && i < s->n_steps && !*s->waits; i++) {
    const struct af_step_row *step = &s->steps[i];
    if (step->state != AF_STEP_DONE && step->error && !af_error_from_json(step->error, &err))
      snprintf(s->waits, sizeof(s->waits), "%.60s: %.120s", err.code, err.message);
  }
  s->view.waits = s->waits;
}

int af_stored_read(struct af_stored *ret, struct af_store *store, const struct af_copy_row *row, struct af_error *err) {
  *ret = (struct af_stored){0};
  af_facts_init(&ret->facts);
  int rc = af_stored_spec(&ret->spec, row, err);
  if (!rc) rc = read_facts(ret, store, row, err);
  if (!rc) rc = af_store_steps(store, row->id, &ret->steps, &ret->n_steps, err);
  while (!rc && ret->n_old < ret->n_steps && ret->steps[ret->n_old].rung < row->rung) ret->n_old++;
  const struct af_step_row *now = ret->n_old ? ret->steps + ret->n_old : ret->steps; /* NULL where there are none */
  if (!rc && af_copy_view_stored(&ret->view, row, &ret->spec, ret->has_facts ? &ret->facts : NULL, now, ret->n_steps - ret->n_old))
    rc = af_error_set(err, -AF_EVERSION, AF_CLASS_INVALID, "NewerMachine", "copy %s was begun by a newer amiferry: use that one to look at it", row->id);
  if (rc) af_stored_done(ret);
  else read_waits(ret, row);
  return rc;
}

void af_stored_done(struct af_stored *s) {
  for (size_t i = 0; i < s->n_steps; i++) af_step_row_done(&s->steps[i]);
  free(s->steps);
  s->steps = NULL;
  s->n_steps = s->n_old = 0;
  af_facts_done(&s->facts);
  af_copy_spec_done(&s->spec);
}

json_t *af_json_exposure(const struct af_exposure_row *x) {
  return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:o}", "type", "open_access", "kind", af_json_text(x->kind), "account", af_json_text(x->account),
                   "region", af_json_text(x->region), "resource", af_json_text(x->resource), "grantee", af_json_text(x->grantee), "state",
                   af_exposure_state_name(x->state), "borrowed", x->borrowed, "detail", af_json_text(x->detail));
}
