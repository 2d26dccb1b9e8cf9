/* Errors: filling struct af_error, and the names of its classes, which are stored in event rows and so never change. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

static const char *const class_names[] = {
    [AF_CLASS_NONE] = "none",
    [AF_CLASS_TRANSIENT] = "transient",
    [AF_CLASS_THROTTLED] = "throttled",
    [AF_CLASS_CAPACITY] = "capacity",
    [AF_CLASS_NOT_YET_VISIBLE] = "not-yet-visible",
    [AF_CLASS_AUTH] = "auth",
    [AF_CLASS_REFUSED] = "refused",
    [AF_CLASS_INVALID] = "invalid",
    [AF_CLASS_AMBIGUOUS] = "ambiguous",
    [AF_CLASS_CANCELLED] = "cancelled",
    [AF_CLASS_INTERNAL] = "internal",
};
_Static_assert(sizeof class_names / sizeof class_names[0] == AF_CLASS_MAX_, "every class has a name");

const char *af_class_name(enum af_class c) {
  return (unsigned)c < AF_CLASS_MAX_ ? class_names[c] : "internal";
}

int af_class_parse(const char *name, enum af_class *ret) {
  for (unsigned c = 0; c < AF_CLASS_MAX_; c++)
    if (af_streq(name, class_names[c])) {
      *ret = (enum af_class)c;
      return 0;
    }
  return -AF_EINVAL;
}

/* A message is one line, so that no reply of a server can forge a second one in a log, and it is UTF-8, because it is stored as JSON. */
static void make_line(char *text) {
  struct af_str rest = af_str(text);
  for (size_t n; rest.len > 0; rest = af_str_n(rest.ptr + n, rest.len - n)) {
    char *p = text + (rest.ptr - text);
    n = af_str_utf8_char(rest);
    if (n == 0)
      *p = '?';
    else if ((unsigned char)*p < 0x20 || *p == 0x7F)
      *p = ' ';
    n = n ? n : 1;
  }
}

/* Formats into a fixed array. What doesn't fit is cut at a UTF-8 boundary. */
__attribute__((format(printf, 3, 0))) static void set_line(char *dst, size_t size, const char *format, va_list args) {
  int n = vsnprintf(dst, size, format, args);
  if (n < 0) {
    dst[0] = 0;
    return;
  }
  if ((size_t)n >= size) {
    size_t len = size - 1;
    size_t lead = len;
    while (lead > 0 && len - lead < 3 && ((unsigned char)dst[lead - 1] & 0xC0) == 0x80)
      lead--;
    if (lead > 0 && (unsigned char)dst[lead - 1] >= 0xC0 && !af_str_utf8(af_str_n(dst + lead - 1, len - lead + 1)))
      dst[lead - 1] = 0;
  }
  make_line(dst);
}

void af_error_text(char *dst, size_t size, struct af_str text) {
  af_str_copy(dst, size, text);
  make_line(dst);
}

int af_error_set(struct af_error *err, int rc, enum af_class c, const char *code, const char *format, ...) {
  if (!err)
    return rc;
  /* The arguments may point into err itself, as when an error is wrapped: build the new one beside the old. */
  struct af_error fresh = {.class = c};
  AF_ERROR_TEXT(fresh.code, af_str(code));
  va_list args;
  va_start(args, format);
  set_line(fresh.message, sizeof fresh.message, format, args);
  va_end(args);
  *err = fresh;
  return rc;
}

void af_error_hint(struct af_error *err, const char *format, ...) {
  if (!err)
    return;
  char hint[sizeof err->hint];
  va_list args;
  va_start(args, format);
  set_line(hint, sizeof hint, format, args);
  va_end(args);
  memcpy(err->hint, hint, sizeof hint);
}

void af_error_clear(struct af_error *err) {
  if (err)
    *err = (struct af_error){0};
}

int af_error_nomem(struct af_error *err) {
  af_error_set(err, -AF_ENOMEM, AF_CLASS_INTERNAL, "OutOfMemory", "memory is out");
  af_error_hint(err, "give the process more memory, then run it again: what is recorded is kept");
  return -AF_ENOMEM;
}
