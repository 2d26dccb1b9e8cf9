/* cloudsim's S3: signatures and their refusals, Regions, reading, bucket policies, access control lists, faults. */
#include "tests/unit/cloudsim_s3.h"

static void small(struct world *w) {
  world_init(w, WORLD("", NARROW_S3, BUCKETS("")));
}

/* ---- signatures ---- */

TEST(what_is_wrong_with_a_signature_is_said_in_s3s_words) {
  struct world w;
  const struct login nobody = {"AKIAFAKENOBODY000001", "x", NULL}, wrong = {source_admin.key, "another secret", NULL};
  const struct login token = {source_admin.key, source_admin.secret, "FakeToken"};
  const char *other = "0000000000000000000000000000000000000000000000000000000000000000";
  const struct {
    struct s3_sending s;
    int status;
    const char *code, *says;
  } cases[] = {
      {{.who = NULL}, 403, "AccessDenied", "Access Denied"},
      {{.who = &nobody}, 403, "InvalidAccessKeyId", "<AWSAccessKeyId>AKIAFAKENOBODY000001</AWSAccessKeyId>"},
      {{.who = &wrong}, 403, "SignatureDoesNotMatch", "<SignatureProvided>"},
      {{.who = &token}, 400, "InvalidToken", "malformed or otherwise invalid"},
      {{.who = &source_admin, .scope_service = "ec2"}, 400, "AuthorizationHeaderMalformed", "belongs to &quot;s3&quot;"},
      {{.who = &source_admin, .scope_day = "20200101"}, 400, "AuthorizationHeaderMalformed", "Date in Credential scope"},
      {{.who = &source_admin, .region = "mars-north-1"}, 400, "AuthorizationHeaderMalformed", "<Region>us-east-1</Region>"},
      {{.who = &source_admin, .date_off_ms = -16 * 60000}, 403, "RequestTimeTooSkewed", "<MaxAllowedSkewMilliseconds>900000<"},
      {{.who = &source_admin, .date_off_ms = 16 * 60000}, 403, "RequestTimeTooSkewed", "<ServerTime>"},
      {{.who = &source_admin, .payload = ""}, 400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"},
      {{.who = &source_admin, .payload = "nonsense"}, 400, "InvalidArgument", "x-amz-content-sha256 must be"},
      {{.who = &source_admin, .payload = other}, 400, "XAmzContentSHA256Mismatch", "does not match what was computed"},
      {{.who = &source_admin, .loose = {{"x-amz-acl", "private"}}}, 403, "AccessDenied", "headers present in the request which were not signed"},
  };
  small(&w);
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct s3_sending s = cases[i].s;
    s.path = "/golden-amis";
    s.query = "location=";
    assert_refused(&w, send_s3(&w, &s), cases[i].status, cases[i].code);
    assert_contains(s3_body(&w), cases[i].says);
  }
  world_done(&w);
}

TEST(an_unsigned_payload_is_taken_and_a_signature_inside_of_fifteen_minutes) {
  struct world w;
  small(&w);
  struct s3_sending s = {.who = &source_admin, .path = "/golden-amis", .query = "location=", .payload = "UNSIGNED-PAYLOAD"};
  assert_done(&w, send_s3(&w, &s));
  s.date_off_ms = -14 * 60000;
  assert_done(&w, send_s3(&w, &s));
  world_done(&w);
}

TEST(a_path_is_signed_as_encoded_once_and_never_normalised) {
  struct world w;
  small(&w);
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis/a%20b%2Bc.txt", NULL));
  assert_string_equal(s3_body(&w), "with a blank");
  struct s3_sending twice = {.who = &source_admin, .path = "/golden-amis/a%20b%2Bc.txt", .signed_path = "/golden-amis/a%2520b%252Bc.txt"};
  assert_refused(&w, send_s3(&w, &twice), 403, "SignatureDoesNotMatch");
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis/x/../windows/one", NULL), 404, "NoSuchKey");
  assert_contains(s3_body(&w), "<Key>x/../windows/one</Key>");
  world_done(&w);
}

TEST(a_session_signs_with_its_token_and_no_longer_than_it_lives) {
  struct world w;
  world_init(&w, WORLD("sts: {session_seconds: 60}\n", NARROW_S3, BUCKETS("")));
  assert_done(&w, sts(&w, &source_admin, "AssumeRole", "RoleArn=arn:aws:iam::" SOURCE ":role/ferry&RoleSessionName=ss"));
  struct login session = login_of(&w), bare = {session.key, session.secret, NULL};
  assert_done(&w, s3(&w, &session, "GET /golden-amis?location=", NULL));
  assert_refused(&w, s3(&w, &bare, "GET /golden-amis?location=", NULL), 403, "InvalidAccessKeyId");
  w.now_ms += 61000;
  assert_refused(&w, s3(&w, &session, "GET /golden-amis?location=", NULL), 400, "ExpiredToken");
  world_done(&w);
}

/* A presigned GET of a path. */
static int presigned(struct world *w, const char *path, int64_t signed_ms, const char *more) {
  char date[AF_TIME_SIZE], scope[128], query[2048], whole[2200], canonical[4096], signature[65];
  af_time_basic(signed_ms, date);
  snprintf(scope, sizeof scope, "%.8s/us-east-1/s3/aws4_request", date);
  snprintf(query, sizeof query,
           "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%s%%2F%.8s%%2Fus-east-1%%2Fs3%%2Faws4_request&X-Amz-Date=%s&"
           "X-Amz-Expires=600&X-Amz-SignedHeaders=host%s",
           source_admin.key, date, date, more);
  snprintf(canonical, sizeof canonical, "GET\n%s\n%s\nhost:127.0.0.1:1\n\nhost\nUNSIGNED-PAYLOAD", path, query);
  sign(&(struct sending){.who = &source_admin, .service = "s3", .region = "us-east-1"}, date, canonical, scope, signature);
  snprintf(whole, sizeof whole, "%s&X-Amz-Signature=%s", query, signature);
  const struct s3_header host = {"host", "127.0.0.1:1"};
  return hand_over(w, &(struct s3_sending){.path = path, .query = whole}, &host, 1);
}

TEST(a_presigned_url_opens_an_object_until_it_expires) {
  struct world w;
  small(&w);
  const char *path = "/golden-amis/linux/image.manifest.xml";
  assert_done(&w, presigned(&w, path, w.now_ms, ""));
  assert_string_equal(s3_body(&w), "<manifest>linux</manifest>");
  assert_refused(&w, presigned(&w, path, w.now_ms - 601 * 1000, ""), 403, "AccessDenied");
  assert_contains(w.message, "Request has expired");
  assert_refused(&w, presigned(&w, path, w.now_ms + 16 * 60000, ""), 403, "AccessDenied");
  assert_contains(w.message, "not yet valid");
  const struct s3_header host = {"host", "127.0.0.1:1"};
  assert_refused(&w, hand_over(&w, &(struct s3_sending){.path = path, .query = "X-Amz-Algorithm=AWS4-HMAC-SHA256"}, &host, 1), 400,
                 "AuthorizationQueryParametersError");
  world_done(&w);
}

/* ---- places ---- */

TEST(a_bucket_answers_in_its_own_region_and_us_east_1_knows_where_each_lies) {
  struct world w;
  world_init(&w, WORLD("", NARROW_S3, BUCKETS("") "    eu-west-1: {buckets: [{name: far-amis}]}\n"));
  assert_done(&w, s3_in(&w, &source_admin, "eu-west-1", "HEAD /far-amis", NULL));
  assert_contains(s3_headers(&w), "x-amz-bucket-region: eu-west-1");
  assert_done(&w, s3(&w, &source_admin, "GET /far-amis?location=", NULL));
  assert_string_equal(element(&w, "LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""), "eu-west-1");
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis?location=", NULL));
  assert_contains(s3_body(&w), "/\"></LocationConstraint>");
  assert_int_equal(s3(&w, &source_admin, "GET /far-amis?policy=", NULL), 301);
  assert_string_equal(element(&w, "Code"), "PermanentRedirect");
  assert_string_equal(element(&w, "Endpoint"), "far-amis.s3.eu-west-1.amazonaws.com");
  assert_contains(s3_headers(&w), "x-amz-bucket-region: eu-west-1");
  assert_int_equal(s3(&w, &source_admin, "HEAD /far-amis", NULL), 301);
  assert_string_equal(s3_body(&w), "");
  world_done(&w);
}

TEST(a_host_names_bucket_and_region) {
  struct world w;
  small(&w);
  struct s3_sending s = {.who = &source_admin, .path = "/windows/one", .host = "golden-amis.s3.us-east-1.amazonaws.com"};
  assert_done(&w, send_s3(&w, &s));
  s.host = "golden-amis.s3.amazonaws.com";
  assert_done(&w, send_s3(&w, &s));
  s = (struct s3_sending){.who = &source_admin, .path = "/golden-amis/windows/one", .host = "s3.us-east-1.amazonaws.com"};
  assert_done(&w, send_s3(&w, &s));
  s.host = "s3.eu-west-1.amazonaws.com";
  assert_refused(&w, send_s3(&w, &s), 400, "AuthorizationHeaderMalformed");
  assert_string_equal(element(&w, "Region"), "eu-west-1");
  world_done(&w);
}

TEST(what_is_not_there_and_what_is_not_known_is_told_apart) {
  struct world w;
  small(&w);
  assert_refused(&w, s3(&w, &source_admin, "GET /no-such-bucket?policy=", NULL), 404, "NoSuchBucket");
  assert_string_equal(element(&w, "BucketName"), "no-such-bucket");
  assert_int_equal(strlen(element(&w, "RequestId")), 16);
  assert_contains(s3_headers(&w), element(&w, "RequestId"));
  assert_int_equal(strlen(element(&w, "HostId")), 64);
  assert_contains(s3_headers(&w), element(&w, "HostId"));
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis/nothing", NULL), 404, "NoSuchKey");
  assert_refused(&w, s3(&w, &target_admin, "GET /golden-amis/nothing", NULL), 403, "AccessDenied");
  assert_int_equal(s3(&w, &source_admin, "HEAD /golden-amis/nothing", NULL), 404);
  assert_string_equal(s3_body(&w), "");
  assert_refused(&w, s3(&w, &source_admin, "PUT /golden-amis?location=", ""), 405, "MethodNotAllowed");
  assert_refused(&w, s3(&w, &source_admin, "PATCH /golden-amis", ""), 405, "MethodNotAllowed");
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis?tagging=", NULL), 501, "NotImplemented");
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis/%ff", NULL), 400, "InvalidURI");
  world_done(&w);
}

TEST(the_owner_that_a_caller_expects_must_own_the_bucket) {
  struct world w;
  small(&w);
  struct s3_sending s = {.who = &source_admin, .path = "/golden-amis", .query = "location=",
                         .more = {{"x-amz-expected-bucket-owner", SOURCE}}};
  assert_done(&w, send_s3(&w, &s));
  s.more[0].value = TARGET;
  assert_refused(&w, send_s3(&w, &s), 403, "AccessDenied");
  world_done(&w);
}

/* ---- reading ---- */

TEST(objects_are_read_whole_and_in_part) {
  struct world w;
  small(&w);
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis/linux/image.part.00", NULL));
  assert_int_equal(w.reply.body.len, 1048576);
  assert_contains(s3_headers(&w), "ETag: \"");
  assert_done(&w, s3(&w, &source_admin, "HEAD /golden-amis/linux/image.part.00", NULL));
  assert_int_equal(w.reply.body.len, 1048576); /* whose length the server sends */
  const struct {
    const char *range, *body;
    int status;
  } cases[] = {{"bytes=0-3", "<man", 206}, {"bytes=-3", "st>", 206}, {"bytes=23-", "st>", 206}, {"bytes=23-99", "st>", 206},
               {"lines=1-2", "<manifest>linux</manifest>", 200}, {"bytes=9-3", NULL, 416}, {"bytes=26-", NULL, 416}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct s3_sending s = {.who = &source_admin, .path = "/golden-amis/linux/image.manifest.xml", .more = {{"range", cases[i].range}}};
    assert_int_equal(send_s3(&w, &s), cases[i].status);
    if (cases[i].body)
      assert_string_equal(s3_body(&w), cases[i].body);
  }
  world_done(&w);
}

TEST(keys_are_listed_in_order_by_prefix_and_page_by_page) {
  struct world w;
  char what[300];
  small(&w);
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis?list-type=2", NULL));
  assert_string_equal(element(&w, "KeyCount"), "5");
  assert_string_equal(element(&w, "IsTruncated"), "false");
  assert_string_equal(element(&w, "Key"), "a b+c.txt");
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis?encoding-type=url&list-type=2&max-keys=1", NULL));
  assert_string_equal(element(&w, "Key"), "a%20b%2Bc.txt");
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis?list-type=2&max-keys=2&prefix=linux%2F", NULL));
  assert_string_equal(element(&w, "KeyCount"), "2");
  assert_string_equal(element(&w, "IsTruncated"), "true");
  snprintf(what, sizeof what, "GET /golden-amis?continuation-token=%s&list-type=2&max-keys=2&prefix=linux%%2F",
           element(&w, "NextContinuationToken"));
  assert_done(&w, s3(&w, &source_admin, what, NULL));
  assert_string_equal(element(&w, "Key"), "linux/image.part.01");
  assert_string_equal(element(&w, "Size"), "10");
  assert_string_equal(element(&w, "IsTruncated"), "false");
  assert_lacks(s3_body(&w), "windows");
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis?list-type=2&start-after=linux%2Fimage.part.00", NULL));
  assert_string_equal(element(&w, "KeyCount"), "2");
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis?list-type=2&max-keys=0", NULL));
  assert_string_equal(element(&w, "KeyCount"), "0");
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis?list-type=2&max-keys=many", NULL), 400, "InvalidArgument");
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis?continuation-token=x&list-type=2", NULL), 400, "InvalidArgument");
  world_done(&w);
}

TEST(a_delimiter_folds_keys_into_prefixes_each_shown_once) {
  struct world w;
  char what[300];
  small(&w);
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis?delimiter=%2F&list-type=2", NULL));
  assert_string_equal(element(&w, "KeyCount"), "3");
  assert_contains(s3_body(&w), "<CommonPrefixes><Prefix>linux/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>windows/</Prefix>");
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis?delimiter=%2F&list-type=2&max-keys=2", NULL));
  assert_contains(s3_body(&w), "<Prefix>linux/</Prefix>");
  snprintf(what, sizeof what, "GET /golden-amis?continuation-token=%s&delimiter=%%2F&list-type=2", element(&w, "NextContinuationToken"));
  assert_done(&w, s3(&w, &source_admin, what, NULL));
  assert_lacks(s3_body(&w), "<Prefix>linux/</Prefix>");
  assert_contains(s3_body(&w), "<Prefix>windows/</Prefix>");
  world_done(&w);
}

TEST(ownership_is_told_where_it_was_ever_set) {
  struct world w;
  small(&w);
  assert_done(&w, s3(&w, &source_admin, "GET /sealed-amis?ownershipControls=", NULL));
  assert_string_equal(element(&w, "ObjectOwnership"), "BucketOwnerEnforced");
  assert_refused(&w, s3(&w, &source_admin, "GET /open-amis?ownershipControls=", NULL), 404, "OwnershipControlsNotFoundError");
  world_done(&w);
}

/* ---- bucket policies ---- */

TEST(a_policy_is_put_read_and_deleted) {
  struct world w;
  small(&w);
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis?policy=", NULL), 404, "NoSuchBucketPolicy");
  assert_string_equal(element(&w, "BucketName"), "golden-amis");
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis",
                               POLICY(STATEMENT("{'AWS':'" TARGET "'}", "['s3:GetObject']", "'" GOLDEN "/*'"))), 204);
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis?policy=", NULL));
  assert_contains(s3_body(&w), "\"Action\":[\"s3:GetObject\"]");
  assert_contains(s3_body(&w), "\"AWS\":\"arn:aws:iam::" TARGET ":root\""); /* as S3 keeps an account */
  assert_status(&w, s3(&w, &source_admin, "DELETE /golden-amis?policy=", NULL), 204);
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis?policy=", NULL), 404, "NoSuchBucketPolicy");
  assert_status(&w, s3(&w, &source_admin, "DELETE /golden-amis?policy=", NULL), 204);
  world_done(&w);
}

TEST(what_is_no_policy_of_this_bucket_is_malformed) {
  static const struct {
    const char *text, *says;
  } cases[] = {
      {"", "valid JSON"},
      {"[]", "valid JSON"},
      {"{'Statement':[]}", "Missing required field Statement"},
      {POLICY("{'Effect':'Allow','Action':'s3:*','Resource':'" GOLDEN "'}"), "Missing required field Principal"},
      {POLICY("{'Effect':'Allow','Principal':'*','Action':'s3:*'}"), "Missing required field Resource"},
      {POLICY("{'Principal':'*','Action':'s3:*','Resource':'" GOLDEN "'}"), "Missing required field Effect"},
      {POLICY("{'Effect':'Allow','Principal':'*','Resource':'" GOLDEN "'}"), "Missing required field Action"},
      {POLICY(STATEMENT("{'AWS':'999999999999'}", "'s3:GetObject'", "'" GOLDEN "/*'")), "Invalid principal in policy"},
      {POLICY(STATEMENT("{'AWS':'arn:aws:iam::" TARGET ":role/nobody'}", "'s3:GetObject'", "'" GOLDEN "/*'")), "Invalid principal"},
      {POLICY(STATEMENT("{'AWS':'admin'}", "'s3:GetObject'", "'" GOLDEN "/*'")), "Invalid principal"},
      {POLICY(STATEMENT(ROOT_OF(TARGET), "'s3:GetObject'", "'arn:aws:s3:::another/*'")), "Policy has invalid resource"},
      {POLICY(STATEMENT(ROOT_OF(TARGET), "'s3:GetObject'", "'" GOLDEN "-too/*'")), "Policy has invalid resource"},
      {POLICY(STATEMENT(ROOT_OF(TARGET), "'s3:GetObject'", "'*'")), "Policy has invalid resource"},
      {POLICY(STATEMENT(ROOT_OF(TARGET), "'ec2:CopyImage'", "'" GOLDEN "/*'")), "Policy has invalid action"},
      {POLICY(STATEMENT(ROOT_OF(TARGET), "'s3:GetObject'", "'" GOLDEN "'")), "does not apply to any resource"},
      {POLICY(STATEMENT(ROOT_OF(TARGET), "'s3:ListBucket'", "'" GOLDEN "/*'")), "does not apply to any resource"},
      {POLICY("{'Sid':'a','Effect':'Allow','Principal':'*','Action':'s3:*','Resource':'" GOLDEN "'},"
              "{'Sid':'a','Effect':'Deny','Principal':'*','Action':'s3:*','Resource':'" GOLDEN "'}"), "must be unique"},
  };
  struct world w;
  small(&w);
  for (size_t i = 0; i < COUNT(cases); i++) {
    assert_refused(&w, put_policy(&w, &source_admin, "golden-amis", cases[i].text), 400, "MalformedPolicy");
    assert_contains(w.message, cases[i].says);
  }
  static char big[25000];
  memset(big, ' ', sizeof big - 1);
  assert_refused(&w, put_policy(&w, &source_admin, "golden-amis", big), 400, "PolicyTooLarge");
  struct s3_sending s = {.who = &source_admin, .method = "PUT", .path = "/golden-amis", .query = "policy=", .body = "{}",
                         .more = {{"content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="}}};
  assert_refused(&w, send_s3(&w, &s), 400, "BadDigest");
  s.more[0].value = "short";
  assert_refused(&w, send_s3(&w, &s), 400, "InvalidDigest");
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis?policy=", NULL), 404, "NoSuchBucketPolicy");
  world_done(&w);
}

TEST(a_public_policy_is_refused_unless_the_bucket_lets_it) {
  static const char pinned[] = POLICY("{'Effect':'Allow','Principal':'*','Action':'s3:GetObject','Resource':'" GOLDEN "/*',"
                                      "'Condition':{'StringEquals':{'aws:PrincipalAccount':'" TARGET "'}}}");
  struct world w;
  small(&w);
  assert_refused(&w, put_policy(&w, &source_admin, "golden-amis", POLICY(STATEMENT("'*'", "'s3:GetObject'", "'" GOLDEN "/*'"))), 403,
                 "AccessDenied");
  assert_refused(&w, put_policy(&w, &source_admin, "golden-amis", POLICY(STATEMENT("{'AWS':['*']}", "'s3:GetObject'", "'" GOLDEN "/*'"))),
                 403, "AccessDenied");
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis", pinned), 204);
  assert_done(&w, s3(&w, &target_admin, "GET /golden-amis/windows/one", NULL));
  assert_status(&w, put_policy(&w, &source_admin, "open-amis", POLICY(STATEMENT("'*'", "'s3:GetObject'", "'arn:aws:s3:::open-amis/*'"))), 204);
  world_done(&w);
}

TEST(another_account_needs_both_the_bucket_policy_and_its_own) {
  struct world w;
  small(&w);
  assert_refused(&w, s3(&w, &target_admin, "GET /golden-amis/windows/one", NULL), 403, "AccessDenied");
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis", TARGET_READS), 204);
  assert_done(&w, s3(&w, &target_admin, "GET /golden-amis/windows/one", NULL));
  assert_done(&w, s3(&w, &target_root, "GET /golden-amis/windows/one", NULL));
  assert_refused(&w, s3(&w, &target_admin, "GET /golden-amis/nothing", NULL), 403, "AccessDenied"); /* who may not list is not told */
  assert_refused(&w, s3(&w, &target_narrow, "GET /golden-amis/windows/one", NULL), 403, "AccessDenied");
  assert_refused(&w, s3(&w, &target_admin, "GET /golden-amis?list-type=2", NULL), 403, "AccessDenied");
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis",
                               POLICY("{'Effect':'Allow','Principal':{'AWS':'arn:aws:iam::" TARGET
                                      ":user/narrow'},'Action':'s3:ListBucket','Resource':'" GOLDEN
                                      "','Condition':{'StringLike':{'s3:prefix':'linux/*'}}}")), 204);
  assert_done(&w, s3(&w, &target_narrow, "GET /golden-amis?list-type=2&prefix=linux%2F", NULL));
  assert_refused(&w, s3(&w, &target_narrow, "GET /golden-amis?list-type=2&prefix=windows%2F", NULL), 403, "AccessDenied");
  assert_refused(&w, s3(&w, &target_admin, "GET /golden-amis?list-type=2&prefix=linux%2F", NULL), 403, "AccessDenied");
  world_done(&w);
}

TEST(a_deny_beats_the_owner_and_his_root_user_alone_gets_out) {
  struct world w;
  world_init(&w, "version: 1\nregions: [us-east-1]\naccounts:\n- id: '" SOURCE "'\n"
                 "  access_keys: [{id: AKIAFAKETARGETROOT01, secret: fake/secret/of/the/target/root}]\n"
                 "  users: [{name: admin, access_keys: [{id: AKIAFAKESOURCEADMIN1, secret: fake/secret/of/the/source/admin}]}]\n"
                 "  regions: {us-east-1: {buckets: [{name: golden-amis, objects: [{key: one, size: 1}]}]}}\n");
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis",
                               POLICY("{'Effect':'Deny','Principal':'*','Action':'s3:*','Resource':['" GOLDEN "','" GOLDEN "/*']}")), 204);
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis/one", NULL), 403, "AccessDenied");
  assert_refused(&w, s3(&w, &source_admin, "DELETE /golden-amis?policy=", NULL), 403, "AccessDenied");
  assert_contains(w.message, "user/admin is not authorized to perform: s3:DeleteBucketPolicy on resource: ");
  assert_refused(&w, s3(&w, &target_root, "GET /golden-amis/one", NULL), 403, "AccessDenied");
  assert_status(&w, s3(&w, &target_root, "DELETE /golden-amis?policy=", NULL), 204);
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis/one", NULL));
  world_done(&w);
}

TEST(a_policy_belongs_to_the_owners_account_whoever_may_touch_it) {
  struct world w;
  small(&w);
  assert_refused(&w, s3(&w, &target_admin, "GET /golden-amis?policy=", NULL), 403, "AccessDenied");
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis", POLICY(STATEMENT(ROOT_OF(TARGET), "'s3:*'", "'" GOLDEN "'"))), 204);
  assert_refused(&w, s3(&w, &target_admin, "GET /golden-amis?policy=", NULL), 405, "MethodNotAllowed");
  assert_refused(&w, s3(&w, &target_admin, "DELETE /golden-amis?policy=", NULL), 405, "MethodNotAllowed");
  world_done(&w);
}

TEST(a_policy_takes_effect_late_and_is_read_late) {
  struct world w;
  world_init(&w, WORLD("latencies: {grant_propagation: 5, read_lag: 2}\n", NARROW_S3, BUCKETS("")));
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis", TARGET_READS), 204);
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis?policy=", NULL), 404, "NoSuchBucketPolicy");
  w.now_ms += 2000;
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis?policy=", NULL));
  assert_refused(&w, s3(&w, &target_admin, "GET /golden-amis/windows/one", NULL), 403, "AccessDenied");
  assert_int_equal(cs_sim_next_ms(w.sim, w.now_ms), w.now_ms + 3000);
  w.now_ms += 3000;
  assert_done(&w, s3(&w, &target_admin, "GET /golden-amis/windows/one", NULL));
  assert_status(&w, s3(&w, &source_admin, "DELETE /golden-amis?policy=", NULL), 204);
  assert_done(&w, s3(&w, &target_admin, "GET /golden-amis/windows/one", NULL));
  w.now_ms += 5000;
  assert_refused(&w, s3(&w, &target_admin, "GET /golden-amis/windows/one", NULL), 403, "AccessDenied");
  world_done(&w);
}

/* ---- access control lists ---- */

static int put_acl(struct world *w, const char *path, const char *header, const char *value, const char *body) {
  struct s3_sending s = {.who = &source_admin, .method = "PUT", .path = path, .query = "acl=", .body = body, .more = {{header, value}}};
  return send_s3(w, &s);
}

TEST(a_list_lets_another_account_read_an_object_or_list_the_bucket) {
  struct world w;
  char id[65], value[100];
  small(&w);
  cs_s3_canonical_id(TARGET, id);
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis?acl=", NULL));
  assert_string_equal(element(&w, "Permission"), "FULL_CONTROL");
  assert_lacks(s3_body(&w), id);
  snprintf(value, sizeof value, "id=\"%s\"", id);
  assert_done(&w, put_acl(&w, "/golden-amis/windows/one", "x-amz-grant-read", value, NULL));
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis/windows/one?acl=", NULL));
  assert_string_equal(element(&w, "Permission"), "READ"); /* the header's grants are the whole list */
  assert_done(&w, s3(&w, &target_admin, "GET /golden-amis/windows/one", NULL));
  assert_refused(&w, s3(&w, &target_narrow, "GET /golden-amis/windows/one", NULL), 403, "AccessDenied");
  assert_refused(&w, s3(&w, &target_admin, "GET /golden-amis/linux/image.part.01", NULL), 403, "AccessDenied");
  assert_done(&w, put_acl(&w, "/golden-amis", "x-amz-grant-read", value, NULL));
  assert_done(&w, s3(&w, &target_admin, "GET /golden-amis?list-type=2", NULL));
  assert_refused(&w, s3(&w, &target_admin, "GET /golden-amis?acl=", NULL), 403, "AccessDenied");
  assert_done(&w, put_acl(&w, "/golden-amis", "x-amz-acl", "private", NULL));
  assert_refused(&w, s3(&w, &target_admin, "GET /golden-amis?list-type=2", NULL), 403, "AccessDenied");
  world_done(&w);
}

TEST(a_list_is_put_as_xml_and_reads_as_it_was_put) {
  struct world w;
  char source[65], target[65], body[2000];
  small(&w);
  cs_s3_canonical_id(SOURCE, source);
  cs_s3_canonical_id(TARGET, target);
  snprintf(body, sizeof body,
           "<AccessControlPolicy xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner><ID>%s</ID></Owner><AccessControlList>"
           "<Grant><Grantee><ID>%s</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>"
           "<Grant><Grantee><ID>%s</ID></Grantee><Permission>READ_ACP</Permission></Grant></AccessControlList></AccessControlPolicy>",
           source, source, target);
  assert_done(&w, s3(&w, &source_admin, "PUT /golden-amis?acl=", body));
  assert_done(&w, s3(&w, &target_admin, "GET /golden-amis?acl=", NULL));
  assert_contains(s3_body(&w), "<Permission>READ_ACP</Permission>");
  assert_contains(s3_body(&w), target);
  for (char *p = strstr(body, "READ_ACP"); p; p = NULL)
    memcpy(p, "READ_ALL", 8);
  assert_refused(&w, s3(&w, &source_admin, "PUT /golden-amis?acl=", body), 400, "MalformedACLError");
  assert_refused(&w, s3(&w, &source_admin, "PUT /golden-amis?acl=", "<Other/>"), 400, "MalformedACLError");
  memcpy(strstr(body, "READ_ALL"), "READ_ACP", 8);
  memset(strstr(body, target), '0', 64);
  assert_refused(&w, s3(&w, &source_admin, "PUT /golden-amis?acl=", body), 400, "InvalidArgument");
  world_done(&w);
}

TEST(lists_that_make_no_sense_or_are_public_or_switched_off_are_refused) {
  struct world w;
  small(&w);
  assert_refused(&w, put_acl(&w, "/golden-amis", "x-amz-acl", "public-read", NULL), 403, "AccessDenied");
  assert_done(&w, put_acl(&w, "/open-amis", "x-amz-acl", "public-read", NULL));
  assert_done(&w, s3(&w, &target_admin, "GET /open-amis?list-type=2", NULL));
  assert_refused(&w, put_acl(&w, "/golden-amis", "x-amz-acl", "wide-open", NULL), 400, "InvalidArgument");
  assert_refused(&w, put_acl(&w, "/golden-amis", "x-amz-acl", "bucket-owner-read", NULL), 400, "InvalidArgument");
  assert_done(&w, put_acl(&w, "/golden-amis/windows/one", "x-amz-acl", "aws-exec-read", NULL));
  assert_refused(&w, put_acl(&w, "/golden-amis", "x-amz-grant-read", "id=nobody", NULL), 400, "InvalidArgument");
  assert_refused(&w, put_acl(&w, "/golden-amis", "x-amz-grant-read", "nonsense", NULL), 400, "InvalidArgument");
  assert_refused(&w, s3(&w, &source_admin, "PUT /golden-amis?acl=", NULL), 400, "MissingSecurityHeader");
  assert_refused(&w, put_acl(&w, "/sealed-amis", "x-amz-acl", "private", NULL), 400, "AccessControlListNotSupported");
  assert_done(&w, s3(&w, &source_admin, "GET /sealed-amis/image.manifest.xml?acl=", NULL));
  world_done(&w);
}

TEST(a_list_takes_effect_late_and_is_read_late) {
  struct world w;
  char id[65], value[100];
  world_init(&w, WORLD("latencies: {grant_propagation: 5, read_lag: 2}\n", NARROW_S3, BUCKETS("")));
  cs_s3_canonical_id(TARGET, id);
  snprintf(value, sizeof value, "id=%s", id);
  assert_done(&w, put_acl(&w, "/golden-amis/windows/one", "x-amz-grant-read", value, NULL));
  assert_int_equal(cs_sim_next_ms(w.sim, w.now_ms), w.now_ms + 5000);
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis/windows/one?acl=", NULL));
  assert_lacks(s3_body(&w), id);
  w.now_ms += 4999;
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis/windows/one?acl=", NULL));
  assert_contains(s3_body(&w), id);
  assert_refused(&w, s3(&w, &target_admin, "GET /golden-amis/windows/one", NULL), 403, "AccessDenied");
  w.now_ms += 1;
  assert_done(&w, s3(&w, &target_admin, "GET /golden-amis/windows/one", NULL));
  world_done(&w);
}

TEST(what_the_world_left_in_a_bucket_opens_nothing_that_the_bucket_switches_off) {
  struct world w;
  world_init(&w, WORLD("", NARROW_S3,
                       "      buckets:\n"
                       "      - {name: one-bucket, readers: ['" TARGET "']}\n"
                       "      - {name: two-bucket, ownership: BucketOwnerEnforced, readers: ['" TARGET "']}\n"
                       "      - name: three-bucket\n"
                       "        policy: {Statement: {Effect: Allow, Principal: '*', Action: 's3:ListBucket',\n"
                       "          Resource: 'arn:aws:s3:::three-bucket'}}\n"
                       "      - name: four-bucket\n"
                       "        block_public: false\n"
                       "        policy: {Statement: {Effect: Allow, Principal: '*', Action: 's3:ListBucket',\n"
                       "          Resource: 'arn:aws:s3:::four-bucket'}}\n"));
  assert_done(&w, s3(&w, &target_admin, "GET /one-bucket?list-type=2", NULL));
  assert_refused(&w, s3(&w, &target_admin, "GET /two-bucket?list-type=2", NULL), 403, "AccessDenied");
  assert_refused(&w, s3(&w, &target_admin, "GET /three-bucket?list-type=2", NULL), 403, "AccessDenied");
  assert_done(&w, s3(&w, &target_admin, "GET /four-bucket?list-type=2", NULL));
  world_done(&w);
}

/* ---- faults ---- */

static void set_faults(struct world *w, const char *text) {
  struct af_error err;
  char json[400];
  snprintf(json, sizeof json, "%s", text);
  for (char *p = json; *p; p++)
    *p = *p == '\'' ? '"' : *p;
  json_t *list = json_loads(json, 0, NULL);
  assert_ok(cs_sim_faults(w->sim, list, &err), &err);
  json_decref(list);
}

static size_t in_doubt(struct world *w) {
  json_t *audit = cs_sim_audit(w->sim, w->now_ms);
  size_t n = json_array_size(json_object_get(audit, "ambiguous_effects"));
  json_decref(audit);
  return n;
}

TEST(faults_strike_s3_in_its_own_words) {
  struct world w;
  small(&w);
  set_faults(&w, "[{'kind':'throttle','service':'s3'}]");
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis?location=", NULL), 503, "SlowDown");
  set_faults(&w, "[{'kind':'error','action':'GetBucketLocation'}]");
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis?location=", NULL), 500, "InternalError");
  set_faults(&w, "[{'kind':'error','status':503}]");
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis?location=", NULL), 503, "ServiceUnavailable");
  set_faults(&w, "[{'kind':'expired-token'}]");
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis?location=", NULL), 400, "ExpiredToken");
  set_faults(&w, "[{'kind':'clock-skew','seconds':3600}]");
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis?location=", NULL), 403, "RequestTimeTooSkewed");
  set_faults(&w, "[{'kind':'malformed'}]");
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis?list-type=2", NULL));
  assert_lacks(s3_body(&w), "</ListBucketResult>");
  set_faults(&w, "[{'kind':'empty-page','times':1}]");
  assert_done(&w, s3(&w, &source_admin, "GET /golden-amis?list-type=2", NULL));
  assert_string_equal(element(&w, "KeyCount"), "0");
  char what[200];
  snprintf(what, sizeof what, "GET /golden-amis?continuation-token=%s&list-type=2", element(&w, "NextContinuationToken"));
  assert_done(&w, s3(&w, &source_admin, what, NULL));
  assert_string_equal(element(&w, "KeyCount"), "5");
  world_done(&w);
}

TEST(a_policy_whose_reply_was_lost_is_there_and_one_that_was_cut_is_not) {
  struct world w;
  small(&w);
  set_faults(&w, "[{'kind':'cut','action':'PutBucketPolicy'}]");
  put_policy(&w, &source_admin, "golden-amis", TARGET_READS);
  assert_int_equal(w.reply.fate, CS_FATE_CLOSE);
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis?policy=", NULL), 404, "NoSuchBucketPolicy");
  assert_int_equal(in_doubt(&w), 0);
  set_faults(&w, "[{'kind':'lost-reply','service':'s3'}]");
  put_policy(&w, &source_admin, "golden-amis", TARGET_READS);
  assert_int_equal(w.reply.fate, CS_FATE_CLOSE);
  s3(&w, &source_admin, "HEAD /golden-amis", NULL);
  assert_int_equal(in_doubt(&w), 1); /* a read leaves nothing in doubt */
  set_faults(&w, "[{'kind':'error-after','action':'DeleteBucketPolicy'}]");
  assert_refused(&w, s3(&w, &source_admin, "DELETE /golden-amis?policy=", NULL), 500, "InternalError");
  assert_refused(&w, s3(&w, &source_admin, "GET /golden-amis?policy=", NULL), 404, "NoSuchBucketPolicy");
  assert_int_equal(in_doubt(&w), 2);
  world_done(&w);
}

/* ---- the world file ---- */

TEST(a_world_whose_buckets_make_no_sense_is_refused) {
  static const struct {
    const char *bucket, *says;
  } cases[] = {
      {"{name: Golden}", "lawful name"},
      {"{name: twice-there}, {name: twice-there}", "lawful name"},
      {"{name: one-bucket, ownership: Mine}", "ObjectWriter"},
      {"{name: one-bucket, colour: red}", "colour"},
      {"{name: one-bucket, readers: ['999999999999']}", "no account"},
      {"{name: one-bucket, objects: [{size: 1}]}", "key of its own"},
      {"{name: one-bucket, objects: [{key: a}, {key: a}]}", "key of its own"},
      {"{name: one-bucket, objects: [{key: a, size: 99999999}]}", "must lie between"},
      {"{name: one-bucket, policy: {Statement: [{Effect: Allow, Principal: '*', Action: 's3:*', Resource: '*'}]}}", "invalid resource"},
  };
  char text[1000];
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct af_error err;
    struct af_doc *doc;
    struct cs_sim *sim = NULL;
    snprintf(text, sizeof text, "accounts: [{id: '" SOURCE "', regions: {us-east-1: {buckets: [%s]}}}]", cases[i].bucket);
    assert_ok(af_doc_read(&doc, "world", af_str(text), AF_DOC_YAML, NULL, &err), &err);
    assert_int_equal(cs_sim_new(&sim, doc, START_MS, 7, &err), -AF_EINVAL);
    assert_contains(err.message, cases[i].says);
    af_doc_free(doc);
  }
}

TEST(a_session_policy_limits_what_a_bucket_policy_gives_the_role) {
#define FERRY_SESSION "RoleArn=arn:aws:iam::" SOURCE ":role/ferry&RoleSessionName=me"
#define EC2_ONLY "&Policy=%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22ec2%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D"
  struct world w;
  small(&w);
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis",
                               POLICY(STATEMENT("{'AWS':'arn:aws:iam::" SOURCE ":role/ferry'}", "'s3:GetObject'", "'" GOLDEN "/*'"))), 204);
  assert_done(&w, sts(&w, &source_admin, "AssumeRole", FERRY_SESSION));
  struct login whole = login_of(&w);
  assert_done(&w, s3(&w, &whole, "GET /golden-amis/windows/one", NULL));
  assert_done(&w, sts(&w, &source_admin, "AssumeRole", FERRY_SESSION EC2_ONLY));
  struct login less = login_of(&w);
  assert_refused(&w, s3(&w, &less, "GET /golden-amis/windows/one", NULL), 403, "AccessDenied");
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis",
                               POLICY(STATEMENT("{'AWS':'arn:aws:sts::" SOURCE ":assumed-role/ferry/me'}", "'s3:GetObject'", "'" GOLDEN "/*'"))), 204);
  assert_done(&w, s3(&w, &less, "GET /golden-amis/windows/one", NULL));
  world_done(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_wrong_with_a_signature_is_said_in_s3s_words),
      cmocka_unit_test(an_unsigned_payload_is_taken_and_a_signature_inside_of_fifteen_minutes),
      cmocka_unit_test(a_path_is_signed_as_encoded_once_and_never_normalised),
      cmocka_unit_test(a_session_signs_with_its_token_and_no_longer_than_it_lives),
      cmocka_unit_test(a_presigned_url_opens_an_object_until_it_expires),
      cmocka_unit_test(a_bucket_answers_in_its_own_region_and_us_east_1_knows_where_each_lies),
      cmocka_unit_test(a_host_names_bucket_and_region),
      cmocka_unit_test(what_is_not_there_and_what_is_not_known_is_told_apart),
      cmocka_unit_test(the_owner_that_a_caller_expects_must_own_the_bucket),
      cmocka_unit_test(objects_are_read_whole_and_in_part),
      cmocka_unit_test(keys_are_listed_in_order_by_prefix_and_page_by_page),
      cmocka_unit_test(a_delimiter_folds_keys_into_prefixes_each_shown_once),
      cmocka_unit_test(ownership_is_told_where_it_was_ever_set),
      cmocka_unit_test(a_policy_is_put_read_and_deleted),
      cmocka_unit_test(what_is_no_policy_of_this_bucket_is_malformed),
      cmocka_unit_test(a_public_policy_is_refused_unless_the_bucket_lets_it),
      cmocka_unit_test(another_account_needs_both_the_bucket_policy_and_its_own),
      cmocka_unit_test(a_deny_beats_the_owner_and_his_root_user_alone_gets_out),
      cmocka_unit_test(a_policy_belongs_to_the_owners_account_whoever_may_touch_it),
      cmocka_unit_test(a_policy_takes_effect_late_and_is_read_late),
      cmocka_unit_test(a_list_lets_another_account_read_an_object_or_list_the_bucket),
      cmocka_unit_test(a_list_is_put_as_xml_and_reads_as_it_was_put),
      cmocka_unit_test(lists_that_make_no_sense_or_are_public_or_switched_off_are_refused),
      cmocka_unit_test(a_list_takes_effect_late_and_is_read_late),
      cmocka_unit_test(what_the_world_left_in_a_bucket_opens_nothing_that_the_bucket_switches_off),
      cmocka_unit_test(faults_strike_s3_in_its_own_words),
      cmocka_unit_test(a_policy_whose_reply_was_lost_is_there_and_one_that_was_cut_is_not),
      cmocka_unit_test(a_world_whose_buckets_make_no_sense_is_refused),
      cmocka_unit_test(a_session_policy_limits_what_a_bucket_policy_gives_the_role),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
