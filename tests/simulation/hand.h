/* What a person does at AWS while amiferry is at work: calls of their own, which no intent of amiferry's is about. */
#ifndef AF_TESTS_SIMULATION_HAND_H
#define AF_TESTS_SIMULATION_HAND_H

#include "tests/simulation/rig.h"

/* Sent through the engine's client: no flight of the engine has its tag, so that nobody waits for the answer. Takes the input over. */
int by_hand(struct rig *r, struct af_engine *e, const struct af_op *op, struct af_session *session, const char *region, json_t *input,
            struct af_error *err);
/* Removes what the first step of this kind has made or opened, of a copy that has not ended; false where there is no such thing
 * now. */
bool hand_removes(struct rig *r, struct af_engine *e, const char *step_kind);

#endif
