/* cloudsim: CopyImage and CopySnapshot, by sections 1, 2.1, 2.2 and 3 of the rules. */
#include "tests/unit/cloudsim_ec2.h"

#define COPY "Action=CopyImage&Name=copied&SourceRegion=eu-west-1&SourceImageId="
#define PV "Action=RegisterImage&RootDeviceName=/dev/sda1&BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.Ebs.SnapshotId=snap-00000001&Name=old"
#define SNAP "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId="

static void presign(const char *account, const char *snapshot, const char *to) {
  front.url_good = true;
  AF_COPY(front.url_account, af_str(account));
  snprintf(front.url_query, sizeof front.url_query,
           "Action=CopySnapshot&SourceRegion=eu-west-1&DestinationRegion=%s&SourceSnapshotId=%s", to, snapshot);
}

static void share_secret(struct world *w) {
  static const char *const snapshots[] = {"snap-00000003", NULL};
  share(w, "ami-00000003", TARGET, snapshots);
}

static const char *first_snapshot(struct world *w, const char *account) {
  assert_done(w, call_as(w, account, "Action=DescribeSnapshots&Owner.1=self"));
  return value_of(w, "snapshotId");
}

/* --- CopyImage: what it needs --- */

TEST(launch_permission_is_not_permission_to_read_the_storage) {
  WORLD(w, "", "");
  static const char *const one[] = {"snap-00000001", NULL};
  share(w, "ami-00000001", TARGET, one); /* one of two snapshots */
  assert_refused(w, call_as(w, TARGET, COPY "ami-00000001"), "InvalidRequest", "You do not have permission to access the storage of this ami");
  assert_int_equal(w->reply.status, 400);
  share_plain(w);
  assert_done(w, call_as(w, TARGET, COPY "ami-00000001"));
}

TEST(an_image_that_is_not_shared_does_not_exist) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, TARGET, COPY "ami-00000001"), "InvalidAMIID.NotFound", "The image id '[ami-00000001]' does not exist");
}

TEST(the_world_may_say_that_the_bytes_need_no_launch_permission) {
  WORLD(w, "uncertain: {copy_needs_launch_permission: false}\n", "");
  share_plain(w);
  assert_done(w, call_as(w, SOURCE, "Action=ResetImageAttribute&ImageId=ami-00000001&Attribute=launchPermission"));
  assert_done(w, call_as(w, TARGET, COPY "ami-00000001"));
}

TEST(launch_permission_may_come_through_the_organization_or_a_unit) {
  WORLD(w, "", "");
  static const char *const snapshots[] = {"snap-00000001", "snap-00000002", NULL};
  share(w, "ami-00000001", OTHER, snapshots);
  share_plain(w);
  assert_done(w, call_as(w, SOURCE, "Action=ResetImageAttribute&ImageId=ami-00000001&Attribute=launchPermission"));
  assert_done(w, call_as(w, SOURCE, "Action=ModifyImageAttribute&ImageId=ami-00000001&LaunchPermission.Add.1.OrganizationalUnitArn="
                                    "arn:aws:organizations::111111111111:ou/o-one/ou-two"));
  assert_refused(w, call_as(w, OTHER, COPY "ami-00000001"), "InvalidAMIID.NotFound", "");
  assert_done(w, call_as(w, TARGET, COPY "ami-00000001"));
}

TEST(an_image_crosses_account_and_region_in_one_call) {
  WORLD(w, "", "");
  share_plain(w);
  assert_done(w, call_in(w, TARGET, "us-east-1", COPY "ami-00000001"));
  after_s(w, 3600);
  assert_done(w, call_in(w, TARGET, "us-east-1", "Action=DescribeImages&Owner.1=self"));
  assert_string_equal(value_of(w, "imageState"), "available");
  assert_string_equal(value_of(w, "sourceImageRegion"), "eu-west-1");
}

TEST(no_image_crosses_partitions) {
  WORLD(w, "", "");
  assert_refused(w, call_in(w, SOURCE, "cn-north-1", COPY "ami-00000001"), "InvalidRegion", "eu-west-1");
}

TEST(a_copy_may_name_its_policy_resources) {
  WORLD(w, "", "");
  front.denied[0] = "ec2:CopyImage arn:aws:ec2:eu-west-1::snapshot/snap-00000002";
  assert_refused(w, call_as(w, SOURCE, COPY "ami-00000001"), "UnauthorizedOperation", "");
  assert_int_equal(w->reply.status, 403);
  front.denied[0] = "ec2:CreateTags *";
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001"));
  assert_refused(w, call_as(w, SOURCE, COPY "ami-00000001&TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=a"),
                 "UnauthorizedOperation", "");
}

/* --- CopyImage: what comes of it --- */

TEST(a_copy_is_pending_until_its_last_snapshot_and_its_registration) {
  WORLD(w, "latencies: {copy_mib_per_s: 100, copy_min: 1, key_check: 1, image_registration: 30}\n", "");
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001"));
  char id[64];
  AF_COPY(id, af_str(value_of(w, "imageId")));
  assert_string_equal(image_state(w, SOURCE, id), "pending");
  after_s(w, 1000); /* the larger one has 100 GiB: 1024 s */
  assert_string_equal(image_state(w, SOURCE, id), "pending");
  after_s(w, 30);
  assert_string_equal(image_state(w, SOURCE, id), "pending");
  after_s(w, 25);
  assert_string_equal(image_state(w, SOURCE, id), "available");
}

TEST(a_copy_keeps_what_the_source_image_is) {
  WORLD(w, "", "");
  share_plain(w);
  assert_done(w, call_as(w, TARGET, COPY "ami-00000001"));
  char id[64], form[160];
  AF_COPY(id, af_str(value_of(w, "imageId")));
  after_s(w, 3600);
  assert_string_equal(image_state(w, TARGET, id), "available");
  assert_body(w, "<bootMode>uefi-preferred</bootMode><tpmSupport>v2.0</tpmSupport><imdsSupport>v2.0</imdsSupport>");
  assert_body(w, "<imageOwnerId>" TARGET "</imageOwnerId>");
  assert_body(w, "<sourceImageId>ami-00000001</sourceImageId><sourceImageRegion>eu-west-1</sourceImageRegion>");
  assert_body(w, "<virtualName>ephemeral0</virtualName>");
  assert_body(w, "<deleteOnTermination>false</deleteOnTermination><iops>300</iops>");
  assert_body(w, "<isPublic>false</isPublic>");
  assert_no_body(w, "<description>"); /* not carried by the call */
  assert_no_body(w, "sourceInstanceId");
  snprintf(form, sizeof form, "Action=DescribeImageAttribute&Attribute=uefiData&ImageId=%s", id);
  assert_done(w, call_as(w, TARGET, form));
  assert_body(w, "<uefiData><value>QU1J</value></uefiData>");
  snprintf(form, sizeof form, "Action=DescribeImageAttribute&Attribute=launchPermission&ImageId=%s", id);
  assert_done(w, call_as(w, TARGET, form));
  assert_body(w, "<launchPermission></launchPermission>");
}

/* rules.md 1.6, 2.4 */
TEST(a_kernel_has_another_id_in_each_region_and_a_region_without_it_takes_no_copy) {
  WORLD(w, "kernels: [{eu-west-1: aki-52a34525, us-east-1: aki-919dcaf8}, {eu-west-1: ari-7f5f6a0b}]\n", "");
  char form[240];
  assert_done(w, call_as(w, SOURCE, PV "&KernelId=aki-52a34525"));
  snprintf(form, sizeof form, COPY "%s", value_of(w, "imageId"));
  after_s(w, 60);
  assert_done(w, call_in(w, SOURCE, "us-east-1", form));
  assert_done(w, call_in(w, SOURCE, "us-east-1", "Action=DescribeImages&Owner.1=self"));
  assert_string_equal(value_of(w, "kernelId"), "aki-919dcaf8");
  assert_refused(w, call_in(w, SOURCE, "us-east-1", PV "&KernelId=aki-52a34525"), "InvalidAMIID.NotFound", "aki-52a34525");
  assert_done(w, call_as(w, SOURCE, PV "2&KernelId=aki-52a34525&RamdiskId=ari-7f5f6a0b"));
  snprintf(form, sizeof form, COPY "%s", value_of(w, "imageId"));
  after_s(w, 60);
  assert_refused(w, call_in(w, SOURCE, "us-east-1", form), "InvalidRequest", "ari-7f5f6a0b");
  assert_done(w, call_as(w, SOURCE, form)); /* where both are */
}

TEST(tags_do_not_cross_accounts_but_for_those_that_the_owner_shares) {
  WORLD(w, "", "");
  share_plain(w);
  assert_done(w, call_as(w, TARGET, COPY "ami-00000001&CopyImageTags=true&TagSpecification.1.ResourceType=image"
                                         "&TagSpecification.1.Tag.1.Key=mine&TagSpecification.1.Tag.1.Value=yes"));
  assert_done(w, call_as(w, TARGET, "Action=DescribeImages&Owner.1=self"));
  assert_body(w, "<key>mine</key><value>yes</value>");
  assert_body(w, "<key>ec2:SharedTag/Kind</key><value>golden</value>");
  assert_no_body(w, "Team");
}

TEST(tags_of_ones_own_image_are_copied_when_asked_for) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001&CopyImageTags=true"));
  assert_done(w, call_as(w, SOURCE, "Action=DescribeImages&Filter.1.Name=name&Filter.1.Value.1=copied"));
  assert_body(w, "<key>Team</key><value>blue</value>");
  assert_done(w, call_as(w, SOURCE, "Action=CopyImage&Name=bare&SourceRegion=eu-west-1&SourceImageId=ami-00000001"));
  assert_done(w, call_as(w, SOURCE, "Action=DescribeImages&Filter.1.Name=name&Filter.1.Value.1=bare"));
  assert_no_body(w, "Team");
}

TEST(new_snapshots_say_whose_copy_they_are_and_carry_the_tags_given) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000003&TagSpecification.1.ResourceType=snapshot&TagSpecification.1.Tag.1.Key=copy"
                                         "&TagSpecification.1.Tag.1.Value=77"));
  char want[200];
  snprintf(want, sizeof want, "Copied for DestinationAmi %s from SourceAmi ami-00000003 for SourceSnapshot snap-00000003. Task created on 1,790,000,000,000.",
           value_of(w, "imageId"));
  assert_done(w, call_as(w, SOURCE, "Action=DescribeSnapshots&Owner.1=self&Filter.1.Name=tag:copy&Filter.1.Value.1=7*"));
  assert_string_equal(value_of(w, "description"), want);
  assert_body(w, "<volumeId>vol-ffffffff</volumeId><status>pending</status>");
}

TEST(a_pending_copy_names_its_snapshots_only_in_some_worlds) {
  static const char *const settings[] = {"uncertain: {pending_image_shows_snapshots: false}\n", "uncertain: {pending_image_shows_snapshots: true}\n"};
  for (int shown = 0; shown < 2; shown++) {
    WORLD(w, settings[shown], "");
    assert_done(w, call_as(w, SOURCE, COPY "ami-00000003"));
    assert_done(w, call_as(w, SOURCE, "Action=DescribeImages&Filter.1.Name=name&Filter.1.Value.1=copied"));
    assert_int_equal(strstr(body_of(w), "snap-") != NULL, shown);
    after_s(w, 3600);
    assert_done(w, call_as(w, SOURCE, "Action=DescribeImages&Filter.1.Name=name&Filter.1.Value.1=copied"));
    assert_body(w, "snap-");
  }
}

TEST(progress_may_read_all_while_a_snapshot_is_pending) {
  WORLD(w, "latencies: {copy_mib_per_s: 8, copy_min: 0, key_check: 0, image_registration: 0}\n", "");
  assert_done(w, call_as(w, SOURCE, SNAP "snap-00000001")); /* 1 GiB: 128 s */
  char id[64];
  AF_COPY(id, af_str(value_of(w, "snapshotId")));
  after_s(w, 60);
  assert_string_equal(snapshot_state(w, SOURCE, id), "pending");
  assert_string_equal(value_of(w, "progress"), "49%");
  after_s(w, 66);
  assert_string_equal(snapshot_state(w, SOURCE, id), "pending");
  assert_string_equal(value_of(w, "progress"), "100%");
  after_s(w, 2);
  assert_string_equal(snapshot_state(w, SOURCE, id), "completed");
}

TEST(deregistering_a_pending_copy_cancels_it) {
  static const char *const settings[] = {"uncertain: {cancelled_copy_leaves_snapshots: true}\n", "uncertain: {cancelled_copy_leaves_snapshots: false}\n"};
  for (int gone = 0; gone < 2; gone++) {
    WORLD(w, settings[gone], "");
    assert_done(w, call_as(w, TARGET, "Action=DescribeSnapshots&Owner.1=self"));
    share_plain(w);
    assert_done(w, call_as(w, TARGET, COPY "ami-00000001"));
    char form[160];
    snprintf(form, sizeof form, "Action=DeregisterImage&ImageId=%s", value_of(w, "imageId"));
    assert_done(w, call_as(w, TARGET, form));
    after_s(w, 3600);
    assert_done(w, call_as(w, TARGET, "Action=DescribeImages&Owner.1=self"));
    assert_no_body(w, "ami-");
    assert_string_equal(first_snapshot(w, TARGET)[0] ? "left" : "gone", gone ? "gone" : "left");
  }
}

/* --- ClientToken --- */

TEST(a_client_token_gives_the_same_image_again) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001&ClientToken=t1"));
  char first[64];
  AF_COPY(first, af_str(value_of(w, "imageId")));
  after_s(w, 86400);
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001&ClientToken=t1"));
  assert_string_equal(value_of(w, "imageId"), first);
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001&ClientToken=t2"));
  assert_string_not_equal(value_of(w, "imageId"), first);
  assert_done(w, call_in(w, SOURCE, "us-east-1", COPY "ami-00000001&ClientToken=t1")); /* tokens are Regional */
  assert_string_not_equal(value_of(w, "imageId"), first);
}

TEST(a_client_token_with_other_parameters_is_a_mismatch) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001&ClientToken=t1"));
  assert_refused(w, call_as(w, SOURCE, COPY "ami-00000001&ClientToken=t1&Description=other"), "IdempotentParameterMismatch", "client token");
  assert_refused(w, call_as(w, SOURCE, COPY "ami-00000001&ClientToken=12345678901234567890123456789012345678901234567890123456789012345"),
                 "InvalidParameterValue", "64");
}

TEST(a_token_lives_as_long_as_the_world_says) {
  WORLD(w, "uncertain: {client_token_lifetime: 3600}\n", "");
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000003&ClientToken=t1"));
  char first[64];
  AF_COPY(first, af_str(value_of(w, "imageId")));
  after_s(w, 3599);
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000003&ClientToken=t1"));
  assert_string_equal(value_of(w, "imageId"), first);
  after_s(w, 2);
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000003&ClientToken=t1"));
  assert_string_not_equal(value_of(w, "imageId"), first);
}

TEST(names_need_not_be_unique_for_copies_unless_the_world_says_so) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001"));
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001"));
  WORLD(strict, "uncertain: {copy_image_unique_name: true}\n", "");
  assert_done(strict, call_as(strict, SOURCE, COPY "ami-00000001"));
  char want[200];
  snprintf(want, sizeof want, "AMI name copied is already in use by AMI %s", value_of(strict, "imageId"));
  assert_refused(strict, call_as(strict, SOURCE, COPY "ami-00000001"), "InvalidAMIName.Duplicate", want);
}

/* --- keys --- */

TEST(encryption_with_no_parameters) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, SNAP "snap-00000001"));
  assert_string_equal(value_of(w, "snapshotId")[0] ? "made" : "", "made");
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000003")); /* own: the same key */
  after_s(w, 60);
  assert_done(w, call_as(w, SOURCE, "Action=DescribeSnapshots&Filter.1.Name=description&Filter.1.Value.1=Copied*snap-00000003*"));
  assert_string_equal(value_of(w, "kmsKeyId"), SOURCE_KEY);
  share_secret(w);
  front.granted = true;
  assert_done(w, call_as(w, TARGET, COPY "ami-00000003")); /* another's: the default key of the target */
  after_s(w, 60);
  assert_done(w, call_as(w, TARGET, "Action=DescribeSnapshots&Owner.1=self"));
  assert_string_equal(value_of(w, "kmsKeyId"), "arn:aws:kms:eu-west-1:222222222222:key/ebs-2");
}

TEST(ones_own_key_stays_behind_in_its_region) {
  WORLD(w, "", "");
  assert_done(w, call_in(w, SOURCE, "us-east-1", COPY "ami-00000003"));
  after_s(w, 3600);
  assert_done(w, call_in(w, SOURCE, "us-east-1", "Action=DescribeSnapshots&Owner.1=self"));
  assert_string_equal(value_of(w, "status"), "completed");
  assert_string_equal(value_of(w, "kmsKeyId"), "arn:aws:kms:us-east-1:111111111111:key/ebs-4");
}

TEST(the_world_may_say_that_a_foreign_copy_keeps_the_source_key) {
  WORLD(w, "uncertain: {copy_same_key_for_foreign: true}\n", "");
  share_secret(w);
  front.granted = true;
  assert_done(w, call_as(w, TARGET, COPY "ami-00000003"));
  after_s(w, 60);
  assert_done(w, call_as(w, TARGET, "Action=DescribeSnapshots&Owner.1=self"));
  assert_string_equal(value_of(w, "kmsKeyId"), SOURCE_KEY);
}

TEST(encryption_by_default_makes_copies_encrypted) {
  WORLD(w, "", "      ebs_encryption_by_default: true\n      ebs_default_key: " TARGET_KEY "\n");
  share_plain(w);
  assert_done(w, call_as(w, TARGET, SNAP "snap-00000001"));
  after_s(w, 3600);
  assert_done(w, call_as(w, TARGET, "Action=DescribeSnapshots&Owner.1=self"));
  assert_body(w, "<encrypted>true</encrypted><kmsKeyId>" TARGET_KEY "</kmsKeyId>");
}

TEST(a_key_needs_the_word_encrypted) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, COPY "ami-00000001&KmsKeyId=alias/mine"), "InvalidParameterDependency", "KmsKeyId");
  assert_refused(w, call_as(w, SOURCE, SNAP "snap-00000001&KmsKeyId=alias/mine"), "InvalidParameterDependency", "KmsKeyId");
}

TEST(nothing_encrypted_is_copied_as_plain) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, COPY "ami-00000003&Encrypted=false"), "InvalidRequest",
                 "Snapshot snap-00000003 is encrypted. Creating unencrypted copy from an encrypted snapshot is not supported");
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001&Encrypted=false"));
  assert_refused(w, call_as(w, SOURCE, SNAP "snap-00000001&Encrypted=false"), "InvalidParameterValue", "Encrypted");
}

TEST(a_bad_key_fails_the_image_minutes_later) {
  WORLD(w, "latencies: {key_check: 120}\n", "");
  share_plain(w);
  assert_done(w, call_as(w, TARGET, COPY "ami-00000001&Encrypted=true&KmsKeyId=alias/nowhere"));
  char id[64];
  AF_COPY(id, af_str(value_of(w, "imageId")));
  after_s(w, 119);
  assert_string_equal(image_state(w, TARGET, id), "pending");
  after_s(w, 1);
  assert_string_equal(image_state(w, TARGET, id), "failed");
  assert_body(w, "<stateReason><code>Server.InternalError</code><message>Copy image failed with an internal error.</message></stateReason>");
  assert_done(w, call_as(w, TARGET, "Action=DescribeSnapshots&Owner.1=self&Filter.1.Name=status&Filter.1.Value.1=error"));
  assert_body(w, "<status>error</status><statusMessage>Given key ID is not accessible</statusMessage>");
}

TEST(a_shared_encrypted_image_needs_the_source_key) {
  WORLD(w, "latencies: {key_check: 10}\n", "");
  share_secret(w);
  assert_done(w, call_as(w, TARGET, COPY "ami-00000003&Encrypted=true&KmsKeyId=" TARGET_KEY));
  char id[64];
  AF_COPY(id, af_str(value_of(w, "imageId")));
  after_s(w, 10);
  assert_string_equal(image_state(w, TARGET, id), "failed");
  front.granted = true;
  assert_done(w, call_as(w, TARGET, COPY "ami-00000003&Encrypted=true&KmsKeyId=" TARGET_KEY));
  AF_COPY(id, af_str(value_of(w, "imageId")));
  after_s(w, 3600);
  assert_string_equal(image_state(w, TARGET, id), "available");
}

TEST(every_operation_of_the_documented_set_is_needed) {
  static const char *const operations[] = {"DescribeKey", "CreateGrant", "Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"};
  for (size_t i = 0; i < COUNT(operations); i++) {
    WORLD(w, "", "");
    share_secret(w);
    presign(TARGET, "snap-00000003", "eu-west-1");
    front.granted = true;
    front.forbidden_operation = operations[i];
    assert_done(w, call_as(w, TARGET, SNAP "snap-00000003&Encrypted=true&KmsKeyId=alias/mine&PresignedUrl=u"));
    after_s(w, 3600);
    assert_string_equal(snapshot_state(w, TARGET, first_snapshot(w, TARGET)), "error");
  }
  WORLD(w, "uncertain: {source_key_operations: [DescribeKey, Decrypt, CreateGrant]}\n", "");
  share_secret(w);
  presign(TARGET, "snap-00000003", "eu-west-1");
  front.granted = true;
  front.forbidden_operation = "ReEncryptFrom"; /* AWS's own script does without */
  assert_done(w, call_as(w, TARGET, SNAP "snap-00000003&Encrypted=true&KmsKeyId=alias/mine&PresignedUrl=u"));
  after_s(w, 3600);
  assert_string_equal(snapshot_state(w, TARGET, first_snapshot(w, TARGET)), "completed");
}

TEST(a_grant_that_arrives_after_the_check_comes_too_late) {
  WORLD(w, "latencies: {key_check: 10}\n", "");
  share_secret(w);
  presign(TARGET, "snap-00000003", "eu-west-1");
  front.granted = true;
  front.granted_ms = START_MS + 11000;
  assert_done(w, call_as(w, TARGET, SNAP "snap-00000003&Encrypted=true&KmsKeyId=alias/mine&PresignedUrl=u"));
  after_s(w, 3600);
  assert_string_equal(snapshot_state(w, TARGET, first_snapshot(w, TARGET)), "error");
}

TEST(a_grant_that_is_retired_too_early_may_fail_a_running_copy) {
  static const char *const settings[] = {"uncertain: {retired_grant_fails_running_copy: true}\n", "uncertain: {retired_grant_fails_running_copy: false}\n"};
  for (int spared = 0; spared < 2; spared++) {
    WORLD(w, settings[spared], "");
    share_secret(w);
    presign(TARGET, "snap-00000003", "eu-west-1");
    front.granted = true;
    front.retired_ms = START_MS + 10000; /* checked after 2 s, complete after 40 */
    assert_done(w, call_as(w, TARGET, SNAP "snap-00000003&Encrypted=true&KmsKeyId=alias/mine&PresignedUrl=u"));
    after_s(w, 3600);
    assert_string_equal(snapshot_state(w, TARGET, first_snapshot(w, TARGET)), spared ? "completed" : "error");
  }
}

TEST(a_target_key_that_cannot_be_used_fails_the_copy) {
  WORLD(w, "", "");
  share_plain(w);
  front.target_key_disabled = true;
  assert_done(w, call_as(w, TARGET, SNAP "snap-00000001&Encrypted=true&KmsKeyId=" TARGET_KEY));
  after_s(w, 3600);
  assert_string_equal(snapshot_state(w, TARGET, first_snapshot(w, TARGET)), "error");
  assert_string_equal(value_of(w, "statusMessage"), "Given key ID is not accessible");
}

TEST(a_key_of_another_region_is_no_key_here) {
  WORLD(w, "", "");
  share_plain(w);
  assert_done(w, call_as(w, TARGET, SNAP "snap-00000001&Encrypted=true&KmsKeyId=" TARGET_US_KEY));
  after_s(w, 3600);
  assert_string_equal(snapshot_state(w, TARGET, first_snapshot(w, TARGET)), "error");
}

/* --- billing --- */

TEST(marketplace_images_are_refused_only_where_the_world_says_so) {
  static const char *const snapshots[] = {"snap-00000006", NULL};
  WORLD(w, "", "");
  share(w, "ami-00000006", TARGET, snapshots);
  assert_done(w, call_as(w, TARGET, COPY "ami-00000006"));
  assert_done(w, call_as(w, TARGET, "Action=DescribeImages&Owner.1=self"));
  assert_body(w, "<productCodes><item><productCode>abc123</productCode><type>marketplace</type></item></productCodes>");
  WORLD(strict, "uncertain: {marketplace_copy_refused: true}\n", "");
  share(strict, "ami-00000006", TARGET, snapshots);
  assert_refused(strict, call_as(strict, TARGET, COPY "ami-00000006"), "InvalidRequest", "Images from AWS Marketplace cannot be copied to another AWS account");
  assert_done(strict, call_as(strict, SOURCE, COPY "ami-00000006"));
}

TEST(images_with_billing_products_are_refused_only_where_the_world_says_so) {
  static const char *const snapshots[] = {"snap-00000005", NULL};
  WORLD(w, "", "");
  share(w, "ami-00000005", TARGET, snapshots);
  assert_done(w, call_as(w, TARGET, COPY "ami-00000005"));
  WORLD(strict, "uncertain: {billing_copy_refused: true}\n", "");
  share(strict, "ami-00000005", TARGET, snapshots);
  assert_refused(strict, call_as(strict, TARGET, COPY "ami-00000005"), "InvalidRequest",
                 "Images with EC2 BillingProduct codes cannot be copied to another AWS account");
  static const char *const plain[] = {"snap-00000001", "snap-00000002", NULL};
  share(strict, "ami-00000001", TARGET, plain);
  assert_done(strict, call_as(strict, TARGET, COPY "ami-00000001"));
}

/* --- quotas --- */

TEST(only_so_many_snapshots_are_copied_at_a_time) {
  WORLD(w, "quotas: {snapshot_copies: 2}\n", "");
  assert_done(w, call_as(w, SOURCE, SNAP "snap-00000001"));
  assert_done(w, call_as(w, SOURCE, SNAP "snap-00000001"));
  assert_refused(w, call_as(w, SOURCE, SNAP "snap-00000001"), "ResourceLimitExceeded",
                 "Too many snapshot copies in progress. The limit is 2 for this destination region.");
  assert_done(w, call_in(w, SOURCE, "us-east-1", SNAP "snap-00000001")); /* of each destination Region */
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001"));               /* an image copy has a quota of its own */
  after_s(w, 3600);
  assert_done(w, call_as(w, SOURCE, SNAP "snap-00000001"));
  WORLD(strict, "quotas: {snapshot_copies: 1}\nuncertain: {copy_image_uses_snapshot_slots: true}\n", "");
  assert_refused(strict, call_as(strict, SOURCE, COPY "ami-00000001"), "ResourceLimitExceeded", "The limit is 1");
}

TEST(only_so_many_images_are_copied_at_a_time) {
  WORLD(w, "quotas: {image_copies: 1}\n", "");
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001&ClientToken=a"));
  assert_refused(w, call_as(w, SOURCE, COPY "ami-00000001&ClientToken=b"), "ResourceLimitExceeded", "The limit is 1");
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001&ClientToken=a")); /* a replay starts nothing */
  after_s(w, 3600);
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001&ClientToken=b"));
  assert_done(w, call_as(w, SOURCE, "Action=RegisterImage&Name=made&RootDeviceName=a&BlockDeviceMapping.1.DeviceName=a"
                                    "&BlockDeviceMapping.1.Ebs.SnapshotId=snap-00000001"));
  after_s(w, 10); /* the registered image is done, the copy is not: it alone counts */
  assert_refused(w, call_as(w, SOURCE, COPY "ami-00000001&ClientToken=c"), "ResourceLimitExceeded", "The limit is 1");
}

TEST(images_and_snapshots_are_counted) {
  WORLD(w, "quotas: {images: 5, snapshots: 8}\n", "");
  assert_refused(w, call_as(w, SOURCE, COPY "ami-00000001"), "ResourceLimitExceeded", "quota of 5 AMIs");
  assert_done(w, call_as(w, SOURCE, SNAP "snap-00000001"));
  assert_refused(w, call_as(w, SOURCE, SNAP "snap-00000001"), "SnapshotLimitExceeded", "quota of 8");
  assert_done(w, call_as(w, SOURCE, "Action=DeregisterImage&ImageId=ami-00000003"));
  assert_done(w, call_as(w, SOURCE, "Action=DeleteSnapshot&SnapshotId=snap-00000003"));
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000006"));
  WORLD(few, "quotas: {pending_snapshots: 1}\n", "");
  assert_refused(few, call_as(few, SOURCE, COPY "ami-00000001"), "PendingSnapshotLimitExceeded", "limit of 1");
}

/* --- CopySnapshot --- */

TEST(every_copy_of_a_snapshot_is_another) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, SNAP "snap-00000001&Description=d"));
  char first[64];
  AF_COPY(first, af_str(value_of(w, "snapshotId")));
  assert_done(w, call_as(w, SOURCE, SNAP "snap-00000001&Description=d"));
  assert_string_not_equal(value_of(w, "snapshotId"), first);
  assert_refused(w, call_as(w, SOURCE, SNAP "snap-00000001&ClientToken=x"), "UnknownParameter", "ClientToken");
}

TEST(an_encrypted_snapshot_needs_a_presigned_url) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, SNAP "snap-00000001")); /* a plain one does not */
  assert_refused(w, call_as(w, SOURCE, SNAP "snap-00000003"), "MissingParameter", "PresignedUrl");
}

TEST(a_bad_presigned_url_fails_the_copy_later) {
  static const struct {
    const char *account, *snapshot, *to;
    bool good;
  } urls[] = {
      {SOURCE, "snap-00000003", "eu-west-1", true},
      {TARGET, "snap-00000003", "eu-west-1", false},
      {SOURCE, "snap-00000001", "eu-west-1", false},
      {SOURCE, "snap-00000003", "us-east-1", false},
  };
  for (size_t i = 0; i < COUNT(urls) + 1; i++) {
    WORLD(w, "", "");
    if (i < COUNT(urls))
      presign(urls[i].account, urls[i].snapshot, urls[i].to);
    assert_done(w, call_as(w, SOURCE, SNAP "snap-00000003&PresignedUrl=u"));
    char id[64];
    AF_COPY(id, af_str(value_of(w, "snapshotId")));
    assert_string_equal(snapshot_state(w, SOURCE, id), "pending");
    after_s(w, 3600);
    assert_string_equal(snapshot_state(w, SOURCE, id), i < COUNT(urls) && urls[i].good ? "completed" : "error");
  }
}

TEST(a_snapshot_that_is_not_shared_archived_or_unfinished_is_not_copied) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, TARGET, SNAP "snap-00000001"), "InvalidSnapshot.NotFound", "snap-00000001");
  assert_refused(w, call_as(w, SOURCE, SNAP "snap-00000007"), "IncorrectState", "archived");
  assert_done(w, call_as(w, SOURCE, SNAP "snap-00000001"));
  char form[200];
  snprintf(form, sizeof form, SNAP "%s", value_of(w, "snapshotId"));
  assert_refused(w, call_as(w, SOURCE, form), "IncorrectState", "completed");
}

TEST(the_reply_to_copy_snapshot_carries_the_tags_of_the_call) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, SNAP "snap-00000001&TagSpecification.1.ResourceType=snapshot&TagSpecification.1.Tag.1.Key=a"
                                         "&TagSpecification.1.Tag.1.Value=b%26c"));
  assert_body(w, "<tagSet><item><key>a</key><value>b&amp;c</value></item></tagSet>");
  assert_no_body(w, "Role"); /* not the source's */
}

TEST(copies_of_one_lineage_under_one_key_share_their_data_key) {
  WORLD(w, "", "");
  presign(SOURCE, "snap-00000003", "eu-west-1");
  assert_done(w, call_as(w, SOURCE, SNAP "snap-00000003&Encrypted=true&KmsKeyId=" SOURCE_KEY "&PresignedUrl=u"));
  after_s(w, 3600);
  assert_done(w, call_as(w, SOURCE, "Action=DescribeSnapshots&SnapshotId.1=snap-00000003"));
  char data_key[80];
  AF_COPY(data_key, af_str(value_of(w, "dataEncryptionKeyId")));
  assert_done(w, call_as(w, SOURCE, "Action=DescribeSnapshots&Filter.1.Name=volume-id&Filter.1.Value.1=vol-ffffffff"));
  assert_string_equal(value_of(w, "dataEncryptionKeyId"), data_key);
}

TEST(a_time_based_copy_takes_the_time_it_asked_for) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, SNAP "snap-00000001&CompletionDurationMinutes=20"), "InvalidParameterValue", "15");
  assert_done(w, call_as(w, SOURCE, SNAP "snap-00000001&CompletionDurationMinutes=15"));
  char id[64];
  AF_COPY(id, af_str(value_of(w, "snapshotId")));
  after_s(w, 899);
  assert_string_equal(snapshot_state(w, SOURCE, id), "pending");
  assert_body(w, "<transferType>time-based</transferType><completionDurationMinutes>15</completionDurationMinutes>");
  after_s(w, 1);
  assert_string_equal(snapshot_state(w, SOURCE, id), "completed");
}

TEST(a_dry_run_does_nothing) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, COPY "ami-00000001&DryRun=true"), "DryRunOperation", "would have succeeded");
  assert_int_equal(w->reply.status, 412);
  assert_refused(w, call_as(w, SOURCE, SNAP "snap-00000001&DryRun=true"), "DryRunOperation", "");
  assert_refused(w, call_as(w, SOURCE, COPY "ami-0000000f&DryRun=true"), "InvalidAMIID.NotFound", "");
  front.denied[0] = "ec2:CopyImage *";
  assert_refused(w, call_as(w, SOURCE, COPY "ami-00000001&DryRun=true"), "UnauthorizedOperation", "");
  WORLD(blind, "uncertain: {dry_run_checks_source: false}\n", "");
  assert_refused(blind, call_as(blind, SOURCE, COPY "ami-0000000f&DryRun=true"), "DryRunOperation", "");
  assert_int_equal(blind->sim->ec2->n_snapshots, 7);
}

TEST(a_dry_run_with_a_token_that_was_used_is_a_dry_run) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001&ClientToken=t1"));
  assert_refused(w, call_as(w, SOURCE, COPY "ami-00000001&ClientToken=t1&DryRun=true"), "DryRunOperation", "");
  assert_refused(w, call_as(w, SOURCE, COPY "ami-00000001&ClientToken=t1&Description=other&DryRun=true"), "DryRunOperation", "");
}

static void add_tag(char form[4096], int i, const char *key) {
  size_t used = strlen(form);
  snprintf(form + used, 4096 - used, "&TagSpecification.1.Tag.%d.Key=%s", i, key);
}

/* rules.md 1.2: tags that come along count against the fifty, and tagging is atomic with the creation (1.1). */
TEST(a_copy_has_at_most_fifty_tags_wherever_they_come_from) {
  WORLD(w, "", "");
  char form[4096] = COPY "ami-00000001&CopyImageTags=true&TagSpecification.1.ResourceType=image";
  for (int i = 1; i <= 48; i++) {
    char key[8];
    snprintf(key, sizeof key, "k%d", i);
    add_tag(form, i, key);
  }
  assert_done(w, call_as(w, SOURCE, form)); /* Team and ec2:SharedTag/Kind make fifty */
  add_tag(form, 49, "Team");
  assert_done(w, call_as(w, SOURCE, form)); /* the same key counts once */
  add_tag(form, 50, "more");
  assert_done(w, call_as(w, SOURCE, "Action=DescribeImages&Owner.1=self"));
  size_t before = count_of(w, "<imageId>");
  assert_refused(w, call_as(w, SOURCE, form), "TagLimitExceeded", "50");
  assert_done(w, call_as(w, SOURCE, "Action=DescribeImages&Owner.1=self"));
  assert_int_equal(count_of(w, "<imageId>"), before);
}

TEST(a_tag_of_the_call_beats_one_that_comes_along) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, COPY "ami-00000001&CopyImageTags=true&TagSpecification.1.ResourceType=image"
                                         "&TagSpecification.1.Tag.1.Key=Team&TagSpecification.1.Tag.1.Value=mine"));
  assert_done(w, call_as(w, SOURCE, "Action=DescribeImages&Filter.1.Name=name&Filter.1.Value.1=copied"));
  assert_body(w, "<key>Team</key><value>mine</value>");
  assert_no_body(w, "blue");
}

TEST(an_image_whose_snapshots_are_archived_is_not_copied) {
  WORLD(w, "", "      snapshots: [{id: snap-000000c2, size: 1, storage_tier: archive}]\n"
               "      images: [{id: ami-000000c2, name: cold, mappings: [{device: /dev/xvda, snapshot: snap-000000c2}]}]\n");
  assert_refused(w, call_as(w, TARGET, COPY "ami-000000c2"), "IncorrectState", "snap-000000c2");
}

/* rules.md 9: 500 MiB/s is the most that one snapshot gets. */
TEST(a_time_based_copy_takes_as_long_as_its_bytes_need) {
  WORLD(w, "", "      snapshots: [{id: snap-000000c4, size: 1024}]\n");
  assert_done(w, call_as(w, TARGET, SNAP "snap-000000c4&CompletionDurationMinutes=15"));
  char id[64];
  AF_COPY(id, af_str(value_of(w, "snapshotId")));
  after_s(w, 2097);
  assert_string_equal(snapshot_state(w, TARGET, id), "pending");
  after_s(w, 1);
  assert_string_equal(snapshot_state(w, TARGET, id), "completed");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(launch_permission_is_not_permission_to_read_the_storage),
      cmocka_unit_test(an_image_that_is_not_shared_does_not_exist),
      cmocka_unit_test(the_world_may_say_that_the_bytes_need_no_launch_permission),
      cmocka_unit_test(launch_permission_may_come_through_the_organization_or_a_unit),
      cmocka_unit_test(an_image_crosses_account_and_region_in_one_call),
      cmocka_unit_test(no_image_crosses_partitions),
      cmocka_unit_test(a_copy_may_name_its_policy_resources),
      cmocka_unit_test(a_copy_is_pending_until_its_last_snapshot_and_its_registration),
      cmocka_unit_test(a_copy_keeps_what_the_source_image_is),
      cmocka_unit_test(a_kernel_has_another_id_in_each_region_and_a_region_without_it_takes_no_copy),
      cmocka_unit_test(tags_do_not_cross_accounts_but_for_those_that_the_owner_shares),
      cmocka_unit_test(tags_of_ones_own_image_are_copied_when_asked_for),
      cmocka_unit_test(new_snapshots_say_whose_copy_they_are_and_carry_the_tags_given),
      cmocka_unit_test(a_pending_copy_names_its_snapshots_only_in_some_worlds),
      cmocka_unit_test(progress_may_read_all_while_a_snapshot_is_pending),
      cmocka_unit_test(deregistering_a_pending_copy_cancels_it),
      cmocka_unit_test(a_client_token_gives_the_same_image_again),
      cmocka_unit_test(a_client_token_with_other_parameters_is_a_mismatch),
      cmocka_unit_test(a_token_lives_as_long_as_the_world_says),
      cmocka_unit_test(names_need_not_be_unique_for_copies_unless_the_world_says_so),
      cmocka_unit_test(encryption_with_no_parameters),
      cmocka_unit_test(ones_own_key_stays_behind_in_its_region),
      cmocka_unit_test(the_world_may_say_that_a_foreign_copy_keeps_the_source_key),
      cmocka_unit_test(encryption_by_default_makes_copies_encrypted),
      cmocka_unit_test(a_key_needs_the_word_encrypted),
      cmocka_unit_test(nothing_encrypted_is_copied_as_plain),
      cmocka_unit_test(a_bad_key_fails_the_image_minutes_later),
      cmocka_unit_test(a_shared_encrypted_image_needs_the_source_key),
      cmocka_unit_test(every_operation_of_the_documented_set_is_needed),
      cmocka_unit_test(a_grant_that_arrives_after_the_check_comes_too_late),
      cmocka_unit_test(a_grant_that_is_retired_too_early_may_fail_a_running_copy),
      cmocka_unit_test(a_target_key_that_cannot_be_used_fails_the_copy),
      cmocka_unit_test(a_key_of_another_region_is_no_key_here),
      cmocka_unit_test(marketplace_images_are_refused_only_where_the_world_says_so),
      cmocka_unit_test(images_with_billing_products_are_refused_only_where_the_world_says_so),
      cmocka_unit_test(only_so_many_snapshots_are_copied_at_a_time),
      cmocka_unit_test(only_so_many_images_are_copied_at_a_time),
      cmocka_unit_test(images_and_snapshots_are_counted),
      cmocka_unit_test(every_copy_of_a_snapshot_is_another),
      cmocka_unit_test(an_encrypted_snapshot_needs_a_presigned_url),
      cmocka_unit_test(a_bad_presigned_url_fails_the_copy_later),
      cmocka_unit_test(a_snapshot_that_is_not_shared_archived_or_unfinished_is_not_copied),
      cmocka_unit_test(the_reply_to_copy_snapshot_carries_the_tags_of_the_call),
      cmocka_unit_test(copies_of_one_lineage_under_one_key_share_their_data_key),
      cmocka_unit_test(a_time_based_copy_takes_the_time_it_asked_for),
      cmocka_unit_test(a_dry_run_does_nothing),
      cmocka_unit_test(a_dry_run_with_a_token_that_was_used_is_a_dry_run),
      cmocka_unit_test(a_copy_has_at_most_fifty_tags_wherever_they_come_from),
      cmocka_unit_test(a_tag_of_the_call_beats_one_that_comes_along),
      cmocka_unit_test(an_image_whose_snapshots_are_archived_is_not_copied),
      cmocka_unit_test(a_time_based_copy_takes_as_long_as_its_bytes_need),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
