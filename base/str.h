/* Text that is read: a pointer and a length, never owned. What is built goes into a struct af_buf (buf.h). */
#ifndef AF_BASE_STR_H
#define AF_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct af_str {
  const char *ptr; /* not NUL-terminated; may be NULL where len is 0 */
  size_t len;      /* bytes */
};

static inline struct af_str af_str(const char *s) {
  return (struct af_str){.ptr = s, .len = s ? strlen(s) : 0};
}
static inline struct af_str af_str_n(const char *s, size_t len) {
  return (struct af_str){.ptr = s, .len = len};
}

bool af_str_eq(struct af_str a, struct af_str b);
static inline bool af_streq(const char *a, const char *b) {
  return a && b && strcmp(a, b) == 0;
}
bool af_str_starts(struct af_str s, const char *prefix);
struct af_str af_str_trim(struct af_str s); /* of ASCII white space */

/* Decimal, the whole text, no sign for the unsigned one, no white space.
 * 0, -AF_EINVAL where it is no number, -AF_ETOOBIG where it doesn't fit; *ret is set on success only. */
int af_str_to_i64(struct af_str s, int64_t *ret);
int af_str_to_u64(struct af_str s, uint64_t *ret);

/* Copies into a fixed array; what doesn't fit is cut at a UTF-8 boundary. Always NUL-terminated. Returns whether all fitted. */
bool af_str_copy(char *dst, size_t size, struct af_str src);
#define AF_COPY(array, str) af_str_copy((array), sizeof(array), (str))

/* A NUL-terminated copy that the caller frees; NULL when memory is out. */
char *af_str_dup(struct af_str s);

/* Is it well-formed UTF-8 without NUL? */
bool af_str_utf8(struct af_str s);
/* The bytes of the character that s begins with; 0 where none that is well-formed does, or a NUL. */
size_t af_str_utf8_char(struct af_str s);

/* The known word (the list ends with NULL) that was most likely meant; NULL where none is near. Static as the list is. */
const char *af_str_nearest(struct af_str word, const char *const *known);

/* '*' any run, '?' any one byte; every other byte is itself. */
bool af_str_glob(struct af_str pattern, struct af_str s);

#endif
