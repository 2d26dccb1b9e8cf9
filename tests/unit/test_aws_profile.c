/* engine/aws/profile.h: the files that the AWS CLI and SDKs share. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/random.h"
#include "engine/aws/profile.h"

static struct af_profiles *parse(const char *config, const char *credentials) {
  struct af_profiles *p = NULL;
  struct af_error err;
  assert_ok(af_profiles_new(&p, &err), &err);
  if (config)
    assert_ok(af_profiles_parse(p, AF_PROFILE_CONFIG, "config", af_str(config), &err), &err);
  if (credentials)
    assert_ok(af_profiles_parse(p, AF_PROFILE_CREDENTIALS, "credentials", af_str(credentials), &err), &err);
  return p;
}

static struct af_str get(const struct af_profiles *p, const char *profile, const char *key) {
  struct af_profile_value v = {0};
  return af_profiles_get(p, af_str(profile), key, &v) ? v.text : af_str_n(NULL, 0);
}

TEST(profiles_are_found_by_their_names_as_they_are_written) {
  struct af_profiles *p = parse("[default]\nregion = a\n[profile Foo]\nregion=b\n[profile \"two words\"]\n  region\t=  c  \n"
                                "[profile 'x']\nregion=d\n[profile\tempty] ; nothing\n[Foo]\nregion = other\n",
                                NULL);
  assert_str_equal(get(p, "default", "region"), "a");
  assert_str_equal(get(p, "Foo", "region"), "b");
  assert_str_equal(get(p, "two words", "region"), "c");
  assert_str_equal(get(p, "x", "region"), "d");
  assert_true(af_profiles_has(p, af_str("empty")));
  assert_false(af_profiles_has(p, af_str("foo")));
  assert_false(af_profiles_has(p, af_str("profile Foo")));
  af_profiles_free(p);
}

TEST(the_profile_that_was_likely_meant_is_found) {
  static const struct {
    const char *name, *want;
  } cases[] = {{"goldne", "golden"}, {"Golden", "golden"}, {"golde", "golden"}, {"goldem-2", "golden-2"}, {"golden-22", "golden-2"}, {"recovery", NULL}, {"", NULL}};
  struct af_profiles *p = parse("[default]\n[profile olden-time]\n[profile golden-2]\n[profile golden]\nregion=a\n[services goldne]\n", "[golden]\nx=y\n");
  for (size_t i = 0; i < COUNT(cases); i++) {
    char near[AF_PROFILE_NEAR_SIZE];
    assert_int_equal(af_profiles_nearest(p, af_str(cases[i].name), near), cases[i].want != NULL);
    if (cases[i].want)
      assert_string_equal(near, cases[i].want);
  }
  af_profiles_free(p);
}

TEST(keys_are_folded_to_lower_case_and_values_are_not) {
  struct af_profiles *p = parse("[profile a]\nRole_ARN = arn:aws:iam::1:role/CaSe\n", NULL);
  assert_str_equal(get(p, "a", "role_arn"), "arn:aws:iam::1:role/CaSe");
  af_profiles_free(p);
}

TEST(the_credentials_file_comes_before_the_config_file) {
  struct af_profile_value v;
  struct af_profiles *p = parse("[profile a]\naws_access_key_id=C\nregion=r\n", "[a]\naws_access_key_id=S\nregion=\n");
  assert_str_equal(get(p, "a", "aws_access_key_id"), "S");
  assert_str_equal(get(p, "a", "region"), "r"); /* an empty value is none */
  assert_true(af_profiles_get_from(p, AF_PROFILE_CONFIG, af_str("a"), "aws_access_key_id", &v));
  assert_str_equal(v.text, "C");
  assert_int_equal(v.line, 2);
  assert_false(af_profiles_get_from(p, AF_PROFILE_CREDENTIALS, af_str("a"), "nothing", &v));
  af_profiles_free(p);
}

TEST(a_profile_default_hides_a_bare_default) {
  struct af_profiles *p = parse("[profile default]\nregion=prefixed\n[default]\nregion=bare\noutput=json\n", NULL);
  assert_str_equal(get(p, "default", "region"), "prefixed");
  assert_str_equal(get(p, "default", "output"), "");
  af_profiles_free(p);
}

TEST(the_last_of_two_settings_counts_and_sections_given_twice_are_one) {
  struct af_profiles *p = parse("[profile a]\nregion=1\nregion=2\n[profile b]\n[profile a]\noutput=x\nregion=3\n", NULL);
  assert_str_equal(get(p, "a", "region"), "3");
  assert_str_equal(get(p, "a", "output"), "x");
  af_profiles_free(p);
}

TEST(comments_end_values_but_not_commands) {
  struct af_profiles *p = parse("# head\n; head\n[profile a] # why\nregion = eu-west-1 # Ireland\noutput = a#b;c\nx = y ; z\n"
                                "  # indented comment\ncredential_process = /bin/x --tag #1 ; y\n",
                                NULL);
  assert_str_equal(get(p, "a", "region"), "eu-west-1");
  assert_str_equal(get(p, "a", "output"), "a#b;c");
  assert_str_equal(get(p, "a", "x"), "y");
  assert_str_equal(get(p, "a", "credential_process"), "/bin/x --tag #1 ; y");
  af_profiles_free(p);
}

TEST(indented_lines_continue_a_value) {
  struct af_profiles *p = parse("[profile a]\r\ndescription = one # c\r\n   two\r\n\r\n\tthree\r\nregion = r\r\n", NULL);
  assert_str_equal(get(p, "a", "description"), "one\ntwo\nthree");
  assert_str_equal(get(p, "a", "region"), "r");
  af_profiles_free(p);
}

TEST(indented_lines_under_an_empty_value_are_settings_of_their_own) {
  struct af_profile_value v;
  struct af_profiles *p = parse("[services mine]\nec2 =\n  endpoint_url = https://e\n  x = y\nS3=\n  Endpoint_URL=https://s\n"
                                "[profile a]\nservices = mine\ns3 =\n  max_concurrent_requests = 20\nregion = r\n",
                                NULL);
  assert_true(af_profiles_get_service(p, af_str("mine"), "ec2.endpoint_url", &v));
  assert_str_equal(v.text, "https://e");
  assert_int_equal(v.line, 3);
  assert_true(af_profiles_get_service(p, af_str("mine"), "s3.endpoint_url", &v));
  assert_str_equal(v.text, "https://s");
  assert_false(af_profiles_get_service(p, af_str("mine"), "endpoint_url", &v));
  assert_false(af_profiles_get_service(p, af_str("mine"), "kms.endpoint_url", &v));
  assert_false(af_profiles_get_service(p, af_str("a"), "ec2.endpoint_url", &v));
  assert_str_equal(get(p, "a", "s3.max_concurrent_requests"), "20");
  assert_str_equal(get(p, "a", "max_concurrent_requests"), "");
  assert_str_equal(get(p, "a", "region"), "r");
  af_profiles_free(p);
}

TEST(other_sections_are_passed_over_whatever_they_hold) {
  struct af_profiles *p = parse("[sso-session s]\nsso_region = x\n  anything\nno equals sign\n[plugins]\n[preview]\ncloudfront=true\n"
                                "[profile a]\nregion=r\n",
                                NULL);
  assert_str_equal(get(p, "a", "region"), "r");
  assert_false(af_profiles_has(p, af_str("s")));
  af_profiles_free(p);
}

TEST(a_session_token_of_any_length_is_kept_whole) {
  struct af_buf text;
  size_t length = 100000;
  af_buf_init(&text, 1 << 20);
  af_buf_puts(&text, "\xEF\xBB\xBF[a]\naws_session_token = ");
  for (size_t i = 0; i < length; i++)
    af_buf_putc(&text, (char)('A' + i % 26));
  struct af_profiles *p = parse(NULL, af_buf_cstr(&text)); /* no newline at the end, a byte order mark at the start */
  assert_int_equal(get(p, "a", "aws_session_token").len, length);
  af_profiles_free(p);
  af_buf_done(&text);
}

TEST(what_is_wrong_is_named_with_file_and_line) {
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"region = x\n", "config:1: a setting before the first section header"},
      {"\n[profile a\n", "config:2: a section header has no closing ]"},
      {"[profile a] x\n", "config:1: text behind a section header"},
      {"[ ]\n", "config:1: a section header without a name"},
      {"[profile a]\n\nregion\n", "config:3: expected `key = value`"},
      {"[profile a]\n = x\n", "config:2: expected `key = value`"},
      {"[services s]\nec2 =\n  endpoint_url\n", "config:3: expected an indented `key = value`"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct af_profiles *p = NULL;
    struct af_error err;
    assert_ok(af_profiles_new(&p, &err), &err);
    assert_error(af_profiles_parse(p, AF_PROFILE_CONFIG, "config", af_str(cases[i].text), &err), -AF_EINVAL, &err, cases[i].message);
    assert_int_equal(err.class, AF_CLASS_INVALID);
    assert_string_equal(err.resource, "config");
    af_profiles_free(p);
  }
}

TEST(a_nul_byte_is_refused) {
  struct af_profiles *p = NULL;
  struct af_error err;
  assert_ok(af_profiles_new(&p, &err), &err);
  assert_error(af_profiles_parse(p, AF_PROFILE_CONFIG, "config", af_str_n("[profile a]\nx = a\0b\n", 20), &err), -AF_EINVAL, &err, "config:2: a NUL byte");
  af_profiles_free(p);
}

TEST(every_beginning_of_a_file_is_read_or_refused) {
  static const char text[] = "[profile \"a b\"] # c\r\nregion = r ; x\n  more\n[services s]\nec2 =\n  endpoint_url = u\n[sso-session q]\nx\n[default]\na=b";
  for (size_t n = 0; n < sizeof text; n++) {
    struct af_profiles *p = NULL;
    struct af_error err;
    char *copy = malloc(n + 1); /* its own block: reading past its end is seen */
    assert_non_null(copy);
    memcpy(copy, text, n);
    assert_ok(af_profiles_new(&p, &err), &err);
    af_profiles_parse(p, n % 2 ? AF_PROFILE_CONFIG : AF_PROFILE_CREDENTIALS, "config", af_str_n(copy, n), &err);
    af_profiles_free(p);
    free(copy);
  }
}

/* Pieces of good files in any order, with bytes changed. */
TEST(garbage_is_read_or_refused_and_never_more) {
  static const char *const pieces[] = {"[profile ", "]", "[", "\n", "\n", "\n  ", "\t", " = ", "=", " #", " ;", "\r\n", "\"", "services ", "s3 =", "default", "a", "region",
                                       "\xC3", "sso-session ", "credential_process"};
  struct af_random_seeded r;
  af_random_seed(&r, 42);
  for (int i = 0; i < 20000; i++) {
    struct af_profiles *p = NULL;
    struct af_error err;
    struct af_buf b;
    af_buf_init(&b, 4096);
    for (uint64_t n = af_random_below(&r.random, 40); n > 0; n--)
      af_buf_puts(&b, pieces[af_random_below(&r.random, COUNT(pieces))]);
    if (b.len > 0 && af_random_below(&r.random, 2))
      b.ptr[af_random_below(&r.random, b.len)] = (char)af_random_below(&r.random, 256);
    assert_ok(af_profiles_new(&p, &err), &err);
    if (af_profiles_parse(p, i % 2 ? AF_PROFILE_CONFIG : AF_PROFILE_CREDENTIALS, "config", af_buf_view(&b), &err) < 0)
      assert_contains(err.message, "config:");
    else
      get(p, "a", "region");
    af_profiles_free(p);
    af_buf_done(&b);
  }
}

/* --- files --- */

static const char *vars[4][2];
static const char *get_var(void *ctx, const char *name) {
  for (size_t i = 0; i < COUNT(vars); i++)
    if (af_streq(vars[i][0], name))
      return vars[i][1];
  return NULL;
}
static const struct af_env env = {.get = get_var};

static void set_vars(const char *home, const char *config, const char *credentials) {
  vars[0][0] = "HOME", vars[0][1] = home;
  vars[1][0] = "AWS_CONFIG_FILE", vars[1][1] = config;
  vars[2][0] = "AWS_SHARED_CREDENTIALS_FILE", vars[2][1] = credentials;
}

TEST(files_that_are_not_there_are_empty) {
  struct af_profiles *p = NULL;
  struct af_error err;
  set_vars("/nonexistent", NULL, "");
  assert_ok(af_profiles_load(&p, &env, &err), &err);
  assert_string_equal(af_profiles_path(p, AF_PROFILE_CONFIG), "/nonexistent/.aws/config");
  assert_string_equal(af_profiles_path(p, AF_PROFILE_CREDENTIALS), "/nonexistent/.aws/credentials");
  assert_false(af_profiles_has(p, af_str("default")));
  af_profiles_free(p);
  set_vars(NULL, NULL, NULL);
  assert_ok(af_profiles_load(&p, &env, &err), &err);
  assert_string_equal(af_profiles_path(p, AF_PROFILE_CONFIG), "");
  af_profiles_free(p);
}

TEST(variables_name_the_files_and_a_tilde_is_home) {
  char dir[] = "/tmp/af-profile-XXXXXX", path[64];
  struct af_profiles *p = NULL;
  struct af_error err;
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/mine", dir);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs("[profile a]\nregion = r\n", f);
  fclose(f);
  set_vars(dir, "~/mine", NULL);
  assert_ok(af_profiles_load(&p, &env, &err), &err);
  assert_str_equal(get(p, "a", "region"), "r");
  af_profiles_free(p);
  set_vars(dir, dir, NULL); /* a folder */
  assert_true(af_profiles_load(&p, &env, &err) < 0);
  assert_contains(err.message, dir);
  unlink(path);
  rmdir(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(profiles_are_found_by_their_names_as_they_are_written),
      cmocka_unit_test(the_profile_that_was_likely_meant_is_found),
      cmocka_unit_test(keys_are_folded_to_lower_case_and_values_are_not),
      cmocka_unit_test(the_credentials_file_comes_before_the_config_file),
      cmocka_unit_test(a_profile_default_hides_a_bare_default),
      cmocka_unit_test(the_last_of_two_settings_counts_and_sections_given_twice_are_one),
      cmocka_unit_test(comments_end_values_but_not_commands),
      cmocka_unit_test(indented_lines_continue_a_value),
      cmocka_unit_test(indented_lines_under_an_empty_value_are_settings_of_their_own),
      cmocka_unit_test(other_sections_are_passed_over_whatever_they_hold),
      cmocka_unit_test(a_session_token_of_any_length_is_kept_whole),
      cmocka_unit_test(what_is_wrong_is_named_with_file_and_line),
      cmocka_unit_test(a_nul_byte_is_refused),
      cmocka_unit_test(every_beginning_of_a_file_is_read_or_refused),
      cmocka_unit_test(garbage_is_read_or_refused_and_never_more),
      cmocka_unit_test(files_that_are_not_there_are_empty),
      cmocka_unit_test(variables_name_the_files_and_a_tilde_is_home),
  };
  return cmocka_run_group_tests_name("engine/aws/profile", tests, NULL, NULL);
}
