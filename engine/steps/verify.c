/* verify: reads the new AMI, its snapshots and its UEFI data, and compares them with the source (plans/verify.h, design section 5).
 * AWS's reads lag: a difference counts only when it is still there after a while. */
#include "engine/aws/ops.h"
#include "engine/steps/steps.h"
#include "plans/verify.h"

static json_t *snapshot_ids(const json_t *image) {
  json_t *ids = json_array(), *mapping;
  size_t i;
  json_array_foreach(json_object_get(image, "BlockDeviceMappings"), i, mapping) {
    const char *id = af_json_str(json_object_get(mapping, "Ebs"), "SnapshotId");
    if (*id) json_array_append_new(ids, json_string(id));
  }
  return ids;
}

static int read_image(const struct af_step_ctx *ctx, struct af_ask *ret) {
  ret->op = &af_ec2_describe_images;
  ret->input = json_pack("{s:[s]}", "ImageIds", ctx->copy->image_id);
  return ret->input ? 0 : -AF_ENOMEM;
}

static int read_uefi(const struct af_step_ctx *ctx, struct af_ask *ret) {
  ret->op = &af_ec2_describe_image_attribute;
  ret->input = json_pack("{s:s, s:s}", "ImageId", ctx->copy->image_id, "Attribute", "uefiData");
  return ret->input ? 0 : -AF_ENOMEM;
}

/* The next thing that hasn't been read; ret->op stays NULL where all of it is there. */
static int next_read(const struct af_step_ctx *ctx, struct af_ask *ret) {
  const json_t *seen = *ctx->scratch;
  json_t *image = json_object_get(seen, "image");
  ret->side = AF_TARGET;
  ret->region = ctx->spec->target.region;
  if (!image) return read_image(ctx, ret);
  if (!json_object_get(seen, "snapshots")) {
    json_t *ids = snapshot_ids(image);
    if (ids && json_array_size(ids) > 0) {
      ret->op = &af_ec2_describe_snapshots;
      ret->input = json_pack("{s:o}", "SnapshotIds", ids); /* an empty list would mean all there are */
      return ret->input ? 0 : -AF_ENOMEM;
    }
    json_decref(ids);
  }
  if (ctx->facts->uefi_data && !json_object_get(seen, "uefi")) return read_uefi(ctx, ret);
  return 0;
}

static int judge(const struct af_step_ctx *ctx, struct af_outcome *out) {
  json_t *seen = *ctx->scratch;
  struct af_findings findings = {0};
  struct af_error err;
  const char *uefi = json_string_value(json_object_get(seen, "uefi"));
  struct af_copy_reading copy = {.image = json_object_get(seen, "image"),
                                 .snapshots = json_object_get(seen, "snapshots"),
                                 .uefi_data = uefi && *uefi ? uefi : NULL,
                                 .uefi_readable = true};
  int rc = af_verify(ctx->spec, ctx->facts, ctx->decision, &copy, &findings);
  if (rc) return rc;
  rc = af_findings_judge(&findings, &err);
  af_findings_done(&findings);
  out->kind = AF_OUT_DONE;
  if (!rc) return 0;
  AF_COPY(err.resource, af_str(ctx->copy->image_id));
  if (ctx->now_ms < ctx->step->started_ms + ctx->window_ms) {
    out->kind = AF_OUT_AGAIN; /* read it all again */
    out->delay_ms = 1000;
    out->error = err;
    json_object_clear(seen);
  } else {
    af_outcome_error(out, &err);
  }
  return 0;
}

static int verify_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  if (ctx->step->face == AF_FACE_UNDO) {
    out->kind = AF_OUT_DONE;
    return 0;
  }
  if (!*ctx->scratch && !(*ctx->scratch = json_object())) return -AF_ENOMEM;
  return next_read(ctx, ret);
}

static int verify_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  json_t *seen = *ctx->scratch;
  if (a->rc || !seen) return 0;
  if (op == &af_ec2_describe_images) {
    json_t *image = json_array_get(json_object_get(a->output, "Images"), 0);
    if (image) json_object_set(seen, "image", image);
  } else if (op == &af_ec2_describe_snapshots) {
    json_object_set(seen, "snapshots", json_object_get(a->output, "Snapshots"));
  } else {
    json_t *value = json_object_get(json_object_get(a->output, "UefiData"), "Value");
    json_object_set_new(seen, "uefi", json_string(json_is_string(value) ? json_string_value(value) : ""));
  }
  struct af_ask more = {0};
  int rc = next_read(ctx, &more);
  bool all = !rc && !more.op;
  af_ask_done(&more);
  if (rc) return rc;
  if (all) return judge(ctx, out);
  out->kind = AF_OUT_AGAIN;
  if (!json_object_get(seen, "image")) out->delay_ms = 1000; /* not shown yet */
  return 0;
}

const struct af_step_kind af_step_verify = {.name = "verify", .poll = AF_POLL_ASK, .ask = verify_ask, .answer = verify_answer};
