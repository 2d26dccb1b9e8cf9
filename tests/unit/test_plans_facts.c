/* plans/facts.h: facts as JSON and back, damaged ones, and the readers of API objects. */
#include "tests/unit/facts_fixture.h"

static void facts_full(struct af_facts *f) {
  facts_plain(f);
  encrypt_all(f, SOURCE_KEY, "CUSTOMER");
  give_target_key(f);
  hold_name(f, json_of("{'ImageId': 'ami-0fedcba9876543210', 'Tags': [{'Key': 'a', 'Value': ''}]}"));
  f->bridge_key = json_of("{'Arn': '" SOURCE_KEY "'}");
  f->launch_key = json_of("{'Error': 'AccessDeniedException'}");
  f->launch = json_of("{'Types': [], 'Offerings': [], 'Subnets': [], 'Vpcs': []}");
  f->uefi_data = strdup("QU1a");
  f->encryption_by_default = f->pull = f->uefi_unreadable = f->launch_encryption_by_default = true;
  f->begun_ms = 7;
}

TEST(facts_go_through_json_and_back) {
  for (int full = 0; full < 2; full++) {
    struct af_facts f, back;
    struct af_error err;
    json_t *json, *again;
    (full ? facts_full : facts_plain)(&f);
    assert_int_equal(af_facts_to_json(&f, &json), 0);
    af_facts_done(&f);
    assert_ok(af_facts_from_json(&back, json, &err), &err);
    assert_int_equal(af_facts_to_json(&back, &again), 0);
    assert_true(json_equal(json, again));
    assert_string_equal(back.source_account, SOURCE_ACCOUNT);
    assert_string_equal(back.allowed_images, "disabled");
    assert_true(back.encryption_by_default == full);
    assert_true((back.uefi_data != NULL) == full);
    assert_true((back.target_key != NULL) == full);
    assert_int_equal(json_array_size(back.name_holders), full);
    assert_true(back.begun_ms == (full ? 7 : INT64_C(1795415340000)));
    assert_true(back.pull == full && back.uefi_unreadable == full && back.launch_encryption_by_default == full);
    assert_true((back.bridge_key && back.launch_key && back.launch) == full);
    json_decref(json);
    json_decref(again);
    af_facts_done(&back);
    af_facts_done(&back);
  }
  af_facts_done(NULL);
}

TEST(what_is_stored_does_not_change_with_what_was_read) {
  struct af_facts f;
  json_t *json;
  facts_full(&f);
  assert_int_equal(af_facts_to_json(&f, &json), 0);
  put(f.image, "OwnerId", "'333333333333'");
  assert_string_equal(af_json_str(json_object_get(json, "image"), "OwnerId"), SOURCE_ACCOUNT);
  af_facts_done(&f);
  json_decref(json);
}

TEST(damaged_facts_are_refused) {
  static const struct {
    const char *member, *value; /* NULL: taken away */
  } damages[] = {
      {"source_account", NULL},
      {"source_account", "1"},
      {"source_account", "'12345678901234567'"},
      {"allowed_images", NULL},
      {"image", NULL},
      {"image", "[]"},
      {"snapshots", NULL},
      {"snapshots", "{}"},
      {"snapshots", "[1]"},
      {"source_keys", "[[]]"},
      {"target_key", "'x'"},
      {"name_holders", "{}"},
      {"name_holders", "[1]"},
      {"name_holder", "[]"},
      {"begun_ms", "'1'"},
      {"pull", "1"},
      {"uefi_unreadable", "'x'"},
      {"launch_encryption_by_default", "{}"},
      {"bridge_key", "[]"},
      {"launch_key", "1"},
      {"launch", "[]"},
      {"uefi_data", "1"},
      {"encryption_by_default", "1"},
      {"encryption_by_default", NULL},
  };
  struct af_facts f;
  facts_full(&f);
  for (size_t i = 0; i < COUNT(damages); i++) {
    struct af_facts back;
    struct af_error err = {0};
    json_t *json;
    assert_int_equal(af_facts_to_json(&f, &json), 0);
    put(json, damages[i].member, damages[i].value);
    assert_error(af_facts_from_json(&back, json, &err), -AF_EINVAL, &err, damages[i].member);
    assert_string_equal(err.code, "FactsInvalid");
    json_decref(json);
  }
  json_t *list = json_array();
  struct af_facts back;
  struct af_error err;
  assert_int_equal(af_facts_from_json(&back, list, &err), -AF_EINVAL);
  assert_int_equal(af_facts_from_json(&back, NULL, &err), -AF_EINVAL);
  json_decref(list);
  af_facts_done(&f);
}

TEST(facts_that_an_earlier_version_stored_are_read_as_what_they_meant) {
  static const char *const later[] = {"begun_ms",   "pull",   "uefi_unreadable", "launch_encryption_by_default", "bridge_key",
                                      "launch_key", "launch", "name_holders"};
  struct af_facts f, back;
  struct af_error err;
  json_t *json;
  for (int held = 0; held < 2; held++) {
    facts_full(&f);
    assert_int_equal(af_facts_to_json(&f, &json), 0);
    for (size_t i = 0; i < COUNT(later); i++)
      put(json, later[i], NULL);
    put(json, "name_holder", held ? "{'ImageId': 'ami-0fedcba9876543210'}" : NULL);
    assert_ok(af_facts_from_json(&back, json, &err), &err);
    assert_true(back.begun_ms == 0 && !back.pull && !back.uefi_unreadable && !back.launch_encryption_by_default);
    assert_true(!back.bridge_key && !back.launch_key && !back.launch);
    assert_non_null(back.name_holders);
    assert_int_equal(json_array_size(back.name_holders), held);
    assert_string_equal(af_json_str(holder_of(&back), "ImageId"), held ? "ami-0fedcba9876543210" : "");
    json_decref(json);
    af_facts_done(&back);
    af_facts_done(&f);
  }
}

TEST(members_that_the_facts_do_not_know_are_passed_over) {
  struct af_facts f, back;
  struct af_error err;
  json_t *json;
  facts_full(&f);
  assert_int_equal(af_facts_to_json(&f, &json), 0);
  put(json, "of_a_later_version", "1");
  assert_ok(af_facts_from_json(&back, json, &err), &err);
  af_facts_done(&back);
  af_facts_done(&f);
  json_decref(json);
}

TEST(readers_answer_nothing_where_there_is_nothing) {
  json_t *o = json_of("{'s': 'x', 'i': 7, 'b': true, 'n': null, 'r': 1.5}");
  assert_string_equal(af_json_str(o, "s"), "x");
  assert_string_equal(af_json_str(o, "i"), "");
  assert_string_equal(af_json_str(o, "none"), "");
  assert_string_equal(af_json_str(NULL, "s"), "");
  assert_int_equal(af_json_int(o, "i"), 7);
  assert_int_equal(af_json_int(o, "s"), 0);
  assert_int_equal(af_json_int(NULL, "i"), 0);
  assert_true(af_json_bool(o, "b"));
  assert_false(af_json_bool(o, "i"));
  assert_false(af_json_bool(o, "n"));
  assert_false(af_json_bool(NULL, "b"));
  json_decref(o);
}

TEST(tags_snapshots_and_list_items_are_found_by_what_they_say) {
  json_t *o = json_of("{'Tags': [{'Key': 'a', 'Value': '1'}, {'Key': 'b', 'Value': ''}, 3, {'Key': 'a', 'Value': '2'}]}");
  assert_string_equal(af_json_tag(o, "a"), "1");
  assert_string_equal(af_json_tag(o, "b"), "");
  assert_null(af_json_tag(o, "c"));
  assert_null(af_json_tag(NULL, "a"));
  json_decref(o);
  struct af_facts f;
  facts_plain(&f);
  assert_string_equal(af_mapping_snapshot(mapping_of(f.image, 0)), "snap-00000000000000001");
  assert_string_equal(af_mapping_snapshot(mapping_of(f.image, 2)), "");
  assert_string_equal(af_mapping_snapshot(mapping_of(f.image, 3)), "");
  put(mapping_of(f.image, 0), "NoDevice", "''");
  assert_string_equal(af_mapping_snapshot(mapping_of(f.image, 0)), "");
  af_facts_done(&f);
}

TEST(bytes_are_what_was_written_or_the_size_of_the_volume) {
  struct af_facts f;
  facts_plain(&f);
  assert_true(af_facts_bytes(&f) == INT64_C(2147483648) + INT64_C(100) * 1073741824);
  json_array_clear(f.snapshots);
  assert_true(af_facts_bytes(&f) == 0);
  af_facts_done(&f);
}

TEST(sizes_that_no_volume_has_do_not_overflow) {
  static const struct {
    const char *snapshot;
    int64_t bytes;
  } rows[] = {
      {"{}", 0},
      {"{'VolumeSize': -5}", 0},
      {"{'VolumeSize': 9223372036854775807}", 0},
      {"{'VolumeSize': 65536}", INT64_C(65536) << 30},
      {"{'VolumeSize': 1, 'FullSnapshotSizeInBytes': -1}", INT64_C(1) << 30},
      {"{'FullSnapshotSizeInBytes': 9223372036854775807}", INT64_C(65536) << 30},
      {"{'VolumeSize': 8, 'FullSnapshotSizeInBytes': 5}", 5},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    json_t *snapshot = json_of(rows[i].snapshot);
    assert_true(af_snapshot_bytes(snapshot) == rows[i].bytes);
    json_decref(snapshot);
  }
  assert_true(af_bytes_plus(INT64_MAX, 1) == INT64_MAX);
  assert_true(af_bytes_plus(2, 3) == 5);
}

TEST(a_list_holds_its_words_and_never_an_empty_one) {
  json_t *list = json_of("['amazon', '', 7]");
  assert_true(af_json_lists(list, "amazon"));
  assert_false(af_json_lists(list, "amazo"));
  assert_false(af_json_lists(list, ""));
  assert_false(af_json_lists(NULL, "amazon"));
  json_decref(list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_list_holds_its_words_and_never_an_empty_one),
      cmocka_unit_test(facts_go_through_json_and_back),
      cmocka_unit_test(what_is_stored_does_not_change_with_what_was_read),
      cmocka_unit_test(damaged_facts_are_refused),
      cmocka_unit_test(facts_that_an_earlier_version_stored_are_read_as_what_they_meant),
      cmocka_unit_test(members_that_the_facts_do_not_know_are_passed_over),
      cmocka_unit_test(readers_answer_nothing_where_there_is_nothing),
      cmocka_unit_test(tags_snapshots_and_list_items_are_found_by_what_they_say),
      cmocka_unit_test(bytes_are_what_was_written_or_the_size_of_the_volume),
      cmocka_unit_test(sizes_that_no_volume_has_do_not_overflow),
  };
  return cmocka_run_group_tests_name("plans/facts", tests, NULL, NULL);
}
