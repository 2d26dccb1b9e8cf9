/* `cloudsim --audit URL`: what a running cloudsim saw and what is left open in it, for a person to read. */
#ifndef CS_VIEW_H
#define CS_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

/* Fetches the audit of the cloudsim at http://127.0.0.1:PORT. The caller's to json_decref. -AF_EINVAL, -AF_EIO. */
int cs_view_fetch(const char *url, json_t **ret, struct af_error *err);
/* Prints it. Returns whether nothing is left open or doubtful: no share, grant, duplicate, orphan or loss. */
bool cs_view_print(FILE *out, const json_t *audit);

#endif
