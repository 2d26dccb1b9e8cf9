/* Time: the clock as a vtable, and the text forms that AWS uses. All times are milliseconds since 1970-01-01 UTC unless a
 * name says otherwise. No locale, no time zone. */
#ifndef AF_BASE_TIME_H
#define AF_BASE_TIME_H

#include "base/str.h"

struct af_clock {
  int64_t (*now_ms)(void *ctx);  /* wall clock; may jump */
  int64_t (*mono_ms)(void *ctx); /* never goes back; its zero means nothing */
  void *ctx;
};

const struct af_clock *af_clock_system(void); /* static */
/* A wall clock that is read once, and goes on as the other one does: setting the system's clock doesn't move it. */
struct af_steady {
  struct af_clock clock;
  const struct af_clock *under;
  int64_t ahead_ms; /* of under's mono_ms */
};
void af_steady_init(struct af_steady *ret, const struct af_clock *under);
static inline int64_t af_now_ms(const struct af_clock *c) { return c->now_ms(c->ctx); }
static inline int64_t af_mono_ms(const struct af_clock *c) { return c->mono_ms(c->ctx); }

#define AF_TIME_SIZE 48 /* enough for each text form below, with its NUL */
void af_time_iso(int64_t ms, char out[AF_TIME_SIZE]);    /* 2026-11-23T06:29:00.123Z */
void af_time_iso_s(int64_t ms, char out[AF_TIME_SIZE]);  /* 2026-11-23T06:29:00Z */
void af_time_basic(int64_t ms, char out[AF_TIME_SIZE]);  /* 20261123T062900Z, as SigV4 wants it */
void af_time_http(int64_t ms, char out[AF_TIME_SIZE]);   /* Mon, 23 Nov 2026 06:29:00 GMT */
/* ISO 8601 extended or basic, fraction and offset (Z, +hh:mm) allowed; or the HTTP date. -AF_EINVAL. */
int af_time_parse(struct af_str text, int64_t *ret_ms);
/* "850ms", "12s", "4m03s", "2h05m", "3d04h": for people. */
void af_time_span(int64_t ms, char out[AF_TIME_SIZE]);

#endif
