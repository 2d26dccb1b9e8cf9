/* What AWS refuses: each refusal says account, Region, resource, API, code, request id and what to do, ends in the right state, and
 * leaves nothing open. What a person can mend is mended, resumed, and done. */
#include "tests/simulation/check.h"

struct refusal {
  const char *what, *instead; /* of the world; NULL: as it is */
  const char *manifest;
  const char *config; /* NULL: the usual one */
  enum af_copy_state state;
  const char *code, *action, *account, *region, *resource; /* "": none is known */
  const char *hint;                                        /* a part of it */
};

static void assert_refusal(const struct refusal *x, const struct af_copy_row *c) {
  struct af_error e;
  if (c->state != x->state)
    fail_msg("%s, not %s: %s", af_copy_state_name(c->state), af_copy_state_name(x->state), c->error ? c->error : "");
  assert_non_null(c->error);
  assert_int_equal(af_error_from_json(c->error, &e), 0);
  assert_string_equal(e.code, x->code);
  assert_string_equal(e.action, x->action);
  assert_string_equal(e.account, x->account);
  assert_string_equal(e.region, x->region);
  assert_contains(e.resource, x->resource);
  assert_contains(e.hint, x->hint);
  assert_true(*e.message);
  if (*x->action && e.http_status) assert_true(*e.request_id);
}

static void refuses(const struct refusal *x) {
  char *world = x->what ? world_with(x->what, x->instead) : strdup(WORLD);
  struct rig *r = new_rig(world, 11);
  struct af_copy_row *list;
  struct af_error err;
  if (x->config) rig_setenv(r, "AWS_CONFIG_FILE", rig_file(r, "other-config", x->config));
  assert_ok(rig_run(r, x->manifest, &err), &err);
  size_t n = rig_copies(r, &list);
  assert_int_equal(n, 1);
  assert_refusal(x, &list[0]);
  assert_clean(r, x->code);
  assert_int_equal(live_images(r), 0);
  rig_copies_free(list, n);
  rig_free(r);
  free(world);
}

#define TRUST_TARGET "Condition: {StringEquals: {'sts:ExternalId': to-there}}}]"
#define BAD_ID                                                                                                                      \
  "[profile from]\nrole_arn = arn:aws:iam::111111111111:role/amiferry-source\nsource_profile = operator\nexternal_id = from-here\n" \
  "[profile to]\nrole_arn = arn:aws:iam::222222222222:role/amiferry-target\nsource_profile = operator\nexternal_id = wrong\n"
#define SOURCE_ROLE "  - name: amiferry-source\n"
#define DENY(actions) \
  SOURCE_ROLE "    policies: [[{Effect: Allow, Action: '*', Resource: '*'}, {Effect: Deny, Action: " actions ", Resource: '*'}]]\n"
#define SOURCE_ALIAS "keys: [{id: 00000000-0000-4000-8000-000000000001, alias: alias/amis}]\n"
#define TARGET_ALIAS "keys: [{id: 00000000-0000-4000-8000-000000000012, alias: alias/amis}]\n"
#define TARGET_ALIAS_HERE "keys: [{id: 00000000-0000-4000-8000-000000000011, alias: alias/amis}]\n"
#define TARGET_KEY "arn:aws:kms:eu-west-1:222222222222:key/00000000-0000-4000-8000-000000000012"

TEST(a_wrong_external_id_is_told_from_nothing_else_and_so_named) {
  refuses(&(struct refusal){.manifest = MANIFEST_HEAD PLAIN,
                            .config = BAD_ID,
                            .state = AF_COPY_BLOCKED,
                            .code = "AccessDenied",
                            .action = "sts:AssumeRole",
                            .account = "222222222222",
                            .region = "eu-west-1",
                            .resource = "role/amiferry-target",
                            .hint = "external"});
}
TEST(a_role_that_may_not_be_assumed_blocks_the_copy) {
  refuses(&(struct refusal){
      .what = "Principal: {AWS: 'arn:aws:iam::111111111111:root'}, Condition: {StringEquals: {'sts:ExternalId': to-there}}",
      .instead = "Principal: {AWS: 'arn:aws:iam::222222222222:root'}",
      .manifest = MANIFEST_HEAD PLAIN,
      .state = AF_COPY_BLOCKED,
      .code = "AccessDenied",
      .action = "sts:AssumeRole",
      .account = "222222222222",
      .region = "eu-west-1",
      .resource = "role/amiferry-target",
      .hint = "trust"});
}
TEST(credentials_of_another_account_than_the_manifest_says_block_the_copy) {
  refuses(&(struct refusal){.manifest = MANIFEST_HEAD "- {source: {image: ami-0a000000000000000}, target: {account: \"333333333333\"}}\n",
                            .state = AF_COPY_BLOCKED,
                            .code = "WrongAccount",
                            .action = "sts:GetCallerIdentity",
                            .account = "222222222222",
                            .region = "eu-west-1",
                            .resource = "",
                            .hint = "correct target.account"});
}

TEST(a_key_policy_that_forbids_the_grant_blocks_the_copy) {
  refuses(&(struct refusal){
      .what = SOURCE_ALIAS,
      .instead =
          "keys: [{id: 00000000-0000-4000-8000-000000000001, alias: alias/amis, policy: [{Effect: Allow, Action: 'kms:*', Resource: '*',"
          " Principal: {AWS: 'arn:aws:iam::111111111111:root'}}, {Effect: Deny, Action: 'kms:CreateGrant', Resource: '*', Principal: "
          "'*'}]}]\n",
      .manifest = MANIFEST_HEAD SEALED,
      .state = AF_COPY_BLOCKED,
      .code = "AccessDeniedException",
      .action = "kms:CreateGrant",
      .account = "111111111111",
      .region = "us-east-1",
      .resource = SOURCE_KEY,
      .hint = "kms:CreateGrant"});
}
TEST(a_source_under_the_aws_managed_key_fails_and_says_why) {
  refuses(&(struct refusal){.what = SOURCE_ALIAS,
                            .instead = "keys: [{id: 00000000-0000-4000-8000-000000000001, alias: alias/amis, manager: AWS}]\n",
                            .manifest = MANIFEST_HEAD SEALED,
                            .state = AF_COPY_FAILED,
                            .code = "SourceUnderAwsManagedKey",
                            .action = "",
                            .account = "111111111111",
                            .region = "us-east-1",
                            .resource = "snap-0b000000000000001",
                            .hint = "customer"});
}
TEST(a_target_key_that_is_missing_fails) {
  refuses(&(struct refusal){.what = TARGET_ALIAS,
                            .instead = "keys: []\n",
                            .manifest = MANIFEST_HEAD SEALED,
                            .state = AF_COPY_FAILED,
                            .code = "TargetKeyNotFound",
                            .action = "kms:DescribeKey",
                            .account = "222222222222",
                            .region = "eu-west-1",
                            .resource = "alias/amis",
                            .hint = "key"});
}
TEST(a_target_key_that_is_disabled_blocks_the_copy) {
  refuses(&(struct refusal){.what = TARGET_ALIAS,
                            .instead = "keys: [{id: 00000000-0000-4000-8000-000000000012, alias: alias/amis, state: Disabled}]\n",
                            .manifest = MANIFEST_HEAD SEALED,
                            .state = AF_COPY_BLOCKED,
                            .code = "TargetKeyNotEnabled",
                            .action = "kms:DescribeKey",
                            .account = "222222222222",
                            .region = "eu-west-1",
                            .resource = TARGET_KEY,
                            .hint = "nable"});
}
TEST(an_account_that_may_share_no_more_fails_the_copy_and_says_where_to_look) {
  refuses(&(struct refusal){.what = "audit: {",
                            .instead = "quotas: {sharing_entities: 0}\naudit: {",
                            .manifest = MANIFEST_HEAD PLAIN,
                            .state = AF_COPY_FAILED,
                            .code = "TimeLimit",
                            .action = "",
                            .account = "111111111111",
                            .region = "us-east-1",
                            .resource = "",
                            .hint = "account 111111111111"});
}
TEST(a_snapshot_share_that_is_forbidden_blocks_the_copy) {
  refuses(&(struct refusal){.what = SOURCE_ROLE,
                            .instead = DENY("'ec2:ModifySnapshotAttribute'"),
                            .manifest = MANIFEST_HEAD SEALED,
                            .state = AF_COPY_BLOCKED,
                            .code = "UnauthorizedOperation",
                            .action = "ec2:ModifySnapshotAttribute",
                            .account = "111111111111",
                            .region = "us-east-1",
                            .resource = "snap-0b",
                            .hint = "ec2:ModifySnapshotAttribute"});
}
TEST(an_image_share_that_is_forbidden_blocks_the_copy) {
  refuses(&(struct refusal){.what = SOURCE_ROLE,
                            .instead = DENY("'ec2:ModifyImageAttribute'"),
                            .manifest = MANIFEST_HEAD PLAIN,
                            .state = AF_COPY_BLOCKED,
                            .code = "UnauthorizedOperation",
                            .action = "ec2:ModifyImageAttribute",
                            .account = "111111111111",
                            .region = "us-east-1",
                            .resource = "ami-0a",
                            .hint = "ec2:ModifyImageAttribute"});
}
TEST(an_ami_that_is_not_there_fails) {
  refuses(&(struct refusal){.manifest = MANIFEST_HEAD "- {source: {image: ami-0c000000000000000}}\n",
                            .state = AF_COPY_FAILED,
                            .code = "InvalidAMIID.NotFound",
                            .action = "ec2:DescribeImages",
                            .account = "111111111111",
                            .region = "us-east-1",
                            .resource = "ami-0c000000000000000",
                            .hint = "shared"});
}
TEST(a_target_key_that_ebs_may_not_use_blocks_the_copy_after_the_fact) {
  refuses(&(struct refusal){
      .what = TARGET_ALIAS,
      .instead = "keys: [{id: 00000000-0000-4000-8000-000000000012, alias: alias/amis, policy: [{Effect: Allow, Action: 'kms:DescribeKey',"
                 " Resource: '*', Principal: {AWS: 'arn:aws:iam::222222222222:root'}}]}]\n",
      .manifest = MANIFEST_HEAD SEALED,
      .state = AF_COPY_BLOCKED,
      .code = "KeyNotAccessible",
      .action = "ec2:CopySnapshot",
      .account = "222222222222",
      .region = "eu-west-1",
      .resource = "snap-",
      .hint = "kms:CreateGrant"});
}

#define NAMED_PLAIN                                                                                                               \
  "      images: [{id: ami-0d000000000000000, name: plain, mappings: [{device: /dev/xvda, snapshot: snap-0d000000000000001}]}]\n" \
  "      snapshots: [{id: snap-0d000000000000001, size: 8}]\n"
TEST(a_name_that_is_taken_by_something_not_ours_fails) {
  refuses(&(struct refusal){.what = TARGET_ALIAS,
                            .instead = TARGET_ALIAS NAMED_PLAIN,
                            .manifest = MANIFEST_HEAD PLAIN,
                            .state = AF_COPY_FAILED,
                            .code = "NameTaken",
                            .action = "ec2:DescribeImages",
                            .account = "222222222222",
                            .region = "eu-west-1",
                            .resource = "ami-0d000000000000000",
                            .hint = "name"});
}
TEST(allowed_amis_that_hide_the_source_are_named) {
  refuses(&(struct refusal){.what = TARGET_ALIAS_HERE,
                            .instead = TARGET_ALIAS_HERE "      allowed_images: {state: enabled, providers: [amazon]}\n",
                            .manifest = MANIFEST_HEAD PLAIN_HERE,
                            .state = AF_COPY_BLOCKED,
                            .code = "InvalidAMIID.NotFound",
                            .action = "ec2:CopyImage",
                            .account = "222222222222",
                            .region = "us-east-1",
                            .resource = "ami-0a",
                            .hint = "Allowed AMIs"});
}

TEST(what_blocked_a_copy_is_mended_and_the_copy_resumed) {
  struct rig *r = new_rig(WORLD, 12);
  struct af_error err;
  rig_setenv(r, "AWS_CONFIG_FILE", rig_file(r, "other-config", BAD_ID));
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN SEALED, &err), &err);
  assert_all(r, AF_COPY_BLOCKED, "with a wrong external id");
  rig_setenv(r, "AWS_CONFIG_FILE", rig_file(r, "good-config", CONFIG));
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "with the right one");
  assert_clean(r, "with the right one");
  rig_free(r);
}

#define FORBID(action, after)                                           \
  "{\"kind\": \"error\", \"action\": \"" action "\", \"after\": " after \
  ", \"status\": 403, \"code\": \"UnauthorizedOperation\", \"message\": \"no\"}"

static void forbid_after_one_snapshot(void *ctx, struct rig *r) {
  bool *forbidden = ctx;
  if (*forbidden || rig_carried_out(r, "ec2:CopySnapshot") == 0) return;
  set_faults(r, "[" FORBID("CopySnapshot", "0") "]");
  *forbidden = true;
}

/* The refusal comes in the middle: the grant, the shares and the first snapshot's copy are there. What was borrowed is taken back once that
 * copy is made, which needs it; and opened again. */
TEST(a_copy_that_is_blocked_half_way_closes_what_it_opened_and_opens_it_again_on_resume) {
  struct rig *r = new_rig(WORLD, 13);
  struct af_error err;
  bool forbidden = false;
  rig_watch(r, forbid_after_one_snapshot, &forbidden);
  assert_ok(rig_run(r, MANIFEST_HEAD SEALED, &err), &err);
  rig_watch(r, NULL, NULL);
  set_faults(r, "[]");
  assert_int_equal(rig_carried_out(r, "ec2:CopySnapshot"), 1); /* which is being made while the other is refused */
  assert_all(r, AF_COPY_BLOCKED, "after the refusal");
  assert_int_equal(audit_count(r, "shares_open"), 0);
  assert_int_equal(audit_count(r, "grants_open"), 0);
  rig_advance(r, 3600000);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "after the resume");
  assert_int_equal(rig_carried_out(r, "ec2:CopySnapshot"), 2);
  assert_clean(r, "after the resume");
  assert_int_equal(live_images(r), 1);
  rig_free(r);
}

/* The permission to share is lost before what was shared is taken back: open access is known, shown, and closed as soon as it can be. */
static void closes_when_it_can(const char *faults) {
  struct rig *r = new_rig(WORLD, 16);
  struct af_error err;
  set_faults(r, faults);
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN, &err), &err);
  assert_all(r, AF_COPY_BLOCKED, "without the permission to take back");
  assert_int_equal(audit_count(r, "shares_open"), 2);
  set_faults(r, "[]");
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "with the permission");
  assert_clean(r, "with the permission");
  assert_int_equal(live_images(r), 1);
  rig_free(r);
}

TEST(access_that_cannot_be_taken_back_blocks_the_copy_until_it_can) {
  closes_when_it_can("[" FORBID("ModifySnapshotAttribute", "2") "]");
}
TEST(one_resume_is_enough_where_going_back_was_blocked_too) {
  closes_when_it_can("[" FORBID("ModifySnapshotAttribute", "2") ", " FORBID("CopyImage", "0") "]");
}

/* What stopped it on the way back is mended, and no reason to have failed. */
TEST(why_a_copy_failed_is_remembered_where_taking_back_was_refused) {
  struct rig *r = new_rig(WORLD, 21);
  struct af_error err;
  struct af_copy_row *list;
  set_faults(r, "[" FORBID("ModifySnapshotAttribute", "2") ", {\"kind\": \"error\", \"action\": \"CopyImage\", \"status\": 400,"
                " \"code\": \"InvalidParameterValue\", \"message\": \"of no use\"}]");
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN, &err), &err);
  assert_all(r, AF_COPY_BLOCKED, "without the permission to take back");
  set_faults(r, "[]");
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_FAILED, "with the permission");
  assert_clean(r, "with the permission");
  assert_int_equal(rig_copies(r, &list), 1);
  assert_non_null(list[0].error);
  assert_int_equal(af_error_from_json(list[0].error, &err), 0);
  assert_string_equal(err.code, "InvalidParameterValue");
  rig_copies_free(list, 1);
  rig_free(r);
}

/* The first Add happens and its reply is lost; when it is sent again AWS refuses. That says nothing of the first: it is not forgotten, and closed at last. */
TEST(a_refused_repeat_does_not_hide_that_the_first_call_opened_access) {
  struct rig *r = new_rig(WORLD, 18);
  struct af_error err;
  set_faults(r, "[{\"kind\": \"lost-reply\", \"action\": \"ModifySnapshotAttribute\", \"nth\": 1},"
                " {\"kind\": \"error\", \"action\": \"ModifySnapshotAttribute\", \"nth\": 3, \"status\": 403, \"code\": \"UnauthorizedOperation\","
                " \"message\": \"no\"}]");
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN, &err), &err);
  assert_all(r, AF_COPY_BLOCKED, "after the refused repeat");
  set_faults(r, "[]");
  rig_advance(r, 600000);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "after the resume");
  assert_clean(r, "after the resume");
  rig_free(r);
}

/* Who may not look knows nothing: what is being copied in AWS keeps the access that it needs, and nothing is copied again. */
TEST(a_refused_poll_takes_nothing_from_copies_under_way) {
  struct rig *r = new_rig(WORLD, 20);
  struct af_error err;
  set_faults(r, "[{\"kind\": \"error\", \"action\": \"DescribeSnapshots\", \"account\": \"222222222222\", \"nth\": 1, \"status\": 403,"
                " \"code\": \"UnauthorizedOperation\", \"message\": \"no\"}]");
  assert_ok(rig_run(r, MANIFEST_HEAD SEALED, &err), &err);
  assert_all(r, AF_COPY_BLOCKED, "after the refused poll");
  assert_int_equal(audit_count(r, "grants_open"), 1);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "after the resume");
  assert_int_equal(rig_carried_out(r, "ec2:CopySnapshot"), 2);
  assert_clean(r, "after the resume");
  rig_free(r);
}

/* The name of an earlier copy stands on the second page, the first is empty. */
TEST(what_stands_behind_an_empty_page_is_seen) {
  struct rig *r = new_rig(WORLD, 19);
  struct af_error err;
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN, &err), &err);
  rig_advance(r, 60000);
  set_faults(r, "[{\"kind\": \"empty-page\", \"action\": \"DescribeImages\", \"account\": \"222222222222\", \"nth\": 1}]");
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN, &err), &err);
  assert_all(r, AF_COPY_DONE, "after the second run");
  assert_int_equal(rig_carried_out(r, "ec2:CopyImage"), 1);
  assert_clean(r, "after the second run");
  rig_free(r);
}

TEST(a_permission_that_was_there_before_is_left_alone) {
  char *world = world_with("{id: snap-0a000000000000001, size: 8}",
                           "{id: snap-0a000000000000001, size: 8, create_volume_permissions: ['222222222222', '333333333333']}");
  struct rig *r = new_rig(world, 14);
  struct af_error err;
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN PLAIN_HERE, &err), &err);
  assert_all(r, AF_COPY_DONE, "with a permission of before");
  assert_clean(r, "with a permission of before");                         /* shares_lost would tell */
  assert_int_equal(rig_carried_out(r, "ec2:ModifySnapshotAttribute"), 2); /* the other snapshot: opened once, closed once */
  rig_free(r);
  free(world);
}

TEST(a_manifest_that_is_put_right_takes_over_what_nothing_was_made_of) {
  struct rig *r = new_rig(WORLD, 15);
  struct af_error err;
  struct af_copy_row *list;
  const char *right = "version: 1\ncopies:\n- {source: {profile: from, region: us-east-1, image: ami-0a000000000000000}, target: {account: "
                      "\"222222222222\", profile: to, region: eu-west-1}}\n";
  rig_setenv(r, "AWS_CONFIG_FILE",
             rig_file(r, "other-config",
                      BAD_ID "[profile right]\nrole_arn = arn:aws:iam::222222222222:role/amiferry-target\n"
                             "source_profile = operator\nexternal_id = to-there\n"));
  assert_ok(rig_run(r, right, &err), &err);
  assert_all(r, AF_COPY_BLOCKED, "with a wrong profile");
  assert_ok(rig_run(r,
                    "version: 1\ncopies:\n- {source: {profile: from, region: us-east-1, image: ami-0a000000000000000}, target: {account: "
                    "\"222222222222\", profile: right, region: eu-west-1}}\n",
                    &err),
            &err);
  size_t n = rig_copies(r, &list);
  assert_int_equal(n, 2);
  assert_int_equal(list[0].state, AF_COPY_CANCELLED);
  assert_int_equal(list[1].state, AF_COPY_DONE);
  assert_clean(r, "with the right profile");
  rig_copies_free(list, n);
  rig_free(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_wrong_external_id_is_told_from_nothing_else_and_so_named),
      cmocka_unit_test(a_role_that_may_not_be_assumed_blocks_the_copy),
      cmocka_unit_test(credentials_of_another_account_than_the_manifest_says_block_the_copy),
      cmocka_unit_test(a_key_policy_that_forbids_the_grant_blocks_the_copy),
      cmocka_unit_test(a_source_under_the_aws_managed_key_fails_and_says_why),
      cmocka_unit_test(a_target_key_that_is_missing_fails),
      cmocka_unit_test(a_target_key_that_is_disabled_blocks_the_copy),
      cmocka_unit_test(an_account_that_may_share_no_more_fails_the_copy_and_says_where_to_look),
      cmocka_unit_test(a_snapshot_share_that_is_forbidden_blocks_the_copy),
      cmocka_unit_test(an_image_share_that_is_forbidden_blocks_the_copy),
      cmocka_unit_test(an_ami_that_is_not_there_fails),
      cmocka_unit_test(a_target_key_that_ebs_may_not_use_blocks_the_copy_after_the_fact),
      cmocka_unit_test(a_name_that_is_taken_by_something_not_ours_fails),
      cmocka_unit_test(allowed_amis_that_hide_the_source_are_named),
      cmocka_unit_test(what_blocked_a_copy_is_mended_and_the_copy_resumed),
      cmocka_unit_test(a_copy_that_is_blocked_half_way_closes_what_it_opened_and_opens_it_again_on_resume),
      cmocka_unit_test(access_that_cannot_be_taken_back_blocks_the_copy_until_it_can),
      cmocka_unit_test(one_resume_is_enough_where_going_back_was_blocked_too),
      cmocka_unit_test(why_a_copy_failed_is_remembered_where_taking_back_was_refused),
      cmocka_unit_test(a_refused_repeat_does_not_hide_that_the_first_call_opened_access),
      cmocka_unit_test(a_refused_poll_takes_nothing_from_copies_under_way),
      cmocka_unit_test(what_stands_behind_an_empty_page_is_seen),
      cmocka_unit_test(a_permission_that_was_there_before_is_left_alone),
      cmocka_unit_test(a_manifest_that_is_put_right_takes_over_what_nothing_was_made_of),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
