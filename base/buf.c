/* A growing buffer with a maximum. Owns its memory; a buffer for secrets never leaves a copy of them behind, which is why
 * it grows by malloc, copy and wipe: realloc() would free the old block as it is. */
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"

enum { FIRST_SIZE = 64, READ_CHUNK = 64 * 1024 };

void af_buf_init(struct af_buf *b, size_t max) {
  *b = (struct af_buf){.max = max};
}

void af_buf_init_secret(struct af_buf *b, size_t max) {
  *b = (struct af_buf){.max = max, .wipe = true};
}

void af_buf_done(struct af_buf *b) {
  if (!b)
    return;
  if (b->wipe && b->ptr)
    OPENSSL_cleanse(b->ptr, b->size);
  free(b->ptr);
  *b = (struct af_buf){.max = b->max, .wipe = b->wipe};
}

void af_buf_reset(struct af_buf *b) {
  if (b->wipe && b->ptr)
    OPENSSL_cleanse(b->ptr, b->size);
  if (b->ptr)
    b->ptr[0] = 0;
  b->len = 0;
  b->rc = 0;
}

static char *resize(struct af_buf *b, size_t size) {
  if (!b->wipe)
    return realloc(b->ptr, size);
  char *fresh = malloc(size);
  if (!fresh)
    return NULL;
  if (b->ptr) {
    memcpy(fresh, b->ptr, b->len);
    OPENSSL_cleanse(b->ptr, b->size);
    free(b->ptr);
  }
  return fresh;
}

/* Makes room for more bytes and the NUL; false once the buffer has failed. */
static bool reserve(struct af_buf *b, size_t more) {
  if (b->rc < 0)
    return false;
  if (more > b->max - b->len || more >= SIZE_MAX / 2 - b->len) {
    b->rc = -AF_ETOOBIG;
    return false;
  }
  size_t need = b->len + more + 1;
  if (need <= b->size)
    return true;
  size_t size = b->size > 0 ? b->size : FIRST_SIZE;
  while (size < need)
    size *= 2;
  /* A small maximum is never passed by doubling; need is at most max + 1. */
  if (size > b->max && b->max + 1 >= need)
    size = b->max + 1;
  char *fresh = resize(b, size);
  if (!fresh) {
    b->rc = -AF_ENOMEM;
    return false;
  }
  b->ptr = fresh;
  b->size = size;
  return true;
}

void af_buf_add(struct af_buf *b, const void *bytes, size_t len) {
  if (!reserve(b, len))
    return;
  if (len > 0)
    memcpy(b->ptr + b->len, bytes, len);
  b->len += len;
  b->ptr[b->len] = 0;
}

void af_buf_puts(struct af_buf *b, const char *s) {
  af_buf_add(b, s, s ? strlen(s) : 0);
}

void af_buf_str(struct af_buf *b, struct af_str s) {
  af_buf_add(b, s.ptr, s.len);
}

void af_buf_putc(struct af_buf *b, char c) {
  af_buf_add(b, &c, 1);
}

void af_buf_printf(struct af_buf *b, const char *format, ...) {
  if (b->rc < 0)
    return;
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  size_t room = b->size - b->len; /* 0 while nothing is allocated */
  int n = vsnprintf(b->ptr ? b->ptr + b->len : NULL, room, format, args);
  va_end(args);
  if (n < 0) {
    b->rc = -AF_ENOMEM; /* glibc fails only where memory is out or the text passes INT_MAX */
  } else if (b->len <= b->max && (size_t)n <= b->max - b->len && (size_t)n < room) {
    b->len += (size_t)n;
  } else {
    if (b->ptr)
      b->ptr[b->len] = 0; /* undo the half that was written */
    if (reserve(b, (size_t)n)) {
      vsnprintf(b->ptr + b->len, (size_t)n + 1, format, again);
      b->len += (size_t)n;
    }
  }
  va_end(again);
}

int af_buf_rc(const struct af_buf *b) {
  return b->rc;
}

const char *af_buf_cstr(const struct af_buf *b) {
  return b->ptr ? b->ptr : "";
}

struct af_str af_buf_view(const struct af_buf *b) {
  return af_str_n(b->ptr, b->len);
}

char *af_buf_steal(struct af_buf *b) {
  if (!b->ptr)
    reserve(b, 0);
  char *text = b->rc < 0 ? NULL : b->ptr;
  if (!text) {
    af_buf_done(b);
    return NULL;
  }
  text[b->len] = 0;
  *b = (struct af_buf){.max = b->max, .wipe = b->wipe};
  return text;
}

static int read_failed(struct af_error *err, const char *name, int reason) {
  int rc = reason == ENOENT ? -AF_ENOENT : reason == ENOMEM ? -AF_ENOMEM : -AF_EIO;
  af_error_set(err, rc, AF_CLASS_INVALID, "CannotReadFile", "%s: cannot read: %s", name, strerrordesc_np(reason));
  if (err)
    AF_COPY(err->resource, af_str(name));
  return rc;
}

static int read_all(struct af_buf *b, int fd, const char *name, struct af_error *err) {
  /* One byte past the maximum is asked for, so that reserve() notices the file that is too long. */
  while (af_buf_rc(b) == 0) {
    size_t left = b->max - b->len;
    size_t want = left < READ_CHUNK ? left : READ_CHUNK;
    char probe;
    if (want > 0 && !reserve(b, want))
      break;
    ssize_t n = want > 0 ? read(fd, b->ptr + b->len, want) : read(fd, &probe, 1);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return read_failed(err, name, errno);
    if (n == 0)
      break;
    if (want == 0) {
      b->rc = -AF_ETOOBIG;
      break;
    }
    b->len += (size_t)n;
  }
  if (b->ptr)
    b->ptr[b->len] = 0;
  if (b->rc == -AF_ETOOBIG)
    return af_error_set(err, b->rc, AF_CLASS_INVALID, "FileTooBig", "%s: is longer than %zu bytes, the most that is read",
                        name, b->max);
  return b->rc < 0 ? af_error_nomem(err) : 0;
}

int af_buf_read_file(struct af_buf *b, const char *path, struct af_error *err) {
  bool standard_input = af_streq(path, "-");
  const char *name = standard_input ? "standard input" : path;
  int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0)
    return read_failed(err, name, errno);
  int rc = read_all(b, fd, name, err);
  if (!standard_input)
    close(fd);
  return rc;
}
