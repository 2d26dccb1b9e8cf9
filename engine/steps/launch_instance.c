/* launch-instance: starts the source AMI once in the target account, in the Region where the AMI is, and stops it as soon as it runs
 * (rules.md 4). Nobody can reach it: no rule in its security group, no public address, no key pair, no profile; its metadata needs tokens.
 * RunInstances is repeated by its client token; a place without capacity is left for the next one, with a new token.
 *
 * Undone, it is terminated, awaited, and every volume that it may have left is deleted. So is one that AWS shows no more, which says
 * nothing of why: one that ended is forgotten after an hour, and this process may have been away for longer. Another takes its place.
 *
 * data: {"place": which was tried last, "running": ms} | while one is removed: {"lost": ms}, "terminated": ms, "gone": ms, "drop": volume,
 *       "dropped": [volume…]. */
#include <stdio.h>

#include "engine/aws/ops.h"
#include "engine/pages.h"
#include "engine/steps/steps.h"
#include "plans/launch.h"

#define ROUNDS_MAX 3 /* through all places, before a person is asked */
#define LOST_WINDOWS 5 /* until one that isn't shown counts as gone */
#define GENERATIONS_MAX 8 /* of instances that didn't get as far as running */

/* What AWS takes of a mapping here is how its volume is encrypted, and that it goes with the instance. */
static json_t *mappings(const struct af_step_ctx *ctx) {
  json_t *list = json_array(), *mapping;
  size_t i;
  json_array_foreach(json_object_get(ctx->facts->image, "BlockDeviceMappings"), i, mapping) {
    if (!json_object_get(mapping, "Ebs")) continue;
    json_t *ebs = json_pack("{s:b}", "DeleteOnTermination", 1);
    if (ctx->decision->encrypt_launch) af_json_put(&ebs, "Encrypted", json_true());
    if (ctx->decision->encrypt_launch && *ctx->decision->launch_key_arn)
      af_json_put(&ebs, "KmsKeyId", json_string(ctx->decision->launch_key_arn));
    af_json_append(&list, json_pack("{s:s, s:o}", "DeviceName", af_json_str(mapping, "DeviceName"), "Ebs", ebs));
  }
  return list;
}

static bool removing(const struct af_step_ctx *ctx) {
  return ctx->step->face == AF_FACE_UNDO || json_object_get(ctx->data, "lost");
}

/* The place whose turn it is, in one round after the other; false after the last. They are counted (in thousands of offerings) only once
 * the first round is over. */
static bool place_now(const struct af_step_ctx *ctx, struct af_place *ret) {
  size_t at = (size_t)af_json_int(ctx->data, "place");
  if (af_launch_place(ctx->spec, ctx->facts, at, ret) == 0) return true;
  size_t n = af_launch_places(ctx->spec, ctx->facts);
  return n > 0 && at < n * ROUNDS_MAX && af_launch_place(ctx->spec, ctx->facts, at % n, ret) == 0;
}

static void no_capacity(const struct af_step_ctx *ctx, struct af_outcome *out) {
  af_outcome_fail(out, AF_CLASS_AUTH, "NoCapacity", ctx->source_image, "AWS has no capacity for %s in %s: %zu places were tried %d times",
                  ctx->source_image, ctx->spec->source.region, af_launch_places(ctx->spec, ctx->facts), ROUNDS_MAX);
  AF_COPY(out->error.action, af_str("ec2:RunInstances"));
  out->data = json_object();
  af_error_hint(&out->error, "retry later, or name another launch.instance_type or launch.subnet in the manifest");
}

static int run(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  char token[65];
  struct af_place place;
  const struct af_step_row *group = af_step_of(ctx, "security-group", NULL);
  if (!place_now(ctx, &place)) {
    no_capacity(ctx, out);
    return 0;
  }
  int rc = af_step_token(ctx, token);
  if (rc) return rc;
  ret->op = &af_ec2_run_instances;
  ret->input = json_pack(
      "{s:s, s:s, s:i, s:i, s:s, s:s, s:o, s:[{s:i, s:s, s:[s], s:b, s:b}], s:{s:s, s:s}, s:[o, o, o]}", "ImageId", ctx->source_image,
      "InstanceType", place.instance_type, "MinCount", 1, "MaxCount", 1, "ClientToken", token, "InstanceInitiatedShutdownBehavior", "stop",
      "BlockDeviceMappings", mappings(ctx), "NetworkInterfaces", "DeviceIndex", 0, "SubnetId", place.subnet, "Groups",
      group && group->resource ? group->resource : "", "AssociatePublicIpAddress", 0, "DeleteOnTermination", 1, "MetadataOptions",
      "HttpTokens", "required", "HttpEndpoint", "enabled", "TagSpecifications", af_step_tags(ctx, "instance", NULL),
      af_step_tags(ctx, "volume", NULL), af_step_tags(ctx, "network-interface", NULL));
  if (place.burstable) af_json_put(&ret->input, "CreditSpecification", json_pack("{s:s}", "CpuCredits", "standard"));
  if (json_array_size(json_object_get(ret->input, "BlockDeviceMappings")) == 0) json_object_del(ret->input, "BlockDeviceMappings");
  return ret->input ? 0 : -AF_ENOMEM;
}

/* By its own id where that is known; otherwise by the token that a lost call carried. */
static int look(const struct af_step_ctx *ctx, struct af_ask *ret) {
  char token[65];
  int rc = af_step_token(ctx, token);
  if (rc) return rc;
  ret->op = &af_ec2_describe_instances;
  ret->input = ctx->step->resource
                   ? json_pack("{s:o, s:i}", "Filters", af_filters("instance-id", ctx->step->resource, NULL), "MaxResults", AF_PAGE_MOST)
                   : json_pack("{s:o, s:i}", "Filters", af_filters("client-token", token, NULL), "MaxResults", AF_PAGE_MOST);
  return ret->input ? 0 : -AF_ENOMEM;
}

static int on_one(struct af_ask *ret, const struct af_op *op, const char *instance) {
  ret->op = op;
  ret->input = json_pack("{s:[s]}", "InstanceIds", instance);
  return ret->input ? 0 : -AF_ENOMEM;
}

/* Terminate, wait until it is gone, and look for volumes that outlived it. */
static int removal_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  const char *drop = af_json_str(ctx->data, "drop");
  if (!ctx->step->resource) {
    out->kind = AF_OUT_DONE;
    return 0;
  }
  if (*drop) {
    ret->op = &af_ec2_delete_volume;
    ret->input = json_pack("{s:s}", "VolumeId", drop);
  } else if (json_object_get(ctx->data, "gone")) {
    ret->op = &af_ec2_describe_volumes;
    ret->input = json_pack("{s:o, s:i}", "Filters", af_filters("tag:" AF_TAG_COPY, ctx->copy->id, NULL), "MaxResults", AF_PAGE_MOST);
  } else if (json_object_get(ctx->data, "terminated")) {
    return look(ctx, ret);
  } else {
    return on_one(ret, &af_ec2_terminate_instances, ctx->step->resource);
  }
  return ret->input ? 0 : -AF_ENOMEM;
}

static int launch_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  af_ask_at(ctx, ret);
  if (removing(ctx)) return removal_ask(ctx, ret, out);
  if (json_object_get(ctx->data, "running")) return on_one(ret, &af_ec2_stop_instances, ctx->step->resource);
  if (ctx->step->state == AF_STEP_AMBIGUOUS || ctx->step->state == AF_STEP_PENDING) return look(ctx, ret);
  return run(ctx, ret, out);
}

static const json_t *instance_of(const struct af_answer *a) {
  const json_t *reservation = json_array_get(json_object_get(a->output, "Reservations"), 0);
  return json_array_get(json_object_get(reservation ? reservation : a->output, "Instances"), 0);
}

static int set_flag(const struct af_step_ctx *ctx, const char *flag, struct af_outcome *out) {
  out->data = af_step_data(ctx);
  return json_object_set_new(out->data, flag, json_integer(ctx->now_ms)) ? -AF_ENOMEM : 0;
}

/* The instance is no more. */
static void let_go(const struct af_step_ctx *ctx, struct af_outcome *out) {
  out->effect = "instance";
  out->effect_gone = true;
  AF_COPY(out->resource, af_str(ctx->step->resource));
}

static json_t *at_place(int64_t place) {
  return json_pack("{s:I}", "place", (json_int_t)place);
}

/* The next place, with a new token: the parameters are others. */
static int next_place(const struct af_step_ctx *ctx, const char *why, struct af_outcome *out) {
  struct af_place place = {0};
  place_now(ctx, &place);
  snprintf(out->note, sizeof(out->note), "no %s in %s (%s): trying the next place", place.instance_type, place.zone, why);
  out->kind = AF_OUT_REMAKE;
  let_go(ctx, out);
  out->data = at_place(af_json_int(ctx->data, "place") + 1);
  return out->data ? 0 : -AF_ENOMEM;
}

/* Who retries gets as many again; and while a grant may be late, none of them says anything. */
static bool another_may(const struct af_step_ctx *ctx) {
  return (ctx->step->generation + 1) % GENERATIONS_MAX != 0 || af_grant_may_be_late(ctx);
}

/* It is over, and nobody can say why. */
static int lost(const struct af_step_ctx *ctx, struct af_outcome *out) {
  out->kind = AF_OUT_REMAKE;
  out->data = at_place(af_json_int(ctx->data, "place"));
  let_go(ctx, out);
  if (!out->data || another_may(ctx)) return out->data ? 0 : -AF_ENOMEM;
  af_outcome_fail(out, AF_CLASS_AUTH, "InstanceLost", ctx->source_image, "%d instances of %s ended before amiferry saw them run", GENERATIONS_MAX,
                  ctx->source_image);
  af_error_hint(&out->error, "find out who ended them (CloudTrail of account %s), then retry", ctx->facts->target_account);
  return 0;
}

/* It never ran. A key that couldn't be used yet, or a fault of AWS, is a reason to launch it anew (rules.md 4). */
static int died(const struct af_step_ctx *ctx, const json_t *instance, struct af_outcome *out) {
  const json_t *reason = json_object_get(instance, "StateReason");
  const char *code = af_json_str(reason, "Code"), *message = af_json_str(reason, "Message");
  if (strstr(code, "Client.UserInitiatedShutdown")) {
    af_outcome_vanished(ctx, "InstanceVanished", "instance", out);
    return 0;
  }
  bool again = strstr(code, "Client.InternalError") || strstr(code, "Server.");
  if (strstr(code, "InsufficientInstanceCapacity")) return next_place(ctx, code, out);
  if (again && another_may(ctx)) {
    snprintf(out->note, sizeof(out->note), "%s ended before it ran: %s %s", ctx->step->resource, code, message);
    return lost(ctx, out);
  }
  af_outcome_fail(out, again || strstr(code, "KMS") ? AF_CLASS_AUTH : AF_CLASS_REFUSED, "InstanceFailed", ctx->step->resource,
                  "the instance %s ended before it ran: %s %s", ctx->step->resource, code, message);
  AF_COPY(out->error.action, af_str("ec2:RunInstances"));
  af_error_hint(&out->error,
                "account %s must be allowed to use the key of each encrypted volume (kms:CreateGrant, Decrypt, DescribeKey, "
                "GenerateDataKeyWithoutPlaintext, ReEncrypt*), and have room for the volumes",
                ctx->facts->target_account);
  return 0;
}

/* One that AWS has let go of: whether it ran, nobody can say. */
static int unseen(const struct af_step_ctx *ctx, struct af_outcome *out) {
  if (ctx->asked_ms < ctx->step->intent_ms + LOST_WINDOWS * ctx->window_ms) return 0;
  out->kind = AF_OUT_AGAIN;
  snprintf(out->note, sizeof(out->note), "AWS doesn't show %s any more: making sure that it is gone", ctx->step->resource);
  return set_flag(ctx, "lost", out);
}

static int looked(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out) {
  const json_t *instance = instance_of(a);
  const char *state = af_json_str(json_object_get(instance, "State"), "Name");
  out->kind = ctx->step->state == AF_STEP_AMBIGUOUS && !instance ? AF_OUT_AGAIN : AF_OUT_PENDING;
  if (!instance) return ctx->step->resource ? unseen(ctx, out) : 0;
  AF_COPY(out->resource, af_str(af_json_str(instance, "InstanceId")));
  out->effect = "instance";
  if (af_streq(state, "stopped")) {
    out->kind = AF_OUT_DONE;
  } else if (af_streq(state, "running")) {
    out->kind = AF_OUT_AGAIN;
    return set_flag(ctx, "running", out);
  } else if (af_streq(state, "terminated") || af_streq(state, "shutting-down")) {
    return ctx->step->resource ? died(ctx, instance, out) : 0; /* first its id is written down */
  }
  return 0;
}

static int gone(const struct af_step_ctx *ctx, struct af_outcome *out) {
  out->kind = AF_OUT_DONE;
  let_go(ctx, out);
  return ctx->step->face == AF_FACE_DO ? lost(ctx, out) : 0;
}

static bool dropped(const struct af_step_ctx *ctx, const char *volume) {
  size_t i;
  json_t *one;
  json_array_foreach(json_object_get(ctx->data, "dropped"), i, one) {
    if (af_streq(json_string_value(one), volume)) return true;
  }
  return false;
}

/* What it waits for, for a person to see. */
static void wait_for(const struct af_step_ctx *ctx, const char *what, const char *id, const char *state, struct af_outcome *out) {
  out->kind = AF_OUT_AGAIN;
  out->delay_ms = 5 * af_pause_ms(ctx);
  snprintf(out->error.message, sizeof(out->error.message), "%s %s is %s", what, id, state);
}

/* The instance is gone, but AWS may be slow to let go of its volumes, or to say that it has: one that is in use yet goes away, or comes free. */
static int left_over(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out) {
  const char *held = "", *loose = "";
  size_t i;
  json_t *volume;
  json_array_foreach(json_object_get(a->output, "Volumes"), i, volume) {
    const char *id = af_json_str(volume, "VolumeId"), *state = af_json_str(volume, "State");
    if (dropped(ctx, id)) continue;
    if (af_streq(state, "available") || af_streq(state, "error")) loose = id;
    else if (af_streq(state, "in-use") || af_streq(state, "creating")) held = id;
  }
  if (*loose) {
    out->kind = AF_OUT_AGAIN;
    out->data = af_step_data(ctx);
    return json_object_set_new(out->data, "drop", json_string(loose)) ? -AF_ENOMEM : 0;
  }
  if (!*held) return gone(ctx, out);
  wait_for(ctx, "volume", held, "in use", out);
  return 0;
}

static int removal_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  const char *state = af_json_str(json_object_get(instance_of(a), "State"), "Name");
  if (a->rc && (op == &af_ec2_terminate_instances || op == &af_ec2_delete_volume)) af_gone(ctx, a, 1, out);
  if (a->rc && out->kind != AF_OUT_DONE) return 0;
  out->kind = AF_OUT_AGAIN;
  if (op == &af_ec2_describe_volumes) return left_over(ctx, a, out);
  if (op == &af_ec2_terminate_instances) return set_flag(ctx, "terminated", out);
  if (op == &af_ec2_delete_volume) {
    out->data = af_drop_done(ctx, af_json_str(ctx->data, "drop"));
    return out->data ? 0 : -AF_ENOMEM;
  }
  bool unseen = !instance_of(a) && ctx->asked_ms >= af_json_int(ctx->data, "terminated") + ctx->window_ms; /* forgotten already */
  if (unseen || af_streq(state, "terminated")) return set_flag(ctx, "gone", out);
  wait_for(ctx, "instance", ctx->step->resource, *state ? state : "not shown", out);
  return 0;
}

static int launch_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  if (removing(ctx)) return removal_answer(ctx, op, a, out);
  bool elsewhere = a->error.class == AF_CLASS_CAPACITY || af_streq(a->error.code, "Unsupported");
  bool left = af_says_gone(&a->error) || af_streq(a->error.code, "IncorrectInstanceState");
  if (op == &af_ec2_run_instances && a->rc && elsewhere) return next_place(ctx, a->error.code, out);
  if (op == &af_ec2_run_instances && af_streq(a->error.code, "IdempotentInstanceTerminated")) return lost(ctx, out); /* that of the lost call */
  if (a->rc && !(op == &af_ec2_stop_instances && left)) return 0; /* what isn't there to be stopped is looked at again */
  if (op == &af_ec2_describe_instances) return looked(ctx, a, out);
  out->kind = AF_OUT_PENDING;
  out->data = at_place(af_json_int(ctx->data, "place")); /* it may come to light later that there is no room */
  if (op == &af_ec2_stop_instances) return out->data ? 0 : -AF_ENOMEM;
  AF_COPY(out->resource, af_str(af_json_str(instance_of(a), "InstanceId")));
  out->effect = "instance";
  if (!*out->resource) out->kind = AF_OUT_DEFAULT;
  return out->data ? 0 : -AF_ENOMEM;
}

const struct af_step_kind af_step_launch_instance = {
    .name = "launch-instance", .poll = AF_POLL_ASK, .ask = launch_ask, .answer = launch_answer};
