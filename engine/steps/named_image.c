/* Images that are known by their name, which nobody can change, and which is unique in an account and Region where RegisterImage or
 * CreateImage gave it (rules.md 2.1): after a lost reply, or when AWS says that the name is in use, the name's holder says whether it is ours.
 * It does by its tags; where somebody has taken these away, by what it was made of.
 *
 * data: {"duplicate": ms} from when AWS said that the name is in use, until its holder is known. */
#include <stdio.h>

#include "engine/aws/ops.h"
#include "engine/pages.h"
#include "engine/steps/steps.h"

int af_name_probe(const struct af_step_ctx *ctx, struct af_ask *ret) {
  char name[AF_STEP_NAME_SIZE];
  af_step_image_name(ctx, name);
  af_ask_at(ctx, ret);
  ret->op = &af_ec2_describe_images;
  ret->input =
      json_pack("{s:[s], s:b, s:o, s:i}", "Owners", "self", "IncludeDisabled", 1, "Filters", af_filters("name", name, NULL),
                "MaxResults", AF_PAGE_MOST);
  return ret->input ? 0 : -AF_ENOMEM;
}

static void name_taken(const struct af_step_ctx *ctx, const char *holder, struct af_outcome *out) {
  af_outcome_fail(out, AF_CLASS_REFUSED, "NameTaken", holder,
                  "the name \"%s\" is already taken in account %s, %s by %s, which is not this copy's", ctx->decision->name,
                  ctx->facts->target_account, ctx->spec->target.region, *holder ? holder : "another AMI");
  af_error_hint(&out->error, "give this copy another name in the manifest, or deregister %s", *holder ? holder : "that AMI");
}

/* Of a snapshot or an instance of this copy, or of the same source, and not there when this copy was inspected. A temporary name is nobody
 * else's. */
static bool made_of_ours(const struct af_step_ctx *ctx, const json_t *image) {
  const struct af_step_row *launched = af_step_of(ctx, "launch-instance", NULL);
  bool of_instance = launched && launched->resource && af_streq(af_json_str(image, "SourceInstanceId"), launched->resource);
  bool of_image = af_streq(af_json_str(image, "SourceImageId"), ctx->source_image) && af_streq(ctx->step->kind, "copy-image");
  bool was_there = af_json_find(ctx->facts->name_holders, "ImageId", af_json_str(image, "ImageId")) != NULL;
  size_t i;
  json_t *mapping;
  json_array_foreach(json_object_get(image, "BlockDeviceMappings"), i, mapping) {
    for (size_t k = 0; k < ctx->n_steps && *af_mapping_snapshot(mapping); k++)
      if (af_streq(ctx->steps[k].kind, "copy-snapshot") && af_streq(ctx->steps[k].resource, af_mapping_snapshot(mapping))) return true;
  }
  return of_instance || (of_image && !was_there) || af_step_traits(ctx->step->kind)->temporary;
}

/* It is ours if it carries this step's tags: another of this copy's is on its way out. Tags may be read later than the image itself, so that
 * none is a reason only after a while. */
static bool is_ours(const struct af_step_ctx *ctx, const json_t *image, bool waited) {
  const char *copy = af_tag(image, AF_TAG_COPY);
  char mark[48];
  af_step_mark(ctx->step, mark);
  return *copy ? af_streq(copy, ctx->copy->id) && af_streq(af_tag(image, AF_TAG_STEP), mark) : waited && made_of_ours(ctx, image);
}

/* Of several, where CopyImage doesn't mind, the one that is. */
static const json_t *ours_of(const struct af_step_ctx *ctx, const json_t *images, bool waited) {
  size_t i;
  json_t *image;
  json_array_foreach(images, i, image) {
    if (is_ours(ctx, image, waited)) return image;
  }
  return NULL;
}

/* A stranger is one only after a while. */
void af_name_probed(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out) {
  const json_t *images = json_object_get(a->output, "Images"), *image = json_array_get(images, 0);
  bool ambiguous = ctx->step->state == AF_STEP_AMBIGUOUS;
  bool waited = ambiguous ? af_settled(ctx) : ctx->asked_ms >= af_json_int(ctx->data, "duplicate") + ctx->window_ms;
  const json_t *ours = ours_of(ctx, images, waited);
  out->kind = AF_OUT_AGAIN;
  out->delay_ms = af_pause_ms(ctx);
  if (ours) {
    AF_COPY(out->resource, af_str(af_json_str(ours, "ImageId")));
    out->effect = "image";
    out->kind = AF_OUT_PENDING;
    out->data = json_object();
    snprintf(out->note, sizeof(out->note), "found %s, which the lost call had made", out->resource);
  } else if (waited && !ambiguous && !image) { /* nobody holds it any more */
    out->data = json_object();
    if (!out->data) af_outcome_fail(out, AF_CLASS_INTERNAL, "OutOfMemory", "", "memory is out");
  } else if (waited && !ambiguous) { /* an ambiguous one is sent again first, and AWS says that the name is taken */
    name_taken(ctx, af_json_str(image, "ImageId"), out);
  }
}

int af_name_duplicate(const struct af_step_ctx *ctx, struct af_outcome *out) {
  out->kind = AF_OUT_AGAIN;
  out->data = json_pack("{s:I}", "duplicate", (json_int_t)ctx->now_ms);
  return out->data ? 0 : -AF_ENOMEM;
}

bool af_name_in_doubt(const struct af_step_ctx *ctx) {
  return ctx->step->face == AF_FACE_DO && (ctx->step->state == AF_STEP_AMBIGUOUS || json_object_get(ctx->data, "duplicate"));
}
