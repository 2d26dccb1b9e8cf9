/* How instances go on: their phases (ec2_compute.h draws them), the verdict on the keys of their volumes, StartInstances, StopInstances
 * and TerminateInstances. Every phase is known when it is begun; a later call cuts off those that have not come. */
#include <stdio.h>

#include "tools/cloudsim/ec2_compute.h"

const char *const cs_instance_states[] = {
    [CS_PENDING] = "pending",       [CS_RUNNING] = "running",   [CS_SHUTTING_DOWN] = "shutting-down",
    [CS_TERMINATED] = "terminated", [CS_STOPPING] = "stopping", [CS_STOPPED] = "stopped",
};
_Static_assert(sizeof cs_instance_states / sizeof cs_instance_states[0] == CS_INSTANCE_STATE_MAX_, "every state has a name");

int cs_instance_state_code(enum cs_instance_state state) {
  return (int)state * 16; /* AWS counts them so: 0, 16, 32, 48, 64, 80 */
}

const struct cs_phase *cs_instance_phase(const struct cs_instance *i, int64_t view) {
  size_t n = i->n_phases;
  while (n > 1 && i->phases[n - 1].at > view)
    n--;
  return &i->phases[n - 1];
}

enum cs_instance_state cs_instance_state(const struct cs_instance *i, int64_t view) {
  return cs_instance_phase(i, view)->state;
}

/* --- phases --- */

static const char user_code[] = "Client.UserInitiatedShutdown", user_message[] = "Client.UserInitiatedShutdown: User initiated shutdown";

static void go(struct cs_instance *i, int64_t at, enum cs_instance_state state, const char *code, const char *message) {
  *CS_ADD(i->phases, i->n_phases) = (struct cs_phase){at, state, code, message};
}

static void cut(struct cs_instance *i, int64_t now) {
  while (i->n_phases > 0 && i->phases[i->n_phases - 1].at > now)
    i->n_phases--;
}

static void set_moving(struct cs_sim *sim, struct cs_instance *i, int64_t now) {
  struct cs_things *all = sim->ec2->things;
  i->settled_ms = now;
  sim->ec2->next_ms = CS_EVER;
  for (size_t k = 0; k < all->n_moving; k++)
    if (all->moving[k] == i)
      return;
  *CS_ADD(all->moving, all->n_moving) = i;
}

static bool has_keys(const struct cs_instance *i) {
  for (size_t k = 0; k < i->n_devices; k++)
    if (i->devices[k].volume && (i->devices[k].volume->encrypted || i->devices[k].volume->source_key))
      return true;
  return false;
}

void cs_instance_launch(struct cs_call *call, struct cs_instance *i) {
  struct cs_sim *sim = call->sim;
  int64_t now = call->sim_ms, running = now + cs_draw(&sim->times, sim->latency.instance_start);
  i->caller = call->caller;
  i->launch_ms = now;
  i->check_ms = has_keys(i) ? now + cs_draw(&sim->times, sim->latency.key_check) : CS_NEVER;
  if (i->check_ms != CS_NEVER && running <= i->check_ms)
    running = i->check_ms + 1;
  go(i, now, CS_PENDING, "pending", "pending");
  go(i, running, CS_RUNNING, NULL, NULL);
  set_moving(sim, i, now);
}

static void stop(struct cs_sim *sim, struct cs_instance *i, int64_t now) {
  cut(i, now);
  i->check_ms = CS_NEVER;
  go(i, now, CS_STOPPING, user_code, user_message);
  go(i, now + cs_draw(&sim->times, sim->latency.instance_stop), CS_STOPPED, user_code, user_message);
  set_moving(sim, i, now);
}

/* Its volumes go with it or stay, as each is set (rules.md 4). */
static void end(struct cs_sim *sim, struct cs_instance *i, int64_t now, const char *code, const char *message) {
  int64_t over = now + cs_draw(&sim->times, sim->latency.instance_terminate);
  cut(i, now);
  i->check_ms = CS_NEVER;
  go(i, now, CS_SHUTTING_DOWN, code, message);
  go(i, over, CS_TERMINATED, code, message);
  for (size_t k = 0; k < i->n_devices; k++) {
    struct cs_volume *v = i->devices[k].volume;
    if (!v)
      continue;
    v->detached_ms = over;
    if (v->delete_on_termination)
      v->thing.gone_ms = over;
  }
  i->interface->thing.gone_ms = over;
  i->thing.gone_ms = over + sim->latency.terminated_visible;
  set_moving(sim, i, now);
}

/* --- the verdict on keys --- */

struct verdict {
  const char *code, *message; /* NULL: good */
};

static struct verdict volume_verdict(struct cs_sim *sim, const struct cs_instance *i, const struct cs_volume *v, int64_t at) {
  static const struct verdict inaccessible = {"Client.InternalError", "Client.InternalError: Client error on launch"};
  static const struct verdict wrong_state = {"Client.InvalidKMSKey.InvalidState",
                                             "Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state"};
  if (v->encrypted && !v->target_key)
    return inaccessible;
  if ((v->target_key && !v->target_key->enabled) || (v->source_key && !v->source_key->enabled))
    return wrong_state;
  /* Once the volume is made, its source has done its part. */
  bool first = i->launch_ms == i->thing.created_ms;
  if (first && v->source_key && !cs_key_usable(sim, at, &i->caller, v->source_key, true))
    return inaccessible;
  if (v->target_key && !cs_key_usable(sim, at, &i->caller, v->target_key, false))
    return inaccessible;
  return (struct verdict){NULL, NULL};
}

static void judge(struct cs_sim *sim, struct cs_instance *i, int64_t at) {
  struct verdict bad = {NULL, NULL};
  i->check_ms = CS_NEVER;
  for (size_t k = 0; k < i->n_devices && !bad.code; k++)
    if (i->devices[k].volume)
      bad = volume_verdict(sim, i, i->devices[k].volume, at);
  if (!bad.code)
    return;
  if (i->launch_ms == i->thing.created_ms) {
    end(sim, i, at, bad.code, bad.message);
  } else {
    cut(i, at);
    go(i, at, CS_STOPPED, bad.code, bad.message);
  }
}

static int64_t due(const struct cs_instance *i) {
  int64_t next = i->check_ms;
  for (size_t k = 0; k < i->n_phases; k++)
    if (i->phases[k].at > i->settled_ms)
      return i->phases[k].at < next ? i->phases[k].at : next;
  return next;
}

int64_t cs_instances_next(const struct cs_sim *sim, struct cs_instance **ret) {
  const struct cs_things *all = sim->ec2->things;
  int64_t next = CS_NEVER;
  *ret = NULL;
  for (size_t k = 0; k < all->n_moving; k++)
    if (due(all->moving[k]) < next) {
      *ret = all->moving[k];
      next = due(*ret);
    }
  return next;
}

void cs_instance_event(struct cs_sim *sim, struct cs_instance *i, int64_t at) {
  struct cs_things *all = sim->ec2->things;
  if (i->check_ms <= at)
    judge(sim, i, at);
  i->settled_ms = at;
  if (due(i) != CS_NEVER)
    return;
  for (size_t k = 0; k < all->n_moving; k++)
    if (all->moving[k] == i) {
      all->moving[k] = all->moving[--all->n_moving];
      return;
    }
}

/* --- calls that change states --- */

#define IN(state) (1u << (state))

struct change {
  unsigned from, there; /* states in which it does something; states in which it has nothing to do */
  int (*check)(struct cs_call *call, const struct cs_instance *i);
  void (*apply)(struct cs_call *call, struct cs_instance *i);
  void (*refused)(struct cs_call *call, const struct change *c); /* what is done all the same; NULL: nothing */
};

static int wrong_state(struct cs_call *call, const struct cs_instance *i, const char *verb) {
  if (cs_instance_state(i, call->sim_ms) == CS_PENDING)
    return cs_fail(call, 400, "IncorrectInstanceState", "Instance '%s' cannot be %s as it has never reached the 'running' state.",
                   i->thing.id, verb);
  return cs_fail(call, 400, "IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s.", i->thing.id, verb);
}

static int may_start(struct cs_call *call, const struct cs_instance *i) {
  return cs_instance_state(i, call->sim_ms) != CS_STOPPED ? wrong_state(call, i, "started")
                                                          : cs_check_capacity(call, i->type, i->interface->subnet->zone);
}

static int may_stop(struct cs_call *call, const struct cs_instance *i) {
  if (!af_streq(i->origin->text[CS_ROOT_TYPE], "ebs"))
    return cs_fail(call, 400, "UnsupportedOperation", "The instance '%s' does not have an 'ebs' root device type and cannot be stopped",
                   i->thing.id);
  if (i->stop_protected)
    return cs_fail(call, 400, "OperationNotPermitted",
                   "The instance '%s' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.", i->thing.id);
  return cs_instance_state(i, call->sim_ms) == CS_RUNNING ? 0 : wrong_state(call, i, "stopped");
}

static int may_terminate(struct cs_call *call, const struct cs_instance *i) {
  if (!i->protected)
    return 0;
  return cs_fail(call, 400, "OperationNotPermitted",
                 "The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.", i->thing.id);
}

static void apply_stop(struct cs_call *call, struct cs_instance *i) {
  stop(call->sim, i, call->sim_ms);
}

static void apply_terminate(struct cs_call *call, struct cs_instance *i) {
  end(call->sim, i, call->sim_ms, user_code, user_message);
}

static void write_state(struct af_buf *out, const char *element, enum cs_instance_state state) {
  cs_xml_open(out, element);
  cs_xml_int(out, "code", cs_instance_state_code(state));
  cs_xml_text(out, "name", cs_instance_states[state]);
  cs_xml_close(out, element);
}

static void change_one(struct cs_call *call, struct af_buf *out, const struct change *c, const char *id) {
  struct cs_instance *i = (struct cs_instance *)cs_thing_by_id(call->sim, id);
  enum cs_instance_state before = cs_instance_state(i, call->sim_ms);
  if (c->from & IN(before))
    c->apply(call, i);
  cs_xml_open(out, "item");
  cs_xml_text(out, "instanceId", i->thing.id);
  write_state(out, "currentState", cs_instance_state(i, call->sim_ms));
  write_state(out, "previousState", before);
  cs_xml_close(out, "item");
}

static struct cs_instance *named(struct cs_call *call, size_t k) {
  return (struct cs_instance *)cs_thing_by_id(call->sim, cs_paramf(&call->params, "InstanceId.%zu", k));
}

static int check_all(struct cs_call *call, const struct change *c, size_t n) {
  char action[100];
  snprintf(action, sizeof action, "ec2:%s", call->action);
  for (size_t k = 1; k <= n; k++)
    if (cs_may(call, action, "instance", cs_paramf(&call->params, "InstanceId.%zu", k)) < 0)
      return -AF_EAWS;
  for (size_t k = 1; k <= n; k++)
    if (!cs_own_thing(call, CS_INSTANCE, cs_paramf(&call->params, "InstanceId.%zu", k)))
      return -AF_EAWS;
  for (size_t k = 1; k <= n; k++) {
    const struct cs_instance *i = named(call, k);
    if ((c->there & IN(cs_instance_state(i, call->sim_ms))) || c->check(call, i) == 0)
      continue;
    if (c->refused && cs_param_bool(call, "DryRun", false) != true)
      c->refused(call, c);
    return -AF_EAWS;
  }
  return cs_dry_run(call);
}

static int change(struct cs_call *call, struct af_buf *out, const struct change *c) {
  size_t n = cs_param_list(call, "InstanceId");
  if (check_all(call, c, n) < 0)
    return -AF_EAWS;
  cs_xml_open(out, "instancesSet");
  for (size_t k = 1; k <= n; k++)
    change_one(call, out, c, cs_paramf(&call->params, "InstanceId.%zu", k));
  cs_xml_close(out, "instancesSet");
  return 0;
}

/* A protected instance keeps those of its own zone; where there is none, they go, though the call fails (API reference, TerminateInstances). */
static void terminate_elsewhere(struct cs_call *call, const struct change *c) {
  size_t n = cs_param_list(call, "InstanceId");
  unsigned kept = 0;
  for (size_t k = 1; k <= n; k++)
    if (named(call, k)->protected && !(c->there & IN(cs_instance_state(named(call, k), call->sim_ms))))
      kept |= 1u << named(call, k)->interface->subnet->zone;
  for (size_t k = 1; k <= n; k++)
    if ((c->from & IN(cs_instance_state(named(call, k), call->sim_ms))) && !(kept & 1u << named(call, k)->interface->subnet->zone))
      c->apply(call, named(call, k));
}

int cs_start_instances(struct cs_call *call, struct af_buf *out) {
  static const struct change start = {IN(CS_STOPPED), IN(CS_PENDING) | IN(CS_RUNNING), may_start, cs_instance_launch};
  return change(call, out, &start);
}

int cs_stop_instances(struct cs_call *call, struct af_buf *out) {
  static const struct change halt = {IN(CS_RUNNING), IN(CS_STOPPING) | IN(CS_STOPPED), may_stop, apply_stop};
  if (cs_param_bool(call, "Hibernate", false) == true)
    return cs_fail(call, 400, "UnsupportedHibernationConfiguration", "The instance is not configured for hibernation.");
  return change(call, out, &halt);
}

int cs_terminate_instances(struct cs_call *call, struct af_buf *out) {
  static const struct change terminate = {IN(CS_PENDING) | IN(CS_RUNNING) | IN(CS_STOPPING) | IN(CS_STOPPED),
                                          IN(CS_SHUTTING_DOWN) | IN(CS_TERMINATED), may_terminate, apply_terminate,
                                          terminate_elsewhere};
  return change(call, out, &terminate);
}
