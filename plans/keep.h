/* What a copy keeps of its source beside the image itself: tags, deprecation, deregistration protection (rules.md 1.2, 2.5). None
 * of it comes along by itself. Facts that an earlier version read (begun_ms 0) keep nothing: such a copy was begun without. Pure. */
#ifndef AF_PLANS_KEEP_H
#define AF_PLANS_KEEP_H

#include "plans/route.h"

enum { AF_KEEP_TAGS_MAX = 50 }; /* of a resource; AWS's own don't count */

/* All tags that something made is to have in the end: the image (source_snapshot NULL), the copy of that source snapshot, or each
 * snapshot alike ("": what is the same for all of them). They are the source's own, the manifest's over them, and amiferry's
 * provenance as far as the rest of 50 allows: it is given up in the order step, copy, key, source. Array of {"Key", "Value"},
 * sorted by key. -AF_ENOMEM. */
int af_keep_tags(const struct af_copy_spec *spec, const struct af_facts *facts, const struct af_decision *decision,
                 const char *copy_id, const char *mark, const char *source_snapshot, json_t **ret);
/* Those that go into the creating call: the provenance whole, because what a lost reply made is found by it, and as many of the
 * others as fit, the manifest's first. */
int af_keep_creation_tags(const struct af_copy_spec *spec, const struct af_facts *facts, const struct af_decision *decision,
                          const char *copy_id, const char *mark, const char *source_snapshot, json_t **ret);
/* Do the image's tags leave room for what a later run adopts it by, its source and its key? */
bool af_keep_adoptable(const struct af_copy_spec *spec, const struct af_facts *facts, const struct af_decision *decision);
/* How many tags of the source's image and snapshots find no room beside the manifest's; *ret_resource (borrowed) is the first that
 * loses one, NULL where none does. */
size_t af_keep_left_out(const struct af_copy_spec *spec, const struct af_facts *facts, const char **ret_resource);

enum { AF_KEEP_WARNING_SIZE = 256 };
/* When the new AMI, or the one that is adopted (an Image; NULL: none), is to be deprecated: milliseconds, rounded down to the minute; 0:
 * never. Where a wanted time is none that AWS takes (over when the copy was begun, or more than ten years ahead) it is 0, and warning
 * says so; otherwise warning is empty. */
int64_t af_keep_deprecation(const struct af_copy_spec *spec, const struct af_facts *facts, const json_t *adopted,
                            char warning[AF_KEEP_WARNING_SIZE]);
/* Is it too late to say so? AWS takes no time that is past, by its own clock and to the minute (rules.md 2.5). */
bool af_keep_deprecation_over(int64_t at, int64_t now_ms);
enum af_protection af_keep_protection(const struct af_copy_spec *spec, const struct af_facts *facts);
/* What DescribeImages shows of it, in our words. */
enum af_protection af_protection_of(const json_t *image);
const char *af_protection_name(enum af_protection p); /* "none", "enabled", "enabled-with-cooldown" */

#endif
