/* jansson's reader, with an allocator around it that remembers whether it ever had nothing to give. */
#include "base/json.h"

#include "base/error.h"

static json_malloc_t allocate; /* as it was set before */
static bool starved;

static void *noted_malloc(size_t size) {
  void *p = allocate(size);
  starved = starved || !p;
  return p;
}

int af_json_read(struct af_str text, size_t flags, json_t **ret, json_error_t *ret_error) {
  json_free_t release;
  json_get_alloc_funcs(&allocate, &release);
  json_set_alloc_funcs(noted_malloc, release);
  starved = false;
  *ret = json_loadb(text.len ? text.ptr : "", text.len, flags, ret_error);
  json_set_alloc_funcs(allocate, release);
  if (*ret && !starved) return 0;
  json_decref(*ret);
  *ret = NULL;
  return starved ? -AF_ENOMEM : -AF_EINVAL;
}
