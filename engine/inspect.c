/* The reads of an inspection as a table: each row says what to ask and what to keep of the answer. */
#include "engine/inspect_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/aws/ops.h"
#include "engine/pages.h"
#include "plans/name.h"

static json_t *nothing(struct af_inspection *x) {
  return af_inspection_made(x, json_object());
}

void af_take_partition(const char *arn, char out[16]) {
  const char *from = strchr(arn, ':'), *to = from ? strchr(from + 1, ':') : NULL;
  if (to) af_str_copy(out, 16, af_str_n(from + 1, (size_t)(to - from - 1)));
}

static int take_account(const struct af_answer *a, const char *wanted, const char *side, char out[16], struct af_error *err) {
  const char *account = af_json_str(a->output, "Account"); /* "" where absent */
  af_str_copy(out, 16, af_str(account));
  if (!wanted || af_streq(wanted, account)) return 0;
  int rc = af_error_set(err, -AF_EAWS, AF_CLASS_AUTH, "WrongAccount", "the %s credentials belong to account %s, but the manifest says %s",
                        side, *account ? account : "?", wanted);
  AF_COPY(err->action, af_str("sts:GetCallerIdentity"));
  AF_COPY(err->account, af_str(account));
  af_error_hint(err, "choose the profile or role of account %s for this copy's %s, or correct %s.account", wanted, side, side);
  return rc;
}

static int take_target(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  af_take_partition(af_json_str(a->output, "Arn"), x->facts.target_partition);
  return take_account(a, x->spec->target.account, "target", x->facts.target_account, err);
}

static json_t *ask_source(struct af_inspection *x) {
  if (!x->facts.pull) return nothing(x);
  AF_COPY(x->facts.source_partition, af_str(x->facts.target_partition)); /* one's credentials are good in one partition */
  return NULL;
}

static int take_source(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  af_take_partition(af_json_str(a->output, "Arn"), x->facts.source_partition);
  return take_account(a, x->spec->source.account, "source", x->facts.source_account, err);
}

static json_t *ask_image(struct af_inspection *x) {
  return af_inspection_made(x, json_pack("{s:[s]}", "ImageIds", x->spec->image));
}

/* Somebody else's image, whom the manifest trusts: the source's credentials can open nothing there, so the target itself looks what it may. */
static bool trusted_stranger(const struct af_inspection *x) {
  const char *owner = af_json_str(x->facts.image, "OwnerId"), *alias = af_json_str(x->facts.image, "ImageOwnerAlias");
  size_t i;
  json_t *one;
  if (x->facts.pull || af_streq(owner, x->facts.source_account) || af_streq(owner, x->facts.target_account)) return false;
  json_array_foreach(x->spec->trusted_owners, i, one) {
    const char *name = json_string_value(one);
    if (*name && (af_streq(name, owner) || af_streq(name, alias))) return true;
  }
  return false;
}

static int take_image(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  json_t *image = json_array_get(json_object_get(a->output, "Images"), 0);
  if (image) {
    json_decref(x->facts.image);
    x->facts.image = json_incref(image);
    if (!trusted_stranger(x)) return 0;
    x->facts.pull = true;
    x->facts.source_account[0] = '\0';
    x->stage--; /* once more, with the target's eyes */
    return 0;
  }
  int rc = af_error_set(err, -AF_EAWS, AF_CLASS_REFUSED, "InvalidAMIID.NotFound", "AWS shows no AMI %s in %s to account %s", x->spec->image,
                        x->spec->source.region, x->facts.pull ? x->facts.target_account : x->facts.source_account);
  AF_COPY(err->resource, af_str(x->spec->image));
  af_error_hint(err, "it is not shared with that account, it was deregistered, or it is in another Region");
  return rc;
}

static bool owned(const struct af_inspection *x) {
  return af_streq(af_json_str(x->facts.image, "OwnerId"), x->facts.pull ? x->facts.target_account : x->facts.source_account);
}

/* The owner alone may read it (rules.md 2.4), and only an AMI on EBS volumes can have it. */
static json_t *ask_uefi(struct af_inspection *x) {
  bool ebs = af_streq(af_json_str(x->facts.image, "RootDeviceType"), "ebs");
  x->facts.uefi_unreadable = ebs && !owned(x);
  if (!ebs || !owned(x)) return NULL;
  return af_inspection_made(x, json_pack("{s:s, s:s}", "ImageId", x->spec->image, "Attribute", "uefiData"));
}

static int take_uefi(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  const char *data = af_json_str(json_object_get(a->output, "UefiData"), "Value");
  free(x->facts.uefi_data);
  x->facts.uefi_data = NULL;
  return *data && !(x->facts.uefi_data = af_str_dup(af_str(data))) ? af_error_nomem(err) : 0;
}

static json_t *ask_snapshots(struct af_inspection *x) {
  json_t *ids = af_inspection_made(x, json_array()), *mapping;
  size_t i;
  json_array_foreach(json_object_get(x->facts.image, "BlockDeviceMappings"), i, mapping) {
    const char *id = af_json_str(json_object_get(mapping, "Ebs"), "SnapshotId");
    if (*id && json_array_append_new(ids, json_string(id))) x->starved = true;
  }
  if (json_array_size(ids) > 0) return af_inspection_made(x, json_pack("{s:o}", "SnapshotIds", ids));
  json_decref(ids); /* an empty list would mean every snapshot there is */
  return NULL;
}

/* Keeps the snapshots in the order of the mappings, and notes each distinct key. AWS leaves out what it doesn't show (rules.md 6.3). */
static int take_snapshots(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  size_t i;
  json_t *mapping;
  json_array_clear(x->facts.snapshots);
  json_array_clear(x->facts.source_keys);
  json_array_foreach(json_object_get(x->facts.image, "BlockDeviceMappings"), i, mapping) {
    const char *id = af_json_str(json_object_get(mapping, "Ebs"), "SnapshotId");
    if (!*id) continue;
    const json_t *s = af_json_find(json_object_get(a->output, "Snapshots"), "SnapshotId", id);
    if (!s && x->facts.pull) continue; /* not shared with us: the route depends on it */
    if (!s) {
      int rc = af_error_set(err, -AF_EAWS, AF_CLASS_AUTH, "SnapshotNotVisible", "snapshot %s of %s is not visible to account %s", id,
                            x->spec->image, x->facts.source_account);
      AF_COPY(err->resource, af_str(id));
      af_error_hint(err, "use credentials of the account that owns the AMI as this copy's source");
      return rc;
    }
    if (json_array_append_new(x->facts.snapshots, json_deep_copy(s))) return af_error_nomem(err);
    const char *key = af_json_str(s, "KmsKeyId");
    if (*key && !af_json_find(x->facts.source_keys, "Arn", key) &&
        json_array_append_new(x->facts.source_keys, json_pack("{s:s}", "Arn", key)))
      return af_error_nomem(err);
  }
  x->key = 0;
  return 0;
}

/* That a key could not be described is a fact as well. */
static json_t *refusal_of(const struct af_answer *a) {
  return json_pack("{s:s, s:s, s:s, s:i}", "Error", a->error.code, "Message", a->error.message, "RequestId", a->error.request_id,
                   "HttpStatus", a->error.http_status);
}

static json_t *ask_key(struct af_inspection *x, const char *id) {
  return id ? af_inspection_made(x, json_pack("{s:s}", "KeyId", id)) : NULL;
}

static json_t *ask_source_key(struct af_inspection *x) {
  const json_t *key = json_array_get(x->facts.source_keys, x->key);
  return key ? ask_key(x, af_json_str(key, "Arn")) : NULL;
}

static int take_source_key(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  json_t *key = json_array_get(x->facts.source_keys, x->key++);
  json_t *refused = a->rc ? refusal_of(a) : NULL;
  bool kept = json_object_update(key, a->rc ? refused : json_object_get(a->output, "KeyMetadata")) == 0;
  json_decref(refused);
  return kept ? 0 : af_error_nomem(err);
}

static json_t *ask_target_key(struct af_inspection *x) {
  return ask_key(x, x->spec->kms_key);
}

/* What the answer says, or how it refused: both are facts. */
static int take_key(json_t **key, const char *wanted, const struct af_answer *a, struct af_error *err) {
  json_decref(*key);
  *key = a->rc ? refusal_of(a) : json_incref(json_object_get(a->output, "KeyMetadata"));
  if (!*key) return af_error_nomem(err);
  return a->rc && json_object_set_new(*key, "KeyId", json_string(wanted)) ? af_error_nomem(err) : 0;
}

static int take_target_key(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  return take_key(&x->facts.target_key, x->spec->kms_key, a, err);
}

static int take_default_encryption(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  x->facts.encryption_by_default = !a->rc && af_json_bool(a->output, "EbsEncryptionByDefault");
  return 0;
}

static int take_allowed_images(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  AF_COPY(x->facts.allowed_images, af_str(a->rc ? "" : af_json_str(a->output, "State")));
  return 0;
}

static json_t *ask_name(struct af_inspection *x) {
  char name[AF_NAME_SIZE], like[AF_NAME_SIZE + 2];
  struct af_error unused;
  if (af_name_expand(x->spec, &x->facts, name, &unused)) return NULL; /* the route says what is wrong with it */
  snprintf(like, sizeof(like), "%s-*", name);
  bool others = af_streq(x->spec->on_existing, "suffix");
  json_t *filters = others ? json_pack("[{s:s, s:[s, s]}]", "Name", "name", "Values", name, like) : af_filters("name", name, NULL);
  return af_inspection_made(
      x, json_pack("{s:[s], s:b, s:o, s:i}", "Owners", "self", "IncludeDisabled", 1, "Filters", filters, "MaxResults", AF_PAGE_MOST));
}

/* What an earlier rung of this very copy made is on its way out. */
static bool own(const struct af_inspection *x, const json_t *image) {
  return *x->who.copy_id && af_streq(af_tag(image, AF_TAG_COPY), x->who.copy_id);
}

/* A name may have several holders where CopyImage doesn't enforce it (rules.md 2.1): one that says it is this source's copy counts first.
 * In the source's own account and Region the source has the name itself. */
static int take_name(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  char source[128];
  size_t i;
  json_t *image, *best = NULL, *holders = json_array();
  snprintf(source, sizeof(source), "%s/%s", x->spec->source.region, x->spec->image);
  json_array_foreach(json_object_get(a->output, "Images"), i, image) {
    if (!own(x, image) && (!best || af_streq(af_tag(image, AF_TAG_SOURCE), source))) best = image;
  }
  bool bad = !holders || (best && json_array_append(holders, best));
  json_array_foreach(json_object_get(a->output, "Images"), i, image) {
    bad = bad || (image != best && !own(x, image) && json_array_append(holders, image));
  }
  json_decref(x->facts.name_holders);
  x->facts.name_holders = holders;
  return bad ? af_error_nomem(err) : 0;
}

static json_t *ask_bridge_key(struct af_inspection *x) {
  return x->facts.pull ? NULL : ask_key(x, x->spec->bridge_key);
}

static int take_bridge_key(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  return take_key(&x->facts.bridge_key, x->spec->bridge_key, a, err);
}

static json_t *ask_launch_key(struct af_inspection *x) {
  return ask_key(x, x->spec->launch_key);
}

static int take_launch_key(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  return take_key(&x->facts.launch_key, x->spec->launch_key, a, err);
}

static const struct af_read reads[] = {
    {&af_sts_get_caller_identity, AF_AT_TARGET, nothing, take_target, false, false},
    {&af_sts_get_caller_identity, AF_AT_SOURCE, ask_source, take_source, false, false},
    {&af_ec2_describe_images, AF_AT_SOURCE, ask_image, take_image, false, false},
    {&af_ec2_describe_image_attribute, AF_AT_SOURCE, ask_uefi, take_uefi, false, false},
    {&af_ec2_describe_snapshots, AF_AT_SOURCE, ask_snapshots, take_snapshots, false, false},
    {&af_kms_describe_key, AF_AT_SOURCE, ask_source_key, take_source_key, true, true},
    {&af_kms_describe_key, AF_AT_SOURCE, ask_bridge_key, take_bridge_key, true, false},
    {&af_kms_describe_key, AF_AT_TARGET, ask_target_key, take_target_key, true, false},
    {&af_kms_describe_key, AF_AT_LAUNCH, ask_launch_key, take_launch_key, true, false},
    {&af_ec2_get_ebs_encryption_by_default, AF_AT_TARGET, nothing, take_default_encryption, true, false},
    {&af_ec2_get_allowed_images_settings, AF_AT_TARGET, nothing, take_allowed_images, true, false},
    {&af_ec2_describe_images, AF_AT_TARGET, ask_name, take_name, false, false},
};
#define N_READS (sizeof(reads) / sizeof(reads[0]))

/* Those of a launch come last: whether they are needed depends on all others. */
static const struct af_read *read_at(size_t i) {
  return i < N_READS ? &reads[i] : &af_launch_reads[i - N_READS];
}

int af_inspection_new(struct af_inspection **ret, const struct af_inspected *who) {
  *ret = calloc(1, sizeof(**ret));
  if (!*ret) return -AF_ENOMEM;
  (*ret)->who = *who;
  (*ret)->spec = who->spec;
  af_facts_init(&(*ret)->facts);
  (*ret)->facts.begun_ms = who->begun_ms;
  (*ret)->facts.pull = who->spec->pull;
  if (!(*ret)->facts.snapshots) (*ret)->facts.snapshots = json_array();
  if (!(*ret)->facts.source_keys) (*ret)->facts.source_keys = json_array();
  (*ret)->facts.name_holders = json_array();
  if ((*ret)->facts.snapshots && (*ret)->facts.source_keys && (*ret)->facts.name_holders) return 0;
  af_inspection_free(*ret);
  *ret = NULL;
  return -AF_ENOMEM;
}

void af_inspection_free(struct af_inspection *x) {
  if (!x) return;
  af_facts_done(&x->facts);
  free(x);
}

struct af_facts *af_inspection_facts(struct af_inspection *x) {
  return &x->facts;
}

bool af_inspection_shared(const struct af_op *op) {
  return op == &af_sts_get_caller_identity || op == &af_kms_describe_key || op == &af_ec2_get_ebs_encryption_by_default ||
         op == &af_ec2_get_allowed_images_settings || op == &af_ec2_describe_vpcs || op == &af_ec2_describe_subnets ||
         op == &af_ec2_describe_instance_types || op == &af_ec2_describe_instance_type_offerings;
}

int af_inspection_ask(struct af_inspection *x, struct af_ask *ret) {
  for (; x->stage < N_READS + AF_LAUNCH_READS; x->stage++) {
    const struct af_read *r = read_at(x->stage);
    json_t *input = r->build(x);
    if (x->starved) {
      json_decref(input);
      return -AF_ENOMEM;
    }
    if (!input) continue;
    *ret = (struct af_ask){.op = r->op,
                           .side = r->where == AF_AT_SOURCE && !x->facts.pull ? AF_SOURCE : AF_TARGET,
                           .input = input,
                           .region = r->where == AF_AT_TARGET ? x->spec->target.region : x->spec->source.region};
    return 0;
  }
  *ret = (struct af_ask){0};
  return 0;
}

int af_inspection_answer(struct af_inspection *x, const struct af_answer *a, struct af_error *err) {
  const struct af_read *r = read_at(x->stage);
  bool fact = r->tolerant && (a->error.class == AF_CLASS_AUTH || a->error.class == AF_CLASS_REFUSED || a->error.class == AF_CLASS_INVALID);
  if (a->rc && !fact) {
    *err = a->error;
    return a->rc;
  }
  int rc = r->take(x, a, err);
  if (!rc && !r->repeats) x->stage++;
  return rc;
}
