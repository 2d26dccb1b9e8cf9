/* What an error means for what comes next: classes, delays, the retry quota, clock skew. Pure tables and functions
 * (rules.md 6.4, 6.5, 8; models/retry.json). */
#ifndef AF_ENGINE_AWS_RETRY_H
#define AF_ENGINE_AWS_RETRY_H

#include "base/error.h"
#include "base/random.h"
#include "engine/aws/shape.h"

/* How far a request got, as the transport saw it. */
enum af_sent {
  AF_SENT_REPLIED,  /* a whole reply came */
  AF_SENT_NOT,      /* certainly nothing reached AWS: refused connection, failed name look-up, TLS failure */
  AF_SENT_MAYBE,    /* bytes went out and no whole reply came back */
};

/* Sets err->class, and err->hint where it is empty and the code is a known one, from the code, message, status and Region in err. A mutating
 * op that was maybe executed (AF_SENT_MAYBE, 5xx that isn't a throttle) is AMBIGUOUS, a read is TRANSIENT.
 * DryRunOperation and DryRunOperationException, which say that the call would have gone through, get AF_CLASS_NONE.
 * NOT_YET_VISIBLE also covers states that pass (IncorrectState, InvalidAMIID.Unavailable, InvalidSnapshot.InUse, DependencyViolation):
 * how long to go on looking is for the caller to say. KMS's AccessDeniedException is AUTH even while a fresh grant is still on its way. */
void af_classify(const struct af_op *op, enum af_sent sent, struct af_error *err);

bool af_is_clock_skew(const char *code); /* one of the codes that a wrong clock can cause */
bool af_is_expired_credentials(const char *code); /* renew, then try again */

/* Milliseconds until attempt number `attempt` (1 for the first repeat): rand(0,1)·min(base·2^(attempt-1), 20 s), with base 50 ms for
 * TRANSIENT, 1 s for THROTTLED; between the base and min(base·2^attempt, 5 min), with base 15 s for CAPACITY, 2 s for
 * NOT_YET_VISIBLE; 0 for the other classes. retry_after_ms (-1: none): at least that, at most 5 s more than it would have been. */
int64_t af_retry_delay_ms(enum af_class c, int attempt, int64_t retry_after_ms, const struct af_random *random);

/* The retry quota of the 2026 revision: 500 tokens, 14 for a transient repeat, 5 for a throttled one; given back on success
 * (1 where nothing was repeated). One a session and Region. */
struct af_retry_quota {
  int tokens;
};
void af_retry_quota_init(struct af_retry_quota *q);
bool af_retry_quota_take(struct af_retry_quota *q, enum af_class c, int *ret_cost);
void af_retry_quota_give(struct af_retry_quota *q, int cost); /* cost 0: a success without a repeat */

#endif
