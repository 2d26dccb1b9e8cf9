/* base/time.h: the text forms, both ways, checked against libc's calendar. */
#include "tests/unit/test.h"

#include <time.h>

#include "base/random.h"

/* 2026-11-23T06:29:00.123Z */
#define MONDAY INT64_C(1795415340123)

TEST(a_time_is_written_in_each_form) {
  char out[AF_TIME_SIZE];
  af_time_iso(MONDAY, out);
  assert_string_equal(out, "2026-11-23T06:29:00.123Z");
  af_time_iso_s(MONDAY, out);
  assert_string_equal(out, "2026-11-23T06:29:00Z");
  af_time_basic(MONDAY, out);
  assert_string_equal(out, "20261123T062900Z");
  af_time_http(MONDAY, out);
  assert_string_equal(out, "Mon, 23 Nov 2026 06:29:00 GMT");
}

TEST(the_calendar_agrees_with_libc_from_year_0_to_9999) {
  struct af_random_seeded r;
  af_random_seed(&r, 1);
  for (int i = 0; i < 20000; i++) {
    int64_t s = (int64_t)af_random_below(&r.random, 315569520000) - 62167219200;
    time_t t = (time_t)s;
    struct tm tm;
    assert_non_null(gmtime_r(&t, &tm));
    char want[64], out[AF_TIME_SIZE];
    strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (tm.tm_year + 1900 < 1000) /* %Y is not padded */
      continue;
    af_time_http(s * 1000 + 999, out);
    assert_string_equal(out, want);
  }
}

TEST(what_is_written_is_read_back) {
  struct af_random_seeded r;
  af_random_seed(&r, 2);
  static void (*const forms[])(int64_t, char *) = {af_time_iso, af_time_iso_s, af_time_basic, af_time_http};
  for (int i = 0; i < 20000; i++) {
    int64_t ms = (int64_t)af_random_below(&r.random, 315569520000000) - 62167219200000;
    for (size_t f = 0; f < COUNT(forms); f++) {
      char out[AF_TIME_SIZE];
      int64_t got = -1;
      forms[f](ms, out);
      assert_int_equal(af_time_parse(af_str(out), &got), 0);
      int64_t fraction = f == 0 ? 0 : ((ms % 1000) + 1000) % 1000;
      assert_true(got == ms - fraction);
    }
  }
}

TEST(offsets_fractions_and_short_forms_are_read) {
  static const struct {
    const char *text;
    int64_t ms;
  } cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01", 0},
      {"1970-01-01T00:00:00", 0},
      {"1970-01-01 00:00:01Z", 1000},
      {"1970-01-01T01:00:00+01:00", 0},
      {"1970-01-01T01:00:00+0100", 0},
      {"1969-12-31T18:30:00-05:30", 0},
      {"1970-01-01T00:00:00.5Z", 500},
      {"1970-01-01T00:00:00.123456789Z", 123},
      {"19700101T000001.02Z", 1020},
      {"1969-12-31T23:59:59.999Z", -1},
      {"2024-02-29T00:00:00Z", 1709164800000},
      {"2000-02-29T00:00:00Z", 951782400000},
      {"2016-12-31T23:59:60Z", 1483228800000},
      {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    int64_t ms = -7;
    if (af_time_parse(af_str(cases[i].text), &ms) != 0 || ms != cases[i].ms)
      fail_msg("%s gave %lld", cases[i].text, (long long)ms);
  }
}

TEST(what_is_no_time_is_refused_and_changes_nothing) {
  static const char *const bad[] = {
      "", "now", "2026", "2026-11", "2026-13-01", "2026-00-01", "2026-11-31", "2026-02-29", "1900-02-29", "2026-11-23T",
      "2026-11-23T24:00:00Z", "2026-11-23T06:60:00Z", "2026-11-23T06:29:61Z", "2026-11-23T06:29Z", "2026-11-23T06:29:00.Z",
      "2026-11-23T06:29:00Zx", "2026-11-23T06:29:00+1", "2026-11-23T06:29:00+24:00", "2026-11-23T06:29:00 +01:00",
      "2026-1123T062900Z", "2026-11-23T06:2900Z", " 2026-11-23", "2026-11-23 ", "+2026-11-23", "-2026-11-23",
      "Mon, 23 Nov 2026 06:29:00", "Mon, 23 Nov 2026 06:29:00 CET", "Mon, 23 Foo 2026 06:29:00 GMT",
      "Xxx, 23 Nov 2026 06:29:00 GMT", "Mon, 31 Nov 2026 06:29:00 GMT", "Mon, 2",
  };
  for (size_t i = 0; i < COUNT(bad); i++) {
    int64_t ms = 77;
    if (af_time_parse(af_str(bad[i]), &ms) != -AF_EINVAL || ms != 77)
      fail_msg("\"%s\" was read as %lld", bad[i], (long long)ms);
  }
}

TEST(a_text_that_ends_anywhere_is_refused_or_shorter) {
  const char *text = "2026-11-23T06:29:00.123+01:00";
  for (size_t n = 0; n < strlen(text); n++) {
    char cut[40];
    int64_t ms;
    memcpy(cut, text, n); /* no byte behind the view may be read: valgrind and the sanitizer see it */
    (void)af_time_parse(af_str_n(cut, n), &ms);
  }
}

TEST(times_beyond_the_four_digit_years_are_held_at_their_ends) {
  char out[AF_TIME_SIZE];
  af_time_iso(INT64_MAX, out);
  assert_string_equal(out, "9999-12-31T23:59:59.999Z");
  af_time_iso(INT64_MIN, out);
  assert_string_equal(out, "0000-01-01T00:00:00.000Z");
}

TEST(spans_are_short_for_people) {
  static const struct {
    int64_t ms;
    const char *text;
  } cases[] = {
      {0, "0ms"}, {850, "850ms"}, {999, "999ms"}, {1000, "1s"}, {12000, "12s"}, {59999, "59s"}, {60000, "1m00s"},
      {243000, "4m03s"}, {3599999, "59m59s"}, {3600000, "1h00m"}, {7500000, "2h05m"}, {86400000, "1d00h"},
      {273600000, "3d04h"}, {-850, "-850ms"}, {-243000, "-4m03s"},
      {INT64_MAX, "106751991167d07h"}, {INT64_MIN, "-106751991167d07h"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    char out[AF_TIME_SIZE];
    af_time_span(cases[i].ms, out);
    assert_string_equal(out, cases[i].text);
  }
}

TEST(the_systems_clocks_run) {
  const struct af_clock *c = af_clock_system();
  assert_true(af_now_ms(c) > INT64_C(1700000000000));
  int64_t first = af_mono_ms(c);
  assert_true(af_mono_ms(c) >= first);
}

TEST(a_steady_clock_stays_where_the_systems_is_set) {
  struct test_clock set;
  struct af_steady s;
  test_clock_init(&set, 1000000);
  af_steady_init(&s, &set.clock);
  assert_int_equal(af_now_ms(&s.clock), 1000000);
  set.now_ms -= 500000;
  test_clock_advance(&set, 20);
  assert_int_equal(af_now_ms(&s.clock), 1000020);
  assert_int_equal(af_mono_ms(&s.clock), af_mono_ms(&set.clock));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_steady_clock_stays_where_the_systems_is_set),
      cmocka_unit_test(a_time_is_written_in_each_form),
      cmocka_unit_test(the_calendar_agrees_with_libc_from_year_0_to_9999),
      cmocka_unit_test(what_is_written_is_read_back),
      cmocka_unit_test(offsets_fractions_and_short_forms_are_read),
      cmocka_unit_test(what_is_no_time_is_refused_and_changes_nothing),
      cmocka_unit_test(a_text_that_ends_anywhere_is_refused_or_shorter),
      cmocka_unit_test(times_beyond_the_four_digit_years_are_held_at_their_ends),
      cmocka_unit_test(spans_are_short_for_people),
      cmocka_unit_test(the_systems_clocks_run),
  };
  return cmocka_run_group_tests_name("base/time", tests, NULL, NULL);
}
