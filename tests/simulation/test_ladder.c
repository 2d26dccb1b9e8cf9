/* The whole ladder, run against cloudsim on a virtual clock: each route in both Region relations, its refusals, every fault, and death at every
 * call. Whatever happens, nothing is twice, open or left over. */
#include "tests/simulation/check.h"
#include "tests/simulation/ladder_world.h"

struct trip {
  const char *world, *manifest;
  const char *route; /* by which it got there */
  const char *call;  /* that this route makes, */
  uint64_t times;    /* so often; "": any */
};

static const struct trip trips[] = {
    {LADDER_WORLD("", ""), MANIFEST_HEAD IMAGE(WINDOWS, ""), "copy-image", "ec2:CopyImage", 1},
    {LADDER_WORLD(REFUSED_BILLING, ""), MANIFEST_HEAD IMAGE(WINDOWS, HERE), "launch-image", "ec2:CreateImage", 1},
    {LADDER_WORLD(REFUSED_BILLING, ""), MANIFEST_HEAD IMAGE(WINDOWS, ""), "launch-image", "ec2:CopyImage", 1},
    {LADDER_WORLD(REFUSED_BILLING, ""), MANIFEST_HEAD IMAGE(WINDOWS, HERE_KEY), "launch-image", "ec2:CreateImage", 1},
    {LADDER_WORLD(REFUSED_BILLING, ""), MANIFEST_HEAD IMAGE(WINDOWS, THERE_KEY), "launch-image", "ec2:CopyImage", 1},
    {LADDER_WORLD(REFUSED_BILLING, SUBSCRIBED), MANIFEST_HEAD IMAGE(MARKET, HERE), "launch-image", "ec2:CreateImage", 1},
    {LADDER_WORLD(REFUSED_BILLING, ""), MANIFEST_HEAD IMAGE(HIDDEN, ""), "launch-image", "ec2:CreateImage", 1},
    {LADDER_WORLD("", ""), MANIFEST_HEAD IMAGE(RHEL, THERE_KEY), "copy-image", "ec2:CopyImage", 1},
    {LADDER_WORLD(LOSES_BILLING, ""), MANIFEST_HEAD IMAGE(RHEL, HERE_KEY ", route: [reencrypt, launch-image]"), "launch-image",
     "ec2:RegisterImage", 1},
    {LADDER_WORLD("", ""), MANIFEST_HEAD BRIDGED(DEFAULT_KEY, THERE_KEY), "reencrypt", "ec2:CopySnapshot", 2},
    {LADDER_WORLD("", ""), MANIFEST_HEAD BRIDGED(DEFAULT_KEY, HERE_KEY), "reencrypt", "ec2:CopyImage", 1},
    {LADDER_WORLD("", ""), MANIFEST_HEAD BRIDGED(DEFAULT_KEY_TPM, THERE_KEY), "copy-image", "ec2:CopyImage", 2},
    {LADDER_WORLD("", ""), PULL_HEAD IMAGE(GIVEN, ""), "copy-image", "ec2:CopyImage", 1},
    {LADDER_WORLD("", ""), PULL_HEAD IMAGE(LAUNCH_ONLY, HERE), "launch-image", "ec2:CreateImage", 1},
    {LADDER_WORLD("", ""), PULL_HEAD IMAGE(LAUNCH_ONLY, ""), "launch-image", "ec2:CopyImage", 1},
    {LADDER_WORLD("", ""), MANIFEST_HEAD IMAGE(GIVEN, ", trusted_owners: ['333333333333']"), "copy-image", "ec2:CopyImage", 1},
};

static void assert_route(struct rig *r, const char *route, const char *when) {
  struct af_copy_row *list;
  size_t n = rig_copies(r, &list);
  for (size_t i = 0; i < n; i++)
    if (!list[i].route || strcmp(list[i].route, route) != 0) fail_msg("%s: went %s, not %s", when, list[i].route ? list[i].route : "nowhere", route);
  rig_copies_free(list, n);
}

static void arrived(struct rig *r, const struct trip *t, const char *when) {
  assert_all(r, AF_COPY_DONE, when);
  assert_clean(r, when);
  assert_route(r, t->route, when);
  assert_int_equal(live_images(r), 1);
}

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

/* AF_STRIDE=1 takes every call; the default, each tenth, beginning elsewhere in each trip. */
static uint64_t stride(void) {
  const char *text = getenv("AF_STRIDE");
  uint64_t n = text ? strtoull(text, NULL, 10) : 10;
  return n ? n : 1;
}

static void dies_everywhere(enum rig_death death) {
  for (size_t i = 0; i < COUNT(trips); i++) {
    bool died = true;
    for (uint64_t k = 1 + i % stride(); died && k < 1000; k += stride()) {
      struct rig *r = new_rig(trips[i].world, 1000 + k);
      struct af_error err;
      char when[96];
      snprintf(when, sizeof(when), "trip %zu, death %s call %u", i, death == RIG_DIES_BEFORE ? "before" : "after", (unsigned)k);
      rig_arm(r, death, k);
      int rc = rig_run(r, trips[i].manifest, &err);
      died = rig_died(r);
      rig_arm(r, RIG_LIVES, 0);
      rig_advance(r, 500);
      if (died) rc = rig_resume(r, &err);
      if (rc) fail_msg("%s: %s", when, err.message);
      arrived(r, &trips[i], when);
      rig_free(r);
    }
  }
}
TEST(death_before_calls_all_along_each_route_loses_and_duplicates_nothing) {
  dies_everywhere(RIG_DIES_BEFORE);
}
TEST(death_after_calls_all_along_each_route_loses_and_duplicates_nothing) {
  dies_everywhere(RIG_DIES_AFTER);
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
      cmocka_unit_test(death_before_calls_all_along_each_route_loses_and_duplicates_nothing),
      cmocka_unit_test(death_after_calls_all_along_each_route_loses_and_duplicates_nothing),
      cmocka_unit_test(each_fault_of_the_calls_of_a_launch_is_got_over),
      cmocka_unit_test(an_ami_that_must_be_subscribed_to_waits_for_a_person_and_goes_on_when_that_is_done),
      cmocka_unit_test(a_region_without_capacity_blocks_the_copy_after_every_place_was_tried),
      cmocka_unit_test(a_bridge_without_a_key_is_refused_with_the_way_to_mend_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
