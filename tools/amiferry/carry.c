/* Batches carried to their end. What is said here is what a person who was interrupted needs: which batch it is, that nothing is lost,
 * and what to type to go on. */
#include "tools/amiferry/carry.h"

#include <stdio.h>
#include <unistd.h>

int af_carry_begin(struct af_carry *c, const struct af_settings *settings, struct af_error *err) {
  *c = (struct af_carry){.stop = af_wiring_signals()};
  return af_wiring_init(&c->wiring, settings, err);
}

bool af_carry_has_database(struct af_carry *c) {
  struct af_error err;
  int rc = af_wiring_store(&c->wiring, AF_STORE_READER, &err);
  af_store_close(c->wiring.store);
  c->wiring.store = NULL;
  return rc != -AF_ENOENT; /* whatever else is wrong with it, its owner will say */
}

int af_carry_stored(struct af_carry *c, const struct af_settings *settings, const char *name, struct af_error *err) {
  int rc = af_carry_begin(c, settings, err);
  if (rc || af_carry_has_database(c)) return rc;
  return af_error_set(err, -AF_ENOENT, AF_CLASS_INVALID, "NotFound", "no copy or batch %.64s: there is no database at %s", name, c->wiring.db);
}

static void on_turn(void *ctx) {
  struct af_carry *c = ctx;
  af_door_turn(c->door, c->wiring.engine);
  af_progress_turn(c->progress);
}

static void on_event(void *ctx, const struct af_copy_row *copy, const struct af_step_row *step, const struct af_event_row *event) {
  af_progress_event(((struct af_carry *)ctx)->progress, copy, step, event);
}

/* Copies can be carried out without it. */
static void open_door(struct af_carry *c) {
  struct af_error err;
  if (!af_door_open(&c->door, c->wiring.db, c->wiring.clock, &err)) return;
  c->door = NULL;
  af_say("%s: cancel and retry can't reach this process", err.message);
}

int af_carry_owner(struct af_carry *c, struct af_error *err) {
  int rc = af_wiring_store(&c->wiring, AF_STORE_OWNER, err);
  if (!rc && af_progress_new(&c->progress, &c->wiring, c->stop)) rc = af_error_nomem(err);
  if (rc) return rc;
  if (!c->wiring.log_file) c->wiring.log.out = af_progress_log(c->progress);
  struct af_engine_config hooks = {.stop = c->stop, .on_turn = on_turn, .on_event = on_event, .ctx = c};
  open_door(c);
  rc = af_wiring_client(&c->wiring, err);
  return rc ? rc : af_wiring_engine(&c->wiring, &hooks, err);
}

void af_carry_done(struct af_carry *c) {
  af_door_close(c->door);
  c->wiring.log.out = NULL; /* it may be the progress's */
  struct af_progress *p = c->progress;
  af_wiring_done(&c->wiring);
  af_progress_free(p);
}

/* --- results --- */

static void print_results(const struct af_carry *c, bool ended_only) {
  const struct af_engine *e = c->wiring.engine;
  enum af_output_format format = (enum af_output_format)c->wiring.settings->output;
  struct af_terminal terminal;
  struct af_list list = {.format = format};
  af_terminal_look(&terminal, STDOUT_FILENO);
  if (format != AF_OUTPUT_TEXT) af_list_begin(&list, format);
  for (size_t i = 0; i < af_engine_count(e); i++) {
    struct af_copy_view v;
    af_engine_view(e, i, &v);
    if (format != AF_OUTPUT_TEXT) {
      af_list_add(&list, af_json_copy(&v));
    } else if (!ended_only || af_copy_state_ended(v.row->state) || v.row->state == AF_COPY_BLOCKED) {
      struct af_buf text;
      af_buf_init(&text, 16 * 1024);
      af_put_result(&text, &v, &terminal);
      af_print_text(&text);
      af_buf_done(&text);
    }
  }
  if (format != AF_OUTPUT_TEXT) af_list_end(&list);
}

static void sum_up(const struct af_carry *c, struct af_tally *ret) {
  struct af_buf text;
  *ret = (struct af_tally){0};
  for (size_t i = 0; i < af_engine_count(c->wiring.engine); i++) {
    struct af_copy_view v;
    af_engine_view(c->wiring.engine, i, &v);
    af_tally_add(ret, &v);
  }
  af_buf_init(&text, 200);
  af_put_tally(&text, ret);
  af_say("%s", af_buf_cstr(&text));
  af_buf_done(&text);
}

/* What to type, and when. */
static void say_resume(const struct af_carry *c, const char *when) {
  af_say("%s: amiferry resume%s%s%s", when, *c->batch ? " " : "", c->batch, af_database_words());
}

int af_carry_out(struct af_carry *c) {
  struct af_error err;
  struct af_tally tally;
  say_resume(c, "to resume it after a stop or a crash");
  af_progress_begin(c->progress, c->wiring.engine);
  int rc = af_engine_run(c->wiring.engine, &err);
  af_progress_end(c->progress);
  af_door_close(c->door); /* nobody looks at it any more */
  c->door = NULL;
  if (rc && rc != -AF_ECANCELED) {
    af_say_error(&err);
    say_resume(c, "nothing is lost: all that was begun is written down. To go on");
    return AF_EXIT_FAILED;
  }
  print_results(c, rc == -AF_ECANCELED);
  if (!af_print_flush()) return AF_EXIT_FAILED;
  sum_up(c, &tally);
  if (rc == -AF_ECANCELED) say_resume(c, "stopped; to go on");
  else if (tally.blocked) say_resume(c, "a person is needed, see above; then");
  return rc == -AF_ECANCELED ? AF_EXIT_INTERRUPTED : (int)af_tally_exit(&tally);
}
