/* The parser of configuration and credentials files, and look-ups in what it read: one flat table of settings in the order of the
 * text, searched from the end. It owns the texts (secret buffers); values that go over several lines are joined in place. */
#include "engine/aws/profile.h"

#include <stdio.h>
#include <stdlib.h>

enum section { SECTION_NONE, SECTION_PROFILE, SECTION_BARE_DEFAULT, SECTION_SERVICES, SECTION_OTHER };

/* A section's header has an entry too, with an empty key: an empty profile is there all the same. */
struct entry {
  struct af_str section_name, group, key, value; /* group: the key that a nested setting stands under */
  enum section section;
  enum af_profile_file file;
  int line;
};

#define MAX_ENTRIES 200000
#define MAX_TEXTS 8

struct af_profiles {
  struct af_buf texts[MAX_TEXTS];
  size_t n_texts;
  char *paths[AF_PROFILE_FILES_];
  struct entry *entries;
  size_t n_entries, max_entries;
  bool prefixed_default; /* there is a [profile default] */
};

int af_profiles_new(struct af_profiles **ret, struct af_error *err) {
  struct af_profiles *p = calloc(1, sizeof *p);
  if (!p)
    return af_error_nomem(err);
  *ret = p;
  return 0;
}

void af_profiles_free(struct af_profiles *p) {
  if (!p)
    return;
  for (size_t i = 0; i < p->n_texts; i++)
    af_buf_done(&p->texts[i]);
  for (size_t i = 0; i < AF_PROFILE_FILES_; i++)
    free(p->paths[i]);
  free(p->entries);
  free(p);
}

const char *af_profiles_path(const struct af_profiles *p, enum af_profile_file file) {
  return p->paths[file] ? p->paths[file] : "";
}

int af_profiles_error(const struct af_profiles *p, const struct af_profile_value *at, struct af_error *err, const char *code,
                      const char *format, ...) {
  char what[900];
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof what, format, args);
  va_end(args);
  const char *path = af_profiles_path(p, at->file);
  af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, code, "%s:%d: %s", path, at->line, what);
  if (err)
    AF_COPY(err->resource, af_str(path));
  return -AF_EINVAL;
}

/* --- parsing --- */

struct parser {
  struct af_profiles *p;
  enum af_profile_file file;
  char *text; /* ours to change: joined values and folded keys are written where they stood */
  size_t len, pos;
  int line;
  struct entry section; /* of the last header: section, section_name */
  size_t open; /* 1 + the index of the setting that an indented line belongs to; 0 where there is none */
  bool nested; /* it had an empty value: indented lines are settings */
  struct af_error *err;
};

static int fail_at(struct parser *s, const char *what) {
  struct af_profile_value at = {.file = s->file, .line = s->line};
  return af_profiles_error(s->p, &at, s->err, "ProfileSyntax", "%s", what);
}

static int add_entry(struct parser *s, const struct entry *e) {
  struct af_profiles *p = s->p;
  if (p->n_entries == p->max_entries) {
    size_t max = p->max_entries ? p->max_entries * 2 : 64;
    if (max > MAX_ENTRIES)
      return fail_at(s, "too many settings");
    struct entry *grown = realloc(p->entries, max * sizeof *grown); /* far from overflow: see MAX_ENTRIES */
    if (!grown)
      return af_error_nomem(s->err);
    p->entries = grown;
    p->max_entries = max;
  }
  p->entries[p->n_entries] = *e;
  p->entries[p->n_entries].file = s->file;
  p->entries[p->n_entries].line = s->line;
  p->n_entries++;
  return 0;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

static struct af_str next_line(struct parser *s) {
  char *start = s->text + s->pos;
  char *end = memchr(start, '\n', s->len - s->pos);
  size_t len = end ? (size_t)(end - start) : s->len - s->pos;
  s->pos += len + (end ? 1 : 0);
  s->line++;
  return af_str_n(start, len);
}

static struct af_str unquote(struct af_str s) {
  if (s.len >= 2 && (s.ptr[0] == '"' || s.ptr[0] == '\'') && s.ptr[s.len - 1] == s.ptr[0])
    return af_str_n(s.ptr + 1, s.len - 2);
  return s;
}

static bool take_word(struct af_str *s, const char *word) {
  size_t len = strlen(word);
  if (!af_str_starts(*s, word) || s->len == len || !is_blank(s->ptr[len]))
    return false;
  *s = unquote(af_str_trim(af_str_n(s->ptr + len, s->len - len)));
  return true;
}

static int parse_header(struct parser *s, struct af_str line) {
  const char *close = memchr(line.ptr, ']', line.len);
  if (!close)
    return fail_at(s, "a section header has no closing ]");
  struct af_str rest = af_str_trim(af_str_n(close + 1, line.len - (size_t)(close + 1 - line.ptr)));
  if (rest.len > 0 && rest.ptr[0] != '#' && rest.ptr[0] != ';')
    return fail_at(s, "text behind a section header");
  struct af_str name = af_str_trim(af_str_n(line.ptr + 1, (size_t)(close - line.ptr) - 1));
  if (name.len == 0)
    return fail_at(s, "a section header without a name");
  s->section = (struct entry){.section = SECTION_OTHER};
  s->open = 0;
  if (s->file == AF_PROFILE_CREDENTIALS)
    s->section.section = SECTION_PROFILE;
  else if (af_str_eq(name, af_str("default")))
    s->section.section = SECTION_BARE_DEFAULT;
  else if (take_word(&name, "profile"))
    s->section.section = SECTION_PROFILE;
  else if (take_word(&name, "services"))
    s->section.section = SECTION_SERVICES;
  s->section.section_name = name;
  if (s->section.section == SECTION_PROFILE && s->file == AF_PROFILE_CONFIG && af_str_eq(name, af_str("default")))
    s->p->prefixed_default = true;
  return s->section.section == SECTION_OTHER ? 0 : add_entry(s, &s->section);
}

/* " #" and " ;" begin a comment, as the SDKs have it; the CLI has none, so commands keep theirs. */
static struct af_str cut_comment(struct af_str value) {
  for (size_t i = 0; i < value.len; i++)
    if ((value.ptr[i] == '#' || value.ptr[i] == ';') && (i == 0 || is_blank(value.ptr[i - 1])))
      return af_str_trim(af_str_n(value.ptr, i));
  return value;
}

static struct af_str fold(struct parser *s, struct af_str key) {
  char *at = s->text + (key.ptr - s->text);
  for (size_t i = 0; i < key.len; i++)
    if (at[i] >= 'A' && at[i] <= 'Z')
      at[i] = (char)(at[i] - 'A' + 'a');
  return key;
}

static bool split_setting(struct parser *s, struct af_str line, struct entry *e) {
  const char *equals = memchr(line.ptr, '=', line.len);
  if (!equals)
    return false;
  e->key = fold(s, af_str_trim(af_str_n(line.ptr, (size_t)(equals - line.ptr))));
  e->value = af_str_trim(af_str_n(equals + 1, line.len - (size_t)(equals + 1 - line.ptr)));
  if (!af_str_eq(e->key, af_str("credential_process")))
    e->value = cut_comment(e->value);
  return e->key.len > 0;
}

static int parse_setting(struct parser *s, struct af_str line) {
  struct entry e = s->section;
  if (s->section.section == SECTION_NONE)
    return fail_at(s, "a setting before the first section header");
  if (s->section.section == SECTION_OTHER)
    return 0;
  if (!split_setting(s, line, &e))
    return fail_at(s, "expected `key = value`");
  s->nested = e.value.len == 0;
  int rc = add_entry(s, &e);
  s->open = rc == 0 ? s->p->n_entries : 0;
  return rc;
}

/* An indented line: a nested setting, or more of the value above. */
static int parse_indented(struct parser *s, struct af_str line) {
  struct entry *above = &s->p->entries[s->open - 1];
  if (s->nested) {
    struct entry e = s->section;
    e.group = above->key;
    return split_setting(s, line, &e) ? add_entry(s, &e) : fail_at(s, "expected an indented `key = value`");
  }
  /* What lies between the two parts is only white space, comments and the line's end: there is room for the newline. */
  char *to = s->text + (above->value.ptr - s->text) + above->value.len;
  *to = '\n';
  memmove(to + 1, line.ptr, line.len);
  above->value.len += 1 + line.len;
  return 0;
}

static int parse_line(struct parser *s, struct af_str line) {
  struct af_str text = af_str_trim(line);
  bool comment = text.len > 0 && (text.ptr[0] == '#' || text.ptr[0] == ';');
  if (text.len == 0 || comment)
    return 0;
  if (memchr(text.ptr, 0, text.len))
    return fail_at(s, "a NUL byte");
  if (text.ptr[0] == '[' && !is_blank(line.ptr[0]))
    return parse_header(s, text);
  /* Before the first setting of a section indentation means nothing. */
  if (is_blank(line.ptr[0]) && s->open > 0)
    return parse_indented(s, text);
  return parse_setting(s, text);
}

int af_profiles_parse(struct af_profiles *p, enum af_profile_file file, const char *name, struct af_str text, struct af_error *err) {
  if (p->n_texts == MAX_TEXTS || text.len > AF_PROFILE_FILE_MAX)
    return af_error_set(err, -AF_ETOOBIG, AF_CLASS_INVALID, "ProfileTooBig", "%s: too large", name);
  char *path = af_str_dup(af_str(name));
  if (!path)
    return af_error_nomem(err);
  free(p->paths[file]);
  p->paths[file] = path;
  struct af_buf *own = &p->texts[p->n_texts++];
  af_buf_init_secret(own, AF_PROFILE_FILE_MAX);
  af_buf_str(own, text);
  if (af_buf_rc(own) < 0)
    return af_error_nomem(err);
  struct parser s = {.p = p, .file = file, .text = own->ptr, .len = own->len, .err = err};
  if (af_str_starts(text, "\xEF\xBB\xBF"))
    s.pos = 3;
  int rc = 0;
  while (rc == 0 && s.pos < s.len)
    rc = parse_line(&s, next_line(&s));
  return rc;
}

/* --- files --- */

static int expand_path(const struct af_env *env, const char *variable, const char *standard, struct af_buf *out, struct af_error *err) {
  const char *path = env->get(env->ctx, variable);
  if (!path || !*path)
    path = standard;
  if (path[0] == '~' && path[1] == '/') {
    const char *home = env->get(env->ctx, "HOME");
    if (!home || !*home)
      return 0; /* no home, no file */
    af_buf_puts(out, home);
    path++;
  }
  af_buf_puts(out, path);
  return af_buf_rc(out) < 0 ? af_error_nomem(err) : 0;
}

static int load_file(struct af_profiles *p, enum af_profile_file file, const struct af_env *env, struct af_error *err) {
  static const struct {
    const char *variable, *standard;
  } places[AF_PROFILE_FILES_] = {
      [AF_PROFILE_CONFIG] = {"AWS_CONFIG_FILE", "~/.aws/config"},
      [AF_PROFILE_CREDENTIALS] = {"AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"},
  };
  struct af_buf path, text;
  af_buf_init(&path, 4096);
  af_buf_init_secret(&text, AF_PROFILE_FILE_MAX);
  int rc = expand_path(env, places[file].variable, places[file].standard, &path, err);
  if (rc == 0 && path.len > 0) {
    rc = af_buf_read_file(&text, af_buf_cstr(&path), err);
    if (rc == -AF_ENOENT) {
      rc = 0;
      af_error_clear(err);
      free(p->paths[file]);
      p->paths[file] = af_str_dup(af_buf_view(&path)); /* for messages; doing without it is no harm */
    } else if (rc == 0) {
      rc = af_profiles_parse(p, file, af_buf_cstr(&path), af_buf_view(&text), err);
    }
  }
  af_buf_done(&text);
  af_buf_done(&path);
  return rc;
}

int af_profiles_load(struct af_profiles **ret, const struct af_env *env, struct af_error *err) {
  struct af_profiles *p = NULL;
  int rc = af_profiles_new(&p, err);
  if (rc == 0)
    rc = load_file(p, AF_PROFILE_CONFIG, env, err);
  if (rc == 0)
    rc = load_file(p, AF_PROFILE_CREDENTIALS, env, err);
  if (rc < 0) {
    af_profiles_free(p);
    return rc;
  }
  *ret = p;
  return 0;
}

/* --- look-ups --- */

static bool in_profile(const struct af_profiles *p, const struct entry *e, struct af_str name) {
  if (e->section == SECTION_BARE_DEFAULT)
    return !p->prefixed_default && af_str_eq(name, af_str("default"));
  return e->section == SECTION_PROFILE && af_str_eq(e->section_name, name);
}

bool af_profiles_has(const struct af_profiles *p, struct af_str profile) {
  for (size_t i = 0; i < p->n_entries; i++)
    if (in_profile(p, &p->entries[i], profile))
      return true;
  return false;
}

bool af_profiles_nearest(const struct af_profiles *p, struct af_str name, char ret[AF_PROFILE_NEAR_SIZE]) {
  char best[AF_PROFILE_NEAR_SIZE] = "", one[AF_PROFILE_NEAR_SIZE];
  for (size_t i = 0; i < p->n_entries; i++) {
    const struct entry *e = &p->entries[i];
    if (e->section != SECTION_PROFILE || e->section_name.len >= sizeof one || af_str_eq(e->section_name, af_str(best)))
      continue;
    AF_COPY(one, e->section_name);
    const char *near = af_str_nearest(name, (const char *const[]){best, one, NULL}); /* of two that are as near the first */
    if (near == one)
      AF_COPY(best, af_str(one));
  }
  if (!*best)
    return false;
  memcpy(ret, best, sizeof best);
  return true;
}

/* key is "name" or "group.name". */
static bool is_key(const struct entry *e, struct af_str key) {
  if (e->group.len == 0)
    return e->key.len > 0 && af_str_eq(e->key, key);
  return key.len == e->group.len + 1 + e->key.len && af_str_eq(af_str_n(key.ptr, e->group.len), e->group) &&
         key.ptr[e->group.len] == '.' && af_str_eq(af_str_n(key.ptr + e->group.len + 1, e->key.len), e->key);
}

static bool found(const struct entry *e, struct af_profile_value *ret) {
  if (e->value.len == 0)
    return false;
  *ret = (struct af_profile_value){.text = e->value, .file = e->file, .line = e->line};
  return true;
}

bool af_profiles_get_from(const struct af_profiles *p, enum af_profile_file file, struct af_str profile, const char *key,
                          struct af_profile_value *ret) {
  for (size_t i = p->n_entries; i-- > 0;) {
    const struct entry *e = &p->entries[i];
    if (e->file == file && is_key(e, af_str(key)) && in_profile(p, e, profile))
      return found(e, ret);
  }
  return false;
}

bool af_profiles_get(const struct af_profiles *p, struct af_str profile, const char *key, struct af_profile_value *ret) {
  return af_profiles_get_from(p, AF_PROFILE_CREDENTIALS, profile, key, ret) ||
         af_profiles_get_from(p, AF_PROFILE_CONFIG, profile, key, ret);
}

bool af_profiles_get_service(const struct af_profiles *p, struct af_str services, const char *key, struct af_profile_value *ret) {
  for (size_t i = p->n_entries; i-- > 0;) {
    const struct entry *e = &p->entries[i];
    if (e->section == SECTION_SERVICES && is_key(e, af_str(key)) && af_str_eq(e->section_name, services))
      return found(e, ret);
  }
  return false;
}
