/* Budgets: how fast and how many, by AWS's own figures (rules.md 6.1, 6.2), shared by all copies of an account and Region. They keep
 * us below AWS's limits; when AWS says no all the same, the class of its error decides what to wait for. In memory only: after a crash the
 * buckets are full again, and slots are counted anew from the stored steps. */
#ifndef AF_ENGINE_BUDGET_H
#define AF_ENGINE_BUDGET_H

#include "base/error.h"
#include "engine/aws/retry.h"

struct af_budgets;
int af_budgets_new(struct af_budgets **ret);
void af_budgets_free(struct af_budgets *b);

/* One token for a call of this op by this session (any pointer that stands for the account) in this Region. 0: taken; otherwise how many
 * milliseconds until one is there. */
int64_t af_budget_take(struct af_budgets *b, const void *session, const char *region, const struct af_op *op, int64_t now_ms);

/* Slots of a quota ("copy-snapshot": 20 at a time per destination). take: false where all are in use. */
bool af_slot_take(struct af_budgets *b, const void *session, const char *region, const char *quota);
void af_slot_give(struct af_budgets *b, const void *session, const char *region, const char *quota);
/* Takes a slot even where none is free: for what is under way already when a batch is loaded. */
void af_slot_force(struct af_budgets *b, const void *session, const char *region, const char *quota);

/* The retry quota of this session and Region (engine/aws/retry.h); NULL: no memory. */
struct af_retry_quota *af_budget_retries(struct af_budgets *b, const void *session, const char *region);

#endif
