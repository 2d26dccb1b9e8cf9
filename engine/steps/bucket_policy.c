/* The policy of a bucket that holds bundles of instance-store images: CopyImage reads every file of a bundle, the bucket's list and its
 * access control list (rules.md 5). S3 gives a policy back in other words than it was given: lists of one as texts, accounts as the ARN of
 * their root, in any order. So a statement of ours is known by its Sid alone. */
#include "engine/steps/bucket_policy.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "plans/bundle.h"
#include "plans/facts.h"

struct place { /* the ARNs of a bundle */
  char bucket[AF_BUNDLE_SIZE + 32], keys[AF_BUNDLE_SIZE + 32]; /* keys: without the '*' behind it */
};

static struct place place_of(const struct af_reader *r) {
  struct place p;
  snprintf(p.bucket, sizeof(p.bucket), "arn:%s:s3:::%.*s", r->partition, (int)strcspn(r->bundle, "/"), r->bundle);
  snprintf(p.keys, sizeof(p.keys), "arn:%s:s3:::%s", r->partition, r->bundle);
  return p;
}

static void root_of(const struct af_reader *r, char out[96]) {
  snprintf(out, 96, "arn:%s:iam::%s:root", r->partition, r->account);
}

/* FNV-1a: a Sid must be the same whenever it is asked for, and so it may need no memory. */
static uint64_t hash(uint64_t sum, const char *text) {
  for (; *text; text++) sum = (sum ^ (unsigned char)*text) * 1099511628211u;
  return sum;
}

void af_policy_sid(const struct af_reader *r, char out[AF_SID_SIZE]) {
  uint64_t sum = hash(hash(hash(14695981039346656037u, r->region), "/"), r->bundle);
  snprintf(out, AF_SID_SIZE, "%s%.16s%016" PRIx64, AF_SID_PREFIX, r->account, sum); /* Sids are letters and digits */
}

json_t *af_policy_new(void) {
  return json_pack("{s:s, s:[]}", "Version", "2012-10-17", "Statement");
}

/* What jansson would not read is JSON, and would be written again otherwise; or it is none. */
static int unread(const json_error_t *e) {
  switch (json_error_code(e)) {
    case json_error_duplicate_key:
    case json_error_numeric_overflow: return -AF_EINVAL;
    default: return -AF_ECORRUPT;
  }
}

int af_policy_parse(const char *text, json_t **ret) {
  json_error_t e;
  json_t *policy, *statement;
  int rc = af_json_read(af_str(text), JSON_REJECT_DUPLICATES, &policy, &e);
  if (rc) return rc == -AF_ENOMEM ? rc : unread(&e);
  statement = json_object_get(policy, "Statement");
  if (!json_is_object(statement) && !json_is_array(statement)) rc = -AF_EINVAL;
  if (json_is_object(statement) && json_object_set_new(policy, "Statement", json_pack("[O]", statement))) rc = -AF_ENOMEM;
  if (rc) json_decref(policy);
  else *ret = policy;
  return rc;
}

size_t af_policy_statements(const json_t *policy) {
  return json_array_size(json_object_get(policy, "Statement"));
}

size_t af_policy_ours(const json_t *policy) {
  size_t i, n = 0;
  json_t *s;
  json_array_foreach(json_object_get(policy, "Statement"), i, s) n += af_str_starts(af_str(af_json_str(s, "Sid")), AF_SID_PREFIX);
  return n;
}

/* Where it stands; the number of statements where it doesn't. */
static size_t find(const json_t *policy, const struct af_reader *r) {
  char sid[AF_SID_SIZE];
  size_t i;
  json_t *s;
  af_policy_sid(r, sid);
  json_array_foreach(json_object_get(policy, "Statement"), i, s) {
    if (af_streq(af_json_str(s, "Sid"), sid)) return i;
  }
  return af_policy_statements(policy);
}

bool af_policy_has(const json_t *policy, const struct af_reader *r) {
  return find(policy, r) < af_policy_statements(policy);
}

/* --- what others allow --- */

/* One pattern, or a list of them. all: it must match whatever follows the text, too. */
static bool matches(const json_t *patterns, const char *text, bool all) {
  size_t n = json_is_array(patterns) ? json_array_size(patterns) : 1;
  for (size_t i = 0; i < n; i++) {
    const char *p = json_string_value(json_is_array(patterns) ? json_array_get(patterns, i) : patterns);
    if (p && af_str_glob(af_str(p), af_str(text)) && (!all || (*p && p[strlen(p) - 1] == '*'))) return true;
  }
  return false;
}

/* A star stands for everybody as a whole principal only: no part of one is a pattern. */
static bool names(const json_t *principal, const struct af_reader *r) {
  char root[96];
  const json_t *list = json_is_object(principal) ? json_object_get(principal, "AWS") : principal;
  size_t n = json_is_array(list) ? json_array_size(list) : 1;
  root_of(r, root);
  for (size_t i = 0; i < n; i++) {
    const char *p = json_string_value(json_is_array(list) ? json_array_get(list, i) : list);
    if (af_streq(p, "*") || af_streq(p, root) || af_streq(p, r->account)) return true;
  }
  return false;
}

static bool lets(const json_t *statement, const struct af_reader *r, const char *action, const char *arn, bool all) {
  return af_streq(af_json_str(statement, "Effect"), "Allow") && !json_object_get(statement, "Condition") &&
         names(json_object_get(statement, "Principal"), r) && matches(json_object_get(statement, "Action"), action, false) &&
         matches(json_object_get(statement, "Resource"), arn, all);
}

static bool anything_lets(const json_t *policy, const struct af_reader *r, const char *action, const char *arn, bool all) {
  size_t i;
  json_t *s;
  json_array_foreach(json_object_get(policy, "Statement"), i, s) {
    if (!af_str_starts(af_str(af_json_str(s, "Sid")), AF_SID_PREFIX) && lets(s, r, action, arn, all)) return true;
  }
  return false;
}

bool af_policy_allows(const json_t *policy, const struct af_reader *r) {
  struct place p = place_of(r);
  return af_policy_has(policy, r) ||
         (anything_lets(policy, r, "s3:GetObject", p.keys, true) && anything_lets(policy, r, "s3:ListBucket", p.bucket, false) &&
          anything_lets(policy, r, "s3:GetBucketAcl", p.bucket, false));
}

/* --- ours --- */

int af_policy_add(json_t *policy, const struct af_reader *r) {
  struct place p = place_of(r);
  char sid[AF_SID_SIZE], root[96];
  if (af_policy_has(policy, r)) return 0;
  af_policy_sid(r, sid);
  root_of(r, root);
  json_t *s = json_pack("{s:s, s:s, s:{s:s}, s:[s, s, s], s:[s, s+]}", "Sid", sid, "Effect", "Allow", "Principal", "AWS", root, "Action",
                        "s3:GetBucketAcl", "s3:GetObject", "s3:ListBucket", "Resource", p.bucket, p.keys, "*");
  return json_array_append_new(json_object_get(policy, "Statement"), s) ? -AF_ENOMEM : 0; /* takes NULL for no memory */
}

void af_policy_remove(json_t *policy, const struct af_reader *r) {
  while (af_policy_has(policy, r)) json_array_remove(json_object_get(policy, "Statement"), find(policy, r));
}
