/* share-bundle: let the target account read the files of an instance-store image in S3 (rules.md 5), by a statement of its own in the
 * policy of their bucket, and take that back. The item is "bucket/beginning of the keys".
 *
 * S3 has no call that adds a statement, nor one that writes only where nothing has changed: the policy is read, and at once written anew as
 * a whole. What stands in it of others goes along as it was read; what of ours a read may not show yet, or may show still, is known from
 * the exposures (ctx->beside). The engine lets one copy at a time write to a bucket. Afterwards it is read until it shows what was
 * written: who wrote at the same moment may have taken it away again.
 *
 *   look -> write -> read back -> done         data: {"region": where the bucket lies, once that is known not to be the image's Region}
 *                                                    {"locate": true} while that is asked
 *   scratch: {"policy": as it was read}: what is to be written anew */
#include <stdio.h>
#include <stdlib.h>

#include "engine/aws/ops.h"
#include "engine/steps/bucket_policy.h"
#include "engine/steps/steps.h"
#include "plans/bundle.h"

#define FRESH_MS 10000   /* what was read longer ago is read again before it is written anew */
#define CROWDED_MS 30000 /* pause while statements of other copies fill the policy */
#define ANYWHERE "us-east-1" /* where S3 tells of every bucket of its partition where it lies */

static struct af_reader reader_of(const struct af_step_ctx *ctx, const char *account, const char *region, const char *bundle) {
  return (struct af_reader){.partition = ctx->facts->source_partition, .account = account, .region = region, .bundle = bundle};
}

static struct af_reader own_reader(const struct af_step_ctx *ctx) {
  return reader_of(ctx, ctx->facts->target_account, ctx->spec->source.region, ctx->subject);
}

static int bucket_of(const struct af_step_ctx *ctx) { /* how many characters of the subject are its name */
  return (int)strcspn(ctx->subject, "/");
}

static bool opens(const struct af_step_ctx *ctx) {
  return ctx->step->face == AF_FACE_DO;
}

static void forget(const struct af_step_ctx *ctx) {
  json_decref(*ctx->scratch);
  *ctx->scratch = NULL;
}

/* --- asking --- */

static int ask(const struct af_step_ctx *ctx, const struct af_op *op, struct af_ask *ret) {
  char bucket[AF_BUNDLE_SIZE];
  const char *region = json_string_value(json_object_get(ctx->data, "region"));
  AF_COPY(bucket, af_str_n(ctx->subject, (size_t)bucket_of(ctx)));
  ret->op = op;
  ret->side = AF_SOURCE;
  ret->region = region ? region : ctx->spec->source.region;
  ret->input = json_pack("{s:s, s:s}", "Bucket", bucket, "ExpectedBucketOwner", ctx->facts->source_account);
  return ret->input ? 0 : -AF_ENOMEM;
}

static int locate(const struct af_step_ctx *ctx, struct af_ask *ret) {
  int rc = ask(ctx, &af_s3_get_bucket_location, ret);
  if (af_streq(ctx->facts->source_partition, "aws")) ret->region = ANYWHERE;
  return rc;
}

/* What changed so lately that the policy as it was read is no witness of it is put right by what we know. */
static int put_right(const struct af_step_ctx *ctx, json_t *policy) {
  int rc = 0;
  for (size_t i = 0; !rc && i < ctx->n_beside; i++) {
    const struct af_exposure_row *x = &ctx->beside[i];
    struct af_reader r = reader_of(ctx, x->grantee, x->region, x->resource);
    if (x->state == AF_EXPOSURE_OPEN && x->borrowed) rc = af_policy_add(policy, &r);
    else if (x->state == AF_EXPOSURE_CLOSED || x->state == AF_EXPOSURE_CLOSING) af_policy_remove(policy, &r);
  }
  struct af_reader own = own_reader(ctx);
  if (opens(ctx)) return rc ? rc : af_policy_add(policy, &own);
  af_policy_remove(policy, &own);
  return rc;
}

/* Statements of other copies go when these end; with anything else a person must help. */
static void too_long(const struct af_step_ctx *ctx, const json_t *policy, size_t bytes, struct af_outcome *out) {
  size_t ours = af_policy_ours(policy) - 1, all = af_policy_statements(policy);
  af_outcome_fail(out, AF_CLASS_AUTH, "PolicyTooLarge", ctx->subject,
                  "the policy of bucket %.*s would have %zu bytes with the statement for account %s, and S3 takes %d at most; %zu of its %zu "
                  "statements are other copies'",
                  bucket_of(ctx), ctx->subject, bytes, ctx->facts->target_account, AF_POLICY_MOST, ours, all);
  af_error_hint(&out->error, "shorten the policy of bucket %.*s in account %s, then retry", bucket_of(ctx), ctx->subject,
                ctx->facts->source_account);
  AF_COPY(out->error.action, af_str(af_s3_put_bucket_policy.label));
  if (!ours) return;
  out->kind = AF_OUT_AGAIN;
  out->delay_ms = CROWDED_MS;
}

static int put(const struct af_step_ctx *ctx, json_t *policy, struct af_ask *ret, struct af_outcome *out) {
  char *text = af_json_dumps(policy, JSON_COMPACT | JSON_REAL_PRECISION(15));
  int rc = text ? 0 : -AF_ENOMEM;
  if (!rc && opens(ctx) && strlen(text) > AF_POLICY_MOST) {
    too_long(ctx, policy, strlen(text), out);
  } else if (!rc) {
    rc = ask(ctx, &af_s3_put_bucket_policy, ret);
    if (!rc && json_object_set_new(ret->input, "Policy", json_string(text))) rc = -AF_ENOMEM;
  }
  free(text);
  return rc;
}

static int write_anew(const struct af_step_ctx *ctx, const json_t *seen, struct af_ask *ret, struct af_outcome *out) {
  json_t *policy = json_deep_copy(seen);
  int rc = json_equal(policy, seen) ? put_right(ctx, policy) : -AF_ENOMEM; /* a statement that memory dropped would be taken away */
  if (!rc && af_policy_statements(policy) == 0) rc = ask(ctx, &af_s3_delete_bucket_policy, ret); /* there was none before us */
  else if (!rc) rc = put(ctx, policy, ret, out);
  json_decref(policy);
  return rc;
}

static int bundle_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  const json_t *seen = json_object_get(*ctx->scratch, "policy");
  if (json_is_true(json_object_get(ctx->data, "locate"))) return locate(ctx, ret);
  if (seen && ctx->step->state != AF_STEP_AMBIGUOUS && ctx->now_ms < ctx->asked_ms + FRESH_MS) return write_anew(ctx, seen, ret, out);
  return ask(ctx, &af_s3_get_bucket_policy, ret);
}

/* --- answers --- */

static bool went_elsewhere(const struct af_error *err) {
  static const char *const codes[] = {"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed",
                                      "IllegalLocationConstraintException"};
  for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
    if (af_streq(err->code, codes[i])) return true;
  return false;
}

/* S3's own names of old: none is us-east-1's, EU eu-west-1's. */
static int located(const struct af_answer *a, struct af_outcome *out) {
  const char *region = af_json_str(a->output, "LocationConstraint");
  if (a->rc) return 0;
  out->kind = AF_OUT_AGAIN;
  out->data = json_pack("{s:s}", "region", !*region ? "us-east-1" : af_streq(region, "EU") ? "eu-west-1" : region);
  return out->data ? 0 : -AF_ENOMEM;
}

/* To be written anew from what was read, by the next ask. */
static int again(const struct af_step_ctx *ctx, json_t *policy, struct af_outcome *out) {
  forget(ctx);
  *ctx->scratch = json_pack("{s:O}", "policy", policy);
  out->kind = AF_OUT_AGAIN;
  out->delay_ms = 1;
  return *ctx->scratch ? 0 : -AF_ENOMEM;
}

static int look_again(const struct af_step_ctx *ctx, struct af_outcome *out) {
  out->kind = AF_OUT_AGAIN;
  out->delay_ms = af_pause_ms(ctx);
  return 0;
}

/* Before anything of this step was sent: is it open without us, or not open any more? */
static int before(const struct af_step_ctx *ctx, json_t *policy, struct af_outcome *out) {
  struct af_reader own = own_reader(ctx);
  if (opens(ctx)) {
    out->was_there = ctx->exposure->state == AF_EXPOSURE_CLOSED && ctx->step->attempts == 0 && af_policy_allows(policy, &own);
    if (!out->was_there) return again(ctx, policy, out);
    out->kind = AF_OUT_DONE;
    return 0;
  }
  if (af_policy_has(policy, &own)) return again(ctx, policy, out);
  if (ctx->asked_ms < ctx->step->started_ms + ctx->window_ms) return look_again(ctx, out); /* S3 may not show yet what was opened */
  out->kind = AF_OUT_DONE;
  AF_COPY(out->note, af_str("somebody else took it out of the policy"));
  return 0;
}

/* After the write, or in doubt whether it was one. Who reads back is content with the first read that shows it, who doubts must wait until
 * a read would show it, and then begins anew. */
static int after(const struct af_step_ctx *ctx, json_t *policy, struct af_outcome *out) {
  struct af_reader own = own_reader(ctx);
  bool doubt = ctx->step->state == AF_STEP_AMBIGUOUS, as_wanted = af_policy_has(policy, &own) == opens(ctx);
  if (!af_settled(ctx) && (doubt || !as_wanted)) return look_again(ctx, out);
  if (!as_wanted) return again(ctx, policy, out);
  out->kind = AF_OUT_DONE;
  if (doubt && opens(ctx)) af_policy_sid(&own, out->resource);
  return 0;
}

/* Who owns the bucket has the say, and that may be neither of the two accounts. */
static void may_not_look(const struct af_step_ctx *ctx, const struct af_error *err, struct af_outcome *out) {
  af_outcome_error(out, err);
  af_error_hint(&out->error,
                "allow s3:GetBucketPolicy, s3:PutBucketPolicy and s3:DeleteBucketPolicy on bucket %.*s for the source's principal in account "
                "%s; if the bucket is another account's, let that one allow account %s to read it, and copy with source.credentials: none",
                bucket_of(ctx), ctx->subject, ctx->facts->source_account, ctx->facts->target_account);
}

static int unreadable(const struct af_step_ctx *ctx, struct af_outcome *out) {
  af_outcome_fail(out, AF_CLASS_AUTH, "PolicyUnreadable", ctx->subject, "the policy of bucket %.*s is not JSON with statements, as S3 gives it",
                  bucket_of(ctx), ctx->subject);
  af_error_hint(&out->error, "put the bucket's policy right in account %s, then retry", ctx->facts->source_account);
  return 0;
}

static int looked(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out) {
  bool none = a->rc && af_streq(a->error.code, "NoSuchBucketPolicy"), idle = ctx->step->state == AF_STEP_IDLE;
  if (a->rc && !none) {
    bool refused = af_streq(a->error.code, "AccessDenied") || af_streq(a->error.code, "MethodNotAllowed");
    if (went_elsewhere(&a->error) && !json_object_get(ctx->data, "region")) {
      out->kind = AF_OUT_AGAIN;
      out->data = json_pack("{s:b}", "locate", 1);
      return out->data ? 0 : -AF_ENOMEM;
    }
    if (!opens(ctx)) af_gone(ctx, a, 1, out);
    else if (refused && idle) may_not_look(ctx, &a->error, out);
    return 0;
  }
  json_t *policy = none ? af_policy_new() : NULL;
  int rc = !none ? af_policy_parse(af_json_str(a->output, "Policy"), &policy) : policy ? 0 : -AF_ENOMEM;
  if (rc == -AF_ECORRUPT) return 0; /* half a reply: asked for again, as any that makes no sense */
  if (rc) return rc == -AF_EINVAL ? unreadable(ctx, out) : rc;
  rc = (idle ? before : after)(ctx, policy, out);
  json_decref(policy);
  return rc;
}

/* A principal of the policy that is no more makes S3 refuse the whole: somebody must take it out. */
static void wrote(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out) {
  struct af_reader own = own_reader(ctx);
  forget(ctx);
  if (!a->rc) {
    out->kind = AF_OUT_PENDING;
    if (opens(ctx)) af_policy_sid(&own, out->resource);
  } else if (!opens(ctx)) {
    af_gone(ctx, a, 1, out);
  } else if (af_streq(a->error.code, "MalformedPolicy")) {
    af_outcome_error(out, &a->error);
    out->error.class = AF_CLASS_AUTH;
  }
}

static int bundle_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  if (op == &af_s3_get_bucket_location) return located(a, out);
  if (op == &af_s3_get_bucket_policy) return looked(ctx, a, out);
  wrote(ctx, a, out);
  return 0;
}

const struct af_step_kind af_step_share_bundle = {
    .name = "share-bundle", .poll = AF_POLL_ASK, .ask = bundle_ask, .answer = bundle_answer};
