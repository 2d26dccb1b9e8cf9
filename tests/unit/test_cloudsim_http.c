/* cloudsim's HTTP server, over real sockets: what of a fault can be seen on the wire. */
#include "tests/unit/cloudsim_front.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/cloudsim/server.h"

enum { ANSWER_MAX = 256 * 1024, PATIENCE_MS = 10000 };

struct served {
  struct world w;
  struct cs_server *server;
};

static void serve(struct served *s) {
  struct af_error err;
  const struct cs_server_options options = {.clock = af_clock_system()};
  world_init(&s->w, WORLD("", "[]", ""));
  assert_ok(cs_server_start(&s->server, s->w.sim, &options, &err), &err);
}

static void end(struct served *s) {
  cs_server_stop(s->server);
  world_done(&s->w);
}

static int dial(const struct served *s) {
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons(cs_server_port(s->server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
  return fd;
}

/* Reads until a whole reply is there, the peer closes, or patience ends. Returns bytes; *closed says how it ended. */
static size_t receive(int fd, char *answer, bool *closed) {
  size_t n = 0;
  *closed = false;
  while (n < ANSWER_MAX - 1) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    ssize_t got = recv(fd, answer + n, ANSWER_MAX - 1 - n, 0);
    if (got <= 0) {
      *closed = true;
      break;
    }
    n += (size_t)got;
    answer[n] = 0;
    const char *body = strstr(answer, "\r\n\r\n"), *length = strstr(answer, "Content-Length: ");
    if (body && length && strlen(body + 4) >= (size_t)strtol(length + 16, NULL, 10))
      break;
  }
  answer[n] = 0;
  return n;
}

static size_t ask(int fd, const char *request, char *answer, bool *closed) {
  assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
  return receive(fd, answer, closed);
}

static void post_faults(const struct served *s, const char *json) {
  static char answer[ANSWER_MAX];
  char request[1000];
  bool closed;
  int fd = dial(s);
  snprintf(request, sizeof request, "POST /_cloudsim/faults HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s", strlen(json),
           json);
  ask(fd, request, answer, &closed);
  assert_contains(answer, "200 OK");
  close(fd);
}

static const char health[] = "GET /_cloudsim/health HTTP/1.1\r\nHost: h\r\n\r\n";
/* Unsigned, so refused by STS: a reply like any other to the faults. */
static const char call[] =
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 43\r\n\r\n"
    "Action=GetCallerIdentity&Version=2011-06-15";

TEST(a_connection_serves_many_requests) {
  struct served s;
  static char answer[ANSWER_MAX];
  bool closed;
  serve(&s);
  int fd = dial(&s);
  for (int i = 0; i < 20; i++) {
    ask(fd, i % 2 ? call : health, answer, &closed);
    assert_false(closed);
    assert_contains(answer, i % 2 ? "HTTP/1.1 403" : "HTTP/1.1 200 OK");
    assert_contains(answer, "Date: ");
  }
  close(fd);
  end(&s);
}

TEST(a_lost_reply_closes_a_used_connection_without_a_byte) {
  struct served s;
  static char answer[ANSWER_MAX];
  bool closed;
  static const char *const faults[] = {"[{\"kind\":\"lost-reply\"}]", "[{\"kind\":\"cut\"}]"};
  serve(&s);
  for (int i = 0; i < 2; i++) {
    post_faults(&s, "[]");
    int fd = dial(&s);
    ask(fd, call, answer, &closed);
    assert_false(closed);
    post_faults(&s, faults[i]);
    assert_int_equal(ask(fd, call, answer, &closed), 0);
    assert_true(closed);
    close(fd);
  }
  end(&s);
}

TEST(half_a_reply_promises_more_than_comes_and_closes) {
  struct served s;
  static char answer[ANSWER_MAX];
  bool closed;
  serve(&s);
  post_faults(&s, "[{\"kind\":\"half\"}]");
  int fd = dial(&s);
  ask(fd, call, answer, &closed);
  assert_true(closed);
  const char *body = strstr(answer, "\r\n\r\n"), *length = strstr(answer, "Content-Length: ");
  assert_non_null(body);
  assert_non_null(length);
  assert_true(strlen(body + 4) > 0);
  assert_int_equal(strlen(body + 4), strtol(length + 16, NULL, 10) / 2);
  close(fd);
  end(&s);
}

TEST(a_slow_reply_holds_up_nobody_else) {
  struct served s;
  static char answer[ANSWER_MAX];
  bool closed;
  serve(&s);
  post_faults(&s, "[{\"kind\":\"slow\",\"delay_ms\":2500,\"service\":\"sts\"}]");
  int64_t begun = af_mono_ms(af_clock_system());
  int slow = dial(&s), quick = dial(&s);
  assert_int_equal(send(slow, call, strlen(call), MSG_NOSIGNAL), (ssize_t)strlen(call));
  ask(quick, health, answer, &closed);
  struct pollfd waiting = {.fd = slow, .events = POLLIN};
  assert_int_equal(poll(&waiting, 1, 0), 0);
  receive(slow, answer, &closed);
  assert_contains(answer, "HTTP/1.1 403");
  assert_true(af_mono_ms(af_clock_system()) - begun >= 2500);
  close(slow);
  close(quick);
  end(&s);
}

TEST(stopping_waits_for_no_slow_reply) {
  struct served s;
  serve(&s);
  post_faults(&s, "[{\"kind\":\"slow\",\"delay_ms\":60000}]");
  int fd = dial(&s);
  assert_int_equal(send(fd, call, strlen(call), MSG_NOSIGNAL), (ssize_t)strlen(call));
  nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
  int64_t begun = af_mono_ms(af_clock_system());
  end(&s);
  assert_true(af_mono_ms(af_clock_system()) - begun < 5000);
  close(fd);
}

enum { ROUNDS = 200 }; /* the end must not meet what is still being refused: that takes luck to see */

static void send_nonsense(const struct served *s) {
  static const char *const nonsense[] = {"\x16\x03\x01\x02", "GET\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                                         "GET /%00 HTTP/1.1\r\n\r\n",
                                         "GET /?%zz&&&= HTTP/1.1\r\nHost: h\r\nAuthorization: AWS4-HMAC-SHA256 ,=,\r\n\r\n"};
  for (size_t i = 0; i < COUNT(nonsense); i++) {
    int fd = dial(s);
    assert_true(send(fd, nonsense[i], strlen(nonsense[i]), MSG_NOSIGNAL) > 0);
    close(fd);
  }
}

TEST(what_is_no_request_does_no_harm) {
  struct served s;
  static char answer[ANSWER_MAX];
  bool closed;
  for (int i = 0; i < ROUNDS; i++) {
    serve(&s);
    send_nonsense(&s);
    int fd = dial(&s);
    ask(fd, health, answer, &closed);
    assert_contains(answer, "200 OK");
    close(fd);
    end(&s);
  }
}

TEST(a_taken_port_is_an_error_that_names_it) {
  struct served s;
  struct cs_server *second;
  struct af_error err;
  serve(&s);
  const struct cs_server_options options = {.clock = af_clock_system(), .port = cs_server_port(s.server)};
  assert_error(cs_server_start(&second, s.w.sim, &options, &err), -AF_EIO, &err, "cannot listen on 127.0.0.1:");
  end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_connection_serves_many_requests),
      cmocka_unit_test(a_lost_reply_closes_a_used_connection_without_a_byte),
      cmocka_unit_test(half_a_reply_promises_more_than_comes_and_closes),
      cmocka_unit_test(a_slow_reply_holds_up_nobody_else),
      cmocka_unit_test(stopping_waits_for_no_slow_reply),
      cmocka_unit_test(what_is_no_request_does_no_harm),
      cmocka_unit_test(a_taken_port_is_an_error_that_names_it),
  };
  return cmocka_run_group_tests_name("cloudsim/http", tests, NULL, NULL);
}
