/* The devices of a new instance: what its image maps, what BlockDeviceMapping.N changes of that, and the volumes that come of it, under
 * which key (rules.md 4: the target's default key for another's encrypted snapshot, unless the call names one). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2_compute.h"

static const char *member(struct cs_call *call, size_t i, const char *name) {
  return cs_paramf(&call->params, "BlockDeviceMapping.%zu.%s", i, name);
}

static int64_t member_int(struct cs_call *call, size_t i, const char *name, int64_t absent) {
  char full[80];
  snprintf(full, sizeof full, "BlockDeviceMapping.%zu.%s", i, name);
  return cs_param_int(call, full, absent);
}

static int member_bool(struct cs_call *call, size_t i, const char *name, int absent) {
  char full[80];
  snprintf(full, sizeof full, "BlockDeviceMapping.%zu.%s", i, name);
  return cs_param_bool(call, full, absent);
}

void cs_orders_done(struct cs_orders *orders) {
  for (size_t i = 0; i < orders->n; i++)
    cs_mapping_done(&orders->items[i].mapping);
  free(orders->items);
  *orders = (struct cs_orders){0};
}

static struct cs_order *order_of(struct cs_orders *orders, const char *device) {
  for (size_t i = 0; i < orders->n; i++)
    if (af_streq(orders->items[i].mapping.device, device))
      return &orders->items[i];
  return NULL;
}

static int bad_mapping(struct cs_call *call, const char *device, const char *why) {
  return cs_fail(call, 400, "InvalidBlockDeviceMapping", "Invalid device mapping %s: %s", device, why);
}

/* --- one BlockDeviceMapping.N --- */

/* A snapshot of the caller's choice must be open to him; those of the image need not be (rules.md 4). */
static int choose_snapshot(struct cs_call *call, struct cs_order *order, const char *id, bool root) {
  struct cs_mapping *m = &order->mapping;
  if (!id || af_streq(id, m->snapshot_id))
    return 0;
  if (root)
    return bad_mapping(call, m->device, "snapshotId cannot be modified on root device");
  if (cs_check_snapshot_id(call, id) < 0)
    return -AF_EAWS;
  const struct cs_snapshot *s = cs_snapshot_by_id(call->sim, id);
  if (cs_snapshot_seen(call, call->region, s) == CS_UNSEEN || !cs_snapshot_open(call->sim, s, call->view_ms, cs_caller_account(call)))
    return cs_fail(call, 400, "InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", id);
  cs_set(&m->snapshot_id, id);
  return cs_may(call, "ec2:RunInstances", "snapshot", id);
}

static int check_size(struct cs_call *call, struct cs_mapping *m) {
  const struct cs_snapshot *s = cs_snapshot_by_id(call->sim, m->snapshot_id);
  if (m->volume_size < 0 && s)
    m->volume_size = s->volume_size_gib;
  if (m->volume_size <= 0)
    return bad_mapping(call, m->device, "a snapshot or a volume size is needed");
  if (s && m->volume_size < s->volume_size_gib)
    return cs_fail(call, 400, "InvalidBlockDeviceMapping",
                   "Volume of size %" PRId64 "GB is smaller than snapshot '%s', expect size >= %" PRId64 "GB", m->volume_size, s->id,
                   s->volume_size_gib);
  return cs_check_volume_size(call, m);
}

static int check_encryption(struct cs_call *call, const struct cs_order *order) {
  const struct cs_snapshot *s = cs_snapshot_by_id(call->sim, order->mapping.snapshot_id);
  if (order->key && order->encrypted != true) /* rules.md 4 */
    return cs_fail(call, 400, "InvalidParameterDependency", "The parameter [KmsKeyId] requires the parameter Encrypted to be set.");
  if (order->encrypted == false && s && s->encrypted)
    return cs_fail(call, 400, "InvalidBlockDeviceMapping", "the encrypted flag cannot be false since device %s has an encrypted snapshot.",
                   order->mapping.device);
  return 0;
}

static int read_ebs(struct cs_call *call, size_t i, struct cs_order *order, bool root) {
  struct cs_mapping *m = &order->mapping;
  const char *type = member(call, i, "Ebs.VolumeType");
  bool fresh = !m->ebs;
  m->ebs = true;
  cs_set(&m->virtual_name, NULL);
  if (fresh)
    m->delete_on_termination = root;
  if (type || !m->volume_type) { /* another type has its own iops and throughput */
    cs_set(&m->volume_type, type ? type : "gp2");
    m->iops = m->throughput = -1;
  }
  m->volume_size = member_int(call, i, "Ebs.VolumeSize", m->volume_size);
  m->iops = member_int(call, i, "Ebs.Iops", m->iops);
  m->throughput = member_int(call, i, "Ebs.Throughput", m->throughput);
  m->delete_on_termination = member_bool(call, i, "Ebs.DeleteOnTermination", m->delete_on_termination);
  order->encrypted = member_bool(call, i, "Ebs.Encrypted", -1);
  order->key = member(call, i, "Ebs.KmsKeyId");
  return choose_snapshot(call, order, member(call, i, "Ebs.SnapshotId"), root) < 0 || cs_check_performance(call, m) < 0 ||
                 check_encryption(call, order) < 0
             ? -AF_EAWS
             : 0;
}

static int read_order(struct cs_call *call, size_t i, struct cs_order *order, bool root) {
  struct cs_mapping *m = &order->mapping;
  const char *virtual = member(call, i, "VirtualName");
  char prefix[48];
  snprintf(prefix, sizeof prefix, "BlockDeviceMapping.%zu.Ebs.", i);
  if (cs_param_prefix(&call->params, prefix))
    return virtual ? bad_mapping(call, m->device, "virtualName and ebs exclude each other") : read_ebs(call, i, order, root);
  if (root)
    return bad_mapping(call, m->device, "the root device cannot be taken away");
  m->ebs = false;
  m->no_device = !virtual;
  cs_set(&m->snapshot_id, NULL);
  cs_set(&m->virtual_name, virtual);
  return !virtual || strncmp(virtual, "ephemeral", 9) == 0 ? 0 : bad_mapping(call, m->device, "unknown virtualName");
}

int cs_orders_read(struct cs_call *call, const struct cs_image *image, struct cs_orders *orders) {
  for (size_t i = 0; i < image->n_mappings; i++) {
    struct cs_order *order = CS_ADD(orders->items, orders->n);
    *order = (struct cs_order){.encrypted = -1};
    cs_mapping_copy(&order->mapping, &image->mappings[i]);
  }
  size_t n = cs_param_list(call, "BlockDeviceMapping");
  for (size_t i = 1; i <= n; i++) {
    const char *device = member(call, i, "DeviceName");
    if (!device || !device[0])
      return cs_fail(call, 400, "MissingParameter", "The request must contain the parameter deviceName");
    struct cs_order *order = order_of(orders, device);
    if (!order) {
      order = CS_ADD(orders->items, orders->n);
      *order =
          (struct cs_order){.encrypted = -1, .mapping = {.device = cs_strdup(device), .volume_size = -1, .iops = -1, .throughput = -1}};
    }
    if (read_order(call, i, order, af_streq(device, image->text[CS_ROOT_NAME])) < 0)
      return -AF_EAWS;
  }
  for (size_t i = 0; i < orders->n; i++)
    if (orders->items[i].mapping.ebs && check_size(call, &orders->items[i].mapping) < 0)
      return -AF_EAWS;
  return 0;
}

/* --- volumes --- */

static void choose_key(struct cs_call *call, const struct cs_order *order, struct cs_volume *v) {
  const struct cs_snapshot *s = v->source;
  const struct cs_settings *settings = cs_caller_settings(call);
  v->encrypted = (s && s->encrypted) || order->encrypted == true || (!s && order->mapping.encrypted) || settings->ebs_encryption_by_default;
  v->source_key = s && s->encrypted ? cs_kms_key_find(call->sim, s->region->name, s->owner->id, s->kms_key) : NULL;
  if (!v->encrypted)
    return;
  bool own = s && s->encrypted && af_streq(s->owner->id, call->caller.account);
  v->target_key = order->key ? cs_kms_key_find(call->sim, call->region->name, call->caller.account, order->key)
                  : own      ? v->source_key
                             : cs_default_key(call);
  if (v->target_key)
    AF_COPY(v->kms_key, af_str(v->target_key->arn));
}

/* What AWS gives where nothing is said. */
static void set_performance(struct cs_volume *v) {
  bool gp2 = af_streq(v->type, "gp2"), gp3 = af_streq(v->type, "gp3");
  if (v->iops < 0 && gp2)
    v->iops = v->size_gib * 3 < 100 ? 100 : v->size_gib * 3 > 16000 ? 16000 : v->size_gib * 3;
  if (v->iops < 0 && gp3)
    v->iops = 3000;
  if (v->throughput < 0 && gp3)
    v->throughput = 125;
}

static struct cs_volume *make_volume(struct cs_call *call, struct cs_instance *i, const struct cs_order *order, int zone) {
  const struct cs_mapping *m = &order->mapping;
  struct cs_volume *v = cs_thing_new(call->sim, CS_VOLUME, sizeof *v, i->thing.owner, call->region, NULL);
  cs_thing_made(call, &v->thing);
  cs_tag_specs_apply(call, "volume", &v->thing.tags);
  v->zone = zone;
  v->type = cs_strdup(m->volume_type);
  v->size_gib = m->volume_size;
  v->iops = m->iops;
  v->throughput = m->throughput;
  v->source = cs_snapshot_by_id(call->sim, m->snapshot_id);
  v->instance = i;
  v->device = cs_strdup(m->device);
  v->delete_on_termination = m->delete_on_termination;
  v->detached_ms = CS_NEVER;
  choose_key(call, order, v);
  set_performance(v);
  return v;
}

void cs_devices_make(struct cs_call *call, struct cs_instance *i, const struct cs_orders *orders, int zone) {
  for (size_t k = 0; k < orders->n; k++) {
    const struct cs_order *order = &orders->items[k];
    if (order->mapping.no_device)
      continue;
    struct cs_device *device = CS_ADD(i->devices, i->n_devices);
    *device = (struct cs_device){0};
    cs_mapping_copy(&device->mapping, &order->mapping);
    if (order->mapping.ebs)
      device->volume = make_volume(call, i, order, zone);
  }
}
