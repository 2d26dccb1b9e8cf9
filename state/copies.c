/* Batches, copies, their texts, steps and events. Every write that belongs to a copy goes the same way: look at what is stored
 * (stale or absent: refuse), change the row, write the event under the next number. */
#include "state/store_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static int not_found(const char *what, const char *id, struct af_error *err) {
  return af_store_error(err, -AF_ENOENT, "there is no %s %s", what, id ? id : "");
}

/* Batches */

int af_store_batch_insert(struct af_store *s, const struct af_batch_row *b, struct af_error *err) {
  struct af_batch_row row = *b;
  int rc = af_row_check(&af_shape_batch, &row, err);
  if (rc == 0)
    rc = af_store_enter_write(s, err);
  if (rc != 0)
    return rc;
  if (row.created_ms == 0)
    row.created_ms = af_now_ms(s->clock);
  rc = af_change(s, AF_SQL_BATCH_INSERT, &row, NULL, err);
  if (rc == -AF_EINVAL && s->constraint == SQLITE_CONSTRAINT_PRIMARYKEY)
    rc = af_store_error(err, -AF_EEXIST, "batch %s is there already", row.id);
  return rc;
}

int af_store_batches(struct af_store *s, struct af_batch_row **ret, size_t *ret_n, struct af_error *err) {
  void *rows;
  int rc = af_query_all(s, AF_SQL_BATCHES, NULL, &rows, ret_n, err);
  if (rc == 0)
    *ret = rows;
  return rc;
}

int af_store_batch_get(struct af_store *s, const char *id, struct af_batch_row *ret, struct af_error *err) {
  int rc = af_store_enter_read(s, err);
  if (rc == 0)
    rc = af_query_one(s, AF_SQL_BATCH_GET, &(struct af_lookup){.id = id}, ret, err);
  return rc == -AF_ENOENT ? not_found("batch", id, err) : rc;
}

int af_store_batch_find(struct af_store *s, const char *manifest_digest, struct af_batch_row *ret, struct af_error *err) {
  int rc = af_store_enter_read(s, err);
  if (rc == 0)
    rc = af_query_one(s, AF_SQL_BATCH_FIND, &(struct af_lookup){.text = manifest_digest}, ret, err);
  return rc == -AF_ENOENT ? not_found("unfinished batch with the digest", manifest_digest, err) : rc;
}

/* Events */

static struct af_event_write event_of(const struct af_store *s, const struct af_copy_row *c, const struct af_event_row *ev) {
  return (struct af_event_write){.copy_id = c->id, .number = c->revision + 1, .at_ms = af_now_ms(s->clock), .step = ev->step,
                                 .kind = ev->kind, .message = ev->message, .action = ev->action, .request_id = ev->request_id,
                                 .detail = ev->detail};
}

/* What can be said of a call before the database is asked. */
static int check_call(const struct af_copy_row *c, const struct af_event_row *ev, int64_t step, struct af_error *err) {
  if (!ev || !ev->kind)
    return af_store_error(err, -AF_EINVAL, "a copy was to be written without an event");
  if (ev->step != step)
    return af_store_error(err, -AF_EINVAL, "an event is about step %lld and comes with step %lld (-1: the copy)",
                        (long long)ev->step, (long long)step);
  return af_row_check(&af_shape_copy, c, err);
}

static int stale(const struct af_copy_row *c, int64_t stored, struct af_error *err) {
  return af_store_error(err, -AF_ESTALE, "copy %s was read at revision %lld and is at %lld now", c->id,
                      (long long)c->revision, (long long)stored);
}

/* The stored state of the copy that c was read from. */
static int head_of(struct af_store *s, const struct af_copy_row *c, struct af_head *ret, struct af_error *err) {
  int rc = af_query_one(s, AF_SQL_COPY_HEAD, &(struct af_lookup){.id = c->id}, ret, err);
  if (rc == -AF_ENOENT)
    return not_found("copy", c->id, err);
  return rc == 0 && ret->revision != c->revision ? stale(c, ret->revision, err) : rc;
}

int af_store_events(struct af_store *s, const char *copy_id, int64_t after, struct af_event_row **ret, size_t *ret_n,
                    struct af_error *err) {
  void *rows;
  int rc = af_query_all(s, AF_SQL_EVENTS, &(struct af_lookup){.id = copy_id, .number = after}, &rows, ret_n, err);
  if (rc == 0)
    *ret = rows;
  return rc;
}

/* Copies */

/* Changes the one row that was found before: nobody else writes, so it is still there. */
static int change_one(struct af_store *s, enum af_statement id, const void *in, struct af_error *err) {
  int changes = 0;
  int rc = af_change(s, id, in, &changes, err);
  assert(rc != 0 || changes == 1);
  return rc;
}

/* A UNIQUE that broke is the live key or the id: names the copy that has it. */
static int copy_exists(struct af_store *s, const struct af_copy_row *c, struct af_error *err) {
  struct af_text_row other = {0};
  if (s->constraint == SQLITE_CONSTRAINT_FOREIGNKEY)
    return not_found("batch", c->batch_id, err);
  if (s->constraint != SQLITE_CONSTRAINT_UNIQUE && s->constraint != SQLITE_CONSTRAINT_PRIMARYKEY)
    return -AF_EINVAL;
  int rc = af_query_one(s, AF_SQL_COPY_LIVE_KEY, &(struct af_lookup){.text = c->key}, &other, err);
  if (rc != 0 && rc != -AF_ENOENT)
    return rc;
  const char *id = other.text ? other.text : c->id;
  af_store_error(err, -AF_EEXIST, other.text ? "copy %s does the same and has not ended" : "copy %s is there already", id);
  if (err)
    AF_COPY(err->resource, af_str(id));
  free(other.text);
  return -AF_EEXIST;
}

int af_store_copy_insert(struct af_store *s, struct af_copy_row *c, const struct af_event_row *ev, struct af_error *err) {
  int rc = check_call(c, ev, -1, err);
  if (rc == 0 && c->revision != 0)
    rc = af_store_error(err, -AF_EINVAL, "copy %s was inserted before", c->id);
  if (rc == 0)
    rc = af_store_enter_write(s, err);
  if (rc != 0)
    return rc;
  struct af_event_write event = event_of(s, c, ev);
  event.to_state = af_copy_state_name(c->state);
  struct af_copy_row row = *c;
  row.revision = event.number;
  row.updated_ms = event.at_ms;
  if (row.created_ms == 0)
    row.created_ms = event.at_ms;
  rc = af_change(s, AF_SQL_COPY_INSERT, &row, NULL, err);
  if (rc == -AF_EINVAL && s->broken == 0)
    return copy_exists(s, c, err);
  if (rc == 0)
    rc = af_change(s, AF_SQL_COPY_TEXT_INSERT, &row, NULL, err);
  if (rc == 0)
    rc = af_change(s, AF_SQL_EVENT_INSERT, &event, NULL, err);
  if (rc == 0)
    *c = row;
  return rc;
}

int af_store_copy_update(struct af_store *s, struct af_copy_row *c, const struct af_event_row *ev, struct af_error *err) {
  struct af_head head;
  int rc = check_call(c, ev, -1, err);
  if (rc == 0)
    rc = af_store_enter_write(s, err);
  if (rc == 0)
    rc = head_of(s, c, &head, err);
  if (rc != 0)
    return rc;
  struct af_event_write event = event_of(s, c, ev);
  event.from_state = af_copy_state_name(head.state);
  event.to_state = af_copy_state_name(c->state);
  struct af_copy_row row = *c;
  row.updated_ms = event.at_ms;
  rc = change_one(s, AF_SQL_COPY_UPDATE, &row, err);
  if (rc == -AF_EINVAL && s->broken == 0)
    return copy_exists(s, c, err);
  if (rc == 0)
    rc = af_change(s, AF_SQL_EVENT_INSERT, &event, NULL, err);
  if (rc != 0)
    return rc;
  c->updated_ms = event.at_ms;
  c->revision = event.number;
  return 0;
}

/* Writes what a call left to write after its first change: the event, and the copy's new revision. */
static int move_on(struct af_store *s, struct af_copy_row *c, const struct af_event_write *event, struct af_error *err) {
  int rc = af_change(s, AF_SQL_EVENT_INSERT, event, NULL, err);
  if (rc == 0)
    rc = change_one(s, AF_SQL_COPY_TOUCH, event, err);
  if (rc != 0)
    return rc;
  c->revision = event->number;
  c->updated_ms = event->at_ms;
  return 0;
}

static int copies_by(struct af_store *s, enum af_statement which, const struct af_lookup *lookup, struct af_copy_row **ret, size_t *ret_n,
                     struct af_error *err) {
  void *rows;
  int rc = af_query_all(s, which, lookup, &rows, ret_n, err);
  if (rc == 0)
    *ret = rows;
  return rc;
}

int af_store_copies(struct af_store *s, const char *batch_id, struct af_copy_row **ret, size_t *ret_n, struct af_error *err) {
  return copies_by(s, AF_SQL_COPIES, &(struct af_lookup){.id = batch_id}, ret, ret_n, err);
}

int af_store_copies_ended(struct af_store *s, int64_t since_ms, struct af_copy_row **ret, size_t *ret_n, struct af_error *err) {
  return copies_by(s, AF_SQL_COPIES_ENDED, &(struct af_lookup){.number = since_ms}, ret, ret_n, err);
}

int af_store_last_written(struct af_store *s, int64_t *ret_ms, struct af_error *err) {
  struct af_count_row row;
  int rc = af_store_enter_read(s, err);
  if (rc == 0)
    rc = af_query_one(s, AF_SQL_LAST_WRITTEN, NULL, &row, err);
  if (rc == 0)
    *ret_ms = row.count;
  return rc;
}

int af_store_copies_live(struct af_store *s, struct af_copy_row **ret, size_t *ret_n, struct af_error *err) {
  return copies_by(s, AF_SQL_COPIES_LIVE, &(struct af_lookup){0}, ret, ret_n, err);
}

int af_store_copies_of_image(struct af_store *s, const char *image_id, struct af_copy_row **ret, size_t *ret_n, struct af_error *err) {
  return copies_by(s, AF_SQL_COPIES_OF_IMAGE, &(struct af_lookup){.id = image_id}, ret, ret_n, err);
}

int af_store_copy_get(struct af_store *s, const char *id, struct af_copy_row *ret, struct af_error *err) {
  int rc = af_store_enter_read(s, err);
  if (rc == 0)
    rc = af_query_one(s, AF_SQL_COPY_GET, &(struct af_lookup){.id = id}, ret, err);
  return rc == -AF_ENOENT ? not_found("copy", id, err) : rc;
}

int af_store_facts_put(struct af_store *s, struct af_copy_row *c, const char *json, const struct af_event_row *ev,
                       struct af_error *err) {
  struct af_head head;
  int rc = check_call(c, ev, -1, err);
  if (rc == 0)
    rc = af_store_enter_write(s, err);
  if (rc == 0)
    rc = head_of(s, c, &head, err);
  if (rc != 0)
    return rc;
  struct af_event_write event = event_of(s, c, ev);
  event.from_state = event.to_state = af_copy_state_name(head.state);
  rc = change_one(s, AF_SQL_FACTS_PUT, &(struct af_lookup){.id = c->id, .text = json}, err);
  return rc != 0 ? rc : move_on(s, c, &event, err);
}

int af_store_facts_get(struct af_store *s, const char *copy_id, char **ret_json, struct af_error *err) {
  struct af_text_row row;
  int rc = af_store_enter_read(s, err);
  if (rc == 0)
    rc = af_query_one(s, AF_SQL_FACTS_GET, &(struct af_lookup){.id = copy_id}, &row, err);
  if (rc == 0)
    *ret_json = row.text;
  return rc == -AF_ENOENT ? not_found("record of facts of copy", copy_id, err) : rc;
}

/* Steps */

enum { FACE_STATE_SIZE = 32 };

static void face_state(char out[FACE_STATE_SIZE], const struct af_step_row *step) {
  (void)snprintf(out, FACE_STATE_SIZE, "%s/%s", af_step_face_name(step->face), af_step_state_name(step->state));
}

static int check_step(const struct af_copy_row *c, const struct af_step_row *step, const struct af_event_row *ev,
                      struct af_error *err) {
  int rc = check_call(c, ev, step->ordinal, err);
  if (rc == 0)
    rc = af_row_check(&af_shape_step, step, err);
  if (rc == 0 && (step->ordinal < 0 || !af_streq(step->copy_id, c->id)))
    rc = af_store_error(err, -AF_EINVAL, "a step of copy %s came with copy %s", step->copy_id, c->id);
  return rc;
}

int af_store_step_insert(struct af_store *s, struct af_copy_row *c, const struct af_step_row *step, const struct af_event_row *ev,
                         struct af_error *err) {
  struct af_head head;
  char to_state[FACE_STATE_SIZE];
  int rc = check_step(c, step, ev, err);
  if (rc == 0)
    rc = af_store_enter_write(s, err);
  if (rc == 0)
    rc = head_of(s, c, &head, err);
  if (rc != 0)
    return rc;
  struct af_event_write event = event_of(s, c, ev);
  face_state(to_state, step);
  event.to_state = to_state;
  rc = af_change(s, AF_SQL_STEP_INSERT, step, NULL, err);
  if (rc == -AF_EINVAL && s->constraint == SQLITE_CONSTRAINT_PRIMARYKEY)
    rc = af_store_error(err, -AF_EEXIST, "copy %s has a step %lld already", c->id, (long long)step->ordinal);
  return rc != 0 ? rc : move_on(s, c, &event, err);
}

/* The way of nearly all writes, in three statements. The first checks everything, so the others can't miss. */
int af_store_step_update(struct af_store *s, struct af_copy_row *c, const struct af_step_row *step, const struct af_event_row *ev,
                         struct af_error *err) {
  struct af_head head;
  char to_state[FACE_STATE_SIZE];
  int changes = 0;
  int rc = check_step(c, step, ev, err);
  if (rc == 0)
    rc = af_store_enter_write(s, err);
  if (rc != 0)
    return rc;
  struct af_event_write event = event_of(s, c, ev);
  face_state(to_state, step);
  event.to_state = to_state;
  rc = af_change(s, AF_SQL_EVENT_OF_STEP, &event, &changes, err);
  if (rc == 0 && changes == 0) {
    rc = head_of(s, c, &head, err);
    return rc != 0 ? rc : af_store_error(err, -AF_ENOENT, "copy %s has no step %lld", c->id, (long long)step->ordinal);
  }
  if (rc == 0)
    rc = change_one(s, AF_SQL_COPY_TOUCH, &event, err);
  if (rc == 0)
    rc = change_one(s, AF_SQL_STEP_UPDATE, step, err);
  if (rc != 0)
    return rc;
  c->revision = event.number;
  c->updated_ms = event.at_ms;
  return 0;
}

int af_store_steps(struct af_store *s, const char *copy_id, struct af_step_row **ret, size_t *ret_n, struct af_error *err) {
  void *rows;
  int rc = af_query_all(s, AF_SQL_STEPS, &(struct af_lookup){.id = copy_id}, &rows, ret_n, err);
  if (rc == 0)
    *ret = rows;
  return rc;
}
