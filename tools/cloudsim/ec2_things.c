/* The tables of things (ec2_compute.h): making, finding, who sees them, and the frame that all their Describe calls share. A thing
 * stays in its table when AWS has forgotten it; ids are never given twice. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2_compute.h"

static void group_done(struct cs_thing *thing) {
  struct cs_group *group = (struct cs_group *)thing;
  free(group->name);
  free(group->description);
  free(group->rules);
}

static void instance_done(struct cs_thing *thing) {
  struct cs_instance *i = (struct cs_instance *)thing;
  for (size_t k = 0; k < i->n_devices; k++)
    cs_mapping_done(&i->devices[k].mapping);
  cs_image_free(i->origin);
  free(i->devices);
  free(i->phases);
  free(i->token);
  free(i->key_name);
}

static void volume_done(struct cs_thing *thing) {
  free(((struct cs_volume *)thing)->type);
  free(((struct cs_volume *)thing)->device);
}

static void interface_done(struct cs_thing *thing) {
  free(((struct cs_interface *)thing)->groups);
}

const struct cs_kind cs_kinds[CS_THING_MAX_] = {
    [CS_VPC] = {"vpc-", "vpc", "vpc ID", "InvalidVpcID.Malformed", "InvalidVpcID.NotFound", NULL},
    [CS_SUBNET] = {"subnet-", "subnet", "subnet ID", "InvalidSubnetID.Malformed", "InvalidSubnetID.NotFound", NULL},
    [CS_GROUP] = {"sg-", "security-group", "security group", "InvalidGroupId.Malformed", "InvalidGroup.NotFound", group_done},
    [CS_INTERFACE] = {"eni-", "network-interface", "networkInterface ID", "InvalidNetworkInterfaceId.Malformed",
                      "InvalidNetworkInterfaceID.NotFound", interface_done},
    [CS_INSTANCE] = {"i-", "instance", "instance ID", "InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound", instance_done},
    [CS_VOLUME] = {"vol-", "volume", "volume", "InvalidVolumeID.Malformed", "InvalidVolume.NotFound", volume_done},
};

/* --- making --- */

static const char *id_at(const struct cs_ec2 *ec2, size_t i) {
  return ec2->things->items[i]->id;
}

void *cs_thing_new(struct cs_sim *sim, enum cs_thing_kind kind, size_t size, struct cs_account *owner, const struct cs_region *region,
                   const char *id) {
  struct cs_things *all = sim->ec2->things;
  struct cs_thing *thing = cs_new(size);
  thing->kind = kind;
  if (id)
    AF_COPY(thing->id, af_str(id));
  else
    cs_new_id(sim, cs_kinds[kind].prefix, thing->id);
  thing->owner = owner;
  thing->region = region;
  thing->created_ms = CS_EVER;
  thing->gone_ms = CS_NEVER;
  cs_index_add(&all->by_id, thing->id, all->n, id_at, sim->ec2);
  *CS_ADD(all->items, all->n) = thing;
  *CS_ADD(all->of_kind[kind], all->n_of_kind[kind]) = thing;
  return thing;
}

void cs_thing_made(const struct cs_call *call, struct cs_thing *thing) {
  thing->created_ms = call->sim_ms;
  AF_COPY(thing->creator, af_str(call->caller.arn));
}

struct cs_thing *cs_thing_by_id(const struct cs_sim *sim, const char *id) {
  size_t at = id ? cs_index_find(&sim->ec2->things->by_id, id, id_at, sim->ec2) : SIZE_MAX;
  return at == SIZE_MAX ? NULL : sim->ec2->things->items[at];
}

void cs_things_free(struct cs_things *things) {
  if (!things)
    return;
  for (size_t i = 0; i < things->n; i++) {
    struct cs_thing *thing = things->items[i];
    if (cs_kinds[thing->kind].done)
      cs_kinds[thing->kind].done(thing);
    cs_tags_done(&thing->tags);
    free(thing);
  }
  for (int kind = 0; kind < CS_THING_MAX_; kind++)
    free(things->of_kind[kind]);
  free(things->items);
  free(things->by_id.slots);
  free(things->moving);
  free(things);
}

/* --- who sees what --- */

bool cs_thing_lives(const struct cs_thing *thing, int64_t at) {
  return thing->created_ms <= at && at < thing->gone_ms;
}

bool cs_thing_shown(const struct cs_call *call, const struct cs_thing *thing) {
  return thing && thing->region == call->region && af_streq(thing->owner->id, call->caller.account) && cs_thing_lives(thing, call->view_ms);
}

static struct cs_thing *find(struct cs_call *call, enum cs_thing_kind kind, const char *id) {
  const struct cs_kind *k = &cs_kinds[kind];
  if (cs_check_id(call, id, k->prefix, k->malformed) < 0)
    return NULL;
  struct cs_thing *thing = cs_thing_by_id(call->sim, id);
  if (cs_thing_shown(call, thing))
    return thing;
  cs_fail(call, 400, k->not_found, "The %s '%s' does not exist", k->noun, id);
  return NULL;
}

void *cs_own_thing(struct cs_call *call, enum cs_thing_kind kind, const char *id) {
  struct cs_thing *thing = find(call, kind, id);
  if (!thing || cs_thing_lives(thing, call->sim_ms))
    return thing;
  cs_fail(call, 400, cs_kinds[kind].not_found, "The %s '%s' does not exist", cs_kinds[kind].noun, id);
  return NULL;
}

int cs_may(struct cs_call *call, const char *action, const char *type, const char *id) {
  char arn[200];
  cs_call_arn(call, type, id, arn, sizeof arn);
  return cs_policy_check(call, action, arn);
}

/* --- Describe calls --- */

void cs_match_thing_tag(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_thing *thing = resource;
  if (f->detail)
    cs_match_tag_keys(m, &thing->tags, call->view_ms);
  else
    cs_match_tags(m, &thing->tags, call->view_ms);
}

static int check_ids(struct cs_call *call, const struct cs_listing *l, size_t n) {
  for (size_t i = 1; i <= n; i++)
    if (!find(call, l->kind, cs_paramf(&call->params, "%s.%zu", l->ids, i)))
      return -AF_EAWS;
  return 0;
}

int cs_list_things(struct cs_call *call, struct af_buf *out, const struct cs_listing *l) {
  const struct cs_things *all = call->sim->ec2->things;
  size_t n_ids = cs_param_list(call, l->ids), end = n_ids > 0 ? n_ids : all->n_of_kind[l->kind], next = SIZE_MAX;
  struct cs_filters filters;
  struct cs_page page;
  if (cs_may_describe(call) < 0 || cs_page_begin(call, l->ids, 5, &page) < 0 || check_ids(call, l, n_ids) < 0 ||
      cs_filters_read(call, l->filters, &filters) < 0)
    return -AF_EAWS;
  cs_xml_open(out, l->set);
  for (size_t i = page.start; i < end && next == SIZE_MAX; i++) {
    const struct cs_thing *thing =
        n_ids > 0 ? cs_thing_by_id(call->sim, cs_paramf(&call->params, "%s.%zu", l->ids, i + 1)) : all->of_kind[l->kind][i];
    if (!cs_thing_shown(call, thing) || (l->wanted && !l->wanted(call, thing)) || !cs_filters_pass(call, &filters, thing))
      continue;
    if (page.left == 0) {
      next = i;
    } else {
      page.left--;
      l->write(call, out, thing);
    }
  }
  cs_xml_close(out, l->set);
  if (next != SIZE_MAX)
    cs_page_end(call, out, next);
  cs_filters_done(&filters);
  return 0;
}
