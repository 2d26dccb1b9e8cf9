/* What a copy counts on and is gone: ended, forgotten by AWS, removed by hand; and what AWS does not let go of. */
#include "tests/simulation/scenes.h"
#include "tools/cloudsim/ec2_compute.h"

/* --- what an instance leaves --- */

#define LAUNCHED MANIFEST_HEAD IMAGE(WINDOWS, HERE)
static struct rig *launching(void) {
  return new_rig(LADDER_WORLD(REFUSED_BILLING, ""), 1);
}

/* Somebody wants the volumes kept, and AWS shows them as attached for a while after their instance is no more. */
struct keeper {
  int64_t late_ms;
  size_t seen;
};
static void keeps_the_volumes(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  const struct cs_things *all = rig_sim(r)->ec2->things;
  struct keeper *k = ctx;
  for (size_t i = 0; i < all->n_of_kind[CS_VOLUME]; i++) {
    struct cs_volume *v = (struct cs_volume *)all->of_kind[CS_VOLUME][i];
    if (v->delete_on_termination) k->seen++;
    v->delete_on_termination = false;
    if (v->detached_ms == CS_NEVER || v->detached_ms % 1000 == 777) continue;
    v->detached_ms = (v->detached_ms + k->late_ms) / 1000 * 1000 + 777;
  }
}
TEST(volumes_that_outlive_their_instance_are_waited_for_and_deleted) {
  for (int64_t late_ms = 0; late_ms <= 300000; late_ms += 100000) {
    struct keeper k = {.late_ms = late_ms};
    struct rig *r = launching();
    struct af_error err;
    rig_attend(r, keeps_the_volumes, &k);
    assert_ok(rig_run(r, LAUNCHED, &err), &err);
    assert_int_equal(k.seen, 2);
    assert_all(r, AF_COPY_DONE, "after all");
    assert_clean(r, "after all");
    rig_free(r);
  }
}

/* Ends the instance, as a late grant would, and the process with it. */
struct ender {
  enum af_step_state when;
  bool ended;
};
static void ends_the_instance(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  const struct af_live_copy *c = e->copies[0];
  struct ender *x = ctx;
  for (size_t i = 0; i < c->n_steps && !x->ended; i++) {
    const struct af_step_row *s = &c->steps[i];
    if (!af_streq(s->kind, "launch-instance") || s->state != x->when || !s->resource) continue;
    if (s->state == AF_STEP_PENDING && rig_now(r) < s->intent_ms + 8000) continue; /* it is known by now */
    sends(r, e, &af_ec2_terminate_instances, c->target, "us-east-1", json_pack("{s:[s]}", "InstanceIds", s->resource));
    rig_interrupt(r);
    x->ended = true;
  }
}
/* AWS shows an instance that ended for an hour; the program is away for longer. */
static void forgets_the_instance(enum af_step_state when) {
  struct rig *r = launching();
  struct af_error err;
  struct ender x = {.when = when};
  if (when == AF_STEP_AMBIGUOUS) set_faults(r, "[" FAULT("lost-reply", "StopInstances", "") "]");
  rig_attend(r, ends_the_instance, &x);
  assert_int_equal(rig_run(r, LAUNCHED, &err), -AF_ECANCELED);
  rig_attend(r, NULL, NULL);
  set_faults(r, "[]");
  assert_true(x.ended);
  rig_advance(r, 2 * 3600000);
  int64_t before = rig_now(r);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "with another instance");
  assert_clean(r, "with another instance");
  assert_int_equal(rig_carried_out(r, "ec2:RunInstances"), 2);
  assert_true(rig_now(r) - before < 3600000); /* and not only when the step's time was over */
  rig_free(r);
}
TEST(an_instance_that_AWS_has_forgotten_is_launched_anew) {
  forgets_the_instance(AF_STEP_PENDING);
  forgets_the_instance(AF_STEP_AMBIGUOUS); /* whether it has been stopped */
}

/* The grant of the route before seems to serve still; that of this one comes minutes later. */
TEST(an_instance_is_launched_anew_for_as_long_as_a_grant_may_be_late) {
  char *world = changed(strdup(LADDER_WORLD("", "")), "grant_propagation: [5, 90]", "grant_propagation: [5, 290]");
  size_t most = 0;
  for (uint64_t seed = 1; seed <= 10; seed++) {
    struct rig *r = new_rig(world, seed);
    struct af_error err;
    set_faults(r, "[{\"kind\": \"error\", \"action\": \"CopyImage\", \"status\": 400, \"code\": \"InvalidRequest\", \"message\": \"Images with EC2 "
                  "BillingProduct codes cannot be copied to another AWS account\"}]");
    assert_ok(rig_run(r, MANIFEST_HEAD IMAGE(RHEL, HERE_KEY), &err), &err);
    assert_all(r, AF_COPY_DONE, "with a late grant");
    assert_clean(r, "with a late grant");
    size_t launches = rig_carried_out(r, "ec2:RunInstances");
    most = launches > most ? launches : most;
    rig_free(r);
  }
  assert_true(most > 8);
  free(world);
}

static void set_key(struct rig *r, bool enabled) {
  struct af_error err;
  assert_ok(cs_sim_enable_key(rig_sim(r), "222222222222", "us-east-1", "alias/amis", enabled, &err), &err);
}
/* Dies when AWS has launched an instance and before it has read of that. */
static struct rig *dies_launching(const char *manifest) {
  for (uint64_t call = 1;; call++) {
    struct rig *r = launching();
    struct af_error err;
    rig_arm(r, RIG_DIES_AFTER, call);
    rig_run(r, manifest, &err);
    assert_true(rig_died(r));
    rig_arm(r, RIG_LIVES, 0);
    if (rig_carried_out(r, "ec2:RunInstances")) return r;
    rig_free(r);
  }
}
/* AWS shows nothing of the lost call, and refuses its token. */
TEST(an_instance_of_a_lost_call_that_AWS_has_forgotten_is_launched_anew) {
  struct rig *r = dies_launching(MANIFEST_HEAD IMAGE(WINDOWS, HERE_KEY));
  struct af_error err;
  set_key(r, false);
  rig_advance(r, 2 * 3600000);
  json_decref(rig_audit(r)); /* what was due until now happens */
  set_key(r, true);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "with another instance");
  assert_clean(r, "with another instance");
  assert_int_equal(rig_carried_out(r, "ec2:RunInstances"), 2);
  rig_free(r);
}

/* --- what somebody removes --- */

struct remover {
  const char *step;
  bool done; /* once the step is */
  bool removed;
};
static void removes_by_hand(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  struct remover *m = ctx;
  for (size_t i = 0; i < e->copies[0]->n_steps && m->done; i++)
    if (af_streq(e->copies[0]->steps[i].kind, m->step) && e->copies[0]->steps[i].state != AF_STEP_DONE) return;
  if (!m->removed) m->removed = hand_removes(r, e, m->step);
}
static struct rig *removed_from(const char *world, const char *manifest, const char *step, bool done) {
  struct rig *r = new_rig(world, 1);
  struct remover m = {.step = step, .done = done};
  struct af_error err;
  rig_attend(r, removes_by_hand, &m);
  assert_ok(rig_run(r, manifest, &err), &err);
  rig_attend(r, NULL, NULL);
  if (!m.removed) fail_msg("%s: nothing was there to be removed", step);
  return r;
}

/* It isn't made anew against the will of who removed it. */
static void fails_where_removed(const char *world, const char *manifest, const char *step, bool done, const char *code) {
  struct rig *r = removed_from(world, manifest, step, done);
  struct af_copy_row *list;
  struct af_error err;
  assert_all(r, AF_COPY_FAILED, step);
  assert_clean(r, step);
  size_t n = rig_copies(r, &list);
  assert_int_equal(af_error_from_json(list[n - 1].error, &err), 0);
  assert_string_equal(err.code, code);
  assert_contains(err.hint, "222222222222");
  rig_copies_free(list, n);
  rig_free(r);
}
#define LADDER LADDER_WORLD(REFUSED_BILLING, "")
TEST(what_somebody_removes_fails_the_copy_and_leaves_nothing) {
  fails_where_removed(WORLD, MANIFEST_HEAD PLAIN, "copy-image", false, "ImageVanished");
  fails_where_removed(WORLD, MANIFEST_HEAD SEALED, "copy-snapshot", false, "SnapshotVanished");
  fails_where_removed(WORLD, MANIFEST_HEAD SEALED, "copy-snapshot", true, "InvalidSnapshot.NotFound");
  fails_where_removed(LADDER, LAUNCHED, "launch-instance", false, "InstanceVanished");
}

/* Somebody deletes the group before its one rule is taken away. */
static bool has_a_group(const struct rig *r, const struct af_engine *e) {
  const struct af_step_row *s = step_of(e->copies[0], "security-group");
  return s && s->resource && s->attempts > 2;
}
static void deletes_the_group(struct rig *r, struct af_engine *e) {
  set_faults(r, "[]");
  const struct af_step_row *s = step_of(e->copies[0], "security-group");
  assert_non_null(s);
  sends(r, e, &af_ec2_delete_security_group, e->copies[0]->target, "us-east-1", json_pack("{s:s}", "GroupId", s ? s->resource : ""));
}
TEST(a_group_that_somebody_deleted_is_made_anew) {
  struct person p = {.comes = has_a_group, .mends = deletes_the_group, .after_ms = INT64_MAX / 2};
  struct rig *r = launching();
  set_faults(r, "[" FAULT("throttle", "RevokeSecurityGroupEgress", "") "]");
  run_attended(r, LAUNCHED, &p);
  assert_true(p.came_ms);
  assert_all(r, AF_COPY_DONE, "with another group");
  assert_clean(r, "with another group");
  rig_free(r);
}

/* It is pending when AWS finds that there is no room for it: the first so many end so. */
static void finds_no_room(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  const struct cs_things *all = rig_sim(r)->ec2->things;
  for (size_t i = 0; i < all->n_of_kind[CS_INSTANCE] && i < *(size_t *)ctx; i++) {
    struct cs_instance *instance = (struct cs_instance *)all->of_kind[CS_INSTANCE][i];
    struct cs_phase *last = &instance->phases[instance->n_phases - 1];
    if (last->state != CS_RUNNING) continue;
    *last = (struct cs_phase){last->at, CS_TERMINATED, "Server.InsufficientInstanceCapacity", "no room"};
    for (size_t k = 0; k < instance->n_devices; k++) instance->devices[k].volume->thing.gone_ms = instance->devices[k].volume->detached_ms = last->at;
    instance->interface->thing.gone_ms = last->at;
    instance->thing.gone_ms = last->at + 3600000;
  }
}
static struct rig *launches_without_room(size_t ends) {
  struct rig *r = launching();
  struct af_error err;
  rig_attend(r, finds_no_room, &ends);
  assert_ok(rig_run(r, LAUNCHED, &err), &err);
  rig_attend(r, NULL, NULL);
  return r;
}
TEST(an_instance_that_AWS_has_no_room_for_after_all_is_launched_elsewhere) {
  struct rig *r = launches_without_room(5);
  assert_all(r, AF_COPY_DONE, "at the sixth place");
  assert_clean(r, "at the sixth place");
  assert_int_equal(rig_carried_out(r, "ec2:RunInstances"), 6);
  rig_free(r);
  r = launches_without_room(SIZE_MAX);
  assert_reason(r, "NoCapacity");
  assert_clean(r, "after all places");
  rig_free(r);
}

static void loses_all_tags(struct rig *r, struct af_engine *e, const char *id, const char *region) {
  sends(r, e, &af_ec2_delete_tags, e->copies[0]->target, region,
        json_pack("{s:[s], s:[{s:s}, {s:s}, {s:s}]}", "Resources", id, "Tags", "Key", "amiferry:copy", "Key", "amiferry:step", "Key",
                  "amiferry:source"));
}

/* Its reply is lost with the process; somebody takes all tags away; and when it is taken up again, AWS has forgotten the client token. */
static void takes_the_tags_away(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  const struct cs_ec2 *cloud = rig_sim(r)->ec2;
  const struct af_step_row *s = step_of(e->copies[0], *(const char **)ctx);
  if (!s || s->state != AF_STEP_INTENDED || rig_now(r) < s->intent_ms + 5000) return;
  for (size_t i = 0; i < cloud->n_images; i++)
    if (af_streq(cloud->images[i]->owner->id, "222222222222"))
      loses_all_tags(r, e, cloud->images[i]->id, e->copies[0]->spec.target.region);
  rig_arm(r, RIG_DIES_UNCOMMITTED, 1);
}
static void loses_its_tags(const char *world, const char *manifest, const char *call, const char *step) {
  char faults[256];
  struct rig *r = new_rig(world, 1);
  struct af_error err;
  snprintf(faults, sizeof(faults), "[" SLOW("%s", "", "30000") "]", call);
  set_faults(r, faults);
  dies_and_is_away(r, manifest, takes_the_tags_away, &step, INT64_C(2) * 24 * 3600000);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, step);
  assert_int_equal(live_images(r), 1);
  rig_free(r);
}
TEST(an_image_that_has_lost_its_tags_is_known_by_what_it_was_made_of) {
  char *world = changed(world_with("read_lag: [0, 8]", "read_lag: [0, 0]"), "accounts:\n", "uncertain: {client_token_lifetime: 86400}\naccounts:\n");
  loses_its_tags(world, MANIFEST_HEAD PLAIN, "CopyImage", "copy-image");
  loses_its_tags(world, MANIFEST_HEAD SEALED, "RegisterImage", "register-image");
  loses_its_tags(LADDER_WORLD(REFUSED_BILLING, ""), LAUNCHED, "CreateImage", "create-image");
  free(world);
}

static void takes_the_groups_tags_away(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  const struct cs_things *all = rig_sim(r)->ec2->things;
  const struct af_step_row *s = step_of(e->copies[0], "security-group");
  if (!s || s->state != AF_STEP_INTENDED || rig_now(r) < s->intent_ms + 5000) return;
  for (size_t i = 0; i < all->n_of_kind[CS_GROUP]; i++) loses_all_tags(r, e, all->of_kind[CS_GROUP][i]->id, "us-east-1");
  rig_arm(r, RIG_DIES_UNCOMMITTED, 1);
}
TEST(a_group_that_has_lost_its_tags_is_known_by_its_name) {
  struct rig *r = launching();
  struct af_error err;
  set_faults(r, "[" SLOW("CreateSecurityGroup", "", "30000") "]");
  dies_and_is_away(r, LAUNCHED, takes_the_groups_tags_away, NULL, 3600000);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "with the group that it had made");
  assert_clean(r, "with the group that it had made");
  rig_free(r);
}

/* --- what is gone while a copy is blocked --- */

/* The first of two snapshots is gone, and AWS has just been asked for the last time, when the second's look is refused. */
struct vanishing {
  bool removed, asked;
};
static void vanishes(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  struct vanishing *v = ctx;
  const struct af_live_copy *c = e->copies[0];
  size_t a = 0;
  while (a < c->n_steps && (!af_streq(c->steps[a].kind, "copy-snapshot") || c->steps[a].state != AF_STEP_PENDING || !c->steps[a].resource)) a++;
  if (a == c->n_steps) return;
  if (!v->removed && rig_now(r) > c->steps[a].intent_ms + 10000) {
    sends(r, e, &af_ec2_delete_snapshot, c->target, "eu-west-1", json_pack("{s:s}", "SnapshotId", c->steps[a].resource));
    rig_excuse_hazards(r);
    v->removed = true;
  }
  const struct af_live_step *l = &c->live[a];
  if (v->asked || !v->removed || !l->busy || !l->missing_ms || l->asked_ms < l->missing_ms + 20000) return;
  set_faults(r, "[" FAILS("CopySnapshot", "", "500", "InternalError") ", " SLOW("DescribeSnapshots", TARGET NTH("1"), "15000") ", "
                FORBID("DescribeSnapshots", TARGET NTH("2")) "]");
  v->asked = true;
}
TEST(a_snapshot_that_vanished_while_its_copy_was_blocked_fails_it_and_stops_no_run) {
  char *world = changed(world_with("copy_min: 5, copy_mib_per_s: 200", "copy_min: 7000, copy_mib_per_s: 2000"), "read_lag: [0, 8]", "read_lag: [0, 0]");
  struct rig *r = new_rig(world, 1);
  struct vanishing v = {false, false};
  struct af_error err;
  set_faults(r, "[" FAILS("CopySnapshot", AFTER("1"), "500", "InternalError") ", " SLOW_HERE(HOUR) "]");
  rig_attend(r, vanishes, &v);
  assert_ok(rig_run(r, MANIFEST_HEAD SEALED PLAIN_HERE, &err), &err);
  rig_attend(r, NULL, NULL);
  assert_true(v.removed && v.asked);
  set_faults(r, "[]");
  rig_advance(r, 600000);
  assert_ok(rig_resume(r, &err), &err);
  assert_int_equal(last_state(r), AF_COPY_DONE);
  assert_clean(r, "one has failed");
  rig_free(r);
  free(world);
}

/* The new AMI is there and may not be finished; when that is mended, its source is no more. */
TEST(an_image_that_is_there_is_finished_without_its_source) {
  struct person p = {.comes = is_blocked, .mends = deletes_the_source, .after_ms = INT64_MAX / 2};
  struct rig *r = new_rig(WORLD, 1);
  struct af_error err;
  set_faults(r, "[" FORBID("ModifyImageAttribute", TARGET NTH("1")) "]");
  run_attended(r, MANIFEST_HEAD "- {source: {image: ami-0a000000000000000}, launch_permissions: {accounts: ['333333333333']}}\n", &p);
  assert_true(p.came_ms);
  set_faults(r, "[]");
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "without the source");
  assert_int_equal(rig_carried_out(r, "ec2:CopyImage"), 1);
  rig_free(r);
}
TEST(an_image_that_is_there_needs_no_second_instance) {
  struct rig *r = launching();
  struct af_error err;
  set_faults(r, "[" FORBID("ModifyImageAttribute", TARGET) "]");
  assert_ok(rig_run(r, MANIFEST_HEAD IMAGE(WINDOWS, HERE ", launch_permissions: {accounts: ['333333333333']}"), &err), &err);
  assert_all(r, AF_COPY_BLOCKED, "not finished");
  set_faults(r, "[]");
  rig_advance(r, 3600000);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "finished");
  assert_int_equal(rig_carried_out(r, "ec2:RunInstances"), 1);
  rig_free(r);
}

/* --- what can't be taken back --- */

static void assert_hangs(struct rig *r, const char *resource, const char *hint) {
  struct af_copy_row *list;
  struct af_error err;
  assert_all(r, AF_COPY_BLOCKED, "while it hangs");
  assert_reason(r, "TimeLimit");
  size_t n = rig_copies(r, &list);
  assert_int_equal(af_error_from_json(list[0].error, &err), 0);
  assert_contains(err.resource, resource);
  assert_contains(err.hint, hint);
  assert_contains(err.hint, list[0].id);
  rig_copies_free(list, n);
}

/* AWS takes half a day for it. */
TEST(an_instance_that_does_not_go_away_blocks_the_copy_until_it_does) {
  char *world = changed(strdup(LADDER_WORLD(REFUSED_BILLING, "")), "copy_min: 5,", "copy_min: 5, instance_terminate: 43200,");
  struct rig *r = new_rig(world, 1);
  struct af_error err;
  assert_ok(rig_run(r, LAUNCHED, &err), &err);
  assert_hangs(r, "i-", "222222222222, us-east-1");
  assert_ok(rig_resume(r, &err), &err);
  assert_hangs(r, "i-", "222222222222, us-east-1");
  rig_advance(r, 43200000);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "when it is gone");
  assert_clean(r, "when it is gone");
  rig_free(r);
  free(world);
}

/* The call that takes it back fails in this way whenever it is sent, until a person has seen to it. */
static void hangs(const char *manifest, const char *faults, const char *resource, const char *hint, enum af_copy_state end) {
  struct rig *r = new_rig(LADDER_WORLD(REFUSED_BILLING, ""), 1);
  struct af_error err;
  set_faults(r, faults);
  assert_ok(rig_run(r, manifest, &err), &err);
  assert_hangs(r, resource, hint);
  set_faults(r, "[]");
  rig_advance(r, 600000);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, end, "when it is mended");
  assert_clean(r, "when it is mended");
  rig_free(r);
}
#define SOURCE ", \"account\": \"111111111111\""
TEST(what_is_not_known_to_be_taken_back_is_not_asked_for_ever) {
  hangs(LAUNCHED, "[" FAILS("TerminateInstances", "", "500", "InternalError") "]", "i-", "222222222222, us-east-1", AF_COPY_DONE);
  hangs(LAUNCHED, "[" FAULT("lost-reply", "TerminateInstances", "") "]", "i-", "222222222222, us-east-1", AF_COPY_DONE);
}
TEST(access_that_AWS_has_no_time_to_take_back_is_not_forgotten) {
  hangs(LAUNCHED, "[" FAULT("throttle", "ModifyImageAttribute", SOURCE AFTER("1")) "]", "ami-", "111111111111, us-east-1", AF_COPY_DONE);
}
/* On the way there, too: what may have been done can be neither gone on from nor undone. */
TEST(what_is_not_known_to_be_done_is_not_asked_for_ever) {
  hangs(LAUNCHED, "[" FAILS("ModifyImageAttribute", SOURCE, "500", "InternalError") "]", "ami-", "111111111111, us-east-1", AF_COPY_DONE);
  hangs(MANIFEST_HEAD IMAGE(RHEL, THERE_KEY ", route: reencrypt"),
        "[" FAULT("lost-reply", "CopySnapshot", NTH("1")) ", " FAILS("DescribeSnapshots", TARGET, "500", "InternalError") "]", "snap-",
        "222222222222, eu-west-1", AF_COPY_DONE);
}
TEST(a_copy_that_fails_and_hangs_has_failed_once_it_goes_on) {
  hangs(LAUNCHED, "[" FAULT("throttle", "DeleteSecurityGroup", "") ", " FAILS("CreateImage", "", "400", "InvalidParameterValue") "]", "sg-",
        "222222222222, us-east-1", AF_COPY_FAILED);
}

/* Its call came out in doubt for as long as it may; AWS is well again when a person cancels. */
static void mends_AWS(struct rig *r, struct af_engine *e) {
  set_faults(r, "[]");
}
TEST(what_was_asked_for_in_vain_is_asked_again_when_it_is_cancelled) {
  struct person p = {.comes = is_blocked, .mends = mends_AWS, .after_ms = 600000, .asks = af_engine_cancel};
  char *world = changed(strdup(LADDER_WORLD(REFUSED_BILLING, "")), "copy_min: 5,", "copy_min: 14000,");
  struct rig *r = new_rig(world, 1);
  struct af_copy_row *list;
  set_faults(r, "[" FAILS("ModifyImageAttribute", SOURCE, "500", "InternalError") "]");
  run_attended(r, MANIFEST_HEAD IMAGE(WINDOWS, HERE) IMAGE(RHEL, THERE_KEY ", route: reencrypt"), &p);
  assert_true(p.asked);
  size_t n = rig_copies(r, &list);
  assert_int_equal(list[0].state, AF_COPY_CANCELLED);
  assert_int_equal(list[1].state, AF_COPY_DONE);
  rig_copies_free(list, n);
  assert_clean(r, "cancelled");
  rig_free(r);
  free(world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(volumes_that_outlive_their_instance_are_waited_for_and_deleted),
      cmocka_unit_test(an_instance_that_AWS_has_forgotten_is_launched_anew),
      cmocka_unit_test(an_instance_of_a_lost_call_that_AWS_has_forgotten_is_launched_anew),
      cmocka_unit_test(what_somebody_removes_fails_the_copy_and_leaves_nothing),
      cmocka_unit_test(a_group_that_somebody_deleted_is_made_anew),
      cmocka_unit_test(an_instance_that_AWS_has_no_room_for_after_all_is_launched_elsewhere),
      cmocka_unit_test(an_image_that_has_lost_its_tags_is_known_by_what_it_was_made_of),
      cmocka_unit_test(an_instance_that_does_not_go_away_blocks_the_copy_until_it_does),
      cmocka_unit_test(what_is_not_known_to_be_taken_back_is_not_asked_for_ever),
      cmocka_unit_test(access_that_AWS_has_no_time_to_take_back_is_not_forgotten),
      cmocka_unit_test(what_is_not_known_to_be_done_is_not_asked_for_ever),
      cmocka_unit_test(a_copy_that_fails_and_hangs_has_failed_once_it_goes_on),
      cmocka_unit_test(what_was_asked_for_in_vain_is_asked_again_when_it_is_cancelled),
      cmocka_unit_test(a_group_that_has_lost_its_tags_is_known_by_its_name),
      cmocka_unit_test(a_snapshot_that_vanished_while_its_copy_was_blocked_fails_it_and_stops_no_run),
      cmocka_unit_test(an_image_that_is_there_is_finished_without_its_source),
      cmocka_unit_test(an_image_that_is_there_needs_no_second_instance),
      cmocka_unit_test(an_instance_is_launched_anew_for_as_long_as_a_grant_may_be_late),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
