/* Every reply of cloudsim's EC2, and what it refuses with, as AWS's own model says it must look. */
#include "tests/unit/cloudsim_ec2.h"

#include "tests/wire/model.h"

static struct model *ec2;

/* Does the call, and holds its reply against the model. */
static void conforms(struct world *w, const char *account, const char *form) {
  struct af_buf complaints;
  char action[80];
  af_buf_init(&complaints, 65536);
  int status = call_as(w, account, form);
  af_str_copy(action, sizeof action, af_str_n(form + strlen("Action="), strcspn(form + strlen("Action="), "&")));
  int n = model_check_reply(ec2, action, status, "text/xml;charset=UTF-8", af_buf_view(&w->reply.body), &complaints);
  /* The model's enumeration says Windows; its text, and AWS, say windows. */
  for (const char *at = af_buf_cstr(&complaints); (at = strstr(at, "item.platform: \"windows\"")); at++)
    n--;
  if (n > 0)
    fail_msg("%s: %s\n%s", form, af_buf_cstr(&complaints), body_of(w));
  af_buf_done(&complaints);
}

static void conforms_and_works(struct world *w, const char *account, const char *form) {
  conforms(w, account, form);
  assert_done(w, w->reply.status);
}

/* The form with the id in the place of its "%s". */
static void fill_form(char *to, size_t size, const char *form, const char *id) {
  const char *at = strstr(form, "%s");
  snprintf(to, size, "%.*s%s", (int)(at ? (size_t)(at - form) : strlen(form)), form, at ? id : "");
}

TEST(replies_have_the_shapes_of_the_model) {
  static const char *const calls[] = {
      "Action=DescribeImages",
      "Action=DescribeImages&MaxResults=2",
      "Action=DescribeSnapshots",
      "Action=DescribeSnapshots&MaxResults=5",
      "Action=DescribeTags&MaxResults=5",
      "Action=DescribeRegions&AllRegions=true",
      "Action=DescribeAvailabilityZones",
      "Action=DescribeVpcs",
      "Action=DescribeSubnets",
      "Action=DescribeSecurityGroups",
      "Action=DescribeInstanceTypes&MaxResults=20",
      "Action=DescribeInstanceTypes&InstanceType.1=mac2.metal&InstanceType.2=m3.medium&InstanceType.3=m5.metal",
      "Action=DescribeInstanceTypeOfferings&LocationType=availability-zone&MaxResults=5",
      "Action=GetEbsEncryptionByDefault",
      "Action=GetEbsDefaultKmsKeyId",
      "Action=GetAllowedImagesSettings",
      "Action=GetSnapshotBlockPublicAccessState",
      "Action=GetImageBlockPublicAccessState",
      "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=description",
      "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=kernel",
      "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=ramdisk",
      "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=launchPermission",
      "Action=DescribeImageAttribute&ImageId=ami-00000006&Attribute=productCodes",
      "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=sriovNetSupport",
      "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=bootMode",
      "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=tpmSupport",
      "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=uefiData",
      "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=lastLaunchedTime",
      "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=imdsSupport",
      "Action=DescribeImageAttribute&ImageId=ami-00000001&Attribute=deregistrationProtection",
      "Action=DescribeSnapshotAttribute&SnapshotId=snap-00000001&Attribute=createVolumePermission",
      "Action=DescribeSnapshotAttribute&SnapshotId=snap-00000006&Attribute=productCodes",
      "Action=CopyImage&Name=one&SourceRegion=eu-west-1&SourceImageId=ami-00000001",
      "Action=CopyImage&Name=two&SourceRegion=eu-west-1&SourceImageId=ami-00000003&Encrypted=true&KmsKeyId=alias/nowhere",
      "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001&CompletionDurationMinutes=15"
      "&TagSpecification.1.ResourceType=snapshot&TagSpecification.1.Tag.1.Key=a",
      "Action=RegisterImage&Name=made&RootDeviceName=a&BlockDeviceMapping.1.DeviceName=a&BlockDeviceMapping.1.Ebs.SnapshotId=snap-00000001"
      "&BlockDeviceMapping.2.DeviceName=b&BlockDeviceMapping.2.NoDevice=",
      "Action=DescribeImages&Owner.1=self",
      "Action=DescribeSnapshots&Owner.1=self&Filter.1.Name=status&Filter.1.Value.1=pending",
      "Action=EnableImageDeprecation&ImageId=ami-00000005&DeprecateAt=2030-01-01T00:00:00Z",
      "Action=DescribeImages&ImageId.1=ami-00000005",
      "Action=DisableImageDeprecation&ImageId=ami-00000005",
      "Action=EnableImageDeregistrationProtection&ImageId=ami-00000005",
      "Action=DisableImageDeregistrationProtection&ImageId=ami-00000005",
      "Action=DisableImage&ImageId=ami-00000005",
      "Action=EnableImage&ImageId=ami-00000005",
      "Action=DeregisterImage&ImageId=ami-00000003&DeleteAssociatedSnapshots=true",
      "Action=DeregisterImage&ImageId=ami-00000005",
  };
  if (!ec2)
    skip();
  WORLD(w, "", "      allowed_images: {state: audit-mode, providers: [amazon], names: ['a*']}\n");
  for (size_t i = 0; i < COUNT(calls); i++)
    conforms_and_works(w, SOURCE, calls[i]);
  after_s(w, 3600); /* now some are completed, and some have failed */
  conforms_and_works(w, SOURCE, "Action=DescribeImages&Owner.1=self");
  assert_body(w, "stateReason");
  conforms_and_works(w, SOURCE, "Action=DescribeSnapshots&Owner.1=self");
  assert_body(w, "statusMessage");
  conforms_and_works(w, TARGET, "Action=GetAllowedImagesSettings");
}

/* RunInstances, and the calls on what it makes. */
TEST(replies_about_instances_have_the_shapes_of_the_model) {
  static const char *const calls[] = {
      "Action=CreateImage&Name=made&InstanceId=%s", "Action=DescribeImages&Owner.1=self",
      "Action=StopInstances&InstanceId.1=%s",     "Action=DescribeInstances",      "Action=DescribeInstances&MaxResults=5",
      "Action=DescribeInstanceStatus&IncludeAllInstances=true",                    "Action=DescribeVolumes",
      "Action=StartInstances&InstanceId.1=%s",    "Action=DescribeInstanceStatus", "Action=TerminateInstances&InstanceId.1=%s",
      "Action=DescribeInstances&InstanceId.1=%s", "Action=DescribeTags",           "Action=DescribeSubnets",
  };
  char id[64], form[300];
  if (!ec2)
    skip();
  WORLD(w, "", "");
  conforms_and_works(w, SOURCE, "Action=RunInstances&ImageId=ami-00000003&InstanceType=m5.large&MinCount=1&MaxCount=1&ClientToken=t"
                                "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=a");
  AF_COPY(id, af_str(value_of(w, "instanceId")));
  conforms_and_works(w, SOURCE, "Action=RunInstances&ImageId=ami-00000005&InstanceType=t3.micro&MinCount=1&MaxCount=1");
  for (size_t i = 0; i < COUNT(calls); i++) {
    after_s(w, 60);
    fill_form(form, sizeof form, calls[i], id);
    conforms_and_works(w, SOURCE, form);
  }
}

/* AWS answers these with <return>true</return>, of which the model says nothing. */
TEST(replies_without_a_shape_say_true) {
  static const char *const calls[] = {
      "Action=ModifyImageAttribute&ImageId=ami-00000001&LaunchPermission.Add.1.UserId=" TARGET,
      "Action=ModifySnapshotAttribute&SnapshotId=snap-00000001&CreateVolumePermission.Add.1.UserId=" TARGET,
      "Action=ResetImageAttribute&ImageId=ami-00000001&Attribute=launchPermission",
      "Action=ResetSnapshotAttribute&SnapshotId=snap-00000001&Attribute=createVolumePermission",
      "Action=CreateTags&ResourceId.1=ami-00000001&Tag.1.Key=a",
      "Action=DeleteTags&ResourceId.1=ami-00000001&Tag.1.Key=a",
  };
  WORLD(w, "", "");
  for (size_t i = 0; i < COUNT(calls); i++) {
    assert_done(w, call_as(w, SOURCE, calls[i]));
    assert_string_equal(value_of(w, "return"), "true");
  }
}

TEST(errors_have_the_shape_of_the_protocol) {
  static const char *const calls[] = {
      "Action=DescribeImages&ImageId.1=ami-00000bad",
      "Action=DescribeImages&DryRun=true",
      "Action=CopyImage&Name=a",
  };
  if (!ec2)
    skip();
  WORLD(w, "", "");
  for (size_t i = 0; i < COUNT(calls); i++) {
    conforms(w, SOURCE, calls[i]);
    assert_true(w->reply.status >= 400);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(replies_have_the_shapes_of_the_model),
      cmocka_unit_test(replies_about_instances_have_the_shapes_of_the_model),
      cmocka_unit_test(replies_without_a_shape_say_true),
      cmocka_unit_test(errors_have_the_shape_of_the_protocol),
  };
  char dir[4096], file[4200];
  const char *shared = getenv("AF_SHARED");
  snprintf(dir, sizeof dir, "%s/models", shared ? shared : "../shared/aws");
  snprintf(file, sizeof file, "%s/ec2.json", dir);
  FILE *f = fopen(file, "r");
  if (f) {
    fclose(f);
    ec2 = model_load(dir, "ec2.json");
  } else {
    fprintf(stderr, "skipped: %s is not there\n", file);
  }
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  model_free(ec2);
  return failed;
}
