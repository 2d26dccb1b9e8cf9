/* plans/launch.h: which instance types and subnets an image is launched in, in which order, and why there is none. */
#include "plans/launch.h"
#include "tests/unit/facts_fixture.h"

/* A type as DescribeInstanceTypes gives it: x86_64, hvm, Nitro, on demand; bent by the tests. */
static json_t *type_of(const char *name, int memory_mib) {
  json_t *type =
      json_of("{'CurrentGeneration': true, 'FreeTierEligible': false, 'BurstablePerformanceSupported': true, 'BareMetal': false,"
              " 'SupportedUsageClasses': ['on-demand', 'spot'], 'SupportedRootDeviceTypes': ['ebs'], "
              "'SupportedVirtualizationTypes': ['hvm'],"
              " 'SupportedBootModes': ['legacy-bios', 'uefi'], 'NitroTpmSupport': 'unsupported', 'VCpuInfo': {'DefaultVCpus': 2},"
              " 'ProcessorInfo': {'SupportedArchitectures': ['x86_64']}, 'NetworkInfo': {'EnaSupport': 'required'}}");
  json_object_set_new(type, "InstanceType", json_string(name));
  json_object_set_new(type, "MemoryInfo", json_pack("{s:i}", "SizeInMiB", memory_mib));
  return type;
}

struct trial {
  struct af_copy_spec spec;
  struct af_facts facts;
};

static json_t *types_of(const struct trial *t) {
  return json_object_get(t->facts.launch, "Types");
}

static void offer(struct trial *t, const char *type, const char *zone) {
  json_array_append_new(json_object_get(t->facts.launch, "Offerings"),
                        json_pack("{s:s, s:s}", "InstanceType", type, "Location", zone));
}

/* Adds a type that both zones offer; borrowed. */
static json_t *add_type(struct trial *t, const char *name, int memory_mib) {
  json_t *type = type_of(name, memory_mib);
  json_array_append_new(types_of(t), type);
  offer(t, name, "us-east-1a");
  offer(t, name, "us-east-1b");
  return type;
}

/* A default VPC with a default subnet in two zones and another one, and one subnet somewhere else; no types yet. */
static void trial_init(struct trial *t) {
  facts_plain(&t->facts);
  spec_init(&t->spec, NULL, "auto");
  t->facts.launch = json_of(
      "{'Types': [], 'Offerings': [], 'Vpcs': [{'VpcId': 'vpc-1', 'IsDefault': true}, {'VpcId': 'vpc-2', 'IsDefault': false}],"
      " 'Subnets': [{'SubnetId': 'subnet-a', 'VpcId': 'vpc-1', 'AvailabilityZone': 'us-east-1a', 'DefaultForAz': true,"
      "              'State': 'available', 'AvailableIpAddressCount': 250},"
      "             {'SubnetId': 'subnet-b', 'VpcId': 'vpc-1', 'AvailabilityZone': 'us-east-1b', 'DefaultForAz': true,"
      "              'State': 'available', 'AvailableIpAddressCount': 250},"
      "             {'SubnetId': 'subnet-d', 'VpcId': 'vpc-1', 'AvailabilityZone': 'us-east-1b', 'DefaultForAz': false,"
      "              'State': 'available', 'AvailableIpAddressCount': 250},"
      "             {'SubnetId': 'subnet-c', 'VpcId': 'vpc-2', 'AvailabilityZone': 'us-east-1b', 'DefaultForAz': false,"
      "              'State': 'available', 'AvailableIpAddressCount': 250}]}");
}

static void trial_done(struct trial *t) {
  af_facts_done(&t->facts);
  af_copy_spec_done(&t->spec);
}

/* "t3.small@subnet-a" of the i-th place; "" past the last. */
static const char *place(const struct trial *t, size_t i) {
  static char text[80];
  struct af_place p;
  if (af_launch_place(&t->spec, &t->facts, i, &p))
    return "";
  snprintf(text, sizeof text, "%s@%s", p.instance_type, p.subnet);
  return text;
}

static void assert_none(const struct trial *t, const char *code, const char *hint) {
  struct af_error err;
  assert_string_equal(place(t, 0), "");
  assert_int_equal(af_launch_check(&t->spec, &t->facts, &err), -AF_ENOENT);
  assert_string_equal(err.code, code);
  assert_int_equal(err.class, AF_CLASS_AUTH);
  assert_contains(err.hint, hint);
}

TEST(the_cheapest_small_type_comes_first_in_each_default_subnet) {
  struct trial t;
  struct af_error err;
  struct af_place p;
  trial_init(&t);
  add_type(&t, "t3.small", 2048);
  add_type(&t, "t3a.small", 2048);
  add_type(&t, "t3.micro", 1024);
  assert_string_equal(place(&t, 0), "t3.micro@subnet-a");
  assert_string_equal(place(&t, 1), "t3.micro@subnet-b");
  assert_string_equal(place(&t, 2), "t3a.small@subnet-a");
  assert_string_equal(place(&t, 4), "t3.small@subnet-a");
  assert_string_equal(place(&t, 6), "");
  assert_ok(af_launch_check(&t.spec, &t.facts, &err), &err);
  assert_ok(af_launch_place(&t.spec, &t.facts, 1, &p), &err);
  assert_string_equal(p.zone, "us-east-1b");
  assert_string_equal(p.vpc, "vpc-1");
  assert_true(p.burstable);
  trial_done(&t);
}

TEST(current_burstable_and_free_types_come_before_cheaper_ones) {
  static const char *const merits[] = {"CurrentGeneration", "BurstablePerformanceSupported", "FreeTierEligible"};
  for (size_t i = 0; i < COUNT(merits); i++) {
    struct trial t;
    trial_init(&t);
    put(add_type(&t, "t3.micro", 1024), merits[i], "false");
    put(add_type(&t, "t3.small", 2048), merits[i], "true");
    assert_string_equal(place(&t, 0), "t3.small@subnet-a");
    trial_done(&t);
  }
}

TEST(types_without_a_known_price_come_last_the_smallest_first) {
  struct trial t;
  trial_init(&t);
  add_type(&t, "t9.small", 2048);
  add_type(&t, "t9.micro", 1024);
  add_type(&t, "t3.large", 8192);
  assert_string_equal(place(&t, 0), "t3.large@subnet-a");
  assert_string_equal(place(&t, 2), "t9.micro@subnet-a");
  assert_string_equal(place(&t, 4), "t9.small@subnet-a");
  trial_done(&t);
}

TEST(a_type_that_cannot_run_the_image_is_not_taken) {
  static const struct {
    const char *member, *value;        /* of the image */
    const char *of_type, *is, *mended; /* of the type */
  } rows[] = {
      {"Architecture", "'arm64'", "ProcessorInfo", "{'SupportedArchitectures': ['x86_64']}",
       "{'SupportedArchitectures': ['arm64']}"},
      {"VirtualizationType", "'paravirtual'", "SupportedVirtualizationTypes", "['hvm']", "['hvm', 'paravirtual']"},
      {"BootMode", "'uefi'", "SupportedBootModes", "['legacy-bios']", "['legacy-bios', 'uefi']"},
      {"BootMode", NULL, "SupportedBootModes", "['uefi']", "['legacy-bios']"},
      {"TpmSupport", "'v2.0'", "NitroTpmSupport", "'unsupported'", "'supported'"},
      {"EnaSupport", "false", "NetworkInfo", "{'EnaSupport': 'required'}", "{'EnaSupport': 'supported'}"},
      {"EnaSupport", "true", "SupportedRootDeviceTypes", "['instance-store']", "['ebs']"},
      {"EnaSupport", "true", "SupportedUsageClasses", "['spot']", "['on-demand']"},
      {"EnaSupport", "true", "BareMetal", "true", "false"},
      {"EnaSupport", "true", "GpuInfo", "{}", NULL},
      {"EnaSupport", "true", "VCpuInfo", "{'DefaultVCpus': 64}", "{'DefaultVCpus': 8}"},
      {"EnaSupport", "true", "MemoryInfo", "{'SizeInMiB': 512}", "{'SizeInMiB': 1024}"},
      {"EnaSupport", "true", "MemoryInfo", "{'SizeInMiB': 65536}", "{'SizeInMiB': 32768}"},
      {"Platform", "'windows'", "MemoryInfo", "{'SizeInMiB': 1024}", "{'SizeInMiB': 2048}"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct trial t;
    trial_init(&t);
    json_t *type = add_type(&t, "t3.small", 2048);
    put(t.facts.image, rows[i].member, rows[i].value);
    put(type, rows[i].of_type, rows[i].is);
    if (af_streq(rows[i].member, "Architecture"))
      put(type, "SupportedBootModes", "['uefi']");
    assert_none(&t, "LaunchTypeNone", "launch.instance_type");
    put(type, rows[i].of_type, rows[i].mended);
    assert_string_equal(place(&t, 0), "t3.small@subnet-a");
    trial_done(&t);
  }
}

TEST(an_image_that_prefers_uefi_boots_without_it_too) {
  struct trial t;
  trial_init(&t);
  put(t.facts.image, "BootMode", "'uefi-preferred'");
  put(add_type(&t, "t3.small", 2048), "SupportedBootModes", "['legacy-bios']");
  assert_string_equal(place(&t, 0), "t3.small@subnet-a");
  trial_done(&t);
}

TEST(the_manifests_type_wins_and_is_checked) {
  struct trial t;
  trial_init(&t);
  add_type(&t, "t3.micro", 1024);
  json_t *large = add_type(&t, "m5.24xlarge", 393216);
  put(large, "BurstablePerformanceSupported", "false");
  spec_set(&t.spec.launch_type, "m5.24xlarge");
  assert_string_equal(place(&t, 0), "m5.24xlarge@subnet-a");
  assert_string_equal(place(&t, 2), "");
  put(large, "ProcessorInfo", "{'SupportedArchitectures': ['arm64']}");
  assert_none(&t, "LaunchTypeUnfit", "launch.instance_type");
  spec_set(&t.spec.launch_type, "m99.huge");
  assert_none(&t, "LaunchTypeUnknown", "launch.instance_type");
  trial_done(&t);
}

TEST(the_manifests_subnet_wins_and_is_checked) {
  struct trial t;
  trial_init(&t);
  add_type(&t, "t3.micro", 1024);
  spec_set(&t.spec.launch_subnet, "subnet-c");
  assert_string_equal(place(&t, 0), "t3.micro@subnet-c");
  assert_string_equal(place(&t, 1), "");
  spec_set(&t.spec.launch_subnet, "subnet-z");
  assert_none(&t, "LaunchSubnetUnknown", "launch.subnet");
  trial_done(&t);
}

TEST(without_a_default_vpc_a_subnet_has_to_be_named) {
  struct trial t;
  trial_init(&t);
  add_type(&t, "t3.micro", 1024);
  put(t.facts.launch, "Vpcs", "[{'VpcId': 'vpc-1', 'IsDefault': false}]");
  assert_none(&t, "LaunchSubnetMissing", "launch.subnet");
  trial_done(&t);
}

TEST(a_full_subnet_and_a_zone_without_the_type_are_passed_over) {
  struct trial t;
  trial_init(&t);
  json_array_append_new(types_of(&t), type_of("t3.micro", 1024));
  offer(&t, "t3.micro", "us-east-1a");
  assert_string_equal(place(&t, 0), "t3.micro@subnet-a");
  assert_string_equal(place(&t, 1), "");
  put(json_array_get(json_object_get(t.facts.launch, "Subnets"), 0), "AvailableIpAddressCount", "0");
  assert_none(&t, "LaunchNotOffered", "launch.instance_type or launch.subnet");
  put(json_array_get(json_object_get(t.facts.launch, "Subnets"), 1), "State", "'pending'");
  assert_none(&t, "LaunchSubnetFull", "launch.subnet");
  trial_done(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_cheapest_small_type_comes_first_in_each_default_subnet),
      cmocka_unit_test(current_burstable_and_free_types_come_before_cheaper_ones),
      cmocka_unit_test(types_without_a_known_price_come_last_the_smallest_first),
      cmocka_unit_test(a_type_that_cannot_run_the_image_is_not_taken),
      cmocka_unit_test(an_image_that_prefers_uefi_boots_without_it_too),
      cmocka_unit_test(the_manifests_type_wins_and_is_checked),
      cmocka_unit_test(the_manifests_subnet_wins_and_is_checked),
      cmocka_unit_test(without_a_default_vpc_a_subnet_has_to_be_named),
      cmocka_unit_test(a_full_subnet_and_a_zone_without_the_type_are_passed_over),
  };
  return cmocka_run_group_tests_name("plans/launch", tests, NULL, NULL);
}
