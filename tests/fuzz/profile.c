/* Fuzz: the configuration that AWS's tools share, and what credentials come out of it (engine/aws; nothing is sent or started).
 *
 * An input has parts, each ended by a line that names the next: the config file, "=== credentials", that file, "=== environment", lines
 * NAME=VALUE, "=== reply", what a credential process or a metadata service answers. Laws: errors can be shown; what is accepted as a key
 * can stand in a header. */
#include "engine/aws/credentials.h"
#include "engine/aws/settings.h"
#include "tests/fuzz/fuzz.h"

enum { VARIABLES_MAX = 32 };

struct environment {
  char *names[VARIABLES_MAX], *values[VARIABLES_MAX];
  size_t n;
};

static const char *env_get(void *ctx, const char *name) {
  const struct environment *e = ctx;
  for (size_t i = 0; i < e->n; i++)
    if (af_streq(e->names[i], name)) return e->values[i];
  return NULL;
}

static void env_read(struct environment *e, struct af_str text) {
  while (text.len && e->n < VARIABLES_MAX) {
    struct af_str line = fuzz_line(&text);
    const char *equals = line.len ? memchr(line.ptr, '=', line.len) : NULL;
    if (!equals || memchr(line.ptr, 0, line.len)) continue;
    size_t n = (size_t)(equals - line.ptr);
    e->names[e->n] = af_str_dup(af_str_n(line.ptr, n));
    e->values[e->n++] = af_str_dup(af_str_n(equals + 1, line.len - n - 1));
  }
}

static void env_done(struct environment *e) {
  for (size_t i = 0; i < e->n; i++) {
    free(e->names[i]);
    free(e->values[i]);
  }
}

static void check_reply(int rc, struct af_credential_reply *reply, const struct af_error *err) {
  if (rc) {
    fuzz_error(err);
    return;
  }
  MUST(*reply->credentials.access_key_id);
  for (const char *p = reply->credentials.access_key_id; *p; p++) MUST(*p > ' ' && *p < 0x7f);
  af_credential_reply_done(reply);
}

static void check_plan(const struct af_env *env, const struct af_profiles *profiles, const struct af_settings *settings,
                       const struct af_principal *who) {
  struct af_credential_plan plan;
  struct af_credential_reply reply;
  struct af_error err;
  char **words;
  int rc = af_credential_plan_make(&plan, env, profiles, settings, who, &err);
  if (rc) {
    fuzz_error(&err);
    return;
  }
  MUST(plan.source < AF_SOURCE_MAX_ && plan.n_hops <= AF_ROLE_HOPS_MAX && *plan.label);
  if (plan.source == AF_SOURCE_ENV) check_reply(af_credentials_from_env(&reply, env, &err), &reply, &err);
  if (plan.source == AF_SOURCE_FILE)
    check_reply(af_credentials_from_profile(&reply, profiles, plan.file, plan.profile, &err), &reply, &err);
  if (plan.source == AF_SOURCE_PROCESS) {
    if (af_split_command(af_str(plan.command), &words, &err)) fuzz_error(&err);
    else free(words);
  }
  af_credential_plan_done(&plan);
}

static void check_settings(const struct af_env *env, const struct af_profiles *profiles, const struct af_principal *who) {
  static const char *const services[] = {"ec2", "kms", "s3", "sts"};
  struct af_settings settings;
  struct af_endpoint endpoint;
  struct af_error err;
  if (af_settings_read(&settings, env, profiles, who->profile, &err)) {
    fuzz_error(&err);
    return;
  }
  for (size_t i = 0; i < COUNT(services); i++) {
    struct af_endpoint_options options = af_settings_endpoint(&settings, services[i]);
    if (af_endpoint_resolve(&endpoint, services[i], settings.region, &options, &err)) fuzz_error(&err);
    else MUST(*endpoint.url.host && *endpoint.signing_region);
  }
  check_plan(env, profiles, &settings, who);
  af_settings_done(&settings);
}

static void check_container(const struct af_env *env) {
  struct af_buf url, authorization;
  struct af_error err;
  af_buf_init(&url, 4096);
  af_buf_init_secret(&authorization, 16 * 1024);
  if (env->get(env->ctx, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") == NULL && af_container_request(env, &url, &authorization, &err)) fuzz_error(&err);
  af_buf_done(&url);
  af_buf_done(&authorization);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct af_principal who[] = {
      {0}, {.profile = "a"}, {.profile = "b", .role_arn = "arn:aws:iam::111122223333:role/r", .external_id = "x"}};
  struct af_str rest = af_str_n((const char *)data, size);
  struct af_str config = fuzz_part(&rest, "=== credentials"), credentials = fuzz_part(&rest, "=== environment"),
                variables = fuzz_part(&rest, "=== reply");
  struct environment variables_read = {.n = 0};
  struct af_env env = {env_get, &variables_read};
  struct af_profiles *profiles;
  struct af_credential_reply reply;
  struct af_error err;
  env_read(&variables_read, variables);
  MUST(af_profiles_new(&profiles, &err) == 0);
  int rc = af_profiles_parse(profiles, AF_PROFILE_CONFIG, "config", config, &err);
  if (!rc) rc = af_profiles_parse(profiles, AF_PROFILE_CREDENTIALS, "credentials", credentials, &err);
  if (rc) fuzz_error(&err);
  for (size_t i = 0; i < COUNT(who) && !rc; i++) check_settings(&env, profiles, &who[i]);
  check_container(&env);
  check_reply(af_credentials_from_process(&reply, rest, "a process", &err), &reply, &err);
  check_reply(af_credentials_from_metadata(&reply, rest, "a service", &err), &reply, &err);
  af_profiles_free(profiles);
  env_done(&variables_read);
  return 0;
}
