/* amiferry status: what is where and what it waits for, from the stored rows. It only reads, and so works beside a running process.
 *
 * json    without BATCH: {"batches": [batch, ...], "open_access": [open_access, ...], "owner": owner}
 *         with BATCH: {"batch": batch, "copies": [copy, ...], "open_access": [...], "owner": owner}
 * ndjson  the same objects, one a line; each says its "type"
 *
 * batch        {"type": "batch", "id", "manifest", "created", "counts": {"done", "working", "waiting", "failed", "cancelled", "blocked"},
 *              "owner": owner, "carried"} (waiting: not begun; failed: cancelled, too; cancelled: of those that failed; carried: does the owner
 *              carry it out? null where it isn't under way, there is no owner, or that one doesn't say)
 * owner        {"pid"}: the process that holds the database; pid is null where it can't be told which, or whether one does. null where
 *              none does: what is working or waiting stands still until it is resumed
 * open_access  {"type": "open_access", "kind": "createVolumePermission|launchPermission|grant|bucketPolicy", "account", "region", "resource",
 *              "grantee", "state", "borrowed", "detail"}: access that amiferry opened and has not taken back yet
 * copy         see output.c; waits is what the last call was told */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "plans/estimate.h"
#include "tools/amiferry/commands.h"
#include "tools/amiferry/door.h"
#include "tools/amiferry/find.h"
#include "tools/amiferry/stored.h"

enum { WATCH_MS = 1000, ALONE_MAX = 3 /* looks in a row that found no process: one may be about to start */, TEXT_MAX = 64 * 1024 * 1024 };

static struct {
  bool watch;
} values;
static const struct af_option options[] = {
    {"watch", NULL, AF_OPTION_FLAG, 0, "show it anew every second until nothing is under way, or no process is at work"},
    {0},
};
static const struct af_option_set set = {"Options", options, &values};

enum carried { CARRIED_UNKNOWN, CARRIED, NOT_CARRIED }; /* a batch, by the process that holds the database */

struct page { /* what is shown once */
  const struct af_invocation *inv;
  const char *db;
  struct af_store *store;
  struct af_terminal terminal;
  struct af_buf text;       /* text: all of it */
  json_t *document;         /* JSON */
  bool under_way;           /* something of what is shown */
  int64_t owner;            /* pid; as af_store_owner() has it, and 0 where it can't be told */
  bool mute;                /* the owner didn't answer: it isn't asked again */
  enum carried carried;     /* the batch that was counted last */
  bool tended;              /* a process is at work, or may be, on something that is under way */
};

static bool under_way(const struct af_tally *t) {
  return t->working || t->waiting;
}

/* Before the rows are read and after it: a process that ended in between has left them as they will stay, and one that began has not. */
static void look_for_owner(struct page *p) {
  struct af_error err;
  int64_t pid = 0;
  if (p->owner < 0 && af_store_owner(p->store, &pid, &err)) pid = 0;
  if (p->owner < 0) p->owner = pid;
}

static bool as_text(const struct page *p) {
  return p->inv->settings.output == AF_OUTPUT_TEXT;
}

/* Into the document's list of that name, or out at once. */
static void give(struct page *p, const char *list, json_t *item) {
  if (p->inv->settings.output == AF_OUTPUT_NDJSON) {
    if (item) af_print_json(item, AF_OUTPUT_NDJSON);
    json_decref(item);
    return;
  }
  json_t *items = json_object_get(p->document, list);
  if (items) json_array_append_new(items, item);
  else json_object_set_new(p->document, list, item);
}

/* --- batches --- */

/* Waiting, here, is what has not begun: what the others wait for, only the owner knows. */
static void count(struct af_tally *t, enum af_copy_state state) {
  struct af_copy_row row = {.state = state};
  struct af_copy_view v = {.row = &row, .waits = ""};
  af_tally_add(t, &v);
}

static int count_copies(struct page *p, const char *id, struct af_tally *ret, struct af_error *err) {
  struct af_copy_row *list = NULL;
  size_t n = 0;
  int rc = af_store_copies(p->store, id, &list, &n, err);
  *ret = (struct af_tally){0};
  for (size_t i = 0; i < n; i++) {
    count(ret, list[i].state);
    af_copy_row_done(&list[i]);
  }
  free(list);
  return rc;
}

static enum carried ask_owner(struct page *p, const char *id) {
  struct af_error err;
  size_t loaded = 0, changed = 0;
  if (p->owner <= 0 || p->mute) return CARRIED_UNKNOWN;
  p->mute = af_door_ask(p->db, "carries", id, &loaded, &changed, &err);
  return p->mute ? CARRIED_UNKNOWN : loaded ? CARRIED : NOT_CARRIED;
}

static bool stranded(const struct page *p) {
  return p->owner < 0 || p->carried == NOT_CARRIED;
}

/* What the owner no longer carries may have ended just before it was asked: then its rows say so by now. */
static int count_batch(struct page *p, const char *id, struct af_tally *ret, struct af_error *err) {
  p->owner = -1;
  look_for_owner(p);
  int rc = count_copies(p, id, ret, err);
  if (rc) return rc;
  look_for_owner(p);
  p->carried = under_way(ret) ? ask_owner(p, id) : CARRIED_UNKNOWN;
  if (p->carried == NOT_CARRIED) rc = count_copies(p, id, ret, err);
  if (rc) return rc;
  p->under_way = p->under_way || under_way(ret);
  p->tended = p->tended || (under_way(ret) && !stranded(p));
  return 0;
}

static json_t *json_owner(const struct page *p) {
  return p->owner < 0 ? json_null() : json_pack("{s:o}", "pid", p->owner ? json_integer(p->owner) : json_null());
}

static json_t *json_carried(const struct page *p) {
  return p->carried == CARRIED_UNKNOWN ? json_null() : json_boolean(p->carried == CARRIED);
}

static json_t *json_batch(const struct page *p, const struct af_batch_row *b, const struct af_tally *t) {
  return json_pack("{s:s, s:o, s:o, s:o, s:{s:I, s:I, s:I, s:I, s:I, s:I}, s:o, s:o}", "type", "batch", "id", af_json_text(b->id), "manifest",
                   af_json_text(b->manifest_name), "created", af_json_time(b->created_ms), "counts", "done", (json_int_t)t->done, "working",
                   (json_int_t)t->working, "waiting", (json_int_t)t->waiting, "failed", (json_int_t)t->failed, "cancelled",
                   (json_int_t)t->cancelled, "blocked", (json_int_t)t->blocked, "owner", json_owner(p), "carried", json_carried(p));
}

static void put_batch(struct page *p, const struct af_batch_row *b, const struct af_tally *t) {
  char at[AF_TIME_SIZE];
  af_time_iso_s(b->created_ms, at);
  af_buf_printf(&p->text, "%s  %s  ", b->id, at);
  af_put_tally(&p->text, t);
  af_buf_puts(&p->text, "  ");
  af_put_text(&p->text, b->manifest_name);
  af_buf_putc(&p->text, '\n');
}

static void put_stopped(struct page *p, const char *indent, const struct af_batch_row *b, const struct af_tally *t) {
  if (!stranded(p) || !under_way(t)) return;
  af_buf_puts(&p->text, indent);
  af_put_tinted(&p->text, &p->terminal, AF_TINT_CARE, "stopped");
  if (p->owner < 0) af_buf_puts(&p->text, ": no process carries it out; to go on: ");
  else af_buf_printf(&p->text, ": process %lld, which holds the database, is at work on something else; to go on when it has ended: ", (long long)p->owner);
  af_buf_printf(&p->text, "amiferry resume %s%s", b->id, af_database_words());
  af_buf_putc(&p->text, '\n');
}

static int show_batches(struct page *p, struct af_error *err) {
  struct af_batch_row *list = NULL;
  size_t n = 0;
  int rc = af_store_batches(p->store, &list, &n, err);
  for (size_t i = 0; i < n; i++) {
    struct af_tally t = {0};
    if (!rc) rc = count_batch(p, list[i].id, &t, err);
    if (!rc && as_text(p)) put_batch(p, &list[i], &t);
    else if (!rc) give(p, "batches", json_batch(p, &list[i], &t));
    if (!rc && as_text(p)) put_stopped(p, "    ", &list[i], &t);
    af_batch_row_done(&list[i]);
  }
  free(list);
  if (!rc && n == 0) af_say("no batch has been run yet");
  return rc;
}

/* --- a batch's copies --- */

static void put_copy(struct page *p, const struct af_copy_view *v) {
  const struct af_copy_row *row = v->row;
  struct af_buf at;
  if (af_copy_state_ended(row->state) || row->state == AF_COPY_BLOCKED) {
    af_buf_printf(&p->text, "%s  ", row->id);
    af_put_result(&p->text, v, &p->terminal);
    return;
  }
  af_buf_init(&at, 200);
  af_buf_puts(&at, v->title);
  if (v->step) af_buf_printf(&at, " (%zu/%zu)", v->step, v->n_stage);
  if (v->percent >= 0) af_buf_printf(&at, " %d%%", v->percent);
  af_buf_printf(&p->text, "%s  %s (%s) -> %s%s(%s)  ", row->id, v->spec->image, v->spec->source.region, v->target_account, *v->target_account ? " " : "",
                v->spec->target.region);
  af_put_tinted(&p->text, &p->terminal, AF_TINT_STRONG, af_buf_cstr(&at));
  af_buf_done(&at);
  if (v->bytes > 0) {
    af_buf_puts(&p->text, "  ");
    af_bytes_text(&p->text, v->bytes);
  }
  af_buf_puts(&p->text, *v->name ? "  " : "");
  af_put_text(&p->text, v->name);
  if (*v->waits) {
    af_buf_puts(&p->text, "\n    last answer: ");
    af_put_text(&p->text, v->waits);
  }
  af_buf_putc(&p->text, '\n');
}

static int show_copies(struct page *p, const char *batch, struct af_error *err) {
  struct af_copy_row *list = NULL;
  size_t n = 0;
  int rc = af_store_copies(p->store, batch, &list, &n, err);
  if (!rc && !as_text(p) && p->document) json_object_set_new(p->document, "copies", json_array());
  for (size_t i = 0; i < n; i++) {
    struct af_stored s;
    if (!rc) rc = af_stored_read(&s, p->store, &list[i], err);
    if (!rc && as_text(p)) put_copy(p, &s.view);
    else if (!rc) give(p, "copies", af_json_copy(&s.view));
    if (!rc) af_stored_done(&s);
  }
  for (size_t i = 0; i < n; i++) af_copy_row_done(&list[i]);
  free(list);
  return rc;
}

static int show_batch(struct page *p, const char *name, struct af_error *err) {
  struct af_batch_row b = {0};
  struct af_tally t;
  int rc = af_batch_find(p->store, name, &b, err);
  if (rc) return rc;
  rc = count_batch(p, b.id, &t, err);
  if (!rc && as_text(p)) put_batch(p, &b, &t);
  else if (!rc) give(p, "batch", json_batch(p, &b, &t));
  if (!rc) rc = show_copies(p, b.id, err);
  if (!rc && as_text(p)) put_stopped(p, "", &b, &t); /* behind them: there may be more than a screen shows */
  af_batch_row_done(&b);
  return rc;
}

/* --- access that is still open --- */

static void put_exposure(struct page *p, const struct af_exposure_row *x) {
  af_buf_printf(&p->text, "access %s: %s of %s (account %s, %s) to %s\n", af_exposure_state_name(x->state), x->kind, x->resource, x->account, x->region,
                x->grantee);
}

static int show_exposures(struct page *p, struct af_error *err) {
  struct af_exposure_row *list = NULL;
  size_t n = 0;
  int rc = af_store_exposures_open(p->store, &list, &n, err);
  for (size_t i = 0; i < n; i++) {
    if (as_text(p)) put_exposure(p, &list[i]);
    else give(p, "open_access", af_json_exposure(&list[i]));
    af_exposure_row_done(&list[i]);
  }
  free(list);
  return rc;
}

/* --- once, or again and again --- */

static int fill(struct page *p, struct af_error *err) {
  const char *name = p->inv->n_args ? p->inv->args[0] : NULL;
  if (p->inv->settings.output == AF_OUTPUT_JSON) p->document = json_pack("{s:[]}", "open_access");
  if (p->document && !name) json_object_set_new(p->document, "batches", json_array());
  p->owner = -1;
  if (p->store) look_for_owner(p);
  int rc = !p->store ? 0 : name ? show_batch(p, name, err) : show_batches(p, err);
  if (!rc && p->document) json_object_set_new(p->document, "owner", json_owner(p));
  return rc || !p->store ? rc : show_exposures(p, err);
}

/* Redrawn from the top of the screen on a terminal; one page after the other where there is none. */
static void print_page(struct page *p) {
  if (values.watch && p->terminal.tty && as_text(p)) fputs("\033[H\033[2J", stdout);
  if (as_text(p)) af_print_text(&p->text);
  else if (p->document) af_print_json(p->document, AF_OUTPUT_JSON);
}

enum standing { ENDED, STOPPED, AT_WORK }; /* of what was shown: STOPPED is under way, and no process is at it */

static int show_once(const struct af_invocation *inv, const struct af_wiring *w, enum standing *ret, struct af_error *err) {
  struct page p = {.inv = inv, .db = w->db, .store = w->store};
  af_terminal_look(&p.terminal, STDOUT_FILENO);
  af_buf_init(&p.text, TEXT_MAX);
  int rc = fill(&p, err);
  if (!rc && !as_text(&p) && inv->settings.output == AF_OUTPUT_JSON && !p.document) rc = af_error_nomem(err);
  if (!rc) print_page(&p);
  *ret = !p.under_way ? ENDED : p.tended ? AT_WORK : STOPPED;
  af_buf_done(&p.text);
  json_decref(p.document);
  return rc;
}

static int watch(const struct af_invocation *inv, const struct af_wiring *w, enum standing *ret, struct af_error *err) {
  const volatile int *stop = af_wiring_signals();
  const struct timespec pause = {.tv_sec = WATCH_MS / 1000};
  for (int alone = 0;;) {
    int rc = show_once(inv, w, ret, err);
    if (rc || !af_print_flush() || *ret == ENDED) return rc;
    alone = *ret == STOPPED ? alone + 1 : 0;
    if (alone == ALONE_MAX) return 0;
    if (*stop || nanosleep(&pause, NULL)) return af_error_set(err, -AF_ECANCELED, AF_CLASS_CANCELLED, "Interrupted", "interrupted");
  }
}

static int open_store(struct af_wiring *w, const struct af_invocation *inv, struct af_error *err) {
  int rc = af_wiring_store(w, AF_STORE_READER, err);
  if (rc != -AF_ENOENT) return rc;
  if (inv->n_args) return af_error_set(err, -AF_ENOENT, AF_CLASS_INVALID, "NoBatch", "no batch %.64s: there is no database at %s", inv->args[0], w->db);
  af_say("there is no database yet at %s", w->db);
  return 0;
}

static int run(const struct af_invocation *inv) {
  struct af_wiring w = {0};
  enum standing standing = ENDED;
  struct af_error err;
  int rc = af_wiring_init(&w, &inv->settings, &err);
  if (!rc) rc = open_store(&w, inv, &err);
  if (!rc) rc = (values.watch ? watch : show_once)(inv, &w, &standing, &err);
  af_wiring_done(&w);
  if (!rc) return values.watch && standing == STOPPED ? AF_EXIT_INTERRUPTED : AF_EXIT_DONE;
  if (rc != -AF_ECANCELED) af_say_error(&err);
  return af_exit_of(rc, &err);
}

const struct af_command af_command_status = {
    .name = "status", .arguments = "[BATCH]", .max_args = 1,
    .summary = "show what is where, and what it waits for",
    .text = "Without BATCH all batches, with it the copies of that one; and the access that amiferry has opened and not taken back yet. It reads the "
            "database only, and works while another process carries copies out. Where none does, or where that one is at work on another batch, it says so, and what to type "
            "to go on.\n"
            "--watch exits with 0 once nothing is under way any more, and with 130 where something is and no process has been at work on it for some "
            "seconds.",
    .sets = {&set}, .run = run};
