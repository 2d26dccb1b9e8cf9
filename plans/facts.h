/* The facts: what was read of a source AMI, its snapshots and keys and of both accounts before a route is chosen. They are stored
 * with the copy. Whoever reads them (engine/inspect.c) fills the struct; this folder only judges it.
 * JSON members use the API models' own member names ("BlockDeviceMappings", "Ebs", "KmsKeyId"). */
#ifndef AF_PLANS_FACTS_H
#define AF_PLANS_FACTS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

struct af_facts {
  char source_account[16];   /* of the source credentials; "" in pull mode, where there are none */
  char target_account[16];
  int64_t begun_ms;          /* when the copy was written down: {date} and deprecation "365d" count from it. 0: an earlier version
                                read these facts, before a copy kept its source's tags and deprecation */
  bool pull;                 /* read with the target's credentials: somebody else's AMI; source_account is "" */
  char source_partition[16]; /* "aws", "aws-cn"… of the Regions */
  char target_partition[16];
  json_t *image;             /* Image, as DescribeImages gave it to the source credentials */
  json_t *snapshots;         /* array of Snapshot, one for each mapping that has one, in the order of the mappings */
  json_t *source_keys;       /* array of KeyMetadata, each distinct key once; a key that could not be described stands as
                                {"Arn", "Error": "AccessDeniedException", "Message", "RequestId", "HttpStatus"} */
  json_t *target_key;        /* KeyMetadata of the spec's kms_key in the target account and Region; NULL where none is named;
                                {"KeyId": as named, "Error"…} where it could not be described */
  json_t *bridge_key;        /* likewise of the spec's bridge_key in the source account and Region */
  json_t *launch_key;        /* likewise of the spec's launch_key, in the target account and the source Region */
  json_t *launch;            /* NULL until read: {"Types": [InstanceTypeInfo…], "Offerings": [{"InstanceType", "Location"}…] (by
                                zone), "Subnets": [Subnet…], "Vpcs": [Vpc…]} of the target account in the source Region */
  bool launch_encryption_by_default; /* of EBS, there; read with launch */
  char *uefi_data;           /* base64; NULL where the AMI has none */
  bool uefi_unreadable;      /* only the owner may read UEFI data, and the credentials are not the owner's */
  bool encryption_by_default; /* of EBS in the target account and Region */
  char allowed_images[16];   /* target: "enabled", "audit-mode", "disabled"; "" where it could not be read */
  json_t *name_holders;      /* array of Images of the target account that have the wanted name, a copy of this source first
                                (on_existing suffix: also those named WANTED-*); never NULL once they are read */
};

void af_facts_init(struct af_facts *f);
void af_facts_done(struct af_facts *f);
int af_facts_to_json(const struct af_facts *f, json_t **ret);
int af_facts_from_json(struct af_facts *ret, const json_t *json, struct af_error *err);

/* Small readers of API objects, so that no caller spells out jansson chains. Borrowed; "" / false / 0 where absent. */
const char *af_json_str(const json_t *object, const char *member);
bool af_json_bool(const json_t *object, const char *member);
int64_t af_json_int(const json_t *object, const char *member);

/* More of them, for what is nested in images, snapshots and mappings. */
const json_t *af_json_find(const json_t *array, const char *member, const char *value); /* the first item with that; NULL */
bool af_json_lists(const json_t *array, const char *word); /* an array of strings that holds it; nothing holds "" */
const char *af_json_tag(const json_t *resource, const char *key); /* the value of a tag; NULL where there is none */
const char *af_mapping_snapshot(const json_t *mapping); /* Ebs.SnapshotId; "" for empty volumes, ephemeral ones and NoDevice */
/* The snapshot of the i-th mapping, in a name that no other mapping has: its id, and where an earlier mapping has the same, its device, too. A
 * copy of the image may have a snapshot for each. "" where it has none. */
#define AF_MAPPING_NAME_SIZE 96
void af_mapping_name(const json_t *mappings, size_t i, char out[AF_MAPPING_NAME_SIZE]);
int64_t af_snapshot_bytes(const json_t *snapshot); /* FullSnapshotSizeInBytes where given, otherwise VolumeSize */

/* Build a tree without looking after each branch: where memory runs out *whole is released and becomes NULL, and stays so. value is taken
 * over; NULL stands for one that could not be made. */
void af_json_put(json_t **whole, const char *member, json_t *value);
void af_json_append(json_t **whole, json_t *value);
/* json_dumps(), but whole or NULL: jansson's own leaves out a key that it has no memory for. The caller frees. */
char *af_json_dumps(const json_t *json, size_t how);

int64_t af_bytes_plus(int64_t a, int64_t b); /* of sizes, none negative; stops at INT64_MAX */

/* Bytes to move at most: FullSnapshotSizeInBytes where given, otherwise VolumeSize, summed. */
int64_t af_facts_bytes(const struct af_facts *f);
/* Provenance tags that amiferry writes on what it makes. */
#define AF_TAG_COPY "amiferry:copy"       /* copy id */
#define AF_TAG_STEP "amiferry:step"       /* ordinal.generation of the step whose call made it */
#define AF_TAG_SOURCE "amiferry:source"   /* source-region/ami-id[/snap-id] */
#define AF_TAG_TEMPORARY "amiferry:temporary" /* "yes": made on the way, and to be gone when its copy has ended */
#define AF_TAG_KEY "amiferry:key"         /* ARN of the key it was made under; absent where it is not encrypted */

#endif
