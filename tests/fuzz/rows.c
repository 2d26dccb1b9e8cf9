/* Fuzz: databases that somebody has edited by hand.
 *
 * An input is lines: "run WHAT TURNS" (which manifest, and after how many turns the process ended), then edits: "set TABLE COLUMN ROW VALUE"
 * and "delete TABLE ROW", where ROW counts from 0 in the order of the key, and null is SQL's. The constraints are off while they are
 * made. Laws: whoever looks at the database and whoever goes on with it gets an error that can be shown, or an end; memory that is not out is
 * not called so. */
#include <sqlite3.h>
#include <stdio.h>

#include "tests/fuzz/fuzz.h"
#include "tests/simulation/ladder_world.h"
#include "tests/simulation/rig.h"
#include "tools/amiferry/commands.h"

enum { TURNS_MAX = 60, RESUMED_TURNS = 400, EDITS_MAX = 12 };

static const struct {
  const char *name, *world, *manifest;
} runs[] = {
    {"plain", WORLD, MANIFEST_HEAD PLAIN},
    {"sealed", WORLD, MANIFEST_HEAD SEALED PLAIN_HERE},
    {"ladder", LADDER_WORLD(REFUSED_BILLING, ""), MANIFEST_HEAD IMAGE(WINDOWS, HERE_KEY) BRIDGED(DEFAULT_KEY, THERE_KEY)},
};

/* Each table with its key. */
static const struct {
  const char *name, *key;
} tables[] = {{"batch", "id"},  {"copy", "id"},          {"copy_text", "copy_id"}, {"step", "copy_id, ordinal"},     {"event", "copy_id, number"},
              {"effect", "copy_id, kind, resource"}, {"exposure", "id"}, {"holder", "exposure_id, copy_id"}};

/* --- edits --- */

static const char *key_of(struct af_str table, const char **ret_name) {
  for (size_t i = 0; i < COUNT(tables); i++)
    if (af_str_eq(table, af_str(tables[i].name))) {
      *ret_name = tables[i].name;
      return tables[i].key;
    }
  return NULL;
}

static bool is_column(struct af_str s) {
  for (size_t i = 0; i < s.len; i++)
    if (!(s.ptr[i] >= 'a' && s.ptr[i] <= 'z') && s.ptr[i] != '_') return false;
  return s.len > 0 && s.len < 32;
}

/* What the database refuses, as a text for a number, is no edit. */
static void run_edit(sqlite3 *db, const char *sql, struct af_str value) {
  sqlite3_stmt *stmt;
  int64_t number;
  if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) return;
  if (sqlite3_bind_parameter_count(stmt) == 0 || af_str_eq(value, af_str("null"))) {
    /* SQL's null is what is bound to begin with */
  } else if (af_str_to_i64(value, &number) == 0) {
    sqlite3_bind_int64(stmt, 1, number);
  } else {
    sqlite3_bind_text(stmt, 1, value.len ? value.ptr : "", (int)value.len, SQLITE_STATIC);
  }
  (void)sqlite3_step(stmt);
  sqlite3_finalize(stmt);
}

static void edit(sqlite3 *db, struct af_str line) {
  char where[160], sql[400];
  const char *table = NULL;
  bool set = af_str_eq(fuzz_word(&line), af_str("set"));
  const char *key = key_of(fuzz_word(&line), &table);
  struct af_str column = set ? fuzz_word(&line) : af_str("x");
  uint64_t row = fuzz_number(&line, 0);
  if (!key || !is_column(column)) return;
  snprintf(where, sizeof(where), "WHERE (%s) = (SELECT %s FROM %s ORDER BY %s LIMIT 1 OFFSET %u)", key, key, table, key, (unsigned)(row % 1000));
  if (set) snprintf(sql, sizeof(sql), "UPDATE %s SET %.*s = ?1 %s", table, (int)column.len, column.ptr, where);
  else snprintf(sql, sizeof(sql), "DELETE FROM %s %s", table, where);
  run_edit(db, sql, line);
}

static void edit_all(const char *path, struct af_str lines) {
  sqlite3 *db;
  MUST(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
  MUST(sqlite3_exec(db,
                    "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF;"
                    "DROP TRIGGER event_stays; DROP TRIGGER event_remains",
                    NULL, NULL, NULL) == SQLITE_OK);
  for (int i = 0; lines.len && i < EDITS_MAX; i++) edit(db, fuzz_line(&lines));
  MUST(sqlite3_close(db) == SQLITE_OK);
}

/* --- looking --- */

/* What they print goes nowhere; the descriptors stay, for sanitizers that have something to say. */
static void quietly(const struct af_command *command, const char *path, const char *argument, int format) {
  static FILE *nowhere;
  struct af_invocation inv = {.command = command, .settings = {.db = path, .output = format}, .args = {argument}, .n_args = argument ? 1 : 0};
  FILE *out = stdout, *err = stderr;
  if (!nowhere) nowhere = fopen("/dev/null", "w");
  MUST(nowhere != NULL);
  stdout = stderr = nowhere;
  int code = command->run(&inv);
  stdout = out;
  stderr = err;
  MUST(code >= 0 && code <= AF_EXIT_BUSY);
}

/* As `status` and `show` do, by the ids that are there. */
static void look(const char *path, char ids[][80], size_t n) {
  for (int format = AF_OUTPUT_TEXT; format <= AF_OUTPUT_JSON; format++) {
    quietly(&af_command_status, path, NULL, format);
    for (size_t i = 0; i < n; i++) quietly(i ? &af_command_show : &af_command_status, path, ids[i], format);
  }
}

/* The batch's id, and the copies'. */
static size_t read_ids(const char *path, char ids[][80], size_t max) {
  sqlite3 *db;
  sqlite3_stmt *stmt;
  size_t n = 0;
  MUST(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
  MUST(sqlite3_prepare_v2(db, "SELECT id FROM (SELECT 0 AS k, id FROM batch UNION SELECT 1, id FROM copy) ORDER BY k, id", -1, &stmt, NULL) == SQLITE_OK);
  while (n < max && sqlite3_step(stmt) == SQLITE_ROW) {
    const char *id = (const char *)sqlite3_column_text(stmt, 0);
    if (id && *id) AF_COPY(ids[n++], af_str(id));
  }
  sqlite3_finalize(stmt);
  MUST(sqlite3_close(db) == SQLITE_OK);
  return n;
}

/* --- the whole --- */

static struct rig *start(struct af_str *rest) {
  struct af_error err;
  struct af_str line = fuzz_line(rest);
  size_t which = 0;
  (void)fuzz_word(&line);
  struct af_str name = fuzz_word(&line);
  while (which + 1 < COUNT(runs) && !af_str_eq(name, af_str(runs[which].name))) which++;
  struct rig *r = rig_new(runs[which].world, 1);
  rig_setenv(r, "AWS_CONFIG_FILE", rig_file(r, "aws-config", CONFIG));
  rig_setenv(r, "AWS_SHARED_CREDENTIALS_FILE", rig_file(r, "aws-credentials", CREDENTIALS));
  rig_stop_after(r, (int)(fuzz_number(&line, 0) % TURNS_MAX));
  int rc = rig_run(r, runs[which].manifest, &err);
  MUST(rc == 0 || rc == -AF_ECANCELED);
  return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char ids[8][80];
  struct af_error err = {0};
  struct af_str rest = af_str_n((const char *)data, size);
  struct rig *r = start(&rest);
  edit_all(rig_database(r), rest);
  size_t n = read_ids(rig_database(r), ids, COUNT(ids));
  look(rig_database(r), ids, n);
  rig_advance(r, 5000);
  rig_stop_after(r, RESUMED_TURNS);
  int rc = rig_resume(r, &err);
  MUST(rc != -AF_ENOMEM);
  if (rc && rc != -AF_ECANCELED) fuzz_error(&err);
  look(rig_database(r), ids, n);
  rig_free(r);
  return 0;
}
