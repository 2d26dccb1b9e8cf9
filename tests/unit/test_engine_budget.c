/* How fast calls may go out: AWS's own figures (rules.md 6.2). */
#include "engine/aws/ops.h"
#include "engine/budget.h"
#include "tests/unit/test.h"

static const int account, other_account; /* any pointers do */

static int taken_at_once(struct af_budgets *b, const void *session, const struct af_op *op, int64_t now_ms) {
  int n = 0;
  while (n < 10000 && af_budget_take(b, session, "eu-west-1", op, now_ms) == 0)
    n++;
  return n;
}

TEST(each_call_has_its_bucket_and_its_refill) {
  static const struct {
    const struct af_op *op;
    int capacity, refill;
  } rows[] = {
      {&af_ec2_copy_image, 100, 1},           {&af_ec2_copy_snapshot, 50, 5},     {&af_ec2_create_image, 50, 5},
      {&af_ec2_create_security_group, 50, 5}, {&af_ec2_create_tags, 100, 10},     {&af_ec2_delete_tags, 100, 10},
      {&af_ec2_delete_volume, 50, 5},         {&af_ec2_describe_images, 100, 20}, {&af_ec2_describe_instances, 100, 20},
      {&af_ec2_modify_image_attribute, 100, 5}, {&af_ec2_run_instances, 5, 2},    {&af_ec2_stop_instances, 50, 5},
      {&af_ec2_terminate_instances, 100, 5},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct af_budgets *b = NULL;
    assert_int_equal(af_budgets_new(&b), 0);
    assert_int_equal(taken_at_once(b, &account, rows[i].op, 0), rows[i].capacity);
    assert_int_equal(taken_at_once(b, &account, rows[i].op, 1000), rows[i].refill);
    assert_int_equal(taken_at_once(b, &account, rows[i].op, 3600 * 1000), rows[i].capacity); /* no more than it holds */
    af_budgets_free(b);
  }
}

TEST(a_call_that_must_wait_is_told_how_long) {
  struct af_budgets *b = NULL;
  assert_int_equal(af_budgets_new(&b), 0);
  taken_at_once(b, &account, &af_ec2_run_instances, 0);
  int64_t wait = af_budget_take(b, &account, "eu-west-1", &af_ec2_run_instances, 0);
  assert_in_range(wait, 500, 501);
  assert_int_equal(af_budget_take(b, &account, "eu-west-1", &af_ec2_run_instances, wait), 0);
  af_budgets_free(b);
}

TEST(accounts_and_regions_and_calls_do_not_share_a_bucket) {
  struct af_budgets *b = NULL;
  assert_int_equal(af_budgets_new(&b), 0);
  taken_at_once(b, &account, &af_ec2_run_instances, 0);
  assert_int_equal(af_budget_take(b, &other_account, "eu-west-1", &af_ec2_run_instances, 0), 0);
  assert_int_equal(af_budget_take(b, &account, "eu-west-2", &af_ec2_run_instances, 0), 0);
  assert_int_equal(af_budget_take(b, &account, "eu-west-1", &af_ec2_terminate_instances, 0), 0);
  af_budgets_free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_call_has_its_bucket_and_its_refill),
      cmocka_unit_test(a_call_that_must_wait_is_told_how_long),
      cmocka_unit_test(accounts_and_regions_and_calls_do_not_share_a_bucket),
  };
  return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
