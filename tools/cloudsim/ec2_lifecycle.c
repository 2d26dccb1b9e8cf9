/* How copies go on by themselves: the verdict on keys some time after the call (rules.md 1.1, 2.2, 3), the bytes at the world's rate,
 * the image after its last snapshot. Every moment at which something changes is known when it is begun, so time can jump:
 * cs_ec2_advance() carries out what became due, in order. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2_compute.h"

/* --- pending lists --- */

static void drop_pending_snapshot(struct cs_ec2 *ec2, const struct cs_snapshot *s) {
  for (size_t i = 0; i < ec2->n_pending_snapshots; i++)
    if (ec2->pending_snapshots[i] == s) {
      memmove(&ec2->pending_snapshots[i], &ec2->pending_snapshots[i + 1],
              (ec2->n_pending_snapshots - i - 1) * sizeof ec2->pending_snapshots[0]);
      ec2->n_pending_snapshots--;
      return;
    }
}

static bool drop_pending_image(struct cs_ec2 *ec2, const struct cs_image *image) {
  for (size_t i = 0; i < ec2->n_pending_images; i++)
    if (ec2->pending_images[i] == image) {
      memmove(&ec2->pending_images[i], &ec2->pending_images[i + 1],
              (ec2->n_pending_images - i - 1) * sizeof ec2->pending_images[0]);
      ec2->n_pending_images--;
      return true;
    }
  return false;
}

void cs_image_wait(struct cs_sim *sim, struct cs_image *image) {
  struct cs_ec2 *ec2 = sim->ec2;
  *CS_ADD(ec2->pending_images, ec2->n_pending_images) = image;
  ec2->next_ms = CS_EVER;
  if (!image->copy)
    return;
  struct cs_usage *u = cs_usage_of(sim, image->owner, image->region);
  u->started_image_copies++;
  if (++u->image_copies > u->peak_image_copies)
    u->peak_image_copies = u->image_copies;
}

static void image_settled(struct cs_sim *sim, struct cs_image *image, int64_t at) {
  image->ready_ms = at;
  if (drop_pending_image(sim->ec2, image) && image->copy)
    cs_usage_of(sim, image->owner, image->region)->image_copies--;
}

static void image_failed(struct cs_sim *sim, struct cs_image *image, int64_t at) {
  image->fate = CS_IMAGE_FAILED;
  cs_set(&image->reason_code, "Server.InternalError");
  cs_set(&image->reason, "Copy image failed with an internal error."); /* rules.md 1.6 */
  image_settled(sim, image, at);
}

/* --- a snapshot copy ends --- */

static void copy_over(struct cs_sim *sim, struct cs_snapshot *s, int64_t at) {
  struct cs_usage *u = cs_usage_of(sim, s->owner, s->region);
  u->pending_snapshots--;
  if (s->copying->by_copy_snapshot)
    u->snapshot_copies--;
  drop_pending_snapshot(sim->ec2, s);
  free(s->copying);
  s->copying = NULL;
  s->ready_ms = at;
}

static bool image_waits(const struct cs_image *image) {
  return image && image->ready_ms == CS_NEVER && image->gone_ms == CS_NEVER;
}

static void copy_failed(struct cs_sim *sim, struct cs_snapshot *s, int64_t at, const char *why) {
  s->failed = true;
  cs_set(&s->status_message, why);
  copy_over(sim, s, at);
  if (image_waits(s->image))
    image_failed(sim, s->image, at);
}

static void copy_completed(struct cs_sim *sim, struct cs_snapshot *s, int64_t at) {
  copy_over(sim, s, at);
  if (image_waits(s->image) && --s->image->waits_for == 0)
    s->image->ready_ms = at + cs_draw(&sim->times, sim->latency.image_registration);
}

void cs_copy_cancel(struct cs_sim *sim, struct cs_snapshot *s, int64_t at) {
  if (s->copying)
    copy_over(sim, s, at);
  sim->ec2->next_ms = CS_EVER;
}

/* rules.md 1.6: deregistering a pending image cancels the copy; what becomes of its snapshots is not documented. */
void cs_image_cancel(struct cs_sim *sim, struct cs_image *image, int64_t at) {
  for (size_t i = 0; i < image->n_mappings; i++) {
    struct cs_snapshot *s = cs_snapshot_by_id(sim, image->mappings[i].snapshot_id);
    if (!s || s->image != image)
      continue;
    s->image = NULL;
    if (!sim->uncertain.cancelled_copy_leaves_snapshots && s->copying)
      cs_snapshot_end(sim, s, at);
  }
  image_settled(sim, image, image->ready_ms);
  sim->ec2->next_ms = CS_EVER;
}

/* --- keys --- */

bool cs_key_usable(struct cs_sim *sim, int64_t at, const struct cs_caller *caller, const struct cs_key *key, bool source) {
  const struct cs_uncertain *u = &sim->uncertain;
  char *const *operations = source ? u->source_key_operations : u->target_key_operations;
  size_t n = source ? u->n_source_key_operations : u->n_target_key_operations;
  for (size_t i = 0; i < n; i++)
    if (!cs_kms_may_use(sim, at, caller, key, operations[i]))
      return false;
  return true;
}

/* NULL: the copy may go on; else the status message of its failure. */
static const char *key_verdict(struct cs_sim *sim, int64_t at, const struct cs_copying *c) {
  if (c->doomed)
    return c->why;
  if (c->source_key && !cs_key_usable(sim, at, &c->caller, c->source_key, true))
    return "Given key ID is not accessible";
  if (c->target_key && !cs_key_usable(sim, at, &c->caller, c->target_key, false))
    return c->target_key->aws_managed ? "Given key ID is not accessible. You must have DescribeKey permissions on the default CMK."
                                      : "Given key ID is not accessible";
  return NULL;
}

/* --- time --- */

static int64_t due(const struct cs_snapshot *s) {
  return s->copying && !s->copying->checked ? s->copying->check_ms : s->ready_ms;
}

static void snapshot_event(struct cs_sim *sim, struct cs_snapshot *s, int64_t at) {
  struct cs_copying *c = s->copying;
  bool last = c->checked;
  /* rules.md 3: what a retired parent does to the grants that EBS made of it is not documented. */
  const char *why = !last || sim->uncertain.retired_grant_fails_running_copy ? key_verdict(sim, at, c) : NULL;
  c->checked = true;
  if (why) {
    char text[160];
    AF_COPY(text, af_str(why)); /* it may stand in what copy_failed() frees */
    copy_failed(sim, s, at, text);
  } else if (last) {
    copy_completed(sim, s, at);
  }
}

/* What is to happen next; one of the three is set, or none. */
struct event {
  int64_t at;
  struct cs_snapshot *snapshot;
  struct cs_image *image;
  struct cs_instance *instance;
};

static struct event next_event(const struct cs_sim *sim) {
  const struct cs_ec2 *ec2 = sim->ec2;
  struct event next = {.at = CS_NEVER};
  for (size_t i = 0; i < ec2->n_pending_snapshots; i++)
    if (due(ec2->pending_snapshots[i]) < next.at)
      next = (struct event){.at = due(ec2->pending_snapshots[i]), .snapshot = ec2->pending_snapshots[i]};
  for (size_t i = 0; i < ec2->n_pending_images; i++)
    if (ec2->pending_images[i]->ready_ms < next.at)
      next = (struct event){.at = ec2->pending_images[i]->ready_ms, .image = ec2->pending_images[i]};
  struct cs_instance *instance;
  int64_t at = cs_instances_next(sim, &instance);
  return at < next.at ? (struct event){.at = at, .instance = instance} : next;
}

void cs_ec2_advance(struct cs_sim *sim, int64_t sim_ms) {
  struct cs_ec2 *ec2 = sim->ec2;
  while (ec2->next_ms <= sim_ms) {
    struct event next = next_event(sim);
    ec2->next_ms = next.at;
    if (next.at > sim_ms)
      return;
    if (next.snapshot)
      snapshot_event(sim, next.snapshot, next.at);
    else if (next.image)
      (cs_bundle_copy_good(sim, next.image) ? image_settled : image_failed)(sim, next.image, next.at);
    else if (next.instance)
      cs_instance_event(sim, next.instance, next.at);
    ec2->next_ms = CS_EVER;
  }
}

int64_t cs_ec2_next_ms(const struct cs_sim *sim, int64_t sim_ms) {
  int64_t at = next_event(sim).at;
  return at < sim_ms ? sim_ms : at;
}

/* --- a snapshot copy begins --- */

/* How long its bytes take. Who asks for less time than the fastest copy of a snapshot needs waits for that (rules.md 6.1, 9). */
static int64_t copy_span(struct cs_sim *sim, const struct cs_snapshot *from, int64_t minutes) {
  static const double most_mib_per_s = 500;
  double mib = from->full_size >= 0 ? (double)from->full_size / (1 << 20) : (double)from->volume_size_gib * 1024;
  if (minutes > 0)
    return (int64_t)fmax((double)minutes * 60 * 1000, ceil(mib / most_mib_per_s * 1000));
  double span = sim->latency.copy_mib_per_s > 0 ? mib / sim->latency.copy_mib_per_s * 1000 : 0;
  return (int64_t)fmax(span, (double)sim->latency.copy_min);
}

/* The data key belongs to one lineage under one key: equality says that two snapshots share both (rules.md 2.2). */
void cs_set_data_key(struct cs_snapshot *s) {
  uint64_t h = 14695981039346656037u;
  for (const char *c = s->lineage; *c; c++)
    h = (h ^ (unsigned char)*c) * 1099511628211u;
  for (const char *c = s->kms_key; *c; c++)
    h = (h ^ (unsigned char)*c) * 1099511628211u;
  snprintf(s->data_key_id, sizeof s->data_key_id, "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)(h >> 32), (unsigned)(h >> 16) & 0xffff,
           (unsigned)h & 0xfff, (unsigned)(h >> 12) & 0xfff, (unsigned long long)(h * 0x9e3779b97f4a7c15u) >> 16);
}

static void describe_copy(struct cs_snapshot *to, const struct cs_snapshot *from, const struct cs_copy_order *order) {
  to->volume_size_gib = from->volume_size_gib;
  to->full_size = from->full_size;
  AF_COPY(to->lineage, af_str(from->lineage));
  AF_COPY(to->source, af_str(from->id));
  AF_COPY(to->volume_id, af_str("vol-ffffffff")); /* rules.md 2.2 */
  cs_set(&to->storage_tier, "standard");
  cs_set(&to->transfer_type, order->minutes > 0 ? "time-based" : "standard");
  if (order->minutes > 0)
    snprintf(to->completion_minutes, sizeof to->completion_minutes, "%d", (int)order->minutes);
  cs_codes_copy(&to->codes, &to->n_codes, from->codes, from->n_codes);
  cs_set(&to->platform_details, from->platform_details);
  cs_set(&to->usage_operation, from->usage_operation);
  to->encrypted = order->encrypted;
  if (order->encrypted && order->target_key) {
    AF_COPY(to->kms_key, af_str(order->target_key->arn));
    cs_set_data_key(to);
  }
}

static struct cs_usage *begin(struct cs_sim *sim, struct cs_snapshot *s, struct cs_copying *c) {
  struct cs_ec2 *ec2 = sim->ec2;
  struct cs_usage *u = cs_usage_of(sim, s->owner, s->region);
  s->copying = c;
  *CS_ADD(ec2->pending_snapshots, ec2->n_pending_snapshots) = s;
  ec2->next_ms = CS_EVER;
  u->pending_snapshots++;
  return u;
}

void cs_snapshot_begin(struct cs_call *call, struct cs_snapshot *s) {
  struct cs_copying *c = cs_new(sizeof *c);
  c->caller = call->caller;
  c->checked = true;
  AF_COPY(s->creator, af_str(call->caller.arn));
  s->created_ms = s->start_ms = call->sim_ms;
  s->ready_ms = call->sim_ms + copy_span(call->sim, s, 0);
  begin(call->sim, s, c);
}

void cs_copy_begin(struct cs_call *call, struct cs_snapshot *to, const struct cs_snapshot *from, const struct cs_copy_order *order,
                   const char *doom) {
  struct cs_sim *sim = call->sim;
  describe_copy(to, from, order);
  AF_COPY(to->creator, af_str(call->caller.arn));
  to->created_ms = to->start_ms = call->sim_ms;
  struct cs_copying *c = cs_new(sizeof *c);
  c->caller = call->caller;
  c->source = from;
  c->source_key = from->encrypted ? cs_kms_key_find(sim, from->region->name, from->owner->id, from->kms_key) : NULL;
  c->target_key = order->target_key;
  c->by_copy_snapshot = order->by_copy_snapshot;
  c->doomed = doom != NULL;
  AF_COPY(c->why, af_str(doom ? doom : ""));
  c->check_ms = call->sim_ms + cs_draw(&sim->times, sim->latency.key_check);
  to->ready_ms = call->sim_ms + cs_draw(&sim->times, sim->latency.copy_start) + copy_span(sim, from, order->minutes);
  if (to->ready_ms < c->check_ms)
    to->ready_ms = c->check_ms;
  struct cs_usage *u = begin(sim, to, c);
  u->started_snapshot_copies++;
  if (order->by_copy_snapshot && ++u->snapshot_copies > u->peak_snapshot_copies)
    u->peak_snapshot_copies = u->snapshot_copies;
}
