/* plans/verify.h: a faithful copy passes, and each single difference is found, named and judged. */
#include "tests/unit/verify_fixture.h"

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
  assert_contains(err.message, "imdsSupport: nothing -> v2.0"); /* the copy is undone: nobody can look any more */
  assert_contains(err.hint, "allow_differences");
  assert_null(strstr(err.hint, "amiferry verify"));
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

TEST(uefi_data_that_only_the_owner_can_read_is_no_fault_of_the_copys) {
  struct trial t;
  struct af_error err;
  trial_init(&t, false);
  t.facts.uefi_unreadable = true;
  t.reading.uefi_data = "QU1aAAA=";
  assert_differences(&t, "uefiData Unreadable");
  assert_true(finding(&t, "uefiData")->allowed);
  assert_ok(af_findings_judge(&t.findings, &err), &err);
  trial_done(&t);
}

TEST(uefi_data_may_change_when_an_image_is_launched_but_not_get_lost) {
  struct trial t;
  struct af_error err;
  trial_init(&t, false);
  t.facts.uefi_data = strdup("QU1aAAA=");
  t.reading.uefi_data = "QU1aAAB=";
  verify(&t);
  assert_int_equal(af_findings_judge(&t.findings, &err), -AF_EAWS);
  t.decision.route = AF_ROUTE_LAUNCH_IMAGE;
  assert_differences(&t, "uefiData Different");
  assert_ok(af_findings_judge(&t.findings, &err), &err);
  t.reading.uefi_data = NULL;
  assert_differences(&t, "uefiData Missing");
  assert_int_equal(af_findings_judge(&t.findings, &err), -AF_EAWS);
  trial_done(&t);
}

/* A snapshot that is shared with nobody can be launched from, and not be read. */
TEST(a_source_snapshot_that_could_not_be_read_leaves_what_the_mapping_says) {
  struct trial t;
  struct af_error err;
  trial_init(&t, true);
  json_array_clear(t.facts.snapshots);
  assert_differences(&t, "");
  put(json_array_get(t.snapshots, 0), "Encrypted", "false");
  t.decision.key_arn[0] = 0;
  verify(&t);
  assert_int_equal(finding(&t, "snapshot[/dev/xvda].encrypted")->verdict, AF_DIFFERENT);
  put(json_array_get(t.snapshots, 0), "VolumeSize", "9");
  verify(&t);
  assert_int_equal(finding(&t, "snapshot[/dev/xvda].volumeSize")->verdict, AF_DIFFERENT);
  trial_done(&t);
  trial_init(&t, true);
  json_array_clear(t.facts.snapshots);
  put(ebs_of(t.facts.image, 0), "VolumeSize", NULL);
  assert_differences(&t, "blockDeviceMapping[/dev/xvda].volumeSize Unreadable; snapshot[/dev/xvda].volumeSize Unreadable");
  assert_ok(af_findings_judge(&t.findings, &err), &err);
  trial_done(&t);
}

/* The copy has the empty volume /dev/xvdc as a snapshot. */
static void grow(struct trial *t, const char *key) {
  json_t *snapshot = json_deep_copy(json_array_get(t->snapshots, 0));
  put(snapshot, "SnapshotId", "'snap-0000000000000000c'");
  put(snapshot, "VolumeSize", "20");
  put(snapshot, "KmsKeyId", key);
  json_array_append_new(t->snapshots, snapshot);
  put(ebs_of(t->image, 2), "SnapshotId", "'snap-0000000000000000c'");
}

TEST(an_empty_volume_that_was_launched_has_a_snapshot_which_is_held_to_the_same) {
  struct trial t;
  struct af_error err;
  trial_init(&t, true);
  grow(&t, "'" TARGET_KEY "'");
  assert_differences(&t, "snapshot[/dev/xvdc] Different");
  assert_int_equal(af_findings_judge(&t.findings, &err), -AF_EAWS);
  t.decision.route = AF_ROUTE_LAUNCH_IMAGE;
  assert_differences(&t, "snapshot[/dev/xvdc] Different");
  assert_ok(af_findings_judge(&t.findings, &err), &err);
  put(json_array_get(t.snapshots, 2), "KmsKeyId", "'" SOURCE_KEY "'");
  put(json_array_get(t.snapshots, 2), "OwnerId", "'" SOURCE_ACCOUNT "'");
  put(json_array_get(t.snapshots, 2), "VolumeSize", "21");
  assert_differences(&t, "snapshot[/dev/xvdc] Different; snapshot[/dev/xvdc].ownerId Different; snapshot[/dev/xvdc].volumeSize "
                         "Different; snapshot[/dev/xvdc].kmsKeyId Different");
  assert_int_equal(af_findings_judge(&t.findings, &err), -AF_EAWS);
  json_array_remove(t.snapshots, 2);
  assert_differences(&t, "snapshot[/dev/xvdc] Different");
  assert_int_equal(af_findings_judge(&t.findings, &err), -AF_EAWS);
  trial_done(&t);
}

TEST(the_snapshot_of_a_launched_volume_is_as_large_as_the_volume_and_of_a_copy_as_large_as_the_snapshot) {
  struct trial t;
  trial_init(&t, false);
  put(ebs_of(t.facts.image, 1), "VolumeSize", "99");
  put(ebs_of(t.image, 1), "VolumeSize", "99");
  assert_differences(&t, "");
  t.decision.route = AF_ROUTE_LAUNCH_IMAGE;
  assert_differences(&t, "snapshot[/dev/xvdb].volumeSize Different");
  put(json_array_get(t.snapshots, 1), "VolumeSize", "99");
  assert_differences(&t, "");
  t.decision.route = AF_ROUTE_COPY_IMAGE;
  assert_differences(&t, "snapshot[/dev/xvdb].volumeSize Different");
  trial_done(&t);
}

TEST(product_codes_and_watermarks_must_come_along) {
  struct trial t;
  struct af_error err;
  trial_init(&t, false);
  put(t.facts.image, "ProductCodes", "[{'ProductCodeId': 'prod-abc', 'ProductCodeType': 'marketplace'}]");
  put(t.facts.image, "ImageWatermarks",
      "[{'WatermarkKey': 'golden', 'SourceImageId': 'ami-1', 'SourceImageRegion': 'us-east-1', 'WatermarkCreationTime': 'then'}]");
  assert_differences(&t, "productCode[prod-abc] Missing; watermark[golden] Missing");
  put(t.image, "ProductCodes", "[{'ProductCodeId': 'prod-abc', 'ProductCodeType': 'devpay'}]");
  put(t.image, "ImageWatermarks", "[{'WatermarkKey': 'golden', 'SourceImageId': 'ami-2', 'SourceImageRegion': 'us-east-1'}]");
  assert_differences(&t, "productCode[prod-abc] Different; watermark[golden] Different");
  json_array_append_new(t.spec.allow_differences, json_string("productCode"));
  json_array_append_new(t.spec.allow_differences, json_string("watermark[golden]"));
  verify(&t);
  assert_int_equal(af_findings_judge(&t.findings, &err), 0);
  put(t.image, "ProductCodes", "[{'ProductCodeId': 'prod-abc', 'ProductCodeType': 'marketplace'}]");
  put(t.image, "ImageWatermarks", "[{'WatermarkKey': 'golden', 'SourceImageId': 'ami-1', 'SourceImageRegion': 'us-east-1'}]");
  assert_differences(&t, "");
  trial_done(&t);
}

TEST(a_device_that_is_left_out_may_go_unsaid_after_a_launch) {
  struct trial t;
  struct af_error err;
  trial_init(&t, false);
  json_array_append_new(json_object_get(t.facts.image, "BlockDeviceMappings"),
                        json_of("{'DeviceName': '/dev/sdz', 'NoDevice': ''}"));
  t.decision.route = AF_ROUTE_LAUNCH_IMAGE;
  assert_differences(&t, "blockDeviceMapping[/dev/sdz] Missing");
  assert_ok(af_findings_judge(&t.findings, &err), &err);
  json_array_remove(json_object_get(t.image, "BlockDeviceMappings"), 3);
  assert_differences(&t, "blockDeviceMapping[/dev/xvdd] Missing; blockDeviceMapping[/dev/sdz] Missing");
  assert_int_equal(af_findings_judge(&t.findings, &err), -AF_EAWS);
  trial_done(&t);
}

TEST(what_encrypts_by_default_where_an_image_is_launched_counts_when_the_copy_goes_on_from_there) {
  struct trial t;
  trial_init(&t, false);
  put(json_array_get(t.snapshots, 0), "Encrypted", "true");
  put(json_array_get(t.snapshots, 0), "KmsKeyId", "'arn:aws:kms:eu-west-1:222222222222:key/default'");
  put(ebs_of(t.image, 0), "Encrypted", "true");
  t.facts.launch_encryption_by_default = true;
  verify(&t);
  assert_contains(differences(&t), "snapshot[/dev/xvda].encrypted Different");
  t.decision.hop = true;
  assert_differences(&t, "");
  trial_done(&t);
}

TEST(a_copy_in_s3_is_compared_without_what_is_of_ebs) {
  struct trial t;
  trial_init(&t, true);
  t.decision.instance_store = true;
  put(t.facts.image, "RootDeviceType", "'instance-store'");
  put(t.image, "RootDeviceType", "'instance-store'");
  put(mapping_of(t.facts.image, 0), "Ebs", NULL);
  put(mapping_of(t.facts.image, 0), "VirtualName", "'ami'");
  put(mapping_of(t.image, 0), "Ebs", NULL);
  put(mapping_of(t.image, 0), "VirtualName", "'ami'");
  t.reading.snapshots = NULL;
  assert_differences(&t, "");
  assert_null(look_for(&t, "snapshot[/dev/xvdb]"));
  put(mapping_of(t.image, 3), "VirtualName", "'ephemeral1'");
  put(mapping_of(t.image, 0), "NoDevice", "''");
  assert_differences(&t, "blockDeviceMapping[/dev/xvda].noDevice Different; blockDeviceMapping[/dev/xvdd].virtualName Different");
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
      cmocka_unit_test(uefi_data_that_only_the_owner_can_read_is_no_fault_of_the_copys),
      cmocka_unit_test(uefi_data_may_change_when_an_image_is_launched_but_not_get_lost),
      cmocka_unit_test(a_source_snapshot_that_could_not_be_read_leaves_what_the_mapping_says),
      cmocka_unit_test(an_empty_volume_that_was_launched_has_a_snapshot_which_is_held_to_the_same),
      cmocka_unit_test(the_snapshot_of_a_launched_volume_is_as_large_as_the_volume_and_of_a_copy_as_large_as_the_snapshot),
      cmocka_unit_test(product_codes_and_watermarks_must_come_along),
      cmocka_unit_test(a_device_that_is_left_out_may_go_unsaid_after_a_launch),
      cmocka_unit_test(what_encrypts_by_default_where_an_image_is_launched_counts_when_the_copy_goes_on_from_there),
      cmocka_unit_test(a_copy_in_s3_is_compared_without_what_is_of_ebs),
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
