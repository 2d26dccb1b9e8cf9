/* Twins: copies of one AMI to one account and Region under one name, asked for in words that the key of a copy tells apart (an account here, a
 * profile there; a name written out, or left to be the source's). Who planned first makes it, or takes it over and lets in whom it names; the
 * others wait until that has ended and look again; so does who would make another AMI under that name. One that another run left unfinished has to
 * be finished first. */
#include <stdlib.h>

#include "engine/internal.h"

static bool has_planned(const struct af_live_copy *c) {
  enum af_copy_state at = c->row.state == AF_COPY_BLOCKED ? c->row.resume_state : c->row.state;
  bool touches = af_route_makes(c->decision.route) || c->decision.route == AF_ROUTE_ADOPT;
  return c->has_facts && (at == AF_COPY_WORKING || at == AF_COPY_UNDOING) && touches;
}

bool af_same_end(const struct af_live_copy *a, const struct af_live_copy *b) {
  return a->has_facts && b->has_facts && af_streq(a->decision.name, b->decision.name) && af_streq(a->spec.image, b->spec.image) &&
         af_streq(a->spec.source.region, b->spec.source.region) && af_streq(a->spec.target.region, b->spec.target.region) &&
         af_streq(a->facts.target_account, b->facts.target_account);
}

/* Whatever a name that is held already means to it (a number behind, a refusal, or nothing to do): it must know of who is about to hold it. */
bool af_wants_name_of(const struct af_live_copy *c, const struct af_live_copy *other) {
  return other->has_facts && af_route_makes(c->decision.route) && af_streq(c->decision.name, other->decision.name) &&
         af_streq(c->spec.target.region, other->spec.target.region) && af_streq(c->facts.target_account, other->facts.target_account);
}

/* Who would make the same, or take over what is being made or taken over. */
static bool is_twin(const struct af_live_copy *c, const struct af_live_copy *other) {
  return c->decision.route != AF_ROUTE_NONE && has_planned(other) && (af_same_end(c, other) || af_wants_name_of(c, other));
}

static bool is_loaded(const struct af_engine *e, const char *id) {
  for (size_t i = 0; i < e->n_copies; i++)
    if (af_streq(e->copies[i]->row.id, id)) return true;
  return false;
}

/* Takes the row over. One that can't be read is no twin that could be named: its own run will say so. */
static int add_other(struct af_engine *e, struct af_copy_row *row) {
  struct af_error err;
  struct af_live_copy *c = af_live_copy_new(row);
  if (!c) return af_engine_fail(e, -AF_ENOMEM, NULL);
  int rc = af_live_copy_parse(c, e->config.store, &err);
  if (rc || !has_planned(c)) af_live_copy_free(c);
  else e->others[e->n_others++] = c;
  return rc == -AF_ENOMEM ? af_engine_fail(e, rc, NULL) : 0;
}

static int read_others(struct af_engine *e) {
  struct af_copy_row *rows = NULL;
  struct af_error err;
  size_t n = 0;
  e->others_read = true;
  int rc = af_store_copies_live(e->config.store, &rows, &n, &err);
  if (rc) return af_engine_fail(e, rc, &err);
  e->others = calloc(n ? n : 1, sizeof(*e->others));
  if (!e->others) rc = af_engine_fail(e, -AF_ENOMEM, NULL);
  for (size_t i = 0; i < n && !rc; i++)
    if (!is_loaded(e, rows[i].id)) rc = add_other(e, &rows[i]);
  for (size_t i = 0; i < n; i++) af_copy_row_done(&rows[i]);
  free(rows);
  return rc;
}

void af_others_free(struct af_engine *e) {
  for (size_t i = 0; i < e->n_others; i++) af_live_copy_free(e->others[i]);
  free(e->others);
}

const struct af_live_copy *af_twin(struct af_engine *e, const struct af_live_copy *c) {
  if (!e->others_read && read_others(e)) return NULL;
  for (size_t i = 0; i < e->n_copies; i++)
    if (e->copies[i] != c && is_twin(c, e->copies[i])) return e->copies[i];
  for (size_t i = 0; i < e->n_others; i++)
    if (is_twin(c, e->others[i])) return e->others[i];
  return NULL;
}

/* Will it end without a person, and in this run? */
bool af_twin_is_under_way(const struct af_engine *e, const struct af_live_copy *twin) {
  return is_loaded(e, twin->row.id) && twin->row.state != AF_COPY_BLOCKED && has_planned(twin);
}
