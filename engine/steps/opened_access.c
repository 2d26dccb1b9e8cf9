/* Access that finish-image opens on an AMI that was there before, whom it lets in beside those who were let in already: as the AMI stays when
 * its adoption is undone, this goes by itself. So who is let in is looked at before each call, and what the call adds is written down with its
 * intent.
 *
 * data: {"looked": {"id": image or snapshot, "to": [whom the call is going to let in], "at": ms, "attempts": calls before it},
 *        "opened": [{"id", "to"}…]}. */
#include "engine/aws/ops.h"
#include "engine/steps/steps.h"

static const struct access {
  const struct af_op *describe, *modify;
  const char *id_member, *attribute, *list, *change;
} of_image = {&af_ec2_describe_image_attribute, &af_ec2_modify_image_attribute, "ImageId", "launchPermission", "LaunchPermissions",
              "LaunchPermission"},
  of_snapshot = {&af_ec2_describe_snapshot_attribute, &af_ec2_modify_snapshot_attribute, "SnapshotId", "createVolumePermission",
                 "CreateVolumePermissions", "CreateVolumePermission"};

static const struct access *access_to(const char *id) {
  return af_str_starts(af_str(id), "snap-") ? &of_snapshot : &of_image;
}

static const char *id_of(const json_t *call) {
  const char *snapshot = af_json_str(call, "SnapshotId");
  return *snapshot ? snapshot : af_json_str(call, "ImageId");
}

static json_t *wanted(const json_t *call) {
  return json_object_get(json_object_get(call, access_to(id_of(call))->change), "Add");
}

static int64_t looked_int(const struct af_step_ctx *ctx, const char *member) {
  return af_json_int(json_object_get(ctx->data, "looked"), member);
}

static bool has_looked(const struct af_step_ctx *ctx) {
  return json_object_get(ctx->data, "looked") != NULL;
}

/* Its outcome may be unknown: a look would take for another's what is ours. */
static bool sent(const struct af_step_ctx *ctx) {
  return ctx->step->intent_ms >= looked_int(ctx, "at");
}

bool af_access_unseen(const struct af_step_ctx *ctx, const json_t *call) {
  if (ctx->decision->route != AF_ROUTE_ADOPT || !wanted(call)) return false;
  return !has_looked(ctx) || (!sent(ctx) && ctx->now_ms >= looked_int(ctx, "at") + ctx->window_ms);
}

int af_access_look(const json_t *call, struct af_ask *ret) {
  const struct access *x = access_to(id_of(call));
  ret->op = x->describe;
  ret->input = json_pack("{s:s, s:s}", x->id_member, id_of(call), "Attribute", x->attribute);
  return ret->input ? 0 : -AF_ENOMEM;
}

static bool is_in(const json_t *list, const json_t *one) {
  size_t i;
  json_t *other;
  json_array_foreach(list, i, other) {
    if (json_equal(other, one)) return true;
  }
  return false;
}

int af_access_looked(const struct af_step_ctx *ctx, const json_t *call, const struct af_answer *a, struct af_outcome *out) {
  const json_t *there = json_object_get(a->output, access_to(id_of(call))->list);
  json_t *to = json_array(), *one;
  size_t i;
  json_array_foreach(wanted(call), i, one) {
    if (!is_in(there, one)) af_json_append(&to, json_incref(one));
  }
  out->kind = AF_OUT_AGAIN;
  out->data = af_step_data(ctx);
  af_json_put(&out->data, "looked", json_pack("{s:s, s:o, s:I, s:I}", "id", id_of(call), "to", to, "at", (json_int_t)ctx->asked_ms, "attempts",
                                              (json_int_t)ctx->step->attempts));
  return out->data ? 0 : -AF_ENOMEM;
}

static bool says_what(const json_t *one) {
  return json_is_string(json_object_get(one, "id")) && json_is_array(json_object_get(one, "to"));
}

/* The call that was looked for has been carried out, or may have been. */
int af_access_opened(const struct af_step_ctx *ctx, json_t *data) {
  json_t *looked = json_object_get(ctx->data, "looked"), *before = json_object_get(ctx->data, "opened");
  if (!looked) return 0;
  if (!says_what(looked)) return -AF_ECORRUPT;
  json_t *opened = before ? json_deep_copy(before) : json_array();
  af_json_append(&opened, json_pack("{s:O, s:O}", "id", json_object_get(looked, "id"), "to", json_object_get(looked, "to")));
  json_object_del(data, "looked");
  return json_object_set_new(data, "opened", opened) ? -AF_ENOMEM : 0;
}

/* The only call since the look certainly had no effect: before the next, there is another look. */
int af_access_refused(const struct af_step_ctx *ctx, const struct af_error *err, struct af_outcome *out) {
  if (!has_looked(ctx) || err->class == AF_CLASS_AMBIGUOUS || ctx->step->attempts != looked_int(ctx, "attempts") + 1) return 0;
  out->data = af_step_data(ctx);
  json_object_del(out->data, "looked");
  return out->data ? 0 : -AF_ENOMEM;
}

static const json_t *last_opened(const struct af_step_ctx *ctx) {
  const json_t *opened = json_object_get(ctx->data, "opened");
  return json_array_size(opened) ? json_array_get(opened, json_array_size(opened) - 1) : NULL;
}

/* What is written down without the last that was opened. */
static json_t *drop_last(const struct af_step_ctx *ctx) {
  json_t *data = af_step_data(ctx), *opened = json_object_get(data, "opened");
  if (opened && json_array_remove(opened, json_array_size(opened) - 1) == 0) return data;
  json_decref(data);
  return NULL;
}

int af_access_close(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  const json_t *last = last_opened(ctx);
  const struct access *x = access_to(af_json_str(last, "id"));
  if (has_looked(ctx)) { /* settled first: the calls that close have intents, too */
    out->kind = AF_OUT_AGAIN;
    out->data = af_step_data(ctx);
    if (sent(ctx)) return af_access_opened(ctx, out->data);
    return json_object_del(out->data, "looked") ? -AF_ENOMEM : 0;
  }
  if (!last) {
    out->kind = AF_OUT_DONE;
    return 0;
  }
  if (!says_what(last)) return -AF_ECORRUPT;
  if (!json_array_size(json_object_get(last, "to"))) { /* all whom the call named were in already, and AWS takes no empty list */
    out->kind = AF_OUT_AGAIN;
    out->data = drop_last(ctx);
    return out->data ? 0 : -AF_ENOMEM;
  }
  ret->op = x->modify;
  ret->input = json_pack("{s:s, s:s, s:{s:O}}", x->id_member, af_json_str(last, "id"), "Attribute", x->attribute, x->change, "Remove",
                         json_object_get(last, "to"));
  return ret->input ? 0 : -AF_ENOMEM;
}

int af_access_closed(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out) {
  if (a->rc) af_gone(ctx, a, 1, out); /* nothing is left to close where the thing itself is gone */
  if (a->rc && out->kind != AF_OUT_DONE) return 0;
  out->kind = AF_OUT_AGAIN;
  out->data = drop_last(ctx);
  return out->data ? 0 : -AF_ENOMEM;
}
