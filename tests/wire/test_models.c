/* Every call's tables against AWS's models: names, wire names, types, lists, what is required; that what the encoder sends is what
 * the model allows; that a reply which holds all that the model knows is read whole. And the checker itself, on bodies that are wrong. */
#include "engine/aws/codec.h"
#include "engine/aws/ops.h"
#include "tests/wire/model.h"
#include "tests/wire/vectors.h"

/* ---- the models, loaded once ---- */

static const char *const services[] = {"ec2", "kms", "s3", "sts"};
static const char *const folders[] = {"ec2/2016-11-15", "kms/2014-11-01", "s3/2006-03-01", "sts/2011-06-15"}; /* botocore's */
static struct model *models[COUNT(services)];
static struct model *installed[COUNT(services)]; /* botocore's own, whole but older: for the calls that a cut model lacks; may be NULL */

static struct model *model_of(const char *service) {
  for (size_t i = 0; i < COUNT(services); i++)
    if (strcmp(services[i], service) == 0)
      return models[i];
  return NULL;
}

/* NULL: no model at hand has the call. */
static struct model *model_with(const struct af_op *op) {
  struct model *m = model_of(op->service);
  if (model_operation_json(m, op->action))
    return m;
  for (size_t i = 0; i < COUNT(services); i++)
    if (installed[i] && strcmp(services[i], op->service) == 0 && model_operation_json(installed[i], op->action))
      return installed[i];
  return NULL;
}

static const char *shape_name(const struct model *m, const char *action, const char *direction) {
  return json_string_value(json_object_get(json_object_get(model_operation_json(m, action), direction), "shape"));
}

/* ---- tables against shapes ---- */

/* What amiferry never sends: Outposts, single zones, what EC2 no longer takes, and what the newer way of saying it replaces. */
static const struct {
  const char *label, *member;
} left_out[] = {
    {"ec2:CopyImage", "DestinationAvailabilityZone"},
    {"ec2:CopyImage", "DestinationAvailabilityZoneId"},
    {"ec2:CopyImage", "DestinationOutpostArn"},
    {"ec2:CopySnapshot", "DestinationAvailabilityZone"},
    {"ec2:CopySnapshot", "DestinationOutpostArn"},
    {"ec2:CreateImage", "AvailabilityZone"},
    {"ec2:CreateImage", "AvailabilityZoneId"},
    {"ec2:CreateImage", "OutpostArn"},
    {"ec2:CreateImage", "SnapshotLocation"},
    {"ec2:DescribeInstances", "IncludeManagedResources"},
    {"ec2:DescribeInstanceTypes", "IncludeUnsupportedInRegion"},
    {"ec2:DescribeVolumes", "IncludeManagedResources"},
    {"ec2:RegisterImage", "AvailabilityZone"},
    {"ec2:RegisterImage", "AvailabilityZoneId"},
    {"ec2:RegisterImage", "OutpostArn"},
    {"ec2:ModifyImageAttribute", "ProductCodes"},
    {"ec2:RevokeSecurityGroupEgress", "CidrIp"},
    {"ec2:RevokeSecurityGroupEgress", "FromPort"},
    {"ec2:RevokeSecurityGroupEgress", "IpProtocol"},
    {"ec2:RevokeSecurityGroupEgress", "SourceSecurityGroupName"},
    {"ec2:RevokeSecurityGroupEgress", "SourceSecurityGroupOwnerId"},
    {"ec2:RevokeSecurityGroupEgress", "ToPort"},
    {"ec2:StopInstances", "Hibernate"},
    {"s3:ListObjectsV2", "Delimiter"},
    {"s3:ListObjectsV2", "EncodingType"},
    {"s3:ListObjectsV2", "FetchOwner"},
    {"s3:ListObjectsV2", "OptionalObjectAttributes"},
    {"s3:ListObjectsV2", "RequestPayer"},
    {"s3:ListObjectsV2", "StartAfter"},
    {"s3:PutBucketPolicy", "ChecksumAlgorithm"}, /* it is SHA-256 always */
    {"s3:PutBucketPolicy", "ConfirmRemoveSelfBucketAccess"},
    {"s3:PutBucketPolicy", "ContentMD5"},
    {"sts:AssumeRole", "ProvidedContexts"},
};

/* Requests and replies of which amiferry uses a part: too much of them is about other things. */
static const struct {
  const char *label;
  enum model_side side;
} used_in_part[] = {
    {"ec2:CreateSecurityGroup", MODEL_REPLY},
    {"ec2:DeleteSecurityGroup", MODEL_REPLY},
    {"ec2:DescribeInstances", MODEL_REPLY},
    {"ec2:DescribeInstanceTypes", MODEL_REPLY},
    {"ec2:DescribeSubnets", MODEL_REPLY},
    {"ec2:DescribeVolumes", MODEL_REPLY},
    {"ec2:DescribeVpcs", MODEL_REPLY},
    {"ec2:RevokeSecurityGroupEgress", MODEL_REPLY},
    {"ec2:RunInstances", MODEL_REPLY},
    {"ec2:RunInstances", MODEL_REQUEST},
    {"s3:ListObjectsV2", MODEL_REPLY},
};

/* What the model leaves to the caller and amiferry must not forget. */
static const struct {
  const char *label, *member;
} needed[] = {
    {"ec2:DeleteTags", "Tags"}, /* without, it deletes every tag */
};

static bool must_have(const struct af_op *op, const char *member, enum model_side side) {
  for (size_t i = 0; i < COUNT(needed); i++)
    if (side == MODEL_REQUEST && strcmp(needed[i].label, op->label) == 0 && strcmp(needed[i].member, member) == 0)
      return true;
  return false;
}

static bool may_lack(const struct af_op *op, const char *member, enum model_side side) {
  for (size_t i = 0; i < COUNT(used_in_part); i++)
    if (side == used_in_part[i].side && strcmp(used_in_part[i].label, op->label) == 0)
      return true;
  for (size_t i = 0; i < COUNT(left_out); i++)
    if (side == MODEL_REQUEST && strcmp(left_out[i].label, op->label) == 0 && strcmp(left_out[i].member, member) == 0)
      return true;
  return false;
}

static const struct af_member *find(const struct af_shape *s, const char *name) {
  for (const struct af_member *m = s->members; m->name; m++)
    if (strcmp(m->name, name) == 0)
      return m;
  return NULL;
}

static int differences;
__attribute__((format(printf, 1, 2))) static void differ(const char *format, ...) {
  va_list args;
  char text[400];
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  print_error("%s\n", text);
  differences++;
}

static bool same_text(const char *a, const char *b) {
  return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static void compare(const struct af_op *op, enum model_side side, const char *path, const struct af_shape *ours,
                    const struct af_shape *theirs);

static void compare_members(const struct af_op *op, enum model_side side, const char *path, const struct af_shape *ours,
                            const struct af_shape *theirs) {
  for (const struct af_member *m = ours->members; m->name; m++) {
    const struct af_member *t = find(theirs, m->name);
    char below[256];
    snprintf(below, sizeof below, "%.150s.%.100s", path, m->name);
    if (!t) {
      differ("%s is not in the model", below);
      continue;
    }
    if (!same_text(m->wire, t->wire))
      differ("%s is called %s on the wire, not %s", below, t->wire, m->wire);
    if (m->required != (t->required || must_have(op, m->name, side)))
      differ("%s: required is %d in the model", below, t->required);
    if (m->place != t->place)
      differ("%s: its place is %d in the model", below, (int)t->place);
    compare(op, side, below, m->shape, t->shape);
  }
  for (const struct af_member *t = theirs->members; t->name; t++)
    if (!find(ours, t->name) && !may_lack(op, t->name, side))
      differ("%s lacks %s", path, t->name);
}

static void compare(const struct af_op *op, enum model_side side, const char *path, const struct af_shape *ours,
                    const struct af_shape *theirs) {
  if (ours->type != theirs->type) {
    differ("%s has type %d, the model's is %d", path, (int)ours->type, (int)theirs->type);
  } else if (ours->type == AF_T_STRUCT) {
    compare_members(op, side, path, ours, theirs);
  } else if (ours->type == AF_T_LIST || ours->type == AF_T_MAP) {
    if (ours->flattened != theirs->flattened)
      differ("%s: flattened is %d in the model", path, theirs->flattened);
    if (!same_text(ours->item, theirs->item))
      differ("%s: items are called %s in the model", path, theirs->item ? theirs->item : "(nothing)");
    compare(op, side, path, ours->element, theirs->element);
  }
}

static void its_tables_are_the_models(void **state) {
  const struct af_op *op = *(const struct af_op **)*state;
  struct model *m = model_with(op);
  const json_t *metadata = model_metadata(m), *operation = model_operation_json(m, op->action);
  char text[256];
  assert_non_null(operation);
  differences = 0;
  compare(op, MODEL_REQUEST, op->action, op->input, model_shape(m, shape_name(m, op->action, "input"), MODEL_REQUEST));
  compare(op, MODEL_REPLY, op->action, op->output, model_shape(m, shape_name(m, op->action, "output"), MODEL_REPLY));
  assert_int_equal(differences, 0);
  assert_string_equal(op->version, model_version(m));
  assert_int_equal(op->protocol, model_wire_protocol(m));
  snprintf(text, sizeof text, "%s:%s", op->service, op->action);
  assert_string_equal(op->label, text);
  assert_string_equal(op->service, json_string_value(json_object_get(metadata, "endpointPrefix")));
  const char *prefix = json_string_value(json_object_get(metadata, "targetPrefix"));
  snprintf(text, sizeof text, "%s.%s", prefix ? prefix : "", op->action);
  assert_true(same_text(op->target, prefix ? text : NULL));
  const json_t *http = json_object_get(operation, "http");
  bool rest = op->protocol == AF_PROTOCOL_REST_XML;
  assert_true(same_text(op->method, rest ? json_string_value(json_object_get(http, "method")) : NULL));
  assert_true(same_text(op->path, rest ? json_string_value(json_object_get(http, "requestUri")) : NULL));
  if (!rest) /* of roots the model says nothing */
    assert_true(same_text(op->wrapper, json_string_value(json_object_get(json_object_get(operation, "output"), "resultWrapper"))));
  assert_int_equal(op->unsigned_, af_streq(json_string_value(json_object_get(operation, "authtype")), "none"));
  assert_true(op->mutates || op->repeatable); /* a read can always be repeated */
}

/* ---- values that a model allows ---- */

static json_t *sample(const struct model *m, const struct af_shape *ours, const char *name);

static json_t *sample_text(const json_t *shape) {
  const json_t *first = json_array_get(json_object_get(shape, "enum"), 0);
  int64_t min = json_integer_value(json_object_get(shape, "min"));
  char text[256] = "a & <b> \"\xc3\xbc\" 100%+";
  if (first)
    return json_incref((json_t *)(uintptr_t)first);
  if (min > 20 || json_object_get(shape, "max")) {
    memset(text, 'x', sizeof text);
    text[min > 1 ? min : 1] = 0;
  }
  return json_string(text);
}

static json_t *sample_members(const struct model *m, const struct af_shape *ours, const json_t *shape) {
  json_t *out = json_object();
  for (const struct af_member *member = ours->members; member->name; member++) {
    const json_t *ref = json_object_get(json_object_get(shape, "members"), member->name);
    json_object_set_new(out, member->name, sample(m, member->shape, json_string_value(json_object_get(ref, "shape"))));
  }
  return out;
}

static json_t *sample(const struct model *m, const struct af_shape *ours, const char *name) {
  const json_t *shape = model_shape_json(m, name);
  const char *of = json_string_value(json_object_get(json_object_get(shape, ours->type == AF_T_MAP ? "value" : "member"), "shape"));
  bool json = model_wire_protocol(m) == AF_PROTOCOL_JSON;
  int64_t min = json_integer_value(json_object_get(shape, "min"));
  switch (ours->type) {
  case AF_T_STRUCT: return sample_members(m, ours, shape);
  case AF_T_LIST: return json_pack("[oo]", sample(m, ours->element, of), sample(m, ours->element, of));
  case AF_T_MAP: return json_pack("{so}", "some key", sample(m, ours->element, of));
  case AF_T_BOOL: return json_true();
  case AF_T_INT: return json_integer(min > 7 ? min : 7);
  case AF_T_DOUBLE: return json_real(1.5);
  case AF_T_TIMESTAMP: return json ? json_real(1440938160.25) : json_string("2015-08-30T12:36:00.000Z");
  case AF_T_BLOB: return json_string("dmFsdWU=");
  case AF_T_STRING: break;
  }
  return sample_text(shape);
}

static void assert_clean(int complaints, const struct af_buf *text) {
  if (complaints > 0)
    print_error("%s", af_buf_cstr(text));
  assert_int_equal(complaints, 0);
}

static int check_rest(const struct model *m, const struct af_op *op, const json_t *input, const struct af_buf *body, struct af_buf *complaints) {
  struct af_head head;
  struct af_error err;
  const char *headers[16] = {NULL};
  char target[4096];
  assert_ok(af_encode_head(op, input, af_buf_view(body), &head, &err), &err);
  const char *line = head.headers.ptr;
  for (size_t i = 0; i < head.n_headers; i++, line += strlen(line) + 1)
    headers[i] = line;
  snprintf(target, sizeof target, "%s?%s", af_buf_cstr(&head.path), af_buf_cstr(&head.query));
  int n = model_check_rest(m, op->action, head.method, target, headers, af_buf_view(body), complaints);
  af_head_done(&head);
  return n;
}

static void what_it_sends_is_what_the_model_allows(void **state) {
  const struct af_op *op = *(const struct af_op **)*state;
  struct model *m = model_with(op);
  json_t *input = sample(m, op->input, shape_name(m, op->action, "input"));
  struct af_buf body, complaints;
  struct af_error err = {0};
  af_buf_init(&body, 1 << 20);
  af_buf_init(&complaints, 1 << 20);
  assert_ok(af_encode(op, input, &body, &err), &err);
  int n = op->protocol == AF_PROTOCOL_REST_XML ? check_rest(m, op, input, &body, &complaints)
                                               : model_check_request(m, op->action, af_buf_view(&body), &complaints);
  assert_clean(n, &complaints);
  json_decref(input);
  af_buf_done(&body);
  af_buf_done(&complaints);
}

/* ---- replies that say all that the model knows ---- */

static void put_xml(struct af_buf *out, const struct af_shape *shape, const json_t *v);

static void put_escaped(struct af_buf *out, const char *text) {
  for (; *text; text++) {
    if (strchr("&<>\"", *text))
      af_buf_printf(out, "&#%d;", *text);
    else
      af_buf_putc(out, *text);
  }
}

static void put_element(struct af_buf *out, const char *name, const struct af_shape *shape, const json_t *v) {
  af_buf_printf(out, "<%s>", name);
  put_xml(out, shape, v);
  af_buf_printf(out, "</%s>", name);
}

static void put_member(struct af_buf *out, const struct af_member *m, const json_t *v) {
  if (m->shape->type != AF_T_LIST || !m->shape->flattened)
    put_element(out, m->wire, m->shape, v);
  else
    for (size_t i = 0; i < json_array_size(v); i++)
      put_element(out, m->wire, m->shape->element, json_array_get(v, i));
}

static void put_xml(struct af_buf *out, const struct af_shape *shape, const json_t *v) {
  if (shape->type == AF_T_STRUCT) {
    for (const struct af_member *m = shape->members; m->name; m++)
      put_member(out, m, json_object_get(v, m->name));
  } else if (shape->type == AF_T_LIST) {
    for (size_t i = 0; i < json_array_size(v); i++)
      put_element(out, shape->item, shape->element, json_array_get(v, i));
  } else if (json_is_string(v)) {
    put_escaped(out, json_string_value(v));
  } else {
    char *text = json_dumps(v, JSON_ENCODE_ANY);
    af_buf_puts(out, text);
    free(text);
  }
}

/* A text, a root element that is a member, or one that holds them. */
static void put_rest_reply(struct af_buf *out, const struct af_op *op, const struct af_shape *shape, const json_t *v) {
  const struct af_member *first = shape->members;
  if (first->name && first->place == AF_IS_BODY)
    af_buf_puts(out, json_string_value(json_object_get(v, first->name)));
  else if (op->root_is_member)
    put_xml(out, shape, v);
  else if (first->name)
    put_element(out, op->wrapper, shape, v);
}

static void put_reply(struct af_buf *out, const struct model *m, const struct af_op *op, const struct af_shape *shape, const json_t *v) {
  if (op->protocol == AF_PROTOCOL_JSON) {
    char *text = json_dumps(v, 0);
    af_buf_puts(out, text);
    free(text);
    return;
  }
  if (op->protocol == AF_PROTOCOL_REST_XML) {
    put_rest_reply(out, op, shape, v);
    return;
  }
  af_buf_printf(out, "<%sResponse xmlns=\"%s\">\n", op->action,
                json_string_value(json_object_get(model_metadata(m), "xmlNamespace")));
  if (op->protocol == AF_PROTOCOL_EC2) {
    af_buf_puts(out, "<requestId>req-1</requestId>");
    if (!shape_name(m, op->action, "output")) /* what EC2 says where it has nothing to say */
      af_buf_puts(out, "<return>true</return>");
    put_xml(out, shape, v);
  } else {
    put_element(out, op->wrapper, shape, v);
    af_buf_puts(out, "<ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata>");
  }
  af_buf_printf(out, "</%sResponse>", op->action);
}

/* What is left of a reply where the table doesn't know all of it. */
static void keep_known(const struct af_shape *ours, json_t *v) {
  const char *name;
  json_t *value;
  void *next;
  size_t i;
  if (ours->type == AF_T_LIST)
    json_array_foreach(v, i, value) keep_known(ours->element, value);
  if (ours->type == AF_T_STRUCT)
    json_object_foreach_safe(v, next, name, value) {
      const struct af_member *m = find(ours, name);
      if (m)
        keep_known(m->shape, value);
      else
        json_object_del(v, name);
    }
}

static void a_reply_with_everything_is_read_whole(void **state) {
  const struct af_op *op = *(const struct af_op **)*state;
  struct model *m = model_with(op);
  const char *name = shape_name(m, op->action, "output");
  const struct af_shape *theirs = model_shape(m, name, MODEL_REPLY);
  json_t *want = sample(m, theirs, name), *got = NULL;
  struct af_buf body, complaints;
  struct af_error err = {0};
  char request_id[80];
  af_buf_init(&body, 1 << 20);
  af_buf_init(&complaints, 1 << 20);
  put_reply(&body, m, op, theirs, want);
  static const char *const types[] = {
      [AF_PROTOCOL_EC2] = "text/xml;charset=UTF-8",
      [AF_PROTOCOL_QUERY] = "text/xml;charset=UTF-8",
      [AF_PROTOCOL_JSON] = "application/x-amz-json-1.1",
      [AF_PROTOCOL_REST_XML] = "application/xml",
  };
  const char *type = types[op->protocol];
  assert_clean(model_check_reply(m, op->action, 200, type, af_buf_view(&body), &complaints), &complaints);
  struct af_reply reply = {.status = 200, .body = af_buf_view(&body), .content_type = af_str(type)};
  assert_ok(af_decode(op, &reply, &got, request_id, &err), &err);
  keep_known(op->output, want);
  assert_true(json_equal(got, want));
  bool in_body = op->protocol == AF_PROTOCOL_EC2 || op->protocol == AF_PROTOCOL_QUERY;
  assert_string_equal(request_id, in_body ? "req-1" : "");
  json_decref(want);
  json_decref(got);
  af_buf_done(&body);
  af_buf_done(&complaints);
}

/* ---- the checker, on what is wrong ---- */

struct wrong {
  const char *service, *action;
  int status; /* 0: a request */
  const char *body, *complaint;
};

#define EC2_FORM(rest) "Version=2016-11-15&Action=" rest
#define SNAPSHOTS(inner) \
  "<DescribeSnapshotsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>" inner "</DescribeSnapshotsResponse>"

static const struct wrong wrongs[] = {
    {"ec2", "CopyImage", 0, EC2_FORM("CopyImage&Name=abc&SourceImageId=ami-1"), "SourceRegion is missing"},
    {"ec2", "CopyImage", 0, EC2_FORM("CopyImage&Name=abc&SourceImageId=ami-1&SourceRegion=r&Foo=1"), "Foo is not in the model"},
    {"ec2", "CopyImage", 0, EC2_FORM("CopyImage&Name=abc&SourceImageId=ami-1&SourceRegion=r&encrypted=true"), "encrypted is not in the model"},
    {"ec2", "CopyImage", 0, EC2_FORM("CopyImage&Name=abc&SourceImageId=ami-1&SourceRegion=r&Encrypted=yes"), "\"yes\" is not true or false"},
    {"ec2", "CopyImage", 0, EC2_FORM("CopyImage&Name=ab&SourceImageId=ami-1&SourceRegion=r"), "the length 2 is below 3"},
    {"ec2", "CopyImage", 0, EC2_FORM("CopyImage&Name=abc&Name=abd&SourceImageId=ami-1&SourceRegion=r"), "Name is sent twice"},
    {"ec2", "CopyImage", 0, "Action=CopyImage&Version=2012-01-01&Name=abc&SourceImageId=ami-1&SourceRegion=r", "not \"2016-11-15\""},
    {"ec2", "CopyImage", 0, EC2_FORM("CopyImage&Name=abc&SourceImageId=ami-1&SourceRegion=r&TagSpecification.1.ResourceType=imag"),
     "\"imag\" is not a value of the enumeration"},
    {"ec2", "CopyImage", 0, EC2_FORM("CopyImage&Name=abc&SourceImageId=ami-1&SourceRegion=r&TagSpecification.2.ResourceType=image"),
     "2 is not a number from 1 to 1"},
    {"ec2", "CopyImage", 0, EC2_FORM("CopyImage&Name=abc&SourceImageId=ami-1&SourceRegion=r&TagSpecification=image"),
     "a value where numbered items belong"},
    {"ec2", "DescribeImages", 0, EC2_FORM("DescribeImages&MaxResults=many"), "\"many\" is not an integer"},
    {"ec2", "NoSuchThing", 0, EC2_FORM("NoSuchThing"), "no such operation"},
    {"ec2", "DescribeSnapshots", 200, SNAPSHOTS("<snapshots/>"), "snapshots is not in the model"},
    {"ec2", "DescribeSnapshots", 200, SNAPSHOTS("<snapshotSet><member/></snapshotSet>"), "the items are not called \"item\""},
    {"ec2", "DescribeSnapshots", 200, SNAPSHOTS("<snapshotSet><item><status>done</status></item></snapshotSet>"),
     "\"done\" is not a value of the enumeration"},
    {"ec2", "DescribeSnapshots", 200, SNAPSHOTS("<snapshotSet><item><volumeSize>8 GiB</volumeSize></item></snapshotSet>"),
     "\"8 GiB\" is not an integer"},
    {"ec2", "DescribeSnapshots", 200, SNAPSHOTS("<snapshotSet><item><startTime>today</startTime></item></snapshotSet>"),
     "\"today\" is not a time"},
    {"ec2", "DescribeSnapshots", 200, SNAPSHOTS("<nextToken>a</nextToken><nextToken>b</nextToken>"), "nextToken is there 2 times"},
    {"ec2", "DescribeSnapshots", 200, SNAPSHOTS("<snapshotSet>none</snapshotSet>"), "text where a list belongs"},
    {"ec2", "DescribeSnapshots", 200, "<DescribeSnapshotsResponse><requestId>r</requestId></DescribeSnapshotsResponse>", "the namespace is"},
    {"ec2", "DescribeSnapshots", 200, "<DescribeSnapshotsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"/>",
     "<requestId> is there 0 times"},
    {"ec2", "DescribeSnapshots", 200, "<DescribeSnapshots/>", "<DescribeSnapshotsResponse> is there 0 times"},
    {"ec2", "DescribeSnapshots", 200, "<a><b></a>", "mismatched tag"},
    {"ec2", "DescribeSnapshots", 400, "<Response><Errors><Error><Code>X</Code></Error></Errors><RequestID>r</RequestID></Response>",
     "<Message> is there 0 times"},
    {"ec2", "DescribeSnapshots", 400, "<Response><Errors><Error><Code>X</Code><Message>m</Message></Error></Errors></Response>",
     "<RequestID> is there 0 times"},
    {"kms", "CreateGrant", 0, "{\"KeyId\":\"k\"}", "Operations is missing"},
    {"kms", "CreateGrant", 0, "{\"KeyId\":\"k\",\"Operations\":[\"ReEncrypt\"]}", "\"ReEncrypt\" is not a value of the enumeration"},
    {"kms", "CreateGrant", 0, "{\"KeyId\":\"k\",\"Operations\":[],\"DryRun\":\"true\"}", "is not of type boolean"},
    {"kms", "CreateGrant", 0, "{\"KeyId\":\"k\",\"Operations\":{}}", "is not a list"},
    {"kms", "CreateGrant", 0, "[]", "not an object"},
    {"kms", "ListGrants", 200, "{\"Grants\":[{\"CreationDate\":\"today\"}]}", "is not of type timestamp"},
    {"kms", "ListGrants", 200, "{\"Grant\":[]}", "Grant is not in the model"},
    {"kms", "ListGrants", 400, "{\"message\":\"m\"}", "an error without __type"},
    {"sts", "AssumeRole", 0, "Version=2011-06-15&Action=AssumeRole&RoleSessionName=abc&RoleArn=arn:aws:iam::1:role/abc&Tags.1.Key=a",
     "the items are not called \"member\""},
    {"s3", "ListObjectsV2", 200, "<ListBucketResult><Content/></ListBucketResult>", "Content is not in the model"},
    {"s3", "ListObjectsV2", 200, "<ListBucketResult><Contents><Size>x</Size></Contents></ListBucketResult>", "\"x\" is not an integer"},
    {"s3", "GetBucketLocation", 200, "<LocationConstraint>atlantis-1</LocationConstraint>", "\"atlantis-1\" is not a value of the enumeration"},
    {"s3", "ListObjectsV2", 404, "<Error><Code>NoSuchBucket</Code><RequestId>r</RequestId></Error>", "<Message> is there 0 times"},
    {"sts", "GetCallerIdentity", 200,
     "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult/></GetCallerIdentityResponse>",
     "<ResponseMetadata> is there 0 times"},
};

struct wrong_call {
  const char *action, *method, *target, *header, *body, *complaint;
};

static const struct wrong_call wrong_calls[] = {
    {"GetBucketPolicy", "POST", "/b?policy", NULL, "", "the method is POST"},
    {"GetBucketPolicy", "GET", "/?policy", NULL, "", "the path is not the model's"},
    {"GetBucketPolicy", "GET", "/b/c?policy", NULL, "", "the path goes on: /c"},
    {"GetBucketPolicy", "GET", "/b", NULL, "", "0 of 1 fixed parameters"},
    {"GetBucketPolicy", "GET", "/b?policy&acl", NULL, "", "acl is no parameter"},
    {"GetBucketPolicy", "GET", "/b?policy&max-keys=1", NULL, "", "max-keys is no querystring of the model"},
    {"ListObjectsV2", "GET", "/b?list-type=2&max-keys=many", NULL, "", "\"many\" is not an integer"},
    {"GetBucketPolicy", "GET", "/b?policy", "x-amz-owner: 1", "", "x-amz-owner is no header of the model"},
    {"GetBucketPolicy", "GET", "/b?policy", "x-amz-checksum-sha256: x", "", "a checksum that the model does not ask for"},
    {"PutBucketPolicy", "PUT", "/b?policy", NULL, "{}", "a checksum is missing"},
    {"PutBucketPolicy", "PUT", "/b?policy", "x-amz-checksum-sha256: x", "", "Policy is missing"},
    {"GetBucketPolicy", "GET", "/b?policy", NULL, "{}", "a body where there is none"},
    {"GetNothing", "GET", "/b", NULL, "", "no such operation"},
};

static void the_checker_complains_of_a_rest_call(void **state) {
  const struct wrong_call *w = *(const struct wrong_call **)*state;
  const char *headers[] = {w->header, NULL};
  struct af_buf complaints;
  af_buf_init(&complaints, 1 << 16);
  assert_true(model_check_rest(model_of("s3"), w->action, w->method, w->target, headers, af_str(w->body), &complaints) >= 1);
  assert_contains(af_buf_cstr(&complaints), w->complaint);
  af_buf_done(&complaints);
}

static void the_checker_complains(void **state) {
  const struct wrong *w = *(const struct wrong **)*state;
  struct model *m = model_of(w->service);
  struct af_buf complaints;
  af_buf_init(&complaints, 1 << 16);
  enum af_protocol p = model_wire_protocol(m);
  const char *type = p == AF_PROTOCOL_JSON ? "application/x-amz-json-1.1" : p == AF_PROTOCOL_REST_XML ? "application/xml" : "text/xml";
  int n = w->status == 0 ? model_check_request(m, w->action, af_str(w->body), &complaints)
                         : model_check_reply(m, w->action, w->status, type, af_str(w->body), &complaints);
  assert_true(n >= 1);
  assert_contains(af_buf_cstr(&complaints), w->complaint);
  af_buf_done(&complaints);
}

/* ---- the list ---- */

static void add_for(struct test_list *l, const char *what, const char *of, CMUnitTestFunction f, const void *pointer) {
  char name[300];
  const void **state = malloc(sizeof *state);
  *state = pointer;
  snprintf(name, sizeof name, "%s: %s", of, what);
  test_list_add(l, name, f, state);
}

int main(void) {
  struct test_list l = {0};
  const char *botocore = getenv("AF_BOTOCORE");
  char file[64], path[4096];
  if (!shared_dir()) {
    test_list_skip(&l, "API models", "no ../shared/aws beside the source tree");
    return test_list_run(&l, "models");
  }
  for (size_t i = 0; i < COUNT(services); i++) {
    snprintf(file, sizeof file, "models/%s.json", services[i]);
    models[i] = model_load(shared_dir(), file);
    snprintf(path, sizeof path, "%s/%s/service-2.json", botocore ? botocore : "", folders[i]);
    if (access(path, R_OK) == 0)
      installed[i] = model_load("", path);
  }
  for (size_t i = 0; af_ops[i]; i++) {
    if (!model_with(af_ops[i])) {
      test_list_skip(&l, af_ops[i]->label, "neither the cut model nor an installed botocore has it");
      continue;
    }
    add_for(&l, "its tables are the model's", af_ops[i]->label, its_tables_are_the_models, af_ops[i]);
    add_for(&l, "what it sends is what the model allows", af_ops[i]->label, what_it_sends_is_what_the_model_allows, af_ops[i]);
    add_for(&l, "a reply with everything is read whole", af_ops[i]->label, a_reply_with_everything_is_read_whole, af_ops[i]);
  }
  for (size_t i = 0; i < COUNT(wrongs); i++)
    add_for(&l, wrongs[i].complaint, "the checker complains", the_checker_complains, &wrongs[i]);
  for (size_t i = 0; i < COUNT(wrong_calls); i++)
    add_for(&l, wrong_calls[i].complaint, "the checker complains of a REST call", the_checker_complains_of_a_rest_call, &wrong_calls[i]);
  int failed = test_list_run(&l, "models");
  for (size_t i = 0; i < COUNT(services); i++) {
    model_free(models[i]);
    model_free(installed[i]);
  }
  return failed;
}
