/* base/secret.h: secrets are kept, copied and wiped. */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "base/secret.h"
#include "tests/unit/watch_free.h"

TEST(a_zeroed_secret_is_empty) {
  struct af_secret s = {0};
  assert_true(af_secret_empty(&s));
  assert_int_equal(af_secret_reveal(&s).len, 0);
  af_secret_done(&s);
  af_secret_done(NULL);
}

TEST(a_secret_reveals_what_was_set) {
  struct af_secret s = {0};
  assert_int_equal(af_secret_set(&s, af_str_n("SECRET and the rest", 6)), 0);
  assert_false(af_secret_empty(&s));
  assert_str_equal(af_secret_reveal(&s), "SECRET");
  assert_int_equal(af_secret_set(&s, af_str("")), 0);
  assert_true(af_secret_empty(&s));
}

TEST(a_copy_stands_on_its_own) {
  struct af_secret a = {0}, b = {0};
  assert_int_equal(af_secret_set(&a, af_str("SECRET one")), 0);
  assert_int_equal(af_secret_copy(&b, &a), 0);
  af_secret_done(&a);
  assert_str_equal(af_secret_reveal(&b), "SECRET one");
  assert_int_equal(af_secret_copy(&b, &b), 0);
  assert_str_equal(af_secret_reveal(&b), "SECRET one");
  assert_int_equal(af_secret_copy(&b, &a), 0);
  assert_true(af_secret_empty(&b));
}

TEST(a_secret_can_be_set_to_a_part_of_itself) {
  struct af_secret s = {0};
  assert_int_equal(af_secret_set(&s, af_str("the SECRET")), 0);
  struct af_str view = af_secret_reveal(&s);
  assert_int_equal(af_secret_set(&s, af_str_n(view.ptr + 4, 6)), 0);
  assert_str_equal(af_secret_reveal(&s), "SECRET");
  af_secret_done(&s);
}

TEST(nothing_of_a_secret_is_left_when_it_changes_or_ends) {
  struct af_secret s = {0};
  leaks_watched = true;
  assert_int_equal(af_secret_set(&s, af_str("the first SECRET of two")), 0);
  assert_int_equal(af_secret_set(&s, af_str("the second SECRET of two")), 0);
  af_secret_done(&s);
  leaks_watched = false;
  assert_int_equal(leaks, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_zeroed_secret_is_empty),
      cmocka_unit_test(a_secret_reveals_what_was_set),
      cmocka_unit_test(a_copy_stands_on_its_own),
      cmocka_unit_test(a_secret_can_be_set_to_a_part_of_itself),
      cmocka_unit_test(nothing_of_a_secret_is_left_when_it_changes_or_ends),
  };
  return cmocka_run_group_tests_name("base/secret", tests, NULL, NULL);
}
