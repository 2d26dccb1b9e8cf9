/* Filling in the names of new AMIs. A template is cut into pieces, each a word in braces or a run of other text; whoever wants
 * something of it walks over these. */
#include "plans/name.h"

#include <stdio.h>

#include "base/time.h"
#include "plans/shape.h"
#include "plans/spec.h"

/* The value that a word has. early: it is known from the manifest alone; it is empty where it isn't. */
static const char *value_of_name(const struct af_copy_spec *spec, const struct af_facts *facts) {
  return facts ? af_json_str(facts->image, "Name") : "";
}
static const char *value_of_region(const struct af_copy_spec *spec, const struct af_facts *facts) {
  return spec->source.region;
}
static const char *value_of_account(const struct af_copy_spec *spec, const struct af_facts *facts) {
  if (!facts)
    return spec->source.account ? spec->source.account : "";
  const char *owner = af_json_str(facts->image, "OwnerId");
  return *owner ? owner : facts->source_account;
}
static const char *value_of_image(const struct af_copy_spec *spec, const struct af_facts *facts) {
  return spec->image;
}

/* least: bytes that it becomes at the least. The day has no function of its own, because it is made, not read. */
static const struct word {
  const char *text;
  size_t least;
  const char *(*value)(const struct af_copy_spec *spec, const struct af_facts *facts);
} words[] = {
    {"{name}", 3, value_of_name},
    {"{date}", 10, NULL},
    {"{source_region}", 9, value_of_region},
    {"{source_account}", 12, value_of_account},
    {"{id}", 12, value_of_image},
};
#define N_WORDS (sizeof words / sizeof words[0])

/* The next piece of a template; word is NULL for other text, and for braces that hold no known word. */
struct piece {
  struct af_str text;
  const struct word *word;
};

static bool is_brace(char c) {
  return c == '{' || c == '}';
}

static bool next_piece(struct af_str *rest, struct piece *ret) {
  if (rest->len == 0)
    return false;
  size_t n = 1;
  if (rest->ptr[0] == '{') {
    const char *close = memchr(rest->ptr, '}', rest->len);
    n = close ? (size_t)(close - rest->ptr) + 1 : rest->len;
  } else if (rest->ptr[0] != '}') {
    while (n < rest->len && !is_brace(rest->ptr[n]))
      n++;
  }
  *ret = (struct piece){.text = af_str_n(rest->ptr, n)};
  for (size_t i = 0; i < N_WORDS; i++)
    if (af_str_eq(ret->text, af_str(words[i].text)))
      ret->word = &words[i];
  *rest = af_str_n(rest->ptr + n, rest->len - n);
  return true;
}

void af_name_words(struct af_buf *out) {
  for (size_t i = 0; i < N_WORDS; i++)
    af_buf_printf(out, "%s%s", !i ? "" : i + 1 < N_WORDS ? ", " : " or ", words[i].text);
}

bool af_name_is_template(struct af_str text) {
  return text.len > 0 && memchr(text.ptr, '{', text.len);
}

/* The first character that no name may have, whole where it is more than a byte; empty where there is none. */
static struct af_str illegal(struct af_str text) {
  for (size_t i = 0; i < text.len; i++) {
    size_t n = 1;
    if (af_shape_name_byte(text.ptr[i]))
      continue;
    while (i + n < text.len && ((unsigned char)text.ptr[i + n] & 0xC0) == 0x80)
      n++;
    return af_str_n(text.ptr + i, n);
  }
  return af_str_n(NULL, 0);
}

struct af_str af_name_mistake(struct af_str text) {
  struct piece p;
  while (next_piece(&text, &p)) {
    struct af_str bad = p.word ? af_str_n(NULL, 0) : is_brace(p.text.ptr[0]) ? p.text : illegal(p.text);
    if (bad.len > 0)
      return bad;
  }
  return af_str_n(NULL, 0);
}

bool af_name_fits(struct af_str text) {
  struct piece p;
  size_t least = 0;
  while (next_piece(&text, &p))
    least += p.word ? p.word->least : p.text.len;
  return least >= 3 && least < AF_NAME_SIZE;
}

bool af_name_foretell(const struct af_copy_spec *spec, struct af_buf *out) {
  struct af_str rest = af_str(spec->name);
  struct piece p;
  bool settled = spec->name != NULL;
  while (settled && next_piece(&rest, &p)) {
    const char *value = p.word && p.word->value ? p.word->value(spec, NULL) : NULL;
    settled = !value || *value;
    af_buf_str(out, value ? af_str(value) : p.text);
  }
  return settled;
}

/* A name while it is put together: what doesn't fit is counted only, and nothing is allocated, because a decision must not depend
 * on memory. The room is enough to show what is wrong. */
struct draft {
  char text[2 * AF_NAME_SIZE];
  size_t len; /* with what didn't fit */
};

static void draft_add(struct draft *d, struct af_str s) {
  if (d->len < sizeof d->text)
    af_str_copy(d->text + d->len, sizeof d->text - d->len, s);
  d->len += s.len;
}

static void fill_in(const struct af_copy_spec *spec, const struct af_facts *facts, struct draft *d) {
  struct af_str rest = af_str(spec->name ? spec->name : "{name}");
  char day[AF_TIME_SIZE];
  struct piece p;
  af_time_iso_s(facts->begun_ms, day);
  while (next_piece(&rest, &p)) {
    if (p.word)
      draft_add(d, p.word->value ? af_str(p.word->value(spec, facts)) : af_str_n(day, strlen("2026-11-23")));
    else
      draft_add(d, p.text);
  }
}

/* What is wrong with a name that AWS would not take. */
static int refuse(const struct af_copy_spec *spec, const struct draft *d, struct af_error *err) {
  struct af_str bad = illegal(af_str(d->text));
  char shown[80], why[80];
  bool whole = AF_COPY(shown, af_str(d->text));
  if (d->len == 0) {
    af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "NameMissing", "%s has no name that its copy could take", spec->image);
    af_error_hint(err, "write a name into the manifest");
    return -AF_EINVAL;
  }
  if (bad.len > 0)
    snprintf(why, sizeof why, "it has the character \"%.*s\"", bad.len < 8 ? (int)bad.len : 8, bad.ptr);
  else
    snprintf(why, sizeof why, "it has %zu characters", d->len);
  af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "NameInvalid",
               "\"%s%s\", the name that %s, is none that AWS takes for a new image: %s", shown, whole ? "" : "...",
               spec->name ? "the manifest's template makes" : "the source has", why);
  af_error_hint(err, "write a name of %s into the manifest", af_shape_write(AF_SHAPE_IMAGE_NAME));
  return -AF_EINVAL;
}

int af_name_expand(const struct af_copy_spec *spec, const struct af_facts *facts, char ret[AF_NAME_SIZE], struct af_error *err) {
  struct draft d = {.len = 0};
  fill_in(spec, facts, &d);
  if (!af_shape_fits(AF_SHAPE_IMAGE_NAME, af_str(d.text)))
    return refuse(spec, &d, err);
  af_str_copy(ret, AF_NAME_SIZE, af_str(d.text));
  return 0;
}
