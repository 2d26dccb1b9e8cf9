/* finish-image: what no creating call can say of the new AMI: each snapshot's own tags (CopyImage and CreateImage take one list for all), tags
 * that found no room beside amiferry's, who may launch it, when it is deprecated, and IMDSv2 where CreateImage has lost it.
 * protect-image: deregistration protection, after everything else, since what is protected can't be undone at once.
 *
 * Each is a list of calls, made from what is stored, in an order that is always the same; all of them set something, so that sending one again
 * changes nothing. Undone, they go with the image; what they opened on one that was there before is taken back (opened_access.c).
 *
 * data: {"done": how many of them AWS has carried out}, and what opened_access.c writes down. */
#include "base/time.h"
#include "engine/aws/ops.h"
#include "engine/steps/steps.h"
#include "plans/keep.h"

enum change { CHANGE_DELETE_TAGS, CHANGE_CREATE_TAGS, CHANGE_IMAGE, CHANGE_SNAPSHOT, CHANGE_DEPRECATE, CHANGE_PROTECT, CHANGE_MAX_ };
static const struct af_op *const changes[CHANGE_MAX_] = {
    [CHANGE_DELETE_TAGS] = &af_ec2_delete_tags,
    [CHANGE_CREATE_TAGS] = &af_ec2_create_tags,
    [CHANGE_IMAGE] = &af_ec2_modify_image_attribute,
    [CHANGE_SNAPSHOT] = &af_ec2_modify_snapshot_attribute,
    [CHANGE_DEPRECATE] = &af_ec2_enable_image_deprecation,
    [CHANGE_PROTECT] = &af_ec2_enable_image_deregistration_protection,
};

static void add(json_t **list, enum change change, json_t *input) {
  af_json_append(list, json_pack("{s:i, s:o}", "change", (int)change, "input", input));
}

static bool provenance(const char *key) {
  return af_str_starts(af_str(key), "amiferry:");
}

/* Tags of `a` that `b` hasn't; of amiferry's own it is enough that the key is there. */
static json_t *tags_beyond(const json_t *a, const json_t *b, bool values) {
  json_t *list = json_array(), *tag;
  size_t i;
  json_array_foreach(a, i, tag) {
    const char *key = af_json_str(tag, "Key");
    const json_t *twin = af_json_find(b, "Key", key);
    bool same = twin && (provenance(key) || af_streq(af_json_str(twin, "Value"), af_json_str(tag, "Value")));
    if (!same) af_json_append(&list, values ? json_pack("{s:s, s:s}", "Key", key, "Value", af_json_str(tag, "Value")) : json_pack("{s:s}", "Key", key));
  }
  return list;
}

struct whose { /* what a resource was given when it was made, and what it is to have */
  const struct af_copy_spec *spec;
  const struct af_facts *facts;
  const struct af_decision *decision;
  const char *copy_id;
};

/* The difference for the image (snapshot NULL) or the copy of that source snapshot, as calls on `resource`. What goes makes room first. */
static int tag_changes(const struct whose *w, const char *snapshot, const char *resource, json_t **list) {
  bool alike = snapshot && w->decision->route != AF_ROUTE_REENCRYPT; /* one list of tags for all snapshots */
  json_t *given = NULL, *wanted = NULL;
  int rc = w->decision->route == AF_ROUTE_ADOPT
               ? ((given = json_array()) ? 0 : -AF_ENOMEM) /* what an earlier run left is not known */
               : af_keep_creation_tags(w->spec, w->facts, w->decision, w->copy_id, "", alike ? "" : snapshot, &given);
  if (!rc) rc = af_keep_tags(w->spec, w->facts, w->decision, w->copy_id, "", snapshot, &wanted);
  if (w->decision->route == AF_ROUTE_ADOPT)
    for (size_t i = json_array_size(wanted); i-- > 0;)
      if (provenance(af_json_str(json_array_get(wanted, i), "Key"))) json_array_remove(wanted, i);
  json_t *gone = rc ? NULL : tags_beyond(given, wanted, false), *come = rc ? NULL : tags_beyond(wanted, given, true);
  if (json_array_size(gone)) add(list, CHANGE_DELETE_TAGS, json_pack("{s:[s], s:O}", "Resources", resource, "Tags", gone));
  if (json_array_size(come)) add(list, CHANGE_CREATE_TAGS, json_pack("{s:[s], s:O}", "Resources", resource, "Tags", come));
  if (!rc && (!gone || !come)) rc = -AF_ENOMEM;
  json_decref(gone);
  json_decref(come);
  json_decref(given);
  json_decref(wanted);
  return rc;
}

static void permit_each(json_t **list, const json_t *ids, const char *member) {
  size_t i;
  json_t *id;
  json_array_foreach(ids, i, id) af_json_append(list, json_pack("{s:O}", member, id));
}

static void permissions(const struct whose *w, const char *image, json_t **list) {
  const json_t *wanted = w->spec->launch_permissions;
  json_t *to = json_array();
  permit_each(&to, json_object_get(wanted, "accounts"), "UserId");
  permit_each(&to, json_object_get(wanted, "organizations"), "OrganizationArn");
  permit_each(&to, json_object_get(wanted, "organizational_units"), "OrganizationalUnitArn");
  if (!to || json_array_size(to))
    add(list, CHANGE_IMAGE, json_pack("{s:s, s:s, s:{s:O}}", "ImageId", image, "Attribute", "launchPermission", "LaunchPermission", "Add", to));
  json_decref(to);
}

static void permit_snapshot(const struct whose *w, const char *snapshot, json_t **list) {
  const json_t *accounts = json_object_get(w->spec->launch_permissions, "accounts");
  if (!json_is_true(json_object_get(w->spec->launch_permissions, "snapshots")) || !json_array_size(accounts)) return;
  json_t *to = json_array();
  permit_each(&to, accounts, "UserId");
  add(list, CHANGE_SNAPSHOT,
      json_pack("{s:s, s:s, s:{s:o}}", "SnapshotId", snapshot, "Attribute", "createVolumePermission", "CreateVolumePermission", "Add", to));
}

/* The whole list. image: as it is now; NULL stands for one that is not made yet, with the source's snapshots for its own. */
static json_t *finishing(const struct whose *w, const char *image_id, const json_t *image) {
  json_t *list = json_array(), *mapping;
  const char *imds = af_json_str(w->facts->image, "ImdsSupport");
  size_t i;
  int rc = tag_changes(w, NULL, image_id, &list);
  json_array_foreach(json_object_get(w->facts->image, "BlockDeviceMappings"), i, mapping) {
    const char *source = af_mapping_snapshot(mapping);
    const json_t *twin = af_json_find(json_object_get(image, "BlockDeviceMappings"), "DeviceName", af_json_str(mapping, "DeviceName"));
    const char *made = twin ? af_mapping_snapshot(twin) : image ? "" : source;
    if (!rc && *source && *made) rc = tag_changes(w, source, made, &list);
    if (*source && *made) permit_snapshot(w, made, &list);
  }
  if (*imds && w->decision->route == AF_ROUTE_LAUNCH_IMAGE) /* even where it is so already: what is done is counted along this list */
    add(&list, CHANGE_IMAGE, json_pack("{s:s, s:s, s:{s:s}}", "ImageId", image_id, "Attribute", "imdsSupport", "ImdsSupport", "Value", imds));
  permissions(w, image_id, &list);
  if (w->decision->deprecate_ms) {
    char at[AF_TIME_SIZE];
    af_time_iso_s(w->decision->deprecate_ms, at);
    add(&list, CHANGE_DEPRECATE, json_pack("{s:s, s:s}", "ImageId", image_id, "DeprecateAt", at));
  }
  if (rc) json_decref(list);
  return rc ? NULL : list;
}

int af_finish_needed(const struct af_copy_row *copy, const struct af_copy_spec *spec, const struct af_facts *facts,
                     const struct af_decision *decision, bool *ret) {
  const struct whose w = {spec, facts, decision, copy->id};
  json_t *list = finishing(&w, spec->image, NULL);
  if (!list) return -AF_ENOMEM;
  *ret = json_array_size(list) > 0;
  json_decref(list);
  return 0;
}

static int one_more(const struct af_step_ctx *ctx, struct af_outcome *out) {
  out->kind = AF_OUT_AGAIN;
  out->data = af_step_data(ctx);
  af_json_put(&out->data, "done", json_integer(af_json_int(ctx->data, "done") + 1));
  return out->data ? af_access_opened(ctx, out->data) : -AF_ENOMEM;
}

static int send_next(const struct af_step_ctx *ctx, const json_t *list, struct af_ask *ret, struct af_outcome *out) {
  const json_t *next = json_array_get(list, (size_t)af_json_int(ctx->data, "done"));
  json_t *call = json_object_get(next, "input");
  if (!next) {
    out->kind = AF_OUT_DONE;
    if (json_object_get(ctx->data, "opened") && !(out->data = af_step_data(ctx))) return -AF_ENOMEM; /* to be undone by */
    return 0;
  }
  if (af_json_int(next, "change") == CHANGE_DEPRECATE && af_keep_deprecation_over(ctx->decision->deprecate_ms, ctx->now_ms)) {
    AF_COPY(out->note, af_str("the time at which it was to be deprecated is over: it is not deprecated"));
    return one_more(ctx, out);
  }
  if (af_access_unseen(ctx, call)) return af_access_look(call, ret);
  ret->op = changes[af_json_int(next, "change")];
  ret->input = json_incref(call);
  return ret->input ? 0 : -AF_ENOMEM;
}

static int finish_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  const struct whose w = {ctx->spec, ctx->facts, ctx->decision, ctx->copy->id};
  af_ask_at(ctx, ret);
  if (ctx->step->face == AF_FACE_UNDO) return af_access_close(ctx, ret, out);
  if (!*ctx->scratch) {
    ret->op = &af_ec2_describe_images;
    ret->input = json_pack("{s:[s]}", "ImageIds", ctx->copy->image_id);
    return ret->input ? 0 : -AF_ENOMEM;
  }
  json_t *list = finishing(&w, ctx->copy->image_id, *ctx->scratch);
  int rc = list ? send_next(ctx, list, ret, out) : -AF_ENOMEM;
  json_decref(list);
  return rc;
}

/* AWS may not show all of the image at once after it became available. */
static bool whole(const struct af_step_ctx *ctx, const json_t *image) {
  size_t i;
  json_t *mapping;
  json_array_foreach(json_object_get(ctx->facts->image, "BlockDeviceMappings"), i, mapping) {
    const json_t *twin = af_json_find(json_object_get(image, "BlockDeviceMappings"), "DeviceName", af_json_str(mapping, "DeviceName"));
    if (*af_mapping_snapshot(mapping) && (!twin || !*af_mapping_snapshot(twin))) return false;
  }
  return image != NULL;
}

/* Who was let in before the call that comes next? */
static int looked(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out) {
  const struct whose w = {ctx->spec, ctx->facts, ctx->decision, ctx->copy->id};
  json_t *list = finishing(&w, ctx->copy->image_id, *ctx->scratch);
  const json_t *next = json_array_get(list, (size_t)af_json_int(ctx->data, "done"));
  int rc = list ? af_access_looked(ctx, json_object_get(next, "input"), a, out) : -AF_ENOMEM;
  json_decref(list);
  return rc;
}

static int finish_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  bool look = op == &af_ec2_describe_image_attribute || op == &af_ec2_describe_snapshot_attribute;
  if (ctx->step->face == AF_FACE_UNDO) return af_access_closed(ctx, a, out);
  if (a->rc) return op->mutates ? af_access_refused(ctx, &a->error, out) : 0;
  if (look) return looked(ctx, a, out);
  if (op != &af_ec2_describe_images) return one_more(ctx, out);
  json_t *image = json_array_get(json_object_get(a->output, "Images"), 0);
  out->kind = AF_OUT_AGAIN;
  if (whole(ctx, image) || ctx->asked_ms > ctx->step->started_ms + 5 * ctx->window_ms) *ctx->scratch = json_incref(image); /* verify has the last word */
  else out->delay_ms = af_pause_ms(ctx);
  return 0;
}

static int protect_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  bool cooldown = ctx->decision->protection == AF_PROTECTION_WITH_COOLDOWN, undo = ctx->step->face == AF_FACE_UNDO;
  af_ask_at(ctx, ret);
  if (undo && (!ctx->copy->image_id || ctx->decision->route == AF_ROUTE_ADOPT)) { /* what was there keeps what it has */
    out->kind = AF_OUT_DONE;
    return 0;
  }
  ret->op = undo ? &af_ec2_disable_image_deregistration_protection : changes[CHANGE_PROTECT];
  ret->input = json_pack("{s:s}", "ImageId", ctx->copy->image_id);
  if (!undo && cooldown) af_json_put(&ret->input, "WithCooldown", json_true());
  return ret->input ? 0 : -AF_ENOMEM;
}

static int protect_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  if (a->rc && ctx->step->face == AF_FACE_UNDO) af_gone(ctx, a, 1, out);
  if (!a->rc) out->kind = AF_OUT_DONE;
  return 0;
}

const struct af_step_kind af_step_finish_image = {
    .name = "finish-image", .poll = AF_POLL_ASK, .ask = finish_ask, .answer = finish_answer};
const struct af_step_kind af_step_protect_image = {
    .name = "protect-image", .poll = AF_POLL_ASK, .ask = protect_ask, .answer = protect_answer};
