/* The client: calls wait for their session's credentials, are signed by AWS's clock, sent once and answered once. What AWS has certainly refused
 * because of expired credentials or a wrong clock is signed anew and sent once more (rules.md section 8, Clock skew); nothing else is. */
#include "engine/aws/client.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/aws/client_parts.h"
#include "engine/aws/codec.h"
#include "engine/aws/ops.h"

#define SKEW_MS (2 * 60 * 1000) /* AWS refuses from 5 minutes on */

struct af_call_state {
  struct af_flight flight; /* first: landed() casts */
  struct af_aws *aws;
  const struct af_op *op;
  struct af_session *session;
  char region[64];
  json_t *input;
  struct af_buf body; /* encoded; secret, for it may hold a presigned URL */
  uint64_t generation; /* of the credentials that signed it */
  bool renewed, reclocked; /* it was sent once more for this reason */
  struct af_answer answer;
  struct af_call_state *prev, *next; /* all calls */
  struct af_call_state *queue_next;  /* ready, or waiting for the session */
};

static const char *system_get(void *ctx, const char *name) {
  return getenv(name);
}

const struct af_env *af_env_system(void) {
  static const struct af_env env = {.get = system_get};
  return &env;
}

/* --- flights --- */

static struct af_flight **slot_of(struct af_aws *aws, uint64_t id) {
  struct af_flight **f = &aws->flights[id % AF_FLIGHT_SLOTS];
  while (*f && (*f)->id != id)
    f = &(*f)->next;
  return f;
}

int af_client_fly(struct af_aws *aws, struct af_flight *f, const struct af_http_request *request, struct af_error *err) {
  uint64_t id = 0;
  int rc = aws->config.http->submit(aws->config.http->ctx, request, &id, err);
  if (rc < 0)
    return rc;
  struct af_flight **slot = slot_of(aws, id);
  f->id = id;
  f->up = true;
  f->sent_ms = af_now_ms(aws->config.clock);
  f->offset_ms = aws->offset_ms;
  f->next = NULL;
  *slot = f;
  return 0;
}

void af_client_ground(struct af_aws *aws, struct af_flight *f) {
  if (!f->up)
    return;
  *slot_of(aws, f->id) = f->next;
  f->up = false;
}

static void land_all(struct af_aws *aws) {
  struct af_http_result r;
  while (aws->config.http->next(aws->config.http->ctx, &r)) {
    struct af_flight *f = *slot_of(aws, r.id);
    if (f) {
      af_client_ground(aws, f);
      f->landed(f, &r);
    }
    af_http_result_done(&r);
  }
}

/* --- the clock --- */

int64_t af_client_now_ms(const struct af_aws *aws) {
  return af_now_ms(aws->config.clock) + aws->offset_ms;
}

/* The header has whole seconds: on average half of one has gone by. */
static bool date_ms(const char *date, int64_t *ret_ms) {
  if (!*date || af_time_parse(af_str(date), ret_ms) < 0)
    return false;
  *ret_ms += 500;
  return true;
}

void af_client_adopt_date(struct af_aws *aws, const struct af_flight *f, const char *date) {
  int64_t theirs;
  if (!date_ms(date, &theirs))
    return;
  if (theirs > f->sent_ms + aws->offset_ms - SKEW_MS && theirs < af_client_now_ms(aws) + SKEW_MS)
    return;
  aws->offset_ms = theirs - af_now_ms(aws->config.clock);
  aws->skew_ms = aws->offset_ms;
  char span[AF_TIME_SIZE];
  af_time_span(aws->offset_ms < 0 ? -aws->offset_ms : aws->offset_ms, span);
  af_log_write(aws->config.log, AF_LOG_WARN, NULL, "this machine's clock is %s %s AWS's: signing with AWS's time", span,
               aws->offset_ms < 0 ? "ahead of" : "behind");
}

bool af_client_reclocked(struct af_aws *aws, const struct af_flight *f, const char *date) {
  af_client_adopt_date(aws, f, date);
  return aws->offset_ms != f->offset_ms;
}

int64_t af_aws_skew_ms(const struct af_aws *aws) {
  return aws->skew_ms;
}

/* --- counts --- */

static struct af_aws_counts *counts_of(struct af_aws *aws, const char *label) {
  for (size_t i = 0; i < aws->n_counts; i++)
    if (strcmp(aws->counts[i].label, label) == 0)
      return &aws->counts[i];
  if (aws->n_counts == AF_COUNTS_MAX)
    return &aws->counts[AF_COUNTS_MAX - 1];
  aws->counts[aws->n_counts].label = label;
  return &aws->counts[aws->n_counts++];
}

size_t af_aws_counts(const struct af_aws *aws, const struct af_aws_counts **ret) {
  *ret = aws->counts;
  return aws->n_counts;
}

void af_client_count_sent(struct af_aws *aws, const struct af_op *op) {
  counts_of(aws, op->label)->sent++;
}

/* --- replies of AWS's APIs --- */

/* AWS has a host for each Region, so a Region that there is none of shows as a host that there is none of. */
static void unknown_host_hint(const char *region, const struct af_http_result *r, struct af_error *err) {
  if (*region && strstr(r->failure, region))
    af_error_hint(err, "no host of Region \"%s\" can be found: either AWS has no Region of that name, or the network or its name server (DNS) is "
                       "in trouble", region);
  else
    af_error_hint(err, "either the endpoint is misspelt, or the network or its name server (DNS) is in trouble");
}

static int no_reply(const struct af_op *op, const char *region, const struct af_http_result *r, struct af_error *err) {
  bool lost = r->sent == AF_SENT_MAYBE;
  af_error_set(err, -AF_EAWS, AF_CLASS_TRANSIENT, lost ? "ReplyLost" : "ConnectionFailed", "%s: %s", op->label, r->failure);
  if (r->unknown_host)
    unknown_host_hint(region, r, err);
  else if (!lost)
    af_error_hint(err, "look at the network, at proxies (https_proxy) and at certificates (AWS_CA_BUNDLE)");
  af_classify(op, r->sent, err);
  return -AF_EAWS;
}

int af_client_decode(struct af_aws *aws, const struct af_op *op, const char *region, const struct af_http_result *r, json_t **ret_output,
                     char request_id[80], struct af_error *err) {
  int64_t theirs;
  int rc;
  request_id[0] = 0;
  if (r->sent == AF_SENT_REPLIED) {
    struct af_reply reply = {.status = r->status, .body = af_buf_view(&r->body), .content_type = af_str(r->content_type),
                             .request_id = af_str(r->request_id), .bucket_region = af_str(r->bucket_region),
                             .region = af_str(region)};
    if (date_ms(r->date, &theirs))
      aws->skew_ms = theirs - af_now_ms(aws->config.clock);
    rc = af_decode(op, &reply, ret_output, request_id, err);
    if (rc < 0 && rc != -AF_EAWS)
      af_classify(op, AF_SENT_MAYBE, err); /* memory ran out over the reply: what it said is lost */
  } else {
    rc = no_reply(op, region, r, err);
  }
  if (rc < 0) {
    AF_COPY(err->action, af_str(op->label));
    counts_of(aws, op->label)->failed++;
    counts_of(aws, op->label)->throttled += err->class == AF_CLASS_THROTTLED;
  }
  return rc;
}

/* --- calls --- */

static void dispatch(struct af_call_state *c);

/* The call has its answer: it goes to the caller. */
static void finish(struct af_call_state *c, int rc) {
  struct af_error *err = &c->answer.error;
  c->answer.rc = rc < 0 ? -AF_EAWS : 0;
  if (rc < 0) {
    if (!*err->action)
      AF_COPY(err->action, af_str(c->op->label));
    if (!*err->region)
      AF_COPY(err->region, af_str(c->region));
    if (!*err->account)
      AF_COPY(err->account, af_str(af_session_account(c->session)));
  }
  af_buf_done(&c->body);
  c->queue_next = NULL;
  *c->aws->ready_tail = c;
  c->aws->ready_tail = &c->queue_next;
}

/* Presigns the encoded call for the source Region's endpoint, with the caller's own credentials (rules.md 2.2). */
static int presign(struct af_call_state *c, const char *source_region, struct af_str query, struct af_buf *out, struct af_error *err) {
  struct af_endpoint_options options = af_settings_endpoint(af_session_settings(c->session), c->op->service);
  struct af_endpoint e;
  int rc = af_endpoint_resolve(&e, c->op->service, source_region, &options, err);
  return rc < 0 ? rc : af_client_presign(c->aws, c->op, &e, af_session_credentials(c->session), query, out, err);
}

/* The input with DestinationRegion and PresignedUrl; what is presigned is the whole call with DestinationRegion. */
static int encode_presigned(struct af_call_state *c, struct af_error *err) {
  struct af_buf query, url;
  json_t *input = json_copy(c->input);
  const char *source = json_string_value(json_object_get(c->input, "SourceRegion"));
  /* Where memory runs out json_copy() drops members without a word: a KmsKeyId must not get lost that way. */
  if (json_object_size(input) != json_object_size(c->input) || json_object_set_new(input, "DestinationRegion", json_string(c->region)) < 0) {
    json_decref(input);
    return af_error_nomem(err);
  }
  json_object_del(input, "PresignedUrl");
  af_buf_init(&query, AF_BODY_MAX);
  af_buf_init_secret(&url, AF_BODY_MAX);
  int rc = af_encode(c->op, input, &query, err);
  if (rc == 0)
    rc = presign(c, source ? source : "", af_buf_view(&query), &url, err);
  json_t *text = rc == 0 ? json_stringn(af_buf_cstr(&url), url.len) : NULL;
  if (rc == 0 && (!text || json_object_set(input, "PresignedUrl", text) < 0))
    rc = af_error_nomem(err);
  if (rc == 0)
    rc = af_encode(c->op, input, &c->body, err);
  json_object_del(input, "PresignedUrl");
  af_json_wipe(text);
  json_decref(input);
  af_buf_done(&url);
  af_buf_done(&query);
  return rc;
}

static int endpoint_of(const struct af_call_state *c, struct af_endpoint *ret, struct af_error *err) {
  struct af_endpoint_options options = af_settings_endpoint(af_session_settings(c->session), c->op->service);
  const json_t *bucket = c->op->protocol == AF_PROTOCOL_REST_XML ? json_object_get(c->input, "Bucket") : NULL;
  int rc = af_endpoint_resolve(ret, c->op->service, c->region, &options, err);
  if (rc == 0 && bucket)
    af_endpoint_name_bucket(ret, af_str_n(json_string_value(bucket), json_string_length(bucket)));
  return rc;
}

static int send_call(struct af_call_state *c, struct af_error *err) {
  struct af_endpoint e;
  int rc = endpoint_of(c, &e, err);
  if (rc == 0 && c->op->presigned_source) {
    af_buf_reset(&c->body);
    rc = encode_presigned(c, err);
  }
  if (rc < 0)
    return rc;
  c->generation = af_session_generation(c->session);
  return af_client_fly_op(c->aws, &c->flight, c->op, &e, c->op->unsigned_ ? NULL : af_session_credentials(c->session), c->input,
                          af_buf_view(&c->body), err);
}

static void wait_for_session(struct af_call_state *c) {
  struct af_session_calls *calls = af_session_calls(c->session);
  c->queue_next = NULL;
  *calls->tail = c;
  calls->tail = &c->queue_next;
}

static void dispatch(struct af_call_state *c) {
  int rc;
  enum af_session_state state = c->op->unsigned_ ? AF_SESSION_READY : af_session_need(c->session, c->region);
  if (state == AF_SESSION_WAIT) {
    wait_for_session(c);
  } else if (state == AF_SESSION_FAILED) {
    c->answer.error = *af_session_failure(c->session);
    finish(c, -AF_EAWS);
  } else {
    af_error_clear(&c->answer.error);
    rc = send_call(c, &c->answer.error);
    if (rc < 0)
      finish(c, rc);
  }
}

void af_client_resume(struct af_session *s) {
  struct af_session_calls *calls = af_session_calls(s);
  struct af_call_state *c = calls->first, *next;
  calls->first = NULL;
  calls->tail = &calls->first;
  for (; c; c = next) { /* one that must wait again joins the new list */
    next = c->queue_next;
    dispatch(c);
  }
}

/* Has AWS refused the call for a reason that is gone the next time? Each reason counts once a call. */
static bool once_more(struct af_call_state *c, const struct af_http_result *r) {
  const struct af_error *err = &c->answer.error;
  if (r->sent != AF_SENT_REPLIED || r->status < 400 || r->status > 499)
    return false;
  if (!c->reclocked && af_is_clock_skew(err->code) && af_client_reclocked(c->aws, &c->flight, r->date)) {
    c->reclocked = true;
    return true;
  }
  if (!c->renewed && !c->op->unsigned_ && af_is_expired_credentials(err->code)) {
    af_session_refused(c->session, c->generation);
    c->renewed = true;
    return true;
  }
  return false;
}

/* Codes that say that AWS doesn't know these credentials. The call is lost, but the next one gets what its provider has then: a person may
 * have put new keys into the file, a role's session may have been revoked. */
static bool credentials_unknown(const struct af_error *err) {
  static const char *const codes[] = {"InvalidClientTokenId",      "InvalidAccessKeyId",    "InvalidToken", "UnrecognizedClientException",
                                      "InvalidSignatureException", "SignatureDoesNotMatch"};
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
    if (strcmp(err->code, codes[i]) == 0)
      return true;
  return strcmp(err->code, "AuthFailure") == 0 && strstr(err->message, "not able to validate");
}

static void call_landed(struct af_flight *f, struct af_http_result *r) {
  struct af_call_state *c = (struct af_call_state *)f;
  struct af_answer *a = &c->answer;
  int rc = af_client_decode(c->aws, c->op, c->region, r, &a->output, a->request_id, &a->error);
  a->retry_after_ms = r->retry_after_ms;
  if (rc < 0 && once_more(c, r)) {
    dispatch(c);
    return;
  }
  if (rc < 0 && credentials_unknown(&a->error))
    af_session_refused(c->session, c->generation);
  if (rc == 0 && c->op == &af_sts_get_caller_identity)
    af_session_learn_account(c->session, af_str(json_string_value(json_object_get(a->output, "Account"))));
  finish(c, rc);
}

static void unlink_call(struct af_call_state *c) {
  if (c->prev)
    c->prev->next = c->next;
  else
    c->aws->calls = c->next;
  if (c->next)
    c->next->prev = c->prev;
  c->aws->n_calls--;
}

static void free_call(struct af_call_state *c) {
  af_client_ground(c->aws, &c->flight);
  unlink_call(c);
  af_buf_done(&c->body);
  json_decref(c->input);
  free(c);
}

static int new_call(struct af_call_state **ret, struct af_aws *aws, const struct af_call *call, struct af_error *err) {
  struct af_call_state *c = calloc(1, sizeof *c);
  if (!c)
    return af_error_nomem(err);
  c->flight.landed = call_landed;
  c->aws = aws;
  c->op = call->op;
  c->session = call->session;
  c->input = json_incref(call->input);
  c->answer.tag = call->tag;
  c->answer.retry_after_ms = -1;
  AF_COPY(c->region, af_str(call->region));
  af_buf_init_secret(&c->body, AF_BODY_MAX);
  c->next = aws->calls;
  if (c->next)
    c->next->prev = c;
  aws->calls = c;
  aws->n_calls++;
  *ret = c;
  return 0;
}

/* What can be known to be wrong before anything is sent: the input and the endpoint. */
static int check_call(struct af_call_state *c, struct af_error *err) {
  struct af_endpoint_options options = af_settings_endpoint(af_session_settings(c->session), c->op->service);
  struct af_endpoint e;
  const char *source = json_string_value(json_object_get(c->input, "SourceRegion"));
  int rc = af_encode(c->op, c->input, &c->body, err);
  if (rc == 0)
    rc = endpoint_of(c, &e, err);
  if (rc == 0 && c->op->presigned_source)
    rc = af_endpoint_resolve(&e, c->op->service, source, &options, err);
  return rc;
}

int af_aws_send(struct af_aws *aws, const struct af_call *call, struct af_error *err) {
  struct af_call_state *c = NULL;
  if (aws->n_calls == AF_CALLS_MAX)
    return af_error_set(err, -AF_EBUSY, AF_CLASS_TRANSIENT, "TooManyCalls", "%d calls are in flight", AF_CALLS_MAX);
  int rc = new_call(&c, aws, call, err);
  if (rc < 0)
    return rc;
  rc = check_call(c, err);
  if (rc < 0) {
    free_call(c);
    return rc;
  }
  dispatch(c);
  return 0;
}

/* --- waiting and taking --- */

/* Lands what has come and ticks the sessions; returns when the next timer is due. */
static int64_t pump(struct af_aws *aws) {
  int64_t due = INT64_MAX;
  land_all(aws);
  for (struct af_session *s = aws->sessions; s; s = af_session_next(s)) {
    int64_t mine = af_session_tick(s, af_mono_ms(aws->config.clock));
    due = mine < due ? mine : due;
  }
  return due;
}

int af_aws_wait(struct af_aws *aws, int64_t timeout_ms) {
  int64_t due = pump(aws), wait = timeout_ms < 0 ? 0 : timeout_ms;
  if (aws->ready)
    wait = 0;
  else if (due != INT64_MAX) {
    int64_t left = due - af_mono_ms(aws->config.clock);
    wait = left < wait ? left : wait;
  }
  int rc = aws->config.http->wait(aws->config.http->ctx, wait < 0 ? 0 : wait);
  pump(aws);
  return rc;
}

bool af_aws_next(struct af_aws *aws, struct af_answer *ret) {
  struct af_call_state *c = aws->ready;
  if (!c)
    return false;
  aws->ready = c->queue_next;
  if (!aws->ready)
    aws->ready_tail = &aws->ready;
  *ret = c->answer;
  free_call(c);
  return true;
}

void af_answer_done(struct af_answer *a) {
  if (!a)
    return;
  json_decref(a->output);
  *a = (struct af_answer){.retry_after_ms = -1};
}

size_t af_aws_in_flight(const struct af_aws *aws) {
  return aws->n_calls;
}

int af_aws_endpoint(struct af_aws *aws, struct af_session *s, const char *service, const char *region, struct af_buf *out, struct af_error *err) {
  struct af_endpoint_options options = af_settings_endpoint(af_session_settings(s), service);
  struct af_endpoint e;
  int rc = af_endpoint_resolve(&e, service, region, &options, err);
  if (rc < 0)
    return rc;
  af_endpoint_url(&e.url, out);
  return af_buf_rc(out) < 0 ? af_error_nomem(err) : 0;
}

int af_aws_ca_bundle(const struct af_env *env, struct af_buf *out, struct af_error *err) {
  struct af_profiles *profiles = NULL;
  struct af_settings settings;
  struct af_setting v;
  int rc = af_profiles_load(&profiles, env, err);
  if (rc < 0)
    return rc;
  rc = af_settings_read(&settings, env, profiles, NULL, err);
  if (rc == 0) {
    if (af_setting_get(&v, env, (const char *const[2]){"AWS_CA_BUNDLE"}, profiles, af_str(settings.profile), "ca_bundle"))
      af_buf_str(out, v.text);
    af_settings_done(&settings);
    rc = af_buf_rc(out) < 0 ? af_error_nomem(err) : 0;
  }
  af_profiles_free(profiles);
  return rc;
}

/* --- making and freeing --- */

int af_aws_new(struct af_aws **ret, const struct af_aws_config *config, struct af_error *err) {
  struct af_aws *aws = calloc(1, sizeof *aws);
  if (!aws)
    return af_error_nomem(err);
  aws->config = *config;
  aws->ready_tail = &aws->ready;
  *ret = aws;
  return 0;
}

void af_aws_free(struct af_aws *aws) {
  if (!aws)
    return;
  while (aws->calls) {
    struct af_call_state *c = aws->calls;
    json_decref(c->answer.output);
    free_call(c);
  }
  while (aws->sessions) {
    struct af_session *s = aws->sessions;
    aws->sessions = af_session_next(s);
    af_session_free(s);
  }
  free(aws);
}
