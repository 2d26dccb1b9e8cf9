/* Verifying again: both images are read anew, side by side, and compared as the verify step does. What was decided (name, key, owner) is
 * taken from the facts of that time: by now the copy itself is what a new decision would find. A copy that ended a moment ago may be shown
 * without what was set on it last: a difference counts only in what was asked for when AWS shows it. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/aws/ops.h"
#include "engine/reading.h"
#include "engine/survey.h"

struct reading { /* of one image */
  struct af_reading what;
  const char *account; /* that the credentials must be of; "" where any will do */
  bool known;          /* they are */
  const struct af_op *asked;
  json_t *seen;
};

static int ask(void *reads, struct af_ask *ret) {
  struct reading *r = reads;
  int rc = 0;
  *ret = (struct af_ask){.side = r->what.side, .region = r->what.region};
  if (!r->known && *r->account) {
    ret->op = &af_sts_get_caller_identity;
    ret->input = json_object();
    rc = ret->input ? 0 : -AF_ENOMEM;
  } else {
    rc = af_reading_ask(&r->what, r->seen, ret);
  }
  r->asked = ret->op;
  return rc;
}

static int check_account(struct reading *r, const struct af_answer *a, struct af_error *err) {
  const char *account = af_json_str(a->output, "Account");
  r->known = true;
  if (af_streq(account, r->account)) return 0;
  int rc = af_error_set(err, -AF_EAWS, AF_CLASS_AUTH, "WrongAccount", "the %s credentials belong to account %s now, and %s is of account %s",
                        r->what.side == AF_SOURCE ? "source" : "target", *account ? account : "?", r->what.image, r->account);
  af_error_hint(err, "set the profile or the environment to account %s", r->account);
  return rc;
}

/* An AMI that AWS doesn't show is one that is gone: its owner, or whoever it was shared with, asks. */
static int answer(void *reads, const struct af_answer *a, struct af_error *err) {
  struct reading *r = reads;
  if (a->rc) {
    *err = a->error;
    return a->rc;
  }
  if (r->asked == &af_sts_get_caller_identity) return check_account(r, a, err);
  if (af_reading_take(&r->what, r->seen, r->asked, a)) return af_error_nomem(err);
  if (json_object_get(r->seen, "image")) return 0;
  return af_error_set(err, -AF_EAWS, AF_CLASS_REFUSED, "InvalidAMIID.NotFound", "AWS shows no AMI %s in %s", r->what.image, r->what.region);
}

static bool gone(const struct af_survey *s) {
  return af_str_starts(af_str(s->error.code), "InvalidAMIID.") || af_streq(s->error.code, "InvalidSnapshot.NotFound");
}

/* What is there now takes the place of what was read then. */
static int take_source(struct af_live_copy *c, const struct reading *r) {
  json_t *snapshots = json_object_get(r->seen, "snapshots");
  const char *uefi = af_json_str(r->seen, "uefi");
  json_decref(c->facts.image);
  c->facts.image = json_incref(json_object_get(r->seen, "image"));
  json_decref(c->facts.snapshots);
  c->facts.snapshots = snapshots ? json_incref(snapshots) : json_array();
  if (!r->what.uefi) return c->facts.snapshots ? 0 : -AF_ENOMEM;
  free(c->facts.uefi_data);
  c->facts.uefi_data = *uefi ? af_str_dup(af_str(uefi)) : NULL;
  return c->facts.snapshots && (c->facts.uefi_data || !*uefi) ? 0 : -AF_ENOMEM;
}

static int missing(const struct af_live_copy *c, struct af_findings *ret) {
  ret->list = calloc(1, sizeof(*ret->list));
  if (!ret->list) return -AF_ENOMEM;
  ret->n = 1;
  *ret->list = (struct af_finding){.verdict = AF_MISSING};
  AF_COPY(ret->list->attribute, af_str("image"));
  AF_COPY(ret->list->source, af_str(c->spec.image));
  return 0;
}

static int compare(struct af_live_copy *c, struct af_survey *list, int64_t now_ms, struct af_findings *ret, bool *ret_live,
                   struct af_error *err) {
  const struct reading *source = list[0].reads, *copy = list[1].reads;
  struct af_copy_reading now;
  for (size_t i = 0; i < 2; i++) {
    if (!af_survey_failed(&list[i]) || gone(&list[i])) continue;
    *err = list[i].error;
    return -AF_EAWS;
  }
  *ret_live = !af_survey_failed(&list[0]);
  if (*ret_live && take_source(c, source)) return af_error_nomem(err);
  if (af_survey_failed(&list[1])) return missing(c, ret) ? af_error_nomem(err) : 0;
  af_reading_get(copy->seen, &now);
  now.now_ms = now_ms;
  return af_verify(&c->spec, &c->facts, &c->decision, &now, ret) ? af_error_nomem(err) : 0;
}

/* from_ms: when to begin. */
static int read_both(struct af_engine *e, struct af_live_copy *c, int64_t from_ms, struct af_findings *ret, bool *ret_live, struct af_error *err) {
  bool own = *c->facts.source_account && af_streq(af_json_str(c->facts.image, "OwnerId"), c->facts.source_account);
  struct reading reads[2] = {{.what = {c->spec.image, c->spec.source.region, AF_SOURCE, own, false, false}, .account = c->facts.source_account},
                             {.what = {c->row.image_id, c->spec.target.region, AF_TARGET, true, true, true}, .account = c->facts.target_account}};
  struct af_survey list[2] = {{0}};
  int rc = 0;
  for (size_t i = 0; i < 2; i++) {
    reads[i].seen = json_object();
    list[i] = (struct af_survey){.reads = &reads[i], .ask = ask, .answer = answer, .source = c->source, .target = c->target, .due_ms = from_ms};
    if (!reads[i].seen) rc = af_error_nomem(err);
  }
  if (!rc) rc = af_survey_run(e, list, 2, err);
  if (!rc) rc = compare(c, list, af_now_ms(e->config.clock), ret, ret_live, err);
  for (size_t i = 0; i < 2; i++) {
    af_survey_done(&list[i]);
    json_decref(reads[i].seen);
  }
  return rc;
}

/* This copy may have ended just now, and so may one that reads its AMI, which was shared for it: AWS must have had time to show that. */
static int read_until_shown(struct af_engine *e, struct af_live_copy *c, struct af_findings *ret, bool *ret_live, struct af_error *err) {
  int64_t now = af_now_ms(e->config.clock), shown;
  struct af_error difference;
  e->written_ms = e->begun_ms; /* the clock is trusted here: a look changes nothing, and is not to take a window longer for ever */
  if (af_recent_read(e)) {
    *err = e->failure;
    return e->rc;
  }
  shown = af_recent_shown(e);
  int rc = read_both(e, c, now, ret, ret_live, err);
  if (rc || now >= shown || !af_findings_judge(ret, &difference)) return rc;
  af_findings_done(ret);
  return read_both(e, c, shown, ret, ret_live, err);
}

static int check_done(const struct af_live_copy *c, struct af_error *err) {
  if (c->row.state == AF_COPY_DONE && c->row.image_id && c->has_facts) return 0;
  return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "NothingToVerify", "copy %s is %s: there is nothing to verify", c->row.id,
                      af_copy_state_name(c->row.state));
}

int af_engine_verify(struct af_engine *e, const char *copy_id, struct af_findings *ret, bool *ret_source_live, struct af_error *err) {
  struct af_live_copy *c = calloc(1, sizeof(*c));
  struct af_findings found = {0};
  bool live = false;
  if (!c) return af_error_nomem(err);
  af_facts_init(&c->facts);
  int rc = af_store_copy_get(e->config.store, copy_id, &c->row, err);
  if (!rc) rc = af_live_copy_parse(c, e->config.store, err);
  if (!rc) rc = check_done(c, err);
  if (!rc) rc = af_spec_sessions(e, &c->spec, &c->source, &c->target, err);
  if (!rc) rc = read_until_shown(e, c, &found, &live, err);
  af_live_copy_free(c);
  if (rc) return rc;
  *ret = found;
  *ret_source_live = live;
  return 0;
}
