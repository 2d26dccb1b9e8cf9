/* Fuzz: world files (tools/cloudsim).
 *
 * An input is a world, YAML or JSON. Law: it is refused with a line and a path, or it is a cloud that answers, that ages and that can be
 * audited. */
#include "tests/fuzz/fuzz.h"
#include "tools/cloudsim/cloudsim.h"

#define START_MS INT64_C(1795415340000)

static void ask(struct cs_sim *sim, int64_t now_ms, const char *method, const char *path, const char *body) {
  struct cs_header headers[] = {{af_str("Host"), af_str("127.0.0.1:4566")}};
  struct cs_request req = {.method = af_str(method), .path = af_str(path), .headers = headers, .n_headers = COUNT(headers), .body = af_str(body)};
  struct cs_reply reply;
  cs_reply_init(&reply);
  cs_sim_handle(sim, now_ms, &req, &reply);
  MUST(reply.fate != CS_FATE_REPLY || (reply.status >= 100 && reply.status < 600));
  MUST(af_buf_rc(&reply.body) == 0 && af_buf_rc(&reply.headers) == 0);
  cs_reply_done(&reply);
}

static void live(struct cs_sim *sim) {
  int64_t now_ms = START_MS;
  json_t *audit;
  for (int i = 0; i < 5; i++) {
    ask(sim, now_ms, "GET", "/_cloudsim/container-credentials", "");
    ask(sim, now_ms, "POST", "/", "Action=DescribeImages&Version=2016-11-15");
    int64_t next_ms = cs_sim_next_ms(sim, now_ms);
    if (next_ms == INT64_MAX) break;
    now_ms = next_ms > now_ms ? next_ms : now_ms + 1;
  }
  audit = cs_sim_audit(sim, now_ms);
  MUST(audit != NULL);
  json_decref(audit);
  ask(sim, now_ms + INT64_C(400) * 86400 * 1000, "GET", "/_cloudsim/audit", "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct af_doc *doc;
  struct cs_sim *sim;
  struct af_error err = {0};
  if (af_doc_read(&doc, "world", af_str_n((const char *)data, size), AF_DOC_AUTO, NULL, &err)) {
    fuzz_error(&err);
    return 0;
  }
  if (cs_sim_new(&sim, doc, START_MS, 7, &err)) {
    fuzz_error(&err);
    MUST(af_str_starts(af_str(err.message), "world:"));
  } else {
    live(sim);
    cs_sim_free(sim);
  }
  af_doc_free(doc);
  return 0;
}
