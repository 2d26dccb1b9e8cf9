/* A bucket's policy as a document: what it lets others do, and the statements in it that are amiferry's. Pure. */
#ifndef AF_ENGINE_STEPS_BUCKET_POLICY_H
#define AF_ENGINE_STEPS_BUCKET_POLICY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/str.h"

#define AF_POLICY_MOST (20 * 1024) /* bytes that S3 takes */

/* Who may read which bundle, and so what a statement of ours says. All borrowed. */
struct af_reader {
  const char *partition;
  const char *account; /* that may read */
  const char *region;  /* of the image: one bundle may be two images */
  const char *bundle;  /* "bucket/beginning of the keys" (plans/bundle.h) */
};

/* The statement's name: the same for the same reader, and no other's. */
#define AF_SID_PREFIX "amiferry"
#define AF_SID_SIZE 48
void af_policy_sid(const struct af_reader *r, char out[AF_SID_SIZE]);

json_t *af_policy_new(void); /* without a statement; NULL: no memory */
/* Statements are an array in what it returns, however they were written. -AF_EINVAL: it is no policy, or one
 * that would not be the same when it is written again; -AF_ECORRUPT: it is not even JSON to its end. */
int af_policy_parse(const char *text, json_t **ret);
size_t af_policy_statements(const json_t *policy);
size_t af_policy_ours(const json_t *policy); /* of these, any amiferry's */

bool af_policy_has(const json_t *policy, const struct af_reader *r);
/* Does it let the reader in without any statement of ours but his own, which somebody else's amiferry may have put there? What is allowed
 * under a condition, or to a principal of the account only, does not count. */
bool af_policy_allows(const json_t *policy, const struct af_reader *r);
int af_policy_add(json_t *policy, const struct af_reader *r); /* where it isn't there; -AF_ENOMEM */
void af_policy_remove(json_t *policy, const struct af_reader *r);

#endif
