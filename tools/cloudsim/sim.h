/* What the parts of cloudsim share, and nothing that a program outside needs (that is cloudsim.h).
 *
 * Two halves meet here. The core (world.c, ec2_*.c) owns Regions, accounts, images, snapshots, quotas and time; the front
 * (http, signatures, identity, policies, keys, faults) owns who calls and whether he may. Each half hides its tables behind one
 * pointer of struct cs_sim; this header states the calls that cross the border.
 *
 * Memory: the world only grows. Accounts, Regions, principals, sessions and keys live as long as the simulation, so pointers to
 * them may be kept. A simulator without memory has nothing true to say, so it ends when there is none: the cs_ allocators see to that,
 * cs_buf_done() and cs_buf_reset() do for buffers (which are never left to base's own), cs_guard_libraries() for jansson and OpenSSL.
 *
 * Time: now_ms is the wall clock, sim_ms the world's own (cs_sim_time()). Whatever EC2 or KMS shows, matures, propagates or refills
 * counts in sim_ms; signatures, presigned URLs, session tokens and replies' Date count in now_ms. */
#ifndef CLOUDSIM_SIM_H
#define CLOUDSIM_SIM_H

#include "base/random.h"
#include "base/time.h"
#include "tools/cloudsim/cloudsim.h"

/* --- allocation (alloc.c) ---------------------------------------------------------------------------------------------- */
void *cs_malloc(size_t size);           /* these two are for libraries that take allocators */
void *cs_realloc(void *memory, size_t size);
void *cs_new(size_t size);              /* zeroed */
char *cs_strdup(const char *s);         /* NULL stays NULL */
char *cs_strndup(struct af_str s);
/* Replaces *slot by a copy of text, freeing what was there. */
void cs_set(char **slot, const char *text);
/* Makes room for one more item in an array of n items (sizes double); returns the array. */
void *cs_grow(void *items, size_t n, size_t item_size);
#define CS_ADD(array, count) ((array) = cs_grow((array), (count), sizeof *(array)), &(array)[(count)++])
/* Ends the program if the buffer lacks what there was no memory for; one that is merely full is its owner's business. */
void cs_buf_whole(const struct af_buf *b);
void cs_buf_reset(struct af_buf *b); /* that, and af_buf_reset() */
void cs_buf_done(struct af_buf *b);  /* that, and af_buf_done() */

/* --- the world as the file gave it (world.c) --------------------------------------------------------------------------- */
struct cs_tag {
  char *key, *value;
};

struct cs_region {
  char name[32];           /* "eu-west-1" */
  char partition[16];      /* "aws" */
  char dns_suffix[40];     /* "amazonaws.com" */
  bool opt_in;             /* accounts must enable it */
};

/* An instance type that is to be had in some zones alone. */
struct cs_type_zones {
  char *type;
  char **zones;
  size_t n_zones;
};

/* What an account has set in one Region. */
struct cs_settings {
  const struct cs_region *region;
  bool enabled;                  /* the account may use the Region */
  bool ebs_encryption_by_default;
  char *ebs_default_key;         /* id, alias or ARN; NULL: alias/aws/ebs */
  char allowed_images_state[16]; /* disabled, audit-mode, enabled */
  char allowed_images_managed_by[24];
  char **allowed_providers;      /* account ids, amazon, aws-marketplace, aws-backup-vault, none */
  size_t n_allowed_providers;
  char **allowed_names;          /* globs; none: any */
  size_t n_allowed_names;
  char snapshot_block_public[24]; /* unblocked, block-new-sharing, block-all-sharing */
  char image_block_public[24];    /* unblocked, block-new-sharing */
  bool networks_given;            /* the world file says which VPCs there are */
  char **types_unavailable;       /* instance types that the Region hasn't */
  size_t n_types_unavailable;
  struct cs_type_zones *type_zones;
  size_t n_type_zones;
  char **no_capacity;             /* "m5.large": nowhere; "m5.large/eu-west-1a": not in that zone */
  size_t n_no_capacity;
  char **key_pairs;
  size_t n_key_pairs;
};

struct cs_account {
  char id[16];
  char *name;
  char *alias;              /* imageOwnerAlias: amazon, aws-marketplace; NULL for the rest of us */
  char *organization;       /* full ARN; NULL outside of any */
  char **units;             /* full ARNs of every OU above it */
  size_t n_units;
  struct cs_settings *settings; /* one for each Region of the world */
  char **subscriptions;     /* Marketplace product codes */
  size_t n_subscriptions;
};

/* One kernel or RAM disk in one Region. */
struct cs_kernel {
  size_t which; /* the same in all Regions */
  const struct cs_region *region;
  char *id;
};

/* Ranges are drawn from uniformly; all in milliseconds of the world's own time. */
struct cs_range {
  int64_t min, max;
};
struct cs_latencies {
  struct cs_range read_lag;           /* how far a read may lie behind the last write */
  struct cs_range grant_propagation;  /* KMS: create, retire, revoke; key policies too */
  struct cs_range key_check;          /* from CopyImage, CopySnapshot to the verdict on keys and presigned URL */
  struct cs_range image_registration; /* from the last snapshot to an available image; RegisterImage's own pending time */
  struct cs_range copy_start;         /* before the first byte */
  int64_t copy_min;                   /* no snapshot copy takes less */
  double copy_mib_per_s;              /* of each snapshot copy */
  int64_t deregistered_visible;       /* how long a deregistered image still shows */
  int64_t deleted_visible;            /* the same of a deleted snapshot */
  struct cs_range instance_start, instance_stop, instance_terminate; /* pending, stopping, shutting-down */
  int64_t terminated_visible;         /* how long a terminated instance still shows */
};

/* rules.md marks these uncertain or in conflict: the world file says which AWS it wants. The comment names the section. */
struct cs_uncertain {
  bool copy_image_unique_name;          /* 2.1: does CopyImage refuse a name that is in use? */
  bool copy_image_uses_snapshot_slots;  /* 1.6: do an image copy's snapshots count against the 20? */
  bool register_keeps_billing;          /* 2.4: does RegisterImage derive platformDetails from the snapshot? */
  bool retired_grant_fails_running_copy; /* 3: does a running copy lose a key whose grant is retired? */
  bool marketplace_copy_refused;        /* 1.5: cross-account */
  bool billing_copy_refused;            /* 1.5: cross-account, the rule until 2019 */
  bool cancelled_copy_leaves_snapshots; /* 1.6: of a pending image that is deregistered */
  bool pending_image_shows_snapshots;   /* 1.6: is blockDeviceMapping filled before available? */
  bool copy_needs_launch_permission;    /* 1.3.1 */
  bool copy_same_key_for_foreign;       /* 1.4: CONFLICT: same key instead of the default key */
  bool dry_run_checks_source;           /* 1.1: does DryRun look at the source image? */
  bool copy_reads_source_bucket;        /* 5: does a bundle's copy need its bucket's list and keys, besides the objects? */
  bool create_image_keeps_imds;         /* 4: does CreateImage keep IMDS support v2.0? */
  bool create_image_while_stopping;     /* 4: does it take a stopping instance, and refuse others with InvalidParameterValue? */
  int64_t client_token_lifetime;        /* 2.1: ms; 0: for ever */
  char **source_key_operations, **target_key_operations; /* 3: what EBS needs of each key */
  size_t n_source_key_operations, n_target_key_operations;
};

struct cs_bucket_size {
  double capacity, refill_per_s;
};
struct cs_quotas {
  bool throttle;                  /* token buckets on or off */
  int snapshot_copies, image_copies; /* concurrent, per account and destination Region */
  int vcpus; /* running, per account and Region; 0: no limit */
  int images, snapshots, public_images, sharing_entities, pending_snapshots; /* per account and Region */
  struct cs_bucket_override {
    char action[64];
    struct cs_bucket_size size;
  } *overrides;
  size_t n_overrides;
};

struct cs_identity; /* the front's: principals, credentials, sessions */
struct cs_kms;      /* the front's: keys, grants */
struct cs_front;    /* the front's: faults, counters of calls */
struct cs_s3;       /* the front's: buckets and what is in them */
struct cs_ec2;      /* the core's: images, snapshots, tokens, buckets */

struct cs_sim {
  int64_t start_ms; /* wall clock when it was made */
  double speed;
  uint64_t seed;
  struct af_random_seeded ids, lags, times; /* one stream each, so that one more read doesn't change later ids */
  struct cs_latencies latency;
  struct cs_quotas quota;
  struct cs_uncertain uncertain;
  char *copy_tag, *step_tag; /* audit: tags that name a copy and a step */
  struct cs_region *regions;
  size_t n_regions;
  struct cs_kernel *kernels;
  size_t n_kernels;
  struct cs_account **accounts;
  size_t n_accounts;
  struct cs_ec2 *ec2;
  struct cs_identity *identity;
  struct cs_kms *kms;
  struct cs_s3 *s3;
  struct cs_front *front;
};

int64_t cs_sim_time(const struct cs_sim *sim, int64_t now_ms); /* wall clock -> the world's time */
int64_t cs_sim_wall(const struct cs_sim *sim, int64_t sim_ms); /* and back; INT64_MAX stays */
int64_t cs_draw(struct af_random_seeded *r, struct cs_range range);
const struct cs_region *cs_region_find(const struct cs_sim *sim, const char *name); /* NULL where there is none */
struct cs_account *cs_account_find(const struct cs_sim *sim, const char *id);
/* Never NULL for an account and a Region of the world. */
struct cs_settings *cs_settings_of(const struct cs_sim *sim, const struct cs_account *account, const char *region);

/* --- reading world files (world.c): each fills err with line and path, and returns a negative code ------------------------ */
/* A missing key leaves *ret as it is, so defaults are set beforehand. */
struct cs_reader {
  const struct af_doc *doc;
  struct af_error *err;
  struct cs_sim *sim;
};
int cs_read_string(struct cs_reader *r, const struct af_node *map, const char *key, char **ret);
int cs_read_text(struct cs_reader *r, const struct af_node *map, const char *key, char *ret, size_t size);
int cs_read_bool(struct cs_reader *r, const struct af_node *map, const char *key, bool *ret);
int cs_read_int(struct cs_reader *r, const struct af_node *map, const char *key, int64_t min, int64_t max, int64_t *ret);
int cs_read_real(struct cs_reader *r, const struct af_node *map, const char *key, double *ret);
int cs_read_seconds(struct cs_reader *r, const struct af_node *map, const char *key, int64_t *ret_ms);
int cs_read_range(struct cs_reader *r, const struct af_node *map, const char *key, struct cs_range *ret); /* seconds: 5, or [2, 8] */
int cs_read_strings(struct cs_reader *r, const struct af_node *map, const char *key, char ***ret, size_t *ret_n);
int cs_read_tags(struct cs_reader *r, const struct af_node *map, const char *key, struct cs_tag **ret, size_t *ret_n);
/* The node at key if it is a map (or list), NULL in *ret where absent. */
int cs_read_map(struct cs_reader *r, const struct af_node *map, const char *key, const struct af_node **ret);
int cs_read_list(struct cs_reader *r, const struct af_node *map, const char *key, const struct af_node **ret);
int cs_bad(struct cs_reader *r, const struct af_node *n, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* --- a call ------------------------------------------------------------------------------------------------------------- */
struct cs_param {
  char *name, *value; /* decoded, NUL-terminated */
};
struct cs_params {
  struct cs_param *items; /* in the order of the text */
  size_t n;
  size_t *by_name;        /* indexes sorted by name; built by the first lookup */
};
/* application/x-www-form-urlencoded or a query string. -AF_EINVAL where it is not: bad escapes, NUL, no UTF-8. */
int cs_params_read(struct cs_params *p, struct af_str form);
void cs_params_add(struct cs_params *p, const char *name, const char *value);
void cs_params_done(struct cs_params *p);
const char *cs_param(struct cs_params *p, const char *name); /* NULL where absent; the first if it is there twice */
const char *cs_paramf(struct cs_params *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool cs_param_prefix(struct cs_params *p, const char *prefix); /* is there any whose name begins so? */

struct cs_principal; /* the front's: a role or a user of the world file */
struct cs_session;   /* the front's: what AssumeRole gave */
struct cs_s3_request; /* the front's: bucket, key and operation */
/* Who calls. Small enough to be copied into whatever outlives the call: a snapshot copy asks for its keys later. */
struct cs_caller {
  char account[16];
  char arn[512];     /* as GetCallerIdentity gives it */
  char user_id[128];
  const struct cs_principal *principal; /* NULL: the account's root user */
  const struct cs_session *session;     /* NULL: a long-term key */
};

struct cs_failure {
  int status;        /* HTTP; 0: nothing failed */
  char code[80];
  char message[1024];
};

struct cs_call {
  struct cs_sim *sim;
  int64_t now_ms, sim_ms;
  int64_t skew_ms;     /* a fault: the server's clock is off by so much, for this call and the URL that is presigned in it */
  int64_t view_ms;     /* what this call's reads see of EC2: at most sim_ms; set by cs_ec2_handle() */
  const char *service; /* "ec2", "sts", "kms", "s3" */
  const struct cs_region *region;
  char action[80];
  struct cs_caller caller;
  struct cs_params params; /* of the query protocols */
  char request_id[40];
  struct cs_s3_request *s3; /* of an S3 call; NULL */
  bool empty_page;     /* a fault: lists answer with an empty page and a NextToken */
  struct cs_failure failure;
};

/* Records the failure (the first one stays) and returns -AF_EAWS, so that `return cs_fail(call, 400, "Code", "...")` is one line. */
int cs_fail(struct cs_call *call, int status, const char *code, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* --- XML replies (xml.c): no white space, every text escaped -------------------------------------------------------------- */
void cs_xml_open(struct af_buf *b, const char *name);
void cs_xml_close(struct af_buf *b, const char *name);
void cs_xml_text(struct af_buf *b, const char *name, const char *text); /* NULL writes nothing */
void cs_xml_bool(struct af_buf *b, const char *name, bool value);
void cs_xml_int(struct af_buf *b, const char *name, int64_t value);
void cs_xml_time(struct af_buf *b, const char *name, int64_t ms); /* 2026-11-23T06:29:00.123Z */
/* Status, Content-Type and EC2's error body from call->failure: <Response><Errors><Error>..., RequestID. */
void cs_ec2_error(const struct cs_call *call, struct cs_reply *reply);

/* --- the core's, called by the front --------------------------------------------------------------------------------------- */
/* Reads the world: settings, Regions, accounts, then the front's cs_world_load_identity(), then images and snapshots. */
int cs_world_load(struct cs_sim *sim, const struct af_doc *world, struct af_error *err);
void cs_world_free(struct cs_sim *sim);

/* Carries out an authenticated EC2 call whose params are decoded: throttling, parameters, permissions, the effect, the reply. */
void cs_ec2_handle(struct cs_call *call, struct cs_reply *reply);
/* Everything that was due up to sim_ms happens, in order. The front calls it first in every request, of whatever service: a copy
 * that was to ask for its key a minute ago asks before the grant that goes now is gone. */
void cs_ec2_advance(struct cs_sim *sim, int64_t sim_ms);
int64_t cs_ec2_next_ms(const struct cs_sim *sim, int64_t sim_ms); /* in sim_ms; INT64_MAX where nothing is under way */
/* Adds its members to the object `audit`: images, snapshots, duplicates, shares, orphans, peaks. */
void cs_audit_ec2(struct cs_sim *sim, int64_t sim_ms, json_t *audit);
/* A tag of the resource that an EC2 ARN names (for ec2:ResourceTag conditions); NULL where it, or the tag, isn't there. */
const char *cs_ec2_resource_tag(const struct cs_sim *sim, const char *arn, const char *key);
/* What the condition key (ec2:Owner, ec2:Public, ...) says of it; NULL where it isn't there, or has no such thing. */
const char *cs_ec2_resource_fact(const struct cs_sim *sim, const char *arn, const char *key);

/* --- the front's, called by the core ----------------------------------------------------------------------------------------- */
/* Regions and accounts are there. Reads what the world file says of principals and keys, and the rest of its own top-level keys
 * (CS_FRONT_ROOT_KEYS, CS_FRONT_ACCOUNT_KEYS, CS_FRONT_REGION_KEYS below: the core lets these pass unread). */
int cs_world_load_identity(struct cs_sim *sim, const struct af_doc *world, struct af_error *err);
void cs_identity_free(struct cs_sim *sim); /* identity, kms, front */
#define CS_FRONT_ROOT_KEYS "faults", "kms", "sts"
#define CS_FRONT_ACCOUNT_KEYS "users", "roles", "access_keys", "scps"
#define CS_FRONT_REGION_KEYS "keys", "buckets"

/* May the caller do `action` ("ec2:CopyImage") to the resource (an ARN, or "*")? 0, or -AF_EAWS with call->failure filled:
 * UnauthorizedOperation, 403. Conditions read call->params and what the resource is. */
int cs_policy_check(struct cs_call *call, const char *action, const char *resource_arn);

/* A KMS key, as far as the core looks. The front owns it and adds what it needs to the end. */
struct cs_key {
  char arn[160];
  char id[64];
  char account[16], region[32];
  bool aws_managed; /* alias/aws/ebs: cannot be shared */
  bool enabled;     /* Enabled, and a symmetric encryption key */
  void *more;       /* the front's */
};
/* Resolves id, key ARN, "alias/x" or alias ARN as seen by that account in that Region; ids and aliases resolve in the caller's
 * account, ARNs anywhere, but only in `region` (an ARN that names another Region finds nothing). NULL where there is none. */
struct cs_key *cs_kms_key_find(const struct cs_sim *sim, const char *region, const char *account, const char *text);
/* The account's alias/aws/ebs in that Region; made when it is first asked for. */
struct cs_key *cs_kms_default_ebs_key(struct cs_sim *sim, const char *account, const char *region);
/* May EBS, acting for the caller (kms:ViaService ec2.<key's Region>, kms:GrantIsForAWSResource for CreateGrant), carry out operation
 * ("Decrypt", "ReEncryptFrom", ...) with the key at sim_ms? Key policy, identity policies, grants that have arrived, key state. */
bool cs_kms_may_use(struct cs_sim *sim, int64_t sim_ms, const struct cs_caller *caller, const struct cs_key *key, const char *operation);
int64_t cs_kms_next_ms(const struct cs_sim *sim, int64_t sim_ms); /* the next grant to arrive or to go; in sim_ms */

/* The bundle of an instance-store image, by the image's location ("bucket/path/image.manifest.xml"). */
#define CS_LOCATION_SIZE 1200
enum cs_bundle {
  CS_BUNDLE_ABSENT,     /* the world has no such bucket */
  CS_BUNDLE_UNREADABLE, /* for EC2 itself: no manifest, or the bucket's access control lists are off */
  CS_BUNDLE_CLOSED,     /* to the caller */
  CS_BUNDLE_OPEN,
};
/* As of sim_ms. *ret_bytes (may be NULL) is set where it is open. */
enum cs_bundle cs_s3_bundle(const struct cs_sim *sim, int64_t sim_ms, const struct cs_caller *caller, const char *location,
                            int64_t *ret_bytes);
/* May the caller do what CopyImage does, in his name, with the bucket of the account's copies in the call's Region? */
int cs_s3_check_bundle_target(struct cs_call *call);
/* Copies it into that bucket, which is made where it isn't there; the copies appear at done_ms. */
void cs_s3_copy_bundle(struct cs_call *call, const char *from, const char *image_id, int64_t done_ms, char location[CS_LOCATION_SIZE]);

/* Verifies a presigned EC2 URL (signature, expiry at now_ms, session token) made for the given Region's endpoint and, when it is good,
 * fills ret_caller and ret_params (the query's, less the X-Amz- ones; the caller's to release with cs_params_done()).
 * -AF_EAWS with failure filled where it is not. */
int cs_auth_presigned(struct cs_sim *sim, int64_t now_ms, const char *url, const char *region, struct cs_caller *ret_caller,
                      struct cs_params *ret_params, struct cs_failure *failure);

#endif
