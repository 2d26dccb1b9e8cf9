/* The kinds of step, one file each. */
#ifndef AF_ENGINE_STEPS_STEPS_H
#define AF_ENGINE_STEPS_STEPS_H

#include "engine/step.h"

extern const struct af_step_kind af_step_grant_key, af_step_share_snapshot, af_step_share_image, af_step_share_bundle, af_step_copy_snapshot, af_step_copy_image,
    af_step_register_image, af_step_adopt_image, af_step_verify, af_step_bridge_image, af_step_security_group, af_step_launch_instance,
    af_step_create_image, af_step_create_hop_image, af_step_finish_image, af_step_protect_image, af_step_skip_image;

/* What a polled image means while it is awaited: pending, there, or why it will never be (rules.md 2.3; NULL: gone). Shared by the kinds
 * that make one. */
bool af_image_vanished(const json_t *image);
int af_image_matured(const struct af_step_ctx *ctx, const json_t *image, struct af_outcome *out);
/* Is there anything for finish-image to do? */
int af_finish_needed(const struct af_copy_row *copy, const struct af_copy_spec *spec, const struct af_facts *facts,
                     const struct af_decision *decision, bool *ret);
/* An image that one call makes, with its snapshots (made_image.c): create fills in the creating call. */
int af_made_ask(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out,
                int (*create)(const struct af_step_ctx *ctx, struct af_ask *ret));
int af_made_answer(const struct af_step_ctx *ctx, const struct af_op *op, const struct af_op *create, const struct af_answer *a,
                   struct af_outcome *out);
int af_made_matured(const struct af_step_ctx *ctx, const json_t *item, struct af_outcome *out);
/* An image that is known by its unique name (named_image.c): who has the name? */
int af_name_probe(const struct af_step_ctx *ctx, struct af_ask *ret);
void af_name_probed(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out);
int af_name_duplicate(const struct af_step_ctx *ctx, struct af_outcome *out); /* AWS says that the name is in use */
bool af_name_in_doubt(const struct af_step_ctx *ctx);                         /* to be probed before anything else */
/* Access that is opened on an AMI that was there before (opened_access.c). call: the input that opens it. */
bool af_access_unseen(const struct af_step_ctx *ctx, const json_t *call); /* it is such a call, and to be looked for before it is sent */
int af_access_look(const json_t *call, struct af_ask *ret);
int af_access_looked(const struct af_step_ctx *ctx, const json_t *call, const struct af_answer *a, struct af_outcome *out);
int af_access_opened(const struct af_step_ctx *ctx, json_t *data); /* notes it in the step's new data */
int af_access_refused(const struct af_step_ctx *ctx, const struct af_error *err, struct af_outcome *out);
int af_access_close(const struct af_step_ctx *ctx, struct af_ask *ret, struct af_outcome *out); /* what is open yet; DONE where nothing is */
int af_access_closed(const struct af_step_ctx *ctx, const struct af_answer *a, struct af_outcome *out);
/* Asks for the snapshots that carry the tags of this copy and step. */
int af_snapshot_probe(const struct af_step_ctx *ctx, struct af_ask *ret);

#endif
