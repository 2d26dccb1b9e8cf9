/* Effects, and the accesses that copies borrow: an exposure is one opening, its holders are the copies that need it. */
#include <stdlib.h>

#include "state/store_internal.h"

static int missing(int64_t exposure, struct af_error *err) {
  return af_store_error(err, -AF_ENOENT, "there is no exposure %lld", (long long)exposure);
}

int af_store_effect_put(struct af_store *s, const struct af_effect_row *e, struct af_error *err) {
  int rc = af_row_check(&af_shape_effect, e, err);
  if (rc == 0)
    rc = af_store_enter_write(s, err);
  if (rc != 0)
    return rc;
  rc = af_change(s, AF_SQL_EFFECT_PUT, e, NULL, err);
  if (rc == -AF_EINVAL && s->constraint == SQLITE_CONSTRAINT_FOREIGNKEY)
    rc = af_store_error(err, -AF_ENOENT, "copy %s has no step %lld", e->copy_id, (long long)e->step);
  return rc;
}

int af_store_effects(struct af_store *s, const char *copy_id, struct af_effect_row **ret, size_t *ret_n, struct af_error *err) {
  void *rows;
  int rc = af_query_all(s, AF_SQL_EFFECTS, &(struct af_lookup){.id = copy_id}, &rows, ret_n, err);
  if (rc == 0)
    *ret = rows;
  return rc;
}

int af_store_exposure_find(struct af_store *s, const char *kind, const char *account, const char *region, const char *resource,
                           const char *grantee, struct af_exposure_row *ret, struct af_error *err) {
  struct af_lookup in = {.kind = kind, .account = account, .region = region, .resource = resource, .grantee = grantee};
  int rc = af_store_enter_read(s, err);
  if (rc == 0)
    rc = af_query_one(s, AF_SQL_EXPOSURE_FIND, &in, ret, err);
  if (rc == -AF_ENOENT)
    return af_store_error(err, rc, "there is no %s of %s to %s", kind, resource, grantee);
  return rc;
}

static int exposure_insert(struct af_store *s, struct af_exposure_row *e, struct af_error *err) {
  int rc = af_change(s, AF_SQL_EXPOSURE_INSERT, e, NULL, err);
  if (rc == -AF_EINVAL && s->constraint == SQLITE_CONSTRAINT_UNIQUE)
    return af_store_error(err, -AF_EEXIST, "the %s of %s to %s is there already", e->kind, e->resource, e->grantee);
  if (rc != 0)
    return rc;
  e->id = sqlite3_last_insert_rowid(s->db);
  e->revision = 1;
  return 0;
}

static int exposure_update(struct af_store *s, struct af_exposure_row *e, struct af_error *err) {
  struct af_count_row stored;
  int changes = 0;
  int rc = af_change(s, AF_SQL_EXPOSURE_UPDATE, e, &changes, err);
  if (rc != 0)
    return rc;
  if (changes == 1) {
    e->revision++;
    return 0;
  }
  rc = af_query_one(s, AF_SQL_EXPOSURE_REVISION, &(struct af_lookup){.number = e->id}, &stored, err);
  if (rc == -AF_ENOENT)
    return missing(e->id, err);
  return rc != 0 ? rc : af_store_error(err, -AF_ESTALE, "exposure %lld was read at revision %lld and is at %lld now",
                                     (long long)e->id, (long long)e->revision, (long long)stored.count);
}

int af_store_exposure_put(struct af_store *s, struct af_exposure_row *e, struct af_error *err) {
  int rc = af_row_check(&af_shape_exposure, e, err);
  if (rc == 0)
    rc = af_store_enter_write(s, err);
  if (rc != 0)
    return rc;
  return e->id == 0 ? exposure_insert(s, e, err) : exposure_update(s, e, err);
}

int af_store_exposures_open(struct af_store *s, struct af_exposure_row **ret, size_t *ret_n, struct af_error *err) {
  void *rows;
  int rc = af_query_all(s, AF_SQL_EXPOSURES_OPEN, NULL, &rows, ret_n, err);
  if (rc == 0)
    *ret = rows;
  return rc;
}

int af_store_exposures_changed(struct af_store *s, const char *kind, const char *account, const char *folder, int64_t since_ms,
                               struct af_exposure_row **ret, size_t *ret_n, struct af_error *err) {
  void *rows;
  char *end = af_str_dup(af_str(folder)); /* the first text behind all that begin with the folder's */
  if (!end)
    return af_error_nomem(err);
  end[strlen(end) - 1]++;
  struct af_lookup in = {.kind = kind, .account = account, .text = folder, .resource = end, .number = since_ms};
  int rc = af_query_all(s, AF_SQL_EXPOSURES_CHANGED, &in, &rows, ret_n, err);
  free(end);
  if (rc == 0)
    *ret = rows;
  return rc;
}

int af_store_holder_add(struct af_store *s, int64_t exposure, const char *copy_id, struct af_error *err) {
  int rc = af_store_enter_write(s, err);
  if (rc == 0)
    rc = af_change(s, AF_SQL_HOLDER_ADD, &(struct af_lookup){.number = exposure, .id = copy_id}, NULL, err);
  if (rc == -AF_EINVAL && s->constraint == SQLITE_CONSTRAINT_FOREIGNKEY)
    return af_store_error(err, -AF_ENOENT, "there is no exposure %lld, or no copy %s", (long long)exposure, copy_id);
  return rc;
}

int af_store_holder_remove(struct af_store *s, int64_t exposure, const char *copy_id, struct af_error *err) {
  int rc = af_store_enter_write(s, err);
  if (rc == 0)
    rc = af_change(s, AF_SQL_HOLDER_REMOVE, &(struct af_lookup){.number = exposure, .id = copy_id}, NULL, err);
  return rc;
}

int af_store_holders(struct af_store *s, int64_t exposure, size_t *ret_n, struct af_error *err) {
  struct af_count_row row;
  int rc = af_store_enter_read(s, err);
  if (rc == 0)
    rc = af_query_one(s, AF_SQL_HOLDERS, &(struct af_lookup){.number = exposure}, &row, err);
  if (rc == 0)
    *ret_n = (size_t)row.count;
  return rc;
}
