/* Batches written down, and found again by their manifest. Taking them up is in load.c. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/internal.h"
#include "engine/routes.h"

static struct af_principal principal_of(const struct af_party *p) {
  return (struct af_principal){.profile = p->profile, .role_arn = p->role_arn, .external_id = p->external_id};
}

int af_spec_sessions(struct af_engine *e, const struct af_copy_spec *spec, struct af_session **ret_source, struct af_session **ret_target,
                     struct af_error *err) {
  struct af_principal source = principal_of(spec->pull ? &spec->target : &spec->source), target = principal_of(&spec->target);
  int rc = af_aws_session(e->config.aws, &source, ret_source, err);
  return rc ? rc : af_aws_session(e->config.aws, &target, ret_target, err);
}

static void new_id(struct af_engine *e, const char *prefix, size_t digits, char *out, size_t size) {
  char hex[17];
  af_random_hex(e->config.random, hex, digits);
  snprintf(out, size, "%s%s", prefix, hex);
}

/* Sorts by time, and says when: 20261123-063012-3fa9. */
static void batch_id(struct af_engine *e, char out[64]) {
  char when[AF_TIME_SIZE], prefix[40];
  af_time_basic(af_now_ms(e->config.clock), when);
  snprintf(prefix, sizeof(prefix), "%.8s-%.6s-", when, when + 9);
  new_id(e, prefix, 4, out, 64);
}

static int under_way(const struct af_copy_spec *spec, const struct af_copy_row *other, struct af_error *err) {
  int rc = af_error_set(err, -AF_EEXIST, AF_CLASS_INVALID, "CopyUnderWay", "the copy of %s to %s is under way already, as %s of batch %s",
                        spec->image, spec->target.region, other->id, other->batch_id);
  AF_COPY(err->resource, af_str(other->id));
  af_error_hint(err, "finish that batch first: amiferry resume %s", other->batch_id);
  return rc;
}

/* Another batch has this copy (err->resource is its id). Where that one has made nothing yet, the newer manifest's word counts; otherwise
 * it must be finished first. */
static int supersede(struct af_engine *e, const char *batch, const struct af_copy_spec *spec, struct af_error *err) {
  struct af_copy_row other = {0};
  char id[64], message[128];
  AF_COPY(id, af_str(err->resource));
  int rc = af_store_copy_get(e->config.store, id, &other, err);
  if (rc) return rc;
  enum af_copy_state at = other.state == AF_COPY_BLOCKED ? other.resume_state : other.state;
  if (at == AF_COPY_WAITING || at == AF_COPY_INSPECTING) {
    snprintf(message, sizeof(message), "superseded by batch %s before anything was made", batch);
    other.state = AF_COPY_CANCELLED;
    rc = af_store_copy_update(e->config.store, &other, &(struct af_event_row){.kind = "state", .step = -1, .message = message}, err);
  } else {
    rc = under_way(spec, &other, err);
  }
  af_copy_row_done(&other);
  return rc;
}

static int insert_copy(struct af_engine *e, const char *batch, size_t position, const struct af_copy_spec *spec, struct af_error *err) {
  struct af_copy_row row = {.position = (int64_t)position, .machine_version = AF_MACHINE_VERSION};
  char id[32];
  json_t *json = NULL;
  char *key = NULL, *text = NULL;
  new_id(e, "cp-", 12, id, sizeof(id));
  int rc = af_copy_spec_to_json(spec, &json);
  if (!rc) rc = af_copy_spec_key(spec, &key);
  if (!rc) text = af_json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
  if (rc || !text || af_row_set(&row.id, id) || af_row_set(&row.batch_id, batch) || af_row_set(&row.key, key) || af_row_set(&row.spec, text))
    rc = af_error_nomem(err);
  const struct af_event_row ev = {.kind = "state", .step = -1};
  if (!rc) rc = af_store_copy_insert(e->config.store, &row, &ev, err);
  if (rc == -AF_EEXIST) {
    rc = supersede(e, batch, spec, err);
    if (!rc) rc = af_store_copy_insert(e->config.store, &row, &ev, err);
  }
  json_decref(json);
  free(key);
  free(text);
  af_copy_row_done(&row);
  return rc;
}

static int insert_batch(struct af_engine *e, const struct af_manifest *m, const char *name, char id[64], struct af_error *err) {
  struct af_batch_row row = {.created_ms = af_now_ms(e->config.clock)};
  batch_id(e, id);
  int rc = af_row_set(&row.id, id) || af_row_set(&row.manifest_name, name) || af_row_set(&row.manifest_digest, m->digest) ||
                   af_row_set(&row.manifest, m->normal)
               ? af_error_nomem(err)
               : af_store_batch_insert(e->config.store, &row, err);
  af_batch_row_done(&row);
  return rc;
}

int af_engine_start(struct af_engine *e, const struct af_manifest *m, const char *manifest_name, char ret_batch[64], bool *ret_resumed,
                    struct af_error *err) {
  struct af_batch_row found = {0};
  struct af_session *source, *target;
  for (size_t i = 0; i < m->n; i++) { /* a profile that isn't there is an error of the manifest: nothing is begun */
    int rc = af_spec_sessions(e, &m->copies[i], &source, &target, err);
    if (rc) return rc;
  }
  int rc = af_store_batch_find(e->config.store, m->digest, &found, err);
  *ret_resumed = rc == 0;
  if (rc == 0) {
    af_str_copy(ret_batch, 64, af_str(found.id));
    af_batch_row_done(&found);
  } else if (rc == -AF_ENOENT) {
    rc = insert_batch(e, m, manifest_name, ret_batch, err);
    for (size_t i = 0; i < m->n && !rc; i++) rc = insert_copy(e, ret_batch, i, &m->copies[i], err);
    if (!rc) rc = af_store_commit(e->config.store, err);
  }
  return rc ? rc : af_engine_load(e, ret_batch, AF_LOAD_RETRY, err);
}
