/* cloudsim's front in one process: a world as text, a signer of the tests' own, calls of the three services, and what came back. */
#ifndef AF_TESTS_UNIT_CLOUDSIM_FRONT_H
#define AF_TESTS_UNIT_CLOUDSIM_FRONT_H

#include "tests/unit/test.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "tools/cloudsim/front.h"

#define SOURCE "111122223333"
#define TARGET "444455556666"
#define KEY_ID "1111aaaa-11aa-41aa-a1aa-111111111111"
#define KEY "arn:aws:kms:us-east-1:" SOURCE ":key/" KEY_ID
#define START_MS INT64_C(1795000000000)

struct login {
  const char *key, *secret, *token;
};
static const struct login source_admin = {"AKIAFAKESOURCEADMIN1", "fake/secret/of/the/source/admin", NULL};
static const struct login target_admin = {"AKIAFAKETARGETADMIN1", "fake/secret/of/the/target/admin", NULL};
static const struct login target_narrow = {"AKIAFAKETARGETNARROW", "fake/secret/of/the/target/narrow", NULL};
static const struct login target_root = {"AKIAFAKETARGETROOT01", "fake/secret/of/the/target/root", NULL};

/* extra: more top-level keys. narrow: the policies of the user "narrow". source_key: more lines of the source's key, and of its Region. */
#define WORLD(extra, narrow, source_key)                                                                    \
  "version: 1\n"                                                                                            \
  "regions: [us-east-1, eu-west-1, {name: me-south-1, opt_in: true}]\n" extra                               \
  "accounts:\n"                                                                                             \
  "- id: '" SOURCE                                                                                          \
  "'\n"                                                                                                     \
  "  organization: arn:aws:organizations::" SOURCE                                                          \
  ":organization/o-one\n"                                                                                   \
  "  users:\n"                                                                                              \
  "  - {name: admin, access_keys: [{id: AKIAFAKESOURCEADMIN1, secret: fake/secret/of/the/source/admin}]}\n" \
  "  roles:\n"                                                                                              \
  "  - name: ferry\n"                                                                                       \
  "    max_session_seconds: 7200\n"                                                                         \
  "    trust:\n"                                                                                            \
  "    - {Effect: Allow, Principal: {AWS: 'arn:aws:iam::" TARGET                                            \
  ":root'}, Action: 'sts:AssumeRole',\n"                                                                    \
  "       Condition: {StringEquals: {'sts:ExternalId': ferry-42}}}\n"                                       \
  "    - {Effect: Allow, Principal: {AWS: 'arn:aws:iam::" SOURCE                                            \
  ":user/admin'}, Action: 'sts:*'}\n"                                                                       \
  "  regions:\n"                                                                                            \
  "    us-east-1:\n"                                                                                        \
  "      keys:\n"                                                                                           \
  "      - {id: 1111bbbb-11bb-41bb-a1bb-111111111111, alias: alias/off, state: Disabled}\n"                 \
  "      - id: " KEY_ID                                                                                     \
  "\n"                                                                                                      \
  "        alias: alias/disks\n" source_key "- id: '" TARGET                                                \
  "'\n"                                                                                                     \
  "  access_keys: [{id: AKIAFAKETARGETROOT01, secret: fake/secret/of/the/target/root}]\n"                   \
  "  users:\n"                                                                                              \
  "  - {name: admin, access_keys: [{id: AKIAFAKETARGETADMIN1, secret: fake/secret/of/the/target/admin}]}\n" \
  "  - name: narrow\n"                                                                                      \
  "    access_keys: [{id: AKIAFAKETARGETNARROW, secret: fake/secret/of/the/target/narrow}]\n"               \
  "    policies: " narrow                                                                                   \
  "\n"                                                                                                      \
  "  roles:\n"                                                                                              \
  "  - {name: hop, trust: {Effect: Allow, Principal: {AWS: '*'}, Action: 'sts:AssumeRole'}}\n"

struct world {
  struct cs_sim *sim;
  int64_t now_ms;
  struct cs_reply reply;
  char code[80], message[1024]; /* of the error; empty where there was none */
  json_t *json;                 /* of a KMS reply */
};

static inline void world_init(struct world *w, const char *text) {
  struct af_error err;
  struct af_doc *doc;
  *w = (struct world){.now_ms = START_MS};
  cs_reply_init(&w->reply);
  assert_ok(af_doc_read(&doc, "world", af_str(text), AF_DOC_YAML, NULL, &err), &err);
  assert_ok(cs_sim_new(&w->sim, doc, w->now_ms, 7, &err), &err);
  af_doc_free(doc);
}

static inline void world_done(struct world *w) {
  json_decref(w->json);
  cs_reply_done(&w->reply);
  cs_sim_free(w->sim);
}

/* ---- the tests' own signer: one request form, headers host, x-amz-date and what belongs to the service ---- */

struct sending {           /* everything that a test may want to get wrong */
  const struct login *who; /* NULL: unsigned */
  const char *service, *region, *target, *body;
  const char *scope_service;  /* NULL: service */
  const char *scope_day;      /* NULL: of the date */
  bool host_unsigned;
  int64_t date_off_ms;        /* the signer's clock */
  const char *change_body_to; /* after signing */
};

static inline void hmac_step(unsigned char key[32], const void *secret, size_t n, const char *text) {
  unsigned int out = 32;
  assert_non_null(HMAC(EVP_sha256(), secret, (int)n, (const unsigned char *)text, strlen(text), key, &out));
}

static inline void hex_of(char *out, const unsigned char *bytes) {
  for (int i = 0; i < 32; i++)
    snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static inline void sha_hex(char out[65], const char *text) {
  unsigned char hash[32];
  unsigned int n = 32;
  assert_int_equal(EVP_Digest(text, strlen(text), hash, &n, EVP_sha256(), NULL), 1);
  hex_of(out, hash);
}

static inline void sign(const struct sending *s, const char *date, const char *canonical, const char *scope, char signature[65]) {
  char to_sign[1024], hash[65], secret[200], day[9];
  unsigned char key[32];
  sha_hex(hash, canonical);
  snprintf(to_sign, sizeof to_sign, "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, hash);
  snprintf(secret, sizeof secret, "AWS4%s", s->who->secret);
  snprintf(day, sizeof day, "%.8s", s->scope_day ? s->scope_day : date);
  hmac_step(key, secret, strlen(secret), day);
  hmac_step(key, key, 32, s->region);
  hmac_step(key, key, 32, s->scope_service ? s->scope_service : s->service);
  hmac_step(key, key, 32, "aws4_request");
  hmac_step(key, key, 32, to_sign);
  hex_of(signature, key);
}

static inline void read_error(struct world *w) {
  static const char *const marks[] = {"<Code>", "<Message>", "\"__type\":\"", "essage\":\""};
  char *const into[] = {w->code, w->message, w->code, w->message};
  const size_t sizes[] = {sizeof w->code, sizeof w->message, sizeof w->code, sizeof w->message};
  const char *body = af_buf_cstr(&w->reply.body);
  w->code[0] = w->message[0] = 0;
  for (size_t i = 0; i < COUNT(marks) && w->reply.status >= 400; i++) {
    const char *at = strstr(body, marks[i]);
    if (at)
      af_str_copy(into[i], sizes[i], af_str_n(at + strlen(marks[i]), strcspn(at + strlen(marks[i]), i < 2 ? "<" : "\"")));
  }
}

/* Sends it; returns the HTTP status. */
static inline int send_request(struct world *w, const struct sending *s) {
  static char canonical[64 * 1024];
  char date[AF_TIME_SIZE], scope[128], authorization[600], signature[65], payload[65], names[80];
  const char *token = s->who ? s->who->token : NULL;
  struct cs_header headers[6] = {{af_str("Host"), af_str("127.0.0.1:1")}};
  size_t n = 1;
  af_time_basic(w->now_ms + s->date_off_ms, date);
  headers[n++] = (struct cs_header){af_str("X-Amz-Date"), af_str(date)};
  if (token)
    headers[n++] = (struct cs_header){af_str("X-Amz-Security-Token"), af_str(token)};
  if (s->target)
    headers[n++] = (struct cs_header){af_str("X-Amz-Target"), af_str(s->target)};
  if (s->who) {
    snprintf(scope, sizeof scope, "%.8s/%s/%s/aws4_request", s->scope_day ? s->scope_day : date, s->region,
             s->scope_service ? s->scope_service : s->service);
    sha_hex(payload, s->body);
    snprintf(names, sizeof names, "%sx-amz-date%s", s->host_unsigned ? "" : "host;", token ? ";x-amz-security-token" : "");
    snprintf(canonical, sizeof canonical, "POST\n/\n\n%sx-amz-date:%s\n%s%s%s\n%s\n%s",
             s->host_unsigned ? "" : "host:127.0.0.1:1\n", date, token ? "x-amz-security-token:" : "", token ? token : "",
             token ? "\n" : "", names, payload);
    sign(s, date, canonical, scope, signature);
    snprintf(authorization, sizeof authorization, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", s->who->key, scope,
             names, signature);
    headers[n++] = (struct cs_header){af_str("Authorization"), af_str(authorization)};
  }
  struct cs_request req = {.method = af_str("POST"),
                           .path = af_str("/"),
                           .query = af_str(""),
                           .headers = headers,
                           .n_headers = n,
                           .body = af_str(s->change_body_to ? s->change_body_to : s->body)};
  cs_reply_done(&w->reply);
  cs_reply_init(&w->reply);
  cs_sim_handle(w->sim, w->now_ms, &req, &w->reply);
  read_error(w);
  return w->reply.status;
}

/* A presigned EC2 URL (rules.md 2.2) at a host of the test's choice, and at AWS's own. query: sorted, encoded. */
static inline void presign_at(const char *host, char *url, size_t size, const struct login *who, const char *region, int64_t when_ms,
                              const char *query_text) {
  char date[AF_TIME_SIZE], scope[128], query[2048], canonical[4096], signature[65], empty[65];
  af_time_basic(when_ms, date);
  snprintf(scope, sizeof scope, "%.8s/%s/ec2/aws4_request", date, region);
  snprintf(query, sizeof query,
           "%s&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%s%%2F%.8s%%2F%s%%2Fec2%%2Faws4_request&X-Amz-Date=%s&X-Amz-"
           "Expires=3600"
           "&X-Amz-SignedHeaders=host",
           query_text, who->key, date, region, date);
  sha_hex(empty, "");
  snprintf(canonical, sizeof canonical, "GET\n/\n%s\nhost:%s\n\nhost\n%s", query, host, empty);
  sign(&(struct sending){.who = who, .service = "ec2", .region = region}, date, canonical, scope, signature);
  snprintf(url, size, "https://%s/?%s&X-Amz-Signature=%s", host, query, signature);
}

static inline void presign(char *url, size_t size, const struct login *who, const char *region, int64_t when_ms,
                    const char *query_text) {
  char host[64];
  snprintf(host, sizeof host, "ec2.%s.amazonaws.com", region);
  presign_at(host, url, size, who, region, when_ms, query_text);
}

/* ---- calls; each returns the HTTP status ---- */

static inline int query(struct world *w, const struct login *who, const char *service, const char *region, const char *action,
                        const char *more) {
  char body[8192];
  snprintf(body, sizeof body, "Action=%s&Version=%s%s%s", action, strcmp(service, "sts") == 0 ? "2011-06-15" : "2016-11-15",
           more[0] ? "&" : "", more);
  return send_request(w, &(struct sending){.who = who, .service = service, .region = region, .body = body});
}
static inline int ec2(struct world *w, const struct login *who, const char *action, const char *more) {
  return query(w, who, "ec2", "us-east-1", action, more);
}
static inline int sts(struct world *w, const struct login *who, const char *action, const char *more) {
  return query(w, who, "sts", "us-east-1", action, more);
}

/* JSON with ' for ": kms(&w, &source_admin, "CreateGrant", "{'KeyId':'...'}"). The reply is in w->json. */
static inline int kms_in(struct world *w, const struct login *who, const char *region, const char *action, const char *json) {
  char target[100], body[8192];
  snprintf(target, sizeof target, "TrentService.%s", action);
  snprintf(body, sizeof body, "%s", json);
  for (char *p = body; *p; p++)
    *p = *p == '\'' ? '"' : *p;
  int status = send_request(w, &(struct sending){.who = who, .service = "kms", .region = region, .target = target, .body = body});
  json_decref(w->json);
  w->json = json_loads(af_buf_cstr(&w->reply.body), 0, NULL);
  return status;
}
static inline int kms(struct world *w, const struct login *who, const char *action, const char *json) {
  return kms_in(w, who, "us-east-1", action, json);
}

static inline const char *text_of(const struct world *w, const char *member) {
  const char *text = json_string_value(json_object_get(w->json, member));
  return text ? text : "";
}

static inline void expect_(struct world *w, int got, int status, const char *code, const char *file, int line) {
  if (got != status || strcmp(w->code, code) != 0) {
    print_error("wanted %d %s, got %d %s: %s\n", status, code, got, w->code, af_buf_cstr(&w->reply.body));
    _fail(file, line);
  }
}
/* assert_refused(&w, kms(...), 400, "AccessDeniedException") */
#define assert_refused(w, call, status, code) expect_((w), (call), (status), (code), __FILE__, __LINE__)
#define assert_done(w, call) expect_((w), (call), 200, "", __FILE__, __LINE__)

/* The text of an XML element of the reply. */
static inline char *element(const struct world *w, const char *name) {
  static char value[8][1024];
  static int turn;
  char mark[80];
  char *out = value[turn++ % 8];
  snprintf(mark, sizeof mark, "<%s>", name);
  const char *at = strstr(af_buf_cstr(&w->reply.body), mark);
  out[0] = 0;
  if (at)
    af_str_copy(out, sizeof value[0], af_str_n(at + strlen(mark), strcspn(at + strlen(mark), "<")));
  return out;
}

/* The credentials that an STS reply carries; they point into the simulation's session. */
static inline struct login login_of(const struct world *w) {
  struct cs_session *s = cs_session_find(w->sim, af_str(element(w, "AccessKeyId")));
  assert_non_null(s);
  assert_string_equal(s->secret, element(w, "SecretAccessKey"));
  return (struct login){s->access_key, s->secret, s->token};
}

#endif
