/* KMS's calls (JSON 1.1, version 2014-11-01). Blobs are base64 text in trees as on the wire. */
#include "engine/aws/ops.h"
#include "engine/aws/ops_table.h"

#define KMS(name, in, out, ...) \
  {.service = "kms", .action = #name, .label = "kms:" #name, .version = "2014-11-01", .target = "TrentService." #name, \
   .protocol = AF_PROTOCOL_JSON, .input = &(in), .output = &(out), __VA_ARGS__}

/* ---- CreateGrant ---- */

static const struct af_shape string_map = MAP(af_string);
static const struct af_shape grant_constraints = STRUCTURE(
    MAY(EncryptionContextEquals, string_map),
    MAY(EncryptionContextSubset, string_map),
    MAY(SourceArn, af_string));
static const struct af_shape strings = ITEMS(NULL, af_string);
static const struct af_shape create_grant_in = STRUCTURE(
    MAY(Constraints, grant_constraints),
    MAY(DryRun, af_bool),
    MAY(GrantTokens, strings),
    MAY(GranteePrincipal, af_string),
    MAY(GranteeServicePrincipal, af_string),
    NEED(KeyId, af_string),
    MAY(Name, af_string),
    NEED(Operations, strings),
    MAY(RetiringPrincipal, af_string),
    MAY(RetiringServicePrincipal, af_string));
static const struct af_shape create_grant_out = STRUCTURE(
    MAY(GrantId, af_string),
    MAY(GrantToken, af_string));
/* Given a Name and the same parameters, the same grant (rules.md 3). */
const struct af_op af_kms_create_grant =
    KMS(CreateGrant, create_grant_in, create_grant_out, .mutates = true, .repeatable = true);

/* ---- DescribeKey ---- */

static const struct af_shape describe_key_in = STRUCTURE(
    MAY(GrantTokens, strings),
    NEED(KeyId, af_string));
static const struct af_shape multi_region_key_out = STRUCTURE(
    MAY(Arn, af_string),
    MAY(Region, af_string));
static const struct af_shape multi_region_keys_out = ITEMS(NULL, multi_region_key_out);
static const struct af_shape multi_region_configuration_out = STRUCTURE(
    MAY(MultiRegionKeyType, af_string),
    MAY(PrimaryKey, multi_region_key_out),
    MAY(ReplicaKeys, multi_region_keys_out));
static const struct af_shape xks_key_configuration_out = STRUCTURE(
    MAY(Id, af_string));
static const struct af_shape key_metadata_out = STRUCTURE(
    MAY(AWSAccountId, af_string),
    MAY(Arn, af_string),
    MAY(CloudHsmClusterId, af_string),
    MAY(CreationDate, af_timestamp),
    MAY(CurrentKeyMaterialId, af_string),
    MAY(CustomKeyStoreId, af_string),
    MAY(CustomerMasterKeySpec, af_string),
    MAY(DeletionDate, af_timestamp),
    MAY(Description, af_string),
    MAY(Enabled, af_bool),
    MAY(EncryptionAlgorithms, strings),
    MAY(ExpirationModel, af_string),
    MAY(KeyAgreementAlgorithms, strings),
    NEED(KeyId, af_string),
    MAY(KeyManager, af_string),
    MAY(KeySpec, af_string),
    MAY(KeyState, af_string),
    MAY(KeyUsage, af_string),
    MAY(MacAlgorithms, strings),
    MAY(MultiRegion, af_bool),
    MAY(MultiRegionConfiguration, multi_region_configuration_out),
    MAY(Origin, af_string),
    MAY(PendingDeletionWindowInDays, af_int),
    MAY(SigningAlgorithms, strings),
    MAY(ValidTo, af_timestamp),
    MAY(XksKeyConfiguration, xks_key_configuration_out));
static const struct af_shape describe_key_out = STRUCTURE(
    MAY(KeyMetadata, key_metadata_out));
const struct af_op af_kms_describe_key = KMS(DescribeKey, describe_key_in, describe_key_out, .repeatable = true);

/* ---- GenerateDataKeyWithoutPlaintext ---- */

static const struct af_shape data_key_in = STRUCTURE(
    MAY(DryRun, af_bool),
    MAY(EncryptionContext, string_map),
    MAY(GrantTokens, strings),
    NEED(KeyId, af_string),
    MAY(KeySpec, af_string),
    MAY(NumberOfBytes, af_int));
static const struct af_shape data_key_out = STRUCTURE(
    MAY(CiphertextBlob, af_blob),
    MAY(KeyId, af_string),
    MAY(KeyMaterialId, af_string));
const struct af_op af_kms_generate_data_key_without_plaintext =
    KMS(GenerateDataKeyWithoutPlaintext, data_key_in, data_key_out, .repeatable = true);

/* ---- ListGrants ---- */

static const struct af_shape list_grants_in = STRUCTURE(
    MAY(GrantId, af_string),
    MAY(GranteePrincipal, af_string),
    MAY(GranteeServicePrincipal, af_string),
    NEED(KeyId, af_string),
    MAY(Limit, af_int),
    MAY(Marker, af_string));
static const struct af_shape grant_out = STRUCTURE(
    MAY(Constraints, grant_constraints),
    MAY(CreationDate, af_timestamp),
    MAY(GrantId, af_string),
    MAY(GranteePrincipal, af_string),
    MAY(GranteeServicePrincipal, af_string),
    MAY(IssuingAccount, af_string),
    MAY(KeyId, af_string),
    MAY(Name, af_string),
    MAY(Operations, strings),
    MAY(RetiringPrincipal, af_string),
    MAY(RetiringServicePrincipal, af_string));
static const struct af_shape grants_out = ITEMS(NULL, grant_out);
static const struct af_shape list_grants_out = STRUCTURE(
    MAY(Grants, grants_out),
    MAY(NextMarker, af_string),
    MAY(Truncated, af_bool));
const struct af_op af_kms_list_grants = KMS(ListGrants, list_grants_in, list_grants_out, .repeatable = true);

/* ---- ListRetirableGrants ---- */

static const struct af_shape list_retirable_in = STRUCTURE(
    MAY(Limit, af_int),
    MAY(Marker, af_string),
    MAY(RetiringPrincipal, af_string),
    MAY(RetiringServicePrincipal, af_string));
/* Of all keys of the Region that the principal, one of the caller's account, may retire grants of (rules.md 3). */
const struct af_op af_kms_list_retirable_grants =
    KMS(ListRetirableGrants, list_retirable_in, list_grants_out, .repeatable = true);

/* ---- RetireGrant ---- */

static const struct af_shape retire_grant_in = STRUCTURE(
    MAY(DryRun, af_bool),
    MAY(GrantId, af_string),
    MAY(GrantToken, af_string),
    MAY(KeyId, af_string));
/* A second call ends in NotFoundException. */
const struct af_op af_kms_retire_grant = KMS(RetireGrant, retire_grant_in, af_nothing, .mutates = true, .repeatable = true);
