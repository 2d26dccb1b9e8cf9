/* The shapes of AWS's words, as a table of checks. Pure; nothing here allocates. */
#include "plans/shape.h"

#include "base/time.h"
#include "plans/facts.h"

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
static bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
static bool is_alnum(char c) {
  return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z');
}
static bool is_lower_alnum(char c) {
  return is_digit(c) || is_lower(c);
}
static bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}
static bool is_graph(char c) {
  return c > 0x20 && c < 0x7F;
}

/* Every byte is one that is() takes, or one of also. */
static bool all(struct af_str s, bool (*is)(char), const char *also) {
  for (size_t i = 0; i < s.len; i++)
    if (!is(s.ptr[i]) && (s.ptr[i] == 0 || !strchr(also, s.ptr[i])))
      return false;
  return true;
}

static bool between(struct af_str s, size_t least, size_t most) {
  return s.len >= least && s.len <= most;
}

static struct af_str after(struct af_str s, size_t n) {
  return n <= s.len ? af_str_n(s.ptr + n, s.len - n) : af_str_n(NULL, 0);
}

/* Cuts s at the first c: the part before it is returned and *s is what follows; where there is no c, *s becomes empty. */
static struct af_str cut(struct af_str *s, char c, bool *found) {
  const char *at = s->len ? memchr(s->ptr, c, s->len) : NULL;
  *found = at != NULL;
  struct af_str head = at ? af_str_n(s->ptr, (size_t)(at - s->ptr)) : *s;
  *s = at ? after(*s, head.len + 1) : af_str_n(NULL, 0);
  return head;
}

size_t af_str_characters(struct af_str s) {
  size_t n = 0;
  for (size_t i = 0; i < s.len; i++)
    n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
  return n;
}

bool af_arn_split(struct af_str text, struct af_arn *ret) {
  struct af_arn arn;
  struct af_str *parts[] = {&arn.partition, &arn.service, &arn.region, &arn.account};
  if (!af_str_starts(text, "arn:"))
    return false;
  struct af_str rest = after(text, 4);
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    bool found;
    *parts[i] = cut(&rest, ':', &found);
    if (!found)
      return false;
  }
  arn.resource = rest;
  if (arn.resource.len == 0 || !af_str_starts(arn.partition, "aws") || !all(arn.partition, is_lower, "-"))
    return false;
  *ret = arn;
  return true;
}

static bool is_account(struct af_str s) {
  return s.len == 12 && all(s, is_digit, "");
}

/* Two letters or more, at least one word, a number: us-gov-west-1. 31 bytes are what an error has room for. */
static bool is_region(struct af_str s) {
  if (s.len > 31)
    return false;
  bool more = true;
  int words = 0;
  while (more) {
    struct af_str part = cut(&s, '-', &more);
    if (part.len == 0)
      return false;
    if (!more)
      return words >= 2 && all(part, is_digit, "");
    if (!all(part, is_lower, "") || (words == 0 && part.len < 2))
      return false;
    words++;
  }
  return false;
}

/* EC2's ids: eight digits of the old ones, 17 of the new. */
static bool is_id(struct af_str s, const char *prefix) {
  struct af_str digits = after(s, strlen(prefix));
  return af_str_starts(s, prefix) && (digits.len == 8 || digits.len == 17) && all(digits, is_hex, "");
}
static bool is_image(struct af_str s) {
  return is_id(s, "ami-");
}
static bool is_subnet(struct af_str s) {
  return is_id(s, "subnet-");
}

/* A family, a dot, a size: t3.small, u-6tb1.metal. */
static bool is_instance_type(struct af_str s) {
  bool found;
  struct af_str size = s, family = cut(&size, '.', &found);
  return s.len <= 31 && found && family.len > 0 && size.len > 0 && all(family, is_alnum, "-") && all(size, is_alnum, "-");
}

/* What a section header of a profile file can hold. */
static bool is_profile(struct af_str s) {
  if (!between(s, 1, 256) || memchr(s.ptr, ']', s.len))
    return false;
  for (size_t i = 0; i < s.len; i++)
    if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7F)
      return false;
  return true;
}

static bool is_role_arn(struct af_str s) {
  struct af_arn arn;
  if (s.len > 2048 || !af_arn_split(s, &arn) || !af_str_eq(arn.service, af_str("iam")) || arn.region.len > 0 ||
      !is_account(arn.account) || !af_str_starts(arn.resource, "role/") || !all(arn.resource, is_graph, ""))
    return false;
  const char *slash = memrchr(arn.resource.ptr, '/', arn.resource.len);
  struct af_str name = after(arn.resource, (size_t)(slash - arn.resource.ptr) + 1);
  return between(name, 1, 64) && all(name, is_alnum, "_+=,.@-");
}

static bool is_external_id(struct af_str s) {
  return between(s, 2, 1224) && all(s, is_alnum, "_+=,.@:/-");
}

static bool is_key_id(struct af_str s) {
  static const size_t groups[] = {8, 4, 4, 4, 12};
  if (af_str_starts(s, "mrk-"))
    return s.len == 36 && all(after(s, 4), is_hex, "");
  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
    bool found;
    struct af_str part = cut(&s, '-', &found);
    if (part.len != groups[i] || !all(part, is_hex, "") || found != (i < 4))
      return false;
  }
  return true;
}

static bool is_alias(struct af_str s) {
  return af_str_starts(s, "alias/") && between(s, 7, 256) && all(s, is_alnum, "/_-");
}

static bool is_kms_key(struct af_str s) {
  struct af_arn arn;
  if (!af_arn_split(s, &arn))
    return is_key_id(s) || is_alias(s);
  return af_str_eq(arn.service, af_str("kms")) && is_region(arn.region) && is_account(arn.account) &&
         (is_alias(arn.resource) || (af_str_starts(arn.resource, "key/") && is_key_id(after(arn.resource, 4))));
}

bool af_shape_name_byte(char c) {
  return is_alnum(c) || (c != 0 && strchr("()[] ./-'@_", c));
}
static bool is_image_name(struct af_str s) {
  return between(s, 3, 128) && all(s, af_shape_name_byte, "");
}
static bool is_name_template(struct af_str s) {
  return memchr(s.ptr ? s.ptr : "", '{', s.len) ? between(s, 3, 256) && all(s, af_shape_name_byte, "{}") : is_image_name(s);
}

static bool is_description(struct af_str s) {
  for (size_t i = 0; i < s.len; i++)
    if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7F)
      return false;
  return s.len > 0 && af_str_characters(s) <= 255;
}

/* Ours and AWS's own prefixes are refused in any case of letters, as AWS does with its own. */
static bool has_prefix(struct af_str s, const char *prefix) {
  size_t n = strlen(prefix);
  return s.len >= n && strncasecmp(s.ptr, prefix, n) == 0;
}

bool af_shape_users_tag(struct af_str key) {
  return !has_prefix(key, "aws:") && !has_prefix(key, "amiferry:");
}
static bool is_tag_key(struct af_str s) {
  return s.len > 0 && af_str_characters(s) <= 127 && af_shape_users_tag(s);
}

static bool is_tag_value(struct af_str s) {
  return af_str_characters(s) <= 256;
}

static bool is_one_of(struct af_str s, const char *const *words) {
  for (; *words; words++)
    if (af_str_eq(s, af_str(*words)))
      return true;
  return false;
}

static bool is_on_existing(struct af_str s) {
  return is_one_of(s, (const char *const[]){"adopt", "skip", "fail", "suffix", NULL});
}

static bool is_protection(struct af_str s) {
  return is_one_of(s, (const char *const[]){"keep", "none", "enabled", "enabled-with-cooldown", NULL});
}

/* AWS takes ten years at most (rules.md 2.5); a date is looked at where it is counted from. */
static bool is_days(struct af_str s) {
  uint64_t days;
  return s.len > 1 && s.ptr[s.len - 1] == 'd' && af_str_to_u64(af_str_n(s.ptr, s.len - 1), &days) == 0 && between(s, 2, 5) &&
         days >= 1 && days <= 3650;
}

/* ISO 8601 with its dashes, so that no number is a date unseen. */
static bool is_deprecation(struct af_str s) {
  int64_t ms;
  return is_one_of(s, (const char *const[]){"keep", "none", NULL}) || is_days(s) ||
         (s.len >= 10 && s.ptr[4] == '-' && af_time_parse(s, &ms) == 0);
}

static bool is_credentials(struct af_str s) {
  return is_one_of(s, (const char *const[]){"none", NULL});
}

/* The aliases that AWS shows of owners (ImageOwnerAlias). */
static bool is_owner(struct af_str s) {
  return is_account(s) || is_one_of(s, (const char *const[]){"amazon", "aws-marketplace", "aws-backup-vault", NULL});
}

/* o-, and 10 to 32 letters and digits. */
static bool is_organization_id(struct af_str s) {
  return af_str_starts(s, "o-") && between(s, 12, 34) && all(after(s, 2), is_lower_alnum, "");
}

/* The resource of an ARN of AWS Organizations, behind its type; empty where it is none. */
static struct af_str of_organizations(struct af_str s, const char *type) {
  struct af_arn arn;
  bool fits = s.len <= 256 && af_arn_split(s, &arn) && af_str_eq(arn.service, af_str("organizations")) && arn.region.len == 0 &&
              is_account(arn.account) && af_str_starts(arn.resource, type);
  return fits ? after(arn.resource, strlen(type)) : af_str_n(NULL, 0);
}

static bool is_organization(struct af_str s) {
  return is_organization_id(of_organizations(s, "organization/"));
}

/* ou-, 4 to 32 of its root, a dash, 8 to 32 of its own; behind the organization's id. */
static bool is_unit(struct af_str s) {
  bool slash, dash;
  struct af_str unit = of_organizations(s, "ou/"), organization = cut(&unit, '/', &slash);
  if (!slash || !is_organization_id(organization) || !af_str_starts(unit, "ou-"))
    return false;
  unit = after(unit, 3);
  struct af_str root = cut(&unit, '-', &dash);
  return dash && between(root, 4, 32) && between(unit, 8, 32) && all(root, is_lower_alnum, "") && all(unit, is_lower_alnum, "");
}

static const struct {
  bool (*fits)(struct af_str);
  const char *name, *write;
} shapes[] = {
    [AF_SHAPE_ACCOUNT] = {is_account, "an account id", "12 digits, as \"111122223333\""},
    [AF_SHAPE_REGION] = {is_region, "a Region", "a Region's name, as eu-west-1"},
    [AF_SHAPE_IMAGE] = {is_image, "an AMI id", "ami- and 17 (or 8) hexadecimal digits in lower case, as ami-0123456789abcdef0"},
    [AF_SHAPE_PROFILE] = {is_profile, "a profile's name", "the name of a profile in ~/.aws/config, as recovery"},
    [AF_SHAPE_ROLE_ARN] = {is_role_arn, "a role's ARN", "arn:aws:iam::ACCOUNT:role/NAME with the 12 digits of the account"},
    [AF_SHAPE_EXTERNAL_ID] = {is_external_id, "an external id", "2 to 1224 letters, digits or _+=,.@:/-"},
    [AF_SHAPE_KMS_KEY] = {is_kms_key, "a KMS key",
                          "a key id, a key ARN, alias/NAME or an alias ARN, as alias/amis or "
                          "arn:aws:kms:eu-west-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"},
    [AF_SHAPE_IMAGE_NAME] = {is_image_name, "an AMI name", "3 to 128 letters, digits, spaces or ()[]./-'@_"},
    [AF_SHAPE_NAME_TEMPLATE] = {is_name_template, "an AMI name", "3 to 128 letters, digits, spaces or ()[]./-'@_"},
    [AF_SHAPE_DESCRIPTION] = {is_description, "a description", "one line of 1 to 255 characters"},
    [AF_SHAPE_TAG_KEY] = {is_tag_key, "a tag key", "1 to 127 characters that don't begin with aws: or amiferry:"},
    [AF_SHAPE_TAG_VALUE] = {is_tag_value, "a tag value", "a text of at most 256 characters"},
    [AF_SHAPE_SUBNET] = {is_subnet, "a subnet's id", "subnet- and 17 (or 8) hexadecimal digits in lower case"},
    [AF_SHAPE_INSTANCE_TYPE] = {is_instance_type, "an instance type", "a family and a size, as t3.small"},
    [AF_SHAPE_ON_EXISTING] = {is_on_existing, "an answer to a name that is taken", "adopt, skip, fail or suffix"},
    [AF_SHAPE_DEPRECATION] = {is_deprecation, "a time of deprecation",
                              "keep, none, a date as 2027-06-30, a time as 2027-06-30T12:00:00Z, or days as 365d"},
    [AF_SHAPE_PROTECTION] = {is_protection, "a kind of protection", "keep, none, enabled or enabled-with-cooldown"},
    [AF_SHAPE_CREDENTIALS] = {is_credentials, "a kind of credentials", "none, where somebody else shared the image"},
    [AF_SHAPE_OWNER] = {is_owner, "an owner", "12 digits, amazon, aws-marketplace or aws-backup-vault"},
    [AF_SHAPE_ORGANIZATION] = {is_organization, "an organization's ARN", "arn:aws:organizations::ACCOUNT:organization/o-ID"},
    [AF_SHAPE_UNIT] = {is_unit, "an organizational unit's ARN", "arn:aws:organizations::ACCOUNT:ou/o-ID/ou-ROOT-ID"},
};
_Static_assert(sizeof shapes / sizeof shapes[0] == AF_SHAPE_MAX_, "every shape has its row");

bool af_shape_fits(enum af_shape shape, struct af_str text) {
  return shapes[shape].fits(text);
}
const char *af_shape_name(enum af_shape shape) {
  return shapes[shape].name;
}
const char *af_shape_write(enum af_shape shape) {
  return shapes[shape].write;
}
