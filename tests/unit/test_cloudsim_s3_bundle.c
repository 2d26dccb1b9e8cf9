/* CopyImage of instance-store images in cloudsim: who may read the bundle, where the copy goes, what interrupts it; and what the audit
 * says of shares in S3. */
#include "tests/unit/cloudsim_s3.h"

#define IMAGES                                                                                                            \
  "      images:\n"                                                                                                       \
  "      - {id: ami-00000001, name: linux, root_device_type: instance-store, launch_permissions: ['" TARGET "'],\n"        \
  "         location: golden-amis/linux/image.manifest.xml, mappings: [{device: /dev/sdb, virtual_name: ephemeral0}]}\n"   \
  "      - {id: ami-00000002, name: sealed, root_device_type: instance-store, launch_permissions: ['" TARGET "'],\n"       \
  "         location: sealed-amis/image.manifest.xml, bundle_readers: ['" TARGET "']}\n"                                   \
  "      - {id: ami-00000003, name: elsewhere, root_device_type: instance-store, launch_permissions: ['" TARGET "'],\n"    \
  "         location: no-bucket-here/image.manifest.xml, bundle_readers: ['" TARGET "']}\n"                                \
  "      - {id: ami-00000004, name: gone, root_device_type: instance-store, launch_permissions: ['" TARGET "'],\n"         \
  "         location: golden-amis/gone.manifest.xml}\n"
#define DENIED "You do not have permission to access the storage of this ami"
#define BUCKET_NEEDS "['s3:GetBucketAcl','s3:ListBucket']"
/* All that a copy of the bundle linux/image needs, and no more. */
#define COPY_POLICY(account)                                                           \
  POLICY(STATEMENT(ROOT_OF(account), BUCKET_NEEDS, "'" GOLDEN "'") ","                 \
         STATEMENT(ROOT_OF(account), "'s3:GetObject'", "'" GOLDEN "/linux/image.*'"))

static void bundles(struct world *w, const char *top, const char *golden) {
  static char text[16384];
  snprintf(text, sizeof text, WORLD("%s", NARROW_S3, BUCKETS("%s") IMAGES), top, golden);
  world_init(w, text);
}

static int copy_in(struct world *w, const struct login *who, const char *region, const char *image, const char *more) {
  char form[300];
  snprintf(form, sizeof form, "Name=the-copy&SourceRegion=us-east-1&SourceImageId=%s%s", image, more);
  return query(w, who, "ec2", region, "CopyImage", form);
}
static int copy(struct world *w, const char *image) {
  return copy_in(w, &target_admin, "eu-west-1", image, "");
}

static const char *describe(struct world *w, const char *image, const char *what) {
  char form[100];
  snprintf(form, sizeof form, "ImageId.1=%s", image);
  assert_done(w, query(w, &target_admin, "ec2", "eu-west-1", "DescribeImages", form));
  return element(w, what);
}

TEST(a_bundle_is_copied_once_the_bucket_policy_lets_every_part_be_read) {
  static const char *const too_little[] = {
      POLICY(STATEMENT(ROOT_OF(TARGET), BUCKET_NEEDS, "'" GOLDEN "'")),
      POLICY(STATEMENT(ROOT_OF(TARGET), "'s3:GetObject'", "'" GOLDEN "/linux/image.*'")),
      POLICY(STATEMENT(ROOT_OF(TARGET), BUCKET_NEEDS, "'" GOLDEN "'") ","
             STATEMENT(ROOT_OF(TARGET), "'s3:GetObject'", "'" GOLDEN "/linux/image.manifest.xml'")),
      POLICY(STATEMENT(ROOT_OF(TARGET), BUCKET_NEEDS, "'" GOLDEN "'") ","
             STATEMENT(ROOT_OF(TARGET), "'s3:GetObject'", "'" GOLDEN "/linux/image.part.*'")),
      COPY_POLICY(SOURCE),
  };
  struct world w;
  bundles(&w, "", "");
  assert_refused(&w, copy(&w, "ami-00000001"), 400, "InvalidRequest");
  for (size_t i = 0; i < COUNT(too_little); i++) {
    assert_status(&w, put_policy(&w, &source_admin, "golden-amis", too_little[i]), 204);
    assert_refused(&w, copy(&w, "ami-00000001"), 400, "InvalidRequest");
    assert_string_equal(w.message, DENIED);
  }
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis", COPY_POLICY(TARGET)), 204);
  assert_done(&w, copy(&w, "ami-00000001"));
  world_done(&w);
}

TEST(where_the_world_says_so_the_objects_alone_are_enough) {
  struct world w;
  bundles(&w, "uncertain: {copy_reads_source_bucket: false}\n", "");
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis", POLICY(STATEMENT(ROOT_OF(TARGET), "'s3:GetObject'", "'" GOLDEN "/linux/*'"))), 204);
  assert_done(&w, copy(&w, "ami-00000001"));
  world_done(&w);
}

TEST(lists_of_the_bucket_and_its_objects_open_a_bundle_too) {
  struct world w;
  char id[65], value[200];
  bundles(&w, "", "        readers: ['" TARGET "']\n");
  assert_refused(&w, copy(&w, "ami-00000001"), 400, "InvalidRequest");
  cs_s3_canonical_id(TARGET, id);
  snprintf(value, sizeof value, "id=%s", id);
  static const char *const keys[] = {"image.manifest.xml", "image.part.00", "image.part.01"};
  for (size_t i = 0; i < COUNT(keys); i++) {
    char path[100];
    snprintf(path, sizeof path, "/golden-amis/linux/%s", keys[i]);
    struct s3_sending s = {.who = &source_admin, .method = "PUT", .path = path, .query = "acl=", .more = {{"x-amz-grant-read", value}}};
    assert_refused(&w, copy(&w, "ami-00000001"), 400, "InvalidRequest");
    assert_done(&w, send_s3(&w, &s));
  }
  assert_done(&w, copy(&w, "ami-00000001"));
  world_done(&w);
}

TEST(a_bucket_without_lists_or_without_the_manifest_breaks_the_copy_for_everyone) {
  struct world w;
  bundles(&w, "", "");
  assert_refused(&w, copy(&w, "ami-00000002"), 400, "InvalidRequest");
  assert_string_equal(w.message, DENIED);
  assert_refused(&w, copy_in(&w, &source_admin, "us-east-1", "ami-00000002", ""), 400, "InvalidRequest");
  assert_refused(&w, copy_in(&w, &source_admin, "us-east-1", "ami-00000004", ""), 400, "InvalidRequest");
  assert_done(&w, copy_in(&w, &source_admin, "us-east-1", "ami-00000001", "")); /* an owner needs nobody's leave */
  world_done(&w);
}

TEST(readers_that_the_world_names_are_enough_where_it_has_no_bucket) {
  struct world w;
  bundles(&w, "", "");
  assert_done(&w, copy(&w, "ami-00000003"));
  assert_contains(describe(&w, element(&w, "imageId"), "imageLocation"), "amis-for-" TARGET "-in-eu-west-1-");
  world_done(&w);
}

TEST(the_copy_takes_its_time_and_lies_in_a_bucket_that_is_used_again) {
  struct world w;
  char first[64], second[64], location[300], what[400];
  bundles(&w, "latencies: {copy_min: 3, copy_start: 1, image_registration: 2}\n", "");
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis", COPY_POLICY(TARGET)), 204);
  assert_done(&w, copy_in(&w, &target_admin, "eu-west-1", "ami-00000001", "&Encrypted=true&KmsKeyId=alias/nowhere"));
  snprintf(first, sizeof first, "%s", element(&w, "imageId"));
  snprintf(location, sizeof location, "%s", describe(&w, first, "imageLocation"));
  assert_string_equal(element(&w, "imageState"), "pending");
  assert_contains(location, "amis-for-" TARGET "-in-eu-west-1-");
  w.now_ms += 5999;
  assert_string_equal(describe(&w, first, "imageState"), "pending");
  w.now_ms += 1;
  assert_string_equal(describe(&w, first, "imageState"), "available");
  assert_string_equal(element(&w, "rootDeviceType"), "instance-store");
  assert_string_equal(element(&w, "imageOwnerId"), TARGET);
  snprintf(what, sizeof what, "GET /%s", location);
  assert_done(&w, s3_in(&w, &target_admin, "eu-west-1", what, NULL));
  assert_string_equal(s3_body(&w), "<manifest>linux</manifest>");
  snprintf(what, sizeof what, "GET /%s?acl=", location);
  assert_done(&w, s3_in(&w, &target_admin, "eu-west-1", what, NULL));
  assert_contains(s3_body(&w), "<Permission>READ</Permission>"); /* EC2's own */
  assert_done(&w, copy_in(&w, &target_admin, "eu-west-1", "ami-00000001", "&Description=again"));
  snprintf(second, sizeof second, "%s", element(&w, "imageId"));
  w.now_ms += 6000;
  const char *again = describe(&w, second, "imageLocation");
  assert_int_equal(strcspn(again, "/"), strcspn(location, "/"));
  assert_memory_equal(again, location, strcspn(location, "/"));
  snprintf(what, sizeof what, "GET /%.*s?list-type=2", (int)strcspn(location, "/"), location);
  assert_done(&w, s3_in(&w, &target_admin, "eu-west-1", what, NULL));
  assert_string_equal(element(&w, "KeyCount"), "6");
  snprintf(location, sizeof location, "ImageId=%s", second);
  assert_done(&w, query(&w, &target_admin, "ec2", "eu-west-1", "DeregisterImage", location));
  assert_done(&w, s3_in(&w, &target_admin, "eu-west-1", what, NULL));
  assert_string_equal(element(&w, "KeyCount"), "6"); /* the files stay */
  world_done(&w);
}

TEST(bytes_set_the_pace_of_a_bundle) {
  struct world w;
  bundles(&w, "latencies: {copy_min: 0, copy_mib_per_s: 0.1, image_registration: 0}\n", "");
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis", COPY_POLICY(TARGET)), 204);
  assert_done(&w, copy(&w, "ami-00000001"));
  char image[64];
  snprintf(image, sizeof image, "%s", element(&w, "imageId"));
  w.now_ms += 9999;
  assert_string_equal(describe(&w, image, "imageState"), "pending");
  w.now_ms += 2;
  assert_string_equal(describe(&w, image, "imageState"), "available");
  world_done(&w);
}

static json_t *audited(struct world *w, const char *member) {
  json_t *audit = cs_sim_audit(w->sim, w->now_ms), *list = json_incref(json_object_get(audit, member));
  json_decref(audit);
  return list;
}
static size_t length_of(struct world *w, const char *member) {
  json_t *list = audited(w, member);
  size_t n = json_array_size(list);
  json_decref(list);
  return n;
}

TEST(a_bundle_that_is_closed_under_its_copy_fails_it_and_one_closed_afterwards_does_not) {
  struct world w;
  char image[64];
  bundles(&w, "latencies: {copy_min: 10, image_registration: 5}\n", "");
  for (int late = 0; late < 2; late++) {
    assert_status(&w, put_policy(&w, &source_admin, "golden-amis", COPY_POLICY(TARGET)), 204);
    assert_done(&w, copy(&w, "ami-00000001"));
    snprintf(image, sizeof image, "%s", element(&w, "imageId"));
    w.now_ms += late ? 11000 : 9000;
    assert_status(&w, s3(&w, &source_admin, "DELETE /golden-amis?policy=", NULL), 204);
    w.now_ms += 6000;
    assert_string_equal(describe(&w, image, "imageState"), late ? "available" : "failed");
    assert_int_equal(length_of(&w, "hazards"), 1);
  }
  world_done(&w);
}

TEST(the_caller_needs_leave_of_his_own_for_the_bucket_of_the_copies) {
  static const char *const needs[] = {"s3:ListAllMyBuckets", "s3:CreateBucket", "s3:PutBucketOwnershipControls", "s3:GetBucketAcl",
                                      "s3:PutObject", "s3:PutObjectAcl"};
  static char text[16384];
  for (size_t i = 0; i < COUNT(needs); i++) {
    struct world w;
    char narrow[300];
    snprintf(narrow, sizeof narrow, "[{Effect: Allow, Action: '*', Resource: '*'}, {Effect: Deny, Action: '%s', Resource: '*', Condition: "
             "{StringEquals: {'aws:RequestedRegion': eu-west-1}}}]", needs[i]);
    snprintf(text, sizeof text, WORLD("", "%s", BUCKETS("") IMAGES), narrow);
    world_init(&w, text);
    assert_status(&w, put_policy(&w, &source_admin, "golden-amis", COPY_POLICY(TARGET)), 204);
    assert_refused(&w, copy_in(&w, &target_narrow, "eu-west-1", "ami-00000001", ""), 403, "UnauthorizedOperation");
    assert_contains(w.message, needs[i]);
    assert_refused(&w, copy_in(&w, &target_narrow, "eu-west-1", "ami-00000001", "&DryRun=true"), 403, "UnauthorizedOperation");
    assert_done(&w, copy(&w, "ami-00000001")); /* another makes the bucket: then it need not be made */
    bool makes = strstr(needs[i], "CreateBucket") || strstr(needs[i], "OwnershipControls");
    assert_int_equal(copy_in(&w, &target_narrow, "eu-west-1", "ami-00000001", "&Description=2"), makes ? 200 : 403);
    world_done(&w);
  }
}

/* ---- the audit ---- */

#define WORLD_POLICY                                                                                             \
  "        policy: {Version: '2012-10-17', Statement: [{Sid: old, Effect: Allow, Principal: {AWS: '" TARGET     \
  "'}, Action: 's3:ListBucket', Resource: '" GOLDEN "'}]}\n"
#define OLD_STATEMENT "{'Sid':'old','Effect':'Allow','Principal':{'AWS':'" TARGET "'},'Action':'s3:ListBucket','Resource':'" GOLDEN "'}"

static const char *field(json_t *list, const char *name) {
  const char *text = json_string_value(json_object_get(json_array_get(list, 0), name));
  return text ? text : "";
}

TEST(the_audit_tells_statements_that_were_added_and_those_that_are_gone) {
  struct world w;
  bundles(&w, "", WORLD_POLICY);
  assert_int_equal(length_of(&w, "shares_open") + length_of(&w, "shares_lost"), 0);
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis",
                               POLICY(OLD_STATEMENT "," STATEMENT(ROOT_OF(TARGET), "'s3:GetObject'", "'" GOLDEN "/*'"))), 204);
  json_t *open = audited(&w, "shares_open");
  assert_int_equal(json_array_size(open), 1);
  assert_string_equal(field(open, "resource"), "golden-amis");
  assert_string_equal(field(open, "account"), SOURCE);
  assert_string_equal(field(open, "region"), "us-east-1");
  assert_string_equal(field(open, "kind"), "policyStatement");
  assert_string_equal(field(open, "to"), "arn:aws:iam::" TARGET ":root");
  assert_contains(field(open, "what"), "s3:GetObject");
  json_decref(open);
  assert_int_equal(length_of(&w, "shares_lost"), 0);
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis", POLICY(OLD_STATEMENT)), 204);
  assert_int_equal(length_of(&w, "shares_open") + length_of(&w, "shares_lost"), 0);
  assert_status(&w, s3(&w, &source_admin, "DELETE /golden-amis?policy=", NULL), 204);
  assert_int_equal(length_of(&w, "shares_lost"), 1);
  assert_int_equal(length_of(&w, "shares_open"), 0);
  world_done(&w);
}

TEST(the_audit_counts_a_statement_that_stands_there_twice) {
  struct world w;
  bundles(&w, "", WORLD_POLICY);
  assert_status(&w, put_policy(&w, &source_admin, "golden-amis",
                               POLICY(STATEMENT(ROOT_OF(TARGET), "'s3:GetObject'", "'" GOLDEN "/*'") "," OLD_STATEMENT ","
                                      STATEMENT(ROOT_OF(TARGET), "'s3:GetObject'", "'" GOLDEN "/*'"))), 204);
  assert_int_equal(length_of(&w, "shares_open"), 2);
  world_done(&w);
}

TEST(the_audit_tells_grants_of_lists_by_account) {
  struct world w;
  char id[65], value[200];
  bundles(&w, "", "        readers: ['" TARGET "']\n");
  cs_s3_canonical_id(TARGET, id);
  snprintf(value, sizeof value, "id=%s", id);
  struct s3_sending s = {.who = &source_admin, .method = "PUT", .path = "/golden-amis/windows/one", .query = "acl=",
                         .more = {{"x-amz-acl", "aws-exec-read"}}};
  assert_done(&w, send_s3(&w, &s));
  assert_int_equal(length_of(&w, "shares_open"), 1);
  s.more[0] = (struct s3_header){"x-amz-grant-read", value};
  assert_done(&w, send_s3(&w, &s));
  json_t *open = audited(&w, "shares_open");
  assert_string_equal(field(open, "resource"), "golden-amis/windows/one");
  assert_string_equal(field(open, "kind"), "aclGrant");
  assert_string_equal(field(open, "to"), TARGET);
  assert_string_equal(field(open, "what"), "READ");
  json_decref(open);
  assert_int_equal(length_of(&w, "shares_lost"), 1); /* the owner's own */
  s = (struct s3_sending){.who = &source_admin, .method = "PUT", .path = "/golden-amis", .query = "acl=", .more = {{"x-amz-acl", "private"}}};
  assert_done(&w, send_s3(&w, &s));
  assert_int_equal(length_of(&w, "shares_lost"), 3); /* and the world's READ and READ_ACP */
  world_done(&w);
}

TEST(what_ec2_itself_puts_into_buckets_is_no_share_of_the_clients) {
  struct world w;
  bundles(&w, "", "");
  assert_done(&w, copy(&w, "ami-00000003"));
  w.now_ms += 3600000;
  assert_int_equal(length_of(&w, "shares_open") + length_of(&w, "shares_lost"), 0);
  world_done(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bundle_is_copied_once_the_bucket_policy_lets_every_part_be_read),
      cmocka_unit_test(where_the_world_says_so_the_objects_alone_are_enough),
      cmocka_unit_test(lists_of_the_bucket_and_its_objects_open_a_bundle_too),
      cmocka_unit_test(a_bucket_without_lists_or_without_the_manifest_breaks_the_copy_for_everyone),
      cmocka_unit_test(readers_that_the_world_names_are_enough_where_it_has_no_bucket),
      cmocka_unit_test(the_copy_takes_its_time_and_lies_in_a_bucket_that_is_used_again),
      cmocka_unit_test(bytes_set_the_pace_of_a_bundle),
      cmocka_unit_test(a_bundle_that_is_closed_under_its_copy_fails_it_and_one_closed_afterwards_does_not),
      cmocka_unit_test(the_caller_needs_leave_of_his_own_for_the_bucket_of_the_copies),
      cmocka_unit_test(the_audit_tells_statements_that_were_added_and_those_that_are_gone),
      cmocka_unit_test(the_audit_counts_a_statement_that_stands_there_twice),
      cmocka_unit_test(the_audit_tells_grants_of_lists_by_account),
      cmocka_unit_test(what_ec2_itself_puts_into_buckets_is_no_share_of_the_clients),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
