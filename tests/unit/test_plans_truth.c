/* The truth table of routes: every combination of what a source can be, against rules that are written from the design (section
 * 4) and from what AWS does (rules.md 1.3-1.5, 2.4, 3-5), not from the code. Each combination ends in a route or in a named
 * refusal, and so does the ladder below it, one refusal of AWS after another. */
#include <stdio.h>

#include "tests/unit/facts_fixture.h"

/* --- what a source can be --- */

enum { O_TARGET, O_SOURCE, O_TRUSTED, O_STRANGER, O_N }; /* whose image */
enum { C_NAMED, C_NONE, C_MISSING, C_N };                /* source credentials: there, said to be none, not there */
enum { E_PLAIN, E_CUSTOMER, E_AWS, E_PARTLY, E_BOTH, E_UNREADABLE, E_IDLE, E_ANOTHERS, E_N }; /* the keys of its two snapshots */
enum { B_FREE, B_WINDOWS, B_RHEL, B_MARKETPLACE, B_N };                                       /* billing */
enum { S_OPEN, S_CLOSED, S_S3, S_LOST, S_N };       /* storage: readable, launch permission only, instance store, that at no known place */
enum { P_SAME, P_OTHER, P_N };                      /* partition */
enum { R_SAME, R_OTHER, R_N };                      /* Region */
enum { T_PLAIN, T_TPM, T_PARAVIRTUAL, T_MAC, T_N }; /* how it boots; T_TPM: NitroTPM with uefi-preferred */
enum { K_NONE, K_GOOD, K_N };                       /* target.kms_key */
enum { G_NONE, G_GOOD, G_N };                       /* source.bridge_key */
enum { W_AUTO, W_REENCRYPT, W_LAUNCH, W_N };        /* route */

struct source {
  int owner, credentials, encryption, billing, storage, partition, region, boot, key, bridge, route;
};
static const int counts[] = {O_N, C_N, E_N, B_N, S_N, P_N, R_N, T_N, K_N, G_N, W_N};
static const char *const routes[] = {"auto", "reencrypt", "launch-image"};

/* --- the rules --- */

#define IS(x) (1u << (x))
#define NOT(x) (~(1u << (x)))

/* Bits of what each may be; 0: anything. The first row that fits says how it ends. */
struct rule {
  unsigned route, owner, credentials, encryption, billing, storage, partition, boot, key, bridge;
  const char *end;
};

#define UNDER_AWS (IS(E_AWS) | IS(E_BOTH))
#define IN_S3 (IS(S_S3) | IS(S_LOST))
#define NO_LAUNCH (IS(T_PARAVIRTUAL) | IS(T_MAC))

static const struct rule rules[] = {
    /* whether it may be copied at all */
    {.credentials = IS(C_MISSING), .end = "SourceCredentialsNeeded"},
    {.partition = IS(P_OTHER), .end = "OtherPartition"},
    {.owner = IS(O_STRANGER), .end = "OwnerNotTrusted"},
    {.owner = IS(O_SOURCE), .credentials = IS(C_NONE), .end = "OwnerNotTrusted"}, /* without its credentials it is a stranger's */
    /* whether it can be read */
    {.owner = IS(O_TARGET) | IS(O_SOURCE), .storage = IS(S_CLOSED), .end = "SnapshotUnreadable"},
    {.owner = IS(O_TRUSTED), .encryption = UNDER_AWS, .storage = IS(S_OPEN), .end = "SourceUnderAwsManagedKey"},
    {.owner = IS(O_SOURCE),
     .encryption = UNDER_AWS,
     .storage = IS(S_OPEN),
     .bridge = IS(G_NONE),
     .end = "SourceUnderAwsManagedKey"},
    {.owner = IS(O_SOURCE) | IS(O_TRUSTED), .encryption = IS(E_UNREADABLE), .storage = IS(S_OPEN), .end = "SourceKeyUnreadable"},
    {.encryption = IS(E_IDLE), .storage = IS(S_OPEN), .end = "SourceKeyNotEnabled"},
    {.encryption = NOT(E_PLAIN), .key = IS(K_NONE), .end = "KmsKeyMissing"},
    /* the named ones */
    {.route = IS(W_LAUNCH), .storage = IN_S3, .end = "LaunchNotPossible"},
    {.route = IS(W_LAUNCH), .boot = NO_LAUNCH, .end = "LaunchNotPossible"},
    {.route = IS(W_LAUNCH), .end = "launch-image"},
    {.route = IS(W_REENCRYPT), .key = IS(K_NONE), .end = "RouteNotPossible"},
    {.route = IS(W_REENCRYPT), .storage = IN_S3, .end = "RouteNotPossible"},
    {.route = IS(W_REENCRYPT), .boot = IS(T_TPM), .end = "RouteNotPossible"},
    {.route = IS(W_REENCRYPT), .owner = IS(O_TRUSTED), .end = "RouteNotPossible"}, /* its UEFI data is for its owner alone */
    {.route = IS(W_REENCRYPT), .end = "reencrypt"},
    /* auto: the design's table */
    {.owner = IS(O_SOURCE), .storage = IS(S_LOST), .end = "BundleNotNamed"}, /* what can't be named can't be opened */
    {.storage = IN_S3, .end = "copy-image"},
    {.owner = IS(O_TARGET), .end = "copy-image"},
    {.storage = IS(S_CLOSED), .boot = NO_LAUNCH, .end = "StorageUnreadable"},
    {.storage = IS(S_CLOSED), .end = "launch-image"},
    {.owner = IS(O_TRUSTED), .end = "copy-image"},
    {.billing = NOT(B_FREE), .end = "copy-image"},
    {.encryption = IS(E_PLAIN), .end = "copy-image"},
    {.boot = IS(T_TPM), .end = "copy-image"},
    {.end = "reencrypt"},
};

/* Where that one is refused by AWS. */
static const struct rule below[] = {
    {.route = NOT(W_AUTO), .end = "RoutesExhausted"},
    {.storage = IN_S3, .end = "RoutesExhausted"},
    {.owner = IS(O_TARGET), .billing = IS(B_FREE), .end = "RoutesExhausted"},
    {.storage = IS(S_CLOSED), .end = "StorageUnreadable"}, /* it was launched, and copying it is still closed */
    {.boot = NO_LAUNCH, .end = "LaunchNotPossible"},
    {.end = "launch-image"},
};

static bool is_in(unsigned bits, int value) {
  return bits == 0 || (bits & IS(value));
}

static const char *look_up(const struct rule *r, const struct source *s) {
  while (!(is_in(r->route, s->route) && is_in(r->owner, s->owner) && is_in(r->credentials, s->credentials) &&
           is_in(r->encryption, s->encryption) && is_in(r->billing, s->billing) && is_in(r->storage, s->storage) &&
           is_in(r->partition, s->partition) && is_in(r->boot, s->boot) && is_in(r->key, s->key) && is_in(r->bridge, s->bridge)))
    r++; /* the last one fits everything */
  return r->end;
}

/* --- facts of a combination --- */

/* Parsed once: there are many combinations. */
static struct af_facts plain;
static struct af_copy_spec specs[R_N][K_N][G_N][W_N];

#define BRIDGE_KEY "arn:aws:kms:us-east-1:111111111111:key/bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"

static struct af_copy_spec *spec_of(const struct source *s) {
  return &specs[s->region][s->key][s->bridge][s->route];
}

static int make_plain(void **state) {
  struct source s = {0};
  facts_plain(&plain);
  for (s.region = 0; s.region < R_N; s.region++)
    for (s.key = 0; s.key < K_N; s.key++)
      for (s.bridge = 0; s.bridge < G_N; s.bridge++)
        for (s.route = 0; s.route < W_N; s.route++) {
          spec_init(spec_of(&s), s.key ? "alias/amis" : NULL, routes[s.route]);
          json_array_append_new(spec_of(&s)->trusted_owners, json_string("333333333333"));
          if (s.bridge == G_GOOD)
            spec_set(&spec_of(&s)->bridge_key, "alias/bridge");
          if (s.region == R_SAME)
            spec_set(&spec_of(&s)->target.region, "us-east-1");
        }
  return 0;
}

static int drop_plain(void **state) {
  struct af_copy_spec *all = &specs[0][0][0][0];
  for (size_t i = 0; i < sizeof specs / sizeof *all; i++)
    af_copy_spec_done(&all[i]);
  af_facts_done(&plain);
  return 0;
}

/* Which key each of the two snapshots is under, and what is known of it. */
static const struct {
  const char *root, *data;             /* NULL: none */
  const char *manager, *state, *error; /* of the root's key, or the only one */
} keys[E_N] = {
    [E_CUSTOMER] = {SOURCE_KEY, SOURCE_KEY, "CUSTOMER", "Enabled", NULL},
    [E_AWS] = {AWS_KEY, AWS_KEY, "AWS", "Enabled", NULL},
    [E_PARTLY] = {NULL, SOURCE_KEY, "CUSTOMER", "Enabled", NULL},
    [E_BOTH] = {AWS_KEY, SOURCE_KEY, "AWS", "Enabled", NULL},
    [E_UNREADABLE] = {SOURCE_KEY, SOURCE_KEY, NULL, NULL, "AccessDeniedException"},
    [E_IDLE] = {SOURCE_KEY, SOURCE_KEY, "CUSTOMER", "Disabled", NULL},
    [E_ANOTHERS] = {"arn:aws:kms:us-east-1:555555555555:key/5", "arn:aws:kms:us-east-1:555555555555:key/5", "CUSTOMER", "Enabled",
                    NULL},
};

static void set_encryption(struct af_facts *f, int encryption) {
  const char *root = keys[encryption].root, *data = keys[encryption].data;
  if (encryption == E_PLAIN)
    return;
  if (root)
    encrypt_snapshot(f, 0, root);
  encrypt_snapshot(f, 1, data);
  json_array_append_new(f->source_keys,
                        json_pack("{s:s, s:s*, s:s*, s:s*}", "Arn", root ? root : data, "KeyManager", keys[encryption].manager,
                                  "KeyState", keys[encryption].state, "Error", keys[encryption].error));
  if (encryption == E_BOTH)
    add_source_key(f, SOURCE_KEY, "CUSTOMER");
}

static void set_text(json_t *object, const char *member, const char *text) {
  json_object_set_new(object, member, json_string(text));
}

static void set_billing(json_t *image, int billing) {
  if (billing == B_WINDOWS) {
    set_text(image, "Platform", "windows");
    set_text(image, "PlatformDetails", "Windows");
    set_text(image, "UsageOperation", "RunInstances:0002");
  } else if (billing == B_RHEL) {
    set_text(image, "PlatformDetails", "Red Hat Enterprise Linux");
    set_text(image, "UsageOperation", "RunInstances:0010");
  } else if (billing == B_MARKETPLACE) {
    json_object_set_new(image, "ProductCodes",
                        json_pack("[{s:s, s:s}]", "ProductCodeId", "abc", "ProductCodeType", "marketplace"));
  }
}

static void set_boot(json_t *image, int boot) {
  if (boot == T_TPM) {
    set_text(image, "TpmSupport", "v2.0");
    set_text(image, "BootMode", "uefi-preferred");
  } else if (boot == T_PARAVIRTUAL) {
    set_text(image, "VirtualizationType", "paravirtual");
  } else if (boot == T_MAC) {
    set_text(image, "Architecture", "x86_64_mac");
  }
}

/* What can't be read is not among the facts, and neither are its keys. */
static void set_storage(struct af_facts *f, int storage) {
  if (is_in(IN_S3, storage)) {
    set_text(f->image, "RootDeviceType", "instance-store");
    set_text(f->image, "ImageLocation", storage == S_S3 ? "golden-amis/web/image.manifest.xml" : "a name");
    json_array_clear(json_object_get(f->image, "BlockDeviceMappings"));
  }
  if (storage != S_OPEN) {
    json_array_clear(f->snapshots);
    json_array_clear(f->source_keys);
  }
}

static void facts_of(struct af_facts *f, const struct source *s) {
  static const char *const owners[] = {TARGET_ACCOUNT, SOURCE_ACCOUNT, "333333333333", "444444444444"};
  *f = plain;
  f->image = json_deep_copy(plain.image);
  f->snapshots = json_deep_copy(plain.snapshots);
  f->source_keys = json_array();
  f->name_holders = json_array();
  own_all(f, owners[s->owner]);
  set_encryption(f, s->encryption);
  set_billing(f->image, s->billing);
  set_boot(f->image, s->boot);
  set_storage(f, s->storage);
  f->uefi_unreadable = s->owner >= O_TRUSTED;
  f->pull = s->credentials == C_NONE;
  if (s->credentials != C_NAMED)
    f->source_account[0] = 0;
  if (s->partition == P_OTHER)
    AF_COPY(f->target_partition, af_str("aws-cn"));
  if (s->key == K_GOOD)
    give_target_key(f);
  if (s->key == K_GOOD && s->region == R_SAME)
    set_text(f->target_key, "Arn", "arn:aws:kms:us-east-1:222222222222:key/2");
  if (s->bridge == G_GOOD)
    f->bridge_key = json_pack("{s:s, s:s, s:s}", "Arn", BRIDGE_KEY, "KeyManager", "CUSTOMER", "KeyState", "Enabled");
}

static void facts_done(struct af_facts *f) {
  json_decref(f->image);
  json_decref(f->snapshots);
  json_decref(f->source_keys);
  json_decref(f->name_holders);
  json_decref(f->target_key);
  json_decref(f->bridge_key);
}

/* --- what must hold --- */

static const char *end_of(const struct af_decision *d) {
  return d->route == AF_ROUTE_NONE ? d->refusal.code : af_route_name(d->route);
}

static void must_be(const struct source *s, const struct af_decision *d, const char *when, const char *want) {
  if (!af_streq(end_of(d), want))
    fail_msg("owner %d credentials %d encryption %d billing %d storage %d partition %d region %d boot %d key %d bridge %d route "
             "%s, %s: "
             "wanted %s, got %s: %s",
             s->owner, s->credentials, s->encryption, s->billing, s->storage, s->partition, s->region, s->boot, s->key, s->bridge,
             routes[s->route], when, want, end_of(d), d->reason);
}

static void must_hold(const struct source *s, const struct af_decision *d) {
  bool refused = d->route == AF_ROUTE_NONE, launch = d->route == AF_ROUTE_LAUNCH_IMAGE;
  assert_true(refused == (d->refusal.class != AF_CLASS_NONE));
  assert_true(!refused ||
              (*d->refusal.code && *d->refusal.message && *d->refusal.hint && *d->refusal.resource && *d->refusal.region));
  assert_true(*d->reason != 0);
  assert_true(d->pull == (s->credentials == C_NONE));
  assert_true(d->cross_account == (s->owner == O_SOURCE && s->credentials == C_NAMED));
  assert_true(d->instance_store == is_in(IN_S3, s->storage));
  if (refused)
    return;
  bool under_aws = s->encryption == E_AWS || s->encryption == E_BOTH;
  assert_true(d->encrypt == (s->key == K_GOOD && !is_in(IN_S3, s->storage)));
  assert_true(d->bridge == (under_aws && s->owner == O_SOURCE && s->storage == S_OPEN));
  assert_true(d->bridge == (*d->bridge_key_arn != 0));
  assert_true(d->hop == (launch && s->region == R_OTHER));
  assert_true(d->encrypt_launch == (launch && s->key == K_GOOD));
  assert_true(!launch || !d->hop || !*d->launch_key_arn);
}

/* Down the ladder, with AWS refusing one rung after the other. */
static void walk(const struct source *s) {
  struct af_facts facts;
  struct af_decision d;
  json_t *tried = json_array();
  facts_of(&facts, s);
  af_route_decide(spec_of(s), &facts, NULL, &d);
  must_be(s, &d, "at first", look_up(rules, s));
  must_hold(s, &d);
  for (int rung = 0; d.route != AF_ROUTE_NONE; rung++) {
    bool launched = d.route == AF_ROUTE_LAUNCH_IMAGE;
    assert_true(rung < 3);
    assert_true(!launched || af_route_reads_launch(spec_of(s), &facts, tried));
    json_array_append_new(
        tried, json_pack("{s:s, s:s, s:s}", "route", af_route_name(d.route), "code", "InvalidRequest", "reason", "no"));
    af_route_decide(spec_of(s), &facts, tried, &d);
    must_be(s, &d, "when refused by AWS", rung == 0 ? look_up(below, s) : "RoutesExhausted");
    must_hold(s, &d);
  }
  json_decref(tried);
  facts_done(&facts);
}

/* What is in S3 has no snapshots that could be encrypted; and what a named route does is the same whatever is billed. */
static bool is_real(const struct source *s) {
  return (!is_in(IN_S3, s->storage) || s->encryption == E_PLAIN) && (s->route == W_AUTO || s->billing == B_FREE);
}

/* Counts through all of them as an odometer does. */
TEST(every_source_ends_in_a_route_or_a_named_refusal_and_so_does_its_ladder) {
  union {
    struct source s;
    int digit[COUNT(counts)];
  } u;
  _Static_assert(sizeof u.s == sizeof u.digit, "every dimension has its count");
  size_t found = 0, walked = 0, stride = on_valgrind() ? 13 : 1;
  memset(&u, 0, sizeof u);
  for (size_t i = 0; i < COUNT(counts);) {
    if (is_real(&u.s) && found++ % stride == 0) {
      walk(&u.s);
      walked++;
    }
    for (i = 0; i < COUNT(counts) && ++u.digit[i] == counts[i]; i++)
      u.digit[i] = 0;
  }
  print_message("# %zu of %zu combinations\n", walked, found);
  assert_true(found > 50000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_source_ends_in_a_route_or_a_named_refusal_and_so_does_its_ladder),
  };
  return cmocka_run_group_tests_name("plans/truth", tests, make_plain, drop_plain);
}
