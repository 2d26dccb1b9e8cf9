/* What a manifest's parts don't show each by itself: missing members, contradictions, and copies that get in each other's way. */
#include <stdlib.h>

#include "base/buf.h"
#include "plans/manifest_read.h"
#include "plans/name.h"

static int check_required(struct af_reader *r, const struct af_layers *l, const struct af_copy_spec *spec) {
  for (int i = 0; i < AF_SPEC_MEMBER_MAX_; i++) {
    const struct af_spec_field *field = &af_spec_fields[i];
    if (!field->required || af_spec_text(spec, i))
      continue;
    bool of_target = af_streq(field->section, "target");
    const struct af_node *section = of_target ? l->target : af_node_get(l->copy, field->section);
    return af_node_error(r->doc, section ? section : l->copy, r->err, "MissingKey", "%s.%s is missing: write %s%s",
                         field->section, field->key, af_shape_write(field->shape),
                         i == AF_SPEC_IMAGE ? "" : ", here or in the defaults");
  }
  return 0;
}

/* The members of one side, so that both are checked by the same lines. */
static const struct side {
  enum af_spec_member account, role_arn, external_id;
} sides[] = {
    {AF_SPEC_SOURCE_ACCOUNT, AF_SPEC_SOURCE_ROLE_ARN, AF_SPEC_SOURCE_EXTERNAL_ID},
    {AF_SPEC_TARGET_ACCOUNT, AF_SPEC_TARGET_ROLE_ARN, AF_SPEC_TARGET_EXTERNAL_ID},
};

static int check_side(struct af_reader *r, const struct af_layers *l, const struct af_copy_spec *spec, const struct side *side) {
  const char *account = af_spec_text(spec, side->account), *role = af_spec_text(spec, side->role_arn);
  struct af_arn arn;
  if (account && role && af_arn_split(af_str(role), &arn) && !af_str_eq(arn.account, af_str(account)))
    return af_node_error(
        r->doc, l->from[side->role_arn], r->err, "Contradiction",
        "is a role of account %.*s, but the account is %s (line %d): write a role of that account, or mend the account",
        (int)arn.account.len, arn.account.ptr, account, af_node_line(l->from[side->account]));
  if (af_spec_text(spec, side->external_id) && !role)
    return af_node_error(r->doc, l->from[side->external_id], r->err, "Contradiction",
                         "an external id belongs to a role: write the role_arn beside it, or leave it out");
  return 0;
}

/* Whose each key is and where, so that all are checked by the same lines. */
static const struct key {
  enum af_spec_member member, region;
  bool of_source; /* of the source account; otherwise of the target's */
  const char *whose, *where;
} keys[] = {
    {AF_SPEC_KMS_KEY, AF_SPEC_TARGET_REGION, false, "the target", "the target"},
    {AF_SPEC_BRIDGE_KEY, AF_SPEC_SOURCE_REGION, true, "the source", "the source"},
    {AF_SPEC_LAUNCH_KEY, AF_SPEC_SOURCE_REGION, false, "the target", "the source"},
};

/* A key's ARN says where it is; nothing is encrypted under one of another Region or account. */
static int check_key(struct af_reader *r, const struct af_layers *l, const struct af_copy_spec *spec, const struct key *key) {
  struct af_arn arn;
  const char *text = af_spec_text(spec, key->member), *region = af_spec_text(spec, key->region);
  if (!text || !af_arn_split(af_str(text), &arn))
    return 0;
  const struct af_node *at = l->from[key->member];
  if (!af_str_eq(arn.region, af_str(region)))
    return af_node_error(r->doc, at, r->err, "Contradiction",
                         "is a key in %.*s, but %s is %s: write the ARN of a key in %s, or alias/NAME", (int)arn.region.len,
                         arn.region.ptr, key->where, region, region);
  struct af_str account = af_party_account(key->of_source ? &spec->source : &spec->target);
  if (account.len > 0 && !af_str_eq(arn.account, account))
    return af_node_error(r->doc, at, r->err, "Contradiction",
                         "is a key of account %.*s, but %s is account %.*s: write the ARN of a key of that account",
                         (int)arn.account.len, arn.account.ptr, key->whose, (int)account.len, account.ptr);
  return 0;
}

int af_manifest_check_spec(struct af_reader *r, const struct af_layers *l, const struct af_copy_spec *spec) {
  int rc = check_required(r, l, spec);
  for (size_t i = 0; i < sizeof sides / sizeof sides[0] && rc == 0; i++)
    rc = check_side(r, l, spec, &sides[i]);
  for (size_t i = 0; i < sizeof keys / sizeof keys[0] && rc == 0; i++)
    rc = check_key(r, l, spec, &keys[i]);
  return rc ? rc : af_manifest_check_permissions(r, l, spec);
}

/* --- copies that get in each other's way --- */

struct claim {
  char *key;    /* owned; NULL: nothing is claimed */
  size_t index; /* of the copy */
};

static int by_key(const void *a, const void *b) {
  const struct claim *x = a, *y = b;
  int order = strcmp(x->key ? x->key : "", y->key ? y->key : "");
  return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* The name as it will be in the target; a name that the source brings along is unknown until it is read. */
static int name_claim(const struct af_copy_spec *spec, char **ret) {
  struct af_buf key;
  af_buf_init(&key, 4096);
  bool settled = af_name_foretell(spec, &key);
  if (settled) {
    af_buf_printf(&key, ":%s:", spec->target.region);
    af_party_identity(&key, &spec->target);
    *ret = af_buf_steal(&key);
  }
  af_buf_done(&key);
  return settled && !*ret ? -AF_ENOMEM : 0;
}

static const struct {
  int (*key)(const struct af_copy_spec *spec, char **ret);
  const char *code, *before, *after; /* of the line of the first one */
} rules[] = {
    {af_copy_spec_key, "DuplicateCopy", "is the same copy as the one on line",
     "the same image to the same place under the same name; leave one of them out"},
    {name_claim, "DuplicateName",
     "gives its image the name that another image gets in the same account and Region by the copy on line", "write another name"},
};

/* Of all pairs with the same key the one whose second stands first, so that the message doesn't depend on sorting. */
static bool find_pair(struct claim *claims, size_t n, size_t *first, size_t *second) {
  qsort(claims, n, sizeof *claims, by_key);
  *second = SIZE_MAX;
  for (size_t i = 1; i < n; i++)
    if (claims[i].key && af_streq(claims[i - 1].key, claims[i].key) && claims[i].index < *second) {
      *first = claims[i - 1].index;
      *second = claims[i].index;
    }
  return *second != SIZE_MAX;
}

static int check_rule(struct af_reader *r, size_t rule, struct claim *claims) {
  for (size_t i = 0; i < r->m.n; i++) {
    claims[i].index = i;
    if (rules[rule].key(&r->m.copies[i], &claims[i].key) < 0)
      return af_error_nomem(r->err);
  }
  size_t first, second;
  if (!find_pair(claims, r->m.n, &first, &second))
    return 0;
  return af_node_error(r->doc, r->places[second], r->err, rules[rule].code, "%s %d: %s", rules[rule].before,
                       af_node_line(r->places[first]), rules[rule].after);
}

int af_manifest_check_all(struct af_reader *r) {
  int rc = 0;
  for (size_t rule = 0; rule < sizeof rules / sizeof rules[0] && rc == 0; rule++) {
    struct claim *claims = calloc(r->m.n, sizeof *claims);
    rc = claims ? check_rule(r, rule, claims) : af_error_nomem(r->err);
    for (size_t i = 0; claims && i < r->m.n; i++)
      free(claims[i].key);
    free(claims);
  }
  return rc;
}
