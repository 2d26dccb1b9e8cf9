/* AWS Signature Version 4, in stages that can each be tested: canonical request, string to sign, signature; then the two forms in
 * which a signature travels, headers and presigned query. Source: rules.md section 8; checked against all 38 vectors. */
#ifndef AF_ENGINE_AWS_SIGV4_H
#define AF_ENGINE_AWS_SIGV4_H

#include "base/buf.h"
#include "base/error.h"
#include "base/secret.h"

struct af_credentials {
  char access_key_id[132];
  struct af_secret secret_access_key;
  struct af_secret session_token; /* empty: long-lived credentials */
  int64_t expires_ms;             /* 0: never */
};
void af_credentials_done(struct af_credentials *c);
int af_credentials_copy(struct af_credentials *dst, const struct af_credentials *src);

struct af_header {
  struct af_str name, value;
};

struct af_signable { /* borrowed throughout */
  struct af_str method; /* "POST" */
  struct af_str host;   /* with :port where it is not the scheme's own */
  struct af_str path;   /* as on the wire, "/" at least */
  struct af_str query;  /* as on the wire, without the "?" */
  const struct af_header *headers; /* to be signed beside host and x-amz-date; without Authorization */
  size_t n_headers;
  struct af_str body;
};

struct af_signing {
  const struct af_credentials *credentials; /* borrowed */
  const char *service, *region;
  int64_t time_ms;
  bool normalize_path;     /* all services but S3 */
  bool encode_path_twice;  /* all services but S3 */
  bool sign_body_header;   /* add x-amz-content-sha256 */
  bool omit_session_token; /* leave the token out of what is signed and add it afterwards */
  int64_t expires_s;       /* presigned only */
};

enum af_sign_form { AF_SIGN_HEADERS, AF_SIGN_QUERY };

/* The stages. Each appends to out; -AF_ENOMEM, -AF_EINVAL (a header with CR or LF, a path that isn't one). */
int af_sigv4_canonical_request(const struct af_signing *s, const struct af_signable *r, enum af_sign_form form, struct af_buf *out);
int af_sigv4_string_to_sign(const struct af_signing *s, struct af_str canonical_request, struct af_buf *out);
int af_sigv4_signature(const struct af_signing *s, struct af_str string_to_sign, char out_hex[65]);

/* What is to be added to the request: "X-Amz-Date", "X-Amz-Security-Token"…, "Authorization". Buffers are secret ones. */
struct af_signed_headers {
  struct af_buf lines; /* "Name: value" each, with a NUL behind each line */
  size_t n;
};
int af_sigv4_sign(const struct af_signing *s, const struct af_signable *r, struct af_signed_headers *ret);
void af_signed_headers_done(struct af_signed_headers *h);
/* Appends the query of the presigned request (without "?") to out, which must be a secret buffer. */
int af_sigv4_presign(const struct af_signing *s, const struct af_signable *r, struct af_buf *out);

/* RFC 3986: all but A-Z a-z 0-9 - . _ ~ as %XX. */
void af_uri_encode(struct af_buf *out, struct af_str text, bool keep_slash);

#endif
