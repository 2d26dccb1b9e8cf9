/* What an error means (one table, first match wins), how long to wait, and how much repeating is affordable. Pure. */
#include "engine/aws/retry.h"

#include "base/buf.h"

struct meaning {
  const char *service; /* NULL: any */
  const char *code;    /* a glob */
  const char *message; /* a glob; NULL: any */
  enum af_class class;
  const char *hint;    /* what a person can do; see put_hint(). NULL: nothing to say */
};

#define HINT_GRANT "Allow {action} for this principal in its IAM policy (README.md lists what is needed), and see that no service \
control policy or permissions boundary denies it."
#define HINT_KEYS "The access key is not valid for this account and Region: check the profile's credentials, and that the account has \
enabled the Region."
#define HINT_CLOCK "Check this machine's clock first (`amiferry doctor`), then the secret access key."
#define HINT_REGION "There may be no Region {region}: look at its spelling in the manifest and in the profile."
#define HINT_RENEW "The credentials have expired: renew the session, then retry."
#define HINT_BILLING "AWS does not copy this image between accounts, since it carries billing codes. `route: launch-image` in the manifest launches it in \
the target account and makes an image of the instance."
#define HINT_STATE "The resource is not in a state that allows this yet; amiferry looks again for a while."
#define HINT_IN_USE "Something still uses the resource, such as an instance that is being terminated; amiferry looks again for a while."
#define HINT_KEY_STATE "Enable the KMS key, or cancel its deletion, in the account that owns it, then retry."
#define HINT_QUOTA "A quota is full: amiferry waits for room. Raise it in Service Quotas to go faster."
#define HINT_NO_ROOM "AWS has no room for this instance type in the Availability Zone now: amiferry waits; another type or zone may have room."
#define HINT_SUBNET "Name a subnet of the target account in the Region that the instance is launched in."
#define HINT_INSTANCES "Raise the vCPU or instance quota in Service Quotas, or choose another instance type."
#define HINT_ELSEWHERE "The bucket lies in another Region than the call went to: name its Region."
#define HINT_SUPPORT "AWS has restricted the account: ask AWS Support to lift it."

static const struct meaning meanings[] = {
    /* A dry run that would have gone through is no error: code tells, class is NONE (rules.md 6.4, 3). */
    {NULL, "DryRunOperation", NULL, AF_CLASS_NONE, NULL},
    {NULL, "DryRunOperationException", NULL, AF_CLASS_NONE, NULL},

    /* Ours: decided by the status below. */
    {NULL, "MalformedReply", NULL, AF_CLASS_TRANSIENT, NULL},

    /* Throttles (6.4, 6.5). KMS uses LimitExceededException for its quota of grants a key: no throttle. */
    {"kms", "LimitExceededException", NULL, AF_CLASS_CAPACITY,
     "The KMS key has as many grants as it may have (50,000): retire grants that are no longer needed, or use another key."},
    {NULL, "RequestLimitExceeded", NULL, AF_CLASS_THROTTLED, NULL},
    {NULL, "EC2ThrottledException", NULL, AF_CLASS_THROTTLED, NULL},
    {NULL, "Throttling", NULL, AF_CLASS_THROTTLED, NULL},
    {NULL, "ThrottlingException", NULL, AF_CLASS_THROTTLED, NULL},
    {NULL, "ThrottledException", NULL, AF_CLASS_THROTTLED, NULL},
    {NULL, "RequestThrottled", NULL, AF_CLASS_THROTTLED, NULL},
    {NULL, "RequestThrottledException", NULL, AF_CLASS_THROTTLED, NULL},
    {NULL, "TooManyRequestsException", NULL, AF_CLASS_THROTTLED, NULL},
    {NULL, "ProvisionedThroughputExceededException", NULL, AF_CLASS_THROTTLED, NULL},
    {NULL, "TransactionInProgressException", NULL, AF_CLASS_THROTTLED, NULL},
    {NULL, "BandwidthLimitExceeded", NULL, AF_CLASS_THROTTLED, NULL},
    {NULL, "LimitExceededException", NULL, AF_CLASS_THROTTLED, NULL},
    {NULL, "SlowDown", NULL, AF_CLASS_THROTTLED, NULL},
    {NULL, "SnapshotCreationPerVolumeRateExceeded", NULL, AF_CLASS_THROTTLED, NULL},
    {NULL, "ConcurrentTagAccess", NULL, AF_CLASS_THROTTLED, NULL},

    /* AWS's own troubles (6.4); a mutating call that meets one with a 5xx may have gone through: see below. */
    {NULL, "InternalError", NULL, AF_CLASS_TRANSIENT, NULL},
    {NULL, "InternalFailure", NULL, AF_CLASS_TRANSIENT, NULL},
    {NULL, "ServerInternal", NULL, AF_CLASS_TRANSIENT, NULL},
    {NULL, "ServiceUnavailable", NULL, AF_CLASS_TRANSIENT, NULL},
    {NULL, "Unavailable", NULL, AF_CLASS_TRANSIENT, NULL},
    {NULL, "RetryableError", NULL, AF_CLASS_TRANSIENT, NULL},
    {NULL, "RequestTimeout", NULL, AF_CLASS_TRANSIENT, NULL},
    {NULL, "RequestTimeoutException", NULL, AF_CLASS_TRANSIENT, NULL},
    {NULL, "PriorRequestNotComplete", NULL, AF_CLASS_TRANSIENT, NULL},
    {"kms", "DependencyTimeoutException", NULL, AF_CLASS_TRANSIENT, NULL},
    {"kms", "KMSInternalException", NULL, AF_CLASS_TRANSIENT, NULL},
    {"kms", "KeyUnavailableException", NULL, AF_CLASS_TRANSIENT, NULL},
    {"s3", "OperationAborted", NULL, AF_CLASS_TRANSIENT, NULL}, /* two changes of one bucket met: neither was carried out */
    {"sts", "IDPCommunicationError*", NULL, AF_CLASS_TRANSIENT, NULL},

    /* Full quotas: park (6.1, 6.4). */
    {NULL, "ResourceLimitExceeded", NULL, AF_CLASS_CAPACITY,
     "As many copies run in the destination Region as the account may have (20 snapshots at a time); amiferry waits for one to end. AWS \
Support raises the quota."},
    {NULL, "*", "*Too many snapshot copies in progress*", AF_CLASS_CAPACITY,
     "As many copies run in the destination Region as the account may have (20 snapshots at a time); amiferry waits for one to end. AWS \
Support raises the quota."},
    {NULL, "ConcurrentSnapshotLimitExceeded", NULL, AF_CLASS_CAPACITY,
     "Too many snapshots are pending, and those in state error count: delete these, or wait."},
    {NULL, "PendingSnapshotLimitExceeded", NULL, AF_CLASS_CAPACITY, HINT_QUOTA},
    {NULL, "SnapshotLimitExceeded", NULL, AF_CLASS_CAPACITY,
     "The account has as many snapshots in this Region as it may have: delete some, or raise the quota in Service Quotas."},
    {NULL, "InsufficientInstanceCapacity", NULL, AF_CLASS_CAPACITY, HINT_NO_ROOM},
    {NULL, "InsufficientHostCapacity", NULL, AF_CLASS_CAPACITY, HINT_NO_ROOM},
    {NULL, "InsufficientCapacity*", NULL, AF_CLASS_CAPACITY, HINT_NO_ROOM},
    {NULL, "InsufficientVolumeCapacity", NULL, AF_CLASS_CAPACITY, HINT_QUOTA},
    {NULL, "InsufficientFreeAddressesInSubnet", NULL, AF_CLASS_CAPACITY, "The subnet has no free address: free one, or name another subnet."},
    {NULL, "VcpuLimitExceeded", NULL, AF_CLASS_CAPACITY, HINT_INSTANCES},
    {NULL, "InstanceLimitExceeded", NULL, AF_CLASS_CAPACITY, HINT_INSTANCES},
    {NULL, "VolumeLimitExceeded", NULL, AF_CLASS_CAPACITY, HINT_QUOTA},
    {NULL, "MaxIOPSLimitExceeded", NULL, AF_CLASS_CAPACITY, HINT_QUOTA},
    {NULL, "SecurityGroupLimitExceeded", NULL, AF_CLASS_CAPACITY, HINT_QUOTA},
    {NULL, "NetworkInterfaceLimitExceeded", NULL, AF_CLASS_CAPACITY, HINT_QUOTA},
    {NULL, "ConcurrentCreateImage", NULL, AF_CLASS_CAPACITY, "Another CreateImage of this instance is under way: amiferry waits for it."},

    /* Eventual consistency, and states that pass: within a window, which the engine keeps (2.1, 6.4). */
    {NULL, "InvalidAMIID.NotFound", NULL, AF_CLASS_NOT_YET_VISIBLE,
     "The image is not visible to this account: it is not shared with it, it was deregistered, it is too new to be seen everywhere, the \
account's Allowed AMIs setting hides it (EC2 console, Allowed AMIs), or it is in another Region."},
    {NULL, "InvalidSnapshot.NotFound", NULL, AF_CLASS_NOT_YET_VISIBLE,
     "The snapshot is not visible to this account: it was deleted, it is not shared, or it is too new to be seen everywhere."},
    {NULL, "InvalidInstanceID.NotFound", NULL, AF_CLASS_NOT_YET_VISIBLE,
     "The instance is not visible: it was terminated, or it is too new to be seen everywhere."},
    {NULL, "InvalidGroup.NotFound", NULL, AF_CLASS_NOT_YET_VISIBLE,
     "The security group is not visible: it was deleted, or it is too new to be seen everywhere."},
    {NULL, "InvalidVolume.NotFound", NULL, AF_CLASS_NOT_YET_VISIBLE,
     "The volume is not visible: it was deleted, or it is too new to be seen everywhere."},
    {NULL, "*", "*do not have permission to access the storage*", AF_CLASS_NOT_YET_VISIBLE,
     "The image is shared and its storage is not: share each of its snapshots (createVolumePermission), or the S3 bucket of an \
instance-store image, with the target account. Right after sharing it may take a while."},
    {NULL, "InvalidAMIID.Unavailable", NULL, AF_CLASS_NOT_YET_VISIBLE, HINT_STATE},
    {NULL, "InvalidSnapshot.InUse", NULL, AF_CLASS_NOT_YET_VISIBLE,
     "An image still uses the snapshot: deregister it first. Right after deregistering it may take a while."},
    {NULL, "IncorrectState", NULL, AF_CLASS_NOT_YET_VISIBLE, HINT_STATE},
    {NULL, "IncorrectInstanceState", NULL, AF_CLASS_NOT_YET_VISIBLE, HINT_STATE},
    {NULL, "DependencyViolation", NULL, AF_CLASS_NOT_YET_VISIBLE, HINT_IN_USE},
    {NULL, "InvalidGroup.InUse", NULL, AF_CLASS_NOT_YET_VISIBLE, HINT_IN_USE},
    {NULL, "VolumeInUse", NULL, AF_CLASS_NOT_YET_VISIBLE, HINT_IN_USE},

    /* Refusals that send a copy down the ladder (1.5). */
    {NULL, "InvalidRequest", "*from AWS Marketplace cannot be copied*", AF_CLASS_REFUSED, HINT_BILLING},
    {NULL, "InvalidRequest", "*with EC2 BillingProduct codes cannot be copied*", AF_CLASS_REFUSED, HINT_BILLING},

    /* A person is needed: expired or wrong credentials, then permissions (6.4, 7, 8). */
    {NULL, "ExpiredToken*", NULL, AF_CLASS_AUTH, HINT_RENEW},
    {NULL, "RequestExpired", NULL, AF_CLASS_AUTH, "The credentials have expired, or this machine's clock is off: see `amiferry doctor`."},
    {NULL, "InvalidSecurity.RequestHasExpired", NULL, AF_CLASS_AUTH, HINT_CLOCK},
    {NULL, "RequestInTheFuture", NULL, AF_CLASS_AUTH, HINT_CLOCK},
    {NULL, "RequestTimeTooSkewed", NULL, AF_CLASS_AUTH, HINT_CLOCK},
    {NULL, "InvalidSignatureException", "*scoped to a valid region*", AF_CLASS_AUTH, HINT_REGION},
    {NULL, "SignatureDoesNotMatch", "*scoped to a valid region*", AF_CLASS_AUTH, HINT_REGION},
    {NULL, "InvalidSignatureException", NULL, AF_CLASS_AUTH, HINT_CLOCK},
    {NULL, "SignatureDoesNotMatch", NULL, AF_CLASS_AUTH, HINT_CLOCK},
    {NULL, "AuthFailure", "*Not authorized for image*", AF_CLASS_AUTH,
     "Only the image's owner may read this: use the source account's credentials."},
    {NULL, "AuthFailure", NULL, AF_CLASS_AUTH, HINT_KEYS},
    {NULL, "InvalidClientTokenId", NULL, AF_CLASS_AUTH, HINT_KEYS},
    {NULL, "UnrecognizedClientException", NULL, AF_CLASS_AUTH, HINT_KEYS},
    {"s3", "InvalidAccessKeyId", NULL, AF_CLASS_AUTH, HINT_KEYS},
    {"s3", "InvalidToken", NULL, AF_CLASS_AUTH, HINT_RENEW},
    {"s3", "NotSignedUp", NULL, AF_CLASS_AUTH, HINT_SUPPORT},
    {"s3", "AccountProblem", NULL, AF_CLASS_AUTH, HINT_SUPPORT},
    {NULL, "MissingAuthenticationToken*", NULL, AF_CLASS_AUTH, HINT_KEYS},
    {"kms", "AccessDenied*", NULL, AF_CLASS_AUTH,
     "Allow {action} on this key in its key policy; for a key of another account the caller's IAM policy must allow it too. A grant takes up to \
five minutes to arrive."},
    {"s3", "AccessDenied", "*BlockPublicPolicy*", AF_CLASS_AUTH,
     "S3 Block Public Access refuses the bucket's policy because it would make the bucket public: restrict what the policy had before, then retry."},
    {"s3", "AccessDenied", NULL, AF_CLASS_AUTH,
     "Allow {action} for this principal in its IAM policy, see that the bucket's own policy does not deny it, and that the bucket is this account's."},
    {"s3", "PolicyTooLarge", NULL, AF_CLASS_AUTH, "S3 takes 20 KB of policy for a bucket: shorten what the bucket's policy had before, then retry."},
    {"s3", "MethodNotAllowed", NULL, AF_CLASS_AUTH,
     "Only the account that owns the bucket may do this: use its credentials."},
    {"sts", "AccessDenied*", NULL, AF_CLASS_AUTH,
     "The role's trust policy must name the caller (and its external id), and the caller's IAM policy must allow {action} on the role."},
    {NULL, "UnauthorizedOperation", "*ncoded authorization failure message*", AF_CLASS_AUTH,
     HINT_GRANT " `aws sts decode-authorization-message` says which statement refused it."},
    {NULL, "UnauthorizedOperation", NULL, AF_CLASS_AUTH, HINT_GRANT},
    {NULL, "DeclarativePoliciesAccessDenied*", NULL, AF_CLASS_AUTH,
     "A declarative policy of the AWS organization forbids this: ask who administers the organization."},
    {NULL, "AccessDenied*", NULL, AF_CLASS_AUTH, HINT_GRANT},
    {NULL, "OptInRequired", "*subscribe*", AF_CLASS_AUTH,
     "Open the address in AWS's message, accept the terms and subscribe to the product with the account that launches it; then retry the copy."},
    {NULL, "OptInRequired", NULL, AF_CLASS_AUTH, "The account is not signed up for this service or Region: enable it, then retry."},
    {NULL, "RegionDisabled*", NULL, AF_CLASS_AUTH, "Enable the Region for this account (and for STS), then retry."},
    {"sts", "IDPRejectedClaim*", NULL, AF_CLASS_AUTH, "The identity provider refused the web identity token: get a new one."},
    {"sts", "InvalidIdentityToken*", NULL, AF_CLASS_AUTH, "The web identity token is not valid: check the token file and the role's trust policy."},
    {NULL, "CustomerKeyHasBeenRevoked", NULL, AF_CLASS_AUTH, HINT_KEY_STATE},
    {"kms", "DisabledException", NULL, AF_CLASS_AUTH, HINT_KEY_STATE},
    {"kms", "KMSInvalidStateException", NULL, AF_CLASS_AUTH, HINT_KEY_STATE},
    {NULL, "Blocked", NULL, AF_CLASS_AUTH, HINT_SUPPORT},
    {NULL, "PendingVerification", NULL, AF_CLASS_AUTH, HINT_SUPPORT},

    /* AWS said no for good. */
    {"kms", "InvalidKeyUsageException", NULL, AF_CLASS_REFUSED, "EBS needs a symmetric key for encryption (SYMMETRIC_DEFAULT): name another one."},
    {"kms", "NotFoundException", NULL, AF_CLASS_REFUSED, "KMS knows no such key or grant in this account and Region: check the ARN."},
    {"s3", "NoSuchBucketPolicy", NULL, AF_CLASS_REFUSED, NULL}, /* an answer more than an error */
    {"s3", "NoSuchBucket", NULL, AF_CLASS_REFUSED, "S3 knows no bucket of this name: it was deleted, or the image's location names another one."},
    {NULL, "InvalidAMIName.Duplicate", NULL, AF_CLASS_REFUSED,
     "The account has an image of this name in this Region: choose another name, or deregister that image."},
    {NULL, "InvalidGroup.Duplicate", NULL, AF_CLASS_REFUSED, "The VPC has a security group of this name: delete it if nothing needs it, then retry."},
    {NULL, "IdempotentParameterMismatch", NULL, AF_CLASS_REFUSED,
     "The same request was sent before with other parameters: retry the copy, which then counts as a new attempt."},
    {NULL, "EncryptedVolumesNotSupported", NULL, AF_CLASS_REFUSED, NULL},
    {NULL, "SnapshotCopyUnsupported.*", NULL, AF_CLASS_REFUSED, NULL},
    {NULL, "Unsupported", NULL, AF_CLASS_REFUSED,
     "AWS does not offer this instance type with this image or in this Availability Zone: choose another instance type or another subnet."},
    {NULL, "Unsupported*", NULL, AF_CLASS_REFUSED, NULL},
    {NULL, "InvalidParameterCombination", "*does not support the specified instance type*", AF_CLASS_REFUSED,
     "The image's owner allows certain instance types only: choose one of these."},

    /* What was asked for is wrong. */
    {NULL, "InvalidAMIName.Malformed", NULL, AF_CLASS_INVALID,
     "Image names have 3 to 128 letters, digits and ()[] ./-'@_: change the name in the manifest."},
    {"s3", "MalformedPolicy", NULL, AF_CLASS_INVALID,
     "S3 does not take the bucket's policy: an account or role that it names may not exist, or may be too new to be seen everywhere."},
    {"s3", "PermanentRedirect", NULL, AF_CLASS_INVALID, HINT_ELSEWHERE},
    {"s3", "TemporaryRedirect", NULL, AF_CLASS_INVALID, HINT_ELSEWHERE},
    {"s3", "AuthorizationHeaderMalformed", NULL, AF_CLASS_INVALID, HINT_ELSEWHERE},
    {"s3", "IllegalLocationConstraintException", NULL, AF_CLASS_INVALID, HINT_ELSEWHERE},
    {NULL, "InvalidSubnetID.NotFound", NULL, AF_CLASS_INVALID, HINT_SUBNET},
    {NULL, "VPCIdNotSpecified", NULL, AF_CLASS_INVALID, "The account has no default VPC in this Region. " HINT_SUBNET},
    {NULL, "MissingInput", "*subnet*", AF_CLASS_INVALID, "The default VPC has no subnet. " HINT_SUBNET},
    {NULL, "TagPolicyViolation", NULL, AF_CLASS_INVALID, "A tag policy of the AWS organization refuses a tag: change the tags in the manifest."},
    {NULL, "TagLimitExceeded", NULL, AF_CLASS_INVALID, "A resource has at most 50 tags: name fewer in the manifest."},
    {NULL, "PackedPolicyTooLarge*", NULL, AF_CLASS_INVALID, "The session policy and tags are too long for STS: shorten them."},
    {NULL, "Invalid*", NULL, AF_CLASS_INVALID, NULL},
    {NULL, "Malformed*", NULL, AF_CLASS_INVALID, NULL},
    {NULL, "Missing*", NULL, AF_CLASS_INVALID, NULL},
    {NULL, "Unknown*", NULL, AF_CLASS_INVALID, NULL},
    {NULL, "ValidationError*", NULL, AF_CLASS_INVALID, NULL},
    {NULL, "ValidationException", NULL, AF_CLASS_INVALID, NULL},
};

static const struct meaning *meaning_of(const struct af_op *op, const struct af_error *err) {
  for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
    const struct meaning *m = &meanings[i];
    if ((!m->service || strcmp(m->service, op->service) == 0) && af_str_glob(af_str(m->code), af_str(err->code)) &&
        (!m->message || af_str_glob(af_str(m->message), af_str(err->message))))
      return m;
  }
  return NULL;
}

/* Codes that nobody has listed go by their status. */
static enum af_class class_of_status(int status) {
  if (status == 429 || status == 509)
    return AF_CLASS_THROTTLED;
  if (status == 401 || status == 403)
    return AF_CLASS_AUTH;
  return status >= 400 && status < 500 ? AF_CLASS_REFUSED : AF_CLASS_TRANSIENT;
}

/* The action that AWS says is missing, which may be another than the one that was called: CopyImage with tags needs ec2:CreateTags, too.
 * Empty where the message names none. */
static struct af_str refused_action(const char *message) {
  static const char before[] = "not authorized to perform: ", letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-:";
  const char *at = strstr(message, before);
  if (!at)
    return af_str_n(NULL, 0);
  at += strlen(before);
  struct af_str action = af_str_n(at, strspn(at, letters));
  return action.len && memchr(at, ':', action.len - 1) ? action : af_str_n(NULL, 0);
}

/* Writes what stands in braces: {action}, as ec2:CopyImage, or {region}; at most one. */
static void put_hint(struct af_error *err, const char *hint, const char *label) {
  struct af_str refused = refused_action(err->message), action = refused.len ? refused : af_str(label);
  const struct {
    const char *place;
    struct af_str text;
  } places[] = {{"{action}", action}, {"{region}", af_str(*err->region ? err->region : "of this name")}};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    const char *at = strstr(hint, places[i].place);
    if (at) {
      af_error_hint(err, "%.*s%.*s%s", (int)(at - hint), hint, (int)places[i].text.len, places[i].text.ptr, at + strlen(places[i].place));
      return;
    }
  }
  af_error_hint(err, "%s", hint);
}

void af_classify(const struct af_op *op, enum af_sent sent, struct af_error *err) {
  if (sent != AF_SENT_REPLIED) {
    err->class = sent == AF_SENT_MAYBE && op->mutates ? AF_CLASS_AMBIGUOUS : AF_CLASS_TRANSIENT;
    return;
  }
  const struct meaning *m = meaning_of(op, err);
  bool unreadable = strcmp(err->code, "MalformedReply") == 0;
  err->class = m && !(unreadable && err->http_status == 429) ? m->class : class_of_status(err->http_status);
  /* A server fault may come after the effect; so may a reply that says yes and can't be read (rules.md 6.4). */
  bool maybe_done = err->http_status >= 500 || (unreadable && err->http_status >= 200 && err->http_status < 300);
  if (err->class == AF_CLASS_TRANSIENT && op->mutates && maybe_done)
    err->class = AF_CLASS_AMBIGUOUS;
  if (m && m->hint && !err->hint[0])
    put_hint(err, m->hint, op->label);
}

/* ---- credentials and clock (rules.md 8) ---- */

static bool among(const char *code, const char *const *codes) {
  for (; *codes; codes++)
    if (strcmp(code, *codes) == 0)
      return true;
  return false;
}

bool af_is_clock_skew(const char *code) {
  static const char *const codes[] = {
      "AuthFailure",          "InvalidSecurity.RequestHasExpired", "InvalidSignatureException", "RequestExpired", "RequestInTheFuture",
      "RequestTimeTooSkewed", "SignatureDoesNotMatch",             NULL};
  return among(code, codes);
}

bool af_is_expired_credentials(const char *code) {
  static const char *const codes[] = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", NULL};
  return among(code, codes);
}

/* ---- delays and the retry quota (rules.md 6.5; "2026 revision") ---- */

struct pace {
  int64_t base_ms, cap_ms;
  bool from_base; /* the delay lies between the base and the rising bound; otherwise between 0 and the bound */
  int cost;       /* tokens of the retry quota */
};

static const struct pace paces[AF_CLASS_MAX_] = {
    [AF_CLASS_TRANSIENT] = {50, 20 * 1000, false, 14},
    [AF_CLASS_THROTTLED] = {1000, 20 * 1000, false, 5},
    [AF_CLASS_CAPACITY] = {15 * 1000, 5 * 60 * 1000, true, 0},
    [AF_CLASS_NOT_YET_VISIBLE] = {2 * 1000, 5 * 60 * 1000, true, 0},
};

int64_t af_retry_delay_ms(enum af_class c, int attempt, int64_t retry_after_ms, const struct af_random *random) {
  enum { MOST_DOUBLINGS = 16, MOST_ABOVE_MS = 5000 };
  const struct pace *p = &paces[c];
  /* From the base up, the first bound is twice the base: else the first delay would not be random at all. */
  int doublings = (attempt > 1 ? attempt - 1 : 0) + (p->from_base ? 1 : 0);
  int64_t bound = p->base_ms << (doublings < MOST_DOUBLINGS ? doublings : MOST_DOUBLINGS);
  if (bound > p->cap_ms)
    bound = p->cap_ms;
  int64_t floor = p->from_base ? p->base_ms : 0;
  int64_t delay = floor + (int64_t)(af_random_unit(random) * (double)(bound - floor));
  if (retry_after_ms > delay)
    delay = retry_after_ms < delay + MOST_ABOVE_MS ? retry_after_ms : delay + MOST_ABOVE_MS;
  return delay;
}

enum { QUOTA_TOKENS = 500 };

void af_retry_quota_init(struct af_retry_quota *q) {
  q->tokens = QUOTA_TOKENS;
}

bool af_retry_quota_take(struct af_retry_quota *q, enum af_class c, int *ret_cost) {
  int cost = paces[c].cost;
  if (cost > q->tokens)
    return false;
  q->tokens -= cost;
  *ret_cost = cost;
  return true;
}

void af_retry_quota_give(struct af_retry_quota *q, int cost) {
  q->tokens += cost > 0 ? cost : 1;
  if (q->tokens > QUOTA_TOKENS)
    q->tokens = QUOTA_TOKENS;
}
