/* A person's own calls. */
#include "tests/simulation/hand.h"

#include <stdlib.h>

#include "engine/aws/ops.h"
#include "engine/internal.h"

int by_hand(struct rig *r, struct af_engine *e, const struct af_op *op, struct af_session *session, const char *region, json_t *input,
            struct af_error *err) {
  struct af_call call = {.op = op, .session = session, .region = region, .input = input, .tag = UINT64_MAX};
  rig_by_hand(r, op->action); /* it may wait for credentials, or be sent again */
  int rc = input ? af_aws_send(e->config.aws, &call, err) : -AF_ENOMEM;
  json_decref(input);
  return rc;
}

/* It is there, AWS knows that by now, and it is ours: what was open before us is left alone. */
static bool is_ours(struct af_engine *e, const struct af_live_copy *c, size_t step, struct af_exposure_row *x) {
  const struct af_step_row *s = &c->steps[step];
  if (af_copy_state_ended(c->row.state) || s->face != AF_FACE_DO || !s->resource || c->live[step].busy) return false;
  if (s->state != AF_STEP_PENDING && s->state != AF_STEP_DONE) return false;
  if (af_now_ms(e->config.clock) < s->intent_ms + e->config.window_ms / 2) return false;
  return !af_step_traits(s->kind)->exposure || (!af_exposure_read(e, c, step, x) && x->state == AF_EXPOSURE_OPEN && x->borrowed);
}

/* The call that takes it away: for an image that which ends it, for anything else that which the step itself would send. */
static void removal(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_exposure_row *x, struct af_ask *ret) {
  struct af_step_row undone = c->steps[step];
  struct af_step_ctx ctx;
  struct af_outcome out;
  json_t *data = json_object();
  undone.face = AF_FACE_UNDO;
  undone.state = AF_STEP_IDLE;
  af_step_context(e, c, step, x->kind ? x : NULL, &ctx);
  ctx.step = &undone;
  ctx.data = data;
  af_outcome_init(&out);
  if (af_step_kind(undone.kind)->poll == AF_POLL_IMAGE) {
    ret->op = &af_ec2_deregister_image;
    ret->input = json_pack("{s:s}", "ImageId", undone.resource);
  } else if (af_step_kind(undone.kind)->ask(&ctx, ret, &out)) {
    abort();
  }
  af_outcome_done(&out);
  json_decref(data);
}

static bool removes(struct rig *r, struct af_engine *e, struct af_live_copy *c, size_t step) {
  struct af_exposure_row x = {0};
  struct af_ask ask = {0};
  struct af_error err;
  bool ours = is_ours(e, c, step, &x);
  if (ours) removal(e, c, step, &x, &ask);
  struct af_at at = af_step_at(c, step);
  if (ask.op && by_hand(r, e, ask.op, at.session, at.region, json_incref(ask.input), &err)) abort();
  bool sent = ask.op != NULL;
  if (sent) rig_excuse_hazards(r);
  af_ask_done(&ask);
  af_exposure_row_done(&x);
  return sent;
}

bool hand_removes(struct rig *r, struct af_engine *e, const char *step_kind) {
  for (size_t i = 0; i < e->n_copies; i++)
    for (size_t k = 0; k < e->copies[i]->n_steps; k++)
      if (af_streq(e->copies[i]->steps[k].kind, step_kind) && removes(r, e, e->copies[i], k)) return true;
  return false;
}
