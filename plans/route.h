/* The route: which way a copy goes, decided from facts and spec alone (design section 4; rules.md 1.3-1.5, 2.4, 3). Pure. */
#ifndef AF_PLANS_ROUTE_H
#define AF_PLANS_ROUTE_H

#include "plans/facts.h"
#include "plans/manifest.h"

enum af_route {
  AF_ROUTE_NONE,       /* refused: the refusal says why */
  AF_ROUTE_ADOPT,      /* an earlier copy of ours is there already: verify it, make nothing */
  AF_ROUTE_COPY_IMAGE,
  AF_ROUTE_REENCRYPT,
  AF_ROUTE_MAX_,
};
const char *af_route_name(enum af_route r); /* "adopt", "copy-image", "reencrypt" */
int af_route_parse(const char *name, enum af_route *ret);

#define AF_DECISION_MAX_WARNINGS 8

struct af_decision {
  enum af_route route;
  char reason[512];       /* in words: "shared by 111111111111, encrypted under a customer key: …" */
  bool cross_account;     /* the source is another account's: share, then take back */
  bool encrypt;           /* CopyImage gets Encrypted=true and the target key */
  char key_arn[256];      /* ARN of the target key; "" where nothing is to be encrypted */
  char name[129];         /* of the new AMI */
  char adopted_image[32]; /* AF_ROUTE_ADOPT */
  struct af_error refusal; /* class AF_CLASS_NONE unless the route is NONE. AUTH: a person can mend it (the copy is blocked);
                              REFUSED and INVALID: it fails */
  char warnings[AF_DECISION_MAX_WARNINGS][256];
  int n_warnings;
};

void af_route_decide(const struct af_copy_spec *spec, const struct af_facts *facts, struct af_decision *ret);

#endif
