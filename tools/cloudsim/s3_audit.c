/* What callers left open or took away in S3: statements of bucket policies and grants of lists, against what a bucket or an object
 * began with. As things were last written, whether or not that has taken effect; in the form that EC2's shares have. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/s3.h"

/* ---- policies ---- */

static json_t *statements(const json_t *document) {
  json_t *list = json_object_get(document, "Statement");
  return !list ? json_array() : json_is_array(list) ? json_incref(list) : json_pack("[O]", list);
}

/* Takes one that is equal out of the list. */
static bool take_equal(json_t *list, const json_t *statement) {
  for (size_t i = 0; i < json_array_size(list); i++)
    if (json_equal(json_array_get(list, i), statement)) {
      json_array_remove(list, i);
      return true;
    }
  return false;
}

static void add(json_t *list, const struct cs_s3_bucket *b, const char *resource, const char *kind, const char *to, const char *what) {
  json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "resource", resource, "account", b->owner->id, "region",
                                        b->region->name, "kind", kind, "to", to, "what", what));
}

static void add_statement(json_t *list, const struct cs_s3_bucket *b, const json_t *statement) {
  const json_t *principal = json_object_get(statement, "Principal"), *aws = json_object_get(principal, "AWS");
  char *to = json_dumps(aws ? aws : principal, JSON_COMPACT | JSON_ENCODE_ANY), *what = json_dumps(statement, JSON_COMPACT);
  add(list, b, b->name, "policyStatement", json_is_string(aws) ? json_string_value(aws) : to, what);
  free(to);
  free(what);
}

/* Statements of a that b lacks. */
static void compare_policies(json_t *list, const struct cs_s3_bucket *bucket, const json_t *a, const json_t *b) {
  json_t *mine = statements(a), *others = statements(b), *left = json_copy(others);
  size_t i;
  json_t *statement;
  json_array_foreach (mine, i, statement)
    if (!take_equal(left, statement))
      add_statement(list, bucket, statement);
  json_decref(mine);
  json_decref(others);
  json_decref(left);
}

/* ---- lists ---- */

static bool holds(const struct cs_s3_acl *acl, const struct cs_s3_grant *g) {
  for (size_t i = 0; i < acl->n; i++)
    if (acl->grants[i].permission == g->permission && strcmp(acl->grants[i].grantee, g->grantee) == 0)
      return true;
  return false;
}

/* The account that a canonical id stands for: what an audit is read for. */
static const char *who(const struct cs_sim *sim, const char *grantee) {
  char id[65];
  for (size_t i = 0; i < sim->n_accounts; i++) {
    cs_s3_canonical_id(sim->accounts[i]->id, id);
    if (strcmp(id, grantee) == 0)
      return sim->accounts[i]->id;
  }
  return grantee;
}

/* Grants of a that b lacks. */
static void compare_acls(const struct cs_sim *sim, json_t *list, const struct cs_s3_bucket *bucket, const char *resource,
                         const struct cs_s3_acl *a, const struct cs_s3_acl *b) {
  for (size_t i = 0; i < a->n; i++)
    if (!holds(b, &a->grants[i]))
      add(list, bucket, resource, "aclGrant", who(sim, a->grants[i].grantee), cs_s3_permissions[a->grants[i].permission]);
}

static void audit_acls(const struct cs_sim *sim, const struct cs_s3_bucket *bucket, const char *resource, const struct cs_s3_acls *acls,
                       json_t *open, json_t *lost) {
  const struct cs_s3_acl *first = &acls->items[0], *last = &acls->items[acls->n - 1];
  compare_acls(sim, open, bucket, resource, last, first);
  compare_acls(sim, lost, bucket, resource, first, last);
}

/* ---- all of it ---- */

void cs_s3_audit(const struct cs_sim *sim, json_t *audit) {
  json_t *open = json_object_get(audit, "shares_open"), *lost = json_object_get(audit, "shares_lost");
  char resource[1200];
  for (size_t i = 0; i < sim->s3->n_buckets; i++) {
    const struct cs_s3_bucket *b = sim->s3->buckets[i];
    const json_t *first = b->n_world_policies ? b->policies[0].document : NULL;
    const json_t *last = b->n_policies ? b->policies[b->n_policies - 1].document : NULL;
    compare_policies(open, b, last, first);
    compare_policies(lost, b, first, last);
    audit_acls(sim, b, b->name, &b->acls, open, lost);
    for (size_t k = 0; k < b->n_objects; k++) {
      snprintf(resource, sizeof resource, "%s/%s", b->name, b->objects[k]->key);
      audit_acls(sim, b, resource, &b->objects[k]->acls, open, lost);
    }
  }
}
