/* base/str.h: comparing, numbers, UTF-8, copies that are cut, globs. */
#include "tests/unit/test.h"

#include <stdlib.h>

TEST(views_are_equal_by_their_bytes) {
  assert_true(af_str_eq(af_str("abc"), af_str_n("abcd", 3)));
  assert_true(af_str_eq(af_str(NULL), af_str("")));
  assert_false(af_str_eq(af_str("abc"), af_str("abd")));
  assert_false(af_str_eq(af_str("abc"), af_str("ab")));
  assert_true(af_str_starts(af_str("ami-123"), "ami-"));
  assert_true(af_str_starts(af_str(NULL), ""));
  assert_false(af_str_starts(af_str("am"), "ami-"));
}

TEST(trimming_takes_ascii_white_space_from_both_ends) {
  assert_str_equal(af_str_trim(af_str(" \t\r\n a b\v\f ")), "a b");
  assert_str_equal(af_str_trim(af_str("   ")), "");
  assert_str_equal(af_str_trim(af_str(NULL)), "");
}

TEST(numbers_are_read_whole_or_not_at_all) {
  static const struct {
    const char *text;
    int rc;
    int64_t value;
  } cases[] = {
      {"0", 0, 0}, {"-0", 0, 0}, {"42", 0, 42}, {"+42", 0, 42}, {"-42", 0, -42}, {"007", 0, 7},
      {"9223372036854775807", 0, INT64_MAX}, {"-9223372036854775808", 0, INT64_MIN},
      {"9223372036854775808", -AF_ETOOBIG, 0}, {"-9223372036854775809", -AF_ETOOBIG, 0},
      {"99999999999999999999999", -AF_ETOOBIG, 0}, {"99999999999999999999999x", -AF_EINVAL, 0},
      {"", -AF_EINVAL, 0}, {"-", -AF_EINVAL, 0}, {"+-1", -AF_EINVAL, 0}, {" 1", -AF_EINVAL, 0}, {"1 ", -AF_EINVAL, 0},
      {"1.0", -AF_EINVAL, 0}, {"0x10", -AF_EINVAL, 0}, {"1e3", -AF_EINVAL, 0},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    int64_t value = 77;
    assert_int_equal(af_str_to_i64(af_str(cases[i].text), &value), cases[i].rc);
    assert_true(value == (cases[i].rc == 0 ? cases[i].value : 77));
  }
}

TEST(unsigned_numbers_have_no_sign) {
  uint64_t value = 77;
  assert_int_equal(af_str_to_u64(af_str("18446744073709551615"), &value), 0);
  assert_true(value == UINT64_MAX);
  value = 77;
  assert_int_equal(af_str_to_u64(af_str("18446744073709551616"), &value), -AF_ETOOBIG);
  assert_int_equal(af_str_to_u64(af_str("-1"), &value), -AF_EINVAL);
  assert_int_equal(af_str_to_u64(af_str("+1"), &value), -AF_EINVAL);
  assert_true(value == 77);
}

TEST(a_copy_is_cut_where_a_character_ends) {
  char out[6];
  assert_true(af_str_copy(out, sizeof out, af_str("12345")));
  assert_string_equal(out, "12345");
  assert_false(AF_COPY(out, af_str("123456")));
  assert_string_equal(out, "12345");
  assert_false(AF_COPY(out, af_str("1234\xC3\xA9")));
  assert_string_equal(out, "1234");
  assert_false(AF_COPY(out, af_str("12\xF0\x9F\x98\x80")));
  assert_string_equal(out, "12");
  assert_true(AF_COPY(out, af_str(NULL)));
  assert_string_equal(out, "");
  assert_false(af_str_copy(out, 1, af_str("x")));
  assert_string_equal(out, "");
}

TEST(a_duplicate_is_terminated) {
  char *copy = af_str_dup(af_str_n("abcdef", 3));
  assert_string_equal(copy, "abc");
  free(copy);
  copy = af_str_dup(af_str(NULL));
  assert_string_equal(copy, "");
  free(copy);
}

TEST(only_well_formed_utf8_without_nul_passes) {
  static const char *const good[] = {"", "plain", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                                     "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "a\xE2\x82\xAC_"};
  static const char *const bad[] = {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                                    "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE2\x82", "\xF0\x9F\x98",
                                    "\xE2\x28\xA1", "\xC3("};
  for (size_t i = 0; i < COUNT(good); i++)
    assert_true(af_str_utf8(af_str(good[i])));
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_false(af_str_utf8(af_str(bad[i])));
  assert_false(af_str_utf8(af_str_n("a\0b", 3)));
}

TEST(globs_match_runs_and_single_bytes) {
  static const struct {
    const char *pattern, *text;
    bool match;
  } cases[] = {
      {"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "abc", true}, {"a*c", "abbbc", true}, {"a*c", "abbb", false},
      {"?", "a", true}, {"?", "", false}, {"a?c", "abc", true}, {"*.iso", "disk.iso", true}, {"*.iso", "disk.iso.gz", false},
      {"*a*b*", "xxaxxbxx", true}, {"*ab*ab", "abab", true}, {"*ab*ab", "ab", false}, {"**", "x", true}, {"a**", "a", true},
      {"[a]", "[a]", true}, {"[a]", "a", false}, {"\\*", "\\x", true},
  };
  for (size_t i = 0; i < COUNT(cases); i++)
    if (af_str_glob(af_str(cases[i].pattern), af_str(cases[i].text)) != cases[i].match)
      fail_msg("%s on %s", cases[i].pattern, cases[i].text);
}

TEST(a_hostile_glob_ends_soon) {
  char text[5000], pattern[5000];
  memset(text, 'a', sizeof text);
  for (size_t i = 0; i < sizeof pattern; i++)
    pattern[i] = i % 2 ? 'a' : '*';
  pattern[sizeof pattern - 1] = 'b';
  assert_false(af_str_glob(af_str_n(pattern, sizeof pattern), af_str_n(text, sizeof text)));
}

TEST(a_word_that_nobody_knows_is_near_one_that_was_meant) {
  static const char *const known[] = {"plan", "run", "resume", "status", NULL};
  assert_string_equal(af_str_nearest(af_str("stauts"), known), "status");
  assert_string_equal(af_str_nearest(af_str("RESUM"), known), "resume");
  assert_string_equal(af_str_nearest(af_str("rn"), known), "run");
  assert_null(af_str_nearest(af_str("go"), known));
  assert_null(af_str_nearest(af_str(""), known));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(views_are_equal_by_their_bytes),
      cmocka_unit_test(trimming_takes_ascii_white_space_from_both_ends),
      cmocka_unit_test(numbers_are_read_whole_or_not_at_all),
      cmocka_unit_test(unsigned_numbers_have_no_sign),
      cmocka_unit_test(a_copy_is_cut_where_a_character_ends),
      cmocka_unit_test(a_duplicate_is_terminated),
      cmocka_unit_test(only_well_formed_utf8_without_nul_passes),
      cmocka_unit_test(globs_match_runs_and_single_bytes),
      cmocka_unit_test(a_hostile_glob_ends_soon),
      cmocka_unit_test(a_word_that_nobody_knows_is_near_one_that_was_meant),
  };
  return cmocka_run_group_tests_name("base/str", tests, NULL, NULL);
}
