/* The calls that amiferry makes, each with its shapes; tables in ops_ec2.c, ops_kms.c and ops_sts.c. */
#ifndef AF_ENGINE_AWS_OPS_H
#define AF_ENGINE_AWS_OPS_H

#include "engine/aws/shape.h"

extern const struct af_op af_ec2_copy_image, af_ec2_copy_snapshot, af_ec2_delete_snapshot, af_ec2_deregister_image,
    af_ec2_describe_image_attribute, af_ec2_describe_images, af_ec2_describe_regions, af_ec2_describe_snapshot_attribute,
    af_ec2_describe_snapshots, af_ec2_get_allowed_images_settings, af_ec2_get_ebs_encryption_by_default,
    af_ec2_modify_image_attribute, af_ec2_modify_snapshot_attribute, af_ec2_register_image;
extern const struct af_op af_kms_create_grant, af_kms_describe_key, af_kms_generate_data_key_without_plaintext, af_kms_list_grants,
    af_kms_retire_grant;
extern const struct af_op af_sts_assume_role, af_sts_assume_role_with_web_identity, af_sts_get_caller_identity;

extern const struct af_op *const af_ops[]; /* all of them; ends with NULL */

#endif
