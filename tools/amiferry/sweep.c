/* amiferry sweep: what carries amiferry's tags in the accounts and Regions of a manifest and no copy needs, listed; and deleted, where that
 * is asked for. The list is made without the database's lock, beside a running process; before anything is deleted the database is taken and
 * the list made anew, and only what was shown and still is an orphan goes: a running copy may have come to need it.
 *
 * json    {"things": [thing, ...], "unread": [unread, ...], "totals": totals}
 * ndjson  the same objects, one a line; each says its "type"
 *
 * thing   {"type": "thing", "verdict": "orphan|unknown|adoptable", "account", "region", "kind":
 *          "instance|volume|security-group|image|snapshot|grant", "id", "copy", "temporary", "bytes", "made", "why", "deleted", "error": error}
 *         deleted: false where it was not asked for, too; unknown: of a copy that this database doesn't know; adoptable: a whole AMI of such
 *         a copy, which is never deleted. What live copies need and what finished ones made is only counted
 * unread  {"type": "unread", "what", "account", "region", "error": error}
 * totals  {"type": "totals", "needed", "kept", "orphan", "unknown", "adoptable", "deleted", "failed", "unread"} */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "plans/estimate.h"
#include "tools/amiferry/commands.h"
#include "tools/amiferry/confirm.h"
#include "tools/amiferry/output.h"

enum { TEXT_MAX = 16 * 1024 * 1024 };

static struct {
  bool delete, unknown, yes;
} values;
static const struct af_option options[] = {
    {"delete", NULL, AF_OPTION_FLAG, offsetof(__typeof__(values), delete), "delete what no copy needs"},
    {"unknown", NULL, AF_OPTION_FLAG, offsetof(__typeof__(values), unknown),
     "with --delete: delete what copies made that this database doesn't know, too"},
    {"yes", NULL, AF_OPTION_FLAG, offsetof(__typeof__(values), yes), "with --delete: don't ask"},
    {0},
};
static const struct af_option_set set = {"Options", options, &values};

struct sweeping {
  const struct af_invocation *inv;
  struct af_wiring wiring;
  struct af_manifest manifest;
  struct af_sweep found; /* what is shown, and what became of it */
  const volatile int *stop;
  int64_t now_ms;
};

/* --- counts --- */

static size_t count_deleted(const struct af_sweep *s) {
  size_t n = 0;
  for (size_t i = 0; i < s->n; i++) n += s->things[i].deleted && !s->things[i].error;
  return n;
}

static size_t count_failed(const struct af_sweep *s) {
  size_t n = 0;
  for (size_t i = 0; i < s->n; i++) n += s->things[i].error != NULL;
  return n;
}

static enum af_exit exit_of(const struct af_sweep *s) {
  if (count_failed(s)) return AF_EXIT_FAILED;
  return s->n_unread ? AF_EXIT_BLOCKED : AF_EXIT_DONE;
}

/* --- text --- */

static void put_thing(struct af_buf *out, const struct af_sweep_thing *t, int64_t now_ms) {
  char age[AF_TIME_SIZE] = "";
  struct af_buf size;
  af_buf_init(&size, 64);
  if (t->made_ms) af_time_span(now_ms > t->made_ms ? now_ms - t->made_ms : 0, age);
  if (t->bytes) af_bytes_text(&size, t->bytes);
  af_buf_printf(out, "  %-12s  %-14s  %-14s  ", t->account, t->region, af_sweep_kind_name(t->kind));
  af_put_text(out, t->id);
  af_buf_printf(out, "%*s  %9s  %7s  ", (int)(strlen(t->id) < 21 ? 21 - strlen(t->id) : 0), "", af_buf_cstr(&size), age);
  af_put_text(out, t->copy);
  af_buf_printf(out, "  %s", t->why);
  af_buf_done(&size);
}

static void put_fate(struct af_buf *out, const struct af_sweep_thing *t, const struct af_terminal *terminal) {
  if (t->deleted && !t->error) {
    af_buf_puts(out, "  ");
    af_put_tinted(out, terminal, AF_TINT_GOOD, "deleted");
  }
  af_buf_putc(out, '\n');
  if (t->error) af_put_error(out, t->error);
}

static const struct {
  enum af_sweep_verdict verdict;
  const char *title;
} parts[] = {
    {AF_SWEEP_ORPHAN, "orphans: no copy needs them\n"},
    {AF_SWEEP_UNKNOWN, "unknown: this database doesn't know their copies; another one's may be under way\n"},
    {AF_SWEEP_ADOPTABLE, "whole AMIs of copies that this database doesn't know: they are never deleted, and a run of their manifest adopts them\n"},
};
#define N_PARTS (sizeof(parts) / sizeof(parts[0]))

static void put_unread(struct af_buf *out, const struct af_sweep *s) {
  if (s->n_unread) af_buf_puts(out, "could not be looked at\n");
  for (size_t i = 0; i < s->n_unread; i++) {
    const struct af_sweep_unread *u = &s->unread[i];
    af_buf_printf(out, "  %-12s  %-14s  %s\n", u->account, u->region, u->what);
    af_put_error(out, &u->error);
  }
}

static void put_totals(struct af_buf *out, const struct af_sweep *s) {
  size_t deleted = count_deleted(s), failed = count_failed(s);
  af_buf_printf(out, "%zu %s, %zu unknown, %zu whole %s of unknown copies; left alone: %zu of unfinished copies, %zu of finished ones or in use\n",
                s->verdicts[AF_SWEEP_ORPHAN], s->verdicts[AF_SWEEP_ORPHAN] == 1 ? "orphan" : "orphans", s->verdicts[AF_SWEEP_UNKNOWN],
                s->verdicts[AF_SWEEP_ADOPTABLE], s->verdicts[AF_SWEEP_ADOPTABLE] == 1 ? "AMI" : "AMIs", s->verdicts[AF_SWEEP_NEEDED],
                s->verdicts[AF_SWEEP_KEPT]);
  if (deleted + failed) af_buf_printf(out, "%zu deleted, %zu could not be\n", deleted, failed);
}

static void print_text(const struct sweeping *x) {
  const struct af_sweep *s = &x->found;
  struct af_terminal t;
  struct af_buf out;
  af_terminal_look(&t, STDOUT_FILENO);
  af_buf_init(&out, TEXT_MAX);
  for (size_t p = 0; p < N_PARTS; p++) {
    if (s->verdicts[parts[p].verdict]) af_buf_puts(&out, parts[p].title);
    for (size_t i = 0; i < s->n; i++) {
      if (s->things[i].verdict != parts[p].verdict) continue;
      put_thing(&out, &s->things[i], x->now_ms);
      put_fate(&out, &s->things[i], &t);
    }
  }
  put_unread(&out, s);
  put_totals(&out, s);
  af_print_text(&out);
  af_buf_done(&out);
}

/* --- JSON --- */

static json_t *json_thing(const struct af_sweep_thing *t) {
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:I, s:o, s:s, s:b, s:o}", "type", "thing", "verdict", af_sweep_verdict_name(t->verdict),
                   "account", t->account, "region", t->region, "kind", af_sweep_kind_name(t->kind), "id", af_json_text(t->id), "copy",
                   af_json_text(t->copy), "temporary", t->temporary, "bytes", (json_int_t)t->bytes, "made", af_json_time(t->made_ms), "why", t->why,
                   "deleted", t->deleted && !t->error, "error", t->error ? af_json_error(t->error) : json_null());
}

static json_t *json_totals(const struct af_sweep *s) {
  json_t *o = json_pack("{s:s, s:I, s:I, s:I}", "type", "totals", "deleted", (json_int_t)count_deleted(s), "failed", (json_int_t)count_failed(s),
                        "unread", (json_int_t)s->n_unread);
  for (int v = 0; v < AF_SWEEP_VERDICT_MAX_; v++)
    json_object_set_new(o, af_sweep_verdict_name((enum af_sweep_verdict)v), json_integer((json_int_t)s->verdicts[v]));
  return o;
}

static void give(json_t *document, const char *list, json_t *item, enum af_output_format format) {
  if (format == AF_OUTPUT_NDJSON && item) af_print_json(item, format);
  if (format == AF_OUTPUT_NDJSON) json_decref(item);
  else json_array_append_new(json_object_get(document, list), item);
}

static void print_json(const struct af_sweep *s, enum af_output_format format) {
  json_t *document = json_pack("{s:[], s:[]}", "things", "unread");
  for (size_t i = 0; i < s->n; i++) give(document, "things", json_thing(&s->things[i]), format);
  for (size_t i = 0; i < s->n_unread; i++) {
    const struct af_sweep_unread *u = &s->unread[i];
    give(document, "unread",
         json_pack("{s:s, s:s, s:s, s:s, s:o}", "type", "unread", "what", u->what, "account", u->account, "region", u->region, "error",
                   af_json_error(&u->error)),
         format);
  }
  json_object_set_new(document, "totals", json_totals(s));
  if (document) af_print_json(format == AF_OUTPUT_NDJSON ? json_object_get(document, "totals") : document, format);
  json_decref(document);
}

/* --- looking --- */

/* Without a database nothing is known, which is what somebody wants to see who has lost it. */
static int look(struct sweeping *x, struct af_error *err) {
  struct af_engine_config hooks = {.stop = x->stop};
  int rc = af_wiring_store(&x->wiring, AF_STORE_READER, err);
  if (rc == -AF_ENOENT) {
    af_say("there is no database at %s: no copy is known", x->wiring.db);
    rc = 0;
  }
  if (!rc) rc = af_wiring_client(&x->wiring, err);
  if (!rc) rc = af_wiring_engine(&x->wiring, &hooks, err);
  if (!rc) rc = af_engine_sweep(x->wiring.engine, &x->manifest, &x->found, err);
  return rc;
}

static bool goes(const struct af_sweep_thing *t) {
  return af_sweep_deletes(t->verdict, values.unknown);
}

static size_t count_going(const struct af_sweep *s) {
  size_t n = 0;
  for (size_t i = 0; i < s->n; i++) n += goes(&s->things[i]);
  return n;
}

/* --- deleting --- */

static int confirm(const struct sweeping *x, struct af_error *err) {
  struct af_buf list;
  af_buf_init(&list, TEXT_MAX);
  for (size_t i = 0; i < x->found.n; i++) {
    if (!goes(&x->found.things[i])) continue;
    put_thing(&list, &x->found.things[i], x->now_ms);
    af_buf_putc(&list, '\n');
  }
  const struct af_confirm question = {.command = "sweep", .argument = x->inv->args[0], .does = "deletes this", .goes = &list,
                                      .yes = values.unknown ? "--delete --unknown --yes" : "--delete --yes", .said = values.yes, .stop = x->stop};
  int rc = af_confirm(&question, err);
  af_buf_done(&list);
  return rc;
}

/* From here on nobody else carries copies of this database out. */
static int take_database(struct sweeping *x, struct af_error *err) {
  struct af_engine_config hooks = {.stop = x->stop};
  af_engine_free(x->wiring.engine);
  x->wiring.engine = NULL;
  af_store_close(x->wiring.store);
  x->wiring.store = NULL;
  int rc = af_wiring_store(&x->wiring, AF_STORE_OWNER, err);
  return rc ? rc : af_wiring_engine(&x->wiring, &hooks, err);
}

static int delete_them(struct sweeping *x, struct af_error *err) {
  struct af_sweep now = {0};
  int rc = confirm(x, err);
  if (!rc) rc = take_database(x, err);
  if (!rc) rc = af_engine_sweep(x->wiring.engine, &x->manifest, &now, err);
  if (rc) return rc;
  for (size_t i = 0; i < now.n; i++) {
    const struct af_sweep_thing *shown = af_sweep_find(&x->found, &now.things[i]);
    now.things[i].doomed = goes(&now.things[i]) && shown && goes(shown);
  }
  af_sweep_done(&x->found);
  x->found = now;
  return af_engine_sweep_delete(x->wiring.engine, &x->manifest, &x->found, err);
}

/* --- the command --- */

static int check_options(struct af_error *err) {
  if (values.delete || (!values.unknown && !values.yes)) return 0;
  return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "Options", "--unknown and --yes go with --delete");
}

static void say_next(const struct sweeping *x) {
  size_t n = x->found.verdicts[AF_SWEEP_ORPHAN];
  if (values.delete || !n) return;
  af_say("nothing was changed; to delete the %s: amiferry sweep %s --delete%s", n == 1 ? "orphan" : "orphans", x->inv->args[0], af_database_words());
}

static int carry_out(struct sweeping *x, struct af_error *err) {
  int rc = af_wiring_init(&x->wiring, &x->inv->settings, err);
  if (rc) return rc;
  x->now_ms = af_now_ms(x->wiring.clock);
  rc = look(x, err);
  if (!rc && values.delete && count_going(&x->found)) rc = delete_them(x, err);
  return rc;
}

static int run(const struct af_invocation *inv) {
  struct sweeping x = {.inv = inv, .stop = af_wiring_signals()};
  struct af_mistakes more = {.n = 0};
  struct af_error err;
  int exit_code, rc = check_options(&err);
  if (!rc) rc = af_manifest_read_file(&x.manifest, inv->args[0], &more, &err);
  bool user = rc && rc != -AF_ENOMEM;
  if (!rc) rc = carry_out(&x, &err);
  if (rc) af_say_error(&err);
  else if (inv->settings.output == AF_OUTPUT_TEXT) print_text(&x);
  else print_json(&x.found, (enum af_output_format)inv->settings.output);
  if (!rc) say_next(&x);
  af_say_mistakes(&more);
  exit_code = user ? AF_EXIT_USAGE : rc ? (int)af_exit_of(rc, &err) : (int)exit_of(&x.found);
  af_sweep_done(&x.found);
  af_wiring_done(&x.wiring);
  af_manifest_done(&x.manifest);
  return exit_code;
}

const struct af_command af_command_sweep = {
    .name = "sweep", .arguments = "MANIFEST", .min_args = 1, .max_args = 1,
    .summary = "list what amiferry made and no copy needs, in all accounts and Regions of a manifest; --delete deletes it",
    .text = "Whatever amiferry makes carries its tags. What a live copy made is needed, what a finished one was made for is kept; what else there is of "
            "copies that have ended are orphans. What carries the id of a copy that this database doesn't know is listed apart, since another database's "
            "copy may be under way: it goes only with --delete --unknown, and whole AMIs among it never.\n"
            "Exits with 0 where all could be looked at (and deleted), with 1 where something could not be deleted, with 4 where something could not be "
            "looked at, with 5 where another process owns the database.",
    .sets = {&set, &af_option_set_engine}, .run = run};
