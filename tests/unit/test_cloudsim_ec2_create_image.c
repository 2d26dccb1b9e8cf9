/* cloudsim: CreateImage, by sections 2.1 and 4 of the rules: what an image of an instance keeps, and what it costs. */
#include "tests/unit/cloudsim_compute.h"

#define MAKE "Action=CreateImage&Name=made&InstanceId=@"
#define TAG_BOTH                                                                                                \
  "&TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v"      \
  "&TagSpecification.2.ResourceType=snapshot&TagSpecification.2.Tag.1.Key=s&TagSpecification.2.Tag.1.Value=t"

/* The id of the image that the form makes of the instance. */
static const char *made(struct world *w, const char *form, const char *instance) {
  static char ids[4][64];
  static unsigned turn;
  char *id = ids[turn++ % 4];
  assert_done(w, call_id(w, form, instance));
  af_str_copy(id, 64, af_str(value_of(w, "imageId")));
  return id;
}

TEST(an_image_of_an_instance_and_its_snapshots_take_time) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *id = made(w, MAKE "&Description=of+mine" TAG_BOTH, stopped(w, OWN));
  assert_string_equal(image_state(w, TARGET, id), "pending");
  assert_body(w, "<blockDeviceMapping></blockDeviceMapping>");
  assert_done(w, call_as(w, TARGET, "Action=DescribeSnapshots&Owner.1=self&Filter.1.Name=tag:s&Filter.1.Value.1=t"));
  assert_string_equal(value_of(w, "status"), "pending");
  assert_contains(value_of(w, "description"), "Created by CreateImage(i-");
  assert_contains(value_of(w, "description"), id);
  assert_contains(value_of(w, "volumeId"), "vol-0");
  after_s(w, 120);
  assert_string_equal(image_state(w, TARGET, id), "available");
  assert_string_equal(value_of(w, "name"), "made");
  assert_string_equal(value_of(w, "description"), "of mine");
  assert_body(w, "<tagSet><item><key>k</key><value>v</value></item></tagSet>");
  assert_body(w, "<snapshotId>snap-0");
  assert_string_equal(value_of(w, "imageOwnerId"), TARGET);
  assert_done(w, call_as(w, TARGET, "Action=DescribeSnapshots&Owner.1=self&Filter.1.Name=tag:s&Filter.1.Value.1=t"));
  assert_string_equal(value_of(w, "status"), "completed");
}

TEST(it_keeps_what_the_launch_image_was) {
  WORLD(w, CALM, "");
  cs_set(&cs_image_by_id(w->sim, "ami-00000001")->text[CS_SRIOV], "simple");
  cs_set(&cs_image_by_id(w->sim, "ami-00000001")->text[CS_PLATFORM_DETAILS], "Red Hat Enterprise Linux");
  cs_set(&cs_image_by_id(w->sim, "ami-00000001")->text[CS_USAGE_OPERATION], "RunInstances:0010");
  share_image(w, "ami-00000001");
  const char *instance = stopped(w, RUN_SOURCE("ami-00000001"));
  const char *id = made(w, MAKE, instance);
  after_s(w, 3600);
  assert_string_equal(image_state(w, TARGET, id), "available");
  assert_string_equal(value_of(w, "architecture"), "x86_64");
  assert_string_equal(value_of(w, "bootMode"), "uefi-preferred");
  assert_string_equal(value_of(w, "tpmSupport"), "v2.0");
  assert_string_equal(value_of(w, "enaSupport"), "true");
  assert_string_equal(value_of(w, "sriovNetSupport"), "simple");
  assert_string_equal(value_of(w, "virtualizationType"), "hvm");
  assert_string_equal(value_of(w, "rootDeviceName"), "/dev/xvda");
  assert_string_equal(value_of(w, "platformDetails"), "Red Hat Enterprise Linux");
  assert_string_equal(value_of(w, "usageOperation"), "RunInstances:0010");
  assert_string_equal(value_of(w, "sourceImageId"), "ami-00000001");
  assert_string_equal(value_of(w, "sourceImageRegion"), "eu-west-1");
  assert_string_equal(value_of(w, "sourceInstanceId"), instance);
  assert_body(w, "<deviceName>/dev/sdc</deviceName><virtualName>ephemeral0</virtualName>");
  assert_body(w, "<volumeSize>100</volumeSize><volumeType>io1</volumeType>");
  assert_body(w, "<deviceName>/dev/sdb</deviceName><ebs><deleteOnTermination>false</deleteOnTermination><iops>300</iops>");
  assert_no_body(w, "imdsSupport"); /* nobody documents it: the world chooses */
  assert_no_body(w, "SharedTag");   /* its tags are the image's, not the instance's */
  char form[200];
  snprintf(form, sizeof form, "Action=DescribeImageAttribute&ImageId=%s&Attribute=uefiData", id);
  assert_done(w, call_as(w, TARGET, form));
  assert_body(w, "QU1J");
}

TEST(whether_imds_support_is_kept_is_the_worlds_choice) {
  WORLD(w, CALM "uncertain: {create_image_keeps_imds: true}\n", OWN_IMAGES);
  const char *id = made(w, MAKE, stopped(w, RUN "&ImageId=ami-000000b5&InstanceType=m5.large"));
  assert_string_equal(image_state(w, TARGET, id), "pending");
  assert_string_equal(value_of(w, "imdsSupport"), "v2.0");
}

TEST(what_becomes_of_the_launch_image_later_does_not_matter) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *instance = stopped(w, OWN);
  assert_done(w, call_as(w, TARGET, "Action=DeregisterImage&ImageId=ami-000000b1"));
  const char *id = made(w, MAKE, instance);
  after_s(w, 120);
  assert_string_equal(image_state(w, TARGET, id), "available");
  assert_string_equal(value_of(w, "sourceImageId"), "ami-000000b1");
}

TEST(billing_products_codes_and_watermarks_come_along) {
  WORLD(w, CALM,
        "      snapshots: [{id: snap-000000c1, product_codes: [{code: xyz}]}]\n"
        "      images: [{id: ami-000000c1, name: sold-one, billing: true, platform: windows, platform_details: Windows, usage_operation: 'RunInstances:0002',\n"
        "        watermarks: [{key: golden, source_image_id: ami-00000009}], mappings: [{device: /dev/xvda, snapshot: snap-000000c1}]}]\n");
  struct af_error err;
  assert_ok(cs_sim_subscribe(w->sim, TARGET, "xyz", &err), &err);
  const char *id = made(w, MAKE, stopped(w, RUN "&InstanceType=m5.large&ImageId=ami-000000c1"));
  after_s(w, 120);
  assert_string_equal(image_state(w, TARGET, id), "available");
  assert_body(w, "<productCode>xyz</productCode>");
  assert_body(w, "<watermarkKey>golden</watermarkKey>");
  assert_string_equal(value_of(w, "platform"), "windows");
  assert_string_equal(value_of(w, "usageOperation"), "RunInstances:0002");
  const struct cs_image *image = cs_image_by_id(w->sim, id);
  assert_true(image->billing);
  const struct cs_snapshot *s = cs_snapshot_by_id(w->sim, image->mappings[0].snapshot_id);
  assert_string_equal(s->codes[0].code, "xyz");
  assert_string_equal(s->usage_operation, "RunInstances:0002"); /* an image registered of it would find its billing */
}

TEST(snapshots_are_under_the_key_of_their_volume) {
  WORLD(w, CALM, "");
  share_image(w, "ami-00000003");
  front.granted = true;
  const char *instance = stopped(w, RUN_SOURCE("ami-00000003")
                                 "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.Encrypted=true&BlockDeviceMapping.1.Ebs.KmsKeyId=alias/mine");
  front.granted = false; /* the source's key is needed no more */
  const char *id = made(w, MAKE TAG_BOTH, instance);
  after_s(w, 120);
  assert_string_equal(image_state(w, TARGET, id), "available");
  assert_body(w, "<encrypted>true</encrypted>");
  assert_done(w, call_as(w, TARGET, "Action=DescribeSnapshots&Owner.1=self&Filter.1.Name=tag:s&Filter.1.Value.1=t"));
  assert_string_equal(value_of(w, "kmsKeyId"), TARGET_KEY);
  assert_string_not_equal(value_of(w, "dataEncryptionKeyId"), "");
  assert_string_equal(value_of(w, "encrypted"), "true");
}

TEST(only_what_happens_on_termination_can_be_changed) {
  static const struct {
    const char *form, *part;
  } bad[] = {
      {"&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.VolumeSize=50", "VolumeSize"},
      {"&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.Encrypted=true", "Encrypted"},
      {"&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.SnapshotId=snap-00000002", "SnapshotId"},
      {"&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.VolumeType=gp2", "VolumeType"},
      {"&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.NoDevice=", "root device"},
      {"&BlockDeviceMapping.1.DeviceName=/dev/sdz&BlockDeviceMapping.1.Ebs.DeleteOnTermination=true", "/dev/sdz"},
  };
  WORLD(w, CALM, "");
  share_image(w, "ami-00000001");
  const char *instance = stopped(w, RUN_SOURCE("ami-00000001"));
  char form[600];
  for (size_t i = 0; i < COUNT(bad); i++) {
    snprintf(form, sizeof form, "%s%s", MAKE, bad[i].form);
    assert_refused(w, call_id(w, form, instance), "InvalidBlockDeviceMapping", bad[i].part);
  }
  const char *id = made(w, MAKE "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.DeleteOnTermination=false"
                                "&BlockDeviceMapping.2.DeviceName=/dev/sdb&BlockDeviceMapping.2.NoDevice=", instance);
  after_s(w, 3600);
  assert_string_equal(image_state(w, TARGET, id), "available");
  assert_body(w, "<deviceName>/dev/xvda</deviceName><ebs><deleteOnTermination>false</deleteOnTermination>");
  assert_body(w, "<deviceName>/dev/sdb</deviceName><noDevice></noDevice>");
  assert_int_equal(count_of(w, "<snapshotId>"), 1);
}

TEST(a_name_that_is_in_use_is_refused_with_the_id_of_its_holder) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *instance = stopped(w, OWN);
  const char *id = made(w, MAKE, instance);
  after_s(w, 120);
  char want[200];
  snprintf(want, sizeof want, "AMI name made is already in use by AMI %s", id);
  assert_refused(w, call_id(w, MAKE, instance), "InvalidAMIName.Duplicate", want);
  assert_refused(w, call_id(w, "Action=CreateImage&Name=a&InstanceId=@", instance), "InvalidAMIName.Malformed", "");
  assert_refused(w, call_id(w, MAKE "&ClientToken=x", instance), "UnknownParameter", "ClientToken");
}

TEST(one_image_of_an_instance_is_made_at_a_time) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *instance = stopped(w, OWN), *other = stopped(w, OWN);
  const char *id = made(w, MAKE, instance);
  assert_refused(w, call_id(w, "Action=CreateImage&Name=second&InstanceId=@", instance), "ConcurrentCreateImage", id);
  made(w, "Action=CreateImage&Name=third&InstanceId=@", other);
  after_s(w, 120);
  made(w, "Action=CreateImage&Name=second&InstanceId=@", instance);
}

TEST(an_instance_must_be_running_or_stopped) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *instance = launched(w, OWN);
  assert_refused(w, call_id(w, MAKE, instance), "IncorrectInstanceState", "'running' or 'stopped'");
  after_s(w, 60);
  assert_done(w, call_id(w, "Action=StopInstances&InstanceId.1=@", instance));
  assert_refused(w, call_id(w, MAKE, instance), "IncorrectInstanceState", instance);
  assert_done(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", instance));
  after_s(w, 60);
  assert_refused(w, call_id(w, MAKE, instance), "IncorrectInstanceState", instance);
  assert_refused(w, call_id(w, MAKE, "i-00000bad"), "InvalidInstanceID.NotFound", "i-00000bad");
  assert_refused(w, call_id(w, MAKE, running(w, RUN "&ImageId=ami-000000b7&InstanceType=m3.medium")), "InvalidParameterValue",
                 "root device");
}

TEST(or_stopping_where_the_world_says_so) {
  WORLD(w, CALM "uncertain: {create_image_while_stopping: true}\n", OWN_IMAGES);
  const char *instance = launched(w, OWN);
  assert_refused(w, call_id(w, MAKE, instance), "InvalidParameterValue", "Instance is not in state 'running' or 'stopping' or 'stopped'");
  after_s(w, 60);
  assert_done(w, call_id(w, "Action=StopInstances&InstanceId.1=@", instance));
  made(w, MAKE, instance);
}

TEST(a_running_instance_without_a_reboot_is_a_hazard) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *instance = running(w, OWN);
  size_t before = audit_count(w, "hazards");
  made(w, MAKE, instance);
  after_s(w, 120);
  assert_int_equal(audit_count(w, "hazards"), before);
  assert_string_equal(instance_state(w, instance), "running");
  made(w, "Action=CreateImage&Name=crash&NoReboot=true&InstanceId=@", instance);
  assert_int_equal(audit_count(w, "hazards"), before + 1);
}

TEST(a_dry_run_and_a_missing_permission_make_nothing) {
  static const char *const denied[] = {"ec2:CreateImage *:instance/*", "ec2:CreateImage arn:aws:ec2:eu-west-1::image/*",
                                       "ec2:CreateImage arn:aws:ec2:eu-west-1::snapshot/*", "ec2:CreateTags arn:aws:ec2:eu-west-1::snapshot/*"};
  WORLD(w, CALM, OWN_IMAGES);
  const char *instance = stopped(w, OWN);
  assert_refused(w, call_id(w, MAKE "&DryRun=true", instance), "DryRunOperation", "");
  for (size_t i = 0; i < COUNT(denied); i++) {
    front.denied[0] = denied[i];
    assert_refused(w, call_id(w, MAKE TAG_BOTH, instance), "UnauthorizedOperation", "");
  }
  assert_int_equal(audit_count(w, "images"), 0);
  assert_int_equal(audit_count(w, "snapshots"), 0);
}

TEST(its_snapshots_belong_to_the_image_in_the_audit) {
  WORLD(w, CALM "audit: {copy_tag: copy, step_tag: step}\n", "");
#define COPY_TAGS                                                                                                    \
  "&TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=copy&TagSpecification.1.Tag.1.Value=c1"       \
  "&TagSpecification.2.ResourceType=snapshot&TagSpecification.2.Tag.1.Key=copy&TagSpecification.2.Tag.1.Value=c1"
  share_image(w, "ami-00000001");
  const char *instance = stopped(w, RUN_SOURCE("ami-00000001"));
  const char *id = made(w, MAKE COPY_TAGS, instance);
  assert_int_equal(audit_count(w, "snapshots"), 2);
  assert_int_equal(audit_count(w, "orphaned_snapshots"), 0);
  assert_int_equal(audit_count(w, "duplicates"), 0);
  after_s(w, 3600);
  assert_int_equal(audit_count(w, "orphaned_snapshots"), 0);
  made(w, "Action=CreateImage&Name=twin&InstanceId=@" COPY_TAGS, instance);
  assert_int_equal(audit_count(w, "duplicates"), 1); /* two images of one copy and step */
  after_s(w, 3600);
  char form[200];
  snprintf(form, sizeof form, "Action=DeregisterImage&ImageId=%s", id);
  assert_done(w, call_as(w, TARGET, form));
  assert_int_equal(audit_count(w, "orphaned_snapshots"), 2);
  assert_int_equal(audit_count(w, "duplicates"), 0);
}

TEST(a_cancelled_image_leaves_snapshots_that_are_no_twins) {
  WORLD(w, CALM "audit: {copy_tag: copy, step_tag: step}\n", "");
  share_image(w, "ami-00000001");
  const char *id = made(w, MAKE COPY_TAGS, stopped(w, RUN_SOURCE("ami-00000001")));
  assert_done(w, call_id(w, "Action=DeregisterImage&ImageId=@", id));
  assert_int_equal(audit_count(w, "orphaned_snapshots"), 2);
  assert_int_equal(audit_count(w, "duplicates"), 0);
}

TEST(images_and_snapshots_have_their_quotas) {
  static const struct {
    const char *quotas, *code;
  } cases[] = {{"quotas: {throttle: false, images: 0}\n", "ResourceLimitExceeded"},
               {"quotas: {throttle: false, snapshots: 1}\n", "SnapshotLimitExceeded"}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    WORLD(w, cases[i].quotas, "");
    share_image(w, "ami-00000001");
    assert_refused(w, call_id(w, MAKE, stopped(w, RUN_SOURCE("ami-00000001"))), cases[i].code, "quota");
  }
  WORLD(w, "quotas: {throttle: false, snapshots: 2}\n", "");
  share_image(w, "ami-00000001"); /* two volumes, and a disk of the instance's own */
  made(w, MAKE, stopped(w, RUN_SOURCE("ami-00000001")));
}

TEST(its_image_can_be_copied_shared_and_disabled_like_any_other) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *id = made(w, MAKE, stopped(w, OWN));
  after_s(w, 120);
  assert_done(w, call_id(w, "Action=CopyImage&Name=copy&SourceRegion=eu-west-1&SourceImageId=@", id));
  assert_done(w, call_id(w, "Action=DisableImage&ImageId=@", id));
  assert_done(w, call_id(w, "Action=EnableImage&ImageId=@", id));
  assert_done(w, call_id(w, "Action=DeregisterImage&DeleteAssociatedSnapshots=true&ImageId=@", id));
  assert_body(w, "<returnCode>success</returnCode>");
}

TEST(a_terminated_instance_does_not_stop_its_image) {
  WORLD(w, CALM, OWN_IMAGES);
  const char *instance = stopped(w, OWN);
  const char *id = made(w, MAKE, instance);
  assert_done(w, call_id(w, "Action=TerminateInstances&InstanceId.1=@", instance));
  after_s(w, 120);
  assert_string_equal(image_state(w, TARGET, id), "available");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_image_of_an_instance_and_its_snapshots_take_time),
      cmocka_unit_test(it_keeps_what_the_launch_image_was),
      cmocka_unit_test(whether_imds_support_is_kept_is_the_worlds_choice),
      cmocka_unit_test(what_becomes_of_the_launch_image_later_does_not_matter),
      cmocka_unit_test(billing_products_codes_and_watermarks_come_along),
      cmocka_unit_test(snapshots_are_under_the_key_of_their_volume),
      cmocka_unit_test(only_what_happens_on_termination_can_be_changed),
      cmocka_unit_test(a_name_that_is_in_use_is_refused_with_the_id_of_its_holder),
      cmocka_unit_test(one_image_of_an_instance_is_made_at_a_time),
      cmocka_unit_test(an_instance_must_be_running_or_stopped),
      cmocka_unit_test(or_stopping_where_the_world_says_so),
      cmocka_unit_test(a_running_instance_without_a_reboot_is_a_hazard),
      cmocka_unit_test(a_dry_run_and_a_missing_permission_make_nothing),
      cmocka_unit_test(its_snapshots_belong_to_the_image_in_the_audit),
      cmocka_unit_test(a_cancelled_image_leaves_snapshots_that_are_no_twins),
      cmocka_unit_test(images_and_snapshots_have_their_quotas),
      cmocka_unit_test(its_image_can_be_copied_shared_and_disabled_like_any_other),
      cmocka_unit_test(a_terminated_instance_does_not_stop_its_image),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
