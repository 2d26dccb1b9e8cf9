/* What a copy says in lists and switches: its order of routes, whom it trusts, who may launch the new image, which differences
 * are allowed, whether the source's tags come along. Lists of the same kind are a table; an inner list replaces the defaults' as a
 * whole. */
#include <stdlib.h>

#include "base/buf.h"
#include "plans/attribute.h"
#include "plans/manifest_read.h"

enum { LIST_MAX = 500 }; /* changes that one call of ModifySnapshotAttribute takes (rules.md 2.5) */

#define PERMISSIONS "launch_permissions"

/* The lists of words. A section is a map of the copy's own; NULL: the copy itself. */
static const struct list {
  const char *section, *key;
  enum af_shape shape;
  bool digits;
  const char *of;
} lists[] = {
    {NULL, "trusted_owners", AF_SHAPE_OWNER, true, "owners"},
    {PERMISSIONS, "accounts", AF_SHAPE_ACCOUNT, true, "account ids"},
    {PERMISSIONS, "organizations", AF_SHAPE_ORGANIZATION, false, "ARNs of organizations"},
    {PERMISSIONS, "organizational_units", AF_SHAPE_UNIT, false, "ARNs of organizational units"},
};
#define N_LISTS (sizeof lists / sizeof lists[0])

static const struct af_node *member_of(const struct af_node *map, const char *section, const char *key) {
  return af_member(section ? af_member(map, section) : map, key);
}

/* The node that counts: the copy's, otherwise the defaults'. */
static const struct af_node *pick(const struct af_layers *l, const char *section, const char *key) {
  const struct af_node *n = member_of(l->copy, section, key);
  return n ? n : member_of(l->defaults, section, key);
}

/* --- each map by itself --- */

static int check_list(struct af_reader *r, const struct af_node *n, const struct list *list) {
  if (!n)
    return 0;
  if (af_node_type(n) != AF_NODE_LIST)
    return af_node_error(r->doc, n, r->err, "WrongType", "must be a list of %s, not %s: write each one behind a dash", list->of,
                         af_node_type_name(af_node_type(n)));
  if (af_node_count(n) > LIST_MAX)
    return af_node_error(r->doc, n, r->err, "TooMany", "are %zu %s: leave at most %d", af_node_count(n), list->of, LIST_MAX);
  int rc = 0;
  for (size_t i = 0; i < af_node_count(n) && rc == 0; i++)
    rc = af_manifest_check_text(r, af_node_at(n, i), list->shape, list->digits);
  return rc;
}

static int check_switch(struct af_reader *r, const struct af_node *n) {
  if (!n || af_node_type(n) == AF_NODE_BOOL)
    return 0;
  return af_node_error(r->doc, n, r->err, "WrongType", "must be true or false, not %s", af_node_type_name(af_node_type(n)));
}

static int check_permissions(struct af_reader *r, const struct af_node *map) {
  static const char *const known[] = {"accounts", "organizations", "organizational_units", "snapshots", NULL};
  int rc = map ? af_manifest_check_keys(r, map, known, "accounts: into it") : 0;
  return rc ? rc : check_switch(r, af_member(map, "snapshots"));
}

#define ROUTES "copy-image, reencrypt or launch-image"

static bool is_route(struct af_str name) {
  static const enum af_route routes[] = {AF_ROUTE_COPY_IMAGE, AF_ROUTE_REENCRYPT, AF_ROUTE_LAUNCH_IMAGE};
  for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
    if (af_str_eq(name, af_str(af_route_name(routes[i]))))
      return true;
  return false;
}

/* The routes in the order in which they are tried: each once, and auto is none of them. */
static int check_order(struct af_reader *r, const struct af_node *n) {
  if (af_node_count(n) == 0)
    return af_node_error(r->doc, n, r->err, "EmptyList", "is an empty list: write auto, or at least one of " ROUTES);
  for (size_t i = 0; i < af_node_count(n); i++) {
    const struct af_node *item = af_node_at(n, i);
    char name[80];
    AF_COPY(name, af_node_text(item));
    if (af_node_type(item) != AF_NODE_STRING || !is_route(af_node_text(item)))
      return af_node_error(r->doc, item, r->err, "BadValue", "\"%s\" is no route of an order: write " ROUTES, name);
    for (size_t j = 0; j < i; j++)
      if (af_str_eq(af_node_text(item), af_node_text(af_node_at(n, j))))
        return af_node_error(r->doc, item, r->err, "BadValue", "\"%s\" stands in the order twice: leave one of them out", name);
  }
  return 0;
}

static int check_route(struct af_reader *r, const struct af_node *n) {
  char name[80];
  if (n && af_node_type(n) == AF_NODE_LIST)
    return check_order(r, n);
  if (n && af_node_type(n) != AF_NODE_STRING)
    return af_node_error(r->doc, n, r->err, "WrongType",
                         "must be a route's name, not %s: write auto, " ROUTES ", or a list of them in the order to try",
                         af_node_type_name(af_node_type(n)));
  if (!n || af_str_eq(af_node_text(n), af_str("auto")) || is_route(af_node_text(n)))
    return 0;
  AF_COPY(name, af_node_text(n));
  return af_node_error(r->doc, n, r->err, "BadValue", "\"%s\" is not a route: write auto, " ROUTES, name);
}

static int check_differences(struct af_reader *r, const struct af_node *n) {
  if (!n)
    return 0;
  if (af_node_type(n) != AF_NODE_LIST)
    return af_node_error(r->doc, n, r->err, "WrongType", "must be a list of attributes, not %s: write it as [imdsSupport]",
                         af_node_type_name(af_node_type(n)));
  for (size_t i = 0; i < af_node_count(n); i++) {
    const struct af_node *item = af_node_at(n, i);
    if (af_node_type(item) == AF_NODE_STRING && af_attribute_may_differ(af_node_text(item)))
      continue;
    char shown[80];
    AF_COPY(shown, af_node_text(item));
    struct af_buf names;
    af_buf_init(&names, 1024);
    af_attribute_list(&names);
    af_node_error(r->doc, item, r->err, "BadValue", "\"%s\" is no attribute that may differ: write one of %s", shown,
                  af_buf_cstr(&names));
    af_buf_done(&names);
    return -AF_EINVAL;
  }
  return 0;
}

int af_manifest_check_sets(struct af_reader *r, const struct af_node *map) {
  int rc = check_permissions(r, af_member(map, PERMISSIONS));
  for (size_t i = 0; i < N_LISTS && rc == 0; i++)
    rc = check_list(r, member_of(map, lists[i].section, lists[i].key), &lists[i]);
  if (rc == 0)
    rc = check_switch(r, af_member(map, "source_tags"));
  if (rc == 0)
    rc = check_route(r, af_member(map, "route"));
  return rc ? rc : check_differences(r, af_member(map, "allow_differences"));
}

/* --- putting a copy together --- */

static int by_text(const void *a, const void *b) {
  const struct af_str *x = a, *y = b;
  size_t n = x->len < y->len ? x->len : y->len;
  int order = n ? memcmp(x->ptr, y->ptr, n) : 0;
  return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Sorted and each once: it is a set, and the normal form must not depend on how it was written. NULL when memory is out. */
static json_t *set_of(const struct af_node *list) {
  size_t n = af_node_count(list);
  struct af_str *words = calloc(n + 1, sizeof *words);
  json_t *array = words ? json_array() : NULL;
  bool bad = !array;
  for (size_t i = 0; i < n && !bad; i++)
    words[i] = af_node_text(af_node_at(list, i));
  if (!bad)
    qsort(words, n, sizeof *words, by_text);
  for (size_t i = 0; i < n && !bad; i++)
    if (i == 0 || !af_str_eq(words[i], words[i - 1]))
      bad = json_array_append_new(array, json_stringn(words[i].ptr, words[i].len));
  free(words);
  if (bad)
    json_decref(array);
  return bad ? NULL : array;
}

static json_t *routes_of(const struct af_node *n) {
  json_t *routes = json_array();
  bool bad = !routes;
  if (af_node_type(n) == AF_NODE_STRING && !af_str_eq(af_node_text(n), af_str("auto")))
    bad = bad || json_array_append_new(routes, json_stringn(af_node_text(n).ptr, af_node_text(n).len));
  for (size_t i = 0; i < af_node_count(n) && !bad; i++)
    bad = json_array_append_new(routes, json_stringn(af_node_text(af_node_at(n, i)).ptr, af_node_text(af_node_at(n, i)).len));
  if (bad)
    json_decref(routes);
  return bad ? NULL : routes;
}

/* Puts value, which it takes over, in the place of what is there; NULL is memory that ran out. */
static int replace(struct af_reader *r, json_t **slot, json_t *value) {
  if (!value)
    return af_error_nomem(r->err);
  json_decref(*slot);
  *slot = value;
  return 0;
}

static int take_list(struct af_reader *r, const struct af_layers *l, const struct list *list, struct af_copy_spec *spec) {
  const struct af_node *n = pick(l, list->section, list->key);
  if (!n)
    return 0;
  if (!list->section)
    return replace(r, &spec->trusted_owners, set_of(n));
  return json_object_set_new(spec->launch_permissions, list->key, set_of(n)) ? af_error_nomem(r->err) : 0;
}

int af_manifest_take_sets(struct af_reader *r, const struct af_layers *l, struct af_copy_spec *spec) {
  const struct af_node *route = pick(l, NULL, "route"), *differences = pick(l, NULL, "allow_differences");
  const struct af_node *tags = pick(l, NULL, "source_tags"), *snapshots = pick(l, PERMISSIONS, "snapshots");
  int rc = 0;
  for (size_t i = 0; i < N_LISTS && rc == 0; i++)
    rc = take_list(r, l, &lists[i], spec);
  if (rc == 0 && route)
    rc = replace(r, &spec->routes, routes_of(route));
  if (rc == 0 && differences)
    rc = replace(r, &spec->allow_differences, set_of(differences));
  if (rc == 0 && snapshots)
    rc = json_object_set_new(spec->launch_permissions, "snapshots", json_boolean(af_node_bool(snapshots)))
             ? af_error_nomem(r->err)
             : 0;
  spec->source_tags = !tags || af_node_bool(tags);
  return rc;
}

/* A snapshot can be shared with accounts only (rules.md 1.3): who may launch by an organization could not copy. */
int af_manifest_check_permissions(struct af_reader *r, const struct af_layers *l, const struct af_copy_spec *spec) {
  const json_t *wanted = spec->launch_permissions;
  const struct af_node *at = pick(l, PERMISSIONS, "snapshots");
  if (!json_is_true(json_object_get(wanted, "snapshots")))
    return 0;
  for (size_t i = 0; i < N_LISTS; i++)
    if (lists[i].section && lists[i].shape != AF_SHAPE_ACCOUNT && json_array_size(json_object_get(wanted, lists[i].key)) > 0)
      return af_node_error(r->doc, at, r->err, "Contradiction",
                           "a snapshot cannot be shared with %s (line %d): write snapshots: false, or name the accounts",
                           lists[i].of, af_node_line(pick(l, PERMISSIONS, lists[i].key)));
  if (json_array_size(json_object_get(wanted, "accounts")) == 0)
    return af_node_error(r->doc, at, r->err, "Contradiction",
                         "snapshots are shared with the accounts, and none is named: write accounts, or leave it out");
  return 0;
}
