/* What sweep makes of what AWS shows and the database knows: the claims that it puts together, and what it counts and lists. */
#include "engine/sweep.h"
#include "tests/unit/state_fixture.h"

/* One batch with a copy in each of these states. */
static const struct {
  const char *id;
  enum af_copy_state state;
  const char *image;
} copies[] = {
    {"cp-live", AF_COPY_WORKING, NULL},     {"cp-blocked", AF_COPY_BLOCKED, NULL},       {"cp-done", AF_COPY_DONE, "ami-done"},
    {"cp-failed", AF_COPY_FAILED, NULL},    {"cp-cancelled", AF_COPY_CANCELLED, "ami-gone"}, {"cp-adopter", AF_COPY_DONE, "ami-adopted"},
};

static void move(struct fixture *f, struct af_copy_row *row, enum af_copy_state state) {
  row->state = state;
  assert_ok(af_store_copy_update(f->store, row, &(struct af_event_row){.kind = "state", .step = -1}, &f->err), &f->err);
}

static void add_step(struct fixture *f, struct af_copy_row *row, int64_t ordinal, const char *kind, enum af_step_face face, int64_t generation) {
  struct af_step_row step = a_step(row->id, ordinal);
  step.kind = TEXT_OF(kind);
  step.state = AF_STEP_DONE;
  step.face = face;
  step.generation = generation;
  assert_ok(af_store_step_insert(f->store, row, &step, &(struct af_event_row){.kind = "state", .step = ordinal}, &f->err), &f->err);
}

static void add_effect(struct fixture *f, const char *copy, int64_t step, const char *image) {
  const struct af_effect_row row = {.copy_id = TEXT_OF(copy), .step = step, .kind = TEXT_OF("image"), .account = TEXT_OF("222222222222"),
                                    .region = TEXT_OF("eu-west-1"), .resource = TEXT_OF(image), .state = AF_EFFECT_GONE};
  assert_ok(af_store_effect_put(f->store, &row, &f->err), &f->err);
}

/* Of the done copy, step 0 stands, as its second generation, and step 1 was undone; of the cancelled one, both were. */
static void add_steps(struct fixture *f, struct af_copy_row *row) {
  if (af_streq(row->id, "cp-done")) {
    add_step(f, row, 0, "copy-snapshot", AF_FACE_DO, 1);
    add_step(f, row, 1, "copy-snapshot", AF_FACE_UNDO, 0);
  } else if (af_streq(row->id, "cp-cancelled")) {
    add_step(f, row, 0, "create-hop-image", AF_FACE_UNDO, 0);
    add_step(f, row, 1, "copy-image", AF_FACE_UNDO, 0);
    add_effect(f, row->id, 0, "ami-hop");
    add_effect(f, row->id, 1, "ami-end");
  }
}

static void fill(struct fixture *f) {
  const struct af_batch_row batch = a_batch("b");
  fixture_open(f);
  assert_ok(af_store_batch_insert(f->store, &batch, &f->err), &f->err);
  for (size_t i = 0; i < COUNT(copies); i++) {
    const struct af_event_row ev = {.kind = "state", .step = -1};
    struct af_copy_row row = a_copy("b", copies[i].id);
    row.position = (int64_t)i;
    assert_ok(af_store_copy_insert(f->store, &row, &ev, &f->err), &f->err);
    add_steps(f, &row);
    row.image_id = TEXT_OF(copies[i].image);
    move(f, &row, copies[i].state);
  }
  fixture_commit(f);
}

static json_t *known_of(struct fixture *f) {
  json_t *known = json_pack("{s:{}, s:{}}", "copies", "results");
  assert_ok(af_sweep_known(f->store, known, &f->err), &f->err);
  return known;
}

static int of(const json_t *known, const char *id) {
  json_t *v = json_object_get(json_object_get(known, "copies"), id);
  return v ? (int)json_integer_value(v) : -1;
}

TEST(the_database_knows_which_copies_live_and_which_amis_are_results) {
  struct fixture *f = *state;
  fill(f);
  json_t *known = known_of(f);
  assert_int_equal(of(known, "cp-live"), AF_OF_LIVE);
  assert_int_equal(of(known, "cp-blocked"), AF_OF_LIVE);
  assert_int_equal(of(known, "cp-done"), AF_OF_DONE);
  assert_int_equal(of(known, "cp-failed"), AF_OF_ENDED);
  assert_int_equal(of(known, "cp-cancelled"), AF_OF_ENDED);
  assert_int_equal(of(known, "cp-x"), -1);
  json_t *want = json_pack("{s:b, s:b}", "ami-done", 1, "ami-adopted", 1);
  assert_true(json_equal(json_object_get(known, "results"), want));
  json_decref(want);
  json_decref(known);
}

TEST(a_copy_that_ends_while_aws_is_asked_counts_as_live) {
  struct fixture *f = *state;
  struct af_copy_row row = {0};
  fill(f);
  json_t *known = known_of(f);
  assert_ok(af_store_copy_get(f->store, "cp-live", &row, &f->err), &f->err);
  move(f, &row, AF_COPY_CANCELLED);
  af_copy_row_done(&row);
  assert_ok(af_sweep_known(f->store, known, &f->err), &f->err);
  assert_int_equal(of(known, "cp-live"), AF_OF_LIVE);
  json_decref(known);
}

TEST(without_a_database_nothing_is_known) {
  json_t *known = json_pack("{s:{}, s:{}}", "copies", "results");
  assert_int_equal(af_sweep_known(NULL, known, NULL), 0);
  assert_int_equal(json_object_size(json_object_get(known, "copies")), 0);
  json_decref(known);
}

/* --- judging what is seen --- */

static json_t *seen_of(const char *text) {
  json_error_t why;
  json_t *seen = json_loads(text, 0, &why);
  if (!seen)
    fail_msg("%s at %d: %s", why.text, why.position, text);
  return seen;
}

/* Places that have seen this; the last that is NULL ends them. */
static void judge(struct fixture *f, bool uses_known, const char *const *texts, struct af_sweep *s) {
  struct af_engine e = {.config = {.store = f->store}};
  *s = (struct af_sweep){.places = calloc(4, sizeof *s->places)};
  assert_non_null(s->places);
  for (; texts[s->n_places]; s->n_places++)
    s->places[s->n_places] =
        (struct af_sweep_place){.region = "eu-west-1", .account = "222222222222", .seen = seen_of(texts[s->n_places]), .uses_known = uses_known,
                                .sweep = s};
  json_t *known = known_of(f);
  assert_ok(af_sweep_judge_all(&e, s, known, &f->err), &f->err);
  json_decref(known);
}

#define TAGGED(copy, more) "\"Tags\": [{\"Key\": \"amiferry:copy\", \"Value\": \"" copy "\"}" more "]"
#define MARK(step) ", {\"Key\": \"amiferry:step\", \"Value\": \"" step "\"}"
#define TEMPORARY ", {\"Key\": \"amiferry:temporary\", \"Value\": \"yes\"}"
#define IMAGE(id, snapshot, state, tags) \
  "{\"ImageId\": \"" id "\", \"State\": \"" state "\", \"CreationDate\": \"2026-11-23T06:29:00.000Z\", "         \
  "\"BlockDeviceMappings\": [{\"Ebs\": {\"SnapshotId\": \"" snapshot "\"}}], " tags "}"
#define SNAPSHOT(id, tags) "{\"SnapshotId\": \"" id "\", \"VolumeSize\": 8, " tags "}"

static enum af_sweep_verdict verdict_of(const struct af_sweep *s, const char *id) {
  for (size_t i = 0; i < s->n; i++)
    if (af_streq(s->things[i].id, id))
      return s->things[i].verdict;
  return AF_SWEEP_KEPT;
}

TEST(a_finished_copys_snapshots_are_told_by_the_step_that_made_them) {
  struct fixture *f = *state;
  struct af_sweep s;
  fill(f);
  judge(f, true,
        (const char *const[]){"{\"snapshots\": [" SNAPSHOT("snap-stands", TAGGED("cp-done", MARK("0.1"))) ", "
                              SNAPSHOT("snap-anew", TAGGED("cp-done", MARK("0.0"))) ", "
                              SNAPSHOT("snap-undone", TAGGED("cp-done", MARK("1.0"))) ", " SNAPSHOT("snap-unmarked", TAGGED("cp-done", "")) ", "
                              SNAPSHOT("snap-temporary", TAGGED("cp-done", MARK("0.1") TEMPORARY)) "]}",
                              NULL},
        &s);
  assert_int_equal(verdict_of(&s, "snap-stands"), AF_SWEEP_KEPT);
  assert_int_equal(verdict_of(&s, "snap-unmarked"), AF_SWEEP_KEPT);
  assert_int_equal(verdict_of(&s, "snap-anew"), AF_SWEEP_ORPHAN);
  assert_int_equal(verdict_of(&s, "snap-undone"), AF_SWEEP_ORPHAN);
  assert_int_equal(verdict_of(&s, "snap-temporary"), AF_SWEEP_ORPHAN);
  assert_int_equal(s.verdicts[AF_SWEEP_KEPT], 2);
  assert_true(s.things[0].ours);
  assert_true(s.things[0].bytes == INT64_C(8) << 30);
  af_sweep_done(&s);
}

TEST(a_snapshot_goes_the_way_of_the_ami_that_uses_it) {
  struct fixture *f = *state;
  struct af_sweep s;
  fill(f);
  judge(f, true,
        (const char *const[]){
            "{\"images\": [" IMAGE("ami-adopted", "snap-adopted", "available", TAGGED("cp-failed", "")) ", "
            IMAGE("ami-gone", "snap-gone", "available", TAGGED("cp-cancelled", "")) ", " IMAGE("ami-late", "snap-late", "pending", TAGGED("cp-x", "")) ", "
            IMAGE("ami-whole", "snap-whole", "available", TAGGED("cp-x", "")) ", " IMAGE("ami-past", "snap-past", "deregistered", TAGGED("cp-failed", ""))
            "], \"snapshots\": [" SNAPSHOT("snap-adopted", TAGGED("cp-failed", "")) ", " SNAPSHOT("snap-gone", TAGGED("cp-cancelled", "")) ", "
            SNAPSHOT("snap-late", TAGGED("cp-x", "")) ", " SNAPSHOT("snap-whole", TAGGED("cp-x", "")) ", " SNAPSHOT("snap-past", TAGGED("cp-failed", "")) ", "
            SNAPSHOT("snap-theirs", TAGGED("cp-failed", "")) "], \"users\": [" IMAGE("ami-theirs", "snap-theirs", "available", "\"Tags\": []") "]}",
            NULL},
        &s);
  assert_int_equal(verdict_of(&s, "ami-adopted"), AF_SWEEP_KEPT);
  assert_int_equal(verdict_of(&s, "snap-adopted"), AF_SWEEP_KEPT);
  assert_int_equal(verdict_of(&s, "ami-gone"), AF_SWEEP_ORPHAN);
  assert_int_equal(verdict_of(&s, "snap-gone"), AF_SWEEP_ORPHAN);
  assert_int_equal(verdict_of(&s, "ami-late"), AF_SWEEP_UNKNOWN);
  assert_int_equal(verdict_of(&s, "snap-late"), AF_SWEEP_UNKNOWN);
  assert_int_equal(verdict_of(&s, "ami-whole"), AF_SWEEP_ADOPTABLE);
  assert_int_equal(verdict_of(&s, "snap-whole"), AF_SWEEP_KEPT);
  assert_int_equal(verdict_of(&s, "snap-past"), AF_SWEEP_ORPHAN);
  assert_int_equal(verdict_of(&s, "snap-theirs"), AF_SWEEP_KEPT);
  assert_int_equal(s.n, 6);
  af_sweep_done(&s);
}

TEST(a_copy_that_somebody_made_of_a_result_is_his_although_it_has_its_tags) {
  struct fixture *f = *state;
  struct af_sweep s;
  fill(f);
  judge(f, true,
        (const char *const[]){"{\"images\": [" IMAGE("ami-his", "snap-his", "available", "\"SourceImageId\": \"ami-end\", " TAGGED("cp-cancelled", "")) ", "
                              IMAGE("ami-ours", "snap-ours", "available", "\"SourceImageId\": \"ami-hop\", " TAGGED("cp-cancelled", "")) "]}",
                              NULL},
        &s);
  assert_int_equal(verdict_of(&s, "ami-his"), AF_SWEEP_KEPT);
  assert_int_equal(verdict_of(&s, "snap-his"), AF_SWEEP_KEPT);
  assert_int_equal(verdict_of(&s, "ami-ours"), AF_SWEEP_ORPHAN);
  af_sweep_done(&s);
}

TEST(a_snapshot_without_tags_of_ours_is_its_amis) {
  struct fixture *f = *state;
  struct af_sweep s;
  fill(f);
  judge(f, true,
        (const char *const[]){"{\"images\": [" IMAGE("ami-1", "snap-1", "available", TAGGED("cp-failed", "")) ", "
                              IMAGE("ami-2", "snap-2", "available", TAGGED("cp-failed", "")) ", "
                              IMAGE("ami-done", "snap-3", "available", TAGGED("cp-done", ""))
                              "], \"users\": [" IMAGE("ami-1", "snap-1", "available", TAGGED("cp-failed", "")) ", "
                              IMAGE("ami-theirs", "snap-2", "available", "\"Tags\": []") "]}",
                              NULL},
        &s);
  assert_int_equal(verdict_of(&s, "snap-1"), AF_SWEEP_ORPHAN);
  assert_int_equal(verdict_of(&s, "snap-2"), AF_SWEEP_KEPT);
  assert_int_equal(verdict_of(&s, "snap-3"), AF_SWEEP_KEPT);
  assert_int_equal(s.n, 3);
  af_sweep_done(&s);
}

TEST(while_it_is_not_known_which_amis_there_are_no_snapshot_is_an_orphan) {
  struct fixture *f = *state;
  struct af_sweep s;
  fill(f);
  judge(f, false, (const char *const[]){"{\"snapshots\": [" SNAPSHOT("snap-1", TAGGED("cp-failed", TEMPORARY)) "]}", NULL}, &s);
  assert_int_equal(s.n, 0);
  assert_int_equal(s.verdicts[AF_SWEEP_KEPT], 1);
  af_sweep_done(&s);
}

TEST(what_two_principals_see_is_one_thing_and_what_is_on_its_way_out_is_none) {
  struct fixture *f = *state;
  struct af_sweep s;
  static const char seen[] =
      "{\"instances\": [{\"InstanceId\": \"i-1\", \"State\": {\"Name\": \"running\"}, " TAGGED("cp-failed", "") "}, "
      "{\"InstanceId\": \"i-2\", \"State\": {\"Name\": \"terminated\"}, " TAGGED("cp-failed", "") "}, "
      "{\"InstanceId\": \"i-3\", \"State\": {\"Name\": \"shutting-down\"}, " TAGGED("cp-failed", "") "}], "
      "\"volumes\": [{\"VolumeId\": \"vol-1\", \"State\": \"deleting\", " TAGGED("cp-failed", "") "}]}";
  fill(f);
  judge(f, true, (const char *const[]){seen, seen, NULL}, &s);
  assert_int_equal(s.n, 1);
  assert_string_equal(s.things[0].id, "i-1");
  assert_true(s.places[0].going);
  af_sweep_done(&s);
}

TEST(grants_are_amiferrys_by_their_names_alone) {
  struct fixture *f = *state;
  struct af_sweep s;
  fill(f);
  judge(f, true,
        (const char *const[]){"{\"grants\": [{\"GrantId\": \"g-1\", \"KeyId\": \"arn:k\", \"CreationDate\": 1795414140.5, "
                              "\"Name\": \"amiferry-cp-failed-3-1\"}, "
                              "{\"GrantId\": \"g-2\", \"Name\": \"amiferry-cp-live-3-0\"}, {\"GrantId\": \"g-3\", \"Name\": \"amiferry-cp-done-0-0\"}, "
                              "{\"GrantId\": \"g-4\", \"Name\": \"amiferry\"}, {\"GrantId\": \"g-5\", \"Name\": \"amiferry-0-0\"}, {\"GrantId\": \"g-6\"}, "
                              "{\"GrantId\": \"g-7\", \"Name\": \"amiferry-cp-x-1-0\"}, {\"GrantId\": \"g-8\", \"Name\": \"other-cp-failed-1-0\"}]}",
                              NULL},
        &s);
  assert_int_equal(s.n, 3);
  assert_int_equal(verdict_of(&s, "g-1"), AF_SWEEP_ORPHAN);
  assert_int_equal(verdict_of(&s, "g-3"), AF_SWEEP_ORPHAN);
  assert_int_equal(verdict_of(&s, "g-7"), AF_SWEEP_UNKNOWN);
  assert_string_equal(s.things[0].key, "arn:k");
  assert_string_equal(s.things[0].copy, "cp-failed");
  assert_true(s.things[0].made_ms == INT64_C(1795414140500));
  af_sweep_done(&s);
}

TEST(a_thing_is_found_again_in_another_list) {
  struct fixture *f = *state;
  struct af_sweep s;
  fill(f);
  judge(f, true,
        (const char *const[]){"{\"snapshots\": [" SNAPSHOT("snap-2", TAGGED("cp-x", "")) ", " SNAPSHOT("snap-1", TAGGED("cp-x", "")) ", " SNAPSHOT(
                                  "snap-3", TAGGED("cp-x", "")) "]}",
                              NULL},
        &s);
  struct af_sweep_thing like = {.kind = AF_SWEEP_SNAPSHOT, .account = "222222222222", .region = "eu-west-1", .id = "snap-3"};
  assert_ptr_equal(af_sweep_find(&s, &like), &s.things[2]);
  like.kind = AF_SWEEP_VOLUME;
  assert_null(af_sweep_find(&s, &like));
  assert_null(af_sweep_find(&(struct af_sweep){0}, &like));
  af_sweep_done(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STATE_TEST(the_database_knows_which_copies_live_and_which_amis_are_results),
      STATE_TEST(a_copy_that_ends_while_aws_is_asked_counts_as_live),
      STATE_TEST(without_a_database_nothing_is_known),
      STATE_TEST(a_finished_copys_snapshots_are_told_by_the_step_that_made_them),
      STATE_TEST(a_snapshot_goes_the_way_of_the_ami_that_uses_it),
      STATE_TEST(a_copy_that_somebody_made_of_a_result_is_his_although_it_has_its_tags),
      STATE_TEST(a_snapshot_without_tags_of_ours_is_its_amis),
      STATE_TEST(while_it_is_not_known_which_amis_there_are_no_snapshot_is_an_orphan),
      STATE_TEST(what_two_principals_see_is_one_thing_and_what_is_on_its_way_out_is_none),
      STATE_TEST(grants_are_amiferrys_by_their_names_alone),
      STATE_TEST(a_thing_is_found_again_in_another_list),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
