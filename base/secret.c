/* Secrets: the one place that knows the layout of af_secret_bytes. Whatever is freed here is wiped first. */
#include "base/secret.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/error.h"

struct af_secret_bytes {
  size_t len;
  char text[]; /* len bytes and a NUL */
};

int af_secret_set(struct af_secret *s, struct af_str text) {
  struct af_secret_bytes *fresh = NULL;
  int rc = 0;
  if (text.len > 0) {
    fresh = malloc(sizeof *fresh + text.len + 1);
    if (fresh) {
      fresh->len = text.len;
      memcpy(fresh->text, text.ptr, text.len); /* before the old one goes: text may be a view of it */
      fresh->text[text.len] = 0;
    } else {
      rc = -AF_ENOMEM;
    }
  }
  af_secret_done(s);
  s->bytes = fresh;
  return rc;
}

int af_secret_copy(struct af_secret *dst, const struct af_secret *src) {
  return af_secret_set(dst, af_secret_reveal(src));
}

void af_secret_done(struct af_secret *s) {
  if (!s || !s->bytes)
    return;
  OPENSSL_cleanse(s->bytes, sizeof *s->bytes + s->bytes->len + 1);
  free(s->bytes);
  s->bytes = NULL;
}

bool af_secret_empty(const struct af_secret *s) {
  return !s->bytes;
}

struct af_str af_secret_reveal(const struct af_secret *s) {
  return s->bytes ? af_str_n(s->bytes->text, s->bytes->len) : af_str_n("", 0);
}
