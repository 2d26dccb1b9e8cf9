/* Attributes of images and snapshots one by one: Describe, Modify and Reset; sharing above all (rules.md 2.4, 2.5). */
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2.h"

enum { MOST_SNAPSHOT_CHANGES = 500, MOST_IMAGE_CHANGES = 10000 };

/* --- whom a permission names, in both wire forms --- */

/* The wire form LaunchPermission.Add.N.UserId, and the old one: Attribute, OperationType, UserId.N. */
static const struct {
  enum cs_grantee kind;
  const char *member, *list;
} grantees[] = {
    {CS_TO_USER, "UserId", "UserId"},
    {CS_TO_GROUP, "Group", "UserGroup"},
    {CS_TO_ORGANIZATION, "OrganizationArn", "OrganizationArn"},
    {CS_TO_UNIT, "OrganizationalUnitArn", "OrganizationalUnitArn"},
};
enum { GRANTEES = sizeof grantees / sizeof grantees[0] };

struct change {
  bool add;
  enum cs_grantee kind;
  const char *to;
};
struct changes {
  struct change *items;
  size_t n;
};

static void put_change(struct changes *c, bool add, enum cs_grantee kind, const char *to) {
  if (to)
    *CS_ADD(c->items, c->n) = (struct change){add, kind, to};
}

/* structure.Add.N.UserId and its kin */
static void read_structure(struct cs_call *call, const char *structure, bool add, struct changes *c) {
  char list[80];
  snprintf(list, sizeof list, "%s.%s", structure, add ? "Add" : "Remove");
  size_t n = cs_param_list(call, list);
  for (size_t i = 1; i <= n; i++)
    for (size_t k = 0; k < GRANTEES; k++)
      put_change(c, add, grantees[k].kind, cs_paramf(&call->params, "%s.%zu.%s", list, i, grantees[k].member));
}

static void read_flat(struct cs_call *call, bool add, struct changes *c) {
  for (size_t k = 0; k < GRANTEES; k++) {
    size_t n = cs_param_list(call, grantees[k].list);
    for (size_t i = 1; i <= n; i++)
      put_change(c, add, grantees[k].kind, cs_paramf(&call->params, "%s.%zu", grantees[k].list, i));
  }
}

static bool account_id(const char *text) {
  return strlen(text) == 12 && strspn(text, "0123456789") == 12;
}

static int check_change(struct cs_call *call, const struct change *c) {
  bool good = c->kind == CS_TO_USER    ? account_id(c->to)
              : c->kind == CS_TO_GROUP ? af_streq(c->to, "all")
                                       : strncmp(c->to, "arn:", 4) == 0 && strstr(c->to, ":organizations::") != NULL;
  if (good)
    return 0;
  return cs_fail(call, 400, "InvalidAMIAttributeItemValue", "Invalid attribute item value \"%s\" for %s item type.", c->to,
                 cs_grantee_elements[c->kind]);
}

static int read_changes(struct cs_call *call, const char *structure, const char *attribute, size_t most, struct changes *c) {
  const char *operation = cs_param(&call->params, "OperationType"), *named = cs_param(&call->params, "Attribute");
  static const char *const operations[] = {"add", "remove", NULL};
  read_structure(call, structure, true, c);
  read_structure(call, structure, false, c);
  if (af_streq(named, attribute) && c->n == 0) {
    if (!operation)
      return cs_fail(call, 400, "MissingParameter", "The request must contain the parameter OperationType");
    if (cs_one_of(call, "OperationType", operations) < 0)
      return -AF_EAWS;
    read_flat(call, af_streq(operation, "add"), c);
  }
  if (c->n == 0)
    return cs_fail(call, 400, "InvalidParameterCombination", "No attributes specified.");
  if (c->n > most)
    return cs_fail(call, 400, "InvalidParameterValue", "The request names %zu changes; the most is %zu.", c->n, most);
  for (size_t i = 0; i < c->n; i++)
    if (check_change(call, &c->items[i]) < 0)
      return -AF_EAWS;
  return 0;
}

static void apply(struct cs_call *call, struct cs_permissions *p, const struct changes *c) {
  for (size_t i = 0; i < c->n; i++) {
    if (c->items[i].add)
      cs_permit(p, call->sim_ms, c->items[i].kind, c->items[i].to);
    else
      cs_withdraw(p, call->sim_ms, c->items[i].kind, c->items[i].to);
  }
}

static bool adds(const struct changes *c, bool to_all_only) {
  for (size_t i = 0; i < c->n; i++)
    if (c->items[i].add && (!to_all_only || c->items[i].kind == CS_TO_GROUP))
      return true;
  return false;
}

/* rules.md 6.1: sharing entities of one account and Region. Entries that are there already are not counted twice. */
static int check_sharing_quota(struct cs_call *call, const struct cs_image *image, const struct changes *c) {
  const struct cs_ec2 *ec2 = call->sim->ec2;
  size_t n = 0, public = 0;
  for (size_t i = 0; i < ec2->n_images; i++) {
    const struct cs_image *other = ec2->images[i];
    if (other->owner != image->owner || other->region != image->region || !cs_image_lives(other, call->sim_ms))
      continue;
    n += cs_permissions_count(&other->permissions, call->sim_ms);
    public += cs_permissions_public(&other->permissions, call->sim_ms);
  }
  for (size_t i = 0; i < c->n; i++)
    n += c->items[i].add && !cs_permitted(&image->permissions, call->sim_ms, c->items[i].kind, c->items[i].to);
  if (adds(c, true) && !cs_permissions_public(&image->permissions, call->sim_ms) && public >= (size_t)call->sim->quota.public_images)
    return cs_fail(call, 400, "ResourceLimitExceeded", "You have reached your quota of %d for the number of public images allowed in this Region.",
                   call->sim->quota.public_images);
  if (adds(c, false) && n > (size_t)call->sim->quota.sharing_entities)
    return cs_fail(call, 400, "ResourceLimitExceeded", "You have reached your quota of %d for the number of entities that AMIs can be shared with in this Region.",
                   call->sim->quota.sharing_entities);
  return 0;
}

/* --- ModifyImageAttribute --- */

static const struct cs_snapshot *mapped(const struct cs_call *call, const struct cs_image *image, size_t i) {
  return cs_snapshot_by_id(call->sim, image->mappings[i].snapshot_id);
}

static bool under_default_key(const struct cs_call *call, const struct cs_snapshot *s) {
  const struct cs_key *key = s->encrypted ? cs_kms_key_find(call->sim, s->region->name, s->owner->id, s->kms_key) : NULL;
  return key && key->aws_managed;
}

static bool has_codes(const struct cs_call *call, const struct cs_image *image) {
  bool any = image->n_codes > 0;
  for (size_t i = 0; i < image->n_mappings && !any; i++) {
    const struct cs_snapshot *s = mapped(call, image, i);
    any = s && s->n_codes > 0;
  }
  return any;
}

static int may_share_image(struct cs_call *call, const struct cs_image *image, const struct changes *c) {
  const struct cs_settings *settings = cs_caller_settings(call);
  if (!adds(c, false))
    return 0;
  if (image->fate == CS_IMAGE_DISABLED)
    return cs_fail(call, 400, "InvalidAMIID.Unavailable", "The image ID '%s' is disabled", image->id);
  for (size_t i = 0; i < image->n_mappings; i++) {
    const struct cs_snapshot *s = mapped(call, image, i);
    if (s && under_default_key(call, s)) /* rules.md 1.4; the words: hashicorp/packer#7410 */
      return cs_fail(call, 400, "InvalidParameter", "Snapshots encrypted with the AWS Managed CMK can't be shared. Specify another snapshot.");
    if (s && s->encrypted && adds(c, true))
      return cs_fail(call, 400, "OperationNotPermitted", "Images with encrypted snapshots cannot be shared publicly");
  }
  if (adds(c, true) && has_codes(call, image)) /* rules.md 2.5 */
    return cs_fail(call, 400, "OperationNotPermitted", "Images with product codes cannot be shared publicly");
  if (adds(c, true) && image->n_watermarks > 0) /* rules.md 1.2 */
    return cs_fail(call, 400, "OperationNotPermitted", "Images with watermarks cannot be shared publicly");
  if (adds(c, true) && af_streq(settings->image_block_public, "block-new-sharing")) /* rules.md 2.5 */
    return cs_fail(call, 400, "OperationNotPermitted", "You can't publicly share this image because block public access is enabled for this account in this Region.");
  return check_sharing_quota(call, image, c);
}

static int modify_launch_permission(struct cs_call *call, struct cs_image *image) {
  struct changes c = {0};
  int rc = read_changes(call, "LaunchPermission", "launchPermission", MOST_IMAGE_CHANGES, &c);
  if (rc == 0)
    rc = may_share_image(call, image, &c);
  if (rc == 0)
    apply(call, &image->permissions, &c);
  free(c.items);
  return rc;
}

static int modify_description(struct cs_call *call, struct cs_image *image) {
  const char *value = cs_param(&call->params, "Description.Value");
  value = value ? value : cs_param(&call->params, "Value");
  if (!value || strlen(value) > 255)
    return cs_fail(call, 400, "InvalidParameterValue", "Value for parameter description is invalid. It has at most 255 characters.");
  cs_image_set(image, call->sim_ms, CS_DESCRIPTION, value);
  return 0;
}

static int modify_imds(struct cs_call *call, struct cs_image *image) {
  const char *value = cs_param(&call->params, "ImdsSupport.Value");
  value = value ? value : cs_param(&call->params, "Value");
  if (!af_streq(value, "v2.0")) /* it can be added, never removed: rules.md 2.4 */
    return cs_fail(call, 400, "InvalidParameterValue", "Value (%s) for parameter imdsSupport is invalid.", value ? value : "");
  cs_image_set(image, call->sim_ms, CS_IMDS, value);
  return 0;
}

static int check_launch_permission(struct cs_call *call) {
  struct changes c = {0};
  int rc = read_changes(call, "LaunchPermission", "launchPermission", MOST_IMAGE_CHANGES, &c);
  free(c.items);
  return rc;
}

static const struct {
  const char *name, *prefix;
  int (*check)(struct cs_call *call); /* of the parameters, before anything is looked at; NULL: modify() sees to it */
  int (*modify)(struct cs_call *call, struct cs_image *image);
} image_attributes[] = {
    {"launchPermission", "LaunchPermission.", check_launch_permission, modify_launch_permission},
    {"description", "Description.", NULL, modify_description},
    {"imdsSupport", "ImdsSupport.", NULL, modify_imds},
};

/* Which attribute is meant: named, or by the structure that is there; one a call. */
static int pick_image_attribute(struct cs_call *call, size_t *ret) {
  const char *named = cs_param(&call->params, "Attribute");
  size_t found = 0;
  if (cs_param_prefix(&call->params, "ProductCode.") || af_streq(named, "productCodes"))
    return cs_fail(call, 400, "UnsupportedOperation", "Product codes of an image cannot be changed.");
  for (size_t i = 0; i < sizeof image_attributes / sizeof image_attributes[0]; i++)
    if (cs_param_prefix(&call->params, image_attributes[i].prefix) || af_streq(named, image_attributes[i].name)) {
      *ret = i;
      found++;
    }
  if (found > 1)
    return cs_fail(call, 400, "InvalidParameterCombination", "Fields for multiple attribute types specified");
  if (found == 1)
    return 0;
  if (named)
    return cs_fail(call, 400, "InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute.", named);
  return cs_fail(call, 400, "InvalidParameterCombination", "No attributes specified.");
}

int cs_may_touch(struct cs_call *call, const char *type, const char *id) {
  char arn[160], action[100];
  cs_arn(arn, sizeof arn, call->region, type, id);
  snprintf(action, sizeof action, "ec2:%s", call->action);
  return cs_policy_check(call, action, arn);
}

struct cs_image *cs_touch_image(struct cs_call *call, const char *id) {
  if (cs_check_image_id(call, id) < 0 || cs_may_touch(call, "image", id) < 0)
    return NULL;
  struct cs_image *image = cs_own_image(call, id);
  return image && cs_dry_run(call) == 0 ? image : NULL;
}

struct cs_snapshot *cs_touch_snapshot(struct cs_call *call, const char *id) {
  if (cs_check_snapshot_id(call, id) < 0 || cs_may_touch(call, "snapshot", id) < 0)
    return NULL;
  struct cs_snapshot *s = cs_own_snapshot(call, id);
  return s && cs_dry_run(call) == 0 ? s : NULL;
}

static int done(struct af_buf *out) {
  cs_xml_bool(out, "return", true);
  return 0;
}

int cs_modify_image_attribute(struct cs_call *call, struct af_buf *out) {
  const char *id = cs_param(&call->params, "ImageId");
  size_t which = 0;
  if (pick_image_attribute(call, &which) < 0 || (image_attributes[which].check && image_attributes[which].check(call) < 0))
    return -AF_EAWS;
  struct cs_image *image = cs_touch_image(call, id);
  if (!image || image_attributes[which].modify(call, image) < 0)
    return -AF_EAWS;
  return done(out);
}

/* --- ModifySnapshotAttribute --- */

static int read_snapshot_changes(struct cs_call *call, struct changes *c) {
  static const char *const names[] = {"createVolumePermission", NULL};
  if (cs_one_of(call, "Attribute", names) < 0 ||
      read_changes(call, "CreateVolumePermission", "createVolumePermission", MOST_SNAPSHOT_CHANGES, c) < 0)
    return -AF_EAWS;
  for (size_t i = 0; i < c->n; i++) {
    if (c->items[i].kind != CS_TO_USER && c->items[i].kind != CS_TO_GROUP) /* rules.md 1.3.4 */
      return cs_fail(call, 400, "InvalidParameterValue", "Snapshots cannot be shared with organizations.");
    if (c->items[i].add != c->items[0].add) /* rules.md 2.5 */
      return cs_fail(call, 400, "InvalidParameterCombination", "Permissions can be added or removed in one request, not both.");
  }
  return 0;
}

static int may_share_snapshot(struct cs_call *call, const struct cs_snapshot *s, const struct changes *c) {
  const struct cs_settings *settings = cs_caller_settings(call);
  if (!adds(c, false))
    return 0;
  if (cs_check_tier(call, s, "shared") < 0)
    return -AF_EAWS;
  if (under_default_key(call, s))
    return cs_fail(call, 400, "OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared");
  if (adds(c, true) && (s->encrypted || s->n_codes > 0))
    return cs_fail(call, 400, "OperationNotPermitted", "Encrypted snapshots, and snapshots with AWS Marketplace product codes, cannot be made public");
  if (adds(c, true) && !af_streq(settings->snapshot_block_public, "unblocked"))
    return cs_fail(call, 400, "OperationNotPermitted", "You can't publicly share this snapshot because block public access is enabled for this account in this Region.");
  return 0;
}

static void withdraw_all(struct cs_permissions *p, int64_t now) {
  for (size_t i = 0; i < p->n; i++)
    if (p->items[i].until == CS_NEVER)
      p->items[i].until = now;
}

/* May the copy that is under way read s? */
static bool reads(const struct cs_call *call, const struct cs_snapshot *to, const struct cs_snapshot *s) {
  return to->copying && to->copying->source == s && cs_snapshot_open(call->sim, s, call->sim_ms, to->owner);
}

/* changes NULL: back to private. Access that is taken from a copy which still runs, by whatever permission it had it: AWS's answer
 * is not documented; the audit names it. */
static void change_sharing(struct cs_call *call, struct cs_snapshot *s, const struct changes *changes) {
  const struct cs_ec2 *ec2 = call->sim->ec2;
  bool *could = cs_new(ec2->n_pending_snapshots + 1);
  for (size_t i = 0; i < ec2->n_pending_snapshots; i++)
    could[i] = reads(call, ec2->pending_snapshots[i], s);
  if (changes)
    apply(call, &s->permissions, changes);
  else
    withdraw_all(&s->permissions, call->sim_ms);
  for (size_t i = 0; i < ec2->n_pending_snapshots; i++) {
    const struct cs_snapshot *to = ec2->pending_snapshots[i];
    if (could[i] && !reads(call, to, s))
      cs_hazard(call->sim, call->sim_ms, "%s was unshared from %s while its copy %s was under way", s->id, to->owner->id, to->id);
  }
  free(could);
}

int cs_modify_snapshot_attribute(struct cs_call *call, struct af_buf *out) {
  struct cs_snapshot *s = NULL;
  struct changes c = {0};
  int rc = read_snapshot_changes(call, &c) < 0 || (s = cs_touch_snapshot(call, cs_param(&call->params, "SnapshotId"))) == NULL ||
                   may_share_snapshot(call, s, &c) < 0
               ? -AF_EAWS
               : 0;
  if (rc == 0)
    change_sharing(call, s, &c);
  free(c.items);
  return rc < 0 ? rc : done(out);
}

/* --- Reset: back to private --- */

int cs_reset_image_attribute(struct cs_call *call, struct af_buf *out) {
  static const char *const names[] = {"launchPermission", NULL};
  if (cs_one_of(call, "Attribute", names) < 0)
    return -AF_EAWS;
  struct cs_image *image = cs_touch_image(call, cs_param(&call->params, "ImageId"));
  if (!image)
    return -AF_EAWS;
  withdraw_all(&image->permissions, call->sim_ms);
  return done(out);
}

int cs_reset_snapshot_attribute(struct cs_call *call, struct af_buf *out) {
  static const char *const names[] = {"createVolumePermission", NULL};
  if (cs_one_of(call, "Attribute", names) < 0)
    return -AF_EAWS;
  struct cs_snapshot *s = cs_touch_snapshot(call, cs_param(&call->params, "SnapshotId"));
  if (!s)
    return -AF_EAWS;
  change_sharing(call, s, NULL);
  return done(out);
}

/* --- Describe one attribute --- */

static void write_permissions(struct af_buf *out, const char *element, const struct cs_permissions *p, int64_t view) {
  cs_xml_open(out, element);
  for (size_t i = 0; i < p->n; i++) {
    const struct cs_permission *item = &p->items[i];
    if (item->since > view || item->until <= view)
      continue;
    cs_xml_open(out, "item");
    cs_xml_text(out, cs_grantee_elements[item->kind], item->to);
    cs_xml_close(out, "item");
  }
  cs_xml_close(out, element);
}

static bool write_text_attribute(struct af_buf *out, const struct cs_image *image, const char *name, int64_t view) {
  for (int i = 0; i < CS_ATTRIBUTE_MAX_; i++)
    if (af_streq(cs_image_attributes[i].describe, name)) {
      cs_xml_open(out, name);
      cs_xml_text(out, "value", cs_image_text(image, view, i));
      cs_xml_close(out, name);
      return true;
    }
  return false;
}

int cs_describe_image_attribute(struct cs_call *call, struct af_buf *out) {
  const char *id = cs_param(&call->params, "ImageId"), *name = cs_param(&call->params, "Attribute");
  const struct cs_image *image = cs_touch_image(call, id);
  if (!image)
    return -AF_EAWS;
  if (af_streq(name, "blockDeviceMapping")) /* deprecated: rules.md 2.4 */
    return cs_fail(call, 403, "AuthFailure", "Unauthorized attempt to access restricted resource");
  cs_xml_text(out, "imageId", id);
  if (af_streq(name, "launchPermission"))
    write_permissions(out, name, &image->permissions, call->view_ms);
  else if (af_streq(name, "productCodes"))
    cs_xml_codes(out, image->codes, image->n_codes);
  else if (!write_text_attribute(out, image, name, call->view_ms))
    return cs_fail(call, 400, "InvalidRequest", "The request received was invalid."); /* aws/aws-cli#7351 */
  return 0;
}

int cs_describe_snapshot_attribute(struct cs_call *call, struct af_buf *out) {
  static const char *const names[] = {"createVolumePermission", "productCodes", NULL};
  const char *id = cs_param(&call->params, "SnapshotId"), *name = cs_param(&call->params, "Attribute");
  if (cs_one_of(call, "Attribute", names) < 0)
    return -AF_EAWS;
  const struct cs_snapshot *s = cs_touch_snapshot(call, id);
  if (!s)
    return -AF_EAWS;
  cs_xml_text(out, "snapshotId", id);
  if (af_streq(name, "productCodes"))
    cs_xml_codes(out, s->codes, s->n_codes);
  else
    write_permissions(out, name, &s->permissions, call->view_ms);
  return 0;
}
