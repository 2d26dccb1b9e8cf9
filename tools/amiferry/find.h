/* Finding stored batches and copies by what a person types: an id, or its beginning where that says which. */
#ifndef AF_TOOLS_AMIFERRY_FIND_H
#define AF_TOOLS_AMIFERRY_FIND_H

#include "state/store.h"

/* -AF_ENOENT (none), -AF_EINVAL (several), both of class INVALID and with those that there are in the hint. */
int af_batch_find(struct af_store *s, const char *name, struct af_batch_row *ret, struct af_error *err);
int af_copy_find(struct af_store *s, const char *name, struct af_copy_row *ret, struct af_error *err);
int af_batch_unfinished(struct af_store *s, const char *batch_id, bool *ret, struct af_error *err);

#endif
