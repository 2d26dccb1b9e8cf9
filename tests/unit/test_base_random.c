/* base/random.h: the seeded generator against its published values, bounds, hex. */
#include "tests/unit/test.h"

#include "base/random.h"

TEST(the_generator_gives_the_published_sequence) {
  /* xoshiro256** from the state 1, 2, 3, 4, as its reference implementation prints it. */
  static const uint64_t want[] = {11520, 0, 1509978240, 1215971899390074240};
  struct af_random_seeded r;
  af_random_seed(&r, 0);
  /* splitmix64 from 0 begins so: */
  assert_true(r.s[0] == UINT64_C(0xE220A8397B1DCDAF));
  assert_true(r.s[1] == UINT64_C(0x6E789E6AA1B965F4));
  for (uint64_t i = 0; i < 4; i++)
    r.s[i] = i + 1;
  for (size_t i = 0; i < COUNT(want); i++)
    assert_true(r.random.next(r.random.ctx) == want[i]);
}

TEST(one_seed_gives_one_sequence_and_another_gives_another) {
  struct af_random_seeded a, b, c;
  af_random_seed(&a, 42);
  af_random_seed(&b, 42);
  af_random_seed(&c, 43);
  int same = 0;
  for (int i = 0; i < 100; i++) {
    uint64_t x = a.random.next(a.random.ctx);
    assert_true(x == b.random.next(b.random.ctx));
    same += x == c.random.next(c.random.ctx);
  }
  assert_int_equal(same, 0);
}

TEST(bounded_numbers_stay_below_and_reach_every_value) {
  struct af_random_seeded r;
  af_random_seed(&r, 7);
  int seen[10] = {0};
  for (int i = 0; i < 100000; i++) {
    uint64_t x = af_random_below(&r.random, 10);
    assert_true(x < 10);
    seen[x]++;
  }
  for (int i = 0; i < 10; i++)
    assert_in_range(seen[i], 9500, 10500);
  assert_true(af_random_below(&r.random, 1) == 0);
}

static uint64_t counting(void *ctx) {
  return (*(uint64_t *)ctx)++;
}

TEST(values_that_would_favour_small_numbers_are_drawn_again) {
  uint64_t next = 0;
  struct af_random r = {counting, &next};
  /* 2^64 mod 10 is 6: 0 to 5 are thrown away. */
  assert_true(af_random_below(&r, 10) == 6);
  assert_true(next == 7);
}

TEST(unit_numbers_lie_in_the_half_open_interval) {
  uint64_t next = UINT64_MAX;
  struct af_random top = {counting, &next};
  assert_true(af_random_unit(&top) < 1.0);
  next = 0;
  assert_true(af_random_unit(&top) == 0.0);
}

TEST(hex_has_the_asked_length_and_differs) {
  char a[41], b[41];
  memset(a, '!', sizeof a);
  af_random_hex(af_random_system(), a, 40);
  af_random_hex(af_random_system(), b, 40);
  assert_int_equal(strlen(a), 40);
  assert_int_equal(strspn(a, "0123456789abcdef"), 40);
  assert_string_not_equal(a, b);
  uint64_t next = UINT64_C(0xFEDCBA9876543210);
  struct af_random known = {counting, &next};
  af_random_hex(&known, a, 18);
  assert_string_equal(a, "0123456789abcdef11");
  af_random_hex(&known, a, 0);
  assert_string_equal(a, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_generator_gives_the_published_sequence),
      cmocka_unit_test(one_seed_gives_one_sequence_and_another_gives_another),
      cmocka_unit_test(bounded_numbers_stay_below_and_reach_every_value),
      cmocka_unit_test(values_that_would_favour_small_numbers_are_drawn_again),
      cmocka_unit_test(unit_numbers_lie_in_the_half_open_interval),
      cmocka_unit_test(hex_has_the_asked_length_and_differs),
  };
  return cmocka_run_group_tests_name("base/random", tests, NULL, NULL);
}
