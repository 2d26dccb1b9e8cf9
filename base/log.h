/* Logging: one line a record on standard error (or a file), as text or as JSON lines. Every message passes the redactor,
 * which blanks what looks like a secret: Authorization and X-Amz-Security-Token values, X-Amz-Signature and -Credential
 * query parameters, access key ids, "SecretAccessKey"/"SessionToken" members. It is the last line of defence, not the first. */
#ifndef AF_BASE_LOG_H
#define AF_BASE_LOG_H

#include <stdio.h>

#include "base/buf.h"
#include "base/time.h"

enum af_log_level { AF_LOG_ERROR, AF_LOG_WARN, AF_LOG_INFO, AF_LOG_DEBUG };
enum af_log_format { AF_LOG_TEXT, AF_LOG_JSON };

struct af_log {
  FILE *out; /* borrowed; NULL logs nothing */
  enum af_log_level level;
  enum af_log_format format;
  const struct af_clock *clock; /* borrowed */
};

/* One field of a record; value NULL leaves it out. */
struct af_log_field {
  const char *name;
  const char *value;
};

/* fields end with {NULL}; may be NULL. The log may be NULL. */
void af_log_write(const struct af_log *log, enum af_log_level level, const struct af_log_field *fields, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

int af_log_level_parse(const char *name, enum af_log_level *ret);
/* Appends text to out with whatever looks like a secret replaced by "[redacted]". */
void af_redact(struct af_buf *out, struct af_str text);

#endif
