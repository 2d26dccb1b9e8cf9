/* Reading the manifest. Each map is first checked by itself, so that an error stands where the text does (in the defaults too);
 * then each copy is put together from its own map, its target and the defaults, and what only the whole can show is checked.
 * manifest_check.c has those checks, spec.c what a copy's spec is made of. */
#include "plans/manifest_read.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/buf.h"
#include "plans/attribute.h"

/* Enough for 10,000 copies that name all they can. */
static const struct af_doc_limits limits = {.bytes = AF_MANIFEST_MAX_BYTES, .nodes = 1000000};

/* Defaults are merged under each copy, so a small text can grow; past this it is no manifest but a mistake. */
enum { NORMAL_MAX = 64 * 1024 * 1024 };

enum { TAGS_MAX = 40 }; /* of AWS's 50: amiferry adds its own */

/* --- each map by itself --- */

static const char *const root_keys[] = {"version", "defaults", "copies", NULL};
static const char *const defaults_keys[] = {"source", "target", "targets",           "description",
                                            "tags",   "route",  "allow_differences", NULL};
static const char *const copy_keys[] = {"source", "target", "targets",           "name", "description",
                                        "tags",   "route",  "allow_differences", NULL};
static const char *const source_keys[] = {"image", "account", "region", "profile", "role_arn", "external_id", NULL};
static const char *const target_keys[] = {"account", "region", "profile", "role_arn", "external_id", "kms_key", NULL};

static const struct af_node *member(const struct af_node *map, const char *key) {
  return map ? af_node_get(map, key) : NULL;
}

/* A map of known keys. */
static int check_keys(struct af_reader *r, const struct af_node *n, const char *const *known, const char *write) {
  if (af_node_type(n) != AF_NODE_MAP)
    return af_node_error(r->doc, n, r->err, "WrongType", "must be a map, not %s: write %s", af_node_type_name(af_node_type(n)),
                         write);
  return af_node_only(r->doc, n, known, r->err);
}

static bool is_scalar(enum af_node_type t) {
  return t == AF_NODE_BOOL || t == AF_NODE_INT || t == AF_NODE_REAL || t == AF_NODE_STRING;
}

static int check_shape(struct af_reader *r, const struct af_node *at, struct af_str text, enum af_shape shape) {
  if (af_shape_fits(shape, text))
    return 0;
  char shown[80];
  bool whole = AF_COPY(shown, text);
  return af_node_error(r->doc, at, r->err, "BadValue", "\"%s%s\" is not %s: write %s", shown, whole ? "" : "...",
                       af_shape_name(shape), af_shape_write(shape));
}

/* A text of the wanted shape. Strings only, so that nobody's "1e3" becomes a number unseen; ids of digits are taken as written.
 */
static int check_text(struct af_reader *r, const struct af_node *n, enum af_shape shape, bool as_written) {
  enum af_node_type type = af_node_type(n);
  if (type == AF_NODE_NULL)
    return af_node_error(r->doc, n, r->err, "WrongType", "is empty: write %s, or leave the key out", af_shape_write(shape));
  if (type != AF_NODE_STRING && !(as_written && is_scalar(type)))
    return af_node_error(r->doc, n, r->err, "WrongType", "must be a string, not %s: %swrite %s", af_node_type_name(type),
                         is_scalar(type) ? "put it in quotes and " : "", af_shape_write(shape));
  return check_shape(r, n, af_node_text(n), shape);
}

/* The string members of one section; NULL is the copy itself. */
static int check_fields(struct af_reader *r, const struct af_node *map, const char *section) {
  for (int i = 0; i < AF_SPEC_MEMBER_MAX_; i++) {
    const struct af_spec_field *field = &af_spec_fields[i];
    const struct af_node *n = (field->section && section ? af_streq(field->section, section) : field->section == section)
                                  ? member(map, field->key)
                                  : NULL;
    int rc = n ? check_text(r, n, field->shape, field->digits) : 0;
    if (rc < 0)
      return rc;
  }
  return 0;
}

static int check_section(struct af_reader *r, const struct af_node *map, const char *section) {
  if (!map)
    return 0;
  bool source = af_streq(section, "source");
  int rc = check_keys(r, map, source ? source_keys : target_keys, source ? "image: and region: into it" : "region: into it");
  return rc ? rc : check_fields(r, map, section);
}

static int check_list(struct af_reader *r, const struct af_node *n, const char *of) {
  if (af_node_type(n) != AF_NODE_LIST)
    return af_node_error(r->doc, n, r->err, "WrongType", "must be a list of %s, not %s: write each one behind a dash", of,
                         af_node_type_name(af_node_type(n)));
  if (af_node_count(n) == 0)
    return af_node_error(r->doc, n, r->err, "EmptyList", "is an empty list: write at least one of the %s", of);
  return 0;
}

static int check_targets(struct af_reader *r, const struct af_node *map) {
  const struct af_node *target = member(map, "target"), *targets = member(map, "targets");
  if (target && targets)
    return af_node_error(r->doc, targets, r->err, "Contradiction",
                         "\"targets\" stands beside \"target\" (line %d): put them all into \"targets\", or leave it out",
                         af_node_line(target));
  int rc = targets ? check_list(r, targets, "targets") : check_section(r, target, "target");
  for (size_t i = 0; targets && rc == 0 && i < af_node_count(targets); i++)
    rc = check_section(r, af_node_at(targets, i), "target");
  return rc;
}

static int check_tags(struct af_reader *r, const struct af_node *tags) {
  if (!tags)
    return 0;
  if (af_node_type(tags) != AF_NODE_MAP)
    return af_node_error(r->doc, tags, r->err, "WrongType", "must be a map of tags, not %s: write KEY: VALUE on each line",
                         af_node_type_name(af_node_type(tags)));
  int rc = 0;
  for (size_t i = 0; i < af_node_count(tags) && rc == 0; i++) {
    const struct af_node *value = af_node_at(tags, i);
    rc = check_shape(r, value, af_node_key(tags, i), AF_SHAPE_TAG_KEY);
    if (rc == 0)
      rc = check_text(r, value, AF_SHAPE_TAG_VALUE, true);
  }
  return rc;
}

static int check_route(struct af_reader *r, const struct af_node *n) {
  enum af_route route = AF_ROUTE_NONE;
  char name[80];
  if (!n)
    return 0;
  if (af_node_type(n) != AF_NODE_STRING)
    return af_node_error(r->doc, n, r->err, "WrongType", "must be a route's name, not %s: write auto, copy-image or reencrypt",
                         af_node_type_name(af_node_type(n)));
  AF_COPY(name, af_node_text(n));
  if (af_streq(name, "auto") || (af_route_parse(name, &route) == 0 && (route == AF_ROUTE_COPY_IMAGE || route == AF_ROUTE_REENCRYPT)))
    return 0;
  return af_node_error(r->doc, n, r->err, "BadValue", "\"%s\" is not a route: write auto, copy-image or reencrypt", name);
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

/* What a copy and the defaults have in common. */
static int check_map(struct af_reader *r, const struct af_node *map, const char *const *known) {
  int rc = check_keys(r, map, known, "source: and target: into it");
  if (rc == 0)
    rc = check_fields(r, map, NULL);
  if (rc == 0)
    rc = check_section(r, member(map, "source"), "source");
  if (rc == 0)
    rc = check_targets(r, map);
  if (rc == 0)
    rc = check_tags(r, member(map, "tags"));
  if (rc == 0)
    rc = check_route(r, member(map, "route"));
  return rc ? rc : check_differences(r, member(map, "allow_differences"));
}

static int check_defaults(struct af_reader *r) {
  if (!r->defaults)
    return 0;
  if (af_node_type(r->defaults) == AF_NODE_MAP) {
    const struct af_node *name = member(r->defaults, "name"), *source = member(r->defaults, "source");
    const struct af_node *image = source && af_node_type(source) == AF_NODE_MAP ? member(source, "image") : NULL;
    if (name || image)
      return af_node_error(r->doc, name ? name : image, r->err, "UnknownKey", "belongs to one copy: write it into copies");
  }
  return check_map(r, r->defaults, defaults_keys);
}

/* --- putting a copy together --- */

/* The node that counts for a member: the innermost that has it. */
static const struct af_node *pick(const struct af_layers *l, const struct af_spec_field *field) {
  const struct af_node *own = l->copy, *under = l->defaults;
  if (field->section) {
    own = af_streq(field->section, "target") ? l->target : member(l->copy, field->section);
    under = member(l->defaults, field->section);
  }
  const struct af_node *n = member(own, field->key);
  return n ? n : member(under, field->key);
}

static int merge_tags(struct af_reader *r, const struct af_layers *l, json_t **ret) {
  const struct af_node *layers[] = {member(l->defaults, "tags"), member(l->copy, "tags")};
  json_t *tags = json_object();
  int bad = !tags;
  for (size_t i = 0; i < 2 && !bad; i++)
    for (size_t j = 0; layers[i] && j < af_node_count(layers[i]) && !bad; j++) {
      struct af_str value = af_node_text(af_node_at(layers[i], j));
      char key[4 * 127 + 1];
      AF_COPY(key, af_node_key(layers[i], j)); /* its shape is checked: it fits */
      bad = json_object_set_new(tags, key, json_stringn(value.ptr, value.len));
    }
  *ret = tags; /* the spec's from here on, whatever follows */
  if (bad)
    return af_error_nomem(r->err);
  if (json_object_size(tags) > TAGS_MAX)
    return af_node_error(r->doc, layers[1] ? layers[1] : layers[0], r->err, "TooManyTags",
                         "are %zu tags, with the defaults': AWS takes 50 and amiferry adds its own, so leave at most %d",
                         json_object_size(tags), TAGS_MAX);
  return 0;
}

static int by_text(const void *a, const void *b) {
  const struct af_str *x = a, *y = b;
  size_t n = x->len < y->len ? x->len : y->len;
  int order = n ? memcmp(x->ptr, y->ptr, n) : 0;
  return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Sorted and each once: it is a set, and the normal form must not depend on how it was written. */
static int take_differences(struct af_reader *r, const struct af_layers *l, json_t **ret) {
  const struct af_node *list = member(l->copy, "allow_differences");
  if (!list)
    list = member(l->defaults, "allow_differences");
  size_t n = list ? af_node_count(list) : 0;
  struct af_str *names = calloc(n + 1, sizeof *names);
  json_t *array = names ? json_array() : NULL;
  bool bad = !array;
  for (size_t i = 0; i < n && !bad; i++)
    names[i] = af_node_text(af_node_at(list, i));
  if (!bad)
    qsort(names, n, sizeof *names, by_text);
  for (size_t i = 0; i < n && !bad; i++)
    if (i == 0 || !af_str_eq(names[i], names[i - 1]))
      bad = json_array_append_new(array, json_stringn(names[i].ptr, names[i].len));
  free(names);
  *ret = array;
  return bad ? af_error_nomem(r->err) : 0;
}

static int take_route(struct af_reader *r, const struct af_layers *l, json_t **ret) {
  const struct af_node *n = member(l->copy, "route");
  if (!n)
    n = member(l->defaults, "route");
  struct af_str name = n ? af_node_text(n) : af_str("auto");
  *ret = af_str_eq(name, af_str("auto")) ? json_array() : json_pack("[s%]", name.ptr, name.len);
  return *ret ? 0 : af_error_nomem(r->err);
}

static int fill_spec(struct af_reader *r, struct af_layers *l, struct af_copy_spec *spec) {
  for (int i = 0; i < AF_SPEC_MEMBER_MAX_; i++) {
    const struct af_node *n = l->from[i] = pick(l, &af_spec_fields[i]);
    if (!n)
      continue;
    char *text = *af_spec_slot(spec, i) = af_str_dup(af_node_text(n));
    if (!text)
      return af_error_nomem(r->err);
  }
  int rc = merge_tags(r, l, &spec->tags);
  if (rc == 0)
    rc = take_differences(r, l, &spec->allow_differences);
  if (rc == 0)
    rc = take_route(r, l, &spec->routes);
  if (rc == 0 && af_spec_fill(spec) < 0)
    rc = af_error_nomem(r->err);
  return rc ? rc : af_manifest_check_spec(r, l, spec);
}

static int make_room(struct af_reader *r, const struct af_node *place) {
  if (r->m.n == AF_MANIFEST_MAX_COPIES)
    return af_node_error(r->doc, place, r->err, "TooManyCopies",
                         "is one more than the %d copies that a manifest may ask for: split it", AF_MANIFEST_MAX_COPIES);
  if (r->m.n < r->room)
    return 0;
  size_t room = r->room ? r->room * 2 : 64;
  struct af_copy_spec *copies = realloc(r->m.copies, room * sizeof *copies);
  if (!copies)
    return af_error_nomem(r->err);
  r->m.copies = copies;
  const struct af_node **places = realloc(r->places, room * sizeof *places);
  if (!places)
    return af_error_nomem(r->err);
  r->places = places;
  r->room = room;
  return 0;
}

static int add_copy(struct af_reader *r, const struct af_node *copy, const struct af_node *target, const struct af_node *place) {
  int rc = make_room(r, place);
  if (rc < 0)
    return rc;
  struct af_layers layers = {.copy = copy, .target = target, .defaults = r->defaults};
  struct af_copy_spec *spec = &r->m.copies[r->m.n];
  *spec = (struct af_copy_spec){.source_tags = true};
  r->places[r->m.n++] = place;
  return fill_spec(r, &layers, spec);
}

/* One copy a target. Targets of the defaults are for the copies that name none of their own. */
static int add_copies(struct af_reader *r, const struct af_node *copy) {
  int rc = check_map(r, copy, copy_keys);
  if (rc < 0)
    return rc;
  const struct af_node *target = member(copy, "target"), *targets = member(copy, "targets");
  bool own = target || targets;
  if (!own)
    targets = member(r->defaults, "targets");
  if (!targets)
    return add_copy(r, copy, target, copy);
  for (size_t i = 0; i < af_node_count(targets) && rc == 0; i++)
    rc = add_copy(r, copy, af_node_at(targets, i), own ? af_node_at(targets, i) : copy);
  return rc;
}

/* --- the whole --- */

static int check_version(struct af_reader *r, const struct af_node *root) {
  const struct af_node *version = member(root, "version");
  if (!version)
    return af_node_error(r->doc, root, r->err, "MissingKey", "\"version\" is missing: write version: 1 at the top");
  if (af_node_type(version) != AF_NODE_INT || af_node_int(version) != 1)
    return af_node_error(r->doc, version, r->err, "BadVersion", "must be the number 1, the only version that amiferry %s knows",
                         AF_VERSION);
  return 0;
}

static int read_root(struct af_reader *r) {
  const struct af_node *root = af_doc_root(r->doc);
  if (af_node_type(root) == AF_NODE_NULL)
    return af_node_error(r->doc, root, r->err, "EmptyManifest", "the manifest is empty: write version: 1 and copies: into it");
  int rc = check_keys(r, root, root_keys, "version: 1 and copies: into it");
  if (rc == 0)
    rc = check_version(r, root);
  const struct af_node *copies = rc == 0 ? member(root, "copies") : NULL;
  if (rc == 0 && !copies)
    rc = af_node_error(r->doc, root, r->err, "MissingKey", "\"copies\" is missing: write a list of what to copy");
  r->defaults = rc == 0 ? member(root, "defaults") : NULL;
  if (rc == 0)
    rc = check_defaults(r);
  if (rc == 0)
    rc = check_list(r, copies, "copies");
  for (size_t i = 0; rc == 0 && i < af_node_count(copies); i++)
    rc = add_copies(r, af_node_at(copies, i));
  return rc ? rc : af_manifest_check_all(r);
}

static int add_bytes(const char *bytes, size_t len, void *out) {
  af_buf_add(out, bytes, len);
  return af_buf_rc(out) ? -1 : 0;
}

static int specs_to_json(const struct af_manifest *m, json_t **ret) {
  json_t *copies = json_array();
  json_t *whole = copies ? json_pack("{s:i, s:o}", "version", 1, "copies", copies) : NULL;
  int bad = !whole;
  for (size_t i = 0; i < m->n && !bad; i++) {
    json_t *spec = NULL;
    bad = af_copy_spec_to_json(&m->copies[i], &spec) || json_array_append_new(copies, spec);
  }
  if (bad) {
    json_decref(whole);
    return -AF_ENOMEM;
  }
  *ret = whole;
  return 0;
}

static int make_digest(struct af_manifest *m, size_t len) {
  unsigned char md[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  if (!EVP_Digest(m->normal, len, md, &n, EVP_sha256(), NULL) || n * 2 >= sizeof m->digest)
    return -AF_ENOMEM;
  for (unsigned i = 0; i < n; i++) {
    m->digest[2 * i] = "0123456789abcdef"[md[i] >> 4];
    m->digest[2 * i + 1] = "0123456789abcdef"[md[i] & 15];
  }
  m->digest[2 * n] = 0;
  return 0;
}

/* Sorted keys and no white space: the same text for the same manifest, however it was written. */
static int make_normal(struct af_reader *r) {
  json_t *whole;
  if (specs_to_json(&r->m, &whole) < 0)
    return af_error_nomem(r->err);
  struct af_buf text;
  af_buf_init(&text, NORMAL_MAX);
  int bad = json_dump_callback(whole, add_bytes, &text, JSON_COMPACT | JSON_SORT_KEYS);
  json_decref(whole);
  int rc = af_buf_rc(&text);
  size_t len = text.len;
  r->m.normal = rc == 0 && !bad ? af_buf_steal(&text) : NULL;
  af_buf_done(&text);
  if (rc == -AF_ETOOBIG)
    return af_error_set(r->err, rc, AF_CLASS_INVALID, "ManifestTooBig",
                        "%s: with the defaults merged into each copy it is longer than %d MiB: split it", af_doc_name(r->doc),
                        NORMAL_MAX / 1024 / 1024);
  return r->m.normal && make_digest(&r->m, len) == 0 ? 0 : af_error_nomem(r->err);
}

static int read_doc(struct af_manifest *ret, struct af_doc *doc, struct af_error *err) {
  struct af_reader r = {.doc = doc, .err = err};
  int rc = read_root(&r);
  if (rc == 0)
    rc = make_normal(&r);
  free(r.places);
  af_doc_free(doc);
  if (rc < 0) {
    af_manifest_done(&r.m);
    return rc;
  }
  *ret = r.m;
  return 0;
}

int af_manifest_read(struct af_manifest *ret, const char *name, struct af_str text, struct af_error *err) {
  struct af_doc *doc;
  int rc = af_doc_read(&doc, name, text, AF_DOC_AUTO, &limits, err);
  return rc < 0 ? rc : read_doc(ret, doc, err);
}

int af_manifest_read_file(struct af_manifest *ret, const char *path, struct af_error *err) {
  struct af_doc *doc;
  int rc = af_doc_read_file(&doc, path, &limits, err);
  return rc < 0 ? rc : read_doc(ret, doc, err);
}

void af_manifest_done(struct af_manifest *m) {
  if (!m)
    return;
  for (size_t i = 0; i < m->n; i++)
    af_copy_spec_done(&m->copies[i]);
  free(m->copies);
  free(m->normal);
  *m = (struct af_manifest){0};
}
