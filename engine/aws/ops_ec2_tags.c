/* EC2's calls that change tags after the fact. */
#include "engine/aws/ops.h"
#include "engine/aws/ops_ec2.h"

/* ---- CreateTags ---- */

static const struct af_shape create_tags_in = STRUCTURE(
    MAY(DryRun, af_bool),
    NEED_AS(Resources, ResourceId, af_ec2_strings_in),
    NEED_AS(Tags, Tag, af_ec2_tags_in));
/* Set-semantics. */
const struct af_op af_ec2_create_tags = EC2(CreateTags, create_tags_in, af_nothing, .mutates = true, .repeatable = true);

/* ---- DeleteTags ---- */

/* The trap: EC2 does without Tags, and deletes every tag of the resource then. So here they are needed. A tag with a value is deleted
 * only where it has that value; an empty value matches an empty one only. */
static const struct af_shape delete_tags_in = STRUCTURE(
    MAY(DryRun, af_bool),
    NEED_AS(Resources, ResourceId, af_ec2_strings_in),
    NEED_AS(Tags, Tag, af_ec2_tags_in));
/* What is gone stays so. */
const struct af_op af_ec2_delete_tags = EC2(DeleteTags, delete_tags_in, af_nothing, .mutates = true, .repeatable = true);
