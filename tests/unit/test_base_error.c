/* base/error.h: classes by name, messages of one line. */
#include "tests/unit/test.h"

TEST(every_class_has_a_name_that_leads_back_to_it) {
  for (int c = 0; c < AF_CLASS_MAX_; c++) {
    enum af_class got = AF_CLASS_MAX_;
    assert_int_equal(af_class_parse(af_class_name((enum af_class)c), &got), 0);
    assert_int_equal(got, c);
  }
  enum af_class got = AF_CLASS_AUTH;
  assert_int_equal(af_class_parse("Transient", &got), -AF_EINVAL);
  assert_int_equal(af_class_parse(NULL, &got), -AF_EINVAL);
  assert_int_equal(got, AF_CLASS_AUTH);
}

TEST(setting_an_error_clears_the_rest_and_returns_the_code) {
  struct af_error e = {.http_status = 503, .region = "eu-west-1", .hint = "old"};
  assert_int_equal(af_error_set(&e, -AF_EIO, AF_CLASS_TRANSIENT, "Broken", "%s is %d", "it", 7), -AF_EIO);
  assert_int_equal(e.class, AF_CLASS_TRANSIENT);
  assert_string_equal(e.code, "Broken");
  assert_string_equal(e.message, "it is 7");
  assert_int_equal(e.http_status, 0);
  assert_string_equal(e.region, "");
  assert_string_equal(e.hint, "");
  af_error_hint(&e, "do %s", "this");
  assert_string_equal(e.hint, "do this");
}

TEST(no_error_struct_is_no_harm) {
  assert_int_equal(af_error_set(NULL, -AF_EIO, AF_CLASS_INTERNAL, "X", "%d", 1), -AF_EIO);
  af_error_hint(NULL, "%d", 1);
  af_error_clear(NULL);
  assert_int_equal(af_error_nomem(NULL), -AF_ENOMEM);
}

TEST(an_error_can_be_wrapped_in_itself) {
  struct af_error e;
  af_error_set(&e, -AF_EIO, AF_CLASS_INTERNAL, "Inner", "inside");
  af_error_set(&e, -AF_EIO, AF_CLASS_INTERNAL, e.code, "outside: %s", e.message);
  assert_string_equal(e.message, "outside: inside");
  assert_string_equal(e.code, "Inner");
  af_error_hint(&e, "first");
  af_error_hint(&e, "%s, second", e.hint);
  assert_string_equal(e.hint, "first, second");
}

TEST(a_message_stays_on_its_line) {
  struct af_error e;
  af_error_set(&e, -AF_EIO, AF_CLASS_INTERNAL, "X", "%s", "a\nb\tc\x1b[0m\x7f");
  assert_string_equal(e.message, "a b c [0m ");
}

TEST(what_others_wrote_becomes_a_line_that_can_be_stored) {
  struct af_error e;
  AF_ERROR_TEXT(e.code, af_str("Bad\nCode\x7f"));
  assert_string_equal(e.code, "Bad Code ");
  AF_ERROR_TEXT(e.message, af_str_n("z\xC3\xBC\xFFric\0h \xE2\x82", 11));
  assert_string_equal(e.message, "z\xC3\xBC?ric");
  AF_ERROR_TEXT(e.message, af_str("cut \xE2\x82"));
  assert_string_equal(e.message, "cut ??");
  af_error_set(&e, -AF_EIO, AF_CLASS_INTERNAL, "X", "%.5s", "1234\xE2\x82\xAC");
  assert_string_equal(e.message, "1234?");
}

TEST(a_long_message_is_cut_where_a_character_ends) {
  char text[1100];
  for (size_t pad = 0; pad < 6; pad++) {
    struct af_error e;
    memset(text, 'x', pad);
    for (size_t i = pad; i + 4 < sizeof text; i += 4)
      memcpy(text + i, "\xF0\x9F\x98\x80", 5);
    af_error_set(&e, -AF_EIO, AF_CLASS_INTERNAL, "X", "%s", text);
    assert_true(af_str_utf8(af_str(e.message)));
    assert_in_range(strlen(e.message), sizeof e.message - 4, sizeof e.message - 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_class_has_a_name_that_leads_back_to_it),
      cmocka_unit_test(setting_an_error_clears_the_rest_and_returns_the_code),
      cmocka_unit_test(no_error_struct_is_no_harm),
      cmocka_unit_test(an_error_can_be_wrapped_in_itself),
      cmocka_unit_test(a_message_stays_on_its_line),
      cmocka_unit_test(what_others_wrote_becomes_a_line_that_can_be_stored),
      cmocka_unit_test(a_long_message_is_cut_where_a_character_ends),
  };
  return cmocka_run_group_tests_name("base/error", tests, NULL, NULL);
}
