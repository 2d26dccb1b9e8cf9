/* Does a request or a reply hold only what the model allows? A reader of its own: it turns the text into a tree of names, then walks
 * tree and model together. It shares no code with the codec. */
#include "tests/wire/model.h"

#include <ctype.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"

struct checker {
  const struct model *m;
  enum af_protocol protocol;
  enum model_side side;
  struct af_buf *complaints;
  int count;
  char path[512];
};

__attribute__((format(printf, 2, 3))) static void complain(struct checker *c, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  af_buf_printf(c->complaints, "%s: %s\n", c->path, text);
  c->count++;
}

/* ---- trees: of a form, of XML. A leaf is a string, anything else an object of arrays: {"Name": [tree, …]}. ---- */

static void tree_add(json_t *object, const char *name, json_t *value) {
  json_t *list = json_object_get(object, name);
  if (!list)
    json_object_set_new(object, name, list = json_array());
  json_array_append_new(list, value);
}

struct xml {
  json_t *open[128]; /* owned while open */
  struct af_buf text[128];
  char names[128][96];
  int depth;
  json_t *root; /* {"RootName": [tree]} */
  char xmlns[160];
  const char *failure;
};

static void XMLCALL xml_open(void *user, const char *name, const char **attributes) {
  struct xml *x = user;
  if (x->depth == 127) {
    x->failure = "is too deep";
    return;
  }
  if (x->depth == 0)
    for (; attributes[0]; attributes += 2)
      if (strcmp(attributes[0], "xmlns") == 0)
        snprintf(x->xmlns, sizeof x->xmlns, "%s", attributes[1]);
  snprintf(x->names[x->depth], sizeof x->names[0], "%s", name);
  af_buf_init(&x->text[x->depth], 1 << 24);
  x->open[x->depth++] = json_object();
}

static void XMLCALL xml_text(void *user, const char *text, int len) {
  struct xml *x = user;
  if (x->depth > 0)
    af_buf_add(&x->text[x->depth - 1], text, (size_t)len);
}

static void XMLCALL xml_close(void *user, const char *name) {
  struct xml *x = user;
  if (x->failure)
    return;
  json_t *value = x->open[--x->depth];
  struct af_buf *text = &x->text[x->depth];
  if (json_object_size(value) == 0) {
    json_decref(value);
    value = json_stringn(text->len ? text->ptr : "", text->len);
  } else if (af_str_trim(af_buf_view(text)).len > 0) {
    x->failure = "holds text between elements";
  }
  af_buf_done(text);
  tree_add(x->depth > 0 ? x->open[x->depth - 1] : x->root, name, value);
}

static json_t *xml_tree(struct checker *c, struct af_str body, char xmlns[160]) {
  struct xml *x = calloc(1, sizeof *x);
  XML_Parser p = XML_ParserCreate(NULL);
  x->root = json_object();
  XML_SetUserData(p, x);
  XML_SetElementHandler(p, xml_open, xml_close);
  XML_SetCharacterDataHandler(p, xml_text);
  if (XML_Parse(p, body.len ? body.ptr : "", (int)body.len, 1) != XML_STATUS_OK)
    complain(c, "line %lu: %s", (unsigned long)XML_GetCurrentLineNumber(p), XML_ErrorString(XML_GetErrorCode(p)));
  else if (x->failure)
    complain(c, "%s", x->failure);
  while (x->depth > 0) {
    json_decref(x->open[--x->depth]);
    af_buf_done(&x->text[x->depth]);
  }
  XML_ParserFree(p);
  json_t *root = x->root;
  snprintf(xmlns, 160, "%s", x->xmlns);
  free(x);
  return root;
}

static int hex(char ch) {
  return isdigit((unsigned char)ch) ? ch - '0' : isxdigit((unsigned char)ch) ? tolower((unsigned char)ch) - 'a' + 10 : -1;
}

static json_t *form_text(struct checker *c, struct af_str s) {
  struct af_buf out;
  af_buf_init(&out, 1 << 24);
  for (size_t i = 0; i < s.len; i++) {
    char ch = s.ptr[i];
    if (ch == '%' && i + 2 < s.len && hex(s.ptr[i + 1]) >= 0 && hex(s.ptr[i + 2]) >= 0) {
      ch = (char)(hex(s.ptr[i + 1]) * 16 + hex(s.ptr[i + 2]));
      i += 2;
    } else if (ch == '%') {
      complain(c, "a percent sign that encodes nothing");
    } else if (ch == '+') {
      ch = ' ';
    }
    af_buf_putc(&out, ch);
  }
  json_t *text = json_stringn(out.ptr ? out.ptr : "", out.len);
  if (!text) {
    complain(c, "text that is not UTF-8");
    text = json_string("");
  }
  af_buf_done(&out);
  return text;
}

/* "Filter.1.Value.2" goes three levels down. */
static void form_put(struct checker *c, json_t *tree, const char *name, json_t *value) {
  char copy[512], *dot, *part = copy;
  snprintf(copy, sizeof copy, "%s", name);
  while ((dot = strchr(part, '.'))) {
    *dot = 0;
    json_t *list = json_object_get(tree, part), *next = json_array_get(list, 0);
    if (!next)
      tree_add(tree, part, next = json_object());
    if (!json_is_object(next)) {
      complain(c, "%s has both a value and parts", name);
      json_decref(value);
      return;
    }
    tree = next;
    part = dot + 1;
  }
  if (json_object_get(tree, part))
    complain(c, "%s is sent twice", name);
  tree_add(tree, part, value);
}

static json_t *form_tree(struct checker *c, struct af_str body) {
  json_t *tree = json_object();
  while (body.len > 0) {
    const char *amp = memchr(body.ptr, '&', body.len);
    struct af_str pair = af_str_n(body.ptr, amp ? (size_t)(amp - body.ptr) : body.len);
    const char *eq = pair.len ? memchr(pair.ptr, '=', pair.len) : NULL;
    if (eq) {
      json_t *name = form_text(c, af_str_n(pair.ptr, (size_t)(eq - pair.ptr)));
      form_put(c, tree, json_string_value(name), form_text(c, af_str_n(eq + 1, pair.len - (size_t)(eq + 1 - pair.ptr))));
      json_decref(name);
    } else {
      complain(c, "a parameter without an equals sign");
    }
    size_t used = pair.len + (amp ? 1 : 0);
    body = af_str_n(body.ptr + used, body.len - used);
  }
  return tree;
}

/* ---- scalars, as text ---- */

static void check_enum(struct checker *c, const json_t *shape, const char *text) {
  size_t i;
  json_t *value, *values = json_object_get(shape, "enum");
  if (!values)
    return;
  json_array_foreach(values, i, value) if (strcmp(json_string_value(value), text) == 0) return;
  complain(c, "\"%s\" is not a value of the enumeration", text);
}

static void check_bounds(struct checker *c, const json_t *shape, int64_t n, const char *what) {
  const json_t *min = json_object_get(shape, "min"), *max = json_object_get(shape, "max");
  if (min && n < json_integer_value(min))
    complain(c, "%s %lld is below %lld", what, (long long)n, (long long)json_integer_value(min));
  if (max && n > json_integer_value(max))
    complain(c, "%s %lld is above %lld", what, (long long)n, (long long)json_integer_value(max));
}

static int64_t characters(const char *text) {
  int64_t n = 0;
  for (; *text; text++)
    n += ((unsigned char)*text & 0xc0) != 0x80;
  return n;
}

static void check_text(struct checker *c, const json_t *shape, const char *type, const char *text) {
  struct af_str s = af_str(text);
  int64_t n;
  bool integer = !strcmp(type, "integer") || !strcmp(type, "long");
  if (integer && af_str_to_i64(s, &n) < 0)
    complain(c, "\"%s\" is not an integer", text);
  else if (integer)
    check_bounds(c, shape, n, "the value");
  else if (!strcmp(type, "boolean") && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
    complain(c, "\"%s\" is not true or false", text);
  else if (!strcmp(type, "timestamp") && (af_time_parse(s, &n) < 0 || !memchr(text, 'T', s.len) || text[s.len - 1] != 'Z'))
    complain(c, "\"%s\" is not a time", text);
  else if (!strcmp(type, "blob") && (strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != s.len || s.len % 4))
    complain(c, "not base64");
  else if (!strcmp(type, "string")) {
    check_enum(c, shape, text);
    check_bounds(c, shape, characters(text), "the length");
  }
}

/* ---- structures and lists, of names ---- */

static void check_tree(struct checker *c, const char *shape_name, const json_t *ref, const json_t *v);

static void check_under(struct checker *c, const char *name, const char *shape_name, const json_t *ref, const json_t *v) {
  size_t before = strlen(c->path);
  snprintf(c->path + before, sizeof c->path - before, ".%s", name);
  check_tree(c, shape_name, ref, v);
  c->path[before] = 0;
}

static const json_t *member_on_wire(const struct checker *c, const json_t *shape, const char *wire, const char **ret_name) {
  const char *name;
  json_t *ref;
  char text[128];
  json_object_foreach(json_object_get(shape, "members"), name, ref) {
    model_wire_name(c->m, ref, name, c->side, text);
    if (strcmp(text, wire) == 0) {
      *ret_name = name;
      return ref;
    }
  }
  return NULL;
}

static void check_required(struct checker *c, const json_t *shape, const json_t *v) {
  size_t i;
  json_t *name;
  char wire[128];
  json_array_foreach(json_object_get(shape, "required"), i, name) {
    const char *member = json_string_value(name);
    model_wire_name(c->m, json_object_get(json_object_get(shape, "members"), member), member, c->side, wire);
    if (!json_object_get(v, wire))
      complain(c, "%s is missing", wire);
  }
}

static bool is_flat(const struct checker *c, const json_t *shape, const json_t *ref) {
  return json_is_true(json_object_get(shape, "flattened")) || json_is_true(json_object_get(ref, "flattened")) ||
         (c->protocol == AF_PROTOCOL_EC2 && c->side == MODEL_REQUEST);
}

static bool is_list(const struct checker *c, const char *shape_name) {
  return af_streq(json_string_value(json_object_get(model_shape_json(c->m, shape_name), "type")), "list");
}

static void check_struct(struct checker *c, const json_t *shape, const json_t *v) {
  const char *wire, *name;
  json_t *values;
  if (json_is_string(v) && af_str_trim(af_str(json_string_value(v))).len > 0) {
    complain(c, "text where a structure belongs");
    return;
  }
  if (json_is_object(v))
    json_object_foreach((json_t *)(uintptr_t)v, wire, values) {
      const json_t *ref = member_on_wire(c, shape, wire, &name);
      const char *target = json_string_value(json_object_get(ref, "shape"));
      if (!ref) {
        complain(c, "%s is not in the model", wire);
        continue;
      }
      bool flat_reply = is_list(c, target) && c->side == MODEL_REPLY && is_flat(c, model_shape_json(c->m, target), ref);
      if (json_array_size(values) > 1 && !flat_reply)
        complain(c, "%s is there %zu times", wire, json_array_size(values));
      check_under(c, wire, target, ref, flat_reply ? values : json_array_get(values, 0));
    }
  check_required(c, shape, v);
}

static void check_numbered(struct checker *c, const json_t *shape, const json_t *v) {
  const char *number;
  json_t *values;
  size_t n = json_object_size(v);
  check_bounds(c, shape, (int64_t)n, "the number of items");
  json_object_foreach((json_t *)(uintptr_t)v, number, values) {
    int64_t i;
    if (af_str_to_i64(af_str(number), &i) < 0 || i < 1 || i > (int64_t)n || number[0] == '0')
      complain(c, "%s is not a number from 1 to %zu", number, n);
    else
      check_under(c, number, json_string_value(json_object_get(json_object_get(shape, "member"), "shape")), NULL,
                  json_array_get(values, 0));
  }
}

static void check_list_sent(struct checker *c, const json_t *shape, const json_t *ref, const json_t *v) {
  const char *item = json_string_value(json_object_get(json_object_get(shape, "member"), "locationName"));
  if (json_is_string(v)) {
    if (c->protocol != AF_PROTOCOL_QUERY || json_string_length(v) > 0)
      complain(c, "a value where numbered items belong");
  } else if (is_flat(c, shape, ref)) {
    check_numbered(c, shape, v);
  } else if (json_object_size(v) != 1 || !json_object_get(v, item ? item : "member")) {
    complain(c, "the items are not called \"%s\"", item ? item : "member");
  } else {
    check_numbered(c, shape, json_array_get(json_object_get(v, item ? item : "member"), 0));
  }
}

static void check_list_received(struct checker *c, const json_t *shape, const json_t *ref, const json_t *v) {
  const json_t *member = json_object_get(shape, "member"), *items = v;
  const char *item = json_string_value(json_object_get(member, "locationName"));
  item = item ? item : "member";
  if (!is_flat(c, shape, ref)) {
    if (json_is_string(v)) {
      if (af_str_trim(af_str(json_string_value(v))).len > 0)
        complain(c, "text where a list belongs");
      return; /* an empty list */
    }
    items = json_object_get(v, item);
    if (!items || json_object_size(v) != 1)
      complain(c, "the items are not called \"%s\"", item);
  }
  for (size_t i = 0; i < json_array_size(items); i++)
    check_under(c, item, json_string_value(json_object_get(member, "shape")), NULL, json_array_get(items, i));
}

static void check_tree(struct checker *c, const char *shape_name, const json_t *ref, const json_t *v) {
  const json_t *shape = model_shape_json(c->m, shape_name);
  const char *type = json_string_value(json_object_get(shape, "type"));
  if (!strcmp(type, "structure"))
    check_struct(c, shape, v);
  else if (!strcmp(type, "list"))
    (c->side == MODEL_REQUEST ? check_list_sent : check_list_received)(c, shape, ref, v);
  else if (!strcmp(type, "map"))
    complain(c, "maps are not checked in this protocol");
  else if (!json_is_string(v))
    complain(c, "parts where a value belongs");
  else
    check_text(c, shape, type, json_string_value(v));
}

/* ---- JSON, where values have types of their own ---- */

static void check_json(struct checker *c, const char *shape_name, const json_t *v);

static void check_json_under(struct checker *c, const char *name, const char *shape_name, const json_t *v) {
  size_t before = strlen(c->path);
  snprintf(c->path + before, sizeof c->path - before, ".%s", name);
  check_json(c, shape_name, v);
  c->path[before] = 0;
}

static void check_json_struct(struct checker *c, const json_t *shape, const json_t *v) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)v, name, value) {
    const json_t *ref = json_object_get(json_object_get(shape, "members"), name);
    if (ref)
      check_json_under(c, name, json_string_value(json_object_get(ref, "shape")), value);
    else
      complain(c, "%s is not in the model", name);
  }
  check_required(c, shape, v);
}

static void check_json_scalar(struct checker *c, const json_t *shape, const char *type, const json_t *v) {
  bool integer = !strcmp(type, "integer") || !strcmp(type, "long");
  bool number = !strcmp(type, "timestamp") || !strcmp(type, "double") || !strcmp(type, "float");
  if (integer && json_is_integer(v))
    check_bounds(c, shape, json_integer_value(v), "the value");
  else if (integer || (number && !json_is_number(v)) || (!strcmp(type, "boolean") && !json_is_boolean(v)))
    complain(c, "is not of type %s", type);
  else if ((!strcmp(type, "string") || !strcmp(type, "blob")) && !json_is_string(v))
    complain(c, "is not a string");
  else if (json_is_string(v))
    check_text(c, shape, type, json_string_value(v));
}

static void check_json(struct checker *c, const char *shape_name, const json_t *v) {
  const json_t *shape = model_shape_json(c->m, shape_name);
  const char *type = json_string_value(json_object_get(shape, "type")), *name;
  bool object = !strcmp(type, "structure") || !strcmp(type, "map");
  json_t *value;
  if ((object && !json_is_object(v)) || (!strcmp(type, "list") && !json_is_array(v))) {
    complain(c, "is not a %s", type);
  } else if (!strcmp(type, "structure")) {
    check_json_struct(c, shape, v);
  } else if (object) {
    json_object_foreach((json_t *)(uintptr_t)v, name, value)
      check_json_under(c, name, json_string_value(json_object_get(json_object_get(shape, "value"), "shape")), value);
  } else if (!strcmp(type, "list")) {
    check_bounds(c, shape, (int64_t)json_array_size(v), "the number of items");
    for (size_t i = 0; i < json_array_size(v); i++)
      check_json_under(c, "item", json_string_value(json_object_get(json_object_get(shape, "member"), "shape")), json_array_get(v, i));
  } else {
    check_json_scalar(c, shape, type, v);
  }
}

static json_t *json_tree(struct checker *c, struct af_str body) {
  json_error_t error;
  json_t *doc = json_loadb(body.len ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES, &error);
  if (!json_is_object(doc))
    complain(c, "line %d: %s", doc ? 1 : error.line, doc ? "not an object" : error.text);
  return doc;
}

/* ---- the two doors ---- */

static struct checker begin(const struct model *m, const char *action, enum model_side side, struct af_buf *complaints) {
  struct checker c = {.m = m, .protocol = model_wire_protocol(m), .side = side, .complaints = complaints};
  snprintf(c.path, sizeof c.path, "%s", action);
  return c;
}

static const char *target_of(const struct model *m, const char *action, const char *which) {
  return json_string_value(json_object_get(json_object_get(model_operation_json(m, action), which), "shape"));
}

static void check_fixed(struct checker *c, json_t *tree, const char *name, const char *want) {
  const char *got = json_string_value(json_array_get(json_object_get(tree, name), 0));
  if (!af_streq(got, want))
    complain(c, "%s is \"%s\", not \"%s\"", name, got ? got : "", want);
  json_object_del(tree, name);
}

int model_check_request(const struct model *m, const char *action, struct af_str body, struct af_buf *complaints) {
  struct checker c = begin(m, action, MODEL_REQUEST, complaints);
  if (!model_operation_json(m, action)) {
    complain(&c, "no such operation");
    return c.count;
  }
  const char *input = target_of(m, action, "input");
  json_t *tree = c.protocol == AF_PROTOCOL_JSON ? json_tree(&c, body) : form_tree(&c, body);
  if (c.protocol != AF_PROTOCOL_JSON) {
    check_fixed(&c, tree, "Action", action);
    check_fixed(&c, tree, "Version", model_version(m));
    check_tree(&c, input, NULL, tree);
  } else if (json_is_object(tree)) {
    check_json(&c, input, tree);
  }
  json_decref(tree);
  return c.count;
}

/* ---- REST: a path by a template, a query, headers, a body ---- */

static const json_t *member_at(const struct checker *c, const json_t *input, const char *location, struct af_str wire, const char **ret_name) {
  const char *name, *own;
  json_t *ref;
  json_object_foreach(json_object_get(input, "members"), name, ref) {
    own = json_string_value(json_object_get(ref, "locationName"));
    if (af_streq(json_string_value(json_object_get(ref, "location")), location) && own && strlen(own) == wire.len &&
        strncasecmp(own, wire.ptr, wire.len) == 0) {
      *ret_name = name;
      return ref;
    }
  }
  return NULL;
}

static void check_rest_value(struct checker *c, const json_t *input, const char *location, struct af_str wire, json_t *value) {
  const char *name;
  const json_t *ref = member_at(c, input, location, wire, &name);
  if (ref)
    check_under(c, name, json_string_value(json_object_get(ref, "shape")), ref, value);
  else
    complain(c, "%.*s is no %s of the model", (int)wire.len, wire.ptr, location);
  json_decref(value);
}

static void check_path(struct checker *c, const json_t *input, const char *want, const char *got) {
  while (*want && *want != '?') {
    size_t label = *want == '{' ? strcspn(want, "}") : 0, value = strcspn(got, "/?");
    if (label > 0 && value > 0) {
      check_rest_value(c, input, "uri", af_str_n(want + 1, label - 1), form_text(c, af_str_n(got, value)));
      want += label + 1;
      got += value;
    } else if (*want++ != *got++) {
      complain(c, "the path is not the model's");
      return;
    }
  }
  if (*got && *got != '?')
    complain(c, "the path goes on: %s", got);
}

static bool is_fixed(const char *template, struct af_str part) {
  const char *fixed = strchr(template, '?');
  while (fixed) {
    struct af_str want = af_str_n(fixed + 1, strcspn(fixed + 1, "&"));
    if (af_str_eq(want, part))
      return true;
    fixed = strchr(fixed + 1, '&');
  }
  return false;
}

static void check_rest_query(struct checker *c, const json_t *input, const char *template, const char *query) {
  size_t fixed = 0, wanted = strchr(template, '?') ? 1 : 0;
  for (const char *amp = strchr(template, '&'); amp; amp = strchr(amp + 1, '&'))
    wanted++;
  while (query && *query) {
    struct af_str part = af_str_n(query, strcspn(query, "&"));
    const char *eq = memchr(part.ptr, '=', part.len);
    if (is_fixed(template, part))
      fixed++;
    else if (eq)
      check_rest_value(c, input, "querystring", af_str_n(part.ptr, (size_t)(eq - part.ptr)),
                       form_text(c, af_str_n(eq + 1, part.len - (size_t)(eq + 1 - part.ptr))));
    else
      complain(c, "%.*s is no parameter of the model", (int)part.len, part.ptr);
    query += part.len + (query[part.len] == '&');
  }
  if (fixed != wanted)
    complain(c, "%zu of %zu fixed parameters are there", fixed, wanted);
}

static void check_rest_headers(struct checker *c, const json_t *operation, const json_t *input, const char *const *headers) {
  bool checksum = false;
  for (; *headers; headers++) {
    struct af_str name = af_str_n(*headers, strcspn(*headers, ":"));
    if (strncmp(*headers, "x-amz-checksum-", 15) == 0)
      checksum = true;
    else if (strncmp(*headers, "Content-Type:", 13) != 0)
      check_rest_value(c, input, "header", name, json_string(*headers + name.len + 2));
  }
  const json_t *about = json_object_get(operation, "httpChecksum");
  bool required = json_is_true(json_object_get(about, "requestChecksumRequired")) || json_is_true(json_object_get(operation, "httpChecksumRequired"));
  if (required != checksum)
    complain(c, required ? "a checksum is missing" : "a checksum that the model does not ask for");
}

int model_check_rest(const struct model *m, const char *action, const char *method, const char *target, const char *const *headers, struct af_str body,
                     struct af_buf *complaints) {
  struct checker c = begin(m, action, MODEL_REQUEST, complaints);
  const json_t *operation = model_operation_json(m, action), *http = json_object_get(operation, "http");
  const json_t *input = model_shape_json(m, target_of(m, action, "input"));
  const char *template = json_string_value(json_object_get(http, "requestUri")), *query = strchr(target, '?');
  const char *payload = json_string_value(json_object_get(input, "payload"));
  if (!operation) {
    complain(&c, "no such operation");
    return c.count;
  }
  if (!af_streq(method, json_string_value(json_object_get(http, "method"))))
    complain(&c, "the method is %s", method);
  check_path(&c, input, template, target);
  check_rest_query(&c, input, template, query ? query + 1 : NULL);
  check_rest_headers(&c, operation, input, headers);
  if (payload ? body.len == 0 : body.len > 0)
    complain(&c, payload ? "%s is missing" : "a body where there is none%s", payload ? payload : "");
  return c.count;
}

/* Takes the one child of that name out of the tree; NULL, and a complaint, where there isn't exactly one. The caller's. */
static json_t *take_one(struct checker *c, json_t *tree, const char *name) {
  json_t *values = json_object_get(tree, name);
  if (json_array_size(values) != 1)
    complain(c, "<%s> is there %zu times, not once", name, json_array_size(values));
  json_t *one = json_incref(json_array_get(values, 0));
  if (json_is_object(tree))
    json_object_del(tree, name);
  return one;
}

static void expect_text(struct checker *c, json_t *tree, const char *name) {
  json_t *one = take_one(c, tree, name);
  if (one && (!json_is_string(one) || json_string_length(one) == 0))
    complain(c, "<%s> holds no text", name);
  json_decref(one);
}

static void expect_no_more(struct checker *c, const json_t *tree) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)tree, name, value) complain(c, "<%s> does not belong there", name);
}

static void check_error_xml(struct checker *c, json_t *root) {
  bool ec2 = c->protocol == AF_PROTOCOL_EC2;
  json_t *reply = take_one(c, root, ec2 ? "Response" : "ErrorResponse");
  json_t *errors = ec2 ? take_one(c, reply, "Errors") : json_incref(reply), *error = take_one(c, errors, "Error");
  expect_text(c, error, "Code");
  expect_text(c, error, "Message");
  if (!ec2)
    expect_text(c, error, "Type");
  expect_text(c, reply, ec2 ? "RequestID" : "RequestId");
  expect_no_more(c, error);
  expect_no_more(c, reply);
  json_decref(error);
  json_decref(errors);
  json_decref(reply);
}

static void check_output_xml(struct checker *c, const char *action, json_t *root, const char *xmlns) {
  char name[128];
  const json_t *metadata = model_metadata(c->m);
  const char *output = target_of(c->m, action, "output"), *want = json_string_value(json_object_get(metadata, "xmlNamespace"));
  snprintf(name, sizeof name, "%sResponse", action);
  json_t *reply = take_one(c, root, name), *result = json_incref(reply);
  /* EC2's models write http://ec2.amazonaws.com/doc/2016-11-15; the service itself ends it with a slash. */
  if (want && strncmp(xmlns, want, strlen(want)) != 0)
    complain(c, "the namespace is \"%s\", not \"%s\"", xmlns, want);
  if (c->protocol == AF_PROTOCOL_QUERY) {
    json_t *about = take_one(c, reply, "ResponseMetadata");
    expect_text(c, about, "RequestId");
    json_decref(about);
    json_decref(result);
    snprintf(name, sizeof name, "%sResult", action);
    result = output ? take_one(c, reply, name) : json_object();
    expect_no_more(c, reply);
  } else {
    expect_text(c, reply, "requestId");
    if (!output && reply)
      json_decref(take_one(c, reply, "return")); /* what EC2 says where it has nothing to say */
  }
  if (output && result)
    check_tree(c, output, NULL, result);
  else
    expect_no_more(c, result);
  json_decref(result);
  json_decref(reply);
}

/* S3 has no wrapper around an error. Where the body is not a text, its root may have any name; GetBucketLocation's is the member itself. */
static void check_reply_rest(struct checker *c, const char *action, int status, json_t *root) {
  const char *output = target_of(c->m, action, "output"), *name = json_object_iter_key(json_object_iter(root));
  const json_t *shape = output ? model_shape_json(c->m, output) : NULL;
  if (status >= 400) {
    json_t *error = take_one(c, root, "Error");
    expect_text(c, error, "Code");
    expect_text(c, error, "Message");
    expect_text(c, error, "RequestId");
    json_decref(error);
  } else if (shape && name && !json_object_get(json_object_get(shape, "members"), name)) {
    check_tree(c, output, NULL, json_array_get(json_object_get(root, name), 0));
  } else if (shape) {
    check_tree(c, output, NULL, root);
  } else {
    complain(c, "a body where there is none");
  }
}

static void check_reply_json(struct checker *c, const char *action, int status, struct af_str body) {
  const char *output = target_of(c->m, action, "output");
  if (status < 400 && !output) {
    if (body.len > 0 && !af_str_eq(body, af_str("{}")))
      complain(c, "a body where there is none");
    return;
  }
  json_t *tree = json_tree(c, body);
  if (status < 400 && json_is_object(tree))
    check_json(c, output, tree);
  else if (!json_is_string(json_object_get(tree, "__type")))
    complain(c, "an error without __type");
  else if (!json_is_string(json_object_get(tree, "message")) && !json_is_string(json_object_get(tree, "Message")))
    complain(c, "an error without a message");
  json_decref(tree);
}

int model_check_reply(const struct model *m, const char *action, int status, const char *content_type, struct af_str body,
                      struct af_buf *complaints) {
  struct checker c = begin(m, action, MODEL_REPLY, complaints);
  bool json = c.protocol == AF_PROTOCOL_JSON;
  bool rest = c.protocol == AF_PROTOCOL_REST_XML, has_shape = target_of(m, action, "output");
  const char *payload = json_string_value(json_object_get(model_shape_json(m, target_of(m, action, "output")), "payload"));
  const char *want = json ? "application/x-amz-json-1.1" : rest ? "application/xml" : "text/xml";
  if (!model_operation_json(m, action)) {
    complain(&c, "no such operation");
    return c.count;
  }
  if (rest && status < 300 && (payload || (!has_shape && body.len == 0)))
    return c.count; /* a text, or nothing */
  if (strncmp(content_type, want, strlen(want)) != 0)
    complain(&c, "the content type is \"%s\", not %s", content_type, want);
  if (json) {
    check_reply_json(&c, action, status, body);
    return c.count;
  }
  char xmlns[160];
  json_t *root = xml_tree(&c, body, xmlns);
  if (c.count == 0 && rest)
    check_reply_rest(&c, action, status, root);
  else if (c.count == 0 && status >= 400)
    check_error_xml(&c, root);
  else if (c.count == 0)
    check_output_xml(&c, action, root, xmlns);
  json_decref(root);
  return c.count;
}
