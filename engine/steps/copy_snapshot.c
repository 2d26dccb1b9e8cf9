/* copy-snapshot: copies one source snapshot into the target account and Region under the target's key (rules.md 2.2). CopySnapshot has
 * no client token, and every repeat starts another copy: after a lost reply the copy is looked for by the tag that was written in the
 * creating call, AWS is given time to show it, and only then is it sent again. A key that is not usable yet fails the copy minutes later
 * ("Given key ID is not accessible"): such a copy is deleted and made anew. */
#include <stdio.h>

#include "engine/aws/ops.h"
#include "engine/steps/steps.h"

/* A grant takes up to five minutes to reach every corner of KMS (rules.md 3); each try costs about one. */
static int create(const struct af_step_ctx *ctx, struct af_ask *ret) {
  char description[256];
  snprintf(description, sizeof(description), "amiferry: copy of %s (%s) for %s", ctx->step->item, ctx->spec->source.region,
           ctx->spec->image);
  json_t *tags = af_step_tags(ctx, "snapshot", ctx->step->item);
  ret->op = &af_ec2_copy_snapshot;
  ret->input = json_pack("{s:s, s:s, s:s, s:b, s:s, s:[o]}", "SourceRegion", ctx->spec->source.region, "SourceSnapshotId", ctx->subject,
                         "Description", description, "Encrypted", 1, "KmsKeyId", ctx->decision->key_arn, "TagSpecifications", tags);
  return ret->input ? 0 : -AF_ENOMEM;
}

static int drop(struct af_ask *ret, const char *snapshot) {
  ret->op = &af_ec2_delete_snapshot;
  ret->input = json_pack("{s:s}", "SnapshotId", snapshot);
  return ret->input ? 0 : -AF_ENOMEM;
}

static int copy_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  ret->side = AF_TARGET;
  ret->region = ctx->spec->target.region;
  if (*af_json_str(ctx->data, "discard") && ctx->step->resource) return drop(ret, ctx->step->resource);
  if (ctx->step->state == AF_STEP_AMBIGUOUS && ctx->step->face == AF_FACE_DO) return af_snapshot_probe(ctx, ret);
  if (ctx->step->face == AF_FACE_DO) return create(ctx, ret);
  if (ctx->step->resource) return drop(ret, ctx->step->resource);
  out->kind = AF_OUT_DONE;
  return 0;
}

/* The oldest is ours; a younger twin would be one that an earlier program sent twice. */
static const json_t *oldest(const json_t *list) {
  const json_t *best = NULL;
  size_t i;
  json_t *snapshot;
  json_array_foreach(list, i, snapshot) {
    if (!best || strcmp(af_json_str(snapshot, "StartTime"), af_json_str(best, "StartTime")) < 0) best = snapshot;
  }
  return best;
}

static void probed(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out) {
  const json_t *found = oldest(json_object_get(a->output, "Snapshots"));
  if (found) {
    AF_COPY(out->resource, af_str(af_json_str(found, "SnapshotId")));
    out->effect = "snapshot";
    out->kind = AF_OUT_PENDING;
    snprintf(out->note, sizeof(out->note), "found %s, which the lost call had made", out->resource);
    return;
  }
  out->kind = AF_OUT_AGAIN; /* the engine looks again until AWS has had time to show it, then lets it be sent anew */
}

/* What failed is removed; a late grant is a reason to make it anew, anything else is the end. */
static void removed(const struct af_step_ctx *ctx, struct af_outcome *out) {
  const char *why = af_json_str(ctx->data, "why");
  bool key = strstr(why, "key ID is not accessible") != NULL;
  out->kind = AF_OUT_REMAKE;
  if (key && af_grant_may_be_late(ctx)) return;
  af_outcome_fail(out, key ? AF_CLASS_AUTH : AF_CLASS_REFUSED, key ? "KeyNotAccessible" : "SnapshotCopyFailed", ctx->step->item,
                  "the copy of %s failed in AWS: %s", ctx->step->item, *why ? why : "no reason given");
  AF_COPY(out->error.action, af_str("ec2:CopySnapshot"));
  out->data = json_object();
  if (key)
    af_error_hint(&out->error,
                  "the target's principal must be allowed to use both keys: %s needs kms:DescribeKey, kms:CreateGrant, kms:Decrypt, "
                  "kms:ReEncrypt* and "
                  "kms:GenerateDataKey* on the source key, and the same on %s",
                  ctx->facts->target_account, ctx->decision->key_arn);
  else
    af_error_hint(&out->error, "run the manifest again; if it fails the same way, look at the snapshot's events in account %s",
                  ctx->facts->target_account);
}

static int copy_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  if (op == &af_ec2_delete_snapshot) {
    if (a->rc) af_gone(ctx, a, 1, out);
    if (a->rc && out->kind != AF_OUT_DONE) return 0;
    out->kind = AF_OUT_DONE;
    out->effect = "snapshot";
    out->effect_gone = true;
    AF_COPY(out->resource, af_str(ctx->step->resource));
    if (*af_json_str(ctx->data, "discard") && ctx->step->face == AF_FACE_DO) removed(ctx, out);
    return 0;
  }
  if (a->rc) return 0;
  if (op == &af_ec2_describe_snapshots) {
    probed(ctx, a, out);
    return 0;
  }
  AF_COPY(out->resource, af_str(af_json_str(a->output, "SnapshotId")));
  out->effect = "snapshot";
  if (*out->resource) out->kind = AF_OUT_PENDING;
  return 0;
}

static void failed(const struct af_step_ctx *ctx, const json_t *snapshot, struct af_outcome *out) {
  const char *why = af_json_str(snapshot, "StateMessage");
  out->data = json_pack("{s:s, s:s}", "discard", ctx->step->resource, "why", why);
  out->kind = AF_OUT_AGAIN;
  snprintf(out->note, sizeof(out->note), "%s failed: %s", ctx->step->resource, *why ? why : "no reason given");
}

static int copy_matured(const struct af_step_ctx *ctx, const json_t *item, struct af_outcome *out) {
  const char *state = af_json_str(item, "State");
  if (!item) {
    af_outcome_vanished(ctx, "SnapshotVanished", "snapshot", out);
    return 0;
  }
  struct af_str percent = af_str_trim(af_str(af_json_str(item, "Progress")));
  int64_t progress = 0;
  if (percent.len && percent.ptr[percent.len - 1] == '%') percent.len--;
  if (af_str_to_i64(percent, &progress) == 0) out->progress = (int)progress;
  out->kind = AF_OUT_PENDING; /* 100 % may still be pending: the state decides (rules.md 2.3) */
  if (af_streq(state, "completed")) out->kind = AF_OUT_DONE;
  else if (af_streq(state, "error")) failed(ctx, item, out);
  return 0;
}

const struct af_step_kind af_step_copy_snapshot = {
    .name = "copy-snapshot", .poll = AF_POLL_SNAPSHOT, .ask = copy_ask, .answer = copy_answer, .matured = copy_matured};
