/* The routes as a table: a new route is new rows here. Stages run in order and are undone backwards, so that the key's grant comes
 * first and is retired last (rules.md 11, 6). */
#include "engine/routes.h"

#include <stdlib.h>

#include "base/buf.h"
#include "engine/engine.h"

enum per { PER_COPY, PER_KEY, PER_SNAPSHOT };

struct leg {
  enum af_route route;
  const char *kind;
  int stage;
  enum per per;
  bool cross_account; /* only where the source is another account's */
};

static const struct leg legs[] = {
    {AF_ROUTE_COPY_IMAGE, "grant-key", 0, PER_KEY, true},          {AF_ROUTE_COPY_IMAGE, "share-snapshot", 1, PER_SNAPSHOT, true},
    {AF_ROUTE_COPY_IMAGE, "share-image", 2, PER_COPY, true},       {AF_ROUTE_COPY_IMAGE, "copy-image", 3, PER_COPY, false},
    {AF_ROUTE_COPY_IMAGE, "verify", 4, PER_COPY, false},           {AF_ROUTE_REENCRYPT, "grant-key", 0, PER_KEY, true},
    {AF_ROUTE_REENCRYPT, "share-snapshot", 1, PER_SNAPSHOT, true}, {AF_ROUTE_REENCRYPT, "copy-snapshot", 2, PER_SNAPSHOT, false},
    {AF_ROUTE_REENCRYPT, "register-image", 3, PER_COPY, false},    {AF_ROUTE_REENCRYPT, "verify", 4, PER_COPY, false},
    {AF_ROUTE_ADOPT, "adopt-image", 0, PER_COPY, false},           {AF_ROUTE_ADOPT, "verify", 1, PER_COPY, false},
};

struct rows {
  struct af_step_row *list;
  size_t n;
};

void af_step_rows_free(struct af_step_row *steps, size_t n) {
  for (size_t i = 0; steps && i < n; i++) af_step_row_done(&steps[i]);
  free(steps);
}

static bool has(const struct rows *r, const char *kind, const char *item) {
  for (size_t i = 0; i < r->n; i++)
    if (af_streq(r->list[i].kind, kind) && af_streq(r->list[i].item, item)) return true;
  return false;
}

static int add(struct rows *r, const char *copy_id, const struct leg *leg, const char *item) {
  if (has(r, leg->kind, item)) return 0; /* two mappings of one snapshot need one copy of it */
  struct af_step_row *list = realloc(r->list, (r->n + 1) * sizeof(*list));
  if (!list) return -AF_ENOMEM;
  r->list = list;
  list[r->n] = (struct af_step_row){.ordinal = (int64_t)r->n, .stage = leg->stage};
  struct af_step_row *s = &list[r->n++];
  return af_row_set(&s->copy_id, copy_id) || af_row_set(&s->kind, leg->kind) || af_row_set(&s->item, item) ? -AF_ENOMEM : 0;
}

static int add_each(struct rows *r, const char *copy_id, const struct leg *leg, const json_t *list, const char *id) {
  size_t i;
  json_t *o;
  json_array_foreach(list, i, o) {
    int rc = *af_json_str(o, id) ? add(r, copy_id, leg, af_json_str(o, id)) : 0;
    if (rc) return rc;
  }
  return 0;
}

static int add_leg(struct rows *r, const char *copy_id, const struct leg *leg, const struct af_facts *facts) {
  switch (leg->per) {
    case PER_KEY: return add_each(r, copy_id, leg, facts->source_keys, "Arn");
    case PER_SNAPSHOT: return add_each(r, copy_id, leg, facts->snapshots, "SnapshotId");
    default: return add(r, copy_id, leg, "");
  }
}

int af_route_steps(const char *copy_id, const struct af_facts *facts, const struct af_decision *decision, struct af_step_row **ret,
                   size_t *ret_n) {
  struct rows r = {0};
  for (size_t i = 0; i < sizeof(legs) / sizeof(legs[0]); i++) {
    if (legs[i].route != decision->route || (legs[i].cross_account && !decision->cross_account)) continue;
    int rc = add_leg(&r, copy_id, &legs[i], facts);
    if (rc) {
      af_step_rows_free(r.list, r.n);
      return rc;
    }
  }
  *ret = r.list;
  *ret_n = r.n;
  return 0;
}

void af_route_describe(const struct af_step_row *steps, size_t n, struct af_buf *out) {
  for (size_t i = 0; i < n;) {
    size_t same = 1;
    while (i + same < n && af_streq(steps[i + same].kind, steps[i].kind)) same++;
    af_buf_printf(out, "%s%s", i ? ", " : "", steps[i].kind);
    if (same > 1) af_buf_printf(out, " x%zu", same);
    i += same;
  }
}
