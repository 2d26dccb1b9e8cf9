/* Fuzz: signatures, one side against the other: what engine/aws signs, tools/cloudsim must find good.
 *
 * An input is "headers|query s3|ec2 bare|token METHOD PATH?QUERY\n", lines "name: value", an empty line, and the body. What no client can put on
 * the wire is left out. Law: a request that is signed is verified, and no longer once its path has changed. */
#include <ctype.h>
#include <strings.h>

#include "engine/aws/sigv4.h"
#include "tests/fuzz/fuzz.h"
#include "tools/cloudsim/sigv4.h"

#define SECRET "of-no-worth-at-all"
#define HOST "127.0.0.1:4566"
enum { HEADERS_MAX = 24, OWN_MAX = 8 };

struct request {
  bool in_query, s3, token;
  struct af_str method, path, query, body;
  struct af_header headers[HEADERS_MAX];
  size_t n;
};

static bool all(struct af_str s, bool (*ok)(char c)) {
  for (size_t i = 0; i < s.len; i++)
    if (!ok(s.ptr[i])) return false;
  return true;
}

static bool of_token(char c) {
  return isalnum((unsigned char)c) || c == '-' || c == '_';
}
static bool of_target(char c) {
  return c > ' ' && c < 0x7f && c != '#' && c != '?';
}
/* A bare plus is a blank to some and a plus to others: clients encode both. */
static bool of_query(char c) {
  return of_target(c) && c != '+';
}
static bool of_value(char c) {
  return (unsigned char)c >= ' ' && c != 0x7f;
}

/* Those that the signer writes itself. */
static bool reserved(struct af_str name) {
  static const char *const names[] = {"host", "authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "date"};
  for (size_t i = 0; i < COUNT(names); i++)
    if (name.len == strlen(names[i]) && strncasecmp(name.ptr, names[i], name.len) == 0) return true;
  return false;
}

/* Does the query name what the signer adds itself? */
static bool has_own(struct af_str query) {
  struct af_buf plain;
  af_buf_init(&plain, 1 << 20);
  cs_uri_decode(&plain, query, true);
  bool found = plain.len && memmem(plain.ptr, plain.len, "X-Amz-", 6);
  af_buf_done(&plain);
  return found;
}

static bool read_request(struct request *r, struct af_str rest) {
  struct af_str head = fuzz_line(&rest);
  r->in_query = af_str_eq(fuzz_word(&head), af_str("query"));
  r->s3 = af_str_eq(fuzz_word(&head), af_str("s3"));
  r->token = af_str_eq(fuzz_word(&head), af_str("token"));
  r->method = fuzz_word(&head);
  const char *mark = head.len ? memchr(head.ptr, '?', head.len) : NULL;
  r->path = af_str_n(head.ptr, mark ? (size_t)(mark - head.ptr) : head.len);
  r->query = mark ? af_str_n(mark + 1, head.len - r->path.len - 1) : af_str("");
  while (rest.len && r->n < HEADERS_MAX - OWN_MAX) {
    struct af_str line = fuzz_line(&rest);
    const char *colon = line.len ? memchr(line.ptr, ':', line.len) : NULL;
    if (!colon) break;
    struct af_header h = {af_str_n(line.ptr, (size_t)(colon - line.ptr)), af_str_n(colon + 1, line.len - (size_t)(colon - line.ptr) - 1)};
    h.value = af_str_trim(h.value);
    if (!h.name.len || !all(h.name, of_token) || !all(h.value, of_value) || reserved(h.name)) return false;
    r->headers[r->n++] = h;
  }
  r->body = rest;
  return r->method.len && all(r->method, of_token) && r->path.len && r->path.ptr[0] == '/' && all(r->path, of_target) && all(r->query, of_query) &&
         !has_own(r->query);
}

/* As it comes out at the other end. */
static bool verified(const struct cs_request *req, bool s3) {
  struct cs_sig sig;
  const char *why = NULL;
  struct cs_sig_check how = {.secret = af_str(SECRET), .encode_once = s3};
  bool good = cs_sig_parse(req, &sig, &why) == 0 && sig.form != CS_SIG_NONE;
  if (good && s3) cs_header_get(req, "x-amz-content-sha256", &how.payload);
  good = good && cs_sig_verify(req, &sig, &how) == 0;
  cs_sig_done(&sig);
  return good;
}

static void check(const struct cs_request *req, bool s3) {
  struct cs_request other = *req;
  struct af_buf changed;
  MUST(verified(req, s3));
  af_buf_init(&changed, 1 << 20);
  af_buf_str(&changed, req->path);
  af_buf_putc(&changed, 'x');
  other.path = af_buf_view(&changed);
  MUST(!verified(&other, s3));
  af_buf_done(&changed);
}

static void check_headers(const struct request *r, const struct af_signing *signing, const struct af_signable *signable) {
  struct af_signed_headers added;
  struct cs_header headers[HEADERS_MAX + OWN_MAX];
  struct cs_request req = {.method = r->method, .path = r->path, .query = r->query, .headers = headers, .body = r->body};
  if (af_sigv4_sign(signing, signable, &added)) return;
  headers[req.n_headers++] = (struct cs_header){af_str("Host"), af_str(HOST)};
  for (size_t i = 0; i < r->n; i++) headers[req.n_headers++] = (struct cs_header){r->headers[i].name, r->headers[i].value};
  const char *line = added.lines.ptr;
  for (size_t i = 0; i < added.n; i++, line += strlen(line) + 1) {
    size_t n = strcspn(line, ":");
    headers[req.n_headers++] = (struct cs_header){af_str_n(line, n), af_str_trim(af_str(line + n + 1))};
  }
  check(&req, r->s3);
  af_signed_headers_done(&added);
}

static void check_query(const struct request *r, const struct af_signing *signing, const struct af_signable *signable) {
  struct cs_header headers[HEADERS_MAX + OWN_MAX] = {{af_str("Host"), af_str(HOST)}};
  struct cs_request req = {.method = r->method, .path = r->path, .headers = headers, .n_headers = 1, .body = r->body};
  struct af_buf query;
  for (size_t i = 0; i < r->n; i++) headers[req.n_headers++] = (struct cs_header){r->headers[i].name, r->headers[i].value};
  af_buf_init_secret(&query, 1 << 20);
  if (af_sigv4_presign(signing, signable, &query) == 0) {
    req.query = af_buf_view(&query);
    check(&req, r->s3);
  }
  af_buf_done(&query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct request r = {0};
  struct af_buf path;
  if (size > 64 * 1024 || !read_request(&r, af_str_n((const char *)data, size))) return 0;
  af_buf_init(&path, 1 << 20);
  af_uri_encode(&path, r.path, true);
  if (r.s3) r.path = af_buf_view(&path); /* S3 reads names of objects, and has one way to write each */
  struct af_credentials credentials = {.access_key_id = "AKIAFUZZ000000000001"};
  MUST(af_secret_set(&credentials.secret_access_key, af_str(SECRET)) == 0);
  if (r.token) MUST(af_secret_set(&credentials.session_token, af_str("a/token+of=none")) == 0);
  struct af_signing signing = {.credentials = &credentials,
                               .service = r.s3 ? "s3" : "ec2",
                               .region = "us-east-1",
                               .time_ms = INT64_C(1795415340000),
                               .normalize_path = !r.s3,
                               .encode_path_twice = !r.s3,
                               .sign_body_header = r.s3,
                               .expires_s = 900};
  struct af_signable signable = {.method = r.method, .host = af_str(HOST), .path = r.path, .query = r.query, .headers = r.headers,
                                 .n_headers = r.n, .body = r.body};
  if (r.in_query) check_query(&r, &signing, &signable);
  else check_headers(&r, &signing, &signable);
  af_credentials_done(&credentials);
  af_buf_done(&path);
  return 0;
}
