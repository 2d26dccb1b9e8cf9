/* What the engine's own files share. */
#ifndef AF_ENGINE_INTERNAL_H
#define AF_ENGINE_INTERNAL_H

#include "engine/budget.h"
#include "engine/engine.h"
#include "engine/inspect.h"
#include "engine/step.h"

#define AF_INSPECT_AT_ONCE 16 /* inspections side by side: enough to hide latency, few enough to leave the buckets full */
#define AF_POLL_MOST 200      /* values of one filter (EC2's own limit) */

struct af_live_step { /* of a step, while the process lives */
  json_t *data;       /* its row's data, parsed; never NULL */
  json_t *scratch;
  bool busy;          /* a read is in flight */
  bool slot;          /* holds a slot of its quota */
  bool unresolved;    /* the call in flight repeats one whose outcome is unknown: its refusal says nothing about that one */
  int64_t asked_ms;   /* when the last call was sent */
  enum af_exposure_state found; /* how the call in flight found what it opens or closes */
  int64_t missing_ms; /* when AWS first didn't show what is pending; 0 while it does */
  int64_t gone_ms;    /* since when AWS answers that what is to be removed isn't there; 0: it hasn't */
  int64_t hidden_ms;  /* since when AWS answers that it doesn't see, or let go of, what the step is about; 0 while it does */
  int expired;        /* how often in a row it was refused for expired credentials */
  int repeats;        /* of the same call since it last succeeded: for the delays */
  const struct af_op *refused; /* that call; NULL: none yet */
  int cost;           /* taken from the retry quota for the call in flight */
  char waits[160];    /* why it doesn't go on; "" where it does */
};

struct af_live_copy {
  struct af_copy_row row;
  struct af_copy_spec spec;
  struct af_facts facts;
  struct af_decision decision;
  bool has_facts;
  struct af_step_row *steps; /* of the present rung: those of earlier ones are undone, and history */
  struct af_live_step *live;
  size_t n_steps;
  int64_t next_ordinal; /* of a step that is planned next */
  struct af_session *source, *target;
  struct af_inspection *inspection; /* while it is being inspected */
  json_t *tried;                    /* what it was told of the routes given up */
  const struct af_live_copy *twin; /* that it waits for, before it is inspected anew */
  bool inspect_busy;
  bool at_home; /* its credentials are known, in this life, to be of the accounts that it was begun with */
  bool retried; /* taken up by a person while it was still being undone on the way to blocked: goes on when that is done */
  int64_t inspect_begun_ms, inspect_since_ms; /* since: when a read last answered */
  int inspect_repeats, inspect_expired;
  char waits[160];
  int64_t wake_ms; /* not looked at before; INT64_MAX: an answer wakes it */
};

enum af_flight_kind { AF_FLIGHT_STEP, AF_FLIGHT_POLL, AF_FLIGHT_PROGRESS, AF_FLIGHT_INSPECT, AF_FLIGHT_ACCOUNT };

struct af_target_ref { /* one step of one copy */
  size_t copy, step;
};

struct af_flight { /* a call from the moment it is decided until its answer is dealt with */
  bool used;
  enum af_flight_kind kind;
  const struct af_op *op;
  struct af_session *session;
  char region[32];
  json_t *input;              /* owned */
  struct af_target_ref ref;   /* STEP, INSPECT, ACCOUNT */
  struct af_target_ref *refs; /* POLL, PROGRESS: whose items are asked for; owned */
  size_t n_refs;
  json_t *pages;    /* what earlier pages of this answer brought; NULL on the first */
  json_t *question; /* the input that asked for the first page; NULL on that one */
};

struct af_pending_event { /* written in this turn, shown after its commit */
  struct af_live_copy *copy;
  size_t step;             /* SIZE_MAX: about the copy */
  struct af_step_row then; /* what it came to, of the step: face, state and attempts */
  struct af_event_row row; /* its texts are owned */
};

struct af_engine {
  struct af_engine_config config;
  struct af_budgets *budgets;
  struct af_live_copy **copies; /* owned; never moved, so that views and inspections may point into them */
  size_t n_copies;
  size_t inspecting; /* inspections under way */
  struct af_flight *flights;
  size_t n_flights;
  size_t *outbox; /* flights that were decided in this turn, to be sent after the commit */
  size_t n_outbox, outbox_size;
  struct af_pending_event *events;
  size_t n_events, events_size;
  json_t *shared_reads;    /* answers that hold for many copies, by call */
  struct af_live_copy **recent; /* copies of earlier runs that ended a moment ago; NULL: not read yet */
  size_t n_recent;
  struct af_live_copy **others; /* unfinished copies of other runs; read when they are first asked for */
  size_t n_others;
  bool others_read;
  int64_t begun_ms;           /* when the engine was made: what ended before that can have been read too early by it */
  int64_t written_ms;         /* when, by the clock of that time, the last was written before */
  struct af_error failure; /* what stops the engine: the store or memory failed */
  int rc;
};

/* Expired credentials have been renewed, and the call sent once more, by the client; that they are refused again may be chance, but not
 * this many times in a row. */
#define AF_EXPIRED_MOST 5
/* What doesn't answer is asked this often at least, though one answer may take longer than all patience. */
#define AF_TRIES_LEAST 4

/* record.c: the one way to write. Each checks the move, writes state and event in the turn's transaction, and calls the invariant. A
 * failure is kept in e->rc, and the turn ends without sending anything. */
struct af_note { /* the event's own part; all may be NULL */
  const char *kind, *message;
  const struct af_op *op;
  const char *request_id;
  const struct af_error *error; /* becomes the event's detail and the row's error */
};
int af_record_copy(struct af_engine *e, struct af_live_copy *c, enum af_copy_state to, const struct af_note *note);
int af_record_step(struct af_engine *e, struct af_live_copy *c, size_t step, enum af_step_state to, const struct af_note *note);
/* Turns a copy round: its goal is set and it goes to undoing. error: why; NULL where all is well. */
int af_record_goal(struct af_engine *e, struct af_live_copy *c, enum af_copy_goal goal, const struct af_error *error);
int af_engine_fail(struct af_engine *e, int rc, const struct af_error *err); /* stops the engine; returns rc */
/* Memory ran out over a call: that ends the engine, and says nothing of the copy. */
bool af_error_is_memory(const struct af_error *err);

/* advance.c: decides and prepares. */
void af_advance_copy(struct af_engine *e, size_t copy);
void af_step_context(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_exposure_row *exposure,
                     struct af_step_ctx *ret);
struct af_at { /* where a step is at work; borrowed */
  struct af_session *session;
  const char *account, *region;
};
struct af_at af_step_at(const struct af_live_copy *c, size_t step);
void af_step_give_slot(struct af_engine *e, struct af_live_copy *c, size_t step); /* record.c; no-op where it holds none */
/* What the step is about (step.h: subject). Borrowed. */
const char *af_step_subject(const struct af_live_copy *c, size_t step);
/* A new flight in the outbox; takes the input over, whatever happens. NULL: no memory, the engine has failed. */
struct af_flight *af_flight_new(struct af_engine *e, enum af_flight_kind kind, const struct af_op *op, struct af_session *session,
                                const char *region, json_t *input);
void af_flight_done(struct af_flight *f);

/* outcome.c: what answers mean. */
void af_take_answer(struct af_engine *e, struct af_answer *a);
int af_apply_outcome(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_op *op, const char *request_id,
                     struct af_outcome *out);
/* The answer was an error, and its kind leaves it to its class. delay_ms: until it is repeated, where it is. */
int af_apply_error(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_op *op, const struct af_answer *a,
                   int64_t delay_ms);
/* Blocked as it stands: it can't go on, and it can't go back either. */
int af_block_here(struct af_engine *e, struct af_live_copy *c, const struct af_error *err);
/* How long to wait before the n-th repeat of what this answer refused; takes from the retry quota, and notes the cost. */
int64_t af_repeat_delay_ms(struct af_engine *e, struct af_live_copy *c, const struct af_answer *a, int repeat, int *ret_cost);

/* exposure.c: access is borrowed, and counted over all copies. */
enum af_gate {
  AF_GATE_GO,   /* it is this step's to open or close */
  AF_GATE_WAIT, /* another copy is opening or closing it */
  AF_GATE_TURN, /* another copy is writing to the document that it is a part of */
  AF_GATE_DONE, /* nothing to do: it is open already, or another copy still needs it, or it was never ours */
};
int af_exposure_gate(struct af_engine *e, struct af_live_copy *c, size_t step, struct af_exposure_row *ret, enum af_gate *ret_gate);
/* Follows the step: an intent makes it opening or closing, an outcome open or closed. Written with the step's own record. */
int af_exposure_intended(struct af_engine *e, struct af_live_copy *c, size_t step);
int af_exposure_outcome(struct af_engine *e, struct af_live_copy *c, size_t step, const struct af_outcome *out);
int af_exposure_refused(struct af_engine *e, struct af_live_copy *c, size_t step);
/* The context's beside (step.h); the rows are the caller's. */
int af_exposure_beside(struct af_engine *e, const struct af_live_copy *c, size_t step, struct af_exposure_row **ret, size_t *ret_n);
/* May it be we who opened what AWS shows as open? */
bool af_exposure_ours(const struct af_engine *e, const struct af_live_copy *c, size_t step, const struct af_exposure_row *x);
int af_exposure_read(struct af_engine *e, const struct af_live_copy *c, size_t step, struct af_exposure_row *ret); /* -AF_ENOENT; anything else stops the engine */

/* for_good.c: does another copy let in for good whom this step would shut out? */
enum af_for_good { AF_FOR_GOOD_NOT, AF_FOR_GOOD_SOON, AF_FOR_GOOD_IS };
int af_for_good(struct af_engine *e, const struct af_live_copy *c, size_t step, enum af_for_good *ret); /* an error stops the engine */
bool af_for_good_waits(const struct af_engine *e, const struct af_live_copy *c, size_t step); /* for one who copies on the AMI of this finish-image */

/* poll.c: hundreds of pending images and snapshots in one call. */
void af_poll_add(struct af_engine *e, size_t copy, size_t step);
void af_poll_answer(struct af_engine *e, struct af_flight *f, struct af_answer *a);
void af_progress_answer(struct af_engine *e, struct af_flight *f, struct af_answer *a);

/* inspecting.c: the copy's way from waiting to working. */
void af_inspect_advance(struct af_engine *e, size_t copy);
void af_inspect_answer(struct af_engine *e, size_t copy, const struct af_flight *f, struct af_answer *a);

/* accounts.c: are the credentials of this life those of the accounts that the copy was begun with? False: it waits for that, or is blocked. */
bool af_accounts_sure(struct af_engine *e, size_t copy);
void af_accounts_answer(struct af_engine *e, const struct af_flight *f, struct af_answer *a);
void af_accounts_forget(struct af_engine *e, const struct af_live_copy *c); /* a person has seen to them: they are asked for anew */

/* past.c: times that an earlier life wrote down, by a clock that may have been set since. */
int af_past_read(struct af_engine *e, struct af_error *err); /* first of all */
int64_t af_past_when(const struct af_engine *e, int64_t written_ms); /* by this life's clock, at the latest; of its own times, the same */
int64_t af_past_since(const struct af_engine *e, int64_t ms); /* the other way: what was written since, bears this time or a later one */

/* recent.c: until when what was decided can't be trusted, because AWS may not have shown what an earlier run of the same copy, or of the
 * one that made its source, had done a moment before it was asked; 0: it can. */
int64_t af_recent_doubt(const struct af_engine *e, const struct af_live_copy *c);
int64_t af_recent_unseen(const struct af_engine *e, const struct af_live_copy *c); /* the same of a read that didn't find the source */
int64_t af_recent_shown(const struct af_engine *e); /* when AWS shows all that copies of earlier runs which ended lately did; 0: there are none */
int af_recent_read(struct af_engine *e); /* before any of this run ends */
void af_recent_free(struct af_engine *e);

/* twin.c: the copy, of this run or left unfinished by another, that makes what this one decided to make or to take over; NULL: none. */
const struct af_live_copy *af_twin(struct af_engine *e, const struct af_live_copy *c);
bool af_same_end(const struct af_live_copy *a, const struct af_live_copy *b); /* would they make the same AMI of the same? */
bool af_wants_name_of(const struct af_live_copy *c, const struct af_live_copy *other); /* would it make another AMI of that name? */
bool af_twin_is_under_way(const struct af_engine *e, const struct af_live_copy *twin);
void af_others_free(struct af_engine *e);

/* batch.c */
/* The routes that were tried before the present rung; a new reference. -AF_ENOMEM, or -AF_ECORRUPT: they aren't what is written. */
int af_copy_tried(const struct af_live_copy *c, json_t **ret);
/* Decides anew, from what is stored, what the present rung is. As above. */
int af_copy_decide(struct af_live_copy *c);
/* A person has seen to what blocked it: it goes on where it stopped. */
int af_unblock(struct af_engine *e, struct af_live_copy *c);
struct af_live_copy *af_live_copy_new(struct af_copy_row *row); /* takes the row over; NULL: no memory */
void af_live_copy_free(struct af_live_copy *c);
/* Reads spec and facts of its row, and decides what was decided. */
int af_live_copy_parse(struct af_live_copy *c, struct af_store *store, struct af_error *err);
/* Gives the copy its step rows, as they are stored or about to be; takes them over. -AF_ENOMEM, or -AF_ECORRUPT: their data is none. */
int af_live_copy_steps(struct af_live_copy *c, struct af_step_row *steps, size_t n);
/* The sessions that a spec names; their configuration is read now. */
int af_spec_sessions(struct af_engine *e, const struct af_copy_spec *spec, struct af_session **ret_source, struct af_session **ret_target,
                     struct af_error *err);

#endif
