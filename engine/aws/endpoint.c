/* Partitions and endpoints as data, and the few rules over them (rules.md section 7). It promises the outcomes of AWS's own endpoint rules
 * for EC2, KMS, S3 and STS, which the tests walk. */
#include "engine/aws/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

const struct af_partition af_partitions[] = {
    {"aws", "amazonaws.com", "api.aws", "us-east-1", "aws-global", LIST("us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx")},
    {"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1", "aws-cn-global", LIST("cn")},
    {"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1", NULL, LIST("eusc-de")},
    {"aws-iso", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1", "aws-iso-global", LIST("us-iso")},
    {"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1", "aws-iso-b-global", LIST("us-isob")},
    {"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1", "aws-iso-e-global", LIST("eu-isoe")},
    {"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1", "aws-iso-f-global", LIST("us-isof")},
    {"aws-us-gov", "amazonaws.com", "api.aws", "us-gov-west-1", "aws-us-gov-global", LIST("us-gov")},
    {NULL},
};

struct service {
  const char *name;
  bool plain_fips_in_gov; /* GovCloud's ordinary endpoint is the FIPS one */
};
static const struct service services[] = {{"ec2", true}, {"kms", false}, {"sts", true}, {"s3", false}, {NULL}};

/* The Regions whose STS calls go to the one global endpoint where the user asks for legacy behaviour. */
static const char *const sts_legacy_regions[] = {
    "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "aws-global", "ca-central-1", "eu-central-1", "eu-north-1",
    "eu-west-1",      "eu-west-2",  "eu-west-3",      "sa-east-1",      "us-east-1",  "us-east-2",    "us-west-1",    "us-west-2",
    NULL};

static bool listed(const char *const *list, const char *s) {
  for (; *list; list++)
    if (strcmp(*list, s) == 0)
      return true;
  return false;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* PREFIX-\w+-\d+ */
static bool region_has_shape(const char *region, const char *prefix) {
  size_t len = strlen(prefix);
  if (strncmp(region, prefix, len) != 0 || region[len] != '-')
    return false;
  const char *p = region + len + 1, *word = p;
  while (is_word(*p))
    p++;
  if (p == word || *p != '-')
    return false;
  const char *digits = ++p;
  while (is_digit(*p))
    p++;
  return p > digits && *p == 0;
}

const struct af_partition *af_partition_of(const char *region) {
  for (const struct af_partition *p = af_partitions; p->name; p++) {
    if (p->pseudo_region && strcmp(p->pseudo_region, region) == 0)
      return p;
    for (const char *const *prefix = p->prefixes; *prefix; prefix++)
      if (region_has_shape(region, *prefix))
        return p;
  }
  return &af_partitions[0];
}

const struct af_partition *af_partition_named(struct af_str name) {
  for (const struct af_partition *p = af_partitions; p->name; p++)
    if (af_str_eq(name, af_str(p->name)))
      return p;
  return NULL;
}

bool af_region_valid(struct af_str region) {
  if (region.len == 0 || region.len > 63 || region.ptr[0] == '-' || region.ptr[region.len - 1] == '-')
    return false;
  for (size_t i = 0; i < region.len; i++)
    if (!is_digit(region.ptr[i]) && !(region.ptr[i] >= 'a' && region.ptr[i] <= 'z') && region.ptr[i] != '-')
      return false;
  return true;
}

/* --- URLs --- */

static struct af_str without_brackets(struct af_str host) {
  if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
    return af_str_n(host.ptr + 1, host.len - 2);
  return host;
}

bool af_host_is_loopback(struct af_str host) {
  char text[64];
  struct in_addr v4;
  struct in6_addr v6;
  host = without_brackets(host);
  if (!AF_COPY(text, host))
    return false;
  if (inet_pton(AF_INET, text, &v4) == 1)
    return (ntohl(v4.s_addr) >> 24) == 127;
  if (inet_pton(AF_INET6, text, &v6) == 1)
    return IN6_IS_ADDR_LOOPBACK(&v6);
  return strcmp(text, "localhost") == 0;
}

bool af_host_is_credential_service(struct af_str host) {
  static const char *const hosts[] = {"169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"};
  host = without_brackets(host);
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
    if (af_str_eq(host, af_str(hosts[i])))
      return true;
  return false;
}

/* What is before an @ may be a password, and errors are stored and logged. */
static int bad_url(const char *what, struct af_str text, const char *why, struct af_error *err) {
  const char *at = text.len ? memrchr(text.ptr, '@', text.len) : NULL;
  struct af_str told = at ? af_str_n(at, (size_t)(text.ptr + text.len - at)) : text;
  return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadEndpointUrl", "%s: \"%s%.*s\" %s", what, at ? "..." : "",
                      (int)(told.len > 300 ? 300 : told.len), told.len ? told.ptr : "", why);
}

static bool take_scheme(struct af_str *s, const char *scheme) {
  if (!af_str_starts(*s, scheme))
    return false;
  *s = af_str_n(s->ptr + strlen(scheme), s->len - strlen(scheme));
  return true;
}

static bool host_char(char c) {
  return is_word(c) || c == '-' || c == '.';
}

/* The length of the host that s begins with; 0 where there is none. */
static size_t host_length(struct af_str s) {
  size_t n = 0;
  if (s.len > 0 && s.ptr[0] == '[') {
    const char *close = memchr(s.ptr, ']', s.len);
    char text[64];
    struct in6_addr v6;
    struct af_str address = af_str_n(s.ptr + 1, close ? (size_t)(close - s.ptr) - 1 : 0);
    /* What inet_pton() doesn't see, behind a NUL, is no address either. */
    if (!close || memchr(address.ptr, 0, address.len) || !AF_COPY(text, address) || inet_pton(AF_INET6, text, &v6) != 1)
      return 0;
    return (size_t)(close - s.ptr) + 1;
  }
  while (n < s.len && host_char(s.ptr[n]))
    n++;
  return n;
}

static void lower(char *s) {
  for (; *s; s++)
    if (*s >= 'A' && *s <= 'Z')
      *s = (char)(*s - 'A' + 'a');
}

static bool path_ok(struct af_str path) {
  for (size_t i = 0; i < path.len; i++)
    if (path.ptr[i] <= ' ' || path.ptr[i] >= 0x7f || strchr("?#\\\"<>^`{|}", path.ptr[i]))
      return false;
  return true;
}

int af_url_parse(struct af_url *ret, struct af_str text, const char *what, struct af_error *err) {
  struct af_url url = {0};
  struct af_str rest = af_str_trim(text);
  uint64_t port = 0;
  if (take_scheme(&rest, "https://"))
    url.https = true;
  else if (!take_scheme(&rest, "http://"))
    return bad_url(what, text, "is no http:// or https:// URL", err);
  size_t host = host_length(rest), n = host;
  if (host == 0 || !AF_COPY(url.host, af_str_n(rest.ptr, host)))
    return bad_url(what, text, "has no host name that can be used", err);
  if (n < rest.len && rest.ptr[n] == ':') {
    const char *digits = rest.ptr + ++n;
    while (n < rest.len && is_digit(rest.ptr[n]))
      n++;
    if (af_str_to_u64(af_str_n(digits, (size_t)(rest.ptr + n - digits)), &port) < 0 || port == 0 || port > 65535)
      return bad_url(what, text, "has a port that is none", err);
  }
  struct af_str path = af_str_n(rest.ptr + n, rest.len - n);
  if ((path.len > 0 && path.ptr[0] != '/') || !path_ok(path))
    return bad_url(what, text, "may hold a host, a port and a path, nothing else", err);
  if (!AF_COPY(url.path, path.len ? path : af_str("/")))
    return bad_url(what, text, "is too long", err);
  lower(url.host);
  if (port == 0 || port == (url.https ? 443u : 80u))
    snprintf(url.authority, sizeof url.authority, "%s", url.host);
  else
    snprintf(url.authority, sizeof url.authority, "%s:%u", url.host, (unsigned)port);
  *ret = url;
  return 0;
}

void af_endpoint_url(const struct af_url *url, struct af_buf *out) {
  af_buf_printf(out, "%s://%s%s", url->https ? "https" : "http", url->authority, url->path);
}

/* --- endpoints --- */

static int resolve_custom(struct af_endpoint *ret, const struct af_endpoint_options *o, struct af_error *err) {
  const char *origin = o->origin ? o->origin : "endpoint";
  if (o->fips || o->dual_stack) {
    af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "EndpointConflict", "%s gives an endpoint, and %s endpoints are asked for as well", origin,
                 o->fips ? "FIPS" : "dual-stack");
    af_error_hint(err, "remove the endpoint, or turn off %s", o->fips ? "AWS_USE_FIPS_ENDPOINT" : "AWS_USE_DUALSTACK_ENDPOINT");
    return -AF_EINVAL;
  }
  int rc = af_url_parse(&ret->url, af_str(o->url), origin, err);
  if (rc == 0 && !ret->url.https && !af_host_is_loopback(af_str(ret->url.host))) {
    rc = af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "PlainHttpRefused", "%s: plain http to %s is refused", origin, ret->url.host);
    af_error_hint(err, "use https://; plain http is for loopback addresses");
  }
  return rc;
}

static const struct service *service_named(const char *name) {
  for (const struct service *s = services; s->name; s++)
    if (strcmp(s->name, name) == 0)
      return s;
  return NULL;
}

/* STS's global endpoint: no Region in its name, signed for us-east-1. */
static bool sts_is_global(const char *region, const struct af_endpoint_options *o) {
  if (o->fips || o->dual_stack)
    return false;
  return strcmp(region, "aws-global") == 0 || (o->sts_legacy && listed(sts_legacy_regions, region));
}

static void standard_host(char *host, size_t size, const char *name, const char *region, const struct af_endpoint_options *o) {
  const struct af_partition *p = af_partition_of(region);
  const struct service *s = service_named(name);
  bool plain = s && s->plain_fips_in_gov && !o->dual_stack && strcmp(p->name, "aws-us-gov") == 0;
  if (strcmp(name, "sts") == 0 && sts_is_global(region, o))
    snprintf(host, size, "sts.amazonaws.com");
  else if (strcmp(name, "s3") == 0) /* older than the names that the others have for dual stack */
    snprintf(host, size, "s3%s%s.%s.%s", o->fips ? "-fips" : "", o->dual_stack ? ".dualstack" : "", region, p->dns_suffix);
  else
    snprintf(host, size, "%s%s.%s.%s", name, o->fips && !plain ? "-fips" : "", region, o->dual_stack ? p->dual_stack_suffix : p->dns_suffix);
}

static bool bucket_fits_host(struct af_str bucket) {
  return bucket.len >= 3 && af_region_valid(bucket); /* the same letters, and as long as a label may be */
}

void af_endpoint_name_bucket(struct af_endpoint *e, struct af_str bucket) {
  char host[sizeof e->url.host];
  if (e->configured || !bucket_fits_host(bucket) || bucket.len + 1 + strlen(e->url.host) >= sizeof host)
    return;
  snprintf(host, sizeof host, "%.*s.%.*s", (int)bucket.len, bucket.ptr, (int)strlen(e->url.host), e->url.host);
  AF_COPY(e->url.host, af_str(host));
  AF_COPY(e->url.authority, af_str(host));
  e->names_bucket = true;
}

int af_endpoint_resolve(struct af_endpoint *ret, const char *service, const char *region, const struct af_endpoint_options *o,
                        struct af_error *err) {
  struct af_endpoint e = {.url = {.https = true, .path = "/"}};
  if (!region || !*region) {
    af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "MissingRegion", "no Region for %s", service);
    af_error_hint(err, "set AWS_REGION, or region in the profile");
    return -AF_EINVAL;
  }
  if (!af_region_valid(af_str(region)))
    return af_error_set(err, -AF_EINVAL, AF_CLASS_INVALID, "BadRegion", "\"%s\" is no Region", region);
  bool global = strcmp(service, "sts") == 0 && sts_is_global(region, o);
  e.configured = o->url != NULL;
  AF_COPY(e.signing_region, af_str(global && !o->url ? "us-east-1" : region));
  if (o->url) {
    int rc = resolve_custom(&e, o, err);
    if (rc < 0)
      return rc;
  } else {
    standard_host(e.url.host, sizeof e.url.host, service, region, o);
    AF_COPY(e.url.authority, af_str(e.url.host));
  }
  *ret = e;
  return 0;
}
