/* cloudsim's verifying side of Signature Version 4, against AWS's vectors (awslabs/aws-c-auth) where ../shared/aws/sigv4 is there:
 * each signed request of theirs must pass, and must fail once a byte of it changes. */
#include "tests/unit/test.h"

#include <dirent.h>
#include <stdlib.h>

#include "base/buf.h"
#include "tools/cloudsim/sigv4.h"

enum { MAX_HEADERS = 32, FILE_MAX = 1 << 20 };

struct parsed { /* a raw HTTP request in its parts */
  struct af_buf text;
  struct cs_header headers[MAX_HEADERS];
  struct cs_request req;
};

static struct af_str until(struct af_str *rest, char c) {
  const char *at = rest->len ? memchr(rest->ptr, c, rest->len) : NULL;
  size_t n = at ? (size_t)(at - rest->ptr) : rest->len;
  struct af_str head = af_str_n(rest->ptr, n);
  *rest = at ? af_str_n(at + 1, rest->len - n - 1) : af_str_n("", 0);
  return head;
}

/* "GET /path?query HTTP/1.1", then headers, which may go on in lines that begin with a space, then the body. The path of a
 * vector may hold spaces: the target ends at the last one. */
static void parse(struct parsed *p) {
  struct af_str rest = af_buf_view(&p->text), line = until(&rest, '\n');
  p->req = (struct cs_request){.headers = p->headers};
  p->req.method = until(&line, ' ');
  while (line.len > 0 && line.ptr[line.len - 1] != ' ')
    line.len--;
  line.len--;
  p->req.query = line;
  p->req.path = until(&p->req.query, '?');
  while (rest.len > 0 && rest.ptr[0] != '\n') {
    line = until(&rest, '\n');
    if (line.ptr[0] == ' ') { /* folded: the value goes on */
      struct cs_header *h = &p->headers[p->req.n_headers - 1];
      h->value.len = (size_t)(line.ptr + line.len - h->value.ptr);
      continue;
    }
    assert_true(p->req.n_headers < MAX_HEADERS);
    struct cs_header *h = &p->headers[p->req.n_headers++];
    h->name = until(&line, ':');
    h->value = line;
  }
  if (rest.len > 0)
    p->req.body = af_str_n(rest.ptr + 1, rest.len - 1);
}

static bool read_request(struct parsed *p, const char *folder, const char *name, const char *file) {
  char path[600];
  struct af_error err;
  snprintf(path, sizeof path, "%s/%s/%s", folder, name, file);
  af_buf_init(&p->text, FILE_MAX);
  if (af_buf_read_file(&p->text, path, &err) < 0)
    return false;
  parse(p);
  return true;
}

/* What a check needs of context.json. */
static void read_context(const char *folder, const char *name, char secret[128], bool *keep_path, bool *token_unsigned) {
  char path[600];
  struct af_error err;
  struct af_buf text;
  snprintf(path, sizeof path, "%s/%s/context.json", folder, name);
  af_buf_init(&text, FILE_MAX);
  assert_ok(af_buf_read_file(&text, path, &err), &err);
  json_t *context = json_loads(af_buf_cstr(&text), 0, NULL);
  assert_non_null(context);
  json_t *credentials = json_object_get(context, "credentials");
  af_str_copy(secret, 128, af_str(json_string_value(json_object_get(credentials, "secret_access_key"))));
  *token_unsigned = json_is_true(json_object_get(context, "omit_session_token"));
  *keep_path = !json_is_true(json_object_get(context, "normalize"));
  json_decref(context);
  af_buf_done(&text);
}

static int verify(const struct parsed *p, const char *secret, bool keep_path, struct af_buf *canonical) {
  struct cs_sig sig;
  const char *why = "";
  int rc = cs_sig_parse(&p->req, &sig, &why);
  struct cs_sig_check check = {.secret = af_str(secret), .keep_path = keep_path, .canonical = canonical};
  if (rc == 0)
    rc = sig.form == CS_SIG_NONE ? -AF_ENOENT : cs_sig_verify(&p->req, &sig, &check);
  cs_sig_done(&sig);
  return rc;
}

static void check_vector(const char *folder, const char *name, const char *file) {
  struct parsed p = {0};
  char secret[128];
  bool keep_path, token_unsigned;
  read_context(folder, name, secret, &keep_path, &token_unsigned);
  /* EC2, KMS and STS sign the token of a presigned URL: this one form of one vector is of services that don't. */
  if (token_unsigned && strcmp(file, "query-signed-request.txt") == 0)
    return;
  assert_true(read_request(&p, folder, name, file));
  struct af_buf canonical;
  af_buf_init(&canonical, FILE_MAX);
  if (verify(&p, secret, keep_path, &canonical) != 0)
    fail_msg("%s/%s: refused; canonical request:\n%s", name, file, af_buf_cstr(&canonical));
  af_buf_done(&canonical);
  assert_int_equal(verify(&p, "another secret", keep_path, NULL), -AF_EINVAL);
  p.req.method = af_str("PUT");
  assert_int_equal(verify(&p, secret, keep_path, NULL), -AF_EINVAL);
  af_buf_done(&p.text);
}

TEST(every_signed_request_of_the_vectors_is_taken_and_none_that_was_changed) {
  char folder[600];
  const char *shared = getenv("AF_SHARED");
  snprintf(folder, sizeof folder, "%s/sigv4", shared ? shared : "");
  DIR *dir = opendir(folder);
  if (!dir) {
    print_message("# ../shared/aws/sigv4 is not there: the vectors are skipped\n");
    skip();
  }
  int n = 0;
  for (struct dirent *e; (e = readdir(dir));) {
    if (e->d_name[0] == '.' || strstr(e->d_name, "LICENSE"))
      continue;
    check_vector(folder, e->d_name, "header-signed-request.txt");
    check_vector(folder, e->d_name, "query-signed-request.txt");
    n++;
  }
  closedir(dir);
  assert_int_equal(n, 38);
}

/* ---- what no vector shows ---- */

static void make(struct parsed *p, const char *text) {
  *p = (struct parsed){0};
  af_buf_init(&p->text, FILE_MAX);
  af_buf_puts(&p->text, text);
  parse(p);
}

TEST(a_request_without_a_signature_is_none) {
  struct parsed p;
  struct cs_sig sig;
  const char *why;
  make(&p, "GET /?Action=X HTTP/1.1\nHost:h\n\n");
  assert_int_equal(cs_sig_parse(&p.req, &sig, &why), 0);
  assert_int_equal(sig.form, CS_SIG_NONE);
  cs_sig_done(&sig);
  af_buf_done(&p.text);
}

TEST(a_signature_that_lacks_a_part_says_which) {
  static const struct {
    const char *auth, *why;
  } cases[] = {
      {"Authorization: Basic dTpw\n", "must be 'AWS4-HMAC-SHA256'"},
      {"Authorization: AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00\nX-Amz-Date:20261123T000000Z\n", "'Credential'"},
      {"Authorization: AWS4-HMAC-SHA256 Credential=A/20261123/r/ec2/aws4_request, "
       "SignedHeaders=host\nX-Amz-Date:20261123T000000Z\n",
       "'Signature'"},
      {"Authorization: AWS4-HMAC-SHA256 Credential=A/20261123/r/ec2/aws4_request, Signature=00\nX-Amz-Date:20261123T000000Z\n",
       "'SignedHeaders'"},
      {"Authorization: AWS4-HMAC-SHA256 Credential=A/20261123/ec2, SignedHeaders=host, "
       "Signature=00\nX-Amz-Date:20261123T000000Z\n",
       "5 slash-delimited"},
      {"Authorization: AWS4-HMAC-SHA256 Credential=A/20261123/r/ec2/aws4_request, SignedHeaders=host, Signature=00\n",
       "'X-Amz-Date'"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct parsed p;
    struct cs_sig sig;
    char text[600];
    const char *why = "";
    snprintf(text, sizeof text, "POST / HTTP/1.1\nHost:h\n%s\n", cases[i].auth);
    make(&p, text);
    assert_int_equal(cs_sig_parse(&p.req, &sig, &why), -AF_EINVAL);
    assert_contains(why, cases[i].why);
    cs_sig_done(&sig);
    af_buf_done(&p.text);
  }
}

TEST(a_presigned_url_that_lacks_a_part_is_refused) {
  struct parsed p;
  struct cs_sig sig;
  const char *why = "";
  make(&p, "GET /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00 HTTP/1.1\nHost:h\n\n");
  assert_int_equal(cs_sig_parse(&p.req, &sig, &why), -AF_EINVAL);
  assert_contains(why, "query-string parameters must include");
  cs_sig_done(&sig);
  af_buf_done(&p.text);
}

TEST(coding_goes_there_and_back) {
  struct af_buf out;
  af_buf_init(&out, 1000);
  cs_uri_encode(&out, af_str("a b/c~d+e=\xE1\x88\xB4"), false);
  assert_string_equal(af_buf_cstr(&out), "a%20b%2Fc~d%2Be%3D%E1%88%B4");
  af_buf_reset(&out);
  cs_uri_decode(&out, af_str("a%20b+c%2b%zz%"), true);
  assert_string_equal(af_buf_cstr(&out), "a b c+%zz%");
  af_buf_reset(&out);
  cs_uri_decode(&out, af_str("a+b"), false);
  assert_string_equal(af_buf_cstr(&out), "a+b");
  af_buf_done(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_signed_request_of_the_vectors_is_taken_and_none_that_was_changed),
      cmocka_unit_test(a_request_without_a_signature_is_none),
      cmocka_unit_test(a_signature_that_lacks_a_part_says_which),
      cmocka_unit_test(a_presigned_url_that_lacks_a_part_is_refused),
      cmocka_unit_test(coding_goes_there_and_back),
  };
  return cmocka_run_group_tests_name("cloudsim/sigv4", tests, NULL, NULL);
}
