/* The configuration and credentials files that the AWS CLI and SDKs share, read by a parser of our own (others cut long session
 * tokens or fold the case of names). The texts hold secrets, so they stay in secret buffers and everything read is a view of them.
 *
 *   [default] | [profile NAME] | [profile "NAME WITH SPACES"]     config file; [NAME] in the credentials file
 *   key = value                 keys are folded to lower case; " #" and " ;" begin a comment (not in credential_process)
 *     more of the value         an indented line continues the value, joined by a newline
 *   [services NAME]             config file only
 *   ec2 =
 *     endpoint_url = https://…  an indented line under an empty value is a setting of that service
 *
 * Every other section (sso-session, plugins, preview) is passed over. Sections and keys given twice: the last one counts; where there is
 * a [profile default], [default] does not. */
#ifndef AF_ENGINE_AWS_PROFILE_H
#define AF_ENGINE_AWS_PROFILE_H

#include "base/error.h"
#include "engine/aws/client.h"

#define AF_PROFILE_FILE_MAX (4 * 1024 * 1024) /* bytes */

enum af_profile_file { AF_PROFILE_CONFIG, AF_PROFILE_CREDENTIALS, AF_PROFILE_FILES_ };

struct af_profile_value {
  struct af_str text; /* a view; may be a secret */
  enum af_profile_file file;
  int line;
};

struct af_profiles;

int af_profiles_new(struct af_profiles **ret, struct af_error *err);
void af_profiles_free(struct af_profiles *p); /* takes NULL; wipes */
/* Reads both files from where AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE and HOME say. A file that isn't there is an empty one.
 * -AF_EINVAL with `file:line: what`, -AF_EIO, -AF_ETOOBIG. */
int af_profiles_load(struct af_profiles **ret, const struct af_env *env, struct af_error *err);
/* Adds one file's text; name is what errors call it. */
int af_profiles_parse(struct af_profiles *p, enum af_profile_file file, const char *name, struct af_str text, struct af_error *err);

const char *af_profiles_path(const struct af_profiles *p, enum af_profile_file file); /* "" where no file was given */
bool af_profiles_has(const struct af_profiles *p, struct af_str profile);
/* The profile that was most likely meant by a name that isn't there; false where none is near. */
#define AF_PROFILE_NEAR_SIZE 64
bool af_profiles_nearest(const struct af_profiles *p, struct af_str name, char ret[AF_PROFILE_NEAR_SIZE]);
/* The credentials file's value, else the config file's; false where neither has the key or the value is empty. Nested settings are
 * reached as "s3.endpoint_url". */
bool af_profiles_get(const struct af_profiles *p, struct af_str profile, const char *key, struct af_profile_value *ret);
bool af_profiles_get_from(const struct af_profiles *p, enum af_profile_file file, struct af_str profile, const char *key,
                          struct af_profile_value *ret);
/* Of [services NAME]: key as "ec2.endpoint_url". */
bool af_profiles_get_service(const struct af_profiles *p, struct af_str services, const char *key, struct af_profile_value *ret);

/* Fills err (class INVALID) with `file:line: <format>`, returns -AF_EINVAL. */
int af_profiles_error(const struct af_profiles *p, const struct af_profile_value *at, struct af_error *err, const char *code,
                      const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
