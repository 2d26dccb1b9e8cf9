/* plans/estimate.h: sizes, prices through their tiers, time, and what a person reads. */
#include "tests/unit/facts_fixture.h"

#include "base/buf.h"
#include "plans/estimate.h"

static const int64_t gib = INT64_C(1) << 30;

static void add(struct af_estimate *e, const char *source, const char *target, enum af_route route) {
  struct af_facts f;
  struct af_copy_spec spec;
  struct af_decision d = {.route = route};
  facts_plain(&f);
  spec_init(&spec, NULL, "auto");
  spec_set(&spec.source.region, source);
  spec_set(&spec.target.region, target);
  assert_int_equal(af_estimate_add(e, &spec, &f, &d), 0);
  af_copy_spec_done(&spec);
  af_facts_done(&f);
}

TEST(a_price_goes_through_its_tiers) {
  assert_true(af_price_micros(AF_PRICE_SNAPSHOT, 0) == 0);
  assert_true(af_price_micros(AF_PRICE_SNAPSHOT, 100 * gib) == 5000000);
  assert_true(af_price_micros(AF_PRICE_SNAPSHOT, 1) == 1);
  assert_true(af_price_micros(AF_PRICE_SNAPSHOT, gib / 2) == 25000);
  assert_true(af_price_micros(AF_PRICE_SNAPSHOT, gib / 2 + 1) == 25001);
  const int64_t tb = 1024 * gib;
  assert_true(af_price_micros(AF_PRICE_S3, 50 * tb) == INT64_C(50) * 1024 * 23000);
  assert_true(af_price_micros(AF_PRICE_S3, 50 * tb + gib) == INT64_C(50) * 1024 * 23000 + 22000);
  assert_true(af_price_micros(AF_PRICE_S3, 501 * tb) == INT64_C(50) * 1024 * 23000 + INT64_C(450) * 1024 * 22000 + 1024 * 21000);
  assert_true(af_price_micros(AF_PRICE_SNAPSHOT, INT64_MAX) > 0);
}

TEST(every_price_says_what_it_is_for_and_where_it_is_from) {
  for (int p = 0; p < AF_PRICE_MAX_; p++) {
    const struct af_price_row *row = af_price_row(p);
    assert_true(strlen(row->what) > 5 && strlen(row->source) > 5);
    int last = 0;
    while (row->tiers[last].gb > 0)
      last++;
    assert_true(last < AF_PRICE_TIERS && row->tiers[last].micros > 0);
  }
}

TEST(a_copy_within_its_region_transfers_nothing) {
  struct af_estimate e;
  af_estimate_init(&e);
  add(&e, "us-east-1", "us-east-1", AF_ROUTE_COPY_IMAGE);
  assert_int_equal(e.n, 1);
  assert_int_equal(e.places[0].snapshots, 2);
  assert_true(e.places[0].bytes == 102 * gib);
  assert_true(e.places[0].transfer_bytes == 0 && e.places[0].transfer_micros == 0);
  assert_true(e.places[0].storage_micros == 102 * 50000);
  af_estimate_done(&e);
}

TEST(transfer_is_priced_by_the_pair_of_regions) {
  struct af_estimate e;
  af_estimate_init(&e);
  add(&e, "us-east-1", "eu-west-1", AF_ROUTE_REENCRYPT);
  add(&e, "us-east-1", "us-east-2", AF_ROUTE_COPY_IMAGE);
  add(&e, "us-east-2", "us-east-1", AF_ROUTE_COPY_IMAGE);
  assert_int_equal(e.n, 3);
  assert_true(e.places[0].transfer_micros == 102 * 20000);
  assert_true(e.places[1].transfer_micros == 102 * 10000);
  assert_true(e.places[2].transfer_micros == 102 * 10000);
  struct af_estimate_place total;
  af_estimate_total(&e, &total);
  assert_true(total.transfer_micros == 102 * 40000);
  assert_true(total.storage_micros == 3 * 102 * 50000);
  assert_string_equal(total.region, "");
  af_estimate_done(&e);
}

TEST(what_is_adopted_or_refused_costs_nothing) {
  struct af_estimate e;
  struct af_estimate_place total;
  af_estimate_init(&e);
  add(&e, "us-east-1", "eu-west-1", AF_ROUTE_ADOPT);
  add(&e, "us-east-1", "eu-west-1", AF_ROUTE_SKIP);
  add(&e, "us-east-1", "eu-west-1", AF_ROUTE_NONE);
  af_estimate_total(&e, &total);
  assert_int_equal(total.copies, 0);
  assert_int_equal(total.adopted, 2);
  assert_int_equal(total.refused, 1);
  assert_true(total.bytes == 0 && total.storage_micros == 0 && total.time_ms == 0);
  assert_string_equal(total.region, "eu-west-1");
  assert_string_equal(total.account, TARGET_ACCOUNT);
  af_estimate_done(&e);
}

TEST(one_copy_takes_as_long_as_its_largest_snapshot) {
  struct af_estimate e;
  af_estimate_init(&e);
  add(&e, "us-east-1", "eu-west-1", AF_ROUTE_COPY_IMAGE);
  assert_true(e.places[0].time_ms == 3 * 60 * 1000 + 100 * 1024 / 100 * 1000);
  assert_true(e.places[0].longest_ms == e.places[0].time_ms);
  af_estimate_done(&e);
}

TEST(many_copies_wait_for_the_slots_of_their_region_and_regions_do_not_wait_for_each_other) {
  struct af_estimate e;
  struct af_estimate_place total;
  af_estimate_init(&e);
  for (int i = 0; i < 100; i++)
    add(&e, "us-east-1", "eu-west-1", AF_ROUTE_COPY_IMAGE);
  int64_t slow = e.places[0].time_ms;
  assert_true(slow == e.places[0].work_ms / 20 && slow > e.places[0].longest_ms);
  add(&e, "us-east-1", "eu-west-2", AF_ROUTE_COPY_IMAGE);
  af_estimate_total(&e, &total);
  assert_true(total.time_ms == slow);
  assert_true(total.work_ms == e.places[0].work_ms + e.places[1].work_ms);
  assert_true(total.longest_ms == e.places[0].longest_ms);
  assert_int_equal(total.copies, 101);
  af_estimate_done(&e);
}

TEST(money_and_sizes_are_written_for_people) {
  static const struct {
    int64_t value;
    const char *money, *size;
  } rows[] = {
      {0, "$0.00", "0 bytes"},
      {1, "$0.000001", "1 byte"},
      {9999, "$0.009999", "9.7 KiB"},
      {10000, "$0.01", "9.7 KiB"},
      {994999, "$0.99", "971.6 KiB"},
      {995000, "$1.00", "971.6 KiB"},
      {1048576, "$1.05", "1.0 MiB"},
      {1234567890, "$1,234.57", "1.1 GiB"},
      {1234567890123, "$1,234,567.89", "1.1 TiB"},
      {INT64_MAX, "$9,223,372,036,854.78", "7.9 EiB"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct af_buf b;
    af_buf_init(&b, 100);
    af_micros_text(&b, rows[i].value);
    assert_string_equal(af_buf_cstr(&b), rows[i].money);
    af_buf_reset(&b);
    af_bytes_text(&b, rows[i].value);
    assert_string_equal(af_buf_cstr(&b), rows[i].size);
    af_buf_done(&b);
  }
}

TEST(images_on_the_way_are_moved_and_stored_once_more) {
  struct af_estimate e;
  struct af_facts f;
  struct af_copy_spec spec;
  struct af_buf b;
  struct af_decision d = {.route = AF_ROUTE_LAUNCH_IMAGE, .hop = true};
  af_estimate_init(&e);
  af_buf_init(&b, 2000);
  facts_plain(&f);
  spec_init(&spec, NULL, "auto");
  assert_int_equal(af_estimate_add(&e, &spec, &f, &d), 0);
  assert_true(e.places[0].temporary_bytes == 102 * gib && e.places[0].bytes == 102 * gib);
  assert_true(e.places[0].longest_ms == 2 * (3 * 60 * 1000 + 100 * 1024 / 100 * 1000));
  assert_true(e.places[0].launches == 1 && e.places[0].launch_micros == 0);
  d = (struct af_decision){.route = AF_ROUTE_LAUNCH_IMAGE, .hop = true, .bridge = true};
  assert_int_equal(af_estimate_add(&e, &spec, &f, &d), 0);
  assert_true(e.places[0].temporary_bytes == 3 * 102 * gib);
  af_estimate_say(&b, &e.places[0]);
  assert_contains(af_buf_cstr(&b), "meanwhile at most 306.0 GiB more is stored, in bridge and hop images");
  assert_contains(af_buf_cstr(&b), "launches  2 instances, about $0.00 for an hour each where the type is a usual one");
  af_copy_spec_done(&spec);
  af_facts_done(&f);
  af_buf_done(&b);
  af_estimate_done(&e);
}

TEST(an_instance_is_priced_by_its_type) {
  assert_true(af_price_instance("t3.small") == 20800);
  assert_true(af_price_instance("t3.smal") == 0);
}

TEST(an_estimate_says_what_it_rests_on) {
  struct af_estimate e;
  struct af_estimate_place total;
  struct af_buf b;
  af_estimate_init(&e);
  af_buf_init(&b, 2000);
  add(&e, "us-east-1", "eu-west-1", AF_ROUTE_COPY_IMAGE);
  af_estimate_total(&e, &total);
  af_estimate_say(&b, &total);
  assert_string_equal(af_buf_cstr(&b),
                      "1 copy of 2 snapshots to make, 0 there already, 0 refused\n"
                      "size      at most 102.0 GiB, of which 102.0 GiB between Regions; less where AWS can copy incrementally\n"
                      "storage   at most $5.10 a month, paid by the target (AWS's EBS snapshot pricing, us-east-1)\n"
                      "transfer  at most $2.04 once, paid by the source (the usual inter-Region price; far Regions cost more)\n"
                      "time      about 20m04s, if AWS copies 100 MiB a second for each snapshot, 20 side by side in a Region\n");
  af_buf_done(&b);
  af_estimate_done(&e);
  af_estimate_done(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_price_goes_through_its_tiers),
      cmocka_unit_test(every_price_says_what_it_is_for_and_where_it_is_from),
      cmocka_unit_test(a_copy_within_its_region_transfers_nothing),
      cmocka_unit_test(transfer_is_priced_by_the_pair_of_regions),
      cmocka_unit_test(what_is_adopted_or_refused_costs_nothing),
      cmocka_unit_test(one_copy_takes_as_long_as_its_largest_snapshot),
      cmocka_unit_test(many_copies_wait_for_the_slots_of_their_region_and_regions_do_not_wait_for_each_other),
      cmocka_unit_test(money_and_sizes_are_written_for_people),
      cmocka_unit_test(images_on_the_way_are_moved_and_stored_once_more),
      cmocka_unit_test(an_instance_is_priced_by_its_type),
      cmocka_unit_test(an_estimate_says_what_it_rests_on),
  };
  return cmocka_run_group_tests_name("plans/estimate", tests, NULL, NULL);
}
