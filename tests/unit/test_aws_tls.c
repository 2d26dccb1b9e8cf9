/* engine/aws/http_curl.c over TLS, against a server on loopback with a certificate of the test's own making: whom it trusts, what it takes for
 * sent, and that a dead connection raises no signal. */
#include "tests/unit/test.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>

#include "engine/aws/http.h"
#include "tests/unit/loopback.h"

enum behaviour { REPLY, RESET };

struct tls_server {
  int fd, port;
  pthread_t thread;
  SSL_CTX *ctx;
  enum behaviour behaviour;
  atomic_int handshakes;
};

struct fixture {
  struct tls_server *server;
  EVP_PKEY *key;
  char bundle[64];
};

/* --- certificates --- */

static X509 *make_certificate(EVP_PKEY *key, const char *names) {
  X509 *x = X509_new();
  X509V3_CTX v3;
  assert_non_null(x);
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), 86400);
  X509_set_pubkey(x, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"amiferry test", -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(x));
  X509V3_set_ctx(&v3, x, x, NULL, NULL, 0);
  X509V3_set_ctx_nodb(&v3);
  const char *const extensions[][2] = {{"subjectAltName", names}, {"basicConstraints", "critical,CA:TRUE"}};
  for (size_t i = 0; i < COUNT(extensions); i++) {
    X509_EXTENSION *e = X509V3_EXT_conf(NULL, &v3, extensions[i][0], extensions[i][1]);
    assert_non_null(e);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
  }
  assert_true(X509_sign(x, key, EVP_sha256()) > 0);
  return x;
}

/* --- the server --- */

static void serve(struct tls_server *s, int fd) {
  char head[65536];
  SSL *ssl = SSL_new(s->ctx);
  SSL_set_fd(ssl, fd);
  if (SSL_accept(ssl) == 1) {
    atomic_fetch_add(&s->handshakes, 1);
    if (s->behaviour == RESET) {
      struct linger now = {1, 0};
      SSL_read(ssl, head, 1);
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    } else if (SSL_read(ssl, head, sizeof head) > 0) {
      static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
      SSL_write(ssl, reply, sizeof reply - 1);
      SSL_shutdown(ssl);
    }
  }
  SSL_free(ssl);
  close(fd);
}

static void *run_server(void *arg) {
  struct tls_server *s = arg;
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, NULL);
  for (;;) {
    int fd = accept(s->fd, NULL, NULL);
    if (fd < 0)
      return NULL;
    serve(s, fd);
  }
}

static void start(struct fixture *f, const char *names, int max_version, enum behaviour behaviour) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof a;
  struct tls_server *s = f->server = calloc(1, sizeof *s);
  X509 *certificate = make_certificate(f->key, names);
  assert_non_null(s);
  FILE *out = fopen(f->bundle, "w");
  assert_non_null(out);
  PEM_write_X509(out, certificate);
  fclose(out);
  s->behaviour = behaviour;
  s->ctx = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_security_level(s->ctx, 0); /* or there is no TLS 1.1 to offer */
  SSL_CTX_set_max_proto_version(s->ctx, max_version);
  SSL_CTX_use_certificate(s->ctx, certificate);
  SSL_CTX_use_PrivateKey(s->ctx, f->key);
  X509_free(certificate);
  s->fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_true(s->fd >= 0);
  assert_int_equal(bind(s->fd, (struct sockaddr *)&a, len), 0);
  assert_int_equal(listen(s->fd, 16), 0);
  assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
  s->port = ntohs(a.sin_port);
  assert_int_equal(pthread_create(&s->thread, NULL, run_server, s), 0);
}

static int setup(void **state) {
  static struct fixture f;
  f = (struct fixture){.key = EVP_EC_gen("P-256"), .bundle = "/tmp/af-tls-XXXXXX"};
  int fd = mkstemp(f.bundle);
  signal(SIGPIPE, SIG_DFL); /* here; the server's thread has it blocked */
  if (fd < 0 || !f.key)
    return -1;
  close(fd);
  *state = &f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  if (f->server) {
    shutdown(f->server->fd, SHUT_RDWR);
    pthread_join(f->server->thread, NULL);
    close(f->server->fd);
    SSL_CTX_free(f->server->ctx);
    free(f->server);
  }
  EVP_PKEY_free(f->key);
  unlink(f->bundle);
  return 0;
}

static struct af_http_result get_through(struct fixture *f, const char *bundle, const char *host, struct af_str body) {
  static const char *const none[] = {NULL};
  struct af_http *http = NULL;
  struct af_http_result r = {0};
  struct af_error err;
  uint64_t id;
  char url[64];
  snprintf(url, sizeof url, "https://%s:%d/", host, f->server->port);
  struct af_http_request req = {.method = "POST", .url = url, .headers = none, .body = body, .connect_timeout_ms = 10000, .timeout_ms = 20000, .fresh_connection = true};
  assert_ok(af_http_curl_new(&http, bundle, &err), &err);
  assert_ok(http->submit(http->ctx, &req, &id, &err), &err);
  for (int i = 0; i < 1000 && !http->next(http->ctx, &r); i++)
    assert_int_equal(http->wait(http->ctx, 100), 0);
  assert_int_equal(r.id, id);
  af_http_curl_free(http);
  return r;
}

static void refused(struct fixture *f, const char *bundle, const char *host) {
  struct af_http_result r = get_through(f, bundle, host, af_str("x"));
  if (r.sent != AF_SENT_NOT)
    fail_msg("sent %d: %s", r.sent, r.failure);
  assert_int_not_equal(strlen(r.failure), 0);
  af_http_result_done(&r);
}

TEST(a_certificate_of_the_bundle_is_trusted) {
  struct fixture *f = *state;
  start(f, "IP:127.0.0.1,DNS:localhost", TLS1_3_VERSION, REPLY);
  struct af_http_result r = get_through(f, f->bundle, "127.0.0.1", af_str("x"));
  assert_int_equal(r.sent, AF_SENT_REPLIED);
  assert_str_equal(af_buf_view(&r.body), "hello");
  af_http_result_done(&r);
  r = get_through(f, f->bundle, "localhost", af_str("x"));
  assert_int_equal(r.sent, AF_SENT_REPLIED);
  af_http_result_done(&r);
}

TEST(any_other_certificate_is_not_and_nothing_is_sent) {
  struct fixture *f = *state;
  start(f, "IP:127.0.0.1", TLS1_3_VERSION, REPLY);
  refused(f, NULL, "127.0.0.1");
  refused(f, "/nonexistent/bundle.pem", "127.0.0.1");
}

TEST(a_certificate_for_another_name_is_refused) {
  struct fixture *f = *state;
  start(f, "DNS:other.example", TLS1_3_VERSION, REPLY);
  refused(f, f->bundle, "127.0.0.1");
  refused(f, f->bundle, "localhost");
}

TEST(tls_before_1_2_is_refused) {
  struct fixture *f = *state;
  start(f, "IP:127.0.0.1", TLS1_1_VERSION, REPLY);
  refused(f, f->bundle, "127.0.0.1");
  assert_int_equal(atomic_load(&f->server->handshakes), 0);
}

TEST(tls_1_2_will_do) {
  struct fixture *f = *state;
  start(f, "IP:127.0.0.1", TLS1_2_VERSION, REPLY);
  struct af_http_result r = get_through(f, f->bundle, "127.0.0.1", af_str("x"));
  assert_int_equal(r.sent, AF_SENT_REPLIED);
  af_http_result_done(&r);
}

TEST(a_connection_that_dies_during_the_upload_leaves_it_open_what_happened) {
  struct fixture *f = *state;
  size_t size = 16 << 20;
  char *body = calloc(1, size);
  assert_non_null(body);
  start(f, "IP:127.0.0.1", TLS1_3_VERSION, RESET);
  for (int i = 0; i < 5; i++) {
    struct af_http_result r = get_through(f, f->bundle, "127.0.0.1", af_str_n(body, size));
    assert_int_equal(r.sent, AF_SENT_MAYBE);
    af_http_result_done(&r);
  }
  free(body);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(a_certificate_of_the_bundle_is_trusted),
      CASE(any_other_certificate_is_not_and_nothing_is_sent),
      CASE(a_certificate_for_another_name_is_refused),
      CASE(tls_before_1_2_is_refused),
      CASE(tls_1_2_will_do),
      CASE(a_connection_that_dies_during_the_upload_leaves_it_open_what_happened),
  };
  return cmocka_run_group_tests_name("engine/aws/http over TLS", tests, NULL, NULL);
}
