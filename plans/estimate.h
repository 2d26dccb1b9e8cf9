/* What copies move, what that costs and how long it takes, before anything is sent. From facts alone, so that all of it is an
 * upper bound: AWS moves and stores less where an earlier copy of the same lineage is there (rules.md 9). Pure.
 *
 *   struct af_estimate e;
 *   af_estimate_init(&e);
 *   for each copy: af_estimate_add(&e, spec, facts, decision);
 *   af_estimate_total(&e, &total);   // or look at e.places, one for each target account and Region
 *   af_estimate_say(&out, &total);   // the lines that `plan` prints
 *
 * Money is in millionths of a US dollar, so that sums are exact. A price's GB is taken as 2^30 bytes. */
#ifndef AF_PLANS_ESTIMATE_H
#define AF_PLANS_ESTIMATE_H

#include "plans/route.h"

/* --- prices --- */

enum af_price {
  AF_PRICE_SNAPSHOT,      /* EBS snapshots, standard tier, a GB and month */
  AF_PRICE_S3,            /* where instance-store AMIs live, a GB and month */
  AF_PRICE_TRANSFER,      /* between Regions, a GB, once */
  AF_PRICE_TRANSFER_NEAR, /* between us-east-1 and us-east-2 */
  AF_PRICE_MAX_,
};

#define AF_PRICE_TIERS 3
struct af_price_row {
  const char *what;   /* "EBS snapshots, standard tier" */
  const char *source; /* where the figures are from, and for which Region they hold */
  struct {
    int64_t gb;     /* so many more at this price; 0: all the rest */
    int64_t micros; /* millionths of a US dollar for each */
  } tiers[AF_PRICE_TIERS];
};
const struct af_price_row *af_price_row(enum af_price p); /* static */
int64_t af_price_micros(enum af_price p, int64_t bytes);  /* through the tiers, rounded up */
/* What an hour of a Linux instance costs on demand in us-east-1; 0 for a type that is not in the table. */
int64_t af_price_instance(const char *type);

/* --- estimates --- */

/* The copies to one target account and Region, or to all of them. */
struct af_estimate_place {
  char account[16], region[32]; /* "" in a total over several */
  int64_t copies;          /* that make something */
  int64_t adopted, refused; /* adopted: nothing to make, because it is there or its name is */
  int64_t launches;        /* instances to be launched on the way */
  int64_t snapshots;       /* to be made */
  int64_t bytes;           /* to be stored; moved within a Region or between two */
  int64_t transfer_bytes;  /* of them between two Regions */
  int64_t near_bytes;      /* of those between us-east-1 and us-east-2 */
  int64_t temporary_bytes; /* stored on the way, and gone when the copies have ended */
  int64_t storage_micros;  /* a month; paid by the target account */
  int64_t transfer_micros; /* once; paid by the source account (rules.md 9) */
  int64_t launch_micros;   /* once, an hour for each instance whose type has a price here; without what their software costs */
  int64_t longest_ms;      /* of one snapshot */
  int64_t work_ms;         /* of all snapshots, one after another */
  int64_t time_ms;         /* as many side by side as AWS allows */
};

struct af_estimate {
  struct af_estimate_place *places; /* owned */
  size_t n;
};

void af_estimate_init(struct af_estimate *e);
void af_estimate_done(struct af_estimate *e); /* takes NULL */
int af_estimate_add(struct af_estimate *e, const struct af_copy_spec *spec, const struct af_facts *facts,
                    const struct af_decision *decision); /* 0 or -AF_ENOMEM */
/* All places together: sums, and the time of the slowest, as Regions do not wait for each other. */
void af_estimate_total(const struct af_estimate *e, struct af_estimate_place *ret);

struct af_buf;
/* Lines for a person: size, cost with what it rests on, time with its assumption. */
void af_estimate_say(struct af_buf *out, const struct af_estimate_place *place);
void af_micros_text(struct af_buf *out, int64_t micros); /* "$1,234.56"; "$0.0012" where cents would hide it */
void af_bytes_text(struct af_buf *out, int64_t bytes);   /* "12.3 GiB" */

#endif
