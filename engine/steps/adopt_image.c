/* adopt-image: an earlier copy of ours is there already, finished or nearly so. It is awaited and verified, never made and never undone.
 * skip-image: something has the name, and the manifest says to leave it at that. */
#include "engine/steps/steps.h"

static int adopt_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  if (ctx->step->face == AF_FACE_UNDO) {
    out->kind = AF_OUT_DONE;
    return 0;
  }
  out->kind = AF_OUT_PENDING;
  AF_COPY(out->resource, af_str(ctx->decision->adopted_image));
  return 0;
}

static int skip_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  out->kind = AF_OUT_DONE;
  if (ctx->step->face == AF_FACE_DO) AF_COPY(out->resource, af_str(ctx->decision->adopted_image));
  return 0;
}

static int adopt_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  return 0; /* it sends nothing of its own */
}

const struct af_step_kind af_step_adopt_image = {
    .name = "adopt-image", .poll = AF_POLL_IMAGE, .ask = adopt_ask, .answer = adopt_answer, .matured = af_image_matured};
const struct af_step_kind af_step_skip_image = {.name = "skip-image", .poll = AF_POLL_ASK, .ask = skip_ask, .answer = adopt_answer};
