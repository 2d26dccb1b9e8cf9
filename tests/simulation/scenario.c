/* Drawing: tables of what there can be, and a few numbers drawn from the seed. Whatever is drawn is drawn in the same order whether it takes
 * part or not. */
#include "tests/simulation/scenario.h"

#include <stdio.h>

#include "tests/simulation/worlds.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

struct draw {
  struct af_random_seeded r;
};
static int below(struct draw *d, int n) {
  return (int)af_random_below(&d->r.random, (uint64_t)n);
}
static bool chance(struct draw *d, int percent) {
  return below(d, 100) < percent;
}
/* From 1 to 2^bits, each magnitude as likely as any other. */
static int64_t magnitude(struct draw *d, int bits) {
  int64_t most = INT64_C(1) << below(d, bits + 1);
  return 1 + (int64_t)af_random_below(&d->r.random, (uint64_t)most);
}

/* --- what there can be --- */

#define HOME "us-east-1"
static const char *const regions[] = {HOME, "eu-west-1", "ap-southeast-2"};

static const struct {
  const char *name, *owner, *more; /* more: JSON members of the image */
  const char *keys[3];             /* of its volumes, cyclically: "" none, "key" the account's own, "aws" aws/ebs */
  bool billed;
} kinds[SCENE_KINDS_] = {
    [SCENE_PLAIN] = {"plain", "111111111111", "", {""}},
    [SCENE_SEALED] = {"sealed", "111111111111", ", \"architecture\": \"arm64\", \"boot_mode\": \"uefi\"", {"key"}},
    [SCENE_MIXED] = {"mixed", "111111111111", "", {"", "key", "key"}},
    [SCENE_DEFAULT_KEY] = {"default-key", "111111111111", "", {"aws"}},
    [SCENE_TPM] = {"tpm", "111111111111", ", \"boot_mode\": \"uefi-preferred\", \"tpm_support\": \"v2.0\"", {"key"}},
    [SCENE_WINDOWS] = {"windows", "111111111111",
                       ", \"platform\": \"windows\", \"billing\": true, \"platform_details\": \"Windows\", \"usage_operation\": "
                       "\"RunInstances:0002\", \"imds_support\": \"v2.0\"",
                       {""}, true},
    [SCENE_RHEL] = {"rhel", "111111111111",
                    ", \"platform_details\": \"Red Hat Enterprise Linux\", \"usage_operation\": \"RunInstances:0010\"", {"key"}, true},
    [SCENE_MARKET] = {"market", "111111111111", ", \"product_codes\": [{\"code\": \"prod-abc\"}]", {""}, true},
    [SCENE_HIDDEN] = {"hidden", "111111111111", ", \"billing\": true", {""}, true},
    [SCENE_OWN] = {"own", "222222222222", "", {""}},
    [SCENE_GIVEN] = {"given", "333333333333", ", \"launch_permissions\": [\"222222222222\", \"111111111111\"]", {""}},
    [SCENE_BUNDLE] = {"bundle", "111111111111", ", \"root_device_type\": \"instance-store\", \"location\": \"golden-amis/image.manifest.xml\"", {NULL}},
    [SCENE_LAUNCH_ONLY] = {"launch-only", "333333333333", ", \"launch_permissions\": [\"222222222222\"]", {""}},
};

static const char *const actions[] = {
    "*", "*", "AssumeRole", "DescribeImages", "DescribeSnapshots", "DescribeImageAttribute", "ModifyImageAttribute", "ModifySnapshotAttribute",
    "DescribeSnapshotAttribute", "CopyImage", "CopySnapshot", "RegisterImage", "DeregisterImage", "DeleteSnapshot", "CreateTags", "CreateGrant",
    "ListGrants", "RetireGrant", "GenerateDataKeyWithoutPlaintext", "DescribeKey", "RunInstances", "DescribeInstances", "StopInstances",
    "TerminateInstances", "CreateImage", "CreateSecurityGroup", "DeleteSecurityGroup", "DescribeInstanceTypes", "DescribeSubnets",
    "DescribeVolumes", "GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy", "EnableImageDeprecation", "EnableImageDeregistrationProtection", "GetCallerIdentity"};

/* What passes by itself, as often as `times` says. */
static const char *const passing[] = {
    "\"kind\": \"throttle\"",
    "\"kind\": \"error\", \"status\": 500, \"code\": \"InternalError\"",
    "\"kind\": \"error\", \"status\": 503, \"code\": \"Unavailable\"",
    "\"kind\": \"error-after\", \"status\": 500, \"code\": \"InternalError\"",
    "\"kind\": \"error-after\", \"status\": 503, \"code\": \"Unavailable\"",
    "\"kind\": \"lost-reply\"",
    "\"kind\": \"lost-reply\"",
    "\"kind\": \"cut\"",
    "\"kind\": \"half\"",
    "\"kind\": \"malformed\"",
    "\"kind\": \"slow\", \"delay_ms\": 45000",
    "\"kind\": \"slow\", \"delay_ms\": 400000",
    "\"kind\": \"expired-token\"",
};

/* What stays until a person has mended it; never struck by more than one action, so that it can be told what is missing. */
static const char *const lasting[] = {
    "\"kind\": \"error\", \"status\": 403, \"code\": \"UnauthorizedOperation\"",
    "\"kind\": \"capacity\"",
};

static void draw_fault(struct scene *s, struct draw *d, int i) {
  const char *action = actions[below(d, (int)COUNT_OF(actions))];
  bool lasts = chance(d, 12);
  const char *kind = lasts ? lasting[below(d, (int)COUNT_OF(lasting))] : passing[below(d, (int)COUNT_OF(passing))];
  int after = (int)magnitude(d, 6) - 1, times = (int)magnitude(d, 2), percent = chance(d, 30) ? 10 + below(d, 60) : 100;
  if (lasts && action[0] == '*') action = "CopyImage";
  if (strstr(kind, "capacity")) action = "RunInstances";
  if (strstr(kind, "Unauthorized") && (strstr(action, "Grant") || strstr(action, "Key") || strcmp(action, "AssumeRole") == 0))
    action = "ModifySnapshotAttribute"; /* the code is EC2's */
  char *out = s->faults[i];
  int n = snprintf(out, sizeof(s->faults[i]), "{%s, \"action\": \"%s\", \"after\": %d", kind, action, after);
  if (!lasts) n += snprintf(out + n, sizeof(s->faults[i]) - (size_t)n, ", \"times\": %d, \"probability\": %.2f", times, percent / 100.0);
  snprintf(out + n, sizeof(s->faults[i]) - (size_t)n, "}");
  if (scene_has(s, SCENE_COPIES + i) && (lasts || strstr(kind, "expired-token"))) s->mild = false; /* a person may have to log in again */
}

/* --- the world --- */

static void snapshot_id(char out[32], int image, int volume) {
  snprintf(out, 32, "snap-%016d%d", image, volume);
}

/* "" for none; the image of a bundle has no volumes at all. */
static const char *key_of(const struct scene *s, int image, int volume) {
  const char *const *keys = kinds[s->images[image].kind].keys;
  int n = keys[1] ? 3 : 1;
  return keys[volume % n];
}

static bool is_encrypted(const struct scene *s, int image) {
  for (int v = 0; v < s->images[image].volumes; v++)
    if (*key_of(s, image, v)) return true;
  return false;
}

static void put_snapshots(struct scene *s, struct draw *d, int i) {
  const struct scene_image *im = &s->images[i];
  for (int v = 0; v < im->volumes; v++) {
    char id[32];
    const char *key = key_of(s, i, v);
    snapshot_id(id, i, v);
    af_buf_printf(&s->world, "%s{\"id\": \"%s\", \"size\": %d%s%s%s, \"tags\": {\"disk\": \"%d\"}}", v ? ", " : "", id, 1 + below(d, 40),
                  strcmp(key, "key") == 0 ? ", \"kms_key\": \"alias/amis\""
                  : *key                  ? ", \"encrypted\": true"
                                          : "",
                  im->kind == SCENE_MARKET ? ", \"product_codes\": [{\"code\": \"prod-abc\"}]" : "",
                  im->kind == SCENE_GIVEN || (im->shared_before && v == 0 && *key == '\0') ? ", \"create_volume_permissions\": [\"222222222222\"]"
                                                                                          : "",
                  v);
  }
}

static void put_image(struct scene *s, struct draw *d, int i) {
  const struct scene_image *im = &s->images[i];
  const char *more = kinds[im->kind].more;
  af_buf_printf(&s->world, "{\"id\": \"ami-%017d\", \"name\": \"%s-%d\", \"description\": \"no. %d\", \"tags\": {\"team\": \"%d\"}%s%s, \"mappings\": [", i,
                kinds[im->kind].name, i, i, below(d, 9), more, im->shared_before && !strstr(more, "launch_permissions") ? ", \"launch_permissions\": [\"222222222222\"]" : "");
  for (int v = 0; v < im->volumes; v++) {
    char id[32];
    snapshot_id(id, i, v);
    af_buf_printf(&s->world, "%s{\"device\": \"/dev/%s%c\", \"snapshot\": \"%s\", \"volume_type\": \"gp3\", \"delete_on_termination\": %s}",
                  v ? ", " : "", v ? "sd" : "xvd", 'a' + v, id, v % 2 ? "false" : "true");
  }
  af_buf_str(&s->world, af_str("]}"));
}

static void put_role(struct af_buf *out, const char *name, const char *external) {
  af_buf_printf(out,
                "\"roles\": [{\"name\": \"%s\", \"trust\": [{\"Effect\": \"Allow\", \"Action\": \"sts:AssumeRole\", \"Principal\": {\"AWS\": "
                "\"arn:aws:iam::111111111111:root\"}, \"Condition\": {\"StringEquals\": {\"sts:ExternalId\": \"%s\"}}}]}], ",
                name, external);
}

static void put_keys(struct scene *s, const char *owner, size_t region) {
  af_buf_printf(&s->world, "\"keys\": [{\"id\": \"00000000-0000-4000-8000-0%c000000000%zu\", \"alias\": \"alias/amis\"}]", owner[0], region);
}

static void put_account(struct scene *s, struct draw *d, const char *owner, bool target) {
  af_buf_printf(&s->world, "{\"id\": \"%s\", ", owner);
  if (owner[0] == '1')
    af_buf_str(&s->world, af_str("\"users\": [{\"name\": \"operator\", \"access_keys\": [{\"id\": \"AKIAOPERATOR00000001\", \"secret\": "
                                 "\"of-no-worth-at-all\"}]}], "));
  if (owner[0] == '1') put_role(&s->world, "amiferry-source", "from-here");
  if (target) put_role(&s->world, "amiferry-target", "to-there");
  if (target && chance(d, 50)) af_buf_str(&s->world, af_str("\"subscriptions\": [\"prod-abc\"], "));
  af_buf_str(&s->world, af_str("\"regions\": {"));
  for (size_t r = 0; r < COUNT_OF(regions); r++) {
    af_buf_printf(&s->world, "%s\"%s\": {", r ? ", " : "", regions[r]);
    put_keys(s, owner, r);
    if (r == 0 && owner[0] == '1')
      af_buf_str(&s->world, af_str(", \"buckets\": [{\"name\": \"golden-amis\", \"ownership\": \"ObjectWriter\", \"objects\": [{\"key\": "
                                   "\"image.manifest.xml\", \"content\": \"x\"}, {\"key\": \"image.part.0\", \"size\": 100}]}]"));
    if (r == 0) {
      const char *comma = "";
      af_buf_str(&s->world, af_str(", \"snapshots\": ["));
      for (int i = 0; i < s->n_images; i++)
        if (strcmp(kinds[s->images[i].kind].owner, owner) == 0 && s->images[i].volumes) {
          af_buf_str(&s->world, af_str(comma));
          put_snapshots(s, d, i);
          comma = ", ";
        }
      comma = "";
      af_buf_str(&s->world, af_str("], \"images\": ["));
      for (int i = 0; i < s->n_images; i++)
        if (strcmp(kinds[s->images[i].kind].owner, owner) == 0) {
          af_buf_str(&s->world, af_str(comma));
          put_image(s, d, i);
          comma = ", ";
        }
      af_buf_str(&s->world, af_str("]"));
    }
    af_buf_str(&s->world, af_str("}"));
  }
  af_buf_str(&s->world, af_str("}}"));
}

/* Where AWS doesn't say what it does, the seed chooses. */
static const char *const switches[] = {"register_keeps_billing", /* the first, since a copy's end depends on it */
                                       "copy_image_unique_name", "copy_image_uses_snapshot_slots", "copy_needs_launch_permission",
                                       "copy_same_key_for_foreign", "marketplace_copy_refused", "billing_copy_refused",
                                       "retired_grant_fails_running_copy", "cancelled_copy_leaves_snapshots", "pending_image_shows_snapshots",
                                       "create_image_keeps_imds", "create_image_while_stopping"};

static void put_uncertain(struct scene *s, struct draw *d) {
  af_buf_str(&s->world, af_str("\"uncertain\": {"));
  for (size_t i = 0; i < COUNT_OF(switches); i++) af_buf_printf(&s->world, "\"%s\": %s, ", switches[i], s->switches & (1u << i) ? "true" : "false");
  af_buf_printf(&s->world, "\"client_token_lifetime\": %d}, ", chance(d, 50) ? 0 : 3600);
}

/* One latency of cloudsim is that of grants and of bucket policies; AWS takes minutes for the first, but never longer than the
 * consistency window for the second. */
static bool has_bundle(const struct scene *s) {
  for (int i = 0; i < s->n_images; i++)
    if (s->images[i].kind == SCENE_BUNDLE) return true;
  return false;
}

static void put_world(struct scene *s, struct draw *d) {
  af_buf_str(&s->world, af_str("{\"version\": 1, \"regions\": [\"us-east-1\", \"eu-west-1\", \"ap-southeast-2\"], "
                               "\"audit\": {\"copy_tag\": \"amiferry:copy\", \"step_tag\": \"amiferry:step\"}, "));
  /* One draw a statement: in what order arguments are evaluated is the compiler's choice, and a seed must mean one scene. */
  int lag = below(d, 15), grants = below(d, has_bundle(s) ? 20 : 200), key = 2 + below(d, 10), registration = 2 + below(d, 30), start = below(d, 60),
      least = 1 + below(d, 60), speed = 20 + below(d, 400), deregistered = below(d, 15), deleted = below(d, 15);
  bool throttles = chance(d, 80);
  int snapshots = chance(d, 30) ? 3 + below(d, 4) : 20, images = chance(d, 20) ? 1 + below(d, 3) : 300;
  af_buf_printf(&s->world,
                "\"latencies\": {\"read_lag\": [0, %d], \"grant_propagation\": [0, %d], \"key_check\": [1, %d], \"image_registration\": [1, %d], "
                "\"copy_start\": [0, %d], \"copy_min\": %d, \"copy_mib_per_s\": %d, \"deregistered_visible\": %d, \"deleted_visible\": %d}, ",
                lag, grants, key, registration, start, least, speed, deregistered, deleted);
  af_buf_printf(&s->world, "\"quotas\": {\"throttle\": %s, \"snapshot_copies\": %d, \"image_copies\": %d}, ", throttles ? "true" : "false", snapshots, images);
  af_buf_printf(&s->world, "\"sts\": {\"session_seconds\": %d}, ", chance(d, 50) ? 900 : 3600);
  put_uncertain(s, d);
  af_buf_str(&s->world, af_str("\"accounts\": ["));
  put_account(s, d, "111111111111", false);
  af_buf_str(&s->world, af_str(", "));
  put_account(s, d, "222222222222", true);
  af_buf_str(&s->world, af_str(", "));
  put_account(s, d, "333333333333", false);
  af_buf_str(&s->world, af_str(", "));
  put_account(s, d, "444444444444", true);
  af_buf_str(&s->world, af_str("]}"));
}

/* --- the manifest --- */

static bool is_pulled(enum scene_kind k) {
  return k == SCENE_GIVEN || k == SCENE_LAUNCH_ONLY;
}

static const char *target_profile(bool elsewhere) {
  return elsewhere ? "elsewhere" : "to";
}

static void put_source(struct af_buf *out, const struct scene_copy *c, enum scene_kind kind) {
  af_buf_printf(out, "\"source\": {\"image\": \"ami-%017d\", \"region\": \"" HOME "\"", c->image);
  if (is_pulled(kind)) af_buf_str(out, af_str(", \"credentials\": \"none\""));
  else af_buf_printf(out, ", \"profile\": \"%s\"", kind == SCENE_OWN ? "to" : "from");
  if (c->bridge_key) af_buf_str(out, af_str(", \"bridge_key\": \"alias/amis\""));
  af_buf_str(out, af_str("}"));
}

/* What a manifest says of copy i beside its source. */
static void put_rest(struct af_buf *out, const struct scene *s, int i) {
  static const char *const settings[] = {", \"deprecation\": \"365d\"", ", \"deregistration_protection\": \"enabled\"",
                                         ", \"tags\": {\"from\": \"manifest\"}"};
  const struct scene_copy *c = &s->copies[i];
  af_buf_printf(out, ", \"target\": {\"profile\": \"%s\", \"region\": \"%s\"%s}, \"name\": \"c%d {name}\", \"route\": %s, \"launch\": {\"kms_key\": \"alias/amis\"}", target_profile(c->elsewhere), c->region,
                c->key ? ", \"kms_key\": \"alias/amis\"" : "", i, c->route);
  if (c->settings & 1)
    af_buf_printf(out, ", \"launch_permissions\": {\"accounts\": [\"333333333333\"]%s}",
                  c->settings & 2 && !is_encrypted(s, c->image) && !c->key ? ", \"snapshots\": true" : "");
  for (int k = 0; k < 3; k++)
    if (c->settings & (4 << k)) af_buf_str(out, af_str(settings[k]));
  af_buf_str(out, af_str("}"));
}

static void put_copy(struct af_buf *out, const struct scene *s, int i) {
  const struct scene_copy *c = &s->copies[i];
  enum scene_kind kind = s->images[c->image].kind;
  af_buf_str(out, af_str("{"));
  put_source(out, c, kind);
  if (is_pulled(kind)) af_buf_str(out, af_str(", \"trusted_owners\": [\"333333333333\"]"));
  put_rest(out, s, i);
}

void scene_chain(struct scene *s, int i, int of, const char *image, struct af_buf *out) {
  const struct scene_chained *link = &s->chained[i];
  struct scene_copy *c = &s->copies[SCENE_COPIES + i];
  enum scene_kind kind = s->images[s->copies[of].image].kind;
  bool plain = kind == SCENE_PLAIN || kind == SCENE_OWN || kind == SCENE_GIVEN; /* what else there is may have been launched, under a key */
  bool key = kind != SCENE_BUNDLE && (link->key || !plain || s->copies[of].key || strcmp(s->copies[of].route, "\"auto\"") != 0);
  *c = (struct scene_copy){.image = s->copies[of].image, .region = link->region, .elsewhere = link->elsewhere, .key = key, .route = "\"auto\"", .settings = link->settings};
  af_buf_printf(out, "{\"source\": {\"image\": \"%s\", \"region\": \"%s\", \"profile\": \"%s\"}", image, s->copies[of].region, target_profile(s->copies[of].elsewhere));
  put_rest(out, s, SCENE_COPIES + i);
}

static void put_manifest(struct af_buf *out, const struct scene *s, int step) {
  const char *comma = "";
  af_buf_str(out, af_str("{\"version\": 1, \"copies\": ["));
  for (int i = 0; i < s->n_copies; i += step) {
    if (!scene_has(s, i)) continue;
    af_buf_str(out, af_str(comma));
    put_copy(out, s, i);
    comma = ", ";
  }
  af_buf_str(out, af_str("]}"));
}

#define REENCRYPT_ONLY "[\"reencrypt\"]"

/* What it must end with, told from the world alone. */
static const char *refusal(const struct scene *s, const struct scene_copy *c) {
  if (s->images[c->image].kind == SCENE_DEFAULT_KEY && !c->bridge_key) return "SourceUnderAwsManagedKey";
  if (is_encrypted(s, c->image) && !c->key) return "KmsKeyMissing";
  bool loses_billing = s->images[c->image].kind == SCENE_RHEL && strcmp(c->route, REENCRYPT_ONLY) == 0 && !(s->switches & 1);
  return loses_billing ? "VerifyDifference" : NULL;
}

static void draw_copy(struct scene *s, struct draw *d, int i) {
  struct scene_copy *c = &s->copies[i];
  c->image = below(d, s->n_images);
  c->region = regions[below(d, (int)COUNT_OF(regions))];
  enum scene_kind kind = s->images[c->image].kind;
  c->key = is_encrypted(s, c->image) ? !chance(d, 4) : chance(d, 40);
  c->bridge_key = kind == SCENE_DEFAULT_KEY && !chance(d, 5);
  bool reencrypt = c->key && kind != SCENE_TPM && !kinds[kind].billed && kind != SCENE_LAUNCH_ONLY && kind != SCENE_OWN;
  if (kind == SCENE_BUNDLE) c->key = false;
  c->route = chance(d, 85) || kind == SCENE_BUNDLE ? "\"auto\"" : reencrypt && chance(d, 50) ? "[\"reencrypt\", \"launch-image\"]" : "[\"launch-image\"]";
  if (c->key && kind == SCENE_RHEL && chance(d, 40)) c->route = REENCRYPT_ONLY;
  c->settings = chance(d, 60) ? 0 : below(d, 32);
  c->fails = refusal(s, c);
  if (kind == SCENE_MARKET && scene_has(s, i)) s->mild = false;
}

/* --- all of it --- */

static void draw_images(struct scene *s, struct draw *d) {
  s->n_images = 1 + below(d, SCENE_IMAGES);
  for (int i = 0; i < s->n_images; i++) {
    s->images[i].kind = (enum scene_kind)below(d, SCENE_KINDS_);
    s->images[i].volumes = 1 + below(d, 3);
    s->images[i].shared_before = chance(d, 20);
  }
  for (int i = 0; i < s->n_images; i++)
    if (s->images[i].kind == SCENE_BUNDLE) s->images[i].volumes = 0;
}

static void draw_trouble(struct scene *s, struct draw *d) {
  s->n_faults = chance(d, 25) ? 0 : below(d, SCENE_FAULTS + 1);
  for (int i = 0; i < s->n_faults; i++) draw_fault(s, d, i);
  s->n_deaths = chance(d, 30) ? 0 : below(d, SCENE_DEATHS + 1);
  for (int i = 0; i < s->n_deaths; i++) {
    s->deaths[i].how = (enum rig_death)(RIG_LIVES + 1 + below(d, RIG_DEATH_MAX_ - 1));
    s->deaths[i].at = (uint64_t)magnitude(d, 8);
    s->deaths[i].pause_ms = magnitude(d, 24);
  }
  s->n_wishes = chance(d, 75) ? 0 : 1 + below(d, SCENE_WISHES);
  for (int i = 0; i < s->n_wishes; i++) {
    s->wishes[i].kind = chance(d, 40) ? WISH_GIVE_UP : (enum scene_wish_kind)below(d, WISH_GIVE_UP);
    s->wishes[i].life = below(d, 3);
    s->wishes[i].turn = (int)magnitude(d, 12);
    s->wishes[i].copy = below(d, s->n_copies);
  }
  s->overlaps = chance(d, 20) && scene_has(s, SCENE_FLAGS);
  s->again = chance(d, 25) && scene_has(s, SCENE_FLAGS + 1);
  s->undone = chance(d, 25) && scene_has(s, SCENE_FLAGS + 2);
  s->latency_ms = magnitude(d, 10);
}

static void draw_key(struct scene *s, struct draw *d) {
  bool strikes = chance(d, 12), source = chance(d, 40), lasts = chance(d, 50);
  const char *region = regions[below(d, (int)COUNT_OF(regions))];
  int life = below(d, 2), turn = (int)magnitude(d, 10), turns = (int)magnitude(d, 9);
  if (!strikes || !scene_has(s, SCENE_KEY)) return;
  s->key = (struct scene_key){source ? "111111111111" : "222222222222", source ? HOME : region, life, turn, lasts ? 0 : turns};
  s->mild = false;
}

static int64_t draw_wrong(struct draw *d, int percent, int bits) {
  bool strikes = chance(d, percent), behind = chance(d, 50);
  int64_t ms = 1000 * magnitude(d, bits);
  return !strikes ? 0 : behind ? -ms : ms;
}

static void draw_clock(struct scene *s, struct draw *d) {
  int64_t wrong = draw_wrong(d, 12, 15), set = draw_wrong(d, 50, 15);
  int after = chance(d, 80) ? 0 : 1 + below(d, 3);
  if (scene_has(s, SCENE_CLOCK)) s->wrong_ms = wrong;
  if (scene_has(s, SCENE_CLOCK + 1)) s->set_after = after, s->set_ms = set;
}

static void draw_hand(struct scene *s, struct draw *d) {
  static const char *const steps[] = {"grant-key",     "share-snapshot",  "share-image", "copy-snapshot",    "copy-image",
                                      "register-image", "security-group", "launch-instance", "create-hop-image", "create-image", "bridge-image"};
  bool strikes = chance(d, 15);
  struct scene_hand hand = {.step = steps[below(d, (int)COUNT_OF(steps))], .life = below(d, 2), .turn = (int)magnitude(d, 9)};
  if (!strikes || !scene_has(s, SCENE_HAND)) return;
  s->hand = hand;
  s->mild = false;
}

static void draw_sequel(struct scene *s, struct draw *d) {
  for (int i = 0; i < s->n_copies; i++) s->copies[i].elsewhere = chance(d, 20) && !is_pulled(s->images[s->copies[i].image].kind);
  s->verified = chance(d, 25) && scene_has(s, SCENE_FLAGS + 3);
  s->n_chained = chance(d, 70) ? 0 : 1 + below(d, SCENE_CHAINED);
  for (int i = 0; i < s->n_chained; i++) {
    struct scene_chained *c = &s->chained[i];
    c->of = (unsigned)below(d, 1000);
    c->region = regions[below(d, (int)COUNT_OF(regions))];
    c->elsewhere = chance(d, 25);
    c->key = chance(d, 60);
    c->settings = chance(d, 60) ? 0 : below(d, 32);
  }
  draw_key(s, d);
  draw_clock(s, d);
  draw_hand(s, d);
}

bool scene_has(const struct scene *s, int part) {
  return s->kept & (UINT64_C(1) << part);
}

void scene_draw(struct scene *ret, uint64_t seed, uint64_t kept) {
  struct draw d;
  af_random_seed(&d.r, seed);
  *ret = (struct scene){.seed = seed, .kept = kept, .mild = true};
  af_buf_init(&ret->world, 1 << 20);
  af_buf_init(&ret->manifest, 1 << 16);
  af_buf_init(&ret->second, 1 << 16);
  ret->switches = (unsigned)below(&d, 1 << COUNT_OF(switches));
  draw_images(ret, &d);
  ret->n_copies = 1 + below(&d, SCENE_COPIES);
  for (int i = 0; i < ret->n_copies; i++) draw_copy(ret, &d, i);
  draw_trouble(ret, &d);
  put_world(ret, &d);
  draw_sequel(ret, &d);
  put_manifest(&ret->manifest, ret, 1);
  put_manifest(&ret->second, ret, 2);
  if (!strstr(af_buf_cstr(&ret->second), "image")) ret->overlaps = false;
}

void scene_done(struct scene *s) {
  af_buf_done(&s->world);
  af_buf_done(&s->manifest);
  af_buf_done(&s->second);
}

void scene_faults(const struct scene *s, struct af_buf *out) {
  const char *comma = "";
  af_buf_str(out, af_str("["));
  for (int i = 0; i < s->n_faults; i++) {
    if (!scene_has(s, SCENE_COPIES + i)) continue;
    af_buf_printf(out, "%s%s", comma, s->faults[i]);
    comma = ", ";
  }
  af_buf_str(out, af_str("]"));
}

void scene_print(const struct scene *s, FILE *out) {
  static const char *const deaths[RIG_DEATH_MAX_] = {
      [RIG_DIES_BEFORE] = "before call", [RIG_DIES_AFTER] = "after call", [RIG_DIES_UNCOMMITTED] = "before commit", [RIG_DIES_COMMITTED] = "after commit"};
  static const char *const wishes[WISH_MAX_] = {
      [WISH_CANCEL] = "cancels", [WISH_INTERRUPT] = "presses Ctrl-C at", [WISH_RETRY] = "retries", [WISH_GIVE_UP] = "gives up what is blocked, be it"};
  for (int i = 0; i < s->n_copies; i++) {
    const struct scene_copy *c = &s->copies[i];
    const struct scene_image *im = &s->images[c->image];
    if (scene_has(s, i))
      fprintf(out, "  copy %d: %s (image %d, %d volumes%s) to %s%s%s%s, route %s, settings %d%s%s\n", i, kinds[im->kind].name, c->image, im->volumes,
              im->shared_before ? ", shared before" : "", c->region, c->elsewhere ? " elsewhere" : "", c->key ? " under a key" : "", c->bridge_key ? ", bridge key" : "", c->route, c->settings,
              c->fails ? ", must fail: " : "", c->fails ? c->fails : "");
  }
  int at = SCENE_COPIES;
  for (int i = 0; i < s->n_faults; i++)
    if (scene_has(s, at + i)) fprintf(out, "  fault %s\n", s->faults[i]);
  at += SCENE_FAULTS;
  for (int i = 0; i < s->n_deaths; i++)
    if (scene_has(s, at + i))
      fprintf(out, "  dies %s %llu, is started again after %.1f s\n", deaths[s->deaths[i].how], (unsigned long long)s->deaths[i].at, (double)s->deaths[i].pause_ms / 1000);
  at += SCENE_DEATHS;
  for (int i = 0; i < s->n_wishes; i++)
    if (scene_has(s, at + i)) fprintf(out, "  in life %d, at turn %d, a person %s copy %d\n", s->wishes[i].life, s->wishes[i].turn, wishes[s->wishes[i].kind], s->wishes[i].copy);
  if (s->wrong_ms) fprintf(out, "  the clock is %.0f s ahead of AWS's\n", (double)s->wrong_ms / 1000);
  if (s->set_after) fprintf(out, "  after life %d it is set to be %.0f s ahead\n", s->set_after - 1, (double)s->set_ms / 1000);
  if (s->key.owner)
    fprintf(out, "  in life %d, at turn %d, the key of %s in %s is disabled, for %d turns (0: until it is mended)\n", s->key.life, s->key.turn, s->key.owner, s->key.region,
            s->key.turns);
  if (s->hand.step) fprintf(out, "  in life %d, from turn %d on, somebody removes what a step %s made or opened\n", s->hand.life, s->hand.turn, s->hand.step);
  for (int i = 0; i < s->n_chained; i++)
    if (scene_has(s, SCENE_LINKS + i))
      fprintf(out, "  copy %d: of what copy no. %u of those that arrive has made, to %s%s%s, settings %d\n", SCENE_COPIES + i, s->chained[i].of, s->chained[i].region, s->chained[i].elsewhere ? " elsewhere" : "",
              s->chained[i].key ? " under a key" : "", s->chained[i].settings);
  fprintf(out, "  %s%s%s%s\n", s->overlaps ? "a second manifest overlaps; " : "", s->verified ? "what arrived is verified; " : "", s->again ? "it is run again; " : "",
          s->undone ? "one copy is taken back" : "");
}
