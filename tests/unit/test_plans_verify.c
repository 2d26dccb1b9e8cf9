/* plans/verify.h: a faithful copy passes, and each single difference is found, named and judged. */
#include "tests/unit/facts_fixture.h"

#include "plans/verify.h"

/* A copy that was made well, to be bent by one thing at a time. */
struct trial {
  struct af_facts facts;
  struct af_copy_spec spec;
  struct af_decision decision;
  json_t *image, *snapshots;
  struct af_copy_reading reading;
  struct af_findings findings;
};

static void copy_snapshots(struct trial *t) {
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

static void trial_copy(struct trial *t) {
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

static void trial_init(struct trial *t, bool key) {
  *t = (struct trial){0};
  facts_plain(&t->facts);
  spec_init(&t->spec, key ? "alias/amis" : NULL, "auto");
  if (key) {
    give_target_key(&t->facts);
    encrypt_all(&t->facts, SOURCE_KEY, "CUSTOMER");
  }
  trial_copy(t);
}

static void trial_done(struct trial *t) {
  af_findings_done(&t->findings);
  af_facts_done(&t->facts);
  af_copy_spec_done(&t->spec);
  json_decref(t->image);
  json_decref(t->snapshots);
}

static void verify(struct trial *t) {
  af_findings_done(&t->findings);
  assert_int_equal(af_verify(&t->spec, &t->facts, &t->decision, &t->reading, &t->findings), 0);
}

static const struct af_finding *look_for(const struct trial *t, const char *attribute) {
  for (size_t i = 0; i < t->findings.n; i++)
    if (af_streq(t->findings.list[i].attribute, attribute))
      return &t->findings.list[i];
  return NULL;
}

static const struct af_finding *finding(const struct trial *t, const char *attribute) {
  static const struct af_finding none;
  const struct af_finding *f = look_for(t, attribute);
  if (!f)
    fail_msg("there is no finding %s", attribute);
  return f ? f : &none;
}

/* The findings that are not Same, as "attribute Verdict; ...". */
static const char *differences(const struct trial *t) {
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

TEST(a_faithful_copy_has_no_difference) {
  for (int key = 0; key < 2; key++) {
    struct trial t;
    struct af_error err;
    trial_init(&t, key);
    assert_differences(&t, "");
    assert_ok(af_findings_judge(&t.findings, &err), &err);
    assert_true(t.findings.n > 40);
    trial_done(&t);
  }
}

TEST(all_that_the_design_names_is_looked_at) {
  static const char *const attributes[] = {"state",
                                           "ownerId",
                                           "name",
                                           "architecture",
                                           "bootMode",
                                           "tpmSupport",
                                           "imdsSupport",
                                           "enaSupport",
                                           "sriovNetSupport",
                                           "virtualizationType",
                                           "rootDeviceName",
                                           "rootDeviceType",
                                           "kernelId",
                                           "ramdiskId",
                                           "platform",
                                           "platformDetails",
                                           "usageOperation",
                                           "uefiData",
                                           "blockDeviceMapping[/dev/xvda].virtualName",
                                           "blockDeviceMapping[/dev/xvda].noDevice",
                                           "blockDeviceMapping[/dev/xvda].volumeSize",
                                           "blockDeviceMapping[/dev/xvda].volumeType",
                                           "blockDeviceMapping[/dev/xvda].iops",
                                           "blockDeviceMapping[/dev/xvda].throughput",
                                           "blockDeviceMapping[/dev/xvda].deleteOnTermination",
                                           "blockDeviceMapping[/dev/xvda].encrypted",
                                           "snapshot[/dev/xvda]",
                                           "snapshot[/dev/xvda].state",
                                           "snapshot[/dev/xvda].ownerId",
                                           "snapshot[/dev/xvda].volumeSize",
                                           "snapshot[/dev/xvda].encrypted",
                                           "snapshot[/dev/xvda].kmsKeyId",
                                           "blockDeviceMapping[/dev/xvdc].volumeSize",
                                           "blockDeviceMapping[/dev/xvdd].virtualName"};
  struct trial t;
  trial_init(&t, true);
  verify(&t);
  for (size_t i = 0; i < COUNT(attributes); i++)
    finding(&t, attributes[i]);
  assert_null(look_for(&t, "snapshot[/dev/xvdc]"));
  trial_done(&t);
}

/* Where a row bends the copy. */
enum place { IMAGE, MAPPING0, EBS0, EBS1, EBS2, MAPPING3, SNAPSHOT0, SNAPSHOT1 };

static json_t *place_of(const struct trial *t, enum place place) {
  switch (place) {
  case MAPPING0:
    return mapping_of(t->image, 0);
  case MAPPING3:
    return mapping_of(t->image, 3);
  case EBS0:
  case EBS1:
  case EBS2:
    return ebs_of(t->image, place - EBS0);
  case SNAPSHOT0:
  case SNAPSHOT1:
    return json_array_get(t->snapshots, place - SNAPSHOT0);
  default:
    return t->image;
  }
}

static const struct bend {
  enum place place;
  const char *member, *value, *differences;
} bends[] = {
    {IMAGE, "State", "'pending'", "state Different"},
    {IMAGE, "State", NULL, "state Missing"},
    {IMAGE, "OwnerId", "'111111111111'", "ownerId Different"},
    {IMAGE, "Name", "'web-2'", "name Different"},
    {IMAGE, "Architecture", "'i386'", "architecture Different"},
    {IMAGE, "BootMode", "'uefi'", "bootMode Different"},
    {IMAGE, "TpmSupport", "'v2.0'", "tpmSupport Different"},
    {IMAGE, "ImdsSupport", "'v2.0'", "imdsSupport Different"},
    {IMAGE, "EnaSupport", "false", "enaSupport Different"},
    {IMAGE, "EnaSupport", NULL, "enaSupport Different"},
    {IMAGE, "SriovNetSupport", NULL, "sriovNetSupport Missing"},
    {IMAGE, "VirtualizationType", "'paravirtual'", "virtualizationType Different"},
    {IMAGE, "RootDeviceName", "'/dev/sda1'", "rootDeviceName Different"},
    {IMAGE, "RootDeviceType", "'instance-store'", "rootDeviceType Different"},
    {IMAGE, "KernelId", "'aki-1'", "kernelId Different"},
    {IMAGE, "RamdiskId", "'ari-1'", "ramdiskId Different"},
    {IMAGE, "Platform", "'windows'", "platform Different"},
    {IMAGE, "PlatformDetails", "'Windows'", "platformDetails Different"},
    {IMAGE, "PlatformDetails", NULL, "platformDetails Missing"},
    {IMAGE, "UsageOperation", "'RunInstances:0002'", "usageOperation Different"},
    {MAPPING0, "VirtualName", "'ephemeral1'", "blockDeviceMapping[/dev/xvda].virtualName Different"},
    {MAPPING0, "NoDevice", "''", "blockDeviceMapping[/dev/xvda].noDevice Different; snapshot[/dev/xvda] Missing"},
    {MAPPING3, "VirtualName", "'ephemeral1'", "blockDeviceMapping[/dev/xvdd].virtualName Different"},
    {MAPPING3, "VirtualName", NULL, "blockDeviceMapping[/dev/xvdd].virtualName Missing"},
    {MAPPING3, "DeviceName", "'/dev/xvde'", "blockDeviceMapping[/dev/xvdd] Missing; blockDeviceMapping[/dev/xvde] Different"},
    {EBS0, "VolumeSize", "9", "blockDeviceMapping[/dev/xvda].volumeSize Different"},
    {EBS0, "VolumeType", "'gp2'", "blockDeviceMapping[/dev/xvda].volumeType Different"},
    {EBS0, "Iops", "4000", "blockDeviceMapping[/dev/xvda].iops Different"},
    {EBS0, "Throughput", "250", "blockDeviceMapping[/dev/xvda].throughput Different"},
    {EBS0, "DeleteOnTermination", "false", "blockDeviceMapping[/dev/xvda].deleteOnTermination Different"},
    {EBS0, "Encrypted", "false", "blockDeviceMapping[/dev/xvda].encrypted Different"},
    {EBS1, "Iops", NULL, "blockDeviceMapping[/dev/xvdb].iops Different"},
    {EBS2, "VolumeSize", "21", "blockDeviceMapping[/dev/xvdc].volumeSize Different"},
    {EBS2, "SnapshotId", "'snap-0000000000000000c'", "snapshot[/dev/xvdc] Different"},
    {EBS0, "SnapshotId", NULL, "snapshot[/dev/xvda] Missing"},
    {EBS0, "SnapshotId", "'snap-00000000000000001'", "snapshot[/dev/xvda] Different"},
    {EBS0, "SnapshotId", "'snap-0000000000000000c'", "snapshot[/dev/xvda] Unreadable"},
    {SNAPSHOT0, "State", "'pending'", "snapshot[/dev/xvda].state Different"},
    {SNAPSHOT0, "OwnerId", "'111111111111'", "snapshot[/dev/xvda].ownerId Different"},
    {SNAPSHOT1, "VolumeSize", "99", "snapshot[/dev/xvdb].volumeSize Different"},
    {SNAPSHOT1, "KmsKeyId", "'" SOURCE_KEY "'", "snapshot[/dev/xvdb].kmsKeyId Different"},
    {SNAPSHOT1, "KmsKeyId", NULL, "snapshot[/dev/xvdb].kmsKeyId Missing"},
    {SNAPSHOT0, "Encrypted", "false", "snapshot[/dev/xvda].encrypted Different; snapshot[/dev/xvda].kmsKeyId Missing"},
};

TEST(each_single_difference_is_found_and_only_that) {
  for (size_t i = 0; i < COUNT(bends); i++) {
    struct trial t;
    struct af_error err;
    trial_init(&t, true);
    /* A kernel of the same Region must be the same; that of another Region has a test of its own. */
    spec_set(&t.spec.target.region, "us-east-1");
    put(place_of(&t, bends[i].place), bends[i].member, bends[i].value);
    verify(&t);
    if (!af_streq(differences(&t), bends[i].differences))
      fail_msg("%s = %s: \"%s\", not \"%s\"", bends[i].member, bends[i].value ? bends[i].value : "(none)", differences(&t),
               bends[i].differences);
    assert_int_equal(af_findings_judge(&t.findings, &err), -AF_EAWS);
    trial_done(&t);
  }
}

TEST(a_verdict_names_the_attributes_and_says_what_to_do) {
  struct trial t;
  struct af_error err;
  trial_init(&t, false);
  put(t.image, "ImdsSupport", "'v2.0'");
  put(t.image, "SriovNetSupport", NULL);
  verify(&t);
  assert_error(af_findings_judge(&t.findings, &err), -AF_EAWS, &err,
               "imdsSupport (Different), sriovNetSupport (Missing) (2 in all)");
  assert_int_equal(err.class, AF_CLASS_REFUSED);
  assert_string_equal(err.code, "VerifyDifference");
  assert_contains(err.hint, "allow_differences");
  assert_string_equal(finding(&t, "imdsSupport")->source, "");
  assert_string_equal(finding(&t, "imdsSupport")->copy, "v2.0");
  trial_done(&t);
}

TEST(a_long_verdict_is_cut_but_counted) {
  struct trial t;
  struct af_error err;
  trial_init(&t, false);
  json_t *mappings = json_object_get(t.image, "BlockDeviceMappings");
  for (int i = 0; i < 60; i++)
    json_array_append_new(mappings,
                          json_pack("{s:o, s:s}", "DeviceName", json_sprintf("/dev/extra-%d", i), "VirtualName", "ephemeral9"));
  verify(&t);
  assert_error(af_findings_judge(&t.findings, &err), -AF_EAWS, &err, "... (60 in all)");
  trial_done(&t);
}

TEST(the_manifest_may_allow_a_difference_but_not_of_what_counts) {
  struct trial t;
  struct af_error err;
  trial_init(&t, true);
  json_array_append_new(t.spec.allow_differences, json_string("blockDeviceMapping[/dev/xvda].volumeType"));
  json_array_append_new(t.spec.allow_differences, json_string("imdsSupport"));
  json_array_append_new(t.spec.allow_differences, json_string("snapshot.encrypted"));
  put(t.image, "ImdsSupport", "'v2.0'");
  put(ebs_of(t.image, 0), "VolumeType", "'gp2'");
  verify(&t);
  assert_true(finding(&t, "imdsSupport")->allowed);
  assert_false(finding(&t, "bootMode")->allowed);
  assert_ok(af_findings_judge(&t.findings, &err), &err);
  put(ebs_of(t.image, 1), "VolumeType", "'gp2'");
  verify(&t);
  assert_error(af_findings_judge(&t.findings, &err), -AF_EAWS, &err, "/dev/xvdb].volumeType");
  put(ebs_of(t.image, 1), "VolumeType", "'io2'");
  put(json_array_get(t.snapshots, 0), "Encrypted", "false");
  verify(&t);
  assert_error(af_findings_judge(&t.findings, &err), -AF_EAWS, &err, "snapshot[/dev/xvda].encrypted");
  trial_done(&t);
}

TEST(a_kernel_of_another_region_may_differ_but_not_be_missing) {
  struct trial t;
  struct af_error err;
  trial_init(&t, false);
  put(t.facts.image, "RamdiskId", "'ari-1'");
  put(t.image, "RamdiskId", "'ari-2'");
  put(t.facts.image, "KernelId", "'aki-1'");
  put(t.image, "KernelId", "'aki-2'");
  verify(&t);
  assert_true(finding(&t, "kernelId")->verdict == AF_DIFFERENT && finding(&t, "kernelId")->allowed);
  assert_ok(af_findings_judge(&t.findings, &err), &err);
  put(t.image, "KernelId", NULL);
  verify(&t);
  assert_error(af_findings_judge(&t.findings, &err), -AF_EAWS, &err, "kernelId (Missing)");
  put(t.facts.image, "KernelId", NULL);
  put(t.image, "KernelId", "'aki-2'");
  verify(&t);
  assert_error(af_findings_judge(&t.findings, &err), -AF_EAWS, &err, "kernelId (Different)");
  trial_done(&t);
}

TEST(uefi_data_is_compared_and_shown_by_its_digest) {
  struct trial t;
  trial_init(&t, false);
  t.facts.uefi_data = strdup("QU1aAAA=");
  assert_differences(&t, "uefiData Missing");
  t.reading.uefi_data = "QU1aAAB=";
  assert_differences(&t, "uefiData Different");
  assert_contains(finding(&t, "uefiData")->source, "8 characters, SHA-256 ");
  assert_string_not_equal(finding(&t, "uefiData")->source, finding(&t, "uefiData")->copy);
  t.reading.uefi_data = "QU1aAAA=";
  assert_differences(&t, "");
  t.reading.uefi_data = NULL;
  t.reading.uefi_readable = false;
  assert_differences(&t, "uefiData Unreadable");
  free(t.facts.uefi_data);
  t.facts.uefi_data = NULL;
  assert_differences(&t, "");
  t.reading.uefi_readable = true;
  t.reading.uefi_data = "QU1aAAA=";
  assert_differences(&t, "uefiData Different");
  trial_done(&t);
}

TEST(wanted_tags_must_be_there_and_others_may) {
  struct trial t;
  trial_init(&t, false);
  put(t.spec.tags, "team", "'web'");
  put(t.spec.tags, "empty", "''");
  assert_differences(&t, "tag[team] Missing; tag[empty] Missing");
  put(t.image, "Tags", "[{'Key': 'team', 'Value': 'db'}, {'Key': 'empty', 'Value': ''}, {'Key': 'more', 'Value': 'x'}]");
  assert_differences(&t, "tag[team] Different");
  json_array_append_new(t.spec.allow_differences, json_string("tag[team]"));
  verify(&t);
  assert_true(finding(&t, "tag[team]")->allowed);
  trial_done(&t);
}

TEST(a_wanted_description_is_compared_and_an_unwanted_one_is_not) {
  struct trial t;
  trial_init(&t, false);
  put(t.image, "Description", "'[Copied ami-1 from us-east-1]'");
  assert_differences(&t, "");
  assert_null(look_for(&t, "description"));
  put(t.facts.image, "Description", "'the web server'");
  assert_differences(&t, "description Different");
  spec_set(&t.spec.description, "[Copied ami-1 from us-east-1]");
  assert_differences(&t, "");
  trial_done(&t);
}

TEST(an_account_that_encrypts_by_default_may_encrypt_what_the_source_left_open) {
  struct trial t;
  trial_init(&t, false);
  for (size_t i = 0; i < 2; i++) {
    put(json_array_get(t.snapshots, i), "Encrypted", "true");
    put(json_array_get(t.snapshots, i), "KmsKeyId", "'arn:aws:kms:eu-west-1:222222222222:key/default'");
    put(ebs_of(t.image, i), "Encrypted", "true");
  }
  put(ebs_of(t.image, 2), "Encrypted", "true");
  verify(&t);
  assert_contains(differences(&t), "snapshot[/dev/xvda].encrypted Different; snapshot[/dev/xvda].kmsKeyId Different");
  t.facts.encryption_by_default = true;
  assert_differences(&t, "");
  put(json_array_get(t.snapshots, 0), "Encrypted", "false");
  assert_differences(&t, "");
  trial_done(&t);
}

TEST(with_a_key_named_encryption_by_default_excuses_nothing) {
  struct trial t;
  trial_init(&t, true);
  t.facts.encryption_by_default = true;
  put(json_array_get(t.snapshots, 0), "KmsKeyId", "'arn:aws:kms:eu-west-1:222222222222:key/default'");
  assert_differences(&t, "snapshot[/dev/xvda].kmsKeyId Different");
  trial_done(&t);
}

TEST(all_volumes_with_data_are_under_the_key_whatever_they_were) {
  struct trial t;
  trial_init(&t, true);
  put(json_array_get(t.facts.snapshots, 0), "Encrypted", "false");
  put(json_array_get(t.facts.snapshots, 0), "KmsKeyId", NULL);
  put(ebs_of(t.facts.image, 0), "Encrypted", "false");
  trial_copy(&t);
  assert_differences(&t, "");
  put(ebs_of(t.image, 2), "Encrypted", "true");
  assert_differences(&t, "");
  put(json_array_get(t.snapshots, 0), "Encrypted", "false");
  assert_differences(&t, "snapshot[/dev/xvda].encrypted Different; snapshot[/dev/xvda].kmsKeyId Missing");
  trial_done(&t);
}

TEST(values_that_a_volume_type_has_by_itself_need_not_be_named) {
  struct trial t;
  trial_init(&t, false);
  put(ebs_of(t.image, 0), "Iops", NULL);
  put(ebs_of(t.image, 0), "Throughput", NULL);
  put(ebs_of(t.image, 2), "Iops", "100");
  put(ebs_of(t.image, 0), "VolumeSize", NULL);
  assert_differences(&t, "");
  put(ebs_of(t.facts.image, 2), "Iops", "200");
  put(ebs_of(t.facts.image, 1), "Iops", NULL);
  assert_differences(&t, "blockDeviceMapping[/dev/xvdb].iops Different; blockDeviceMapping[/dev/xvdc].iops Different");
  trial_done(&t);
}

TEST(a_mapping_more_or_less_is_a_finding) {
  struct trial t;
  trial_init(&t, false);
  json_array_remove(json_object_get(t.image, "BlockDeviceMappings"), 1);
  assert_differences(&t, "blockDeviceMapping[/dev/xvdb] Missing");
  assert_string_equal(finding(&t, "blockDeviceMapping[/dev/xvdb]")->source, "ebs");
  json_array_append_new(json_object_get(t.facts.image, "BlockDeviceMappings"),
                        json_of("{'DeviceName': '/dev/sdz', 'NoDevice': ''}"));
  assert_differences(&t, "blockDeviceMapping[/dev/xvdb] Missing; blockDeviceMapping[/dev/sdz] Missing");
  assert_string_equal(finding(&t, "blockDeviceMapping[/dev/sdz]")->source, "noDevice");
  json_array_insert_new(json_object_get(t.image, "BlockDeviceMappings"), 0,
                        json_of("{'DeviceName': '/dev/sda', 'VirtualName': 'ephemeral1'}"));
  verify(&t);
  assert_string_equal(finding(&t, "blockDeviceMapping[/dev/sda]")->copy, "ephemeral1");
  trial_done(&t);
}

TEST(a_copy_that_was_not_read_is_missing_everything_and_nothing_crashes) {
  struct trial t;
  struct af_error err;
  trial_init(&t, true);
  t.reading = (struct af_copy_reading){0};
  verify(&t);
  assert_contains(differences(&t), "state Missing; ownerId Missing; name Missing; architecture Missing");
  assert_int_equal(af_findings_judge(&t.findings, &err), -AF_EAWS);
  trial_done(&t);
}

TEST(long_values_are_cut_where_a_character_ends) {
  struct trial t;
  char text[701];
  trial_init(&t, false);
  for (size_t i = 0; i < 350; i++)
    memcpy(text + 2 * i, "\xC3\xA9", 2);
  text[700] = 0;
  json_object_set_new(t.image, "PlatformDetails", json_string(text));
  verify(&t);
  const struct af_finding *f = finding(&t, "platformDetails");
  assert_true(strlen(f->copy) > 250 && af_str_utf8(af_str(f->copy)));
  trial_done(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_faithful_copy_has_no_difference),
      cmocka_unit_test(all_that_the_design_names_is_looked_at),
      cmocka_unit_test(each_single_difference_is_found_and_only_that),
      cmocka_unit_test(a_verdict_names_the_attributes_and_says_what_to_do),
      cmocka_unit_test(a_long_verdict_is_cut_but_counted),
      cmocka_unit_test(the_manifest_may_allow_a_difference_but_not_of_what_counts),
      cmocka_unit_test(a_kernel_of_another_region_may_differ_but_not_be_missing),
      cmocka_unit_test(uefi_data_is_compared_and_shown_by_its_digest),
      cmocka_unit_test(wanted_tags_must_be_there_and_others_may),
      cmocka_unit_test(a_wanted_description_is_compared_and_an_unwanted_one_is_not),
      cmocka_unit_test(an_account_that_encrypts_by_default_may_encrypt_what_the_source_left_open),
      cmocka_unit_test(with_a_key_named_encryption_by_default_excuses_nothing),
      cmocka_unit_test(all_volumes_with_data_are_under_the_key_whatever_they_were),
      cmocka_unit_test(values_that_a_volume_type_has_by_itself_need_not_be_named),
      cmocka_unit_test(a_mapping_more_or_less_is_a_finding),
      cmocka_unit_test(a_copy_that_was_not_read_is_missing_everything_and_nothing_crashes),
      cmocka_unit_test(long_values_are_cut_where_a_character_ends),
  };
  return cmocka_run_group_tests_name("plans/verify", tests, NULL, NULL);
}
