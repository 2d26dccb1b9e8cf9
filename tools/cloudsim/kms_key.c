/* KMS keys: what the world file gives, finding them, and who may use them (rules.md 3). Owns keys, aliases and key policies.
 *
 * How the answer is put together, after IAM's evaluation logic:
 *   an explicit deny of either side wins;
 *   a grant that names the principal (or his session's role) is enough by itself; one for the whole account needs the identity policy too;
 *   in the key's own account the key policy is enough if it names the principal, else account and identity policy must both agree;
 *   from another account key policy and identity policy must both allow. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/front.h"

static const char default_alias[] = "alias/aws/ebs";
enum { DAY_MS = 86400000 };

/* ---- finding ---- */

const struct cs_alias *cs_alias_find(const struct cs_sim *sim, const char *account, const char *region, const char *name) {
  for (size_t i = 0; i < sim->kms->n_aliases; i++) {
    const struct cs_alias *a = &sim->kms->aliases[i];
    if (strcmp(a->name, name) == 0 && strcmp(a->account, account) == 0 && strcmp(a->region, region) == 0)
      return a;
  }
  return NULL;
}

static struct cs_key *by_id(const struct cs_sim *sim, const char *account, const char *region, const char *id) {
  for (size_t i = 0; i < sim->kms->n_keys; i++) {
    struct cs_key *k = sim->kms->keys[i];
    if (strcmp(k->id, id) == 0 && strcmp(k->account, account) == 0 && strcmp(k->region, region) == 0)
      return k;
  }
  return NULL;
}

/* arn:aws:kms:REGION:ACCOUNT:REST in its parts. */
static bool split_arn(const char *text, char region[32], char account[16], const char **rest) {
  struct af_str parts[6];
  const char *at = text;
  for (int i = 0; i < 5; i++) {
    const char *colon = strchr(at, ':');
    if (!colon)
      return false;
    parts[i] = af_str_n(at, (size_t)(colon - at));
    at = colon + 1;
  }
  *rest = at;
  return af_str_eq(parts[0], af_str("arn")) && af_str_eq(parts[2], af_str("kms")) && af_str_copy(region, 32, parts[3]) &&
         af_str_copy(account, 16, parts[4]);
}

struct cs_key *cs_kms_key_find(const struct cs_sim *sim, const char *region, const char *account, const char *text) {
  char arn_region[32], arn_account[16];
  if (strncmp(text, "arn:", 4) == 0) {
    if (!split_arn(text, arn_region, arn_account, &text) || strcmp(arn_region, region) != 0)
      return NULL;
    account = arn_account;
    if (strncmp(text, "key/", 4) == 0)
      return by_id(sim, account, region, text + 4);
  }
  if (strncmp(text, "alias/", 6) != 0)
    return by_id(sim, account, region, text);
  const struct cs_alias *a = cs_alias_find(sim, account, region, text);
  return a ? a->key : NULL;
}

/* ---- making ---- */

static const char *partition_of(const struct cs_sim *sim, const char *region) {
  const struct cs_region *r = cs_region_find(sim, region);
  return r ? r->partition : "aws";
}

/* The policy that a key gets where none is given: the account decides. */
static void own_policy(struct af_buf *b, const struct cs_key *key, const char *partition) {
  af_buf_printf(
      b,
      "{\"Version\":\"2012-10-17\",\"Id\":\"key-default-1\",\"Statement\":[{\"Sid\":\"Enable IAM User Permissions\",\"Effect\":"
      "\"Allow\",\"Principal\":{\"AWS\":\"arn:%s:iam::%s:root\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}",
      partition, key->account);
}

/* aws/ebs: everyone in the account, through EC2 alone; nobody may change it (rules.md 3). */
static void managed_policy(struct af_buf *b, const struct cs_key *key, const char *partition) {
  af_buf_printf(
      b,
      "{\"Version\":\"2012-10-17\",\"Id\":\"auto-ebs-2\",\"Statement\":[{\"Sid\":\"Allow access through EBS for all principals "
      "in "
      "the account that are authorized to use "
      "EBS\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":[\"kms:Encrypt\","
      "\"kms:Decrypt\",\"kms:ReEncrypt*\",\"kms:GenerateDataKey*\",\"kms:CreateGrant\",\"kms:DescribeKey\"],\"Resource\":\"*\","
      "\"Condition\":{\"StringEquals\":{\"kms:CallerAccount\":\"%s\",\"kms:ViaService\":\"ec2.%s.amazonaws.com\"}}},{\"Sid\":"
      "\"Allow direct access to key metadata to the "
      "account\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:%s:iam::%s:root\"},"
      "\"Action\":[\"kms:Describe*\",\"kms:Get*\",\"kms:List*\",\"kms:RevokeGrant\"],\"Resource\":\"*\"}]}",
      key->account, key->region, partition, key->account);
}

int cs_key_put_policy(struct cs_key *key, struct af_str text, int64_t since_ms, struct af_error *err) {
  json_t *document;
  int rc = cs_policy_parse(&document, text, CS_POLICY_RESOURCE, err);
  if (rc == 0)
    *CS_ADD(cs_more(key)->policies, cs_more(key)->n_policies) = (struct cs_key_policy){document, cs_strndup(text), since_ms};
  return rc;
}

int cs_key_put_default_policy(const struct cs_sim *sim, struct cs_key *key, int64_t since_ms) {
  struct af_buf text;
  af_buf_init(&text, 8192);
  (key->aws_managed ? managed_policy : own_policy)(&text, key, partition_of(sim, key->region));
  int rc = cs_key_put_policy(key, af_buf_view(&text), since_ms, NULL);
  cs_buf_done(&text);
  return rc;
}

void cs_key_set_state(struct cs_key *key, const char *state) {
  struct cs_key_more *more = cs_more(key);
  cs_set(&more->state, state);
  key->enabled = strcmp(state, "Enabled") == 0 && strcmp(more->spec, "SYMMETRIC_DEFAULT") == 0 &&
                 strcmp(more->usage, "ENCRYPT_DECRYPT") == 0;
}

int cs_sim_enable_key(struct cs_sim *sim, const char *account, const char *region, const char *alias, bool enabled, struct af_error *err) {
  const struct cs_alias *a = cs_alias_find(sim, account, region, alias);
  if (!a)
    return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadKey", "%s has no key %s in %s", account, alias, region);
  cs_key_set_state(a->key, enabled ? "Enabled" : "Disabled");
  return 0;
}

static void random_uuid(struct af_random_seeded *r, char out[40]) {
  char hex[33];
  af_random_hex(&r->random, hex, 32);
  snprintf(out, 40, "%.8s-%.4s-4%.3s-a%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17, hex + 20);
}

struct cs_key *cs_key_new(const struct cs_sim *sim, const char *account, const char *region, const char *id) {
  struct cs_key *key = cs_new(sizeof *key);
  struct cs_key_more *more = key->more = cs_new(sizeof *more);
  char uuid[40];
  if (!id)
    random_uuid(&sim->kms->random, uuid);
  AF_COPY(key->id, af_str(id ? id : uuid));
  AF_COPY(key->account, af_str(account));
  AF_COPY(key->region, af_str(region));
  snprintf(key->arn, sizeof key->arn, "arn:%s:kms:%s:%s:key/%s", partition_of(sim, region), region, account, key->id);
  more->spec = cs_strdup("SYMMETRIC_DEFAULT");
  more->usage = cs_strdup("ENCRYPT_DECRYPT");
  more->origin = cs_strdup("AWS_KMS");
  more->description = cs_strdup("");
  cs_key_set_state(key, "Enabled");
  *CS_ADD(sim->kms->keys, sim->kms->n_keys) = key;
  return key;
}

void cs_alias_add(const struct cs_sim *sim, const char *name, struct cs_key *key) {
  struct cs_alias *a = CS_ADD(sim->kms->aliases, sim->kms->n_aliases);
  *a = (struct cs_alias){.key = key};
  AF_COPY(a->name, af_str(name));
  AF_COPY(a->account, af_str(key->account));
  AF_COPY(a->region, af_str(key->region));
}

struct cs_key *cs_kms_default_ebs_key(struct cs_sim *sim, const char *account, const char *region) {
  const struct cs_alias *a = cs_alias_find(sim, account, region, default_alias);
  if (a)
    return a->key;
  struct cs_key *key = cs_key_new(sim, account, region, NULL);
  key->aws_managed = true;
  cs_set(&cs_more(key)->description, "Default key that protects my EBS volumes when no other key is defined");
  cs_more(key)->created_ms = sim->start_ms;
  cs_key_put_default_policy(sim, key, INT64_MIN);
  cs_alias_add(sim, default_alias, key);
  return key;
}

/* ---- who may use a key ---- */

static const struct cs_key_policy *policy_at(const struct cs_key *key, int64_t sim_ms) {
  const struct cs_key_more *more = cs_more(key);
  for (size_t i = more->n_policies; i > 0; i--)
    if (more->policies[i - 1].since_ms <= sim_ms)
      return &more->policies[i - 1];
  return NULL;
}

static void put(json_t *values, const char *key, const char *text) {
  json_object_set_new(values, key, json_string(text));
}

static void put_encryption_context(json_t *values, const json_t *pairs) {
  const char *key;
  json_t *value, *keys = json_array();
  json_object_foreach ((json_t *)(uintptr_t)pairs, key, value) {
    char name[300];
    snprintf(name, sizeof name, "kms:EncryptionContext:%.256s", key);
    json_object_set(values, name, value);
    json_array_append_new(keys, json_string(key));
  }
  if (json_array_size(keys) > 0)
    json_object_set(values, "kms:EncryptionContextKeys", keys);
  json_decref(keys);
}

static json_t *context_of(const struct cs_sim *sim, const struct cs_key_use *use) {
  const struct cs_key *key = use->key;
  json_t *values = cs_context_values(use->caller, key->region), *aliases = json_array();
  put(values, "kms:CallerAccount", use->caller->account);
  put(values, "kms:KeySpec", cs_more(key)->spec);
  put(values, "kms:KeyUsage", cs_more(key)->usage);
  put(values, "kms:KeyOrigin", cs_more(key)->origin);
  put(values, "kms:MultiRegion", cs_more(key)->multi_region ? "true" : "false");
  for (size_t i = 0; i < sim->kms->n_aliases; i++)
    if (sim->kms->aliases[i].key == key)
      json_array_append_new(aliases, json_string(sim->kms->aliases[i].name));
  json_object_set_new(values, "kms:ResourceAliases", aliases);
  if (use->via_ec2) {
    char via[64];
    snprintf(via, sizeof via, "ec2.%s.amazonaws.com", key->region);
    put(values, "kms:ViaService", via);
  }
  /* rules.md 3: true only where an integrated service calls for the principal */
  if (strcmp(use->operation, "CreateGrant") == 0 || strcmp(use->operation, "ListGrants") == 0 ||
      strcmp(use->operation, "RevokeGrant") == 0)
    put(values, "kms:GrantIsForAWSResource", use->via_ec2 ? "true" : "false");
  put_encryption_context(values, use->encryption_context);
  if (use->context)
    json_object_update(values, use->context);
  return values;
}

static enum cs_key_answer by_policies(const struct cs_key_use *use, enum cs_verdict own, enum cs_verdict key) {
  bool same_account = strcmp(use->caller->account, use->key->account) == 0;
  bool both = own == CS_ALLOW && (key == CS_ALLOW || key == CS_ALLOW_ACCOUNT);
  return both || (same_account && key == CS_ALLOW) ? CS_KEY_BY_POLICY : CS_KEY_DENIED;
}

/* rules.md 1.3.7: a key does nothing for an account that has not enabled the key's Region. */
static bool region_enabled(const struct cs_sim *sim, const struct cs_key_use *use) {
  const struct cs_account *account = cs_account_find(sim, use->caller->account);
  const struct cs_settings *s = account ? cs_settings_of(sim, account, use->key->region) : NULL;
  return s && s->enabled;
}

enum cs_key_answer cs_key_allowed(const struct cs_sim *sim, const struct cs_key_use *use, const struct cs_grant **ret_grant) {
  char action[80];
  snprintf(action, sizeof action, "kms:%s", use->operation);
  struct cs_context context = {.values = context_of(sim, use)};
  struct cs_ask ask = {.who = cs_who_limited(use->caller, action, use->key->arn, &context),
                       .action = action,
                       .resource = use->key->arn,
                       .context = &context};
  enum cs_verdict own = cs_identity_says(sim, use->caller, action, use->key->arn, &context);
  const struct cs_key_policy *policy = policy_at(use->key, use->sim_ms);
  enum cs_verdict key = policy ? cs_policy_says(policy->document, &ask, CS_POLICY_RESOURCE) : CS_SILENT;
  json_decref(context.values);
  if (own == CS_DENY || key == CS_DENY || !region_enabled(sim, use))
    return CS_KEY_DENIED;
  if (by_policies(use, own, key) == CS_KEY_BY_POLICY)
    return CS_KEY_BY_POLICY;
  const struct cs_grant *grant = cs_grant_for(sim, use, &ask.who, own == CS_ALLOW);
  if (grant && ret_grant)
    *ret_grant = grant;
  return grant ? CS_KEY_BY_GRANT : CS_KEY_DENIED;
}

bool cs_kms_may_use(struct cs_sim *sim, int64_t sim_ms, const struct cs_caller *caller, const struct cs_key *key,
                    const char *operation) {
  struct cs_key_use use = {.operation = operation, .caller = caller, .key = key, .sim_ms = sim_ms, .via_ec2 = true};
  return key->enabled && cs_key_allowed(sim, &use, NULL) != CS_KEY_DENIED;
}

int64_t cs_kms_next_ms(const struct cs_sim *sim, int64_t sim_ms) {
  int64_t next = INT64_MAX;
  for (size_t i = 0; i < sim->kms->n_grants; i++) {
    const int64_t times[] = {sim->kms->grants[i]->arrives_ms, sim->kms->grants[i]->gone_ms};
    for (int t = 0; t < 2; t++)
      if (times[t] > sim_ms && times[t] < next)
        next = times[t];
  }
  for (size_t i = 0; i < sim->kms->n_keys; i++) {
    const struct cs_key_more *more = cs_more(sim->kms->keys[i]);
    int64_t since = more->n_policies ? more->policies[more->n_policies - 1].since_ms : INT64_MIN;
    if (since > sim_ms && since < next)
      next = since;
  }
  return next;
}

/* ---- the world file ---- */

static int read_key_kind(struct cs_reader *r, const struct af_node *n, struct cs_key *key) {
  static const char *const states[] = {"Enabled",  "Disabled",    "PendingDeletion", "PendingImport",
                                       "Creating", "Unavailable", "Updating",        NULL};
  struct cs_key_more *more = cs_more(key);
  char *state = cs_strdup("Enabled"), *manager = NULL;
  int rc = cs_read_string(r, n, "state", &state);
  rc = rc ? rc : cs_read_string(r, n, "manager", &manager);
  rc = rc ? rc : cs_read_string(r, n, "spec", &more->spec);
  rc = rc ? rc : cs_read_string(r, n, "usage", &more->usage);
  rc = rc ? rc : cs_read_string(r, n, "origin", &more->origin);
  rc = rc ? rc : cs_read_string(r, n, "description", &more->description);
  rc = rc ? rc : cs_read_string(r, n, "multi_region", &more->multi_region);
  rc = rc ? rc : cs_read_string(r, n, "primary", &more->primary_arn);
  if (rc == 0 && !cs_one_of_texts(state, states))
    rc = cs_bad(r, n, "a key's state is Enabled, Disabled, PendingDeletion, PendingImport, Creating, Unavailable or Updating");
  if (rc == 0 && manager && strcmp(manager, "AWS") != 0 && strcmp(manager, "CUSTOMER") != 0)
    rc = cs_bad(r, n, "a key's manager is AWS or CUSTOMER");
  if (rc == 0) {
    key->aws_managed = af_streq(manager, "AWS");
    cs_key_set_state(key, state);
  }
  free(state);
  free(manager);
  return rc;
}

static int read_aliases(struct cs_reader *r, const struct af_node *n, struct cs_key *key) {
  char *alias = NULL, **more = NULL;
  size_t n_more = 0;
  int rc = cs_read_string(r, n, "alias", &alias);
  rc = rc ? rc : cs_read_strings(r, n, "aliases", &more, &n_more);
  if (rc == 0 && alias)
    *CS_ADD(more, n_more) = cs_strdup(alias);
  free(alias);
  for (size_t i = 0; i < n_more; i++) {
    if (rc == 0 && (strncmp(more[i], "alias/", 6) != 0 || cs_alias_find(r->sim, key->account, key->region, more[i])))
      rc = cs_bad(r, n, "alias %s must begin with alias/ and be there once", more[i]);
    if (rc == 0)
      cs_alias_add(r->sim, more[i], key);
    free(more[i]);
  }
  free(more);
  return rc;
}

static int read_key_policy(struct cs_reader *r, const struct af_node *n, struct cs_key *key) {
  const struct af_node *policy = af_node_get(n, "policy");
  json_t *document, *whole;
  if (!policy)
    return cs_key_put_default_policy(r->sim, key, INT64_MIN);
  int rc = cs_policy_read(&document, r->doc, policy, CS_POLICY_RESOURCE, r->err);
  if (rc < 0)
    return rc;
  whole = json_object_get(document, "Statement") ? json_incref(document)
                                                 : json_pack("{s:s, s:O}", "Version", "2012-10-17", "Statement", document);
  char *text = json_dumps(whole, JSON_INDENT(2));
  rc = cs_key_put_policy(key, af_str(text), INT64_MIN, r->err);
  free(text);
  json_decref(whole);
  json_decref(document);
  return rc;
}

static int read_key(struct cs_reader *r, const struct af_node *n, struct cs_account *account, const char *region) {
  static const char *const known[] = {"id",     "alias",   "aliases",      "description", "state",  "spec",   "usage",
                                      "origin", "manager", "multi_region", "primary",     "policy", "grants", NULL};
  char id[64] = "";
  const struct af_node *grants;
  int rc = af_node_only(r->doc, n, known, r->err);
  rc = rc ? rc : cs_read_text(r, n, "id", id, sizeof id);
  if (rc == 0 && id[0] && by_id(r->sim, account->id, region, id))
    rc = cs_bad(r, n, "key %s is there twice", id);
  if (rc < 0)
    return rc;
  struct cs_key *key = cs_key_new(r->sim, account->id, region, id[0] ? id : NULL);
  cs_more(key)->of_world = true;
  cs_more(key)->created_ms = r->sim->start_ms - 90 * (int64_t)DAY_MS;
  rc = read_key_kind(r, n, key);
  if (rc == 0 && strcmp(cs_more(key)->state, "PendingDeletion") == 0) {
    cs_more(key)->window_days = 30;
    cs_more(key)->deletion_ms = r->sim->start_ms + 30 * (int64_t)DAY_MS;
  }
  rc = rc ? rc : read_aliases(r, n, key);
  rc = rc ? rc : read_key_policy(r, n, key);
  rc = rc ? rc : cs_read_list(r, n, "grants", &grants);
  return rc || !grants ? rc : cs_grants_read(r, grants, key);
}

int cs_kms_load_keys(struct cs_reader *r, struct cs_account *account, const char *region, const struct af_node *keys) {
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < af_node_count(keys); i++)
    rc = read_key(r, af_node_at(keys, i), account, region);
  return rc;
}

int cs_kms_load(struct cs_reader *r, const struct af_node *kms) {
  static const char *const known[] = {"grants_per_key", NULL};
  int rc = af_node_only(r->doc, kms, known, r->err);
  return rc ? rc : cs_read_int(r, kms, "grants_per_key", 1, 1000000, &r->sim->kms->grants_per_key);
}

static void free_key(struct cs_key *key) {
  struct cs_key_more *more = cs_more(key);
  for (size_t i = 0; i < more->n_policies; i++) {
    json_decref(more->policies[i].document);
    free(more->policies[i].text);
  }
  free(more->policies);
  free(more->description);
  free(more->spec);
  free(more->usage);
  free(more->state);
  free(more->origin);
  free(more->multi_region);
  free(more->primary_arn);
  free(more);
  free(key);
}

void cs_kms_done(struct cs_kms *kms) {
  if (!kms)
    return;
  for (size_t i = 0; i < kms->n_keys; i++)
    free_key(kms->keys[i]);
  for (size_t i = 0; i < kms->n_grants; i++)
    cs_grant_free(kms->grants[i]);
  free(kms->keys);
  free(kms->aliases);
  free(kms->grants);
  free(kms->tokens);
  free(kms->buckets);
  free(kms);
}
