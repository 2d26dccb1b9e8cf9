/* The rig: engine, store and cloudsim in one process, on a virtual clock and an in-process transport. Nothing sleeps, nothing
 * listens, and a run with the same seed is the same run. A fuse lets the process "die" at the k-th call: what was committed is
 * there, what was sent may have happened, and no answer ever comes. */
#ifndef AF_TESTS_SIMULATION_RIG_H
#define AF_TESTS_SIMULATION_RIG_H

#include "engine/engine.h"
#include "tools/cloudsim/cloudsim.h"

enum rig_death {
  RIG_LIVES,
  RIG_DIES_BEFORE,        /* the k-th call never reaches AWS */
  RIG_DIES_AFTER,         /* it does, and its reply is never read */
  RIG_DIES_UNCOMMITTED,   /* the k-th commit that has something to write never happens: what was learnt since the last is lost */
  RIG_DIES_COMMITTED,     /* it does, and nothing that it authorised is sent */
  RIG_DEATH_MAX_,
};

struct rig; /* one cloud, one database; engines come and go */

/* world: YAML text. Aborts on what a test can do nothing about. */
struct rig *rig_new(const char *world, uint64_t seed);
/* The world with one text in place of another, which must be there; the caller's to free. */
char *rig_world(const char *world, const char *what, const char *instead);
void rig_free(struct rig *r);
struct cs_sim *rig_sim(struct rig *r);
int64_t rig_now(const struct rig *r);
void rig_advance(struct rig *r, int64_t ms);
/* Between two lives somebody sets the machine's clock, so that it is ahead of AWS's by so much. */
void rig_set_clock(struct rig *r, int64_t wrong_ms);
/* What the engine's environment says, beside the endpoint: an access key of the world. value NULL unsets. */
void rig_setenv(struct rig *r, const char *name, const char *value);
/* Files that the configuration may name: kept in the rig's own folder; returns the path, which lives as long as the rig. */
const char *rig_file(struct rig *r, const char *name, const char *text);
const char *rig_database(struct rig *r); /* path of a file that the rig has let go of, until the next life */

/* How long a call takes there and back, drawn for each; 20 ms until this is called. */
void rig_latency(struct rig *r, int64_t least_ms, int64_t most_ms);

/* Death at the k-th call or commit of the next run (1 is the first); RIG_LIVES disarms. */
void rig_arm(struct rig *r, enum rig_death death, uint64_t k);
bool rig_died(const struct rig *r);      /* did the fuse burn in the last run? */
uint64_t rig_calls(const struct rig *r); /* calls of the last run */

/* Runs a manifest (YAML text) to its end or to its death, in a new engine on the rig's database. Returns af_engine_run()'s code (-AF_EIO
 * when it died). */
int rig_run(struct rig *r, const char *manifest, struct af_error *err);
/* Takes every unfinished batch up, as `amiferry resume` does. */
int rig_resume(struct rig *r, struct af_error *err);
/* Takes a finished copy back, as `amiferry undo` does. */
int rig_undo(struct rig *r, const char *copy_id, struct af_error *err);
/* Does something else than carrying copies out, with an engine on the rig's database. What it sends is no step's: it is among the events of a
 * copy before it is sent, but where there are no copies, which is what the rig looks for. */
typedef int rig_deed(struct af_engine *e, void *ctx, struct af_error *err);
int rig_do(struct rig *r, rig_deed *deed, void *ctx, struct af_error *err);
void rig_lose_database(struct rig *r);
/* What a person does while it runs: called once a turn, after its commit; NULL: nobody is there. */
typedef void rig_person(void *ctx, struct rig *r, struct af_engine *e, int turn);
void rig_attend(struct rig *r, rig_person *person, void *ctx);
/* From now on in this life a person sends such calls, too ("DeregisterImage"): they need no intent. */
void rig_by_hand(struct rig *r, const char *action);
void rig_excuse_hazards(struct rig *r); /* the audit tells of none any more: what somebody took away from under a copy leads to some */
/* Called after each commit that wrote anything: for what must hold at every turn. */
typedef void rig_watcher(void *ctx, struct rig *r);
void rig_watch(struct rig *r, rig_watcher *watcher, void *ctx);
void rig_interrupt(struct rig *r); /* the stop flag, as Ctrl-C sets it */
/* Stops at a safe point after this many turns in later runs; 0: never. */
void rig_stop_after(struct rig *r, int turns);

/* What the database says now: copies of all batches in the order of their making. The caller frees with rig_copies_free(). */
size_t rig_copies(struct rig *r, struct af_copy_row **ret);
void rig_copies_free(struct af_copy_row *list, size_t n);
/* A statement on the database as another process sees it, prepared once a life; the caller steps and resets it. NULL while there is no
 * database. slot: one of a few numbers, its own for each text. */
struct sqlite3_stmt *rig_look(struct rig *r, unsigned slot, const char *sql);
#define RIG_LOOKS 9
/* The database as another process reads it, for whatever else one wants to know; the caller closes it with rig_reader_close(). */
struct af_store *rig_reader(struct rig *r);
void rig_reader_close(struct rig *r, struct af_store *reader);
/* The audit, the caller's to decref. */
json_t *rig_audit(struct rig *r);
/* How often AWS carried this call out: "ec2:CopySnapshot". */
uint64_t rig_carried_out(struct rig *r, const char *call);

#endif
