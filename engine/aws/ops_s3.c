/* S3's calls (REST-XML, version 2006-03-01): the policy of the bucket that holds an instance-store image's bundle, where the bucket lies,
 * and what it holds (rules.md 5). ExpectedBucketOwner makes S3 refuse where the bucket is another account's: names of buckets that were
 * deleted can be taken by anybody. */
#include "engine/aws/ops.h"
#include "engine/aws/ops_table.h"

#define S3(name, method_, path_, in, out, ...) \
  {.service = "s3", .action = #name, .label = "s3:" #name, .version = "2006-03-01", .protocol = AF_PROTOCOL_REST_XML, \
   .method = method_, .path = path_, .input = &(in), .output = &(out), __VA_ARGS__}

#define BUCKET NEED_AT(AF_IN_PATH, Bucket, "Bucket", af_string)
#define EXPECTED_OWNER MAY_AT(AF_IN_HEADER, ExpectedBucketOwner, "x-amz-expected-bucket-owner", af_string)

static const struct af_shape bucket_in = STRUCTURE(
    BUCKET,
    EXPECTED_OWNER);

/* ---- DeleteBucketPolicy ---- */

/* A bucket without a policy stays one. */
const struct af_op af_s3_delete_bucket_policy =
    S3(DeleteBucketPolicy, "DELETE", "/{Bucket}?policy", bucket_in, af_nothing, .mutates = true, .repeatable = true);

/* ---- GetBucketLocation ---- */

/* The traps: no text stands for us-east-1, and EU for eu-west-1. */
static const struct af_shape get_bucket_location_out = STRUCTURE(
    MAY(LocationConstraint, af_string));
const struct af_op af_s3_get_bucket_location =
    S3(GetBucketLocation, "GET", "/{Bucket}?location", bucket_in, get_bucket_location_out, .root_is_member = true, .repeatable = true);

/* ---- GetBucketPolicy ---- */

static const struct af_shape get_bucket_policy_out = STRUCTURE(
    MAY_AT(AF_IS_BODY, Policy, "Policy", af_string));
/* A bucket without a policy answers NoSuchBucketPolicy. */
const struct af_op af_s3_get_bucket_policy =
    S3(GetBucketPolicy, "GET", "/{Bucket}?policy", bucket_in, get_bucket_policy_out, .repeatable = true);

/* ---- ListObjectsV2 ---- */

static const struct af_shape list_objects_in = STRUCTURE(
    BUCKET,
    MAY_AT(AF_IN_QUERY, ContinuationToken, "continuation-token", af_string),
    EXPECTED_OWNER,
    MAY_AT(AF_IN_QUERY, MaxKeys, "max-keys", af_int),
    MAY_AT(AF_IN_QUERY, Prefix, "prefix", af_string));
static const struct af_shape object_out = STRUCTURE(
    MAY(ETag, af_string),
    MAY(Key, af_string),
    MAY(LastModified, af_timestamp),
    MAY(Size, af_int),
    MAY(StorageClass, af_string));
static const struct af_shape objects_out = FLAT(object_out);
static const struct af_shape list_objects_out = STRUCTURE(
    MAY(Contents, objects_out),
    MAY(ContinuationToken, af_string),
    MAY(IsTruncated, af_bool),
    MAY(KeyCount, af_int),
    MAY(MaxKeys, af_int),
    MAY(Name, af_string),
    MAY(NextContinuationToken, af_string),
    MAY(Prefix, af_string));
const struct af_op af_s3_list_objects_v2 =
    S3(ListObjectsV2, "GET", "/{Bucket}?list-type=2", list_objects_in, list_objects_out, .wrapper = "ListBucketResult", .repeatable = true);

/* ---- PutBucketPolicy ---- */

static const struct af_shape put_bucket_policy_in = STRUCTURE(
    BUCKET,
    EXPECTED_OWNER,
    NEED_AT(AF_IS_BODY, Policy, "Policy", af_string));
/* It replaces the whole policy: what others wrote into it in the meantime is lost. S3 wants a checksum of the body. */
const struct af_op af_s3_put_bucket_policy =
    S3(PutBucketPolicy, "PUT", "/{Bucket}?policy", put_bucket_policy_in, af_nothing, .checksum = true, .mutates = true, .repeatable = true);
