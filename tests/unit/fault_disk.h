/* What a disk with a cache of its own keeps when its power fails. Of each file it knows what is durable and what was written, cut, named,
 * renamed or deleted since the last sync. At the loss each of those writes is by chance kept, dropped or torn at a sector's edge, in any
 * order; a name that its folder was not synced for may be missing, a file deleted since may be back. What the process saw meanwhile lies in
 * the real files, and is overwritten by what the disk kept. */
#ifndef AF_TESTS_UNIT_FAULT_DISK_H
#define AF_TESTS_UNIT_FAULT_DISK_H

#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/random.h"

enum { FAULT_FILES = 16, FAULT_PATH = 256, FAULT_SECTOR = 512 };

struct fault_write {
  char *bytes; /* NULL: a cut to this length */
  int64_t at;
  size_t len;
  struct fault_write *next;
};
struct fault_disk_file { /* a file, whatever its name */
  char path[FAULT_PATH];
  char was[FAULT_PATH];            /* its durable name, where a rename is not; "" */
  bool created;                    /* the name is not durable */
  bool gone;                       /* deleted, but for the disk not yet */
  struct fault_disk_file *replaced; /* a file that a rename, not durable yet, has put this one in the place of */
  char *durable;
  size_t len, room; /* its length, and the bytes that there is room for */
  struct fault_write *pending, **end;
};
static struct fault_disk_file fault_files[FAULT_FILES];

static inline void fault_forget(struct fault_disk_file *d) {
  while (d->pending) {
    struct fault_write *w = d->pending;
    d->pending = w->next;
    free(w->bytes);
    free(w);
  }
  d->end = &d->pending;
}

static inline void fault_unfollow(struct fault_disk_file *d) {
  fault_forget(d);
  free(d->durable);
  *d = (struct fault_disk_file){0};
}

static inline void fault_remember(struct fault_disk_file *d, const void *bytes, size_t len, int64_t at) {
  struct fault_write *w = calloc(1, sizeof *w);
  assert_non_null(w);
  *w = (struct fault_write){.at = at, .len = len};
  if (bytes) {
    w->bytes = malloc(len + 1);
    assert_non_null(w->bytes);
    memcpy(w->bytes, bytes, len);
  }
  *d->end = w;
  d->end = &w->next;
}

static inline void fault_resize(struct fault_disk_file *d, size_t len) {
  if (len + 1 > d->room) {
    d->room = 2 * len + 1;
    d->durable = realloc(d->durable, d->room);
    assert_non_null(d->durable);
  }
  if (len > d->len)
    memset(d->durable + d->len, 0, len - d->len);
  d->len = len;
}

/* Puts a write onto the disk: whole, or each sector with a chance of one half. */
static inline void fault_apply(struct fault_disk_file *d, const struct fault_write *w, const struct af_random *torn) {
  if (!w->bytes)
    fault_resize(d, (size_t)w->at);
  for (size_t at = 0; w->bytes && at < w->len; at += FAULT_SECTOR) {
    size_t len = w->len - at < FAULT_SECTOR ? w->len - at : FAULT_SECTOR;
    if (torn && af_random_below(torn, 2))
      continue;
    if ((size_t)w->at + at + len > d->len)
      fault_resize(d, (size_t)w->at + at + len);
    memcpy(d->durable + w->at + at, w->bytes + at, len);
  }
}

/* A sync: all of it, in order. */
static inline void fault_flush(struct fault_disk_file *d) {
  for (const struct fault_write *w = d->pending; w; w = w->next)
    fault_apply(d, w, NULL);
  fault_forget(d);
}

/* A loss: by chance some of it, in any order. */
static inline void fault_scatter(struct fault_disk_file *d, const struct af_random *random) {
  enum { KEPT, DROPPED, TORN, FATES };
  struct fault_write **list, *w;
  size_t n = 0;
  for (w = d->pending; w; w = w->next)
    n++;
  list = calloc(n + 1, sizeof(struct fault_write *));
  assert_non_null(list);
  n = 0;
  for (w = d->pending; w; w = w->next) { /* each takes the place of one drawn among those before it */
    size_t at = af_random_below(random, ++n);
    list[n - 1] = list[at];
    list[at] = w;
  }
  for (size_t i = 0; i < n; i++) {
    uint64_t fate = af_random_below(random, FATES);
    if (fate != DROPPED && (list[i]->bytes || fate == KEPT))
      fault_apply(d, list[i], fate == TORN ? random : NULL);
  }
  free(list);
  fault_forget(d);
}

/* The disk's view of the file that has this name; NULL where it is not followed. */
static inline struct fault_disk_file *fault_find(const char *path) {
  for (size_t i = 0; i < FAULT_FILES; i++)
    if (!fault_files[i].gone && strcmp(fault_files[i].path, path) == 0)
      return &fault_files[i];
  return NULL;
}

/* What a file holds when it is first met is durable, and so is its name unless it was just created. */
static inline struct fault_disk_file *fault_follow(const char *path, bool created) {
  struct fault_disk_file *d = fault_find(path);
  size_t i = 0;
  if (d)
    return d;
  while (i < FAULT_FILES && fault_files[i].path[0])
    i++;
  assert_true(i < FAULT_FILES);
  d = &fault_files[i];
  *d = (struct fault_disk_file){.created = created};
  AF_COPY(d->path, af_str(path));
  d->end = &d->pending;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
  fault_resize(d, (size_t)size);
  if (fd >= 0) {
    assert_int_equal(pread(fd, d->durable, (size_t)size, 0), size);
    (void)close(fd);
  }
  return d;
}

static inline void fault_deleted(const char *path) {
  struct fault_disk_file *d = fault_find(path);
  if (d && d->created)
    fault_unfollow(d);
  else if (d)
    d->gone = true;
}

static inline void fault_renamed(const char *from, const char *to) {
  struct fault_disk_file *d = fault_follow(from, false), *old = fault_follow(to, false);
  old->gone = true;
  d->replaced = old;
  d->created = true;
  AF_COPY(d->was, af_str(d->path));
  AF_COPY(d->path, af_str(to));
}

/* A sync of the folder that path is in. */
static inline void fault_names_are_durable(const char *path) {
  const char *slash = strrchr(path, '/');
  size_t len = slash ? (size_t)(slash + 1 - path) : 0;
  for (size_t i = 0; i < FAULT_FILES; i++) {
    struct fault_disk_file *d = &fault_files[i];
    if (!d->path[0] || strncmp(d->path, path, len) != 0 || strchr(d->path + len, '/'))
      continue;
    d->created = false;
    d->replaced = NULL;
    d->was[0] = 0;
    if (d->gone)
      fault_unfollow(d);
  }
}

static inline void fault_put(const char *path, const void *bytes, size_t len) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, bytes, len), len);
  (void)close(fd);
}

/* Which names the disk kept: a rename is there or not, as a whole. */
static inline void fault_settle_names(const struct af_random *random) {
  for (size_t i = 0; i < FAULT_FILES; i++) {
    struct fault_disk_file *d = &fault_files[i];
    if (!d->path[0] || !d->created || af_random_below(random, 2))
      continue;
    (void)unlink(d->path);
    if (d->replaced)
      d->replaced->gone = false;
    if (d->was[0])
      AF_COPY(d->path, af_str(d->was));
    else
      fault_unfollow(d);
  }
  for (size_t i = 0; i < FAULT_FILES; i++) {
    struct fault_disk_file *d = &fault_files[i];
    if (d->gone && (fault_find(d->path) || af_random_below(random, 2)))
      fault_unfollow(d);
  }
}

/* With everything closed: leaves in the files what the disk kept, and where SQLite has its index of the log, rubbish. */
static inline void fault_lose_power(const struct af_random *random) {
  static const char rubbish[3 * FAULT_SECTOR] = "not an index of any log";
  char index[FAULT_PATH + 8];
  fault_settle_names(random);
  for (size_t i = 0; i < FAULT_FILES; i++) {
    struct fault_disk_file *d = &fault_files[i];
    if (!d->path[0])
      continue;
    fault_scatter(d, random);
    fault_put(d->path, d->durable, d->len);
    (void)snprintf(index, sizeof index, "%s-shm", d->path);
    if (access(index, F_OK) == 0)
      fault_put(index, rubbish, sizeof rubbish);
  }
}

#endif
