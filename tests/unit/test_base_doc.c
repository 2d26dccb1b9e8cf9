/* base/doc.h: YAML and JSON as trees with lines, what is refused and how the refusal reads. */
#include "tests/unit/test.h"

#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/doc.h"

static struct af_doc *doc;
static struct af_error err;

static int forget(void **state) {
  af_doc_free(doc);
  doc = NULL;
  return 0;
}

static const struct af_node *read_doc(const char *text) {
  af_doc_free(doc);
  doc = NULL;
  assert_ok(af_doc_read(&doc, "batch.yaml", af_str(text), AF_DOC_AUTO, NULL, &err), &err);
  return af_doc_root(doc);
}

static void refused_n(const char *text, size_t len, int rc, const char *message) {
  struct af_doc *none = NULL;
  assert_int_equal(af_doc_read(&none, "batch.yaml", af_str_n(text, len), AF_DOC_AUTO, NULL, &err), rc);
  assert_null(none);
  assert_int_equal(err.class, AF_CLASS_INVALID);
  assert_string_equal(err.resource, "batch.yaml");
  assert_contains(err.message, message);
}

static void refused(const char *text, const char *message) {
  refused_n(text, strlen(text), -AF_EINVAL, message);
}

/* --- trees --- */

TEST(yaml_becomes_a_tree_that_knows_its_lines) {
  const struct af_node *root = read_doc("# a comment\nversion: 1\ndefaults:\n  kms_key: alias/x\ncopies:\n"
                                        "  - ami: ami-1\n    tags: {a: b,\n      c: d}\n  - ami: ami-2\n");
  assert_int_equal(af_node_type(root), AF_NODE_MAP);
  assert_int_equal(af_node_count(root), 3);
  assert_str_equal(af_node_key(root, 2), "copies");
  const struct af_node *copies = af_node_get(root, "copies");
  assert_int_equal(af_node_type(copies), AF_NODE_LIST);
  assert_int_equal(af_node_count(copies), 2);
  const struct af_node *tags = af_node_get(af_node_at(copies, 0), "tags");
  assert_int_equal(af_node_line(af_node_get(tags, "a")), 7);
  assert_int_equal(af_node_line(af_node_get(tags, "c")), 8);
  assert_int_equal(af_node_line(af_node_at(copies, 1)), 9);
  assert_str_equal(af_node_text(af_node_get(af_node_at(copies, 1), "ami")), "ami-2");
  assert_null(af_node_get(root, "absent"));
  assert_null(af_node_get(copies, "ami"));
  assert_null(af_node_at(copies, 2));
  assert_int_equal(af_node_key(root, 3).len, 0);
  assert_string_equal(af_doc_name(doc), "batch.yaml");
}

TEST(json_becomes_the_same_tree_with_its_lines) {
  const struct af_node *root = read_doc("\n{\"version\": 1,\n \"list\": [1, -2.5e3, \"a\\\"\\n,]}[\", null,\n  true, {}, [], "
                                        "{\"k\" :\n   \"v\\u00e9\"}],\n \"z\": \"\"}\n");
  assert_int_equal(af_node_line(root), 2);
  const struct af_node *list = af_node_get(root, "list");
  assert_int_equal(af_node_line(list), 3);
  assert_int_equal(af_node_count(list), 8);
  assert_true(af_node_real(af_node_at(list, 1)) == -2500.0);
  assert_str_equal(af_node_text(af_node_at(list, 1)), "-2.5e3");
  assert_str_equal(af_node_text(af_node_at(list, 2)), "a\"\n,]}[");
  assert_int_equal(af_node_type(af_node_at(list, 3)), AF_NODE_NULL);
  assert_true(af_node_bool(af_node_at(list, 4)));
  assert_int_equal(af_node_line(af_node_at(list, 4)), 4);
  assert_int_equal(af_node_count(af_node_at(list, 5)), 0);
  const struct af_node *k = af_node_get(af_node_at(list, 7), "k");
  assert_str_equal(af_node_text(k), "v\xC3\xA9");
  assert_int_equal(af_node_line(k), 5);
  assert_int_equal(af_node_line(af_node_get(root, "z")), 6);
}

TEST(many_keys_are_found_in_the_order_of_the_text) {
  struct af_buf b;
  af_buf_init(&b, 100000);
  for (int i = 0; i < 2000; i++)
    af_buf_printf(&b, "key%d: %d\n", (i * 7919) % 2000, i);
  const struct af_node *root = read_doc(af_buf_cstr(&b));
  for (int i = 0; i < 2000; i++) {
    char key[20];
    snprintf(key, sizeof key, "key%d", (i * 7919) % 2000);
    assert_str_equal(af_node_key(root, (size_t)i), key);
    assert_int_equal(af_node_int(af_node_get(root, key)), i);
  }
  af_buf_done(&b);
}

TEST(an_empty_document_is_a_null) {
  static const char *const empty[] = {"", "\n\n", "# only a comment\n", "---\n", "---\n...\n", "\xEF\xBB\xBF"};
  for (size_t i = 0; i < COUNT(empty); i++)
    assert_int_equal(af_node_type(read_doc(empty[i])), AF_NODE_NULL);
}

TEST(a_byte_order_mark_and_dos_line_ends_do_no_harm) {
  const struct af_node *root = read_doc("\xEF\xBB\xBF" "a: 1\r\nb: two\r\n");
  assert_int_equal(af_node_int(af_node_get(root, "a")), 1);
  assert_str_equal(af_node_text(af_node_get(root, "b")), "two");
  assert_int_equal(af_node_line(af_node_get(root, "b")), 2);
  root = read_doc("\xEF\xBB\xBF{\"a\": 1}\r\n");
  assert_int_equal(af_node_int(af_node_get(root, "a")), 1);
}

/* --- scalars --- */

TEST(plain_scalars_follow_the_core_schema_of_yaml_1_2) {
  static const struct {
    const char *text;
    enum af_node_type type;
    int64_t integer;
    double real;
  } cases[] = {
      {"~", AF_NODE_NULL, 0, 0}, {"null", AF_NODE_NULL, 0, 0}, {"NULL", AF_NODE_NULL, 0, 0}, {"nULL", AF_NODE_STRING, 0, 0},
      {"true", AF_NODE_BOOL, 0, 0}, {"FALSE", AF_NODE_BOOL, 0, 0}, {"yes", AF_NODE_STRING, 0, 0}, {"on", AF_NODE_STRING, 0, 0},
      {"n", AF_NODE_STRING, 0, 0}, {"0", AF_NODE_INT, 0, 0}, {"-12", AF_NODE_INT, -12, -12}, {"+12", AF_NODE_INT, 12, 12},
      {"012345678901", AF_NODE_INT, 12345678901, 12345678901}, {"0x1F", AF_NODE_INT, 31, 31}, {"0o17", AF_NODE_INT, 15, 15},
      {"0o18", AF_NODE_STRING, 0, 0}, {"0x", AF_NODE_STRING, 0, 0}, {"-0x1F", AF_NODE_STRING, 0, 0},
      {"0x7fffffffffffffff", AF_NODE_INT, INT64_MAX, 9223372036854775807.0}, {"0xffffffffffffffffff", AF_NODE_STRING, 0, 0},
      {"9223372036854775807", AF_NODE_INT, INT64_MAX, 9223372036854775807.0}, {"9223372036854775808", AF_NODE_REAL, 0, 9223372036854775808.0},
      {"1.5", AF_NODE_REAL, 0, 1.5}, {".5", AF_NODE_REAL, 0, .5}, {"1.", AF_NODE_REAL, 0, 1}, {"-1e3", AF_NODE_REAL, 0, -1000},
      {"1e", AF_NODE_STRING, 0, 0}, {".", AF_NODE_STRING, 0, 0}, {"1_000", AF_NODE_STRING, 0, 0}, {"1:30", AF_NODE_STRING, 0, 0},
      {"2026-11-23", AF_NODE_STRING, 0, 0}, {".inf", AF_NODE_REAL, 0, __builtin_inf()}, {"-.INF", AF_NODE_REAL, 0, -__builtin_inf()},
      {"inf", AF_NODE_STRING, 0, 0}, {"nan", AF_NODE_STRING, 0, 0}, {"1.2.3", AF_NODE_STRING, 0, 0}, {"0x1p3", AF_NODE_STRING, 0, 0},
      {"\"1\"", AF_NODE_STRING, 0, 0}, {"'true'", AF_NODE_STRING, 0, 0}, {"\"\"", AF_NODE_STRING, 0, 0},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    char text[64];
    snprintf(text, sizeof text, "a: %s", cases[i].text);
    const struct af_node *n = af_node_get(read_doc(text), "a");
    if (af_node_type(n) != cases[i].type || af_node_int(n) != cases[i].integer || af_node_real(n) != cases[i].real)
      fail_msg("%s is %s, %lld", cases[i].text, af_node_type_name(af_node_type(n)), (long long)af_node_int(n));
  }
  assert_true(af_node_real(af_node_get(read_doc("a: .nan"), "a")) != 0);
  assert_true(af_node_bool(af_node_get(read_doc("a: True"), "a")));
  assert_false(af_node_bool(af_node_get(read_doc("a: False"), "a")));
}

TEST(a_scalar_keeps_its_text_whatever_its_type) {
  const struct af_node *root = read_doc("account: 012345678901\nflag: TRUE\nsize: 1.50\nnone: ~\n012345678902: key\n");
  assert_str_equal(af_node_text(af_node_get(root, "account")), "012345678901");
  assert_str_equal(af_node_text(af_node_get(root, "flag")), "TRUE");
  assert_str_equal(af_node_text(af_node_get(root, "size")), "1.50");
  assert_str_equal(af_node_text(af_node_get(root, "none")), "~");
  assert_str_equal(af_node_text(af_node_get(root, "012345678902")), "key");
}

TEST(block_scalars_are_strings) {
  const struct af_node *root = read_doc("a: |\n  one\n  two\nb: >-\n  1\nc: 3\n");
  assert_str_equal(af_node_text(af_node_get(root, "a")), "one\ntwo\n");
  assert_int_equal(af_node_type(af_node_get(root, "b")), AF_NODE_STRING);
  assert_int_equal(af_node_line(af_node_get(root, "c")), 6);
}

TEST(numbers_are_read_alike_in_every_locale) {
  /* C.UTF-8 is always there; where a locale with a decimal comma is too, it is the harder case. */
  if (!setlocale(LC_ALL, "de_DE.UTF-8"))
    setlocale(LC_ALL, "C.UTF-8");
  assert_true(af_node_real(af_node_get(read_doc("a: 1.5"), "a")) == 1.5);
  assert_true(af_node_real(af_node_get(read_doc("{\"a\": 1.5}"), "a")) == 1.5);
  setlocale(LC_ALL, "C");
}

/* --- what is refused --- */

TEST(yaml_beyond_plain_data_is_refused_with_line_and_path) {
  refused("a:\n  b: &x 1\n", "batch.yaml:2: a.b: anchors");
  refused("a: [1, *x]\n", "batch.yaml:1: a[1]: aliases");
  refused("a: !!str 1\n", "batch.yaml:1: a: tags");
  refused("a: ! 1\n", "tags");
  refused("a: !foo {b: c}\n", "tags");
  refused("a: &x [b]\n", "anchors");
  refused("a:\n  <<: {b: c}\n", "batch.yaml:2: a: merge keys");
  refused("a: 1\n---\nb: 1\n", "batch.yaml:2: a second document");
  refused("? [a]\n: 1\n", "cannot be a key");
  refused("{\"a\": 1} {\"b\": 1}\n", "not valid JSON");
  assert_str_equal(af_node_text(af_node_get(read_doc("\"<<\": x"), "<<")), "x");
}

TEST(duplicate_keys_are_refused_with_both_lines) {
  refused("a:\n  b: 1\n  c: 2\n  b: 3\n", "batch.yaml:4: a.b: the key is already on line 2");
  refused("a: 1\nz: 1\nz:\n  2\na: 3\n", "batch.yaml:3: z: the key is already on line 2");
  refused("x: {b: 1, \"b\": 2}\n", "x.b: the key is already on line 1");
  refused("{\"a\": 1,\n\"a\": 2}", "batch.yaml:2: the key \"a\" is there twice");
  read_doc("a: {b: 1}\nc: {b: 1}\n");
}

TEST(syntax_errors_say_what_to_do) {
  refused("a: b: c\n", "batch.yaml:1: not valid YAML: mapping values are not allowed");
  refused("a: 1\n\tb: 2\n", "spaces, not tabs");
  refused("a: \"x\n", "close the quote");
  refused("a: [1, 2\n", "close the bracket");
  refused("a:\n  - x\n  b: 1\n", "batch.yaml:3: a[1]: not valid YAML");
  refused("{\"a\": 1,}", "batch.yaml:1: not valid JSON: string or '}' expected (column 9)");
  refused("{\"a\":\n[1,]}", "batch.yaml:2: not valid JSON");
  refused("{'a': 1}", "not valid JSON");
  refused("[01]", "not valid JSON");
  refused("[99999999999999999999]", "too big");
}

TEST(json_errors_do_not_show_the_text_around_them) {
  refused("{\"SecretAccessKey\": \"hunter2\" \"Expiration\": 1}", "not valid JSON");
  assert_lacks(err.message, "hunter2");
  refused("[hunter2]", "not valid JSON");
  assert_lacks(err.message, "hunter2");
}

TEST(bytes_that_are_no_text_are_refused_on_their_line) {
  refused_n("a: 1\nb: \0", 9, -AF_EINVAL, "batch.yaml:2: holds the control character 0x00");
  refused("a: 1\nb: \xC3(\n", "batch.yaml:2: is not valid UTF-8");
  refused("a: \x01\n", "control character 0x01");
  refused("a: \"\\0\"\n", "NUL");
  refused("a: \"\\ud800\"\n", "not valid YAML");
  refused("a: \xC2\x81\n", "control characters are not allowed");
  refused("{\"a\": \"\\u0000\"}", "NUL");
  refused("{\"a\\u0000\": 1}", "NUL");
  refused_n("\xFF\xFE" "a\0", 4, -AF_EINVAL, "batch.yaml:1: ");
}

/* --- limits --- */

static void too_big(const char *text, const struct af_doc_limits *limits, const char *message) {
  struct af_doc *none = NULL;
  assert_error(af_doc_read(&none, "x", af_str(text), AF_DOC_AUTO, limits, &err), -AF_ETOOBIG, &err, message);
  assert_null(none);
}

TEST(depth_is_limited_exactly) {
  const struct af_doc_limits three = {.depth = 3};
  static const char *const fits[] = {"[[[1]]]", "a:\n  b:\n    - 1\n"}, *const deep[] = {"[\n[[[]]]]", "a:\n b: [{}]"};
  for (size_t i = 0; i < COUNT(fits); i++) {
    forget(NULL);
    assert_ok(af_doc_read(&doc, "x", af_str(fits[i]), AF_DOC_AUTO, &three, &err), &err);
    too_big(deep[i], &three, "x:2: ");
    too_big(deep[i], &three, "nested more than 3 levels deep");
  }
}

TEST(values_are_limited_exactly) {
  const struct af_doc_limits four = {.nodes = 4};
  static const char *const fits[] = {"[1, 2, 3]", "[[], [], []]", "a: 1\nb: 2\nc: 3"};
  static const char *const many[] = {"[1, 2, 3, 4]", "[[], [], [], []]", "a: 1\nb: 2\nc: 3\nd: 4"};
  for (size_t i = 0; i < COUNT(fits); i++) {
    forget(NULL);
    assert_ok(af_doc_read(&doc, "x", af_str(fits[i]), AF_DOC_AUTO, &four, &err), &err);
    too_big(many[i], &four, "more than 4 values");
  }
}

static char *repeat(const char *part, size_t times) {
  size_t n = strlen(part);
  char *text = malloc(n * times + 1);
  assert_non_null(text);
  for (size_t i = 0; i < times; i++)
    memcpy(text + i * n, part, n + 1);
  return text;
}

TEST(hostile_nesting_neither_overflows_the_stack_nor_takes_long) {
  static const char *const parts[] = {"[", "{\"a\":", "[{a: ", "- ", "? ", "{", "a: [", "[\""};
  for (size_t i = 0; i < COUNT(parts); i++) {
    char *text = repeat(parts[i], 500000);
    struct af_doc *none = NULL;
    assert_true(af_doc_read(&none, "x", af_str(text), AF_DOC_AUTO, NULL, &err) < 0);
    assert_true(af_doc_read(&none, "x", af_str(text), AF_DOC_YAML, NULL, &err) < 0);
    free(text);
  }
}

TEST(nesting_is_refused_before_jansson_follows_it) {
  char *text = repeat("[", 3000); /* past jansson's own limit, below that of values */
  too_big(text, NULL, "nested more than 32 levels deep");
  free(text);
}

TEST(the_greatest_document_allowed_is_read) {
  char *text = repeat("- x\n", 199999);
  assert_int_equal(af_node_count(read_doc(text)), 199999);
  free(text);
}

TEST(a_text_past_the_limit_is_refused_by_its_size) {
  const struct af_doc_limits ten = {.bytes = 10};
  too_big("- 456789\n- x", &ten, "x:1: is longer than 10 bytes");
}

TEST(a_big_file_is_refused_before_it_is_parsed) {
  char path[] = "/tmp/test_base_doc.XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(ftruncate(fd, 10 << 20), 0); /* all NUL: parsing it would give another error */
  close(fd);
  struct af_doc *none = NULL;
  assert_error(af_doc_read_file(&none, path, NULL, &err), -AF_ETOOBIG, &err, "longer than 4194304 bytes");
  assert_contains(err.message, path);
  assert_lacks(err.message, ":1:"); /* that would be the text's limit: then the whole file was read */
  unlink(path);
  assert_error(af_doc_read_file(&none, path, NULL, &err), -AF_ENOENT, &err, "No such file");
}

TEST(a_file_is_read_by_its_name) {
  char path[] = "/tmp/test_base_doc.XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, "a: [1, 2]\n", 10), 10);
  close(fd);
  assert_ok(af_doc_read_file(&doc, path, NULL, &err), &err);
  assert_string_equal(af_doc_name(doc), path);
  assert_int_equal(af_node_count(af_node_get(af_doc_root(doc), "a")), 2);
  unlink(path);
}

/* --- errors about nodes --- */

TEST(an_error_names_file_line_and_path_of_its_node) {
  const struct af_node *root = read_doc("copies:\n- a: 1\n- target:\n    region: moon\n    tags:\n      \"a.b c\": [1, 2]\n");
  const struct af_node *target = af_node_get(af_node_at(af_node_get(root, "copies"), 1), "target");
  assert_error(af_node_error(doc, af_node_get(target, "region"), &err, "NoRegion", "there is no Region \"%s\"", "moon"),
               -AF_EINVAL, &err, "batch.yaml:4: copies[1].target.region: there is no Region \"moon\"");
  assert_string_equal(err.code, "NoRegion");
  af_node_error(doc, af_node_at(af_node_get(af_node_get(target, "tags"), "a.b c"), 1), &err, "X", "no");
  assert_string_equal(err.message, "batch.yaml:6: copies[1].target.tags[\"a.b c\"][1]: no");
  af_node_error(doc, root, &err, "X", "must be a list");
  assert_string_equal(err.message, "batch.yaml:1: must be a list");
}

TEST(a_path_longer_than_a_message_keeps_its_end) {
  struct af_buf b;
  af_buf_init(&b, 10000);
  for (int i = 0; i < 30; i++)
    af_buf_printf(&b, "{\"a_rather_long_key_%02d_______________________________________________________________________\":", i);
  af_buf_puts(&b, "[1]");
  for (int i = 0; i < 30; i++)
    af_buf_putc(&b, '}');
  const struct af_node *n = read_doc(af_buf_cstr(&b));
  while (af_node_count(n))
    n = af_node_at(n, 0);
  af_node_error(doc, n, &err, "X", "the reason");
  assert_contains(err.message, "batch.yaml:1: ...");
  assert_contains(err.message, "[0]: the reason");
  af_buf_done(&b);
}

TEST(an_unknown_key_is_refused_with_the_nearest_known_one) {
  static const char *const known[] = {"region", "account", "kms_key", "id", NULL};
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"a: 1\nregoin: x", "unknown key \"a\"; the keys here are: region, account, kms_key, id"},
      {"region: 1\nregoin: x", "batch.yaml:2: unknown key \"regoin\"; did you mean \"region\"?"},
      {"reigno: 1", "did you mean \"region\"?"}, /* two swaps */
      {"Region: 1", "did you mean \"region\"?"},
      {"kmsKey: 1", "did you mean \"kms_key\"?"},
      {"acount: 1", "did you mean \"account\"?"},
      {"ids: 1", "did you mean \"id\"?"},
      {"to: 1", "the keys here are"},
      {"regexes: 1", "the keys here are"},
      {"a_key_that_is_longer_than_any_that_is_compared_with_the_known_ones: 1", "the keys here are"},
      {"- 1", "must be a map, not a list"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    const struct af_node *root = read_doc(cases[i].text);
    assert_error(af_node_only(doc, root, known, &err), -AF_EINVAL, &err, cases[i].message);
  }
  const struct af_node *root = read_doc("id: 1\nregion: 2");
  assert_ok(af_node_only(doc, root, known, &err), &err);
  root = read_doc("{}");
  assert_ok(af_node_only(doc, root, known, &err), &err);
}

TEST(keys_too_long_to_compare_are_listed) {
  char long_key[200] = "k";
  memset(long_key + 1, 'x', 100);
  const char *const known[] = {long_key, NULL};
  char text[220];
  snprintf(text, sizeof text, "%sy: 1", long_key);
  const struct af_node *root = read_doc(text);
  assert_error(af_node_only(doc, root, known, &err), -AF_EINVAL, &err, "the keys here are: kxxx");
}

TEST(the_nested_unknown_key_is_named_with_its_place) {
  static const char *const known[] = {"region", NULL};
  const struct af_node *root = read_doc("copies:\n- target:\n    region: x\n    regin: y\n");
  const struct af_node *target = af_node_get(af_node_at(af_node_get(root, "copies"), 0), "target");
  assert_int_equal(af_node_only(doc, target, known, &err), -AF_EINVAL);
  assert_string_equal(err.message, "batch.yaml:4: copies[0].target: unknown key \"regin\"; did you mean \"region\"?");
  assert_string_equal(err.code, "UnknownKey");
}

#define DOC_TEST(name) cmocka_unit_test_teardown(name, forget)

int main(void) {
  const struct CMUnitTest tests[] = {
      DOC_TEST(yaml_becomes_a_tree_that_knows_its_lines),
      DOC_TEST(json_becomes_the_same_tree_with_its_lines),
      DOC_TEST(many_keys_are_found_in_the_order_of_the_text),
      DOC_TEST(an_empty_document_is_a_null),
      DOC_TEST(a_byte_order_mark_and_dos_line_ends_do_no_harm),
      DOC_TEST(plain_scalars_follow_the_core_schema_of_yaml_1_2),
      DOC_TEST(a_scalar_keeps_its_text_whatever_its_type),
      DOC_TEST(block_scalars_are_strings),
      DOC_TEST(numbers_are_read_alike_in_every_locale),
      DOC_TEST(yaml_beyond_plain_data_is_refused_with_line_and_path),
      DOC_TEST(duplicate_keys_are_refused_with_both_lines),
      DOC_TEST(syntax_errors_say_what_to_do),
      DOC_TEST(json_errors_do_not_show_the_text_around_them),
      DOC_TEST(bytes_that_are_no_text_are_refused_on_their_line),
      DOC_TEST(depth_is_limited_exactly),
      DOC_TEST(values_are_limited_exactly),
      DOC_TEST(hostile_nesting_neither_overflows_the_stack_nor_takes_long),
      DOC_TEST(nesting_is_refused_before_jansson_follows_it),
      DOC_TEST(the_greatest_document_allowed_is_read),
      DOC_TEST(a_text_past_the_limit_is_refused_by_its_size),
      DOC_TEST(a_big_file_is_refused_before_it_is_parsed),
      DOC_TEST(a_file_is_read_by_its_name),
      DOC_TEST(an_error_names_file_line_and_path_of_its_node),
      DOC_TEST(a_path_longer_than_a_message_keeps_its_end),
      DOC_TEST(an_unknown_key_is_refused_with_the_nearest_known_one),
      DOC_TEST(keys_too_long_to_compare_are_listed),
      DOC_TEST(the_nested_unknown_key_is_named_with_its_place),
  };
  return cmocka_run_group_tests_name("base/doc", tests, NULL, NULL);
}
