/* Fuzz: what AWS answers (engine/aws, all four protocols, successes and errors).
 *
 * An input is "LABEL STATUS\n" and the body: "ec2:DescribeImages 200". Laws: a reply is read as a whole or not at all, twice alike,
 * and what is read has the shape that the table of calls says. */
#include "engine/aws/codec.h"
#include "engine/aws/ops.h"
#include "engine/aws/retry.h"
#include "tests/fuzz/fuzz.h"

static const struct af_op *op_of(struct af_str label) {
  for (size_t i = 0; af_ops[i]; i++)
    if (af_str_eq(label, af_str(af_ops[i]->label))) return af_ops[i];
  return NULL;
}

static bool is_of(enum af_type type, const json_t *value) {
  switch (type) {
    case AF_T_BOOL: return json_is_boolean(value);
    case AF_T_INT: return json_is_integer(value);
    case AF_T_DOUBLE: return json_is_number(value);
    case AF_T_TIMESTAMP: return json_is_string(value) || json_is_number(value); /* numbers in JSON */
    case AF_T_LIST: return json_is_array(value);
    case AF_T_STRUCT:
    case AF_T_MAP: return json_is_object(value);
    default: return json_is_string(value);
  }
}

static const struct af_shape *shape_of(const struct af_shape *shape, const char *member) {
  if (shape->type == AF_T_MAP) return shape->element;
  for (const struct af_member *m = shape->members; m && m->name; m++)
    if (af_streq(m->name, member)) return m->shape;
  return NULL;
}

static void check_shape(const struct af_shape *shape, const json_t *value) {
  const char *key;
  json_t *member;
  size_t i;
  MUST(shape != NULL);
  MUST(is_of(shape->type, value));
  json_array_foreach(value, i, member) check_shape(shape->element, member);
  json_object_foreach((json_t *)(uintptr_t)value, key, member) check_shape(shape_of(shape, key), member);
}

static json_t *decode(const struct af_op *op, const struct af_reply *reply) {
  static json_t untouched;
  json_t *output = &untouched;
  char request_id[80] = "";
  struct af_error err = {0};
  int rc = af_decode(op, reply, &output, request_id, &err);
  if (rc == 0) {
    MUST(reply->status >= 200 && reply->status < 300);
    MUST(af_str_utf8(af_str(request_id)));
    return output;
  }
  MUST(rc == -AF_EAWS);
  MUST(output == &untouched);
  fuzz_error(&err);
  af_classify(op, AF_SENT_REPLIED, &err);
  MUST(err.class < AF_CLASS_MAX_);
  return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct af_str rest = af_str_n((const char *)data, size), head = fuzz_line(&rest);
  const struct af_op *op = op_of(fuzz_word(&head));
  if (!op) return 0;
  struct af_reply reply = {.status = (int)(fuzz_number(&head, 200) % 1000), .body = rest, .request_id = af_str("req-1")};
  json_t *first = decode(op, &reply), *second = decode(op, &reply);
  MUST(!first == !second);
  if (first && op->output) check_shape(op->output, first);
  MUST(!first || json_equal(first, second));
  json_decref(first);
  json_decref(second);
  return 0;
}
