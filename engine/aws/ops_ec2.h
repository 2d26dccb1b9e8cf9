/* How EC2's calls are written down, and the shapes that several of them share; only the ops_ec2*.c include this. Version 2016-11-15,
 * as the model of 2026-08 has it. Requests: the names that go on the wire are the model's locationName with a capital (rules.md 8). */
#ifndef AF_ENGINE_AWS_OPS_EC2_H
#define AF_ENGINE_AWS_OPS_EC2_H

#include "engine/aws/ops_table.h"

#define EC2(name, in, out, ...) \
  {.service = "ec2", .action = #name, .label = "ec2:" #name, .version = "2016-11-15", .protocol = AF_PROTOCOL_EC2, \
   .input = &(in), .output = &(out), __VA_ARGS__}

/* An empty one would not narrow anything: a call for no images would return all of them (rules.md 6.3). */
extern const struct af_shape af_ec2_narrowing_strings, af_ec2_filters_in;
extern const struct af_shape af_ec2_strings_in, af_ec2_strings_out;
extern const struct af_shape af_ec2_tags_in, af_ec2_tags_out, af_ec2_tag_specifications_in;
extern const struct af_shape af_ec2_block_device_mappings_in, af_ec2_block_device_mappings_out;
extern const struct af_shape af_ec2_product_codes_out, af_ec2_state_reason_out;

#endif
