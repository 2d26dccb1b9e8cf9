/* Who signed this request, and is it good? Signatures, session tokens, clocks, scopes; and the words in which each service
 * refuses (rules.md 6.4, 8). Owns nothing.
 *
 * The order is AWS's: is it signed, is the signature whole, is the key known, does the scope fit, is it fresh, is it true, is the
 * session still alive. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/error.h"
#include "tools/cloudsim/front.h"

const char *const cs_service_names[CS_SERVICE_MAX_] = {[CS_EC2] = "ec2", [CS_STS] = "sts", [CS_KMS] = "kms", [CS_S3] = "s3"};

enum refusal {
  R_MISSING,
  R_INCOMPLETE,
  R_UNKNOWN_KEY,
  R_BAD_TOKEN,
  R_WRONG_SERVICE,
  R_WRONG_REGION,
  R_TOO_OLD,
  R_TOO_EARLY,
  R_BAD_SIGNATURE,
  R_TOKEN_EXPIRED,
  /* S3 alone knows these: other services say what stands above. */
  R_INCOMPLETE_URL,
  R_URL_TOO_OLD,
  R_URL_TOO_EARLY,
  R_UNSIGNED_HEADER,
  R_NO_PAYLOAD_HASH,
  R_BAD_PAYLOAD_HASH,
  R_OTHER_PAYLOAD,
  R_MAX_
};

static const char cannot_validate[] = "AWS was not able to validate the provided access credentials";
static const char bad_token[] = "The security token included in the request is invalid.";
static const char bad_signature[] =
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details.";
static const char too_skewed[] = "The difference between the request time and the current time is too large.";
static const char token_expired[] = "The security token included in the request is expired";

/* message NULL: the detail of the moment is the message. */
static const struct {
  int status;
  const char *code, *message;
} refusals[CS_SERVICE_MAX_][R_MAX_] = {
    [CS_EC2] =
        {
            [R_MISSING] = {403, "MissingAuthenticationToken", "Request is missing Authentication Token"},
            [R_INCOMPLETE] = {400, "IncompleteSignature", NULL},
            [R_UNKNOWN_KEY] = {401, "AuthFailure", cannot_validate},
            [R_BAD_TOKEN] = {401, "AuthFailure", cannot_validate},
            [R_WRONG_SERVICE] = {401, "AuthFailure", cannot_validate},
            [R_WRONG_REGION] = {401, "AuthFailure", cannot_validate},
            [R_TOO_OLD] = {400, "RequestExpired", "Request has expired."},
            [R_TOO_EARLY] = {400, "RequestExpired", "Request has expired."},
            [R_BAD_SIGNATURE] = {403, "SignatureDoesNotMatch", bad_signature},
            [R_TOKEN_EXPIRED] = {400, "RequestExpired", "Request has expired."}, /* rules.md 8: for expired sessions, too */
        },
    [CS_STS] =
        {
            [R_MISSING] = {403, "MissingAuthenticationToken", "Request is missing Authentication Token"},
            [R_INCOMPLETE] = {400, "IncompleteSignature", NULL},
            [R_UNKNOWN_KEY] = {403, "InvalidClientTokenId", bad_token},
            [R_BAD_TOKEN] = {403, "InvalidClientTokenId", bad_token},
            [R_WRONG_SERVICE] = {403, "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'sts'. "},
            [R_WRONG_REGION] = {403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region. "},
            [R_TOO_OLD] = {403, "SignatureDoesNotMatch", NULL},
            [R_TOO_EARLY] = {403, "SignatureDoesNotMatch", NULL},
            [R_BAD_SIGNATURE] = {403, "SignatureDoesNotMatch", bad_signature},
            [R_TOKEN_EXPIRED] = {403, "ExpiredToken", token_expired},
        },
    [CS_KMS] =
        {
            [R_MISSING] = {400, "MissingAuthenticationTokenException", "Missing Authentication Token"},
            [R_INCOMPLETE] = {400, "IncompleteSignatureException", NULL},
            [R_UNKNOWN_KEY] = {400, "UnrecognizedClientException", bad_token},
            [R_BAD_TOKEN] = {400, "UnrecognizedClientException", bad_token},
            [R_WRONG_SERVICE] = {400, "InvalidSignatureException", "Credential should be scoped to correct service: 'kms'. "},
            [R_WRONG_REGION] = {400, "InvalidSignatureException", "Credential should be scoped to a valid region. "},
            [R_TOO_OLD] = {400, "InvalidSignatureException", NULL},
            [R_TOO_EARLY] = {400, "InvalidSignatureException", NULL},
            [R_BAD_SIGNATURE] = {400, "InvalidSignatureException", bad_signature},
            [R_TOKEN_EXPIRED] = {400, "ExpiredTokenException", token_expired},
        },
    [CS_S3] =
        {
            [R_MISSING] = {403, "AccessDenied", "Access Denied"}, /* an anonymous call: no bucket here is open to those */
            [R_INCOMPLETE] = {400, "AuthorizationHeaderMalformed", NULL},
            [R_INCOMPLETE_URL] = {400, "AuthorizationQueryParametersError", NULL},
            [R_UNKNOWN_KEY] = {403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."},
            [R_BAD_TOKEN] = {400, "InvalidToken", "The provided token is malformed or otherwise invalid."},
            [R_WRONG_SERVICE] = {400, "AuthorizationHeaderMalformed",
                                 "The authorization header is malformed; incorrect service. This endpoint belongs to \"s3\"."},
            [R_WRONG_REGION] = {400, "AuthorizationHeaderMalformed", NULL},
            [R_TOO_OLD] = {403, "RequestTimeTooSkewed", too_skewed},
            [R_TOO_EARLY] = {403, "RequestTimeTooSkewed", too_skewed},
            [R_URL_TOO_OLD] = {403, "AccessDenied", "Request has expired"},
            [R_URL_TOO_EARLY] = {403, "AccessDenied", "Request is not yet valid"},
            [R_BAD_SIGNATURE] = {403, "SignatureDoesNotMatch",
                                 "The request signature we calculated does not match the signature you provided. Check your key and "
                                 "signing method."},
            [R_TOKEN_EXPIRED] = {400, "ExpiredToken", "The provided token has expired."},
            [R_UNSIGNED_HEADER] = {403, "AccessDenied", "There were headers present in the request which were not signed"},
            [R_NO_PAYLOAD_HASH] = {400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"},
            [R_BAD_PAYLOAD_HASH] = {400, "InvalidArgument", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value."},
            [R_OTHER_PAYLOAD] = {400, "XAmzContentSHA256Mismatch",
                                 "The provided 'x-amz-content-sha256' header does not match what was computed."},
        },
};

/* How far a signature's date may be off. KMS, as the JSON services do, grants five minutes. */
static const int64_t window_min[CS_SERVICE_MAX_] = {[CS_EC2] = 15, [CS_STS] = 15, [CS_KMS] = 5, [CS_S3] = 15};

struct judging {
  const struct cs_sim *sim;
  enum cs_service service;
  const struct cs_request *req;
  const struct cs_auth *auth;
  const char *why; /* what is wrong with the form of the signature */
  const struct cs_auth_faults *faults;
  int64_t server_ms; /* the clock by which it is judged */
  char detail[256];
};

void cs_auth_peek(const struct cs_sim *sim, const struct cs_request *req, struct cs_auth *ret, const char **ret_why) {
  *ret = (struct cs_auth){0};
  *ret_why = NULL;
  const char *why = "The signature can't be read.";
  if (cs_sig_parse(req, &ret->sig, &why) < 0)
    *ret_why = why;
  ret->key = cs_access_key_find(sim, ret->sig.access_key);
  ret->session = ret->key ? NULL : cs_session_find(sim, ret->sig.access_key);
}

void cs_auth_done(struct cs_auth *auth) {
  cs_sig_done(&auth->sig);
}

/* The signed date against the server's clock. */
static enum refusal judge_time(struct judging *j) {
  const struct cs_sig *sig = &j->auth->sig;
  int64_t window_ms = window_min[j->service] * 60000;
  int64_t life_ms = sig->form == CS_SIG_QUERY ? sig->expires_s * 1000 : window_ms;
  bool old = j->server_ms > sig->signed_ms + life_ms;
  bool early = j->server_ms < sig->signed_ms - window_ms;
  if (!old && !early)
    return R_MAX_;
  char signed_at[AF_TIME_SIZE], now[AF_TIME_SIZE], edge[AF_TIME_SIZE];
  af_time_basic(sig->signed_ms, signed_at);
  af_time_basic(j->server_ms, now);
  af_time_basic(j->server_ms + (old ? -window_ms : window_ms), edge);
  snprintf(j->detail, sizeof j->detail, "Signature %s: %s is %s than %s (%s %c %d min.)", old ? "expired" : "not yet current",
           signed_at, old ? "now earlier" : "still later", edge, now, old ? '-' : '+', (int)window_min[j->service]);
  if (j->service == CS_S3 && sig->form == CS_SIG_QUERY)
    return old ? R_URL_TOO_OLD : R_URL_TOO_EARLY;
  return old ? R_TOO_OLD : R_TOO_EARLY;
}

static bool token_fits(const struct cs_auth *auth) {
  if (!auth->session)
    return auth->sig.token.len == 0;
  return af_str_eq(auth->sig.token, af_str(auth->session->token));
}

static bool signs(struct af_str names, struct af_str name) {
  for (size_t at = 0; at + name.len <= names.len; at++)
    if (strncasecmp(names.ptr + at, name.ptr, name.len) == 0 && (at == 0 || names.ptr[at - 1] == ';') &&
        (at + name.len == names.len || names.ptr[at + name.len] == ';'))
      return true;
  return false;
}

/* ---- what S3 asks of a signature besides ---- */

static const char unsigned_payload[] = "UNSIGNED-PAYLOAD";

/* Every x-amz- header and the host must be signed, and a header says of the body what was signed of it. */
static enum refusal judge_s3_form(const struct judging *j) {
  const struct cs_sig *sig = &j->auth->sig;
  struct af_str hash;
  for (size_t i = 0; i < j->req->n_headers; i++) {
    struct af_str name = j->req->headers[i].name;
    if (name.len > 6 && strncasecmp(name.ptr, "x-amz-", 6) == 0 && !signs(sig->signed_headers, name))
      return R_UNSIGNED_HEADER;
  }
  if (!signs(sig->signed_headers, af_str("host")))
    return R_UNSIGNED_HEADER;
  if (sig->form == CS_SIG_QUERY)
    return R_MAX_;
  if (!cs_header_get(j->req, "x-amz-content-sha256", &hash))
    return R_NO_PAYLOAD_HASH;
  if (af_str_eq(hash, af_str(unsigned_payload)))
    return R_MAX_;
  for (size_t i = 0; i < hash.len; i++)
    if (!isxdigit((unsigned char)hash.ptr[i]))
      return R_BAD_PAYLOAD_HASH;
  return hash.len == 64 ? R_MAX_ : R_BAD_PAYLOAD_HASH;
}

static enum refusal judge_s3_payload(const struct judging *j) {
  struct af_str hash;
  if (j->auth->sig.form == CS_SIG_QUERY || !cs_header_get(j->req, "x-amz-content-sha256", &hash) ||
      af_str_eq(hash, af_str(unsigned_payload)))
    return R_MAX_;
  char mine[65];
  cs_sha256_hex(j->req->body, mine);
  return strncasecmp(mine, hash.ptr, 64) == 0 ? R_MAX_ : R_OTHER_PAYLOAD;
}

static bool date_fits(const struct cs_sig *sig) {
  char date[AF_TIME_SIZE];
  af_time_basic(sig->signed_ms, date);
  return af_str_eq(sig->date, af_str_n(date, 8));
}

/* A Region that nobody knows makes the scope wrong; one that the account has not enabled doesn't know the account (rules.md 1.3). */
static enum refusal judge_region(const struct judging *j) {
  char name[32];
  if (!AF_COPY(name, j->auth->sig.region) || !cs_region_find(j->sim, name))
    return R_WRONG_REGION;
  const struct cs_account *account = j->auth->session ? j->auth->session->account : j->auth->key->account;
  return cs_settings_of(j->sim, account, name)->enabled ? R_MAX_ : R_UNKNOWN_KEY;
}

static int verify(const struct judging *j) {
  struct cs_sig_check check = {
      .secret = j->auth->session ? af_str(j->auth->session->secret) : af_str(j->auth->key->secret),
      .encode_once = j->service == CS_S3,
  };
  if (j->service == CS_S3 && j->auth->sig.form == CS_SIG_QUERY)
    check.payload = af_str(unsigned_payload);
  else if (j->service == CS_S3)
    cs_header_get(j->req, "x-amz-content-sha256", &check.payload);
  return cs_sig_verify(j->req, &j->auth->sig, &check);
}

/* R_MAX_ where all is well. */
static enum refusal judge(struct judging *j) {
  const struct cs_auth *auth = j->auth;
  const struct cs_sig *sig = &auth->sig;
  if (sig->form == CS_SIG_NONE)
    return R_MISSING;
  if (!j->why && j->service == CS_S3) {
    enum refusal r = judge_s3_form(j);
    if (r != R_MAX_)
      return r;
  }
  if (!j->why && !signs(sig->signed_headers, af_str("host")))
    j->why = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
  if (!j->why && !date_fits(sig))
    j->why = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.";
  if (j->why) {
    bool url = j->service == CS_S3 && sig->form == CS_SIG_QUERY;
    snprintf(j->detail, sizeof j->detail, "%s%s", j->service == CS_S3 && !url ? "The authorization header is malformed; " : "", j->why);
    return url ? R_INCOMPLETE_URL : R_INCOMPLETE;
  }
  if ((!auth->key && !auth->session) || (auth->key && auth->key->inactive))
    return R_UNKNOWN_KEY;
  if (j->service == CS_S3 && auth->session && auth->sig.token.len == 0)
    return R_UNKNOWN_KEY; /* S3 knows a session's key only by its token */
  if (!token_fits(auth))
    return R_BAD_TOKEN;
  if (!af_str_eq(sig->service, af_str(cs_service_names[j->service])))
    return R_WRONG_SERVICE;
  enum refusal r = judge_region(j);
  if (r == R_WRONG_REGION)
    snprintf(j->detail, sizeof j->detail, "The authorization header is malformed; the region '%.*s' is wrong; expecting 'us-east-1'",
             (int)sig->region.len, sig->region.ptr);
  r = r == R_MAX_ ? judge_time(j) : r;
  if (r != R_MAX_)
    return r;
  if (verify(j) < 0)
    return R_BAD_SIGNATURE;
  if (j->service == CS_S3 && judge_s3_payload(j) != R_MAX_)
    return R_OTHER_PAYLOAD;
  if (auth->session && (auth->session->expires_ms <= j->server_ms || j->faults->token_expired))
    return R_TOKEN_EXPIRED;
  return j->faults->token_expired ? R_TOKEN_EXPIRED : R_MAX_;
}

static int refuse(const struct judging *j, enum refusal r, struct cs_failure *failure) {
  const char *message = refusals[j->service][r].message;
  failure->status = refusals[j->service][r].status;
  AF_COPY(failure->code, af_str(refusals[j->service][r].code));
  AF_COPY(failure->message, af_str(message ? message : j->detail));
  return -AF_EAWS;
}

static void fill_caller(struct cs_caller *caller, const struct cs_auth *auth) {
  if (auth->session)
    cs_caller_of_session(caller, auth->session);
  else
    cs_caller_of_key(caller, auth->key);
}

int cs_auth_verify(struct cs_call *call, enum cs_service service, const struct cs_request *req, const struct cs_auth *auth,
                   const char *why, const struct cs_auth_faults *faults) {
  struct judging j = {.sim = call->sim,
                      .service = service,
                      .req = req,
                      .auth = auth,
                      .why = why,
                      .faults = faults,
                      .server_ms = call->now_ms + faults->skew_ms};
  call->skew_ms = faults->skew_ms;
  enum refusal r = judge(&j);
  if (r != R_MAX_)
    return refuse(&j, r, &call->failure);
  char region[32];
  AF_COPY(region, auth->sig.region);
  call->region = cs_region_find(call->sim, region);
  fill_caller(&call->caller, auth);
  return 0;
}

/* ---- presigned URLs inside of a call (rules.md 2.2) ---- */

/* https://host[:port][/path]?query in its parts. */
static bool split_url(struct af_str url, struct cs_request *req, struct cs_header *host) {
  size_t skip = af_str_starts(url, "https://") ? 8 : af_str_starts(url, "http://") ? 7 : 0;
  const char *mark = url.len ? memchr(url.ptr, '?', url.len) : NULL;
  if (!skip || !mark)
    return false;
  struct af_str place = af_str_n(url.ptr + skip, (size_t)(mark - url.ptr) - skip);
  const char *slash = place.len ? memchr(place.ptr, '/', place.len) : NULL;
  size_t n = slash ? (size_t)(slash - place.ptr) : place.len;
  *host = (struct cs_header){af_str("Host"), af_str_n(place.ptr, n)};
  *req = (struct cs_request){
      .method = af_str("GET"),
      .path = slash ? af_str_n(slash, place.len - n) : af_str("/"),
      .query = af_str_n(mark + 1, url.len - (size_t)(mark + 1 - url.ptr)),
      .headers = host,
      .n_headers = 1,
  };
  return n > 0;
}

/* A host that names a Region must name the right one; an endpoint of one's own names none. */
static bool host_fits(struct af_str host, const char *region) {
  char want[64];
  if (!af_str_starts(host, "ec2.") || host.len < 14 || !memmem(host.ptr, host.len, "amazonaws.", 10))
    return true;
  snprintf(want, sizeof want, "ec2.%s.", region);
  return af_str_starts(host, want);
}

static void query_params(struct cs_params *out, struct af_str query) {
  struct cs_params all = {0};
  *out = (struct cs_params){0};
  if (cs_params_read(&all, query) == 0)
    for (size_t i = 0; i < all.n; i++)
      if (!af_str_starts(af_str(all.items[i].name), "X-Amz-"))
        cs_params_add(out, all.items[i].name, all.items[i].value);
  cs_params_done(&all);
}

int cs_auth_presigned(struct cs_sim *sim, int64_t now_ms, const char *url, const char *region, struct cs_caller *ret_caller,
                      struct cs_params *ret_params, struct cs_failure *failure) {
  struct cs_request req;
  struct cs_header host;
  struct cs_auth auth;
  const char *why;
  const struct cs_auth_faults none = {0};
  if (!split_url(af_str(url), &req, &host)) {
    *failure = (struct cs_failure){.status = 400, .code = "InvalidParameterValue", .message = "The presigned URL is malformed."};
    return -AF_EAWS;
  }
  cs_auth_peek(sim, &req, &auth, &why);
  struct judging j = {
      .sim = sim, .service = CS_EC2, .req = &req, .auth = &auth, .why = why, .faults = &none, .server_ms = now_ms};
  enum refusal r = judge(&j);
  if (r == R_MAX_ && (!af_str_eq(auth.sig.region, af_str(region)) || !host_fits(host.value, region)))
    r = R_WRONG_REGION;
  int rc = r == R_MAX_ ? 0 : refuse(&j, r, failure);
  if (rc == 0) {
    fill_caller(ret_caller, &auth);
    query_params(ret_params, req.query);
  }
  cs_auth_done(&auth);
  return rc;
}
