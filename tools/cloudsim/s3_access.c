/* Who may do what in S3. Owns nothing.
 *
 * How the answer is put together, after IAM's evaluation logic and S3's:
 *   an explicit deny of either side wins, except that the root user of the bucket's account always reaches the bucket policy;
 *   in the bucket's own account the caller's policies are enough, and so is a bucket policy that names the principal;
 *   from another account the caller's policies must allow, and besides them the bucket policy or an access control list;
 *   lists count where the bucket's ownership doesn't switch them off; what is public counts where it isn't blocked. */
#include <stdio.h>

#include "base/error.h"
#include "tools/cloudsim/s3.h"

const struct cs_s3_policy *cs_s3_policy_at(const struct cs_s3_bucket *bucket, int64_t since_ms) {
  for (size_t i = bucket->n_policies; i > 0; i--)
    if (bucket->policies[i - 1].since_ms <= since_ms)
      return bucket->policies[i - 1].document ? &bucket->policies[i - 1] : NULL;
  return NULL;
}

int64_t cs_s3_effect_ms(struct cs_call *call) {
  return call->sim_ms + cs_draw(&call->sim->times, call->sim->latency.grant_propagation);
}

static void earlier(int64_t at_ms, int64_t sim_ms, int64_t *next) {
  if (at_ms > sim_ms && at_ms < *next)
    *next = at_ms;
}

/* The last change is the one that counts: it takes the place of those before it. */
int64_t cs_s3_next_ms(const struct cs_sim *sim, int64_t sim_ms) {
  int64_t next = INT64_MAX;
  for (size_t i = 0; i < sim->s3->n_buckets; i++) {
    const struct cs_s3_bucket *b = sim->s3->buckets[i];
    if (b->n_policies)
      earlier(b->policies[b->n_policies - 1].since_ms, sim_ms, &next);
    earlier(b->acls.items[b->acls.n - 1].since_ms, sim_ms, &next);
    for (size_t k = 0; k < b->n_objects; k++)
      earlier(b->objects[k]->acls.items[b->objects[k]->acls.n - 1].since_ms, sim_ms, &next);
  }
  return next;
}

static json_t *context_of(const struct cs_s3_use *use) {
  json_t *values = cs_context_values(use->caller, use->bucket->region->name);
  json_object_set_new(values, "aws:ResourceAccount", json_string(use->bucket->owner->id));
  json_object_set_new(values, "s3:ResourceAccount", json_string(use->bucket->owner->id));
  if (use->prefix)
    json_object_set_new(values, "s3:prefix", json_string(use->prefix));
  return values;
}

static bool is_root_at_policy(const struct cs_s3_use *use) {
  return !use->caller->principal && !use->caller->session && strcmp(use->caller->account, use->bucket->owner->id) == 0 &&
         strstr(use->action, "BucketPolicy");
}

static enum cs_verdict bucket_policy_says(const struct cs_s3_use *use, const char *arn, const struct cs_context *context) {
  const struct cs_s3_policy *policy = cs_s3_policy_at(use->bucket, use->sim_ms);
  struct cs_ask ask = {
      .who = cs_who_limited(use->caller, use->action, arn, context), .action = use->action, .resource = arn, .context = context};
  if (!policy)
    return CS_SILENT;
  enum cs_verdict verdict = cs_policy_says(policy->document, &ask, CS_POLICY_RESOURCE);
  bool foreign = strcmp(use->caller->account, use->bucket->owner->id) != 0;
  /* RestrictPublicBuckets: a public policy opens nothing to other accounts. */
  return verdict != CS_DENY && foreign && use->bucket->block_public && cs_s3_policy_public(policy->document) ? CS_SILENT : verdict;
}

static bool acl_says(const struct cs_s3_use *use) {
  const struct cs_s3_acls *acls = !use->key ? &use->bucket->acls : use->object ? &use->object->acls : NULL;
  return acls && cs_s3_acl_allows(use->bucket, cs_s3_acl_at(acls, use->sim_ms, true), use->caller->account, use->action);
}

bool cs_s3_allowed(const struct cs_sim *sim, const struct cs_s3_use *use) {
  char arn[1200];
  struct cs_context context = {.values = context_of(use)};
  cs_s3_arn(arn, sizeof arn, use->bucket, use->key);
  enum cs_verdict own = cs_identity_says(sim, use->caller, use->action, arn, &context);
  enum cs_verdict bucket = bucket_policy_says(use, arn, &context);
  json_decref(context.values);
  if (is_root_at_policy(use) && own != CS_DENY)
    return true;
  if (own == CS_DENY || bucket == CS_DENY)
    return false;
  if (strcmp(use->caller->account, use->bucket->owner->id) == 0)
    return own == CS_ALLOW || bucket == CS_ALLOW;
  return own == CS_ALLOW && (bucket == CS_ALLOW || bucket == CS_ALLOW_ACCOUNT || acl_says(use));
}

int cs_s3_authorize(struct cs_call *call, const char *action) {
  const struct cs_s3_request *s3 = call->s3;
  char arn[1200];
  struct cs_s3_use use = {.caller = &call->caller,
                          .action = action,
                          .bucket = s3->bucket,
                          .object = s3->object,
                          .key = s3->key.len ? af_buf_cstr(&s3->key) : NULL,
                          .prefix = cs_s3_param(call, "prefix"),
                          .sim_ms = call->sim_ms};
  bool own = strcmp(call->caller.account, s3->bucket->owner->id) == 0, allowed = cs_s3_allowed(call->sim, &use);
  if (allowed && !own && strstr(action, "BucketPolicy")) /* by its model S3 shows and takes policies in the owner's account alone */
    return cs_s3_fail(call, 405, "MethodNotAllowed", "The specified method is not allowed against this resource.", "ResourceType",
                      "BUCKETPOLICY");
  if (allowed)
    return 0;
  if (!own)
    return cs_fail(call, 403, "AccessDenied", "Access Denied");
  cs_s3_arn(arn, sizeof arn, s3->bucket, use.key);
  return cs_fail(call, 403, "AccessDenied", "User: %s is not authorized to perform: %s on resource: \"%s\"", call->caller.arn, action,
                 arn);
}
