/* Inside of verify: one comparison under way, and what its parts share. For this folder only. */
#ifndef AF_PLANS_VERIFY_RUN_H
#define AF_PLANS_VERIFY_RUN_H

#include "plans/verify.h"

/* What is being compared. rc sticks: after memory ran out nothing is added. */
struct af_verify_run {
  const struct af_copy_spec *spec;
  const struct af_facts *facts;
  const struct af_decision *decision;
  const struct af_copy_reading *copy;
  struct af_findings out;
  size_t room;
  int rc;
};

/* Each adds one finding and returns it (borrowed, until the next one is added); NULL when memory is out. */
struct af_finding *af_verify_add(struct af_verify_run *r, const char *attribute, enum af_verdict verdict, const char *source,
                                 const char *copy);
struct af_finding *af_verify_texts(struct af_verify_run *r, const char *attribute, const char *source, const char *copy);
/* What of the source only its owner can read, and we are not: no fault of the copy's. */
void af_verify_hidden(struct af_verify_run *r, const char *attribute, const char *copy);

/* More is let in than was asked for: may it be? Somebody gave it since to what was there before; and of an AMI that is not finished another copy
 * may have borrowed it for an account, never for an organization or for all. */
bool af_verify_more_is_allowed(const struct af_verify_run *r, const char *who);

static inline const char *af_verify_truth(bool b) {
  return b ? "true" : "false";
}

/* Parts. */
void af_verify_mappings(struct af_verify_run *r);
void af_verify_settings(struct af_verify_run *r);
/* The tags that a resource of the copy is to have (snapshot as in af_keep_tags), each as group[KEY]; amiferry's own are not looked at. */
void af_verify_tags(struct af_verify_run *r, const char *group, const char *snapshot, const json_t *resource);

#endif
