/* Volumes: they are made with their instance (ec2_launch_devices.c); here they are described, and deleted when they were left. */
#include <stdio.h>

#include "tools/cloudsim/ec2_compute.h"

const char *cs_volume_state(const struct cs_volume *v, int64_t view) {
  return view < v->detached_ms ? "in-use" : "available";
}

static void write_attachment(struct af_buf *out, const struct cs_volume *v, int64_t view) {
  cs_xml_open(out, "attachmentSet");
  if (view < v->detached_ms) {
    cs_xml_open(out, "item");
    cs_xml_text(out, "volumeId", v->thing.id);
    cs_xml_text(out, "instanceId", v->instance->thing.id);
    cs_xml_text(out, "device", v->device);
    cs_xml_text(out, "status", "attached");
    cs_xml_time(out, "attachTime", v->thing.created_ms);
    cs_xml_bool(out, "deleteOnTermination", v->delete_on_termination);
    cs_xml_close(out, "item");
  }
  cs_xml_close(out, "attachmentSet");
}

static void write_volume(const struct cs_call *call, struct af_buf *out, const void *thing) {
  const struct cs_volume *v = thing;
  char zone[CS_ZONE_SIZE], zone_id[CS_ZONE_SIZE];
  cs_zone_name(call->region, v->zone, zone);
  cs_zone_id(call->region, v->zone, zone_id);
  cs_xml_open(out, "item");
  cs_xml_text(out, "volumeId", v->thing.id);
  cs_xml_int(out, "size", v->size_gib);
  cs_xml_text(out, "snapshotId", v->source ? v->source->id : "");
  cs_xml_text(out, "availabilityZone", zone);
  cs_xml_text(out, "availabilityZoneId", zone_id);
  cs_xml_text(out, "status", cs_volume_state(v, call->view_ms));
  cs_xml_time(out, "createTime", v->thing.created_ms);
  write_attachment(out, v, call->view_ms);
  cs_xml_text(out, "volumeType", v->type);
  if (v->iops >= 0)
    cs_xml_int(out, "iops", v->iops);
  if (v->throughput >= 0)
    cs_xml_int(out, "throughput", v->throughput);
  cs_xml_bool(out, "encrypted", v->encrypted);
  cs_xml_text(out, "kmsKeyId", v->encrypted && v->kms_key[0] ? v->kms_key : NULL);
  cs_xml_bool(out, "multiAttachEnabled", false);
  cs_xml_tags(out, &v->thing.tags, call->view_ms, true);
  cs_xml_close(out, "item");
}

enum { VOLUME_ID, VOLUME_STATUS, VOLUME_INSTANCE, VOLUME_DEVICE, VOLUME_DELETE, VOLUME_ZONE, VOLUME_ENCRYPTED, VOLUME_SIZE, VOLUME_SNAPSHOT,
       VOLUME_TYPE, VOLUME_ATTACHED };

static void volume_fact(const struct cs_call *call, const void *thing, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_volume *v = thing;
  bool attached = call->view_ms < v->detached_ms;
  char zone[CS_ZONE_SIZE];
  cs_zone_name(call->region, v->zone, zone);
  switch (f->detail) {
    case VOLUME_ID: cs_match_value(m, v->thing.id); break;
    case VOLUME_STATUS: cs_match_value(m, cs_volume_state(v, call->view_ms)); break;
    case VOLUME_INSTANCE: cs_match_value(m, attached ? v->instance->thing.id : NULL); break;
    case VOLUME_DEVICE: cs_match_value(m, attached ? v->device : NULL); break;
    case VOLUME_ATTACHED: cs_match_value(m, attached ? "attached" : NULL); break;
    case VOLUME_DELETE:
      if (attached)
        cs_match_bool(m, v->delete_on_termination);
      break;
    case VOLUME_ZONE: cs_match_value(m, zone); break;
    case VOLUME_ENCRYPTED: cs_match_bool(m, v->encrypted); break;
    case VOLUME_SIZE: cs_match_int(m, v->size_gib); break;
    case VOLUME_SNAPSHOT: cs_match_value(m, v->source ? v->source->id : NULL); break;
    case VOLUME_TYPE: cs_match_value(m, v->type); break;
  }
}

static const struct cs_filter volume_filters[] = {
    {"attachment.delete-on-termination", volume_fact, VOLUME_DELETE},
    {"attachment.device", volume_fact, VOLUME_DEVICE},
    {"attachment.instance-id", volume_fact, VOLUME_INSTANCE},
    {"attachment.status", volume_fact, VOLUME_ATTACHED},
    {"availability-zone", volume_fact, VOLUME_ZONE},
    {"encrypted", volume_fact, VOLUME_ENCRYPTED},
    {"size", volume_fact, VOLUME_SIZE},
    {"snapshot-id", volume_fact, VOLUME_SNAPSHOT},
    {"status", volume_fact, VOLUME_STATUS},
    {"tag:", cs_match_thing_tag, false},
    {"tag-key", cs_match_thing_tag, true},
    {"volume-id", volume_fact, VOLUME_ID},
    {"volume-type", volume_fact, VOLUME_TYPE},
    {NULL},
};

int cs_describe_volumes(struct cs_call *call, struct af_buf *out) {
  static const struct cs_listing listing = {"volumeSet", "VolumeId", CS_VOLUME, volume_filters, write_volume};
  return cs_list_things(call, out, &listing);
}

int cs_delete_volume(struct cs_call *call, struct af_buf *out) {
  const char *id = cs_param(&call->params, "VolumeId");
  if (cs_may(call, "ec2:DeleteVolume", "volume", id) < 0)
    return -AF_EAWS;
  struct cs_volume *v = cs_own_thing(call, CS_VOLUME, id);
  if (!v || cs_dry_run(call) < 0)
    return -AF_EAWS;
  if (call->sim_ms < v->detached_ms)
    return cs_fail(call, 400, "VolumeInUse", "Volume %s is currently attached to %s", id, v->instance->thing.id);
  v->thing.gone_ms = call->sim_ms;
  cs_xml_bool(out, "return", true);
  return 0;
}
