/* The policy evaluator. Owns no state. A statement speaks of a call when its principal, action, resource and every condition
 * match; a deny beats every allow. */
#include "tools/cloudsim/policy.h"

#include <stdlib.h>
#include <strings.h>

#include "base/error.h"
#include "tools/cloudsim/sim.h"

enum { TEXT_MAX = 128 << 10, PATTERN_MAX = 4096 };

/* ---- the world file's YAML as JSON ---- */

static json_t *scalar(const struct af_node *n) {
  struct af_str text = af_node_text(n);
  switch (af_node_type(n)) {
    case AF_NODE_BOOL:
      return json_boolean(af_node_bool(n));
    case AF_NODE_NULL:
      return json_null();
    default: /* numbers too: 012345678901 is an account, and IAM compares text */
      return json_stringn(text.len ? text.ptr : "", text.len);
  }
}

json_t *cs_node_json(const struct af_node *n) {
  enum af_node_type type = af_node_type(n);
  if (type != AF_NODE_LIST && type != AF_NODE_MAP)
    return scalar(n);
  json_t *out = type == AF_NODE_LIST ? json_array() : json_object();
  for (size_t i = 0; out && i < af_node_count(n); i++) {
    json_t *value = cs_node_json(af_node_at(n, i));
    char *key = type == AF_NODE_MAP ? cs_strndup(af_node_key(n, i)) : NULL;
    int rc = type == AF_NODE_LIST ? json_array_append_new(out, value) : json_object_set_new(out, key, value);
    free(key);
    if (rc < 0) {
      json_decref(out);
      return NULL;
    }
  }
  return out;
}

/* ---- condition operators ---- */

static bool glob_lower(const char *pattern, const char *text) {
  struct af_buf p, t;
  af_buf_init(&p, PATTERN_MAX);
  af_buf_init(&t, PATTERN_MAX);
  for (; *pattern; pattern++)
    af_buf_putc(&p, *pattern >= 'A' && *pattern <= 'Z' ? (char)(*pattern + 32) : *pattern);
  for (; *text; text++)
    af_buf_putc(&t, *text >= 'A' && *text <= 'Z' ? (char)(*text + 32) : *text);
  bool match = af_buf_rc(&p) == 0 && af_buf_rc(&t) == 0 && af_str_glob(af_buf_view(&p), af_buf_view(&t));
  cs_buf_done(&p);
  cs_buf_done(&t);
  return match;
}

static bool op_equals(const char *pattern, const char *value) {
  return strcmp(pattern, value) == 0;
}
static bool op_equals_any_case(const char *pattern, const char *value) {
  return strcasecmp(pattern, value) == 0;
}
static bool op_like(const char *pattern, const char *value) {
  return af_str_glob(af_str(pattern), af_str(value));
}
static int numbers(const char *pattern, const char *value, double *a, double *b) {
  char *end_a, *end_b;
  *a = strtod(pattern, &end_a);
  *b = strtod(value, &end_b);
  return *pattern && *value && !*end_a && !*end_b;
}
static bool op_less(const char *pattern, const char *value) {
  double a, b;
  return numbers(pattern, value, &a, &b) && b < a;
}
static bool op_less_equals(const char *pattern, const char *value) {
  double a, b;
  return numbers(pattern, value, &a, &b) && b <= a;
}
static bool op_number_equals(const char *pattern, const char *value) {
  double a, b;
  return numbers(pattern, value, &a, &b) && !(a < b) && !(b < a);
}

static const struct operator{
  const char *name;
  bool (*match)(const char *pattern, const char *value);
  bool negated;
}
operators[] = {
    {"StringEquals", op_equals, false},
    {"StringNotEquals", op_equals, true},
    {"StringEqualsIgnoreCase", op_equals_any_case, false},
    {"StringNotEqualsIgnoreCase", op_equals_any_case, true},
    {"StringLike", op_like, false},
    {"StringNotLike", op_like, true},
    {"ArnEquals", op_like, false}, /* IAM: ArnEquals and ArnLike behave the same */
    {"ArnLike", op_like, false},
    {"ArnNotEquals", op_like, true},
    {"ArnNotLike", op_like, true},
    {"Bool", op_equals_any_case, false},
    {"NumericEquals", op_number_equals, false},
    {"NumericLessThan", op_less, false},
    {"NumericLessThanEquals", op_less_equals, false},
    {"NumericGreaterThan", op_less_equals, true},
    {"NumericGreaterThanEquals", op_less, true},
};

enum quantity { ONE, FOR_ANY, FOR_ALL };
struct condition {
  const struct operator* op; /* NULL: the operator Null */
  enum quantity quantity;
  bool if_exists;
};

/* "ForAllValues:StringEqualsIfExists" in its parts; false where it isn't simulated. */
static bool parse_operator(const char *name, struct condition *ret) {
  *ret = (struct condition){.quantity = ONE};
  struct af_str s = af_str(name);
  static const char any[] = "ForAnyValue:", all[] = "ForAllValues:", exists[] = "IfExists";
  if (af_str_starts(s, any) || af_str_starts(s, all)) {
    ret->quantity = af_str_starts(s, any) ? FOR_ANY : FOR_ALL;
    size_t n = ret->quantity == FOR_ANY ? strlen(any) : strlen(all);
    s = af_str_n(s.ptr + n, s.len - n);
  }
  if (af_str_eq(s, af_str("Null")))
    return true;
  size_t tail = strlen(exists);
  if (s.len > tail && memcmp(s.ptr + s.len - tail, exists, tail) == 0) {
    ret->if_exists = true;
    s.len -= tail;
  }
  for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
    if (af_str_eq(s, af_str(operators[i].name)))
      ret->op = &operators[i];
  return ret->op != NULL;
}

/* ---- one value or a list of them: IAM writes both for everything ---- */

static size_t count(const json_t *v) {
  return !v ? 0 : json_is_array(v) ? json_array_size(v) : 1;
}
static const char *text_at(const json_t *v, size_t i) {
  const json_t *item = json_is_array(v) ? json_array_get(v, i) : v;
  if (json_is_boolean(item))
    return json_is_true(item) ? "true" : "false";
  const char *s = json_string_value(item);
  return s ? s : "";
}

static const json_t *context_get(const struct cs_context *context, const char *key) {
  const char *name;
  json_t *value;
  json_object_foreach (context->values, name, value)
    if (strcasecmp(name, key) == 0)
      return value;
  value = context->find ? context->find(context->ctx, key) : NULL;
  if (value && json_object_set_new(context->values, key, value) < 0)
    return NULL;
  return value;
}

static bool any_pattern(const struct operator* op, const json_t *patterns, const char *value) {
  for (size_t i = 0; i < count(patterns); i++)
    if (op->match(text_at(patterns, i), value))
      return !op->negated;
  return op->negated;
}

static bool condition_holds(const struct condition *c, const json_t *patterns, const json_t *value) {
  if (!c->op) /* Null: "true" wants the key to be absent */
    return (strcasecmp(text_at(patterns, 0), "true") == 0) == (value == NULL);
  if (!value) /* an absent key fails a match and passes a negated one */
    return c->if_exists || c->quantity == FOR_ALL || (c->op->negated && c->quantity == ONE);
  size_t hits = 0, n = count(value);
  for (size_t i = 0; i < n; i++)
    hits += any_pattern(c->op, patterns, text_at(value, i));
  return c->quantity == FOR_ALL ? hits == n : hits > 0;
}

static bool conditions_hold(const json_t *conditions, const struct cs_context *context) {
  const char *name, *key;
  json_t *keys, *patterns;
  json_object_foreach ((json_t *)(uintptr_t)conditions, name, keys) {
    struct condition c;
    if (!parse_operator(name, &c))
      return false;
    json_object_foreach (keys, key, patterns)
      if (!condition_holds(&c, patterns, context_get(context, key)))
        return false;
  }
  return true;
}

/* ---- principals ---- */

enum cs_verdict cs_principal_matches(const char *pattern, const struct cs_who *who) {
  if (who->service)
    return CS_SILENT;
  if (strcmp(pattern, "*") == 0 || af_streq(pattern, who->arn) || (!who->role_limited && af_streq(pattern, who->role_arn)))
    return CS_ALLOW;
  if (af_streq(pattern, who->account))
    return CS_ALLOW_ACCOUNT;
  /* arn:aws:iam::111122223333:root is the account, not its root user alone */
  struct af_str p = af_str(pattern);
  static const char tail[] = ":root";
  size_t n = strlen(who->account), t = strlen(tail);
  bool root = af_str_starts(p, "arn:") && p.len > n + t + 2 && memcmp(p.ptr + p.len - t, tail, t) == 0 &&
              memcmp(p.ptr + p.len - t - n, who->account, n) == 0 && p.ptr[p.len - t - n - 1] == ':';
  return root ? CS_ALLOW_ACCOUNT : CS_SILENT;
}

static enum cs_verdict stronger(enum cs_verdict a, enum cs_verdict b) {
  return a > b ? a : b;
}

static enum cs_verdict principal_of(const json_t *principal, const struct cs_who *who) {
  if (json_is_string(principal))
    return strcmp(json_string_value(principal), "*") == 0 && !who->service ? CS_ALLOW : CS_SILENT;
  enum cs_verdict best = CS_SILENT;
  const char *kind;
  json_t *list;
  json_object_foreach ((json_t *)(uintptr_t)principal, kind, list)
    for (size_t i = 0; i < count(list); i++) {
      const char *pattern = text_at(list, i);
      if (strcmp(kind, "AWS") == 0 && !who->federated)
        best = stronger(best, cs_principal_matches(pattern, who));
      else if (strcmp(kind, "Service") == 0 && af_streq(pattern, who->service))
        best = CS_ALLOW;
      else if (strcmp(kind, "Federated") == 0 && af_streq(pattern, who->federated))
        best = CS_ALLOW;
    }
  return best;
}

/* ---- statements ---- */

static bool any_glob(const json_t *patterns, const char *text, bool lower) {
  for (size_t i = 0; i < count(patterns); i++)
    if (lower ? glob_lower(text_at(patterns, i), text) : af_str_glob(af_str(text_at(patterns, i)), af_str(text)))
      return true;
  return false;
}

static bool about(const json_t *statement, const struct cs_ask *ask) {
  const json_t *action = json_object_get(statement, "Action"), *not_action = json_object_get(statement, "NotAction");
  if (action ? !any_glob(action, ask->action, true) : any_glob(not_action, ask->action, true))
    return false;
  const json_t *resource = json_object_get(statement, "Resource"), *not_resource = json_object_get(statement, "NotResource");
  if (ask->resource && resource && !any_glob(resource, ask->resource, false))
    return false;
  if (ask->resource && not_resource && any_glob(not_resource, ask->resource, false))
    return false;
  return conditions_hold(json_object_get(statement, "Condition"), ask->context);
}

static enum cs_verdict statement_says(const json_t *statement, const struct cs_ask *ask, enum cs_policy_kind kind) {
  bool denies = af_streq(json_string_value(json_object_get(statement, "Effect")), "Deny");
  struct cs_who asks = ask->who;
  asks.role_limited = asks.role_limited && !denies;
  enum cs_verdict who = kind == CS_POLICY_IDENTITY ? CS_ALLOW : principal_of(json_object_get(statement, "Principal"), &asks);
  if (who == CS_SILENT || !about(statement, ask))
    return CS_SILENT;
  return denies ? CS_DENY : who;
}

static const json_t *statements(const json_t *document) {
  const json_t *inner = json_object_get(document, "Statement");
  return inner ? inner : document;
}
static const json_t *statement_at(const json_t *list, size_t i) {
  return json_is_array(list) ? json_array_get(list, i) : list;
}

enum cs_verdict cs_policy_says(const json_t *document, const struct cs_ask *ask, enum cs_policy_kind kind) {
  const json_t *list = statements(document);
  enum cs_verdict verdict = CS_SILENT;
  for (size_t i = 0; i < count(list); i++)
    verdict = stronger(verdict, statement_says(statement_at(list, i), ask, kind));
  return verdict;
}

bool cs_policy_allows_some(const json_t *document) {
  const json_t *list = statements(document);
  for (size_t i = 0; i < count(list); i++)
    if (af_streq(json_string_value(json_object_get(statement_at(list, i), "Effect")), "Allow"))
      return true;
  return false;
}

/* ---- what may stand in a document ---- */

static bool texts(const json_t *v) {
  if (count(v) == 0)
    return false;
  for (size_t i = 0; i < count(v); i++) {
    const json_t *item = json_is_array(v) ? json_array_get(v, i) : v;
    if (!json_is_string(item) && !json_is_boolean(item))
      return false;
    if (json_is_string(item) && strstr(json_string_value(item), "${"))
      return false; /* policy variables aren't simulated */
  }
  return true;
}

/* EC2 has many more: one that nobody fills in would hold where it is absent, or never, and either would be a lie. access.c fills in
 * these, ec2_conditions.c those that are about a resource. */
static bool unknown_key(const char *key) {
  static const char *const known[] = {
      "ec2:Add/group",  "ec2:Add/organizationArn",     "ec2:Add/organizationalUnitArn",    "ec2:Add/userId",
      "ec2:CreateAction", "ec2:Encrypted",             "ec2:ImageID",                      "ec2:Owner",
      "ec2:Public",     "ec2:Region",                  "ec2:Remove/group",                 "ec2:Remove/organizationArn",
      "ec2:Remove/organizationalUnitArn", "ec2:Remove/userId", "ec2:RootDeviceType",       "ec2:SnapshotID",
  };
  static const char tag[] = "ec2:ResourceTag/";
  if (strncasecmp(key, "ec2:", 4) != 0 || strncasecmp(key, tag, strlen(tag)) == 0)
    return false;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcasecmp(known[i], key) == 0)
      return false;
  return true;
}

static const char *bad_condition(const json_t *conditions) {
  const char *name, *key;
  json_t *keys, *patterns;
  if (!json_is_object(conditions))
    return "Condition must be a map of operators";
  json_object_foreach ((json_t *)(uintptr_t)conditions, name, keys) {
    struct condition c;
    if (!parse_operator(name, &c))
      return "Condition has an operator that is unknown or not simulated";
    if (!json_is_object(keys))
      return "each operator of Condition must be a map of keys";
    json_object_foreach (keys, key, patterns) {
      if (!texts(patterns))
        return "a condition's value must be text or a list of texts, without policy variables";
      if (unknown_key(key))
        return "Condition has a condition key of EC2 that is unknown or not simulated";
    }
  }
  return NULL;
}

static const char *bad_principal(const json_t *principal) {
  if (json_is_string(principal))
    return strcmp(json_string_value(principal), "*") == 0 ? NULL : "Principal must be \"*\" or a map";
  if (!json_is_object(principal) || json_object_size(principal) == 0)
    return "Principal must be \"*\" or a map";
  const char *kind;
  json_t *list;
  json_object_foreach ((json_t *)(uintptr_t)principal, kind, list) {
    if (strcmp(kind, "AWS") != 0 && strcmp(kind, "Service") != 0 && strcmp(kind, "Federated") != 0)
      return "Principal knows AWS, Service and Federated";
    if (!texts(list))
      return "a principal must be text or a list of texts";
  }
  return NULL;
}

static const char *bad_statement(const json_t *s, enum cs_policy_kind kind) {
  static const char *const known[] = {"Sid",      "Effect",      "Action",    "NotAction",
                                      "Resource", "NotResource", "Condition", "Principal"};
  const char *key;
  json_t *value;
  if (!json_is_object(s))
    return "a statement must be a map";
  json_object_foreach ((json_t *)(uintptr_t)s, key, value) {
    bool found = false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
      found = found || strcmp(key, known[i]) == 0;
    if (!found)
      return "a statement has an element that is unknown or not simulated";
    if (strcmp(key, "Condition") != 0 && strcmp(key, "Principal") != 0 && !texts(value))
      return "an element must be text or a list of texts, without policy variables";
  }
  const char *effect = json_string_value(json_object_get(s, "Effect"));
  if (!af_streq(effect, "Allow") && !af_streq(effect, "Deny"))
    return "Effect must be Allow or Deny";
  if (!json_object_get(s, "Action") == !json_object_get(s, "NotAction"))
    return "a statement needs either Action or NotAction";
  const json_t *principal = json_object_get(s, "Principal"), *conditions = json_object_get(s, "Condition");
  if ((kind == CS_POLICY_RESOURCE) != (principal != NULL))
    return principal ? "an identity policy has no Principal" : "a statement needs a Principal";
  const char *why = principal ? bad_principal(principal) : NULL;
  return why || !conditions ? why : bad_condition(conditions);
}

static const char *bad_document(const json_t *document, enum cs_policy_kind kind) {
  const json_t *list = statements(document);
  if (count(list) == 0)
    return "a policy needs at least one statement";
  for (size_t i = 0; i < count(list); i++) {
    const char *why = bad_statement(statement_at(list, i), kind);
    if (why)
      return why;
  }
  return NULL;
}

int cs_policy_read(json_t **ret, const struct af_doc *doc, const struct af_node *node, enum cs_policy_kind kind,
                   struct af_error *err) {
  json_t *document = cs_node_json(node);
  if (!document)
    return af_error_nomem(err);
  const char *why = bad_document(document, kind);
  if (why) {
    json_decref(document);
    return af_node_error(doc, node, err, "BadPolicy", "%s", why);
  }
  *ret = document;
  return 0;
}

int cs_policy_parse(json_t **ret, struct af_str text, enum cs_policy_kind kind, struct af_error *err) {
  json_error_t where;
  json_t *document = json_loadb(text.len ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &where);
  if (!document)
    return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "MalformedPolicyDocument", "not JSON: %s", where.text);
  const char *why = json_is_object(document) && !json_object_get(document, "Statement") ? "a policy needs a Statement"
                                                                                        : bad_document(document, kind);
  if (why) {
    json_decref(document);
    return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "MalformedPolicyDocument", "%s", why);
  }
  *ret = document;
  return 0;
}
