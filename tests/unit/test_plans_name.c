/* plans/name.h: templates of names, what is wrong with them, and what they come to. */
#include "tests/unit/facts_fixture.h"

#include "plans/name.h"

static struct af_facts facts;
static struct af_copy_spec spec;

static int set_up(void **state) {
  facts_plain(&facts);
  spec_init(&spec, NULL, "auto");
  return 0;
}

static int tear_down(void **state) {
  af_facts_done(&facts);
  af_copy_spec_done(&spec);
  return 0;
}

#define assert_name(want)                                                                                                        \
  do {                                                                                                                           \
    char name[AF_NAME_SIZE];                                                                                                     \
    struct af_error err;                                                                                                         \
    assert_ok(af_name_expand(&spec, &facts, name, &err), &err);                                                                  \
    assert_string_equal(name, want);                                                                                             \
  } while (0)

#define assert_no_name(code_, part)                                                                                              \
  do {                                                                                                                           \
    char name[AF_NAME_SIZE] = "untouched";                                                                                       \
    struct af_error err;                                                                                                         \
    assert_error(af_name_expand(&spec, &facts, name, &err), -AF_EINVAL, &err, part);                                             \
    assert_string_equal(err.code, code_);                                                                                        \
    assert_int_equal(err.class, AF_CLASS_INVALID);                                                                               \
    assert_true(*err.hint != 0);                                                                                                 \
    assert_string_equal(name, "untouched");                                                                                      \
  } while (0)

TEST(words_stand_for_what_is_known_of_the_source_and_the_copy) {
  static const struct {
    const char *template, *name;
  } rows[] = {
      {"web", "web"},
      {"{name}", "web-1"},
      {"{name}-{date}", "web-1-2026-11-23"},
      {"{source_account}/{source_region}/{id}", SOURCE_ACCOUNT "/us-east-1/" SOURCE_IMAGE},
      {"{date}{date}", "2026-11-232026-11-23"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    spec_set(&spec.name, rows[i].template);
    assert_name(rows[i].name);
  }
  spec_set(&spec.name, NULL);
  assert_name("web-1");
}

TEST(the_day_is_that_of_utc_on_which_the_copy_was_begun) {
  spec_set(&spec.name, "web-{date}");
  facts.begun_ms = INT64_C(1795391999999);
  assert_name("web-2026-11-22");
  facts.begun_ms++;
  assert_name("web-2026-11-23");
}

TEST(the_account_is_that_of_the_owner_also_where_there_are_no_source_credentials) {
  spec_set(&spec.name, "{source_account}");
  put(facts.image, "OwnerId", "'333333333333'");
  facts.source_account[0] = 0;
  assert_name("333333333333");
  put(facts.image, "OwnerId", NULL);
  AF_COPY(facts.source_account, af_str("444444444444"));
  assert_name("444444444444");
}

TEST(a_name_that_aws_would_not_take_is_refused_with_what_is_wrong_with_it) {
  char text[300];
  put(facts.image, "Name", "'debian: 12'");
  assert_no_name("NameInvalid", "\"debian: 12\", the name that the source has, is none that AWS takes for a new image: it has the "
                                "character \":\"");
  spec_set(&spec.name, "{name}-copy");
  assert_no_name("NameInvalid", "\"debian: 12-copy\", the name that the manifest's template makes");
  put(facts.image, "Name", "'caf\xC3\xA9'");
  assert_no_name("NameInvalid", "it has the character \"\xC3\xA9\"");
  put(facts.image, "Name", "'{id}'");
  assert_no_name("NameInvalid", "it has the character \"{\"");
  spec_set(&spec.name, NULL);
  put(facts.image, "Name", "'ab'");
  assert_no_name("NameInvalid", "it has 2 characters");
  put(facts.image, "Name", NULL);
  assert_no_name("NameMissing", SOURCE_IMAGE " has no name");
  memset(text, 'x', sizeof text);
  text[128] = 0;
  json_object_set_new(facts.image, "Name", json_string(text));
  assert_name(text);
  spec_set(&spec.name, "{name}-");
  assert_no_name("NameInvalid", "it has 129 characters");
  spec_set(&spec.name, "{name}{name}{name}{name}");
  assert_no_name("NameInvalid", "it has 512 characters");
}

TEST(mistakes_of_a_template_are_found_where_they_stand) {
  static const struct {
    const char *text, *mistake;
  } rows[] = {
      {"web", ""},         {"{name}-{date}", ""}, {"{nmae}", "{nmae}"},   {"a{name}b{}c", "{}"}, {"a}b", "}"},
      {"{name", "{name"},  {"{{name}}", "{{name}"}, {"{Name}", "{Name}"}, {"a*{name}", "*"},     {"{name}\xC3\xA9", "\xC3\xA9"},
      {"{name} {name}", ""}, {"", ""},
  };
  for (size_t i = 0; i < COUNT(rows); i++)
    assert_str_equal(af_name_mistake(af_str(rows[i].text)), rows[i].mistake);
  assert_true(af_name_is_template(af_str("a{b")));
  assert_false(af_name_is_template(af_str("ab")));
  assert_false(af_name_is_template(af_str_n(NULL, 0)));
}

TEST(a_template_that_can_only_be_too_long_or_too_short_does_not_fit) {
  char text[200] = "{name}";
  assert_true(af_name_fits(af_str(text)));
  assert_false(af_name_fits(af_str("ab")));
  assert_true(af_name_fits(af_str("abc")));
  memset(text + 6, 'x', 125);
  text[6 + 125] = 0;
  assert_true(af_name_fits(af_str(text)));
  text[6 + 125] = 'x';
  text[6 + 126] = 0;
  assert_false(af_name_fits(af_str(text)));
}

TEST(a_name_is_foretold_where_the_manifest_settles_it) {
  static const struct {
    const char *template, *account, *name; /* NULL: it isn't */
  } rows[] = {
      {NULL, NULL, NULL},
      {"web", NULL, "web"},
      {"{name}", NULL, NULL},
      {"web-{date}", NULL, "web-{date}"},
      {"{id}-{source_region}", NULL, SOURCE_IMAGE "-us-east-1"},
      {"{source_account}", NULL, NULL},
      {"{source_account}", "333333333333", "333333333333"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct af_buf out;
    af_buf_init(&out, 1000);
    spec_set(&spec.name, rows[i].template);
    spec_set(&spec.source.account, rows[i].account);
    assert_int_equal(af_name_foretell(&spec, &out), rows[i].name != NULL);
    if (rows[i].name)
      assert_string_equal(af_buf_cstr(&out), rows[i].name);
    af_buf_done(&out);
  }
}

TEST(the_words_are_listed_for_messages) {
  struct af_buf out;
  af_buf_init(&out, 1000);
  af_name_words(&out);
  assert_string_equal(af_buf_cstr(&out), "{name}, {date}, {source_region}, {source_account} or {id}");
  af_buf_done(&out);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_FIXTURE(words_stand_for_what_is_known_of_the_source_and_the_copy),
      WITH_FIXTURE(the_day_is_that_of_utc_on_which_the_copy_was_begun),
      WITH_FIXTURE(the_account_is_that_of_the_owner_also_where_there_are_no_source_credentials),
      WITH_FIXTURE(a_name_that_aws_would_not_take_is_refused_with_what_is_wrong_with_it),
      WITH_FIXTURE(mistakes_of_a_template_are_found_where_they_stand),
      WITH_FIXTURE(a_template_that_can_only_be_too_long_or_too_short_does_not_fit),
      WITH_FIXTURE(a_name_is_foretold_where_the_manifest_settles_it),
      WITH_FIXTURE(the_words_are_listed_for_messages),
  };
  return cmocka_run_group_tests_name("plans/name", tests, NULL, NULL);
}
