/* Networks, instances and volumes as cloudsim keeps them: what ec2.h is for images and snapshots. Everything here is a thing: it has an
 * id, an owner, a Region, tags, and a time from which and until which it is there; the tables of things are ec2_things.c's.
 *
 * The life of an instance is a list of phases, those to come included, so that a read which lags behind sees what it would have seen:
 *
 *   pending -> running -> stopping -> stopped -> pending ...
 *   any of them -> shutting-down -> terminated -> still shown for a while -> no more
 *
 * Waiting: a pending instance waits for the verdict on its keys, once for each launch or start (rules.md 4). */
#ifndef CLOUDSIM_EC2_COMPUTE_H
#define CLOUDSIM_EC2_COMPUTE_H

#include "tools/cloudsim/ec2.h"

enum cs_thing_kind { CS_VPC, CS_SUBNET, CS_GROUP, CS_INTERFACE, CS_INSTANCE, CS_VOLUME, CS_THING_MAX_ };

struct cs_thing {
  enum cs_thing_kind kind;
  char id[CS_ID_SIZE];
  struct cs_account *owner;
  const struct cs_region *region;
  struct cs_tags tags;
  int64_t created_ms, gone_ms; /* CS_EVER: the world's; CS_NEVER: it is there */
  char creator[512];           /* ARN of who made it; "" for the world's */
};

struct cs_things {
  struct cs_thing **items; /* all, in the order of their making */
  size_t n;
  struct cs_index by_id;
  struct cs_thing **of_kind[CS_THING_MAX_];
  size_t n_of_kind[CS_THING_MAX_];
  struct cs_instance **moving; /* instances that have something to come */
  size_t n_moving;
};

/* --- networks --- */
enum { CS_ZONES = 3, CS_CIDR_SIZE = 20, CS_ZONE_SIZE = 48 }; /* three zones in every Region */

struct cs_vpc {
  struct cs_thing thing;
  char cidr[CS_CIDR_SIZE];
  bool is_default;
};
struct cs_subnet {
  struct cs_thing thing;
  struct cs_vpc *vpc;
  int zone; /* 0 is the Region's zone a */
  char cidr[CS_CIDR_SIZE];
  bool is_default, map_public_ip;
  uint32_t handed_out; /* addresses */
};

struct cs_rule {
  char id[CS_ID_SIZE];
  bool egress;
  char protocol[8];      /* "-1", "tcp" */
  int64_t from, to;      /* ports; -1: none */
  const char *kind;      /* of the peer: a name in rule_kinds[] of ec2_groups.c */
  char peer[48];         /* CIDR, or id of a group */
  int64_t since, until;
};
struct cs_group {
  struct cs_thing thing;
  struct cs_vpc *vpc;
  char *name, *description;
  struct cs_rule *rules;
  size_t n_rules;
};

/* Made with its instance, and gone with it. */
struct cs_interface {
  struct cs_thing thing;
  struct cs_subnet *subnet;
  struct cs_group **groups;
  size_t n_groups;
  char private_ip[16], public_ip[16]; /* "": none */
};

/* --- instance types --- */
struct cs_instance_type {
  const char *name;
  unsigned vcpus, mib;
  const char *cpu;    /* manufacturer */
  unsigned flags;     /* enum cs_type_flag */
};
enum cs_type_flag {
  CS_T_I386 = 1 << 0, CS_T_X86_64 = 1 << 1, CS_T_ARM64 = 1 << 2, CS_T_X86_64_MAC = 1 << 3, CS_T_ARM64_MAC = 1 << 4, /* architectures */
  CS_T_HVM = 1 << 5, CS_T_PV = 1 << 6,                                                   /* virtualization */
  CS_T_EBS = 1 << 7, CS_T_INSTANCE_STORE = 1 << 8,                                       /* root devices */
  CS_T_LEGACY_BIOS = 1 << 9, CS_T_UEFI = 1 << 10,                                        /* boot modes */
  CS_T_NITRO = 1 << 11, CS_T_TPM = 1 << 12, CS_T_METAL = 1 << 13, CS_T_BURSTABLE = 1 << 14, CS_T_CURRENT = 1 << 15,
  CS_T_FREE_TIER = 1 << 16,
  CS_T_ENA_SUPPORTED = 1 << 17, CS_T_ENA_REQUIRED = 1 << 18, CS_T_DISKS = 1 << 19,         /* it has disks of its own */
};
const struct cs_instance_type *cs_instance_type_find(const char *name); /* NULL where there is none */
void cs_type_architectures(const struct cs_instance_type *type, char *out, size_t size); /* "i386,x86_64" */
bool cs_type_has_architecture(const struct cs_instance_type *type, const char *architecture);
/* zone -1: anywhere in the Region */
bool cs_type_offered(const struct cs_settings *settings, const struct cs_instance_type *type, int zone);

/* --- volumes and instances --- */
struct cs_volume {
  struct cs_thing thing;
  int zone;
  char *type;
  int64_t size_gib, iops, throughput; /* -1: none */
  bool encrypted;
  char kms_key[160];                  /* ARN; "" where the key that was asked for is not to be found */
  const struct cs_snapshot *source;   /* NULL: it was empty */
  const struct cs_key *source_key, *target_key; /* NULL: not encrypted, or (target) not to be found */
  const struct cs_instance *instance; /* that it was made for */
  char *device;
  bool delete_on_termination;
  int64_t detached_ms;
};

/* What an instance has at a device name: a volume, or (NULL) a disk of its own. */
struct cs_device {
  struct cs_mapping mapping;
  struct cs_volume *volume;
};

enum cs_instance_state { CS_PENDING, CS_RUNNING, CS_SHUTTING_DOWN, CS_TERMINATED, CS_STOPPING, CS_STOPPED, CS_INSTANCE_STATE_MAX_ };
struct cs_phase { /* from `at` on */
  int64_t at;
  enum cs_instance_state state;
  const char *code, *message; /* stateReason; NULL: none. Borrowed from the program's text. */
};

struct cs_instance {
  struct cs_thing thing;
  char reservation[CS_ID_SIZE], attachment[CS_ID_SIZE];
  struct cs_image *origin; /* its image as it was when the instance was launched; owned */
  const struct cs_instance_type *type;
  const char *boot_mode;   /* that it runs in */
  struct cs_interface *interface;
  struct cs_device *devices;
  size_t n_devices;
  struct cs_phase *phases; /* in order, those to come at the end */
  size_t n_phases;
  char *token, *key_name;
  bool protected, stop_protected, tokens_required, metadata;
  int64_t hops;
  int64_t launch_ms;        /* of the last launch or start */
  struct cs_caller caller;  /* for whom EBS asks for the keys */
  int64_t check_ms;         /* until the verdict on them; CS_NEVER: it is given */
  int64_t settled_ms;       /* what came before has happened */
};

/* ec2_instances.c */
extern const char *const cs_instance_states[CS_INSTANCE_STATE_MAX_];
int cs_instance_state_code(enum cs_instance_state state);
const struct cs_phase *cs_instance_phase(const struct cs_instance *i, int64_t view);
enum cs_instance_state cs_instance_state(const struct cs_instance *i, int64_t view);
void cs_instance_launch(struct cs_call *call, struct cs_instance *i); /* pending from now on, and what follows */
int64_t cs_instances_next(const struct cs_sim *sim, struct cs_instance **ret); /* when, and whose, the next event is; CS_NEVER and NULL */
void cs_instance_event(struct cs_sim *sim, struct cs_instance *i, int64_t at);

/* ec2_capacity.c: is there room for one more, in the account's quota and in the zone? */
bool cs_has_capacity(const struct cs_settings *settings, const struct cs_instance_type *type, int zone);
int cs_check_capacity(struct cs_call *call, const struct cs_instance_type *type, int zone);

/* ec2_launch_fit.c: may this image be launched by this caller, on this type? */
const struct cs_image *cs_launch_image(struct cs_call *call); /* NULL with the failure filled */
int cs_launch_fit(struct cs_call *call, const struct cs_image *image, const struct cs_instance_type *type);
const char *cs_launch_boot_mode(const struct cs_image *image, const struct cs_instance_type *type);

/* ec2_launch_devices.c: what the image maps, and what the call changes of it */
struct cs_order { /* of one device */
  struct cs_mapping mapping;
  const char *key;  /* KmsKeyId; NULL */
  int encrypted;    /* as asked: false, true; -1: not a word */
};
struct cs_orders {
  struct cs_order *items;
  size_t n;
};
int cs_orders_read(struct cs_call *call, const struct cs_image *image, struct cs_orders *orders);
void cs_orders_done(struct cs_orders *orders);
void cs_devices_make(struct cs_call *call, struct cs_instance *i, const struct cs_orders *orders, int zone);

/* ec2_describe_instances.c */
void cs_write_reservation(struct af_buf *out, const struct cs_instance *i, int64_t view); /* what stands in it */

/* ec2_audit.c, ec2_audit_compute.c */
json_t *cs_tags_json(const struct cs_tags *tags, int64_t now);
void cs_audit_things(const struct cs_sim *sim, int64_t now, json_t *audit); /* adds its members */

/* ec2_volumes.c */
const char *cs_volume_state(const struct cs_volume *volume, int64_t view);

/* --- ec2_things.c --- */
/* What a kind of thing is called: in ids, ARNs and errors. */
struct cs_kind {
  const char *prefix, *type, *noun, *malformed, *not_found;
  void (*done)(struct cs_thing *thing); /* what it owns besides its tags; may be NULL */
};
extern const struct cs_kind cs_kinds[CS_THING_MAX_];
/* size is that of the whole structure; id NULL: a new one is drawn. It is there from the beginning, and for ever. */
void *cs_thing_new(struct cs_sim *sim, enum cs_thing_kind kind, size_t size, struct cs_account *owner, const struct cs_region *region,
                   const char *id);
void cs_thing_made(const struct cs_call *call, struct cs_thing *thing); /* by this call, now, with the tags that it gives */
struct cs_thing *cs_thing_by_id(const struct cs_sim *sim, const char *id); /* whatever became of it */
bool cs_thing_lives(const struct cs_thing *thing, int64_t at);
bool cs_thing_shown(const struct cs_call *call, const struct cs_thing *thing); /* to this caller, in this Region, as of the view */
/* The caller's thing of that kind that is there as of now and that he sees; NULL with the failure filled. */
void *cs_own_thing(struct cs_call *call, enum cs_thing_kind kind, const char *id);
int cs_may(struct cs_call *call, const char *action, const char *type, const char *id); /* permission alone */
void cs_things_free(struct cs_things *things); /* takes NULL */

/* Describe calls: what they have in common, and where they differ. */
struct cs_listing {
  const char *set, *ids;               /* element of the list; parameter of ids, or NULL */
  enum cs_thing_kind kind;
  const struct cs_filter *filters;
  void (*write)(const struct cs_call *call, struct af_buf *out, const void *thing);
  bool (*wanted)(struct cs_call *call, const void *thing); /* NULL: all that are shown */
};
int cs_list_things(struct cs_call *call, struct af_buf *out, const struct cs_listing *l);
void cs_match_thing_tag(const struct cs_call *call, const void *thing, const struct cs_filter *f, struct cs_match *m);

/* --- ec2_networks.c, ec2_groups.c --- */
void cs_zone_name(const struct cs_region *region, int zone, char name[CS_ZONE_SIZE]);
void cs_zone_id(const struct cs_region *region, int zone, char id[CS_ZONE_SIZE]);
int cs_zone_find(const struct cs_region *region, const char *name); /* by its name; -1 where there is none */
void cs_default_network(struct cs_sim *sim, struct cs_account *account, const struct cs_region *region); /* as AWS gives it */
struct cs_vpc *cs_default_vpc(const struct cs_call *call); /* NULL */
struct cs_group *cs_default_group(const struct cs_sim *sim, const struct cs_vpc *vpc);
struct cs_group *cs_default_group_new(struct cs_sim *sim, struct cs_vpc *vpc);
void cs_group_rule_add(struct cs_sim *sim, struct cs_group *group, int64_t since, const struct cs_rule *rule, const char *peer);
bool cs_group_in_use(const struct cs_sim *sim, const struct cs_group *group, int64_t at); /* by an instance that isn't terminated */

cs_run cs_create_image, cs_run_instances, cs_describe_instances, cs_describe_instance_status, cs_start_instances, cs_stop_instances,
    cs_terminate_instances, cs_describe_volumes, cs_delete_volume;
cs_run cs_describe_vpcs, cs_describe_subnets, cs_describe_groups, cs_create_group, cs_delete_group, cs_authorize_group,
    cs_revoke_group, cs_describe_instance_types, cs_describe_type_offerings;

/* --- world_compute.c --- */
int cs_world_load_compute(struct cs_reader *r, struct cs_account *account, struct cs_settings *settings, const struct af_node *region);
/* Of the Regions of which the world says nothing: the networks that AWS gives. */
void cs_world_complete_networks(struct cs_sim *sim);

#endif
