/* Signature Version 4 (rules.md section 8). Three stages, then the two forms in which the signature travels. What holds the
 * secret key or a session token on the way lives in secret buffers and is wiped; the caller's out buffers are the caller's. */
#include "engine/aws/sigv4.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "base/time.h"

enum {
  MAX_HEADERS = 64,
  MAX_PARTS = 1024 * 1024, /* of any text that is built here: a presigned CopySnapshot with 50 tags stays below 64 KiB */
  HASH_BYTES = 32,
};
#define ALGORITHM "AWS4-HMAC-SHA256"

void af_credentials_done(struct af_credentials *c) {
  if (!c)
    return;
  af_secret_done(&c->secret_access_key);
  af_secret_done(&c->session_token);
  *c = (struct af_credentials){0};
}

int af_credentials_copy(struct af_credentials *dst, const struct af_credentials *src) {
  struct af_credentials fresh = {.expires_ms = src->expires_ms};
  memcpy(fresh.access_key_id, src->access_key_id, sizeof fresh.access_key_id);
  int rc = af_secret_copy(&fresh.secret_access_key, &src->secret_access_key);
  if (rc == 0)
    rc = af_secret_copy(&fresh.session_token, &src->session_token);
  if (rc < 0) {
    af_credentials_done(&fresh);
    return rc;
  }
  af_credentials_done(dst);
  *dst = fresh;
  return 0;
}

void af_uri_encode(struct af_buf *out, struct af_str text, bool keep_slash) {
  static const char hex[] = "0123456789ABCDEF";
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
                 c == '~' || (c == '/' && keep_slash);
    if (plain)
      af_buf_putc(out, (char)c);
    else
      af_buf_add(out, (const char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
  }
}

/* ---- small parts ---- */

static void put_hex(struct af_buf *out, const unsigned char *bytes, size_t n) {
  static const char hex[] = "0123456789abcdef";
  for (size_t i = 0; i < n; i++)
    af_buf_add(out, (const char[]){hex[bytes[i] >> 4], hex[bytes[i] & 15]}, 2);
}

static void put_hash(struct af_buf *out, struct af_str text) {
  unsigned char hash[HASH_BYTES];
  if (EVP_Digest(text.len ? text.ptr : "", text.len, hash, NULL, EVP_sha256(), NULL) == 1)
    put_hex(out, hash, sizeof hash);
  else if (out->rc == 0)
    out->rc = -AF_ENOMEM; /* SHA-256 is always there: the only way to fail is memory */
}

static void put_scope(struct af_buf *out, const struct af_signing *s) {
  char date[AF_TIME_SIZE];
  af_time_basic(s->time_ms, date);
  af_buf_printf(out, "%.8s/%s/%s/aws4_request", date, s->region, s->service);
}

static bool has_token(const struct af_signing *s) {
  return !af_secret_empty(&s->credentials->session_token);
}
static bool signs_token(const struct af_signing *s) {
  return has_token(s) && !s->omit_session_token;
}

/* ---- what is signed must be what is sent: refuse what a header line or a request line can't carry ---- */

static bool visible(struct af_str s) {
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] < 0x21 || s.ptr[i] > 0x7e)
      return false;
  return true;
}

static bool one_line(struct af_str s) {
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] == '\r' || s.ptr[i] == '\n' || s.ptr[i] == 0)
      return false;
  return true;
}

static bool well_formed(const struct af_signing *s, const struct af_signable *r) {
  if (r->method.len == 0 || !visible(r->method) || r->host.len == 0 || !visible(r->host))
    return false;
  if (r->path.len == 0 || r->path.ptr[0] != '/' || !one_line(r->path) || !one_line(r->query) || r->n_headers > MAX_HEADERS - 4)
    return false;
  for (size_t i = 0; i < r->n_headers; i++)
    if (r->headers[i].name.len == 0 || !visible(r->headers[i].name) || !one_line(r->headers[i].value))
      return false;
  return s->service[0] && s->region[0] && s->credentials->access_key_id[0] && visible(af_str(s->service)) &&
         visible(af_str(s->region)) && visible(af_str(s->credentials->access_key_id)) &&
         visible(af_secret_reveal(&s->credentials->session_token));
}

/* ---- path ---- */

/* Removes "." and ".." segments and doubled slashes; a slash at the end stays. */
static void put_normalized(struct af_buf *out, struct af_str path) {
  af_buf_putc(out, '/');
  for (size_t i = 0; i < path.len;) {
    size_t end = i;
    while (end < path.len && path.ptr[end] != '/')
      end++;
    struct af_str segment = af_str_n(path.ptr + i, end - i);
    if (af_str_eq(segment, af_str("..")) && out->len > 1) {
      out->len--; /* the slash behind the last segment, then the segment */
      while (out->len > 0 && out->ptr[out->len - 1] != '/')
        out->len--;
    } else if (segment.len > 0 && !af_str_eq(segment, af_str(".")) && !af_str_eq(segment, af_str(".."))) {
      af_buf_str(out, segment);
      if (end < path.len)
        af_buf_putc(out, '/');
    }
    i = end + 1;
  }
  /* "/a/b/.." leaves "/a/", whose last slash was not written: AWS's own signers drop it. */
  if (out->len > 1 && path.ptr[path.len - 1] != '/' && out->ptr[out->len - 1] == '/')
    out->len--;
  if (out->ptr)
    out->ptr[out->len] = 0;
}

static void put_path(struct af_buf *out, const struct af_signing *s, struct af_str path) {
  struct af_buf normal;
  af_buf_init(&normal, MAX_PARTS);
  if (s->normalize_path)
    put_normalized(&normal, path);
  else
    af_buf_str(&normal, path);
  /* The path on the wire is encoded once already. */
  if (s->encode_path_twice)
    af_uri_encode(out, af_buf_view(&normal), true);
  else
    af_buf_str(out, af_buf_view(&normal));
  if (out->rc == 0)
    out->rc = normal.rc;
  af_buf_done(&normal);
}

/* ---- query: every name and value decoded, encoded AWS's way, then sorted by name and value ---- */

struct pair { /* offsets into the text that the pairs were encoded into */
  size_t name, name_len, value, value_len;
};

static int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void put_recoded(struct af_buf *out, struct af_str text) {
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == '%' && text.len - i > 2 && hex_digit(text.ptr[i + 1]) >= 0 && hex_digit(text.ptr[i + 2]) >= 0) {
      c = (char)(hex_digit(text.ptr[i + 1]) * 16 + hex_digit(text.ptr[i + 2]));
      i += 2;
    }
    af_uri_encode(out, af_str_n(&c, 1), false);
  }
}

static size_t split_query(struct af_buf *text, struct pair *pairs, struct af_str query) {
  size_t n = 0;
  for (size_t i = 0; i < query.len;) {
    const char *start = query.ptr + i;
    const char *amp = memchr(start, '&', query.len - i);
    size_t len = amp ? (size_t)(amp - start) : query.len - i;
    const char *eq = memchr(start, '=', len);
    size_t name_len = eq ? (size_t)(eq - start) : len;
    if (len > 0) {
      struct pair *p = &pairs[n++];
      p->name = text->len;
      put_recoded(text, af_str_n(start, name_len));
      p->name_len = text->len - p->name;
      p->value = text->len;
      if (eq)
        put_recoded(text, af_str_n(eq + 1, len - name_len - 1));
      p->value_len = text->len - p->value;
    }
    i += len + 1;
  }
  return n;
}

static int compare_bytes(struct af_str a, struct af_str b) {
  size_t shorter = a.len < b.len ? a.len : b.len;
  int order = shorter > 0 ? memcmp(a.ptr, b.ptr, shorter) : 0;
  return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_pairs(const void *va, const void *vb, void *text) {
  const struct pair *a = va, *b = vb;
  const char *t = text;
  int order = compare_bytes(af_str_n(t + a->name, a->name_len), af_str_n(t + b->name, b->name_len));
  return order != 0 ? order : compare_bytes(af_str_n(t + a->value, a->value_len), af_str_n(t + b->value, b->value_len));
}

static void put_query(struct af_buf *out, struct af_str query) {
  size_t most = 1;
  for (size_t i = 0; i < query.len; i++)
    most += query.ptr[i] == '&';
  struct pair *pairs = calloc(most, sizeof *pairs);
  if (!pairs) {
    out->rc = -AF_ENOMEM;
    return;
  }
  struct af_buf text;
  af_buf_init_secret(&text, MAX_PARTS);
  size_t n = split_query(&text, pairs, query);
  if (text.rc == 0 && n > 0) {
    qsort_r(pairs, n, sizeof *pairs, compare_pairs, text.ptr);
    for (size_t i = 0; i < n; i++) {
      if (i > 0)
        af_buf_putc(out, '&');
      af_buf_add(out, text.ptr + pairs[i].name, pairs[i].name_len);
      af_buf_putc(out, '=');
      af_buf_add(out, text.ptr + pairs[i].value, pairs[i].value_len);
    }
  }
  if (out->rc == 0)
    out->rc = text.rc;
  af_buf_done(&text);
  free(pairs);
}

/* ---- headers ---- */

struct signed_set { /* sorted by name, without regard to case; equal names in the order given */
  struct af_header list[MAX_HEADERS];
  size_t n;
  char date[AF_TIME_SIZE];
  char body_hash[HASH_BYTES * 2 + 1];
};

static int compare_names(struct af_str a, struct af_str b) {
  size_t shorter = a.len < b.len ? a.len : b.len;
  for (size_t i = 0; i < shorter; i++) {
    int order = tolower((unsigned char)a.ptr[i]) - tolower((unsigned char)b.ptr[i]);
    if (order != 0)
      return order;
  }
  return (a.len > b.len) - (a.len < b.len);
}

static void insert_header(struct signed_set *set, struct af_str name, struct af_str value) {
  size_t at = set->n++;
  while (at > 0 && compare_names(set->list[at - 1].name, name) > 0) {
    set->list[at] = set->list[at - 1];
    at--;
  }
  set->list[at] = (struct af_header){name, value};
}

static int collect_headers(struct signed_set *set, const struct af_signing *s, const struct af_signable *r,
                           enum af_sign_form form) {
  set->n = 0;
  insert_header(set, af_str("host"), r->host);
  for (size_t i = 0; i < r->n_headers; i++)
    insert_header(set, r->headers[i].name, r->headers[i].value);
  if (form == AF_SIGN_QUERY)
    return 0;
  af_time_basic(s->time_ms, set->date);
  insert_header(set, af_str("x-amz-date"), af_str(set->date));
  if (signs_token(s))
    insert_header(set, af_str("x-amz-security-token"), af_secret_reveal(&s->credentials->session_token));
  if (!s->sign_body_header)
    return 0;
  struct af_buf hash;
  af_buf_init(&hash, sizeof set->body_hash);
  put_hash(&hash, r->body);
  AF_COPY(set->body_hash, af_buf_view(&hash));
  int rc = af_buf_rc(&hash);
  af_buf_done(&hash);
  insert_header(set, af_str("x-amz-content-sha256"), af_str(set->body_hash));
  return rc;
}

static bool same_as_last(const struct signed_set *set, size_t i) {
  return i > 0 && compare_names(set->list[i - 1].name, set->list[i].name) == 0;
}

static void put_name(struct af_buf *out, struct af_str name) {
  for (size_t i = 0; i < name.len; i++)
    af_buf_putc(out, (char)tolower((unsigned char)name.ptr[i]));
}

/* Without white space at the ends, each run within as one space. */
static void put_value(struct af_buf *out, struct af_str value) {
  value = af_str_trim(value);
  for (size_t i = 0; i < value.len; i++) {
    bool space = isspace((unsigned char)value.ptr[i]);
    if (!space)
      af_buf_putc(out, value.ptr[i]);
    else if (!isspace((unsigned char)value.ptr[i - 1]))
      af_buf_putc(out, ' ');
  }
}

static void put_headers(struct af_buf *out, const struct signed_set *set) {
  for (size_t i = 0; i < set->n; i++) {
    if (same_as_last(set, i)) {
      af_buf_putc(out, ',');
    } else {
      if (i > 0)
        af_buf_putc(out, '\n');
      put_name(out, set->list[i].name);
      af_buf_putc(out, ':');
    }
    put_value(out, set->list[i].value);
  }
  af_buf_putc(out, '\n');
}

static void put_signed_names(struct af_buf *out, const struct signed_set *set) {
  for (size_t i = 0; i < set->n; i++) {
    if (same_as_last(set, i))
      continue;
    if (i > 0)
      af_buf_putc(out, ';');
    put_name(out, set->list[i].name);
  }
}

/* ---- the stages ---- */

/* Appends what is in text, encoded, and ends text. */
static void put_encoded(struct af_buf *out, struct af_buf *text) {
  af_uri_encode(out, af_buf_view(text), false);
  if (out->rc == 0)
    out->rc = text->rc;
  af_buf_done(text);
}

/* The parameters of a presigned request, encoded, in the order in which they are appended to its query. */
static void put_query_auth(struct af_buf *out, const struct af_signing *s, const struct signed_set *set, bool with_token) {
  char date[AF_TIME_SIZE];
  struct af_buf credential, names;
  af_buf_init(&credential, MAX_PARTS);
  af_buf_init(&names, MAX_PARTS);
  af_buf_printf(&credential, "%s/", s->credentials->access_key_id);
  put_scope(&credential, s);
  put_signed_names(&names, set);
  af_time_basic(s->time_ms, date);
  af_buf_puts(out, "X-Amz-Algorithm=" ALGORITHM "&X-Amz-Credential=");
  put_encoded(out, &credential);
  af_buf_printf(out, "&X-Amz-Date=%s&X-Amz-SignedHeaders=", date);
  put_encoded(out, &names);
  af_buf_printf(out, "&X-Amz-Expires=%lld", (long long)s->expires_s);
  if (with_token) {
    af_buf_puts(out, "&X-Amz-Security-Token=");
    af_uri_encode(out, af_secret_reveal(&s->credentials->session_token), false);
  }
}

static void put_canonical_query(struct af_buf *out, const struct af_signing *s, const struct af_signable *r,
                                const struct signed_set *set, enum af_sign_form form) {
  struct af_buf query;
  af_buf_init_secret(&query, MAX_PARTS);
  af_buf_str(&query, r->query);
  if (form == AF_SIGN_QUERY) {
    af_buf_putc(&query, '&');
    put_query_auth(&query, s, set, signs_token(s));
  }
  put_query(out, af_buf_view(&query));
  if (out->rc == 0)
    out->rc = query.rc;
  af_buf_done(&query);
}

int af_sigv4_canonical_request(const struct af_signing *s, const struct af_signable *r, enum af_sign_form form,
                               struct af_buf *out) {
  if (!well_formed(s, r))
    return -AF_EINVAL;
  struct signed_set set;
  int rc = collect_headers(&set, s, r, form);
  if (rc < 0)
    return rc;
  af_buf_str(out, r->method);
  af_buf_putc(out, '\n');
  put_path(out, s, r->path);
  af_buf_putc(out, '\n');
  put_canonical_query(out, s, r, &set, form);
  af_buf_putc(out, '\n');
  put_headers(out, &set);
  af_buf_putc(out, '\n');
  put_signed_names(out, &set);
  af_buf_putc(out, '\n');
  put_hash(out, r->body);
  return af_buf_rc(out);
}

int af_sigv4_string_to_sign(const struct af_signing *s, struct af_str canonical_request, struct af_buf *out) {
  char date[AF_TIME_SIZE];
  af_time_basic(s->time_ms, date);
  af_buf_printf(out, ALGORITHM "\n%s\n", date);
  put_scope(out, s);
  af_buf_putc(out, '\n');
  put_hash(out, canonical_request);
  return af_buf_rc(out);
}

static bool hmac(unsigned char key[HASH_BYTES], struct af_str text) {
  unsigned char fresh[HASH_BYTES];
  bool ok = HMAC(EVP_sha256(), key, HASH_BYTES, (const unsigned char *)text.ptr, text.len, fresh, NULL) != NULL;
  memcpy(key, fresh, HASH_BYTES);
  OPENSSL_cleanse(fresh, sizeof fresh);
  return ok;
}

int af_sigv4_signature(const struct af_signing *s, struct af_str string_to_sign, char out_hex[65]) {
  unsigned char key[HASH_BYTES];
  char date[AF_TIME_SIZE];
  struct af_buf first, hex;
  af_time_basic(s->time_ms, date);
  af_buf_init_secret(&first, MAX_PARTS);
  af_buf_puts(&first, "AWS4");
  af_buf_str(&first, af_secret_reveal(&s->credentials->secret_access_key));
  bool ok = af_buf_rc(&first) == 0 &&
            HMAC(EVP_sha256(), first.ptr, (int)first.len, (const unsigned char *)date, 8, key, NULL) != NULL &&
            hmac(key, af_str(s->region)) && hmac(key, af_str(s->service)) && hmac(key, af_str("aws4_request")) &&
            hmac(key, string_to_sign);
  af_buf_done(&first);
  af_buf_init(&hex, HASH_BYTES * 2);
  if (ok)
    put_hex(&hex, key, sizeof key);
  OPENSSL_cleanse(key, sizeof key);
  if (ok && af_buf_rc(&hex) == 0)
    memcpy(out_hex, af_buf_cstr(&hex), HASH_BYTES * 2 + 1);
  ok = ok && af_buf_rc(&hex) == 0;
  af_buf_done(&hex);
  return ok ? 0 : -AF_ENOMEM;
}

static int sign(const struct af_signing *s, const struct af_signable *r, enum af_sign_form form, char out_hex[65]) {
  struct af_buf canonical, to_sign;
  af_buf_init_secret(&canonical, MAX_PARTS);
  af_buf_init(&to_sign, MAX_PARTS);
  int rc = af_sigv4_canonical_request(s, r, form, &canonical);
  if (rc == 0)
    rc = af_sigv4_string_to_sign(s, af_buf_view(&canonical), &to_sign);
  if (rc == 0)
    rc = af_sigv4_signature(s, af_buf_view(&to_sign), out_hex);
  af_buf_done(&canonical);
  af_buf_done(&to_sign);
  return rc;
}

/* ---- the forms ---- */

static void begin_line(struct af_signed_headers *h, const char *name) {
  af_buf_printf(&h->lines, "%s: ", name);
  h->n++;
}
static void end_line(struct af_signed_headers *h) {
  af_buf_putc(&h->lines, 0);
}

static void put_lines(struct af_signed_headers *h, const struct af_signing *s, const struct signed_set *set,
                      const char *signature) {
  if (has_token(s)) {
    begin_line(h, "X-Amz-Security-Token");
    af_buf_str(&h->lines, af_secret_reveal(&s->credentials->session_token));
    end_line(h);
  }
  begin_line(h, "X-Amz-Date");
  af_buf_puts(&h->lines, set->date);
  end_line(h);
  if (s->sign_body_header) {
    begin_line(h, "x-amz-content-sha256");
    af_buf_puts(&h->lines, set->body_hash);
    end_line(h);
  }
  begin_line(h, "Authorization");
  af_buf_printf(&h->lines, ALGORITHM " Credential=%s/", s->credentials->access_key_id);
  put_scope(&h->lines, s);
  af_buf_puts(&h->lines, ", SignedHeaders=");
  put_signed_names(&h->lines, set);
  af_buf_printf(&h->lines, ", Signature=%s", signature);
  end_line(h);
}

int af_sigv4_sign(const struct af_signing *s, const struct af_signable *r, struct af_signed_headers *ret) {
  struct af_signed_headers fresh = {.n = 0};
  struct signed_set set;
  char signature[65];
  int rc = sign(s, r, AF_SIGN_HEADERS, signature);
  if (rc == 0)
    rc = collect_headers(&set, s, r, AF_SIGN_HEADERS);
  if (rc < 0)
    return rc;
  af_buf_init_secret(&fresh.lines, MAX_PARTS);
  put_lines(&fresh, s, &set, signature);
  rc = af_buf_rc(&fresh.lines);
  if (rc < 0)
    af_signed_headers_done(&fresh);
  else
    *ret = fresh;
  return rc;
}

void af_signed_headers_done(struct af_signed_headers *h) {
  if (!h)
    return;
  af_buf_done(&h->lines);
  h->n = 0;
}

int af_sigv4_presign(const struct af_signing *s, const struct af_signable *r, struct af_buf *out) {
  struct signed_set set;
  char signature[65];
  int rc = sign(s, r, AF_SIGN_QUERY, signature);
  if (rc == 0)
    rc = collect_headers(&set, s, r, AF_SIGN_QUERY);
  if (rc < 0)
    return rc;
  af_buf_str(out, r->query);
  if (r->query.len > 0)
    af_buf_putc(out, '&');
  put_query_auth(out, s, &set, has_token(s));
  af_buf_printf(out, "&X-Amz-Signature=%s", signature);
  return af_buf_rc(out);
}
