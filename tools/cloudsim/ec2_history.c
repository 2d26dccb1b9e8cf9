/* Tags and permissions as lists that forget nothing: each entry holds from `since` until `until`, so that a read which lags
 * behind sees what it would have seen then. What is set on an image (its description, IMDS support, deprecation, protection, and
 * whether it is disabled) lies in the image as it is now, beside a list of what it was, each entry until `until`. */
#include <stdlib.h>

#include "tools/cloudsim/ec2.h"

const char *const cs_grantee_elements[] = {
    [CS_TO_USER] = "userId",
    [CS_TO_GROUP] = "group",
    [CS_TO_ORGANIZATION] = "organizationArn",
    [CS_TO_UNIT] = "organizationalUnitArn",
};

static bool holds(int64_t since, int64_t until, int64_t view) {
  return since <= view && view < until;
}

static struct cs_past_tag *current_tag(const struct cs_tags *tags, int64_t view, const char *key) {
  for (size_t i = 0; i < tags->n; i++)
    if (holds(tags->items[i].since, tags->items[i].until, view) && af_streq(tags->items[i].key, key))
      return &tags->items[i];
  return NULL;
}

void cs_tags_set(struct cs_tags *tags, int64_t now, const char *key, const char *value) {
  struct cs_past_tag *old = current_tag(tags, now, key);
  if (old && af_streq(old->value, value))
    return;
  if (old)
    old->until = now;
  *CS_ADD(tags->items, tags->n) = (struct cs_past_tag){cs_strdup(key), cs_strdup(value), now, CS_NEVER};
}

void cs_tags_remove(struct cs_tags *tags, int64_t now, const char *key, const char *value) {
  struct cs_past_tag *old = current_tag(tags, now, key);
  if (old && (!value || af_streq(old->value, value)))
    old->until = now;
}

const char *cs_tags_get(const struct cs_tags *tags, int64_t view, const char *key) {
  const struct cs_past_tag *tag = current_tag(tags, view, key);
  return tag ? tag->value : NULL;
}

static bool user_tag(const struct cs_past_tag *tag, int64_t view) {
  return holds(tag->since, tag->until, view) && strncmp(tag->key, "aws:", 4) != 0;
}

size_t cs_tags_count(const struct cs_tags *tags, int64_t view) {
  size_t n = 0;
  for (size_t i = 0; i < tags->n; i++)
    n += user_tag(&tags->items[i], view);
  return n;
}

void cs_tags_copy(struct cs_tags *to, int64_t now, const struct cs_tags *from) {
  for (size_t i = 0; i < from->n; i++)
    if (user_tag(&from->items[i], now))
      cs_tags_set(to, now, from->items[i].key, from->items[i].value);
}

bool cs_tag_shared(const char *key) {
  return strncmp(key, "ec2:SharedTag/", 14) == 0;
}

void cs_tags_copy_shared(struct cs_tags *to, int64_t now, const struct cs_tags *from) {
  for (size_t i = 0; i < from->n; i++)
    if (user_tag(&from->items[i], now) && cs_tag_shared(from->items[i].key))
      cs_tags_set(to, now, from->items[i].key, from->items[i].value);
}

void cs_tags_done(struct cs_tags *tags) {
  for (size_t i = 0; i < tags->n; i++) {
    free(tags->items[i].key);
    free(tags->items[i].value);
  }
  free(tags->items);
}

static struct cs_permission *current_permission(const struct cs_permissions *p, int64_t view, enum cs_grantee kind, const char *to) {
  for (size_t i = 0; i < p->n; i++) {
    struct cs_permission *item = &p->items[i];
    if (item->kind == kind && holds(item->since, item->until, view) && af_streq(item->to, to))
      return item;
  }
  return NULL;
}

void cs_permit(struct cs_permissions *p, int64_t now, enum cs_grantee kind, const char *to) {
  if (!current_permission(p, now, kind, to))
    *CS_ADD(p->items, p->n) = (struct cs_permission){kind, cs_strdup(to), now, CS_NEVER};
}

void cs_withdraw(struct cs_permissions *p, int64_t now, enum cs_grantee kind, const char *to) {
  struct cs_permission *item = current_permission(p, now, kind, to);
  if (item)
    item->until = now;
}

bool cs_permitted(const struct cs_permissions *p, int64_t view, enum cs_grantee kind, const char *to) {
  return current_permission(p, view, kind, to) != NULL;
}

size_t cs_permissions_count(const struct cs_permissions *p, int64_t view) {
  size_t n = 0;
  for (size_t i = 0; i < p->n; i++)
    n += holds(p->items[i].since, p->items[i].until, view);
  return n;
}

static bool reaches(const struct cs_permission *item, const struct cs_account *account) {
  switch (item->kind) {
  case CS_TO_USER: return af_streq(item->to, account->id);
  case CS_TO_GROUP: return af_streq(item->to, "all");
  case CS_TO_ORGANIZATION: return af_streq(item->to, account->organization);
  case CS_TO_UNIT: break;
  }
  for (size_t i = 0; i < account->n_units; i++)
    if (af_streq(item->to, account->units[i]))
      return true;
  return false;
}

bool cs_permissions_reach(const struct cs_permissions *p, int64_t view, const struct cs_account *account) {
  for (size_t i = 0; i < p->n; i++)
    if (holds(p->items[i].since, p->items[i].until, view) && reaches(&p->items[i], account))
      return true;
  return false;
}

bool cs_permissions_reach_closed(const struct cs_permissions *p, int64_t view, const struct cs_account *account) {
  for (size_t i = 0; i < p->n; i++)
    if (holds(p->items[i].since, p->items[i].until, view) && p->items[i].kind != CS_TO_GROUP && reaches(&p->items[i], account))
      return true;
  return false;
}

bool cs_permissions_public(const struct cs_permissions *p, int64_t view) {
  return cs_permitted(p, view, CS_TO_GROUP, "all");
}

void cs_permissions_done(struct cs_permissions *p) {
  for (size_t i = 0; i < p->n; i++)
    free(p->items[i].to);
  free(p->items);
}

/* --- what is set on an image --- */

void cs_image_set(struct cs_image *image, int64_t now, enum cs_attribute which, const char *value) {
  if (af_streq(image->text[which], value))
    return;
  *CS_ADD(image->past_texts, image->n_past_texts) = (struct cs_past_text){which, image->text[which], now};
  image->text[which] = cs_strdup(value);
}

const char *cs_image_text(const struct cs_image *image, int64_t view, enum cs_attribute which) {
  for (size_t i = 0; i < image->n_past_texts; i++)
    if (image->past_texts[i].which == which && view < image->past_texts[i].until)
      return image->past_texts[i].value;
  return image->text[which];
}

void cs_image_set_fate(struct cs_image *image, int64_t now, enum cs_image_fate fate) {
  *CS_ADD(image->past_fates, image->n_past_fates) = (struct cs_past_fate){image->fate, now};
  image->fate = fate;
}

enum cs_image_fate cs_image_fate(const struct cs_image *image, int64_t view) {
  for (size_t i = 0; i < image->n_past_fates; i++)
    if (view < image->past_fates[i].until)
      return image->past_fates[i].fate;
  return image->fate;
}
