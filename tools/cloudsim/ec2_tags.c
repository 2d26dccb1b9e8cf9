/* Tags: CreateTags, DeleteTags, DescribeTags, and TagSpecification of the calls that create. rules.md 2.5, 1.1, 2.1. */
#include <stdio.h>

#include "tools/cloudsim/ec2_compute.h"

enum { MOST_TAGS = 50, MOST_KEY = 128, MOST_VALUE = 256, MOST_RESOURCES = 1000 };

void cs_xml_tags(struct af_buf *out, const struct cs_tags *tags, int64_t view, bool own) {
  bool any = false;
  for (size_t i = 0; i < tags->n; i++) {
    const struct cs_past_tag *tag = &tags->items[i];
    if (tag->since > view || tag->until <= view || (!own && !cs_tag_shared(tag->key)))
      continue;
    if (!any)
      cs_xml_open(out, "tagSet");
    any = true;
    cs_xml_open(out, "item");
    cs_xml_text(out, "key", tag->key);
    cs_xml_text(out, "value", tag->value);
    cs_xml_close(out, "item");
  }
  if (any)
    cs_xml_close(out, "tagSet");
}

static size_t characters(const char *text) {
  size_t n = 0;
  for (; *text; text++)
    n += ((unsigned char)*text & 0xc0) != 0x80;
  return n;
}

static int check_tag(struct cs_call *call, const char *key, const char *value) {
  if (!key || !key[0])
    return cs_fail(call, 400, "InvalidParameterValue", "Tag key cannot be empty");
  if (strncmp(key, "aws:", 4) == 0)
    return cs_fail(call, 400, "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use");
  if (characters(key) > MOST_KEY)
    return cs_fail(call, 400, "InvalidParameterValue", "Tag key exceeds the maximum length of %d characters", MOST_KEY);
  if (value && characters(value) > MOST_VALUE)
    return cs_fail(call, 400, "InvalidParameterValue", "Tag value exceeds the maximum length of %d characters", MOST_VALUE);
  return 0;
}

static const char *key_at(struct cs_call *call, const char *prefix, size_t i) {
  return cs_paramf(&call->params, "%s.%zu.Key", prefix, i);
}

static const char *value_at(struct cs_call *call, const char *prefix, size_t i) {
  return cs_paramf(&call->params, "%s.%zu.Value", prefix, i);
}

int cs_tags_lawful(struct cs_call *call, const char *prefix) {
  size_t n = cs_param_list(call, prefix);
  for (size_t i = 1; i <= n; i++) {
    const char *key = key_at(call, prefix, i);
    if (check_tag(call, key, value_at(call, prefix, i)) < 0)
      return -AF_EAWS;
    for (size_t k = 1; k < i; k++)
      if (af_streq(key_at(call, prefix, k), key))
        return cs_fail(call, 400, "InvalidParameterValue", "Duplicate tag key '%s' specified.", key);
  }
  if (n > MOST_TAGS)
    return cs_fail(call, 400, "TagLimitExceeded", "You have reached the maximum number of tags (%d) for a resource.", MOST_TAGS);
  return 0;
}

/* rules.md 1.2: tags that whoever sees the resource may see are for images alone. */
static int check_shared(struct cs_call *call, const char *prefix, const char *type) {
  size_t n = cs_param_list(call, prefix);
  for (size_t i = 1; i <= n && !af_streq(type, "image"); i++)
    if (cs_tag_shared(key_at(call, prefix, i)))
      return cs_fail(call, 400, "InvalidParameterValue", "The tag key '%s' is for images only, not for a %s.", key_at(call, prefix, i), type);
  return 0;
}

int cs_tags_room(struct cs_call *call, const struct cs_tags *tags, size_t more, const char *id) {
  if (cs_tags_count(tags, call->sim_ms) + more <= MOST_TAGS)
    return 0;
  return cs_fail(call, 400, "TagLimitExceeded", "You have reached the maximum number of tags (%d) for resource '%s'", MOST_TAGS, id);
}

/* --- TagSpecification --- */

static const char *spec_type(struct cs_call *call, size_t i) {
  return cs_paramf(&call->params, "TagSpecification.%zu.ResourceType", i);
}

static int check_spec(struct cs_call *call, const char *const *types, size_t i) {
  char prefix[48], arn[200];
  const char *type = spec_type(call, i);
  bool known = false;
  for (; *types; types++)
    known = known || af_streq(type, *types);
  if (!known)
    return cs_fail(call, 400, "InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", type ? type : "");
  for (size_t k = 1; k < i; k++)
    if (af_streq(spec_type(call, k), type))
      return cs_fail(call, 400, "InvalidParameterValue", "Duplicate resource type '%s' in tag specifications", type);
  snprintf(prefix, sizeof prefix, "TagSpecification.%zu.Tag", i);
  if (cs_param_list(call, prefix) == 0)
    return cs_fail(call, 400, "InvalidParameterValue", "Tag specification must have at least one tag");
  if (cs_tags_lawful(call, prefix) < 0 || check_shared(call, prefix, type) < 0)
    return -AF_EAWS;
  cs_call_arn(call, type, "*", arn, sizeof arn);
  return cs_policy_check(call, "ec2:CreateTags", arn); /* rules.md 1.3.5; atomic with the creation */
}

int cs_tag_specs_check(struct cs_call *call, const char *const *types) {
  size_t n = cs_param_list(call, "TagSpecification");
  for (size_t i = 1; i <= n; i++)
    if (check_spec(call, types, i) < 0)
      return -AF_EAWS;
  return 0;
}

void cs_tag_specs_apply(struct cs_call *call, const char *type, struct cs_tags *tags) {
  size_t n = cs_param_list(call, "TagSpecification");
  for (size_t i = 1; i <= n; i++) {
    char prefix[48];
    if (!af_streq(spec_type(call, i), type))
      continue;
    snprintf(prefix, sizeof prefix, "TagSpecification.%zu.Tag", i);
    size_t n_tags = cs_param_list(call, prefix);
    for (size_t k = 1; k <= n_tags; k++) {
      const char *value = value_at(call, prefix, k);
      cs_tags_set(tags, call->sim_ms, key_at(call, prefix, k), value ? value : "");
    }
  }
}

/* --- CreateTags, DeleteTags --- */

/* NULL with the failure filled where the id names nothing of the caller's. */
static struct cs_tags *tags_of(struct cs_call *call, const char *id, const char **ret_type) {
  if (strncmp(id, "ami-", 4) == 0) {
    struct cs_image *image = cs_own_image(call, id);
    *ret_type = "image";
    return image ? &image->tags : NULL;
  }
  if (strncmp(id, "snap-", 5) == 0) {
    struct cs_snapshot *s = cs_own_snapshot(call, id);
    *ret_type = "snapshot";
    return s ? &s->tags : NULL;
  }
  for (int kind = 0; kind < CS_THING_MAX_; kind++)
    if (strncmp(id, cs_kinds[kind].prefix, strlen(cs_kinds[kind].prefix)) == 0) {
      struct cs_thing *thing = cs_own_thing(call, (enum cs_thing_kind)kind, id);
      *ret_type = cs_kinds[kind].type;
      return thing ? &thing->tags : NULL;
    }
  cs_fail(call, 400, "InvalidID", "The ID '%s' is not valid", id);
  return NULL;
}

static int check_resource(struct cs_call *call, const char *id, bool create) {
  const char *type = NULL;
  char arn[200], action[32];
  struct cs_tags *tags = tags_of(call, id, &type);
  if (!tags || (create && check_shared(call, "Tag", type) < 0))
    return -AF_EAWS;
  cs_call_arn(call, type, id, arn, sizeof arn);
  snprintf(action, sizeof action, "ec2:%s", create ? "CreateTags" : "DeleteTags");
  if (cs_policy_check(call, action, arn) < 0)
    return -AF_EAWS;
  size_t n = cs_param_list(call, "Tag"), more = 0;
  for (size_t i = 1; i <= n && create; i++)
    more += cs_tags_get(tags, call->sim_ms, key_at(call, "Tag", i)) == NULL;
  return more > 0 ? cs_tags_room(call, tags, more, id) : 0;
}

static int check_resources(struct cs_call *call, bool create) {
  size_t n = cs_param_list(call, "ResourceId");
  if (n > MOST_RESOURCES)
    return cs_fail(call, 400, "InvalidParameterValue", "The maximum number of resources is %d", MOST_RESOURCES);
  if (cs_tags_lawful(call, "Tag") < 0)
    return -AF_EAWS;
  for (size_t i = 1; i <= n; i++)
    if (check_resource(call, cs_paramf(&call->params, "ResourceId.%zu", i), create) < 0)
      return -AF_EAWS;
  return cs_dry_run(call);
}

int cs_create_tags(struct cs_call *call, struct af_buf *out) {
  if (check_resources(call, true) < 0)
    return -AF_EAWS;
  size_t n = cs_param_list(call, "ResourceId"), n_tags = cs_param_list(call, "Tag");
  for (size_t i = 1; i <= n; i++) {
    const char *type;
    struct cs_tags *tags = tags_of(call, cs_paramf(&call->params, "ResourceId.%zu", i), &type);
    for (size_t k = 1; k <= n_tags && tags; k++) {
      const char *value = value_at(call, "Tag", k);
      cs_tags_set(tags, call->sim_ms, key_at(call, "Tag", k), value ? value : "");
    }
  }
  cs_xml_bool(out, "return", true);
  return 0;
}

static void remove_tags(struct cs_call *call, struct cs_tags *tags, size_t n_tags) {
  for (size_t k = 1; k <= n_tags; k++)
    cs_tags_remove(tags, call->sim_ms, key_at(call, "Tag", k), value_at(call, "Tag", k));
  /* No tags given: every tag of the user's goes. */
  for (size_t i = 0; i < tags->n && n_tags == 0; i++)
    if (tags->items[i].until == CS_NEVER && strncmp(tags->items[i].key, "aws:", 4) != 0)
      tags->items[i].until = call->sim_ms;
}

int cs_delete_tags(struct cs_call *call, struct af_buf *out) {
  if (check_resources(call, false) < 0)
    return -AF_EAWS;
  size_t n = cs_param_list(call, "ResourceId"), n_tags = cs_param_list(call, "Tag");
  for (size_t i = 1; i <= n; i++) {
    const char *type;
    struct cs_tags *tags = tags_of(call, cs_paramf(&call->params, "ResourceId.%zu", i), &type);
    if (tags)
      remove_tags(call, tags, n_tags);
  }
  cs_xml_bool(out, "return", true);
  return 0;
}

/* --- DescribeTags --- */

struct tagged {
  const char *id, *type;
  const struct cs_past_tag *tag;
};
enum { TAG_KEY, TAG_VALUE, TAG_RESOURCE, TAG_TYPE, TAG_PAIR };

static void tag_fact(const struct cs_call *call, const void *resource, const struct cs_filter *f, struct cs_match *m) {
  const struct tagged *t = resource;
  (void)call;
  switch (f->detail) {
  case TAG_KEY: cs_match_value(m, t->tag->key); break;
  case TAG_VALUE: cs_match_value(m, t->tag->value); break;
  case TAG_RESOURCE: cs_match_value(m, t->id); break;
  case TAG_TYPE: cs_match_value(m, t->type); break;
  default:
    if (af_streq(t->tag->key, cs_match_key(m)))
      cs_match_value(m, t->tag->value);
  }
}

static const struct cs_filter tag_filters[] = {
    {"key", tag_fact, TAG_KEY},          {"value", tag_fact, TAG_VALUE}, {"resource-id", tag_fact, TAG_RESOURCE},
    {"resource-type", tag_fact, TAG_TYPE}, {"tag:", tag_fact, TAG_PAIR},   {"tag-key", tag_fact, TAG_KEY},
    {NULL},
};

static void write_tagged(struct af_buf *out, const struct tagged *t) {
  cs_xml_open(out, "item");
  cs_xml_text(out, "resourceId", t->id);
  cs_xml_text(out, "resourceType", t->type);
  cs_xml_text(out, "key", t->tag->key);
  cs_xml_text(out, "value", t->tag->value);
  cs_xml_close(out, "item");
}

struct tag_listing {
  struct cs_filters filters;
  struct cs_page page;
  size_t at;   /* tags of the account's that were passed */
  size_t next; /* SIZE_MAX: the end was reached */
};

static void list_tags_of(struct cs_call *call, struct af_buf *out, struct tag_listing *l, const char *id, const char *type,
                         const struct cs_tags *tags) {
  for (size_t i = 0; i < tags->n && l->next == SIZE_MAX; i++) {
    struct tagged t = {id, type, &tags->items[i]};
    if (t.tag->since > call->view_ms || t.tag->until <= call->view_ms || !cs_filters_pass(call, &l->filters, &t) ||
        l->at++ < l->page.start)
      continue;
    if (l->page.left == 0) {
      l->next = l->at - 1;
    } else {
      l->page.left--;
      write_tagged(out, &t);
    }
  }
}

static void list_tags(struct cs_call *call, struct af_buf *out, struct tag_listing *l) {
  const struct cs_ec2 *ec2 = call->sim->ec2;
  const struct cs_account *account = cs_caller_account(call);
  cs_xml_open(out, "tagSet");
  for (size_t i = 0; i < ec2->n_images; i++)
    if (ec2->images[i]->owner == account && cs_image_seen(call, call->region, ec2->images[i]) == CS_SEEN)
      list_tags_of(call, out, l, ec2->images[i]->id, "image", &ec2->images[i]->tags);
  for (size_t i = 0; i < ec2->n_snapshots; i++)
    if (ec2->snapshots[i]->owner == account && cs_snapshot_seen(call, call->region, ec2->snapshots[i]) == CS_SEEN)
      list_tags_of(call, out, l, ec2->snapshots[i]->id, "snapshot", &ec2->snapshots[i]->tags);
  for (size_t i = 0; i < ec2->things->n; i++)
    if (cs_thing_shown(call, ec2->things->items[i]))
      list_tags_of(call, out, l, ec2->things->items[i]->id, cs_kinds[ec2->things->items[i]->kind].type, &ec2->things->items[i]->tags);
  cs_xml_close(out, "tagSet");
  if (l->next != SIZE_MAX)
    cs_page_end(call, out, l->next);
}

int cs_describe_tags(struct cs_call *call, struct af_buf *out) {
  struct tag_listing l = {.next = SIZE_MAX};
  if (cs_policy_check(call, "ec2:DescribeTags", "*") < 0 || cs_dry_run(call) < 0 || cs_page_begin(call, NULL, 5, &l.page) < 0 ||
      cs_filters_read(call, tag_filters, &l.filters) < 0)
    return -AF_EAWS;
  list_tags(call, out, &l);
  cs_filters_done(&l.filters);
  return 0;
}
