/* create-image: CreateImage of the stopped instance, which keeps the billing codes (rules.md 4). create-hop-image: the same under a name of
 * its own, where the copy is to go on to another Region. No client token: the name, unique in account and Region, and the tags of the
 * creating call say whether it happened. */
#include "engine/aws/ops.h"
#include "engine/steps/steps.h"

/* Volumes go with the instance, whatever the source says: the image is to say what the source says. */
static json_t *mappings(const struct af_step_ctx *ctx) {
  json_t *list = json_array(), *mapping;
  size_t i;
  json_array_foreach(json_object_get(ctx->facts->image, "BlockDeviceMappings"), i, mapping) {
    const json_t *ebs = json_object_get(mapping, "Ebs");
    if (!ebs) continue;
    af_json_append(&list, json_pack("{s:s, s:{s:b}}", "DeviceName", af_json_str(mapping, "DeviceName"), "Ebs", "DeleteOnTermination",
                                    af_json_bool(ebs, "DeleteOnTermination")));
  }
  return list;
}

static int create(const struct af_step_ctx *ctx, struct af_ask *ret) {
  char name[AF_STEP_NAME_SIZE];
  const char *description = af_step_description(ctx);
  const struct af_step_row *launched = af_step_of(ctx, "launch-instance", NULL);
  if (!launched || !launched->resource) return -AF_EINVAL;
  af_step_image_name(ctx, name);
  ret->op = &af_ec2_create_image;
  ret->input = json_pack("{s:s, s:s, s:o, s:[o, o]}", "InstanceId", launched->resource, "Name", name, "BlockDeviceMappings", mappings(ctx),
                         "TagSpecifications", af_step_tags(ctx, "image", NULL), af_step_tags(ctx, "snapshot", ""));
  if (*description) af_json_put(&ret->input, "Description", json_string(description));
  if (json_array_size(json_object_get(ret->input, "BlockDeviceMappings")) == 0) json_object_del(ret->input, "BlockDeviceMappings");
  return ret->input ? 0 : -AF_ENOMEM;
}

static int create_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  if (af_name_in_doubt(ctx)) return af_name_probe(ctx, ret);
  return af_made_ask(ctx, ret, out, create);
}

static int create_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  if (a->rc && op == &af_ec2_create_image && af_streq(a->error.code, "InvalidAMIName.Duplicate")) return af_name_duplicate(ctx, out);
  if (op != &af_ec2_describe_images || !af_name_in_doubt(ctx)) return af_made_answer(ctx, op, &af_ec2_create_image, a, out);
  if (!a->rc) af_name_probed(ctx, a, out);
  return 0;
}

const struct af_step_kind af_step_create_image = {
    .name = "create-image", .poll = AF_POLL_IMAGE, .ask = create_ask, .answer = create_answer, .matured = af_made_matured};
const struct af_step_kind af_step_create_hop_image = {
    .name = "create-hop-image", .poll = AF_POLL_IMAGE, .ask = create_ask, .answer = create_answer, .matured = af_made_matured};
