/* The durable record: the only door to SQL. It knows rows, revisions and events; it knows nothing of AWS, and nothing of which
 * move is legal (engine/machine.h does).
 *
 * Promises:
 * - One process owns a database for writing (a lock that the kernel frees when the process dies). Readers need no lock.
 * - All writes between two commits are one transaction (WAL, synchronous=FULL): after a crash all of them are there or none.
 *   The first write begins it; af_store_commit() ends it. The engine commits once a turn.
 * - A row that belongs to a copy is written only together with an event. The event's number is the copy's new revision, so the
 *   events of a copy are numbered 1, 2, 3… without a gap, and a stale writer (one whose revision is no longer the stored one)
 *   changes nothing and gets -AF_ESTALE.
 * - A file that is not ours, newer, cut short or corrupted is refused with a clear message and left as it is, byte for byte.
 *
 * Rows own their strings: release them with the matching _done(). Every function returns 0 or a negative code (base/error.h) and
 * fills err (may be NULL): -AF_EFULL when the disk is full, -AF_EIO, -AF_ESTALE, -AF_ENOENT, -AF_ENOMEM. After a failed write
 * the transaction is rolled back as a whole and every later call fails until the store is closed: the caller stops and resumes.
 * A database that is no more where it was opened, moved or deleted, fails at the next commit.
 * (A commit that fails can still be found after the next open, as after a crash: all of it, or nothing.)
 * A call that is refused (-AF_EINVAL for what the caller gave, -AF_ESTALE, -AF_EEXIST, -AF_ENOENT) is no failed write: it has
 * changed nothing, and what was written before it can still be committed.
 *
 * The store sets what it can know: revision, updated_ms and an exposure's id in the caller's row once the call has succeeded;
 * created_ms where it is 0. What a copy is (id, batch, position, key, spec, created_ms) is fixed when it is inserted. */
#ifndef AF_STATE_STORE_H
#define AF_STATE_STORE_H

#include "base/error.h"
#include "base/str.h"
#include "base/time.h"

#define AF_SCHEMA_VERSION 2 /* PRAGMA user_version */

enum af_copy_state {
  AF_COPY_WAITING,    /* written down, nothing asked of AWS yet */
  AF_COPY_INSPECTING, /* facts are being read */
  AF_COPY_WORKING,    /* steps go forward */
  AF_COPY_UNDOING,    /* steps go back; the goal says how far and where it ends */
  AF_COPY_DONE,
  AF_COPY_FAILED,
  AF_COPY_CANCELLED,
  AF_COPY_BLOCKED,    /* needs a person; retried by resume */
  AF_COPY_STATE_MAX_,
};
/* Where an undoing copy is going. DONE and BLOCKED take back what was borrowed; FAILED, CANCELLED and REROUTE undo everything, and REROUTE
 * then goes another way. */
enum af_copy_goal {
  AF_GOAL_NONE,
  AF_GOAL_DONE,
  AF_GOAL_FAILED,
  AF_GOAL_CANCELLED,
  AF_GOAL_BLOCKED,
  AF_GOAL_REROUTE,
  AF_GOAL_MAX_,
};
enum af_step_face { AF_FACE_DO, AF_FACE_UNDO, AF_FACE_MAX_ };
enum af_step_state {
  AF_STEP_IDLE,      /* nothing is sent, or the last call certainly had no effect */
  AF_STEP_INTENDED,  /* a call is committed as about to be sent; found so after a crash, it is ambiguous */
  AF_STEP_AMBIGUOUS, /* the outcome is unknown: to be reconciled before anything is sent again */
  AF_STEP_PENDING,   /* the effect is there and maturing in AWS */
  AF_STEP_DONE,      /* with face UNDO: undone, or there was nothing to undo */
  AF_STEP_STATE_MAX_,
};
enum af_exposure_state {
  AF_EXPOSURE_CLOSED,  /* not open through us */
  AF_EXPOSURE_OPENING, /* one holder's step is opening it */
  AF_EXPOSURE_OPEN,
  AF_EXPOSURE_CLOSING, /* the last holder's step is closing it */
  AF_EXPOSURE_STATE_MAX_,
};
enum af_effect_state { AF_EFFECT_LIVE, AF_EFFECT_GONE, AF_EFFECT_STATE_MAX_ };

/* The text that is stored, shown and put into JSON; static. The _parse functions return -AF_EINVAL where there is no such name. */
const char *af_copy_state_name(enum af_copy_state v);
const char *af_copy_goal_name(enum af_copy_goal v);
const char *af_step_face_name(enum af_step_face v);
const char *af_step_state_name(enum af_step_state v);
const char *af_exposure_state_name(enum af_exposure_state v);
const char *af_effect_state_name(enum af_effect_state v);
int af_copy_state_parse(const char *s, enum af_copy_state *ret);
int af_copy_goal_parse(const char *s, enum af_copy_goal *ret);
int af_step_face_parse(const char *s, enum af_step_face *ret);
int af_step_state_parse(const char *s, enum af_step_state *ret);
int af_exposure_state_parse(const char *s, enum af_exposure_state *ret);
int af_effect_state_parse(const char *s, enum af_effect_state *ret);
static inline bool af_copy_state_ended(enum af_copy_state s) {
  return s == AF_COPY_DONE || s == AF_COPY_FAILED || s == AF_COPY_CANCELLED;
}

struct af_batch_row {
  char *id;
  char *manifest_name;   /* as the user called it */
  char *manifest_digest; /* hex SHA-256 of the manifest's normal form: the same manifest run again finds its batch */
  char *manifest;        /* its normal form, JSON */
  int64_t created_ms;
};

struct af_copy_row {
  char *id;
  char *batch_id;
  int64_t position;  /* in the manifest, from 0 */
  char *key;         /* what makes it the same copy: source, target and name; unique among copies that have not ended */
  char *spec;        /* JSON: what the manifest asks for (plans/manifest.h) */
  enum af_copy_state state;
  enum af_copy_goal goal;
  enum af_copy_state resume_state; /* BLOCKED: where a retry goes on */
  bool cancel_requested;
  int64_t machine_version;
  char *route;       /* NULL until it is chosen */
  char *reason;      /* why this route, in words; NULL until then */
  int64_t rung;      /* how many routes were given up before it: its steps are those of this rung */
  char *tried;       /* JSON array of the routes that AWS refused and why, oldest first; NULL where there are none */
  char *image_id;    /* the new AMI; NULL until it exists */
  char *error;       /* JSON of the last struct af_error that decided something; NULL where there was none */
  int64_t bytes;     /* to be copied, estimated; 0 while unknown */
  int64_t created_ms;
  int64_t updated_ms;
  int64_t revision;  /* of the stored row; 0 before it is inserted; also the number of its newest event */
};

struct af_step_row {
  char *copy_id;
  int64_t ordinal;   /* unique in its copy, from 0 */
  char *kind;        /* "copy-snapshot": a row of the engine's table of steps */
  char *item;        /* what it is about: a source snapshot id, a key ARN; "" where the copy has only one such step */
  int64_t stage;     /* steps of one stage run side by side; stages run in order, and backwards when undone */
  int64_t rung;      /* of the copy when it was planned: those of earlier rungs are undone, and history */
  enum af_step_face face;
  enum af_step_state state;
  int64_t generation; /* counts up when an effect is given up and made anew: part of tokens, names and tags */
  int64_t attempts;   /* calls sent in this generation and face */
  char *resource;     /* what it made: a snapshot id, an AMI id, a grant id; NULL until then */
  char *intent;       /* the API of the committed intent, "ec2:CopySnapshot"; NULL where there is none */
  int64_t intent_ms;  /* when the last intent was committed, or found to have lost its outcome; 0 before the first */
  int64_t started_ms; /* when this face was first acted on; 0 before */
  int64_t next_ms;    /* not to be touched before */
  int64_t progress;   /* percent */
  char *data;         /* JSON object of the step's own; NULL while empty */
  char *error;        /* JSON of the last struct af_error; NULL where there was none */
};

struct af_event_row {
  const char *kind;       /* "state", "intent", "outcome", "route", "note"… borrowed on the way in, owned on the way out */
  int64_t step;           /* ordinal, or -1: about the copy itself */
  const char *message;    /* one line for a person; NULL where kind says all */
  const char *action;     /* API, "ec2:CopyImage"; NULL where no call was involved */
  const char *request_id; /* AWS's; NULL where there is none */
  const char *detail;     /* JSON; NULL where there is none */
  /* Set by the store: */
  int64_t number;
  int64_t at_ms;
  const char *from_state, *to_state; /* of the copy (step -1), or of the step as "do/idle"; derived by the store from the rows */
};

struct af_effect_row {
  char *copy_id;
  int64_t step;      /* ordinal */
  char *kind;        /* "image", "snapshot", "grant", "createVolumePermission", "launchPermission" */
  char *account;
  char *region;
  char *resource;    /* id or ARN; unique with copy and kind */
  enum af_effect_state state;
};

struct af_exposure_row {
  int64_t id;        /* 0 before it is inserted */
  char *kind;        /* "createVolumePermission", "launchPermission", "grant", "bucketPolicy" */
  char *account;     /* that owns the resource */
  char *region;
  char *resource;    /* snapshot id, AMI id, key ARN, "bucket/beginning of the bundle's keys" */
  char *grantee;     /* account id or ARN; (kind, account, region, resource, grantee) is unique */
  enum af_exposure_state state;
  bool borrowed;     /* we opened it and so we close it; false: it was there before us and stays */
  int64_t generation; /* counts up each time it is opened anew */
  char *detail;      /* the grant's id; when it was last opened or closed, in ms; NULL where neither is known */
  int64_t revision;  /* 0 before it is inserted */
};

void af_batch_row_done(struct af_batch_row *r);
void af_copy_row_done(struct af_copy_row *r);
void af_step_row_done(struct af_step_row *r);
void af_event_row_done(struct af_event_row *r); /* only of rows that the store filled */
void af_effect_row_done(struct af_effect_row *r);
void af_exposure_row_done(struct af_exposure_row *r);
/* Replaces an owned string by a copy of text (NULL sets NULL); -AF_ENOMEM leaves it as it was. */
int af_row_set(char **field, const char *text);

enum af_store_mode {
  AF_STORE_OWNER,  /* read and write; creates the file (0600) and its folder (0700) where absent; takes the lock */
  AF_STORE_READER, /* read only; -AF_ENOENT where there is no database */
};

struct af_store;
/* Owner: -AF_EBUSY where another process owns it (the message names its pid). -AF_EVERSION: newer or foreign. -AF_ECORRUPT.
 * -AF_EINVAL: a path that is no file's, or a file with other names (hard links). An empty file counts as absent. The owner
 * reads every page (quick_check), a reader the header only. */
int af_store_open(struct af_store **ret, const char *path, enum af_store_mode mode, const struct af_clock *clock, struct af_error *err);
void af_store_close(struct af_store *s); /* takes NULL; rolls an open transaction back */
int af_store_commit(struct af_store *s, struct af_error *err); /* 0 where nothing was written since the last one */
bool af_store_dirty(const struct af_store *s); /* is a transaction open? */
int af_store_integrity_check(struct af_store *s, struct af_error *err); /* for doctor: PRAGMA integrity_check + foreign_key_check */
/* Does a process own the database at this moment? ret_pid: -1 where none does, 0 where its pid isn't known. No lock is taken: an
 * owner that starts just then isn't disturbed. -AF_EIO where it can't be told, as by a user who may not read the lock. */
int af_store_owner(const struct af_store *s, int64_t *ret_pid, struct af_error *err);
/* Could an owner open the database at path, or make it there, by what modes and mounts say? Changes nothing, and doesn't ask whether
 * there is an owner already. -AF_EIO with what is in the way, -AF_EINVAL. */
int af_store_ownable(const char *path, struct af_error *err);
const char *af_store_sqlite_version(void); /* of the library that runs; static */

/* Batches. A batch is unfinished while one of its copies has not ended. */
int af_store_batch_insert(struct af_store *s, const struct af_batch_row *b, struct af_error *err);
int af_store_batches(struct af_store *s, struct af_batch_row **ret, size_t *ret_n, struct af_error *err); /* newest first */
int af_store_batch_get(struct af_store *s, const char *id, struct af_batch_row *ret, struct af_error *err);
/* The newest unfinished batch with this digest; -AF_ENOENT where there is none. */
int af_store_batch_find(struct af_store *s, const char *manifest_digest, struct af_batch_row *ret, struct af_error *err);

/* Copies. insert: -AF_EEXIST where a copy with the same key has not ended; err->resource is that copy's id. */
int af_store_copy_insert(struct af_store *s, struct af_copy_row *c, const struct af_event_row *ev, struct af_error *err);
int af_store_copy_update(struct af_store *s, struct af_copy_row *c, const struct af_event_row *ev, struct af_error *err);
int af_store_copies(struct af_store *s, const char *batch_id, struct af_copy_row **ret, size_t *ret_n, struct af_error *err); /* by position */
/* Those that ended since then, of all batches, in no order. */
int af_store_copies_ended(struct af_store *s, int64_t since_ms, struct af_copy_row **ret, size_t *ret_n, struct af_error *err);
int af_store_last_written(struct af_store *s, int64_t *ret_ms, struct af_error *err); /* when, of all copies; 0: there are none */
int af_store_copies_live(struct af_store *s, struct af_copy_row **ret, size_t *ret_n, struct af_error *err); /* that have not ended; likewise */
/* Those whose AMI it is, whether they made it or found it; the newest first. */
int af_store_copies_of_image(struct af_store *s, const char *image_id, struct af_copy_row **ret, size_t *ret_n, struct af_error *err);
int af_store_copy_get(struct af_store *s, const char *id, struct af_copy_row *ret, struct af_error *err);
int af_store_facts_put(struct af_store *s, struct af_copy_row *c, const char *json, const struct af_event_row *ev, struct af_error *err);
int af_store_facts_get(struct af_store *s, const char *copy_id, char **ret_json, struct af_error *err); /* -AF_ENOENT */

/* Steps. Both write the step and the event, and move the copy's revision (and updated_ms) on; of the copy nothing else, as with
 * facts: its other members wait for copy_update. The event's step is the step's ordinal; with the calls above it is -1. Anything
 * else is -AF_EINVAL. */
int af_store_step_insert(struct af_store *s, struct af_copy_row *c, const struct af_step_row *step, const struct af_event_row *ev, struct af_error *err);
int af_store_step_update(struct af_store *s, struct af_copy_row *c, const struct af_step_row *step, const struct af_event_row *ev, struct af_error *err);
int af_store_steps(struct af_store *s, const char *copy_id, struct af_step_row **ret, size_t *ret_n, struct af_error *err); /* by ordinal */

int af_store_events(struct af_store *s, const char *copy_id, int64_t after, struct af_event_row **ret, size_t *ret_n, struct af_error *err);

/* Effects: put inserts, or sets the state of the one that is there. -AF_ENOENT where the copy has no such step. */
int af_store_effect_put(struct af_store *s, const struct af_effect_row *e, struct af_error *err);
int af_store_effects(struct af_store *s, const char *copy_id, struct af_effect_row **ret, size_t *ret_n, struct af_error *err);

/* Exposures and their holders. find: -AF_ENOENT. put: inserts where id is 0, otherwise updates by id and revision. */
int af_store_exposure_find(struct af_store *s, const char *kind, const char *account, const char *region, const char *resource,
                           const char *grantee, struct af_exposure_row *ret, struct af_error *err);
int af_store_exposure_put(struct af_store *s, struct af_exposure_row *e, struct af_error *err);
int af_store_exposures_open(struct af_store *s, struct af_exposure_row **ret, size_t *ret_n, struct af_error *err); /* borrowed and not CLOSED */
/* Those of a kind and account whose resource begins with folder, which ends with "/", and whose detail is a time later than since_ms. */
int af_store_exposures_changed(struct af_store *s, const char *kind, const char *account, const char *folder, int64_t since_ms,
                               struct af_exposure_row **ret, size_t *ret_n, struct af_error *err);
int af_store_holder_add(struct af_store *s, int64_t exposure, const char *copy_id, struct af_error *err);    /* no-op where it holds already */
int af_store_holder_remove(struct af_store *s, int64_t exposure, const char *copy_id, struct af_error *err); /* no-op where it doesn't */
int af_store_holders(struct af_store *s, int64_t exposure, size_t *ret_n, struct af_error *err);

#endif
