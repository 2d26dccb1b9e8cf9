/* libmicrohttpd around cs_sim_handle(). Owns its threads and sockets.
 *
 * What decides the design: faults must be seen on the wire as they are. A reply that is lost closes the TCP connection without a
 * byte, also on a connection that has served before (libcurl re-sends on those, design.md 3.8), and half a reply promises
 * more bytes than come. Both are things that libmicrohttpd does when the handler says MHD_NO and when a reader ends with an error. */
#include "tools/cloudsim/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "tools/cloudsim/sim.h"

enum {
  BODY_MAX = 16 << 20, /* EC2 refuses far smaller requests */
  HEADERS_MAX = 200,
  IDLE_S = 60,
  HANG_UP_S = 5, /* for replies on their way: who doesn't read them must not hold up the end */
  CONNECTIONS_MAX = 512,
};

struct peer { /* one connection */
  int fd;
  struct peer *next;
};

struct cs_server {
  struct MHD_Daemon *daemon;
  struct peer *peers;
  struct cs_sim *sim;
  const struct af_clock *clock;
  FILE *log;
  uint16_t port;
  pthread_mutex_t lock; /* around sim, log, peers and stopping */
  pthread_cond_t stop;  /* wakes the replies that wait */
  pthread_cond_t alone; /* the last peer has gone */
  bool stopping;
};

struct call { /* one request while it is read */
  char *uri;  /* as on the wire: libmicrohttpd decodes its own copy */
  struct af_buf body;
  struct cs_header headers[HEADERS_MAX];
  size_t n_headers;
  bool too_many, begun;
};

static void *call_new(void *cls, const char *uri, struct MHD_Connection *connection) {
  struct call *call = cs_new(sizeof *call);
  call->uri = cs_strdup(uri);
  af_buf_init_secret(&call->body, BODY_MAX);
  return call;
}

static void call_end(void *cls, struct MHD_Connection *connection, void **con_cls, enum MHD_RequestTerminationCode toe) {
  struct call *call = *con_cls;
  if (!call)
    return;
  free(call->uri);
  cs_buf_done(&call->body);
  free(call);
  *con_cls = NULL;
}

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value) {
  struct call *call = cls;
  if (call->n_headers == HEADERS_MAX) {
    call->too_many = true;
    return MHD_NO;
  }
  call->headers[call->n_headers++] = (struct cs_header){af_str(name), af_str(value ? value : "")};
  return MHD_YES;
}

/* ---- the reply ---- */

struct half {
  char *body;
  size_t send;
};

static ssize_t half_read(void *cls, uint64_t pos, char *buf, size_t max) {
  struct half *half = cls;
  if (pos >= half->send)
    return MHD_CONTENT_READER_END_WITH_ERROR;
  size_t n = half->send - (size_t)pos < max ? half->send - (size_t)pos : max;
  memcpy(buf, half->body + pos, n);
  return (ssize_t)n;
}

static void half_free(void *cls) {
  struct half *half = cls;
  free(half->body);
  free(half);
}

static struct MHD_Response *half_response(struct cs_reply *reply) {
  size_t length = reply->body.len;
  struct half *half = cs_new(sizeof *half);
  half->send = length / 2;
  half->body = af_buf_steal(&reply->body);
  return MHD_create_response_from_callback(length, 4096, half_read, half, half_free);
}

/* "Name: value\n" lines. libmicrohttpd takes no header that is empty. */
static void add_reply_headers(struct MHD_Response *response, struct cs_reply *reply) {
  char *line = reply->headers.ptr, *end;
  for (; line && *line && (end = strchr(line, '\n')); line = end + 1) {
    *end = 0;
    char *colon = strchr(line, ':');
    if (!colon)
      continue;
    *colon = 0;
    const char *value = colon + 1 + strspn(colon + 1, " ");
    if (*value && MHD_add_response_header(response, line, value) == MHD_NO)
      cs_no_memory();
  }
}

/* The call has been carried out: for want of memory nobody shall be left to guess whether it was. */
static enum MHD_Result send_reply(struct MHD_Connection *connection, struct cs_reply *reply) {
  if (reply->fate == CS_FATE_CLOSE || (reply->fate == CS_FATE_HALF && reply->body.len < 2))
    return MHD_NO;
  struct MHD_Response *response =
      reply->fate == CS_FATE_HALF
          ? half_response(reply)
          : MHD_create_response_from_buffer(reply->body.len, (void *)(uintptr_t)af_buf_cstr(&reply->body), MHD_RESPMEM_MUST_COPY);
  if (!response)
    cs_no_memory();
  add_reply_headers(response, reply);
  enum MHD_Result queued = MHD_queue_response(connection, (unsigned)reply->status, response);
  MHD_destroy_response(response);
  return queued;
}

/* Waits without holding others up; cut short when the server ends. The condition's clock is the monotonic one. */
static void wait_ms(struct cs_server *s, int64_t ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += ms % 1000 * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  while (!s->stopping && pthread_cond_timedwait(&s->stop, &s->lock, &until) != ETIMEDOUT)
    ;
}

static void log_call(struct cs_server *s, int64_t now_ms, const struct cs_request *req, const struct cs_reply *reply) {
  static const char *const fates[] = {[CS_FATE_REPLY] = "", [CS_FATE_CLOSE] = " closed", [CS_FATE_HALF] = " half"};
  char when[AF_TIME_SIZE];
  if (!s->log)
    return;
  af_time_iso(now_ms, when);
  fprintf(s->log, "%s %.*s %s %d%s\n", when, (int)req->method.len, req->method.ptr,
          reply->note.len ? af_buf_cstr(&reply->note) : "-", reply->status, fates[reply->fate]);
  fflush(s->log);
}

static enum MHD_Result answer(struct cs_server *s, struct MHD_Connection *connection, const char *method, struct call *call) {
  MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, call);
  if (af_buf_rc(&call->body) < 0 || call->too_many)
    return MHD_NO;
  const char *mark = strchr(call->uri, '?');
  struct cs_request req = {
      .method = af_str(method),
      .path = mark ? af_str_n(call->uri, (size_t)(mark - call->uri)) : af_str(call->uri),
      .query = mark ? af_str(mark + 1) : af_str(""),
      .headers = call->headers,
      .n_headers = call->n_headers,
      .body = af_buf_view(&call->body),
  };
  struct cs_reply reply;
  cs_reply_init(&reply);
  pthread_mutex_lock(&s->lock);
  int64_t now_ms = af_now_ms(s->clock);
  cs_sim_handle(s->sim, now_ms, &req, &reply);
  log_call(s, now_ms, &req, &reply);
  if (reply.delay_ms > 0)
    wait_ms(s, reply.delay_ms);
  pthread_mutex_unlock(&s->lock);
  enum MHD_Result sent = send_reply(connection, &reply);
  cs_reply_done(&reply);
  return sent;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **con_cls) {
  struct call *call = *con_cls;
  if (!call)
    return MHD_NO;
  if (!call->begun) { /* the headers are in, the body follows */
    call->begun = true;
    return MHD_YES;
  }
  if (*upload_size > 0) {
    af_buf_add(&call->body, upload, *upload_size);
    *upload_size = 0;
    return af_buf_rc(&call->body) < 0 ? MHD_NO : MHD_YES;
  }
  return answer(cls, connection, method, call);
}

/* ---- starting and stopping ---- */

static void note_peer(struct cs_server *s, int fd) {
  struct peer *peer = cs_new(sizeof *peer);
  *peer = (struct peer){.fd = fd, .next = s->peers};
  s->peers = peer;
}

static void forget_peer(struct cs_server *s, int fd) {
  struct peer **at = &s->peers;
  while (*at && (*at)->fd != fd)
    at = &(*at)->next;
  if (!*at)
    return;
  struct peer *gone = *at;
  *at = gone->next;
  free(gone);
  if (!s->peers)
    pthread_cond_signal(&s->alone);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode toe) {
  struct cs_server *s = cls;
  int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  pthread_mutex_lock(&s->lock);
  if (toe == MHD_CONNECTION_NOTIFY_CLOSED)
    forget_peer(s, fd);
  else if (s->stopping)
    shutdown(fd, SHUT_RD);
  else
    note_peer(s, fd);
  pthread_mutex_unlock(&s->lock);
}

static void be_quiet(void *cls, const char *format, va_list args) {
  /* Closing a connection is what some faults are for: no news. */
}

static int listen_on(struct cs_server *s, uint16_t port, struct af_error *err) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  s->daemon = MHD_start_daemon(
      MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ITC | MHD_USE_SUPPRESS_DATE_NO_CLOCK |
          MHD_USE_ERROR_LOG,
      port, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, be_quiet, NULL, MHD_OPTION_SOCK_ADDR,
      (struct sockaddr *)&address, MHD_OPTION_URI_LOG_CALLBACK, call_new, s, MHD_OPTION_NOTIFY_COMPLETED, call_end, s,
      MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_CONNECTION_TIMEOUT,
      (unsigned)IDLE_S, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      (size_t)(256 << 10), MHD_OPTION_END);
  if (!s->daemon)
    return af_error_set(err, -AF_EIO, AF_CLASS_INVALID, "CannotListen", "cannot listen on 127.0.0.1:%u: %s", port,
                        strerrordesc_np(errno));
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);
  s->port = info ? info->port : port;
  return 0;
}

int cs_server_start(struct cs_server **ret, struct cs_sim *sim, const struct cs_server_options *options, struct af_error *err) {
  struct cs_server *s = cs_new(sizeof *s);
  s->sim = sim;
  s->log = options->log;
  s->clock = options->clock;
  pthread_mutex_init(&s->lock, NULL);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&s->stop, &attr);
  pthread_cond_init(&s->alone, &attr);
  pthread_condattr_destroy(&attr);
  int rc = listen_on(s, options->port, err);
  if (rc < 0)
    cs_server_stop(s);
  else
    *ret = s;
  return rc;
}

uint16_t cs_server_port(const struct cs_server *s) {
  return s->port;
}

/* libmicrohttpd 0.9.75 crashes where it refuses a request by itself while it is being stopped: its queue then takes no reply, and it
 * reads from the one it hasn't got. So everybody is hung up on first, and leaves while it still runs. */
static void hang_up(struct cs_server *s) {
  struct timespec until;
  int fd = MHD_quiesce_daemon(s->daemon);
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += HANG_UP_S;
  pthread_mutex_lock(&s->lock);
  for (const struct peer *p = s->peers; p; p = p->next)
    shutdown(p->fd, SHUT_RD);
  while (s->peers && pthread_cond_timedwait(&s->alone, &s->lock, &until) != ETIMEDOUT)
    ;
  pthread_mutex_unlock(&s->lock);
  if (fd >= 0)
    close(fd);
}

void cs_server_stop(struct cs_server *s) {
  if (!s)
    return;
  pthread_mutex_lock(&s->lock);
  s->stopping = true;
  pthread_cond_broadcast(&s->stop);
  pthread_mutex_unlock(&s->lock);
  if (s->daemon) {
    hang_up(s);
    MHD_stop_daemon(s->daemon);
  }
  pthread_cond_destroy(&s->alone);
  pthread_cond_destroy(&s->stop);
  pthread_mutex_destroy(&s->lock);
  free(s);
}
