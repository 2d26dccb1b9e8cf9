/* Choosing the route. A list of checks runs in order, and the first that has something to say settles it: what is wrong with the
 * question comes first (whose image, which key), then whether the answer is there already, then what is wrong with the source.
 * A source that passes them all goes the first way of its ladder (ladder.c) that is left. Pure. */
#include <stdio.h>

#include "base/buf.h"
#include "plans/keep.h"
#include "plans/ladder.h"

static const char *const route_names[] = {
    [AF_ROUTE_NONE] = "none",           [AF_ROUTE_ADOPT] = "adopt",
    [AF_ROUTE_SKIP] = "skip",           [AF_ROUTE_COPY_IMAGE] = "copy-image",
    [AF_ROUTE_REENCRYPT] = "reencrypt", [AF_ROUTE_LAUNCH_IMAGE] = "launch-image",
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

/* --- the question --- */

static bool refuses_facts(const struct af_survey *s, struct af_decision *d) {
  if (s->facts->image && *s->facts->target_account)
    return false;
  AF_REFUSE(&d->refusal, INVALID, "FactsIncomplete", "%s or the target account was not read", s->image_id);
  return af_refuse_hint(&d->refusal, "read the facts again: run the manifest again");
}

static bool refuses_credentials(const struct af_survey *s, struct af_decision *d) {
  if (*s->facts->source_account || s->facts->pull)
    return false;
  AF_REFUSE(&d->refusal, AUTH, "SourceCredentialsNeeded", "source credentials are needed to share %s, and there are none",
            s->image_id);
  return af_refuse_hint(&d->refusal,
                        "name source.profile or source.role_arn in the manifest, or write source.credentials: none where "
                        "its owner has shared it already");
}

static bool refuses_partition(const struct af_survey *s, struct af_decision *d) {
  const struct af_facts *f = s->facts;
  if (af_streq(f->source_partition, f->target_partition))
    return false;
  AF_REFUSE(
      &d->refusal, REFUSED, "OtherPartition",
      "%s is in partition %s and %s in %s: CopyImage and sharing do not cross partitions, and the store-restore route, which "
      "does, is not there yet",
      s->spec->source.region, f->source_partition, s->spec->target.region, f->target_partition);
  return af_refuse_hint(&d->refusal, "use CreateStoreImageTask and CreateRestoreImageTask by hand");
}

/* An AMI of somebody else may carry anything: who is trusted beside the two accounts is for the manifest to say. */
static bool refuses_owner(const struct af_survey *s, struct af_decision *d) {
  const char *owner = *s->owner ? s->owner : "unknown",
             *is_public = af_json_bool(s->facts->image, "Public") ? ", a public image," : "";
  const char *open = *s->alias ? " (" : "", *close = *s->alias ? ")" : "";
  if (s->ownership != AF_OWNER_UNKNOWN)
    return false;
  if (s->spec->pull && s->spec->source.account) {
    AF_REFUSE(&d->refusal, REFUSED, "OwnerNotTrusted",
              "%s%s belongs to account %s%s%s%s, and the manifest expects one of account %s", s->image_id, is_public, owner, open,
              s->alias, close, s->spec->source.account);
    return af_refuse_hint(&d->refusal, "correct source.account, if you trust the image's owner");
  }
  AF_REFUSE(&d->refusal, REFUSED, "OwnerNotTrusted",
            "%s%s belongs to account %s%s%s%s, which is neither of the manifest's two accounts nor among its trusted_owners",
            s->image_id, is_public, owner, open, s->alias, close);
  return af_refuse_hint(&d->refusal, "add the owner to trusted_owners, if you trust it");
}

static bool refuses_route_name(const struct af_survey *s, struct af_decision *d) {
  for (size_t i = 0; i < json_array_size(s->spec->routes); i++) {
    enum af_route route = AF_ROUTE_NONE;
    const char *name = json_string_value(json_array_get(s->spec->routes, i));
    if (name && af_route_parse(name, &route) == 0 && af_route_makes(route))
      continue;
    AF_REFUSE(&d->refusal, INVALID, "RouteUnknown", "\"%s\" is not a route", name ? name : "");
    return af_refuse_hint(&d->refusal, "write auto, or any of copy-image, reencrypt and launch-image");
  }
  return false;
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
  AF_REFUSE(&d->refusal, REFUSED, "SourceNotAvailable", "%s is %s%s%s: only an available image can be copied", s->image_id,
            *state ? state : "in no known state", *why ? ": " : "", why);
  return af_refuse_hint(&d->refusal, "%s", hints[i].hint);
}

/* Its owner sees each snapshot. What somebody else doesn't see is only not open to be copied: the ladder knows what is left then.
 */
static bool refuses_unread(const struct af_survey *s, struct af_decision *d) {
  if (!s->unread || s->ownership == AF_OWNER_TRUSTED)
    return false;
  AF_REFUSE(&d->refusal, AUTH, "SnapshotUnreadable", "%s, which %s needs, could not be read", s->unread, s->image_id);
  return af_refuse_hint(&d->refusal,
                        "give the source credentials ec2:DescribeSnapshots, or see whether the snapshot is still there");
}

static bool refuses_foreign_snapshot(const struct af_survey *s, struct af_decision *d) {
  if (!s->of_another || s->ownership != AF_OWNER_SOURCE)
    return false;
  AF_REFUSE(&d->refusal, REFUSED, "SnapshotOfAnotherAccount", "%s belongs to account %s, and the source account cannot share it",
            af_json_str(s->of_another, "SnapshotId"), af_json_str(s->of_another, "OwnerId"));
  return af_refuse_hint(&d->refusal, "copy the image within its own account first, and then that copy");
}

static bool refuses_archived(const struct af_survey *s, struct af_decision *d) {
  if (!s->archived)
    return false;
  AF_REFUSE(&d->refusal, REFUSED, "SnapshotArchived", "%s is in the archive tier, from where it can be neither shared nor copied",
            af_json_str(s->archived, "SnapshotId"));
  return af_refuse_hint(&d->refusal, "restore it (RestoreSnapshotTier) and run the manifest again");
}

static bool refuses_unfinished(const struct af_survey *s, struct af_decision *d) {
  if (!s->unfinished)
    return false;
  const char *state = af_json_str(s->unfinished, "State");
  AF_REFUSE(&d->refusal, REFUSED, "SnapshotNotCompleted", "%s is %s: only completed snapshots can be copied",
            af_json_str(s->unfinished, "SnapshotId"), *state ? state : "in no known state");
  return af_refuse_hint(&d->refusal, "run the manifest again when it is completed");
}

/* A silent default key would tie the copy to aws/ebs, from which it cannot go on (rules.md 1.4, 2.2). */
static bool refuses_missing_key(const struct af_survey *s, struct af_decision *d) {
  if (*d->key_arn || !af_survey_encrypted(s))
    return false;
  AF_REFUSE(&d->refusal, INVALID, "KmsKeyMissing", "%s is %s, and the manifest names no key for the copy", s->image_id,
            af_survey_encryption(s));
  return af_refuse_hint(&d->refusal, "write target.kms_key: a customer key of account %s in %s", s->facts->target_account,
                        s->spec->target.region);
}

/* --- the route --- */

static const char *who(const struct af_survey *s) {
  if (s->ownership == AF_OWNER_TARGET)
    return "owned by the target account";
  return af_json_bool(s->facts->image, "Public") ? "a public image of" : "shared by";
}

/* Why it isn't registered anew, as an encrypted one would be; NULL where that is not the reason. */
static const char *would_lose(const struct af_survey *s, const struct af_decision *d) {
  bool expected = s->ownership == AF_OWNER_SOURCE && d->route == AF_ROUTE_COPY_IMAGE && !s->instance_store && af_survey_encrypted(s);
  return expected ? af_survey_lost_by_registering(s) : NULL;
}

/* What is done, and why this way where another would be expected. */
static const char *because(const struct af_survey *s, const struct af_decision *d) {
  bool shared = s->ownership == AF_OWNER_SOURCE;
  if (d->route == AF_ROUTE_LAUNCH_IMAGE)
    return d->hop
               ? "an instance of it is launched in the target account, and an image is made of that, which is then copied to the "
                 "target's Region"
               : "an instance of it is launched in the target account, and an image is made of that";
  if (d->route == AF_ROUTE_REENCRYPT)
    return "each snapshot is copied under the target's key, and an image is registered from the copies";
  if (shared && s->instance_store)
    return "its files in S3 are opened to the target, which copies it with CopyImage";
  if (s->ownership == AF_OWNER_TRUSTED && s->instance_store)
    return "CopyImage reads its files in S3, if their owner lets the target read them: there are no credentials to open them with";
  if (would_lose(s, d))
    return "CopyImage re-encrypts it in one go, because RegisterImage ";
  if (shared && af_survey_encrypted(s) && af_survey_billed(s))
    return "CopyImage re-encrypts it in one go, because RegisterImage may lose what it is billed as";
  if (!shared)
    return d->encrypt ? "CopyImage reads its storage directly, and encrypts the copy under the target's key"
                      : "CopyImage reads its storage directly";
  return d->encrypt ? "its storage is shared with the target, and CopyImage encrypts the copy under the target's key"
                    : "its storage is shared with the target, which copies it with CopyImage";
}

/* How the temporary volumes of a launch are encrypted. Where the image is made in the target's Region, they are what it is made
 * of. */
static void settle_launch(const struct af_survey *s, struct af_decision *d) {
  d->hop = s->cross_region;
  d->encrypt_launch = *d->key_arn || af_survey_encrypted(s) || s->facts->launch_encryption_by_default;
  AF_COPY(d->launch_key_arn, af_str(!d->hop ? d->key_arn : af_json_str(s->facts->launch_key, "Arn")));
}

static void say_why(const struct af_survey *s, const struct af_ladder *l, const struct af_rung *rung, struct af_decision *d) {
  const json_t *refused = NULL;
  for (size_t i = 0; i < l->n && &l->rungs[i] != rung; i++)
    refused = l->rungs[i].tried ? l->rungs[i].tried : refused;
  snprintf(d->reason, sizeof d->reason, "%s %s%s%s%s%s, %s: %s%s%s%s%s%s", who(s), s->owner, *s->alias ? " (" : "", s->alias,
           *s->alias ? ")" : "", s->ownership == AF_OWNER_TRUSTED ? ", which the manifest trusts" : "", af_survey_encryption(s),
           d->bridge ? "its owner puts it under the bridge key first; " : "", because(s, d),
           would_lose(s, d) ? would_lose(s, d) : "",
           l->named ? " (the manifest names this route)" : "", refused ? "; AWS refused " : "", af_json_str(refused, "route"));
}

static void settle_route(const struct af_survey *s, const json_t *tried, struct af_decision *d) {
  struct af_ladder ladder;
  af_ladder(s, d, tried, &ladder);
  const struct af_rung *rung = af_ladder_next(&ladder);
  if (!rung) {
    af_ladder_refuse(s, &ladder, &d->refusal);
    return;
  }
  d->route = rung->route;
  if (d->route == AF_ROUTE_LAUNCH_IMAGE)
    settle_launch(s, d);
  say_why(s, &ladder, rung, d);
}

static bool (*const checks[])(const struct af_survey *s, struct af_decision *d) = {
    /* the question */
    refuses_facts,
    refuses_credentials,
    refuses_partition,
    refuses_owner,
    refuses_route_name,
    af_route_refuses_key,
    /* is it there already? */
    af_route_refuses_name,
    af_route_settles_by_holder,
    /* the source */
    refuses_state,
    refuses_unread,
    refuses_foreign_snapshot,
    refuses_archived,
    refuses_unfinished,
    af_route_refuses_source_key,
    refuses_missing_key,
};

/* Whether anything but the ladder settles it. */
static bool settled(const struct af_copy_spec *spec, const struct af_facts *facts, struct af_survey *s, struct af_decision *d) {
  bool is = false;
  af_survey(s, spec, facts);
  *d = (struct af_decision){.route = AF_ROUTE_NONE,
                            .cross_account = s->ownership == AF_OWNER_SOURCE,
                            .pull = facts->pull,
                            .instance_store = s->instance_store};
  for (size_t i = 0; i < sizeof checks / sizeof checks[0] && !is; i++)
    is = checks[i](s, d);
  return is;
}

static const json_t *adopted(const struct af_facts *facts, const struct af_decision *d) {
  const json_t *holder;
  size_t i;
  json_array_foreach(facts->name_holders, i, holder)
    if (*d->adopted_image && af_streq(af_json_str(holder, "ImageId"), d->adopted_image)) return holder;
  return NULL;
}

void af_route_decide(const struct af_copy_spec *spec, const struct af_facts *facts, const json_t *tried,
                     struct af_decision *ret) {
  struct af_survey s;
  struct af_decision d;
  if (!settled(spec, facts, &s, &d))
    settle_route(&s, tried, &d);
  if (d.route == AF_ROUTE_NONE) {
    AF_COPY(d.reason, af_str(d.refusal.message));
    af_refusal_at(&d.refusal, "", facts->pull ? facts->target_account : facts->source_account, spec->source.region, s.image_id);
  } else {
    char warning[AF_KEEP_WARNING_SIZE];
    d.deprecate_ms = af_keep_deprecation(spec, facts, adopted(facts, &d), warning);
    d.protection = af_keep_protection(spec, facts);
    af_route_warn(&s, &d);
  }
  *ret = d;
}

bool af_route_reads_launch(const struct af_copy_spec *spec, const struct af_facts *facts, const json_t *tried) {
  struct af_survey s;
  struct af_decision d;
  struct af_ladder ladder;
  if (settled(spec, facts, &s, &d))
    return false;
  af_ladder(&s, &d, tried, &ladder);
  return af_ladder_may_launch(&s, &ladder);
}

void af_route_ladder(const struct af_copy_spec *spec, const struct af_facts *facts, const json_t *tried, struct af_buf *out) {
  struct af_survey s;
  struct af_decision d;
  struct af_ladder ladder;
  const char *between = "";
  if (settled(spec, facts, &s, &d))
    return;
  af_ladder(&s, &d, tried, &ladder);
  for (size_t i = 0; i < ladder.n; i++) {
    if (!af_rung_is_free(&ladder.rungs[i]))
      continue;
    af_buf_printf(out, "%s%s", between, af_route_name(ladder.rungs[i].route));
    between = ", then ";
  }
}
