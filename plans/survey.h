/* The survey: what the facts say about a source AMI, in the terms that the route is chosen by. Borrows from spec and facts.
 * For this folder only, as all that is declared here. */
#ifndef AF_PLANS_SURVEY_H
#define AF_PLANS_SURVEY_H

#include "plans/route.h"

enum af_ownership {
  AF_OWNER_TARGET,  /* the target account itself */
  AF_OWNER_SOURCE,  /* the source account: to be shared */
  AF_OWNER_TRUSTED, /* somebody else whom the manifest trusts: what is not shared yet stays closed */
  AF_OWNER_UNKNOWN, /* anybody else, nobody that the facts name, or another than the manifest expects of an image that is pulled */
};

struct af_survey {
  const struct af_copy_spec *spec;
  const struct af_facts *facts;
  const char *image_id;
  const char *owner;
  const char *alias; /* "amazon", "aws-marketplace"; "" where the owner has none */
  enum af_ownership ownership;
  bool cross_region;
  bool instance_store;
  bool marketplace; /* it has a product code */
  bool billed;      /* its platform is not plain Linux */
  bool windows;
  bool tpm;
  bool paravirtual;
  bool mac;
  bool uefi_hidden; /* it may have UEFI data, which only its owner can read */
  const char *kernel;    /* that another Region calls otherwise; NULL: none, or the Region is the same */
  const char *watermark; /* that the copy must have, too; NULL: none */
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
  const json_t *under_hidden;   /* encrypted, says its mapping, and it is not among the facts */
  const char *sealed_device;    /* of the first empty volume that is encrypted; NULL: none */
  const json_t *idle_key;       /* a source key that is known not to be enabled */
  const json_t *foreign_key;    /* a source key of another account than the image's owner */
};

void af_survey(struct af_survey *ret, const struct af_copy_spec *spec, const struct af_facts *facts);

static inline bool af_survey_encrypted(const struct af_survey *s) {
  return s->under_customer || s->under_aws || s->under_unknown || s->under_hidden;
}
static inline bool af_survey_billed(const struct af_survey *s) {
  return s->marketplace || s->billed;
}
/* What RegisterImage would lose of it: "RegisterImage ..."; NULL: nothing that is known beforehand (rules.md 1.2, 2.4). */
const char *af_survey_lost_by_registering(const struct af_survey *s);
/* In words, for the reason of a decision. */
const char *af_survey_encryption(const struct af_survey *s); /* static: "not encrypted" */

/* --- refusals --- */

/* Refusals read `AF_REFUSE(...); return af_refuse_hint(...);`: a hint is never forgotten, because it is what settles the matter. */
#define AF_REFUSE(error, class, code, ...) af_error_set((error), 0, AF_CLASS_##class, code, __VA_ARGS__)
bool af_refuse_hint(struct af_error *e, const char *format, ...) __attribute__((format(printf, 2, 3))); /* true */

/* Says where a refusal happened and to what, as far as it isn't said yet; "" says nothing. A key's facts know the request that
 * read them. */
void af_refusal_at(struct af_error *e, const char *action, const char *account, const char *region, const char *resource);
void af_refusal_of_key(struct af_error *e, const json_t *key, const char *account, const char *region, const char *resource);

/* --- checks that have a file of their own: true where they settle the matter --- */

/* route_key.c. Whether the target key can be used, and its ARN into d->key_arn; refuses otherwise. A spec without a key passes. */
bool af_route_refuses_key(const struct af_survey *s, struct af_decision *d);
/* Whether the source's keys stand in the way, or call for a bridge, whose key then goes into d. */
bool af_route_refuses_source_key(const struct af_survey *s, struct af_decision *d);
/* Whether the key for temporary volumes of a launch in another Region can't be used. A spec without one passes. */
bool af_route_refuses_launch_key(const struct af_survey *s, struct af_error *ret);

/* route_name.c: the new AMI's name, and who holds it. */
bool af_route_refuses_name(const struct af_survey *s, struct af_decision *d);
bool af_route_settles_by_holder(const struct af_survey *s, struct af_decision *d);

/* route_warn.c: for a decision that has its route. */
void af_route_warn(const struct af_survey *s, struct af_decision *d);

#endif
