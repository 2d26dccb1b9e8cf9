/* amiferry undo: a finished copy is taken away again: its AMI deregistered, its snapshots deleted. It removes what somebody
 * may already use, so it shows what goes, and asks. */
#include <stdlib.h>

#include "tools/amiferry/ask.h"
#include "tools/amiferry/commands.h"
#include "tools/amiferry/confirm.h"
#include "tools/amiferry/find.h"

static struct {
  bool yes;
} values;
static const struct af_option options[] = {
    {"yes", NULL, AF_OPTION_FLAG, 0, "don't ask: take it away"},
    {0},
};
static const struct af_option_set set = {"Options", options, &values};

enum { NAMED_MOST = 5 };

struct victim {
  char id[1][64];
  char batch[64];
  bool ask;          /* it is done, and there is something to take away */
  size_t n_others;   /* copies that found the image there and took it for theirs */
  struct af_buf goes; /* what, in lines */
};

/* What of this kind is there still, a line each; returns how many. */
static size_t put_each(struct victim *v, const struct af_effect_row *list, size_t n, const char *kind, const char *does) {
  size_t found = 0;
  for (size_t i = 0; i < n; i++) {
    if (list[i].state != AF_EFFECT_LIVE || !af_streq(list[i].kind, kind)) continue;
    af_buf_printf(&v->goes, "  %-10s %s (account %s, %s)\n", does, list[i].resource, list[i].account, list[i].region);
    found++;
  }
  return found;
}

/* In the order in which it goes: AWS deletes no snapshot that an image holds. Those that came with the image are known to AWS alone. */
static void put_goes(struct victim *v, const struct af_effect_row *list, size_t n) {
  size_t images = put_each(v, list, n, "image", "deregister"), snapshots = put_each(v, list, n, "snapshot", "delete");
  if (images && !snapshots) af_buf_puts(&v->goes, "  delete     its snapshots\n");
  v->ask = images || snapshots;
}

static bool stands_on(const struct af_copy_row *other) {
  bool found = af_streq(other->route, af_route_name(AF_ROUTE_ADOPT)) || af_streq(other->route, af_route_name(AF_ROUTE_SKIP));
  bool lost = other->state == AF_COPY_FAILED || other->state == AF_COPY_CANCELLED;
  return found && !lost;
}

static void put_other(struct victim *v, const struct af_copy_row *other) {
  if (v->n_others++ < NAMED_MOST) af_buf_printf(&v->goes, "  %s of batch %s stands on it, too\n", other->id, other->batch_id);
}

/* The newest come first: a manifest that is run every night takes the same image over each time. */
static int look_at_others(struct victim *v, struct af_store *s, const char *image, struct af_error *err) {
  struct af_copy_row *list = NULL;
  size_t n = 0;
  int rc = af_store_copies_of_image(s, image, &list, &n, err);
  for (size_t i = 0; i < n; i++) {
    if (stands_on(&list[i])) put_other(v, &list[i]);
    af_copy_row_done(&list[i]);
  }
  free(list);
  if (v->n_others > NAMED_MOST) af_buf_printf(&v->goes, "  and so do %zu others\n", v->n_others - NAMED_MOST);
  return rc;
}

static int look_at(struct victim *v, struct af_store *s, const char *name, struct af_error *err) {
  struct af_copy_row row = {0};
  struct af_effect_row *list = NULL;
  size_t n = 0;
  int rc = af_copy_find(s, name, &row, err);
  if (!rc) {
    AF_COPY(v->id[0], af_str(row.id));
    AF_COPY(v->batch, af_str(row.batch_id));
    rc = af_store_effects(s, row.id, &list, &n, err);
  }
  if (row.state == AF_COPY_DONE) put_goes(v, list, n);
  for (size_t i = 0; i < n; i++) af_effect_row_done(&list[i]);
  free(list);
  if (!rc && v->ask && row.image_id) rc = look_at_others(v, s, row.image_id, err);
  af_copy_row_done(&row);
  return rc;
}

static int confirm(const struct victim *v, const volatile int *stop, struct af_error *err) {
  const struct af_confirm question = {.command = "undo", .argument = v->id[0], .yes = "--yes", .does = "takes this away", .goes = &v->goes,
                                      .said = values.yes, .stop = stop};
  return af_confirm(&question, err);
}

/* The database isn't taken before the answer is there: a question that stands on a screen keeps nobody out. */
static int prepare(struct af_carry *c, struct victim *v, const struct af_invocation *inv, struct af_error *err) {
  int rc = af_carry_stored(c, &inv->settings, inv->args[0], err);
  if (!rc) rc = af_wiring_store(&c->wiring, AF_STORE_READER, err);
  if (!rc) rc = look_at(v, c->wiring.store, inv->args[0], err);
  af_store_close(c->wiring.store);
  c->wiring.store = NULL;
  if (!rc && v->ask) rc = confirm(v, c->stop, err);
  if (!rc) rc = af_carry_owner(c, err);
  if (!rc) rc = af_engine_undo(c->wiring.engine, v->id[0], err);
  AF_COPY(c->batch, af_str(v->batch));
  return rc;
}

static int run(const struct af_invocation *inv) {
  struct victim v = {.ask = false};
  struct af_carry c = {0};
  struct af_error err;
  af_buf_init(&v.goes, 4096);
  int rc = prepare(&c, &v, inv, &err);
  if (rc) af_say_error(&err);
  int exit_code = rc ? (int)af_exit_of(rc, &err) : af_ask_exit(c.wiring.store, v.id, 1, AF_COPY_CANCELLED, af_carry_out(&c));
  af_buf_done(&v.goes);
  af_carry_done(&c);
  return exit_code;
}

const struct af_command af_command_undo = {
    .name = "undo", .arguments = "COPY", .min_args = 1, .max_args = 1,
    .summary = "take a finished copy away: deregister its AMI, delete its snapshots",
    .text = "It says what goes and asks first; without a terminal, --yes says so. What was there before (an adopted copy) is never taken away; "
            "where later copies have adopted what goes, they are named. "
            "Exits with 0 when all of it is gone.",
    .sets = {&set, &af_option_set_engine}, .run = run};
