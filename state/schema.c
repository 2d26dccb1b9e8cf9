/* The tables. The text below is what the file holds: SQLite keeps it, comments included, and `sqlite3 FILE .schema` shows it to
 * whoever opens the database without us.
 *
 * The text of a version that was released never changes: a new version is a new migration behind it. The lists of names in the
 * CHECKs are written out, so that a version means one thing for ever; af_schema_check() compares them with the enums at every
 * open, so that neither can change without the other. */
#include "state/store_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const char version_1[] =
    "CREATE TABLE batch (           -- one run of a manifest\n"
    "  id              TEXT NOT NULL PRIMARY KEY, -- ours, random\n"
    "  manifest_name   TEXT NOT NULL,    -- as the user called it\n"
    "  manifest_digest TEXT NOT NULL,    -- hex SHA-256 of the normal form: the same manifest finds its batch again\n"
    "  manifest        TEXT NOT NULL,    -- the normal form, JSON\n"
    "  created_ms      INTEGER NOT NULL  -- all times: milliseconds since 1970 UTC\n"
    ") STRICT;\n"
    "CREATE INDEX batch_by_digest ON batch (manifest_digest, created_ms);\n"

    /* Written at each move of its steps, so it is kept short: what is long and settled is in copy_text. */
    "CREATE TABLE copy (            -- one source AMI to one target account and Region\n"
    "  id               TEXT NOT NULL PRIMARY KEY, -- ours, random: part of tokens, names and tags\n"
    "  batch_id         TEXT NOT NULL REFERENCES batch (id), -- the run that asked for it\n"
    "  position         INTEGER NOT NULL CHECK (position >= 0), -- in the manifest, from 0\n"
    "  key              TEXT NOT NULL,    -- what makes it the same copy: source, target and name\n"
    "  -- where it is; done, failed and cancelled are its ends\n"
    "  state            TEXT NOT NULL CHECK (state IN ('waiting', 'inspecting', 'working', 'undoing', 'done', 'failed', "
    "'cancelled', 'blocked')),\n"
    "  -- of an undoing copy: where that ends\n"
    "  goal             TEXT NOT NULL CHECK (goal IN ('none', 'done', 'failed', 'cancelled', 'blocked')),\n"
    "  -- of a blocked copy: where a retry goes on\n"
    "  resume_state     TEXT NOT NULL CHECK (resume_state IN ('waiting', 'inspecting', 'working', 'undoing', 'done', 'failed', "
    "'cancelled', 'blocked')),\n"
    "  cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)), -- what is not sent is not sent any more\n"
    "  machine_version  INTEGER NOT NULL, -- of the table of moves that drives it\n"
    "  route            TEXT,             -- NULL until it is chosen\n"
    "  reason           TEXT,             -- why this route, in words\n"
    "  image_id         TEXT,             -- the new AMI; NULL until it exists\n"
    "  error            TEXT,             -- JSON: the last error that decided something\n"
    "  bytes            INTEGER NOT NULL, -- to be copied, estimated; 0 while unknown\n"
    "  created_ms       INTEGER NOT NULL, -- when it was written down\n"
    "  updated_ms       INTEGER NOT NULL, -- when its newest event was\n"
    "  revision         INTEGER NOT NULL CHECK (revision >= 1)  -- the number of its newest event\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE UNIQUE INDEX copy_live_key ON copy (key) WHERE state NOT IN ('done', 'failed', 'cancelled');\n"
    "CREATE INDEX copy_live ON copy (batch_id) WHERE state NOT IN ('done', 'failed', 'cancelled');\n"
    "CREATE INDEX copy_by_batch ON copy (batch_id, position);\n"

    "CREATE TABLE copy_text (       -- the long texts of a copy\n"
    "  copy_id TEXT NOT NULL PRIMARY KEY REFERENCES copy (id), -- whose they are\n"
    "  spec    TEXT NOT NULL,   -- JSON: what the manifest asks for\n"
    "  facts   TEXT             -- JSON: what was read of the source and both accounts; NULL until then\n"
    ") STRICT;\n"

    "CREATE TABLE step (            -- a unit of work; one row an item\n"
    "  copy_id    TEXT NOT NULL REFERENCES copy (id), -- whose it is\n"
    "  ordinal    INTEGER NOT NULL CHECK (ordinal >= 0), -- which of its steps, from 0\n"
    "  kind       TEXT NOT NULL,    -- \"copy-snapshot\": a row of the engine's table of steps\n"
    "  item       TEXT NOT NULL,    -- what it is about: a source snapshot, a key; '' where there is only one such step\n"
    "  stage      INTEGER NOT NULL, -- steps of one stage run side by side; stages run in order\n"
    "  face       TEXT NOT NULL CHECK (face IN ('do', 'undo')), -- forward or back\n"
    "  -- intended: a call is about to be sent; ambiguous: its outcome is unknown; pending: AWS is at work\n"
    "  state      TEXT NOT NULL CHECK (state IN ('idle', 'intended', 'ambiguous', 'pending', 'done')),\n"
    "  generation INTEGER NOT NULL, -- counts up when an effect is given up and made anew\n"
    "  attempts   INTEGER NOT NULL, -- calls sent in this generation and face\n"
    "  resource   TEXT,             -- what it made: an id; NULL until then\n"
    "  intent     TEXT,             -- the API of the committed intent; NULL where there is none\n"
    "  intent_ms  INTEGER NOT NULL, -- when the last one was committed, or found to have lost its outcome; 0 before the first\n"
    "  started_ms INTEGER NOT NULL, -- when this face was first acted on; 0 before\n"
    "  next_ms    INTEGER NOT NULL, -- not to be touched before\n"
    "  progress   INTEGER NOT NULL, -- percent\n"
    "  data       TEXT,             -- JSON object of the step's own\n"
    "  error      TEXT,             -- JSON: the last error\n"
    "  PRIMARY KEY (copy_id, ordinal)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE event (           -- what happened to a copy, in order, for ever\n"
    "  copy_id    TEXT NOT NULL REFERENCES copy (id), -- to which it happened\n"
    "  number     INTEGER NOT NULL CHECK (number >= 1), -- 1, 2, 3... without a gap: the copy's revision\n"
    "  at_ms      INTEGER NOT NULL, -- when, by the wall clock\n"
    "  step       INTEGER NOT NULL CHECK (step >= -1),  -- ordinal; -1: about the copy itself\n"
    "  kind       TEXT NOT NULL,    -- \"state\", \"intent\", \"outcome\", \"route\", \"note\"...\n"
    "  from_state TEXT,             -- of the copy, or of the step as \"do/idle\"; NULL where it begins here\n"
    "  to_state   TEXT,             -- the state after it, in the same form\n"
    "  message    TEXT,             -- one line for a person\n"
    "  action     TEXT,             -- API, as \"ec2:CopyImage\"\n"
    "  request_id TEXT,             -- AWS's\n"
    "  detail     TEXT,             -- JSON\n"
    "  PRIMARY KEY (copy_id, number)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE TRIGGER event_stays BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;\n"
    "CREATE TRIGGER event_remains BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;\n"

    "CREATE TABLE effect (          -- something a step made or changed in AWS\n"
    "  copy_id  TEXT NOT NULL,      -- whose it is\n"
    "  step     INTEGER NOT NULL,   -- ordinal of the step that made it\n"
    "  kind     TEXT NOT NULL,      -- \"image\", \"snapshot\", \"grant\", \"createVolumePermission\"...\n"
    "  account  TEXT NOT NULL,      -- where it is\n"
    "  region   TEXT NOT NULL,      -- where it is\n"
    "  resource TEXT NOT NULL,      -- id or ARN\n"
    "  state    TEXT NOT NULL CHECK (state IN ('live', 'gone')), -- gone: deleted or closed again\n"
    "  PRIMARY KEY (copy_id, kind, resource),\n"
    "  FOREIGN KEY (copy_id, step) REFERENCES step (copy_id, ordinal)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE exposure (        -- an access that was opened, or was open before us\n"
    "  id         INTEGER PRIMARY KEY, -- ours\n"
    "  kind       TEXT NOT NULL,    -- \"createVolumePermission\", \"launchPermission\", \"grant\"\n"
    "  account    TEXT NOT NULL,    -- that owns the resource\n"
    "  region     TEXT NOT NULL,    -- of the resource\n"
    "  resource   TEXT NOT NULL,    -- snapshot id, AMI id, key ARN\n"
    "  grantee    TEXT NOT NULL,    -- account id or ARN\n"
    "  state      TEXT NOT NULL CHECK (state IN ('closed', 'opening', 'open', 'closing')), -- through us\n"
    "  borrowed   INTEGER NOT NULL CHECK (borrowed IN (0, 1)), -- 1: we opened it and close it; 0: it was there and stays\n"
    "  generation INTEGER NOT NULL, -- counts up each time it is opened anew\n"
    "  detail     TEXT,             -- the grant's id\n"
    "  revision   INTEGER NOT NULL CHECK (revision >= 1), -- counts its changes\n"
    "  UNIQUE (resource, grantee, kind, account, region)\n"
    ") STRICT;\n"
    "CREATE INDEX exposure_open ON exposure (id) WHERE borrowed = 1 AND state <> 'closed';\n"

    "CREATE TABLE holder (          -- which copies need an exposure; the last one to go closes it\n"
    "  exposure_id INTEGER NOT NULL REFERENCES exposure (id), -- what is needed\n"
    "  copy_id     TEXT NOT NULL REFERENCES copy (id),        -- by whom\n"
    "  PRIMARY KEY (exposure_id, copy_id)\n"
    ") STRICT, WITHOUT ROWID;\n";

/* A copy can go down a ladder of routes. The table is made anew, since a CHECK can't be changed in place. */
static const char version_2[] =
    "CREATE TABLE copy_2 (          -- one source AMI to one target account and Region\n"
    "  id               TEXT NOT NULL PRIMARY KEY, -- ours, random: part of tokens, names and tags\n"
    "  batch_id         TEXT NOT NULL REFERENCES batch (id), -- the run that asked for it\n"
    "  position         INTEGER NOT NULL CHECK (position >= 0), -- in the manifest, from 0\n"
    "  key              TEXT NOT NULL,    -- what makes it the same copy: source, target and name\n"
    "  -- where it is; done, failed and cancelled are its ends\n"
    "  state            TEXT NOT NULL CHECK (state IN ('waiting', 'inspecting', 'working', 'undoing', 'done', 'failed', "
    "'cancelled', 'blocked')),\n"
    "  -- of an undoing copy: where that ends\n"
    "  goal             TEXT NOT NULL CHECK (goal IN ('none', 'done', 'failed', 'cancelled', 'blocked', 'reroute')),\n"
    "  -- of a blocked copy: where a retry goes on\n"
    "  resume_state     TEXT NOT NULL CHECK (resume_state IN ('waiting', 'inspecting', 'working', 'undoing', 'done', 'failed', "
    "'cancelled', 'blocked')),\n"
    "  cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)), -- what is not sent is not sent any more\n"
    "  machine_version  INTEGER NOT NULL, -- of the table of moves that drives it\n"
    "  route            TEXT,             -- NULL until it is chosen\n"
    "  reason           TEXT,             -- why this route, in words\n"
    "  rung             INTEGER NOT NULL CHECK (rung >= 0), -- how many routes were given up before this one\n"
    "  tried            TEXT,             -- JSON: the routes that AWS refused, and why; NULL where there are none\n"
    "  image_id         TEXT,             -- the new AMI; NULL until it exists\n"
    "  error            TEXT,             -- JSON: the last error that decided something\n"
    "  bytes            INTEGER NOT NULL, -- to be copied, estimated; 0 while unknown\n"
    "  created_ms       INTEGER NOT NULL, -- when it was written down\n"
    "  updated_ms       INTEGER NOT NULL, -- when its newest event was\n"
    "  revision         INTEGER NOT NULL CHECK (revision >= 1)  -- the number of its newest event\n"
    ") STRICT, WITHOUT ROWID;\n"
    "INSERT INTO copy_2 (id, batch_id, position, key, state, goal, resume_state, cancel_requested, machine_version, route, reason, rung, "
    "tried, image_id, error, bytes, created_ms, updated_ms, revision) SELECT id, batch_id, position, key, state, goal, resume_state, "
    "cancel_requested, machine_version, route, reason, 0, NULL, image_id, error, bytes, created_ms, updated_ms, revision FROM copy;\n"
    "DROP TABLE copy;\n"
    "ALTER TABLE copy_2 RENAME TO copy;\n"
    "CREATE UNIQUE INDEX copy_live_key ON copy (key) WHERE state NOT IN ('done', 'failed', 'cancelled');\n"
    "CREATE INDEX copy_live ON copy (batch_id) WHERE state NOT IN ('done', 'failed', 'cancelled');\n"
    "CREATE INDEX copy_by_batch ON copy (batch_id, position);\n"
    "ALTER TABLE step ADD COLUMN rung INTEGER NOT NULL DEFAULT 0 CHECK (rung >= 0); -- of the copy when it was planned\n";

const struct af_migration af_migrations[AF_SCHEMA_VERSION] = {{1, version_1}, {2, version_2}};

/* What a query of one value says: its first row's first column. */
struct answer {
  char text[512];
};

static int keep_answer(void *ctx, int columns, char **values, char **names) {
  struct answer *a = ctx;
  if (columns > 0 && values[0] && a->text[0] == 0)
    AF_COPY(a->text, af_str(values[0]));
  return 0;
}

static int ask(sqlite3 *db, const char *sql, struct answer *ret, struct af_error *err) {
  *ret = (struct answer){0};
  if (sqlite3_exec(db, sql, keep_answer, ret, NULL) != SQLITE_OK)
    return af_sqlite_error(db, "read", err);
  return 0;
}

static int ask_number(sqlite3 *db, const char *sql, int64_t *ret, struct af_error *err) {
  struct answer a;
  int rc = ask(db, sql, &a, err);
  if (rc == 0 && af_str_to_i64(af_str(a.text), ret) != 0)
    rc = af_store_error(err, -AF_ECORRUPT, "the database does not say its version");
  return rc;
}

static int run(sqlite3 *db, const char *sql, struct af_error *err) {
  return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : af_sqlite_error(db, "bring up to date", err);
}

/* Foreign keys rest meanwhile, so that a table can be made anew under its name; what they say is checked before the commit. */
static int upgrade_by(sqlite3 *db, const struct af_migration *m, struct af_error *err) {
  char version[64];
  (void)snprintf(version, sizeof version, "PRAGMA user_version = %d", m->version);
  const char *const script[] = {"PRAGMA foreign_keys = OFF", "BEGIN IMMEDIATE", m->sql, version};
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < sizeof script / sizeof script[0]; i++)
    rc = run(db, script[i], err);
  if (rc == 0)
    rc = af_schema_law_check(db, "PRAGMA foreign_key_check", "names a row that isn't there", err);
  if (rc == 0)
    rc = run(db, "COMMIT", err);
  if (rc != 0)
    (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
  int on = run(db, "PRAGMA foreign_keys = ON", rc ? NULL : err);
  return rc ? rc : on;
}

int af_schema_upgrade(sqlite3 *db, const struct af_migration *migrations, size_t count, struct af_error *err) {
  int64_t version;
  int rc = ask_number(db, "PRAGMA user_version", &version, err);
  for (size_t i = 0; rc == 0 && i < count; i++) {
    assert(migrations[i].version == (int)i + 1);
    if (migrations[i].version > version)
      rc = upgrade_by(db, &migrations[i], err);
  }
  return rc;
}

static const struct {
  const char *table, *column;
  const struct af_names *names;
} enums[] = {
    {"copy", "state", &af_copy_state_names},         {"copy", "goal", &af_copy_goal_names},
    {"copy", "resume_state", &af_copy_state_names},  {"step", "face", &af_step_face_names},
    {"step", "state", &af_step_state_names},         {"exposure", "state", &af_exposure_state_names},
    {"effect", "state", &af_effect_state_names},
};

/* Does the table's text have `CHECK (column IN ('a', 'b'))` with exactly the enum's names? */
static int enum_check(sqlite3 *db, size_t i, struct af_error *err) {
  struct af_buf sql;
  af_buf_init(&sql, 1024);
  af_buf_printf(&sql, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '%s' AND instr(sql, 'CHECK (%s IN (",
                enums[i].table, enums[i].column);
  for (unsigned v = 0; v < enums[i].names->count; v++)
    af_buf_printf(&sql, "%s''%s''", v ? ", " : "", enums[i].names->name[v]);
  af_buf_puts(&sql, "))') > 0");
  int64_t found = 0;
  int rc = af_buf_rc(&sql) != 0 ? af_error_nomem(err) : ask_number(db, af_buf_cstr(&sql), &found, err);
  af_buf_done(&sql);
  if (rc == 0 && found != 1)
    rc = af_store_error(err, -AF_ECORRUPT, "the database's %s is not the one this program knows: its %s allows other values",
                        enums[i].table, enums[i].column);
  return rc;
}

int af_schema_check(sqlite3 *db, struct af_error *err) {
  /* The header was looked at before; this is what the write-ahead log makes of it. */
  int64_t application_id, version;
  int rc = ask_number(db, "PRAGMA application_id", &application_id, err);
  if (rc == 0)
    rc = ask_number(db, "PRAGMA user_version", &version, err);
  if (rc != 0)
    return rc;
  if (application_id != AF_APPLICATION_ID)
    return af_store_error(err, -AF_EVERSION, "the database is not one of amiferry's");
  if (version > AF_SCHEMA_VERSION)
    return af_store_error(err, -AF_EVERSION, "the database has version %lld, and this program knows up to %d",
                        (long long)version, AF_SCHEMA_VERSION);
  if (version < AF_SCHEMA_VERSION)
    return 0; /* its tables are those of an earlier version; they are checked once they are up to date */
  for (size_t i = 0; rc == 0 && i < sizeof enums / sizeof enums[0]; i++)
    rc = enum_check(db, i, err);
  return rc;
}

int af_schema_refuses_earlier(sqlite3 *db, struct af_error *err) {
  int64_t version;
  int rc = ask_number(db, "PRAGMA user_version", &version, err);
  if (rc != 0 || version >= AF_SCHEMA_VERSION)
    return rc;
  rc = af_store_error(err, -AF_EVERSION, "the database is of an earlier amiferry: version %lld, and this program reads %d",
                      (long long)version, AF_SCHEMA_VERSION);
  af_error_hint(err, "run \"amiferry resume\" once: it brings the database up to date, and goes on with what is unfinished");
  return rc;
}

/* The check reports a page that can't be read as damage too, with SQLite's code at the end of the line; 0 where it is none. */
static long code_in(const char *complaint) {
  const char *code = strstr(complaint, "error code");
  return code ? strtol(code + strlen("error code "), NULL, 10) : 0;
}

int af_schema_pages_check(sqlite3 *db, const char *pragma, struct af_error *err) {
  struct answer a;
  int rc = ask(db, pragma, &a, err);
  if (rc != 0 || af_streq(a.text, "ok"))
    return rc;
  long code = code_in(a.text);
  if (code == SQLITE_IOERR_NOMEM || code == SQLITE_NOMEM)
    return af_error_nomem(err);
  if ((code & 0xFF) == SQLITE_IOERR)
    return af_store_error(err, -AF_EIO, "the database cannot be read: %s", a.text);
  return af_store_error(err, -AF_ECORRUPT, "the database is damaged: %s", a.text);
}

int af_schema_law_check(sqlite3 *db, const char *sql, const char *broken, struct af_error *err) {
  struct answer a;
  int rc = ask(db, sql, &a, err);
  if (rc == 0 && a.text[0])
    rc = af_store_error(err, -AF_ECORRUPT, "the database is damaged: %s %s", a.text, broken);
  return rc;
}
