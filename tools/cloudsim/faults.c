/* Faults on demand: which calls they strike, and what they do to them. docs/cloudsim.md lists the kinds. Owns the list.
 *
 *   faults:
 *     - {kind: lost-reply, action: CopyImage, nth: 1}
 *     - {kind: throttle, service: ec2, probability: 0.2, account: "444455556666"}
 *     - {kind: error, action: RunInstances, status: 500, code: InsufficientInstanceCapacity, message: ..., times: 2}
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/front.h"

enum kind {
  F_THROTTLE,
  F_ERROR,
  F_ERROR_AFTER,
  F_LOST_REPLY,
  F_CUT,
  F_HALF,
  F_SLOW,
  F_MALFORMED,
  F_EMPTY_PAGE,
  F_EXPIRED_TOKEN,
  F_CLOCK_SKEW,
  F_CAPACITY,
  F_MAX_
};
static const char *const kinds[] = {
    [F_THROTTLE] = "throttle",       /* the service's own throttling error */
    [F_ERROR] = "error",             /* status, code, message; before the effect */
    [F_ERROR_AFTER] = "error-after", /* the same, after the effect */
    [F_LOST_REPLY] = "lost-reply",   /* the effect happens; the connection closes without a byte */
    [F_CUT] = "cut",                 /* the connection closes without a byte and without an effect */
    [F_HALF] = "half",               /* half of the reply, then the connection closes */
    [F_SLOW] = "slow",               /* delay_ms */
    [F_MALFORMED] = "malformed",     /* the reply ends in the middle, as if that were all */
    [F_EMPTY_PAGE] = "empty-page",   /* rules.md 6.3: an empty page that is not the last */
    [F_EXPIRED_TOKEN] = "expired-token",
    [F_CAPACITY] = "capacity",     /* InsufficientInstanceCapacity, before the effect */
    [F_CLOCK_SKEW] = "clock-skew", /* seconds by which the server's clock is off */
};
_Static_assert(sizeof kinds / sizeof kinds[0] == F_MAX_, "every kind has a name");

struct cs_fault {
  enum kind kind;
  char *service, *action, *account, *region; /* globs; NULL: any */
  int64_t nth, after, times;                 /* of the calls that match; 0: no such limit */
  double probability;
  int64_t status, delay_ms, seconds;
  char *code, *message;
  int64_t seen, struck;
};

/* ---- reading ---- */

static void fault_done(struct cs_fault *f) {
  free(f->service);
  free(f->action);
  free(f->account);
  free(f->region);
  free(f->code);
  free(f->message);
}

static int read_kind(struct cs_reader *r, const struct af_node *n, struct cs_fault *f) {
  char name[32] = "";
  int rc = cs_read_text(r, n, "kind", name, sizeof name);
  for (int k = 0; rc == 0 && k < F_MAX_; k++)
    if (strcmp(kinds[k], name) == 0) {
      f->kind = (enum kind)k;
      return 0;
    }
  return rc ? rc : cs_bad(r, n, "there is no fault of kind \"%s\"", name);
}

static int read_fault(struct cs_reader *r, const struct af_node *n, struct cs_fault *f) {
  static const char *const known[] = {"kind",        "service", "action", "account", "region",   "nth",     "after", "times",
                                      "probability", "status",  "code",   "message", "delay_ms", "seconds", NULL};
  f->probability = 1.0;
  f->status = 500;
  int rc = af_node_only(r->doc, n, known, r->err);
  rc = rc ? rc : read_kind(r, n, f);
  rc = rc ? rc : cs_read_string(r, n, "service", &f->service);
  rc = rc ? rc : cs_read_string(r, n, "action", &f->action);
  rc = rc ? rc : cs_read_string(r, n, "account", &f->account);
  rc = rc ? rc : cs_read_string(r, n, "region", &f->region);
  rc = rc ? rc : cs_read_int(r, n, "nth", 1, INT64_MAX, &f->nth);
  rc = rc ? rc : cs_read_int(r, n, "after", 0, INT64_MAX, &f->after);
  rc = rc ? rc : cs_read_int(r, n, "times", 1, INT64_MAX, &f->times);
  rc = rc ? rc : cs_read_real(r, n, "probability", &f->probability);
  rc = rc ? rc : cs_read_int(r, n, "status", 400, 599, &f->status);
  rc = rc ? rc : cs_read_string(r, n, "code", &f->code);
  rc = rc ? rc : cs_read_string(r, n, "message", &f->message);
  rc = rc ? rc : cs_read_int(r, n, "delay_ms", 0, 3600000, &f->delay_ms);
  rc = rc ? rc : cs_read_int(r, n, "seconds", -86400 * 365, 86400 * 365, &f->seconds);
  if (rc == 0 && !(f->probability >= 0.0 && f->probability <= 1.0))
    rc = cs_bad(r, n, "a probability is between 0 and 1");
  return rc;
}

static void drop(struct cs_fault *faults, size_t n) {
  for (size_t i = 0; i < n; i++)
    fault_done(&faults[i]);
  free(faults);
}

int cs_faults_read(struct cs_reader *r, const struct af_node *list) {
  struct cs_front *front = r->sim->front;
  struct cs_fault *fresh = NULL;
  size_t n = 0;
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < af_node_count(list); i++) {
    struct cs_fault *f = CS_ADD(fresh, n);
    *f = (struct cs_fault){0};
    rc = read_fault(r, af_node_at(list, i), f);
  }
  if (rc < 0) {
    drop(fresh, n);
    return rc;
  }
  cs_faults_clear(front);
  front->faults = fresh;
  front->n_faults = n;
  return 0;
}

void cs_faults_clear(struct cs_front *front) {
  drop(front->faults, front->n_faults);
  front->faults = NULL;
  front->n_faults = 0;
}

/* ---- striking ---- */

static bool fits(const char *glob, const char *text) {
  return !glob || af_str_glob(af_str(glob), af_str(text));
}

static bool strikes(struct cs_front *front, struct cs_fault *f, const struct cs_fault_key *key) {
  if (!fits(f->service, cs_service_names[key->service]) || !fits(f->action, key->action) || !fits(f->account, key->account) ||
      !fits(f->region, key->region))
    return false;
  f->seen++;
  if ((f->nth && f->seen != f->nth) || f->seen <= f->after || (f->times && f->struck >= f->times))
    return false;
  if (f->probability < 1.0 && af_random_unit(&front->random.random) >= f->probability)
    return false;
  f->struck++;
  return true;
}

static void count(struct cs_front *front, const struct cs_fault_key *key, enum kind kind) {
  char name[96];
  snprintf(name, sizeof name, "%s:%s", cs_service_names[key->service], key->action);
  cs_count(front->faulted, name, kinds[kind]);
}

/* The service's own words for "slow down" (rules.md 3, 6.4) and for "my fault". */
static const struct cs_failure throttled[CS_SERVICE_MAX_] = {
    [CS_EC2] = {503, "RequestLimitExceeded", "Request limit exceeded."},
    [CS_STS] = {400, "Throttling", "Rate exceeded"},
    [CS_KMS] = {400, "ThrottlingException",
                "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."},
    [CS_S3] = {503, "SlowDown", "Please reduce your request rate."},
};
static const struct cs_failure internal[CS_SERVICE_MAX_] = {
    [CS_EC2] = {500, "InternalError", "An internal error has occurred"},
    [CS_STS] = {500, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure."},
    [CS_KMS] = {500, "KMSInternalException", "KMS internal error. Please try again."},
    [CS_S3] = {500, "InternalError", "We encountered an internal error. Please try again."},
};

static const struct cs_failure no_capacity = {500, "InsufficientInstanceCapacity",
                                              "There is no Spot or On-Demand capacity available that matches your request."};

static struct cs_failure failure_of(const struct cs_fault *f, enum cs_service service) {
  struct cs_failure failure = internal[service];
  failure.status = (int)f->status;
  if (failure.status == 503)
    AF_COPY(failure.code, af_str(service == CS_EC2 ? "Unavailable" : "ServiceUnavailable"));
  if (f->code)
    AF_COPY(failure.code, af_str(f->code));
  if (f->message)
    AF_COPY(failure.message, af_str(f->message));
  return failure;
}

static void apply(const struct cs_fault *f, enum cs_service service, struct cs_fault_effects *e) {
  switch (f->kind) {
    case F_THROTTLE:
      e->before = e->before.status ? e->before : throttled[service];
      break;
    case F_ERROR:
      e->before = e->before.status ? e->before : failure_of(f, service);
      break;
    case F_CAPACITY:
      e->before = e->before.status ? e->before : no_capacity;
      break;
    case F_ERROR_AFTER:
      e->after = e->after.status ? e->after : failure_of(f, service);
      break;
    case F_LOST_REPLY:
      e->lost_after = true;
      break;
    case F_CUT:
      e->cut_before = true;
      break;
    case F_HALF:
      e->half = true;
      break;
    case F_SLOW:
      e->delay_ms += f->delay_ms;
      break;
    case F_MALFORMED:
      e->malformed = true;
      break;
    case F_EMPTY_PAGE:
      e->empty_page = true;
      break;
    case F_EXPIRED_TOKEN:
      e->auth.token_expired = true;
      break;
    case F_CLOCK_SKEW:
      e->auth.skew_ms += f->seconds * 1000;
      break;
    case F_MAX_:
      break;
  }
}

void cs_faults_draw(struct cs_sim *sim, const struct cs_fault_key *key, struct cs_fault_effects *ret) {
  *ret = (struct cs_fault_effects){0};
  for (size_t i = 0; i < sim->front->n_faults; i++) {
    struct cs_fault *f = &sim->front->faults[i];
    if (!strikes(sim->front, f, key))
      continue;
    apply(f, key->service, ret);
    count(sim->front, key, f->kind);
  }
}
