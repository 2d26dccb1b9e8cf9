/* The rig: engine, store and cloudsim in one process, on a virtual clock and an in-process transport. Nothing sleeps, nothing
 * listens, and a run with the same seed is the same run. A fuse lets the process "die" at the k-th call: what was committed is
 * there, what was sent may have happened, and no answer ever comes. */
#ifndef AF_TESTS_SIMULATION_RIG_H
#define AF_TESTS_SIMULATION_RIG_H

#include "engine/engine.h"
#include "tools/cloudsim/cloudsim.h"

enum rig_death {
  RIG_LIVES,
  RIG_DIES_BEFORE, /* the k-th call never reaches AWS */
  RIG_DIES_AFTER,  /* it does, and its reply is never read */
};

struct rig; /* one cloud, one database; engines come and go */

/* world: YAML text. Aborts on what a test can do nothing about. */
struct rig *rig_new(const char *world, uint64_t seed);
void rig_free(struct rig *r);
struct cs_sim *rig_sim(struct rig *r);
int64_t rig_now(const struct rig *r);
void rig_advance(struct rig *r, int64_t ms);
/* What the engine's environment says, beside the endpoint: an access key of the world. value NULL unsets. */
void rig_setenv(struct rig *r, const char *name, const char *value);
/* Files that the configuration may name: kept in the rig's own folder; returns the path, which lives as long as the rig. */
const char *rig_file(struct rig *r, const char *name, const char *text);
const char *rig_database(const struct rig *r); /* path */

/* Death at the k-th call from now on (1 is the next); RIG_LIVES disarms. */
void rig_arm(struct rig *r, enum rig_death death, uint64_t k);
bool rig_died(const struct rig *r);      /* did the fuse burn in the last run? */
uint64_t rig_calls(const struct rig *r); /* calls of the last run */

/* Runs a manifest (YAML text) to its end or to its death, in a new engine on the rig's database. Returns af_engine_run()'s code (-AF_EIO
 * when it died). */
int rig_run(struct rig *r, const char *manifest, struct af_error *err);
/* Takes every unfinished batch up, as `amiferry resume` does. */
int rig_resume(struct rig *r, struct af_error *err);
/* Stops at a safe point after this many turns in later runs; 0: never. */
void rig_stop_after(struct rig *r, int turns);

/* What the database says now: copies of all batches in the order of their making. The caller frees with rig_copies_free(). */
size_t rig_copies(struct rig *r, struct af_copy_row **ret);
void rig_copies_free(struct af_copy_row *list, size_t n);
/* The audit, the caller's to decref. */
json_t *rig_audit(struct rig *r);
/* How often AWS carried this call out: "ec2:CopySnapshot". */
uint64_t rig_carried_out(struct rig *r, const char *call);

#endif
