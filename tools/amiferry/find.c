/* Finding stored batches and copies by id or by its beginning. */
#include "tools/amiferry/find.h"

#include <stdlib.h>

#include "base/buf.h"

enum { HINTS_MAX = 8 };

struct search {
  const char *name;
  char found[128]; /* the id */
  size_t n;        /* that begin so; 1 where one is the name itself */
  bool exact;
  struct af_buf near; /* ids, for the hint */
  size_t n_near;
};

static void search_init(struct search *s, const char *name) {
  *s = (struct search){.name = name};
  af_buf_init(&s->near, 400);
}

/* An empty name is a variable that a script hasn't set: every id begins with it, and none is meant. */
static void consider(struct search *s, const char *id) {
  bool begins = *s->name && af_str_starts(af_str(id), s->name);
  if (s->exact) return;
  s->exact = af_streq(id, s->name);
  if (begins) {
    s->n = s->exact ? 1 : s->n + 1;
    AF_COPY(s->found, af_str(id));
  }
  if (s->n_near < HINTS_MAX && (begins || !s->n)) af_buf_printf(&s->near, "%s%s", s->n_near++ ? ", " : "", id);
}

static int judge(struct search *s, const char *what, struct af_error *err) {
  int rc = 0;
  if (!*s->name) rc = af_error_set(err, -AF_ENOENT, AF_CLASS_INVALID, "NotFound", "an empty id names no %s", what);
  else if (s->n == 0) rc = af_error_set(err, -AF_ENOENT, AF_CLASS_INVALID, "NotFound", "no %s %.64s", what, s->name);
  else if (s->n > 1) rc = af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "Ambiguous", "%zu have a %s id that begins with %.64s", s->n, what, s->name);
  if (rc && s->near.len) af_error_hint(err, "there are: %s%s", af_buf_cstr(&s->near), s->n_near == HINTS_MAX ? ", ..." : "");
  af_buf_done(&s->near);
  return rc;
}

static void free_batches(struct af_batch_row *list, size_t n) {
  for (size_t i = 0; i < n; i++) af_batch_row_done(&list[i]);
  free(list);
}

static void free_copies(struct af_copy_row *list, size_t n) {
  for (size_t i = 0; i < n; i++) af_copy_row_done(&list[i]);
  free(list);
}

int af_batch_find(struct af_store *s, const char *name, struct af_batch_row *ret, struct af_error *err) {
  struct af_batch_row *list = NULL;
  struct search search;
  size_t n = 0;
  int rc = af_store_batches(s, &list, &n, err);
  if (rc) return rc;
  search_init(&search, name);
  for (size_t i = 0; i < n; i++) consider(&search, list[i].id);
  free_batches(list, n);
  rc = judge(&search, "batch", err);
  return rc ? rc : af_store_batch_get(s, search.found, ret, err);
}

/* The whole id is asked for by itself: a beginning takes a look at every copy there is. */
int af_copy_find(struct af_store *s, const char *name, struct af_copy_row *ret, struct af_error *err) {
  struct af_batch_row *batches = NULL;
  struct search search;
  size_t n = 0;
  int rc = af_store_copy_get(s, name, ret, err);
  if (rc != -AF_ENOENT) return rc;
  rc = af_store_batches(s, &batches, &n, err);
  if (rc) return rc;
  search_init(&search, name);
  for (size_t i = 0; i < n && !rc; i++) {
    struct af_copy_row *copies = NULL;
    size_t n_copies = 0;
    rc = af_store_copies(s, batches[i].id, &copies, &n_copies, err);
    for (size_t k = 0; k < n_copies; k++) consider(&search, copies[k].id);
    free_copies(copies, n_copies);
  }
  free_batches(batches, n);
  if (rc) {
    af_buf_done(&search.near);
    return rc;
  }
  rc = judge(&search, "copy", err);
  return rc ? rc : af_store_copy_get(s, search.found, ret, err);
}

int af_batch_unfinished(struct af_store *s, const char *batch_id, bool *ret, struct af_error *err) {
  struct af_copy_row *list = NULL;
  size_t n = 0;
  int rc = af_store_copies(s, batch_id, &list, &n, err);
  if (rc) return rc;
  *ret = false;
  for (size_t i = 0; i < n; i++) *ret |= !af_copy_state_ended(list[i].state);
  free_copies(list, n);
  return 0;
}
