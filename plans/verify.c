/* Comparing a new AMI with its source. Each comparison is one finding, the equal ones too, so that `verify` can show what was
 * looked at. Attributes of the image are a table; verify_mappings.c compares what hangs on its devices, verify_settings.c what can
 * be changed on a finished image. Where the manifest or the decision asks for something else than the source has (name, owner, key),
 * that is what is compared. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "plans/verify_run.h"

static const char *const verdict_names[] = {
    [AF_SAME] = "Same", [AF_DIFFERENT] = "Different", [AF_MISSING] = "Missing", [AF_UNREADABLE] = "Unreadable"};
_Static_assert(sizeof verdict_names / sizeof verdict_names[0] == AF_VERDICT_MAX_, "every verdict has its name");

const char *af_verdict_name(enum af_verdict v) {
  return (unsigned)v < AF_VERDICT_MAX_ ? verdict_names[v] : verdict_names[AF_UNREADABLE];
}

struct af_finding *af_verify_add(struct af_verify_run *r, const char *attribute, enum af_verdict verdict, const char *source,
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
  *f = (struct af_finding){.verdict = verdict, .allowed = verdict != AF_SAME && af_attribute_allowed(r->spec->allow_differences, attribute)};
  AF_COPY(f->attribute, af_str(attribute));
  AF_COPY(f->source, af_str(source));
  AF_COPY(f->copy, af_str(copy));
  return f;
}

struct af_finding *af_verify_texts(struct af_verify_run *r, const char *attribute, const char *source, const char *copy) {
  enum af_verdict verdict = af_streq(source, copy) ? AF_SAME : copy && *copy ? AF_DIFFERENT : AF_MISSING;
  return af_verify_add(r, attribute, verdict, source, copy);
}

void af_verify_hidden(struct af_verify_run *r, const char *attribute, const char *copy) {
  struct af_finding *f = af_verify_add(r, attribute, AF_UNREADABLE, "", copy);
  if (f)
    f->allowed = true;
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

static void compare_attribute(struct af_verify_run *r, const struct attribute *a) {
  const json_t *source = r->facts->image, *copy = r->copy->image;
  if (a->boolean) {
    af_verify_texts(r, a->name, af_verify_truth(af_json_bool(source, a->member)), af_verify_truth(af_json_bool(copy, a->member)));
    return;
  }
  struct af_finding *f = af_verify_texts(r, a->name, af_json_str(source, a->member), af_json_str(copy, a->member));
  bool other_region = !af_streq(r->spec->source.region, r->spec->target.region);
  if (f && f->verdict == AF_DIFFERENT && a->of_region && *f->source && other_region)
    f->allowed = true; /* rules.md 2.4: AKI and ARI ids are Region-specific */
}

static void compare_identity(struct af_verify_run *r) {
  const json_t *image = r->copy->image;
  af_verify_texts(r, "state", "available", af_json_str(image, "State"));
  af_verify_texts(r, "ownerId", r->facts->target_account, af_json_str(image, "OwnerId"));
  af_verify_texts(r, "name", r->decision->name, af_json_str(image, "Name"));
  /* Where nobody wants a description AWS may write one of its own. */
  const char *description = r->spec->description ? r->spec->description : af_json_str(r->facts->image, "Description");
  if (*description)
    af_verify_texts(r, "description", description, af_json_str(image, "Description"));
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

static void compare_uefi(struct af_verify_run *r) {
  const char *source = r->facts->uefi_data, *there = r->copy->uefi_data;
  char source_text[UEFI_TEXT], copy_text[UEFI_TEXT];
  describe_uefi(source, source_text);
  describe_uefi(there, copy_text);
  if (r->facts->uefi_unreadable) {
    af_verify_hidden(r, "uefiData", copy_text);
    return;
  }
  enum af_verdict verdict = AF_SAME;
  if (!r->copy->uefi_readable)
    verdict = source ? AF_UNREADABLE : AF_SAME; /* nothing there, nothing to lose */
  else if (source || there)
    verdict = af_streq(source, there) ? AF_SAME : there ? AF_DIFFERENT : AF_MISSING;
  struct af_finding *f = af_verify_add(r, "uefiData", verdict, source_text, copy_text);
  if (f && verdict == AF_DIFFERENT && r->decision->route == AF_ROUTE_LAUNCH_IMAGE)
    f->allowed = true; /* the firmware and the system write variables whenever they boot */
}

/* --- lists that a copy carries on (rules.md 1.2, 1.5) --- */

static const struct {
  const char *attribute, *member, *key;
  const char *values[3]; /* that make an item the same as its twin */
} lists[] = {
    {"productCode", "ProductCodes", "ProductCodeId", {"ProductCodeType"}},
    {"watermark", "ImageWatermarks", "WatermarkKey", {"SourceImageId", "SourceImageRegion"}},
};

static void compare_list(struct af_verify_run *r, size_t which) {
  const json_t *source = json_object_get(r->facts->image, lists[which].member), *copy = json_object_get(r->copy->image, lists[which].member);
  for (size_t i = 0; i < json_array_size(source); i++) {
    const json_t *item = json_array_get(source, i);
    const char *key = af_json_str(item, lists[which].key);
    const json_t *twin = af_json_find(copy, lists[which].key, key);
    enum af_verdict verdict = twin ? AF_SAME : AF_MISSING;
    char attribute[AF_ATTRIBUTE_SIZE];
    for (size_t k = 0; twin && lists[which].values[k]; k++)
      if (!af_streq(af_json_str(item, lists[which].values[k]), af_json_str(twin, lists[which].values[k])))
        verdict = AF_DIFFERENT;
    af_attribute_of(lists[which].attribute, key, attribute);
    af_verify_add(r, attribute, verdict, key, twin ? key : "");
  }
}

int af_verify(const struct af_copy_spec *spec, const struct af_facts *facts, const struct af_decision *decision,
              const struct af_copy_reading *copy, struct af_findings *ret) {
  struct af_verify_run r = {.spec = spec, .facts = facts, .decision = decision, .copy = copy};
  compare_identity(&r);
  for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
    compare_attribute(&r, &attributes[i]);
  compare_uefi(&r);
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
    compare_list(&r, i);
  af_verify_mappings(&r);
  af_verify_settings(&r);
  if (r.rc < 0) {
    af_findings_done(&r.out);
    return r.rc;
  }
  *ret = r.out;
  return 0;
}

/* The copy is about to be undone: nothing else will tell them. */
static void put_values(struct af_buf *out, const struct af_finding *f) {
  bool any = *f->source || *f->copy;
  if (any && f->verdict == AF_DIFFERENT && !af_streq(f->source, f->copy))
    af_buf_printf(out, "; %s: %.80s -> %.80s", f->attribute, *f->source ? f->source : "nothing", *f->copy ? f->copy : "nothing");
}

int af_findings_judge(const struct af_findings *f, struct af_error *err) {
  struct af_buf names, values;
  size_t bad = 0;
  af_buf_init(&names, 600); /* an error's message has room for about that much; what doesn't fit is counted */
  af_buf_init(&values, 300);
  for (size_t i = 0; i < f->n; i++) {
    const struct af_finding *one = &f->list[i];
    if (one->verdict == AF_SAME || one->allowed)
      continue;
    af_buf_printf(&names, "%s%s (%s)", bad ? ", " : "", one->attribute, af_verdict_name(one->verdict));
    put_values(&values, one);
    bad++;
  }
  if (bad > 0) {
    af_error_set(err, -AF_EAWS, AF_CLASS_REFUSED, "VerifyDifference", "the copy is not what its source is: %s%s (%zu in all)%s",
                 af_buf_cstr(&names), af_buf_rc(&names) < 0 ? ", ..." : "", bad, af_buf_cstr(&values));
    af_error_hint(err, "name an attribute in allow_differences if it may differ, and run the manifest again");
  }
  af_buf_done(&values);
  af_buf_done(&names);
  return bad ? -AF_EAWS : 0;
}

void af_findings_done(struct af_findings *f) {
  if (!f)
    return;
  free(f->list);
  *f = (struct af_findings){0};
}
