/* What a REST call looks like: its path is a template with members in braces, other members are parameters of the query or headers, and
 * one may be the body. Lists and structures have no place outside a body, and no call of ours sends XML in one. */
#include <openssl/evp.h>

#include "engine/aws/codec_parts.h"
#include "engine/aws/sigv4.h"

static struct af_str string_of(const json_t *v) {
  return af_str_n(json_string_value(v), json_string_length(v));
}

static void put_encoded(struct af_buf *out, const json_t *v, bool keep_slash) {
  if (json_is_string(v))
    af_uri_encode(out, string_of(v), keep_slash);
  else
    af_codec_put_plain(out, v);
}

/* ---- the path: "/{Bucket}/{Key+}", where the plus lets slashes through ---- */

static const json_t *labelled(const struct af_op *op, const json_t *input, struct af_str label) {
  for (const struct af_member *m = op->input->members; m->name; m++)
    if (m->place == AF_IN_PATH && af_str_eq(af_str(m->wire), label))
      return json_object_get(input, m->name);
  return NULL;
}

static void put_path(const struct af_op *op, const json_t *input, struct af_buf *out) {
  for (const char *p = op->path; *p && *p != '?'; p++) {
    size_t len = *p == '{' ? strcspn(p, "}") : 0;
    if (len == 0) {
      af_buf_putc(out, *p);
      continue;
    }
    bool greedy = p[len - 1] == '+';
    put_encoded(out, labelled(op, input, af_str_n(p + 1, len - (greedy ? 2 : 1))), greedy);
    p += len;
  }
}

/* ---- the query: what the template has, then the members ---- */

static void put_query(const struct af_op *op, const json_t *input, struct af_buf *out) {
  const char *fixed = strchr(op->path, '?');
  if (fixed)
    af_buf_puts(out, fixed + 1);
  for (const struct af_member *m = op->input->members; m->name; m++) {
    const json_t *v = json_object_get(input, m->name);
    if (m->place != AF_IN_QUERY || !v || json_is_null(v))
      continue;
    if (out->len > 0)
      af_buf_putc(out, '&');
    af_uri_encode(out, af_str(m->wire), false);
    af_buf_putc(out, '=');
    put_encoded(out, v, false);
  }
}

/* ---- headers ---- */

void af_codec_put_header(struct af_head *head, const char *name, struct af_str value) {
  af_buf_printf(&head->headers, "%s: ", name);
  af_buf_str(&head->headers, value);
  af_buf_putc(&head->headers, 0);
  head->n_headers++;
}

static void put_headers(const struct af_op *op, const json_t *input, struct af_head *head) {
  for (const struct af_member *m = op->input->members; m->name; m++) {
    const json_t *v = json_object_get(input, m->name);
    struct af_buf text;
    if (m->place != AF_IN_HEADER || !v || json_is_null(v))
      continue;
    af_buf_init(&text, 4096);
    if (json_is_string(v))
      af_buf_str(&text, string_of(v));
    else
      af_codec_put_plain(&text, v);
    af_codec_put_header(head, m->wire, af_buf_view(&text));
    if (head->headers.rc == 0)
      head->headers.rc = af_buf_rc(&text);
    af_buf_done(&text);
  }
}

static void put_checksum(struct af_head *head, struct af_str body) {
  enum { HASH = 32, BASE64 = 44 };
  unsigned char hash[HASH], text[BASE64 + 1];
  if (EVP_Digest(body.len ? body.ptr : "", body.len, hash, NULL, EVP_sha256(), NULL) != 1) {
    head->headers.rc = -AF_ENOMEM; /* SHA-256 is always there: the only way to fail is memory */
    return;
  }
  EVP_EncodeBlock(text, hash, HASH);
  af_codec_put_header(head, "x-amz-sdk-checksum-algorithm", af_str("SHA256"));
  af_codec_put_header(head, "x-amz-checksum-sha256", af_str_n((const char *)text, BASE64));
}

/* ---- the whole ---- */

void af_codec_encode_rest_body(const struct af_op *op, const json_t *input, struct af_buf *body) {
  for (const struct af_member *m = op->input->members; m->name; m++)
    if (m->place == AF_IS_BODY)
      af_buf_str(body, string_of(json_object_get(input, m->name)));
}

void af_codec_encode_rest_head(const struct af_op *op, const json_t *input, struct af_str body, struct af_head *head) {
  head->method = op->method;
  put_path(op, input, &head->path);
  put_query(op, input, &head->query);
  if (body.len > 0)
    af_codec_put_header(head, "Content-Type", af_str(af_content_type(op)));
  put_headers(op, input, head);
  if (op->checksum)
    put_checksum(head, body);
}
