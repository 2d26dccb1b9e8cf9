/* The machine: its tables' laws, and what it decides, by brute force over the states that rows can be in. */
#include <stdlib.h>

#include "engine/machine.h"
#include "tests/unit/test.h"

static struct af_copy_row copy_in(enum af_copy_state state, enum af_copy_goal goal) {
  return (struct af_copy_row){.id = (char *)(uintptr_t) "cp-1", .state = state, .goal = goal};
}

static struct af_step_row step_of(const char *kind, int64_t stage, enum af_step_face face, enum af_step_state state) {
  bool open = state == AF_STEP_INTENDED || state == AF_STEP_AMBIGUOUS;
  return (struct af_step_row){.kind = (char *)(uintptr_t)kind, .item = (char *)(uintptr_t) "", .stage = stage, .face = face, .state = state,
                              .intent = open ? (char *)(uintptr_t) "ec2:Test" : NULL};
}

static size_t next(const struct af_copy_row *c, const struct af_step_row *s, size_t n, struct af_action *actions, int64_t *wake) {
  return af_machine_next(c, s, n, 1000, actions, 16, wake);
}

TEST(the_tables_keep_their_laws) {
  struct af_error err;
  assert_ok(af_machine_check(&err), &err);
}

TEST(an_ended_copy_moves_again_only_where_a_person_wants_a_finished_one_away) {
  for (int from = 0; from < AF_COPY_STATE_MAX_; from++)
    for (int to = 0; to < AF_COPY_STATE_MAX_; to++)
      if (af_copy_state_ended((enum af_copy_state)from)) assert_int_equal(af_copy_move_legal((enum af_copy_state)from, (enum af_copy_state)to), from == AF_COPY_DONE && to == AF_COPY_UNDOING);
}

TEST(a_working_copy_can_end_only_through_undoing) {
  for (int to = 0; to < AF_COPY_STATE_MAX_; to++)
    assert_int_equal(af_copy_move_legal(AF_COPY_WORKING, (enum af_copy_state)to), to == AF_COPY_UNDOING || to == AF_COPY_BLOCKED);
}

TEST(nothing_is_sent_without_an_intent) {
  for (int from = 0; from < AF_STEP_STATE_MAX_; from++)
    if (from != AF_STEP_INTENDED) assert_false(af_step_move_legal((enum af_step_state)from, AF_STEP_AMBIGUOUS));
}

TEST(a_new_copy_is_inspected_first) {
  struct af_copy_row c = copy_in(AF_COPY_WAITING, AF_GOAL_NONE);
  struct af_action a[16];
  int64_t wake;
  assert_int_equal(next(&c, NULL, 0, a, &wake), 1);
  assert_int_equal(a[0].kind, AF_ACT_INSPECT);
}

TEST(steps_of_one_stage_run_side_by_side_and_later_stages_wait) {
  struct af_copy_row c = copy_in(AF_COPY_WORKING, AF_GOAL_NONE);
  struct af_step_row s[] = {step_of("grant-key", 0, AF_FACE_DO, AF_STEP_DONE), step_of("copy-snapshot", 2, AF_FACE_DO, AF_STEP_IDLE),
                            step_of("copy-snapshot", 2, AF_FACE_DO, AF_STEP_PENDING), step_of("register-image", 3, AF_FACE_DO, AF_STEP_IDLE)};
  struct af_action a[16];
  int64_t wake;
  assert_int_equal(next(&c, s, 4, a, &wake), 2);
  assert_int_equal(a[0].step, 1);
  assert_int_equal(a[1].step, 2);
}

TEST(a_step_in_flight_is_left_alone_and_one_not_due_wakes_the_copy_later) {
  struct af_copy_row c = copy_in(AF_COPY_WORKING, AF_GOAL_NONE);
  struct af_step_row s[] = {step_of("copy-snapshot", 2, AF_FACE_DO, AF_STEP_INTENDED), step_of("copy-snapshot", 2, AF_FACE_DO, AF_STEP_PENDING)};
  struct af_action a[16];
  int64_t wake;
  s[1].next_ms = 5000;
  assert_int_equal(next(&c, s, 2, a, &wake), 0);
  assert_int_equal(wake, 5000);
}

TEST(when_all_is_done_what_was_borrowed_is_taken_back_before_the_end) {
  struct af_copy_row c = copy_in(AF_COPY_WORKING, AF_GOAL_NONE);
  struct af_step_row s[] = {step_of("share-snapshot", 1, AF_FACE_DO, AF_STEP_DONE), step_of("verify", 4, AF_FACE_DO, AF_STEP_DONE)};
  struct af_action a[16];
  int64_t wake;
  assert_int_equal(next(&c, s, 2, a, &wake), 1);
  assert_int_equal(a[0].kind, AF_ACT_UNDO);
  assert_int_equal(a[0].goal, AF_GOAL_DONE);
  c.state = AF_COPY_UNDOING;
  c.goal = AF_GOAL_DONE;
  assert_int_equal(next(&c, s, 2, a, &wake), 1);
  assert_int_equal(a[0].kind, AF_ACT_STEP);
  assert_int_equal(a[0].step, 0);
  s[0] = step_of("share-snapshot", 1, AF_FACE_UNDO, AF_STEP_DONE);
  assert_int_equal(next(&c, s, 2, a, &wake), 1);
  assert_int_equal(a[0].kind, AF_ACT_END);
}

TEST(a_cancelled_copy_turns_round_and_starts_nothing) {
  struct af_copy_row c = copy_in(AF_COPY_WORKING, AF_GOAL_NONE);
  struct af_step_row s[] = {step_of("copy-image", 3, AF_FACE_DO, AF_STEP_IDLE)};
  struct af_action a[16];
  int64_t wake;
  c.cancel_requested = true;
  assert_int_equal(next(&c, s, 1, a, &wake), 1);
  assert_int_equal(a[0].kind, AF_ACT_UNDO);
  assert_int_equal(a[0].goal, AF_GOAL_CANCELLED);
}

TEST(undoing_ignores_the_cancel_flag_and_goes_backwards) {
  struct af_copy_row c = copy_in(AF_COPY_UNDOING, AF_GOAL_FAILED);
  struct af_step_row s[] = {step_of("grant-key", 0, AF_FACE_DO, AF_STEP_DONE), step_of("copy-snapshot", 2, AF_FACE_DO, AF_STEP_DONE),
                            step_of("register-image", 3, AF_FACE_DO, AF_STEP_DONE)};
  struct af_action a[16];
  int64_t wake;
  c.cancel_requested = true;
  for (int i = 2; i >= 0; i--) {
    assert_int_equal(next(&c, s, 3, a, &wake), 1);
    assert_int_equal(a[0].kind, AF_ACT_STEP);
    assert_int_equal(a[0].step, i);
    s[i].face = AF_FACE_UNDO;
  }
}

TEST(a_wish_to_cancel_reaches_a_copy_that_is_taking_back_or_going_another_way) {
  const enum af_copy_goal goals[] = {AF_GOAL_DONE, AF_GOAL_BLOCKED, AF_GOAL_REROUTE};
  struct af_action a[16];
  int64_t wake;
  for (size_t g = 0; g < COUNT(goals); g++) {
    struct af_copy_row c = copy_in(AF_COPY_UNDOING, goals[g]);
    struct af_step_row s[] = {step_of("copy-image", 2, AF_FACE_DO, AF_STEP_DONE)};
    c.cancel_requested = true;
    assert_int_equal(next(&c, s, 1, a, &wake), 1);
    assert_int_equal(a[0].kind, AF_ACT_UNDO);
    assert_int_equal(a[0].goal, AF_GOAL_CANCELLED);
  }
}

TEST(what_is_temporary_goes_on_the_way_to_every_end_and_the_rest_only_when_it_is_undone) {
  for (size_t i = 0; af_step_traits_at(i); i++)
    for (int goal = AF_GOAL_DONE; goal < AF_GOAL_MAX_; goal++) {
      const struct af_step_traits *t = af_step_traits_at(i);
      bool all = goal != AF_GOAL_DONE && goal != AF_GOAL_BLOCKED;
      assert_int_equal(af_goal_undoes((enum af_copy_goal)goal, t), all || t->temporary);
    }
}

TEST(a_key_is_not_taken_back_while_a_copy_under_it_is_still_pending) {
  const enum af_copy_goal goals[] = {AF_GOAL_BLOCKED, AF_GOAL_FAILED, AF_GOAL_CANCELLED, AF_GOAL_DONE, AF_GOAL_REROUTE};
  const enum af_step_state open[] = {AF_STEP_INTENDED, AF_STEP_AMBIGUOUS, AF_STEP_PENDING};
  struct af_action a[16];
  int64_t wake;
  for (size_t g = 0; g < COUNT(goals); g++)
    for (size_t o = 0; o < COUNT(open); o++) {
      struct af_copy_row c = copy_in(AF_COPY_UNDOING, goals[g]);
      struct af_step_row s[] = {step_of("grant-key", 0, AF_FACE_DO, AF_STEP_DONE), step_of("copy-snapshot", 2, AF_FACE_DO, open[o])};
      size_t n = next(&c, s, 2, a, &wake);
      for (size_t i = 0; i < n; i++) {
        assert_int_equal(a[i].kind, AF_ACT_STEP);
        assert_int_equal(a[i].step, 1);
      }
    }
}

/* Whatever state three steps are in: something can be done, or something is in flight, or a time to wake is given. A copy never stands still. */
TEST(a_live_copy_never_stands_still) {
  static const char *const kinds[] = {"grant-key", "copy-snapshot", "verify"};
  const enum af_copy_goal goals[] = {AF_GOAL_NONE, AF_GOAL_DONE, AF_GOAL_FAILED, AF_GOAL_CANCELLED, AF_GOAL_BLOCKED, AF_GOAL_REROUTE};
  const int each = AF_FACE_MAX_ * AF_STEP_STATE_MAX_ * 2; /* face, state, due or not */
  for (size_t g = 0; g < COUNT(goals); g++)
    for (int code = 0; code < each * each * each; code++) {
      struct af_copy_row c = copy_in(goals[g] ? AF_COPY_UNDOING : AF_COPY_WORKING, goals[g]);
      struct af_step_row s[3];
      struct af_action a[16];
      int64_t wake;
      bool flying = false;
      for (int i = 0, rest = code; i < 3; i++, rest /= each) {
        int v = rest % each;
        s[i] = step_of(kinds[i], i, (enum af_step_face)(v / 2 / AF_STEP_STATE_MAX_), (enum af_step_state)(v / 2 % AF_STEP_STATE_MAX_));
        s[i].next_ms = v % 2 ? 2000 : 0;
        flying |= s[i].state == AF_STEP_INTENDED;
      }
      size_t n = next(&c, s, 3, a, &wake);
      assert_true(n > 0 || flying || wake < INT64_MAX);
    }
}

TEST(a_copy_is_not_done_while_access_is_borrowed) {
  struct af_copy_row c = copy_in(AF_COPY_DONE, AF_GOAL_DONE);
  struct af_step_row s[] = {step_of("share-snapshot", 1, AF_FACE_DO, AF_STEP_DONE)};
  struct af_error err;
  c.image_id = (char *)(uintptr_t) "ami-1";
  assert_error(af_machine_invariant(&c, s, 1, &err), -AF_EINVAL, &err, "borrowed");
  s[0].face = AF_FACE_UNDO;
  assert_ok(af_machine_invariant(&c, s, 1, &err), &err);
}

TEST(a_failed_copy_has_undone_every_step) {
  struct af_copy_row c = copy_in(AF_COPY_FAILED, AF_GOAL_FAILED);
  struct af_step_row s[] = {step_of("copy-snapshot", 2, AF_FACE_DO, AF_STEP_DONE)};
  struct af_error err;
  assert_error(af_machine_invariant(&c, s, 1, &err), -AF_EINVAL, &err, "without being undone");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_tables_keep_their_laws),
      cmocka_unit_test(an_ended_copy_moves_again_only_where_a_person_wants_a_finished_one_away),
      cmocka_unit_test(a_working_copy_can_end_only_through_undoing),
      cmocka_unit_test(nothing_is_sent_without_an_intent),
      cmocka_unit_test(a_new_copy_is_inspected_first),
      cmocka_unit_test(steps_of_one_stage_run_side_by_side_and_later_stages_wait),
      cmocka_unit_test(a_step_in_flight_is_left_alone_and_one_not_due_wakes_the_copy_later),
      cmocka_unit_test(when_all_is_done_what_was_borrowed_is_taken_back_before_the_end),
      cmocka_unit_test(a_cancelled_copy_turns_round_and_starts_nothing),
      cmocka_unit_test(undoing_ignores_the_cancel_flag_and_goes_backwards),
      cmocka_unit_test(a_key_is_not_taken_back_while_a_copy_under_it_is_still_pending),
      cmocka_unit_test(a_wish_to_cancel_reaches_a_copy_that_is_taking_back_or_going_another_way),
      cmocka_unit_test(what_is_temporary_goes_on_the_way_to_every_end_and_the_rest_only_when_it_is_undone),
      cmocka_unit_test(a_live_copy_never_stands_still),
      cmocka_unit_test(a_copy_is_not_done_while_access_is_borrowed),
      cmocka_unit_test(a_failed_copy_has_undone_every_step),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
