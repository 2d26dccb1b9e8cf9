/* A secret: text that no formatter accepts and that is wiped when it ends. The struct hides its bytes behind a pointer to an
 * incomplete type, so printf, a buffer or a log can't take it by accident; af_secret_reveal() is the one way in. */
#ifndef AF_BASE_SECRET_H
#define AF_BASE_SECRET_H

#include "base/str.h"

struct af_secret_bytes;
struct af_secret {
  struct af_secret_bytes *bytes; /* owned; NULL is the empty secret */
};

int af_secret_set(struct af_secret *s, struct af_str text); /* wipes what was there; -AF_ENOMEM leaves it empty */
int af_secret_copy(struct af_secret *dst, const struct af_secret *src);
void af_secret_done(struct af_secret *s); /* takes NULL */
bool af_secret_empty(const struct af_secret *s);
/* Borrowed until the secret changes. For signing and for the header that carries it, nothing else. */
struct af_str af_secret_reveal(const struct af_secret *s);

#endif
