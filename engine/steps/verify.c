/* verify: reads the new AMI, its snapshots and its UEFI data, and compares them with the source (plans/verify.h, design section 5).
 * AWS's reads lag: a difference counts only when it is still there after a while. */
#include "engine/reading.h"
#include "engine/steps/steps.h"

/* Who may launch an image that was just made, or read its snapshots, is looked at where the manifest names somebody: nobody else could have
 * been let in. */
static struct af_reading reading_of(const struct af_step_ctx *ctx) {
  const json_t *wanted = ctx->spec->launch_permissions;
  size_t n = json_array_size(json_object_get(wanted, "accounts")) + json_array_size(json_object_get(wanted, "organizations")) +
             json_array_size(json_object_get(wanted, "organizational_units"));
  return (struct af_reading){.image = ctx->copy->image_id,
                             .region = ctx->spec->target.region,
                             .side = AF_TARGET,
                             .uefi = ctx->facts->uefi_data != NULL,
                             .permissions = n > 0,
                             .shares = n > 0 && json_is_true(json_object_get(wanted, "snapshots"))};
}

#define FIRST_ASKED "first_asked" /* of what was seen: when the oldest of it was asked for */

static int next_read(const struct af_step_ctx *ctx, struct af_ask *ret) {
  struct af_reading r = reading_of(ctx);
  return af_reading_ask(&r, *ctx->scratch, ret);
}

/* Registering or copying may lose what an AMI is billed for; launching keeps it (rules.md 2.4, 4). */
static bool billing_lost(const struct af_findings *f) {
  for (size_t i = 0; i < f->n; i++) {
    const char *attribute = f->list[i].attribute;
    bool billing = af_streq(attribute, "platformDetails") || af_streq(attribute, "usageOperation") ||
                   af_str_starts(af_str(attribute), "productCode[");
    if (billing && f->list[i].verdict != AF_SAME && !f->list[i].allowed) return true;
  }
  return false;
}

static int judge(const struct af_step_ctx *ctx, struct af_outcome *out) {
  json_t *seen = *ctx->scratch;
  struct af_findings findings = {0};
  struct af_error err;
  struct af_copy_reading copy;
  af_reading_get(seen, &copy);
  copy.now_ms = ctx->now_ms;
  copy.unfinished = true;
  int rc = af_verify(ctx->spec, ctx->facts, ctx->decision, &copy, &findings);
  if (rc) return rc;
  rc = af_findings_judge(&findings, &err);
  bool lower = billing_lost(&findings);
  af_findings_done(&findings);
  out->kind = AF_OUT_DONE;
  if (!rc) return 0;
  AF_COPY(err.resource, af_str(ctx->copy->image_id));
  if (af_json_int(seen, FIRST_ASKED) < ctx->step->started_ms + ctx->window_ms) {
    out->kind = AF_OUT_AGAIN; /* read it all again */
    out->delay_ms = 1000;
    out->error = err;
    json_object_clear(seen);
  } else {
    af_outcome_error(out, &err);
    out->lower = lower;
  }
  return 0;
}

static int verify_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  if (ctx->step->face == AF_FACE_UNDO) {
    out->kind = AF_OUT_DONE;
    return 0;
  }
  if (!*ctx->scratch && !(*ctx->scratch = json_object())) return -AF_ENOMEM;
  return next_read(ctx, ret);
}

static int verify_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  json_t *seen = *ctx->scratch;
  if (a->rc || !seen) return 0;
  const struct af_reading r = reading_of(ctx);
  if (!json_object_size(seen) && json_object_set_new(seen, FIRST_ASKED, json_integer(ctx->asked_ms))) return -AF_ENOMEM;
  if (af_reading_take(&r, seen, op, a)) return -AF_ENOMEM;
  struct af_ask more = {0};
  int rc = next_read(ctx, &more);
  bool all = !rc && !more.op;
  af_ask_done(&more);
  if (rc) return rc;
  if (all) return judge(ctx, out);
  out->kind = AF_OUT_AGAIN;
  if (!json_object_get(seen, "image")) out->delay_ms = 1000; /* not shown yet */
  return 0;
}

const struct af_step_kind af_step_verify = {.name = "verify", .poll = AF_POLL_ASK, .ask = verify_ask, .answer = verify_answer};
