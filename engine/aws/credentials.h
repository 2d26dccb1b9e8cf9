/* Credentials: which provider and which roles a principal leads to (a plan, made from the environment and the profiles and holding no
 * secret), and the reading of what each provider answers. rules.md section 7, Provider order. No network here: session.c has it. */
#ifndef AF_ENGINE_AWS_CREDENTIALS_H
#define AF_ENGINE_AWS_CREDENTIALS_H

#include "engine/aws/settings.h"
#include "engine/aws/sigv4.h"

#define AF_ROLE_HOPS_MAX 8
#define AF_CREDENTIALS_REPLY_MAX (256 * 1024) /* bytes: of a process's output, a container's or instance's document */

enum af_source {
  AF_SOURCE_ENV,          /* AWS_ACCESS_KEY_ID and its kin */
  AF_SOURCE_FILE,         /* keys in a profile of the credentials or the configuration file */
  AF_SOURCE_PROCESS,      /* credential_process */
  AF_SOURCE_WEB_IDENTITY, /* a token file, exchanged by AssumeRoleWithWebIdentity */
  AF_SOURCE_CONTAINER,    /* AWS_CONTAINER_CREDENTIALS_*_URI */
  AF_SOURCE_INSTANCE,     /* IMDSv2 */
  AF_SOURCE_MAX_,
};

struct af_role_hop { /* all owned */
  char *role_arn, *external_id; /* external_id NULL: none */
  char session_name[65];
  int64_t duration_s; /* 0: not configured, not sent */
};

struct af_credential_plan {
  enum af_source source;
  char *profile;             /* FILE, PROCESS, WEB_IDENTITY: whose settings; owned; "" otherwise */
  enum af_profile_file file; /* FILE */
  char *command;             /* PROCESS; owned */
  char *token_file;          /* WEB_IDENTITY; owned */
  struct af_role_hop web;    /* WEB_IDENTITY: role and session name */
  char *instance_url;        /* INSTANCE: base of the metadata service, without a / at the end; owned */
  struct af_role_hop hops[AF_ROLE_HOPS_MAX];
  size_t n_hops;
  char *label; /* for people: "profile golden > role arn:…"; owned */
};

/* Class AUTH or INVALID, -AF_EINVAL: "NoCredentials", "MfaUnsupported", "SsoUnsupported", "LoginUnsupported", "ProfileLoop", "BadProfile"… */
int af_credential_plan_make(struct af_credential_plan *ret, const struct af_env *env, const struct af_profiles *profiles,
                            const struct af_settings *settings, const struct af_principal *who, struct af_error *err);
void af_credential_plan_done(struct af_credential_plan *p);

struct af_credential_reply {
  struct af_credentials credentials;
  char account[16]; /* "" where the provider doesn't tell */
};
void af_credential_reply_done(struct af_credential_reply *r);

int af_credentials_from_env(struct af_credential_reply *ret, const struct af_env *env, struct af_error *err);
int af_credentials_from_profile(struct af_credential_reply *ret, const struct af_profiles *profiles, enum af_profile_file file,
                                const char *profile, struct af_error *err);
/* The documents of credential_process (Version 1, SessionToken) and of the metadata services (Code, Token). who names it in messages. */
int af_credentials_from_process(struct af_credential_reply *ret, struct af_str json, const char *who, struct af_error *err);
int af_credentials_from_metadata(struct af_credential_reply *ret, struct af_str json, const char *who, struct af_error *err);
/* What AssumeRole and AssumeRoleWithWebIdentity answer. */
int af_credentials_from_sts(struct af_credential_reply *ret, const json_t *output, const char *who, struct af_error *err);
/* Blanks every string of a tree that is about to be freed, then drops the reference. Takes NULL. */
void af_json_wipe(json_t *j);

/* Where the container's credentials are, from the environment, looked up at each use: URL and, in a secret buffer, the value of the Authorization
 * header (empty where there is none). "BadContainerUri", "BadContainerToken". */
int af_container_request(const struct af_env *env, struct af_buf *url, struct af_buf *authorization, struct af_error *err);

/* A command line into words as a shell would, without its expansions: blanks part, '…' is literal, \ takes the next character (within "…" only
 * before " and \). *ret_words is one allocation that ends with NULL, the caller's to free. -AF_EINVAL for an open quote or no word. */
int af_split_command(struct af_str command, char ***ret_words, struct af_error *err);

/* The account of arn:partition:service:region:ACCOUNT:…; false where there is none. */
bool af_arn_account(struct af_str arn, char account[16]);

#endif
