/* RunInstances: one instance in a call (rules.md 2.1, 4). What is asked, where, who may, then the effect; what the image and its
 * devices have to say is ec2_launch_fit.c's and ec2_launch_devices.c's. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2_compute.h"

enum { MOST_USER_DATA = 16384 };

/* What the call comes to, before anything is made. */
struct launch {
  const struct cs_instance_type *type;
  const struct cs_image *image;
  struct cs_subnet *subnet;
  struct cs_group **groups;
  size_t n_groups;
  struct cs_orders orders;
  bool public_ip;
};

static const char *param(struct cs_call *call, const char *name) {
  return cs_param(&call->params, name);
}

/* --- plain parameters --- */

static const struct {
  const char *param;
  const char *const allowed[4];
} choices[] = {
    {"InstanceInitiatedShutdownBehavior", {"stop", "terminate"}},
    {"MetadataOptions.HttpTokens", {"optional", "required"}},
    {"MetadataOptions.HttpEndpoint", {"enabled", "disabled"}},
    {"MetadataOptions.HttpProtocolIpv6", {"enabled", "disabled"}},
    {"MetadataOptions.InstanceMetadataTags", {"enabled", "disabled"}},
    {"CreditSpecification.CpuCredits", {"standard", "unlimited"}},
};

static int check_count(struct cs_call *call) {
  int64_t least = cs_param_int(call, "MinCount", 0), most = cs_param_int(call, "MaxCount", 0);
  if (least < 1 || most < 1)
    return cs_fail(call, 400, "InvalidParameterValue", "Value (%lld) for parameter %s is invalid. Must be greater than 0.",
                   (long long)(least < 1 ? least : most), least < 1 ? "minCount" : "maxCount");
  if (least > most)
    return cs_fail(call, 400, "InvalidParameterCombination", "The parameter MinCount is greater than the parameter MaxCount.");
  if (most > 1)
    return cs_fail(call, 400, "UnsupportedOperation", "cloudsim launches one instance in a call.");
  return 0;
}

static int check_texts(struct cs_call *call) {
  const char *data = param(call, "UserData");
  for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
    if (cs_one_of(call, choices[i].param, choices[i].allowed) < 0)
      return -AF_EAWS;
  int64_t hops = cs_param_int(call, "MetadataOptions.HttpPutResponseHopLimit", 1);
  if (hops < 1 || hops > 64)
    return cs_fail(call, 400, "InvalidParameterValue", "The metadata hop limit is 1 to 64.");
  if (data && strspn(data, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != strlen(data))
    return cs_fail(call, 400, "InvalidParameterValue", "Invalid BASE64 encoding of user data.");
  if (data && strlen(data) / 4 * 3 > MOST_USER_DATA)
    return cs_fail(call, 400, "InvalidParameterValue", "User data is limited to %d bytes", MOST_USER_DATA);
  return 0;
}

/* --- what does not exist, or is not for sale, here --- */

static int check_names(struct cs_call *call) {
  const struct cs_settings *s = cs_caller_settings(call);
  const char *key = param(call, "KeyName"), *profile = param(call, "IamInstanceProfile.Name"), *arn = param(call, "IamInstanceProfile.Arn");
  bool known = !key;
  for (size_t i = 0; i < s->n_key_pairs; i++)
    known = known || af_streq(s->key_pairs[i], key);
  if (!known)
    return cs_fail(call, 400, "InvalidKeyPair.NotFound", "The key pair '%s' does not exist", key);
  if (profile || arn) /* cloudsim has none */
    return cs_fail(call, 400, "InvalidParameterValue",
                   "Value (%s) for parameter iamInstanceProfile.%s is invalid. Invalid IAM Instance Profile %s", profile ? profile : arn,
                   profile ? "name" : "arn", profile ? "name" : "ARN");
  return 0;
}

static const struct cs_instance_type *type_asked(struct cs_call *call) {
  const char *name = param(call, "InstanceType");
  const struct cs_instance_type *type = cs_instance_type_find(name ? name : "m1.small");
  if (!type)
    cs_fail(call, 400, "InvalidParameterValue", "Invalid value '%s' for InstanceType.", name);
  else if (!cs_type_offered(cs_caller_settings(call), type, -1))
    cs_fail(call, 400, "Unsupported",
            "The requested configuration is currently not supported. Please check the documentation for supported configurations.");
  else if (param(call, "CreditSpecification.CpuCredits") && !(type->flags & CS_T_BURSTABLE))
    cs_fail(call, 400, "InstanceCreditSpecification.NotSupported", "The %s instance type does not support T2 Unlimited.", type->name);
  return call->failure.status != 0 ? NULL : type;
}

/* --- the place --- */

static bool has_interface(struct cs_call *call) {
  return cs_param_prefix(&call->params, "NetworkInterface.");
}

static int check_interface(struct cs_call *call) {
  if (!has_interface(call))
    return 0;
  if (param(call, "SubnetId"))
    return cs_fail(call, 400, "InvalidParameterCombination",
                   "Network interfaces and an instance-level subnet ID may not be specified on the same request");
  if (param(call, "SecurityGroupId.1"))
    return cs_fail(call, 400, "InvalidParameterCombination",
                   "Network interfaces and an instance-level security groups may not be specified on the same request");
  if (cs_param_list(call, "NetworkInterface") > 1)
    return cs_fail(call, 400, "UnsupportedOperation", "cloudsim gives an instance one network interface.");
  if (!param(call, "NetworkInterface.1.DeviceIndex"))
    return cs_fail(call, 400, "MissingParameter", "The request must contain the parameter deviceIndex");
  if (cs_param_int(call, "NetworkInterface.1.DeviceIndex", 0) != 0)
    return cs_fail(call, 400, "InvalidParameterCombination", "The first network interface has the device index 0.");
  return 0;
}

/* The default subnet of a zone; zone -1: of the first that has the type to offer, and room; else of the first. */
static struct cs_subnet *default_subnet(struct cs_call *call, const struct cs_vpc *vpc, const struct cs_instance_type *type, int zone) {
  const struct cs_things *all = call->sim->ec2->things;
  const struct cs_settings *s = cs_caller_settings(call);
  struct cs_subnet *first = NULL;
  for (size_t i = 0; i < all->n_of_kind[CS_SUBNET]; i++) {
    struct cs_subnet *subnet = (struct cs_subnet *)all->of_kind[CS_SUBNET][i];
    if (subnet->vpc != vpc || !subnet->is_default || (zone >= 0 && subnet->zone != zone))
      continue;
    if (zone >= 0 || (cs_type_offered(s, type, subnet->zone) && cs_has_capacity(s, type, subnet->zone)))
      return subnet;
    if (!first || (cs_type_offered(s, type, subnet->zone) && !cs_type_offered(s, type, first->zone)))
      first = subnet;
  }
  return first;
}

static struct cs_subnet *subnet_asked(struct cs_call *call, const struct cs_instance_type *type) {
  const char *id = has_interface(call) ? param(call, "NetworkInterface.1.SubnetId") : param(call, "SubnetId");
  const char *zone_name = param(call, "Placement.AvailabilityZone");
  int zone = zone_name ? cs_zone_find(call->region, zone_name) : -1;
  if (zone_name && zone < 0) {
    cs_fail(call, 400, "InvalidParameterValue", "Invalid availability zone: [%s]", zone_name);
    return NULL;
  }
  if (id) {
    struct cs_subnet *named = cs_own_thing(call, CS_SUBNET, id);
    if (named && zone >= 0 && named->zone != zone)
      cs_fail(call, 400, "InvalidParameterValue", "The subnet '%s' is not in the availability zone '%s'", id, zone_name);
    return call->failure.status != 0 ? NULL : named;
  }
  const struct cs_vpc *vpc = cs_default_vpc(call);
  struct cs_subnet *subnet = vpc ? default_subnet(call, vpc, type, zone) : NULL;
  if (!vpc)
    cs_fail(call, 400, "VPCIdNotSpecified", "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.");
  else if (!subnet)
    cs_fail(call, 400, "MissingInput", "No subnets found for the default VPC '%s'. Please specify a subnet.", vpc->thing.id);
  return subnet;
}

static int check_zone(struct cs_call *call, const struct launch *l) {
  const struct cs_settings *s = cs_caller_settings(call);
  char name[CS_ZONE_SIZE], others[CS_ZONES * (CS_ZONE_SIZE + 2)] = "";
  if (cs_type_offered(s, l->type, l->subnet->zone))
    return 0;
  for (int z = 0; z < CS_ZONES; z++) {
    size_t used = strlen(others);
    cs_zone_name(call->region, z, name);
    if (cs_type_offered(s, l->type, z))
      snprintf(others + used, sizeof others - used, "%s%s", used > 0 ? ", " : "", name);
  }
  cs_zone_name(call->region, l->subnet->zone, name);
  return cs_fail(call, 400, "Unsupported",
                 "Your requested instance type (%s) is not supported in your requested Availability Zone (%s). Please retry your request by not "
                 "specifying an Availability Zone or choosing %s.",
                 l->type->name, name, others);
}

static int read_groups(struct cs_call *call, struct launch *l) {
  const char *list = has_interface(call) ? "NetworkInterface.1.SecurityGroupId" : "SecurityGroupId";
  size_t n = cs_param_list(call, list);
  for (size_t i = 1; i <= n; i++) {
    const char *id = cs_paramf(&call->params, "%s.%zu", list, i);
    struct cs_group *group = cs_own_thing(call, CS_GROUP, id);
    if (!group)
      return -AF_EAWS;
    if (group->vpc != l->subnet->vpc)
      return cs_fail(call, 400, "InvalidParameter", "Security group %s and subnet %s belong to different networks.", id,
                     l->subnet->thing.id);
    *CS_ADD(l->groups, l->n_groups) = group;
  }
  if (n == 0)
    *CS_ADD(l->groups, l->n_groups) = cs_default_group(call->sim, l->subnet->vpc);
  return 0;
}

/* --- who may --- */

static int may_launch(struct cs_call *call, const struct launch *l) {
  const struct {
    const char *type, *id;
  } resources[] = {
      {"instance", "*"}, {"image", param(call, "ImageId")}, {"subnet", l->subnet->thing.id}, {"network-interface", "*"}, {"volume", "*"}};
  const char *key = param(call, "KeyName");
  for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++)
    if (cs_may(call, "ec2:RunInstances", resources[i].type, resources[i].id) < 0)
      return -AF_EAWS;
  for (size_t i = 0; i < l->n_groups; i++)
    if (cs_may(call, "ec2:RunInstances", "security-group", l->groups[i]->thing.id) < 0)
      return -AF_EAWS;
  return key ? cs_may(call, "ec2:RunInstances", "key-pair", key) : 0;
}

/* --- the effect --- */

/* The n-th address of the subnet; AWS keeps the first four. */
static void next_address(struct cs_subnet *subnet, char out[16]) {
  char base[CS_CIDR_SIZE];
  struct in_addr address = {0};
  const char *slash = strchr(subnet->cidr, '/');
  AF_COPY(base, af_str_n(subnet->cidr, slash ? (size_t)(slash - subnet->cidr) : strlen(subnet->cidr)));
  inet_pton(AF_INET, base, &address);
  address.s_addr = htonl(ntohl(address.s_addr) + 4 + subnet->handed_out++);
  inet_ntop(AF_INET, &address, out, 16);
}

static struct cs_interface *make_interface(struct cs_call *call, struct launch *l) {
  struct cs_interface *eni = cs_thing_new(call->sim, CS_INTERFACE, sizeof *eni, cs_caller_account(call), call->region, NULL);
  cs_thing_made(call, &eni->thing);
  cs_tag_specs_apply(call, "network-interface", &eni->thing.tags);
  eni->subnet = l->subnet;
  eni->groups = l->groups;
  eni->n_groups = l->n_groups;
  l->groups = NULL;
  next_address(l->subnet, eni->private_ip);
  if (l->public_ip) /* of the block for documentation */
    snprintf(eni->public_ip, sizeof eni->public_ip, "203.0.113.%u", l->subnet->handed_out % 254 + 1);
  return eni;
}

/* rules.md 2.4: an image with IMDS support v2.0 makes tokens required, unless the call says otherwise. */
static void set_metadata(struct cs_call *call, struct cs_instance *i) {
  const char *tokens = param(call, "MetadataOptions.HttpTokens");
  bool v2 = af_streq(i->origin->text[CS_IMDS], "v2.0");
  i->tokens_required = tokens ? af_streq(tokens, "required") : v2;
  i->metadata = !af_streq(param(call, "MetadataOptions.HttpEndpoint"), "disabled");
  i->hops = cs_param_int(call, "MetadataOptions.HttpPutResponseHopLimit", v2 ? 2 : 1);
}

/* What a client that only wants an image of the instance has no use for (rules.md 4). */
static void note_hazards(struct cs_call *call, const struct cs_instance *i) {
  const char *credits = param(call, "CreditSpecification.CpuCredits");
  bool unlimited = i->type->flags & CS_T_BURSTABLE && (credits ? af_streq(credits, "unlimited") : strncmp(i->type->name, "t2.", 3) != 0);
  const struct {
    bool seen;
    const char *text;
  } hazards[] = {
      {i->interface->public_ip[0], "with a public address"},
      {i->key_name, "with a key pair"},
      {i->metadata && !i->tokens_required, "with IMDSv1 allowed"},
      {param(call, "UserData"), "with user data"},
      {unlimited, "with unlimited credits"},
  };
  for (size_t k = 0; k < sizeof hazards / sizeof hazards[0]; k++)
    if (hazards[k].seen)
      cs_hazard(call->sim, call->sim_ms, "instance %s was launched %s", i->thing.id, hazards[k].text);
}

static struct cs_image *frozen(const struct cs_image *image) {
  struct cs_image *origin = cs_new(sizeof *origin);
  AF_COPY(origin->id, af_str(image->id));
  origin->region = image->region;
  origin->owner = image->owner;
  cs_image_inherit(origin, image);
  return origin;
}

/* Marketplace codes of the snapshots are the instance's, too (rules.md 2.2). */
static void inherit_codes(struct cs_instance *i) {
  for (size_t k = 0; k < i->n_devices; k++) {
    const struct cs_snapshot *s = i->devices[k].volume ? i->devices[k].volume->source : NULL;
    if (s)
      cs_codes_copy(&i->origin->codes, &i->origin->n_codes, s->codes, s->n_codes);
  }
}

static struct cs_instance *make_instance(struct cs_call *call, struct launch *l) {
  struct cs_instance *i = cs_thing_new(call->sim, CS_INSTANCE, sizeof *i, cs_caller_account(call), call->region, NULL);
  cs_thing_made(call, &i->thing);
  cs_tag_specs_apply(call, "instance", &i->thing.tags);
  cs_new_id(call->sim, "r-", i->reservation);
  cs_new_id(call->sim, "eni-attach-", i->attachment);
  i->origin = frozen(l->image);
  i->type = l->type;
  i->boot_mode = cs_launch_boot_mode(l->image, l->type);
  i->token = cs_strdup(param(call, "ClientToken"));
  i->key_name = cs_strdup(param(call, "KeyName"));
  i->protected = cs_param_bool(call, "DisableApiTermination", false) == true;
  i->stop_protected = cs_param_bool(call, "DisableApiStop", false) == true;
  set_metadata(call, i);
  i->interface = make_interface(call, l);
  cs_devices_make(call, i, &l->orders, l->subnet->zone);
  inherit_codes(i);
  cs_instance_launch(call, i);
  note_hazards(call, i);
  return i;
}

/* --- the call --- */

/* Zonal where the place is named, else the Region's (rules.md 2.1). */
static const char *token_scope(struct cs_call *call, const struct launch *l, char scope[4]) {
  scope[0] = 0;
  if (param(call, "SubnetId") || param(call, "NetworkInterface.1.SubnetId") || param(call, "Placement.AvailabilityZone"))
    snprintf(scope, 4, "%c", 'a' + l->subnet->zone);
  return scope;
}

static int replay(struct cs_call *call, const char *scope, const struct cs_instance **ret) {
  const char *id = NULL;
  int rc = cs_token_replay(call, param(call, "ClientToken"), scope, &id);
  if (rc <= 0)
    return rc;
  *ret = (const struct cs_instance *)cs_thing_by_id(call->sim, id);
  enum cs_instance_state state = cs_instance_state(*ret, call->sim_ms);
  if (state == CS_SHUTTING_DOWN || state == CS_TERMINATED)
    return cs_fail(call, 400, "IdempotentInstanceTerminated",
                   "The request to launch an instance uses the same client token as a previous request for which the instance has been terminated.");
  return 1;
}

static int read_launch(struct cs_call *call, struct launch *l) {
  static const char *const taggable[] = {"instance", "volume", "network-interface", "spot-instances-request", NULL};
  if (check_count(call) < 0 || check_texts(call) < 0 || check_interface(call) < 0 || check_names(call) < 0)
    return -AF_EAWS;
  l->type = type_asked(call);
  l->subnet = l->type ? subnet_asked(call, l->type) : NULL;
  if (!l->subnet || read_groups(call, l) < 0 || may_launch(call, l) < 0)
    return -AF_EAWS;
  l->public_ip = cs_param_bool(call, "NetworkInterface.1.AssociatePublicIpAddress", l->subnet->map_public_ip) == true;
  return cs_tag_specs_check(call, taggable);
}

static int launch(struct cs_call *call, struct launch *l, const char *scope, const struct cs_instance **ret) {
  l->image = cs_launch_image(call);
  if (!l->image || cs_launch_fit(call, l->image, l->type) < 0 || check_zone(call, l) < 0 ||
      cs_orders_read(call, l->image, &l->orders) < 0 || cs_dry_run(call) < 0 || cs_check_capacity(call, l->type, l->subnet->zone) < 0)
    return -AF_EAWS;
  *ret = make_instance(call, l);
  cs_token_keep(call, param(call, "ClientToken"), scope, (*ret)->thing.id);
  return 0;
}

int cs_run_instances(struct cs_call *call, struct af_buf *out) {
  struct launch l = {0};
  const struct cs_instance *i = NULL;
  char scope[4];
  int rc = read_launch(call, &l);
  if (rc == 0)
    rc = replay(call, token_scope(call, &l, scope), &i);
  if (rc == 0)
    rc = launch(call, &l, scope, &i);
  cs_orders_done(&l.orders);
  free(l.groups);
  if (rc < 0)
    return rc;
  cs_write_reservation(out, i, call->sim_ms);
  return 0;
}
