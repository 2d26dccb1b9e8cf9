/* cloudsim: what a world file may say, and what the audit tells of a history. */
#include "tests/unit/cloudsim_ec2.h"

/* --- world files --- */

static void assert_bad_world(const char *text, const char *part) {
  struct world w;
  struct af_error err;
  reset_front();
  int rc = load_world(&w, text, &err);
  world_done(&w);
  if (rc == 0 || !strstr(err.message, part))
    fail_msg("%s\n%s", text, rc == 0 ? "was taken" : err.message);
}

static void assert_good_world(const char *text) {
  struct world w;
  struct af_error err;
  reset_front();
  assert_ok(load_world(&w, text, &err), &err);
  world_done(&w);
}

TEST(errors_name_line_and_path) {
  static const struct {
    const char *text, *part;
  } bad[] = {
      {"[]", "world.yaml:1"},
      {"speed: 2\ncolour: red\n", "world.yaml:2"},
      {"speed: 2\nlatencies:\n  read_lagg: 2\n", "read_lag"},
      {"latencies:\n  read_lag: [3, 2]\n", "latencies.read_lag"},
      {"latencies:\n  read_lag: soon\n", "must be a number"},
      {"latencies:\n  read_lag: -1\n", "must not be negative"},
      {"latencies: {copy_mib_per_s: 1, copy_seconds_per_gib: 1}\n", "exclude each other"},
      {"speed: 0\n", "speed"},
      {"version: 2\n", "version"},
      {"regions: []\n", "at least one"},
      {"regions: [eu-west-1, eu-west-1]\n", "there already"},
      {"regions: [Mars]\n", "no Region's name"},
      {"regions: [{opt_in: true}]\n", "needs a name"},
      {"quotas: {images: many}\n", "must be"},
      {"quotas: {buckets: {CopyImage: 3}}\n", "[capacity, refill per second]"},
      {"uncertain: {copy_image_unique_names: true}\n", "copy_image_unique_name"},
      {"accounts: [{id: 123}]\n", "twelve digits"},
      {"accounts: [{id: '111111111111'}, {id: '111111111111'}]\n", "there already"},
      {"accounts: [{id: '111111111111', colour: red}]\n", "accounts[0]"},
      {"accounts: [{id: '111111111111', regions: {mars-1: {}}}]\n", "no Region mars-1"},
      {"accounts: [{id: '111111111111', regions: {eu-west-1: {images: [{name: x}]}}}]\n", "needs an id"},
      {"accounts: [{id: '111111111111', regions: {eu-west-1: {images: [{id: ami-1, name: x}]}}}]\n", "8 or 17"},
      {"accounts: [{id: '111111111111', regions: {eu-west-1: {images: [{id: ami-00000001}]}}}]\n", "needs a name"},
      {"accounts: [{id: '111111111111', regions: {eu-west-1: {images: [{id: ami-00000001, name: x, state: tired}]}}}]\n", "tired"},
      {"accounts: [{id: '111111111111', regions: {eu-west-1: {images: [{id: ami-00000001, name: x, boot: x}]}}}]\n", "images[0]"},
      {"accounts: [{id: '111111111111', regions: {eu-west-1: {images: [{id: ami-00000001, name: x, mappings: [{snapshot: snap-00000001}]}]}}}]\n", "device"},
      {"accounts: [{id: '111111111111', regions: {eu-west-1: {images: [{id: ami-00000001, name: x, mappings: [{device: a, snapshot: snap-00000001}]}]}}}]\n", "no snapshot snap-00000001"},
      {"accounts: [{id: '111111111111', regions: {eu-west-1: {snapshots: [{id: snap-00000001, kms_key: alias/none}]}}}]\n", "no key alias/none"},
      {"accounts: [{id: '111111111111', regions: {eu-west-1: {snapshots: [{id: snap-00000001, state: odd}]}}}]\n", "pending, completed or error"},
      {"accounts: [{id: '111111111111', regions: {eu-west-1: {snapshots: [{id: snap-00000001}, {id: snap-00000001}]}}}]\n", "there already"},
      {"accounts: [{id: '111111111111', regions: {eu-west-1: {snapshots: [{id: snap-00000001, start_time: soon}]}}}]\n", "ISO 8601"},
      {"accounts: [{id: '111111111111', regions: {eu-west-1: {image_block_public_access: perhaps}}}]\n", "perhaps"},
      {"accounts: [{id: '111111111111', regions: {eu-west-1: {allowed_images: {state: perhaps}}}}]\n", "perhaps"},
      {"accounts: [{id: '111111111111', regions: [eu-west-1]}]\n", "a map"},
  };
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_bad_world(bad[i].text, bad[i].part);
}

TEST(an_empty_world_is_a_world) {
  assert_good_world("{}");
  assert_good_world("speed: 2.5\nseed: 7\nlatencies: {copy_seconds_per_gib: 3, read_lag: [0, 1.5]}\naudit: {copy_tag: a, step_tag: b}\n");
}

TEST(regions_know_their_partition) {
  WORLD(w, "", "");
  assert_string_equal(cs_region_find(w->sim, "cn-north-1")->partition, "aws-cn");
  assert_string_equal(cs_region_find(w->sim, "cn-north-1")->dns_suffix, "amazonaws.com.cn");
  assert_string_equal(cs_region_find(w->sim, "eu-west-1")->partition, "aws");
  assert_null(cs_region_find(w->sim, "eu-west-9"));
  assert_null(cs_region_find(w->sim, NULL));
}

TEST(seconds_per_gib_are_a_rate) {
  WORLD(w, "latencies: {copy_seconds_per_gib: 30, copy_min: 0, key_check: 0}\n", "");
  assert_done(w, call_as(w, SOURCE, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001"));
  char id[64];
  AF_COPY(id, af_str(value_of(w, "snapshotId")));
  after_s(w, 29);
  assert_string_equal(snapshot_state(w, SOURCE, id), "pending");
  after_s(w, 1);
  assert_string_equal(snapshot_state(w, SOURCE, id), "completed");
}

TEST(the_next_event_is_when_something_changes_by_itself) {
  WORLD(w, "latencies: {copy_min: 10, copy_mib_per_s: 0, key_check: 4}\n", "");
  assert_true(cs_ec2_next_ms(w->sim, START_MS) == INT64_MAX);
  assert_done(w, call_as(w, SOURCE, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001"));
  assert_int_equal(cs_ec2_next_ms(w->sim, START_MS), START_MS + 4000);
  cs_ec2_advance(w->sim, START_MS + 4000);
  assert_int_equal(cs_ec2_next_ms(w->sim, START_MS + 4000), START_MS + 10000);
  cs_ec2_advance(w->sim, START_MS + 10000);
  assert_true(cs_ec2_next_ms(w->sim, START_MS + 10000) == INT64_MAX);
}

TEST(wall_time_and_the_worlds_time_go_together) {
  WORLD(w, "speed: 3\n", "");
  assert_int_equal(cs_sim_time(w->sim, START_MS + 1000), START_MS + 3000);
  for (int64_t t = START_MS; t < START_MS + 100; t++)
    assert_true(cs_sim_time(w->sim, cs_sim_wall(w->sim, t)) >= t);
  assert_true(cs_sim_wall(w->sim, INT64_MAX) == INT64_MAX);
}

/* --- forms --- */

TEST(forms_are_decoded_and_bad_ones_refused) {
  struct cs_params p = {0};
  assert_int_equal(cs_params_read(&p, af_str("b=2&a=1%2B+x&&empty=&bare&a=again&list.10=z&list.9=y")), 0);
  assert_string_equal(cs_param(&p, "a"), "1+ x");
  assert_string_equal(cs_param(&p, "empty"), "");
  assert_string_equal(cs_param(&p, "bare"), "");
  assert_string_equal(cs_paramf(&p, "list.%d", 9), "y");
  assert_null(cs_param(&p, "list"));
  assert_true(cs_param_prefix(&p, "list."));
  assert_false(cs_param_prefix(&p, "lost."));
  assert_string_equal(p.items[0].name, "b");
  cs_params_done(&p);
  static const char *const bad[] = {"a=%", "a=%4", "a=%zz", "a=%00", "a=%ff", "%80=a"};
  for (size_t i = 0; i < COUNT(bad); i++) {
    assert_int_equal(cs_params_read(&p, af_str(bad[i])), -AF_EINVAL);
    cs_params_done(&p);
  }
}

/* --- the audit --- */

#define AUDITED "audit: {copy_tag: 'ferry:copy', step_tag: 'ferry:step'}\n"
#define TAGGED(type, copy, step)                                                                                               \
  "&TagSpecification.1.ResourceType=" type "&TagSpecification.1.Tag.1.Key=ferry:copy&TagSpecification.1.Tag.1.Value=" copy     \
  "&TagSpecification.1.Tag.2.Key=ferry:step&TagSpecification.1.Tag.2.Value=" step

static json_t *audit_of(struct world *w) {
  json_t *audit = json_object();
  cs_audit_ec2(w->sim, cs_sim_time(w->sim, w->now_ms), audit);
  return audit;
}

static void assert_counts(struct world *w, const char *const *names, const size_t *sizes) {
  json_t *audit = audit_of(w);
  for (; *names; names++, sizes++)
    if (json_array_size(json_object_get(audit, *names)) != *sizes)
      fail_msg("%s: %s", *names, json_dumps(json_object_get(audit, *names), 0));
  json_decref(audit);
}

#define ASSERT_COUNTS(w, ...)                                                                                                   \
  do {                                                                                                                        \
    static const char *const names_[] = {"images", "snapshots", "orphaned_snapshots", "duplicates", "shares_open", "shares_lost", \
                                         "lost_resources", NULL};                                                            \
    assert_counts((w), names_, (const size_t[]){__VA_ARGS__});                                                               \
  } while (0)

TEST(an_untouched_world_has_nothing_to_tell) {
  WORLD(w, AUDITED, "");
  ASSERT_COUNTS(w, 0, 0, 0, 0, 0, 0, 0);
}

TEST(the_audit_lists_what_exists_beyond_the_world_file) {
  WORLD(w, AUDITED, "");
  assert_done(w, call_as(w, SOURCE, "Action=CopyImage&Name=one&SourceRegion=eu-west-1&SourceImageId=ami-00000001"));
  after_s(w, 3600);
  ASSERT_COUNTS(w, 1, 2, 0, 0, 0, 0, 0);
  assert_done(w, call_as(w, SOURCE, "Action=DescribeImages&Filter.1.Name=name&Filter.1.Value.1=one"));
  char form[100];
  snprintf(form, sizeof form, "Action=DeregisterImage&ImageId=%s", value_of(w, "imageId"));
  assert_done(w, call_as(w, SOURCE, form));
  ASSERT_COUNTS(w, 0, 2, 2, 0, 0, 0, 0);
  assert_done(w, call_as(w, SOURCE, "Action=DeregisterImage&ImageId=ami-00000005"));
  ASSERT_COUNTS(w, 0, 2, 2, 0, 0, 0, 1);
}

TEST(shares_that_are_open_and_shares_that_were_lost_are_told) {
  WORLD(w, AUDITED, "      snapshots: [{id: snap-0000000a, create_volume_permissions: ['" OTHER "']}]\n");
  share_plain(w);
  ASSERT_COUNTS(w, 0, 0, 0, 0, 3, 0, 0);
  assert_done(w, call_as(w, SOURCE, "Action=ResetImageAttribute&ImageId=ami-00000001&Attribute=launchPermission"));
  ASSERT_COUNTS(w, 0, 0, 0, 0, 2, 0, 0);
  assert_done(w, call_as(w, TARGET, "Action=ModifySnapshotAttribute&SnapshotId=snap-0000000a&CreateVolumePermission.Remove.1.UserId=" OTHER));
  ASSERT_COUNTS(w, 0, 0, 0, 0, 2, 1, 0);
  assert_done(w, call_as(w, TARGET, "Action=ModifySnapshotAttribute&SnapshotId=snap-0000000a&CreateVolumePermission.Add.1.UserId=" OTHER));
  ASSERT_COUNTS(w, 0, 0, 0, 0, 2, 0, 0); /* as it was */
}

TEST(two_resources_of_one_copy_are_duplicates) {
  WORLD(w, AUDITED, "");
  assert_done(w, call_as(w, SOURCE, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001" TAGGED("snapshot", "c1", "copy/0")));
  assert_done(w, call_as(w, SOURCE, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000002" TAGGED("snapshot", "c1", "copy/1")));
  ASSERT_COUNTS(w, 0, 2, 2, 0, 0, 0, 0);
  assert_done(w, call_as(w, SOURCE, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001" TAGGED("snapshot", "c1", "copy/0")));
  ASSERT_COUNTS(w, 0, 3, 3, 1, 0, 0, 0);
  assert_done(w, call_as(w, SOURCE, "Action=CopyImage&Name=one&SourceRegion=eu-west-1&SourceImageId=ami-00000003" TAGGED("image", "c2", "copy")));
  assert_done(w, call_as(w, SOURCE, "Action=CopyImage&Name=two&SourceRegion=eu-west-1&SourceImageId=ami-00000003" TAGGED("image", "c2", "copy")));
  ASSERT_COUNTS(w, 2, 5, 3, 2, 0, 0, 0);
  assert_done(w, call_as(w, SOURCE, "Action=CopyImage&Name=plain&SourceRegion=eu-west-1&SourceImageId=ami-00000003"));
  ASSERT_COUNTS(w, 3, 6, 3, 3, 0, 0, 0); /* a name of the world's */
}

TEST(what_failed_is_no_duplicate_of_what_worked) {
  WORLD(w, AUDITED, "");
  assert_done(w, call_as(w, SOURCE, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001&Encrypted=true&KmsKeyId=none" TAGGED("snapshot", "c1", "copy/0")));
  assert_done(w, call_as(w, SOURCE, "Action=CopyImage&Name=one&SourceRegion=eu-west-1&SourceImageId=ami-00000003&Encrypted=true&KmsKeyId=none" TAGGED("image", "c1", "copy")));
  after_s(w, 3600);
  assert_done(w, call_as(w, SOURCE, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001" TAGGED("snapshot", "c1", "copy/0")));
  assert_done(w, call_as(w, SOURCE, "Action=CopyImage&Name=one&SourceRegion=eu-west-1&SourceImageId=ami-00000003" TAGGED("image", "c1", "copy")));
  ASSERT_COUNTS(w, 2, 4, 2, 0, 0, 0, 0);
}

TEST(the_audit_remembers_the_peak_of_concurrent_copies) {
  WORLD(w, AUDITED, "");
  for (int i = 0; i < 3; i++)
    assert_done(w, call_as(w, SOURCE, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001"));
  assert_done(w, call_as(w, SOURCE, "Action=CopyImage&Name=one&SourceRegion=eu-west-1&SourceImageId=ami-00000001"));
  after_s(w, 3600);
  json_t *audit = audit_of(w), *row = json_array_get(json_object_get(audit, "concurrency"), 0);
  assert_string_equal(json_string_value(json_object_get(row, "account")), SOURCE);
  assert_int_equal(json_integer_value(json_object_get(row, "snapshot_copies_peak")), 3);
  assert_int_equal(json_integer_value(json_object_get(row, "snapshot_copies_now")), 0);
  assert_int_equal(json_integer_value(json_object_get(row, "image_copies_peak")), 1);
  json_decref(audit);
}

TEST(unsharing_under_a_running_copy_is_a_hazard) {
  WORLD(w, AUDITED, "");
  share_plain(w);
  assert_done(w, call_as(w, TARGET, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001"));
  assert_done(w, call_as(w, SOURCE, "Action=ModifySnapshotAttribute&SnapshotId=snap-00000001&CreateVolumePermission.Remove.1.UserId=" TARGET));
  json_t *audit = audit_of(w);
  assert_contains(json_string_value(json_array_get(json_object_get(audit, "hazards"), 0)), "snap-00000001 was unshared from " TARGET);
  json_decref(audit);
}

TEST(policies_can_ask_for_the_tags_of_a_resource) {
  WORLD(w, "", "");
  assert_string_equal(cs_ec2_resource_tag(w->sim, "arn:aws:ec2:eu-west-1::image/ami-00000001", "Team"), "blue");
  assert_string_equal(cs_ec2_resource_tag(w->sim, "arn:aws:ec2:eu-west-1::snapshot/snap-00000001", "Role"), "root");
  assert_null(cs_ec2_resource_tag(w->sim, "arn:aws:ec2:eu-west-1::image/ami-00000001", "Colour"));
  assert_null(cs_ec2_resource_tag(w->sim, "arn:aws:ec2:eu-west-1::image/*", "Team"));
  assert_null(cs_ec2_resource_tag(w->sim, "*", "Team"));
}

/* How many hazards there are, the last of which tells the part. */
static size_t hazards_of(struct world *w, const char *part) {
  json_t *audit = audit_of(w), *hazards = json_object_get(audit, "hazards");
  size_t n = json_array_size(hazards);
  if (n > 0)
    assert_contains(json_string_value(json_array_get(hazards, n - 1)), part);
  json_decref(audit);
  return n;
}

TEST(taking_access_from_a_running_copy_is_a_hazard_however_it_is_done) {
#define PERMIT "Action=ModifySnapshotAttribute&SnapshotId=snap-00000001&CreateVolumePermission."
  static const struct {
    const char *before, *form;
    size_t hazards;
  } ways[] = {
      {NULL, "Action=ResetSnapshotAttribute&SnapshotId=snap-00000001&Attribute=createVolumePermission", 1},
      {PERMIT "Add.1.Group=all", "Action=ResetSnapshotAttribute&SnapshotId=snap-00000001&Attribute=createVolumePermission", 1},
      {NULL, PERMIT "Remove.1.UserId=" TARGET, 1},
      {PERMIT "Add.1.Group=all", PERMIT "Remove.1.UserId=" TARGET, 0}, /* everybody's is left */
      {NULL, PERMIT "Remove.1.UserId=" OTHER, 0},
  };
  for (size_t i = 0; i < COUNT(ways); i++) {
    WORLD(w, AUDITED, "");
    share_plain(w);
    assert_done(w, call_as(w, TARGET, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001"));
    if (ways[i].before)
      assert_done(w, call_as(w, SOURCE, ways[i].before));
    assert_done(w, call_as(w, SOURCE, ways[i].form));
    assert_int_equal(hazards_of(w, "snap-00000001 was unshared from " TARGET), ways[i].hazards);
  }
}

TEST(making_a_public_snapshot_private_under_a_running_copy_is_a_hazard) {
  WORLD(w, AUDITED, "");
  assert_done(w, call_as(w, SOURCE, PERMIT "Add.1.Group=all"));
  assert_done(w, call_as(w, TARGET, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001"));
  assert_done(w, call_as(w, SOURCE, PERMIT "Remove.1.Group=all"));
  assert_int_equal(hazards_of(w, "snap-00000001 was unshared from " TARGET), 1);
  after_s(w, 36000);
  assert_done(w, call_as(w, SOURCE, PERMIT "Add.1.Group=all"));
  assert_done(w, call_as(w, SOURCE, PERMIT "Remove.1.Group=all")); /* the copy is done */
  assert_int_equal(hazards_of(w, ""), 1);
}

TEST(deleting_the_source_of_a_running_copy_is_a_hazard) {
  static const char *const ways[] = {"Action=DeleteSnapshot&SnapshotId=snap-00000001",
                                     "Action=DeregisterImage&ImageId=ami-00000001&DeleteAssociatedSnapshots=true"};
  for (size_t i = 0; i < COUNT(ways); i++) {
    WORLD(w, AUDITED, "");
    share_plain(w);
    assert_done(w, call_as(w, TARGET, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001"));
    if (i == 0)
      assert_done(w, call_as(w, SOURCE, "Action=DeregisterImage&ImageId=ami-00000001"));
    assert_int_equal(hazards_of(w, ""), 0);
    assert_done(w, call_as(w, SOURCE, ways[i]));
    assert_int_equal(hazards_of(w, "snap-00000001 was deleted while its copy"), 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(errors_name_line_and_path),
      cmocka_unit_test(an_empty_world_is_a_world),
      cmocka_unit_test(regions_know_their_partition),
      cmocka_unit_test(seconds_per_gib_are_a_rate),
      cmocka_unit_test(the_next_event_is_when_something_changes_by_itself),
      cmocka_unit_test(wall_time_and_the_worlds_time_go_together),
      cmocka_unit_test(forms_are_decoded_and_bad_ones_refused),
      cmocka_unit_test(an_untouched_world_has_nothing_to_tell),
      cmocka_unit_test(the_audit_lists_what_exists_beyond_the_world_file),
      cmocka_unit_test(shares_that_are_open_and_shares_that_were_lost_are_told),
      cmocka_unit_test(two_resources_of_one_copy_are_duplicates),
      cmocka_unit_test(what_failed_is_no_duplicate_of_what_worked),
      cmocka_unit_test(the_audit_remembers_the_peak_of_concurrent_copies),
      cmocka_unit_test(unsharing_under_a_running_copy_is_a_hazard),
      cmocka_unit_test(policies_can_ask_for_the_tags_of_a_resource),
      cmocka_unit_test(taking_access_from_a_running_copy_is_a_hazard_however_it_is_done),
      cmocka_unit_test(making_a_public_snapshot_private_under_a_running_copy_is_a_hazard),
      cmocka_unit_test(deleting_the_source_of_a_running_copy_is_a_hazard),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
