/* Images that are known by their name, which is unique in an account and Region (rules.md 2.1: RegisterImage, CreateImage): after a lost
 * reply, or when AWS says that the name is in use, the name's holder says whether it is ours.
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

/* The name's holder is ours if it carries this step's tags: another of this copy's is on its way out. Tags may be read later than the image itself, so a stranger is one only after a
 * while. */
void af_name_probed(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out) {
  const json_t *image = json_array_get(json_object_get(a->output, "Images"), 0);
  bool ambiguous = ctx->step->state == AF_STEP_AMBIGUOUS;
  bool waited = ctx->asked_ms >= af_json_int(ctx->data, "duplicate") + ctx->window_ms;
  out->kind = AF_OUT_AGAIN;
  out->delay_ms = af_pause_ms(ctx);
  char mark[48];
  af_step_mark(ctx->step, mark);
  if (image && af_streq(af_tag(image, AF_TAG_COPY), ctx->copy->id) && af_streq(af_tag(image, AF_TAG_STEP), mark)) {
    AF_COPY(out->resource, af_str(af_json_str(image, "ImageId")));
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
