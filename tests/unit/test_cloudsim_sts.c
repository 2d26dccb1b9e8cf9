/* cloudsim's STS: who may assume what, for how long, and what the reply says of it. */
#include "tests/unit/cloudsim_front.h"

#define FERRY "RoleArn=arn:aws:iam::" SOURCE ":role/ferry&RoleSessionName=me"
#define HOP "RoleArn=arn:aws:iam::" TARGET ":role/hop&RoleSessionName=me"

static void small(struct world *w) {
  world_init(w, WORLD("", "[{Effect: Allow, Action: 'sts:AssumeRole', Resource: 'arn:aws:iam::" TARGET ":role/*'}]", ""));
}

TEST(across_accounts_trust_and_own_policy_must_both_allow) {
  struct world w;
  small(&w);
  assert_done(&w, sts(&w, &target_admin, "AssumeRole", FERRY "&ExternalId=ferry-42"));
  assert_string_equal(element(&w, "Arn"), "arn:aws:sts::" SOURCE ":assumed-role/ferry/me");
  assert_refused(&w, sts(&w, &target_admin, "AssumeRole", FERRY "&ExternalId=ferry-43"), 403, "AccessDenied");
  assert_refused(&w, sts(&w, &target_admin, "AssumeRole", FERRY), 403, "AccessDenied");
  assert_string_equal(w.message,
                      "User: arn:aws:iam::" TARGET
                      ":user/admin is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::" SOURCE ":role/ferry");
  assert_refused(&w, sts(&w, &target_narrow, "AssumeRole", FERRY "&ExternalId=ferry-42"), 403, "AccessDenied");
  assert_done(&w, sts(&w, &target_narrow, "AssumeRole", HOP));
  world_done(&w);
}

TEST(a_trust_that_names_the_user_is_enough_in_his_own_account) {
  struct world w;
  small(&w);
  assert_done(&w, sts(&w, &source_admin, "AssumeRole", FERRY));
  assert_refused(&w, sts(&w, &target_root, "AssumeRole", HOP), 403, "AccessDenied");
  assert_string_equal(w.message, "Roles may not be assumed by root accounts.");
  assert_refused(&w, sts(&w, &target_admin, "AssumeRole", "RoleArn=arn:aws:iam::" TARGET ":role/nobody&RoleSessionName=me"), 403,
                 "AccessDenied");
  world_done(&w);
}

TEST(in_one_account_a_trust_that_names_the_caller_needs_no_policy_of_his) {
  struct world w;
  world_init(&w, WORLD("", "[]", ""));
  assert_done(&w, sts(&w, &target_narrow, "AssumeRole", HOP));
  assert_refused(&w, sts(&w, &target_narrow, "AssumeRole", FERRY "&ExternalId=ferry-42"), 403, "AccessDenied");
  world_done(&w);
}

TEST(a_session_lives_as_long_as_was_asked_within_the_limits) {
  struct world w;
  char expires[AF_TIME_SIZE];
  small(&w);
  assert_done(&w, sts(&w, &source_admin, "AssumeRole", FERRY));
  af_time_iso_s(w.now_ms + 3600 * 1000, expires);
  assert_string_equal(element(&w, "Expiration"), expires);
  assert_done(&w, sts(&w, &source_admin, "AssumeRole", FERRY "&DurationSeconds=7200"));
  af_time_iso_s(w.now_ms + 7200 * 1000, expires);
  assert_string_equal(element(&w, "Expiration"), expires);
  assert_refused(&w, sts(&w, &source_admin, "AssumeRole", FERRY "&DurationSeconds=7201"), 400, "ValidationError");
  assert_contains(w.message, "MaxSessionDuration");
  assert_refused(&w, sts(&w, &source_admin, "AssumeRole", FERRY "&DurationSeconds=899"), 400, "ValidationError");
  assert_contains(w.message,
                  "'899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900");
  assert_refused(&w, sts(&w, &source_admin, "AssumeRole", FERRY "&DurationSeconds=43201"), 400, "ValidationError");
  assert_refused(&w, sts(&w, &source_admin, "AssumeRole", FERRY "&DurationSeconds=soon"), 400, "MalformedInput");
  world_done(&w);
}

TEST(a_chained_role_lasts_an_hour_and_more_is_refused_not_cut) {
  struct world w;
  small(&w);
  assert_done(&w, sts(&w, &target_admin, "AssumeRole", HOP));
  struct login hop = login_of(&w);
  assert_refused(&w, sts(&w, &hop, "AssumeRole", FERRY "&ExternalId=ferry-42&DurationSeconds=3601"), 400, "ValidationError");
  assert_contains(w.message, "role chaining");
  assert_done(&w, sts(&w, &hop, "AssumeRole", FERRY "&ExternalId=ferry-42&DurationSeconds=3600"));
  world_done(&w);
}

TEST(names_and_ids_have_their_alphabets) {
  static const char *const bad[] = {"RoleArn=arn:aws:iam::" TARGET ":role/hop",
                                    "RoleArn=arn:aws:iam::" TARGET ":role/hop&RoleSessionName=x",
                                    "RoleArn=arn:aws:iam::" TARGET ":role/hop&RoleSessionName=a%20b",
                                    "RoleSessionName=me",
                                    HOP "&ExternalId=x",
                                    HOP "&ExternalId=a%20b",
                                    HOP "&SourceIdentity=%2F%2F"};
  struct world w;
  small(&w);
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_refused(&w, sts(&w, &target_admin, "AssumeRole", bad[i]), 400, "ValidationError");
  world_done(&w);
}

TEST(source_identity_needs_a_permission_of_its_own) {
  struct world w;
  small(&w);
  assert_refused(&w, sts(&w, &target_admin, "AssumeRole", HOP "&SourceIdentity=alice"), 403, "AccessDenied");
  assert_contains(w.message, "sts:SetSourceIdentity");
  assert_done(&w, sts(&w, &source_admin, "AssumeRole", FERRY "&SourceIdentity=alice"));
  assert_string_equal(element(&w, "SourceIdentity"), "alice");
  world_done(&w);
}

TEST(a_session_policy_only_takes_away) {
  struct world w;
  small(&w);
  assert_done(&w, sts(&w, &target_admin, "AssumeRole",
                      HOP "&Policy=%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22ec2%3ADescribe%2A%"
                          "22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D"));
  struct login less = login_of(&w);
  assert_done(&w, ec2(&w, &less, "DescribeRegions", ""));
  assert_refused(&w, kms(&w, &less, "ListKeys", "{}"), 400, "AccessDeniedException");
  assert_refused(&w, sts(&w, &target_admin, "AssumeRole", HOP "&Policy=%7B"), 400, "MalformedPolicyDocument");
  world_done(&w);
}

TEST(the_world_may_shorten_sessions_and_the_reply_tells_the_truth) {
  struct world w;
  char expires[AF_TIME_SIZE];
  world_init(&w, WORLD("sts: {session_seconds: 3}\n", "[]", ""));
  assert_done(&w, sts(&w, &target_admin, "AssumeRole", HOP));
  af_time_iso_s(w.now_ms + 3000, expires);
  assert_string_equal(element(&w, "Expiration"), expires);
  struct login short_lived = login_of(&w);
  w.now_ms += 3000;
  assert_refused(&w, ec2(&w, &short_lived, "DescribeRegions", ""), 400, "RequestExpired");
  world_done(&w);
}

TEST(callers_are_told_who_they_are) {
  struct world w;
  small(&w);
  assert_done(&w, sts(&w, &target_root, "GetCallerIdentity", ""));
  assert_string_equal(element(&w, "Arn"), "arn:aws:iam::" TARGET ":root");
  assert_string_equal(element(&w, "UserId"), TARGET);
  assert_done(&w, sts(&w, &target_admin, "GetSessionToken", ""));
  struct login session = login_of(&w);
  assert_done(&w, sts(&w, &session, "GetCallerIdentity", ""));
  assert_string_equal(element(&w, "Arn"), "arn:aws:iam::" TARGET ":user/admin");
  assert_refused(&w, sts(&w, &session, "GetSessionToken", ""), 403, "AccessDenied");
  assert_done(&w, sts(&w, &target_admin, "GetAccessKeyInfo", "AccessKeyId=AKIAFAKESOURCEADMIN1"));
  assert_string_equal(element(&w, "Account"), SOURCE);
  assert_refused(&w, sts(&w, &target_admin, "GetAccessKeyInfo", "AccessKeyId=AKIAFAKENOBODY000001"), 400, "ValidationError");
  assert_refused(&w, sts(&w, &target_admin, "MakeTea", ""), 400, "InvalidAction");
  assert_contains(af_buf_cstr(&w.reply.body),
                  "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>");
  world_done(&w);
}

TEST(a_service_control_policy_binds_everyone_of_its_account) {
  struct world w;
  world_init(
      &w,
      WORLD(
          "",
          "[{Effect: Allow, Action: '*', Resource: '*'}]\n  scps: [{Effect: Deny, Action: 'ec2:DescribeRegions', Resource: '*'}]",
          ""));
  const struct login *const bound[] = {&target_admin, &target_narrow, &target_root};
  for (size_t i = 0; i < COUNT(bound); i++)
    assert_refused(&w, ec2(&w, bound[i], "DescribeRegions", ""), 403, "UnauthorizedOperation");
  assert_done(&w, ec2(&w, &source_admin, "DescribeRegions", ""));
  world_done(&w);
}

/* ---- the metadata endpoints ---- */

static int get(struct world *w, const char *method, const char *path, const char *header, const char *value) {
  struct cs_header headers[] = {{af_str("Host"), af_str("h")}, {af_str(header ? header : "X"), af_str(value ? value : "")}};
  struct cs_request req = {.method = af_str(method),
                           .path = af_str(path),
                           .query = af_str(""),
                           .headers = headers,
                           .n_headers = 2,
                           .body = af_str("")};
  cs_reply_done(&w->reply);
  cs_reply_init(&w->reply);
  cs_sim_handle(w->sim, w->now_ms, &req, &w->reply);
  json_decref(w->json);
  w->json = json_loads(af_buf_cstr(&w->reply.body), 0, NULL);
  return w->reply.status;
}

#define ROLE "/latest/meta-data/iam/security-credentials/hop"
#define TOKEN "x-aws-ec2-metadata-token"
#define INSTANCE "instance_role: 'arn:aws:iam::" TARGET ":role/hop'"

TEST(metadata_wants_a_token_that_lives) {
  struct world w;
  char token[80];
  world_init(&w, WORLD("sts: {" INSTANCE ", instance_region: eu-west-1}\n", "[]", ""));
  assert_int_equal(get(&w, "GET", ROLE, NULL, NULL), 401);
  assert_int_equal(get(&w, "PUT", "/latest/api/token", NULL, NULL), 400);
  assert_int_equal(get(&w, "PUT", "/latest/api/token", TOKEN "-ttl-seconds", "21601"), 400);
  assert_int_equal(get(&w, "PUT", "/latest/api/token", TOKEN "-ttl-seconds", "10"), 200);
  AF_COPY(token, af_buf_view(&w.reply.body));
  assert_int_equal(get(&w, "GET", "/latest/meta-data/iam/security-credentials/", TOKEN, token), 200);
  assert_string_equal(af_buf_cstr(&w.reply.body), "hop");
  assert_int_equal(get(&w, "GET", "/latest/meta-data/placement/region", TOKEN, token), 200);
  assert_string_equal(af_buf_cstr(&w.reply.body), "eu-west-1");
  assert_int_equal(get(&w, "GET", ROLE "x", TOKEN, token), 404);
  assert_int_equal(get(&w, "GET", ROLE, TOKEN, "another"), 401);
  w.now_ms += 10000;
  assert_int_equal(get(&w, "GET", ROLE, TOKEN, token), 401);
  world_done(&w);
}

/* rules.md 7 leaves open whether the instance's own role is a first link of a chain: the world chooses. */
TEST(the_instance_role_chains_where_the_world_says_so) {
  for (int chains = 0; chains < 2; chains++) {
    struct world w;
    char token[80];
    world_init(&w, chains ? WORLD("sts: {" INSTANCE "}\n", "[]", "")
                          : WORLD("sts: {" INSTANCE ", instance_role_chains: false}\n", "[]", ""));
    assert_int_equal(get(&w, "PUT", "/latest/api/token", TOKEN "-ttl-seconds", "60"), 200);
    AF_COPY(token, af_buf_view(&w.reply.body));
    assert_int_equal(get(&w, "GET", ROLE, TOKEN, token), 200);
    assert_string_equal(text_of(&w, "Code"), "Success");
    struct cs_session *s = cs_session_find(w.sim, af_str(text_of(&w, "AccessKeyId")));
    const struct login instance = {s->access_key, s->secret, s->token};
    assert_int_equal(sts(&w, &instance, "AssumeRole", FERRY "&ExternalId=ferry-42&DurationSeconds=7200"), chains ? 400 : 200);
    world_done(&w);
  }
}

TEST(the_same_credentials_are_handed_out_until_they_are_old) {
  struct world w;
  char first[40];
  world_init(
      &w, WORLD("sts: {session_seconds: 60, container_role: 'arn:aws:iam::" TARGET ":role/hop', container_token: open-sesame}\n",
                "[]", ""));
  assert_int_equal(get(&w, "GET", "/_cloudsim/container-credentials", NULL, NULL), 401);
  assert_int_equal(get(&w, "GET", "/_cloudsim/container-credentials", "Authorization", "open-sesame"), 200);
  AF_COPY(first, af_str(text_of(&w, "AccessKeyId")));
  w.now_ms += 20000;
  assert_int_equal(get(&w, "GET", "/_cloudsim/container-credentials", "Authorization", "open-sesame"), 200);
  assert_string_equal(text_of(&w, "AccessKeyId"), first);
  w.now_ms += 20000;
  assert_int_equal(get(&w, "GET", "/_cloudsim/container-credentials", "Authorization", "open-sesame"), 200);
  assert_string_not_equal(text_of(&w, "AccessKeyId"), first);
  world_done(&w);
}

/* rules.md 7: sticky through chains, and each role on the way must let it in. */
TEST(a_source_identity_cannot_be_changed_on_the_way) {
#define ROLES(trusted)                                                                                                                  \
  "version: 1\nregions: [us-east-1]\naccounts:\n- id: '" SOURCE "'\n  users:\n"                                                        \
  "  - {name: admin, access_keys: [{id: AKIAFAKESOURCEADMIN1, secret: fake/secret/of/the/source/admin}]}\n"                              \
  "  roles:\n"                                                                                                                         \
  "  - {name: ferry, trust: {Effect: Allow, Principal: {AWS: '*'}, Action: 'sts:*'}}\n"                                                 \
  "  - {name: next, trust: {Effect: Allow, Principal: {AWS: '*'}, Action: " trusted "}}\n"
#define NEXT "RoleArn=arn:aws:iam::" SOURCE ":role/next&RoleSessionName=hop"
  static const char *const worlds[] = {ROLES("'sts:AssumeRole'"), ROLES("['sts:AssumeRole', 'sts:SetSourceIdentity']")};
  for (int lets = 0; lets < 2; lets++) {
    struct world w;
    world_init(&w, worlds[lets]);
    assert_done(&w, sts(&w, &source_admin, "AssumeRole", FERRY "&SourceIdentity=alice"));
    struct login ferry = login_of(&w);
    if (!lets) {
      assert_refused(&w, sts(&w, &ferry, "AssumeRole", NEXT), 403, "AccessDenied");
      assert_contains(w.message, "sts:SetSourceIdentity");
    } else {
      assert_done(&w, sts(&w, &ferry, "AssumeRole", NEXT));
      assert_string_equal(element(&w, "SourceIdentity"), "alice");
      assert_done(&w, sts(&w, &ferry, "AssumeRole", NEXT "&SourceIdentity=alice"));
      assert_refused(&w, sts(&w, &ferry, "AssumeRole", NEXT "&SourceIdentity=mallory"), 403, "AccessDenied");
    }
    world_done(&w);
  }
}

TEST(a_service_control_policy_that_allows_allows_nothing_else) {
  struct world w;
  world_init(&w, WORLD("", "[{Effect: Allow, Action: '*', Resource: '*'}]\n"
                           "  scps: [{Effect: Allow, Action: 'ec2:Describe*', Resource: '*'}, {Effect: Allow, Action: 'kms:*', Resource: '*'},\n"
                           "    {Effect: Deny, Action: 'ec2:DescribeTags', Resource: '*'}]", ""));
  const struct login *const bound[] = {&target_admin, &target_narrow, &target_root};
  for (size_t i = 0; i < COUNT(bound); i++) {
    assert_done(&w, ec2(&w, bound[i], "DescribeRegions", ""));
    assert_done(&w, kms(&w, bound[i], "ListKeys", "{}"));
    assert_refused(&w, ec2(&w, bound[i], "DescribeTags", ""), 403, "UnauthorizedOperation");
    assert_refused(&w, ec2(&w, bound[i], "GetEbsDefaultKmsKeyId", ""), 403, "UnauthorizedOperation");
  }
  assert_done(&w, ec2(&w, &source_admin, "GetEbsDefaultKmsKeyId", ""));
  world_done(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(across_accounts_trust_and_own_policy_must_both_allow),
      cmocka_unit_test(a_trust_that_names_the_user_is_enough_in_his_own_account),
      cmocka_unit_test(in_one_account_a_trust_that_names_the_caller_needs_no_policy_of_his),
      cmocka_unit_test(a_session_lives_as_long_as_was_asked_within_the_limits),
      cmocka_unit_test(a_chained_role_lasts_an_hour_and_more_is_refused_not_cut),
      cmocka_unit_test(names_and_ids_have_their_alphabets),
      cmocka_unit_test(source_identity_needs_a_permission_of_its_own),
      cmocka_unit_test(a_session_policy_only_takes_away),
      cmocka_unit_test(the_world_may_shorten_sessions_and_the_reply_tells_the_truth),
      cmocka_unit_test(callers_are_told_who_they_are),
      cmocka_unit_test(a_service_control_policy_binds_everyone_of_its_account),
      cmocka_unit_test(metadata_wants_a_token_that_lives),
      cmocka_unit_test(the_instance_role_chains_where_the_world_says_so),
      cmocka_unit_test(the_same_credentials_are_handed_out_until_they_are_old),
      cmocka_unit_test(a_source_identity_cannot_be_changed_on_the_way),
      cmocka_unit_test(a_service_control_policy_that_allows_allows_nothing_else),
  };
  return cmocka_run_group_tests_name("cloudsim/sts", tests, NULL, NULL);
}
