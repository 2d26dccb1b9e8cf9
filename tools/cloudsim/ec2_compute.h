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
  CS_T_NITRO = 1 << 11, CS_T_TPM = 1 << 12, CS_T_METAL = 1 << 13, CS_T_BURSTABLE = 1 << 14, CS_T_CURRENT = 1 << 15, CS_T_FREE_TIER = 1 << 16,
  CS_T_ENA_SUPPORTED = 1 << 17, CS_T_ENA_REQUIRED = 1 << 18, CS_T_DISKS = 1 << 19,         /* it has disks of its own */
};
const struct cs_instance_type *cs_instance_type_find(const char *name); /* NULL where there is none */
void cs_type_architectures(const struct cs_instance_type *type, char *out, size_t size); /* "i386,x86_64" */
bool cs_type_has_architecture(const struct cs_instance_type *type, const char *architecture);
bool cs_type_offered(const struct cs_settings *settings, const struct cs_instance_type *type, int zone); /* zone -1: anywhere in the Region */

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

cs_run cs_describe_vpcs, cs_describe_subnets, cs_describe_groups, cs_create_group, cs_delete_group, cs_authorize_group,
    cs_revoke_group, cs_describe_instance_types, cs_describe_type_offerings;

/* --- world_compute.c --- */
int cs_world_load_compute(struct cs_reader *r, struct cs_account *account, struct cs_settings *settings, const struct af_node *region);
/* Of the Regions of which the world says nothing: the networks that AWS gives. */
void cs_world_complete_networks(struct cs_sim *sim);

#endif
