/* A call on its way out: where it goes, its headers, its signature; and the presigned form of it, which is a URL. */
#include <stdio.h>

#include "engine/aws/client_parts.h"
#include "engine/aws/codec.h"

#define CONNECT_TIMEOUT_MS 10000
#define CALL_TIMEOUT_MS 70000
#define PRESIGNED_S 3600
#define HEADERS_MAX 16

struct outgoing { /* a call on its way out */
  const struct af_op *op;
  struct af_head head;
  char path[AF_URL_MAX];
  struct af_str body;
  struct af_signed_headers signature; /* empty: unsigned */
};

/* Where the endpoint's path and the call's meet. A host that names the bucket says what the first part of the path would. */
static int put_path(struct outgoing *out, const struct af_endpoint *e, struct af_error *err) {
  struct af_str base = af_str(e->url.path), rest = af_buf_view(&out->head.path);
  size_t first = e->names_bucket ? 1 + strcspn(rest.ptr + 1, "/") : 0;
  rest = af_str_n(rest.ptr + first, rest.len - first);
  if (rest.len > 1 && base.ptr[base.len - 1] == '/')
    base.len--;
  else if (rest.len <= 1)
    rest.len = 0;
  if (base.len + rest.len < sizeof out->path) {
    snprintf(out->path, sizeof out->path, "%.*s%.*s", (int)base.len, base.ptr, (int)rest.len, rest.len ? rest.ptr : "");
    return 0;
  }
  return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "RequestTooBig", "%s: the path passes %d bytes", out->op->label, AF_URL_MAX);
}

static int not_signed(const struct af_op *op, int rc, struct af_error *err) {
  return rc == -AF_ENOMEM ? af_error_nomem(err) : af_error_set(err, rc, AF_CLASS_INTERNAL, "SigningFailed", "%s could not be signed", op->label);
}

static int sign(struct af_aws *aws, struct outgoing *out, const struct af_endpoint *e, const struct af_credentials *credentials, struct af_error *err) {
  bool s3 = out->op->protocol == AF_PROTOCOL_REST_XML;
  struct af_header headers[HEADERS_MAX];
  size_t n = 0;
  for (const char *line = out->head.headers.ptr; n < out->head.n_headers && n < HEADERS_MAX; line += strlen(line) + 1, n++) {
    size_t name = strcspn(line, ":");
    headers[n] = (struct af_header){af_str_n(line, name), af_str(line + name + 2)};
  }
  struct af_signing signing = {.credentials = credentials, .service = out->op->service, .region = e->signing_region, .time_ms = af_client_now_ms(aws),
                               .normalize_path = !s3, .encode_path_twice = !s3, .sign_body_header = s3};
  struct af_signable signable = {.method = af_str(out->head.method), .host = af_str(e->url.authority), .path = af_str(out->path),
                                 .query = af_buf_view(&out->head.query), .headers = headers, .n_headers = n, .body = out->body};
  int rc = af_sigv4_sign(&signing, &signable, &out->signature);
  return rc < 0 ? not_signed(out->op, rc, err) : 0;
}

/* The lines of a buffer into the table that the transport wants. */
static int add_lines(const char **table, size_t *n, const struct af_buf *lines, size_t n_lines, struct af_error *err) {
  const char *line = lines->ptr;
  for (size_t i = 0; i < n_lines; i++, line += strlen(line) + 1) {
    if (*n == HEADERS_MAX - 1)
      return af_error_set(err, -AF_EINVAL, AF_CLASS_INTERNAL, "TooManyHeaders", "the request has too many headers");
    table[(*n)++] = line;
  }
  return 0;
}

static int fly(struct af_aws *aws, struct af_flight *f, const struct outgoing *out, const struct af_endpoint *e, struct af_error *err) {
  const char *headers[HEADERS_MAX] = {NULL};
  const struct af_op *op = out->op;
  struct af_buf url;
  size_t n = 0;
  int rc = add_lines(headers, &n, &out->head.headers, out->head.n_headers, err);
  if (rc == 0)
    rc = add_lines(headers, &n, &out->signature.lines, out->signature.n, err);
  af_buf_init(&url, 32 * 1024);
  af_buf_printf(&url, "%s://%s%s", e->url.https ? "https" : "http", e->url.authority, out->path);
  if (out->head.query.len > 0) {
    af_buf_putc(&url, '?');
    af_buf_str(&url, af_buf_view(&out->head.query));
  }
  if (rc == 0 && af_buf_rc(&url) < 0)
    rc = af_error_nomem(err);
  struct af_http_request request = {.method = out->head.method, .url = af_buf_cstr(&url), .headers = headers, .body = out->body,
                                    .connect_timeout_ms = CONNECT_TIMEOUT_MS, .timeout_ms = CALL_TIMEOUT_MS,
                                    .fresh_connection = op->mutates && !op->repeatable};
  if (rc == 0)
    rc = af_client_fly(aws, f, &request, err);
  af_buf_done(&url);
  return rc;
}

int af_client_fly_op(struct af_aws *aws, struct af_flight *f, const struct af_op *op, const struct af_endpoint *e, const struct af_credentials *credentials,
                     const json_t *input, struct af_str body, struct af_error *err) {
  struct outgoing out = {.op = op, .body = body};
  int rc = af_encode_head(op, input, body, &out.head, err);
  if (rc < 0)
    return rc;
  rc = put_path(&out, e, err);
  if (rc == 0 && credentials)
    rc = sign(aws, &out, e, credentials, err);
  if (rc == 0)
    rc = fly(aws, f, &out, e, err);
  if (rc == 0)
    af_client_count_sent(aws, op);
  af_signed_headers_done(&out.signature);
  af_head_done(&out.head);
  return rc;
}

int af_client_presign(struct af_aws *aws, const struct af_op *op, const struct af_endpoint *e, const struct af_credentials *credentials,
                      struct af_str query, struct af_buf *out, struct af_error *err) {
  struct af_signing signing = {.credentials = credentials, .service = op->service, .region = e->signing_region, .time_ms = af_client_now_ms(aws),
                               .normalize_path = true, .encode_path_twice = true, .expires_s = PRESIGNED_S};
  struct af_signable signable = {.method = af_str("GET"), .host = af_str(e->url.authority), .path = af_str(e->url.path), .query = query};
  af_endpoint_url(&e->url, out);
  af_buf_putc(out, '?');
  int rc = af_sigv4_presign(&signing, &signable, out);
  if (rc == 0)
    rc = af_buf_rc(out);
  return rc < 0 ? not_signed(op, rc, err) : 0;
}
