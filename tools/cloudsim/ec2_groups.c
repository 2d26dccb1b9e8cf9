/* Security groups: made, changed, described and deleted. What they let through is nobody's concern here; that a client makes one, takes
 * its rules away, uses it and leaves none behind is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2_compute.h"

/* The peers of a rule: how a request calls them, and how a reply does. */
static const struct {
  const char *list, *member, *element, *value;
} rule_kinds[] = {
    {"IpRanges", "CidrIp", "ipRanges", "cidrIp"},
    {"Ipv6Ranges", "CidrIpv6", "ipv6Ranges", "cidrIpv6"},
    {"PrefixListIds", "PrefixListId", "prefixListIds", "prefixListId"},
    {"Groups", "GroupId", "groups", "groupId"},
};
enum { RULE_KINDS = sizeof rule_kinds / sizeof rule_kinds[0], MOST_NAME = 255 };

static const char *param(struct cs_call *call, const char *name) {
  return cs_param(&call->params, name);
}

/* --- rules --- */

void cs_group_rule_add(struct cs_sim *sim, struct cs_group *group, int64_t since, const struct cs_rule *rule, const char *peer) {
  struct cs_rule *fresh = CS_ADD(group->rules, group->n_rules);
  *fresh = *rule;
  AF_COPY(fresh->peer, af_str(peer));
  fresh->since = since;
  fresh->until = CS_NEVER;
  if (since == CS_EVER)
    snprintf(fresh->id, sizeof fresh->id, "sgr-%c%s", rule->egress ? 'e' : '1', group->thing.id + strlen("sg-0"));
  else
    cs_new_id(sim, "sgr-", fresh->id);
}

static bool holds(const struct cs_rule *rule, int64_t view) {
  return rule->since <= view && view < rule->until;
}

static struct cs_rule *find_rule(struct cs_group *group, int64_t now, const struct cs_rule *like) {
  for (size_t i = 0; i < group->n_rules; i++) {
    struct cs_rule *r = &group->rules[i];
    if (holds(r, now) && r->egress == like->egress && af_streq(r->protocol, like->protocol) && af_streq(r->kind, like->kind) &&
        af_streq(r->peer, like->peer) && (af_streq(r->protocol, "-1") || (r->from == like->from && r->to == like->to)))
      return r;
  }
  return NULL;
}

struct rules {
  struct cs_rule *items;
  size_t n;
};

static int64_t port(const char *text) {
  int64_t n = -1;
  if (text)
    (void)af_str_to_i64(af_str(text), &n);
  return n;
}

/* IpPermissions.N: a protocol, its ports, and peers of four kinds. */
static int read_permission(struct cs_call *call, size_t n, bool egress, struct rules *rules) {
  struct cs_params *p = &call->params;
  const char *protocol = cs_paramf(p, "IpPermissions.%zu.IpProtocol", n);
  size_t before = rules->n;
  if (!protocol)
    return cs_fail(call, 400, "MissingParameter", "The request must contain the parameter ipProtocol");
  for (size_t kind = 0; kind < RULE_KINDS; kind++) {
    char list[64];
    snprintf(list, sizeof list, "IpPermissions.%zu.%s", n, rule_kinds[kind].list);
    for (size_t i = 1, most = cs_param_list(call, list); i <= most; i++) {
      const char *peer = cs_paramf(p, "%s.%zu.%s", list, i, rule_kinds[kind].member);
      struct cs_rule *rule = CS_ADD(rules->items, rules->n);
      *rule = (struct cs_rule){.egress = egress, .kind = rule_kinds[kind].element};
      rule->from = port(cs_paramf(p, "IpPermissions.%zu.FromPort", n));
      rule->to = port(cs_paramf(p, "IpPermissions.%zu.ToPort", n));
      if (!AF_COPY(rule->protocol, af_str(protocol)) || !AF_COPY(rule->peer, af_str(peer ? peer : "")) || !peer)
        return cs_fail(call, 400, "InvalidPermission.Malformed", "Invalid permission %zu.", n);
    }
  }
  return rules->n > before ? 0 : cs_fail(call, 400, "MissingParameter", "Source group or CIDR must be specified");
}

/* The old form, for one rule: CidrIp, IpProtocol, FromPort, ToPort. */
static int read_flat(struct cs_call *call, bool egress, struct rules *rules) {
  const char *cidr = param(call, "CidrIp"), *protocol = param(call, "IpProtocol");
  if (!cidr || !protocol)
    return cidr || protocol ? cs_fail(call, 400, "MissingParameter", "CidrIp and IpProtocol go together") : 0;
  struct cs_rule *rule = CS_ADD(rules->items, rules->n);
  *rule = (struct cs_rule){
      .egress = egress, .kind = rule_kinds[0].element, .from = port(param(call, "FromPort")), .to = port(param(call, "ToPort"))};
  if (!AF_COPY(rule->protocol, af_str(protocol)) || !AF_COPY(rule->peer, af_str(cidr)))
    return cs_fail(call, 400, "InvalidPermission.Malformed", "Invalid permission.");
  return 0;
}

static int read_rules(struct cs_call *call, bool egress, struct rules *rules) {
  size_t n = cs_param_list(call, "IpPermissions");
  for (size_t i = 1; i <= n; i++)
    if (read_permission(call, i, egress, rules) < 0)
      return -AF_EAWS;
  return read_flat(call, egress, rules);
}

/* Permission, the group, DryRun; NULL with the failure filled. */
static struct cs_group *begin(struct cs_call *call) {
  char action[100];
  const char *id = param(call, "GroupId");
  snprintf(action, sizeof action, "ec2:%s", call->action);
  if (cs_may(call, action, "security-group", id) < 0)
    return NULL;
  struct cs_group *group = cs_own_thing(call, CS_GROUP, id);
  return group && cs_dry_run(call) == 0 ? group : NULL;
}

static bool of_egress(const struct cs_call *call) {
  return strstr(call->action, "Egress") != NULL;
}

static void write_rule(struct af_buf *out, const struct cs_group *group, const struct cs_rule *rule) {
  cs_xml_open(out, "item");
  cs_xml_text(out, "securityGroupRuleId", rule->id);
  cs_xml_text(out, "groupId", group->thing.id);
  cs_xml_text(out, "groupOwnerId", group->thing.owner->id);
  cs_xml_bool(out, "isEgress", rule->egress);
  cs_xml_text(out, "ipProtocol", rule->protocol);
  cs_xml_int(out, "fromPort", rule->from);
  cs_xml_int(out, "toPort", rule->to);
  if (af_streq(rule->kind, "ipRanges"))
    cs_xml_text(out, "cidrIpv4", rule->peer);
  if (af_streq(rule->kind, "ipv6Ranges"))
    cs_xml_text(out, "cidrIpv6", rule->peer);
  cs_xml_close(out, "item");
}

static int authorize(struct cs_call *call, struct af_buf *out, struct cs_group *group, const struct rules *rules) {
  if (rules->n == 0)
    return cs_fail(call, 400, "MissingParameter", "The request must contain the parameter ipPermissions");
  for (size_t i = 0; i < rules->n; i++)
    if (find_rule(group, call->sim_ms, &rules->items[i]))
      return cs_fail(call, 400, "InvalidPermission.Duplicate", "the specified rule \"peer: %s, %s, ALLOW\" already exists",
                     rules->items[i].peer, af_streq(rules->items[i].protocol, "-1") ? "ALL" : rules->items[i].protocol);
  cs_xml_bool(out, "return", true);
  cs_xml_open(out, "securityGroupRuleSet");
  for (size_t i = 0; i < rules->n; i++) {
    cs_group_rule_add(call->sim, group, call->sim_ms, &rules->items[i], rules->items[i].peer);
    write_rule(out, group, &group->rules[group->n_rules - 1]);
  }
  cs_xml_close(out, "securityGroupRuleSet");
  return 0;
}

int cs_authorize_group(struct cs_call *call, struct af_buf *out) {
  struct rules rules = {0};
  struct cs_group *group = begin(call);
  int rc = !group || read_rules(call, of_egress(call), &rules) < 0 ? -AF_EAWS : authorize(call, out, group, &rules);
  free(rules.items);
  return rc;
}

static int name_by_id(struct cs_call *call, struct cs_group *group, struct rules *rules) {
  size_t n = cs_param_list(call, "SecurityGroupRuleId");
  for (size_t i = 1; i <= n; i++) {
    const char *id = cs_paramf(&call->params, "SecurityGroupRuleId.%zu", i);
    const struct cs_rule *found = NULL;
    for (size_t k = 0; k < group->n_rules; k++)
      if (af_streq(group->rules[k].id, id) && holds(&group->rules[k], call->sim_ms))
        found = &group->rules[k];
    if (!found)
      return cs_fail(call, 400, "InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist", id);
    *CS_ADD(rules->items, rules->n) = *found;
  }
  return 0;
}

static int revoke(struct cs_call *call, struct af_buf *out, struct cs_group *group, struct rules *rules) {
  if (name_by_id(call, group, rules) < 0)
    return -AF_EAWS;
  if (rules->n == 0)
    return cs_fail(call, 400, "MissingParameter", "The request must contain the parameter ipPermissions");
  for (size_t i = 0; i < rules->n; i++)
    if (!find_rule(group, call->sim_ms, &rules->items[i]))
      return cs_fail(call, 400, "InvalidPermission.NotFound", "The specified rule does not exist in this security group.");
  for (size_t i = 0; i < rules->n; i++) {
    struct cs_rule *rule = find_rule(group, call->sim_ms, &rules->items[i]);
    if (rule) /* named twice in one call */
      rule->until = call->sim_ms;
  }
  cs_xml_bool(out, "return", true);
  return 0;
}

int cs_revoke_group(struct cs_call *call, struct af_buf *out) {
  struct rules rules = {0};
  struct cs_group *group = begin(call);
  int rc = !group || read_rules(call, of_egress(call), &rules) < 0 ? -AF_EAWS : revoke(call, out, group, &rules);
  free(rules.items);
  return rc;
}

/* --- making --- */

static bool lawful(const char *text) {
  size_t n = strlen(text);
  return n > 0 && n <= MOST_NAME &&
         strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-:/()#,@[]+=&;{}!$*") == n;
}

static int check_name(struct cs_call *call, const char *name, const char *description) {
  if (!lawful(name) || strncmp(name, "sg-", 3) == 0)
    return cs_fail(call, 400, "InvalidParameterValue", "Value (%s) for parameter GroupName is invalid.", name);
  if (!lawful(description))
    return cs_fail(call, 400, "InvalidParameterValue", "Value (%s) for parameter GroupDescription is invalid.", description);
  return 0;
}

static int check_unique(struct cs_call *call, const struct cs_vpc *vpc, const char *name) {
  const struct cs_things *all = call->sim->ec2->things;
  if (af_streq(name, "default"))
    return cs_fail(call, 400, "InvalidParameterValue", "Cannot use reserved security group name: default");
  for (size_t i = 0; i < all->n_of_kind[CS_GROUP]; i++) {
    const struct cs_group *group = (const struct cs_group *)all->of_kind[CS_GROUP][i];
    if (group->vpc == vpc && cs_thing_lives(&group->thing, call->sim_ms) && af_streq(group->name, name))
      return cs_fail(call, 400, "InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", name, vpc->thing.id);
  }
  return 0;
}

static struct cs_vpc *vpc_asked(struct cs_call *call) {
  const char *id = param(call, "VpcId");
  if (id)
    return cs_own_thing(call, CS_VPC, id);
  struct cs_vpc *vpc = cs_default_vpc(call);
  if (!vpc)
    cs_fail(call, 400, "VPCIdNotSpecified", "No default VPC for this user");
  return vpc;
}

int cs_create_group(struct cs_call *call, struct af_buf *out) {
  static const char *const types[] = {"security-group", NULL};
  const char *name = param(call, "GroupName"), *description = param(call, "GroupDescription");
  if (check_name(call, name, description) < 0 || cs_may(call, "ec2:CreateSecurityGroup", "security-group", "*") < 0 ||
      cs_tag_specs_check(call, types) < 0)
    return -AF_EAWS;
  struct cs_vpc *vpc = vpc_asked(call);
  if (!vpc || cs_may(call, "ec2:CreateSecurityGroup", "vpc", vpc->thing.id) < 0 || cs_dry_run(call) < 0 ||
      check_unique(call, vpc, name) < 0)
    return -AF_EAWS;
  struct cs_group *group = cs_thing_new(call->sim, CS_GROUP, sizeof *group, vpc->thing.owner, call->region, NULL);
  cs_thing_made(call, &group->thing);
  cs_tag_specs_apply(call, "security-group", &group->thing.tags);
  group->vpc = vpc;
  group->name = cs_strdup(name);
  group->description = cs_strdup(description);
  cs_group_rule_add(call->sim, group, call->sim_ms,
                    &(struct cs_rule){.egress = true, .protocol = "-1", .from = -1, .to = -1, .kind = "ipRanges"}, "0.0.0.0/0");
  char arn[200];
  cs_call_arn(call, "security-group", group->thing.id, arn, sizeof arn);
  cs_xml_text(out, "groupId", group->thing.id);
  cs_xml_text(out, "securityGroupArn", arn);
  cs_xml_tags(out, &group->thing.tags, call->sim_ms, true);
  return 0;
}

/* --- deleting --- */

bool cs_group_in_use(const struct cs_sim *sim, const struct cs_group *group, int64_t at) {
  const struct cs_things *all = sim->ec2->things;
  for (size_t i = 0; i < all->n_of_kind[CS_INTERFACE]; i++) {
    const struct cs_interface *eni = (const struct cs_interface *)all->of_kind[CS_INTERFACE][i];
    for (size_t k = 0; k < eni->n_groups && cs_thing_lives(&eni->thing, at); k++)
      if (eni->groups[k] == group)
        return true;
  }
  return false;
}

int cs_delete_group(struct cs_call *call, struct af_buf *out) {
  struct cs_group *group = begin(call);
  if (!group)
    return -AF_EAWS;
  if (af_streq(group->name, "default"))
    return cs_fail(call, 400, "CannotDelete", "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", group->thing.id);
  if (cs_group_in_use(call->sim, group, call->sim_ms))
    return cs_fail(call, 400, "DependencyViolation", "resource %s has a dependent object", group->thing.id);
  group->thing.gone_ms = call->sim_ms;
  cs_xml_bool(out, "return", true);
  cs_xml_text(out, "groupId", group->thing.id);
  return 0;
}

/* --- DescribeSecurityGroups --- */

static void write_peers(struct af_buf *out, const struct cs_group *group, const struct cs_rule *rule) {
  for (size_t kind = 0; kind < RULE_KINDS; kind++) {
    cs_xml_open(out, rule_kinds[kind].element);
    if (af_streq(rule->kind, rule_kinds[kind].element)) {
      cs_xml_open(out, "item");
      cs_xml_text(out, rule_kinds[kind].value, rule->peer);
      if (af_streq(rule->kind, "groups"))
        cs_xml_text(out, "userId", group->thing.owner->id);
      cs_xml_close(out, "item");
    }
    cs_xml_close(out, rule_kinds[kind].element);
  }
}

static void write_rules(struct af_buf *out, const char *element, const struct cs_group *group, bool egress, int64_t view) {
  cs_xml_open(out, element);
  for (size_t i = 0; i < group->n_rules; i++) {
    const struct cs_rule *rule = &group->rules[i];
    if (rule->egress != egress || !holds(rule, view))
      continue;
    cs_xml_open(out, "item");
    cs_xml_text(out, "ipProtocol", rule->protocol);
    if (!af_streq(rule->protocol, "-1")) {
      cs_xml_int(out, "fromPort", rule->from);
      cs_xml_int(out, "toPort", rule->to);
    }
    write_peers(out, group, rule);
    cs_xml_close(out, "item");
  }
  cs_xml_close(out, element);
}

static void write_group(const struct cs_call *call, struct af_buf *out, const void *thing) {
  const struct cs_group *group = thing;
  char arn[200];
  cs_call_arn(call, "security-group", group->thing.id, arn, sizeof arn);
  cs_xml_open(out, "item");
  cs_xml_text(out, "ownerId", group->thing.owner->id);
  cs_xml_text(out, "groupId", group->thing.id);
  cs_xml_text(out, "securityGroupArn", arn);
  cs_xml_text(out, "groupName", group->name);
  cs_xml_text(out, "groupDescription", group->description);
  cs_xml_text(out, "vpcId", group->vpc->thing.id);
  write_rules(out, "ipPermissions", group, false, call->view_ms);
  write_rules(out, "ipPermissionsEgress", group, true, call->view_ms);
  cs_xml_tags(out, &group->thing.tags, call->view_ms, true);
  cs_xml_close(out, "item");
}

enum { GROUP_ID, GROUP_NAME, GROUP_VPC, GROUP_DESCRIPTION, GROUP_OWNER };

static void group_fact(const struct cs_call *call, const void *thing, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_group *group = thing;
  (void)call;
  switch (f->detail) {
    case GROUP_ID: cs_match_value(m, group->thing.id); break;
    case GROUP_NAME: cs_match_value(m, group->name); break;
    case GROUP_VPC: cs_match_value(m, group->vpc->thing.id); break;
    case GROUP_DESCRIPTION: cs_match_value(m, group->description); break;
    case GROUP_OWNER: cs_match_value(m, group->thing.owner->id); break;
  }
}

static const struct cs_filter group_filters[] = {
    {"description", group_fact, GROUP_DESCRIPTION},
    {"group-id", group_fact, GROUP_ID},
    {"group-name", group_fact, GROUP_NAME},
    {"owner-id", group_fact, GROUP_OWNER},
    {"tag:", cs_match_thing_tag, false},
    {"tag-key", cs_match_thing_tag, true},
    {"vpc-id", group_fact, GROUP_VPC},
    {NULL},
};

int cs_describe_groups(struct cs_call *call, struct af_buf *out) {
  static const struct cs_listing listing = {"securityGroupInfo", "GroupId", CS_GROUP, group_filters, write_group};
  return cs_list_things(call, out, &listing);
}
