/* What cancel, retry and undo share: a person's wish about copies that are stored, carried out here or by the process that owns the
 * database; and what it comes to. */
#ifndef AF_TOOLS_AMIFERRY_ASK_H
#define AF_TOOLS_AMIFERRY_ASK_H

#include "tools/amiferry/carry.h"

struct af_asking {
  const char *wish;         /* door.h */
  enum af_copy_state wanted; /* where the copies are to end */
  const char *asked;        /* "to be cancelled": said of those that it makes a difference to */
  const char *nothing;      /* "nothing to cancel: ..." */
};
/* Of COPY|BATCH, the command's argument. Returns the exit code. */
int af_ask_run(const struct af_invocation *inv, const struct af_asking *asking);

/* The exit code of the copies asked for, by id, as they are stored now, where they were to end as wanted. carried: the code that carrying
 * them out gave, which holds where it was cut short. */
int af_ask_exit(struct af_store *s, char (*ids)[64], size_t n, enum af_copy_state wanted, int carried);

#endif
