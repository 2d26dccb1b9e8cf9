/* VPCs, subnets and zones: what RunInstances needs a place in. Nothing here can be made or changed by a call; the world file says what
 * there is, or else every account has in every Region what AWS gives: a default VPC, and a default subnet in each zone. */
#include <stdio.h>

#include "tools/cloudsim/ec2_compute.h"

/* --- zones --- */

void cs_zone_name(const struct cs_region *region, int zone, char name[CS_ZONE_SIZE]) {
  snprintf(name, CS_ZONE_SIZE, "%s%c", region->name, 'a' + zone);
}

void cs_zone_id(const struct cs_region *region, int zone, char id[CS_ZONE_SIZE]) {
  snprintf(id, CS_ZONE_SIZE, "%s-az%d", region->name, zone + 1);
}

int cs_zone_find(const struct cs_region *region, const char *name) {
  char text[CS_ZONE_SIZE];
  for (int i = 0; i < CS_ZONES; i++) {
    cs_zone_name(region, i, text);
    if (af_streq(text, name))
      return i;
  }
  return -1;
}

/* --- what AWS gives --- */

/* Ids of their own, by account and Region, so that a world without a word of networks draws no id for them. */
static void default_id(char id[CS_ID_SIZE], const char *prefix, const struct cs_thing *of, int zone) {
  char text[80];
  uint64_t h = 14695981039346656037u;
  snprintf(text, sizeof text, "%s%s%s%d", prefix, of->owner->id, of->region->name, zone);
  for (const char *c = text; *c; c++)
    h = (h ^ (unsigned char)*c) * 1099511628211u;
  snprintf(id, CS_ID_SIZE, "%s0%016llx", prefix, (unsigned long long)(h * 0x9e3779b97f4a7c15u));
}

struct cs_group *cs_default_group_new(struct cs_sim *sim, struct cs_vpc *vpc) {
  char id[CS_ID_SIZE];
  default_id(id, cs_kinds[CS_GROUP].prefix, &vpc->thing, 0);
  /* A second VPC's group cannot have the id of the first's. */
  struct cs_group *group =
      cs_thing_new(sim, CS_GROUP, sizeof *group, vpc->thing.owner, vpc->thing.region, cs_thing_by_id(sim, id) ? NULL : id);
  group->vpc = vpc;
  group->name = cs_strdup("default");
  group->description = cs_strdup("default VPC security group");
  cs_group_rule_add(sim, group, CS_EVER, &(struct cs_rule){.protocol = "-1", .from = -1, .to = -1, .kind = "groups"}, group->thing.id);
  cs_group_rule_add(sim, group, CS_EVER, &(struct cs_rule){.egress = true, .protocol = "-1", .from = -1, .to = -1, .kind = "ipRanges"},
                    "0.0.0.0/0");
  return group;
}

void cs_default_network(struct cs_sim *sim, struct cs_account *account, const struct cs_region *region) {
  char id[CS_ID_SIZE];
  const struct cs_thing where = {.owner = account, .region = region};
  default_id(id, cs_kinds[CS_VPC].prefix, &where, 0);
  struct cs_vpc *vpc = cs_thing_new(sim, CS_VPC, sizeof *vpc, account, region, id);
  AF_COPY(vpc->cidr, af_str("172.31.0.0/16"));
  vpc->is_default = true;
  for (int zone = 0; zone < CS_ZONES; zone++) {
    default_id(id, cs_kinds[CS_SUBNET].prefix, &where, zone);
    struct cs_subnet *subnet = cs_thing_new(sim, CS_SUBNET, sizeof *subnet, account, region, id);
    snprintf(subnet->cidr, sizeof subnet->cidr, "172.31.%d.0/20", zone * 16);
    subnet->vpc = vpc;
    subnet->zone = zone;
    subnet->is_default = subnet->map_public_ip = true;
  }
  cs_default_group_new(sim, vpc);
}

struct cs_vpc *cs_default_vpc(const struct cs_call *call) {
  const struct cs_things *all = call->sim->ec2->things;
  for (size_t i = 0; i < all->n_of_kind[CS_VPC]; i++) {
    struct cs_vpc *vpc = (struct cs_vpc *)all->of_kind[CS_VPC][i];
    if (vpc->is_default && cs_thing_shown(call, &vpc->thing))
      return vpc;
  }
  return NULL;
}

struct cs_group *cs_default_group(const struct cs_sim *sim, const struct cs_vpc *vpc) {
  const struct cs_things *all = sim->ec2->things;
  for (size_t i = 0; i < all->n_of_kind[CS_GROUP]; i++) {
    struct cs_group *group = (struct cs_group *)all->of_kind[CS_GROUP][i];
    if (group->vpc == vpc && af_streq(group->name, "default"))
      return group;
  }
  return NULL;
}

/* --- DescribeVpcs --- */

static void write_vpc(const struct cs_call *call, struct af_buf *out, const void *thing) {
  const struct cs_vpc *vpc = thing;
  char association[CS_ID_SIZE + 16];
  snprintf(association, sizeof association, "vpc-cidr-assoc-%s", vpc->thing.id + strlen("vpc-"));
  cs_xml_open(out, "item");
  cs_xml_text(out, "vpcId", vpc->thing.id);
  cs_xml_text(out, "ownerId", vpc->thing.owner->id);
  cs_xml_text(out, "state", "available");
  cs_xml_text(out, "cidrBlock", vpc->cidr);
  cs_xml_open(out, "cidrBlockAssociationSet");
  cs_xml_open(out, "item");
  cs_xml_text(out, "associationId", association);
  cs_xml_text(out, "cidrBlock", vpc->cidr);
  cs_xml_open(out, "cidrBlockState");
  cs_xml_text(out, "state", "associated");
  cs_xml_close(out, "cidrBlockState");
  cs_xml_close(out, "item");
  cs_xml_close(out, "cidrBlockAssociationSet");
  cs_xml_text(out, "dhcpOptionsId", "default");
  cs_xml_text(out, "instanceTenancy", "default");
  cs_xml_bool(out, "isDefault", vpc->is_default);
  cs_xml_tags(out, &vpc->thing.tags, call->view_ms, true);
  cs_xml_close(out, "item");
}

enum { VPC_ID, VPC_DEFAULT, VPC_STATE, VPC_CIDR, VPC_OWNER };

static void vpc_fact(const struct cs_call *call, const void *thing, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_vpc *vpc = thing;
  (void)call;
  switch (f->detail) {
    case VPC_ID: cs_match_value(m, vpc->thing.id); break;
    case VPC_DEFAULT: cs_match_bool(m, vpc->is_default); break;
    case VPC_STATE: cs_match_value(m, "available"); break;
    case VPC_CIDR: cs_match_value(m, vpc->cidr); break;
    case VPC_OWNER: cs_match_value(m, vpc->thing.owner->id); break;
  }
}

static const struct cs_filter vpc_filters[] = {
    {"cidr", vpc_fact, VPC_CIDR},         {"cidr-block-association.cidr-block", vpc_fact, VPC_CIDR},
    {"is-default", vpc_fact, VPC_DEFAULT}, {"owner-id", vpc_fact, VPC_OWNER},
    {"state", vpc_fact, VPC_STATE},       {"tag:", cs_match_thing_tag, false},
    {"tag-key", cs_match_thing_tag, true}, {"vpc-id", vpc_fact, VPC_ID},
    {NULL},
};

int cs_describe_vpcs(struct cs_call *call, struct af_buf *out) {
  static const struct cs_listing listing = {"vpcSet", "VpcId", CS_VPC, vpc_filters, write_vpc};
  return cs_list_things(call, out, &listing);
}

/* --- DescribeSubnets --- */

/* AWS keeps five addresses of each subnet. */
static int64_t free_addresses(const struct cs_subnet *subnet) {
  const char *slash = strchr(subnet->cidr, '/');
  uint64_t bits = 20;
  if (slash)
    (void)af_str_to_u64(af_str(slash + 1), &bits);
  return ((int64_t)1 << (32 - bits)) - 5 - (int64_t)subnet->handed_out;
}

static void write_subnet(const struct cs_call *call, struct af_buf *out, const void *thing) {
  const struct cs_subnet *subnet = thing;
  char zone[CS_ZONE_SIZE], zone_id[CS_ZONE_SIZE], arn[200];
  cs_zone_name(call->region, subnet->zone, zone);
  cs_zone_id(call->region, subnet->zone, zone_id);
  cs_call_arn(call, "subnet", subnet->thing.id, arn, sizeof arn);
  cs_xml_open(out, "item");
  cs_xml_text(out, "subnetId", subnet->thing.id);
  cs_xml_text(out, "subnetArn", arn);
  cs_xml_text(out, "state", "available");
  cs_xml_text(out, "ownerId", subnet->thing.owner->id);
  cs_xml_text(out, "vpcId", subnet->vpc->thing.id);
  cs_xml_text(out, "cidrBlock", subnet->cidr);
  cs_xml_int(out, "availableIpAddressCount", free_addresses(subnet));
  cs_xml_text(out, "availabilityZone", zone);
  cs_xml_text(out, "availabilityZoneId", zone_id);
  cs_xml_bool(out, "defaultForAz", subnet->is_default);
  cs_xml_bool(out, "mapPublicIpOnLaunch", subnet->map_public_ip);
  cs_xml_bool(out, "assignIpv6AddressOnCreation", false);
  cs_xml_tags(out, &subnet->thing.tags, call->view_ms, true);
  cs_xml_close(out, "item");
}

enum { SUBNET_ID, SUBNET_VPC, SUBNET_ZONE, SUBNET_ZONE_ID, SUBNET_DEFAULT, SUBNET_STATE, SUBNET_CIDR, SUBNET_OWNER, SUBNET_MAP };

static void subnet_fact(const struct cs_call *call, const void *thing, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_subnet *subnet = thing;
  char zone[CS_ZONE_SIZE];
  switch (f->detail) {
    case SUBNET_ID: cs_match_value(m, subnet->thing.id); break;
    case SUBNET_VPC: cs_match_value(m, subnet->vpc->thing.id); break;
    case SUBNET_ZONE:
      cs_zone_name(call->region, subnet->zone, zone);
      cs_match_value(m, zone);
      break;
    case SUBNET_ZONE_ID:
      cs_zone_id(call->region, subnet->zone, zone);
      cs_match_value(m, zone);
      break;
    case SUBNET_DEFAULT: cs_match_bool(m, subnet->is_default); break;
    case SUBNET_STATE: cs_match_value(m, "available"); break;
    case SUBNET_CIDR: cs_match_value(m, subnet->cidr); break;
    case SUBNET_OWNER: cs_match_value(m, subnet->thing.owner->id); break;
    case SUBNET_MAP: cs_match_bool(m, subnet->map_public_ip); break;
  }
}

static const struct cs_filter subnet_filters[] = {
    {"availability-zone", subnet_fact, SUBNET_ZONE},
    {"availability-zone-id", subnet_fact, SUBNET_ZONE_ID},
    {"cidr-block", subnet_fact, SUBNET_CIDR},
    {"default-for-az", subnet_fact, SUBNET_DEFAULT},
    {"map-public-ip-on-launch", subnet_fact, SUBNET_MAP},
    {"owner-id", subnet_fact, SUBNET_OWNER},
    {"state", subnet_fact, SUBNET_STATE},
    {"subnet-id", subnet_fact, SUBNET_ID},
    {"tag:", cs_match_thing_tag, false},
    {"tag-key", cs_match_thing_tag, true},
    {"vpc-id", subnet_fact, SUBNET_VPC},
    {NULL},
};

int cs_describe_subnets(struct cs_call *call, struct af_buf *out) {
  static const struct cs_listing listing = {"subnetSet", "SubnetId", CS_SUBNET, subnet_filters, write_subnet};
  return cs_list_things(call, out, &listing);
}
