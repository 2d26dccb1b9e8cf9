/* Each allocation of the wire fails in turn, once and for good: the codec and the signer report it, leave nothing behind and crash
 * nowhere. And whatever they free holds no secret. The linker sends our allocations here; jansson and expat are given ours. */
#include <expat.h>
#include <malloc.h>

#include "engine/aws/codec.h"
#include "engine/aws/ops.h"
#include "engine/aws/sigv4.h"
#include "tests/wire/vectors.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);
XML_Parser __wrap_XML_ParserCreate(const XML_Char *encoding);

static long left = -1; /* allocations until the one that fails; below 0: none does */
static bool for_good, failed, watched;
static int secrets_freed;

static bool fails(void) {
  bool now = left == 0 || (failed && for_good);
  if (left >= 0)
    left--;
  failed = failed || now;
  return now;
}

void *__wrap_malloc(size_t size) {
  return fails() ? NULL : __real_calloc(1, size); /* zeroed, so that the whole block may be looked at */
}
void *__wrap_calloc(size_t n, size_t size) {
  return fails() ? NULL : __real_calloc(n, size);
}
void __wrap_free(void *block) {
  if (watched && block && memmem(block, malloc_usable_size(block), "SECRET", 6))
    secrets_freed++;
  __real_free(block);
}
/* Moves every time: what it leaves behind is freed, and looked at. */
void *__wrap_realloc(void *block, size_t size) {
  void *fresh = fails() ? NULL : __real_calloc(1, size);
  size_t had = block ? malloc_usable_size(block) : 0;
  if (!fresh)
    return NULL;
  if (had > 0)
    memcpy(fresh, block, had < size ? had : size);
  __wrap_free(block);
  return fresh;
}
XML_Parser __wrap_XML_ParserCreate(const XML_Char *encoding) {
  static const XML_Memory_Handling_Suite ours = {__wrap_malloc, __wrap_realloc, __wrap_free};
  return XML_ParserCreate_MM(encoding, &ours, NULL);
}

/* Runs f with the n-th allocation failing, for every n until none is left to fail. */
static void torture(int (*f)(void)) {
  for (int good = 0; good < 2; good++) {
    long n = 0;
    do {
      left = n++;
      for_good = good;
      failed = false;
      int rc = f();
      left = -1;
      bool hit = failed;
      failed = false;
      assert_int_equal(rc, hit ? -AF_ENOMEM : 0);
      if (!hit)
        break;
    } while (n < 100000);
    assert_in_range(n, 2, 99999);
  }
}

#define IMAGES                                                                                                                        \
  "<DescribeImagesResponse><requestId>r</requestId><imagesSet><item><imageId>ami-1</imageId><isPublic>true</isPublic>"                \
  "<blockDeviceMapping><item><deviceName>/dev/sda1</deviceName><ebs><volumeSize>8</volumeSize></ebs></item></blockDeviceMapping>"     \
  "</item></imagesSet></DescribeImagesResponse>"
#define ROLE                                                                                                                          \
  "<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>SECRETSECRETSECRET</SecretAccessKey>"                          \
  "<SessionToken>SECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRET</SessionToken></Credentials>"               \
  "</AssumeRoleResult></AssumeRoleResponse>"

static int decode(const struct af_op *op, int status, const char *body) {
  struct af_reply reply = {.status = status, .body = af_str(body)};
  struct af_error err;
  char id[80];
  json_t *output = NULL;
  int rc = af_decode(op, &reply, &output, id, &err);
  bool armed = left >= 0 || failed;
  if (rc < 0 && armed && output)
    abort();
  json_decref(output);
  /* jansson may take a token that it can't store for a wrong one: then the reply counts as malformed, which is no less careful. */
  if (rc == -AF_EAWS && armed && op->protocol == AF_PROTOCOL_JSON && af_streq(err.code, "MalformedReply"))
    return -AF_ENOMEM;
  return rc == -AF_EAWS && status >= 400 ? 0 : rc;
}

static int decode_images(void) {
  return decode(&af_ec2_describe_images, 200, IMAGES);
}
static int decode_instances(void) {
  return decode(&af_ec2_run_instances, 200,
                "<RunInstancesResponse><instancesSet><item><instanceId>i-1</instanceId><instanceState><code>0</code><name>pending</name></instanceState>"
                "<blockDeviceMapping/></item></instancesSet></RunInstancesResponse>");
}
static int decode_role(void) {
  return decode(&af_sts_assume_role, 200, ROLE);
}
static int decode_grants(void) {
  return decode(&af_kms_list_grants, 200, "{\"Grants\":[{\"Name\":\"n\",\"Operations\":[\"Decrypt\"],\"Constraints\":{\"SourceArn\":\"a\"}}]}");
}
static int decode_error(void) {
  return decode(&af_ec2_copy_image, 400, "<Response><Errors><Error><Code>X</Code><Message>m</Message></Error></Errors></Response>");
}
static int decode_policy(void) {
  return decode(&af_s3_get_bucket_policy, 200, "{\"Version\":\"2012-10-17\"}");
}
static int decode_location(void) {
  return decode(&af_s3_get_bucket_location, 200, "<LocationConstraint>eu-west-1</LocationConstraint>");
}
static int decode_s3_error(void) {
  return decode(&af_s3_get_bucket_policy, 400, "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>r</Region></Error>");
}
static int decode_kms_error(void) {
  return decode(&af_kms_create_grant, 400, "{\"__type\":\"X\",\"message\":\"m\"}");
}

static json_t *encode_input;
static const struct af_op *encode_op;
static int encode(void) {
  struct af_buf body;
  struct af_error err;
  af_buf_init(&body, 1 << 16);
  int rc = af_encode(encode_op, encode_input, &body, &err);
  af_buf_done(&body);
  return rc;
}

static int encode_head(void) {
  struct af_head head;
  struct af_error err;
  int rc = af_encode_head(encode_op, encode_input, af_str("{}"), &head, &err);
  if (rc == 0)
    af_head_done(&head);
  return rc;
}

static struct af_credentials credentials;
static const struct af_signing signing = {.credentials = &credentials, .service = "ec2", .region = "eu-west-1", .time_ms = 1440938160000,
                                          .normalize_path = true, .encode_path_twice = true, .sign_body_header = true, .expires_s = 60};
static int sign(void) {
  struct af_signable r = {.method = af_str("POST"), .host = af_str("h"), .path = af_str("/"), .query = af_str("b=1&a=2"), .body = af_str("x")};
  struct af_signed_headers h = {.n = 0};
  int rc = af_sigv4_sign(&signing, &r, &h);
  af_signed_headers_done(&h);
  return rc;
}
static int presign(void) {
  struct af_signable r = {.method = af_str("GET"), .host = af_str("h"), .path = af_str("/"), .query = af_str("b=1&a=2")};
  struct af_buf out;
  af_buf_init_secret(&out, 1 << 16);
  int rc = af_sigv4_presign(&signing, &r, &out);
  af_buf_done(&out);
  return rc;
}
static int copy(void) {
  struct af_credentials c = {0};
  int rc = af_credentials_copy(&c, &credentials);
  af_credentials_done(&c);
  return rc;
}

TEST(a_reply_is_read_or_memory_is_out) {
  torture(decode_images);
  torture(decode_instances);
  torture(decode_role);
  torture(decode_grants);
  torture(decode_error);
  torture(decode_kms_error);
  torture(decode_policy);
  torture(decode_location);
  torture(decode_s3_error);
}

TEST(a_request_is_written_or_memory_is_out) {
  encode_op = &af_ec2_describe_images;
  encode_input = json_pack("{s:[s,s],s:[{s:s,s:[s]}]}", "ImageIds", "ami-1", "ami-2", "Filters", "Name", "n", "Values", "v");
  torture(encode);
  json_decref(encode_input);
  encode_op = &af_ec2_run_instances;
  encode_input = json_pack("{s:i,s:i,s:[{s:i,s:[s]}],s:{s:s}}", "MinCount", 1, "MaxCount", 1, "NetworkInterfaces", "DeviceIndex", 0, "Groups",
                           "sg-1", "MetadataOptions", "HttpTokens", "required");
  torture(encode);
  json_decref(encode_input);
  encode_op = &af_s3_put_bucket_policy;
  encode_input = json_pack("{s:s,s:s,s:s}", "Bucket", "b", "Policy", "{}", "ExpectedBucketOwner", "1");
  torture(encode);
  torture(encode_head);
  json_decref(encode_input);
  encode_op = &af_s3_list_objects_v2;
  encode_input = json_pack("{s:s,s:s}", "Bucket", "b", "Prefix", "p/");
  torture(encode_head);
  json_decref(encode_input);
  encode_op = &af_kms_create_grant;
  encode_input = json_pack("{s:s,s:[s,s]}", "KeyId", "k", "Operations", "Decrypt", "CreateGrant");
  torture(encode);
  json_decref(encode_input);
}

TEST(a_request_is_signed_or_memory_is_out) {
  torture(sign);
  torture(presign);
  torture(copy);
}

TEST(nothing_that_the_signer_frees_holds_a_secret) {
  secrets_freed = 0;
  watched = true;
  assert_int_equal(sign(), 0);
  assert_int_equal(presign(), 0);
  assert_int_equal(copy(), 0);
  watched = false;
  assert_int_equal(secrets_freed, 0);
}

TEST(nothing_of_an_assumed_roles_secrets_is_left_in_freed_memory) {
  struct af_reply reply = {.status = 200, .body = af_str(ROLE)};
  struct af_error err;
  char id[80];
  json_t *output = NULL;
  af_json_wipe_freed();
  secrets_freed = 0;
  watched = true;
  assert_int_equal(af_decode(&af_sts_assume_role, &reply, &output, id, &err), 0);
  json_decref(output);
  watched = false;
  json_set_alloc_funcs(__wrap_malloc, __wrap_free);
  assert_int_equal(secrets_freed, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_reply_is_read_or_memory_is_out),
      cmocka_unit_test(a_request_is_written_or_memory_is_out),
      cmocka_unit_test(a_request_is_signed_or_memory_is_out),
      cmocka_unit_test(nothing_that_the_signer_frees_holds_a_secret),
      cmocka_unit_test(nothing_of_an_assumed_roles_secrets_is_left_in_freed_memory),
  };
  json_set_alloc_funcs(__wrap_malloc, __wrap_free);
  AF_COPY(credentials.access_key_id, af_str("AKID"));
  af_secret_set(&credentials.secret_access_key, af_str("SECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRET"));
  af_secret_set(&credentials.session_token, af_str("SECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRET"));
  int rc = cmocka_run_group_tests_name("wire memory", tests, NULL, NULL);
  af_credentials_done(&credentials);
  return rc;
}
