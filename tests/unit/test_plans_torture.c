/* plans/ when memory runs out: the N-th allocation fails, for every N, ours and jansson's. What is left must be an error or the
 * right answer, never half of one; the sanitizers see what leaks. */
#include "tests/unit/facts_fixture.h"
#include "tests/unit/fail_alloc.h"

#include "plans/estimate.h"
#include "plans/keep.h"
#include "plans/verify.h"

/* Runs work once with each allocation failing; it returns whether it came through. */
static void torture(bool (*work)(void), int least) {
  int n = 0;
  json_set_alloc_funcs(__wrap_malloc, free);
  for (bool through = false; !through; n++) {
    allocations_left = n;
    through = work();
    assert_true(through == (allocations_left >= 0));
    allocations_left = -1;
    assert_true(n < 100000);
  }
  json_set_alloc_funcs(malloc, free);
  assert_true(n > least);
}

/* --- works --- */

static const char manifest[] = "version: 1\n"
                               "defaults:\n"
                               "  source: {region: us-east-1, role_arn: 'arn:aws:iam::111111111111:role/x', external_id: abc}\n"
                               "  targets: [{region: eu-west-1, kms_key: alias/x}, {region: eu-west-2, account: 222222222222}]\n"
                               "  tags: {a: b}\n"
                               "copies:\n"
                               "- source: {image: ami-00000001}\n"
                               "  name: 'a-{id}-{date}'\n"
                               "  route: [copy-image, launch-image]\n"
                               "  launch_permissions: {accounts: [222222222222, 111111111111], snapshots: true}\n"
                               "  trusted_owners: [amazon]\n"
                               "  deprecation: 2027-06-30\n"
                               "  launch: {instance_type: t3.small}\n"
                               "  allow_differences: [imdsSupport, bootMode]\n"
                               "- source: {image: ami-00000002}\n";

static bool reads_a_manifest(void) {
  struct af_manifest m;
  struct af_error err;
  int rc = af_manifest_read(&m, "m", af_str(manifest), NULL, &err);
  if (rc < 0) {
    assert_int_equal(rc, -AF_ENOMEM);
    assert_string_equal(err.code, "OutOfMemory");
    return false;
  }
  assert_int_equal(m.n, 4);
  assert_int_equal(json_array_size(m.copies[0].allow_differences), 2);
  assert_string_equal(json_string_value(json_array_get(m.copies[0].routes, 1)), "launch-image");
  assert_int_equal(json_array_size(json_object_get(m.copies[0].launch_permissions, "accounts")), 2);
  assert_int_equal(strlen(m.normal), 1556);
  af_manifest_done(&m);
  return true;
}

TEST(reading_a_manifest_survives_each_failed_allocation) {
  torture(reads_a_manifest, 100);
}

static bool says_a_mistake(void) {
  struct af_manifest m;
  struct af_error err;
  int rc = af_manifest_read(&m, "m", af_str("version: 1\ncopies: [{allow_differences: [x]}]"), NULL, &err);
  assert_true(rc == -AF_EINVAL || rc == -AF_ENOMEM);
  return rc == -AF_EINVAL;
}

TEST(a_mistake_or_the_lack_of_memory_is_said_whichever_comes_first) {
  /* The list of names in the message is left out where there is no memory for it: the mistake is still said. */
  for (int n = 0; n < 20; n++) {
    allocations_left = n;
    says_a_mistake();
    allocations_left = -1;
  }
  assert_true(says_a_mistake());
}

static struct af_facts facts;
static struct af_copy_spec spec;
static json_t *stored;

static bool stores_facts(void) {
  json_t *json;
  if (af_facts_to_json(&facts, &json) < 0)
    return false;
  assert_true(json_equal(json, stored));
  json_decref(json);
  return true;
}

static bool reads_facts(void) {
  struct af_facts back;
  struct af_error err;
  int rc = af_facts_from_json(&back, stored, &err);
  if (rc < 0) {
    assert_int_equal(rc, -AF_ENOMEM);
    return false;
  }
  assert_true(json_equal(back.image, facts.image) && json_equal(back.snapshots, facts.snapshots));
  assert_string_equal(back.uefi_data, facts.uefi_data);
  af_facts_done(&back);
  return true;
}

TEST(storing_facts_survives_each_failed_allocation) {
  facts_plain(&facts);
  facts.uefi_data = strdup("QU1a");
  hold_name(&facts, json_of("{'ImageId': 'ami-0fedcba9876543210'}"));
  assert_int_equal(af_facts_to_json(&facts, &stored), 0);
  torture(stores_facts, 50);
  torture(reads_facts, 50);
  json_decref(stored);
  af_facts_done(&facts);
}

static bool stores_a_spec(void) {
  json_t *json;
  if (af_copy_spec_to_json(&spec, &json) < 0)
    return false;
  assert_true(json_equal(json, stored));
  json_decref(json);
  return true;
}

static bool reads_a_spec(void) {
  struct af_copy_spec back;
  struct af_error err;
  int rc = af_copy_spec_from_json(&back, stored, &err);
  if (rc < 0) {
    assert_int_equal(rc, -AF_ENOMEM);
    return false;
  }
  assert_true(json_equal(back.tags, spec.tags));
  assert_string_equal(back.kms_key, "alias/x");
  af_copy_spec_done(&back);
  return true;
}

static bool makes_a_key(void) {
  char *key;
  if (af_copy_spec_key(&spec, &key) < 0)
    return false;
  assert_contains(key, "eu-west-1");
  free(key);
  return true;
}

TEST(storing_a_spec_survives_each_failed_allocation) {
  spec_init(&spec, "alias/x", "auto");
  put(spec.tags, "a", "'b'");
  put(spec.launch_permissions, "accounts", "['222222222222']");
  json_array_append_new(spec.routes, json_string("copy-image"));
  json_array_append_new(spec.routes, json_string("launch-image"));
  json_array_append_new(spec.trusted_owners, json_string("amazon"));
  spec.pull = true;
  spec.source_tags = false;
  assert_int_equal(af_copy_spec_to_json(&spec, &stored), 0);
  torture(stores_a_spec, 10);
  torture(reads_a_spec, 10);
  torture(makes_a_key, 1);
  json_decref(stored);
  af_copy_spec_done(&spec);
}

static bool writes_a_tree(void) {
  char *text = af_json_dumps(stored, JSON_COMPACT | JSON_SORT_KEYS);
  if (!text)
    return false;
  assert_string_equal(text, "{\"Filters\":[{\"Name\":\"is-default\",\"Values\":[\"true\"]}],\"MaxResults\":1000}");
  free(text);
  return true;
}

TEST(a_tree_is_written_whole_or_not_at_all) {
  stored = json_of("{'MaxResults': 1000, 'Filters': [{'Values': ['true'], 'Name': 'is-default'}]}");
  torture(writes_a_tree, 5);
  json_decref(stored);
}

static bool verifies(void) {
  struct af_decision decision;
  struct af_copy_reading reading = {.image = facts.image, .snapshots = facts.snapshots, .uefi_readable = true};
  struct af_findings findings;
  struct af_error err;
  af_route_decide(&spec, &facts, NULL, &decision);
  int rc = af_verify(&spec, &facts, &decision, &reading, &findings);
  if (rc < 0) {
    assert_int_equal(rc, -AF_ENOMEM);
    return false;
  }
  /* Where there is no memory for the names the verdict is the same. */
  assert_int_equal(af_findings_judge(&findings, &err), -AF_EAWS);
  af_findings_done(&findings);
  return allocations_left >= 0;
}

static bool keeps_tags(void) {
  struct af_decision decision = {.route = AF_ROUTE_COPY_IMAGE};
  json_t *tags;
  for (int creation = 0; creation < 2; creation++) {
    if ((creation ? af_keep_creation_tags : af_keep_tags)(&spec, &facts, &decision, "cp-1", "0.0", NULL, &tags) < 0)
      return false;
    assert_int_equal(json_array_size(tags), 4);
    json_decref(tags);
  }
  return true;
}

static bool estimates(void) {
  struct af_estimate e;
  struct af_decision decision = {.route = AF_ROUTE_COPY_IMAGE};
  af_estimate_init(&e);
  int rc = af_estimate_add(&e, &spec, &facts, &decision);
  assert_true(rc == 0 || (rc == -AF_ENOMEM && e.n == 0));
  af_estimate_done(&e);
  return rc == 0;
}

TEST(verifying_estimating_and_tagging_survive_each_failed_allocation) {
  facts_plain(&facts);
  spec_init(&spec, NULL, "auto");
  torture(verifies, 1);
  torture(estimates, 1);
  put(facts.image, "Tags", "[{'Key': 'team', 'Value': 'web'}]");
  torture(keeps_tags, 5);
  af_copy_spec_done(&spec);
  af_facts_done(&facts);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reading_a_manifest_survives_each_failed_allocation),
      cmocka_unit_test(a_mistake_or_the_lack_of_memory_is_said_whichever_comes_first),
      cmocka_unit_test(storing_facts_survives_each_failed_allocation),
      cmocka_unit_test(storing_a_spec_survives_each_failed_allocation),
      cmocka_unit_test(a_tree_is_written_whole_or_not_at_all),
      cmocka_unit_test(verifying_estimating_and_tagging_survive_each_failed_allocation),
  };
  return cmocka_run_group_tests_name("plans/torture", tests, NULL, NULL);
}
