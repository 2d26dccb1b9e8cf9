/* Scenes that no seed draws: a person who mends, retries or cancels in the running process, answers that take minutes, faults that meet in
 * an unlucky order. */
#include "tests/simulation/scenes.h"

/* --- worlds and manifests --- */

#define TARGET_ALIAS "keys: [{id: " TARGET_KEY_ID ", alias: alias/amis}]\n"
#define TARGET_KEY_ID "00000000-0000-4000-8000-000000000012"
#define DISABLED_KEY "keys: [{id: " TARGET_KEY_ID ", alias: alias/amis, state: Disabled}]\n"
/* EBS may not use it; its policy may be mended. */
#define DEAF_KEY                                                                                                             \
  "keys: [{id: " TARGET_KEY_ID ", alias: alias/amis, policy: [{Effect: Allow, Action: ['kms:DescribeKey', 'kms:PutKeyPolicy']," \
  " Resource: '*', Principal: {AWS: 'arn:aws:iam::222222222222:root'}}]}]\n"
#define OPEN_POLICY                                                                                                    \
  "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"kms:*\", \"Resource\": \"*\"," \
  " \"Principal\": {\"AWS\": \"arn:aws:iam::222222222222:root\"}}]}"
#define PLAIN_UNDER_KEY "- {source: {image: ami-0a000000000000000}, target: {kms_key: alias/amis}}\n"
#define SEALED_BY_COPY_IMAGE "- {source: {image: ami-0b000000000000000}, route: copy-image, target: {kms_key: alias/amis}}\n"

/* AWS makes things at once and may not show them for a while. */
static char *quick_world(void) {
  char *world = world_with("read_lag: [0, 8]", "read_lag: [0, 18]");
  world = changed(world, "image_registration: [2, 10], copy_start: [0, 3]", "image_registration: [0, 1], copy_start: [0, 0]");
  return changed(world, "copy_min: 5, copy_mib_per_s: 200", "copy_min: 0, copy_mib_per_s: 1000000");
}

/* So many copies of an AMI with two snapshots, of which AWS copies 20 at a time. */
static void crowd(char out[4096], int copies) {
  size_t n = (size_t)snprintf(out, 4096, "%s", MANIFEST_HEAD);
  for (int i = 0; i < copies; i++)
    n += (size_t)snprintf(out + n, 4096 - n, "- {source: {image: ami-0b000000000000000}, name: name-%02d, target: {kms_key: alias/amis}}\n", i);
  assert_true(n < 4096);
}

/* --- when a person comes --- */

static bool is_reading(const struct rig *r, const struct af_engine *e) {
  const struct af_live_copy *c = e->copies[0];
  return c->row.state == AF_COPY_INSPECTING && c->inspect_busy && rig_now(r) > c->inspect_since_ms + 1000;
}

/* What amiferry itself never calls. */
static const struct af_shape text = {.type = AF_T_STRING};
static const struct af_member key_members[] = {{"KeyId", "KeyId", &text, true, AF_IN_BODY},
                                               {"PolicyName", "PolicyName", &text, false, AF_IN_BODY},
                                               {"Policy", "Policy", &text, false, AF_IN_BODY},
                                               {NULL, NULL, NULL, false, AF_IN_BODY}};
static const struct af_shape key_in = {.type = AF_T_STRUCT, .members = key_members};
static const struct af_member no_members[] = {{NULL, NULL, NULL, false, AF_IN_BODY}};
static const struct af_shape nothing = {.type = AF_T_STRUCT, .members = no_members};

static void calls_kms(struct rig *r, struct af_engine *e, const char *action, const char *label, const char *target, json_t *input) {
  static struct af_op op; /* the client looks at it until it is answered */
  op = (struct af_op){.service = "kms", .action = action, .label = label, .version = "2014-11-01", .target = target,
                      .protocol = AF_PROTOCOL_JSON, .input = &key_in, .output = &nothing, .repeatable = true};
  sends(r, e, &op, e->copies[0]->target, e->copies[0]->spec.target.region, input);
}
static void enables_the_key(struct rig *r, struct af_engine *e) {
  calls_kms(r, e, "EnableKey", "kms:EnableKey", "TrentService.EnableKey", json_pack("{s:s}", "KeyId", TARGET_KEY_ID));
}
static void opens_the_key(struct rig *r, struct af_engine *e) {
  calls_kms(r, e, "PutKeyPolicy", "kms:PutKeyPolicy", "TrentService.PutKeyPolicy",
            json_pack("{s:s, s:s, s:s}", "KeyId", TARGET_KEY_ID, "PolicyName", "default", "Policy", OPEN_POLICY));
}
static void allows_everything(struct rig *r, struct af_engine *e) {
  set_faults(r, "[]");
}
/* --- a person mends and retries --- */

static void retries(const char *key, const char *manifest, struct person *p) {
  char *world = world_with(TARGET_ALIAS, key);
  struct rig *r = new_rig(world, 1);
  set_faults(r, "[" SLOW_HERE(HOUR) "]");
  p->comes = is_blocked;
  p->asks = af_engine_retry;
  run_attended(r, manifest, p);
  assert_true(p->asked);
  assert_all(r, AF_COPY_DONE, "in the same process");
  assert_clean(r, "in the same process");
  rig_free(r);
  free(world);
}
TEST(a_retry_sees_what_a_person_has_mended) {
  retries(DISABLED_KEY, MANIFEST_HEAD SEALED PLAIN_HERE, &(struct person){.mends = enables_the_key, .after_ms = 120000});
}
TEST(an_image_that_failed_under_its_key_is_made_anew_once_the_key_is_mended) {
  retries(DEAF_KEY, MANIFEST_HEAD PLAIN_UNDER_KEY PLAIN_HERE, &(struct person){.mends = opens_the_key, .after_ms = 300000});
}
TEST(an_encrypted_image_that_failed_under_its_key_is_made_anew_once_the_key_is_mended) {
  retries(DEAF_KEY, MANIFEST_HEAD SEALED_BY_COPY_IMAGE PLAIN_HERE, &(struct person){.mends = opens_the_key, .after_ms = 300000});
}

/* AWS takes a while to know of it: longer than eight tries. */
TEST(a_key_that_was_mended_a_second_ago_is_waited_for) {
  retries(DEAF_KEY, MANIFEST_HEAD SEALED PLAIN_HERE, &(struct person){.mends = opens_the_key, .after_ms = 1000});
}

TEST(a_key_that_nobody_mended_blocks_the_copy_again) {
  char *world = world_with(TARGET_ALIAS, DEAF_KEY);
  struct rig *r = new_rig(world, 1);
  struct af_error err;
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN_UNDER_KEY, &err), &err);
  assert_all(r, AF_COPY_BLOCKED, "at first");
  rig_advance(r, 600000);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_BLOCKED, "after the resume");
  rig_free(r);
  free(world);
}

/* For longer than the half an hour that sharing may take. */
TEST(the_time_that_a_copy_was_blocked_is_no_work) {
  const char *manifest = MANIFEST_HEAD "- {source: {image: ami-0a000000000000000}, launch_permissions: {accounts: ['333333333333']}}\n" PLAIN_HERE;
  struct person p = {.comes = is_blocked, .after_ms = 3700000, .asks = af_engine_retry};
  struct rig *r = new_rig(WORLD, 1);
  set_faults(r, "[" SLOW_HERE(HOUR) ", " SLOW_HERE(HOUR) ", " FORBID("ModifyImageAttribute", TARGET NTH("1")) "]");
  run_attended(r, manifest, &p);
  assert_true(p.asked);
  assert_all(r, AF_COPY_DONE, "after the retry");
  rig_free(r);
}

/* --- a person cancels --- */

TEST(a_cancelled_adoption_leaves_the_images_protection_alone) {
  const char *manifest = MANIFEST_HEAD "- {source: {image: ami-0a000000000000000}, deregistration_protection: enabled}\n";
  struct person p = {.comes = works, .asks = af_engine_cancel};
  struct rig *r = new_rig(WORLD, 1);
  struct af_error err;
  assert_ok(rig_run(r, manifest, &err), &err);
  assert_all(r, AF_COPY_DONE, "after the first run");
  rig_advance(r, 3600000);
  run_attended(r, manifest, &p);
  assert_int_equal(last_state(r), AF_COPY_CANCELLED);
  assert_int_equal(rig_carried_out(r, "ec2:CopyImage"), 1);
  assert_int_equal(rig_carried_out(r, "ec2:DisableImageDeregistrationProtection"), 0);
  rig_free(r);
}

TEST(who_sets_the_clock_back_after_a_death_waits_no_longer_for_that) {
  bool died = true;
  for (uint64_t k = 1; died; k++) {
    struct rig *r = new_rig(WORLD, 1);
    struct person p = {.comes = is_polling_the_image, .asks = af_engine_cancel};
    struct af_error err;
    rig_set_clock(r, 5 * 3600000);
    rig_attend(r, attends, &p);
    rig_arm(r, RIG_DIES_AFTER, k);
    (void)rig_run(r, MANIFEST_HEAD PLAIN, &err);
    died = rig_died(r);
    rig_arm(r, RIG_LIVES, 0);
    rig_set_clock(r, 0);
    int64_t begun = rig_now(r);
    if (died && p.asked) assert_ok(rig_resume(r, &err), &err);
    if (rig_now(r) > begun + 3600000) fail_msg("call %d: it took %lld s", (int)k, (long long)(rig_now(r) - begun) / 1000);
    if (p.asked) assert_int_equal(last_state(r), AF_COPY_CANCELLED);
    rig_free(r);
  }
}

/* What the first lets in is nobody's but its own until it has ended: the second looks at the AMI after that. */
TEST(a_copy_that_is_cancelled_on_its_blocked_way_back_remembers_why_it_failed) {
  struct person p = {.comes = is_blocked, .mends = allows_everything, .asks = af_engine_cancel};
  struct rig *r = new_rig(WORLD, 21);
  set_faults(r, "[" FORBID("ModifySnapshotAttribute", AFTER("2")) ", " FAILS("CopyImage", "", "400", "InvalidParameterValue") "]");
  run_attended(r, MANIFEST_HEAD PLAIN, &p);
  assert_true(p.asked);
  assert_all(r, AF_COPY_FAILED, "after the cancel");
  assert_reason(r, "InvalidParameterValue");
  assert_clean(r, "after the cancel");
  rig_free(r);
}

/* The wish comes while the refusal is on its way. */
static void cancels(const char *faults, struct person *p) {
  struct rig *r = new_rig(WORLD, 1);
  set_faults(r, faults);
  p->asks = af_engine_cancel;
  run_attended(r, MANIFEST_HEAD PLAIN, p);
  assert_true(p->asked);
  assert_all(r, AF_COPY_CANCELLED, "after the cancel");
  assert_clean(r, "after the cancel");
  rig_free(r);
}
TEST(a_cancelled_inspection_is_not_blocked_by_a_refused_read) {
  cancels("[" SLOW("DescribeImages", NTH("1"), "5000") ", " FORBID("DescribeImages", NTH("1")) "]", &(struct person){.comes = is_reading});
}
TEST(a_cancelled_copy_is_not_blocked_by_a_refused_poll) {
  cancels("[" SLOW("DescribeImages", TARGET AFTER("1"), "5000") ", " FORBID("DescribeImages", TARGET NTH("2")) "]",
          &(struct person){.comes = is_polling_the_image});
}

/* --- slots --- */

/* A snapshot takes 26 hours of the 50 that it may take; those that come last wait as long for their turn. */
TEST(the_time_that_a_copy_waited_for_a_slot_is_no_work) {
  char *world = world_with("copy_min: 5, copy_mib_per_s: 200", "copy_min: 93600, copy_mib_per_s: 2000"), manifest[4096];
  struct rig *r = new_rig(world, 1);
  struct af_error err;
  crowd(manifest, 11);
  assert_ok(rig_run(r, manifest, &err), &err);
  assert_all(r, AF_COPY_DONE, "after two rounds");
  rig_free(r);
  free(world);
}

/* The polls of those that hold the slots are refused. */
TEST(blocked_copies_hold_no_slots) {
  char manifest[4096];
  struct rig *r = new_rig(WORLD, 1);
  struct af_error err;
  crowd(manifest, 21);
  set_faults(r, "[" FORBID("DescribeSnapshots", TARGET TIMES("4")) "]");
  assert_ok(rig_run(r, manifest, &err), &err);
  set_faults(r, "[]");
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "after the resume");
  assert_clean(r, "after the resume");
  rig_free(r);
}

/* More than AWS answers at once: they are asked for at its pace, and nothing is throttled. */
TEST(many_AMIs_are_inspected_at_the_pace_that_AWS_allows) {
  enum { MANY = 200 };
  struct af_buf images, manifest;
  af_buf_init(&images, 1 << 16);
  af_buf_init(&manifest, 1 << 16);
  af_buf_puts(&images, "      images:\n");
  af_buf_puts(&manifest, MANIFEST_HEAD);
  for (int i = 0; i < MANY; i++) {
    af_buf_printf(&images, "      - {id: ami-0f%015d, name: many-%d, mappings: [{device: /dev/xvda, snapshot: snap-0a000000000000001}]}\n", i, i);
    af_buf_printf(&manifest, "- {source: {image: ami-0f%015d}}\n", i);
  }
  char *world = rig_world(WORLD, "      images:\n", af_buf_cstr(&images));
  struct rig *r = new_rig(world, 1);
  struct af_error err;
  assert_ok(rig_run(r, af_buf_cstr(&manifest), &err), &err);
  assert_all(r, AF_COPY_DONE, "all of them");
  assert_clean(r, "all of them");
  assert_int_equal(live_images(r), MANY);
  rig_free(r);
  free(world);
  af_buf_done(&images);
  af_buf_done(&manifest);
}

/* --- what AWS says only for a moment --- */

TEST(one_resume_is_enough_after_a_death_on_the_way_to_blocked) {
  bool died = true;
  for (uint64_t k = 1; died && k < 60; k++) {
    struct rig *r = new_rig(WORLD, 100 + k);
    struct af_error err;
    set_faults(r, "[" FORBID("CopyImage", "") "]");
    rig_arm(r, RIG_DIES_AFTER, k);
    (void)rig_run(r, MANIFEST_HEAD PLAIN, &err);
    died = rig_died(r);
    rig_arm(r, RIG_LIVES, 0);
    set_faults(r, "[]");
    rig_advance(r, 600000);
    assert_ok(rig_resume(r, &err), &err);
    assert_all(r, AF_COPY_DONE, "after one resume");
    rig_free(r);
  }
  assert_false(died);
}

TEST(a_name_that_nobody_holds_is_not_taken) {
  struct rig *r = new_rig(WORLD, 1);
  struct af_error err;
  set_faults(r, "[" FAILS("RegisterImage", NTH("1"), "400", "InvalidAMIName.Duplicate") "]");
  assert_ok(rig_run(r, MANIFEST_HEAD SEALED, &err), &err);
  assert_all(r, AF_COPY_DONE, "after the second try");
  rig_free(r);
}

/* The copy took minutes before it failed: patience with the deletion begins with the deletion. */
TEST(a_snapshot_that_is_in_use_for_a_moment_blocks_nothing) {
  char *world = changed(world_with("key_check: [2, 6]", "key_check: [200, 210]"), TARGET_ALIAS, DEAF_KEY);
  struct rig *r = new_rig(world, 1);
  struct af_error err;
  set_faults(r, "[" FAILS("DeleteSnapshot", NTH("1"), "400", "InvalidSnapshot.InUse") "]");
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN_UNDER_KEY, &err), &err);
  assert_reason(r, "KeyNotAccessible");
  assert_clean(r, "without the key");
  rig_free(r);
  free(world);
}

/* --- a process that was away for days --- */

static void is_away(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  if (is_polling_the_image(r, e)) rig_interrupt(r);
}
TEST(a_copy_whose_deprecation_came_while_nobody_looked_after_it_arrives) {
  const char *manifest = MANIFEST_HEAD "- {source: {image: ami-0a000000000000000}, deprecation: 1d, launch_permissions: {accounts: ['333333333333']}}\n";
  struct rig *r = new_rig(WORLD, 1);
  struct af_error err;
  rig_attend(r, is_away, NULL);
  assert_int_equal(rig_run(r, manifest, &err), -AF_ECANCELED);
  rig_attend(r, NULL, NULL);
  rig_advance(r, INT64_C(3) * 24 * 3600000);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "after three days");
  assert_int_equal(rig_carried_out(r, "ec2:EnableImageDeprecation"), 0);
  assert_int_equal(rig_carried_out(r, "ec2:CopyImage"), 1);
  rig_free(r);
}

/* --- slow answers --- */

/* The read takes longer than a copy puts up with an AWS that can't be reached. */
TEST(waiting_for_a_read_that_another_copy_shares_is_no_asking_in_vain) {
  struct rig *r = new_rig(WORLD, 1);
  struct af_error err;
  set_faults(r, "[" SLOW("GetCallerIdentity", NTH("1"), "400000") ", " FAILS("GetCallerIdentity", TIMES("2"), "500", "InternalError") "]");
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN SEALED, &err), &err);
  assert_all(r, AF_COPY_DONE, "after the third answer");
  rig_free(r);
}

/* Runs one manifest after the other, in the quick world; one seed in fifteen draws a lag that is long enough to deceive the second. */
static void makes_one_image(const char *first, void (*between)(struct rig *r), const char *second) {
  char *world = quick_world();
  for (uint64_t seed = 1; seed <= 30; seed++) {
    struct rig *r = new_rig(world, seed);
    struct af_error err;
    assert_ok(rig_run(r, first, &err), &err);
    assert_all(r, AF_COPY_DONE, "after the first run");
    if (between) between(r);
    assert_ok(rig_run(r, second, &err), &err);
    if (last_state(r) != AF_COPY_DONE || live_images(r) != 1)
      fail_msg("seed %d: it is %s, and %zu images are there", (int)seed, af_copy_state_name(last_state(r)), live_images(r));
    rig_free(r);
  }
  free(world);
}

/* What is there under the name is read 40 s before the answer comes. */
static void answers_late(struct rig *r) {
  set_faults(r, "[" SLOW("DescribeImages", TARGET NTH("1"), "40000") "]");
}
TEST(an_old_answer_is_no_witness_of_what_was_made) {
  makes_one_image(MANIFEST_HEAD SEALED, answers_late, MANIFEST_HEAD SEALED);
}

static void sets_the_clock_forward(struct rig *r) {
  rig_set_clock(r, 300000);
}
TEST(a_clock_that_is_set_forward_makes_nothing_old) {
  makes_one_image(MANIFEST_HEAD SEALED, sets_the_clock_forward, MANIFEST_HEAD SEALED);
}

#define SEALED_BY_NAME "- {source: {image: ami-0b000000000000000}, name: sealed, target: {kms_key: alias/amis}}\n"
TEST(what_was_made_a_moment_ago_is_known_in_other_words) {
  makes_one_image(MANIFEST_HEAD SEALED, NULL, MANIFEST_HEAD SEALED_BY_NAME);
}

static void undoes_it(struct rig *r) {
  struct af_copy_row *list;
  struct af_error err;
  size_t n = rig_copies(r, &list);
  assert_ok(rig_undo(r, list[0].id, &err), &err);
  rig_copies_free(list, n);
}
TEST(what_was_undone_a_moment_ago_is_known_in_other_words) {
  makes_one_image(MANIFEST_HEAD SEALED, undoes_it, MANIFEST_HEAD SEALED_BY_NAME);
}

#define PLAIN_BY_NAME "- {source: {image: ami-0a000000000000000}, name: plain}\n"
/* The answer that nobody has the name comes when the other copy has made the image, and has ended. */
TEST(an_old_answer_is_no_witness_of_what_another_copy_of_the_run_made) {
  struct rig *r = new_rig(WORLD, 1);
  struct af_error err;
  set_faults(r, "[" SLOW("DescribeImages", TARGET NTH("1"), "400000") "]");
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN PLAIN_BY_NAME, &err), &err);
  assert_all(r, AF_COPY_DONE, "both");
  assert_int_equal(live_images(r), 1);
  assert_clean(r, "both");
  rig_free(r);
}

/* --- clocks that are set between two lives --- */

TEST(access_that_was_closed_a_moment_ago_is_not_taken_for_anothers_when_the_clock_is_set_forward) {
  char *world = quick_world();
  for (uint64_t seed = 1; seed <= 10; seed++) {
    struct rig *r = new_rig(world, seed);
    struct af_error err;
    assert_ok(rig_run(r, MANIFEST_HEAD SEALED, &err), &err);
    sets_the_clock_forward(r);
    assert_ok(rig_run(r, MANIFEST_HEAD SEALED_HERE, &err), &err);
    assert_all(r, AF_COPY_DONE, "in the second Region");
    assert_clean(r, "in the second Region");
    rig_free(r);
  }
  free(world);
}

/* AWS refuses to open it for a while: it is looked for anew, and AWS's lag shows what the first copy had opened. */
TEST(access_that_was_closed_a_moment_ago_is_not_taken_for_anothers_when_AWS_refuses_to_open_it) {
  char *world = quick_world();
  for (uint64_t seed = 1; seed <= 10; seed++) {
    struct rig *r = new_rig(world, seed);
    struct af_error err;
    assert_ok(rig_run(r, MANIFEST_HEAD SEALED, &err), &err);
    set_faults(r, "[{\"kind\": \"throttle\", \"action\": \"ModifySnapshotAttribute\", \"times\": 3}]");
    assert_ok(rig_run(r, MANIFEST_HEAD SEALED_HERE, &err), &err);
    assert_all(r, AF_COPY_DONE, "in the second Region");
    assert_clean(r, "in the second Region");
    rig_free(r);
  }
  free(world);
}

TEST(access_that_was_closed_by_a_clock_ahead_is_not_waited_for) {
  struct rig *r = new_rig(WORLD, 1);
  struct af_error err;
  rig_set_clock(r, 5 * 3600000);
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN, &err), &err);
  rig_set_clock(r, 0);
  int64_t begun = rig_now(r);
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN_HERE, &err), &err);
  assert_all(r, AF_COPY_DONE, "in the second Region");
  assert_true(rig_now(r) < begun + 3600000);
  rig_free(r);
}

/* --- one copy in two wordings --- */

#define IN_OTHER_WORDS                                                                                                          \
  "version: 1\ncopies:\n- {source: {profile: from, region: us-east-1, image: ami-0a000000000000000}, target: {account: \"222222222222\", " \
  "profile: to, region: eu-west-1}}\n"

/* Dies where call says how far the first is; the second is told of it, and goes on when that is finished. */
static void asked_in_two_wordings(enum rig_death death, uint64_t call) {
  struct rig *r = new_rig(WORLD, 1);
  struct af_copy_row *list;
  struct af_error err;
  rig_arm(r, death, call);
  rig_run(r, MANIFEST_HEAD PLAIN, &err);
  assert_true(rig_died(r));
  rig_arm(r, RIG_LIVES, 0);
  rig_advance(r, 60000);
  assert_ok(rig_run(r, IN_OTHER_WORDS, &err), &err);
  size_t n = rig_copies(r, &list);
  assert_int_equal(list[n - 1].state, AF_COPY_BLOCKED);
  assert_int_equal(af_error_from_json(list[n - 1].error, &err), 0);
  assert_string_equal(err.code, "CopyUnderWay");
  assert_contains(err.hint, list[0].batch_id);
  rig_copies_free(list, n);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "resumed");
  assert_int_equal(rig_carried_out(r, "ec2:CopyImage"), 1);
  assert_int_equal(live_images(r), 1);
  assert_clean(r, "resumed");
  rig_free(r);
}

TEST(a_copy_that_another_run_left_unfinished_is_known_in_other_words) {
  asked_in_two_wordings(RIG_DIES_BEFORE, 18);
}
TEST(what_an_unfinished_copy_is_making_is_not_taken_over) {
  asked_in_two_wordings(RIG_DIES_AFTER, 24);
}

TEST(two_copies_of_a_manifest_that_come_to_the_same_name_make_one_image) {
  struct rig *r = new_rig(WORLD, 1);
  struct af_error err;
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN PLAIN_BY_NAME, &err), &err);
  assert_all(r, AF_COPY_DONE, "both");
  assert_int_equal(rig_carried_out(r, "ec2:CopyImage"), 1);
  assert_int_equal(live_images(r), 1);
  assert_clean(r, "both");
  rig_free(r);
}

/* Of two owners, to one account, with a number behind the name of whoever comes second. */
#define SEALED_OF_THIRD                                                                                                           \
  THIRD "    us-east-1:\n      keys: [{id: 00000000-0000-4000-8000-000000000014, alias: alias/amis}]\n"                           \
  "      snapshots: [{id: snap-0f000000000000001, size: 8, encrypted: true, kms_key: alias/amis}]\n"                              \
  "      images: [{id: ami-0f000000000000000, name: sealed, mappings: [{device: /dev/xvda, snapshot: snap-0f000000000000001}]}]\n"
TEST(two_images_of_one_name_get_a_number) {
  struct rig *r = new_rig(WORLD SEALED_OF_THIRD, 1);
  struct af_error err;
  rig_setenv(r, "AWS_CONFIG_FILE", rig_file(r, "third-config", THIRD_CONFIG));
  assert_ok(rig_run(r, MANIFEST_HEAD "- {source: {image: ami-0b000000000000000}, on_existing: suffix, target: {kms_key: alias/amis}}\n"
                    "- {source: {profile: on, image: ami-0f000000000000000}, on_existing: suffix, target: {kms_key: alias/amis}}\n", &err), &err);
  assert_all(r, AF_COPY_DONE, "both");
  assert_int_equal(live_images(r), 2);
  rig_free(r);
}

/* AWS's reads are as late as the window allows: the first one's name isn't shown everywhere when the second looks for it. */
#define SEALED_OF_FIRST "- {source: {image: ami-0b000000000000000}, on_existing: suffix, target: {kms_key: alias/amis}}\n"
#define SEALED_TOO "- {source: {profile: on, image: ami-0f000000000000000}, on_existing: suffix, target: {kms_key: alias/amis}}\n"
static void get_a_number(const char *first, const char *second, uint64_t seed) {
  char *late = rig_world(WORLD SEALED_OF_THIRD, "read_lag: [0, 8]", "read_lag: [0, 18]"), when[64];
  char *world = changed(late, "image_registration: [2, 10]", "image_registration: [0, 1]");
  struct rig *r = new_rig(world, seed);
  struct af_error err;
  rig_setenv(r, "AWS_CONFIG_FILE", rig_file(r, "third-config", THIRD_CONFIG));
  assert_ok(rig_run(r, first, &err), &err);
  if (second) assert_ok(rig_run(r, second, &err), &err);
  snprintf(when, sizeof(when), "%s, seed %d", second ? "one after the other" : "beside each other", (int)seed);
  assert_all(r, AF_COPY_DONE, when);
  assert_int_equal(live_images(r), 2);
  rig_free(r);
  free(world);
}
TEST(two_images_of_one_name_get_a_number_though_AWS_is_late_to_show_the_first) {
  for (uint64_t seed = 1; seed <= 12; seed++) {
    get_a_number(MANIFEST_HEAD SEALED_OF_FIRST, MANIFEST_HEAD SEALED_TOO, seed);
    get_a_number(MANIFEST_HEAD SEALED_OF_FIRST SEALED_TOO, NULL, seed);
  }
}

/* Without a number there is one AMI of a name: who comes second is told so, or leaves it at that, though CopyImage wouldn't refuse it. */
static void come_second(const char *otherwise, size_t ends_done, bool beside, uint64_t seed) {
  char *world = world_with("read_lag: [0, 8]", "read_lag: [0, 18]"), first[512], second[1024], when[64];
  snprintf(first, sizeof(first), MANIFEST_HEAD "- {source: {image: ami-0a000000000000000}, route: copy-image, on_existing: %s}\n", otherwise);
  snprintf(second, sizeof(second),
           "%s- {source: {image: ami-0b000000000000000}, name: plain, route: copy-image, on_existing: %s, target: {kms_key: alias/amis}}\n",
           beside ? first : MANIFEST_HEAD, otherwise);
  struct rig *r = new_rig(world, seed);
  struct af_error err;
  struct af_copy_row *list;
  if (!beside) assert_ok(rig_run(r, first, &err), &err);
  assert_ok(rig_run(r, second, &err), &err);
  snprintf(when, sizeof(when), "%s, %s, seed %d", otherwise, beside ? "beside each other" : "one after the other", (int)seed);
  size_t n = rig_copies(r, &list), done = 0, failed = 0;
  for (size_t i = 0; i < n; i++) {
    done += list[i].state == AF_COPY_DONE;
    failed += list[i].state == AF_COPY_FAILED;
  }
  if (n != 2 || done != ends_done || done + failed != n || live_images(r) != 1)
    fail_msg("%s: %zu copies, %zu done, %zu failed, %zu AMIs", when, n, done, failed, live_images(r));
  rig_copies_free(list, n);
  rig_free(r);
  free(world);
}
TEST(two_images_of_one_name_make_one_image_without_a_number) {
  for (uint64_t seed = 1; seed <= 6; seed++)
    for (int beside = 0; beside <= 1; beside++) {
      come_second("adopt", 1, beside, seed);
      come_second("fail", 1, beside, seed);
      come_second("skip", 2, beside, seed);
    }
}

/* --- what may not be --- */

/* It lost its billing, which was allowed then and isn't now: it is not adopted again and again. */
static void gives_up_watching(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  if (e->copies[0]->row.rung >= 5) rig_interrupt(r);
}
TEST(an_adoption_that_may_not_be_fails) {
  struct rig *r = new_rig(LADDER_WORLD(LOSES_BILLING, ""), 1);
  struct af_error err;
  assert_ok(rig_run(r, MANIFEST_HEAD IMAGE(RHEL, THERE_KEY ", route: reencrypt, allow_differences: [platformDetails, usageOperation]"), &err), &err);
  assert_all(r, AF_COPY_DONE, "at first");
  rig_advance(r, 3600000);
  rig_attend(r, gives_up_watching, NULL);
  assert_ok(rig_run(r, MANIFEST_HEAD IMAGE(RHEL, THERE_KEY), &err), &err);
  rig_attend(r, NULL, NULL);
  assert_int_equal(last_state(r), AF_COPY_FAILED);
  assert_int_equal(live_images(r), 1);
  rig_free(r);
}

#define ONE_DISK "mappings: [{device: /dev/xvda, snapshot: snap-1b000000000000001, volume_type: gp3}]"
#define TWO_DISKS                                                                                                                 \
  "mappings: [{device: /dev/xvda, snapshot: snap-1b000000000000001, volume_type: gp3}, {device: /dev/sdb, snapshot: "              \
  "snap-1b000000000000001, volume_type: gp3}]"
TEST(a_snapshot_in_two_mappings_goes_over_a_bridge) {
  char *world = rig_world(LADDER_WORLD("", ""), ONE_DISK, TWO_DISKS);
  struct rig *r = new_rig(world, 1);
  struct af_error err;
  assert_ok(rig_run(r, MANIFEST_HEAD BRIDGED(DEFAULT_KEY_TPM, THERE_KEY), &err), &err);
  assert_all(r, AF_COPY_DONE, "with both disks");
  assert_clean(r, "with both disks");
  rig_free(r);
  free(world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_retry_sees_what_a_person_has_mended),
      cmocka_unit_test(an_image_that_failed_under_its_key_is_made_anew_once_the_key_is_mended),
      cmocka_unit_test(an_encrypted_image_that_failed_under_its_key_is_made_anew_once_the_key_is_mended),
      cmocka_unit_test(a_key_that_was_mended_a_second_ago_is_waited_for),
      cmocka_unit_test(a_key_that_nobody_mended_blocks_the_copy_again),
      cmocka_unit_test(the_time_that_a_copy_was_blocked_is_no_work),
      cmocka_unit_test(a_cancelled_adoption_leaves_the_images_protection_alone),
      cmocka_unit_test(who_sets_the_clock_back_after_a_death_waits_no_longer_for_that),
      cmocka_unit_test(a_copy_that_is_cancelled_on_its_blocked_way_back_remembers_why_it_failed),
      cmocka_unit_test(a_cancelled_inspection_is_not_blocked_by_a_refused_read),
      cmocka_unit_test(a_cancelled_copy_is_not_blocked_by_a_refused_poll),
      cmocka_unit_test(the_time_that_a_copy_waited_for_a_slot_is_no_work),
      cmocka_unit_test(blocked_copies_hold_no_slots),
      cmocka_unit_test(one_resume_is_enough_after_a_death_on_the_way_to_blocked),
      cmocka_unit_test(a_name_that_nobody_holds_is_not_taken),
      cmocka_unit_test(a_snapshot_that_is_in_use_for_a_moment_blocks_nothing),
      cmocka_unit_test(a_copy_whose_deprecation_came_while_nobody_looked_after_it_arrives),
      cmocka_unit_test(waiting_for_a_read_that_another_copy_shares_is_no_asking_in_vain),
      cmocka_unit_test(an_old_answer_is_no_witness_of_what_was_made),
      cmocka_unit_test(a_clock_that_is_set_forward_makes_nothing_old),
      cmocka_unit_test(what_was_made_a_moment_ago_is_known_in_other_words),
      cmocka_unit_test(what_was_undone_a_moment_ago_is_known_in_other_words),
      cmocka_unit_test(an_old_answer_is_no_witness_of_what_another_copy_of_the_run_made),
      cmocka_unit_test(access_that_was_closed_a_moment_ago_is_not_taken_for_anothers_when_the_clock_is_set_forward),
      cmocka_unit_test(access_that_was_closed_a_moment_ago_is_not_taken_for_anothers_when_AWS_refuses_to_open_it),
      cmocka_unit_test(access_that_was_closed_by_a_clock_ahead_is_not_waited_for),
      cmocka_unit_test(a_copy_that_another_run_left_unfinished_is_known_in_other_words),
      cmocka_unit_test(what_an_unfinished_copy_is_making_is_not_taken_over),
      cmocka_unit_test(two_copies_of_a_manifest_that_come_to_the_same_name_make_one_image),
      cmocka_unit_test(two_images_of_one_name_get_a_number),
      cmocka_unit_test(two_images_of_one_name_get_a_number_though_AWS_is_late_to_show_the_first),
      cmocka_unit_test(two_images_of_one_name_make_one_image_without_a_number),
      cmocka_unit_test(an_adoption_that_may_not_be_fails),
      cmocka_unit_test(a_snapshot_in_two_mappings_goes_over_a_bridge),
      cmocka_unit_test(many_AMIs_are_inspected_at_the_pace_that_AWS_allows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
