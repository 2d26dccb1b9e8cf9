/* The engine: carries batches of copies out. One thread around one wait: collect answers, decide, commit once for all, then send
 * what was authorised (design section 3). All a program includes of the engine, beside the client it wires up (engine/aws/client.h).
 *
 * Everything from outside comes through the config; the engine owns nothing of it. */
#ifndef AF_ENGINE_ENGINE_H
#define AF_ENGINE_ENGINE_H

#include "engine/aws/client.h"
#include "plans/manifest.h"
#include "plans/route.h"
#include "plans/sweep.h"
#include "plans/verify.h"
#include "state/store.h"

struct af_copy_view { /* what a person is shown of one copy; borrowed until the engine's next turn */
  const struct af_copy_row *row;
  const struct af_copy_spec *spec;
  const struct af_step_row *steps;
  size_t n_steps;
  const char *title;                           /* what it is at: "copying snapshots", "taking back" */
  size_t step, n_stage;                        /* stage it is at, of how many */
  int percent;                                 /* of the copy in AWS; -1 where that means nothing now */
  int64_t bytes;                               /* to be moved at most */
  const char *waits;                           /* why it doesn't go on right now; "" where it does, and of stored rows */
  char name[129];                              /* of the new AMI; until it is decided what the manifest says, "" where that is nothing */
  const char *source_account, *target_account; /* "" until they are known */
};

struct af_engine_config { /* all borrowed */
  const struct af_clock *clock;
  const struct af_random *random;
  struct af_store *store; /* NULL: only af_engine_plan() */
  struct af_aws *aws;
  const struct af_log *log;         /* may be NULL */
  int64_t poll_min_ms, poll_max_ms; /* how often AWS is asked how far a copy is; 0 takes 15 s and 60 s */
  int64_t window_ms;                /* how long AWS's reads may lag behind its writes; 0 takes 60 s */
  int64_t patience_ms;              /* how long an inspection puts up with an AWS that can't be reached; 0 takes 5 min */
  const volatile int *stop;         /* 0 go on, 1 stop at a safe point; set by a signal handler; may be NULL */
  /* Called once a turn after the commit, and for each event that it wrote; either may be NULL. The step has the face, state and attempts
   * that the event left it with. The copy's row may have gone on since. */
  void (*on_turn)(void *ctx);
  void (*on_event)(void *ctx, const struct af_copy_row *copy, const struct af_step_row *step, const struct af_event_row *event);
  void *ctx;
};

struct af_engine;
int af_engine_new(struct af_engine **ret, const struct af_engine_config *config,
                  struct af_error *err);  /* checks the machine's tables, too */
void af_engine_free(struct af_engine *e); /* takes NULL */

/* Writes the manifest's batch down, or finds the unfinished one that the same manifest began: *ret_resumed says which. A copy of it that
 * another batch holds is taken over where nothing has been made yet; otherwise -AF_EEXIST, err names both, and nothing is written. */
int af_engine_start(struct af_engine *e, const struct af_manifest *m, const char *manifest_name, char ret_batch[64], bool *ret_resumed,
                    struct af_error *err);
/* Takes a stored batch up. */
enum af_load {
  AF_LOAD_RETRY, /* blocked copies are tried again */
  AF_LOAD_KEEP,  /* blocked copies stay so until they are retried */
};
int af_engine_load(struct af_engine *e, const char *batch_id, enum af_load how, struct af_error *err);
/* What a person asks, of a copy or of all copies of a batch that are loaded; *ret_n: how many it made a difference to. Committed when it
 * returns; carried out by af_engine_run(), also from its on_turn. */
int af_engine_cancel(struct af_engine *e, const char *id, size_t *ret_n, struct af_error *err); /* stop, undo, end as cancelled */
int af_engine_retry(struct af_engine *e, const char *id, size_t *ret_n, struct af_error *err);  /* blocked copies go on */
/* Loads a copy that is done, to have its AMI deregistered and its snapshots deleted by af_engine_run(); it ends as cancelled. -AF_EINVAL
 * where it is not done or made nothing; -AF_EEXIST where another live copy is the same. */
int af_engine_undo(struct af_engine *e, const char *copy_id, struct af_error *err);
/* Until every copy has ended or is blocked (0), or the stop flag is set (-AF_ECANCELED: all is committed, resume later), or the store
 * fails. */
int af_engine_run(struct af_engine *e, struct af_error *err);

size_t af_engine_count(const struct af_engine *e);
void af_engine_view(const struct af_engine *e, size_t i, struct af_copy_view *ret);
size_t af_engine_in_flight(const struct af_engine *e); /* calls that are being waited for */

/* Reads facts and decides the route of every copy of a manifest, changing nothing anywhere. found is called for each, in the manifest's
 * order: facts and decision are NULL where the facts could not be read, and err says why. steps are those the route would take. */
typedef void af_planned(void *ctx, size_t i, const struct af_copy_spec *spec, const struct af_facts *facts,
                        const struct af_decision *decision, const struct af_step_row *steps, size_t n_steps, const struct af_error *err);
int af_engine_plan(struct af_engine *e, const struct af_manifest *m, af_planned *found, void *ctx, struct af_error *err);

/* Compares a copy that is done with its source, as both are in AWS now, changing nothing; the store may be a reader. Where the source is gone,
 * it is compared with what was read of it then (*ret_source_live false). An AMI that is gone is a finding, "image" Missing. Where something
 * differs in a copy that ended less than window_ms ago, it waits for the rest of that and reads again. -AF_EINVAL: the copy isn't done. -AF_EAWS: it can't be read, err says why. The caller frees ret with af_findings_done(). */
int af_engine_verify(struct af_engine *e, const char *copy_id, struct af_findings *ret, bool *ret_source_live, struct af_error *err);

struct af_sweep_thing { /* something in AWS that carries amiferry's tag; a grant, its name */
  enum af_sweep_kind kind;
  char account[16], region[32], id[160];
  char key[256];   /* of a grant; "" otherwise */
  char copy[64];   /* whose it is, as it says itself */
  bool temporary;
  int64_t bytes;   /* 0 where it has no size of its own */
  int64_t made_ms; /* 0 where AWS doesn't say */
  enum af_sweep_verdict verdict;
  const char *why; /* static */
  size_t place;    /* the engine's own */
  bool ours;       /* the database knows its copy */
  bool doomed;     /* set by the caller: to be deleted */
  bool deleted;    /* AWS has said so, or that it was gone */
  struct af_error *error; /* why it was not, or that AWS shows it still; owned, NULL where all is well */
};
struct af_sweep_unread { /* what could not be looked at */
  const char *what;      /* "images"; static */
  char account[16], region[32];
  struct af_error error;
};
struct af_sweep {
  struct af_sweep_thing *things; /* orphans, unknown and adoptable ones, by account, Region, kind and id; what is needed or kept is only counted */
  size_t n;
  struct af_sweep_unread *unread;
  size_t n_unread;
  size_t verdicts[AF_SWEEP_VERDICT_MAX_]; /* how many of each were found */
  struct af_sweep_place *places;          /* the engine's own */
  size_t n_places;
};
/* Lists what carries amiferry's tags in the accounts and Regions of a manifest, and judges it by what the store knows (NULL, or a reader: it
 * changes nothing). What can't be read is noted in ret, and the rest goes on. ret borrows from the manifest and the client, and is the
 * caller's to release with af_sweep_done(). */
int af_engine_sweep(struct af_engine *e, const struct af_manifest *m, struct af_sweep *ret, struct af_error *err);
/* Deletes those things that are doomed, in an order in which AWS lets them go, and looks again whether they are gone. The store must be an owner,
 * and s have been made while it was: otherwise a running copy might have come to need them. What can't be deleted has its error. */
int af_engine_sweep_delete(struct af_engine *e, const struct af_manifest *m, struct af_sweep *s, struct af_error *err);
const struct af_sweep_thing *af_sweep_find(const struct af_sweep *s, const struct af_sweep_thing *like); /* the same thing; NULL */
void af_sweep_done(struct af_sweep *s);

/* Does this error call for a person, so that the copy is blocked and tried again later? Any other fails it. */
bool af_error_blocks(const struct af_error *err);
/* What routes consist of, in the order in which steps are taken; for a picture of them. false past the end. */
struct af_route_leg {
  const char *kind, *title;  /* "copy-snapshot", "copying snapshots" */
  unsigned routes;           /* bits 1u << enum af_route */
  const char *each;          /* "snapshot": one step for each; "" where there is one */
  char when[160];            /* in words; "" for always */
  bool temporary;            /* what it makes or opens is taken back in the end */
};
bool af_route_leg(size_t i, struct af_route_leg *ret);
/* "grant-key, share-snapshot x2, copy-snapshot x2, register-image, verify": steps for a person. Appends to out. */
void af_route_describe(const struct af_step_row *steps, size_t n, struct af_buf *out);

/* Small readers for programs that show stored rows. */
/* The view of a copy that no engine drives; facts may be NULL. Borrows all of it. -AF_EVERSION: its steps are of a newer amiferry. */
int af_copy_view_stored(struct af_copy_view *ret, const struct af_copy_row *row, const struct af_copy_spec *spec,
                        const struct af_facts *facts, const struct af_step_row *steps, size_t n_steps);
const char *af_step_title(const char *kind);                       /* "copying snapshots" */
int af_error_to_json(const struct af_error *err, char **ret_json); /* as it is stored; the caller frees */
int af_error_from_json(const char *json, struct af_error *ret);

#endif
