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

int af_pages_take(json_t **pages, const json_t *input, struct af_answer *a, json_t **ret_next) {
  *ret_next = NULL;
  if (a->rc) return 0;
  json_t *token = json_incref(json_object_get(a->output, "NextToken")); /* it goes with the page otherwise */
  int rc = 0;
  if (*pages) {
    rc = merge(*pages, a->output);
    json_decref(a->output);
    a->output = json_incref(*pages);
  }
  if (!rc && json_string_length(token)) {
    json_t *next = json_deep_copy(input);
    if (!next || json_object_set(next, "NextToken", token)) rc = -AF_ENOMEM;
    if (!*pages) *pages = json_incref(a->output);
    if (!rc) *ret_next = next;
    else json_decref(next);
  }
  json_decref(token);
  return rc;
}
