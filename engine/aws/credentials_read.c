/* Reading what the providers of credentials give: variables, profile keys, JSON documents, STS answers. Every text is checked before it can
 * reach a header; what was read is wiped. */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/json.h"
#include "engine/aws/codec.h"
#include "engine/aws/credentials.h"

void af_credential_reply_done(struct af_credential_reply *r) {
  if (r)
    af_credentials_done(&r->credentials);
}

bool af_arn_account(struct af_str arn, char account[16]) {
  size_t colons = 0, start = 0;
  for (size_t i = 0; i < arn.len && colons < 5; i++)
    if (arn.ptr[i] == ':') {
      if (++colons == 4)
        start = i + 1;
      else if (colons == 5 && i - start == 12) {
        for (size_t k = start; k < i; k++)
          if (arn.ptr[k] < '0' || arn.ptr[k] > '9')
            return false;
        return af_str_copy(account, 16, af_str_n(arn.ptr + start, 12));
      }
    }
  return false;
}

/* --- checks --- */

static bool visible(struct af_str s) {
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f)
      return false;
  return true;
}

/* The id stands in the Authorization header between = and /, so it may hold none of its marks. */
static bool key_id_ok(struct af_str s) {
  if (s.len == 0 || s.len > 128)
    return false;
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f || strchr("/,;=\"\\", s.ptr[i]))
      return false;
  return true;
}

struct raw_credentials { /* views */
  struct af_str id, secret, token, expires, account;
};

static int bad(struct af_error *err, const char *who, const char *what) {
  return af_error_set(err, -AF_EINVAL, AF_CLASS_AUTH, "BadCredentials", "%s: %s", who, what);
}

static int accept(struct af_credential_reply *ret, const struct raw_credentials *raw, const char *who, struct af_error *err) {
  struct af_credential_reply r = {0};
  if (raw->id.len == 0)
    return bad(err, who, "there is no access key id");
  if (raw->secret.len == 0)
    return bad(err, who, "there is no secret access key");
  if (!key_id_ok(raw->id))
    return bad(err, who, "the access key id is not one");
  if (!visible(raw->secret))
    return bad(err, who, "the secret access key has a blank or a control character");
  if (!visible(raw->token))
    return bad(err, who, "the session token has a blank or a control character");
  if (raw->expires.len > 0 && af_time_parse(raw->expires, &r.credentials.expires_ms) < 0)
    return bad(err, who, "the time of expiry can't be read");
  AF_COPY(r.credentials.access_key_id, raw->id);
  AF_COPY(r.account, raw->account);
  if (af_secret_set(&r.credentials.secret_access_key, raw->secret) < 0 || af_secret_set(&r.credentials.session_token, raw->token) < 0) {
    af_credential_reply_done(&r);
    return af_error_nomem(err);
  }
  *ret = r;
  return 0;
}

/* --- variables and profiles --- */

static struct af_str env_str(const struct af_env *env, const char *name) {
  const char *value = env->get(env->ctx, name);
  return af_str(value ? value : "");
}

int af_credentials_from_env(struct af_credential_reply *ret, const struct af_env *env, struct af_error *err) {
  struct raw_credentials raw = {.id = env_str(env, "AWS_ACCESS_KEY_ID"), .secret = env_str(env, "AWS_SECRET_ACCESS_KEY"),
                                .token = env_str(env, "AWS_SESSION_TOKEN"), .expires = env_str(env, "AWS_CREDENTIAL_EXPIRATION"),
                                .account = env_str(env, "AWS_ACCOUNT_ID")};
  if (raw.token.len == 0)
    raw.token = env_str(env, "AWS_SECURITY_TOKEN");
  return accept(ret, &raw, "AWS_ACCESS_KEY_ID and its kin in the environment", err);
}

int af_credentials_from_profile(struct af_credential_reply *ret, const struct af_profiles *profiles, enum af_profile_file file,
                                const char *profile, struct af_error *err) {
  static const char *const keys[] = {"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token", "aws_account_id"};
  struct af_str found[5] = {0};
  char who[400];
  for (size_t i = 0; i < 5; i++) {
    struct af_profile_value v;
    /* The account may stand in the other file; the keys may not. */
    bool there = i < 4 ? af_profiles_get_from(profiles, file, af_str(profile), keys[i], &v) : af_profiles_get(profiles, af_str(profile), keys[i], &v);
    found[i] = there ? v.text : af_str_n(NULL, 0);
  }
  struct raw_credentials raw = {.id = found[0], .secret = found[1], .token = found[2].len ? found[2] : found[3], .account = found[4]};
  snprintf(who, sizeof who, "profile %.100s of %.280s", profile, af_profiles_path(profiles, file));
  return accept(ret, &raw, who, err);
}

/* --- JSON --- */

void af_json_wipe(json_t *j) {
  const char *key;
  json_t *child;
  size_t i;
  if (json_is_string(j)) {
    /* jansson gives the text as const; it is about to be freed. */
    OPENSSL_cleanse((void *)(uintptr_t)json_string_value(j), json_string_length(j));
  } else if (json_is_object(j)) {
    json_object_foreach(j, key, child)
      if (json_is_string(child) || json_is_object(child))
        af_json_wipe(json_incref(child));
  } else if (json_is_array(j)) {
    json_array_foreach(j, i, child) af_json_wipe(json_incref(child));
  }
  json_decref(j);
}

static struct af_str member(const json_t *object, const char *name) {
  const json_t *v = json_object_get(object, name);
  return json_is_string(v) ? af_str_n(json_string_value(v), json_string_length(v)) : af_str_n(NULL, 0);
}

static struct raw_credentials raw_from_json(const json_t *object, const char *token) {
  return (struct raw_credentials){.id = member(object, "AccessKeyId"), .secret = member(object, "SecretAccessKey"), .token = member(object, token),
                                  .expires = member(object, "Expiration"), .account = member(object, "AccountId")};
}

/* jansson's reader keeps pieces of the text in buffers of its own, which it would free as they are. */
static int load_secret(struct af_str json, json_t **ret) {
  json_malloc_t allocate;
  json_free_t release;
  json_get_alloc_funcs(&allocate, &release);
  af_json_wipe_freed();
  int rc = af_json_read(json, JSON_REJECT_DUPLICATES, ret, NULL); /* its reason could quote a secret */
  json_set_alloc_funcs(allocate, release);
  return rc;
}

static int parse_object(json_t **ret, struct af_str json, const char *who, struct af_error *err) {
  json_t *doc;
  if (load_secret(json, &doc) == -AF_ENOMEM)
    return af_error_nomem(err);
  if (!json_is_object(doc)) {
    af_json_wipe(doc);
    return bad(err, who, "the answer is no JSON object");
  }
  *ret = doc;
  return 0;
}

int af_credentials_from_process(struct af_credential_reply *ret, struct af_str json, const char *who, struct af_error *err) {
  json_t *doc = NULL;
  int rc = parse_object(&doc, json, who, err);
  if (rc < 0)
    return rc;
  const json_t *version = json_object_get(doc, "Version");
  struct raw_credentials raw = raw_from_json(doc, "SessionToken");
  if (json_integer_value(version) != 1) /* 0 where it is no integer */
    rc = bad(err, who, "the answer's Version is not 1");
  else
    rc = accept(ret, &raw, who, err);
  af_json_wipe(doc);
  return rc;
}

int af_credentials_from_metadata(struct af_credential_reply *ret, struct af_str json, const char *who, struct af_error *err) {
  json_t *doc = NULL;
  int rc = parse_object(&doc, json, who, err);
  if (rc < 0)
    return rc;
  struct af_str code = member(doc, "Code"), message = member(doc, "Message");
  struct raw_credentials raw = raw_from_json(doc, "Token");
  if (code.len > 0 && !af_str_eq(code, af_str("Success")))
    rc = af_error_set(err, -AF_EINVAL, AF_CLASS_AUTH, "BadCredentials", "%s: %.*s: %.*s", who, (int)(code.len > 100 ? 100 : code.len), code.ptr,
                      (int)(message.len > 300 ? 300 : message.len), message.len ? message.ptr : "");
  else
    rc = accept(ret, &raw, who, err);
  af_json_wipe(doc);
  return rc;
}

static int sts_expiry(const json_t *credentials, int64_t *ret_ms) {
  const json_t *v = json_object_get(credentials, "Expiration");
  if (json_is_number(v)) {
    *ret_ms = (int64_t)(json_number_value(v) * 1000);
    return 0;
  }
  return json_is_string(v) ? af_time_parse(af_str(json_string_value(v)), ret_ms) : -AF_EINVAL;
}

int af_credentials_from_sts(struct af_credential_reply *ret, const json_t *output, const char *who, struct af_error *err) {
  const json_t *credentials = json_object_get(output, "Credentials");
  struct raw_credentials raw = raw_from_json(credentials, "SessionToken");
  int64_t expires_ms;
  raw.expires = af_str_n(NULL, 0);
  if (sts_expiry(credentials, &expires_ms) < 0)
    return bad(err, who, "the answer has no time of expiry");
  int rc = accept(ret, &raw, who, err);
  if (rc < 0)
    return rc;
  ret->credentials.expires_ms = expires_ms;
  af_arn_account(member(json_object_get(output, "AssumedRoleUser"), "Arn"), ret->account);
  return 0;
}

/* --- the container's address --- */

static int container_token(const struct af_env *env, struct af_buf *authorization, struct af_error *err) {
  struct af_str file = env_str(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), token = env_str(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (file.len > 0) { /* it wins, and it changes: read each time */
    int rc = af_buf_read_file(authorization, file.ptr, err);
    if (rc < 0) {
      if (err)
        err->class = AF_CLASS_AUTH;
      return rc;
    }
  } else {
    af_buf_str(authorization, token);
  }
  for (size_t i = 0; i < authorization->len; i++)
    if ((unsigned char)authorization->ptr[i] < ' ' || authorization->ptr[i] == 0x7f)
      return af_error_set(err, -AF_EINVAL, AF_CLASS_AUTH, "BadContainerToken", "%s holds a line break or another control character",
                          file.len > 0 ? "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" : "AWS_CONTAINER_AUTHORIZATION_TOKEN");
  return af_buf_rc(authorization) < 0 ? af_error_nomem(err) : 0;
}

/* The URI may carry a query, which struct af_url has no place for: the host is checked on the part before it. */
static int full_uri_ok(struct af_str uri, struct af_error *err) {
  static const char name[] = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
  struct af_url url;
  const char *query = memchr(uri.ptr, '?', uri.len);
  if (!visible(uri) || memchr(uri.ptr, '#', uri.len))
    return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadContainerUri", "%s is no URL that can be used", name);
  int rc = af_url_parse(&url, af_str_n(uri.ptr, query ? (size_t)(query - uri.ptr) : uri.len), name, err);
  if (rc < 0 || url.https || af_host_is_loopback(af_str(url.host)) || af_str_eq(af_str(url.host), af_str("169.254.170.2")) ||
      af_str_eq(af_str(url.host), af_str("169.254.170.23")) || af_str_eq(af_str(url.host), af_str("[fd00:ec2::23]")))
    return rc;
  return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadContainerUri",
                      "%s: plain http to %s is refused; it may go to a loopback address, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]", name, url.host);
}

int af_container_request(const struct af_env *env, struct af_buf *url, struct af_buf *authorization, struct af_error *err) {
  struct af_str relative = env_str(env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), full = env_str(env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative.len == 0 && full.len == 0)
    return af_error_set(err, -AF_EINVAL, AF_CLASS_AUTH, "NoCredentials", "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor _FULL_URI is set");
  if (relative.len > 0 && (relative.ptr[0] != '/' || !visible(relative)))
    return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadContainerUri", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path");
  if (relative.len > 0)
    af_buf_puts(url, "http://169.254.170.2");
  else {
    int rc = full_uri_ok(full, err);
    if (rc < 0)
      return rc;
  }
  af_buf_str(url, relative.len > 0 ? relative : full);
  return af_buf_rc(url) < 0 ? af_error_nomem(err) : container_token(env, authorization, err);
}

/* --- command lines --- */

struct splitter {
  struct af_str in;
  size_t pos;
  char *out; /* the words, each with its NUL; never longer than the command and one NUL a word */
  char **words;
  size_t n;
};

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* One quoted part, up to its closing quote. */
static bool take_quoted(struct splitter *s, char quote) {
  for (s->pos++; s->pos < s->in.len && s->in.ptr[s->pos] != quote; s->pos++) {
    bool escape = quote == '"' && s->in.ptr[s->pos] == '\\' && s->pos + 1 < s->in.len &&
                  (s->in.ptr[s->pos + 1] == '"' || s->in.ptr[s->pos + 1] == '\\');
    s->pos += escape ? 1 : 0;
    *s->out++ = s->in.ptr[s->pos];
  }
  return s->pos++ < s->in.len;
}

static bool take_word(struct splitter *s) {
  s->words[s->n++] = s->out;
  while (s->pos < s->in.len && !is_space(s->in.ptr[s->pos])) {
    char c = s->in.ptr[s->pos];
    if (c == '"' || c == '\'') {
      if (!take_quoted(s, c))
        return false;
      continue;
    }
    if (c == '\\' && ++s->pos == s->in.len)
      return false;
    *s->out++ = s->in.ptr[s->pos++];
  }
  *s->out++ = 0;
  return true;
}

int af_split_command(struct af_str command, char ***ret_words, struct af_error *err) {
  size_t max_words = command.len / 2 + 2;
  if (command.len > 65536)
    return af_error_set(err, -AF_ETOOBIG, AF_CLASS_INVALID, "BadProcess", "credential_process: the command is too long");
  char **words = calloc(1, max_words * sizeof *words + command.len + max_words);
  if (!words)
    return af_error_nomem(err);
  struct splitter s = {.in = command, .out = (char *)(words + max_words), .words = words};
  bool ok = true;
  while (ok) {
    while (s.pos < command.len && is_space(command.ptr[s.pos]))
      s.pos++;
    if (s.pos == command.len)
      break;
    ok = take_word(&s);
  }
  if (!ok || s.n == 0) {
    free(words);
    return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadProcess", "credential_process: %s",
                        ok ? "there is no command" : "a quote or a backslash stands open");
  }
  *ret_words = words;
  return 0;
}
