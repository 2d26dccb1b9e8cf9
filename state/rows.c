/* The enums' names and the shape of every row. One line of a table here says how a member is bound, read and freed, so a new
 * column is a line here, a line in the schema and its name in the statements. Names are stored: they never change. */
#include "state/store_internal.h"

#include <stdlib.h>

#define NAMES(type, max, ...)                                                                         \
  static const char *const type##_list[] = {__VA_ARGS__};                                             \
  _Static_assert(sizeof type##_list / sizeof type##_list[0] == (max), "every value has its name");    \
  const struct af_names af_##type##_names = {type##_list, (max)};                                     \
  const char *af_##type##_name(enum af_##type v) { return (unsigned)v < (max) ? type##_list[v] : ""; } \
  int af_##type##_parse(const char *s, enum af_##type *ret) {                                         \
    unsigned v;                                                                                       \
    int rc = name_parse(&af_##type##_names, s, &v);                                                   \
    if (rc == 0)                                                                                      \
      *ret = (enum af_##type)v;                                                                       \
    return rc;                                                                                        \
  }

static int name_parse(const struct af_names *names, const char *s, unsigned *ret) {
  for (unsigned v = 0; v < names->count; v++)
    if (af_streq(names->name[v], s)) {
      *ret = v;
      return 0;
    }
  return -AF_EINVAL;
}

NAMES(copy_state, AF_COPY_STATE_MAX_,
      [AF_COPY_WAITING] = "waiting", [AF_COPY_INSPECTING] = "inspecting", [AF_COPY_WORKING] = "working",
      [AF_COPY_UNDOING] = "undoing", [AF_COPY_DONE] = "done", [AF_COPY_FAILED] = "failed",
      [AF_COPY_CANCELLED] = "cancelled", [AF_COPY_BLOCKED] = "blocked")
NAMES(copy_goal, AF_GOAL_MAX_,
      [AF_GOAL_NONE] = "none", [AF_GOAL_DONE] = "done", [AF_GOAL_FAILED] = "failed", [AF_GOAL_CANCELLED] = "cancelled",
      [AF_GOAL_BLOCKED] = "blocked", [AF_GOAL_REROUTE] = "reroute")
NAMES(step_face, AF_FACE_MAX_, [AF_FACE_DO] = "do", [AF_FACE_UNDO] = "undo")
NAMES(step_state, AF_STEP_STATE_MAX_,
      [AF_STEP_IDLE] = "idle", [AF_STEP_INTENDED] = "intended", [AF_STEP_AMBIGUOUS] = "ambiguous",
      [AF_STEP_PENDING] = "pending", [AF_STEP_DONE] = "done")
NAMES(exposure_state, AF_EXPOSURE_STATE_MAX_,
      [AF_EXPOSURE_CLOSED] = "closed", [AF_EXPOSURE_OPENING] = "opening", [AF_EXPOSURE_OPEN] = "open",
      [AF_EXPOSURE_CLOSING] = "closing")
NAMES(effect_state, AF_EFFECT_STATE_MAX_, [AF_EFFECT_LIVE] = "live", [AF_EFFECT_GONE] = "gone")

#define TEXT(row, member) {#member, offsetof(struct row, member), AF_FIELD_TEXT, NULL}
#define OPTIONAL(row, member) {#member, offsetof(struct row, member), AF_FIELD_OPTIONAL, NULL}
#define INT(row, member) {#member, offsetof(struct row, member), AF_FIELD_INT, NULL}
#define SIZE(row, member) {#member, offsetof(struct row, member), AF_FIELD_SIZE, NULL}
#define BOOL(row, member) {#member, offsetof(struct row, member), AF_FIELD_BOOL, NULL}
#define ENUM(row, member, type) {#member, offsetof(struct row, member), AF_FIELD_ENUM, &af_##type##_names}
#define SHAPE(shape, row, ...)                                    \
  static const struct af_field shape##_fields[] = {__VA_ARGS__}; \
  const struct af_shape af_shape_##shape = {shape##_fields, sizeof shape##_fields / sizeof shape##_fields[0], sizeof(struct row)}

SHAPE(batch, af_batch_row,
      TEXT(af_batch_row, id), TEXT(af_batch_row, manifest_name), TEXT(af_batch_row, manifest_digest),
      TEXT(af_batch_row, manifest), INT(af_batch_row, created_ms));
SHAPE(copy, af_copy_row,
      TEXT(af_copy_row, id), TEXT(af_copy_row, batch_id), INT(af_copy_row, position), TEXT(af_copy_row, key),
      TEXT(af_copy_row, spec), ENUM(af_copy_row, state, copy_state), ENUM(af_copy_row, goal, copy_goal),
      ENUM(af_copy_row, resume_state, copy_state), BOOL(af_copy_row, cancel_requested), INT(af_copy_row, machine_version),
      OPTIONAL(af_copy_row, route), OPTIONAL(af_copy_row, reason), INT(af_copy_row, rung), OPTIONAL(af_copy_row, tried),
      OPTIONAL(af_copy_row, image_id),
      OPTIONAL(af_copy_row, error), SIZE(af_copy_row, bytes), INT(af_copy_row, created_ms), INT(af_copy_row, updated_ms),
      INT(af_copy_row, revision));
SHAPE(step, af_step_row,
      TEXT(af_step_row, copy_id), INT(af_step_row, ordinal), TEXT(af_step_row, kind), TEXT(af_step_row, item),
      INT(af_step_row, stage), INT(af_step_row, rung), ENUM(af_step_row, face, step_face), ENUM(af_step_row, state, step_state),
      INT(af_step_row, generation), INT(af_step_row, attempts), OPTIONAL(af_step_row, resource),
      OPTIONAL(af_step_row, intent), INT(af_step_row, intent_ms), INT(af_step_row, started_ms), INT(af_step_row, next_ms),
      INT(af_step_row, progress), OPTIONAL(af_step_row, data), OPTIONAL(af_step_row, error));
SHAPE(event, af_event_row,
      INT(af_event_row, number), INT(af_event_row, at_ms), INT(af_event_row, step), TEXT(af_event_row, kind),
      OPTIONAL(af_event_row, from_state), OPTIONAL(af_event_row, to_state), OPTIONAL(af_event_row, message),
      OPTIONAL(af_event_row, action), OPTIONAL(af_event_row, request_id), OPTIONAL(af_event_row, detail));
SHAPE(effect, af_effect_row,
      TEXT(af_effect_row, copy_id), INT(af_effect_row, step), TEXT(af_effect_row, kind), TEXT(af_effect_row, account),
      TEXT(af_effect_row, region), TEXT(af_effect_row, resource), ENUM(af_effect_row, state, effect_state));
SHAPE(exposure, af_exposure_row,
      INT(af_exposure_row, id), TEXT(af_exposure_row, kind), TEXT(af_exposure_row, account), TEXT(af_exposure_row, region),
      TEXT(af_exposure_row, resource), TEXT(af_exposure_row, grantee), ENUM(af_exposure_row, state, exposure_state),
      BOOL(af_exposure_row, borrowed), INT(af_exposure_row, generation), OPTIONAL(af_exposure_row, detail),
      INT(af_exposure_row, revision));
SHAPE(lookup, af_lookup,
      OPTIONAL(af_lookup, id), OPTIONAL(af_lookup, text), INT(af_lookup, number), OPTIONAL(af_lookup, kind),
      OPTIONAL(af_lookup, account), OPTIONAL(af_lookup, region), OPTIONAL(af_lookup, resource), OPTIONAL(af_lookup, grantee));
SHAPE(event_write, af_event_write,
      TEXT(af_event_write, copy_id), INT(af_event_write, number), INT(af_event_write, at_ms), INT(af_event_write, step),
      TEXT(af_event_write, kind), OPTIONAL(af_event_write, from_state), OPTIONAL(af_event_write, to_state),
      OPTIONAL(af_event_write, message), OPTIONAL(af_event_write, action), OPTIONAL(af_event_write, request_id),
      OPTIONAL(af_event_write, detail));
SHAPE(head, af_head, ENUM(af_head, state, copy_state), INT(af_head, revision));
SHAPE(text, af_text_row, OPTIONAL(af_text_row, text));
SHAPE(count, af_count_row, INT(af_count_row, count));

static void *member(const struct af_field *f, void *row) {
  return (char *)row + f->offset;
}

static char *text_of(const struct af_field *f, const void *row) {
  char *text; /* const char * members are read as this too, and never written through it */
  memcpy(&text, (const char *)row + f->offset, sizeof text);
  return text;
}

static unsigned enum_of(const struct af_field *f, const void *row) {
  unsigned v;
  memcpy(&v, (const char *)row + f->offset, sizeof v);
  return v;
}
_Static_assert(sizeof(enum af_copy_state) == sizeof(unsigned), "enums are read as unsigned");

int af_row_check(const struct af_shape *shape, const void *row, struct af_error *err) {
  for (unsigned i = 0; i < shape->count; i++) {
    const struct af_field *f = &shape->fields[i];
    if (f->type == AF_FIELD_TEXT && !text_of(f, row))
      return af_store_error(err, -AF_EINVAL, "a row was given without its %s", f->name);
    if (f->type == AF_FIELD_ENUM && enum_of(f, row) >= f->names->count)
      return af_store_error(err, -AF_EINVAL, "a row was given with no such %s", f->name);
  }
  return 0;
}

int af_row_bind(sqlite3_stmt *stmt, int parameter, const struct af_field *f, const void *row) {
  const void *p = (const char *)row + f->offset;
  int64_t number;
  bool flag;
  switch (f->type) {
  case AF_FIELD_TEXT:
  case AF_FIELD_OPTIONAL:
    return sqlite3_bind_text(stmt, parameter, text_of(f, row), -1, SQLITE_STATIC);
  case AF_FIELD_INT:
  case AF_FIELD_SIZE:
    memcpy(&number, p, sizeof number);
    return sqlite3_bind_int64(stmt, parameter, number);
  case AF_FIELD_BOOL:
    memcpy(&flag, p, sizeof flag);
    return sqlite3_bind_int(stmt, parameter, flag);
  case AF_FIELD_ENUM:
    if (enum_of(f, row) >= f->names->count)
      return SQLITE_MISUSE;
    return sqlite3_bind_text(stmt, parameter, f->names->name[enum_of(f, row)], -1, SQLITE_STATIC);
  }
  return SQLITE_MISUSE;
}

/* Counts and milliseconds of ours stay far below; what an edited row holds beyond would overflow where it is added to. */
static bool impossible(int64_t number) {
  const int64_t most = INT64_C(1) << 53;
  return number > most || number < -most;
}

static int damaged(const struct af_field *f, struct af_error *err) {
  return af_store_error(err, -AF_ECORRUPT, "a stored row has an impossible %s", f->name);
}

static int read_text(sqlite3_stmt *stmt, int column, const struct af_field *f, char **ret, struct af_error *err) {
  if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
    return f->type == AF_FIELD_OPTIONAL ? 0 : damaged(f, err);
  const char *text = (const char *)sqlite3_column_text(stmt, column);
  size_t len = (size_t)sqlite3_column_bytes(stmt, column);
  if (!text)
    return af_error_nomem(err);
  if (memchr(text, 0, len))
    return damaged(f, err);
  char *copy = malloc(len + 1);
  if (!copy)
    return af_error_nomem(err);
  memcpy(copy, text, len + 1);
  *ret = copy;
  return 0;
}

static int read_field(sqlite3_stmt *stmt, int column, const struct af_field *f, void *row, struct af_error *err) {
  int64_t number = sqlite3_column_int64(stmt, column);
  bool flag = number == 1;
  unsigned v;
  char *text = NULL;
  int rc;
  switch (f->type) {
  case AF_FIELD_TEXT:
  case AF_FIELD_OPTIONAL:
    rc = read_text(stmt, column, f, &text, err);
    if (rc == 0)
      memcpy(member(f, row), &text, sizeof text);
    return rc;
  case AF_FIELD_INT:
  case AF_FIELD_SIZE:
    if (f->type == AF_FIELD_INT && impossible(number))
      return damaged(f, err);
    memcpy(member(f, row), &number, sizeof number);
    return 0;
  case AF_FIELD_BOOL:
    memcpy(member(f, row), &flag, sizeof flag);
    return 0;
  case AF_FIELD_ENUM:
    if (name_parse(f->names, (const char *)sqlite3_column_text(stmt, column), &v) != 0)
      return damaged(f, err);
    memcpy(member(f, row), &v, sizeof v);
    return 0;
  }
  return damaged(f, err);
}

int af_row_read(sqlite3_stmt *stmt, const struct af_shape *shape, void *row, struct af_error *err) {
  for (unsigned i = 0; i < shape->count; i++) {
    int rc = read_field(stmt, (int)i, &shape->fields[i], row, err);
    if (rc != 0) {
      af_row_done(shape, row);
      return rc;
    }
  }
  return 0;
}

void af_row_done(const struct af_shape *shape, void *row) {
  if (!row)
    return;
  for (unsigned i = 0; i < shape->count; i++)
    if (shape->fields[i].type == AF_FIELD_TEXT || shape->fields[i].type == AF_FIELD_OPTIONAL)
      free(text_of(&shape->fields[i], row));
  memset(row, 0, shape->size);
}

void af_batch_row_done(struct af_batch_row *r) { af_row_done(&af_shape_batch, r); }
void af_copy_row_done(struct af_copy_row *r) { af_row_done(&af_shape_copy, r); }
void af_step_row_done(struct af_step_row *r) { af_row_done(&af_shape_step, r); }
void af_event_row_done(struct af_event_row *r) { af_row_done(&af_shape_event, r); }
void af_effect_row_done(struct af_effect_row *r) { af_row_done(&af_shape_effect, r); }
void af_exposure_row_done(struct af_exposure_row *r) { af_row_done(&af_shape_exposure, r); }

int af_row_set(char **field, const char *text) {
  char *copy = NULL;
  if (text) {
    copy = af_str_dup(af_str(text));
    if (!copy)
      return -AF_ENOMEM;
  }
  free(*field);
  *field = copy;
  return 0;
}
