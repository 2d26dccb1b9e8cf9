/* The front half's own tables: who is in the world, who calls, which keys there are, which faults are on. Hidden from the core,
 * which sees sim.h only. */
#ifndef CS_FRONT_H
#define CS_FRONT_H

#include "tools/cloudsim/policy.h"
#include "tools/cloudsim/sigv4.h"
#include "tools/cloudsim/sim.h"

/* --- identity (identity.c) ------------------------------------------------------------------------------------------------ */
enum cs_kind { CS_USER, CS_ROLE };

struct cs_principal {
  enum cs_kind kind;
  struct cs_account *account;
  char *name, *path; /* path begins and ends with "/" */
  char arn[512];
  char id[32];       /* AIDA..., AROA... */
  json_t **policies;
  size_t n_policies;
  bool restricted;   /* it has policies; without any it may do everything: a convenience of the simulator */
  json_t *trust;     /* roles; NULL: nobody may assume it */
  int64_t max_session_s;
};

/* A long-term key, or a session's. */
struct cs_session {
  char access_key[32];
  char secret[64];
  char token[400];
  struct cs_account *account;
  const struct cs_principal *principal;
  char name[80];       /* RoleSessionName; empty for GetSessionToken */
  char source_identity[80];
  bool chains;         /* what it assumes is capped at one hour (rules.md 7) */
  int64_t expires_ms;  /* wall clock */
  json_t *policy;      /* session policy; NULL: none */
};

struct cs_access_key {
  char id[32];
  char *secret;
  struct cs_account *account;
  const struct cs_principal *principal; /* NULL: the root user */
  bool inactive;
};

struct cs_web_identity { /* a token that an identity provider is said to have issued */
  char *token, *provider, *subject, *audience;
  bool expired;
};

struct cs_scp {
  struct cs_account *account;
  json_t *policy;
};

struct cs_identity {
  struct cs_principal **principals;
  size_t n_principals;
  struct cs_access_key *keys;
  size_t n_keys;
  struct cs_session **sessions;
  size_t n_sessions;
  struct cs_scp *scps;
  size_t n_scps;
  struct cs_web_identity *web;
  size_t n_web;
  int64_t session_ms;          /* lifetimes are cut to this; 0: as asked */
  bool instance_role_chains;   /* rules.md 7: uncertain */
  char *instance_role, *container_role, *container_token; /* ARNs; what the metadata endpoints hand out */
  char *instance_region;
  struct af_random_seeded random; /* ids of principals, sessions, tokens */
};

void cs_identity_done(struct cs_identity *identity); /* takes NULL */
const struct cs_principal *cs_principal_find(const struct cs_sim *sim, const char *arn);
const struct cs_access_key *cs_access_key_find(const struct cs_sim *sim, struct af_str id);
struct cs_session *cs_session_find(const struct cs_sim *sim, struct af_str access_key);
/* A fresh session of a principal, for duration_s or less (the world's session_seconds). Owned by the simulation. */
struct cs_session *cs_session_new(struct cs_sim *sim, const struct cs_principal *principal, const char *name, int64_t now_ms, int64_t duration_s);
void cs_caller_of_session(struct cs_caller *caller, const struct cs_session *session);
void cs_caller_of_key(struct cs_caller *caller, const struct cs_access_key *key);
/* The caller as policies see it. */
struct cs_who cs_who_of(const struct cs_caller *caller);

/* --- requests (auth.c) ----------------------------------------------------------------------------------------------------- */
enum cs_service { CS_EC2, CS_STS, CS_KMS, CS_S3, CS_SERVICE_MAX_ };
extern const char *const cs_service_names[CS_SERVICE_MAX_];

struct cs_auth { /* what is known of a request before and after its signature was looked at */
  struct cs_sig sig;
  const struct cs_access_key *key;
  const struct cs_session *session;
};
/* Faults that concern signatures. */
struct cs_auth_faults {
  int64_t skew_ms;    /* the server's clock is off by so much */
  bool token_expired;
};
/* Reads the signature and looks the key up; judges nothing. why stays NULL where the signature is well-formed. */
void cs_auth_peek(const struct cs_sim *sim, const struct cs_request *req, struct cs_auth *ret, const char **ret_why);
void cs_auth_done(struct cs_auth *auth);
/* Judges: fills call->caller and call->region, or call->failure in the words of the service. */
int cs_auth_verify(struct cs_call *call, enum cs_service service, const struct cs_request *req, const struct cs_auth *auth,
                   const char *why, const struct cs_auth_faults *faults);

/* --- permissions (access.c) -------------------------------------------------------------------------------------------------- */
/* The caller's own side: service control policies, identity policies, session policy. CS_DENY, CS_SILENT or CS_ALLOW. */
enum cs_verdict cs_identity_says(const struct cs_sim *sim, const struct cs_caller *caller, const char *action, const char *resource,
                                 const struct cs_context *context);
/* The caller as the policy of a resource, or a grant, sees him who asks this of it: with a session policy that doesn't allow it, nothing
 * that is given to the role reaches him. */
struct cs_who cs_who_limited(const struct cs_caller *caller, const char *action, const char *resource, const struct cs_context *context);
/* aws:PrincipalArn and the other keys that every call has. A new object. */
json_t *cs_context_values(const struct cs_caller *caller, const char *region);

/* --- STS (sts.c) --------------------------------------------------------------------------------------------------------------- */
void cs_sts_handle(struct cs_call *call, struct cs_reply *reply);
/* The one call of STS that isn't signed. */
bool cs_sts_unsigned(const char *action);
void cs_sts_error(const struct cs_call *call, struct cs_reply *reply);

/* --- KMS (kms*.c) ---------------------------------------------------------------------------------------------------------------- */
struct cs_grant {
  char id[72];
  struct cs_key *key;
  char *name;                       /* NULL: none */
  char *grantee, *grantee_service, *retiring, *retiring_service; /* as given; accounts as root ARNs */
  char issuing[64];                 /* root ARN of the account that made it */
  json_t *operations;               /* array, in the order given */
  json_t *constraints;              /* object; NULL: none */
  bool of_world;                    /* the world file has it */
  int64_t created_ms, arrives_ms;   /* the world's time: made, and effective */
  int64_t ended_ms, gone_ms;        /* retired or revoked, and no longer effective; INT64_MAX while it lives */
  int64_t shown_ms, hidden_ms;      /* ListGrants lags, too */
};
struct cs_grant_token {
  char text[140];
  struct cs_grant *grant;
};

struct cs_key_policy { /* policies propagate like grants */
  json_t *document;
  char *text;
  int64_t since_ms;
};
struct cs_key_more {
  char *description, *spec, *usage, *state, *origin, *multi_region; /* multi_region: PRIMARY, REPLICA or NULL */
  char *primary_arn;
  int64_t created_ms, deletion_ms; /* the world's time; 0: none */
  int64_t window_days;
  bool of_world;
  struct cs_key_policy *policies; /* oldest first */
  size_t n_policies;
  int64_t n_live_grants;
};
struct cs_alias {
  char name[300]; /* with alias/ */
  char account[16], region[32];
  struct cs_key *key;
};
struct cs_kms_bucket {
  char account[16], region[32];
  const char *action;
  double level;
  int64_t at_ms;
};

struct cs_kms {
  struct cs_key **keys;
  size_t n_keys;
  struct cs_alias *aliases;
  size_t n_aliases;
  struct cs_grant **grants;
  size_t n_grants;
  struct cs_grant_token *tokens;
  size_t n_tokens;
  struct cs_kms_bucket *buckets;
  size_t n_buckets;
  int64_t grants_per_key;
  struct af_random_seeded random;
};

static inline struct cs_key_more *cs_more(const struct cs_key *key) {
  return key->more;
}

/* One use of a key, as policies and grants see it. */
struct cs_key_use {
  const char *operation;      /* "Decrypt", "CreateGrant"... */
  const struct cs_caller *caller;
  const struct cs_key *key;
  int64_t sim_ms;
  bool via_ec2;               /* EBS acts for the caller */
  const json_t *tokens;       /* grant tokens given with the call; NULL: none */
  const json_t *encryption_context;
  json_t *context;            /* more condition keys; taken over; NULL: none */
};
enum cs_key_answer { CS_KEY_DENIED, CS_KEY_BY_POLICY, CS_KEY_BY_GRANT };
/* who says so: *ret_grant (may be NULL) is the grant that allows. */
enum cs_key_answer cs_key_allowed(const struct cs_sim *sim, const struct cs_key_use *use, const struct cs_grant **ret_grant);

void cs_kms_handle(struct cs_call *call, struct af_str body, struct cs_reply *reply);
void cs_kms_error(const struct cs_call *call, struct cs_reply *reply);
int cs_kms_load(struct cs_reader *r, const struct af_node *kms); /* the top-level `kms` */
int cs_kms_load_keys(struct cs_reader *r, struct cs_account *account, const char *region, const struct af_node *keys);
void cs_kms_done(struct cs_kms *kms); /* takes NULL */

/* Made by kms_key.c for kms.c. id NULL: a fresh one. */
struct cs_key *cs_key_new(const struct cs_sim *sim, const char *account, const char *region, const char *id);
/* It holds from since_ms on. -AF_EINVAL where the text is no policy. */
int cs_key_put_policy(struct cs_key *key, struct af_str text, int64_t since_ms, struct af_error *err);
int cs_key_put_default_policy(const struct cs_sim *sim, struct cs_key *key, int64_t since_ms);
void cs_key_set_state(struct cs_key *key, const char *state);
void cs_alias_add(const struct cs_sim *sim, const char *name, struct cs_key *key);
const struct cs_alias *cs_alias_find(const struct cs_sim *sim, const char *account, const char *region, const char *name);

/* Grants (kms_grant.c). */
int cs_grants_read(struct cs_reader *r, const struct af_node *list, struct cs_key *key);
void cs_grant_free(struct cs_grant *g);
/* The grant that allows who the use, or NULL. own_allows: do the caller's own policies allow it? A grant to a whole account asks. */
const struct cs_grant *cs_grant_for(const struct cs_sim *sim, const struct cs_key_use *use, const struct cs_who *who, bool own_allows);

/* What kms.c gives to the functions that carry a call out. */
struct cs_kms_call {
  struct cs_call *call;
  json_t *in;  /* an object whose members have the right types */
  json_t *out; /* an object; NULL: an empty body */
};
enum cs_key_form { CS_ANY_KEY_FORM, CS_NO_ALIAS, CS_OWN_KEY };
/* The key that member KeyId names, found as the operation allows; fails in KMS's words. */
struct cs_key *cs_kms_resolve(struct cs_kms_call *k, enum cs_key_form form);
/* Is the operation allowed? context (taken over) may be NULL. *ret_grant is the grant that allows, else NULL. */
int cs_kms_authorize(struct cs_kms_call *k, struct cs_key *key, const char *operation, json_t *context, const struct cs_grant **ret_grant);
int cs_kms_usable(struct cs_kms_call *k, const struct cs_key *key); /* Enabled? */
int cs_kms_dry_run(struct cs_kms_call *k);                         /* fails where DryRun is set: all went well */
const char *cs_kms_text(const struct cs_kms_call *k, const char *member); /* NULL where absent */
/* Limit and Marker: the first item, and how many. */
int cs_kms_page(struct cs_kms_call *k, int64_t limit_default, int64_t limit_max, size_t *ret_first, size_t *ret_limit);
void cs_kms_page_end(struct cs_kms_call *k, bool more, size_t next);

void cs_kms_create_grant(struct cs_kms_call *k);
void cs_kms_list_grants(struct cs_kms_call *k);
void cs_kms_list_retirable_grants(struct cs_kms_call *k);
void cs_kms_retire_grant(struct cs_kms_call *k);
void cs_kms_revoke_grant(struct cs_kms_call *k);

/* --- faults (faults.c) ------------------------------------------------------------------------------------------------------------ */
struct cs_front;
struct cs_fault_effects { /* what the faults that match one call add up to */
  struct cs_auth_faults auth;
  int64_t delay_ms;
  struct cs_failure before, after; /* status 0: none */
  bool cut_before;   /* closed without an effect */
  bool lost_after;   /* carried out, closed without a reply */
  bool half, malformed, empty_page;
};
struct cs_fault_key {
  enum cs_service service;
  const char *action, *account, *region;
};
int cs_faults_read(struct cs_reader *r, const struct af_node *list); /* replaces the list */
void cs_faults_clear(struct cs_front *front);
void cs_faults_draw(struct cs_sim *sim, const struct cs_fault_key *key, struct cs_fault_effects *ret);

/* --- metadata endpoints (metadata.c) ----------------------------------------------------------------------------------------------- */
bool cs_metadata_handle(struct cs_sim *sim, int64_t now_ms, const struct cs_request *req, struct cs_reply *reply);

/* --- counting (front.c) --------------------------------------------------------------------------------------------------------------- */
struct cs_front {
  struct cs_fault *faults;
  size_t n_faults;
  struct af_random_seeded random; /* request ids, chances */
  json_t *calls;     /* {"ec2:CopyImage": {"ok": 3, "RequestLimitExceeded": 1}} */
  json_t *faulted;   /* {"ec2:CopyImage": {"lost-reply": 1}} */
  json_t *ambiguous; /* calls whose effect happened and whose reply the caller never saw whole */
  struct cs_metadata_token {
    char text[64];
    int64_t expires_ms;
  } *metadata_tokens;
  size_t n_metadata_tokens;
  char instance_session[32], container_session[32]; /* access keys last handed out */
};

void cs_front_seed(struct cs_sim *sim, uint64_t seed);
void cs_count(json_t *table, const char *row, const char *column); /* table[row][column]++ */
bool cs_one_of_texts(const char *text, const char *const *list); /* the list ends with NULL */
bool cs_of_charset(const char *text, const char *extra);         /* letters, digits, _ and what extra has */
void cs_reply_header(struct cs_reply *reply, const char *name, const char *value);
/* random text of [A-Z2-7], as access keys and ids have. */
void cs_random_base32(struct af_random_seeded *r, char *out, size_t n);

#endif
