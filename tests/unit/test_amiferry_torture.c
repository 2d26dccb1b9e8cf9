/* tools/amiferry/output.h when memory runs out: what is printed is the whole or nothing, and a command that could not print all says so. */
#include "tests/unit/copy_fixture.h"
#include "tests/unit/fail_alloc.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/amiferry/output.h"

static char name[] = "/tmp/amiferry-output-XXXXXX";
static int real_stdout, file;

static int take_stdout(void **state) {
  file = mkstemp(name);
  fflush(stdout);
  real_stdout = dup(STDOUT_FILENO);
  return file < 0 || real_stdout < 0 ? -1 : 0;
}

static int give_stdout_back(void **state) {
  (void)close(file);
  (void)close(real_stdout);
  return unlink(name);
}

/* What print() writes to standard output with the n-th allocation failing; whether flush called it whole. */
static bool printed(void (*print)(void), long n, char *text, size_t size, bool *ret_struck) {
  af_print_begin();
  fflush(stdout);
  assert_int_equal(ftruncate(file, 0), 0);
  assert_int_equal(lseek(file, 0, SEEK_SET), 0);
  assert_int_equal(dup2(file, STDOUT_FILENO), STDOUT_FILENO);
  allocations_left = n;
  print();
  *ret_struck = allocations_left < 0;
  allocations_left = -1;
  int said = dup(STDERR_FILENO), none = open("/dev/null", O_WRONLY | O_CLOEXEC);
  (void)dup2(none, STDERR_FILENO);
  bool whole = af_print_flush();
  (void)dup2(said, STDERR_FILENO);
  (void)close(said);
  (void)close(none);
  fflush(stdout);
  (void)dup2(real_stdout, STDOUT_FILENO);
  ssize_t len = pread(file, text, size - 1, 0);
  assert_true(len >= 0);
  text[len] = 0;
  return whole;
}

static void torture(void (*print)(void), int least) {
  static char want[65536], got[65536];
  bool struck = true;
  int n = 0;
  assert_true(printed(print, LONG_MAX, want, sizeof want, &struck));
  assert_true(*want);
  for (struck = true; struck; n++) {
    if (!printed(print, n, got, sizeof got, &struck)) continue; /* it said so */
    assert_string_equal(got, want);
    assert_true(n < 10000);
  }
  assert_true(n > least);
}

static void prints_a_list(void) {
  struct copy_fixture f;
  struct af_list list;
  copy_fixture_init(&f, AF_COPY_WORKING, "working", "web");
  af_list_begin(&list, AF_OUTPUT_JSON);
  for (int i = 0; i < 3; i++) af_list_add(&list, af_json_copy(&f.view));
  af_list_end(&list);
}

static void prints_lines(void) {
  struct copy_fixture f;
  struct af_list list;
  copy_fixture_init(&f, AF_COPY_WORKING, "working", "web");
  af_list_begin(&list, AF_OUTPUT_NDJSON);
  af_list_add(&list, af_json_copy(&f.view));
  af_list_end(&list);
}

TEST(a_json_document_is_printed_whole_or_not_at_all) {
  torture(prints_a_list, 50);
  torture(prints_lines, 20);
}

static void prints_a_text(void) {
  static const struct af_terminal plain = {.tty = false};
  struct copy_fixture f;
  struct af_buf text;
  copy_fixture_init(&f, AF_COPY_WORKING, "working", "web");
  af_buf_init(&text, 1 << 20);
  for (int i = 0; i < 50; i++) af_put_result(&text, &f.view, &plain);
  af_print_text(&text);
  af_buf_done(&text);
}

TEST(a_text_is_printed_whole_or_not_at_all) {
  torture(prints_a_text, 2);
}

TEST(when_a_step_is_needed_is_said_without_memory) {
  struct af_route_leg leg, poor;
  size_t conditional = 0;
  for (size_t i = 0; af_route_leg(i, &leg); i++) {
    allocations_left = 0;
    assert_true(af_route_leg(i, &poor));
    allocations_left = -1;
    assert_string_equal(poor.when, leg.when);
    conditional += *leg.when != 0;
  }
  assert_true(conditional > 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_json_document_is_printed_whole_or_not_at_all),
      cmocka_unit_test(a_text_is_printed_whole_or_not_at_all),
      cmocka_unit_test(when_a_step_is_needed_is_said_without_memory),
  };
  return cmocka_run_group_tests_name("amiferry torture", tests, take_stdout, give_stdout_back);
}
