/* Replies as AWS may send them, and as nobody should: how text is cut, white space, order, errors of all three protocols, truncation,
 * entities, depth, size, numbers that don't fit. */
#include "engine/aws/codec.h"
#include "engine/aws/ops.h"
#include "tests/wire/vectors.h"

struct outcome {
  int rc;
  json_t *output;
  char request_id[80];
  struct af_error err;
};

/* S3 names the Region of a bucket in a header. */
static struct outcome decode_s3(const struct af_op *op, int status, const char *body, const char *bucket_region) {
  struct outcome o = {0};
  struct af_reply reply = {.status = status, .body = af_str(body), .content_type = af_str("application/xml"), .request_id = af_str("S3REQ"),
                           .bucket_region = af_str(bucket_region)};
  o.rc = af_decode(op, &reply, &o.output, o.request_id, &o.err);
  return o;
}

static struct outcome decode_as(const struct af_op *op, int status, struct af_str body, const char *type, const char *header_id) {
  struct outcome o = {0};
  struct af_reply reply = {.status = status, .body = body, .content_type = af_str(type), .request_id = af_str(header_id)};
  o.rc = af_decode(op, &reply, &o.output, o.request_id, &o.err);
  return o;
}

static struct outcome decode(const struct af_op *op, int status, const char *body) {
  return decode_as(op, status, af_str(body), "text/xml;charset=UTF-8", "");
}

static void outcome_done(struct outcome *o) {
  json_decref(o->output);
  o->output = NULL;
}

/* The output is this JSON, with ' for ". */
static void assert_output(struct outcome o, const char *want) {
  char *text = strdup(want);
  for (char *c = text; *c; c++)
    if (*c == '\'')
      *c = '"';
  json_t *tree = json_loads(text, 0, NULL);
  assert_non_null(tree);
  assert_ok(o.rc, &o.err);
  if (!json_equal(o.output, tree)) {
    char *got = json_dumps(o.output, 0);
    print_error("got %s, not %s\n", got, text);
    free(got);
  }
  assert_true(json_equal(o.output, tree));
  json_decref(tree);
  free(text);
  outcome_done(&o);
}

static void assert_malformed(struct outcome o, const char *part) {
  assert_int_equal(o.rc, -AF_EAWS);
  assert_null(o.output);
  assert_string_equal(o.err.code, "MalformedReply");
  assert_contains(o.err.message, part);
}

#define SNAPSHOTS(inner) "<DescribeSnapshotsResponse><requestId>r-1</requestId>" inner "</DescribeSnapshotsResponse>"
#define SNAPSHOT(inner) SNAPSHOTS("<snapshotSet><item>" inner "</item></snapshotSet>")
#define IMAGES(inner) "<DescribeImagesResponse><requestId>r-1</requestId>" inner "</DescribeImagesResponse>"

/* ---- what may vary ---- */

TEST(text_that_the_parser_cuts_into_pieces_stays_whole) {
  assert_output(decode(&af_ec2_describe_snapshots, 200, SNAPSHOT("<description>a &amp; b&#10;c\n&lt;d&gt; &#xfc;</description>")),
                "{'Snapshots': [{'Description': 'a & b\\nc\\n<d> \\u00fc'}]}");
  assert_output(decode(&af_ec2_describe_snapshots, 200, SNAPSHOT("<volumeSize>1<!-- -->2<![CDATA[3]]></volumeSize>")),
                "{'Snapshots': [{'VolumeSize': 123}]}");
}

TEST(text_around_a_skipped_element_stays_apart_from_it) {
  assert_output(decode(&af_ec2_describe_snapshots, 200, SNAPSHOT("<description>ab<new>XX</new>cd</description>")),
                "{'Snapshots': [{'Description': 'abcd'}]}");
}

TEST(white_space_between_elements_makes_no_difference) {
  const char *tight = SNAPSHOT("<snapshotId>snap-1</snapshotId><encrypted>true</encrypted>");
  const char *loose = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeSnapshotsResponse>\n  <snapshotSet>\n\t<item>\r\n<encrypted> true\n</encrypted>"
                      "   <snapshotId>snap-1</snapshotId></item>\n </snapshotSet>\n <requestId>r-1</requestId>\n</DescribeSnapshotsResponse>\n\n";
  assert_output(decode(&af_ec2_describe_snapshots, 200, tight), "{'Snapshots': [{'SnapshotId': 'snap-1', 'Encrypted': true}]}");
  assert_output(decode(&af_ec2_describe_snapshots, 200, loose), "{'Snapshots': [{'SnapshotId': 'snap-1', 'Encrypted': true}]}");
}

TEST(white_space_inside_a_string_is_kept) {
  assert_output(decode(&af_ec2_describe_snapshots, 200, SNAPSHOT("<description>  two  </description>")),
                "{'Snapshots': [{'Description': '  two  '}]}");
}

TEST(an_unknown_element_is_skipped_whole) {
  assert_output(decode(&af_ec2_describe_snapshots, 200,
                       SNAPSHOT("<future><item><snapshotId>wrong</snapshotId></item></future><snapshotId>snap-1</snapshotId>")),
                "{'Snapshots': [{'SnapshotId': 'snap-1'}]}");
  assert_output(decode(&af_ec2_describe_snapshots, 200, SNAPSHOTS("<snapshotSet><member><snapshotId>s</snapshotId></member></snapshotSet>")),
                "{'Snapshots': []}");
}

TEST(an_empty_page_is_an_empty_list_with_its_token) {
  assert_output(decode(&af_ec2_describe_images, 200, IMAGES("<imagesSet/><nextToken>t</nextToken>")), "{'Images': [], 'NextToken': 't'}");
  assert_output(decode(&af_ec2_describe_images, 200, IMAGES("<imagesSet>\n</imagesSet>")), "{'Images': []}");
}

TEST(the_permissions_of_an_image_name_accounts_groups_and_organizations) {
  assert_output(decode(&af_ec2_describe_image_attribute, 200,
                       "<DescribeImageAttributeResponse><requestId>r</requestId><imageId>ami-1</imageId><launchPermission>"
                       "<item><userId>222222222222</userId></item><item><group>all</group></item>"
                       "<item><organizationArn>arn:aws:organizations::1:organization/o-1</organizationArn></item>"
                       "<item><organizationalUnitArn>arn:aws:organizations::1:ou/o-1/ou-1</organizationalUnitArn></item>"
                       "</launchPermission></DescribeImageAttributeResponse>"),
                "{'ImageId': 'ami-1', 'LaunchPermissions': [{'UserId': '222222222222'}, {'Group': 'all'},"
                " {'OrganizationArn': 'arn:aws:organizations::1:organization/o-1'},"
                " {'OrganizationalUnitArn': 'arn:aws:organizations::1:ou/o-1/ou-1'}]}");
  assert_output(decode(&af_ec2_describe_image_attribute, 200,
                       "<DescribeImageAttributeResponse><imageId>ami-1</imageId><deregistrationProtection><value>disabled</value>"
                       "</deregistrationProtection><imdsSupport/></DescribeImageAttributeResponse>"),
                "{'ImageId': 'ami-1', 'DeregistrationProtection': {'Value': 'disabled'}, 'ImdsSupport': {}}");
}

TEST(an_instance_says_where_it_is_and_why) {
  assert_output(decode(&af_ec2_describe_instances, 200,
                       "<DescribeInstancesResponse><requestId>r</requestId><reservationSet><item><reservationId>r-1</reservationId><instancesSet><item>"
                       "<instanceId>i-1</instanceId><instanceState><code>48</code><name>terminated</name></instanceState><reason>User "
                       "initiated</reason><stateReason><code>Client.InternalError</code><message>Client error on launch</message></stateReason>"
                       "<placement><availabilityZone>eu-west-1a</availabilityZone><groupName/></placement><monitoring><state>disabled</state>"
                       "</monitoring><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-1</volumeId></ebs></item>"
                       "</blockDeviceMapping><clientToken>t</clientToken><groupSet><item><groupId>sg-1</groupId></item></groupSet></item>"
                       "</instancesSet></item></reservationSet></DescribeInstancesResponse>"),
                "{'Reservations': [{'ReservationId': 'r-1', 'Instances': [{'InstanceId': 'i-1', 'State': {'Code': 48, 'Name': 'terminated'},"
                " 'StateTransitionReason': 'User initiated', 'StateReason': {'Code': 'Client.InternalError', 'Message': 'Client error on launch'},"
                " 'Placement': {'AvailabilityZone': 'eu-west-1a'}, 'BlockDeviceMappings': [{'DeviceName': '/dev/xvda', 'Ebs': {'VolumeId': 'vol-1'}}],"
                " 'ClientToken': 't', 'SecurityGroups': [{'GroupId': 'sg-1'}]}]}]}");
}

TEST(the_policy_of_a_bucket_is_the_text_of_the_body) {
  assert_output(decode_s3(&af_s3_get_bucket_policy, 200, "{\"Version\":\"2012-10-17\",\n \"Statement\": [\"\xc3\xbc\"]}", ""),
                "{'Policy': '{\\'Version\\':\\'2012-10-17\\',\\n \\'Statement\\': [\\'\xc3\xbc\\']}'}");
  assert_malformed(decode_s3(&af_s3_get_bucket_policy, 200, "{\"a\": \"\xff\"}", ""), "not UTF-8");
  assert_output(decode_s3(&af_s3_put_bucket_policy, 204, "", ""), "{}");
  assert_output(decode_s3(&af_s3_delete_bucket_policy, 204, "", ""), "{}");
}

TEST(the_location_of_a_bucket_is_the_root_element) {
  static const char xmlns[] = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
  char body[200];
  snprintf(body, sizeof body, "<?xml version=\"1.0\"?>\n<LocationConstraint %s>eu-west-1</LocationConstraint>", xmlns);
  assert_output(decode_s3(&af_s3_get_bucket_location, 200, body, ""), "{'LocationConstraint': 'eu-west-1'}");
  snprintf(body, sizeof body, "<LocationConstraint %s/>", xmlns);
  assert_output(decode_s3(&af_s3_get_bucket_location, 200, body, ""), "{'LocationConstraint': ''}"); /* us-east-1 */
  assert_malformed(decode_s3(&af_s3_get_bucket_location, 200, "<html>hotel</html>", ""), "root");
  assert_malformed(decode_s3(&af_s3_get_bucket_location, 200, "", ""), "no element found");
}

TEST(the_objects_of_a_bucket_come_in_pages) {
  assert_output(decode_s3(&af_s3_list_objects_v2, 200,
                          "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><Prefix>p/</Prefix>"
                          "<NextContinuationToken>t=</NextContinuationToken><KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><IsTruncated>true</IsTruncated>"
                          "<Contents><Key>p/1</Key><LastModified>2026-11-23T06:29:00.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>5000000000</Size>"
                          "<Owner><ID>o</ID></Owner><StorageClass>STANDARD</StorageClass></Contents><Contents><Key>p/ 2</Key></Contents>"
                          "</ListBucketResult>", ""),
                "{'Name': 'b', 'Prefix': 'p/', 'NextContinuationToken': 't=', 'KeyCount': 2, 'MaxKeys': 2, 'IsTruncated': true, 'Contents':"
                " [{'Key': 'p/1', 'LastModified': '2026-11-23T06:29:00.000Z', 'ETag': '\\'e\\'', 'Size': 5000000000, 'StorageClass': 'STANDARD'},"
                " {'Key': 'p/ 2'}]}");
  assert_malformed(decode_s3(&af_s3_list_objects_v2, 200, "<ListAllMyBucketsResult/>", ""), "root");
}

TEST(what_is_absent_stays_absent) {
  assert_output(decode(&af_ec2_describe_images, 200, IMAGES("")), "{}");
  assert_output(decode(&af_ec2_describe_snapshots, 200, SNAPSHOTS("<snapshotSet><item/></snapshotSet>")), "{'Snapshots': [{}]}");
}

TEST(an_empty_string_is_a_string_and_an_empty_number_is_absent) {
  assert_output(decode(&af_ec2_describe_snapshots, 200, SNAPSHOT("<description/><volumeSize/><encrypted> </encrypted>")),
                "{'Snapshots': [{'Description': ''}]}");
}

TEST(times_stay_as_they_were_written) {
  assert_output(decode(&af_ec2_describe_snapshots, 200, SNAPSHOT("<startTime>2026-11-23T06:29:00.000Z</startTime>")),
                "{'Snapshots': [{'StartTime': '2026-11-23T06:29:00.000Z'}]}");
  assert_output(decode(&af_kms_list_grants, 200, "{\"Grants\":[{\"CreationDate\":1.4774E9}]}"), "{'Grants': [{'CreationDate': 1.4774E9}]}");
  assert_output(decode(&af_kms_list_grants, 200, "{\"Grants\":[{\"CreationDate\":1477431461}]}"), "{'Grants': [{'CreationDate': 1477431461}]}");
}

TEST(the_largest_numbers_fit_and_larger_ones_are_malformed) {
  assert_output(decode(&af_ec2_describe_snapshots, 200, SNAPSHOT("<fullSnapshotSizeInBytes>9223372036854775807</fullSnapshotSizeInBytes>")),
                "{'Snapshots': [{'FullSnapshotSizeInBytes': 9223372036854775807}]}");
  assert_malformed(decode(&af_ec2_describe_snapshots, 200, SNAPSHOT("<fullSnapshotSizeInBytes>9223372036854775808</fullSnapshotSizeInBytes>")),
                   "fullSnapshotSizeInBytes");
  assert_malformed(decode(&af_kms_list_grants, 200, "{\"Grants\":[{\"CreationDate\":9223372036854775808}]}"), "too big");
}

TEST(a_value_of_the_wrong_type_is_malformed) {
  assert_malformed(decode(&af_ec2_describe_snapshots, 200, SNAPSHOT("<volumeSize>8 GiB</volumeSize>")), "volumeSize does not hold");
  assert_malformed(decode(&af_ec2_describe_snapshots, 200, SNAPSHOT("<encrypted>yes</encrypted>")), "encrypted does not hold");
  assert_malformed(decode(&af_kms_list_grants, 200, "{\"Grants\":{}}"), "Grants has the wrong type");
  assert_malformed(decode(&af_kms_list_grants, 200, "{\"Truncated\":\"true\"}"), "Truncated has the wrong type");
}

TEST(null_and_unknown_members_of_json_are_left_behind) {
  assert_output(decode(&af_kms_list_grants, 200, "{\"Grants\":[null,{\"Name\":null,\"GrantId\":\"g\",\"New\":{\"a\":[1]}}],\"Truncated\":false}"),
                "{'Grants': [{'GrantId': 'g'}], 'Truncated': false}");
}

TEST(maps_of_json_keep_their_keys) {
  assert_output(decode(&af_kms_list_grants, 200, "{\"Grants\":[{\"Constraints\":{\"EncryptionContextEquals\":{\"aws:ebs:id\":\"vol-1\"}}}]}"),
                "{'Grants': [{'Constraints': {'EncryptionContextEquals': {'aws:ebs:id': 'vol-1'}}}]}");
}

TEST(a_call_that_returns_nothing_gives_an_empty_object) {
  assert_output(decode(&af_kms_retire_grant, 200, ""), "{}");
  assert_output(decode(&af_kms_retire_grant, 200, "{}"), "{}");
  assert_output(decode(&af_ec2_delete_snapshot, 200, "<DeleteSnapshotResponse><requestId>r</requestId><return>true</return></DeleteSnapshotResponse>"),
                "{}");
}

/* ---- the request id ---- */

TEST(the_request_id_of_the_header_wins_over_the_body) {
  struct outcome o = decode_as(&af_ec2_describe_images, 200, af_str(IMAGES("<imagesSet/>")), "text/xml", "header-id");
  assert_string_equal(o.request_id, "header-id");
  outcome_done(&o);
  o = decode(&af_ec2_describe_images, 200, IMAGES("<imagesSet/>"));
  assert_string_equal(o.request_id, "r-1");
  outcome_done(&o);
}

TEST(the_request_id_of_sts_stands_in_the_metadata) {
  struct outcome o = decode(&af_sts_get_caller_identity, 200,
                            "<GetCallerIdentityResponse><ResponseMetadata><RequestId>r-2</RequestId></ResponseMetadata>"
                            "<GetCallerIdentityResult><Account>111111111111</Account></GetCallerIdentityResult></GetCallerIdentityResponse>");
  assert_string_equal(o.request_id, "r-2");
  assert_output(o, "{'Account': '111111111111'}");
}

TEST(a_request_id_deep_inside_is_not_taken_for_the_replys) {
  struct outcome o = decode(&af_ec2_describe_images, 200,
                            "<DescribeImagesResponse><imagesSet><item><x><requestId>no</requestId></x></item></imagesSet></DescribeImagesResponse>");
  assert_string_equal(o.request_id, "");
  outcome_done(&o);
}

/* ---- errors ---- */

TEST(an_error_of_ec2_has_code_message_status_and_id) {
  struct outcome o = decode(&af_ec2_copy_image, 400,
                            "<?xml version=\"1.0\"?>\n<Response><Errors><Error><Code>InvalidAMIID.NotFound</Code><Message>The image id '[ami-1]' does not "
                            "exist</Message></Error></Errors><RequestID>r-3</RequestID></Response>");
  assert_int_equal(o.rc, -AF_EAWS);
  assert_string_equal(o.err.code, "InvalidAMIID.NotFound");
  assert_string_equal(o.err.message, "The image id '[ami-1]' does not exist");
  assert_string_equal(o.err.request_id, "r-3");
  assert_string_equal(o.request_id, "r-3");
  assert_string_equal(o.err.action, "ec2:CopyImage");
  assert_int_equal(o.err.http_status, 400);
  assert_int_equal(o.err.class, AF_CLASS_NOT_YET_VISIBLE);
  assert_contains(o.err.hint, "Allowed AMIs");
}

TEST(an_error_of_sts_has_code_message_and_id) {
  struct outcome o = decode(&af_sts_assume_role, 403,
                            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n    "
                            "<Code>AccessDenied</Code>\n    <Message>no</Message>\n  </Error>\n  <RequestId>r-4</RequestId>\n</ErrorResponse>");
  assert_string_equal(o.err.code, "AccessDenied");
  assert_string_equal(o.err.message, "no");
  assert_string_equal(o.err.request_id, "r-4");
  assert_int_equal(o.err.class, AF_CLASS_AUTH);
}

TEST(an_error_of_kms_loses_its_namespace_and_address) {
  static const char *const bodies[] = {
      "{\"__type\":\"NotFoundException\",\"message\":\"m\"}",
      "{\"__type\":\"com.amazonaws.kms#NotFoundException\",\"Message\":\"m\"}",
      "{\"__type\":\"NotFoundException:http://internal.amazon.com/\",\"message\":\"m\"}",
      "{\"__type\":\"aws.kms#NotFoundException:http://internal.amazon.com/#x\",\"message\":\"m\"}",
      "{\"code\":\"aws.kms#NotFoundException\",\"message\":\"m\"}",
  };
  for (size_t i = 0; i < COUNT(bodies); i++) {
    struct outcome o = decode_as(&af_kms_describe_key, 400, af_str(bodies[i]), "application/x-amz-json-1.1", "r-5");
    assert_string_equal(o.err.code, "NotFoundException");
    assert_string_equal(o.err.message, "m");
    assert_string_equal(o.err.request_id, "r-5");
    assert_int_equal(o.err.class, AF_CLASS_REFUSED);
  }
}

TEST(an_error_of_s3_is_the_root_itself) {
  struct outcome o = decode_s3(&af_s3_get_bucket_policy, 404,
                               "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchBucketPolicy</Code><Message>The bucket policy does not "
                               "exist</Message><BucketName>b</BucketName><RequestId>IN-BODY</RequestId><HostId>h=</HostId></Error>", "");
  assert_int_equal(o.rc, -AF_EAWS);
  assert_string_equal(o.err.code, "NoSuchBucketPolicy");
  assert_string_equal(o.err.message, "The bucket policy does not exist");
  assert_string_equal(o.err.request_id, "S3REQ");
  assert_string_equal(o.err.action, "s3:GetBucketPolicy");
  assert_int_equal(o.err.class, AF_CLASS_REFUSED);
  o = decode(&af_s3_get_bucket_policy, 403, "<Error><Code>AccessDenied</Code><Message>m</Message><RequestId>IN-BODY</RequestId></Error>");
  assert_string_equal(o.request_id, "IN-BODY");
}

TEST(a_bucket_in_another_region_is_named_with_it) {
  static const char moved[] = "<Error><Code>PermanentRedirect</Code><Message>m</Message><Endpoint>b.s3.eu-west-2.amazonaws.com</Endpoint></Error>";
  static const char malformed[] = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' is wrong; expecting "
                                  "'eu-west-2'</Message><Region>eu-west-2</Region></Error>";
  static const struct {
    int status;
    const char *body, *header, *hint;
  } cases[] = {
      {301, moved, "eu-west-2", "lies in eu-west-2"},
      {400, malformed, "", "lies in eu-west-2"},
      {301, "", "eu-west-2", "lies in eu-west-2"},
      {301, moved, "", "another Region than the call went to"},
      {301, moved, "eu\r\nx", "lies in eu  x"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct outcome o = decode_s3(&af_s3_get_bucket_policy, cases[i].status, cases[i].body, cases[i].header);
    assert_int_equal(o.err.class, AF_CLASS_INVALID);
    assert_contains(o.err.hint, cases[i].hint);
  }
  struct outcome o = decode_s3(&af_s3_get_bucket_policy, 403, "<Error><Code>AccessDenied</Code></Error>", "eu-west-2");
  assert_lacks(o.err.hint, "lies in"); /* the header comes with other answers, too */
}

TEST(an_error_of_s3_without_a_body_goes_by_its_status) {
  static const struct {
    int status;
    const char *code;
    enum af_class mutating;
  } cases[] = {
      {301, "PermanentRedirect", AF_CLASS_INVALID}, {307, "TemporaryRedirect", AF_CLASS_INVALID}, {400, "BadRequest", AF_CLASS_REFUSED},
      {403, "AccessDenied", AF_CLASS_AUTH},         {404, "NotFound", AF_CLASS_REFUSED},          {405, "MethodNotAllowed", AF_CLASS_AUTH},
      {500, "InternalError", AF_CLASS_AMBIGUOUS},   {503, "ServiceUnavailable", AF_CLASS_AMBIGUOUS},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct outcome o = decode_s3(&af_s3_put_bucket_policy, cases[i].status, "", "");
    assert_string_equal(o.err.code, cases[i].code);
    assert_int_equal(o.err.class, cases[i].mutating);
    assert_int_equal(o.err.http_status, cases[i].status);
    assert_contains(o.err.message, "without a body");
  }
  assert_malformed(decode_s3(&af_s3_put_bucket_policy, 418, "", ""), "no body");
  assert_malformed(decode_s3(&af_s3_put_bucket_policy, 503, "<html>busy</html>", ""), "names no error code");
}

TEST(a_message_is_one_line_and_fits) {
  char body[4096], message[3000];
  memset(message, 'm', sizeof message);
  memcpy(message, "one\ntwo\tthree", 13);
  message[sizeof message - 1] = 0;
  snprintf(body, sizeof body, "<Response><Errors><Error><Code>X</Code><Message>%s</Message></Error></Errors></Response>", message);
  struct outcome o = decode(&af_ec2_copy_image, 400, body);
  assert_memory_equal(o.err.message, "one two threem", 14);
  assert_int_equal(strlen(o.err.message), sizeof o.err.message - 1);
}

TEST(the_canonical_request_in_an_error_does_not_get_through) {
  struct outcome o = decode_as(&af_kms_describe_key, 400,
                               af_str("{\"__type\":\"InvalidSignatureException\",\"message\":\"The request signature we calculated does not match.\\n\\n"
                                      "The Canonical String for this request should have been\\n'POST\\n/\\n\\nx-amz-security-token:TOPSECRET'\"}"),
                               "application/x-amz-json-1.1", "");
  assert_string_equal(o.err.message, "The request signature we calculated does not match.");
}

TEST(an_error_that_cannot_be_read_keeps_its_status) {
  static const struct {
    int status;
    const char *body;
    enum af_class mutating, reading;
  } cases[] = {
      {503, "<html><body>Service Unavailable</body></html>", AF_CLASS_AMBIGUOUS, AF_CLASS_TRANSIENT},
      {502, "", AF_CLASS_AMBIGUOUS, AF_CLASS_TRANSIENT},
      {400, "<Response><Errors/></Response>", AF_CLASS_TRANSIENT, AF_CLASS_TRANSIENT},
      {413, "too large", AF_CLASS_TRANSIENT, AF_CLASS_TRANSIENT},
      {429, "", AF_CLASS_THROTTLED, AF_CLASS_THROTTLED},
      {302, "<a href=\"/login\">moved</a>", AF_CLASS_TRANSIENT, AF_CLASS_TRANSIENT},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct outcome o = decode_as(&af_ec2_copy_snapshot, cases[i].status, af_str(cases[i].body), "text/html", "r-6");
    assert_malformed(o, "could not be read");
    assert_contains(o.err.message, "text/html");
    assert_int_equal(o.err.http_status, cases[i].status);
    assert_int_equal(o.err.class, cases[i].mutating);
    assert_string_equal(o.err.request_id, "r-6");
    assert_int_equal(decode(&af_ec2_describe_images, cases[i].status, cases[i].body).err.class, cases[i].reading);
  }
  struct outcome o = decode(&af_kms_describe_key, 400, "{\"message\":\"no type\"}");
  assert_malformed(o, "names no error code");
}

/* ---- yes that can't be read ---- */

TEST(a_page_that_is_not_the_calls_reply_is_not_taken_for_an_empty_one) {
  assert_malformed(decode(&af_ec2_describe_images, 200, "<html><body>welcome to the hotel</body></html>"), "html is not the reply's root");
  assert_malformed(decode(&af_ec2_describe_images, 200, "<DescribeSnapshotsResponse/>"), "root");
  assert_malformed(decode(&af_ec2_describe_images, 200, ""), "no element found");
  assert_malformed(decode(&af_ec2_describe_images, 200, "  \n"), "no element found");
  assert_malformed(decode(&af_sts_get_caller_identity, 200, "<GetCallerIdentityResponse/>"), "no GetCallerIdentityResult");
  assert_malformed(decode(&af_kms_describe_key, 200, ""), "expected");
  assert_malformed(decode(&af_kms_describe_key, 200, "[]"), "the text has the wrong type");
  assert_malformed(decode(&af_kms_describe_key, 200, "<html/>"), "expected near");
}

TEST(a_yes_that_cannot_be_read_is_ambiguous_where_the_call_mutates) {
  assert_int_equal(decode(&af_ec2_copy_snapshot, 200, "<CopySnapshotResponse><snaps").err.class, AF_CLASS_AMBIGUOUS);
  assert_int_equal(decode(&af_kms_create_grant, 200, "{\"GrantId\":").err.class, AF_CLASS_AMBIGUOUS);
  assert_int_equal(decode(&af_ec2_describe_images, 200, "<DescribeImagesResponse>").err.class, AF_CLASS_TRANSIENT);
}

static const struct {
  const struct af_op *op;
  int status;
  const char *body;
} whole[] = {
    {&af_ec2_describe_images, 200,
     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeImagesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>"
     "<imagesSet><item><imageId>ami-1</imageId><blockDeviceMapping><item><deviceName>/dev/sda1</deviceName><ebs><snapshotId>snap-1</snapshotId>"
     "<volumeSize>8</volumeSize><encrypted>true</encrypted></ebs></item></blockDeviceMapping><name>caf\xc3\xa9 &amp; &#252;</name>"
     "<tagSet><item><key>k</key><value>v</value></item></tagSet></item></imagesSet><nextToken>t</nextToken></DescribeImagesResponse>"},
    {&af_ec2_copy_snapshot, 400,
     "<Response><Errors><Error><Code>ResourceLimitExceeded</Code><Message>m</Message></Error></Errors><RequestID>r</RequestID></Response>"},
    {&af_sts_assume_role, 200,
     "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
     "<SessionToken>t</SessionToken><Expiration>2026-11-23T07:29:00Z</Expiration></Credentials></AssumeRoleResult>"
     "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleResponse>"},
    {&af_kms_list_grants, 200, "{\"Grants\":[{\"GrantId\":\"g\",\"CreationDate\":1.5E9,\"Operations\":[\"Decrypt\"],\"Name\":\"\\u00fc\"}],\"Truncated\":false}"},
    {&af_kms_create_grant, 400, "{\"__type\":\"a#LimitExceededException\",\"message\":\"m\"}"},
    {&af_s3_get_bucket_location, 200, "<LocationConstraint>eu-west-1</LocationConstraint>"},
    {&af_s3_list_objects_v2, 200, "<ListBucketResult><Contents><Key>k</Key><Size>1</Size></Contents><Contents/></ListBucketResult>"},
    {&af_s3_list_objects_v2, 418, "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>eu-west-2</Region></Error>"},
};

/* Every prefix lies in a block of its own size, so that reading past it is seen. */
TEST(a_reply_cut_at_any_byte_is_malformed_and_nothing_worse) {
  for (size_t i = 0; i < COUNT(whole); i++) {
    size_t n = strlen(whole[i].body);
    for (size_t len = 0; len < n; len++) {
      char *copy = malloc(len > 0 ? len : 1);
      memcpy(copy, whole[i].body, len);
      assert_malformed(decode_as(whole[i].op, whole[i].status, af_str_n(copy, len), "", ""), "could not be read");
      free(copy);
    }
    struct outcome o = decode(whole[i].op, whole[i].status, whole[i].body);
    assert_true(o.rc == 0 || (o.rc == -AF_EAWS && strcmp(o.err.code, "MalformedReply") != 0));
    outcome_done(&o);
  }
}

/* One changed byte may still make a reply; it must never make more than that. */
TEST(a_reply_with_any_byte_changed_ends_in_a_tree_or_an_error) {
  static const unsigned char changes[] = {0, '<', '>', '&', '"', '{', 0x80, 0xff};
  for (size_t i = 0; i < COUNT(whole); i++) {
    size_t n = strlen(whole[i].body);
    for (size_t at = 0; at < n; at++) {
      for (size_t k = 0; k < COUNT(changes); k++) {
        char *copy = malloc(n);
        memcpy(copy, whole[i].body, n);
        copy[at] = (char)changes[k];
        struct outcome o = decode_as(whole[i].op, whole[i].status, af_str_n(copy, n), "", "");
        assert_true(o.rc == 0 ? json_is_object(o.output) : o.rc == -AF_EAWS && o.err.code[0] && !o.output);
        outcome_done(&o);
        free(copy);
      }
    }
  }
}

/* ---- hostile ---- */

TEST(a_document_type_is_refused_and_entities_with_it) {
  assert_malformed(decode(&af_ec2_describe_images, 200, "<!DOCTYPE x [<!ENTITY a \"aaaa\">]>" IMAGES("<nextToken>&a;</nextToken>")),
                   "document type");
  assert_malformed(decode(&af_ec2_describe_images, 200, "<!DOCTYPE DescribeImagesResponse SYSTEM \"file:///etc/passwd\">" IMAGES("")),
                   "document type");
  assert_malformed(decode(&af_ec2_describe_images, 200, IMAGES("<nextToken>&a;</nextToken>")), "undefined entity");
}

static void nested(struct af_buf *out, const char *open, const char *close, int depth) {
  for (int i = 0; i < depth; i++)
    af_buf_puts(out, open);
  for (int i = 0; i < depth; i++)
    af_buf_puts(out, close);
}

TEST(nesting_without_end_is_refused) {
  static const int depths[] = {30, 63, 64, 1000, 100000};
  for (size_t i = 0; i < COUNT(depths); i++) {
    struct af_buf body;
    af_buf_init(&body, AF_REPLY_MAX_BYTES);
    af_buf_puts(&body, "<DescribeImagesResponse>");
    nested(&body, "<a>", "</a>", depths[i]);
    af_buf_puts(&body, "</DescribeImagesResponse>");
    struct outcome o = decode_as(&af_ec2_describe_images, 200, af_buf_view(&body), "", "");
    if (depths[i] < 64)
      assert_output(o, "{}");
    else
      assert_malformed(o, "too deep");
    af_buf_reset(&body);
    af_buf_puts(&body, "{\"Grants\":");
    nested(&body, "[", "]", depths[i]);
    af_buf_puts(&body, "}");
    o = decode_as(&af_kms_list_grants, 200, af_buf_view(&body), "", "");
    assert_int_equal(o.rc, -AF_EAWS); /* a list where a structure belongs, or deeper than jansson goes */
    af_buf_done(&body);
  }
}

TEST(a_reply_with_too_many_values_is_refused) {
  struct af_buf body;
  af_buf_init(&body, AF_REPLY_MAX_BYTES);
  af_buf_puts(&body, "<DescribeImagesResponse><imagesSet>");
  for (int i = 0; i < 2000001; i++)
    af_buf_puts(&body, "<item/>");
  af_buf_puts(&body, "</imagesSet></DescribeImagesResponse>");
  assert_malformed(decode_as(&af_ec2_describe_images, 200, af_buf_view(&body), "", ""), "too many");
  af_buf_done(&body);
}

TEST(a_reply_past_the_maximum_is_refused_unread) {
  struct af_str body = {.ptr = "<a/>", .len = AF_REPLY_MAX_BYTES + 1};
  assert_malformed(decode_as(&af_ec2_describe_images, 200, body, "", ""), "too long");
}

TEST(a_content_type_from_the_network_does_not_spoil_the_message) {
  struct outcome o = decode_as(&af_ec2_describe_images, 500, af_str("x"), "text/html\r\n\x1b[2J", "");
  for (const char *c = o.err.message; *c; c++)
    assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
}

TEST(an_error_may_be_asked_for_without_a_place_to_put_it) {
  char id[80];
  json_t *output = NULL;
  struct af_reply reply = {.status = 500};
  assert_int_equal(af_decode(&af_ec2_describe_images, &reply, &output, id, NULL), -AF_EAWS);
  json_t *input = json_object();
  struct af_buf body;
  af_buf_init(&body, 1000);
  assert_int_equal(af_encode(&af_ec2_copy_image, input, &body, NULL), -AF_EINVAL);
  af_buf_done(&body);
  json_decref(input);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_that_the_parser_cuts_into_pieces_stays_whole),
      cmocka_unit_test(text_around_a_skipped_element_stays_apart_from_it),
      cmocka_unit_test(white_space_between_elements_makes_no_difference),
      cmocka_unit_test(white_space_inside_a_string_is_kept),
      cmocka_unit_test(an_unknown_element_is_skipped_whole),
      cmocka_unit_test(an_empty_page_is_an_empty_list_with_its_token),
      cmocka_unit_test(the_permissions_of_an_image_name_accounts_groups_and_organizations),
      cmocka_unit_test(an_instance_says_where_it_is_and_why),
      cmocka_unit_test(the_policy_of_a_bucket_is_the_text_of_the_body),
      cmocka_unit_test(the_location_of_a_bucket_is_the_root_element),
      cmocka_unit_test(the_objects_of_a_bucket_come_in_pages),
      cmocka_unit_test(what_is_absent_stays_absent),
      cmocka_unit_test(an_empty_string_is_a_string_and_an_empty_number_is_absent),
      cmocka_unit_test(times_stay_as_they_were_written),
      cmocka_unit_test(the_largest_numbers_fit_and_larger_ones_are_malformed),
      cmocka_unit_test(a_value_of_the_wrong_type_is_malformed),
      cmocka_unit_test(null_and_unknown_members_of_json_are_left_behind),
      cmocka_unit_test(maps_of_json_keep_their_keys),
      cmocka_unit_test(a_call_that_returns_nothing_gives_an_empty_object),
      cmocka_unit_test(the_request_id_of_the_header_wins_over_the_body),
      cmocka_unit_test(the_request_id_of_sts_stands_in_the_metadata),
      cmocka_unit_test(a_request_id_deep_inside_is_not_taken_for_the_replys),
      cmocka_unit_test(an_error_of_ec2_has_code_message_status_and_id),
      cmocka_unit_test(an_error_of_sts_has_code_message_and_id),
      cmocka_unit_test(an_error_of_kms_loses_its_namespace_and_address),
      cmocka_unit_test(an_error_of_s3_is_the_root_itself),
      cmocka_unit_test(a_bucket_in_another_region_is_named_with_it),
      cmocka_unit_test(an_error_of_s3_without_a_body_goes_by_its_status),
      cmocka_unit_test(a_message_is_one_line_and_fits),
      cmocka_unit_test(the_canonical_request_in_an_error_does_not_get_through),
      cmocka_unit_test(an_error_that_cannot_be_read_keeps_its_status),
      cmocka_unit_test(a_page_that_is_not_the_calls_reply_is_not_taken_for_an_empty_one),
      cmocka_unit_test(a_yes_that_cannot_be_read_is_ambiguous_where_the_call_mutates),
      cmocka_unit_test(a_reply_cut_at_any_byte_is_malformed_and_nothing_worse),
      cmocka_unit_test(a_reply_with_any_byte_changed_ends_in_a_tree_or_an_error),
      cmocka_unit_test(a_document_type_is_refused_and_entities_with_it),
      cmocka_unit_test(nesting_without_end_is_refused),
      cmocka_unit_test(a_reply_with_too_many_values_is_refused),
      cmocka_unit_test(a_reply_past_the_maximum_is_refused_unread),
      cmocka_unit_test(a_content_type_from_the_network_does_not_spoil_the_message),
      cmocka_unit_test(an_error_may_be_asked_for_without_a_place_to_put_it),
  };
  return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
