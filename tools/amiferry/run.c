/* amiferry run: a manifest's copies, carried out; or taken up again, where the same manifest was begun before. */
#include <stdio.h>

#include "tools/amiferry/carry.h"
#include "tools/amiferry/commands.h"

static int start(struct af_carry *c, const struct af_manifest *m, const char *path, struct af_error *err) {
  bool resumed = false;
  int rc = af_carry_owner(c, err);
  if (!rc) rc = af_engine_start(c->wiring.engine, m, af_streq(path, "-") ? "standard input" : path, c->batch, &resumed, err);
  if (!rc) af_say("batch %s%s: %zu %s", c->batch, resumed ? ", begun before and taken up again" : "", m->n, m->n == 1 ? "copy" : "copies");
  return rc;
}

static int run(const struct af_invocation *inv) {
  struct af_manifest m = {0};
  struct af_carry c = {0};
  struct af_mistakes more;
  struct af_error err;
  int exit_code, rc = af_manifest_read_file(&m, inv->args[0], &more, &err);
  bool manifest = rc != 0; /* whatever is wrong with it: the user has to see to it */
  if (!rc) rc = af_carry_begin(&c, &inv->settings, &err);
  if (!rc) rc = start(&c, &m, inv->args[0], &err);
  if (rc) af_say_error(&err);
  af_say_mistakes(&more);
  exit_code = !rc ? af_carry_out(&c) : (manifest && rc != -AF_ENOMEM) || rc == -AF_EINVAL ? AF_EXIT_USAGE : (int)af_exit_of(rc, &err);
  af_carry_done(&c);
  af_manifest_done(&m);
  return exit_code;
}

const struct af_command af_command_run = {
    .name = "run", .arguments = "MANIFEST", .min_args = 1, .max_args = 1,
    .summary = "plan a manifest's copies and carry them out",
    .text = "The manifest is YAML or JSON; - reads standard input. It is safe to run the same manifest again: an unfinished batch is taken up where it "
            "was, and what is there already is verified and left as it is.\n"
            "Ctrl-C (or SIGTERM, SIGHUP) stops at a safe point; a second one stops at once. Either way, and after a crash, resume goes on.",
    .sets = {&af_option_set_engine}, .run = run};
