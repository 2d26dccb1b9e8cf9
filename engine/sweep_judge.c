/* What is to become of what sweep.c has found: the claims that plans/sweep.h judges are put together here, of what AWS shows and what the
 * database knows. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/routes.h"
#include "engine/sweep.h"

/* --- what the database knows --- */

static enum af_sweep_of of_state(enum af_copy_state state) {
  if (state == AF_COPY_DONE) return AF_OF_DONE;
  return af_copy_state_ended(state) ? AF_OF_ENDED : AF_OF_LIVE;
}

static int know(const struct af_copy_row *row, json_t *known) {
  json_t *copies = json_object_get(known, "copies"), *before = json_object_get(copies, row->id);
  enum af_sweep_of of = of_state(row->state);
  int bad = 0;
  if (!before || json_integer_value(before) != AF_OF_LIVE) bad = json_object_set_new(copies, row->id, json_integer(of));
  if (row->image_id && of != AF_OF_ENDED) bad |= json_object_set_new(json_object_get(known, "results"), row->image_id, json_true());
  return bad;
}

static int know_batch(struct af_store *store, const char *id, json_t *known, struct af_error *err) {
  struct af_copy_row *list = NULL;
  size_t n = 0;
  int rc = af_store_copies(store, id, &list, &n, err);
  for (size_t i = 0; i < n; i++) {
    if (!rc && know(&list[i], known)) rc = af_error_nomem(err);
    af_copy_row_done(&list[i]);
  }
  free(list);
  return rc;
}

int af_sweep_known(struct af_store *store, json_t *known, struct af_error *err) {
  struct af_batch_row *list = NULL;
  size_t n = 0;
  int rc = store ? af_store_batches(store, &list, &n, err) : 0;
  for (size_t i = 0; i < n; i++) {
    if (!rc) rc = know_batch(store, list[i].id, known, err);
    af_batch_row_done(&list[i]);
  }
  free(list);
  return rc;
}

/* --- putting claims together --- */

struct judge {
  struct af_engine *e;
  struct af_sweep *sweep;
  const json_t *known;
  json_t *pasts; /* by copy that has ended: {"stands": {mark: true} of steps whose work is there, "results": {AMI: true}} */
  json_t *seen;  /* things that were judged: one may be seen with several credentials */
  json_t *uses;  /* snapshot: enum af_sweep_use */
  size_t room;   /* for things */
};

static const struct trait { /* how AWS shows a kind of thing */
  const char *what, *id, *made, *gib;
  const char *gone; /* states in which it is one no more, or soon; "|a|b|" */
} traits[AF_SWEEP_KIND_MAX_] = {
    [AF_SWEEP_INSTANCE] = {"instances", "InstanceId", "LaunchTime", NULL, "|shutting-down|terminated|"},
    [AF_SWEEP_VOLUME] = {"volumes", "VolumeId", "CreateTime", "Size", "|deleting|deleted|"},
    [AF_SWEEP_GROUP] = {"security groups", "GroupId", NULL, NULL, ""},
    [AF_SWEEP_IMAGE] = {"images", "ImageId", "CreationDate", NULL, "|deregistered|"},
    [AF_SWEEP_SNAPSHOT] = {"snapshots", "SnapshotId", "StartTime", "VolumeSize", ""},
    [AF_SWEEP_GRANT] = {"grants", "GrantId", "CreationDate", NULL, ""},
};

static const char *state_of(const json_t *item) {
  const json_t *state = json_object_get(item, "State");
  return json_is_object(state) ? af_json_str(state, "Name") : af_json_str(item, "State");
}

static bool is_gone(enum af_sweep_kind kind, const json_t *item) {
  char word[64];
  snprintf(word, sizeof(word), "|%.60s|", state_of(item));
  return strstr(traits[kind].gone, word) != NULL;
}

/* A grant says whose it is by its name: amiferry-COPY-ORDINAL-GENERATION (engine/steps/grant_key.c). Others' are none of ours. */
static bool grant_copy(const json_t *grant, char out[64]) {
  static const char before[] = "amiferry-";
  const char *name = af_json_str(grant, "Name");
  if (!af_str_starts(af_str(name), before)) return false;
  size_t n = strlen(name), dashes = 0;
  while (n && dashes < 2) dashes += name[--n] == '-';
  if (n < sizeof(before)) return false;
  af_str_copy(out, 64, af_str_n(name + sizeof(before) - 1, n - (sizeof(before) - 1)));
  return true;
}

/* What stands of a step's work: what another mark stands for was undone, or made anew. */
static int note_steps(json_t *past, const struct af_step_row *steps, size_t n) {
  char mark[48];
  int bad = 0;
  for (size_t i = 0; i < n; i++) {
    af_step_mark(&steps[i], mark);
    if (steps[i].face == AF_FACE_DO && steps[i].state == AF_STEP_DONE) bad |= json_object_set_new(json_object_get(past, "stands"), mark, json_true());
  }
  return bad;
}

static bool made_result(const struct af_step_row *steps, size_t n, const struct af_effect_row *e) {
  for (size_t i = 0; i < n; i++) {
    const struct af_step_traits *t = steps[i].ordinal == e->step ? af_step_traits(steps[i].kind) : NULL;
    if (t) return t->makes_image && af_streq(e->kind, "image");
  }
  return false;
}

static int read_effects(struct judge *j, const char *copy, const struct af_step_row *steps, size_t n, json_t *past, struct af_error *err) {
  struct af_effect_row *list = NULL;
  size_t n_list = 0;
  int bad = 0, rc = af_store_effects(j->e->config.store, copy, &list, &n_list, err);
  for (size_t i = 0; i < n_list; i++) {
    if (made_result(steps, n, &list[i])) bad |= json_object_set_new(json_object_get(past, "results"), list[i].resource, json_true());
    af_effect_row_done(&list[i]);
  }
  free(list);
  return rc ? rc : bad ? af_error_nomem(err) : 0;
}

static int read_past(struct judge *j, const char *copy, json_t **ret, struct af_error *err) {
  struct af_step_row *steps = NULL;
  size_t n = 0;
  *ret = json_object_get(j->pasts, copy);
  if (*ret) return 0;
  *ret = json_pack("{s:{}, s:{}}", "stands", "results");
  int rc = !*ret || json_object_set_new(j->pasts, copy, *ret) ? af_error_nomem(err) : af_store_steps(j->e->config.store, copy, &steps, &n, err);
  if (!rc && note_steps(*ret, steps, n)) rc = af_error_nomem(err);
  if (!rc) rc = read_effects(j, copy, steps, n, *ret, err);
  af_step_rows_free(steps, n);
  return rc;
}

static int claim_of(struct judge *j, const struct af_sweep_place *p, enum af_sweep_kind kind, const json_t *item, const char *copy,
                    struct af_sweep_claim *ret, struct af_error *err) {
  const char *id = af_json_str(item, traits[kind].id), *mark = af_tag(item, AF_TAG_STEP);
  const json_t *of = json_object_get(json_object_get(j->known, "copies"), copy), *use = json_object_get(j->uses, id);
  json_t *past = NULL;
  bool image = kind == AF_SWEEP_IMAGE, snapshot = kind == AF_SWEEP_SNAPSHOT;
  *ret = (struct af_sweep_claim){.of = of ? (enum af_sweep_of)json_integer_value(of) : AF_OF_UNKNOWN,
                                 .temporary = kind == AF_SWEEP_GRANT || *af_tag(item, AF_TAG_TEMPORARY),
                                 .result = image && json_object_get(json_object_get(j->known, "results"), id)};
  ret->whole = image && !ret->temporary && af_streq(state_of(item), "available");
  if (snapshot) ret->use = use ? (enum af_sweep_use)json_integer_value(use) : p->uses_known ? AF_USED_BY_NONE : AF_USED_BY_UNREAD;
  if (ret->of != AF_OF_DONE && ret->of != AF_OF_ENDED) return 0;
  int rc = read_past(j, copy, &past, err);
  ret->stale = !rc && *mark && !json_object_get(json_object_get(past, "stands"), mark);
  ret->copied = !rc && image && json_object_get(json_object_get(past, "results"), af_json_str(item, "SourceImageId"));
  return rc;
}

/* --- what comes of it --- */

/* The user that matters most of a snapshot is the one that counts. */
static int use_snapshots(struct judge *j, const json_t *image, enum af_sweep_use use) {
  size_t i;
  json_t *mapping;
  int bad = 0;
  json_array_foreach(json_object_get(image, "BlockDeviceMappings"), i, mapping) {
    const char *id = af_mapping_snapshot(mapping);
    if (*id && json_integer_value(json_object_get(j->uses, id)) < use) bad |= json_object_set_new(j->uses, id, json_integer(use));
  }
  return bad;
}

static enum af_sweep_use use_by(enum af_sweep_verdict v) {
  return v == AF_SWEEP_ORPHAN ? AF_USED_BY_ORPHAN : v == AF_SWEEP_UNKNOWN ? AF_USED_BY_UNKNOWN : AF_USED_BY_KEPT;
}

static int64_t time_of(const json_t *when) {
  int64_t ms = 0;
  if (json_is_number(when)) return (int64_t)(json_number_value(when) * 1000);
  return json_is_string(when) && !af_time_parse(af_str(json_string_value(when)), &ms) ? ms : 0;
}

static int add_thing(struct judge *j, const struct af_sweep_thing *thing) {
  struct af_sweep *s = j->sweep;
  if (s->n == j->room) {
    size_t room = j->room ? 2 * j->room : 64;
    struct af_sweep_thing *list = realloc(s->things, room * sizeof(*list));
    if (!list) return -AF_ENOMEM;
    s->things = list;
    j->room = room;
  }
  s->things[s->n++] = *thing;
  return 0;
}

static bool seen_before(struct judge *j, const struct af_sweep_place *p, enum af_sweep_kind kind, const char *id) {
  char name[256];
  snprintf(name, sizeof(name), "%s/%s/%s/%.160s", p->account, p->region, af_sweep_kind_name(kind), id);
  bool before = json_object_get(j->seen, name);
  json_object_set_new(j->seen, name, json_true());
  return before;
}

static int judge_item(struct judge *j, size_t place, enum af_sweep_kind kind, const json_t *item, struct af_error *err) {
  struct af_sweep_place *p = &j->sweep->places[place];
  const struct trait *t = &traits[kind];
  struct af_sweep_claim claim;
  char of_grant[64];
  const char *copy = kind != AF_SWEEP_GRANT ? af_tag(item, AF_TAG_COPY) : grant_copy(item, of_grant) ? of_grant : "";
  if (is_gone(kind, item)) p->going |= kind == AF_SWEEP_INSTANCE;
  if (is_gone(kind, item) || !*copy || seen_before(j, p, kind, af_json_str(item, t->id))) return 0;
  struct af_sweep_thing thing = {.kind = kind, .place = place, .made_ms = t->made ? time_of(json_object_get(item, t->made)) : 0};
  int rc = claim_of(j, p, kind, item, copy, &claim, err);
  if (rc) return rc;
  AF_COPY(thing.account, af_str(p->account));
  AF_COPY(thing.region, af_str(p->region));
  AF_COPY(thing.id, af_str(af_json_str(item, t->id)));
  AF_COPY(thing.key, af_str(af_json_str(item, "KeyId")));
  AF_COPY(thing.copy, af_str(copy));
  thing.temporary = claim.temporary;
  thing.ours = claim.of != AF_OF_UNKNOWN;
  if (t->gib) thing.bytes = af_json_int(item, t->gib) << 30;
  thing.verdict = af_sweep_judge(&claim, &thing.why);
  j->sweep->verdicts[thing.verdict]++;
  if (kind == AF_SWEEP_IMAGE && use_snapshots(j, item, use_by(thing.verdict))) return af_error_nomem(err);
  if (thing.verdict == AF_SWEEP_NEEDED || thing.verdict == AF_SWEEP_KEPT) return 0;
  return add_thing(j, &thing) ? af_error_nomem(err) : 0;
}

/* Images first: what becomes of a snapshot depends on those that use it, in any place. */
static int judge_kind(struct judge *j, enum af_sweep_kind kind, struct af_error *err) {
  int rc = 0;
  for (size_t i = 0; i < j->sweep->n_places; i++) {
    size_t k;
    json_t *item;
    json_array_foreach(json_object_get(j->sweep->places[i].seen, traits[kind].what), k, item) {
      if (!rc) rc = judge_item(j, i, kind, item, err);
    }
  }
  return rc;
}

static json_t *ids_of(const json_t *images) {
  json_t *ids = json_object(), *image;
  size_t i;
  json_array_foreach(images, i, image) {
    if (json_object_set_new(ids, af_json_str(image, "ImageId"), json_true())) {
      json_decref(ids);
      return NULL;
    }
  }
  return ids;
}

/* An AMI that a place doesn't list by its tag is somebody's own, or AWS is late to show the tag: it stays. */
static int judge_users(struct judge *j, struct af_error *err) {
  int bad = 0;
  for (size_t i = 0; i < j->sweep->n_places; i++) {
    const json_t *seen = j->sweep->places[i].seen;
    json_t *tagged = ids_of(json_object_get(seen, "images")), *image;
    size_t k;
    bad |= !tagged;
    json_array_foreach(json_object_get(seen, "users"), k, image) {
      bool known = json_object_get(tagged, af_json_str(image, "ImageId"));
      if (!known && !is_gone(AF_SWEEP_IMAGE, image)) bad |= use_snapshots(j, image, AF_USED_BY_KEPT);
    }
    json_decref(tagged);
  }
  return bad ? af_error_nomem(err) : 0;
}

/* A snapshot that has no tags of ours, since the user's left no room, is its AMI's: it goes with it, or it would be found no more. */
static int judge_untagged(struct judge *j, size_t place, const json_t *image, struct af_error *err) {
  size_t i;
  json_t *mapping;
  int rc = 0;
  json_array_foreach(json_object_get(image, "BlockDeviceMappings"), i, mapping) {
    const char *id = af_mapping_snapshot(mapping);
    if (!*id || rc || is_gone(AF_SWEEP_IMAGE, image)) continue;
    json_t *item = json_pack("{s:s, s:O?, s:O?, s:O?}", "SnapshotId", id, "Tags", json_object_get(image, "Tags"), "StartTime",
                             json_object_get(image, "CreationDate"), "VolumeSize", json_object_get(json_object_get(mapping, "Ebs"), "VolumeSize"));
    rc = item ? judge_item(j, place, AF_SWEEP_SNAPSHOT, item, err) : af_error_nomem(err);
    json_decref(item);
  }
  return rc;
}

static int judge_all_untagged(struct judge *j, struct af_error *err) {
  int rc = 0;
  for (size_t i = 0; i < j->sweep->n_places; i++) {
    size_t k;
    json_t *image;
    json_array_foreach(json_object_get(j->sweep->places[i].seen, "images"), k, image) {
      if (!rc) rc = judge_untagged(j, i, image, err);
    }
  }
  return rc;
}

static int by_name(const void *a, const void *b) {
  const struct af_sweep_thing *x = a, *y = b;
  int c = strcmp(x->account, y->account);
  if (!c) c = strcmp(x->region, y->region);
  if (!c) c = (int)x->kind - (int)y->kind;
  return c ? c : strcmp(x->id, y->id);
}

const struct af_sweep_thing *af_sweep_find(const struct af_sweep *s, const struct af_sweep_thing *like) {
  return s->n ? bsearch(like, s->things, s->n, sizeof(*s->things), by_name) : NULL;
}

int af_sweep_judge_all(struct af_engine *e, struct af_sweep *s, const json_t *known, struct af_error *err) {
  static const enum af_sweep_kind order[] = {AF_SWEEP_IMAGE, AF_SWEEP_SNAPSHOT, AF_SWEEP_INSTANCE, AF_SWEEP_VOLUME, AF_SWEEP_GROUP, AF_SWEEP_GRANT};
  struct judge j = {.e = e, .sweep = s, .known = known, .pasts = json_object(), .seen = json_object(), .uses = json_object()};
  int rc = j.pasts && j.seen && j.uses ? judge_users(&j, err) : af_error_nomem(err);
  for (size_t i = 0; i < sizeof(order) / sizeof(order[0]) && !rc; i++) rc = judge_kind(&j, order[i], err);
  if (!rc) rc = judge_all_untagged(&j, err);
  if (s->n) qsort(s->things, s->n, sizeof(*s->things), by_name);
  json_decref(j.pasts);
  json_decref(j.seen);
  json_decref(j.uses);
  return rc;
}
