/* The simulation's front door: routes each request, counts what happened. A call goes through here in this
 * order, which is AWS's: what is asked (service, action), who asks (the signature), what is wrong today (faults), the call itself,
 * and the way back (faults again). */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/s3.h"

enum { HEADERS_MAX = 64 << 10, BODY_MAX = 64 << 20, NOTE_MAX = 2048, AMBIGUOUS_MAX = 100000 };

/* ---- replies ---- */

void cs_reply_init(struct cs_reply *r) {
  *r = (struct cs_reply){.status = 200};
  af_buf_init(&r->headers, HEADERS_MAX);
  af_buf_init(&r->body, BODY_MAX);
  af_buf_init(&r->note, NOTE_MAX);
}

void cs_reply_done(struct cs_reply *r) {
  cs_buf_done(&r->headers);
  cs_buf_done(&r->body);
  cs_buf_done(&r->note);
}

void cs_reply_header(struct cs_reply *reply, const char *name, const char *value) {
  af_buf_printf(&reply->headers, "%s: %s\n", name, value);
}

static void put_json(struct cs_reply *reply, int status, json_t *value) {
  char *text = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(15)); /* a speed of 0.1 is 0.1, and not 0.10000000000000001 */
  reply->status = status;
  cs_reply_header(reply, "Content-Type", "application/json");
  af_buf_puts(&reply->body, text);
  free(text);
  json_decref(value);
}

/* ---- texts ---- */

bool cs_one_of_texts(const char *text, const char *const *list) {
  for (; *list; list++)
    if (strcmp(text, *list) == 0)
      return true;
  return false;
}

bool cs_of_charset(const char *text, const char *extra) {
  for (const char *s = text; *s; s++)
    if (!((*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '_' || strchr(extra, *s)))
      return false;
  return true;
}

/* ---- counting ---- */

void cs_count(json_t *table, const char *row, const char *column) {
  json_t *counts = json_object_get(table, row);
  if (!counts) {
    counts = json_object();
    json_object_set_new(table, row, counts);
  }
  json_object_set_new(counts, column, json_integer(json_integer_value(json_object_get(counts, column)) + 1));
}

static bool reads_only(const char *action) {
  return strncmp(action, "Describe", 8) == 0 || strncmp(action, "List", 4) == 0 || strncmp(action, "Get", 3) == 0 ||
         strncmp(action, "Head", 4) == 0;
}

static void count_call(const struct cs_call *call) {
  char name[96];
  snprintf(name, sizeof name, "%s:%s", call->service, call->action[0] ? call->action : "-");
  cs_count(call->sim->front->calls, name, call->failure.status ? call->failure.code : "ok");
}

static void count_ambiguous(const struct cs_call *call) {
  json_t *list = call->sim->front->ambiguous;
  char when[AF_TIME_SIZE];
  if (call->failure.status || reads_only(call->action) || json_array_size(list) >= AMBIGUOUS_MAX)
    return;
  af_time_iso(call->now_ms, when);
  json_array_append_new(
      list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "time", when, "service", call->service, "action", call->action, "account",
                      call->caller.account, "region", call->region ? call->region->name : "", "request_id", call->request_id));
}

/* ---- what is asked ---- */

static void make_request_id(struct cs_sim *sim, char out[40]) {
  char hex[33];
  af_random_hex(&sim->front->random.random, hex, 32);
  snprintf(out, 40, "%.8s-%.4s-4%.3s-b%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17, hex + 20);
}

/* Only text that may stand in names of counters and messages. */
static void take_action(struct cs_call *call, struct af_str action) {
  for (size_t i = 0; i < action.len; i++)
    if (!((action.ptr[i] >= 'A' && action.ptr[i] <= 'Z') || (action.ptr[i] >= 'a' && action.ptr[i] <= 'z') ||
          (action.ptr[i] >= '0' && action.ptr[i] <= '9')))
      action.len = i;
  AF_COPY(call->action, action);
}

static int read_params(struct cs_call *call, const struct cs_request *req) {
  bool post = af_str_eq(req->method, af_str("POST"));
  int rc = cs_params_read(&call->params, post && req->body.len > 0 ? req->body : req->query);
  return rc < 0 ? cs_fail(call, 400, "MalformedQueryString", "The query string contains a syntax error.") : 0;
}

/* AWS's hosts tell the services apart. Here all share one, so the protocol tells: X-Amz-Target is KMS, S3 alone has paths, and the
 * query protocols name their Version; where none of them speaks, the scope of the signature does. */
static enum cs_service find_service(struct cs_call *call, const struct cs_request *req, const struct cs_auth *auth) {
  struct af_str target;
  if (cs_header_get(req, "X-Amz-Target", &target)) {
    static const char prefix[] = "TrentService.";
    if (af_str_starts(target, prefix))
      take_action(call, af_str_n(target.ptr + strlen(prefix), target.len - strlen(prefix)));
    return CS_KMS;
  }
  if (cs_s3_speaks(req, auth))
    return CS_S3;
  read_params(call, req);
  const char *action = cs_param(&call->params, "Action"), *version = cs_param(&call->params, "Version");
  if (action)
    take_action(call, af_str(action));
  if (af_streq(version, "2011-06-15"))
    return CS_STS;
  if (version)
    return CS_EC2;
  return af_str_eq(auth->sig.service, af_str("sts")) ? CS_STS : CS_EC2;
}

/* ---- a call ---- */

static void put_error(struct cs_call *call, enum cs_service service, struct cs_reply *reply) {
  static void (*const writers[])(const struct cs_call *call, struct cs_reply *reply) = {
      [CS_EC2] = cs_ec2_error, [CS_STS] = cs_sts_error, [CS_KMS] = cs_kms_error, [CS_S3] = cs_s3_error};
  cs_buf_reset(&reply->headers);
  cs_buf_reset(&reply->body);
  if (call->failure.status == 502 || call->failure.status == 504) { /* these come from a load balancer, which speaks HTML */
    reply->status = call->failure.status;
    cs_reply_header(reply, "Content-Type", "text/html");
    af_buf_printf(&reply->body, "<html><head><title>%d</title></head><body><center><h1>%d</h1></center></body></html>",
                  reply->status, reply->status);
    return;
  }
  writers[service](call, reply);
}

static void dispatch(struct cs_call *call, enum cs_service service, const struct cs_request *req, struct cs_reply *reply) {
  if (service == CS_KMS)
    cs_kms_handle(call, req->body, reply);
  else if (service == CS_S3)
    cs_s3_handle(call, reply);
  else if (!call->action[0])
    cs_fail(call, 400, "MissingAction", "The request is missing an action or a required parameter.");
  else if (service == CS_STS)
    cs_sts_handle(call, reply);
  else
    cs_ec2_handle(call, reply);
}

/* What faults do to a reply that is ready. */
static void spoil(struct cs_call *call, enum cs_service service, const struct cs_fault_effects *faults, struct cs_reply *reply) {
  bool spoilt = faults->after.status || faults->lost_after || faults->half || faults->malformed;
  if (spoilt)
    count_ambiguous(call);
  if (faults->after.status && !call->failure.status) {
    call->failure = faults->after;
    put_error(call, service, reply);
  }
  if (faults->malformed && reply->body.len > 1)
    reply->body.ptr[reply->body.len /= 2] = 0;
  if (faults->half)
    reply->fate = CS_FATE_HALF;
  if (faults->lost_after)
    reply->fate = CS_FATE_CLOSE;
}

static void judge_and_carry_out(struct cs_call *call, enum cs_service service, const struct cs_request *req,
                                const struct cs_auth *auth, const char *why, const struct cs_fault_effects *faults,
                                struct cs_reply *reply) {
  bool signed_ = !(service == CS_STS && cs_sts_unsigned(call->action));
  if (!call->failure.status && signed_)
    cs_auth_verify(call, service, req, auth, why, &faults->auth);
  if (!call->failure.status && faults->before.status)
    call->failure = faults->before;
  if (!call->failure.status) {
    call->empty_page = faults->empty_page;
    dispatch(call, service, req, reply);
  }
  if (call->failure.status && reply->body.len == 0)
    put_error(call, service, reply);
}

static void note(const struct cs_call *call, struct cs_reply *reply) {
  af_buf_printf(&reply->note, "%s:%s %s %s %s%s%s", call->service, call->action[0] ? call->action : "-",
                call->caller.account[0] ? call->caller.account : "-", call->region ? call->region->name : "-", call->request_id,
                call->failure.status ? " " : "", call->failure.code);
}

static void put_request_id(const struct cs_call *call, enum cs_service service, struct cs_reply *reply) {
  char host_id[80];
  cs_reply_header(reply, service == CS_S3 ? "x-amz-request-id" : "x-amzn-RequestId", call->request_id);
  if (service == CS_S3)
    cs_reply_header(reply, "x-amz-id-2", cs_s3_host_id(call, host_id));
}

static void api_call(struct cs_sim *sim, int64_t now_ms, const struct cs_request *req, struct cs_reply *reply) {
  struct cs_call call = {.sim = sim, .now_ms = now_ms, .sim_ms = cs_sim_time(sim, now_ms)};
  struct cs_auth auth;
  const char *why;
  make_request_id(sim, call.request_id);
  struct cs_s3_request s3 = {0};
  cs_auth_peek(sim, req, &auth, &why);
  enum cs_service service = find_service(&call, req, &auth);
  call.service = cs_service_names[service];
  call.view_ms = call.sim_ms;
  if (service == CS_S3)
    cs_s3_begin(&call, req, &auth, &s3);
  cs_ec2_advance(sim, call.sim_ms); /* first of all: what was due before this request has happened */
  char region[32];
  AF_COPY(region, auth.sig.region);
  const struct cs_account *account = auth.key ? auth.key->account : auth.session ? auth.session->account : NULL;
  struct cs_fault_key key = {service, call.action, account ? account->id : "", region};
  struct cs_fault_effects faults;
  cs_faults_draw(sim, &key, &faults);
  reply->delay_ms = faults.delay_ms;
  if (faults.cut_before) {
    reply->fate = CS_FATE_CLOSE;
    call.failure = (struct cs_failure){.status = 599, .code = "(cut)"};
  } else {
    judge_and_carry_out(&call, service, req, &auth, why, &faults, reply);
    spoil(&call, service, &faults, reply);
  }
  char date[AF_TIME_SIZE];
  af_time_http(now_ms + faults.auth.skew_ms, date);
  cs_reply_header(reply, "Date", date);
  put_request_id(&call, service, reply);
  count_call(&call);
  note(&call, reply);
  cs_params_done(&call.params);
  cs_s3_end(&s3);
  cs_auth_done(&auth);
}

/* ---- the simulator's own endpoints ---- */

static void control(struct cs_sim *sim, int64_t now_ms, const struct cs_request *req, struct cs_reply *reply) {
  bool get = af_str_eq(req->method, af_str("GET"));
  struct af_error err;
  af_buf_printf(&reply->note, "%.*s", (int)(req->path.len > 200 ? 200 : req->path.len), req->path.ptr);
  if (get && af_str_eq(req->path, af_str("/_cloudsim/audit"))) {
    put_json(reply, 200, cs_sim_audit(sim, now_ms));
  } else if (get && af_str_eq(req->path, af_str("/_cloudsim/health"))) {
    char world[AF_TIME_SIZE];
    af_time_iso(cs_sim_time(sim, now_ms), world);
    put_json(reply, 200, json_pack("{s:s, s:s, s:f}", "status", "ok", "world_time", world, "speed", sim->speed));
  } else if (af_str_eq(req->method, af_str("POST")) && af_str_eq(req->path, af_str("/_cloudsim/faults"))) {
    json_t *list = json_loadb(req->body.len ? req->body.ptr : "", req->body.len, 0, NULL);
    int rc = cs_sim_faults(sim, list, &err);
    put_json(reply, rc < 0 ? 400 : 200,
             rc < 0 ? json_pack("{s:s}", "error", err.message) : json_pack("{s:i}", "faults", (int)json_array_size(list)));
    json_decref(list);
  } else if (af_str_eq(req->method, af_str("POST")) && af_str_eq(req->path, af_str("/_cloudsim/subscribe"))) {
    json_t *wish = json_loadb(req->body.len ? req->body.ptr : "", req->body.len, 0, NULL);
    int rc = cs_sim_subscribe(sim, json_string_value(json_object_get(wish, "account")),
                              json_string_value(json_object_get(wish, "product_code")), &err);
    put_json(reply, rc < 0 ? 400 : 200, rc < 0 ? json_pack("{s:s}", "error", err.message) : json_pack("{s:s}", "status", "subscribed"));
    json_decref(wish);
  } else {
    put_json(reply, 404, json_pack("{s:s}", "error", "no such endpoint"));
  }
}

static void carry_out(struct cs_sim *sim, int64_t now_ms, const struct cs_request *req, struct cs_reply *ret) {
  char date[AF_TIME_SIZE];
  bool metadata = cs_metadata_handle(sim, now_ms, req, ret);
  if (metadata)
    af_buf_printf(&ret->note, "%.*s", (int)(req->path.len > 200 ? 200 : req->path.len), req->path.ptr);
  else if (af_str_starts(req->path, "/_cloudsim/"))
    control(sim, now_ms, req, ret);
  else {
    api_call(sim, now_ms, req, ret);
    return;
  }
  af_time_http(now_ms, date);
  cs_reply_header(ret, "Date", date);
}

void cs_sim_handle(struct cs_sim *sim, int64_t now_ms, const struct cs_request *req, struct cs_reply *ret) {
  carry_out(sim, now_ms, req, ret);
  cs_buf_whole(&ret->headers);
  cs_buf_whole(&ret->body);
  cs_buf_whole(&ret->note);
}

/* ---- faults and audit from outside ---- */

int cs_sim_faults(struct cs_sim *sim, const json_t *faults, struct af_error *err) {
  if (!json_is_array(faults))
    return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadFaults", "faults must be a JSON list");
  struct af_doc *doc;
  char *text = json_dumps(faults, JSON_INDENT(1));
  int rc = text ? af_doc_read(&doc, "faults", af_str(text), AF_DOC_JSON, NULL, err) : -AF_ENOMEM;
  if (rc == -AF_ENOMEM)
    cs_no_memory();
  if (rc == 0) {
    struct cs_reader r = {.doc = doc, .err = err, .sim = sim};
    rc = cs_faults_read(&r, af_doc_root(doc));
    af_doc_free(doc);
  }
  free(text);
  return rc;
}

/* Grants that the world had and that are gone, or that it had not and that are there. */
static json_t *grants_json(const struct cs_sim *sim, bool of_world) {
  json_t *list = json_array();
  for (size_t i = 0; i < sim->kms->n_grants; i++) {
    const struct cs_grant *g = sim->kms->grants[i];
    if (g->of_world == of_world && (g->ended_ms == INT64_MAX) != of_world)
      json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "key", g->key->arn, "grant", g->id, "name",
                                            g->name ? g->name : "", "grantee", g->grantee ? g->grantee : g->grantee_service));
  }
  return list;
}

json_t *cs_sim_audit(struct cs_sim *sim, int64_t now_ms) {
  json_t *audit = json_object();
  json_object_set_new(audit, "calls", json_deep_copy(sim->front->calls));
  json_object_set_new(audit, "faults", json_deep_copy(sim->front->faulted));
  json_object_set_new(audit, "ambiguous_effects", json_deep_copy(sim->front->ambiguous));
  json_object_set_new(audit, "grants_open", grants_json(sim, false));
  json_object_set_new(audit, "grants_lost", grants_json(sim, true));
  cs_audit_ec2(sim, cs_sim_time(sim, now_ms), audit);
  cs_s3_audit(sim, audit);
  return audit;
}

void cs_sim_set_speed(struct cs_sim *sim, double speed) {
  sim->speed = speed;
}

int64_t cs_sim_next_ms(struct cs_sim *sim, int64_t now_ms) {
  int64_t sim_ms = cs_sim_time(sim, now_ms);
  const int64_t next[] = {cs_ec2_next_ms(sim, sim_ms), cs_kms_next_ms(sim, sim_ms), cs_s3_next_ms(sim, sim_ms)};
  int64_t first = INT64_MAX;
  for (size_t i = 0; i < sizeof next / sizeof next[0]; i++)
    first = next[i] < first ? next[i] : first;
  return cs_sim_wall(sim, first);
}

/* ---- making and freeing ---- */

void cs_front_seed(struct cs_sim *sim, uint64_t seed) {
  /* Each has its own stream, so that one more request doesn't change later keys. */
  af_random_seed(&sim->identity->random, seed ^ 0x1DE47171);
  af_random_seed(&sim->kms->random, seed ^ 0x4B4D5321);
  af_random_seed(&sim->front->random, seed ^ 0xF4017A1E);
}

static void front_new(struct cs_sim *sim) {
  enum { GRANTS_PER_KEY = 50000 }; /* rules.md 3 */
  sim->identity = cs_new(sizeof *sim->identity);
  sim->kms = cs_new(sizeof *sim->kms);
  sim->s3 = cs_new(sizeof *sim->s3);
  sim->front = cs_new(sizeof *sim->front);
  sim->identity->instance_role_chains = true;
  sim->kms->grants_per_key = GRANTS_PER_KEY;
  sim->front->calls = json_object();
  sim->front->faulted = json_object();
  sim->front->ambiguous = json_array();
  cs_front_seed(sim, sim->seed);
}

void cs_identity_free(struct cs_sim *sim) {
  cs_identity_done(sim->identity);
  cs_kms_done(sim->kms);
  cs_s3_done(sim->s3);
  if (sim->front) {
    cs_faults_clear(sim->front);
    json_decref(sim->front->calls);
    json_decref(sim->front->faulted);
    json_decref(sim->front->ambiguous);
    free(sim->front->metadata_tokens);
    free(sim->front);
  }
  sim->identity = NULL;
  sim->kms = NULL;
  sim->s3 = NULL;
  sim->front = NULL;
}

int cs_sim_new(struct cs_sim **ret, const struct af_doc *world, int64_t now_ms, uint64_t seed, struct af_error *err) {
  struct cs_sim *sim = cs_new(sizeof *sim);
  sim->start_ms = now_ms;
  sim->speed = 1.0;
  sim->seed = seed;
  af_random_seed(&sim->ids, seed);
  af_random_seed(&sim->lags, seed + 1);
  af_random_seed(&sim->times, seed + 2);
  front_new(sim);
  int rc = cs_world_load(sim, world, err);
  if (rc < 0)
    cs_sim_free(sim);
  else
    *ret = sim;
  return rc;
}

void cs_sim_free(struct cs_sim *sim) {
  if (!sim)
    return;
  cs_world_free(sim);
  cs_identity_free(sim);
  free(sim);
}
