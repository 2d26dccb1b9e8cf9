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

/* Each fault of cloudsim on the calls that only these routes make, the first two times each is made. */
static const struct {
  const char *kind, *more;
} faults[] = {{"throttle", ""},
              {"error", ", \"status\": 500, \"code\": \"InternalError\""},
              {"error-after", ", \"status\": 500, \"code\": \"InternalError\""},
              {"lost-reply", ""},
              {"half", ""},
              {"malformed", ""}};

TEST(each_fault_of_the_calls_of_a_launch_is_got_over) {
  static const char *const actions[] = {"RunInstances", "DescribeInstances", "StopInstances", "TerminateInstances", "CreateImage",
                                        "CreateSecurityGroup", "RevokeSecurityGroupEgress", "DeleteSecurityGroup", "DescribeVolumes",
                                        "DescribeInstanceTypes", "DescribeSubnets", "CreateTags"};
  const struct trip *t = &trips[1];
  for (size_t f = 0; f < COUNT(faults); f++)
    for (size_t a = 0; a < COUNT(actions); a++) {
      struct rig *r = new_rig(t->world, 3000 + a);
      struct af_error err;
      char text[200], when[120];
      snprintf(when, sizeof(when), "%s of %s", faults[f].kind, actions[a]);
      snprintf(text, sizeof(text), "[{\"kind\": \"%s\", \"action\": \"%s\", \"times\": 2%s}]", faults[f].kind, actions[a], faults[f].more);
      set_faults(r, text);
      int rc = rig_run(r, t->manifest, &err);
      if (rc) fail_msg("%s: %s", when, err.message);
      arrived(r, t, when);
      rig_free(r);
    }
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

TEST(a_region_without_capacity_blocks_the_copy_after_every_place_was_tried) {
  ends(LADDER_WORLD(REFUSED_BILLING, ""), MANIFEST_HEAD IMAGE(WINDOWS, HERE), "[{\"kind\": \"capacity\", \"action\": \"RunInstances\"}]",
       AF_COPY_BLOCKED, "NoCapacity", "launch.instance_type");
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
      cmocka_unit_test(each_fault_of_the_calls_of_a_launch_is_got_over),
      cmocka_unit_test(an_ami_that_must_be_subscribed_to_waits_for_a_person_and_goes_on_when_that_is_done),
      cmocka_unit_test(a_copy_that_is_blocked_between_two_routes_goes_on_when_that_is_mended),
      cmocka_unit_test(a_region_without_capacity_blocks_the_copy_after_every_place_was_tried),
      cmocka_unit_test(a_bridge_without_a_key_is_refused_with_the_way_to_mend_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
