/* Text that is read: comparing, numbers, UTF-8, globs. Pure functions over views; only af_str_dup() allocates. */
#include "base/str.h"

#include <stdlib.h>

#include "base/error.h"

bool af_str_eq(struct af_str a, struct af_str b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool af_str_starts(struct af_str s, const char *prefix) {
  size_t n = strlen(prefix);
  return n == 0 || (n <= s.len && memcmp(s.ptr, prefix, n) == 0);
}

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

struct af_str af_str_trim(struct af_str s) {
  while (s.len > 0 && is_space(s.ptr[0])) {
    s.ptr++;
    s.len--;
  }
  while (s.len > 0 && is_space(s.ptr[s.len - 1]))
    s.len--;
  return s;
}

int af_str_to_u64(struct af_str s, uint64_t *ret) {
  if (s.len == 0)
    return -AF_EINVAL;
  uint64_t value = 0;
  bool fits = true;
  /* Every digit is looked at, even when it fits no more: "999...9x" is no number rather than one that is too big. */
  for (size_t i = 0; i < s.len; i++) {
    if (s.ptr[i] < '0' || s.ptr[i] > '9')
      return -AF_EINVAL;
    fits = fits && !__builtin_mul_overflow(value, (uint64_t)10, &value) &&
           !__builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value);
  }
  if (!fits)
    return -AF_ETOOBIG;
  *ret = value;
  return 0;
}

int af_str_to_i64(struct af_str s, int64_t *ret) {
  bool minus = s.len > 0 && s.ptr[0] == '-';
  if (s.len > 0 && (minus || s.ptr[0] == '+'))
    s = af_str_n(s.ptr + 1, s.len - 1);
  uint64_t value;
  int rc = af_str_to_u64(s, &value);
  if (rc < 0)
    return rc;
  if (value > (uint64_t)INT64_MAX + minus)
    return -AF_ETOOBIG;
  *ret = minus ? (int64_t)(0 - value) : (int64_t)value;
  return 0;
}

/* Unicode, table 3-7: no overlong form, no surrogate. */
size_t af_str_utf8_char(struct af_str s) {
  const unsigned char *p = (const unsigned char *)s.ptr;
  if (s.len == 0)
    return 0;
  if (p[0] < 0x80)
    return p[0] ? 1 : 0;
  size_t n = p[0] >= 0xC2 && p[0] <= 0xDF ? 2 : p[0] >= 0xE0 && p[0] <= 0xEF ? 3 : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4 : 0;
  if (n == 0 || n > s.len)
    return 0;
  unsigned char low = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80;
  unsigned char high = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;
  if (p[1] < low || p[1] > high)
    return 0;
  for (size_t i = 2; i < n; i++)
    if ((p[i] & 0xC0) != 0x80)
      return 0;
  return n;
}

bool af_str_utf8(struct af_str s) {
  for (size_t i = 0; i < s.len;) {
    size_t n = af_str_utf8_char(af_str_n(s.ptr + i, s.len - i));
    if (n == 0)
      return false;
    i += n;
  }
  return true;
}

bool af_str_copy(char *dst, size_t size, struct af_str src) {
  if (size == 0)
    return false;
  bool fits = src.len < size;
  size_t n = fits ? src.len : size - 1;
  /* Cut before a continuation byte would leave half a character: go back to where it starts. */
  if (!fits)
    for (int back = 0; back < 3 && n > 0 && ((unsigned char)src.ptr[n] & 0xC0) == 0x80; back++)
      n--;
  if (n > 0)
    memmove(dst, src.ptr, n);
  dst[n] = 0;
  return fits;
}

char *af_str_dup(struct af_str s) {
  char *copy = malloc(s.len + 1);
  if (!copy)
    return NULL;
  if (s.len > 0)
    memcpy(copy, s.ptr, s.len);
  copy[s.len] = 0;
  return copy;
}

/* Going back to the last '*' only is enough, and keeps a hostile pattern at len(pattern) * len(s) steps. */
bool af_str_glob(struct af_str pattern, struct af_str s) {
  size_t p = 0, i = 0, star = SIZE_MAX, star_i = 0;
  while (i < s.len) {
    if (p < pattern.len && pattern.ptr[p] == '*') {
      star = p++;
      star_i = i;
    } else if (p < pattern.len && (pattern.ptr[p] == '?' || pattern.ptr[p] == s.ptr[i])) {
      p++;
      i++;
    } else if (star != SIZE_MAX) {
      p = star + 1;
      i = ++star_i;
    } else {
      return false;
    }
  }
  while (p < pattern.len && pattern.ptr[p] == '*')
    p++;
  return p == pattern.len;
}

/* --- what somebody may have meant --- */

enum { NEAR_MAX = 48, NEAR_DISTANCE = 2 };

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned min3(unsigned a, unsigned b, unsigned c) {
  unsigned m = a < b ? a : b;
  return m < c ? m : c;
}

/* How many letters must be added, left out, changed or swapped with their neighbour; case doesn't count. */
static unsigned edit_distance(struct af_str a, struct af_str b) {
  unsigned rows[3][NEAR_MAX + 1]; /* of the row before the last, the last, and this one */
  if (a.len > NEAR_MAX || b.len > NEAR_MAX)
    return NEAR_MAX;
  for (unsigned j = 0; j <= b.len; j++)
    rows[0][j] = j;
  for (unsigned i = 1; i <= a.len; i++) {
    unsigned *row = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
    row[0] = i;
    for (unsigned j = 1; j <= b.len; j++) {
      char x = lower(a.ptr[i - 1]), y = lower(b.ptr[j - 1]);
      row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y));
      if (i > 1 && j > 1 && x == lower(b.ptr[j - 2]) && lower(a.ptr[i - 2]) == y)
        row[j] = min3(row[j], row[j], before[j - 2] + 1);
    }
  }
  return rows[a.len % 3][b.len];
}

const char *af_str_nearest(struct af_str word, const char *const *known) {
  const char *found = NULL;
  unsigned best = NEAR_DISTANCE + 1;
  for (; *known; known++) {
    struct af_str candidate = af_str(*known);
    unsigned distance = edit_distance(word, candidate);
    /* Of a short word too little would be left: "to" is not near "id". */
    if (distance < best && distance <= candidate.len / 2) {
      best = distance;
      found = *known;
    }
  }
  return found;
}
