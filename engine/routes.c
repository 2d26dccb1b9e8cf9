/* The routes as a table: a new route is new rows here. Stages run in order and are undone backwards, so that the key's grant comes
 * first and is retired last (rules.md 11, 6), and a bridge goes only after what was opened on it. */
#include "engine/routes.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "engine/engine.h"
#include "engine/steps/steps.h"
#include "plans/bundle.h"

enum per { PER_COPY, PER_KEY, PER_SNAPSHOT, PER_BUNDLE };

/* When a leg is gone: all of what it needs must be so, and nothing of what it avoids. */
enum {
  IF_CROSS = 1,          /* the source is another account's, which lets us in */
  IF_BRIDGE = 2,         /* its key can't be shared */
  IF_HOP = 4,            /* what was launched is in another Region than the target's */
  IF_UNFINISHED = 8,     /* there is something that no creating call can say */
  IF_PROTECTED = 16,     /* the new AMI is to be protected from deregistration */
  IF_BUNDLE = 32,        /* the source keeps its storage in S3 */
};

#define COPY_IMAGE BIT(AF_ROUTE_COPY_IMAGE)
#define REENCRYPT BIT(AF_ROUTE_REENCRYPT)
#define LAUNCH_IMAGE BIT(AF_ROUTE_LAUNCH_IMAGE)
#define ADOPT BIT(AF_ROUTE_ADOPT)
#define SKIP BIT(AF_ROUTE_SKIP)
#define BIT(x) (1u << (x))

static const struct leg {
  unsigned routes;
  const char *kind;
  enum per per;
  unsigned needs, avoids;
} legs[] = { /* in the order of their stages: one stage each */
    {COPY_IMAGE | REENCRYPT | LAUNCH_IMAGE, "bridge-image", PER_COPY, IF_BRIDGE, 0},
    {COPY_IMAGE | REENCRYPT | LAUNCH_IMAGE, "grant-key", PER_KEY, IF_CROSS, 0},
    {COPY_IMAGE | REENCRYPT, "share-snapshot", PER_SNAPSHOT, IF_CROSS, 0},
    {COPY_IMAGE, "share-bundle", PER_BUNDLE, IF_CROSS | IF_BUNDLE, 0},
    {COPY_IMAGE | LAUNCH_IMAGE, "share-image", PER_COPY, IF_CROSS, 0},
    {LAUNCH_IMAGE, "security-group", PER_COPY, 0, 0},
    {LAUNCH_IMAGE, "launch-instance", PER_COPY, 0, 0},
    {LAUNCH_IMAGE, "create-hop-image", PER_COPY, IF_HOP, 0},
    {LAUNCH_IMAGE, "create-image", PER_COPY, 0, IF_HOP},
    {REENCRYPT, "copy-snapshot", PER_SNAPSHOT, 0, 0},
    {COPY_IMAGE, "copy-image", PER_COPY, 0, 0},
    {LAUNCH_IMAGE, "copy-image", PER_COPY, IF_HOP, 0},
    {REENCRYPT, "register-image", PER_COPY, 0, 0},
    {ADOPT, "adopt-image", PER_COPY, 0, 0},
    {SKIP, "skip-image", PER_COPY, 0, 0},
    {COPY_IMAGE | REENCRYPT | LAUNCH_IMAGE | ADOPT, "finish-image", PER_COPY, IF_UNFINISHED, 0},
    {COPY_IMAGE | REENCRYPT | LAUNCH_IMAGE | ADOPT, "verify", PER_COPY, 0, 0},
    {COPY_IMAGE | REENCRYPT | LAUNCH_IMAGE | ADOPT, "protect-image", PER_COPY, IF_PROTECTED, 0},
};
#define N_LEGS (sizeof(legs) / sizeof(legs[0]))

/* In words: where it holds, and where it doesn't. */
static const struct {
  unsigned bit;
  const char *yes, *no;
} words[] = {
    {IF_CROSS, "another account owns the source", "no other account has to let us in"},
    {IF_BUNDLE, "its storage is in S3", "its storage is in EBS"},
    {IF_BRIDGE, "the source's key can't be shared", "the source's key can be shared"},
    {IF_HOP, "the target is another Region", "the target is the same Region"},
    {IF_UNFINISHED, "something can't be said when it is made", "all of it can be said when it is made"},
    {IF_PROTECTED, "it is to be protected", "it is not to be protected"},
};

bool af_route_leg(size_t i, struct af_route_leg *ret) {
  static const char *const each[] = {[PER_COPY] = "", [PER_KEY] = "key", [PER_SNAPSHOT] = "snapshot", [PER_BUNDLE] = ""};
  size_t len = 0;
  if (i >= N_LEGS) return false;
  const struct leg *leg = &legs[i];
  const struct af_step_traits *t = af_step_traits(leg->kind);
  *ret = (struct af_route_leg){
      .kind = leg->kind, .title = t->title, .routes = leg->routes, .each = each[leg->per], .temporary = t->temporary};
  for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
    if ((leg->needs | leg->avoids) & words[k].bit && len < sizeof(ret->when))
      len += (size_t)snprintf(ret->when + len, sizeof(ret->when) - len, "%s%s", len ? " and " : "", leg->needs & words[k].bit ? words[k].yes : words[k].no);
  return true;
}

static unsigned conditions(const struct af_decision *d, bool unfinished) {
  return (unfinished ? IF_UNFINISHED : 0u) | (d->cross_account ? IF_CROSS : 0u) | (d->bridge ? IF_BRIDGE : 0u) | 
         (d->hop ? IF_HOP : 0u) | (d->instance_store ? IF_BUNDLE : 0u) | (d->protection ? IF_PROTECTED : 0u);
}

static bool taken(const struct leg *leg, const struct af_decision *d, unsigned holds) {
  return (leg->routes & BIT(d->route)) && (leg->needs & ~holds) == 0 && (leg->avoids & holds) == 0;
}

struct rows {
  struct af_step_row *list;
  size_t n;
  const struct af_copy_row *copy;
  int64_t first_ordinal, stage;
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

static int add(struct rows *r, const struct leg *leg, const char *item) {
  if (has(r, leg->kind, item)) return 0; /* two mappings of one snapshot need one copy of it */
  struct af_step_row *list = realloc(r->list, (r->n + 1) * sizeof(*list));
  if (!list) return -AF_ENOMEM;
  r->list = list;
  list[r->n] = (struct af_step_row){.ordinal = r->first_ordinal + (int64_t)r->n, .stage = r->stage, .rung = r->copy->rung};
  struct af_step_row *s = &list[r->n++];
  return af_row_set(&s->copy_id, r->copy->id) || af_row_set(&s->kind, leg->kind) || af_row_set(&s->item, item) ? -AF_ENOMEM : 0;
}

static int add_each(struct rows *r, const struct leg *leg, const json_t *list, const char *id) {
  size_t i;
  json_t *o;
  json_array_foreach(list, i, o) {
    int rc = *af_json_str(o, id) ? add(r, leg, af_json_str(o, id)) : 0;
    if (rc) return rc;
  }
  return 0;
}

/* AWS may give a bridge a snapshot for each mapping: CopyImage of it reads them all. */
static int add_each_mapping(struct rows *r, const struct leg *leg, const json_t *mappings) {
  for (size_t i = 0; i < json_array_size(mappings); i++) {
    char name[AF_MAPPING_NAME_SIZE];
    af_mapping_name(mappings, i, name);
    int rc = *name ? add(r, leg, name) : 0;
    if (rc) return rc;
  }
  return 0;
}

static int add_each_snapshot(struct rows *r, const struct leg *leg, const struct af_facts *facts, const struct af_decision *d) {
  bool all = d->bridge && d->route == AF_ROUTE_COPY_IMAGE;
  return all ? add_each_mapping(r, leg, json_object_get(facts->image, "BlockDeviceMappings")) : add_each(r, leg, facts->snapshots, "SnapshotId");
}

static int add_bundle(struct rows *r, const struct leg *leg, const struct af_facts *facts) {
  char bundle[AF_BUNDLE_SIZE];
  return af_bundle(facts->image, bundle) ? add(r, leg, bundle) : 0; /* no decision comes to this without one */
}

static int add_leg(struct rows *r, const struct leg *leg, const struct af_facts *facts, const struct af_decision *d) {
  switch (leg->per) {
    case PER_KEY: return d->bridge ? add(r, leg, d->bridge_key_arn) : add_each(r, leg, facts->source_keys, "Arn");
    case PER_SNAPSHOT: return add_each_snapshot(r, leg, facts, d);
    case PER_BUNDLE: return add_bundle(r, leg, facts);
    default: return add(r, leg, "");
  }
}

int af_route_steps(const struct af_copy_row *copy, const struct af_copy_spec *spec, const struct af_facts *facts, const struct af_decision *decision, int64_t first_ordinal,
                   struct af_step_row **ret, size_t *ret_n) {
  struct rows r = {.copy = copy, .first_ordinal = first_ordinal};
  bool unfinished;
  int rc = af_finish_needed(copy, spec, facts, decision, &unfinished);
  if (rc) return rc;
  unsigned holds = conditions(decision, unfinished);
  for (size_t i = 0; i < N_LEGS; i++) {
    size_t before = r.n;
    rc = taken(&legs[i], decision, holds) ? add_leg(&r, &legs[i], facts, decision) : 0;
    if (rc) {
      af_step_rows_free(r.list, r.n);
      return rc;
    }
    if (r.n > before) r.stage++;
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
