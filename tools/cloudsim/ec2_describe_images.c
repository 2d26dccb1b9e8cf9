/* DescribeImages: who sees which image, as of a time, and the XML of it. */
#include <stdio.h>

#include "tools/cloudsim/ec2.h"

/* --- XML --- */

static void write_ebs(struct af_buf *out, const struct cs_mapping *m) {
  cs_xml_open(out, "ebs");
  cs_xml_bool(out, "deleteOnTermination", m->delete_on_termination);
  if (m->iops >= 0)
    cs_xml_int(out, "iops", m->iops);
  cs_xml_text(out, "snapshotId", m->snapshot_id);
  if (m->volume_size >= 0)
    cs_xml_int(out, "volumeSize", m->volume_size);
  cs_xml_text(out, "volumeType", m->volume_type);
  if (m->throughput >= 0)
    cs_xml_int(out, "throughput", m->throughput);
  cs_xml_bool(out, "encrypted", m->encrypted);
  cs_xml_close(out, "ebs");
}

/* rules.md 1.6 does not say whether a pending image names its snapshots already: the world chooses. */
static size_t mappings_shown(const struct cs_call *call, const struct cs_image *image) {
  bool hidden = image->assembled && (call->view_ms < image->ready_ms || image->fate == CS_IMAGE_FAILED) &&
                !call->sim->uncertain.pending_image_shows_snapshots;
  return hidden ? 0 : image->n_mappings;
}

static void write_mappings(const struct cs_call *call, struct af_buf *out, const struct cs_image *image) {
  cs_xml_open(out, "blockDeviceMapping");
  for (size_t i = 0; i < mappings_shown(call, image); i++) {
    const struct cs_mapping *m = &image->mappings[i];
    cs_xml_open(out, "item");
    cs_xml_text(out, "deviceName", m->device);
    cs_xml_text(out, "virtualName", m->virtual_name);
    if (m->ebs)
      write_ebs(out, m);
    if (m->no_device)
      cs_xml_text(out, "noDevice", "");
    cs_xml_close(out, "item");
  }
  cs_xml_close(out, "blockDeviceMapping");
}

void cs_xml_codes(struct af_buf *out, const struct cs_product_code *codes, size_t n) {
  cs_xml_open(out, "productCodes");
  for (size_t i = 0; i < n; i++) {
    cs_xml_open(out, "item");
    cs_xml_text(out, "productCode", codes[i].code);
    cs_xml_text(out, "type", codes[i].type);
    cs_xml_close(out, "item");
  }
  cs_xml_close(out, "productCodes");
}

static void write_watermarks(struct af_buf *out, const struct cs_image *image) {
  if (image->n_watermarks == 0)
    return;
  cs_xml_open(out, "imageWatermarkSet");
  for (size_t i = 0; i < image->n_watermarks; i++) {
    const struct cs_watermark *w = &image->watermarks[i];
    cs_xml_open(out, "item");
    cs_xml_text(out, "watermarkKey", w->key);
    cs_xml_text(out, "sourceImageId", w->source_image);
    cs_xml_text(out, "sourceImageRegion", w->source_region);
    cs_xml_text(out, "sourceImageCreationTime", w->source_created);
    cs_xml_text(out, "watermarkCreationTime", w->created);
    cs_xml_close(out, "item");
  }
  cs_xml_close(out, "imageWatermarkSet");
}

static void write_reason(struct af_buf *out, const struct cs_image *image, int64_t view) {
  if (!image->reason || view < image->ready_ms)
    return;
  cs_xml_open(out, "stateReason");
  cs_xml_text(out, "code", image->reason_code);
  cs_xml_text(out, "message", image->reason);
  cs_xml_close(out, "stateReason");
}

static void write_image(const struct cs_call *call, struct af_buf *out, const struct cs_image *image) {
  int64_t view = call->view_ms;
  cs_xml_open(out, "item");
  cs_xml_text(out, "imageId", image->id);
  cs_xml_text(out, "imageState", cs_image_state(image, view));
  cs_xml_text(out, "imageOwnerId", image->owner->id);
  cs_xml_bool(out, "isPublic", cs_permissions_public(&image->permissions, view));
  for (int i = 0; i < CS_ATTRIBUTE_MAX_; i++)
    if (cs_image_attributes[i].element)
      cs_xml_text(out, cs_image_attributes[i].element, cs_image_text(image, view, i));
  if (image->n_codes > 0)
    cs_xml_codes(out, image->codes, image->n_codes);
  write_mappings(call, out, image);
  write_watermarks(out, image);
  write_reason(out, image, view);
  if (!af_streq(cs_caller_settings(call)->allowed_images_state, "disabled"))
    cs_xml_bool(out, "imageAllowed", cs_image_allowed(call, image));
  cs_xml_tags(out, &image->tags, view, af_streq(image->owner->id, call->caller.account));
  cs_xml_close(out, "item");
}

/* --- filters --- */

enum { IMAGE_ID, IMAGE_STATE, IMAGE_OWNER, IMAGE_PUBLIC, IMAGE_ALLOWED, CODE, CODE_TYPE, REASON, REASON_CODE };
enum { EBS_SNAPSHOT, EBS_TYPE, EBS_SIZE, EBS_ENCRYPTED, EBS_DELETE, DEVICE };
enum { MARK_KEY, MARK_IMAGE, MARK_REGION, MARK_CREATED, MARK_IMAGE_CREATED };

static void image_text(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m) {
  for (int i = 0; i < CS_ATTRIBUTE_MAX_; i++)
    if (af_streq(cs_image_attributes[i].filter, f->name))
      cs_match_value(m, cs_image_text(resource, call->view_ms, i));
}

static void image_fact(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_image *image = resource;
  int64_t view = call->view_ms;
  switch (f->detail) {
  case IMAGE_ID: cs_match_value(m, image->id); break;
  case IMAGE_STATE: cs_match_value(m, cs_image_state(image, view)); break;
  case IMAGE_OWNER: cs_match_value(m, image->owner->id); break;
  case IMAGE_PUBLIC: cs_match_bool(m, cs_permissions_public(&image->permissions, view)); break;
  case IMAGE_ALLOWED: cs_match_bool(m, cs_image_allowed(call, image)); break;
  case REASON: cs_match_value(m, view >= image->ready_ms ? image->reason : NULL); break;
  case REASON_CODE: cs_match_value(m, view >= image->ready_ms ? image->reason_code : NULL); break;
  default:
    for (size_t i = 0; i < image->n_codes; i++)
      cs_match_value(m, f->detail == CODE ? image->codes[i].code : image->codes[i].type);
  }
}

static void image_mapping(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_image *image = resource;
  for (size_t i = 0; i < mappings_shown(call, image); i++) {
    const struct cs_mapping *mapping = &image->mappings[i];
    switch (f->detail) {
    case EBS_SNAPSHOT: cs_match_value(m, mapping->snapshot_id); break;
    case EBS_TYPE: cs_match_value(m, mapping->volume_type); break;
    case EBS_SIZE: cs_match_int(m, mapping->volume_size); break;
    case EBS_ENCRYPTED: cs_match_bool(m, mapping->encrypted); break;
    case EBS_DELETE: cs_match_bool(m, mapping->delete_on_termination); break;
    default: cs_match_value(m, mapping->device);
    }
  }
}

static void image_watermark(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_image *image = resource;
  (void)call;
  for (size_t i = 0; i < image->n_watermarks; i++) {
    const struct cs_watermark *w = &image->watermarks[i];
    const char *const facts[] = {
        [MARK_KEY] = w->key,
        [MARK_IMAGE] = w->source_image,
        [MARK_REGION] = w->source_region,
        [MARK_CREATED] = w->created,
        [MARK_IMAGE_CREATED] = w->source_created,
    };
    cs_match_value(m, facts[f->detail]);
  }
}

static void image_tag(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_image *image = resource;
  if (!af_streq(image->owner->id, call->caller.account))
    return;
  if (f->detail)
    cs_match_tag_keys(m, &image->tags, call->view_ms);
  else
    cs_match_tags(m, &image->tags, call->view_ms);
}

static const struct cs_filter image_filters[] = {
    {"architecture", image_text},
    {"block-device-mapping.delete-on-termination", image_mapping, EBS_DELETE},
    {"block-device-mapping.device-name", image_mapping, DEVICE},
    {"block-device-mapping.encrypted", image_mapping, EBS_ENCRYPTED},
    {"block-device-mapping.snapshot-id", image_mapping, EBS_SNAPSHOT},
    {"block-device-mapping.volume-size", image_mapping, EBS_SIZE},
    {"block-device-mapping.volume-type", image_mapping, EBS_TYPE},
    {"creation-date", image_text},
    {"description", image_text},
    {"ena-support", image_text},
    {"free-tier-eligible", image_text},
    {"hypervisor", image_text},
    {"image-allowed", image_fact, IMAGE_ALLOWED},
    {"image-id", image_fact, IMAGE_ID},
    {"image-type", image_text},
    {"image-watermark.source-image-creation-time", image_watermark, MARK_IMAGE_CREATED},
    {"image-watermark.source-image-id", image_watermark, MARK_IMAGE},
    {"image-watermark.source-image-region", image_watermark, MARK_REGION},
    {"image-watermark.watermark-creation-time", image_watermark, MARK_CREATED},
    {"image-watermark.watermark-key", image_watermark, MARK_KEY},
    {"is-public", image_fact, IMAGE_PUBLIC},
    {"kernel-id", image_text},
    {"manifest-location", image_text},
    {"name", image_text},
    {"owner-alias", image_text},
    {"owner-id", image_fact, IMAGE_OWNER},
    {"platform", image_text},
    {"product-code", image_fact, CODE},
    {"product-code.type", image_fact, CODE_TYPE},
    {"public-ssm-parameter-name", image_text},
    {"ramdisk-id", image_text},
    {"root-device-name", image_text},
    {"root-device-type", image_text},
    {"source-image-id", image_text},
    {"source-image-region", image_text},
    {"source-instance-id", image_text},
    {"sriov-net-support", image_text},
    {"state", image_fact, IMAGE_STATE},
    {"state-reason-code", image_fact, REASON_CODE},
    {"state-reason-message", image_fact, REASON},
    {"tag:", image_tag, false},
    {"tag-key", image_tag, true},
    {"virtualization-type", image_text},
    {NULL},
};

/* --- the call --- */

static bool in_list(struct cs_call *call, const char *list, size_t n, const char *text) {
  for (size_t i = 1; i <= n && text; i++)
    if (af_streq(cs_paramf(&call->params, "%s.%zu", list, i), text))
      return true;
  return false;
}

bool cs_owner_asked(struct cs_call *call, size_t n, const struct cs_account *owner) {
  bool own = af_streq(owner->id, call->caller.account);
  return n == 0 || in_list(call, "Owner", n, owner->id) || in_list(call, "Owner", n, owner->alias) ||
         (own && in_list(call, "Owner", n, "self"));
}

/* By its model: all: public; self and the caller's own id: shared with the account, its organization or its units; the id of
 * another: shared with just that. */
static bool executable_by(struct cs_call *call, const char *who, const struct cs_image *image) {
  const struct cs_permissions *p = &image->permissions;
  if (af_streq(who, "all"))
    return cs_permissions_public(p, call->view_ms);
  if (af_streq(who, "self") || af_streq(who, call->caller.account))
    return cs_permissions_reach_closed(p, call->view_ms, cs_caller_account(call));
  return cs_permitted(p, call->view_ms, CS_TO_USER, who);
}

static bool executable(struct cs_call *call, size_t n, const struct cs_image *image) {
  for (size_t i = 1; i <= n; i++)
    if (executable_by(call, cs_paramf(&call->params, "ExecutableBy.%zu", i), image))
      return true;
  return n == 0;
}

/* rules.md 2.3: disabled images are hidden from all, deprecated ones of others from listings. */
static bool listed(struct cs_call *call, const struct cs_image *image, bool by_id) {
  int64_t deprecated;
  if (cs_image_fate(image, call->view_ms) == CS_IMAGE_DISABLED && cs_param_bool(call, "IncludeDisabled", false) != true)
    return false;
  const char *when = cs_image_text(image, call->view_ms, CS_DEPRECATION);
  bool own = af_streq(image->owner->id, call->caller.account);
  if (by_id || own || !when || cs_param_bool(call, "IncludeDeprecated", false) == true)
    return true;
  return af_time_parse(af_str(when), &deprecated) < 0 || deprecated > call->view_ms;
}

/* Every id that was asked for must be one that the caller can see. */
static int check_image_ids(struct cs_call *call, size_t n) {
  if (n > 1000)
    return cs_fail(call, 400, "InvalidParameterValue", "The maximum number of image ids is 1000");
  char missing[512] = "";
  for (size_t i = 1; i <= n; i++) {
    const char *id = cs_paramf(&call->params, "ImageId.%zu", i);
    if (cs_check_image_id(call, id) < 0)
      return -AF_EAWS;
    size_t used = strlen(missing);
    if (cs_image_seen(call, call->region, cs_image_by_id(call->sim, id)) == CS_UNSEEN && used + strlen(id) + 3 < sizeof missing)
      snprintf(missing + used, sizeof missing - used, "%s%s", used > 0 ? ", " : "", id);
  }
  if (missing[0] && strchr(missing, ','))
    return cs_fail(call, 400, "InvalidAMIID.NotFound", "The image ids '[%s]' do not exist", missing);
  if (missing[0])
    return cs_fail(call, 400, "InvalidAMIID.NotFound", "The image id '[%s]' does not exist", missing);
  return 0;
}

struct image_listing {
  struct cs_filters filters;
  size_t n_ids, n_owners, n_executable;
};

static bool image_wanted(struct cs_call *call, const struct image_listing *l, const struct cs_image *image) {
  return cs_image_seen(call, call->region, image) == CS_SEEN && cs_owner_asked(call, l->n_owners, image->owner) &&
         executable(call, l->n_executable, image) && listed(call, image, l->n_ids > 0) &&
         cs_filters_pass(call, &l->filters, image);
}

static void list_images(struct cs_call *call, struct af_buf *out, const struct image_listing *l, struct cs_page *page) {
  const struct cs_ec2 *ec2 = call->sim->ec2;
  size_t end = l->n_ids > 0 ? l->n_ids : ec2->n_images, next = SIZE_MAX;
  cs_xml_open(out, "imagesSet");
  for (size_t i = page->start; i < end; i++) {
    const struct cs_image *image =
        l->n_ids > 0 ? cs_image_by_id(call->sim, cs_paramf(&call->params, "ImageId.%zu", i + 1)) : ec2->images[i];
    if (!image_wanted(call, l, image))
      continue;
    if (page->left == 0) {
      next = i;
      break;
    }
    page->left--;
    write_image(call, out, image);
  }
  cs_xml_close(out, "imagesSet");
  if (next != SIZE_MAX)
    cs_page_end(call, out, next);
}

int cs_describe_images(struct cs_call *call, struct af_buf *out) {
  struct image_listing l = {
      .n_ids = cs_param_list(call, "ImageId"),
      .n_owners = cs_param_list(call, "Owner"),
      .n_executable = cs_param_list(call, "ExecutableBy"),
  };
  struct cs_page page;
  if (cs_policy_check(call, "ec2:DescribeImages", "*") < 0 || cs_dry_run(call) < 0 ||
      cs_page_begin(call, "ImageId", 1, &page) < 0 || check_image_ids(call, l.n_ids) < 0 ||
      cs_filters_read(call, image_filters, &l.filters) < 0)
    return -AF_EAWS;
  list_images(call, out, &l, &page);
  cs_filters_done(&l.filters);
  return 0;
}
