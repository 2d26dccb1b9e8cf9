/* EC2 of cloudsim without its front: worlds as text, calls as forms, and a front that does as the test says. Included once by
 * each test program of cloudsim's core. */
#ifndef AF_TESTS_UNIT_CLOUDSIM_EC2_H
#define AF_TESTS_UNIT_CLOUDSIM_EC2_H

#include "tests/unit/test.h"

#include <jansson.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2.h"

#define SOURCE "111111111111"
#define TARGET "222222222222"
#define OTHER "333333333333"
#define SOURCE_KEY "arn:aws:kms:eu-west-1:111111111111:key/aaaaaaaa-0000-0000-0000-000000000001"
#define TARGET_KEY "arn:aws:kms:eu-west-1:222222222222:key/bbbbbbbb-0000-0000-0000-000000000002"
#define TARGET_US_KEY "arn:aws:kms:us-east-1:222222222222:key/cccccccc-0000-0000-0000-000000000003"
#define START_MS INT64_C(1790000000000)

/* --- a front that does as the test says --------------------------------------------------------------------------------- */
static struct {
  const char *denied[8];          /* "action resource-glob" */
  bool granted;                   /* the source key, to the target account... */
  int64_t granted_ms, retired_ms; /* ...from and until */
  const char *forbidden_operation; /* of the grant */
  bool target_key_disabled;
  bool url_good;
  char url_account[16], url_query[512];
} front;

static struct cs_key keys[] = {
    {SOURCE_KEY, "aaaaaaaa-0000-0000-0000-000000000001", SOURCE, "eu-west-1", false, true, NULL},
    {TARGET_KEY, "bbbbbbbb-0000-0000-0000-000000000002", TARGET, "eu-west-1", false, true, NULL},
    {TARGET_US_KEY, "cccccccc-0000-0000-0000-000000000003", TARGET, "us-east-1", false, true, NULL},
    {"arn:aws:kms:eu-west-1:111111111111:key/ebs-1", "ebs-1", SOURCE, "eu-west-1", true, true, NULL},
    {"arn:aws:kms:eu-west-1:222222222222:key/ebs-2", "ebs-2", TARGET, "eu-west-1", true, true, NULL},
    {"arn:aws:kms:us-east-1:222222222222:key/ebs-3", "ebs-3", TARGET, "us-east-1", true, true, NULL},
    {"arn:aws:kms:us-east-1:111111111111:key/ebs-4", "ebs-4", SOURCE, "us-east-1", true, true, NULL},
};

int cs_world_load_identity(struct cs_sim *sim, const struct af_doc *world, struct af_error *err) {
  (void)sim, (void)world, (void)err;
  return 0;
}

void cs_identity_free(struct cs_sim *sim) {
  (void)sim;
}

int cs_policy_check(struct cs_call *call, const char *action, const char *resource) {
  char asked[400];
  snprintf(asked, sizeof asked, "%s %s", action, resource);
  for (size_t i = 0; i < COUNT(front.denied) && front.denied[i]; i++)
    if (af_str_glob(af_str(front.denied[i]), af_str(asked)))
      return cs_fail(call, 403, "UnauthorizedOperation", "You are not authorized to perform this operation.");
  return 0;
}

struct cs_key *cs_kms_default_ebs_key(struct cs_sim *sim, const char *account, const char *region) {
  (void)sim;
  for (size_t i = 0; i < COUNT(keys); i++)
    if (keys[i].aws_managed && af_streq(keys[i].account, account) && af_streq(keys[i].region, region))
      return &keys[i];
  return NULL;
}

struct cs_key *cs_kms_key_find(const struct cs_sim *sim, const char *region, const char *account, const char *text) {
  (void)sim;
  for (size_t i = 0; i < COUNT(keys); i++)
    if (af_streq(keys[i].region, region) &&
        (af_streq(keys[i].arn, text) || (af_streq(keys[i].id, text) && af_streq(keys[i].account, account)) ||
         (af_streq(text, "alias/mine") && !keys[i].aws_managed && af_streq(keys[i].account, account))))
      return &keys[i];
  return NULL;
}

bool cs_kms_may_use(struct cs_sim *sim, int64_t sim_ms, const struct cs_caller *caller, const struct cs_key *key, const char *operation) {
  (void)sim;
  if (af_streq(caller->account, key->account))
    return !(front.target_key_disabled && af_streq(key->arn, TARGET_KEY));
  return front.granted && front.granted_ms <= sim_ms && sim_ms < front.retired_ms && !af_streq(operation, front.forbidden_operation);
}

/* A world without buckets: bundle_readers decide. */
enum cs_bundle cs_s3_bundle(const struct cs_sim *sim, int64_t sim_ms, const struct cs_caller *caller, const char *location,
                            int64_t *ret_bytes) {
  (void)sim, (void)sim_ms, (void)caller, (void)location, (void)ret_bytes;
  return CS_BUNDLE_ABSENT;
}

int cs_s3_check_bundle_target(struct cs_call *call) {
  (void)call;
  return 0;
}

void cs_s3_copy_bundle(struct cs_call *call, const char *from, const char *image_id, int64_t done_ms, char location[CS_LOCATION_SIZE]) {
  (void)call, (void)from, (void)done_ms;
  snprintf(location, CS_LOCATION_SIZE, "amis/%s/manifest.xml", image_id);
}

int cs_auth_presigned(struct cs_sim *sim, int64_t now_ms, const char *url, const char *region, struct cs_caller *ret_caller,
                      struct cs_params *ret_params, struct cs_failure *failure) {
  (void)sim, (void)now_ms, (void)url, (void)region, (void)failure;
  if (!front.url_good)
    return -AF_EAWS;
  AF_COPY(ret_caller->account, af_str(front.url_account));
  return cs_params_read(ret_params, af_str(front.url_query));
}

/* --- worlds ------------------------------------------------------------------------------------------------------------------- */
/* The source has a plain image of two volumes, one under its own key, one under aws/ebs, a Windows one, a Marketplace one. */
#define ACCOUNTS                                                                                                                     \
  "accounts:\n"                                                                                                                      \
  "- id: '" SOURCE "'\n"                                                                                                             \
  "  organization: arn:aws:organizations::" SOURCE ":organization/o-one\n"                                                           \
  "  regions:\n"                                                                                                                     \
  "    eu-west-1:\n"                                                                                                                 \
  "      snapshots:\n"                                                                                                               \
  "      - {id: snap-00000001, size: 8, full_size: 1073741824, tags: {Role: root}}\n"                                                \
  "      - {id: snap-00000002, size: 100}\n"                                                                                         \
  "      - {id: snap-00000003, size: 8, kms_key: " SOURCE_KEY "}\n"                                                                  \
  "      - {id: snap-00000004, size: 8, encrypted: true}\n"                                                                          \
  "      - {id: snap-00000005, size: 30}\n"                                                                                          \
  "      - {id: snap-00000006, size: 8, product_codes: [{code: abc123}]}\n"                                                          \
  "      - {id: snap-00000007, size: 8, storage_tier: archive}\n"                                                                    \
  "      images:\n"                                                                                                                  \
  "      - {id: ami-00000001, name: plain, description: of old, tags: {Team: blue, ec2:SharedTag/Kind: golden},\n"                    \
  "         uefi_data: QU1J, boot_mode: uefi-preferred, tpm_support: v2.0, imds_support: v2.0, source_instance_id: i-00000001,\n"      \
  "         mappings: [{device: /dev/xvda, snapshot: snap-00000001}, {device: /dev/sdb, snapshot: snap-00000002,\n"                   \
  "           delete_on_termination: false, volume_type: io1, iops: 300}, {device: /dev/sdc, virtual_name: ephemeral0}]}\n"           \
  "      - {id: ami-00000003, name: secret, mappings: [{device: /dev/xvda, snapshot: snap-00000003}]}\n"                             \
  "      - {id: ami-00000004, name: default-key, mappings: [{device: /dev/xvda, snapshot: snap-00000004}]}\n"                        \
  "      - {id: ami-00000005, name: windows, platform: windows, platform_details: Windows, usage_operation: 'RunInstances:0002',\n"  \
  "         billing: true, mappings: [{device: /dev/sda1, snapshot: snap-00000005}]}\n"                                             \
  "      - {id: ami-00000006, name: sold, product_codes: [{code: abc123}], mappings: [{device: /dev/xvda, snapshot: snap-00000006}]}\n" \
  "- id: '" TARGET "'\n"                                                                                                             \
  "  organization: arn:aws:organizations::" SOURCE ":organization/o-one\n"                                                           \
  "  units: ['arn:aws:organizations::" SOURCE ":ou/o-one/ou-two']\n"                                                                 \
  "  regions:\n"                                                                                                                     \
  "    eu-west-1:\n"                                                                                                                 \
  "      enabled: true\n"                                                                                                            \
  "%s" /* more settings of the target */                                                                                             \
  "- id: '" OTHER "'\n"

struct world {
  struct cs_sim *sim;
  int64_t now_ms;
  struct cs_reply reply;
  char code[80], message[1024];
};

static inline void reset_front(void) {
  memset(&front, 0, sizeof front);
  front.retired_ms = INT64_MAX;
}

static inline int load_world(struct world *w, const char *text, struct af_error *err) {
  struct af_doc *doc;
  assert_ok(af_doc_read(&doc, "world.yaml", af_str(text), AF_DOC_YAML, NULL, err), err);
  *w = (struct world){.sim = cs_new(sizeof *w->sim), .now_ms = START_MS};
  w->sim->start_ms = START_MS;
  af_random_seed(&w->sim->ids, 7);
  af_random_seed(&w->sim->lags, 8);
  af_random_seed(&w->sim->times, 9);
  af_buf_init(&w->reply.body, (size_t)64 << 20);
  af_buf_init(&w->reply.headers, 65536);
  int rc = cs_world_load(w->sim, doc, err);
  af_doc_free(doc);
  return rc;
}

static inline void world_done(struct world *w) {
  cs_world_free(w->sim);
  free(w->sim);
  af_buf_done(&w->reply.body);
  af_buf_done(&w->reply.headers);
}

/* settings: top-level YAML; target: YAML of the target account's eu-west-1, indented by six. */
static inline void make_world(struct world *w, const char *settings, const char *target) {
  char text[16384];
  struct af_error err;
  int n = snprintf(text, sizeof text, "regions: [eu-west-1, us-east-1, cn-north-1, {name: ap-east-1, opt_in: true}]\n%s" ACCOUNTS, settings, target);
  assert_true(n > 0 && (size_t)n < sizeof text);
  reset_front();
  assert_ok(load_world(w, text, &err), &err);
}

#define WORLD(name, settings, target)                              \
  struct world name##_ __attribute__((cleanup(world_done))) = {0}; \
  struct world *name = &name##_;                                   \
  make_world(name, settings, target)

/* --- calls -------------------------------------------------------------------------------------------------------------------- */
/* The first element of that name in the reply's body, in one of a few buffers in turn; "" where there is none. */
static inline const char *value_of(const struct world *w, const char *element) {
  static char values[8][512];
  static unsigned turn;
  char *out = values[turn++ % 8], open[80];
  snprintf(open, sizeof open, "<%s>", element);
  const char *at = strstr(af_buf_cstr(&w->reply.body), open);
  out[0] = 0;
  if (at) {
    at += strlen(open);
    af_str_copy(out, 512, af_str_n(at, (size_t)(strchr(at, '<') - at)));
  }
  return out;
}

/* form: "Action=X&Name=..."; the Version is added. */
static inline int call_in(struct world *w, const char *account, const char *region, const char *form) {
  struct cs_call call = {.sim = w->sim, .now_ms = w->now_ms, .sim_ms = cs_sim_time(w->sim, w->now_ms), .service = "ec2"};
  call.region = cs_region_find(w->sim, region);
  AF_COPY(call.caller.account, af_str(account));
  snprintf(call.caller.arn, sizeof call.caller.arn, "arn:aws:iam::%s:root", account);
  AF_COPY(call.request_id, af_str("11111111-2222-3333-4444-555555555555"));
  assert_int_equal(cs_params_read(&call.params, af_str(form)), 0);
  cs_params_add(&call.params, "Version", "2016-11-15");
  AF_COPY(call.action, af_str(cs_param(&call.params, "Action")));
  af_buf_reset(&w->reply.body);
  af_buf_reset(&w->reply.headers);
  cs_ec2_handle(&call, &w->reply);
  AF_COPY(w->code, af_str(call.failure.code));
  AF_COPY(w->message, af_str(call.failure.message));
  cs_params_done(&call.params);
  return w->reply.status;
}

static inline int call_as(struct world *w, const char *account, const char *form) {
  return call_in(w, account, "eu-west-1", form);
}

static inline const char *body_of(const struct world *w) {
  return af_buf_cstr(&w->reply.body);
}

static inline void after_s(struct world *w, int64_t seconds) {
  w->now_ms += seconds * 1000;
}

static inline void assert_done_(struct world *w, int status, const char *file, int line) {
  if (status != 200) {
    print_error("%d %s: %s\n", status, w->code, w->message);
    _fail(file, line);
  }
}
#define assert_done(w, status) assert_done_((w), (status), __FILE__, __LINE__)

static inline void assert_refused_(struct world *w, int status, const char *code, const char *part, const char *file, int line) {
  if (status < 400 || !af_streq(w->code, code) || !strstr(w->message, part)) {
    print_error("%d %s: %s\n", status, w->code, status < 400 ? body_of(w) : w->message);
    _fail(file, line);
  }
}
#define assert_refused(w, status, code, part) assert_refused_((w), (status), (code), (part), __FILE__, __LINE__)
#define assert_body(w, part) assert_contains(body_of(w), part)
#define assert_no_body(w, part) assert_lacks(body_of(w), part)

static inline size_t count_of(const struct world *w, const char *part) {
  size_t n = 0;
  for (const char *at = body_of(w); (at = strstr(at, part)); at += strlen(part))
    n++;
  return n;
}

/* Opens everything of an image to an account: launch permission, and the snapshots given. */
static inline void share(struct world *w, const char *image, const char *to, const char *const *snapshots) {
  char form[400];
  snprintf(form, sizeof form, "Action=ModifyImageAttribute&ImageId=%s&LaunchPermission.Add.1.UserId=%s", image, to);
  assert_done(w, call_as(w, SOURCE, form));
  for (; *snapshots; snapshots++) {
    snprintf(form, sizeof form, "Action=ModifySnapshotAttribute&SnapshotId=%s&CreateVolumePermission.Add.1.UserId=%s", *snapshots, to);
    assert_done(w, call_as(w, SOURCE, form));
  }
}

static inline void share_plain(struct world *w) {
  static const char *const snapshots[] = {"snap-00000001", "snap-00000002", NULL};
  share(w, "ami-00000001", TARGET, snapshots);
}

static inline const char *image_state(struct world *w, const char *account, const char *id) {
  char form[200];
  snprintf(form, sizeof form, "Action=DescribeImages&ImageId.1=%s", id);
  return call_as(w, account, form) == 200 ? value_of(w, "imageState") : w->code;
}

static inline const char *snapshot_state(struct world *w, const char *account, const char *id) {
  char form[200];
  snprintf(form, sizeof form, "Action=DescribeSnapshots&SnapshotId.1=%s", id);
  return call_as(w, account, form) == 200 ? value_of(w, "status") : w->code;
}

#endif
