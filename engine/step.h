/* A step, as the engine sees one: a pure part that says which call comes next (`ask`) and what an answer means (`answer`). The
 * engine does the rest for every kind alike: intents, retries, exposures, polling, limits. One file a kind in engine/steps/. */
#ifndef AF_ENGINE_STEP_H
#define AF_ENGINE_STEP_H

#include <jansson.h>

#include "engine/aws/client.h"
#include "engine/machine.h"
#include "plans/route.h"

/* What a step may look at: all of it borrowed. */
struct af_step_ctx {
  const struct af_copy_row *copy;
  const struct af_copy_spec *spec;
  const struct af_facts *facts;
  const struct af_decision *decision;
  const struct af_step_row *steps; /* of the copy, all of them */
  size_t n_steps;
  const struct af_step_row *step;         /* this one */
  const json_t *data;                     /* step->data, parsed: an object, never NULL */
  const char *source_image;               /* what is copied, shared or launched: the source AMI, or what was made of it on the way here */
  const char *subject;                    /* what this step is about: step->item, or what stands for it on a bridge; else source_image */
  const struct af_exposure_row *exposure; /* borrowed kinds: what it opens or closes; otherwise NULL */
  const struct af_exposure_row *beside; /* documents: what stands in the same one and changed so lately that a read that was asked at
                                           asked_ms may show it as it was before. To ask() only, once there is something in scratch */
  size_t n_beside;
  json_t **scratch; /* kept between the reads of one step while the process lives; NULL at first, freed by the engine */
  int64_t now_ms;
  int64_t gone_ms;   /* since when the answer to a removal is that nothing is there; 0: it is the first such answer */
  int64_t asked_ms;  /* when the call was sent whose answer this is: AWS's view is no newer than that */
  int64_t window_ms; /* how long AWS's reads may lag behind its writes (eventual consistency) */
};

enum af_side { AF_SOURCE, AF_TARGET };

/* The call that comes next. */
struct af_ask {
  const struct af_op *op; /* NULL: nothing is to be sent, see outcome */
  enum af_side side;      /* whose credentials */
  const char *region;     /* borrowed from the context */
  json_t *input;          /* owned by the ask */
};

enum af_outcome_kind {
  AF_OUT_DEFAULT, /* answer(): let the class of the error decide; where there is none, the reply made no sense */
  AF_OUT_AGAIN,   /* ask again after delay_ms: there is another call to make, or something to wait for */
  AF_OUT_PENDING, /* the effect is there; poll until it has matured */
  AF_OUT_DONE,    /* this face is done */
  AF_OUT_REMAKE,  /* what was made is no good, or nothing was: give it up, and make it anew as the next generation */
  AF_OUT_FAIL,    /* it can't be done: outcome->error says why. Class AUTH blocks the copy, any other fails it */
};
struct af_outcome {
  enum af_outcome_kind kind;
  int64_t delay_ms;
  char resource[256];    /* what was made; "" leaves the row's as it is */
  const char *effect;    /* kind of the effect to be recorded with the resource ("snapshot"); NULL: none */
  bool effect_gone;      /* undo: the effects of this step are gone */
  int progress;          /* percent; -1 leaves it */
  json_t *data;          /* the step's new data, owned; NULL leaves it, and with DONE and REMAKE clears it. With DEFAULT, what the error leaves of it */
  bool lower;            /* FAIL: this route can't do it, another one may */
  bool unseen;           /* what is to be removed isn't shown, which is to be asked again before it is believed */
  bool was_there;        /* borrowed kinds: the access was there before us */
  struct af_error error; /* FAIL, and AGAIN where the error should be shown as what it waits for */
  char note[640];        /* for the event, for a person; "" where the kind says all */
};

/* What polls this kind while it is pending: hundreds at a time in one call (engine/poll.c). */
enum af_poll { AF_POLL_ASK, AF_POLL_SNAPSHOT, AF_POLL_IMAGE };

struct af_step_kind {
  const char *name; /* that of its traits */
  enum af_poll poll;
  /* While data is not empty, a pending step is asked too, whatever polls it: data is a detour that comes first.
   * Fills ret with the next call; or leaves ret->op NULL and sets out (DONE where there is nothing to do). Reads the step's face
   * and state: idle (do or undo), ambiguous (reconcile), pending (only where poll is AF_POLL_ASK). */
  int (*ask)(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out);
  /* What the answer to op means; out begins as AF_OUT_DEFAULT. */
  int (*answer)(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_answer *answer, struct af_outcome *out);
  /* poll SNAPSHOT, IMAGE: what the item means (NULL: AWS has not shown it for a whole window). */
  int (*matured)(const struct af_step_ctx *ctx, const json_t *item, struct af_outcome *out);
};
const struct af_step_kind *af_step_kind(const char *name); /* NULL where there is none */

void af_ask_done(struct af_ask *a);
void af_outcome_init(struct af_outcome *o);
void af_outcome_done(struct af_outcome *o);

/* Helpers that several kinds share (engine/steps/common.c). */

/* Where the step's kind is at work: fills side and region. */
void af_ask_at(const struct af_step_ctx *ctx, struct af_ask *ret);

/* "ordinal.generation": the value of AF_TAG_STEP. */
void af_step_mark(const struct af_step_row *step, char out[48]);
/* ClientToken, 64 ASCII characters at most, from copy, step and generation (design section 3). */
int af_step_token(const struct af_step_ctx *ctx, char out[65]);
/* TagSpecification of a creating call for one type of resource (plans/keep.h): source_snapshot is NULL for an image, "" for all of an image's
 * snapshots alike; of what is temporary, amiferry's own tags alone. NULL: no memory. */
json_t *af_step_tags(const struct af_step_ctx *ctx, const char *resource_type, const char *source_snapshot);
/* The name that the step's image gets: the copy's, or one of its own where it is temporary. */
#define AF_STEP_NAME_SIZE 129
void af_step_image_name(const struct af_step_ctx *ctx, char out[AF_STEP_NAME_SIZE]);
const char *af_step_description(const struct af_step_ctx *ctx); /* of the new AMI; "" where it has none */
/* [{"Name": name, "Values": [value]}, …]: pairs end with NULL. NULL: no memory. */
json_t *af_filters(const char *name, const char *value, ...) __attribute__((sentinel));
json_t *af_step_data(const struct af_step_ctx *ctx); /* a copy of it, to be changed. NULL: no memory */
/* The step's data where this is gone: among what is "dropped", and no more what to "drop". NULL: no memory. */
json_t *af_drop_done(const struct af_step_ctx *ctx, const char *id);
/* The value of a tag of an object with "Tags"; "" where it has none. */
const char *af_tag(const json_t *object, const char *key);
/* A step of this kind and item (item NULL: any); NULL where there is none. */
const struct af_step_row *af_step_of(const struct af_step_ctx *ctx, const char *kind, const char *item);
/* Fails the outcome. */
void af_outcome_fail(struct af_outcome *out, enum af_class c, const char *code, const char *resource, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Takes an error over as the outcome's failure. */
void af_outcome_error(struct af_outcome *out, const struct af_error *err);
/* Fails it, since what the step made ("AMI") is there no more. */
void af_outcome_vanished(const struct af_step_ctx *ctx, const char *code, const char *what, struct af_outcome *out);
void af_vanished_hint(const char *account, struct af_error *err); /* account: where it was */
/* The step is reconciling: had AWS had time to show what the lost call may have made, when it was asked? */
bool af_grant_may_be_late(const struct af_step_ctx *ctx); /* what a key refused is worth another try */
bool af_settled(const struct af_step_ctx *ctx);
bool af_says_gone(const struct af_error *err); /* that what was to be removed isn't there */
/* The answer to a call that removes something is an error: a "not found" counts as removed, but only once it has been the answer for so
 * many windows, since AWS may not know yet what we just made. Sets out to DONE or AGAIN; leaves it where the error is another one. */
void af_gone(const struct af_step_ctx *ctx, const struct af_answer *a, int windows, struct af_outcome *out);
/* A pause between two looks, for AGAIN. */
int64_t af_pause_ms(const struct af_step_ctx *ctx);

#endif
