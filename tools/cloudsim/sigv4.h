/* Signature Version 4 as the receiver sees it: takes a request apart and says whether the signature is the one that the secret
 * gives (rules.md 8). Pure: no world, no clock. Who the key belongs to and how old the request may be is auth.c's business. */
#ifndef CS_SIGV4_H
#define CS_SIGV4_H

#include "tools/cloudsim/cloudsim.h"

enum cs_sig_form {
  CS_SIG_NONE,   /* the request carries no signature at all */
  CS_SIG_HEADER, /* Authorization: AWS4-HMAC-SHA256 ... */
  CS_SIG_QUERY,  /* X-Amz-Algorithm=... : a presigned URL */
};

struct cs_sig { /* owns what its buffer holds; views point into it or into the request */
  enum cs_sig_form form;
  struct af_str access_key, date /* YYYYMMDD */, region, service; /* of the credential scope */
  struct af_str signed_headers, signature;
  struct af_str amz_date;   /* X-Amz-Date as sent; may be empty */
  struct af_str token;      /* X-Amz-Security-Token; may be empty */
  int64_t signed_ms;        /* amz_date, or the Date header, as time */
  int64_t expires_s;        /* QUERY: X-Amz-Expires */
  struct af_buf text;       /* decoded query parameters; holds secrets */
};

/* 0: ret is filled (form NONE where nothing is signed). -AF_EINVAL: *ret_why says what is missing (static text).
 * cs_sig_done() in every case. */
int cs_sig_parse(const struct cs_request *req, struct cs_sig *ret, const char **ret_why);
void cs_sig_done(struct cs_sig *sig);

/* Is the signature what secret gives? canonical (may be NULL) receives the canonical request and the string to sign, for the error
 * message. -AF_EINVAL where it doesn't match, -AF_ENOMEM. */
struct cs_sig_check {
  struct af_str secret;
  bool keep_path;        /* as it came, without taking out . and .. */
  bool encode_once;      /* S3: the path is kept, and encoded once instead of twice */
  struct af_str payload; /* S3: what the client says of the body, instead of its hash; empty: the hash */
  struct af_buf *canonical, *to_sign;
};
int cs_sig_verify(const struct cs_request *req, const struct cs_sig *sig, const struct cs_sig_check *how);

/* Lower-case hexadecimal. */
void cs_sha256_hex(struct af_str s, char out[65]);
/* The value of a header, by its name in any case; false where it is absent. */
bool cs_header_get(const struct cs_request *req, const char *name, struct af_str *ret);

/* RFC 3986: all but A-Z a-z 0-9 - . _ ~ becomes %XX. keep_slash leaves "/" as it is. */
void cs_uri_encode(struct af_buf *out, struct af_str s, bool keep_slash);
/* %XX and, where plus is set, "+" for a space (forms). What is no escape stays as it is. */
void cs_uri_decode(struct af_buf *out, struct af_str s, bool plus);

/* Takes the next name=value pair from rest; false at the end. Both are still encoded. */
bool cs_query_next(struct af_str *rest, struct af_str *name, struct af_str *value);

#endif
