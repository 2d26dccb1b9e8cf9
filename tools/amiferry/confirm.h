/* Asking before something is taken away that somebody may use. */
#ifndef AF_TOOLS_AMIFERRY_CONFIRM_H
#define AF_TOOLS_AMIFERRY_CONFIRM_H

#include "base/buf.h"
#include "base/error.h"

struct af_confirm { /* borrowed */
  const char *command, *argument; /* "undo", "cp-1a2b3c4d5e6f": what would have to be typed, with yes behind it */
  const char *yes;                /* the options that go on without asking: "--yes" */
  const char *does;               /* "takes this away" */
  const struct af_buf *goes;      /* what, in lines */
  bool said;                      /* --yes was given */
  const volatile int *stop;
};
/* Says what goes; 0 where it is wanted. Nothing is asked where it was said already, and where there is no terminal: then it isn't wanted. */
int af_confirm(const struct af_confirm *c, struct af_error *err);

#endif
