/* Shapes: what an API's request and reply look like, as data. One encoder and one decoder walk them (codec.h), and a test walks
 * them against the API models. Values are jansson trees whose members carry the model's own names. */
#ifndef AF_ENGINE_AWS_SHAPE_H
#define AF_ENGINE_AWS_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum af_type { AF_T_STRING, AF_T_BOOL, AF_T_INT, AF_T_DOUBLE, AF_T_TIMESTAMP, AF_T_BLOB, AF_T_LIST, AF_T_STRUCT,
               AF_T_MAP /* of text to values; JSON only */ };

/* Where a member of a REST call stands. The other protocols have a body and nothing else. */
enum af_location { AF_IN_BODY, AF_IN_PATH, AF_IN_QUERY, AF_IN_HEADER, AF_IS_BODY /* its text is the whole body */ };

struct af_shape;
struct af_member {
  const char *name; /* the model's: "BlockDeviceMappings" */
  const char *wire; /* on the wire: "BlockDeviceMapping" in a request, "blockDeviceMapping" in a reply */
  const struct af_shape *shape;
  bool required;
  enum af_location place;
};
struct af_shape {
  enum af_type type;
  const struct af_member *members; /* STRUCT: ends with {NULL} */
  const struct af_shape *element;  /* LIST, MAP: of the values */
  const char *item;                /* LIST that is not flattened: the item's element, "item" or "member" */
  bool flattened;                  /* LIST */
  bool not_empty;                  /* LIST of a request: an empty one would widen the call instead of narrowing it (rules.md 6.3) */
};

enum af_protocol { AF_PROTOCOL_EC2, AF_PROTOCOL_QUERY, AF_PROTOCOL_JSON, AF_PROTOCOL_REST_XML };

struct af_op {
  const char *service;  /* "ec2": signing name and endpoint prefix */
  const char *action;   /* "CopyImage" */
  const char *label;    /* "ec2:CopyImage": what errors, events and budgets call it */
  const char *version;  /* "2016-11-15" */
  const char *target;   /* JSON: "TrentService.CreateGrant" */
  enum af_protocol protocol;
  const char *method;   /* REST: "GET" */
  const char *path;     /* REST: "/{Bucket}?policy", where the braces hold the name of a member */
  const struct af_shape *input, *output;
  const char *wrapper;  /* QUERY: the result's element, "AssumeRoleResult"; REST: the root element, "ListBucketResult" */
  bool root_is_member;  /* REST: the reply's root element is itself a member of the output: S3's LocationConstraint */
  bool checksum;        /* REST: the body goes with a checksum of its own */
  bool mutates;         /* changes something in AWS */
  bool repeatable;      /* sending it twice is harmless: a read, a token, a name that AWS honours, set-semantics */
  bool unsigned_;       /* AssumeRoleWithWebIdentity */
  bool presigned_source; /* CopySnapshot: carries a presigned copy of itself for the source Region (rules.md 2.2) */
};

#endif
