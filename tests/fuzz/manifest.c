/* Fuzz: manifests, YAML and JSON, and what is decided from them.
 *
 * An input is a manifest. Laws: one that is read is read the same from its normal form, and each of its copies is the same after it was
 * stored; whatever a copy asks for, there is a decision, and it has a reason or a refusal. */
#include "plans/facts.h"
#include "plans/manifest.h"
#include "plans/name.h"
#include "plans/route.h"
#include "tests/fuzz/fuzz.h"

#define FACTS                                                                                                                    \
  "{'source_account': '111111111111', 'target_account': '222222222222', 'begun_ms': 1795415340000, 'source_partition': 'aws',"     \
  " 'target_partition': 'aws', 'allowed_images': 'disabled', 'encryption_by_default': false, 'source_keys': [], 'name_holders': [],"                                \
  " 'image': {'ImageId': 'ami-0123456789abcdef0', 'OwnerId': '111111111111', 'Name': 'web-1', 'State': 'available',"                \
  "  'Architecture': 'x86_64', 'VirtualizationType': 'hvm', 'RootDeviceType': 'ebs', 'RootDeviceName': '/dev/xvda',"                \
  "  'PlatformDetails': 'Linux/UNIX', 'UsageOperation': 'RunInstances', 'BlockDeviceMappings': [{'DeviceName': '/dev/xvda',"        \
  "   'Ebs': {'SnapshotId': 'snap-00000000000000001', 'VolumeSize': 8, 'VolumeType': 'gp3', 'Encrypted': false}}]},"                \
  " 'snapshots': [{'SnapshotId': 'snap-00000000000000001', 'OwnerId': '111111111111', 'State': 'completed',"                        \
  "  'StorageTier': 'standard', 'Encrypted': false, 'VolumeSize': 8}]}"

static void decide(const struct af_copy_spec *spec) {
  static struct af_facts facts; /* read once */
  struct af_decision d;
  struct af_error err;
  char name[AF_NAME_SIZE];
  if (!facts.image) {
    json_t *json = fuzz_fixture(FACTS);
    MUST(af_facts_from_json(&facts, json, &err) == 0);
    json_decref(json);
  }
  af_route_decide(spec, &facts, NULL, &d);
  MUST((d.route == AF_ROUTE_NONE) == (d.refusal.class != AF_CLASS_NONE));
  if (d.route == AF_ROUTE_NONE) fuzz_error(&d.refusal);
  else MUST(*d.reason && *d.name);
  if (af_name_expand(spec, &facts, name, &err)) fuzz_error(&err);
}

static void check_stored(const struct af_copy_spec *spec) {
  struct af_copy_spec again;
  struct af_error err;
  json_t *first, *second;
  char *key = NULL;
  MUST(af_copy_spec_to_json(spec, &first) == 0);
  MUST(af_copy_spec_from_json(&again, first, &err) == 0);
  MUST(af_copy_spec_to_json(&again, &second) == 0);
  MUST(json_equal(first, second));
  int rc = af_copy_spec_key(spec, &key);
  MUST(rc == 0 || rc == -AF_ETOOBIG);
  free(key);
  json_decref(first);
  json_decref(second);
  af_copy_spec_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct af_manifest m, again;
  static struct af_mistakes more;
  struct af_error err;
  int rc = af_manifest_read(&m, "manifest", af_str_n((const char *)data, size), &more, &err);
  MUST(rc == -AF_EINVAL || more.n == 0);
  MUST(more.n < AF_MANIFEST_MAX_MISTAKES && (more.n_left == 0 || more.n == AF_MANIFEST_MAX_MISTAKES - 1));
  for (size_t i = 0; i < more.n; i++) {
    MUST(more.list[i].class == AF_CLASS_INVALID);
    fuzz_error(&more.list[i]);
  }
  if (rc) {
    MUST(rc == -AF_EINVAL || rc == -AF_ETOOBIG);
    MUST(err.class == AF_CLASS_INVALID);
    fuzz_error(&err);
    return 0;
  }
  for (size_t i = 0; i < m.n; i++) {
    check_stored(&m.copies[i]);
    decide(&m.copies[i]);
  }
  MUST(af_manifest_read(&again, "normal form", af_str(m.normal), NULL, &err) == 0);
  MUST(af_streq(m.normal, again.normal) && af_streq(m.digest, again.digest) && m.n == again.n);
  af_manifest_done(&again);
  af_manifest_done(&m);
  return 0;
}
