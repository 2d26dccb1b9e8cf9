/* cloudsim's policy evaluator: what a statement speaks of, who it names, what wins. */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "tools/cloudsim/policy.h"

static json_t *document(const char *text, enum cs_policy_kind kind) {
  struct af_error err;
  json_t *d = NULL;
  assert_ok(cs_policy_parse(&d, af_str(text), kind, &err), &err);
  return d;
}

struct question {
  const char *account, *arn, *role, *action, *resource, *context;
};

static enum cs_verdict ask(const char *policy, enum cs_policy_kind kind, struct question q) {
  json_t *d = document(policy, kind), *values = json_loads(q.context ? q.context : "{}", 0, NULL);
  assert_non_null(values);
  struct cs_context context = {.values = values};
  struct cs_ask a = {.who = {.account = q.account ? q.account : "111122223333",
                             .arn = q.arn ? q.arn : "arn:aws:iam::111122223333:user/u",
                             .role_arn = q.role},
                     .action = q.action,
                     .resource = q.resource ? q.resource : "*",
                     .context = &context};
  enum cs_verdict v = cs_policy_says(d, &a, kind);
  json_decref(d);
  json_decref(values);
  return v;
}
#define IDENTITY(policy, ...) ask((policy), CS_POLICY_IDENTITY, (struct question){__VA_ARGS__})
#define RESOURCE(policy, ...) ask((policy), CS_POLICY_RESOURCE, (struct question){__VA_ARGS__})

TEST(actions_match_with_wildcards_in_any_case) {
  static const char p[] = "[{\"Effect\":\"Allow\",\"Action\":[\"ec2:Describe*\",\"KMS:reencrypt*\"],\"Resource\":\"*\"}]";
  assert_int_equal(IDENTITY(p, .action = "ec2:DescribeImages"), CS_ALLOW);
  assert_int_equal(IDENTITY(p, .action = "kms:ReEncryptFrom"), CS_ALLOW);
  assert_int_equal(IDENTITY(p, .action = "ec2:CopyImage"), CS_SILENT);
}

TEST(not_action_is_everything_else) {
  static const char p[] = "{\"Statement\":{\"Effect\":\"Allow\",\"NotAction\":\"iam:*\",\"Resource\":\"*\"}}";
  assert_int_equal(IDENTITY(p, .action = "ec2:CopyImage"), CS_ALLOW);
  assert_int_equal(IDENTITY(p, .action = "iam:CreateUser"), CS_SILENT);
}

TEST(a_deny_beats_every_allow_wherever_it_stands) {
  static const char p[] =
      "[{\"Effect\":\"Deny\",\"Action\":\"ec2:CopyImage\",\"Resource\":\"*\"},{\"Effect\":\"Allow\",\"Action\":\"*\","
      "\"Resource\":\"*\"}]";
  assert_int_equal(IDENTITY(p, .action = "ec2:CopyImage"), CS_DENY);
  assert_int_equal(IDENTITY(p, .action = "ec2:CopySnapshot"), CS_ALLOW);
}

TEST(resources_match_with_wildcards_and_their_own_case) {
  static const char p[] = "[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"arn:aws:ec2:*::image/ami-0*\"}]";
  assert_int_equal(IDENTITY(p, .action = "a:B", .resource = "arn:aws:ec2:eu-west-1::image/ami-01"), CS_ALLOW);
  assert_int_equal(IDENTITY(p, .action = "a:B", .resource = "arn:aws:ec2:eu-west-1::image/AMI-01"), CS_SILENT);
  assert_int_equal(IDENTITY(p, .action = "a:B", .resource = "arn:aws:ec2:eu-west-1::snapshot/snap-1"), CS_SILENT);
}

TEST(conditions_hold_all_together) {
  static const struct {
    const char *condition, *context;
    enum cs_verdict want;
  } cases[] = {
      {"{\"StringEquals\":{\"sts:ExternalId\":\"x\"}}", "{\"sts:ExternalId\":\"x\"}", CS_ALLOW},
      {"{\"StringEquals\":{\"sts:ExternalId\":\"x\"}}", "{\"sts:externalid\":\"x\"}", CS_ALLOW},
      {"{\"StringEquals\":{\"sts:ExternalId\":\"x\"}}", "{\"sts:ExternalId\":\"X\"}", CS_SILENT},
      {"{\"StringEquals\":{\"sts:ExternalId\":\"x\"}}", "{}", CS_SILENT},
      {"{\"StringEquals\":{\"sts:ExternalId\":[\"w\",\"x\"]}}", "{\"sts:ExternalId\":\"x\"}", CS_ALLOW},
      {"{\"StringNotEquals\":{\"k\":[\"w\",\"x\"]}}", "{\"k\":\"x\"}", CS_SILENT},
      {"{\"StringNotEquals\":{\"k\":[\"w\",\"x\"]}}", "{\"k\":\"y\"}", CS_ALLOW},
      {"{\"StringNotEquals\":{\"k\":\"x\"}}", "{}", CS_ALLOW},
      {"{\"StringEqualsIfExists\":{\"k\":\"x\"}}", "{}", CS_ALLOW},
      {"{\"StringEqualsIgnoreCase\":{\"k\":\"aBc\"}}", "{\"k\":\"AbC\"}", CS_ALLOW},
      {"{\"StringLike\":{\"k\":\"ec2.*.amazonaws.com\"}}", "{\"k\":\"ec2.eu-west-1.amazonaws.com\"}", CS_ALLOW},
      {"{\"StringLike\":{\"k\":\"ec2.*.amazonaws.com\"}}", "{\"k\":\"s3.eu-west-1.amazonaws.com\"}", CS_SILENT},
      {"{\"ArnLike\":{\"k\":\"arn:aws:iam::*:role/a*\"}}", "{\"k\":\"arn:aws:iam::1:role/abc\"}", CS_ALLOW},
      {"{\"Bool\":{\"kms:GrantIsForAWSResource\":\"true\"}}", "{\"kms:GrantIsForAWSResource\":\"true\"}", CS_ALLOW},
      {"{\"Bool\":{\"kms:GrantIsForAWSResource\":true}}", "{\"kms:GrantIsForAWSResource\":\"false\"}", CS_SILENT},
      {"{\"Bool\":{\"kms:GrantIsForAWSResource\":true}}", "{}", CS_SILENT},
      {"{\"Null\":{\"k\":\"true\"}}", "{}", CS_ALLOW},
      {"{\"Null\":{\"k\":\"true\"}}", "{\"k\":\"x\"}", CS_SILENT},
      {"{\"Null\":{\"k\":\"false\"}}", "{\"k\":\"x\"}", CS_ALLOW},
      {"{\"NumericLessThanEquals\":{\"k\":\"10\"}}", "{\"k\":\"10\"}", CS_ALLOW},
      {"{\"NumericLessThan\":{\"k\":\"10\"}}", "{\"k\":\"10\"}", CS_SILENT},
      {"{\"NumericGreaterThan\":{\"k\":\"9\"}}", "{\"k\":\"10\"}", CS_ALLOW},
      {"{\"ForAllValues:StringEquals\":{\"kms:GrantOperations\":[\"Decrypt\",\"DescribeKey\"]}}",
       "{\"kms:GrantOperations\":[\"Decrypt\"]}", CS_ALLOW},
      {"{\"ForAllValues:StringEquals\":{\"kms:GrantOperations\":[\"Decrypt\"]}}",
       "{\"kms:GrantOperations\":[\"Decrypt\",\"Encrypt\"]}", CS_SILENT},
      {"{\"ForAllValues:StringEquals\":{\"k\":\"x\"}}", "{}", CS_ALLOW},
      {"{\"ForAnyValue:StringEquals\":{\"k\":\"x\"}}", "{\"k\":[\"w\",\"x\"]}", CS_ALLOW},
      {"{\"ForAnyValue:StringEquals\":{\"k\":\"x\"}}", "{}", CS_SILENT},
      {"{\"StringEquals\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"a\":\"1\",\"b\":\"2\"}", CS_ALLOW},
      {"{\"StringEquals\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"a\":\"1\",\"b\":\"3\"}", CS_SILENT},
      {"{\"StringEquals\":{\"a\":\"1\"},\"Bool\":{\"b\":\"true\"}}", "{\"a\":\"1\"}", CS_SILENT},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    char policy[600];
    snprintf(policy, sizeof policy, "[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":%s}]",
             cases[i].condition);
    if (IDENTITY(policy, .action = "a:B", .context = cases[i].context) != cases[i].want)
      fail_msg("%s with %s", cases[i].condition, cases[i].context);
  }
}

TEST(a_resource_policy_tells_a_principal_from_his_account) {
  static const struct {
    const char *principal, *account, *arn, *role;
    enum cs_verdict want;
  } cases[] = {
      {"\"*\"", "111122223333", "arn:aws:iam::111122223333:user/u", NULL, CS_ALLOW},
      {"{\"AWS\":\"*\"}", "111122223333", "arn:aws:iam::111122223333:user/u", NULL, CS_ALLOW},
      {"{\"AWS\":\"111122223333\"}", "111122223333", "arn:aws:iam::111122223333:user/u", NULL, CS_ALLOW_ACCOUNT},
      {"{\"AWS\":\"arn:aws:iam::111122223333:root\"}", "111122223333", "arn:aws:iam::111122223333:user/u", NULL,
       CS_ALLOW_ACCOUNT},
      {"{\"AWS\":\"arn:aws:iam::999922223333:root\"}", "111122223333", "arn:aws:iam::111122223333:user/u", NULL, CS_SILENT},
      {"{\"AWS\":\"arn:aws:iam::111122223333:user/u\"}", "111122223333", "arn:aws:iam::111122223333:user/u", NULL, CS_ALLOW},
      {"{\"AWS\":\"arn:aws:iam::111122223333:user/v\"}", "111122223333", "arn:aws:iam::111122223333:user/u", NULL, CS_SILENT},
      {"{\"AWS\":[\"1\",\"arn:aws:iam::111122223333:role/r\"]}", "111122223333", "arn:aws:sts::111122223333:assumed-role/r/s",
       "arn:aws:iam::111122223333:role/r", CS_ALLOW},
      {"{\"AWS\":\"arn:aws:sts::111122223333:assumed-role/r/s\"}", "111122223333", "arn:aws:sts::111122223333:assumed-role/r/s",
       "arn:aws:iam::111122223333:role/r", CS_ALLOW},
      {"{\"AWS\":\"arn:aws:sts::111122223333:assumed-role/r/t\"}", "111122223333", "arn:aws:sts::111122223333:assumed-role/r/s",
       "arn:aws:iam::111122223333:role/r", CS_SILENT},
      {"{\"Service\":\"ec2.amazonaws.com\"}", "111122223333", "arn:aws:iam::111122223333:user/u", NULL, CS_SILENT},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    char policy[600];
    snprintf(policy, sizeof policy, "[{\"Effect\":\"Allow\",\"Principal\":%s,\"Action\":\"kms:*\",\"Resource\":\"*\"}]",
             cases[i].principal);
    if (RESOURCE(policy, .action = "kms:Decrypt", .account = cases[i].account, .arn = cases[i].arn, .role = cases[i].role) !=
        cases[i].want)
      fail_msg("%s for %s", cases[i].principal, cases[i].arn);
  }
}

static json_t *find(void *ctx, const char *key) {
  (*(int *)ctx)++;
  return strcmp(key, "ec2:ResourceTag/team") == 0 ? json_string("blue") : NULL;
}

TEST(a_key_that_is_dear_is_asked_for_once_and_only_when_needed) {
  json_t *d = document(
      "[{\"Effect\":\"Allow\",\"Action\":\"ec2:*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"ec2:ResourceTag/"
      "team\":\"blue\"},"
      "\"StringLike\":{\"ec2:ResourceTag/team\":\"b*\"}}}]",
      CS_POLICY_IDENTITY);
  int asked = 0;
  struct cs_context context = {.values = json_object(), .find = find, .ctx = &asked};
  struct cs_ask a = {.who = {.account = "1", .arn = "x"}, .action = "kms:Decrypt", .resource = "*", .context = &context};
  assert_int_equal(cs_policy_says(d, &a, CS_POLICY_IDENTITY), CS_SILENT);
  assert_int_equal(asked, 0);
  a.action = "ec2:CopyImage";
  assert_int_equal(cs_policy_says(d, &a, CS_POLICY_IDENTITY), CS_ALLOW);
  assert_int_equal(asked, 1);
  json_decref(context.values);
  json_decref(d);
}

TEST(what_is_not_simulated_is_refused_not_passed_over) {
  static const struct {
    const char *text, *why;
    enum cs_policy_kind kind;
  } cases[] = {
      {"{", "not JSON", CS_POLICY_IDENTITY},
      {"{\"Version\":\"2012-10-17\"}", "needs a Statement", CS_POLICY_IDENTITY},
      {"[]", "at least one statement", CS_POLICY_IDENTITY},
      {"[{\"Effect\":\"Maybe\",\"Action\":\"*\",\"Resource\":\"*\"}]", "Allow or Deny", CS_POLICY_IDENTITY},
      {"[{\"Effect\":\"Allow\",\"Resource\":\"*\"}]", "Action or NotAction", CS_POLICY_IDENTITY},
      {"[{\"Effect\":\"Allow\",\"Action\":\"*\",\"NotPrincipal\":\"*\"}]", "unknown or not simulated", CS_POLICY_RESOURCE},
      {"[{\"Effect\":\"Allow\",\"Action\":\"*\"}]", "needs a Principal", CS_POLICY_RESOURCE},
      {"[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Principal\":\"*\"}]", "no Principal", CS_POLICY_IDENTITY},
      {"[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Principal\":{\"Canonical\":\"x\"}}]", "AWS, Service and Federated",
       CS_POLICY_RESOURCE},
      {"[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"::1\"}}}]", "operator",
       CS_POLICY_IDENTITY},
      {"[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"arn:${aws:username}\"}]", "policy variables", CS_POLICY_IDENTITY},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct af_error err;
    json_t *d;
    assert_error(cs_policy_parse(&d, af_str(cases[i].text), cases[i].kind, &err), -AF_EINVAL, &err, cases[i].why);
  }
}

TEST(yaml_reads_like_json_and_errors_name_the_line) {
  struct af_error err;
  struct af_doc *doc;
  json_t *d;
  static const char text[] =
      "p:\n- Effect: Allow\n  Action: [ec2:*]\n  Resource: '*'\n  Condition: {StringEquals: {a: 012345678901}}\nq:\n- Effect: "
      "Perhaps\n";
  assert_ok(af_doc_read(&doc, "world", af_str(text), AF_DOC_YAML, NULL, &err), &err);
  assert_ok(cs_policy_read(&d, doc, af_node_get(af_doc_root(doc), "p"), CS_POLICY_IDENTITY, &err), &err);
  char *json = json_dumps(d, JSON_COMPACT);
  assert_contains(json, "\"012345678901\"");
  free(json);
  json_decref(d);
  assert_error(cs_policy_read(&d, doc, af_node_get(af_doc_root(doc), "q"), CS_POLICY_IDENTITY, &err), -AF_EINVAL, &err,
               "world:7: q: ");
  af_doc_free(doc);
}

TEST(condition_keys_of_ec2_that_nobody_fills_in_are_refused) {
  static const struct {
    const char *key;
    bool known;
  } cases[] = {{"ec2:Owner", true},         {"ec2:owner", true},          {"ec2:Region", true},         {"ec2:CreateAction", true},
               {"ec2:ResourceTag/a", true}, {"ec2:Add/userId", true},     {"ec2:Remove/group", true},   {"aws:RequestTag/x", true},
               {"ec2:InstanceType", false}, {"ec2:SourceSnapshot", false}, {"ec2:Add/colour", false},   {"EC2:Tenancy", false}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    char text[200];
    struct af_error err;
    json_t *d;
    snprintf(text, sizeof text, "[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"%s\":\"x\"}}}]", cases[i].key);
    int rc = cs_policy_parse(&d, af_str(text), CS_POLICY_IDENTITY, &err);
    if (cases[i].known) {
      assert_ok(rc, &err);
      json_decref(d);
    } else {
      assert_error(rc, -AF_EINVAL, &err, "condition key");
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(actions_match_with_wildcards_in_any_case),
      cmocka_unit_test(not_action_is_everything_else),
      cmocka_unit_test(a_deny_beats_every_allow_wherever_it_stands),
      cmocka_unit_test(resources_match_with_wildcards_and_their_own_case),
      cmocka_unit_test(conditions_hold_all_together),
      cmocka_unit_test(a_resource_policy_tells_a_principal_from_his_account),
      cmocka_unit_test(a_key_that_is_dear_is_asked_for_once_and_only_when_needed),
      cmocka_unit_test(what_is_not_simulated_is_refused_not_passed_over),
      cmocka_unit_test(yaml_reads_like_json_and_errors_name_the_line),
      cmocka_unit_test(condition_keys_of_ec2_that_nobody_fills_in_are_refused),
  };
  return cmocka_run_group_tests_name("cloudsim/policy", tests, NULL, NULL);
}
