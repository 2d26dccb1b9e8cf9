/* register-image: makes an AMI of the copied snapshots, with every attribute of the source that RegisterImage can express
 * (rules.md 2.4). It has no client token; its name is unique in account and Region, so after a lost reply the name says whether it
 * happened. */
#include <stdio.h>

#include "engine/aws/ops.h"
#include "engine/pages.h"
#include "engine/steps/steps.h"

/* The attributes that go over as they are: absent stays absent, since absent means something else than any value (an AMI without bootMode
 * takes the instance type's). */
static const char *const verbatim[] = {
    "Architecture", "RootDeviceName", "VirtualizationType", "EnaSupport", "SriovNetSupport", "BootMode", "TpmSupport",
    "ImdsSupport",  "KernelId",       "RamdiskId",          NULL};
static const char *const ebs_verbatim[] = {"VolumeSize", "VolumeType", "Throughput", "DeleteOnTermination", NULL};

static void carry(json_t *to, const json_t *from, const char *const *names) {
  for (size_t i = 0; names[i]; i++) {
    json_t *v = json_object_get(from, names[i]);
    if (v && !json_is_null(v)) json_object_set(to, names[i], v);
  }
}

/* With a snapshot, Encrypted must not be sent at all (the snapshot decides); an empty volume needs it. Iops only where the type takes it.
 */
static json_t *register_ebs(const struct af_step_ctx *ctx, const json_t *ebs) {
  json_t *to = json_object();
  const char *source = af_json_str(ebs, "SnapshotId"), *type = af_json_str(ebs, "VolumeType");
  if (!to) return NULL;
  carry(to, ebs, ebs_verbatim);
  if (af_streq(type, "io1") || af_streq(type, "io2") || af_streq(type, "gp3")) carry(to, ebs, (const char *const[]){"Iops", NULL});
  if (!*source) {
    carry(to, ebs, (const char *const[]){"Encrypted", NULL});
    return to;
  }
  const struct af_step_row *copied = af_step_of(ctx, "copy-snapshot", source);
  if (!copied || !copied->resource || json_object_set_new(to, "SnapshotId", json_string(copied->resource)) != 0) {
    json_decref(to);
    return NULL;
  }
  return to;
}

static json_t *register_mappings(const struct af_step_ctx *ctx) {
  json_t *list = json_array(), *mapping;
  size_t i;
  json_array_foreach(json_object_get(ctx->facts->image, "BlockDeviceMappings"), i, mapping) {
    json_t *to = json_object(), *ebs = json_object_get(mapping, "Ebs");
    carry(to, mapping, (const char *const[]){"DeviceName", "VirtualName", "NoDevice", NULL});
    json_t *made = ebs ? register_ebs(ctx, ebs) : NULL;
    if ((ebs && !made) || (made && json_object_set_new(to, "Ebs", made) != 0) || json_array_append_new(list, to) != 0) {
      json_decref(list);
      return NULL;
    }
  }
  return list;
}

static int create(const struct af_step_ctx *ctx, struct af_ask *ret) {
  const char *description = ctx->spec->description ? ctx->spec->description : af_json_str(ctx->facts->image, "Description");
  ret->op = &af_ec2_register_image;
  ret->input = json_pack("{s:s, s:o, s:[o]}", "Name", ctx->decision->name, "BlockDeviceMappings", register_mappings(ctx),
                         "TagSpecifications", af_step_tags(ctx, "image", ""));
  if (!ret->input) return -AF_ENOMEM;
  carry(ret->input, ctx->facts->image, verbatim);
  if (*description) json_object_set_new(ret->input, "Description", json_string(description));
  if (ctx->facts->uefi_data) json_object_set_new(ret->input, "UefiData", json_string(ctx->facts->uefi_data));
  return 0;
}

static int probe(const struct af_step_ctx *ctx, struct af_ask *ret) {
  ret->op = &af_ec2_describe_images;
  ret->input =
      json_pack("{s:[s], s:b, s:o, s:i}", "Owners", "self", "IncludeDisabled", 1, "Filters", af_filters("name", ctx->decision->name, NULL),
                "MaxResults", AF_PAGE_MOST);
  return ret->input ? 0 : -AF_ENOMEM;
}

static int register_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  ret->side = AF_TARGET;
  ret->region = ctx->spec->target.region;
  if (ctx->step->face == AF_FACE_UNDO) {
    if (!ctx->step->resource) {
      out->kind = AF_OUT_DONE;
      return 0;
    }
    ret->op = &af_ec2_deregister_image;
    ret->input = json_pack("{s:s}", "ImageId", ctx->step->resource);
    return ret->input ? 0 : -AF_ENOMEM;
  }
  if (ctx->step->state == AF_STEP_AMBIGUOUS || json_object_get(ctx->data, "duplicate")) return probe(ctx, ret);
  return create(ctx, ret);
}

static void name_taken(const struct af_step_ctx *ctx, const char *holder, struct af_outcome *out) {
  af_outcome_fail(out, AF_CLASS_REFUSED, "NameTaken", holder,
                  "the name \"%s\" is already taken in account %s, %s by %s, which is not this copy's", ctx->decision->name,
                  ctx->facts->target_account, ctx->spec->target.region, *holder ? holder : "another AMI");
  af_error_hint(&out->error, "give this copy another name in the manifest, or deregister %s", *holder ? holder : "that AMI");
}

/* The name's holder is ours if it carries this copy's tag. Tags may be read later than the image itself, so a stranger is one only after a
 * while. */
static void probed(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out) {
  const json_t *image = json_array_get(json_object_get(a->output, "Images"), 0);
  bool ambiguous = ctx->step->state == AF_STEP_AMBIGUOUS;
  bool waited = ctx->asked_ms >= af_json_int(ctx->data, "duplicate") + ctx->window_ms;
  out->kind = AF_OUT_AGAIN;
  out->delay_ms = af_pause_ms(ctx);
  if (image && af_streq(af_tag(image, AF_TAG_COPY), ctx->copy->id)) {
    AF_COPY(out->resource, af_str(af_json_str(image, "ImageId")));
    out->effect = "image";
    out->kind = AF_OUT_PENDING;
    out->data = json_object();
    snprintf(out->note, sizeof(out->note), "found %s, which the lost call had made", out->resource);
  } else if (waited && !ambiguous) { /* an ambiguous one is sent again first, and AWS says that the name is taken */
    name_taken(ctx, af_json_str(image, "ImageId"), out);
  }
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
    if (!a->rc) probed(ctx, a, out);
    return 0;
  }
  if (af_streq(a->error.code, "InvalidAMIName.Duplicate") && a->rc) { /* ours, of a call whose reply was lost, or someone else's: look */
    out->kind = AF_OUT_AGAIN;
    out->data = json_pack("{s:I}", "duplicate", (json_int_t)ctx->now_ms);
    return out->data ? 0 : -AF_ENOMEM;
  }
  if (a->rc) return 0;
  AF_COPY(out->resource, af_str(af_json_str(a->output, "ImageId")));
  out->effect = "image";
  if (*out->resource) out->kind = AF_OUT_PENDING;
  return 0;
}

const struct af_step_kind af_step_register_image = {
    .name = "register-image", .poll = AF_POLL_IMAGE, .ask = register_ask, .answer = register_answer, .matured = af_image_matured};
