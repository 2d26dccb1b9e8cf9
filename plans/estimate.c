/* Size, cost and time of copies. The prices are one table; the assumption about speed is one constant. */
#include "plans/estimate.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/time.h"
#include "plans/launch.h"

static const int64_t gib = INT64_C(1) << 30;

/* Standard copies have no promised speed. AWS offers at most 500 MiB/s a snapshot for money (rules.md 9); this is a fifth of
 * that, and some minutes for AWS to begin and end each one. */
enum { ASSUMED_MIB_PER_S = 100, ASSUMED_OVERHEAD_MS = 3 * 60 * 1000 };
/* Snapshot copies side by side into one Region of an account (rules.md 6.1). */
enum { SIDE_BY_SIDE = 20 };

/* --- prices (rules.md 9 and 12) --- */

static const struct af_price_row prices[] = {
    [AF_PRICE_SNAPSHOT] = {"EBS snapshots, standard tier, a GB-month", "AWS's EBS snapshot pricing, us-east-1", {{0, 50000}}},
    [AF_PRICE_S3] = {"S3 Standard, a GB-month",
                     "AWS's S3 list price, us-east-1",
                     {{50 * 1024, 23000}, {450 * 1024, 22000}, {0, 21000}}},
    [AF_PRICE_TRANSFER] = {"transfer between Regions, a GB", "the usual inter-Region price; far Regions cost more", {{0, 20000}}},
    [AF_PRICE_TRANSFER_NEAR] = {"transfer between us-east-1 and us-east-2, a GB",
                                "the usual price between the two",
                                {{0, 10000}}},
};
_Static_assert(sizeof prices / sizeof prices[0] == AF_PRICE_MAX_, "every price has its row");

const struct af_price_row *af_price_row(enum af_price p) {
  return &prices[p];
}

/* Rounded up, and without passing through a product that overflows: 2^63 bytes are 2^33 GB. */
static int64_t price_of(int64_t bytes, int64_t micros) {
  int64_t part = (bytes % gib * micros + gib - 1) / gib;
  return bytes / gib * micros + part;
}

int64_t af_price_micros(enum af_price p, int64_t bytes) {
  int64_t sum = 0;
  for (size_t i = 0; i < AF_PRICE_TIERS && bytes > 0; i++) {
    int64_t room = prices[p].tiers[i].gb * gib;
    int64_t here = room > 0 && bytes > room ? room : bytes;
    sum += price_of(here, prices[p].tiers[i].micros);
    bytes -= here;
  }
  return sum;
}

/* EC2's on-demand list prices for Linux, us-east-1, millionths of a US dollar an hour: the types that launch-image would take
 * first. */
static const struct {
  const char *type;
  int64_t micros;
} hours[] = {
    {"t4g.micro", 8400},   {"t4g.small", 16800},  {"t4g.medium", 33600}, {"t4g.large", 67200},  {"t3a.micro", 9400},
    {"t3a.small", 18800},  {"t3a.medium", 37600}, {"t3a.large", 75200},  {"t3.micro", 10400},   {"t3.small", 20800},
    {"t3.medium", 41600},  {"t3.large", 83200},   {"t2.micro", 11600},   {"t2.small", 23000},   {"t2.medium", 46400},
    {"t2.large", 92800},   {"m7g.medium", 40800}, {"m6g.medium", 38500}, {"c7g.medium", 36300}, {"c6g.medium", 34000},
    {"m7i.large", 100800}, {"m6i.large", 96000},  {"m5.large", 96000},   {"m5a.large", 86000},  {"c7i.large", 89250},
    {"c6i.large", 85000},  {"c5.large", 85000},   {"m4.large", 100000},  {"c4.large", 100000},  {"m3.medium", 67000},
    {"c3.large", 105000},
};

int64_t af_price_instance(const char *type) {
  for (size_t i = 0; i < sizeof hours / sizeof hours[0]; i++)
    if (af_streq(hours[i].type, type))
      return hours[i].micros;
  return 0;
}

/* --- estimates --- */

void af_estimate_init(struct af_estimate *e) {
  *e = (struct af_estimate){0};
}

void af_estimate_done(struct af_estimate *e) {
  if (!e)
    return;
  free(e->places);
  *e = (struct af_estimate){0};
}

/* The place of an account and Region, new where there is none yet. A handful of them: looking through is quick. */
static struct af_estimate_place *place_of(struct af_estimate *e, const char *account, const char *region) {
  for (size_t i = 0; i < e->n; i++)
    if (af_streq(e->places[i].account, account) && af_streq(e->places[i].region, region))
      return &e->places[i];
  struct af_estimate_place *places = realloc(e->places, (e->n + 1) * sizeof *places);
  if (!places)
    return NULL;
  e->places = places;
  struct af_estimate_place *place = &places[e->n++];
  *place = (struct af_estimate_place){0};
  AF_COPY(place->account, af_str(account));
  AF_COPY(place->region, af_str(region));
  return place;
}

static bool is_near(const char *a, const char *b) {
  return (af_streq(a, "us-east-1") && af_streq(b, "us-east-2")) || (af_streq(a, "us-east-2") && af_streq(b, "us-east-1"));
}

/* A bridge and a hop are images on the way: each moves and stores all of it once more. */
static int64_t extra_images(const struct af_decision *d) {
  return (d->bridge ? 1 : 0) + (d->hop ? 1 : 0);
}

static void add_snapshots(struct af_estimate_place *place, const json_t *snapshots, int64_t extra) {
  for (size_t i = 0; i < json_array_size(snapshots); i++) {
    int64_t bytes = af_snapshot_bytes(json_array_get(snapshots, i));
    int64_t ms = (ASSUMED_OVERHEAD_MS + bytes / (ASSUMED_MIB_PER_S * INT64_C(1048576)) * 1000) * (1 + extra);
    for (int64_t k = 0; k < extra; k++)
      place->temporary_bytes = af_bytes_plus(place->temporary_bytes, bytes);
    place->snapshots++;
    place->bytes = af_bytes_plus(place->bytes, bytes);
    place->work_ms += ms;
    if (ms > place->longest_ms)
      place->longest_ms = ms;
  }
}

/* A launch takes minutes; the first hour is what is paid for at the most. Nothing is said of a place that was not looked for. */
static void add_launch(struct af_estimate_place *place, const struct af_copy_spec *spec, const struct af_facts *facts) {
  struct af_place where;
  place->launches++;
  if (af_launch_place(spec, facts, 0, &where) == 0)
    place->launch_micros += af_price_instance(where.instance_type);
}

static void finish(struct af_estimate_place *place) {
  int64_t shared = place->work_ms / SIDE_BY_SIDE;
  place->time_ms = shared > place->longest_ms ? shared : place->longest_ms;
  place->storage_micros = af_price_micros(AF_PRICE_SNAPSHOT, place->bytes);
  place->transfer_micros = af_price_micros(AF_PRICE_TRANSFER, place->transfer_bytes - place->near_bytes) +
                           af_price_micros(AF_PRICE_TRANSFER_NEAR, place->near_bytes);
}

int af_estimate_add(struct af_estimate *e, const struct af_copy_spec *spec, const struct af_facts *facts,
                    const struct af_decision *decision) {
  struct af_estimate_place *place = place_of(e, facts->target_account, spec->target.region);
  if (!place)
    return -AF_ENOMEM;
  place->refused += decision->route == AF_ROUTE_NONE;
  if (decision->route == AF_ROUTE_ADOPT || decision->route == AF_ROUTE_SKIP)
    place->adopted++;
  if (!af_route_makes(decision->route))
    return 0;
  int64_t before = place->bytes;
  place->copies++;
  add_snapshots(place, facts->snapshots, extra_images(decision));
  if (decision->route == AF_ROUTE_LAUNCH_IMAGE)
    add_launch(place, spec, facts);
  if (!af_streq(spec->source.region, spec->target.region)) {
    place->transfer_bytes = af_bytes_plus(place->transfer_bytes, place->bytes - before);
    if (is_near(spec->source.region, spec->target.region))
      place->near_bytes = af_bytes_plus(place->near_bytes, place->bytes - before);
  }
  finish(place);
  return 0;
}

void af_estimate_total(const struct af_estimate *e, struct af_estimate_place *ret) {
  struct af_estimate_place t = {0};
  for (size_t i = 0; i < e->n; i++) {
    const struct af_estimate_place *p = &e->places[i];
    t.copies += p->copies;
    t.adopted += p->adopted;
    t.refused += p->refused;
    t.launches += p->launches;
    t.launch_micros += p->launch_micros;
    t.temporary_bytes = af_bytes_plus(t.temporary_bytes, p->temporary_bytes);
    t.snapshots += p->snapshots;
    t.bytes = af_bytes_plus(t.bytes, p->bytes);
    t.transfer_bytes = af_bytes_plus(t.transfer_bytes, p->transfer_bytes);
    t.near_bytes = af_bytes_plus(t.near_bytes, p->near_bytes);
    t.storage_micros += p->storage_micros;
    t.transfer_micros += p->transfer_micros;
    t.work_ms += p->work_ms;
    t.longest_ms = p->longest_ms > t.longest_ms ? p->longest_ms : t.longest_ms;
    t.time_ms = p->time_ms > t.time_ms ? p->time_ms : t.time_ms;
  }
  if (e->n == 1) {
    AF_COPY(t.account, af_str(e->places[0].account));
    AF_COPY(t.region, af_str(e->places[0].region));
  }
  *ret = t;
}

/* --- in words --- */

void af_micros_text(struct af_buf *out, int64_t micros) {
  if (micros > 0 && micros < 10000) {
    af_buf_printf(out, "$0.%06" PRId64, micros);
    return;
  }
  int64_t cents = micros / 10000 + (micros % 10000 >= 5000);
  char digits[24];
  int n = snprintf(digits, sizeof digits, "%" PRId64, cents / 100);
  af_buf_putc(out, '$');
  for (int i = 0; i < n; i++) {
    if (i > 0 && (n - i) % 3 == 0)
      af_buf_putc(out, ',');
    af_buf_putc(out, digits[i]);
  }
  af_buf_printf(out, ".%02" PRId64, cents % 100);
}

void af_bytes_text(struct af_buf *out, int64_t bytes) {
  static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t unit = 0;
  int64_t scale = 1;
  while (unit + 1 < sizeof units / sizeof units[0] && bytes / scale >= 1024) {
    scale *= 1024;
    unit++;
  }
  if (unit == 0) {
    af_buf_printf(out, "%" PRId64 " %s", bytes, bytes == 1 ? "byte" : units[0]);
    return;
  }
  /* Tenths, rounded down; the remainder is below scale, so that ten of it fit. */
  af_buf_printf(out, "%" PRId64 ".%" PRId64 " %s", bytes / scale, bytes % scale / (scale / 1024) * 10 / 1024, units[unit]);
}

void af_estimate_say(struct af_buf *out, const struct af_estimate_place *p) {
  char span[AF_TIME_SIZE];
  af_time_span(p->time_ms, span);
  af_buf_printf(out, "%" PRId64 " %s of %" PRId64 " %s to make, %" PRId64 " there already, %" PRId64 " refused\n", p->copies,
                p->copies == 1 ? "copy" : "copies", p->snapshots, p->snapshots == 1 ? "snapshot" : "snapshots", p->adopted,
                p->refused);
  af_buf_puts(out, "size      at most ");
  af_bytes_text(out, p->bytes);
  af_buf_puts(out, ", of which ");
  af_bytes_text(out, p->transfer_bytes);
  af_buf_puts(out, " between Regions; less where AWS can copy incrementally\nstorage   at most ");
  af_micros_text(out, p->storage_micros);
  af_buf_printf(out, " a month, paid by the target (%s)\ntransfer  at most ", prices[AF_PRICE_SNAPSHOT].source);
  af_micros_text(out, p->transfer_micros);
  af_buf_printf(out, " once, paid by the source (%s)\n", prices[AF_PRICE_TRANSFER].source);
  if (p->temporary_bytes > 0) {
    af_buf_puts(out, "meanwhile at most ");
    af_bytes_text(out, p->temporary_bytes);
    af_buf_puts(out, " more is stored, in bridge and hop images that are gone at the end\n");
  }
  if (p->launches > 0) {
    af_buf_printf(out, "launches  %" PRId64 " %s, about ", p->launches, p->launches == 1 ? "instance" : "instances");
    af_micros_text(out, p->launch_micros);
    af_buf_puts(out, " for an hour each where the type is a usual one (EC2's on-demand prices for Linux, us-east-1); what their "
                     "software costs comes on top\n");
  }
  af_buf_printf(out, "time      about %s, if AWS copies %d MiB a second for each snapshot, %d side by side in a Region\n", span,
                ASSUMED_MIB_PER_S, SIDE_BY_SIDE);
}
