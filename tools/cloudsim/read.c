/* Reading world files: small readers of one value each, so that the loaders say what they want and errors always name line and path. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/sim.h"

int cs_bad(struct cs_reader *r, const struct af_node *n, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return af_node_error(r->doc, n, r->err, "BadWorld", "%s", text);
}

/* NULL in *ret where the key is absent or null. */
static int get(struct cs_reader *r, const struct af_node *map, const char *key, enum af_node_type want, const struct af_node **ret) {
  const struct af_node *n = map ? af_node_get(map, key) : NULL;
  *ret = NULL;
  if (!n || af_node_type(n) == AF_NODE_NULL)
    return 0;
  if (af_node_type(n) != want)
    return cs_bad(r, n, "must be %s", af_node_type_name(want));
  *ret = n;
  return 0;
}

int cs_read_map(struct cs_reader *r, const struct af_node *map, const char *key, const struct af_node **ret) {
  return get(r, map, key, AF_NODE_MAP, ret);
}

int cs_read_list(struct cs_reader *r, const struct af_node *map, const char *key, const struct af_node **ret) {
  return get(r, map, key, AF_NODE_LIST, ret);
}

/* Any scalar is taken as it was written: account ids look like numbers. */
static int scalar(struct cs_reader *r, const struct af_node *n) {
  enum af_node_type type = af_node_type(n);
  return type == AF_NODE_LIST || type == AF_NODE_MAP || type == AF_NODE_NULL ? cs_bad(r, n, "must be a string") : 0;
}

static const struct af_node *there(const struct af_node *map, const char *key) {
  const struct af_node *n = map ? af_node_get(map, key) : NULL;
  return n && af_node_type(n) != AF_NODE_NULL ? n : NULL;
}

int cs_read_string(struct cs_reader *r, const struct af_node *map, const char *key, char **ret) {
  const struct af_node *n = there(map, key);
  if (!n)
    return 0;
  if (scalar(r, n) < 0)
    return -AF_EINVAL;
  free(*ret);
  *ret = cs_strndup(af_node_text(n));
  return 0;
}

int cs_read_text(struct cs_reader *r, const struct af_node *map, const char *key, char *ret, size_t size) {
  const struct af_node *n = there(map, key);
  if (!n)
    return 0;
  if (scalar(r, n) < 0)
    return -AF_EINVAL;
  return af_str_copy(ret, size, af_node_text(n)) ? 0 : cs_bad(r, n, "is longer than %zu characters", size - 1);
}

int cs_read_bool(struct cs_reader *r, const struct af_node *map, const char *key, bool *ret) {
  const struct af_node *n;
  if (get(r, map, key, AF_NODE_BOOL, &n) < 0)
    return -AF_EINVAL;
  if (n)
    *ret = af_node_bool(n);
  return 0;
}

int cs_read_int(struct cs_reader *r, const struct af_node *map, const char *key, int64_t min, int64_t max, int64_t *ret) {
  const struct af_node *n;
  if (get(r, map, key, AF_NODE_INT, &n) < 0)
    return -AF_EINVAL;
  if (!n)
    return 0;
  if (af_node_int(n) < min || af_node_int(n) > max)
    return cs_bad(r, n, "must lie between %lld and %lld", (long long)min, (long long)max);
  *ret = af_node_int(n);
  return 0;
}

static int number(struct cs_reader *r, const struct af_node *n, double *ret) {
  enum af_node_type type = af_node_type(n);
  if (type != AF_NODE_INT && type != AF_NODE_REAL)
    return cs_bad(r, n, "must be a number");
  if (!isfinite(af_node_real(n)) || af_node_real(n) < 0 || af_node_real(n) > 1e12)
    return cs_bad(r, n, "must not be negative, nor absurd");
  *ret = af_node_real(n);
  return 0;
}

int cs_read_real(struct cs_reader *r, const struct af_node *map, const char *key, double *ret) {
  const struct af_node *n = there(map, key);
  return n ? number(r, n, ret) : 0;
}

static int seconds(struct cs_reader *r, const struct af_node *n, int64_t *ret_ms) {
  double s = 0;
  if (number(r, n, &s) < 0)
    return -AF_EINVAL;
  *ret_ms = (int64_t)llround(s * 1000);
  return 0;
}

int cs_read_seconds(struct cs_reader *r, const struct af_node *map, const char *key, int64_t *ret_ms) {
  const struct af_node *n = there(map, key);
  return n ? seconds(r, n, ret_ms) : 0;
}

int cs_read_range(struct cs_reader *r, const struct af_node *map, const char *key, struct cs_range *ret) {
  const struct af_node *n = there(map, key);
  struct cs_range range = {0};
  if (!n)
    return 0;
  if (af_node_type(n) != AF_NODE_LIST) {
    if (seconds(r, n, &range.min) < 0)
      return -AF_EINVAL;
    range.max = range.min;
  } else {
    if (af_node_count(n) != 2)
      return cs_bad(r, n, "must be seconds, or [least, most]");
    if (seconds(r, af_node_at(n, 0), &range.min) < 0 || seconds(r, af_node_at(n, 1), &range.max) < 0)
      return -AF_EINVAL;
    if (range.min > range.max)
      return cs_bad(r, n, "the least comes first");
  }
  *ret = range;
  return 0;
}

int cs_read_strings(struct cs_reader *r, const struct af_node *map, const char *key, char ***ret, size_t *ret_n) {
  const struct af_node *list;
  if (get(r, map, key, AF_NODE_LIST, &list) < 0)
    return -AF_EINVAL;
  if (!list)
    return 0;
  for (size_t i = 0; i < *ret_n; i++)
    free((*ret)[i]);
  free(*ret);
  *ret = NULL;
  *ret_n = 0;
  for (size_t i = 0; i < af_node_count(list); i++) {
    if (scalar(r, af_node_at(list, i)) < 0)
      return -AF_EINVAL;
    *CS_ADD(*ret, *ret_n) = cs_strndup(af_node_text(af_node_at(list, i)));
  }
  return 0;
}

int cs_read_tags(struct cs_reader *r, const struct af_node *map, const char *key, struct cs_tag **ret, size_t *ret_n) {
  const struct af_node *tags;
  if (get(r, map, key, AF_NODE_MAP, &tags) < 0)
    return -AF_EINVAL;
  for (size_t i = 0; i < af_node_count(tags); i++) {
    if (scalar(r, af_node_at(tags, i)) < 0)
      return -AF_EINVAL;
    *CS_ADD(*ret, *ret_n) = (struct cs_tag){cs_strndup(af_node_key(tags, i)), cs_strndup(af_node_text(af_node_at(tags, i)))};
  }
  return 0;
}
