/* The choice of a place: what an image asks of its machine is one table, what a cheap and harmless machine is another question,
 * asked only where the manifest names no type. Pure; borrows from the facts. */
#include "plans/launch.h"

#include "plans/estimate.h"

/* Enough for every zone to be short of the first few types; a copy that finds none of them waits. */
enum { TYPES_MOST = 32 };

/* A temporary machine needs to boot once. Windows does not with less than 2 GiB. */
enum { MEMORY_LEAST_MIB = 1024, MEMORY_WINDOWS_MIB = 2048, MEMORY_MOST_MIB = 32768, VCPUS_MOST = 8 };

/* --- what the image asks of the machine --- */

static bool has_architecture(const json_t *image, const json_t *type) {
  return af_json_lists(json_object_get(json_object_get(type, "ProcessorInfo"), "SupportedArchitectures"),
                       af_json_str(image, "Architecture"));
}

static bool has_virtualization(const json_t *image, const json_t *type) {
  const char *wanted = af_json_str(image, "VirtualizationType");
  return af_json_lists(json_object_get(type, "SupportedVirtualizationTypes"), *wanted ? wanted : "hvm");
}

static bool has_ebs_root(const json_t *image, const json_t *type) {
  return af_json_lists(json_object_get(type, "SupportedRootDeviceTypes"), "ebs");
}

/* An image that names no boot mode boots as its architecture does, and one that prefers UEFI boots without it, too
 * (rules.md 2.4). */
static bool has_boot_mode(const json_t *image, const json_t *type) {
  const json_t *modes = json_object_get(type, "SupportedBootModes");
  const char *wanted = af_json_str(image, "BootMode");
  if (af_streq(wanted, "uefi-preferred"))
    return true;
  if (!*wanted)
    wanted = af_streq(af_json_str(image, "Architecture"), "arm64") ? "uefi" : "legacy-bios";
  return af_json_lists(modes, wanted);
}

/* NitroTPM works under UEFI only. */
static bool has_tpm(const json_t *image, const json_t *type) {
  return !*af_json_str(image, "TpmSupport") || (af_streq(af_json_str(type, "NitroTpmSupport"), "supported") &&
                                                af_json_lists(json_object_get(type, "SupportedBootModes"), "uefi"));
}

/* An image without the driver finds no network on a type that has no other. */
static bool does_without_ena(const json_t *image, const json_t *type) {
  return af_json_bool(image, "EnaSupport") ||
         !af_streq(af_json_str(json_object_get(type, "NetworkInfo"), "EnaSupport"), "required");
}

static bool is_on_demand(const json_t *image, const json_t *type) {
  return af_json_lists(json_object_get(type, "SupportedUsageClasses"), "on-demand");
}

static const struct {
  bool (*met)(const json_t *image, const json_t *type);
  const char *otherwise; /* "the instance type t2.micro ..." */
} needs[] = {
    {has_architecture, "has another architecture than the image"},
    {has_virtualization, "does not run the image's virtualisation type"},
    {has_ebs_root, "does not boot from EBS"},
    {has_boot_mode, "does not have the image's boot mode"},
    {has_tpm, "has no NitroTPM, which the image asks for"},
    {does_without_ena, "needs ENA, which the image does not support"},
    {is_on_demand, "cannot be had on demand"},
};

/* Why a type cannot run the image; NULL where it can. */
static const char *unfit(const json_t *image, const json_t *type) {
  for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
    if (!needs[i].met(image, type))
      return needs[i].otherwise;
  return NULL;
}

/* --- what nobody would mind --- */

/* Nothing that is dear, rare, or takes long to start. */
static bool is_modest(const json_t *image, const json_t *type) {
  static const char *const special[] = {"GpuInfo", "FpgaInfo", "InferenceAcceleratorInfo", "NeuronInfo", "MediaAcceleratorInfo"};
  int64_t memory = af_json_int(json_object_get(type, "MemoryInfo"), "SizeInMiB");
  bool windows = af_streq(af_json_str(image, "Platform"), "windows");
  for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
    if (json_object_get(type, special[i]))
      return false;
  return !af_json_bool(type, "BareMetal") && memory >= (windows ? MEMORY_WINDOWS_MIB : MEMORY_LEAST_MIB) &&
         memory <= MEMORY_MOST_MIB && af_json_int(json_object_get(type, "VCpuInfo"), "DefaultVCpus") <= VCPUS_MOST;
}

struct candidate {
  const char *name;
  bool merits[3]; /* the first counts most */
  int64_t price, memory;
};

static struct candidate candidate_of(const json_t *type) {
  const char *name = af_json_str(type, "InstanceType");
  return (struct candidate){.name = name,
                            .merits = {af_json_bool(type, "CurrentGeneration"), af_json_bool(type, "BurstablePerformanceSupported"),
                                       af_json_bool(type, "FreeTierEligible")},
                            .price = af_price_instance(name),
                            .memory = af_json_int(json_object_get(type, "MemoryInfo"), "SizeInMiB")};
}

static bool is_burstable(const struct candidate *c) {
  return c->merits[1];
}

/* Negative where a is to be tried before b. Prices that are not in the table come last; names decide what nothing else does, so
 * that the same facts always give the same order. */
static int by_fitness(const struct candidate *a, const struct candidate *b) {
  for (size_t i = 0; i < sizeof a->merits / sizeof a->merits[0]; i++)
    if (a->merits[i] != b->merits[i])
      return a->merits[i] ? -1 : 1;
  if (a->price != b->price)
    return b->price == 0 || (a->price != 0 && a->price < b->price) ? -1 : 1;
  return a->memory != b->memory ? (a->memory < b->memory ? -1 : 1) : strcmp(a->name, b->name);
}

struct types {
  struct candidate list[TYPES_MOST]; /* in order of fitness */
  size_t n;
};

static void insert(struct types *t, const json_t *type) {
  struct candidate candidate = candidate_of(type);
  size_t at = t->n;
  while (at > 0 && by_fitness(&candidate, &t->list[at - 1]) < 0)
    at--;
  if (at == TYPES_MOST)
    return;
  size_t moved = (t->n < TYPES_MOST ? t->n : TYPES_MOST - 1) - at;
  memmove(&t->list[at + 1], &t->list[at], moved * sizeof t->list[0]);
  t->list[at] = candidate;
  t->n += t->n < TYPES_MOST;
}

static void choose_types(const struct af_copy_spec *spec, const struct af_facts *facts, struct types *ret) {
  const json_t *all = json_object_get(facts->launch, "Types");
  ret->n = 0;
  for (size_t i = 0; i < json_array_size(all); i++) {
    const json_t *type = json_array_get(all, i);
    bool wanted =
        spec->launch_type ? af_streq(af_json_str(type, "InstanceType"), spec->launch_type) : is_modest(facts->image, type);
    if (wanted && !unfit(facts->image, type))
      insert(ret, type);
  }
}

/* --- subnets --- */

/* The named one, or one that AWS itself would take: a zone's default subnet in the default VPC. */
static bool is_wanted(const struct af_copy_spec *spec, const struct af_facts *facts, const json_t *subnet) {
  if (spec->launch_subnet)
    return af_streq(af_json_str(subnet, "SubnetId"), spec->launch_subnet);
  const json_t *vpc = af_json_find(json_object_get(facts->launch, "Vpcs"), "VpcId", af_json_str(subnet, "VpcId"));
  return af_json_bool(subnet, "DefaultForAz") && af_json_bool(vpc, "IsDefault");
}

static bool has_room(const json_t *subnet) {
  const char *state = af_json_str(subnet, "State");
  const json_t *left = json_object_get(subnet, "AvailableIpAddressCount");
  return (!*state || af_streq(state, "available")) && (!left || json_integer_value(left) > 0);
}

/* --- places --- */

enum { ZONES_MOST = 64 }; /* with its local and wavelength zones a Region has some thirty */

struct zones { /* that offer one type */
  const char *list[ZONES_MOST];
  size_t n;
};

/* One pass over all that is offered, which is thousands. */
static void zones_of(const struct af_facts *facts, const char *type, struct zones *ret) {
  const json_t *all = json_object_get(facts->launch, "Offerings");
  ret->n = 0;
  for (size_t i = 0; i < json_array_size(all) && ret->n < ZONES_MOST; i++) {
    const json_t *offering = json_array_get(all, i);
    if (af_streq(af_json_str(offering, "InstanceType"), type))
      ret->list[ret->n++] = af_json_str(offering, "Location");
  }
}

static bool has_zone(const struct zones *zones, const char *zone) {
  for (size_t i = 0; i < zones->n; i++)
    if (af_streq(zones->list[i], zone))
      return true;
  return false;
}

static struct af_place place_at(const struct candidate *type, const json_t *subnet) {
  struct af_place place = {.burstable = is_burstable(type)};
  AF_COPY(place.instance_type, af_str(type->name));
  AF_COPY(place.subnet, af_str(af_json_str(subnet, "SubnetId")));
  AF_COPY(place.zone, af_str(af_json_str(subnet, "AvailabilityZone")));
  AF_COPY(place.vpc, af_str(af_json_str(subnet, "VpcId")));
  return place;
}

/* The place that is *left places further on; where there is none, *left is what was still to go. */
static bool find_place(const struct af_copy_spec *spec, const struct af_facts *facts, size_t *left, struct af_place *ret) {
  const json_t *subnets = json_object_get(facts->launch, "Subnets");
  struct types types;
  choose_types(spec, facts, &types);
  for (size_t t = 0; t < types.n; t++) {
    struct zones zones;
    zones_of(facts, types.list[t].name, &zones);
    for (size_t k = 0; k < json_array_size(subnets); k++) {
      const json_t *subnet = json_array_get(subnets, k);
      if (!has_zone(&zones, af_json_str(subnet, "AvailabilityZone")) || !is_wanted(spec, facts, subnet) || !has_room(subnet) ||
          (*left)-- > 0)
        continue;
      *ret = place_at(&types.list[t], subnet);
      return true;
    }
  }
  return false;
}

int af_launch_place(const struct af_copy_spec *spec, const struct af_facts *facts, size_t i, struct af_place *ret) {
  return find_place(spec, facts, &i, ret) ? 0 : -AF_ENOENT;
}

size_t af_launch_places(const struct af_copy_spec *spec, const struct af_facts *facts) {
  size_t left = SIZE_MAX;
  struct af_place none;
  find_place(spec, facts, &left, &none);
  return SIZE_MAX - left;
}

/* --- why there is none: a person can mend each of it, in the account or in the manifest --- */

static int no_type(const struct af_copy_spec *spec, const struct af_facts *facts, struct af_error *err) {
  const char *region = spec->source.region, *architecture = af_json_str(facts->image, "Architecture");
  if (!spec->launch_type) {
    af_error_set(err, -AF_ENOENT, AF_CLASS_AUTH, "LaunchTypeNone", "no small instance type of %s can run %s (%s)", region,
                 spec->image, *architecture ? architecture : "of no known architecture");
    af_error_hint(err, "write launch.instance_type: one that can run it");
    return -AF_ENOENT;
  }
  const json_t *type = af_json_find(json_object_get(facts->launch, "Types"), "InstanceType", spec->launch_type);
  if (type)
    af_error_set(err, -AF_ENOENT, AF_CLASS_AUTH, "LaunchTypeUnfit", "the instance type %s %s", spec->launch_type,
                 unfit(facts->image, type));
  else
    af_error_set(err, -AF_ENOENT, AF_CLASS_AUTH, "LaunchTypeUnknown", "%s has no instance type %s", region, spec->launch_type);
  af_error_hint(err, "write another launch.instance_type, or leave it out");
  return -AF_ENOENT;
}

static int no_subnet(const struct af_copy_spec *spec, const struct af_facts *facts, bool full, struct af_error *err) {
  const char *account = facts->target_account, *region = spec->source.region;
  if (full) {
    const char *which = spec->launch_subnet ? spec->launch_subnet : "each default subnet";
    af_error_set(err, -AF_ENOENT, AF_CLASS_AUTH, "LaunchSubnetFull",
                 "%s of account %s in %s is unavailable or has no free address", which, account, region);
    af_error_hint(err, "make room in it, or write another launch.subnet");
  } else if (spec->launch_subnet) {
    af_error_set(err, -AF_ENOENT, AF_CLASS_AUTH, "LaunchSubnetUnknown", "account %s has no subnet %s in %s", account,
                 spec->launch_subnet, region);
    af_error_hint(err, "write a subnet of account %s in %s into launch.subnet", account, region);
  } else {
    af_error_set(err, -AF_ENOENT, AF_CLASS_AUTH, "LaunchSubnetMissing",
                 "account %s has no default VPC with subnets in %s, and the manifest names no launch.subnet", account, region);
    af_error_hint(err, "write launch.subnet: one of account %s in %s", account, region);
  }
  return -AF_ENOENT;
}

int af_launch_check(const struct af_copy_spec *spec, const struct af_facts *facts, struct af_error *err) {
  const json_t *subnets = json_object_get(facts->launch, "Subnets");
  struct af_place place;
  struct types types;
  bool any = false, room = false;
  if (af_launch_place(spec, facts, 0, &place) == 0)
    return 0;
  choose_types(spec, facts, &types);
  if (types.n == 0)
    return no_type(spec, facts, err);
  for (size_t i = 0; i < json_array_size(subnets); i++) {
    const json_t *subnet = json_array_get(subnets, i);
    any = any || is_wanted(spec, facts, subnet);
    room = room || (is_wanted(spec, facts, subnet) && has_room(subnet));
  }
  if (!room)
    return no_subnet(spec, facts, any, err);
  af_error_set(err, -AF_ENOENT, AF_CLASS_AUTH, "LaunchNotOffered", "%s is not offered in the zone of %s",
               types.list[0].name, spec->launch_subnet ? spec->launch_subnet : "any default subnet");
  af_error_hint(err, "write another launch.instance_type or launch.subnet");
  return -AF_ENOENT;
}
