/* tools/amiferry/options.h: the command line, and the help that comes of the same tables. */
#include "tests/unit/test.h"

#include "base/log.h"
#include "tools/amiferry/options.h"

static struct values {
  bool fast;
  const char *name;
  int colour;
  int64_t pause_ms;
} values;
static const char *const colours[] = {"red", "green", "blue", NULL};
#define VALUE(member) offsetof(struct values, member)
static const struct af_option options[] = {
    {"fast", NULL, AF_OPTION_FLAG, VALUE(fast), "be quick about it"},
    {"name", "NAME", AF_OPTION_TEXT, VALUE(name), "what to call it"},
    {"colour", "COLOUR", AF_OPTION_CHOICE, VALUE(colour), "how it looks", colours},
    {"pause", "SECONDS", AF_OPTION_SECONDS, VALUE(pause_ms), "how long to wait in between, which is a long sentence so that it has to be wrapped"},
    {0},
};
static const struct af_option_set own = {"Options", options, &values};
static const struct af_command fetch = {
    .name = "fetch", .arguments = "WHAT [WHERE]", .min_args = 1, .max_args = 2, .summary = "fetch a thing", .text = "It comes.", .sets = {&own}};
static const struct af_command list = {.name = "list", .arguments = "", .summary = "list all things", .sets = {&af_option_set_engine}};
static const struct af_command *const commands[] = {&fetch, &list, NULL};

static struct af_invocation inv;
static struct af_error err;

/* The line's words, split at spaces; "''" is an empty word. */
static int parse(const char *line) {
  static char text[400];
  static char empty[] = "";
  char *argv[20];
  int argc = 0;
  values = (struct values){0};
  af_error_clear(&err);
  snprintf(text, sizeof(text), "amiferry %s", line);
  for (char *at = text, *end; at; at = end) {
    end = strchr(at, ' ');
    if (end) *end++ = 0;
    argv[argc++] = strcmp(at, "''") == 0 ? empty : at;
  }
  argv[argc] = NULL;
  return af_options_parse(&inv, commands, argc, argv, &err);
}

TEST(options_stand_before_and_behind_the_command_and_its_arguments) {
  assert_ok(parse("--db x fetch --fast this --name=n there --quiet"), &err);
  assert_ptr_equal(inv.command, &fetch);
  assert_int_equal(inv.n_args, 2);
  assert_string_equal(inv.args[0], "this");
  assert_string_equal(inv.args[1], "there");
  assert_string_equal(inv.settings.db, "x");
  assert_string_equal(values.name, "n");
  assert_true(values.fast);
  assert_true(inv.settings.quiet);
  assert_false(inv.settings.no_progress);
}

TEST(what_is_not_said_keeps_its_default) {
  assert_ok(parse("fetch this"), &err);
  assert_null(inv.settings.db);
  assert_int_equal(inv.settings.output, AF_OUTPUT_TEXT);
  assert_int_equal(inv.settings.log_level, AF_LOG_WARN);
  assert_int_equal(inv.settings.poll_ms, 0);
}

TEST(behind_two_dashes_everything_is_an_argument) {
  assert_ok(parse("fetch -- --fast -x"), &err);
  assert_string_equal(inv.args[0], "--fast");
  assert_string_equal(inv.args[1], "-x");
  assert_false(values.fast);
}

TEST(a_dash_by_itself_is_an_argument) {
  assert_ok(parse("fetch - --fast"), &err);
  assert_string_equal(inv.args[0], "-");
  assert_true(values.fast);
}

TEST(an_unknown_command_names_the_near_one_and_all) {
  assert_error(parse("fech this"), -AF_EINVAL, &err, "did you mean fetch?");
  assert_contains(err.hint, "fetch, list");
  assert_error(parse("dance"), -AF_EINVAL, &err, "unknown command \"dance\"");
  assert_lacks(err.message, "did you mean");
}

TEST(an_unknown_option_names_the_near_one) {
  assert_error(parse("fetch this --colur red"), -AF_EINVAL, &err, "did you mean --colour?");
  assert_error(parse("fetch this --nam=x"), -AF_EINVAL, &err, "did you mean --name?");
  assert_error(parse("fetch this -z"), -AF_EINVAL, &err, "unknown option -z");
}

TEST(names_are_not_abbreviated) {
  assert_error(parse("fetch this --fas"), -AF_EINVAL, &err, "unknown option --fas of fetch; did you mean --fast?");
  assert_error(parse("--qui list"), -AF_EINVAL, &err, "unknown option --qui");
}

TEST(a_commands_own_options_stand_behind_it) {
  assert_error(parse("--fast fetch this"), -AF_EINVAL, &err, "unknown option --fast");
  assert_contains(err.hint, "behind the command");
  assert_error(parse("list --fast"), -AF_EINVAL, &err, "unknown option --fast of list");
}

TEST(values_are_wanted_where_there_is_one_and_nowhere_else) {
  assert_error(parse("fetch this --name"), -AF_EINVAL, &err, "--name wants a value: NAME");
  assert_error(parse("fetch this --fast=yes"), -AF_EINVAL, &err, "--fast takes no value");
  assert_error(parse("fetch this --name ''"), -AF_EINVAL, &err, "--name");
}

TEST(a_choice_is_one_of_its_words) {
  assert_ok(parse("fetch this --colour blue --output ndjson"), &err);
  assert_int_equal(values.colour, 2);
  assert_int_equal(inv.settings.output, AF_OUTPUT_NDJSON);
  assert_error(parse("fetch this --colour pink"), -AF_EINVAL, &err, "--colour: \"pink\" is not red, green or blue");
}

TEST(seconds_have_fractions_and_are_kept_in_milliseconds) {
  static const struct {
    const char *text;
    int64_t ms; /* 0: refused */
  } cases[] = {{"15", 15000}, {"0.5", 500}, {".25", 250}, {"1.", 1000}, {"2.0015", 2001}, {"604800", 604800000},
               {"0", 0}, {"-1", 0}, {"", 0}, {".", 0}, {"1e3", 0}, {"1.5s", 0}, {"1,5", 0}, {" 1", 0}, {"0.0001", 0},
               {"604801", 0}, {"99999999999999999999", 0}, {"nan", 0}, {"0x10", 0}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    char line[80];
    snprintf(line, sizeof(line), "fetch this --pause=%s", cases[i].text);
    bool spaced = strchr(cases[i].text, ' ') != NULL;
    int rc = spaced ? -AF_EINVAL : parse(line);
    assert_int_equal(rc, cases[i].ms ? 0 : -AF_EINVAL);
    if (cases[i].ms) assert_int_equal(values.pause_ms, cases[i].ms);
  }
}

TEST(arguments_are_counted) {
  assert_error(parse("fetch"), -AF_EINVAL, &err, "fetch wants WHAT [WHERE]");
  assert_error(parse("fetch a b c"), -AF_EINVAL, &err, "one argument too many: \"c\"");
  assert_error(parse("list a"), -AF_EINVAL, &err, "too many");
  assert_error(parse(""), -AF_EINVAL, &err, "unknown command \"\"");
  assert_error(parse("--quiet"), -AF_EINVAL, &err, "a command is missing");
}

TEST(help_and_version_need_nothing_else_to_be_right) {
  assert_ok(parse("--help"), &err);
  assert_true(inv.help);
  assert_null(inv.command);
  assert_ok(parse("fetch --help"), &err);
  assert_ptr_equal(inv.command, &fetch);
  assert_ok(parse("-h fetch --nonsense"), &err);
  assert_true(inv.help);
  assert_ok(parse("--version"), &err);
  assert_true(inv.version);
}

static void check_width(const char *text, size_t width) {
  for (const char *end; (end = strchr(text, '\n')); text = end + 1) assert_true((size_t)(end - text) <= width);
}

TEST(a_commands_help_has_every_option_of_its_tables_within_80_columns) {
  struct af_buf b;
  af_buf_init(&b, 64 * 1024);
  af_help_command(&b, &fetch);
  assert_contains(af_buf_cstr(&b), "usage: amiferry fetch [OPTIONS] WHAT [WHERE]\n");
  for (const struct af_option *o = options; o->name; o++) assert_contains(af_buf_cstr(&b), o->name);
  for (const struct af_option *o = af_option_set_global.options; o->name; o++) assert_contains(af_buf_cstr(&b), o->name);
  assert_contains(af_buf_cstr(&b), "how it looks: red, green or blue");
  assert_lacks(af_buf_cstr(&b), "poll-interval");
  check_width(af_buf_cstr(&b), 80);
  af_buf_done(&b);
}

TEST(the_programs_help_has_every_command_and_exit_code) {
  static const char *const parts[] = {"fetch WHAT [WHERE]", "list all things", "\n    0  ",
                                      "\n    1  ", "\n    2  ", "\n    3  ", "\n    4  ", "\n    5  ", "\n  130  "};
  struct af_buf b;
  af_buf_init(&b, 64 * 1024);
  af_help_program(&b, commands);
  for (size_t i = 0; i < COUNT(parts); i++) assert_contains(af_buf_cstr(&b), parts[i]);
  check_width(af_buf_cstr(&b), 80);
  af_buf_done(&b);
}

TEST(the_man_page_is_made_of_the_same_tables) {
  struct af_buf b;
  af_buf_init(&b, 64 * 1024);
  af_help_man(&b, commands);
  assert_contains(af_buf_cstr(&b), ".TH AMIFERRY 1");
  assert_contains(af_buf_cstr(&b), ".SS fetch WHAT [WHERE]\nfetch a thing\n");
  assert_contains(af_buf_cstr(&b), ".B \\-\\-poll\\-interval \\fISECONDS\\fR\n");
  assert_contains(af_buf_cstr(&b), ".B 130\n");
  af_buf_done(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(options_stand_before_and_behind_the_command_and_its_arguments),
      cmocka_unit_test(what_is_not_said_keeps_its_default),
      cmocka_unit_test(behind_two_dashes_everything_is_an_argument),
      cmocka_unit_test(a_dash_by_itself_is_an_argument),
      cmocka_unit_test(an_unknown_command_names_the_near_one_and_all),
      cmocka_unit_test(an_unknown_option_names_the_near_one),
      cmocka_unit_test(names_are_not_abbreviated),
      cmocka_unit_test(a_commands_own_options_stand_behind_it),
      cmocka_unit_test(values_are_wanted_where_there_is_one_and_nowhere_else),
      cmocka_unit_test(a_choice_is_one_of_its_words),
      cmocka_unit_test(seconds_have_fractions_and_are_kept_in_milliseconds),
      cmocka_unit_test(arguments_are_counted),
      cmocka_unit_test(help_and_version_need_nothing_else_to_be_right),
      cmocka_unit_test(a_commands_help_has_every_option_of_its_tables_within_80_columns),
      cmocka_unit_test(the_programs_help_has_every_command_and_exit_code),
      cmocka_unit_test(the_man_page_is_made_of_the_same_tables),
  };
  return cmocka_run_group_tests_name("tools/amiferry/options", tests, NULL, NULL);
}
