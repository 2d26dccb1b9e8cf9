/* Instance-store images: the bundle in S3 is opened to the target by a statement in its bucket's policy, copied, and closed again, whatever
 * happens on the way; and what others wrote into that policy stays as it was. */
#include "tests/simulation/check.h"
#include "tools/cloudsim/s3.h"

#define OTHER_ROLE                                                                                                        \
  "- id: '333333333333'\n"                                                                                                \
  "  roles:\n"                                                                                                            \
  "  - name: amiferry-target\n"                                                                                           \
  "    trust: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {AWS: 'arn:aws:iam::111111111111:root'},"             \
  " Condition: {StringEquals: {'sts:ExternalId': to-there}}}]\n"                                                          \
  "  regions:\n"                                                                                                          \
  "    us-east-1: {buckets: [{name: anothers-amis, objects: [{key: image.manifest.xml, content: x}]}]}\n"                 \
  "    eu-west-1: {}\n"

#define BUCKET_TOP                        \
  "      - name: golden-amis\n"           \
  "        ownership: ObjectWriter\n"

/* policy: more lines of the bucket golden-amis. */
#define BUNDLES(policy)                                                                                                   \
  WORLD_HEAD                                                                                                              \
  "accounts:\n"                                                                                                           \
  "- id: '111111111111'\n"                                                                                                \
  "  users: [{name: operator, access_keys: [{id: AKIAOPERATOR00000001, secret: of-no-worth-at-all}]}]\n"                  \
  "  roles:\n"                                                                                                            \
  "  - name: amiferry-source\n"                                                                                           \
  "    trust: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {AWS: 'arn:aws:iam::111111111111:root'},"             \
  " Condition: {StringEquals: {'sts:ExternalId': from-here}}}]\n"                                                         \
  "  - {name: auditor, trust: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {AWS: 'arn:aws:iam::111111111111:root'}}]}\n" \
  "  regions:\n"                                                                                                          \
  "    us-east-1:\n"                                                                                                      \
  "      buckets:\n" BUCKET_TOP policy                                                                                    \
  "        objects:\n"                                                                                                    \
  "        - {key: web/image.manifest.xml, content: '<manifest>web</manifest>'}\n"                                        \
  "        - {key: web/image.part.00, size: 10485760}\n"                                                                  \
  "        - {key: web/image.part.01, size: 12345}\n"                                                                     \
  "        - {key: db/manifest.xml, content: '<manifest>db</manifest>'}\n"                                                \
  "        - {key: db/part.00, size: 10485760}\n"                                                                         \
  "        - {key: of-nobody, size: 1}\n"                                                                               \
  "      - {name: sealed-amis, ownership: BucketOwnerEnforced, objects: [{key: image.manifest.xml, content: x}]}\n"                                                                                 \
  "      images:\n"                                                                                                       \
  "      - {id: ami-0c000000000000001, name: web, root_device_type: instance-store, location: golden-amis/web/image.manifest.xml,"  \
  " mappings: [{device: /dev/sdb, virtual_name: ephemeral0}]}\n"                                                          \
  "      - {id: ami-0c000000000000002, name: data, root_device_type: instance-store, location: golden-amis/db/manifest.xml}\n" \
  "      - {id: ami-0c000000000000003, name: far, root_device_type: instance-store, location: far-amis/image.manifest.xml}\n" \
  "      - {id: ami-0c000000000000004, name: lost, root_device_type: instance-store, location: no-such-bucket/image.manifest.xml}\n" \
  "      - {id: ami-0c000000000000005, name: anothers, root_device_type: instance-store, location: anothers-amis/image.manifest.xml}\n" \
  "      - {id: ami-0c000000000000006, name: sealed, root_device_type: instance-store, location: sealed-amis/image.manifest.xml}\n" \
  "      - {id: ami-0c000000000000007, name: offered, root_device_type: instance-store, location: golden-amis/web/image.manifest.xml,"  \
  " launch_permissions: ['222222222222']}\n"                                                                              \
  "    eu-west-1:\n"                                                                                                      \
  "      buckets:\n"                                                                                                      \
  "      - {name: far-amis, objects: [{key: image.manifest.xml, content: x}, {key: image.part.0, size: 100}]}\n"            \
  "- id: '222222222222'\n"                                                                                                \
  "  roles:\n"                                                                                                            \
  "  - name: amiferry-target\n"                                                                                           \
  "    trust: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {AWS: 'arn:aws:iam::111111111111:root'},"             \
  " Condition: {StringEquals: {'sts:ExternalId': to-there}}}]\n"                                                          \
  "  regions: {us-east-1: {}, eu-west-1: {}}\n" OTHER_ROLE

#define MORE_CONFIG CONFIG "[profile other]\nrole_arn = arn:aws:iam::333333333333:role/amiferry-target\nsource_profile = operator\nexternal_id = to-there\n"

#define WEB "- {source: {image: ami-0c000000000000001}}\n"
#define WEB_HERE "- {source: {image: ami-0c000000000000001}, target: {region: us-east-1}}\n"
#define WEB_TO_OTHER "- {source: {image: ami-0c000000000000001}, target: {profile: other}}\n"
#define DB "- {source: {image: ami-0c000000000000002}}\n"
#define FAR "- {source: {image: ami-0c000000000000003}}\n"

static struct rig *new_bundles(const char *world, uint64_t seed) {
  struct rig *r = new_rig(world, seed);
  rig_setenv(r, "AWS_CONFIG_FILE", rig_file(r, "more-config", MORE_CONFIG));
  return r;
}

static void runs_to(const char *world, const char *manifest, size_t images) {
  struct rig *r = new_bundles(world, 1);
  struct af_error err;
  assert_ok(rig_run(r, manifest, &err), &err);
  assert_all(r, AF_COPY_DONE, "after the run");
  assert_clean(r, "after the run");
  assert_int_equal(live_images(r), images);
  rig_free(r);
}

TEST(a_bundle_reaches_another_region) {
  runs_to(BUNDLES(""), MANIFEST_HEAD WEB, 1);
}
TEST(a_bundle_reaches_the_same_region) {
  runs_to(BUNDLES(""), MANIFEST_HEAD WEB_HERE, 1);
}
TEST(a_bundle_in_a_bucket_of_another_region_than_its_image_is_opened_there) {
  runs_to(BUNDLES(""), MANIFEST_HEAD FAR, 1);
}

/* --- the policy, as a person sees and edits it --- */

static struct cs_s3_bucket *bucket_of(struct rig *r, const char *name) {
  struct cs_s3_bucket *b = cs_s3_bucket_find(rig_sim(r), name);
  assert_non_null(b);
  return b;
}

/* As it was last put; "" where there is none. */
static const char *policy_of(struct rig *r, const char *name) {
  const struct cs_s3_bucket *b = bucket_of(r, name);
  const char *text = b->n_policies ? b->policies[b->n_policies - 1].text : NULL;
  return text ? text : "";
}

/* A person in the console: what stands there, with one statement more. */
static void person_adds(struct rig *r, const char *statement) {
  struct cs_s3_bucket *b = bucket_of(r, "golden-amis");
  int64_t sim_ms = cs_sim_time(rig_sim(r), rig_now(r));
  json_t *policy = *policy_of(r, b->name) ? json_loads(policy_of(r, b->name), 0, NULL) : json_pack("{s:s, s:[]}", "Version", "2012-10-17", "Statement");
  assert_int_equal(json_array_append_new(json_object_get(policy, "Statement"), json_loads(statement, 0, NULL)), 0);
  cs_s3_policy_add(b, policy, sim_ms, sim_ms);
}

static void person_clears(struct rig *r) {
  int64_t sim_ms = cs_sim_time(rig_sim(r), rig_now(r));
  cs_s3_policy_add(bucket_of(r, "golden-amis"), NULL, sim_ms, sim_ms);
}

static uint64_t writes(struct rig *r) {
  return rig_carried_out(r, "s3:PutBucketPolicy") + rig_carried_out(r, "s3:DeleteBucketPolicy");
}

#define GOLDEN "arn:aws:s3:::golden-amis"
#define AUDITOR_SEES "{Sid: Auditor, Effect: Allow, Principal: {AWS: 'arn:aws:iam::111111111111:role/auditor'}, Action: 's3:*', Resource: '" GOLDEN "'}"
#define ALLOW(account, actions, resource) "{Effect: Allow, Principal: {AWS: '" account "'}, Action: " actions ", Resource: '" resource "'}"
#define POLICY(statements) "        policy: {Version: '2012-10-17', Id: of-before, Statement: [" statements "]}\n"

/* --- what was there before --- */

TEST(a_policy_of_before_is_the_same_afterwards) {
  struct rig *r = new_bundles(BUNDLES(POLICY(AUDITOR_SEES)), 2);
  struct af_error err;
  char *before = strdup(policy_of(r, "golden-amis"));
  assert_ok(rig_run(r, MANIFEST_HEAD WEB DB, &err), &err);
  assert_all(r, AF_COPY_DONE, "beside a policy");
  assert_clean(r, "beside a policy");
  assert_string_equal(policy_of(r, "golden-amis"), before);
  assert_int_equal(rig_carried_out(r, "s3:DeleteBucketPolicy"), 0);
  free(before);
  rig_free(r);
}

TEST(a_policy_that_lets_the_target_in_already_is_not_touched) {
  static const char *const worlds[] = {
      BUNDLES(POLICY(ALLOW("222222222222", "['s3:Get*', 's3:ListBucket']", GOLDEN "*"))),
      BUNDLES(POLICY(AUDITOR_SEES ", " ALLOW("arn:aws:iam::222222222222:root", "['s3:ListBucket', 's3:GetBucketAcl']", GOLDEN) ", "
                     ALLOW("222222222222", "'s3:GetObject'", GOLDEN "/web/*"))),
  };
  for (size_t i = 0; i < COUNT(worlds); i++) {
    struct rig *r = new_bundles(worlds[i], 3);
    struct af_error err;
    assert_ok(rig_run(r, MANIFEST_HEAD WEB WEB_HERE, &err), &err);
    assert_all(r, AF_COPY_DONE, "where it is open");
    assert_clean(r, "where it is open");
    assert_int_equal(writes(r), 0);
    rig_free(r);
  }
}

TEST(a_policy_that_lets_the_target_in_half_way_gets_what_is_missing_and_keeps_its_half) {
  static const char *const worlds[] = {
      BUNDLES(POLICY(ALLOW("222222222222", "['s3:Get*', 's3:ListBucket']", GOLDEN))),
      BUNDLES(POLICY(ALLOW("222222222222", "'s3:GetObject'", GOLDEN "/web/*"))),
      BUNDLES(POLICY(ALLOW("222222222222", "'s3:*'", GOLDEN "/web/image.manifest.xml") ", " ALLOW("333333333333", "'s3:*'", GOLDEN "*"))),
      BUNDLES("        policy: {Version: '2012-10-17', Statement: " ALLOW("222222222222", "'s3:ListBucket'", GOLDEN) "}\n"),
      BUNDLES(POLICY("{Effect: Allow, Principal: {AWS: '222222222222'}, Action: 's3:*', Resource: '" GOLDEN
                     "*', Condition: {StringEquals: {'aws:RequestedRegion': ap-south-1}}}")),
  };
  for (size_t i = 0; i < COUNT(worlds); i++) {
    struct rig *r = new_bundles(worlds[i], 4);
    struct af_error err;
    assert_ok(rig_run(r, MANIFEST_HEAD WEB, &err), &err);
    assert_all(r, AF_COPY_DONE, "half open");
    assert_clean(r, "half open");
    assert_int_equal(rig_carried_out(r, "s3:PutBucketPolicy"), 2);
    rig_free(r);
  }
}

/* --- several copies --- */

TEST(copies_to_one_account_share_a_statement_and_the_last_takes_it_back) {
  struct rig *r = new_bundles(BUNDLES(""), 5);
  struct af_error err;
  assert_ok(rig_run(r, MANIFEST_HEAD WEB WEB_HERE, &err), &err);
  assert_all(r, AF_COPY_DONE, "with one statement");
  assert_clean(r, "with one statement");
  assert_int_equal(rig_carried_out(r, "s3:PutBucketPolicy"), 1);
  assert_int_equal(rig_carried_out(r, "s3:DeleteBucketPolicy"), 1);
  rig_free(r);
}

#define ALL_OF_IT MANIFEST_HEAD WEB WEB_HERE WEB_TO_OTHER DB FAR

/* Reads lag by seconds: each of them may write from a policy that lacks what the others have just put in, or still has what they took out. */
TEST(copies_of_one_bucket_to_several_accounts_lose_nothing_of_each_other) {
  for (uint64_t seed = 1; seed <= 24; seed++) {
    struct rig *r = new_bundles(seed % 2 ? BUNDLES("") : BUNDLES(POLICY(AUDITOR_SEES)), seed);
    struct af_error err;
    char when[32];
    snprintf(when, sizeof(when), "seed %u", (unsigned)seed);
    assert_ok(rig_run(r, ALL_OF_IT, &err), &err);
    assert_all(r, AF_COPY_DONE, when);
    assert_clean(r, when);
    assert_int_equal(live_images(r), 5);
    assert_int_equal(rig_carried_out(r, "s3:PutBucketPolicy") + rig_carried_out(r, "s3:DeleteBucketPolicy"), 8);
    rig_free(r);
  }
}

TEST(a_batch_gets_on_beside_one_that_died_with_the_same_bucket_open) {
  struct af_error err;
  bool died = true;
  for (uint64_t k = 10; died && k < 200; k += 3) {
    struct rig *r = new_bundles(BUNDLES(POLICY(AUDITOR_SEES)), 300 + k);
    char when[64];
    snprintf(when, sizeof(when), "the first died at call %u", (unsigned)k);
    rig_arm(r, k % 2 ? RIG_DIES_AFTER : RIG_DIES_BEFORE, k);
    int rc = rig_run(r, MANIFEST_HEAD WEB DB, &err);
    died = rig_died(r);
    if (!died) assert_ok(rc, &err);
    rig_arm(r, RIG_LIVES, 0);
    rc = rig_run(r, MANIFEST_HEAD WEB_HERE WEB_TO_OTHER, &err);
    if (rc) fail_msg("%s: %s", when, err.message);
    rc = rig_resume(r, &err);
    if (rc) fail_msg("%s: %s", when, err.message);
    assert_all(r, AF_COPY_DONE, when);
    assert_clean(r, when);
    assert_int_equal(live_images(r), 4);
    rig_free(r);
  }
}

/* What S3 was told takes effect late: who opens again what is being closed, or has just been closed, might see it close under his copy. */
static void opens_again(const char *faults, bool finish) {
  struct af_error err;
  for (uint64_t seed = 1; seed <= (finish ? 60 : 12); seed++) {
    struct rig *r = new_bundles(BUNDLES(""), seed);
    char when[64];
    snprintf(when, sizeof(when), "opened again, seed %u", (unsigned)seed);
    set_faults(r, faults);
    rig_stop_after(r, finish ? 0 : 30); /* enough to inspect it: that is not kept */
    (void)rig_run(r, MANIFEST_HEAD WEB, &err);
    rig_stop_after(r, finish ? 0 : 9); /* three of them to learn whose the credentials are */
    for (int lives = 0; writes(r) < 2; lives++) {
      assert_in_range(lives, 0, 300);
      rig_advance(r, 1000);
      (void)rig_resume(r, &err);
    }
    rig_stop_after(r, finish ? 0 : 2);
    (void)rig_run(r, MANIFEST_HEAD WEB_HERE, &err);
    rig_stop_after(r, 0);
    assert_ok(rig_resume(r, &err), &err);
    assert_all(r, AF_COPY_DONE, when);
    assert_clean(r, when);
    assert_int_equal(live_images(r), 2);
    rig_free(r);
  }
}

TEST(a_bundle_that_was_just_closed_is_opened_again_when_that_cannot_close_it) {
  opens_again("[]", true);
}
TEST(a_bundle_that_is_being_closed_is_opened_again_when_that_cannot_close_it) {
  opens_again("[]", false);
}
TEST(a_bundle_whose_closing_is_in_doubt_is_opened_again_when_that_cannot_close_it) {
  opens_again("[{\"kind\": \"lost-reply\", \"action\": \"DeleteBucketPolicy\", \"nth\": 1}]", false);
}

/* --- edited meanwhile --- */

#define TEAM_READS                                                                                                                    \
  "{\"Sid\": \"Team\", \"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"arn:aws:iam::333333333333:root\"}, \"Action\": \"s3:GetObject\"," \
  " \"Resource\": \"" GOLDEN "/of-nobody\"}"

static size_t statements_of(struct rig *r, bool ours) {
  json_t *policy = json_loads(*policy_of(r, "golden-amis") ? policy_of(r, "golden-amis") : "{}", 0, NULL), *s;
  size_t i, n = 0;
  json_array_foreach(json_object_get(policy, "Statement"), i, s) {
    const char *sid = json_string_value(json_object_get(s, "Sid"));
    n += (sid && strncmp(sid, "amiferry", 8) == 0) == ours;
  }
  json_decref(policy);
  return n;
}

/* Stops at a turn, lets a person edit, and goes on when that is to be seen. */
static void edited_at(const char *world, int turn, void (*edit)(struct rig *r), size_t left) {
  struct rig *r = new_bundles(world, (uint64_t)turn);
  struct af_error err;
  char when[64];
  snprintf(when, sizeof(when), "edited at turn %d", turn);
  rig_stop_after(r, turn);
  int rc = rig_run(r, MANIFEST_HEAD WEB WEB_TO_OTHER DB, &err);
  assert_true(rc == 0 || rc == -AF_ECANCELED);
  edit(r);
  rig_advance(r, 9000);
  rig_stop_after(r, 0);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, when);
  if (statements_of(r, true) != 0 || statements_of(r, false) != left) fail_msg("%s: %s", when, policy_of(r, "golden-amis"));
  rig_free(r);
}

static void adds(struct rig *r) {
  person_adds(r, TEAM_READS);
}

TEST(what_somebody_adds_to_the_policy_meanwhile_stays) {
  for (int turn = 1; turn < 160; turn += 7) {
    edited_at(BUNDLES(""), turn, adds, 1);
    edited_at(BUNDLES(POLICY(AUDITOR_SEES)), turn, adds, 2);
  }
}

/* A rig that stopped as soon as so many writes had been carried out. */
static struct rig *stopped_after_writes(const char *world, const char *manifest, uint64_t n) {
  struct af_error err;
  for (int turn = 1; turn < 1000; turn++) {
    struct rig *r = new_bundles(world, 6);
    rig_stop_after(r, turn);
    int rc = rig_run(r, manifest, &err);
    rig_stop_after(r, 0);
    if (writes(r) >= n) return r;
    assert_int_equal(rc, -AF_ECANCELED);
    rig_free(r);
  }
  fail_msg("it never wrote so often");
  return NULL;
}

TEST(a_statement_that_somebody_else_wrote_over_before_it_is_read_back_is_written_again) {
  struct rig *r = stopped_after_writes(BUNDLES(""), MANIFEST_HEAD WEB, 1);
  struct af_error err;
  person_clears(r);
  person_adds(r, TEAM_READS);
  rig_advance(r, 9000);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "written over");
  assert_int_equal(statements_of(r, true), 0);
  assert_int_equal(statements_of(r, false), 1);
  assert_int_equal(writes(r), 3);
  rig_free(r);
}

TEST(a_statement_that_somebody_else_writes_back_after_it_was_taken_away_is_taken_away_again) {
  struct rig *r = stopped_after_writes(BUNDLES(POLICY(AUDITOR_SEES)), MANIFEST_HEAD WEB, 1);
  struct af_error err;
  json_t *opened = json_loads(policy_of(r, "golden-amis"), 0, NULL);
  rig_free(r);
  r = stopped_after_writes(BUNDLES(POLICY(AUDITOR_SEES)), MANIFEST_HEAD WEB, 2);
  int64_t sim_ms = cs_sim_time(rig_sim(r), rig_now(r));
  cs_s3_policy_add(bucket_of(r, "golden-amis"), opened, sim_ms, sim_ms);
  rig_advance(r, 9000);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "written back");
  assert_clean(r, "written back");
  assert_int_equal(writes(r), 3);
  rig_free(r);
}

/* Goes on until AWS has made the image, and the engine hasn't heard of it yet. */
static void until_copied(struct rig *r) {
  struct af_error err;
  rig_stop_after(r, 6);
  for (int lives = 0; live_images(r) == 0; lives++) {
    assert_in_range(lives, 0, 200);
    (void)rig_resume(r, &err);
  }
  rig_stop_after(r, 0);
}

TEST(a_statement_that_somebody_took_away_while_it_was_copied_is_not_written_again_to_be_taken_away) {
  struct rig *r = stopped_after_writes(BUNDLES(""), MANIFEST_HEAD WEB, 1);
  struct af_error err;
  until_copied(r);
  person_clears(r);
  rig_advance(r, 9000);
  rig_stop_after(r, 0);
  assert_ok(rig_resume(r, &err), &err);
  assert_all(r, AF_COPY_DONE, "taken away");
  assert_clean(r, "taken away");
  assert_int_equal(writes(r), 1);
  rig_free(r);
}

/* --- death --- */

static void dies_everywhere(const char *manifest, enum rig_death death, uint64_t stride, size_t images) {
  struct af_error err;
  uint64_t k = 1;
  for (bool died = true; died && k < 1000; k += stride) {
    struct rig *r = new_bundles(k % 2 ? BUNDLES("") : BUNDLES(POLICY(AUDITOR_SEES)), 100 + k);
    char when[64];
    snprintf(when, sizeof(when), "death %s call %u", death == RIG_DIES_BEFORE ? "before" : "after", (unsigned)k);
    rig_arm(r, death, k);
    int rc = rig_run(r, manifest, &err);
    died = rig_died(r);
    if (!died) assert_ok(rc, &err);
    rig_arm(r, RIG_LIVES, 0);
    rig_advance(r, 500);
    rc = died ? rig_resume(r, &err) : 0;
    if (rc) fail_msg("%s: %s", when, err.message);
    assert_all(r, AF_COPY_DONE, when);
    assert_clean(r, when);
    assert_int_equal(live_images(r), images);
    rig_free(r);
  }
  assert_in_range(k, 20, 999);
}

TEST(death_before_any_call_leaves_no_bucket_open) {
  dies_everywhere(MANIFEST_HEAD FAR, RIG_DIES_BEFORE, 1, 1);
}
TEST(death_after_any_call_leaves_no_bucket_open) {
  dies_everywhere(MANIFEST_HEAD FAR, RIG_DIES_AFTER, 1, 1);
}
TEST(death_among_copies_of_one_bucket_leaves_nothing_open) {
  dies_everywhere(ALL_OF_IT, RIG_DIES_BEFORE, 5, 5);
  dies_everywhere(ALL_OF_IT, RIG_DIES_AFTER, 5, 5);
}

TEST(a_process_that_dies_again_and_again_closes_every_bucket) {
  struct af_error err;
  for (uint64_t seed = 1; seed <= 25; seed++) {
    struct rig *r = new_bundles(BUNDLES(POLICY(AUDITOR_SEES)), seed);
    struct af_random_seeded random;
    char when[64];
    int deaths = 0;
    snprintf(when, sizeof(when), "seed %u", (unsigned)seed);
    af_random_seed(&random, seed);
    rig_arm(r, RIG_DIES_AFTER, 1 + af_random_below(&random.random, 40));
    int rc = rig_run(r, ALL_OF_IT, &err);
    while (rig_died(r) && deaths++ < 60) {
      rig_advance(r, (int64_t)af_random_below(&random.random, 30000));
      rig_arm(r, deaths < 50 ? (af_random_below(&random.random, 2) ? RIG_DIES_AFTER : RIG_DIES_BEFORE) : RIG_LIVES,
              1 + af_random_below(&random.random, 40));
      rc = rig_resume(r, &err);
    }
    assert_ok(rc, &err);
    assert_all(r, AF_COPY_DONE, when);
    assert_clean(r, when);
    assert_int_equal(live_images(r), 5);
    rig_free(r);
  }
}

/* --- faults --- */

TEST(whatever_befalls_a_call_to_s3_the_bucket_is_closed_in_the_end) {
  static const char *const actions[] = {"GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy", "GetBucketLocation"};
  static const char *const faults[] = {
      "\"kind\": \"throttle\"",
      "\"kind\": \"error\", \"status\": 500, \"code\": \"InternalError\"",
      "\"kind\": \"error\", \"status\": 409, \"code\": \"OperationAborted\"",
      "\"kind\": \"error-after\", \"status\": 500, \"code\": \"InternalError\"",
      "\"kind\": \"error-after\", \"status\": 503, \"code\": \"ServiceUnavailable\"",
      "\"kind\": \"lost-reply\"",
      "\"kind\": \"cut\"",
      "\"kind\": \"half\"",
      "\"kind\": \"malformed\"",
      "\"kind\": \"expired-token\"",
      "\"kind\": \"slow\", \"delay_ms\": 9000",
  };
  struct af_error err;
  for (size_t a = 0; a < COUNT(actions); a++)
    for (size_t f = 0; f < COUNT(faults); f++)
      for (int nth = 1; nth <= 3; nth++) {
        struct rig *r = new_bundles(nth % 2 ? BUNDLES("") : BUNDLES(POLICY(AUDITOR_SEES)), 17 * a + 5 * f + (uint64_t)nth);
        char when[160], text[200];
        snprintf(when, sizeof(when), "%s, call %d of %s", faults[f], nth, actions[a]);
        snprintf(text, sizeof(text), "[{%s, \"action\": \"%s\", \"nth\": %d}]", faults[f], actions[a], nth);
        set_faults(r, text);
        int rc = rig_run(r, MANIFEST_HEAD WEB DB FAR, &err);
        if (rc) fail_msg("%s: %s", when, err.message);
        assert_all(r, AF_COPY_DONE, when);
        assert_clean(r, when);
        assert_int_equal(live_images(r), 3);
        rig_free(r);
      }
}

TEST(a_storm_of_faults_and_deaths_leaves_no_bucket_open) {
  static const char storm[] = "[{\"kind\": \"throttle\", \"probability\": 0.1}, {\"kind\": \"error\", \"status\": 500, \"code\": "
                              "\"InternalError\", \"probability\": 0.05},"
                              " {\"kind\": \"error-after\", \"status\": 500, \"code\": \"InternalError\", \"probability\": 0.05}, "
                              "{\"kind\": \"lost-reply\", \"probability\": 0.08}, {\"kind\": \"half\", \"probability\": 0.03},"
                              " {\"kind\": \"cut\", \"probability\": 0.03}, {\"kind\": \"malformed\", \"probability\": 0.03},"
                              " {\"kind\": \"slow\", \"delay_ms\": 8000, \"probability\": 0.05}]";
  struct af_error err;
  for (uint64_t seed = 1; seed <= 30; seed++) {
    struct rig *r = new_bundles(seed % 2 ? BUNDLES("") : BUNDLES(POLICY(AUDITOR_SEES)), seed);
    struct af_random_seeded random;
    char when[64];
    snprintf(when, sizeof(when), "storm %u", (unsigned)seed);
    af_random_seed(&random, seed * 31);
    set_faults(r, storm);
    rig_arm(r, seed % 2 ? RIG_DIES_AFTER : RIG_LIVES, 1 + af_random_below(&random.random, 60));
    int rc = rig_run(r, ALL_OF_IT, &err);
    for (int deaths = 0; rig_died(r) && deaths < 20; deaths++) {
      rig_arm(r, deaths < 8 ? RIG_DIES_BEFORE : RIG_LIVES, 1 + af_random_below(&random.random, 40));
      rc = rig_resume(r, &err);
    }
    if (rc) fail_msg("%s: %s", when, err.message);
    assert_all(r, AF_COPY_DONE, when);
    assert_clean(r, when);
    assert_int_equal(live_images(r), 5);
    rig_free(r);
  }
}

/* --- refusals --- */

struct refusal {
  const char *world, *manifest, *faults; /* faults NULL: none */
  enum af_copy_state state;
  const char *code, *action, *account, *region, *resource, *hint; /* the last two: a part of it */
};

static void refuses(const struct refusal *x) {
  struct rig *r = new_bundles(x->world, 11);
  struct af_copy_row *list;
  struct af_error err, e;
  if (x->faults) set_faults(r, x->faults);
  assert_ok(rig_run(r, x->manifest, &err), &err);
  size_t n = rig_copies(r, &list);
  assert_int_equal(n, 1);
  if (list[0].state != x->state || !list[0].error)
    fail_msg("%s: %s, not %s: %s", x->code, af_copy_state_name(list[0].state), af_copy_state_name(x->state), list[0].error ? list[0].error : "");
  assert_int_equal(af_error_from_json(list[0].error, &e), 0);
  assert_string_equal(e.code, x->code);
  assert_string_equal(e.action, x->action);
  assert_string_equal(e.account, x->account);
  assert_string_equal(e.region, x->region);
  assert_contains(e.resource, x->resource);
  assert_contains(e.hint, x->hint);
  assert_clean(r, x->code);
  assert_int_equal(live_images(r), 0);
  rig_copies_free(list, n);
  rig_free(r);
}

#define FAULT(action, status, code) "[{\"kind\": \"error\", \"action\": \"" action "\", \"status\": " status ", \"code\": \"" code "\", \"message\": \"no\"}]"

TEST(what_s3_refuses_is_said_with_what_to_do) {
  static const struct refusal rows[] = {
      {BUNDLES(""), MANIFEST_HEAD WEB, FAULT("GetBucketPolicy", "403", "AccessDenied"), AF_COPY_BLOCKED, "AccessDenied", "s3:GetBucketPolicy",
       "111111111111", "us-east-1", "golden-amis/web/image.", "s3:GetBucketPolicy, s3:PutBucketPolicy and s3:DeleteBucketPolicy on bucket golden-amis"},
      {BUNDLES(""), MANIFEST_HEAD WEB, FAULT("PutBucketPolicy", "403", "AccessDenied"), AF_COPY_BLOCKED, "AccessDenied", "s3:PutBucketPolicy",
       "111111111111", "us-east-1", "golden-amis/web/image.", "Allow s3:PutBucketPolicy"},
      {BUNDLES(""), MANIFEST_HEAD WEB, FAULT("PutBucketPolicy", "400", "MalformedPolicy"), AF_COPY_BLOCKED, "MalformedPolicy", "s3:PutBucketPolicy",
       "111111111111", "us-east-1", "golden-amis/", "an account or role that it names may not exist"},
      {BUNDLES(""), MANIFEST_HEAD WEB, FAULT("PutBucketPolicy", "400", "PolicyTooLarge"), AF_COPY_BLOCKED, "PolicyTooLarge", "s3:PutBucketPolicy",
       "111111111111", "us-east-1", "golden-amis/", "shorten"},
      {BUNDLES(""), MANIFEST_HEAD FAR, FAULT("GetBucketLocation", "403", "AccessDenied"), AF_COPY_BLOCKED, "AccessDenied", "s3:GetBucketLocation",
       "111111111111", "us-east-1", "far-amis/", "Allow s3:GetBucketLocation"},
      {BUNDLES(""), MANIFEST_HEAD "- {source: {image: ami-0c000000000000004}}\n", NULL, AF_COPY_FAILED, "NoSuchBucket", "s3:GetBucketPolicy",
       "111111111111", "us-east-1", "no-such-bucket/", "deleted"},
      {BUNDLES(""), MANIFEST_HEAD "- {source: {image: ami-0c000000000000005}}\n", NULL, AF_COPY_BLOCKED, "AccessDenied", "s3:GetBucketPolicy",
       "111111111111", "us-east-1", "anothers-amis/", "if the bucket is another account's, let that one allow account 222222222222"},
      {BUNDLES("        policy: {Version: '2012-10-17', Statement: [" AUDITOR_SEES ", {Effect: Deny, Action: 's3:*', Resource: '" GOLDEN "',"
               " Principal: {AWS: 'arn:aws:iam::111111111111:role/amiferry-source'}}]}\n"),
       MANIFEST_HEAD WEB, NULL, AF_COPY_BLOCKED, "AccessDenied", "s3:GetBucketPolicy", "111111111111", "us-east-1", "golden-amis/", "golden-amis"},
      {BUNDLES("") "", MANIFEST_HEAD "- {source: {image: ami-0c000000000000006}}\n", NULL, AF_COPY_BLOCKED, "InvalidRequest", "ec2:CopyImage",
       "222222222222", "eu-west-1", "ami-0c000000000000006", "bucket sealed-amis has ACLs enabled"},
  };
  for (size_t i = 0; i < COUNT(rows); i++) refuses(&rows[i]);
}

/* The permission to write is lost while the bucket is open: that is known, shown, and closed as soon as it can be. */
TEST(a_bucket_that_cannot_be_closed_blocks_the_copy_until_it_can) {
  static const char *const lost[] = {"GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"};
  for (size_t i = 0; i < COUNT(lost); i++) {
    struct rig *r = stopped_after_writes(i == 1 ? BUNDLES(POLICY(AUDITOR_SEES)) : BUNDLES(""), MANIFEST_HEAD WEB, 1);
    struct af_error err;
    char text[160];
    until_copied(r);
    snprintf(text, sizeof(text), "[{\"kind\": \"error\", \"action\": \"%s\", \"status\": 403, \"code\": \"AccessDenied\", \"message\": \"no\"}]", lost[i]);
    set_faults(r, text);
    assert_ok(rig_resume(r, &err), &err);
    assert_all(r, AF_COPY_BLOCKED, lost[i]);
    assert_int_equal(audit_count(r, "shares_open"), 1);
    set_faults(r, "[]");
    rig_advance(r, 600000);
    assert_ok(rig_resume(r, &err), &err);
    assert_all(r, AF_COPY_DONE, lost[i]);
    assert_clean(r, lost[i]);
    assert_int_equal(live_images(r), 1);
    rig_free(r);
  }
}

/* --- room --- */

/* A policy of so many bytes more than it has without filling. */
static char *world_with_long_policy(size_t filling) {
  char *name = malloc(filling + 1), *world = NULL;
  memset(name, 'x', filling);
  name[filling] = 0;
  assert_true(asprintf(&world, BUNDLES("        policy: {Version: '2012-10-17', Statement: [{Sid: Long, Effect: Allow, Principal: {AWS: '111111111111'},"
                                       " Action: 's3:GetObject', Resource: '" GOLDEN "/%s'}]}\n"),
                       name) > 0);
  free(name);
  return world;
}

TEST(copies_wait_for_room_in_a_policy_that_others_fill) {
  char *world = world_with_long_policy(20480 - 600);
  struct rig *r = new_bundles(world, 7);
  struct af_error err;
  assert_ok(rig_run(r, MANIFEST_HEAD WEB WEB_TO_OTHER DB, &err), &err);
  assert_all(r, AF_COPY_DONE, "in a full policy");
  assert_clean(r, "in a full policy");
  assert_int_equal(live_images(r), 3);
  rig_free(r);
  free(world);
}

TEST(a_policy_without_room_for_any_statement_waits_for_a_person) {
  char *world = world_with_long_policy(20480 - 300);
  refuses(&(struct refusal){world, MANIFEST_HEAD WEB, NULL, AF_COPY_BLOCKED, "PolicyTooLarge", "s3:PutBucketPolicy", "111111111111", "us-east-1",
                            "golden-amis/web/image.", "shorten the policy of bucket golden-amis in account 111111111111"});
  free(world);
}

/* --- without the owner's credentials --- */

#define PULL MANIFEST_HEAD "- {source: {credentials: none, account: '111111111111', image: ami-0c000000000000007}}\n"

TEST(a_bundle_that_its_owner_has_opened_is_pulled_without_a_call_to_s3) {
  struct rig *r = new_bundles(BUNDLES(POLICY(ALLOW("222222222222", "['s3:Get*', 's3:ListBucket']", GOLDEN "*"))), 8);
  struct af_error err;
  assert_ok(rig_run(r, PULL, &err), &err);
  assert_all(r, AF_COPY_DONE, "pulled");
  assert_clean(r, "pulled");
  assert_int_equal(writes(r) + rig_carried_out(r, "s3:GetBucketPolicy"), 0);
  rig_free(r);
}

TEST(a_bundle_that_its_owner_has_not_opened_waits_for_him) {
  refuses(&(struct refusal){BUNDLES(""), PULL, NULL, AF_COPY_BLOCKED, "InvalidRequest", "ec2:CopyImage", "222222222222", "eu-west-1",
                            "ami-0c000000000000007", "its policy lets account 222222222222 use s3:GetBucketAcl"});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bundle_reaches_another_region),
      cmocka_unit_test(a_bundle_reaches_the_same_region),
      cmocka_unit_test(a_bundle_in_a_bucket_of_another_region_than_its_image_is_opened_there),
      cmocka_unit_test(a_policy_of_before_is_the_same_afterwards),
      cmocka_unit_test(a_policy_that_lets_the_target_in_already_is_not_touched),
      cmocka_unit_test(a_policy_that_lets_the_target_in_half_way_gets_what_is_missing_and_keeps_its_half),
      cmocka_unit_test(copies_to_one_account_share_a_statement_and_the_last_takes_it_back),
      cmocka_unit_test(copies_of_one_bucket_to_several_accounts_lose_nothing_of_each_other),
      cmocka_unit_test(a_batch_gets_on_beside_one_that_died_with_the_same_bucket_open),
      cmocka_unit_test(a_bundle_that_was_just_closed_is_opened_again_when_that_cannot_close_it),
      cmocka_unit_test(a_bundle_that_is_being_closed_is_opened_again_when_that_cannot_close_it),
      cmocka_unit_test(a_bundle_whose_closing_is_in_doubt_is_opened_again_when_that_cannot_close_it),
      cmocka_unit_test(what_somebody_adds_to_the_policy_meanwhile_stays),
      cmocka_unit_test(a_statement_that_somebody_else_wrote_over_before_it_is_read_back_is_written_again),
      cmocka_unit_test(a_statement_that_somebody_else_writes_back_after_it_was_taken_away_is_taken_away_again),
      cmocka_unit_test(a_statement_that_somebody_took_away_while_it_was_copied_is_not_written_again_to_be_taken_away),
      cmocka_unit_test(death_before_any_call_leaves_no_bucket_open),
      cmocka_unit_test(death_after_any_call_leaves_no_bucket_open),
      cmocka_unit_test(death_among_copies_of_one_bucket_leaves_nothing_open),
      cmocka_unit_test(a_process_that_dies_again_and_again_closes_every_bucket),
      cmocka_unit_test(whatever_befalls_a_call_to_s3_the_bucket_is_closed_in_the_end),
      cmocka_unit_test(a_storm_of_faults_and_deaths_leaves_no_bucket_open),
      cmocka_unit_test(what_s3_refuses_is_said_with_what_to_do),
      cmocka_unit_test(a_bucket_that_cannot_be_closed_blocks_the_copy_until_it_can),
      cmocka_unit_test(copies_wait_for_room_in_a_policy_that_others_fill),
      cmocka_unit_test(a_policy_without_room_for_any_statement_waits_for_a_person),
      cmocka_unit_test(a_bundle_that_its_owner_has_opened_is_pulled_without_a_call_to_s3),
      cmocka_unit_test(a_bundle_that_its_owner_has_not_opened_waits_for_him),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
