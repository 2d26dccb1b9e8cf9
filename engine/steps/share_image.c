/* share-image: lets the target account launch, and so copy, the source AMI (launchPermission, rules.md 1.3), and takes that back. */
#include "engine/aws/ops.h"
#include "engine/steps/steps.h"

static int modify(const struct af_step_ctx *ctx, const char *verb, struct af_ask *ret) {
  ret->op = &af_ec2_modify_image_attribute;
  ret->side = AF_SOURCE;
  ret->region = ctx->spec->source.region;
  ret->input = json_pack("{s:s, s:{s:[{s:s}]}}", "ImageId", ctx->spec->image, "LaunchPermission", verb, "UserId", ctx->facts->target_account);
  return ret->input ? 0 : -AF_ENOMEM;
}

static int share_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  if (ctx->step->face == AF_FACE_UNDO) return modify(ctx, "Remove", ret);
  if (json_is_true(json_object_get(ctx->data, "looked"))) return modify(ctx, "Add", ret);
  ret->op = &af_ec2_describe_image_attribute;
  ret->side = AF_SOURCE;
  ret->region = ctx->spec->source.region;
  ret->input = json_pack("{s:s, s:s}", "ImageId", ctx->spec->image, "Attribute", "launchPermission");
  return ret->input ? 0 : -AF_ENOMEM;
}

static int share_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  if (a->rc) {
    if (ctx->step->face == AF_FACE_UNDO && af_str_starts(af_str(a->error.code), "InvalidAMIID.")) out->kind = AF_OUT_DONE;
    return 0;
  }
  if (op == &af_ec2_describe_image_attribute) {
    out->was_there = af_permission_has(json_object_get(a->output, "LaunchPermissions"), ctx->facts->target_account);
    out->kind = out->was_there ? AF_OUT_DONE : AF_OUT_AGAIN;
    out->data = json_pack("{s:b}", "looked", 1);
    return out->data ? 0 : -AF_ENOMEM;
  }
  out->kind = AF_OUT_DONE;
  AF_COPY(out->resource, af_str(ctx->spec->image));
  return 0;
}

const struct af_step_kind af_step_share_image = {.name = "share-image", .poll = AF_POLL_ASK, .ask = share_ask, .answer = share_answer};
