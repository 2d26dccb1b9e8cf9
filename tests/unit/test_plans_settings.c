/* plans/verify.h: what can be changed on a finished image, its tags, deprecation, protection and launch permission, against what was
 * asked for. */
#include "tests/unit/verify_fixture.h"

#include "plans/keep.h"

#define DEPRECATED "2027-06-30T12:00:00"
#define ORG "arn:aws:organizations::111122223333:organization/o-abcdefghij"
#define UNIT "arn:aws:organizations::111122223333:ou/o-abcdefghij/ou-ab12-abcdefgh"

static struct trial t;
static json_t *permissions; /* of the copy, as they were read */

static int set_up(void **state) {
  trial_init(&t, false);
  return 0;
}

static int tear_down(void **state) {
  trial_done(&t);
  json_decref(permissions);
  permissions = NULL;
  return 0;
}

static bool passes(void) {
  struct af_error err;
  verify(&t);
  return af_findings_judge(&t.findings, &err) == 0;
}

TEST(the_tags_of_the_manifest_must_be_on_the_image_and_each_snapshot_and_others_may) {
  put(t.spec.tags, "team", "'web'");
  put(t.spec.tags, "empty", "''");
  assert_differences(&t, "snapshotTag[/dev/xvda][empty] Missing; snapshotTag[/dev/xvda][team] Missing; "
                         "snapshotTag[/dev/xvdb][empty] Missing; snapshotTag[/dev/xvdb][team] Missing; tag[empty] Missing; "
                         "tag[team] Missing");
  for (size_t i = 0; i < 2; i++)
    put(json_array_get(t.snapshots, i), "Tags", "[{'Key': 'empty', 'Value': ''}, {'Key': 'team', 'Value': 'web'}]");
  put(t.image, "Tags", "[{'Key': 'team', 'Value': 'db'}, {'Key': 'empty', 'Value': ''}, {'Key': 'more', 'Value': 'x'}]");
  assert_differences(&t, "tag[team] Different");
  assert_false(passes());
  json_array_append_new(t.spec.allow_differences, json_string("tag[team]"));
  assert_true(passes());
  put(json_array_get(t.snapshots, 1), "Tags", "[{'Key': 'empty', 'Value': 'x'}]");
  assert_differences(&t, "snapshotTag[/dev/xvdb][empty] Different; snapshotTag[/dev/xvdb][team] Missing; tag[team] Different");
  assert_false(passes());
  json_array_append_new(t.spec.allow_differences, json_string("snapshotTag"));
  assert_true(passes());
}

TEST(the_tags_of_each_source_must_be_on_its_own_copy) {
  put(t.facts.image, "Tags", "[{'Key': 'a', 'Value': '1'}, {'Key': 'aws:x', 'Value': '1'}, {'Key': 'amiferry:copy', 'Value': 'x'}]");
  put(json_array_get(t.facts.snapshots, 1), "Tags", "[{'Key': 'disk', 'Value': 'data'}]");
  assert_differences(&t, "snapshotTag[/dev/xvdb][disk] Missing; tag[a] Missing");
  put(t.image, "Tags", "[{'Key': 'a', 'Value': '1'}]");
  put(json_array_get(t.snapshots, 1), "Tags", "[{'Key': 'disk', 'Value': 'data'}]");
  assert_differences(&t, "");
  put(t.spec.tags, "a", "'2'");
  verify(&t);
  assert_string_equal(finding(&t, "tag[a]")->source, "2");
  t.spec.source_tags = false;
  put(t.spec.tags, "a", NULL);
  assert_differences(&t, "");
  assert_null(look_for(&t, "tag[a]"));
}

TEST(a_long_key_is_cut_within_its_brackets) {
  char key[129];
  memset(key, 'k', 128);
  key[128] = 0;
  put(t.spec.tags, key, "'x'");
  put(mapping_of(t.image, 0), "DeviceName", "'/dev/a-name-that-is-longer-than-any-that-aws-gives-to-a-device-but-who-knows-what-is-to-come'");
  put(mapping_of(t.facts.image, 0), "DeviceName",
      "'/dev/a-name-that-is-longer-than-any-that-aws-gives-to-a-device-but-who-knows-what-is-to-come'");
  verify(&t);
  for (size_t i = 0; i < t.findings.n; i++) {
    const char *name = t.findings.list[i].attribute;
    if (strstr(name, "kk"))
      assert_int_equal(name[strlen(name) - 1], ']');
  }
}

TEST(the_time_of_deprecation_must_be_the_wanted_one_to_the_minute) {
  put(t.image, "DeprecationTime", "'" DEPRECATED ".000Z'");
  assert_differences(&t, "deprecationTime Different");
  assert_string_equal(finding(&t, "deprecationTime")->copy, DEPRECATED "Z");
  t.decision.deprecate_ms = INT64_C(1814356800000);
  assert_differences(&t, "");
  put(t.image, "DeprecationTime", "'2027-06-30T12:00:59.000Z'");
  assert_differences(&t, "");
  put(t.image, "DeprecationTime", "'2027-06-30T12:01:00.000Z'");
  assert_differences(&t, "deprecationTime Different");
  put(t.image, "DeprecationTime", NULL);
  assert_differences(&t, "deprecationTime Missing");
  assert_false(passes());
  json_array_append_new(t.spec.allow_differences, json_string("deprecationTime"));
  assert_true(passes());
}

TEST(the_protection_must_be_the_wanted_one) {
  static const struct {
    enum af_protection wanted;
    const char *there;
    bool same;
  } rows[] = {
      {AF_PROTECTION_NONE, "'disabled'", true},
      {AF_PROTECTION_NONE, "'enabled-without-cooldown'", false},
      {AF_PROTECTION_ENABLED, "'enabled-without-cooldown'", true},
      {AF_PROTECTION_ENABLED, "'enabled-with-cooldown'", false},
      {AF_PROTECTION_ENABLED, "'disabled'", false},
      {AF_PROTECTION_WITH_COOLDOWN, "'enabled-with-cooldown'", true},
      {AF_PROTECTION_WITH_COOLDOWN, NULL, false},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    t.decision.protection = rows[i].wanted;
    put(t.image, "DeregistrationProtection", rows[i].there);
    assert_differences(&t, rows[i].same ? "" : "deregistrationProtection Different");
  }
  /* What is protected can't be undone: within a run it comes after the comparison. */
  t.reading.unfinished = true;
  assert_differences(&t, "");
  put(t.image, "DeregistrationProtection", "'enabled-without-cooldown'");
  assert_differences(&t, "deregistrationProtection Different");
}

static void permit(const char *there) {
  json_decref(permissions);
  t.reading.launch_permissions = permissions = there ? json_of(there) : NULL;
}

TEST(whom_the_manifest_lets_launch_the_image_may_and_nobody_else) {
  json_t *wanted = t.spec.launch_permissions;
  permit("[]");
  assert_differences(&t, "");
  put(wanted, "accounts", "['333333333333']");
  put(wanted, "organizations", "['" ORG "']");
  put(wanted, "organizational_units", "['" UNIT "']");
  assert_differences(&t, "launchPermission[333333333333] Missing; launchPermission[" ORG "] Missing; launchPermission[" UNIT
                         "] Missing");
  permit("[{'UserId': '333333333333'}, {'OrganizationArn': '" ORG "'}, {'OrganizationalUnitArn': '" UNIT "'}]");
  assert_differences(&t, "");
  permit("[{'UserId': '333333333333'}, {'OrganizationArn': '" ORG "'}, {'OrganizationalUnitArn': '" UNIT "'}, {'Group': 'all'}, "
         "{'UserId': '444444444444'}, {'UserId': '" TARGET_ACCOUNT "'}]");
  assert_differences(&t, "launchPermission[all] Different; launchPermission[444444444444] Different");
  assert_false(passes());
  json_array_append_new(t.spec.allow_differences, json_string("launchPermission"));
  assert_true(passes());
}

TEST(permissions_that_could_not_be_read_are_no_match_where_some_are_wanted) {
  assert_differences(&t, "");
  put(t.spec.launch_permissions, "accounts", "['333333333333']");
  assert_differences(&t, "launchPermission[333333333333] Unreadable");
  assert_false(passes());
}

TEST(whom_the_manifest_lets_read_the_snapshots_may_read_each_and_nobody_else) {
  json_t *shares = json_of("{'snap-0000000000000000a': [{'UserId': '333333333333'}], 'snap-0000000000000000b': []}");
  t.reading.snapshot_permissions = shares;
  permit("[{'UserId': '333333333333'}]");
  put(t.spec.launch_permissions, "accounts", "['333333333333']");
  assert_differences(&t, "snapshotPermission[/dev/xvda][333333333333] Different");
  put(t.spec.launch_permissions, "snapshots", "true");
  assert_differences(&t, "snapshotPermission[/dev/xvdb][333333333333] Missing");
  assert_false(passes());
  json_array_append_new(t.spec.allow_differences, json_string("snapshotPermission"));
  assert_true(passes());
  put(shares, "snap-0000000000000000b", "[{'UserId': '333333333333'}, {'Group': 'all'}]");
  assert_differences(&t, "snapshotPermission[/dev/xvdb][all] Different");
  json_object_del(shares, "snap-0000000000000000a");
  put(shares, "snap-0000000000000000b", "[{'UserId': '333333333333'}]");
  assert_differences(&t, "snapshotPermission[/dev/xvda][333333333333] Unreadable");
  t.decision.route = AF_ROUTE_ADOPT;
  put(t.spec.launch_permissions, "snapshots", "false");
  json_array_clear(t.spec.allow_differences);
  assert_true(passes()); /* somebody shared it since */
  json_decref(shares);
}

TEST(an_image_that_is_adopted_may_have_been_given_more_but_not_less) {
  t.decision.route = AF_ROUTE_ADOPT;
  put(t.image, "DeprecationTime", "'" DEPRECATED ".000Z'");
  put(t.image, "DeregistrationProtection", "'enabled-with-cooldown'");
  permit("[{'UserId': '444444444444'}]");
  assert_differences(&t, "deprecationTime Different; deregistrationProtection Different; launchPermission[444444444444] Different");
  assert_true(passes());
  put(t.image, "DeprecationTime", NULL);
  t.decision.deprecate_ms = INT64_C(1814356800000);
  assert_false(passes());
  t.decision.deprecate_ms = 0;
  t.decision.protection = AF_PROTECTION_WITH_COOLDOWN;
  put(t.image, "DeregistrationProtection", "'enabled-without-cooldown'");
  assert_false(passes());
  t.decision.protection = AF_PROTECTION_NONE;
  put(t.spec.launch_permissions, "accounts", "['333333333333']");
  assert_false(passes());
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_FIXTURE(the_tags_of_the_manifest_must_be_on_the_image_and_each_snapshot_and_others_may),
      WITH_FIXTURE(the_tags_of_each_source_must_be_on_its_own_copy),
      WITH_FIXTURE(a_long_key_is_cut_within_its_brackets),
      WITH_FIXTURE(the_time_of_deprecation_must_be_the_wanted_one_to_the_minute),
      WITH_FIXTURE(the_protection_must_be_the_wanted_one),
      WITH_FIXTURE(whom_the_manifest_lets_launch_the_image_may_and_nobody_else),
      WITH_FIXTURE(permissions_that_could_not_be_read_are_no_match_where_some_are_wanted),
      WITH_FIXTURE(whom_the_manifest_lets_read_the_snapshots_may_read_each_and_nobody_else),
      WITH_FIXTURE(an_image_that_is_adopted_may_have_been_given_more_but_not_less),
  };
  return cmocka_run_group_tests_name("plans/settings", tests, NULL, NULL);
}
