/* amiferry resume: batches that a stop, a crash or a question to a person left unfinished, carried on. No manifest is needed: what was
 * asked for is in the database. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/amiferry/carry.h"
#include "tools/amiferry/commands.h"
#include "tools/amiferry/find.h"

static int load(struct af_carry *c, const struct af_batch_row *b, struct af_error *err) {
  size_t before = af_engine_count(c->wiring.engine);
  int rc = af_engine_load(c->wiring.engine, b->id, AF_LOAD_RETRY, err);
  size_t n = af_engine_count(c->wiring.engine) - before;
  if (rc) return rc;
  AF_COPY(c->batch, af_str(before ? "" : b->id)); /* of several, none is named */
  af_say("batch %s of %s: %zu %s", b->id, b->manifest_name, n, n == 1 ? "copy" : "copies");
  return 0;
}

static int load_unfinished(struct af_carry *c, struct af_error *err) {
  struct af_batch_row *list = NULL;
  size_t n = 0;
  int rc = af_store_batches(c->wiring.store, &list, &n, err);
  for (size_t i = n; i-- > 0 && !rc;) { /* the oldest first */
    bool unfinished = false;
    rc = af_batch_unfinished(c->wiring.store, list[i].id, &unfinished, err);
    if (!rc && unfinished) rc = load(c, &list[i], err);
  }
  for (size_t i = 0; i < n; i++) af_batch_row_done(&list[i]);
  free(list);
  return rc;
}

static int load_named(struct af_carry *c, const char *name, struct af_error *err) {
  struct af_batch_row b = {0};
  int rc = af_batch_find(c->wiring.store, name, &b, err);
  if (!rc) rc = load(c, &b, err);
  af_batch_row_done(&b);
  return rc;
}

static int prepare(struct af_carry *c, const struct af_invocation *inv, bool *ret_nothing, struct af_error *err) {
  int rc = af_carry_begin(c, &inv->settings, err);
  *ret_nothing = false;
  if (rc) return rc;
  if (!af_carry_has_database(c)) {
    if (inv->n_args)
      return af_error_set(err, -AF_ENOENT, AF_CLASS_INVALID, "NoBatch", "no batch %.64s: there is no database at %s", inv->args[0], c->wiring.db);
    *ret_nothing = true;
    return 0;
  }
  rc = af_carry_owner(c, err);
  if (!rc) rc = inv->n_args ? load_named(c, inv->args[0], err) : load_unfinished(c, err);
  *ret_nothing = !rc && af_engine_count(c->wiring.engine) == 0;
  return rc;
}

static int nothing(const struct af_invocation *inv) {
  struct af_list list;
  af_say("nothing to resume: no batch is unfinished");
  if (inv->settings.output == AF_OUTPUT_JSON) {
    af_list_begin(&list, AF_OUTPUT_JSON);
    af_list_end(&list);
  }
  return AF_EXIT_DONE;
}

static int run(const struct af_invocation *inv) {
  struct af_carry c = {0};
  struct af_error err;
  bool none = false;
  int rc = prepare(&c, inv, &none, &err);
  if (rc) af_say_error(&err);
  int exit_code = rc ? (int)af_exit_of(rc, &err) : none ? nothing(inv) : af_carry_out(&c);
  af_carry_done(&c);
  return exit_code;
}

const struct af_command af_command_resume = {
    .name = "resume", .arguments = "[BATCH]", .max_args = 1,
    .summary = "go on after a crash or a stop, or after a person has seen to what was blocked",
    .text = "Without BATCH all unfinished batches are taken up. Blocked copies are tried again. The beginning of a batch's id is enough.",
    .sets = {&af_option_set_engine}, .run = run};
