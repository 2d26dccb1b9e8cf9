/* IAM policies: does this statement speak of this call, and what does it say? Documents are JSON as AWS writes them; the world
 * file's YAML is turned into the same. Pure: who holds which policy, and how the answers are put together, is auth.c's and
 * kms.c's business (rules.md 3, IAM's evaluation logic).
 *
 * Elements and operators that aren't simulated are refused when a document is read, never passed over in silence. */
#ifndef CS_POLICY_H
#define CS_POLICY_H

#include <jansson.h>

#include "tools/cloudsim/cloudsim.h"

enum cs_policy_kind { CS_POLICY_IDENTITY, CS_POLICY_RESOURCE /* has Principal: a key policy, a trust policy */ };

/* Reads a policy of the world file: a document, one statement or a list of statements. The caller's to json_decref. */
int cs_policy_read(json_t **ret, const struct af_doc *doc, const struct af_node *node, enum cs_policy_kind kind, struct af_error *err);
/* Reads JSON text, as PutKeyPolicy and AssumeRole get it. -AF_EINVAL with the reason in err->message. */
int cs_policy_parse(json_t **ret, struct af_str text, enum cs_policy_kind kind, struct af_error *err);
/* A node as JSON (scalars by their type, account ids that look like numbers as strings). NULL when memory is out. */
json_t *cs_node_json(const struct af_node *node);

/* Who asks. */
struct cs_who {
  const char *account;
  const char *arn;      /* user, or assumed-role session; of the account's root as arn:aws:iam::ID:root */
  const char *role_arn; /* of a session: the role behind it; NULL otherwise */
  bool role_limited;    /* what allows the role does not allow this session; what denies it, denies */
  const char *service;  /* a service principal instead ("ec2.amazonaws.com"); NULL otherwise */
  const char *federated; /* the provider, of a web identity; NULL otherwise */
};

/* Condition keys: a string, a bool or a list of strings each; names in any case. What is dear to find out (tags of a resource)
 * is asked for when a policy speaks of it: find() then returns a new reference, or NULL. */
struct cs_context {
  json_t *values; /* an object; owned by whoever made the context */
  json_t *(*find)(void *ctx, const char *key); /* may be NULL */
  void *ctx;
};

struct cs_ask {
  struct cs_who who;
  const char *action;   /* "kms:CreateGrant" */
  const char *resource; /* ARN; NULL for the trust policy, which has none */
  const struct cs_context *context;
};

/* What a document says. The order is that of strength. */
enum cs_verdict {
  CS_SILENT,
  CS_ALLOW_ACCOUNT, /* a resource policy trusts the whole account: its own policies decide further */
  CS_ALLOW,         /* names the principal itself (or, in an identity policy, simply allows) */
  CS_DENY,
};
enum cs_verdict cs_policy_says(const json_t *document, const struct cs_ask *ask, enum cs_policy_kind kind);

bool cs_policy_allows_some(const json_t *document); /* has it a statement that allows? */

/* Does "arn:aws:iam::111122223333:root", "111122223333", an ARN or "*" name this principal, for one that is to be allowed? */
enum cs_verdict cs_principal_matches(const char *pattern, const struct cs_who *who);

#endif
