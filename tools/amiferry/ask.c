/* A person's wish about stored copies (ask.h).
 *
 * Where another process owns the database, it is asked, and only that is said (json, ndjson):
 *   {"type": "asked", "ask": "cancel|retry", "id", "changed": how many copies it made a difference to}
 * Otherwise the batch is carried to its end, and the output is that of resume. */
#include "tools/amiferry/ask.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/amiferry/door.h"
#include "tools/amiferry/find.h"

struct asked { /* what the argument names */
  char id[64], batch[64];
  char (*open)[64];      /* ids of copies that have not ended */
  size_t n_open;
  struct af_tally ended; /* the others */
};

static void tally(struct af_tally *t, enum af_copy_state state, enum af_copy_state wanted) {
  struct af_copy_row row = {.state = state};
  struct af_copy_view v = {.row = &row, .waits = ""};
  if (state == wanted) t->done++;
  else if (af_copy_state_ended(state)) t->failed++;
  else af_tally_add(t, &v);
}

int af_ask_exit(struct af_store *s, char (*ids)[64], size_t n, enum af_copy_state wanted, int carried) {
  struct af_tally t = {0};
  for (size_t i = 0; i < n; i++) {
    struct af_copy_row row = {0};
    if (af_store_copy_get(s, ids[i], &row, NULL)) return AF_EXIT_FAILED;
    tally(&t, row.state, wanted);
    af_copy_row_done(&row);
  }
  return t.working + t.waiting ? carried : (int)af_tally_exit(&t);
}

/* --- what is named --- */

static int add(struct asked *a, const struct af_copy_row *row, enum af_copy_state wanted, struct af_error *err) {
  if (af_copy_state_ended(row->state)) {
    tally(&a->ended, row->state, wanted);
    return 0;
  }
  char(*list)[64] = realloc(a->open, (a->n_open + 1) * sizeof(*list));
  if (!list) return af_error_nomem(err);
  a->open = list;
  AF_COPY(list[a->n_open], af_str(row->id));
  a->n_open++;
  return 0;
}

static int read_batch(struct asked *a, struct af_store *s, const char *name, enum af_copy_state wanted, struct af_error *err) {
  struct af_batch_row b = {0};
  struct af_copy_row *list = NULL;
  size_t n = 0;
  int rc = af_batch_find(s, name, &b, err);
  if (!rc) {
    AF_COPY(a->id, af_str(b.id));
    AF_COPY(a->batch, af_str(b.id));
    rc = af_store_copies(s, b.id, &list, &n, err);
  }
  for (size_t i = 0; i < n; i++) {
    if (!rc) rc = add(a, &list[i], wanted, err);
    af_copy_row_done(&list[i]);
  }
  free(list);
  af_batch_row_done(&b);
  return rc;
}

static int read_copy(struct asked *a, struct af_store *s, const char *name, enum af_copy_state wanted, struct af_error *err) {
  struct af_copy_row row = {0};
  int rc = af_copy_find(s, name, &row, err);
  if (rc) return rc;
  AF_COPY(a->id, af_str(row.id));
  AF_COPY(a->batch, af_str(row.batch_id));
  rc = add(a, &row, wanted, err);
  af_copy_row_done(&row);
  return rc;
}

/* A copy's id says what it is; a batch's begins with its day. */
static int read_asked(struct asked *a, struct af_store *s, const char *name, enum af_copy_state wanted, struct af_error *err) {
  return af_str_starts(af_str(name), "cp-") ? read_copy(a, s, name, wanted, err) : read_batch(a, s, name, wanted, err);
}

/* As resume, where it has nothing to do: a program gets an empty list to read. */
static int nothing(const struct af_settings *settings, const struct asked *a, const struct af_asking *asking) {
  struct af_list list;
  af_say("%s", asking->nothing);
  if (settings->output == AF_OUTPUT_JSON) {
    af_list_begin(&list, AF_OUTPUT_JSON);
    af_list_end(&list);
  }
  return af_tally_exit(&a->ended);
}

static void say_asked(const struct af_asking *asking, size_t n) {
  af_say("%s: %zu %s", asking->asked, n, n == 1 ? "copy" : "copies");
}

/* --- here --- */

static bool names(const struct asked *a, const char *id) {
  for (size_t i = 0; i < a->n_open; i++)
    if (af_streq(a->open[i], id)) return true;
  return false;
}

/* Nobody asked for these: said before AWS is asked for anything. Blocked ones stay so. */
static void say_others(const struct af_engine *e, const struct asked *a) {
  size_t n = 0;
  for (size_t i = 0; i < af_engine_count(e); i++) {
    struct af_copy_view v;
    af_engine_view(e, i, &v);
    n += !af_copy_state_ended(v.row->state) && v.row->state != AF_COPY_BLOCKED && !names(a, v.row->id);
  }
  if (n == 1) af_say("and the other unfinished copy of the batch is carried to its end; Ctrl-C stops");
  else if (n) af_say("and the other %zu unfinished copies of the batch are carried to their end; Ctrl-C stops", n);
}

static int ask_here(struct af_carry *c, const char *name, const struct af_asking *asking, struct af_error *err, int *ret_exit) {
  struct asked a = {0};
  size_t n = 0;
  int rc = read_asked(&a, c->wiring.store, name, asking->wanted, err);
  if (!rc && a.n_open) {
    AF_COPY(c->batch, af_str(a.batch));
    rc = af_engine_load(c->wiring.engine, a.batch, AF_LOAD_KEEP, err);
    if (!rc) rc = af_wish_find(asking->wish)->ask(c->wiring.engine, a.id, &n, err);
    if (!rc) say_asked(asking, n);
    if (!rc) say_others(c->wiring.engine, &a);
    if (!rc) *ret_exit = af_ask_exit(c->wiring.store, a.open, a.n_open, asking->wanted, af_carry_out(c));
  } else if (!rc) {
    *ret_exit = nothing(c->wiring.settings, &a, asking);
  }
  free(a.open);
  return rc;
}

/* --- the owner --- */

static void print_asked(const struct af_settings *settings, const struct asked *a, const char *wish, size_t changed) {
  json_t *o = json_pack("{s:s, s:s, s:s, s:I}", "type", "asked", "ask", wish, "id", a->id, "changed", (json_int_t)changed);
  if (o && settings->output != AF_OUTPUT_TEXT) af_print_json(o, (enum af_output_format)settings->output);
  json_decref(o);
}

/* busy says who owns it, and becomes the error where that can't be asked. */
static int ask_owner(struct af_carry *c, const struct asked *a, const struct af_asking *asking, struct af_error *busy) {
  struct af_error err;
  size_t loaded = 0, changed = 0;
  int rc = af_door_ask(c->wiring.db, asking->wish, a->id, &loaded, &changed, &err);
  if (!rc && loaded) {
    say_asked(asking, changed);
    af_say("%s, and carries it out: amiferry status %s%s shows how far it is", busy->message, a->batch, af_database_words());
    print_asked(c->wiring.settings, a, asking->wish, changed);
    return 0;
  }
  if (rc) af_error_hint(busy, "%s; ask again, or when it has ended", err.message);
  else af_error_hint(busy, "it carries out other batches; ask again when it has ended");
  return -AF_EBUSY;
}

static int ask_there(struct af_carry *c, const char *name, const struct af_asking *asking, struct af_error *err, int *ret_exit) {
  struct asked a = {0};
  struct af_error why;
  int rc = af_wiring_store(&c->wiring, AF_STORE_READER, &why);
  if (!rc) rc = read_asked(&a, c->wiring.store, name, asking->wanted, &why);
  if (rc) *err = why;
  else if (a.n_open) rc = ask_owner(c, &a, asking, err);
  else *ret_exit = nothing(c->wiring.settings, &a, asking);
  free(a.open);
  return rc;
}

int af_ask_run(const struct af_invocation *inv, const struct af_asking *asking) {
  struct af_carry c = {0};
  struct af_error err;
  int exit_code = AF_EXIT_DONE, rc = af_carry_stored(&c, &inv->settings, inv->args[0], &err);
  if (!rc) rc = af_carry_owner(&c, &err);
  if (rc == -AF_EBUSY) rc = ask_there(&c, inv->args[0], asking, &err, &exit_code);
  else if (!rc) rc = ask_here(&c, inv->args[0], asking, &err, &exit_code);
  if (rc) af_say_error(&err);
  af_carry_done(&c);
  return rc ? (int)af_exit_of(rc, &err) : exit_code;
}
