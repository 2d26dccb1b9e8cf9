/* The codec against the protocol vectors of EC2, query, JSON and REST-XML: shapes are made of each group's definitions, and the same af_encode
 * and af_decode walk them. What doesn't concern the codec, or what no call of ours has, is listed with its reason. */
#include <math.h>

#include "engine/aws/codec.h"
#include "engine/aws/retry.h"
#include "tests/wire/model.h"
#include "tests/wire/vectors.h"

struct vector { /* freed by the list; what it borrows lives as long as the program */
  struct model *model;
  const json_t *json;
};

static const struct {
  const char *id, *reason; /* the id begins so */
} not_ours[] = {
    {"SDKAppliedContentEncoding", "no call of ours compresses its body"},
    {"SDKAppendsGzip", "no call of ours compresses its body"},
    {"SDKAppendedGzip", "no call of ours compresses its body"},
    {"RestXmlEndpointTrait", "no call of ours puts a prefix before the host"},
    {"TimestampFormatHeaders", "no call of ours has a time in a header"},
    {"NullAndEmptyHeaders", "curl takes an empty header for the wish to have none: the codec refuses it"},
    {"XmlAttributes", "no reply of ours holds attributes"},
    {"QueryNestedStructWithMap", "maps: no EC2, STS or S3 call of ours has one"},
    {"PutAndGetInlineDocuments", "no call of ours carries a document of no shape"},
    {"AwsJson11FooErrorUsingXAmznErrorType", "KMS names the error in the body; this one does in a header only"},
};

static const char *type_of_member(const struct model *m, const json_t *structure, const char *name) {
  const json_t *ref = json_object_get(json_object_get(structure, "members"), name);
  return json_string_value(json_object_get(model_shape_json(m, json_string_value(json_object_get(ref, "shape"))), "type"));
}

static bool is_elsewhere(const json_t *structure, const char *name) {
  return json_object_get(json_object_get(json_object_get(structure, "members"), name), "location") != NULL;
}

static const json_t *structure_of(const struct model *m, const json_t *c, const char *direction) {
  return model_shape_json(m, json_string_value(json_object_get(json_object_get(json_object_get(c, "given"), direction), "shape")));
}

/* What REST-XML can do and none of our calls to S3 does. */
static const char *why_not_rest(const struct model *m, const json_t *c) {
  const json_t *serialized = json_object_get(c, "serialized"), *shape = structure_of(m, c, serialized ? "input" : "output");
  const char *name, *body = json_string_value(json_object_get(serialized, "body")), *payload = json_string_value(json_object_get(shape, "payload"));
  json_t *value, *values = json_object_get(c, serialized ? "params" : "result");
  size_t elsewhere = 0;
  if (body && *body == '<')
    return "no call of ours sends XML";
  if (payload && !af_streq(type_of_member(m, shape, payload), "string"))
    return "no body of ours is a member that is no text";
  json_object_foreach(values, name, value) {
    const char *type = type_of_member(m, shape, name);
    elsewhere += is_elsewhere(shape, name);
    if (serialized && is_elsewhere(shape, name) && (af_streq(type, "list") || af_streq(type, "map")))
      return "no call of ours has a list or a map outside its body";
  }
  bool all = elsewhere > 0 && elsewhere == json_object_size(values);
  return !serialized && all ? "all of it stands in headers or the status, which are not read into our trees" : NULL;
}

static const char *why_not(const json_t *c, bool xml, const json_t *converted_params, const json_t *converted_result) {
  const char *id = json_string_value(json_object_get(c, "id"));
  for (size_t i = 0; i < COUNT(not_ours); i++)
    if (strncmp(id, not_ours[i].id, strlen(not_ours[i].id)) == 0)
      return not_ours[i].reason;
  if (strstr(id, "IdempotencyTokenAutoFill") && json_object_size(json_object_get(c, "params")) == 0)
    return "tokens are the engine's, derived from the copy; the codec makes none";
  bool only_maps = (converted_params && json_object_size(converted_params) == 0 && json_object_size(json_object_get(c, "params")) > 0) ||
                   (converted_result && json_object_size(converted_result) == 0 && json_object_size(json_object_get(c, "result")) > 0);
  return xml && only_maps ? "maps: no EC2, STS or S3 call of ours has one" : NULL;
}

/* ---- the vectors' values in our trees: blobs as base64, times as text (numbers in JSON), no maps where there is no JSON ---- */

static json_t *base64(const char *text) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  struct af_buf out;
  size_t n = strlen(text);
  af_buf_init(&out, 1 << 20);
  for (size_t i = 0; i < n; i += 3) {
    unsigned v = (unsigned)(unsigned char)text[i] << 16 | (i + 1 < n ? (unsigned)(unsigned char)text[i + 1] << 8 : 0) |
                 (i + 2 < n ? (unsigned)(unsigned char)text[i + 2] : 0);
    for (size_t k = 0; k < 4; k++)
      af_buf_putc(&out, i + k > n ? '=' : digits[v >> (18 - 6 * k) & 63]);
  }
  json_t *v = json_string(af_buf_cstr(&out));
  af_buf_done(&out);
  return v;
}

static json_t *time_value(const struct model *m, const json_t *shape, const json_t *v) {
  const char *format = json_string_value(json_object_get(shape, "timestampFormat"));
  char text[AF_TIME_SIZE];
  int64_t ms = llround(json_number_value(v) * 1000);
  bool json = model_wire_protocol(m) == AF_PROTOCOL_JSON;
  if (format ? !strcmp(format, "unixTimestamp") : json) {
    snprintf(text, sizeof text, "%lld", (long long)(ms / 1000));
    return json ? json_integer(ms / 1000) : json_string(text);
  }
  if (format && !strcmp(format, "rfc822"))
    af_time_http(ms, text);
  else if (ms % 1000 != 0)
    af_time_iso(ms, text);
  else
    af_time_iso_s(ms, text);
  return json_string(text);
}

static json_t *convert(const struct model *m, const char *shape_name, json_t *v);

static json_t *convert_struct(const struct model *m, const json_t *shape, json_t *v) {
  const char *name;
  json_t *value, *out = json_object();
  json_object_foreach(v, name, value) {
    const json_t *ref = json_object_get(json_object_get(shape, "members"), name);
    json_t *fresh = json_is_null(value) ? json_null() : convert(m, json_string_value(json_object_get(ref, "shape")), value);
    if (fresh)
      json_object_set_new(out, name, fresh);
  }
  return out;
}

/* NULL: a map where the protocol has none. */
static json_t *convert(const struct model *m, const char *shape_name, json_t *v) {
  const json_t *shape = model_shape_json(m, shape_name);
  const char *type = json_string_value(json_object_get(shape, "type")), *name;
  json_t *value, *out;
  size_t i;
  if (!type) /* inside a document */
    return json_incref(v);
  if (!strcmp(type, "structure"))
    return convert_struct(m, shape, v);
  if (!strcmp(type, "map") && model_wire_protocol(m) != AF_PROTOCOL_JSON)
    return NULL;
  if (!strcmp(type, "map")) {
    out = json_object();
    json_object_foreach(v, name, value)
      json_object_set_new(out, name, convert(m, json_string_value(json_object_get(json_object_get(shape, "value"), "shape")), value));
    return out;
  }
  if (!strcmp(type, "list")) {
    out = json_array();
    json_array_foreach(v, i, value)
      json_array_append_new(out, convert(m, json_string_value(json_object_get(json_object_get(shape, "member"), "shape")), value));
    return out;
  }
  if (!strcmp(type, "timestamp") && json_is_number(v))
    return time_value(m, shape, v);
  return !strcmp(type, "blob") ? base64(json_string_value(v)) : json_incref(v);
}

static json_t *converted(const struct vector *t, const char *direction, const char *values) {
  const json_t *given = json_object_get(t->json, "given");
  const char *shape = json_string_value(json_object_get(json_object_get(given, direction), "shape"));
  json_t *v = json_object_get(t->json, values);
  return shape && v ? convert(t->model, shape, v) : v ? json_object() : NULL;
}

/* ---- the call ---- */

struct call {
  struct af_op op;
  char wrapper[128], target[256];
};

static void call_init(struct call *c, const struct vector *t) {
  const json_t *given = json_object_get(t->json, "given"), *metadata = model_metadata(t->model);
  const char *name = json_string_value(json_object_get(given, "name"));
  snprintf(c->wrapper, sizeof c->wrapper, "%sResult", name);
  snprintf(c->target, sizeof c->target, "%s.%s", json_string_value(json_object_get(metadata, "targetPrefix")) ?: "", name);
  c->op = (struct af_op){
      .service = "test",
      .action = name,
      .label = name,
      .version = model_version(t->model),
      .target = c->target,
      .protocol = model_wire_protocol(t->model),
      .method = json_string_value(json_object_get(json_object_get(given, "http"), "method")),
      .path = json_string_value(json_object_get(json_object_get(given, "http"), "requestUri")),
      .input = model_shape(t->model, json_string_value(json_object_get(json_object_get(given, "input"), "shape")), MODEL_REQUEST),
      .output = model_shape(t->model, json_string_value(json_object_get(json_object_get(given, "output"), "shape")), MODEL_REPLY),
      .wrapper = model_wire_protocol(t->model) == AF_PROTOCOL_REST_XML ? NULL : c->wrapper,
  };
}

/* ---- requests ---- */

static int by_text(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The parameters of a form, sorted: their order means nothing. */
static json_t *sorted_form(const char *body) {
  char *copy = strdup(body), *save = NULL, *parts[1024];
  size_t n = 0;
  for (char *p = strtok_r(copy, "&", &save); p; p = strtok_r(NULL, "&", &save))
    parts[n++] = p;
  qsort(parts, n, sizeof *parts, by_text);
  json_t *list = json_array();
  for (size_t i = 0; i < n; i++)
    json_array_append_new(list, json_string(parts[i]));
  free(copy);
  return list;
}

static const char *header_of(const struct af_head *head, const char *name) {
  const char *line = head->headers.ptr;
  for (size_t i = 0; i < head->n_headers; i++, line += strlen(line) + 1)
    if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
      return line + strlen(name) + 2;
  return NULL;
}

/* The parameters' order means nothing. */
static void assert_uri(const struct af_head *head, const char *want) {
  const char *query = strchr(want, '?');
  assert_memory_equal(af_buf_cstr(&head->path), want, head->path.len);
  assert_int_equal(head->path.len, strcspn(want, "?"));
  json_t *got_parts = sorted_form(af_buf_cstr(&head->query)), *want_parts = sorted_form(query ? query + 1 : "");
  assert_true(json_equal(got_parts, want_parts));
  json_decref(got_parts);
  json_decref(want_parts);
}

static void goes_out_as_the_vector_says(void **state) {
  const struct vector *t = *state;
  const json_t *want = json_object_get(t->json, "serialized");
  struct call c;
  struct af_head head;
  struct af_buf body;
  struct af_error err = {0};
  const char *name;
  json_t *value;
  call_init(&c, t);
  json_t *input = converted(t, "input", "params");
  af_buf_init(&body, 1 << 24);
  assert_ok(af_encode(&c.op, input, &body, &err), &err);
  assert_ok(af_encode_head(&c.op, input, af_buf_view(&body), &head, &err), &err);
  assert_string_equal(head.method, json_string_value(json_object_get(want, "method")));
  assert_uri(&head, json_string_value(json_object_get(want, "uri")));
  assert_string_equal(af_buf_cstr(&body), json_string_value(json_object_get(want, "body")) ?: "");
  json_object_foreach(json_object_get(want, "headers"), name, value) {
    assert_non_null(header_of(&head, name));
    assert_string_equal(header_of(&head, name), json_string_value(value));
  }
  json_decref(input);
  af_head_done(&head);
  af_buf_done(&body);
}

static void encodes_as_the_vector_says(void **state) {
  const struct vector *t = *state;
  const json_t *want = json_object_get(t->json, "serialized");
  struct call c;
  struct af_buf body;
  struct af_error err = {0};
  call_init(&c, t);
  json_t *input = converted(t, "input", "params");
  af_buf_init(&body, 1 << 24);
  assert_ok(af_encode(&c.op, input, &body, &err), &err);
  const char *want_body = json_string_value(json_object_get(want, "body"));
  bool json = c.op.protocol == AF_PROTOCOL_JSON;
  json_t *got_parts = json ? json_loads(af_buf_cstr(&body), 0, NULL) : sorted_form(af_buf_cstr(&body));
  if (!want_body) /* the vector is about the headers */
    want_body = af_buf_cstr(&body);
  json_t *want_parts = json ? json_loads(want_body, 0, NULL) : sorted_form(want_body);
  if (!json_equal(got_parts, want_parts))
    print_error("got\n%s\nwant\n%s\n", af_buf_cstr(&body), want_body);
  assert_true(json_equal(got_parts, want_parts));
  const char *type = json_string_value(json_object_get(json_object_get(want, "headers"), "Content-Type"));
  const char *target = json_string_value(json_object_get(json_object_get(want, "headers"), "X-Amz-Target"));
  if (type) /* ours says the character set as well */
    assert_memory_equal(af_content_type(&c.op), type, strlen(type));
  if (target)
    assert_string_equal(c.op.target, target);
  json_decref(got_parts);
  json_decref(want_parts);
  json_decref(input);
  af_buf_done(&body);
}

/* ---- replies ---- */

/* Equal, where a time is the moment that its text says. */
static bool same(const json_t *got, const json_t *want) {
  int64_t a, b;
  if (json_is_string(got) && json_is_string(want) && af_time_parse(af_str(json_string_value(got)), &a) == 0 &&
      af_time_parse(af_str(json_string_value(want)), &b) == 0)
    return a == b;
  if (json_is_number(got) && json_is_number(want))
    return !(json_number_value(got) < json_number_value(want)) && !(json_number_value(got) > json_number_value(want));
  if (json_is_array(got) && json_is_array(want)) {
    bool all = json_array_size(got) == json_array_size(want);
    for (size_t i = 0; all && i < json_array_size(got); i++)
      all = same(json_array_get(got, i), json_array_get(want, i));
    return all;
  }
  if (json_is_object(got) && json_is_object(want)) {
    const char *name;
    json_t *value;
    bool all = json_object_size(got) == json_object_size(want);
    json_object_foreach((json_t *)(uintptr_t)want, name, value) all = all && same(json_object_get(got, name), value);
    return all;
  }
  return json_equal(got, want);
}

static struct af_reply reply_of(const struct vector *t) {
  const json_t *response = json_object_get(t->json, "response"), *headers = json_object_get(response, "headers");
  return (struct af_reply){
      .status = (int)json_integer_value(json_object_get(response, "status_code")),
      .body = af_str(json_string_value(json_object_get(response, "body"))),
      .content_type = af_str(json_string_value(json_object_get(headers, "Content-Type"))),
      .request_id = af_str(json_string_value(json_object_get(headers, "X-Amzn-Requestid"))),
  };
}

static void assert_result(const struct vector *t, json_t *got) {
  json_t *want = converted(t, "output", "result"), *value;
  const json_t *shape = structure_of(t->model, t->json, "output");
  const char *name;
  void *next;
  json_object_foreach_safe(want, next, name, value) if (is_elsewhere(shape, name)) json_object_del(want, name);
  bool equal = same(got, want);
  if (!equal) {
    char *a = json_dumps(got, JSON_INDENT(1)), *b = json_dumps(want, JSON_INDENT(1));
    print_error("got\n%s\nwant\n%s\n", a, b);
    free(a);
    free(b);
  }
  json_decref(want);
  json_decref(got);
  assert_true(equal);
}

/* The id that the reply carries, by a search of its text. */
static const char *request_id_in(const struct af_reply *r, char out[80]) {
  const char *at = r->body.ptr ? strcasestr(r->body.ptr, "<requestid>") : NULL;
  AF_COPY(*(char(*)[80])out, r->request_id);
  if (at)
    snprintf(out, 80, "%.*s", (int)strcspn(at + 11, "<"), at + 11);
  return out;
}

static void decodes_as_the_vector_says(void **state) {
  const struct vector *t = *state;
  struct call c;
  struct af_error err = {0};
  struct af_reply r = reply_of(t);
  char request_id[80], want_id[80];
  json_t *output = NULL;
  call_init(&c, t);
  int rc = af_decode(&c.op, &r, &output, request_id, &err);
  const char *code = json_string_value(json_object_get(t->json, "errorCode"));
  const char *message = json_string_value(json_object_get(t->json, "errorMessage"));
  if (!code) {
    assert_ok(rc, &err);
    assert_result(t, output);
  } else {
    assert_int_equal(rc, -AF_EAWS);
    assert_string_equal(err.code, code);
    if (message)
      assert_string_equal(err.message, message);
    assert_int_equal(err.http_status, r.status);
  }
  assert_string_equal(request_id, request_id_in(&r, want_id));
}

/* ---- the list ---- */

static void add_case(struct test_list *l, const char *file, struct model *m, const json_t *json) {
  bool input = json_object_get(json, "serialized") != NULL, xml = model_wire_protocol(m) != AF_PROTOCOL_JSON;
  bool rest = model_wire_protocol(m) == AF_PROTOCOL_REST_XML;
  struct vector *t = malloc(sizeof *t);
  char name[300];
  *t = (struct vector){m, json};
  json_t *params = converted(t, "input", "params"), *result = converted(t, "output", "result");
  const char *reason = why_not(json, xml, params, result);
  if (!reason && rest)
    reason = why_not_rest(m, json);
  snprintf(name, sizeof name, "%s: %s", file, json_string_value(json_object_get(json, "id")));
  if (!reason) {
    test_list_add(l, name, !input ? decodes_as_the_vector_says : rest ? goes_out_as_the_vector_says : encodes_as_the_vector_says, t);
  } else {
    test_list_skip(l, name, reason);
    free(t);
  }
  json_decref(params);
  json_decref(result);
}

int main(void) {
  static const char *const files[] = {"protocol/input/ec2.json",       "protocol/input/query.json",  "protocol/input/json.json",
                                      "protocol/input/rest-xml.json",  "protocol/output/ec2.json",   "protocol/output/query.json",
                                      "protocol/output/json.json",     "protocol/output/rest-xml.json"};
  struct test_list l = {0};
  struct model *models[256];
  json_t *docs[COUNT(files)] = {0}, *group, *c;
  size_t n_models = 0, i, k;
  if (!shared_dir())
    test_list_skip(&l, "protocol vectors", "no ../shared/aws beside the source tree");
  for (size_t f = 0; shared_dir() && f < COUNT(files); f++) {
    docs[f] = read_json(shared_dir(), files[f]);
    json_array_foreach(docs[f], i, group) {
      struct model *m = models[n_models++] = model_new(group);
      json_array_foreach(json_object_get(group, "cases"), k, c) add_case(&l, files[f] + strlen("protocol/"), m, c);
    }
  }
  int failed = test_list_run(&l, "protocol vectors");
  for (i = 0; i < n_models; i++)
    model_free(models[i]);
  for (i = 0; i < COUNT(files); i++)
    json_decref(docs[i]);
  return failed;
}
