/* What run, resume, cancel, retry and undo share: batches that an engine holds, carried to their end, with progress, signals, results and the exit code. */
#ifndef AF_TOOLS_AMIFERRY_CARRY_H
#define AF_TOOLS_AMIFERRY_CARRY_H

#include "tools/amiferry/door.h"
#include "tools/amiferry/output.h"
#include "tools/amiferry/progress.h"

struct af_carry {
  struct af_wiring wiring;
  struct af_progress *progress;
  struct af_door *door; /* NULL where it could not be made, and once the run is over */
  const volatile int *stop;
  char batch[64]; /* to be named in "amiferry resume"; "" for all */
};

/* The settings, and signals that stop it; then the database, taken, with the client and the engine. */
int af_carry_begin(struct af_carry *c, const struct af_settings *settings, struct af_error *err);
bool af_carry_has_database(struct af_carry *c);
/* Begins with what must be stored already: -AF_ENOENT where there is no database that name could be in. */
int af_carry_stored(struct af_carry *c, const struct af_settings *settings, const char *name, struct af_error *err);
int af_carry_owner(struct af_carry *c, struct af_error *err);
/* Runs the engine and prints the results; returns the exit code. */
int af_carry_out(struct af_carry *c);
void af_carry_done(struct af_carry *c);

#endif
