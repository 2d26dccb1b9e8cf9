/* grant-key: lets the target account use one source key, by a named grant (rules.md 3): CreateGrant with a name of our own returns the
 * same grant however often it is sent. Each copy has a grant of its own: a key holds 50,000, and nobody has to ask who else needs it. It is
 * pending until the target can really use the key (a grant takes minutes to arrive, and no EC2 call takes a grant token), and retired after
 * everything that read under the key has completed. */
#include <stdio.h>

#include "engine/aws/ops.h"
#include "engine/steps/steps.h"

#define PATIENCE_MS (15 * 60 * 1000) /* three times the "usually under five minutes" of rules.md 3 */

#define LAG_WINDOWS 5 /* KMS is slower than EC2 to know what it was told: minutes, where EC2 takes seconds */

/* The full set that EBS delegates from: a child grant can't exceed its parent (rules.md 3). */
static const char *const operations[] = {
    "Decrypt", "DescribeKey", "CreateGrant", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo", NULL};

static json_t *operation_list(void) {
  json_t *list = json_array();
  for (size_t i = 0; operations[i]; i++) af_json_append(&list, json_string(operations[i]));
  return list;
}

static int create(const struct af_step_ctx *ctx, struct af_ask *ret) {
  char name[128], mark[48], grantee[96], retirer[96];
  af_step_mark(ctx->step, mark);
  snprintf(name, sizeof(name), "amiferry-%s-%s", ctx->copy->id, mark);
  for (char *p = name; *p; p++)
    if (*p == '.') *p = '-'; /* a grant's name may not have one */
  snprintf(grantee, sizeof(grantee), "arn:%s:iam::%s:root", ctx->facts->source_partition, ctx->facts->target_account);
  snprintf(retirer, sizeof(retirer), "arn:%s:iam::%s:root", ctx->facts->source_partition, ctx->facts->source_account);
  ret->op = &af_kms_create_grant;
  ret->input = json_pack("{s:s, s:s, s:s, s:o, s:s}", "KeyId", ctx->step->item, "GranteePrincipal", grantee, "RetiringPrincipal", retirer,
                         "Operations", operation_list(), "Name", name);
  return ret->input ? 0 : -AF_ENOMEM;
}

/* Can the target use the key yet? A dry run answers without making anything. */
static int look(const struct af_step_ctx *ctx, struct af_ask *ret) {
  ret->op = &af_kms_generate_data_key_without_plaintext;
  ret->side = AF_TARGET;
  ret->input = json_pack("{s:s, s:s, s:b}", "KeyId", ctx->step->item, "KeySpec", "AES_256", "DryRun", 1);
  return ret->input ? 0 : -AF_ENOMEM;
}

static int grant_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out) {
  const char *grant = ctx->exposure && ctx->exposure->detail ? ctx->exposure->detail : "";
  ret->side = AF_SOURCE;
  ret->region = ctx->spec->source.region;
  if (ctx->step->face == AF_FACE_DO && ctx->step->state == AF_STEP_PENDING) return look(ctx, ret);
  if (ctx->step->face == AF_FACE_DO) return create(ctx, ret);
  ret->op = &af_kms_retire_grant;
  ret->input = json_pack("{s:s, s:s}", "KeyId", ctx->step->item, "GrantId", grant);
  return ret->input ? 0 : -AF_ENOMEM;
}

static void created(const struct af_answer *a, struct af_outcome *out) {
  AF_COPY(out->resource, af_str(af_json_str(a->output, "GrantId")));
  if (*out->resource) out->kind = AF_OUT_PENDING;
}

static void looked(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out) {
  if (!a->rc || af_streq(a->error.code, "DryRunOperationException") || af_streq(a->error.code, "DryRunOperation")) {
    out->kind = AF_OUT_DONE;
    return;
  }
  if (!af_streq(a->error.code, "AccessDeniedException")) return; /* a key that was disabled meanwhile is no question of the grant */
  out->error = a->error;
  if (ctx->asked_ms < ctx->step->started_ms + PATIENCE_MS) {
    out->kind = AF_OUT_AGAIN; /* the engine's poll interval */
    return;
  }
  out->kind = AF_OUT_FAIL;
  af_error_hint(&out->error,
                "the grant has not taken effect: in account %s allow kms:DescribeKey, kms:CreateGrant, kms:Decrypt, kms:ReEncrypt* and "
                "kms:GenerateDataKey* on this key for the target's principal, and look for a service control policy that denies them",
                ctx->facts->target_account);
}

static int grant_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *a, struct af_outcome *out) {
  if (op == &af_kms_generate_data_key_without_plaintext) looked(ctx, a, out);
  else if (op == &af_kms_create_grant && !a->rc) created(a, out);
  else if (op == &af_kms_retire_grant && a->rc) af_gone(ctx, a, LAG_WINDOWS, out);
  else if (op == &af_kms_retire_grant) out->kind = AF_OUT_DONE;
  return 0;
}

const struct af_step_kind af_step_grant_key = {.name = "grant-key", .poll = AF_POLL_ASK, .ask = grant_ask, .answer = grant_answer};
