/* Comparing a new AMI with its source. Each comparison is one finding, the equal ones too, so that `verify` can show what was
 * looked at. Attributes of the image are a table; mappings are compared by device name, snapshots by the mapping they stand in.
 * Where the manifest or the decision asks for something else than the source has (name, owner, key), that is what is compared. */
#include "plans/verify.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "plans/attribute.h"

static const char *const verdict_names[] = {
    [AF_SAME] = "Same", [AF_DIFFERENT] = "Different", [AF_MISSING] = "Missing", [AF_UNREADABLE] = "Unreadable"};
_Static_assert(sizeof verdict_names / sizeof verdict_names[0] == AF_VERDICT_MAX_, "every verdict has its name");

const char *af_verdict_name(enum af_verdict v) {
  return (unsigned)v < AF_VERDICT_MAX_ ? verdict_names[v] : verdict_names[AF_UNREADABLE];
}

/* What is being compared. rc sticks: after memory ran out nothing is added. */
struct run {
  const struct af_copy_spec *spec;
  const struct af_facts *facts;
  const struct af_decision *decision;
  const struct af_copy_reading *copy;
  struct af_findings out;
  size_t room;
  int rc;
};

static bool allowed(const struct run *r, const char *attribute) {
  const json_t *names = r->spec->allow_differences;
  for (size_t i = 0; i < json_array_size(names); i++)
    if (af_attribute_covers(af_str(json_string_value(json_array_get(names, i))), af_str(attribute)))
      return true;
  return false;
}

static struct af_finding *add(struct run *r, const char *attribute, enum af_verdict verdict, const char *source,
                              const char *copy) {
  if (r->rc == 0 && r->out.n == r->room) {
    size_t room = r->room ? r->room * 2 : 64;
    struct af_finding *list = realloc(r->out.list, room * sizeof *list);
    r->rc = list ? 0 : -AF_ENOMEM;
    r->out.list = list ? list : r->out.list;
    r->room = list ? room : r->room;
  }
  if (r->rc < 0)
    return NULL;
  struct af_finding *f = &r->out.list[r->out.n++];
  *f = (struct af_finding){.verdict = verdict, .allowed = verdict != AF_SAME && allowed(r, attribute)};
  AF_COPY(f->attribute, af_str(attribute));
  AF_COPY(f->source, af_str(source));
  AF_COPY(f->copy, af_str(copy));
  return f;
}

static struct af_finding *compare(struct run *r, const char *attribute, const char *source, const char *copy) {
  enum af_verdict verdict = af_streq(source, copy) ? AF_SAME : copy && *copy ? AF_DIFFERENT : AF_MISSING;
  return add(r, attribute, verdict, source, copy);
}

static const char *truth(bool b) {
  return b ? "true" : "false";
}

/* --- the image --- */

static const struct attribute {
  const char *name, *member;
  bool boolean;
  bool of_region; /* means something in its Region only, so that a copy in another one has its own */
} attributes[] = {
    {"architecture", "Architecture"},
    {"bootMode", "BootMode"},
    {"tpmSupport", "TpmSupport"},
    {"imdsSupport", "ImdsSupport"},
    {"enaSupport", "EnaSupport", .boolean = true},
    {"sriovNetSupport", "SriovNetSupport"},
    {"virtualizationType", "VirtualizationType"},
    {"rootDeviceName", "RootDeviceName"},
    {"rootDeviceType", "RootDeviceType"},
    {"kernelId", "KernelId", .of_region = true},
    {"ramdiskId", "RamdiskId", .of_region = true},
    {"platform", "Platform"},
    {"platformDetails", "PlatformDetails"},
    {"usageOperation", "UsageOperation"},
};

static void compare_attribute(struct run *r, const struct attribute *a) {
  const json_t *source = r->facts->image, *copy = r->copy->image;
  if (a->boolean) {
    compare(r, a->name, truth(af_json_bool(source, a->member)), truth(af_json_bool(copy, a->member)));
    return;
  }
  struct af_finding *f = compare(r, a->name, af_json_str(source, a->member), af_json_str(copy, a->member));
  bool other_region = !af_streq(r->spec->source.region, r->spec->target.region);
  if (f && f->verdict == AF_DIFFERENT && a->of_region && *f->source && other_region)
    f->allowed = true; /* rules.md 2.4: AKI and ARI ids are Region-specific */
}

static void compare_identity(struct run *r) {
  const json_t *image = r->copy->image;
  compare(r, "state", "available", af_json_str(image, "State"));
  compare(r, "ownerId", r->facts->target_account, af_json_str(image, "OwnerId"));
  compare(r, "name", r->decision->name, af_json_str(image, "Name"));
  /* Where nobody wants a description AWS may write one of its own. */
  const char *description = r->spec->description ? r->spec->description : af_json_str(r->facts->image, "Description");
  if (*description)
    compare(r, "description", description, af_json_str(image, "Description"));
}

static void compare_tags(struct run *r) {
  const char *key;
  json_t *value;
  json_object_foreach(r->spec->tags, key, value) {
    char attribute[AF_ATTRIBUTE_SIZE], shown[AF_ATTRIBUTE_SIZE - 6];
    const char *there = af_json_tag(r->copy->image, key);
    AF_COPY(shown, af_str(key));
    snprintf(attribute, sizeof attribute, "tag[%s]", shown);
    /* A tag may have an empty value, so that "not there" must not look like it. */
    add(r, attribute,
        !there                                      ? AF_MISSING
        : af_streq(there, json_string_value(value)) ? AF_SAME
                                                    : AF_DIFFERENT,
        json_string_value(value), there ? there : "");
  }
}

enum { UEFI_TEXT = 96 };

/* The variables themselves are long, and may be secret: their length and digest tell them apart. */
static void describe_uefi(const char *data, char out[UEFI_TEXT]) {
  unsigned char md[EVP_MAX_MD_SIZE] = {0};
  out[0] = 0;
  if (!data)
    return;
  if (!EVP_Digest(data, strlen(data), md, NULL, EVP_sha256(), NULL))
    memset(md, 0, sizeof md);
  snprintf(out, UEFI_TEXT, "%zu characters, SHA-256 %02x%02x%02x%02x%02x%02x...", strlen(data), md[0], md[1], md[2], md[3], md[4],
           md[5]);
}

static void compare_uefi(struct run *r) {
  const char *source = r->facts->uefi_data, *there = r->copy->uefi_data;
  char source_text[UEFI_TEXT], copy_text[UEFI_TEXT];
  describe_uefi(source, source_text);
  describe_uefi(there, copy_text);
  enum af_verdict verdict = AF_SAME;
  if (!r->copy->uefi_readable)
    verdict = source ? AF_UNREADABLE : AF_SAME; /* nothing there, nothing to lose */
  else if (source || there)
    verdict = af_streq(source, there) ? AF_SAME : there ? AF_DIFFERENT : AF_MISSING;
  add(r, "uefiData", verdict, source_text, copy_text);
}

/* --- mappings --- */

/* One mapping and its other half; snapshots are NULL where they are not known. */
struct pair {
  const char *device;
  const json_t *source, *copy;
  const json_t *source_snapshot, *copy_snapshot;
};

static void name_of(const struct pair *p, const char *group, const char *member, char out[AF_ATTRIBUTE_SIZE]) {
  snprintf(out, AF_ATTRIBUTE_SIZE, "%s[%.100s]%s%s", group, p->device, *member ? "." : "", member);
}

static void compare_member(struct run *r, const struct pair *p, const char *member, const char *source, const char *copy) {
  char attribute[AF_ATTRIBUTE_SIZE];
  name_of(p, "blockDeviceMapping", member, attribute);
  compare(r, attribute, source, copy);
}

static void number(int64_t n, char out[24]) {
  snprintf(out, 24, "%" PRId64, n);
}

/* The values that a volume has when none is given; -1 where AWS derives them, so that only one side may name them. */
static const struct volume_defaults {
  const char *type;
  int iops, throughput;
} volume_defaults[] = {{"gp3", 3000, 125}, {"gp2", -1, -1}, {"", -1, -1}};

static int64_t default_of(const char *type, bool iops) {
  for (size_t i = 0; i < sizeof volume_defaults / sizeof volume_defaults[0]; i++)
    if (af_streq(type, volume_defaults[i].type))
      return iops ? volume_defaults[i].iops : volume_defaults[i].throughput;
  return 0;
}

static void compare_rate(struct run *r, const struct pair *p, const char *name, const char *member, bool iops) {
  const json_t *a = json_object_get(p->source, "Ebs"), *b = json_object_get(p->copy, "Ebs");
  int64_t of_source = af_json_int(a, member), of_copy = af_json_int(b, member);
  int64_t otherwise = default_of(af_json_str(a, "VolumeType"), iops);
  if (of_source == 0)
    of_source = otherwise > 0 ? otherwise : otherwise < 0 ? of_copy : 0;
  if (of_copy == 0)
    of_copy = otherwise > 0 ? otherwise : otherwise < 0 ? of_source : 0;
  char x[24], y[24];
  number(of_source, x);
  number(of_copy, y);
  compare_member(r, p, name, x, y);
}

/* A mapping need not give the size of a volume that comes from a snapshot: it has the snapshot's. */
static int64_t size_of(const json_t *ebs, const json_t *snapshot) {
  int64_t size = af_json_int(ebs, "VolumeSize");
  return size ? size : af_json_int(snapshot, "VolumeSize");
}

/* What the copy must be: the named key encrypts all that has data; without one the source is followed, unless the account
 * encrypts everything by itself. */
static bool may_be_encrypted(const struct run *r, bool source) {
  return source || *r->decision->key_arn || r->facts->encryption_by_default;
}
static bool must_be_encrypted(const struct run *r, bool source, bool has_data) {
  return source || (has_data && *r->decision->key_arn);
}

static void compare_encrypted(struct run *r, const char *attribute, bool source, bool copy, bool has_data) {
  bool fine = copy ? may_be_encrypted(r, source) : !must_be_encrypted(r, source, has_data);
  add(r, attribute, fine ? AF_SAME : AF_DIFFERENT, truth(must_be_encrypted(r, source, has_data)), truth(copy));
}

static void compare_ebs(struct run *r, const struct pair *p) {
  const json_t *a = json_object_get(p->source, "Ebs"), *b = json_object_get(p->copy, "Ebs");
  char attribute[AF_ATTRIBUTE_SIZE], x[24], y[24];
  if (!a && !b)
    return;
  number(size_of(a, p->source_snapshot), x);
  number(size_of(b, p->copy_snapshot), y);
  compare_member(r, p, "volumeSize", x, y);
  compare_member(r, p, "volumeType", af_json_str(a, "VolumeType"), af_json_str(b, "VolumeType"));
  compare_rate(r, p, "iops", "Iops", true);
  compare_rate(r, p, "throughput", "Throughput", false);
  compare_member(r, p, "deleteOnTermination", truth(af_json_bool(a, "DeleteOnTermination")),
                 truth(af_json_bool(b, "DeleteOnTermination")));
  name_of(p, "blockDeviceMapping", "encrypted", attribute);
  bool has_data = *af_mapping_snapshot(p->source);
  compare_encrypted(r, attribute, af_json_bool(a, "Encrypted"), af_json_bool(b, "Encrypted"), has_data);
}

/* --- the snapshot of a mapping --- */

static void compare_key(struct run *r, const struct pair *p) {
  char attribute[AF_ATTRIBUTE_SIZE];
  bool encrypted = af_json_bool(p->copy_snapshot, "Encrypted");
  name_of(p, "snapshot", "encrypted", attribute);
  compare_encrypted(r, attribute, af_json_bool(p->source_snapshot, "Encrypted"), encrypted, true);
  name_of(p, "snapshot", "kmsKeyId", attribute);
  /* Without a key of the manifest's an account that encrypts by default takes its own. */
  if (*r->decision->key_arn || !r->facts->encryption_by_default)
    compare(r, attribute, r->decision->key_arn, encrypted ? af_json_str(p->copy_snapshot, "KmsKeyId") : "");
}

static void compare_snapshot(struct run *r, const struct pair *p) {
  char attribute[AF_ATTRIBUTE_SIZE], x[24], y[24];
  const char *id = af_mapping_snapshot(p->copy), *source_id = af_mapping_snapshot(p->source);
  if (!*source_id && !*id)
    return;
  name_of(p, "snapshot", "", attribute);
  if (!*source_id || !*id || !p->copy_snapshot || af_streq(id, source_id)) {
    /* Without a source snapshot there is data where none should be; with the source's own nothing was copied. */
    add(r, attribute, !*id ? AF_MISSING : !*source_id || af_streq(id, source_id) ? AF_DIFFERENT : AF_UNREADABLE, source_id, id);
    return;
  }
  add(r, attribute, AF_SAME, source_id, id);
  name_of(p, "snapshot", "state", attribute);
  compare(r, attribute, "completed", af_json_str(p->copy_snapshot, "State"));
  name_of(p, "snapshot", "ownerId", attribute);
  compare(r, attribute, r->facts->target_account, af_json_str(p->copy_snapshot, "OwnerId"));
  number(af_json_int(p->source_snapshot, "VolumeSize"), x);
  number(af_json_int(p->copy_snapshot, "VolumeSize"), y);
  name_of(p, "snapshot", "volumeSize", attribute);
  compare(r, attribute, x, y);
  compare_key(r, p);
}

static const char *kind_of(const json_t *mapping) {
  if (!mapping)
    return "";
  return json_object_get(mapping, "NoDevice") ? "noDevice"
         : json_object_get(mapping, "Ebs")    ? "ebs"
                                              : af_json_str(mapping, "VirtualName");
}

static void compare_mapping(struct run *r, const json_t *source, const json_t *copy) {
  struct pair p = {
      .device = af_json_str(source ? source : copy, "DeviceName"),
      .source = source,
      .copy = copy,
      .source_snapshot = source ? af_json_find(r->facts->snapshots, "SnapshotId", af_mapping_snapshot(source)) : NULL,
      .copy_snapshot = copy ? af_json_find(r->copy->snapshots, "SnapshotId", af_mapping_snapshot(copy)) : NULL,
  };
  char attribute[AF_ATTRIBUTE_SIZE];
  if (!source || !copy) {
    name_of(&p, "blockDeviceMapping", "", attribute);
    add(r, attribute, copy ? AF_DIFFERENT : AF_MISSING, kind_of(source), kind_of(copy));
    return;
  }
  compare_member(r, &p, "virtualName", af_json_str(source, "VirtualName"), af_json_str(copy, "VirtualName"));
  compare_member(r, &p, "noDevice", truth(json_object_get(source, "NoDevice")), truth(json_object_get(copy, "NoDevice")));
  compare_ebs(r, &p);
  compare_snapshot(r, &p);
}

static void compare_mappings(struct run *r) {
  const json_t *source = json_object_get(r->facts->image, "BlockDeviceMappings");
  const json_t *copy = json_object_get(r->copy->image, "BlockDeviceMappings");
  for (size_t i = 0; i < json_array_size(source); i++) {
    const json_t *mapping = json_array_get(source, i);
    compare_mapping(r, mapping, af_json_find(copy, "DeviceName", af_json_str(mapping, "DeviceName")));
  }
  for (size_t i = 0; i < json_array_size(copy); i++) {
    const json_t *mapping = json_array_get(copy, i);
    if (!af_json_find(source, "DeviceName", af_json_str(mapping, "DeviceName")))
      compare_mapping(r, NULL, mapping);
  }
}

int af_verify(const struct af_copy_spec *spec, const struct af_facts *facts, const struct af_decision *decision,
              const struct af_copy_reading *copy, struct af_findings *ret) {
  struct run r = {.spec = spec, .facts = facts, .decision = decision, .copy = copy};
  compare_identity(&r);
  for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
    compare_attribute(&r, &attributes[i]);
  compare_uefi(&r);
  compare_mappings(&r);
  compare_tags(&r);
  if (r.rc < 0) {
    af_findings_done(&r.out);
    return r.rc;
  }
  *ret = r.out;
  return 0;
}

int af_findings_judge(const struct af_findings *f, struct af_error *err) {
  struct af_buf names;
  size_t bad = 0;
  af_buf_init(&names, 800); /* an error's message has room for about that much; what doesn't fit is counted */
  for (size_t i = 0; i < f->n; i++) {
    const struct af_finding *one = &f->list[i];
    if (one->verdict == AF_SAME || one->allowed)
      continue;
    af_buf_printf(&names, "%s%s (%s)", bad ? ", " : "", one->attribute, af_verdict_name(one->verdict));
    bad++;
  }
  if (bad > 0) {
    af_error_set(err, -AF_EAWS, AF_CLASS_REFUSED, "VerifyDifference", "the copy is not what its source is: %s%s (%zu in all)",
                 af_buf_cstr(&names), af_buf_rc(&names) < 0 ? ", ..." : "", bad);
    af_error_hint(err, "name an attribute in allow_differences if it may differ; otherwise see the values with amiferry verify");
  }
  af_buf_done(&names);
  return bad ? -AF_EAWS : 0;
}

void af_findings_done(struct af_findings *f) {
  if (!f)
    return;
  free(f->list);
  *f = (struct af_findings){0};
}
