/* Asking before something is taken away (confirm.h). The question goes to standard error: standard output is for data. */
#include "tools/amiferry/confirm.h"

#include <stdio.h>
#include <unistd.h>

#include "tools/amiferry/output.h"

int af_confirm(const struct af_confirm *c, struct af_error *err) {
  bool ask = !c->said && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
  char line[16] = "";
  if (!ask) af_say("%s %s:\n%s", c->command, c->does, af_buf_cstr(c->goes));
  if (c->said) return 0;
  if (!ask) {
    af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "NotConfirmed", "%s asks first, and there is no terminal to ask on: nothing was changed",
                 c->command);
    af_error_hint(err, "if it is wanted: amiferry %s %s %s", c->command, c->argument, c->yes);
    return -AF_EINVAL;
  }
  fprintf(stderr, "%s %s:\n%sGo on? [y/N] ", c->command, c->does, af_buf_cstr(c->goes));
  bool said = fgets(line, sizeof(line), stdin);
  if (said && (af_streq(line, "y\n") || af_streq(line, "yes\n"))) return 0;
  if (*c->stop) return af_error_set(err, -AF_ECANCELED, AF_CLASS_CANCELLED, "Interrupted", "interrupted: nothing was changed");
  return af_error_set(err, -AF_EINVAL, AF_CLASS_CANCELLED, "NotConfirmed", "nothing was changed");
}
