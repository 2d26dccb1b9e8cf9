/* Filter.N of the Describe calls (rules.md 6.3): values are OR-ed, filters AND-ed, case counts, '*' and '?' are wildcards and a
 * backslash takes their meaning. A filter is read once for a call and asked of every resource. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2.h"

enum { MOST_VALUES = 200 }; /* in one request, EC2's own limit */

struct cs_match {
  const struct cs_asked *asked;
  bool passed;
};

static bool glob(const char *p, const char *s) {
  const char *star = NULL, *again = s;
  while (*s) {
    bool literal = *p == '\\' && p[1];
    if (*p == '*') {
      star = p++;
      again = s;
    } else if (literal ? p[1] == *s : *p == '?' || *p == *s) {
      p += literal ? 2 : 1;
      s++;
    } else if (star) {
      p = star + 1;
      s = ++again;
    } else {
      return false;
    }
  }
  while (*p == '*')
    p++;
  return *p == 0;
}

void cs_match_value(struct cs_match *m, const char *value) {
  if (!value)
    return;
  for (size_t i = 0; i < m->asked->n && !m->passed; i++)
    m->passed = glob(m->asked->values[i], value);
}

void cs_match_int(struct cs_match *m, int64_t value) {
  char digits[24];
  snprintf(digits, sizeof digits, "%lld", (long long)value);
  cs_match_value(m, digits);
}

void cs_match_bool(struct cs_match *m, bool value) {
  cs_match_value(m, value ? "true" : "false");
}

static bool holds(const struct cs_past_tag *tag, int64_t view) {
  return tag->since <= view && view < tag->until;
}

void cs_match_tags(struct cs_match *m, const struct cs_tags *tags, int64_t view) {
  cs_match_value(m, cs_tags_get(tags, view, m->asked->key));
}

void cs_match_tag_keys(struct cs_match *m, const struct cs_tags *tags, int64_t view) {
  for (size_t i = 0; i < tags->n; i++)
    if (holds(&tags->items[i], view))
      cs_match_value(m, tags->items[i].key);
}

static const struct cs_filter *find(const struct cs_filter *table, const char *name, const char **ret_key) {
  for (; table->name; table++) {
    size_t len = strlen(table->name);
    bool keyed = table->name[len - 1] == ':';
    if (keyed ? strncmp(name, table->name, len) == 0 && name[len] : af_streq(name, table->name)) {
      *ret_key = name + (keyed ? len : 0);
      return table;
    }
  }
  return NULL;
}

static int read_one(struct cs_call *call, const struct cs_filter *table, size_t i, struct cs_asked *asked, size_t *total) {
  const char *name = cs_paramf(&call->params, "Filter.%zu.Name", i);
  char list[40];
  snprintf(list, sizeof list, "Filter.%zu.Value", i);
  size_t n = cs_param_list(call, list);
  *asked = (struct cs_asked){0};
  if (!name)
    return cs_fail(call, 400, "MissingParameter", "The request must contain the parameter Filter.%zu.Name", i);
  asked->filter = find(table, name, &asked->key);
  if (!asked->filter)
    return cs_fail(call, 400, "InvalidParameterValue", "The filter '%s' is invalid", name);
  if (n == 0)
    return cs_fail(call, 400, "InvalidParameterValue", "The filter '%s' must have at least one value", name);
  if ((*total += n) > MOST_VALUES)
    return cs_fail(call, 400, "FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d",
                   MOST_VALUES);
  asked->values = cs_new(n * sizeof *asked->values);
  for (asked->n = 0; asked->n < n; asked->n++)
    asked->values[asked->n] = cs_paramf(&call->params, "%s.%zu", list, asked->n + 1);
  return 0;
}

int cs_filters_read(struct cs_call *call, const struct cs_filter *table, struct cs_filters *ret) {
  *ret = (struct cs_filters){0};
  size_t n = cs_param_list(call, "Filter"), total = 0;
  for (size_t i = 1; i <= n; i++)
    if (read_one(call, table, i, CS_ADD(ret->items, ret->n), &total) < 0) {
      ret->n--;
      cs_filters_done(ret);
      return -AF_EAWS;
    }
  return 0;
}

bool cs_filters_pass(const struct cs_call *call, const struct cs_filters *filters, const void *resource) {
  for (size_t i = 0; i < filters->n; i++) {
    struct cs_match m = {.asked = &filters->items[i]};
    m.asked->filter->values(call, resource, m.asked->filter, &m);
    if (!m.passed)
      return false;
  }
  return true;
}

void cs_filters_done(struct cs_filters *filters) {
  for (size_t i = 0; i < filters->n; i++)
    free(filters->items[i].values);
  free(filters->items);
  *filters = (struct cs_filters){0};
}

const char *cs_match_key(const struct cs_match *m) {
  return m->asked->key;
}
