/* Exposures: access that is opened for copies and closed after the last of them (design section 3, rule 4). One row stands for one opening
 * (a snapshot to an account, a key to an account), and copies hold it:
 *
 *   closed -> opening -> open -> closing -> closed      detail: the grant's id while it is open; when we closed it while it is closed;
 *                                                               of a part of a document when it was last opened or closed
 *
 * Whoever comes first opens it, whoever leaves last closes it, and everyone else waits or finds it done. What was there before us is open
 * with borrowed = false: it is never closed by us, and looked at anew once nobody holds it.
 *
 * A part of a document (a statement in a bucket's policy) can be opened and closed only by writing all of it anew, from what was read. So
 * copies take turns in writing, and who writes is told what changed so lately that his read may be behind it. */
#include <stdio.h>

#include "engine/internal.h"
#include "plans/bundle.h"

#define EFFECT_WINDOWS 5 /* how many windows what S3 was told may take to be so everywhere */

/* A share is the account's, whichever copy needs it; a grant is one copy's own (engine/steps/grant_key.c). */
static bool is_grant(const struct af_live_copy *c, size_t step) {
  return af_streq(c->steps[step].kind, "grant-key");
}

static void grantee_of(const struct af_live_copy *c, size_t step, char *out, size_t size) {
  snprintf(out, size, "%s%s%s", c->facts.target_account, is_grant(c, step) ? " for " : "", is_grant(c, step) ? c->row.id : "");
}

int af_exposure_read(struct af_engine *e, const struct af_live_copy *c, size_t step, struct af_exposure_row *ret) {
  char grantee[96];
  struct af_error err;
  grantee_of(c, step, grantee, sizeof(grantee));
  int rc = af_store_exposure_find(e->config.store, af_step_traits(c->steps[step].kind)->exposure, c->facts.source_account,
                                  c->spec.source.region, af_step_subject(c, step), grantee, ret, &err);
  return rc && rc != -AF_ENOENT ? af_engine_fail(e, rc, &err) : rc;
}

int af_exposure_beside(struct af_engine *e, const struct af_live_copy *c, size_t step, struct af_exposure_row **ret, size_t *ret_n) {
  const char *subject = af_step_subject(c, step);
  char document[AF_BUNDLE_SIZE + 1];
  struct af_error err;
  snprintf(document, sizeof(document), "%.*s/", (int)strcspn(subject, "/"), subject);
  int rc = af_store_exposures_changed(e->config.store, af_step_traits(c->steps[step].kind)->exposure, c->facts.source_account, document,
                                      af_past_since(e, c->live[step].asked_ms - e->config.window_ms), ret, ret_n, &err);
  return rc ? af_engine_fail(e, rc, &err) : 0;
}

static int put(struct af_engine *e, struct af_exposure_row *x) {
  struct af_error err;
  int rc = af_store_exposure_put(e->config.store, x, &err);
  return rc ? af_engine_fail(e, rc, &err) : 0;
}

static int fill(const struct af_live_copy *c, size_t step, struct af_exposure_row *x) {
  char grantee[96];
  grantee_of(c, step, grantee, sizeof(grantee));
  *x = (struct af_exposure_row){.state = AF_EXPOSURE_CLOSED};
  return af_row_set(&x->kind, af_step_traits(c->steps[step].kind)->exposure) || af_row_set(&x->account, c->facts.source_account) ||
                 af_row_set(&x->region, c->spec.source.region) || af_row_set(&x->resource, af_step_subject(c, step)) ||
                 af_row_set(&x->grantee, grantee)
             ? -AF_ENOMEM
             : 0;
}

static int find_or_make(struct af_engine *e, const struct af_live_copy *c, size_t step, struct af_exposure_row *x) {
  int rc = af_exposure_read(e, c, step, x);
  if (rc != -AF_ENOENT) return rc;
  rc = fill(c, step, x);
  return rc ? af_engine_fail(e, rc, NULL) : put(e, x);
}

static int hold(struct af_engine *e, const struct af_exposure_row *x, const char *copy_id, bool held) {
  struct af_error err;
  int rc =
      held ? af_store_holder_add(e->config.store, x->id, copy_id, &err) : af_store_holder_remove(e->config.store, x->id, copy_id, &err);
  return rc ? af_engine_fail(e, rc, &err) : 0;
}

static int holders(struct af_engine *e, const struct af_exposure_row *x, size_t *ret) {
  struct af_error err;
  int rc = af_store_holders(e->config.store, x->id, ret, &err);
  return rc ? af_engine_fail(e, rc, &err) : 0;
}

static bool is_document(const struct af_live_copy *c, size_t step) {
  return af_step_traits(c->steps[step].kind)->document;
}

static bool closed_since(const struct af_engine *e, const struct af_exposure_row *x, int64_t since_ms) {
  int64_t closed_ms = 0;
  if (x->state != AF_EXPOSURE_CLOSED || !x->detail || af_streq(x->kind, "grant")) return false;
  return af_str_to_i64(af_str(x->detail), &closed_ms) == 0 && af_past_when(e, closed_ms) > since_ms;
}

/* A document shows what it says sooner than it takes effect: opened too soon after we closed it, it would close under the copy once more. */
static bool just_closed(const struct af_engine *e, const struct af_live_copy *c, size_t step, const struct af_exposure_row *x) {
  return is_document(c, step) && closed_since(e, x, af_now_ms(e->config.clock) - EFFECT_WINDOWS * e->config.window_ms);
}

/* That it is open says nothing while we ourselves are at it, nor where AWS was asked so soon after we closed it that it may not have known. */
bool af_exposure_ours(const struct af_engine *e, const struct af_live_copy *c, size_t step, const struct af_exposure_row *x) {
  return x->state != AF_EXPOSURE_CLOSED || closed_since(e, x, c->live[step].asked_ms - e->config.window_ms);
}

static bool unresolved(const struct af_step_row *s) {
  return s->state == AF_STEP_INTENDED || s->state == AF_STEP_AMBIGUOUS;
}

static bool same_access(const struct af_live_copy *a, size_t i, const struct af_live_copy *b, size_t k) {
  return af_streq(af_step_subject(a, i), af_step_subject(b, k)) && af_streq(a->facts.target_account, b->facts.target_account);
}

static bool same_document(const struct af_live_copy *a, size_t i, const struct af_live_copy *b, size_t k) {
  const char *x = af_step_subject(a, i), *y = af_step_subject(b, k);
  size_t n = strcspn(x, "/");
  return strcspn(y, "/") == n && memcmp(x, y, n) == 0;
}

/* Is a copy of this run at it? One of a batch that isn't running, or that is blocked, would be waited for in vain: a share is taken over,
 * since opening and closing it are harmless to repeat, and whoever wakes up later finds that it has holders again. */
static bool someone(const struct af_engine *e, const struct af_live_copy *but, size_t step,
                    bool (*acts)(const struct af_live_copy *c, size_t k, const struct af_live_copy *but, size_t step)) {
  for (size_t i = 0; i < e->n_copies; i++) {
    const struct af_live_copy *c = e->copies[i];
    bool rests = c->row.state != AF_COPY_WORKING && c->row.state != AF_COPY_UNDOING;
    if (c == but) continue;
    for (size_t k = 0; k < c->n_steps; k++) /* a call that is in flight comes back, whatever its copy has come to */
      if ((!rests || c->steps[k].state == AF_STEP_INTENDED) && af_streq(c->steps[k].kind, but->steps[step].kind) && acts(c, k, but, step)) return true;
  }
  return false;
}

/* Who reads back what he wrote is at it still. */
static bool opens_or_closes(const struct af_live_copy *c, size_t k, const struct af_live_copy *but, size_t step) {
  bool at_it = unresolved(&c->steps[k]) || (is_document(c, k) && c->steps[k].state == AF_STEP_PENDING);
  return at_it && same_access(c, k, but, step);
}

static bool closes(const struct af_live_copy *c, size_t k, const struct af_live_copy *but, size_t step) {
  return c->steps[k].face == AF_FACE_UNDO && opens_or_closes(c, k, but, step);
}

static bool writes(const struct af_live_copy *c, size_t k, const struct af_live_copy *but, size_t step) {
  return unresolved(&c->steps[k]) && same_document(c, k, but, step);
}

static int gate_open(struct af_engine *e, struct af_live_copy *c, size_t step, struct af_exposure_row *x, enum af_gate *ret) {
  bool mine = c->steps[step].state == AF_STEP_AMBIGUOUS || c->steps[step].state == AF_STEP_PENDING;
  int rc = hold(e, x, c->row.id, true);
  switch (x->state) {
    case AF_EXPOSURE_OPEN: *ret = mine ? AF_GATE_GO : AF_GATE_DONE; break;
    case AF_EXPOSURE_CLOSED: /* by one of two who were at it, perhaps */
      *ret = mine || (!just_closed(e, c, step, x) && !someone(e, c, step, closes)) ? AF_GATE_GO : AF_GATE_WAIT;
      break;
    default: *ret = mine || !someone(e, c, step, opens_or_closes) ? AF_GATE_GO : AF_GATE_WAIT; break;
  }
  return rc;
}

/* Is it this step's to close, or to see to it that it is closed? A part of a document that was written without an answer, or is read back,
 * is its writer's until that is settled, whoever has come back. */
static bool is_closer(const struct af_live_copy *c, size_t step, const struct af_exposure_row *x, size_t holders) {
  const struct af_step_row *s = &c->steps[step];
  bool mine = s->state == AF_STEP_AMBIGUOUS || s->state == AF_STEP_PENDING;
  if (!x->borrowed) return false;
  if (x->state == AF_EXPOSURE_CLOSING) return mine ? holders == 0 || is_document(c, step) : holders == 0 && s->attempts > 0;
  return !mine && holders == 0 && (x->state == AF_EXPOSURE_OPEN || x->state == AF_EXPOSURE_OPENING);
}

/* Who was refused something with it open, and has to be helped, can't be sure that it is: whoever comes next opens it anew. */
static bool is_in_doubt(const struct af_live_copy *c, size_t step, const struct af_exposure_row *x) {
  return c->row.goal == AF_GOAL_BLOCKED && x->borrowed && x->state == AF_EXPOSURE_OPEN && !is_document(c, step);
}

static int forget(struct af_engine *e, struct af_exposure_row *x) {
  x->state = AF_EXPOSURE_CLOSED; /* not ours: forgotten, to be looked at anew */
  x->borrowed = false;
  return put(e, x);
}

/* The last one out finds that a manifest has let the same account in for good, or is about to. */
static int leave_or_close(struct af_engine *e, const struct af_live_copy *c, size_t step, struct af_exposure_row *x, bool mine, enum af_gate *ret) {
  enum af_for_good good;
  int rc = af_for_good(e, c, step, &good);
  if (rc) return rc;
  if (good == AF_FOR_GOOD_SOON && !mine) *ret = AF_GATE_WAIT;
  if (good != AF_FOR_GOOD_IS) return 0;
  *ret = AF_GATE_DONE;
  return forget(e, x);
}

/* Leaving: the last one out closes what we opened. A close whose outcome is unknown is sent again only while nobody has come back. */
static int gate_close(struct af_engine *e, struct af_live_copy *c, size_t step, struct af_exposure_row *x, enum af_gate *ret) {
  size_t n = 0;
  bool mine = c->steps[step].state == AF_STEP_AMBIGUOUS || c->steps[step].state == AF_STEP_PENDING;
  int rc = mine ? 0 : hold(e, x, c->row.id, false);
  if (!rc) rc = holders(e, x, &n);
  if (rc) return rc;
  *ret = is_closer(c, step, x, n) ? AF_GATE_GO : AF_GATE_DONE;
  bool left = mine && n > 0 && x->borrowed && x->state == AF_EXPOSURE_CLOSING && *ret == AF_GATE_DONE;
  if (left || (n > 0 && is_in_doubt(c, step, x))) { /* ours, and perhaps open */
    x->state = AF_EXPOSURE_OPENING;
    return put(e, x);
  }
  if (*ret == AF_GATE_GO) return leave_or_close(e, c, step, x, mine, ret);
  if (mine || x->state == AF_EXPOSURE_CLOSING) return 0; /* or another copy is at it */
  return n == 0 && x->state != AF_EXPOSURE_CLOSED ? forget(e, x) : 0;
}

int af_exposure_gate(struct af_engine *e, struct af_live_copy *c, size_t step, struct af_exposure_row *ret, enum af_gate *ret_gate) {
  const struct af_step_row *s = &c->steps[step];
  int rc = find_or_make(e, c, step, ret);
  if (rc) return rc;
  rc = s->face == AF_FACE_DO ? gate_open(e, c, step, ret, ret_gate) : gate_close(e, c, step, ret, ret_gate);
  /* Who is in doubt only reads; its own doubt is another's reason to wait. */
  if (*ret_gate == AF_GATE_GO && is_document(c, step) && s->state != AF_STEP_AMBIGUOUS && someone(e, c, step, writes)) *ret_gate = AF_GATE_TURN;
  return rc;
}

int af_exposure_intended(struct af_engine *e, struct af_live_copy *c, size_t step) {
  struct af_exposure_row x = {0};
  int rc = find_or_make(e, c, step, &x);
  bool opens = c->steps[step].face == AF_FACE_DO;
  c->live[step].found = x.state;
  if (!rc && opens && x.state != AF_EXPOSURE_OPENING) {
    x.generation++;
    x.borrowed = true; /* from now on it may be open because of us */
    x.state = AF_EXPOSURE_OPENING;
    bool is_id = af_streq(x.kind, "grant"); /* of one that is retired; when a share was closed stays true, should AWS refuse to open it */
    rc = is_id && af_row_set(&x.detail, NULL) ? af_engine_fail(e, -AF_ENOMEM, NULL) : put(e, &x);
  } else if (!rc && !opens && x.state != AF_EXPOSURE_CLOSING) {
    x.state = AF_EXPOSURE_CLOSING;
    rc = put(e, &x);
  }
  af_exposure_row_done(&x);
  return rc;
}

/* When it was last opened or closed, for those whose reads may be behind it. */
static int stamp(struct af_engine *e, struct af_exposure_row *x) {
  char now_ms[24];
  snprintf(now_ms, sizeof(now_ms), "%lld", (long long)af_now_ms(e->config.clock));
  return af_row_set(&x->detail, now_ms) ? af_engine_fail(e, -AF_ENOMEM, NULL) : 0;
}

int af_exposure_outcome(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_outcome *out) {
  struct af_exposure_row x = {0};
  int rc = find_or_make(e, c, step, &x);
  if (rc) return rc;
  bool opens = c->steps[step].face == AF_FACE_DO, document = is_document(c, step);
  if (opens && af_streq(x.kind, "grant") && *out->resource && af_row_set(&x.detail, out->resource))
    rc = af_engine_fail(e, -AF_ENOMEM, NULL);
  if (document && !out->was_there) rc = stamp(e, &x);
  if (opens && (out->kind == AF_OUT_DONE || document)) {
    if (out->was_there) x.borrowed = false;
    x.state = AF_EXPOSURE_OPEN;
  } else if (!opens && out->kind == AF_OUT_DONE) {
    x.state = AF_EXPOSURE_CLOSED;
    x.borrowed = false;
    if (!rc) rc = stamp(e, &x);
  }
  if (!rc) rc = put(e, &x);
  af_exposure_row_done(&x);
  return rc;
}

/* The call certainly had no effect: what was closed is closed still, what was open is open still, and held by this copy again. What was
 * in doubt, since a call of another copy or of an earlier life was lost, is in doubt still: ours, and perhaps open. */
int af_exposure_refused(struct af_engine *e, struct af_live_copy *c, size_t step) {
  struct af_exposure_row x = {0};
  int rc = find_or_make(e, c, step, &x);
  if (rc) return rc;
  bool opens = c->steps[step].face == AF_FACE_DO;
  enum af_exposure_state found = c->live[step].found;
  if (opens && x.state == AF_EXPOSURE_OPENING && found == AF_EXPOSURE_CLOSED) {
    x.state = AF_EXPOSURE_CLOSED;
    x.borrowed = false;
    rc = put(e, &x);
  } else if (!opens && x.state == AF_EXPOSURE_CLOSING) {
    x.state = found == AF_EXPOSURE_OPEN ? AF_EXPOSURE_OPEN : AF_EXPOSURE_OPENING;
    rc = put(e, &x);
    if (!rc) rc = hold(e, &x, c->row.id, true);
  }
  af_exposure_row_done(&x);
  return rc;
}
