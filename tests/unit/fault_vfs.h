/* A disk that fails: a SQLite VFS in front of the real one. It counts what is written, synced and cut, and at one of these
 * operations it either fails (once, with a code of the test's choice) or loses its power: from then on nothing works any more,
 * and fault_vfs_power_on() leaves in each file what was synced and a random part of what was not, in 512-byte sectors, as a
 * disk with a cache of its own does. */
#ifndef AF_TESTS_UNIT_FAULT_VFS_H
#define AF_TESTS_UNIT_FAULT_VFS_H

#include "tests/unit/test.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/random.h"

enum { FAULT_FILES = 8, FAULT_PATH = 256, FAULT_SECTOR = 512 };
enum fault_op { FAULT_WRITE = 1, FAULT_SYNC = 2, FAULT_TRUNCATE = 4, FAULT_READ = 8, FAULT_ANY = 15 };

struct fault_write {
  char *bytes; /* NULL: a cut to this length */
  sqlite3_int64 at;
  size_t len;
  struct fault_write *next;
};
struct fault_disk_file {
  char path[FAULT_PATH];
  char *durable;
  size_t len;
  struct fault_write *pending, **end;
};
static struct {
  sqlite3_vfs vfs;
  sqlite3_vfs *real;
  unsigned ops;   /* that count */
  int64_t seen;   /* of them */
  int64_t fail_at; /* the operation that fails, from 1; 0: none */
  int code;       /* it returns this */
  bool power;     /* it is the power that fails */
  bool dead;
  struct fault_disk_file files[FAULT_FILES];
} fault;

struct fault_file {
  sqlite3_file base;
  struct fault_disk_file *disk; /* NULL: not followed */
  sqlite3_file *real;           /* behind this struct, in the same memory */
};

static inline sqlite3_file *fault_real(sqlite3_file *f) {
  return ((struct fault_file *)(void *)f)->real;
}
static inline struct fault_disk_file *fault_disk(sqlite3_file *f) {
  return ((struct fault_file *)(void *)f)->disk;
}

/* SQLITE_OK, or what the operation is to return. */
static inline int fault_strikes(enum fault_op op) {
  if (fault.dead)
    return SQLITE_IOERR;
  if (!(fault.ops & op) || ++fault.seen != fault.fail_at)
    return SQLITE_OK;
  fault.dead = fault.power;
  return fault.power ? SQLITE_IOERR : fault.code;
}

static inline void fault_forget(struct fault_disk_file *d) {
  while (d->pending) {
    struct fault_write *w = d->pending;
    d->pending = w->next;
    free(w->bytes);
    free(w);
  }
  d->end = &d->pending;
}

static inline void fault_remember(struct fault_disk_file *d, const void *bytes, size_t len, sqlite3_int64 at) {
  if (!d)
    return;
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
  d->durable = realloc(d->durable, len + 1);
  assert_non_null(d->durable);
  if (len > d->len)
    memset(d->durable + d->len, 0, len - d->len);
  d->len = len;
}

/* Puts sectors of the pending writes onto the disk: all of them, or each with a chance of one half. */
static inline void fault_flush(struct fault_disk_file *d, const struct af_random *random) {
  for (const struct fault_write *w = d->pending; w; w = w->next) {
    if (!w->bytes && (!random || af_random_below(random, 2)))
      fault_resize(d, (size_t)w->at);
    for (size_t at = 0; w->bytes && at < w->len; at += FAULT_SECTOR) {
      size_t len = w->len - at < FAULT_SECTOR ? w->len - at : FAULT_SECTOR;
      if (random && af_random_below(random, 2))
        continue;
      if ((size_t)w->at + at + len > d->len)
        fault_resize(d, (size_t)w->at + at + len);
      memcpy(d->durable + w->at + at, w->bytes + at, len);
    }
  }
  fault_forget(d);
}

static int fault_close(sqlite3_file *f) {
  return fault_real(f)->pMethods->xClose(fault_real(f));
}
static int fault_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) {
  int rc = fault_strikes(FAULT_READ);
  return rc ? rc : fault_real(f)->pMethods->xRead(fault_real(f), p, n, at);
}
static int fault_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at) {
  bool was_dead = fault.dead;
  int rc = fault_strikes(FAULT_WRITE);
  if (!was_dead && (rc == SQLITE_OK || fault.dead)) /* the write during which the power fails may be on the disk in part */
    fault_remember(fault_disk(f), p, (size_t)n, at);
  return rc ? rc : fault_real(f)->pMethods->xWrite(fault_real(f), p, n, at);
}
static int fault_truncate(sqlite3_file *f, sqlite3_int64 len) {
  int rc = fault_strikes(FAULT_TRUNCATE);
  if (rc == SQLITE_OK)
    fault_remember(fault_disk(f), NULL, 0, len);
  return rc ? rc : fault_real(f)->pMethods->xTruncate(fault_real(f), len);
}
static int fault_sync(sqlite3_file *f, int flags) {
  int rc = fault_strikes(FAULT_SYNC);
  if (rc == SQLITE_OK && fault_disk(f))
    fault_flush(fault_disk(f), NULL);
  return rc; /* the real disk need not be asked: nobody cuts its power */
}
static int fault_size(sqlite3_file *f, sqlite3_int64 *n) {
  return fault_real(f)->pMethods->xFileSize(fault_real(f), n);
}
static int fault_lock(sqlite3_file *f, int level) {
  return fault_real(f)->pMethods->xLock(fault_real(f), level);
}
static int fault_unlock(sqlite3_file *f, int level) {
  return fault_real(f)->pMethods->xUnlock(fault_real(f), level);
}
static int fault_reserved(sqlite3_file *f, int *out) {
  return fault_real(f)->pMethods->xCheckReservedLock(fault_real(f), out);
}
static int fault_control(sqlite3_file *f, int op, void *arg) {
  return fault_real(f)->pMethods->xFileControl(fault_real(f), op, arg);
}
static int fault_sector(sqlite3_file *f) {
  return FAULT_SECTOR;
}
static int fault_traits(sqlite3_file *f) {
  return 0; /* promises nothing, not even that a write leaves its neighbours alone */
}
static int fault_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **pp) {
  return fault_real(f)->pMethods->xShmMap(fault_real(f), page, size, extend, pp);
}
static int fault_shm_lock(sqlite3_file *f, int offset, int n, int flags) {
  return fault_real(f)->pMethods->xShmLock(fault_real(f), offset, n, flags);
}
static void fault_shm_barrier(sqlite3_file *f) {
  fault_real(f)->pMethods->xShmBarrier(fault_real(f));
}
static int fault_shm_unmap(sqlite3_file *f, int delete) {
  return fault_real(f)->pMethods->xShmUnmap(fault_real(f), delete);
}

static const sqlite3_io_methods fault_methods = {
    .iVersion = 2, .xClose = fault_close, .xRead = fault_read, .xWrite = fault_write, .xTruncate = fault_truncate,
    .xSync = fault_sync, .xFileSize = fault_size, .xLock = fault_lock, .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_reserved, .xFileControl = fault_control, .xSectorSize = fault_sector,
    .xDeviceCharacteristics = fault_traits, .xShmMap = fault_shm_map, .xShmLock = fault_shm_lock,
    .xShmBarrier = fault_shm_barrier, .xShmUnmap = fault_shm_unmap,
};

/* The disk's view of a file; what it holds when it is first opened is durable. */
static inline struct fault_disk_file *fault_follow(const char *path) {
  struct fault_disk_file *free_one = NULL;
  for (size_t i = 0; i < FAULT_FILES; i++) {
    if (strcmp(fault.files[i].path, path) == 0)
      return &fault.files[i];
    if (!fault.files[i].path[0] && !free_one)
      free_one = &fault.files[i];
  }
  assert_non_null(free_one);
  *free_one = (struct fault_disk_file){0};
  AF_COPY(free_one->path, af_str(path));
  free_one->end = &free_one->pending;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
  fault_resize(free_one, (size_t)size);
  if (fd >= 0) {
    assert_int_equal(pread(fd, free_one->durable, (size_t)size, 0), size);
    (void)close(fd);
  }
  return free_one;
}

static inline void fault_unfollow(struct fault_disk_file *d) {
  fault_forget(d);
  free(d->durable);
  *d = (struct fault_disk_file){0};
}

static int fault_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags, int *out_flags) {
  struct fault_file *file = (void *)f;
  *file = (struct fault_file){.real = (void *)(file + 1)};
  if (fault.dead)
    return SQLITE_CANTOPEN;
  int rc = fault.real->xOpen(fault.real, name, file->real, flags, out_flags);
  if (rc == SQLITE_OK) {
    file->base.pMethods = &fault_methods;
    file->disk = name && fault.power ? fault_follow(name) : NULL;
  }
  return rc;
}

static int fault_delete(sqlite3_vfs *vfs, const char *name, int sync) {
  if (fault.dead)
    return SQLITE_IOERR_DELETE;
  for (size_t i = 0; i < FAULT_FILES; i++)
    if (strcmp(fault.files[i].path, name) == 0)
      fault_unfollow(&fault.files[i]);
  return fault.real->xDelete(fault.real, name, sync);
}

/* Makes the failing disk the default one. */
static inline void fault_vfs_install(void) {
  fault.real = sqlite3_vfs_find(NULL);
  fault.vfs = *fault.real;
  fault.vfs.pNext = NULL;
  fault.vfs.zName = "fault";
  fault.vfs.szOsFile = (int)sizeof(struct fault_file) + fault.real->szOsFile;
  fault.vfs.xOpen = fault_open;
  fault.vfs.xDelete = fault_delete;
  assert_int_equal(sqlite3_vfs_register(&fault.vfs, 1), SQLITE_OK);
}
static inline void fault_vfs_remove(void) {
  assert_int_equal(sqlite3_vfs_unregister(&fault.vfs), SQLITE_OK);
  assert_int_equal(sqlite3_vfs_register(fault.real, 1), SQLITE_OK);
}

/* From now on the fail_at-th of ops returns code; or the power fails at it, where code is 0. */
static inline void fault_vfs_arm(unsigned ops, int64_t fail_at, int code) {
  fault.ops = ops;
  fault.seen = 0;
  fault.fail_at = fail_at;
  fault.code = code;
  fault.power = code == 0;
  fault.dead = false;
}
static inline void fault_vfs_disarm(void) {
  fault.fail_at = 0;
  fault.dead = fault.power = false;
  for (size_t i = 0; i < FAULT_FILES; i++)
    if (fault.files[i].path[0])
      fault_unfollow(&fault.files[i]);
}

/* After a power loss, with every connection closed: leaves in the files what the disk kept. */
static inline void fault_vfs_power_on(const struct af_random *random) {
  for (size_t i = 0; i < FAULT_FILES; i++) {
    struct fault_disk_file *d = &fault.files[i];
    if (!d->path[0])
      continue;
    fault_flush(d, random);
    int fd = open(d->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, d->durable, d->len), d->len);
    (void)close(fd);
  }
  fault_vfs_disarm();
}

#endif
