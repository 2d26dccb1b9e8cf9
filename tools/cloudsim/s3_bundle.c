/* Bundles of instance-store images as EC2 reads and copies them (rules.md 5): the manifest, and the parts that begin as its name
 * does. "path/manifest.xml" stands for all of "path/", "path/image.manifest.xml" for all of "path/image.". */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/s3.h"

static const char tail[] = "manifest.xml";

struct bundle {
  struct cs_s3_bucket *bucket; /* NULL: the world has no such bucket */
  char manifest[1025], prefix[1025];
};

static struct bundle find(const struct cs_sim *sim, const char *location) {
  struct bundle b = {0};
  char name[80] = "";
  const char *slash = location ? strchr(location, '/') : NULL;
  if (!slash || !AF_COPY(name, af_str_n(location, (size_t)(slash - location))) || !AF_COPY(b.manifest, af_str(slash + 1)))
    return b;
  b.bucket = cs_s3_bucket_find(sim, name);
  size_t n = strlen(b.manifest), t = strlen(tail);
  bool named = n >= t && strcmp(b.manifest + n - t, tail) == 0;
  AF_COPY(b.prefix, af_str_n(b.manifest, named ? n - t : n));
  return b;
}

/* Calls each() for every object of the bundle that is there. */
static bool all(const struct bundle *b, int64_t sim_ms, bool (*each)(void *ctx, const struct cs_s3_object *o), void *ctx) {
  for (size_t i = cs_s3_first_key(b->bucket, b->prefix); i < b->bucket->n_objects; i++) {
    const struct cs_s3_object *o = b->bucket->objects[i];
    if (!af_str_starts(af_str(o->key), b->prefix))
      break;
    if (o->since_ms <= sim_ms && !each(ctx, o))
      return false;
  }
  return true;
}

struct reading {
  const struct cs_sim *sim;
  struct cs_s3_use use;
  int64_t bytes;
};

static bool may_read(void *ctx, const struct cs_s3_object *o) {
  struct reading *r = ctx;
  struct cs_s3_use use = r->use;
  use.action = "s3:GetObject";
  use.object = o;
  use.key = o->key;
  r->bytes += o->size;
  return cs_s3_allowed(r->sim, &use);
}

static bool may_look(struct reading *r, const struct bundle *b) {
  static const char *const actions[] = {"s3:GetBucketAcl", "s3:ListBucket"};
  for (size_t i = 0; i < 2 && r->sim->uncertain.copy_reads_source_bucket; i++) {
    struct cs_s3_use use = r->use;
    use.action = actions[i];
    use.prefix = i == 1 ? b->prefix : NULL;
    if (!cs_s3_allowed(r->sim, &use))
      return false;
  }
  return true;
}

enum cs_bundle cs_s3_bundle(const struct cs_sim *sim, int64_t sim_ms, const struct cs_caller *caller, const char *location,
                            int64_t *ret_bytes) {
  struct bundle b = find(sim, location);
  if (!b.bucket)
    return CS_BUNDLE_ABSENT;
  if (b.bucket->ownership == CS_S3_OWNER_ENFORCED || !cs_s3_object_find(b.bucket, sim_ms, b.manifest))
    return CS_BUNDLE_UNREADABLE;
  struct reading r = {.sim = sim, .use = {.caller = caller, .bucket = b.bucket, .sim_ms = sim_ms}};
  bool open = may_look(&r, &b) && all(&b, sim_ms, may_read, &r);
  if (open && ret_bytes)
    *ret_bytes = r.bytes;
  return open ? CS_BUNDLE_OPEN : CS_BUNDLE_CLOSED;
}

/* ---- the copy ---- */

static void name_target(const struct cs_call *call, char name[80]) {
  char text[64], hash[65];
  snprintf(text, sizeof text, "%s %s", call->caller.account, call->region->name);
  cs_sha256_hex(af_str(text), hash);
  snprintf(name, 80, "amis-for-%s-in-%s-%.8s", call->caller.account, call->region->name, hash);
}

static int may(struct cs_call *call, const char *action, const char *name, const char *rest) {
  char arn[160];
  snprintf(arn, sizeof arn, "arn:%s:s3:::%s%s", call->region->partition, name, rest);
  return cs_policy_check(call, action, arn);
}

int cs_s3_check_bundle_target(struct cs_call *call) {
  char name[80];
  name_target(call, name);
  const struct cs_s3_bucket *bucket = cs_s3_bucket_find(call->sim, name);
  if (may(call, "s3:ListAllMyBuckets", "*", "") < 0 || may(call, "s3:GetBucketAcl", name, "") < 0 ||
      may(call, "s3:PutObject", name, "/*") < 0 || may(call, "s3:PutObjectAcl", name, "/*") < 0)
    return -AF_EAWS;
  if (!bucket && (may(call, "s3:CreateBucket", name, "") < 0 || may(call, "s3:PutBucketOwnershipControls", name, "") < 0))
    return -AF_EAWS;
  if (bucket && (strcmp(bucket->owner->id, call->caller.account) != 0 || bucket->ownership == CS_S3_OWNER_ENFORCED))
    return cs_fail(call, 400, "InvalidRequest", "The bucket %s cannot hold the copy: it does not allow ACLs", name);
  return 0;
}

/* Its lists are on: EC2 reads the copies by theirs. */
static struct cs_s3_bucket *target_bucket(struct cs_call *call) {
  char name[80];
  name_target(call, name);
  struct cs_s3_bucket *bucket = cs_s3_bucket_find(call->sim, name);
  if (bucket)
    return bucket;
  struct cs_s3_acl acl = {.made_ms = call->sim_ms, .since_ms = call->sim_ms};
  bucket = cs_s3_bucket_new(call->sim, cs_account_find(call->sim, call->caller.account), call->region, name);
  bucket->ownership = CS_S3_OWNER_PREFERRED;
  cs_s3_acl_own(&acl, bucket);
  cs_s3_acls_add(&bucket->acls, acl);
  return bucket;
}

struct copying {
  const struct cs_s3_object **items;
  size_t n;
};

static bool collect(void *ctx, const struct cs_s3_object *o) {
  struct copying *c = ctx;
  *CS_ADD(c->items, c->n) = o;
  return true;
}

static void put_copy(struct cs_s3_bucket *to, const char *key, const char *content, int64_t size, int64_t since_ms) {
  struct cs_s3_object *o = cs_s3_object_put(to, key, since_ms);
  struct cs_s3_acl acl = {.made_ms = since_ms, .since_ms = since_ms};
  cs_s3_object_fill(o, content, size);
  cs_s3_acl_own(&acl, to);
  cs_s3_acl_exec_read(&acl);
  cs_s3_acls_add(&o->acls, acl);
}

/* The part of a key that is its name, under the folder of the manifest. */
static const char *name_of(const struct bundle *b, const char *key) {
  const char *slash = strrchr(b->prefix, '/');
  return slash ? key + (slash - b->prefix) + 1 : key;
}

void cs_s3_copy_bundle(struct cs_call *call, const char *from, const char *image_id, int64_t done_ms, char location[CS_LOCATION_SIZE]) {
  struct bundle b = find(call->sim, from);
  struct cs_s3_bucket *to = target_bucket(call);
  struct copying c = {0};
  char key[1100];
  if (b.bucket)
    all(&b, call->sim_ms, collect, &c); /* first of all: the copies may come to stand among them */
  for (size_t i = 0; i < c.n; i++) {
    snprintf(key, sizeof key, "%s/%s", image_id, name_of(&b, c.items[i]->key));
    put_copy(to, key, c.items[i]->content, c.items[i]->size, done_ms);
  }
  snprintf(key, sizeof key, "%s/%s", image_id, b.bucket ? name_of(&b, b.manifest) : tail);
  if (!b.bucket)
    put_copy(to, key, "", 0, done_ms);
  snprintf(location, CS_LOCATION_SIZE, "%s/%s", to->name, key);
  free(c.items);
}
