/* Reads a world file: speed, Regions, latencies, quotas, choices where AWS is uncertain, accounts and their settings. Principals and
 * keys are the front's to read, images and snapshots world_ec2.c's. docs/cloudsim.md describes the file. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2_compute.h"

static const char *const root_keys[] = {"version", "speed", "seed", "regions", "kernels", "latencies", "quotas", "uncertain", "audit",
                                        "accounts", CS_FRONT_ROOT_KEYS, NULL};
static const char *const account_keys[] = {"id", "name", "alias", "organization", "units", "subscriptions", "regions",
                                           CS_FRONT_ACCOUNT_KEYS, NULL};
static const char *const region_keys[] = {"enabled", "ebs_encryption_by_default", "ebs_default_key", "allowed_images",
                                          "snapshot_block_public_access", "image_block_public_access", "images", "snapshots", "vpcs",
                                          "instance_types", "key_pairs", CS_FRONT_REGION_KEYS, NULL};

/* --- Regions --- */

static const struct {
  const char *prefix, *partition, *dns_suffix;
} partitions[] = {
    /* rules.md 7; the longer prefix first */
    {"cn-", "aws-cn", "amazonaws.com.cn"},       {"us-gov-", "aws-us-gov", "amazonaws.com"},
    {"eusc-", "aws-eusc", "amazonaws.eu"},       {"us-isob-", "aws-iso-b", "sc2s.sgov.gov"},
    {"us-isof-", "aws-iso-f", "csp.hci.ic.gov"}, {"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"},
    {"us-iso-", "aws-iso", "c2s.ic.gov"},        {"", "aws", "amazonaws.com"},
};

static int add_region(struct cs_reader *r, const struct af_node *n, struct af_str name, bool opt_in) {
  struct cs_sim *sim = r->sim;
  struct cs_region region = {.opt_in = opt_in};
  if (name.len < 5 || !AF_COPY(region.name, name) || strspn(region.name, "abcdefghijklmnopqrstuvwxyz0123456789-") != name.len)
    return cs_bad(r, n, "is no Region's name");
  if (cs_region_find(sim, region.name))
    return cs_bad(r, n, "the Region %s is there already", region.name);
  size_t i = 0;
  while (!af_str_starts(name, partitions[i].prefix))
    i++;
  AF_COPY(region.partition, af_str(partitions[i].partition));
  AF_COPY(region.dns_suffix, af_str(partitions[i].dns_suffix));
  *CS_ADD(sim->regions, sim->n_regions) = region;
  return 0;
}

static int load_region(struct cs_reader *r, const struct af_node *n) {
  static const char *const known[] = {"name", "opt_in", NULL};
  bool opt_in = false;
  if (af_node_type(n) != AF_NODE_MAP)
    return add_region(r, n, af_node_text(n), false);
  if (af_node_only(r->doc, n, known, r->err) < 0 || cs_read_bool(r, n, "opt_in", &opt_in) < 0)
    return -AF_EINVAL;
  const struct af_node *name = af_node_get(n, "name");
  return name ? add_region(r, n, af_node_text(name), opt_in) : cs_bad(r, n, "needs a name");
}

static int load_regions(struct cs_reader *r, const struct af_node *root) {
  static const char *const usual[] = {"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2"};
  const struct af_node *list;
  if (cs_read_list(r, root, "regions", &list) < 0)
    return -AF_EINVAL;
  for (size_t i = 0; list && i < af_node_count(list); i++)
    if (load_region(r, af_node_at(list, i)) < 0)
      return -AF_EINVAL;
  for (size_t i = 0; !list && i < sizeof usual / sizeof usual[0]; i++)
    if (add_region(r, root, af_str(usual[i]), false) < 0)
      return -AF_EINVAL;
  return r->sim->n_regions > 0 ? 0 : cs_bad(r, list, "a world has at least one Region");
}

const struct cs_region *cs_region_find(const struct cs_sim *sim, const char *name) {
  for (size_t i = 0; i < sim->n_regions; i++)
    if (af_streq(sim->regions[i].name, name))
      return &sim->regions[i];
  return NULL;
}

/* --- latencies, quotas, choices --- */

static int load_latencies(struct cs_reader *r, const struct af_node *root) {
  static const char *const known[] = {"read_lag", "grant_propagation", "key_check", "image_registration", "copy_start", "copy_min",
                                      "copy_mib_per_s", "copy_seconds_per_gib", "deregistered_visible", "deleted_visible",
                                      "instance_start", "instance_stop", "instance_terminate", "terminated_visible", NULL};
  struct cs_latencies *l = &r->sim->latency;
  const struct af_node *map;
  double per_gib = -1;
  *l = (struct cs_latencies){
      .grant_propagation = {0, 0}, .key_check = {2000, 2000}, .image_registration = {2000, 2000}, .copy_min = 5000, .copy_mib_per_s = 200,
      .instance_start = {15000, 15000}, .instance_stop = {20000, 20000}, .instance_terminate = {20000, 20000},
      .terminated_visible = 3600000};
  if (cs_read_map(r, root, "latencies", &map) < 0)
    return -AF_EINVAL;
  if (!map)
    return 0;
  if (af_node_only(r->doc, map, known, r->err) < 0 || cs_read_range(r, map, "read_lag", &l->read_lag) < 0 ||
      cs_read_range(r, map, "grant_propagation", &l->grant_propagation) < 0 || cs_read_range(r, map, "key_check", &l->key_check) < 0 ||
      cs_read_range(r, map, "image_registration", &l->image_registration) < 0 ||
      cs_read_range(r, map, "copy_start", &l->copy_start) < 0 || cs_read_seconds(r, map, "copy_min", &l->copy_min) < 0 ||
      cs_read_real(r, map, "copy_mib_per_s", &l->copy_mib_per_s) < 0 || cs_read_real(r, map, "copy_seconds_per_gib", &per_gib) < 0 ||
      cs_read_seconds(r, map, "deregistered_visible", &l->deregistered_visible) < 0 ||
      cs_read_seconds(r, map, "deleted_visible", &l->deleted_visible) < 0 ||
      cs_read_range(r, map, "instance_start", &l->instance_start) < 0 || cs_read_range(r, map, "instance_stop", &l->instance_stop) < 0 ||
      cs_read_range(r, map, "instance_terminate", &l->instance_terminate) < 0 ||
      cs_read_seconds(r, map, "terminated_visible", &l->terminated_visible) < 0)
    return -AF_EINVAL;
  if (per_gib >= 0 && af_node_get(map, "copy_mib_per_s"))
    return cs_bad(r, map, "copy_mib_per_s and copy_seconds_per_gib exclude each other");
  if (per_gib >= 0)
    l->copy_mib_per_s = per_gib > 0 ? 1024 / per_gib : 0;
  return 0;
}

static int load_buckets(struct cs_reader *r, const struct af_node *quotas) {
  const struct af_node *map;
  struct cs_quotas *q = &r->sim->quota;
  if (cs_read_map(r, quotas, "buckets", &map) < 0)
    return -AF_EINVAL;
  for (size_t i = 0; i < af_node_count(map); i++) {
    const struct af_node *pair = af_node_at(map, i), *capacity = af_node_at(pair, 0), *refill = af_node_at(pair, 1);
    if (af_node_type(pair) != AF_NODE_LIST || af_node_count(pair) != 2)
      return cs_bad(r, pair, "must be [capacity, refill per second]");
    struct cs_bucket_override *o = CS_ADD(q->overrides, q->n_overrides);
    *o = (struct cs_bucket_override){.size = {af_node_real(capacity), af_node_real(refill)}};
    if (!AF_COPY(o->action, af_node_key(map, i)))
      return cs_bad(r, pair, "is no API's name");
  }
  return 0;
}

static int load_quotas(struct cs_reader *r, const struct af_node *root) {
  struct cs_quotas *q = &r->sim->quota;
  *q = (struct cs_quotas){.throttle = true, .snapshot_copies = 20, .image_copies = 300, .images = 50000, .snapshots = 100000,
                          .public_images = 5, .sharing_entities = 1000}; /* rules.md 6.1 */
  const struct {
    const char *key;
    int *value;
  } numbers[] = {
      {"snapshot_copies", &q->snapshot_copies}, {"image_copies", &q->image_copies},         {"images", &q->images},
      {"snapshots", &q->snapshots},             {"public_images", &q->public_images},       {"sharing_entities", &q->sharing_entities},
      {"pending_snapshots", &q->pending_snapshots}, {"vcpus", &q->vcpus},
  };
  static const char *const known[] = {"throttle", "buckets", "snapshot_copies", "image_copies", "images", "snapshots", "public_images",
                                      "sharing_entities", "pending_snapshots", "vcpus", NULL};
  const struct af_node *map;
  if (cs_read_map(r, root, "quotas", &map) < 0)
    return -AF_EINVAL;
  if (!map)
    return 0;
  if (af_node_only(r->doc, map, known, r->err) < 0 || cs_read_bool(r, map, "throttle", &q->throttle) < 0 || load_buckets(r, map) < 0)
    return -AF_EINVAL;
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    int64_t value = *numbers[i].value;
    if (cs_read_int(r, map, numbers[i].key, 0, 10000000, &value) < 0)
      return -AF_EINVAL;
    *numbers[i].value = (int)value;
  }
  return 0;
}

/* rules.md 3: the full documented set; each key gets what concerns it. */
static void set_operations(char ***list, size_t *n, const char *const *operations) {
  for (; *operations; operations++)
    *CS_ADD(*list, *n) = cs_strdup(*operations);
}

static int load_key_operations(struct cs_reader *r, const struct af_node *map) {
  static const char *const source[] = {"DescribeKey", "CreateGrant", "Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext",
                                       "ReEncryptFrom", "ReEncryptTo", NULL};
  struct cs_uncertain *u = &r->sim->uncertain;
  set_operations(&u->source_key_operations, &u->n_source_key_operations, source);
  set_operations(&u->target_key_operations, &u->n_target_key_operations, source);
  return cs_read_strings(r, map, "source_key_operations", &u->source_key_operations, &u->n_source_key_operations) < 0 ||
                 cs_read_strings(r, map, "target_key_operations", &u->target_key_operations, &u->n_target_key_operations) < 0
             ? -AF_EINVAL
             : 0;
}

static int load_uncertain(struct cs_reader *r, const struct af_node *root) {
  struct cs_uncertain *u = &r->sim->uncertain;
  const struct {
    const char *key;
    bool *value, normal;
  } choices[] = {
      /* The normal choice is the one that asks more of a client. */
      {"copy_image_unique_name", &u->copy_image_unique_name, false},
      {"copy_image_uses_snapshot_slots", &u->copy_image_uses_snapshot_slots, false},
      {"register_keeps_billing", &u->register_keeps_billing, true},
      {"retired_grant_fails_running_copy", &u->retired_grant_fails_running_copy, true},
      {"marketplace_copy_refused", &u->marketplace_copy_refused, false},
      {"billing_copy_refused", &u->billing_copy_refused, false},
      {"cancelled_copy_leaves_snapshots", &u->cancelled_copy_leaves_snapshots, true},
      {"pending_image_shows_snapshots", &u->pending_image_shows_snapshots, false},
      {"copy_needs_launch_permission", &u->copy_needs_launch_permission, true},
      {"copy_same_key_for_foreign", &u->copy_same_key_for_foreign, false},
      {"dry_run_checks_source", &u->dry_run_checks_source, true},
      {"copy_reads_source_bucket", &u->copy_reads_source_bucket, true},
      {"create_image_keeps_imds", &u->create_image_keeps_imds, false},
      {"create_image_while_stopping", &u->create_image_while_stopping, false},
  };
  enum { N = sizeof choices / sizeof choices[0] };
  const char *known[N + 4] = {"client_token_lifetime", "source_key_operations", "target_key_operations"};
  const struct af_node *map;
  for (size_t i = 0; i < N; i++)
    known[i + 3] = choices[i].key;
  if (cs_read_map(r, root, "uncertain", &map) < 0 || (map && af_node_only(r->doc, map, known, r->err) < 0))
    return -AF_EINVAL;
  for (size_t i = 0; i < N; i++) {
    *choices[i].value = choices[i].normal;
    if (cs_read_bool(r, map, choices[i].key, choices[i].value) < 0)
      return -AF_EINVAL;
  }
  return cs_read_seconds(r, map, "client_token_lifetime", &u->client_token_lifetime) < 0 ? -AF_EINVAL : load_key_operations(r, map);
}

static int load_audit(struct cs_reader *r, const struct af_node *root) {
  static const char *const known[] = {"copy_tag", "step_tag", NULL};
  const struct af_node *map;
  if (cs_read_map(r, root, "audit", &map) < 0 || (map && af_node_only(r->doc, map, known, r->err) < 0))
    return -AF_EINVAL;
  return cs_read_string(r, map, "copy_tag", &r->sim->copy_tag) < 0 || cs_read_string(r, map, "step_tag", &r->sim->step_tag) < 0
             ? -AF_EINVAL
             : 0;
}

/* --- accounts --- */

struct cs_account *cs_account_find(const struct cs_sim *sim, const char *id) {
  for (size_t i = 0; i < sim->n_accounts; i++)
    if (af_streq(sim->accounts[i]->id, id))
      return sim->accounts[i];
  return NULL;
}

struct cs_settings *cs_settings_of(const struct cs_sim *sim, const struct cs_account *account, const char *region) {
  for (size_t i = 0; i < sim->n_regions; i++)
    if (af_streq(sim->regions[i].name, region))
      return &account->settings[i];
  return NULL;
}

static int one_of(struct cs_reader *r, const struct af_node *map, const char *key, const char *value, const char *const *allowed) {
  for (const char *const *a = allowed; *a; a++)
    if (af_streq(*a, value))
      return 0;
  return cs_bad(r, af_node_get(map, key), "there is no such state: %s", value);
}

static int load_allowed_images(struct cs_reader *r, const struct af_node *region, struct cs_settings *s) {
  static const char *const known[] = {"state", "managed_by", "providers", "names", NULL};
  static const char *const states[] = {"disabled", "audit-mode", "enabled", NULL};
  const struct af_node *map;
  if (cs_read_map(r, region, "allowed_images", &map) < 0)
    return -AF_EINVAL;
  if (!map)
    return 0;
  if (af_node_only(r->doc, map, known, r->err) < 0 ||
      cs_read_text(r, map, "state", s->allowed_images_state, sizeof s->allowed_images_state) < 0 ||
      cs_read_text(r, map, "managed_by", s->allowed_images_managed_by, sizeof s->allowed_images_managed_by) < 0 ||
      cs_read_strings(r, map, "providers", &s->allowed_providers, &s->n_allowed_providers) < 0 ||
      cs_read_strings(r, map, "names", &s->allowed_names, &s->n_allowed_names) < 0)
    return -AF_EINVAL;
  return one_of(r, map, "state", s->allowed_images_state, states);
}

static int load_settings(struct cs_reader *r, const struct af_node *region, struct cs_settings *s) {
  static const char *const snapshot_states[] = {"unblocked", "block-new-sharing", "block-all-sharing", NULL};
  static const char *const image_states[] = {"unblocked", "block-new-sharing", NULL};
  if (af_node_type(region) != AF_NODE_MAP)
    return cs_bad(r, region, "must be a map");
  if (af_node_only(r->doc, region, region_keys, r->err) < 0)
    return -AF_EINVAL;
  s->enabled = true; /* an opt-in Region that an account describes is one that it uses */
  if (cs_read_bool(r, region, "enabled", &s->enabled) < 0 ||
      cs_read_bool(r, region, "ebs_encryption_by_default", &s->ebs_encryption_by_default) < 0 ||
      cs_read_string(r, region, "ebs_default_key", &s->ebs_default_key) < 0 || load_allowed_images(r, region, s) < 0 ||
      cs_read_text(r, region, "snapshot_block_public_access", s->snapshot_block_public, sizeof s->snapshot_block_public) < 0 ||
      cs_read_text(r, region, "image_block_public_access", s->image_block_public, sizeof s->image_block_public) < 0)
    return -AF_EINVAL;
  return one_of(r, region, "snapshot_block_public_access", s->snapshot_block_public, snapshot_states) < 0 ||
                 one_of(r, region, "image_block_public_access", s->image_block_public, image_states) < 0
             ? -AF_EINVAL
             : 0;
}

static void default_settings(struct cs_sim *sim, struct cs_account *account) {
  account->settings = cs_new(sim->n_regions * sizeof *account->settings);
  for (size_t i = 0; i < sim->n_regions; i++) {
    struct cs_settings *s = &account->settings[i];
    s->region = &sim->regions[i];
    s->enabled = !sim->regions[i].opt_in;
    AF_COPY(s->allowed_images_state, af_str("disabled"));
    AF_COPY(s->allowed_images_managed_by, af_str("account"));
    AF_COPY(s->snapshot_block_public, af_str("unblocked"));
    AF_COPY(s->image_block_public, af_str("unblocked"));
  }
}

/* Calls load() for each Region that the account describes. */
static int each_region(struct cs_reader *r, struct cs_account *account, const struct af_node *node,
                       int (*load)(struct cs_reader *, struct cs_account *, struct cs_settings *, const struct af_node *)) {
  const struct af_node *regions;
  if (cs_read_map(r, node, "regions", &regions) < 0)
    return -AF_EINVAL;
  for (size_t i = 0; i < af_node_count(regions); i++) {
    char name[32];
    AF_COPY(name, af_node_key(regions, i));
    struct cs_settings *s = cs_settings_of(r->sim, account, name);
    if (!s)
      return cs_bad(r, af_node_at(regions, i), "the world has no Region %s", name);
    if (load(r, account, s, af_node_at(regions, i)) < 0)
      return -AF_EINVAL;
  }
  return 0;
}

static int load_region_settings(struct cs_reader *r, struct cs_account *account, struct cs_settings *s, const struct af_node *node) {
  (void)account;
  return load_settings(r, node, s);
}

static int load_account(struct cs_reader *r, const struct af_node *n) {
  if (af_node_type(n) != AF_NODE_MAP)
    return cs_bad(r, n, "must be a map");
  if (af_node_only(r->doc, n, account_keys, r->err) < 0)
    return -AF_EINVAL;
  struct cs_account *a = cs_new(sizeof *a);
  *CS_ADD(r->sim->accounts, r->sim->n_accounts) = a;
  default_settings(r->sim, a);
  char id[16] = "";
  if (cs_read_text(r, n, "id", id, sizeof id) < 0)
    return -AF_EINVAL;
  if (strlen(id) != 12 || strspn(id, "0123456789") != 12)
    return cs_bad(r, n, "needs an id of twelve digits (in quotes)");
  if (cs_account_find(r->sim, id))
    return cs_bad(r, n, "the account %s is there already", id);
  AF_COPY(a->id, af_str(id));
  if (cs_read_string(r, n, "name", &a->name) < 0 || cs_read_string(r, n, "alias", &a->alias) < 0 ||
      cs_read_string(r, n, "organization", &a->organization) < 0 || cs_read_strings(r, n, "units", &a->units, &a->n_units) < 0 ||
      cs_read_strings(r, n, "subscriptions", &a->subscriptions, &a->n_subscriptions) < 0)
    return -AF_EINVAL;
  return each_region(r, a, n, load_region_settings);
}

static int load_accounts(struct cs_reader *r, const struct af_node *list) {
  for (size_t i = 0; i < af_node_count(list); i++)
    if (load_account(r, af_node_at(list, i)) < 0)
      return -AF_EINVAL;
  return 0;
}

/* Images are read when every account's snapshots are there: an image may name one of another account. */
static int load_resources(struct cs_reader *r, const struct af_node *list) {
  for (size_t i = 0; i < r->sim->n_accounts; i++)
    if (each_region(r, r->sim->accounts[i], af_node_at(list, i), cs_world_load_snapshots) < 0)
      return -AF_EINVAL;
  for (size_t i = 0; i < r->sim->n_accounts; i++)
    if (each_region(r, r->sim->accounts[i], af_node_at(list, i), cs_world_load_images) < 0 ||
        each_region(r, r->sim->accounts[i], af_node_at(list, i), cs_world_load_compute) < 0)
      return -AF_EINVAL;
  cs_world_complete_networks(r->sim);
  return 0;
}

/* Who gives no seed takes the world's. */
static void reseed(struct cs_sim *sim, uint64_t seed) {
  af_random_seed(&sim->ids, seed);
  af_random_seed(&sim->lags, seed + 1);
  af_random_seed(&sim->times, seed + 2);
}

int cs_world_load(struct cs_sim *sim, const struct af_doc *world, struct af_error *err) {
  struct cs_reader reader = {world, err, sim}, *r = &reader;
  const struct af_node *root = af_doc_root(world), *accounts;
  int64_t version = 1, seed = 0;
  sim->speed = 1;
  sim->ec2 = cs_new(sizeof *sim->ec2);
  sim->ec2->next_ms = CS_EVER;
  sim->ec2->things = cs_new(sizeof *sim->ec2->things);
  if (af_node_type(root) != AF_NODE_MAP)
    return cs_bad(r, root, "a world file is a map");
  if (af_node_only(world, root, root_keys, err) < 0 || cs_read_int(r, root, "version", 1, 1, &version) < 0 ||
      cs_read_int(r, root, "seed", 0, INT64_MAX, &seed) < 0 || cs_read_real(r, root, "speed", &sim->speed) < 0 || load_regions(r, root) < 0 ||
      cs_world_load_kernels(r, root) < 0 || load_latencies(r, root) < 0 || load_quotas(r, root) < 0 || load_uncertain(r, root) < 0 || load_audit(r, root) < 0 ||
      cs_read_list(r, root, "accounts", &accounts) < 0)
    return -AF_EINVAL;
  if (sim->seed == 0)
    reseed(sim, (uint64_t)seed);
  if (sim->speed <= 0 || sim->speed > 1e6)
    return cs_bad(r, af_node_get(root, "speed"), "must lie above 0, up to 1000000");
  int rc = load_accounts(r, accounts);
  if (rc == 0)
    rc = cs_world_load_identity(sim, world, err);
  return rc < 0 ? rc : load_resources(r, accounts);
}

/* --- what a person does in the console --- */

int cs_sim_subscribe(struct cs_sim *sim, const char *id, const char *product_code, struct af_error *err) {
  struct cs_account *account = cs_account_find(sim, id);
  if (!account || !product_code || !product_code[0])
    return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadSubscription", "needs an account of the world, and a product code");
  for (size_t i = 0; i < account->n_subscriptions; i++)
    if (af_streq(account->subscriptions[i], product_code))
      return 0;
  *CS_ADD(account->subscriptions, account->n_subscriptions) = cs_strdup(product_code);
  return 0;
}

/* --- the end --- */

static void strings_free(char **list, size_t n) {
  for (size_t i = 0; i < n; i++)
    free(list[i]);
  free(list);
}

static void account_free(const struct cs_sim *sim, struct cs_account *a) {
  for (size_t i = 0; i < sim->n_regions; i++) {
    struct cs_settings *s = &a->settings[i];
    free(s->ebs_default_key);
    strings_free(s->allowed_providers, s->n_allowed_providers);
    strings_free(s->allowed_names, s->n_allowed_names);
    strings_free(s->types_unavailable, s->n_types_unavailable);
    strings_free(s->no_capacity, s->n_no_capacity);
    strings_free(s->key_pairs, s->n_key_pairs);
    for (size_t k = 0; k < s->n_type_zones; k++) {
      free(s->type_zones[k].type);
      strings_free(s->type_zones[k].zones, s->type_zones[k].n_zones);
    }
    free(s->type_zones);
  }
  free(a->settings);
  free(a->name);
  free(a->alias);
  free(a->organization);
  strings_free(a->units, a->n_units);
  strings_free(a->subscriptions, a->n_subscriptions);
  free(a);
}

void cs_world_free(struct cs_sim *sim) {
  for (size_t i = 0; i < sim->n_accounts; i++)
    account_free(sim, sim->accounts[i]);
  free(sim->accounts);
  free(sim->regions);
  free(sim->quota.overrides);
  strings_free(sim->uncertain.source_key_operations, sim->uncertain.n_source_key_operations);
  strings_free(sim->uncertain.target_key_operations, sim->uncertain.n_target_key_operations);
  cs_kernels_free(sim);
  free(sim->copy_tag);
  free(sim->step_tag);
  cs_ec2_free(sim->ec2);
}
