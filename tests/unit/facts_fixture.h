/* Facts for the tests of plans/: an image as DescribeImages gives it, its snapshots and keys, and small tools to bend them. */
#ifndef AF_TESTS_UNIT_FACTS_FIXTURE_H
#define AF_TESTS_UNIT_FACTS_FIXTURE_H

#include <stdlib.h>

#include "plans/route.h"
#include "tests/unit/test.h"

#define SOURCE_ACCOUNT "111111111111"
#define TARGET_ACCOUNT "222222222222"
#define SOURCE_IMAGE "ami-0123456789abcdef0"
#define SOURCE_KEY "arn:aws:kms:us-east-1:111111111111:key/11111111-1111-1111-1111-111111111111"
#define AWS_KEY "arn:aws:kms:us-east-1:111111111111:key/aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
#define TARGET_KEY "arn:aws:kms:eu-west-1:222222222222:key/22222222-2222-2222-2222-222222222222"

/* JSON with ' for ", so that it can be read in C. */
static inline json_t *json_of(const char *text) {
  char *copy = strdup(text);
  for (char *p = copy; *p; p++)
    if (*p == '\'')
      *p = '"';
  json_error_t e;
  json_t *json = json_loads(copy, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);
  if (!json)
    fail_msg("%s in: %s", e.text, text);
  free(copy);
  return json;
}

/* Sets a member to a JSON text; NULL takes it away. */
static inline void put(json_t *object, const char *member, const char *text) {
  assert_int_equal(text ? json_object_set_new(object, member, json_of(text)) : (json_object_del(object, member), 0), 0);
}

static inline json_t *mapping_of(const json_t *image, size_t i) {
  return json_array_get(json_object_get(image, "BlockDeviceMappings"), i);
}
static inline json_t *ebs_of(const json_t *image, size_t i) {
  return json_object_get(mapping_of(image, i), "Ebs");
}

/* Plain Linux with a root volume, a data volume, an empty one and an ephemeral one; owned by the source account, not encrypted.
 */
static inline void facts_plain(struct af_facts *f) {
  af_facts_init(f);
  AF_COPY(f->source_account, af_str(SOURCE_ACCOUNT));
  AF_COPY(f->target_account, af_str(TARGET_ACCOUNT));
  AF_COPY(f->source_partition, af_str("aws"));
  AF_COPY(f->target_partition, af_str("aws"));
  AF_COPY(f->allowed_images, af_str("disabled"));
  f->begun_ms = INT64_C(1795415340000); /* 2026-11-23T06:29:00Z */
  f->image = json_of(
      "{'ImageId': '" SOURCE_IMAGE "', 'OwnerId': '" SOURCE_ACCOUNT "', 'Name': 'web-1', 'ImageLocation': '" SOURCE_ACCOUNT "/web-1', 'State': 'available', 'Public': false,"
      " 'Architecture': 'x86_64', 'VirtualizationType': 'hvm', 'RootDeviceType': 'ebs', 'RootDeviceName': '/dev/xvda',"
      " 'EnaSupport': true, 'SriovNetSupport': 'simple', 'PlatformDetails': 'Linux/UNIX', 'UsageOperation': 'RunInstances',"
      " 'BlockDeviceMappings': ["
      "  {'DeviceName': '/dev/xvda', 'Ebs': {'SnapshotId': 'snap-00000000000000001', 'VolumeSize': 8, 'VolumeType': 'gp3',"
      "    'Iops': 3000, 'Throughput': 125, 'DeleteOnTermination': true, 'Encrypted': false}},"
      "  {'DeviceName': '/dev/xvdb', 'Ebs': {'SnapshotId': 'snap-00000000000000002', 'VolumeSize': 100, 'VolumeType': 'io2',"
      "    'Iops': 5000, 'DeleteOnTermination': false, 'Encrypted': false}},"
      "  {'DeviceName': '/dev/xvdc', 'Ebs': {'VolumeSize': 20, 'VolumeType': 'gp2', 'DeleteOnTermination': true, 'Encrypted': "
      "false}},"
      "  {'DeviceName': '/dev/xvdd', 'VirtualName': 'ephemeral0'}]}");
  f->snapshots =
      json_of("[{'SnapshotId': 'snap-00000000000000001', 'OwnerId': '" SOURCE_ACCOUNT "', 'State': 'completed',"
              " 'StorageTier': 'standard', 'Encrypted': false, 'VolumeSize': 8, 'FullSnapshotSizeInBytes': 2147483648},"
              " {'SnapshotId': 'snap-00000000000000002', 'OwnerId': '" SOURCE_ACCOUNT "', 'State': 'completed',"
              " 'StorageTier': 'standard', 'Encrypted': false, 'VolumeSize': 100}]");
  f->source_keys = json_array();
  f->name_holders = json_array();
}

static inline void add_source_key(struct af_facts *f, const char *arn, const char *manager) {
  json_array_append_new(f->source_keys, json_pack("{s:s, s:s, s:s}", "Arn", arn, "KeyManager", manager, "KeyState", "Enabled"));
}

static inline void encrypt_snapshot(struct af_facts *f, size_t i, const char *arn) {
  json_t *snapshot = json_array_get(f->snapshots, i);
  json_object_set_new(snapshot, "Encrypted", json_true());
  json_object_set_new(snapshot, "KmsKeyId", json_string(arn));
  json_object_set_new(ebs_of(f->image, i), "Encrypted", json_true());
}

static inline void encrypt_all(struct af_facts *f, const char *arn, const char *manager) {
  encrypt_snapshot(f, 0, arn);
  encrypt_snapshot(f, 1, arn);
  add_source_key(f, arn, manager);
}

static inline void give_target_key(struct af_facts *f) {
  json_decref(f->target_key);
  f->target_key = json_of("{'Arn': '" TARGET_KEY "', 'KeyId': '22222222-2222-2222-2222-222222222222', 'KeyState': 'Enabled',"
                          " 'KeySpec': 'SYMMETRIC_DEFAULT', 'KeyUsage': 'ENCRYPT_DECRYPT', 'KeyManager': 'CUSTOMER'}");
}

static inline void own_all(struct af_facts *f, const char *account) {
  json_object_set_new(f->image, "OwnerId", json_string(account));
  for (size_t i = 0; i < json_array_size(f->snapshots); i++)
    json_object_set_new(json_array_get(f->snapshots, i), "OwnerId", json_string(account));
}

/* What the manifest asks for; key may be NULL. */
static inline void spec_init(struct af_copy_spec *spec, const char *key, const char *route) {
  json_t *json = json_of("{'source': {'image': '" SOURCE_IMAGE "', 'region': 'us-east-1'}, 'target': {'region': 'eu-west-1'}}");
  if (key)
    json_object_set_new(json_object_get(json, "target"), "kms_key", json_string(key));
  json_object_set_new(json, "route", json_string(route));
  struct af_error err;
  assert_ok(af_copy_spec_from_json(spec, json, &err), &err);
  json_decref(json);
}

/* The route that the manifest names. */
static inline void spec_route(struct af_copy_spec *spec, const char *route) {
  json_decref(spec->routes);
  spec->routes = af_streq(route, "auto") ? json_array() : json_pack("[s]", route);
}

/* Somebody has the name already; takes over what it is given. */
static inline void hold_name(struct af_facts *f, json_t *holder) {
  json_array_clear(f->name_holders);
  json_array_append_new(f->name_holders, holder);
}
static inline json_t *holder_of(const struct af_facts *f) {
  return json_array_get(f->name_holders, 0);
}

static inline void spec_set(char **slot, const char *text) {
  free(*slot);
  *slot = text ? strdup(text) : NULL;
}

#endif
