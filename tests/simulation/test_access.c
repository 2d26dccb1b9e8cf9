/* Scenes of access: borrowed by several copies, opened by an adoption, given for good, and taken away by hand. */
#include "tests/simulation/scenes.h"

static bool first_is_done_second_works(const struct rig *r, const struct af_engine *e) {
  return is_in(e, 0, AF_COPY_DONE) && is_in(e, 1, AF_COPY_WORKING);
}

static void shares_by_hand(struct rig *r, struct af_engine *e) {
  set_faults(r, "[]"); /* what struck the engine's calls is not to strike this one */
  sends(r, e, &af_ec2_modify_snapshot_attribute, e->copies[0]->source, "us-east-1",
        json_pack("{s:s, s:s, s:{s:[{s:s}]}}", "SnapshotId", "snap-0a000000000000001", "Attribute", "createVolumePermission",
                  "CreateVolumePermission", "Add", "UserId", "222222222222"));
}

static void lets_in_by_hand(struct rig *r, struct af_engine *e) {
  set_faults(r, "[]");
  sends(r, e, &af_ec2_modify_image_attribute, e->copies[0]->target, "eu-west-1",
        json_pack("{s:s, s:s, s:{s:[{s:s}]}}", "ImageId", e->copies[0]->row.image_id, "Attribute", "launchPermission", "LaunchPermission", "Add",
                  "UserId", "444444444444"));
}

/* What went wrong before is over, and a new process has had its time: nothing may be open then. */
static void assert_closed_in_the_end(struct rig *r, int late_s) {
  struct af_error err;
  set_faults(r, "[]");
  rig_advance(r, 600000);
  assert_ok(rig_resume(r, &err), &err);
  if (audit_count(r, "shares_open")) fail_msg("with the second copy %d s late, a share is left open", late_s);
}

/* --- access that two copies use --- */

/* The first copy is refused one Remove, and blocked while the other is still on its way. The second copy opens the same meanwhile. */
static void removes_slowly(int late_s, int slow_s) {
  char faults[1024];
  struct rig *r = new_rig(WORLD, 1);
  struct af_error err;
  snprintf(faults, sizeof(faults),
           "[" SLOW_HERE("%d000") ", " FORBID("ModifySnapshotAttribute", NTH("3")) ", "
           SLOW("ModifySnapshotAttribute", NTH("4"), "%d000") "]", late_s, slow_s);
  set_faults(r, faults);
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN PLAIN_HERE, &err), &err);
  assert_closed_in_the_end(r, late_s);
  assert_all(r, AF_COPY_DONE, "after the resume");
  rig_free(r);
}
TEST(a_removal_in_flight_of_a_blocked_copy_is_waited_for) {
  for (int late_s = 126; late_s <= 156; late_s += 10)
    for (int slow_s = 10; slow_s <= 60; slow_s += 25) removes_slowly(late_s, slow_s);
}

/* The first copy's Remove is cut off, and as nobody knows what became of it, left to the second copy, which needs the access, too. But that
 * one is cancelled before it has opened it. */
static void leaves_a_removal_in_doubt(int late_s) {
  char faults[1024];
  struct rig *r = new_rig(WORLD, 1);
  struct person p = {.comes = first_is_done_second_works, .asks = af_engine_cancel, .copy = 1};
  snprintf(faults, sizeof(faults),
           "[" SLOW_HERE("%d000") ", " FAULT("cut", "ModifySnapshotAttribute", NTH("3")) ", "
           FAULT("throttle", "ModifySnapshotAttribute", AFTER("4") TIMES("4")) "]", late_s);
  set_faults(r, faults);
  run_attended(r, MANIFEST_HEAD PLAIN PLAIN_HERE, &p);
  assert_closed_in_the_end(r, late_s);
  rig_free(r);
}
TEST(a_removal_in_doubt_that_was_left_to_a_cancelled_copy_is_done) {
  for (int late_s = 120; late_s <= 145; late_s++) leaves_a_removal_in_doubt(late_s);
}

/* The first copy looks whether the access is there, and then is told to slow down for longer than a look is good for. */
static bool has_repeated(const struct rig *r, const struct af_engine *e, const char *kind) {
  const struct af_live_copy *c = e->copies[0];
  for (size_t i = 0; i < c->n_steps; i++)
    if (af_streq(c->steps[i].kind, kind) && c->live[i].repeats > 5 && rig_now(r) > c->steps[i].started_ms + 120000) return true;
  return false;
}
static bool was_throttled_for_long(const struct rig *r, const struct af_engine *e) {
  return has_repeated(r, e, "share-snapshot");
}
TEST(who_shared_by_hand_while_the_share_was_throttled_keeps_what_he_did) {
  char *world = world_with("read_lag: [0, 8]", "read_lag: [0, 0]");
  struct rig *r = new_rig(world, 1);
  struct person p = {.comes = was_throttled_for_long, .mends = shares_by_hand, .after_ms = INT64_MAX / 2};
  set_faults(r, "[" FAULT("throttle", "ModifySnapshotAttribute", "") "]");
  run_attended(r, MANIFEST_HEAD PLAIN, &p);
  assert_true(p.came_ms);
  assert_all(r, AF_COPY_DONE, "after the share");
  assert_int_equal(audit_count(r, "shares_open"), 1);
  rig_free(r);
  free(world);
}

/* While AWS is at the first copy, somebody takes the access away that it opened. The second counts on that, is refused, and blocked. */
struct taker {
  bool took;
  struct person retries;
};
static void takes_away(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  struct taker *t = ctx;
  if (!t->took && is_polling_the_image(r, e)) {
    sends(r, e, &af_ec2_modify_snapshot_attribute, e->copies[0]->source, "us-east-1",
          json_pack("{s:s, s:s, s:{s:[{s:s}]}}", "SnapshotId", "snap-0a000000000000001", "Attribute", "createVolumePermission",
                    "CreateVolumePermission", "Remove", "UserId", "222222222222"));
    t->took = true;
  }
  attends(&t->retries, r, e, turn);
}
static bool second_is_blocked(const struct rig *r, const struct af_engine *e) {
  return is_in(e, 1, AF_COPY_BLOCKED) && is_in(e, 0, AF_COPY_WORKING);
}
TEST(access_that_somebody_took_away_is_opened_anew_for_who_retries) {
  char *world = world_with("copy_min: 5, copy_mib_per_s: 200", "copy_min: 7000, copy_mib_per_s: 2000");
  struct taker t = {.retries = {.comes = second_is_blocked, .asks = af_engine_retry, .copy = 1}};
  struct rig *r = new_rig(world, 1);
  struct af_error err;
  set_faults(r, "[" SLOW_HERE("600000") "]");
  rig_attend(r, takes_away, &t);
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN PLAIN_HERE, &err), &err);
  assert_true(t.retries.asked);
  assert_all(r, AF_COPY_DONE, "after the retry");
  assert_int_equal(audit_count(r, "shares_open"), 0);
  rig_free(r);
  free(world);
}

/* --- adoptions --- */

#define LETS_IN(accounts) MANIFEST_HEAD "- {source: {image: ami-0a000000000000000}, launch_permissions: {accounts: [" accounts "], snapshots: true}}\n"
#define ONE "'333333333333'"
#define TWO "'333333333333', '444444444444'"

/* One is let in by the copy that made the image: to launch it, and to read its two snapshots. */
static struct rig *adoptable(void) {
  struct rig *r = new_rig(WORLD, 1);
  struct af_error err;
  assert_ok(rig_run(r, LETS_IN(ONE), &err), &err);
  assert_all(r, AF_COPY_DONE, "after the first run");
  assert_int_equal(audit_count(r, "shares_open"), 3);
  rig_advance(r, 3600000);
  return r;
}
static void assert_who_was_let_in_is_so_still(struct rig *r) {
  json_t *audit = rig_audit(r), *one;
  size_t i;
  assert_int_equal(json_array_size(json_object_get(audit, "shares_open")), 3);
  json_array_foreach(json_object_get(audit, "shares_open"), i, one)
    assert_string_equal(json_string_value(json_object_get(one, "to")), "333333333333");
  json_decref(audit);
}

static bool has_finished_the_image(const struct rig *r, const struct af_engine *e) {
  const struct af_live_copy *c = e->copies[0];
  for (size_t i = 0; i < c->n_steps; i++)
    if (af_streq(c->steps[i].kind, "finish-image") && c->steps[i].state == AF_STEP_DONE) return true;
  return false;
}
TEST(a_cancelled_adoption_takes_back_what_it_opened_and_nothing_else) {
  struct person p = {.comes = has_finished_the_image, .asks = af_engine_cancel};
  struct rig *r = adoptable();
  run_attended(r, LETS_IN(TWO), &p);
  assert_int_equal(last_state(r), AF_COPY_CANCELLED);
  assert_who_was_let_in_is_so_still(r);
  rig_free(r);
}

TEST(an_adoption_that_fails_takes_back_what_it_opened_and_nothing_else) {
  struct rig *r = adoptable();
  struct af_error err;
  set_faults(r, "[" FAILS("ModifySnapshotAttribute", NTH("2"), "400", "InvalidParameterValue") "]");
  assert_ok(rig_run(r, LETS_IN(TWO), &err), &err);
  assert_int_equal(last_state(r), AF_COPY_FAILED);
  assert_who_was_let_in_is_so_still(r);
  rig_free(r);
}

TEST(a_cancelled_adoption_that_let_nobody_in_takes_nothing_back) {
  struct person p = {.comes = has_finished_the_image, .asks = af_engine_cancel};
  struct rig *r = new_rig(WORLD, 1);
  struct af_error err;
  assert_ok(rig_run(r, LETS_IN(ONE), &err), &err);
  rig_advance(r, 3600000);
  run_attended(r, LETS_IN(ONE), &p);
  assert_int_equal(last_state(r), AF_COPY_CANCELLED);
  assert_int_equal(audit_count(r, "shares_open"), 3);
  rig_free(r);
}
static bool was_throttled_over_the_image(const struct rig *r, const struct af_engine *e) {
  return has_repeated(r, e, "finish-image");
}
TEST(who_let_somebody_in_by_hand_while_an_adoption_was_throttled_keeps_what_he_did) {
  struct person p = {.comes = was_throttled_over_the_image, .mends = lets_in_by_hand, .asks = af_engine_cancel};
  struct rig *r = adoptable();
  set_faults(r, "[" FAULT("throttle", "ModifyImageAttribute", "") "]");
  run_attended(r, LETS_IN(TWO), &p);
  assert_int_equal(last_state(r), AF_COPY_CANCELLED);
  assert_int_equal(audit_count(r, "shares_open"), 4);
  rig_free(r);
}

/* Whatever a lost call has done: it dies at each of them, and is cancelled by who takes it up. */
TEST(an_adoption_that_dies_and_is_cancelled_takes_back_what_it_opened_and_nothing_else) {
  bool died = true;
  for (uint64_t k = 1; died && k < 40; k++) {
    struct person p = {.comes = works, .asks = af_engine_cancel};
    struct rig *r = adoptable();
    struct af_error err;
    rig_arm(r, RIG_DIES_AFTER, k);
    (void)rig_run(r, LETS_IN(TWO), &err);
    died = rig_died(r);
    rig_arm(r, RIG_LIVES, 0);
    rig_advance(r, 600000);
    rig_attend(r, attends, &p);
    assert_ok(rig_resume(r, &err), &err);
    if (p.asked) assert_who_was_let_in_is_so_still(r);
    rig_free(r);
  }
  assert_false(died);
}

/* Times that were written down by a clock that ran five hours ahead are not waited for. */
TEST(of_two_adoptions_of_one_image_the_cancelled_one_takes_nothing_from_the_other) {
  static const char both[] = LETS_IN(TWO) "- {source: {image: ami-0a000000000000000}, target: {account: \"222222222222\"},"
                                          " launch_permissions: {accounts: [" TWO "], snapshots: true}}\n";
  struct person p = {.comes = has_finished_the_image, .after_ms = 1500, .asks = af_engine_cancel};
  struct rig *r = adoptable();
  struct af_copy_row *list;
  run_attended(r, both, &p);
  size_t n = rig_copies(r, &list);
  assert_int_equal(list[n - 2].state, AF_COPY_CANCELLED);
  assert_int_equal(list[n - 1].state, AF_COPY_DONE);
  rig_copies_free(list, n);
  assert_int_equal(audit_count(r, "shares_open"), 6);
  rig_free(r);
}

/* --- access for good --- */

#define LETS_THIRD_IN                                                                                                              \
  MANIFEST_HEAD "- {source: {image: ami-0a000000000000000}, deprecation: 30d, launch_permissions: {accounts: ['333333333333'], snapshots: true}}\n"

/* The AMI is there, and who copies it on to the third account. ret: that copy's line in a manifest. */
static struct rig *copied_on(char ret[256]) {
  struct rig *r = new_rig(WORLD THIRD, 1);
  struct af_error err;
  struct af_copy_row *list;
  rig_setenv(r, "AWS_CONFIG_FILE", rig_file(r, "third-config", THIRD_CONFIG));
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN, &err), &err);
  rig_advance(r, 3600000);
  assert_int_equal(rig_copies(r, &list), 1);
  snprintf(ret, 256, "- {source: {profile: to, region: eu-west-1, image: %s}, target: {profile: on, region: eu-west-1}}\n", list[0].image_id);
  rig_copies_free(list, 1);
  return r;
}

static void assert_let_in(struct rig *r, const char *what, int at) {
  assert_all(r, AF_COPY_DONE, what);
  if (audit_count(r, "shares_open") != 3) fail_msg("%s, %d: %zu of 3 are open", what, at, audit_count(r, "shares_open"));
}

/* One copy takes the AMI over and lets the third account in for good, so late; another has borrowed the same access meanwhile. */
static void lets_in_beside(const char *fault, int late_s) {
  char on[256], text_of[1024], faults[256];
  struct rig *r = copied_on(on);
  struct af_error err;
  snprintf(text_of, sizeof(text_of), "%s%s", LETS_THIRD_IN, on);
  snprintf(faults, sizeof(faults), "[" SLOW("DescribeImages", ", \"account\": \"111111111111\"" NTH("1"), "%d000") "%s]", late_s, fault);
  set_faults(r, faults);
  assert_ok(rig_run(r, text_of, &err), &err);
  assert_let_in(r, *fault ? fault : "no fault", late_s);
  rig_free(r);
}
#define TAKEN_BACK_TWICE \
  ", " FAULT("lost-reply", "ModifyImageAttribute", NTH("2")) ", " FAULT("throttle", "ModifyImageAttribute", AFTER("2") TIMES("4"))
TEST(who_is_let_in_for_good_stays_in_when_another_copy_leaves) {
  for (int late_s = 1; late_s <= 160; late_s += 3) {
    lets_in_beside("", late_s);
    lets_in_beside(", " SLOW("EnableImageDeprecation", "", "60000"), late_s); /* it is let in, and its copy has not ended yet */
    lets_in_beside(TAKEN_BACK_TWICE, late_s);
  }
}
/* By another run, while this one was interrupted. */
TEST(who_was_let_in_for_good_meanwhile_stays_in_when_an_interrupted_copy_leaves) {
  for (uint64_t call = 1, died = 1; died; call++) {
    char on[256], manifest[1024];
    struct rig *r = copied_on(on);
    struct af_error err;
    snprintf(manifest, sizeof(manifest), "%s%s", MANIFEST_HEAD, on);
    rig_arm(r, RIG_DIES_AFTER, call);
    (void)rig_run(r, manifest, &err);
    died = rig_died(r);
    rig_arm(r, RIG_LIVES, 0);
    assert_ok(rig_run(r, LETS_THIRD_IN, &err), &err);
    assert_ok(rig_run(r, manifest, &err), &err); /* which knows nothing of the other run's copies */
    assert_let_in(r, "interrupted at call", (int)call);
    rig_free(r);
  }
}

/* Its copy is blocked after it let him in, the other leaves meanwhile, and a person retries. */
static void lets_in_and_is_blocked(const char *fault, const char *more, int late_s) {
  char on[256], manifest[1024], faults[512];
  struct rig *r = copied_on(on);
  struct af_error err;
  snprintf(manifest, sizeof(manifest), MANIFEST_HEAD "- {source: {image: ami-0a000000000000000}, %s, launch_permissions: {accounts: ['333333333333'], snapshots: true}}\n%s", more, on);
  snprintf(faults, sizeof(faults), "[" SLOW("DescribeImages", ", \"account\": \"111111111111\"" NTH("1"), "%d000") ", %s]", late_s, fault);
  set_faults(r, faults);
  assert_ok(rig_run(r, manifest, &err), &err);
  set_faults(r, "[]");
  rig_advance(r, 3600000);
  assert_ok(rig_resume(r, &err), &err);
  assert_let_in(r, fault, late_s);
  rig_free(r);
}
TEST(who_was_let_in_for_good_by_a_copy_that_was_blocked_then_is_let_in_when_it_is_retried) {
  for (int late_s = 1; late_s <= 160; late_s += 9) {
    lets_in_and_is_blocked(FORBID("EnableImageDeregistrationProtection", ""), "deregistration_protection: enabled", late_s);
    lets_in_and_is_blocked(FORBID("EnableImageDeprecation", ""), "deprecation: 30d", late_s);
  }
}

/* Both are interrupted; the other is taken up first, and leaves. */
static void dies_over_the_image(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  if (is_polling_the_image(r, e)) rig_arm(r, RIG_DIES_UNCOMMITTED, 1);
}
TEST(who_was_let_in_for_good_by_a_copy_that_was_interrupted_then_is_let_in_when_it_is_taken_up) {
  for (uint64_t call = 1, died = 1; died; call++) {
    char on[256], manifest[1024];
    struct rig *r = copied_on(on);
    struct af_error err;
    snprintf(manifest, sizeof(manifest), "%s%s", MANIFEST_HEAD, on);
    rig_attend(r, dies_over_the_image, NULL);
    (void)rig_run(r, manifest, &err);
    assert_true(rig_died(r));
    rig_attend(r, NULL, NULL);
    rig_arm(r, RIG_DIES_AFTER, call);
    (void)rig_run(r, LETS_THIRD_IN, &err);
    died = rig_died(r);
    rig_arm(r, RIG_LIVES, 0);
    assert_ok(rig_run(r, manifest, &err), &err);
    assert_ok(rig_resume(r, &err), &err);
    assert_let_in(r, "interrupted at call", (int)call);
    rig_free(r);
  }
}

/* The AMI that a blocked copy has made is shared meanwhile, for another copy that was interrupted over it. */
TEST(what_is_borrowed_of_a_new_image_that_is_not_finished_yet_is_no_difference) {
  char on[256], manifest[1024], *world = changed(strdup(WORLD THIRD), "copy_min: 5,", "copy_min: 600,");
  struct rig *r = new_rig(world, 1);
  struct af_error err;
  struct af_copy_row *list;
  rig_setenv(r, "AWS_CONFIG_FILE", rig_file(r, "third-config", THIRD_CONFIG));
  set_faults(r, "[" FORBID("ModifyImageAttribute", TARGET) "]");
  assert_ok(rig_run(r, LETS_IN("'444444444444'"), &err), &err);
  assert_all(r, AF_COPY_BLOCKED, "not finished");
  set_faults(r, "[]");
  assert_int_equal(rig_copies(r, &list), 1);
  snprintf(on, sizeof(on), "- {source: {profile: to, region: eu-west-1, image: %s}, target: {profile: on, region: eu-west-1}}\n", list[0].image_id);
  rig_copies_free(list, 1);
  snprintf(manifest, sizeof(manifest), "%s%s", MANIFEST_HEAD, on);
  rig_attend(r, dies_over_the_image, NULL);
  (void)rig_run(r, manifest, &err);
  assert_true(rig_died(r));
  rig_attend(r, NULL, NULL);
  rig_arm(r, RIG_LIVES, 0);
  assert_ok(rig_resume(r, &err), &err);
  assert_let_in(r, "resumed", 0);
  rig_free(r);
  free(world);
}

static bool is_let_in(const struct rig *r, const struct af_engine *e) {
  const struct af_live_copy *on = e->n_copies > 1 ? e->copies[1] : NULL;
  return on && on->row.state == AF_COPY_WORKING && on->row.image_id;
}
TEST(an_adoption_that_is_cancelled_shuts_nobody_out_who_copies_on) {
  char on[256], manifest[1024];
  struct rig *r = copied_on(on);
  struct af_copy_row *list;
  struct person p = {.comes = is_let_in, .asks = af_engine_cancel};
  snprintf(manifest, sizeof(manifest), "%s%s", LETS_THIRD_IN, on);
  set_faults(r, "[" SLOW("EnableImageDeprecation", NTH("1"), "60000") "]");
  run_attended(r, manifest, &p);
  assert_int_equal(rig_copies(r, &list), 3);
  assert_int_equal(list[1].state, AF_COPY_CANCELLED);
  assert_int_equal(list[2].state, AF_COPY_DONE);
  rig_copies_free(list, 3);
  assert_clean(r, "after the cancelled adoption");
  rig_free(r);
}

/* --- what is gone, and with it all access --- */

static void deletes_the_source_and_dies(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  const struct af_live_copy *c = e->copies[0];
  const struct af_step_row *s = step_of(c, "share-snapshot");
  if (!s || s->state != AF_STEP_INTENDED || rig_now(r) < s->intent_ms + 5000) return;
  deletes_the_source(r, e);
  rig_arm(r, RIG_DIES_UNCOMMITTED, 1);
}
static void cancels_once(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  struct af_error err;
  size_t n = 0;
  if (!*(bool *)ctx) assert_ok(af_engine_cancel(e, e->copies[0]->row.id, &n, &err), &err);
  *(bool *)ctx = true;
}
TEST(a_share_in_doubt_of_a_snapshot_that_is_gone_can_be_cancelled) {
  struct rig *r = new_rig(WORLD, 1);
  struct af_error err;
  bool cancelled = false;
  set_faults(r, "[" SLOW("ModifySnapshotAttribute", "", "30000") "]");
  dies_and_is_away(r, MANIFEST_HEAD PLAIN, deletes_the_source_and_dies, NULL, INT64_C(2) * 24 * 3600000);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_BLOCKED, "its source is gone");
  rig_attend(r, cancels_once, &cancelled);
  assert_ok(rig_resume(r, &err), &err);
  rig_attend(r, NULL, NULL);
  assert_all(r, AF_COPY_CANCELLED, "its source is gone");
  rig_free(r);
}

/* Two copies close the same at once, one of them since it was retried; a third opens it between their answers. */
struct helper {
  int64_t seen_ms;
  bool asked;
};
static void retries_the_first(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  struct helper *h = ctx;
  const struct af_step_row *s = step_of(e->copies[1], "share-snapshot");
  struct af_error err;
  size_t n = 0;
  if (h->asked || !s || !is_blocked(r, e)) return;
  if (!h->seen_ms && s->face == AF_FACE_UNDO && s->state == AF_STEP_INTENDED) h->seen_ms = rig_now(r);
  if (!h->seen_ms || rig_now(r) < h->seen_ms + 3000) return;
  assert_ok(af_engine_retry(e, e->copies[0]->row.id, &n, &err), &err);
  h->asked = n == 1;
}
static bool three_meet(int late_s) {
  char faults[1024];
  struct rig *r = new_rig(WORLD, 1);
  struct helper h = {0, false};
  struct af_error err;
  snprintf(faults, sizeof(faults),
           "[" SLOW_HERE("200000") ", " SLOW("DescribeImages", TARGET ", \"region\": \"eu-west-1\"" NTH("2"), "%d000") ", "
           FAULT("lost-reply", "ModifySnapshotAttribute", NTH("3")) ", " FORBID("ModifySnapshotAttribute", NTH("5")) ", "
           SLOW("ModifySnapshotAttribute", NTH("8"), "60000") ", " SLOW("ModifySnapshotAttribute", NTH("9"), "60000") "]", late_s);
  set_faults(r, faults);
  rig_attend(r, retries_the_first, &h);
  assert_ok(rig_run(r, MANIFEST_HEAD PLAIN PLAIN_HERE "- {source: {image: ami-0a000000000000000}, name: other}\n", &err), &err);
  rig_attend(r, NULL, NULL);
  assert_closed_in_the_end(r, late_s);
  assert_all(r, AF_COPY_DONE, "all three");
  rig_free(r);
  return h.asked;
}
TEST(a_removal_in_flight_is_waited_for_whoever_else_has_closed_it) {
  int retried = 0;
  for (int late_s = 280; late_s <= 420; late_s += 10) retried += three_meet(late_s);
  assert_true(retried > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_removal_in_flight_of_a_blocked_copy_is_waited_for),
      cmocka_unit_test(a_removal_in_doubt_that_was_left_to_a_cancelled_copy_is_done),
      cmocka_unit_test(who_shared_by_hand_while_the_share_was_throttled_keeps_what_he_did),
      cmocka_unit_test(access_that_somebody_took_away_is_opened_anew_for_who_retries),
      cmocka_unit_test(a_cancelled_adoption_takes_back_what_it_opened_and_nothing_else),
      cmocka_unit_test(an_adoption_that_fails_takes_back_what_it_opened_and_nothing_else),
      cmocka_unit_test(who_let_somebody_in_by_hand_while_an_adoption_was_throttled_keeps_what_he_did),
      cmocka_unit_test(of_two_adoptions_of_one_image_the_cancelled_one_takes_nothing_from_the_other),
      cmocka_unit_test(an_adoption_that_dies_and_is_cancelled_takes_back_what_it_opened_and_nothing_else),
      cmocka_unit_test(who_is_let_in_for_good_stays_in_when_another_copy_leaves),
      cmocka_unit_test(who_was_let_in_for_good_meanwhile_stays_in_when_an_interrupted_copy_leaves),
      cmocka_unit_test(who_was_let_in_for_good_by_a_copy_that_was_blocked_then_is_let_in_when_it_is_retried),
      cmocka_unit_test(who_was_let_in_for_good_by_a_copy_that_was_interrupted_then_is_let_in_when_it_is_taken_up),
      cmocka_unit_test(what_is_borrowed_of_a_new_image_that_is_not_finished_yet_is_no_difference),
      cmocka_unit_test(an_adoption_that_is_cancelled_shuts_nobody_out_who_copies_on),
      cmocka_unit_test(a_cancelled_adoption_that_let_nobody_in_takes_nothing_back),
      cmocka_unit_test(a_share_in_doubt_of_a_snapshot_that_is_gone_can_be_cancelled),
      cmocka_unit_test(a_removal_in_flight_is_waited_for_whoever_else_has_closed_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
