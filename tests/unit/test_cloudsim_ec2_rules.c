/* cloudsim: what holds for every EC2 call: parameters, token buckets, reads that lag, DryRun, tags, settings, Regions. Sections 2.1,
 * 2.5, 6.2 to 6.4, 8. */
#include "tests/unit/cloudsim_ec2.h"

#define IMAGES "Action=DescribeImages"
#define TAG "Action=CreateTags&ResourceId.1=ami-00000001&Tag.1.Key="

/* --- parameters and replies --- */

TEST(an_action_that_is_not_ec2s_is_invalid) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, "Action=DescribeUnicorns"), "InvalidAction", "DescribeUnicorns");
}

TEST(parameters_are_known_needed_and_of_their_type) {
  static const struct {
    const char *form, *code, *part;
  } bad[] = {
      {IMAGES "&Colour=red", "UnknownParameter", "The parameter Colour is not recognized"},
      {IMAGES "&ImageId.x=red", "UnknownParameter", "ImageId.x"},
      {IMAGES "&ImageId.1.y=red", "UnknownParameter", "ImageId.1.y"},
      {IMAGES "&imageId.1=red", "UnknownParameter", "imageId.1"},
      {IMAGES "&MaxResults=few", "InvalidParameterValue", "few"},
      {IMAGES "&IncludeDisabled=perhaps", "InvalidParameterValue", "perhaps"},
      {"Action=CopyImage&Name=abc&SourceImageId=ami-00000001", "MissingParameter", "The request must contain the parameter SourceRegion"},
      {"Action=CreateTags&Tag.1.Key=a", "MissingParameter", "The request must contain the parameter ResourceId"},
      {"Action=DeleteSnapshot&SnapshotId=", "MissingParameter", "SnapshotId"},
  };
  WORLD(w, "", "");
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_refused(w, call_as(w, SOURCE, bad[i].form), bad[i].code, bad[i].part);
}

TEST(a_reply_is_one_line_of_xml_in_ec2s_namespace) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, "Action=GetEbsDefaultKmsKeyId"));
  assert_string_equal(body_of(w), "<?xml version=\"1.0\" encoding=\"UTF-8\"?><GetEbsDefaultKmsKeyIdResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"
                                  "<requestId>11111111-2222-3333-4444-555555555555</requestId><kmsKeyId>alias/aws/ebs</kmsKeyId></GetEbsDefaultKmsKeyIdResponse>");
  assert_contains(af_buf_cstr(&w->reply.headers), "Content-Type: text/xml;charset=UTF-8");
  assert_refused(w, call_as(w, SOURCE, "Action=DeleteSnapshot&SnapshotId=%3Csnap%26%3E"), "InvalidSnapshotID.Malformed", "<snap&>");
  assert_string_equal(body_of(w), "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Errors><Error><Code>InvalidSnapshotID.Malformed</Code>"
                                  "<Message>Invalid id: &quot;&lt;snap&amp;&gt;&quot; (expecting &quot;snap-...&quot;)</Message></Error></Errors>"
                                  "<RequestID>11111111-2222-3333-4444-555555555555</RequestID></Response>");
}

TEST(a_region_that_is_not_enabled_knows_no_credentials) {
  WORLD(w, "", "");
  assert_refused(w, call_in(w, SOURCE, "ap-east-1", IMAGES), "AuthFailure", "");
  assert_int_equal(w->reply.status, 401);
  assert_refused(w, call_as(w, SOURCE, "Action=CopyImage&Name=abc&SourceImageId=ami-00000001&SourceRegion=ap-east-1"), "OptInRequired", "");
  assert_refused(w, call_as(w, SOURCE, "Action=CopyImage&Name=abc&SourceImageId=ami-00000001&SourceRegion=mars-1"), "InvalidRegion", "mars-1");
}

/* --- token buckets --- */

/* How many calls at one moment, until one is throttled. */
static int burst(struct world *w, const char *account, const char *form) {
  for (int n = 0; n < 1000; n++) {
    call_as(w, account, form);
    if (af_streq(w->code, "RequestLimitExceeded")) {
      assert_int_equal(w->reply.status, 503);
      return n;
    }
  }
  return -1;
}

TEST(each_api_has_its_bucket_and_its_refill) {
  static const struct {
    const char *form;
    int capacity, refill;
  } apis[] = {
      {"Action=CopyImage&Name=a&SourceRegion=x&SourceImageId=y", 100, 1},
      {"Action=CopySnapshot&SourceRegion=x&SourceSnapshotId=y", 50, 5},
      {"Action=RegisterImage&Name=a", 50, 5},
      {"Action=CreateTags&ResourceId.1=a&Tag.1.Key=b", 100, 10},
      {"Action=DeleteSnapshot&SnapshotId=a", 100, 5},
      {"Action=ModifySnapshotAttribute&SnapshotId=a", 100, 5},
      {IMAGES "&ImageId.1=a", 100, 20},
      {"Action=DescribeSnapshots&SnapshotId.1=a", 100, 20},
      {"Action=DescribeSnapshots&Owner.1=self", 50, 10}, /* neither filtered nor paged */
  };
  WORLD(w, "", "");
  for (size_t i = 0; i < COUNT(apis); i++) {
    assert_int_equal(burst(w, SOURCE, apis[i].form), apis[i].capacity);
    assert_int_equal(burst(w, SOURCE, apis[i].form), 0);
    after_s(w, 1);
    assert_int_equal(burst(w, SOURCE, apis[i].form), apis[i].refill);
    assert_int_equal(burst(w, TARGET, apis[i].form), apis[i].capacity); /* a bucket of its own for each account */
  }
}

TEST(the_world_may_change_buckets_or_do_without) {
  WORLD(w, "quotas: {buckets: {DescribeImages: [3, 0.5]}}\n", "");
  assert_int_equal(burst(w, SOURCE, IMAGES), 3);
  after_s(w, 4);
  assert_int_equal(burst(w, SOURCE, IMAGES), 2);
  WORLD(free_, "quotas: {throttle: false}\n", "");
  assert_int_equal(burst(free_, SOURCE, "Action=RegisterImage&Name=a"), -1);
}

TEST(buckets_refill_on_the_worlds_time) {
  WORLD(w, "speed: 10\n", "");
  assert_int_equal(burst(w, SOURCE, IMAGES), 100);
  after_s(w, 1);
  assert_int_equal(burst(w, SOURCE, IMAGES), 100); /* ten of the world's seconds, 20 each, and no more than it holds */
}

/* --- reads that lag --- */

TEST(what_was_just_made_may_not_be_there_yet) {
  WORLD(w, "latencies: {read_lag: 30}\n", "");
  assert_done(w, call_as(w, SOURCE, "Action=CopyImage&Name=copied&SourceRegion=eu-west-1&SourceImageId=ami-00000001"));
  char id[64];
  AF_COPY(id, af_str(value_of(w, "imageId")));
  assert_string_equal(image_state(w, SOURCE, id), "InvalidAMIID.NotFound");
  after_s(w, 29);
  assert_string_equal(image_state(w, SOURCE, id), "InvalidAMIID.NotFound");
  assert_done(w, call_as(w, SOURCE, "Action=DescribeSnapshots&Filter.1.Name=description&Filter.1.Value.1=Copied*"));
  assert_no_body(w, "snap-");
  after_s(w, 1);
  assert_string_equal(image_state(w, SOURCE, id), "pending");
}

TEST(tags_and_permissions_lag_as_well) {
  WORLD(w, "latencies: {read_lag: 30}\n", "");
  assert_done(w, call_as(w, SOURCE, TAG "fresh"));
  share_plain(w);
  assert_done(w, call_as(w, SOURCE, IMAGES "&Filter.1.Name=tag-key&Filter.1.Value.1=fresh"));
  assert_no_body(w, "ami-");
  assert_refused(w, call_as(w, TARGET, "Action=CopyImage&Name=copied&SourceRegion=eu-west-1&SourceImageId=ami-00000001"), "InvalidAMIID.NotFound", "");
  after_s(w, 30);
  assert_done(w, call_as(w, SOURCE, IMAGES "&Filter.1.Name=tag-key&Filter.1.Value.1=fresh"));
  assert_body(w, "ami-00000001");
  assert_done(w, call_as(w, TARGET, "Action=CopyImage&Name=copied&SourceRegion=eu-west-1&SourceImageId=ami-00000001"));
}

TEST(what_was_taken_away_may_still_show) {
  WORLD(w, "latencies: {read_lag: 30}\n", "");
  assert_done(w, call_as(w, SOURCE, "Action=DeleteTags&ResourceId.1=ami-00000001&Tag.1.Key=Team"));
  assert_done(w, call_as(w, SOURCE, "Action=DeregisterImage&ImageId=ami-00000003"));
  assert_done(w, call_as(w, SOURCE, IMAGES));
  assert_body(w, "<key>Team</key>");
  assert_body(w, "<imageId>ami-00000003</imageId><imageState>available</imageState>");
  after_s(w, 30);
  assert_done(w, call_as(w, SOURCE, IMAGES));
  assert_no_body(w, "<key>Team</key>");
  assert_no_body(w, "ami-00000003");
}

/* What is set on an image that is there: by which call, and how a read shows that it was and was not. */
static const struct {
  const char *call, *attribute, *before, *after;
} settings_of_images[] = {
    {"ModifyImageAttribute&ImageId=ami-00000001&Description.Value=of+new", "description", ">of old<", ">of new<"},
    {"ModifyImageAttribute&ImageId=ami-00000001&Description.Value=of+newer", "description", ">of new<", ">of newer<"},
    {"EnableImageDeregistrationProtection&ImageId=ami-00000001", "deregistrationProtection", NULL, ">enabled-without-cooldown<"},
    {"DisableImageDeregistrationProtection&ImageId=ami-00000001", "deregistrationProtection", ">enabled-without-cooldown<", ">disabled<"},
    {"EnableImageDeprecation&ImageId=ami-00000001&DeprecateAt=2030-01-01T00:00:00Z", NULL, NULL, ">2030-01-01T00:00:00.000Z<"},
    {"DisableImageDeprecation&ImageId=ami-00000001", NULL, ">2030-01-01T00:00:00.000Z<", NULL},
};

/* In both calls that show it; there: what is shown, gone: what is not. NULL: nothing to look for. */
static void assert_shown(struct world *w, const char *attribute, const char *there, const char *gone) {
  char one[128];
  snprintf(one, sizeof one, "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=%s", attribute ? attribute : "");
  for (int i = 0; i < (attribute ? 2 : 1); i++) {
    assert_done(w, call_as(w, SOURCE, i ? one : IMAGES "&ImageId.1=ami-00000001"));
    if (there)
      assert_body(w, there);
    if (gone)
      assert_no_body(w, gone);
  }
}

TEST(what_is_set_on_an_image_lags_in_both_calls_that_show_it) {
  WORLD(w, "latencies: {read_lag: 30}\nquotas: {throttle: false}\n", "");
  for (size_t i = 0; i < COUNT(settings_of_images); i++) {
    char form[200];
    snprintf(form, sizeof form, "Action=%s", settings_of_images[i].call);
    assert_done(w, call_as(w, SOURCE, form));
    assert_shown(w, settings_of_images[i].attribute, settings_of_images[i].before, settings_of_images[i].after);
    after_s(w, 29);
    assert_shown(w, settings_of_images[i].attribute, settings_of_images[i].before, settings_of_images[i].after);
    after_s(w, 1);
    assert_shown(w, settings_of_images[i].attribute, settings_of_images[i].after, settings_of_images[i].before);
  }
}

TEST(imds_support_lags_and_a_copy_has_what_the_image_has) {
  WORLD(w, "latencies: {read_lag: 30}\n", "");
  static const char read[] = "Action=DescribeImageAttribute&ImageId=ami-00000005&Attribute=imdsSupport";
  assert_done(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000005&ImdsSupport.Value=v2.0"));
  assert_done(w, call_as(w, SOURCE, read));
  assert_no_body(w, "v2.0");
  assert_done(w, call_as(w, SOURCE, IMAGES "&ImageId.1=ami-00000005"));
  assert_no_body(w, "<imdsSupport>");
  assert_done(w, call_as(w, SOURCE, "Action=CopyImage&Name=copied&SourceRegion=eu-west-1&SourceImageId=ami-00000005"));
  after_s(w, 30);
  assert_done(w, call_as(w, SOURCE, read));
  assert_body(w, "<value>v2.0</value>");
  assert_done(w, call_as(w, SOURCE, IMAGES "&Filter.1.Name=name&Filter.1.Value.1=copied"));
  assert_body(w, "<imdsSupport>v2.0</imdsSupport>"); /* the copy is made of what the image is, not of what is shown */
}

TEST(two_changes_within_the_lag_show_one_after_the_other) {
  WORLD(w, "latencies: {read_lag: 30}\n", "");
  static const char one[] = "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=description";
  assert_done(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000001&Description.Value=second"));
  after_s(w, 10);
  assert_done(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000001&Description.Value=third"));
  assert_done(w, call_as(w, SOURCE, one));
  assert_string_equal(value_of(w, "value"), "of old");
  after_s(w, 20);
  assert_done(w, call_as(w, SOURCE, one));
  assert_string_equal(value_of(w, "value"), "second");
  assert_done(w, call_as(w, SOURCE, IMAGES "&Filter.1.Name=description&Filter.1.Value.1=third"));
  assert_no_body(w, "ami-");
  after_s(w, 10);
  assert_done(w, call_as(w, SOURCE, one));
  assert_string_equal(value_of(w, "value"), "third");
}

TEST(a_protection_that_does_not_show_yet_protects_and_one_that_still_shows_does_not) {
  WORLD(w, "latencies: {read_lag: 30}\n", "");
  assert_done(w, call_as(w, SOURCE, "Action=EnableImageDeregistrationProtection&ImageId=ami-00000003"));
  assert_refused(w, call_as(w, SOURCE, "Action=DeregisterImage&ImageId=ami-00000003"), "OperationNotPermitted", "protection");
  after_s(w, 30);
  assert_done(w, call_as(w, SOURCE, "Action=DisableImageDeregistrationProtection&ImageId=ami-00000003"));
  assert_done(w, call_as(w, SOURCE, IMAGES "&ImageId.1=ami-00000003"));
  assert_body(w, "<deregistrationProtection>enabled-without-cooldown</deregistrationProtection>");
  assert_done(w, call_as(w, SOURCE, "Action=DeregisterImage&ImageId=ami-00000003"));
}

TEST(a_disabled_image_still_shows_and_can_not_be_copied) {
  WORLD(w, "latencies: {read_lag: 30}\n", "");
  static const char copy[] = "Action=CopyImage&Name=copied&SourceRegion=eu-west-1&SourceImageId=ami-00000001";
  share_plain(w);
  after_s(w, 30);
  assert_done(w, call_as(w, SOURCE, "Action=DisableImage&ImageId=ami-00000001"));
  assert_refused(w, call_as(w, SOURCE, "Action=DisableImage&ImageId=ami-00000001"), "IncorrectState", "disabled");
  assert_string_equal(image_state(w, SOURCE, "ami-00000001"), "available");
  assert_string_equal(image_state(w, TARGET, "ami-00000001"), "available");
  assert_refused(w, call_as(w, SOURCE, copy), "InvalidAMIID.Unavailable", "");
  assert_refused(w, call_as(w, TARGET, copy), "InvalidAMIID.Unavailable", "");
  after_s(w, 30);
  assert_done(w, call_as(w, SOURCE, IMAGES "&ImageId.1=ami-00000001"));
  assert_no_body(w, "ami-");
  assert_string_equal(image_state(w, TARGET, "ami-00000001"), "InvalidAMIID.NotFound");
  assert_done(w, call_as(w, SOURCE, "Action=EnableImage&ImageId=ami-00000001"));
  assert_done(w, call_as(w, SOURCE, IMAGES "&ImageId.1=ami-00000001&IncludeDisabled=true"));
  assert_body(w, "<imageState>disabled</imageState>");
  after_s(w, 30);
  assert_string_equal(image_state(w, SOURCE, "ami-00000001"), "available");
  assert_done(w, call_as(w, SOURCE, copy));
}

TEST(an_image_whose_deprecation_was_lifted_stays_hidden_from_listings_for_a_while) {
  WORLD(w, "latencies: {read_lag: 30}\n", "");
  char form[160], at[AF_TIME_SIZE];
  assert_done(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000001&LaunchPermission.Add.1.UserId=" TARGET));
  af_time_iso(w->now_ms + 3600 * 1000, at);
  snprintf(form, sizeof form, "Action=EnableImageDeprecation&ImageId=ami-00000001&DeprecateAt=%s", at);
  assert_done(w, call_as(w, SOURCE, form));
  after_s(w, 2 * 3600);
  assert_done(w, call_as(w, SOURCE, "Action=DisableImageDeprecation&ImageId=ami-00000001"));
  assert_done(w, call_as(w, TARGET, IMAGES "&Owner.1=" SOURCE));
  assert_no_body(w, "ami-00000001");
  after_s(w, 30);
  assert_done(w, call_as(w, TARGET, IMAGES "&Owner.1=" SOURCE));
  assert_body(w, "ami-00000001");
}

TEST(names_and_tokens_do_not_lag) {
  WORLD(w, "latencies: {read_lag: 30}\n", "");
  static const char form[] = "Action=CopyImage&Name=copied&ClientToken=t&SourceRegion=eu-west-1&SourceImageId=ami-00000001";
  assert_done(w, call_as(w, SOURCE, form));
  char id[64];
  AF_COPY(id, af_str(value_of(w, "imageId")));
  assert_done(w, call_as(w, SOURCE, form));
  assert_string_equal(value_of(w, "imageId"), id);
  assert_refused(w, call_as(w, SOURCE, "Action=RegisterImage&Name=copied&RootDeviceName=a&BlockDeviceMapping.1.DeviceName=a"
                                       "&BlockDeviceMapping.1.Ebs.SnapshotId=snap-00000001"), "InvalidAMIName.Duplicate", id);
}

TEST(each_read_may_lag_by_another_span) {
  WORLD(w, "latencies: {read_lag: [0, 60]}\nquotas: {throttle: false}\n", "");
  assert_done(w, call_as(w, SOURCE, TAG "fresh"));
  after_s(w, 30);
  int seen = 0;
  for (int i = 0; i < 200; i++) {
    assert_done(w, call_as(w, SOURCE, IMAGES "&Filter.1.Name=tag-key&Filter.1.Value.1=fresh"));
    seen += strstr(body_of(w), "ami-") != NULL;
  }
  assert_in_range(seen, 60, 140);
}

TEST(one_seed_makes_one_history) {
  char first[2][64];
  for (int i = 0; i < 2; i++) {
    WORLD(w, "latencies: {read_lag: [0, 60], copy_start: [0, 60]}\n", "");
    assert_done(w, call_as(w, SOURCE, "Action=CopyImage&Name=copied&SourceRegion=eu-west-1&SourceImageId=ami-00000001"));
    AF_COPY(first[i], af_str(value_of(w, "imageId")));
  }
  assert_string_equal(first[0], first[1]);
}

/* --- tags --- */

TEST(tags_are_set_replaced_and_removed) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, TAG "Team&Tag.1.Value=red&Tag.2.Key=Empty"));
  assert_done(w, call_as(w, SOURCE, IMAGES "&ImageId.1=ami-00000001"));
  assert_body(w, "<key>Team</key><value>red</value>");
  assert_body(w, "<key>Empty</key><value></value>");
  assert_no_body(w, "blue");
  assert_done(w, call_as(w, SOURCE, "Action=DeleteTags&ResourceId.1=ami-00000001&Tag.1.Key=Team&Tag.1.Value=green")); /* another value: stays */
  assert_done(w, call_as(w, SOURCE, "Action=DeleteTags&ResourceId.1=ami-00000001&Tag.1.Key=Empty"));
  assert_done(w, call_as(w, SOURCE, IMAGES "&ImageId.1=ami-00000001"));
  assert_body(w, "<key>Team</key>");
  assert_no_body(w, "Empty");
  assert_done(w, call_as(w, SOURCE, "Action=DeleteTags&ResourceId.1=ami-00000001"));
  assert_done(w, call_as(w, SOURCE, IMAGES "&ImageId.1=ami-00000001"));
  assert_no_body(w, "tagSet");
}

TEST(tags_have_limits) {
  static const struct {
    const char *form, *code, *part;
  } bad[] = {
      {TAG "aws:mine", "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved"},
      {TAG "a&Tag.2.Key=a", "InvalidParameterValue", "Duplicate"},
      {TAG "&Tag.1.Value=x", "MissingParameter", "Tag"},
      {"Action=CreateTags&ResourceId.1=what-00000001&Tag.1.Key=a", "InvalidID", "what-00000001"},
      {"Action=CreateTags&ResourceId.1=vol-00000001&Tag.1.Key=a", "InvalidVolume.NotFound", "vol-00000001"},
      {"Action=CreateTags&ResourceId.1=ami-000000bd&Tag.1.Key=a", "InvalidAMIID.NotFound", "ami-000000bd"},
      {"Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001&TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=a",
       "InvalidParameterValue", "'image' is not a valid taggable resource type"},
      {"Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001&TagSpecification.1.ResourceType=snapshot", "InvalidParameterValue",
       "at least one tag"},
  };
  WORLD(w, "", "");
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_refused(w, call_as(w, SOURCE, bad[i].form), bad[i].code, bad[i].part);
  char form[400];
  snprintf(form, sizeof form, TAG "%0129d", 1);
  assert_refused(w, call_as(w, SOURCE, form), "InvalidParameterValue", "128");
  snprintf(form, sizeof form, TAG "a&Tag.1.Value=%0257d", 1);
  assert_refused(w, call_as(w, SOURCE, form), "InvalidParameterValue", "256");
}

TEST(a_resource_has_fifty_tags_at_most) {
  WORLD(w, "", "");
  char form[200];
  for (int i = 0; i < 48; i++) { /* it has two */
    snprintf(form, sizeof form, TAG "k%d", i);
    assert_done(w, call_as(w, SOURCE, form));
  }
  assert_refused(w, call_as(w, SOURCE, TAG "one-more"), "TagLimitExceeded", "50");
  assert_done(w, call_as(w, SOURCE, TAG "k1&Tag.1.Value=new"));
}

TEST(tags_can_be_listed_by_themselves) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, "Action=DescribeTags"));
  assert_int_equal(count_of(w, "<item>"), 3);
  assert_done(w, call_as(w, SOURCE, "Action=DescribeTags&Filter.1.Name=resource-type&Filter.1.Value.1=snapshot"));
  assert_body(w, "<tagSet><item><resourceId>snap-00000001</resourceId><resourceType>snapshot</resourceType><key>Role</key><value>root</value></item></tagSet>");
  assert_done(w, call_as(w, SOURCE, "Action=DescribeTags&Filter.1.Name=key&Filter.1.Value.1=T*&Filter.2.Name=resource-id&Filter.2.Value.1=ami-00000001"));
  assert_int_equal(count_of(w, "<item>"), 1);
  assert_done(w, call_as(w, SOURCE, "Action=DescribeTags&Filter.1.Name=tag:Team&Filter.1.Value.1=blue"));
  assert_int_equal(count_of(w, "<item>"), 1);
  assert_done(w, call_as(w, TARGET, "Action=DescribeTags"));
  assert_int_equal(count_of(w, "<item>"), 0);
  for (int i = 0; i < 10; i++) {
    char form[100];
    snprintf(form, sizeof form, TAG "k%d", i);
    assert_done(w, call_as(w, SOURCE, form));
  }
  char token[80] = "";
  size_t seen = 0;
  do {
    char form[200];
    snprintf(form, sizeof form, "Action=DescribeTags&MaxResults=5%s%s", token[0] ? "&NextToken=" : "", token);
    assert_done(w, call_as(w, SOURCE, form));
    seen += count_of(w, "<item>");
    AF_COPY(token, af_str(value_of(w, "nextToken")));
  } while (token[0]);
  assert_int_equal(seen, 13);
}

TEST(tagging_needs_leave) {
  WORLD(w, "", "");
  front.denied[0] = "ec2:CreateTags arn:aws:ec2:eu-west-1::image/ami-00000001";
  assert_refused(w, call_as(w, SOURCE, TAG "a"), "UnauthorizedOperation", "");
  assert_done(w, call_as(w, SOURCE, "Action=DeleteTags&ResourceId.1=ami-00000001"));
}

/* --- settings, Regions --- */

TEST(settings_are_of_an_account_and_a_region) {
  WORLD(w, "", "      ebs_encryption_by_default: true\n      ebs_default_key: alias/mine\n");
  assert_done(w, call_as(w, TARGET, "Action=GetEbsEncryptionByDefault"));
  assert_body(w, "<ebsEncryptionByDefault>true</ebsEncryptionByDefault>");
  assert_done(w, call_in(w, TARGET, "us-east-1", "Action=GetEbsEncryptionByDefault"));
  assert_body(w, "<ebsEncryptionByDefault>false</ebsEncryptionByDefault>");
  assert_done(w, call_as(w, TARGET, "Action=GetEbsDefaultKmsKeyId"));
  assert_string_equal(value_of(w, "kmsKeyId"), "alias/mine");
  assert_done(w, call_as(w, SOURCE, "Action=GetAllowedImagesSettings"));
  assert_body(w, "<imageCriterionSet></imageCriterionSet><managedBy>account</managedBy><state>disabled</state>");
}

TEST(regions_are_those_of_the_partition_that_are_enabled) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, "Action=DescribeRegions"));
  assert_int_equal(count_of(w, "<regionName>"), 2);
  assert_body(w, "<regionName>eu-west-1</regionName><regionEndpoint>ec2.eu-west-1.amazonaws.com</regionEndpoint><optInStatus>opt-in-not-required</optInStatus>");
  assert_done(w, call_as(w, SOURCE, "Action=DescribeRegions&AllRegions=true"));
  assert_body(w, "<regionName>ap-east-1</regionName><regionEndpoint>ec2.ap-east-1.amazonaws.com</regionEndpoint><optInStatus>not-opted-in</optInStatus>");
  assert_done(w, call_as(w, SOURCE, "Action=DescribeRegions&RegionName.1=us-east-1"));
  assert_int_equal(count_of(w, "<regionName>"), 1);
  assert_refused(w, call_as(w, SOURCE, "Action=DescribeRegions&RegionName.1=cn-north-1"), "InvalidParameterValue", "cn-north-1");
  assert_done(w, call_as(w, SOURCE, "Action=DescribeAvailabilityZones&Filter.1.Name=zone-name&Filter.1.Value.1=*b"));
  assert_string_equal(value_of(w, "zoneName"), "eu-west-1b");
}

TEST(every_call_has_a_dry_run_and_can_be_denied) {
  static const char *const calls[] = {
      "DescribeImages", "DescribeSnapshots", "DescribeTags", "DescribeRegions", "DescribeAvailabilityZones", "GetEbsEncryptionByDefault",
      "GetEbsDefaultKmsKeyId", "GetAllowedImagesSettings", "GetSnapshotBlockPublicAccessState", "GetImageBlockPublicAccessState",
      "DescribeImageAttribute&ImageId=ami-00000001&Attribute=description", "DescribeSnapshotAttribute&SnapshotId=snap-00000001&Attribute=productCodes",
      "ModifyImageAttribute&ImageId=ami-00000001&Description.Value=x", "ModifySnapshotAttribute&SnapshotId=snap-00000001&CreateVolumePermission.Add.1.UserId=222222222222",
      "ResetImageAttribute&ImageId=ami-00000001&Attribute=launchPermission", "ResetSnapshotAttribute&SnapshotId=snap-00000001&Attribute=createVolumePermission",
      "DisableImage&ImageId=ami-00000001", "EnableImage&ImageId=ami-00000001", "DisableImageDeprecation&ImageId=ami-00000001",
      "EnableImageDeprecation&ImageId=ami-00000001&DeprecateAt=2030-01-01T00:00:00Z", "EnableImageDeregistrationProtection&ImageId=ami-00000001",
      "DisableImageDeregistrationProtection&ImageId=ami-00000001", "CancelImageLaunchPermission&ImageId=ami-00000001",
      "DeregisterImage&ImageId=ami-00000001", "DeleteSnapshot&SnapshotId=snap-00000001", "CreateTags&ResourceId.1=ami-00000001&Tag.1.Key=a",
      "DeleteTags&ResourceId.1=ami-00000001", "CopyImage&Name=abc&SourceRegion=eu-west-1&SourceImageId=ami-00000001",
      "CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001",
      "RegisterImage&Name=abc&RootDeviceName=a&BlockDeviceMapping.1.DeviceName=a&BlockDeviceMapping.1.Ebs.SnapshotId=snap-00000001",
  };
  for (size_t i = 0; i < COUNT(calls); i++) {
    WORLD(w, "", "");
    char form[300];
    snprintf(form, sizeof form, "Action=%s&DryRun=true", calls[i]);
    assert_refused(w, call_as(w, SOURCE, form), "DryRunOperation", "");
    assert_int_equal(w->reply.status, 412);
    snprintf(form, sizeof form, "Action=%s", calls[i]);
    front.denied[0] = "ec2:*";
    assert_refused(w, call_as(w, SOURCE, form), "UnauthorizedOperation", "");
    assert_int_equal(w->reply.status, 403);
  }
}

/* rules.md 1.2: images only. */
TEST(tags_that_are_shared_are_for_images_alone) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, "Action=CreateTags&ResourceId.1=ami-00000001&Tag.1.Key=ec2:SharedTag/Team"));
  assert_refused(w, call_as(w, SOURCE, "Action=CreateTags&ResourceId.1=ami-00000001&ResourceId.2=snap-00000001&Tag.1.Key=ec2:SharedTag/Team"),
                 "InvalidParameterValue", "ec2:SharedTag/Team");
  assert_refused(w, call_as(w, SOURCE, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001"
                                       "&TagSpecification.1.ResourceType=snapshot&TagSpecification.1.Tag.1.Key=ec2:SharedTag/Team"),
                 "InvalidParameterValue", "ec2:SharedTag/Team");
  assert_done(w, call_as(w, SOURCE, "Action=CopyImage&Name=copied&SourceRegion=eu-west-1&SourceImageId=ami-00000001"
                                    "&TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=ec2:SharedTag/Team"));
}

TEST(a_dry_run_of_what_is_not_there_or_makes_no_sense_says_so) {
  static const struct {
    const char *form, *code;
  } cases[] = {
      {"ModifyImageAttribute&ImageId=ami-0000000f&Description.Value=x", "InvalidAMIID.NotFound"},
      {"ModifyImageAttribute&ImageId=nothing&Description.Value=x", "InvalidAMIID.Malformed"},
      {"ModifyImageAttribute&ImageId=ami-00000001", "InvalidParameterCombination"},
      {"ModifyImageAttribute&ImageId=ami-00000001&LaunchPermission.Add.1.UserId=42", "InvalidAMIAttributeItemValue"},
      {"ModifySnapshotAttribute&SnapshotId=snap-0000000f&CreateVolumePermission.Add.1.UserId=" TARGET, "InvalidSnapshot.NotFound"},
      {"ModifySnapshotAttribute&SnapshotId=snap-00000001&CreateVolumePermission.Add.1.UserId=42", "InvalidAMIAttributeItemValue"},
      {"ModifySnapshotAttribute&SnapshotId=snap-00000001&CreateVolumePermission.Add.1.UserId=" TARGET
       "&CreateVolumePermission.Remove.1.UserId=" OTHER, "InvalidParameterCombination"},
      {"ResetImageAttribute&ImageId=ami-0000000f&Attribute=launchPermission", "InvalidAMIID.NotFound"},
      {"ResetSnapshotAttribute&SnapshotId=snap-00000001&Attribute=colour", "InvalidParameterValue"},
      {"DescribeImageAttribute&ImageId=ami-0000000f&Attribute=description", "InvalidAMIID.NotFound"},
      {"DescribeSnapshotAttribute&SnapshotId=snap-0000000f&Attribute=productCodes", "InvalidSnapshot.NotFound"},
      {"DisableImage&ImageId=ami-0000000f", "InvalidAMIID.NotFound"},
      {"CancelImageLaunchPermission&ImageId=ami-0000000f", "InvalidAMIID.NotFound"},
      {"DeregisterImage&ImageId=ami-0000000f", "InvalidAMIID.NotFound"},
      {"DeregisterImage&ImageId=nothing", "InvalidAMIID.Malformed"},
      {"DeleteSnapshot&SnapshotId=snap-0000000f", "InvalidSnapshot.NotFound"},
      {"DeleteVolume&VolumeId=vol-0000000f", "InvalidVolume.NotFound"},
      {"DeleteSecurityGroup&GroupId=sg-0000000f", "InvalidGroup.NotFound"},
  };
  WORLD(w, "", "");
  for (size_t i = 0; i < COUNT(cases); i++) {
    char form[300];
    snprintf(form, sizeof form, "Action=%s&DryRun=true", cases[i].form);
    assert_refused(w, call_as(w, SOURCE, form), cases[i].code, "");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_action_that_is_not_ec2s_is_invalid),
      cmocka_unit_test(parameters_are_known_needed_and_of_their_type),
      cmocka_unit_test(a_reply_is_one_line_of_xml_in_ec2s_namespace),
      cmocka_unit_test(a_region_that_is_not_enabled_knows_no_credentials),
      cmocka_unit_test(each_api_has_its_bucket_and_its_refill),
      cmocka_unit_test(the_world_may_change_buckets_or_do_without),
      cmocka_unit_test(buckets_refill_on_the_worlds_time),
      cmocka_unit_test(what_was_just_made_may_not_be_there_yet),
      cmocka_unit_test(tags_and_permissions_lag_as_well),
      cmocka_unit_test(what_was_taken_away_may_still_show),
      cmocka_unit_test(what_is_set_on_an_image_lags_in_both_calls_that_show_it),
      cmocka_unit_test(imds_support_lags_and_a_copy_has_what_the_image_has),
      cmocka_unit_test(two_changes_within_the_lag_show_one_after_the_other),
      cmocka_unit_test(a_protection_that_does_not_show_yet_protects_and_one_that_still_shows_does_not),
      cmocka_unit_test(a_disabled_image_still_shows_and_can_not_be_copied),
      cmocka_unit_test(an_image_whose_deprecation_was_lifted_stays_hidden_from_listings_for_a_while),
      cmocka_unit_test(names_and_tokens_do_not_lag),
      cmocka_unit_test(each_read_may_lag_by_another_span),
      cmocka_unit_test(one_seed_makes_one_history),
      cmocka_unit_test(tags_are_set_replaced_and_removed),
      cmocka_unit_test(tags_have_limits),
      cmocka_unit_test(a_resource_has_fifty_tags_at_most),
      cmocka_unit_test(tags_can_be_listed_by_themselves),
      cmocka_unit_test(tagging_needs_leave),
      cmocka_unit_test(settings_are_of_an_account_and_a_region),
      cmocka_unit_test(regions_are_those_of_the_partition_that_are_enabled),
      cmocka_unit_test(every_call_has_a_dry_run_and_can_be_denied),
      cmocka_unit_test(tags_that_are_shared_are_for_images_alone),
      cmocka_unit_test(a_dry_run_of_what_is_not_there_or_makes_no_sense_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
