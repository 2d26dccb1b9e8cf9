/* Calls to cloudsim's S3: REST requests by a signer of the tests' own, beside the calls of cloudsim_front.h. */
#ifndef AF_TESTS_UNIT_CLOUDSIM_S3_H
#define AF_TESTS_UNIT_CLOUDSIM_S3_H

#include "tests/unit/cloudsim_front.h"
#include "tools/cloudsim/s3.h"

enum { S3_HEADERS = 10 };
struct s3_header {
  const char *name, *value; /* the name in lower case */
};
struct s3_sending { /* path and query as on the wire and in canonical form; what is left out is as a good client has it */
  const struct login *who;
  const char *method, *path, *query, *body, *region, *host;
  const char *signed_path;   /* instead of the path */
  const char *payload;       /* instead of the body's hash; "": no such header */
  const char *scope_service, *scope_day;
  int64_t date_off_ms;
  struct s3_header more[4];  /* signed */
  struct s3_header loose[2]; /* not signed */
};

static inline const char *or_(const char *a, const char *b) {
  return a ? a : b;
}

static inline int by_header_name(const void *a, const void *b) {
  return strcmp(((const struct s3_header *)a)->name, ((const struct s3_header *)b)->name);
}

static inline void authorize_s3(const struct s3_sending *s, struct s3_header *headers, size_t n, const char *date, char *out, size_t size) {
  char canonical[32768], names[512] = "", scope[128], signature[65], payload[65];
  size_t at = 0, name_at = 0;
  struct sending as = {.who = s->who, .service = "s3", .region = or_(s->region, "us-east-1"), .scope_service = s->scope_service,
                       .scope_day = s->scope_day};
  sha_hex(payload, or_(s->body, ""));
  qsort(headers, n, sizeof *headers, by_header_name);
  at += (size_t)snprintf(canonical, sizeof canonical, "%s\n%s\n%s\n", or_(s->method, "GET"), or_(s->signed_path, s->path), or_(s->query, ""));
  for (size_t i = 0; i < n; i++) {
    at += (size_t)snprintf(canonical + at, sizeof canonical - at, "%s:%s\n", headers[i].name, headers[i].value);
    name_at += (size_t)snprintf(names + name_at, sizeof names - name_at, "%s%s", i ? ";" : "", headers[i].name);
  }
  snprintf(canonical + at, sizeof canonical - at, "\n%s\n%s", names, s->payload && s->payload[0] ? s->payload : payload);
  snprintf(scope, sizeof scope, "%.8s/%s/%s/aws4_request", or_(s->scope_day, date), as.region, or_(s->scope_service, "s3"));
  sign(&as, date, canonical, scope, signature);
  snprintf(out, size, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", s->who->key, scope, names, signature);
}

static inline int hand_over(struct world *w, const struct s3_sending *s, const struct s3_header *headers, size_t n) {
  struct cs_header sent[S3_HEADERS];
  for (size_t i = 0; i < n; i++)
    sent[i] = (struct cs_header){af_str(headers[i].name), af_str(headers[i].value)};
  struct cs_request req = {.method = af_str(or_(s->method, "GET")),
                           .path = af_str(s->path),
                           .query = af_str(or_(s->query, "")),
                           .headers = sent,
                           .n_headers = n,
                           .body = af_str(or_(s->body, ""))};
  cs_reply_done(&w->reply);
  cs_reply_init(&w->reply);
  cs_sim_handle(w->sim, w->now_ms, &req, &w->reply);
  read_error(w);
  return w->reply.status;
}

/* Sends it; returns the HTTP status. */
static inline int send_s3(struct world *w, const struct s3_sending *s) {
  struct s3_header headers[S3_HEADERS] = {{"host", or_(s->host, "127.0.0.1:1")}};
  char date[AF_TIME_SIZE], authorization[1024], payload[65];
  size_t n = 1;
  af_time_basic(w->now_ms + s->date_off_ms, date);
  sha_hex(payload, or_(s->body, ""));
  if (s->who) {
    headers[n++] = (struct s3_header){"x-amz-date", date};
    if (!s->payload || s->payload[0])
      headers[n++] = (struct s3_header){"x-amz-content-sha256", or_(s->payload, payload)};
    if (s->who->token)
      headers[n++] = (struct s3_header){"x-amz-security-token", s->who->token};
  }
  for (size_t i = 0; i < COUNT(s->more) && s->more[i].name; i++)
    headers[n++] = s->more[i];
  if (s->who) {
    authorize_s3(s, headers, n, date, authorization, sizeof authorization);
    headers[n++] = (struct s3_header){"authorization", authorization};
  }
  for (size_t i = 0; i < COUNT(s->loose) && s->loose[i].name; i++)
    headers[n++] = s->loose[i];
  return hand_over(w, s, headers, n);
}

/* s3(&w, &source_admin, "PUT /bucket?policy=", body); the body may be NULL. */
static inline int s3_in(struct world *w, const struct login *who, const char *region, const char *what, const char *body) {
  char method[16], path[1200], *query;
  af_str_copy(method, sizeof method, af_str_n(what, strcspn(what, " ")));
  snprintf(path, sizeof path, "%s", what + strlen(method) + 1);
  if ((query = strchr(path, '?')))
    *query++ = 0;
  return send_s3(w, &(struct s3_sending){.who = who, .region = region, .method = method, .path = path, .query = query, .body = body});
}
static inline int s3(struct world *w, const struct login *who, const char *what, const char *body) {
  return s3_in(w, who, "us-east-1", what, body);
}

static inline const char *s3_body(const struct world *w) {
  return af_buf_cstr(&w->reply.body);
}
static inline const char *s3_headers(const struct world *w) {
  return af_buf_cstr(&w->reply.headers);
}

/* A policy with ' for ". */
static inline int put_policy(struct world *w, const struct login *who, const char *bucket, const char *text) {
  static char what[100], body[30000];
  snprintf(what, sizeof what, "PUT /%s?policy=", bucket);
  snprintf(body, sizeof body, "%s", text);
  for (char *p = body; *p; p++)
    *p = *p == '\'' ? '"' : *p;
  return s3(w, who, what, body);
}

#define assert_status(w, call, status) expect_((w), (call), (status), "", __FILE__, __LINE__)

#define STATEMENT(principal, action, resource) \
  "{'Effect':'Allow','Principal':" principal ",'Action':" action ",'Resource':" resource "}"
#define POLICY(statements) "{'Version':'2012-10-17','Statement':[" statements "]}"
#define ROOT_OF(account) "{'AWS':'arn:aws:iam::" account ":root'}"
#define GOLDEN "arn:aws:s3:::golden-amis"
/* The target may read everything in the bucket. */
#define TARGET_READS POLICY(STATEMENT(ROOT_OF(TARGET), "'s3:GetObject'", "'" GOLDEN "/*'"))

/* Buckets of the source in us-east-1, as the last argument of WORLD. golden: more lines of the bucket golden-amis. */
#define BUCKETS(golden)                                                                 \
  "      buckets:\n"                                                                    \
  "      - name: golden-amis\n"                                                         \
  "        ownership: ObjectWriter\n" golden                                            \
  "        objects:\n"                                                                  \
  "        - {key: linux/image.manifest.xml, content: '<manifest>linux</manifest>'}\n"  \
  "        - {key: linux/image.part.00, size: 1048576}\n"                               \
  "        - {key: linux/image.part.01, size: 10}\n"                                    \
  "        - {key: windows/one, size: 1}\n"                                             \
  "        - {key: a b+c.txt, content: 'with a blank'}\n"                               \
  "      - {name: sealed-amis, ownership: BucketOwnerEnforced,\n"                       \
  "         objects: [{key: image.manifest.xml, content: x}]}\n"                        \
  "      - {name: open-amis, block_public: false}\n"

#define NARROW_S3 "[{Effect: Allow, Action: 's3:List*', Resource: '*'}]"

#endif
