/* Comparing what hangs on the devices of an AMI: mappings by the name of the device, snapshots by the mapping they stand in. Where
 * a copy's snapshots come from (the source's, a bridge's, an instance's volumes) makes no difference here: no id is followed. */
#include <inttypes.h>
#include <stdio.h>

#include "plans/verify_run.h"

/* One mapping and its other half; snapshots are NULL where they are not known. */
struct pair {
  const char *device;
  const json_t *source, *copy;
  const json_t *source_snapshot, *copy_snapshot;
};

static void name_of(const struct pair *p, const char *group, const char *member, char out[AF_ATTRIBUTE_SIZE]) {
  snprintf(out, AF_ATTRIBUTE_SIZE, "%s[%.100s]%s%s", group, p->device, *member ? "." : "", member);
}

static void compare_member(struct af_verify_run *r, const struct pair *p, const char *member, const char *source, const char *copy) {
  char attribute[AF_ATTRIBUTE_SIZE];
  name_of(p, "blockDeviceMapping", member, attribute);
  af_verify_texts(r, attribute, source, copy);
}

static void number(int64_t n, char out[24]) {
  snprintf(out, 24, "%" PRId64, n);
}

/* The values that a volume has when none is given; -1 where AWS derives them, so that only one side may name them. */
static const struct volume_defaults {
  const char *type;
  int iops, throughput;
} volume_defaults[] = {{"gp3", 3000, 125}, {"gp2", -1, -1}, {"", -1, -1}};

static int64_t default_of(const char *type, bool iops) {
  for (size_t i = 0; i < sizeof volume_defaults / sizeof volume_defaults[0]; i++)
    if (af_streq(type, volume_defaults[i].type))
      return iops ? volume_defaults[i].iops : volume_defaults[i].throughput;
  return 0;
}

static void compare_rate(struct af_verify_run *r, const struct pair *p, const char *name, const char *member, bool iops) {
  const json_t *a = json_object_get(p->source, "Ebs"), *b = json_object_get(p->copy, "Ebs");
  int64_t of_source = af_json_int(a, member), of_copy = af_json_int(b, member);
  int64_t otherwise = default_of(af_json_str(a, "VolumeType"), iops);
  if (of_source == 0)
    of_source = otherwise > 0 ? otherwise : otherwise < 0 ? of_copy : 0;
  if (of_copy == 0)
    of_copy = otherwise > 0 ? otherwise : otherwise < 0 ? of_source : 0;
  char x[24], y[24];
  number(of_source, x);
  number(of_copy, y);
  compare_member(r, p, name, x, y);
}

/* A mapping need not give the size of a volume that comes from a snapshot: it has the snapshot's. */
static int64_t size_of(const json_t *ebs, const json_t *snapshot) {
  int64_t size = af_json_int(ebs, "VolumeSize");
  return size ? size : af_json_int(snapshot, "VolumeSize");
}

/* Something encrypts what nobody asked to be encrypted: the target's account, or the Region where an instance was launched. */
static bool encrypts_by_default(const struct af_verify_run *r) {
  return r->facts->encryption_by_default || (r->decision->hop && r->facts->launch_encryption_by_default);
}

/* What the copy must be: the named key encrypts all that has data; without one the source is followed, unless the account
 * encrypts everything by itself. */
static bool may_be_encrypted(const struct af_verify_run *r, bool source) {
  return source || *r->decision->key_arn || encrypts_by_default(r);
}
static bool must_be_encrypted(const struct af_verify_run *r, bool source, bool has_data) {
  return source || (has_data && *r->decision->key_arn);
}

static void compare_encrypted(struct af_verify_run *r, const char *attribute, bool source, bool copy, bool has_data) {
  bool fine = copy ? may_be_encrypted(r, source) : !must_be_encrypted(r, source, has_data);
  af_verify_add(r, attribute, fine ? AF_SAME : AF_DIFFERENT, af_verify_truth(must_be_encrypted(r, source, has_data)), af_verify_truth(copy));
}

static void compare_ebs(struct af_verify_run *r, const struct pair *p) {
  const json_t *a = json_object_get(p->source, "Ebs"), *b = json_object_get(p->copy, "Ebs");
  char attribute[AF_ATTRIBUTE_SIZE], x[24], y[24];
  if (!a && !b)
    return;
  number(size_of(a, p->source_snapshot), x);
  number(size_of(b, p->copy_snapshot), y);
  name_of(p, "blockDeviceMapping", "volumeSize", attribute);
  if (a && size_of(a, p->source_snapshot) == 0)
    af_verify_hidden(r, attribute, y);
  else
    af_verify_texts(r, attribute, x, y);
  compare_member(r, p, "volumeType", af_json_str(a, "VolumeType"), af_json_str(b, "VolumeType"));
  compare_rate(r, p, "iops", "Iops", true);
  compare_rate(r, p, "throughput", "Throughput", false);
  compare_member(r, p, "deleteOnTermination", af_verify_truth(af_json_bool(a, "DeleteOnTermination")),
                 af_verify_truth(af_json_bool(b, "DeleteOnTermination")));
  name_of(p, "blockDeviceMapping", "encrypted", attribute);
  bool has_data = *af_mapping_snapshot(p->source);
  compare_encrypted(r, attribute, af_json_bool(a, "Encrypted"), af_json_bool(b, "Encrypted"), has_data);
}

/* --- the snapshot of a mapping --- */

/* The mapping says it too, and can be read where the snapshot can't. */
static bool source_encrypted(const struct pair *p) {
  return af_json_bool(p->source_snapshot, "Encrypted") ||
         (!p->source_snapshot && af_json_bool(json_object_get(p->source, "Ebs"), "Encrypted"));
}

static void compare_key(struct af_verify_run *r, const struct pair *p) {
  char attribute[AF_ATTRIBUTE_SIZE];
  bool encrypted = af_json_bool(p->copy_snapshot, "Encrypted");
  name_of(p, "snapshot", "encrypted", attribute);
  compare_encrypted(r, attribute, source_encrypted(p), encrypted, true);
  name_of(p, "snapshot", "kmsKeyId", attribute);
  /* Without a key of the manifest's an account that encrypts by default takes its own. */
  if (*r->decision->key_arn || !encrypts_by_default(r))
    af_verify_texts(r, attribute, r->decision->key_arn, encrypted ? af_json_str(p->copy_snapshot, "KmsKeyId") : "");
}

/* The tags of a snapshot are its own source's. */
static void compare_snapshot_tags(struct af_verify_run *r, const struct pair *p) {
  char group[AF_ATTRIBUTE_SIZE];
  name_of(p, "snapshotTag", "", group);
  af_verify_tags(r, group, af_mapping_snapshot(p->source), p->copy_snapshot);
}

/* A snapshot is as large as what it is made of: another snapshot, or the volume of an instance, which may be larger than that. */
static void compare_volume_size(struct af_verify_run *r, const struct pair *p) {
  char attribute[AF_ATTRIBUTE_SIZE], x[24], y[24];
  bool of_volume = r->decision->route == AF_ROUTE_LAUNCH_IMAGE || !p->source_snapshot;
  int64_t size = of_volume ? size_of(json_object_get(p->source, "Ebs"), p->source_snapshot) : af_json_int(p->source_snapshot, "VolumeSize");
  number(size, x);
  number(af_json_int(p->copy_snapshot, "VolumeSize"), y);
  name_of(p, "snapshot", "volumeSize", attribute);
  if (size == 0)
    af_verify_hidden(r, attribute, y);
  else
    af_verify_texts(r, attribute, x, y);
}

/* A volume that was launched empty is a volume like any other when an image is made of its instance. */
static bool grows_a_snapshot(const struct af_verify_run *r, const struct pair *p) {
  return r->decision->route == AF_ROUTE_LAUNCH_IMAGE && json_object_get(p->source, "Ebs") && !*af_mapping_snapshot(p->source) &&
         p->copy_snapshot;
}

/* Whether there is a snapshot of its own where there should be one; only then there is more to compare. */
static bool compare_presence(struct af_verify_run *r, const struct pair *p) {
  char attribute[AF_ATTRIBUTE_SIZE];
  const char *id = af_mapping_snapshot(p->copy), *source_id = af_mapping_snapshot(p->source);
  enum af_verdict verdict = AF_SAME;
  if (!*id)
    verdict = AF_MISSING;
  else if (!*source_id || af_streq(id, source_id))
    verdict = AF_DIFFERENT; /* data where none should be, or nothing was copied */
  else if (!p->copy_snapshot)
    verdict = AF_UNREADABLE;
  name_of(p, "snapshot", "", attribute);
  struct af_finding *f = af_verify_add(r, attribute, verdict, source_id, id);
  if (f && grows_a_snapshot(r, p))
    f->allowed = true;
  return verdict == AF_SAME || grows_a_snapshot(r, p);
}

/* --- who may read it --- */

static void share(struct af_verify_run *r, const struct pair *p, enum af_verdict verdict, const char *who) {
  char group[AF_ATTRIBUTE_SIZE], attribute[AF_ATTRIBUTE_SIZE];
  bool more = verdict == AF_DIFFERENT;
  name_of(p, "snapshotPermission", "", group);
  af_attribute_of(group, who, attribute);
  struct af_finding *f = af_verify_add(r, attribute, verdict, more ? "" : who, verdict == AF_SAME || more ? who : "");
  if (f && more && af_verify_more_is_allowed(r, who))
    f->allowed = true;
}

/* Whom the manifest lets launch the image may read its snapshots where it says so; nobody else may. */
static void compare_shares(struct af_verify_run *r, const struct pair *p) {
  const json_t *all = r->copy->snapshot_permissions, *there = json_object_get(all, af_mapping_snapshot(p->copy));
  const json_t *permissions = r->spec->launch_permissions, *wanted = json_object_get(permissions, "accounts");
  if (!json_is_true(json_object_get(permissions, "snapshots")))
    wanted = NULL;
  for (size_t i = 0; i < json_array_size(wanted); i++) {
    const char *who = json_string_value(json_array_get(wanted, i));
    share(r, p, !there ? AF_UNREADABLE : af_json_find(there, "UserId", who) ? AF_SAME : AF_MISSING, who);
  }
  for (size_t i = 0; i < json_array_size(there); i++) {
    const json_t *one = json_array_get(there, i);
    const char *user = af_json_str(one, "UserId"), *who = *user ? user : af_json_str(one, "Group");
    if (!*user || !af_json_lists(wanted, user))
      share(r, p, AF_DIFFERENT, who);
  }
}

static void compare_snapshot(struct af_verify_run *r, const struct pair *p) {
  char attribute[AF_ATTRIBUTE_SIZE];
  if ((!*af_mapping_snapshot(p->source) && !*af_mapping_snapshot(p->copy)) || !compare_presence(r, p))
    return;
  name_of(p, "snapshot", "state", attribute);
  af_verify_texts(r, attribute, "completed", af_json_str(p->copy_snapshot, "State"));
  name_of(p, "snapshot", "ownerId", attribute);
  af_verify_texts(r, attribute, r->facts->target_account, af_json_str(p->copy_snapshot, "OwnerId"));
  compare_volume_size(r, p);
  compare_key(r, p);
  compare_snapshot_tags(r, p);
  compare_shares(r, p);
}

static const char *kind_of(const json_t *mapping) {
  if (!mapping)
    return "";
  return json_object_get(mapping, "NoDevice") ? "noDevice"
         : json_object_get(mapping, "Ebs")    ? "ebs"
                                              : af_json_str(mapping, "VirtualName");
}

static void compare_mapping(struct af_verify_run *r, const json_t *source, const json_t *copy) {
  struct pair p = {
      .device = af_json_str(source ? source : copy, "DeviceName"),
      .source = source,
      .copy = copy,
      .source_snapshot = source ? af_json_find(r->facts->snapshots, "SnapshotId", af_mapping_snapshot(source)) : NULL,
      .copy_snapshot = copy ? af_json_find(r->copy->snapshots, "SnapshotId", af_mapping_snapshot(copy)) : NULL,
  };
  char attribute[AF_ATTRIBUTE_SIZE];
  if (!source || !copy) {
    name_of(&p, "blockDeviceMapping", "", attribute);
    struct af_finding *f = af_verify_add(r, attribute, copy ? AF_DIFFERENT : AF_MISSING, kind_of(source), kind_of(copy));
    if (f && r->decision->route == AF_ROUTE_LAUNCH_IMAGE && json_object_get(source, "NoDevice"))
      f->allowed = true; /* an instance without a device leaves its image nothing to say of it */
    return;
  }
  compare_member(r, &p, "virtualName", af_json_str(source, "VirtualName"), af_json_str(copy, "VirtualName"));
  compare_member(r, &p, "noDevice", af_verify_truth(json_object_get(source, "NoDevice")), af_verify_truth(json_object_get(copy, "NoDevice")));
  if (r->decision->instance_store)
    return; /* the rest is of EBS */
  compare_ebs(r, &p);
  compare_snapshot(r, &p);
}

void af_verify_mappings(struct af_verify_run *r) {
  const json_t *source = json_object_get(r->facts->image, "BlockDeviceMappings");
  const json_t *copy = json_object_get(r->copy->image, "BlockDeviceMappings");
  for (size_t i = 0; i < json_array_size(source); i++) {
    const json_t *mapping = json_array_get(source, i);
    compare_mapping(r, mapping, af_json_find(copy, "DeviceName", af_json_str(mapping, "DeviceName")));
  }
  for (size_t i = 0; i < json_array_size(copy); i++) {
    const json_t *mapping = json_array_get(copy, i);
    if (!af_json_find(source, "DeviceName", af_json_str(mapping, "DeviceName")))
      compare_mapping(r, NULL, mapping);
  }
}
