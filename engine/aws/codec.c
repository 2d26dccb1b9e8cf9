/* The codec's door: requests to bytes by protocol, replies to trees or to errors. The parts are check.c, encode_query.c, encode_rest.c, json.c
 * and decode_xml.c; what is here knows how AWS wraps a reply and how it words an error (rules.md 8). */
#include "engine/aws/codec.h"

#include <stdio.h>

#include "engine/aws/codec_parts.h"
#include "engine/aws/ops_table.h"
#include "engine/aws/retry.h"

static int written(const struct af_op *op, const struct af_buf *part, struct af_error *err) {
  int rc = af_buf_rc(part);
  if (rc == -AF_ETOOBIG)
    return af_error_set(err, rc, AF_CLASS_INVALID, "RequestTooBig", "%s: the request passes %zu bytes", op->label, part->max);
  return rc < 0 ? af_error_nomem(err) : 0;
}

int af_encode(const struct af_op *op, const json_t *input, struct af_buf *body, struct af_error *err) {
  int rc = af_codec_check(op, input, err);
  if (rc < 0)
    return rc;
  switch (op->protocol) {
  case AF_PROTOCOL_EC2:
  case AF_PROTOCOL_QUERY: af_codec_encode_query(op, input, body); break;
  case AF_PROTOCOL_JSON: af_codec_encode_json(op, input, body); break;
  case AF_PROTOCOL_REST_XML: af_codec_encode_rest_body(op, input, body); break;
  }
  return written(op, body, err);
}

const char *af_content_type(const struct af_op *op) {
  static const char *const types[] = {
      [AF_PROTOCOL_EC2] = "application/x-www-form-urlencoded; charset=utf-8",
      [AF_PROTOCOL_QUERY] = "application/x-www-form-urlencoded; charset=utf-8",
      [AF_PROTOCOL_JSON] = "application/x-amz-json-1.1",
      [AF_PROTOCOL_REST_XML] = "text/plain",
  };
  return types[op->protocol];
}

int af_encode_head(const struct af_op *op, const json_t *input, struct af_str body, struct af_head *ret, struct af_error *err) {
  enum { LONGEST = 16 * 1024 };
  struct af_head head = {.method = "POST"};
  af_buf_init(&head.path, LONGEST);
  af_buf_init(&head.query, LONGEST);
  af_buf_init(&head.headers, LONGEST);
  if (op->protocol == AF_PROTOCOL_REST_XML) {
    af_codec_encode_rest_head(op, input, body, &head);
  } else {
    af_buf_putc(&head.path, '/');
    af_codec_put_header(&head, "Content-Type", af_str(af_content_type(op)));
    if (op->target)
      af_codec_put_header(&head, "X-Amz-Target", af_str(op->target));
  }
  int rc = written(op, &head.path, err);
  if (rc == 0)
    rc = written(op, &head.query, err);
  if (rc == 0)
    rc = written(op, &head.headers, err);
  if (rc < 0)
    af_head_done(&head);
  else
    *ret = head;
  return rc;
}

void af_head_done(struct af_head *h) {
  af_buf_done(&h->path);
  af_buf_done(&h->query);
  af_buf_done(&h->headers);
}

/* ---- what AWS made ---- */

static int read_wrapped(const struct af_op *op, const char *root, struct af_str body, json_t **ret, struct af_codec_reading *r) {
  const struct af_member wrapper[] = {{op->wrapper, op->wrapper, op->output, true, AF_IN_BODY}, {NULL, NULL, NULL, false, AF_IN_BODY}};
  const struct af_shape reply = {.type = AF_T_STRUCT, .members = wrapper};
  json_t *tree = NULL;
  int rc = af_codec_decode_xml(&reply, root, true, body, &tree, r); /* STS: what it gives are secrets */
  if (rc < 0)
    return rc;
  *ret = json_incref(json_object_get(tree, op->wrapper));
  json_decref(tree);
  if (*ret)
    return 0;
  snprintf(r->why, sizeof r->why, "it has no %s", op->wrapper);
  return -AF_EINVAL;
}

/* A member that is the whole body, as text: a bucket's policy. */
static int read_text(const char *member, struct af_str body, json_t **ret, struct af_codec_reading *r) {
  if (!af_str_utf8(body)) {
    snprintf(r->why, sizeof r->why, "it is not UTF-8");
    return -AF_EINVAL;
  }
  *ret = json_pack("{s:s%}", member, body.len > 0 ? body.ptr : "", body.len);
  return *ret ? 0 : -AF_ENOMEM;
}

static int read_rest(const struct af_op *op, struct af_str body, json_t **ret, struct af_codec_reading *r) {
  for (const struct af_member *m = op->output->members; m->name; m++)
    if (m->place == AF_IS_BODY)
      return read_text(m->name, body, ret, r);
  return af_codec_decode_xml(op->output, op->root_is_member ? AF_CODEC_ROOT_IS_MEMBER : op->wrapper, false, body, ret, r);
}

static int read_output(const struct af_op *op, struct af_str body, json_t **ret, struct af_codec_reading *r) {
  bool returns_something = op->output->members[0].name != NULL;
  char root[128];
  snprintf(root, sizeof root, "%sResponse", op->action);
  bool reads_none = op->protocol == AF_PROTOCOL_QUERY || op->protocol == AF_PROTOCOL_REST_XML;
  if (!returns_something && (body.len == 0 || reads_none)) {
    *ret = json_object();
    return *ret ? 0 : -AF_ENOMEM;
  }
  switch (op->protocol) {
  case AF_PROTOCOL_EC2: return af_codec_decode_xml(op->output, root, false, body, ret, r);
  case AF_PROTOCOL_QUERY: return read_wrapped(op, root, body, ret, r);
  case AF_PROTOCOL_JSON: return af_codec_decode_json(op->output, body, ret, r);
  case AF_PROTOCOL_REST_XML: return read_rest(op, body, ret, r);
  }
  return -AF_EINVAL;
}

/* ---- what AWS refused ---- */

/* EC2: Response/Errors/Error, STS: ErrorResponse/Error. S3: Error is the root itself; other REST services wrap it as STS does. */
static const struct af_shape xml_error = STRUCTURE(MAY(Code, af_string), MAY(Message, af_string));
static const struct af_shape xml_errors = ITEMS("Error", xml_error);
static const struct af_shape xml_reply = STRUCTURE(MAY(Errors, xml_errors), MAY(Error, xml_error));
static const struct af_shape rest_reply = STRUCTURE(MAY(Error, xml_error), MAY(Code, af_string), MAY(Message, af_string),
                                                    MAY(Region, af_string));
/* KMS. Its code is "__type"; "code" is seen elsewhere; the message begins with either letter. */
static const struct af_shape json_reply = STRUCTURE(MAY(__type, af_string), MAY(code, af_string), MAY(message, af_string),
                                                    MAY(Message, af_string));

static struct af_str text_of(const json_t *object, const char *name) {
  const json_t *v = json_object_get(object, name);
  return af_str_n(json_string_value(v), json_string_length(v));
}

/* "aws.kms#NotFoundException:http://…" is NotFoundException. */
static struct af_str bare_code(struct af_str code) {
  const char *colon = code.len > 0 ? memchr(code.ptr, ':', code.len) : NULL;
  if (colon)
    code.len = (size_t)(colon - code.ptr);
  const char *hash = code.len > 0 ? memchr(code.ptr, '#', code.len) : NULL;
  return hash ? af_str_n(hash + 1, code.len - (size_t)(hash + 1 - code.ptr)) : code;
}

/* A refused signature is explained with the canonical request, session token included: that stays here. */
static void put_message(struct af_error *err, struct af_str message) {
  static const char echo[] = "The Canonical String";
  char *end;
  AF_ERROR_TEXT(err->message, message);
  if ((end = strstr(err->message, echo)))
    *end = 0;
  for (end = err->message + strlen(err->message); end > err->message && end[-1] == ' ';)
    *--end = 0;
}

/* S3 says so when the bucket lies in another Region than the call went to, and mostly which one it is. */
static void put_region_hint(struct af_error *err, struct af_str region) {
  static const char *const codes[] = {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect",
                                      "TemporaryRedirect"};
  char name[64];
  if (region.len == 0 || !AF_COPY(name, region))
    return;
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (strcmp(err->code, codes[i]) == 0)
      af_error_hint(err, "The bucket lies in %s: name that Region.", name);
}

/* Replies to HEAD have no body, and now and then others have none either: S3's own code for the status. */
static int read_status(int status, struct af_error *err, struct af_codec_reading *r) {
  static const struct {
    int status;
    const char *code;
  } codes[] = {{301, "PermanentRedirect"}, {307, "TemporaryRedirect"}, {400, "BadRequest"},    {403, "AccessDenied"},
               {404, "NotFound"},          {405, "MethodNotAllowed"},  {500, "InternalError"}, {503, "ServiceUnavailable"}};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (codes[i].status == status) {
      AF_COPY(err->code, af_str(codes[i].code));
      snprintf(err->message, sizeof err->message, "HTTP %d without a body", status);
      return 0;
    }
  snprintf(r->why, sizeof r->why, "it has no body");
  return -AF_EINVAL;
}

static int read_error(const struct af_op *op, const struct af_reply *reply, struct af_error *err, struct af_codec_reading *r) {
  json_t *tree = NULL;
  bool json = op->protocol == AF_PROTOCOL_JSON, rest = op->protocol == AF_PROTOCOL_REST_XML;
  if (rest && reply->body.len == 0) {
    int known = read_status(reply->status, err, r);
    put_region_hint(err, reply->bucket_region);
    return known;
  }
  int rc = json ? af_codec_decode_json(&json_reply, reply->body, &tree, r)
                : af_codec_decode_xml(rest ? &rest_reply : &xml_reply, NULL, true, reply->body, &tree, r);
  if (rc < 0)
    return rc;
  const json_t *error = json ? tree : json_array_get(json_object_get(tree, "Errors"), 0);
  if (!error)
    error = json_object_get(tree, "Error");
  if (!error && rest)
    error = tree;
  struct af_str code = text_of(error, json ? "__type" : "Code"), message = text_of(error, json ? "message" : "Message");
  if (json && code.len == 0)
    code = text_of(error, "code");
  if (json && message.len == 0)
    message = text_of(error, "Message");
  AF_ERROR_TEXT(err->code, bare_code(code));
  put_message(err, message);
  struct af_str region = text_of(error, "Region");
  put_region_hint(err, region.len > 0 ? region : reply->bucket_region);
  json_decref(tree);
  if (err->code[0])
    return 0;
  snprintf(r->why, sizeof r->why, "it names no error code");
  return -AF_EINVAL;
}

/* ---- the whole ---- */

static void put_malformed(const struct af_reply *reply, const char *why, struct af_error *err) {
  char text[sizeof err->message];
  AF_COPY(err->code, af_str("MalformedReply"));
  snprintf(text, sizeof text, "the reply (HTTP %d, %.*s, %zu bytes) could not be read: %s", reply->status,
           (int)(reply->content_type.len < 64 ? reply->content_type.len : 64), reply->content_type.len ? reply->content_type.ptr : "",
           reply->body.len, why);
  put_message(err, af_str(text));
}

int af_decode(const struct af_op *op, const struct af_reply *reply, json_t **ret_output, char request_id[80],
              struct af_error *err) {
  struct af_codec_reading r = {.why = "it is too long"};
  struct af_error fresh = {.http_status = reply->status};
  json_t *output = NULL;
  bool good = reply->status >= 200 && reply->status < 300;
  int rc = -AF_EINVAL;
  if (reply->body.len <= AF_REPLY_MAX_BYTES)
    rc = good ? read_output(op, reply->body, &output, &r) : read_error(op, reply, &fresh, &r);
  af_str_copy(request_id, 80, reply->request_id.len > 0 ? reply->request_id : af_str(r.request_id));
  if (rc == -AF_ENOMEM)
    return af_error_nomem(err);
  if (good && rc == 0) {
    *ret_output = output;
    return 0;
  }
  if (rc < 0)
    put_malformed(reply, r.why, &fresh);
  AF_ERROR_TEXT(fresh.request_id, af_str(request_id));
  AF_COPY(fresh.action, af_str(op->label));
  AF_COPY(fresh.region, reply->region);
  af_classify(op, AF_SENT_REPLIED, &fresh);
  if (err)
    *err = fresh;
  return -AF_EAWS;
}
