/* Verify: is the new AMI what its source was? Attribute by attribute, pure (design section 5; rules.md 1.2, 2.4). */
#ifndef AF_PLANS_VERIFY_H
#define AF_PLANS_VERIFY_H

#include "plans/attribute.h"
#include "plans/route.h"

enum af_verdict { AF_SAME, AF_DIFFERENT, AF_MISSING, AF_UNREADABLE, AF_VERDICT_MAX_ };
const char *af_verdict_name(enum af_verdict v); /* "Same"… */

struct af_finding {
  char attribute[AF_ATTRIBUTE_SIZE]; /* "bootMode", "blockDeviceMapping[/dev/xvda].volumeType", "snapshot[/dev/xvda].kmsKeyId",
                                        "tag[team]", "snapshotTag[/dev/xvda][team]", "launchPermission[111122223333]", "snapshotPermission[/dev/xvda][111122223333]",
                                        "watermark[golden]", "productCode[prod-abc]" */
  enum af_verdict verdict;
  bool allowed;           /* the manifest allows this difference, or it lies in the nature of things: kernel ids belong to a Region,
                             a boot writes UEFI variables, only an owner can read some attributes */
  char source[256], copy[256]; /* the values, shortened to fit */
};

struct af_findings {
  struct af_finding *list; /* owned */
  size_t n;
};

struct af_copy_reading {  /* what was read of the new AMI, with the target's credentials */
  const json_t *image;     /* Image */
  const json_t *snapshots; /* array of Snapshot */
  const char *uefi_data;   /* NULL where it has none */
  bool uefi_readable;
  const json_t *launch_permissions; /* array of LaunchPermission; NULL where they could not be read or nobody asked */
  const json_t *snapshot_permissions; /* {snapshot: array of CreateVolumePermission}; likewise */
  int64_t now_ms;          /* when it is compared */
  bool unfinished; /* within its own copy: it is protected after this comparison, and another copy may have borrowed access to copy it on */
};

int af_verify(const struct af_copy_spec *spec, const struct af_facts *facts, const struct af_decision *decision,
              const struct af_copy_reading *copy, struct af_findings *ret);
/* 0 where every finding is Same or allowed; otherwise -AF_EAWS with class REFUSED, code "VerifyDifference" and a message that names
 * the attributes. */
int af_findings_judge(const struct af_findings *f, struct af_error *err);
void af_findings_done(struct af_findings *f);

#endif
