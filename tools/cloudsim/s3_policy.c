/* Bucket policies: what S3 takes as one, what it makes of it, and the three calls. Owns nothing: they lie in the buckets. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/s3.h"

enum { POLICY_MAX = 20 << 10 };

static size_t count(const json_t *v) {
  return !v ? 0 : json_is_array(v) ? json_array_size(v) : 1;
}
static json_t *at(const json_t *v, size_t i) {
  return json_is_array(v) ? json_array_get(v, i) : (json_t *)(uintptr_t)v;
}
static const char *text(const json_t *v, size_t i) {
  const char *s = json_string_value(at(v, i));
  return s ? s : "";
}

static int bad(struct af_error *err, const char *why) {
  return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "MalformedPolicy", "%s", why);
}

/* ---- principals: they must exist, and an account stands as the ARN of its root ---- */

/* The account that an ARN of IAM or STS names; "" where it is none. */
static void account_of(const char *arn, char out[16]) {
  const char *p = arn;
  out[0] = 0;
  for (int colons = 0; colons < 4 && p; colons++)
    p = strchr(p, ':') ? strchr(p, ':') + 1 : NULL;
  if (p && strlen(p) > 12 && p[12] == ':')
    af_str_copy(out, 16, af_str_n(p, 12));
}

static bool principal_exists(const struct cs_sim *sim, const char *name) {
  char account[16];
  if (strcmp(name, "*") == 0)
    return true;
  account_of(name, account);
  if (!cs_account_find(sim, account))
    return false;
  const char *tail = strrchr(name, ':') + 1;
  return strcmp(tail, "root") == 0 || strncmp(tail, "assumed-role/", 13) == 0 || cs_principal_find(sim, name);
}

static json_t *as_arn(const struct cs_s3_bucket *bucket, const char *name) {
  char arn[64];
  if (strlen(name) != 12 || strspn(name, "0123456789") != 12)
    return json_string(name);
  snprintf(arn, sizeof arn, "arn:%s:iam::%s:root", bucket->region->partition, name);
  return json_string(arn);
}

static int take_principal(const struct cs_sim *sim, const struct cs_s3_bucket *bucket, json_t *principal, struct af_error *err) {
  json_t *list = json_object_get(principal, "AWS");
  if (!list)
    return 0;
  json_t *fresh = json_array();
  int rc = 0;
  for (size_t i = 0; i < count(list); i++) {
    json_t *arn = as_arn(bucket, text(list, i));
    if (!principal_exists(sim, json_string_value(arn)))
      rc = bad(err, "Invalid principal in policy");
    json_array_append_new(fresh, arn);
  }
  json_object_set(principal, "AWS", json_is_array(list) ? fresh : at(fresh, 0));
  json_decref(fresh);
  return rc;
}

/* ---- actions and resources ---- */

static bool names_bucket(const struct cs_s3_bucket *bucket, const char *resource, bool *ret_objects) {
  char arn[160];
  cs_s3_arn(arn, sizeof arn, bucket, NULL);
  size_t n = strlen(arn);
  if (strncmp(resource, arn, n) != 0 || (resource[n] && resource[n] != '/' && resource[n] != '*'))
    return false;
  *ret_objects = resource[n] != 0;
  return true;
}

static int check_resources(const struct cs_s3_bucket *bucket, const json_t *s, bool *objects, bool *whole, struct af_error *err) {
  const json_t *list = json_object_get(s, "Resource");
  if (!list)
    list = json_object_get(s, "NotResource");
  if (!list)
    return bad(err, "Missing required field Resource");
  for (size_t i = 0; i < count(list); i++) {
    bool object;
    if (!names_bucket(bucket, text(list, i), &object))
      return bad(err, "Policy has invalid resource");
    *objects = *objects || object;
    *whole = *whole || !strchr(text(list, i), '/');
  }
  return 0;
}

/* Objects' actions need a resource in the bucket, the bucket's own need the bucket. */
static int check_actions(const json_t *s, bool objects, bool whole, struct af_error *err) {
  const json_t *list = json_object_get(s, "Action");
  if (!list)
    list = json_object_get(s, "NotAction");
  for (size_t i = 0; i < count(list); i++) {
    const char *action = text(list, i);
    if (strcmp(action, "*") != 0 && strncmp(action, "s3:", 3) != 0)
      return bad(err, "Policy has invalid action");
    bool any = strpbrk(action, "*?") != NULL, of_objects = strstr(action, "Object") != NULL && !strstr(action, "Bucket");
    if (!any && !(of_objects ? objects : whole))
      return bad(err, "Action does not apply to any resource(s) in statement");
  }
  return 0;
}

static int take_statement(const struct cs_sim *sim, const struct cs_s3_bucket *bucket, json_t *s, struct af_error *err) {
  bool objects = false, whole = false;
  int rc = take_principal(sim, bucket, json_object_get(s, "Principal"), err);
  rc = rc ? rc : check_resources(bucket, s, &objects, &whole, err);
  return rc ? rc : check_actions(s, objects, whole, err);
}

static int check_sids(const json_t *statements, struct af_error *err) {
  for (size_t i = 0; i < count(statements); i++)
    for (size_t k = 0; k < i; k++)
      if (af_streq(json_string_value(json_object_get(at(statements, i), "Sid")),
                   json_string_value(json_object_get(at(statements, k), "Sid"))))
        return bad(err, "Statement IDs (SID) in a single policy must be unique.");
  return 0;
}

/* What every statement must have, in S3's words; the evaluator's own reader says the rest. */
static const char *missing_field(const json_t *statement) {
  static const struct {
    const char *field, *or, *why;
  } fields[] = {{"Effect", NULL, "Missing required field Effect"},
                {"Action", "NotAction", "Missing required field Action"},
                {"Principal", "NotPrincipal", "Missing required field Principal"}};
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
    if (!json_object_get(statement, fields[i].field) && !(fields[i].or && json_object_get(statement, fields[i].or)))
      return fields[i].why;
  return NULL;
}

static int check_form(struct af_str given, struct af_error *err) {
  json_t *raw = json_loadb(given.len ? given.ptr : "", given.len, JSON_REJECT_DUPLICATES, NULL);
  const char *why = json_is_object(raw) ? NULL : "Policies must be valid JSON and the first byte must be '{'";
  const json_t *statements = json_object_get(raw, "Statement");
  if (!why && count(statements) == 0)
    why = "Missing required field Statement";
  for (size_t i = 0; !why && i < count(statements); i++)
    why = missing_field(at(statements, i));
  json_decref(raw);
  return why ? bad(err, why) : 0;
}

int cs_s3_policy_take(const struct cs_sim *sim, const struct cs_s3_bucket *bucket, struct af_str given, json_t **ret,
                      struct af_error *err) {
  json_t *document = NULL;
  int rc = check_form(given, err);
  rc = rc ? rc : cs_policy_parse(&document, given, CS_POLICY_RESOURCE, err);
  const json_t *statements = json_object_get(document, "Statement");
  rc = rc ? rc : check_sids(statements, err);
  for (size_t i = 0; rc == 0 && i < count(statements); i++)
    rc = take_statement(sim, bucket, at(statements, i), err);
  if (rc < 0)
    json_decref(document);
  else
    *ret = document;
  return rc;
}

void cs_s3_policy_add(struct cs_s3_bucket *bucket, json_t *document, int64_t made_ms, int64_t since_ms) {
  *CS_ADD(bucket->policies, bucket->n_policies) = (struct cs_s3_policy){
      .document = document, .text = document ? json_dumps(document, JSON_COMPACT) : NULL, .made_ms = made_ms, .since_ms = since_ms};
}

/* ---- public policies ---- */

/* A condition that pins the caller down keeps everyone else out. */
static bool pinned(const json_t *conditions) {
  static const char *const keys[] = {"aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalOrgID", "aws:SourceAccount",
                                     "aws:SourceArn",        "aws:userid",       NULL};
  const char *name, *key;
  json_t *operator_keys, *values;
  json_object_foreach ((json_t *)(uintptr_t)conditions, name, operator_keys)
    json_object_foreach (operator_keys, key, values) {
      bool fixed = !strstr(name, "Not") && !strstr(name, "IfExists") && cs_one_of_texts(key, keys);
      for (size_t i = 0; fixed && i < count(values); i++)
        fixed = !strpbrk(text(values, i), "*?");
      if (fixed)
        return true;
    }
  return false;
}

static bool names_everyone(const json_t *principal) {
  const json_t *list = json_is_object(principal) ? json_object_get(principal, "AWS") : principal;
  for (size_t i = 0; i < count(list); i++)
    if (strcmp(text(list, i), "*") == 0)
      return true;
  return false;
}

bool cs_s3_policy_public(const json_t *document) {
  const json_t *statements = json_object_get(document, "Statement");
  for (size_t i = 0; i < count(statements); i++) {
    const json_t *s = at(statements, i);
    if (af_streq(json_string_value(json_object_get(s, "Effect")), "Allow") && names_everyone(json_object_get(s, "Principal")) &&
        !pinned(json_object_get(s, "Condition")))
      return true;
  }
  return false;
}

/* ---- the calls ---- */

static const struct cs_s3_policy *shown(const struct cs_s3_bucket *bucket, int64_t view_ms) {
  for (size_t i = bucket->n_policies; i > 0; i--)
    if (bucket->policies[i - 1].made_ms <= view_ms)
      return bucket->policies[i - 1].document ? &bucket->policies[i - 1] : NULL;
  return NULL;
}

int cs_s3_get_policy(struct cs_call *call, struct cs_reply *reply) {
  const struct cs_s3_policy *policy = shown(call->s3->bucket, call->view_ms);
  if (!policy)
    return cs_s3_fail(call, 404, "NoSuchBucketPolicy", "The bucket policy does not exist", "BucketName", call->s3->bucket->name);
  cs_reply_header(reply, "Content-Type", "application/json");
  af_buf_puts(&reply->body, policy->text);
  return 0;
}

/* Content-MD5, where it is given, must be that of the body. */
static int check_md5(struct cs_call *call, struct af_str body) {
  struct af_str given;
  unsigned char hash[EVP_MAX_MD_SIZE];
  char mine[40];
  unsigned int n = 0;
  if (!cs_header_get(call->s3->http, "Content-MD5", &given))
    return 0;
  if (given.len != 24)
    return cs_fail(call, 400, "InvalidDigest", "The Content-MD5 you specified was invalid.");
  EVP_Digest(body.len ? body.ptr : "", body.len, hash, &n, EVP_md5(), NULL);
  EVP_EncodeBlock((unsigned char *)mine, hash, (int)n);
  return af_str_eq(given, af_str(mine))
             ? 0
             : cs_fail(call, 400, "BadDigest", "The Content-MD5 you specified did not match what we received.");
}

int cs_s3_put_policy(struct cs_call *call, struct cs_reply *reply) {
  struct cs_s3_bucket *bucket = call->s3->bucket;
  struct af_str body = call->s3->http->body;
  struct af_error err;
  json_t *document;
  if (check_md5(call, body) < 0)
    return -AF_EAWS;
  if (body.len > POLICY_MAX)
    return cs_fail(call, 400, "PolicyTooLarge", "Policy exceeds the maximum allowed document size.");
  if (cs_s3_policy_take(call->sim, bucket, body, &document, &err) < 0)
    return cs_fail(call, 400, "MalformedPolicy", "%s", err.message);
  if (bucket->block_public && cs_s3_policy_public(document)) {
    json_decref(document);
    return cs_fail(call, 403, "AccessDenied", "Access Denied"); /* BlockPublicPolicy */
  }
  cs_s3_policy_add(bucket, document, call->sim_ms, cs_s3_effect_ms(call));
  reply->status = 204;
  return 0;
}

int cs_s3_delete_policy(struct cs_call *call, struct cs_reply *reply) {
  cs_s3_policy_add(call->s3->bucket, NULL, call->sim_ms, cs_s3_effect_ms(call));
  reply->status = 204;
  return 0;
}
