/* The shapes of AWS's words: what an account id, a Region, an ARN, a key, a name looks like. They say whether a text can be one,
 * not whether there is such a thing. Limits: rules.md 1.1 (names, descriptions), 2.5 (tags), 3 (keys). */
#ifndef AF_PLANS_SHAPE_H
#define AF_PLANS_SHAPE_H

#include "base/str.h"

enum af_shape {
  AF_SHAPE_ACCOUNT,
  AF_SHAPE_REGION,
  AF_SHAPE_IMAGE,
  AF_SHAPE_PROFILE,
  AF_SHAPE_ROLE_ARN,
  AF_SHAPE_EXTERNAL_ID,
  AF_SHAPE_KMS_KEY,
  AF_SHAPE_IMAGE_NAME,
  AF_SHAPE_NAME_TEMPLATE, /* see name.h; which words there are is not looked at */
  AF_SHAPE_DESCRIPTION,
  AF_SHAPE_TAG_KEY,
  AF_SHAPE_TAG_VALUE,
  AF_SHAPE_SUBNET,
  AF_SHAPE_INSTANCE_TYPE,
  AF_SHAPE_ON_EXISTING,
  AF_SHAPE_DEPRECATION,
  AF_SHAPE_PROTECTION,
  AF_SHAPE_CREDENTIALS,
  AF_SHAPE_OWNER,
  AF_SHAPE_ORGANIZATION,
  AF_SHAPE_UNIT,
  AF_SHAPE_MAX_,
};

bool af_shape_fits(enum af_shape shape, struct af_str text);
const char *af_shape_name(enum af_shape shape);  /* "an account id": for "%s is not %s" */
const char *af_shape_write(enum af_shape shape); /* what to write instead, with an example: for "write %s" */

/* arn:partition:service:region:account:resource. The views point into text. */
struct af_arn {
  struct af_str partition, service, region, account, resource;
};
bool af_arn_split(struct af_str text, struct af_arn *ret); /* whether it is one; *ret is set on success only */

bool af_shape_name_byte(char c); /* may it stand in an AMI's name? */
/* Whether a tag's key is for people to choose: AWS keeps aws: for itself, and amiferry: is ours; in any case of letters. */
bool af_shape_users_tag(struct af_str key);

size_t af_str_characters(struct af_str s); /* of well-formed UTF-8 */

#endif
