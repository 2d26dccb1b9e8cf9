/* The model as data, and shapes made of it at run time. */
#include "tests/wire/model.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/wire/vectors.h"

struct made { /* a shape that was made, by name, side and flattening; linked, owns its members */
  struct made *next;
  const char *name; /* borrowed from the document */
  enum model_side side;
  bool flattened;
  struct af_shape shape;
  struct af_member *members;
  char (*wires)[128];
};

struct model {
  json_t *doc;
  struct made *made;
};

struct model *model_new(json_t *doc) {
  struct model *m = calloc(1, sizeof *m);
  m->doc = json_incref(doc);
  return m;
}

struct model *model_load(const char *dir, const char *name) {
  json_t *doc = read_json(dir, name);
  struct model *m = model_new(doc);
  json_decref(doc);
  return m;
}

void model_free(struct model *m) {
  if (!m)
    return;
  for (struct made *next, *made = m->made; made; made = next) {
    next = made->next;
    free(made->members);
    free(made->wires);
    free(made);
  }
  json_decref(m->doc);
  free(m);
}

const json_t *model_metadata(const struct model *m) {
  return json_object_get(m->doc, "metadata");
}

const char *model_protocol(const struct model *m) {
  return json_string_value(json_object_get(model_metadata(m), "protocol"));
}

const char *model_version(const struct model *m) {
  return json_string_value(json_object_get(model_metadata(m), "apiVersion"));
}

enum af_protocol model_wire_protocol(const struct model *m) {
  const char *p = model_protocol(m);
  return af_streq(p, "ec2")        ? AF_PROTOCOL_EC2
         : af_streq(p, "query")    ? AF_PROTOCOL_QUERY
         : af_streq(p, "rest-xml") ? AF_PROTOCOL_REST_XML
                                   : AF_PROTOCOL_JSON;
}

const json_t *model_shape_json(const struct model *m, const char *name) {
  return json_object_get(json_object_get(m->doc, "shapes"), name);
}

const json_t *model_operation_json(const struct model *m, const char *name) {
  return json_object_get(json_object_get(m->doc, "operations"), name);
}

void model_wire_name(const struct model *m, const json_t *ref, const char *member, enum model_side side, char out[128]) {
  const char *location = json_string_value(json_object_get(ref, "locationName"));
  const char *query = json_string_value(json_object_get(ref, "queryName"));
  enum af_protocol p = model_wire_protocol(m);
  const char *name = p == AF_PROTOCOL_JSON || !location ? member : location;
  bool ec2_request = p == AF_PROTOCOL_EC2 && side == MODEL_REQUEST;
  snprintf(out, 128, "%s", ec2_request && query ? query : name);
  if (ec2_request && !query)
    out[0] = (char)toupper((unsigned char)out[0]);
}

/* ---- shapes ---- */

static const struct {
  const char *name;
  enum af_type type;
} types[] = {
    {"string", AF_T_STRING},       {"character", AF_T_STRING}, {"boolean", AF_T_BOOL}, {"integer", AF_T_INT},
    {"long", AF_T_INT},            {"float", AF_T_DOUBLE},     {"double", AF_T_DOUBLE}, {"timestamp", AF_T_TIMESTAMP},
    {"blob", AF_T_BLOB},           {"list", AF_T_LIST},        {"structure", AF_T_STRUCT}, {"map", AF_T_MAP},
};

static enum af_type type_of(const json_t *shape, const char *name) {
  const char *type = json_string_value(json_object_get(shape, "type"));
  for (size_t i = 0; i < COUNT(types); i++)
    if (af_streq(types[i].name, type))
      return types[i].type;
  fprintf(stderr, "shape %s has the type %s\n", name, type ? type : "(none)");
  abort();
}

static bool is_required(const json_t *shape, const char *member) {
  size_t i;
  const json_t *name;
  const json_t *required = json_object_get(shape, "required");
  json_array_foreach((json_t *)(uintptr_t)required, i, name) if (af_streq(json_string_value(name), member)) return true;
  return false;
}

static enum af_location place_of(const json_t *structure, const json_t *ref, const char *member) {
  static const struct {
    const char *location;
    enum af_location place;
  } places[] = {{"uri", AF_IN_PATH}, {"querystring", AF_IN_QUERY}, {"header", AF_IN_HEADER}, {"headers", AF_IN_HEADER}, {"statusCode", AF_IN_HEADER}};
  const char *location = json_string_value(json_object_get(ref, "location"));
  for (size_t i = 0; i < COUNT(places); i++)
    if (af_streq(places[i].location, location))
      return places[i].place;
  return af_streq(json_string_value(json_object_get(structure, "payload")), member) ? AF_IS_BODY : AF_IN_BODY;
}

static const struct af_shape *make(struct model *m, const char *name, enum model_side side, bool flattened);

static void make_members(struct model *m, struct made *made, const json_t *json) {
  json_t *members = json_object_get(json, "members"), *ref;
  const char *name;
  size_t n = 0;
  made->members = calloc(json_object_size(members) + 1, sizeof *made->members);
  made->wires = calloc(json_object_size(members) + 1, sizeof *made->wires);
  made->shape.members = made->members;
  json_object_foreach(members, name, ref) {
    model_wire_name(m, ref, name, made->side, made->wires[n]);
    made->members[n] = (struct af_member){
        .name = name,
        .wire = made->wires[n],
        .shape = make(m, json_string_value(json_object_get(ref, "shape")), made->side, json_is_true(json_object_get(ref, "flattened"))),
        .required = is_required(json, name),
        .place = place_of(json, ref, name),
    };
    n++;
  }
}

static const struct af_shape *make(struct model *m, const char *name, enum model_side side, bool flattened) {
  for (struct made *made = m->made; made; made = made->next)
    if (strcmp(made->name, name) == 0 && made->side == side && made->flattened == flattened)
      return &made->shape;
  const json_t *json = model_shape_json(m, name);
  struct made *made = calloc(1, sizeof *made);
  *made = (struct made){.next = m->made, .name = name, .side = side, .flattened = flattened};
  m->made = made; /* before the members: shapes may hold themselves */
  made->shape.type = type_of(json, name);
  if (made->shape.type == AF_T_STRUCT)
    make_members(m, made, json);
  const json_t *of = json_object_get(json, made->shape.type == AF_T_MAP ? "value" : "member");
  if (made->shape.type != AF_T_LIST && made->shape.type != AF_T_MAP)
    return &made->shape;
  made->shape.element = make(m, json_string_value(json_object_get(of, "shape")), side, false);
  /* EC2 numbers every list of a request directly (rules.md 8). */
  made->shape.flattened = flattened || json_is_true(json_object_get(json, "flattened")) ||
                          (side == MODEL_REQUEST && model_wire_protocol(m) == AF_PROTOCOL_EC2);
  const char *item = json_string_value(json_object_get(of, "locationName"));
  if (!made->shape.flattened && model_wire_protocol(m) != AF_PROTOCOL_JSON)
    made->shape.item = item ? item : "member";
  return &made->shape;
}

const struct af_shape *model_shape(struct model *m, const char *name, enum model_side side) {
  static const struct af_member none = {NULL, NULL, NULL, false, AF_IN_BODY};
  static const struct af_shape nothing = {.type = AF_T_STRUCT, .members = &none};
  return name ? make(m, name, side, false) : &nothing;
}
