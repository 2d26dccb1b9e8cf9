/* The judgement is one table: its first row that fits decides. Whatever protects a thing stands above whatever condemns it. */
#include "plans/sweep.h"

#include <stddef.h>

static const char *const kind_names[AF_SWEEP_KIND_MAX_] = {
    [AF_SWEEP_INSTANCE] = "instance", [AF_SWEEP_VOLUME] = "volume",     [AF_SWEEP_GROUP] = "security-group",
    [AF_SWEEP_IMAGE] = "image",       [AF_SWEEP_SNAPSHOT] = "snapshot", [AF_SWEEP_GRANT] = "grant",
};

const char *af_sweep_kind_name(enum af_sweep_kind k) {
  return kind_names[k];
}

static const char *const verdict_names[AF_SWEEP_VERDICT_MAX_] = {
    [AF_SWEEP_NEEDED] = "needed",   [AF_SWEEP_KEPT] = "kept",           [AF_SWEEP_ORPHAN] = "orphan",
    [AF_SWEEP_UNKNOWN] = "unknown", [AF_SWEEP_ADOPTABLE] = "adoptable",
};

const char *af_sweep_verdict_name(enum af_sweep_verdict v) {
  return verdict_names[v];
}

enum is { ANY, YES, NO };

struct rule {
  unsigned of, uses; /* bits 1u << value; 0: any */
  enum is temporary, result, copied, stale, whole;
  enum af_sweep_verdict verdict;
  const char *why;
};

#define OF(copy) (1u << AF_OF_##copy)
#define IN(use) (1u << AF_USED_BY_##use)
static const struct rule rules[] = {
    {.of = OF(LIVE), .verdict = AF_SWEEP_NEEDED, .why = "its copy has not ended"},
    {.result = YES, .verdict = AF_SWEEP_KEPT, .why = "a copy's result"},
    {.copied = YES, .verdict = AF_SWEEP_KEPT, .why = "somebody's copy of a copy's result"},
    {.uses = IN(KEPT), .verdict = AF_SWEEP_KEPT, .why = "an AMI uses it"},
    {.uses = IN(UNREAD), .verdict = AF_SWEEP_KEPT, .why = "whether an AMI uses it can't be read"},
    {.of = OF(DONE), .temporary = NO, .stale = NO, .verdict = AF_SWEEP_KEPT, .why = "a finished copy's result"},
    {.uses = IN(UNKNOWN), .verdict = AF_SWEEP_UNKNOWN, .why = "an AMI of a copy that this database doesn't know uses it"},
    {.of = OF(DONE), .temporary = YES, .verdict = AF_SWEEP_ORPHAN, .why = "made on the way of a copy that is done"},
    {.of = OF(DONE), .verdict = AF_SWEEP_ORPHAN, .why = "made in vain by a copy that is done"},
    {.of = OF(ENDED), .verdict = AF_SWEEP_ORPHAN, .why = "its copy has failed or was cancelled"},
    {.temporary = NO, .whole = YES, .verdict = AF_SWEEP_ADOPTABLE, .why = "a whole AMI; this database doesn't know its copy"},
    {.verdict = AF_SWEEP_UNKNOWN, .why = "this database doesn't know its copy"},
};

static bool says(enum is wanted, bool is) {
  return wanted == ANY || (wanted == YES) == is;
}

static bool among(unsigned wanted, unsigned value) {
  return !wanted || wanted & 1u << value;
}

static bool fits(const struct rule *r, const struct af_sweep_claim *c) {
  return among(r->of, c->of) && among(r->uses, c->use) && says(r->temporary, c->temporary) && says(r->result, c->result) &&
         says(r->copied, c->copied) && says(r->stale, c->stale) && says(r->whole, c->whole);
}

enum af_sweep_verdict af_sweep_judge(const struct af_sweep_claim *claim, const char **ret_why) {
  const struct rule *r = rules;
  while (!fits(r, claim))
    r++; /* the last one fits all */
  *ret_why = r->why;
  return r->verdict;
}

bool af_sweep_deletes(enum af_sweep_verdict v, bool unknown) {
  return v == AF_SWEEP_ORPHAN || (unknown && v == AF_SWEEP_UNKNOWN);
}
