/* Pages are put together list by list; what is no list is the first page's. */
#include "engine/pages.h"

static int merge(json_t *pages, json_t *output) {
  const char *name;
  json_t *list;
  json_object_foreach(output, name, list) {
    json_t *before = json_object_get(pages, name);
    if (!json_is_array(list)) continue;
    if (before ? json_array_extend(before, list) : json_object_set(pages, name, list)) return -AF_ENOMEM;
  }
  return 0;
}

/* How the services say that more follows, and how that is asked for. */
static const struct {
  const char *told, *ask;
} tokens[] = {{"NextToken", "NextToken"}, {"NextMarker", "Marker"}};

/* The input that asks for the page after this one. *ret stays NULL where it was the last. */
static int next_input(const json_t *input, const json_t *output, json_t **ret) {
  for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
    json_t *token = json_object_get(output, tokens[i].told);
    if (!json_string_length(token)) continue;
    *ret = json_deep_copy(input);
    return *ret && !json_object_set(*ret, tokens[i].ask, token) ? 0 : -AF_ENOMEM;
  }
  return 0;
}

int af_pages_take(json_t **pages, const json_t *input, struct af_answer *a, json_t **ret_next) {
  *ret_next = NULL;
  if (a->rc) return 0;
  json_t *next = NULL;
  int rc = next_input(input, a->output, &next); /* first: the token goes with the page */
  if (*pages) {
    if (!rc) rc = merge(*pages, a->output);
    json_decref(a->output);
    a->output = json_incref(*pages);
  }
  if (next && !*pages) *pages = json_incref(a->output);
  if (!rc) *ret_next = next;
  else json_decref(next);
  return rc;
}
