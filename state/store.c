/* The store as a whole: opening and closing, the one transaction, and what becomes of a failure.
 *
 * Opening, for the owner:
 *   find the file (or make an empty one) -> read its header -> take the lock -> read the header again, now that nobody else can
 *   write -> fill it if it is empty -> check every page -> open it for writing -> check and migrate the tables -> prepare.
 * Until the pages are checked nothing may change, so they are read through an immutable connection, which takes no lock and
 * makes no file. A log with content (a crash) rules that out: then the checks run on the real connection, told not to
 * checkpoint when it closes, so that a refusal still leaves both files as they were.
 *
 * A failed write ends the store: the transaction is rolled back and every later call gets the same error, because the engine's
 * memory is now ahead of what is stored and must be read anew. One thing is refused without ending it: a call whose first
 * change breaks a constraint or meets another revision. A COMMIT that fails may or may not be found after a restart, whole in
 * either case; the engine has not acted on it, and an intent that is found so is reconciled. An ended store doesn't
 * checkpoint on its way out: a file in trouble is written to as little as can be. */
#include "state/store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
  BUSY_MS = 5000,         /* a reader that recovers the log holds us up for a moment */
  TEXT_MAX = 64 << 20,    /* bytes in one value: a manifest of 10,000 copies has 10 MB */
};

static const char owner_pragmas[] =
    "PRAGMA cell_size_check = ON;"
    "PRAGMA mmap_size = 0;" /* an I/O error through a mapping is a signal */
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cache_size = -16384;" /* KiB */
    "PRAGMA synchronous = FULL;"
    "PRAGMA wal_autocheckpoint = 1000;" /* pages: 4 MB of log, then the file takes it over */
    "PRAGMA journal_size_limit = 67108864;"
    "PRAGMA foreign_keys = ON";
static const char reader_pragmas[] = "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA query_only = ON";

int af_store_end(struct af_store *s, int rc, const struct af_error *err) {
  s->broken = rc;
  s->why = *err;
  if (!sqlite3_get_autocommit(s->db)) {
    (void)sqlite3_step(s->sql[AF_SQL_ROLLBACK].stmt); /* what it can't do now, the next open does */
    (void)sqlite3_reset(s->sql[AF_SQL_ROLLBACK].stmt);
  }
  s->dirty = false;
  (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  return rc;
}

int af_store_enter_read(struct af_store *s, struct af_error *err) {
  if (s->broken == 0)
    return 0;
  if (err)
    *err = s->why;
  return s->broken;
}

int af_store_enter_write(struct af_store *s, struct af_error *err) {
  int rc = af_store_enter_read(s, err);
  if (rc != 0)
    return rc;
  if (s->mode != AF_STORE_OWNER)
    return af_store_error(err, -AF_EINVAL, "the database was opened for reading");
  s->changed = false;
  s->constraint = 0;
  if (!s->dirty) {
    rc = af_change(s, AF_SQL_BEGIN, NULL, NULL, err);
    s->dirty = rc == 0;
    s->changed = false; /* sqlite3_changes() still tells of the statement before */
  }
  return rc;
}

/* SQLite goes on writing into a file that has lost its name: what is committed there nobody would ever find again. */
static int check_place(struct af_store *s, struct af_error *err) {
  int moved = 0;
  struct af_error why;
  if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || !moved)
    return 0;
  af_store_error(&why, -AF_EIO, "%s was moved or deleted while it was in use", s->path);
  af_error_hint(&why, "put it back, with what lies beside it, then run the command again: nothing that was committed is lost");
  AF_COPY(why.resource, af_str(s->path));
  af_store_end(s, -AF_EIO, &why);
  return af_store_enter_read(s, err);
}

int af_store_commit(struct af_store *s, struct af_error *err) {
  int rc = af_store_enter_read(s, err);
  if (rc != 0 || !s->dirty)
    return rc;
  rc = check_place(s, err);
  if (rc != 0)
    return rc;
  s->changed = true; /* whatever COMMIT fails with ends the store */
  rc = af_change(s, AF_SQL_COMMIT, NULL, NULL, err);
  s->dirty = false;
  return rc;
}

bool af_store_dirty(const struct af_store *s) {
  return s->dirty;
}

static int configure(sqlite3 *db, bool writer, struct af_error *err) {
  static const struct {
    int option, on;
  } options[] = {
      {SQLITE_DBCONFIG_DEFENSIVE, 1},   {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},       {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
      {SQLITE_DBCONFIG_DQS_DDL, 0},     {SQLITE_DBCONFIG_DQS_DML, 0},              {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
  };
  int rc = SQLITE_OK;
  for (size_t i = 0; rc == SQLITE_OK && i < sizeof options / sizeof options[0]; i++)
    rc = sqlite3_db_config(db, options[i].option, options[i].on, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_busy_timeout(db, BUSY_MS);
  (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, TEXT_MAX);
  (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
  if (rc == SQLITE_OK)
    rc = sqlite3_exec(db, writer ? owner_pragmas : reader_pragmas, NULL, NULL, NULL);
  return rc == SQLITE_OK ? 0 : af_sqlite_error(db, "open", err);
}

static int check_all(sqlite3 *db, struct af_error *err) {
  int rc = af_schema_pages_check(db, "PRAGMA quick_check(1)", err);
  return rc != 0 ? rc : af_schema_check(db, err);
}

/* Reads every page without a trace. Only for a file whose log is empty. */
static int check_apart(const char *real, struct af_error *err) {
  sqlite3 *db = NULL;
  int rc = af_file_open_immutable(real, &db, err);
  if (rc != 0)
    return rc;
  rc = configure(db, false, err);
  if (rc == 0)
    rc = check_all(db, err);
  (void)sqlite3_close(db);
  return rc;
}

static int connect(struct af_store *s, bool checkpoint, struct af_error *err) {
  bool writer = s->mode == AF_STORE_OWNER;
  int flags = (writer ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK)
    return af_sqlite_open_error(s->db, s->path, err);
  (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !checkpoint, NULL);
  if (writer && sqlite3_db_readonly(s->db, "main") == 1) {
    errno = EACCES;
    return af_errno_error(s->path, "write", err);
  }
  return configure(s->db, writer, err);
}

/* Sets the journal, and asks what became of it: SQLite keeps the old one where the new one isn't possible. */
static int use_log(struct af_store *s, struct af_error *err) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_step(stmt);
  bool wal = rc == SQLITE_ROW && af_streq((const char *)sqlite3_column_text(stmt, 0), "wal");
  (void)sqlite3_finalize(stmt);
  if (wal)
    return 0;
  if (rc != SQLITE_ROW)
    return af_sqlite_error(s->db, "open", err);
  return af_store_error(err, -AF_EIO, "%s lies on a file system that has no shared memory: use a local disk", s->path);
}

/* The lock is held and the file is not empty. */
static int open_locked(struct af_store *s, bool wal, struct af_error *err) {
  int rc = wal ? 0 : check_apart(s->path, err);
  if (rc == 0)
    rc = connect(s, !wal, err);
  if (rc == 0 && wal)
    rc = check_all(s->db, err);
  if (rc == 0)
    rc = af_schema_upgrade(s->db, af_migrations, AF_SCHEMA_VERSION, err);
  if (rc == 0)
    rc = af_schema_check(s->db, err);
  if (rc == 0)
    rc = use_log(s, err);
  if (rc == 0)
    rc = af_statements_prepare(s, err);
  if (rc == 0)
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
  return rc;
}

static int open_owner(struct af_store *s, const char *path, struct af_error *err) {
  struct af_file_look look;
  int rc = af_file_locate(path, true, &s->path, err);
  if (rc == 0)
    rc = af_file_look(s->path, &look, err); /* before a lock file is left beside something foreign */
  if (rc == 0)
    rc = af_file_lock(s->path, &s->lock_fd, err);
  if (rc == 0)
    rc = af_file_look(s->path, &look, err);
  if (rc == 0 && look.empty)
    rc = af_file_create(s->path, err);
  return rc != 0 ? rc : open_locked(s, look.wal, err);
}

static int open_reader(struct af_store *s, const char *path, struct af_error *err) {
  struct af_file_look look;
  int rc = af_file_locate(path, false, &s->path, err);
  if (rc == 0)
    rc = af_file_look(s->path, &look, err);
  if (rc == 0 && look.empty)
    rc = af_store_error(err, -AF_ENOENT, "there is no database in %s yet", s->path);
  if (rc != 0)
    return rc;
  /* A database on a medium that can't be written: SQLite could not make the log's index beside it. */
  if (!look.wal && af_file_needs_immutable(s->path)) {
    rc = af_file_open_immutable(s->path, &s->db, err);
    if (rc == 0)
      rc = configure(s->db, false, err);
  } else {
    rc = connect(s, false, err);
  }
  if (rc == 0)
    rc = af_schema_check(s->db, err);
  if (rc == 0)
    rc = af_schema_refuses_earlier(s->db, err);
  return rc != 0 ? rc : af_statements_prepare(s, err);
}

int af_store_open(struct af_store **ret, const char *path, enum af_store_mode mode, const struct af_clock *clock,
                  struct af_error *err) {
  struct af_store *s = calloc(1, sizeof *s);
  if (!s)
    return af_error_nomem(err);
  s->clock = clock;
  s->mode = mode;
  s->lock_fd = -1;
  int rc = mode == AF_STORE_OWNER ? open_owner(s, path, err) : open_reader(s, path, err);
  if (rc != 0) {
    if (err && s->path && err->resource[0] == 0)
      AF_COPY(err->resource, af_str(s->path));
    af_store_close(s);
    return rc;
  }
  *ret = s;
  return 0;
}

void af_store_close(struct af_store *s) {
  if (!s)
    return;
  af_statements_finalize(s);
  (void)sqlite3_close(s->db); /* rolls back what was not committed */
  if (s->lock_fd >= 0) /* last: until here nobody else may write */
    (void)close(s->lock_fd);
  free(s->path);
  free(s);
}

int af_store_integrity_check(struct af_store *s, struct af_error *err) {
  static const struct {
    const char *sql, *broken;
  } laws[] = {
      {"SELECT 'the copy of an event, step, effect or holder' FROM pragma_foreign_key_check", "is missing"},
      {"SELECT 'copy ' || id FROM copy c WHERE revision <> (SELECT count(*) FROM event e WHERE e.copy_id = c.id) OR revision <> "
       "(SELECT max(number) FROM event e WHERE e.copy_id = c.id)", "has events missing"},
      {"SELECT 'copy ' || id FROM copy WHERE id NOT IN (SELECT copy_id FROM copy_text)", "has lost its text"},
  };
  int rc = af_store_enter_read(s, err);
  if (rc == 0)
    rc = af_schema_pages_check(s->db, "PRAGMA integrity_check(1)", err);
  for (size_t i = 0; rc == 0 && i < sizeof laws / sizeof laws[0]; i++)
    rc = af_schema_law_check(s->db, laws[i].sql, laws[i].broken, err);
  return rc;
}

int af_store_owner(const struct af_store *s, int64_t *ret_pid, struct af_error *err) {
  return af_file_owner(s->path, ret_pid, err);
}

int af_store_ownable(const char *path, struct af_error *err) {
  return af_file_ownable(path, err);
}

const char *af_store_sqlite_version(void) {
  return sqlite3_libversion();
}
