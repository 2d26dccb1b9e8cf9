/* Playing a scene. The end that each copy must have is told from the scene alone: what nobody refused must arrive, and only what a person
 * cancelled may not. */
#include "tests/simulation/play.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/simulation/hand.h"
#include "tests/simulation/worlds.h"

#define LIVES_MAX 40
#define MENDS_MAX 4
#define COPIES (SCENE_COPIES + SCENE_CHAINED)

struct play {
  struct scene scene;
  struct rig *rig;
  struct play_stats *stats;
  struct why *why;
  bool failed;
  int life, next_death, commits;
  bool second_done, mended;
  bool struck;    /* by a hand, */
  bool gone_late; /* which took an image away that had been verified */
  int undone; /* the copy of the scene that was taken back; -1 */
};

static bool broken(struct play *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool broken(struct play *p, const char *format, ...) {
  va_list args;
  if (p->failed) return false; /* the first is what matters */
  va_start(args, format);
  vsnprintf(p->why->text, sizeof(p->why->text), format, args);
  va_end(args);
  p->failed = true;
  return false;
}

/* --- at every turn --- */

/* The audit of a whole cloud costs more than a turn: one scene in eight is watched at each commit, the others at each sixteenth. */
static void watch(void *ctx, struct rig *r) {
  struct play *p = ctx;
  struct why why;
  p->commits++;
  if (p->failed || (p->scene.seed % 8 && p->commits % 16)) return;
  if (!holds_at_every_turn(r, &why)) broken(p, "after commit %d of life %d: %s", p->commits, p->life, why.text);
}

/* "c3 {name}" is copy 3 of the scene. */
static int copy_of(const char *name) {
  int i = name && name[0] == 'c' && name[1] >= '0' && name[1] <= '9' && name[2] == ' ' ? name[1] - '0' : -1;
  return i < COPIES ? i : -1;
}

static void fulfil(struct rig *r, struct af_engine *e, const struct scene_wish *w) {
  struct af_error err;
  if (w->kind == WISH_INTERRUPT) rig_interrupt(r);
  for (size_t i = 0; i < af_engine_count(e) && w->kind != WISH_INTERRUPT; i++) {
    struct af_copy_view view;
    size_t n;
    af_engine_view(e, i, &view);
    bool meant = w->kind == WISH_GIVE_UP ? view.row->state == AF_COPY_BLOCKED : copy_of(view.spec->name) == w->copy;
    if (!meant) continue;
    if (w->kind != WISH_RETRY) af_engine_cancel(e, view.row->id, &n, &err);
    else af_engine_retry(e, view.row->id, &n, &err);
  }
}

static bool takes_part(const struct scene *s, int wish) {
  return scene_has(s, SCENE_COPIES + SCENE_FAULTS + SCENE_DEATHS + wish);
}

static bool is_now(const struct scene_wish *w, int life, int turn) {
  if (w->kind == WISH_GIVE_UP) return w->life < life || (w->life == life && w->turn <= turn);
  return w->life == life && w->turn == turn;
}

static void set_key(struct rig *r, const struct scene_key *k, bool enabled) {
  struct af_error err;
  if (!cs_sim_enable_key(rig_sim(r), k->owner, k->region, "alias/amis", enabled, &err)) return;
  fprintf(stderr, "key: %s\n", err.message);
  abort();
}

static void person(void *ctx, struct rig *r, struct af_engine *e, int turn) {
  struct play *p = ctx;
  const struct scene_key *key = &p->scene.key;
  const struct scene_hand *hand = &p->scene.hand;
  bool comes = hand->step && !p->struck && !p->mended && (p->life > hand->life || (p->life == hand->life && turn >= hand->turn));
  if (comes) p->struck = hand_removes(r, e, hand->step);
  bool strikes = key->owner && key->life == p->life && !p->mended;
  if (strikes && key->turn == turn) set_key(r, key, false);
  if (strikes && key->turns && key->turn + key->turns == turn) set_key(r, key, true);
  for (int i = 0; i < p->scene.n_wishes; i++)
    if (takes_part(&p->scene, i) && is_now(&p->scene.wishes[i], p->life, turn)) fulfil(r, e, &p->scene.wishes[i]);
}

static bool is_attended(const struct play *p) {
  if (p->scene.key.owner && p->scene.key.life == p->life) return true;
  if (p->scene.hand.step && p->scene.hand.life <= p->life) return true;
  for (int i = 0; i < p->scene.n_wishes; i++)
    if (takes_part(&p->scene, i) && (p->scene.wishes[i].life == p->life || p->scene.wishes[i].kind == WISH_GIVE_UP)) return true;
  return false;
}

static bool was_cancelled(const struct scene *s, int copy) {
  for (int i = 0; i < s->n_wishes; i++)
    if (takes_part(s, i) && (s->wishes[i].kind == WISH_GIVE_UP || (s->wishes[i].kind == WISH_CANCEL && s->wishes[i].copy == copy))) return true;
  return false;
}

/* --- lives --- */

static const struct scene_death *next_death(struct play *p) {
  while (p->next_death < p->scene.n_deaths) {
    int i = p->next_death++;
    if (scene_has(&p->scene, SCENE_COPIES + SCENE_FAULTS + i)) return &p->scene.deaths[i];
  }
  return NULL;
}

/* Runs a manifest, takes a copy back, or (neither) resumes. *ret_over: it came to rest, rather than to its death or to Ctrl-C. */
static bool live(struct play *p, const char *manifest, const char *undo, bool *ret_over) {
  struct af_error err;
  const struct scene_death *death = next_death(p);
  rig_arm(p->rig, death ? death->how : RIG_LIVES, death ? death->at : 0);
  rig_attend(p->rig, is_attended(p) ? person : NULL, p);
  int rc = manifest ? rig_run(p->rig, manifest, &err) : undo ? rig_undo(p->rig, undo, &err) : rig_resume(p->rig, &err);
  p->life++;
  p->stats->lives++;
  p->stats->calls += rig_calls(p->rig);
  rig_arm(p->rig, RIG_LIVES, 0);
  if (rig_died(p->rig)) rig_advance(p->rig, death->pause_ms);
  if (p->life == p->scene.set_after) rig_set_clock(p->rig, p->scene.set_ms);
  *ret_over = !rig_died(p->rig) && rc != -AF_ECANCELED;
  if (*ret_over && rc && rc != -AF_EEXIST) return broken(p, "life %d ended with %d: %s", p->life, rc, err.message);
  return !p->failed && (record_holds(p->rig, NULL, p->why) || !(p->failed = true));
}

static size_t count_written(struct rig *r) {
  struct af_copy_row *list;
  size_t n = rig_copies(r, &list);
  rig_copies_free(list, n);
  return n;
}

static bool is_done(struct rig *r, const char *id) {
  struct af_store *reader = rig_reader(r);
  struct af_copy_row row = {0};
  struct af_error err;
  bool done = reader && !af_store_copy_get(reader, id, &row, &err) && row.state == AF_COPY_DONE;
  if (reader) af_copy_row_done(&row);
  rig_reader_close(r, reader);
  return done;
}

/* Started again after each death, as a person would: what was not yet written down is asked for anew, everything else resumed. The second
 * manifest comes when the first has been interrupted, not over what is being taken back. */
static bool to_rest(struct play *p, const char *manifest, const char *undo) {
  bool over = false, goes = undo != NULL;
  size_t before = count_written(p->rig);
  for (int i = 0; i < LIVES_MAX && !over; i++) {
    if (!live(p, manifest, undo, &over)) return false;
    if (!over && !goes && p->scene.overlaps && !p->second_done && count_written(p->rig)) {
      p->second_done = true;
      if (!live(p, af_buf_cstr(&p->scene.second), NULL, &over)) return false;
      over = false; /* that of the second manifest only */
    }
    if (manifest && count_written(p->rig) > before) manifest = NULL;
    if (undo && !is_done(p->rig, undo)) undo = NULL;
  }
  return over || broken(p, "no rest after %d lives", LIVES_MAX);
}

/* --- ends --- */

static size_t count_in(struct rig *r, enum af_copy_state state) {
  struct af_copy_row *list;
  size_t n = rig_copies(r, &list), count = 0;
  for (size_t i = 0; i < n; i++) count += list[i].state == state;
  rig_copies_free(list, n);
  return count;
}

static bool mend(struct play *p) {
  struct af_error err;
  json_t *none = json_array();
  p->mended = true;
  cs_sim_faults(rig_sim(p->rig), none, &err);
  json_decref(none);
  cs_sim_subscribe(rig_sim(p->rig), "222222222222", "prod-abc", &err);
  cs_sim_subscribe(rig_sim(p->rig), "444444444444", "prod-abc", &err);
  if (p->scene.key.owner) set_key(p->rig, &p->scene.key, true);
  for (int i = 0; i < MENDS_MAX && count_in(p->rig, AF_COPY_BLOCKED); i++) {
    rig_advance(p->rig, 60000);
    if (!to_rest(p, NULL, NULL)) return false;
  }
  return true;
}

static void describe_end(const struct af_copy_row *row, char *out, size_t size) {
  struct af_error e = {0};
  if (row->error) af_error_from_json(row->error, &e);
  snprintf(out, size, "%s (route %s): %s %s: %.200s", af_copy_state_name(row->state), row->route ? row->route : "none", e.action, e.code, e.message);
}

static int copy_of_row(const struct af_copy_row *row) {
  json_t *spec = json_loads(row->spec, 0, NULL);
  int i = copy_of(json_string_value(json_object_get(spec, "name")));
  json_decref(spec);
  return i;
}

/* What was made and removed by hand isn't made anew, and said to be gone. */
static bool says_removed(const char *error) {
  static const char *const words[] = {"Vanished", "NotFound", "is not in", "deregistered"};
  for (size_t i = 0; error && i < sizeof(words) / sizeof(words[0]); i++)
    if (strstr(error, words[i])) return true;
  return false;
}

static bool right_end(struct play *p, const struct af_copy_row *row) {
  int i = copy_of_row(row);
  char end[400];
  describe_end(row, end, sizeof(end));
  if (i < 0 || !p->scene.copies[i].region) return broken(p, "a copy that nobody asked for: %s", row->spec);
  const char *code = p->scene.copies[i].fails;
  bool taken_over = p->second_done && (!row->route || row->rung > 0); /* by the second manifest's batch, before a route or between two */
  if (row->state == AF_COPY_CANCELLED && (was_cancelled(&p->scene, i) || i == p->undone || taken_over)) return true;
  if (p->struck && row->state == AF_COPY_FAILED && says_removed(row->error)) return true;
  if (code && (row->state != AF_COPY_FAILED || !row->error || !strstr(row->error, code))) return broken(p, "copy %d must fail with %s, and is %s", i, code, end);
  if (!code && row->state != AF_COPY_DONE) return broken(p, "copy %d must arrive, and is %s", i, end);
  return true;
}

/* Before anything was mended. What only passes may not even make a copy wait. */
static bool right_rest(struct play *p, const struct af_copy_row *row) {
  char end[400];
  describe_end(row, end, sizeof(end));
  if (af_copy_state_ended(row->state)) return right_end(p, row);
  if (row->state != AF_COPY_BLOCKED) return broken(p, "at rest, and copy %d is %s", copy_of_row(row), end);
  return !p->scene.mild || broken(p, "copy %d waits for a person, though all that was wrong has passed: %s", copy_of_row(row), end);
}

static bool each_row(struct play *p, bool (*right)(struct play *p, const struct af_copy_row *row), int *arrived) {
  struct af_copy_row *list;
  size_t n = rig_copies(p->rig, &list);
  bool ok = true;
  for (size_t i = 0; i < n && ok; i++) {
    ok = right(p, &list[i]);
    int k = copy_of_row(&list[i]);
    if (arrived && ok && list[i].state == AF_COPY_DONE) arrived[k] = 1;
  }
  rig_copies_free(list, n);
  return ok;
}

/* One image for each copy that arrived, no other. */
static bool images_fit(struct play *p, const int *arrived) {
  json_t *audit = rig_audit(p->rig), *image;
  int there[COPIES] = {0};
  size_t i;
  json_array_foreach(json_object_get(audit, "images"), i, image) {
    const char *state = json_string_value(json_object_get(image, "state")), *name = json_string_value(json_object_get(image, "name"));
    if (strcmp(state, "deregistered") == 0) continue;
    int k = copy_of(name);
    if (k < 0 || strcmp(state, "available") != 0) broken(p, "image \"%s\" is left, %s", name ? name : "", state);
    else if (strcmp(json_string_value(json_object_get(image, "region")), p->scene.copies[k].region) != 0) broken(p, "image \"%s\" is in the wrong Region", name);
    else there[k]++;
  }
  json_decref(audit);
  for (int k = 0; k < COPIES; k++)
    if (p->struck && arrived[k] && !there[k]) p->gone_late = true;
    else if (there[k] != (arrived[k] && k != p->undone)) broken(p, "copy %d has %d images, and %s", k, there[k], arrived[k] ? "arrived" : "did not arrive");
  return !p->failed;
}

static bool all_is_well(struct play *p, const char *when) {
  int arrived[COPIES] = {0};
  struct why why;
  if (!each_row(p, right_end, arrived) || !images_fit(p, arrived)) return false;
  if ((!p->gone_late && !cloud_is_clean(p->rig, "333333333333", &why)) || !nothing_is_borrowed(p->rig, &why)) return broken(p, "%s: %s", when, why.text);
  return true;
}

/* Puts those that arrived first, and says how many they are. */
static size_t sort_arrived(struct af_copy_row *list, size_t n) {
  size_t done = 0;
  for (size_t i = 0; i < n; i++) {
    struct af_copy_row row = list[i];
    if (row.state != AF_COPY_DONE) continue;
    list[i] = list[done];
    list[done++] = row;
  }
  return done;
}

/* Copies on, at once, what has arrived. */
static bool chain(struct play *p) {
  struct af_copy_row *list;
  struct af_buf manifest;
  size_t n = rig_copies(p->rig, &list), done = sort_arrived(list, n), chained = 0;
  af_buf_init(&manifest, 1 << 16);
  af_buf_str(&manifest, af_str("{\"version\": 1, \"copies\": ["));
  for (int i = 0; i < p->scene.n_chained && done; i++) {
    const struct af_copy_row *of = &list[p->scene.chained[i].of % done];
    if (!scene_has(&p->scene, SCENE_LINKS + i)) continue;
    if (chained++) af_buf_str(&manifest, af_str(", "));
    scene_chain(&p->scene, i, copy_of_row(of), of->image_id, &manifest);
  }
  af_buf_str(&manifest, af_str("]}"));
  rig_copies_free(list, n);
  bool ok = !chained || (to_rest(p, af_buf_cstr(&manifest), NULL) && each_row(p, right_rest, NULL));
  af_buf_done(&manifest);
  return ok;
}

struct looked {
  const char *copy;
  bool live;
  struct af_findings findings;
};

static int look(struct af_engine *e, void *ctx, struct af_error *err) {
  struct looked *l = ctx;
  return af_engine_verify(e, l->copy, &l->findings, &l->live, err);
}

static bool verifies(struct play *p, const struct af_copy_row *row) {
  struct looked l = {.copy = row->id};
  struct af_error err;
  if (row->state != AF_COPY_DONE || p->gone_late) return true;
  bool ok = !rig_do(p->rig, look, &l, &err) && !af_findings_judge(&l.findings, &err);
  if (!ok) broken(p, "copy %d is not verified: %s", copy_of_row(row), err.message);
  if (ok && !l.live) ok = broken(p, "the source of copy %d is not seen", copy_of_row(row));
  af_findings_done(&l.findings);
  return ok;
}

static bool was_made(const struct af_copy_row *row) {
  return row->state == AF_COPY_DONE && strcmp(row->route, "adopt") != 0 && strcmp(row->route, "skip") != 0;
}

/* What somebody removed after it had arrived, the second run made once more. */
static bool was_made_again(const struct af_copy_row *list, size_t n, size_t i) {
  for (size_t k = i + 1; k < n; k++)
    if (was_made(&list[k]) && copy_of_row(&list[k]) == copy_of_row(&list[i])) return true;
  return false;
}

/* Takes back one that amiferry made. */
static bool take_one_back(struct play *p) {
  struct af_copy_row *list;
  size_t n = rig_copies(p->rig, &list);
  bool ok = true;
  for (size_t i = 0; i < n && ok && p->undone < 0; i++) {
    if (!was_made(&list[i]) || was_made_again(list, n, i)) continue;
    p->undone = copy_of_row(&list[i]);
    ok = to_rest(p, NULL, list[i].id);
  }
  rig_copies_free(list, n);
  return ok;
}

#define ELSEWHERE "[profile elsewhere]\nrole_arn = arn:aws:iam::444444444444:role/amiferry-target\nsource_profile = operator\nexternal_id = to-there\n"

static struct rig *rig_of(const struct scene *s) {
  struct af_error err;
  struct af_buf faults;
  struct rig *r = rig_new(af_buf_cstr(&s->world), s->seed);
  af_buf_init(&faults, 1 << 16);
  scene_faults(s, &faults);
  json_t *list = json_loads(af_buf_cstr(&faults), 0, NULL);
  if (!list || cs_sim_faults(rig_sim(r), list, &err)) {
    fprintf(stderr, "faults: %s: %s\n", list ? err.message : "no JSON", af_buf_cstr(&faults));
    abort();
  }
  json_decref(list);
  af_buf_done(&faults);
  rig_setenv(r, "AWS_CONFIG_FILE", rig_file(r, "aws-config", CONFIG ELSEWHERE));
  rig_setenv(r, "AWS_SHARED_CREDENTIALS_FILE", rig_file(r, "aws-credentials", CREDENTIALS));
  rig_latency(r, 1, s->latency_ms);
  rig_set_clock(r, s->wrong_ms);
  return r;
}

static void count_ends(struct play *p) {
  struct af_copy_row *list;
  size_t n = rig_copies(p->rig, &list);
  for (size_t i = 0; i < n; i++) {
    p->stats->ends[list[i].state]++;
    if (list[i].state == AF_COPY_DONE) p->stats->kinds[p->scene.images[p->scene.copies[copy_of_row(&list[i])].image].kind]++;
  }
  p->stats->copies += n;
  rig_copies_free(list, n);
}

bool play(uint64_t seed, uint64_t kept, struct play_stats *stats, struct why *why) {
  struct play p = {.stats = stats, .why = why, .undone = -1};
  scene_draw(&p.scene, seed, kept);
  p.rig = rig_of(&p.scene);
  rig_watch(p.rig, watch, &p);
  bool any = strchr(af_buf_cstr(&p.scene.manifest), '{') != strrchr(af_buf_cstr(&p.scene.manifest), '{');
  bool ok = !any || (to_rest(&p, af_buf_cstr(&p.scene.manifest), NULL) && each_row(&p, right_rest, NULL) && chain(&p) && mend(&p) && all_is_well(&p, "in the end"));
  if (p.scene.set_after) rig_advance(p.rig, 60000); /* verify trusts the clock: what has just ended is to be shown by now */
  if (ok && any && p.scene.verified) ok = each_row(&p, verifies, NULL);
  if (ok && any && p.scene.again) ok = to_rest(&p, af_buf_cstr(&p.scene.manifest), NULL) && all_is_well(&p, "run again");
  if (ok && any && p.scene.undone) ok = take_one_back(&p) && all_is_well(&p, "taken back");
  if (ok && !record_holds(p.rig, &stats->moves, why)) ok = false;
  if (ok) count_ends(&p);
  stats->seeds++;
  stats->struck += p.struck;
  rig_free(p.rig);
  scene_done(&p.scene);
  return ok && !p.failed;
}
