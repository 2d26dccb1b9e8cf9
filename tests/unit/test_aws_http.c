/* engine/aws/http_curl.c against a server on loopback: what it sends, and whether it tells the truth about what was sent. */
#include "tests/unit/test.h"

#include <signal.h>
#include <sys/time.h>

#include "engine/aws/codec.h"
#include "engine/aws/http.h"
#include "tests/unit/loopback.h"

struct fixture {
  struct loopback *server;
  struct af_http *http;
};

static int setup(void **state) {
  static struct fixture f;
  struct af_error err;
  signal(SIGPIPE, SIG_DFL); /* a transport that lets it through ends the test */
  f.server = loopback_start();
  if (af_http_curl_new(&f.http, NULL, &err) < 0)
    return -1;
  *state = &f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  af_http_curl_free(f->http);
  loopback_stop(f->server);
  return 0;
}

static int submit(struct fixture *f, const struct af_http_request *like, const char *path, uint64_t *ret_id, struct af_error *err) {
  static const char *const no_headers[] = {NULL};
  struct af_http_request req = *like;
  char url[512];
  if (path[0] == '/')
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", f->server->port, path);
  else
    snprintf(url, sizeof url, "%s", path);
  req.url = url;
  req.method = req.method ? req.method : "POST";
  req.headers = req.headers ? req.headers : no_headers;
  req.connect_timeout_ms = req.connect_timeout_ms ? req.connect_timeout_ms : 5000;
  req.timeout_ms = req.timeout_ms ? req.timeout_ms : 20000;
  return f->http->submit(f->http->ctx, &req, ret_id, err);
}

static struct af_http_result take(struct fixture *f) {
  struct af_http_result r;
  for (int i = 0; i < 1000; i++) {
    if (f->http->next(f->http->ctx, &r))
      return r;
    assert_int_equal(f->http->wait(f->http->ctx, 100), 0);
  }
  fail_msg("no result came");
  return r;
}

static struct af_http_result get_through(struct fixture *f, const struct af_http_request *like, const char *path) {
  struct af_error err;
  uint64_t id = 0;
  assert_ok(submit(f, like, path, &id, &err), &err);
  struct af_http_result r = take(f);
  assert_int_equal(r.id, id);
  return r;
}

static const struct af_http_request post = {.method = "POST", .body = {"Action=X", 8}};
static const struct af_http_request fresh_post = {.method = "POST", .body = {"Action=X", 8}, .fresh_connection = true};

static void expect(struct fixture *f, const struct af_http_request *like, const char *path, enum af_sent sent, const char *failure) {
  struct af_http_result r = get_through(f, like, path);
  if (r.sent != sent)
    fail_msg("%s: sent %d: %s", path, r.sent, r.failure);
  assert_contains(r.failure, failure);
  assert_false(r.unknown_host);
  assert_int_equal(r.body.len, 0);
  af_http_result_done(&r);
}

TEST(a_reply_is_handed_over_with_what_the_client_wants_of_its_headers) {
  struct af_http_result r = get_through(*state, &post, "/ok");
  assert_int_equal(r.sent, AF_SENT_REPLIED);
  assert_int_equal(r.status, 200);
  assert_str_equal(af_buf_view(&r.body), "hello");
  assert_true(r.body.wipe); /* STS answers with secrets */
  assert_string_equal(r.content_type, "text/xml;charset=UTF-8");
  assert_string_equal(r.request_id, "req-1");
  assert_string_equal(r.date, "Mon, 23 Nov 2026 06:29:00 GMT");
  assert_int_equal(r.retry_after_ms, 250);
  af_http_result_done(&r);
}

TEST(a_reply_of_s3_has_its_own_names_for_the_request_and_says_where_the_bucket_lies) {
  struct af_http_result r = get_through(*state, &post, "/s3");
  assert_int_equal(r.status, 301);
  assert_string_equal(r.request_id, "S3REQ");
  assert_string_equal(r.bucket_region, "eu-west-1");
  af_http_result_done(&r);
}

TEST(any_status_is_a_reply_and_redirects_are_not_followed) {
  struct fixture *f = *state;
  struct af_http_result r = get_through(f, &post, "/fault");
  assert_int_equal(r.sent, AF_SENT_REPLIED);
  assert_int_equal(r.status, 503);
  assert_str_equal(af_buf_view(&r.body), "busy");
  assert_int_equal(r.retry_after_ms, -1);
  af_http_result_done(&r);
  r = get_through(f, &post, "/redirect");
  assert_int_equal(r.status, 302);
  af_http_result_done(&r);
  r = get_through(f, &post, "/empty");
  assert_int_equal(r.sent, AF_SENT_REPLIED);
  assert_int_equal(r.status, 204);
  af_http_result_done(&r);
  assert_string_equal(f->server->paths, "POST /fault;POST /redirect;POST /empty;");
}

TEST(a_request_has_the_headers_that_were_given_and_few_more) {
  struct fixture *f = *state;
  static const char *const headers[] = {"Content-Type: application/x-amz-json-1.1", "X-Amz-Target: A.B", NULL};
  size_t size = 1500000; /* from 1 MB on curl would like to hear 100-continue, older ones from 1 KB */
  char *body = calloc(1, size);
  assert_non_null(body);
  struct af_http_request req = {.method = "POST", .headers = headers, .body = {body, size}};
  struct af_http_result r = get_through(f, &req, "/ok");
  af_http_result_done(&r);
  free(body);
  assert_contains(f->server->last, "Content-Type: application/x-amz-json-1.1\r\n");
  assert_contains(f->server->last, "X-Amz-Target: A.B\r\n");
  assert_contains(f->server->last, "User-Agent: amiferry/" AF_VERSION "\r\n");
  assert_contains(f->server->last, "HTTP/1.1\r\n");
  assert_contains(f->server->last, "Content-Length: 1500000");
  assert_lacks(f->server->last, "Expect");
  assert_lacks(f->server->last, "Accept-Encoding");
}

TEST(put_and_get_go_out_without_a_body_or_its_type) {
  struct fixture *f = *state;
  struct af_http_request put = {.method = "PUT"}, get = {.method = "GET"};
  struct af_http_result r = get_through(f, &put, "/ok");
  af_http_result_done(&r);
  assert_contains(f->server->last, "PUT /ok HTTP/1.1\r\n");
  assert_contains(f->server->last, "Content-Length: 0");
  assert_lacks(f->server->last, "Content-Type");
  r = get_through(f, &get, "/ok");
  af_http_result_done(&r);
  assert_contains(f->server->last, "GET /ok HTTP/1.1\r\n");
  assert_lacks(f->server->last, "Content-");
}

TEST(connections_are_reused_unless_a_request_wants_its_own) {
  struct fixture *f = *state;
  for (int i = 0; i < 3; i++)
    expect(f, &post, "/404", AF_SENT_REPLIED, "");
  assert_int_equal(loopback_connections(f->server), 1);
  for (int i = 0; i < 3; i++)
    expect(f, &fresh_post, "/404", AF_SENT_REPLIED, "");
  assert_int_equal(loopback_connections(f->server), 4);
}

TEST(a_connection_that_closes_without_a_reply_leaves_it_open_what_happened) {
  struct fixture *f = *state;
  expect(f, &post, "/drop", AF_SENT_MAYBE, "Empty reply");
  assert_string_equal(f->server->paths, "POST /drop;");
}

/* libcurl 7.88 sends a request twice when a reused connection closes without a reply. */
TEST(a_request_on_a_connection_of_its_own_is_seen_once_by_the_server) {
  struct fixture *f = *state;
  struct af_http_result r = get_through(f, &post, "/ok"); /* leaves a connection to reuse */
  af_http_result_done(&r);
  expect(f, &fresh_post, "/drop", AF_SENT_MAYBE, "Empty reply");
  assert_string_equal(f->server->paths, "POST /ok;POST /drop;");
}

/* Whatever libcurl does about it, the answer must not be "not sent". */
TEST(a_reused_connection_that_closes_leaves_it_open_what_happened) {
  struct fixture *f = *state;
  struct af_http_result r = get_through(f, &post, "/ok");
  af_http_result_done(&r);
  expect(f, &post, "/drop", AF_SENT_MAYBE, "");
}

TEST(half_a_reply_is_no_reply) {
  struct fixture *f = *state;
  expect(f, &post, "/half", AF_SENT_MAYBE, "");
  expect(f, &fresh_post, "/half", AF_SENT_MAYBE, "");
  expect(f, &post, "/cut-chunk", AF_SENT_MAYBE, "");
}

TEST(a_reply_that_is_too_slow_leaves_it_open_what_happened) {
  struct af_http_request req = {.method = "POST", .body = {"x", 1}, .timeout_ms = 150};
  expect(*state, &req, "/slow", AF_SENT_MAYBE, "timed out");
}

TEST(a_reply_that_is_too_large_is_dropped) {
  expect(*state, &post, "/big", AF_SENT_MAYBE, "the reply is too large");
}

TEST(a_server_that_closes_during_the_upload_is_an_error_and_no_signal) {
  struct fixture *f = *state;
  size_t size = 16 << 20;
  char *body = calloc(1, size);
  assert_non_null(body);
  struct af_http_request req = {.method = "POST", .body = {body, size}, .fresh_connection = true};
  for (int i = 0; i < 5; i++)
    expect(f, &req, "/early", AF_SENT_MAYBE, "");
  free(body);
}

/* A port of loopback where nobody listens. */
static int closed_port(void) {
  struct loopback *s = loopback_start();
  int port = s->port;
  loopback_stop(s);
  return port;
}

TEST(a_refused_connection_has_sent_nothing) {
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", closed_port());
  expect(*state, &post, url, AF_SENT_NOT, "onnect");
  expect(*state, &fresh_post, url, AF_SENT_NOT, "onnect");
}

TEST(a_name_that_is_not_there_has_sent_nothing) {
  struct af_http_request req = {.method = "POST", .body = {"x", 1}, .connect_timeout_ms = 2000, .timeout_ms = 2000};
  struct af_http_result r = get_through(*state, &req, "https://amiferry.invalid/");
  assert_int_equal(r.sent, AF_SENT_NOT); /* why, is the name server's to say */
  af_http_result_done(&r);
}

/* A label of 64 letters can't be looked up anywhere, so that no name server is asked. */
TEST(a_host_that_there_is_none_of_is_told_apart) {
  static const char host[] = "ec2.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.amazonaws.com";
  char url[128];
  for (const char *const *name = (const char *const[]){"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL}; *name; name++)
    unsetenv(*name); /* a proxy would look it up itself */
  snprintf(url, sizeof url, "https://%s/", host);
  struct af_http_result r = get_through(*state, &fresh_post, url);
  assert_int_equal(r.sent, AF_SENT_NOT);
  assert_true(r.unknown_host);
  assert_contains(r.failure, host);
  af_http_result_done(&r);
}

TEST(a_tls_handshake_that_fails_has_sent_nothing) {
  struct fixture *f = *state;
  char url[64];
  snprintf(url, sizeof url, "https://127.0.0.1:%d/ok", f->server->port);
  expect(f, &post, url, AF_SENT_NOT, "");
  expect(f, &fresh_post, url, AF_SENT_NOT, "");
  assert_int_equal(atomic_load(&f->server->requests), 0);
}

static void expect_refused(struct fixture *f, const char *url, const char *code) {
  struct af_error err;
  uint64_t id;
  if (submit(f, &post, url, &id, &err) != -AF_EINVAL)
    fail_msg("%s", url);
  assert_string_equal(err.code, code);
  assert_int_equal(err.class, AF_CLASS_INVALID);
}

TEST(plain_http_to_anywhere_else_is_refused) {
  static const char *const urls[] = {"http://example.com/", "http://10.0.0.1/", "http://localhost.example.com/", "http://127.0.0.1.example.com/",
                                     "http://[2001:db8::1]/", "http://169.254.169.253/"};
  for (size_t i = 0; i < COUNT(urls); i++)
    expect_refused(*state, urls[i], "PlainHttpRefused");
  expect_refused(*state, "http://127.0.0.1@example.com/", "BadUrl");
  expect_refused(*state, "ftp://127.0.0.1/", "BadUrl");
  expect_refused(*state, "https://", "BadUrl");
}

TEST(localhost_and_the_whole_of_127_are_loopback) {
  struct fixture *f = *state;
  char url[64];
  snprintf(url, sizeof url, "http://localhost:%d/404", f->server->port);
  expect(f, &post, url, AF_SENT_REPLIED, "");
  snprintf(url, sizeof url, "http://127.1:%d/404", f->server->port); /* curl writes it out before we look at it */
  expect(f, &post, url, AF_SENT_REPLIED, "");
}

TEST(proxies_are_not_for_loopback) {
  struct fixture *f = *state;
  char proxy[64], url[64];
  snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", closed_port());
  setenv("http_proxy", proxy, 1);
  setenv("https_proxy", proxy, 1);
  setenv("ALL_PROXY", proxy, 1);
  expect(f, &post, "/404", AF_SENT_REPLIED, "");
  snprintf(url, sizeof url, "https://127.0.0.1:%d/", f->server->port);
  expect(f, &fresh_post, url, AF_SENT_NOT, "");
  assert_int_equal(loopback_connections(f->server), 2); /* it got as far as the server */
  unsetenv("http_proxy");
  unsetenv("ALL_PROXY");
  /* For https elsewhere the environment's proxy is asked: here one that takes no CONNECT. */
  snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", f->server->port);
  setenv("https_proxy", proxy, 1);
  expect(f, &fresh_post, "https://amiferry.invalid/", AF_SENT_NOT, "");
  assert_contains(f->server->paths, "CONNECT amiferry.invalid:443;");
  unsetenv("https_proxy");
}

TEST(a_header_with_a_line_break_is_refused) {
  static const char *const headers[] = {"X: a\r\nY: b", NULL};
  struct af_http_request req = {.method = "GET", .headers = headers};
  struct af_error err;
  uint64_t id;
  assert_int_equal(submit(*state, &req, "/ok", &id, &err), -AF_EINVAL);
  assert_int_equal(err.class, AF_CLASS_INTERNAL);
}

TEST(many_requests_at_once_share_a_limited_number_of_connections) {
  struct fixture *f = *state;
  struct af_error err;
  uint64_t id;
  bool seen[101] = {false};
  for (int i = 0; i < 100; i++)
    assert_ok(submit(f, &post, "/404", &id, &err), &err);
  for (int i = 0; i < 100; i++) {
    struct af_http_result r = take(f);
    assert_int_equal(r.sent, AF_SENT_REPLIED);
    assert_in_range(r.id, 1, 100);
    assert_false(seen[r.id]);
    seen[r.id] = true;
    af_http_result_done(&r);
  }
  assert_int_equal(atomic_load(&f->server->requests), 100);
  assert_in_range(loopback_connections(f->server), 1, 32);
}

static void *wake_later(void *arg) {
  struct af_http *http = arg;
  poll(NULL, 0, 50);
  http->wakeup(http->ctx);
  return NULL;
}

TEST(a_wake_up_ends_the_wait) {
  struct fixture *f = *state;
  pthread_t thread;
  const struct af_clock *clock = af_clock_system();
  int64_t start = af_mono_ms(clock);
  assert_int_equal(pthread_create(&thread, NULL, wake_later, f->http), 0);
  assert_int_equal(f->http->wait(f->http->ctx, 20000), 0);
  assert_true(af_mono_ms(clock) - start < 10000);
  pthread_join(thread, NULL);
  f->http->wakeup(f->http->ctx); /* one that comes before the wait isn't lost */
  assert_int_equal(f->http->wait(f->http->ctx, 20000), 0);
  assert_true(af_mono_ms(clock) - start < 10000);
}

static struct af_http *to_wake;
static void on_alarm(int signal_number) {
  to_wake->wakeup(to_wake->ctx);
}

TEST(a_signal_handler_may_end_the_wait) {
  struct fixture *f = *state;
  const struct itimerval soon = {.it_value = {.tv_usec = 50000}};
  const struct af_clock *clock = af_clock_system();
  int64_t start = af_mono_ms(clock);
  to_wake = f->http;
  signal(SIGALRM, on_alarm);
  setitimer(ITIMER_REAL, &soon, NULL);
  assert_int_equal(f->http->wait(f->http->ctx, 20000), 0);
  assert_true(af_mono_ms(clock) - start < 10000);
  signal(SIGALRM, SIG_DFL);
}

TEST(a_wait_ends_with_its_time) {
  struct fixture *f = *state;
  const struct af_clock *clock = af_clock_system();
  int64_t start = af_mono_ms(clock);
  assert_int_equal(f->http->wait(f->http->ctx, 50), 0);
  assert_in_range(af_mono_ms(clock) - start, 50, 5000);
  assert_int_equal(f->http->wait(f->http->ctx, 0), 0);
}

TEST(what_is_in_flight_can_be_forgotten) {
  struct fixture *f = *state;
  struct af_error err;
  uint64_t id;
  assert_ok(submit(f, &post, "/slow", &id, &err), &err);
  assert_ok(submit(f, &post, "/ok", &id, &err), &err);
  f->http->wait(f->http->ctx, 1000); /* one has ended and is never taken; teardown frees both */
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(a_reply_is_handed_over_with_what_the_client_wants_of_its_headers),
      CASE(a_reply_of_s3_has_its_own_names_for_the_request_and_says_where_the_bucket_lies),
      CASE(any_status_is_a_reply_and_redirects_are_not_followed),
      CASE(a_request_has_the_headers_that_were_given_and_few_more),
      CASE(put_and_get_go_out_without_a_body_or_its_type),
      CASE(connections_are_reused_unless_a_request_wants_its_own),
      CASE(a_connection_that_closes_without_a_reply_leaves_it_open_what_happened),
      CASE(a_request_on_a_connection_of_its_own_is_seen_once_by_the_server),
      CASE(a_reused_connection_that_closes_leaves_it_open_what_happened),
      CASE(half_a_reply_is_no_reply),
      CASE(a_reply_that_is_too_slow_leaves_it_open_what_happened),
      CASE(a_reply_that_is_too_large_is_dropped),
      CASE(a_server_that_closes_during_the_upload_is_an_error_and_no_signal),
      CASE(a_refused_connection_has_sent_nothing),
      CASE(a_name_that_is_not_there_has_sent_nothing),
      CASE(a_host_that_there_is_none_of_is_told_apart),
      CASE(a_tls_handshake_that_fails_has_sent_nothing),
      CASE(plain_http_to_anywhere_else_is_refused),
      CASE(localhost_and_the_whole_of_127_are_loopback),
      CASE(proxies_are_not_for_loopback),
      CASE(a_header_with_a_line_break_is_refused),
      CASE(many_requests_at_once_share_a_limited_number_of_connections),
      CASE(a_wake_up_ends_the_wait),
      CASE(a_signal_handler_may_end_the_wait),
      CASE(a_wait_ends_with_its_time),
      CASE(what_is_in_flight_can_be_forgotten),
  };
  return cmocka_run_group_tests_name("engine/aws/http", tests, NULL, NULL);
}
