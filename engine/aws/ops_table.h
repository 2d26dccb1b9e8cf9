/* The words in which the tables of calls (ops_*.c) are written. Only they and codec.c include this. */
#ifndef AF_ENGINE_AWS_OPS_TABLE_H
#define AF_ENGINE_AWS_OPS_TABLE_H

#include "engine/aws/shape.h"

extern const struct af_shape af_string, af_bool, af_int, af_timestamp, af_blob;
extern const struct af_shape af_nothing; /* a structure without members */

/* A member: may be there or needs to be; on the wire it has the model's name or (_AS) another, and stands in the body or (_AT) elsewhere. */
#define MAY(name_, shape_) MAY_AS(name_, name_, shape_)
#define NEED(name_, shape_) NEED_AS(name_, name_, shape_)
#define MAY_AS(name_, wire_, shape_) {#name_, #wire_, &(shape_), false, AF_IN_BODY}
#define NEED_AS(name_, wire_, shape_) {#name_, #wire_, &(shape_), true, AF_IN_BODY}
#define MAY_AT(place_, name_, wire_, shape_) {#name_, wire_, &(shape_), false, place_}
#define NEED_AT(place_, name_, wire_, shape_) {#name_, wire_, &(shape_), true, place_}

#define STRUCTURE(...) {.type = AF_T_STRUCT, .members = (const struct af_member[]){__VA_ARGS__, {NULL, NULL, NULL, false, AF_IN_BODY}}}
#define FLAT(element_) {.type = AF_T_LIST, .element = &(element_), .flattened = true}
#define ITEMS(item_, element_) {.type = AF_T_LIST, .element = &(element_), .item = (item_)}
#define MAP(element_) {.type = AF_T_MAP, .element = &(element_)}

#endif
