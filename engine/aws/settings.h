/* Configuration: what the environment and a profile say, one over the other as AWS has it (rules.md section 7). Pure but for the
 * environment's vtable. */
#ifndef AF_ENGINE_AWS_SETTINGS_H
#define AF_ENGINE_AWS_SETTINGS_H

#include "engine/aws/client.h"
#include "engine/aws/endpoint.h"
#include "engine/aws/profile.h"

#define AF_ORIGIN_SIZE 320
struct af_setting {
  struct af_str text;          /* a view into the environment or the profiles */
  char origin[AF_ORIGIN_SIZE]; /* "AWS_REGION" or "/home/a/.aws/config:12": for messages */
};
/* The first of the variables (up to two, NULL ends) that is set and not empty, else the profile's key. false where neither is. */
bool af_setting_get(struct af_setting *ret, const struct af_env *env, const char *const variables[2], const struct af_profiles *profiles,
                    struct af_str profile, const char *key);

/* The endpoint configured for a service ("ec2"): AWS_ENDPOINT_URL_EC2, AWS_ENDPOINT_URL, the profile's services section, the profile's
 * endpoint_url. false where there is none or configured endpoints are to be ignored. Class INVALID errors of malformed switches: rc. */
int af_setting_endpoint(struct af_setting *ret, bool *ret_found, const struct af_env *env, const struct af_profiles *profiles,
                        struct af_str profile, const char *service, struct af_error *err);

#define AF_SETTINGS_SERVICES 4
struct af_settings {
  char *profile;         /* owned: its name, "default" where none was chosen */
  bool profile_explicit; /* the caller chose it: credentials in the environment don't count */
  bool profile_named;    /* the caller or the environment chose it: it must be there */
  char region[64];       /* "" where none is configured */
  bool fips, dual_stack, sts_legacy;
  struct {
    char *url, *origin; /* owned; NULL where none is configured */
  } endpoints[AF_SETTINGS_SERVICES];
};
/* profile NULL: AWS_DEFAULT_PROFILE, AWS_PROFILE, else "default". -AF_EINVAL with class INVALID: "ProfileNotFound", "BadSetting",
 * "BadRegion". */
int af_settings_read(struct af_settings *ret, const struct af_env *env, const struct af_profiles *profiles, const char *profile,
                     struct af_error *err);
void af_settings_done(struct af_settings *s);
struct af_endpoint_options af_settings_endpoint(const struct af_settings *s, const char *service); /* views of s */

/* true and false, in any case. -AF_EINVAL, "BadSetting". */
int af_setting_bool(const struct af_setting *s, bool *ret, struct af_error *err);

#endif
