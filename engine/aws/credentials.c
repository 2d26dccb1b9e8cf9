/* The plan of a principal's credentials: which provider comes first, and which roles are assumed on top of it. It follows botocore's order
 * (rules.md section 7, Provider order): environment, assume-role profile, web identity, the profile's own keys and process, container,
 * instance. Everything but the last is decided here, from files and variables alone. */
#include "engine/aws/credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct planner {
  const struct af_env *env;
  const struct af_profiles *profiles;
  struct af_credential_plan *plan;
  struct af_error *err;
};

static const char *env_of(const struct planner *p, const char *name) {
  const char *value = p->env->get(p->env->ctx, name);
  return value && *value ? value : NULL;
}

static int dup_into(char **ret, struct af_str s, struct af_error *err) {
  free(*ret);
  *ret = af_str_dup(s);
  return *ret ? 0 : af_error_nomem(err);
}

/* --- roles --- */

static bool role_arn_ok(struct af_str arn) {
  char account[16];
  const char *role = arn.len ? memmem(arn.ptr, arn.len, ":role/", 6) : NULL;
  return af_str_starts(arn, "arn:") && af_arn_account(arn, account) && role && role + 6 < arn.ptr + arn.len && arn.len <= 2048 &&
         !memchr(arn.ptr, '\n', arn.len);
}

static bool chars_ok(struct af_str s, const char *extra, size_t min, size_t max) {
  if (s.len < min || s.len > max)
    return false;
  for (size_t i = 0; i < s.len; i++) {
    char c = s.ptr[i];
    bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!word && (c == 0 || !strchr(extra, c)))
      return false;
  }
  return true;
}

static int bad_role(struct af_error *err, const char *origin, const char *key, struct af_str value, const char *rule) {
  return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadRole", "%s: %s \"%.*s\": %s", origin, key, (int)(value.len > 200 ? 200 : value.len),
                      value.len ? value.ptr : "", rule);
}

/* The patterns of the STS model (rules.md section 7, AssumeRole). */
static int fill_role(struct af_role_hop *hop, const char *origin, struct af_str arn, struct af_str external_id, struct af_str name, struct af_error *err) {
  if (!role_arn_ok(arn))
    return bad_role(err, origin, "role_arn", arn, "a role is arn:PARTITION:iam::ACCOUNT:role/NAME");
  if (external_id.len > 0 && !chars_ok(external_id, "+=,.@:/-", 2, 1224))
    return bad_role(err, origin, "external_id", external_id, "2 to 1224 of letters, digits and _+=,.@:/-");
  if (name.len > 0 && !chars_ok(name, "+=,.@-", 2, 64))
    return bad_role(err, origin, "role_session_name", name, "2 to 64 of letters, digits and _+=,.@-");
  AF_COPY(hop->session_name, name.len > 0 ? name : af_str("amiferry"));
  int rc = dup_into(&hop->role_arn, arn, err);
  if (rc == 0 && external_id.len > 0)
    rc = dup_into(&hop->external_id, external_id, err);
  return rc;
}

static struct af_str text_of(const struct planner *p, struct af_str profile, const char *key) {
  struct af_profile_value v = {0};
  return af_profiles_get(p->profiles, profile, key, &v) ? v.text : af_str_n(NULL, 0);
}

static int read_duration(const struct planner *p, struct af_str profile, struct af_role_hop *hop) {
  struct af_profile_value v;
  if (!af_profiles_get(p->profiles, profile, "duration_seconds", &v))
    return 0;
  if (af_str_to_i64(v.text, &hop->duration_s) < 0 || hop->duration_s < 900 || hop->duration_s > 43200)
    return af_profiles_error(p->profiles, &v, p->err, "BadRole", "duration_seconds is 900 to 43200");
  return 0;
}

static int refuse_mfa(const struct planner *p, struct af_str profile) {
  struct af_profile_value v;
  if (!af_profiles_get(p->profiles, profile, "mfa_serial", &v))
    return 0;
  af_profiles_error(p->profiles, &v, p->err, "MfaUnsupported", "profile %.*s asks for an MFA code, which a program that runs unattended can't give",
                    (int)profile.len, profile.ptr);
  if (p->err)
    p->err->class = AF_CLASS_AUTH;
  af_error_hint(p->err, "use a role that doesn't ask for MFA, or get credentials with the AWS CLI and set "
                        "credential_process = aws configure export-credentials --profile NAME in a profile of its own");
  return -AF_EINVAL;
}

/* The role of this profile becomes the innermost hop so far: what was there moves out. */
static int push_role(struct planner *p, struct af_str profile, const struct af_profile_value *arn) {
  struct af_credential_plan *plan = p->plan;
  char origin[AF_ORIGIN_SIZE];
  snprintf(origin, sizeof origin, "%.300s:%d", af_profiles_path(p->profiles, arn->file), arn->line);
  if (plan->n_hops == AF_ROLE_HOPS_MAX)
    return af_error_set(p->err, -AF_EINVAL, AF_CLASS_INVALID, "ProfileLoop", "%s: more than %d roles in a chain", origin, AF_ROLE_HOPS_MAX);
  int rc = refuse_mfa(p, profile);
  if (rc < 0)
    return rc;
  memmove(&plan->hops[1], &plan->hops[0], plan->n_hops * sizeof plan->hops[0]);
  plan->hops[0] = (struct af_role_hop){0};
  plan->n_hops++;
  rc = fill_role(&plan->hops[0], origin, arn->text, text_of(p, profile, "external_id"), text_of(p, profile, "role_session_name"), p->err);
  return rc < 0 ? rc : read_duration(p, profile, &plan->hops[0]);
}

/* --- what one profile gives by itself --- */

static bool has(const struct planner *p, struct af_str profile, const char *key) {
  struct af_profile_value v;
  return af_profiles_get(p->profiles, profile, key, &v);
}

static int use_profile(struct planner *p, enum af_source source, struct af_str profile) {
  p->plan->source = source;
  return dup_into(&p->plan->profile, profile, p->err);
}

static int use_file(struct planner *p, enum af_profile_file file, struct af_str profile) {
  p->plan->file = file;
  return use_profile(p, AF_SOURCE_FILE, profile);
}

static int use_process(struct planner *p, struct af_str profile, struct af_str command) {
  int rc = dup_into(&p->plan->command, command, p->err);
  return rc < 0 ? rc : use_profile(p, AF_SOURCE_PROCESS, profile);
}

/* Each of the three may come from the environment (unless a profile was chosen by the caller), else from the profile. */
static int try_web_identity(struct planner *p, struct af_str profile, bool environment, bool *ret_found) {
  const char *file = environment ? env_of(p, "AWS_WEB_IDENTITY_TOKEN_FILE") : NULL;
  const char *arn = environment ? env_of(p, "AWS_ROLE_ARN") : NULL;
  const char *name = environment ? env_of(p, "AWS_ROLE_SESSION_NAME") : NULL;
  struct af_str token_file = file ? af_str(file) : text_of(p, profile, "web_identity_token_file");
  struct af_str role = arn ? af_str(arn) : text_of(p, profile, "role_arn");
  struct af_str session = name ? af_str(name) : text_of(p, profile, "role_session_name");
  if (token_file.len == 0)
    return 0;
  const char *origin = file ? "AWS_WEB_IDENTITY_TOKEN_FILE" : "web_identity_token_file";
  if (role.len == 0)
    return af_error_set(p->err, -AF_EINVAL, AF_CLASS_INVALID, "BadProfile", "%s is given, but no role to assume with it (AWS_ROLE_ARN, role_arn)",
                        origin);
  int rc = fill_role(&p->plan->web, origin, role, af_str_n(NULL, 0), session, p->err);
  if (rc == 0)
    rc = dup_into(&p->plan->token_file, token_file, p->err);
  if (rc == 0)
    rc = use_profile(p, AF_SOURCE_WEB_IDENTITY, profile);
  *ret_found = rc == 0;
  return rc;
}

static int refuse_kind(const struct planner *p, struct af_str profile, const char *code, const char *kind) {
  af_error_set(p->err, -AF_EINVAL, AF_CLASS_AUTH, code, "profile %.*s signs in with %s, which amiferry doesn't do itself", (int)profile.len,
               profile.ptr, kind);
  af_error_hint(p->err, "let the AWS CLI do it: use a profile of its own with credential_process = aws configure export-credentials --profile %.*s",
                (int)profile.len, profile.ptr);
  return -AF_EINVAL;
}

/* The providers that a profile's own settings make, in their order. SSO and login come last: where another tool has put keys for the same
 * profile in the credentials file, they are what the user wants. */
static int try_profile(struct planner *p, struct af_str profile, bool environment, bool *ret_found) {
  struct af_profile_value v;
  int rc = try_web_identity(p, profile, environment, ret_found);
  if (rc < 0 || *ret_found)
    return rc;
  *ret_found = true;
  if (af_profiles_get_from(p->profiles, AF_PROFILE_CREDENTIALS, profile, "aws_access_key_id", &v))
    return use_file(p, AF_PROFILE_CREDENTIALS, profile);
  if (af_profiles_get(p->profiles, profile, "credential_process", &v))
    return use_process(p, profile, v.text);
  if (af_profiles_get_from(p->profiles, AF_PROFILE_CONFIG, profile, "aws_access_key_id", &v))
    return use_file(p, AF_PROFILE_CONFIG, profile);
  *ret_found = false;
  if (has(p, profile, "sso_session") || has(p, profile, "sso_start_url") || has(p, profile, "sso_account_id"))
    return refuse_kind(p, profile, "SsoUnsupported", "IAM Identity Center (SSO)");
  if (has(p, profile, "login_session"))
    return refuse_kind(p, profile, "LoginUnsupported", "`aws login`");
  return 0;
}

/* --- the services of containers and instances --- */

static bool env_says(const struct planner *p, const char *name, const char *value) {
  const char *v = env_of(p, name);
  return v && strcasecmp(v, value) == 0;
}

static bool container_configured(const struct planner *p) {
  return env_of(p, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") || env_of(p, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
}

static int use_instance(struct planner *p, struct af_str profile) {
  struct af_setting endpoint, mode;
  struct af_url url;
  struct af_buf text;
  bool ipv6 = af_setting_get(&mode, p->env, (const char *const[2]){"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"}, p->profiles, profile,
                             "ec2_metadata_service_endpoint_mode") &&
              mode.text.len == 4 && strncasecmp(mode.text.ptr, "IPv6", 4) == 0;
  if (!af_setting_get(&endpoint, p->env, (const char *const[2]){"AWS_EC2_METADATA_SERVICE_ENDPOINT"}, p->profiles, profile,
                      "ec2_metadata_service_endpoint")) {
    endpoint.text = af_str(ipv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254");
    AF_COPY(endpoint.origin, af_str("the instance metadata service"));
  }
  int rc = af_url_parse(&url, endpoint.text, endpoint.origin, p->err);
  if (rc < 0)
    return rc;
  af_buf_init(&text, AF_URL_MAX);
  af_endpoint_url(&url, &text);
  struct af_str base = af_buf_view(&text);
  while (base.len > 0 && base.ptr[base.len - 1] == '/')
    base.len--;
  p->plan->source = AF_SOURCE_INSTANCE;
  rc = dup_into(&p->plan->instance_url, base, p->err);
  af_buf_done(&text);
  return rc;
}

static int no_credentials(const struct planner *p, struct af_str profile) {
  af_error_set(p->err, -AF_EINVAL, AF_CLASS_AUTH, "NoCredentials",
               "no credentials: none in the environment, none in profile %.*s of %s and %s, no container, and the instance metadata service is turned off",
               (int)profile.len, profile.ptr, af_profiles_path(p->profiles, AF_PROFILE_CONFIG),
               af_profiles_path(p->profiles, AF_PROFILE_CREDENTIALS));
  af_error_hint(p->err, "name a profile that has credentials (AWS_PROFILE), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  return -AF_EINVAL;
}

/* --- a profile with a role --- */

static bool wants_role(const struct planner *p, struct af_str profile) {
  return has(p, profile, "role_arn") && !has(p, profile, "web_identity_token_file");
}

static int use_credential_source(struct planner *p, struct af_str profile, const struct af_profile_value *v) {
  if (af_str_eq(v->text, af_str("Environment"))) {
    p->plan->source = AF_SOURCE_ENV;
    return 0;
  }
  if (af_str_eq(v->text, af_str("EcsContainer"))) {
    p->plan->source = AF_SOURCE_CONTAINER;
    return 0;
  }
  if (af_str_eq(v->text, af_str("Ec2InstanceMetadata")))
    return use_instance(p, profile);
  return af_profiles_error(p->profiles, v, p->err, "BadProfile", "credential_source is Environment, Ec2InstanceMetadata or EcsContainer");
}

/* The profile that a role's source_profile names; *ret_done where its credentials end the chain. A profile may name itself if it has keys. */
static int follow_source(struct planner *p, struct af_str from, const struct af_profile_value *source, bool *ret_done) {
  struct af_str to = source->text;
  if (!af_profiles_has(p->profiles, to)) {
    char near[AF_PROFILE_NEAR_SIZE];
    int rc = af_profiles_error(p->profiles, source, p->err, "ProfileNotFound", "source_profile: there is no profile \"%.*s\"", (int)to.len, to.ptr);
    if (af_profiles_nearest(p->profiles, to, near))
      af_error_hint(p->err, "did you mean %s?", near);
    return rc;
  }
  bool keys = has(p, to, "aws_access_key_id");
  *ret_done = keys || !wants_role(p, to);
  if (!*ret_done && af_str_eq(from, to))
    return af_profiles_error(p->profiles, source, p->err, "ProfileLoop", "profile \"%.*s\" names itself as its source and has no keys", (int)to.len,
                             to.ptr);
  if (!*ret_done)
    return 0;
  bool ok = false;
  int rc = try_profile(p, to, false, &ok);
  if (rc == 0 && !ok)
    rc = af_profiles_error(p->profiles, source, p->err, "NoCredentials", "source_profile: profile \"%.*s\" has no credentials", (int)to.len, to.ptr);
  return rc;
}

static int one_role(struct planner *p, struct af_str profile, struct af_str *ret_next, bool *ret_done) {
  struct af_profile_value arn, source, kind;
  bool has_source = af_profiles_get(p->profiles, profile, "source_profile", &source);
  bool has_kind = af_profiles_get(p->profiles, profile, "credential_source", &kind);
  if (!af_profiles_get(p->profiles, profile, "role_arn", &arn))
    return -AF_EINVAL; /* wants_role() has seen it */
  if (has_source == has_kind)
    return af_profiles_error(p->profiles, &arn, p->err, "BadProfile", "profile \"%.*s\": a role_arn wants %s source_profile %s credential_source",
                             (int)profile.len, profile.ptr, has_source ? "one of" : "either", has_source ? "and" : "or");
  int rc = push_role(p, profile, &arn);
  if (rc < 0)
    return rc;
  if (has_kind) {
    *ret_done = true;
    return use_credential_source(p, profile, &kind);
  }
  *ret_next = source.text;
  return follow_source(p, profile, &source, ret_done);
}

static int follow_roles(struct planner *p, struct af_str profile) {
  struct af_str seen[AF_ROLE_HOPS_MAX + 1];
  bool done = false;
  for (size_t n = 0; !done; n++) {
    for (size_t i = 0; i < n; i++)
      if (af_str_eq(seen[i], profile))
        return af_error_set(p->err, -AF_EINVAL, AF_CLASS_INVALID, "ProfileLoop", "source_profile: the profiles go in a circle at \"%.*s\"",
                            (int)profile.len, profile.ptr);
    seen[n] = profile; /* push_role() ends the chain before this is full */
    int rc = one_role(p, profile, &profile, &done);
    if (rc < 0)
      return rc;
  }
  return 0;
}

/* --- the chain --- */

static int choose(struct planner *p, const struct af_settings *s) {
  struct af_str profile = af_str(s->profile);
  bool found = false;
  if (!s->profile_explicit && env_of(p, "AWS_ACCESS_KEY_ID")) {
    p->plan->source = AF_SOURCE_ENV;
    return 0;
  }
  if (wants_role(p, profile))
    return follow_roles(p, profile);
  int rc = try_profile(p, profile, !s->profile_explicit, &found);
  if (rc < 0 || found)
    return rc;
  if (container_configured(p)) {
    p->plan->source = AF_SOURCE_CONTAINER;
    return 0;
  }
  return env_says(p, "AWS_EC2_METADATA_DISABLED", "true") ? no_credentials(p, profile) : use_instance(p, profile);
}

static int make_label(struct planner *p) {
  static const char *const names[AF_SOURCE_MAX_] = {
      [AF_SOURCE_ENV] = "environment", [AF_SOURCE_FILE] = "profile ", [AF_SOURCE_PROCESS] = "credential_process of profile ",
      [AF_SOURCE_WEB_IDENTITY] = "web identity > role ", [AF_SOURCE_CONTAINER] = "container", [AF_SOURCE_INSTANCE] = "instance"};
  struct af_credential_plan *plan = p->plan;
  struct af_buf b;
  af_buf_init(&b, 32768);
  af_buf_puts(&b, names[plan->source]);
  if (plan->source == AF_SOURCE_FILE || plan->source == AF_SOURCE_PROCESS)
    af_buf_puts(&b, plan->profile);
  if (plan->source == AF_SOURCE_WEB_IDENTITY)
    af_buf_puts(&b, plan->web.role_arn);
  for (size_t i = 0; i < plan->n_hops; i++)
    af_buf_printf(&b, " > role %s", plan->hops[i].role_arn);
  plan->label = af_buf_steal(&b);
  af_buf_done(&b);
  return plan->label ? 0 : af_error_nomem(p->err);
}

/* The caller's own role, outermost. */
static int add_role(struct planner *p, const struct af_principal *who) {
  struct af_credential_plan *plan = p->plan;
  if (!who->role_arn)
    return 0;
  if (plan->n_hops == AF_ROLE_HOPS_MAX)
    return af_error_set(p->err, -AF_EINVAL, AF_CLASS_INVALID, "ProfileLoop", "more than %d roles in a chain", AF_ROLE_HOPS_MAX);
  return fill_role(&plan->hops[plan->n_hops++], "role", af_str(who->role_arn), af_str(who->external_id), af_str_n(NULL, 0), p->err);
}

int af_credential_plan_make(struct af_credential_plan *ret, const struct af_env *env, const struct af_profiles *profiles,
                            const struct af_settings *settings, const struct af_principal *who, struct af_error *err) {
  struct af_credential_plan plan = {0};
  struct planner p = {.env = env, .profiles = profiles, .plan = &plan, .err = err};
  int rc = choose(&p, settings);
  if (rc == 0)
    rc = add_role(&p, who);
  if (rc == 0)
    rc = make_label(&p);
  if (rc < 0) {
    af_credential_plan_done(&plan);
    return rc;
  }
  *ret = plan;
  return 0;
}

static void hop_done(struct af_role_hop *h) {
  free(h->role_arn);
  free(h->external_id);
}

void af_credential_plan_done(struct af_credential_plan *p) {
  if (!p)
    return;
  free(p->profile);
  free(p->command);
  free(p->token_file);
  free(p->instance_url);
  free(p->label);
  hop_done(&p->web);
  for (size_t i = 0; i < p->n_hops; i++)
    hop_done(&p->hops[i]);
  *p = (struct af_credential_plan){0};
}
