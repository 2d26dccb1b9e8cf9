/* base/log.h: the form of records, and what the redactor blanks. The secrets here are AWS's documented examples. */
#include "tests/unit/test.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/log.h"

#define KEY_ID "AKIAIOSFODNN7EXAMPLE"
#define SECRET_KEY "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

static struct test_clock fixed;
static char *written;
static size_t written_size;
static struct af_log sink;

static int open_log(void **state) {
  test_clock_init(&fixed, INT64_C(1795415340123));
  sink = (struct af_log){.out = open_memstream(&written, &written_size), .level = AF_LOG_INFO, .clock = &fixed.clock};
  return sink.out ? 0 : -1;
}

static int close_log(void **state) {
  fclose(sink.out);
  free(written);
  return 0;
}

TEST(a_text_record_is_one_line_with_its_fields) {
  const struct af_log_field fields[] = {{"copy", "c-1"}, {"left_out", NULL}, {"note", "two words"}, {"empty", ""}, {NULL}};
  af_log_write(&sink, AF_LOG_INFO, fields, "copied %d of %d", 1, 2);
  assert_string_equal(written, "2026-11-23T06:29:00Z info copied 1 of 2 copy=c-1 note=\"two words\" empty=\"\"\n");
}

TEST(a_record_cannot_forge_a_second_one) {
  const struct af_log_field fields[] = {{"name", "x\n2026 error \"y\"\\"}, {NULL}};
  af_log_write(&sink, AF_LOG_WARN, fields, "a\nb\x1b[31m\xff");
  assert_string_equal(written, "2026-11-23T06:29:00Z warn a\\nb\\x1b[31m\\xff name=\"x\\n2026 error \\\"y\\\"\\\\\"\n");
}

TEST(a_json_record_is_one_object_on_one_line) {
  const struct af_log_field fields[] = {{"name", "q\"uote\n"}, {"bad", "\xff"}, {"gone", NULL}, {NULL}};
  sink.format = AF_LOG_JSON;
  af_log_write(&sink, AF_LOG_ERROR, fields, "h\xC3\xA9llo");
  assert_string_equal(written, "{\"time\":\"2026-11-23T06:29:00Z\",\"level\":\"error\",\"message\":\"h\xC3\xA9llo\","
                               "\"name\":\"q\\\"uote\\n\",\"bad\":\"\\\\xff\"}\n");
}

TEST(records_below_the_level_are_left_out) {
  af_log_write(&sink, AF_LOG_DEBUG, NULL, "too fine");
  fflush(sink.out);
  assert_int_equal(written_size, 0);
  sink.level = AF_LOG_DEBUG;
  af_log_write(&sink, AF_LOG_DEBUG, NULL, "wanted");
  assert_contains(written, "debug wanted\n");
}

TEST(no_log_and_no_stream_are_no_harm) {
  const struct af_log none = {.out = NULL, .level = AF_LOG_DEBUG};
  af_log_write(NULL, AF_LOG_ERROR, NULL, "x");
  af_log_write(&none, AF_LOG_ERROR, NULL, "x");
}

TEST(a_long_message_is_cut_and_still_a_line) {
  char text[20000];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = 0;
  af_log_write(&sink, AF_LOG_INFO, NULL, "%s", text);
  assert_in_range(written_size, 8000, 9000);
  assert_int_equal(written[written_size - 1], '\n');
}

TEST(secrets_in_messages_and_fields_are_blank_in_both_forms) {
  const struct af_log_field fields[] = {{"SecretAccessKey", SECRET_KEY}, {"url", "https://x/?X-Amz-Signature=abc123&a=b"}, {NULL}};
  for (int format = AF_LOG_TEXT; format <= AF_LOG_JSON; format++) {
    sink.format = (enum af_log_format)format;
    af_log_write(&sink, AF_LOG_INFO, fields, "key %s", KEY_ID);
  }
  assert_lacks(written, "wJalr");
  assert_lacks(written, "abc123");
  assert_lacks(written, "AKIA");
  assert_contains(written, "info key [redacted] SecretAccessKey=[redacted] url=\"https://x/?X-Amz-Signature=[redacted]&a=b\"\n");
  assert_contains(written, "\"SecretAccessKey\":\"[redacted]\"");
}

TEST(the_redactor_blanks_secrets_in_every_form_they_meet_us_in) {
  static const struct {
    const char *text, *want;
  } cases[] = {
      {"nothing here", "nothing here"},
      {"", ""},
      {"Authorization: AWS4-HMAC-SHA256 Credential=" KEY_ID "/2026, Signature=ab\r\nHost: x", "Authorization: [redacted]\r\nHost: x"},
      {"x-amz-security-token: IQoJb3JpZ2lu//w==\nnext", "x-amz-security-token: [redacted]\nnext"},
      {"?X-Amz-Credential=" KEY_ID "%2F2026&X-Amz-Date=1", "?X-Amz-Credential=[redacted]&X-Amz-Date=1"},
      {"X-Amz-Security-Token%3DIQoJ%26x", "X-Amz-Security-Token%3D[redacted]"},
      {"{\"SecretAccessKey\": \"" SECRET_KEY "\", \"a\": 1}", "{\"SecretAccessKey\": \"[redacted]\", \"a\": 1}"},
      {"{\"SecretAccessKey\":\"abc\\/def\\\"ghi\"}", "{\"SecretAccessKey\":\"[redacted]\"}"},
      {"{\\\"SessionToken\\\":\\\"abc\\/d\\\",\\\"a\\\":1}", "{\\\"SessionToken\\\":\\\"[redacted]\\\",\\\"a\\\":1}"},
      {"<SessionToken>abc</SessionToken> <Expiration>1</Expiration>",
       "<SessionToken>[redacted]</SessionToken> <Expiration>1</Expiration>"},
      {"aws_secret_access_key = " SECRET_KEY "\nregion = x", "aws_secret_access_key = [redacted]\nregion = x"},
      {"AWS_SESSION_TOKEN=abc def", "AWS_SESSION_TOKEN=[redacted] def"},
      {"AuthorizationToken: abc def", "AuthorizationToken: [redacted] def"},
      {"(" KEY_ID ")", "([redacted])"},
      {"ASIAQWERTYUIOPASDFGH", "[redacted]"},
      {"ASIA is far, AKIA short, AKIA123", "ASIA is far, AKIA short, AKIA123"},
      {"encoded authorization failure message", "encoded authorization failure message"},
      {"SessionToken", "SessionToken"},
      {"SessionToken=", "SessionToken="},
      {"SessionToken=\"", "SessionToken=\""},
      {"SessionToken=\"unclosed text", "SessionToken=\"[redacted]"},
      {"SessionToken=\"ends in \\", "SessionToken=\"[redacted]"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct af_buf out;
    af_buf_init(&out, 1000);
    af_redact(&out, af_str(cases[i].text));
    assert_string_equal(af_buf_cstr(&out), cases[i].want);
    af_buf_done(&out);
  }
}

TEST(levels_are_read_by_name) {
  enum af_log_level level = AF_LOG_INFO;
  assert_int_equal(af_log_level_parse("debug", &level), 0);
  assert_int_equal(level, AF_LOG_DEBUG);
  assert_int_equal(af_log_level_parse("loud", &level), -AF_EINVAL);
  assert_int_equal(level, AF_LOG_DEBUG);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, open_log, close_log)

int main(void) {
  const struct CMUnitTest tests[] = {
      LOG_TEST(a_text_record_is_one_line_with_its_fields),
      LOG_TEST(a_record_cannot_forge_a_second_one),
      LOG_TEST(a_json_record_is_one_object_on_one_line),
      LOG_TEST(records_below_the_level_are_left_out),
      LOG_TEST(no_log_and_no_stream_are_no_harm),
      LOG_TEST(a_long_message_is_cut_and_still_a_line),
      LOG_TEST(secrets_in_messages_and_fields_are_blank_in_both_forms),
      cmocka_unit_test(the_redactor_blanks_secrets_in_every_form_they_meet_us_in),
      cmocka_unit_test(levels_are_read_by_name),
  };
  return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
