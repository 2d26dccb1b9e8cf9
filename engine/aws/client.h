/* The client: sessions (whose credentials, renewed before they expire), endpoints, signing, clock skew. It sends a call once, as
 * soon as the session has credentials, and hands back one answer; it never repeats a call that AWS may have carried out. (What AWS
 * certainly did not carry out because of expired credentials or a wrong clock is signed anew and sent once more.)
 * One thread; no callbacks: send, wait, next. */
#ifndef AF_ENGINE_AWS_CLIENT_H
#define AF_ENGINE_AWS_CLIENT_H

#include <jansson.h>

#include "base/log.h"
#include "base/random.h"
#include "engine/aws/http.h"
#include "engine/aws/shape.h"

struct af_env { /* the environment as a vtable */
  const char *(*get)(void *ctx, const char *name); /* borrowed; NULL where unset */
  void *ctx;
};
const struct af_env *af_env_system(void); /* getenv; static */

struct af_aws_config { /* all borrowed for the client's life */
  const struct af_clock *clock;
  const struct af_random *random;
  struct af_http *http;
  const struct af_log *log; /* may be NULL */
  const struct af_env *env;
};

struct af_aws;
struct af_session;

int af_aws_new(struct af_aws **ret, const struct af_aws_config *config, struct af_error *err);
void af_aws_free(struct af_aws *aws); /* takes NULL; forgets what is in flight */

struct af_principal { /* borrowed; NULL members are not given */
  const char *profile;     /* of ~/.aws/config and credentials; NULL: AWS_PROFILE or the default chain */
  const char *role_arn;    /* assumed with the profile's or chain's credentials */
  const char *external_id;
};
/* The session of this principal, made at the first call and shared after that; borrowed, lives as long as the client. Reads the
 * configuration files now (-AF_EINVAL with file and line), asks for credentials when they are first needed. */
int af_aws_session(struct af_aws *aws, const struct af_principal *who, struct af_session **ret, struct af_error *err);
const char *af_session_name(const struct af_session *s);   /* for people: "profile recovery, role arn:…" */
const char *af_session_region(const struct af_session *s); /* the configured default Region; "" where none */
const char *af_session_account(const struct af_session *s); /* "" until a role's ARN, a provider or GetCallerIdentity has told */
const char *af_session_source(const struct af_session *s); /* where credentials came from, as "profile golden > role arn:…"; for doctor */

struct af_call {
  const struct af_op *op;
  struct af_session *session;
  const char *region;
  json_t *input; /* borrowed: the client takes its own reference */
  uint64_t tag;  /* the caller's */
};
/* 0: one answer with this tag will come, also where the session gets no credentials: then the error's action, resource, account and request id are
 * those of the call that failed (sts:AssumeRole), its class AUTH, or TRANSIENT where AWS could not be reached. Otherwise nothing was sent and no
 * answer will come. */
int af_aws_send(struct af_aws *aws, const struct af_call *call, struct af_error *err);

struct af_answer {
  uint64_t tag;
  int rc;                  /* 0 or -AF_EAWS */
  json_t *output;          /* rc 0: owned */
  struct af_error error;   /* rc: class, code, status, request id, action, Region and account (where known) are filled */
  char request_id[80];
  int64_t retry_after_ms;  /* -1 where AWS gave none */
};
void af_answer_done(struct af_answer *a);

int af_aws_wait(struct af_aws *aws, int64_t timeout_ms); /* until an answer may be there, or a wake-up, or the time is over; -AF_EIO */
bool af_aws_next(struct af_aws *aws, struct af_answer *ret);
size_t af_aws_in_flight(const struct af_aws *aws); /* calls whose answer has not been taken */

/* The URL that calls of this service go to: for doctor and for messages. */
int af_aws_endpoint(struct af_aws *aws, struct af_session *s, const char *service, const char *region, struct af_buf *out, struct af_error *err);

struct af_aws_counts { /* since the client was made */
  const char *label;  /* "ec2:CopyImage" */
  uint64_t sent, failed, throttled;
};
size_t af_aws_counts(const struct af_aws *aws, const struct af_aws_counts **ret); /* borrowed */
/* The file of certificates that AWS_CA_BUNDLE or ca_bundle of the default profile names, for af_http_curl_new(): appends nothing where neither does. */
int af_aws_ca_bundle(const struct af_env *env, struct af_buf *out, struct af_error *err);
/* How far this machine's clock is behind AWS's, as last seen in a Date header; 0 while unknown. */
int64_t af_aws_skew_ms(const struct af_aws *aws);

#endif
