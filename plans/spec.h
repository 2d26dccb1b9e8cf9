/* The string members of a copy's spec as one table: reading, writing, releasing and comparing go through it, so that a new
 * member is one line here. For this folder only. */
#ifndef AF_PLANS_SPEC_H
#define AF_PLANS_SPEC_H

#include "plans/manifest.h"
#include "plans/shape.h"

enum af_spec_member {
  AF_SPEC_SOURCE_ACCOUNT,
  AF_SPEC_SOURCE_REGION,
  AF_SPEC_SOURCE_PROFILE,
  AF_SPEC_SOURCE_ROLE_ARN,
  AF_SPEC_SOURCE_EXTERNAL_ID,
  AF_SPEC_IMAGE,
  AF_SPEC_BRIDGE_KEY,
  AF_SPEC_TARGET_ACCOUNT,
  AF_SPEC_TARGET_REGION,
  AF_SPEC_TARGET_PROFILE,
  AF_SPEC_TARGET_ROLE_ARN,
  AF_SPEC_TARGET_EXTERNAL_ID,
  AF_SPEC_KMS_KEY,
  AF_SPEC_NAME,
  AF_SPEC_DESCRIPTION,
  AF_SPEC_ON_EXISTING,
  AF_SPEC_LAUNCH_SUBNET,
  AF_SPEC_LAUNCH_TYPE,
  AF_SPEC_LAUNCH_KEY,
  AF_SPEC_DEPRECATION,
  AF_SPEC_PROTECTION,
  AF_SPEC_MEMBER_MAX_,
};

struct af_spec_field {
  const char *section; /* "source", "target", "launch"; NULL: of the copy itself */
  const char *key;
  size_t offset; /* of a char * in struct af_copy_spec */
  enum af_shape shape;
  bool digits; /* may stand without quotes although it looks like a number */
  bool required;
  const char *otherwise; /* what it is where nothing is said; NULL: nothing */
};

extern const struct af_spec_field af_spec_fields[AF_SPEC_MEMBER_MAX_];

char **af_spec_slot(struct af_copy_spec *spec, enum af_spec_member member);
const char *af_spec_text(const struct af_copy_spec *spec, enum af_spec_member member); /* borrowed; NULL where unset */

/* Gives the members that nothing was said of what they are then. -AF_ENOMEM. */
int af_spec_fill(struct af_copy_spec *spec);

/* The account that a side says it is in: named, or in its role's ARN; empty where it says nothing. */
struct af_str af_party_account(const struct af_party *party);
/* Who a side is, for telling targets apart: its account, else its profile, else the default credentials. Appends to out. */
struct af_buf;
void af_party_identity(struct af_buf *out, const struct af_party *party);

#endif
