/* CreateImage: an image of an instance, and a snapshot of each of its volumes (rules.md 2.1, 4). It keeps what the launch image was,
 * which is why an image that may not be copied can still be had this way. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2_compute.h"

static const char *param(struct cs_call *call, const char *name) {
  return cs_param(&call->params, name);
}

/* --- the instance --- */

/* rules.md 4 says which states and which code; practitioners saw other ones (rules.md 6.4 has both codes): the world chooses. */
static int check_state(struct cs_call *call, const struct cs_instance *i) {
  enum cs_instance_state state = cs_instance_state(i, call->sim_ms);
  if (state == CS_RUNNING || state == CS_STOPPED)
    return 0;
  if (!call->sim->uncertain.create_image_while_stopping)
    return cs_fail(call, 400, "IncorrectInstanceState", "The instance '%s' is not in the 'running' or 'stopped' state.", i->thing.id);
  if (state == CS_STOPPING)
    return 0;
  return cs_fail(call, 400, "InvalidParameterValue",
                 "Invalid value '%s' for instanceId. Instance is not in state 'running' or 'stopping' or 'stopped'", i->thing.id);
}

static int check_concurrent(struct cs_call *call, const struct cs_instance *i) {
  const struct cs_ec2 *ec2 = call->sim->ec2;
  for (size_t k = 0; k < ec2->n_pending_images; k++)
    if (af_streq(ec2->pending_images[k]->text[CS_SOURCE_INSTANCE], i->thing.id))
      return cs_fail(call, 400, "ConcurrentCreateImage", "The image %s of instance %s is being created: wait until it is done.",
                     ec2->pending_images[k]->id, i->thing.id);
  return 0;
}

static int check_instance(struct cs_call *call, const struct cs_instance *i) {
  if (!af_streq(i->origin->text[CS_ROOT_TYPE], "ebs"))
    return cs_fail(call, 400, "InvalidParameterValue", "Invalid value '%s' for instanceId. The instance has no 'ebs' root device.",
                   i->thing.id);
  return check_state(call, i) < 0 ? -AF_EAWS : check_concurrent(call, i);
}

/* --- mappings --- */

static struct cs_mapping *mapping_of(struct cs_image *image, const char *device) {
  for (size_t k = 0; k < image->n_mappings; k++)
    if (af_streq(image->mappings[k].device, device))
      return &image->mappings[k];
  return NULL;
}

/* rules.md 4: of a volume that is there DeleteOnTermination alone can be changed. */
static int change_mapping(struct cs_call *call, struct cs_image *image, size_t n) {
  static const char *const fixed[] = {"SnapshotId", "VolumeSize", "VolumeType", "Iops", "Throughput", "Encrypted", "KmsKeyId"};
  struct cs_params *p = &call->params;
  const char *device = cs_paramf(p, "BlockDeviceMapping.%zu.DeviceName", n);
  char name[80];
  if (!device || !device[0])
    return cs_fail(call, 400, "MissingParameter", "The request must contain the parameter deviceName");
  struct cs_mapping *m = mapping_of(image, device);
  if (!m || !m->ebs)
    return cs_fail(call, 400, "InvalidBlockDeviceMapping",
                   "Invalid device mapping %s: the instance has no such volume, and cloudsim adds none.", device);
  for (size_t k = 0; k < sizeof fixed / sizeof fixed[0]; k++)
    if (cs_paramf(p, "BlockDeviceMapping.%zu.Ebs.%s", n, fixed[k]))
      return cs_fail(call, 400, "InvalidBlockDeviceMapping", "Invalid device mapping %s: %s cannot be changed.", device, fixed[k]);
  if (cs_paramf(p, "BlockDeviceMapping.%zu.NoDevice", n)) {
    if (af_streq(device, image->text[CS_ROOT_NAME]))
      return cs_fail(call, 400, "InvalidBlockDeviceMapping", "Invalid device mapping %s: the root device cannot be left out.", device);
    m->ebs = false;
    m->no_device = true;
    return 0;
  }
  snprintf(name, sizeof name, "BlockDeviceMapping.%zu.Ebs.DeleteOnTermination", n);
  m->delete_on_termination = cs_param_bool(call, name, m->delete_on_termination) == true;
  return 0;
}

/* What the instance has, volumes as they are now. */
static int read_mappings(struct cs_call *call, struct cs_image *draft, const struct cs_instance *i) {
  for (size_t k = 0; k < i->n_devices; k++) {
    const struct cs_volume *v = i->devices[k].volume;
    struct cs_mapping *m = CS_ADD(draft->mappings, draft->n_mappings);
    cs_mapping_copy(m, &i->devices[k].mapping);
    cs_set(&m->snapshot_id, NULL);
    if (v)
      m->encrypted = v->encrypted;
  }
  size_t n = cs_param_list(call, "BlockDeviceMapping");
  for (size_t k = 1; k <= n; k++)
    if (change_mapping(call, draft, k) < 0)
      return -AF_EAWS;
  return 0;
}

static int count_volumes(const struct cs_image *draft) {
  int n = 0;
  for (size_t k = 0; k < draft->n_mappings; k++)
    n += draft->mappings[k].ebs;
  return n;
}

/* --- the effect --- */

static void describe_snapshot(struct cs_call *call, struct cs_snapshot *s, const struct cs_volume *v, const struct cs_image *image) {
  char text[160];
  snprintf(text, sizeof text, "Created by CreateImage(%s) for %s", v->instance->thing.id, image->id);
  cs_set(&s->description, text);
  cs_set(&s->storage_tier, "standard");
  AF_COPY(s->volume_id, af_str(v->thing.id));
  AF_COPY(s->source, af_str(v->thing.id));
  s->volume_size_gib = v->size_gib;
  s->full_size = v->source ? v->source->full_size : -1;
  s->encrypted = v->encrypted;
  if (v->source)
    AF_COPY(s->lineage, af_str(v->source->lineage));
  if (v->encrypted) {
    AF_COPY(s->kms_key, af_str(v->kms_key));
    cs_set_data_key(s);
  }
  if (v->source)
    cs_codes_copy(&s->codes, &s->n_codes, v->source->codes, v->source->n_codes);
  cs_tag_specs_apply(call, "snapshot", &s->tags);
}

/* The billing metadata of an image lies in its root snapshot (rules.md 2.4). */
static void give_billing(struct cs_image *image, const struct cs_mapping *m, struct cs_snapshot *s) {
  if (!af_streq(m->device, image->text[CS_ROOT_NAME]))
    return;
  cs_set(&s->platform_details, image->text[CS_PLATFORM_DETAILS]);
  cs_set(&s->usage_operation, image->text[CS_USAGE_OPERATION]);
}

static const struct cs_volume *volume_at(const struct cs_instance *i, const char *device) {
  for (size_t k = 0; k < i->n_devices; k++)
    if (af_streq(i->devices[k].mapping.device, device))
      return i->devices[k].volume;
  return NULL;
}

static void take_snapshots(struct cs_call *call, struct cs_image *image, const struct cs_instance *i) {
  for (size_t k = 0; k < image->n_mappings; k++) {
    struct cs_mapping *m = &image->mappings[k];
    const struct cs_volume *v = m->ebs ? volume_at(i, m->device) : NULL;
    if (!v)
      continue;
    struct cs_snapshot *s = cs_snapshot_new(call->sim, image->owner, image->region, NULL);
    cs_set(&m->snapshot_id, s->id);
    s->image = image;
    image->waits_for++;
    describe_snapshot(call, s, v, image);
    give_billing(image, m, s);
    cs_snapshot_begin(call, s);
  }
}

static struct cs_image *make_image(struct cs_call *call, const struct cs_instance *i, struct cs_image *draft) {
  struct cs_image *image = cs_image_new(call->sim, i->thing.owner, i->thing.region, NULL);
  image->created_ms = call->sim_ms;
  image->assembled = true;
  AF_COPY(image->creator, af_str(call->caller.arn));
  cs_image_derive(call, image, i->origin);
  cs_set(&image->text[CS_SOURCE_INSTANCE], i->thing.id);
  if (!call->sim->uncertain.create_image_keeps_imds)
    cs_set(&image->text[CS_IMDS], NULL);
  image->mappings = draft->mappings;
  image->n_mappings = draft->n_mappings;
  draft->mappings = NULL;
  draft->n_mappings = 0;
  take_snapshots(call, image, i);
  cs_image_wait(call->sim, image);
  if (cs_instance_state(i, call->sim_ms) == CS_RUNNING && cs_param_bool(call, "NoReboot", false) == true)
    cs_hazard(call->sim, call->sim_ms, "image %s was made of the running instance %s without a reboot", image->id, i->thing.id);
  return image;
}

/* --- the call --- */

static int may_create(struct cs_call *call) {
  static const char *const types[] = {"image", "snapshot", NULL};
  return cs_may(call, "ec2:CreateImage", "instance", param(call, "InstanceId")) < 0 || cs_may(call, "ec2:CreateImage", "image", "*") < 0 ||
                 cs_may(call, "ec2:CreateImage", "snapshot", "*") < 0 || cs_tag_specs_check(call, types) < 0
             ? -AF_EAWS
             : 0;
}

int cs_create_image(struct cs_call *call, struct af_buf *out) {
  const char *name = param(call, "Name");
  if (cs_check_name(call, name) < 0 || cs_check_description(call) < 0 || may_create(call) < 0)
    return -AF_EAWS;
  const struct cs_instance *i = cs_own_thing(call, CS_INSTANCE, param(call, "InstanceId"));
  if (!i || check_instance(call, i) < 0)
    return -AF_EAWS;
  struct cs_image *draft = cs_new(sizeof *draft);
  cs_set(&draft->text[CS_ROOT_NAME], i->origin->text[CS_ROOT_NAME]);
  int rc = read_mappings(call, draft, i) < 0 || cs_dry_run(call) < 0 || cs_check_unique_name(call, name) < 0 ||
                   cs_check_image_quota(call, false) < 0 || cs_check_snapshot_quota(call, 0, count_volumes(draft)) < 0
               ? -AF_EAWS
               : 0;
  if (rc == 0)
    cs_xml_text(out, "imageId", make_image(call, i, draft)->id);
  cs_image_free(draft);
  return rc;
}
