/* Time: the system's clocks, and reading and writing the text forms that AWS uses. The calendar is computed here (the
 * proleptic Gregorian one, after Howard Hinnant's days_from_civil), because strftime() and strptime() know locales and zones. */
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"

#define DAY_MS INT64_C(86400000)
/* 0000-01-01 and 10000-01-01: outside of them there is no four-digit year, so times are held to them. */
#define MIN_MS (INT64_C(-719528) * DAY_MS)
#define END_MS (INT64_C(2932897) * DAY_MS)

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char day_names[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */

static int64_t read_clock(clockid_t id) {
  struct timespec t;
  if (clock_gettime(id, &t) < 0)
    abort();
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t system_now_ms(void *ctx) {
  return read_clock(CLOCK_REALTIME);
}

/* BOOTTIME goes on while the machine sleeps, as AWS does. */
static int64_t system_mono_ms(void *ctx) {
  return read_clock(CLOCK_BOOTTIME);
}

const struct af_clock *af_clock_system(void) {
  static const struct af_clock system = {.now_ms = system_now_ms, .mono_ms = system_mono_ms};
  return &system;
}

static int64_t steady_now_ms(void *ctx) {
  const struct af_steady *s = ctx;
  return af_mono_ms(s->under) + s->ahead_ms;
}

static int64_t steady_mono_ms(void *ctx) {
  return af_mono_ms(((const struct af_steady *)ctx)->under);
}

void af_steady_init(struct af_steady *ret, const struct af_clock *under) {
  *ret = (struct af_steady){{steady_now_ms, steady_mono_ms, ret}, under, af_now_ms(under) - af_mono_ms(under)};
}

struct civil {
  int year, month, day; /* month and day from 1 */
  int hour, minute, second, ms;
  int weekday; /* from Thursday, 0 */
};

static int64_t days_from_civil(int year, int month, int day) {
  int y = month <= 2 ? year - 1 : year;
  int era = (y >= 0 ? y : y - 399) / 400;
  int year_of_era = y - era * 400;
  int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return (int64_t)era * 146097 + day_of_era - 719468;
}

static struct civil civil_from_ms(int64_t ms) {
  ms = ms < MIN_MS ? MIN_MS : ms >= END_MS ? END_MS - 1 : ms;
  int64_t days = ms / DAY_MS;
  int64_t rest = ms % DAY_MS;
  if (rest < 0) {
    rest += DAY_MS;
    days--;
  }
  int z = (int)(days + 719468); /* days since 0000-03-01: -60 at the least */
  int era = (z >= 0 ? z : z - 146096) / 146097;
  int day_of_era = z - era * 146097;
  int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int m = (5 * day_of_year + 2) / 153; /* from March */
  int month = m < 10 ? m + 3 : m - 9;
  int second = (int)(rest / 1000);
  return (struct civil){.year = year_of_era + era * 400 + (month <= 2), .month = month,
                        .day = day_of_year - (153 * m + 2) / 5 + 1, .hour = second / 3600,
                        .minute = second / 60 % 60, .second = second % 60, .ms = (int)(rest % 1000),
                        .weekday = (int)((days % 7 + 7) % 7)};
}

void af_time_iso(int64_t ms, char out[AF_TIME_SIZE]) {
  struct civil c = civil_from_ms(ms);
  snprintf(out, AF_TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.year % 10000, c.month, c.day, c.hour, c.minute,
           c.second, c.ms);
}

void af_time_iso_s(int64_t ms, char out[AF_TIME_SIZE]) {
  struct civil c = civil_from_ms(ms);
  snprintf(out, AF_TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

void af_time_basic(int64_t ms, char out[AF_TIME_SIZE]) {
  struct civil c = civil_from_ms(ms);
  snprintf(out, AF_TIME_SIZE, "%04d%02d%02dT%02d%02d%02dZ", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

void af_time_http(int64_t ms, char out[AF_TIME_SIZE]) {
  struct civil c = civil_from_ms(ms);
  snprintf(out, AF_TIME_SIZE, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", day_names + c.weekday * 3, c.day,
           month_names + (c.month - 1) * 3, c.year, c.hour, c.minute, c.second);
}

void af_time_span(int64_t ms, char out[AF_TIME_SIZE]) {
  const char *sign = ms < 0 ? "-" : "";
  uint64_t t = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
  uint64_t s = t / 1000, m = s / 60, h = m / 60, d = h / 24;
  if (t < 1000)
    snprintf(out, AF_TIME_SIZE, "%s%dms", sign, (int)t);
  else if (m == 0)
    snprintf(out, AF_TIME_SIZE, "%s%ds", sign, (int)s);
  else if (h == 0)
    snprintf(out, AF_TIME_SIZE, "%s%dm%02ds", sign, (int)m, (int)(s % 60));
  else if (d == 0)
    snprintf(out, AF_TIME_SIZE, "%s%dh%02dm", sign, (int)h, (int)(m % 60));
  else
    snprintf(out, AF_TIME_SIZE, "%s%llud%02dh", sign, (unsigned long long)d, (int)(h % 24));
}

/* --- reading: a cursor over the text, whose steps say whether the text went on as they want --- */

static bool take_char(struct af_str *s, char c) {
  if (s->len == 0 || s->ptr[0] != c)
    return false;
  *s = af_str_n(s->ptr + 1, s->len - 1);
  return true;
}

static bool take_digits(struct af_str *s, size_t digits, int *ret) {
  int value = 0;
  if (s->len < digits)
    return false;
  for (size_t i = 0; i < digits; i++) {
    if (s->ptr[i] < '0' || s->ptr[i] > '9')
      return false;
    value = value * 10 + (s->ptr[i] - '0');
  }
  *s = af_str_n(s->ptr + digits, s->len - digits);
  *ret = value;
  return true;
}

static bool take_name(struct af_str *s, const char *names, int count, int *ret) {
  for (int i = 0; i < count && s->len >= 3; i++)
    if (memcmp(s->ptr, names + i * 3, 3) == 0) {
      *s = af_str_n(s->ptr + 3, s->len - 3);
      *ret = i;
      return true;
    }
  return false;
}

/* A fraction is cut after the milliseconds. */
static bool take_fraction(struct af_str *s, int *ret_ms) {
  int ms = 0, digit, digits = 0;
  for (; take_digits(s, 1, &digit); digits++)
    ms += digits == 0 ? digit * 100 : digits == 1 ? digit * 10 : digits == 2 ? digit : 0;
  *ret_ms = ms;
  return digits > 0;
}

/* Z, +hh:mm or +hhmm; nothing at all is UTC, as some AWS fields leave it out. */
static bool take_zone(struct af_str *s, int *ret_minutes) {
  *ret_minutes = 0;
  if (s->len == 0 || take_char(s, 'Z'))
    return true;
  bool minus = take_char(s, '-');
  int hour, minute;
  if (!minus && !take_char(s, '+'))
    return false;
  if (!take_digits(s, 2, &hour) || (take_char(s, ':'), !take_digits(s, 2, &minute)) || hour > 23 || minute > 59)
    return false;
  *ret_minutes = (minus ? -1 : 1) * (hour * 60 + minute);
  return true;
}

static bool valid_day(const struct civil *c) {
  static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;
  return c->month >= 1 && c->month <= 12 && c->day >= 1 && c->day <= days[c->month - 1] + (c->month == 2 && leap);
}

static int to_ms(const struct civil *c, int zone_minutes, int64_t *ret_ms) {
  /* A leap second (60) is the first of the next minute. */
  if (!valid_day(c) || c->hour > 23 || c->minute > 59 || c->second > 60)
    return -AF_EINVAL;
  int64_t seconds = days_from_civil(c->year, c->month, c->day) * 86400 + c->hour * 3600 + (c->minute - zone_minutes) * 60 + c->second;
  *ret_ms = seconds * 1000 + c->ms;
  return 0;
}

/* 2026-11-23T06:29:00.123Z, 20261123T062900Z; a date alone is its midnight. */
static int parse_iso(struct af_str s, int64_t *ret_ms) {
  struct civil c = {0};
  int zone = 0;
  if (!take_digits(&s, 4, &c.year))
    return -AF_EINVAL;
  bool dash = take_char(&s, '-');
  if (!take_digits(&s, 2, &c.month) || (dash && !take_char(&s, '-')) || !take_digits(&s, 2, &c.day))
    return -AF_EINVAL;
  if (s.len > 0) {
    if (!take_char(&s, 'T') && !take_char(&s, ' '))
      return -AF_EINVAL;
    if (!take_digits(&s, 2, &c.hour))
      return -AF_EINVAL;
    bool colon = take_char(&s, ':');
    if (!take_digits(&s, 2, &c.minute) || (colon && !take_char(&s, ':')) || !take_digits(&s, 2, &c.second))
      return -AF_EINVAL;
    if (take_char(&s, '.') && !take_fraction(&s, &c.ms))
      return -AF_EINVAL;
    if (!take_zone(&s, &zone) || s.len > 0)
      return -AF_EINVAL;
  }
  return to_ms(&c, zone, ret_ms);
}

/* Mon, 23 Nov 2026 06:29:00 GMT. The name of the day says nothing that the date doesn't: it must be one, not the right one. */
static int parse_http(struct af_str s, int64_t *ret_ms) {
  struct civil c = {0};
  int month;
  if (!take_name(&s, day_names, 7, &c.weekday) || !take_char(&s, ',') || !take_char(&s, ' ') ||
      !take_digits(&s, 2, &c.day) || !take_char(&s, ' ') || !take_name(&s, month_names, 12, &month) ||
      !take_char(&s, ' ') || !take_digits(&s, 4, &c.year) || !take_char(&s, ' ') || !take_digits(&s, 2, &c.hour) ||
      !take_char(&s, ':') || !take_digits(&s, 2, &c.minute) || !take_char(&s, ':') || !take_digits(&s, 2, &c.second) ||
      !af_str_eq(s, af_str(" GMT")))
    return -AF_EINVAL;
  c.month = month + 1;
  return to_ms(&c, 0, ret_ms);
}

int af_time_parse(struct af_str text, int64_t *ret_ms) {
  bool digit = text.len > 0 && text.ptr[0] >= '0' && text.ptr[0] <= '9';
  return digit ? parse_iso(text, ret_ms) : parse_http(text, ret_ms);
}
