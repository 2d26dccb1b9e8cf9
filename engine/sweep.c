/* Finding what carries amiferry's tags, in every account and Region of a manifest: a table of reads for each place, side by side. What can't
 * be read in one place is noted, and the rest goes on.
 *
 * Shares and launch permissions carry no tags: of those, only the database knows (exposure.c). Grants have names, and amiferry's can all
 * be retired by the key's account, which is how KMS finds them without being told their keys. */
#include "engine/sweep.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/aws/ops.h"
#include "engine/pages.h"
#include "engine/survey.h"

/* --- reads --- */

static int give(json_t **ret, json_t *input) {
  *ret = input;
  return input ? 0 : -AF_ENOMEM;
}

static int ask_nothing(const struct af_sweep_place *p, json_t **ret) {
  return give(ret, json_object());
}

static int ask_tagged(const struct af_sweep_place *p, json_t **ret) {
  return give(ret, json_pack("{s:o, s:i}", "Filters", af_filters("tag-key", AF_TAG_COPY, NULL), "MaxResults", AF_PAGE_MOST));
}

static int ask_images(const struct af_sweep_place *p, json_t **ret) {
  return give(ret, json_pack("{s:[s], s:b, s:o, s:i}", "Owners", "self", "IncludeDisabled", 1, "Filters",
                             af_filters("tag-key", AF_TAG_COPY, NULL), "MaxResults", AF_PAGE_MOST));
}

static int ask_snapshots(const struct af_sweep_place *p, json_t **ret) {
  return give(ret, json_pack("{s:[s], s:o, s:i}", "OwnerIds", "self", "Filters", af_filters("tag-key", AF_TAG_COPY, NULL), "MaxResults",
                             AF_PAGE_MOST));
}

/* Somebody may have registered an AMI of his own over a snapshot of ours. */
static int ask_users(const struct af_sweep_place *p, json_t **ret) {
  const char *id;
  json_t *ids, *unused;
  size_t i = 0;
  if (p->from >= json_object_size(p->held)) return 0;
  int bad = !(ids = json_array());
  json_object_foreach(p->held, id, unused) {
    if (i >= p->from && i < p->from + AF_POLL_MOST) bad |= json_array_append_new(ids, json_string(id));
    i++;
  }
  if (!bad)
    return give(ret, json_pack("{s:[s], s:b, s:[{s:s, s:o}], s:i}", "Owners", "self", "IncludeDisabled", 1, "Filters", "Name",
                               "block-device-mapping.snapshot-id", "Values", ids, "MaxResults", AF_PAGE_MOST));
  json_decref(ids);
  return -AF_ENOMEM;
}

static int ask_grants(const struct af_sweep_place *p, json_t **ret) {
  char account[64];
  snprintf(account, sizeof(account), "arn:%s:iam::%s:root", p->partition, p->account); /* engine/steps/grant_key.c */
  return give(ret, json_pack("{s:s, s:i}", "RetiringPrincipal", account, "Limit", AF_GRANTS_MOST));
}

static const struct look {
  const char *what; /* member of seen */
  const struct af_op *op;
  unsigned roles;
  int (*ask)(const struct af_sweep_place *p, json_t **ret); /* *ret stays NULL where there is nothing to ask */
  const char *list; /* of the answer */
} looks[] = {
    {"identity", &af_sts_get_caller_identity, ~0u, ask_nothing, NULL},
    {"images", &af_ec2_describe_images, ~0u, ask_images, "Images"},
    {"snapshots", &af_ec2_describe_snapshots, ~0u, ask_snapshots, "Snapshots"},
    {"users", &af_ec2_describe_images, ~0u, ask_users, "Images"},
    {"instances", &af_ec2_describe_instances, AF_SWEEP_AT_LAUNCH, ask_tagged, "Reservations"},
    {"volumes", &af_ec2_describe_volumes, AF_SWEEP_AT_LAUNCH, ask_tagged, "Volumes"},
    {"security groups", &af_ec2_describe_security_groups, AF_SWEEP_AT_LAUNCH, ask_tagged, "SecurityGroups"},
    {"grants", &af_kms_list_retirable_grants, AF_SWEEP_AT_SOURCE, ask_grants, "Grants"},
};
#define N_LOOKS (sizeof(looks) / sizeof(looks[0]))

static int ask(void *reads, struct af_ask *ret) {
  struct af_sweep_place *p = reads;
  *ret = (struct af_ask){.side = AF_SOURCE, .region = p->region};
  for (; p->stage < N_LOOKS; p->stage++) {
    const struct look *l = &looks[p->stage];
    int rc = l->roles & p->roles ? l->ask(p, &ret->input) : 0;
    if (rc) return rc;
    if (!ret->input) continue;
    ret->op = l->op;
    return 0;
  }
  return 0;
}

/* --- answers --- */

static int take_identity(struct af_sweep_place *p, const struct af_answer *a, struct af_error *err) {
  AF_COPY(p->account, af_str(af_json_str(a->output, "Account")));
  af_take_partition(af_json_str(a->output, "Arn"), p->partition);
  if (!p->wanted || af_streq(p->wanted, p->account)) return 0;
  int rc = af_error_set(err, -AF_EAWS, AF_CLASS_AUTH, "WrongAccount", "the credentials belong to account %s, but the manifest says %s",
                        *p->account ? p->account : "?", p->wanted);
  af_error_hint(err, "choose the profile or role of account %s, or correct the manifest", p->wanted);
  return rc;
}

/* Reservations hold instances; everything else is a list of what it says. */
static json_t *items_of(const struct look *l, const json_t *output) {
  json_t *list = json_object_get(output, l->list), *reservation, *all;
  size_t i;
  if (!af_streq(l->list, "Reservations")) return list ? json_incref(list) : json_array();
  all = json_array();
  json_array_foreach(list, i, reservation) json_array_extend(all, json_object_get(reservation, "Instances"));
  return all;
}

static int find_held(struct af_sweep_place *p) {
  json_t *image, *mapping, *snapshot;
  size_t i, k;
  int bad = 0;
  json_array_foreach(json_object_get(p->seen, "images"), i, image) {
    json_array_foreach(json_object_get(image, "BlockDeviceMappings"), k, mapping) {
      if (*af_mapping_snapshot(mapping)) bad |= json_object_set_new(p->held, af_mapping_snapshot(mapping), json_object());
    }
  }
  json_array_foreach(json_object_get(p->seen, "snapshots"), i, snapshot) {
    bad |= json_object_set_new(p->held, af_json_str(snapshot, "SnapshotId"), json_object());
  }
  return bad ? -AF_ENOMEM : 0;
}

static int take_items(struct af_sweep_place *p, const struct look *l, const struct af_answer *a) {
  json_t *items = items_of(l, a->output), *before = json_object_get(p->seen, l->what);
  int bad = !items || (before ? json_array_extend(before, items) : json_object_set(p->seen, l->what, items));
  json_decref(items);
  if (!bad && af_streq(l->what, "snapshots")) bad = find_held(p) != 0;
  if (!af_streq(l->what, "users")) p->stage++;
  else p->from += AF_POLL_MOST; /* and once more, until there are none left */
  return bad ? -AF_ENOMEM : 0;
}

static int note_unread(struct af_sweep *s, const struct af_sweep_place *p, const char *what, const struct af_error *why) {
  struct af_sweep_unread *list = realloc(s->unread, (s->n_unread + 1) * sizeof(*list));
  if (!list) return -AF_ENOMEM;
  s->unread = list;
  list[s->n_unread] = (struct af_sweep_unread){.what = what, .error = *why};
  AF_COPY(list[s->n_unread].account, af_str(*p->account ? p->account : p->wanted ? p->wanted : ""));
  AF_COPY(list[s->n_unread].region, af_str(p->region));
  s->n_unread++;
  return 0;
}

static int answer(void *reads, const struct af_answer *a, struct af_error *err) {
  struct af_sweep_place *p = reads;
  const struct look *l = &looks[p->stage];
  bool refused = a->error.class == AF_CLASS_AUTH || a->error.class == AF_CLASS_REFUSED || a->error.class == AF_CLASS_INVALID;
  if (a->rc && l->list && refused) { /* what this principal may not see; it may see the rest */
    p->stage++;
    return note_unread(p->sweep, p, af_streq(l->what, "users") ? "AMIs that use snapshots" : l->what, &a->error) ? af_error_nomem(err) : 0;
  }
  if (a->rc) {
    *err = a->error;
    return a->rc;
  }
  if (l->list) return take_items(p, l, a) ? af_error_nomem(err) : 0;
  int rc = take_identity(p, a, err);
  if (!rc) p->stage++;
  return rc;
}

/* --- places --- */

static int add_place(struct af_sweep *s, struct af_session *session, const char *region, const char *wanted, unsigned role) {
  for (size_t i = 0; i < s->n_places; i++) {
    struct af_sweep_place *p = &s->places[i];
    bool same = p->session == session && af_streq(p->region, region) && af_streq(p->wanted ? p->wanted : "", wanted ? wanted : "");
    if (!same) continue;
    p->roles |= role;
    return 0;
  }
  struct af_sweep_place *list = realloc(s->places, (s->n_places + 1) * sizeof(*list));
  if (!list) return -AF_ENOMEM;
  s->places = list;
  list[s->n_places] = (struct af_sweep_place){
      .session = session, .region = region, .wanted = wanted, .roles = role, .seen = json_object(), .held = json_object()};
  bool bad = !list[s->n_places].seen || !list[s->n_places].held;
  s->n_places++;
  return bad ? -AF_ENOMEM : 0;
}

static int add_places(struct af_engine *e, const struct af_copy_spec *spec, struct af_sweep *s, struct af_error *err) {
  struct af_session *source, *target;
  int rc = af_spec_sessions(e, spec, &source, &target, err);
  if (rc) return rc;
  rc = add_place(s, target, spec->target.region, spec->target.account, AF_SWEEP_AT_TARGET);
  if (!rc) rc = add_place(s, target, spec->source.region, spec->target.account, AF_SWEEP_AT_LAUNCH);
  if (!rc && !spec->pull) rc = add_place(s, source, spec->source.region, spec->source.account, AF_SWEEP_AT_SOURCE);
  return rc ? af_error_nomem(err) : 0;
}

static int look(struct af_engine *e, struct af_sweep *s, struct af_error *err) {
  struct af_survey *list = calloc(s->n_places ? s->n_places : 1, sizeof(*list));
  if (!list) return af_error_nomem(err);
  for (size_t i = 0; i < s->n_places; i++) {
    struct af_sweep_place *p = &s->places[i];
    p->sweep = s;
    list[i] = (struct af_survey){.reads = p, .ask = ask, .answer = answer, .source = p->session, .target = p->session};
  }
  int rc = af_survey_run(e, list, s->n_places, err);
  for (size_t i = 0; i < s->n_places; i++) {
    struct af_sweep_place *p = &s->places[i];
    const char *what = p->stage < N_LOOKS && looks[p->stage].list ? looks[p->stage].what : "anything";
    if (!rc && af_survey_failed(&list[i]) && note_unread(s, p, what, &list[i].error)) rc = af_error_nomem(err);
    p->uses_known = json_object_get(p->seen, "images") && p->from >= json_object_size(p->held);
    af_survey_done(&list[i]);
  }
  free(list);
  return rc;
}

int af_engine_sweep(struct af_engine *e, const struct af_manifest *m, struct af_sweep *ret, struct af_error *err) {
  json_t *known = json_pack("{s:{}, s:{}}", "copies", "results");
  struct af_sweep s = {0};
  int rc = known ? 0 : af_error_nomem(err);
  for (size_t i = 0; i < m->n && !rc; i++) rc = add_places(e, &m->copies[i], &s, err);
  if (!rc) rc = af_sweep_known(e->config.store, known, err);
  if (!rc) rc = look(e, &s, err);
  if (!rc) rc = af_sweep_known(e->config.store, known, err);
  if (!rc) rc = af_sweep_judge_all(e, &s, known, err);
  json_decref(known);
  if (rc) af_sweep_done(&s);
  else *ret = s;
  return rc;
}

void af_sweep_done(struct af_sweep *s) {
  for (size_t i = 0; i < s->n; i++) free(s->things[i].error);
  for (size_t i = 0; i < s->n_places; i++) {
    json_decref(s->places[i].seen);
    json_decref(s->places[i].held);
  }
  free(s->things);
  free(s->unread);
  free(s->places);
  *s = (struct af_sweep){0};
}
