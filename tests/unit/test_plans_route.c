/* plans/route.h: each route, refusal and warning by name. Every combination of what a source can be is in test_plans_truth.c. */
#include "base/buf.h"
#include "plans/bundle.h"
#include "tests/unit/facts_fixture.h"

/* --- one case with its spec --- */

struct trial {
  struct af_facts facts;
  struct af_copy_spec spec;
  json_t *tried; /* NULL: nothing was */
  struct af_decision got;
};

static void trial_init(struct trial *t, const char *key, const char *route) {
  t->tried = NULL;
  facts_plain(&t->facts);
  spec_init(&t->spec, key, route);
  if (key)
    give_target_key(&t->facts);
}

static void trial_done(struct trial *t) {
  json_decref(t->tried);
  af_facts_done(&t->facts);
  af_copy_spec_done(&t->spec);
}

static const char *outcome(const struct af_decision *d) {
  return d->route == AF_ROUTE_NONE ? d->refusal.code : af_route_name(d->route);
}

/* What holds for every decision, whatever it is. */
static void check_laws(const struct trial *t) {
  const struct af_decision *d = &t->got;
  bool refused = d->route == AF_ROUTE_NONE;
  assert_true(refused == (d->refusal.class != AF_CLASS_NONE));
  assert_true(*d->reason != 0);
  assert_true(d->encrypt == (*d->key_arn != 0));
  assert_true((d->route == AF_ROUTE_ADOPT || d->route == AF_ROUTE_SKIP) == (*d->adopted_image != 0));
  if (refused) {
    assert_true(d->refusal.class == AF_CLASS_AUTH || d->refusal.class == AF_CLASS_REFUSED ||
                d->refusal.class == AF_CLASS_INVALID);
    assert_true(*d->refusal.code && *d->refusal.message && *d->refusal.hint);
    bool target = af_str_starts(af_str(d->refusal.code), "TargetKey") || af_streq(d->refusal.code, "NameTaken");
    assert_true(*d->refusal.resource != 0);
    assert_string_equal(d->refusal.region, target ? t->spec.target.region : t->spec.source.region);
    assert_true(*d->refusal.account || !*t->facts.source_account);
    if (t->facts.image && !t->facts.pull && !af_str_starts(af_str(d->refusal.code), "Launch"))
      assert_string_equal(d->refusal.account, target ? t->facts.target_account : t->facts.source_account);
    assert_memory_equal(d->reason, d->refusal.message, 40);
    assert_int_equal(d->n_warnings, 0);
  } else {
    assert_true(*d->name != 0);
  }
  for (int i = 0; i < d->n_warnings; i++)
    assert_true(strlen(d->warnings[i]) > 20 && strlen(d->warnings[i]) < sizeof d->warnings[0] - 1);
}

static void decide(struct trial *t) {
  memset(&t->got, 0xA5, sizeof t->got);
  af_route_decide(&t->spec, &t->facts, t->tried, &t->got);
  check_laws(t);
}

#define assert_refused(t, class_, code_, part)                                                                                   \
  do {                                                                                                                           \
    decide(t);                                                                                                                   \
    assert_string_equal(outcome(&(t)->got), (code_));                                                                            \
    assert_int_equal((t)->got.refusal.class, AF_CLASS_##class_);                                                                 \
    assert_contains((t)->got.refusal.message, (part));                                                                           \
  } while (0)

static bool warned(const struct af_decision *d, const char *part) {
  for (int i = 0; i < d->n_warnings; i++)
    if (strstr(d->warnings[i], part))
      return true;
  return false;
}

enum holder { NOBODY, OURS, OURS_OTHER_KEY, OURS_OTHER_SOURCE, SOMEBODY };

static void set_holder(struct trial *t, int holder, bool key) {
  if (holder == NOBODY)
    return;
  json_t *h =
      json_of("{'ImageId': 'ami-0fedcba9876543210', 'OwnerId': '" TARGET_ACCOUNT "', 'Tags': [{'Key': 'team', 'Value': 'x'}]}");
  json_t *tags = json_object_get(h, "Tags");
  put(h, "State", "'available'");
  if (holder != SOMEBODY)
    json_array_append_new(tags,
                          json_pack("{s:s, s:s}", "Key", AF_TAG_SOURCE, "Value",
                                    holder == OURS_OTHER_SOURCE ? "us-east-1/ami-0000000000000000f" : "us-east-1/" SOURCE_IMAGE));
  if (key != (holder == OURS_OTHER_KEY))
    json_array_append_new(tags, json_pack("{s:s, s:s}", "Key", AF_TAG_KEY, "Value", TARGET_KEY));
  hold_name(&t->facts, h);
}

/* --- routes by name --- */

TEST(an_image_of_the_target_account_is_copied_directly) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  own_all(&t.facts, TARGET_ACCOUNT);
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  assert_false(t.got.cross_account);
  assert_string_equal(t.got.reason,
                      "owned by the target account 222222222222, not encrypted: CopyImage reads its storage directly");
  assert_int_equal(t.got.n_warnings, 0);
  trial_done(&t);
}

TEST(a_shared_image_without_encryption_is_copied_and_its_launch_permission_is_warned_of) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  assert_true(t.got.cross_account);
  assert_false(t.got.encrypt);
  assert_contains(t.got.reason, "shared by 111111111111, not encrypted");
  assert_true(warned(&t.got, "whoever may launch an image can also make an AMI of the instance"));
  trial_done(&t);
}

TEST(a_shared_image_without_encryption_is_encrypted_when_a_key_is_named) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  assert_true(t.got.encrypt);
  assert_string_equal(t.got.key_arn, TARGET_KEY);
  trial_done(&t);
}

TEST(a_shared_image_under_a_customer_key_is_reencrypted) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  encrypt_all(&t.facts, SOURCE_KEY, "CUSTOMER");
  decide(&t);
  assert_string_equal(outcome(&t.got), "reencrypt");
  assert_contains(t.got.reason, "shared by 111111111111, encrypted under a customer key: each snapshot is copied");
  assert_false(warned(&t.got, "launch"));
  trial_done(&t);
}

TEST(nitrotpm_with_uefi_preferred_goes_by_copy_image_and_says_why) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  encrypt_all(&t.facts, SOURCE_KEY, "CUSTOMER");
  put(t.facts.image, "TpmSupport", "'v2.0'");
  put(t.facts.image, "BootMode", "'uefi-preferred'");
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  assert_true(t.got.encrypt);
  assert_contains(t.got.reason, "RegisterImage cannot express NitroTPM");
  put(t.facts.image, "BootMode", "'uefi'");
  decide(&t);
  assert_string_equal(outcome(&t.got), "reencrypt");
  trial_done(&t);
}

TEST(an_image_of_the_target_under_aws_ebs_is_copied_under_the_named_key) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  encrypt_all(&t.facts, AWS_KEY, "AWS");
  own_all(&t.facts, TARGET_ACCOUNT);
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  assert_true(t.got.encrypt);
  trial_done(&t);
}

TEST(a_volume_without_encryption_beside_encrypted_ones_is_named) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  encrypt_snapshot(&t.facts, 1, SOURCE_KEY);
  add_source_key(&t.facts, SOURCE_KEY, "CUSTOMER");
  decide(&t);
  assert_string_equal(outcome(&t.got), "reencrypt");
  assert_contains(t.got.reason, "partly encrypted under a customer key");
  assert_true(warned(&t.got, "snap-00000000000000001"));
  trial_done(&t);
}

TEST(empty_and_ephemeral_volumes_need_nothing) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  put(ebs_of(t.facts.image, 2), "Encrypted", "true");
  json_array_append_new(json_object_get(t.facts.image, "BlockDeviceMappings"),
                        json_of("{'DeviceName': '/dev/xvde', 'NoDevice': '', 'Ebs': {'SnapshotId': 'snap-00000000000000009'}}"));
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  trial_done(&t);
}

TEST(the_name_is_the_manifests_or_the_sources) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  decide(&t);
  assert_string_equal(t.got.name, "web-1");
  spec_set(&t.spec.name, "other");
  decide(&t);
  assert_string_equal(t.got.name, "other");
  put(t.facts.image, "Name", NULL);
  spec_set(&t.spec.name, NULL);
  assert_refused(&t, INVALID, "NameMissing", "no name");
  trial_done(&t);
}

/* rules.md 1.2, 2.4 */
TEST(what_registering_would_lose_goes_by_copy_image_and_says_why) {
  static const struct {
    const char *member, *value, *allowed, *why;
  } rows[] = {
      {"KernelId", "'aki-919dcaf8'", NULL, "would need the kernel's id in the target's Region"},
      {"RamdiskId", "'ari-42b95a2b'", NULL, "would need the kernel's id in the target's Region"},
      {"ImageWatermarks", "[{'WatermarkKey': 'golden'}]", "watermark", "loses the image's watermarks"},
      {"ImageWatermarks", "[{'WatermarkKey': 'golden'}]", "watermark[golden]", "loses the image's watermarks"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct trial t;
    trial_init(&t, "alias/amis", "auto");
    encrypt_all(&t.facts, SOURCE_KEY, "CUSTOMER");
    put(t.facts.image, rows[i].member, rows[i].value);
    decide(&t);
    assert_string_equal(outcome(&t.got), "copy-image");
    assert_contains(t.got.reason, rows[i].why);
    spec_route(&t.spec, "reencrypt");
    assert_refused(&t, INVALID, "RouteNotPossible", rows[i].why);
    if (rows[i].allowed)
      json_array_append_new(t.spec.allow_differences, json_string(rows[i].allowed));
    else
      spec_set(&t.spec.source.region, "eu-west-1"); /* where the kernel is to be, too */
    decide(&t);
    assert_string_equal(outcome(&t.got), "reencrypt");
    trial_done(&t);
  }
}

TEST(an_empty_volume_that_is_encrypted_is_not_launched_without_a_key) {
  struct trial t;
  trial_init(&t, NULL, "launch-image");
  put(ebs_of(t.facts.image, 2), "Encrypted", "true");
  assert_refused(&t, INVALID, "KmsKeyMissing", "/dev/xvdc, an empty volume that is encrypted");
  put(ebs_of(t.facts.image, 2), "Encrypted", "false");
  decide(&t);
  assert_string_equal(outcome(&t.got), "launch-image");
  trial_done(&t);
}

TEST(a_named_route_is_followed_or_refused_with_the_reason) {
  struct trial t;
  trial_init(&t, "alias/amis", "copy-image");
  encrypt_all(&t.facts, SOURCE_KEY, "CUSTOMER");
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  assert_contains(t.got.reason, "the manifest names this route");
  spec_route(&t.spec, "reencrypt");
  put(t.facts.image, "TpmSupport", "'v2.0'");
  put(t.facts.image, "BootMode", "'uefi-preferred'");
  assert_refused(&t, INVALID, "RouteNotPossible", "cannot express NitroTPM");
  put(t.facts.image, "BootMode", NULL);
  put(t.facts.image, "BlockDeviceMappings", "[]");
  assert_refused(&t, INVALID, "RouteNotPossible", "the image has none");
  spec_route(&t.spec, "store-restore");
  assert_refused(&t, INVALID, "RouteUnknown", "store-restore");
  spec_route(&t.spec, "adopt");
  assert_refused(&t, INVALID, "RouteUnknown", "adopt");
  trial_done(&t);
  trial_init(&t, NULL, "reencrypt");
  assert_refused(&t, INVALID, "RouteNotPossible", "names no target.kms_key");
  trial_done(&t);
}

TEST(route_names_are_read_back) {
  for (int r = AF_ROUTE_ADOPT; r < AF_ROUTE_MAX_; r++) {
    enum af_route back = AF_ROUTE_NONE;
    assert_int_equal(af_route_parse(af_route_name(r), &back), 0);
    assert_int_equal(back, r);
  }
  enum af_route r;
  assert_int_equal(af_route_parse("none", &r), -AF_EINVAL);
  assert_int_equal(af_route_parse("", &r), -AF_EINVAL);
}

/* --- what is there already --- */

TEST(an_earlier_copy_of_ours_is_adopted_even_when_the_source_is_gone) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  encrypt_all(&t.facts, SOURCE_KEY, "CUSTOMER");
  set_holder(&t, OURS, true);
  put(t.facts.image, "State", "'deregistered'");
  put(json_array_get(t.facts.source_keys, 0), "KeyState", "'PendingDeletion'");
  decide(&t);
  assert_string_equal(outcome(&t.got), "adopt");
  assert_string_equal(t.got.adopted_image, "ami-0fedcba9876543210");
  assert_string_equal(t.got.key_arn, TARGET_KEY);
  assert_contains(t.got.reason, "ami-0fedcba9876543210");
  trial_done(&t);
}

TEST(a_name_that_something_else_holds_is_refused_with_its_id) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  set_holder(&t, SOMEBODY, false);
  assert_refused(&t, REFUSED, "NameTaken",
                 "already taken in account 222222222222 by ami-0fedcba9876543210, something that is not ours");
  put(holder_of(&t.facts), "ImageId", "'" SOURCE_IMAGE "'");
  assert_refused(&t, REFUSED, "NameTaken", "it is the source itself");
  set_holder(&t, OURS_OTHER_SOURCE, false);
  assert_refused(&t, REFUSED, "NameTaken", "a copy of another source: us-east-1/ami-0000000000000000f");
  set_holder(&t, OURS_OTHER_KEY, false);
  assert_refused(&t, REFUSED, "NameTaken", "a copy of the same source under the key " TARGET_KEY);
  trial_done(&t);
}

TEST(a_snapshots_provenance_is_not_an_images) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  set_holder(&t, OURS, false);
  json_array_set_new(json_object_get(holder_of(&t.facts), "Tags"), 1,
                     json_pack("{s:s, s:s}", "Key", AF_TAG_SOURCE, "Value", "us-east-1/" SOURCE_IMAGE "/snap-1"));
  assert_refused(&t, REFUSED, "NameTaken", "another source");
  trial_done(&t);
}

TEST(a_holder_in_another_state_is_judged_by_it) {
  static const struct {
    const char *state, *outcome, *hint;
  } rows[] = {
      {"'available'", "adopt", NULL},
      {"'pending'", "adopt", NULL},
      {"'transient'", "adopt", NULL},
      {"'failed'", "NameHeldByBrokenCopy", "deregister ami-0fedcba9876543210"},
      {"'error'", "NameHeldByBrokenCopy", "deregister ami-0fedcba9876543210"},
      {"'invalid'", "NameHeldByBrokenCopy", "deregister ami-0fedcba9876543210"},
      {"'disabled'", "NameHeldByBrokenCopy", "enable ami-0fedcba9876543210"},
      {NULL, "NameHeldByBrokenCopy", "deregister ami-0fedcba9876543210"},
      {"'deregistered'", "copy-image", NULL},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct trial t;
    trial_init(&t, NULL, "auto");
    set_holder(&t, OURS, false);
    put(holder_of(&t.facts), "State", rows[i].state);
    decide(&t);
    assert_string_equal(outcome(&t.got), rows[i].outcome);
    if (rows[i].hint)
      assert_contains(t.got.refusal.hint, rows[i].hint);
    trial_done(&t);
  }
}

/* --- refusals by name --- */

TEST(a_source_that_is_not_available_is_refused_with_its_state) {
  static const struct {
    const char *state, *hint;
  } rows[] = {{"pending", "when it is available"}, {"transient", "when it is available"}, {"disabled", "EnableImage"},
              {"deregistered", "it is gone"},      {"failed", "cannot be used"},          {"invalid", "cannot be used"},
              {"error", "cannot be used"}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct trial t;
    trial_init(&t, NULL, "auto");
    json_object_set_new(t.facts.image, "State", json_string(rows[i].state));
    put(t.facts.image, "StateReason", "{'Code': 'x', 'Message': 'Copy image failed'}");
    assert_refused(&t, REFUSED, "SourceNotAvailable", rows[i].state);
    assert_contains(t.got.refusal.message, "Copy image failed");
    assert_contains(t.got.refusal.hint, rows[i].hint);
    trial_done(&t);
  }
}

TEST(snapshots_that_cannot_be_copied_are_named) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  put(json_array_get(t.facts.snapshots, 1), "State", "'pending'");
  assert_refused(&t, REFUSED, "SnapshotNotCompleted", "snap-00000000000000002 is pending");
  put(json_array_get(t.facts.snapshots, 1), "StorageTier", "'archive'");
  assert_refused(&t, REFUSED, "SnapshotArchived", "snap-00000000000000002");
  put(json_array_get(t.facts.snapshots, 1), "OwnerId", "'333333333333'");
  assert_refused(&t, REFUSED, "SnapshotOfAnotherAccount", "333333333333");
  json_array_remove(t.facts.snapshots, 1);
  assert_refused(&t, AUTH, "SnapshotUnreadable", "snap-00000000000000002");
  trial_done(&t);
}

TEST(a_shared_source_under_aws_ebs_is_refused_with_the_way_out) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  encrypt_all(&t.facts, AWS_KEY, "AWS");
  assert_refused(&t, INVALID, "SourceUnderAwsManagedKey", "can be shared with nobody");
  assert_contains(t.got.refusal.hint, "write source.bridge_key: a customer key of account 111111111111 in us-east-1");
  trial_done(&t);
}

TEST(an_encrypted_source_without_a_target_key_is_refused) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  encrypt_all(&t.facts, SOURCE_KEY, "CUSTOMER");
  assert_refused(&t, INVALID, "KmsKeyMissing", "names no key");
  assert_contains(t.got.refusal.hint, "target.kms_key");
  own_all(&t.facts, TARGET_ACCOUNT);
  assert_refused(&t, INVALID, "KmsKeyMissing", "names no key");
  trial_done(&t);
}

TEST(a_source_key_that_is_not_enabled_blocks_the_copy) {
  static const char *const states[] = {"Disabled", "PendingDeletion", "PendingImport", "Unavailable", "Creating"};
  static const char *const hints[] = {"EnableKey", "CancelKeyDeletion", "import", "custom key store", "wait"};
  for (size_t i = 0; i < COUNT(states); i++) {
    struct trial t;
    trial_init(&t, "alias/amis", "auto");
    encrypt_all(&t.facts, SOURCE_KEY, "CUSTOMER");
    json_object_set_new(json_array_get(t.facts.source_keys, 0), "KeyState", json_string(states[i]));
    assert_refused(&t, AUTH, "SourceKeyNotEnabled", states[i]);
    assert_contains(t.got.refusal.hint, hints[i]);
    trial_done(&t);
  }
}

TEST(a_source_key_that_cannot_be_described_blocks_a_shared_copy_and_warns_of_an_own_one) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  encrypt_all(&t.facts, SOURCE_KEY, "CUSTOMER");
  json_array_clear(t.facts.source_keys);
  json_array_append_new(t.facts.source_keys, json_of("{'Arn': '" SOURCE_KEY "', 'Error': 'AccessDeniedException'}"));
  assert_refused(&t, AUTH, "SourceKeyUnreadable", "AccessDeniedException");
  own_all(&t.facts, TARGET_ACCOUNT);
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  assert_true(warned(&t.got, "could not be described"));
  trial_done(&t);
}

TEST(a_target_key_that_cannot_be_used_is_refused_with_the_reason) {
  static const struct {
    const char *key, *code;
    enum af_class class;
    const char *part, *hint;
  } rows[] = {
      {NULL, "TargetKeyUnreadable", AF_CLASS_AUTH, "NotDescribed", "kms:DescribeKey"},
      {"{'KeyId': 'alias/amis', 'Error': 'AccessDeniedException'}", "TargetKeyUnreadable", AF_CLASS_AUTH, "AccessDenied",
       "kms:DescribeKey"},
      {"{'KeyId': 'alias/amis', 'Error': 'NotFoundException'}", "TargetKeyNotFound", AF_CLASS_INVALID, "alias/amis is not there",
       "target.kms_key"},
      {"{'KeyId': 'x', 'KeyState': 'Enabled'}", "TargetKeyUnreadable", AF_CLASS_AUTH, "no ARN", "kms:DescribeKey"},
      {"{'Arn': 'nonsense', 'KeyState': 'Enabled'}", "TargetKeyUnreadable", AF_CLASS_AUTH, "no proper ARN", "kms:DescribeKey"},
      {"{'Arn': 'arn:aws:kms:eu-west-2:222222222222:key/1', 'KeyState': 'Enabled'}", "TargetKeyOtherRegion", AF_CLASS_INVALID,
       "eu-west-2", "target's Region"},
      {"{'Arn': 'arn:aws:kms:eu-west-1:333333333333:key/1', 'KeyState': 'Enabled'}", "TargetKeyOtherAccount", AF_CLASS_INVALID,
       "333333333333", "target account"},
      {"{'Arn': '" TARGET_KEY "', 'KeyState': 'Enabled', 'KeySpec': 'RSA_2048'}", "TargetKeyNotSymmetric", AF_CLASS_INVALID,
       "RSA_2048", "symmetric"},
      {"{'Arn': '" TARGET_KEY "', 'KeyState': 'Enabled', 'CustomerMasterKeySpec': 'RSA_2048'}", "TargetKeyNotSymmetric",
       AF_CLASS_INVALID, "RSA_2048", "symmetric"},
      {"{'Arn': '" TARGET_KEY "', 'KeyState': 'Enabled', 'KeyUsage': 'GENERATE_VERIFY_MAC'}", "TargetKeyUsage", AF_CLASS_INVALID,
       "GENERATE_VERIFY_MAC", "symmetric"},
      {"{'Arn': '" TARGET_KEY "', 'KeyState': 'Disabled'}", "TargetKeyNotEnabled", AF_CLASS_AUTH, "Disabled", "EnableKey"},
      {"{'Arn': '" TARGET_KEY "', 'KeyState': 'PendingDeletion'}", "TargetKeyNotEnabled", AF_CLASS_AUTH, "PendingDeletion",
       "CancelKeyDeletion"},
      {"{'Arn': '" TARGET_KEY "'}", "TargetKeyNotEnabled", AF_CLASS_AUTH, "no known state", "wait"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct trial t;
    trial_init(&t, "alias/amis", "auto");
    json_decref(t.facts.target_key);
    t.facts.target_key = rows[i].key ? json_of(rows[i].key) : NULL;
    decide(&t);
    assert_string_equal(outcome(&t.got), rows[i].code);
    assert_int_equal(t.got.refusal.class, rows[i].class);
    assert_contains(t.got.refusal.message, rows[i].part);
    assert_contains(t.got.refusal.hint, rows[i].hint);
    trial_done(&t);
  }
}

TEST(a_stranger_s_image_is_refused_even_with_its_name_and_publicity) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  own_all(&t.facts, "333333333333");
  put(t.facts.image, "Public", "true");
  assert_refused(&t, REFUSED, "OwnerNotTrusted", "a public image, belongs to account 333333333333");
  put(t.facts.image, "OwnerId", NULL);
  assert_refused(&t, REFUSED, "OwnerNotTrusted", "account unknown");
  trial_done(&t);
}

TEST(other_partitions_and_missing_facts_are_refused) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  AF_COPY(t.facts.target_partition, af_str("aws-cn"));
  assert_refused(&t, REFUSED, "OtherPartition", "partition aws and eu-west-1 in aws-cn");
  t.facts.source_account[0] = 0;
  assert_refused(&t, AUTH, "SourceCredentialsNeeded", "source credentials are needed");
  t.facts.target_account[0] = 0;
  assert_refused(&t, INVALID, "FactsIncomplete", "was not read");
  trial_done(&t);
  spec_init(&t.spec, "alias/amis", "auto");
  af_facts_init(&t.facts);
  assert_refused(&t, INVALID, "FactsIncomplete", SOURCE_IMAGE);
  trial_done(&t);
}

/* --- somebody else's images --- */

/* The facts as the target's credentials read them of an image that account 333333333333 shared. */
static void pull(struct trial *t) {
  t->facts.pull = t->spec.pull = true;
  t->facts.source_account[0] = 0;
  t->facts.uefi_unreadable = true;
  own_all(&t->facts, "333333333333");
  json_array_append_new(t->spec.trusted_owners, json_string("333333333333"));
}

TEST(an_image_whose_storage_is_shared_is_pulled_without_anything_being_opened) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  pull(&t);
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  assert_true(t.got.pull);
  assert_false(t.got.cross_account);
  assert_string_equal(t.got.reason,
                      "shared by 333333333333, which the manifest trusts, not encrypted: CopyImage reads its storage directly");
  json_array_clear(t.facts.snapshots);
  decide(&t);
  assert_string_equal(outcome(&t.got), "launch-image");
  assert_contains(t.got.reason, "an instance of it is launched in the target account");
  trial_done(&t);
}

TEST(who_is_trusted_is_said_by_account_by_alias_or_as_the_expected_owner) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  pull(&t);
  json_array_clear(t.spec.trusted_owners);
  assert_refused(&t, REFUSED, "OwnerNotTrusted", "belongs to account 333333333333");
  assert_contains(t.got.refusal.hint, "trusted_owners");
  put(t.facts.image, "ImageOwnerAlias", "'amazon'");
  put(t.facts.image, "Public", "true");
  json_array_append_new(t.spec.trusted_owners, json_string("amazon"));
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  assert_contains(t.got.reason, "a public image of 333333333333 (amazon), which the manifest trusts");
  spec_set(&t.spec.source.account, "444444444444");
  assert_refused(&t, REFUSED, "OwnerNotTrusted", "the manifest expects one of account 444444444444");
  json_array_clear(t.spec.trusted_owners);
  spec_set(&t.spec.source.account, "333333333333");
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  trial_done(&t);
}

TEST(a_trusted_image_is_pulled_although_the_manifest_names_a_source_account) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  pull(&t);
  t.spec.pull = false; /* there are credentials of 111111111111, which can open nothing of it */
  spec_set(&t.spec.source.account, SOURCE_ACCOUNT);
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  assert_true(t.got.pull && !t.got.cross_account);
  trial_done(&t);
}

TEST(a_pulled_image_under_a_key_that_is_closed_waits_for_its_owner) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  pull(&t);
  encrypt_snapshot(&t.facts, 0, SOURCE_KEY);
  json_array_append_new(t.facts.source_keys, json_of("{'Arn': '" SOURCE_KEY "', 'Error': 'AccessDeniedException'}"));
  assert_refused(&t, AUTH, "SourceKeyUnreadable", "AccessDeniedException");
  assert_contains(t.got.refusal.hint, "ask the key's owner to share it with account 222222222222");
  json_array_clear(t.facts.source_keys);
  add_source_key(&t.facts, SOURCE_KEY, "AWS");
  assert_refused(&t, REFUSED, "SourceUnderAwsManagedKey", "can be shared with nobody");
  assert_contains(t.got.refusal.hint, "ask account 333333333333");
  json_array_clear(t.facts.source_keys);
  add_source_key(&t.facts, SOURCE_KEY, "CUSTOMER");
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  trial_done(&t);
}

/* --- the bridge --- */

#define BRIDGE_KEY "arn:aws:kms:us-east-1:111111111111:key/bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"

static void give_bridge(struct trial *t, const char *arn, const char *manager, const char *state) {
  spec_set(&t->spec.bridge_key, "alias/bridge");
  json_decref(t->facts.bridge_key);
  t->facts.bridge_key = json_pack("{s:s, s:s, s:s}", "Arn", arn, "KeyManager", manager, "KeyState", state);
}

TEST(a_shared_source_under_aws_ebs_goes_over_a_bridge_where_its_key_is_named) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  encrypt_all(&t.facts, AWS_KEY, "AWS");
  give_bridge(&t, BRIDGE_KEY, "CUSTOMER", "Enabled");
  decide(&t);
  assert_string_equal(outcome(&t.got), "reencrypt");
  assert_true(t.got.bridge && t.got.cross_account);
  assert_string_equal(t.got.bridge_key_arn, BRIDGE_KEY);
  assert_contains(t.got.reason, "its owner puts it under the bridge key first; each snapshot is copied");
  own_all(&t.facts, TARGET_ACCOUNT);
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  assert_false(t.got.bridge);
  trial_done(&t);
}

TEST(a_bridge_key_that_cannot_be_used_is_refused_with_the_reason) {
  static const struct {
    const char *arn, *manager, *state, *code, *part;
  } rows[] = {
      {"arn:aws:kms:eu-west-1:111111111111:key/1", "CUSTOMER", "Enabled", "BridgeKeyOtherRegion",
       "not in the source's Region but in eu-west-1"},
      {"arn:aws:kms:us-east-1:222222222222:key/1", "CUSTOMER", "Enabled", "BridgeKeyOtherAccount", "a key of 222222222222"},
      {BRIDGE_KEY, "AWS", "Enabled", "BridgeKeyAwsManaged", "an AWS managed key too"},
      {BRIDGE_KEY, "CUSTOMER", "Disabled", "BridgeKeyNotEnabled", "is not enabled but Disabled"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct trial t;
    trial_init(&t, "alias/amis", "auto");
    encrypt_all(&t.facts, AWS_KEY, "AWS");
    give_bridge(&t, rows[i].arn, rows[i].manager, rows[i].state);
    decide(&t);
    assert_string_equal(outcome(&t.got), rows[i].code);
    assert_contains(t.got.refusal.message, "the bridge key alias/bridge");
    assert_contains(t.got.refusal.message, rows[i].part);
    json_decref(t.facts.bridge_key);
    t.facts.bridge_key = NULL;
    assert_refused(&t, AUTH, "BridgeKeyUnreadable", "NotDescribed");
    trial_done(&t);
  }
}

/* --- the ladder --- */

static void refused_by_aws(struct trial *t, const char *route) {
  if (!t->tried)
    t->tried = json_array();
  json_array_append_new(t->tried,
                        json_pack("{s:s, s:s, s:s}", "route", route, "code", "InvalidRequest", "reason", "billing products"));
}

static void assert_ladder(struct trial *t, const char *want) {
  struct af_buf b;
  af_buf_init(&b, 200);
  af_route_ladder(&t->spec, &t->facts, t->tried, &b);
  assert_string_equal(af_buf_cstr(&b), want);
  af_buf_done(&b);
}

static bool reads_launch(const struct trial *t) {
  return af_route_reads_launch(&t->spec, &t->facts, t->tried);
}

TEST(what_aws_refuses_goes_one_rung_down_and_ends_with_all_reasons) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  decide(&t);
  assert_ladder(&t, "copy-image, then launch-image");
  assert_false(reads_launch(&t));
  refused_by_aws(&t, "copy-image");
  decide(&t);
  assert_string_equal(outcome(&t.got), "launch-image");
  assert_contains(t.got.reason, "; AWS refused copy-image");
  assert_ladder(&t, "launch-image");
  assert_true(reads_launch(&t));
  refused_by_aws(&t, "launch-image");
  assert_refused(&t, REFUSED, "RoutesExhausted",
                 "AWS refused copy-image (InvalidRequest: billing products); AWS refused launch-image");
  assert_ladder(&t, "");
  assert_false(reads_launch(&t));
  trial_done(&t);
}

TEST(what_is_billed_may_be_launched_without_asking_again) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  encrypt_all(&t.facts, SOURCE_KEY, "CUSTOMER");
  decide(&t);
  assert_ladder(&t, "reencrypt, then launch-image");
  assert_false(reads_launch(&t));
  put(t.facts.image, "UsageOperation", "'RunInstances:0002'");
  decide(&t);
  assert_ladder(&t, "copy-image, then launch-image");
  assert_true(reads_launch(&t));
  own_all(&t.facts, TARGET_ACCOUNT);
  assert_ladder(&t, "copy-image, then launch-image");
  put(t.facts.image, "UsageOperation", "'RunInstances'");
  assert_ladder(&t, "copy-image");
  trial_done(&t);
}

TEST(a_list_of_routes_is_the_ladder_in_its_order) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  json_decref(t.spec.routes);
  t.spec.routes = json_of("['launch-image', 'reencrypt', 'launch-image']");
  decide(&t);
  assert_string_equal(outcome(&t.got), "launch-image");
  assert_contains(t.got.reason, "(the manifest names this route)");
  assert_ladder(&t, "launch-image, then reencrypt");
  assert_true(reads_launch(&t));
  refused_by_aws(&t, "launch-image");
  decide(&t);
  assert_string_equal(outcome(&t.got), "reencrypt");
  json_decref(t.spec.routes);
  t.spec.routes = json_of("['reencrypt', 'launch-image']");
  json_array_clear(t.tried);
  decide(&t);
  assert_string_equal(outcome(&t.got), "reencrypt");
  assert_true(reads_launch(&t));
  json_array_append_new(t.spec.routes, json_string("bridge"));
  assert_refused(&t, INVALID, "RouteUnknown", "\"bridge\" is not a route");
  trial_done(&t);
}

TEST(where_no_way_is_left_what_can_be_mended_is_said_to_be) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  pull(&t);
  json_array_clear(t.facts.snapshots);
  put(t.facts.image, "Architecture", "'arm64_mac'");
  json_decref(t.spec.routes);
  t.spec.routes = json_of("['launch-image', 'copy-image']");
  assert_refused(&t, AUTH, "StorageUnreadable", "Dedicated Host");
  assert_contains(t.got.refusal.message, "cannot read snap-00000000000000001");
  assert_contains(t.got.refusal.hint, "createVolumePermission");
  assert_string_equal(t.got.refusal.account, TARGET_ACCOUNT);
  put(t.facts.image, "State", "'disabled'");
  assert_refused(&t, REFUSED, "SourceNotAvailable", "disabled");
  assert_string_equal(t.got.refusal.account, TARGET_ACCOUNT);
  trial_done(&t);
}

TEST(what_cannot_be_launched_is_named) {
  static const struct {
    const char *member, *value, *part;
  } rows[] = {{"Architecture", "'arm64_mac'", "Dedicated Host"},
              {"VirtualizationType", "'paravirtual'", "paravirtual"},
              {"RootDeviceType", "'instance-store'", "in S3"}};
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct trial t;
    trial_init(&t, NULL, "launch-image");
    put(t.facts.image, rows[i].member, rows[i].value);
    assert_refused(&t, REFUSED, "LaunchNotPossible", rows[i].part);
    assert_false(reads_launch(&t));
    spec_route(&t.spec, "auto");
    decide(&t);
    assert_string_equal(outcome(&t.got), "copy-image");
    assert_ladder(&t, "copy-image");
    trial_done(&t);
  }
}

TEST(a_launch_in_another_region_hops_and_one_in_the_targets_does_not) {
  struct trial t;
  trial_init(&t, "alias/amis", "launch-image");
  decide(&t);
  assert_true(t.got.hop && t.got.encrypt_launch);
  assert_string_equal(t.got.launch_key_arn, "");
  spec_set(&t.spec.launch_key, "alias/near");
  t.facts.launch_key = json_of("{'Arn': 'arn:aws:kms:us-east-1:222222222222:key/3', 'KeyState': 'Disabled'}");
  assert_refused(&t, AUTH, "LaunchKeyNotEnabled", "the launch key alias/near is not enabled");
  put(t.facts.launch_key, "KeyState", "'Enabled'");
  decide(&t);
  assert_string_equal(t.got.launch_key_arn, "arn:aws:kms:us-east-1:222222222222:key/3");
  spec_set(&t.spec.target.region, "us-east-1");
  put(t.facts.target_key, "Arn", "'arn:aws:kms:us-east-1:222222222222:key/4'");
  decide(&t);
  assert_false(t.got.hop);
  assert_string_equal(t.got.launch_key_arn, "arn:aws:kms:us-east-1:222222222222:key/4");
  put(t.facts.launch_key, "KeyState", "'Disabled'"); /* it is not needed here */
  spec_set(&t.spec.kms_key, NULL);
  decide(&t);
  assert_false(t.got.encrypt_launch);
  t.facts.launch_encryption_by_default = true;
  decide(&t);
  assert_true(t.got.encrypt_launch);
  assert_string_equal(t.got.launch_key_arn, "");
  trial_done(&t);
}

TEST(a_launch_without_a_place_waits_for_a_person) {
  struct trial t;
  trial_init(&t, NULL, "launch-image");
  t.facts.launch = json_of("{'Types': [], 'Offerings': [], 'Subnets': [], 'Vpcs': []}");
  assert_refused(&t, AUTH, "LaunchTypeNone", "no small instance type of us-east-1 can run");
  assert_contains(t.got.refusal.hint, "launch.instance_type");
  trial_done(&t);
}

/* --- instance store --- */

TEST(an_instance_store_image_is_copied_without_encryption_whatever_key_is_named) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  put(t.facts.image, "RootDeviceType", "'instance-store'");
  put(t.facts.image, "ImageLocation", "'golden-amis/web/image.manifest.xml'");
  put(t.facts.image, "BlockDeviceMappings", "[]");
  put(t.facts.target_key, "KeyState", "'Disabled'");
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  assert_true(t.got.instance_store && t.got.cross_account);
  assert_false(t.got.encrypt);
  assert_contains(t.got.reason, "its files in S3 are opened to the target");
  assert_true(warned(&t.got, "alias/amis is not used"));
  assert_true(warned(&t.got, "the estimate leaves them out"));
  assert_true(warned(&t.got, "the policy of bucket golden-amis lets account 222222222222 list all of that bucket, and read what begins with "
                             "golden-amis/web/image."));
  pull(&t);
  decide(&t);
  assert_false(warned(&t.got, "the policy of bucket"));
  trial_done(&t);
}

TEST(a_bundle_is_all_that_is_named_as_its_manifest_is) {
  static const struct {
    const char *location, *bundle; /* NULL: none */
  } rows[] = {
      {"'golden-amis/web/image.manifest.xml'", "golden-amis/web/image."},
      {"'golden-amis/image.manifest.xml'", "golden-amis/image."},
      {"'golden-amis/web/manifest.xml'", "golden-amis/web/"},
      {"'golden-amis/manifest.xml'", "golden-amis/"},
      {"'Of_Old.Days/a b+c/\\u00fc$1.manifest.xml'", "Of_Old.Days/a b+c/\xc3\xbc$1."},
      {"'golden-amis/web/image'", "golden-amis/web/image"},
      {"'111111111111/web-1'", "111111111111/web-1"},
      {"'golden-amis'", NULL},
      {"'golden-amis/'", NULL},
      {"'/image.manifest.xml'", NULL},
      {"'am/image.manifest.xml'", NULL},
      {"'golden amis/image.manifest.xml'", NULL},
      {"'golden-*/image.manifest.xml'", NULL},
      {"'golden-amis/we?/image.manifest.xml'", NULL},
      {"'golden-amis/*.manifest.xml'", NULL},
      {"'golden-amis/${aws:username}.manifest.xml'", NULL},
      {NULL, NULL},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    char bundle[AF_BUNDLE_SIZE];
    json_t *image = json_object();
    put(image, "ImageLocation", rows[i].location);
    bool found = af_bundle(image, bundle);
    if (found != (rows[i].bundle != NULL) || (found && !af_streq(bundle, rows[i].bundle)))
      fail_msg("%s gives %s", rows[i].location, found ? bundle : "none");
    json_decref(image);
  }
}

TEST(a_bundle_that_no_policy_can_name_is_refused_unless_it_is_open_already) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  put(t.facts.image, "RootDeviceType", "'instance-store'");
  put(t.facts.image, "ImageLocation", "'golden-amis/*.manifest.xml'");
  assert_refused(&t, REFUSED, "BundleNotNamed", "golden-amis/*.manifest.xml");
  assert_contains(t.got.refusal.hint, "source.credentials: none");
  pull(&t);
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  assert_contains(t.got.reason, "if their owner lets the target read them");
  trial_done(&t);
}

/* --- on_existing --- */

TEST(a_name_that_is_taken_is_skipped_or_refused_as_the_manifest_says) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  set_holder(&t, SOMEBODY, false);
  spec_set(&t.spec.on_existing, "skip");
  decide(&t);
  assert_string_equal(outcome(&t.got), "skip");
  assert_string_equal(t.got.adopted_image, "ami-0fedcba9876543210");
  set_holder(&t, OURS, false);
  spec_set(&t.spec.on_existing, "fail");
  assert_refused(&t, REFUSED, "NameTaken", "a copy of the same source that is not encrypted");
  put(holder_of(&t.facts), "State", "'deregistered'");
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  trial_done(&t);
}

static void hold_too(struct trial *t, const char *name, const char *state) {
  json_array_append_new(t->facts.name_holders,
                        json_pack("{s:s, s:s, s:s}", "ImageId", "ami-0000000000000000e", "Name", name, "State", state));
}

static void say_it_is_ours(struct trial *t, size_t i) {
  json_object_set_new(json_array_get(t->facts.name_holders, i), "Tags",
                      json_of("[{'Key': '" AF_TAG_SOURCE "', 'Value': 'us-east-1/" SOURCE_IMAGE "'}]"));
}

TEST(a_name_that_is_taken_gets_the_first_free_number) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  spec_set(&t.spec.on_existing, "suffix");
  hold_too(&t, "web-1-old", "available");
  hold_too(&t, "web-1-2", "available");
  decide(&t);
  assert_string_equal(t.got.name, "web-1");
  hold_too(&t, "web-1", "failed");
  decide(&t);
  assert_string_equal(t.got.name, "web-1-3");
  hold_too(&t, "web-1-3", "deregistered");
  decide(&t);
  assert_string_equal(t.got.name, "web-1-3");
  assert_string_equal(outcome(&t.got), "copy-image");
  hold_too(&t, "web-1-1", "available");
  for (size_t i = 0; i < json_array_size(t.facts.name_holders); i++)
    if (i != 1)
      say_it_is_ours(&t, i);
  decide(&t);
  assert_string_equal(t.got.name, "web-1-3"); /* ours are the broken one, and others that were never asked for */
  say_it_is_ours(&t, 1);
  decide(&t);
  assert_string_equal(outcome(&t.got), "adopt");
  assert_string_equal(t.got.name, "web-1-2");
  json_array_insert_new(t.facts.name_holders, 0, json_deep_copy(json_array_get(t.facts.name_holders, 2)));
  decide(&t);
  assert_string_equal(t.got.name, "web-1-2"); /* the broken one comes first, and is passed over */
  trial_done(&t);
}

TEST(a_name_without_room_for_a_number_is_refused) {
  struct trial t;
  char name[129];
  memset(name, 'n', 127);
  name[127] = 0;
  trial_init(&t, NULL, "auto");
  spec_set(&t.spec.on_existing, "suffix");
  spec_set(&t.spec.name, name);
  hold_too(&t, name, "available");
  assert_refused(&t, REFUSED, "NameTaken", "leaves no room for a number");
  trial_done(&t);
}

/* --- warnings by name --- */

TEST(the_reason_says_which_keys_the_source_is_under) {
  static const char *const words[2][8] = {
      {"not encrypted:", "encrypted under a customer key:", "encrypted under an AWS managed key:",
       "encrypted under a customer key and an AWS managed key:", "encrypted under a key that could not be described:",
       "under keys of which one could not be described:", "under keys of which one could not be described:",
       "under keys of which one could not be described:"},
      {"not encrypted:", "partly encrypted under a customer key:", "partly encrypted under an AWS managed key:",
       "partly encrypted under a customer key and an AWS managed key:",
       "partly encrypted under a key that could not be described:", "partly encrypted under keys of which one",
       "partly encrypted under keys of which one", "partly encrypted under keys of which one"},
  };
  static const char *const keys[] = {SOURCE_KEY, AWS_KEY, "arn:aws:kms:us-east-1:222222222222:key/unread"};
  for (unsigned mask = 0; mask < 16; mask++) {
    struct trial t;
    trial_init(&t, "alias/amis", "auto");
    json_t *mappings = json_object_get(t.facts.image, "BlockDeviceMappings");
    json_array_clear(mappings);
    json_array_clear(t.facts.snapshots);
    add_source_key(&t.facts, SOURCE_KEY, "CUSTOMER");
    add_source_key(&t.facts, AWS_KEY, "AWS");
    for (unsigned i = 0; i < 4; i++) {
      if (!(mask & 1U << i))
        continue;
      json_array_append_new(mappings, json_pack("{s:{s:o}}", "Ebs", "SnapshotId", json_sprintf("snap-%u", i)));
      json_array_append_new(t.facts.snapshots, json_pack("{s:o, s:s, s:b}", "SnapshotId", json_sprintf("snap-%u", i), "State",
                                                         "completed", "Encrypted", i < 3));
      if (i < 3)
        json_object_set_new(json_array_get(t.facts.snapshots, json_array_size(t.facts.snapshots) - 1), "KmsKeyId",
                            json_string(keys[i]));
    }
    own_all(&t.facts, TARGET_ACCOUNT);
    decide(&t);
    assert_string_equal(outcome(&t.got), "copy-image");
    assert_contains(t.got.reason, words[mask >> 3][mask & 7]);
    if (!(mask >> 3))
      assert_lacks(t.got.reason, "partly");
    trial_done(&t);
  }
}

TEST(the_reason_says_why_this_way) {
  static const struct {
    bool own, encrypted, key, tpm;
    const char *route, *reason;
  } rows[] = {
      {true, false, false, false, "auto", "CopyImage reads its storage directly"},
      {true, false, true, false, "auto", "CopyImage reads its storage directly, and encrypts the copy under the target's key"},
      {true, true, true, true, "auto", "CopyImage reads its storage directly, and encrypts the copy under the target's key"},
      {false, false, false, false, "auto", "its storage is shared with the target, which copies it with CopyImage"},
      {false, false, true, true, "auto",
       "its storage is shared with the target, and CopyImage encrypts the copy under the target's key"},
      {false, true, true, false, "auto",
       "each snapshot is copied under the target's key, and an image is registered from the copies"},
      {false, true, true, false, "copy-image",
       "its storage is shared with the target, and CopyImage encrypts the copy under the target's key (the manifest names this "
       "route)"},
      {false, true, true, true, "auto",
       "CopyImage re-encrypts it in one go, because RegisterImage cannot express NitroTPM with the boot mode uefi-preferred"},
      {true, false, true, false, "reencrypt",
       "each snapshot is copied under the target's key, and an image is registered from the copies (the manifest names this "
       "route)"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct trial t;
    char want[300];
    trial_init(&t, rows[i].key ? "alias/amis" : NULL, rows[i].route);
    if (rows[i].encrypted)
      encrypt_all(&t.facts, SOURCE_KEY, "CUSTOMER");
    if (rows[i].own)
      own_all(&t.facts, TARGET_ACCOUNT);
    if (rows[i].tpm) {
      put(t.facts.image, "TpmSupport", "'v2.0'");
      put(t.facts.image, "BootMode", "'uefi-preferred'");
    }
    decide(&t);
    snprintf(want, sizeof want, "%s, %s: %s",
             rows[i].own ? "owned by the target account " TARGET_ACCOUNT : "shared by " SOURCE_ACCOUNT,
             rows[i].encrypted ? "encrypted under a customer key" : "not encrypted", rows[i].reason);
    assert_string_equal(t.got.reason, want);
    trial_done(&t);
  }
}

TEST(each_sign_of_billing_is_enough) {
  static const char *const signs[][2] = {{"Platform", "'windows'"},
                                         {"PlatformDetails", "'Red Hat Enterprise Linux'"},
                                         {"UsageOperation", "'RunInstances:0010'"},
                                         {"ProductCodes", "[{'ProductCodeId': 'abc', 'ProductCodeType': 'devpay'}]"}};
  for (size_t i = 0; i < COUNT(signs); i++) {
    struct trial t;
    trial_init(&t, NULL, "auto");
    decide(&t);
    assert_false(warned(&t.got, "the image carries"));
    put(t.facts.image, signs[i][0], signs[i][1]);
    decide(&t);
    assert_true(warned(&t.got, i == 3 ? "carries a Marketplace product code" : "carries a billed platform"));
    assert_true(warned(&t.got, i == 3 ? "needs a subscription" : "is billed for it"));
    own_all(&t.facts, TARGET_ACCOUNT);
    decide(&t);
    assert_true(warned(&t.got, "is billed for it"));
    trial_done(&t);
  }
}

TEST(billing_is_warned_of_by_what_the_route_may_lose) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  put(t.facts.image, "ProductCodes", "[{'ProductCodeId': 'abc', 'ProductCodeType': 'marketplace'}]");
  decide(&t);
  assert_true(warned(&t.got, "needs a subscription"));
  encrypt_all(&t.facts, SOURCE_KEY, "CUSTOMER");
  decide(&t);
  assert_string_equal(outcome(&t.got), "copy-image");
  assert_contains(t.got.reason, "because RegisterImage may lose what it is billed as");
  spec_route(&t.spec, "reencrypt");
  decide(&t);
  assert_true(warned(&t.got, "RegisterImage may lose it"));
  put(t.facts.image, "ProductCodes", "[]");
  put(t.facts.image, "UsageOperation", "'RunInstances:0010'");
  decide(&t);
  assert_true(warned(&t.got, "RegisterImage may lose it"));
  spec_route(&t.spec, "auto");
  own_all(&t.facts, TARGET_ACCOUNT);
  decide(&t);
  assert_true(warned(&t.got, "is billed for it"));
  trial_done(&t);
}

TEST(what_else_a_person_should_know_is_warned_of) {
  struct trial t;
  trial_init(&t, NULL, "auto");
  put(t.facts.image, "Public", "true");
  put(t.facts.image, "VirtualizationType", "'paravirtual'");
  AF_COPY(t.facts.allowed_images, af_str("enabled"));
  t.facts.encryption_by_default = true;
  decide(&t);
  assert_true(warned(&t.got, "is a public image"));
  assert_true(warned(&t.got, "paravirtual"));
  assert_true(warned(&t.got, "Allowed AMIs"));
  assert_true(warned(&t.got, "encrypts new EBS volumes by default"));
  put(t.facts.image, "ImageAllowed", "true");
  spec_set(&t.spec.target.region, "us-east-1");
  decide(&t);
  assert_false(warned(&t.got, "Allowed AMIs"));
  assert_false(warned(&t.got, "paravirtual"));
  trial_done(&t);
}

TEST(keys_that_tie_the_copy_down_are_warned_of) {
  struct trial t;
  trial_init(&t, "alias/aws/ebs", "auto");
  put(t.facts.target_key, "KeyManager", "'AWS'");
  encrypt_all(&t.facts, "arn:aws:kms:us-east-1:444444444444:key/1", "CUSTOMER");
  decide(&t);
  assert_true(warned(&t.got, "AWS managed key: a copy under it can never be shared"));
  assert_true(warned(&t.got, "444444444444:key/1 is not of the source account"));
  own_all(&t.facts, TARGET_ACCOUNT);
  decide(&t);
  assert_false(warned(&t.got, "is not of the source account"));
  trial_done(&t);
  trial_init(&t, "alias/amis", "auto");
  encrypt_all(&t.facts, SOURCE_KEY, "CUSTOMER");
  decide(&t);
  assert_int_equal(t.got.n_warnings, 0);
  trial_done(&t);
}

TEST(all_warnings_that_can_come_together_have_room) {
  struct trial t;
  trial_init(&t, "alias/aws/ebs", "copy-image");
  put(t.facts.image, "Public", "true");
  put(t.facts.image, "VirtualizationType", "'paravirtual'");
  put(t.facts.image, "ProductCodes", "[{'ProductCodeId': 'abc'}]");
  AF_COPY(t.facts.allowed_images, af_str("enabled"));
  encrypt_snapshot(&t.facts, 1, "arn:aws:kms:us-east-1:444444444444:key/1");
  add_source_key(&t.facts, "arn:aws:kms:us-east-1:444444444444:key/1", "CUSTOMER");
  put(t.facts.target_key, "KeyManager", "'AWS'");
  decide(&t);
  assert_int_equal(t.got.n_warnings, 8);
  _Static_assert(AF_DECISION_MAX_WARNINGS >= 12, "and launch permissions, deprecation, tags twice");
  trial_done(&t);
}

/* One small type and one default subnet. */
static void give_place(struct trial *t, const char *type) {
  char *text;
  assert_true(
      asprintf(&text,
               "{'Types': [{'InstanceType': '%s', 'CurrentGeneration': true, 'SupportedUsageClasses': ['on-demand'],"
               "   'SupportedRootDeviceTypes': ['ebs'], 'SupportedVirtualizationTypes': ['hvm'], 'NitroTpmSupport': 'supported',"
               "   'SupportedBootModes': ['legacy-bios', 'uefi'], 'MemoryInfo': {'SizeInMiB': 2048},"
               "   'ProcessorInfo': {'SupportedArchitectures': ['x86_64']}}],"
               " 'Offerings': [{'InstanceType': '%s', 'Location': 'us-east-1a'}],"
               " 'Vpcs': [{'VpcId': 'vpc-1', 'IsDefault': true}],"
               " 'Subnets': [{'SubnetId': 'subnet-a', 'VpcId': 'vpc-1', 'AvailabilityZone': 'us-east-1a',"
               "   'DefaultForAz': true, 'State': 'available'}]}",
               type, type) > 0);
  t->facts.launch = json_of(text);
  free(text);
}

TEST(what_a_launch_does_to_the_system_and_what_it_costs_are_warned_of) {
  struct trial t;
  trial_init(&t, NULL, "launch-image");
  give_place(&t, "t3.small");
  decide(&t);
  assert_true(warned(&t.got, "cloud-init and other first-boot tasks run, SSH host keys"));
  assert_true(
      warned(&t.got, "an instance (t3.small, subnet subnet-a) runs for some minutes: $0.0208 an hour at us-east-1's list price"));
  assert_true(warned(&t.got, "a temporary AMI is made in us-east-1: account 222222222222 stores"));
  assert_true(warned(&t.got, "whoever may launch an image can also make an AMI"));
  assert_false(warned(&t.got, "NitroTPM"));
  put(t.facts.image, "Platform", "'windows'");
  put(t.facts.image, "TpmSupport", "'v2.0'");
  spec_set(&t.spec.target.region, "us-east-1");
  decide(&t);
  assert_true(warned(&t.got, "generalised with Sysprep is not any more"));
  assert_true(warned(&t.got, "what else it is billed for is charged too"));
  assert_true(warned(&t.got, "NitroTPM of its own"));
  assert_false(warned(&t.got, "a temporary AMI"));
  json_decref(t.facts.launch);
  give_place(&t, "t9.small");
  decide(&t);
  assert_true(warned(&t.got, "runs for some minutes: see AWS's price list"));
  spec_route(&t.spec, "copy-image");
  decide(&t);
  assert_false(warned(&t.got, "first-boot"));
  assert_false(warned(&t.got, "some minutes"));
  trial_done(&t);
}

TEST(a_trusted_owner_and_a_bridge_are_warned_of) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  pull(&t);
  put(t.facts.image, "ImageOwnerAlias", "'amazon'");
  decide(&t);
  assert_true(warned(&t.got, "account 333333333333 (amazon) made " SOURCE_IMAGE ", and the manifest trusts it"));
  trial_done(&t);
  trial_init(&t, "alias/amis", "auto");
  encrypt_all(&t.facts, AWS_KEY, "AWS");
  give_bridge(&t, BRIDGE_KEY, "CUSTOMER", "Enabled");
  decide(&t);
  assert_true(warned(&t.got, "a temporary AMI under the bridge key is made in account 111111111111"));
  assert_false(warned(&t.got, "trusts"));
  trial_done(&t);
}

TEST(launchers_of_an_encrypted_copy_are_known_to_need_its_key) {
  struct trial t;
  trial_init(&t, "alias/amis", "auto");
  decide(&t);
  assert_false(warned(&t.got, "launch_permissions"));
  json_array_append_new(json_object_get(t.spec.launch_permissions, "accounts"), json_string("333333333333"));
  decide(&t);
  assert_true(warned(&t.got, "whom launch_permissions lets launch the copy needs the use of its key alias/amis too"));
  spec_set(&t.spec.kms_key, NULL);
  decide(&t);
  assert_false(warned(&t.got, "launch_permissions"));
  trial_done(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_image_of_the_target_account_is_copied_directly),
      cmocka_unit_test(a_shared_image_without_encryption_is_copied_and_its_launch_permission_is_warned_of),
      cmocka_unit_test(a_shared_image_without_encryption_is_encrypted_when_a_key_is_named),
      cmocka_unit_test(a_shared_image_under_a_customer_key_is_reencrypted),
      cmocka_unit_test(nitrotpm_with_uefi_preferred_goes_by_copy_image_and_says_why),
      cmocka_unit_test(an_image_of_the_target_under_aws_ebs_is_copied_under_the_named_key),
      cmocka_unit_test(a_volume_without_encryption_beside_encrypted_ones_is_named),
      cmocka_unit_test(empty_and_ephemeral_volumes_need_nothing),
      cmocka_unit_test(the_name_is_the_manifests_or_the_sources),
      cmocka_unit_test(what_registering_would_lose_goes_by_copy_image_and_says_why),
      cmocka_unit_test(an_empty_volume_that_is_encrypted_is_not_launched_without_a_key),
      cmocka_unit_test(a_named_route_is_followed_or_refused_with_the_reason),
      cmocka_unit_test(route_names_are_read_back),
      cmocka_unit_test(an_earlier_copy_of_ours_is_adopted_even_when_the_source_is_gone),
      cmocka_unit_test(a_name_that_something_else_holds_is_refused_with_its_id),
      cmocka_unit_test(a_snapshots_provenance_is_not_an_images),
      cmocka_unit_test(a_holder_in_another_state_is_judged_by_it),
      cmocka_unit_test(a_source_that_is_not_available_is_refused_with_its_state),
      cmocka_unit_test(snapshots_that_cannot_be_copied_are_named),
      cmocka_unit_test(a_shared_source_under_aws_ebs_is_refused_with_the_way_out),
      cmocka_unit_test(an_encrypted_source_without_a_target_key_is_refused),
      cmocka_unit_test(a_source_key_that_is_not_enabled_blocks_the_copy),
      cmocka_unit_test(a_source_key_that_cannot_be_described_blocks_a_shared_copy_and_warns_of_an_own_one),
      cmocka_unit_test(a_target_key_that_cannot_be_used_is_refused_with_the_reason),
      cmocka_unit_test(a_stranger_s_image_is_refused_even_with_its_name_and_publicity),
      cmocka_unit_test(other_partitions_and_missing_facts_are_refused),
      cmocka_unit_test(an_image_whose_storage_is_shared_is_pulled_without_anything_being_opened),
      cmocka_unit_test(who_is_trusted_is_said_by_account_by_alias_or_as_the_expected_owner),
      cmocka_unit_test(a_trusted_image_is_pulled_although_the_manifest_names_a_source_account),
      cmocka_unit_test(a_pulled_image_under_a_key_that_is_closed_waits_for_its_owner),
      cmocka_unit_test(a_shared_source_under_aws_ebs_goes_over_a_bridge_where_its_key_is_named),
      cmocka_unit_test(a_bridge_key_that_cannot_be_used_is_refused_with_the_reason),
      cmocka_unit_test(what_aws_refuses_goes_one_rung_down_and_ends_with_all_reasons),
      cmocka_unit_test(what_is_billed_may_be_launched_without_asking_again),
      cmocka_unit_test(a_list_of_routes_is_the_ladder_in_its_order),
      cmocka_unit_test(where_no_way_is_left_what_can_be_mended_is_said_to_be),
      cmocka_unit_test(what_cannot_be_launched_is_named),
      cmocka_unit_test(a_launch_in_another_region_hops_and_one_in_the_targets_does_not),
      cmocka_unit_test(a_launch_without_a_place_waits_for_a_person),
      cmocka_unit_test(an_instance_store_image_is_copied_without_encryption_whatever_key_is_named),
      cmocka_unit_test(a_bundle_is_all_that_is_named_as_its_manifest_is),
      cmocka_unit_test(a_bundle_that_no_policy_can_name_is_refused_unless_it_is_open_already),
      cmocka_unit_test(a_name_that_is_taken_is_skipped_or_refused_as_the_manifest_says),
      cmocka_unit_test(a_name_that_is_taken_gets_the_first_free_number),
      cmocka_unit_test(a_name_without_room_for_a_number_is_refused),
      cmocka_unit_test(the_reason_says_which_keys_the_source_is_under),
      cmocka_unit_test(the_reason_says_why_this_way),
      cmocka_unit_test(each_sign_of_billing_is_enough),
      cmocka_unit_test(billing_is_warned_of_by_what_the_route_may_lose),
      cmocka_unit_test(what_else_a_person_should_know_is_warned_of),
      cmocka_unit_test(keys_that_tie_the_copy_down_are_warned_of),
      cmocka_unit_test(all_warnings_that_can_come_together_have_room),
      cmocka_unit_test(what_a_launch_does_to_the_system_and_what_it_costs_are_warned_of),
      cmocka_unit_test(a_trusted_owner_and_a_bridge_are_warned_of),
      cmocka_unit_test(launchers_of_an_encrypted_copy_are_known_to_need_its_key),
  };
  return cmocka_run_group_tests_name("plans/route", tests, NULL, NULL);
}
