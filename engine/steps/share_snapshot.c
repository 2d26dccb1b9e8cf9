/* share-snapshot: lets the target account read one source snapshot (createVolumePermission, rules.md 1.3), and takes that back.
 * The permission is looked at before it is opened: what was there before us stays. */
#include "engine/aws/ops.h"
#include "engine/steps/steps.h"

static int modify(const struct af_step_ctx *ctx, const char *verb, struct af_ask *ret) {
  ret->op = &af_ec2_modify_snapshot_attribute;
  ret->side = AF_SOURCE;
  ret->region = ctx->spec->source.region;
  ret->input = json_pack("{s:s, s:s, s:{s:[{s:s}]}}", "SnapshotId", ctx->step->item, "Attribute", "createVolumePermission",
                         "CreateVolumePermission", verb, "UserId", ctx->facts->target_account);
  return ret->input ? 0 : -AF_ENOMEM;
}

static int share_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  if (ctx->step->face == AF_FACE_UNDO) return modify(ctx, "Remove", ret);
  if (json_is_true(json_object_get(ctx->data, "looked"))) return modify(ctx, "Add", ret);
  ret->op = &af_ec2_describe_snapshot_attribute;
  ret->side = AF_SOURCE;
  ret->region = ctx->spec->source.region;
  ret->input = json_pack("{s:s, s:s}", "SnapshotId", ctx->step->item, "Attribute", "createVolumePermission");
  return ret->input ? 0 : -AF_ENOMEM;
}

static int share_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  if (a->rc) {
    /* Nothing is left to close where the snapshot itself is gone. */
    if (ctx->step->face == AF_FACE_UNDO && af_streq(a->error.code, "InvalidSnapshot.NotFound")) out->kind = AF_OUT_DONE;
    return 0;
  }
  if (op == &af_ec2_describe_snapshot_attribute) {
    out->was_there = af_permission_has(json_object_get(a->output, "CreateVolumePermissions"), ctx->facts->target_account);
    out->kind = out->was_there ? AF_OUT_DONE : AF_OUT_AGAIN;
    out->data = json_pack("{s:b}", "looked", 1);
    return out->data ? 0 : -AF_ENOMEM;
  }
  out->kind = AF_OUT_DONE;
  AF_COPY(out->resource, af_str(ctx->step->item));
  return 0;
}

const struct af_step_kind af_step_share_snapshot = {.name = "share-snapshot", .poll = AF_POLL_ASK, .ask = share_ask, .answer = share_answer};
