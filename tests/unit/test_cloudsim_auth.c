/* cloudsim's judgement of who calls: each service's own words for each thing that can be wrong with a signature, and the world's
 * policies. */
#include "tests/unit/cloudsim_front.h"

static void small(struct world *w) {
  world_init(w, WORLD("", "[{Effect: Allow, Action: ['ec2:Describe*', 'kms:List*'], Resource: '*'}]", ""));
}

struct case_ {
  const char *service, *code;
  int status;
};

/* The harmless call of each service. */
static int call(struct world *w, const char *service, struct sending s) {
  s.service = service;
  if (!s.region)
    s.region = "us-east-1";
  if (strcmp(service, "kms") == 0) {
    s.target = "TrentService.ListKeys";
    s.body = "{}";
  } else {
    s.body =
        strcmp(service, "sts") == 0 ? "Action=GetCallerIdentity&Version=2011-06-15" : "Action=DescribeRegions&Version=2016-11-15";
  }
  return send_request(w, &s);
}

static void refused_everywhere(struct world *w, const struct case_ cases[3], struct sending s) {
  for (int i = 0; i < 3; i++)
    assert_refused(w, call(w, cases[i].service, s), cases[i].status, cases[i].code);
}

TEST(a_good_signature_is_taken_by_every_service) {
  struct world w;
  small(&w);
  const char *const services[] = {"ec2", "sts", "kms"};
  for (int i = 0; i < 3; i++)
    assert_done(&w, call(&w, services[i], (struct sending){.who = &source_admin}));
  world_done(&w);
}

TEST(an_unknown_key_is_refused_in_each_services_words) {
  struct world w;
  const struct login nobody = {"AKIAFAKENOBODY000001", "x", NULL};
  const struct case_ cases[] = {
      {"ec2", "AuthFailure", 401}, {"sts", "InvalidClientTokenId", 403}, {"kms", "UnrecognizedClientException", 400}};
  small(&w);
  refused_everywhere(&w, cases, (struct sending){.who = &nobody});
  world_done(&w);
}

TEST(a_wrong_secret_is_refused_in_each_services_words) {
  struct world w;
  const struct login wrong = {source_admin.key, "another secret", NULL};
  const struct case_ cases[] = {
      {"ec2", "SignatureDoesNotMatch", 403}, {"sts", "SignatureDoesNotMatch", 403}, {"kms", "InvalidSignatureException", 400}};
  small(&w);
  refused_everywhere(&w, cases, (struct sending){.who = &wrong});
  world_done(&w);
}

TEST(a_body_changed_after_signing_is_refused) {
  struct world w;
  small(&w);
  assert_refused(
      &w,
      call(&w, "ec2",
           (struct sending){.who = &source_admin, .change_body_to = "Action=DescribeRegions&Version=2016-11-15&AllRegions=true"}),
      403, "SignatureDoesNotMatch");
  world_done(&w);
}

TEST(an_inactive_key_is_unknown) {
  struct world w;
  const struct login gone = {"AKIAFAKEOFFDUTY00001", "x", NULL};
  world_init(&w, "version: 1\naccounts:\n- {id: '" SOURCE
                 "', users: [{name: a, access_keys: [{id: AKIAFAKEOFFDUTY00001, secret: x, inactive: true}]}]}\n");
  assert_refused(&w, call(&w, "sts", (struct sending){.who = &gone}), 403, "InvalidClientTokenId");
  world_done(&w);
}

TEST(no_signature_is_missing_authentication) {
  struct world w;
  const struct case_ cases[] = {{"ec2", "MissingAuthenticationToken", 403},
                                {"sts", "MissingAuthenticationToken", 403},
                                {"kms", "MissingAuthenticationTokenException", 400}};
  small(&w);
  refused_everywhere(&w, cases, (struct sending){.who = NULL});
  world_done(&w);
}

TEST(a_scope_of_another_service_is_refused) {
  struct world w;
  const struct case_ cases[] = {
      {"ec2", "AuthFailure", 401}, {"sts", "SignatureDoesNotMatch", 403}, {"kms", "InvalidSignatureException", 400}};
  small(&w);
  refused_everywhere(&w, cases, (struct sending){.who = &source_admin, .scope_service = "s3"});
  assert_contains(w.message, "scoped to correct service: 'kms'");
  assert_refused(&w, call(&w, "ec2", (struct sending){.who = &source_admin, .scope_service = "sts"}), 401, "AuthFailure");
  assert_refused(&w, call(&w, "sts", (struct sending){.who = &source_admin, .scope_service = "ec2"}), 403, "SignatureDoesNotMatch");
  world_done(&w);
}

TEST(a_good_signature_without_the_host_or_for_another_day_is_incomplete) {
  struct world w;
  const struct case_ cases[] = {
      {"ec2", "IncompleteSignature", 400}, {"sts", "IncompleteSignature", 400}, {"kms", "IncompleteSignatureException", 400}};
  small(&w);
  refused_everywhere(&w, cases, (struct sending){.who = &source_admin, .host_unsigned = true});
  assert_contains(w.message, "must be a 'SignedHeader'");
  refused_everywhere(&w, cases, (struct sending){.who = &source_admin, .scope_day = "20200101"});
  assert_contains(w.message, "Date in Credential scope does not match");
  world_done(&w);
}

TEST(a_region_that_is_unknown_is_refused_and_one_that_is_not_enabled_knows_no_key) {
  struct world w;
  const struct case_ unknown[] = {
      {"ec2", "AuthFailure", 401}, {"sts", "SignatureDoesNotMatch", 403}, {"kms", "InvalidSignatureException", 400}};
  const struct case_ not_enabled[] = {
      {"ec2", "AuthFailure", 401}, {"sts", "InvalidClientTokenId", 403}, {"kms", "UnrecognizedClientException", 400}};
  small(&w);
  refused_everywhere(&w, unknown, (struct sending){.who = &source_admin, .region = "mars-north-1"});
  refused_everywhere(&w, not_enabled, (struct sending){.who = &source_admin, .region = "me-south-1"});
  world_done(&w);
}

TEST(the_clock_may_be_off_by_fifteen_minutes_and_for_kms_by_five) {
  static const struct {
    const char *service, *code;
    int64_t minutes;
    int status;
  } cases[] = {
      {"ec2", "", 14, 200},
      {"ec2", "", -14, 200},
      {"ec2", "RequestExpired", -16, 400},
      {"ec2", "RequestExpired", 16, 400},
      {"sts", "", -14, 200},
      {"sts", "SignatureDoesNotMatch", -16, 403},
      {"sts", "SignatureDoesNotMatch", 16, 403},
      {"kms", "", -4, 200},
      {"kms", "InvalidSignatureException", -6, 400},
      {"kms", "InvalidSignatureException", 6, 400},
  };
  struct world w;
  small(&w);
  for (size_t i = 0; i < COUNT(cases); i++)
    assert_refused(&w,
                   call(&w, cases[i].service, (struct sending){.who = &source_admin, .date_off_ms = cases[i].minutes * 60000}),
                   cases[i].status, cases[i].code);
  assert_contains(w.message, "Signature not yet current");
  world_done(&w);
}

TEST(a_session_needs_its_own_token_and_ends_when_it_said) {
  struct world w;
  const struct case_ bad[] = {
      {"ec2", "AuthFailure", 401}, {"sts", "InvalidClientTokenId", 403}, {"kms", "UnrecognizedClientException", 400}};
  const struct case_ expired[] = {
      {"ec2", "RequestExpired", 400}, {"sts", "ExpiredToken", 403}, {"kms", "ExpiredTokenException", 400}};
  small(&w);
  assert_done(&w, sts(&w, &target_admin, "AssumeRole",
                      "RoleArn=arn:aws:iam::" TARGET ":role/hop&RoleSessionName=me&DurationSeconds=900"));
  struct login session = login_of(&w), none = {session.key, session.secret, NULL},
               other = {session.key, session.secret, "another token"};
  struct login foreign = {source_admin.key, source_admin.secret, session.token};
  assert_done(&w, call(&w, "ec2", (struct sending){.who = &session}));
  refused_everywhere(&w, bad, (struct sending){.who = &none});
  refused_everywhere(&w, bad, (struct sending){.who = &other});
  refused_everywhere(&w, bad, (struct sending){.who = &foreign});
  w.now_ms += 899 * 1000;
  assert_done(&w, call(&w, "ec2", (struct sending){.who = &session}));
  w.now_ms += 2 * 1000;
  refused_everywhere(&w, expired, (struct sending){.who = &session});
  world_done(&w);
}

TEST(policies_decide_and_the_refusal_says_who_what_and_where) {
  struct world w;
  small(&w);
  assert_done(&w, ec2(&w, &target_narrow, "DescribeRegions", ""));
  assert_done(&w, kms(&w, &target_narrow, "ListKeys", "{}"));
  assert_refused(&w, ec2(&w, &target_narrow, "RegisterImage", "Name=xyz&RootDeviceName=x"), 403, "UnauthorizedOperation");
  assert_contains(w.message, "You are not authorized to perform this operation. User: arn:aws:iam::" TARGET
                             ":user/narrow is not authorized to perform: ec2:RegisterImage");
  assert_contains(w.message, "Encoded authorization failure message: ");
  assert_refused(&w, kms(&w, &target_narrow, "CreateKey", "{}"), 400, "AccessDeniedException");
  assert_done(&w, ec2(&w, &target_root, "DescribeRegions", ""));
  world_done(&w);
}

TEST(no_policies_at_all_allow_everything_and_an_empty_list_allows_nothing) {
  struct world w;
  world_init(&w, WORLD("", "[]", ""));
  assert_done(&w, ec2(&w, &target_admin, "DescribeRegions", ""));
  assert_refused(&w, ec2(&w, &target_narrow, "DescribeRegions", ""), 403, "UnauthorizedOperation");
  world_done(&w);
}

#define TAGGED                                                                                                                  \
  "version: 1\nregions: [us-east-1]\naccounts:\n- id: '" SOURCE                                                                 \
  "'\n  users:\n  - name: a\n"                                                                                                  \
  "    access_keys: [{id: AKIAFAKESOURCEADMIN1, secret: fake/secret/of/the/source/admin}]\n"                                    \
  "    policies:\n"                                                                                                             \
  "    - {Effect: Allow, Action: 'ec2:DeleteSnapshot', Resource: '*', Condition: {StringEquals: {'aws:ResourceTag/team': "      \
  "blue}}}\n"                                                                                                                   \
  "    - {Effect: Allow, Action: 'ec2:CreateTags', Resource: '*', Condition: {StringEquals: {'aws:RequestTag/team': blue}, "    \
  "'ForAllValues:StringEquals': {'aws:TagKeys': [team]}}}\n"                                                                    \
  "    - {Effect: Allow, Action: 'ec2:ModifySnapshotAttribute', Resource: '*', Condition: {StringEquals: {'ec2:Add/userId': "   \
  "'" TARGET                                                                                                                    \
  "'}}}\n"                                                                                                                      \
  "  regions:\n    us-east-1:\n      snapshots:\n      - {id: snap-00000001, tags: {team: blue}}\n      - {id: snap-00000002, " \
  "tags: {team: red}}\n"

TEST(conditions_see_tags_of_resource_and_request_and_who_is_added) {
  struct world w;
  world_init(&w, TAGGED);
  assert_refused(&w, ec2(&w, &source_admin, "DeleteSnapshot", "SnapshotId=snap-00000002"), 403, "UnauthorizedOperation");
  assert_refused(&w, ec2(&w, &source_admin, "CreateTags", "ResourceId.1=snap-00000001&Tag.1.Key=team&Tag.1.Value=red"), 403,
                 "UnauthorizedOperation");
  assert_refused(&w,
                 ec2(&w, &source_admin, "CreateTags", "ResourceId.1=snap-00000001&Tag.1.Key=team&Tag.1.Value=blue&Tag.2.Key=x"),
                 403, "UnauthorizedOperation");
  assert_done(&w, ec2(&w, &source_admin, "CreateTags", "ResourceId.1=snap-00000001&Tag.1.Key=team&Tag.1.Value=blue"));
  assert_done(&w, ec2(&w, &source_admin, "ModifySnapshotAttribute",
                      "SnapshotId=snap-00000001&CreateVolumePermission.Add.1.UserId=" TARGET));
  assert_refused(
      &w,
      ec2(&w, &source_admin, "ModifySnapshotAttribute", "SnapshotId=snap-00000001&CreateVolumePermission.Add.1.UserId=" SOURCE),
      403, "UnauthorizedOperation");
  assert_done(&w, ec2(&w, &source_admin, "DeleteSnapshot", "SnapshotId=snap-00000001"));
  world_done(&w);
}

/* ---- presigned URLs (rules.md 2.2) ---- */

TEST(a_presigned_url_gives_its_caller_and_its_parameters) {
  struct world w;
  struct cs_caller caller;
  struct cs_params params;
  struct cs_failure failure = {0};
  char url[8192];
  small(&w);
  presign(url, sizeof url, &target_admin, "us-east-1", w.now_ms,
          "Action=CopySnapshot&DestinationRegion=eu-west-1&SourceSnapshotId=snap-1&Version=2016-11-15");
  assert_int_equal(cs_auth_presigned(w.sim, w.now_ms, url, "us-east-1", &caller, &params, &failure), 0);
  assert_string_equal(caller.account, TARGET);
  assert_string_equal(cs_param(&params, "DestinationRegion"), "eu-west-1");
  assert_null(cs_param(&params, "X-Amz-Signature"));
  cs_params_done(&params);
  world_done(&w);
}

TEST(a_presigned_url_that_is_old_changed_or_of_another_region_is_refused) {
  struct world w;
  struct cs_caller caller;
  struct cs_params params;
  struct cs_failure failure;
  char url[8192];
  static const char text[] = "Action=CopySnapshot&DestinationRegion=eu-west-1&SourceSnapshotId=snap-1&Version=2016-11-15";
  small(&w);
  presign(url, sizeof url, &target_admin, "us-east-1", w.now_ms, text);
  assert_int_equal(cs_auth_presigned(w.sim, w.now_ms + 3599000, url, "us-east-1", &caller, &params, &failure), 0);
  cs_params_done(&params);
  assert_int_equal(cs_auth_presigned(w.sim, w.now_ms + 3601000, url, "us-east-1", &caller, &params, &failure), -AF_EAWS);
  assert_string_equal(failure.code, "RequestExpired");
  assert_int_equal(cs_auth_presigned(w.sim, w.now_ms, url, "eu-west-1", &caller, &params, &failure), -AF_EAWS);
  assert_string_equal(failure.code, "AuthFailure");
  static const struct {
    const char *host, *region, *asked;
    bool good;
  } places[] = {
      {"127.0.0.1:4566", "us-east-1", "us-east-1", true}, /* an endpoint of one's own names no Region: the scope does */
      {"127.0.0.1:4566", "us-east-1", "eu-west-1", false},
      {"ec2.eu-west-1.amazonaws.com", "us-east-1", "us-east-1", false},
  };
  for (size_t i = 0; i < COUNT(places); i++) {
    presign_at(places[i].host, url, sizeof url, &target_admin, places[i].region, w.now_ms, text);
    assert_int_equal(cs_auth_presigned(w.sim, w.now_ms, url, places[i].asked, &caller, &params, &failure),
                     places[i].good ? 0 : -AF_EAWS);
    if (places[i].good)
      cs_params_done(&params);
  }
  presign(url, sizeof url, &target_admin, "us-east-1", w.now_ms, text);
  memcpy(strstr(url, "snap-1"), "snap-2", 6);
  assert_int_equal(cs_auth_presigned(w.sim, w.now_ms, url, "us-east-1", &caller, &params, &failure), -AF_EAWS);
  assert_string_equal(failure.code, "SignatureDoesNotMatch");
  assert_int_equal(cs_auth_presigned(w.sim, w.now_ms, "ftp://x", "us-east-1", &caller, &params, &failure), -AF_EAWS);
  assert_int_equal(cs_auth_presigned(w.sim, w.now_ms, "https://ec2.us-east-1.amazonaws.com/?Action=CopySnapshot", "us-east-1",
                                     &caller, &params, &failure),
                   -AF_EAWS);
  assert_string_equal(failure.code, "MissingAuthenticationToken");
  world_done(&w);
}

TEST(conditions_see_whom_a_call_adds_and_removes_in_either_form) {
#define SHARING                                                                                                        \
  "version: 1\nregions: [us-east-1]\naccounts:\n- id: '" SOURCE "'\n  users:\n  - name: a\n"                           \
  "    access_keys: [{id: AKIAFAKESOURCEADMIN1, secret: fake/secret/of/the/source/admin}]\n"                           \
  "    policies:\n"                                                                                                    \
  "    - {Effect: Allow, Action: 'ec2:Modify*', Resource: '*'}\n"                                                      \
  "    - {Effect: Deny, Action: 'ec2:Modify*', Resource: '*', Condition: {'ForAnyValue:StringEquals': {'ec2:Add/userId': '" TARGET "'}}}\n"       \
  "    - {Effect: Deny, Action: 'ec2:Modify*', Resource: '*', Condition: {'ForAnyValue:StringEquals': {'ec2:Add/group': all}}}\n"              \
  "    - {Effect: Deny, Action: 'ec2:Modify*', Resource: '*', Condition: {'ForAnyValue:StringEquals': {'ec2:Remove/userId': '" SOURCE "'}}}\n"    \
  "    - {Effect: Deny, Action: 'ec2:Modify*', Resource: '*', Condition: {'ForAnyValue:StringEquals': {'ec2:Remove/group': all}}}\n"           \
  "  regions:\n    us-east-1:\n      snapshots: [{id: snap-00000001}]\n"
#define OLD "SnapshotId=snap-00000001&Attribute=createVolumePermission&OperationType="
#define NEW "SnapshotId=snap-00000001&CreateVolumePermission."
  static const struct {
    const char *form;
    bool denied;
  } cases[] = {
      {OLD "add&UserId.1=" TARGET, true},
      {OLD "add&UserId.1=" SOURCE "&UserId.2=" TARGET, true},
      {OLD "add&UserGroup.1=all", true},
      {OLD "remove&UserId.1=" SOURCE, true},
      {OLD "remove&UserGroup.1=all", true},
      {OLD "add&UserId.1=" SOURCE, false},
      {OLD "remove&UserId.1=" TARGET, false},
      {NEW "Add.1.UserId=" TARGET, true},
      {NEW "Add.1.UserId=" SOURCE "&CreateVolumePermission.Add.2.Group=all", true},
      {NEW "Remove.1.Group=all", true},
      {NEW "Add.1.UserId=" SOURCE, false},
  };
  struct world w;
  world_init(&w, SHARING);
  for (size_t i = 0; i < COUNT(cases); i++) {
    int status = ec2(&w, &source_admin, "ModifySnapshotAttribute", cases[i].form);
    if (cases[i].denied)
      assert_refused(&w, status, 403, "UnauthorizedOperation");
    else
      assert_done(&w, status);
  }
  world_done(&w);
}

#define IF(condition)                                                                                                   \
  "version: 1\nregions: [us-east-1]\naccounts:\n- id: '" SOURCE "'\n  users:\n  - name: a\n"                            \
  "    access_keys: [{id: AKIAFAKESOURCEADMIN1, secret: fake/secret/of/the/source/admin}]\n"                            \
  "    policies: [{Effect: Allow, Action: 'ec2:De*', Resource: '*', Condition: {" condition "}}]\n"                     \
  "  regions:\n    us-east-1:\n      keys: [{id: " KEY_ID "}]\n"                                                         \
  "      snapshots: [{id: snap-00000001}, {id: snap-00000002, kms_key: " KEY_ID "}]\n"                                  \
  "      images:\n      - {id: ami-00000001, name: plain, mappings: [{device: /dev/xvda, snapshot: snap-00000001}]}\n"  \
  "      - {id: ami-00000002, name: open, owner_alias: amazon, root_device_type: instance-store, location: b/x.manifest.xml, launch_permissions: [all]}\n"

TEST(conditions_see_what_a_resource_is) {
  static const struct {
    const char *world, *action, *form;
    bool allowed;
  } cases[] = {
#define IMAGE(n) "DeregisterImage", "DryRun=true&ImageId=ami-0000000" #n
#define SNAPSHOT(n) "DeleteSnapshot", "DryRun=true&SnapshotId=snap-0000000" #n
      {IF("StringEquals: {'ec2:ImageID': ami-00000001}"), IMAGE(1), true},
      {IF("StringEquals: {'ec2:ImageID': ami-00000001}"), IMAGE(2), false},
      {IF("StringEquals: {'ec2:ImageID': ami-00000001}"), SNAPSHOT(1), false},
      {IF("StringEquals: {'ec2:SnapshotID': snap-00000001}"), SNAPSHOT(1), true},
      {IF("StringEquals: {'ec2:Owner': '" SOURCE "'}"), IMAGE(1), true},
      {IF("StringEquals: {'ec2:Owner': '" SOURCE "'}"), SNAPSHOT(1), true},
      {IF("StringEquals: {'ec2:Owner': '" TARGET "'}"), SNAPSHOT(1), false},
      {IF("Bool: {'ec2:Public': true}"), IMAGE(1), false},
      {IF("Bool: {'ec2:Public': true}"), IMAGE(2), true},
      {IF("Bool: {'ec2:Encrypted': true}"), SNAPSHOT(1), false},
      {IF("Bool: {'ec2:Encrypted': true}"), SNAPSHOT(2), true},
      {IF("StringEquals: {'ec2:RootDeviceType': ebs}"), IMAGE(1), true},
      {IF("StringEquals: {'ec2:RootDeviceType': ebs}"), IMAGE(2), false},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct world w;
    world_init(&w, cases[i].world);
    int status = ec2(&w, &source_admin, cases[i].action, cases[i].form);
    assert_refused(&w, status, cases[i].allowed ? 412 : 403, cases[i].allowed ? "DryRunOperation" : "UnauthorizedOperation");
    world_done(&w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_good_signature_is_taken_by_every_service),
      cmocka_unit_test(an_unknown_key_is_refused_in_each_services_words),
      cmocka_unit_test(a_wrong_secret_is_refused_in_each_services_words),
      cmocka_unit_test(a_body_changed_after_signing_is_refused),
      cmocka_unit_test(an_inactive_key_is_unknown),
      cmocka_unit_test(no_signature_is_missing_authentication),
      cmocka_unit_test(a_scope_of_another_service_is_refused),
      cmocka_unit_test(a_good_signature_without_the_host_or_for_another_day_is_incomplete),
      cmocka_unit_test(a_region_that_is_unknown_is_refused_and_one_that_is_not_enabled_knows_no_key),
      cmocka_unit_test(the_clock_may_be_off_by_fifteen_minutes_and_for_kms_by_five),
      cmocka_unit_test(a_session_needs_its_own_token_and_ends_when_it_said),
      cmocka_unit_test(policies_decide_and_the_refusal_says_who_what_and_where),
      cmocka_unit_test(no_policies_at_all_allow_everything_and_an_empty_list_allows_nothing),
      cmocka_unit_test(conditions_see_tags_of_resource_and_request_and_who_is_added),
      cmocka_unit_test(a_presigned_url_gives_its_caller_and_its_parameters),
      cmocka_unit_test(a_presigned_url_that_is_old_changed_or_of_another_region_is_refused),
      cmocka_unit_test(conditions_see_whom_a_call_adds_and_removes_in_either_form),
      cmocka_unit_test(conditions_see_what_a_resource_is),
  };
  return cmocka_run_group_tests_name("cloudsim/auth", tests, NULL, NULL);
}
