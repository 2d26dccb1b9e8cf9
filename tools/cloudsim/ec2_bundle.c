/* Images whose root is an instance store: their bundle lies in a bucket, and a copy copies it (rules.md 1.3.2, 5). Who may read it,
 * what the caller must be able to do with the bucket of the copies, and how the copy goes on. The bucket itself is S3's. */
#include <math.h>

#include "tools/cloudsim/ec2.h"

bool cs_bundled(const struct cs_image *image) {
  return !af_streq(image->text[CS_ROOT_TYPE], "ebs");
}

/* The world file's bundle_readers are let in beside those whom S3 lets in; where the world has no such bucket, they alone and the
 * owner are. */
bool cs_bundle_open(const struct cs_sim *sim, int64_t at, const struct cs_caller *caller, const struct cs_image *image) {
  const struct cs_account *account = cs_account_find(sim, caller->account);
  bool reader = cs_permissions_reach(&image->bundle_readers, at, account);
  switch (cs_s3_bundle(sim, at, caller, image->text[CS_LOCATION], NULL)) {
  case CS_BUNDLE_ABSENT: return reader || image->owner == account;
  case CS_BUNDLE_UNREADABLE: return false;
  case CS_BUNDLE_CLOSED: return reader;
  case CS_BUNDLE_OPEN: return true;
  }
  return false;
}

/* How long its bytes take: as those of a snapshot. */
static int64_t span(const struct cs_sim *sim, int64_t bytes) {
  double mib = (double)bytes / (1 << 20);
  double ms = sim->latency.copy_mib_per_s > 0 ? mib / sim->latency.copy_mib_per_s * 1000 : 0;
  return (int64_t)fmax(ms, (double)sim->latency.copy_min);
}

void cs_bundle_copy_begin(struct cs_call *call, struct cs_image *to, const struct cs_image *from) {
  struct cs_sim *sim = call->sim;
  struct cs_bundle_copy *copy = to->bundle_copy = cs_new(sizeof *copy);
  char location[CS_LOCATION_SIZE];
  int64_t bytes = 0;
  (void)cs_s3_bundle(sim, call->sim_ms, &call->caller, from->text[CS_LOCATION], &bytes);
  copy->caller = call->caller;
  copy->from = from;
  copy->done_ms = call->sim_ms + cs_draw(&sim->times, sim->latency.copy_start) + span(sim, bytes);
  cs_s3_copy_bundle(call, from->text[CS_LOCATION], to->id, copy->done_ms, location);
  cs_set(&to->text[CS_LOCATION], location);
  to->ready_ms = copy->done_ms + cs_draw(&sim->times, sim->latency.image_registration);
}

/* EC2 reads to the end with the caller's permission: was there any until then? */
bool cs_bundle_copy_good(struct cs_sim *sim, const struct cs_image *image) {
  const struct cs_bundle_copy *copy = image->bundle_copy;
  if (!copy || cs_bundle_open(sim, copy->done_ms, &copy->caller, copy->from))
    return true;
  cs_hazard(sim, copy->done_ms, "the bundle of %s was closed to %s while its copy %s was under way", copy->from->id,
            copy->caller.account, image->id);
  return false;
}
