/* Is there room for an instance: in the account's quota of vCPUs, and in the zone (rules.md 6.4)? Asked at every launch and start. */
#include <stdio.h>

#include "tools/cloudsim/ec2_compute.h"

/* no_capacity of the world file: "m5.large", or "m5.large/eu-west-1a". */
bool cs_has_capacity(const struct cs_settings *s, const struct cs_instance_type *type, int zone) {
  char name[CS_ZONE_SIZE], text[160];
  cs_zone_name(s->region, zone, name);
  snprintf(text, sizeof text, "%s/%s", type->name, name);
  for (size_t i = 0; i < s->n_no_capacity; i++)
    if (af_streq(s->no_capacity[i], type->name) || af_streq(s->no_capacity[i], text))
      return false;
  return true;
}

static int no_capacity(struct cs_call *call, const struct cs_instance_type *type, int zone) {
  const struct cs_settings *s = cs_caller_settings(call);
  char name[CS_ZONE_SIZE], others[CS_ZONES * (CS_ZONE_SIZE + 2)] = "";
  for (int z = 0; z < CS_ZONES; z++) {
    if (!cs_type_offered(s, type, z) || !cs_has_capacity(s, type, z))
      continue;
    size_t used = strlen(others);
    cs_zone_name(call->region, z, name);
    snprintf(others + used, sizeof others - used, "%s%s", used > 0 ? ", " : "", name);
  }
  cs_zone_name(call->region, zone, name);
  if (!others[0])
    return cs_fail(call, 500, "InsufficientInstanceCapacity",
                   "We currently do not have sufficient %s capacity in the Availability Zone you requested (%s). Our system will be working on "
                   "provisioning additional capacity.",
                   type->name, name);
  return cs_fail(call, 500, "InsufficientInstanceCapacity",
                 "We currently do not have sufficient %s capacity in the Availability Zone you requested (%s). Our system will be working on "
                 "provisioning additional capacity. You can currently get %s capacity by not specifying an Availability Zone in your request or "
                 "choosing %s.",
                 type->name, name, type->name, others);
}

static int64_t vcpus_in_use(struct cs_call *call) {
  const struct cs_things *all = call->sim->ec2->things;
  int64_t n = 0;
  for (size_t k = 0; k < all->n_of_kind[CS_INSTANCE]; k++) {
    const struct cs_instance *i = (const struct cs_instance *)all->of_kind[CS_INSTANCE][k];
    enum cs_instance_state state = cs_instance_state(i, call->sim_ms);
    if (i->thing.region == call->region && af_streq(i->thing.owner->id, call->caller.account) &&
        (state == CS_PENDING || state == CS_RUNNING))
      n += i->type->vcpus;
  }
  return n;
}

int cs_check_capacity(struct cs_call *call, const struct cs_instance_type *type, int zone) {
  int most = call->sim->quota.vcpus;
  if (most > 0 && vcpus_in_use(call) + type->vcpus > most)
    return cs_fail(call, 400, "VcpuLimitExceeded",
                   "You have requested more vCPU capacity than your current vCPU limit of %d allows for the instance bucket that the specified "
                   "instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
                   most);
  return cs_has_capacity(cs_caller_settings(call), type, zone) ? 0 : no_capacity(call, type, zone);
}
