/* plans/keep.h: which tags a copy gets and where they end, when it is deprecated, and how it is protected. */
#include "tests/unit/facts_fixture.h"

#include <stdio.h>

#include "plans/keep.h"

#define SNAPSHOT "snap-00000000000000001"
#define BEGUN INT64_C(1795415340000) /* 2026-11-23T06:29:00Z, the fixture's */

static struct af_facts facts;
static struct af_copy_spec spec;
static struct af_decision decision;

static int set_up(void **state) {
  facts_plain(&facts);
  spec_init(&spec, NULL, "auto");
  decision = (struct af_decision){.route = AF_ROUTE_COPY_IMAGE};
  return 0;
}

static int tear_down(void **state) {
  af_facts_done(&facts);
  af_copy_spec_done(&spec);
  return 0;
}

static json_t *source_tags(json_t *resource, size_t n) {
  json_t *tags = json_array();
  for (size_t i = 0; i < n; i++) {
    char key[64];
    snprintf(key, sizeof key, "s%02zu", i);
    json_array_append_new(tags, json_pack("{s:s, s:s}", "Key", key, "Value", "of the source"));
  }
  json_object_set_new(resource, "Tags", tags);
  return tags;
}

static void want(size_t n) {
  for (size_t i = 0; i < n; i++)
    json_object_set_new(spec.tags, (char[]){'w', (char)('0' + i / 10), (char)('0' + i % 10), 0}, json_string("of the manifest"));
}

enum when { AT_LAST, AT_CREATION };

static json_t *tags_of(enum when when, const char *snapshot) {
  json_t *tags = NULL;
  int rc = (when == AT_LAST ? af_keep_tags : af_keep_creation_tags)(&spec, &facts, &decision, "cp-1", "3.0", snapshot, &tags);
  assert_int_equal(rc, 0);
  return tags;
}

/* "key=value key=value", in the order of the list. */
static const char *spelled(json_t *tags) {
  static char text[4000];
  text[0] = 0;
  for (size_t i = 0; i < json_array_size(tags); i++) {
    size_t n = strlen(text);
    const json_t *tag = json_array_get(tags, i);
    snprintf(text + n, sizeof text - n, "%s%s=%s", n ? " " : "", af_json_str(tag, "Key"), af_json_str(tag, "Value"));
  }
  json_decref(tags);
  return text;
}

static bool has(const json_t *tags, const char *key) {
  return af_json_find(tags, "Key", key) != NULL;
}

#define PROVENANCE "amiferry:copy=cp-1 amiferry:source=us-east-1/" SOURCE_IMAGE " amiferry:step=3.0"

TEST(an_image_and_each_snapshot_keep_the_tags_of_their_own_source) {
  put(facts.image, "Tags", "[{'Key': 'team', 'Value': 'web'}, {'Key': 'empty', 'Value': ''}]");
  put(json_array_get(facts.snapshots, 0), "Tags", "[{'Key': 'disk', 'Value': 'root'}]");
  for (int when = AT_LAST; when <= AT_CREATION; when++) {
    assert_string_equal(spelled(tags_of(when, NULL)), PROVENANCE " empty= team=web");
    assert_string_equal(spelled(tags_of(when, SNAPSHOT)), "amiferry:copy=cp-1 amiferry:source=us-east-1/" SOURCE_IMAGE "/" SNAPSHOT
                                                          " amiferry:step=3.0 disk=root");
    assert_string_equal(spelled(tags_of(when, "snap-00000000000000002")),
                        "amiferry:copy=cp-1 amiferry:source=us-east-1/" SOURCE_IMAGE "/snap-00000000000000002 amiferry:step=3.0");
    assert_string_equal(spelled(tags_of(when, "")), PROVENANCE);
  }
}

TEST(what_is_encrypted_says_under_which_key) {
  AF_COPY(decision.key_arn, af_str(TARGET_KEY));
  assert_string_equal(spelled(tags_of(AT_LAST, NULL)), "amiferry:copy=cp-1 amiferry:key=" TARGET_KEY " amiferry:source=us-east-1/"
                                                       SOURCE_IMAGE " amiferry:step=3.0");
}

TEST(the_tags_of_the_manifest_win_over_those_of_the_source) {
  put(facts.image, "Tags", "[{'Key': 'team', 'Value': 'web'}, {'Key': 'Team', 'Value': 'x'}]");
  put(spec.tags, "team", "'db'");
  assert_string_equal(spelled(tags_of(AT_LAST, NULL)), "Team=x " PROVENANCE " team=db");
}

TEST(tags_of_aws_and_of_amiferry_are_not_carried_over) {
  put(facts.image, "Tags",
      "[{'Key': 'aws:cloudformation:stack', 'Value': 'x'}, {'Key': 'AWS:y', 'Value': 'x'}, {'Key': 'amiferry:copy', 'Value': "
      "'cp-of-another'}, {'Key': 'Amiferry:z', 'Value': 'x'}, {'Key': '', 'Value': 'x'}, {'Key': 'awsome', 'Value': 'kept'}]");
  assert_string_equal(spelled(tags_of(AT_LAST, NULL)), PROVENANCE " awsome=kept");
}

TEST(tags_are_any_text_that_aws_takes) {
  put(facts.image, "Tags", "[{'Key': '\xC3\xA9t\xC3\xA9 \xE6\x97\xA5\xE6\x9C\xAC', 'Value': '\xF0\x9F\x9A\xA2'}]");
  assert_string_equal(spelled(tags_of(AT_LAST, NULL)), PROVENANCE " \xC3\xA9t\xC3\xA9 \xE6\x97\xA5\xE6\x9C\xAC=\xF0\x9F\x9A\xA2");
}

TEST(nothing_of_the_source_is_kept_where_the_manifest_or_an_earlier_version_says_so) {
  put(facts.image, "Tags", "[{'Key': 'team', 'Value': 'web'}]");
  put(facts.image, "DeprecationTime", "'2027-06-30T12:00:00.000Z'");
  put(facts.image, "DeregistrationProtection", "'enabled-with-cooldown'");
  char warning[AF_KEEP_WARNING_SIZE];
  spec.source_tags = false;
  assert_string_equal(spelled(tags_of(AT_LAST, NULL)), PROVENANCE);
  spec.source_tags = true;
  facts.begun_ms = 0;
  assert_string_equal(spelled(tags_of(AT_LAST, NULL)), PROVENANCE);
  assert_true(af_keep_deprecation(&spec, &facts, NULL, warning) == 0);
  assert_string_equal(warning, "");
  assert_int_equal(af_keep_protection(&spec, &facts), AF_PROTECTION_NONE);
}

/* In the end the tags of people count, and provenance is given up in this order. */
TEST(provenance_gives_way_where_fifty_tags_leave_no_room) {
  static const struct {
    size_t users;
    const char *gone[4];
    bool adoptable;
  } rows[] = {
      {46, {NULL}, true},
      {47, {AF_TAG_STEP}, true},
      {48, {AF_TAG_STEP, AF_TAG_COPY}, true},
      {49, {AF_TAG_STEP, AF_TAG_COPY, AF_TAG_KEY}, false},
      {50, {AF_TAG_STEP, AF_TAG_COPY, AF_TAG_KEY, AF_TAG_SOURCE}, false},
  };
  AF_COPY(decision.key_arn, af_str(TARGET_KEY));
  for (size_t i = 0; i < COUNT(rows); i++) {
    source_tags(facts.image, rows[i].users);
    json_t *last = tags_of(AT_LAST, NULL), *first = tags_of(AT_CREATION, NULL);
    size_t gone = rows[i].users - 46;
    assert_int_equal(json_array_size(last), 50);
    assert_int_equal(json_array_size(first), 50);
    for (size_t j = 0; j < gone; j++)
      assert_false(has(last, rows[i].gone[j]));
    assert_int_equal(has(last, AF_TAG_STEP) + has(last, AF_TAG_COPY) + has(last, AF_TAG_KEY) + has(last, AF_TAG_SOURCE), 4 - gone);
    assert_true(has(first, AF_TAG_STEP) && has(first, AF_TAG_COPY) && has(first, AF_TAG_KEY) && has(first, AF_TAG_SOURCE));
    assert_int_equal(af_keep_adoptable(&spec, &facts, &decision), rows[i].adoptable);
    json_decref(first);
    json_decref(last);
  }
  decision.key_arn[0] = 0;
  source_tags(facts.image, 49);
  assert_true(af_keep_adoptable(&spec, &facts, &decision));
}

TEST(beside_the_tags_of_the_manifest_those_of_the_source_have_what_room_is_left) {
  const char *resource = "";
  assert_int_equal(af_keep_left_out(&spec, &facts, &resource), 0);
  assert_null(resource);
  want(40);
  source_tags(json_array_get(facts.snapshots, 0), 11);
  assert_int_equal(af_keep_left_out(&spec, &facts, &resource), 1);
  assert_string_equal(resource, SNAPSHOT);
  source_tags(facts.image, 50);
  assert_int_equal(af_keep_left_out(&spec, &facts, &resource), 41);
  assert_string_equal(resource, SOURCE_IMAGE);
  json_t *last = tags_of(AT_LAST, NULL), *first = tags_of(AT_CREATION, NULL);
  assert_int_equal(json_array_size(last), 50);
  assert_true(has(last, "w39") && has(last, "s09") && !has(last, "s10"));
  assert_true(has(first, "w39") && has(first, "s06") && !has(first, "s07"));
  json_decref(first);
  json_decref(last);
}

TEST(which_tags_find_room_does_not_depend_on_the_order_in_which_aws_lists_them) {
  want(40);
  json_t *tags = source_tags(facts.image, 20);
  json_t *before = tags_of(AT_LAST, NULL);
  for (size_t i = 0; i < 10; i++) {
    json_t *one = json_incref(json_array_get(tags, i));
    json_array_set(tags, i, json_array_get(tags, 19 - i));
    json_array_set_new(tags, 19 - i, one);
  }
  json_t *after = tags_of(AT_LAST, NULL);
  assert_true(json_equal(before, after));
  json_decref(before);
  json_decref(after);
}

/* --- deprecation --- */

static const struct {
  const char *wanted, *of_source;
  int64_t at; /* 0: never */
  const char *warning;
} times[] = {
    {"keep", NULL, 0, ""},
    {"keep", "'2027-06-30T12:00:00.000Z'", INT64_C(1814356800000), ""},
    {"keep", "'2027-06-30T12:00:59.999Z'", INT64_C(1814356800000), ""},
    {"keep", "'2026-11-23T06:30:00.000Z'", BEGUN + 60000, ""},
    {"keep", "'2026-11-23T06:29:59.000Z'", 0,
     "the time at which the source is deprecated, 2026-11-23T06:29:59.000Z, is over: the copy is not deprecated"},
    {"keep", "'2020-01-01T00:00:00.000Z'", 0, "is over"},
    {"keep", "'no time'", 0, ""},
    {"none", "'2027-06-30T12:00:00.000Z'", 0, ""},
    {"365d", "'2027-06-30T12:00:00.000Z'", BEGUN + INT64_C(365) * 86400000, ""},
    {"1d", NULL, BEGUN + 86400000, ""},
    {"3650d", NULL, BEGUN + INT64_C(3650) * 86400000, ""},
    {"2027-06-30T12:00:30Z", NULL, INT64_C(1814356800000), ""},
    {"2027-06-30T14:00:00+02:00", NULL, INT64_C(1814356800000), ""},
    {"2026-11-23T00:00:00Z", NULL, 0, "the manifest's deprecation, 2026-11-23T00:00:00Z, is over: the copy is not deprecated"},
    {"2036-11-22T00:00:00Z", NULL, INT64_C(2110924800000), ""},
    {"2036-11-24T00:00:00Z", NULL, 0,
     "the manifest's deprecation, 2036-11-24T00:00:00Z, is more than ten years ahead, which AWS does not take: the copy is not "
     "deprecated"},
};

TEST(a_deprecation_is_kept_named_or_counted_in_days) {
  for (size_t i = 0; i < COUNT(times); i++) {
    char warning[AF_KEEP_WARNING_SIZE] = "old";
    spec_set(&spec.deprecation, times[i].wanted);
    put(facts.image, "DeprecationTime", times[i].of_source);
    int64_t at = af_keep_deprecation(&spec, &facts, NULL, warning);
    if (at != times[i].at)
      fail_msg("%s, %s: %lld", times[i].wanted, times[i].of_source ? times[i].of_source : "-", (long long)at);
    if (*times[i].warning)
      assert_contains(warning, times[i].warning);
    else
      assert_string_equal(warning, "");
  }
}

TEST(days_count_from_when_the_copy_was_begun_down_to_the_minute) {
  char warning[AF_KEEP_WARNING_SIZE];
  spec_set(&spec.deprecation, "1d");
  facts.begun_ms = BEGUN + 59999;
  assert_true(af_keep_deprecation(&spec, &facts, NULL, warning) == BEGUN + 86400000);
}

TEST(days_of_an_AMI_that_is_adopted_count_from_its_making_so_that_another_run_changes_nothing) {
  static const struct {
    const char *deprecated, *wanted, *at;
  } cases[] = {
      {NULL, "365d", "2027-01-05T10:20:00Z"},
      {"2027-01-05T09:58:00.000Z", "365d", "2027-01-05T09:58:00Z"},
      {"2027-01-06T10:19:00.000Z", "365d", "2027-01-06T10:19:00Z"},
      {"2027-01-06T10:21:00.000Z", "365d", "2027-01-05T10:20:00Z"},
      {"2027-01-05T09:58:00.000Z", "400d", "2027-02-09T10:20:00Z"},
      {"2027-01-05T09:58:00.000Z", "300d", NULL}, /* that is over */
  };
  char warning[AF_KEEP_WARNING_SIZE], text[AF_TIME_SIZE];
  for (size_t i = 0; i < COUNT(cases); i++) {
    json_t *adopted = json_pack("{s:s, s:s*}", "CreationDate", "2026-01-05T10:20:30.000Z", "DeprecationTime", cases[i].deprecated);
    spec_set(&spec.deprecation, cases[i].wanted);
    int64_t at = af_keep_deprecation(&spec, &facts, adopted, warning);
    af_time_iso_s(at, text);
    if (cases[i].at) assert_string_equal(text, cases[i].at);
    else assert_true(at == 0);
    json_decref(adopted);
  }
}

/* --- protection --- */

TEST(a_protection_is_kept_or_named) {
  static const struct {
    const char *wanted, *of_source;
    enum af_protection protection;
  } rows[] = {
      {"keep", NULL, AF_PROTECTION_NONE},
      {"keep", "'disabled'", AF_PROTECTION_NONE},
      {"keep", "'enabled-without-cooldown'", AF_PROTECTION_ENABLED},
      {"keep", "'enabled-with-cooldown'", AF_PROTECTION_WITH_COOLDOWN},
      {"none", "'enabled-with-cooldown'", AF_PROTECTION_NONE},
      {"enabled", "'enabled-with-cooldown'", AF_PROTECTION_ENABLED},
      {"enabled-with-cooldown", NULL, AF_PROTECTION_WITH_COOLDOWN},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    spec_set(&spec.deregistration_protection, rows[i].wanted);
    put(facts.image, "DeregistrationProtection", rows[i].of_source);
    assert_int_equal(af_keep_protection(&spec, &facts), rows[i].protection);
  }
  assert_string_equal(af_protection_name(AF_PROTECTION_WITH_COOLDOWN), "enabled-with-cooldown");
}

/* --- decisions --- */

TEST(a_decision_says_what_is_kept_and_warns_of_what_is_not) {
  struct af_decision d;
  put(facts.image, "DeprecationTime", "'2027-06-30T12:00:00.000Z'");
  put(facts.image, "DeregistrationProtection", "'enabled-without-cooldown'");
  af_route_decide(&spec, &facts, NULL, &d);
  assert_true(d.deprecate_ms == INT64_C(1814356800000) && d.protection == AF_PROTECTION_ENABLED);
  int warnings = d.n_warnings;
  put(facts.image, "DeprecationTime", "'2020-06-30T12:00:00.000Z'");
  source_tags(facts.image, 51);
  af_route_decide(&spec, &facts, NULL, &d);
  assert_true(d.deprecate_ms == 0);
  assert_int_equal(d.n_warnings, warnings + 3);
  assert_contains(d.warnings[warnings], "the time at which the source is deprecated");
  assert_contains(d.warnings[warnings + 1], "1 tags of the source have no room");
  assert_contains(d.warnings[warnings + 2], "no room for amiferry's own");
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_FIXTURE(an_image_and_each_snapshot_keep_the_tags_of_their_own_source),
      WITH_FIXTURE(what_is_encrypted_says_under_which_key),
      WITH_FIXTURE(the_tags_of_the_manifest_win_over_those_of_the_source),
      WITH_FIXTURE(tags_of_aws_and_of_amiferry_are_not_carried_over),
      WITH_FIXTURE(tags_are_any_text_that_aws_takes),
      WITH_FIXTURE(nothing_of_the_source_is_kept_where_the_manifest_or_an_earlier_version_says_so),
      WITH_FIXTURE(provenance_gives_way_where_fifty_tags_leave_no_room),
      WITH_FIXTURE(beside_the_tags_of_the_manifest_those_of_the_source_have_what_room_is_left),
      WITH_FIXTURE(which_tags_find_room_does_not_depend_on_the_order_in_which_aws_lists_them),
      WITH_FIXTURE(a_deprecation_is_kept_named_or_counted_in_days),
      WITH_FIXTURE(days_count_from_when_the_copy_was_begun_down_to_the_minute),
      WITH_FIXTURE(days_of_an_AMI_that_is_adopted_count_from_its_making_so_that_another_run_changes_nothing),
      WITH_FIXTURE(a_protection_is_kept_or_named),
      WITH_FIXTURE(a_decision_says_what_is_kept_and_warns_of_what_is_not),
  };
  return cmocka_run_group_tests_name("plans/keep", tests, NULL, NULL);
}
