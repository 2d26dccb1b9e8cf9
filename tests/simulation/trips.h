/* One trip for each route in both Region relations, and for each way that leads from one route to another. */
#ifndef AF_TESTS_SIMULATION_TRIPS_H
#define AF_TESTS_SIMULATION_TRIPS_H

#include "tests/simulation/check.h"
#include "tests/simulation/ladder_world.h"

struct trip {
  const char *world, *manifest;
  const char *route; /* by which it got there */
  const char *call;  /* that this route makes, */
  uint64_t times;    /* so often; "": any */
};

static const struct trip trips[] = {
    {WORLD, MANIFEST_HEAD PLAIN, "copy-image", "ec2:CopyImage", 1},
    {WORLD, MANIFEST_HEAD SEALED, "reencrypt", "ec2:CopySnapshot", 2},
    {WORLD, MANIFEST_HEAD SEALED_HERE, "reencrypt", "ec2:CopySnapshot", 2},
    {LADDER_WORLD("", ""), MANIFEST_HEAD IMAGE(BUNDLED, ""), "copy-image", "s3:PutBucketPolicy", 1},
    {LADDER_WORLD("", ""), MANIFEST_HEAD IMAGE(BUNDLED, HERE), "copy-image", "s3:DeleteBucketPolicy", 1},
    {LADDER_WORLD("", ""), MANIFEST_HEAD IMAGE(WINDOWS, ""), "copy-image", "ec2:CopyImage", 1},
    {LADDER_WORLD(REFUSED_BILLING, ""), MANIFEST_HEAD IMAGE(WINDOWS, HERE), "launch-image", "ec2:CreateImage", 1},
    {LADDER_WORLD(REFUSED_BILLING, ""), MANIFEST_HEAD IMAGE(WINDOWS, ""), "launch-image", "ec2:CopyImage", 1},
    {LADDER_WORLD(REFUSED_BILLING, ""), MANIFEST_HEAD IMAGE(WINDOWS, HERE_KEY), "launch-image", "ec2:CreateImage", 1},
    {LADDER_WORLD(REFUSED_BILLING, ""), MANIFEST_HEAD IMAGE(WINDOWS, THERE_KEY), "launch-image", "ec2:CopyImage", 1},
    {LADDER_WORLD(REFUSED_BILLING, SUBSCRIBED), MANIFEST_HEAD IMAGE(MARKET, HERE), "launch-image", "ec2:CreateImage", 1},
    {LADDER_WORLD(REFUSED_BILLING, ""), MANIFEST_HEAD IMAGE(HIDDEN, ""), "launch-image", "ec2:CreateImage", 1},
    {LADDER_WORLD("", ""), MANIFEST_HEAD IMAGE(RHEL, THERE_KEY), "copy-image", "ec2:CopyImage", 1},
    {LADDER_WORLD(LOSES_BILLING, ""), MANIFEST_HEAD IMAGE(RHEL, HERE_KEY ", route: [reencrypt, launch-image]"), "launch-image",
     "ec2:RegisterImage", 1},
    {LADDER_WORLD("", ""), MANIFEST_HEAD BRIDGED(DEFAULT_KEY, THERE_KEY), "reencrypt", "ec2:CopySnapshot", 2},
    {LADDER_WORLD("", ""), MANIFEST_HEAD BRIDGED(DEFAULT_KEY, HERE_KEY), "reencrypt", "ec2:CopyImage", 1},
    {LADDER_WORLD("", ""), MANIFEST_HEAD BRIDGED(DEFAULT_KEY_TPM, THERE_KEY), "copy-image", "ec2:CopyImage", 2},
    {LADDER_WORLD("", ""), PULL_HEAD IMAGE(GIVEN, ""), "copy-image", "ec2:CopyImage", 1},
    {LADDER_WORLD("", ""), PULL_HEAD IMAGE(LAUNCH_ONLY, HERE), "launch-image", "ec2:CreateImage", 1},
    {LADDER_WORLD("", ""), PULL_HEAD IMAGE(LAUNCH_ONLY, ""), "launch-image", "ec2:CopyImage", 1},
    {LADDER_WORLD("", ""), MANIFEST_HEAD IMAGE(GIVEN, ", trusted_owners: ['333333333333']"), "copy-image", "ec2:CopyImage", 1},
};

static inline void assert_route(struct rig *r, const char *route, const char *when) {
  struct af_copy_row *list;
  size_t n = rig_copies(r, &list);
  for (size_t i = 0; i < n; i++)
    if (!list[i].route || strcmp(list[i].route, route) != 0) fail_msg("%s: went %s, not %s", when, list[i].route ? list[i].route : "nowhere", route);
  rig_copies_free(list, n);
}

static inline void arrived(struct rig *r, const struct trip *t, const char *when) {
  assert_all(r, AF_COPY_DONE, when);
  assert_clean(r, when);
  assert_route(r, t->route, when);
  assert_int_equal(live_images(r), 1);
}

#endif
