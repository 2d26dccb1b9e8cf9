/* Signature Version 4, verifying side. Written from the published algorithm, apart from the client's signer: if both were one,
 * a shared mistake would pass every test. */
#include "tools/cloudsim/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <strings.h>

#include "base/error.h"
#include "base/time.h"
#include "tools/cloudsim/sim.h"

enum {
  CANONICAL_MAX = 4 << 20,
  TEXT_MAX = 64 << 10,
  PARAMS_MAX = 20000, /* query parameters of one request */
  SHA_BYTES = 32,
  SHA_HEX = 2 * SHA_BYTES,
};

static const char ALGORITHM[] = "AWS4-HMAC-SHA256";

/* ---- URI coding ---- */

static bool unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
         c == '~';
}

void cs_uri_encode(struct af_buf *out, struct af_str s, bool keep_slash) {
  static const char hex[] = "0123456789ABCDEF";
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.ptr[i];
    if (unreserved((char)c) || (keep_slash && c == '/')) {
      af_buf_putc(out, (char)c);
    } else {
      char escape[3] = {'%', hex[c >> 4], hex[c & 15]};
      af_buf_add(out, escape, sizeof escape);
    }
  }
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void cs_uri_decode(struct af_buf *out, struct af_str s, bool plus) {
  for (size_t i = 0; i < s.len; i++) {
    int high = s.ptr[i] == '%' && i + 2 < s.len ? hex_value(s.ptr[i + 1]) : -1;
    int low = high >= 0 ? hex_value(s.ptr[i + 2]) : -1;
    if (low >= 0) {
      af_buf_putc(out, (char)(high << 4 | low));
      i += 2;
    } else {
      af_buf_putc(out, plus && s.ptr[i] == '+' ? ' ' : s.ptr[i]);
    }
  }
}

bool cs_query_next(struct af_str *rest, struct af_str *name, struct af_str *value) {
  while (rest->len > 0) {
    const char *amp = memchr(rest->ptr, '&', rest->len);
    struct af_str pair = af_str_n(rest->ptr, amp ? (size_t)(amp - rest->ptr) : rest->len);
    size_t taken = pair.len + (amp != NULL);
    *rest = af_str_n(rest->ptr + taken, rest->len - taken);
    if (pair.len == 0)
      continue;
    const char *equals = memchr(pair.ptr, '=', pair.len);
    size_t n = equals ? (size_t)(equals - pair.ptr) : pair.len;
    *name = af_str_n(pair.ptr, n);
    *value = equals ? af_str_n(equals + 1, pair.len - n - 1) : af_str("");
    return true;
  }
  return false;
}

/* ---- headers ---- */

static bool name_is(struct af_str a, struct af_str b) {
  return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

bool cs_header_get(const struct cs_request *req, const char *name, struct af_str *ret) {
  for (size_t i = 0; i < req->n_headers; i++)
    if (name_is(req->headers[i].name, af_str(name))) {
      *ret = af_str_trim(req->headers[i].value);
      return true;
    }
  return false;
}

/* ---- taking the request apart ---- */

/* Splits s at the first c. */
static bool cut(struct af_str s, char c, struct af_str *head, struct af_str *tail) {
  const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;
  if (!at)
    return false;
  size_t n = (size_t)(at - s.ptr);
  *head = af_str_n(s.ptr, n);
  *tail = af_str_n(at + 1, s.len - n - 1);
  return true;
}

/* KEY/20261123/us-east-1/ec2/aws4_request */
static bool parse_scope(struct af_str credential, struct cs_sig *sig) {
  struct af_str end;
  return cut(credential, '/', &sig->access_key, &credential) && cut(credential, '/', &sig->date, &credential) &&
         cut(credential, '/', &sig->region, &credential) && cut(credential, '/', &sig->service, &end) &&
         af_str_eq(end, af_str("aws4_request")) && sig->access_key.len > 0 && sig->date.len == 8 && sig->service.len > 0;
}

static int parse_header_form(const struct cs_request *req, struct af_str auth, struct cs_sig *sig, const char **why) {
  struct af_str rest = af_str_n(auth.ptr + strlen(ALGORITHM), auth.len - strlen(ALGORITHM)), part, credential = {0};
  while (rest.len > 0) {
    struct af_str name, value;
    if (!cut(rest, ',', &part, &rest)) {
      part = rest;
      rest = af_str("");
    }
    if (!cut(af_str_trim(part), '=', &name, &value))
      continue;
    if (af_str_eq(name, af_str("Credential")))
      credential = value;
    else if (af_str_eq(name, af_str("SignedHeaders")))
      sig->signed_headers = value;
    else if (af_str_eq(name, af_str("Signature")))
      sig->signature = value;
  }
  if (!credential.len || !sig->signed_headers.len || !sig->signature.len) {
    *why = !credential.len       ? "Authorization header requires 'Credential' parameter."
           : !sig->signature.len ? "Authorization header requires 'Signature' parameter."
                                 : "Authorization header requires 'SignedHeaders' parameter.";
    return -AF_EINVAL;
  }
  if (!parse_scope(credential, sig)) {
    *why = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.";
    return -AF_EINVAL;
  }
  cs_header_get(req, "X-Amz-Security-Token", &sig->token);
  struct af_str date = {0};
  if (cs_header_get(req, "X-Amz-Date", &sig->amz_date))
    date = sig->amz_date;
  else
    cs_header_get(req, "Date", &date);
  if (af_time_parse(date, &sig->signed_ms) < 0) {
    *why = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
    return -AF_EINVAL;
  }
  return 0;
}

enum { Q_ALGORITHM, Q_CREDENTIAL, Q_DATE, Q_EXPIRES, Q_SIGNED_HEADERS, Q_SIGNATURE, Q_TOKEN, Q_MAX_ };
static const char *const query_names[] = {
    [Q_ALGORITHM] = "X-Amz-Algorithm",  [Q_CREDENTIAL] = "X-Amz-Credential",        [Q_DATE] = "X-Amz-Date",
    [Q_EXPIRES] = "X-Amz-Expires",      [Q_SIGNED_HEADERS] = "X-Amz-SignedHeaders", [Q_SIGNATURE] = "X-Amz-Signature",
    [Q_TOKEN] = "X-Amz-Security-Token",
};
_Static_assert(sizeof query_names / sizeof query_names[0] == Q_MAX_, "every parameter has a name");

static int parse_query_form(const struct cs_request *req, struct cs_sig *sig, const char **why) {
  struct {
    size_t at, len;
  } found[Q_MAX_] = {0};
  struct af_str rest = req->query, name, value;
  while (cs_query_next(&rest, &name, &value))
    for (int q = 0; q < Q_MAX_; q++)
      if (af_str_eq(name, af_str(query_names[q])) && found[q].len == 0) {
        found[q].at = sig->text.len;
        cs_uri_decode(&sig->text, value, true);
        found[q].len = sig->text.len - found[q].at;
      }
  if (af_buf_rc(&sig->text) < 0)
    return af_buf_rc(&sig->text);
  struct af_str views[Q_MAX_];
  for (int q = 0; q < Q_MAX_; q++)
    views[q] = af_str_n(af_buf_cstr(&sig->text) + found[q].at, found[q].len);
  sig->amz_date = views[Q_DATE];
  sig->signed_headers = views[Q_SIGNED_HEADERS];
  sig->signature = views[Q_SIGNATURE];
  sig->token = views[Q_TOKEN];
  *why =
      "AWS query-string parameters must include 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature', "
      "'X-Amz-SignedHeaders', 'X-Amz-Date' and 'X-Amz-Expires'.";
  bool ok = af_str_eq(views[Q_ALGORITHM], af_str(ALGORITHM)) && parse_scope(views[Q_CREDENTIAL], sig) &&
            af_time_parse(sig->amz_date, &sig->signed_ms) == 0 && af_str_to_i64(views[Q_EXPIRES], &sig->expires_s) == 0 &&
            sig->expires_s >= 0 && sig->expires_s <= 604800 && sig->signed_headers.len > 0 && sig->signature.len > 0;
  return ok ? 0 : -AF_EINVAL;
}

int cs_sig_parse(const struct cs_request *req, struct cs_sig *ret, const char **ret_why) {
  *ret = (struct cs_sig){0};
  af_buf_init_secret(&ret->text, TEXT_MAX);
  struct af_str auth;
  if (cs_header_get(req, "Authorization", &auth)) {
    ret->form = CS_SIG_HEADER;
    if (!af_str_starts(auth, ALGORITHM) || auth.len == strlen(ALGORITHM)) {
      *ret_why = "Authorization header must be 'AWS4-HMAC-SHA256'.";
      return -AF_EINVAL;
    }
    return parse_header_form(req, auth, ret, ret_why);
  }
  struct af_str rest = req->query, name, value;
  while (cs_query_next(&rest, &name, &value))
    if (af_str_eq(name, af_str("X-Amz-Algorithm")) || af_str_eq(name, af_str("X-Amz-Signature"))) {
      ret->form = CS_SIG_QUERY;
      return parse_query_form(req, ret, ret_why);
    }
  return 0;
}

void cs_sig_done(struct cs_sig *sig) {
  cs_buf_done(&sig->text);
}

/* ---- the canonical request ---- */

/* Takes out empty and "." segments and walks back at "..": what every service but S3 does (rules.md 8). */
static void normalize_path(struct af_buf *out, struct af_str path) {
  size_t i = 0;
  while (i < path.len) {
    while (i < path.len && path.ptr[i] == '/')
      i++;
    size_t start = i;
    while (i < path.len && path.ptr[i] != '/')
      i++;
    struct af_str segment = af_str_n(path.ptr + start, i - start);
    if (segment.len == 0 || af_str_eq(segment, af_str(".")))
      continue;
    if (af_str_eq(segment, af_str(".."))) {
      while (out->len > 0 && out->ptr[--out->len] != '/')
        ;
      continue;
    }
    af_buf_putc(out, '/');
    af_buf_str(out, segment);
  }
  bool slash = path.len > 0 && path.ptr[path.len - 1] == '/';
  if (out->len == 0 || slash)
    af_buf_putc(out, '/');
}

static void canonical_path(struct af_buf *out, struct af_str path, const struct cs_sig_check *how) {
  struct af_buf plain;
  af_buf_init(&plain, CANONICAL_MAX);
  if (how->encode_once)
    cs_uri_decode(&plain, path.len ? path : af_str("/"), false);
  else if (how->keep_path)
    af_buf_str(&plain, path.len ? path : af_str("/"));
  else
    normalize_path(&plain, path);
  cs_uri_encode(out, af_buf_view(&plain), true);
  cs_buf_done(&plain);
}

struct param { /* where the encoded name and value stand in the text */
  size_t name_at, name_len, value_at, value_len;
};

static int compare(struct af_str a, struct af_str b) {
  size_t n = a.len < b.len ? a.len : b.len;
  int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
  return c ? c : (a.len > b.len) - (a.len < b.len);
}

static int by_name_and_value(const void *left, const void *right, void *ctx) {
  const struct param *a = left, *b = right;
  const char *text = ctx;
  int c = compare(af_str_n(text + a->name_at, a->name_len), af_str_n(text + b->name_at, b->name_len));
  return c ? c : compare(af_str_n(text + a->value_at, a->value_len), af_str_n(text + b->value_at, b->value_len));
}

/* Decodes and encodes again, so that %7e and ~ are one. Returns where it starts. */
static size_t recode(struct af_buf *out, struct af_str s, struct af_buf *scratch) {
  size_t at = out->len;
  cs_buf_reset(scratch);
  cs_uri_decode(scratch, s, true);
  cs_uri_encode(out, af_buf_view(scratch), false);
  return at;
}

static size_t read_params(struct param *params, struct af_str query, struct af_buf *text) {
  struct af_buf scratch;
  af_buf_init_secret(&scratch, CANONICAL_MAX);
  struct af_str name, value;
  size_t n = 0;
  while (cs_query_next(&query, &name, &value)) {
    if (af_str_eq(name, af_str(query_names[Q_SIGNATURE])))
      continue;
    struct param *p = &params[n++];
    p->name_at = recode(text, name, &scratch);
    p->name_len = text->len - p->name_at;
    p->value_at = recode(text, value, &scratch);
    p->value_len = text->len - p->value_at;
  }
  cs_buf_done(&scratch);
  return n;
}

static int canonical_query(struct af_buf *out, struct af_str query) {
  struct af_str rest = query, name, value;
  size_t n = 0;
  while (cs_query_next(&rest, &name, &value))
    n++;
  if (n == 0)
    return 0;
  if (n > PARAMS_MAX)
    return -AF_ETOOBIG;
  struct param *params = cs_new(n * sizeof *params);
  struct af_buf text;
  af_buf_init_secret(&text, CANONICAL_MAX);
  n = read_params(params, query, &text);
  int rc = af_buf_rc(&text);
  if (rc == 0 && n > 0) {
    qsort_r(params, n, sizeof *params, by_name_and_value, text.ptr);
    for (size_t i = 0; i < n; i++) {
      af_buf_puts(out, i ? "&" : "");
      af_buf_add(out, text.ptr + params[i].name_at, params[i].name_len);
      af_buf_putc(out, '=');
      af_buf_add(out, text.ptr + params[i].value_at, params[i].value_len);
    }
  }
  cs_buf_done(&text);
  free(params);
  return rc;
}

/* Trimmed, with every run of white space inside as one space. */
static void canonical_value(struct af_buf *out, struct af_str value) {
  value = af_str_trim(value);
  bool space = false;
  for (size_t i = 0; i < value.len; i++) {
    char c = value.ptr[i];
    bool white = c == ' ' || (c >= '\t' && c <= '\r');
    if (white && space)
      continue;
    af_buf_putc(out, white ? ' ' : c);
    space = white;
  }
}

/* Each signed header with its values joined by commas. A signed header that didn't come makes the signature wrong. */
static void canonical_headers(struct af_buf *out, const struct cs_request *req, struct af_str names) {
  while (names.len > 0) {
    struct af_str name;
    if (!cut(names, ';', &name, &names)) {
      name = names;
      names = af_str("");
    }
    af_buf_str(out, name);
    const char *before = ":";
    for (size_t i = 0; i < req->n_headers; i++)
      if (name_is(req->headers[i].name, name)) {
        af_buf_puts(out, before);
        canonical_value(out, req->headers[i].value);
        before = ",";
      }
    if (*before == ':')
      af_buf_putc(out, ':');
    af_buf_putc(out, '\n');
  }
}

static void put_sha256(struct af_buf *out, struct af_str s) {
  unsigned char hash[SHA_BYTES];
  unsigned int n = sizeof hash;
  if (EVP_Digest(s.len ? s.ptr : "", s.len, hash, &n, EVP_sha256(), NULL) != 1) {
    out->rc = -AF_ENOMEM;
    return;
  }
  for (size_t i = 0; i < n; i++)
    af_buf_printf(out, "%02x", hash[i]);
}

void cs_sha256_hex(struct af_str s, char out[65]) {
  struct af_buf hex;
  af_buf_init(&hex, SHA_HEX + 1);
  put_sha256(&hex, s);
  af_str_copy(out, SHA_HEX + 1, af_buf_view(&hex));
  cs_buf_done(&hex);
}

static int build_canonical(struct af_buf *out, const struct cs_request *req, const struct cs_sig *sig,
                           const struct cs_sig_check *how) {
  af_buf_str(out, req->method);
  af_buf_putc(out, '\n');
  canonical_path(out, req->path, how);
  af_buf_putc(out, '\n');
  int rc = canonical_query(out, req->query);
  if (rc < 0)
    return rc;
  af_buf_putc(out, '\n');
  canonical_headers(out, req, sig->signed_headers);
  af_buf_putc(out, '\n');
  af_buf_str(out, sig->signed_headers);
  af_buf_putc(out, '\n');
  if (how->payload.len)
    af_buf_str(out, how->payload);
  else
    put_sha256(out, req->body);
  return af_buf_rc(out);
}

/* ---- the signature ---- */

static int hmac(unsigned char out[SHA_BYTES], struct af_str key, struct af_str text) {
  unsigned int n = SHA_BYTES;
  return HMAC(EVP_sha256(), key.ptr, (int)key.len, (const unsigned char *)(text.len ? text.ptr : ""), text.len, out, &n)
             ? 0
             : -AF_ENOMEM;
}

static int sign(char hex[SHA_HEX + 1], struct af_str secret, const struct cs_sig *sig, struct af_str to_sign) {
  struct af_buf start;
  unsigned char key[SHA_BYTES];
  af_buf_init_secret(&start, TEXT_MAX);
  af_buf_puts(&start, "AWS4");
  af_buf_str(&start, secret);
  int rc = af_buf_rc(&start);
  const struct af_str steps[] = {sig->date, sig->region, sig->service, af_str("aws4_request"), to_sign};
  for (size_t i = 0; i < sizeof steps / sizeof steps[0] && rc == 0; i++)
    rc = hmac(key, i == 0 ? af_buf_view(&start) : af_str_n((const char *)key, sizeof key), steps[i]);
  for (size_t i = 0; i < SHA_BYTES && rc == 0; i++) {
    hex[2 * i] = "0123456789abcdef"[key[i] >> 4];
    hex[2 * i + 1] = "0123456789abcdef"[key[i] & 15];
  }
  hex[SHA_HEX] = 0;
  OPENSSL_cleanse(key, sizeof key);
  cs_buf_done(&start);
  return rc;
}

static void build_to_sign(struct af_buf *out, const struct cs_sig *sig, struct af_str canonical) {
  char date[AF_TIME_SIZE];
  af_time_basic(sig->signed_ms, date);
  af_buf_printf(out, "%s\n%s\n%.*s/%.*s/%.*s/aws4_request\n", ALGORITHM, date, (int)sig->date.len, sig->date.ptr,
                (int)sig->region.len, sig->region.ptr, (int)sig->service.len, sig->service.ptr);
  put_sha256(out, canonical);
}

int cs_sig_verify(const struct cs_request *req, const struct cs_sig *sig, const struct cs_sig_check *how) {
  struct af_buf canonical, to_sign;
  char hex[SHA_HEX + 1] = "";
  af_buf_init_secret(&canonical, CANONICAL_MAX);
  af_buf_init(&to_sign, TEXT_MAX);
  int rc = build_canonical(&canonical, req, sig, how);
  if (rc == 0)
    build_to_sign(&to_sign, sig, af_buf_view(&canonical));
  rc = rc ? rc : af_buf_rc(&to_sign);
  rc = rc ? rc : sign(hex, how->secret, sig, af_buf_view(&to_sign));
  if (rc == 0 && (sig->signature.len != SHA_HEX || CRYPTO_memcmp(hex, sig->signature.ptr, SHA_HEX) != 0))
    rc = -AF_EINVAL;
  if (how->canonical)
    af_buf_str(how->canonical, af_buf_view(&canonical));
  if (how->to_sign)
    af_buf_str(how->to_sign, af_buf_view(&to_sign));
  cs_buf_done(&canonical);
  cs_buf_done(&to_sign);
  return rc;
}
