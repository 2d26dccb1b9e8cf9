/* engine/aws/client.h: what is sent, what an answer says, and what is done about expired credentials and wrong clocks. */
#include "tests/unit/aws_fixture.h"

#include "engine/aws/sigv4.h"

static struct af_session *keys(struct world *w) {
  set_var(w, "AWS_ACCESS_KEY_ID", "AKENV");
  set_var(w, "AWS_SECRET_ACCESS_KEY", "SECRET");
  return session(w, NULL, NULL, NULL);
}

static json_t *copy_snapshot(const char *source_region) {
  return json_pack("{s:s, s:s, s:b, s:s}", "SourceRegion", source_region, "SourceSnapshotId", "snap-1", "Encrypted", 1, "KmsKeyId", "arn:aws:kms:x y");
}

static struct scripted *on_snapshot(struct world *w) {
  return on(w, "POST", 200, "<CopySnapshotResponse><requestId>r</requestId><snapshotId>snap-2</snapshotId></CopySnapshotResponse>");
}

/* --- what goes out --- */

TEST(each_protocol_goes_to_its_endpoint_with_its_headers) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  on_images(w);
  describe_ok(w, s);
  assert_string_equal(w->sent[0].method, "POST");
  assert_string_equal(w->sent[0].url, "https://ec2.eu-west-1.amazonaws.com/");
  assert_contains(w->sent[0].headers, "Content-Type: application/x-www-form-urlencoded; charset=utf-8\n");
  assert_contains(w->sent[0].headers, "X-Amz-Date: 20261123T062900Z\n");
  assert_contains(w->sent[0].headers, "Credential=AKENV/20261123/eu-west-1/ec2/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=");
  on(w, "kms.us-east-1", 200, "{\"KeyMetadata\": {\"KeyId\": \"k\", \"KeyManager\": \"AWS\"}}");
  ask(w, s, &af_kms_describe_key, "us-east-1", json_pack("{s:s}", "KeyId", "k"), 2);
  struct af_answer a = answer(w);
  assert_ok(a.rc, &a.error);
  assert_string_equal(json_string_value(json_object_get(json_object_get(a.output, "KeyMetadata"), "KeyManager")), "AWS");
  assert_contains(w->sent[1].headers, "Content-Type: application/x-amz-json-1.1\nX-Amz-Target: TrentService.DescribeKey\n");
  assert_contains(w->sent[1].headers, "SignedHeaders=content-type;host;x-amz-date;x-amz-target");
  assert_string_equal(a.request_id, "req-42");
  af_answer_done(&a);
}

/* The signature is what the signer makes of the request as it went out. */
TEST(what_was_signed_is_what_was_sent) {
  struct world *w = *state;
  set_var(w, "AWS_ENDPOINT_URL", "http://127.0.0.1:4566/base/");
  struct af_session *s = keys(w);
  on_images(w);
  describe_ok(w, s);
  assert_string_equal(w->sent[0].url, "http://127.0.0.1:4566/base/");
  struct af_credentials c = {.access_key_id = "AKENV"};
  assert_int_equal(af_secret_set(&c.secret_access_key, af_str("SECRET")), 0);
  struct af_signing signing = {.credentials = &c, .service = "ec2", .region = "eu-west-1", .time_ms = T0, .normalize_path = true, .encode_path_twice = true};
  struct af_header type = {af_str("Content-Type"), af_str("application/x-www-form-urlencoded; charset=utf-8")};
  struct af_signable signable = {.method = af_str("POST"), .host = af_str("127.0.0.1:4566"), .path = af_str("/base/"), .headers = &type, .n_headers = 1,
                                 .body = af_str(w->sent[0].body)};
  struct af_signed_headers want;
  assert_int_equal(af_sigv4_sign(&signing, &signable, &want), 0);
  const char *line = af_buf_cstr(&want.lines);
  for (size_t i = 0; i < want.n; i++, line += strlen(line) + 1)
    assert_contains(w->sent[0].headers, line);
  af_signed_headers_done(&want);
  af_credentials_done(&c);
}

TEST(a_mutating_call_that_must_not_be_repeated_has_a_connection_of_its_own) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  on_snapshot(w);
  ask(w, s, &af_ec2_copy_snapshot, "eu-west-1", copy_snapshot("us-east-1"), 1);
  struct af_answer a = answer(w);
  af_answer_done(&a);
  assert_true(w->sent[0].fresh);
  on_images(w);
  describe_ok(w, s);
  assert_false(w->sent[1].fresh);
  on(w, "Action=CopyImage", 200, "<CopyImageResponse><imageId>ami-2</imageId></CopyImageResponse>");
  ask(w, s, &af_ec2_copy_image, "eu-west-1", json_pack("{s:s, s:s, s:s, s:s}", "Name", "n", "SourceImageId", "ami-1", "SourceRegion", "us-east-1", "ClientToken", "t"), 1);
  a = answer(w);
  assert_ok(a.rc, &a.error);
  af_answer_done(&a);
  assert_false(w->sent[2].fresh); /* its token makes a repeat harmless */
}

TEST(an_input_or_a_region_that_is_wrong_is_told_at_once) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  struct af_error err;
  json_t *empty = json_object(), *wrong = json_pack("{s:s}", "Nonsense", "x");
  struct af_call calls[] = {{&af_ec2_copy_image, s, "eu-west-1", empty, 1},
                            {&af_ec2_describe_images, s, "eu-west-1", wrong, 2},
                            {&af_ec2_describe_images, s, "eu/west", empty, 3},
                            {&af_ec2_describe_images, s, "", empty, 4}};
  static const enum af_class classes[] = {AF_CLASS_INTERNAL, AF_CLASS_INTERNAL, AF_CLASS_INVALID, AF_CLASS_INVALID};
  for (size_t i = 0; i < COUNT(calls); i++) {
    assert_int_equal(af_aws_send(w->aws, &calls[i], &err), -AF_EINVAL);
    assert_int_equal(err.class, classes[i]);
  }
  assert_int_equal(af_aws_in_flight(w->aws), 0);
  assert_int_equal(w->n_sent, 0);
  json_decref(empty);
  json_decref(wrong);
}

/* What botocore 1.43 sends for the same calls with the same keys at the same time, its own headers of the SDK left out. (Asked for a type of the
 * body, for the Regional endpoint of us-east-1, and for no encoding of keys: there it would differ.) */
TEST(calls_to_s3_go_out_as_botocore_sends_them) {
  static const struct {
    const char *profile, *region;
    const struct af_op *op;
    const char *input, *method, *url, *signature;
  } cases[] = {
      {"plain", "eu-west-1", &af_s3_get_bucket_policy, "{\"Bucket\":\"amis-bundles\"}", "GET",
       "https://amis-bundles.s3.eu-west-1.amazonaws.com/?policy",
       "host;x-amz-content-sha256;x-amz-date, Signature=1194b4bf579fa576b6269235154e622e06cf0070cf1b12cf59d85f7bf0e1ba70"},
      {"plain", "us-east-1", &af_s3_get_bucket_policy, "{\"Bucket\":\"amis-bundles\",\"ExpectedBucketOwner\":\"111111111111\"}", "GET",
       "https://amis-bundles.s3.us-east-1.amazonaws.com/?policy",
       "host;x-amz-content-sha256;x-amz-date;x-amz-expected-bucket-owner, "
       "Signature=ae7d6b3f889aa029f72caafb19a3b5e4d3c58958a91d55f57d6f8a55ea81a8bf"},
      {"plain", "eu-west-1", &af_s3_put_bucket_policy,
       "{\"Bucket\":\"amis-bundles\",\"Policy\":\"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[]}\"}", "PUT",
       "https://amis-bundles.s3.eu-west-1.amazonaws.com/?policy",
       "content-type;host;x-amz-checksum-sha256;x-amz-content-sha256;x-amz-date;x-amz-sdk-checksum-algorithm, "
       "Signature=65fe6287687ef21879a46353d5986c41a10dad3266d59686cc09de83b48d5987"},
      {"plain", "us-east-1", &af_s3_delete_bucket_policy, "{\"Bucket\":\"amis-bundles\"}", "DELETE",
       "https://amis-bundles.s3.us-east-1.amazonaws.com/?policy",
       "host;x-amz-content-sha256;x-amz-date, Signature=babb9ee36cc965db5cb1248e4517882a9ef077e2080c2e7b6c7cf962e895bf57"},
      {"plain", "us-east-1", &af_s3_get_bucket_location, "{\"Bucket\":\"amis.bundles\"}", "GET",
       "https://s3.us-east-1.amazonaws.com/amis.bundles?location",
       "host;x-amz-content-sha256;x-amz-date, Signature=df4c936baa046752d5a7343de303da338210b9994e4dcfae7199b099d980b0c9"},
      {"plain", "eu-west-1", &af_s3_list_objects_v2,
       "{\"Bucket\":\"amis-bundles\",\"Prefix\":\"a b/\xc3\xbc+&=\",\"MaxKeys\":7,\"ContinuationToken\":\"1/x+y==\"}", "GET",
       "https://amis-bundles.s3.eu-west-1.amazonaws.com/?list-type=2&continuation-token=1%2Fx%2By%3D%3D&max-keys=7&prefix=a%20b%2F%C3%BC%2B%26%3D",
       "host;x-amz-content-sha256;x-amz-date, Signature=c9d39a3ea27bc21e56f18d1e7d27b6d714dc1cb328ddca080602be26291b5638"},
      {"address", "eu-west-1", &af_s3_get_bucket_policy, "{\"Bucket\":\"amis-bundles\"}", "GET",
       "http://127.0.0.1:4566/amis-bundles?policy",
       "host;x-amz-content-sha256;x-amz-date, Signature=2be6c8996cc461170c1b13fdfec8e808457062b50dee9bb4c355ea2880e4d2cb"},
      {"base", "eu-west-1", &af_s3_get_bucket_policy, "{\"Bucket\":\"amis-bundles\"}", "GET",
       "https://s3.example.com:8443/base/amis-bundles?policy",
       "host;x-amz-content-sha256;x-amz-date, Signature=bdf92afb9b75cea4c511233d90977f9ef521bb8d32b676a9af2b7b8539845106"},
      {"fips", "us-east-1", &af_s3_get_bucket_policy, "{\"Bucket\":\"amis-bundles\"}", "GET",
       "https://amis-bundles.s3-fips.dualstack.us-east-1.amazonaws.com/?policy",
       "host;x-amz-content-sha256;x-amz-date, Signature=1eb019a4d0831684d83016be97959f4d47a5ba07ba859b831aab1374c68566ff"},
  };
#define KEYS "aws_access_key_id=AKENV\naws_secret_access_key=SECRET\n"
  struct world *w = *state;
  write_file(w, "config", "[profile plain]\n" KEYS "[profile fips]\nuse_fips_endpoint=true\nuse_dualstack_endpoint=true\n" KEYS
                          "[profile address]\nendpoint_url=http://127.0.0.1:4566\n" KEYS
                          "[profile base]\nendpoint_url=https://s3.example.com:8443/base/\n" KEYS);
  for (size_t i = 0; i < COUNT(cases); i++) {
    on(w, "", 200, "%s", "");
    ask(w, session(w, cases[i].profile, NULL, NULL), cases[i].op, cases[i].region, json_loads(cases[i].input, 0, NULL), 1);
    struct af_answer a = answer(w);
    af_answer_done(&a);
    assert_string_equal(last_sent(w)->method, cases[i].method);
    assert_string_equal(last_sent(w)->url, cases[i].url);
    assert_contains(last_sent(w)->headers, cases[i].signature);
    assert_contains(last_sent(w)->headers, "x-amz-content-sha256: ");
    assert_false(last_sent(w)->fresh);
  }
#undef KEYS
}

TEST(a_bucket_that_lies_elsewhere_is_said_with_its_region) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  AF_COPY(on(w, "", 301, "%s", "")->bucket_region, af_str("ap-southeast-2"));
  ask(w, s, &af_s3_get_bucket_policy, "eu-west-1", json_pack("{s:s}", "Bucket", "amis-bundles"), 1);
  struct af_answer a = answer(w);
  assert_int_equal(a.rc, -AF_EAWS);
  assert_string_equal(a.error.code, "PermanentRedirect");
  assert_contains(a.error.hint, "The bucket lies in ap-southeast-2");
  assert_string_equal(a.error.region, "eu-west-1");
  assert_string_equal(a.error.request_id, "req-42");
  af_answer_done(&a);
  assert_int_equal(w->n_sent, 1); /* no redirect is followed: the signature would be wrong there */
}

TEST(a_path_that_is_too_long_is_no_crash) {
  struct world *w = *state;
  char name[3000];
  memset(name, 'b', sizeof name);
  name[sizeof name - 1] = 0;
  ask(w, keys(w), &af_s3_get_bucket_policy, "eu-west-1", json_pack("{s:s}", "Bucket", name), 1);
  struct af_answer a = answer(w);
  assert_string_equal(a.error.code, "RequestTooBig");
  af_answer_done(&a);
  assert_int_equal(w->n_sent, 0);
}

/* --- CopySnapshot's presigned URL (rules.md 2.2) --- */

static void undo_percent(char *s) {
  char *to = s;
  for (; *s; s++) {
    unsigned byte;
    if (*s == '%' && s[1] && s[2]) {
      const char hex[3] = {s[1], s[2], 0};
      byte = (unsigned)strtoul(hex, NULL, 16);
      s += 2;
    } else {
      byte = (unsigned char)*s;
    }
    *to++ = (char)byte;
  }
  *to = 0;
}

/* The presigned URL of a body; the caller's to free. */
static char *presigned_url(const char *body) {
  const char *start = strstr(body, "PresignedUrl=");
  assert_non_null(start);
  start += strlen("PresignedUrl=");
  const char *end = strchr(start, '&');
  char *url = af_str_dup(af_str_n(start, end ? (size_t)(end - start) : strlen(start)));
  assert_non_null(url);
  undo_percent(url);
  return url;
}

TEST(copy_snapshot_carries_itself_presigned_for_the_source_region) {
  struct world *w = *state;
  set_var(w, "AWS_SESSION_TOKEN", "TOKEN+/=");
  struct af_session *s = keys(w);
  on_snapshot(w);
  ask(w, s, &af_ec2_copy_snapshot, "eu-west-1", copy_snapshot("us-east-1"), 1);
  struct af_answer a = answer(w);
  assert_ok(a.rc, &a.error);
  assert_string_equal(json_string_value(json_object_get(a.output, "SnapshotId")), "snap-2");
  af_answer_done(&a);
  assert_string_equal(w->sent[0].url, "https://ec2.eu-west-1.amazonaws.com/");
  assert_contains(w->sent[0].body, "DestinationRegion=eu-west-1");
  char *url = presigned_url(w->sent[0].body);
  assert_true(af_str_starts(af_str(url), "https://ec2.us-east-1.amazonaws.com/?Action=CopySnapshot&Version=2016-11-15&"));
  assert_contains(url, "&DestinationRegion=eu-west-1&");
  assert_contains(url, "&SourceRegion=us-east-1&");
  assert_contains(url, "&SourceSnapshotId=snap-1&");
  assert_contains(url, "KmsKeyId=arn%3Aaws%3Akms%3Ax%20y&");
  assert_contains(url, "&X-Amz-Credential=AKENV%2F20261123%2Fus-east-1%2Fec2%2Faws4_request&");
  assert_contains(url, "&X-Amz-Expires=3600");
  assert_contains(url, "&X-Amz-Security-Token=TOKEN%2B%2F%3D");
  assert_contains(url, "&X-Amz-Signature=");
  assert_lacks(url, "PresignedUrl");
  free(url);
}

/* The same, as the signer of the vectors sees it. */
TEST(the_presigned_urls_signature_is_that_of_its_own_query) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  on_snapshot(w);
  ask(w, s, &af_ec2_copy_snapshot, "eu-west-1", copy_snapshot("us-east-1"), 1);
  struct af_answer a = answer(w);
  af_answer_done(&a);
  char *url = presigned_url(w->sent[0].body), *query = strchr(url, '?') + 1, *amz = strstr(query, "&X-Amz-Algorithm");
  assert_non_null(amz);
  *amz = 0;
  struct af_credentials c = {.access_key_id = "AKENV"};
  assert_int_equal(af_secret_set(&c.secret_access_key, af_str("SECRET")), 0);
  struct af_signing signing = {.credentials = &c, .service = "ec2", .region = "us-east-1", .time_ms = T0, .normalize_path = true, .encode_path_twice = true,
                               .expires_s = 3600};
  struct af_signable signable = {.method = af_str("GET"), .host = af_str("ec2.us-east-1.amazonaws.com"), .path = af_str("/"), .query = af_str(query)};
  struct af_buf want;
  af_buf_init_secret(&want, 65536);
  assert_int_equal(af_sigv4_presign(&signing, &signable, &want), 0);
  *amz = '&';
  assert_string_equal(query, af_buf_cstr(&want));
  af_buf_done(&want);
  af_credentials_done(&c);
  free(url);
}

TEST(the_source_endpoint_is_resolved_and_not_guessed_from_the_target_url) {
  struct world *w = *state;
  set_var(w, "AWS_ENDPOINT_URL_EC2", "https://eu-west-1.proxy.example:8443/x");
  struct af_session *s = keys(w);
  on_snapshot(w);
  ask(w, s, &af_ec2_copy_snapshot, "eu-west-1", copy_snapshot("us-east-1"), 1);
  struct af_answer a = answer(w);
  af_answer_done(&a);
  char *url = presigned_url(w->sent[0].body);
  assert_true(af_str_starts(af_str(url), "https://eu-west-1.proxy.example:8443/x?Action=CopySnapshot&"));
  assert_contains(url, "%2Fus-east-1%2Fec2%2F");
  free(url);
}

TEST(a_source_region_that_is_none_is_told_at_once) {
  struct world *w = *state;
  struct af_error err;
  json_t *input = copy_snapshot("evil.example/");
  struct af_call call = {&af_ec2_copy_snapshot, keys(w), "eu-west-1", input, 1};
  assert_int_equal(af_aws_send(w->aws, &call, &err), -AF_EINVAL);
  assert_string_equal(err.code, "BadRegion");
  json_decref(input);
}

TEST(the_callers_input_stays_as_it_was) {
  struct world *w = *state;
  json_t *input = copy_snapshot("us-east-1"), *before = json_deep_copy(input);
  on_snapshot(w);
  ask(w, keys(w), &af_ec2_copy_snapshot, "eu-west-1", json_incref(input), 1);
  struct af_answer a = answer(w);
  af_answer_done(&a);
  assert_true(json_equal(input, before));
  json_decref(input);
  json_decref(before);
}

/* --- what an answer says --- */

TEST(an_error_says_where_it_comes_from) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  on(w, "Action=GetCallerIdentity", 200,
     "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/u</Arn><UserId>A</UserId><Account>123456789012</Account>"
     "</GetCallerIdentityResult></GetCallerIdentityResponse>");
  ask(w, s, &af_sts_get_caller_identity, "eu-west-1", json_object(), 1);
  struct af_answer a = answer(w);
  assert_ok(a.rc, &a.error);
  af_answer_done(&a);
  assert_string_equal(af_session_account(s), "123456789012");
  on_ec2_error(w, "Action=DescribeImages", 403, "UnauthorizedOperation", "You are not authorized");
  a = describe(w, s);
  assert_int_equal(a.rc, -AF_EAWS);
  assert_int_equal(a.error.class, AF_CLASS_AUTH);
  assert_string_equal(a.error.code, "UnauthorizedOperation");
  assert_string_equal(a.error.message, "You are not authorized");
  assert_int_equal(a.error.http_status, 403);
  assert_string_equal(a.error.account, "123456789012");
  assert_string_equal(a.error.region, "eu-west-1");
  assert_string_equal(a.error.action, "ec2:DescribeImages");
  assert_string_equal(a.error.request_id, "req-42");
  assert_null(a.output);
  af_answer_done(&a);
}

static void expect_class(struct world *w, struct af_session *s, const struct af_op *op, json_t *input, enum af_class class, const char *code) {
  ask(w, s, op, "eu-west-1", input, 1);
  struct af_answer a = answer(w);
  assert_int_equal(a.rc, -AF_EAWS);
  assert_string_equal(a.error.code, code);
  assert_string_equal(af_class_name(a.error.class), af_class_name(class));
  assert_string_equal(a.error.action, op->label);
  af_answer_done(&a);
}

TEST(a_lost_reply_is_ambiguous_for_what_changes_things_and_transient_for_reads) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  on_failure(w, "Action=CopySnapshot", AF_SENT_MAYBE);
  expect_class(w, s, &af_ec2_copy_snapshot, copy_snapshot("us-east-1"), AF_CLASS_AMBIGUOUS, "ReplyLost");
  on_failure(w, "Action=DescribeImages", AF_SENT_MAYBE);
  expect_class(w, s, &af_ec2_describe_images, json_object(), AF_CLASS_TRANSIENT, "ReplyLost");
  assert_int_equal(w->n_sent, 2); /* the client repeats nothing */
}

TEST(what_was_never_sent_is_transient_for_all) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  on_failure(w, "Action=CopySnapshot", AF_SENT_NOT);
  expect_class(w, s, &af_ec2_copy_snapshot, copy_snapshot("us-east-1"), AF_CLASS_TRANSIENT, "ConnectionFailed");
  on_failure(w, "Action=DescribeImages", AF_SENT_NOT);
  expect_class(w, s, &af_ec2_describe_images, json_object(), AF_CLASS_TRANSIENT, "ConnectionFailed");
}

/* What is to be done about a host that there is none of, named so. */
static void expect_host_hint(struct world *w, struct af_session *s, const char *host, const char *hint) {
  on_failure(w, "Action=DescribeImages", AF_SENT_NOT)->unknown_host = host;
  struct af_answer a = describe(w, s);
  assert_string_equal(a.error.code, "ConnectionFailed");
  assert_int_equal(a.error.class, AF_CLASS_TRANSIENT);
  assert_contains(a.error.message, host);
  assert_contains(a.error.hint, hint);
  af_answer_done(&a);
}

TEST(a_host_that_there_is_none_of_may_be_that_of_a_misspelt_region) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  expect_host_hint(w, s, "ec2.eu-west-1.amazonaws.com", "no host of Region \"eu-west-1\" can be found");
  expect_host_hint(w, s, "ec2.eu-west-1.amazonaws.com", "AWS has no Region of that name");
  expect_host_hint(w, s, "aws.example.com", "the endpoint is misspelt");
  on_failure(w, "Action=DescribeImages", AF_SENT_NOT); /* a host that there is, and that doesn't answer */
  struct af_answer a = describe(w, s);
  assert_contains(a.error.hint, "look at the network, at proxies");
  af_answer_done(&a);
}

TEST(a_server_fault_and_an_unreadable_yes_are_ambiguous_for_what_changes_things) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  on_ec2_error(w, "Action=CopySnapshot", 500, "InternalError", "x");
  expect_class(w, s, &af_ec2_copy_snapshot, copy_snapshot("us-east-1"), AF_CLASS_AMBIGUOUS, "InternalError");
  on(w, "Action=CopySnapshot", 200, "<CopySnapshotRes");
  expect_class(w, s, &af_ec2_copy_snapshot, copy_snapshot("us-east-1"), AF_CLASS_AMBIGUOUS, "MalformedReply");
  on_ec2_error(w, "Action=DescribeImages", 500, "InternalError", "x");
  expect_class(w, s, &af_ec2_describe_images, json_object(), AF_CLASS_TRANSIENT, "InternalError");
}

TEST(calls_are_counted_by_api) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  on_images(w);
  describe_ok(w, s);
  on_ec2_error(w, "Action=DescribeImages", 503, "RequestLimitExceeded", "slow down");
  expect_class(w, s, &af_ec2_describe_images, json_object(), AF_CLASS_THROTTLED, "RequestLimitExceeded");
  on_failure(w, "Action=CopySnapshot", AF_SENT_MAYBE);
  expect_class(w, s, &af_ec2_copy_snapshot, copy_snapshot("us-east-1"), AF_CLASS_AMBIGUOUS, "ReplyLost");
  const struct af_aws_counts *c;
  assert_int_equal(af_aws_counts(w->aws, &c), 2);
  assert_string_equal(c[0].label, "ec2:DescribeImages");
  assert_int_equal(c[0].sent, 2);
  assert_int_equal(c[0].failed, 1);
  assert_int_equal(c[0].throttled, 1);
  assert_string_equal(c[1].label, "ec2:CopySnapshot");
  assert_int_equal(c[1].failed, 1);
  assert_int_equal(c[1].throttled, 0);
}

TEST(answers_come_in_the_order_in_which_replies_come) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  on_images(w)->held = true;
  on_images(w);
  ask(w, s, &af_ec2_describe_images, "eu-west-1", json_object(), 1);
  ask(w, s, &af_ec2_describe_images, "eu-west-1", json_object(), 2);
  struct af_answer a = answer(w);
  assert_int_equal(a.tag, 2);
  af_answer_done(&a);
  assert_int_equal(af_aws_in_flight(w->aws), 1);
  release(w);
  a = answer(w);
  assert_int_equal(a.tag, 1);
  af_answer_done(&a);
}

TEST(a_client_that_is_freed_forgets_what_is_in_flight_and_what_was_not_taken) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  on_images(w)->held = true;
  ask(w, s, &af_ec2_describe_images, "eu-west-1", json_object(), 1);
  on_images(w);
  ask(w, s, &af_ec2_describe_images, "eu-west-1", json_object(), 2);
  af_aws_wait(w->aws, 0);
}

/* --- expired credentials --- */

#define ROLE "arn:aws:iam::111111111111:role/a"

static struct af_session *role(struct world *w) {
  write_file(w, "credentials", "[base]\naws_access_key_id=AKBASE\naws_secret_access_key=SECRET\n");
  return session(w, "base", ROLE, NULL);
}

TEST(a_call_refused_for_expired_credentials_is_sent_once_more_with_new_ones) {
  struct world *w = *state;
  struct af_session *s = role(w);
  on_role(w, "Action=AssumeRole", "AK1", 60 * MINUTE);
  on_ec2_error(w, "Action=CopySnapshot", 400, "ExpiredToken", "expired");
  on_role(w, "Action=AssumeRole", "AK2", 60 * MINUTE);
  on_snapshot(w);
  ask(w, s, &af_ec2_copy_snapshot, "eu-west-1", copy_snapshot("us-east-1"), 1);
  struct af_answer a = answer(w);
  assert_ok(a.rc, &a.error);
  assert_int_equal(w->n_sent, 4);
  assert_signed_by(w, "AK2");
  /* and so is the URL within it */
  char *url = presigned_url(last_sent(w)->body);
  assert_contains(url, "X-Amz-Credential=AK2%2F");
  free(url);
  af_answer_done(&a);
}

TEST(credentials_that_are_refused_again_are_given_up) {
  struct world *w = *state;
  struct af_session *s = role(w);
  on_role(w, "Action=AssumeRole", "AK1", 60 * MINUTE);
  on_ec2_error(w, "Action=DescribeImages", 400, "ExpiredToken", "one");
  on_role(w, "Action=AssumeRole", "AK2", 60 * MINUTE);
  on_ec2_error(w, "Action=DescribeImages", 400, "ExpiredToken", "two");
  expect_class(w, s, &af_ec2_describe_images, json_object(), AF_CLASS_AUTH, "ExpiredToken");
  assert_int_equal(w->n_sent, 4);
}

TEST(several_calls_refused_at_once_share_one_renewal) {
  struct world *w = *state;
  struct af_session *s = role(w);
  on_role(w, "Action=AssumeRole", "AK1", 60 * MINUTE);
  for (int i = 0; i < 3; i++)
    on_ec2_error(w, "Action=DescribeImages", 400, "RequestExpired", "expired");
  on_role(w, "Action=AssumeRole", "AK2", 60 * MINUTE);
  for (int i = 0; i < 3; i++) {
    on_images(w);
    ask(w, s, &af_ec2_describe_images, "eu-west-1", json_object(), 1);
  }
  for (int i = 0; i < 3; i++) {
    struct af_answer a = answer(w);
    assert_ok(a.rc, &a.error);
    af_answer_done(&a);
  }
  assert_int_equal(w->n_sent, 8);
}

TEST(a_refusal_of_old_credentials_does_not_spoil_new_ones) {
  struct world *w = *state;
  struct af_session *s = role(w);
  on_role(w, "Action=AssumeRole", "AK1", 60 * MINUTE);
  on_ec2_error(w, "Action=DescribeImages", 400, "ExpiredToken", "held")->held = true;
  ask(w, s, &af_ec2_describe_images, "eu-west-1", json_object(), 1);
  assert_false(has_answer(w));
  on_ec2_error(w, "Action=DescribeImages", 400, "ExpiredToken", "at once");
  on_role(w, "Action=AssumeRole", "AK2", 60 * MINUTE);
  on_images(w);
  describe_ok(w, s);
  on_images(w);
  release(w); /* the first call was signed with AK1 */
  struct af_answer a = answer(w);
  assert_ok(a.rc, &a.error);
  assert_int_equal(w->n_sent, 6); /* no third AssumeRole */
  assert_signed_by(w, "AK2");
  af_answer_done(&a);
}

TEST(a_renewal_that_fails_answers_the_call_that_wanted_it) {
  struct world *w = *state;
  struct af_session *s = role(w);
  on_role(w, "Action=AssumeRole", "AK1", 60 * MINUTE);
  on_ec2_error(w, "Action=DescribeImages", 400, "ExpiredToken", "expired");
  on_sts_error(w, "Action=AssumeRole", 403, "AccessDenied", "trust has gone");
  ask(w, s, &af_ec2_describe_images, "eu-west-1", json_object(), 1);
  struct af_answer a = answer(w);
  assert_string_equal(a.error.code, "AccessDenied");
  assert_string_equal(a.error.action, "sts:AssumeRole");
  assert_int_equal(a.error.class, AF_CLASS_AUTH);
  af_answer_done(&a);
}

TEST(keys_in_a_file_are_read_anew_when_aws_says_they_have_expired) {
  struct world *w = *state;
  write_file(w, "credentials", "[p]\naws_access_key_id=AKOLD\naws_secret_access_key=SECRET\naws_session_token=TOKEN\n");
  struct af_session *s = session(w, "p", NULL, NULL);
  on_images(w);
  describe_ok(w, s);
  write_file(w, "credentials", "[p]\naws_access_key_id=AKNEW\naws_secret_access_key=SECRET\naws_session_token=TOKEN\n");
  on_ec2_error(w, "Action=DescribeImages", 400, "ExpiredToken", "expired");
  on_images(w);
  describe_ok(w, s);
  assert_signed_by(w, "AKNEW");
}

TEST(keys_that_aws_does_not_know_are_looked_up_again_for_the_next_call) {
  static const char *const refusals[][2] = {{"AuthFailure", "AWS was not able to validate the provided access credentials"}, {"InvalidClientTokenId", "x"}};
  struct world *w = *state;
  struct af_session *s = NULL;
  for (size_t i = 0; i < COUNT(refusals); i++) {
    write_file(w, "credentials", "[p]\naws_access_key_id=AKTYPO\naws_secret_access_key=SECRET\n");
    s = session(w, "p", NULL, i ? "x" : NULL);
    on_ec2_error(w, "Action=DescribeImages", 401, refusals[i][0], refusals[i][1]);
    expect_class(w, s, &af_ec2_describe_images, json_object(), AF_CLASS_AUTH, refusals[i][0]);
    write_file(w, "credentials", "[p]\naws_access_key_id=AKRIGHT\naws_secret_access_key=SECRET\n");
    on_images(w);
    describe_ok(w, s);
    assert_signed_by(w, "AKRIGHT");
  }
  /* Whoever may not read an image has the right keys. */
  write_file(w, "credentials", "[p]\naws_access_key_id=AKOTHER\naws_secret_access_key=SECRET\n");
  on_ec2_error(w, "Action=DescribeImages", 403, "AuthFailure", "Not authorized for image:ami-1");
  expect_class(w, s, &af_ec2_describe_images, json_object(), AF_CLASS_AUTH, "AuthFailure");
  on_images(w);
  describe_ok(w, s);
  assert_signed_by(w, "AKRIGHT");
}

TEST(keys_that_s3_does_not_know_are_looked_up_again_for_the_next_call) {
  static const char *const codes[] = {"InvalidAccessKeyId", "InvalidToken"};
  struct world *w = *state;
  for (size_t i = 0; i < COUNT(codes); i++) {
    write_file(w, "credentials", "[p]\naws_access_key_id=AKTYPO\naws_secret_access_key=SECRET\n");
    struct af_session *s = session(w, "p", NULL, i ? "x" : NULL);
    on(w, "GET https://amis.s3", 403, "<Error><Code>%s</Code><Message>m</Message></Error>", codes[i]);
    expect_class(w, s, &af_s3_get_bucket_policy, json_pack("{s:s}", "Bucket", "amis"), AF_CLASS_AUTH, codes[i]);
    write_file(w, "credentials", "[p]\naws_access_key_id=AKRIGHT\naws_secret_access_key=SECRET\n");
    on_images(w);
    describe_ok(w, s);
    assert_signed_by(w, "AKRIGHT");
  }
}

TEST(a_server_fault_with_such_a_code_is_not_repeated) {
  struct world *w = *state;
  on_ec2_error(w, "Action=CopySnapshot", 500, "RequestExpired", "x");
  ask(w, keys(w), &af_ec2_copy_snapshot, "eu-west-1", copy_snapshot("us-east-1"), 1);
  struct af_answer a = answer(w);
  assert_int_equal(a.rc, -AF_EAWS);
  assert_int_equal(w->n_sent, 1);
  af_answer_done(&a);
}

/* --- the clock --- */

TEST(a_wrong_clock_is_corrected_by_awss_date_and_the_call_sent_once_more) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  on_ec2_error(w, "Action=DescribeImages", 403, "AuthFailure", "not able to validate")->date = "Mon, 23 Nov 2026 07:29:00 GMT"; /* we are an hour behind */
  on_images(w)->date = "Mon, 23 Nov 2026 07:29:00 GMT";
  describe_ok(w, s);
  assert_contains(w->sent[0].headers, "X-Amz-Date: 20261123T062900Z\n");
  assert_contains(w->sent[1].headers, "X-Amz-Date: 20261123T072900Z\n");
  assert_in_range(af_aws_skew_ms(w->aws), 3600000, 3601000);
  fflush(w->log.out);
  assert_contains(w->log_text, "clock is 1h00m behind AWS's");
  on_images(w);
  describe_ok(w, s);
  assert_contains(w->sent[2].headers, "X-Amz-Date: 20261123T072900Z\n");
}

/* The first refusal sets the clock right; the second is of a call that was signed before that. */
TEST(several_calls_signed_by_a_wrong_clock_are_all_sent_once_more) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  for (int i = 0; i < 2; i++) {
    struct scripted *refused = on_ec2_error(w, "Action=DescribeImages", 403, "RequestTimeTooSkewed", "x");
    refused->date = "Mon, 23 Nov 2026 07:29:00 GMT";
    refused->held = true;
  }
  on_images(w);
  on_images(w);
  ask(w, s, &af_ec2_describe_images, "eu-west-1", json_object(), 1);
  ask(w, s, &af_ec2_describe_images, "eu-west-1", json_object(), 2);
  release(w);
  for (int i = 0; i < 2; i++) {
    struct af_answer a = answer(w);
    assert_ok(a.rc, &a.error);
    af_answer_done(&a);
  }
  assert_int_equal(w->n_sent, 4);
}

TEST(a_clock_that_is_set_right_again_is_followed) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  on_ec2_error(w, "Action=DescribeImages", 403, "RequestTimeTooSkewed", "x")->date = "Mon, 23 Nov 2026 05:29:00 GMT"; /* we are an hour ahead */
  on_images(w);
  describe_ok(w, s);
  assert_contains(w->sent[1].headers, "X-Amz-Date: 20261123T052900Z\n");
  w->clock.now_ms -= 60 * MINUTE;
  on_ec2_error(w, "Action=DescribeImages", 403, "SignatureDoesNotMatch", "x")->date = "Mon, 23 Nov 2026 05:29:00 GMT";
  on_images(w);
  describe_ok(w, s);
  assert_contains(w->sent[3].headers, "X-Amz-Date: 20261123T052900Z\n");
}

TEST(with_a_right_clock_such_a_refusal_is_final) {
  static const char *const codes[] = {"AuthFailure", "SignatureDoesNotMatch", "InvalidSignatureException"};
  struct world *w = *state;
  struct af_session *s = keys(w);
  for (size_t i = 0; i < COUNT(codes); i++) {
    on_ec2_error(w, "Action=DescribeImages", 403, codes[i], "x")->date = i == 1 ? "" : "Mon, 23 Nov 2026 06:30:59 GMT";
    expect_class(w, s, &af_ec2_describe_images, json_object(), AF_CLASS_AUTH, codes[i]);
  }
  assert_int_equal(w->n_sent, 3);
}

TEST(a_clock_that_cannot_be_corrected_is_tried_once) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  on_ec2_error(w, "Action=DescribeImages", 403, "AuthFailure", "x")->date = "Mon, 23 Nov 2026 07:29:00 GMT";
  on_ec2_error(w, "Action=DescribeImages", 403, "AuthFailure", "x")->date = "Mon, 23 Nov 2026 09:29:00 GMT";
  expect_class(w, s, &af_ec2_describe_images, json_object(), AF_CLASS_AUTH, "AuthFailure");
  assert_int_equal(w->n_sent, 2);
}

TEST(request_expired_is_first_a_question_of_the_clock_and_then_of_the_credentials) {
  struct world *w = *state;
  struct af_session *s = role(w);
  on_role(w, "Action=AssumeRole", "AK1", 600 * MINUTE);
  on_ec2_error(w, "Action=DescribeImages", 400, "RequestExpired", "x")->date = "Mon, 23 Nov 2026 07:29:00 GMT";
  on_ec2_error(w, "Action=DescribeImages", 400, "RequestExpired", "x")->date = "Mon, 23 Nov 2026 07:29:00 GMT";
  on_role(w, "Action=AssumeRole", "AK2", 600 * MINUTE);
  on_images(w);
  describe_ok(w, s);
  assert_int_equal(w->n_sent, 5);
  assert_signed_by(w, "AK2");
}

TEST(a_session_corrects_the_clock_too) {
  struct world *w = *state;
  struct af_session *s = role(w);
  on_sts_error(w, "Action=AssumeRole", 403, "SignatureDoesNotMatch", "Signature expired")->date = "Mon, 23 Nov 2026 08:29:00 GMT";
  on_role(w, "Action=AssumeRole", "AK1", 180 * MINUTE);
  on_images(w);
  describe_ok(w, s);
  assert_contains(w->sent[1].headers, "X-Amz-Date: 20261123T082900Z\n");
  assert_signed_by(w, "AK1");
}

/* AWS takes signatures that are not too far from its time: nothing was refused. */
TEST(credentials_that_live_shorter_than_our_clock_is_ahead_are_used) {
  struct world *w = *state;
  struct af_session *s = role(w);
  w->clock.now_ms += 15 * MINUTE;
  on_role(w, "Action=AssumeRole", "AK1", 0)->date = "Mon, 23 Nov 2026 06:29:00 GMT";
  on_images(w);
  describe_ok(w, s);
  assert_int_equal(w->n_sent, 2);
}

TEST(credentials_expire_by_awss_clock) {
  struct world *w = *state;
  struct af_session *s = role(w);
  w->clock.now_ms += 180 * MINUTE; /* we are three hours ahead */
  on_sts_error(w, "Action=AssumeRole", 403, "SignatureDoesNotMatch", "x")->date = "Mon, 23 Nov 2026 06:29:00 GMT";
  on_role(w, "Action=AssumeRole", "AK1", -120 * MINUTE); /* an hour from now, by AWS's clock */
  for (int i = 0; i < 3; i++) {
    on_images(w);
    describe_ok(w, s);
  }
  assert_int_equal(w->n_sent, 5);
}

/* --- the rest --- */

TEST(endpoints_can_be_asked_for) {
  struct world *w = *state;
  struct af_buf b;
  struct af_error err;
  set_var(w, "AWS_ENDPOINT_URL_KMS", "https://kms.example");
  struct af_session *s = keys(w);
  af_buf_init(&b, 1000);
  assert_ok(af_aws_endpoint(w->aws, s, "ec2", "eu-west-1", &b, &err), &err);
  assert_string_equal(af_buf_cstr(&b), "https://ec2.eu-west-1.amazonaws.com/");
  af_buf_reset(&b);
  assert_ok(af_aws_endpoint(w->aws, s, "kms", "eu-west-1", &b, &err), &err);
  assert_string_equal(af_buf_cstr(&b), "https://kms.example/");
  assert_int_equal(af_aws_endpoint(w->aws, s, "ec2", "", &b, &err), -AF_EINVAL);
  af_buf_done(&b);
}

TEST(the_certificates_are_those_of_the_variable_or_the_profile) {
  struct world *w = *state;
  struct af_buf b;
  struct af_error err;
  af_buf_init(&b, 1000);
  assert_ok(af_aws_ca_bundle(&w->env, &b, &err), &err);
  assert_string_equal(af_buf_cstr(&b), "");
  write_file(w, "config", "[default]\nca_bundle=/etc/mine.pem\n");
  assert_ok(af_aws_ca_bundle(&w->env, &b, &err), &err);
  assert_string_equal(af_buf_cstr(&b), "/etc/mine.pem");
  af_buf_reset(&b);
  set_var(w, "AWS_CA_BUNDLE", "/etc/other.pem");
  assert_ok(af_aws_ca_bundle(&w->env, &b, &err), &err);
  assert_string_equal(af_buf_cstr(&b), "/etc/other.pem");
  af_buf_done(&b);
}

TEST(neither_bodies_nor_signatures_are_logged) {
  struct world *w = *state;
  struct af_session *s = keys(w);
  on_ec2_error(w, "Action=CopySnapshot", 403, "AuthFailure", "x")->date = "Mon, 23 Nov 2026 07:29:00 GMT";
  on_snapshot(w);
  ask(w, s, &af_ec2_copy_snapshot, "eu-west-1", copy_snapshot("us-east-1"), 1);
  struct af_answer a = answer(w);
  af_answer_done(&a);
  fflush(w->log.out);
  assert_true(w->log_size > 0);
  assert_lacks(w->log_text, "snap-1");
  assert_lacks(w->log_text, "Signature");
  assert_lacks(w->log_text, "Authorization");
  assert_lacks(w->log_text, "SECRET");
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
  const struct CMUnitTest tests[] = {
      CASE(each_protocol_goes_to_its_endpoint_with_its_headers),
      CASE(what_was_signed_is_what_was_sent),
      CASE(a_mutating_call_that_must_not_be_repeated_has_a_connection_of_its_own),
      CASE(an_input_or_a_region_that_is_wrong_is_told_at_once),
      CASE(calls_to_s3_go_out_as_botocore_sends_them),
      CASE(a_bucket_that_lies_elsewhere_is_said_with_its_region),
      CASE(a_path_that_is_too_long_is_no_crash),
      CASE(copy_snapshot_carries_itself_presigned_for_the_source_region),
      CASE(the_presigned_urls_signature_is_that_of_its_own_query),
      CASE(the_source_endpoint_is_resolved_and_not_guessed_from_the_target_url),
      CASE(a_source_region_that_is_none_is_told_at_once),
      CASE(the_callers_input_stays_as_it_was),
      CASE(an_error_says_where_it_comes_from),
      CASE(a_lost_reply_is_ambiguous_for_what_changes_things_and_transient_for_reads),
      CASE(what_was_never_sent_is_transient_for_all),
      CASE(a_host_that_there_is_none_of_may_be_that_of_a_misspelt_region),
      CASE(a_server_fault_and_an_unreadable_yes_are_ambiguous_for_what_changes_things),
      CASE(calls_are_counted_by_api),
      CASE(answers_come_in_the_order_in_which_replies_come),
      CASE(a_client_that_is_freed_forgets_what_is_in_flight_and_what_was_not_taken),
      CASE(a_call_refused_for_expired_credentials_is_sent_once_more_with_new_ones),
      CASE(credentials_that_are_refused_again_are_given_up),
      CASE(several_calls_refused_at_once_share_one_renewal),
      CASE(a_refusal_of_old_credentials_does_not_spoil_new_ones),
      CASE(a_renewal_that_fails_answers_the_call_that_wanted_it),
      CASE(keys_in_a_file_are_read_anew_when_aws_says_they_have_expired),
      CASE(keys_that_aws_does_not_know_are_looked_up_again_for_the_next_call),
      CASE(keys_that_s3_does_not_know_are_looked_up_again_for_the_next_call),
      CASE(a_server_fault_with_such_a_code_is_not_repeated),
      CASE(a_wrong_clock_is_corrected_by_awss_date_and_the_call_sent_once_more),
      CASE(several_calls_signed_by_a_wrong_clock_are_all_sent_once_more),
      CASE(a_clock_that_is_set_right_again_is_followed),
      CASE(with_a_right_clock_such_a_refusal_is_final),
      CASE(a_clock_that_cannot_be_corrected_is_tried_once),
      CASE(request_expired_is_first_a_question_of_the_clock_and_then_of_the_credentials),
      CASE(a_session_corrects_the_clock_too),
      CASE(credentials_that_live_shorter_than_our_clock_is_ahead_are_used),
      CASE(credentials_expire_by_awss_clock),
      CASE(endpoints_can_be_asked_for),
      CASE(the_certificates_are_those_of_the_variable_or_the_profile),
      CASE(neither_bodies_nor_signatures_are_logged),
  };
  return cmocka_run_group_tests_name("engine/aws/client", tests, NULL, NULL);
}
