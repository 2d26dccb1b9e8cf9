/* For the tests of verify: a source, a copy of it that was made well, and what is found between them. */
#ifndef AF_TESTS_UNIT_VERIFY_FIXTURE_H
#define AF_TESTS_UNIT_VERIFY_FIXTURE_H

#include "plans/verify.h"
#include "tests/unit/facts_fixture.h"

/* A copy that was made well, to be bent by one thing at a time. */
struct trial {
  struct af_facts facts;
  struct af_copy_spec spec;
  struct af_decision decision;
  json_t *image, *snapshots;
  struct af_copy_reading reading;
  struct af_findings findings;
};

static inline void copy_snapshots(struct trial *t) {
  static const char *const ids[] = {"snap-0000000000000000a", "snap-0000000000000000b"};
  t->snapshots = json_deep_copy(t->facts.snapshots);
  for (size_t i = 0; i < COUNT(ids); i++) {
    json_t *snapshot = json_array_get(t->snapshots, i), *ebs = ebs_of(t->image, i);
    json_object_set_new(snapshot, "SnapshotId", json_string(ids[i]));
    json_object_set_new(snapshot, "OwnerId", json_string(TARGET_ACCOUNT));
    json_object_set_new(ebs, "SnapshotId", json_string(ids[i]));
    if (!*t->decision.key_arn)
      continue;
    json_object_set_new(snapshot, "Encrypted", json_true());
    json_object_set_new(snapshot, "KmsKeyId", json_string(t->decision.key_arn));
    json_object_set_new(ebs, "Encrypted", json_true());
  }
}

static inline void trial_copy(struct trial *t) {
  json_decref(t->image);
  json_decref(t->snapshots);
  af_route_decide(&t->spec, &t->facts, NULL, &t->decision);
  t->image = json_deep_copy(t->facts.image);
  put(t->image, "ImageId", "'ami-0aaaaaaaaaaaaaaaa'");
  put(t->image, "OwnerId", "'" TARGET_ACCOUNT "'");
  json_object_set_new(t->image, "Name", json_string(t->decision.name));
  copy_snapshots(t);
  t->reading = (struct af_copy_reading){
      .image = t->image, .snapshots = t->snapshots, .uefi_data = t->facts.uefi_data, .uefi_readable = true};
}

static inline void trial_init(struct trial *t, bool key) {
  *t = (struct trial){0};
  facts_plain(&t->facts);
  spec_init(&t->spec, key ? "alias/amis" : NULL, "auto");
  if (key) {
    give_target_key(&t->facts);
    encrypt_all(&t->facts, SOURCE_KEY, "CUSTOMER");
  }
  trial_copy(t);
}

static inline void trial_done(struct trial *t) {
  af_findings_done(&t->findings);
  af_facts_done(&t->facts);
  af_copy_spec_done(&t->spec);
  json_decref(t->image);
  json_decref(t->snapshots);
}

static inline void verify(struct trial *t) {
  af_findings_done(&t->findings);
  assert_int_equal(af_verify(&t->spec, &t->facts, &t->decision, &t->reading, &t->findings), 0);
}

static inline const struct af_finding *look_for(const struct trial *t, const char *attribute) {
  for (size_t i = 0; i < t->findings.n; i++)
    if (af_streq(t->findings.list[i].attribute, attribute))
      return &t->findings.list[i];
  return NULL;
}

static inline const struct af_finding *finding(const struct trial *t, const char *attribute) {
  static const struct af_finding none;
  const struct af_finding *f = look_for(t, attribute);
  if (!f)
    fail_msg("there is no finding %s", attribute);
  return f ? f : &none;
}

/* The findings that are not Same, as "attribute Verdict; ...". */
static inline const char *differences(const struct trial *t) {
  static char text[2000];
  text[0] = 0;
  for (size_t i = 0; i < t->findings.n; i++) {
    const struct af_finding *f = &t->findings.list[i];
    size_t n = strlen(text);
    if (f->verdict != AF_SAME)
      snprintf(text + n, sizeof text - n, "%s%s %s", n ? "; " : "", f->attribute, af_verdict_name(f->verdict));
  }
  return text;
}

#define assert_differences(t, want)                                                                                              \
  do {                                                                                                                           \
    verify(t);                                                                                                                   \
    assert_string_equal(differences(t), (want));                                                                                 \
  } while (0)

#endif
