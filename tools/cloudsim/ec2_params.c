/* What an action takes, stated as text and checked before the action runs: `!ImageId Filter.#.Name MaxResults:i DryRun:b`.
 * '#' stands for a number, '!' for required (of a list: its first item), ":b" and ":i" for what the value must be. */
#include <stdio.h>

#include "tools/cloudsim/ec2.h"

static bool digits(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (s[i] < '0' || s[i] > '9')
      return false;
  return n > 0 && n < 7;
}

static struct af_str next_part(struct af_str *rest, char between) {
  const char *at = rest->len > 0 ? memchr(rest->ptr, between, rest->len) : NULL;
  size_t len = at ? (size_t)(at - rest->ptr) : rest->len;
  struct af_str part = af_str_n(rest->ptr, len);
  size_t skip = at ? len + 1 : len;
  *rest = af_str_n(rest->ptr + skip, rest->len - skip);
  return part;
}

/* Filter.3.Value.1 is of the kind Filter.#.Value.# */
static bool of_kind(struct af_str kind, struct af_str name) {
  while (kind.len > 0 && name.len > 0) {
    struct af_str k = next_part(&kind, '.'), n = next_part(&name, '.');
    bool number = af_str_eq(k, af_str("#"));
    if (number ? !digits(n.ptr, n.len) : !af_str_eq(k, n))
      return false;
  }
  return kind.len == 0 && name.len == 0;
}

struct kind {
  struct af_str name;
  bool required;
  char type; /* 'b', 'i', 's' */
};

static bool next_kind(struct af_str *spec, struct kind *ret) {
  *spec = af_str_trim(*spec); /* a list that begins with another begins with a space */
  struct af_str word = next_part(spec, ' ');
  if (word.len == 0)
    return false;
  *ret = (struct kind){.type = 's'};
  if (word.ptr[0] == '!') {
    ret->required = true;
    word = af_str_n(word.ptr + 1, word.len - 1);
  }
  if (word.len > 2 && word.ptr[word.len - 2] == ':') {
    ret->type = word.ptr[word.len - 1];
    word.len -= 2;
  }
  ret->name = word;
  return true;
}

static bool parse_bool(const char *text, bool *ret) {
  *ret = af_streq(text, "true") || af_streq(text, "True") || af_streq(text, "1");
  return *ret || af_streq(text, "false") || af_streq(text, "False") || af_streq(text, "0");
}

static int check_value(struct cs_call *call, const struct kind *kind, const struct cs_param *param) {
  bool truth;
  int64_t number;
  if (kind->type == 'b' && !parse_bool(param->value, &truth))
    return cs_fail(call, 400, "InvalidParameterValue", "Invalid value '%s' for boolean parameter %s", param->value, param->name);
  if (kind->type == 'i' && af_str_to_i64(af_str(param->value), &number) < 0)
    return cs_fail(call, 400, "InvalidParameterValue", "Value (%s) for parameter %s is invalid. Expected an integer.", param->value,
                   param->name);
  return 0;
}

static int check_param(struct cs_call *call, const char *spec, const struct cs_param *param) {
  struct af_str rest = af_str(spec);
  struct kind kind;
  if (af_streq(param->name, "Action") || af_streq(param->name, "Version"))
    return 0;
  while (next_kind(&rest, &kind))
    if (of_kind(kind.name, af_str(param->name)))
      return check_value(call, &kind, param);
  return cs_fail(call, 400, "UnknownParameter", "The parameter %s is not recognized", param->name);
}

static int check_required(struct cs_call *call, const struct kind *kind) {
  char name[80];
  snprintf(name, sizeof name, "%.*s", (int)kind->name.len, kind->name.ptr);
  char *number = strchr(name, '#');
  if (number)
    *number = '1';
  const char *value = cs_param(&call->params, name);
  if (value && value[0])
    return 0;
  if (number)
    number[-1] = 0;
  return cs_fail(call, 400, "MissingParameter", "The request must contain the parameter %s", name);
}

int cs_params_check(struct cs_call *call, const char *spec) {
  for (size_t i = 0; i < call->params.n; i++)
    if (check_param(call, spec, &call->params.items[i]) < 0)
      return -AF_EAWS;
  struct af_str rest = af_str(spec);
  struct kind kind;
  while (next_kind(&rest, &kind))
    if (kind.required && check_required(call, &kind) < 0)
      return -AF_EAWS;
  return 0;
}

int64_t cs_param_int(struct cs_call *call, const char *name, int64_t absent) {
  const char *text = cs_param(&call->params, name);
  int64_t number = absent;
  if (text)
    (void)af_str_to_i64(af_str(text), &number);
  return number;
}

int cs_param_bool(struct cs_call *call, const char *name, int absent) {
  const char *text = cs_param(&call->params, name);
  bool truth;
  return text && parse_bool(text, &truth) ? truth : absent;
}

size_t cs_param_list(struct cs_call *call, const char *name) {
  char item[128];
  size_t n = 0;
  for (;;) {
    snprintf(item, sizeof item, "%s.%zu", name, n + 1);
    if (!cs_param(&call->params, item)) {
      snprintf(item, sizeof item, "%s.%zu.", name, n + 1);
      if (!cs_param_prefix(&call->params, item))
        return n;
    }
    n++;
  }
}

int cs_one_of(struct cs_call *call, const char *name, const char *const *allowed) {
  const char *value = cs_param(&call->params, name);
  if (!value)
    return 0;
  for (; *allowed; allowed++)
    if (af_streq(value, *allowed))
      return 0;
  return cs_fail(call, 400, "InvalidParameterValue", "Value (%s) for parameter %s is invalid.", value, name);
}
