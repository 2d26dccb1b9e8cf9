/* Where calls go: partitions, the standard endpoints of EC2, KMS, S3 and STS, and endpoints that the user configured
 * (rules.md section 7, Endpoints). Pure: no files, no network. */
#ifndef AF_ENGINE_AWS_ENDPOINT_H
#define AF_ENGINE_AWS_ENDPOINT_H

#include "base/buf.h"
#include "base/error.h"

struct af_partition {
  const char *name;            /* "aws-us-gov" */
  const char *dns_suffix;      /* "amazonaws.com" */
  const char *dual_stack_suffix;
  const char *global_region;   /* stands for the partition where a service has one endpoint for all of it */
  const char *pseudo_region;   /* "aws-us-gov-global" */
  const char *const *prefixes; /* a Region is PREFIX-WORD-DIGITS; ends with NULL */
};

extern const struct af_partition af_partitions[]; /* ends with a NULL name */
/* The partition that a Region lies in; the aws partition for a Region that none knows, as AWS's own rules have it. */
const struct af_partition *af_partition_of(const char *region);
const struct af_partition *af_partition_named(struct af_str name); /* NULL where there is none */

/* 1 to 63 of a-z, 0-9 and -, no - at the ends: it becomes part of a host name. */
bool af_region_valid(struct af_str region);

/* A URL that requests may go to: http or https, a host, a port, a path; no user, query or fragment. */
#define AF_URL_MAX 2048
struct af_url {
  bool https;
  char host[256];      /* lower case; IPv6 in brackets */
  char authority[272]; /* the host, with :port where it isn't the scheme's own: as the Host header has it */
  char path[1024];     /* "/" at least */
};
/* -AF_EINVAL, class INVALID, code "BadEndpointUrl". what names the URL in messages ("AWS_ENDPOINT_URL"). */
int af_url_parse(struct af_url *ret, struct af_str text, const char *what, struct af_error *err);
/* 127.0.0.0/8, ::1 or localhost; in brackets or not. */
bool af_host_is_loopback(struct af_str host);
/* The link-local services that hand out credentials: plain http is all they speak. */
bool af_host_is_credential_service(struct af_str host);

struct af_endpoint_options {
  const char *url;    /* the endpoint that the user configured; NULL: none */
  const char *origin; /* where: "AWS_ENDPOINT_URL", "~/.aws/config:3"; for messages */
  bool fips, dual_stack;
  bool sts_legacy;    /* sts_regional_endpoints = legacy */
};

struct af_endpoint {
  struct af_url url;
  char signing_region[64];
  bool configured;   /* by the user */
  bool names_bucket; /* S3: the host names the bucket, so the path does not */
};
/* Class INVALID: "BadRegion", "MissingRegion", "BadEndpointUrl", "PlainHttpRefused", "EndpointConflict" (a custom endpoint with FIPS or dual stack). */
int af_endpoint_resolve(struct af_endpoint *ret, const char *service, const char *region, const struct af_endpoint_options *options,
                        struct af_error *err);
/* S3: puts the bucket into the host ("virtual-host style"), unless the user configured the endpoint (it may be an address, or have no names for
 * buckets; the AWS CLI does so, too), or the bucket's name can't be the one label that certificates cover: dots, capitals. Then it stays in
 * the path. */
void af_endpoint_name_bucket(struct af_endpoint *e, struct af_str bucket);

/* Appends scheme://authority/path. */
void af_endpoint_url(const struct af_url *url, struct af_buf *out);

#endif
