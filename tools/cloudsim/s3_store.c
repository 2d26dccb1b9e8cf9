/* Buckets and objects: the tables, and what the world file says of them. Owns them.
 *
 * A bucket's name is one in the whole world, as it is in a partition of AWS. Objects stand in the order of their keys. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/s3.h"

enum { OBJECT_MAX = 16 << 20 };

const char *const cs_s3_ownerships[] = {
    [CS_S3_UNSET] = "",
    [CS_S3_OBJECT_WRITER] = "ObjectWriter",
    [CS_S3_OWNER_PREFERRED] = "BucketOwnerPreferred",
    [CS_S3_OWNER_ENFORCED] = "BucketOwnerEnforced",
};

/* ---- finding ---- */

struct cs_s3_bucket *cs_s3_bucket_find(const struct cs_sim *sim, const char *name) {
  for (size_t i = 0; i < sim->s3->n_buckets; i++)
    if (strcmp(sim->s3->buckets[i]->name, name) == 0)
      return sim->s3->buckets[i];
  return NULL;
}

size_t cs_s3_first_key(const struct cs_s3_bucket *bucket, const char *from) {
  size_t low = 0, high = bucket->n_objects;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(bucket->objects[middle]->key, from) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static struct cs_s3_object *by_key(const struct cs_s3_bucket *bucket, const char *key) {
  size_t at = cs_s3_first_key(bucket, key);
  return at < bucket->n_objects && strcmp(bucket->objects[at]->key, key) == 0 ? bucket->objects[at] : NULL;
}

struct cs_s3_object *cs_s3_object_find(const struct cs_s3_bucket *bucket, int64_t sim_ms, const char *key) {
  struct cs_s3_object *o = by_key(bucket, key);
  return o && o->since_ms <= sim_ms ? o : NULL;
}

void cs_s3_arn(char *arn, size_t size, const struct cs_s3_bucket *bucket, const char *key) {
  snprintf(arn, size, "arn:%s:s3:::%s%s%s", bucket->region->partition, bucket->name, key ? "/" : "", key ? key : "");
}

/* ---- making ---- */

struct cs_s3_bucket *cs_s3_bucket_new(struct cs_sim *sim, struct cs_account *owner, const struct cs_region *region, const char *name) {
  struct cs_s3_bucket *bucket = cs_new(sizeof *bucket);
  bucket->owner = owner;
  bucket->region = region;
  bucket->block_public = true;
  AF_COPY(bucket->name, af_str(name));
  *CS_ADD(sim->s3->buckets, sim->s3->n_buckets) = bucket;
  return bucket;
}

struct cs_s3_object *cs_s3_object_put(struct cs_s3_bucket *bucket, const char *key, int64_t since_ms) {
  struct cs_s3_object *o = by_key(bucket, key);
  if (o)
    return o;
  size_t at = cs_s3_first_key(bucket, key);
  o = cs_new(sizeof *o);
  o->key = cs_strdup(key);
  o->since_ms = since_ms;
  (void)CS_ADD(bucket->objects, bucket->n_objects);
  memmove(&bucket->objects[at + 1], &bucket->objects[at], (bucket->n_objects - 1 - at) * sizeof *bucket->objects);
  bucket->objects[at] = o;
  return o;
}

void cs_s3_object_fill(struct cs_s3_object *o, const char *content, int64_t size) {
  unsigned char hash[EVP_MAX_MD_SIZE] = {0};
  unsigned int n = 0;
  char about[1200];
  cs_set(&o->content, content);
  o->size = content ? (int64_t)strlen(content) : size;
  snprintf(about, sizeof about, "%s %lld", o->key, (long long)o->size);
  const char *of = content ? content : about;
  EVP_Digest(of, strlen(of), hash, &n, EVP_md5(), NULL);
  o->etag[0] = '"';
  for (int i = 0; i < 16; i++)
    snprintf(o->etag + 1 + 2 * i, 3, "%02x", hash[i]);
  memcpy(o->etag + 33, "\"", 2);
}

/* ---- the end ---- */

static void object_free(struct cs_s3_object *o) {
  cs_s3_acls_done(&o->acls);
  free(o->key);
  free(o->content);
  free(o);
}

static void bucket_free(struct cs_s3_bucket *bucket) {
  for (size_t i = 0; i < bucket->n_objects; i++)
    object_free(bucket->objects[i]);
  for (size_t i = 0; i < bucket->n_policies; i++) {
    json_decref(bucket->policies[i].document);
    free(bucket->policies[i].text);
  }
  cs_s3_acls_done(&bucket->acls);
  free(bucket->objects);
  free(bucket->policies);
  free(bucket);
}

void cs_s3_done(struct cs_s3 *s3) {
  if (!s3)
    return;
  for (size_t i = 0; i < s3->n_buckets; i++)
    bucket_free(s3->buckets[i]);
  free(s3->buckets);
  free(s3);
}

/* ---- the world file ---- */

/* An access control list that lets accounts read; of a bucket the list itself, too. */
static int read_readers(struct cs_reader *r, const struct af_node *n, const struct cs_s3_bucket *bucket, struct cs_s3_acls *acls,
                        bool list_too) {
  struct cs_s3_acl acl = {.made_ms = INT64_MIN, .since_ms = INT64_MIN};
  char **readers = NULL, id[65];
  size_t count = 0;
  int rc = cs_read_strings(r, n, "readers", &readers, &count);
  cs_s3_acl_own(&acl, bucket);
  for (size_t i = 0; i < count; i++) {
    if (rc == 0 && !cs_account_find(r->sim, readers[i]))
      rc = cs_bad(r, af_node_get(n, "readers"), "the world has no account %s", readers[i]);
    cs_s3_canonical_id(readers[i], id);
    cs_s3_acl_grant(&acl, id, CS_S3_READ);
    if (list_too)
      cs_s3_acl_grant(&acl, id, CS_S3_READ_ACP);
    free(readers[i]);
  }
  free(readers);
  cs_s3_acls_add(acls, acl);
  return rc;
}

static int read_object(struct cs_reader *r, const struct af_node *n, struct cs_s3_bucket *bucket) {
  static const char *const known[] = {"key", "size", "content", "readers", NULL};
  char key[1025] = "", *content = NULL;
  int64_t size = 0;
  if (af_node_type(n) != AF_NODE_MAP)
    return cs_bad(r, n, "must be a map");
  int rc = af_node_only(r->doc, n, known, r->err);
  rc = rc ? rc : cs_read_text(r, n, "key", key, sizeof key);
  rc = rc ? rc : cs_read_int(r, n, "size", 0, OBJECT_MAX, &size);
  rc = rc ? rc : cs_read_string(r, n, "content", &content);
  if (rc == 0 && (!key[0] || by_key(bucket, key)))
    rc = cs_bad(r, n, "an object needs a key of its own");
  if (rc == 0) {
    struct cs_s3_object *o = cs_s3_object_put(bucket, key, INT64_MIN);
    cs_s3_object_fill(o, content, size);
    rc = read_readers(r, n, bucket, &o->acls, false);
  }
  free(content);
  return rc;
}

/* Lower-case letters, digits, "-" and ".", as S3's buckets are named. */
static bool lawful_name(const char *name) {
  size_t n = strlen(name);
  return n >= 3 && n <= 63 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == n && !strchr("-.", name[0]) &&
         !strchr("-.", name[n - 1]);
}

static int read_policy(struct cs_reader *r, const struct af_node *n, struct cs_s3_bucket *bucket) {
  const struct af_node *policy;
  struct af_error why;
  json_t *raw = NULL, *document;
  int rc = cs_read_map(r, n, "policy", &policy);
  if (rc < 0 || !policy)
    return rc;
  raw = cs_node_json(policy);
  char *text = raw ? json_dumps(raw, JSON_COMPACT) : NULL;
  rc = text ? cs_s3_policy_take(r->sim, bucket, af_str(text), &document, &why) : af_error_nomem(r->err);
  if (rc < 0 && text)
    rc = cs_bad(r, policy, "%s", why.message);
  else if (rc == 0) {
    cs_s3_policy_add(bucket, document, INT64_MIN, INT64_MIN);
    bucket->n_world_policies = bucket->n_policies;
  }
  free(text);
  json_decref(raw);
  return rc;
}

static int read_ownership(struct cs_reader *r, const struct af_node *n, struct cs_s3_bucket *bucket) {
  char *text = NULL;
  int rc = cs_read_string(r, n, "ownership", &text);
  for (int i = CS_S3_OBJECT_WRITER; text && i < CS_S3_OWNERSHIP_MAX_; i++)
    if (strcmp(text, cs_s3_ownerships[i]) == 0)
      bucket->ownership = (enum cs_s3_ownership)i;
  if (rc == 0 && text && bucket->ownership == CS_S3_UNSET)
    rc = cs_bad(r, af_node_get(n, "ownership"), "a bucket's ownership is ObjectWriter, BucketOwnerPreferred or BucketOwnerEnforced");
  free(text);
  return rc;
}

static int read_bucket(struct cs_reader *r, struct cs_account *account, const struct cs_region *region, const struct af_node *n) {
  static const char *const known[] = {"name", "ownership", "block_public", "policy", "readers", "objects", NULL};
  char name[64] = "";
  const struct af_node *objects;
  if (af_node_type(n) != AF_NODE_MAP)
    return cs_bad(r, n, "must be a map");
  int rc = af_node_only(r->doc, n, known, r->err);
  rc = rc ? rc : cs_read_text(r, n, "name", name, sizeof name);
  if (rc == 0 && (!lawful_name(name) || cs_s3_bucket_find(r->sim, name)))
    rc = cs_bad(r, n, "a bucket needs a lawful name that no other has");
  if (rc < 0)
    return rc;
  struct cs_s3_bucket *bucket = cs_s3_bucket_new(r->sim, account, region, name);
  rc = read_ownership(r, n, bucket);
  rc = rc ? rc : cs_read_bool(r, n, "block_public", &bucket->block_public);
  rc = rc ? rc : read_policy(r, n, bucket);
  rc = rc ? rc : read_readers(r, n, bucket, &bucket->acls, true);
  rc = rc ? rc : cs_read_list(r, n, "objects", &objects);
  for (size_t i = 0; rc == 0 && objects && i < af_node_count(objects); i++)
    rc = read_object(r, af_node_at(objects, i), bucket);
  return rc;
}

int cs_s3_load_buckets(struct cs_reader *r, struct cs_account *account, const char *region, const struct af_node *list) {
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < af_node_count(list); i++)
    rc = read_bucket(r, account, cs_region_find(r->sim, region), af_node_at(list, i));
  return rc;
}
