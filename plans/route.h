/* The route: which way a copy goes, decided from facts and spec alone (design section 4; rules.md 1.3-1.5, 2.4, 3). Pure. */
#ifndef AF_PLANS_ROUTE_H
#define AF_PLANS_ROUTE_H

#include "plans/facts.h"
#include "plans/manifest.h"

enum af_route {
  AF_ROUTE_NONE,       /* refused: the refusal says why */
  AF_ROUTE_ADOPT,      /* an earlier copy of ours is there already: verify it, make nothing */
  AF_ROUTE_SKIP,       /* the name is taken, and the manifest says to leave it at that */
  AF_ROUTE_COPY_IMAGE,
  AF_ROUTE_REENCRYPT,
  AF_ROUTE_LAUNCH_IMAGE,
  AF_ROUTE_MAX_,
};
const char *af_route_name(enum af_route r); /* "none", "adopt", "skip", "copy-image", "reencrypt", "launch-image" */
int af_route_parse(const char *name, enum af_route *ret);
/* Does this route make something? */
static inline bool af_route_makes(enum af_route r) {
  return r == AF_ROUTE_COPY_IMAGE || r == AF_ROUTE_REENCRYPT || r == AF_ROUTE_LAUNCH_IMAGE;
}

/* Deregistration protection; with a cooldown it holds for 24 hours after it is disabled (rules.md 2.5). */
enum af_protection { AF_PROTECTION_NONE, AF_PROTECTION_ENABLED, AF_PROTECTION_WITH_COOLDOWN };

#define AF_DECISION_MAX_WARNINGS 12

struct af_decision {
  enum af_route route;
  char reason[512];       /* in words: "shared by 111111111111, encrypted under a customer key: …" */
  bool cross_account;     /* the source is another account's: share, then take back */
  bool pull;              /* nothing can be opened in the source account; cross_account is false then */
  bool instance_store;
  bool bridge;            /* the source's snapshots are under aws/ebs: a bridge AMI in the source account comes first … */
  char bridge_key_arn[256]; /* … under this key */
  bool hop;               /* launch-image: the image is made in the source Region, then copied to the target Region */
  bool encrypt_launch;    /* launch-image: the temporary volumes are to be encrypted … */
  char launch_key_arn[256]; /* … under this key; "" with encrypt_launch: the account's default EBS key */
  bool encrypt;           /* CopyImage gets Encrypted=true and the target key */
  char key_arn[256];      /* ARN of the target key; "" where nothing is to be encrypted */
  char name[129];         /* of the new AMI */
  char adopted_image[32]; /* AF_ROUTE_ADOPT and _SKIP: the image that is there */
  int64_t deprecate_ms;   /* of the new AMI, rounded down to the minute; 0: none */
  enum af_protection protection;
  struct af_error refusal; /* class AF_CLASS_NONE unless the route is NONE. AUTH: a person can mend it (the copy is blocked);
                              REFUSED and INVALID: it fails */
  char warnings[AF_DECISION_MAX_WARNINGS][256];
  int n_warnings;
};

/* A copy has a ladder: the routes that it may take, in order. auto has those of the source's kind (design section 4), a manifest's
 * list is one as it stands. What AWS refuses at run time sends the copy one rung down.
 *
 * tried: array of {"route", "code", "reason"}: the routes that AWS refused at run time, oldest first; NULL or empty: none.
 * The same spec, facts and tried always give the same decision. */
void af_route_decide(const struct af_copy_spec *spec, const struct af_facts *facts, const json_t *tried, struct af_decision *ret);

/* The ladders of auto, in the order in which they are looked at: the first that fits a source is its own. false past the end. */
#define AF_RUNGS_MAX 3
struct af_route_way {
  const char *words; /* which sources it is for: "it carries billing" */
  enum af_route rungs[AF_RUNGS_MAX];
  size_t n;
};
bool af_route_way(size_t i, struct af_route_way *ret);

/* May this copy come to launch an instance without anybody being asked again: because the manifest names launch-image, because the
 * image is billed, or because nothing else is left? Then facts->launch is read, and decided once more. */
bool af_route_reads_launch(const struct af_copy_spec *spec, const struct af_facts *facts, const json_t *tried);
/* How far down it can still go, from the rung that is chosen now: appends "copy-image, then launch-image"; nothing where no route
 * is chosen or nothing is made. */
struct af_buf;
void af_route_ladder(const struct af_copy_spec *spec, const struct af_facts *facts, const json_t *tried, struct af_buf *out);

#endif
