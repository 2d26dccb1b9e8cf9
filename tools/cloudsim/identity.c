/* Who is in the world: users, roles, access keys, service control policies, and the sessions that STS hands out. Owns them all. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/s3.h"

enum { DEFAULT_MAX_SESSION_S = 3600, TOKEN_CHARS = 320, SECRET_CHARS = 40 };

void cs_random_base32(struct af_random_seeded *r, char *out, size_t n) {
  for (size_t i = 0; i < n; i++)
    out[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[af_random_below(&r->random, 32)];
  out[n] = 0;
}

static void random_base64(struct af_random_seeded *r, char *out, size_t n) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < n; i++)
    out[i] = digits[af_random_below(&r->random, 64)];
  out[n] = 0;
}

/* ---- finding ---- */

const struct cs_principal *cs_principal_find(const struct cs_sim *sim, const char *arn) {
  for (size_t i = 0; i < sim->identity->n_principals; i++)
    if (strcmp(sim->identity->principals[i]->arn, arn) == 0)
      return sim->identity->principals[i];
  return NULL;
}

const struct cs_access_key *cs_access_key_find(const struct cs_sim *sim, struct af_str id) {
  for (size_t i = 0; i < sim->identity->n_keys; i++)
    if (af_str_eq(id, af_str(sim->identity->keys[i].id)))
      return &sim->identity->keys[i];
  return NULL;
}

struct cs_session *cs_session_find(const struct cs_sim *sim, struct af_str access_key) {
  for (size_t i = sim->identity->n_sessions; i > 0; i--) /* the youngest are asked for most */
    if (af_str_eq(access_key, af_str(sim->identity->sessions[i - 1]->access_key)))
      return sim->identity->sessions[i - 1];
  return NULL;
}

/* ---- callers ---- */

static const char *partition_of(const struct cs_account *account) {
  return account->settings && account->settings[0].region ? account->settings[0].region->partition : "aws";
}

void cs_caller_of_key(struct cs_caller *caller, const struct cs_access_key *key) {
  *caller = (struct cs_caller){.principal = key->principal};
  AF_COPY(caller->account, af_str(key->account->id));
  if (key->principal) {
    AF_COPY(caller->arn, af_str(key->principal->arn));
    AF_COPY(caller->user_id, af_str(key->principal->id));
  } else {
    snprintf(caller->arn, sizeof caller->arn, "arn:%s:iam::%s:root", partition_of(key->account), key->account->id);
    AF_COPY(caller->user_id, af_str(key->account->id));
  }
}

void cs_caller_of_session(struct cs_caller *caller, const struct cs_session *session) {
  const struct cs_principal *p = session->principal;
  *caller = (struct cs_caller){.principal = p, .session = session};
  AF_COPY(caller->account, af_str(session->account->id));
  if (!p || p->kind == CS_USER) { /* GetSessionToken: the same identity, for a time */
    struct cs_access_key like = {.account = session->account, .principal = p};
    cs_caller_of_key(caller, &like);
    caller->session = session;
    return;
  }
  snprintf(caller->arn, sizeof caller->arn, "arn:%s:sts::%s:assumed-role/%s/%s", partition_of(session->account),
           session->account->id, p->name, session->name);
  snprintf(caller->user_id, sizeof caller->user_id, "%s:%s", p->id, session->name);
}

struct cs_who cs_who_of(const struct cs_caller *caller) {
  const struct cs_principal *p = caller->principal;
  return (struct cs_who){
      .account = caller->account,
      .arn = caller->arn,
      .role_arn = p && p->kind == CS_ROLE ? p->arn : NULL,
  };
}

/* ---- sessions ---- */

struct cs_session *cs_session_new(struct cs_sim *sim, const struct cs_principal *principal, const char *name, int64_t now_ms,
                                  int64_t duration_s) {
  struct cs_identity *id = sim->identity;
  struct cs_session *s = cs_new(sizeof *s);
  int64_t life_ms = duration_s * 1000;
  if (id->session_ms > 0 && id->session_ms < life_ms)
    life_ms = id->session_ms;
  memcpy(s->access_key, "ASIA", 4);
  cs_random_base32(&id->random, s->access_key + 4, 16);
  random_base64(&id->random, s->secret, SECRET_CHARS);
  random_base64(&id->random, s->token, TOKEN_CHARS);
  memcpy(s->token, "IQoJb3JpZ2luX2NLOUDSIM", 22); /* as AWS's begin: text that scanners know, and that says where it is from */
  s->principal = principal;
  s->account = principal ? principal->account : NULL;
  AF_COPY(s->name, af_str(name));
  s->expires_ms = (now_ms + life_ms) / 1000 * 1000; /* Expiration is told in whole seconds, and must be true */
  *CS_ADD(id->sessions, id->n_sessions) = s;
  return s;
}

/* ---- the world file ---- */

static int read_policies(struct cs_reader *r, const struct af_node *map, json_t ***ret, size_t *ret_n, bool *ret_any) {
  const struct af_node *list;
  int rc = cs_read_list(r, map, "policies", &list);
  if (rc < 0 || !list)
    return rc;
  *ret_any = true;
  for (size_t i = 0; i < af_node_count(list); i++) {
    json_t *policy;
    if ((rc = cs_policy_read(&policy, r->doc, af_node_at(list, i), CS_POLICY_IDENTITY, r->err)) < 0)
      return rc;
    *CS_ADD(*ret, *ret_n) = policy;
  }
  return 0;
}

static int read_access_keys(struct cs_reader *r, const struct af_node *map, struct cs_account *account,
                            const struct cs_principal *principal) {
  static const char *const known[] = {"id", "secret", "inactive", NULL};
  const struct af_node *list;
  int rc = cs_read_list(r, map, "access_keys", &list);
  for (size_t i = 0; rc == 0 && list && i < af_node_count(list); i++) {
    const struct af_node *n = af_node_at(list, i);
    struct cs_access_key key = {.account = account, .principal = principal};
    rc = af_node_only(r->doc, n, known, r->err);
    rc = rc ? rc : cs_read_text(r, n, "id", key.id, sizeof key.id);
    rc = rc ? rc : cs_read_bool(r, n, "inactive", &key.inactive);
    rc = rc ? rc : cs_read_string(r, n, "secret", &key.secret);
    if (rc == 0 && (!key.id[0] || !key.secret))
      rc = cs_bad(r, n, "an access key needs an id and a secret");
    if (rc == 0 && cs_access_key_find(r->sim, af_str(key.id)))
      rc = cs_bad(r, n, "access key %s is there twice", key.id);
    if (rc < 0)
      free(key.secret);
    else
      *CS_ADD(r->sim->identity->keys, r->sim->identity->n_keys) = key;
  }
  return rc;
}

static int read_trust(struct cs_reader *r, const struct af_node *n, struct cs_principal *p) {
  const struct af_node *trust = af_node_get(n, "trust");
  return trust ? cs_policy_read(&p->trust, r->doc, trust, CS_POLICY_RESOURCE, r->err) : 0;
}

static int read_principal(struct cs_reader *r, const struct af_node *n, struct cs_account *account, enum cs_kind kind) {
  static const char *const user_keys[] = {"name", "path", "access_keys", "policies", NULL};
  static const char *const role_keys[] = {"name", "path", "trust", "policies", "max_session_seconds", NULL};
  struct cs_identity *id = r->sim->identity;
  struct cs_principal *p = cs_new(sizeof *p);
  *CS_ADD(id->principals, id->n_principals) = p;
  *p = (struct cs_principal){.kind = kind, .account = account, .max_session_s = DEFAULT_MAX_SESSION_S};
  memcpy(p->id, kind == CS_USER ? "AIDA" : "AROA", 4);
  cs_random_base32(&id->random, p->id + 4, 17);
  int rc = af_node_only(r->doc, n, kind == CS_USER ? user_keys : role_keys, r->err);
  rc = rc ? rc : cs_read_string(r, n, "name", &p->name);
  rc = rc ? rc : cs_read_string(r, n, "path", &p->path);
  rc = rc ? rc : cs_read_int(r, n, "max_session_seconds", 3600, 43200, &p->max_session_s);
  if (rc == 0 && (!p->name || !p->name[0] || strlen(p->name) > 64))
    rc = cs_bad(r, n, "a %s needs a name of at most 64 characters", kind == CS_USER ? "user" : "role");
  if (rc < 0)
    return rc;
  if (!p->path)
    p->path = cs_strdup("/");
  snprintf(p->arn, sizeof p->arn, "arn:%s:iam::%s:%s%s%s", partition_of(account), account->id, kind == CS_USER ? "user" : "role",
           p->path, p->name);
  if (cs_principal_find(r->sim, p->arn) != p)
    return cs_bad(r, n, "%s is there twice", p->arn);
  rc = read_policies(r, n, &p->policies, &p->n_policies, &p->restricted);
  rc = rc ? rc : read_trust(r, n, p);
  return rc ? rc : kind == CS_USER ? read_access_keys(r, n, account, p) : 0;
}

static int read_principals(struct cs_reader *r, const struct af_node *map, const char *key, struct cs_account *account,
                           enum cs_kind kind) {
  const struct af_node *list;
  int rc = cs_read_list(r, map, key, &list);
  for (size_t i = 0; rc == 0 && list && i < af_node_count(list); i++)
    rc = read_principal(r, af_node_at(list, i), account, kind);
  return rc;
}

static int read_scps(struct cs_reader *r, const struct af_node *map, struct cs_account *account) {
  const struct af_node *list;
  int rc = cs_read_list(r, map, "scps", &list);
  for (size_t i = 0; rc == 0 && list && i < af_node_count(list); i++) {
    json_t *policy;
    rc = cs_policy_read(&policy, r->doc, af_node_at(list, i), CS_POLICY_IDENTITY, r->err);
    if (rc == 0)
      *CS_ADD(r->sim->identity->scps, r->sim->identity->n_scps) = (struct cs_scp){account, policy};
  }
  return rc;
}

/* Calls each() for every account of the file. */
static int each_account(struct cs_reader *r,
                        int (*each)(struct cs_reader *r, const struct af_node *n, struct cs_account *account)) {
  const struct af_node *list = af_node_get(af_doc_root(r->doc), "accounts");
  int rc = 0;
  for (size_t i = 0; rc == 0 && list && i < af_node_count(list); i++) /* the core has read them, in this order */
    rc = each(r, af_node_at(list, i), r->sim->accounts[i]);
  return rc;
}

static int read_account(struct cs_reader *r, const struct af_node *n, struct cs_account *account) {
  int rc = read_principals(r, n, "users", account, CS_USER);
  rc = rc ? rc : read_principals(r, n, "roles", account, CS_ROLE);
  rc = rc ? rc : read_access_keys(r, n, account, NULL);
  return rc ? rc : read_scps(r, n, account);
}

/* Keys and buckets come last: their policies and grants name principals of every account. */
static int read_account_resources(struct cs_reader *r, const struct af_node *n, struct cs_account *account) {
  const struct af_node *regions = af_node_get(n, "regions"), *keys, *buckets;
  int rc = 0;
  for (size_t i = 0; rc == 0 && regions && i < af_node_count(regions); i++) {
    char region[32];
    AF_COPY(region, af_node_key(regions, i));
    rc = cs_read_list(r, af_node_at(regions, i), "keys", &keys);
    if (rc == 0 && keys)
      rc = cs_kms_load_keys(r, account, region, keys);
    rc = rc ? rc : cs_read_list(r, af_node_at(regions, i), "buckets", &buckets);
    if (rc == 0 && buckets)
      rc = cs_s3_load_buckets(r, account, region, buckets);
  }
  return rc;
}

static int read_web_identities(struct cs_reader *r, const struct af_node *sts) {
  static const char *const known[] = {"token", "provider", "subject", "audience", "expired", NULL};
  const struct af_node *list;
  int rc = cs_read_list(r, sts, "web_identities", &list);
  for (size_t i = 0; rc == 0 && list && i < af_node_count(list); i++) {
    const struct af_node *n = af_node_at(list, i);
    struct cs_web_identity *w = CS_ADD(r->sim->identity->web, r->sim->identity->n_web);
    *w = (struct cs_web_identity){0};
    rc = af_node_only(r->doc, n, known, r->err);
    rc = rc ? rc : cs_read_string(r, n, "token", &w->token);
    rc = rc ? rc : cs_read_string(r, n, "provider", &w->provider);
    rc = rc ? rc : cs_read_string(r, n, "subject", &w->subject);
    rc = rc ? rc : cs_read_string(r, n, "audience", &w->audience);
    rc = rc ? rc : cs_read_bool(r, n, "expired", &w->expired);
    if (rc == 0 && (!w->token || !w->provider || !w->subject || !w->audience))
      rc = cs_bad(r, n, "a web identity needs token, provider, subject and audience");
  }
  return rc;
}

static int check_role(struct cs_reader *r, const struct af_node *sts, const char *key, const char *arn) {
  const struct cs_principal *p = arn ? cs_principal_find(r->sim, arn) : NULL;
  return !arn || (p && p->kind == CS_ROLE) ? 0 : cs_bad(r, af_node_get(sts, key), "%s is no role of this world", arn);
}

static int read_sts(struct cs_reader *r, const struct af_node *sts) {
  static const char *const known[] = {"session_seconds", "instance_role",   "instance_region", "instance_role_chains",
                                      "container_role",  "container_token", "web_identities",  NULL};
  struct cs_identity *id = r->sim->identity;
  int rc = af_node_only(r->doc, sts, known, r->err);
  rc = rc ? rc : cs_read_seconds(r, sts, "session_seconds", &id->session_ms);
  rc = rc ? rc : cs_read_string(r, sts, "instance_role", &id->instance_role);
  rc = rc ? rc : cs_read_string(r, sts, "instance_region", &id->instance_region);
  rc = rc ? rc : cs_read_bool(r, sts, "instance_role_chains", &id->instance_role_chains);
  rc = rc ? rc : cs_read_string(r, sts, "container_role", &id->container_role);
  rc = rc ? rc : cs_read_string(r, sts, "container_token", &id->container_token);
  rc = rc ? rc : check_role(r, sts, "instance_role", id->instance_role);
  rc = rc ? rc : check_role(r, sts, "container_role", id->container_role);
  return rc ? rc : read_web_identities(r, sts);
}

static int load(struct cs_reader *r) {
  const struct af_node *root = af_doc_root(r->doc), *sts, *kms, *faults;
  int rc = each_account(r, read_account);
  rc = rc ? rc : cs_read_map(r, root, "sts", &sts);
  rc = rc || !sts ? rc : read_sts(r, sts);
  rc = rc ? rc : cs_read_map(r, root, "kms", &kms);
  rc = rc || !kms ? rc : cs_kms_load(r, kms);
  rc = rc ? rc : each_account(r, read_account_resources);
  rc = rc ? rc : cs_read_list(r, root, "faults", &faults);
  return rc || !faults ? rc : cs_faults_read(r, faults);
}

int cs_world_load_identity(struct cs_sim *sim, const struct af_doc *world, struct af_error *err) {
  struct cs_reader r = {.doc = world, .err = err, .sim = sim};
  const struct af_node *seed = af_node_get(af_doc_root(world), "seed");
  if (sim->seed == 0 && seed) /* who gives no seed takes the world's */
    cs_front_seed(sim, (uint64_t)af_node_int(seed));
  return load(&r);
}

static void free_policies(json_t **policies, size_t n) {
  for (size_t i = 0; i < n; i++)
    json_decref(policies[i]);
  free(policies);
}

static void free_principal(struct cs_principal *p) {
  free(p->name);
  free(p->path);
  free_policies(p->policies, p->n_policies);
  json_decref(p->trust);
  free(p);
}

void cs_identity_done(struct cs_identity *id) {
  if (!id)
    return;
  for (size_t i = 0; i < id->n_principals; i++)
    free_principal(id->principals[i]);
  for (size_t i = 0; i < id->n_keys; i++)
    free(id->keys[i].secret);
  for (size_t i = 0; i < id->n_sessions; i++) {
    json_decref(id->sessions[i]->policy);
    free(id->sessions[i]);
  }
  for (size_t i = 0; i < id->n_scps; i++)
    json_decref(id->scps[i].policy);
  for (size_t i = 0; i < id->n_web; i++) {
    free(id->web[i].token);
    free(id->web[i].provider);
    free(id->web[i].subject);
    free(id->web[i].audience);
  }
  free(id->principals);
  free(id->keys);
  free(id->sessions);
  free(id->scps);
  free(id->web);
  free(id->instance_role);
  free(id->instance_region);
  free(id->container_role);
  free(id->container_token);
  free(id);
}
