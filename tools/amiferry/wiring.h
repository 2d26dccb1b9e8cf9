/* Where the program meets the world: the environment, clock, randomness, terminals, signals, files and the network are reached from
 * here and nowhere else, and handed down as vtables (design section 3, rule 7). */
#ifndef AF_TOOLS_AMIFERRY_WIRING_H
#define AF_TOOLS_AMIFERRY_WIRING_H

#include <limits.h>

#include "engine/engine.h"
#include "tools/amiferry/options.h"

struct af_terminal {
  bool tty;    /* somebody looks at it */
  bool colour; /* and may be shown colours: no NO_COLOR, no TERM=dumb */
  bool utf8;   /* of the locale */
};
void af_terminal_look(struct af_terminal *ret, int fd);
bool af_terminal_size(int fd, int *ret_columns, int *ret_rows); /* false where it has none */

struct af_wiring {
  const struct af_settings *settings; /* borrowed */
  struct af_steady steady;
  const struct af_clock *clock; /* the steady one */
  const struct af_env *env;
  struct af_log log;
  FILE *log_file;    /* owned; NULL: standard error */
  char db[PATH_MAX]; /* the database's path */
  struct af_store *store;
  struct af_http *http;
  struct af_aws *aws;
  struct af_engine *engine;
};

/* Once, before anything else: no core dumps (secrets are in memory), SIGPIPE and SIGXFSZ ignored, the locale. */
void af_wiring_harden(void);

/* Clock, environment, log and the database's path; nothing is opened but the log file. The rest as it is needed, in this order; each has
 * to be asked for before what stands on it. */
int af_wiring_init(struct af_wiring *w, const struct af_settings *settings, struct af_error *err);
int af_wiring_store(struct af_wiring *w, enum af_store_mode mode, struct af_error *err);
int af_wiring_client(struct af_wiring *w, struct af_error *err);
/* hooks: stop, on_turn, on_event and ctx of it are taken; the rest is filled from the wiring and the settings. May be NULL. */
int af_wiring_engine(struct af_wiring *w, const struct af_engine_config *hooks, struct af_error *err);
void af_wiring_done(struct af_wiring *w); /* takes what was never initialised, if it is zeroed */

/* SIGINT, SIGTERM and SIGHUP: the first sets the flag (1), the second ends the process at once with 130: the store stands that. */
const volatile int *af_wiring_signals(void);

#endif
