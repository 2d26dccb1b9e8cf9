/* What S3 tells of buckets and objects: where they lie, who owns what is written, which keys there are, what they hold. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/s3.h"

enum { PAGE_MAX = 1000, TOKEN_MAX = 4096 };

int cs_s3_head_bucket(struct cs_call *call, struct cs_reply *reply) {
  cs_reply_header(reply, "Content-Type", "application/xml");
  cs_reply_header(reply, "x-amz-bucket-region", call->s3->bucket->region->name);
  return 0;
}

/* us-east-1 is told by saying nothing. */
int cs_s3_get_location(struct cs_call *call, struct cs_reply *reply) {
  const char *region = call->s3->bucket->region->name;
  cs_s3_xml(reply, "LocationConstraint");
  af_buf_puts(&reply->body, strcmp(region, "us-east-1") == 0 ? "" : region);
  cs_xml_close(&reply->body, "LocationConstraint");
  return 0;
}

int cs_s3_get_ownership(struct cs_call *call, struct cs_reply *reply) {
  const struct cs_s3_bucket *bucket = call->s3->bucket;
  if (bucket->ownership == CS_S3_UNSET)
    return cs_s3_fail(call, 404, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found", "BucketName",
                      bucket->name);
  cs_s3_xml(reply, "OwnershipControls");
  cs_xml_open(&reply->body, "Rule");
  cs_xml_text(&reply->body, "ObjectOwnership", cs_s3_ownerships[bucket->ownership]);
  cs_xml_close(&reply->body, "Rule");
  cs_xml_close(&reply->body, "OwnershipControls");
  return 0;
}

/* ---- ListObjectsV2 ---- */

struct listing {
  const char *prefix, *delimiter, *after; /* after: keys up to and with it are past */
  int64_t max;
  bool url; /* encoding-type=url */
  char *last; /* key or common prefix that was written last; owned */
  int64_t n;
  bool truncated;
};

/* A continuation token is opaque: the key after which to go on, in hexadecimal. */
static void put_token(struct af_buf *b, const char *key) {
  struct af_buf hex;
  af_buf_init(&hex, TOKEN_MAX);
  af_buf_puts(&hex, "1");
  for (const char *c = key; *c; c++)
    af_buf_printf(&hex, "%02x", (unsigned char)*c);
  cs_xml_text(b, "NextContinuationToken", af_buf_cstr(&hex));
  cs_buf_done(&hex);
}

static char *read_token(const char *token) {
  size_t n = strlen(token);
  if (n % 2 == 0 || token[0] != '1' || strspn(token, "0123456789abcdef") != n)
    return NULL;
  char *key = cs_new(n / 2 + 1);
  for (size_t i = 0; i < n / 2; i++) {
    const char digits[3] = {token[1 + 2 * i], token[2 + 2 * i], 0};
    key[i] = (char)strtol(digits, NULL, 16);
  }
  return key;
}

static void put_key(struct af_buf *b, const struct listing *l, const char *element, const char *key) {
  struct af_buf encoded;
  af_buf_init(&encoded, TOKEN_MAX);
  if (l->url)
    cs_uri_encode(&encoded, af_str(key), true);
  cs_xml_text(b, element, l->url ? af_buf_cstr(&encoded) : key);
  cs_buf_done(&encoded);
}

static void put_object(struct af_buf *b, const struct listing *l, const struct cs_s3_object *o, int64_t start_ms) {
  cs_xml_open(b, "Contents");
  put_key(b, l, "Key", o->key);
  cs_xml_time(b, "LastModified", (o->since_ms == INT64_MIN ? start_ms : o->since_ms) / 1000 * 1000);
  cs_xml_text(b, "ETag", o->etag);
  cs_xml_int(b, "Size", o->size);
  cs_xml_text(b, "StorageClass", "STANDARD");
  cs_xml_close(b, "Contents");
}

/* Up to and with the first delimiter after the prefix; NULL where there is none. The caller's to free. */
static char *common_prefix(const struct listing *l, const char *key) {
  const char *rest = key + strlen(l->prefix);
  const char *at = l->delimiter && l->delimiter[0] ? strstr(rest, l->delimiter) : NULL;
  return at ? cs_strndup(af_str_n(key, (size_t)(at - key) + strlen(l->delimiter))) : NULL;
}

static bool past(const struct listing *l, const char *key, const char *group) {
  if (strcmp(key, l->after) <= 0 && l->after[0])
    return true;
  if (!group)
    return false;
  /* A group that a page before showed is not shown again. */
  return (l->last && strcmp(group, l->last) == 0) || (l->after[0] && strcmp(group, l->after) == 0);
}

static void list_keys(struct cs_call *call, struct listing *l, struct af_buf *contents, struct af_buf *groups) {
  const struct cs_s3_bucket *bucket = call->s3->bucket;
  for (size_t i = cs_s3_first_key(bucket, l->prefix); i < bucket->n_objects && !l->truncated; i++) {
    const struct cs_s3_object *o = bucket->objects[i];
    if (!af_str_starts(af_str(o->key), l->prefix))
      return;
    char *group = common_prefix(l, o->key);
    if (o->since_ms > call->sim_ms || past(l, o->key, group)) {
      free(group);
      continue;
    }
    l->truncated = l->n == l->max;
    if (!l->truncated) {
      l->n++;
      free(l->last);
      l->last = cs_strdup(group ? group : o->key);
      if (group) {
        cs_xml_open(groups, "CommonPrefixes");
        put_key(groups, l, "Prefix", group);
        cs_xml_close(groups, "CommonPrefixes");
      } else {
        put_object(contents, l, o, call->sim->start_ms);
      }
    }
    free(group);
  }
}

static void put_listing(struct cs_call *call, struct cs_reply *reply, const struct listing *l, const struct af_buf *contents,
                        const struct af_buf *groups) {
  struct af_buf *b = &reply->body;
  cs_s3_xml(reply, "ListBucketResult");
  cs_xml_text(b, "Name", call->s3->bucket->name);
  put_key(b, l, "Prefix", l->prefix);
  if (l->delimiter)
    put_key(b, l, "Delimiter", l->delimiter);
  cs_xml_text(b, "StartAfter", cs_s3_param(call, "start-after"));
  cs_xml_text(b, "ContinuationToken", cs_s3_param(call, "continuation-token"));
  cs_xml_text(b, "EncodingType", l->url ? "url" : NULL);
  cs_xml_int(b, "KeyCount", l->n);
  cs_xml_int(b, "MaxKeys", l->max);
  cs_xml_bool(b, "IsTruncated", l->truncated);
  if (l->truncated)
    put_token(b, l->last ? l->last : l->after);
  af_buf_str(b, af_buf_view(contents));
  af_buf_str(b, af_buf_view(groups));
  cs_xml_close(b, "ListBucketResult");
}

static int read_listing(struct cs_call *call, struct listing *l, char **ret_after) {
  const char *token = cs_s3_param(call, "continuation-token"), *max = cs_s3_param(call, "max-keys");
  const char *prefix = cs_s3_param(call, "prefix"), *start = cs_s3_param(call, "start-after");
  const char *encoding = cs_s3_param(call, "encoding-type");
  *l = (struct listing){.prefix = prefix ? prefix : "", .delimiter = cs_s3_param(call, "delimiter"), .max = PAGE_MAX};
  if (!af_streq(cs_s3_param(call, "list-type"), "2"))
    return cs_s3_fail(call, 400, "InvalidArgument", "Invalid List Type specified in Request", "ArgumentName", "list-type");
  if (max && (af_str_to_i64(af_str(max), &l->max) < 0 || l->max < 0))
    return cs_s3_fail(call, 400, "InvalidArgument", "Provided max-keys not an integer or within integer range", "ArgumentName", "max-keys");
  if (encoding && strcmp(encoding, "url") != 0)
    return cs_s3_fail(call, 400, "InvalidArgument", "Invalid Encoding Method specified in Request", "ArgumentName", "encoding-type");
  if (l->max > PAGE_MAX)
    l->max = PAGE_MAX;
  l->url = encoding != NULL;
  *ret_after = token ? read_token(token) : cs_strdup(start ? start : "");
  if (!*ret_after)
    return cs_s3_fail(call, 400, "InvalidArgument", "The continuation token provided is incorrect", "ArgumentName", "continuation-token");
  l->after = *ret_after;
  return 0;
}

int cs_s3_list(struct cs_call *call, struct cs_reply *reply) {
  struct listing l;
  struct af_buf contents, groups;
  char *after = NULL;
  if (read_listing(call, &l, &after) < 0)
    return -AF_EAWS;
  af_buf_init(&contents, (size_t)16 << 20);
  af_buf_init(&groups, (size_t)16 << 20);
  if (call->empty_page)
    l.truncated = true;
  else if (l.max > 0)
    list_keys(call, &l, &contents, &groups);
  put_listing(call, reply, &l, &contents, &groups);
  cs_buf_done(&contents);
  cs_buf_done(&groups);
  free(l.last);
  free(after);
  return 0;
}

/* ---- GetObject, HeadObject ---- */

/* bytes=FIRST-LAST, bytes=FIRST-, bytes=-N: narrows [*first, *end). Other forms are passed over, as S3 does. 1: a part is meant. */
static int read_range(struct cs_call *call, int64_t size, int64_t *first, int64_t *end) {
  struct af_str range, text;
  if (!cs_header_get(call->s3->http, "Range", &range) || !af_str_starts(range, "bytes="))
    return 0;
  text = af_str_n(range.ptr + 6, range.len - 6);
  const char *dash = memchr(text.ptr, '-', text.len);
  size_t n = dash ? (size_t)(dash - text.ptr) : 0;
  struct af_str from = af_str_n(text.ptr, n), to = dash ? af_str_n(dash + 1, text.len - n - 1) : af_str("");
  int64_t a = 0, b = size - 1;
  if (!dash || (from.len == 0 && to.len == 0) || (from.len > 0 && af_str_to_i64(from, &a) < 0) ||
      (to.len > 0 && af_str_to_i64(to, &b) < 0))
    return 0;
  if (from.len == 0) { /* the last so many */
    a = b >= size ? 0 : size - b;
    b = size - 1;
  }
  if (a >= size || (to.len > 0 && from.len > 0 && b < a))
    return cs_fail(call, 416, "InvalidRange", "The requested range is not satisfiable");
  *first = a;
  *end = b >= size ? size : b + 1;
  return 1;
}

static void put_content(struct af_buf *b, const struct cs_s3_object *o, int64_t first, int64_t end) {
  if (o->content) {
    af_buf_add(b, o->content + first, (size_t)(end - first));
    return;
  }
  size_t n = strlen(o->key);
  for (int64_t i = first; i < end; i++)
    af_buf_putc(b, o->key[(size_t)i % n]);
}

/* HEAD gets the same: the server sends the length of what it leaves out. */
int cs_s3_get_object(struct cs_call *call, struct cs_reply *reply) {
  const struct cs_s3_object *o = call->s3->object;
  int64_t first = 0, end = o->size;
  char text[AF_TIME_SIZE], range[80];
  int part = read_range(call, o->size, &first, &end);
  if (part < 0)
    return part;
  af_time_http(o->since_ms == INT64_MIN ? call->sim->start_ms : o->since_ms, text);
  cs_reply_header(reply, "Last-Modified", text);
  cs_reply_header(reply, "ETag", o->etag);
  cs_reply_header(reply, "Accept-Ranges", "bytes");
  cs_reply_header(reply, "Content-Type", "binary/octet-stream");
  if (part) {
    reply->status = 206;
    snprintf(range, sizeof range, "bytes %lld-%lld/%lld", (long long)first, (long long)end - 1, (long long)o->size);
    cs_reply_header(reply, "Content-Range", range);
  }
  put_content(&reply->body, o, first, end);
  return 0;
}
