/* Whole runs of the engine against cloudsim, on a virtual clock: the routes, their refusals, and death at every call. */
#include "tests/simulation/check.h"

static void runs_to(const char *manifest, enum af_copy_state state, size_t images) {
  struct rig *r = new_rig(WORLD, 1);
  struct af_error err;
  assert_ok(rig_run(r, manifest, &err), &err);
  assert_all(r, state, "after the run");
  assert_clean(r, "after the run");
  assert_int_equal(live_images(r), images);
  rig_free(r);
}

TEST(a_shared_unencrypted_ami_reaches_another_region) {
  runs_to(MANIFEST_HEAD PLAIN, AF_COPY_DONE, 1);
}
TEST(a_shared_unencrypted_ami_reaches_the_same_region) {
  runs_to(MANIFEST_HEAD PLAIN_HERE, AF_COPY_DONE, 1);
}
TEST(a_shared_encrypted_ami_is_reencrypted_into_another_region) {
  runs_to(MANIFEST_HEAD SEALED, AF_COPY_DONE, 1);
}
TEST(a_shared_encrypted_ami_is_reencrypted_in_the_same_region) {
  runs_to(MANIFEST_HEAD SEALED_HERE, AF_COPY_DONE, 1);
}
TEST(a_batch_of_overlapping_copies_shares_what_it_borrows) {
  runs_to(MANIFEST_HEAD PLAIN PLAIN_HERE SEALED SEALED_HERE, AF_COPY_DONE, 4);
}

static void runs_twice(const char *world, uint64_t seed, int64_t between_ms) {
  struct rig *r = new_rig(world, seed);
  struct af_error err;
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN SEALED, &err), &err);
  rig_advance(r, between_ms);
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN SEALED, &err), &err);
  assert_all(r, AF_COPY_DONE, "after the second run");
  assert_int_equal(live_images(r), 2);
  assert_int_equal(rig_carried_out(r, "ec2:CopyImage"), 1);
  assert_int_equal(rig_carried_out(r, "ec2:CopySnapshot"), 2);
  assert_clean(r, "after the second run");
  rig_free(r);
}
TEST(a_manifest_run_again_copies_nothing_again) {
  runs_twice(WORLD, 2, 60000);
}
TEST(a_manifest_run_again_at_once_waits_for_aws_to_show_the_first_run) {
  char *world = world_with("read_lag: [0, 8]", "read_lag: [0, 18]");
  for (uint64_t seed = 3; seed < 23; seed++) runs_twice(world, seed, 0);
  free(world);
}

/* Dies at call k, for every k until there is none left, and is resumed until it ends. */
static void dies_everywhere(const char *manifest, enum rig_death death, size_t images, uint64_t snapshots) {
  char when[96];
  struct af_error err;
  uint64_t k = 0;
  for (bool died = true; died && k < 1000;) {
    struct rig *r = new_rig(WORLD, 100 + ++k);
    snprintf(when, sizeof(when), "death %s call %u", death == RIG_DIES_BEFORE ? "before" : "after", (unsigned)k);
    rig_arm(r, death, k);
    int rc = rig_run(r, manifest, &err);
    died = rig_died(r);
    if (!died) assert_ok(rc, &err);
    rig_arm(r, RIG_LIVES, 0);
    rig_advance(r, 500);
    assert_ok(died ? rig_resume(r, &err) : 0, &err);
    assert_all(r, AF_COPY_DONE, when);
    assert_clean(r, when);
    assert_int_equal(live_images(r), images);
    assert_int_equal(rig_carried_out(r, "ec2:CopySnapshot"), snapshots);
    rig_free(r);
  }
  assert_in_range(k, 20, 999);
}

TEST(death_before_any_call_of_copy_image_loses_and_duplicates_nothing) {
  dies_everywhere(MANIFEST_HEAD PLAIN, RIG_DIES_BEFORE, 1, 0);
}
TEST(death_after_any_call_of_copy_image_loses_and_duplicates_nothing) {
  dies_everywhere(MANIFEST_HEAD PLAIN, RIG_DIES_AFTER, 1, 0);
}
TEST(death_before_any_call_of_reencrypt_loses_and_duplicates_nothing) {
  dies_everywhere(MANIFEST_HEAD SEALED, RIG_DIES_BEFORE, 1, 2);
}
TEST(death_after_any_call_of_reencrypt_loses_and_duplicates_nothing) {
  dies_everywhere(MANIFEST_HEAD SEALED, RIG_DIES_AFTER, 1, 2);
}

/* Dies again and again, at calls drawn by chance, until it gets through. */
TEST(a_process_that_dies_again_and_again_gets_through) {
  struct af_error err;
  for (uint64_t seed = 1; seed <= 30; seed++) {
    struct rig *r = new_rig(WORLD, seed);
    struct af_random_seeded random;
    char when[64];
    int deaths = 0;
    snprintf(when, sizeof(when), "seed %u", (unsigned)seed);
    af_random_seed(&random, seed);
    rig_arm(r, RIG_DIES_AFTER, 1 + af_random_below(&random.random, 25));
    int rc = rig_run(r, MANIFEST_HEAD PLAIN SEALED SEALED_HERE, &err);
    while (rig_died(r) && deaths++ < 60) {
      rig_advance(r, (int64_t)af_random_below(&random.random, 30000));
      rig_arm(r, deaths < 50 ? (af_random_below(&random.random, 2) ? RIG_DIES_AFTER : RIG_DIES_BEFORE) : RIG_LIVES,
              1 + af_random_below(&random.random, 25));
      rc = rig_resume(r, &err);
    }
    assert_ok(rc, &err);
    assert_all(r, AF_COPY_DONE, when);
    assert_clean(r, when);
    assert_int_equal(live_images(r), 3);
    assert_int_equal(rig_carried_out(r, "ec2:CopySnapshot"), 4);
    rig_free(r);
  }
}

/* One batch dies with access half open or half closed, another that needs the same access runs alone, and then the first is resumed. */
TEST(a_batch_gets_on_beside_one_that_died_holding_the_same_access) {
  struct af_error err;
  bool died = true;
  for (uint64_t k = 1; died && k < 200; k++) {
    struct rig *r = new_rig(WORLD, 300 + k);
    char when[96];
    snprintf(when, sizeof(when), "the first died at call %u", (unsigned)k);
    rig_arm(r, k % 2 ? RIG_DIES_AFTER : RIG_DIES_BEFORE, k);
    int rc = rig_run(r, MANIFEST_HEAD PLAIN SEALED, &err);
    died = rig_died(r);
    if (!died) assert_ok(rc, &err);
    rig_arm(r, RIG_LIVES, 0);
    rc = rig_run(r, MANIFEST_HEAD PLAIN_HERE SEALED_HERE, &err);
    if (rc) fail_msg("%s: %s", when, err.message);
    rc = rig_resume(r, &err);
    if (rc) fail_msg("%s: %s", when, err.message);
    assert_all(r, AF_COPY_DONE, when);
    assert_clean(r, when);
    assert_int_equal(live_images(r), 4);
    rig_free(r);
  }
}

/* What can't be done is undone, also when the process dies while it undoes. */
TEST(a_copy_that_fails_is_undone_wherever_it_dies) {
  struct af_error err;
  bool died = true;
  for (uint64_t k = 1; died && k < 200; k++) {
    struct rig *r = new_rig(WORLD, 500 + k);
    char when[96];
    snprintf(when, sizeof(when), "failing, death at call %u", (unsigned)k);
    set_faults(r, "[{\"kind\": \"error\", \"action\": \"RegisterImage\", \"status\": 400, \"code\": \"InvalidParameterValue\","
                  " \"message\": \"this one is not liked\"}]");
    rig_arm(r, k % 2 ? RIG_DIES_AFTER : RIG_DIES_BEFORE, k);
    int rc = rig_run(r, MANIFEST_HEAD SEALED, &err);
    died = rig_died(r);
    rig_arm(r, RIG_LIVES, 0);
    if (died) rc = rig_resume(r, &err);
    if (rc) fail_msg("%s: %s", when, err.message);
    assert_all(r, AF_COPY_FAILED, when);
    assert_clean(r, when);
    rig_advance(r, 3600000);
    assert_int_equal(live_images(r), 0);
    rig_free(r);
  }
}

TEST(a_stop_at_any_turn_is_resumed) {
  struct af_error err;
  for (int turns = 1; turns < 60; turns += 3) {
    struct rig *r = new_rig(WORLD, (uint64_t)turns);
    char when[64];
    snprintf(when, sizeof(when), "stop after turn %d", turns);
    rig_stop_after(r, turns);
    int rc = rig_run(r, MANIFEST_HEAD PLAIN SEALED, &err);
    assert_true(rc == 0 || rc == -AF_ECANCELED);
    rig_stop_after(r, 0);
    assert_ok(rig_resume(r, &err), &err);
    assert_all(r, AF_COPY_DONE, when);
    assert_clean(r, when);
    rig_free(r);
  }
}

/* --- what is set on a finished image, and reads that don't show it yet --- */

#define SET_LATE ", deprecation: 365d, deregistration_protection: enabled}\n"
#define PLAIN_SET_LATE "- {source: {image: ami-0a000000000000000}" SET_LATE
#define SEALED_SET_LATE "- {source: {image: ami-0b000000000000000}, target: {kms_key: alias/amis}" SET_LATE

struct looked { /* what `amiferry verify` says of a copy */
  char copy[64];
  bool live;
  struct af_findings findings;
};

static int look(struct af_engine *e, void *ctx, struct af_error *err) {
  struct looked *l = ctx;
  return af_engine_verify(e, l->copy, &l->findings, &l->live, err);
}

static void assert_verifies(struct rig *r, const char *when) {
  struct af_copy_row *list;
  struct af_error err;
  size_t n = rig_copies(r, &list);
  for (size_t i = 0; i < n; i++) {
    struct looked l = {.live = false};
    AF_COPY(l.copy, af_str(list[i].id));
    if (rig_do(r, look, &l, &err) || af_findings_judge(&l.findings, &err)) fail_msg("%s: copy %zu: %s", when, i, err.message);
    assert_true(l.live);
    af_findings_done(&l.findings);
  }
  rig_copies_free(list, n);
}

/* Protection comes after the copy's own verification, so that nothing has waited for AWS to show it. */
TEST(verifying_right_after_a_run_waits_for_aws_to_show_what_was_set_last) {
  char *world = world_with("read_lag: [0, 8]", "read_lag: [5, 18]");
  for (uint64_t seed = 40; seed < 50; seed++) {
    struct rig *r = new_rig(world, seed);
    struct af_error err;
    char when[64];
    snprintf(when, sizeof(when), "seed %u", (unsigned)seed);
    assert_ok(rig_run(r, MANIFEST_HEAD PLAIN_SET_LATE SEALED_SET_LATE, &err), &err);
    assert_all(r, AF_COPY_DONE, when);
    assert_verifies(r, when);
    rig_free(r);
  }
  free(world);
}

TEST(a_difference_that_stays_is_told_and_waited_for_no_longer_than_aws_may_lag) {
  struct rig *r = new_rig(WORLD, 60);
  struct af_copy_row *list;
  struct af_error err;
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN, &err), &err);
  size_t n = rig_copies(r, &list);
  assert_int_equal(n, 1);
  struct looked l = {.live = false};
  AF_COPY(l.copy, af_str(list[0].id));
  set_faults(r, "[{\"kind\": \"error\", \"action\": \"DescribeImages\", \"status\": 400, \"code\": \"InvalidAMIID.NotFound\","
                " \"message\": \"it does not exist\", \"region\": \"eu-west-1\"}]");
  int64_t began = rig_now(r);
  assert_ok(rig_do(r, look, &l, &err), &err);
  assert_int_not_equal(af_findings_judge(&l.findings, &err), 0);
  assert_in_range(rig_now(r) - began, 15000, 30000);
  af_findings_done(&l.findings);
  began = rig_now(r);
  assert_ok(rig_do(r, look, &l, &err), &err);
  assert_in_range(rig_now(r) - began, 0, 5000); /* by now AWS shows what there is */
  af_findings_done(&l.findings);
  rig_copies_free(list, n);
  rig_free(r);
}

TEST(a_copy_is_undone_while_reads_do_not_show_yet_that_it_is_protected) {
  char *world = world_with("read_lag: [0, 8]", "read_lag: [5, 18]");
  for (uint64_t seed = 70; seed < 75; seed++) {
    struct rig *r = new_rig(world, seed);
    struct af_copy_row *list;
    struct af_error err;
    assert_ok(rig_run(r, MANIFEST_HEAD PLAIN_SET_LATE, &err), &err);
    size_t n = rig_copies(r, &list);
    assert_ok(rig_undo(r, list[0].id, &err), &err);
    rig_copies_free(list, n);
    assert_clean(r, "after the undo");
    assert_int_equal(live_images(r), 0);
    rig_free(r);
  }
  free(world);
}

#define LATENCIES                                                                                                                    \
  "read_lag: [0, 8], grant_propagation: [5, 90], key_check: [2, 6], image_registration: [2, 10], copy_start: [0, 3], copy_min: 5, " \
  "copy_mib_per_s: 200"
#define IN_NO_TIME "read_lag: [0, 19], key_check: 0, image_registration: 0, copy_min: 0.1, copy_mib_per_s: 0"

/* Runs PLAIN with the settings, and at once another manifest whose source is what that made. */
static struct rig *copied_on(const char *world, uint64_t seed, const char *first) {
  struct rig *r = new_rig(world, seed);
  struct af_copy_row *list;
  struct af_error err;
  char manifest[400];
  assert_ok(rig_run(r, first, &err), &err);
  size_t n = rig_copies(r, &list);
  assert_int_equal(n, 1);
  snprintf(manifest, sizeof(manifest), "version: 1\ncopies:\n- {source: {profile: to, region: eu-west-1, image: %s}, target: {profile: to, region: us-east-1}}\n",
           list[0].image_id);
  rig_copies_free(list, n);
  assert_ok(rig_run(r, manifest, &err), &err);
  assert_all(r, AF_COPY_DONE, "after the second run");
  assert_int_equal(live_images(r), 2);
  return r;
}

/* "keep" must not mean what AWS doesn't show yet. */
TEST(a_copy_of_what_was_just_made_waits_for_aws_to_show_all_of_it) {
  char *world = world_with("read_lag: [0, 8]", "read_lag: [5, 18]");
  for (uint64_t seed = 80; seed < 90; seed++) {
    struct rig *r = copied_on(world, seed, MANIFEST_HEAD PLAIN_SET_LATE);
    assert_int_equal(rig_carried_out(r, "ec2:EnableImageDeregistrationProtection"), 2);
    assert_int_equal(rig_carried_out(r, "ec2:EnableImageDeprecation"), 2);
    rig_free(r);
  }
  free(world);
}

TEST(a_copy_of_what_was_just_made_waits_for_aws_to_show_it_at_all) {
  char *world = world_with(LATENCIES, IN_NO_TIME);
  for (uint64_t seed = 200; seed < 240; seed++) rig_free(copied_on(world, seed, MANIFEST_HEAD PLAIN));
  free(world);
}

/* What AWS knew when it was asked counts, not when its answer came. The copies are made in no time, so that the second run falls into the lag. */
TEST(a_manifest_run_again_at_once_is_not_deceived_by_an_answer_that_takes_long) {
  char *world = world_with(LATENCIES, IN_NO_TIME);
  for (uint64_t seed = 90; seed < 130; seed++) {
    struct rig *r = new_rig(world, seed);
    struct af_error err;
    assert_ok(rig_run(r, MANIFEST_HEAD PLAIN, &err), &err);
    set_faults(r, "[{\"kind\": \"slow\", \"action\": \"DescribeImages\", \"region\": \"eu-west-1\", \"nth\": 1, \"delay_ms\": 45000}]");
    assert_ok(rig_run(r, MANIFEST_HEAD PLAIN, &err), &err);
    assert_all(r, AF_COPY_DONE, "after the second run");
    assert_int_equal(live_images(r), 1);
    assert_int_equal(rig_carried_out(r, "ec2:CopyImage"), 1);
    assert_clean(r, "after the second run");
    rig_free(r);
  }
  free(world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_shared_unencrypted_ami_reaches_another_region),
      cmocka_unit_test(a_shared_unencrypted_ami_reaches_the_same_region),
      cmocka_unit_test(a_shared_encrypted_ami_is_reencrypted_into_another_region),
      cmocka_unit_test(a_shared_encrypted_ami_is_reencrypted_in_the_same_region),
      cmocka_unit_test(a_batch_of_overlapping_copies_shares_what_it_borrows),
      cmocka_unit_test(a_manifest_run_again_copies_nothing_again),
      cmocka_unit_test(a_manifest_run_again_at_once_waits_for_aws_to_show_the_first_run),
      cmocka_unit_test(death_before_any_call_of_copy_image_loses_and_duplicates_nothing),
      cmocka_unit_test(death_after_any_call_of_copy_image_loses_and_duplicates_nothing),
      cmocka_unit_test(death_before_any_call_of_reencrypt_loses_and_duplicates_nothing),
      cmocka_unit_test(death_after_any_call_of_reencrypt_loses_and_duplicates_nothing),
      cmocka_unit_test(a_process_that_dies_again_and_again_gets_through),
      cmocka_unit_test(a_batch_gets_on_beside_one_that_died_holding_the_same_access),
      cmocka_unit_test(a_copy_that_fails_is_undone_wherever_it_dies),
      cmocka_unit_test(a_stop_at_any_turn_is_resumed),
      cmocka_unit_test(verifying_right_after_a_run_waits_for_aws_to_show_what_was_set_last),
      cmocka_unit_test(a_difference_that_stays_is_told_and_waited_for_no_longer_than_aws_may_lag),
      cmocka_unit_test(a_copy_is_undone_while_reads_do_not_show_yet_that_it_is_protected),
      cmocka_unit_test(a_copy_of_what_was_just_made_waits_for_aws_to_show_all_of_it),
      cmocka_unit_test(a_copy_of_what_was_just_made_waits_for_aws_to_show_it_at_all),
      cmocka_unit_test(a_manifest_run_again_at_once_is_not_deceived_by_an_answer_that_takes_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
