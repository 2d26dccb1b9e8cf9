/* What the simulation shows to those who check a client: resources beyond the world file, duplicates, open shares, what was lost,
 * orphans, peaks. Everything as it is now, not as a read would see it. */
#include <stdio.h>

#include "tools/cloudsim/ec2_compute.h"

json_t *cs_tags_json(const struct cs_tags *tags, int64_t now) {
  json_t *object = json_object();
  for (size_t i = 0; i < tags->n; i++)
    if (tags->items[i].since <= now && now < tags->items[i].until)
      json_object_set_new(object, tags->items[i].key, json_string(tags->items[i].value));
  return object;
}

static json_t *image_json(const struct cs_image *image, int64_t now) {
  return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s, s:s?, s:o}", "id", image->id, "account", image->owner->id, "region",
                   image->region->name, "state", cs_image_state(image, now), "name", image->text[CS_NAME], "creator", image->creator,
                   "reason", image->reason, "tags", cs_tags_json(&image->tags, now));
}

static json_t *snapshot_json(const struct cs_snapshot *s, int64_t now) {
  return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s, s:s?, s:s, s:o}", "id", s->id, "account", s->owner->id, "region", s->region->name,
                   "state", cs_snapshot_state(s, now), "description", s->description, "creator", s->creator, "status_message",
                   s->status_message, "kms_key", s->kms_key, "tags", cs_tags_json(&s->tags, now));
}

/* --- duplicates: live resources of one account and Region that one copy made twice, images that share a name --- */

/* What must be unique: "account Region kind value"; seen once it is remembered, seen twice it is reported. */
struct seen {
  json_t *ids; /* key -> [ids] */
};

static void note(struct seen *seen, const char *account, const char *region, const char *what, const char *value, const char *id) {
  char key[1024];
  snprintf(key, sizeof key, "%s %s %s %s", account, region, what, value);
  json_t *list = json_object_get(seen->ids, key);
  if (!list) {
    list = json_array();
    json_object_set_new(seen->ids, key, list);
  }
  json_array_append_new(list, json_string(id));
}

/* Adds the id to a key that is there. */
static void note_known(struct seen *seen, const struct cs_image *image) {
  char key[1024];
  snprintf(key, sizeof key, "%s %s image-name %s", image->owner->id, image->region->name, image->text[CS_NAME]);
  json_t *list = json_object_get(seen->ids, key);
  if (list)
    json_array_append_new(list, json_string(image->id));
}

/* One copy may make several images (a step each), and of one source one snapshot. */
static void note_image_copy(const struct cs_sim *sim, struct seen *seen, const struct cs_image *image, int64_t now) {
  const char *copy = sim->copy_tag ? cs_tags_get(&image->tags, now, sim->copy_tag) : NULL;
  const char *step = sim->step_tag ? cs_tags_get(&image->tags, now, sim->step_tag) : NULL;
  char value[600];
  snprintf(value, sizeof value, "%s %s", copy ? copy : "", step ? step : "");
  if (copy)
    note(seen, image->owner->id, image->region->name, "image-copy", value, image->id);
}

static void note_snapshot_copy(const struct cs_sim *sim, struct seen *seen, const struct cs_snapshot *s, int64_t now) {
  const char *copy = sim->copy_tag ? cs_tags_get(&s->tags, now, sim->copy_tag) : NULL;
  char value[600];
  snprintf(value, sizeof value, "%s of %s", copy ? copy : "", s->source);
  if (copy)
    note(seen, s->owner->id, s->region->name, "snapshot-copy", value, s->id);
}

/* One step of one copy launches one instance at a time: a second one while the first is there is one too many. */
static void note_instance_copy(const struct cs_sim *sim, struct seen *seen, const struct cs_instance *i, int64_t now) {
  const char *copy = sim->copy_tag ? cs_tags_get(&i->thing.tags, now, sim->copy_tag) : NULL;
  const char *step = sim->step_tag ? cs_tags_get(&i->thing.tags, now, sim->step_tag) : NULL;
  char value[600];
  snprintf(value, sizeof value, "%s %s", copy ? copy : "", step ? step : "");
  enum cs_instance_state state = cs_instance_state(i, now);
  if (copy && state != CS_SHUTTING_DOWN && state != CS_TERMINATED)
    note(seen, i->thing.owner->id, i->thing.region->name, "instance-copy", value, i->thing.id);
}

static json_t *duplicates(const struct cs_sim *sim, int64_t now) {
  struct seen seen = {json_object()};
  for (size_t i = 0; i < sim->ec2->n_images; i++) {
    const struct cs_image *image = sim->ec2->images[i];
    if (image->from_world || !cs_image_lives(image, now) || (now >= image->ready_ms && image->fate == CS_IMAGE_FAILED))
      continue;
    note(&seen, image->owner->id, image->region->name, "image-name", image->text[CS_NAME], image->id);
    note_image_copy(sim, &seen, image, now);
  }
  for (size_t i = 0; i < sim->ec2->n_images; i++)
    if (sim->ec2->images[i]->from_world && cs_image_lives(sim->ec2->images[i], now))
      note_known(&seen, sim->ec2->images[i]);
  for (size_t i = 0; i < sim->ec2->n_snapshots; i++) {
    const struct cs_snapshot *s = sim->ec2->snapshots[i];
    if (!s->from_world && cs_snapshot_lives(s, now) && !s->failed && !s->image)
      note_snapshot_copy(sim, &seen, s, now);
  }
  const struct cs_things *all = sim->ec2->things;
  for (size_t i = 0; i < all->n_of_kind[CS_INSTANCE]; i++)
    note_instance_copy(sim, &seen, (const struct cs_instance *)all->of_kind[CS_INSTANCE][i], now);
  json_t *list = json_array(), *ids;
  const char *key;
  json_object_foreach(seen.ids, key, ids) if (json_array_size(ids) > 1)
      json_array_append_new(list, json_pack("{s:s, s:O}", "what", key, "ids", ids));
  json_decref(seen.ids);
  return list;
}

/* --- permissions: what is open beyond the world file, and what the world had and has no more --- */

static void note_permissions(const char *resource, const struct cs_account *owner, const struct cs_region *region,
                             const struct cs_permissions *p, int64_t now, json_t *open, json_t *lost) {
  for (size_t i = 0; i < p->n; i++) {
    const struct cs_permission *item = &p->items[i];
    bool world = item->since == CS_EVER, holds = item->since <= now && now < item->until;
    /* What the world gave, was taken and was given again is as it was. */
    if (world == holds || (world && cs_permitted(p, now, item->kind, item->to)))
      continue;
    bool given_back = false;
    for (size_t k = 0; k < p->n && !world; k++)
      given_back = given_back || (p->items[k].since == CS_EVER && p->items[k].kind == item->kind && af_streq(p->items[k].to, item->to));
    if (given_back)
      continue;
    json_array_append_new(world ? lost : open,
                          json_pack("{s:s, s:s, s:s, s:s, s:s}", "resource", resource, "account", owner->id, "region", region->name,
                                    "kind", cs_grantee_elements[item->kind], "to", item->to));
  }
}

static void permissions(const struct cs_sim *sim, int64_t now, json_t *audit) {
  json_t *open = json_array(), *lost = json_array();
  for (size_t i = 0; i < sim->ec2->n_images; i++) {
    const struct cs_image *image = sim->ec2->images[i];
    if (cs_image_lives(image, now))
      note_permissions(image->id, image->owner, image->region, &image->permissions, now, open, lost);
  }
  for (size_t i = 0; i < sim->ec2->n_snapshots; i++) {
    const struct cs_snapshot *s = sim->ec2->snapshots[i];
    if (cs_snapshot_lives(s, now))
      note_permissions(s->id, s->owner, s->region, &s->permissions, now, open, lost);
  }
  json_object_set_new(audit, "shares_open", open);
  json_object_set_new(audit, "shares_lost", lost);
}

/* --- resources --- */

/* The ids of the snapshots that live images hold: looked up once for each snapshot, so a set. */
static json_t *held_snapshots(const struct cs_sim *sim, int64_t now) {
  json_t *held = json_object();
  for (size_t i = 0; i < sim->ec2->n_images; i++) {
    const struct cs_image *image = sim->ec2->images[i];
    for (size_t k = 0; k < image->n_mappings && cs_image_lives(image, now); k++)
      if (image->mappings[k].snapshot_id)
        json_object_set_new(held, image->mappings[k].snapshot_id, json_true());
  }
  return held;
}

static void resources(const struct cs_sim *sim, int64_t now, json_t *audit) {
  json_t *images = json_array(), *snapshots = json_array(), *orphans = json_array(), *lost = json_array(), *held = held_snapshots(sim, now);
  for (size_t i = 0; i < sim->ec2->n_images; i++) {
    const struct cs_image *image = sim->ec2->images[i];
    if (image->from_world && !cs_image_lives(image, now))
      json_array_append_new(lost, json_string(image->id));
    if (!image->from_world && cs_image_lives(image, now))
      json_array_append_new(images, image_json(image, now));
  }
  for (size_t i = 0; i < sim->ec2->n_snapshots; i++) {
    const struct cs_snapshot *s = sim->ec2->snapshots[i];
    if (s->from_world && !cs_snapshot_lives(s, now))
      json_array_append_new(lost, json_string(s->id));
    if (s->from_world || !cs_snapshot_lives(s, now))
      continue;
    json_array_append_new(snapshots, snapshot_json(s, now));
    if (!json_object_get(held, s->id))
      json_array_append_new(orphans, json_string(s->id));
  }
  json_decref(held);
  json_object_set_new(audit, "images", images);
  json_object_set_new(audit, "snapshots", snapshots);
  json_object_set_new(audit, "orphaned_snapshots", orphans);
  json_object_set_new(audit, "lost_resources", lost);
}

static json_t *peaks(const struct cs_sim *sim) {
  json_t *list = json_array();
  for (size_t i = 0; i < sim->ec2->n_usage; i++) {
    const struct cs_usage *u = &sim->ec2->usage[i];
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:I, s:I}", "account", u->account->id, "region", u->region->name,
                        "snapshot_copies_now", u->snapshot_copies, "snapshot_copies_peak", u->peak_snapshot_copies, "image_copies_now",
                        u->image_copies, "image_copies_peak", u->peak_image_copies, "snapshot_copies_started",
                        (json_int_t)u->started_snapshot_copies, "image_copies_started", (json_int_t)u->started_image_copies));
  }
  return list;
}

static json_t *hazards(const struct cs_sim *sim) {
  json_t *list = json_array();
  for (size_t i = 0; i < sim->ec2->n_hazards; i++)
    json_array_append_new(list, json_string(sim->ec2->hazards[i].text));
  return list;
}

void cs_audit_ec2(struct cs_sim *sim, int64_t sim_ms, json_t *audit) {
  cs_ec2_advance(sim, sim_ms);
  resources(sim, sim_ms, audit);
  cs_audit_things(sim, sim_ms, audit);
  permissions(sim, sim_ms, audit);
  json_object_set_new(audit, "duplicates", duplicates(sim, sim_ms));
  json_object_set_new(audit, "concurrency", peaks(sim));
  json_object_set_new(audit, "hazards", hazards(sim));
}
