/* copy-image: CopyImage in the target account and Region (rules.md 1), of the source, or of what was made of it on the way. bridge-image: the
 * same within the source's own account and Region, under a key that can be shared, since aws/ebs can't (rules.md 3). A client token makes a
 * repeat harmless, and the tags of the creating call tell what a lost one made. A bridge's data, once it is there, says which of its
 * snapshots stands for which of the source's: {"snapshots": {mapping's name (plans/facts.h): bridge}}. */
#include "engine/aws/ops.h"
#include "engine/steps/steps.h"

static int create(const struct af_step_ctx *ctx, struct af_ask *ret, const char *key) {
  char token[65], name[AF_STEP_NAME_SIZE];
  const char *description = af_step_description(ctx);
  int rc = af_step_token(ctx, token);
  if (rc) return rc;
  af_step_image_name(ctx, name);
  ret->op = &af_ec2_copy_image;
  ret->input = json_pack("{s:s, s:s, s:s, s:s, s:[o, o]}", "Name", name, "SourceImageId", ctx->source_image, "SourceRegion",
                         ctx->spec->source.region, "ClientToken", token, "TagSpecifications", af_step_tags(ctx, "image", NULL),
                         af_step_tags(ctx, "snapshot", ""));
  if (*description) af_json_put(&ret->input, "Description", json_string(description));
  if (*key) { /* both or neither: rules.md 1.4 */
    af_json_put(&ret->input, "Encrypted", json_true());
    af_json_put(&ret->input, "KmsKeyId", json_string(key));
  }
  return ret->input ? 0 : -AF_ENOMEM;
}

static int create_copy(const struct af_step_ctx *ctx, struct af_ask *ret) {
  return create(ctx, ret, ctx->decision->encrypt ? ctx->decision->key_arn : "");
}

static int create_bridge(const struct af_step_ctx *ctx, struct af_ask *ret) {
  return create(ctx, ret, ctx->decision->bridge_key_arn);
}

static int copy_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  return af_made_ask(ctx, ret, out, create_copy);
}

static int bridge_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  return af_made_ask(ctx, ret, out, create_bridge);
}

/* What AWS said, or says no more, where an image may not be copied (rules.md 1.5): another route may do. Without a share of the storage
 * only the owner can help; whoever pulls has none to ask, and may still launch it, unless it is in instance store. */
static bool may_not_be_copied(const struct af_step_ctx *ctx, const struct af_error *err) {
  return strstr(err->message, "Images from AWS Marketplace cannot be copied") || strstr(err->message, "BillingProduct codes cannot be copied") ||
         (ctx->decision->pull && !ctx->decision->instance_store && strstr(err->message, "do not have permission to access the storage of this ami"));
}

static int copy_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  int rc = af_made_answer(ctx, op, &af_ec2_copy_image, a, out);
  if (!rc && a->rc && op == &af_ec2_copy_image && may_not_be_copied(ctx, &a->error)) {
    af_outcome_error(out, &a->error);
    out->lower = true;
  }
  return rc;
}

/* Device by device: AWS copies the mappings as they are. Returns 1 where all are shown, 0 where not yet. */
static int counterparts(const struct af_step_ctx *ctx, const json_t *bridge, json_t **ret) {
  const json_t *mappings = json_object_get(ctx->facts->image, "BlockDeviceMappings");
  json_t *map = json_object(), *mapping;
  bool whole = true;
  size_t i;
  json_array_foreach(mappings, i, mapping) {
    const json_t *twin = af_json_find(json_object_get(bridge, "BlockDeviceMappings"), "DeviceName", af_json_str(mapping, "DeviceName"));
    const char *to = twin ? af_mapping_snapshot(twin) : "";
    char from[AF_MAPPING_NAME_SIZE];
    af_mapping_name(mappings, i, from);
    if (*from && *to) af_json_put(&map, from, json_string(to));
    whole = whole && (!*from || *to);
  }
  *ret = map;
  return map ? whole : -AF_ENOMEM;
}

static int bridge_matured(const struct af_step_ctx *ctx, const json_t *item, struct af_outcome *out) {
  json_t *map = NULL;
  int rc = af_made_matured(ctx, item, out);
  if (rc || out->kind != AF_OUT_DONE) return rc;
  int whole = counterparts(ctx, item, &map);
  if (whole < 0) return whole;
  if (whole) out->data = json_pack("{s:O}", "snapshots", map);
  else out->kind = AF_OUT_PENDING;
  json_decref(map);
  return whole && !out->data ? -AF_ENOMEM : 0;
}

const struct af_step_kind af_step_copy_image = {
    .name = "copy-image", .poll = AF_POLL_IMAGE, .ask = copy_ask, .answer = copy_answer, .matured = af_made_matured};
const struct af_step_kind af_step_bridge_image = {
    .name = "bridge-image", .poll = AF_POLL_IMAGE, .ask = bridge_ask, .answer = copy_answer, .matured = bridge_matured};
