/* A growing buffer that knows its maximum when it is born (after curl's dynbuf). The first failure sticks: later calls
 * do nothing, so a whole request can be built and checked once with af_buf_rc(). Always NUL-terminated behind len. */
#ifndef AF_BASE_BUF_H
#define AF_BASE_BUF_H

#include "base/str.h"

struct af_buf {
  char *ptr;   /* owned; NULL while empty: use af_buf_cstr() */
  size_t len;  /* bytes, without the NUL */
  size_t size; /* allocated bytes */
  size_t max;  /* len never passes this */
  int rc;      /* 0, -AF_ENOMEM or -AF_ETOOBIG */
  bool wipe;   /* OPENSSL_cleanse what is freed or moved: for text that holds a secret */
};

void af_buf_init(struct af_buf *b, size_t max);
void af_buf_init_secret(struct af_buf *b, size_t max);
void af_buf_done(struct af_buf *b); /* takes NULL; leaves an empty buffer with the same max */
void af_buf_reset(struct af_buf *b); /* len 0, rc 0, keeps the memory (wiped if secret) */

void af_buf_add(struct af_buf *b, const void *bytes, size_t len);
void af_buf_puts(struct af_buf *b, const char *s);
void af_buf_str(struct af_buf *b, struct af_str s);
void af_buf_putc(struct af_buf *b, char c);
void af_buf_printf(struct af_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

int af_buf_rc(const struct af_buf *b);
const char *af_buf_cstr(const struct af_buf *b); /* borrowed; "" while empty */
struct af_str af_buf_view(const struct af_buf *b); /* borrowed */
char *af_buf_steal(struct af_buf *b); /* the text, the caller's to free; NULL if rc or memory is out; b is empty after */

/* Reads a whole file, - for standard input. -AF_ETOOBIG past max; -AF_ENOENT, -AF_EIO with the reason in err. */
struct af_error;
int af_buf_read_file(struct af_buf *b, const char *path, struct af_error *err);

#endif
