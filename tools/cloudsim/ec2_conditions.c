/* What conditions of policies ask of the resource that an ARN names: its tags and what it is, as of now. A resource that the call is
 * yet to make has none of it. */
#include <strings.h>

#include "tools/cloudsim/ec2_compute.h"

static const int64_t latest_ms = CS_NEVER - 1; /* what holds then holds now: nothing is told to end in the future */

struct named {
  const struct cs_image *image;
  const struct cs_snapshot *snapshot;
  const struct cs_thing *thing;
};

static struct named resource_of(const struct cs_sim *sim, const char *arn) {
  const char *slash = arn ? strrchr(arn, '/') : NULL;
  if (!slash)
    return (struct named){0};
  return (struct named){cs_image_by_id(sim, slash + 1), cs_snapshot_by_id(sim, slash + 1), cs_thing_by_id(sim, slash + 1)};
}

const char *cs_ec2_resource_tag(const struct cs_sim *sim, const char *arn, const char *key) {
  struct named r = resource_of(sim, arn);
  const struct cs_tags *tags = r.image ? &r.image->tags : r.snapshot ? &r.snapshot->tags : r.thing ? &r.thing->tags : NULL;
  return tags ? cs_tags_get(tags, latest_ms, key) : NULL;
}

static const char *truth(bool value) {
  return value ? "true" : "false";
}

static const char *owner(const struct named *r) {
  const struct cs_account *account = r->image ? r->image->owner : r->snapshot ? r->snapshot->owner : NULL;
  return !account ? NULL : account->alias ? account->alias : account->id;
}

static const char *public(const struct named *r) {
  return r->image ? truth(cs_permissions_public(&r->image->permissions, latest_ms)) : NULL;
}

static const char *image_id(const struct named *r) {
  return r->image ? r->image->id : NULL;
}

static const char *root_device_type(const struct named *r) {
  return r->image ? r->image->text[CS_ROOT_TYPE] : NULL;
}

static const char *snapshot_id(const struct named *r) {
  return r->snapshot ? r->snapshot->id : NULL;
}

static const char *encrypted(const struct named *r) {
  if (r->snapshot)
    return truth(r->snapshot->encrypted);
  return r->thing && r->thing->kind == CS_VOLUME ? truth(((const struct cs_volume *)r->thing)->encrypted) : NULL;
}

const char *cs_ec2_resource_fact(const struct cs_sim *sim, const char *arn, const char *key) {
  static const struct {
    const char *key;
    const char *(*of)(const struct named *r);
  } facts[] = {
      {"ec2:Encrypted", encrypted}, {"ec2:ImageID", image_id},
      {"ec2:Owner", owner},         {"ec2:Public", public},
      {"ec2:RootDeviceType", root_device_type}, {"ec2:SnapshotID", snapshot_id},
  };
  for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
    if (strcasecmp(facts[i].key, key) == 0) { /* names of keys are in any case */
      struct named r = resource_of(sim, arn);
      return facts[i].of(&r);
    }
  return NULL;
}
