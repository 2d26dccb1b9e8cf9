/* STS's calls (query protocol, version 2011-06-15). */
#include "engine/aws/ops.h"
#include "engine/aws/ops_table.h"

#define STS(name, in, out, ...) \
  {.service = "sts", .action = #name, .label = "sts:" #name, .version = "2011-06-15", .protocol = AF_PROTOCOL_QUERY, \
   .wrapper = #name "Result", .input = &(in), .output = &(out), __VA_ARGS__}

/* ---- AssumeRole ---- */

static const struct af_shape policy_descriptor_in = STRUCTURE(
    MAY(arn, af_string));
static const struct af_shape policy_descriptors_in = ITEMS("member", policy_descriptor_in);
static const struct af_shape tag_in = STRUCTURE(
    NEED(Key, af_string),
    NEED(Value, af_string));
static const struct af_shape tags_in = ITEMS("member", tag_in);
static const struct af_shape strings = ITEMS("member", af_string);
static const struct af_shape assume_role_in = STRUCTURE(
    MAY(DurationSeconds, af_int),
    MAY(ExternalId, af_string),
    MAY(Policy, af_string),
    MAY(PolicyArns, policy_descriptors_in),
    NEED(RoleArn, af_string),
    NEED(RoleSessionName, af_string),
    MAY(SerialNumber, af_string),
    MAY(SourceIdentity, af_string),
    MAY(Tags, tags_in),
    MAY(TokenCode, af_string),
    MAY(TransitiveTagKeys, strings));
static const struct af_shape assumed_role_user_out = STRUCTURE(
    NEED(Arn, af_string),
    NEED(AssumedRoleId, af_string));
static const struct af_shape credentials_out = STRUCTURE(
    NEED(AccessKeyId, af_string),
    NEED(Expiration, af_timestamp),
    NEED(SecretAccessKey, af_string),
    NEED(SessionToken, af_string));
static const struct af_shape assume_role_out = STRUCTURE(
    MAY(AssumedRoleUser, assumed_role_user_out),
    MAY(Credentials, credentials_out),
    MAY(PackedPolicySize, af_int),
    MAY(SourceIdentity, af_string));
const struct af_op af_sts_assume_role = STS(AssumeRole, assume_role_in, assume_role_out, .repeatable = true);

/* ---- AssumeRoleWithWebIdentity ---- */

static const struct af_shape web_identity_in = STRUCTURE(
    MAY(DurationSeconds, af_int),
    MAY(Policy, af_string),
    MAY(PolicyArns, policy_descriptors_in),
    MAY(ProviderId, af_string),
    NEED(RoleArn, af_string),
    NEED(RoleSessionName, af_string),
    NEED(WebIdentityToken, af_string));
static const struct af_shape web_identity_out = STRUCTURE(
    MAY(AssumedRoleUser, assumed_role_user_out),
    MAY(Audience, af_string),
    MAY(Credentials, credentials_out),
    MAY(PackedPolicySize, af_int),
    MAY(Provider, af_string),
    MAY(SourceIdentity, af_string),
    MAY(SubjectFromWebIdentityToken, af_string));
const struct af_op af_sts_assume_role_with_web_identity =
    STS(AssumeRoleWithWebIdentity, web_identity_in, web_identity_out, .repeatable = true, .unsigned_ = true);

/* ---- GetCallerIdentity ---- */

static const struct af_shape get_caller_identity_out = STRUCTURE(
    MAY(Account, af_string),
    MAY(Arn, af_string),
    MAY(UserId, af_string));
const struct af_op af_sts_get_caller_identity =
    STS(GetCallerIdentity, af_nothing, get_caller_identity_out, .repeatable = true);
