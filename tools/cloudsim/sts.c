/* STS: AssumeRole and its kin (rules.md 7), in the query protocol (rules.md 8). Sessions belong to identity.c.
 *
 * Not simulated, and refused rather than passed over: PolicyArns of customer policies, MFA, SAML. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/front.h"

static const char namespace_uri[] = "https://sts.amazonaws.com/doc/2011-06-15/";

enum { ROLE_MIN_S = 900, ROLE_MAX_S = 43200, CHAIN_MAX_S = 3600, USER_MAX_S = 129600, USER_DEFAULT_S = 43200, ROOT_MAX_S = 3600 };

/* ---- replies ---- */

static void begin(struct cs_call *call, struct cs_reply *reply) {
  reply->status = 200;
  cs_reply_header(reply, "Content-Type", "text/xml");
  af_buf_printf(&reply->body, "<%sResponse xmlns=\"%s\"><%sResult>", call->action, namespace_uri, call->action);
}

static void end(struct cs_call *call, struct cs_reply *reply) {
  af_buf_printf(&reply->body, "</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>",
                call->action, call->request_id, call->action);
}

void cs_sts_error(const struct cs_call *call, struct cs_reply *reply) {
  reply->status = call->failure.status;
  cs_reply_header(reply, "Content-Type", "text/xml");
  af_buf_printf(&reply->body, "<ErrorResponse xmlns=\"%s\"><Error><Type>%s</Type>", namespace_uri,
                call->failure.status >= 500 ? "Receiver" : "Sender");
  cs_xml_text(&reply->body, "Code", call->failure.code);
  cs_xml_text(&reply->body, "Message", call->failure.message);
  af_buf_printf(&reply->body, "</Error><RequestId>%s</RequestId></ErrorResponse>", call->request_id);
}

static void put_credentials(struct af_buf *b, const struct cs_session *s) {
  char expires[AF_TIME_SIZE];
  af_time_iso_s(s->expires_ms, expires);
  cs_xml_open(b, "Credentials");
  cs_xml_text(b, "AccessKeyId", s->access_key);
  cs_xml_text(b, "SecretAccessKey", s->secret);
  cs_xml_text(b, "SessionToken", s->token);
  cs_xml_text(b, "Expiration", expires);
  cs_xml_close(b, "Credentials");
}

static void put_assumed_user(struct af_buf *b, const struct cs_session *s) {
  struct cs_caller as;
  cs_caller_of_session(&as, s);
  cs_xml_open(b, "AssumedRoleUser");
  cs_xml_text(b, "AssumedRoleId", as.user_id);
  cs_xml_text(b, "Arn", as.arn);
  cs_xml_close(b, "AssumedRoleUser");
}

/* ---- parameters ---- */

static int invalid(struct cs_call *call, const char *value, const char *member, const char *constraint) {
  return cs_fail(call, 400, "ValidationError",
                 "1 validation error detected: Value %s%s%s at '%s' failed to satisfy constraint: %s", value ? "'" : "",
                 value ? value : "null", value ? "'" : "", member, constraint);
}

/* The parameters of STS that are text, with the limits of its model. */
static const struct text_rule {
  const char *name, *member;
  size_t min, max;
  const char *extra; /* allowed besides \w; NULL: anything */
  bool required;
} text_rules[] = {
    {"RoleArn", "roleArn", 20, 2048, NULL, true},
    {"RoleSessionName", "roleSessionName", 2, 64, "+=,.@-", true},
    {"ExternalId", "externalId", 2, 1224, "+=,.@:/-", false},
    {"SourceIdentity", "sourceIdentity", 2, 64, "+=,.@-", false},
    {"WebIdentityToken", "webIdentityToken", 4, 20000, NULL, false},
};

static int check_texts(struct cs_call *call) {
  for (size_t i = 0; i < sizeof text_rules / sizeof text_rules[0]; i++) {
    const struct text_rule *rule = &text_rules[i];
    const char *value = cs_param(&call->params, rule->name);
    char constraint[160];
    if (!value && rule->required)
      return invalid(call, NULL, rule->member, "Member must not be null");
    if (value && strlen(value) < rule->min) {
      snprintf(constraint, sizeof constraint, "Member must have length greater than or equal to %zu", rule->min);
      return invalid(call, value, rule->member, constraint);
    }
    if (value && strlen(value) > rule->max) {
      snprintf(constraint, sizeof constraint, "Member must have length less than or equal to %zu", rule->max);
      return invalid(call, "(too long)", rule->member, constraint);
    }
    if (value && rule->extra && !cs_of_charset(value, rule->extra)) {
      snprintf(constraint, sizeof constraint, "Member must satisfy regular expression pattern: [\\w%s]*", rule->extra);
      return invalid(call, value, rule->member, constraint);
    }
  }
  return 0;
}

/* DurationSeconds, within [min, max]; *ret keeps its default where it isn't given. */
static int read_duration(struct cs_call *call, int64_t min, int64_t max, int64_t *ret) {
  const char *value = cs_param(&call->params, "DurationSeconds");
  char constraint[120];
  if (!value)
    return 0;
  if (af_str_to_i64(af_str(value), ret) < 0)
    return cs_fail(call, 400, "MalformedInput", "DurationSeconds must be a number");
  if (*ret >= min && *ret <= max)
    return 0;
  snprintf(constraint, sizeof constraint, "Member must have value %s than or equal to %lld", *ret < min ? "greater" : "less",
           (long long)(*ret < min ? min : max));
  return invalid(call, value, "durationSeconds", constraint);
}

static int read_session_policy(struct cs_call *call, json_t **ret) {
  const char *text = cs_param(&call->params, "Policy");
  struct af_error err;
  *ret = NULL;
  if (cs_param_prefix(&call->params, "PolicyArns.") || cs_param(&call->params, "SerialNumber"))
    return cs_fail(call, 400, "ValidationError", "cloudsim does not simulate PolicyArns and MFA");
  if (!text)
    return 0;
  if (strlen(text) > 2048)
    return cs_fail(call, 400, "PackedPolicyTooLarge",
                   "Packed policy consumes %zu%% of allotted space, please use smaller policy.", strlen(text) * 100 / 2048);
  if (cs_policy_parse(ret, af_str(text), CS_POLICY_IDENTITY, &err) < 0)
    return cs_fail(call, 400, "MalformedPolicyDocument", "This policy contains invalid Json: %s", err.message);
  return 0;
}

/* ---- who may assume a role ---- */

/* rules.md 7: what the first session of a chain was given stays. NULL: none. */
static const char *source_identity(struct cs_call *call) {
  const struct cs_session *from = call->caller.session;
  return from && from->source_identity[0] ? from->source_identity : cs_param(&call->params, "SourceIdentity");
}

static json_t *assume_context(struct cs_call *call) {
  json_t *values = cs_context_values(&call->caller, call->region ? call->region->name : NULL);
  const char *external = cs_param(&call->params, "ExternalId"), *source = source_identity(call);
  json_object_set_new(values, "sts:RoleSessionName", json_string(cs_param(&call->params, "RoleSessionName")));
  if (external)
    json_object_set_new(values, "sts:ExternalId", json_string(external));
  if (source)
    json_object_set_new(values, "sts:SourceIdentity", json_string(source));
  json_t *keys = json_array();
  const char *key;
  for (int i = 1; i <= 50 && (key = cs_paramf(&call->params, "Tags.member.%d.Key", i)); i++) {
    char name[200];
    const char *value = cs_paramf(&call->params, "Tags.member.%d.Value", i);
    snprintf(name, sizeof name, "aws:RequestTag/%.128s", key);
    json_object_set_new(values, name, json_string(value ? value : ""));
    json_array_append_new(keys, json_string(key));
  }
  if (json_array_size(keys) > 0)
    json_object_set(values, "aws:TagKeys", keys);
  json_decref(keys);
  return values;
}

/* Trust policy and the caller's own policies, for one action. A trust that names the caller himself needs no identity policy in
 * the same account; across accounts both sides must agree. */
static bool may_assume(struct cs_call *call, const struct cs_principal *role, const char *action,
                       const struct cs_context *context) {
  struct cs_ask ask = {.who = cs_who_limited(&call->caller, action, role->arn, context), .action = action, .context = context};
  enum cs_verdict trust = role->trust ? cs_policy_says(role->trust, &ask, CS_POLICY_RESOURCE) : CS_SILENT;
  enum cs_verdict own = cs_identity_says(call->sim, &call->caller, action, role->arn, context);
  if (trust == CS_DENY || own == CS_DENY || trust == CS_SILENT)
    return false;
  bool same_account = strcmp(role->account->id, call->caller.account) == 0;
  return own == CS_ALLOW || (same_account && trust == CS_ALLOW);
}

static int check_trust(struct cs_call *call, const struct cs_principal *role) {
  const char *actions[3] = {"sts:AssumeRole"};
  size_t n = 1;
  if (source_identity(call)) /* each role on the way must let it in */
    actions[n++] = "sts:SetSourceIdentity";
  if (cs_param_prefix(&call->params, "Tags.member."))
    actions[n++] = "sts:TagSession";
  struct cs_context context = {.values = assume_context(call)};
  int rc = 0;
  for (size_t i = 0; i < n && rc == 0; i++)
    if (!role || role->kind != CS_ROLE || !may_assume(call, role, actions[i], &context))
      rc = cs_fail(call, 403, "AccessDenied", "User: %s is not authorized to perform: %s on resource: %s", call->caller.arn,
                   actions[i], cs_param(&call->params, "RoleArn"));
  json_decref(context.values);
  return rc;
}

static int check_source_identity(struct cs_call *call) {
  const char *given = cs_param(&call->params, "SourceIdentity");
  if (!given || strcmp(given, source_identity(call)) == 0)
    return 0;
  return cs_fail(call, 403, "AccessDenied", "The source identity of the session is already set and cannot be changed");
}

static int check_role_duration(struct cs_call *call, const struct cs_principal *role, int64_t duration_s, bool chained) {
  if (duration_s > role->max_session_s)
    return cs_fail(call, 400, "ValidationError",
                   "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  if (chained && duration_s > CHAIN_MAX_S) /* rules.md 7: the call fails, it isn't cut */
    return cs_fail(call, 400, "ValidationError",
                   "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.");
  return 0;
}

static void assume_role(struct cs_call *call, struct cs_reply *reply) {
  int64_t duration_s = CHAIN_MAX_S;
  json_t *policy = NULL;
  const char *source = source_identity(call);
  const struct cs_session *from = call->caller.session;
  if (check_texts(call) < 0 || read_duration(call, ROLE_MIN_S, ROLE_MAX_S, &duration_s) < 0)
    return;
  if (!call->caller.principal) {
    cs_fail(call, 403, "AccessDenied", "Roles may not be assumed by root accounts.");
    return;
  }
  const struct cs_principal *role = cs_principal_find(call->sim, cs_param(&call->params, "RoleArn"));
  if (check_trust(call, role) < 0 || check_source_identity(call) < 0 || check_role_duration(call, role, duration_s, from && from->chains) < 0 ||
      read_session_policy(call, &policy) < 0)
    return;
  struct cs_session *s =
      cs_session_new(call->sim, role, cs_param(&call->params, "RoleSessionName"), call->now_ms + call->skew_ms, duration_s);
  s->chains = true;
  s->policy = policy;
  if (source)
    AF_COPY(s->source_identity, af_str(source));
  begin(call, reply);
  put_credentials(&reply->body, s);
  put_assumed_user(&reply->body, s);
  if (s->source_identity[0])
    cs_xml_text(&reply->body, "SourceIdentity", s->source_identity);
  if (policy)
    cs_xml_int(&reply->body, "PackedPolicySize", 6);
  end(call, reply);
}

/* ---- web identity: the one unsigned call ---- */

static const struct cs_web_identity *find_web(const struct cs_sim *sim, const char *token) {
  for (size_t i = 0; token && i < sim->identity->n_web; i++)
    if (strcmp(sim->identity->web[i].token, token) == 0)
      return &sim->identity->web[i];
  return NULL;
}

/* "https://issuer.example/x:sub" is how the condition keys of a provider are named: by what follows oidc-provider/. */
static bool trusts_web(struct cs_call *call, const struct cs_principal *role, const struct cs_web_identity *web) {
  const char *slash = strchr(web->provider, '/');
  char name[300];
  json_t *values = json_object();
  snprintf(name, sizeof name, "%s:sub", slash ? slash + 1 : web->provider);
  json_object_set_new(values, name, json_string(web->subject));
  snprintf(name, sizeof name, "%s:aud", slash ? slash + 1 : web->provider);
  json_object_set_new(values, name, json_string(web->audience));
  json_object_set_new(values, "sts:RoleSessionName", json_string(cs_param(&call->params, "RoleSessionName")));
  struct cs_context context = {.values = values};
  struct cs_ask ask = {
      .who = {.account = "", .federated = web->provider}, .action = "sts:AssumeRoleWithWebIdentity", .context = &context};
  bool yes = role->trust && cs_policy_says(role->trust, &ask, CS_POLICY_RESOURCE) == CS_ALLOW;
  json_decref(values);
  return yes;
}

static void assume_role_with_web_identity(struct cs_call *call, struct cs_reply *reply) {
  int64_t duration_s = CHAIN_MAX_S;
  json_t *policy = NULL;
  const char *token = cs_param(&call->params, "WebIdentityToken");
  if (check_texts(call) < 0 || read_duration(call, ROLE_MIN_S, ROLE_MAX_S, &duration_s) < 0)
    return;
  if (!token) {
    invalid(call, NULL, "webIdentityToken", "Member must not be null");
    return;
  }
  const struct cs_web_identity *web = find_web(call->sim, token);
  const struct cs_principal *role = cs_principal_find(call->sim, cs_param(&call->params, "RoleArn"));
  if (!web)
    cs_fail(call, 400, "InvalidIdentityToken",
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)");
  else if (web->expired)
    cs_fail(call, 400, "ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time");
  else if (!role || role->kind != CS_ROLE || !trusts_web(call, role, web))
    cs_fail(call, 403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
  else
    check_role_duration(call, role, duration_s, false);
  if (call->failure.status || read_session_policy(call, &policy) < 0)
    return;
  struct cs_session *s =
      cs_session_new(call->sim, role, cs_param(&call->params, "RoleSessionName"), call->now_ms + call->skew_ms, duration_s);
  s->chains = true;
  s->policy = policy;
  begin(call, reply);
  put_credentials(&reply->body, s);
  cs_xml_text(&reply->body, "SubjectFromWebIdentityToken", web->subject);
  put_assumed_user(&reply->body, s);
  cs_xml_text(&reply->body, "Provider", web->provider);
  cs_xml_text(&reply->body, "Audience", web->audience);
  end(call, reply);
}

/* ---- the small ones ---- */

static void get_caller_identity(struct cs_call *call, struct cs_reply *reply) {
  begin(call, reply);
  cs_xml_text(&reply->body, "Arn", call->caller.arn);
  cs_xml_text(&reply->body, "UserId", call->caller.user_id);
  cs_xml_text(&reply->body, "Account", call->caller.account);
  end(call, reply);
}

static void get_session_token(struct cs_call *call, struct cs_reply *reply) {
  bool root = !call->caller.principal;
  int64_t duration_s = root ? ROOT_MAX_S : USER_DEFAULT_S;
  if (call->caller.session) {
    cs_fail(call, 403, "AccessDenied", "Cannot call GetSessionToken with session credentials");
    return;
  }
  if (read_duration(call, ROLE_MIN_S, USER_MAX_S, &duration_s) < 0)
    return;
  if (root && duration_s > ROOT_MAX_S)
    duration_s = ROOT_MAX_S;
  struct cs_session *s = cs_session_new(call->sim, call->caller.principal, "", call->now_ms + call->skew_ms, duration_s);
  s->account = cs_account_find(call->sim, call->caller.account);
  begin(call, reply);
  put_credentials(&reply->body, s);
  end(call, reply);
}

static void get_access_key_info(struct cs_call *call, struct cs_reply *reply) {
  const char *id = cs_param(&call->params, "AccessKeyId");
  if (!id) {
    invalid(call, NULL, "accessKeyId", "Member must not be null");
    return;
  }
  const struct cs_access_key *key = cs_access_key_find(call->sim, af_str(id));
  const struct cs_session *session = key ? NULL : cs_session_find(call->sim, af_str(id));
  if (!key && !session) {
    cs_fail(call, 400, "ValidationError", "Invalid Access Key ID: %.128s", id);
    return;
  }
  begin(call, reply);
  cs_xml_text(&reply->body, "Account", key ? key->account->id : session->account->id);
  end(call, reply);
}

static const struct {
  const char *action;
  void (*handle)(struct cs_call *call, struct cs_reply *reply);
  bool unsigned_;
} actions[] = {
    {"AssumeRole", assume_role, false},
    {"AssumeRoleWithWebIdentity", assume_role_with_web_identity, true},
    {"GetCallerIdentity", get_caller_identity, false},
    {"GetSessionToken", get_session_token, false},
    {"GetAccessKeyInfo", get_access_key_info, false},
};

bool cs_sts_unsigned(const char *action) {
  for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
    if (strcmp(actions[i].action, action) == 0)
      return actions[i].unsigned_;
  return false;
}

void cs_sts_handle(struct cs_call *call, struct cs_reply *reply) {
  for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
    if (strcmp(actions[i].action, call->action) == 0) {
      actions[i].handle(call, reply);
      if (call->failure.status)
        cs_sts_error(call, reply);
      return;
    }
  cs_fail(call, 400, "InvalidAction", "Could not find operation %s for version 2011-06-15", call->action);
  cs_sts_error(call, reply);
}
