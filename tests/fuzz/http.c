/* Fuzz: what comes to cloudsim over HTTP: query, JSON and REST calls, unsigned, and signed by engine/aws.
 *
 * An input is one or more requests, each ended by a line "%%": "WHO SERVICE REGION METHOD PATH?QUERY\n", lines "name: value", an empty line, the
 * body. WHO is nobody, source, target or narrow; "wait SECONDS" lets time pass. They go, in order, to the cloud of http.yaml. Law: each
 * gets a reply, whose XML and JSON are well-formed, and the audit can be made at any time. */
#include <expat.h>
#include <stdio.h>
#include <strings.h>

#include "engine/aws/sigv4.h"
#include "tests/fuzz/fuzz.h"
#include "tools/cloudsim/cloudsim.h"

#define START_MS INT64_C(1795415340000)
#define HOST "127.0.0.1:4566"
enum { HEADERS_MAX = 24, OWN_MAX = 8, REQUESTS_MAX = 16 };

static const struct {
  const char *name, *key, *secret;
} callers[] = {{"source", "AKIAFAKESOURCEADMIN1", "fake/secret/of/the/source/admin"},
               {"target", "AKIAFAKETARGETADMIN1", "fake/secret/of/the/target/admin"},
               {"narrow", "AKIAFAKETARGETNARROW", "fake/secret/of/the/target/narrow"}};

struct request {
  struct af_str who, service, region, method, path, query, body;
  struct af_header headers[HEADERS_MAX];
  size_t n;
};

static void read_request(struct request *r, struct af_str rest) {
  struct af_str head = fuzz_line(&rest);
  *r = (struct request){.who = fuzz_word(&head), .service = fuzz_word(&head), .region = fuzz_word(&head), .method = fuzz_word(&head)};
  const char *mark = head.len ? memchr(head.ptr, '?', head.len) : NULL;
  r->path = af_str_n(head.ptr, mark ? (size_t)(mark - head.ptr) : head.len);
  r->query = mark ? af_str_n(mark + 1, head.len - r->path.len - 1) : af_str("");
  while (rest.len && r->n < HEADERS_MAX) {
    struct af_str line = fuzz_line(&rest);
    const char *colon = line.len ? memchr(line.ptr, ':', line.len) : NULL;
    if (!colon) break;
    r->headers[r->n++] = (struct af_header){af_str_n(line.ptr, (size_t)(colon - line.ptr)),
                                            af_str_trim(af_str_n(colon + 1, line.len - (size_t)(colon - line.ptr) - 1))};
  }
  r->body = rest;
  if (r->body.len && r->body.ptr[r->body.len - 1] == '\n') r->body.len--;
}

/* Appends what the signer adds; nothing where nobody signs, or the request can't be signed. */
static void sign(const struct request *r, int64_t now_ms, struct cs_request *req, struct cs_header *headers, struct af_signed_headers *added) {
  struct af_credentials credentials = {0};
  char service[16], region[32];
  size_t who = 0;
  while (who < COUNT(callers) && !af_str_eq(r->who, af_str(callers[who].name))) who++;
  if (who == COUNT(callers)) return;
  AF_COPY(service, r->service);
  AF_COPY(region, r->region);
  AF_COPY(credentials.access_key_id, af_str(callers[who].key));
  MUST(af_secret_set(&credentials.secret_access_key, af_str(callers[who].secret)) == 0);
  bool s3 = af_streq(service, "s3");
  struct af_signing signing = {.credentials = &credentials, .service = service, .region = region, .time_ms = now_ms,
                               .normalize_path = !s3, .encode_path_twice = !s3, .sign_body_header = s3};
  struct af_signable signable = {.method = r->method, .host = af_str(HOST), .path = r->path, .query = r->query, .headers = r->headers,
                                 .n_headers = r->n, .body = r->body};
  if (af_sigv4_sign(&signing, &signable, added)) *added = (struct af_signed_headers){0};
  const char *line = added->lines.ptr;
  for (size_t i = 0; i < added->n && i < OWN_MAX; i++, line += strlen(line) + 1) {
    size_t n = strcspn(line, ":");
    headers[req->n_headers++] = (struct cs_header){af_str_n(line, n), af_str_trim(af_str(line + n + 1))};
  }
  af_credentials_done(&credentials);
}

static bool says(const struct cs_reply *reply, const char *type) {
  return strstr(af_buf_cstr(&reply->headers), type) != NULL;
}

static void check_xml(const struct af_buf *body) {
  XML_Parser p = XML_ParserCreate(NULL);
  MUST(p != NULL);
  MUST(XML_Parse(p, af_buf_cstr(body), (int)body->len, 1) == XML_STATUS_OK);
  XML_ParserFree(p);
}

static void check_json(const struct af_buf *body) {
  json_t *json = json_loadb(af_buf_cstr(body), body->len, JSON_DECODE_ANY, NULL);
  MUST(json != NULL);
  json_decref(json);
}

/* broken: the cloud was told to send what is malformed. */
static void check_reply(const struct cs_reply *reply, bool broken) {
  MUST(af_buf_rc(&reply->body) == 0 && af_buf_rc(&reply->headers) == 0);
  if (reply->fate != CS_FATE_REPLY) return;
  MUST(reply->status >= 100 && reply->status < 600);
  for (const char *line = af_buf_cstr(&reply->headers); *line; line = strchr(line, '\n') + 1) {
    MUST(strchr(line, '\n') != NULL);
    MUST(strcspn(line, ":") < strcspn(line, "\r\n"));
  }
  if (broken) return;
  if (reply->body.len && says(reply, "xml")) check_xml(&reply->body);
  if (reply->body.len && (says(reply, "application/json") || says(reply, "application/x-amz-json"))) check_json(&reply->body);
}

static void send_one(struct cs_sim *sim, int64_t now_ms, struct af_str text, bool broken) {
  struct request r;
  struct cs_header headers[HEADERS_MAX + OWN_MAX + 1];
  struct af_signed_headers added = {0};
  struct cs_reply reply;
  read_request(&r, text);
  struct cs_request req = {.method = r.method, .path = r.path, .query = r.query, .headers = headers, .body = r.body};
  headers[req.n_headers++] = (struct cs_header){af_str("Host"), af_str(HOST)};
  for (size_t i = 0; i < r.n; i++) headers[req.n_headers++] = (struct cs_header){r.headers[i].name, r.headers[i].value};
  sign(&r, now_ms, &req, headers, &added);
  cs_reply_init(&reply);
  cs_sim_handle(sim, now_ms, &req, &reply);
  check_reply(&reply, broken);
  cs_reply_done(&reply);
  af_signed_headers_done(&added);
}

/* Read once, made anew for each input. */
static struct cs_sim *new_sim(void) {
  static struct af_doc *world;
  struct cs_sim *sim;
  struct af_error err;
  if (!world) MUST(af_doc_read_file(&world, FUZZ_FOLDER "/http.yaml", NULL, &err) == 0);
  int rc = cs_sim_new(&sim, world, START_MS, 7, &err);
  if (rc) fputs(err.message, stderr);
  MUST(rc == 0);
  return sim;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct cs_sim *sim = new_sim();
  int64_t now_ms = START_MS;
  struct af_str rest = af_str_n((const char *)data, size);
  bool broken = size && memmem(data, size, "malformed", 9);
  for (int i = 0; rest.len && i < REQUESTS_MAX; i++) {
    struct af_str text = fuzz_part(&rest, "%%"), words = text, first = fuzz_line(&words);
    if (af_str_eq(fuzz_word(&first), af_str("wait"))) now_ms += (int64_t)(fuzz_number(&first, 1) % 10000000) * 1000;
    else send_one(sim, now_ms, text, broken);
  }
  json_t *audit = cs_sim_audit(sim, now_ms);
  MUST(audit != NULL);
  json_decref(audit);
  cs_sim_next_ms(sim, now_ms);
  cs_sim_free(sim);
  return 0;
}
