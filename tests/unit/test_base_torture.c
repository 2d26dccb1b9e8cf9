/* base/ when memory runs out: the N-th allocation fails, once or from then on, for every N, ours, jansson's and libyaml's. A document is read
 * whole or not at all, a buffer says that it is short, and a log keeps its secrets whatever it can't keep else. */
#include "tests/unit/test.h"
#include "tests/unit/fail_alloc.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/doc.h"
#include "base/log.h"
#include "base/secret.h"

#define SECRET_KEY "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

/* libyaml has no hook, but calls these by their names. */
__attribute__((visibility("default"))) void *yaml_malloc(size_t size);
__attribute__((visibility("default"))) void *yaml_realloc(void *p, size_t size);
void *yaml_malloc(size_t size) {
  return __wrap_malloc(size ? size : 1);
}
void *yaml_realloc(void *p, size_t size) {
  return p ? __wrap_realloc(p, size ? size : 1) : __wrap_malloc(size ? size : 1);
}

/* Runs work with each allocation failing until none is left to fail; it returns 0 or -AF_ENOMEM. */
static void torture(int (*work)(void), int least) {
  int n = 0;
  json_set_alloc_funcs(__wrap_malloc, free);
  for (int end = 0; end < 2; end++) {
    int rc = -AF_ENOMEM;
    for (n = 0; rc != 0; n++) {
      allocations_end = end;
      allocations_left = n;
      rc = work();
      bool struck = allocations_left <= 0;
      allocations_left = -1;
      assert_true(rc == 0 || (rc == -AF_ENOMEM && struck));
      assert_true(n < 10000);
    }
  }
  json_set_alloc_funcs(malloc, free);
  assert_true(n > least);
}

/* Longer than what readers of strings begin with: they grow over it. */
#define LONG_NAME "a-name-of-some-length, as those are that people write who want to find again what they have stored: 0123456789 and so on"

static int read_document(const char *text, enum af_doc_format format) {
  struct af_doc *doc;
  struct af_error err;
  int rc = af_doc_read(&doc, "d", af_str(text), format, NULL, &err);
  if (rc != 0) {
    assert_string_equal(err.code, "OutOfMemory");
    return rc;
  }
  const struct af_node *copies = af_node_get(af_doc_root(doc), "copies");
  assert_int_equal(af_node_count(copies), 2);
  assert_str_equal(af_node_text(af_node_get(af_node_at(copies, 1), "name")), LONG_NAME);
  assert_str_equal(af_node_text(af_node_at(af_node_get(af_node_at(copies, 0), "list"), 2)), "c");
  af_doc_free(doc);
  return 0;
}

static int reads_yaml(void) {
  return read_document("version: 1\ncopies:\n- {name: one, list: [a, 'b', \"c\"]}\n- name: \"" LONG_NAME "\"\n", AF_DOC_YAML);
}
static int reads_json(void) {
  return read_document("{\"version\": 1, \"copies\": [{\"name\": \"one\", \"list\": [\"a\", \"b\", \"c\"]}, {\"name\": \"" LONG_NAME "\"}]}", AF_DOC_JSON);
}

TEST(reading_a_document_survives_each_failed_allocation) {
  torture(reads_yaml, 10);
  torture(reads_json, 5);
}

static int fills_a_buffer(void) {
  struct af_buf b;
  af_buf_init(&b, 1 << 20);
  for (int i = 0; i < 1000; i++) af_buf_printf(&b, "%d,", i);
  int rc = af_buf_rc(&b);
  if (rc == 0) assert_int_equal(b.len, 3890);
  char *text = af_buf_steal(&b);
  assert_true(rc == 0 ? text && strlen(text) == 3890 : !text);
  free(text);
  af_buf_done(&b);
  return rc;
}

static int keeps_a_secret(void) {
  struct af_secret one = {0}, two = {0};
  int rc = af_secret_set(&one, af_str(SECRET_KEY));
  if (rc == 0) rc = af_secret_copy(&two, &one);
  af_secret_done(&one);
  af_secret_done(&two);
  return rc;
}

TEST(buffers_and_secrets_survive_each_failed_allocation) {
  torture(fills_a_buffer, 3);
  torture(keeps_a_secret, 1);
}

static enum af_log_format log_format;

/* A record may be lost; a secret in it must not get through. */
static int logs_a_secret(void) {
  static struct test_clock clock;
  static const struct af_log_field fields[] = {{"header", "X-Amz-Security-Token: " SECRET_KEY}, {"body", "{\"SecretAccessKey\":\"" SECRET_KEY "\"}"}, {NULL}};
  char text[4096] = "";
  long left = allocations_left;
  allocations_left = -1;
  FILE *out = fmemopen(text, sizeof text, "w");
  assert_non_null(out);
  test_clock_init(&clock, 1);
  struct af_log log = {.out = out, .level = AF_LOG_INFO, .format = log_format, .clock = &clock.clock};
  allocations_left = left;
  af_log_write(&log, AF_LOG_ERROR, fields, "a call with <SecretAccessKey>%s</SecretAccessKey> failed", SECRET_KEY);
  left = allocations_left;
  allocations_left = -1;
  assert_int_equal(fclose(out), 0);
  allocations_left = left;
  assert_lacks(text, SECRET_KEY);
  return left <= 0 ? -AF_ENOMEM : 0;
}

TEST(a_log_without_memory_keeps_its_secrets) {
  log_format = AF_LOG_TEXT;
  torture(logs_a_secret, 1);
  log_format = AF_LOG_JSON;
  torture(logs_a_secret, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reading_a_document_survives_each_failed_allocation),
      cmocka_unit_test(buffers_and_secrets_survive_each_failed_allocation),
      cmocka_unit_test(a_log_without_memory_keeps_its_secrets),
  };
  return cmocka_run_group_tests_name("base torture", tests, NULL, NULL);
}
