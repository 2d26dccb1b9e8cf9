/* What the fuzz targets share (fuzz.h). */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

void fuzz_must(bool holds, const char *law, const char *file, int line) {
  if (holds) return;
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, law);
  abort();
}

static struct af_str take(struct af_str *rest, size_t n, size_t more) {
  struct af_str piece = af_str_n(rest->ptr, n);
  size_t gone = n + more < rest->len ? n + more : rest->len;
  *rest = af_str_n(rest->ptr + gone, rest->len - gone);
  return piece;
}

static struct af_str take_to(struct af_str *rest, char end) {
  const char *at = rest->len ? memchr(rest->ptr, end, rest->len) : NULL;
  return take(rest, at ? (size_t)(at - rest->ptr) : rest->len, 1);
}

struct af_str fuzz_line(struct af_str *rest) {
  return take_to(rest, '\n');
}

struct af_str fuzz_word(struct af_str *line) {
  return take_to(line, ' ');
}

struct af_str fuzz_part(struct af_str *rest, const char *mark) {
  struct af_str whole = *rest;
  while (rest->len) {
    size_t before = whole.len - rest->len;
    if (af_str_eq(fuzz_line(rest), af_str(mark))) return af_str_n(whole.ptr, before);
  }
  return whole;
}

uint64_t fuzz_number(struct af_str *line, uint64_t otherwise) {
  uint64_t n;
  return af_str_to_u64(fuzz_word(line), &n) ? otherwise : n;
}

static bool shown(const char *text) {
  for (const char *p = text; *p; p++)
    if ((unsigned char)*p < ' ' || *p == 0x7f) return false;
  return af_str_utf8(af_str(text));
}

void fuzz_error(const struct af_error *err) {
  MUST(*err->code && shown(err->code));
  MUST(shown(err->request_id));
  MUST(shown(err->account));
  MUST(shown(err->region));
  MUST(shown(err->action));
  MUST(shown(err->resource));
  MUST(shown(err->message));
  MUST(shown(err->hint));
}

json_t *fuzz_fixture(const char *text) {
  char *copy = strdup(text);
  for (char *p = copy; *p; p++)
    if (*p == '\'') *p = '"';
  json_t *json = json_loads(copy, 0, NULL);
  free(copy);
  MUST(json != NULL);
  return json;
}
