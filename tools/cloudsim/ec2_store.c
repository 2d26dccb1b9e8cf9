/* The tables of images and snapshots: making, finding by id, ending with the simulation. Ids are drawn from the seed and are
 * never given twice; an image or a snapshot stays in its table when AWS has forgotten it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/cloudsim/ec2_compute.h"

/* --- the index: id -> position --- */

static uint64_t hash(const char *id) { /* FNV-1a */
  uint64_t h = 14695981039346656037u;
  for (; *id; id++)
    h = (h ^ (unsigned char)*id) * 1099511628211u;
  return h;
}

static void index_put(struct cs_index *index, const char *id, size_t position) {
  size_t at = hash(id) & (index->size - 1);
  while (index->slots[at] != 0)
    at = (at + 1) & (index->size - 1);
  index->slots[at] = position + 1;
}

/* Makes room for one more; the ids of what is there already are asked of id_at(). */
static void index_grow(struct cs_index *index, size_t n, cs_id_at *id_at, const struct cs_ec2 *ec2) {
  if (index->size > 2 * (n + 1))
    return;
  free(index->slots);
  index->size = index->size > 0 ? 2 * index->size : 64;
  index->slots = cs_new(index->size * sizeof *index->slots);
  for (size_t i = 0; i < n; i++)
    index_put(index, id_at(ec2, i), i);
}

void cs_index_add(struct cs_index *index, const char *id, size_t n, cs_id_at *id_at, const struct cs_ec2 *ec2) {
  index_grow(index, n, id_at, ec2);
  index_put(index, id, n);
}

static const char *image_id_at(const struct cs_ec2 *ec2, size_t i) {
  return ec2->images[i]->id;
}

static const char *snapshot_id_at(const struct cs_ec2 *ec2, size_t i) {
  return ec2->snapshots[i]->id;
}

static const char *token_key_at(const struct cs_ec2 *ec2, size_t i) {
  return ec2->tokens[i].key;
}

size_t cs_index_find(const struct cs_index *index, const char *id, cs_id_at *id_at, const struct cs_ec2 *ec2) {
  if (index->size == 0)
    return SIZE_MAX;
  for (size_t at = hash(id) & (index->size - 1); index->slots[at] != 0; at = (at + 1) & (index->size - 1))
    if (strcmp(id_at(ec2, index->slots[at] - 1), id) == 0)
      return index->slots[at] - 1;
  return SIZE_MAX;
}

struct cs_image *cs_image_by_id(const struct cs_sim *sim, const char *id) {
  size_t at = id ? cs_index_find(&sim->ec2->image_index, id, image_id_at, sim->ec2) : SIZE_MAX;
  return at == SIZE_MAX ? NULL : sim->ec2->images[at];
}

struct cs_snapshot *cs_snapshot_by_id(const struct cs_sim *sim, const char *id) {
  size_t at = id ? cs_index_find(&sim->ec2->snapshot_index, id, snapshot_id_at, sim->ec2) : SIZE_MAX;
  return at == SIZE_MAX ? NULL : sim->ec2->snapshots[at];
}

struct cs_token *cs_token_find(const struct cs_ec2 *ec2, const char *key) {
  size_t at = cs_index_find(&ec2->token_index, key, token_key_at, ec2);
  return at == SIZE_MAX ? NULL : &ec2->tokens[at];
}

struct cs_token *cs_token_put(struct cs_ec2 *ec2, const char *key) {
  struct cs_token *old = cs_token_find(ec2, key);
  if (old)
    return old;
  cs_index_add(&ec2->token_index, key, ec2->n_tokens, token_key_at, ec2);
  struct cs_token *fresh = CS_ADD(ec2->tokens, ec2->n_tokens);
  *fresh = (struct cs_token){0};
  AF_COPY(fresh->key, af_str(key));
  return fresh;
}

void cs_new_id(struct cs_sim *sim, const char *prefix, char id[CS_ID_SIZE]) {
  char digits[18];
  do {
    af_random_hex(&sim->ids.random, digits, 17);
    digits[0] = '0'; /* as AWS's do */
    snprintf(id, CS_ID_SIZE, "%s%s", prefix, digits);
  } while (cs_image_by_id(sim, id) || cs_snapshot_by_id(sim, id) || cs_thing_by_id(sim, id));
}

/* --- making --- */

struct cs_image *cs_image_new(struct cs_sim *sim, struct cs_account *owner, const struct cs_region *region, const char *id) {
  struct cs_ec2 *ec2 = sim->ec2;
  struct cs_image *image = cs_new(sizeof *image);
  if (id)
    AF_COPY(image->id, af_str(id));
  else
    cs_new_id(sim, "ami-", image->id);
  image->owner = owner;
  image->region = region;
  image->created_ms = CS_EVER;
  image->ready_ms = CS_NEVER;
  image->gone_ms = CS_NEVER;
  cs_index_add(&ec2->image_index, image->id, ec2->n_images, image_id_at, ec2);
  *CS_ADD(ec2->images, ec2->n_images) = image;
  cs_usage_of(sim, owner, region)->images++;
  return image;
}

struct cs_snapshot *cs_snapshot_new(struct cs_sim *sim, struct cs_account *owner, const struct cs_region *region, const char *id) {
  struct cs_ec2 *ec2 = sim->ec2;
  struct cs_snapshot *s = cs_new(sizeof *s);
  if (id)
    AF_COPY(s->id, af_str(id));
  else
    cs_new_id(sim, "snap-", s->id);
  s->owner = owner;
  s->region = region;
  s->created_ms = CS_EVER;
  s->ready_ms = CS_NEVER;
  s->gone_ms = CS_NEVER;
  AF_COPY(s->lineage, af_str(s->id));
  cs_index_add(&ec2->snapshot_index, s->id, ec2->n_snapshots, snapshot_id_at, ec2);
  *CS_ADD(ec2->snapshots, ec2->n_snapshots) = s;
  cs_usage_of(sim, owner, region)->snapshots++;
  return s;
}

void cs_image_end(struct cs_sim *sim, struct cs_image *image, int64_t at) {
  if (at < image->ready_ms)
    cs_image_cancel(sim, image, at);
  image->gone_ms = at;
  cs_usage_of(sim, image->owner, image->region)->images--;
}

void cs_snapshot_end(struct cs_sim *sim, struct cs_snapshot *s, int64_t at) {
  cs_copy_cancel(sim, s, at);
  s->gone_ms = at;
  cs_usage_of(sim, s->owner, s->region)->snapshots--;
}

void cs_mapping_copy(struct cs_mapping *to, const struct cs_mapping *from) {
  *to = *from;
  to->device = cs_strdup(from->device);
  to->virtual_name = cs_strdup(from->virtual_name);
  to->snapshot_id = cs_strdup(from->snapshot_id);
  to->volume_type = cs_strdup(from->volume_type);
}

void cs_mapping_done(struct cs_mapping *m) {
  free(m->device);
  free(m->virtual_name);
  free(m->snapshot_id);
  free(m->volume_type);
}

void cs_codes_copy(struct cs_product_code **to, size_t *n, const struct cs_product_code *from, size_t n_from) {
  for (size_t i = 0; i < n_from; i++) {
    bool there = false;
    for (size_t k = 0; k < *n; k++)
      there = there || af_streq((*to)[k].code, from[i].code);
    if (!there)
      *CS_ADD(*to, *n) = (struct cs_product_code){cs_strdup(from[i].code), cs_strdup(from[i].type)};
  }
}

void cs_watermarks_copy(struct cs_image *to, const struct cs_image *from) {
  for (size_t i = 0; i < from->n_watermarks; i++) {
    const struct cs_watermark *w = &from->watermarks[i];
    *CS_ADD(to->watermarks, to->n_watermarks) = (struct cs_watermark){cs_strdup(w->key), cs_strdup(w->source_image), cs_strdup(w->source_region),
                                                                      cs_strdup(w->created), cs_strdup(w->source_created)};
  }
}

const struct cs_mapping *cs_root_mapping(const struct cs_image *image) {
  for (size_t i = 0; i < image->n_mappings; i++)
    if (af_streq(image->mappings[i].device, image->text[CS_ROOT_NAME]))
      return &image->mappings[i];
  return NULL;
}

/* --- counting --- */

struct cs_usage *cs_usage_of(struct cs_sim *sim, const struct cs_account *account, const struct cs_region *region) {
  struct cs_ec2 *ec2 = sim->ec2;
  for (size_t i = 0; i < ec2->n_usage; i++)
    if (ec2->usage[i].account == account && ec2->usage[i].region == region)
      return &ec2->usage[i];
  struct cs_usage *u = CS_ADD(ec2->usage, ec2->n_usage);
  *u = (struct cs_usage){.account = account, .region = region};
  return u;
}

void cs_hazard(struct cs_sim *sim, int64_t at_ms, const char *format, ...) {
  if (sim->ec2->n_hazards >= 1000) /* enough to know */
    return;
  struct cs_hazard *h = CS_ADD(sim->ec2->hazards, sim->ec2->n_hazards);
  h->at_ms = at_ms;
  va_list args;
  va_start(args, format);
  vsnprintf(h->text, sizeof h->text, format, args);
  va_end(args);
}

/* --- the end --- */

static void codes_done(struct cs_product_code *codes, size_t n) {
  for (size_t i = 0; i < n; i++) {
    free(codes[i].code);
    free(codes[i].type);
  }
  free(codes);
}

static void watermarks_done(struct cs_watermark *list, size_t n) {
  for (size_t i = 0; i < n; i++) {
    free(list[i].key);
    free(list[i].source_image);
    free(list[i].source_region);
    free(list[i].created);
    free(list[i].source_created);
  }
  free(list);
}

void cs_image_free(struct cs_image *image) {
  for (int i = 0; i < CS_ATTRIBUTE_MAX_; i++)
    free(image->text[i]);
  for (size_t i = 0; i < image->n_past_texts; i++)
    free(image->past_texts[i].value);
  free(image->past_texts);
  free(image->past_fates);
  for (size_t i = 0; i < image->n_mappings; i++)
    cs_mapping_done(&image->mappings[i]);
  free(image->mappings);
  codes_done(image->codes, image->n_codes);
  watermarks_done(image->watermarks, image->n_watermarks);
  for (size_t i = 0; i < image->n_billing_products; i++)
    free(image->billing_products[i]);
  free(image->billing_products);
  cs_permissions_done(&image->permissions);
  cs_permissions_done(&image->bundle_readers);
  free(image->bundle_copy);
  cs_tags_done(&image->tags);
  free(image->reason_code);
  free(image->reason);
  free(image);
}

static void snapshot_free(struct cs_snapshot *s) {
  free(s->description);
  free(s->status_message);
  free(s->storage_tier);
  free(s->transfer_type);
  codes_done(s->codes, s->n_codes);
  free(s->platform_details);
  free(s->usage_operation);
  cs_permissions_done(&s->permissions);
  cs_tags_done(&s->tags);
  free(s->copying);
  free(s);
}

void cs_ec2_free(struct cs_ec2 *ec2) {
  if (!ec2)
    return;
  for (size_t i = 0; i < ec2->n_images; i++)
    cs_image_free(ec2->images[i]);
  for (size_t i = 0; i < ec2->n_snapshots; i++)
    snapshot_free(ec2->snapshots[i]);
  for (size_t i = 0; i < ec2->n_tokens; i++)
    free(ec2->tokens[i].fingerprint);
  free(ec2->images);
  free(ec2->snapshots);
  free(ec2->image_index.slots);
  free(ec2->snapshot_index.slots);
  free(ec2->token_index.slots);
  free(ec2->tokens);
  free(ec2->buckets);
  free(ec2->usage);
  free(ec2->hazards);
  cs_things_free(ec2->things);
  free(ec2->pending_images);
  free(ec2->pending_snapshots);
  free(ec2);
}
