/* What went wrong: a return code says that it failed, struct af_error says what, where and what to do.
 * The whole struct is stored in event rows and shown to people, so it never carries a secret. */
#ifndef AF_BASE_ERROR_H
#define AF_BASE_ERROR_H

#include <stdarg.h>

#include "base/str.h"

/* Functions return 0 or the negative of one of these. */
enum {
  AF_ENOMEM = 1,
  AF_EINVAL,   /* what the caller, or the user, gave is wrong */
  AF_EIO,      /* a file, socket or database could not be read or written */
  AF_ENOENT,   /* what was asked for is not there */
  AF_EEXIST,
  AF_ETOOBIG,  /* a limit was reached: a buffer's maximum, a file's size, a depth */
  AF_EBUSY,    /* another process owns it */
  AF_ECORRUPT, /* a file is not what it claims to be */
  AF_EVERSION, /* a file is newer than this program, or foreign */
  AF_ESTALE,   /* the row changed since it was read */
  AF_EAWS,     /* AWS said no; struct af_error has the rest */
  AF_ECANCELED,
  AF_EFULL,    /* the disk is full */
};

/* Classes decide what the engine does next; the classes' meaning for retries is in engine/aws/retry.h. */
enum af_class {
  AF_CLASS_NONE,
  AF_CLASS_TRANSIENT,       /* did not happen, may work at once */
  AF_CLASS_THROTTLED,       /* did not happen, slow down */
  AF_CLASS_CAPACITY,        /* did not happen, a quota is full: park and retry long */
  AF_CLASS_NOT_YET_VISIBLE, /* AWS may not know yet what we made or opened: retry within a window */
  AF_CLASS_AUTH,            /* credentials or permissions: a person is needed */
  AF_CLASS_REFUSED,         /* AWS said no for good */
  AF_CLASS_INVALID,         /* the request or the input is wrong */
  AF_CLASS_AMBIGUOUS,       /* may or may not have happened: reconcile before anything is sent again */
  AF_CLASS_CANCELLED,
  AF_CLASS_INTERNAL,        /* ours */
  AF_CLASS_MAX_,
};

const char *af_class_name(enum af_class c); /* "transient", "not-yet-visible"...; static */
int af_class_parse(const char *name, enum af_class *ret); /* -AF_EINVAL where there is no such class */

struct af_error {
  enum af_class class;
  char code[80];        /* AWS's own ("InvalidAMIID.NotFound") or ours ("ManifestUnknownKey") */
  int http_status;      /* 0 where there was none */
  char request_id[80];
  char account[16];     /* the account that was spoken to */
  char region[32];
  char action[64];      /* API, as "ec2:CopyImage" */
  char resource[256];   /* what it was about: an id, an ARN, a file */
  char message[1024];   /* one line, for a person */
  char hint[512];       /* what to do about it; may be empty */
};

/* Fills class, code and message (printf form); the other members are cleared. err may be NULL. Returns rc, so that
 * `return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadKey", "...", ...)` reads as one line. */
int af_error_set(struct af_error *err, int rc, enum af_class c, const char *code, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Sets the hint of an error that is already filled. err may be NULL. */
void af_error_hint(struct af_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void af_error_clear(struct af_error *err);
/* Copies text, whoever wrote it, into a member of an error as it may be stored and shown: one line of well-formed UTF-8. What does not
 * fit is cut; control characters become spaces, and what is no UTF-8 question marks. */
#define AF_ERROR_TEXT(member, str) af_error_text((member), sizeof(member), (str))
void af_error_text(char *dst, size_t size, struct af_str text);
int af_error_nomem(struct af_error *err); /* fills and returns -AF_ENOMEM, allocating nothing */

#endif
