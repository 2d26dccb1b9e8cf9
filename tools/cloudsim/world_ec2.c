/* The world file's images and snapshots. What the file leaves out has the value of a plain Linux image of today. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2_compute.h"

static const int64_t month_ms = (int64_t)30 * 24 * 3600 * 1000;

/* --- what both have --- */

int cs_load_tags(struct cs_reader *r, const struct af_node *n, struct cs_tags *tags) {
  struct cs_tag *list = NULL;
  size_t count = 0;
  int rc = cs_read_tags(r, n, "tags", &list, &count);
  for (size_t i = 0; i < count; i++) {
    cs_tags_set(tags, CS_EVER, list[i].key, list[i].value);
    free(list[i].key);
    free(list[i].value);
  }
  free(list);
  return rc;
}

static enum cs_grantee grantee_of(const char *to) {
  if (af_streq(to, "all"))
    return CS_TO_GROUP;
  if (strncmp(to, "arn:", 4) != 0)
    return CS_TO_USER;
  return strstr(to, ":ou/") ? CS_TO_UNIT : CS_TO_ORGANIZATION;
}

/* Account ids, all, ARNs of organizations and units. */
static int load_permissions(struct cs_reader *r, const struct af_node *n, const char *key, struct cs_permissions *p) {
  char **list = NULL;
  size_t count = 0;
  int rc = cs_read_strings(r, n, key, &list, &count);
  for (size_t i = 0; i < count; i++) {
    cs_permit(p, CS_EVER, grantee_of(list[i]), list[i]);
    free(list[i]);
  }
  free(list);
  return rc;
}

static int load_codes(struct cs_reader *r, const struct af_node *n, struct cs_product_code **codes, size_t *count) {
  static const char *const known[] = {"code", "type", NULL};
  const struct af_node *list;
  if (cs_read_list(r, n, "product_codes", &list) < 0)
    return -AF_EINVAL;
  for (size_t i = 0; i < af_node_count(list); i++) {
    struct cs_product_code *c = CS_ADD(*codes, *count);
    *c = (struct cs_product_code){0};
    if (af_node_only(r->doc, af_node_at(list, i), known, r->err) < 0 || cs_read_string(r, af_node_at(list, i), "code", &c->code) < 0 ||
        cs_read_string(r, af_node_at(list, i), "type", &c->type) < 0)
      return -AF_EINVAL;
    if (!c->type)
      c->type = cs_strdup("marketplace");
    if (!c->code)
      return cs_bad(r, af_node_at(list, i), "needs a code");
  }
  return 0;
}

int cs_read_id(struct cs_reader *r, const struct af_node *n, const char *prefix, char id[CS_ID_SIZE]) {
  if (cs_read_text(r, n, "id", id, CS_ID_SIZE) < 0)
    return -AF_EINVAL;
  size_t skip = strlen(prefix), digits = strncmp(id, prefix, skip) == 0 ? strspn(id + skip, "0123456789abcdef") : 0;
  if ((digits != 8 && digits != 17) || strlen(id) != skip + digits)
    return cs_bad(r, n, "needs an id: %s and 8 or 17 hexadecimal digits", prefix);
  if (cs_image_by_id(r->sim, id) || cs_snapshot_by_id(r->sim, id) || cs_thing_by_id(r->sim, id))
    return cs_bad(r, n, "%s is there already", id);
  return 0;
}

/* --- snapshots --- */

static int load_snapshot_key(struct cs_reader *r, const struct af_node *n, struct cs_snapshot *s) {
  char *text = NULL;
  bool encrypted = false;
  if (cs_read_string(r, n, "kms_key", &text) < 0 || cs_read_bool(r, n, "encrypted", &encrypted) < 0) {
    free(text);
    return -AF_EINVAL;
  }
  s->encrypted = encrypted || text;
  const struct cs_key *key = NULL;
  if (s->encrypted)
    key = text ? cs_kms_key_find(r->sim, s->region->name, s->owner->id, text)
               : cs_kms_default_ebs_key(r->sim, s->owner->id, s->region->name);
  int rc = s->encrypted && !key ? cs_bad(r, n, "there is no key %s in %s", text ? text : "alias/aws/ebs", s->region->name) : 0;
  if (key) {
    AF_COPY(s->kms_key, af_str(key->arn));
    cs_set_data_key(s);
  }
  free(text);
  return rc;
}

static int load_snapshot_state(struct cs_reader *r, const struct af_node *n, struct cs_snapshot *s) {
  char state[16] = "completed", start[40] = "";
  if (cs_read_text(r, n, "state", state, sizeof state) < 0 || cs_read_text(r, n, "start_time", start, sizeof start) < 0)
    return -AF_EINVAL;
  s->start_ms = r->sim->start_ms - month_ms;
  if (start[0] && af_time_parse(af_str(start), &s->start_ms) < 0)
    return cs_bad(r, n, "start_time is no ISO 8601 time");
  s->ready_ms = af_streq(state, "pending") ? CS_NEVER : CS_EVER; /* a pending one stays so */
  s->failed = af_streq(state, "error");
  if (!af_streq(state, "pending") && !af_streq(state, "error") && !af_streq(state, "completed"))
    return cs_bad(r, n, "state is pending, completed or error");
  return 0;
}

static int load_snapshot(struct cs_reader *r, struct cs_account *account, struct cs_settings *settings, const struct af_node *n) {
  static const char *const known[] = {"id", "size", "full_size", "encrypted", "kms_key", "description", "state", "status_message",
                                      "start_time", "storage_tier", "volume_id", "create_volume_permissions", "product_codes",
                                      "platform_details", "usage_operation", "tags", "lineage", "locked", NULL};
  char id[CS_ID_SIZE] = "";
  if (af_node_type(n) != AF_NODE_MAP)
    return cs_bad(r, n, "must be a map");
  if (af_node_only(r->doc, n, known, r->err) < 0 || cs_read_id(r, n, "snap-", id) < 0)
    return -AF_EINVAL;
  struct cs_snapshot *s = cs_snapshot_new(r->sim, account, settings->region, id);
  s->from_world = true;
  s->volume_size_gib = 8;
  s->full_size = -1;
  s->storage_tier = cs_strdup("standard");
  snprintf(s->volume_id, sizeof s->volume_id, "vol-%s", id + strlen("snap-"));
  if (cs_read_int(r, n, "size", 1, 65536, &s->volume_size_gib) < 0 ||
      cs_read_int(r, n, "full_size", 0, (int64_t)1 << 50, &s->full_size) < 0 ||
      cs_read_string(r, n, "description", &s->description) < 0 || cs_read_string(r, n, "status_message", &s->status_message) < 0 ||
      cs_read_string(r, n, "storage_tier", &s->storage_tier) < 0 ||
      cs_read_text(r, n, "volume_id", s->volume_id, sizeof s->volume_id) < 0 ||
      cs_read_text(r, n, "lineage", s->lineage, sizeof s->lineage) < 0 || cs_read_bool(r, n, "locked", &s->locked) < 0 ||
      cs_read_string(r, n, "platform_details", &s->platform_details) < 0 ||
      cs_read_string(r, n, "usage_operation", &s->usage_operation) < 0 ||
      load_permissions(r, n, "create_volume_permissions", &s->permissions) < 0 ||
      load_codes(r, n, &s->codes, &s->n_codes) < 0 || cs_load_tags(r, n, &s->tags) < 0)
    return -AF_EINVAL;
  return load_snapshot_state(r, n, s) < 0 ? -AF_EINVAL : load_snapshot_key(r, n, s);
}

int cs_world_load_snapshots(struct cs_reader *r, struct cs_account *account, struct cs_settings *settings, const struct af_node *region) {
  const struct af_node *list;
  if (cs_read_list(r, region, "snapshots", &list) < 0)
    return -AF_EINVAL;
  for (size_t i = 0; i < af_node_count(list); i++)
    if (load_snapshot(r, account, settings, af_node_at(list, i)) < 0)
      return -AF_EINVAL;
  return 0;
}

/* --- images --- */

static int load_mapping(struct cs_reader *r, struct cs_image *image, const struct af_node *n) {
  static const char *const known[] = {"device", "snapshot", "volume_type", "volume_size", "iops", "throughput", "delete_on_termination",
                                      "encrypted", "virtual_name", "no_device", NULL};
  if (af_node_type(n) != AF_NODE_MAP)
    return cs_bad(r, n, "must be a map");
  struct cs_mapping *m = CS_ADD(image->mappings, image->n_mappings);
  *m = (struct cs_mapping){.volume_size = -1, .iops = -1, .throughput = -1, .delete_on_termination = true};
  if (af_node_only(r->doc, n, known, r->err) < 0 || cs_read_string(r, n, "device", &m->device) < 0 ||
      cs_read_string(r, n, "snapshot", &m->snapshot_id) < 0 || cs_read_string(r, n, "volume_type", &m->volume_type) < 0 ||
      cs_read_int(r, n, "volume_size", 1, 65536, &m->volume_size) < 0 || cs_read_int(r, n, "iops", 0, 1000000, &m->iops) < 0 ||
      cs_read_int(r, n, "throughput", 0, 10000, &m->throughput) < 0 ||
      cs_read_bool(r, n, "delete_on_termination", &m->delete_on_termination) < 0 ||
      cs_read_bool(r, n, "encrypted", &m->encrypted) < 0 || cs_read_string(r, n, "virtual_name", &m->virtual_name) < 0 ||
      cs_read_bool(r, n, "no_device", &m->no_device) < 0)
    return -AF_EINVAL;
  if (!m->device)
    return cs_bad(r, n, "needs a device");
  m->ebs = !m->virtual_name && !m->no_device;
  const struct cs_snapshot *s = cs_snapshot_by_id(r->sim, m->snapshot_id);
  if (m->snapshot_id && (!s || s->region != image->region))
    return cs_bad(r, n, "there is no snapshot %s in %s", m->snapshot_id, image->region->name);
  if (m->ebs && !m->volume_type)
    m->volume_type = cs_strdup("gp3");
  if (s) {
    m->encrypted = s->encrypted;
    m->volume_size = m->volume_size < 0 ? s->volume_size_gib : m->volume_size;
  }
  return 0;
}

static int load_mappings(struct cs_reader *r, const struct af_node *n, struct cs_image *image) {
  const struct af_node *list;
  if (cs_read_list(r, n, "mappings", &list) < 0)
    return -AF_EINVAL;
  for (size_t i = 0; i < af_node_count(list); i++)
    if (load_mapping(r, image, af_node_at(list, i)) < 0)
      return -AF_EINVAL;
  return 0;
}

static int load_watermarks(struct cs_reader *r, const struct af_node *n, struct cs_image *image) {
  static const char *const known[] = {"key", "source_image_id", "source_image_region", "created", "source_created", NULL};
  const struct af_node *list;
  if (cs_read_list(r, n, "watermarks", &list) < 0)
    return -AF_EINVAL;
  for (size_t i = 0; i < af_node_count(list); i++) {
    const struct af_node *item = af_node_at(list, i);
    struct cs_watermark *w = CS_ADD(image->watermarks, image->n_watermarks);
    *w = (struct cs_watermark){0};
    if (af_node_only(r->doc, item, known, r->err) < 0 || cs_read_string(r, item, "key", &w->key) < 0 ||
        cs_read_string(r, item, "source_image_id", &w->source_image) < 0 ||
        cs_read_string(r, item, "source_image_region", &w->source_region) < 0 || cs_read_string(r, item, "created", &w->created) < 0 ||
        cs_read_string(r, item, "source_created", &w->source_created) < 0)
      return -AF_EINVAL;
  }
  return image->n_watermarks <= 5 ? 0 : cs_bad(r, list, "an image has at most 5 watermarks"); /* rules.md 1.2 */
}

static void set_default(struct cs_image *image, enum cs_attribute which, const char *value) {
  if (!image->text[which])
    cs_set(&image->text[which], value);
}

static void complete_image(struct cs_image *image, int64_t start_ms) {
  char location[256], created[AF_TIME_SIZE];
  bool pv = af_streq(image->text[CS_VIRTUALIZATION], "paravirtual");
  snprintf(location, sizeof location, "%s/%s", image->owner->id, image->text[CS_NAME]);
  af_time_iso(start_ms - month_ms, created);
  set_default(image, CS_ARCHITECTURE, "x86_64");
  set_default(image, CS_TYPE, "machine");
  set_default(image, CS_PLATFORM_DETAILS, "Linux/UNIX");
  set_default(image, CS_USAGE_OPERATION, "RunInstances");
  set_default(image, CS_LOCATION, location);
  set_default(image, CS_ROOT_TYPE, "ebs");
  set_default(image, CS_ROOT_NAME, image->n_mappings > 0 ? image->mappings[0].device : "/dev/xvda");
  set_default(image, CS_VIRTUALIZATION, "hvm");
  set_default(image, CS_HYPERVISOR, "xen");
  set_default(image, CS_CREATION_DATE, created);
  set_default(image, CS_ALIAS, image->owner->alias);
  if (!pv)
    set_default(image, CS_ENA, "true");
  if (af_streq(image->text[CS_ENA], "false"))
    cs_set(&image->text[CS_ENA], NULL);
}

/* The billing metadata of an image lies in its root snapshot, unless the file says otherwise there (rules.md 2.4). */
static void give_billing(struct cs_sim *sim, const struct cs_image *image) {
  const struct cs_mapping *root = cs_root_mapping(image);
  struct cs_snapshot *s = root ? cs_snapshot_by_id(sim, root->snapshot_id) : NULL;
  if (!s || s->platform_details || s->usage_operation)
    return;
  cs_set(&s->platform_details, image->text[CS_PLATFORM_DETAILS]);
  cs_set(&s->usage_operation, image->text[CS_USAGE_OPERATION]);
}

static int load_image_state(struct cs_reader *r, const struct af_node *n, struct cs_image *image) {
  static const struct {
    const char *name;
    enum cs_image_fate fate;
  } states[] = {
      {"available", CS_IMAGE_AVAILABLE}, {"failed", CS_IMAGE_FAILED}, {"disabled", CS_IMAGE_DISABLED}, {"invalid", CS_IMAGE_INVALID}};
  char state[16] = "available";
  if (cs_read_text(r, n, "state", state, sizeof state) < 0)
    return -AF_EINVAL;
  image->ready_ms = af_streq(state, "pending") ? CS_NEVER : CS_EVER; /* a pending one stays so */
  for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
    if (af_streq(states[i].name, state)) {
      image->fate = states[i].fate;
      return 0;
    }
  return af_streq(state, "pending") ? 0 : cs_bad(r, n, "there is no image state %s", state);
}

static int load_image(struct cs_reader *r, struct cs_account *account, struct cs_settings *settings, const struct af_node *n) {
  const char *known[CS_ATTRIBUTE_MAX_ + 11] = {"id", "mappings", "launch_permissions", "bundle_readers", "product_codes", "tags",
                                               "state", "billing", "state_reason", "watermarks"};
  for (int i = 0; i < CS_ATTRIBUTE_MAX_; i++)
    known[10 + i] = cs_image_attributes[i].world;
  char id[CS_ID_SIZE] = "";
  if (af_node_type(n) != AF_NODE_MAP)
    return cs_bad(r, n, "must be a map");
  if (af_node_only(r->doc, n, known, r->err) < 0 || cs_read_id(r, n, "ami-", id) < 0)
    return -AF_EINVAL;
  struct cs_image *image = cs_image_new(r->sim, account, settings->region, id);
  image->from_world = true;
  for (int i = 0; i < CS_ATTRIBUTE_MAX_; i++)
    if (cs_read_string(r, n, cs_image_attributes[i].world, &image->text[i]) < 0)
      return -AF_EINVAL;
  if (load_mappings(r, n, image) < 0 || load_permissions(r, n, "launch_permissions", &image->permissions) < 0 ||
      load_permissions(r, n, "bundle_readers", &image->bundle_readers) < 0 ||
      load_codes(r, n, &image->codes, &image->n_codes) < 0 || load_watermarks(r, n, image) < 0 || cs_load_tags(r, n, &image->tags) < 0 ||
      cs_read_bool(r, n, "billing", &image->billing) < 0 || cs_read_string(r, n, "state_reason", &image->reason) < 0 ||
      load_image_state(r, n, image) < 0)
    return -AF_EINVAL;
  if (!image->text[CS_NAME])
    return cs_bad(r, n, "needs a name");
  if (image->reason)
    image->reason_code = cs_strdup("Client.InternalError");
  complete_image(image, r->sim->start_ms);
  give_billing(r->sim, image);
  return 0;
}

int cs_world_load_images(struct cs_reader *r, struct cs_account *account, struct cs_settings *settings, const struct af_node *region) {
  const struct af_node *list;
  if (cs_read_list(r, region, "images", &list) < 0)
    return -AF_EINVAL;
  for (size_t i = 0; i < af_node_count(list); i++)
    if (load_image(r, account, settings, af_node_at(list, i)) < 0)
      return -AF_EINVAL;
  return 0;
}
