/* The whole ladder, run against cloudsim on a virtual clock: each route in both Region relations, its refusals and every fault. Whatever
 * happens, nothing is twice, open or left over. */
#include "tests/simulation/trips.h"

TEST(every_kind_of_ami_arrives_by_the_route_of_its_kind) {
  for (size_t i = 0; i < COUNT(trips); i++) {
    struct rig *r = new_rig(trips[i].world, 900 + i);
    struct af_error err;
    char when[64];
    snprintf(when, sizeof(when), "trip %zu", i);
    int rc = rig_run(r, trips[i].manifest, &err);
    if (rc) fail_msg("%s: %s", when, err.message);
    arrived(r, &trips[i], when);
    assert_int_equal(rig_carried_out(r, trips[i].call), trips[i].times);
    rig_free(r);
  }
}

/* Each fault of cloudsim, the first times that a call is made. What must end in an instance must find room for it: capacity has a test of its
 * own. */
static const char *const faults[] = {
    "\"kind\": \"throttle\", \"times\": 2",
    "\"kind\": \"error\", \"times\": 2, \"status\": 500, \"code\": \"InternalError\"",
    "\"kind\": \"error-after\", \"times\": 2, \"status\": 500, \"code\": \"InternalError\"",
    "\"kind\": \"error-after\", \"times\": 1, \"status\": 503, \"code\": \"Unavailable\"",
    "\"kind\": \"lost-reply\", \"times\": 2",
    "\"kind\": \"cut\", \"times\": 2",
    "\"kind\": \"half\", \"times\": 2",
    "\"kind\": \"malformed\", \"times\": 2",
    "\"kind\": \"slow\", \"times\": 2, \"delay_ms\": 300000",
    "\"kind\": \"empty-page\", \"times\": 1",
    "\"kind\": \"expired-token\", \"times\": 1",
};

static void gets_over(size_t i, const char *call, const char *fault) {
  const struct trip *t = &trips[i];
  struct rig *r = new_rig(t->world, 3000 + i);
  struct af_error err;
  char text[256], when[300];
  snprintf(when, sizeof(when), "trip %zu, %s of %s", i, fault, call);
  snprintf(text, sizeof(text), "[{%s, \"service\": \"%.*s\", \"action\": \"%s\"}]", fault, (int)strcspn(call, ":"), call, strchr(call, ':') + 1);
  set_faults(r, text);
  int rc = rig_run(r, t->manifest, &err);
  if (strstr(fault, "expired") && strcmp(call, "sts:AssumeRole") == 0) { /* the keys themselves: a person has to log in again */
    assert_all(r, AF_COPY_BLOCKED, when);
    assert_clean(r, when);
    rc = rig_resume(r, &err);
  }
  if (rc) fail_msg("%s: %s", when, err.message);
  arrived(r, t, when);
  rig_free(r);
}

/* The calls that a trip makes, as the audit counts them. */
static json_t *calls_of(const struct trip *t) {
  struct rig *r = new_rig(t->world, 1);
  struct af_error err;
  assert_ok(rig_run(r, t->manifest, &err), &err);
  json_t *audit = rig_audit(r), *calls = json_incref(json_object_get(audit, "calls"));
  json_decref(audit);
  rig_free(r);
  return calls;
}

TEST(each_fault_of_each_call_of_each_route_is_got_over) {
  uint64_t n = 0, runs = 0, stride = (uint64_t)stride_between(3, 37);
  for (size_t i = 0; i < COUNT(trips); i++) {
    json_t *calls = calls_of(&trips[i]), *outcomes;
    const char *call;
    json_object_foreach(calls, call, outcomes)
      for (size_t f = 0; f < COUNT(faults); f++)
        if (n++ % stride == 0) {
          gets_over(i, call, faults[f]);
          runs++;
        }
    json_decref(calls);
  }
  printf("# %llu runs, each with one fault\n", (unsigned long long)runs);
}

static void ends(const char *world, const char *manifest, const char *fault, enum af_copy_state state, const char *code, const char *hint) {
  struct rig *r = new_rig(world, 77);
  struct af_error err;
  struct af_copy_row *list;
  if (*fault) set_faults(r, fault);
  assert_ok(rig_run(r, manifest, &err), &err);
  assert_all(r, state, code);
  assert_clean(r, code);
  assert_int_equal(live_images(r), 0);
  size_t n = rig_copies(r, &list);
  assert_int_equal(n, 1);
  if (!list[0].error || !strstr(list[0].error, code)) fail_msg("not %s: %s", code, list[0].error ? list[0].error : "");
  if (!strstr(list[0].error, hint)) fail_msg("no \"%s\" in %s", hint, list[0].error);
  rig_copies_free(list, n);
  rig_free(r);
}

TEST(an_ami_that_must_be_subscribed_to_waits_for_a_person_and_goes_on_when_that_is_done) {
  struct rig *r = new_rig(LADDER_WORLD(REFUSED_BILLING, ""), 5);
  struct af_error err;
  assert_ok(rig_run(r, MANIFEST_HEAD IMAGE(MARKET, HERE), &err), &err);
  assert_all(r, AF_COPY_BLOCKED, "not subscribed");
  assert_clean(r, "not subscribed");
  struct af_copy_row *list;
  size_t n = rig_copies(r, &list);
  assert_non_null(strstr(list[0].error, "OptInRequired"));
  assert_non_null(strstr(list[0].error, "https://aws.amazon.com/marketplace"));
  rig_copies_free(list, n);
  assert_ok(cs_sim_subscribe(rig_sim(r), "222222222222", "prod-abc", &err), &err);
  rig_advance(r, 60000);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "subscribed");
  assert_clean(r, "subscribed");
  assert_int_equal(live_images(r), 1);
  rig_free(r);
}

TEST(a_copy_that_is_blocked_between_two_routes_goes_on_when_that_is_mended) {
  struct rig *r = new_rig(LADDER_WORLD(REFUSED_BILLING, ""), 6);
  struct af_error err;
  set_faults(r, "[{\"kind\": \"error\", \"action\": \"DescribeInstanceTypes\", \"status\": 403, \"code\": \"UnauthorizedOperation\"}]");
  assert_ok(rig_run(r, MANIFEST_HEAD IMAGE(WINDOWS, HERE), &err), &err);
  assert_all(r, AF_COPY_BLOCKED, "not allowed to look for instance types");
  assert_clean(r, "not allowed to look for instance types");
  set_faults(r, "[]");
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "allowed");
  assert_route(r, "launch-image", "allowed");
  assert_clean(r, "allowed");
  rig_free(r);
}

TEST(a_list_of_instance_types_in_several_pages_serves_all_copies) {
  struct rig *r = new_rig(LADDER_WORLD(REFUSED_BILLING, ""), 7);
  struct af_error err;
  set_faults(r, "[{\"kind\": \"empty-page\", \"action\": \"DescribeInstanceTyp*\", \"times\": 2}]");
  assert_ok(rig_run(r, MANIFEST_HEAD IMAGE(WINDOWS, HERE) IMAGE(HIDDEN, HERE), &err), &err);
  assert_all(r, AF_COPY_DONE, "in pages");
  assert_clean(r, "in pages");
  rig_free(r);
}

TEST(a_region_without_capacity_blocks_the_copy_after_every_place_was_tried) {
  ends(LADDER_WORLD(REFUSED_BILLING, ""), MANIFEST_HEAD IMAGE(WINDOWS, HERE), "[{\"kind\": \"capacity\", \"action\": \"RunInstances\"}]",
       AF_COPY_BLOCKED, "NoCapacity", "launch.instance_type");
}

/* RunInstances takes the key as it is named; the instance ends before it runs. */
TEST(an_instance_that_may_not_use_its_key_blocks_the_copy_and_says_what_to_allow) {
  static const char alias[] = "      keys: [{id: 00000000-0000-4000-8000-000000000011, alias: alias/amis}]\n";
  static const char deaf[] = "      keys: [{id: 00000000-0000-4000-8000-000000000011, alias: alias/amis, policy: [{Effect: Allow, Action: 'kms:DescribeKey',"
                             " Resource: '*', Principal: {AWS: 'arn:aws:iam::222222222222:root'}}]}]\n";
  static const char world[] = LADDER_WORLD(REFUSED_BILLING, "");
  const char *at = strstr(world, alias);
  char *text;
  assert_non_null(at);
  assert_true(asprintf(&text, "%.*s%s%s", (int)(at - world), world, deaf, at + sizeof(alias) - 1) > 0);
  ends(text, MANIFEST_HEAD IMAGE(WINDOWS, HERE_KEY), "[]", AF_COPY_BLOCKED, "InstanceFailed", "kms:CreateGrant");
  free(text);
}

TEST(a_bridge_without_a_key_is_refused_with_the_way_to_mend_it) {
  struct rig *r = new_rig(LADDER_WORLD("", ""), 6);
  struct af_error err;
  struct af_copy_row *list;
  assert_ok(rig_run(r, MANIFEST_HEAD IMAGE(DEFAULT_KEY, THERE_KEY), &err), &err);
  assert_clean(r, "no bridge key");
  size_t n = rig_copies(r, &list);
  assert_non_null(list[0].error);
  if (!strstr(list[0].error, "bridge_key")) fail_msg("%s", list[0].error);
  rig_copies_free(list, n);
  rig_free(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_of_ami_arrives_by_the_route_of_its_kind),
      cmocka_unit_test(each_fault_of_each_call_of_each_route_is_got_over),
      cmocka_unit_test(an_ami_that_must_be_subscribed_to_waits_for_a_person_and_goes_on_when_that_is_done),
      cmocka_unit_test(a_copy_that_is_blocked_between_two_routes_goes_on_when_that_is_mended),
      cmocka_unit_test(a_list_of_instance_types_in_several_pages_serves_all_copies),
      cmocka_unit_test(a_region_without_capacity_blocks_the_copy_after_every_place_was_tried),
      cmocka_unit_test(an_instance_that_may_not_use_its_key_blocks_the_copy_and_says_what_to_allow),
      cmocka_unit_test(a_bridge_without_a_key_is_refused_with_the_way_to_mend_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
