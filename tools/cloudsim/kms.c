/* KMS's front door: JSON 1.1 in and out (rules.md 8), the checks that every call shares, and the calls on keys. Grants are in
 * kms_grant.c, who may use a key in kms_key.c. Owns the request rates. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/front.h"

enum { DAY_MS = 86400000, POLICY_MAX = 32768 };

/* ---- members ---- */

enum member_type { M_TEXT, M_INT, M_BOOL, M_LIST, M_MAP };
struct member {
  const char *name;
  enum member_type type;
  bool required;
  int64_t min, max;  /* length of a text, value of a number, items of a list */
  const char *extra; /* allowed in a text besides letters, digits and _ ; NULL: anything */
};
#define KEY_ID \
  { "KeyId", M_TEXT, true, 1, 2048, NULL }
#define GRANT_TOKENS \
  { "GrantTokens", M_LIST, false, 0, 10, NULL }
#define DRY_RUN \
  { "DryRun", M_BOOL, false, 0, 0, NULL }
#define LIMIT \
  { "Limit", M_INT, false, 1, 1000, NULL }
#define MARKER \
  { "Marker", M_TEXT, false, 1, 1024, NULL }
#define PRINCIPAL(name) \
  { name, M_TEXT, false, 1, 256, "+=,.@:/-" }
#define SERVICE(name) \
  { name, M_TEXT, false, 1, 128, "-." }

static const struct member describe_key_in[] = {KEY_ID, GRANT_TOKENS, {0}};
static const struct member create_grant_in[] = {KEY_ID,
                                                {"Operations", M_LIST, true, 0, 100, NULL},
                                                {"Name", M_TEXT, false, 1, 256, ":/-"},
                                                {"Constraints", M_MAP, false, 0, 0, NULL},
                                                PRINCIPAL("GranteePrincipal"),
                                                PRINCIPAL("RetiringPrincipal"),
                                                SERVICE("GranteeServicePrincipal"),
                                                SERVICE("RetiringServicePrincipal"),
                                                GRANT_TOKENS,
                                                DRY_RUN,
                                                {0}};
static const struct member list_grants_in[] = {KEY_ID,
                                               LIMIT,
                                               MARKER,
                                               {"GrantId", M_TEXT, false, 1, 128, NULL},
                                               PRINCIPAL("GranteePrincipal"),
                                               SERVICE("GranteeServicePrincipal"),
                                               {0}};
static const struct member list_retirable_in[] = {
    PRINCIPAL("RetiringPrincipal"), SERVICE("RetiringServicePrincipal"), LIMIT, MARKER, {0}};
static const struct member retire_in[] = {{"KeyId", M_TEXT, false, 1, 2048, NULL},
                                          {"GrantId", M_TEXT, false, 1, 128, NULL},
                                          {"GrantToken", M_TEXT, false, 1, 8192, NULL},
                                          DRY_RUN,
                                          {0}};
static const struct member revoke_in[] = {KEY_ID, {"GrantId", M_TEXT, true, 1, 128, NULL}, DRY_RUN, {0}};
static const struct member data_key_in[] = {KEY_ID,
                                            {"KeySpec", M_TEXT, false, 1, 16, NULL},
                                            {"NumberOfBytes", M_INT, false, 1, 1024, NULL},
                                            {"EncryptionContext", M_MAP, false, 0, 0, NULL},
                                            GRANT_TOKENS,
                                            DRY_RUN,
                                            {0}};
static const struct member get_policy_in[] = {KEY_ID, {"PolicyName", M_TEXT, false, 1, 128, ""}, {0}};
static const struct member put_policy_in[] = {KEY_ID,
                                              {"PolicyName", M_TEXT, false, 1, 128, ""},
                                              {"Policy", M_TEXT, true, 1, POLICY_MAX, NULL},
                                              {"BypassPolicyLockoutSafetyCheck", M_BOOL, false, 0, 0, NULL},
                                              {0}};
static const struct member list_aliases_in[] = {{"KeyId", M_TEXT, false, 1, 2048, NULL}, LIMIT, MARKER, {0}};
static const struct member list_keys_in[] = {LIMIT, MARKER, {0}};
static const struct member key_only_in[] = {KEY_ID, {0}};
static const struct member deletion_in[] = {KEY_ID, {"PendingWindowInDays", M_INT, false, 7, 30, NULL}, {0}};
static const struct member create_key_in[] = {{"Policy", M_TEXT, false, 1, POLICY_MAX, NULL},
                                              {"Description", M_TEXT, false, 0, 8192, NULL},
                                              {"KeySpec", M_TEXT, false, 1, 64, NULL},
                                              {"KeyUsage", M_TEXT, false, 1, 64, NULL},
                                              {"MultiRegion", M_BOOL, false, 0, 0, NULL},
                                              {"Tags", M_LIST, false, 0, 50, NULL},
                                              {0}};
static const struct member create_alias_in[] = {
    {"AliasName", M_TEXT, true, 1, 256, ":/-"}, {"TargetKeyId", M_TEXT, true, 1, 2048, NULL}, {0}};

/* keyId, as KMS's messages write it */
static void member_name(char out[64], const char *name) {
  af_str_copy(out, 64, af_str(name));
  out[0] = (char)(out[0] >= 'A' && out[0] <= 'Z' ? out[0] + 32 : out[0]);
}

static int invalid(struct cs_call *call, const char *name, const char *format, long long bound) {
  char member[64], constraint[120];
  member_name(member, name);
  if (bound >= 0)
    snprintf(constraint, sizeof constraint, "%s than or equal to %lld", format, bound);
  return cs_fail(call, 400, "ValidationException", "1 validation error detected: Value at '%s' failed to satisfy constraint: %s",
                 member, bound >= 0 ? constraint : format);
}

static bool of_type(const json_t *v, enum member_type type) {
  switch (type) {
    case M_TEXT:
      return json_is_string(v);
    case M_INT:
      return json_is_integer(v);
    case M_BOOL:
      return json_is_boolean(v);
    case M_LIST:
      return json_is_array(v);
    case M_MAP:
      return json_is_object(v);
  }
  return false;
}

static int check_member(struct cs_call *call, const json_t *in, const struct member *m) {
  const json_t *v = json_object_get(in, m->name);
  if (!v || json_is_null(v))
    return m->required ? invalid(call, m->name, "Member must not be null", -1) : 0;
  if (!of_type(v, m->type))
    return cs_fail(call, 400, "SerializationException", "Unexpected type of %s", m->name);
  const char *text = json_string_value(v);
  int64_t size = m->type == M_TEXT  ? (int64_t)json_string_length(v)
                 : m->type == M_INT ? json_integer_value(v)
                                    : (int64_t)json_array_size(v);
  bool sized = m->type == M_TEXT || m->type == M_INT || m->type == M_LIST;
  if (sized && size < m->min)
    return invalid(call, m->name, m->type == M_INT ? "Member must have value greater" : "Member must have length greater",
                   m->min);
  if (sized && size > m->max)
    return invalid(call, m->name, m->type == M_INT ? "Member must have value less" : "Member must have length less", m->max);
  if (text && m->extra && !cs_of_charset(text, m->extra))
    return invalid(call, m->name, "Member must satisfy regular expression pattern", -1);
  return 0;
}

const char *cs_kms_text(const struct cs_kms_call *k, const char *member) {
  return json_string_value(json_object_get(k->in, member));
}

/* ---- keys in calls ---- */

/* The Region and account that an ARN names, or the caller's own. */
static void place_of(const struct cs_call *call, const char *text, char region[32], char account[16]) {
  af_str_copy(region, 32, af_str(call->region->name));
  af_str_copy(account, 16, af_str(call->caller.account));
  if (strncmp(text, "arn:", 4) != 0)
    return;
  for (int i = 0; i < 5; i++) {
    const char *colon = strchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : strlen(text);
    if (i == 3)
      af_str_copy(region, 32, af_str_n(text, n));
    if (i == 4)
      af_str_copy(account, 16, af_str_n(text, n));
    text += colon ? n + 1 : n;
  }
}

static int denied(struct cs_call *call, const char *operation, const char *resource, const char *why) {
  return cs_fail(call, 400, "AccessDeniedException", "User: %s is not authorized to perform: kms:%s on resource: %s %s",
                 call->caller.arn, operation, resource, why);
}

/* To a stranger, a key that isn't there and one that isn't his look alike. */
static const char foreign[] =
    "because the resource does not exist in this Region, no resource-based policies allow access, or a "
    "resource-based policy explicitly denies access";

static void not_found(struct cs_call *call, const char *text, const char *region, const char *account) {
  bool arn = strncmp(text, "arn:", 4) == 0, alias = strstr(text, "alias/") != NULL;
  if (strcmp(account, call->caller.account) != 0)
    denied(call, call->action, text, foreign);
  else if (alias)
    cs_fail(call, 400, "NotFoundException", "Alias %s%s%s%s%s%s is not found.", arn ? "" : "arn:aws:kms:", arn ? "" : region,
            arn ? "" : ":", arn ? "" : account, arn ? "" : ":", text);
  else if (arn || strlen(text) == 36 || strncmp(text, "mrk-", 4) == 0)
    cs_fail(call, 400, "NotFoundException", "Key '%s%s%s%s%s%s' does not exist", arn ? "" : "arn:aws:kms:", arn ? "" : region,
            arn ? "" : ":", arn ? "" : account, arn ? "" : ":key/", text);
  else
    cs_fail(call, 400, "NotFoundException", "Invalid keyId '%s'", text);
}

struct cs_key *cs_kms_resolve(struct cs_kms_call *k, enum cs_key_form form) {
  struct cs_call *call = k->call;
  const char *text = cs_kms_text(k, "KeyId");
  char region[32], account[16];
  if (!text) {
    invalid(call, "KeyId", "Member must not be null", -1);
    return NULL;
  }
  place_of(call, text, region, account);
  const char *alias = strstr(text, "alias/");
  if (form == CS_NO_ALIAS && alias && (alias == text || alias[-1] == ':')) {
    cs_fail(call, 400, "InvalidArnException", "Key Aliases are not supported for this operation.");
    return NULL;
  }
  if (strcmp(region, call->region->name) != 0) {
    cs_fail(call, 400, "NotFoundException", "Invalid arn %s", region);
    return NULL;
  }
  /* An AWS managed key is made when it is first looked at by its alias. */
  if (strcmp(text, "alias/aws/ebs") == 0)
    return cs_kms_default_ebs_key(call->sim, account, region);
  struct cs_key *key = cs_kms_key_find(call->sim, region, call->caller.account, text);
  if (!key)
    not_found(call, text, region, account);
  else if (form == CS_OWN_KEY && strcmp(key->account, call->caller.account) != 0)
    denied(call, call->action, key->arn, foreign);
  return call->failure.status ? NULL : key;
}

static int check_grant_tokens(struct cs_kms_call *k) {
  const json_t *tokens = json_object_get(k->in, "GrantTokens");
  const struct cs_kms *kms = k->call->sim->kms;
  size_t i;
  json_t *token;
  json_array_foreach (tokens, i, token) {
    bool found = false;
    for (size_t t = 0; t < kms->n_tokens; t++)
      found = found || af_streq(kms->tokens[t].text, json_string_value(token));
    if (!found)
      return cs_fail(k->call, 400, "InvalidGrantTokenException", "Invalid grant token");
  }
  return 0;
}

int cs_kms_authorize(struct cs_kms_call *k, struct cs_key *key, const char *operation, json_t *context,
                     const struct cs_grant **ret_grant) {
  int rc = check_grant_tokens(k);
  struct cs_key_use use = {.operation = operation,
                           .caller = &k->call->caller,
                           .key = key,
                           .sim_ms = k->call->sim_ms,
                           .tokens = json_object_get(k->in, "GrantTokens"),
                           .encryption_context = json_object_get(k->in, "EncryptionContext"),
                           .context = context};
  enum cs_key_answer answer = rc == 0 ? cs_key_allowed(k->call->sim, &use, ret_grant) : CS_KEY_DENIED;
  json_decref(context);
  if (rc < 0 || answer != CS_KEY_DENIED)
    return rc;
  bool own = strcmp(key->account, k->call->caller.account) == 0;
  return denied(k->call, operation, key->arn,
                own ? "because no identity-based policy, resource-based policy or grant allows the action" : foreign);
}

int cs_kms_usable(struct cs_kms_call *k, const struct cs_key *key) {
  const char *state = cs_more(key)->state;
  if (strcmp(state, "Enabled") == 0)
    return 0;
  if (strcmp(state, "Disabled") == 0)
    return cs_fail(k->call, 400, "DisabledException", "%s is disabled.", key->arn);
  if (strcmp(state, "PendingDeletion") == 0)
    return cs_fail(k->call, 400, "KMSInvalidStateException", "%s is pending deletion.", key->arn);
  return cs_fail(k->call, 400, "KMSInvalidStateException", "%s is in state %s, which is not valid for %s.", key->arn, state,
                 k->call->action);
}

int cs_kms_dry_run(struct cs_kms_call *k) {
  if (!json_is_true(json_object_get(k->in, "DryRun")))
    return 0;
  return cs_fail(k->call, 400, "DryRunOperationException", "The request would have succeeded, but the DryRun option is set.");
}

/* ---- pages ---- */

static const char marker_prefix[] = "AE0AAAACAHMAAAAJ";

int cs_kms_page(struct cs_kms_call *k, int64_t limit_default, int64_t limit_max, size_t *ret_first, size_t *ret_limit) {
  const json_t *limit = json_object_get(k->in, "Limit");
  const char *marker = cs_kms_text(k, "Marker");
  uint64_t first = 0;
  int64_t n = limit ? json_integer_value(limit) : limit_default;
  if (n > limit_max)
    return invalid(k->call, "Limit", "Member must have value less", limit_max);
  if (marker && (strncmp(marker, marker_prefix, strlen(marker_prefix)) != 0 ||
                 af_str_to_u64(af_str(marker + strlen(marker_prefix)), &first) < 0))
    return cs_fail(k->call, 400, "InvalidMarkerException", "Could not deserialize marker '%.64s'", marker);
  *ret_first = (size_t)first;
  *ret_limit = (size_t)n;
  return 0;
}

void cs_kms_page_end(struct cs_kms_call *k, bool more, size_t next) {
  char marker[64];
  json_object_set_new(k->out, "Truncated", json_boolean(more));
  if (!more)
    return;
  snprintf(marker, sizeof marker, "%s%zu", marker_prefix, next);
  json_object_set_new(k->out, "NextMarker", json_string(marker));
}

/* ---- calls on keys ---- */

static json_t *epoch(int64_t ms) {
  return json_real((double)ms / 1000.0);
}

static json_t *metadata(const struct cs_key *key) {
  const struct cs_key_more *more = cs_more(key);
  bool symmetric = strcmp(more->spec, "SYMMETRIC_DEFAULT") == 0;
  json_t *m = json_pack("{s:s, s:s, s:s, s:o, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "AWSAccountId", key->account,
                        "KeyId", key->id, "Arn", key->arn, "CreationDate", epoch(more->created_ms), "Enabled",
                        strcmp(more->state, "Enabled") == 0, "Description", more->description, "KeyUsage", more->usage,
                        "KeyState", more->state, "Origin", more->origin, "KeyManager", key->aws_managed ? "AWS" : "CUSTOMER",
                        "CustomerMasterKeySpec", more->spec, "KeySpec", more->spec, "MultiRegion", more->multi_region != NULL);
  if (symmetric)
    json_object_set_new(m, "EncryptionAlgorithms", json_pack("[s]", "SYMMETRIC_DEFAULT"));
  if (strcmp(more->state, "PendingDeletion") == 0)
    json_object_set_new(m, "DeletionDate", epoch(more->deletion_ms));
  if (more->multi_region) {
    const char *primary = more->primary_arn ? more->primary_arn : key->arn;
    char region[32];
    const char *colon = strstr(primary, ":kms:");
    AF_COPY(region, colon ? af_str_n(colon + 5, strcspn(colon + 5, ":")) : af_str(key->region));
    json_object_set_new(m, "MultiRegionConfiguration",
                        json_pack("{s:s, s:{s:s, s:s}, s:[]}", "MultiRegionKeyType", more->multi_region, "PrimaryKey", "Arn",
                                  primary, "Region", region, "ReplicaKeys"));
  }
  return m;
}

static void describe_key(struct cs_kms_call *k) {
  struct cs_key *key = cs_kms_resolve(k, CS_ANY_KEY_FORM);
  if (key && cs_kms_authorize(k, key, "DescribeKey", NULL, NULL) == 0)
    json_object_set_new(k->out, "KeyMetadata", metadata(key));
}

static void generate_data_key(struct cs_kms_call *k) {
  struct cs_key *key = cs_kms_resolve(k, CS_ANY_KEY_FORM);
  const char *spec = cs_kms_text(k, "KeySpec");
  if (!key)
    return;
  if (!spec == !json_object_get(k->in, "NumberOfBytes")) {
    cs_fail(k->call, 400, "ValidationException", "Please specify either number of bytes or key spec.");
    return;
  }
  if (spec && strcmp(spec, "AES_256") != 0 && strcmp(spec, "AES_128") != 0) {
    invalid(k->call, "KeySpec", "Member must satisfy enum value set: [AES_256, AES_128]", -1);
    return;
  }
  if (cs_kms_authorize(k, key, "GenerateDataKeyWithoutPlaintext", NULL, NULL) < 0 || cs_kms_usable(k, key) < 0)
    return;
  if (!key->enabled) {
    cs_fail(k->call, 400, "InvalidKeyUsageException",
            "%s key usage is %s which is not valid for GenerateDataKeyWithoutPlaintext.", key->arn, cs_more(key)->usage);
    return;
  }
  if (cs_kms_dry_run(k) < 0)
    return;
  char blob[249] = "AQIDAHh"; /* what such blobs begin with; base64, and nobody can open it */
  for (size_t i = 7; i < 248; i++)
    blob[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[af_random_below(
        &k->call->sim->kms->random.random, 64)];
  json_object_set_new(k->out, "CiphertextBlob", json_string(blob));
  json_object_set_new(k->out, "KeyId", json_string(key->arn));
}

static int check_policy_name(struct cs_kms_call *k) {
  const char *name = cs_kms_text(k, "PolicyName");
  return !name || strcmp(name, "default") == 0 ? 0 : cs_fail(k->call, 400, "NotFoundException", "No such policy exists");
}

static void get_key_policy(struct cs_kms_call *k) {
  struct cs_key *key = cs_kms_resolve(k, CS_OWN_KEY);
  if (!key || cs_kms_authorize(k, key, "GetKeyPolicy", NULL, NULL) < 0 || check_policy_name(k) < 0)
    return;
  json_object_set_new(k->out, "Policy", json_string(cs_more(key)->policies[cs_more(key)->n_policies - 1].text));
  json_object_set_new(k->out, "PolicyName", json_string("default"));
}

static int check_policy_principals(struct cs_kms_call *k, const json_t *document) {
  size_t i, j;
  json_t *statement, *item;
  json_array_foreach (json_object_get(document, "Statement"), i, statement) {
    const json_t *aws = json_object_get(json_object_get(statement, "Principal"), "AWS");
    json_t *list = json_is_array(aws) ? json_deep_copy(aws) : aws ? json_pack("[O]", aws) : json_array();
    bool known = true;
    json_array_foreach (list, j, item) {
      const char *arn = json_string_value(item);
      char region[32], account[16];
      place_of(k->call, arn, region, account);
      bool person = strstr(arn, ":user/") || strstr(arn, ":role/");
      if (person && cs_account_find(k->call->sim, account) && !cs_principal_find(k->call->sim, arn))
        known = false;
    }
    json_decref(list);
    if (!known)
      return cs_fail(k->call, 400, "MalformedPolicyDocumentException",
                     "Policy contains a statement with one or more invalid principals.");
  }
  return 0;
}

/* Would the caller still be able to change the policy? KMS refuses to be locked out. */
static int check_lockout(struct cs_kms_call *k, const json_t *document) {
  if (json_is_true(json_object_get(k->in, "BypassPolicyLockoutSafetyCheck")))
    return 0;
  struct cs_context context = {.values = cs_context_values(&k->call->caller, k->call->region->name)};
  struct cs_ask ask = {.who = cs_who_of(&k->call->caller), .action = "kms:PutKeyPolicy", .resource = "*", .context = &context};
  enum cs_verdict v = cs_policy_says(document, &ask, CS_POLICY_RESOURCE);
  json_decref(context.values);
  if (v == CS_ALLOW || v == CS_ALLOW_ACCOUNT)
    return 0;
  return cs_fail(k->call, 400, "MalformedPolicyDocumentException",
                 "The new key policy will not allow you to update the key policy in the future.");
}

static int check_policy(struct cs_kms_call *k, const char *text) {
  struct af_error err;
  json_t *document;
  if (cs_policy_parse(&document, af_str(text), CS_POLICY_RESOURCE, &err) < 0)
    return cs_fail(k->call, 400, "MalformedPolicyDocumentException", "%s", err.message);
  int rc = check_policy_principals(k, document);
  rc = rc ? rc : check_lockout(k, document);
  json_decref(document);
  return rc;
}

static void empty(struct cs_kms_call *k) {
  json_decref(k->out);
  k->out = NULL;
}

static void put_key_policy(struct cs_kms_call *k) {
  struct cs_key *key = cs_kms_resolve(k, CS_OWN_KEY);
  struct cs_sim *sim = k->call->sim;
  const char *text = cs_kms_text(k, "Policy");
  if (!key || cs_kms_authorize(k, key, "PutKeyPolicy", NULL, NULL) < 0 || check_policy_name(k) < 0 || check_policy(k, text) < 0)
    return;
  cs_key_put_policy(key, af_str(text), k->call->sim_ms + cs_draw(&sim->lags, sim->latency.grant_propagation), NULL);
  empty(k);
}

/* Calls that name no key: the identity policies decide alone. */
static int authorize_account(struct cs_kms_call *k) {
  char action[96];
  snprintf(action, sizeof action, "kms:%s", k->call->action);
  struct cs_context context = {.values = cs_context_values(&k->call->caller, k->call->region->name)};
  enum cs_verdict v = cs_identity_says(k->call->sim, &k->call->caller, action, "*", &context);
  json_decref(context.values);
  if (v == CS_ALLOW)
    return 0;
  return cs_fail(k->call, 400, "AccessDeniedException",
                 "User: %s is not authorized to perform: %s because no identity-based policy allows the %s action",
                 k->call->caller.arn, action, action);
}

static bool mine(const struct cs_kms_call *k, const char *account, const char *region) {
  return strcmp(account, k->call->caller.account) == 0 && strcmp(region, k->call->region->name) == 0;
}

static void list_aliases(struct cs_kms_call *k) {
  const struct cs_kms *kms = k->call->sim->kms;
  size_t first, limit, i;
  struct cs_key *key = cs_kms_text(k, "KeyId") ? cs_kms_resolve(k, CS_NO_ALIAS) : NULL;
  if (k->call->failure.status || authorize_account(k) < 0 || cs_kms_page(k, 50, 100, &first, &limit) < 0)
    return;
  json_t *list = json_array();
  json_object_set_new(k->out, "Aliases", list);
  for (i = first; i < kms->n_aliases && json_array_size(list) < limit; i++) {
    const struct cs_alias *a = &kms->aliases[i];
    if (!mine(k, a->account, a->region) || (key && a->key != key))
      continue;
    char arn[512];
    snprintf(arn, sizeof arn, "arn:%s:kms:%s:%s:%s", k->call->region->partition, a->region, a->account, a->name);
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:o}", "AliasName", a->name, "AliasArn", arn, "TargetKeyId",
                                          a->key->id, "CreationDate", epoch(cs_more(a->key)->created_ms), "LastUpdatedDate",
                                          epoch(cs_more(a->key)->created_ms)));
  }
  bool more = false;
  for (size_t j = i; j < kms->n_aliases; j++)
    more = more || (mine(k, kms->aliases[j].account, kms->aliases[j].region) && (!key || kms->aliases[j].key == key));
  cs_kms_page_end(k, more, i);
}

static void list_keys(struct cs_kms_call *k) {
  const struct cs_kms *kms = k->call->sim->kms;
  size_t first, limit, i;
  if (authorize_account(k) < 0 || cs_kms_page(k, 100, 1000, &first, &limit) < 0)
    return;
  json_t *list = json_array();
  json_object_set_new(k->out, "Keys", list);
  for (i = first; i < kms->n_keys && json_array_size(list) < limit; i++)
    if (mine(k, kms->keys[i]->account, kms->keys[i]->region))
      json_array_append_new(list, json_pack("{s:s, s:s}", "KeyId", kms->keys[i]->id, "KeyArn", kms->keys[i]->arn));
  bool more = false;
  for (size_t j = i; j < kms->n_keys; j++)
    more = more || mine(k, kms->keys[j]->account, kms->keys[j]->region);
  cs_kms_page_end(k, more, i);
}

static void create_key(struct cs_kms_call *k) {
  struct cs_sim *sim = k->call->sim;
  const char *policy = cs_kms_text(k, "Policy"), *spec = cs_kms_text(k, "KeySpec"), *usage = cs_kms_text(k, "KeyUsage");
  if (authorize_account(k) < 0 || (policy && check_policy(k, policy) < 0))
    return;
  if (spec && strcmp(spec, "SYMMETRIC_DEFAULT") != 0 && !usage) {
    cs_fail(k->call, 400, "ValidationException", "You must specify a KeyUsage value for an asymmetric KMS key.");
    return;
  }
  struct cs_key *key = cs_key_new(sim, k->call->caller.account, k->call->region->name, NULL);
  if (policy)
    cs_key_put_policy(key, af_str(policy), INT64_MIN, NULL);
  else
    cs_key_put_default_policy(sim, key, INT64_MIN);
  struct cs_key_more *more = cs_more(key);
  more->created_ms = k->call->sim_ms;
  cs_set(&more->description, cs_kms_text(k, "Description") ? cs_kms_text(k, "Description") : "");
  cs_set(&more->spec, spec ? spec : "SYMMETRIC_DEFAULT");
  cs_set(&more->usage, usage ? usage : "ENCRYPT_DECRYPT");
  if (json_is_true(json_object_get(k->in, "MultiRegion")))
    cs_set(&more->multi_region, "PRIMARY");
  cs_key_set_state(key, "Enabled");
  json_object_set_new(k->out, "KeyMetadata", metadata(key));
}

static void create_alias(struct cs_kms_call *k) {
  const char *name = cs_kms_text(k, "AliasName");
  json_object_set(k->in, "KeyId", json_object_get(k->in, "TargetKeyId"));
  struct cs_key *key = cs_kms_resolve(k, CS_OWN_KEY);
  if (!key || cs_kms_authorize(k, key, "CreateAlias", NULL, NULL) < 0)
    return;
  if (strncmp(name, "alias/", 6) != 0 || !name[6] || strncmp(name, "alias/aws/", 10) == 0)
    cs_fail(k->call, 400, strncmp(name, "alias/aws/", 10) == 0 ? "NotAuthorizedException" : "ValidationException",
            "Invalid alias name %s", name);
  else if (cs_alias_find(k->call->sim, key->account, key->region, name))
    cs_fail(k->call, 400, "AlreadyExistsException", "An alias with the name arn:%s:kms:%s:%s:%s already exists",
            k->call->region->partition, key->region, key->account, name);
  else
    cs_alias_add(k->call->sim, name, key);
  empty(k);
}

static void set_state(struct cs_kms_call *k, const char *state) {
  struct cs_key *key = cs_kms_resolve(k, CS_OWN_KEY);
  if (!key || cs_kms_authorize(k, key, k->call->action, NULL, NULL) < 0)
    return;
  if (strcmp(cs_more(key)->state, "PendingDeletion") == 0)
    cs_kms_usable(k, key);
  else
    cs_key_set_state(key, state);
  empty(k);
}
static void disable_key(struct cs_kms_call *k) {
  set_state(k, "Disabled");
}
static void enable_key(struct cs_kms_call *k) {
  set_state(k, "Enabled");
}

static void schedule_key_deletion(struct cs_kms_call *k) {
  struct cs_key *key = cs_kms_resolve(k, CS_OWN_KEY);
  const json_t *days = json_object_get(k->in, "PendingWindowInDays");
  if (!key || cs_kms_authorize(k, key, "ScheduleKeyDeletion", NULL, NULL) < 0)
    return;
  if (strcmp(cs_more(key)->state, "PendingDeletion") == 0) {
    cs_kms_usable(k, key);
    return;
  }
  cs_key_set_state(key, "PendingDeletion");
  cs_more(key)->window_days = days ? json_integer_value(days) : 30;
  cs_more(key)->deletion_ms = k->call->sim_ms + cs_more(key)->window_days * DAY_MS;
  json_object_set_new(k->out, "KeyId", json_string(key->arn));
  json_object_set_new(k->out, "DeletionDate", epoch(cs_more(key)->deletion_ms));
  json_object_set_new(k->out, "KeyState", json_string("PendingDeletion"));
  json_object_set_new(k->out, "PendingWindowInDays", json_integer(cs_more(key)->window_days));
}

static void retire_grant(struct cs_kms_call *k) {
  cs_kms_retire_grant(k);
  empty(k);
}
static void revoke_grant(struct cs_kms_call *k) {
  cs_kms_revoke_grant(k);
  empty(k);
}

/* ---- the table ---- */

static const struct api {
  const char *action;
  const struct member *in;
  void (*handle)(struct cs_kms_call *k);
  int per_s; /* rules.md 3, Quotas; the rest as the documentation has it */
} apis[] = {
    {"DescribeKey", describe_key_in, describe_key, 2000},
    {"CreateGrant", create_grant_in, cs_kms_create_grant, 50},
    {"ListGrants", list_grants_in, cs_kms_list_grants, 100},
    {"ListRetirableGrants", list_retirable_in, cs_kms_list_retirable_grants, 100},
    {"RetireGrant", retire_in, retire_grant, 30},
    {"RevokeGrant", revoke_in, revoke_grant, 30},
    {"GenerateDataKeyWithoutPlaintext", data_key_in, generate_data_key, 10000},
    {"GetKeyPolicy", get_policy_in, get_key_policy, 1000},
    {"PutKeyPolicy", put_policy_in, put_key_policy, 15},
    {"ListAliases", list_aliases_in, list_aliases, 500},
    {"ListKeys", list_keys_in, list_keys, 500},
    {"CreateKey", create_key_in, create_key, 5},
    {"CreateAlias", create_alias_in, create_alias, 5},
    {"EnableKey", key_only_in, enable_key, 5},
    {"DisableKey", key_only_in, disable_key, 5},
    {"ScheduleKeyDeletion", deletion_in, schedule_key_deletion, 15},
};

/* rules.md 3: the caller's quota, also for a key of another account. */
static int take_token(struct cs_call *call, const struct api *api) {
  struct cs_kms *kms = call->sim->kms;
  struct cs_kms_bucket *b = NULL;
  if (!call->sim->quota.throttle)
    return 0;
  for (size_t i = 0; i < kms->n_buckets && !b; i++)
    if (kms->buckets[i].action == api->action && strcmp(kms->buckets[i].account, call->caller.account) == 0 &&
        strcmp(kms->buckets[i].region, call->region->name) == 0)
      b = &kms->buckets[i];
  if (!b) {
    b = CS_ADD(kms->buckets, kms->n_buckets);
    *b = (struct cs_kms_bucket){.action = api->action, .level = api->per_s, .at_ms = call->sim_ms};
    AF_COPY(b->account, af_str(call->caller.account));
    AF_COPY(b->region, af_str(call->region->name));
  }
  b->level += (double)(call->sim_ms - b->at_ms) / 1000.0 * api->per_s;
  b->level = b->level > api->per_s ? api->per_s : b->level;
  b->at_ms = call->sim_ms;
  if (b->level < 1.0)
    return cs_fail(call, 400, "ThrottlingException",
                   "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.");
  b->level -= 1.0;
  return 0;
}

static int carry_out(struct cs_kms_call *k, const struct api *api, struct af_str body) {
  if (take_token(k->call, api) < 0)
    return -AF_EAWS;
  k->in = json_loadb(body.len ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES, NULL);
  if (!json_is_object(k->in))
    return cs_fail(k->call, 400, "SerializationException", "The body is not a JSON object");
  for (const struct member *m = api->in; m->name; m++)
    if (check_member(k->call, k->in, m) < 0)
      return -AF_EAWS;
  api->handle(k);
  return k->call->failure.status ? -AF_EAWS : 0;
}

static void put_json(struct cs_reply *reply, const json_t *value) {
  char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
  cs_reply_header(reply, "Content-Type", "application/x-amz-json-1.1");
  af_buf_puts(&reply->body, text);
  free(text);
}

void cs_kms_error(const struct cs_call *call, struct cs_reply *reply) {
  /* KMS spells the member "message", its AccessDeniedException "Message" (rules.md 8). */
  const char *member = strcmp(call->failure.code, "AccessDeniedException") == 0 ? "Message" : "message";
  json_t *body = json_pack("{s:s, s:s}", "__type", call->failure.code, member, call->failure.message);
  reply->status = call->failure.status;
  put_json(reply, body);
  json_decref(body);
}

void cs_kms_handle(struct cs_call *call, struct af_str body, struct cs_reply *reply) {
  const struct api *api = NULL;
  for (size_t i = 0; i < sizeof apis / sizeof apis[0]; i++)
    if (strcmp(apis[i].action, call->action) == 0)
      api = &apis[i];
  struct cs_kms_call k = {.call = call, .out = json_object()};
  if (!api)
    cs_fail(call, 400, "UnknownOperationException", "%s is not simulated", call->action);
  else
    carry_out(&k, api, body);
  if (call->failure.status) {
    cs_kms_error(call, reply);
  } else {
    reply->status = 200;
    put_json(reply, k.out);
  }
  json_decref(k.in);
  json_decref(k.out);
}
