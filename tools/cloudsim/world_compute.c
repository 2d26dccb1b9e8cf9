/* The world file's networks and what it says of instance types. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2_compute.h"

static bool is_cidr(const char *text) {
  char base[CS_CIDR_SIZE];
  struct in_addr address;
  uint64_t bits;
  const char *slash = strchr(text, '/');
  return slash && AF_COPY(base, af_str_n(text, (size_t)(slash - text))) && inet_pton(AF_INET, base, &address) == 1 &&
         af_str_to_u64(af_str(slash + 1), &bits) == 0 && bits >= 16 && bits <= 28; /* what AWS takes */
}

static int read_cidr(struct cs_reader *r, const struct af_node *n, char cidr[CS_CIDR_SIZE]) {
  if (cs_read_text(r, n, "cidr", cidr, CS_CIDR_SIZE) < 0)
    return -AF_EINVAL;
  return is_cidr(cidr) ? 0 : cs_bad(r, n, "cidr must be as 10.0.0.0/16, with /16 to /28");
}

static int load_subnet(struct cs_reader *r, struct cs_vpc *vpc, const struct af_node *n) {
  static const char *const known[] = {"id", "zone", "cidr", "default", "map_public_ip", "tags", NULL};
  char id[CS_ID_SIZE] = "", zone[CS_ZONE_SIZE] = "";
  if (af_node_type(n) != AF_NODE_MAP)
    return cs_bad(r, n, "must be a map");
  if (af_node_only(r->doc, n, known, r->err) < 0 || cs_read_id(r, n, "subnet-", id) < 0 ||
      cs_read_text(r, n, "zone", zone, sizeof zone) < 0)
    return -AF_EINVAL;
  struct cs_subnet *subnet = cs_thing_new(r->sim, CS_SUBNET, sizeof *subnet, vpc->thing.owner, vpc->thing.region, id);
  subnet->vpc = vpc;
  subnet->zone = cs_zone_find(vpc->thing.region, zone);
  if (subnet->zone < 0)
    return cs_bad(r, n, "needs a zone of %s", vpc->thing.region->name);
  AF_COPY(subnet->cidr, af_str("10.0.0.0/20"));
  if (cs_read_bool(r, n, "default", &subnet->is_default) < 0)
    return -AF_EINVAL;
  subnet->map_public_ip = subnet->is_default;
  return cs_read_bool(r, n, "map_public_ip", &subnet->map_public_ip) < 0 || read_cidr(r, n, subnet->cidr) < 0
             ? -AF_EINVAL
             : cs_load_tags(r, n, &subnet->thing.tags);
}

static int load_vpc(struct cs_reader *r, struct cs_account *account, const struct cs_region *region, const struct af_node *n) {
  static const char *const known[] = {"id", "cidr", "default", "subnets", "tags", NULL};
  const struct af_node *subnets;
  char id[CS_ID_SIZE] = "";
  if (af_node_type(n) != AF_NODE_MAP)
    return cs_bad(r, n, "must be a map");
  if (af_node_only(r->doc, n, known, r->err) < 0 || cs_read_id(r, n, "vpc-", id) < 0)
    return -AF_EINVAL;
  struct cs_vpc *vpc = cs_thing_new(r->sim, CS_VPC, sizeof *vpc, account, region, id);
  AF_COPY(vpc->cidr, af_str("10.0.0.0/16"));
  if (cs_read_bool(r, n, "default", &vpc->is_default) < 0 || read_cidr(r, n, vpc->cidr) < 0 || cs_load_tags(r, n, &vpc->thing.tags) < 0 ||
      cs_read_list(r, n, "subnets", &subnets) < 0)
    return -AF_EINVAL;
  cs_default_group_new(r->sim, vpc);
  for (size_t i = 0; i < af_node_count(subnets); i++)
    if (load_subnet(r, vpc, af_node_at(subnets, i)) < 0)
      return -AF_EINVAL;
  return 0;
}

static int load_type_zones(struct cs_reader *r, const struct af_node *types, struct cs_settings *s) {
  const struct af_node *zones;
  if (cs_read_map(r, types, "zones", &zones) < 0)
    return -AF_EINVAL;
  for (size_t i = 0; i < af_node_count(zones); i++) {
    char name[64];
    AF_COPY(name, af_node_key(zones, i));
    struct cs_type_zones *z = CS_ADD(s->type_zones, s->n_type_zones);
    *z = (struct cs_type_zones){.type = cs_strdup(name)};
    if (!cs_instance_type_find(name))
      return cs_bad(r, af_node_at(zones, i), "there is no instance type %s here", name);
    if (cs_read_strings(r, zones, name, &z->zones, &z->n_zones) < 0)
      return -AF_EINVAL;
    for (size_t k = 0; k < z->n_zones; k++)
      if (cs_zone_find(s->region, z->zones[k]) < 0)
        return cs_bad(r, af_node_at(zones, i), "there is no zone %s in %s", z->zones[k], s->region->name);
  }
  return 0;
}

static int load_types(struct cs_reader *r, struct cs_settings *s, const struct af_node *region) {
  static const char *const known[] = {"unavailable", "zones", "no_capacity", NULL};
  const struct af_node *types;
  if (cs_read_map(r, region, "instance_types", &types) < 0)
    return -AF_EINVAL;
  if (!types)
    return 0;
  return af_node_only(r->doc, types, known, r->err) < 0 ||
                 cs_read_strings(r, types, "unavailable", &s->types_unavailable, &s->n_types_unavailable) < 0 ||
                 cs_read_strings(r, types, "no_capacity", &s->no_capacity, &s->n_no_capacity) < 0 || load_type_zones(r, types, s) < 0
             ? -AF_EINVAL
             : 0;
}

int cs_world_load_compute(struct cs_reader *r, struct cs_account *account, struct cs_settings *settings, const struct af_node *region) {
  const struct af_node *vpcs;
  if (cs_read_list(r, region, "vpcs", &vpcs) < 0 || load_types(r, settings, region) < 0 ||
      cs_read_strings(r, region, "key_pairs", &settings->key_pairs, &settings->n_key_pairs) < 0)
    return -AF_EINVAL;
  settings->networks_given = vpcs != NULL;
  for (size_t i = 0; i < af_node_count(vpcs); i++)
    if (load_vpc(r, account, settings->region, af_node_at(vpcs, i)) < 0)
      return -AF_EINVAL;
  return 0;
}

void cs_world_complete_networks(struct cs_sim *sim) {
  for (size_t i = 0; i < sim->n_accounts; i++)
    for (size_t k = 0; k < sim->n_regions; k++) {
      const struct cs_settings *s = &sim->accounts[i]->settings[k];
      if (s->enabled && !s->networks_given)
        cs_default_network(sim, sim->accounts[i], s->region);
    }
}
