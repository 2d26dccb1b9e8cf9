/* What an inspection reads for the route launch-image: the target account's networks, and the instance types, of the source Region
 * (rules.md 4). Of hundreds of types only what choosing one needs is kept. */
#include "engine/aws/ops.h"
#include "engine/inspect_parts.h"
#include "engine/pages.h"

#define TYPES_PAGE 100 /* the most that DescribeInstanceTypes gives in a page */

/* Nothing that a short boot would want. */
#define VCPUS_MOST 16

static bool wanted(const struct af_inspection *x) {
  return af_route_reads_launch(x->spec, &x->facts, x->who.tried);
}

static int keep_list(struct af_inspection *x, const char *name, json_t *list, struct af_error *err) {
  if (!x->facts.launch) x->facts.launch = json_object();
  bool kept = json_object_set_new(x->facts.launch, name, list ? list : json_array()) == 0; /* takes NULL for either */
  return kept && !x->starved ? 0 : af_error_nomem(err);
}

static json_t *ask_vpcs(struct af_inspection *x) {
  if (!wanted(x)) return NULL;
  return af_inspection_made(
      x, x->spec->launch_subnet ? json_pack("{s:i}", "MaxResults", AF_PAGE_MOST)
                                : json_pack("{s:o, s:i}", "Filters", af_filters("is-default", "true", NULL), "MaxResults", AF_PAGE_MOST));
}

static int take_vpcs(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  return keep_list(x, "Vpcs", json_incref(json_object_get(a->output, "Vpcs")), err);
}

static json_t *ask_subnets(struct af_inspection *x) {
  if (!x->facts.launch) return NULL;
  json_t *filters = x->spec->launch_subnet ? af_filters("subnet-id", x->spec->launch_subnet, NULL) : af_filters("default-for-az", "true", NULL);
  return af_inspection_made(x, json_pack("{s:o, s:i}", "Filters", filters, "MaxResults", AF_PAGE_MOST));
}

static int take_subnets(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  return keep_list(x, "Subnets", json_incref(json_object_get(a->output, "Subnets")), err);
}

static json_t *ask_types(struct af_inspection *x) {
  if (!x->facts.launch) return NULL;
  if (x->spec->launch_type)
    return af_inspection_made(
        x, json_pack("{s:o, s:i}", "Filters", af_filters("instance-type", x->spec->launch_type, NULL), "MaxResults", TYPES_PAGE));
  json_t *filters = af_filters("processor-info.supported-architecture", af_json_str(x->facts.image, "Architecture"),
                               "supported-virtualization-type", af_json_str(x->facts.image, "VirtualizationType"),
                               "supported-root-device-type", "ebs", "bare-metal", "false", NULL);
  return af_inspection_made(x, json_pack("{s:o, s:i}", "Filters", filters, "MaxResults", TYPES_PAGE));
}

static json_t *lean(struct af_inspection *x, const json_t *type) {
  static const char *const members[] = {
      "InstanceType", "CurrentGeneration", "BareMetal", "BurstablePerformanceSupported", "FreeTierEligible", "Hypervisor", "NitroTpmSupport",
      "SupportedBootModes", "SupportedRootDeviceTypes", "SupportedUsageClasses", "SupportedVirtualizationTypes", "VCpuInfo", "MemoryInfo",
      "ProcessorInfo", "GpuInfo", "FpgaInfo", "InferenceAcceleratorInfo", "NeuronInfo", "MediaAcceleratorInfo", NULL};
  json_t *kept = json_object();
  for (size_t i = 0; members[i]; i++) {
    json_t *value = json_object_get(type, members[i]);
    if (value && json_object_set(kept, members[i], value)) x->starved = true; /* absent stays absent */
  }
  if (json_object_set_new(kept, "NetworkInfo", json_pack("{s:s}", "EnaSupport", af_json_str(json_object_get(type, "NetworkInfo"), "EnaSupport"))))
    x->starved = true;
  return kept;
}

static int take_types(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  json_t *list = af_inspection_made(x, json_array()), *type;
  size_t i;
  json_array_foreach(json_object_get(a->output, "InstanceTypes"), i, type) {
    bool small = af_json_int(json_object_get(type, "VCpuInfo"), "DefaultVCpus") <= VCPUS_MOST;
    if ((small || x->spec->launch_type) && json_array_append_new(list, lean(x, type))) x->starved = true;
  }
  return keep_list(x, "Types", list, err);
}

static json_t *ask_offerings(struct af_inspection *x) {
  if (!x->facts.launch) return NULL;
  json_t *input = json_pack("{s:s, s:i}", "LocationType", "availability-zone", "MaxResults", AF_PAGE_MOST);
  if (x->spec->launch_type && json_object_set_new(input, "Filters", af_filters("instance-type", x->spec->launch_type, NULL))) x->starved = true;
  return af_inspection_made(x, input);
}

static int take_offerings(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  json_t *list = af_inspection_made(x, json_array()), *offering;
  size_t i;
  json_array_foreach(json_object_get(a->output, "InstanceTypeOfferings"), i, offering) {
    const char *type = af_json_str(offering, "InstanceType");
    if (!af_json_find(json_object_get(x->facts.launch, "Types"), "InstanceType", type)) continue;
    json_t *kept = json_pack("{s:s, s:s}", "InstanceType", type, "Location", af_json_str(offering, "Location"));
    if (json_array_append_new(list, kept)) x->starved = true;
  }
  return keep_list(x, "Offerings", list, err);
}

static json_t *ask_encryption(struct af_inspection *x) {
  return x->facts.launch ? af_inspection_made(x, json_object()) : NULL;
}

static int take_encryption(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  x->facts.launch_encryption_by_default = !a->rc && af_json_bool(a->output, "EbsEncryptionByDefault");
  return 0;
}

const struct af_read af_launch_reads[AF_LAUNCH_READS] = {
    {&af_ec2_describe_vpcs, AF_AT_LAUNCH, ask_vpcs, take_vpcs, false, false},
    {&af_ec2_describe_subnets, AF_AT_LAUNCH, ask_subnets, take_subnets, false, false},
    {&af_ec2_describe_instance_types, AF_AT_LAUNCH, ask_types, take_types, false, false},
    {&af_ec2_describe_instance_type_offerings, AF_AT_LAUNCH, ask_offerings, take_offerings, false, false},
    {&af_ec2_get_ebs_encryption_by_default, AF_AT_LAUNCH, ask_encryption, take_encryption, true, false},
};
