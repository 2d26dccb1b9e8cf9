/* The attributes that verify compares, by name, and which of them a manifest may let differ. What makes a copy safe to own and to
 * use (its owner, state, name, storage and encryption) is never up for discussion. */
#ifndef AF_PLANS_ATTRIBUTE_H
#define AF_PLANS_ATTRIBUTE_H

#include <jansson.h>

#include "base/buf.h"

#define AF_ATTRIBUTE_SIZE 160

/* "imdsSupport"; "tag[team]" or "tag" for every tag; "snapshotTag[/dev/xvda][team]"; "launchPermission[111122223333]";
 * "blockDeviceMapping[/dev/xvda].volumeType" or "blockDeviceMapping.volumeType" for every device. Whether the manifest may name it. */
bool af_attribute_may_differ(struct af_str name);
/* Does what the manifest names cover this attribute of a finding? */
bool af_attribute_covers(struct af_str named, struct af_str attribute);
/* Does one of a manifest's names cover it? */
bool af_attribute_allowed(const json_t *names, const char *attribute);
/* group[KEY], the key cut where it is too long for all of it. */
void af_attribute_of(const char *group, const char *key, char out[AF_ATTRIBUTE_SIZE]);
void af_attribute_list(struct af_buf *out); /* the names that may differ, for messages: "bootMode, tpmSupport, …" */

#endif
