/* A second opinion on our signature: libcurl's own signer (CURLOPT_AWS_SIGV4), for a plain POST, where the faults of 7.88 don't show.
 * curl connects to a socket of ours that never answers; what it sent is in its trace. */
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/aws/sigv4.h"
#include "tests/unit/test.h"

static int listening(int *ret_port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
  assert_int_equal(listen(fd, 4), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
  *ret_port = ntohs(a.sin_port);
  return fd;
}

static int trace(CURL *curl, curl_infotype type, char *text, size_t len, void *sent) {
  if (type == CURLINFO_HEADER_OUT)
    af_buf_add(sent, text, len);
  return 0;
}

struct case_ {
  const char *service, *region, *host, *content_type, *body;
};

/* Sends the request with curl's signature; what went out is appended to sent. */
static void send_with_curl(const struct case_ *c, struct af_buf *sent) {
  char connect_to[256], url[256], provider[128], line[256];
  int port, fd = listening(&port);
  snprintf(connect_to, sizeof connect_to, "%s:80:127.0.0.1:%d", c->host, port);
  snprintf(url, sizeof url, "http://%s/", c->host);
  snprintf(provider, sizeof provider, "aws:amz:%s:%s", c->region, c->service);
  snprintf(line, sizeof line, "Content-Type: %s", c->content_type);
  struct curl_slist *headers = curl_slist_append(NULL, line), *to = curl_slist_append(NULL, connect_to);
  CURL *curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_CONNECT_TO, to);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, c->body);
  curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, provider);
  curl_easy_setopt(curl, CURLOPT_USERPWD, "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
  curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
  curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, trace);
  curl_easy_setopt(curl, CURLOPT_DEBUGDATA, sent);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 300L);
  assert_int_equal(curl_easy_perform(curl), CURLE_OPERATION_TIMEDOUT);
  curl_easy_cleanup(curl);
  curl_slist_free_all(headers);
  curl_slist_free_all(to);
  close(fd);
}

/* The value of a header of what was sent. */
static struct af_str sent_header(const struct af_buf *sent, const char *name) {
  const char *at = strcasestr(af_buf_cstr(sent), name);
  assert_non_null(at);
  at += strlen(name);
  return af_str_trim(af_str_n(at, strcspn(at, "\r\n")));
}

static void compare(const struct case_ *c) {
  struct af_buf sent;
  struct af_credentials who = {.access_key_id = "AKIDEXAMPLE"};
  struct af_signing s = {.credentials = &who, .service = c->service, .region = c->region, .normalize_path = true, .encode_path_twice = true};
  struct af_signed_headers h;
  af_buf_init(&sent, 1 << 16);
  send_with_curl(c, &sent);
  assert_int_equal(af_secret_set(&who.secret_access_key, af_str("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")), 0);
  assert_int_equal(af_time_parse(sent_header(&sent, "\nX-Amz-Date:"), &s.time_ms), 0);
  struct af_header type = {af_str("Content-Type"), af_str(c->content_type)};
  struct af_signable r = {.method = af_str("POST"), .host = af_str(c->host), .path = af_str("/"), .headers = &type, .n_headers = 1,
                          .body = af_str(c->body)};
  assert_int_equal(af_sigv4_sign(&s, &r, &h), 0);
  const char *line = h.lines.ptr;
  for (size_t i = 0; i + 1 < h.n; i++)
    line += strlen(line) + 1;
  assert_str_equal(sent_header(&sent, "\nAuthorization:"), line + strlen("Authorization: "));
  af_signed_headers_done(&h);
  af_credentials_done(&who);
  af_buf_done(&sent);
}

TEST(curl_signs_an_ec2_call_as_we_do) {
  compare(&(struct case_){"ec2", "eu-west-1", "ec2.eu-west-1.amazonaws.com", "application/x-www-form-urlencoded; charset=utf-8",
                          "Action=DescribeImages&Version=2016-11-15&ImageId.1=ami-1"});
}

TEST(curl_signs_a_kms_call_as_we_do) {
  compare(&(struct case_){"kms", "us-east-1", "kms.us-east-1.amazonaws.com", "application/x-amz-json-1.1", "{\"KeyId\":\"k\"}"});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(curl_signs_an_ec2_call_as_we_do),
      cmocka_unit_test(curl_signs_a_kms_call_as_we_do),
  };
  curl_global_init(CURL_GLOBAL_ALL);
  int rc = cmocka_run_group_tests_name("second opinion", tests, NULL, NULL);
  curl_global_cleanup();
  return rc;
}
