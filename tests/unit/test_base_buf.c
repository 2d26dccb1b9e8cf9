/* base/buf.h: growing, the maximum, the failure that sticks, files, and the wiping of secrets. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "tests/unit/watch_free.h"

TEST(a_new_buffer_is_the_empty_string_without_memory) {
  struct af_buf b;
  af_buf_init(&b, 10);
  assert_null(b.ptr);
  assert_string_equal(af_buf_cstr(&b), "");
  assert_int_equal(af_buf_view(&b).len, 0);
  af_buf_done(&b);
  af_buf_done(NULL);
}

TEST(a_buffer_grows_and_stays_terminated) {
  struct af_buf b;
  af_buf_init(&b, 10000);
  for (int i = 0; i < 10000; i++) {
    af_buf_putc(&b, (char)('a' + i % 26));
    assert_int_equal(b.ptr[b.len], 0);
  }
  assert_int_equal(af_buf_rc(&b), 0);
  assert_int_equal(strlen(af_buf_cstr(&b)), 10000);
  assert_true(b.size <= 10001);
  af_buf_done(&b);
}

TEST(a_buffer_takes_its_maximum_and_not_a_byte_more) {
  struct af_buf b;
  af_buf_init(&b, 5);
  af_buf_puts(&b, "12345");
  assert_int_equal(af_buf_rc(&b), 0);
  af_buf_putc(&b, '6');
  assert_int_equal(af_buf_rc(&b), -AF_ETOOBIG);
  assert_string_equal(af_buf_cstr(&b), "12345");
  assert_true(b.size <= 6);
  af_buf_done(&b);
}

TEST(the_first_failure_sticks_until_the_reset) {
  struct af_buf b;
  af_buf_init(&b, 4);
  af_buf_puts(&b, "too long");
  af_buf_puts(&b, "ok");
  af_buf_printf(&b, "%d", 1);
  af_buf_str(&b, af_str("x"));
  assert_int_equal(af_buf_rc(&b), -AF_ETOOBIG);
  assert_string_equal(af_buf_cstr(&b), "");
  af_buf_reset(&b);
  af_buf_puts(&b, "ok");
  assert_int_equal(af_buf_rc(&b), 0);
  assert_string_equal(af_buf_cstr(&b), "ok");
  af_buf_done(&b);
}

TEST(printf_appends_at_every_length_around_the_allocation) {
  char xs[300];
  memset(xs, 'x', sizeof xs);
  for (int n = 0; n < 299; n++) {
    struct af_buf b;
    af_buf_init(&b, 1000);
    af_buf_puts(&b, "<");
    af_buf_printf(&b, "%.*s%d", n, xs, 7);
    af_buf_puts(&b, ">");
    assert_int_equal(af_buf_rc(&b), 0);
    assert_int_equal(b.len, n + 3);
    assert_memory_equal(af_buf_cstr(&b) + 1, xs, n);
    assert_string_equal(af_buf_cstr(&b) + n + 1, "7>");
    af_buf_done(&b);
  }
}

TEST(printf_stops_at_the_maximum_and_adds_nothing) {
  struct af_buf b;
  af_buf_init(&b, 6);
  af_buf_printf(&b, "%s", "abc");
  af_buf_printf(&b, "%s", "defg");
  assert_int_equal(af_buf_rc(&b), -AF_ETOOBIG);
  assert_string_equal(af_buf_cstr(&b), "abc");
  af_buf_done(&b);
}

TEST(zero_bytes_are_kept) {
  struct af_buf b;
  af_buf_init(&b, 10);
  af_buf_add(&b, "a\0b", 3);
  af_buf_add(&b, NULL, 0);
  assert_int_equal(b.len, 3);
  assert_memory_equal(b.ptr, "a\0b", 4);
  af_buf_done(&b);
}

TEST(a_stolen_text_is_the_callers_and_leaves_an_empty_buffer) {
  struct af_buf b;
  af_buf_init(&b, 10);
  char *empty = af_buf_steal(&b);
  assert_string_equal(empty, "");
  free(empty);
  af_buf_puts(&b, "hello");
  char *text = af_buf_steal(&b);
  assert_string_equal(text, "hello");
  free(text);
  assert_int_equal(b.len, 0);
  af_buf_puts(&b, "again");
  assert_string_equal(af_buf_cstr(&b), "again");
  af_buf_puts(&b, "and far too much");
  assert_null(af_buf_steal(&b));
  assert_int_equal(b.len, 0);
  af_buf_done(&b);
}

TEST(a_secret_buffer_leaves_no_copy_behind_when_it_moves_or_ends) {
  struct af_buf b;
  leaks_watched = true;
  af_buf_init_secret(&b, 100000);
  af_buf_puts(&b, "my SECRET");
  char *first = b.ptr;
  for (int i = 0; i < 1000; i++)
    af_buf_printf(&b, " more and more text %d", i);
  assert_int_equal(af_buf_rc(&b), 0);
  assert_ptr_not_equal(b.ptr, first);
  af_buf_done(&b);
  leaks_watched = false;
  assert_int_equal(leaks, 0);
}

TEST(a_secret_buffer_is_blank_after_a_reset) {
  struct af_buf b;
  af_buf_init_secret(&b, 100);
  af_buf_puts(&b, "my SECRET");
  af_buf_reset(&b);
  for (size_t i = 0; i < b.size; i++)
    assert_int_equal(b.ptr[i], 0);
  af_buf_done(&b);
}

static void write_file(char path[32], size_t bytes) {
  memcpy(path, "/tmp/test_base_buf.XXXXXX", 26);
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  for (size_t i = 0; i < bytes; i++)
    assert_int_equal(write(fd, "x", 1), 1);
  close(fd);
}

TEST(a_file_is_read_whole_up_to_the_maximum) {
  char path[32];
  write_file(path, 1000);
  struct af_error err;
  struct af_buf b;
  af_buf_init(&b, 1000);
  assert_ok(af_buf_read_file(&b, path, &err), &err);
  assert_int_equal(b.len, 1000);
  af_buf_done(&b);
  af_buf_init(&b, 999);
  assert_error(af_buf_read_file(&b, path, &err), -AF_ETOOBIG, &err, "longer than 999 bytes");
  assert_contains(err.message, path);
  af_buf_done(&b);
  unlink(path);
}

TEST(an_absent_file_and_a_folder_are_told_apart) {
  struct af_error err;
  struct af_buf b;
  af_buf_init(&b, 1000);
  assert_error(af_buf_read_file(&b, "/nonexistent/file", &err), -AF_ENOENT, &err, "/nonexistent/file: cannot read: No such");
  assert_string_equal(err.resource, "/nonexistent/file");
  assert_error(af_buf_read_file(&b, "/", &err), -AF_EIO, &err, "directory");
  af_buf_done(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_buffer_is_the_empty_string_without_memory),
      cmocka_unit_test(a_buffer_grows_and_stays_terminated),
      cmocka_unit_test(a_buffer_takes_its_maximum_and_not_a_byte_more),
      cmocka_unit_test(the_first_failure_sticks_until_the_reset),
      cmocka_unit_test(printf_appends_at_every_length_around_the_allocation),
      cmocka_unit_test(printf_stops_at_the_maximum_and_adds_nothing),
      cmocka_unit_test(zero_bytes_are_kept),
      cmocka_unit_test(a_stolen_text_is_the_callers_and_leaves_an_empty_buffer),
      cmocka_unit_test(a_secret_buffer_leaves_no_copy_behind_when_it_moves_or_ends),
      cmocka_unit_test(a_secret_buffer_is_blank_after_a_reset),
      cmocka_unit_test(a_file_is_read_whole_up_to_the_maximum),
      cmocka_unit_test(an_absent_file_and_a_folder_are_told_apart),
  };
  return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
