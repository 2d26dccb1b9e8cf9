/* The kinds of step, one file each. */
#ifndef AF_ENGINE_STEPS_STEPS_H
#define AF_ENGINE_STEPS_STEPS_H

#include "engine/step.h"

extern const struct af_step_kind af_step_grant_key, af_step_share_snapshot, af_step_share_image, af_step_copy_snapshot, af_step_copy_image,
    af_step_register_image, af_step_adopt_image, af_step_verify;

/* What a polled image means while it is awaited: pending, there, or why it will never be (rules.md 2.3; NULL: gone). Shared by the kinds
 * that make one. */
int af_image_matured(const struct af_step_ctx *ctx, const json_t *image, struct af_outcome *out);
/* Ask for the images, or the snapshots, that carry the tags of this copy and step. */
int af_image_probe(const struct af_step_ctx *ctx, struct af_ask *ret);
int af_snapshot_probe(const struct af_step_ctx *ctx, struct af_ask *ret);

#endif
