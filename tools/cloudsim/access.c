/* May the caller do this? The caller's own side of every permission: service control policies of his account, the policies of
 * his user or role, the policy of his session. What the resource says to it is the resource's business (kms_key.c, sts.c).
 *
 * Simulator's convenience, stated here once: a user or role for which the world file gives no `policies` may do everything, as
 * may the root user; `policies: []` may do nothing. Service control policies bind all of them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/front.h"

/* They only take away. Where one of the account's allows anything, it is a list of what is allowed; where none does, the account is
 * as AWS makes it, with FullAWSAccess. What they don't allow is denied for good, whatever a resource's policy says. */
static enum cs_verdict scp_says(const struct cs_sim *sim, const struct cs_ask *ask) {
  bool lists = false, allowed = false;
  for (size_t i = 0; i < sim->identity->n_scps; i++) {
    const struct cs_scp *scp = &sim->identity->scps[i];
    if (strcmp(scp->account->id, ask->who.account) != 0)
      continue;
    enum cs_verdict verdict = cs_policy_says(scp->policy, ask, CS_POLICY_IDENTITY);
    if (verdict == CS_DENY)
      return CS_DENY;
    lists = lists || cs_policy_allows_some(scp->policy);
    allowed = allowed || verdict == CS_ALLOW;
  }
  return lists && !allowed ? CS_DENY : CS_ALLOW;
}

static enum cs_verdict session_says(const struct cs_caller *caller, const struct cs_ask *ask) {
  return caller->session && caller->session->policy ? cs_policy_says(caller->session->policy, ask, CS_POLICY_IDENTITY) : CS_ALLOW;
}

struct cs_who cs_who_limited(const struct cs_caller *caller, const char *action, const char *resource, const struct cs_context *context) {
  struct cs_ask ask = {.who = cs_who_of(caller), .action = action, .resource = resource, .context = context};
  ask.who.role_limited = session_says(caller, &ask) != CS_ALLOW;
  return ask.who;
}

enum cs_verdict cs_identity_says(const struct cs_sim *sim, const struct cs_caller *caller, const char *action,
                                 const char *resource, const struct cs_context *context) {
  struct cs_ask ask = {.who = cs_who_of(caller), .action = action, .resource = resource, .context = context};
  enum cs_verdict session = session_says(caller, &ask);
  if (scp_says(sim, &ask) == CS_DENY || session == CS_DENY)
    return CS_DENY;
  const struct cs_principal *p = caller->principal;
  enum cs_verdict verdict = p && p->restricted ? CS_SILENT : CS_ALLOW;
  for (size_t i = 0; p && i < p->n_policies; i++) {
    enum cs_verdict v = cs_policy_says(p->policies[i], &ask, CS_POLICY_IDENTITY);
    verdict = v > verdict ? v : verdict;
  }
  return verdict == CS_ALLOW ? session : verdict; /* a session policy only takes away: both must allow */
}

/* ---- condition keys ---- */

static void put(json_t *values, const char *key, const char *text) {
  if (text)
    json_object_set_new(values, key, json_string(text));
}

json_t *cs_context_values(const struct cs_caller *caller, const char *region) {
  json_t *values = json_object();
  const struct cs_principal *p = caller->principal;
  put(values, "aws:PrincipalArn", p ? p->arn : caller->arn);
  put(values, "aws:PrincipalAccount", caller->account);
  put(values, "aws:PrincipalType", !p ? "Account" : p->kind == CS_ROLE ? "AssumedRole" : "User");
  put(values, "aws:userid", caller->user_id);
  put(values, "aws:RequestedRegion", region);
  put(values, "aws:SecureTransport", "true");
  if (p && p->account->organization) {
    const char *slash = strrchr(p->account->organization, '/');
    put(values, "aws:PrincipalOrgID", slash ? slash + 1 : p->account->organization);
  }
  if (caller->session && caller->session->source_identity[0])
    put(values, "aws:SourceIdentity", caller->session->source_identity);
  return values;
}

/* What ec2_context() needs to find out about the resource. */
struct resource_lookup {
  const struct cs_sim *sim;
  const char *resource;
};

static json_t *find_in_resource(void *ctx, const char *key) {
  static const char *const prefixes[] = {"ec2:ResourceTag/", "aws:ResourceTag/"};
  struct resource_lookup *lookup = ctx;
  for (size_t i = 0; i < 2; i++)
    if (af_str_starts(af_str(key), prefixes[i])) {
      const char *value = cs_ec2_resource_tag(lookup->sim, lookup->resource, key + strlen(prefixes[i]));
      return value ? json_string(value) : NULL;
    }
  const char *fact = cs_ec2_resource_fact(lookup->sim, lookup->resource, key);
  return fact ? json_string(fact) : NULL;
}

static void put_tag(json_t *values, json_t *keys, const char *key, const char *value) {
  char name[300];
  if (!key)
    return;
  snprintf(name, sizeof name, "aws:RequestTag/%s", key);
  put(values, name, value ? value : "");
  json_array_append_new(keys, json_string(key));
}

/* Tags that the request brings: of CreateTags, or of a TagSpecification for the type that the ARN names. */
static void put_request_tags(json_t *values, struct cs_call *call, const char *resource) {
  enum { SPECIFICATIONS = 10, TAGS = 50 };
  json_t *keys = json_array();
  for (int t = 1; t <= TAGS && cs_paramf(&call->params, "Tag.%d.Key", t); t++)
    put_tag(values, keys, cs_paramf(&call->params, "Tag.%d.Key", t), cs_paramf(&call->params, "Tag.%d.Value", t));
  for (int s = 1; s <= SPECIFICATIONS; s++) {
    const char *type = cs_paramf(&call->params, "TagSpecification.%d.ResourceType", s);
    char part[64];
    snprintf(part, sizeof part, ":%s/", type ? type : "");
    for (int t = 1;
         type && strstr(resource, part) && t <= TAGS && cs_paramf(&call->params, "TagSpecification.%d.Tag.%d.Key", s, t); t++)
      put_tag(values, keys, cs_paramf(&call->params, "TagSpecification.%d.Tag.%d.Key", s, t),
              cs_paramf(&call->params, "TagSpecification.%d.Tag.%d.Value", s, t));
  }
  if (json_array_size(keys) > 0)
    json_object_set_new(values, "aws:TagKeys", keys);
  else
    json_decref(keys);
}

/* Whom a call adds or removes: the condition key's last part, the member of the structure, the list of the older form. */
static const struct {
  const char *key, *member, *list;
} sharees[] = {
    {"userId", "UserId", "UserId"},
    {"group", "Group", "UserGroup"},
    {"organizationArn", "OrganizationArn", "OrganizationArn"},
    {"organizationalUnitArn", "OrganizationalUnitArn", "OrganizationalUnitArn"},
};

/* LaunchPermission.Add.N.UserId and its kin: members may come in any order, and entries lack those that others have. */
static void add_from_structure(json_t *found, struct cs_call *call, const char *list, const char *member) {
  char prefix[64];
  for (int i = 1; snprintf(prefix, sizeof prefix, "%s.%d.", list, i), cs_param_prefix(&call->params, prefix); i++) {
    const char *value = cs_paramf(&call->params, "%s%s", prefix, member);
    if (value)
      json_array_append_new(found, json_string(value));
  }
}

/* UserId.N with OperationType, as the CLI's --user-ids sends it. */
static void add_from_list(json_t *found, struct cs_call *call, const char *list) {
  const char *value;
  for (int i = 1; (value = cs_paramf(&call->params, "%s.%d", list, i)); i++)
    json_array_append_new(found, json_string(value));
}

static void put_sharees(json_t *values, struct cs_call *call) {
  static const struct {
    const char *key, *operation, *lists[2];
  } ways[] = {
      {"ec2:Add", "add", {"LaunchPermission.Add", "CreateVolumePermission.Add"}},
      {"ec2:Remove", "remove", {"LaunchPermission.Remove", "CreateVolumePermission.Remove"}},
  };
  const char *operation = cs_param(&call->params, "OperationType");
  for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++)
    for (size_t i = 0; i < sizeof sharees / sizeof sharees[0]; i++) {
      char key[64];
      json_t *found = json_array();
      for (size_t l = 0; l < 2; l++)
        add_from_structure(found, call, ways[w].lists[l], sharees[i].member);
      if (af_streq(operation, ways[w].operation))
        add_from_list(found, call, sharees[i].list);
      snprintf(key, sizeof key, "%s/%s", ways[w].key, sharees[i].key);
      if (json_array_size(found) > 0)
        json_object_set(values, key, found);
      json_decref(found);
    }
}

static json_t *ec2_context(struct cs_call *call, const char *action, const char *resource) {
  json_t *values = cs_context_values(&call->caller, call->region->name);
  put(values, "ec2:Region", call->region->name);
  put_request_tags(values, call, resource);
  put_sharees(values, call);
  if (strcmp(action, "ec2:CreateTags") == 0 && strcmp(call->action, "CreateTags") != 0)
    put(values, "ec2:CreateAction", call->action);
  return values;
}

/* ---- the refusal ---- */

/* Looks like the encoded message that sts:DecodeAuthorizationMessage reads; decodes to nothing. */
static void blob(struct cs_sim *sim, char *out, size_t n) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (size_t i = 0; i < n; i++)
    out[i] = digits[af_random_below(&sim->front->random.random, 64)];
  out[n] = 0;
}

int cs_policy_check(struct cs_call *call, const char *action, const char *resource_arn) {
  struct resource_lookup lookup = {call->sim, resource_arn};
  struct cs_context context = {.values = ec2_context(call, action, resource_arn), .find = find_in_resource, .ctx = &lookup};
  enum cs_verdict verdict = cs_identity_says(call->sim, &call->caller, action, resource_arn, &context);
  json_decref(context.values);
  if (verdict == CS_ALLOW)
    return 0;
  char encoded[161];
  blob(call->sim, encoded, 160);
  return cs_fail(
      call, 403, "UnauthorizedOperation",
      "You are not authorized to perform this operation. User: %s is not authorized to perform: %s on resource: %s %s the %s "
      "action. Encoded authorization failure message: %s",
      call->caller.arn, action, resource_arn,
      verdict == CS_DENY ? "with an explicit deny in an identity-based policy for" : "because no identity-based policy allows",
      action, encoded);
}
