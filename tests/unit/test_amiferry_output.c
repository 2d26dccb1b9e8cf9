/* tools/amiferry/output.h: results as text and as JSON, and what a process exits with. */
#include "tests/unit/copy_fixture.h"
#include "tools/amiferry/output.h"

static const struct af_terminal plain = {.tty = false};
static struct af_buf text;

static int set_up(void **state) {
  af_buf_init(&text, 64 * 1024);
  return 0;
}

static int tear_down(void **state) {
  af_buf_done(&text);
  return 0;
}

TEST(a_result_is_one_line) {
  struct copy_fixture f;
  char image[] = "ami-0fedcba9876543210";
  copy_fixture_init(&f, AF_COPY_DONE, "done", "web-2026-11");
  f.row.image_id = image;
  af_put_result(&text, &f.view, &plain);
  assert_string_equal(af_buf_cstr(&text), "ami-0123456789abcdef0 (us-east-1) -> ami-0fedcba9876543210 (eu-west-1)  done  web-2026-11\n");
}

TEST(a_failure_says_account_region_resource_api_code_request_and_what_to_do) {
  static const char *const parts[] = {
      "ami-0123456789abcdef0 (us-east-1) -> 222222222222 (eu-west-1)  failed\n", "    UnauthorizedOperation: you may not\n",
      "    account 222222222222, Region eu-west-1, ec2:CopyImage, about ami-0123456789abcdef0, HTTP 403, request 8f7-1\n",
      "    what to do: allow it\n", "    all of it: amiferry show cp-0123456789ab\n"};
  struct copy_fixture f;
  struct af_error err;
  copy_fixture_init(&f, AF_COPY_FAILED, "failed", "");
  af_error_set(&err, 0, AF_CLASS_AUTH, "UnauthorizedOperation", "you may not");
  af_error_hint(&err, "allow it");
  err.http_status = 403;
  AF_COPY(err.request_id, af_str("8f7-1"));
  AF_COPY(err.account, af_str("222222222222"));
  AF_COPY(err.region, af_str("eu-west-1"));
  AF_COPY(err.action, af_str("ec2:CopyImage"));
  AF_COPY(err.resource, af_str("ami-0123456789abcdef0"));
  assert_int_equal(af_error_to_json(&err, &f.row.error), 0);
  af_put_result(&text, &f.view, &plain);
  for (size_t i = 0; i < COUNT(parts); i++) assert_contains(af_buf_cstr(&text), parts[i]);
  free(f.row.error);
}

static const char *folded(const char *line, int columns) {
  af_buf_done(&text);
  af_buf_init(&text, 4096);
  af_put_folded(&text, line, columns, true);
  return af_buf_cstr(&text);
}

TEST(a_line_that_is_too_long_goes_on_below_where_its_words_began) {
  static const struct {
    const char *line, *want;
  } rows[] = {
      {"short\n\nshort too", "short\n\nshort too"},
      {"    why       one two three four", "    why       one two\n              three four"},
      {"    meanwhile account may read it", "    meanwhile account\n              may read\n              it"},
      {"    \033[33mwarning\033[0m   one two three", "    \033[33mwarning\033[0m   one two\n              three"},
      {"size      at most a few of them", "size      at most a few\n          of them"},
      {"    Code: message that goes on", "    Code: message that\n        goes on"},
      {"ami-1 -> ami-2  \033[32mdone\033[0m  a name", "ami-1 -> ami-2  \033[32mdone\033[0m  a\n    name"},
      {"under arn:aws:kms:us-east-1:111122223333:key/0 it is", "under\n    arn:aws:kms:us-east-1:111122223333:key/0\n    it is"},
      {"ééééé ééééé ééééé ééééé ééééé\n", "ééééé ééééé ééééé ééééé\n    ééééé\n"},
      {"                              ", "                              "},
  };
  for (size_t i = 0; i < COUNT(rows); i++) assert_string_equal(folded(rows[i].line, 24), rows[i].want);
}

TEST(what_is_done_shows_no_error_that_was_overcome) {
  struct copy_fixture f;
  char error[] = "{\"class\": \"throttled\", \"code\": \"RequestLimitExceeded\", \"message\": \"slow down\"}";
  copy_fixture_init(&f, AF_COPY_DONE, "done", "");
  f.row.error = error;
  af_put_result(&text, &f.view, &plain);
  assert_lacks(af_buf_cstr(&text), "slow down");
  json_t *o = af_json_copy(&f.view);
  assert_true(json_is_null(json_object_get(o, "error")));
  json_decref(o);
}

TEST(colours_come_only_where_they_are_wanted) {
  static const struct af_terminal colourful = {.tty = true, .colour = true};
  af_put_tinted(&text, &plain, AF_TINT_BAD, "failed");
  assert_string_equal(af_buf_cstr(&text), "failed");
  af_buf_reset(&text);
  af_put_tinted(&text, &colourful, AF_TINT_BAD, "failed");
  assert_string_equal(af_buf_cstr(&text), "\033[31mfailed\033[0m");
  af_buf_reset(&text);
  af_put_tinted(&text, &colourful, AF_TINT_NONE, "as it is");
  assert_string_equal(af_buf_cstr(&text), "as it is");
}

TEST(a_name_moves_no_cursor) {
  struct copy_fixture f;
  copy_fixture_init(&f, AF_COPY_DONE, "done", "a\033]0;x\007\xC2\x9B" "b");
  af_put_result(&text, &f.view, &plain);
  assert_contains(af_buf_cstr(&text), "  a?]0;x??b\n");
}

TEST(routes_that_were_given_up_are_told_with_what_aws_said) {
  af_put_tried(&text, "  tried ", "[{\"route\": \"copy-image\", \"code\": \"InvalidRequest\", \"reason\": \"no\\u001b[2J\"}]");
  af_put_tried(&text, "  tried ", NULL);
  assert_string_equal(af_buf_cstr(&text), "  tried copy-image: InvalidRequest: no?[2J\n");
  json_t *none = af_json_tried("{}");
  assert_int_equal(json_array_size(none), 0);
  json_decref(none);
}

/* The members that programs read: none may go, or change its type. */
TEST(a_copys_json_keeps_its_members) {
  static const struct {
    const char *name;
    json_type type;
  } members[] = {{"type", JSON_STRING}, {"id", JSON_STRING}, {"batch", JSON_STRING}, {"position", JSON_INTEGER}, {"state", JSON_STRING},
                 {"source", JSON_OBJECT}, {"target", JSON_OBJECT}, {"name", JSON_STRING}, {"route", JSON_NULL}, {"reason", JSON_NULL},
                 {"tried", JSON_ARRAY}, {"bytes", JSON_INTEGER}, {"percent", JSON_INTEGER}, {"step", JSON_OBJECT}, {"waits", JSON_NULL}, {"error", JSON_NULL},
                 {"created", JSON_STRING}, {"updated", JSON_STRING}};
  struct copy_fixture f;
  copy_fixture_init(&f, AF_COPY_WORKING, "copying snapshots", "web");
  f.view.percent = 47;
  f.view.step = 3;
  f.view.n_stage = 5;
  json_t *o = af_json_copy(&f.view);
  assert_non_null(o);
  for (size_t i = 0; i < COUNT(members); i++) {
    const json_t *m = json_object_get(o, members[i].name);
    if (!m || json_typeof(m) != members[i].type) print_error("%s\n", members[i].name);
    assert_non_null(m);
    assert_int_equal(json_typeof(m), members[i].type);
  }
  assert_int_equal(json_object_size(o), COUNT(members));
  assert_string_equal(af_json_str(json_object_get(o, "source"), "account"), "111111111111");
  assert_string_equal(af_json_str(json_object_get(o, "target"), "region"), "eu-west-1");
  assert_string_equal(af_json_str(o, "created"), "1970-01-01T00:00:01.000Z");
  json_decref(o);
}

TEST(an_errors_json_has_null_for_what_is_not_known) {
  struct af_error err;
  af_error_set(&err, 0, AF_CLASS_REFUSED, "InvalidAMIID.NotFound", "no such image");
  json_t *o = af_json_error(&err);
  assert_string_equal(af_json_str(o, "class"), "refused");
  assert_string_equal(af_json_str(o, "message"), "no such image");
  assert_true(json_is_null(json_object_get(o, "http_status")));
  assert_true(json_is_null(json_object_get(o, "request_id")));
  json_decref(o);
}

TEST(text_that_is_no_utf8_still_makes_json) {
  json_t *o = af_json_text("a\xFF" "b");
  assert_string_equal(json_string_value(o), "a?b");
  json_decref(o);
  assert_true(json_is_null(af_json_text(NULL)));
}

TEST(the_exit_code_follows_from_how_the_copies_ended) {
  static const struct {
    struct af_tally tally;
    enum af_exit want;
  } cases[] = {
      {{0}, AF_EXIT_DONE},
      {{.done = 3}, AF_EXIT_DONE},
      {{.failed = 3}, AF_EXIT_FAILED},
      {{.done = 1, .failed = 2}, AF_EXIT_PARTLY},
      {{.blocked = 1}, AF_EXIT_BLOCKED},
      {{.done = 2, .blocked = 1}, AF_EXIT_BLOCKED},
      {{.failed = 1, .blocked = 1}, AF_EXIT_FAILED},
      {{.done = 1, .failed = 1, .blocked = 1}, AF_EXIT_PARTLY},
      {{.done = 1, .working = 1}, AF_EXIT_INTERRUPTED},
  };
  for (size_t i = 0; i < COUNT(cases); i++) assert_int_equal(af_tally_exit(&cases[i].tally), cases[i].want);
}

TEST(copies_are_counted_by_state_and_those_that_wait_as_waiting) {
  struct copy_fixture f;
  struct af_tally t = {0};
  for (int s = 0; s < AF_COPY_STATE_MAX_; s++) {
    copy_fixture_init(&f, (enum af_copy_state)s, "", "");
    af_tally_add(&t, &f.view);
  }
  copy_fixture_init(&f, AF_COPY_WORKING, "", "");
  f.view.waits = "pacing";
  af_tally_add(&t, &f.view);
  assert_int_equal(t.done, 1);
  assert_int_equal(t.failed, 2); /* cancelled, too */
  assert_int_equal(t.blocked, 1);
  assert_int_equal(t.working, 3);
  assert_int_equal(t.waiting, 2);
  assert_int_equal(af_tally_all(&t), AF_COPY_STATE_MAX_ + 1);
  af_put_tally(&text, &t);
  assert_string_equal(af_buf_cstr(&text), "1 done, 3 working, 2 waiting, 1 failed, 1 cancelled, 1 blocked");
}

TEST(a_command_that_could_not_go_on_says_why_by_its_exit_code) {
  struct af_error err = {.class = AF_CLASS_INTERNAL};
  assert_int_equal(af_exit_of(-AF_EBUSY, &err), AF_EXIT_BUSY);
  assert_int_equal(af_exit_of(-AF_ECANCELED, &err), AF_EXIT_INTERRUPTED);
  assert_int_equal(af_exit_of(-AF_EFULL, &err), AF_EXIT_FAILED);
  err.class = AF_CLASS_INVALID;
  assert_int_equal(af_exit_of(-AF_ENOENT, &err), AF_EXIT_USAGE);
}

#define BUFFERED(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void) {
  const struct CMUnitTest tests[] = {
      BUFFERED(a_result_is_one_line),
      BUFFERED(a_failure_says_account_region_resource_api_code_request_and_what_to_do),
      BUFFERED(a_line_that_is_too_long_goes_on_below_where_its_words_began),
      BUFFERED(what_is_done_shows_no_error_that_was_overcome),
      BUFFERED(colours_come_only_where_they_are_wanted),
      BUFFERED(a_name_moves_no_cursor),
      BUFFERED(routes_that_were_given_up_are_told_with_what_aws_said),
      BUFFERED(a_copys_json_keeps_its_members),
      BUFFERED(an_errors_json_has_null_for_what_is_not_known),
      BUFFERED(text_that_is_no_utf8_still_makes_json),
      BUFFERED(the_exit_code_follows_from_how_the_copies_ended),
      BUFFERED(copies_are_counted_by_state_and_those_that_wait_as_waiting),
      BUFFERED(a_command_that_could_not_go_on_says_why_by_its_exit_code),
  };
  return cmocka_run_group_tests_name("tools/amiferry/output", tests, NULL, NULL);
}
