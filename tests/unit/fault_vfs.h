/* A disk that fails: a SQLite VFS in front of the real one, and the calls that make names durable (link with wrap_files). It counts what is
 * written, synced, cut and named, and at one of these operations it either fails (once, or from then on, with a code of the test's choice)
 * or loses its power: from then on nothing works any more, and fault_vfs_power_on() leaves what a disk keeps (fault_disk.h). */
#ifndef AF_TESTS_UNIT_FAULT_VFS_H
#define AF_TESTS_UNIT_FAULT_VFS_H

#include "tests/unit/fault_disk.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

enum fault_op {
  FAULT_WRITE = 1,
  FAULT_SYNC = 2,
  FAULT_TRUNCATE = 4,
  FAULT_READ = 8,
  FAULT_ANY = 15,
  FAULT_NAME = 16, /* deleted or renamed; for the power only */
  FAULT_CHANGES = FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE | FAULT_NAME,
};

static struct {
  sqlite3_vfs vfs;
  sqlite3_vfs *real;
  unsigned ops;   /* that count */
  int64_t seen;   /* of them */
  int64_t fail_at; /* the operation that fails, from 1; 0: none */
  int code;       /* it returns this */
  bool lasting;   /* so do all that follow */
  bool power;     /* it is the power that fails */
  bool dead;
  bool lying; /* a sync says that it is done, and does nothing */
} fault;

struct fault_file {
  sqlite3_file base;
  struct fault_disk_file *disk; /* NULL: not followed */
  bool names_it;                /* SQLite syncs the folder of a journal that it makes, with the first sync of that */
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
  if (!(fault.ops & op))
    return SQLITE_OK;
  fault.seen++;
  if (fault.fail_at == 0 || fault.seen < fault.fail_at || (fault.seen > fault.fail_at && !fault.lasting))
    return SQLITE_OK;
  fault.dead = fault.power;
  return fault.power ? SQLITE_IOERR : fault.code;
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
  if (fault_disk(f) && !was_dead && (rc == SQLITE_OK || fault.dead)) /* the write during which the power fails may be there in part */
    fault_remember(fault_disk(f), p, (size_t)n, at);
  return rc ? rc : fault_real(f)->pMethods->xWrite(fault_real(f), p, n, at);
}
static int fault_truncate(sqlite3_file *f, sqlite3_int64 len) {
  int rc = fault_strikes(FAULT_TRUNCATE);
  if (rc == SQLITE_OK && fault_disk(f))
    fault_remember(fault_disk(f), NULL, 0, len);
  return rc ? rc : fault_real(f)->pMethods->xTruncate(fault_real(f), len);
}
static int fault_sync(sqlite3_file *f, int flags) {
  struct fault_file *file = (void *)f;
  int rc = fault_strikes(FAULT_SYNC);
  if (rc != SQLITE_OK || fault.lying || !file->disk)
    return rc; /* the real disk need not be asked: nobody cuts its power */
  fault_flush(file->disk);
  if (file->names_it)
    fault_names_are_durable(file->disk->path);
  file->names_it = false;
  return rc;
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

static int fault_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags, int *out_flags) {
  struct fault_file *file = (void *)f;
  *file = (struct fault_file){.real = (void *)(file + 1)};
  if (fault.dead)
    return SQLITE_CANTOPEN;
  bool created = name && (flags & SQLITE_OPEN_CREATE) && access(name, F_OK) != 0;
  int rc = fault.real->xOpen(fault.real, name, file->real, flags, out_flags);
  if (rc == SQLITE_OK) {
    file->base.pMethods = &fault_methods;
    file->disk = name && fault.power ? fault_follow(name, created) : NULL;
    file->names_it = created && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL));
  }
  return rc;
}

static int fault_delete(sqlite3_vfs *vfs, const char *name, int sync) {
  if (fault.power && fault_strikes(FAULT_NAME) != SQLITE_OK)
    return SQLITE_IOERR_DELETE;
  fault_deleted(name);
  if (sync && !fault.lying)
    fault_names_are_durable(name);
  return fault.real->xDelete(fault.real, name, sync);
}

/* What the program asks of the disk past SQLite. */
int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);

static inline int fault_denies(enum fault_op op) {
  if (!fault.power || fault_strikes(op) == SQLITE_OK)
    return 0;
  errno = EIO;
  return -1;
}

int __wrap_fsync(int fd) {
  char link[64], path[PATH_MAX] = "";
  struct stat st;
  if (!fault.real)
    return __real_fsync(fd);
  (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (fault_denies(FAULT_SYNC) != 0)
    return -1;
  if (fault.lying || !fault.power)
    return 0;
  ssize_t n = readlink(link, path, sizeof path - 2);
  assert_true(n > 0 && fstat(fd, &st) == 0);
  path[n] = S_ISDIR(st.st_mode) ? '/' : 0;
  if (S_ISDIR(st.st_mode))
    fault_names_are_durable(path);
  else if (fault_find(path))
    fault_flush(fault_find(path));
  return 0;
}

int __wrap_rename(const char *from, const char *to) {
  if (fault_denies(FAULT_NAME) != 0)
    return -1;
  if (fault.power)
    fault_renamed(from, to);
  return __real_rename(from, to);
}

int __wrap_unlink(const char *path) {
  if (fault_denies(FAULT_NAME) != 0)
    return -1;
  fault_deleted(path);
  return __real_unlink(path);
}

/* Makes the failing disk the default one. */
static inline void fault_vfs_install(void) {
  if (fault.real) /* by a test that failed */
    return;
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
  fault.real = NULL;
}

/* From now on the fail_at-th of ops returns code; or the power fails at it, where code is 0. */
static inline void fault_vfs_arm(unsigned ops, int64_t fail_at, int code) {
  fault.ops = ops;
  fault.seen = 0;
  fault.fail_at = fail_at;
  fault.code = code;
  fault.power = code == 0;
  fault.dead = fault.lying = fault.lasting = false;
}
static inline void fault_vfs_disarm(void) {
  fault.fail_at = 0;
  fault.dead = fault.power = fault.lying = fault.lasting = false;
  for (size_t i = 0; i < FAULT_FILES; i++)
    if (fault_files[i].path[0])
      fault_unfollow(&fault_files[i]);
}

/* After a power loss, with every connection closed: leaves in the files what the disk kept. */
static inline void fault_vfs_power_on(const struct af_random *random) {
  fault.power = fault.dead = false; /* what follows happens to the real files */
  fault_lose_power(random);
  fault_vfs_disarm();
}

#endif
