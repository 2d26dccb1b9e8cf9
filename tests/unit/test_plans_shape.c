/* plans/shape.h and plans/attribute.h: what has the shape of AWS's words, and what only looks like it. */
#include "tests/unit/test.h"

#include "plans/attribute.h"
#include "plans/shape.h"

static void check_all(enum af_shape shape, bool fits, const char *const *texts) {
  for (; *texts; texts++)
    if (af_shape_fits(shape, af_str(*texts)) != fits)
      fail_msg("\"%s\" %s %s", *texts, fits ? "should be" : "should not be", af_shape_name(shape));
}
#define FITS(shape, ...) check_all(shape, true, (const char *const[]){__VA_ARGS__, NULL})
#define FAILS(shape, ...) check_all(shape, false, (const char *const[]){"", __VA_ARGS__, NULL})

/* len times c, behind a prefix. */
static struct af_str run_of(char *out, const char *prefix, char c, size_t len) {
  size_t n = strlen(prefix);
  memcpy(out, prefix, n);
  memset(out + n, c, len);
  return af_str_n(out, n + len);
}

TEST(account_ids_are_twelve_digits) {
  FITS(AF_SHAPE_ACCOUNT, "111122223333", "000000000000");
  FAILS(AF_SHAPE_ACCOUNT, "11112222333", "1111222233334", "11112222333a", " 11112222333", "1111-2222-33");
}

TEST(regions_have_two_words_and_a_number) {
  FITS(AF_SHAPE_REGION, "us-east-1", "eu-central-2", "us-gov-west-1", "us-isob-east-1", "eusc-de-east-1", "cn-north-1",
       "ap-southeast-12");
  FAILS(AF_SHAPE_REGION, "us-east", "us-east-", "us-east-1a", "US-east-1", "u-east-1", "us--1", "-us-east-1", "us-1", "useast1",
        "us-ea5t-1", "us-east-1-", "us east-1", "aa-aaaaaaaaaaaaaaaaaaaaaaaaaaa-1");
  FITS(AF_SHAPE_REGION, "aa-aaaaaaaaaaaaaaaaaaaaaaaaaa-1");
}

TEST(ami_ids_have_8_or_17_hexadecimal_digits) {
  FITS(AF_SHAPE_IMAGE, "ami-01234567", "ami-0123456789abcdef0");
  FAILS(AF_SHAPE_IMAGE, "ami-", "ami-0123456", "ami-012345678", "ami-0123456789abcdef", "ami-0123456789abcdef01",
        "ami-0123456789ABCDEF0", "ami-0123456789abcdefg", "aki-01234567", "0123456789abcdef0");
}

TEST(role_arns_name_a_role_of_an_account) {
  char long_name[128];
  FITS(AF_SHAPE_ROLE_ARN, "arn:aws:iam::111122223333:role/x", "arn:aws-us-gov:iam::111122223333:role/a/b/c_+=,.@-d");
  FAILS(AF_SHAPE_ROLE_ARN, "arn:aws:iam::111122223333:role/", "arn:aws:iam::111122223333:role",
        "arn:aws:iam::111122223333:user/x", "arn:aws:iam::1111:role/x", "arn:aws:iam:us-east-1:111122223333:role/x",
        "arn:aws:sts::111122223333:role/x", "arn:aws:iam::111122223333:role/a/", "arn:aws:iam::111122223333:role/a b",
        "arn:aws:iam::111122223333:role/a b/c", "arn:foo:iam::111122223333:role/x", "arn:aws:iam::111122223333", "role/x",
        "arn::::", "arn:aws:iam::111122223333:role/x:y");
  assert_true(af_shape_fits(AF_SHAPE_ROLE_ARN, run_of(long_name, "arn:aws:iam::111122223333:role/", 'x', 64)));
  assert_false(af_shape_fits(AF_SHAPE_ROLE_ARN, run_of(long_name, "arn:aws:iam::111122223333:role/", 'x', 65)));
}

TEST(external_ids_have_2_to_1224_of_their_characters) {
  char text[1300];
  FITS(AF_SHAPE_EXTERNAL_ID, "ab", "00", "a_+=,.@:/-Z9");
  FAILS(AF_SHAPE_EXTERNAL_ID, "a", "a b", "a#b", "\xC3\xA9\xC3\xA9");
  assert_true(af_shape_fits(AF_SHAPE_EXTERNAL_ID, run_of(text, "", 'x', 1224)));
  assert_false(af_shape_fits(AF_SHAPE_EXTERNAL_ID, run_of(text, "", 'x', 1225)));
}

TEST(kms_keys_are_ids_aliases_and_their_arns) {
#define UUID "01234567-89ab-cdef-0123-456789abcdef"
  FITS(AF_SHAPE_KMS_KEY, UUID, "mrk-0123456789abcdef0123456789abcdef", "alias/amis", "alias/aws/ebs", "alias/a_b-C/9",
       "arn:aws:kms:eu-west-1:111122223333:key/" UUID,
       "arn:aws:kms:eu-west-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef",
       "arn:aws-cn:kms:cn-north-1:111122223333:alias/amis");
  FAILS(AF_SHAPE_KMS_KEY, "amis", "alias/", "alias/a b", "01234567-89AB-cdef-0123-456789abcdef",
        "01234567-89ab-cdef-0123-456789abcde", UUID "-0", "0123456789abcdef0123456789abcdef", "mrk-0123", "key/" UUID,
        "arn:aws:kms:eu-west-1:111122223333:" UUID, "arn:aws:kms::111122223333:key/" UUID, "arn:aws:kms:eu-west-1::key/" UUID,
        "arn:aws:s3:eu-west-1:111122223333:key/" UUID);
}

TEST(image_names_have_3_to_128_of_their_characters) {
  char text[200];
  FITS(AF_SHAPE_IMAGE_NAME, "abc", "AZaz09", "web (1) [x] a/b-c'd@e_f.g");
  FAILS(AF_SHAPE_IMAGE_NAME, "ab", "a*b", "a:b", "a\tb", "a,b", "caf\xC3\xA9");
  assert_true(af_shape_fits(AF_SHAPE_IMAGE_NAME, run_of(text, "", 'x', 128)));
  assert_false(af_shape_fits(AF_SHAPE_IMAGE_NAME, run_of(text, "", 'x', 129)));
}

TEST(templates_of_names_have_braces_too) {
  FITS(AF_SHAPE_NAME_TEMPLATE, "abc", "{name}", "web-{date} (1)", "{xy");
  FAILS(AF_SHAPE_NAME_TEMPLATE, "ab", "a*b", "{name}*", "a}b");
}

TEST(ids_of_subnets_and_instance_types_look_like_ec2s) {
  FITS(AF_SHAPE_SUBNET, "subnet-01234567", "subnet-0123456789abcdef0");
  FAILS(AF_SHAPE_SUBNET, "subnet-", "ami-01234567", "subnet-0123456", "subnet-0123456789ABCDEF0");
  FITS(AF_SHAPE_INSTANCE_TYPE, "t3.small", "u-6tb1.112xlarge", "mac2-m2.metal", "x2iedn.metal-48xl");
  FAILS(AF_SHAPE_INSTANCE_TYPE, "t3", "t3.", ".small", "t3.small.x", "t3 small", "t3.sm all", "aaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbb");
}

TEST(words_are_taken_as_they_are_spelled) {
  FITS(AF_SHAPE_ON_EXISTING, "adopt", "skip", "fail", "suffix");
  FAILS(AF_SHAPE_ON_EXISTING, "Adopt", "adopts", "adop");
  FITS(AF_SHAPE_PROTECTION, "keep", "none", "enabled", "enabled-with-cooldown");
  FAILS(AF_SHAPE_PROTECTION, "disabled", "enabled-without-cooldown");
  FITS(AF_SHAPE_CREDENTIALS, "none");
  FAILS(AF_SHAPE_CREDENTIALS, "default");
  FITS(AF_SHAPE_OWNER, "111122223333", "amazon", "aws-marketplace", "aws-backup-vault");
  FAILS(AF_SHAPE_OWNER, "self", "11112222333", "microsoft");
}

TEST(times_of_deprecation_are_words_dates_and_days) {
  FITS(AF_SHAPE_DEPRECATION, "keep", "none", "1d", "365d", "3650d", "2027-06-30", "2027-06-30T12:00:00Z",
       "2027-06-30T12:00:00.000+02:00", "2028-02-29");
  FAILS(AF_SHAPE_DEPRECATION, "never", "0d", "3651d", "d", "-1d", "1.5d", "365", "365D", "20270630", "2027-6-30", "2027-02-29",
        "2027-06-30T25:00:00Z", "30.06.2027", "Mon, 23 Nov 2026 06:29:00 GMT", "2027-06", "00001d");
}

TEST(organizations_and_their_units_are_full_arns) {
#define OF_ORG "arn:aws:organizations::111122223333:"
  FITS(AF_SHAPE_ORGANIZATION, OF_ORG "organization/o-abcdefghij", "arn:aws-us-gov:organizations::111122223333:organization/o-0123456789");
  FAILS(AF_SHAPE_ORGANIZATION, "o-abcdefghij", OF_ORG "organization/o-abcdefghi", OF_ORG "organization/o-ABCDEFGHIJ",
        OF_ORG "organization/", OF_ORG "ou/o-abcdefghij/ou-ab12-abcdefgh", OF_ORG "organization/o-abcdefghij/x",
        "arn:aws:organizations:us-east-1:111122223333:organization/o-abcdefghij", "arn:aws:iam::111122223333:organization/o-abcdefghij",
        "arn:aws:organizations::aws:organization/o-abcdefghij");
  FITS(AF_SHAPE_UNIT, OF_ORG "ou/o-abcdefghij/ou-ab12-abcdefgh");
  FAILS(AF_SHAPE_UNIT, OF_ORG "ou/o-abcdefghij", OF_ORG "ou/ou-ab12-abcdefgh", OF_ORG "ou/o-abcdefghij/ou-ab12",
        OF_ORG "ou/o-abcdefghij/ou-ab1-abcdefgh", OF_ORG "ou/o-abcdefghij/ou-ab12-abcdefg", OF_ORG "ou/o-abcdefghij/r-ab12",
        OF_ORG "ou/o-abcdefghij/ou-ab12-abcdefgh/x", OF_ORG "organization/o-abcdefghij");
}

TEST(descriptions_are_one_line_of_255_characters) {
  char text[600];
  FITS(AF_SHAPE_DESCRIPTION, "x", "caf\xC3\xA9 *:!");
  FAILS(AF_SHAPE_DESCRIPTION, "a\nb", "a\x7F", "\ta");
  assert_true(af_shape_fits(AF_SHAPE_DESCRIPTION, run_of(text, "", 'x', 255)));
  assert_false(af_shape_fits(AF_SHAPE_DESCRIPTION, run_of(text, "", 'x', 256)));
  for (size_t i = 0; i < 255; i++)
    memcpy(text + 2 * i, "\xC3\xA9", 2);
  assert_true(af_shape_fits(AF_SHAPE_DESCRIPTION, af_str_n(text, 510)));
}

TEST(tags_have_their_lengths_and_prefixes) {
  char text[300];
  FITS(AF_SHAPE_TAG_KEY, "team", "a:b", "ec2:SharedTag/x", "awsome", "\xC3\xA9");
  FAILS(AF_SHAPE_TAG_KEY, "aws:x", "AWS:x", "aWs:", "amiferry:copy", "Amiferry:x");
  assert_true(af_shape_fits(AF_SHAPE_TAG_KEY, run_of(text, "", 'x', 127)));
  assert_false(af_shape_fits(AF_SHAPE_TAG_KEY, run_of(text, "", 'x', 128)));
  assert_true(af_shape_fits(AF_SHAPE_TAG_VALUE, af_str("")));
  assert_true(af_shape_fits(AF_SHAPE_TAG_VALUE, run_of(text, "", 'x', 256)));
  assert_false(af_shape_fits(AF_SHAPE_TAG_VALUE, run_of(text, "", 'x', 257)));
}

TEST(profiles_are_what_a_section_header_can_hold) {
  FITS(AF_SHAPE_PROFILE, "default", "my profile", "\xC3\xA9");
  char text[300];
  FAILS(AF_SHAPE_PROFILE, "a]b", "a\nb", "\ta", "a\x7F");
  assert_true(af_shape_fits(AF_SHAPE_PROFILE, run_of(text, "", 'x', 256)));
  assert_false(af_shape_fits(AF_SHAPE_PROFILE, run_of(text, "", 'x', 257)));
}

TEST(an_arn_is_split_at_its_first_five_colons) {
  struct af_arn arn;
  assert_true(af_arn_split(af_str("arn:aws:kms:eu-west-1:111122223333:key/a:b"), &arn));
  assert_str_equal(arn.partition, "aws");
  assert_str_equal(arn.service, "kms");
  assert_str_equal(arn.region, "eu-west-1");
  assert_str_equal(arn.account, "111122223333");
  assert_str_equal(arn.resource, "key/a:b");
  assert_false(af_arn_split(af_str("arn:aws:kms:eu-west-1:111122223333:"), &arn));
  assert_false(af_arn_split(af_str("arn:aws:kms:eu-west-1:111122223333"), &arn));
  assert_false(af_arn_split(af_str(""), &arn));
}

TEST(every_shape_says_what_it_is_and_what_to_write) {
  for (int s = 0; s < AF_SHAPE_MAX_; s++)
    assert_true(*af_shape_name(s) && strlen(af_shape_write(s)) > 10);
}

TEST(some_attributes_may_differ_and_identity_and_storage_never) {
  static const char *const may[] = {"imdsSupport",
                                    "tag",
                                    "tag[team]",
                                    "tag[a[b]c]",
                                    "snapshotTag",
                                    "snapshotTag[/dev/xvda][team]",
                                    "deprecationTime",
                                    "deregistrationProtection",
                                    "launchPermission[111122223333]",
                                    "snapshotPermission[/dev/xvda][111122223333]",
                                    "watermark[golden]",
                                    "productCode",
                                    "blockDeviceMapping.volumeType",
                                    "blockDeviceMapping[/dev/xvda].volumeType",
                                    "uefiData"};
  static const char *const never[] = {"",
                                      "ownerId",
                                      "state",
                                      "name",
                                      "architecture",
                                      "snapshot[/dev/xvda].kmsKeyId",
                                      "snapshot.encrypted",
                                      "blockDeviceMapping",
                                      "blockDeviceMapping[/dev/xvda]",
                                      "blockDeviceMapping.volumeSize",
                                      "blockDeviceMapping.encrypted",
                                      "tags",
                                      "[x]",
                                      "imds",
                                      "blockDeviceMapping.volumeType.x"};
  for (size_t i = 0; i < COUNT(may); i++)
    if (!af_attribute_may_differ(af_str(may[i])))
      fail_msg("%s", may[i]);
  for (size_t i = 0; i < COUNT(never); i++)
    if (af_attribute_may_differ(af_str(never[i])))
      fail_msg("%s", never[i]);
}

TEST(a_named_attribute_covers_itself_or_all_of_its_kind) {
  static const struct {
    const char *named, *attribute;
    bool covers;
  } rows[] = {
      {"imdsSupport", "imdsSupport", true},
      {"imdsSupport", "tpmSupport", false},
      {"tag", "tag[team]", true},
      {"tag[team]", "tag[team]", true},
      {"tag[team]", "tag[other]", false},
      {"tag[team]", "tag", false},
      {"blockDeviceMapping.iops", "blockDeviceMapping[/dev/sda1].iops", true},
      {"blockDeviceMapping[/dev/sda1].iops", "blockDeviceMapping[/dev/sda1].iops", true},
      {"blockDeviceMapping[/dev/sda1].iops", "blockDeviceMapping[/dev/sdb].iops", false},
      {"blockDeviceMapping.iops", "blockDeviceMapping[/dev/sda1].throughput", false},
      {"snapshotTag", "snapshotTag[/dev/xvda][team]", true},
      {"snapshotTag[/dev/xvda][team]", "snapshotTag[/dev/xvdb][team]", false},
      {"tag", "snapshotTag[/dev/xvda][team]", false},
      {"launchPermission", "launchPermission[111122223333]", true},
      {"ownerId", "ownerId", false},
  };
  for (size_t i = 0; i < COUNT(rows); i++)
    if (af_attribute_covers(af_str(rows[i].named), af_str(rows[i].attribute)) != rows[i].covers)
      fail_msg("%s and %s", rows[i].named, rows[i].attribute);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(account_ids_are_twelve_digits),
      cmocka_unit_test(regions_have_two_words_and_a_number),
      cmocka_unit_test(ami_ids_have_8_or_17_hexadecimal_digits),
      cmocka_unit_test(role_arns_name_a_role_of_an_account),
      cmocka_unit_test(external_ids_have_2_to_1224_of_their_characters),
      cmocka_unit_test(kms_keys_are_ids_aliases_and_their_arns),
      cmocka_unit_test(image_names_have_3_to_128_of_their_characters),
      cmocka_unit_test(templates_of_names_have_braces_too),
      cmocka_unit_test(ids_of_subnets_and_instance_types_look_like_ec2s),
      cmocka_unit_test(words_are_taken_as_they_are_spelled),
      cmocka_unit_test(times_of_deprecation_are_words_dates_and_days),
      cmocka_unit_test(organizations_and_their_units_are_full_arns),
      cmocka_unit_test(descriptions_are_one_line_of_255_characters),
      cmocka_unit_test(tags_have_their_lengths_and_prefixes),
      cmocka_unit_test(profiles_are_what_a_section_header_can_hold),
      cmocka_unit_test(an_arn_is_split_at_its_first_five_colons),
      cmocka_unit_test(every_shape_says_what_it_is_and_what_to_write),
      cmocka_unit_test(some_attributes_may_differ_and_identity_and_storage_never),
      cmocka_unit_test(a_named_attribute_covers_itself_or_all_of_its_kind),
  };
  return cmocka_run_group_tests_name("plans/shape", tests, NULL, NULL);
}
