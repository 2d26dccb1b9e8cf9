/* security-group: one without rules, so that nothing reaches the temporary instance and it reaches nothing (rules.md 4). CreateSecurityGroup has
 * no client token; the group's name is unique in its VPC, and its tags say whose it is. A new group lets everything out: that rule is
 * taken away before the step is done.
 *
 * data: {"duplicate": ms} as in named_image.c. */
#include <stdio.h>

#include "engine/aws/ops.h"
#include "engine/pages.h"
#include "engine/steps/steps.h"
#include "plans/launch.h"

static void group_name(const struct af_step_ctx *ctx, char out[AF_STEP_NAME_SIZE]) {
  af_step_image_name(ctx, out); /* the rules for temporary names are the same */
}

static int create(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  char name[AF_STEP_NAME_SIZE];
  struct af_place place;
  if (af_launch_place(ctx->spec, ctx->facts, 0, &place)) {
    af_outcome_fail(out, AF_CLASS_AUTH, "NoPlace", ctx->source_image, "there is no place to launch %s at in %s", ctx->source_image,
                    ctx->spec->source.region);
    af_error_hint(&out->error, "name launch.subnet and launch.instance_type in the manifest");
    return 0;
  }
  group_name(ctx, name);
  ret->op = &af_ec2_create_security_group;
  ret->input = json_pack("{s:s, s:s, s:s, s:[o]}", "GroupName", name, "Description", "amiferry: a temporary instance, without any traffic",
                         "VpcId", place.vpc, "TagSpecifications", af_step_tags(ctx, "security-group", NULL));
  return ret->input ? 0 : -AF_ENOMEM;
}

static int probe(const struct af_step_ctx *ctx, struct af_ask *ret) {
  char name[AF_STEP_NAME_SIZE];
  group_name(ctx, name);
  ret->op = &af_ec2_describe_security_groups;
  ret->input = json_pack("{s:o, s:i}", "Filters", af_filters("group-name", name, NULL), "MaxResults", AF_PAGE_MOST);
  return ret->input ? 0 : -AF_ENOMEM;
}

static int shut(const struct af_step_ctx *ctx, struct af_ask *ret) {
  ret->op = &af_ec2_revoke_security_group_egress;
  ret->input = json_pack("{s:s, s:[{s:s, s:[{s:s}]}]}", "GroupId", ctx->step->resource, "IpPermissions", "IpProtocol", "-1", "IpRanges",
                         "CidrIp", "0.0.0.0/0");
  return ret->input ? 0 : -AF_ENOMEM;
}

static int group_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  af_ask_at(ctx, ret);
  if (ctx->step->face == AF_FACE_DO && ctx->step->resource) return shut(ctx, ret);
  if (af_name_in_doubt(ctx)) return probe(ctx, ret);
  if (ctx->step->face == AF_FACE_DO) return create(ctx, ret, out);
  if (!ctx->step->resource) {
    out->kind = AF_OUT_DONE;
    return 0;
  }
  ret->op = &af_ec2_delete_security_group;
  ret->input = json_pack("{s:s}", "GroupId", ctx->step->resource);
  return ret->input ? 0 : -AF_ENOMEM;
}

static void made(const char *group, struct af_outcome *out) {
  AF_COPY(out->resource, af_str(group));
  out->effect = "security-group";
  if (*group) out->kind = AF_OUT_PENDING; /* its one rule is to go yet */
  out->data = json_object();
}

static void probed(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out) {
  const json_t *group = json_array_get(json_object_get(a->output, "SecurityGroups"), 0);
  out->kind = AF_OUT_AGAIN;
  out->delay_ms = af_pause_ms(ctx);
  const char *copy = af_tag(group, AF_TAG_COPY);
  bool waited = ctx->step->state == AF_STEP_AMBIGUOUS ? af_settled(ctx) : ctx->asked_ms >= af_json_int(ctx->data, "duplicate") + ctx->window_ms;
  if (!group || (*copy ? !af_streq(copy, ctx->copy->id) : !waited)) return; /* without tags, its name says whose it is: it is nobody else's */
  made(af_json_str(group, "GroupId"), out);
  snprintf(out->note, sizeof(out->note), "found %s, which the lost call had made", out->resource);
}

static void gone(const struct af_step_ctx *ctx, enum af_outcome_kind next, struct af_outcome *out) {
  out->kind = next;
  out->effect = "security-group";
  out->effect_gone = true;
  AF_COPY(out->resource, af_str(ctx->step->resource));
}

static int group_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  if (op == &af_ec2_delete_security_group) {
    if (a->rc) af_gone(ctx, a, 1, out);
    if (!a->rc || out->kind == AF_OUT_DONE) gone(ctx, AF_OUT_DONE, out);
  } else if (op == &af_ec2_revoke_security_group_egress) {
    if (a->rc) af_gone(ctx, a, 1, out);
    if (out->kind == AF_OUT_DONE) gone(ctx, AF_OUT_REMAKE, out); /* somebody deleted it */
    else if (!a->rc || af_streq(a->error.code, "InvalidPermission.NotFound")) out->kind = AF_OUT_DONE;
  } else if (op == &af_ec2_describe_security_groups) {
    if (!a->rc) probed(ctx, a, out);
  } else if (a->rc && af_streq(a->error.code, "InvalidGroup.Duplicate")) {
    return af_name_duplicate(ctx, out);
  } else if (!a->rc) {
    made(af_json_str(a->output, "GroupId"), out);
  }
  return 0;
}

const struct af_step_kind af_step_security_group = {
    .name = "security-group", .poll = AF_POLL_ASK, .ask = group_ask, .answer = group_answer};
