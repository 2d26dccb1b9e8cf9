/* Every SQL statement, in one table beside the shapes that it takes and gives. Parameters and columns are matched to members by
 * name when a statement is prepared, so a typing error shows at the first open and never as a value in the wrong column. */
#include "state/store_internal.h"

#include <assert.h>
#include <stdlib.h>

#define LIVE "state NOT IN ('done', 'failed', 'cancelled')" /* as the partial indexes say it */
#define BATCH "SELECT id, manifest_name, manifest_digest, manifest, created_ms FROM batch "
#define COPY                                                                                                                \
  "SELECT c.id, c.batch_id, c.position, c.key, t.spec, c.state, c.goal, c.resume_state, c.cancel_requested, "               \
  "c.machine_version, c.route, c.reason, c.rung, c.tried, c.image_id, c.error, c.bytes, c.created_ms, c.updated_ms, c.revision FROM copy c " \
  "JOIN copy_text t ON t.copy_id = c.id "
#define EXPOSURE "SELECT id, kind, account, region, resource, grantee, state, borrowed, generation, detail, revision FROM exposure "
#define EVENT "INSERT INTO event (copy_id, number, at_ms, step, kind, from_state, to_state, message, action, request_id, detail) "

static const struct {
  const char *sql;
  const struct af_shape *in, *out;
} statements[] = {
    [AF_SQL_BEGIN] = {"BEGIN IMMEDIATE", NULL, NULL},
    [AF_SQL_COMMIT] = {"COMMIT", NULL, NULL},
    [AF_SQL_ROLLBACK] = {"ROLLBACK", NULL, NULL},
    [AF_SQL_BATCH_INSERT] = {"INSERT INTO batch (id, manifest_name, manifest_digest, manifest, created_ms) "
                             "VALUES (:id, :manifest_name, :manifest_digest, :manifest, :created_ms)",
                             &af_shape_batch, NULL},
    [AF_SQL_BATCHES] = {BATCH "ORDER BY created_ms DESC, rowid DESC", NULL, &af_shape_batch},
    [AF_SQL_BATCH_GET] = {BATCH "WHERE id = :id", &af_shape_lookup, &af_shape_batch},
    [AF_SQL_BATCH_FIND] = {BATCH "WHERE manifest_digest = :text AND EXISTS (SELECT 1 FROM copy WHERE batch_id = batch.id AND " LIVE
                                 ") ORDER BY created_ms DESC, rowid DESC LIMIT 1",
                           &af_shape_lookup, &af_shape_batch},
    [AF_SQL_COPY_INSERT] = {"INSERT INTO copy (id, batch_id, position, key, state, goal, resume_state, cancel_requested, "
                            "machine_version, route, reason, rung, tried, image_id, error, bytes, created_ms, updated_ms, "
                            "revision) "
                            "VALUES (:id, :batch_id, :position, :key, :state, :goal, :resume_state, :cancel_requested, "
                            ":machine_version, :route, :reason, :rung, :tried, :image_id, :error, :bytes, :created_ms, "
                            ":updated_ms, :revision)",
                            &af_shape_copy, NULL},
    [AF_SQL_COPY_TEXT_INSERT] = {"INSERT INTO copy_text (copy_id, spec) VALUES (:id, :spec)", &af_shape_copy, NULL},
    [AF_SQL_COPY_LIVE_KEY] = {"SELECT id AS text FROM copy WHERE key = :text AND " LIVE, &af_shape_lookup, &af_shape_text},
    [AF_SQL_COPY_UPDATE] = {"UPDATE copy SET state = :state, goal = :goal, resume_state = :resume_state, "
                            "cancel_requested = :cancel_requested, machine_version = :machine_version, route = :route, "
                            "reason = :reason, rung = :rung, tried = :tried, image_id = :image_id, error = :error, bytes = :bytes, updated_ms = :updated_ms, "
                            "revision = revision + 1 WHERE id = :id AND revision = :revision",
                            &af_shape_copy, NULL},
    [AF_SQL_COPY_TOUCH] = {"UPDATE copy SET revision = :number, updated_ms = :at_ms WHERE id = :copy_id AND revision = :number - 1",
                           &af_shape_event_write, NULL},
    [AF_SQL_COPY_HEAD] = {"SELECT state, revision FROM copy WHERE id = :id", &af_shape_lookup, &af_shape_head},
    [AF_SQL_COPIES] = {COPY "WHERE c.batch_id = :id ORDER BY c.position, c.created_ms, c.id", &af_shape_lookup, &af_shape_copy},
    [AF_SQL_COPIES_ENDED] = {COPY "WHERE c.updated_ms >= :number AND NOT (" LIVE ")", &af_shape_lookup, &af_shape_copy},
    [AF_SQL_LAST_WRITTEN] = {"SELECT coalesce(max(updated_ms), 0) AS count FROM copy", NULL, &af_shape_count},
    [AF_SQL_COPIES_LIVE] = {COPY "WHERE " LIVE, &af_shape_lookup, &af_shape_copy},
    [AF_SQL_COPIES_OF_IMAGE] = {COPY "WHERE c.image_id = :id ORDER BY c.created_ms DESC, c.position", &af_shape_lookup, &af_shape_copy},
    [AF_SQL_COPY_GET] = {COPY "WHERE c.id = :id", &af_shape_lookup, &af_shape_copy},
    [AF_SQL_FACTS_PUT] = {"UPDATE copy_text SET facts = :text WHERE copy_id = :id", &af_shape_lookup, NULL},
    [AF_SQL_FACTS_GET] = {"SELECT facts AS text FROM copy_text WHERE copy_id = :id AND facts IS NOT NULL",
                          &af_shape_lookup, &af_shape_text},
    [AF_SQL_STEP_INSERT] = {"INSERT INTO step (copy_id, ordinal, kind, item, stage, rung, face, state, generation, attempts, resource, "
                            "intent, intent_ms, started_ms, next_ms, progress, data, error) "
                            "VALUES (:copy_id, :ordinal, :kind, :item, :stage, :rung, :face, :state, :generation, :attempts, :resource, "
                            ":intent, :intent_ms, :started_ms, :next_ms, :progress, :data, :error)",
                            &af_shape_step, NULL},
    [AF_SQL_STEP_UPDATE] = {"UPDATE step SET kind = :kind, item = :item, stage = :stage, rung = :rung, face = :face, state = :state, "
                            "generation = :generation, attempts = :attempts, resource = :resource, intent = :intent, "
                            "intent_ms = :intent_ms, started_ms = :started_ms, next_ms = :next_ms, progress = :progress, "
                            "data = :data, error = :error WHERE copy_id = :copy_id AND ordinal = :ordinal",
                            &af_shape_step, NULL},
    [AF_SQL_STEPS] = {"SELECT copy_id, ordinal, kind, item, stage, rung, face, state, generation, attempts, resource, intent, intent_ms, "
                      "started_ms, next_ms, progress, data, error FROM step WHERE copy_id = :id ORDER BY ordinal",
                      &af_shape_lookup, &af_shape_step},
    [AF_SQL_EVENT_INSERT] = {EVENT "VALUES (:copy_id, :number, :at_ms, :step, :kind, :from_state, :to_state, :message, :action, "
                                   ":request_id, :detail)",
                             &af_shape_event_write, NULL},
    /* The hot one: checks the revision, finds the step and its state, and writes the event in one go. */
    [AF_SQL_EVENT_OF_STEP] = {EVENT "SELECT c.id, :number, :at_ms, s.ordinal, :kind, s.face || '/' || s.state, :to_state, :message, "
                                    ":action, :request_id, :detail FROM copy c JOIN step s ON s.copy_id = c.id AND s.ordinal = :step "
                                    "WHERE c.id = :copy_id AND c.revision = :number - 1",
                              &af_shape_event_write, NULL},
    [AF_SQL_EVENTS] = {"SELECT number, at_ms, step, kind, from_state, to_state, message, action, request_id, detail FROM event "
                       "WHERE copy_id = :id AND number > :number ORDER BY number",
                       &af_shape_lookup, &af_shape_event},
    [AF_SQL_EFFECT_PUT] = {"INSERT INTO effect (copy_id, step, kind, account, region, resource, state) "
                           "VALUES (:copy_id, :step, :kind, :account, :region, :resource, :state) "
                           "ON CONFLICT (copy_id, kind, resource) DO UPDATE SET state = excluded.state",
                           &af_shape_effect, NULL},
    [AF_SQL_EFFECTS] = {"SELECT copy_id, step, kind, account, region, resource, state FROM effect WHERE copy_id = :id "
                        "ORDER BY step, kind, resource",
                        &af_shape_lookup, &af_shape_effect},
    [AF_SQL_EXPOSURE_FIND] = {EXPOSURE "WHERE resource = :resource AND grantee = :grantee AND kind = :kind AND account = :account "
                                       "AND region = :region",
                              &af_shape_lookup, &af_shape_exposure},
    [AF_SQL_EXPOSURE_INSERT] = {"INSERT INTO exposure (kind, account, region, resource, grantee, state, borrowed, generation, "
                                "detail, revision) VALUES (:kind, :account, :region, :resource, :grantee, :state, :borrowed, "
                                ":generation, :detail, 1)",
                                &af_shape_exposure, NULL},
    [AF_SQL_EXPOSURE_UPDATE] = {"UPDATE exposure SET state = :state, borrowed = :borrowed, generation = :generation, "
                                "detail = :detail, revision = revision + 1 WHERE id = :id AND revision = :revision",
                                &af_shape_exposure, NULL},
    [AF_SQL_EXPOSURE_REVISION] = {"SELECT revision AS count FROM exposure WHERE id = :number", &af_shape_lookup, &af_shape_count},
    [AF_SQL_EXPOSURES_OPEN] = {EXPOSURE "WHERE borrowed = 1 AND state <> 'closed' ORDER BY id", NULL, &af_shape_exposure},
    [AF_SQL_EXPOSURES_CHANGED] = {EXPOSURE "WHERE resource >= :text AND resource < :resource AND kind = :kind AND account = :account "
                                           "AND CAST(detail AS INTEGER) > :number ORDER BY id",
                                  &af_shape_lookup, &af_shape_exposure},
    [AF_SQL_HOLDER_ADD] = {"INSERT INTO holder (exposure_id, copy_id) VALUES (:number, :id) ON CONFLICT DO NOTHING",
                           &af_shape_lookup, NULL},
    [AF_SQL_HOLDER_REMOVE] = {"DELETE FROM holder WHERE exposure_id = :number AND copy_id = :id", &af_shape_lookup, NULL},
    [AF_SQL_HOLDERS] = {"SELECT count(*) AS count FROM holder WHERE exposure_id = :number", &af_shape_lookup, &af_shape_count},
};
_Static_assert(sizeof statements / sizeof statements[0] == AF_SQL_MAX_, "every statement has its text");

static const struct af_field *field_named(const struct af_shape *shape, const char *name) {
  for (unsigned i = 0; shape && i < shape->count; i++)
    if (af_streq(shape->fields[i].name, name))
      return &shape->fields[i];
  return NULL;
}

/* Does the statement fit its shapes? If not, the table above is wrong, or the file's columns have other names. */
static bool match(struct af_prepared *p, size_t id) {
  const struct af_shape *out = statements[id].out;
  int parameters = sqlite3_bind_parameter_count(p->stmt);
  if (parameters > AF_PARAMETERS_MAX || sqlite3_column_count(p->stmt) != (out ? (int)out->count : 0))
    return false;
  for (int i = 0; i < parameters; i++) {
    const char *name = sqlite3_bind_parameter_name(p->stmt, i + 1);
    p->bind[i] = name ? field_named(statements[id].in, name + 1) : NULL;
    if (!p->bind[i])
      return false;
  }
  for (int i = 0; out && i < (int)out->count; i++)
    if (!af_streq(sqlite3_column_name(p->stmt, i), out->fields[i].name))
      return false;
  return true;
}

int af_statements_prepare(struct af_store *s, struct af_error *err) {
  for (size_t i = 0; i < AF_SQL_MAX_; i++) {
    int rc = sqlite3_prepare_v3(s->db, statements[i].sql, -1, SQLITE_PREPARE_PERSISTENT, &s->sql[i].stmt, NULL);
    if (rc != SQLITE_OK)
      return af_sqlite_error(s->db, "open", err);
    if (!match(&s->sql[i], i))
      return af_store_error(err, -AF_ECORRUPT, "the database's columns are not those of its version");
  }
  return 0;
}

void af_statements_finalize(struct af_store *s) {
  for (size_t i = 0; i < AF_SQL_MAX_; i++)
    (void)sqlite3_finalize(s->sql[i].stmt);
}

static int bind(const struct af_prepared *p, const void *in) {
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < AF_PARAMETERS_MAX && p->bind[i]; i++)
    rc = af_row_bind(p->stmt, i + 1, p->bind[i], in);
  return rc;
}

int af_change(struct af_store *s, enum af_statement id, const void *in, int *ret_changes, struct af_error *err) {
  struct af_error why;
  sqlite3_stmt *stmt = s->sql[id].stmt;
  int rc = bind(&s->sql[id], in);
  if (rc == SQLITE_OK)
    rc = sqlite3_step(stmt);
  if (rc == SQLITE_DONE) {
    int changes = sqlite3_changes(s->db);
    (void)sqlite3_reset(stmt);
    s->changed = s->changed || changes > 0;
    if (ret_changes)
      *ret_changes = changes;
    return 0;
  }
  int ours = af_sqlite_error(s->db, "write", &why);
  s->constraint = (rc & 0xFF) == SQLITE_CONSTRAINT ? rc : 0;
  (void)sqlite3_reset(stmt);
  if (err)
    *err = why;
  /* A broken constraint undoes its own statement, and a text that is too long never gets as far; where that was the call's
   * first change, nothing is left of the call. */
  bool refused = s->constraint || rc == SQLITE_TOOBIG;
  return refused && !s->changed ? ours : af_store_end(s, ours, &why);
}

/* A read that fails may have cost the transaction: SQLite rolls back by itself when memory, disk or file fail it. */
static int read_failed(struct af_store *s, int rc, const struct af_error *why, struct af_error *err) {
  if (err)
    *err = *why;
  return s->dirty && sqlite3_get_autocommit(s->db) ? af_store_end(s, rc, why) : rc;
}

int af_query_one(struct af_store *s, enum af_statement id, const struct af_lookup *in, void *ret, struct af_error *err) {
  const struct af_shape *shape = statements[id].out;
  sqlite3_stmt *stmt = s->sql[id].stmt;
  struct af_error why;
  union {
    struct af_batch_row batch;
    struct af_copy_row copy;
    struct af_exposure_row exposure;
    struct af_count_row count;
  } row;
  assert(shape->size <= sizeof row);
  memset(&row, 0, sizeof row); /* an initialiser would clear the first member only */
  int ours = -AF_ENOENT;
  int rc = bind(&s->sql[id], in);
  if (rc == SQLITE_OK)
    rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW)
    ours = af_row_read(stmt, shape, &row, &why);
  else if (rc != SQLITE_DONE)
    ours = af_sqlite_error(s->db, "read", &why);
  (void)sqlite3_reset(stmt);
  if (ours == 0)
    memcpy(ret, &row, shape->size);
  return ours == 0 || rc == SQLITE_DONE ? ours : read_failed(s, ours, &why, err);
}

struct rows {
  char *at;
  size_t n, room;
};

static int rows_add(struct rows *r, sqlite3_stmt *stmt, const struct af_shape *shape, struct af_error *err) {
  if (r->n == r->room) {
    size_t room = r->room ? 2 * r->room : 16;
    char *at = realloc(r->at, room * shape->size);
    if (!at)
      return af_error_nomem(err);
    r->at = at;
    r->room = room;
  }
  memset(r->at + r->n * shape->size, 0, shape->size);
  int rc = af_row_read(stmt, shape, r->at + r->n * shape->size, err);
  r->n += rc == 0;
  return rc;
}

int af_query_all(struct af_store *s, enum af_statement id, const struct af_lookup *in, void **ret, size_t *ret_n,
                 struct af_error *err) {
  const struct af_shape *shape = statements[id].out;
  sqlite3_stmt *stmt = s->sql[id].stmt;
  struct af_error why;
  struct rows rows = {0};
  int ours = af_store_enter_read(s, err);
  if (ours != 0)
    return ours;
  int rc = bind(&s->sql[id], in);
  while (ours == 0 && rc == SQLITE_OK) { /* ends with the rows of the table */
    rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW)
      break;
    ours = rows_add(&rows, stmt, shape, &why);
    rc = SQLITE_OK;
  }
  if (ours == 0 && rc != SQLITE_DONE)
    ours = af_sqlite_error(s->db, "read", &why);
  (void)sqlite3_reset(stmt);
  if (ours == 0) {
    *ret = rows.at;
    *ret_n = rows.n;
    return 0;
  }
  while (rows.n > 0)
    af_row_done(shape, rows.at + --rows.n * shape->size);
  free(rows.at);
  return read_failed(s, ours, &why, err);
}
