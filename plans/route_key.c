/* Keys: can those that the manifest names be used, do the source's stand in the way (rules.md 3)? */
#include "plans/survey.h"

#include <stdio.h>

#include "plans/shape.h"

/* --- refusals --- */

bool af_refuse_hint(struct af_error *e, const char *format, ...) {
  char text[sizeof e->hint];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  af_error_hint(e, "%s", text);
  return true;
}

void af_refusal_at(struct af_error *e, const char *action, const char *account, const char *region, const char *resource) {
  if (!*e->action)
    AF_ERROR_TEXT(e->action, af_str(action));
  if (!*e->account)
    AF_ERROR_TEXT(e->account, af_str(account));
  if (!*e->region)
    AF_ERROR_TEXT(e->region, af_str(region));
  if (!*e->resource)
    AF_ERROR_TEXT(e->resource, af_str(resource));
}

void af_refusal_of_key(struct af_error *e, const json_t *key, const char *account, const char *region, const char *resource) {
  af_refusal_at(e, "kms:DescribeKey", account, region, resource);
  e->http_status = (int)af_json_int(key, "HttpStatus");
  AF_ERROR_TEXT(e->request_id, af_str(af_json_str(key, "RequestId")));
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

/* --- keys that the manifest names --- */

/* A key by what it is for. What is wrong with it is said in these words. */
struct named_key {
  const char *code, *title; /* "TargetKey", "target" */
  const char *field;        /* of the manifest */
  const char *text;         /* what the manifest says there */
  const json_t *key;        /* what was read of it */
  const char *side, *place; /* whose it is to be, and in whose Region: "target", "source" */
  const char *account, *region;
};

static bool refuse_key(const struct named_key *k, struct af_error *e, enum af_class class, const char *what, const char *why,
                       const char *detail, const char *hint) {
  char code[64];
  const char *arn = af_json_str(k->key, "Arn");
  snprintf(code, sizeof code, "%s%s", k->code, what);
  af_error_set(e, 0, class, code, "the %s key %s %s%s", k->title, k->text, why, detail);
  af_error_hint(e, "%s", hint);
  af_refusal_of_key(e, k->key, k->account, k->region, *arn ? arn : k->text);
  return true;
}

static bool refuses_unreadable(const struct named_key *k, struct af_error *e) {
  const char *error = k->key ? af_json_str(k->key, "Error") : "NotDescribed";
  struct af_arn arn;
  char hint[160];
  if (!*error && af_arn_split(af_str(af_json_str(k->key, "Arn")), &arn))
    return false;
  if (af_streq(error, "NotFoundException") || af_streq(error, "InvalidArnException")) {
    snprintf(hint, sizeof hint, "write a customer key of the %s account and the %s's Region into %s", k->side, k->place,
             k->field);
    return refuse_key(k, e, AF_CLASS_INVALID, "NotFound", "is not there", "", hint);
  }
  if (!*error)
    error = *af_json_str(k->key, "Arn") ? "it has no proper ARN" : "it has no ARN";
  snprintf(hint, sizeof hint, "give the %s credentials kms:DescribeKey on it, then retry", k->side);
  return refuse_key(k, e, AF_CLASS_AUTH, "Unreadable", "could not be described: ", error, hint);
}

static bool refuses_place(const struct named_key *k, struct af_error *e) {
  struct af_arn arn;
  char region[32], account[16], why[80], hint[160];
  if (!af_arn_split(af_str(af_json_str(k->key, "Arn")), &arn))
    return false;
  AF_COPY(region, arn.region);
  AF_COPY(account, arn.account);
  if (!af_streq(region, k->region)) {
    snprintf(why, sizeof why, "is not in the %s's Region but in ", k->place);
    snprintf(hint, sizeof hint, "write a key of the %s's Region into %s", k->place, k->field);
    return refuse_key(k, e, AF_CLASS_INVALID, "OtherRegion", why, region, hint);
  }
  if (!af_streq(account, k->account)) {
    snprintf(why, sizeof why, "is not the %s account's but a key of ", k->side);
    snprintf(hint, sizeof hint, "write a key of the %s account into %s", k->side, k->field);
    return refuse_key(k, e, AF_CLASS_INVALID, "OtherAccount", why, account, hint);
  }
  return false;
}

/* EBS takes symmetric encryption keys only. Older endpoints call the spec by its former name. */
static bool refuses_kind(const struct named_key *k, struct af_error *e) {
  const char *spec = af_json_str(k->key, "KeySpec"), *usage = af_json_str(k->key, "KeyUsage"),
             *state = af_json_str(k->key, "KeyState");
  char hint[160];
  snprintf(hint, sizeof hint, "write a symmetric encryption key into %s: EBS takes no other", k->field);
  if (!*spec)
    spec = af_json_str(k->key, "CustomerMasterKeySpec");
  if (*spec && !af_streq(spec, "SYMMETRIC_DEFAULT"))
    return refuse_key(k, e, AF_CLASS_INVALID, "NotSymmetric", "is not symmetric but ", spec, hint);
  if (*usage && !af_streq(usage, "ENCRYPT_DECRYPT"))
    return refuse_key(k, e, AF_CLASS_INVALID, "Usage", "is not for encryption but for ", usage, hint);
  if (!af_streq(state, "Enabled"))
    return refuse_key(k, e, AF_CLASS_AUTH, "NotEnabled", "is not enabled but ", *state ? state : "in no known state",
                      mend(state));
  return false;
}

static bool refuses_named(const struct named_key *k, struct af_error *e) {
  return refuses_unreadable(k, e) || refuses_place(k, e) || refuses_kind(k, e);
}

/* What is stored in S3 is not encrypted by its copy, whatever key is named (rules.md 5). */
bool af_route_refuses_key(const struct af_survey *s, struct af_decision *d) {
  const struct named_key k = {"TargetKey", "target", "target.kms_key",         s->spec->kms_key,      s->facts->target_key,
                              "target",    "target", s->facts->target_account, s->spec->target.region};
  if (!k.text || s->instance_store)
    return false;
  if (refuses_named(&k, &d->refusal))
    return true;
  AF_COPY(d->key_arn, af_str(af_json_str(k.key, "Arn")));
  d->encrypt = true;
  return false;
}

bool af_route_refuses_launch_key(const struct af_survey *s, struct af_error *ret) {
  const struct named_key k = {"LaunchKey", "launch", "launch.kms_key",         s->spec->launch_key,   s->facts->launch_key,
                              "target",    "source", s->facts->target_account, s->spec->source.region};
  return k.text && refuses_named(&k, ret);
}

/* --- the source's keys --- */

/* Nobody else can be let use aws/ebs. Who owns the source can put its storage under another key first; nobody else can. */
static bool refuses_bridge(const struct af_survey *s, struct af_decision *d) {
  const struct named_key k = {"BridgeKey", "bridge", "source.bridge_key",      s->spec->bridge_key,   s->facts->bridge_key,
                              "source",    "source", s->facts->source_account, s->spec->source.region};
  const char *snapshot = af_json_str(s->under_aws, "SnapshotId");
  bool ours = s->ownership == AF_OWNER_SOURCE;
  if (!ours || !k.text) {
    AF_REFUSE(&d->refusal, INVALID, "SourceUnderAwsManagedKey",
              "%s is encrypted under the AWS managed key of account %s, which can be shared with nobody", snapshot, s->owner);
    d->refusal.class = ours ? AF_CLASS_INVALID : AF_CLASS_REFUSED;
    af_refusal_at(&d->refusal, "", s->owner, s->spec->source.region, snapshot);
    return ours
               ? af_refuse_hint(
                     &d->refusal,
                     "write source.bridge_key: a customer key of account %s in %s, under which a temporary AMI is made "
                     "there on the way",
                     s->owner, s->spec->source.region)
               : af_refuse_hint(&d->refusal, "ask account %s to copy %s under a customer key, and to share that copy and the key",
                                s->owner, s->image_id);
  }
  if (refuses_named(&k, &d->refusal))
    return true;
  if (af_streq(af_json_str(k.key, "KeyManager"), "AWS"))
    return refuse_key(&k, &d->refusal, AF_CLASS_INVALID, "AwsManaged",
                      "is an AWS managed key too: ", "it can be shared with nobody",
                      "write a customer key into source.bridge_key");
  d->bridge = true;
  AF_COPY(d->bridge_key_arn, af_str(af_json_str(k.key, "Arn")));
  return false;
}

static bool refuses_unknown(const struct af_survey *s, struct af_decision *d) {
  const char *arn = af_json_str(s->under_unknown, "KmsKeyId"), *who = s->facts->pull ? "target" : "source";
  const json_t *key = af_json_find(s->facts->source_keys, "Arn", arn);
  const char *why = af_json_str(key, "Error"), *read_by = s->facts->pull ? s->facts->target_account : s->facts->source_account;
  AF_REFUSE(&d->refusal, AUTH, "SourceKeyUnreadable", "the key %s of %s could not be described: %s", *arn ? arn : "(unknown)",
            af_json_str(s->under_unknown, "SnapshotId"), *why ? why : "it is not among the facts");
  af_refusal_of_key(&d->refusal, key, read_by, s->spec->source.region, arn);
  return s->ownership == AF_OWNER_TRUSTED
             ? af_refuse_hint(
                   &d->refusal,
                   "ask the key's owner to share it with account %s, and give the %s credentials kms:DescribeKey on it, "
                   "then retry",
                   s->facts->target_account, who)
             : af_refuse_hint(&d->refusal, "give the %s credentials kms:DescribeKey on it, then retry", who);
}

static bool refuses_idle(const struct af_survey *s, struct af_decision *d) {
  const char *state = af_json_str(s->idle_key, "KeyState"), *arn = af_json_str(s->idle_key, "Arn");
  AF_REFUSE(&d->refusal, AUTH, "SourceKeyNotEnabled", "the source's key %s is %s: nothing under it can be read", arn,
            *state ? state : "in no known state");
  af_refusal_of_key(&d->refusal, s->idle_key, s->owner, s->spec->source.region, arn);
  return af_refuse_hint(&d->refusal, "%s", mend(state));
}

bool af_route_refuses_source_key(const struct af_survey *s, struct af_decision *d) {
  bool anothers = s->ownership != AF_OWNER_TARGET;
  return (anothers && s->under_aws && refuses_bridge(s, d)) || (anothers && s->under_unknown && refuses_unknown(s, d)) ||
         (s->idle_key && refuses_idle(s, d));
}
