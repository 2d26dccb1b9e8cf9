/* The door: a Unix socket beside the database, through which other processes of the same user ask the one that owns it for a change
 * (cancel, retry), or whether it carries something out. The owner looks at it once a turn and never waits for a guest. One line of JSON
 * each way:
 *
 *   {"ask": "cancel" | "retry" | "carries", "id": a copy's or a batch's}
 *   {"loaded": copies of it that the owner carries out and that have not ended, "changed": how many it made a difference to}
 *   {"error": why not} */
#ifndef AF_TOOLS_AMIFERRY_DOOR_H
#define AF_TOOLS_AMIFERRY_DOOR_H

#include <jansson.h>

#include "engine/engine.h"

/* What can be asked for. */
struct af_wish {
  const char *name;
  int patience_s; /* of who asks */
  int (*ask)(struct af_engine *e, const char *id, size_t *ret_n, struct af_error *err);
};
const struct af_wish *af_wish_find(const char *name); /* NULL where there is none */
/* Copies named by id (their own or their batch's) that the engine holds and that have not ended. */
size_t af_wish_loaded(const struct af_engine *e, const char *id);

struct af_door;
/* For the owner of the database: the socket that an earlier owner left is replaced. */
int af_door_open(struct af_door **ret, const char *db, const struct af_clock *clock, struct af_error *err);
void af_door_turn(struct af_door *d, struct af_engine *e); /* d may be NULL */
void af_door_close(struct af_door *d);                     /* takes NULL; removes the socket */

/* For the others: asks the owner. -AF_EBUSY where it can't be reached, answers nothing that makes sense, or refuses. */
int af_door_ask(const char *db, const char *wish, const char *id, size_t *ret_loaded, size_t *ret_changed, struct af_error *err);

#endif
