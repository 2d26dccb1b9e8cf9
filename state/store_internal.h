/* What the files of state/ share and nobody else sees. From the bottom up:
 *   errors.c      return codes with their class, name and hint; SQLite's codes and errno turned into them
 *   rows.c        the enums' names, and a table of fields for each row, which binds it, reads it and frees it
 *   schema.c      the tables as text, migrations, and the check that the tables match the enums
 *   file.c        the file and its lock, looked at before SQLite may write
 *   statements.c  every SQL statement, prepared once, and the two ways to run one
 *   store.c       opening, closing, transactions and what becomes of a failure
 *   copies.c, exposures.c   the calls of store.h */
#ifndef AF_STATE_STORE_INTERNAL_H
#define AF_STATE_STORE_INTERNAL_H

#include <sqlite3.h>

#include "base/buf.h"
#include "state/store.h"

/* "AMIF", at byte 68 of the file: says that it is ours before anything else of it is believed. */
#define AF_APPLICATION_ID 0x414D4946

/* errors.c */

/* Fills err (may be NULL) with the message and what goes with rc: class, code, hint. Returns rc. */
int af_store_error(struct af_error *err, int rc, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Turns errno, or db's last error, into ours; doing is what could not be done, as "write". */
int af_errno_error(const char *path, const char *doing, struct af_error *err);
int af_sqlite_error(sqlite3 *db, const char *doing, struct af_error *err);
/* For sqlite3_open_v2() that failed: db doesn't know its path then. */
int af_sqlite_open_error(sqlite3 *db, const char *path, struct af_error *err);

/* rows.c */

struct af_names {
  const char *const *name; /* by the enum's value */
  unsigned count;
};
extern const struct af_names af_copy_state_names, af_copy_goal_names, af_step_face_names, af_step_state_names,
    af_exposure_state_names, af_effect_state_names;

enum af_field_type {
  AF_FIELD_TEXT,     /* char *, never NULL */
  AF_FIELD_OPTIONAL, /* char *, NULL is SQL's NULL */
  AF_FIELD_INT,      /* int64_t of at most 2^53 either way: counts and times, which are added to */
  AF_FIELD_SIZE,     /* int64_t to its limits, where sums of bytes stop */
  AF_FIELD_BOOL,     /* bool, stored as 0 or 1 */
  AF_FIELD_ENUM,     /* an enum, stored as its name */
};
struct af_field {
  const char *name; /* of the member, the column and the parameter alike */
  size_t offset;
  enum af_field_type type;
  const struct af_names *names;
};
struct af_shape {
  const struct af_field *fields;
  unsigned count;
  size_t size; /* of the struct */
};
extern const struct af_shape af_shape_batch, af_shape_copy, af_shape_step, af_shape_event, af_shape_effect, af_shape_exposure;

/* What a query asks by; each statement takes the members that it names. */
struct af_lookup {
  const char *id; /* of a batch or copy; also a digest or a copy's key */
  const char *text;
  int64_t number; /* an event's, an exposure's id */
  const char *kind, *account, *region, *resource, *grantee;
};
/* An event on its way in: what the caller says and what the store adds. */
struct af_event_write {
  const char *copy_id;
  int64_t number; /* also the revision that the copy moves on to */
  int64_t at_ms;
  int64_t step;
  const char *kind, *from_state, *to_state, *message, *action, *request_id, *detail;
};
struct af_head {
  enum af_copy_state state;
  int64_t revision;
};
struct af_text_row {
  char *text;
};
struct af_count_row {
  int64_t count;
};
extern const struct af_shape af_shape_lookup, af_shape_event_write, af_shape_head, af_shape_text, af_shape_count;

/* -AF_EINVAL where a text that must be there is NULL or an enum is out of range; asked before anything is written. */
int af_row_check(const struct af_shape *shape, const void *row, struct af_error *err);
int af_row_bind(sqlite3_stmt *stmt, int parameter, const struct af_field *field, const void *row); /* SQLite's code */
/* Fills a zeroed row from the current result; on failure nothing is left to free. -AF_ECORRUPT for what cannot be ours. */
int af_row_read(sqlite3_stmt *stmt, const struct af_shape *shape, void *row, struct af_error *err);
void af_row_done(const struct af_shape *shape, void *row);

/* schema.c */

struct af_migration {
  int version;     /* what user_version is after it */
  const char *sql; /* run in one transaction with the new user_version */
};
extern const struct af_migration af_migrations[AF_SCHEMA_VERSION]; /* in order, from 1, without a gap */

/* Carries db from its user_version to the last of migrations, one transaction each. */
int af_schema_upgrade(sqlite3 *db, const struct af_migration *migrations, size_t count, struct af_error *err);
/* Does db hold a schema of ours, and do its CHECKs list the names of the enums? Writes nothing. */
int af_schema_check(sqlite3 *db, struct af_error *err);
/* For a reader, who can't bring an earlier version up to date: -AF_EVERSION. */
int af_schema_refuses_earlier(sqlite3 *db, struct af_error *err);
/* PRAGMA quick_check or integrity_check; -AF_ECORRUPT with the first complaint. */
int af_schema_pages_check(sqlite3 *db, const char *pragma, struct af_error *err);
/* -AF_ECORRUPT where sql, which selects the name of what breaks a law, finds a row: "NAME broken". */
int af_schema_law_check(sqlite3 *db, const char *sql, const char *broken, struct af_error *err);

/* file.c */

struct af_file_look {
  bool empty; /* 0 bytes: a creation that never finished */
  bool wal;   /* the write-ahead log has content: the file alone is not the whole */
};
/* The real path behind path, which the caller frees. create: makes the folder and an empty file where absent. */
int af_file_locate(const char *path, bool create, char **ret_real, struct af_error *err);
/* Reads the header without any effect on the file. -AF_EVERSION, -AF_ECORRUPT, -AF_EIO. */
int af_file_look(const char *real, struct af_file_look *ret, struct af_error *err);
int af_file_lock(const char *real, int *ret_fd, struct af_error *err); /* -AF_EBUSY */
int af_file_owner(const char *real, int64_t *ret_pid, struct af_error *err); /* see af_store_owner() */
int af_file_ownable(const char *path, struct af_error *err); /* see af_store_ownable() */
int af_file_create(const char *real, struct af_error *err); /* fills the empty file: all of it or nothing */
/* A connection that reads the file alone and touches nothing beside it. */
int af_file_open_immutable(const char *real, sqlite3 **ret_db, struct af_error *err);
bool af_file_needs_immutable(const char *real); /* is the folder read-only and nobody writing? */

/* statements.c */

enum af_statement {
  AF_SQL_BEGIN,
  AF_SQL_COMMIT,
  AF_SQL_ROLLBACK,
  AF_SQL_BATCH_INSERT,
  AF_SQL_BATCHES,
  AF_SQL_BATCH_GET,
  AF_SQL_BATCH_FIND,
  AF_SQL_COPY_INSERT,
  AF_SQL_COPY_TEXT_INSERT,
  AF_SQL_COPY_LIVE_KEY,
  AF_SQL_COPY_UPDATE,
  AF_SQL_COPY_TOUCH,
  AF_SQL_COPY_HEAD,
  AF_SQL_COPIES,
  AF_SQL_COPIES_ENDED,
  AF_SQL_LAST_WRITTEN,
  AF_SQL_COPIES_LIVE,
  AF_SQL_COPIES_OF_IMAGE,
  AF_SQL_COPY_GET,
  AF_SQL_FACTS_PUT,
  AF_SQL_FACTS_GET,
  AF_SQL_STEP_INSERT,
  AF_SQL_STEP_UPDATE,
  AF_SQL_STEPS,
  AF_SQL_EVENT_INSERT,
  AF_SQL_EVENT_OF_STEP,
  AF_SQL_EVENTS,
  AF_SQL_EFFECT_PUT,
  AF_SQL_EFFECTS,
  AF_SQL_EXPOSURE_FIND,
  AF_SQL_EXPOSURE_INSERT,
  AF_SQL_EXPOSURE_UPDATE,
  AF_SQL_EXPOSURE_REVISION,
  AF_SQL_EXPOSURES_OPEN,
  AF_SQL_EXPOSURES_CHANGED,
  AF_SQL_HOLDER_ADD,
  AF_SQL_HOLDER_REMOVE,
  AF_SQL_HOLDERS,
  AF_SQL_MAX_,
};
enum { AF_PARAMETERS_MAX = 24 };

struct af_prepared {
  sqlite3_stmt *stmt;
  const struct af_field *bind[AF_PARAMETERS_MAX]; /* by parameter, found by name when it was prepared */
};

int af_statements_prepare(struct af_store *s, struct af_error *err);
void af_statements_finalize(struct af_store *s);
/* Runs a statement that changes rows. -AF_EINVAL for a broken constraint, whose extended code is then in s->constraint; as the
 * first change of a call it leaves the transaction as it was, as does -AF_ETOOBIG. Any other failure, or a later one, ends the
 * store (see store.c). */
int af_change(struct af_store *s, enum af_statement id, const void *in, int *ret_changes, struct af_error *err);
/* The one row of a query; -AF_ENOENT (err untouched) where there is none. */
int af_query_one(struct af_store *s, enum af_statement id, const struct af_lookup *in, void *ret, struct af_error *err);
/* All rows, in an array that the caller frees after its rows; NULL where there are none. Enters the read by itself. */
int af_query_all(struct af_store *s, enum af_statement id, const struct af_lookup *in, void **ret, size_t *ret_n,
                 struct af_error *err);

/* store.c */

struct af_store {
  sqlite3 *db;
  char *path;                  /* real, absolute */
  const struct af_clock *clock; /* borrowed */
  int lock_fd;                 /* -1 for a reader */
  enum af_store_mode mode;
  bool dirty;                  /* a transaction is open */
  bool changed;                /* the call that runs has changed a row already */
  int constraint;              /* SQLite's extended code of the last broken constraint */
  int broken;                  /* the code of the failure that ended this store; 0 while it works */
  struct af_error why;
  struct af_prepared sql[AF_SQL_MAX_];
};

/* Each call that writes starts here: refuses readers and ended stores, begins the transaction. */
int af_store_enter_write(struct af_store *s, struct af_error *err);
int af_store_enter_read(struct af_store *s, struct af_error *err);
/* The transaction is lost: rolls back and makes every later call fail with err. Returns rc. */
int af_store_end(struct af_store *s, int rc, const struct af_error *err);

#endif
