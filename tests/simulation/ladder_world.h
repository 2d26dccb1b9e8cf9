/* A world with one AMI of each kind that needs more than CopyImage, and a seller's account that lets nobody in but by sharing. */
#ifndef AF_TESTS_SIMULATION_LADDER_WORLD_H
#define AF_TESTS_SIMULATION_LADDER_WORLD_H

#include "tests/simulation/worlds.h"

#define ROLE(name, external)                                                                              \
  "  roles:\n  - name: " name "\n"                                                                        \
  "    trust: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {AWS: 'arn:aws:iam::111111111111:root'}," \
  " Condition: {StringEquals: {'sts:ExternalId': " external "}}}]\n"

#define LADDER_ACCOUNTS(target)                                                                                                        \
  "accounts:\n"                                                                                                                        \
  "- id: '111111111111'\n"                                                                                                             \
  "  users: [{name: operator, access_keys: [{id: AKIAOPERATOR00000001, secret: of-no-worth-at-all}]}]\n" ROLE("amiferry-source", "from-here") \
  "  regions:\n"                                                                                                                       \
  "    us-east-1:\n"                                                                                                                   \
  "      keys: [{id: 00000000-0000-4000-8000-000000000001, alias: alias/amis}]\n"                                                      \
  "      buckets: [{name: golden-amis, ownership: ObjectWriter, objects: [{key: image.manifest.xml, content: x}, {key: image.part.0,"     \
  " size: 100}]}]\n"                                                                                                                    \
  "      snapshots:\n"                                                                                                                 \
  "      - {id: snap-0c000000000000001, size: 30, tags: {disk: system}}\n"                                                               \
  "      - {id: snap-0c000000000000002, size: 10, tags: {disk: data}}\n"                                                                 \
  "      - {id: snap-0d000000000000001, size: 8, product_codes: [{code: prod-abc}]}\n"                                                   \
  "      - {id: snap-0e000000000000001, size: 8}\n"                                                                                      \
  "      - {id: snap-0f000000000000001, size: 12, kms_key: alias/amis}\n"                                                                \
  "      - {id: snap-1a000000000000001, size: 8, encrypted: true, tags: {disk: system}}\n"                                               \
  "      - {id: snap-1a000000000000002, size: 9, encrypted: true}\n"                                                                     \
  "      - {id: snap-1b000000000000001, size: 8, encrypted: true}\n"                                                                     \
  "      images:\n"                                                                                                                    \
  "      - id: ami-0c000000000000000\n"                                                                                                  \
  "        name: windows\n"                                                                                                            \
  "        description: it boots once\n"                                                                                               \
  "        platform: windows\n        billing: true\n"                                                                                                        \
  "        platform_details: Windows\n"                                                                                                \
  "        usage_operation: 'RunInstances:0002'\n"                                                                                     \
  "        imds_support: v2.0\n"                                                                                                       \
  "        tags: {team: desktop, 'Straße': 'Ärger & Co'}\n"                                                                            \
  "        mappings:\n"                                                                                                                \
  "        - {device: /dev/sda1, snapshot: snap-0c000000000000001, volume_type: gp3}\n"                                                  \
  "        - {device: xvdf, snapshot: snap-0c000000000000002, volume_type: gp2, delete_on_termination: false}\n"                         \
  "      - {id: ami-1c000000000000000, name: bundled, root_device_type: instance-store, location: golden-amis/image.manifest.xml}\n"     \
  "      - id: ami-0d000000000000000\n"                                                                                                  \
  "        name: market\n"                                                                                                             \
  "        product_codes: [{code: prod-abc}]\n"                                                                                        \
  "        mappings: [{device: /dev/xvda, snapshot: snap-0d000000000000001}]\n"                                                        \
  "      - id: ami-0e000000000000000\n"                                                                                                  \
  "        name: hidden\n"                                                                                                             \
  "        billing: true\n"                                                                                                            \
  "        mappings: [{device: /dev/xvda, snapshot: snap-0e000000000000001}]\n"                                                        \
  "      - id: ami-0f000000000000000\n"                                                                                                  \
  "        name: rhel\n"                                                                                                               \
  "        platform_details: Red Hat Enterprise Linux\n"                                                                               \
  "        usage_operation: 'RunInstances:0010'\n"                                                                                     \
  "        mappings: [{device: /dev/xvda, snapshot: snap-0f000000000000001, volume_type: gp3}]\n"                                      \
  "      - id: ami-1a000000000000000\n"                                                                                                  \
  "        name: default-key\n"                                                                                                        \
  "        tags: {team: vault}\n"                                                                                                      \
  "        mappings:\n"                                                                                                                \
  "        - {device: /dev/xvda, snapshot: snap-1a000000000000001, volume_type: gp3}\n"                                                  \
  "        - {device: /dev/sdb, snapshot: snap-1a000000000000002, volume_type: gp3}\n"                                                   \
  "      - id: ami-1b000000000000000\n"                                                                                                  \
  "        name: default-key-tpm\n"                                                                                                    \
  "        boot_mode: uefi-preferred\n"                                                                                                \
  "        tpm_support: v2.0\n"                                                                                                        \
  "        mappings: [{device: /dev/xvda, snapshot: snap-1b000000000000001, volume_type: gp3}]\n"                                      \
  "- id: '222222222222'\n" target ROLE("amiferry-target", "to-there")                                                                  \
  "  regions:\n"                                                                                                                       \
  "    us-east-1:\n"                                                                                                                   \
  "      keys: [{id: 00000000-0000-4000-8000-000000000011, alias: alias/amis}]\n"                                                      \
  "    eu-west-1:\n"                                                                                                                   \
  "      keys: [{id: 00000000-0000-4000-8000-000000000012, alias: alias/amis}]\n"                                                      \
  "- id: '333333333333'\n"                                                                                                             \
  "  regions:\n"                                                                                                                       \
  "    us-east-1:\n"                                                                                                                   \
  "      snapshots:\n"                                                                                                                 \
  "      - {id: snap-2a000000000000001, size: 8, create_volume_permissions: ['222222222222']}\n"                                         \
  "      - {id: snap-2b000000000000001, size: 8}\n"                                                                                      \
  "      images:\n"                                                                                                                    \
  "      - id: ami-2a000000000000000\n"                                                                                                  \
  "        name: given\n"                                                                                                              \
  "        boot_mode: legacy-bios\n"                                                                                                   \
  "        launch_permissions: ['222222222222', '111111111111']\n"                                                                     \
  "        mappings: [{device: /dev/xvda, snapshot: snap-2a000000000000001}]\n"                                                        \
  "      - id: ami-2b000000000000000\n"                                                                                                  \
  "        name: launch-only\n"                                                                                                        \
  "        boot_mode: legacy-bios\n"                                                                                                   \
  "        launch_permissions: ['222222222222']\n"                                                                                     \
  "        mappings: [{device: /dev/xvda, snapshot: snap-2b000000000000001}]\n"

#define REFUSED_BILLING "uncertain: {billing_copy_refused: true, marketplace_copy_refused: true}\n"
#define LOSES_BILLING "uncertain: {register_keeps_billing: false}\n"
#define SUBSCRIBED "  subscriptions: [prod-abc]\n"
#define LADDER_WORLD(uncertain, target) WORLD_HEAD uncertain LADDER_ACCOUNTS(target)

#define HERE ", target: {region: us-east-1}"
#define HERE_KEY ", target: {region: us-east-1, kms_key: alias/amis}"
#define THERE_KEY ", target: {kms_key: alias/amis}"
#define IMAGE(id, rest) "- {source: {image: " id "}" rest "}\n"
#define BRIDGED(id, rest) "- {source: {image: " id ", bridge_key: alias/amis}" rest "}\n"
#define WINDOWS "ami-0c000000000000000"
#define MARKET "ami-0d000000000000000"
#define HIDDEN "ami-0e000000000000000"
#define RHEL "ami-0f000000000000000"
#define BUNDLED "ami-1c000000000000000"
#define DEFAULT_KEY "ami-1a000000000000000"
#define DEFAULT_KEY_TPM "ami-1b000000000000000"

/* With nobody to ask in the source account. */
#define PULL_HEAD                                                                                              \
  "version: 1\n"                                                                                               \
  "defaults: {source: {credentials: none, region: us-east-1}, target: {profile: to, region: eu-west-1}," \
  " trusted_owners: ['333333333333']}\n"                                                                       \
  "copies:\n"
#define GIVEN "ami-2a000000000000000"
#define LAUNCH_ONLY "ami-2b000000000000000"

#endif
