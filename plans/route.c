/* Choosing the route. A list of checks runs in order, and the first that has something to say settles it: what is wrong with the
 * question comes first (whose image, which key), then whether the answer is there already, then what is wrong with the source.
 * A source that passes them all gets the route of the design's table, or the one that the manifest names. Pure. */
#include "plans/survey.h"

#include <stdio.h>

#include "plans/keep.h"
#include "plans/name.h"
#include "plans/shape.h"

static const char *const route_names[] = {
    [AF_ROUTE_NONE] = "none",
    [AF_ROUTE_ADOPT] = "adopt",
    [AF_ROUTE_SKIP] = "skip",
    [AF_ROUTE_COPY_IMAGE] = "copy-image",
    [AF_ROUTE_REENCRYPT] = "reencrypt",
    [AF_ROUTE_LAUNCH_IMAGE] = "launch-image",
};
_Static_assert(sizeof route_names / sizeof route_names[0] == AF_ROUTE_MAX_, "every route has its name");

const char *af_route_name(enum af_route r) {
  return (unsigned)r < AF_ROUTE_MAX_ ? route_names[r] : route_names[AF_ROUTE_NONE];
}

int af_route_parse(const char *name, enum af_route *ret) {
  for (unsigned r = AF_ROUTE_NONE + 1; r < AF_ROUTE_MAX_; r++)
    if (af_streq(name, route_names[r])) {
      *ret = (enum af_route)r;
      return 0;
    }
  return -AF_EINVAL;
}

/* Refusals read `REFUSE(...); return hint(...);`: a hint is never forgotten, because it is what settles the matter. */
#define REFUSE(d, class, code, ...) af_error_set(&(d)->refusal, 0, AF_CLASS_##class, code, __VA_ARGS__)

__attribute__((format(printf, 2, 3))) static bool hint(struct af_decision *d, const char *format, ...) {
  char text[sizeof d->refusal.hint];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  af_error_hint(&d->refusal, "%s", text);
  return true;
}

/* --- the question --- */

static bool refuses_facts(const struct af_survey *s, struct af_decision *d) {
  if (s->facts->image && *s->facts->target_account)
    return false;
  REFUSE(d, INVALID, "FactsIncomplete", "%s or the target account was not read", s->image_id);
  return hint(d, "read the facts again: run the manifest again");
}

static bool refuses_pull(const struct af_survey *s, struct af_decision *d) {
  if (*s->facts->source_account)
    return false;
  REFUSE(d, AUTH, "SourceCredentialsNeeded",
         "source credentials are needed: this version shares the source itself and cannot pull one that somebody else shared");
  return hint(d, "name source.profile or source.role_arn in the manifest");
}

static bool refuses_partition(const struct af_survey *s, struct af_decision *d) {
  const struct af_facts *f = s->facts;
  if (af_streq(f->source_partition, f->target_partition))
    return false;
  REFUSE(d, REFUSED, "OtherPartition",
         "%s is in partition %s and %s in %s: CopyImage and sharing do not cross partitions, and the store-restore route, which "
         "does, is not there yet",
         s->spec->source.region, f->source_partition, s->spec->target.region, f->target_partition);
  return hint(d, "use CreateStoreImageTask and CreateRestoreImageTask by hand");
}

/* An AMI of somebody else may carry anything: only the two accounts that the manifest works with are trusted. */
static bool refuses_owner(const struct af_survey *s, struct af_decision *d) {
  if (s->ownership != AF_OWNER_UNKNOWN)
    return false;
  REFUSE(d, REFUSED, "OwnerNotTrusted", "%s%s belongs to account %s, which is neither the source account %s nor the target %s",
         s->image_id, af_json_bool(s->facts->image, "Public") ? ", a public image," : "", *s->owner ? s->owner : "unknown",
         s->facts->source_account, s->facts->target_account);
  return hint(d, "use credentials of the account that owns the image as the source, if you trust it");
}

/* The route that the manifest names; "auto" where it names none. */
static const char *named(const struct af_survey *s) {
  const char *name = json_string_value(json_array_get(s->spec->routes, 0));
  return name ? name : "auto";
}

static bool refuses_route_name(const struct af_survey *s, struct af_decision *d) {
  enum af_route route;
  const char *name = named(s);
  if (af_streq(name, "auto") ||
      (af_route_parse(name, &route) == 0 && (route == AF_ROUTE_COPY_IMAGE || route == AF_ROUTE_REENCRYPT)))
    return false;
  REFUSE(d, INVALID, "RouteUnknown", "\"%s\" is not a route", name);
  return hint(d, "write auto, copy-image or reencrypt");
}

/* --- is it there already? --- */

static bool tag_is(const json_t *holder, const char *key, const char *value) {
  const char *tag = af_json_tag(holder, key);
  return *value ? af_streq(tag, value) : tag == NULL;
}

/* What an image of ours that holds the name is good for, by its state (rules.md 2.3). One that is deregistered is shown for a
 * while, but its name is free. */
static bool settle_ours(const struct af_survey *s, struct af_decision *d, const json_t *holder) {
  const char *id = af_json_str(holder, "ImageId"), *state = af_json_str(holder, "State");
  if (af_streq(state, "available") || af_streq(state, "pending") || af_streq(state, "transient")) {
    d->route = AF_ROUTE_ADOPT;
    AF_COPY(d->adopted_image, af_str(id));
    snprintf(d->reason, sizeof d->reason,
             "account %s has %s already, a copy that amiferry made of %s%s%s: it is verified and nothing is made",
             s->facts->target_account, id, s->image_id, *d->key_arn ? " under the key " : ", not encrypted", d->key_arn);
    return true;
  }
  REFUSE(d, REFUSED, "NameHeldByBrokenCopy", "the name \"%s\" is held by %s, an earlier copy of this source that is %s", d->name,
         id, *state ? state : "in no known state");
  return hint(d,
              af_streq(state, "disabled") ? "enable %s, or deregister it and run the manifest again"
                                          : "deregister %s and run the manifest again",
              id);
}

static bool refuses_name(const struct af_survey *s, struct af_decision *d) {
  return af_name_expand(s->spec, s->facts, d->name, &d->refusal) < 0;
}

static bool settles_by_holder(const struct af_survey *s, struct af_decision *d) {
  const json_t *holder = json_array_get(s->facts->name_holders, 0);
  if (!holder || af_streq(af_json_str(holder, "State"), "deregistered"))
    return false;
  const char *id = af_json_str(holder, "ImageId"), *source = af_json_tag(holder, AF_TAG_SOURCE);
  char wanted[128];
  snprintf(wanted, sizeof wanted, "%s/%s", s->spec->source.region, s->image_id);
  if (source && tag_is(holder, AF_TAG_SOURCE, wanted) && tag_is(holder, AF_TAG_KEY, d->key_arn))
    return settle_ours(s, d, holder);
  if (!source)
    REFUSE(d, REFUSED, "NameTaken", "the name \"%s\" is already taken in account %s by %s, something that is not ours%s", d->name,
           s->facts->target_account, id, af_streq(id, s->image_id) ? ": it is the source itself" : "");
  else if (!tag_is(holder, AF_TAG_SOURCE, wanted))
    REFUSE(d, REFUSED, "NameTaken", "the name \"%s\" is already taken by %s, a copy of another source: %s", d->name, id, source);
  else
    REFUSE(d, REFUSED, "NameTaken", "the name \"%s\" is already taken by %s, a copy of the same source %s%s", d->name, id,
           af_json_tag(holder, AF_TAG_KEY) ? "under the key " : "that is not encrypted",
           af_json_tag(holder, AF_TAG_KEY) ? af_json_tag(holder, AF_TAG_KEY) : "");
  af_refusal_at(&d->refusal, "ec2:DescribeImages", s->facts->target_account, s->spec->target.region, id);
  return hint(d, "write another name into the manifest, or deregister %s", id);
}

/* --- the source --- */

static bool refuses_state(const struct af_survey *s, struct af_decision *d) {
  static const struct {
    const char *state, *hint;
  } hints[] = {
      {"pending", "it is still being made: run the manifest again when it is available"},
      {"transient", "it is changing: run the manifest again when it is available"},
      {"disabled", "enable it (EnableImage), or copy another one"},
      {"deregistered", "it is gone: copy another one"},
      {"", "it cannot be used: copy another one"},
  };
  const char *state = af_json_str(s->facts->image, "State");
  if (af_streq(state, "available"))
    return false;
  size_t i = 0;
  while (*hints[i].state && !af_streq(hints[i].state, state))
    i++;
  const char *why = af_json_str(json_object_get(s->facts->image, "StateReason"), "Message");
  REFUSE(d, REFUSED, "SourceNotAvailable", "%s is %s%s%s: only an available image can be copied", s->image_id,
         *state ? state : "in no known state", *why ? ": " : "", why);
  return hint(d, "%s", hints[i].hint);
}

static bool refuses_storage(const struct af_survey *s, struct af_decision *d) {
  if (!s->instance_store)
    return false;
  REFUSE(d, REFUSED, "InstanceStoreUnsupported", "%s keeps its storage in S3 (instance store), which this version does not copy",
         s->image_id);
  return hint(d, "make an EBS-backed AMI of it, and copy that one");
}

static bool refuses_unread(const struct af_survey *s, struct af_decision *d) {
  if (!s->unread)
    return false;
  REFUSE(d, AUTH, "SnapshotUnreadable", "%s, which %s needs, could not be read", s->unread, s->image_id);
  return hint(d, "give the source credentials ec2:DescribeSnapshots, or see whether the snapshot is still there");
}

static bool refuses_foreign_snapshot(const struct af_survey *s, struct af_decision *d) {
  if (!s->of_another || s->ownership != AF_OWNER_SOURCE)
    return false;
  REFUSE(d, REFUSED, "SnapshotOfAnotherAccount", "%s belongs to account %s, and the source account cannot share it",
         af_json_str(s->of_another, "SnapshotId"), af_json_str(s->of_another, "OwnerId"));
  return hint(d, "copy the image within its own account first, and then that copy");
}

static bool refuses_archived(const struct af_survey *s, struct af_decision *d) {
  if (!s->archived)
    return false;
  REFUSE(d, REFUSED, "SnapshotArchived", "%s is in the archive tier, from where it can be neither shared nor copied",
         af_json_str(s->archived, "SnapshotId"));
  return hint(d, "restore it (RestoreSnapshotTier) and run the manifest again");
}

static bool refuses_unfinished(const struct af_survey *s, struct af_decision *d) {
  if (!s->unfinished)
    return false;
  const char *state = af_json_str(s->unfinished, "State");
  REFUSE(d, REFUSED, "SnapshotNotCompleted", "%s is %s: only completed snapshots can be copied",
         af_json_str(s->unfinished, "SnapshotId"), *state ? state : "in no known state");
  return hint(d, "run the manifest again when it is completed");
}

/* A silent default key would tie the copy to aws/ebs, from which it cannot go on (rules.md 1.4, 2.2). */
static bool refuses_missing_key(const struct af_survey *s, struct af_decision *d) {
  if (*d->key_arn || !af_survey_encrypted(s))
    return false;
  REFUSE(d, INVALID, "KmsKeyMissing", "%s is %s, and the manifest names no key for the copy", s->image_id,
         af_survey_encryption(s));
  return hint(d, "write target.kms_key: a customer key of account %s in %s", s->facts->target_account, s->spec->target.region);
}

/* --- the route --- */

/* Why a way cannot be gone; NULL where it can. */
static const char *obstacle(const struct af_survey *s, const struct af_decision *d, enum af_route route) {
  if (route != AF_ROUTE_REENCRYPT)
    return NULL;
  if (!*d->key_arn)
    return "reencrypt copies each snapshot under a key of the target, and the manifest names no target.kms_key";
  if (s->n_snapshots == 0)
    return "reencrypt copies snapshots, and the image has none";
  if (s->tpm_preferred)
    return "reencrypt ends with RegisterImage, which cannot express NitroTPM with the boot mode uefi-preferred";
  return NULL;
}

static enum af_route choose(const struct af_survey *s, const struct af_decision *d) {
  enum af_route route;
  if (af_route_parse(named(s), &route) == 0)
    return route;
  bool reencrypt = s->ownership == AF_OWNER_SOURCE && af_survey_encrypted(s);
  return reencrypt && !obstacle(s, d, AF_ROUTE_REENCRYPT) ? AF_ROUTE_REENCRYPT : AF_ROUTE_COPY_IMAGE;
}

static const char *because(const struct af_survey *s, const struct af_decision *d) {
  bool shared = s->ownership == AF_OWNER_SOURCE;
  if (d->route == AF_ROUTE_REENCRYPT)
    return "each snapshot is copied under the target's key, and an image is registered from the copies";
  if (shared && af_survey_encrypted(s) && s->tpm_preferred)
    return "CopyImage re-encrypts it in one go, because RegisterImage cannot express NitroTPM with the boot mode uefi-preferred";
  if (!shared)
    return d->encrypt ? "CopyImage reads its storage directly, and encrypts the copy under the target's key"
                      : "CopyImage reads its storage directly";
  return d->encrypt ? "its storage is shared with the target, and CopyImage encrypts the copy under the target's key"
                    : "its storage is shared with the target, which copies it with CopyImage";
}

static bool settles_route(const struct af_survey *s, struct af_decision *d) {
  enum af_route route = choose(s, d);
  const char *why_not = obstacle(s, d, route);
  if (why_not) {
    REFUSE(d, INVALID, "RouteNotPossible", "the manifest names the route %s for %s: %s", af_route_name(route), s->image_id,
           why_not);
    return hint(d, "write route: auto, or mend what stands in the way");
  }
  d->route = route;
  snprintf(d->reason, sizeof d->reason, "%s %s, %s: %s%s",
           s->ownership == AF_OWNER_TARGET ? "owned by the target account" : "shared by", s->owner, af_survey_encryption(s),
           because(s, d), json_array_size(s->spec->routes) > 0 ? " (the manifest names this route)" : "");
  return true;
}

static bool (*const checks[])(const struct af_survey *s, struct af_decision *d) = {
    /* the question */
    refuses_facts,
    refuses_pull,
    refuses_partition,
    refuses_owner,
    refuses_route_name,
    af_route_refuses_key,
    /* is it there already? */
    refuses_name,
    settles_by_holder,
    /* the source */
    refuses_state,
    refuses_storage,
    refuses_unread,
    refuses_foreign_snapshot,
    refuses_archived,
    refuses_unfinished,
    af_route_refuses_source_key,
    refuses_missing_key,
    /* the route */
    settles_route,
};

void af_route_decide(const struct af_copy_spec *spec, const struct af_facts *facts, const json_t *tried,
                     struct af_decision *ret) {
  struct af_survey s;
  af_survey(&s, spec, facts);
  struct af_decision d = {.route = AF_ROUTE_NONE, .cross_account = s.ownership == AF_OWNER_SOURCE};
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
    if (checks[i](&s, &d))
      break;
  if (d.route == AF_ROUTE_NONE) {
    AF_COPY(d.reason, af_str(d.refusal.message));
    af_refusal_at(&d.refusal, "", facts->source_account, spec->source.region, s.image_id);
  } else {
    char warning[AF_KEEP_WARNING_SIZE];
    d.deprecate_ms = af_keep_deprecation(spec, facts, warning);
    d.protection = af_keep_protection(spec, facts);
    af_route_warn(&s, &d);
  }
  *ret = d;
}
