/* Reading an image whole: the image, its snapshots, its UEFI data, who may launch it and copy it. A walk of reads for whoever compares: the verify step and af_engine_verify(). */
#ifndef AF_ENGINE_READING_H
#define AF_ENGINE_READING_H

#include "engine/step.h"
#include "plans/verify.h"

struct af_reading { /* borrowed */
  const char *image, *region;
  enum af_side side;
  bool uefi; /* its UEFI data, too: for its owner alone, and only AMIs on EBS volumes can have it (rules.md 2.4) */
  bool permissions; /* who may launch it, too: for its owner alone */
  bool shares;      /* who may read each of its snapshots, too: a read each, for their owner alone */
};
/* seen: {"image": Image, "snapshots": [Snapshot…], "uefi": base64, "" where it has none, "permissions": [LaunchPermission…],
 * "shares": {snapshot: [CreateVolumePermission…]}}. */
/* The next read; ret->op stays NULL where seen, an object that begins empty, has all of it. */
int af_reading_ask(const struct af_reading *r, const json_t *seen, struct af_ask *ret);
/* Keeps what a read brought. What AWS doesn't show is not kept, and so asked for again. */
int af_reading_take(const struct af_reading *r, json_t *seen, const struct af_op *op, const struct af_answer *a);
void af_reading_get(const json_t *seen, struct af_copy_reading *ret); /* borrowed */

#endif
