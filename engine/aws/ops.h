/* The calls that amiferry makes, each with its shapes; the tables are in ops_ec2_*.c (by subject), ops_kms.c, ops_s3.c and ops_sts.c. */
#ifndef AF_ENGINE_AWS_OPS_H
#define AF_ENGINE_AWS_OPS_H

#include "engine/aws/shape.h"

extern const struct af_op af_ec2_copy_image, af_ec2_copy_snapshot, af_ec2_create_image, af_ec2_create_security_group,
    af_ec2_create_tags, af_ec2_delete_security_group, af_ec2_delete_snapshot, af_ec2_delete_tags, af_ec2_delete_volume,
    af_ec2_deregister_image, af_ec2_describe_image_attribute, af_ec2_describe_images, af_ec2_describe_instance_type_offerings,
    af_ec2_describe_instance_types, af_ec2_describe_instances, af_ec2_describe_regions, af_ec2_describe_security_groups,
    af_ec2_describe_snapshot_attribute, af_ec2_describe_snapshots, af_ec2_describe_subnets, af_ec2_describe_volumes,
    af_ec2_describe_vpcs, af_ec2_disable_image_deprecation, af_ec2_disable_image_deregistration_protection,
    af_ec2_enable_image_deprecation, af_ec2_enable_image_deregistration_protection, af_ec2_get_allowed_images_settings,
    af_ec2_get_ebs_encryption_by_default, af_ec2_modify_image_attribute, af_ec2_modify_snapshot_attribute, af_ec2_register_image,
    af_ec2_revoke_security_group_egress, af_ec2_run_instances, af_ec2_stop_instances, af_ec2_terminate_instances;
extern const struct af_op af_kms_create_grant, af_kms_describe_key, af_kms_generate_data_key_without_plaintext, af_kms_list_grants,
    af_kms_list_retirable_grants, af_kms_retire_grant;
extern const struct af_op af_s3_delete_bucket_policy, af_s3_get_bucket_location, af_s3_get_bucket_policy, af_s3_list_objects_v2,
    af_s3_put_bucket_policy;
extern const struct af_op af_sts_assume_role, af_sts_assume_role_with_web_identity, af_sts_get_caller_identity;

extern const struct af_op *const af_ops[]; /* all of them; ends with NULL */

#endif
