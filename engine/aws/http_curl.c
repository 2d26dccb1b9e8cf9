/* The transport over libcurl's multi interface: HTTP/1.1, one thread, connections kept and reused. It promises that af_sent tells the truth:
 * AF_SENT_NOT only where no byte of the request has been written to the server, AF_SENT_REPLIED only where the whole reply has come.
 *
 * libcurl sends a request again by itself when a reused connection dies before the reply (seen with 7.88.1; Curl_retry_request()). It does so
 * on reused connections only: a request that must not be sent twice gets a fresh one. */
#include <curl/curl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

#include "base/time.h"
#include "engine/aws/codec.h"
#include "engine/aws/endpoint.h"
#include "engine/aws/http.h"

#define CONNECTIONS_MAX 64
#define CONNECTIONS_PER_HOST_MAX 32

struct transfer {
  CURL *easy;
  CURLU *url;
  struct curl_slist *headers;
  struct af_buf body; /* of the request: a copy, secret */
  struct af_http_result result;
  bool https, fresh;
  char error[CURL_ERROR_SIZE];
  struct transfer *prev, *next; /* next: of the live ones, or of the ended ones */
};

struct curl_http {
  struct af_http http; /* .ctx points here */
  CURLM *multi;
  char *ca_bundle;
  uint64_t last_id;
  struct transfer *live;
  struct transfer *ended, **ended_tail;
  atomic_bool woken;
};

/* --- SIGPIPE --- */

/* CURLOPT_NOSIGNAL keeps curl's hands off signals. Its own writes raise none (MSG_NOSIGNAL), those that some versions leave to OpenSSL do: SIGPIPE
 * is held up while curl works, and swallowed. The program's own ideas about SIGPIPE stay what they are. */
struct guard {
  sigset_t pipe, before;
  bool was_pending;
};

static void guard_enter(struct guard *g) {
  sigset_t pending;
  sigemptyset(&g->pipe);
  sigaddset(&g->pipe, SIGPIPE);
  sigemptyset(&pending);
  sigpending(&pending);
  g->was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &g->pipe, &g->before);
}

static void guard_leave(struct guard *g) {
  const struct timespec now = {0};
  if (!g->was_pending)
    while (sigtimedwait(&g->pipe, NULL, &now) == SIGPIPE)
      ;
  pthread_sigmask(SIG_SETMASK, &g->before, NULL);
}

/* --- what curl gives us --- */

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx) {
  struct transfer *t = ctx;
  af_buf_add(&t->result.body, bytes, size * n);
  return af_buf_rc(&t->result.body) < 0 ? 0 : size * n; /* anything else than all of it ends the transfer */
}

struct wanted_header {
  const char *name;
  size_t offset, size;
};
#define WANTED(header, member) {header, offsetof(struct af_http_result, member), sizeof(((struct af_http_result *)0)->member)}
static const struct wanted_header wanted_headers[] = {
    WANTED("content-type", content_type),
    WANTED("x-amzn-requestid", request_id),
    WANTED("x-amz-request-id", request_id),
    WANTED("x-amz-bucket-region", bucket_region),
    WANTED("date", date),
};

static void take_header(struct af_http_result *r, struct af_str name, struct af_str value) {
  static const char retry_after[] = "x-amz-retry-after"; /* milliseconds (rules.md 6.5) */
  int64_t ms;
  for (size_t i = 0; i < sizeof wanted_headers / sizeof wanted_headers[0]; i++) {
    const struct wanted_header *w = &wanted_headers[i];
    if (name.len == strlen(w->name) && strncasecmp(name.ptr, w->name, name.len) == 0)
      af_str_copy((char *)r + w->offset, w->size, value);
  }
  if (name.len == strlen(retry_after) && strncasecmp(name.ptr, retry_after, name.len) == 0 && af_str_to_i64(value, &ms) == 0 && ms >= 0)
    r->retry_after_ms = ms;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *ctx) {
  struct transfer *t = ctx;
  struct af_str line = af_str_n(bytes, size * n);
  const char *colon = line.len ? memchr(line.ptr, ':', line.len) : NULL;
  if (colon && !af_str_starts(line, "HTTP/"))
    take_header(&t->result, af_str_n(line.ptr, (size_t)(colon - line.ptr)),
                af_str_trim(af_str_n(colon + 1, line.len - (size_t)(colon + 1 - line.ptr))));
  return size * n;
}

/* --- making a transfer --- */

static void free_headers(struct curl_slist *list) {
  for (struct curl_slist *h = list; h; h = h->next)
    OPENSSL_cleanse(h->data, strlen(h->data)); /* session tokens */
  curl_slist_free_all(list);
}

static void free_transfer(struct transfer *t) {
  if (!t)
    return;
  if (t->easy)
    curl_easy_cleanup(t->easy);
  if (t->url)
    curl_url_cleanup(t->url);
  free_headers(t->headers);
  af_buf_done(&t->body);
  af_http_result_done(&t->result);
  free(t);
}

static int bad_request(struct af_error *err, const char *what) {
  return af_error_set(err, -AF_EINVAL, AF_CLASS_INTERNAL, "BadHttpRequest", "%s", what);
}

/* Where it goes decides what is allowed: https anywhere, plain http on loopback and to the link-local services that speak nothing else. */
static int set_url(struct transfer *t, const char *url, struct af_error *err) {
  char *scheme = NULL, *host = NULL;
  int rc = 0;
  t->url = curl_url();
  if (!t->url)
    return af_error_nomem(err);
  if (curl_url_set(t->url, CURLUPART_URL, url, CURLU_DISALLOW_USER | CURLU_PATH_AS_IS) || curl_url_get(t->url, CURLUPART_SCHEME, &scheme, 0) ||
      curl_url_get(t->url, CURLUPART_HOST, &host, 0)) {
    rc = af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadUrl", "a URL that can't be used");
  } else {
    bool loopback = af_host_is_loopback(af_str(host));
    t->https = strcmp(scheme, "https") == 0;
    if (!t->https && strcmp(scheme, "http") != 0)
      rc = af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadUrl", "a URL that is neither http nor https");
    else if (!t->https && !loopback && !af_host_is_credential_service(af_str(host)))
      rc = af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "PlainHttpRefused", "plain http to %.200s is refused", host);
    else if (!t->https || loopback)
      curl_easy_setopt(t->easy, CURLOPT_PROXY, ""); /* none, whatever the environment says */
    curl_easy_setopt(t->easy, CURLOPT_CURLU, t->url);
  }
  curl_free(scheme);
  curl_free(host);
  return rc;
}

static int add_header(struct transfer *t, const char *line, struct af_error *err) {
  if (strpbrk(line, "\r\n"))
    return bad_request(err, "a header with a line break");
  struct curl_slist *list = curl_slist_append(t->headers, line);
  if (!list)
    return af_error_nomem(err);
  t->headers = list;
  return 0;
}

static int set_headers(struct transfer *t, const struct af_http_request *req, struct af_error *err) {
  bool has_type = false;
  int rc = add_header(t, "Expect:", err); /* no 100-continue: it only costs time */
  for (size_t i = 0; rc == 0 && req->headers && req->headers[i]; i++) {
    has_type |= strncasecmp(req->headers[i], "Content-Type:", 13) == 0;
    rc = add_header(t, req->headers[i], err);
  }
  if (rc == 0 && !has_type)
    rc = add_header(t, "Content-Type:", err); /* curl would name one of its own */
  curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
  return rc;
}

static int set_body(struct transfer *t, const struct af_http_request *req, struct af_error *err) {
  if (strcmp(req->method, "GET") == 0) {
    curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
    return 0;
  }
  af_buf_init_secret(&t->body, req->body.len + 1);
  af_buf_str(&t->body, req->body);
  if (af_buf_rc(&t->body) < 0)
    return af_error_nomem(err);
  curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.len);
  curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, af_buf_cstr(&t->body));
  if (strcmp(req->method, "POST") != 0)
    curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, req->method);
  return 0;
}

static void set_options(const struct curl_http *h, struct transfer *t, const struct af_http_request *req) {
  CURL *e = t->easy;
  curl_easy_setopt(e, CURLOPT_PRIVATE, t);
  curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
  curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(e, CURLOPT_USERAGENT, "amiferry/" AF_VERSION);
  curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
  if (h->ca_bundle)
    curl_easy_setopt(e, CURLOPT_CAINFO, h->ca_bundle);
  curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)req->connect_timeout_ms);
  curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
  curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, req->fresh_connection ? 1L : 0L);
  curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
  curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
}

static int new_transfer(struct transfer **ret, const struct curl_http *h, const struct af_http_request *req, struct af_error *err) {
  struct transfer *t = calloc(1, sizeof *t);
  if (!t)
    return af_error_nomem(err);
  af_buf_init_secret(&t->result.body, AF_REPLY_MAX_BYTES);
  t->result.retry_after_ms = -1;
  t->fresh = req->fresh_connection;
  t->easy = curl_easy_init();
  int rc = t->easy ? 0 : af_error_nomem(err);
  if (rc == 0) {
    set_options(h, t, req);
    rc = set_url(t, req->url, err);
  }
  if (rc == 0)
    rc = set_headers(t, req, err);
  if (rc == 0)
    rc = set_body(t, req, err);
  if (rc < 0) {
    free_transfer(t);
    return rc;
  }
  *ret = t;
  return 0;
}

static int http_submit(void *ctx, const struct af_http_request *req, uint64_t *ret_id, struct af_error *err) {
  struct curl_http *h = ctx;
  struct transfer *t = NULL;
  struct guard g;
  int rc = new_transfer(&t, h, req, err);
  if (rc || !t)
    return rc;
  guard_enter(&g);
  CURLMcode code = curl_multi_add_handle(h->multi, t->easy);
  guard_leave(&g);
  if (code != CURLM_OK) {
    free_transfer(t);
    return af_error_set(err, -AF_EIO, AF_CLASS_INTERNAL, "HttpFailed", "%s", curl_multi_strerror(code));
  }
  t->result.id = *ret_id = ++h->last_id;
  t->next = h->live;
  if (t->next)
    t->next->prev = t;
  h->live = t;
  return 0;
}

/* --- the end of a transfer --- */

/* Facts: nothing was written as long as curl has counted no byte of a request; through a proxy it counts the CONNECT as well, and then a TLS
 * handshake that did not end says the same for a connection of its own. What curl may have sent twice (a reused connection) is judged by the bytes alone. */
static enum af_sent how_far(const struct transfer *t) {
  long request_bytes = 0;
  curl_off_t tls_us = 0;
  curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
  curl_easy_getinfo(t->easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
  if (request_bytes == 0)
    return AF_SENT_NOT;
  return t->https && t->fresh && tls_us == 0 ? AF_SENT_NOT : AF_SENT_MAYBE;
}

static void judge(struct transfer *t, CURLcode code) {
  struct af_http_result *r = &t->result;
  long status = 0;
  curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OK && status >= 200) {
    r->sent = AF_SENT_REPLIED;
    r->status = (int)status;
    return;
  }
  r->sent = how_far(t);
  r->unknown_host = code == CURLE_COULDNT_RESOLVE_HOST;
  if (af_buf_rc(&r->body) == -AF_ETOOBIG)
    AF_COPY(r->failure, af_str("the reply is too large"));
  else
    AF_COPY(r->failure, af_str(*t->error ? t->error : curl_easy_strerror(code)));
  af_buf_done(&r->body); /* half a reply is none */
}

static void end_transfer(struct curl_http *h, struct transfer *t, CURLcode code) {
  judge(t, code);
  curl_multi_remove_handle(h->multi, t->easy);
  if (t->prev)
    t->prev->next = t->next;
  else
    h->live = t->next;
  if (t->next)
    t->next->prev = t->prev;
  t->prev = t->next = NULL;
  *h->ended_tail = t;
  h->ended_tail = &t->next;
}

static int work(struct curl_http *h) {
  struct guard g;
  int running, left;
  guard_enter(&g);
  CURLMcode code = curl_multi_perform(h->multi, &running);
  for (CURLMsg *m = curl_multi_info_read(h->multi, &left); m; m = curl_multi_info_read(h->multi, &left)) {
    struct transfer *t = NULL;
    CURLcode result = m->data.result; /* m goes with the handle */
    if (m->msg == CURLMSG_DONE && curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t) == CURLE_OK && t)
      end_transfer(h, t, result);
  }
  guard_leave(&g);
  return code == CURLM_OK ? 0 : -AF_EIO;
}

static int http_wait(void *ctx, int64_t timeout_ms) {
  struct curl_http *h = ctx;
  const struct af_clock *clock = af_clock_system();
  int64_t deadline = af_mono_ms(clock) + timeout_ms;
  for (;;) {
    int rc = work(h);
    if (rc < 0 || h->ended || atomic_exchange(&h->woken, false))
      return rc;
    int64_t left = deadline - af_mono_ms(clock);
    if (left <= 0)
      return 0;
    if (curl_multi_poll(h->multi, NULL, 0, left > INT_MAX ? INT_MAX : (int)left, NULL) != CURLM_OK)
      return -AF_EIO;
  }
}

static bool http_next(void *ctx, struct af_http_result *ret) {
  struct curl_http *h = ctx;
  struct transfer *t = h->ended;
  if (!t)
    return false;
  h->ended = t->next;
  if (!h->ended)
    h->ended_tail = &h->ended;
  *ret = t->result;
  af_buf_init_secret(&t->result.body, 0); /* it has moved */
  free_transfer(t);
  return true;
}

static void http_wakeup(void *ctx) {
  struct curl_http *h = ctx;
  atomic_store(&h->woken, true);
  curl_multi_wakeup(h->multi);
}

/* --- making and freeing --- */

static CURLcode global_code;
static void global_init(void) {
  global_code = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int af_http_curl_new(struct af_http **ret, const char *ca_bundle, struct af_error *err) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, global_init);
  struct curl_http *h = global_code == CURLE_OK ? calloc(1, sizeof *h) : NULL;
  if (!h)
    return af_error_nomem(err);
  h->ended_tail = &h->ended;
  h->multi = curl_multi_init();
  h->ca_bundle = ca_bundle ? af_str_dup(af_str(ca_bundle)) : NULL;
  if (!h->multi || (ca_bundle && !h->ca_bundle)) {
    af_http_curl_free(&h->http);
    return af_error_nomem(err);
  }
  curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS_MAX);
  curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CONNECTIONS_PER_HOST_MAX);
  curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
  curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
  h->http = (struct af_http){.submit = http_submit, .wait = http_wait, .next = http_next, .wakeup = http_wakeup, .ctx = h};
  *ret = &h->http;
  return 0;
}

void af_http_curl_free(struct af_http *http) {
  struct curl_http *h = (struct curl_http *)http; /* its first member */
  struct guard g;
  if (!h)
    return;
  guard_enter(&g);
  while (h->live) {
    struct transfer *t = h->live;
    h->live = t->next;
    curl_multi_remove_handle(h->multi, t->easy);
    free_transfer(t);
  }
  while (h->ended) {
    struct transfer *t = h->ended;
    h->ended = t->next;
    free_transfer(t);
  }
  if (h->multi)
    curl_multi_cleanup(h->multi);
  guard_leave(&g);
  free(h->ca_bundle);
  free(h);
}
