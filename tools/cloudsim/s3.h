/* S3's own tables and what its files share: buckets, their policies and access control lists, objects. Hidden from the core, which
 * asks through sim.h.
 *
 * Policies and lists forget nothing: each version knows when it was made (reads may lag behind that) and when it takes effect. What
 * holds objects is strongly consistent, as S3 is. */
#ifndef CS_S3_H
#define CS_S3_H

#include "tools/cloudsim/front.h"

enum cs_s3_permission { CS_S3_FULL_CONTROL, CS_S3_READ, CS_S3_WRITE, CS_S3_READ_ACP, CS_S3_WRITE_ACP, CS_S3_PERMISSION_MAX_ };
extern const char *const cs_s3_permissions[CS_S3_PERMISSION_MAX_];

struct cs_s3_grant {
  char grantee[80]; /* a canonical user id, or the URI of a group */
  enum cs_s3_permission permission;
};
struct cs_s3_acl {
  struct cs_s3_grant *grants;
  size_t n;
  int64_t made_ms, since_ms;
};
struct cs_s3_acls { /* oldest first; the first is what the bucket or object began with */
  struct cs_s3_acl *items;
  size_t n;
};

struct cs_s3_policy {
  json_t *document; /* NULL: none from then on */
  char *text;
  int64_t made_ms, since_ms;
};

struct cs_s3_object {
  char *key;
  char *content; /* NULL: made up, the same at every reading */
  int64_t size;
  char etag[36]; /* with its quotes */
  int64_t since_ms;
  struct cs_s3_acls acls;
};

/* CS_S3_UNSET: a bucket of old on which nobody has put ownership controls; it behaves as ObjectWriter. */
enum cs_s3_ownership { CS_S3_UNSET, CS_S3_OBJECT_WRITER, CS_S3_OWNER_PREFERRED, CS_S3_OWNER_ENFORCED, CS_S3_OWNERSHIP_MAX_ };
extern const char *const cs_s3_ownerships[CS_S3_OWNERSHIP_MAX_];

struct cs_s3_bucket {
  char name[80];
  struct cs_account *owner;
  const struct cs_region *region;
  enum cs_s3_ownership ownership;
  bool block_public; /* all four of the block public access settings */
  struct cs_s3_policy *policies; /* oldest first */
  size_t n_policies;
  size_t n_world_policies; /* of these, the world file's: 0 or 1 */
  struct cs_s3_acls acls;
  struct cs_s3_object **objects; /* by key */
  size_t n_objects;
};

struct cs_s3 {
  struct cs_s3_bucket **buckets;
  size_t n_buckets;
};

struct cs_s3_operation;
/* One request as S3 reads it. */
struct cs_s3_request {
  const struct cs_request *http;
  const struct cs_auth *auth;
  const struct cs_s3_operation *operation; /* NULL: there is none; call->failure says why */
  char bucket_name[256];
  char host_region[32]; /* that the Host header names; empty: none */
  struct af_buf key;    /* decoded; empty: the bucket itself */
  struct cs_params query;
  struct cs_s3_bucket *bucket;
  struct cs_s3_object *object;
  struct af_buf detail; /* elements of the error beside Code and Message */
};

/* --- s3.c: the door --- */
/* Is it S3 that the request wants? Its paths and hosts are S3's own; at "/" the scope of the signature says so. */
bool cs_s3_speaks(const struct cs_request *http, const struct cs_auth *auth);
/* Finds bucket, key and operation; call->failure where there is no such operation. cs_s3_end() in every case. */
void cs_s3_begin(struct cs_call *call, const struct cs_request *http, const struct cs_auth *auth, struct cs_s3_request *s3);
void cs_s3_end(struct cs_s3_request *s3);
void cs_s3_handle(struct cs_call *call, struct cs_reply *reply);
void cs_s3_error(const struct cs_call *call, struct cs_reply *reply);
const char *cs_s3_host_id(const struct cs_call *call, char out[80]);
/* Fails, and names what failed in an element of its own. */
int cs_s3_fail(struct cs_call *call, int status, const char *code, const char *message, const char *element, const char *value);
const char *cs_s3_param(struct cs_call *call, const char *name); /* of the query; NULL where absent */
void cs_s3_xml(struct cs_reply *reply, const char *root); /* opens an XML reply */

/* --- s3_store.c: the tables --- */
int cs_s3_load_buckets(struct cs_reader *r, struct cs_account *account, const char *region, const struct af_node *list);
void cs_s3_done(struct cs_s3 *s3); /* takes NULL */
struct cs_s3_bucket *cs_s3_bucket_find(const struct cs_sim *sim, const char *name);
struct cs_s3_bucket *cs_s3_bucket_new(struct cs_sim *sim, struct cs_account *owner, const struct cs_region *region, const char *name);
struct cs_s3_object *cs_s3_object_find(const struct cs_s3_bucket *bucket, int64_t sim_ms, const char *key);
/* The one of that key, or a new one. */
struct cs_s3_object *cs_s3_object_put(struct cs_s3_bucket *bucket, const char *key, int64_t since_ms);
/* content NULL: made up, of the size. */
void cs_s3_object_fill(struct cs_s3_object *object, const char *content, int64_t size);
size_t cs_s3_first_key(const struct cs_s3_bucket *bucket, const char *from); /* position of the first key that is not less */
void cs_s3_arn(char *arn, size_t size, const struct cs_s3_bucket *bucket, const char *key); /* key NULL: the bucket's */

/* --- s3_access.c: who may --- */
struct cs_s3_use {
  const struct cs_caller *caller;
  const char *action; /* "s3:GetObject" */
  const struct cs_s3_bucket *bucket;
  const struct cs_s3_object *object; /* NULL: the bucket, or a key that isn't there */
  const char *key;                   /* NULL: the bucket */
  const char *prefix;                /* of ListObjectsV2; NULL: none */
  int64_t sim_ms;
};
bool cs_s3_allowed(const struct cs_sim *sim, const struct cs_s3_use *use);
int cs_s3_authorize(struct cs_call *call, const char *action); /* of the call's bucket or object; fails in S3's words */
const struct cs_s3_policy *cs_s3_policy_at(const struct cs_s3_bucket *bucket, int64_t since_ms); /* in effect; NULL: none */
int64_t cs_s3_effect_ms(struct cs_call *call); /* when a change that is made now takes effect */
int64_t cs_s3_next_ms(const struct cs_sim *sim, int64_t sim_ms); /* the next change to take effect; INT64_MAX: none */

/* --- s3_policy.c --- */
/* The text as S3 keeps it. -AF_EINVAL with err->message where it is none for that bucket. */
int cs_s3_policy_take(const struct cs_sim *sim, const struct cs_s3_bucket *bucket, struct af_str text, json_t **ret,
                      struct af_error *err);
void cs_s3_policy_add(struct cs_s3_bucket *bucket, json_t *document, int64_t made_ms, int64_t since_ms); /* takes document over */
bool cs_s3_policy_public(const json_t *document);

/* --- s3_acl.c --- */
void cs_s3_canonical_id(const char *account, char out[65]);
void cs_s3_acl_grant(struct cs_s3_acl *acl, const char *grantee, enum cs_s3_permission permission);
void cs_s3_acl_own(struct cs_s3_acl *acl, const struct cs_s3_bucket *bucket); /* full control of its owner, and nothing else */
void cs_s3_acl_exec_read(struct cs_s3_acl *acl); /* EC2 may read: aws-exec-read */
void cs_s3_acls_add(struct cs_s3_acls *acls, struct cs_s3_acl acl); /* takes acl over */
void cs_s3_acls_done(struct cs_s3_acls *acls);
/* What holds (effect) or is shown (!effect) at that time. Never NULL: the first holds for ever. */
const struct cs_s3_acl *cs_s3_acl_at(const struct cs_s3_acls *acls, int64_t at_ms, bool effect);
bool cs_s3_acl_allows(const struct cs_s3_bucket *bucket, const struct cs_s3_acl *acl, const char *account, const char *action);

/* --- s3_audit.c: adds to shares_open and shares_lost, which EC2 has made --- */
void cs_s3_audit(const struct cs_sim *sim, json_t *audit);

/* --- the operations: s3_read.c, s3_policy.c, s3_acl.c. Each fills the reply, or call->failure --- */
typedef int cs_s3_run(struct cs_call *call, struct cs_reply *reply);
cs_s3_run cs_s3_head_bucket, cs_s3_get_location, cs_s3_get_ownership, cs_s3_list, cs_s3_get_object, cs_s3_get_policy,
    cs_s3_put_policy, cs_s3_delete_policy, cs_s3_get_acl, cs_s3_put_acl;

#endif
