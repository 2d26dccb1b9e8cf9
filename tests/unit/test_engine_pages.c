/* Paginated answers, put together. */
#include "engine/pages.h"
#include "tests/unit/test.h"

/* Takes the pages in turn; returns the whole, and keeps the inputs that asked for the later ones. */
static json_t *take(const char *const *outputs, size_t n, json_t *asked) {
  json_t *pages = NULL, *input = json_pack("{s:i}", "MaxResults", 2), *next = NULL;
  struct af_answer a = {0};
  for (size_t i = 0; i < n; i++) {
    a = (struct af_answer){.output = json_loads(outputs[i], 0, NULL)};
    assert_non_null(a.output);
    assert_int_equal(af_pages_take(&pages, input, &a, &next), 0);
    assert_int_equal(next != NULL, i + 1 < n);
    if (!next) break;
    json_array_append(asked, next);
    json_decref(input);
    input = next;
    json_decref(a.output);
  }
  json_decref(input);
  json_decref(pages);
  return a.output;
}

static void joins(const char *const *outputs, size_t n, const char *whole, const char *inputs) {
  json_t *asked = json_array(), *got = take(outputs, n, asked), *want = json_loads(whole, 0, NULL), *want_asked = json_loads(inputs, 0, NULL);
  json_t *items = json_object_get(got, "Items");
  assert_true(json_equal(items, want));
  assert_true(json_equal(asked, want_asked));
  json_decref(asked);
  json_decref(got);
  json_decref(want);
  json_decref(want_asked);
}

TEST(ec2s_pages_are_asked_for_by_their_token_and_put_together_an_empty_one_too) {
  const char *outputs[] = {"{\"Items\": [1, 2], \"NextToken\": \"a\"}", "{\"Items\": [], \"NextToken\": \"b\"}", "{\"Items\": [3]}"};
  joins(outputs, 3, "[1, 2, 3]", "[{\"MaxResults\": 2, \"NextToken\": \"a\"}, {\"MaxResults\": 2, \"NextToken\": \"b\"}]");
}

TEST(kmss_pages_are_asked_for_by_their_marker) {
  const char *outputs[] = {"{\"Items\": [1], \"NextMarker\": \"m\", \"Truncated\": true}", "{\"Items\": [2], \"Truncated\": false}"};
  joins(outputs, 2, "[1, 2]", "[{\"MaxResults\": 2, \"Marker\": \"m\"}]");
}

TEST(an_answer_without_a_token_is_the_whole) {
  const char *outputs[] = {"{\"Items\": [1], \"NextToken\": \"\"}"};
  joins(outputs, 1, "[1]", "[]");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ec2s_pages_are_asked_for_by_their_token_and_put_together_an_empty_one_too),
      cmocka_unit_test(kmss_pages_are_asked_for_by_their_marker),
      cmocka_unit_test(an_answer_without_a_token_is_the_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
