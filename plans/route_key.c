/* Keys: can the target's be used, do the source's stand in the way (rules.md 3)? */
#include "plans/survey.h"

#include "plans/shape.h"

static bool refuse_target(const struct af_survey *s, struct af_decision *d, enum af_class class, const char *code,
                          const char *what, const char *detail, const char *hint) {
  af_error_set(&d->refusal, 0, class, code, "the target key %s %s%s", s->spec->kms_key, what, detail);
  af_error_hint(&d->refusal, "%s", hint);
  const char *arn = af_json_str(s->facts->target_key, "Arn");
  af_refusal_of_key(&d->refusal, s->facts->target_key, s->facts->target_account, s->spec->target.region, *arn ? arn : s->spec->kms_key);
  return true;
}

void af_refusal_at(struct af_error *e, const char *action, const char *account, const char *region, const char *resource) {
  if (!*e->action) AF_COPY(e->action, af_str(action));
  if (!*e->account) AF_COPY(e->account, af_str(account));
  if (!*e->region) AF_COPY(e->region, af_str(region));
  if (!*e->resource) AF_COPY(e->resource, af_str(resource));
}

void af_refusal_of_key(struct af_error *e, const json_t *key, const char *account, const char *region, const char *resource) {
  af_refusal_at(e, "kms:DescribeKey", account, region, resource);
  e->http_status = (int)af_json_int(key, "HttpStatus");
  AF_COPY(e->request_id, af_str(af_json_str(key, "RequestId")));
}

/* What a key that is not enabled needs, by its state. */
static const char *mend(const char *state) {
  static const struct {
    const char *state, *hint;
  } hints[] = {
      {"Disabled", "enable the key (EnableKey), then retry"},
      {"PendingDeletion", "cancel its deletion (CancelKeyDeletion) and enable it, then retry"},
      {"PendingReplicaDeletion", "cancel its deletion (CancelKeyDeletion) and enable it, then retry"},
      {"PendingImport", "import its key material, then retry"},
      {"Unavailable", "connect its custom key store, then retry"},
      {"", "wait until the key is enabled, then retry"},
  };
  size_t i = 0;
  while (*hints[i].state && !af_streq(hints[i].state, state))
    i++;
  return hints[i].hint;
}

static bool refuses_unreadable(const struct af_survey *s, struct af_decision *d) {
  const json_t *key = s->facts->target_key;
  const char *error = key ? af_json_str(key, "Error") : "NotDescribed", *arn = key ? af_json_str(key, "Arn") : "";
  if (!*error && *arn)
    return false;
  if (af_streq(error, "NotFoundException") || af_streq(error, "InvalidArnException"))
    return refuse_target(s, d, AF_CLASS_INVALID, "TargetKeyNotFound", "is not there", "",
                         "write a customer key of the target account and Region into target.kms_key");
  return refuse_target(s, d, AF_CLASS_AUTH, "TargetKeyUnreadable", "could not be described: ", *error ? error : "it has no ARN",
                       "give the target credentials kms:DescribeKey on it, then retry");
}

static bool refuses_place(const struct af_survey *s, struct af_decision *d) {
  struct af_arn arn;
  char region[32], account[16];
  if (!af_arn_split(af_str(af_json_str(s->facts->target_key, "Arn")), &arn))
    return refuse_target(s, d, AF_CLASS_AUTH, "TargetKeyUnreadable", "could not be described: ", "it has no proper ARN",
                         "give the target credentials kms:DescribeKey on it, then retry");
  AF_COPY(region, arn.region);
  AF_COPY(account, arn.account);
  if (!af_streq(region, s->spec->target.region))
    return refuse_target(s, d, AF_CLASS_INVALID, "TargetKeyOtherRegion", "is not in the target's Region but in ", region,
                         "write a key of the target's Region into target.kms_key");
  if (!af_streq(account, s->facts->target_account))
    return refuse_target(s, d, AF_CLASS_INVALID, "TargetKeyOtherAccount", "is not the target account's but a key of ", account,
                         "write a key of the target account into target.kms_key");
  return false;
}

/* EBS takes symmetric encryption keys only. Older endpoints call the spec by its former name. */
static bool refuses_kind(const struct af_survey *s, struct af_decision *d) {
  const json_t *key = s->facts->target_key;
  const char *spec = af_json_str(key, "KeySpec"), *usage = af_json_str(key, "KeyUsage"), *state = af_json_str(key, "KeyState");
  if (!*spec)
    spec = af_json_str(key, "CustomerMasterKeySpec");
  if (*spec && !af_streq(spec, "SYMMETRIC_DEFAULT"))
    return refuse_target(s, d, AF_CLASS_INVALID, "TargetKeyNotSymmetric", "is not symmetric but ", spec,
                         "write a symmetric encryption key into target.kms_key: EBS takes no other");
  if (*usage && !af_streq(usage, "ENCRYPT_DECRYPT"))
    return refuse_target(s, d, AF_CLASS_INVALID, "TargetKeyUsage", "is not for encryption but for ", usage,
                         "write a symmetric encryption key into target.kms_key: EBS takes no other");
  if (!af_streq(state, "Enabled"))
    return refuse_target(s, d, AF_CLASS_AUTH, "TargetKeyNotEnabled", "is not enabled but ", *state ? state : "in no known state",
                         mend(state));
  return false;
}

bool af_route_refuses_key(const struct af_survey *s, struct af_decision *d) {
  if (!s->spec->kms_key)
    return false;
  if (refuses_unreadable(s, d) || refuses_place(s, d) || refuses_kind(s, d))
    return true;
  AF_COPY(d->key_arn, af_str(af_json_str(s->facts->target_key, "Arn")));
  d->encrypt = true;
  return false;
}

bool af_route_refuses_source_key(const struct af_survey *s, struct af_decision *d) {
  bool shared = s->ownership == AF_OWNER_SOURCE;
  if (shared && s->under_aws) {
    af_error_set(&d->refusal, 0, AF_CLASS_REFUSED, "SourceUnderAwsManagedKey",
                 "%s is encrypted under the AWS managed key of account %s, which can be shared with nobody",
                 af_json_str(s->under_aws, "SnapshotId"), s->owner);
    af_error_hint(&d->refusal, "re-encrypt it in account %s first: copy %s there under a customer key, and then copy that image",
                  s->owner, s->image_id);
    af_refusal_at(&d->refusal, "", s->owner, s->spec->source.region, af_json_str(s->under_aws, "SnapshotId"));
    return true;
  }
  if (shared && s->under_unknown) {
    const char *arn = af_json_str(s->under_unknown, "KmsKeyId");
    const char *why = af_json_str(af_json_find(s->facts->source_keys, "Arn", arn), "Error");
    af_error_set(&d->refusal, 0, AF_CLASS_AUTH, "SourceKeyUnreadable", "the key %s of %s could not be described: %s",
                 *arn ? arn : "(unknown)", af_json_str(s->under_unknown, "SnapshotId"), *why ? why : "it is not among the facts");
    af_error_hint(&d->refusal, "give the source credentials kms:DescribeKey on it, then retry");
    af_refusal_of_key(&d->refusal, af_json_find(s->facts->source_keys, "Arn", arn), s->owner, s->spec->source.region, arn);
    return true;
  }
  if (s->idle_key) {
    const char *state = af_json_str(s->idle_key, "KeyState");
    af_error_set(&d->refusal, 0, AF_CLASS_AUTH, "SourceKeyNotEnabled", "the source's key %s is %s: nothing under it can be read",
                 af_json_str(s->idle_key, "Arn"), *state ? state : "in no known state");
    af_error_hint(&d->refusal, "%s", mend(state));
    af_refusal_of_key(&d->refusal, s->idle_key, s->owner, s->spec->source.region, af_json_str(s->idle_key, "Arn"));
    return true;
  }
  return false;
}
