/* Access control lists of buckets and objects: what they hold, who is let in by them, and the two calls (the same of both). A list is
 * put as a canned one, as grants in headers, or as XML. Owns nothing: they lie in buckets and objects. */
#include <expat.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/s3.h"

#define GROUPS "http://acs.amazonaws.com/groups/"
static const char everyone[] = GROUPS "global/AllUsers";
static const char authenticated[] = GROUPS "global/AuthenticatedUsers";
static const char log_delivery[] = GROUPS "s3/LogDelivery";
/* EC2 itself, as it reads the bundles of AMIs. */
static const char ec2_reader[] = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c";

enum { GRANTS_MAX = 100 };

const char *const cs_s3_permissions[] = {
    [CS_S3_FULL_CONTROL] = "FULL_CONTROL", [CS_S3_READ] = "READ",           [CS_S3_WRITE] = "WRITE",
    [CS_S3_READ_ACP] = "READ_ACP",         [CS_S3_WRITE_ACP] = "WRITE_ACP",
};
_Static_assert(sizeof cs_s3_permissions / sizeof cs_s3_permissions[0] == CS_S3_PERMISSION_MAX_, "every permission has a name");

/* ---- lists ---- */

void cs_s3_canonical_id(const char *account, char out[65]) {
  char text[64];
  snprintf(text, sizeof text, "canonical user %s", account);
  cs_sha256_hex(af_str(text), out);
}

static bool is_group(const char *grantee) {
  return strncmp(grantee, GROUPS, strlen(GROUPS)) == 0;
}

static bool is_public(const char *grantee) {
  return strcmp(grantee, everyone) == 0 || strcmp(grantee, authenticated) == 0;
}

void cs_s3_acl_grant(struct cs_s3_acl *acl, const char *grantee, enum cs_s3_permission permission) {
  struct cs_s3_grant *g = CS_ADD(acl->grants, acl->n);
  *g = (struct cs_s3_grant){.permission = permission};
  AF_COPY(g->grantee, af_str(grantee));
}

void cs_s3_acl_own(struct cs_s3_acl *acl, const struct cs_s3_bucket *bucket) {
  char id[65];
  cs_s3_canonical_id(bucket->owner->id, id);
  cs_s3_acl_grant(acl, id, CS_S3_FULL_CONTROL);
}

void cs_s3_acl_exec_read(struct cs_s3_acl *acl) {
  cs_s3_acl_grant(acl, ec2_reader, CS_S3_READ);
}

void cs_s3_acls_add(struct cs_s3_acls *acls, struct cs_s3_acl acl) {
  *CS_ADD(acls->items, acls->n) = acl;
}

void cs_s3_acls_done(struct cs_s3_acls *acls) {
  for (size_t i = 0; i < acls->n; i++)
    free(acls->items[i].grants);
  free(acls->items);
}

const struct cs_s3_acl *cs_s3_acl_at(const struct cs_s3_acls *acls, int64_t at_ms, bool effect) {
  for (size_t i = acls->n; i > 1; i--)
    if ((effect ? acls->items[i - 1].since_ms : acls->items[i - 1].made_ms) <= at_ms)
      return &acls->items[i - 1];
  return &acls->items[0];
}

/* ---- who is let in ---- */

/* A bucket that blocks public lists never has one. */
static bool opens(const struct cs_s3_grant *g, const char *id, enum cs_s3_permission wanted) {
  return (g->permission == wanted || g->permission == CS_S3_FULL_CONTROL) && (strcmp(g->grantee, id) == 0 || is_public(g->grantee));
}

bool cs_s3_acl_allows(const struct cs_s3_bucket *bucket, const struct cs_s3_acl *acl, const char *account, const char *action) {
  static const struct {
    const char *action;
    enum cs_s3_permission permission;
  } covered[] = {
      {"s3:ListBucket", CS_S3_READ},        {"s3:GetObject", CS_S3_READ},       {"s3:GetBucketAcl", CS_S3_READ_ACP},
      {"s3:GetObjectAcl", CS_S3_READ_ACP},  {"s3:PutBucketAcl", CS_S3_WRITE_ACP}, {"s3:PutObjectAcl", CS_S3_WRITE_ACP},
  };
  char id[65];
  if (bucket->ownership == CS_S3_OWNER_ENFORCED)
    return false;
  cs_s3_canonical_id(account, id);
  for (size_t i = 0; i < sizeof covered / sizeof covered[0]; i++)
    for (size_t k = 0; strcmp(covered[i].action, action) == 0 && k < acl->n; k++)
      if (opens(&acl->grants[k], id, covered[i].permission))
        return true;
  return false;
}

/* ---- reading one from a request ---- */

static bool known_grantee(const struct cs_sim *sim, const char *id) {
  char known[65];
  if (strcmp(id, ec2_reader) == 0)
    return true;
  for (size_t i = 0; i < sim->n_accounts; i++) {
    cs_s3_canonical_id(sim->accounts[i]->id, known);
    if (strcmp(known, id) == 0)
      return true;
  }
  return false;
}

static int take_grant(struct cs_call *call, struct cs_s3_acl *acl, const char *grantee, enum cs_s3_permission permission) {
  if (is_group(grantee) && !is_public(grantee) && strcmp(grantee, log_delivery) != 0)
    return cs_s3_fail(call, 400, "InvalidArgument", "Invalid group uri", "ArgumentName", "uri");
  if (!is_group(grantee) && !known_grantee(call->sim, grantee))
    return cs_s3_fail(call, 400, "InvalidArgument", "Invalid id", "ArgumentName", "CanonicalUser/ID");
  if (acl->n == GRANTS_MAX)
    return cs_fail(call, 400, "InvalidRequest", "An access control list has at most 100 grants.");
  cs_s3_acl_grant(acl, grantee, permission);
  return 0;
}

static int take_canned(struct cs_call *call, struct cs_s3_acl *acl, struct af_str name) {
  static const struct {
    const char *name, *grantee; /* grantee NULL: nobody but the owner */
    bool writes, of_buckets, of_objects;
  } canned[] = {
      {"private", NULL, false, true, true},
      {"public-read", everyone, false, true, true},
      {"public-read-write", everyone, true, true, true},
      {"authenticated-read", authenticated, false, true, true},
      {"aws-exec-read", ec2_reader, false, true, true},
      {"bucket-owner-read", NULL, false, false, true}, /* here an object's owner is its bucket's */
      {"bucket-owner-full-control", NULL, false, false, true},
  };
  bool object = call->s3->key.len > 0;
  cs_s3_acl_own(acl, call->s3->bucket);
  for (size_t i = 0; i < sizeof canned / sizeof canned[0]; i++) {
    if (!af_str_eq(name, af_str(canned[i].name)) || !(object ? canned[i].of_objects : canned[i].of_buckets))
      continue;
    if (canned[i].grantee)
      cs_s3_acl_grant(acl, canned[i].grantee, CS_S3_READ);
    if (canned[i].writes)
      cs_s3_acl_grant(acl, canned[i].grantee, CS_S3_WRITE);
    return 0;
  }
  return cs_s3_fail(call, 400, "InvalidArgument", "The canned ACL is not known", "ArgumentName", "x-amz-acl");
}

/* id="...", uri="...", ... */
static int take_header(struct cs_call *call, struct cs_s3_acl *acl, struct af_str value, enum cs_s3_permission permission) {
  while (value.len > 0) {
    const char *comma = memchr(value.ptr, ',', value.len);
    struct af_str item = af_str_trim(af_str_n(value.ptr, comma ? (size_t)(comma - value.ptr) : value.len));
    size_t taken = comma ? (size_t)(comma - value.ptr) + 1 : value.len;
    value = af_str_n(value.ptr + taken, value.len - taken);
    const char *equals = memchr(item.ptr, '=', item.len);
    struct af_str kind = af_str_n(item.ptr, equals ? (size_t)(equals - item.ptr) : 0);
    struct af_str to = equals ? af_str_trim(af_str_n(equals + 1, item.len - kind.len - 1)) : af_str("");
    char grantee[80];
    if (to.len >= 2 && to.ptr[0] == '"' && to.ptr[to.len - 1] == '"')
      to = af_str_n(to.ptr + 1, to.len - 2);
    /* emailAddress works in old Regions alone, and names nobody here */
    if ((!af_str_eq(kind, af_str("id")) && !af_str_eq(kind, af_str("uri"))) || !AF_COPY(grantee, to))
      return cs_s3_fail(call, 400, "InvalidArgument", "Argument format not recognized", "ArgumentName", "x-amz-grant");
    if (take_grant(call, acl, grantee, permission) < 0)
      return -AF_EAWS;
  }
  return 0;
}

/* <AccessControlPolicy><AccessControlList><Grant><Grantee><ID>|<URI></Grantee><Permission> */
struct xml_acl {
  struct cs_call *call;
  struct cs_s3_acl *acl;
  char path[160], grantee[80], permission[32];
  struct af_buf text;
  bool root, bad;
};

static void XMLCALL xml_open(void *user, const char *name, const char **attributes) {
  struct xml_acl *x = user;
  size_t n = strlen(x->path);
  if (n + strlen(name) + 2 > sizeof x->path) {
    x->bad = true;
    return;
  }
  snprintf(x->path + n, sizeof x->path - n, "/%s", name);
  x->root = x->root || strcmp(x->path, "/AccessControlPolicy") == 0;
  if (strcmp(name, "Grant") == 0)
    x->grantee[0] = x->permission[0] = 0;
  cs_buf_reset(&x->text);
}

static void XMLCALL xml_text(void *user, const char *text, int len) {
  af_buf_add(&((struct xml_acl *)user)->text, text, (size_t)len);
}

static void xml_grant(struct xml_acl *x) {
  for (int p = 0; p < CS_S3_PERMISSION_MAX_; p++)
    if (strcmp(x->permission, cs_s3_permissions[p]) == 0 && x->grantee[0]) {
      take_grant(x->call, x->acl, x->grantee, (enum cs_s3_permission)p);
      return;
    }
  x->bad = true;
}

static void XMLCALL xml_close(void *user, const char *name) {
  static const char grant[] = "/AccessControlPolicy/AccessControlList/Grant";
  struct xml_acl *x = user;
  const char *inside = strncmp(x->path, grant, strlen(grant)) == 0 ? x->path + strlen(grant) : NULL;
  if (inside && (strcmp(inside, "/Grantee/ID") == 0 || strcmp(inside, "/Grantee/URI") == 0))
    x->bad = x->bad || !AF_COPY(x->grantee, af_buf_view(&x->text));
  else if (inside && strcmp(inside, "/Permission") == 0)
    x->bad = x->bad || !AF_COPY(x->permission, af_buf_view(&x->text));
  else if (inside && !inside[0])
    xml_grant(x);
  char *slash = strrchr(x->path, '/');
  if (slash)
    *slash = 0;
}

static int take_xml(struct cs_call *call, struct cs_s3_acl *acl, struct af_str body) {
  struct xml_acl x = {.call = call, .acl = acl};
  static const XML_Memory_Handling_Suite memory = {cs_malloc, cs_realloc, free};
  XML_Parser p = XML_ParserCreate_MM("UTF-8", &memory, NULL);
  if (!p)
    return cs_fail(call, 500, "InternalError", "We encountered an internal error. Please try again.");
  af_buf_init(&x.text, 4096);
  XML_SetUserData(p, &x);
  XML_SetElementHandler(p, xml_open, xml_close);
  XML_SetCharacterDataHandler(p, xml_text);
  bool good = XML_Parse(p, body.ptr, (int)body.len, 1) == XML_STATUS_OK && x.root && !x.bad && af_buf_rc(&x.text) == 0;
  XML_ParserFree(p);
  cs_buf_done(&x.text);
  return good ? 0
              : cs_fail(call, 400, "MalformedACLError",
                        "The XML you provided was not well-formed or did not validate against our published schema");
}

static int take_acl(struct cs_call *call, struct cs_s3_acl *acl) {
  static const char *const headers[] = {
      [CS_S3_FULL_CONTROL] = "x-amz-grant-full-control", [CS_S3_READ] = "x-amz-grant-read",           [CS_S3_WRITE] = "x-amz-grant-write",
      [CS_S3_READ_ACP] = "x-amz-grant-read-acp",         [CS_S3_WRITE_ACP] = "x-amz-grant-write-acp",
  };
  const struct cs_request *http = call->s3->http;
  struct af_str canned = {0}, value;
  bool any = cs_header_get(http, "x-amz-acl", &canned), grants = false;
  if (any && take_canned(call, acl, canned) < 0)
    return -AF_EAWS;
  for (int p = 0; p < CS_S3_PERMISSION_MAX_; p++)
    if (cs_header_get(http, headers[p], &value)) {
      grants = true;
      if (take_header(call, acl, value, (enum cs_s3_permission)p) < 0)
        return -AF_EAWS;
    }
  if (any && grants)
    return cs_fail(call, 400, "InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed");
  if ((any || grants) && http->body.len > 0)
    return cs_fail(call, 400, "UnexpectedContent", "This request does not support content");
  if (any || grants)
    return 0;
  if (http->body.len == 0)
    return cs_fail(call, 400, "MissingSecurityHeader", "Your request was missing a required header");
  return take_xml(call, acl, http->body);
}

/* ---- the calls ---- */

static struct cs_s3_acls *acls_of(struct cs_call *call) {
  return call->s3->object ? &call->s3->object->acls : &call->s3->bucket->acls;
}

static void put_grant(struct af_buf *b, const struct cs_s3_grant *g) {
  bool group = is_group(g->grantee);
  cs_xml_open(b, "Grant");
  af_buf_printf(b, "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"%s\">", group ? "Group" : "CanonicalUser");
  cs_xml_text(b, group ? "URI" : "ID", g->grantee);
  cs_xml_close(b, "Grantee");
  cs_xml_text(b, "Permission", cs_s3_permissions[g->permission]);
  cs_xml_close(b, "Grant");
}

/* With BucketOwnerEnforced the list reads as if it held the owner alone. */
int cs_s3_get_acl(struct cs_call *call, struct cs_reply *reply) {
  const struct cs_s3_bucket *bucket = call->s3->bucket;
  const struct cs_s3_acl *acl = cs_s3_acl_at(acls_of(call), call->view_ms, false);
  struct cs_s3_acl owner = {0};
  struct af_buf *b = &reply->body;
  char id[65];
  cs_s3_canonical_id(bucket->owner->id, id);
  cs_s3_acl_own(&owner, bucket);
  if (bucket->ownership == CS_S3_OWNER_ENFORCED)
    acl = &owner;
  cs_s3_xml(reply, "AccessControlPolicy");
  cs_xml_open(b, "Owner");
  cs_xml_text(b, "ID", id);
  cs_xml_close(b, "Owner");
  cs_xml_open(b, "AccessControlList");
  for (size_t i = 0; i < acl->n; i++)
    put_grant(b, &acl->grants[i]);
  cs_xml_close(b, "AccessControlList");
  cs_xml_close(b, "AccessControlPolicy");
  free(owner.grants);
  return 0;
}

/* BlockPublicAcls */
static bool is_blocked(const struct cs_s3_bucket *bucket, const struct cs_s3_acl *acl) {
  for (size_t i = 0; bucket->block_public && i < acl->n; i++)
    if (is_public(acl->grants[i].grantee))
      return true;
  return false;
}

int cs_s3_put_acl(struct cs_call *call, struct cs_reply *reply) {
  const struct cs_s3_bucket *bucket = call->s3->bucket;
  struct cs_s3_acl acl = {.made_ms = call->sim_ms};
  if (bucket->ownership == CS_S3_OWNER_ENFORCED)
    return cs_s3_fail(call, 400, "AccessControlListNotSupported", "The bucket does not allow ACLs", "BucketName", bucket->name);
  int rc = take_acl(call, &acl);
  if (rc == 0 && call->failure.status)
    rc = -AF_EAWS; /* a grant in the XML was refused */
  if (rc == 0 && is_blocked(bucket, &acl))
    rc = cs_fail(call, 403, "AccessDenied", "Access Denied");
  if (rc < 0) {
    free(acl.grants);
    return rc;
  }
  acl.since_ms = cs_s3_effect_ms(call);
  cs_s3_acls_add(acls_of(call), acl);
  reply->status = 200;
  return 0;
}
