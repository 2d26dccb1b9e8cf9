/* Sweeping: what is to become of a thing in AWS that carries amiferry's tag (or, a grant, its name). What its copy is, and what the
 * thing is to it, is looked up by whoever asks (engine/sweep.c); what follows from it is decided here. Pure. */
#ifndef AF_PLANS_SWEEP_H
#define AF_PLANS_SWEEP_H

#include <stdbool.h>

/* In the order in which they are deleted: nothing can go before what uses it. */
enum af_sweep_kind {
  AF_SWEEP_INSTANCE,
  AF_SWEEP_VOLUME,
  AF_SWEEP_GROUP,
  AF_SWEEP_IMAGE,
  AF_SWEEP_SNAPSHOT,
  AF_SWEEP_GRANT, /* last: a key that is still read under must not be taken back (rules.md 3) */
  AF_SWEEP_KIND_MAX_,
};
const char *af_sweep_kind_name(enum af_sweep_kind k); /* "instance", "security-group" */

/* What the database knows of the copy whose id a thing carries. */
enum af_sweep_of {
  AF_OF_UNKNOWN, /* nothing: another database's, or one that was lost */
  AF_OF_LIVE,   /* it has not ended: blocked counts as live, since a retry goes on */
  AF_OF_DONE,
  AF_OF_ENDED,  /* failed or cancelled: all that it made was to be undone */
  AF_OF_MAX_,
};

/* Who uses a snapshot: of the AMIs that have it in a mapping, the one that matters most. */
enum af_sweep_use {
  AF_USED_BY_NONE,    /* none has; of any other kind of thing, always this */
  AF_USED_BY_ORPHAN,  /* only AMIs that are orphans */
  AF_USED_BY_UNKNOWN, /* one that is unknown */
  AF_USED_BY_KEPT,    /* one that stays */
  AF_USED_BY_UNREAD,  /* AWS didn't say: it may be in use */
  AF_USED_BY_MAX_,
};

struct af_sweep_claim {
  enum af_sweep_of of;
  enum af_sweep_use use;
  bool temporary; /* made on the way: it says so itself */
  bool result;    /* the AMI that a copy which is live or done ended in, whosever tag it carries: copies adopt each other's AMIs */
  bool copied;    /* an AMI that somebody copied, tags and all, from the one that its copy ended in (rules.md 1.2) */
  bool stale;     /* made by a step that is undone, or that has made it anew */
  bool whole;     /* an available AMI that is not temporary: a later run of its manifest adopts it */
};

enum af_sweep_verdict {
  AF_SWEEP_NEEDED,    /* a live copy's */
  AF_SWEEP_KEPT,      /* what copies are made for, or in use */
  AF_SWEEP_ORPHAN,    /* nobody needs it */
  AF_SWEEP_UNKNOWN,   /* nobody here knows: another database's copy may be under way */
  AF_SWEEP_ADOPTABLE, /* an AMI of a copy that this database doesn't know, fit for use: it may well be in use */
  AF_SWEEP_VERDICT_MAX_,
};
const char *af_sweep_verdict_name(enum af_sweep_verdict v); /* "orphan" */

/* *ret_why: in words; static. */
enum af_sweep_verdict af_sweep_judge(const struct af_sweep_claim *claim, const char **ret_why);
/* May it be deleted? unknown: the user has said that the unknown may, too. */
bool af_sweep_deletes(enum af_sweep_verdict v, bool unknown);

#endif
