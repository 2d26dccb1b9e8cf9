/* The parameters of a query-protocol call: application/x-www-form-urlencoded, decoded here and nowhere else. Kept in the order
 * of the text; looked up by name through an index that the first lookup sorts, since one call may carry 10,000 account ids. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "tools/cloudsim/sim.h"

static int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* NULL where an escape is broken or the text is no UTF-8; a NUL is refused by the UTF-8 check. */
static char *decode(struct af_str text) {
  char *out = cs_new(text.len + 1);
  size_t n = 0;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == '+') {
      c = ' ';
    } else if (c == '%') {
      int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
      int low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;
      if (high < 0 || low < 0)
        goto bad;
      c = (char)(high * 16 + low);
      i += 2;
    }
    out[n++] = c;
  }
  if (af_str_utf8(af_str_n(out, n)))
    return out;
bad:
  free(out);
  return NULL;
}

static void add_owned(struct cs_params *p, char *name, char *value) {
  free(p->by_name);
  p->by_name = NULL;
  *CS_ADD(p->items, p->n) = (struct cs_param){name, value};
}

void cs_params_add(struct cs_params *p, const char *name, const char *value) {
  add_owned(p, cs_strdup(name), cs_strdup(value ? value : ""));
}

static int read_pair(struct cs_params *p, struct af_str pair) {
  const char *equals = pair.len > 0 ? memchr(pair.ptr, '=', pair.len) : NULL;
  size_t name_len = equals ? (size_t)(equals - pair.ptr) : pair.len;
  char *name = decode(af_str_n(pair.ptr, name_len));
  char *value = decode(equals ? af_str_n(equals + 1, pair.len - name_len - 1) : af_str(""));
  if (!name || !value) {
    free(name);
    free(value);
    return -AF_EINVAL;
  }
  add_owned(p, name, value);
  return 0;
}

int cs_params_read(struct cs_params *p, struct af_str form) {
  size_t start = 0;
  while (start < form.len) {
    const char *end = memchr(form.ptr + start, '&', form.len - start);
    size_t len = end ? (size_t)(end - form.ptr) - start : form.len - start;
    if (len > 0 && read_pair(p, af_str_n(form.ptr + start, len)) < 0)
      return -AF_EINVAL;
    start += len + 1;
  }
  return 0;
}

void cs_params_done(struct cs_params *p) {
  for (size_t i = 0; i < p->n; i++) {
    free(p->items[i].name);
    free(p->items[i].value);
  }
  free(p->items);
  free(p->by_name);
  *p = (struct cs_params){0};
}

static int compare(const void *a, const void *b, void *ctx) {
  const struct cs_param *items = ctx;
  size_t i = *(const size_t *)a, j = *(const size_t *)b;
  int order = strcmp(items[i].name, items[j].name);
  return order != 0 ? order : (i > j) - (i < j);
}

/* The place in by_name of the first name that is not less than `name`. */
static size_t lower_bound(struct cs_params *p, const char *name) {
  if (!p->by_name && p->n > 0) {
    p->by_name = cs_new(p->n * sizeof *p->by_name);
    for (size_t i = 0; i < p->n; i++)
      p->by_name[i] = i;
    qsort_r(p->by_name, p->n, sizeof *p->by_name, compare, p->items);
  }
  size_t low = 0, high = p->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(p->items[p->by_name[middle]].name, name) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

const char *cs_param(struct cs_params *p, const char *name) {
  size_t at = lower_bound(p, name);
  if (at == p->n)
    return NULL;
  const struct cs_param *found = &p->items[p->by_name[at]];
  return af_streq(found->name, name) ? found->value : NULL;
}

const char *cs_paramf(struct cs_params *p, const char *format, ...) {
  char name[256];
  va_list args;
  va_start(args, format);
  vsnprintf(name, sizeof name, format, args);
  va_end(args);
  return cs_param(p, name);
}

bool cs_param_prefix(struct cs_params *p, const char *prefix) {
  size_t at = lower_bound(p, prefix);
  return at < p->n && strncmp(p->items[p->by_name[at]].name, prefix, strlen(prefix)) == 0;
}
