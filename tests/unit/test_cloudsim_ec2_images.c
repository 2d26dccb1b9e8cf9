/* cloudsim: who sees which image and snapshot, how they are asked for, and their attributes. Sections 1.2, 1.3.6, 2.3 to 2.5, 6.3. */
#include "tests/unit/cloudsim_ec2.h"

#define IMAGES "Action=DescribeImages"
#define SNAPSHOTS "Action=DescribeSnapshots"
#define SHARE "Action=ModifyImageAttribute&ImageId=ami-00000001&LaunchPermission.Add.1."
#define OPEN "Action=ModifySnapshotAttribute&SnapshotId=snap-00000001&"

/* --- who sees an image --- */

TEST(an_image_is_seen_by_its_owner_and_by_whom_it_is_shared_with) {
  WORLD(w, "", "");
  assert_string_equal(image_state(w, SOURCE, "ami-00000001"), "available");
  assert_string_equal(image_state(w, TARGET, "ami-00000001"), "InvalidAMIID.NotFound");
  assert_done(w, call_as(w, SOURCE, SHARE "UserId=" TARGET));
  assert_string_equal(image_state(w, TARGET, "ami-00000001"), "available");
  assert_string_equal(image_state(w, OTHER, "ami-00000001"), "InvalidAMIID.NotFound");
  assert_done(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000001&LaunchPermission.Remove.1.UserId=" TARGET));
  assert_string_equal(image_state(w, TARGET, "ami-00000001"), "InvalidAMIID.NotFound");
}

TEST(an_image_belongs_to_one_region) {
  WORLD(w, "", "");
  assert_refused(w, call_in(w, SOURCE, "us-east-1", IMAGES "&ImageId.1=ami-00000001"), "InvalidAMIID.NotFound", "");
}

TEST(a_public_image_is_seen_by_all) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, SHARE "Group=all"));
  assert_done(w, call_as(w, OTHER, IMAGES "&ExecutableBy.1=all"));
  assert_body(w, "<imageId>ami-00000001</imageId>");
  assert_body(w, "<isPublic>true</isPublic>");
}

TEST(ids_that_are_malformed_or_unknown_are_errors) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, IMAGES "&ImageId.1=ami-xyz"), "InvalidAMIID.Malformed", "Invalid id: \"ami-xyz\" (expecting \"ami-...\")");
  assert_refused(w, call_as(w, SOURCE, IMAGES "&ImageId.1=ami-00000001&ImageId.2=ami-00000bad"), "InvalidAMIID.NotFound",
                 "The image id '[ami-00000bad]' does not exist");
  assert_refused(w, call_as(w, SOURCE, IMAGES "&ImageId.1=ami-00000bad&ImageId.2=ami-00000bae"), "InvalidAMIID.NotFound",
                 "'[ami-00000bad, ami-00000bae]'");
  assert_refused(w, call_as(w, SOURCE, SNAPSHOTS "&SnapshotId.1=snap-1"), "InvalidSnapshotID.Malformed", "snap-1");
}

TEST(an_unknown_snapshot_is_an_error_and_a_closed_one_is_left_out) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, TARGET, SNAPSHOTS "&SnapshotId.1=snap-00000bad"), "InvalidSnapshot.NotFound", "The snapshot 'snap-00000bad' does not exist.");
  assert_done(w, call_as(w, TARGET, SNAPSHOTS "&SnapshotId.1=snap-00000001"));
  assert_body(w, "<snapshotSet></snapshotSet>");
  assert_done(w, call_as(w, SOURCE, OPEN "CreateVolumePermission.Add.1.UserId=" TARGET));
  assert_done(w, call_as(w, TARGET, SNAPSHOTS "&SnapshotId.1=snap-00000001"));
  assert_string_equal(value_of(w, "ownerId"), SOURCE);
}

TEST(tags_are_seen_by_the_owner_alone) {
  WORLD(w, "", "");
  share_plain(w);
  assert_done(w, call_as(w, TARGET, IMAGES "&ImageId.1=ami-00000001"));
  assert_no_body(w, "Team");
  assert_body(w, "<key>ec2:SharedTag/Kind</key>"); /* but for those that are made to be shared */
  assert_done(w, call_as(w, TARGET, SNAPSHOTS "&SnapshotId.1=snap-00000001"));
  assert_no_body(w, "tagSet");
  assert_done(w, call_as(w, TARGET, SNAPSHOTS "&Filter.1.Name=tag:Role&Filter.1.Value.1=root"));
  assert_no_body(w, "snap-");
}

TEST(allowed_amis_hide_what_they_do_not_allow) {
  WORLD(w, "", "      allowed_images: {state: enabled, providers: ['" OTHER "', amazon]}\n");
  share_plain(w);
  assert_refused(w, call_as(w, TARGET, IMAGES "&ImageId.1=ami-00000001"), "InvalidAMIID.NotFound", "");
  assert_refused(w, call_as(w, TARGET, "Action=CopyImage&Name=copied&SourceRegion=eu-west-1&SourceImageId=ami-00000001"), "InvalidAMIID.NotFound", "");
  assert_done(w, call_as(w, TARGET, "Action=GetAllowedImagesSettings"));
  assert_body(w, "<imageProviderSet><item>" OTHER "</item><item>amazon</item></imageProviderSet>");
  assert_string_equal(value_of(w, "state"), "enabled");
  WORLD(watched, "", "      allowed_images: {state: audit-mode, providers: ['" OTHER "']}\n");
  share_plain(watched);
  assert_done(watched, call_as(watched, TARGET, IMAGES "&ImageId.1=ami-00000001"));
  assert_body(watched, "<imageAllowed>false</imageAllowed>");
  WORLD(open, "", "      allowed_images: {state: enabled, providers: ['" SOURCE "'], names: ['pl*']}\n");
  share_plain(open);
  assert_done(open, call_as(open, TARGET, IMAGES "&ImageId.1=ami-00000001"));
  assert_body(open, "<imageAllowed>true</imageAllowed>");
}

#define OLD_IMAGES                                                                                                             \
  "      snapshots: [{id: snap-0000000a}]\n"                                                                                   \
  "      images:\n"                                                                                                            \
  "      - {id: ami-0000000a, name: resting, state: disabled, launch_permissions: ['" SOURCE "'], mappings: [{device: /dev/xvda, snapshot: snap-0000000a}]}\n" \
  "      - {id: ami-0000000b, name: old, deprecation_time: '2020-01-01T00:00:00Z', launch_permissions: ['" SOURCE "']}\n"         \
  "      - {id: ami-0000000c, name: kept, deregistration_protection: enabled}\n"                                                 \
  "      - {id: ami-0000000d, name: broken, state: failed, state_reason: it broke}\n"                                            \
  "      - {id: ami-0000000e, name: coming, state: pending}\n"

TEST(disabled_images_are_hidden_and_closed_to_others) {
  WORLD(w, "", OLD_IMAGES);
  assert_done(w, call_as(w, TARGET, IMAGES "&Owner.1=self"));
  assert_no_body(w, "ami-0000000a");
  assert_done(w, call_as(w, TARGET, IMAGES "&Owner.1=self&IncludeDisabled=true"));
  assert_body(w, "<imageId>ami-0000000a</imageId><imageState>disabled</imageState>");
  assert_refused(w, call_as(w, SOURCE, IMAGES "&ImageId.1=ami-0000000a&IncludeDisabled=true"), "InvalidAMIID.NotFound", "");
}

TEST(deprecated_images_of_others_are_listed_only_when_asked_for) {
  WORLD(w, "", OLD_IMAGES);
  assert_done(w, call_as(w, SOURCE, IMAGES "&Owner.1=" TARGET));
  assert_no_body(w, "ami-0000000b");
  assert_done(w, call_as(w, SOURCE, IMAGES "&Owner.1=" TARGET "&IncludeDeprecated=true"));
  assert_body(w, "ami-0000000b");
  assert_done(w, call_as(w, SOURCE, IMAGES "&ImageId.1=ami-0000000b"));
  assert_body(w, "ami-0000000b");
  assert_done(w, call_as(w, TARGET, IMAGES "&Owner.1=self"));
  assert_body(w, "ami-0000000b");
}

TEST(the_world_may_hold_images_that_failed_or_are_pending) {
  WORLD(w, "", OLD_IMAGES);
  assert_string_equal(image_state(w, TARGET, "ami-0000000d"), "failed");
  assert_string_equal(value_of(w, "message"), "it broke");
  after_s(w, 86400);
  assert_string_equal(image_state(w, TARGET, "ami-0000000e"), "pending");
}

/* --- lists, filters, pages --- */

TEST(listings_are_narrowed_by_owner_and_permission) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, TARGET, IMAGES));
  assert_body(w, "<imagesSet></imagesSet>");
  share_plain(w);
  assert_done(w, call_as(w, TARGET, IMAGES "&Owner.1=self"));
  assert_int_equal(count_of(w, "<imageId>"), 0);
  assert_done(w, call_as(w, TARGET, IMAGES "&Owner.1=" SOURCE "&Owner.2=self"));
  assert_int_equal(count_of(w, "<imageId>"), 1);
  assert_done(w, call_as(w, TARGET, IMAGES "&ExecutableBy.1=self"));
  assert_int_equal(count_of(w, "<imageId>"), 1);
  assert_done(w, call_as(w, SOURCE, IMAGES "&ExecutableBy.1=" OTHER));
  assert_int_equal(count_of(w, "<imageId>"), 0);
  assert_done(w, call_as(w, TARGET, SNAPSHOTS "&RestorableBy.1=self"));
  assert_int_equal(count_of(w, "<snapshotId>"), 2);
  assert_done(w, call_as(w, SOURCE, SNAPSHOTS "&RestorableBy.1=" TARGET));
  assert_int_equal(count_of(w, "<snapshotId>"), 2);
}

TEST(filters_are_case_sensitive_with_wildcards_values_or_names_and) {
  static const struct {
    const char *form;
    size_t n;
  } asks[] = {
      {IMAGES "&Filter.1.Name=name&Filter.1.Value.1=plain", 1},
      {IMAGES "&Filter.1.Name=name&Filter.1.Value.1=Plain", 0},
      {IMAGES "&Filter.1.Name=name&Filter.1.Value.1=pl*n", 1},
      {IMAGES "&Filter.1.Name=name&Filter.1.Value.1=pl?in&Filter.1.Value.2=secret", 2},
      {IMAGES "&Filter.1.Name=name&Filter.1.Value.1=pl%5C*n", 0},
      {IMAGES "&Filter.1.Name=name&Filter.1.Value.1=*&Filter.2.Name=platform&Filter.2.Value.1=windows", 1},
      {IMAGES "&Filter.1.Name=image-id&Filter.1.Value.1=ami-00000003", 1},
      {IMAGES "&Filter.1.Name=state&Filter.1.Value.1=available", 5},
      {IMAGES "&Filter.1.Name=state&Filter.1.Value.1=pending", 0},
      {IMAGES "&Filter.1.Name=owner-id&Filter.1.Value.1=" SOURCE, 5},
      {IMAGES "&Filter.1.Name=is-public&Filter.1.Value.1=false", 5},
      {IMAGES "&Filter.1.Name=tag:Team&Filter.1.Value.1=blue", 1},
      {IMAGES "&Filter.1.Name=tag:Team&Filter.1.Value.1=green", 0},
      {IMAGES "&Filter.1.Name=tag-key&Filter.1.Value.1=Team", 1},
      {IMAGES "&Filter.1.Name=block-device-mapping.snapshot-id&Filter.1.Value.1=snap-00000002", 1},
      {IMAGES "&Filter.1.Name=block-device-mapping.volume-type&Filter.1.Value.1=io1", 1},
      {IMAGES "&Filter.1.Name=block-device-mapping.encrypted&Filter.1.Value.1=true", 2},
      {IMAGES "&Filter.1.Name=source-instance-id&Filter.1.Value.1=i-*", 1},
      {IMAGES "&Filter.1.Name=source-image-id&Filter.1.Value.1=ami-*", 0},
      {IMAGES "&Filter.1.Name=product-code&Filter.1.Value.1=abc123", 1},
      {IMAGES "&Filter.1.Name=architecture&Filter.1.Value.1=x86_64", 5},
  };
  WORLD(w, "", "");
  for (size_t i = 0; i < COUNT(asks); i++) {
    assert_done(w, call_as(w, SOURCE, asks[i].form));
    if (count_of(w, "<imageId>") != asks[i].n)
      fail_msg("%s: %zu", asks[i].form, count_of(w, "<imageId>"));
  }
}

TEST(a_backslash_takes_the_meaning_of_a_wildcard) {
  WORLD(w, "", "      images: [{id: ami-0000000a, name: one, description: 'a*b'}, {id: ami-0000000b, name: two, description: axb}]\n");
  assert_done(w, call_as(w, TARGET, IMAGES "&Filter.1.Name=description&Filter.1.Value.1=a*b"));
  assert_int_equal(count_of(w, "<imageId>"), 2);
  assert_done(w, call_as(w, TARGET, IMAGES "&Filter.1.Name=description&Filter.1.Value.1=a%5C*b"));
  assert_int_equal(count_of(w, "<imageId>"), 1);
  assert_string_equal(value_of(w, "name"), "one");
}

TEST(snapshots_have_filters_of_their_own) {
  static const struct {
    const char *form;
    size_t n;
  } asks[] = {
      {SNAPSHOTS "&Filter.1.Name=snapshot-id&Filter.1.Value.1=snap-0000000?", 7},
      {SNAPSHOTS "&Filter.1.Name=tag:Role&Filter.1.Value.1=root", 1},
      {SNAPSHOTS "&Filter.1.Name=tag-key&Filter.1.Value.1=Role", 1},
      {SNAPSHOTS "&Filter.1.Name=status&Filter.1.Value.1=completed", 7},
      {SNAPSHOTS "&Filter.1.Name=owner-id&Filter.1.Value.1=" SOURCE, 7},
      {SNAPSHOTS "&Filter.1.Name=volume-size&Filter.1.Value.1=100", 1},
      {SNAPSHOTS "&Filter.1.Name=encrypted&Filter.1.Value.1=true", 2},
      {SNAPSHOTS "&Filter.1.Name=storage-tier&Filter.1.Value.1=archive", 1},
      {SNAPSHOTS "&Filter.1.Name=progress&Filter.1.Value.1=100%25", 7},
      {SNAPSHOTS "&Filter.1.Name=volume-id&Filter.1.Value.1=vol-00000003", 1},
      {SNAPSHOTS "&Filter.1.Name=description&Filter.1.Value.1=Copied*", 0},
  };
  WORLD(w, "", "");
  for (size_t i = 0; i < COUNT(asks); i++) {
    assert_done(w, call_as(w, SOURCE, asks[i].form));
    if (count_of(w, "<snapshotId>") != asks[i].n)
      fail_msg("%s: %zu", asks[i].form, count_of(w, "<snapshotId>"));
  }
}

TEST(filters_that_are_unknown_empty_or_too_many_are_refused) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, IMAGES "&Filter.1.Name=colour&Filter.1.Value.1=red"), "InvalidParameterValue", "The filter 'colour' is invalid");
  assert_refused(w, call_as(w, SOURCE, IMAGES "&Filter.1.Name=tag:&Filter.1.Value.1=red"), "InvalidParameterValue", "tag:");
  assert_refused(w, call_as(w, SOURCE, IMAGES "&Filter.1.Name=name"), "InvalidParameterValue", "at least one value");
  assert_refused(w, call_as(w, SOURCE, IMAGES "&Filter.1.Value.1=x"), "MissingParameter", "Filter.1.Name");
  struct af_buf form;
  af_buf_init(&form, 100000);
  af_buf_puts(&form, IMAGES "&Filter.1.Name=image-id");
  for (int i = 1; i <= 200; i++)
    af_buf_printf(&form, "&Filter.1.Value.%d=ami-%08x", i, (unsigned)i);
  assert_done(w, call_as(w, SOURCE, af_buf_cstr(&form)));
  assert_int_equal(count_of(w, "<imageId>"), 5);
  af_buf_puts(&form, "&Filter.1.Value.201=ami-000000ff");
  assert_refused(w, call_as(w, SOURCE, af_buf_cstr(&form)), "FilterLimitExceeded", "200");
  af_buf_done(&form);
}

TEST(pages_end_when_there_is_no_token) {
  WORLD(w, "", "");
  char form[200] = IMAGES "&MaxResults=2", token[80];
  size_t seen = 0, pages = 0;
  for (;; pages++) {
    assert_done(w, call_as(w, SOURCE, form));
    seen += count_of(w, "<imageId>");
    AF_COPY(token, af_str(value_of(w, "nextToken")));
    if (!token[0])
      break;
    snprintf(form, sizeof form, IMAGES "&MaxResults=2&NextToken=%s", token);
  }
  assert_int_equal(seen, 5);
  assert_int_equal(pages, 2);
}

TEST(a_token_belongs_to_its_call) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, IMAGES "&MaxResults=2"));
  char form[200], token[80];
  AF_COPY(token, af_str(value_of(w, "nextToken")));
  snprintf(form, sizeof form, IMAGES "&Owner.1=self&NextToken=%s", token);
  assert_refused(w, call_as(w, SOURCE, form), "InvalidNextToken", token);
  snprintf(form, sizeof form, IMAGES "&NextToken=%s", token);
  assert_refused(w, call_as(w, TARGET, form), "InvalidNextToken", token);
  assert_refused(w, call_as(w, SOURCE, IMAGES "&NextToken=nonsense"), "InvalidNextToken", "nonsense");
}

TEST(a_page_and_ids_exclude_each_other) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, IMAGES "&MaxResults=5&ImageId.1=ami-00000001"), "InvalidParameterCombination", "ImageId");
  assert_refused(w, call_as(w, SOURCE, SNAPSHOTS "&MaxResults=5&SnapshotId.1=snap-00000001"), "InvalidParameterCombination", "SnapshotId");
  assert_refused(w, call_as(w, SOURCE, SNAPSHOTS "&MaxResults=4"), "InvalidParameterValue", "5");
}

/* --- sharing --- */

TEST(both_wire_forms_share_a_snapshot) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, OPEN "Attribute=createVolumePermission&OperationType=add&UserId.1=" TARGET "&UserId.2=" OTHER));
  assert_done(w, call_as(w, SOURCE, OPEN "CreateVolumePermission.Remove.1.UserId=" OTHER));
  assert_done(w, call_as(w, SOURCE, OPEN "CreateVolumePermission.Add.1.UserId=" TARGET)); /* again: nothing */
  assert_done(w, call_as(w, SOURCE, "Action=DescribeSnapshotAttribute&SnapshotId=snap-00000001&Attribute=createVolumePermission"));
  assert_body(w, "<snapshotId>snap-00000001</snapshotId><createVolumePermission><item><userId>" TARGET "</userId></item></createVolumePermission>");
  assert_done(w, call_as(w, SOURCE, OPEN "Attribute=createVolumePermission&OperationType=remove&UserId.1=" TARGET));
  assert_done(w, call_as(w, SOURCE, OPEN "Attribute=createVolumePermission&OperationType=remove&UserId.1=" TARGET)); /* again: nothing */
  assert_done(w, call_as(w, SOURCE, "Action=DescribeSnapshotAttribute&SnapshotId=snap-00000001&Attribute=createVolumePermission"));
  assert_body(w, "<createVolumePermission></createVolumePermission>");
}

TEST(both_wire_forms_share_an_image) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000001&Attribute=launchPermission&OperationType=add&UserId.1=" TARGET
                                    "&OrganizationArn.1=arn:aws:organizations::111111111111:organization/o-one"));
  assert_done(w, call_as(w, SOURCE, "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=launchPermission"));
  assert_body(w, "<launchPermission><item><userId>" TARGET "</userId></item><item><organizationArn>arn:aws:organizations::111111111111:organization/"
                 "o-one</organizationArn></item></launchPermission>");
  assert_done(w, call_as(w, SOURCE, "Action=ResetImageAttribute&ImageId=ami-00000001&Attribute=launchPermission"));
  assert_done(w, call_as(w, SOURCE, "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=launchPermission"));
  assert_body(w, "<launchPermission></launchPermission>");
}

TEST(snapshots_are_shared_with_accounts_one_way_a_call) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, OPEN "CreateVolumePermission.Add.1.UserId=" TARGET "&CreateVolumePermission.Remove.1.UserId=" OTHER),
                 "InvalidParameterCombination", "not both");
  assert_refused(w, call_as(w, SOURCE, OPEN "CreateVolumePermission.Add.1.UserId=12345"), "InvalidAMIAttributeItemValue", "12345");
  assert_refused(w, call_as(w, SOURCE, OPEN "Attribute=createVolumePermission&UserId.1=" TARGET), "MissingParameter", "OperationType");
  assert_refused(w, call_as(w, SOURCE, OPEN "Attribute=colour"), "InvalidParameterValue", "colour");
  struct af_buf form;
  af_buf_init(&form, 100000);
  af_buf_puts(&form, OPEN "Attribute=createVolumePermission&OperationType=add");
  for (int i = 1; i <= 501; i++)
    af_buf_printf(&form, "&UserId.%d=%012d", i, i);
  assert_refused(w, call_as(w, SOURCE, af_buf_cstr(&form)), "InvalidParameterValue", "500");
  af_buf_done(&form);
}

TEST(snapshots_under_the_default_key_cannot_be_shared) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, "Action=ModifySnapshotAttribute&SnapshotId=snap-00000004&CreateVolumePermission.Add.1.UserId=" TARGET),
                 "OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared");
  assert_refused(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000004&LaunchPermission.Add.1.UserId=" TARGET),
                 "InvalidParameter", "Snapshots encrypted with the AWS Managed CMK can't be shared");
}

TEST(what_is_encrypted_sold_or_archived_is_not_made_public) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, "Action=ModifySnapshotAttribute&SnapshotId=snap-00000003&CreateVolumePermission.Add.1.Group=all"), "OperationNotPermitted", "");
  assert_refused(w, call_as(w, SOURCE, "Action=ModifySnapshotAttribute&SnapshotId=snap-00000006&CreateVolumePermission.Add.1.Group=all"), "OperationNotPermitted", "");
  assert_refused(w, call_as(w, SOURCE, "Action=ModifySnapshotAttribute&SnapshotId=snap-00000007&CreateVolumePermission.Add.1.UserId=" TARGET), "IncorrectState", "archived");
  assert_refused(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000003&LaunchPermission.Add.1.Group=all"), "OperationNotPermitted", "");
  assert_done(w, call_as(w, SOURCE, OPEN "Attribute=createVolumePermission&OperationType=add&UserGroup.1=all"));
}

TEST(block_public_access_stops_public_sharing_and_no_other) {
  WORLD(w, "", "      image_block_public_access: block-new-sharing\n      snapshot_block_public_access: block-all-sharing\n" OLD_IMAGES);
  assert_refused(w, call_as(w, TARGET, "Action=ModifyImageAttribute&ImageId=ami-0000000c&LaunchPermission.Add.1.Group=all"), "OperationNotPermitted", "public access");
  assert_refused(w, call_as(w, TARGET, "Action=ModifySnapshotAttribute&SnapshotId=snap-0000000a&CreateVolumePermission.Add.1.Group=all"), "OperationNotPermitted", "public access");
  assert_done(w, call_as(w, TARGET, "Action=ModifyImageAttribute&ImageId=ami-0000000c&LaunchPermission.Add.1.UserId=" OTHER));
  assert_done(w, call_as(w, TARGET, "Action=ModifySnapshotAttribute&SnapshotId=snap-0000000a&CreateVolumePermission.Add.1.UserId=" OTHER));
  assert_done(w, call_as(w, TARGET, "Action=GetImageBlockPublicAccessState"));
  assert_string_equal(value_of(w, "imageBlockPublicAccessState"), "block-new-sharing");
  assert_done(w, call_as(w, TARGET, "Action=GetSnapshotBlockPublicAccessState"));
  assert_string_equal(value_of(w, "state"), "block-all-sharing");
}

TEST(images_are_shared_with_so_many_and_no_more) {
  WORLD(w, "quotas: {sharing_entities: 2, public_images: 0}\n", "");
  assert_done(w, call_as(w, SOURCE, SHARE "UserId=" TARGET));
  assert_done(w, call_as(w, SOURCE, SHARE "UserId=" OTHER));
  assert_done(w, call_as(w, SOURCE, SHARE "UserId=" OTHER));
  assert_refused(w, call_as(w, SOURCE, SHARE "UserId=444444444444"), "ResourceLimitExceeded", "quota of 2");
  assert_refused(w, call_as(w, SOURCE, SHARE "Group=all"), "ResourceLimitExceeded", "quota of 0");
  assert_done(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000001&LaunchPermission.Remove.1.UserId=" TARGET));
}

/* --- attributes --- */

TEST(attributes_are_for_the_owner) {
  WORLD(w, "", "");
  share_plain(w);
  assert_refused(w, call_as(w, TARGET, "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=uefiData"), "AuthFailure", "Not authorized for image:ami-00000001");
  assert_refused(w, call_as(w, TARGET, "Action=DescribeSnapshotAttribute&SnapshotId=snap-00000001&Attribute=productCodes"), "AuthFailure", "snap-00000001");
  assert_refused(w, call_as(w, TARGET, "Action=ModifyImageAttribute&ImageId=ami-00000001&LaunchPermission.Add.1.UserId=" OTHER), "AuthFailure", "");
  assert_refused(w, call_as(w, OTHER, "Action=DescribeSnapshotAttribute&SnapshotId=snap-00000001&Attribute=productCodes"), "InvalidSnapshot.NotFound", "");
}

TEST(each_attribute_is_told_in_its_own_element) {
  static const struct {
    const char *name, *want;
  } attributes[] = {
      {"description", "<description><value>of old</value></description>"},
      {"bootMode", "<bootMode><value>uefi-preferred</value></bootMode>"},
      {"tpmSupport", "<tpmSupport><value>v2.0</value></tpmSupport>"},
      {"imdsSupport", "<imdsSupport><value>v2.0</value></imdsSupport>"},
      {"uefiData", "<uefiData><value>QU1J</value></uefiData>"},
      {"kernel", "<kernel></kernel>"},
      {"sriovNetSupport", "<sriovNetSupport></sriovNetSupport>"},
      {"productCodes", "<productCodes></productCodes>"},
  };
  WORLD(w, "", "");
  for (size_t i = 0; i < COUNT(attributes); i++) {
    char form[120];
    snprintf(form, sizeof form, "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=%s", attributes[i].name);
    assert_done(w, call_as(w, SOURCE, form));
    assert_body(w, attributes[i].want);
  }
  assert_refused(w, call_as(w, SOURCE, "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=blockDeviceMapping"), "AuthFailure", "");
  assert_refused(w, call_as(w, SOURCE, "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=BootMode"), "InvalidRequest", "");
  assert_done(w, call_as(w, SOURCE, "Action=DescribeSnapshotAttribute&SnapshotId=snap-00000006&Attribute=productCodes"));
  assert_body(w, "<productCodes><item><productCode>abc123</productCode><type>marketplace</type></item></productCodes>");
}

TEST(description_and_imds_support_can_be_changed_one_at_a_time) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000001&Description.Value=new"));
  assert_done(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000003&Attribute=imdsSupport&Value=v2.0"));
  assert_done(w, call_as(w, SOURCE, IMAGES));
  assert_body(w, "<description>new</description>");
  assert_int_equal(count_of(w, "<imdsSupport>v2.0</imdsSupport>"), 2);
  assert_refused(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000001&Description.Value=a&ImdsSupport.Value=v2.0"), "InvalidParameterCombination", "");
  assert_refused(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000001&ImdsSupport.Value=v1.0"), "InvalidParameterValue", "v1.0");
  assert_refused(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000001"), "InvalidParameterCombination", "No attributes");
  assert_refused(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000001&ProductCode.1=x"), "UnsupportedOperation", "");
}

/* --- an image's standing --- */

TEST(disabling_takes_every_launch_permission_and_enabling_gives_none_back) {
  WORLD(w, "", "");
  share_plain(w);
  assert_done(w, call_as(w, SOURCE, "Action=DisableImage&ImageId=ami-00000001"));
  assert_refused(w, call_as(w, SOURCE, "Action=DisableImage&ImageId=ami-00000001"), "IncorrectState", "disabled");
  assert_refused(w, call_as(w, TARGET, IMAGES "&ImageId.1=ami-00000001"), "InvalidAMIID.NotFound", "");
  assert_refused(w, call_as(w, SOURCE, SHARE "UserId=" TARGET), "InvalidAMIID.Unavailable", "");
  assert_refused(w, call_as(w, SOURCE, "Action=CopyImage&Name=copied&SourceRegion=eu-west-1&SourceImageId=ami-00000001"), "InvalidAMIID.Unavailable", "");
  assert_done(w, call_as(w, SOURCE, "Action=EnableImage&ImageId=ami-00000001"));
  assert_string_equal(image_state(w, SOURCE, "ami-00000001"), "available");
  assert_string_equal(image_state(w, TARGET, "ami-00000001"), "InvalidAMIID.NotFound");
  assert_refused(w, call_as(w, SOURCE, "Action=EnableImage&ImageId=ami-00000001"), "IncorrectState", "available");
}

TEST(deprecation_is_rounded_to_the_minute_and_neither_past_nor_far) {
  static const char *const bad[] = {"2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z", "soon"};
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, "Action=EnableImageDeprecation&ImageId=ami-00000001&DeprecateAt=2030-01-01T00:00:31Z"));
  assert_done(w, call_as(w, SOURCE, IMAGES "&ImageId.1=ami-00000001"));
  assert_string_equal(value_of(w, "deprecationTime"), "2030-01-01T00:01:00.000Z");
  for (size_t i = 0; i < COUNT(bad); i++) {
    char form[200];
    snprintf(form, sizeof form, "Action=EnableImageDeprecation&ImageId=ami-00000001&DeprecateAt=%s", bad[i]);
    assert_refused(w, call_as(w, SOURCE, form), "InvalidParameterValue", bad[i]);
  }
  assert_done(w, call_as(w, SOURCE, SHARE "Group=all")); /* public: two years from its making */
  assert_refused(w, call_as(w, SOURCE, "Action=EnableImageDeprecation&ImageId=ami-00000001&DeprecateAt=2030-01-01T00:00:00Z"), "InvalidParameterValue", "");
  assert_done(w, call_as(w, SOURCE, "Action=DisableImageDeprecation&ImageId=ami-00000001"));
  assert_done(w, call_as(w, SOURCE, IMAGES "&ImageId.1=ami-00000001"));
  assert_no_body(w, "deprecationTime");
}

TEST(protection_with_cooldown_goes_on_for_a_day) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, "Action=EnableImageDeregistrationProtection&ImageId=ami-00000001&WithCooldown=true"));
  assert_refused(w, call_as(w, SOURCE, "Action=DeregisterImage&ImageId=ami-00000001"), "OperationNotPermitted", "protection");
  assert_done(w, call_as(w, SOURCE, "Action=DisableImageDeregistrationProtection&ImageId=ami-00000001"));
  after_s(w, 86399);
  assert_refused(w, call_as(w, SOURCE, "Action=DeregisterImage&ImageId=ami-00000001"), "OperationNotPermitted", "protection");
  after_s(w, 1);
  assert_done(w, call_as(w, SOURCE, "Action=DeregisterImage&ImageId=ami-00000001"));
  assert_done(w, call_as(w, SOURCE, "Action=EnableImageDeregistrationProtection&ImageId=ami-00000003"));
  assert_done(w, call_as(w, SOURCE, "Action=DisableImageDeregistrationProtection&ImageId=ami-00000003"));
  assert_done(w, call_as(w, SOURCE, "Action=DeregisterImage&ImageId=ami-00000003"));
}

TEST(the_account_an_image_is_shared_with_can_drop_out) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, TARGET, "Action=CancelImageLaunchPermission&ImageId=ami-00000001"), "InvalidAMIID.NotFound", "");
  share_plain(w);
  assert_done(w, call_as(w, TARGET, "Action=CancelImageLaunchPermission&ImageId=ami-00000001"));
  assert_string_equal(image_state(w, TARGET, "ami-00000001"), "InvalidAMIID.NotFound");
  assert_done(w, call_as(w, SOURCE, SHARE "Group=all"));
  assert_refused(w, call_as(w, TARGET, "Action=CancelImageLaunchPermission&ImageId=ami-00000001"), "InvalidAMIID.Unavailable", "");
}

TEST(watermarks_go_with_copies_and_keep_an_image_private) {
  WORLD(w, "", "      images: [{id: ami-0000000a, name: marked, watermarks: [{key: w1, source_image_id: ami-0000000a, source_image_region: eu-west-1,\n"
               "        created: '2026-07-01T00:00:00.000Z', source_created: '2026-06-30T00:00:00.000Z'}]}]\n");
  assert_refused(w, call_as(w, TARGET, "Action=ModifyImageAttribute&ImageId=ami-0000000a&LaunchPermission.Add.1.Group=all"), "OperationNotPermitted", "watermarks");
  assert_done(w, call_as(w, TARGET, "Action=CopyImage&Name=copied&SourceRegion=eu-west-1&SourceImageId=ami-0000000a"));
  assert_done(w, call_as(w, TARGET, IMAGES "&Filter.1.Name=name&Filter.1.Value.1=copied"));
  assert_body(w, "<imageWatermarkSet><item><watermarkKey>w1</watermarkKey><sourceImageId>ami-0000000a</sourceImageId>");
}

/* --- the end of images and snapshots --- */

TEST(a_deregistered_image_shows_for_a_while_then_answers_with_nothing_then_is_unknown) {
  WORLD(w, "latencies: {deregistered_visible: 60}\n", "");
  assert_done(w, call_as(w, SOURCE, "Action=DeregisterImage&ImageId=ami-00000001"));
  assert_string_equal(image_state(w, SOURCE, "ami-00000001"), "deregistered");
  assert_refused(w, call_as(w, SOURCE, "Action=DeregisterImage&ImageId=ami-00000001"), "InvalidAMIID.Unavailable", "no longer available");
  after_s(w, 60);
  assert_string_equal(image_state(w, SOURCE, "ami-00000001"), "");
  assert_refused(w, call_as(w, SOURCE, "Action=DeregisterImage&ImageId=ami-00000001"), "InvalidAMIID.Unavailable", "");
  after_s(w, 60);
  assert_string_equal(image_state(w, SOURCE, "ami-00000001"), "InvalidAMIID.NotFound");
  assert_refused(w, call_as(w, SOURCE, "Action=DeregisterImage&ImageId=ami-00000001"), "InvalidAMIID.NotFound", "");
}

TEST(a_protected_image_is_not_deregistered) {
  WORLD(w, "", OLD_IMAGES);
  assert_refused(w, call_as(w, TARGET, "Action=DeregisterImage&ImageId=ami-0000000c"), "OperationNotPermitted", "protection");
}

TEST(a_snapshot_of_an_image_is_in_use) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, "Action=DeleteSnapshot&SnapshotId=snap-00000001"), "InvalidSnapshot.InUse",
                 "The snapshot snap-00000001 is currently in use by ami-00000001");
  assert_done(w, call_as(w, SOURCE, "Action=DeregisterImage&ImageId=ami-00000001"));
  assert_done(w, call_as(w, SOURCE, "Action=DeleteSnapshot&SnapshotId=snap-00000001"));
  assert_refused(w, call_as(w, SOURCE, "Action=DeleteSnapshot&SnapshotId=snap-00000001"), "InvalidSnapshot.NotFound", "");
  assert_string_equal(snapshot_state(w, SOURCE, "snap-00000001"), "InvalidSnapshot.NotFound");
}

TEST(deregistering_can_take_the_snapshots_along) {
  WORLD(w, "", "      snapshots: [{id: snap-0000000a}, {id: snap-0000000b}, {id: snap-0000000c, locked: true}]\n"
               "      images:\n"
               "      - {id: ami-0000000a, name: one, mappings: [{device: a, snapshot: snap-0000000a}, {device: b, snapshot: snap-0000000b}, {device: c, snapshot: snap-0000000c}]}\n"
               "      - {id: ami-0000000b, name: two, mappings: [{device: a, snapshot: snap-0000000b}]}\n");
  assert_done(w, call_as(w, TARGET, "Action=DeregisterImage&ImageId=ami-0000000a&DeleteAssociatedSnapshots=true"));
  assert_body(w, "<return>true</return><deleteSnapshotResultSet><item><snapshotId>snap-0000000a</snapshotId><returnCode>success</returnCode></item>"
                 "<item><snapshotId>snap-0000000b</snapshotId><returnCode>skipped</returnCode></item>"
                 "<item><snapshotId>snap-0000000c</snapshotId><returnCode>client-error</returnCode></item></deleteSnapshotResultSet>");
  front.denied[0] = "ec2:DeleteSnapshot *";
  assert_done(w, call_as(w, TARGET, "Action=DeregisterImage&ImageId=ami-0000000b&DeleteAssociatedSnapshots=true"));
  assert_body(w, "<returnCode>missing-permissions</returnCode>");
}

TEST(deleting_a_pending_copy_ends_it) {
  WORLD(w, "quotas: {snapshot_copies: 1}\n", "");
  assert_done(w, call_as(w, SOURCE, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000002"));
  char form[120];
  snprintf(form, sizeof form, "Action=DeleteSnapshot&SnapshotId=%s", value_of(w, "snapshotId"));
  assert_done(w, call_as(w, SOURCE, form));
  assert_done(w, call_as(w, SOURCE, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000002")); /* its slot is free */
}

/* rules.md 2.5, and the model's words for block-all-sharing: what was public is treated as private. */
TEST(blocking_all_sharing_closes_what_was_public) {
#define PUBLIC_SNAPSHOT "      snapshots: [{id: snap-000000c1, size: 1, create_volume_permissions: [all, '" OTHER "']}]\n"
  static const char *const settings[] = {"      snapshot_block_public_access: block-new-sharing\n" PUBLIC_SNAPSHOT,
                                         "      snapshot_block_public_access: block-all-sharing\n" PUBLIC_SNAPSHOT};
  static const char *const forms[] = {"Action=DescribeSnapshots&SnapshotId.1=snap-000000c1", "Action=DescribeSnapshots&RestorableBy.1=all"};
  for (int blocked = 0; blocked < 2; blocked++) {
    WORLD(w, "", settings[blocked]);
    for (size_t i = 0; i < COUNT(forms); i++) {
      assert_done(w, call_as(w, SOURCE, forms[i]));
      assert_int_equal(count_of(w, "snap-000000c1"), !blocked);
    }
    assert_done(w, call_as(w, OTHER, forms[0])); /* its own permission */
    assert_body(w, "snap-000000c1");
    int status = call_as(w, SOURCE, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-000000c1");
    assert_int_equal(status == 200, !blocked);
  }
}

TEST(an_image_whose_snapshots_are_archived_cannot_be_enabled) {
  WORLD(w, "", "      snapshots: [{id: snap-000000c2, size: 1, storage_tier: archive}]\n"
               "      images: [{id: ami-000000c2, name: cold, state: disabled, mappings: [{device: /dev/xvda, snapshot: snap-000000c2}]}]\n");
  assert_refused(w, call_as(w, TARGET, "Action=EnableImage&ImageId=ami-000000c2"), "IncorrectState", "snap-000000c2");
}

TEST(an_image_with_product_codes_is_not_made_public) {
#define ALL_MAY(image) "Action=ModifyImageAttribute&LaunchPermission.Add.1.Group=all&ImageId=" image
  WORLD(w, "", "      snapshots: [{id: snap-000000c3, size: 1, product_codes: [{code: abc123}]}]\n"
               "      images: [{id: ami-000000c3, name: made-of-sold, mappings: [{device: /dev/xvda, snapshot: snap-000000c3}]}]\n");
  assert_refused(w, call_as(w, SOURCE, ALL_MAY("ami-00000006")), "OperationNotPermitted", "product codes");
  assert_refused(w, call_as(w, TARGET, ALL_MAY("ami-000000c3")), "OperationNotPermitted", "product codes");
  assert_done(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&LaunchPermission.Add.1.UserId=" TARGET "&ImageId=ami-00000006"));
}

/* By the model: for the caller's own account organizations and units count, for another account's id they do not. */
TEST(executable_by_oneself_is_also_by_ones_organization_and_units) {
  static const char *const forms[] = {
      "Action=ModifyImageAttribute&ImageId=ami-00000001&LaunchPermission.Add.1.OrganizationArn=arn:aws:organizations::" SOURCE ":organization/o-one",
      "Action=ModifyImageAttribute&ImageId=ami-00000001&LaunchPermission.Add.1.OrganizationalUnitArn=arn:aws:organizations::" SOURCE ":ou/o-one/ou-two"};
  for (size_t i = 0; i < COUNT(forms); i++) {
    WORLD(w, "", "");
    assert_done(w, call_as(w, SOURCE, forms[i]));
    assert_done(w, call_as(w, TARGET, IMAGES "&ExecutableBy.1=self"));
    assert_int_equal(count_of(w, "<imageId>"), 1);
    assert_done(w, call_as(w, TARGET, IMAGES "&ExecutableBy.1=" TARGET));
    assert_int_equal(count_of(w, "<imageId>"), 1);
    assert_done(w, call_as(w, SOURCE, IMAGES "&ExecutableBy.1=" TARGET));
    assert_int_equal(count_of(w, "<imageId>"), 0);
  }
  WORLD(public_, "", "");
  assert_done(public_, call_as(public_, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000001&LaunchPermission.Add.1.Group=all"));
  assert_done(public_, call_as(public_, TARGET, IMAGES "&ExecutableBy.1=self"));
  assert_int_equal(count_of(public_, "<imageId>"), 0);
}

TEST(images_are_found_by_watermark_and_sriov) {
  static const struct {
    const char *name, *value;
    size_t n;
  } cases[] = {
      {"image-watermark.watermark-key", "w1", 1},
      {"image-watermark.watermark-key", "w2", 0},
      {"image-watermark.source-image-id", "ami-0000000a", 1},
      {"image-watermark.source-image-region", "eu-*", 1},
      {"image-watermark.source-image-creation-time", "2026-06-30*", 1},
      {"image-watermark.watermark-creation-time", "2026-07-01*", 1},
      {"image-watermark.watermark-creation-time", "2026-06-30*", 0},
      {"sriov-net-support", "simple", 1},
  };
  WORLD(w, "", "      images: [{id: ami-0000000a, name: marked, sriov_net_support: simple, watermarks: [{key: w1, source_image_id: ami-0000000a,\n"
               "        source_image_region: eu-west-1, created: '2026-07-01T00:00:00.000Z', source_created: '2026-06-30T00:00:00.000Z'}]},\n"
               "        {id: ami-0000000b, name: bare}]\n");
  for (size_t i = 0; i < COUNT(cases); i++) {
    char form[240];
    snprintf(form, sizeof form, IMAGES "&Owner.1=self&Filter.1.Name=%s&Filter.1.Value.1=%s", cases[i].name, cases[i].value);
    assert_done(w, call_as(w, TARGET, form));
    assert_int_equal(count_of(w, "<item><imageId>"), cases[i].n);
  }
}

TEST(mappings_that_do_not_show_are_not_found) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, "Action=CopyImage&Name=copied&SourceRegion=eu-west-1&SourceImageId=ami-00000001"));
  for (size_t ready = 0; ready < 2; ready++) {
    assert_done(w, call_as(w, SOURCE, IMAGES "&Filter.1.Name=name&Filter.1.Value.1=copied&Filter.2.Name=block-device-mapping.snapshot-id&Filter.2.Value.1=snap-*"));
    assert_int_equal(count_of(w, "<imageId>"), ready);
    after_s(w, 3600);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_image_is_seen_by_its_owner_and_by_whom_it_is_shared_with),
      cmocka_unit_test(an_image_belongs_to_one_region),
      cmocka_unit_test(a_public_image_is_seen_by_all),
      cmocka_unit_test(ids_that_are_malformed_or_unknown_are_errors),
      cmocka_unit_test(an_unknown_snapshot_is_an_error_and_a_closed_one_is_left_out),
      cmocka_unit_test(tags_are_seen_by_the_owner_alone),
      cmocka_unit_test(allowed_amis_hide_what_they_do_not_allow),
      cmocka_unit_test(disabled_images_are_hidden_and_closed_to_others),
      cmocka_unit_test(deprecated_images_of_others_are_listed_only_when_asked_for),
      cmocka_unit_test(the_world_may_hold_images_that_failed_or_are_pending),
      cmocka_unit_test(listings_are_narrowed_by_owner_and_permission),
      cmocka_unit_test(filters_are_case_sensitive_with_wildcards_values_or_names_and),
      cmocka_unit_test(a_backslash_takes_the_meaning_of_a_wildcard),
      cmocka_unit_test(snapshots_have_filters_of_their_own),
      cmocka_unit_test(filters_that_are_unknown_empty_or_too_many_are_refused),
      cmocka_unit_test(pages_end_when_there_is_no_token),
      cmocka_unit_test(a_token_belongs_to_its_call),
      cmocka_unit_test(a_page_and_ids_exclude_each_other),
      cmocka_unit_test(both_wire_forms_share_a_snapshot),
      cmocka_unit_test(both_wire_forms_share_an_image),
      cmocka_unit_test(snapshots_are_shared_with_accounts_one_way_a_call),
      cmocka_unit_test(snapshots_under_the_default_key_cannot_be_shared),
      cmocka_unit_test(what_is_encrypted_sold_or_archived_is_not_made_public),
      cmocka_unit_test(block_public_access_stops_public_sharing_and_no_other),
      cmocka_unit_test(images_are_shared_with_so_many_and_no_more),
      cmocka_unit_test(attributes_are_for_the_owner),
      cmocka_unit_test(each_attribute_is_told_in_its_own_element),
      cmocka_unit_test(description_and_imds_support_can_be_changed_one_at_a_time),
      cmocka_unit_test(disabling_takes_every_launch_permission_and_enabling_gives_none_back),
      cmocka_unit_test(deprecation_is_rounded_to_the_minute_and_neither_past_nor_far),
      cmocka_unit_test(protection_with_cooldown_goes_on_for_a_day),
      cmocka_unit_test(the_account_an_image_is_shared_with_can_drop_out),
      cmocka_unit_test(watermarks_go_with_copies_and_keep_an_image_private),
      cmocka_unit_test(a_deregistered_image_shows_for_a_while_then_answers_with_nothing_then_is_unknown),
      cmocka_unit_test(a_protected_image_is_not_deregistered),
      cmocka_unit_test(a_snapshot_of_an_image_is_in_use),
      cmocka_unit_test(deregistering_can_take_the_snapshots_along),
      cmocka_unit_test(deleting_a_pending_copy_ends_it),
      cmocka_unit_test(blocking_all_sharing_closes_what_was_public),
      cmocka_unit_test(an_image_whose_snapshots_are_archived_cannot_be_enabled),
      cmocka_unit_test(an_image_with_product_codes_is_not_made_public),
      cmocka_unit_test(executable_by_oneself_is_also_by_ones_organization_and_units),
      cmocka_unit_test(images_are_found_by_watermark_and_sriov),
      cmocka_unit_test(mappings_that_do_not_show_are_not_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
