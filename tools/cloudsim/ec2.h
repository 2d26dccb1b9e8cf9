/* EC2's resources as cloudsim keeps them: shared by the ec2_*.c files, unknown to the front.
 *
 * Stale reads. Nothing is overwritten or removed: images, snapshots, tags and permissions carry the time from which and until
 * which they hold, and an image keeps what was set on it before, so that a read can be answered as of call->view_ms, which may lie
 * behind call->sim_ms. Whoever decides (quotas, unique names, tokens, keys, protection) asks as of sim_ms: AWS's reads are
 * eventually consistent, its writes are not.
 *
 * The life of an image and of a snapshot (pending until ready_ms, gone from gone_ms):
 *
 *   created_ms --pending--> ready_ms --available|completed, or failed|error--> gone_ms --still shown for a while--> no more
 */
#ifndef CLOUDSIM_EC2_H
#define CLOUDSIM_EC2_H

#include "tools/cloudsim/sim.h"

#define CS_EVER INT64_MIN  /* since: the world file gave it */
#define CS_NEVER INT64_MAX /* until: it still holds */
#define CS_ID_SIZE 32      /* "snap-0123456789abcdef0" and NUL, with room */

/* --- tags, permissions: lists that forget nothing ---------------------------------------------------------------------- */
struct cs_past_tag {
  char *key, *value;
  int64_t since, until;
};
struct cs_tags {
  struct cs_past_tag *items;
  size_t n;
};
void cs_tags_set(struct cs_tags *tags, int64_t now, const char *key, const char *value);
void cs_tags_remove(struct cs_tags *tags, int64_t now, const char *key, const char *value); /* value NULL: whatever it is */
const char *cs_tags_get(const struct cs_tags *tags, int64_t view, const char *key);
size_t cs_tags_count(const struct cs_tags *tags, int64_t view); /* without aws: */
void cs_tags_copy(struct cs_tags *to, int64_t now, const struct cs_tags *from); /* of now, without aws: */
void cs_tags_copy_shared(struct cs_tags *to, int64_t now, const struct cs_tags *from); /* ec2:SharedTag/ alone */
bool cs_tag_shared(const char *key); /* its owner lets every account see it that sees the image (rules.md 1.2) */
void cs_tags_done(struct cs_tags *tags);

enum cs_grantee { CS_TO_USER, CS_TO_GROUP, CS_TO_ORGANIZATION, CS_TO_UNIT };
struct cs_permission {
  enum cs_grantee kind;
  char *to; /* account id, "all", ARN */
  int64_t since, until;
};
struct cs_permissions {
  struct cs_permission *items;
  size_t n;
};
void cs_permit(struct cs_permissions *p, int64_t now, enum cs_grantee kind, const char *to);   /* twice is once */
void cs_withdraw(struct cs_permissions *p, int64_t now, enum cs_grantee kind, const char *to); /* what isn't there: nothing */
bool cs_permitted(const struct cs_permissions *p, int64_t view, enum cs_grantee kind, const char *to);
size_t cs_permissions_count(const struct cs_permissions *p, int64_t view);
/* Does any of them reach the account: by id, to all, through its organization or units? */
bool cs_permissions_reach(const struct cs_permissions *p, int64_t view, const struct cs_account *account);
bool cs_permissions_reach_closed(const struct cs_permissions *p, int64_t view, const struct cs_account *account); /* but not by `all` */
bool cs_permissions_public(const struct cs_permissions *p, int64_t view);
void cs_permissions_done(struct cs_permissions *p);
extern const char *const cs_grantee_elements[]; /* userId, group, organizationArn, organizationalUnitArn */

struct cs_product_code {
  char *code, *type; /* type: marketplace, devpay */
};

/* --- snapshots ---------------------------------------------------------------------------------------------------------- */
/* What a snapshot copy that is under way still has to find out. */
struct cs_copying {
  struct cs_caller caller;
  const struct cs_snapshot *source;
  const struct cs_key *source_key, *target_key; /* NULL: not encrypted, or (target) not to be found */
  bool doomed;                                  /* the presigned URL, or the key's name, is bad: fails at check_ms */
  char why[160];
  bool checked;
  int64_t check_ms;
  bool by_copy_snapshot;                        /* counts against the 20 */
};

struct cs_snapshot {
  char id[CS_ID_SIZE];
  const struct cs_region *region;
  struct cs_account *owner;
  char *description, *status_message, *storage_tier, *transfer_type;
  char volume_id[CS_ID_SIZE];
  int64_t volume_size_gib, full_size; /* bytes */
  bool encrypted;
  char kms_key[160];      /* ARN */
  char data_key_id[64];   /* equal for snapshots of one lineage under one key */
  char lineage[CS_ID_SIZE];
  char source[CS_ID_SIZE]; /* what it is a copy of; no call shows it */
  struct cs_product_code *codes;
  size_t n_codes;
  char *platform_details, *usage_operation; /* billing metadata that RegisterImage may read */
  struct cs_permissions permissions;
  struct cs_tags tags;
  char completion_minutes[8]; /* of a time-based copy, else "" */
  int64_t created_ms, start_ms, ready_ms, gone_ms;
  bool from_world, failed, locked;
  char creator[512]; /* ARN of who made it */
  struct cs_image *image;     /* whose copy it is part of; NULL */
  struct cs_copying *copying; /* NULL unless it is under way */
};

/* --- images --------------------------------------------------------------------------------------------------------------- */
/* Attributes that are plain text; the table cs_image_attributes[] says how each is called where. NULL: the image has none. */
enum cs_attribute {
  CS_NAME, CS_DESCRIPTION, CS_ARCHITECTURE, CS_TYPE, CS_KERNEL, CS_RAMDISK, CS_PLATFORM, CS_PLATFORM_DETAILS,
  CS_USAGE_OPERATION, CS_LOCATION, CS_ROOT_TYPE, CS_ROOT_NAME, CS_VIRTUALIZATION, CS_HYPERVISOR, CS_SRIOV, CS_ENA, CS_BOOT_MODE,
  CS_TPM, CS_IMDS, CS_UEFI_DATA, CS_CREATION_DATE, CS_DEPRECATION, CS_PROTECTION, CS_LAST_LAUNCHED, CS_SOURCE_IMAGE,
  CS_SOURCE_REGION, CS_SOURCE_INSTANCE, CS_ALIAS, CS_FREE_TIER, CS_SSM_NAME,
  CS_ATTRIBUTE_MAX_,
};
struct cs_image_attribute {
  const char *world;    /* key in the world file */
  const char *element;  /* of DescribeImages; NULL: not shown there */
  const char *filter;   /* of DescribeImages; NULL: none */
  const char *param;    /* of RegisterImage; NULL: none */
  const char *describe; /* name and element of DescribeImageAttribute; NULL: none */
  bool copied;          /* by CopyImage (rules.md 1.2) */
};
extern const struct cs_image_attribute cs_image_attributes[CS_ATTRIBUTE_MAX_];

struct cs_mapping {
  char *device, *virtual_name;
  bool no_device, ebs;
  char *snapshot_id, *volume_type;
  int64_t volume_size, iops, throughput; /* -1: none */
  bool delete_on_termination, encrypted;
};

/* Who made it what it is (rules.md 1.2): goes along with copies. */
struct cs_watermark {
  char *key, *source_image, *source_region, *created, *source_created; /* times as ISO 8601 */
};

enum cs_image_fate { CS_IMAGE_AVAILABLE, CS_IMAGE_FAILED, CS_IMAGE_DISABLED, CS_IMAGE_INVALID };
/* What an image was until then, oldest first; what it is now stands in the image itself. */
struct cs_past_text {
  enum cs_attribute which;
  char *value; /* NULL: none */
  int64_t until;
};
struct cs_past_fate {
  enum cs_image_fate fate;
  int64_t until;
};
struct cs_image {
  char id[CS_ID_SIZE];
  const struct cs_region *region;
  struct cs_account *owner;
  char *text[CS_ATTRIBUTE_MAX_]; /* now; while it is being made it may be written directly, later by cs_image_set() alone */
  struct cs_past_text *past_texts;
  size_t n_past_texts;
  struct cs_mapping *mappings;
  size_t n_mappings;
  struct cs_product_code *codes;
  size_t n_codes;
  struct cs_watermark *watermarks;
  size_t n_watermarks;
  int64_t protected_until; /* deregistration protection with cooldown, after it was disabled */
  bool billing;          /* it carries BillingProduct codes, which no call shows (rules.md 4) */
  char **billing_products;
  size_t n_billing_products;
  struct cs_permissions permissions;
  struct cs_permissions bundle_readers; /* instance store: who may read the bundle in S3 */
  struct cs_tags tags;
  enum cs_image_fate fate; /* now, but from ready_ms on; changed by cs_image_set_fate() */
  struct cs_past_fate *past_fates;
  size_t n_past_fates;
  char *reason_code, *reason;
  int64_t created_ms, ready_ms, gone_ms;
  bool from_world;
  char creator[512];
  bool copy;             /* made by CopyImage */
  bool assembled;        /* of snapshots that are being made with it: by CopyImage, CreateImage */
  size_t waits_for;      /* snapshots that are not completed */
  struct cs_bundle_copy *bundle_copy; /* of an instance-store image that was copied here; NULL */
};
struct cs_bundle_copy { /* what its end has to look at */
  struct cs_caller caller;
  const struct cs_image *from;
  int64_t done_ms; /* when the last byte was read */
};

/* --- the tables ------------------------------------------------------------------------------------------------------------ */
struct cs_ec2;
struct cs_things; /* networks, instances, volumes: ec2_compute.h */
struct cs_index { /* id -> position, open addressing */
  size_t *slots; /* position + 1; 0: free */
  size_t size;
};
typedef const char *cs_id_at(const struct cs_ec2 *ec2, size_t i);
struct cs_token { /* a ClientToken that was used */
  char key[256];         /* account, Region, API, token */
  char *fingerprint;     /* of the parameters */
  char result[CS_ID_SIZE];
  int64_t used_ms;
};
struct cs_bucket {
  char key[160];
  double tokens;
  int64_t filled_ms;
};
struct cs_usage { /* of one account and Region */
  const struct cs_account *account;
  const struct cs_region *region;
  int images, snapshots; /* that live */
  int snapshot_copies, image_copies, pending_snapshots; /* now */
  int peak_snapshot_copies, peak_image_copies;
  int64_t started_snapshot_copies, started_image_copies;
};
struct cs_hazard { /* what AWS would have let pass, but a careful client does not do */
  int64_t at_ms;
  char text[256];
};

struct cs_ec2 {
  struct cs_image **images;
  size_t n_images;
  struct cs_snapshot **snapshots;
  size_t n_snapshots;
  struct cs_index image_index, snapshot_index, token_index;
  struct cs_things *things;
  struct cs_token *tokens;
  size_t n_tokens;
  struct cs_bucket *buckets;
  size_t n_buckets;
  struct cs_usage *usage;
  size_t n_usage;
  struct cs_hazard *hazards;
  size_t n_hazards;
  /* What is pending, so that time passes at the cost of what is under way, not of the world's size. */
  struct cs_image **pending_images;
  size_t n_pending_images;
  struct cs_snapshot **pending_snapshots;
  size_t n_pending_snapshots;
  int64_t next_ms; /* no event is due before; CS_EVER: look */
};

/* ec2_store.c */
void cs_ec2_free(struct cs_ec2 *ec2); /* takes NULL */
struct cs_image *cs_image_new(struct cs_sim *sim, struct cs_account *owner, const struct cs_region *region, const char *id);
struct cs_snapshot *cs_snapshot_new(struct cs_sim *sim, struct cs_account *owner, const struct cs_region *region, const char *id);
void cs_new_id(struct cs_sim *sim, const char *prefix, char id[CS_ID_SIZE]); /* "ami-" and 17 digits */
/* The n-th id, which must not be there yet; those before it are asked of id_at(). */
void cs_index_add(struct cs_index *index, const char *id, size_t n, cs_id_at *id_at, const struct cs_ec2 *ec2);
/* SIZE_MAX where it isn't there. */
size_t cs_index_find(const struct cs_index *index, const char *id, cs_id_at *id_at, const struct cs_ec2 *ec2);
struct cs_image *cs_image_by_id(const struct cs_sim *sim, const char *id); /* whatever became of it */
struct cs_snapshot *cs_snapshot_by_id(const struct cs_sim *sim, const char *id);
/* It is gone from now on; what it still had to do is dropped. */
void cs_image_end(struct cs_sim *sim, struct cs_image *image, int64_t at);
void cs_snapshot_end(struct cs_sim *sim, struct cs_snapshot *s, int64_t at);
struct cs_token *cs_token_find(const struct cs_ec2 *ec2, const char *key); /* NULL */
struct cs_token *cs_token_put(struct cs_ec2 *ec2, const char *key);        /* the one that is there, or an empty one */
void cs_image_free(struct cs_image *image);
void cs_mapping_copy(struct cs_mapping *to, const struct cs_mapping *from);
void cs_mapping_done(struct cs_mapping *m);
void cs_watermarks_copy(struct cs_image *to, const struct cs_image *from);
void cs_codes_copy(struct cs_product_code **to, size_t *n, const struct cs_product_code *from, size_t n_from);
const struct cs_mapping *cs_root_mapping(const struct cs_image *image); /* NULL */
struct cs_usage *cs_usage_of(struct cs_sim *sim, const struct cs_account *account, const struct cs_region *region);
void cs_hazard(struct cs_sim *sim, int64_t at_ms, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ec2_history.c: what can be changed on an image that is there */
void cs_image_set(struct cs_image *image, int64_t now, enum cs_attribute which, const char *value); /* NULL: it has none from now on */
void cs_image_set_fate(struct cs_image *image, int64_t now, enum cs_image_fate fate);
const char *cs_image_text(const struct cs_image *image, int64_t view, enum cs_attribute which); /* NULL: none */
enum cs_image_fate cs_image_fate(const struct cs_image *image, int64_t view);

/* ec2_view.c: what a caller sees, as of a time */
enum cs_seen {
  CS_UNSEEN, /* does not exist for this caller: NotFound */
  CS_GONE,   /* was, and the id still answers: an empty result */
  CS_SEEN,
};
enum cs_seen cs_image_seen(const struct cs_call *call, const struct cs_region *region, const struct cs_image *image);
enum cs_seen cs_snapshot_seen(const struct cs_call *call, const struct cs_region *region, const struct cs_snapshot *s); /* not: may open */
bool cs_snapshot_open(const struct cs_sim *sim, const struct cs_snapshot *s, int64_t view, const struct cs_account *account); /* owner, or permitted */
bool cs_snapshot_public(const struct cs_sim *sim, const struct cs_snapshot *s, int64_t view); /* and not blocked */
const char *cs_image_state(const struct cs_image *image, int64_t view);
const char *cs_snapshot_state(const struct cs_snapshot *s, int64_t view);
int cs_snapshot_progress(const struct cs_snapshot *s, int64_t view);
bool cs_image_lives(const struct cs_image *image, int64_t at); /* not deregistered */
bool cs_image_usable(const struct cs_call *call, const struct cs_image *image); /* available, as the caller sees it and in truth */
bool cs_snapshot_lives(const struct cs_snapshot *s, int64_t at);
bool cs_image_allowed(const struct cs_call *call, const struct cs_image *image); /* by Allowed AMIs in the image's Region */
struct cs_account *cs_caller_account(const struct cs_call *call);
struct cs_settings *cs_caller_settings(const struct cs_call *call); /* in the call's Region */
/* The image, or the snapshot, that a parameter names, for a call that changes it: its owner's, or NULL with the failure filled. */
struct cs_image *cs_own_image(struct cs_call *call, const char *id);
struct cs_snapshot *cs_own_snapshot(struct cs_call *call, const char *id);
/* rules.md 2.2: of an archived snapshot nothing can be made; what for: "copied". */
int cs_check_tier(struct cs_call *call, const struct cs_snapshot *s, const char *what_for);
int cs_check_tiers(struct cs_call *call, const struct cs_image *image, const char *what_for);
int cs_check_id(struct cs_call *call, const char *id, const char *prefix, const char *code); /* well formed? */
int cs_check_image_id(struct cs_call *call, const char *id);
int cs_check_snapshot_id(struct cs_call *call, const char *id);
void cs_arn(char *arn, size_t size, const struct cs_region *region, const char *type, const char *id);
/* In the caller's account and Region; images and snapshots have no account in their ARN. */
void cs_call_arn(const struct cs_call *call, const char *type, const char *id, char *arn, size_t size);
bool cs_snapshot_users(const struct cs_sim *sim, const struct cs_snapshot *s, int64_t at, const struct cs_image *but,
                       const struct cs_image **ret); /* is it in a live image other than `but`? */

/* ec2_filter.c */
struct cs_match;
struct cs_filter {
  const char *name;
  /* Gives each value the resource has under that name to test(); several for lists, none where it has none. */
  void (*values)(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m);
  int detail; /* for values() */
};
void cs_match_value(struct cs_match *m, const char *value); /* NULL is no value */
void cs_match_int(struct cs_match *m, int64_t value);
void cs_match_bool(struct cs_match *m, bool value);
struct cs_asked { /* one Filter.N of a call */
  const struct cs_filter *filter;
  const char *key;     /* what follows "tag:" */
  const char **values; /* borrowed from the call's parameters */
  size_t n;
};
struct cs_filters {
  struct cs_asked *items;
  size_t n;
};
/* The table ends with {NULL}; "tag:" in it stands for every tag:KEY. */
int cs_filters_read(struct cs_call *call, const struct cs_filter *table, struct cs_filters *ret);
bool cs_filters_pass(const struct cs_call *call, const struct cs_filters *filters, const void *resource);
void cs_filters_done(struct cs_filters *filters);
const char *cs_match_key(const struct cs_match *m); /* what follows "tag:" */
void cs_match_tags(struct cs_match *m, const struct cs_tags *tags, int64_t view);
void cs_match_tag_keys(struct cs_match *m, const struct cs_tags *tags, int64_t view);

/* ec2_describe_images.c */
void cs_xml_codes(struct af_buf *out, const struct cs_product_code *codes, size_t n);
bool cs_owner_asked(struct cs_call *call, size_t n, const struct cs_account *owner); /* Owner.N: account ids, aliases, self */

/* ec2_attributes.c */
int cs_may_touch(struct cs_call *call, const char *type, const char *id); /* permission of a call that is about one image or snapshot */
/* What such a call of the owner's is about: its id, permission, whether it is there, DryRun. NULL with the failure filled. */
struct cs_image *cs_touch_image(struct cs_call *call, const char *id);
struct cs_snapshot *cs_touch_snapshot(struct cs_call *call, const char *id);

/* ec2_kernels.c */
int cs_kernels_check(struct cs_call *call); /* does the Region have what the call names? */
int cs_kernels_check_copy(struct cs_call *call, const struct cs_image *from); /* or what stands for the image's? */
void cs_kernels_copy(const struct cs_sim *sim, struct cs_image *to, const struct cs_image *from);
int cs_world_load_kernels(struct cs_reader *r, const struct af_node *root);
void cs_kernels_free(struct cs_sim *sim);

/* ec2_page.c */
struct cs_page {
  size_t start; /* position to begin with */
  size_t left;  /* how many may still be written */
  bool paged;   /* MaxResults was given */
};
int cs_page_begin(struct cs_call *call, const char *ids_prefix, int64_t min, struct cs_page *page);
void cs_page_end(struct cs_call *call, struct af_buf *out, size_t next); /* writes nextToken; next is where to go on */

/* ec2_params.c */
int64_t cs_param_int(struct cs_call *call, const char *name, int64_t absent); /* checked by the action's table */
int cs_param_bool(struct cs_call *call, const char *name, int absent);
size_t cs_param_list(struct cs_call *call, const char *name); /* how many name.1, name.2, ... there are */
int cs_params_check(struct cs_call *call, const char *spec);
int cs_one_of(struct cs_call *call, const char *name, const char *const *allowed);

/* ec2_tags.c */
/* <tagSet>; nothing where there is none. Of another's image only what its owner shares. */
void cs_xml_tags(struct af_buf *out, const struct cs_tags *tags, int64_t view, bool own);
int cs_tags_lawful(struct cs_call *call, const char *prefix); /* prefix.N.Key, prefix.N.Value */
int cs_tags_room(struct cs_call *call, const struct cs_tags *tags, size_t more, const char *id); /* for `more` of them yet? */
/* TagSpecification.N: are they lawful, for these resource types (ends with NULL)? May the caller tag? */
int cs_tag_specs_check(struct cs_call *call, const char *const *types);
void cs_tag_specs_apply(struct cs_call *call, const char *type, struct cs_tags *tags);

/* Permissions and DryRun, in EC2's order: a caller who may, and only asks, is told so. */
int cs_dry_run(struct cs_call *call);
int cs_may_describe(struct cs_call *call); /* of calls that are about no resource: permission and DryRun */

/* ec2_token.c: ClientToken */
/* 1: the token was used in this call's API and scope, with *ret_id; 0: it is new; or the failure is filled. scope "": the Region. */
int cs_token_replay(struct cs_call *call, const char *token, const char *scope, const char **ret_id);
void cs_token_keep(const struct cs_call *call, const char *token, const char *scope, const char *result);

/* ec2_copy.c: shared with the calls that make images and volumes */
const struct cs_key *cs_default_key(struct cs_call *call); /* of the account's encryption; NULL where it isn't there */
/* The first Marketplace code of the image or its snapshots, that the account is not subscribed to; account NULL: at all. NULL: none. */
const char *cs_marketplace_code(const struct cs_sim *sim, const struct cs_image *image, const struct cs_account *account);
void cs_image_inherit(struct cs_image *to, const struct cs_image *from); /* what copies, and images of instances, have of theirs */
/* What every new image made of another has: name, description and location from the call, ancestry, and what it inherits. */
void cs_image_derive(struct cs_call *call, struct cs_image *to, const struct cs_image *from);
int cs_check_description(struct cs_call *call);
int cs_check_name(struct cs_call *call, const char *name);
int cs_check_unique_name(struct cs_call *call, const char *name);
int cs_check_image_quota(struct cs_call *call, bool copy);
int cs_check_snapshot_quota(struct cs_call *call, int copies, int new_snapshots);

/* ec2_register.c: a volume's type, iops and throughput, and its size once that is known, by what the type has. */
int cs_check_performance(struct cs_call *call, const struct cs_mapping *m);
int cs_check_volume_size(struct cs_call *call, const struct cs_mapping *m);

/* ec2_bundle.c */
bool cs_bundled(const struct cs_image *image); /* its root is an instance store */
bool cs_bundle_open(const struct cs_sim *sim, int64_t at, const struct cs_caller *caller, const struct cs_image *image);
void cs_bundle_copy_begin(struct cs_call *call, struct cs_image *to, const struct cs_image *from); /* sets to->ready_ms */
bool cs_bundle_copy_good(struct cs_sim *sim, const struct cs_image *image); /* of any image, when it is to become available */

/* ec2_lifecycle.c */
struct cs_copy_order {
  const struct cs_key *target_key; /* NULL: as bad or none */
  bool encrypted;
  int64_t minutes; /* time-based; 0: no */
  bool by_copy_snapshot;
};
void cs_copy_begin(struct cs_call *call, struct cs_snapshot *to, const struct cs_snapshot *from, const struct cs_copy_order *order,
                   const char *doom);
/* May EBS do with the key what it needs of a source's, or of a target's, on behalf of the caller? */
bool cs_key_usable(struct cs_sim *sim, int64_t at, const struct cs_caller *caller, const struct cs_key *key, bool source);
void cs_snapshot_begin(struct cs_call *call, struct cs_snapshot *s); /* of a volume: it asks for no key, its volume has it */
void cs_set_data_key(struct cs_snapshot *s); /* of its lineage and its key */
void cs_image_wait(struct cs_sim *sim, struct cs_image *image);  /* it is pending from now on */
void cs_copy_cancel(struct cs_sim *sim, struct cs_snapshot *s, int64_t at);
void cs_image_cancel(struct cs_sim *sim, struct cs_image *image, int64_t at);

/* The actions: ec2_describe_*.c, ec2_attributes.c, ec2_copy.c, ec2_register.c, ec2_standing.c, ec2_tags.c, ec2_settings.c. Each
 * writes what stands inside the reply's root element. */
typedef int cs_run(struct cs_call *call, struct af_buf *out);
cs_run cs_describe_images, cs_describe_snapshots, cs_describe_image_attribute, cs_describe_snapshot_attribute,
    cs_modify_image_attribute, cs_modify_snapshot_attribute, cs_reset_image_attribute, cs_reset_snapshot_attribute, cs_copy_image,
    cs_copy_snapshot, cs_register_image, cs_deregister_image, cs_delete_snapshot, cs_create_tags, cs_delete_tags,
    cs_describe_tags, cs_describe_regions, cs_describe_zones, cs_get_encryption_by_default, cs_get_default_key,
    cs_get_allowed_images, cs_get_snapshot_block, cs_get_image_block, cs_disable_image, cs_enable_image, cs_enable_deprecation,
    cs_disable_deprecation, cs_enable_protection, cs_disable_protection, cs_cancel_launch_permission;

/* world_ec2.c */
int cs_load_tags(struct cs_reader *r, const struct af_node *n, struct cs_tags *tags);
int cs_read_id(struct cs_reader *r, const struct af_node *n, const char *prefix, char id[CS_ID_SIZE]); /* well formed, and not there yet */
int cs_world_load_snapshots(struct cs_reader *r, struct cs_account *account, struct cs_settings *settings, const struct af_node *region);
int cs_world_load_images(struct cs_reader *r, struct cs_account *account, struct cs_settings *settings, const struct af_node *region);

#endif
