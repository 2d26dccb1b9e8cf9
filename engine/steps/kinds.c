/* The list of kinds, and what those that deal in images and permissions share. */
#include "engine/aws/ops.h"
#include "engine/pages.h"
#include "engine/steps/steps.h"

static const struct af_step_kind *const kinds[] = {
    &af_step_grant_key,  &af_step_share_snapshot, &af_step_share_image, &af_step_copy_snapshot,
    &af_step_copy_image, &af_step_register_image, &af_step_adopt_image, &af_step_verify,
    &af_step_bridge_image, &af_step_security_group, &af_step_launch_instance, &af_step_create_image, &af_step_create_hop_image,
    &af_step_finish_image, &af_step_protect_image, &af_step_skip_image, &af_step_share_bundle,
};

const struct af_step_kind *af_step_kind(const char *name) {
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
    if (af_streq(kinds[i]->name, name)) return kinds[i];
  return NULL;
}

bool af_image_vanished(const json_t *image) {
  return !image || af_streq(af_json_str(image, "State"), "deregistered");
}

int af_image_matured(const struct af_step_ctx *ctx, const json_t *image, struct af_outcome *out) {
  const char *state = af_json_str(image, "State");
  if (af_streq(state, "available")) {
    out->kind = AF_OUT_DONE;
  } else if (af_streq(state, "pending") || af_streq(state, "transient")) {
    out->kind = AF_OUT_PENDING;
  } else if (af_image_vanished(image)) {
    af_outcome_vanished(ctx, "ImageVanished", "AMI", out);
  } else {
    const json_t *reason = json_object_get(image, "StateReason");
    af_outcome_fail(out, AF_CLASS_REFUSED, "ImageFailed", ctx->step->resource, "the new AMI %s is %s: %s", ctx->step->resource, state,
                    *af_json_str(reason, "Message") ? af_json_str(reason, "Message") : "no reason given");
  }
  return 0;
}

/* What carries this copy's and this step's tags. */
int af_snapshot_probe(const struct af_step_ctx *ctx, struct af_ask *ret) {
  char mark[48];
  af_step_mark(ctx->step, mark);
  ret->op = &af_ec2_describe_snapshots;
  af_ask_at(ctx, ret);
  ret->input = json_pack("{s:[s], s:o, s:i}", "OwnerIds", "self", "Filters",
                         af_filters("tag:" AF_TAG_COPY, ctx->copy->id, "tag:" AF_TAG_STEP, mark, NULL), "MaxResults", AF_PAGE_MOST);
  return ret->input ? 0 : -AF_ENOMEM;
}
