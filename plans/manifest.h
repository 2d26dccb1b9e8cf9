/* The manifest: what to copy, from where, to where. Reading it touches no network; whatever is wrong with it is said with line
 * and path before anything is sent. The README documents each key.
 *
 *   version: 1
 *   defaults:                       # merged under each copy, member by member; tags too, lists as a whole
 *     source: {region: us-east-1, role_arn: arn:aws:iam::111111111111:role/amiferry-source, external_id: x}
 *     target: {account: "222222222222", region: eu-west-1, profile: recovery, kms_key: alias/amis}
 *   copies:
 *     - source: {image: ami-0123456789abcdef0}
 *       target: {region: eu-central-1}      # or targets: [ {...}, {...} ]: one copy each; in the defaults: for copies with neither
 *       name: web-2026-11                   # or a template: "{name}-{date}" (name.h); default: the source's own name
 *       description: ...                    # default: the source's own
 *       on_existing: adopt                  # where the name is taken: or skip, fail, suffix
 *       tags: {team: web}                   # on the new image and its snapshots, beside amiferry's own
 *       source_tags: true                   # the source's own come along
 *       route: auto                         # or copy-image, reencrypt, launch-image, or a list of them: the order to try
 *       trusted_owners: [amazon]            # whose images may be copied beside the two accounts'
 *       launch: {subnet: subnet-..., instance_type: t3.small, kms_key: alias/x} # for launch-image
 *       launch_permissions: {accounts: [], organizations: [], organizational_units: [], snapshots: false} # of the new image
 *       deprecation: keep                   # or none, 2027-06-30, 2027-06-30T12:00:00Z, 365d
 *       deregistration_protection: keep     # or none, enabled, enabled-with-cooldown
 *       allow_differences: [imdsSupport]    # attributes that verify may find different (attribute.h has their names)
 *
 * A source may say bridge_key: KEY (for snapshots under aws/ebs, a customer key of its account and Region), or credentials: none
 * where somebody else shared the image; then it has no profile, role or bridge key, and a copy's own word on how its source is
 * entered takes the place of the defaults'.
 *
 * Ids of digits (account, external_id) and the values of tags are taken as they are written, quoted or not; every other text is a
 * string. A key without a value is an error: leaving it out is how to say nothing.
 */
#ifndef AF_PLANS_MANIFEST_H
#define AF_PLANS_MANIFEST_H

#include <jansson.h>

#include "base/error.h"
#include "base/str.h"

#define AF_MANIFEST_MAX_BYTES (4 * 1024 * 1024)
#define AF_MANIFEST_MAX_COPIES 10000
#define AF_MANIFEST_MAX_MISTAKES 20 /* that are told */

/* One side of a copy. Strings are owned; NULL where the manifest says nothing. */
struct af_party {
  char *account;     /* 12 digits; checked against GetCallerIdentity where given */
  char *region;
  char *profile;     /* of the AWS configuration files; NULL: the default credential chain */
  char *role_arn;    /* assumed on top of that */
  char *external_id;
};

struct af_copy_spec {
  struct af_party source, target;
  bool pull;         /* source.credentials: none: somebody else shared it, and nothing of the source's account can be opened */
  char *image;       /* ami-... */
  char *bridge_key;  /* source.bridge_key: a customer key of the source account and Region */
  char *kms_key;     /* target.kms_key: key id, key ARN, alias/name or alias ARN, of the target account and Region */
  char *name;        /* NULL: the source's own */
  char *description; /* NULL: the source's own */
  char *on_existing; /* "adopt", "skip", "fail", "suffix"; never NULL */
  json_t *tags;      /* object of strings; never NULL */
  bool source_tags;
  json_t *routes;    /* array of route names, in the order in which they are tried; empty: auto; never NULL */
  json_t *trusted_owners; /* array of account ids and owner aliases; never NULL */
  char *launch_subnet, *launch_type, *launch_key; /* launch.subnet, .instance_type, .kms_key; NULL where unset */
  json_t *launch_permissions; /* {"accounts": [], "organizations": [], "organizational_units": [], "snapshots": bool}; never
                                 NULL, each member always there */
  char *deprecation;               /* "keep", "none", "365d", or a date-time in ISO 8601; never NULL */
  char *deregistration_protection; /* "keep", "none", "enabled", "enabled-with-cooldown"; never NULL */
  json_t *allow_differences; /* array of attribute names; never NULL */
};

struct af_manifest {
  struct af_copy_spec *copies;
  size_t n;
  char *normal;      /* the whole manifest in normal form: defaults merged, keys sorted, JSON; what is stored */
  char digest[65];   /* hex SHA-256 of normal */
};

struct af_mistakes { /* what is wrong with a manifest beside its first error */
  struct af_error list[AF_MANIFEST_MAX_MISTAKES - 1];
  size_t n, n_left; /* left: for which there was no room in the list */
};

/* path "-" is standard input. -AF_EINVAL, -AF_ETOOBIG, -AF_ENOENT, -AF_EIO, each with "name:line: path: what and what to do". One part of
 * a manifest that is wrong doesn't hide another: what else is found goes into more (may be NULL), which is always set. */
int af_manifest_read_file(struct af_manifest *ret, const char *path, struct af_mistakes *more, struct af_error *err);
int af_manifest_read(struct af_manifest *ret, const char *name, struct af_str text, struct af_mistakes *more, struct af_error *err);
void af_manifest_done(struct af_manifest *m);

/* A spec as JSON and back: what a copy's row keeps. A member that says what its absence says is left out, so that a manifest keeps
 * its digest when a version knows more keys, and a spec that an earlier version stored is read as what it meant. */
int af_copy_spec_to_json(const struct af_copy_spec *spec, json_t **ret);
int af_copy_spec_from_json(struct af_copy_spec *ret, const json_t *json, struct af_error *err);
void af_copy_spec_done(struct af_copy_spec *spec);
/* What makes two specs the same copy: source image, Region, target account-or-credentials, Region and wanted name. The caller frees.
 * -AF_ETOOBIG where it would pass 4096 bytes. */
int af_copy_spec_key(const struct af_copy_spec *spec, char **ret);

#endif
