/* What several kinds of step share: tags, tokens, filters, outcomes. */
#include <openssl/evp.h>
#include <stdio.h>

#include "engine/step.h"
#include "plans/keep.h"

#define GRANT_LATE_MS 600000 /* a grant is there within five minutes, mostly (rules.md 3) */
#define KEY_TRIES 8

void af_ask_done(struct af_ask *a) {
  if (!a) return;
  json_decref(a->input);
  *a = (struct af_ask){0};
}

void af_outcome_init(struct af_outcome *o) {
  *o = (struct af_outcome){.kind = AF_OUT_DEFAULT, .progress = -1};
}

void af_outcome_done(struct af_outcome *o) {
  if (!o) return;
  json_decref(o->data);
  af_outcome_init(o);
}

void af_outcome_fail(struct af_outcome *out, enum af_class c, const char *code, const char *resource, const char *format, ...) {
  char text[sizeof(out->error.message)];
  va_list ap;
  va_start(ap, format);
  vsnprintf(text, sizeof(text), format, ap);
  va_end(ap);
  out->kind = AF_OUT_FAIL;
  af_error_set(&out->error, -AF_EAWS, c, code, "%s", text);
  AF_COPY(out->error.resource, af_str(resource));
}

void af_outcome_error(struct af_outcome *out, const struct af_error *err) {
  out->kind = AF_OUT_FAIL;
  out->error = *err;
}

void af_vanished_hint(const char *account, struct af_error *err) {
  af_error_hint(err, "find out who removed it (CloudTrail of account %s), then run the manifest again", account);
}

void af_outcome_vanished(const struct af_step_ctx *ctx, const char *code, const char *what, struct af_outcome *out) {
  bool source = af_step_traits(ctx->step->kind)->where == AF_AT_SOURCE;
  af_outcome_fail(out, AF_CLASS_REFUSED, code, ctx->step->resource, "the new %s %s is gone: somebody removed it", what, ctx->step->resource);
  af_vanished_hint(source ? ctx->facts->source_account : ctx->facts->target_account, &out->error);
}

bool af_settled(const struct af_step_ctx *ctx) {
  return ctx->asked_ms >= ctx->step->intent_ms + ctx->window_ms;
}

/* That the key could be used may have been an older grant's doing. */
bool af_grant_may_be_late(const struct af_step_ctx *ctx) {
  const struct af_step_row *grant = af_step_of(ctx, "grant-key", NULL);
  return grant && (ctx->now_ms < grant->intent_ms + GRANT_LATE_MS || ctx->step->generation % KEY_TRIES + 1 < KEY_TRIES);
}

int64_t af_pause_ms(const struct af_step_ctx *ctx) {
  return ctx->window_ms / 4 < 1000 ? ctx->window_ms / 4 : 1000;
}

bool af_says_gone(const struct af_error *err) {
  static const char *const codes[] = {"InvalidSnapshot.NotFound", "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", "NotFoundException",
                                      "InvalidInstanceID.NotFound", "InvalidGroup.NotFound", "InvalidVolume.NotFound", "NoSuchBucket"};
  for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
    if (af_streq(err->code, codes[i])) return true;
  return false;
}

void af_gone(const struct af_step_ctx *ctx, const struct af_answer *a, int windows, struct af_outcome *out) {
  if (af_says_gone(&a->error)) out->kind = AF_OUT_DONE;
  if (out->kind != AF_OUT_DONE || (ctx->gone_ms && ctx->asked_ms >= ctx->gone_ms + windows * ctx->window_ms)) return;
  out->kind = AF_OUT_AGAIN;
  out->unseen = true;
  out->delay_ms = ctx->window_ms / 4;
}

void af_ask_at(const struct af_step_ctx *ctx, struct af_ask *ret) {
  enum af_where where = af_step_traits(ctx->step->kind)->where;
  ret->side = where == AF_AT_SOURCE ? AF_SOURCE : AF_TARGET;
  ret->region = where == AF_AT_TARGET ? ctx->spec->target.region : ctx->spec->source.region;
}

void af_step_mark(const struct af_step_row *step, char out[48]) {
  snprintf(out, 48, "%lld.%lld", (long long)step->ordinal, (long long)step->generation);
}

int af_step_token(const struct af_step_ctx *ctx, char out[65]) {
  char text[256], mark[48];
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned len = 0;
  af_step_mark(ctx->step, mark);
  int n = snprintf(text, sizeof(text), "%s/%s", ctx->copy->id, mark);
  if (n < 0 || (size_t)n >= sizeof(text)) return -AF_ETOOBIG;
  if (EVP_Digest(text, (size_t)n, digest, &len, EVP_sha256(), NULL) != 1) return -AF_ENOMEM;
  snprintf(out, 65, "amiferry-");
  for (size_t i = 0; i < 20; i++) snprintf(out + 9 + 2 * i, 3, "%02x", digest[i]);
  return 0;
}

static int add_tag(json_t *list, const char *key, const char *value) {
  return json_array_append_new(list, json_pack("{s:s, s:s}", "Key", key, "Value", value));
}

/* What goes again carries nothing of the user's, and says that it goes. */
static int temporary_tags(const struct af_step_ctx *ctx, const char *mark, json_t **ret) {
  char source[192];
  json_t *tags = json_array();
  int rc = tags ? 0 : -1;
  snprintf(source, sizeof(source), "%s/%s", ctx->spec->source.region, ctx->spec->image);
  if (!rc) rc = add_tag(tags, AF_TAG_COPY, ctx->copy->id);
  if (!rc) rc = add_tag(tags, AF_TAG_STEP, mark);
  if (!rc) rc = add_tag(tags, AF_TAG_SOURCE, source);
  if (!rc) rc = add_tag(tags, AF_TAG_TEMPORARY, "yes");
  if (!rc) rc = add_tag(tags, "Name", "amiferry: temporary");
  *ret = tags;
  return rc ? -AF_ENOMEM : 0;
}

json_t *af_step_tags(const struct af_step_ctx *ctx, const char *resource_type, const char *source_snapshot) {
  char mark[48];
  json_t *tags = NULL;
  af_step_mark(ctx->step, mark);
  int rc = af_step_traits(ctx->step->kind)->temporary
               ? temporary_tags(ctx, mark, &tags)
               : af_keep_creation_tags(ctx->spec, ctx->facts, ctx->decision, ctx->copy->id, mark, source_snapshot, &tags);
  json_t *spec = rc ? NULL : json_pack("{s:s, s:O}", "ResourceType", resource_type, "Tags", tags);
  json_decref(tags);
  return spec;
}

void af_step_image_name(const struct af_step_ctx *ctx, char out[AF_STEP_NAME_SIZE]) {
  bool temporary = af_step_traits(ctx->step->kind)->temporary;
  if (temporary) snprintf(out, AF_STEP_NAME_SIZE, "amiferry-%s-%lld-%lld", ctx->copy->id, (long long)ctx->step->ordinal, (long long)ctx->step->generation);
  else af_str_copy(out, AF_STEP_NAME_SIZE, af_str(ctx->decision->name));
}

const char *af_step_description(const struct af_step_ctx *ctx) {
  return ctx->spec->description ? ctx->spec->description : af_json_str(ctx->facts->image, "Description");
}

json_t *af_filters(const char *name, const char *value, ...) {
  json_t *list = json_array();
  va_list ap;
  va_start(ap, value);
  while (list && name) {
    if (json_array_append_new(list, json_pack("{s:s, s:[s]}", "Name", name, "Values", value)) != 0) {
      json_decref(list);
      list = NULL;
    }
    name = va_arg(ap, const char *);
    if (name) value = va_arg(ap, const char *);
  }
  va_end(ap);
  return list;
}

/* jansson leaves out what it finds no room for, and says nothing. */
json_t *af_step_data(const struct af_step_ctx *ctx) {
  json_t *data = json_deep_copy(ctx->data);
  if (json_equal(data, ctx->data)) return data;
  json_decref(data);
  return NULL;
}

json_t *af_drop_done(const struct af_step_ctx *ctx, const char *id) {
  const json_t *before = json_object_get(ctx->data, "dropped");
  json_t *data = af_step_data(ctx), *dropped = before ? json_deep_copy(before) : json_array();
  af_json_append(&dropped, json_string(id));
  af_json_put(&data, "dropped", dropped);
  json_object_del(data, "drop");
  return data;
}

const char *af_tag(const json_t *object, const char *key) {
  size_t i;
  json_t *tag;
  json_array_foreach(json_object_get(object, "Tags"), i, tag) {
    if (af_streq(af_json_str(tag, "Key"), key)) return af_json_str(tag, "Value");
  }
  return "";
}

const struct af_step_row *af_step_of(const struct af_step_ctx *ctx, const char *kind, const char *item) {
  for (size_t i = 0; i < ctx->n_steps; i++)
    if (af_streq(ctx->steps[i].kind, kind) && (!item || af_streq(ctx->steps[i].item, item))) return &ctx->steps[i];
  return NULL;
}
