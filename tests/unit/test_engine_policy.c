/* engine/steps/bucket_policy.h: what a policy lets others do, and the statements in it that are ours. */
#include "base/error.h"
#include "engine/steps/bucket_policy.h"
#include "tests/unit/test.h"

#define TARGET "222222222222"
#define ROOT "arn:aws:iam::" TARGET ":root"
#define BUCKET "arn:aws:s3:::golden-amis"
#define KEYS BUCKET "/web/image.*"
#define SID "amiferry22222222222237317af7cd2ab265"

static const struct af_reader reader = {.partition = "aws", .account = TARGET, .region = "us-east-1", .bundle = "golden-amis/web/image."};

/* With ' for ". */
static int parse(const char *text, json_t **ret) {
  char copy[4096];
  assert_in_range(snprintf(copy, sizeof copy, "%s", text), 0, sizeof copy - 1);
  for (char *p = copy; *p; p++)
    *p = *p == '\'' ? '"' : *p;
  *ret = NULL;
  return af_policy_parse(copy, ret);
}

static json_t *policy_of(const char *statements) {
  char text[4096];
  json_t *policy;
  snprintf(text, sizeof text, "{'Version': '2012-10-17', 'Statement': %s}", statements);
  if (parse(text, &policy))
    fail_msg("no policy: %s", text);
  return policy;
}

TEST(our_statement_lets_one_account_read_one_bundle_and_nothing_else) {
  json_t *policy = af_policy_new(), *want;
  assert_int_equal(af_policy_add(policy, &reader), 0);
  assert_int_equal(parse("{'Version': '2012-10-17', 'Statement': [{'Sid': '" SID "', 'Effect': 'Allow', 'Principal': {'AWS': '" ROOT "'},"
                         " 'Action': ['s3:GetBucketAcl', 's3:GetObject', 's3:ListBucket'], 'Resource': ['" BUCKET "', '" KEYS "']}]}",
                         &want), 0);
  assert_true(json_equal(policy, want));
  assert_true(af_policy_has(policy, &reader));
  assert_int_equal(af_policy_add(policy, &reader), 0);
  assert_int_equal(af_policy_statements(policy), 1); /* it is there already */
  assert_int_equal(af_policy_ours(policy), 1);
  af_policy_remove(policy, &reader);
  assert_int_equal(af_policy_statements(policy), 0);
  af_policy_remove(policy, &reader);
  json_decref(policy);
  json_decref(want);
}

TEST(a_sid_is_of_letters_and_digits_and_no_two_readers_have_the_same) {
  struct af_reader others[] = {reader, reader, reader};
  char sid[AF_SID_SIZE], other[AF_SID_SIZE];
  others[0].account = "333333333333";
  others[1].region = "eu-west-1";
  others[2].bundle = "golden-amis/web/";
  af_policy_sid(&reader, sid);
  assert_string_equal(sid, SID); /* stored in buckets: it may not change from version to version */
  assert_int_equal(strspn(sid, "abcdefghijklmnopqrstuvwxyz0123456789"), strlen(sid));
  for (size_t i = 0; i < COUNT(others); i++) {
    af_policy_sid(&others[i], other);
    assert_string_not_equal(sid, other);
  }
}

TEST(what_others_wrote_stays_where_it_is_and_as_it_is) {
  static const char others[] = "[{'Sid': 'amiferry33333333333337317af7cd2ab265', 'Effect': 'Allow', 'x': 1.1},"
                               " {'Effect': 'Deny', 'Principal': '*', 'Action': ['s3:*'], 'Resource': 'r'}]";
  json_t *policy = policy_of(others), *want = policy_of(others);
  assert_int_equal(af_policy_add(policy, &reader), 0);
  assert_int_equal(af_policy_statements(policy), 3);
  assert_int_equal(af_policy_ours(policy), 2);
  af_policy_remove(policy, &reader);
  assert_true(json_equal(policy, want));
  json_decref(policy);
  json_decref(want);
}

TEST(a_policy_is_read_whole_or_not_at_all) {
  static const struct {
    const char *text;
    int rc;
  } rows[] = {
      {"{'Statement': []}", 0},
      {"{'Statement': {'Effect': 'Allow'}}", 0},
      {"{'Version': '2012-10-17', 'Statement': [{'Effect': 'Al", -AF_ECORRUPT},
      {"{'Version': '2012-10-17'", -AF_ECORRUPT},
      {"", -AF_ECORRUPT},
      {"<Error/>", -AF_ECORRUPT},
      {"{'Statement': 'x'}", -AF_EINVAL},
      {"{'Version': '2012-10-17'}", -AF_EINVAL},
      {"[]", -AF_EINVAL},
      {"{'Statement': [], 'Statement': []}", -AF_EINVAL},
      {"{'Statement': [{'Condition': {'NumericEquals': {'x': 99999999999999999999}}}]}", -AF_EINVAL},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    json_t *policy;
    int rc = parse(rows[i].text, &policy);
    if (rc != rows[i].rc)
      fail_msg("%s: %d", rows[i].text, rc);
    assert_true((rc == 0) == json_is_array(json_object_get(policy, "Statement")));
    json_decref(policy);
  }
}

#define S(principal, action, resource, more) \
  "{'Effect': 'Allow', 'Principal': " principal ", 'Action': " action ", 'Resource': " resource more "}"
#define TO "{'AWS': '" ROOT "'}"
#define ALL_ACTIONS "['s3:GetObject', 's3:ListBucket', 's3:GetBucketAcl']"
#define BOTH "['" BUCKET "', '" BUCKET "/*']"

TEST(what_lets_the_account_in_is_told_from_what_does_not) {
  static const struct {
    const char *statements;
    bool allows;
  } rows[] = {
      {S(TO, ALL_ACTIONS, BOTH, ""), true},
      {S("{'AWS': '" TARGET "'}", "'s3:*'", BOTH, ""), true},
      {S("{'AWS': ['arn:aws:iam::333333333333:root', '" ROOT "']}", "['s3:Get*', 's3:List*']", "'" BUCKET "*'", ""), true},
      {S("'*'", "'*'", "'*'", ""), true},
      {S("{'AWS': '*'}", "'s3:*'", BOTH, ""), true},
      {S(TO, "'s3:GetObject'", "'" KEYS "'", "") ", " S(TO, "['s3:ListBucket', 's3:GetBucketAcl']", "'" BUCKET "'", ""), true},
      {S(TO, ALL_ACTIONS, "['" BUCKET "', '" BUCKET "/we*']", ""), true},
      {"{'Sid': '" SID "', 'Effect': 'Allow'}", true}, /* another database's: its copies need it */
      {S(TO, "'s3:GetObject'", BOTH, ""), false},
      {S(TO, "['s3:GetObject', 's3:ListBucket']", BOTH, ""), false},
      {S(TO, ALL_ACTIONS, "'" BUCKET "'", ""), false},
      {S(TO, ALL_ACTIONS, "'" BUCKET "/*'", ""), false},
      {S(TO, ALL_ACTIONS, "['" BUCKET "', '" BUCKET "/web/image.']", ""), false},
      {S(TO, ALL_ACTIONS, "['" BUCKET "', '" BUCKET "/web/image.manifest.xml']", ""), false},
      {S(TO, ALL_ACTIONS, "['" BUCKET "', '" BUCKET "/web/image.p*']", ""), false},
      {S(TO, ALL_ACTIONS, BOTH, ", 'Condition': {'Bool': {'aws:SecureTransport': 'true'}}"), false},
      {S("{'AWS': 'arn:aws:iam::222222222222:role/other'}", ALL_ACTIONS, BOTH, ""), false},
      {S("{'AWS': '333333333333'}", ALL_ACTIONS, BOTH, ""), false},
      {S("{'Service': 'ec2.amazonaws.com'}", ALL_ACTIONS, BOTH, ""), false},
      {"{'Effect': 'Deny', 'Principal': '*', 'Action': '*', 'Resource': '*'}", false},
      {"{'Effect': 'Allow', 'NotPrincipal': " TO ", 'NotAction': 's3:PutObject', 'Resource': '*'}", false},
      {"{'Sid': 'amiferry2222222222220000000000000000', 'Effect': 'Allow', 'Principal': '*', 'Action': '*', 'Resource': '*'}", false},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    char list[2048];
    snprintf(list, sizeof list, "[%s]", rows[i].statements);
    json_t *policy = policy_of(list);
    if (af_policy_allows(policy, &reader) != rows[i].allows)
      fail_msg("%s: %s", rows[i].statements, rows[i].allows ? "not allowed" : "allowed");
    json_decref(policy);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(our_statement_lets_one_account_read_one_bundle_and_nothing_else),
      cmocka_unit_test(a_sid_is_of_letters_and_digits_and_no_two_readers_have_the_same),
      cmocka_unit_test(what_others_wrote_stays_where_it_is_and_as_it_is),
      cmocka_unit_test(a_policy_is_read_whole_or_not_at_all),
      cmocka_unit_test(what_lets_the_account_in_is_told_from_what_does_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
