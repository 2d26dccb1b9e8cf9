/* KMS grants (rules.md 3): making, listing, ending them, and what they allow. Owns grants and grant tokens.
 *
 * A grant's life on the world's time; a call that carries its token sees it from the start, EC2 cannot carry one:
 *
 *   created --propagation--> effective ---retired or revoked--- still effective --propagation--> gone
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/front.h"

static const char *const all_operations[] = {"Decrypt",
                                             "Encrypt",
                                             "GenerateDataKey",
                                             "GenerateDataKeyWithoutPlaintext",
                                             "ReEncryptFrom",
                                             "ReEncryptTo",
                                             "Sign",
                                             "Verify",
                                             "GetPublicKey",
                                             "CreateGrant",
                                             "RetireGrant",
                                             "DescribeKey",
                                             "GenerateDataKeyPair",
                                             "GenerateDataKeyPairWithoutPlaintext",
                                             "GenerateMac",
                                             "VerifyMac",
                                             "DeriveSharedSecret",
                                             NULL};
/* A symmetric encryption key knows only these. */
static const char *const symmetric_operations[] = {"Decrypt",
                                                   "Encrypt",
                                                   "GenerateDataKey",
                                                   "GenerateDataKeyWithoutPlaintext",
                                                   "ReEncryptFrom",
                                                   "ReEncryptTo",
                                                   "CreateGrant",
                                                   "RetireGrant",
                                                   "DescribeKey",
                                                   "GenerateDataKeyPair",
                                                   "GenerateDataKeyPairWithoutPlaintext",
                                                   NULL};
/* Constraints speak of these alone. */
static const char *const crypto_operations[] = {"Decrypt",
                                                "Encrypt",
                                                "GenerateDataKey",
                                                "GenerateDataKeyWithoutPlaintext",
                                                "ReEncryptFrom",
                                                "ReEncryptTo",
                                                "GenerateDataKeyPair",
                                                "GenerateDataKeyPairWithoutPlaintext",
                                                NULL};

static bool has_text(const json_t *array, const char *text) {
  size_t i;
  json_t *item;
  json_array_foreach (array, i, item)
    if (af_streq(json_string_value(item), text))
      return true;
  return false;
}

static bool same_or_null(const char *a, const char *b) {
  return (!a && !b) || af_streq(a, b);
}

/* ---- what a grant allows ---- */

static bool contains_pairs(const json_t *pairs, const json_t *wanted) {
  const char *key;
  json_t *value;
  json_object_foreach ((json_t *)(uintptr_t)wanted, key, value)
    if (!json_equal(json_object_get(pairs, key), value))
      return false;
  return true;
}

/* EBS's encryption context is not modelled: a constrained grant never fits a call that EBS makes (rules.md 3: fragile). */
static bool constraints_hold(const struct cs_grant *g, const struct cs_key_use *use) {
  const json_t *equals = json_object_get(g->constraints, "EncryptionContextEquals");
  const json_t *subset = json_object_get(g->constraints, "EncryptionContextSubset");
  if (!cs_one_of_texts(use->operation, crypto_operations))
    return true;
  if (equals && !(use->encryption_context ? json_equal(equals, use->encryption_context) : json_object_size(equals) == 0))
    return false;
  return !subset || contains_pairs(use->encryption_context, subset);
}

static struct cs_grant *of_token(const struct cs_sim *sim, const char *token) {
  for (size_t i = 0; token && i < sim->kms->n_tokens; i++)
    if (strcmp(sim->kms->tokens[i].text, token) == 0)
      return sim->kms->tokens[i].grant;
  return NULL;
}

static bool token_given(const struct cs_sim *sim, const json_t *tokens, const struct cs_grant *g) {
  size_t i;
  json_t *token;
  json_array_foreach (tokens, i, token)
    if (of_token(sim, json_string_value(token)) == g)
      return true;
  return false;
}

const struct cs_grant *cs_grant_for(const struct cs_sim *sim, const struct cs_key_use *use, const struct cs_who *who, bool own_allows) {
  for (size_t i = 0; i < sim->kms->n_grants; i++) {
    const struct cs_grant *g = sim->kms->grants[i];
    if (g->key != use->key || !g->grantee || !has_text(g->operations, use->operation))
      continue;
    bool effective = use->sim_ms >= g->arrives_ms || token_given(sim, use->tokens, g);
    if (!effective || use->sim_ms >= g->gone_ms || !constraints_hold(g, use))
      continue;
    enum cs_verdict grantee = cs_principal_matches(g->grantee, who);
    if (grantee == CS_ALLOW || (grantee == CS_ALLOW_ACCOUNT && own_allows))
      return g;
  }
  return NULL;
}

/* ---- principals ---- */

/* The principal as KMS stores it: an account as its root ARN. false where it names nobody. Groups and organizations are no
 * principals of a grant. */
static bool principal_of(const struct cs_sim *sim, const char *text, char out[300]) {
  char account[16] = "";
  const char *rest = text;
  if (strlen(text) == 12 && strspn(text, "0123456789") == 12) { /* a bare account id */
    const struct cs_account *a = cs_account_find(sim, text);
    snprintf(out, 300, "arn:%s:iam::%s:root", sim->n_regions ? sim->regions[0].partition : "aws", text);
    return a != NULL;
  }
  for (int i = 0; i < 5; i++) {
    const char *colon = strchr(rest, ':');
    if (!colon)
      return false;
    if (i == 4)
      AF_COPY(account, af_str_n(rest, (size_t)(colon - rest)));
    rest = colon + 1;
  }
  if (strncmp(text, "arn:", 4) != 0 || strlen(text) >= 300 || !cs_account_find(sim, account))
    return false;
  af_str_copy(out, 300, af_str(text));
  if (strcmp(rest, "root") == 0 || cs_principal_find(sim, text))
    return true;
  char role[80] = "";
  const char *slash = strncmp(rest, "assumed-role/", 13) == 0 ? strchr(rest + 13, '/') : NULL;
  if (!slash || !slash[1])
    return false;
  AF_COPY(role, af_str_n(rest + 13, (size_t)(slash - rest) - 13));
  for (size_t i = 0; i < sim->identity->n_principals; i++) {
    const struct cs_principal *p = sim->identity->principals[i];
    if (p->kind == CS_ROLE && strcmp(p->account->id, account) == 0 && strcmp(p->name, role) == 0)
      return true;
  }
  return false;
}

/* ---- making ---- */

static struct cs_grant *grant_new(struct cs_sim *sim, struct cs_key *key) {
  struct cs_grant *g = cs_new(sizeof *g);
  af_random_hex(&sim->kms->random.random, g->id, 64);
  g->key = key;
  g->ended_ms = g->gone_ms = g->hidden_ms = INT64_MAX;
  cs_more(key)->n_live_grants++;
  *CS_ADD(sim->kms->grants, sim->kms->n_grants) = g;
  return g;
}

void cs_grant_free(struct cs_grant *g) {
  free(g->name);
  free(g->grantee);
  free(g->grantee_service);
  free(g->retiring);
  free(g->retiring_service);
  json_decref(g->operations);
  json_decref(g->constraints);
  free(g);
}

static const char *token_new(struct cs_sim *sim, struct cs_grant *g) {
  struct cs_grant_token *t = CS_ADD(sim->kms->tokens, sim->kms->n_tokens);
  *t = (struct cs_grant_token){.grant = g};
  cs_random_base32(&sim->kms->random, t->text, 120);
  return t->text;
}

static int invalid(struct cs_kms_call *k, const char *member, const char *constraint) {
  return cs_fail(k->call, 400, "ValidationException",
                 "1 validation error detected: Value at '%s' failed to satisfy constraint: %s", member, constraint);
}

static int check_operations(struct cs_kms_call *k, const struct cs_key *key) {
  const json_t *operations = json_object_get(k->in, "Operations");
  bool symmetric = strcmp(cs_more(key)->spec, "SYMMETRIC_DEFAULT") == 0;
  size_t i;
  json_t *item;
  if (json_array_size(operations) == 0)
    return cs_fail(k->call, 400, "ValidationException", "Grant must have at least one operation.");
  json_array_foreach (operations, i, item) {
    const char *name = json_string_value(item);
    if (!name || !cs_one_of_texts(name, all_operations))
      return invalid(k, "operations",
                     "Member must satisfy constraint: [Member must satisfy enum value set: [Decrypt, Encrypt, GenerateDataKey, "
                     "GenerateDataKeyWithoutPlaintext, ReEncryptFrom, ReEncryptTo, CreateGrant, RetireGrant, DescribeKey, ...]]");
    if (symmetric && !cs_one_of_texts(name, symmetric_operations))
      return cs_fail(k->call, 400, "ValidationException", "Operation %s is not supported by a key of spec SYMMETRIC_DEFAULT.",
                     name);
  }
  return 0;
}

static int check_constraints(struct cs_kms_call *k) {
  const json_t *constraints = json_object_get(k->in, "Constraints");
  const char *key;
  json_t *value;
  json_object_foreach ((json_t *)(uintptr_t)constraints, key, value) {
    bool pairs = strcmp(key, "EncryptionContextEquals") == 0 || strcmp(key, "EncryptionContextSubset") == 0;
    if (pairs && (!json_is_object(value) || json_object_size(value) > 8))
      return invalid(k, "constraints", "An encryption context constraint has at most 8 pairs");
    if (!pairs && strcmp(key, "SourceArn") != 0)
      return cs_fail(k->call, 400, "SerializationException", "Unknown constraint %s", key);
  }
  return 0;
}

/* One of principal and service principal; a service needs a source ARN and someone who can retire (rules.md 3). */
static int check_grantee(struct cs_kms_call *k, char grantee[300], char retiring[300]) {
  const char *who = cs_kms_text(k, "GranteePrincipal"), *service = cs_kms_text(k, "GranteeServicePrincipal");
  const char *retire = cs_kms_text(k, "RetiringPrincipal"), *retire_service = cs_kms_text(k, "RetiringServicePrincipal");
  grantee[0] = retiring[0] = 0;
  if (!who == !service)
    return cs_fail(k->call, 400, "ValidationException", "Specify either GranteePrincipal or GranteeServicePrincipal.");
  if (retire && retire_service)
    return cs_fail(k->call, 400, "ValidationException", "Specify either RetiringPrincipal or RetiringServicePrincipal.");
  if (service && ((!retire && !retire_service) || !json_object_get(json_object_get(k->in, "Constraints"), "SourceArn")))
    return cs_fail(k->call, 400, "ValidationException",
                   "A grant to a service principal needs a SourceArn constraint and a retiring principal.");
  if (who && !principal_of(k->call->sim, who, grantee))
    return cs_fail(k->call, 400, "InvalidArnException", "ARN does not refer to a valid principal: %s", who);
  if (retire && !principal_of(k->call->sim, retire, retiring))
    return cs_fail(k->call, 400, "InvalidArnException", "ARN does not refer to a valid principal: %s", retire);
  return 0;
}

static bool same_operations(const json_t *a, const json_t *b) {
  size_t i;
  json_t *item;
  json_array_foreach (a, i, item)
    if (!has_text(b, json_string_value(item)))
      return false;
  json_array_foreach (b, i, item)
    if (!has_text(a, json_string_value(item)))
      return false;
  return true;
}

/* rules.md 3: with a Name and identical parameters the grant that is there is given again. */
static struct cs_grant *find_same(struct cs_kms_call *k, const struct cs_key *key, const char *grantee, const char *retiring) {
  const char *name = cs_kms_text(k, "Name");
  const json_t *constraints = json_object_get(k->in, "Constraints");
  struct cs_kms *kms = k->call->sim->kms;
  for (size_t i = 0; name && i < kms->n_grants; i++) {
    struct cs_grant *g = kms->grants[i];
    if (g->key == key && g->ended_ms == INT64_MAX && af_streq(g->name, name) &&
        same_or_null(g->grantee, grantee[0] ? grantee : NULL) && same_or_null(g->retiring, retiring[0] ? retiring : NULL) &&
        same_or_null(g->grantee_service, cs_kms_text(k, "GranteeServicePrincipal")) &&
        same_or_null(g->retiring_service, cs_kms_text(k, "RetiringServicePrincipal")) &&
        same_operations(g->operations, json_object_get(k->in, "Operations")) &&
        (constraints ? json_equal(constraints, g->constraints) : !g->constraints))
      return g;
  }
  return NULL;
}

/* Who may grant only by a grant can pass on no more than that grant gives (rules.md 3, delegation limits). */
static int check_delegation(struct cs_kms_call *k, const struct cs_grant *parent) {
  const json_t *operations = json_object_get(k->in, "Operations"), *mine = json_object_get(k->in, "Constraints");
  size_t i;
  json_t *item;
  json_array_foreach (operations, i, item)
    if (!has_text(parent->operations, json_string_value(item)))
      return cs_fail(k->call, 400, "AccessDeniedException",
                     "User: %s is not authorized to perform: kms:CreateGrant on resource: %s: the grant that "
                     "allows it does not include %s",
                     k->call->caller.arn, parent->key->arn, json_string_value(item));
  const char *kind;
  json_t *pairs;
  json_object_foreach (parent->constraints, kind, pairs) {
    const json_t *own = json_object_get(mine, kind);
    bool strict = json_is_object(pairs) ? contains_pairs(own, pairs) : json_equal(own, pairs);
    if (!strict)
      return cs_fail(k->call, 400, "AccessDeniedException",
                     "User: %s is not authorized to perform: kms:CreateGrant on resource: %s: the constraints "
                     "are weaker than those of the grant that allows it",
                     k->call->caller.arn, parent->key->arn);
  }
  return 0;
}

static json_t *grant_context(const struct cs_kms_call *k) {
  json_t *values = json_object(), *kinds = json_array();
  const char *kind;
  json_t *value;
  if (cs_kms_text(k, "GranteePrincipal"))
    json_object_set(values, "kms:GranteePrincipal", json_object_get(k->in, "GranteePrincipal"));
  if (cs_kms_text(k, "RetiringPrincipal"))
    json_object_set(values, "kms:RetiringPrincipal", json_object_get(k->in, "RetiringPrincipal"));
  json_object_set(values, "kms:GrantOperations", json_object_get(k->in, "Operations"));
  json_object_foreach (json_object_get(k->in, "Constraints"), kind, value)
    if (strcmp(kind, "SourceArn") != 0)
      json_array_append_new(kinds, json_string(kind));
  if (json_array_size(kinds) > 0)
    json_object_set(values, "kms:GrantConstraintType", kinds);
  json_decref(kinds);
  return values;
}

static struct cs_grant *fill(struct cs_kms_call *k, struct cs_key *key, const char *grantee, const char *retiring) {
  struct cs_sim *sim = k->call->sim;
  struct cs_grant *g = grant_new(sim, key);
  const json_t *constraints = json_object_get(k->in, "Constraints");
  cs_set(&g->name, cs_kms_text(k, "Name"));
  cs_set(&g->grantee, grantee[0] ? grantee : NULL);
  cs_set(&g->grantee_service, cs_kms_text(k, "GranteeServicePrincipal"));
  cs_set(&g->retiring, retiring[0] ? retiring : NULL);
  cs_set(&g->retiring_service, cs_kms_text(k, "RetiringServicePrincipal"));
  snprintf(g->issuing, sizeof g->issuing, "arn:%s:iam::%s:root", k->call->region->partition, k->call->caller.account);
  g->operations = json_deep_copy(json_object_get(k->in, "Operations"));
  g->constraints = constraints ? json_deep_copy(constraints) : NULL;
  g->created_ms = k->call->sim_ms;
  g->arrives_ms = g->created_ms + cs_draw(&sim->lags, sim->latency.grant_propagation);
  g->shown_ms = g->created_ms + cs_draw(&sim->lags, sim->latency.read_lag);
  return g;
}

void cs_kms_create_grant(struct cs_kms_call *k) {
  struct cs_sim *sim = k->call->sim;
  const struct cs_grant *parent = NULL;
  char grantee[300], retiring[300];
  struct cs_key *key = cs_kms_resolve(k, CS_NO_ALIAS);
  if (!key || check_operations(k, key) < 0 || check_constraints(k) < 0 ||
      cs_kms_authorize(k, key, "CreateGrant", grant_context(k), &parent) < 0 || (parent && check_delegation(k, parent) < 0) ||
      cs_kms_usable(k, key) < 0 || check_grantee(k, grantee, retiring) < 0)
    return;
  struct cs_grant *g = find_same(k, key, grantee, retiring);
  if (!g && cs_more(key)->n_live_grants >= sim->kms->grants_per_key) {
    cs_fail(k->call, 400, "LimitExceededException", "Grant quota exceeded for key %s: %lld grants per KMS key.", key->arn,
            (long long)sim->kms->grants_per_key);
    return;
  }
  if (cs_kms_dry_run(k) < 0)
    return;
  if (!g)
    g = fill(k, key, grantee, retiring);
  json_object_set_new(k->out, "GrantId", json_string(g->id));
  json_object_set_new(k->out, "GrantToken", json_string(token_new(sim, g)));
}

/* ---- listing ---- */

static void put(json_t *o, const char *name, const char *text) {
  if (text)
    json_object_set_new(o, name, json_string(text));
}

static json_t *entry(const struct cs_grant *g) {
  json_t *o = json_object();
  put(o, "KeyId", g->key->arn);
  put(o, "GrantId", g->id);
  put(o, "Name", g->name ? g->name : "");
  json_object_set_new(o, "CreationDate", json_real((double)g->created_ms / 1000.0));
  put(o, "GranteePrincipal", g->grantee);
  put(o, "GranteeServicePrincipal", g->grantee_service);
  put(o, "RetiringPrincipal", g->retiring);
  put(o, "RetiringServicePrincipal", g->retiring_service);
  put(o, "IssuingAccount", g->issuing);
  json_object_set(o, "Operations", g->operations);
  if (g->constraints)
    json_object_set(o, "Constraints", g->constraints);
  return o;
}

struct listing {
  const struct cs_key *key; /* NULL: of every key of the Region */
  const char *region, *id, *grantee, *grantee_service, *retiring;
};

static bool listed(const struct cs_grant *g, const struct listing *l, int64_t sim_ms) {
  return sim_ms >= g->shown_ms && sim_ms < g->hidden_ms && (!l->key || g->key == l->key) &&
         strcmp(g->key->region, l->region) == 0 && (!l->id || strcmp(g->id, l->id) == 0) &&
         (!l->grantee || af_streq(g->grantee, l->grantee)) &&
         (!l->grantee_service || af_streq(g->grantee_service, l->grantee_service)) &&
         (!l->retiring || af_streq(g->retiring, l->retiring));
}

/* The marker is the index of the next grant: grants are never removed from the table, so it stays true. */
static void list(struct cs_kms_call *k, const struct listing *l) {
  size_t first, limit;
  if (cs_kms_page(k, 50, 100, &first, &limit) < 0)
    return;
  const struct cs_kms *kms = k->call->sim->kms;
  json_t *grants = json_array();
  json_object_set_new(k->out, "Grants", grants);
  size_t i = first;
  for (; i < kms->n_grants && json_array_size(grants) < limit; i++)
    if (listed(kms->grants[i], l, k->call->sim_ms))
      json_array_append_new(grants, entry(kms->grants[i]));
  bool more = false;
  for (size_t j = i; j < kms->n_grants && !more; j++)
    more = listed(kms->grants[j], l, k->call->sim_ms);
  cs_kms_page_end(k, more, i);
}

void cs_kms_list_grants(struct cs_kms_call *k) {
  struct cs_key *key = cs_kms_resolve(k, CS_NO_ALIAS);
  if (!key || cs_kms_authorize(k, key, "ListGrants", NULL, NULL) < 0)
    return;
  char grantee[300];
  const char *who = cs_kms_text(k, "GranteePrincipal");
  if (who && !principal_of(k->call->sim, who, grantee)) {
    cs_fail(k->call, 400, "InvalidArnException", "ARN does not refer to a valid principal: %s", who);
    return;
  }
  struct listing l = {.key = key,
                      .region = key->region,
                      .id = cs_kms_text(k, "GrantId"),
                      .grantee = who ? grantee : NULL,
                      .grantee_service = cs_kms_text(k, "GranteeServicePrincipal")};
  list(k, &l);
}

/* By retiring principal, across accounts: the principal must be one of the caller's own (rules.md 3), and is the resource that the
 * caller's policies are asked about (KMS's model). */
void cs_kms_list_retirable_grants(struct cs_kms_call *k) {
  const char *who = cs_kms_text(k, "RetiringPrincipal");
  char retiring[300], part[32];
  if (!who || !principal_of(k->call->sim, who, retiring)) {
    cs_fail(k->call, 400, "InvalidArnException", "ARN does not refer to a valid principal: %s", who ? who : "");
    return;
  }
  struct cs_context context = {.values = cs_context_values(&k->call->caller, k->call->region->name)};
  enum cs_verdict own = cs_identity_says(k->call->sim, &k->call->caller, "kms:ListRetirableGrants", retiring, &context);
  json_decref(context.values);
  snprintf(part, sizeof part, ":%s:", k->call->caller.account);
  if (own != CS_ALLOW || !strstr(retiring, part)) {
    cs_fail(k->call, 400, "AccessDeniedException", "User: %s is not authorized to perform: kms:ListRetirableGrants",
            k->call->caller.arn);
    return;
  }
  struct listing l = {.region = k->call->region->name, .retiring = retiring};
  list(k, &l);
}

/* ---- ending ---- */

static void finish(struct cs_kms_call *k, struct cs_grant *g) {
  struct cs_sim *sim = k->call->sim;
  g->ended_ms = k->call->sim_ms;
  g->gone_ms = g->ended_ms + cs_draw(&sim->lags, sim->latency.grant_propagation);
  g->hidden_ms = g->ended_ms + cs_draw(&sim->lags, sim->latency.read_lag);
  cs_more(g->key)->n_live_grants--;
}

static struct cs_grant *find(struct cs_kms_call *k, const struct cs_key *key) {
  const char *id = cs_kms_text(k, "GrantId");
  const struct cs_kms *kms = k->call->sim->kms;
  for (size_t i = 0; id && i < kms->n_grants; i++)
    if (kms->grants[i]->key == key && kms->grants[i]->ended_ms == INT64_MAX && strcmp(kms->grants[i]->id, id) == 0)
      return kms->grants[i];
  if (!id)
    invalid(k, "grantId", "Member must not be null");
  else
    cs_fail(k->call, 400, "NotFoundException", "Grant ID %.128s not found", id);
  return NULL;
}

/* rules.md 3: the retiring principal, the grantee where RetireGrant is among the operations, the issuing account. A key policy's
 * kms:RetireGrant does nothing. */
static bool may_retire(const struct cs_kms_call *k, const struct cs_grant *g) {
  struct cs_context context = {.values = cs_context_values(&k->call->caller, k->call->region->name)};
  struct cs_who who = cs_who_limited(&k->call->caller, "kms:RetireGrant", g->key->arn, &context);
  enum cs_verdict own = cs_identity_says(k->call->sim, &k->call->caller, "kms:RetireGrant", g->key->arn, &context);
  json_decref(context.values);
  const char *const named[] = {g->retiring, has_text(g->operations, "RetireGrant") ? g->grantee : NULL, g->issuing};
  for (size_t i = 0; i < 3 && own != CS_DENY; i++) {
    enum cs_verdict v = named[i] ? cs_principal_matches(named[i], &who) : CS_SILENT;
    if (v == CS_ALLOW || (v == CS_ALLOW_ACCOUNT && own == CS_ALLOW))
      return true;
  }
  return false;
}

static struct cs_grant *find_retirable(struct cs_kms_call *k) {
  const char *token = cs_kms_text(k, "GrantToken");
  if (!token) {
    struct cs_key *key = cs_kms_resolve(k, CS_NO_ALIAS);
    return key ? find(k, key) : NULL;
  }
  struct cs_grant *g = of_token(k->call->sim, token);
  if (cs_kms_text(k, "KeyId") || cs_kms_text(k, "GrantId"))
    cs_fail(k->call, 400, "ValidationException", "Specify either a grant token, or a key and a grant id.");
  else if (!g || strcmp(g->key->region, k->call->region->name) != 0)
    cs_fail(k->call, 400, "InvalidGrantTokenException", "Invalid grant token");
  else if (g->ended_ms != INT64_MAX)
    cs_fail(k->call, 400, "NotFoundException", "Grant ID %s not found", g->id);
  return k->call->failure.status ? NULL : g;
}

void cs_kms_retire_grant(struct cs_kms_call *k) {
  struct cs_grant *g = find_retirable(k);
  if (!g)
    return;
  if (!may_retire(k, g)) {
    cs_fail(k->call, 400, "AccessDeniedException", "User: %s is not authorized to perform: kms:RetireGrant on resource: %s",
            k->call->caller.arn, g->key->arn);
    return;
  }
  if (cs_kms_dry_run(k) == 0)
    finish(k, g);
}

void cs_kms_revoke_grant(struct cs_kms_call *k) {
  struct cs_key *key = cs_kms_resolve(k, CS_NO_ALIAS);
  if (!key || cs_kms_authorize(k, key, "RevokeGrant", NULL, NULL) < 0)
    return;
  struct cs_grant *g = find(k, key);
  if (g && cs_kms_dry_run(k) == 0)
    finish(k, g);
}

/* ---- the world file ---- */

static int read_grant(struct cs_reader *r, const struct af_node *n, struct cs_key *key) {
  static const char *const known[] = {"name", "grantee", "retiring", "operations", NULL};
  char *grantee = NULL, *retiring = NULL, **operations = NULL, arn[300];
  size_t n_operations = 0;
  struct cs_grant *g = grant_new(r->sim, key);
  g->of_world = true;
  g->operations = json_array();
  g->created_ms = g->arrives_ms = g->shown_ms = cs_more(key)->created_ms;
  snprintf(g->issuing, sizeof g->issuing, "arn:%s:iam::%s:root", r->sim->regions[0].partition, key->account);
  int rc = af_node_only(r->doc, n, known, r->err);
  rc = rc ? rc : cs_read_string(r, n, "name", &g->name);
  rc = rc ? rc : cs_read_string(r, n, "grantee", &grantee);
  rc = rc ? rc : cs_read_string(r, n, "retiring", &retiring);
  rc = rc ? rc : cs_read_strings(r, n, "operations", &operations, &n_operations);
  if (rc == 0 && (!grantee || !principal_of(r->sim, grantee, arn)))
    rc = cs_bad(r, n, "a grant needs a grantee of this world");
  if (rc == 0)
    cs_set(&g->grantee, arn);
  if (rc == 0 && retiring && !principal_of(r->sim, retiring, arn))
    rc = cs_bad(r, n, "%s is no principal of this world", retiring);
  if (rc == 0 && retiring)
    cs_set(&g->retiring, arn);
  for (size_t i = 0; i < n_operations; i++) {
    if (rc == 0 && !cs_one_of_texts(operations[i], all_operations))
      rc = cs_bad(r, n, "%s is no operation of a grant", operations[i]);
    json_array_append_new(g->operations, json_string(operations[i]));
    free(operations[i]);
  }
  free(operations);
  free(grantee);
  free(retiring);
  return rc;
}

int cs_grants_read(struct cs_reader *r, const struct af_node *list, struct cs_key *key) {
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < af_node_count(list); i++)
    rc = read_grant(r, af_node_at(list, i), key);
  return rc;
}
