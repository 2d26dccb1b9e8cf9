/* An API model (AWS's service-2.json, as under ../shared/aws/models, or one group of the protocol vectors) as something to test
 * against: shapes for the codec, made at run time by the naming rules of rules.md 8, and a second reader of requests and replies
 * that shares no code with the codec and reports whatever the model doesn't allow. */
#ifndef AF_TESTS_WIRE_MODEL_H
#define AF_TESTS_WIRE_MODEL_H

#include <jansson.h>

#include "base/buf.h"
#include "engine/aws/shape.h"

struct model;

/* Reads dir/name; aborts with a message where that can't be done: tests check for the folder first. */
struct model *model_load(const char *dir, const char *name);
/* doc has "metadata" and "shapes", and may have "operations"; the model takes its own reference. */
struct model *model_new(json_t *doc);
void model_free(struct model *m); /* takes NULL; shapes go with it */

const json_t *model_metadata(const struct model *m);
const char *model_protocol(const struct model *m); /* "ec2", "query", "json", "rest-xml" */
const char *model_version(const struct model *m);  /* "2016-11-15" */
enum af_protocol model_wire_protocol(const struct model *m);
const json_t *model_shape_json(const struct model *m, const char *name);     /* borrowed; NULL where there is none */
const json_t *model_operation_json(const struct model *m, const char *name); /* borrowed; NULL where there is none */

enum model_side { MODEL_REQUEST, MODEL_REPLY };
/* The shape for af_encode and af_decode; lives as long as the model. name NULL: the empty structure. */
const struct af_shape *model_shape(struct model *m, const char *name, enum model_side side);
/* The name of a member on the wire: ref is its entry in "members". Into out. */
void model_wire_name(const struct model *m, const json_t *ref, const char *member, enum model_side side, char out[128]);

/* All append one line for each thing that the model doesn't allow (unknown names, wrong types, missing required members, values that
 * an enumeration lacks, lengths and ranges) and return how many there were; 0 is a clean bill. */
int model_check_request(const struct model *m, const char *action, struct af_str body, struct af_buf *complaints);
/* The same for a REST call. target: "/bucket?policy"; headers: "Name: value" each, ends with NULL. */
int model_check_rest(const struct model *m, const char *action, const char *method, const char *target, const char *const *headers, struct af_str body,
                     struct af_buf *complaints);
int model_check_reply(const struct model *m, const char *action, int status, const char *content_type, struct af_str body,
                      struct af_buf *complaints);

#endif
