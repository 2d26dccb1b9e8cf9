/* What an account has set in a Region, and the Regions themselves. */
#include <stdio.h>

#include "tools/cloudsim/ec2_compute.h"

int cs_may_describe(struct cs_call *call) {
  char action[100];
  snprintf(action, sizeof action, "ec2:%s", call->action);
  return cs_policy_check(call, action, "*") < 0 || cs_dry_run(call) < 0 ? -AF_EAWS : 0;
}

int cs_get_encryption_by_default(struct cs_call *call, struct af_buf *out) {
  if (cs_may_describe(call) < 0)
    return -AF_EAWS;
  bool on = cs_caller_settings(call)->ebs_encryption_by_default;
  cs_xml_bool(out, "ebsEncryptionByDefault", on);
  cs_xml_text(out, "sseType", on ? "sse-kms" : "none");
  return 0;
}

int cs_get_default_key(struct cs_call *call, struct af_buf *out) {
  if (cs_may_describe(call) < 0)
    return -AF_EAWS;
  const char *key = cs_caller_settings(call)->ebs_default_key;
  cs_xml_text(out, "kmsKeyId", key ? key : "alias/aws/ebs");
  return 0;
}

static void write_list(struct af_buf *out, const char *element, char *const *items, size_t n) {
  if (n == 0)
    return;
  cs_xml_open(out, element);
  for (size_t i = 0; i < n; i++)
    cs_xml_text(out, "item", items[i]);
  cs_xml_close(out, element);
}

int cs_get_allowed_images(struct cs_call *call, struct af_buf *out) {
  if (cs_may_describe(call) < 0)
    return -AF_EAWS;
  const struct cs_settings *s = cs_caller_settings(call);
  cs_xml_open(out, "imageCriterionSet");
  if (s->n_allowed_names + s->n_allowed_providers > 0) {
    cs_xml_open(out, "item");
    write_list(out, "imageProviderSet", s->allowed_providers, s->n_allowed_providers);
    write_list(out, "imageNameSet", s->allowed_names, s->n_allowed_names);
    cs_xml_close(out, "item");
  }
  cs_xml_close(out, "imageCriterionSet");
  cs_xml_text(out, "managedBy", s->allowed_images_managed_by);
  cs_xml_text(out, "state", s->allowed_images_state);
  return 0;
}

int cs_get_snapshot_block(struct cs_call *call, struct af_buf *out) {
  if (cs_may_describe(call) < 0)
    return -AF_EAWS;
  cs_xml_text(out, "managedBy", "account");
  cs_xml_text(out, "state", cs_caller_settings(call)->snapshot_block_public);
  return 0;
}

int cs_get_image_block(struct cs_call *call, struct af_buf *out) {
  if (cs_may_describe(call) < 0)
    return -AF_EAWS;
  cs_xml_text(out, "imageBlockPublicAccessState", cs_caller_settings(call)->image_block_public);
  cs_xml_text(out, "managedBy", "account");
  return 0;
}

/* --- Regions --- */

static bool asked_for(struct cs_call *call, const char *list, const char *name) {
  size_t n = cs_param_list(call, list);
  for (size_t i = 1; i <= n; i++)
    if (af_streq(cs_paramf(&call->params, "%s.%zu", list, i), name))
      return true;
  return n == 0;
}

static const char *opt_in_status(const struct cs_call *call, const struct cs_region *region) {
  if (!region->opt_in)
    return "opt-in-not-required";
  return cs_settings_of(call->sim, cs_caller_account(call), region->name)->enabled ? "opted-in" : "not-opted-in";
}

static void region_endpoint(const struct cs_region *region, char *out, size_t size) {
  snprintf(out, size, "ec2.%s.%s", region->name, region->dns_suffix);
}

enum { REGION_NAME, REGION_ENDPOINT, REGION_OPT_IN };

static void region_fact(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_region *region = resource;
  char endpoint[128];
  region_endpoint(region, endpoint, sizeof endpoint);
  cs_match_value(m, f->detail == REGION_NAME       ? region->name
                    : f->detail == REGION_ENDPOINT ? endpoint
                                                   : opt_in_status(call, region));
}

static const struct cs_filter region_filters[] = {
    {"endpoint", region_fact, REGION_ENDPOINT},
    {"opt-in-status", region_fact, REGION_OPT_IN},
    {"region-name", region_fact, REGION_NAME},
    {NULL},
};

static int check_region_names(struct cs_call *call) {
  size_t n = cs_param_list(call, "RegionName");
  for (size_t i = 1; i <= n; i++) {
    const char *name = cs_paramf(&call->params, "RegionName.%zu", i);
    const struct cs_region *region = cs_region_find(call->sim, name);
    if (!region || !af_streq(region->partition, call->region->partition))
      return cs_fail(call, 400, "InvalidParameterValue", "Invalid region: '%s'", name);
  }
  return 0;
}

int cs_describe_regions(struct cs_call *call, struct af_buf *out) {
  struct cs_filters filters;
  bool all = cs_param_bool(call, "AllRegions", false) == true || cs_param_list(call, "RegionName") > 0;
  if (cs_may_describe(call) < 0 || check_region_names(call) < 0 || cs_filters_read(call, region_filters, &filters) < 0)
    return -AF_EAWS;
  cs_xml_open(out, "regionInfo");
  for (size_t i = 0; i < call->sim->n_regions; i++) {
    const struct cs_region *region = &call->sim->regions[i];
    char endpoint[128];
    if (!af_streq(region->partition, call->region->partition) || !asked_for(call, "RegionName", region->name) ||
        (!all && !cs_settings_of(call->sim, cs_caller_account(call), region->name)->enabled) ||
        !cs_filters_pass(call, &filters, region))
      continue;
    region_endpoint(region, endpoint, sizeof endpoint);
    cs_xml_open(out, "item");
    cs_xml_text(out, "regionName", region->name);
    cs_xml_text(out, "regionEndpoint", endpoint);
    cs_xml_text(out, "optInStatus", opt_in_status(call, region));
    cs_xml_close(out, "item");
  }
  cs_xml_close(out, "regionInfo");
  cs_filters_done(&filters);
  return 0;
}

/* --- Availability Zones --- */

struct zone {
  char name[CS_ZONE_SIZE], id[CS_ZONE_SIZE];
};
enum { ZONE_NAME, ZONE_ID, ZONE_REGION, ZONE_STATE };

static void zone_fact(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m) {
  const struct zone *z = resource;
  cs_match_value(m, f->detail == ZONE_NAME     ? z->name
                    : f->detail == ZONE_ID     ? z->id
                    : f->detail == ZONE_REGION ? call->region->name
                                               : "available");
}

static const struct cs_filter zone_filters[] = {
    {"region-name", zone_fact, ZONE_REGION}, {"state", zone_fact, ZONE_STATE},     {"zone-id", zone_fact, ZONE_ID},
    {"zone-name", zone_fact, ZONE_NAME},     {NULL},
};

int cs_describe_zones(struct cs_call *call, struct af_buf *out) {
  struct cs_filters filters;
  if (cs_may_describe(call) < 0 || cs_filters_read(call, zone_filters, &filters) < 0)
    return -AF_EAWS;
  cs_xml_open(out, "availabilityZoneInfo");
  for (int i = 0; i < CS_ZONES; i++) {
    struct zone z;
    cs_zone_name(call->region, i, z.name);
    cs_zone_id(call->region, i, z.id);
    if (!asked_for(call, "ZoneName", z.name) || !asked_for(call, "ZoneId", z.id) || !cs_filters_pass(call, &filters, &z))
      continue;
    cs_xml_open(out, "item");
    cs_xml_text(out, "optInStatus", "opt-in-not-required");
    cs_xml_text(out, "groupName", call->region->name);
    cs_xml_text(out, "networkBorderGroup", call->region->name);
    cs_xml_text(out, "regionName", call->region->name);
    cs_xml_text(out, "zoneId", z.id);
    cs_xml_text(out, "zoneName", z.name);
    cs_xml_text(out, "zoneState", "available");
    cs_xml_text(out, "zoneType", "availability-zone");
    cs_xml_close(out, "item");
  }
  cs_xml_close(out, "availabilityZoneInfo");
  cs_filters_done(&filters);
  return 0;
}
