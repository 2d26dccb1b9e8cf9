/* share-snapshot and share-image: let the target account read one source snapshot (createVolumePermission), or launch and so copy the
 * source AMI (launchPermission; rules.md 1.3), and take that back. The permission is looked at before it is opened, unless it is we
 * who are opening it already: what was there before us stays.
 *
 * data: {"looked": when it was asked whether the permission is there, which it was not}. */
#include "engine/aws/ops.h"
#include "engine/steps/steps.h"

struct permission {
  const struct af_op *describe, *modify;
  const char *id_member; /* of both calls */
  const char *attribute; /* what describe is asked for */
  const char *list;      /* what it answers */
  const char *change;    /* what modify is sent */
};
static const struct permission of_snapshot = {
    &af_ec2_describe_snapshot_attribute, &af_ec2_modify_snapshot_attribute, "SnapshotId", "createVolumePermission",
    "CreateVolumePermissions",           "CreateVolumePermission"};
static const struct permission of_image = {&af_ec2_describe_image_attribute,
                                           &af_ec2_modify_image_attribute,
                                           "ImageId",
                                           "launchPermission",
                                           "LaunchPermissions",
                                           "LaunchPermission"};

static const struct permission *permission_of(const struct af_step_ctx *ctx) {
  return af_streq(ctx->step->kind, "share-image") ? &of_image : &of_snapshot;
}

static int modify(const struct af_step_ctx *ctx, const char *verb, struct af_ask *ret) {
  const struct permission *p = permission_of(ctx);
  ret->op = p->modify;
  ret->input = json_pack("{s:s, s:s, s:{s:[{s:s}]}}", p->id_member, ctx->subject, "Attribute", p->attribute, p->change, verb, "UserId",
                         ctx->facts->target_account);
  return ret->input ? 0 : -AF_ENOMEM;
}

/* What somebody else opened after the look is not to be taken for ours: a look is good for one call, and not for one that was put off for long. */
static bool has_looked(const struct af_step_ctx *ctx) {
  return json_object_get(ctx->data, "looked") && ctx->now_ms < af_json_int(ctx->data, "looked") + ctx->window_ms;
}

static int share_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  const struct permission *p = permission_of(ctx);
  ret->side = AF_SOURCE;
  ret->region = ctx->spec->source.region;
  if (ctx->step->face == AF_FACE_UNDO) return modify(ctx, "Remove", ret);
  if (has_looked(ctx) || ctx->exposure->state != AF_EXPOSURE_CLOSED) return modify(ctx, "Add", ret);
  ret->op = p->describe;
  ret->input = json_pack("{s:s, s:s}", p->id_member, ctx->subject, "Attribute", p->attribute);
  return ret->input ? 0 : -AF_ENOMEM;
}

static bool lets_in(const json_t *permissions, const char *account) {
  size_t i;
  json_t *p;
  json_array_foreach(permissions, i, p) {
    if (af_streq(af_json_str(p, "UserId"), account) || af_streq(af_json_str(p, "Group"), "all")) return true;
  }
  return false;
}

static int share_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  const struct permission *p = permission_of(ctx);
  if (a->rc && ctx->step->face == AF_FACE_UNDO) {
    af_gone(ctx, a, 1, out); /* nothing is left to close where the thing itself is gone */
    return 0;
  }
  if (a->rc) {
    out->data = json_object();
    return out->data ? 0 : -AF_ENOMEM;
  }
  if (op == p->describe) {
    out->was_there = lets_in(json_object_get(a->output, p->list), ctx->facts->target_account);
    out->kind = out->was_there ? AF_OUT_DONE : AF_OUT_AGAIN;
    if (!out->was_there && !(out->data = json_pack("{s:I}", "looked", (json_int_t)ctx->asked_ms))) return -AF_ENOMEM;
    return 0;
  }
  out->kind = AF_OUT_DONE;
  AF_COPY(out->resource, af_str(ctx->subject));
  return 0;
}

const struct af_step_kind af_step_share_snapshot = {
    .name = "share-snapshot", .poll = AF_POLL_ASK, .ask = share_ask, .answer = share_answer};
const struct af_step_kind af_step_share_image = {.name = "share-image", .poll = AF_POLL_ASK, .ask = share_ask, .answer = share_answer};
