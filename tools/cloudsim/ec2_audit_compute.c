/* The audit of instances, volumes and security groups: what callers made of them, and what they left behind. */
#include "tools/cloudsim/ec2_compute.h"

static json_t *thing_json(const struct cs_thing *thing, const char *state, int64_t now) {
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "id", thing->id, "account", thing->owner->id, "region", thing->region->name, "state",
                   state, "creator", thing->creator, "tags", cs_tags_json(&thing->tags, now));
}

static json_t *instance_json(const struct cs_instance *i, const char *state, int64_t now) {
  json_t *o = thing_json(&i->thing, state, now);
  const struct cs_phase *phase = cs_instance_phase(i, now);
  json_object_set_new(o, "image", json_string(i->origin->id));
  json_object_set_new(o, "type", json_string(i->type->name));
  if (phase->code && phase->state != CS_PENDING)
    json_object_set_new(o, "reason", json_string(phase->message));
  return o;
}

static void note(json_t *audit, const char *made, const char *left, json_t *entry, bool open) {
  if (open)
    json_array_append(json_object_get(audit, left), entry);
  json_array_append_new(json_object_get(audit, made), entry);
}

/* A terminated instance is made, and not open; a volume or group that is deleted is gone from both. */
static void note_thing(json_t *audit, const struct cs_thing *thing, int64_t now) {
  bool lives = cs_thing_lives(thing, now);
  if (thing->kind == CS_INSTANCE) {
    const struct cs_instance *i = (const struct cs_instance *)thing;
    enum cs_instance_state state = cs_instance_state(i, now);
    note(audit, "instances", "instances_open", instance_json(i, cs_instance_states[state], now), state != CS_TERMINATED);
  } else if (thing->kind == CS_VOLUME && lives) {
    const char *state = cs_volume_state((const struct cs_volume *)thing, now);
    note(audit, "volumes", "volumes_left", thing_json(thing, state, now), af_streq(state, "available"));
  } else if (thing->kind == CS_GROUP && lives) {
    note(audit, "security_groups", "security_groups_left", thing_json(thing, "available", now), true);
  }
}

void cs_audit_things(const struct cs_sim *sim, int64_t now, json_t *audit) {
  static const char *const lists[] = {"instances", "instances_open", "volumes", "volumes_left", "security_groups", "security_groups_left"};
  const struct cs_things *all = sim->ec2->things;
  for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++)
    json_object_set_new(audit, lists[k], json_array());
  for (size_t k = 0; k < all->n; k++)
    if (all->items[k]->creator[0])
      note_thing(audit, all->items[k], now);
}
