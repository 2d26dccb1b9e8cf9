/* DescribeSnapshots: who may see which snapshot, as of a time, and the XML of it. */
#include <stdio.h>

#include "tools/cloudsim/ec2.h"

static void write_snapshot(const struct cs_call *call, struct af_buf *out, const struct cs_snapshot *s) {
  int64_t view = call->view_ms;
  char progress[8];
  snprintf(progress, sizeof progress, "%d%%", cs_snapshot_progress(s, view));
  cs_xml_open(out, "item");
  cs_xml_text(out, "snapshotId", s->id);
  cs_xml_text(out, "volumeId", s->volume_id);
  cs_xml_text(out, "status", cs_snapshot_state(s, view));
  if (s->failed && view >= s->ready_ms)
    cs_xml_text(out, "statusMessage", s->status_message);
  cs_xml_time(out, "startTime", s->start_ms);
  if (!s->failed && view >= s->ready_ms)
    cs_xml_time(out, "completionTime", s->ready_ms == CS_EVER ? s->start_ms : s->ready_ms);
  cs_xml_text(out, "progress", progress);
  cs_xml_text(out, "ownerId", s->owner->id);
  cs_xml_text(out, "ownerAlias", s->owner->alias);
  cs_xml_int(out, "volumeSize", s->volume_size_gib);
  cs_xml_text(out, "description", s->description ? s->description : "");
  cs_xml_bool(out, "encrypted", s->encrypted);
  cs_xml_text(out, "kmsKeyId", s->encrypted ? s->kms_key : NULL);
  cs_xml_text(out, "dataEncryptionKeyId", s->encrypted && s->data_key_id[0] ? s->data_key_id : NULL);
  if (s->full_size >= 0)
    cs_xml_int(out, "fullSnapshotSizeInBytes", s->full_size);
  cs_xml_text(out, "storageTier", s->storage_tier);
  cs_xml_text(out, "transferType", s->transfer_type);
  cs_xml_text(out, "completionDurationMinutes", s->completion_minutes[0] ? s->completion_minutes : NULL);
  if (af_streq(s->owner->id, call->caller.account))
    cs_xml_tags(out, &s->tags, view, true);
  cs_xml_close(out, "item");
}

enum { SNAPSHOT_ID, SNAPSHOT_STATUS, SNAPSHOT_PROGRESS, SNAPSHOT_DESCRIPTION, SNAPSHOT_OWNER, SNAPSHOT_ALIAS, SNAPSHOT_SIZE,
       SNAPSHOT_ENCRYPTED, SNAPSHOT_TIER, SNAPSHOT_TRANSFER, SNAPSHOT_VOLUME, SNAPSHOT_START };

static void snapshot_fact(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_snapshot *s = resource;
  char text[AF_TIME_SIZE];
  switch (f->detail) {
  case SNAPSHOT_ID: cs_match_value(m, s->id); break;
  case SNAPSHOT_STATUS: cs_match_value(m, cs_snapshot_state(s, call->view_ms)); break;
  case SNAPSHOT_PROGRESS:
    snprintf(text, sizeof text, "%d%%", cs_snapshot_progress(s, call->view_ms));
    cs_match_value(m, text);
    break;
  case SNAPSHOT_DESCRIPTION: cs_match_value(m, s->description); break;
  case SNAPSHOT_OWNER: cs_match_value(m, s->owner->id); break;
  case SNAPSHOT_ALIAS: cs_match_value(m, s->owner->alias); break;
  case SNAPSHOT_SIZE: cs_match_int(m, s->volume_size_gib); break;
  case SNAPSHOT_ENCRYPTED: cs_match_bool(m, s->encrypted); break;
  case SNAPSHOT_TIER: cs_match_value(m, s->storage_tier); break;
  case SNAPSHOT_TRANSFER: cs_match_value(m, s->transfer_type); break;
  case SNAPSHOT_VOLUME: cs_match_value(m, s->volume_id); break;
  case SNAPSHOT_START:
    af_time_iso(s->start_ms, text);
    cs_match_value(m, text);
    break;
  }
}

static void snapshot_tag(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m) {
  const struct cs_snapshot *s = resource;
  if (!af_streq(s->owner->id, call->caller.account))
    return;
  if (f->detail)
    cs_match_tag_keys(m, &s->tags, call->view_ms);
  else
    cs_match_tags(m, &s->tags, call->view_ms);
}

static const struct cs_filter snapshot_filters[] = {
    {"description", snapshot_fact, SNAPSHOT_DESCRIPTION},
    {"encrypted", snapshot_fact, SNAPSHOT_ENCRYPTED},
    {"owner-alias", snapshot_fact, SNAPSHOT_ALIAS},
    {"owner-id", snapshot_fact, SNAPSHOT_OWNER},
    {"progress", snapshot_fact, SNAPSHOT_PROGRESS},
    {"snapshot-id", snapshot_fact, SNAPSHOT_ID},
    {"start-time", snapshot_fact, SNAPSHOT_START},
    {"status", snapshot_fact, SNAPSHOT_STATUS},
    {"storage-tier", snapshot_fact, SNAPSHOT_TIER},
    {"tag:", snapshot_tag, false},
    {"tag-key", snapshot_tag, true},
    {"transfer-type", snapshot_fact, SNAPSHOT_TRANSFER},
    {"volume-id", snapshot_fact, SNAPSHOT_VOLUME},
    {"volume-size", snapshot_fact, SNAPSHOT_SIZE},
    {NULL},
};

/* rules.md 6.3: an unknown id is an error, one that the caller cannot open is left out without a word. */
static int check_snapshot_ids(struct cs_call *call, size_t n) {
  if (n > 1000)
    return cs_fail(call, 400, "InvalidParameterValue", "The maximum number of snapshot ids is 1000");
  for (size_t i = 1; i <= n; i++) {
    const char *id = cs_paramf(&call->params, "SnapshotId.%zu", i);
    if (cs_check_snapshot_id(call, id) < 0)
      return -AF_EAWS;
    if (cs_snapshot_seen(call, call->region, cs_snapshot_by_id(call->sim, id)) == CS_UNSEEN)
      return cs_fail(call, 400, "InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", id);
  }
  return 0;
}

/* RestorableBy.N: account ids, self: explicit permission, or ownership; all: public. */
static bool restorable(struct cs_call *call, size_t n, const struct cs_snapshot *s) {
  for (size_t i = 1; i <= n; i++) {
    const char *who = cs_paramf(&call->params, "RestorableBy.%zu", i);
    const char *id = af_streq(who, "self") ? call->caller.account : who;
    if (af_streq(who, "all") ? cs_snapshot_public(call->sim, s, call->view_ms)
                             : af_streq(s->owner->id, id) || cs_permitted(&s->permissions, call->view_ms, CS_TO_USER, id))
      return true;
  }
  return n == 0;
}

struct snapshot_listing {
  struct cs_filters filters;
  size_t n_ids, n_owners, n_restorable;
};

static bool snapshot_wanted(struct cs_call *call, const struct snapshot_listing *l, const struct cs_snapshot *s) {
  return cs_snapshot_seen(call, call->region, s) == CS_SEEN && cs_snapshot_open(call->sim, s, call->view_ms, cs_caller_account(call)) &&
         cs_owner_asked(call, l->n_owners, s->owner) && restorable(call, l->n_restorable, s) &&
         cs_filters_pass(call, &l->filters, s);
}

static void list_snapshots(struct cs_call *call, struct af_buf *out, const struct snapshot_listing *l, struct cs_page *page) {
  const struct cs_ec2 *ec2 = call->sim->ec2;
  size_t end = l->n_ids > 0 ? l->n_ids : ec2->n_snapshots, next = SIZE_MAX;
  cs_xml_open(out, "snapshotSet");
  for (size_t i = page->start; i < end; i++) {
    const struct cs_snapshot *s =
        l->n_ids > 0 ? cs_snapshot_by_id(call->sim, cs_paramf(&call->params, "SnapshotId.%zu", i + 1)) : ec2->snapshots[i];
    if (!snapshot_wanted(call, l, s))
      continue;
    if (page->left == 0) {
      next = i;
      break;
    }
    page->left--;
    write_snapshot(call, out, s);
  }
  cs_xml_close(out, "snapshotSet");
  if (next != SIZE_MAX)
    cs_page_end(call, out, next);
}

int cs_describe_snapshots(struct cs_call *call, struct af_buf *out) {
  struct snapshot_listing l = {
      .n_ids = cs_param_list(call, "SnapshotId"),
      .n_owners = cs_param_list(call, "Owner"),
      .n_restorable = cs_param_list(call, "RestorableBy"),
  };
  struct cs_page page;
  if (cs_policy_check(call, "ec2:DescribeSnapshots", "*") < 0 || cs_dry_run(call) < 0 ||
      cs_page_begin(call, "SnapshotId", 5, &page) < 0 || check_snapshot_ids(call, l.n_ids) < 0 ||
      cs_filters_read(call, snapshot_filters, &l.filters) < 0)
    return -AF_EAWS;
  list_snapshots(call, out, &l, &page);
  cs_filters_done(&l.filters);
  return 0;
}
