/* register-image: makes an AMI of the copied snapshots, with every attribute of the source that RegisterImage can express
 * (rules.md 2.4). It has no client token; its name is unique in account and Region, so after a lost reply the name says whether it
 * happened. */
#include "engine/aws/ops.h"
#include "engine/steps/steps.h"

/* The attributes that go over as they are: absent stays absent, since absent means something else than any value (an AMI without bootMode
 * takes the instance type's). */
static const char *const verbatim[] = {
    "Architecture", "RootDeviceName", "VirtualizationType", "EnaSupport", "SriovNetSupport", "BootMode", "TpmSupport",
    "ImdsSupport",  "KernelId",       "RamdiskId",          NULL};
static const char *const ebs_verbatim[] = {"VolumeSize", "VolumeType", "Throughput", "DeleteOnTermination", NULL};

static void carry(json_t **to, const json_t *from, const char *const *names) {
  for (size_t i = 0; names[i]; i++) {
    json_t *v = json_object_get(from, names[i]);
    if (v && !json_is_null(v)) af_json_put(to, names[i], json_incref(v));
  }
}

/* With a snapshot, Encrypted must not be sent at all (the snapshot decides); an empty volume needs it. Iops only where the type takes it.
 */
static json_t *register_ebs(const struct af_step_ctx *ctx, const json_t *ebs) {
  json_t *to = json_object();
  const char *source = af_json_str(ebs, "SnapshotId"), *type = af_json_str(ebs, "VolumeType");
  carry(&to, ebs, ebs_verbatim);
  if (af_streq(type, "io1") || af_streq(type, "io2") || af_streq(type, "gp3")) carry(&to, ebs, (const char *const[]){"Iops", NULL});
  if (!*source) {
    carry(&to, ebs, (const char *const[]){"Encrypted", NULL});
    return to;
  }
  const struct af_step_row *copied = af_step_of(ctx, "copy-snapshot", source);
  af_json_put(&to, "SnapshotId", copied && copied->resource ? json_string(copied->resource) : NULL);
  return to;
}

static json_t *register_mappings(const struct af_step_ctx *ctx) {
  json_t *list = json_array(), *mapping;
  size_t i;
  json_array_foreach(json_object_get(ctx->facts->image, "BlockDeviceMappings"), i, mapping) {
    json_t *to = json_object(), *ebs = json_object_get(mapping, "Ebs");
    carry(&to, mapping, (const char *const[]){"DeviceName", "VirtualName", "NoDevice", NULL});
    if (ebs) af_json_put(&to, "Ebs", register_ebs(ctx, ebs));
    af_json_append(&list, to);
  }
  return list;
}

/* A snapshot of the source that no step has copied: its row isn't what it was. NULL where all are. */
static const char *uncopied(const struct af_step_ctx *ctx) {
  json_t *mapping;
  size_t i;
  json_array_foreach(json_object_get(ctx->facts->image, "BlockDeviceMappings"), i, mapping) {
    const char *source = af_json_str(json_object_get(mapping, "Ebs"), "SnapshotId");
    const struct af_step_row *copied = *source ? af_step_of(ctx, "copy-snapshot", source) : NULL;
    if (*source && (!copied || !copied->resource)) return source;
  }
  return NULL;
}

static int create(const struct af_step_ctx *ctx, struct af_ask *ret) {
  const char *description = af_step_description(ctx);
  ret->op = &af_ec2_register_image;
  ret->input = json_pack("{s:s, s:o, s:[o]}", "Name", ctx->decision->name, "BlockDeviceMappings", register_mappings(ctx),
                         "TagSpecifications", af_step_tags(ctx, "image", NULL));
  carry(&ret->input, ctx->facts->image, verbatim);
  if (*description) af_json_put(&ret->input, "Description", json_string(description));
  if (ctx->facts->uefi_data) af_json_put(&ret->input, "UefiData", json_string(ctx->facts->uefi_data));
  return ret->input ? 0 : -AF_ENOMEM;
}

static int register_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  af_ask_at(ctx, ret);
  if (ctx->step->face == AF_FACE_UNDO) {
    if (!ctx->step->resource) {
      out->kind = AF_OUT_DONE;
      return 0;
    }
    ret->op = &af_ec2_deregister_image;
    ret->input = json_pack("{s:s}", "ImageId", ctx->step->resource);
    return ret->input ? 0 : -AF_ENOMEM;
  }
  if (af_name_in_doubt(ctx)) return af_name_probe(ctx, ret);
  const char *missing = uncopied(ctx);
  if (!missing) return create(ctx, ret);
  af_outcome_fail(out, AF_CLASS_INTERNAL, "SnapshotNotCopied", missing, "no step of this copy has copied %s", missing);
  return 0;
}

static int register_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  if (op == &af_ec2_deregister_image) {
    if (a->rc) af_gone(ctx, a, 1, out);
    if (a->rc && out->kind != AF_OUT_DONE) return 0;
    out->kind = AF_OUT_DONE;
    out->effect = "image";
    out->effect_gone = true;
    AF_COPY(out->resource, af_str(ctx->step->resource));
    return 0;
  }
  if (op == &af_ec2_describe_images) {
    if (!a->rc) af_name_probed(ctx, a, out);
    return 0;
  }
  if (a->rc && af_streq(a->error.code, "InvalidAMIName.Duplicate"))
    return af_name_duplicate(ctx, out); /* ours, of a call whose reply was lost, or someone else's: look */
  if (a->rc) return 0;
  AF_COPY(out->resource, af_str(af_json_str(a->output, "ImageId")));
  out->effect = "image";
  if (*out->resource) out->kind = AF_OUT_PENDING;
  return 0;
}

const struct af_step_kind af_step_register_image = {
    .name = "register-image", .poll = AF_POLL_IMAGE, .ask = register_ask, .answer = register_answer, .matured = af_image_matured};
