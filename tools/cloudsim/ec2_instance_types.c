/* Instance types: a table of real ones, a few of each family that a launch may need (rules.md 4, 5), and where they are to be had. The
 * world file takes types out of a Region or keeps them to some of its zones. */
#include <stdio.h>

#include "tools/cloudsim/ec2_compute.h"

#define XEN (CS_T_HVM | CS_T_EBS | CS_T_LEGACY_BIOS)
#define OLD (XEN | CS_T_PV | CS_T_INSTANCE_STORE | CS_T_DISKS) /* paravirtual, and a root device in instance store */
#define X86_NITRO (CS_T_X86_64 | XEN | CS_T_UEFI | CS_T_NITRO | CS_T_TPM | CS_T_CURRENT | CS_T_ENA_REQUIRED)
#define ARM_NITRO (CS_T_ARM64 | CS_T_HVM | CS_T_EBS | CS_T_UEFI | CS_T_NITRO | CS_T_TPM | CS_T_CURRENT | CS_T_ENA_REQUIRED)
#define MAC (CS_T_HVM | CS_T_EBS | CS_T_UEFI | CS_T_METAL | CS_T_CURRENT | CS_T_ENA_REQUIRED)
#define BOTH (CS_T_I386 | CS_T_X86_64)

static const struct cs_instance_type types[] = {
    {"c1.medium", 2, 1740, "Intel", BOTH | OLD},
    {"c3.large", 2, 3840, "Intel", BOTH | OLD},
    {"c3.xlarge", 4, 7680, "Intel", CS_T_X86_64 | OLD},
    {"c4.large", 2, 3840, "Intel", CS_T_X86_64 | XEN | CS_T_CURRENT},
    {"c5.large", 2, 4096, "Intel", X86_NITRO},
    {"c6g.large", 2, 4096, "AWS", ARM_NITRO},
    {"c6i.large", 2, 4096, "Intel", X86_NITRO},
    {"d2.xlarge", 4, 31232, "Intel", CS_T_X86_64 | XEN | CS_T_INSTANCE_STORE | CS_T_DISKS | CS_T_CURRENT},
    {"i2.xlarge", 4, 31232, "Intel", CS_T_X86_64 | XEN | CS_T_INSTANCE_STORE | CS_T_DISKS},
    {"i3.large", 2, 15616, "Intel", CS_T_X86_64 | XEN | CS_T_DISKS | CS_T_CURRENT | CS_T_ENA_REQUIRED},
    {"m1.small", 1, 1740, "Intel", BOTH | OLD},
    {"m3.large", 2, 7680, "Intel", CS_T_X86_64 | OLD},
    {"m3.medium", 1, 3840, "Intel", BOTH | OLD},
    {"m4.16xlarge", 64, 262144, "Intel", CS_T_X86_64 | XEN | CS_T_CURRENT | CS_T_ENA_SUPPORTED},
    {"m4.large", 2, 8192, "Intel", CS_T_X86_64 | XEN | CS_T_CURRENT},
    {"m5.large", 2, 8192, "Intel", X86_NITRO},
    {"m5.metal", 96, 393216, "Intel", CS_T_X86_64 | XEN | CS_T_UEFI | CS_T_METAL | CS_T_CURRENT | CS_T_ENA_REQUIRED},
    {"m5.xlarge", 4, 16384, "Intel", X86_NITRO},
    {"m5d.large", 2, 8192, "Intel", X86_NITRO | CS_T_DISKS},
    {"m6a.large", 2, 8192, "AMD", X86_NITRO},
    {"m6g.large", 2, 8192, "AWS", ARM_NITRO},
    {"m6i.large", 2, 8192, "Intel", X86_NITRO},
    {"m7g.large", 2, 8192, "AWS", ARM_NITRO},
    {"m7g.medium", 1, 4096, "AWS", ARM_NITRO},
    {"m7i.large", 2, 8192, "Intel", X86_NITRO},
    {"mac1.metal", 12, 32768, "Intel", CS_T_X86_64_MAC | MAC},
    {"mac2.metal", 8, 16384, "Apple", CS_T_ARM64_MAC | MAC},
    {"r3.large", 2, 15616, "Intel", CS_T_X86_64 | XEN | CS_T_INSTANCE_STORE | CS_T_DISKS},
    {"r5.large", 2, 16384, "Intel", X86_NITRO},
    {"r6g.large", 2, 16384, "AWS", ARM_NITRO},
    {"t2.large", 2, 8192, "Intel", CS_T_X86_64 | XEN | CS_T_CURRENT | CS_T_BURSTABLE},
    {"t2.medium", 2, 4096, "Intel", BOTH | XEN | CS_T_CURRENT | CS_T_BURSTABLE},
    {"t2.micro", 1, 1024, "Intel", BOTH | XEN | CS_T_CURRENT | CS_T_BURSTABLE | CS_T_FREE_TIER},
    {"t2.small", 1, 2048, "Intel", BOTH | XEN | CS_T_CURRENT | CS_T_BURSTABLE},
    {"t3.large", 2, 8192, "Intel", X86_NITRO | CS_T_BURSTABLE},
    {"t3.medium", 2, 4096, "Intel", X86_NITRO | CS_T_BURSTABLE},
    {"t3.micro", 2, 1024, "Intel", X86_NITRO | CS_T_BURSTABLE | CS_T_FREE_TIER},
    {"t3.small", 2, 2048, "Intel", X86_NITRO | CS_T_BURSTABLE | CS_T_FREE_TIER},
    {"t3a.micro", 2, 1024, "AMD", X86_NITRO | CS_T_BURSTABLE},
    {"t3a.small", 2, 2048, "AMD", X86_NITRO | CS_T_BURSTABLE},
    {"t4g.medium", 2, 4096, "AWS", ARM_NITRO | CS_T_BURSTABLE},
    {"t4g.micro", 2, 1024, "AWS", ARM_NITRO | CS_T_BURSTABLE | CS_T_FREE_TIER},
    {"t4g.small", 2, 2048, "AWS", ARM_NITRO | CS_T_BURSTABLE | CS_T_FREE_TIER},
    {"x1.16xlarge", 64, 999424, "Intel", CS_T_X86_64 | XEN | CS_T_INSTANCE_STORE | CS_T_DISKS | CS_T_CURRENT | CS_T_ENA_SUPPORTED},
    {"x2gd.medium", 1, 16384, "AWS", ARM_NITRO | CS_T_DISKS},
};
enum { TYPES = sizeof types / sizeof types[0] };

const struct cs_instance_type *cs_instance_type_find(const char *name) {
  for (size_t i = 0; i < TYPES; i++)
    if (af_streq(types[i].name, name))
      return &types[i];
  return NULL;
}

static bool in(char *const *list, size_t n, const char *text) {
  for (size_t i = 0; i < n; i++)
    if (af_streq(list[i], text))
      return true;
  return false;
}

bool cs_type_offered(const struct cs_settings *s, const struct cs_instance_type *type, int zone) {
  char name[CS_ZONE_SIZE];
  if (in(s->types_unavailable, s->n_types_unavailable, type->name))
    return false;
  for (size_t i = 0; i < s->n_type_zones; i++) {
    const struct cs_type_zones *z = &s->type_zones[i];
    if (!af_streq(z->type, type->name))
      continue;
    if (zone < 0)
      return z->n_zones > 0;
    cs_zone_name(s->region, zone, name);
    return in(z->zones, z->n_zones, name);
  }
  return true;
}

/* --- the lists of a type --- */

struct word {
  unsigned flag;
  const char *text;
};
static const struct word architectures[] = {
    {CS_T_I386, "i386"}, {CS_T_X86_64, "x86_64"}, {CS_T_ARM64, "arm64"}, {CS_T_X86_64_MAC, "x86_64_mac"}, {CS_T_ARM64_MAC, "arm64_mac"}, {0, NULL}};
static const struct word virtualizations[] = {{CS_T_HVM, "hvm"}, {CS_T_PV, "paravirtual"}, {0, NULL}};
static const struct word root_devices[] = {{CS_T_EBS, "ebs"}, {CS_T_INSTANCE_STORE, "instance-store"}, {0, NULL}};
static const struct word boot_modes[] = {{CS_T_LEGACY_BIOS, "legacy-bios"}, {CS_T_UEFI, "uefi"}, {0, NULL}};
static const struct word usage_classes[] = {{CS_T_HVM, "on-demand"}, {CS_T_EBS, "spot"}, {0, NULL}};
static const struct word tpm_versions[] = {{CS_T_TPM, "2.0"}, {0, NULL}};

static void write_words(struct af_buf *out, const char *element, const struct word *words, unsigned flags) {
  cs_xml_open(out, element);
  for (; words->text; words++)
    if (flags & words->flag)
      cs_xml_text(out, "item", words->text);
  cs_xml_close(out, element);
}

void cs_type_architectures(const struct cs_instance_type *type, char *out, size_t size) {
  struct af_buf b;
  af_buf_init(&b, size);
  for (const struct word *w = architectures; w->text; w++)
    if (type->flags & w->flag)
      af_buf_printf(&b, "%s%s", b.len > 0 ? "," : "", w->text);
  af_str_copy(out, size, af_buf_view(&b));
  cs_buf_done(&b);
}

bool cs_type_has_architecture(const struct cs_instance_type *type, const char *architecture) {
  for (const struct word *w = architectures; w->text; w++)
    if (af_streq(w->text, architecture))
      return (type->flags & w->flag) != 0;
  return false;
}

static const char *ena(const struct cs_instance_type *type) {
  return type->flags & CS_T_ENA_REQUIRED ? "required" : type->flags & CS_T_ENA_SUPPORTED ? "supported" : "unsupported";
}

/* Bare metal has none. */
static const char *hypervisor(const struct cs_instance_type *type) {
  return type->flags & CS_T_METAL ? NULL : type->flags & CS_T_NITRO ? "nitro" : "xen";
}

static const char *supported(const struct cs_instance_type *type, unsigned flag) {
  return type->flags & flag ? "supported" : "unsupported";
}

/* --- DescribeInstanceTypes --- */

static const struct {
  const char *element, *filter;
  unsigned flag;
} type_bools[] = {
    {"bareMetal", "bare-metal", CS_T_METAL},
    {"burstablePerformanceSupported", "burstable-performance-supported", CS_T_BURSTABLE},
    {"currentGeneration", "current-generation", CS_T_CURRENT},
    {"freeTierEligible", "free-tier-eligible", CS_T_FREE_TIER},
    {"instanceStorageSupported", "instance-storage-supported", CS_T_DISKS},
};
enum { TYPE_BOOLS = sizeof type_bools / sizeof type_bools[0] };

static void write_vcpus(struct af_buf *out, const struct cs_instance_type *type) {
  unsigned threads = type->vcpus > 1 && !(type->flags & (CS_T_ARM64 | CS_T_ARM64_MAC)) ? 2 : 1;
  cs_xml_open(out, "vCpuInfo");
  cs_xml_int(out, "defaultVCpus", type->vcpus);
  cs_xml_int(out, "defaultCores", type->vcpus / threads);
  cs_xml_int(out, "defaultThreadsPerCore", threads);
  cs_xml_close(out, "vCpuInfo");
}

static void write_network(struct af_buf *out, const struct cs_instance_type *type) {
  cs_xml_open(out, "networkInfo");
  cs_xml_text(out, "networkPerformance", "Moderate");
  cs_xml_int(out, "maximumNetworkInterfaces", 2);
  cs_xml_text(out, "enaSupport", ena(type));
  cs_xml_bool(out, "ipv6Supported", !(type->flags & CS_T_PV));
  cs_xml_close(out, "networkInfo");
}

static void write_support(struct af_buf *out, const struct cs_instance_type *type) {
  write_words(out, "supportedUsageClasses", usage_classes, type->flags);
  write_words(out, "supportedRootDeviceTypes", root_devices, type->flags);
  write_words(out, "supportedVirtualizationTypes", virtualizations, type->flags);
  write_words(out, "supportedBootModes", boot_modes, type->flags);
  cs_xml_text(out, "nitroTpmSupport", supported(type, CS_T_TPM));
  if (type->flags & CS_T_TPM) {
    cs_xml_open(out, "nitroTpmInfo");
    write_words(out, "supportedVersions", tpm_versions, type->flags);
    cs_xml_close(out, "nitroTpmInfo");
  }
  cs_xml_open(out, "processorInfo");
  write_words(out, "supportedArchitectures", architectures, type->flags);
  cs_xml_text(out, "manufacturer", type->cpu);
  cs_xml_close(out, "processorInfo");
}

static void write_type(struct af_buf *out, const struct cs_instance_type *type) {
  cs_xml_open(out, "item");
  cs_xml_text(out, "instanceType", type->name);
  for (size_t i = 0; i < TYPE_BOOLS; i++)
    cs_xml_bool(out, type_bools[i].element, (type->flags & type_bools[i].flag) != 0);
  cs_xml_text(out, "hypervisor", hypervisor(type));
  cs_xml_bool(out, "dedicatedHostsSupported", !(type->flags & CS_T_BURSTABLE));
  cs_xml_open(out, "memoryInfo");
  cs_xml_int(out, "sizeInMiB", type->mib);
  cs_xml_close(out, "memoryInfo");
  cs_xml_open(out, "ebsInfo");
  cs_xml_text(out, "ebsOptimizedSupport", type->flags & CS_T_NITRO ? "default" : "unsupported");
  cs_xml_text(out, "encryptionSupport", "supported");
  cs_xml_text(out, "nvmeSupport", type->flags & CS_T_NITRO ? "required" : "unsupported");
  cs_xml_close(out, "ebsInfo");
  write_vcpus(out, type);
  write_network(out, type);
  write_support(out, type);
  cs_xml_close(out, "item");
}

enum { TYPE_NAME, TYPE_HYPERVISOR, TYPE_TPM, TYPE_ENA, TYPE_VCPUS, TYPE_MEMORY, TYPE_HOSTS };

static void type_fact(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_instance_type *type = resource;
  (void)call;
  switch (f->detail) {
    case TYPE_NAME: cs_match_value(m, type->name); break;
    case TYPE_HYPERVISOR: cs_match_value(m, hypervisor(type)); break;
    case TYPE_TPM: cs_match_value(m, supported(type, CS_T_TPM)); break;
    case TYPE_ENA: cs_match_value(m, ena(type)); break;
    case TYPE_VCPUS: cs_match_int(m, type->vcpus); break;
    case TYPE_MEMORY: cs_match_int(m, type->mib); break;
    case TYPE_HOSTS: cs_match_bool(m, !(type->flags & CS_T_BURSTABLE)); break;
  }
}

static void type_bool(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_instance_type *type = resource;
  (void)call;
  for (size_t i = 0; i < TYPE_BOOLS; i++)
    if (af_streq(type_bools[i].filter, f->name))
      cs_match_bool(m, (type->flags & type_bools[i].flag) != 0);
}

static void type_words(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m) {
  static const struct {
    const char *filter;
    const struct word *words;
  } lists[] = {
      {"nitro-tpm-info.supported-versions", tpm_versions},
      {"processor-info.supported-architecture", architectures},
      {"supported-boot-mode", boot_modes},
      {"supported-root-device-type", root_devices},
      {"supported-usage-class", usage_classes},
      {"supported-virtualization-type", virtualizations},
  };
  const struct cs_instance_type *type = resource;
  (void)call;
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
    for (const struct word *w = lists[i].words; w->text && af_streq(lists[i].filter, f->name); w++)
      cs_match_value(m, type->flags & w->flag ? w->text : NULL);
}

static const struct cs_filter type_filters[] = {
    {"bare-metal", type_bool},
    {"burstable-performance-supported", type_bool},
    {"current-generation", type_bool},
    {"dedicated-hosts-supported", type_fact, TYPE_HOSTS},
    {"free-tier-eligible", type_bool},
    {"hypervisor", type_fact, TYPE_HYPERVISOR},
    {"instance-storage-supported", type_bool},
    {"instance-type", type_fact, TYPE_NAME},
    {"memory-info.size-in-mib", type_fact, TYPE_MEMORY},
    {"network-info.ena-support", type_fact, TYPE_ENA},
    {"nitro-tpm-info.supported-versions", type_words},
    {"nitro-tpm-support", type_fact, TYPE_TPM},
    {"processor-info.supported-architecture", type_words},
    {"supported-boot-mode", type_words},
    {"supported-root-device-type", type_words},
    {"supported-usage-class", type_words},
    {"supported-virtualization-type", type_words},
    {"vcpu-info.default-vcpus", type_fact, TYPE_VCPUS},
    {NULL},
};

static int check_types(struct cs_call *call, size_t n) {
  const struct cs_settings *settings = cs_caller_settings(call);
  if (n > 100)
    return cs_fail(call, 400, "InvalidParameterValue", "The maximum number of instance types is 100");
  for (size_t i = 1; i <= n; i++) {
    const char *name = cs_paramf(&call->params, "InstanceType.%zu", i);
    const struct cs_instance_type *type = cs_instance_type_find(name);
    if (!type || !cs_type_offered(settings, type, -1))
      return cs_fail(call, 400, "InvalidInstanceType", "The following supplied instance types do not exist: [%s]", name);
  }
  return 0;
}

static int check_most(struct cs_call *call) {
  enum { MOST = 100 };
  if (cs_param_int(call, "MaxResults", MOST) > MOST)
    return cs_fail(call, 400, "InvalidParameterValue", "Value for parameter maxResults is invalid. Expecting a value less than or equal to %d.", MOST);
  return 0;
}

static bool type_asked(struct cs_call *call, size_t n, const char *name) {
  for (size_t i = 1; i <= n; i++)
    if (af_streq(cs_paramf(&call->params, "InstanceType.%zu", i), name))
      return true;
  return n == 0;
}

int cs_describe_instance_types(struct cs_call *call, struct af_buf *out) {
  const struct cs_settings *settings = cs_caller_settings(call);
  size_t n = cs_param_list(call, "InstanceType"), next = SIZE_MAX;
  struct cs_filters filters;
  struct cs_page page;
  if (cs_may_describe(call) < 0 || cs_page_begin(call, "InstanceType", 5, &page) < 0 || check_most(call) < 0 || check_types(call, n) < 0 ||
      cs_filters_read(call, type_filters, &filters) < 0)
    return -AF_EAWS;
  cs_xml_open(out, "instanceTypeSet");
  for (size_t i = page.start; i < TYPES && next == SIZE_MAX; i++) {
    if (!cs_type_offered(settings, &types[i], -1) || !type_asked(call, n, types[i].name) || !cs_filters_pass(call, &filters, &types[i]))
      continue;
    if (page.left == 0) {
      next = i;
    } else {
      page.left--;
      write_type(out, &types[i]);
    }
  }
  cs_xml_close(out, "instanceTypeSet");
  if (next != SIZE_MAX)
    cs_page_end(call, out, next);
  cs_filters_done(&filters);
  return 0;
}

/* --- DescribeInstanceTypeOfferings --- */

struct offering {
  const struct cs_instance_type *type;
  char location[CS_ZONE_SIZE];
};
enum { OFFERING_TYPE, OFFERING_LOCATION };

static void offering_fact(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m) {
  const struct offering *o = resource;
  (void)call;
  cs_match_value(m, f->detail == OFFERING_TYPE ? o->type->name : o->location);
}

static const struct cs_filter offering_filters[] = {
    {"instance-type", offering_fact, OFFERING_TYPE}, {"location", offering_fact, OFFERING_LOCATION}, {NULL}};

/* The i-th of type times place; false where the type isn't to be had there. */
static bool offering_at(const struct cs_call *call, const char *location_type, size_t i, size_t places, struct offering *ret) {
  int zone = places == 1 ? -1 : (int)(i % places);
  ret->type = &types[i / places];
  if (zone < 0)
    AF_COPY(ret->location, af_str(call->region->name));
  else if (af_streq(location_type, "availability-zone"))
    cs_zone_name(call->region, zone, ret->location);
  else
    cs_zone_id(call->region, zone, ret->location);
  return cs_type_offered(cs_caller_settings(call), ret->type, zone);
}

int cs_describe_type_offerings(struct cs_call *call, struct af_buf *out) {
  static const char *const allowed[] = {"region", "availability-zone", "availability-zone-id", NULL};
  const char *location_type = cs_param(&call->params, "LocationType");
  location_type = location_type ? location_type : "region";
  size_t places = af_streq(location_type, "region") ? 1 : CS_ZONES, next = SIZE_MAX;
  struct cs_filters filters;
  struct cs_page page;
  struct offering o;
  if (cs_may_describe(call) < 0 || cs_one_of(call, "LocationType", allowed) < 0 || cs_page_begin(call, NULL, 5, &page) < 0 ||
      cs_filters_read(call, offering_filters, &filters) < 0)
    return -AF_EAWS;
  cs_xml_open(out, "instanceTypeOfferingSet");
  for (size_t i = page.start; i < TYPES * places && next == SIZE_MAX; i++) {
    if (!offering_at(call, location_type, i, places, &o) || !cs_filters_pass(call, &filters, &o))
      continue;
    if (page.left-- == 0) {
      next = i;
      break;
    }
    cs_xml_open(out, "item");
    cs_xml_text(out, "instanceType", o.type->name);
    cs_xml_text(out, "locationType", location_type);
    cs_xml_text(out, "location", o.location);
    cs_xml_close(out, "item");
  }
  cs_xml_close(out, "instanceTypeOfferingSet");
  if (next != SIZE_MAX)
    cs_page_end(call, out, next);
  cs_filters_done(&filters);
  return 0;
}
