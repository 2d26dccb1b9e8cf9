/* Sessions: whose credentials, from where, and their renewal. A session is a small machine that never blocks; each arrow is an HTTP reply, the
 * end of a process, or a timer (rules.md section 7):
 *
 *                       +-- ENV, FILE (at once) ---------------------------+
 *                       +-- PROCESS (waits for a child) -------------------+
 *   idle --need()-----> +-- TOKEN --> NAME --> DOCUMENT (IMDSv2) ----------+--> ROLE, once a hop --> idle, credentials held
 *     ^                 +-- CONTAINER -------------------------------------+      |
 *     |                 +-- WEB (AssumeRoleWithWebIdentity) ---------------+      |
 *     |                                                                           |
 *     +-- final failure: the waiting calls are answered ------ a stage fails -----+--> paused (timer) --> the same stage again
 *
 * Credentials near their end are renewed when a call needs them; as long as they are valid a renewal that is slow or fails holds nobody up. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/aws/client_parts.h"
#include "engine/aws/codec.h"
#include "engine/aws/ops.h"
#include "engine/aws/process.h"

/* botocore's constants (rules.md section 7), or a fraction of a life that is too short for them. */
#define ADVISORY_MS (15 * 60 * 1000)
#define MANDATORY_MS (10 * 60 * 1000)
#define ADVISORY_PART 3
#define MANDATORY_PART 6
#define FAILURE_HOLDS_MS 5000 /* after a final failure, before another try */
#define STS_ATTEMPTS 5
#define CONTAINER_ATTEMPTS 3
#define TOKEN_FILE_MAX 65536

enum stage { STAGE_ENV, STAGE_FILE, STAGE_PROCESS, STAGE_WEB, STAGE_CONTAINER, STAGE_TOKEN, STAGE_NAME, STAGE_DOCUMENT, STAGE_ROLE, STAGE_MAX_ };

struct af_session {
  struct af_flight flight; /* first: landed() casts */
  struct af_aws *aws;
  struct af_session *next;
  struct af_session_calls calls;
  /* who */
  char *key_profile, *key_role, *key_external_id; /* what it was asked for */
  char *name;
  struct af_settings settings;
  struct af_credential_plan plan;
  char account[16];
  /* what it holds */
  struct af_credentials held;
  uint64_t generation; /* 0: nothing yet */
  int64_t lifetime_ms; /* from when we got them to their expiry; 0: they don't expire */
  bool refused;        /* AWS does not take them any more */
  /* what it is doing */
  bool fetching;
  bool reclocked; /* the stage was repeated with a corrected clock */
  enum stage stage;
  size_t hop;       /* of the next role */
  int failures;     /* of this stage */
  int64_t due_mono; /* INT64_MAX: no timer */
  struct af_credential_reply working;
  struct af_secret imds_token;
  char imds_role[128];
  char sts_region[64];
  struct af_process *process;
  /* how it failed last */
  struct af_error failure;
  int64_t failed_until_mono;
};

/* What a stage's functions return beside negative codes. */
enum { STAGE_DONE, STAGE_UNDER_WAY, STAGE_AGAIN };

static void run(struct af_session *s);

/* --- HTTP to metadata services --- */

static int fly_plain(struct af_session *s, const char *method, const char *url, const char *const *headers, int64_t timeout_ms, struct af_error *err) {
  struct af_http_request request = {.method = method, .url = url, .headers = headers, .connect_timeout_ms = timeout_ms, .timeout_ms = timeout_ms};
  return af_client_fly(s->aws, &s->flight, &request, err);
}

static int fly_instance(struct af_session *s, const char *method, const char *path, const char *name, struct af_str header_value, struct af_error *err) {
  struct af_buf url, header;
  const char *headers[2] = {NULL, NULL};
  af_buf_init(&url, AF_URL_MAX);
  af_buf_init_secret(&header, 8192);
  af_buf_printf(&url, "%s/latest/%s", s->plan.instance_url, path);
  af_buf_printf(&header, "%s: ", name);
  af_buf_str(&header, header_value);
  headers[0] = af_buf_cstr(&header);
  int rc = af_buf_rc(&url) < 0 || af_buf_rc(&header) < 0 ? af_error_nomem(err) : fly_plain(s, method, af_buf_cstr(&url), headers, 1000, err);
  af_buf_done(&header);
  af_buf_done(&url);
  return rc < 0 ? rc : STAGE_UNDER_WAY;
}

/* A reply with status 200, or an error that says what answered how. */
static int check_reply(const struct af_http_result *r, const char *who, struct af_error *err) {
  if (r->sent != AF_SENT_REPLIED)
    return af_error_set(err, -AF_EAWS, AF_CLASS_TRANSIENT, "NoAnswer", "%s does not answer: %s", who, r->failure);
  if (r->status == 200 && r->body.len <= AF_CREDENTIALS_REPLY_MAX)
    return 0;
  bool later = r->status >= 500 || r->status == 429;
  af_error_set(err, -AF_EAWS, later ? AF_CLASS_TRANSIENT : AF_CLASS_AUTH, "BadAnswer", "%s answers with HTTP status %d", who, r->status);
  if (err)
    err->http_status = r->status;
  return -AF_EAWS;
}

static void take_credentials(struct af_session *s, struct af_credential_reply *r) {
  af_credential_reply_done(&s->working);
  s->working = *r;
  *r = (struct af_credential_reply){0};
}

/* --- the stages: environment, file, process --- */

static int start_env(struct af_session *s, struct af_error *err) {
  struct af_credential_reply r = {0};
  int rc = af_credentials_from_env(&r, s->aws->config.env, err);
  if (rc == 0)
    take_credentials(s, &r);
  return rc;
}

/* The file is read anew each time: the user may have put fresh keys there. */
static int start_file(struct af_session *s, struct af_error *err) {
  struct af_credential_reply r = {0};
  struct af_profiles *profiles = NULL;
  int rc = af_profiles_load(&profiles, s->aws->config.env, err);
  if (rc < 0)
    return rc;
  rc = af_credentials_from_profile(&r, profiles, s->plan.file, s->plan.profile, err);
  af_profiles_free(profiles);
  if (rc == 0)
    take_credentials(s, &r);
  return rc;
}

static int start_process(struct af_session *s, struct af_error *err) {
  int rc = af_process_start(&s->process, af_str(s->plan.command), af_mono_ms(s->aws->config.clock), err);
  s->due_mono = af_mono_ms(s->aws->config.clock) + AF_PROCESS_POLL_MS;
  return rc < 0 ? rc : STAGE_UNDER_WAY;
}

static int step_process(struct af_session *s, struct af_error *err) {
  struct af_credential_reply r = {0};
  const struct af_buf *output = NULL;
  bool done = false;
  int64_t now = af_mono_ms(s->aws->config.clock);
  int rc = af_process_step(s->process, now, &done, &output, err);
  if (rc == 0 && !done) {
    s->due_mono = now + AF_PROCESS_POLL_MS;
    return STAGE_UNDER_WAY;
  }
  if (rc == 0)
    rc = af_credentials_from_process(&r, af_buf_view(output), "credential_process", err);
  if (rc == 0)
    take_credentials(s, &r);
  af_process_free(s->process);
  s->process = NULL;
  return rc;
}

/* --- container --- */

static int start_container(struct af_session *s, struct af_error *err) {
  struct af_buf url, authorization, header;
  const char *headers[3] = {"Accept: application/json", NULL, NULL};
  af_buf_init(&url, AF_URL_MAX);
  af_buf_init_secret(&authorization, TOKEN_FILE_MAX);
  af_buf_init_secret(&header, TOKEN_FILE_MAX + 64);
  int rc = af_container_request(s->aws->config.env, &url, &authorization, err);
  if (rc == 0 && authorization.len > 0) {
    af_buf_puts(&header, "Authorization: ");
    af_buf_str(&header, af_buf_view(&authorization));
    headers[1] = af_buf_cstr(&header);
  }
  if (rc == 0)
    rc = af_buf_rc(&header) < 0 ? af_error_nomem(err) : fly_plain(s, "GET", af_buf_cstr(&url), headers, 2000, err);
  af_buf_done(&header);
  af_buf_done(&authorization);
  af_buf_done(&url);
  return rc < 0 ? rc : STAGE_UNDER_WAY;
}

static int finish_document(struct af_session *s, const struct af_http_result *r, const char *who, struct af_error *err) {
  struct af_credential_reply reply = {0};
  int rc = check_reply(r, who, err);
  if (rc == 0) {
    /* It expires by AWS's clock, and this may be the first we hear of that clock. */
    af_client_adopt_date(s->aws, &s->flight, r->date);
    rc = af_credentials_from_metadata(&reply, af_buf_view(&r->body), who, err);
  }
  if (rc == 0)
    take_credentials(s, &reply);
  return rc;
}

static int finish_container(struct af_session *s, const struct af_http_result *r, struct af_error *err) {
  return finish_document(s, r, "the container's credential service", err);
}

/* --- instance (IMDSv2) --- */

static const char instance_name[] = "the instance metadata service";

static int start_token(struct af_session *s, struct af_error *err) {
  return fly_instance(s, "PUT", "api/token", "x-aws-ec2-metadata-token-ttl-seconds", af_str("21600"), err);
}

/* It is the last of the chain: where it doesn't answer there are no credentials at all. */
static int finish_token(struct af_session *s, const struct af_http_result *r, struct af_error *err) {
  int rc = check_reply(r, instance_name, err);
  if (rc == 0) {
    struct af_str token = af_str_trim(af_buf_view(&r->body));
    for (size_t i = 0; i < token.len; i++)
      if (token.ptr[i] <= ' ' || token.ptr[i] >= 0x7f)
        return af_error_set(err, -AF_EAWS, AF_CLASS_AUTH, "BadAnswer", "%s gives a token that is none", instance_name);
    return af_secret_set(&s->imds_token, token) < 0 ? af_error_nomem(err) : 0;
  }
  if (s->generation > 0)
    return rc;
  af_error_set(err, rc, AF_CLASS_AUTH, "NoCredentials", "no credentials: none in the environment, none in profile %s, and %s %s%s", s->settings.profile,
               instance_name, r->sent == AF_SENT_REPLIED ? "refuses" : "does not answer: ", r->sent == AF_SENT_REPLIED ? "" : r->failure);
  af_error_hint(err, "name a profile that has credentials (AWS_PROFILE), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; within a container on an "
                     "instance, the hop limit of its metadata options may be too small");
  return rc;
}

static int start_name(struct af_session *s, struct af_error *err) {
  return fly_instance(s, "GET", "meta-data/iam/security-credentials/", "x-aws-ec2-metadata-token", af_secret_reveal(&s->imds_token), err);
}

static int finish_name(struct af_session *s, const struct af_http_result *r, struct af_error *err) {
  if (r->sent == AF_SENT_REPLIED && r->status == 404) {
    af_error_set(err, -AF_EAWS, AF_CLASS_AUTH, "NoCredentials", "no credentials: the instance has no role");
    af_error_hint(err, "attach an instance profile, or name a profile that has credentials (AWS_PROFILE)");
    return -AF_EAWS;
  }
  int rc = check_reply(r, instance_name, err);
  if (rc < 0)
    return rc;
  struct af_str body = af_buf_view(&r->body);
  const char *end = memchr(body.ptr ? body.ptr : "", '\n', body.len);
  struct af_str name = af_str_trim(af_str_n(body.ptr, end ? (size_t)(end - body.ptr) : body.len));
  for (size_t i = 0; i < name.len; i++)
    if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f || strchr("/?#%", name.ptr[i]))
      name.len = 0;
  if (name.len == 0 || !AF_COPY(s->imds_role, name))
    return af_error_set(err, -AF_EAWS, AF_CLASS_AUTH, "BadAnswer", "%s gives a role name that is none", instance_name);
  return 0;
}

static int start_document(struct af_session *s, struct af_error *err) {
  char path[256];
  snprintf(path, sizeof path, "meta-data/iam/security-credentials/%s", s->imds_role);
  return fly_instance(s, "GET", path, "x-aws-ec2-metadata-token", af_secret_reveal(&s->imds_token), err);
}

static int finish_instance(struct af_session *s, const struct af_http_result *r, struct af_error *err) {
  return finish_document(s, r, instance_name, err);
}

/* --- STS --- */

/* No role is assumed across partitions (rules.md section 7): AWS would only say that it doesn't know the key. */
static int check_partition(const struct af_session *s, const char *role_arn, struct af_error *err) {
  const char *colon = strchr(role_arn + 4, ':'); /* fill_role() has seen arn:PARTITION: */
  const struct af_partition *role = af_partition_named(af_str_n(role_arn + 4, colon ? (size_t)(colon - role_arn) - 4 : 0));
  const struct af_partition *here = af_partition_of(s->sts_region);
  if (!role || role == here)
    return 0;
  af_error_set(err, -AF_EINVAL, AF_CLASS_AUTH, "PartitionMismatch", "role %.300s is in partition %s, the Region %s in %s", role_arn, role->name,
               s->sts_region, here->name);
  af_error_hint(err, "set the profile's region to one of partition %s", role->name);
  return -AF_EINVAL;
}

static int fly_sts(struct af_session *s, const struct af_op *op, json_t *input, struct af_error *err) {
  struct af_endpoint_options options = af_settings_endpoint(&s->settings, "sts");
  struct af_endpoint endpoint;
  struct af_buf body;
  if (!input)
    return af_error_nomem(err);
  af_buf_init_secret(&body, AF_BODY_MAX);
  int rc = check_partition(s, json_string_value(json_object_get(input, "RoleArn")), err);
  if (rc == 0)
    rc = af_endpoint_resolve(&endpoint, "sts", s->sts_region, &options, err);
  if (rc == 0)
    rc = af_encode(op, input, &body, err);
  if (rc == 0)
    rc = af_client_fly_op(s->aws, &s->flight, op, &endpoint, op->unsigned_ ? NULL : &s->working.credentials, input, af_buf_view(&body),
                          err);
  af_buf_done(&body);
  af_json_wipe(input);
  return rc < 0 ? rc : STAGE_UNDER_WAY;
}

static int start_web(struct af_session *s, struct af_error *err) {
  const struct af_role_hop *role = &s->plan.web;
  struct af_buf token;
  json_t *input = NULL;
  af_buf_init_secret(&token, TOKEN_FILE_MAX);
  int rc = af_buf_read_file(&token, s->plan.token_file, err); /* it is replaced from time to time: read at each use */
  struct af_str text = af_str_trim(af_buf_view(&token));
  if (rc == 0)
    input = json_pack("{s:s, s:s, s:s%}", "RoleArn", role->role_arn, "RoleSessionName", role->session_name, "WebIdentityToken", text.ptr ? text.ptr : "",
                      text.len);
  else if (err)
    err->class = AF_CLASS_AUTH;
  af_buf_done(&token);
  return rc < 0 ? rc : fly_sts(s, &af_sts_assume_role_with_web_identity, input, err);
}

static int start_role(struct af_session *s, struct af_error *err) {
  const struct af_role_hop *role = &s->plan.hops[s->hop];
  json_t *input = json_pack("{s:s, s:s}", "RoleArn", role->role_arn, "RoleSessionName", role->session_name);
  int rc = input ? 0 : -1;
  if (rc == 0 && role->external_id)
    rc = json_object_set_new(input, "ExternalId", json_string(role->external_id));
  /* Without DurationSeconds AWS gives an hour, which is also all that a chain may have. */
  if (rc == 0 && role->duration_s > 0)
    rc = json_object_set_new(input, "DurationSeconds", json_integer(role->duration_s));
  if (rc == 0)
    return fly_sts(s, &af_sts_assume_role, input, err);
  json_decref(input);
  return af_error_nomem(err);
}

/* Who asked for the role that was refused: the role before it, or the provider. */
static const char *asking(const struct af_session *s, char out[AF_ORIGIN_SIZE]) {
  static const char *const providers[AF_SOURCE_MAX_] = {
      [AF_SOURCE_ENV] = "the keys in the environment", [AF_SOURCE_FILE] = "the keys of profile ", [AF_SOURCE_PROCESS] = "the credential_process of profile ",
      [AF_SOURCE_WEB_IDENTITY] = "the web identity", [AF_SOURCE_CONTAINER] = "the container's role", [AF_SOURCE_INSTANCE] = "the instance's role"};
  bool profile = s->plan.source == AF_SOURCE_FILE || s->plan.source == AF_SOURCE_PROCESS;
  if (s->stage == STAGE_ROLE && s->hop > 0)
    snprintf(out, AF_ORIGIN_SIZE, "%s", s->plan.hops[s->hop - 1].role_arn);
  else
    snprintf(out, AF_ORIGIN_SIZE, "%s%s", providers[s->plan.source], profile ? s->plan.profile : "");
  return out;
}

struct sts_hint {
  const char *code, *hint; /* hint NULL: AWS's message says more, and its hint stands */
  const char *message;     /* a glob; NULL: any */
};
static const struct sts_hint sts_hints[] = {
    /* AWS says the same for all three. */
    {"AccessDenied", "either the role's trust policy doesn't name the caller, or the caller isn't allowed sts:AssumeRole on it, or the external id is wrong or missing"},
    {"ExpiredToken", "the credentials below the role have expired: get new ones"},
    {"ExpiredTokenException", "the credentials below the role have expired: get new ones"},
    {"InvalidClientTokenId", "the access key does not exist, is inactive, or belongs to another partition"},
    {"SignatureDoesNotMatch", NULL, "*scoped to a valid region*"},
    {"SignatureDoesNotMatch", "the secret access key is not the one that belongs to this access key id"},
    {"RegionDisabledException", "STS is not active in this Region for the account: enable the Region, or use another one for STS"},
    {"InvalidIdentityToken", "the web identity token was not accepted: look at the role's trust policy and the token's issuer"},
    {"IDPRejectedClaim", "the web identity token was not accepted: look at the role's trust policy and the token's issuer"},
    {"ValidationError", "look at the role's ARN, and at duration_seconds against the role's longest session (one hour in a chain of roles)"},
    {NULL, NULL},
};

/* What AWS said of a role, with who asked and what to do. */
static void explain_sts(struct af_session *s, const char *role_arn, struct af_error *err) {
  char who[AF_ORIGIN_SIZE], said[sizeof err->message];
  AF_COPY(said, af_str(err->message));
  snprintf(err->message, sizeof err->message, "%s could not assume %.300s: %.300s", asking(s, who), role_arn, said);
  AF_COPY(err->resource, af_str(role_arn));
  AF_COPY(err->region, af_str(s->sts_region));
  af_arn_account(af_str(role_arn), err->account);
  const struct sts_hint *h = sts_hints;
  while (h->code && (strcmp(h->code, err->code) != 0 || (h->message && !af_str_glob(af_str(h->message), af_str(said)))))
    h++;
  if (h->hint)
    AF_COPY(err->hint, af_str(h->hint));
}

static int finish_sts(struct af_session *s, const struct af_op *op, const char *role_arn, const struct af_http_result *r, struct af_error *err) {
  struct af_credential_reply reply = {0};
  json_t *output = NULL;
  char request_id[80];
  int rc = af_client_decode(s->aws, op, s->sts_region, r, &output, request_id, err);
  if (rc == 0) {
    af_client_adopt_date(s->aws, &s->flight, r->date); /* they expire by AWS's clock; a small difference isn't refused, and may be more than their life */
    rc = af_credentials_from_sts(&reply, output, op->label, err);
  }
  if (rc == 0)
    take_credentials(s, &reply);
  af_json_wipe(output);
  if (rc == 0)
    return 0;
  if (!s->reclocked && af_is_clock_skew(err->code) && af_client_reclocked(s->aws, &s->flight, r->date)) {
    s->reclocked = true;
    return STAGE_AGAIN;
  }
  explain_sts(s, role_arn, err);
  return rc;
}

static int finish_web(struct af_session *s, const struct af_http_result *r, struct af_error *err) {
  return finish_sts(s, &af_sts_assume_role_with_web_identity, s->plan.web.role_arn, r, err);
}

static int finish_role(struct af_session *s, const struct af_http_result *r, struct af_error *err) {
  return finish_sts(s, &af_sts_assume_role, s->plan.hops[s->hop].role_arn, r, err);
}

/* --- the machine --- */

static const struct {
  int (*start)(struct af_session *s, struct af_error *err);
  int (*finish)(struct af_session *s, const struct af_http_result *r, struct af_error *err); /* of an HTTP stage */
  enum stage next;
  int attempts;
} stages[STAGE_MAX_] = {
    [STAGE_ENV] = {start_env, NULL, STAGE_ROLE, 1},
    [STAGE_FILE] = {start_file, NULL, STAGE_ROLE, 1},
    [STAGE_PROCESS] = {start_process, NULL, STAGE_ROLE, 1},
    [STAGE_WEB] = {start_web, finish_web, STAGE_ROLE, STS_ATTEMPTS},
    [STAGE_CONTAINER] = {start_container, finish_container, STAGE_ROLE, CONTAINER_ATTEMPTS},
    [STAGE_TOKEN] = {start_token, finish_token, STAGE_NAME, 1},
    [STAGE_NAME] = {start_name, finish_name, STAGE_DOCUMENT, 1},
    [STAGE_DOCUMENT] = {start_document, finish_instance, STAGE_ROLE, 1},
    [STAGE_ROLE] = {start_role, finish_role, STAGE_ROLE, STS_ATTEMPTS},
};

static const enum stage first_stage[AF_SOURCE_MAX_] = {
    [AF_SOURCE_ENV] = STAGE_ENV,  [AF_SOURCE_FILE] = STAGE_FILE,           [AF_SOURCE_PROCESS] = STAGE_PROCESS,
    [AF_SOURCE_WEB_IDENTITY] = STAGE_WEB, [AF_SOURCE_CONTAINER] = STAGE_CONTAINER, [AF_SOURCE_INSTANCE] = STAGE_TOKEN,
};

static bool usable(const struct af_session *s) {
  if (s->generation == 0 || s->refused)
    return false;
  return s->held.expires_ms == 0 || af_client_now_ms(s->aws) < s->held.expires_ms;
}

/* Are they within this long, or this part of their life, of their end? */
static bool near_end(const struct af_session *s, int64_t window_ms, int64_t part) {
  if (s->held.expires_ms == 0)
    return false;
  int64_t window = s->lifetime_ms / part < window_ms ? s->lifetime_ms / part : window_ms;
  return s->held.expires_ms - af_client_now_ms(s->aws) <= window;
}

static void end_fetch(struct af_session *s) {
  s->fetching = false;
  s->due_mono = INT64_MAX;
  af_credential_reply_done(&s->working);
  s->working = (struct af_credential_reply){0};
  af_secret_done(&s->imds_token);
}

static void fail(struct af_session *s, struct af_error *err) {
  struct af_aws *aws = s->aws;
  bool later = err->class == AF_CLASS_TRANSIENT || err->class == AF_CLASS_THROTTLED;
  if (later && ++s->failures < stages[s->stage].attempts) {
    s->due_mono = af_mono_ms(aws->config.clock) + af_retry_delay_ms(err->class, s->failures, -1, aws->config.random);
    af_log_write(aws->config.log, AF_LOG_DEBUG, NULL, "%s: %s: %s; once more", s->name, err->code, err->message);
    if (usable(s))
      af_client_resume(s); /* what is held is still good: nobody needs to wait for the repeat */
    return;
  }
  /* A network that is down needs no person, nor does our own fault become AWS's. */
  if (!later && err->class != AF_CLASS_INTERNAL)
    err->class = AF_CLASS_AUTH;
  end_fetch(s);
  s->failure = *err;
  snprintf(s->failure.message, sizeof s->failure.message, "%.200s: %.800s", s->name, err->message);
  s->failed_until_mono = af_mono_ms(aws->config.clock) + FAILURE_HOLDS_MS;
  af_log_write(aws->config.log, AF_LOG_WARN, NULL, "%s: %s%s", s->failure.code, s->failure.message,
               usable(s) ? "; the credentials that are held are still valid" : "");
  af_client_resume(s);
}

static void succeed(struct af_session *s) {
  struct af_credentials *fresh = &s->working.credentials;
  int64_t now = af_client_now_ms(s->aws);
  if (fresh->expires_ms != 0 && fresh->expires_ms <= now) {
    struct af_error err;
    af_error_set(&err, -AF_EINVAL, AF_CLASS_AUTH, "ExpiredCredentials", "the credentials of %s have expired", s->plan.label);
    af_error_hint(&err, "get new ones (or set this machine's clock, if it is wrong)");
    fail(s, &err);
    return;
  }
  af_credentials_done(&s->held);
  s->held = *fresh;
  *fresh = (struct af_credentials){0};
  s->lifetime_ms = s->held.expires_ms ? s->held.expires_ms - now : 0;
  s->generation++;
  s->refused = false;
  af_session_learn_account(s, af_str(s->working.account));
  end_fetch(s);
  s->failed_until_mono = INT64_MIN;
  af_log_write(s->aws->config.log, AF_LOG_DEBUG, NULL, "%s: credentials from %s, valid for %" PRId64 " s (0: for good)", s->name, s->plan.label,
               s->lifetime_ms / 1000);
  af_client_resume(s);
}

/* Goes on after a stage's function has returned rc. */
static void advance(struct af_session *s, int rc, struct af_error *err) {
  if (rc == STAGE_UNDER_WAY)
    return;
  s->due_mono = INT64_MAX;
  if (rc < 0) {
    fail(s, err);
    return;
  }
  if (rc == STAGE_DONE) {
    s->hop += s->stage == STAGE_ROLE ? 1 : 0;
    s->stage = stages[s->stage].next;
    s->failures = 0;
    s->reclocked = false;
  }
  run(s);
}

static void run(struct af_session *s) {
  struct af_error err;
  af_error_clear(&err);
  if (s->stage == STAGE_ROLE && s->hop == s->plan.n_hops)
    succeed(s);
  else
    advance(s, stages[s->stage].start(s, &err), &err); /* the stages go forward only: the depth is bounded */
}

static void landed(struct af_flight *f, struct af_http_result *r) {
  struct af_session *s = (struct af_session *)f;
  struct af_error err;
  af_error_clear(&err);
  advance(s, stages[s->stage].finish(s, r, &err), &err);
}

static void start_fetch(struct af_session *s, const char *region) {
  s->fetching = true;
  s->stage = first_stage[s->plan.source];
  s->hop = 0;
  s->failures = 0;
  s->reclocked = false;
  AF_COPY(s->sts_region, af_str(*s->settings.region ? s->settings.region : region));
  run(s);
}

int64_t af_session_tick(struct af_session *s, int64_t now_mono_ms) {
  struct af_error err;
  if (!s->fetching || s->due_mono > now_mono_ms)
    return s->due_mono;
  s->due_mono = INT64_MAX;
  af_error_clear(&err);
  if (s->process)
    advance(s, step_process(s, &err), &err);
  else
    run(s);
  return s->due_mono;
}

enum af_session_state af_session_need(struct af_session *s, const char *region) {
  bool may_try = af_mono_ms(s->aws->config.clock) >= s->failed_until_mono;
  if (usable(s) && !near_end(s, ADVISORY_MS, ADVISORY_PART))
    return AF_SESSION_READY;
  if (!s->fetching && may_try)
    start_fetch(s, region);
  if (!usable(s))
    return s->fetching ? AF_SESSION_WAIT : AF_SESSION_FAILED;
  bool wait = s->fetching && s->failures == 0 && near_end(s, MANDATORY_MS, MANDATORY_PART);
  return wait ? AF_SESSION_WAIT : AF_SESSION_READY;
}

void af_session_refused(struct af_session *s, uint64_t generation) {
  if (s->generation == generation)
    s->refused = true;
}

/* --- making and freeing --- */

static bool same(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

static int copy_key(char **ret, const char *text) {
  *ret = text ? af_str_dup(af_str(text)) : NULL;
  return text && !*ret ? -AF_ENOMEM : 0;
}

static int make_name(struct af_session *s, const struct af_principal *who, struct af_error *err) {
  struct af_buf b;
  af_buf_init(&b, 8192);
  if (s->settings.profile_named)
    af_buf_printf(&b, "profile %s", s->settings.profile);
  else
    af_buf_puts(&b, "default credentials");
  if (who->role_arn)
    af_buf_printf(&b, ", role %s", who->role_arn);
  s->name = af_buf_steal(&b);
  af_buf_done(&b);
  return s->name ? 0 : af_error_nomem(err);
}

static int fill(struct af_session *s, const struct af_principal *who, struct af_error *err) {
  const struct af_env *env = s->aws->config.env;
  struct af_profiles *profiles = NULL;
  if (copy_key(&s->key_profile, who->profile) < 0 || copy_key(&s->key_role, who->role_arn) < 0 || copy_key(&s->key_external_id, who->external_id) < 0)
    return af_error_nomem(err);
  int rc = af_profiles_load(&profiles, env, err);
  if (rc < 0)
    return rc;
  rc = af_settings_read(&s->settings, env, profiles, who->profile, err);
  if (rc == 0)
    rc = af_credential_plan_make(&s->plan, env, profiles, &s->settings, who, err);
  if (rc == 0)
    rc = make_name(s, who, err);
  if (rc == 0 && s->plan.n_hops > 0)
    af_arn_account(af_str(s->plan.hops[s->plan.n_hops - 1].role_arn), s->account);
  else if (rc == 0 && s->plan.source == AF_SOURCE_WEB_IDENTITY)
    af_arn_account(af_str(s->plan.web.role_arn), s->account);
  af_profiles_free(profiles);
  return rc;
}

int af_aws_session(struct af_aws *aws, const struct af_principal *who, struct af_session **ret, struct af_error *err) {
  for (struct af_session *s = aws->sessions; s; s = s->next)
    if (same(s->key_profile, who->profile) && same(s->key_role, who->role_arn) && same(s->key_external_id, who->external_id)) {
      *ret = s;
      return 0;
    }
  if (aws->n_sessions == AF_SESSIONS_MAX)
    return af_error_set(err, -AF_ETOOBIG, AF_CLASS_INVALID, "TooManySessions", "more than %d different credentials", AF_SESSIONS_MAX);
  struct af_session *s = calloc(1, sizeof *s);
  if (!s)
    return af_error_nomem(err);
  s->aws = aws;
  s->flight.landed = landed;
  s->calls.tail = &s->calls.first;
  s->due_mono = INT64_MAX;
  s->failed_until_mono = INT64_MIN;
  int rc = fill(s, who, err);
  if (rc < 0) {
    af_session_free(s);
    return rc;
  }
  s->next = aws->sessions;
  aws->sessions = s;
  aws->n_sessions++;
  *ret = s;
  return 0;
}

void af_session_free(struct af_session *s) {
  if (!s)
    return;
  af_client_ground(s->aws, &s->flight);
  end_fetch(s);
  af_process_free(s->process);
  af_credentials_done(&s->held);
  af_credential_plan_done(&s->plan);
  af_settings_done(&s->settings);
  free(s->key_profile);
  free(s->key_role);
  free(s->key_external_id);
  free(s->name);
  free(s);
}

/* --- what it says of itself --- */

const char *af_session_name(const struct af_session *s) {
  return s->name;
}

const char *af_session_region(const struct af_session *s) {
  return s->settings.region;
}

const char *af_session_source(const struct af_session *s) {
  return s->plan.label;
}

const char *af_session_account(const struct af_session *s) {
  return s->account;
}

void af_session_learn_account(struct af_session *s, struct af_str account) {
  if (account.len == 12)
    AF_COPY(s->account, account);
}

const struct af_credentials *af_session_credentials(const struct af_session *s) {
  return &s->held;
}

uint64_t af_session_generation(const struct af_session *s) {
  return s->generation;
}

const struct af_error *af_session_failure(const struct af_session *s) {
  return &s->failure;
}

const struct af_settings *af_session_settings(const struct af_session *s) {
  return &s->settings;
}

struct af_session_calls *af_session_calls(struct af_session *s) {
  return &s->calls;
}

struct af_session *af_session_next(const struct af_session *s) {
  return s->next;
}
