/* What errors mean, how long to wait, how much repeating is affordable. */
#include "engine/aws/ops.h"
#include "engine/aws/retry.h"
#include "tests/unit/test.h"

static enum af_class class_of(const struct af_op *op, int status, const char *code, const char *message, struct af_error *ret) {
  struct af_error err = {.http_status = status};
  AF_COPY(err.code, af_str(code));
  AF_COPY(err.message, af_str(message));
  af_classify(op, AF_SENT_REPLIED, &err);
  if (ret)
    *ret = err;
  return err.class;
}

/* ---- codes ---- */

struct row {
  const struct af_op *op;
  int status;
  const char *code, *message;
  enum af_class want;
  const char *hint; /* a part of it; NULL: none is expected */
};

static const struct row rows[] = {
    /* throttles: also where the call mutates and the status is a 5xx (rules.md 6.4) */
    {&af_ec2_copy_snapshot, 503, "RequestLimitExceeded", "", AF_CLASS_THROTTLED, NULL},
    {&af_ec2_register_image, 503, "EC2ThrottledException", "", AF_CLASS_THROTTLED, NULL},
    {&af_ec2_describe_images, 400, "Throttling", "", AF_CLASS_THROTTLED, NULL},
    {&af_kms_describe_key, 400, "ThrottlingException", "", AF_CLASS_THROTTLED, NULL},
    {&af_ec2_describe_images, 400, "ThrottledException", "", AF_CLASS_THROTTLED, NULL},
    {&af_ec2_describe_images, 400, "RequestThrottled", "", AF_CLASS_THROTTLED, NULL},
    {&af_ec2_describe_images, 400, "RequestThrottledException", "", AF_CLASS_THROTTLED, NULL},
    {&af_ec2_describe_images, 400, "TooManyRequestsException", "", AF_CLASS_THROTTLED, NULL},
    {&af_ec2_describe_images, 400, "ProvisionedThroughputExceededException", "", AF_CLASS_THROTTLED, NULL},
    {&af_ec2_describe_images, 400, "TransactionInProgressException", "", AF_CLASS_THROTTLED, NULL},
    {&af_ec2_describe_images, 400, "BandwidthLimitExceeded", "", AF_CLASS_THROTTLED, NULL},
    {&af_sts_assume_role, 400, "LimitExceededException", "", AF_CLASS_THROTTLED, NULL},
    {&af_ec2_describe_images, 503, "SlowDown", "", AF_CLASS_THROTTLED, NULL},
    {&af_s3_put_bucket_policy, 503, "SlowDown", "Please reduce your request rate.", AF_CLASS_THROTTLED, NULL},
    {&af_ec2_describe_images, 400, "SnapshotCreationPerVolumeRateExceeded", "", AF_CLASS_THROTTLED, NULL},
    {&af_ec2_describe_images, 400, "ConcurrentTagAccess", "", AF_CLASS_THROTTLED, NULL},
    {&af_ec2_describe_images, 429, "NobodyKnowsThis", "", AF_CLASS_THROTTLED, NULL},
    {&af_ec2_describe_images, 509, "NobodyKnowsThis", "", AF_CLASS_THROTTLED, NULL},

    /* AWS's own troubles: reads try again, what changes something may have happened */
    {&af_ec2_describe_images, 500, "InternalError", "", AF_CLASS_TRANSIENT, NULL},
    {&af_ec2_copy_image, 500, "InternalError", "", AF_CLASS_AMBIGUOUS, NULL},
    {&af_ec2_describe_images, 500, "InternalFailure", "", AF_CLASS_TRANSIENT, NULL},
    {&af_ec2_describe_images, 500, "ServerInternal", "", AF_CLASS_TRANSIENT, NULL},
    {&af_ec2_describe_images, 503, "ServiceUnavailable", "", AF_CLASS_TRANSIENT, NULL},
    {&af_ec2_copy_snapshot, 503, "ServiceUnavailable", "", AF_CLASS_AMBIGUOUS, NULL},
    {&af_ec2_copy_snapshot, 503, "Unavailable", "", AF_CLASS_AMBIGUOUS, NULL},
    {&af_ec2_describe_images, 503, "RetryableError", "", AF_CLASS_TRANSIENT, NULL},
    {&af_ec2_copy_image, 400, "RequestTimeout", "", AF_CLASS_TRANSIENT, NULL},
    {&af_ec2_copy_image, 400, "RequestTimeoutException", "", AF_CLASS_TRANSIENT, NULL},
    {&af_ec2_copy_image, 400, "PriorRequestNotComplete", "", AF_CLASS_TRANSIENT, NULL},
    {&af_ec2_describe_images, 502, "NobodyKnowsThis", "", AF_CLASS_TRANSIENT, NULL},
    {&af_ec2_register_image, 504, "NobodyKnowsThis", "", AF_CLASS_AMBIGUOUS, NULL},
    {&af_kms_describe_key, 503, "DependencyTimeoutException", "", AF_CLASS_TRANSIENT, NULL},
    {&af_kms_create_grant, 503, "DependencyTimeoutException", "", AF_CLASS_AMBIGUOUS, NULL},
    {&af_kms_create_grant, 500, "KMSInternalException", "", AF_CLASS_AMBIGUOUS, NULL},
    {&af_kms_generate_data_key_without_plaintext, 500, "KeyUnavailableException", "", AF_CLASS_TRANSIENT, NULL},
    {&af_s3_put_bucket_policy, 409, "OperationAborted", "", AF_CLASS_TRANSIENT, NULL},
    {&af_s3_get_bucket_policy, 500, "InternalError", "", AF_CLASS_TRANSIENT, NULL},
    {&af_s3_put_bucket_policy, 500, "InternalError", "", AF_CLASS_AMBIGUOUS, NULL},
    {&af_s3_put_bucket_policy, 400, "RequestTimeout", "", AF_CLASS_TRANSIENT, NULL},
    {&af_sts_assume_role_with_web_identity, 400, "IDPCommunicationError", "", AF_CLASS_TRANSIENT, NULL},

    /* full quotas; capacity comes as a 5xx and did not happen all the same */
    {&af_kms_create_grant, 400, "LimitExceededException", "", AF_CLASS_CAPACITY, "50,000"},
    {&af_ec2_copy_snapshot, 400, "ResourceLimitExceeded", "", AF_CLASS_CAPACITY, "20 snapshots at a time"},
    {&af_ec2_copy_snapshot, 400, "Whatever", "Too many snapshot copies in progress. The limit is 5 for this destination region.",
     AF_CLASS_CAPACITY, "20 snapshots at a time"},
    {&af_ec2_copy_snapshot, 400, "ConcurrentSnapshotLimitExceeded", "", AF_CLASS_CAPACITY, "pending"},
    {&af_ec2_copy_snapshot, 400, "PendingSnapshotLimitExceeded", "", AF_CLASS_CAPACITY, "quota"},
    {&af_ec2_copy_snapshot, 400, "SnapshotLimitExceeded", "", AF_CLASS_CAPACITY, "quota"},
    {&af_ec2_run_instances, 500, "InsufficientInstanceCapacity", "", AF_CLASS_CAPACITY, "instance type"},
    {&af_ec2_run_instances, 500, "InsufficientHostCapacity", "", AF_CLASS_CAPACITY, "instance type"},
    {&af_ec2_run_instances, 500, "InsufficientCapacityOnHost", "", AF_CLASS_CAPACITY, "instance type"},
    {&af_ec2_run_instances, 400, "InsufficientFreeAddressesInSubnet", "", AF_CLASS_CAPACITY, "another subnet"},
    {&af_ec2_run_instances, 400, "VolumeLimitExceeded", "", AF_CLASS_CAPACITY, "quota"},
    {&af_ec2_run_instances, 400, "MaxIOPSLimitExceeded", "", AF_CLASS_CAPACITY, "quota"},
    {&af_ec2_create_security_group, 400, "SecurityGroupLimitExceeded", "", AF_CLASS_CAPACITY, "quota"},
    {&af_ec2_run_instances, 400, "NetworkInterfaceLimitExceeded", "", AF_CLASS_CAPACITY, "quota"},
    {&af_ec2_register_image, 500, "InsufficientVolumeCapacity", "", AF_CLASS_CAPACITY, "quota"},
    {&af_ec2_run_instances, 400, "VcpuLimitExceeded", "", AF_CLASS_CAPACITY, "vCPU"},
    {&af_ec2_run_instances, 400, "InstanceLimitExceeded", "", AF_CLASS_CAPACITY, "vCPU"},
    {&af_ec2_create_image, 400, "ConcurrentCreateImage", "", AF_CLASS_CAPACITY, "CreateImage"},

    /* not yet */
    {&af_ec2_copy_image, 400, "InvalidAMIID.NotFound", "", AF_CLASS_NOT_YET_VISIBLE, "or it is in another Region"},
    {&af_ec2_copy_snapshot, 400, "InvalidSnapshot.NotFound", "", AF_CLASS_NOT_YET_VISIBLE, "not visible"},
    {&af_ec2_stop_instances, 400, "InvalidInstanceID.NotFound", "", AF_CLASS_NOT_YET_VISIBLE, "not visible"},
    {&af_ec2_run_instances, 400, "InvalidGroup.NotFound", "", AF_CLASS_NOT_YET_VISIBLE, "not visible"},
    {&af_ec2_delete_volume, 400, "InvalidVolume.NotFound", "", AF_CLASS_NOT_YET_VISIBLE, "not visible"},
    {&af_ec2_copy_image, 400, "InvalidRequest", "You do not have permission to access the storage of this ami", AF_CLASS_NOT_YET_VISIBLE,
     "createVolumePermission"},
    {&af_ec2_copy_image, 400, "InvalidRequest", "You do not have permission to access the storage of this ami.", AF_CLASS_NOT_YET_VISIBLE,
     "createVolumePermission"},
    {&af_ec2_deregister_image, 400, "InvalidAMIID.Unavailable", "", AF_CLASS_NOT_YET_VISIBLE, "state"},
    {&af_ec2_delete_snapshot, 400, "InvalidSnapshot.InUse", "", AF_CLASS_NOT_YET_VISIBLE, "deregister"},
    {&af_ec2_copy_snapshot, 400, "IncorrectState", "", AF_CLASS_NOT_YET_VISIBLE, "state"},
    {&af_ec2_create_image, 400, "IncorrectInstanceState", "", AF_CLASS_NOT_YET_VISIBLE, "state"},
    {&af_ec2_delete_security_group, 400, "DependencyViolation", "", AF_CLASS_NOT_YET_VISIBLE, "still uses"},
    {&af_ec2_delete_security_group, 400, "InvalidGroup.InUse", "", AF_CLASS_NOT_YET_VISIBLE, "still uses"},
    {&af_ec2_delete_volume, 400, "VolumeInUse", "", AF_CLASS_NOT_YET_VISIBLE, "still uses"},

    /* the ladder (1.5) */
    {&af_ec2_copy_image, 400, "InvalidRequest", "Images from AWS Marketplace cannot be copied to another AWS account.", AF_CLASS_REFUSED,
     "`route: launch-image`"},
    {&af_ec2_copy_image, 400, "InvalidRequest", "Images with EC2 BillingProduct codes cannot be copied to another AWS account",
     AF_CLASS_REFUSED, "`route: launch-image`"},

    /* a person is needed */
    {&af_ec2_copy_image, 400, "ExpiredToken", "", AF_CLASS_AUTH, "expired"},
    {&af_kms_describe_key, 400, "ExpiredTokenException", "", AF_CLASS_AUTH, "expired"},
    {&af_ec2_copy_image, 400, "RequestExpired", "", AF_CLASS_AUTH, "clock"},
    {&af_sts_get_caller_identity, 403, "SignatureDoesNotMatch", "", AF_CLASS_AUTH, "clock"},
    {&af_kms_describe_key, 400, "InvalidSignatureException", "", AF_CLASS_AUTH, "clock"},
    {&af_sts_get_caller_identity, 403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region. ", AF_CLASS_AUTH, "no Region of this name"},
    {&af_kms_describe_key, 400, "InvalidSignatureException", "Credential should be scoped to a valid region. ", AF_CLASS_AUTH, "spelling"},
    {&af_ec2_describe_images, 401, "AuthFailure", "AWS was not able to validate the provided access credentials", AF_CLASS_AUTH, "access key"},
    {&af_ec2_describe_image_attribute, 401, "AuthFailure", "Not authorized for image:ami-1", AF_CLASS_AUTH, "owner"},
    {&af_sts_get_caller_identity, 403, "InvalidClientTokenId", "", AF_CLASS_AUTH, "access key"},
    {&af_kms_describe_key, 400, "UnrecognizedClientException", "", AF_CLASS_AUTH, "access key"},
    {&af_ec2_copy_image, 403, "UnauthorizedOperation", "You are not authorized to perform this operation.", AF_CLASS_AUTH,
     "Allow ec2:CopyImage for this principal"},
    {&af_ec2_copy_image, 403, "UnauthorizedOperation",
     "User: arn:aws:iam::1:user/x is not authorized to perform: ec2:CreateTags on resource: arn:aws:ec2:eu-west-1::image/*", AF_CLASS_AUTH,
     "Allow ec2:CreateTags for this principal"},
    {&af_ec2_copy_image, 403, "UnauthorizedOperation", "You are not authorized to perform: this", AF_CLASS_AUTH, "Allow ec2:CopyImage for"},
    {&af_ec2_copy_image, 403, "UnauthorizedOperation", "You are not authorized to perform: ec2:", AF_CLASS_AUTH, "Allow ec2:CopyImage for"},
    {&af_kms_create_grant, 400, "AccessDeniedException", "User: x is not authorized to perform: kms:DescribeKey on resource: y", AF_CLASS_AUTH,
     "Allow kms:DescribeKey on this key"},
    {&af_ec2_copy_image, 403, "UnauthorizedOperation", "You are not authorized. Encoded authorization failure message: abc", AF_CLASS_AUTH,
     "decode-authorization-message"},
    {&af_kms_create_grant, 400, "AccessDeniedException", "", AF_CLASS_AUTH, "Allow kms:CreateGrant on this key in its key policy"},
    {&af_sts_assume_role, 403, "AccessDenied", "", AF_CLASS_AUTH, "trust policy"},
    {&af_ec2_copy_image, 403, "AccessDenied", "", AF_CLASS_AUTH, "Allow ec2:CopyImage"},
    {&af_s3_put_bucket_policy, 403, "AccessDenied", "Access Denied", AF_CLASS_AUTH, "Allow s3:PutBucketPolicy"},
    {&af_s3_put_bucket_policy, 403, "AccessDenied", "public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
     AF_CLASS_AUTH, "Block Public Access"},
    {&af_s3_put_bucket_policy, 400, "PolicyTooLarge", "Policy exceeds the maximum allowed document size.", AF_CLASS_AUTH, "shorten"},
    {&af_s3_get_bucket_policy, 405, "MethodNotAllowed", "", AF_CLASS_AUTH, "owns the bucket"},
    {&af_s3_get_bucket_policy, 403, "InvalidAccessKeyId", "", AF_CLASS_AUTH, "access key"},
    {&af_s3_get_bucket_policy, 400, "InvalidToken", "", AF_CLASS_AUTH, "renew"},
    {&af_s3_get_bucket_policy, 400, "ExpiredToken", "", AF_CLASS_AUTH, "expired"},
    {&af_s3_get_bucket_policy, 403, "RequestTimeTooSkewed", "", AF_CLASS_AUTH, "clock"},
    {&af_s3_get_bucket_policy, 403, "NotSignedUp", "", AF_CLASS_AUTH, "Support"},
    {&af_s3_get_bucket_policy, 403, "AccountProblem", "", AF_CLASS_AUTH, "Support"},
    {&af_s3_get_bucket_policy, 403, "AllAccessDisabled", "", AF_CLASS_AUTH, NULL},
    {&af_ec2_copy_image, 403, "NobodyKnowsThis", "", AF_CLASS_AUTH, NULL},
    {&af_ec2_run_instances, 401, "OptInRequired", "you need to accept terms and subscribe", AF_CLASS_AUTH, "then retry the copy"},
    {&af_ec2_run_instances, 401, "OptInRequired", "You are not subscribed to this service", AF_CLASS_AUTH, "subscribe"},
    {&af_ec2_run_instances, 401, "OptInRequired", "The account is not signed up", AF_CLASS_AUTH, "enable it"},
    {&af_sts_assume_role, 403, "RegionDisabledException", "", AF_CLASS_AUTH, "Enable the Region"},
    {&af_ec2_copy_image, 400, "DeclarativePoliciesAccessDeniedException", "", AF_CLASS_AUTH, "organization"},
    {&af_ec2_copy_image, 400, "Blocked", "", AF_CLASS_AUTH, "Support"},
    {&af_ec2_copy_image, 400, "PendingVerification", "", AF_CLASS_AUTH, "Support"},
    {&af_ec2_copy_image, 400, "CustomerKeyHasBeenRevoked", "", AF_CLASS_AUTH, "KMS key"},
    {&af_kms_create_grant, 400, "DisabledException", "", AF_CLASS_AUTH, "Enable the KMS key"},
    {&af_kms_create_grant, 400, "KMSInvalidStateException", "", AF_CLASS_AUTH, "KMS key"},

    /* no for good */
    {&af_s3_get_bucket_policy, 404, "NoSuchBucketPolicy", "", AF_CLASS_REFUSED, NULL},
    {&af_s3_get_bucket_policy, 404, "NoSuchBucket", "", AF_CLASS_REFUSED, "no bucket of this name"},
    {&af_s3_list_objects_v2, 404, "NoSuchKey", "", AF_CLASS_REFUSED, NULL},
    {&af_kms_describe_key, 400, "NotFoundException", "", AF_CLASS_REFUSED, "ARN"},
    {&af_ec2_register_image, 400, "InvalidAMIName.Duplicate", "", AF_CLASS_REFUSED, "another name"},
    {&af_ec2_create_image, 400, "InvalidAMIName.Duplicate", "", AF_CLASS_REFUSED, "another name"},
    {&af_ec2_create_security_group, 400, "InvalidGroup.Duplicate", "", AF_CLASS_REFUSED, "security group of this name"},
    {&af_ec2_run_instances, 400, "IdempotentParameterMismatch", "", AF_CLASS_REFUSED, "other parameters"},
    {&af_ec2_run_instances, 400, "Unsupported", "", AF_CLASS_REFUSED, "another instance type"},
    {&af_ec2_run_instances, 400, "InvalidParameterCombination", "This AMI does not support the specified instance type t3.micro.",
     AF_CLASS_REFUSED, "certain instance types"},
    {&af_ec2_copy_image, 400, "IdempotentParameterMismatch", "", AF_CLASS_REFUSED, "other parameters"},
    {&af_ec2_copy_snapshot, 400, "SnapshotCopyUnsupported.InterRegion", "", AF_CLASS_REFUSED, NULL},
    {&af_ec2_copy_snapshot, 400, "EncryptedVolumesNotSupported", "", AF_CLASS_REFUSED, NULL},
    {&af_ec2_copy_snapshot, 400, "UnsupportedOperation", "", AF_CLASS_REFUSED, NULL},
    {&af_ec2_copy_snapshot, 400, "NobodyKnowsThis", "", AF_CLASS_REFUSED, NULL},

    /* wrong */
    {&af_ec2_copy_image, 400, "InvalidParameterValue", "", AF_CLASS_INVALID, NULL},
    {&af_ec2_copy_image, 400, "InvalidParameterCombination", "", AF_CLASS_INVALID, NULL},
    {&af_ec2_run_instances, 400, "InvalidSubnetID.NotFound", "", AF_CLASS_INVALID, "Name a subnet"},
    {&af_ec2_run_instances, 400, "VPCIdNotSpecified", "No default VPC for this user", AF_CLASS_INVALID, "no default VPC"},
    {&af_ec2_run_instances, 400, "MissingInput", "No subnets found for the default VPC 'vpc-1'. Please specify a subnet.", AF_CLASS_INVALID,
     "Name a subnet"},
    {&af_ec2_revoke_security_group_egress, 400, "InvalidPermission.NotFound", "", AF_CLASS_INVALID, NULL},
    {&af_ec2_copy_image, 400, "MissingParameter", "", AF_CLASS_INVALID, NULL},
    {&af_ec2_copy_image, 400, "UnknownParameter", "", AF_CLASS_INVALID, NULL},
    {&af_ec2_copy_image, 400, "InvalidRegion", "", AF_CLASS_INVALID, NULL},
    {&af_ec2_copy_image, 400, "InvalidManifest", "", AF_CLASS_INVALID, NULL},
    {&af_s3_put_bucket_policy, 400, "MalformedPolicy", "Invalid principal in policy", AF_CLASS_INVALID, "too new"},
    {&af_s3_get_bucket_policy, 301, "PermanentRedirect", "", AF_CLASS_INVALID, "another Region"},
    {&af_s3_get_bucket_policy, 307, "TemporaryRedirect", "", AF_CLASS_INVALID, "another Region"},
    {&af_s3_get_bucket_policy, 400, "AuthorizationHeaderMalformed", "", AF_CLASS_INVALID, "another Region"},
    {&af_s3_get_bucket_policy, 400, "IllegalLocationConstraintException", "", AF_CLASS_INVALID, "another Region"},
    {&af_s3_get_bucket_policy, 400, "InvalidBucketName", "", AF_CLASS_INVALID, NULL},
    {&af_kms_create_grant, 400, "InvalidArnException", "", AF_CLASS_INVALID, NULL},
    {&af_kms_create_grant, 400, "ValidationException", "", AF_CLASS_INVALID, NULL},
    {&af_sts_assume_role, 400, "MalformedPolicyDocument", "", AF_CLASS_INVALID, NULL},
    {&af_sts_assume_role, 400, "PackedPolicyTooLarge", "", AF_CLASS_INVALID, "shorten"},
    {&af_ec2_copy_image, 400, "InvalidAMIName.Malformed", "", AF_CLASS_INVALID, "3 to 128"},
    {&af_ec2_copy_image, 400, "TagPolicyViolation", "", AF_CLASS_INVALID, "tag policy"},
    {&af_ec2_copy_image, 400, "TagLimitExceeded", "", AF_CLASS_INVALID, "50 tags"},
    {&af_ec2_copy_image, 400, "InvalidRequest",
     "Snapshot snap-1 is encrypted. Creating unencrypted copy from an encrypted snapshot is not supported", AF_CLASS_INVALID, NULL},
};

TEST(each_known_code_has_its_class_and_hint) {
  for (size_t i = 0; i < COUNT(rows); i++) {
    const struct row *r = &rows[i];
    struct af_error err;
    enum af_class got = class_of(r->op, r->status, r->code, r->message, &err);
    if (got != r->want)
      print_error("%s %d %s \"%s\" is %s, not %s\n", r->op->label, r->status, r->code, r->message, af_class_name(got),
                  af_class_name(r->want));
    assert_int_equal(got, r->want);
    if (r->hint)
      assert_contains(err.hint, r->hint);
    else
      assert_string_equal(err.hint, "");
    assert_lacks(err.hint, "{");
  }
}

TEST(a_region_that_aws_does_not_know_is_named) {
  struct af_error err = {.http_status = 403, .code = "SignatureDoesNotMatch", .message = "Credential should be scoped to a valid region. ",
                         .region = "eu-wst-1"};
  af_classify(&af_sts_get_caller_identity, AF_SENT_REPLIED, &err);
  assert_contains(err.hint, "no Region eu-wst-1: look at its spelling");
}

TEST(a_dry_run_that_would_succeed_is_no_error_class) {
  struct af_error err;
  assert_int_equal(class_of(&af_ec2_copy_image, 412, "DryRunOperation", "Request would have succeeded", &err), AF_CLASS_NONE);
  assert_string_equal(err.code, "DryRunOperation");
  assert_string_equal(err.hint, "");
  assert_int_equal(class_of(&af_kms_create_grant, 412, "DryRunOperationException", "", NULL), AF_CLASS_NONE);
}

TEST(an_error_keeps_the_hint_it_has) {
  struct af_error err = {.http_status = 400, .code = "ResourceLimitExceeded", .hint = "wait"};
  af_classify(&af_ec2_copy_snapshot, AF_SENT_REPLIED, &err);
  assert_string_equal(err.hint, "wait");
}

TEST(classifying_twice_changes_nothing) {
  struct af_error once = {.http_status = 403, .code = "UnauthorizedOperation"}, twice;
  af_classify(&af_ec2_copy_image, AF_SENT_REPLIED, &once);
  twice = once;
  af_classify(&af_ec2_copy_image, AF_SENT_REPLIED, &twice);
  assert_int_equal(once.class, twice.class);
  assert_string_equal(once.hint, twice.hint);
  assert_string_equal(once.code, twice.code);
}

TEST(what_did_not_reach_aws_is_transient_whatever_it_was) {
  struct af_error err = {.code = "ConnectFailed"};
  af_classify(&af_ec2_copy_snapshot, AF_SENT_NOT, &err);
  assert_int_equal(err.class, AF_CLASS_TRANSIENT);
  af_classify(&af_ec2_describe_images, AF_SENT_NOT, &err);
  assert_int_equal(err.class, AF_CLASS_TRANSIENT);
}

TEST(what_may_have_reached_aws_is_ambiguous_where_it_mutates) {
  struct af_error err = {.code = "ReplyLost"};
  af_classify(&af_ec2_copy_snapshot, AF_SENT_MAYBE, &err);
  assert_int_equal(err.class, AF_CLASS_AMBIGUOUS);
  af_classify(&af_ec2_copy_image, AF_SENT_MAYBE, &err); /* a token makes a repeat harmless; it stays unknown all the same */
  assert_int_equal(err.class, AF_CLASS_AMBIGUOUS);
  af_classify(&af_ec2_describe_images, AF_SENT_MAYBE, &err);
  assert_int_equal(err.class, AF_CLASS_TRANSIENT);
}

TEST(a_reply_that_cannot_be_read_is_ambiguous_only_where_it_may_say_yes) {
  static const struct {
    int status;
    enum af_class mutating, reading;
  } cases[] = {
      {200, AF_CLASS_AMBIGUOUS, AF_CLASS_TRANSIENT}, {500, AF_CLASS_AMBIGUOUS, AF_CLASS_TRANSIENT},
      {503, AF_CLASS_AMBIGUOUS, AF_CLASS_TRANSIENT}, {400, AF_CLASS_TRANSIENT, AF_CLASS_TRANSIENT},
      {403, AF_CLASS_TRANSIENT, AF_CLASS_TRANSIENT}, {302, AF_CLASS_TRANSIENT, AF_CLASS_TRANSIENT},
      {429, AF_CLASS_THROTTLED, AF_CLASS_THROTTLED},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    assert_int_equal(class_of(&af_ec2_copy_snapshot, cases[i].status, "MalformedReply", "", NULL), cases[i].mutating);
    assert_int_equal(class_of(&af_ec2_describe_images, cases[i].status, "MalformedReply", "", NULL), cases[i].reading);
  }
}

TEST(clock_codes_and_credential_codes_are_told_apart) {
  static const char *const clock[] = {"AuthFailure", "InvalidSignatureException", "RequestExpired", "RequestInTheFuture",
                                      "RequestTimeTooSkewed", "SignatureDoesNotMatch", "InvalidSecurity.RequestHasExpired"};
  static const char *const expired[] = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"};
  for (size_t i = 0; i < COUNT(clock); i++)
    assert_true(af_is_clock_skew(clock[i]));
  for (size_t i = 0; i < COUNT(expired); i++)
    assert_true(af_is_expired_credentials(expired[i]));
  assert_false(af_is_clock_skew("ExpiredToken"));
  assert_false(af_is_clock_skew("UnauthorizedOperation"));
  assert_false(af_is_clock_skew(""));
  assert_false(af_is_expired_credentials("AuthFailure"));
  assert_false(af_is_expired_credentials("SignatureDoesNotMatch"));
}

/* ---- delays ---- */

static uint64_t lowest(void *ctx) {
  return 0;
}
static uint64_t highest(void *ctx) {
  return UINT64_MAX;
}
static const struct af_random low = {lowest, NULL}, high = {highest, NULL};

struct range {
  enum af_class class;
  int attempt;
  int64_t from_ms, to_ms;
};

TEST(delays_grow_from_the_base_to_the_cap) {
  static const struct range ranges[] = {
      {AF_CLASS_TRANSIENT, 1, 0, 50},
      {AF_CLASS_TRANSIENT, 2, 0, 100},
      {AF_CLASS_TRANSIENT, 9, 0, 12800},
      {AF_CLASS_TRANSIENT, 10, 0, 20000},
      {AF_CLASS_TRANSIENT, 1000000, 0, 20000},
      {AF_CLASS_THROTTLED, 1, 0, 1000},
      {AF_CLASS_THROTTLED, 5, 0, 16000},
      {AF_CLASS_THROTTLED, 6, 0, 20000},
      {AF_CLASS_CAPACITY, 1, 15000, 30000},
      {AF_CLASS_CAPACITY, 2, 15000, 60000},
      {AF_CLASS_CAPACITY, 5, 15000, 300000},
      {AF_CLASS_CAPACITY, 1000000, 15000, 300000},
      {AF_CLASS_NOT_YET_VISIBLE, 1, 2000, 4000},
      {AF_CLASS_NOT_YET_VISIBLE, 2, 2000, 8000},
      {AF_CLASS_NOT_YET_VISIBLE, 20, 2000, 300000},
      {AF_CLASS_REFUSED, 1, 0, 0},
      {AF_CLASS_AMBIGUOUS, 3, 0, 0},
  };
  for (size_t i = 0; i < COUNT(ranges); i++) {
    const struct range *r = &ranges[i];
    int64_t to = af_retry_delay_ms(r->class, r->attempt, -1, &high);
    assert_int_equal(af_retry_delay_ms(r->class, r->attempt, -1, &low), r->from_ms);
    assert_in_range(to, r->to_ms > 0 ? r->to_ms - 1 : 0, r->to_ms);
  }
}

TEST(an_attempt_below_the_first_counts_as_the_first) {
  assert_int_equal(af_retry_delay_ms(AF_CLASS_THROTTLED, 0, -1, &high), af_retry_delay_ms(AF_CLASS_THROTTLED, 1, -1, &high));
  assert_int_equal(af_retry_delay_ms(AF_CLASS_THROTTLED, -5, -1, &high), af_retry_delay_ms(AF_CLASS_THROTTLED, 1, -1, &high));
}

TEST(retry_after_is_waited_for_but_never_more_than_five_seconds_longer) {
  assert_int_equal(af_retry_delay_ms(AF_CLASS_TRANSIENT, 1, 700, &low), 700);
  assert_int_equal(af_retry_delay_ms(AF_CLASS_TRANSIENT, 1, 5000, &low), 5000);
  assert_int_equal(af_retry_delay_ms(AF_CLASS_TRANSIENT, 1, 3600000, &low), 5000);
  assert_int_equal(af_retry_delay_ms(AF_CLASS_CAPACITY, 1, 3600000, &low), 20000);
  assert_int_equal(af_retry_delay_ms(AF_CLASS_CAPACITY, 1, 5, &low), 15000); /* shorter than we would wait */
  assert_int_equal(af_retry_delay_ms(AF_CLASS_TRANSIENT, 1, 0, &low), 0);
}

/* ---- the quota ---- */

TEST(the_quota_pays_for_35_transient_or_100_throttled_repeats) {
  struct af_retry_quota q;
  int cost, n = 0;
  af_retry_quota_init(&q);
  while (af_retry_quota_take(&q, AF_CLASS_TRANSIENT, &cost))
    n++;
  assert_int_equal(n, 35);
  assert_int_equal(cost, 14);
  af_retry_quota_init(&q);
  for (n = 0; af_retry_quota_take(&q, AF_CLASS_THROTTLED, &cost);)
    n++;
  assert_int_equal(n, 100);
  assert_int_equal(cost, 5);
}

TEST(a_repeat_that_cannot_be_paid_takes_nothing) {
  struct af_retry_quota q = {.tokens = 13};
  int cost = 99;
  assert_false(af_retry_quota_take(&q, AF_CLASS_TRANSIENT, &cost));
  assert_int_equal(q.tokens, 13);
  assert_int_equal(cost, 99);
}

TEST(success_gives_the_cost_back_up_to_the_maximum) {
  struct af_retry_quota q;
  int cost;
  af_retry_quota_init(&q);
  af_retry_quota_give(&q, 0);
  assert_int_equal(q.tokens, 500);
  assert_true(af_retry_quota_take(&q, AF_CLASS_TRANSIENT, &cost));
  assert_true(af_retry_quota_take(&q, AF_CLASS_THROTTLED, &cost));
  assert_int_equal(q.tokens, 481);
  af_retry_quota_give(&q, 0); /* a success without a repeat */
  assert_int_equal(q.tokens, 482);
  af_retry_quota_give(&q, 14);
  assert_int_equal(q.tokens, 496);
  af_retry_quota_give(&q, 14);
  assert_int_equal(q.tokens, 500);
}

TEST(waiting_for_capacity_or_visibility_costs_no_tokens) {
  struct af_retry_quota q = {.tokens = 0};
  int cost = 99;
  assert_true(af_retry_quota_take(&q, AF_CLASS_CAPACITY, &cost));
  assert_int_equal(cost, 0);
  assert_true(af_retry_quota_take(&q, AF_CLASS_NOT_YET_VISIBLE, &cost));
  assert_int_equal(q.tokens, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_known_code_has_its_class_and_hint),
      cmocka_unit_test(a_region_that_aws_does_not_know_is_named),
      cmocka_unit_test(a_dry_run_that_would_succeed_is_no_error_class),
      cmocka_unit_test(an_error_keeps_the_hint_it_has),
      cmocka_unit_test(classifying_twice_changes_nothing),
      cmocka_unit_test(what_did_not_reach_aws_is_transient_whatever_it_was),
      cmocka_unit_test(what_may_have_reached_aws_is_ambiguous_where_it_mutates),
      cmocka_unit_test(a_reply_that_cannot_be_read_is_ambiguous_only_where_it_may_say_yes),
      cmocka_unit_test(clock_codes_and_credential_codes_are_told_apart),
      cmocka_unit_test(delays_grow_from_the_base_to_the_cap),
      cmocka_unit_test(an_attempt_below_the_first_counts_as_the_first),
      cmocka_unit_test(retry_after_is_waited_for_but_never_more_than_five_seconds_longer),
      cmocka_unit_test(the_quota_pays_for_35_transient_or_100_throttled_repeats),
      cmocka_unit_test(a_repeat_that_cannot_be_paid_takes_nothing),
      cmocka_unit_test(success_gives_the_cost_back_up_to_the_maximum),
      cmocka_unit_test(waiting_for_capacity_or_visibility_costs_no_tokens),
  };
  return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
