/* ClientToken: the same token with the same parameters is the same effect, with others an error (rules.md 2.1). A token belongs to an
 * account, an API and a Region, or to a zone of it. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2.h"

static int compare_params(const void *a, const void *b) {
  const struct cs_param *const *x = a, *const *y = b;
  return strcmp((*x)->name, (*y)->name);
}

/* What two calls with one token must have in common. The caller frees it. */
static char *fingerprint(const struct cs_call *call) {
  const struct cs_param **sorted = cs_new((call->params.n + 1) * sizeof(struct cs_param *));
  struct af_buf b;
  af_buf_init(&b, (size_t)1 << 20);
  size_t n = 0;
  for (size_t i = 0; i < call->params.n; i++)
    if (!af_streq(call->params.items[i].name, "ClientToken") && !af_streq(call->params.items[i].name, "DryRun"))
      sorted[n++] = &call->params.items[i];
  qsort(sorted, n, sizeof *sorted, compare_params);
  for (size_t i = 0; i < n; i++)
    af_buf_printf(&b, "%s=%zu:%s\n", sorted[i]->name, strlen(sorted[i]->value), sorted[i]->value);
  free(sorted);
  char *text = cs_strdup(af_buf_cstr(&b));
  cs_buf_done(&b);
  return text;
}

static void token_key(const struct cs_call *call, const char *token, const char *scope, char *key, size_t size) {
  snprintf(key, size, "%s %s%s %s %s", call->caller.account, call->region->name, scope, call->action, token);
}

static const struct cs_token *find_token(const struct cs_call *call, const char *token, const char *scope) {
  int64_t life = call->sim->uncertain.client_token_lifetime;
  char key[256];
  token_key(call, token, scope, key, sizeof key);
  const struct cs_token *t = cs_token_find(call->sim->ec2, key);
  return t && (life == 0 || call->sim_ms - t->used_ms < life) ? t : NULL;
}

void cs_token_keep(const struct cs_call *call, const char *token, const char *scope, const char *result) {
  char key[256];
  if (!token || !token[0])
    return;
  token_key(call, token, scope, key, sizeof key);
  struct cs_token *t = cs_token_put(call->sim->ec2, key);
  free(t->fingerprint);
  t->fingerprint = fingerprint(call);
  t->used_ms = call->sim_ms;
  AF_COPY(t->result, af_str(result));
}

int cs_token_replay(struct cs_call *call, const char *token, const char *scope, const char **ret_id) {
  if (!token || !token[0])
    return 0;
  if (strlen(token) > 64)
    return cs_fail(call, 400, "InvalidParameterValue", "Invalid clientToken: it has at most 64 characters.");
  if (cs_param_bool(call, "DryRun", false) == true) /* it asks for leave, not for what an earlier call made (rules.md 1.1) */
    return 0;
  const struct cs_token *t = find_token(call, token, scope);
  if (!t)
    return 0;
  char *mine = fingerprint(call);
  bool same = af_streq(mine, t->fingerprint);
  free(mine);
  if (!same)
    return cs_fail(call, 400, "IdempotentParameterMismatch",
                   "The request uses the same client token as a previous, but non-identical request.");
  *ret_id = t->result;
  return 1;
}
