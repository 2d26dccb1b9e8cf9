/* The machine: which moves are legal, and what is to be done next. Tables and pure functions over stored rows; nothing here
 * touches AWS, the store or the clock (design section 3).
 *
 * A copy:
 *
 *   waiting -> inspecting -> working -> undoing -> done | failed | cancelled
 *                |    ^       ^ |        | |  ^       |
 *                |    |       | v        v |  +-------+   undo: a person wants a finished copy away
 *                +----------> blocked <----+ |
 *                     |   (left by retry, to where it came from)
 *                     +----------------------+   reroute: AWS refused this route, and there is another
 *
 * Every copy that has worked goes through undoing, the happy one too: its goal "done" takes back what was borrowed, and only then is it
 * done, and so does what it made for the time being: an instance, an image on the way. A copy that needs a person goes through undoing as well (goal "blocked"), so that nothing stays open while it waits; only where
 * AWS doesn't even say how far things are (no permission to look) is it blocked as it stands: what a pending copy needs must stay open.
 *
 * A step, the same for both of its faces, do and undo:
 *
 *   idle -> intended -> pending -> done
 *             |  ^         ^
 *             v  |         |
 *          ambiguous ------+         (idle -> pending | done, where there was nothing to send)
 *
 * done turns to (undo, idle) when it is to be undone; (undo, done) turns to (do, idle) when a blocked copy is taken up again. */
#ifndef AF_ENGINE_MACHINE_H
#define AF_ENGINE_MACHINE_H

#include "state/store.h"

#define AF_MACHINE_VERSION 3 /* stored with each copy; one of an earlier version is carried on as it is */

bool af_copy_move_legal(enum af_copy_state from, enum af_copy_state to);
bool af_step_move_legal(enum af_step_state from, enum af_step_state to);

/* How a repeat of a step's call is made harmless (design section 3, rule 2). */
enum af_safety {
  AF_SAFE_BY_TOKEN,  /* ClientToken */
  AF_SAFE_BY_NATURE, /* set-style, or a name that AWS honours: sending it again changes nothing */
  AF_SAFE_BY_PROBE,  /* not safe: look for what it made before it is sent again */
  AF_SAFE_BY_READ,   /* sends nothing that changes anything */
};

/* Where a step is at work. */
enum af_where {
  AF_AT_TARGET, /* the target account, in the target Region */
  AF_AT_SOURCE, /* the source account, in the source Region */
  AF_AT_LAUNCH, /* the target account, in the source Region: an AMI can be launched only where it is */
};

/* What the machine knows of a kind of step; the rest is in engine/step.h. */
struct af_step_traits {
  const char *name;  /* "copy-snapshot": stored in the rows */
  const char *title; /* "copying snapshots": shown to people */
  enum af_safety safety;
  enum af_where where;
  bool temporary;       /* what it made or opened is taken back on the way to done, too */
  const char *exposure; /* opens access (and is temporary): the kind of exposure; otherwise NULL */
  bool makes_image;     /* its resource is the new AMI */
  const char *quota;    /* how many may be under way in an account and Region: a row of the budgets; NULL: any number */
  int64_t limit_ms;     /* from its first call to done; past that it has failed */
  int64_t undo_limit_ms; /* from the first call that undoes it; past that a person is needed: what is left must not be given up. For so
                            much longer than limit_ms it may be in doubt */
  bool of_image;        /* it is about the new AMI, which an earlier stage has made */
  bool document;        /* an exposure that is a part of something that can only be written as a whole, and is named before the first "/"
                           of the item: one copy at a time writes to it */
};
const struct af_step_traits *af_step_traits(const char *kind); /* NULL where there is no such kind */
const struct af_step_traits *af_step_traits_at(size_t i);      /* NULL past the end */

enum af_action_kind {
  AF_ACT_INSPECT, /* read facts, choose the route */
  AF_ACT_STEP,    /* act on steps[step]: ask, poll, reconcile or undo, as its row says */
  AF_ACT_UNDO,    /* turn round, with this goal */
  AF_ACT_END,     /* everything is undone that the goal wants undone: end in the goal's state */
};
struct af_action {
  enum af_action_kind kind;
  size_t step;            /* AF_ACT_STEP: index into steps */
  enum af_copy_goal goal; /* AF_ACT_UNDO */
};

/* What can be done now, at most max actions (the rest comes next time). *ret_wake_ms: when to ask again if nothing else happens,
 * INT64_MAX where only an answer from AWS (or a person) moves it. Steps are ordered by ordinal. */
size_t af_machine_next(const struct af_copy_row *copy, const struct af_step_row *steps, size_t n_steps, int64_t now_ms,
                       struct af_action *ret, size_t max, int64_t *ret_wake_ms);

/* Does this goal want this step undone? */
bool af_goal_undoes(enum af_copy_goal goal, const struct af_step_traits *traits);
/* The state in which a copy with this goal ends. */
enum af_copy_state af_goal_end(enum af_copy_goal goal);

/* What must hold of a copy and its steps at every move; 0, or -AF_EINVAL with what is broken in err. */
int af_machine_invariant(const struct af_copy_row *copy, const struct af_step_row *steps, size_t n_steps, struct af_error *err);

/* The tables' own laws, checked at start-up: every state is reachable, every path can end, ended states have no way out, every kind of step
 * is complete. */
int af_machine_check(struct af_error *err);

#endif
