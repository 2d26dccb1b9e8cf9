/* The reads of one image (reading.h). */
#include "engine/reading.h"

#include "engine/aws/ops.h"

static json_t *snapshot_ids(const json_t *image) {
  json_t *ids = json_array(), *mapping;
  size_t i;
  json_array_foreach(json_object_get(image, "BlockDeviceMappings"), i, mapping) {
    const char *id = af_mapping_snapshot(mapping);
    if (*id) af_json_append(&ids, json_string(id));
  }
  return ids;
}

static int ask_image(const struct af_reading *r, struct af_ask *ret) {
  ret->op = &af_ec2_describe_images;
  ret->input = json_pack("{s:[s]}", "ImageIds", r->image);
  return ret->input ? 0 : -AF_ENOMEM;
}

/* AWS tells one attribute a call, and in its answer not which: the first of these that is wanted and not there is what is asked for. */
static const char *next_attribute(const struct af_reading *r, const json_t *seen) {
  bool on_ebs = af_streq(af_json_str(json_object_get(seen, "image"), "RootDeviceType"), "ebs");
  if (r->uefi && on_ebs && !json_object_get(seen, "uefi")) return "uefiData";
  return r->permissions && !json_object_get(seen, "permissions") ? "launchPermission" : NULL;
}

static int ask_attribute(const struct af_reading *r, const char *attribute, struct af_ask *ret) {
  ret->op = &af_ec2_describe_image_attribute;
  ret->input = json_pack("{s:s, s:s}", "ImageId", r->image, "Attribute", attribute);
  return ret->input ? 0 : -AF_ENOMEM;
}

/* The first whose shares are wanted and not there; NULL where there is none. */
static const char *next_snapshot(const struct af_reading *r, const json_t *seen) {
  json_t *shares = json_object_get(seen, "shares"), *snapshot;
  size_t i;
  json_array_foreach(json_object_get(seen, "snapshots"), i, snapshot) {
    const char *id = af_json_str(snapshot, "SnapshotId");
    if (r->shares && !json_object_get(shares, id)) return id;
  }
  return NULL;
}

static int ask_shares(const char *snapshot, struct af_ask *ret) {
  ret->op = &af_ec2_describe_snapshot_attribute;
  ret->input = json_pack("{s:s, s:s}", "SnapshotId", snapshot, "Attribute", "createVolumePermission");
  return ret->input ? 0 : -AF_ENOMEM;
}

int af_reading_ask(const struct af_reading *r, const json_t *seen, struct af_ask *ret) {
  json_t *image = json_object_get(seen, "image");
  ret->side = r->side;
  ret->region = r->region;
  if (!image) return ask_image(r, ret);
  if (!json_object_get(seen, "snapshots")) {
    json_t *ids = snapshot_ids(image);
    if (!ids) return -AF_ENOMEM;
    if (json_array_size(ids) > 0) {
      ret->op = &af_ec2_describe_snapshots;
      ret->input = json_pack("{s:o}", "SnapshotIds", ids); /* an empty list would mean all there are */
      return ret->input ? 0 : -AF_ENOMEM;
    }
    json_decref(ids);
  }
  const char *attribute = next_attribute(r, seen), *snapshot = next_snapshot(r, seen);
  return attribute ? ask_attribute(r, attribute, ret) : snapshot ? ask_shares(snapshot, ret) : 0;
}

static int take_attribute(json_t *seen, const char *attribute, const json_t *output) {
  if (af_streq(attribute, "uefiData"))
    return json_object_set_new(seen, "uefi", json_string(af_json_str(json_object_get(output, "UefiData"), "Value"))) ? -AF_ENOMEM : 0;
  json_t *permissions = json_object_get(output, "LaunchPermissions");
  return json_object_set_new(seen, "permissions", permissions ? json_incref(permissions) : json_array()) ? -AF_ENOMEM : 0;
}

static int take_shares(json_t *seen, const char *snapshot, const json_t *output) {
  json_t *shares = json_object_get(seen, "shares"), *list = json_object_get(output, "CreateVolumePermissions");
  if (!snapshot) return 0;
  if (!shares && json_object_set_new(seen, "shares", shares = json_object())) return -AF_ENOMEM;
  return json_object_set_new(shares, snapshot, list ? json_incref(list) : json_array()) ? -AF_ENOMEM : 0;
}

int af_reading_take(const struct af_reading *r, json_t *seen, const struct af_op *op, const struct af_answer *a) {
  if (op == &af_ec2_describe_images) {
    json_t *image = json_array_get(json_object_get(a->output, "Images"), 0);
    return image && json_object_set(seen, "image", image) ? -AF_ENOMEM : 0;
  }
  if (op == &af_ec2_describe_snapshots) return json_object_set(seen, "snapshots", json_object_get(a->output, "Snapshots")) ? -AF_ENOMEM : 0;
  if (op == &af_ec2_describe_snapshot_attribute) return take_shares(seen, next_snapshot(r, seen), a->output);
  return take_attribute(seen, next_attribute(r, seen), a->output);
}

void af_reading_get(const json_t *seen, struct af_copy_reading *ret) {
  const char *uefi = af_json_str(seen, "uefi");
  *ret = (struct af_copy_reading){.image = json_object_get(seen, "image"),
                                  .snapshots = json_object_get(seen, "snapshots"),
                                  .uefi_data = *uefi ? uefi : NULL,
                                  .launch_permissions = json_object_get(seen, "permissions"),
                                  .snapshot_permissions = json_object_get(seen, "shares"),
                                  .uefi_readable = true};
}
