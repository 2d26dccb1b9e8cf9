/* cloudsim: RegisterImage, by sections 2.1 and 2.4 of the rules. */
#include "tests/unit/cloudsim_ec2.h"

#define REGISTER "Action=RegisterImage&Name=made&RootDeviceName=/dev/xvda"
#define ROOT "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.SnapshotId=snap-00000001"
#define HVM "&VirtualizationType=hvm&Architecture=x86_64"
#define SECOND "&BlockDeviceMapping.2.DeviceName=/dev/sdb&BlockDeviceMapping.2."

static const char *describe(struct world *w, const char *name) {
  char form[200];
  snprintf(form, sizeof form, "Action=DescribeImages&Filter.1.Name=name&Filter.1.Value.1=%s", name);
  assert_done(w, call_as(w, SOURCE, form));
  return value_of(w, "imageState");
}

TEST(the_defaults_are_those_of_old) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, REGISTER ROOT));
  assert_string_equal(describe(w, "made"), "pending");
  after_s(w, 2);
  assert_string_equal(describe(w, "made"), "available");
  assert_string_equal(value_of(w, "architecture"), "i386");
  assert_string_equal(value_of(w, "virtualizationType"), "paravirtual");
  assert_string_equal(value_of(w, "rootDeviceType"), "ebs");
  assert_string_equal(value_of(w, "volumeSize"), "8");
  assert_no_body(w, "enaSupport");
  assert_no_body(w, "bootMode");
  assert_no_body(w, "sourceImageId"); /* no ancestry */
}

TEST(what_is_said_is_kept) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, REGISTER HVM ROOT
                         "&BlockDeviceMapping.1.Ebs.VolumeType=gp3&BlockDeviceMapping.1.Ebs.VolumeSize=20&BlockDeviceMapping.1.Ebs.Iops=3500"
                         "&BlockDeviceMapping.1.Ebs.Throughput=200&BlockDeviceMapping.1.Ebs.DeleteOnTermination=false" SECOND
                         "VirtualName=ephemeral0&BlockDeviceMapping.3.DeviceName=/dev/sdc&BlockDeviceMapping.3.NoDevice="
                         "&BlockDeviceMapping.4.DeviceName=/dev/sdd&BlockDeviceMapping.4.Ebs.VolumeSize=5&BlockDeviceMapping.4.Ebs.Encrypted=true"
                         "&EnaSupport=true&SriovNetSupport=simple&BootMode=uefi&TpmSupport=v2.0&ImdsSupport=v2.0&Description=hello&UefiData=QU1J"
                         "&TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v"));
  char id[64], form[200];
  AF_COPY(id, af_str(value_of(w, "imageId")));
  describe(w, "made");
  assert_body(w, "<description>hello</description><architecture>x86_64</architecture>");
  assert_body(w, "<sriovNetSupport>simple</sriovNetSupport><enaSupport>true</enaSupport><bootMode>uefi</bootMode><tpmSupport>v2.0</tpmSupport>"
                 "<imdsSupport>v2.0</imdsSupport>");
  assert_body(w, "<item><deviceName>/dev/xvda</deviceName><ebs><deleteOnTermination>false</deleteOnTermination><iops>3500</iops>"
                 "<snapshotId>snap-00000001</snapshotId><volumeSize>20</volumeSize><volumeType>gp3</volumeType><throughput>200</throughput>"
                 "<encrypted>false</encrypted></ebs></item>");
  assert_body(w, "<item><deviceName>/dev/sdb</deviceName><virtualName>ephemeral0</virtualName></item>");
  assert_body(w, "<item><deviceName>/dev/sdc</deviceName><noDevice></noDevice></item>");
  assert_body(w, "<volumeSize>5</volumeSize><volumeType>standard</volumeType><encrypted>true</encrypted>");
  assert_body(w, "<tagSet><item><key>k</key><value>v</value></item></tagSet>");
  snprintf(form, sizeof form, "Action=DescribeImageAttribute&ImageId=%s&Attribute=uefiData", id);
  assert_done(w, call_as(w, SOURCE, form));
  assert_body(w, "QU1J");
}

TEST(a_name_is_unique_in_an_account_and_region) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, REGISTER ROOT));
  char id[64], want[200], form[200];
  AF_COPY(id, af_str(value_of(w, "imageId")));
  snprintf(want, sizeof want, "AMI name made is already in use by AMI %s", id);
  assert_refused(w, call_as(w, SOURCE, REGISTER ROOT), "InvalidAMIName.Duplicate", want);
  assert_refused(w, call_as(w, SOURCE, "Action=RegisterImage&Name=plain&RootDeviceName=/dev/xvda" ROOT), "InvalidAMIName.Duplicate", "ami-00000001");
  snprintf(form, sizeof form, "Action=DeregisterImage&ImageId=%s", id);
  assert_done(w, call_as(w, SOURCE, form));
  assert_done(w, call_as(w, SOURCE, REGISTER ROOT)); /* the name is free at once */
}

TEST(names_are_of_3_to_128_lawful_characters) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, "Action=RegisterImage&Name=ab" ROOT), "InvalidAMIName.Malformed", "between 3 and 128");
  assert_refused(w, call_as(w, SOURCE, "Action=RegisterImage&Name=a%3Ab%23c" ROOT), "InvalidAMIName.Malformed", "");
  assert_done(w, call_as(w, SOURCE, "Action=RegisterImage&RootDeviceName=/dev/xvda&Name=a+%28b%29%5Bc%5D.-/_%27%40" ROOT));
}

TEST(encrypted_cannot_be_said_of_a_snapshot) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, REGISTER ROOT "&BlockDeviceMapping.1.Ebs.Encrypted=true"), "InvalidBlockDeviceMapping", "encrypted flag cannot be specified");
  assert_refused(w, call_as(w, SOURCE, REGISTER ROOT "&BlockDeviceMapping.1.Ebs.Encrypted=false"), "InvalidBlockDeviceMapping", "encrypted flag cannot be specified");
  assert_refused(w, call_as(w, SOURCE, REGISTER ROOT "&BlockDeviceMapping.1.Ebs.KmsKeyId=x"), "InvalidBlockDeviceMapping", "KmsKeyId");
}

TEST(a_snapshot_must_be_ones_own_and_completed) {
  WORLD(w, "", "");
  share_plain(w);
  assert_refused(w, call_as(w, TARGET, REGISTER ROOT), "AuthFailure", "snap-00000001");
  assert_refused(w, call_as(w, OTHER, REGISTER ROOT), "InvalidSnapshot.NotFound", "snap-00000001");
  assert_done(w, call_as(w, SOURCE, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000001"));
  char form[300];
  snprintf(form, sizeof form, REGISTER "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.SnapshotId=%s", value_of(w, "snapshotId"));
  assert_refused(w, call_as(w, SOURCE, form), "IncorrectState", "completed");
  after_s(w, 3600);
  assert_done(w, call_as(w, SOURCE, form));
}

TEST(mappings_that_make_no_sense_are_refused) {
  static const struct {
    const char *form, *code, *part;
  } bad[] = {
      {REGISTER, "InvalidBlockDeviceMapping", "/dev/xvda"},
      {REGISTER SECOND "Ebs.VolumeSize=5" ROOT "0", "InvalidSnapshotID.Malformed", ""},
      {"Action=RegisterImage&Name=made" ROOT, "InvalidBlockDeviceMapping", "/dev/sda1"},
      {REGISTER ROOT SECOND "Ebs.VolumeType=gp3", "InvalidBlockDeviceMapping", "size"},
      {REGISTER ROOT "&BlockDeviceMapping.1.Ebs.VolumeSize=4", "InvalidBlockDeviceMapping", "Volume of size 4GB is smaller than snapshot"},
      {REGISTER ROOT "&BlockDeviceMapping.1.Ebs.VolumeType=io2", "MissingParameter", "iops"},
      {REGISTER ROOT "&BlockDeviceMapping.1.Ebs.VolumeType=gp2&BlockDeviceMapping.1.Ebs.Iops=100", "InvalidParameterCombination", "iops"},
      {REGISTER ROOT "&BlockDeviceMapping.1.Ebs.VolumeType=gp2&BlockDeviceMapping.1.Ebs.Throughput=100", "InvalidParameterCombination", "throughput"},
      {REGISTER ROOT "&BlockDeviceMapping.1.Ebs.VolumeType=gp9", "InvalidParameterValue", "gp9"},
      {REGISTER ROOT "&BlockDeviceMapping.2.DeviceName=/dev/xvda&BlockDeviceMapping.2.Ebs.VolumeSize=5", "InvalidBlockDeviceMapping", "Duplicate"},
      {REGISTER ROOT SECOND "VirtualName=other0", "InvalidBlockDeviceMapping", "virtualName"},
      {REGISTER ROOT "&BlockDeviceMapping.2.Ebs.VolumeSize=5", "MissingParameter", "deviceName"},
  };
  WORLD(w, "", "");
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_refused(w, call_as(w, SOURCE, bad[i].form), bad[i].code, bad[i].part);
}

TEST(parameters_that_do_not_go_together_are_refused) {
  static const struct {
    const char *form, *code;
  } bad[] = {
      {REGISTER ROOT "&EnaSupport=true", "InvalidParameterCombination"},
      {REGISTER ROOT "&SriovNetSupport=simple", "InvalidParameterCombination"},
      {REGISTER ROOT "&BootMode=uefi", "InvalidParameterCombination"},
      {REGISTER HVM ROOT "&TpmSupport=v2.0", "InvalidParameterCombination"},
      {REGISTER HVM ROOT "&TpmSupport=v2.0&BootMode=legacy-bios", "InvalidParameterCombination"},
      {REGISTER HVM ROOT "&TpmSupport=v2.0&BootMode=uefi-preferred", "InvalidParameterCombination"},
      {REGISTER ROOT "&VirtualizationType=hvm&Architecture=arm64&BootMode=legacy-bios", "InvalidParameterCombination"},
      {REGISTER ROOT "&Architecture=sparc", "InvalidParameterValue"},
      {REGISTER ROOT "&BootMode=bios", "InvalidParameterValue"},
      {REGISTER HVM ROOT "&SriovNetSupport=complex", "InvalidParameterValue"},
      {REGISTER HVM ROOT "&UefiData=***", "InvalidParameterValue"},
      {REGISTER HVM ROOT "&BillingProduct.1=bp-63a5400a", "AuthFailure"},
      {REGISTER HVM ROOT "&TagSpecification.1.ResourceType=snapshot&TagSpecification.1.Tag.1.Key=k", "InvalidParameterValue"},
      {REGISTER HVM ROOT "&ClientToken=x", "UnknownParameter"},
  };
  WORLD(w, "", "");
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_refused(w, call_as(w, SOURCE, bad[i].form), bad[i].code, "");
  assert_done(w, call_as(w, SOURCE, REGISTER HVM ROOT "&TpmSupport=v2.0&BootMode=uefi"));
}

TEST(billing_is_derived_from_the_snapshot_where_the_world_says_so) {
  static const char *const settings[] = {"", "uncertain: {register_keeps_billing: false}\n"};
  for (int lost = 0; lost < 2; lost++) {
    WORLD(w, settings[lost], "");
    assert_done(w, call_as(w, SOURCE, "Action=RegisterImage&Name=made" HVM "&BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.Ebs.SnapshotId=snap-00000005"));
    describe(w, "made");
    assert_string_equal(value_of(w, "platformDetails"), lost ? "Linux/UNIX" : "Windows");
    assert_string_equal(value_of(w, "usageOperation"), lost ? "RunInstances" : "RunInstances:0002");
    assert_string_equal(value_of(w, "platform"), lost ? "" : "windows");
  }
}

TEST(billing_metadata_goes_with_copies_of_the_snapshot) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, "Action=CopySnapshot&SourceRegion=eu-west-1&SourceSnapshotId=snap-00000005"));
  char form[300];
  snprintf(form, sizeof form, "Action=RegisterImage&Name=made" HVM "&BlockDeviceMapping.1.DeviceName=/dev/sda1&BlockDeviceMapping.1.Ebs.SnapshotId=%s", value_of(w, "snapshotId"));
  after_s(w, 3600);
  assert_done(w, call_as(w, SOURCE, form));
  describe(w, "made");
  assert_string_equal(value_of(w, "platformDetails"), "Windows");
}

TEST(marketplace_codes_of_snapshots_come_along) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, REGISTER HVM "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.SnapshotId=snap-00000006"));
  describe(w, "made");
  assert_body(w, "<productCode>abc123</productCode><type>marketplace</type>");
}

TEST(images_of_old_are_registered_from_a_manifest) {
  WORLD(w, "", "");
  assert_done(w, call_as(w, SOURCE, "Action=RegisterImage&Name=made&ImageLocation=bucket/image.manifest.xml"));
  describe(w, "made");
  assert_string_equal(value_of(w, "rootDeviceType"), "instance-store");
  assert_string_equal(value_of(w, "imageLocation"), "bucket/image.manifest.xml");
}

TEST(registering_needs_leave_and_a_dry_run_makes_nothing) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, REGISTER ROOT "&DryRun=true"), "DryRunOperation", "");
  assert_string_equal(describe(w, "made"), "");
  front.denied[0] = "ec2:RegisterImage arn:aws:ec2:eu-west-1::snapshot/*";
  assert_refused(w, call_as(w, SOURCE, REGISTER ROOT), "UnauthorizedOperation", "");
  front.denied[0] = "ec2:CreateTags arn:aws:ec2:eu-west-1::image/*";
  assert_refused(w, call_as(w, SOURCE, REGISTER ROOT "&TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=k"), "UnauthorizedOperation", "");
  assert_string_equal(describe(w, "made"), ""); /* nothing untagged is left */
}

TEST(an_archived_snapshot_makes_no_image) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, REGISTER HVM "&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.SnapshotId=snap-00000007"),
                 "IncorrectState", "snap-00000007");
}

/* By the model's documentation of EbsBlockDevice. */
TEST(each_volume_type_has_its_size_iops_and_throughput) {
#define TYPED(type, rest) REGISTER ROOT SECOND "Ebs.VolumeType=" type "&BlockDeviceMapping.2.Ebs." rest
#define IOPS "&BlockDeviceMapping.2.Ebs.Iops="
#define MIBS "&BlockDeviceMapping.2.Ebs.Throughput="
  static const struct {
    const char *form, *part; /* part NULL: it is good */
  } cases[] = {
      {TYPED("gp2", "VolumeSize=16385"), "too large"},
      {TYPED("gp2", "VolumeSize=16384"), NULL},
      {TYPED("gp3", "VolumeSize=65537"), "too large"},
      {TYPED("gp3", "VolumeSize=65536") IOPS "80000" MIBS "2000", NULL},
      {TYPED("gp3", "VolumeSize=100") IOPS "3000" MIBS "125", NULL},
      {TYPED("gp3", "VolumeSize=100") IOPS "2999", "iops"},
      {TYPED("gp3", "VolumeSize=100") IOPS "80001", "iops"},
      {TYPED("gp3", "VolumeSize=100") MIBS "124", "throughput"},
      {TYPED("gp3", "VolumeSize=100") MIBS "2001", "throughput"},
      {TYPED("io1", "VolumeSize=4") IOPS "100", NULL},
      {TYPED("io1", "VolumeSize=3") IOPS "100", "too small"},
      {TYPED("io1", "VolumeSize=100") IOPS "99", "iops"},
      {TYPED("io1", "VolumeSize=16384") IOPS "64001", "iops"},
      {TYPED("io2", "VolumeSize=65536") IOPS "256000", NULL},
      {TYPED("io2", "VolumeSize=65536") IOPS "256001", "iops"},
      {TYPED("st1", "VolumeSize=124"), "too small"},
      {TYPED("sc1", "VolumeSize=125"), NULL},
      {TYPED("standard", "VolumeSize=1025"), "too large"},
      {REGISTER ROOT "&BlockDeviceMapping.1.Ebs.VolumeType=st1", "too small"}, /* of the snapshot's size */
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    WORLD(w, "", "");
    int status = call_as(w, SOURCE, cases[i].form);
    if (cases[i].part)
      assert_refused(w, status, "InvalidParameterValue", cases[i].part);
    else
      assert_done(w, status);
  }
}

TEST(a_key_is_no_part_of_a_mapping) {
  WORLD(w, "", "");
  assert_refused(w, call_as(w, SOURCE, REGISTER ROOT SECOND "Ebs.VolumeSize=5&BlockDeviceMapping.2.Ebs.Encrypted=true&BlockDeviceMapping.2.Ebs.KmsKeyId=alias/mine"),
                 "InvalidBlockDeviceMapping", "KmsKeyId");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_defaults_are_those_of_old),
      cmocka_unit_test(what_is_said_is_kept),
      cmocka_unit_test(a_name_is_unique_in_an_account_and_region),
      cmocka_unit_test(names_are_of_3_to_128_lawful_characters),
      cmocka_unit_test(encrypted_cannot_be_said_of_a_snapshot),
      cmocka_unit_test(a_snapshot_must_be_ones_own_and_completed),
      cmocka_unit_test(mappings_that_make_no_sense_are_refused),
      cmocka_unit_test(parameters_that_do_not_go_together_are_refused),
      cmocka_unit_test(billing_is_derived_from_the_snapshot_where_the_world_says_so),
      cmocka_unit_test(billing_metadata_goes_with_copies_of_the_snapshot),
      cmocka_unit_test(marketplace_codes_of_snapshots_come_along),
      cmocka_unit_test(images_of_old_are_registered_from_a_manifest),
      cmocka_unit_test(registering_needs_leave_and_a_dry_run_makes_nothing),
      cmocka_unit_test(an_archived_snapshot_makes_no_image),
      cmocka_unit_test(each_volume_type_has_its_size_iops_and_throughput),
      cmocka_unit_test(a_key_is_no_part_of_a_mapping),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
