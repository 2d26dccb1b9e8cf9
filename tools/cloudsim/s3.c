/* The door to S3: REST, path style and by virtual host. Which bucket, key and operation a request means, whether its Region is
 * right, what may be done to whom, and how S3 words its errors. The table of operations is the list of what cloudsim's S3 can do. */
#include "tools/cloudsim/s3.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <strings.h>

#include "base/error.h"

enum { KEY_MAX = 1024, DETAIL_MAX = 16 << 10 };

struct cs_s3_operation {
  const char *method;
  bool object;             /* the path names a key */
  const char *subresource; /* parameter of the query that chooses it; NULL: the plain one */
  const char *name, *action;
  cs_s3_run *run;
};
static const struct cs_s3_operation operations[] = {
    {"GET", false, "policy", "GetBucketPolicy", "s3:GetBucketPolicy", cs_s3_get_policy},
    {"PUT", false, "policy", "PutBucketPolicy", "s3:PutBucketPolicy", cs_s3_put_policy},
    {"DELETE", false, "policy", "DeleteBucketPolicy", "s3:DeleteBucketPolicy", cs_s3_delete_policy},
    {"GET", false, "acl", "GetBucketAcl", "s3:GetBucketAcl", cs_s3_get_acl},
    {"PUT", false, "acl", "PutBucketAcl", "s3:PutBucketAcl", cs_s3_put_acl},
    {"GET", false, "location", "GetBucketLocation", "s3:GetBucketLocation", cs_s3_get_location},
    {"GET", false, "ownershipControls", "GetBucketOwnershipControls", "s3:GetBucketOwnershipControls", cs_s3_get_ownership},
    {"GET", false, "list-type", "ListObjectsV2", "s3:ListBucket", cs_s3_list},
    {"HEAD", false, NULL, "HeadBucket", "s3:ListBucket", cs_s3_head_bucket},
    {"GET", true, "acl", "GetObjectAcl", "s3:GetObjectAcl", cs_s3_get_acl},
    {"PUT", true, "acl", "PutObjectAcl", "s3:PutObjectAcl", cs_s3_put_acl},
    {"GET", true, NULL, "GetObject", "s3:GetObject", cs_s3_get_object},
    {"HEAD", true, NULL, "HeadObject", "s3:GetObject", cs_s3_get_object},
};
enum { N_OPERATIONS = sizeof operations / sizeof operations[0] };

/* What S3 has besides, and this one has not. */
static const char *const absent[] = {
    "accelerate",   "analytics",      "attributes",   "cors",       "delete",      "encryption",        "intelligent-tiering",
    "inventory",    "legal-hold",     "lifecycle",    "logging",    "metadataTable", "metrics",         "notification",
    "object-lock",  "policyStatus",   "publicAccessBlock", "replication", "requestPayment", "restore",  "retention",
    "select",       "session",        "tagging",      "torrent",    "uploadId",    "uploads",           "versionId",
    "versioning",   "versions",       "website",      "partNumber", NULL};

/* ---- which service, bucket and key ---- */

/* bucket.s3.eu-west-1.amazonaws.com, s3.eu-west-1.amazonaws.com, bucket.s3.amazonaws.com: what stands before and after "s3." */
static bool split_host(const struct cs_request *http, struct af_str *bucket, struct af_str *region) {
  struct af_str host;
  *bucket = *region = af_str("");
  if (!cs_header_get(http, "Host", &host) || !memmem(host.ptr, host.len, ".amazonaws.", 11))
    return false;
  const char *at = af_str_starts(host, "s3.") ? host.ptr : memmem(host.ptr, host.len, ".s3.", 4);
  if (!at)
    return false;
  size_t before = (size_t)(at - host.ptr), skip = before + (*at == '.' ? 4 : 3);
  *bucket = af_str_n(host.ptr, before);
  struct af_str rest = af_str_n(host.ptr + skip, host.len - skip);
  const char *dot = memchr(rest.ptr, '.', rest.len);
  if (!af_str_starts(rest, "amazonaws.") && dot)
    *region = af_str_n(rest.ptr, (size_t)(dot - rest.ptr));
  return true;
}

bool cs_s3_speaks(const struct cs_request *http, const struct cs_auth *auth) {
  struct af_str bucket, region;
  if (split_host(http, &bucket, &region) || http->path.len > 1)
    return true;
  return af_str_eq(auth->sig.service, af_str("s3")) && !af_str_eq(http->method, af_str("POST")) &&
         !memmem(http->query.ptr ? http->query.ptr : "", http->query.len, "Action=", 7);
}

static int find_place(struct cs_call *call, struct cs_s3_request *s3) {
  struct af_str bucket, region, path = s3->http->path;
  struct af_buf name;
  split_host(s3->http, &bucket, &region);
  AF_COPY(s3->host_region, region);
  path = path.len ? af_str_n(path.ptr + 1, path.len - 1) : path;
  af_buf_init(&name, sizeof s3->bucket_name);
  if (bucket.len == 0 && path.len > 0) {
    const char *slash = memchr(path.ptr, '/', path.len);
    bucket = slash ? af_str_n(path.ptr, (size_t)(slash - path.ptr)) : path;
    path = slash ? af_str_n(slash + 1, path.len - bucket.len - 1) : af_str("");
  }
  cs_uri_decode(&name, bucket, false);
  cs_uri_decode(&s3->key, path, false);
  bool good = AF_COPY(s3->bucket_name, af_buf_view(&name)) && af_buf_rc(&name) == 0 && af_str_utf8(af_buf_view(&name)) &&
              af_str_utf8(af_buf_view(&s3->key));
  cs_buf_done(&name);
  if (af_buf_rc(&s3->key) < 0)
    return cs_fail(call, 400, "KeyTooLongError", "Your key is too long");
  return good ? 0 : cs_fail(call, 400, "InvalidURI", "Couldn't parse the specified URI.");
}

static const struct cs_s3_operation *find_operation(struct cs_s3_request *s3) {
  for (size_t i = 0; absent[i]; i++)
    if (cs_param(&s3->query, absent[i]))
      return NULL;
  for (size_t i = 0; i < N_OPERATIONS; i++) {
    const struct cs_s3_operation *o = &operations[i];
    if (af_str_eq(s3->http->method, af_str(o->method)) && o->object == (s3->key.len > 0) &&
        (!o->subresource || cs_param(&s3->query, o->subresource)))
      return o;
  }
  return NULL;
}

/* Of a subresource that is known here all methods are known: another is one that S3 doesn't allow. */
static int no_operation(struct cs_call *call, struct cs_s3_request *s3) {
  static const char *const methods[] = {"GET", "PUT", "DELETE", "HEAD", "POST", NULL};
  char method[16] = "";
  AF_COPY(method, s3->http->method);
  bool known = false;
  for (size_t i = 0; i < N_OPERATIONS; i++)
    known = known || (operations[i].subresource && cs_param(&s3->query, operations[i].subresource));
  if (known || !cs_one_of_texts(method, methods))
    return cs_s3_fail(call, 405, "MethodNotAllowed", "The specified method is not allowed against this resource.", "Method", method);
  return cs_fail(call, 501, "NotImplemented", "A header you provided implies functionality that is not implemented.");
}

static void make_request_id(struct cs_call *call) {
  cs_random_base32(&call->sim->front->random, call->request_id, 16);
  call->request_id[16] = 0;
}

void cs_s3_begin(struct cs_call *call, const struct cs_request *http, const struct cs_auth *auth, struct cs_s3_request *s3) {
  *s3 = (struct cs_s3_request){.http = http, .auth = auth};
  af_buf_init(&s3->key, KEY_MAX + 1);
  af_buf_init(&s3->detail, DETAIL_MAX);
  call->s3 = s3;
  make_request_id(call);
  if (cs_params_read(&s3->query, http->query) < 0)
    cs_fail(call, 400, "InvalidURI", "Couldn't parse the specified URI.");
  else if (find_place(call, s3) == 0 && !(s3->operation = find_operation(s3)))
    no_operation(call, s3);
  if (s3->operation)
    AF_COPY(call->action, af_str(s3->operation->name));
}

void cs_s3_end(struct cs_s3_request *s3) {
  cs_buf_done(&s3->key);
  cs_buf_done(&s3->detail);
  cs_params_done(&s3->query);
}

const char *cs_s3_param(struct cs_call *call, const char *name) {
  return cs_param(&call->s3->query, name);
}

/* ---- errors ---- */

int cs_s3_fail(struct cs_call *call, int status, const char *code, const char *message, const char *element, const char *value) {
  if (call->failure.status == 0)
    cs_xml_text(&call->s3->detail, element, value);
  return cs_fail(call, status, code, "%s", message);
}

/* What S3 adds to a refusal of the signature. */
static void put_auth_detail(const struct cs_call *call, struct af_buf *b) {
  const struct cs_sig *sig = &call->s3->auth->sig;
  const char *code = call->failure.code;
  char text[AF_TIME_SIZE], key[64] = "", signature[80] = "";
  AF_COPY(key, sig->access_key);
  AF_COPY(signature, sig->signature);
  if (strcmp(code, "InvalidAccessKeyId") == 0 || strcmp(code, "SignatureDoesNotMatch") == 0)
    cs_xml_text(b, "AWSAccessKeyId", key);
  if (strcmp(code, "SignatureDoesNotMatch") == 0)
    cs_xml_text(b, "SignatureProvided", signature);
  if (strcmp(code, "RequestTimeTooSkewed") == 0) {
    af_time_basic(sig->signed_ms, text);
    cs_xml_text(b, "RequestTime", text);
    af_time_iso_s(call->now_ms + call->skew_ms, text);
    cs_xml_text(b, "ServerTime", text);
    cs_xml_int(b, "MaxAllowedSkewMilliseconds", 900000);
  }
  if (strcmp(code, "AuthorizationHeaderMalformed") == 0 && strstr(call->failure.message, "the region"))
    cs_xml_text(b, "Region", call->s3->host_region[0] ? call->s3->host_region : "us-east-1");
}

/* Opaque to everyone; the same of one request. */
const char *cs_s3_host_id(const struct cs_call *call, char out[80]) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  out[0] = 0;
  if (EVP_Digest(call->request_id, strlen(call->request_id), hash, &n, EVP_sha384(), NULL) == 1)
    EVP_EncodeBlock((unsigned char *)out, hash, (int)n);
  return out;
}

void cs_s3_error(const struct cs_call *call, struct cs_reply *reply) {
  struct af_buf *b = &reply->body;
  char host_id[80];
  reply->status = call->failure.status;
  if (reply->status == 301 && call->s3->bucket)
    cs_reply_header(reply, "x-amz-bucket-region", call->s3->bucket->region->name);
  if (af_str_eq(call->s3->http->method, af_str("HEAD")))
    return;
  cs_reply_header(reply, "Content-Type", "application/xml");
  af_buf_puts(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
  cs_xml_text(b, "Code", call->failure.code);
  cs_xml_text(b, "Message", call->failure.message);
  put_auth_detail(call, b);
  af_buf_str(b, af_buf_view(&call->s3->detail));
  cs_xml_text(b, "RequestId", call->request_id);
  cs_xml_text(b, "HostId", cs_s3_host_id(call, host_id));
  cs_xml_close(b, "Error");
}

void cs_s3_xml(struct cs_reply *reply, const char *root) {
  cs_reply_header(reply, "Content-Type", "application/xml");
  af_buf_printf(&reply->body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">", root);
}

/* ---- a call ---- */

/* A host that names a Region wants signatures of that Region; without one the scope is the endpoint. A bucket answers at its own
 * Region's endpoint alone; where it lies us-east-1 tells of every bucket. */
static int check_region(struct cs_call *call) {
  struct cs_s3_request *s3 = call->s3;
  const struct cs_region *home = s3->bucket->region;
  if (s3->host_region[0] && strcmp(s3->host_region, call->region->name) != 0)
    return cs_fail(call, 400, "AuthorizationHeaderMalformed",
                   "The authorization header is malformed; the region '%s' is wrong; expecting '%s'", call->region->name, s3->host_region);
  if (home == call->region || (strcmp(call->action, "GetBucketLocation") == 0 && strcmp(call->region->name, "us-east-1") == 0))
    return 0;
  char endpoint[200];
  snprintf(endpoint, sizeof endpoint, "%s.s3.%s.%s", s3->bucket->name, home->name, home->dns_suffix);
  cs_xml_text(&s3->detail, "Endpoint", endpoint);
  return cs_s3_fail(call, 301, "PermanentRedirect",
                    "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future "
                    "requests to this endpoint.",
                    "Bucket", s3->bucket->name);
}

static int find_bucket(struct cs_call *call) {
  struct cs_s3_request *s3 = call->s3;
  struct af_str owner;
  s3->bucket = cs_s3_bucket_find(call->sim, s3->bucket_name);
  /* A partition knows nothing of another's buckets. */
  if (!s3->bucket || strcmp(s3->bucket->region->partition, call->region->partition) != 0)
    return cs_s3_fail(call, 404, "NoSuchBucket", "The specified bucket does not exist", "BucketName", s3->bucket_name);
  if (check_region(call) < 0)
    return -AF_EAWS;
  if (cs_header_get(s3->http, "x-amz-expected-bucket-owner", &owner) && !af_str_eq(owner, af_str(s3->bucket->owner->id)))
    return cs_fail(call, 403, "AccessDenied", "Access Denied");
  if (s3->key.len > 0)
    s3->object = cs_s3_object_find(s3->bucket, call->sim_ms, af_buf_cstr(&s3->key));
  return 0;
}

/* A key that isn't there is no secret to those who may list the bucket. */
static int check_object(struct cs_call *call) {
  struct cs_s3_request *s3 = call->s3;
  struct cs_s3_use list = {.caller = &call->caller, .action = "s3:ListBucket", .bucket = s3->bucket, .sim_ms = call->sim_ms};
  if (!s3->operation->object || s3->object)
    return 0;
  if (!cs_s3_allowed(call->sim, &list))
    return cs_fail(call, 403, "AccessDenied", "Access Denied");
  return cs_s3_fail(call, 404, "NoSuchKey", "The specified key does not exist.", "Key", af_buf_cstr(&s3->key));
}

void cs_s3_handle(struct cs_call *call, struct cs_reply *reply) {
  call->view_ms = call->sim_ms - cs_draw(&call->sim->lags, call->sim->latency.read_lag);
  if (find_bucket(call) == 0 && cs_s3_authorize(call, call->s3->operation->action) == 0 && check_object(call) == 0)
    call->s3->operation->run(call, reply);
}
