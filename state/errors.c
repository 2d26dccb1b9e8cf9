/* What goes wrong, in our words: for each return code its name, its class and what the user can do, and the ways from SQLite's
 * codes and from errno to it. No message carries a stored value: SQLite's name tables and columns only. */
#include "state/store_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define AGAIN "then run the command again: nothing that was committed is lost"

static const struct kind {
  int rc;
  enum af_class class;
  const char *name, *hint;
} kinds[] = {
    {-AF_EFULL, AF_CLASS_INTERNAL, "StoreFull", "make room on its disk (or raise the limit), " AGAIN},
    {-AF_EIO, AF_CLASS_INTERNAL, "StoreIo", "check its disk, " AGAIN},
    {-AF_ENOMEM, AF_CLASS_INTERNAL, "OutOfMemory", "give the process more memory, " AGAIN},
    {-AF_ECORRUPT, AF_CLASS_INTERNAL, "StoreCorrupt",
     "it was left as it is: keep a copy of it, then restore a backup or start with another --db"},
    {-AF_EBUSY, AF_CLASS_INVALID, "StoreBusy", "wait until that has ended, or stop it; to see how far it is: amiferry status"},
    {-AF_EVERSION, AF_CLASS_INVALID, "StoreVersion", "use the program that it belongs to, or name another database with --db"},
    {-AF_ETOOBIG, AF_CLASS_INVALID, "StoreTooBig", NULL},
    {-AF_ENOENT, AF_CLASS_INVALID, "StoreNotFound", NULL},
    {-AF_EEXIST, AF_CLASS_INVALID, "StoreExists", NULL},
    {-AF_ESTALE, AF_CLASS_INTERNAL, "StoreStale", NULL},
    {-AF_EINVAL, AF_CLASS_INTERNAL, "StoreInvalid", NULL},
};
static const char access_hint[] = "check who owns the file and its folder, or name another database with --db";
static const char mount_hint[] = "mount it so that it can be written to, or name another database with --db";

int af_store_error(struct af_error *err, int rc, const char *format, ...) {
  const struct kind *k = kinds;
  while (k->rc != rc && k->rc != -AF_EINVAL)
    k++;
  char message[sizeof err->message];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(message, sizeof message, format, args);
  va_end(args);
  af_error_set(err, rc, k->class, k->name, "%s", message);
  if (k->hint)
    af_error_hint(err, "%s", k->hint);
  return rc;
}

static int rc_of_errno(int system) {
  switch (system) {
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    return -AF_EFULL;
  case ENOMEM:
    return -AF_ENOMEM;
  default:
    return -AF_EIO;
  }
}

int af_errno_error(const char *path, const char *doing, struct af_error *err) {
  int system = errno;
  int rc = rc_of_errno(system);
  errno = system;
  if (rc == -AF_EFULL)
    af_store_error(err, rc, "cannot %s %s: the disk is full: %m", doing, path);
  else
    af_store_error(err, rc, "cannot %s %s: %m", doing, path);
  if (err)
    AF_COPY(err->resource, af_str(path));
  if (system == EACCES || system == EPERM || system == ENOENT)
    af_error_hint(err, access_hint);
  if (system == EROFS)
    af_error_hint(err, mount_hint);
  return rc;
}

/* The errno behind an I/O error. SQLite hands on that of a statement, but a failed COMMIT leaves it with the file it met. */
static int system_errno(sqlite3 *db) {
  static const int files[] = {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}; /* the log, the database */
  int system = sqlite3_system_errno(db);
  for (size_t i = 0; system == 0 && i < sizeof files / sizeof files[0]; i++) {
    sqlite3_file *file = NULL;
    if (sqlite3_file_control(db, "main", files[i], &file) == SQLITE_OK && file && file->pMethods)
      (void)file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &system);
  }
  return system;
}

static int rc_of_sqlite(int extended) {
  if (extended == SQLITE_IOERR_NOMEM)
    return -AF_ENOMEM;
  switch (extended & 0xFF) {
  case SQLITE_FULL:
    return -AF_EFULL;
  case SQLITE_NOMEM:
    return -AF_ENOMEM;
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return -AF_EBUSY;
  case SQLITE_TOOBIG:
    return -AF_ETOOBIG;
  case SQLITE_CONSTRAINT:
    return -AF_EINVAL;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
  case SQLITE_ERROR: /* our SQL is fixed, so what makes no sense is the file: a table or column that isn't there */
    return -AF_ECORRUPT;
  default:
    return -AF_EIO;
  }
}

/* path: NULL where db knows it. */
static int sqlite_error(sqlite3 *db, const char *path, const char *doing, struct af_error *err) {
  int extended = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
  const char *said = db ? sqlite3_errmsg(db) : "out of memory";
  const char *known = db ? sqlite3_db_filename(db, "main") : NULL, *file = path ? path : known ? known : "";
  const char *space = *file ? " " : "";
  int rc = rc_of_sqlite(extended);
  bool system = rc == -AF_EIO && ((extended & 0xFF) == SQLITE_IOERR || (extended & 0xFF) == SQLITE_CANTOPEN);
  int number = system ? system_errno(db) : 0;
  /* A disk quota and a limit on file sizes reach us as an I/O error, and are a full disk to the user. */
  if (system && rc_of_errno(number) == -AF_EFULL)
    rc = -AF_EFULL;
  errno = number;
  if (rc == -AF_EFULL)
    af_store_error(err, rc, "cannot %s the database%s%s: the disk is full", doing, space, file);
  else if (number != 0 && (extended & 0xFF) == SQLITE_CANTOPEN) /* which SQLite puts into words that say less */
    af_store_error(err, rc, "cannot %s the database%s%s: %m", doing, space, file);
  else if (number != 0)
    af_store_error(err, rc, "cannot %s the database%s%s: %s: %m", doing, space, file, said);
  else
    af_store_error(err, rc, "cannot %s the database%s%s: %s", doing, space, file, said);
  if (err && *file)
    AF_COPY(err->resource, af_str(file));
  if (rc == -AF_EIO && (extended & 0xFF) != SQLITE_IOERR)
    af_error_hint(err, access_hint);
  return rc;
}

int af_sqlite_error(sqlite3 *db, const char *doing, struct af_error *err) {
  return sqlite_error(db, NULL, doing, err);
}

int af_sqlite_open_error(sqlite3 *db, const char *path, struct af_error *err) {
  return sqlite_error(db, path, "open", err);
}
