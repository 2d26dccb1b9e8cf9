/* JSON as jansson reads it, but told apart from JSON for which there was no memory. jansson drops a character of a string that it finds no
 * room for, and calls a string that it can't store no token. */
#ifndef AF_BASE_JSON_H
#define AF_BASE_JSON_H

#include <jansson.h>

#include "base/str.h"

/* json_loadb(). Returns 0; -AF_ENOMEM; -AF_EINVAL with jansson's reason in *ret_error (which may be NULL). *ret is the caller's, and NULL
 * where it fails. jansson has one allocator for all: nobody else may use it meanwhile. */
int af_json_read(struct af_str text, size_t flags, json_t **ret, json_error_t *ret_error);

#endif
