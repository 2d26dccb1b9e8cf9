/* The transport as a vtable: many requests at once, one thread. The real one is curl (http_curl.c); simulations bring their own. */
#ifndef AF_ENGINE_AWS_HTTP_H
#define AF_ENGINE_AWS_HTTP_H

#include "base/buf.h"
#include "base/error.h"
#include "engine/aws/retry.h"

struct af_http_request { /* borrowed during submit() */
  const char *method;
  const char *url;
  const char *const *headers; /* "Name: value"; ends with NULL */
  struct af_str body;
  int64_t connect_timeout_ms, timeout_ms;
  bool fresh_connection; /* libcurl re-sends a POST by itself when a reused connection dies; what must not be sent twice goes
                            out on a connection of its own */
};

struct af_http_result {
  uint64_t id;
  enum af_sent sent;
  int status;             /* AF_SENT_REPLIED only */
  struct af_buf body;     /* owned by the result; may hold secrets (STS): a secret buffer */
  char content_type[96];
  char request_id[80];    /* x-amzn-requestid; S3: x-amz-request-id */
  char bucket_region[64]; /* S3: x-amz-bucket-region */
  char date[64];          /* Date header */
  int64_t retry_after_ms; /* x-amz-retry-after; -1 where there was none */
  char failure[256];      /* what the transport says where no reply came */
  bool unknown_host;      /* no reply came, since no address of the host could be found; failure names it */
};
void af_http_result_done(struct af_http_result *r);

struct af_http {
  int (*submit)(void *ctx, const struct af_http_request *req, uint64_t *ret_id, struct af_error *err);
  int (*wait)(void *ctx, int64_t timeout_ms);                   /* until something ends, a wake-up, or the time is over */
  bool (*next)(void *ctx, struct af_http_result *ret);          /* a request that ended; false where there is none */
  void (*wakeup)(void *ctx);                                    /* may be called from a signal handler or another thread */
  void *ctx;
};

/* curl. Plain http only to loopback (127.0.0.0/8, ::1, localhost) and the link-local credential endpoints; no redirects; no proxy for loopback; TLS verified, ca_bundle
 * NULL: the system's. -AF_EINVAL from submit for a plain http URL elsewhere: class INVALID, code "PlainHttpRefused". */
int af_http_curl_new(struct af_http **ret, const char *ca_bundle, struct af_error *err);
void af_http_curl_free(struct af_http *h);

#endif
