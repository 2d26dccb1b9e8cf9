/* cloudsim's KMS: grants, their names, their lives and their limits; key policies; who may use a key (rules.md 3). */
#include "tests/unit/cloudsim_front.h"

#define ROOT_OF(account) "arn:aws:iam::" account ":root"
#define LAG "latencies: {grant_propagation: [60, 60]}\n"
#define GRANT "'KeyId':'" KEY "','GranteePrincipal':'" ROOT_OF(TARGET) "','Operations':['Decrypt','DescribeKey']"
#define NARROW "arn:aws:iam::" TARGET ":user/narrow"

static void world_with(struct world *w, const char *text) {
  world_init(w, text);
}

static bool ebs_may(struct world *w, const struct login *who, const char *operation) {
  struct cs_caller caller;
  const struct cs_access_key *key = cs_access_key_find(w->sim, af_str(who->key));
  cs_caller_of_key(&caller, key);
  struct cs_key *k = cs_kms_key_find(w->sim, "us-east-1", SOURCE, KEY);
  assert_non_null(k);
  return cs_kms_may_use(w->sim, cs_sim_time(w->sim, w->now_ms), &caller, k, operation);
}

TEST(a_name_and_identical_parameters_give_the_same_grant_again) {
  struct world w;
  char id[80], token[200];
  world_with(&w, WORLD("", "[]", ""));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT ",'Name':'one'}"));
  AF_COPY(id, af_str(text_of(&w, "GrantId")));
  AF_COPY(token, af_str(text_of(&w, "GrantToken")));
  assert_int_equal(strlen(id), 64);
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT ",'Name':'one'}"));
  assert_string_equal(text_of(&w, "GrantId"), id);
  assert_string_not_equal(text_of(&w, "GrantToken"), token);
  static const char *const others[] = {
      "{" GRANT "}",
      "{" GRANT ",'Name':'two'}",
      "{" GRANT ",'Name':'one','RetiringPrincipal':'" ROOT_OF(SOURCE) "'}",
      "{" GRANT ",'Name':'one','Constraints':{'EncryptionContextSubset':{'a':'b'}}}",
      "{'KeyId':'" KEY "','Name':'one','GranteePrincipal':'" ROOT_OF(TARGET) "','Operations':['Decrypt']}",
      "{'KeyId':'" KEY "','Name':'one','GranteePrincipal':'" NARROW "','Operations':['Decrypt','DescribeKey']}",
  };
  for (size_t i = 0; i < COUNT(others); i++) {
    assert_done(&w, kms(&w, &source_admin, "CreateGrant", others[i]));
    assert_string_not_equal(text_of(&w, "GrantId"), id);
  }
  assert_int_equal(w.sim->kms->n_grants, 1 + COUNT(others));
  world_done(&w);
}

TEST(the_name_of_an_ended_grant_makes_a_new_one) {
  struct world w;
  char id[80], request[600];
  world_with(&w, WORLD("", "[]", ""));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT ",'Name':'one'}"));
  AF_COPY(id, af_str(text_of(&w, "GrantId")));
  snprintf(request, sizeof request, "{'KeyId':'" KEY "','GrantId':'%s'}", id);
  assert_done(&w, kms(&w, &source_admin, "RetireGrant", request));
  assert_int_equal(w.reply.body.len, 0);
  assert_refused(&w, kms(&w, &source_admin, "RetireGrant", request), 400, "NotFoundException");
  assert_refused(&w, kms(&w, &source_admin, "RevokeGrant", request), 400, "NotFoundException");
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT ",'Name':'one'}"));
  assert_string_not_equal(text_of(&w, "GrantId"), id);
  world_done(&w);
}

TEST(a_grant_arrives_later_unless_its_token_comes_along) {
  struct world w;
  char with_token[600];
  world_with(&w, WORLD(LAG, "[]", ""));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant",
                      "{'KeyId':'" KEY "','GranteePrincipal':'" NARROW "','Operations':['DescribeKey']}"));
  snprintf(with_token, sizeof with_token, "{'KeyId':'" KEY "','GrantTokens':['%s']}", text_of(&w, "GrantToken"));
  assert_refused(&w, kms(&w, &target_narrow, "DescribeKey", "{'KeyId':'" KEY "'}"), 400, "AccessDeniedException");
  assert_false(ebs_may(&w, &target_narrow, "DescribeKey"));
  assert_done(&w, kms(&w, &target_narrow, "DescribeKey", with_token));
  assert_true(cs_sim_next_ms(w.sim, w.now_ms) == w.now_ms + 60000);
  w.now_ms += 60000;
  assert_done(&w, kms(&w, &target_narrow, "DescribeKey", "{'KeyId':'" KEY "'}"));
  assert_true(ebs_may(&w, &target_narrow, "DescribeKey"));
  assert_refused(&w, kms(&w, &target_narrow, "DescribeKey", "{'KeyId':'" KEY "','GrantTokens':['nonsense']}"), 400,
                 "InvalidGrantTokenException");
  world_done(&w);
}

TEST(a_retired_grant_works_on_until_that_has_arrived_too) {
  struct world w;
  char request[600];
  world_with(&w, WORLD(LAG, "[]", ""));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant",
                      "{'KeyId':'" KEY "','GranteePrincipal':'" NARROW "','Operations':['DescribeKey']}"));
  snprintf(request, sizeof request, "{'KeyId':'" KEY "','GrantId':'%s'}", text_of(&w, "GrantId"));
  w.now_ms += 60000;
  assert_done(&w, kms(&w, &source_admin, "RevokeGrant", request));
  assert_true(ebs_may(&w, &target_narrow, "DescribeKey"));
  w.now_ms += 60000;
  assert_false(ebs_may(&w, &target_narrow, "DescribeKey"));
  world_done(&w);
}

TEST(a_grant_to_an_account_needs_the_users_own_policy_too) {
  struct world w;
  world_with(&w, WORLD("", "[{Effect: Allow, Action: 'kms:DescribeKey', Resource: '*'}]", ""));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT "}"));
  assert_true(ebs_may(&w, &target_admin, "Decrypt"));
  assert_true(ebs_may(&w, &target_narrow, "DescribeKey"));
  assert_false(ebs_may(&w, &target_narrow, "Decrypt"));
  assert_false(ebs_may(&w, &target_admin, "CreateGrant"));
  world_done(&w);
}

#define RETIRE(who, status, code, id)                                                          \
  do {                                                                                         \
    char retire_[600];                                                                         \
    snprintf(retire_, sizeof retire_, "{'KeyId':'" KEY "','GrantId':'%s','DryRun':true}", id); \
    assert_refused(&w, kms(&w, (who), "RetireGrant", retire_), status, code);                  \
  } while (0)

TEST(a_grant_is_retired_by_whom_it_names_and_by_the_account_that_made_it) {
  struct world w;
  char plain[80], named[80], own[80];
  world_with(&w, WORLD("", "[]", ""));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT "}"));
  AF_COPY(plain, af_str(text_of(&w, "GrantId")));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT ",'RetiringPrincipal':'" NARROW "'}"));
  AF_COPY(named, af_str(text_of(&w, "GrantId")));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant",
                      "{'KeyId':'" KEY "','GranteePrincipal':'" NARROW "','Operations':['RetireGrant']}"));
  AF_COPY(own, af_str(text_of(&w, "GrantId")));
  RETIRE(&source_admin, 400, "DryRunOperationException", plain);
  RETIRE(&target_admin, 400, "AccessDeniedException", plain);
  RETIRE(&target_narrow, 400, "AccessDeniedException", plain);
  RETIRE(&target_narrow, 400, "DryRunOperationException", named);
  RETIRE(&target_admin, 400, "AccessDeniedException", named);
  RETIRE(&target_narrow, 400, "DryRunOperationException", own);
  world_done(&w);
}

TEST(a_token_retires_a_grant_before_it_has_arrived) {
  struct world w;
  char request[600];
  world_with(&w, WORLD(LAG, "[]", ""));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT "}"));
  snprintf(request, sizeof request, "{'GrantToken':'%s'}", text_of(&w, "GrantToken"));
  assert_done(&w, kms(&w, &source_admin, "RetireGrant", request));
  assert_refused(&w, kms(&w, &source_admin, "RetireGrant", request), 400, "NotFoundException");
  assert_refused(&w, kms(&w, &source_admin, "RetireGrant", "{'GrantToken':'nonsense'}"), 400, "InvalidGrantTokenException");
  assert_refused(&w, kms(&w, &source_admin, "RetireGrant", "{}"), 400, "ValidationException");
  json_t *audit = cs_sim_audit(w.sim, w.now_ms);
  assert_int_equal(json_array_size(json_object_get(audit, "grants_open")), 0);
  json_decref(audit);
  world_done(&w);
}

TEST(who_may_grant_by_a_grant_passes_on_no_more_than_it_has) {
  struct world w;
  world_with(&w, WORLD("", "[]", ""));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant",
                      "{'KeyId':'" KEY "','GranteePrincipal':'" NARROW
                      "','Operations':['CreateGrant','Decrypt'],'Constraints':{'EncryptionContextSubset':{'a':'b'}}}"));
  static const char child[] = "{'KeyId':'" KEY "','GranteePrincipal':'" ROOT_OF(TARGET) "',%s}";
  static const struct {
    const char *rest, *code;
    int status;
  } cases[] = {
      {"'Operations':['Decrypt'],'Constraints':{'EncryptionContextSubset':{'a':'b'}}", "", 200},
      {"'Operations':['Decrypt'],'Constraints':{'EncryptionContextSubset':{'a':'b','c':'d'}}", "", 200},
      {"'Operations':['Decrypt'],'Constraints':{'EncryptionContextSubset':{'c':'d'}}", "AccessDeniedException", 400},
      {"'Operations':['Decrypt']", "AccessDeniedException", 400},
      {"'Operations':['Decrypt','Encrypt'],'Constraints':{'EncryptionContextSubset':{'a':'b'}}", "AccessDeniedException", 400},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    char request[1000];
    snprintf(request, sizeof request, child, cases[i].rest);
    assert_refused(&w, kms(&w, &target_narrow, "CreateGrant", request), cases[i].status, cases[i].code);
  }
  world_done(&w);
}

TEST(what_a_grant_may_not_be_is_refused) {
  static const struct {
    const char *request, *code;
  } cases[] = {
      {"{}", "ValidationException"},
      {"{'KeyId':7}", "SerializationException"},
      {"nonsense", "SerializationException"},
      {"{'KeyId':'" KEY "','GranteePrincipal':'" ROOT_OF(TARGET) "','Operations':[]}", "ValidationException"},
      {"{'KeyId':'" KEY "','GranteePrincipal':'" ROOT_OF(TARGET) "','Operations':['ReEncrypt']}", "ValidationException"},
      {"{'KeyId':'" KEY "','GranteePrincipal':'" ROOT_OF(TARGET) "','Operations':['Sign']}", "ValidationException"},
      {"{'KeyId':'" KEY "','Operations':['Decrypt']}", "ValidationException"},
      {"{" GRANT ",'GranteeServicePrincipal':'ec2.amazonaws.com'}", "ValidationException"},
      {"{'KeyId':'" KEY "','GranteeServicePrincipal':'ec2.amazonaws.com','Operations':['Decrypt']}", "ValidationException"},
      {"{" GRANT ",'Name':'a b'}", "ValidationException"},
      {"{" GRANT ",'Name':''}", "ValidationException"},
      {"{" GRANT ",'RetiringPrincipal':'arn:aws:iam::" TARGET ":role/nobody'}", "InvalidArnException"},
      {"{'KeyId':'" KEY "','GranteePrincipal':'arn:aws:iam::" TARGET ":group/x','Operations':['Decrypt']}",
       "InvalidArnException"},
      {"{'KeyId':'" KEY "','GranteePrincipal':'" ROOT_OF("999999999999") "','Operations':['Decrypt']}", "InvalidArnException"},
      {"{'KeyId':'alias/disks','GranteePrincipal':'" ROOT_OF(TARGET) "','Operations':['Decrypt']}", "InvalidArnException"},
      {"{'KeyId':'1111bbbb-11bb-41bb-a1bb-111111111111','GranteePrincipal':'" ROOT_OF(TARGET) "','Operations':['Decrypt']}",
       "DisabledException"},
      {"{'KeyId':'1111ffff-11bb-41bb-a1bb-111111111111','GranteePrincipal':'" ROOT_OF(TARGET) "','Operations':['Decrypt']}",
       "NotFoundException"},
      {"{'KeyId':'arn:aws:kms:eu-west-1:" SOURCE ":key/" KEY_ID
       "','GranteePrincipal':'" ROOT_OF(TARGET) "','Operations':['Decrypt']}",
       "NotFoundException"},
      {"{" GRANT ",'Constraints':{'Moon':'full'}}", "SerializationException"},
      {"{" GRANT ",'DryRun':true}", "DryRunOperationException"},
  };
  struct world w;
  world_with(&w, WORLD("", "[]", ""));
  for (size_t i = 0; i < COUNT(cases); i++)
    assert_refused(&w, kms(&w, &source_admin, "CreateGrant", cases[i].request), 400, cases[i].code);
  assert_int_equal(w.sim->kms->n_grants, 0);
  assert_refused(&w, kms(&w, &source_admin, "MakeTea", "{}"), 400, "UnknownOperationException");
  world_done(&w);
}

TEST(a_refusal_that_quotes_a_long_name_is_json_and_xml_still) {
  struct world w;
  world_with(&w, WORLD("", "[]", ""));
  for (size_t shift = 0; shift < 2; shift++) { /* one of the two is cut amid a character */
    char request[2600] = "{'KeyId':'alias/";
    size_t n = strlen(request);
    for (size_t i = 0; i < shift; i++)
      request[n++] = 'x';
    for (size_t i = 0; i < 600; i++, n += 2)
      memcpy(request + n, "\xC3\xA9", 2);
    memcpy(request + n, "'}", 3);
    assert_int_equal(kms(&w, &source_admin, "DescribeKey", request), 400);
    assert_string_equal(text_of(&w, "__type"), "NotFoundException");
    char role[6000] = "RoleSessionName=me&RoleArn=arn:aws:iam::" SOURCE ":role/";
    for (size_t i = 0; i < shift; i++)
      role[strlen(role)] = 'x';
    for (size_t i = 0; i < 600; i++)
      memcpy(role + strlen(role), "%C3%A9", 7);
    assert_int_equal(sts(&w, &target_admin, "AssumeRole", role), 403);
    assert_true(af_str_utf8(af_buf_view(&w.reply.body)));
  }
  world_done(&w);
}

TEST(principals_are_accounts_users_roles_and_sessions) {
  static const char *const good[] = {TARGET, ROOT_OF(TARGET), NARROW, "arn:aws:iam::" TARGET ":role/hop",
                                     "arn:aws:sts::" TARGET ":assumed-role/hop/me"};
  struct world w;
  world_with(&w, WORLD("", "[]", ""));
  for (size_t i = 0; i < COUNT(good); i++) {
    char request[600];
    snprintf(request, sizeof request, "{'KeyId':'" KEY "','GranteePrincipal':'%s','Operations':['Decrypt']}", good[i]);
    assert_done(&w, kms(&w, &source_admin, "CreateGrant", request));
  }
  assert_string_equal(w.sim->kms->grants[0]->grantee, ROOT_OF(TARGET));
  world_done(&w);
}

TEST(a_key_has_a_quota_of_grants) {
  struct world w;
  world_with(&w, WORLD("kms: {grants_per_key: 2}\n", "[]", ""));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT ",'Name':'a'}"));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT "}"));
  char request[600];
  snprintf(request, sizeof request, "{'GrantToken':'%s'}", text_of(&w, "GrantToken"));
  assert_refused(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT "}"), 400, "LimitExceededException");
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT ",'Name':'a'}"));
  assert_done(&w, kms(&w, &source_admin, "RetireGrant", request));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT "}"));
  world_done(&w);
}

TEST(calls_have_rates) {
  struct world w;
  world_with(&w, WORLD("", "[]", ""));
  for (int i = 0; i < 50; i++)
    assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT ",'Name':'a'}"));
  assert_refused(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT ",'Name':'a'}"), 400, "ThrottlingException");
  w.now_ms += 1000;
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT ",'Name':'a'}"));
  world_done(&w);
}

TEST(grants_are_listed_in_pages_by_key_and_by_who_may_retire_them) {
  struct world w;
  char request[300], marker[100];
  world_with(&w, WORLD("quotas: {throttle: false}\n", "[]", ""));
  for (int i = 0; i < 120; i++) {
    snprintf(request, sizeof request, "{" GRANT ",'Name':'n%d','RetiringPrincipal':'%s'}", i, i % 2 ? NARROW : ROOT_OF(SOURCE));
    assert_done(&w, kms(&w, &source_admin, "CreateGrant", request));
  }
  assert_done(&w, kms(&w, &source_admin, "ListGrants", "{'KeyId':'" KEY "'}"));
  assert_int_equal(json_array_size(json_object_get(w.json, "Grants")), 50);
  assert_true(json_is_true(json_object_get(w.json, "Truncated")));
  AF_COPY(marker, af_str(text_of(&w, "NextMarker")));
  snprintf(request, sizeof request, "{'KeyId':'" KEY "','Limit':100,'Marker':'%s'}", marker);
  assert_done(&w, kms(&w, &source_admin, "ListGrants", request));
  assert_int_equal(json_array_size(json_object_get(w.json, "Grants")), 70);
  assert_false(json_is_true(json_object_get(w.json, "Truncated")));
  assert_done(&w, kms(&w, &source_admin, "ListGrants", "{'KeyId':'" KEY "','GranteePrincipal':'" NARROW "'}"));
  assert_int_equal(json_array_size(json_object_get(w.json, "Grants")), 0);
  assert_refused(&w, kms(&w, &source_admin, "ListGrants", "{'KeyId':'" KEY "','Limit':101}"), 400, "ValidationException");
  assert_refused(&w, kms(&w, &source_admin, "ListGrants", "{'KeyId':'" KEY "','Marker':'x'}"), 400, "InvalidMarkerException");
  assert_done(&w, kms(&w, &target_admin, "ListRetirableGrants", "{'RetiringPrincipal':'" NARROW "','Limit':100}"));
  assert_int_equal(json_array_size(json_object_get(w.json, "Grants")), 60);
  assert_refused(&w, kms(&w, &source_admin, "ListRetirableGrants", "{'RetiringPrincipal':'" NARROW "'}"), 400,
                 "AccessDeniedException");
  world_done(&w);
}

/* ---- key policies ---- */

TEST(a_foreign_account_needs_key_policy_and_own_policy) {
  struct world w;
  world_with(&w,
             WORLD("", "[{Effect: Allow, Action: 'kms:Decrypt', Resource: '" KEY "'}]",
                   "        policy:\n"
                   "        - {Effect: Allow, Principal: {AWS: '" ROOT_OF(
                       SOURCE) "'}, Action: 'kms:*', Resource: '*'}\n"
                               "        - {Effect: Allow, Principal: {AWS: '" ROOT_OF(
                                   TARGET) "'}, Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:ReEncrypt*'], Resource: '*'}\n"
                                           "        - {Effect: Allow, Principal: {AWS: '" ROOT_OF(
                                               TARGET) "'}, Action: 'kms:CreateGrant', Resource: '*', Condition: {Bool: "
                                                       "{'kms:GrantIsForAWSResource': true}}}\n"));
  assert_true(ebs_may(&w, &target_admin, "Decrypt"));
  assert_true(ebs_may(&w, &target_admin, "ReEncryptFrom"));
  assert_true(ebs_may(&w, &target_admin, "CreateGrant"));
  assert_false(ebs_may(&w, &target_admin, "Encrypt"));
  assert_true(ebs_may(&w, &target_narrow, "Decrypt"));
  assert_false(ebs_may(&w, &target_narrow, "DescribeKey"));
  /* rules.md 3: the condition stops whoever calls himself */
  assert_refused(&w, kms(&w, &target_admin, "CreateGrant", "{" GRANT "}"), 400, "AccessDeniedException");
  assert_contains(w.message, "no resource-based policies allow access");
  assert_done(&w, kms(&w, &target_admin, "DescribeKey", "{'KeyId':'" KEY "'}"));
  assert_done(&w, kms(&w, &target_admin, "DescribeKey", "{'KeyId':'arn:aws:kms:us-east-1:" SOURCE ":alias/disks'}"));
  assert_refused(&w, kms(&w, &target_admin, "DescribeKey", "{'KeyId':'alias/disks'}"), 400, "NotFoundException");
  assert_refused(&w, kms(&w, &target_admin, "GetKeyPolicy", "{'KeyId':'" KEY "'}"), 400, "AccessDeniedException");
  world_done(&w);
}

TEST(in_its_own_account_a_key_policy_that_names_the_user_is_enough_and_one_that_names_the_account_is_not) {
  static const char world[] = "version: 1\nregions: [us-east-1]\naccounts:\n- id: '" SOURCE "'\n"
                              "  users: [{name: a, policies: [], access_keys: [{id: AKIAFAKESOURCEADMIN1, secret: x}]}]\n"
                              "  regions: {us-east-1: {keys: [{id: " KEY_ID ", policy: {Effect: Allow, Principal: {AWS: '%s'}, Action: 'kms:Decrypt', Resource: '*'}}]}}\n";
  static const struct {
    const char *principal;
    bool may;
  } cases[] = {{"arn:aws:iam::" SOURCE ":user/a", true}, {ROOT_OF(SOURCE), false}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct world w;
    char text[1000];
    snprintf(text, sizeof text, world, cases[i].principal);
    world_with(&w, text);
    assert_int_equal(ebs_may(&w, &source_admin, "Decrypt"), cases[i].may);
    world_done(&w);
  }
}

TEST(a_constraint_binds_the_use_of_the_key_and_not_looking_at_it) {
  struct world w;
  world_with(&w, WORLD("", "[]", ""));
  static const struct {
    const char *constraint, *context;
    int status;
  } cases[] = {
      {"'EncryptionContextSubset':{'a':'b'}", "{'a':'b','c':'d'}", 200}, {"'EncryptionContextSubset':{'a':'b'}", "{'a':'c'}", 400},
      {"'EncryptionContextSubset':{'a':'b'}", "{}", 400},                {"'EncryptionContextEquals':{'a':'b'}", "{'a':'b'}", 200},
      {"'EncryptionContextEquals':{'a':'b'}", "{'a':'b','c':'d'}", 400},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    char request[600], revoke[300];
    snprintf(request, sizeof request,
             "{'KeyId':'" KEY "','GranteePrincipal':'" NARROW "','Operations':['GenerateDataKeyWithoutPlaintext','DescribeKey'],'Constraints':{%s}}",
             cases[i].constraint);
    assert_done(&w, kms(&w, &source_admin, "CreateGrant", request));
    snprintf(revoke, sizeof revoke, "{'KeyId':'" KEY "','GrantId':'%s'}", text_of(&w, "GrantId"));
    snprintf(request, sizeof request, "{'KeyId':'" KEY "','KeySpec':'AES_256','EncryptionContext':%s}", cases[i].context);
    if (kms(&w, &target_narrow, "GenerateDataKeyWithoutPlaintext", request) != cases[i].status)
      fail_msg("%s with %s", cases[i].constraint, cases[i].context);
    assert_done(&w, kms(&w, &target_narrow, "DescribeKey", "{'KeyId':'" KEY "'}"));
    assert_false(ebs_may(&w, &target_narrow, "GenerateDataKeyWithoutPlaintext"));
    assert_done(&w, kms(&w, &source_admin, "RevokeGrant", revoke));
  }
  world_done(&w);
}

TEST(a_deny_in_the_key_policy_beats_policy_and_grant) {
  struct world w;
  world_with(&w, WORLD("", "[]",
                       "        policy:\n"
                       "        - {Effect: Allow, Principal: {AWS: '" ROOT_OF(
                           SOURCE) "'}, Action: 'kms:*', Resource: '*'}\n"
                                   "        - {Effect: Deny, Principal: '*', Action: 'kms:Decrypt', Resource: '*', Condition: "
                                   "{StringEquals: {'kms:CallerAccount': '" TARGET "'}}}\n"));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT "}"));
  assert_true(ebs_may(&w, &target_admin, "DescribeKey"));
  assert_false(ebs_may(&w, &target_admin, "Decrypt"));
  assert_true(ebs_may(&w, &source_admin, "Decrypt"));
  world_done(&w);
}

TEST(a_policy_is_read_and_changed_in_its_own_account_only) {
  struct world w;
  world_with(&w, WORLD("", "[]",
                       "        policy: {Effect: Allow, Principal: {AWS: ['" ROOT_OF(SOURCE) "', '" ROOT_OF(
                           TARGET) "']}, Action: 'kms:*', Resource: '*'}\n"));
  assert_done(&w, kms(&w, &target_admin, "DescribeKey", "{'KeyId':'" KEY "'}"));
  static const char *const own[] = {"GetKeyPolicy", "DisableKey", "ScheduleKeyDeletion"};
  for (size_t i = 0; i < COUNT(own); i++)
    assert_refused(&w, kms(&w, &target_admin, own[i], "{'KeyId':'" KEY "'}"), 400, "AccessDeniedException");
  world_done(&w);
}

TEST(a_copy_that_was_due_asks_for_its_key_before_the_grant_or_the_key_goes) {
  struct world w;
  char request[600];
  world_with(
      &w,
      WORLD(
          "latencies: {key_check: 10, copy_min: 100, copy_mib_per_s: 0}\nuncertain: {retired_grant_fails_running_copy: false}\n",
          "[]", "      snapshots: [{id: snap-00000001, kms_key: alias/disks, create_volume_permissions: ['" TARGET "']}]\n"));
  for (int round = 0; round < 4; round++) {
    bool late = round % 2, disable = round / 2;
    assert_done(&w, kms(&w, &source_admin, "CreateGrant",
                        "{'KeyId':'" KEY "','GranteePrincipal':'" ROOT_OF(
                            TARGET) "','Operations':['DescribeKey','CreateGrant','Decrypt','GenerateDataKey',"
                                    "'GenerateDataKeyWithoutPlaintext','ReEncryptFrom','ReEncryptTo']}"));
    snprintf(request, sizeof request, "{'GrantToken':'%s'}", text_of(&w, "GrantToken"));
    char copy[40], describe[80], url[4096];
    struct af_buf form;
    presign(url, sizeof url, &target_admin, "us-east-1", w.now_ms,
            "Action=CopySnapshot&DestinationRegion=us-east-1&SourceRegion=us-east-1&SourceSnapshotId=snap-00000001&Version=2016-11-15");
    af_buf_init(&form, sizeof url * 3);
    af_buf_puts(&form, "SourceRegion=us-east-1&SourceSnapshotId=snap-00000001&Encrypted=true&PresignedUrl=");
    cs_uri_encode(&form, af_str(url), false);
    assert_done(&w, ec2(&w, &target_admin, "CopySnapshot", af_buf_cstr(&form)));
    af_buf_done(&form);
    AF_COPY(copy, af_str(element(&w, "snapshotId")));
    w.now_ms += late ? 5000 : 15000;
    assert_done(&w, kms(&w, &source_admin, disable ? "DisableKey" : "RetireGrant", disable ? "{'KeyId':'" KEY "'}" : request));
    w.now_ms += 200000;
    snprintf(describe, sizeof describe, "SnapshotId.1=%s", copy);
    assert_done(&w, ec2(&w, &target_admin, "DescribeSnapshots", describe));
    assert_string_equal(element(&w, "status"), late ? "error" : "completed");
    assert_done(&w, kms(&w, &source_admin, "EnableKey", "{'KeyId':'" KEY "'}"));
    kms(&w, &source_admin, "RetireGrant", request); /* so that each round has a grant of its own */
  }
  world_done(&w);
}

TEST(lists_lag_as_reads_do) {
  struct world w;
  char request[300];
  world_with(&w, WORLD("latencies: {read_lag: 30}\n", "[]", ""));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", "{" GRANT "}"));
  snprintf(request, sizeof request, "{'GrantToken':'%s'}", text_of(&w, "GrantToken"));
  static const struct {
    int64_t wait_ms;
    size_t listed;
  } times[] = {{0, 0}, {29000, 0}, {1000, 1}, {0, 1}, {29000, 1}, {1000, 0}}; /* the grant ends at the fourth */
  for (size_t i = 0; i < COUNT(times); i++) {
    w.now_ms += times[i].wait_ms;
    if (i == 3)
      assert_done(&w, kms(&w, &source_admin, "RetireGrant", request));
    assert_done(&w, kms(&w, &source_admin, "ListGrants", "{'KeyId':'" KEY "'}"));
    assert_int_equal(json_array_size(json_object_get(w.json, "Grants")), times[i].listed);
  }
  world_done(&w);
}

TEST(a_multi_region_key_is_a_key_in_each_region_and_an_arn_names_one) {
  struct world w;
  world_with(&w, "version: 1\nregions: [us-east-1, eu-west-1]\naccounts:\n- id: '" SOURCE "'\n  regions:\n"
                 "    us-east-1: {keys: [{id: mrk-1, multi_region: PRIMARY}]}\n    eu-west-1: {keys: [{id: mrk-1, multi_region: REPLICA}]}\n");
  const char *const here = "arn:aws:kms:us-east-1:" SOURCE ":key/mrk-1";
  assert_string_equal(cs_kms_key_find(w.sim, "us-east-1", SOURCE, here)->region, "us-east-1");
  assert_string_equal(cs_kms_key_find(w.sim, "eu-west-1", SOURCE, "mrk-1")->region, "eu-west-1");
  assert_null(cs_kms_key_find(w.sim, "eu-west-1", SOURCE, here));
  assert_null(cs_kms_key_find(w.sim, "us-east-1", TARGET, "mrk-1"));
  assert_null(cs_kms_key_find(w.sim, "us-east-1", SOURCE, "arn:aws:kms"));
  world_done(&w);
}

TEST(via_service_lets_ebs_in_and_the_caller_himself_not) {
  struct world w;
  world_with(&w, WORLD("", "[]",
                       "        policy:\n"
                       "        - {Effect: Allow, Principal: {AWS: '" ROOT_OF(
                           SOURCE) "'}, Action: 'kms:*', Resource: '*'}\n"
                                   "        - {Effect: Allow, Principal: {AWS: '" ROOT_OF(
                                       TARGET) "'}, Action: 'kms:*', Resource: '*', Condition: {StringLike: {'kms:ViaService': "
                                               "'ec2.*.amazonaws.com'}}}\n"));
  assert_true(ebs_may(&w, &target_admin, "Decrypt"));
  assert_refused(&w, kms(&w, &target_admin, "DescribeKey", "{'KeyId':'" KEY "'}"), 400, "AccessDeniedException");
  world_done(&w);
}

TEST(a_new_key_policy_takes_time_and_may_not_lock_everybody_out) {
  struct world w;
  world_with(&w, WORLD(LAG, "[]", ""));
  static const char request[] = "{'KeyId':'" KEY "','Policy':'{\\u0022Statement\\u0022:[{\\u0022Effect\\u0022:\\u0022Allow\\u0022,\\u0022Principal\\u0022:{\\u0022AWS\\u0022:[\\u0022" ROOT_OF(SOURCE)
                                "\\u0022,\\u0022%s\\u0022]},\\u0022Action\\u0022:\\u0022kms:%s\\u0022,\\u0022Resource\\u0022:\\u0022*\\u0022}]}'}";
  char text[1000];
  snprintf(text, sizeof text, request, ROOT_OF(TARGET), "*");
  assert_done(&w, kms(&w, &source_admin, "PutKeyPolicy", text));
  assert_done(&w, kms(&w, &source_admin, "GetKeyPolicy", "{'KeyId':'" KEY "'}"));
  assert_contains(text_of(&w, "Policy"), TARGET);
  assert_false(ebs_may(&w, &target_admin, "Decrypt"));
  w.now_ms += 60000;
  assert_true(ebs_may(&w, &target_admin, "Decrypt"));
  snprintf(text, sizeof text, request, ROOT_OF(TARGET), "Decrypt");
  assert_refused(&w, kms(&w, &source_admin, "PutKeyPolicy", text), 400, "MalformedPolicyDocumentException");
  snprintf(text, sizeof text, request, "arn:aws:iam::" TARGET ":user/nobody", "*");
  assert_refused(&w, kms(&w, &source_admin, "PutKeyPolicy", text), 400, "MalformedPolicyDocumentException");
  assert_contains(w.message, "invalid principals");
  world_done(&w);
}

TEST(the_managed_key_is_for_ebs_in_its_account_and_for_nobody_else) {
  struct world w;
  world_with(&w, WORLD("", "[]", ""));
  assert_done(&w, kms(&w, &source_admin, "DescribeKey", "{'KeyId':'alias/aws/ebs'}"));
  json_t *metadata = json_object_get(w.json, "KeyMetadata");
  assert_string_equal(json_string_value(json_object_get(metadata, "KeyManager")), "AWS");
  struct cs_key *key = cs_kms_default_ebs_key(w.sim, SOURCE, "us-east-1");
  assert_string_equal(key->arn, json_string_value(json_object_get(metadata, "Arn")));
  struct cs_caller own, other;
  cs_caller_of_key(&own, cs_access_key_find(w.sim, af_str(source_admin.key)));
  cs_caller_of_key(&other, cs_access_key_find(w.sim, af_str(target_admin.key)));
  assert_true(cs_kms_may_use(w.sim, 0, &own, key, "Decrypt"));
  assert_false(cs_kms_may_use(w.sim, 0, &other, key, "Decrypt"));
  char request[600];
  snprintf(request, sizeof request, "{'KeyId':'%s','GranteePrincipal':'" ROOT_OF(TARGET) "','Operations':['Decrypt']}", key->arn);
  assert_refused(&w, kms(&w, &source_admin, "CreateGrant", request), 400, "AccessDeniedException");
  snprintf(request, sizeof request, "{'KeyId':'%s'}", key->arn);
  assert_refused(&w, kms(&w, &source_admin, "ScheduleKeyDeletion", request), 400, "AccessDeniedException");
  world_done(&w);
}

TEST(a_key_does_nothing_for_an_account_that_has_not_enabled_its_region) {
  struct world w;
  struct cs_caller caller;
  world_with(&w, "version: 1\nregions: [{name: me-south-1, opt_in: true}]\naccounts:\n"
                 "- {id: '" SOURCE "', regions: {me-south-1: {keys: [{id: k, policy: {Effect: Allow, Principal: '*', Action: 'kms:*', Resource: '*'}}]}}}\n"
                 "- {id: '" TARGET "', users: [{name: a, access_keys: [{id: AKIAFAKETARGETADMIN1, secret: x}]}], regions: {me-south-1: {enabled: false}}}\n");
  cs_caller_of_key(&caller, cs_access_key_find(w.sim, af_str("AKIAFAKETARGETADMIN1")));
  const struct cs_key *key = cs_kms_key_find(w.sim, "me-south-1", SOURCE, "k");
  assert_false(cs_kms_may_use(w.sim, 0, &caller, key, "Decrypt"));
  cs_settings_of(w.sim, cs_account_find(w.sim, TARGET), "me-south-1")->enabled = true;
  assert_true(cs_kms_may_use(w.sim, 0, &caller, key, "Decrypt"));
  world_done(&w);
}

TEST(a_disabled_key_serves_nobody_and_a_dying_one_neither) {
  struct world w;
  world_with(&w, WORLD("", "[]", ""));
  assert_true(ebs_may(&w, &source_admin, "Decrypt"));
  assert_done(&w, kms(&w, &source_admin, "DisableKey", "{'KeyId':'" KEY "'}"));
  assert_false(ebs_may(&w, &source_admin, "Decrypt"));
  assert_refused(
      &w, kms(&w, &source_admin, "GenerateDataKeyWithoutPlaintext", "{'KeyId':'" KEY "','KeySpec':'AES_256','DryRun':true}"), 400,
      "DisabledException");
  assert_done(&w, kms(&w, &source_admin, "EnableKey", "{'KeyId':'" KEY "'}"));
  assert_true(ebs_may(&w, &source_admin, "Decrypt"));
  assert_done(&w, kms(&w, &source_admin, "ScheduleKeyDeletion", "{'KeyId':'" KEY "','PendingWindowInDays':7}"));
  assert_false(ebs_may(&w, &source_admin, "Decrypt"));
  assert_refused(
      &w, kms(&w, &source_admin, "GenerateDataKeyWithoutPlaintext", "{'KeyId':'" KEY "','KeySpec':'AES_256','DryRun':true}"), 400,
      "KMSInvalidStateException");
  assert_done(&w, kms(&w, &source_admin, "DescribeKey", "{'KeyId':'" KEY "'}"));
  assert_string_equal(json_string_value(json_object_get(json_object_get(w.json, "KeyMetadata"), "KeyState")), "PendingDeletion");
  world_done(&w);
}

TEST(a_key_that_is_made_has_a_policy_an_alias_and_a_place_in_the_lists) {
  struct world w;
  char request[300];
  world_with(&w, WORLD("", "[]", ""));
  assert_done(&w, kms(&w, &target_admin, "CreateKey", "{'Description':'mine'}"));
  json_t *metadata = json_object_get(w.json, "KeyMetadata");
  char id[64];
  AF_COPY(id, af_str(json_string_value(json_object_get(metadata, "KeyId"))));
  snprintf(request, sizeof request, "{'AliasName':'alias/new','TargetKeyId':'%s'}", id);
  assert_done(&w, kms(&w, &target_admin, "CreateAlias", request));
  assert_refused(&w, kms(&w, &target_admin, "CreateAlias", request), 400, "AlreadyExistsException");
  assert_done(&w, kms(&w, &target_admin, "DescribeKey", "{'KeyId':'alias/new'}"));
  assert_done(&w, kms(&w, &target_admin, "ListKeys", "{}"));
  assert_int_equal(json_array_size(json_object_get(w.json, "Keys")), 1);
  assert_done(&w, kms(&w, &target_admin, "ListAliases", "{}"));
  assert_int_equal(json_array_size(json_object_get(w.json, "Aliases")), 1);
  assert_refused(&w, kms_in(&w, &target_admin, "eu-west-1", "DescribeKey", "{'KeyId':'alias/new'}"), 400, "NotFoundException");
  world_done(&w);
}

/* By its model, the resource of ListRetirableGrants is the retiring principal of the request. */
TEST(retirable_grants_are_listed_by_whom_one_may_ask_for) {
  struct world w;
  world_with(&w, WORLD("", "[{Effect: Allow, Action: 'kms:ListRetirableGrants', Resource: '" NARROW "'}]", ""));
  assert_done(&w, kms(&w, &target_narrow, "ListRetirableGrants", "{'RetiringPrincipal':'" NARROW "'}"));
  assert_refused(&w, kms(&w, &target_narrow, "ListRetirableGrants", "{'RetiringPrincipal':'" ROOT_OF(TARGET) "'}"), 400,
                 "AccessDeniedException");
  world_done(&w);
}

/* What a resource gives to a role reaches a session of it as far as the session's policy lets it; what it gives to the session itself
 * is not limited so. */
#define EC2_ONLY "&Policy=%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22ec2%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D"
#define SESSION_OF(account, role) "RoleArn=arn:aws:iam::" account ":role/" role "&RoleSessionName=me"

TEST(a_session_policy_limits_what_a_grant_gives_the_role) {
  static const struct {
    const char *grantee;
    bool limited;
  } cases[] = {
      {"arn:aws:iam::" TARGET ":role/hop", true},
      {"arn:aws:sts::" TARGET ":assumed-role/hop/me", false},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct world w;
    char request[400];
    world_with(&w, WORLD("", "[]", ""));
    snprintf(request, sizeof request, "{'KeyId':'" KEY "','GranteePrincipal':'%s','Operations':['DescribeKey']}", cases[i].grantee);
    assert_done(&w, kms(&w, &source_admin, "CreateGrant", request));
    assert_done(&w, sts(&w, &target_admin, "AssumeRole", SESSION_OF(TARGET, "hop")));
    struct login whole = login_of(&w);
    assert_done(&w, kms(&w, &whole, "DescribeKey", "{'KeyId':'" KEY "'}"));
    assert_done(&w, sts(&w, &target_admin, "AssumeRole", SESSION_OF(TARGET, "hop") EC2_ONLY));
    struct login less = login_of(&w);
    int status = kms(&w, &less, "DescribeKey", "{'KeyId':'" KEY "'}");
    if (cases[i].limited)
      assert_refused(&w, status, 400, "AccessDeniedException");
    else
      assert_done(&w, status);
    world_done(&w);
  }
}

TEST(a_session_policy_limits_what_a_key_policy_gives_the_role) {
#define NAMING(who) "        policy: [{Effect: Allow, Principal: {AWS: 'arn:aws:iam::" SOURCE ":root'}, Action: 'kms:*', Resource: '*'},\n" \
                    "          {Effect: Allow, Principal: {AWS: '" who "'}, Action: 'kms:DescribeKey', Resource: '*'}]\n"
  static const char *const worlds[] = {WORLD("", "[]", NAMING("arn:aws:iam::" SOURCE ":role/ferry")),
                                       WORLD("", "[]", NAMING("arn:aws:sts::" SOURCE ":assumed-role/ferry/me"))};
  for (int limited = 1; limited >= 0; limited--) {
    struct world w;
    world_with(&w, worlds[!limited]);
    assert_done(&w, sts(&w, &source_admin, "AssumeRole", SESSION_OF(SOURCE, "ferry") EC2_ONLY));
    struct login less = login_of(&w);
    int status = kms(&w, &less, "DescribeKey", "{'KeyId':'" KEY "'}");
    if (limited)
      assert_refused(&w, status, 400, "AccessDeniedException");
    else
      assert_done(&w, status);
    world_done(&w);
  }
}

TEST(a_session_policys_deny_is_heard_where_the_roles_own_policies_are_silent) {
#define DENY_KMS "&Policy=%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Deny%22%2C%22Action%22%3A%22kms%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D"
  struct world w;
  world_with(&w, "version: 1\nregions: [us-east-1]\naccounts:\n- id: '" SOURCE "'\n  users:\n"
                 "  - {name: admin, access_keys: [{id: AKIAFAKESOURCEADMIN1, secret: fake/secret/of/the/source/admin}]}\n"
                 "  roles:\n  - {name: ferry, policies: [], trust: {Effect: Allow, Principal: {AWS: '*'}, Action: 'sts:AssumeRole'}}\n"
                 "  regions:\n    us-east-1:\n      keys:\n      - id: " KEY_ID "\n" NAMING("arn:aws:sts::" SOURCE ":assumed-role/ferry/me"));
  assert_done(&w, sts(&w, &source_admin, "AssumeRole", SESSION_OF(SOURCE, "ferry")));
  struct login whole = login_of(&w);
  assert_done(&w, kms(&w, &whole, "DescribeKey", "{'KeyId':'" KEY "'}"));
  assert_done(&w, sts(&w, &source_admin, "AssumeRole", SESSION_OF(SOURCE, "ferry") DENY_KMS));
  struct login less = login_of(&w);
  assert_refused(&w, kms(&w, &less, "DescribeKey", "{'KeyId':'" KEY "'}"), 400, "AccessDeniedException");
  world_done(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_name_and_identical_parameters_give_the_same_grant_again),
      cmocka_unit_test(the_name_of_an_ended_grant_makes_a_new_one),
      cmocka_unit_test(a_grant_arrives_later_unless_its_token_comes_along),
      cmocka_unit_test(a_retired_grant_works_on_until_that_has_arrived_too),
      cmocka_unit_test(a_grant_to_an_account_needs_the_users_own_policy_too),
      cmocka_unit_test(a_grant_is_retired_by_whom_it_names_and_by_the_account_that_made_it),
      cmocka_unit_test(a_token_retires_a_grant_before_it_has_arrived),
      cmocka_unit_test(who_may_grant_by_a_grant_passes_on_no_more_than_it_has),
      cmocka_unit_test(what_a_grant_may_not_be_is_refused),
      cmocka_unit_test(a_refusal_that_quotes_a_long_name_is_json_and_xml_still),
      cmocka_unit_test(principals_are_accounts_users_roles_and_sessions),
      cmocka_unit_test(a_key_has_a_quota_of_grants),
      cmocka_unit_test(calls_have_rates),
      cmocka_unit_test(grants_are_listed_in_pages_by_key_and_by_who_may_retire_them),
      cmocka_unit_test(a_foreign_account_needs_key_policy_and_own_policy),
      cmocka_unit_test(in_its_own_account_a_key_policy_that_names_the_user_is_enough_and_one_that_names_the_account_is_not),
      cmocka_unit_test(a_constraint_binds_the_use_of_the_key_and_not_looking_at_it),
      cmocka_unit_test(a_deny_in_the_key_policy_beats_policy_and_grant),
      cmocka_unit_test(a_policy_is_read_and_changed_in_its_own_account_only),
      cmocka_unit_test(a_copy_that_was_due_asks_for_its_key_before_the_grant_or_the_key_goes),
      cmocka_unit_test(lists_lag_as_reads_do),
      cmocka_unit_test(a_multi_region_key_is_a_key_in_each_region_and_an_arn_names_one),
      cmocka_unit_test(via_service_lets_ebs_in_and_the_caller_himself_not),
      cmocka_unit_test(a_new_key_policy_takes_time_and_may_not_lock_everybody_out),
      cmocka_unit_test(the_managed_key_is_for_ebs_in_its_account_and_for_nobody_else),
      cmocka_unit_test(a_key_does_nothing_for_an_account_that_has_not_enabled_its_region),
      cmocka_unit_test(a_disabled_key_serves_nobody_and_a_dying_one_neither),
      cmocka_unit_test(a_key_that_is_made_has_a_policy_an_alias_and_a_place_in_the_lists),
      cmocka_unit_test(retirable_grants_are_listed_by_whom_one_may_ask_for),
      cmocka_unit_test(a_session_policy_limits_what_a_grant_gives_the_role),
      cmocka_unit_test(a_session_policy_limits_what_a_key_policy_gives_the_role),
      cmocka_unit_test(a_session_policys_deny_is_heard_where_the_roles_own_policies_are_silent),
  };
  return cmocka_run_group_tests_name("cloudsim/kms", tests, NULL, NULL);
}
