/* What client.c, outgoing.c and session.c share, and nobody else sees. A flight is one HTTP request that is under way: whoever waits for it embeds
 * one as its first member. */
#ifndef AF_ENGINE_AWS_CLIENT_PARTS_H
#define AF_ENGINE_AWS_CLIENT_PARTS_H

#include "engine/aws/client.h"
#include "engine/aws/credentials.h"
#include "engine/aws/endpoint.h"

#define AF_CALLS_MAX 4096 /* whose answers have not been taken */
#define AF_SESSIONS_MAX 1024
#define AF_BODY_MAX (1024 * 1024) /* bytes of a request */

struct af_flight {
  uint64_t id;
  bool up;
  int64_t sent_ms;   /* by our clock */
  int64_t offset_ms; /* by how much that was corrected for its signature */
  void (*landed)(struct af_flight *f, struct af_http_result *r); /* r stays the client's */
  struct af_flight *next;
};

#define AF_FLIGHT_SLOTS 256
#define AF_COUNTS_MAX 128
struct af_call_state;
struct af_aws {
  struct af_aws_config config;
  int64_t offset_ms; /* what signing adds to our clock: 0 until AWS has refused it */
  int64_t skew_ms;   /* as last seen */
  struct af_flight *flights[AF_FLIGHT_SLOTS]; /* by id */
  struct af_session *sessions;
  size_t n_sessions;
  struct af_call_state *calls;               /* all of them */
  struct af_call_state *ready, **ready_tail; /* answered, not taken */
  size_t n_calls;
  struct af_aws_counts counts[AF_COUNTS_MAX];
  size_t n_counts;
};

/* --- client.c --- */

int64_t af_client_now_ms(const struct af_aws *aws); /* AWS's time, as far as we know it */
/* Takes over the time of an answer's Date header if it is more than two minutes from all that we held for AWS's time while it was under way. */
void af_client_adopt_date(struct af_aws *aws, const struct af_flight *f, const char *date);
/* The flight was refused for a reason that a wrong clock can have: does its date, or that of another's refusal meanwhile, set our clock right? */
bool af_client_reclocked(struct af_aws *aws, const struct af_flight *f, const char *date);
/* Sends; on 0 f->landed will be called once, unless af_client_ground() comes first. */
int af_client_fly(struct af_aws *aws, struct af_flight *f, const struct af_http_request *request, struct af_error *err);
void af_client_ground(struct af_aws *aws, struct af_flight *f); /* forgets it */
void af_client_count_sent(struct af_aws *aws, const struct af_op *op);
/* The reply to an op in a Region, or the lack of one, as output or as a classified error. */
int af_client_decode(struct af_aws *aws, const struct af_op *op, const char *region, const struct af_http_result *r, json_t **ret_output,
                     char request_id[80], struct af_error *err);
/* The session has credentials, or has failed: its waiting calls go on. */
void af_client_resume(struct af_session *s);

/* --- outgoing.c --- */

/* Signs an op (credentials NULL: unsigned) and sends it. body: the input as af_encode() made it. */
int af_client_fly_op(struct af_aws *aws, struct af_flight *f, const struct af_op *op, const struct af_endpoint *e,
                     const struct af_credentials *credentials, const json_t *input, struct af_str body, struct af_error *err);
/* Appends the URL of a presigned GET with this query, which is an encoded call; out must be a secret buffer. */
int af_client_presign(struct af_aws *aws, const struct af_op *op, const struct af_endpoint *e, const struct af_credentials *credentials,
                      struct af_str query, struct af_buf *out, struct af_error *err);

/* --- session.c --- */

enum af_session_state { AF_SESSION_READY, AF_SESSION_WAIT, AF_SESSION_FAILED };

struct af_session_calls { /* the calls that wait for this session's credentials; client.c's */
  struct af_call_state *first, **tail;
};

/* READY: af_session_credentials() may be used now. WAIT: af_client_resume() will be called. FAILED: af_session_failure() says why.
 * region: of the call that asks, for the STS endpoint of a session without a Region of its own. */
enum af_session_state af_session_need(struct af_session *s, const char *region);
const struct af_credentials *af_session_credentials(const struct af_session *s);
uint64_t af_session_generation(const struct af_session *s); /* counts credentials: 1 for the first */
void af_session_refused(struct af_session *s, uint64_t generation); /* AWS says that these have expired, or never were: get others */
const struct af_error *af_session_failure(const struct af_session *s);
const struct af_settings *af_session_settings(const struct af_session *s);
struct af_session_calls *af_session_calls(struct af_session *s);
void af_session_learn_account(struct af_session *s, struct af_str account);
/* Carries on what a timer or a process holds up; returns when (monotonic) to come again, INT64_MAX: no need. */
int64_t af_session_tick(struct af_session *s, int64_t now_mono_ms);
struct af_session *af_session_next(const struct af_session *s);
void af_session_free(struct af_session *s);

#endif
