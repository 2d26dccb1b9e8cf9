/* Access for good. A manifest may let an account in on the AMI that it makes or takes over (launch_permissions) while another copy, which copies
 * that AMI on to that account, has borrowed the same: AWS knows only one such permission, and it must not go with what was borrowed. So who
 * would take it back waits until the other has ended, and leaves it where that one has arrived; who lets in for good comes after what is
 * being taken back; and who takes back what an adoption let in waits for those who count on it. */
#include <stdlib.h>

#include "engine/internal.h"

static bool is_share(const struct af_step_row *s) {
  return af_streq(s->kind, "share-snapshot") || af_streq(s->kind, "share-image");
}

/* Of the source itself: a bridge is nobody else's. */
static bool shares_source(const struct af_live_copy *c, size_t step) {
  const struct af_step_row *s = &c->steps[step];
  return is_share(s) && af_streq(af_step_subject(c, step), *s->item ? s->item : c->spec.image);
}

static bool lets_in(const struct af_copy_spec *spec, const struct af_live_copy *c, size_t step) {
  const json_t *who = json_object_get(spec->launch_permissions, "accounts"), *account;
  size_t i;
  if (af_streq(c->steps[step].kind, "share-snapshot") && !json_is_true(json_object_get(spec->launch_permissions, "snapshots"))) return false;
  json_array_foreach(who, i, account) {
    if (af_streq(json_string_value(account), c->facts.target_account)) return true;
  }
  return false;
}

/* What ended before this copy was asked for has nothing to do with what it borrowed. */
static bool ended_since(const struct af_engine *e, const struct af_copy_row *other, const struct af_live_copy *c) {
  return af_past_when(e, other->updated_ms) + e->config.window_ms >= af_past_when(e, c->row.created_ms);
}

/* Returns 1 where it does, 0 where it doesn't. */
static int row_lets_in(const struct af_engine *e, const struct af_copy_row *row, const struct af_live_copy *c, size_t step) {
  struct af_copy_spec spec = {0};
  struct af_error err;
  if (row->state != AF_COPY_DONE || !ended_since(e, row, c)) return 0;
  json_t *json = json_loads(row->spec, 0, NULL);
  int rc = json ? af_copy_spec_from_json(&spec, json, &err) : 0; /* one that can't be read says nothing */
  bool in = json && !rc && lets_in(&spec, c, step);
  if (json && !rc) af_copy_spec_done(&spec);
  json_decref(json);
  return rc == -AF_ENOMEM ? rc : in;
}

/* Of an earlier life: asked only of an AMI that amiferry has made, since the record has no index by AMI. */
static int stored_lets_in(struct af_engine *e, const struct af_live_copy *c, size_t step) {
  struct af_copy_row *rows = NULL;
  struct af_error err;
  size_t n = 0;
  if (!*af_tag(c->facts.image, AF_TAG_COPY)) return 0;
  int in = af_store_copies_of_image(e->config.store, c->spec.image, &rows, &n, &err);
  if (in) return af_engine_fail(e, in, &err);
  for (size_t i = 0; i < n && !in; i++) in = row_lets_in(e, &rows[i], c, step);
  for (size_t i = 0; i < n; i++) af_copy_row_done(&rows[i]);
  free(rows);
  return in < 0 ? af_engine_fail(e, in, NULL) : in;
}

static enum af_for_good of_this_run(const struct af_engine *e, const struct af_live_copy *c, size_t step) {
  enum af_for_good found = AF_FOR_GOOD_NOT;
  for (size_t i = 0; i < e->n_copies; i++) {
    const struct af_live_copy *other = e->copies[i];
    bool at_it = other->row.state == AF_COPY_WORKING || other->row.state == AF_COPY_UNDOING;
    if (!af_streq(other->row.image_id, c->spec.image) || !lets_in(&other->spec, c, step)) continue;
    if (at_it) return AF_FOR_GOOD_SOON;
    if (other->row.state == AF_COPY_DONE && ended_since(e, &other->row, c)) found = AF_FOR_GOOD_IS;
  }
  return found;
}

int af_for_good(struct af_engine *e, const struct af_live_copy *c, size_t step, enum af_for_good *ret) {
  bool may_be = shares_source(c, step);
  *ret = may_be ? of_this_run(e, c, step) : AF_FOR_GOOD_NOT;
  if (*ret != AF_FOR_GOOD_NOT || !may_be) return 0;
  int in = stored_lets_in(e, c, step);
  if (in == 1) *ret = AF_FOR_GOOD_IS;
  return in < 0 ? in : 0;
}

static bool takes_back_a_share(const struct af_live_copy *c) {
  for (size_t i = 0; i < c->n_steps; i++) {
    const struct af_step_row *s = &c->steps[i];
    bool unresolved = s->state == AF_STEP_INTENDED || (s->state == AF_STEP_AMBIGUOUS && c->row.state != AF_COPY_BLOCKED);
    if (is_share(s) && s->face == AF_FACE_UNDO && unresolved) return true;
  }
  return false;
}

bool af_for_good_waits(const struct af_engine *e, const struct af_live_copy *c, size_t step) {
  bool undo = c->steps[step].face == AF_FACE_UNDO && c->decision.route == AF_ROUTE_ADOPT;
  for (size_t i = 0; i < e->n_copies; i++) {
    const struct af_live_copy *other = e->copies[i];
    if (!af_streq(other->spec.image, c->row.image_id)) continue;
    if (undo ? other->row.state == AF_COPY_WORKING : takes_back_a_share(other)) return true;
  }
  return false;
}
