/* The worlds and manifests of the simulation's tests: two accounts, two Regions, one AMI that isn't encrypted and one that is. */
#ifndef AF_TESTS_SIMULATION_WORLDS_H
#define AF_TESTS_SIMULATION_WORLDS_H

#define SOURCE_KEY "arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-000000000001"

/* Latencies are AWS's own order of magnitude; reads lag, grants arrive late. */
#define WORLD_HEAD                                                                                                              \
  "version: 1\n"                                                                                                                \
  "regions: [us-east-1, eu-west-1]\n"                                                                                           \
  "latencies: {read_lag: [0, 8], grant_propagation: [5, 90], key_check: [2, 6], image_registration: [2, 10], copy_start: [0, 3]," \
  " copy_min: 5, copy_mib_per_s: 200}\n"                                                                                        \
  "audit: {copy_tag: 'amiferry:copy', step_tag: 'amiferry:step'}\n"

#define WORLD_ACCOUNTS                                                                                                          \
  "accounts:\n"                                                                                                                 \
  "- id: '111111111111'\n"                                                                                                      \
  "  users: [{name: operator, access_keys: [{id: AKIAOPERATOR00000001, secret: of-no-worth-at-all}]}]\n"                        \
  "  roles:\n"                                                                                                                  \
  "  - name: amiferry-source\n"                                                                                                 \
  "    trust: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {AWS: 'arn:aws:iam::111111111111:root'},"                   \
  " Condition: {StringEquals: {'sts:ExternalId': from-here}}}]\n"                                                               \
  "  regions:\n"                                                                                                                \
  "    us-east-1:\n"                                                                                                            \
  "      keys: [{id: 00000000-0000-4000-8000-000000000001, alias: alias/amis}]\n"                                               \
  "      snapshots:\n"                                                                                                          \
  "      - {id: snap-0a000000000000001, size: 8}\n"                                                                             \
  "      - {id: snap-0a000000000000002, size: 20}\n"                                                                            \
  "      - {id: snap-0b000000000000001, size: 8, encrypted: true, kms_key: alias/amis}\n"                                       \
  "      - {id: snap-0b000000000000002, size: 30, encrypted: true, kms_key: alias/amis}\n"                                      \
  "      images:\n"                                                                                                             \
  "      - id: ami-0a000000000000000\n"                                                                                         \
  "        name: plain\n"                                                                                                       \
  "        description: two volumes and a disk that is not kept\n"                                                              \
  "        mappings:\n"                                                                                                         \
  "        - {device: /dev/xvda, snapshot: snap-0a000000000000001, volume_type: gp3}\n"                                         \
  "        - {device: /dev/sdb, snapshot: snap-0a000000000000002, volume_type: io2, iops: 500, delete_on_termination: false}\n" \
  "        - {device: /dev/sdc, virtual_name: ephemeral0}\n"                                                                    \
  "      - id: ami-0b000000000000000\n"                                                                                         \
  "        name: sealed\n"                                                                                                      \
  "        architecture: arm64\n"                                                                                               \
  "        boot_mode: uefi\n"                                                                                                   \
  "        tpm_support: v2.0\n"                                                                                                 \
  "        imds_support: v2.0\n"                                                                                                \
  "        uefi_data: QU1aTlVFRkk=\n"                                                                                           \
  "        mappings:\n"                                                                                                         \
  "        - {device: /dev/xvda, snapshot: snap-0b000000000000001, volume_type: gp3, throughput: 250, iops: 4000}\n"            \
  "        - {device: /dev/sdb, snapshot: snap-0b000000000000002, volume_type: gp2}\n"                                          \
  "        - {device: /dev/sdc, volume_size: 5, volume_type: gp3, encrypted: true}\n"                                           \
  "- id: '222222222222'\n"                                                                                                      \
  "  roles:\n"                                                                                                                  \
  "  - name: amiferry-target\n"                                                                                                 \
  "    trust: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {AWS: 'arn:aws:iam::111111111111:root'},"                   \
  " Condition: {StringEquals: {'sts:ExternalId': to-there}}}]\n"                                                                \
  "  regions:\n"                                                                                                                \
  "    us-east-1:\n"                                                                                                            \
  "      keys: [{id: 00000000-0000-4000-8000-000000000011, alias: alias/amis}]\n"                                               \
  "    eu-west-1:\n"                                                                                                            \
  "      keys: [{id: 00000000-0000-4000-8000-000000000012, alias: alias/amis}]\n"

#define WORLD WORLD_HEAD WORLD_ACCOUNTS

#define CONFIG                                                                                     \
  "[profile from]\nrole_arn = arn:aws:iam::111111111111:role/amiferry-source\nsource_profile = operator\nexternal_id = from-here\n" \
  "[profile to]\nrole_arn = arn:aws:iam::222222222222:role/amiferry-target\nsource_profile = operator\nexternal_id = to-there\n"
#define CREDENTIALS "[operator]\naws_access_key_id = AKIAOPERATOR00000001\naws_secret_access_key = of-no-worth-at-all\n"

#define MANIFEST_HEAD                                                \
  "version: 1\n"                                                     \
  "defaults:\n"                                                      \
  "  source: {profile: from, region: us-east-1}\n"                   \
  "  target: {profile: to, region: eu-west-1}\n"                     \
  "copies:\n"
#define PLAIN "- {source: {image: ami-0a000000000000000}}\n"
#define PLAIN_HERE "- {source: {image: ami-0a000000000000000}, target: {region: us-east-1}}\n"
#define SEALED "- {source: {image: ami-0b000000000000000}, target: {kms_key: alias/amis}}\n"
#define SEALED_HERE "- {source: {image: ami-0b000000000000000}, target: {kms_key: alias/amis, region: us-east-1}}\n"

#endif
