/* Configuration resolution: environment over profile, endpoints from four places (rules.md section 7). */
#include "engine/aws/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const char *const endpoint_services[AF_SETTINGS_SERVICES] = {"ec2", "kms", "sts", "s3"};

static bool from_env(struct af_setting *ret, const struct af_env *env, const char *name) {
  const char *value = env->get(env->ctx, name);
  if (!value || !*value)
    return false;
  ret->text = af_str(value);
  AF_COPY(ret->origin, af_str(name));
  return true;
}

static void from_profile(struct af_setting *ret, const struct af_profiles *profiles, const struct af_profile_value *v) {
  ret->text = v->text;
  snprintf(ret->origin, sizeof ret->origin, "%.300s:%d", af_profiles_path(profiles, v->file), v->line);
}

bool af_setting_get(struct af_setting *ret, const struct af_env *env, const char *const variables[2], const struct af_profiles *profiles,
                    struct af_str profile, const char *key) {
  struct af_profile_value v;
  for (size_t i = 0; i < 2 && variables[i]; i++)
    if (from_env(ret, env, variables[i]))
      return true;
  if (!key || !af_profiles_get(profiles, profile, key, &v))
    return false;
  from_profile(ret, profiles, &v);
  return true;
}

int af_setting_bool(const struct af_setting *s, bool *ret, struct af_error *err) {
  if (s->text.len == 4 && strncasecmp(s->text.ptr, "true", 4) == 0)
    *ret = true;
  else if (s->text.len == 5 && strncasecmp(s->text.ptr, "false", 5) == 0)
    *ret = false;
  else
    return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadSetting", "%s: \"%.*s\" is neither true nor false", s->origin,
                        (int)(s->text.len > 100 ? 100 : s->text.len), s->text.ptr);
  return 0;
}

static int read_switch(bool *ret, const struct af_env *env, const char *variable, const struct af_profiles *profiles, struct af_str profile,
                       const char *key, struct af_error *err) {
  struct af_setting s;
  *ret = false;
  if (!af_setting_get(&s, env, (const char *const[2]){variable}, profiles, profile, key))
    return 0;
  return af_setting_bool(&s, ret, err);
}

int af_setting_endpoint(struct af_setting *ret, bool *ret_found, const struct af_env *env, const struct af_profiles *profiles,
                        struct af_str profile, const char *service, struct af_error *err) {
  bool ignore;
  char variable[64], key[64];
  struct af_profile_value v, services;
  int rc = read_switch(&ignore, env, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", profiles, profile, "ignore_configured_endpoint_urls", err);
  if (rc < 0)
    return rc;
  *ret_found = false;
  if (ignore)
    return 0;
  snprintf(variable, sizeof variable, "AWS_ENDPOINT_URL_%s", service);
  for (char *c = variable; *c; c++)
    *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c == '-' ? '_' : *c);
  snprintf(key, sizeof key, "%s.endpoint_url", service);
  *ret_found = from_env(ret, env, variable) || from_env(ret, env, "AWS_ENDPOINT_URL");
  if (*ret_found)
    return 0;
  *ret_found = (af_profiles_get(profiles, profile, "services", &services) && af_profiles_get_service(profiles, services.text, key, &v)) ||
               af_profiles_get(profiles, profile, "endpoint_url", &v);
  if (*ret_found)
    from_profile(ret, profiles, &v);
  return 0;
}

static int read_endpoints(struct af_settings *s, const struct af_env *env, const struct af_profiles *profiles, struct af_error *err) {
  for (size_t i = 0; i < AF_SETTINGS_SERVICES; i++) {
    struct af_setting url;
    bool found;
    int rc = af_setting_endpoint(&url, &found, env, profiles, af_str(s->profile), endpoint_services[i], err);
    if (rc < 0)
      return rc;
    if (!found)
      continue;
    s->endpoints[i].url = af_str_dup(url.text);
    s->endpoints[i].origin = af_str_dup(af_str(url.origin));
    if (!s->endpoints[i].url || !s->endpoints[i].origin)
      return af_error_nomem(err);
  }
  return 0;
}

static int read_region(struct af_settings *s, const struct af_env *env, const struct af_profiles *profiles, struct af_error *err) {
  struct af_setting v;
  if (!af_setting_get(&v, env, (const char *const[2]){"AWS_REGION", "AWS_DEFAULT_REGION"}, profiles, af_str(s->profile), "region"))
    return 0;
  if (!af_region_valid(v.text))
    return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadRegion", "%s: \"%.*s\" is no Region", v.origin,
                        (int)(v.text.len > 100 ? 100 : v.text.len), v.text.ptr);
  AF_COPY(s->region, v.text);
  return 0;
}

static int read_sts_mode(struct af_settings *s, const struct af_env *env, const struct af_profiles *profiles, struct af_error *err) {
  struct af_setting v;
  if (!af_setting_get(&v, env, (const char *const[2]){"AWS_STS_REGIONAL_ENDPOINTS"}, profiles, af_str(s->profile), "sts_regional_endpoints"))
    return 0;
  s->sts_legacy = af_str_eq(v.text, af_str("legacy"));
  if (!s->sts_legacy && !af_str_eq(v.text, af_str("regional")))
    return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadSetting", "%s: sts_regional_endpoints is \"regional\" or \"legacy\"", v.origin);
  return 0;
}

static int choose_profile(struct af_settings *s, const struct af_env *env, const struct af_profiles *profiles, const char *profile,
                          struct af_error *err) {
  struct af_setting v = {.text = af_str(profile)};
  s->profile_explicit = profile != NULL;
  s->profile_named = profile || from_env(&v, env, "AWS_DEFAULT_PROFILE") || from_env(&v, env, "AWS_PROFILE");
  s->profile = af_str_dup(s->profile_named ? v.text : af_str("default"));
  if (!s->profile)
    return af_error_nomem(err);
  /* "default" may be named without being there, as the CLI has it. */
  if (!s->profile_named || af_str_eq(v.text, af_str("default")) || af_profiles_has(profiles, v.text))
    return 0;
  af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "ProfileNotFound", "there is no profile \"%s\"%s%s in %s or %s", s->profile,
               s->profile_explicit ? "" : ", which is named by ", s->profile_explicit ? "" : v.origin,
               af_profiles_path(profiles, AF_PROFILE_CONFIG), af_profiles_path(profiles, AF_PROFILE_CREDENTIALS));
  char near[AF_PROFILE_NEAR_SIZE];
  bool found = af_profiles_nearest(profiles, af_str(s->profile), near);
  af_error_hint(err, "%s%s%sin the configuration file its section is [profile %.150s], in the credentials file [%.150s]", found ? "did you mean " : "",
                found ? near : "", found ? "? otherwise: " : "", s->profile, s->profile);
  return -AF_EINVAL;
}

int af_settings_read(struct af_settings *ret, const struct af_env *env, const struct af_profiles *profiles, const char *profile,
                     struct af_error *err) {
  struct af_settings s = {0};
  int rc = choose_profile(&s, env, profiles, profile, err);
  struct af_str name = af_str(s.profile);
  if (rc == 0)
    rc = read_region(&s, env, profiles, err);
  if (rc == 0)
    rc = read_switch(&s.fips, env, "AWS_USE_FIPS_ENDPOINT", profiles, name, "use_fips_endpoint", err);
  if (rc == 0)
    rc = read_switch(&s.dual_stack, env, "AWS_USE_DUALSTACK_ENDPOINT", profiles, name, "use_dualstack_endpoint", err);
  if (rc == 0)
    rc = read_sts_mode(&s, env, profiles, err);
  if (rc == 0)
    rc = read_endpoints(&s, env, profiles, err);
  if (rc < 0) {
    af_settings_done(&s);
    return rc;
  }
  *ret = s;
  return 0;
}

void af_settings_done(struct af_settings *s) {
  if (!s)
    return;
  free(s->profile);
  for (size_t i = 0; i < AF_SETTINGS_SERVICES; i++) {
    free(s->endpoints[i].url);
    free(s->endpoints[i].origin);
  }
  *s = (struct af_settings){0};
}

struct af_endpoint_options af_settings_endpoint(const struct af_settings *s, const char *service) {
  struct af_endpoint_options o = {.fips = s->fips, .dual_stack = s->dual_stack, .sts_legacy = s->sts_legacy};
  for (size_t i = 0; i < AF_SETTINGS_SERVICES; i++)
    if (strcmp(endpoint_services[i], service) == 0) {
      o.url = s->endpoints[i].url;
      o.origin = s->endpoints[i].origin;
    }
  return o;
}
