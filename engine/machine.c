/* The machine's tables and its one decision, af_machine_next(). Pure: rows in, actions out. */
#include "engine/machine.h"

#define BIT(x) (1u << (x))
#define MINUTES(n) ((int64_t)(n) * 60 * 1000)
#define HOURS(n) MINUTES((n) * 60)

static const unsigned copy_moves[AF_COPY_STATE_MAX_] = {
    [AF_COPY_WAITING] = BIT(AF_COPY_INSPECTING) | BIT(AF_COPY_CANCELLED),
    [AF_COPY_INSPECTING] = BIT(AF_COPY_WORKING) | BIT(AF_COPY_FAILED) | BIT(AF_COPY_CANCELLED) | BIT(AF_COPY_BLOCKED),
    [AF_COPY_WORKING] = BIT(AF_COPY_UNDOING) | BIT(AF_COPY_BLOCKED),
    [AF_COPY_UNDOING] = BIT(AF_COPY_DONE) | BIT(AF_COPY_FAILED) | BIT(AF_COPY_CANCELLED) | BIT(AF_COPY_BLOCKED) | BIT(AF_COPY_INSPECTING),
    [AF_COPY_BLOCKED] = BIT(AF_COPY_INSPECTING) | BIT(AF_COPY_WORKING) | BIT(AF_COPY_UNDOING) | BIT(AF_COPY_CANCELLED),
    [AF_COPY_DONE] = BIT(AF_COPY_UNDOING), /* undo: by a person, never by itself */
    /* failed and cancelled are ends */
};

static const unsigned step_moves[AF_STEP_STATE_MAX_] = {
    [AF_STEP_IDLE] = BIT(AF_STEP_INTENDED) | BIT(AF_STEP_PENDING) | BIT(AF_STEP_DONE),
    [AF_STEP_INTENDED] = BIT(AF_STEP_IDLE) | BIT(AF_STEP_AMBIGUOUS) | BIT(AF_STEP_PENDING) | BIT(AF_STEP_DONE),
    [AF_STEP_AMBIGUOUS] = BIT(AF_STEP_IDLE) | BIT(AF_STEP_INTENDED) | BIT(AF_STEP_PENDING) | BIT(AF_STEP_DONE),
    [AF_STEP_PENDING] = BIT(AF_STEP_IDLE) | BIT(AF_STEP_INTENDED) | BIT(AF_STEP_DONE),
    [AF_STEP_DONE] = BIT(AF_STEP_IDLE),
};

/* Limits: a copy of a snapshot may take two days (rules.md 1.1: 48 h is the longest AWS plans for), CreateImage one (rules.md 4), a grant
 * "usually under five minutes" (rules.md 3), a bundle may have to wait until other copies leave room in its bucket's policy, everything
 * else is a call that takes effect at once, or a machine that starts and stops. Taking back is minutes of AWS's work where all is well: what
 * takes hours hangs. */
static const struct af_step_traits kinds[] = {
    {"bridge-image", "making a bridge under a key that can be shared", AF_SAFE_BY_TOKEN, AF_AT_SOURCE, true, NULL, false, "copy-image",
     HOURS(50), HOURS(4)},
    {"grant-key", "granting the key", AF_SAFE_BY_NATURE, AF_AT_SOURCE, true, "grant", false, NULL, MINUTES(30), HOURS(1)},
    {"share-snapshot", "sharing snapshots", AF_SAFE_BY_NATURE, AF_AT_SOURCE, true, "createVolumePermission", false, NULL, MINUTES(30), HOURS(1)},
    {"share-image", "sharing the image", AF_SAFE_BY_NATURE, AF_AT_SOURCE, true, "launchPermission", false, NULL, MINUTES(30), HOURS(1)},
    {"share-bundle", "sharing the bundle in S3", AF_SAFE_BY_NATURE, AF_AT_SOURCE, true, "bucketPolicy", false, NULL, HOURS(50), HOURS(4),
     .document = true},
    {"security-group", "making a security group", AF_SAFE_BY_PROBE, AF_AT_LAUNCH, true, NULL, false, NULL, MINUTES(30), HOURS(4)},
    {"launch-instance", "launching an instance", AF_SAFE_BY_TOKEN, AF_AT_LAUNCH, true, NULL, false, NULL, HOURS(4), HOURS(4)},
    {"create-hop-image", "making an image of the instance", AF_SAFE_BY_PROBE, AF_AT_LAUNCH, true, NULL, false, NULL, HOURS(26), HOURS(4)},
    {"create-image", "making an image of the instance", AF_SAFE_BY_PROBE, AF_AT_TARGET, false, NULL, true, NULL, HOURS(26), HOURS(4)},
    {"copy-snapshot", "copying snapshots", AF_SAFE_BY_PROBE, AF_AT_TARGET, false, NULL, false, "copy-snapshot", HOURS(50), HOURS(4)},
    {"copy-image", "copying the image", AF_SAFE_BY_TOKEN, AF_AT_TARGET, false, NULL, true, "copy-image", HOURS(50), HOURS(4)},
    {"register-image", "registering the image", AF_SAFE_BY_PROBE, AF_AT_TARGET, false, NULL, true, NULL, HOURS(2), HOURS(4)},
    {"adopt-image", "taking over the earlier copy", AF_SAFE_BY_READ, AF_AT_TARGET, false, NULL, true, NULL, HOURS(50), MINUTES(30)},
    {"skip-image", "leaving what is there", AF_SAFE_BY_READ, AF_AT_TARGET, false, NULL, true, NULL, MINUTES(30), MINUTES(30)},
    {"finish-image", "finishing the image", AF_SAFE_BY_NATURE, AF_AT_TARGET, false, NULL, false, NULL, HOURS(1), HOURS(1), true},
    {"verify", "verifying", AF_SAFE_BY_READ, AF_AT_TARGET, false, NULL, false, NULL, HOURS(1), MINUTES(30), true},
    {"protect-image", "protecting the image", AF_SAFE_BY_NATURE, AF_AT_TARGET, false, NULL, false, NULL, MINUTES(30), HOURS(1), true},
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

bool af_copy_move_legal(enum af_copy_state from, enum af_copy_state to) {
  return from < AF_COPY_STATE_MAX_ && to < AF_COPY_STATE_MAX_ && (copy_moves[from] & BIT(to));
}

bool af_step_move_legal(enum af_step_state from, enum af_step_state to) {
  return from < AF_STEP_STATE_MAX_ && to < AF_STEP_STATE_MAX_ && (step_moves[from] & BIT(to));
}

const struct af_step_traits *af_step_traits_at(size_t i) {
  return i < N_KINDS ? &kinds[i] : NULL;
}

const struct af_step_traits *af_step_traits(const char *kind) {
  for (size_t i = 0; i < N_KINDS; i++)
    if (af_streq(kinds[i].name, kind)) return &kinds[i];
  return NULL;
}

bool af_goal_undoes(enum af_copy_goal goal, const struct af_step_traits *traits) {
  switch (goal) {
    case AF_GOAL_DONE:
    case AF_GOAL_BLOCKED: return traits->temporary;
    case AF_GOAL_FAILED:
    case AF_GOAL_CANCELLED:
    case AF_GOAL_REROUTE: return true;
    default: return false;
  }
}

enum af_copy_state af_goal_end(enum af_copy_goal goal) {
  static const enum af_copy_state ends[AF_GOAL_MAX_] = {
      [AF_GOAL_NONE] = AF_COPY_STATE_MAX_,     [AF_GOAL_DONE] = AF_COPY_DONE,       [AF_GOAL_FAILED] = AF_COPY_FAILED,
      [AF_GOAL_CANCELLED] = AF_COPY_CANCELLED, [AF_GOAL_BLOCKED] = AF_COPY_BLOCKED,
      [AF_GOAL_REROUTE] = AF_COPY_INSPECTING,
  };
  return goal < AF_GOAL_MAX_ ? ends[goal] : AF_COPY_STATE_MAX_;
}

struct decision { /* what af_machine_next() is building */
  struct af_action *list;
  size_t n, max;
  int64_t now_ms, wake_ms;
};

static void act(struct decision *d, struct af_action a) {
  if (d->n < d->max) d->list[d->n++] = a;
  else d->wake_ms = d->now_ms; /* no room: come back at once */
}

/* A step that is in flight is left alone, one that is not due is woken for later, any other is acted on. */
static void act_on_step(struct decision *d, const struct af_step_row *steps, size_t i) {
  if (steps[i].state == AF_STEP_INTENDED) return;
  if (steps[i].next_ms > d->now_ms) {
    if (steps[i].next_ms < d->wake_ms) d->wake_ms = steps[i].next_ms;
    return;
  }
  act(d, (struct af_action){.kind = AF_ACT_STEP, .step = i});
}

static bool forward_done(const struct af_step_row *s) {
  return s->face == AF_FACE_DO && s->state == AF_STEP_DONE;
}

static bool backward_done(const struct af_step_row *s) {
  return s->face == AF_FACE_UNDO && s->state == AF_STEP_DONE;
}

/* The first that is not finished; INT64_MAX where all are. */
static int64_t working_stage(const struct af_step_row *steps, size_t n) {
  int64_t stage = INT64_MAX;
  for (size_t i = 0; i < n; i++)
    if (!forward_done(&steps[i]) && steps[i].stage < stage) stage = steps[i].stage;
  return stage;
}

static void next_working(struct decision *d, const struct af_copy_row *copy, const struct af_step_row *steps, size_t n) {
  if (copy->cancel_requested) {
    act(d, (struct af_action){.kind = AF_ACT_UNDO, .goal = AF_GOAL_CANCELLED});
    return;
  }
  int64_t stage = working_stage(steps, n);
  if (stage == INT64_MAX) {
    act(d, (struct af_action){.kind = AF_ACT_UNDO, .goal = AF_GOAL_DONE});
    return;
  }
  for (size_t i = 0; i < n; i++)
    if (steps[i].stage == stage && !forward_done(&steps[i])) act_on_step(d, steps, i);
}

/* What is still to be done about a step on the way to a goal. A step that the goal keeps must be settled all the same: a key
 * that a copy in AWS is still reading under must not be taken back (rules.md 3). */
static bool unsettled(enum af_copy_goal goal, const struct af_step_row *s) {
  if (af_goal_undoes(goal, af_step_traits(s->kind))) return !backward_done(s);
  return s->state == AF_STEP_INTENDED || s->state == AF_STEP_AMBIGUOUS || s->state == AF_STEP_PENDING;
}

/* A wish to cancel changes where it is going, unless everything is being undone already. */
static void next_undoing(struct decision *d, const struct af_copy_row *copy, const struct af_step_row *steps, size_t n) {
  if (copy->cancel_requested && copy->goal != AF_GOAL_CANCELLED && copy->goal != AF_GOAL_FAILED) {
    act(d, (struct af_action){.kind = AF_ACT_UNDO, .goal = AF_GOAL_CANCELLED});
    return;
  }
  int64_t stage = INT64_MIN; /* the last that is not settled yet: stages are undone backwards */
  for (size_t i = 0; i < n; i++)
    if (unsettled(copy->goal, &steps[i]) && steps[i].stage > stage) stage = steps[i].stage;
  if (stage == INT64_MIN) act(d, (struct af_action){.kind = AF_ACT_END});
  for (size_t i = 0; i < n; i++)
    if (steps[i].stage == stage && unsettled(copy->goal, &steps[i])) act_on_step(d, steps, i);
}

size_t af_machine_next(const struct af_copy_row *copy, const struct af_step_row *steps, size_t n_steps, int64_t now_ms,
                       struct af_action *ret, size_t max, int64_t *ret_wake_ms) {
  struct decision d = {.list = ret, .max = max, .now_ms = now_ms, .wake_ms = INT64_MAX};
  switch (copy->state) {
    case AF_COPY_WAITING:
    case AF_COPY_INSPECTING: act(&d, (struct af_action){.kind = AF_ACT_INSPECT}); break;
    case AF_COPY_WORKING: next_working(&d, copy, steps, n_steps); break;
    case AF_COPY_UNDOING: next_undoing(&d, copy, steps, n_steps); break;
    default: break; /* ended, or waits for a person */
  }
  *ret_wake_ms = d.wake_ms;
  return d.n;
}

static int broken(struct af_error *err, const struct af_copy_row *copy, const char *what) {
  int rc = af_error_set(err, -AF_EINVAL, AF_CLASS_INTERNAL, "InvariantBroken", "copy %s (%s): %s", copy->id,
                        af_copy_state_name(copy->state), what);
  af_error_hint(err, "this is a fault of amiferry; nothing was sent because of it. Keep the database and report it");
  return rc;
}

static int step_invariant(const struct af_copy_row *copy, const struct af_step_row *s, struct af_error *err) {
  const struct af_step_traits *t = af_step_traits(s->kind);
  if (!t) return broken(err, copy, "a step of an unknown kind");
  if ((s->state == AF_STEP_INTENDED || s->state == AF_STEP_AMBIGUOUS) != (s->intent != NULL))
    return broken(err, copy, "an intent without a step that is about to be sent, or such a step without its intent");
  if (s->state == AF_STEP_PENDING && t->quota && !s->resource) return broken(err, copy, "a copy is maturing that has no id");
  if (copy->state == AF_COPY_DONE && t->temporary && !backward_done(s))
    return broken(err, copy, "done, but something borrowed or temporary is still there");
  if (copy->state == AF_COPY_DONE && !t->temporary && !forward_done(s)) return broken(err, copy, "done, but a step is not");
  if ((copy->state == AF_COPY_FAILED || copy->state == AF_COPY_CANCELLED) && !backward_done(s))
    return broken(err, copy, "ended without being undone");
  if (copy->state == AF_COPY_WORKING && s->face == AF_FACE_UNDO) return broken(err, copy, "working, but a step is being undone");
  return 0;
}

/* Is it the turn of a step that is about an AMI? */
static bool at_image(const struct af_step_row *steps, size_t n) {
  int64_t stage = working_stage(steps, n);
  for (size_t i = 0; i < n; i++) {
    const struct af_step_traits *t = af_step_traits(steps[i].kind);
    if (steps[i].stage == stage && !forward_done(&steps[i]) && t && t->of_image) return true;
  }
  return false;
}

int af_machine_invariant(const struct af_copy_row *copy, const struct af_step_row *steps, size_t n_steps, struct af_error *err) {
  if ((copy->state == AF_COPY_UNDOING) && copy->goal == AF_GOAL_NONE) return broken(err, copy, "undoing without a goal");
  if (copy->state == AF_COPY_WORKING && copy->goal != AF_GOAL_NONE) return broken(err, copy, "working with a goal to undo");
  if (copy->state == AF_COPY_DONE && !copy->image_id) return broken(err, copy, "done without an image");
  if (copy->state == AF_COPY_WORKING && !copy->image_id && at_image(steps, n_steps))
    return broken(err, copy, "at work on an image that is not there");
  for (size_t i = 0; i < n_steps; i++) {
    int rc = step_invariant(copy, &steps[i], err);
    if (rc) return rc;
  }
  return 0;
}

/* The states that can be reached from `from`, by repeated union. */
static unsigned reach(const unsigned *moves, size_t n, unsigned from) {
  for (unsigned before = 0; before != from;) {
    before = from;
    for (size_t i = 0; i < n; i++)
      if (from & BIT(i)) from |= moves[i];
  }
  return from;
}

static int law(struct af_error *err, const char *what, const char *where) {
  return af_error_set(err, -AF_EINVAL, AF_CLASS_INTERNAL, "MachineTable", "the table of the machine is wrong: %s: %s", what, where);
}

static int check_copies(struct af_error *err) {
  const unsigned ends = BIT(AF_COPY_DONE) | BIT(AF_COPY_FAILED) | BIT(AF_COPY_CANCELLED);
  if (reach(copy_moves, AF_COPY_STATE_MAX_, BIT(AF_COPY_WAITING)) != BIT(AF_COPY_STATE_MAX_) - 1)
    return law(err, "a state can't be reached", "copies");
  for (size_t i = 0; i < AF_COPY_STATE_MAX_; i++) {
    bool ended = af_copy_state_ended((enum af_copy_state)i);
    if (ended ? copy_moves[i] & ~BIT(AF_COPY_UNDOING) : !copy_moves[i])
      return law(err, "an end that goes on, or a state that doesn't", af_copy_state_name((enum af_copy_state)i));
    if (!(reach(copy_moves, AF_COPY_STATE_MAX_, BIT(i)) & ends))
      return law(err, "no way to an end", af_copy_state_name((enum af_copy_state)i));
  }
  return 0;
}

int af_machine_check(struct af_error *err) {
  int rc = check_copies(err);
  if (rc) return rc;
  for (size_t i = 0; i < AF_STEP_STATE_MAX_; i++)
    if (reach(step_moves, AF_STEP_STATE_MAX_, BIT(i)) != BIT(AF_STEP_STATE_MAX_) - 1)
      return law(err, "a state that doesn't lead everywhere", af_step_state_name((enum af_step_state)i));
  for (size_t i = 0; i < N_KINDS; i++) {
    if (!kinds[i].title || kinds[i].limit_ms <= 0 || kinds[i].undo_limit_ms <= 0) return law(err, "an incomplete kind of step", kinds[i].name);
    if (kinds[i].exposure && (!kinds[i].temporary || kinds[i].where != AF_AT_SOURCE))
      return law(err, "an exposure that isn't taken back, or isn't the source's", kinds[i].name);
    if (kinds[i].document && !kinds[i].exposure) return law(err, "a document that nothing is opened by", kinds[i].name);
    if (kinds[i].makes_image && (kinds[i].temporary || kinds[i].where != AF_AT_TARGET))
      return law(err, "a new AMI that isn't kept, or isn't the target's", kinds[i].name);
    if (af_step_traits(kinds[i].name) != &kinds[i]) return law(err, "two kinds of one name", kinds[i].name);
  }
  return 0;
}
