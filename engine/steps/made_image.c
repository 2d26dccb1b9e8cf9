/* What the kinds share that make an image by one call, of which AWS makes the snapshots: finding what a lost call made, asking why a failed
 * one failed, and removing one. A failed image doesn't say why; its snapshots do (rules.md 1.6), so they are read before it is given up.
 * Removing one (undo, or to make it anew) is a small walk: read which snapshots it holds, since the tags of a finished copy may all be the
 * user's and a deregistered image tells nothing; deregister, which also cancels a copy under way; delete those snapshots and any that still
 * carries this step's tags, one by one, until AWS shows none.
 *
 * data: {"autopsy": what the image said, "begun": ms} | {"discard": image, "why": reason} while removing a failed one,
 *       with {"held": [snapshot…], "deregistered": ms, "drop": snapshot, "dropped": [snapshot…]} as the walk goes on. */
#include <stdio.h>

#include "engine/aws/ops.h"
#include "engine/steps/steps.h"

static bool removing(const struct af_step_ctx *ctx) {
  return ctx->step->face == AF_FACE_UNDO || *af_json_str(ctx->data, "discard");
}

static bool dropped(const struct af_step_ctx *ctx, const char *snapshot) {
  size_t i;
  json_t *gone;
  json_array_foreach(json_object_get(ctx->data, "dropped"), i, gone) {
    if (af_streq(json_string_value(gone), snapshot)) return true;
  }
  return false;
}

/* The snapshot that goes next: one that was found, or one that the image held; "" where there is none. */
static const char *next_drop(const struct af_step_ctx *ctx) {
  const char *found = af_json_str(ctx->data, "drop");
  size_t i;
  json_t *held;
  if (*found) return found;
  json_array_foreach(json_object_get(ctx->data, "held"), i, held) {
    if (!dropped(ctx, json_string_value(held))) return json_string_value(held);
  }
  return "";
}

static int removal_ask(const struct af_step_ctx *ctx, struct af_ask *ret) {
  const char *drop = next_drop(ctx);
  if (!json_object_get(ctx->data, "held")) {
    ret->op = &af_ec2_describe_images;
    ret->input = json_pack("{s:[s]}", "ImageIds", ctx->step->resource);
  } else if (!af_json_int(ctx->data, "deregistered")) {
    ret->op = &af_ec2_deregister_image;
    ret->input = json_pack("{s:s}", "ImageId", ctx->step->resource);
  } else if (*drop) {
    ret->op = &af_ec2_delete_snapshot;
    ret->input = json_pack("{s:s}", "SnapshotId", drop);
  } else {
    return af_snapshot_probe(ctx, ret);
  }
  return ret->input ? 0 : -AF_ENOMEM;
}

static int set_data(struct af_outcome *out, json_t *data) {
  out->data = data;
  return data ? 0 : -AF_ENOMEM;
}

/* The next snapshot that the walk hasn't dropped yet; NULL where AWS shows none. */
static const char *undropped(const struct af_step_ctx *ctx, const json_t *list) {
  size_t i;
  json_t *snapshot;
  json_array_foreach(list, i, snapshot) {
    if (!dropped(ctx, af_json_str(snapshot, "SnapshotId"))) return af_json_str(snapshot, "SnapshotId");
  }
  return NULL;
}

/* What failed is removed; a late grant is a reason to make it anew, anything else is the end. */
static void removed(const struct af_step_ctx *ctx, struct af_outcome *out) {
  const char *why = af_json_str(ctx->data, "why");
  bool key = strstr(why, "key ID is not accessible") != NULL;
  out->kind = AF_OUT_REMAKE;
  if (key && af_grant_may_be_late(ctx)) return;
  af_outcome_fail(out, key ? AF_CLASS_AUTH : AF_CLASS_REFUSED, key ? "KeyNotAccessible" : "ImageFailed", ctx->source_image,
                  "the image made of %s failed in AWS: %s", ctx->source_image, why);
  AF_COPY(out->error.action, af_str(af_json_str(ctx->data, "api")));
  out->data = json_object();
  if (key)
    af_error_hint(&out->error, "check that the principal may use the key %s (and the source's key, where there is one)",
                  af_streq(ctx->step->kind, "bridge-image") ? ctx->decision->bridge_key_arn : ctx->decision->key_arn);
  else
    af_error_hint(&out->error, "run the manifest again; if it fails the same way, look at the events of the image that failed, %s",
                  ctx->step->resource);
}

static int listed(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out) {
  const char *next = undropped(ctx, json_object_get(a->output, "Snapshots"));
  out->kind = AF_OUT_AGAIN;
  if (next) {
    json_t *data = af_step_data(ctx);
    af_json_put(&data, "drop", json_string(next));
    return set_data(out, data);
  }
  out->delay_ms = af_pause_ms(ctx);
  if (ctx->asked_ms < af_json_int(ctx->data, "deregistered") + ctx->window_ms) return 0; /* AWS may not show the last of them yet */
  out->kind = AF_OUT_DONE;
  if (ctx->step->face == AF_FACE_DO) removed(ctx, out);
  out->effect = "image";
  out->effect_gone = true;
  AF_COPY(out->resource, af_str(ctx->step->resource));
  return 0;
}

/* What AWS doesn't show any more, or not yet, holds nothing that could be read: its tags must do. */
static int take_held(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out) {
  json_t *data = af_step_data(ctx), *held = json_array(), *mapping;
  size_t i;
  json_array_foreach(json_object_get(json_array_get(json_object_get(a->output, "Images"), 0), "BlockDeviceMappings"), i, mapping) {
    if (*af_mapping_snapshot(mapping)) af_json_append(&held, json_string(af_mapping_snapshot(mapping)));
  }
  af_json_put(&data, "held", held);
  out->kind = AF_OUT_AGAIN;
  return set_data(out, data);
}

static int removal_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  bool unseen = a->rc && af_str_starts(af_str(a->error.code), "InvalidAMIID.");
  if (op == &af_ec2_describe_images) return a->rc && !unseen ? 0 : take_held(ctx, a, out);
  if (op == &af_ec2_describe_snapshots) return a->rc ? 0 : listed(ctx, a, out);
  if (a->rc) af_gone(ctx, a, 1, out);
  if (a->rc && out->kind != AF_OUT_DONE) return 0;
  json_t *data = op == &af_ec2_delete_snapshot ? af_drop_done(ctx, next_drop(ctx)) : af_step_data(ctx);
  if (op == &af_ec2_deregister_image) af_json_put(&data, "deregistered", json_integer(ctx->now_ms));
  out->kind = AF_OUT_AGAIN;
  return set_data(out, data);
}

/* Why did it fail? The first snapshot in error says so, which AWS may show later than the image; otherwise what the image itself said must do. */
static int autopsy(const struct af_step_ctx *ctx, const char *api, const struct af_answer *a, struct af_outcome *out) {
  const char *why = "";
  size_t i;
  json_t *snapshot;
  json_array_foreach(json_object_get(a->output, "Snapshots"), i, snapshot) {
    if (!*why) why = af_json_str(snapshot, "StateMessage");
  }
  out->kind = AF_OUT_AGAIN;
  out->delay_ms = af_pause_ms(ctx);
  if (!*why && ctx->asked_ms < af_json_int(ctx->data, "begun") + ctx->window_ms) return 0;
  out->delay_ms = 0;
  if (!*why) why = af_json_str(ctx->data, "autopsy");
  snprintf(out->note, sizeof(out->note), "%s failed: %s", ctx->step->resource, why);
  return set_data(out, json_pack("{s:s, s:s, s:s}", "discard", ctx->step->resource, "why", why, "api", api));
}

int af_made_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out,
                int (*create)(const struct af_step_ctx *ctx, struct af_ask *ret)) {
  af_ask_at(ctx, ret);
  if (ctx->step->face == AF_FACE_UNDO && !ctx->step->resource) {
    out->kind = AF_OUT_DONE;
    return 0;
  }
  if (removing(ctx)) return removal_ask(ctx, ret);
  if (*af_json_str(ctx->data, "autopsy")) return af_snapshot_probe(ctx, ret);
  if (ctx->step->state == AF_STEP_AMBIGUOUS) return af_name_probe(ctx, ret);
  return create(ctx, ret);
}

int af_made_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_op *create, const struct af_answer *a,
                   struct af_outcome *out) {
  if (removing(ctx)) return removal_answer(ctx, op, a, out);
  if (a->rc) return 0;
  if (op == &af_ec2_describe_snapshots) return autopsy(ctx, create->label, a, out);
  if (op == &af_ec2_describe_images) {
    af_name_probed(ctx, a, out);
    return 0;
  }
  AF_COPY(out->resource, af_str(af_json_str(a->output, "ImageId")));
  out->effect = "image";
  if (*out->resource) out->kind = AF_OUT_PENDING;
  return 0;
}

int af_made_matured(const struct af_step_ctx *ctx, const json_t *item, struct af_outcome *out) {
  int rc = af_image_matured(ctx, item, out);
  if (rc || out->kind != AF_OUT_FAIL || af_image_vanished(item)) return rc;
  json_t *data = json_pack("{s:s, s:I}", "autopsy", out->error.message, "begun", (json_int_t)ctx->now_ms);
  out->kind = AF_OUT_AGAIN;
  af_error_clear(&out->error);
  return set_data(out, data);
}
