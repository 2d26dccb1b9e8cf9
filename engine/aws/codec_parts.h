/* What codec.c and its parts share: check.c, encode_query.c, encode_rest.c, json.c, decode_xml.c. Nothing else includes this. */
#ifndef AF_ENGINE_AWS_CODEC_PARTS_H
#define AF_ENGINE_AWS_CODEC_PARTS_H

#include <expat.h>

#include "engine/aws/codec.h"

enum {
  AF_CODEC_MAX_DEPTH = 64,        /* of requests and replies; a DescribeImages reply has 8 levels */
  AF_CODEC_MAX_VALUES = 2000000,  /* in one reply; 1,000 images have some 100,000 */
};

const struct af_member *af_codec_member(const struct af_shape *structure, const char *name); /* by the model's name; or NULL */

/* Does the tree fit the op's input? The encoders rely on it. */
int af_codec_check(const struct af_op *op, const json_t *input, struct af_error *err);

/* Append the body of an input that was checked; failures stick in body. */
void af_codec_encode_query(const struct af_op *op, const json_t *input, struct af_buf *body);
void af_codec_encode_json(const struct af_op *op, const json_t *input, struct af_buf *body);
void af_codec_encode_rest_body(const struct af_op *op, const json_t *input, struct af_buf *body);
void af_codec_encode_rest_head(const struct af_op *op, const json_t *input, struct af_str body, struct af_head *head);
/* Appends a number or a truth value as text. */
void af_codec_put_plain(struct af_buf *out, const json_t *v);
void af_codec_put_header(struct af_head *head, const char *name, struct af_str value);

#define AF_CODEC_ROOT_IS_MEMBER ""

struct af_codec_reading { /* what a decoder finds beside the tree */
  char request_id[80];    /* empty where the body has none */
  char why[256];          /* why it could not be read */
};
/* *ret is the caller's: an object that holds what the shape knows. -AF_EINVAL with r->why where the body isn't that, -AF_ENOMEM.
 * root: the name that the root element must have; NULL takes any; AF_CODEC_ROOT_IS_MEMBER: that of a member of the shape, which it is.
 * secret: whatever is freed on the way is wiped. */
int af_codec_decode_xml(const struct af_shape *shape, const char *root, bool secret, struct af_str body, json_t **ret,
                        struct af_codec_reading *r);
XML_Parser af_codec_wiping_parser(void); /* wipes what it frees */
int af_codec_decode_json(const struct af_shape *shape, struct af_str body, json_t **ret, struct af_codec_reading *r);

#endif
