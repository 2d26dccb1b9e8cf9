/* Each fault of cloudsim against each API of the routes: whatever AWS or the network does to one call, the batch ends done, nothing
 * twice, nothing open. */
#include "tests/simulation/check.h"

static const char *const actions[] = {
    "AssumeRole",
    "GetCallerIdentity",
    "DescribeImages",
    "DescribeImageAttribute",
    "DescribeSnapshots",
    "DescribeKey",
    "GetEbsEncryptionByDefault",
    "DescribeSnapshotAttribute",
    "CreateGrant",
    "GenerateDataKeyWithoutPlaintext",
    "ModifySnapshotAttribute",
    "ModifyImageAttribute",
    "CopyImage",
    "CopySnapshot",
    "RegisterImage",
    "RetireGrant",
};

/* Both routes, with the fault on the first, the second and the third call of each API. */
static void strikes_but(const char *spared, const char *kind, const char *more) {
  char when[128], text[256];
  struct af_error err;
  for (size_t i = 0; i < COUNT(actions); i++)
    for (int nth = 1; nth <= 3; nth++) {
      if (af_streq(actions[i], spared)) continue;
      struct rig *r = new_rig(WORLD, 7 * i + (uint64_t)nth);
      snprintf(when, sizeof(when), "%s on call %d of %s", kind, nth, actions[i]);
      snprintf(text, sizeof(text), "[{\"kind\": \"%s\", \"action\": \"%s\", \"nth\": %d%s}]", kind, actions[i], nth, more);
      set_faults(r, text);
      int rc = rig_run(r, MANIFEST_HEAD PLAIN SEALED, &err);
      if (rc) fail_msg("%s: %s", when, err.message);
      assert_all(r, AF_COPY_DONE, when);
      assert_clean(r, when);
      assert_int_equal(live_images(r), 2);
      assert_in_range(rig_carried_out(r, "ec2:CopySnapshot"), 0, 2);
      assert_in_range(rig_carried_out(r, "ec2:RegisterImage"), 0, 1);
      rig_free(r);
    }
}

static void strikes(const char *kind, const char *more) {
  strikes_but("", kind, more);
}

TEST(a_throttled_call_is_repeated_later) {
  strikes("throttle", "");
}
TEST(a_server_error_before_the_effect_loses_nothing) {
  strikes("error", ", \"status\": 500, \"code\": \"InternalError\"");
}
TEST(a_server_error_after_the_effect_makes_no_second_one) {
  strikes("error-after", ", \"status\": 500, \"code\": \"InternalError\"");
}
TEST(an_unavailable_service_after_the_effect_makes_no_second_one) {
  strikes("error-after", ", \"status\": 503, \"code\": \"Unavailable\"");
}
TEST(a_lost_reply_makes_no_second_one) {
  strikes("lost-reply", "");
}
TEST(a_cut_connection_loses_nothing) {
  strikes("cut", "");
}
TEST(half_a_reply_makes_no_second_one) {
  strikes("half", "");
}
TEST(a_malformed_reply_makes_no_second_one) {
  strikes("malformed", "");
}
TEST(a_token_that_expires_early_is_renewed) {
  strikes_but("AssumeRole", "expired-token", ""); /* the long-lived keys below it have none */
}
TEST(an_empty_page_is_not_taken_for_the_last) {
  strikes("empty-page", "");
}
TEST(a_wrong_clock_is_put_right) {
  const int seconds[] = {1800, -1800, 40000, -40000};
  for (size_t i = 0; i < COUNT(seconds); i++) {
    struct rig *r = new_rig(WORLD, 40 + i);
    struct af_error err;
    char text[80];
    snprintf(text, sizeof(text), "[{\"kind\": \"clock-skew\", \"seconds\": %d}]", seconds[i]);
    set_faults(r, text);
    assert_ok(rig_run(r, MANIFEST_HEAD PLAIN SEALED, &err), &err);
    assert_all(r, AF_COPY_DONE, "with a wrong clock");
    assert_clean(r, "with a wrong clock");
    rig_free(r);
  }
}

/* Patience ends after several tries, however long their answers took. */
TEST(errors_that_were_long_in_coming_are_repeated_all_the_same) {
  struct rig *r = new_rig(WORLD, 44);
  struct af_error err;
  set_faults(r, "[{\"kind\": \"slow\", \"delay_ms\": 400000, \"action\": \"DescribeImages\", \"times\": 2},"
                " {\"kind\": \"error\", \"action\": \"DescribeImages\", \"times\": 3, \"status\": 500, \"code\": \"InternalError\"}]");
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN, &err), &err);
  assert_all(r, AF_COPY_DONE, "after errors that were long in coming");
  assert_clean(r, "after errors that were long in coming");
  rig_free(r);
}

TEST(full_quotas_are_waited_out) {
  struct rig *r = new_rig(WORLD, 3);
  struct af_error err;
  set_faults(r, "[{\"kind\": \"error\", \"action\": \"CopySnapshot\", \"status\": 400, \"code\": \"ResourceLimitExceeded\", \"times\": 4},"
                " {\"kind\": \"error\", \"action\": \"CopyImage\", \"status\": 400, \"code\": \"ResourceLimitExceeded\", \"times\": 4}]");
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN SEALED, &err), &err);
  assert_all(r, AF_COPY_DONE, "after full quotas");
  assert_clean(r, "after full quotas");
  rig_free(r);
}

/* Everything at once, at random, for many seeds; with deaths between. */
TEST(a_storm_of_faults_and_deaths_loses_and_duplicates_nothing) {
  static const char storm[] = "[{\"kind\": \"throttle\", \"probability\": 0.1}, {\"kind\": \"error\", \"status\": 500, \"code\": "
                              "\"InternalError\", \"probability\": 0.05},"
                              " {\"kind\": \"error-after\", \"status\": 500, \"code\": \"InternalError\", \"probability\": 0.05}, "
                              "{\"kind\": \"lost-reply\", \"probability\": 0.05},"
                              " {\"kind\": \"half\", \"probability\": 0.03}, {\"kind\": \"cut\", \"probability\": 0.03}, {\"kind\": "
                              "\"malformed\", \"probability\": 0.03},"
                              " {\"kind\": \"slow\", \"delay_ms\": 8000, \"probability\": 0.05}, {\"kind\": \"expired-token\", "
                              "\"service\": \"ec2\", \"probability\": 0.02}]";
  struct af_error err;
  for (uint64_t seed = 1; seed <= 60; seed++) {
    struct rig *r = new_rig(WORLD, seed);
    struct af_random_seeded random;
    char when[64];
    snprintf(when, sizeof(when), "storm %u", (unsigned)seed);
    af_random_seed(&random, seed * 31);
    set_faults(r, storm);
    rig_arm(r, seed % 2 ? RIG_DIES_AFTER : RIG_LIVES, 1 + af_random_below(&random.random, 60));
    int rc = rig_run(r, MANIFEST_HEAD PLAIN PLAIN_HERE SEALED, &err);
    for (int deaths = 0; rig_died(r) && deaths < 20; deaths++) {
      rig_arm(r, deaths < 8 ? RIG_DIES_BEFORE : RIG_LIVES, 1 + af_random_below(&random.random, 40));
      rc = rig_resume(r, &err);
    }
    if (rc) fail_msg("%s: %s", when, err.message);
    assert_all(r, AF_COPY_DONE, when);
    assert_clean(r, when);
    assert_int_equal(live_images(r), 3);
    rig_free(r);
  }
}

TEST(credentials_that_last_a_minute_are_renewed_without_a_hiccup) {
  struct rig *r = new_rig(WORLD_HEAD "sts: {session_seconds: 60}\n" WORLD_ACCOUNTS, 5);
  struct af_error err;
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN SEALED, &err), &err);
  assert_all(r, AF_COPY_DONE, "with short sessions");
  assert_clean(r, "with short sessions");
  assert_true(rig_carried_out(r, "sts:AssumeRole") > 4);
  json_t *audit = rig_audit(r), *calls = json_object_get(audit, "calls"), *outcomes;
  const char *name;
  json_object_foreach(calls, name, outcomes) {
    assert_null(json_object_get(outcomes, "RequestExpired"));
    assert_null(json_object_get(outcomes, "ExpiredTokenException"));
  }
  json_decref(audit);
  rig_free(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_throttled_call_is_repeated_later),
      cmocka_unit_test(a_server_error_before_the_effect_loses_nothing),
      cmocka_unit_test(a_server_error_after_the_effect_makes_no_second_one),
      cmocka_unit_test(an_unavailable_service_after_the_effect_makes_no_second_one),
      cmocka_unit_test(a_lost_reply_makes_no_second_one),
      cmocka_unit_test(a_cut_connection_loses_nothing),
      cmocka_unit_test(half_a_reply_makes_no_second_one),
      cmocka_unit_test(a_malformed_reply_makes_no_second_one),
      cmocka_unit_test(a_token_that_expires_early_is_renewed),
      cmocka_unit_test(an_empty_page_is_not_taken_for_the_last),
      cmocka_unit_test(a_wrong_clock_is_put_right),
      cmocka_unit_test(errors_that_were_long_in_coming_are_repeated_all_the_same),
      cmocka_unit_test(full_quotas_are_waited_out),
      cmocka_unit_test(a_storm_of_faults_and_deaths_loses_and_duplicates_nothing),
      cmocka_unit_test(credentials_that_last_a_minute_are_renewed_without_a_hiccup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
