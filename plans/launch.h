/* Where launch-image launches: which instance types can run an image, and in which subnets (rules.md 4). Pure: from what
 * DescribeInstanceTypes, DescribeInstanceTypeOfferings, DescribeSubnets and DescribeVpcs said of the target account in the source
 * Region (facts->launch). What the manifest names wins, and is checked. */
#ifndef AF_PLANS_LAUNCH_H
#define AF_PLANS_LAUNCH_H

#include "plans/facts.h"
#include "plans/manifest.h"

struct af_place {
  char instance_type[32], subnet[32], zone[32], vpc[32];
  bool burstable; /* its credits are to be standard: unlimited ones cost extra */
};

/* The i-th place to try; i counts up on InsufficientInstanceCapacity and the like. Types in order of fitness (current, burstable, in
 * the free tier, cheap, small), each crossed with the subnets whose zone offers it. -AF_ENOENT past the last. */
int af_launch_place(const struct af_copy_spec *spec, const struct af_facts *facts, size_t i, struct af_place *ret);

size_t af_launch_places(const struct af_copy_spec *spec, const struct af_facts *facts); /* how many there are */

/* Is there a place at all? 0, or a negative code with the reason and what to do about it. */
int af_launch_check(const struct af_copy_spec *spec, const struct af_facts *facts, struct af_error *err);

#endif
