/* Sweeping, between its files: sweep.c finds what is there, sweep_judge.c says what is to become of it, sweep_delete.c deletes it. */
#ifndef AF_ENGINE_SWEEP_H
#define AF_ENGINE_SWEEP_H

#include "engine/internal.h"

/* What is looked for depends on what amiferry does there. */
enum {
  AF_SWEEP_AT_TARGET = 1, /* makes images and snapshots */
  AF_SWEEP_AT_SOURCE = 2, /* makes a bridge, and grants */
  AF_SWEEP_AT_LAUNCH = 4, /* launches: instances, volumes, groups, an image on the way */
};

struct af_sweep_place { /* one Region, seen with one principal's credentials */
  struct af_session *session;
  const char *region, *wanted; /* of the manifest; wanted: the account that it says, NULL where it doesn't */
  unsigned roles;
  char account[16], partition[16];
  json_t *seen;  /* {"images": [Image…], "snapshots": [Snapshot…], "users": [Image…: all that use them], "instances", "volumes",
                    "security groups", "grants"}, as far as AWS has shown them */
  json_t *held; /* {snapshot: {}}: those of seen, and those that its images have; who else uses them is to be asked */
  size_t from;  /* of these, how many have been asked about */
  size_t stage;
  bool uses_known; /* images and users are all there: a snapshot that is in neither is in no AMI */
  bool going;      /* an instance is on its way out: what it holds goes later */
  struct af_sweep *sweep;
};

/* Judges what the places have seen, and lists it in s. known: what af_sweep_known() has read, before AWS was asked and after it. */
int af_sweep_judge_all(struct af_engine *e, struct af_sweep *s, const json_t *known, struct af_error *err);
/* What the database knows: adds to {"copies": {id: enum af_sweep_of}, "results": {AMI id: true}}. A copy that was live when it was read
 * first counts as live: what it made was listed while it needed it. Nothing where there is no database. */
int af_sweep_known(struct af_store *store, json_t *known, struct af_error *err);

#endif
