/* DescribeInstances and DescribeInstanceStatus: an instance as of a time, alone in its reservation. A terminated one has lost its
 * volumes, its interface and its place. */
#include <stdio.h>

#include "tools/cloudsim/ec2_compute.h"

/* --- XML --- */

static void write_groups(struct af_buf *out, const struct cs_interface *eni) {
  cs_xml_open(out, "groupSet");
  for (size_t k = 0; k < eni->n_groups; k++) {
    cs_xml_open(out, "item");
    cs_xml_text(out, "groupId", eni->groups[k]->thing.id);
    cs_xml_text(out, "groupName", eni->groups[k]->name);
    cs_xml_close(out, "item");
  }
  cs_xml_close(out, "groupSet");
}

static void write_state(struct af_buf *out, enum cs_instance_state state) {
  cs_xml_open(out, "instanceState");
  cs_xml_int(out, "code", cs_instance_state_code(state));
  cs_xml_text(out, "name", cs_instance_states[state]);
  cs_xml_close(out, "instanceState");
}

/* Why it is in this state: stateReason, and the older `reason`. */
static void write_reason(struct af_buf *out, const struct cs_phase *phase) {
  char when[AF_TIME_SIZE], text[80] = "";
  af_time_iso(phase->at / 1000 * 1000, when);
  if (af_streq(phase->code, "Client.UserInitiatedShutdown"))
    snprintf(text, sizeof text, "User initiated (%.10s %.8s GMT)", when, when + strlen("2026-01-01T"));
  else if (phase->code && phase->state != CS_PENDING)
    AF_COPY(text, af_str("Server.InternalError"));
  cs_xml_text(out, "reason", text);
  if (!phase->code)
    return;
  cs_xml_open(out, "stateReason");
  cs_xml_text(out, "code", phase->code);
  cs_xml_text(out, "message", phase->message);
  cs_xml_close(out, "stateReason");
}

/* The reply of the call that launches it shows no volumes yet. */
static void write_devices(struct af_buf *out, const struct cs_instance *i, int64_t view) {
  cs_xml_open(out, "blockDeviceMapping");
  for (size_t k = 0; k < i->n_devices; k++) {
    const struct cs_volume *v = i->devices[k].volume;
    if (!v || view >= v->detached_ms || view <= v->thing.created_ms)
      continue;
    cs_xml_open(out, "item");
    cs_xml_text(out, "deviceName", v->device);
    cs_xml_open(out, "ebs");
    cs_xml_text(out, "volumeId", v->thing.id);
    cs_xml_text(out, "status", "attached");
    cs_xml_time(out, "attachTime", v->thing.created_ms);
    cs_xml_bool(out, "deleteOnTermination", v->delete_on_termination);
    cs_xml_close(out, "ebs");
    cs_xml_close(out, "item");
  }
  cs_xml_close(out, "blockDeviceMapping");
}

static void private_name(const struct cs_instance *i, char *out, size_t size) {
  char address[16];
  AF_COPY(address, af_str(i->interface->private_ip));
  for (char *dot = address; (dot = strchr(dot, '.'));)
    *dot = '-';
  snprintf(out, size, "ip-%s.%s.compute.internal", address, i->thing.region->name);
}

static void write_association(struct af_buf *out, const struct cs_interface *eni) {
  if (!eni->public_ip[0])
    return;
  cs_xml_open(out, "association");
  cs_xml_text(out, "publicIp", eni->public_ip);
  cs_xml_text(out, "ipOwnerId", "amazon");
  cs_xml_close(out, "association");
}

static void write_interface(struct af_buf *out, const struct cs_instance *i) {
  const struct cs_interface *eni = i->interface;
  cs_xml_open(out, "item");
  cs_xml_text(out, "networkInterfaceId", eni->thing.id);
  cs_xml_text(out, "subnetId", eni->subnet->thing.id);
  cs_xml_text(out, "vpcId", eni->subnet->vpc->thing.id);
  cs_xml_text(out, "ownerId", eni->thing.owner->id);
  cs_xml_text(out, "status", "in-use");
  cs_xml_text(out, "privateIpAddress", eni->private_ip);
  cs_xml_bool(out, "sourceDestCheck", true);
  cs_xml_text(out, "interfaceType", "interface");
  write_groups(out, eni);
  cs_xml_open(out, "attachment");
  cs_xml_text(out, "attachmentId", i->attachment);
  cs_xml_int(out, "deviceIndex", 0);
  cs_xml_text(out, "status", "attached");
  cs_xml_time(out, "attachTime", i->thing.created_ms);
  cs_xml_bool(out, "deleteOnTermination", true);
  cs_xml_int(out, "networkCardIndex", 0);
  cs_xml_close(out, "attachment");
  write_association(out, eni);
  cs_xml_close(out, "item");
}

static void write_network(struct af_buf *out, const struct cs_instance *i, int64_t view) {
  const struct cs_interface *eni = i->interface;
  char name[160] = "";
  bool there = view < eni->thing.gone_ms, up = there && eni->public_ip[0] && cs_instance_state(i, view) == CS_RUNNING;
  if (there)
    private_name(i, name, sizeof name);
  cs_xml_text(out, "privateDnsName", name);
  cs_xml_text(out, "dnsName", "");
  cs_xml_open(out, "networkInterfaceSet");
  if (there)
    write_interface(out, i);
  cs_xml_close(out, "networkInterfaceSet");
  if (!there)
    return;
  cs_xml_text(out, "subnetId", eni->subnet->thing.id);
  cs_xml_text(out, "vpcId", eni->subnet->vpc->thing.id);
  cs_xml_text(out, "privateIpAddress", eni->private_ip);
  cs_xml_text(out, "ipAddress", up ? eni->public_ip : NULL);
  cs_xml_bool(out, "sourceDestCheck", true);
  write_groups(out, eni);
}

static void write_placement(struct af_buf *out, const struct cs_instance *i) {
  char zone[CS_ZONE_SIZE];
  cs_zone_name(i->thing.region, i->interface->subnet->zone, zone);
  cs_xml_open(out, "placement");
  cs_xml_text(out, "availabilityZone", zone);
  cs_xml_text(out, "groupName", "");
  cs_xml_text(out, "tenancy", "default");
  cs_xml_close(out, "placement");
}

static void write_options(struct af_buf *out, const struct cs_instance *i) {
  cs_xml_open(out, "metadataOptions");
  cs_xml_text(out, "state", "applied");
  cs_xml_text(out, "httpTokens", i->tokens_required ? "required" : "optional");
  cs_xml_int(out, "httpPutResponseHopLimit", i->hops);
  cs_xml_text(out, "httpEndpoint", i->metadata ? "enabled" : "disabled");
  cs_xml_close(out, "metadataOptions");
  cs_xml_open(out, "monitoring");
  cs_xml_text(out, "state", "disabled");
  cs_xml_close(out, "monitoring");
}

/* What it has of its image, under the names that DescribeImages gives it. */
static void write_origin(struct af_buf *out, const struct cs_image *origin) {
  static const enum cs_attribute shown[] = {CS_ARCHITECTURE, CS_KERNEL, CS_RAMDISK, CS_PLATFORM, CS_PLATFORM_DETAILS,
                                            CS_USAGE_OPERATION, CS_ROOT_TYPE, CS_ROOT_NAME, CS_VIRTUALIZATION, CS_HYPERVISOR,
                                            CS_SRIOV, CS_ENA, CS_BOOT_MODE, CS_TPM};
  for (size_t k = 0; k < sizeof shown / sizeof shown[0]; k++)
    cs_xml_text(out, cs_image_attributes[shown[k]].element, origin->text[shown[k]]);
  cs_xml_codes(out, origin->codes, origin->n_codes);
}

static void write_instance(struct af_buf *out, const struct cs_instance *i, int64_t view) {
  const struct cs_phase *phase = cs_instance_phase(i, view);
  cs_xml_open(out, "item");
  cs_xml_text(out, "instanceId", i->thing.id);
  cs_xml_text(out, "imageId", i->origin->id);
  write_state(out, phase->state);
  write_reason(out, phase);
  cs_xml_text(out, "keyName", i->key_name);
  cs_xml_int(out, "amiLaunchIndex", 0);
  cs_xml_text(out, "instanceType", i->type->name);
  cs_xml_time(out, "launchTime", i->launch_ms / 1000 * 1000);
  cs_xml_text(out, "clientToken", i->token ? i->token : "");
  cs_xml_text(out, "currentInstanceBootMode", i->boot_mode);
  cs_xml_bool(out, "ebsOptimized", false);
  write_placement(out, i);
  write_network(out, i, view);
  write_devices(out, i, view);
  write_origin(out, i->origin);
  write_options(out, i);
  cs_xml_tags(out, &i->thing.tags, view, true);
  cs_xml_close(out, "item");
}

void cs_write_reservation(struct af_buf *out, const struct cs_instance *i, int64_t view) {
  cs_xml_text(out, "reservationId", i->reservation);
  cs_xml_text(out, "ownerId", i->thing.owner->id);
  cs_xml_open(out, "groupSet");
  cs_xml_close(out, "groupSet");
  cs_xml_open(out, "instancesSet");
  write_instance(out, i, view);
  cs_xml_close(out, "instancesSet");
}

/* --- filters --- */

enum { FACT_ID, FACT_STATE, FACT_STATE_CODE, FACT_IMAGE, FACT_TOKEN, FACT_TYPE, FACT_KEY, FACT_RESERVATION, FACT_OWNER,
       FACT_ZONE, FACT_LAUNCH, FACT_REASON, FACT_SUBNET, FACT_VPC, FACT_ADDRESS, FACT_INTERFACE, FACT_GROUP, FACT_GROUP_NAME,
       FACT_VOLUME, FACT_DEVICE, FACT_CODE };

static void instance_fact(const struct cs_call *call, const void *thing, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_instance *i = thing;
  const struct cs_phase *phase = cs_instance_phase(i, call->view_ms);
  char text[AF_TIME_SIZE + CS_ZONE_SIZE];
  switch (f->detail) {
    case FACT_ID: cs_match_value(m, i->thing.id); break;
    case FACT_STATE: cs_match_value(m, cs_instance_states[phase->state]); break;
    case FACT_STATE_CODE: cs_match_int(m, cs_instance_state_code(phase->state)); break;
    case FACT_IMAGE: cs_match_value(m, i->origin->id); break;
    case FACT_TOKEN: cs_match_value(m, i->token); break;
    case FACT_TYPE: cs_match_value(m, i->type->name); break;
    case FACT_KEY: cs_match_value(m, i->key_name); break;
    case FACT_RESERVATION: cs_match_value(m, i->reservation); break;
    case FACT_OWNER: cs_match_value(m, i->thing.owner->id); break;
    case FACT_REASON: cs_match_value(m, phase->code); break;
    case FACT_ZONE:
      cs_zone_name(call->region, i->interface->subnet->zone, text);
      cs_match_value(m, text);
      break;
    case FACT_LAUNCH:
      af_time_iso(i->launch_ms / 1000 * 1000, text);
      cs_match_value(m, text);
      break;
  }
}

/* Of its place and its devices: what a terminated instance has no more. */
static void instance_place(const struct cs_call *call, const void *thing, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_instance *i = thing;
  const struct cs_interface *eni = i->interface;
  if (call->view_ms >= eni->thing.gone_ms)
    return;
  switch (f->detail) {
    case FACT_SUBNET: cs_match_value(m, eni->subnet->thing.id); break;
    case FACT_VPC: cs_match_value(m, eni->subnet->vpc->thing.id); break;
    case FACT_ADDRESS: cs_match_value(m, eni->private_ip); break;
    case FACT_INTERFACE: cs_match_value(m, eni->thing.id); break;
    case FACT_GROUP:
    case FACT_GROUP_NAME:
      for (size_t k = 0; k < eni->n_groups; k++)
        cs_match_value(m, f->detail == FACT_GROUP ? eni->groups[k]->thing.id : eni->groups[k]->name);
      break;
    default:
      for (size_t k = 0; k < i->n_devices; k++)
        if (i->devices[k].volume)
          cs_match_value(m, f->detail == FACT_VOLUME ? i->devices[k].volume->thing.id : i->devices[k].volume->device);
  }
}

static void instance_origin(const struct cs_call *call, const void *thing, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_image *origin = ((const struct cs_instance *)thing)->origin;
  (void)call;
  if (f->detail == FACT_CODE)
    for (size_t k = 0; k < origin->n_codes; k++)
      cs_match_value(m, origin->codes[k].code);
  for (int a = 0; a < CS_ATTRIBUTE_MAX_; a++)
    if (af_streq(cs_image_attributes[a].filter, f->name))
      cs_match_value(m, origin->text[a]);
}

static const struct cs_filter instance_filters[] = {
    {"architecture", instance_origin},
    {"availability-zone", instance_fact, FACT_ZONE},
    {"block-device-mapping.device-name", instance_place, FACT_DEVICE},
    {"block-device-mapping.volume-id", instance_place, FACT_VOLUME},
    {"client-token", instance_fact, FACT_TOKEN},
    {"hypervisor", instance_origin},
    {"image-id", instance_fact, FACT_IMAGE},
    {"instance-id", instance_fact, FACT_ID},
    {"instance-state-code", instance_fact, FACT_STATE_CODE},
    {"instance-state-name", instance_fact, FACT_STATE},
    {"instance-type", instance_fact, FACT_TYPE},
    {"instance.group-id", instance_place, FACT_GROUP},
    {"instance.group-name", instance_place, FACT_GROUP_NAME},
    {"key-name", instance_fact, FACT_KEY},
    {"launch-time", instance_fact, FACT_LAUNCH},
    {"network-interface.network-interface-id", instance_place, FACT_INTERFACE},
    {"owner-id", instance_fact, FACT_OWNER},
    {"platform", instance_origin},
    {"private-ip-address", instance_place, FACT_ADDRESS},
    {"product-code", instance_origin, FACT_CODE},
    {"reservation-id", instance_fact, FACT_RESERVATION},
    {"root-device-name", instance_origin},
    {"root-device-type", instance_origin},
    {"state-reason-code", instance_fact, FACT_REASON},
    {"subnet-id", instance_place, FACT_SUBNET},
    {"tag:", cs_match_thing_tag, false},
    {"tag-key", cs_match_thing_tag, true},
    {"virtualization-type", instance_origin},
    {"vpc-id", instance_place, FACT_VPC},
    {NULL},
};

static void write_reservation_item(const struct cs_call *call, struct af_buf *out, const void *thing) {
  cs_xml_open(out, "item");
  cs_write_reservation(out, thing, call->view_ms);
  cs_xml_close(out, "item");
}

int cs_describe_instances(struct cs_call *call, struct af_buf *out) {
  static const struct cs_listing listing = {"reservationSet", "InstanceId", CS_INSTANCE, instance_filters, write_reservation_item, NULL};
  return cs_list_things(call, out, &listing);
}

/* --- DescribeInstanceStatus --- */

static void write_check(struct af_buf *out, const char *element, const char *status) {
  cs_xml_open(out, element);
  cs_xml_text(out, "status", status);
  cs_xml_close(out, element);
}

static void write_status(const struct cs_call *call, struct af_buf *out, const void *thing) {
  const struct cs_instance *i = thing;
  enum cs_instance_state state = cs_instance_state(i, call->view_ms);
  const char *status = state == CS_RUNNING ? "ok" : state == CS_PENDING ? "initializing" : "not-applicable";
  char zone[CS_ZONE_SIZE];
  cs_zone_name(call->region, i->interface->subnet->zone, zone);
  cs_xml_open(out, "item");
  cs_xml_text(out, "instanceId", i->thing.id);
  cs_xml_text(out, "availabilityZone", zone);
  write_state(out, state);
  write_check(out, "systemStatus", status);
  write_check(out, "instanceStatus", status);
  cs_xml_close(out, "item");
}

/* Running ones, unless all are asked for. */
static bool has_status(struct cs_call *call, const void *thing) {
  return cs_param_bool(call, "IncludeAllInstances", false) == true || cs_instance_state(thing, call->view_ms) == CS_RUNNING;
}

static const struct cs_filter status_filters[] = {
    {"availability-zone", instance_fact, FACT_ZONE},
    {"instance-state-code", instance_fact, FACT_STATE_CODE},
    {"instance-state-name", instance_fact, FACT_STATE},
    {NULL},
};

int cs_describe_instance_status(struct cs_call *call, struct af_buf *out) {
  static const struct cs_listing listing = {"instanceStatusSet", "InstanceId", CS_INSTANCE, status_filters, write_status, has_status};
  return cs_list_things(call, out, &listing);
}
