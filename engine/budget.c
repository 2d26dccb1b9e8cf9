/* Token buckets, slots and retry quotas: small tables searched by hand, since a run has few accounts, Regions and APIs. */
#include "engine/budget.h"

#include <stdlib.h>

struct rate {
  const char *label;
  double capacity, refill; /* tokens, tokens a second */
};
/* rules.md 6.2; what is not named falls into the class of reads or of other changes. */
static const struct rate rates[] = {
    {"ec2:CopyImage", 100, 1},
    {"ec2:CreateTags", 100, 10},
    {"ec2:DeleteSnapshot", 100, 5},
    {"ec2:DeleteTags", 100, 10},
    {"ec2:DeregisterImage", 100, 5},
    {"ec2:ModifyImageAttribute", 100, 5},
    {"ec2:ModifySnapshotAttribute", 100, 5},
    {"ec2:RunInstances", 5, 2},
    {"ec2:TerminateInstances", 100, 5},
    {"kms:CreateGrant", 50, 50},
    {"kms:RetireGrant", 30, 30},
    {"kms:DescribeKey", 2000, 2000},
    {"kms:GenerateDataKeyWithoutPlaintext", 1000, 1000},
};
static const struct rate rate_read = {"", 100, 20}, rate_change = {"", 50, 5};

struct limit {
  const char *quota;
  int slots;
};
static const struct limit limits[] = {{"copy-snapshot", 20}, {"copy-image", 300}}; /* rules.md 6.1 */

struct entry { /* one bucket, one counter of slots, or one retry quota */
  const void *session;
  char region[32];
  const char *what; /* a label or a quota: static text; NULL for the retry quota */
  double tokens;
  int64_t at_ms;
  int used;
  struct af_retry_quota retries;
};

struct af_budgets {
  struct entry **list;
  size_t n;
};

int af_budgets_new(struct af_budgets **ret) {
  *ret = calloc(1, sizeof(**ret));
  return *ret ? 0 : -AF_ENOMEM;
}

void af_budgets_free(struct af_budgets *b) {
  if (!b) return;
  for (size_t i = 0; i < b->n; i++) free(b->list[i]);
  free(b->list);
  free(b);
}

static struct entry *find(struct af_budgets *b, const void *session, const char *region, const char *what, bool *ret_new) {
  *ret_new = false;
  for (size_t i = 0; i < b->n; i++)
    if (b->list[i]->session == session && b->list[i]->what == what && af_streq(b->list[i]->region, region)) return b->list[i];
  struct entry **list = realloc(b->list, (b->n + 1) * sizeof(*list));
  if (!list) return NULL;
  b->list = list;
  struct entry *e = calloc(1, sizeof(*e));
  if (!e) return NULL;
  e->session = session;
  e->what = what;
  AF_COPY(e->region, af_str(region));
  b->list[b->n++] = e;
  *ret_new = true;
  return e;
}

static const struct rate *rate_of(const struct af_op *op) {
  for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
    if (af_streq(rates[i].label, op->label)) return &rates[i];
  return op->mutates ? &rate_change : &rate_read;
}

int64_t af_budget_take(struct af_budgets *b, const void *session, const char *region, const struct af_op *op, int64_t now_ms) {
  bool fresh;
  const struct rate *rate = rate_of(op);
  struct entry *e = find(b, session, region, op->label, &fresh);
  if (!e) return 1000; /* no memory for a bucket: slow down rather than stop */
  if (fresh) e->tokens = rate->capacity;
  else if (now_ms > e->at_ms) e->tokens += (double)(now_ms - e->at_ms) / 1000.0 * rate->refill;
  if (e->tokens > rate->capacity) e->tokens = rate->capacity;
  e->at_ms = now_ms;
  if (e->tokens >= 1) {
    e->tokens -= 1;
    return 0;
  }
  return (int64_t)((1 - e->tokens) / rate->refill * 1000) + 1;
}

static const struct limit *limit_of(const char *quota) {
  for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
    if (af_streq(limits[i].quota, quota)) return &limits[i];
  return NULL;
}

static struct entry *slots(struct af_budgets *b, const void *session, const char *region, const struct limit *l) {
  bool fresh;
  return l ? find(b, session, region, l->quota, &fresh) : NULL;
}

bool af_slot_take(struct af_budgets *b, const void *session, const char *region, const char *quota) {
  const struct limit *l = limit_of(quota);
  struct entry *e = slots(b, session, region, l);
  if (!e || !l || e->used >= l->slots) return false;
  e->used++;
  return true;
}

void af_slot_force(struct af_budgets *b, const void *session, const char *region, const char *quota) {
  struct entry *e = slots(b, session, region, limit_of(quota));
  if (e) e->used++;
}

void af_slot_give(struct af_budgets *b, const void *session, const char *region, const char *quota) {
  struct entry *e = slots(b, session, region, limit_of(quota));
  if (e && e->used > 0) e->used--;
}

struct af_retry_quota *af_budget_retries(struct af_budgets *b, const void *session, const char *region) {
  bool fresh;
  struct entry *e = find(b, session, region, NULL, &fresh);
  if (e && fresh) af_retry_quota_init(&e->retries);
  return e ? &e->retries : NULL;
}
