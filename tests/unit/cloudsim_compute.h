/* What tests of cloudsim's instances share: images that the target may launch, and the calls of an instance's life. */
#ifndef AF_TESTS_UNIT_CLOUDSIM_COMPUTE_H
#define AF_TESTS_UNIT_CLOUDSIM_COMPUTE_H

#include "tests/unit/cloudsim_ec2.h"

#include "tools/cloudsim/ec2_compute.h"

/* The target's own images, of many kinds, and a key pair. */
#define OWN_IMAGES                                                                                                                  \
  "      key_pairs: [mine]\n"                                                                                                       \
  "      snapshots:\n"                                                                                                              \
  "      - {id: snap-000000b1, size: 8}\n"                                                                                          \
  "      - {id: snap-000000b2, size: 8, kms_key: " TARGET_KEY "}\n"                                                                 \
  "      images:\n"                                                                                                                 \
  "      - {id: ami-000000b1, name: own, mappings: [{device: /dev/xvda, snapshot: snap-000000b1}]}\n"                               \
  "      - {id: ami-000000b2, name: own-secret, mappings: [{device: /dev/xvda, snapshot: snap-000000b2}]}\n"                        \
  "      - {id: ami-000000b3, name: arm, architecture: arm64, mappings: [{device: /dev/xvda, snapshot: snap-000000b1}]}\n"          \
  "      - {id: ami-000000b4, name: pv, virtualization: paravirtual, mappings: [{device: /dev/xvda, snapshot: snap-000000b1}]}\n"   \
  "      - {id: ami-000000b5, name: uefi, boot_mode: uefi, tpm_support: v2.0, uefi_data: QU1J, imds_support: v2.0,\n"               \
  "         mappings: [{device: /dev/xvda, snapshot: snap-000000b1}]}\n"                                                            \
  "      - {id: ami-000000b6, name: bios, boot_mode: legacy-bios, ena_support: 'false', mappings: [{device: /dev/xvda, snapshot: snap-000000b1}]}\n" \
  "      - {id: ami-000000b7, name: bundle, root_device_type: instance-store, location: bucket/x.manifest.xml}\n"                   \
  "      - {id: ami-000000b8, name: mac, architecture: arm64_mac, mappings: [{device: /dev/xvda, snapshot: snap-000000b1}]}\n"      \
  "      - {id: ami-000000b9, name: off, state: disabled, mappings: [{device: /dev/xvda, snapshot: snap-000000b1}]}\n"              \
  "      - {id: ami-000000ba, name: young, state: pending, mappings: [{device: /dev/xvda, snapshot: snap-000000b1}]}\n"             \
  "      - {id: ami-000000bc, name: arm-bios, architecture: arm64, boot_mode: legacy-bios, mappings: [{device: /dev/xvda, snapshot: snap-000000b1}]}\n" \
  "      - {id: ami-000000bd, name: empty-disk, mappings: [{device: /dev/xvda, snapshot: snap-000000b1},\n"                         \
  "         {device: /dev/sdb, volume_size: 5, encrypted: true}]}\n"                                                               \
  "      - {id: ami-000000bb, name: tpm-only, tpm_support: v2.0, mappings: [{device: /dev/xvda, snapshot: snap-000000b1}]}\n"

#define RUN "Action=RunInstances&MinCount=1&MaxCount=1"
#define OWN RUN "&ImageId=ami-000000b1&InstanceType=t3.micro"
#define RUN_SOURCE(image) RUN "&InstanceType=m5.large&ImageId=" image

/* No token bucket, and no address for the world: what most tests want. */
#define CALM "quotas: {throttle: false}\n"

static inline void share_image(struct world *w, const char *image) {
  static const char *const none[] = {NULL};
  share(w, image, TARGET, none);
}

static inline void fill(char *to, size_t size, const char *form, const char *id) {
  size_t n = strcspn(form, "@");
  snprintf(to, size, "%.*s%s%s", (int)n, form, form[n] ? id : "", form[n] ? form + n + 1 : "");
}

/* form with the id in the place of '@'. */
static inline int call_id(struct world *w, const char *form, const char *id) {
  char text[1200];
  fill(text, sizeof text, form, id);
  return call_as(w, TARGET, text);
}

/* The id of the instance that the form launches, in one of four buffers in turn. */
static inline const char *launched(struct world *w, const char *form) {
  static char ids[4][64];
  static unsigned turn;
  char *id = ids[turn++ % 4];
  assert_done(w, call_as(w, TARGET, form));
  af_str_copy(id, 64, af_str(value_of(w, "instanceId")));
  return id;
}

/* The first <name> after <instanceState>. */
static inline const char *instance_state(struct world *w, const char *id) {
  static char state[40];
  if (call_id(w, "Action=DescribeInstances&InstanceId.1=@", id) != 200)
    return w->code;
  const char *at = strstr(body_of(w), "<instanceState>");
  at = at ? strstr(at, "<name>") : NULL;
  assert_non_null(at);
  at += strlen("<name>");
  AF_COPY(state, af_str_n(at, strcspn(at, "<")));
  return state;
}

static inline const char *running(struct world *w, const char *form) {
  const char *id = launched(w, form);
  after_s(w, 60);
  assert_string_equal(instance_state(w, id), "running");
  return id;
}

static inline const char *stopped(struct world *w, const char *form) {
  const char *id = running(w, form);
  assert_done(w, call_id(w, "Action=StopInstances&InstanceId.1=@", id));
  after_s(w, 60);
  assert_string_equal(instance_state(w, id), "stopped");
  return id;
}

static inline json_t *audit_of(struct world *w) {
  json_t *audit = json_object();
  cs_audit_ec2(w->sim, cs_sim_time(w->sim, w->now_ms), audit);
  return audit;
}

static inline size_t audit_count(struct world *w, const char *member) {
  json_t *audit = audit_of(w);
  size_t n = json_array_size(json_object_get(audit, member));
  json_decref(audit);
  return n;
}

#endif
