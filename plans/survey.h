/* The survey: what the facts say about a source AMI, in the terms that the route is chosen by. Borrows from spec and facts.
 * For this folder only. */
#ifndef AF_PLANS_SURVEY_H
#define AF_PLANS_SURVEY_H

#include "plans/route.h"

enum af_ownership {
  AF_OWNER_TARGET,  /* the target account itself */
  AF_OWNER_SOURCE,  /* the source account: to be shared */
  AF_OWNER_UNKNOWN, /* anybody else, or nobody that the facts name */
};

struct af_survey {
  const struct af_copy_spec *spec;
  const struct af_facts *facts;
  const char *image_id;
  const char *owner;
  enum af_ownership ownership;
  bool cross_region;
  bool instance_store;
  bool marketplace;   /* it has a product code */
  bool billed;        /* its platform is not plain Linux */
  bool tpm_preferred; /* NitroTPM with uefi-preferred, which RegisterImage can't express (rules.md 2.4) */
  bool paravirtual;
  /* Over the mappings that have a snapshot; each is the first such snapshot, NULL where there is none. */
  size_t n_snapshots;
  const char *unread;       /* id of a snapshot that is not among the facts */
  const json_t *unfinished; /* not completed */
  const json_t *archived;
  const json_t *of_another;     /* owned by another account than the image */
  const json_t *plain;          /* not encrypted */
  const json_t *under_customer; /* encrypted under a customer key */
  const json_t *under_aws;      /* encrypted under an AWS managed key */
  const json_t *under_unknown;  /* encrypted under a key that could not be described */
  const json_t *idle_key;       /* a source key that is known not to be enabled */
  const json_t *foreign_key;    /* a source key of another account than the image's owner */
};

void af_survey(struct af_survey *ret, const struct af_copy_spec *spec, const struct af_facts *facts);

static inline bool af_survey_encrypted(const struct af_survey *s) {
  return s->under_customer || s->under_aws || s->under_unknown;
}

/* In words, both for the reason of a decision. */
const char *af_survey_encryption(const struct af_survey *s); /* static: "not encrypted" */

/* Warnings for a decision that has its route; see route_warn.c. */
void af_route_warn(const struct af_survey *s, struct af_decision *d);

/* Whether the target key can be used, and its ARN into d->key_arn; refuses otherwise. A spec without a key passes. */
bool af_route_refuses_key(const struct af_survey *s, struct af_decision *d);
/* Whether the source's keys stand in the way. */
bool af_route_refuses_source_key(const struct af_survey *s, struct af_decision *d);

/* Says where a refusal happened and to what, as far as it isn't said yet; "" says nothing. A key's facts know the request that read them. */
void af_refusal_at(struct af_error *e, const char *action, const char *account, const char *region, const char *resource);
void af_refusal_of_key(struct af_error *e, const json_t *key, const char *account, const char *region, const char *resource);

#endif
