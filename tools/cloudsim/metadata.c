/* The endpoints that hand out a role's credentials: the instance metadata service, version 2, and the container endpoint
 * (rules.md 7). The world file names the roles: sts.instance_role, sts.container_role. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/front.h"

enum { TOKEN_TTL_MAX_S = 21600, ROLE_S = 6 * 3600, RENEW_MS = 5 * 60000 };

static void answer(struct cs_reply *reply, int status, const char *type, const char *body) {
  reply->status = status;
  cs_reply_header(reply, "Content-Type", type);
  cs_reply_header(reply, "Server", "EC2ws");
  af_buf_puts(&reply->body, body);
}

/* The session last handed out while it has long enough to live, else a fresh one: the real services renew ahead of time, too. */
static const struct cs_session *session_for(struct cs_sim *sim, int64_t now_ms, const char *role, const char *name,
                                            char last[32]) {
  const struct cs_principal *p = cs_principal_find(sim, role);
  struct cs_session *s = last[0] ? cs_session_find(sim, af_str(last)) : NULL;
  int64_t life_ms = sim->identity->session_ms ? sim->identity->session_ms : ROLE_S * 1000;
  int64_t margin_ms = life_ms / 2 < RENEW_MS ? life_ms / 2 : RENEW_MS;
  if (s && s->expires_ms - now_ms > margin_ms)
    return s;
  s = cs_session_new(sim, p, name, now_ms, ROLE_S);
  af_str_copy(last, 32, af_str(s->access_key));
  return s;
}

static void put_credentials(struct cs_reply *reply, const struct cs_session *s, int64_t now_ms, const char *role_arn) {
  char updated[AF_TIME_SIZE], expires[AF_TIME_SIZE];
  af_time_iso_s(now_ms, updated);
  af_time_iso_s(s->expires_ms, expires);
  json_t *o = role_arn ? json_pack("{s:s}", "RoleArn", role_arn)
                       : json_pack("{s:s, s:s, s:s}", "Code", "Success", "LastUpdated", updated, "Type", "AWS-HMAC");
  json_object_set_new(o, "AccessKeyId", json_string(s->access_key));
  json_object_set_new(o, "SecretAccessKey", json_string(s->secret));
  json_object_set_new(o, "Token", json_string(s->token));
  json_object_set_new(o, "Expiration", json_string(expires));
  char *text = json_dumps(o, JSON_INDENT(2));
  answer(reply, 200, role_arn ? "application/json" : "text/plain", text);
  free(text);
  json_decref(o);
}

/* ---- IMDSv2 ---- */

static void put_token(struct cs_sim *sim, int64_t now_ms, const struct cs_request *req, struct cs_reply *reply) {
  struct af_str ttl;
  int64_t seconds = 0;
  if (!af_str_eq(req->method, af_str("PUT")) || !cs_header_get(req, "x-aws-ec2-metadata-token-ttl-seconds", &ttl) ||
      af_str_to_i64(ttl, &seconds) < 0 || seconds < 1 || seconds > TOKEN_TTL_MAX_S) {
    answer(reply, 400, "text/html", "");
    return;
  }
  struct cs_metadata_token *t = CS_ADD(sim->front->metadata_tokens, sim->front->n_metadata_tokens);
  cs_random_base32(&sim->identity->random, t->text, 56);
  t->expires_ms = now_ms + seconds * 1000;
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)seconds);
  cs_reply_header(reply, "x-aws-ec2-metadata-token-ttl-seconds", text);
  answer(reply, 200, "text/plain", t->text);
}

static bool token_holds(const struct cs_sim *sim, int64_t now_ms, const struct cs_request *req) {
  struct af_str token;
  if (!cs_header_get(req, "x-aws-ec2-metadata-token", &token))
    return false;
  for (size_t i = 0; i < sim->front->n_metadata_tokens; i++)
    if (af_str_eq(token, af_str(sim->front->metadata_tokens[i].text)))
      return now_ms < sim->front->metadata_tokens[i].expires_ms;
  return false;
}

static void get_metadata(struct cs_sim *sim, int64_t now_ms, const struct cs_request *req, struct cs_reply *reply) {
  static const char credentials[] = "/latest/meta-data/iam/security-credentials/";
  const struct cs_identity *id = sim->identity;
  const struct cs_principal *role = id->instance_role ? cs_principal_find(sim, id->instance_role) : NULL;
  struct af_str path = req->path;
  if (!token_holds(sim, now_ms, req)) {
    answer(reply, 401, "text/html", ""); /* version 1 is off */
    return;
  }
  size_t n = strlen(credentials);
  if (af_str_eq(path, af_str("/latest/meta-data/placement/region")) && (id->instance_region || sim->n_regions)) {
    answer(reply, 200, "text/plain", id->instance_region ? id->instance_region : sim->regions[0].name);
  } else if (role && (af_str_eq(path, af_str(credentials)) || af_str_eq(path, af_str_n(credentials, n - 1)))) {
    answer(reply, 200, "text/plain", role->name);
  } else if (role && af_str_starts(path, credentials) && af_str_eq(af_str_n(path.ptr + n, path.len - n), af_str(role->name))) {
    struct cs_session *s = cs_session_find(
        sim, af_str(session_for(sim, now_ms, role->arn, "i-0123456789abcdef0", sim->front->instance_session)->access_key));
    s->chains = id->instance_role_chains;
    put_credentials(reply, s, now_ms, NULL);
  } else {
    answer(reply, 404, "text/html", "");
  }
}

static void get_container(struct cs_sim *sim, int64_t now_ms, const struct cs_request *req, struct cs_reply *reply) {
  const struct cs_identity *id = sim->identity;
  struct af_str token = {0};
  cs_header_get(req, "Authorization", &token);
  if (id->container_token && !af_str_eq(token, af_str(id->container_token)))
    answer(reply, 401, "application/json",
           "{\"code\":\"InvalidAuthorizationToken\",\"message\":\"the Authorization header is not the token\"}");
  else if (!id->container_role)
    answer(reply, 404, "application/json", "{\"code\":\"NoRole\",\"message\":\"the world file names no sts.container_role\"}");
  else
    put_credentials(reply, session_for(sim, now_ms, id->container_role, "container", sim->front->container_session), now_ms,
                    id->container_role);
}

bool cs_metadata_handle(struct cs_sim *sim, int64_t now_ms, const struct cs_request *req, struct cs_reply *reply) {
  if (af_str_eq(req->path, af_str("/latest/api/token")))
    put_token(sim, now_ms, req, reply);
  else if (af_str_starts(req->path, "/latest/"))
    get_metadata(sim, now_ms, req, reply);
  else if (af_str_eq(req->path, af_str("/_cloudsim/container-credentials")))
    get_container(sim, now_ms, req, reply);
  else
    return false;
  return true;
}
