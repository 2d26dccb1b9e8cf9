/* Requests to bytes, replies to trees. Streaming XML (expat, no entities, bounded depth and size); nothing of AWS is assumed about
 * white space or the order of elements (rules.md 8). */
#ifndef AF_ENGINE_AWS_CODEC_H
#define AF_ENGINE_AWS_CODEC_H

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "engine/aws/shape.h"

#define AF_REPLY_MAX_BYTES (64 * 1024 * 1024)

/* Appends the body, members in the order of the shape. A member that the shape doesn't have, a missing required one, a wrong type,
 * an empty list where that would widen the call: -AF_EINVAL, class INTERNAL, code "RequestShape". null counts as absent. */
int af_encode(const struct af_op *op, const json_t *input, struct af_buf *body, struct af_error *err);
const char *af_content_type(const struct af_op *op); /* of the body */

/* What of a request does not stand in its body. */
struct af_head {
  const char *method;
  struct af_buf path;    /* encoded, "/" at least */
  struct af_buf query;   /* encoded, without the "?" */
  struct af_buf headers; /* "Name: value" each, with a NUL behind each line: those that the call itself asks for */
  size_t n_headers;
};
/* body: as af_encode() made it. The input must be one that af_encode() took. */
int af_encode_head(const struct af_op *op, const json_t *input, struct af_str body, struct af_head *ret, struct af_error *err);
void af_head_done(struct af_head *h);

struct af_reply {
  int status;            /* HTTP */
  struct af_str body;
  struct af_str content_type;
  struct af_str request_id; /* of the x-amzn-requestid or x-amz-request-id header; empty where there was none */
  struct af_str bucket_region; /* of the x-amz-bucket-region header; empty where there was none */
  struct af_str region;        /* that was called, for the error; may be empty */
};
/* A 2xx gives *ret_output (the caller's; an object, empty where the API returns nothing) and request_id. Anything else gives
 * -AF_EAWS with code, message, status and request id in err; the class is set by af_classify (retry.h). A body that can't be read
 * gives -AF_EAWS too: class AMBIGUOUS where the op mutates and the status was 2xx or 5xx, else TRANSIENT; code "MalformedReply".
 * Where S3 says that the bucket lies in another Region, the hint names it.
 * Times stay text as the API wrote them (numbers in JSON), blobs base64 text; an empty list is an empty array, an absent one absent.
 * -AF_ENOMEM: what the reply said is not known. */
int af_decode(const struct af_op *op, const struct af_reply *reply, json_t **ret_output, char request_id[80], struct af_error *err);

/* From now on whatever jansson frees is wiped first: what STS returns are keys in a tree. For programs, once, before anything else. */
void af_json_wipe_freed(void);

#endif
