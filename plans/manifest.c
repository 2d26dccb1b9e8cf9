/* Reading the manifest. Each map is first checked by itself, so that an error stands where the text does (in the defaults too); what is
 * wrong with one is noted, and the others are looked at all the same. Then each copy is put together from its own map, its target
 * and the defaults, and what only the whole can show is checked. manifest_sets.c reads what is a list or a switch, manifest_check.c
 * has the checks of the whole, spec.c says what a copy's spec is made of. */
#include "plans/manifest_read.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/time.h"
#include "plans/name.h"

/* Enough for 10,000 copies that name all they can. */
static const struct af_doc_limits limits = {.bytes = AF_MANIFEST_MAX_BYTES, .nodes = 1000000};

/* Defaults are merged under each copy, so a small text can grow; past this it is no manifest but a mistake. */
enum { NORMAL_MAX = 64 * 1024 * 1024 };

enum { TAGS_MAX = 40 }; /* of AWS's 50: amiferry adds its own */

/* --- each map by itself --- */

static const char *const root_keys[] = {"version", "defaults", "copies", NULL};
static const char *const copy_keys[] = {"source",
                                        "target",
                                        "targets",
                                        "name",
                                        "description",
                                        "on_existing",
                                        "tags",
                                        "source_tags",
                                        "route",
                                        "trusted_owners",
                                        "launch",
                                        "launch_permissions",
                                        "deprecation",
                                        "deregistration_protection",
                                        "allow_differences",
                                        NULL};

/* The maps that are made of texts. */
static const struct section {
  const char *name;
  const char *keys[10];
  const char *write;
} sections[] = {
    {"source",
     {"image", "account", "region", "profile", "role_arn", "external_id", "credentials", "bridge_key"},
     "image: and region: into it"},
    {"target", {"account", "region", "profile", "role_arn", "external_id", "kms_key"}, "region: into it"},
    {"launch", {"subnet", "instance_type", "kms_key"}, "subnet: or instance_type: into it"},
};

const struct af_node *af_member(const struct af_node *map, const char *key) {
  return map && af_node_type(map) == AF_NODE_MAP ? af_node_get(map, key) : NULL;
}

int af_manifest_note(struct af_reader *r, int rc) {
  if (rc != -AF_EINVAL)
    return rc;
  if (r->n_noted++ == 0)
    r->first = *r->err;
  else if (r->more && r->more->n < sizeof r->more->list / sizeof r->more->list[0])
    r->more->list[r->more->n++] = *r->err;
  else if (r->more)
    r->more->n_left++;
  return 0;
}

int af_manifest_check_keys(struct af_reader *r, const struct af_node *n, const char *const *known, const char *write) {
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
int af_manifest_check_text(struct af_reader *r, const struct af_node *n, enum af_shape shape, bool as_written) {
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
                                  ? af_member(map, field->key)
                                  : NULL;
    int rc = n ? af_manifest_check_text(r, n, field->shape, field->digits) : 0;
    if (rc < 0)
      return rc;
  }
  return 0;
}

/* Where nobody is asked for credentials, nothing can be said of whose they are, and nothing be made in the source's account. */
static int check_credentials(struct af_reader *r, const struct af_node *source) {
  static const char *const excluded[] = {"profile", "role_arn", "external_id", "bridge_key"};
  const struct af_node *n = af_member(source, "credentials");
  int rc = n ? af_manifest_check_text(r, n, AF_SHAPE_CREDENTIALS, false) : 0;
  for (size_t i = 0; n && rc == 0 && i < sizeof excluded / sizeof excluded[0]; i++)
    if (af_member(source, excluded[i]))
      rc = af_node_error(r->doc, af_member(source, excluded[i]), r->err, "Contradiction",
                         "needs credentials of the source account, but line %d says credentials: none: leave one of them out",
                         af_node_line(n));
  return rc;
}

static int check_section(struct af_reader *r, const struct af_node *map, const char *name) {
  if (!map)
    return 0;
  const struct section *s = sections;
  while (!af_streq(s->name, name))
    s++;
  int rc = af_manifest_check_keys(r, map, s->keys, s->write);
  if (rc == 0)
    rc = check_fields(r, map, name);
  return rc ? rc : check_credentials(r, map);
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
  const struct af_node *target = af_member(map, "target"), *targets = af_member(map, "targets");
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
      rc = af_manifest_check_text(r, value, AF_SHAPE_TAG_VALUE, true);
  }
  return rc;
}

/* A name's shape says nothing of the words that stand in it. */
static int check_name(struct af_reader *r, const struct af_node *n) {
  if (!n)
    return 0;
  struct af_str mistake = af_name_mistake(af_node_text(n));
  if (mistake.len == 0)
    return af_name_fits(af_node_text(n)) ? 0 : check_shape(r, n, af_node_text(n), AF_SHAPE_IMAGE_NAME);
  struct af_buf known;
  char shown[80];
  AF_COPY(shown, mistake);
  af_buf_init(&known, 256);
  af_name_words(&known);
  af_node_error(r->doc, n, r->err, "BadValue", "\"%s\" stands for nothing that is known: write %s", shown, af_buf_cstr(&known));
  af_buf_done(&known);
  return -AF_EINVAL;
}

static int check_texts(struct af_reader *r, const struct af_node *map) {
  int rc = check_fields(r, map, NULL);
  return rc ? rc : check_name(r, af_member(map, "name"));
}

/* What a copy and the defaults have in common, part by part: what is wrong is noted. */
static int check_map(struct af_reader *r, const struct af_node *map) {
  int rc = af_manifest_note(r, af_manifest_check_keys(r, map, copy_keys, "source: and target: into it"));
  if (rc < 0 || af_node_type(map) != AF_NODE_MAP)
    return rc;
  rc = af_manifest_note(r, check_texts(r, map));
  if (rc == 0)
    rc = af_manifest_note(r, check_section(r, af_member(map, "source"), "source"));
  if (rc == 0)
    rc = af_manifest_note(r, check_section(r, af_member(map, "launch"), "launch"));
  if (rc == 0)
    rc = af_manifest_note(r, check_targets(r, map));
  if (rc == 0)
    rc = af_manifest_note(r, check_tags(r, af_member(map, "tags")));
  return rc ? rc : af_manifest_note(r, af_manifest_check_sets(r, map));
}

/* One name is for one copy, but a template can make many of it. */
static int check_common(struct af_reader *r) {
  const struct af_node *name = af_member(r->defaults, "name"), *image = af_member(af_member(r->defaults, "source"), "image");
  if (image || (name && !af_name_is_template(af_node_text(name))))
    return af_node_error(r->doc, image ? image : name, r->err, "UnknownKey", "belongs to one copy: write it into copies%s",
                         image ? "" : ", or make it a template, as \"{name}-{date}\"");
  return 0;
}

static int check_defaults(struct af_reader *r) {
  int rc = af_manifest_note(r, check_common(r));
  return rc || !r->defaults ? rc : check_map(r, r->defaults);
}

/* --- putting a copy together --- */

/* How the source is entered is one thing, said by a copy or by the defaults: a copy's own credentials: none takes the place of the
 * defaults' profile and role (and of a key that only they could use), and the other way round. */
static bool is_entrance(const struct af_spec_field *field) {
  const struct af_spec_field *f = af_spec_fields;
  return field == &f[AF_SPEC_SOURCE_PROFILE] || field == &f[AF_SPEC_SOURCE_ROLE_ARN] ||
         field == &f[AF_SPEC_SOURCE_EXTERNAL_ID] || field == &f[AF_SPEC_BRIDGE_KEY];
}

/* The node that counts for a member: the innermost that has it. */
static const struct af_node *pick(const struct af_layers *l, const struct af_spec_field *field) {
  const struct af_node *own = l->copy, *under = l->defaults;
  if (field->section) {
    own = af_streq(field->section, "target") ? l->target : af_member(l->copy, field->section);
    under = af_member(l->defaults, field->section);
  }
  const struct af_node *n = af_member(own, field->key);
  if (!n && is_entrance(field) && af_member(own, "credentials"))
    return NULL;
  return n ? n : af_member(under, field->key);
}

static bool pulls(const struct af_layers *l) {
  const struct af_node *own = af_member(l->copy, "source"), *under = af_member(l->defaults, "source");
  bool enters = af_member(own, "profile") || af_member(own, "role_arn");
  return af_member(own, "credentials") || (!enters && af_member(under, "credentials"));
}

static int merge_tags(struct af_reader *r, const struct af_layers *l, json_t **ret) {
  const struct af_node *layers[] = {af_member(l->defaults, "tags"), af_member(l->copy, "tags")};
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

/* One way to write a time and a number of days, for the normal form. */
static int normalise_deprecation(struct af_copy_spec *spec) {
  struct af_str text = af_str(spec->deprecation);
  char normal[AF_TIME_SIZE];
  uint64_t days;
  int64_t ms;
  if (af_str_to_u64(af_str_n(text.ptr, text.len - 1), &days) == 0)
    snprintf(normal, sizeof normal, "%" PRIu64 "d", days);
  else if (af_time_parse(text, &ms) == 0)
    af_time_iso_s(ms, normal);
  else
    return 0;
  free(spec->deprecation);
  spec->deprecation = af_str_dup(af_str(normal));
  return spec->deprecation ? 0 : -AF_ENOMEM;
}

static int fill_texts(struct af_layers *l, struct af_copy_spec *spec) {
  for (int i = 0; i < AF_SPEC_MEMBER_MAX_; i++) {
    const struct af_node *n = l->from[i] = pick(l, &af_spec_fields[i]);
    if (n && !(*af_spec_slot(spec, i) = af_str_dup(af_node_text(n))))
      return -AF_ENOMEM;
  }
  spec->pull = pulls(l);
  return 0;
}

static int fill_spec(struct af_reader *r, struct af_layers *l, struct af_copy_spec *spec) {
  int rc = fill_texts(l, spec) < 0 ? af_error_nomem(r->err) : merge_tags(r, l, &spec->tags);
  if (rc == 0 && (af_spec_fill(spec) < 0 || normalise_deprecation(spec) < 0))
    rc = af_error_nomem(r->err);
  if (rc == 0)
    rc = af_manifest_take_sets(r, l, spec);
  return rc ? rc : af_manifest_check_spec(r, l, spec);
}

static int make_room(struct af_reader *r, const struct af_node *place) {
  r->full = r->m.n == AF_MANIFEST_MAX_COPIES;
  if (r->full)
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
  *spec = (struct af_copy_spec){0};
  r->places[r->m.n++] = place;
  return fill_spec(r, &layers, spec);
}

/* One copy a target. Targets of the defaults are for the copies that name none of their own. */
static int add_copies(struct af_reader *r, const struct af_node *copy) {
  const struct af_node *target = af_member(copy, "target"), *targets = af_member(copy, "targets");
  bool own = target || targets;
  int rc = 0;
  if (!own)
    targets = af_member(r->defaults, "targets");
  if (!targets)
    return af_manifest_note(r, add_copy(r, copy, target, copy));
  for (size_t i = 0; i < af_node_count(targets) && rc == 0 && !r->full; i++)
    rc = af_manifest_note(r, add_copy(r, copy, af_node_at(targets, i), own ? af_node_at(targets, i) : copy));
  return rc;
}

/* --- the whole --- */

static int check_version(struct af_reader *r, const struct af_node *root) {
  const struct af_node *version = af_member(root, "version");
  if (!version)
    return af_node_error(r->doc, root, r->err, "MissingKey", "\"version\" is missing: write version: 1 at the top");
  if (af_node_type(version) != AF_NODE_INT || af_node_int(version) != 1)
    return af_node_error(r->doc, version, r->err, "BadVersion", "must be the number 1, the only version that amiferry %s knows",
                         AF_VERSION);
  return 0;
}

static int find_copies(struct af_reader *r, const struct af_node *root, const struct af_node **ret) {
  *ret = af_member(root, "copies");
  if (!*ret)
    return af_node_error(r->doc, root, r->err, "MissingKey", "\"copies\" is missing: write a list of what to copy");
  return 0;
}

/* What is put together must be right in each of its parts, or what is wrong would be told twice. */
static int read_copies(struct af_reader *r, const struct af_node *copies) {
  size_t before = r->n_noted;
  int rc = check_defaults(r);
  bool sound = r->n_noted == before;
  if (rc == 0)
    rc = copies ? af_manifest_note(r, check_list(r, copies, "copies")) : 0;
  for (size_t i = 0; rc == 0 && copies && af_node_type(copies) == AF_NODE_LIST && i < af_node_count(copies) && !r->full; i++) {
    before = r->n_noted;
    rc = check_map(r, af_node_at(copies, i));
    if (rc == 0 && sound && r->n_noted == before)
      rc = add_copies(r, af_node_at(copies, i));
  }
  return rc;
}

static int read_root(struct af_reader *r) {
  const struct af_node *root = af_doc_root(r->doc), *copies = NULL;
  if (af_node_type(root) == AF_NODE_NULL)
    return af_node_error(r->doc, root, r->err, "EmptyManifest", "the manifest is empty: write version: 1 and copies: into it");
  int rc = af_manifest_note(r, af_manifest_check_keys(r, root, root_keys, "version: 1 and copies: into it"));
  if (rc < 0 || af_node_type(root) != AF_NODE_MAP)
    return rc;
  rc = check_version(r, root);
  if (rc < 0 && af_member(root, "version"))
    return rc; /* what another version may say is not known */
  rc = af_manifest_note(r, rc);
  if (rc == 0)
    rc = af_manifest_note(r, find_copies(r, root, &copies));
  r->defaults = af_member(root, "defaults");
  if (rc == 0)
    rc = read_copies(r, copies);
  return rc || r->n_noted ? rc : af_manifest_check_all(r);
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

static int read_doc(struct af_manifest *ret, struct af_doc *doc, struct af_mistakes *more, struct af_error *err) {
  struct af_error newest;
  struct af_reader r = {.doc = doc, .err = &newest, .more = more};
  int rc = af_manifest_note(&r, read_root(&r));
  if (rc == 0 && r.n_noted == 0)
    rc = make_normal(&r);
  else if (rc == 0)
    rc = -AF_EINVAL;
  free(r.places);
  af_doc_free(doc);
  if (rc < 0) {
    af_manifest_done(&r.m);
    if (err)
      *err = rc == -AF_EINVAL ? r.first : newest;
    return rc;
  }
  *ret = r.m;
  return 0;
}

static void no_mistakes(struct af_mistakes *more) {
  if (more)
    more->n = more->n_left = 0;
}

int af_manifest_read(struct af_manifest *ret, const char *name, struct af_str text, struct af_mistakes *more, struct af_error *err) {
  struct af_doc *doc;
  no_mistakes(more);
  int rc = af_doc_read(&doc, name, text, AF_DOC_AUTO, &limits, err);
  return rc < 0 ? rc : read_doc(ret, doc, more, err);
}

int af_manifest_read_file(struct af_manifest *ret, const char *path, struct af_mistakes *more, struct af_error *err) {
  struct af_doc *doc;
  no_mistakes(more);
  int rc = af_doc_read_file(&doc, path, &limits, err);
  return rc < 0 ? rc : read_doc(ret, doc, more, err);
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
