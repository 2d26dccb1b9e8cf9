/* state/store.h: rows, revisions, events, exposures and their holders; what is refused, and what a refusal leaves. */
#include "tests/unit/state_fixture.h"

#include <sqlite3.h>

/* Rows come back as they were given */

static void assert_same_text(const char *a, const char *b) {
  if (a && b)
    assert_string_equal(a, b);
  else
    assert_ptr_equal(a, b);
}

static void assert_same_batch(const struct af_batch_row *a, const struct af_batch_row *b) {
  assert_same_text(a->id, b->id);
  assert_same_text(a->manifest_name, b->manifest_name);
  assert_same_text(a->manifest_digest, b->manifest_digest);
  assert_same_text(a->manifest, b->manifest);
  assert_int_equal(a->created_ms, b->created_ms);
}

static void assert_same_copy(const struct af_copy_row *a, const struct af_copy_row *b) {
  assert_same_text(a->id, b->id);
  assert_same_text(a->batch_id, b->batch_id);
  assert_int_equal(a->position, b->position);
  assert_same_text(a->key, b->key);
  assert_same_text(a->spec, b->spec);
  assert_int_equal(a->state, b->state);
  assert_int_equal(a->goal, b->goal);
  assert_int_equal(a->resume_state, b->resume_state);
  assert_int_equal(a->cancel_requested, b->cancel_requested);
  assert_int_equal(a->machine_version, b->machine_version);
  assert_same_text(a->route, b->route);
  assert_same_text(a->reason, b->reason);
  assert_same_text(a->image_id, b->image_id);
  assert_same_text(a->error, b->error);
  assert_int_equal(a->bytes, b->bytes);
  assert_int_equal(a->created_ms, b->created_ms);
  assert_int_equal(a->updated_ms, b->updated_ms);
  assert_int_equal(a->revision, b->revision);
}

static void assert_same_step(const struct af_step_row *a, const struct af_step_row *b) {
  assert_same_text(a->copy_id, b->copy_id);
  assert_int_equal(a->ordinal, b->ordinal);
  assert_same_text(a->kind, b->kind);
  assert_same_text(a->item, b->item);
  assert_int_equal(a->stage, b->stage);
  assert_int_equal(a->face, b->face);
  assert_int_equal(a->state, b->state);
  assert_int_equal(a->generation, b->generation);
  assert_int_equal(a->attempts, b->attempts);
  assert_same_text(a->resource, b->resource);
  assert_same_text(a->intent, b->intent);
  assert_int_equal(a->intent_ms, b->intent_ms);
  assert_int_equal(a->started_ms, b->started_ms);
  assert_int_equal(a->next_ms, b->next_ms);
  assert_int_equal(a->progress, b->progress);
  assert_same_text(a->data, b->data);
  assert_same_text(a->error, b->error);
}

static void assert_same_exposure(const struct af_exposure_row *a, const struct af_exposure_row *b) {
  assert_int_equal(a->id, b->id);
  assert_same_text(a->kind, b->kind);
  assert_same_text(a->account, b->account);
  assert_same_text(a->region, b->region);
  assert_same_text(a->resource, b->resource);
  assert_same_text(a->grantee, b->grantee);
  assert_int_equal(a->state, b->state);
  assert_int_equal(a->borrowed, b->borrowed);
  assert_int_equal(a->generation, b->generation);
  assert_same_text(a->detail, b->detail);
  assert_int_equal(a->revision, b->revision);
}

static struct af_copy_row a_full_copy(void) {
  return (struct af_copy_row){.id = TEXT_OF("c"), .batch_id = TEXT_OF("b"), .position = 7, .key = TEXT_OF("k"),
                              .spec = TEXT_OF("{\"a\":\"é\"}"),
                              .state = AF_COPY_BLOCKED, .goal = AF_GOAL_CANCELLED, .resume_state = AF_COPY_UNDOING,
                              .cancel_requested = true, .machine_version = 9, .route = TEXT_OF("bridge, reencrypt"),
                              .reason = TEXT_OF("the key is aws/ebs's"), .image_id = TEXT_OF("ami-1"), .error = TEXT_OF("{}"),
                              .bytes = INT64_MAX, .created_ms = 11};
}

TEST(a_batch_comes_back_as_it_was_stored) {
  struct fixture *f = *state;
  struct af_batch_row b = a_batch("b"), got;
  fixture_open(f);
  assert_ok(af_store_batch_insert(f->store, &b, &f->err), &f->err);
  fixture_commit(f);
  fixture_reopen(f);
  assert_ok(af_store_batch_get(f->store, "b", &got, &f->err), &f->err);
  assert_same_batch(&b, &got);
  af_batch_row_done(&got);
  assert_null(got.id);
}

TEST(a_copy_comes_back_as_it_was_stored) {
  struct fixture *f = *state;
  struct af_batch_row b = a_batch("b");
  struct af_copy_row c = a_full_copy(), got;
  fixture_open(f);
  assert_ok(af_store_batch_insert(f->store, &b, &f->err), &f->err);
  assert_ok(af_store_copy_insert(f->store, &c, &NOTE, &f->err), &f->err);
  assert_int_equal(c.revision, 1);
  assert_int_equal(c.updated_ms, f->clock.now_ms);
  fixture_commit(f);
  fixture_reopen(f);
  assert_ok(af_store_copy_get(f->store, "c", &got, &f->err), &f->err);
  assert_same_copy(&c, &got);
  af_copy_row_done(&got);
}

TEST(an_updated_copy_comes_back_with_every_change) {
  struct fixture *f = *state;
  fixture_open(f);
  struct af_copy_row c = fixture_copy(f), full = a_full_copy(), got;
  full.position = c.position; /* id, batch, position, key, spec and created_ms never change */
  full.key = c.key;
  full.spec = c.spec;
  full.created_ms = c.created_ms;
  full.revision = c.revision;
  f->clock.now_ms += 10;
  assert_ok(af_store_copy_update(f->store, &full, &NOTE, &f->err), &f->err);
  assert_int_equal(full.revision, 2);
  assert_int_equal(full.updated_ms, f->clock.now_ms);
  fixture_commit(f);
  fixture_reopen(f);
  assert_ok(af_store_copy_get(f->store, "c", &got, &f->err), &f->err);
  assert_same_copy(&full, &got);
  af_copy_row_done(&got);
}

TEST(a_step_comes_back_as_it_was_stored_and_as_it_was_updated) {
  struct fixture *f = *state;
  struct af_step_row full = {.copy_id = TEXT_OF("c"), .ordinal = 0, .kind = TEXT_OF("share"), .item = TEXT_OF("snap-9"), .stage = 2,
                             .face = AF_FACE_UNDO, .state = AF_STEP_INTENDED, .generation = 3, .attempts = 4,
                             .resource = TEXT_OF("snap-2"), .intent = TEXT_OF("ec2:CopySnapshot"), .intent_ms = 5, .started_ms = 6,
                             .next_ms = 7, .progress = 88, .data = TEXT_OF("{}"), .error = TEXT_OF("{\"code\":1}")};
  struct af_step_row bare = a_step("c", 1), *got;
  struct af_event_row about_1 = {.kind = "note", .step = 1};
  size_t n;
  fixture_open(f);
  struct af_copy_row c = fixture_step(f);
  assert_ok(af_store_step_update(f->store, &c, &full, &NOTE_0, &f->err), &f->err);
  assert_ok(af_store_step_insert(f->store, &c, &bare, &about_1, &f->err), &f->err);
  fixture_commit(f);
  fixture_reopen(f);
  assert_ok(af_store_steps(f->store, "c", &got, &n, &f->err), &f->err);
  assert_int_equal(n, 2);
  assert_same_step(&full, &got[0]);
  assert_same_step(&bare, &got[1]);
  for (size_t i = 0; i < n; i++)
    af_step_row_done(&got[i]);
  free(got);
}

TEST(an_effect_is_put_once_and_then_only_its_state_is_set) {
  struct fixture *f = *state;
  struct af_effect_row *got;
  size_t n;
  fixture_open(f);
  (void)fixture_step(f);
  struct af_effect_row e = an_effect("c", "snap-2");
  assert_ok(af_store_effect_put(f->store, &e, &f->err), &f->err);
  e.state = AF_EFFECT_GONE;
  e.region = TEXT_OF("us-east-1");
  assert_ok(af_store_effect_put(f->store, &e, &f->err), &f->err);
  assert_ok(af_store_effects(f->store, "c", &got, &n, &f->err), &f->err);
  assert_int_equal(n, 1);
  assert_string_equal(got[0].copy_id, "c");
  assert_int_equal(got[0].step, 0);
  assert_string_equal(got[0].kind, "snapshot");
  assert_string_equal(got[0].account, "111122223333");
  assert_string_equal(got[0].region, "eu-west-1");
  assert_string_equal(got[0].resource, "snap-2");
  assert_int_equal(got[0].state, AF_EFFECT_GONE);
  af_effect_row_done(&got[0]);
  free(got);
}

TEST(facts_come_back_and_are_replaced) {
  struct fixture *f = *state;
  char *json;
  fixture_open(f);
  struct af_copy_row c = fixture_copy(f);
  assert_error(af_store_facts_get(f->store, "c", &json, &f->err), -AF_ENOENT, &f->err, "facts of copy c");
  assert_ok(af_store_facts_put(f->store, &c, "{\"a\":1}", &NOTE, &f->err), &f->err);
  assert_ok(af_store_facts_put(f->store, &c, "{\"a\":2}", &NOTE, &f->err), &f->err);
  assert_int_equal(c.revision, 3);
  assert_ok(af_store_facts_get(f->store, "c", &json, &f->err), &f->err);
  assert_string_equal(json, "{\"a\":2}");
  free(json);
}

TEST(an_exposure_comes_back_as_it_was_stored_and_as_it_was_updated) {
  struct fixture *f = *state;
  struct af_exposure_row e = an_exposure("snap-1"), got;
  fixture_open(f);
  assert_ok(af_store_exposure_put(f->store, &e, &f->err), &f->err);
  assert_int_equal(e.revision, 1);
  assert_ok(af_store_exposure_find(f->store, e.kind, e.account, e.region, e.resource, e.grantee, &got, &f->err), &f->err);
  assert_same_exposure(&e, &got);
  af_exposure_row_done(&got);
  e.state = AF_EXPOSURE_OPEN;
  e.borrowed = false;
  e.generation = 4;
  e.detail = TEXT_OF("grant-1");
  assert_ok(af_store_exposure_put(f->store, &e, &f->err), &f->err);
  assert_int_equal(e.revision, 2);
  assert_ok(af_store_exposure_find(f->store, e.kind, e.account, e.region, e.resource, e.grantee, &got, &f->err), &f->err);
  assert_same_exposure(&e, &got);
  af_exposure_row_done(&got);
}

TEST(every_state_can_be_stored_and_read) {
  struct fixture *f = *state;
  fixture_open(f);
  struct af_copy_row c = fixture_step(f), got;
  struct af_step_row step = a_step("c", 0);
  for (int v = 0; v < AF_COPY_STATE_MAX_; v++) {
    c.state = c.resume_state = (enum af_copy_state)v;
    c.goal = (enum af_copy_goal)(v % AF_GOAL_MAX_);
    assert_ok(af_store_copy_update(f->store, &c, &NOTE, &f->err), &f->err);
    assert_ok(af_store_copy_get(f->store, "c", &got, &f->err), &f->err);
    assert_same_copy(&c, &got);
    af_copy_row_done(&got);
  }
  for (int v = 0; v < AF_STEP_STATE_MAX_ * AF_FACE_MAX_; v++) {
    step.state = (enum af_step_state)(v / AF_FACE_MAX_);
    step.face = (enum af_step_face)(v % AF_FACE_MAX_);
    assert_ok(af_store_step_update(f->store, &c, &step, &NOTE_0, &f->err), &f->err);
  }
  struct af_exposure_row e = an_exposure("snap-1");
  for (int v = 0; v < AF_EXPOSURE_STATE_MAX_; v++) {
    e.state = (enum af_exposure_state)v;
    assert_ok(af_store_exposure_put(f->store, &e, &f->err), &f->err);
  }
}

TEST(names_are_parsed_back_and_others_are_refused) {
  enum af_copy_state v;
  enum af_step_face face;
  for (int i = 0; i < AF_COPY_STATE_MAX_; i++) {
    assert_int_equal(af_copy_state_parse(af_copy_state_name((enum af_copy_state)i), &v), 0);
    assert_int_equal(v, i);
  }
  assert_int_equal(af_copy_state_parse("Done", &v), -AF_EINVAL);
  assert_int_equal(af_copy_state_parse("", &v), -AF_EINVAL);
  assert_int_equal(af_copy_state_parse(NULL, &v), -AF_EINVAL);
  assert_int_equal(af_step_face_parse("undo", &face), 0);
  assert_int_equal(face, AF_FACE_UNDO);
  assert_string_equal(af_copy_state_name(AF_COPY_STATE_MAX_), "");
}

TEST(a_row_that_lacks_a_text_or_has_a_strange_state_is_refused_and_nothing_changes) {
  struct fixture *f = *state;
  fixture_open(f);
  struct af_copy_row c = fixture_step(f), bad = c;
  struct af_step_row step = a_step("c", 0);
  bad.spec = NULL;
  assert_error(af_store_copy_update(f->store, &bad, &NOTE, &f->err), -AF_EINVAL, &f->err, "without its spec");
  bad = c;
  bad.state = AF_COPY_STATE_MAX_;
  assert_error(af_store_copy_update(f->store, &bad, &NOTE, &f->err), -AF_EINVAL, &f->err, "no such state");
  step.kind = NULL;
  assert_error(af_store_step_update(f->store, &c, &step, &NOTE_0, &f->err), -AF_EINVAL, &f->err, "without its kind");
  step = a_step("other", 0);
  assert_error(af_store_step_update(f->store, &c, &step, &NOTE_0, &f->err), -AF_EINVAL, &f->err, "came with copy c");
  assert_int_equal(c.revision, 2);
  assert_int_equal(count_events(f, "c"), 2);
  fixture_commit(f);
}

/* Revisions and events */

TEST(events_are_numbered_without_a_gap_and_carry_what_was_said) {
  struct fixture *f = *state;
  struct af_event_row *ev;
  size_t n;
  fixture_open(f);
  struct af_copy_row c = fixture_copy(f);
  struct af_step_row step = a_step("c", 0);
  f->clock.now_ms += 5;
  assert_ok(af_store_step_insert(f->store, &c, &step, &NOTE_0, &f->err), &f->err);
  step.state = AF_STEP_INTENDED;
  struct af_event_row intent = {.kind = "intent", .step = 0, .message = "m", .action = "ec2:CopySnapshot", .request_id = "r-1",
                                .detail = "{}"};
  assert_ok(af_store_step_update(f->store, &c, &step, &intent, &f->err), &f->err);
  c.state = AF_COPY_WORKING;
  assert_ok(af_store_copy_update(f->store, &c, &(struct af_event_row){.kind = "state", .step = -1}, &f->err), &f->err);
  assert_ok(af_store_facts_put(f->store, &c, "{}", &NOTE, &f->err), &f->err);
  assert_int_equal(c.revision, 5);
  assert_ok(af_store_events(f->store, "c", 0, &ev, &n, &f->err), &f->err);
  assert_int_equal(n, 5);
  static const struct {
    const char *kind, *from, *to;
    int64_t step, at_ms;
  } want[] = {{"note", NULL, "waiting", -1, 1000000}, {"note", NULL, "do/idle", 0, 1000005},
              {"intent", "do/idle", "do/intended", 0, 1000005}, {"state", "waiting", "working", -1, 1000005},
              {"note", "working", "working", -1, 1000005}};
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(ev[i].number, i + 1);
    assert_string_equal(ev[i].kind, want[i].kind);
    assert_same_text(ev[i].from_state, want[i].from);
    assert_same_text(ev[i].to_state, want[i].to);
    assert_int_equal(ev[i].step, want[i].step);
    assert_int_equal(ev[i].at_ms, want[i].at_ms);
  }
  assert_same_text(ev[2].message, "m");
  assert_same_text(ev[2].action, "ec2:CopySnapshot");
  assert_same_text(ev[2].request_id, "r-1");
  assert_same_text(ev[2].detail, "{}");
  assert_null(ev[3].message);
  for (size_t i = 0; i < n; i++)
    af_event_row_done(&ev[i]);
  free(ev);
}

TEST(events_are_read_on_from_the_one_that_was_seen) {
  struct fixture *f = *state;
  struct af_event_row *ev;
  size_t n;
  fixture_open(f);
  struct af_copy_row c = fixture_step(f);
  assert_ok(af_store_copy_update(f->store, &c, &NOTE, &f->err), &f->err);
  assert_ok(af_store_events(f->store, "c", 2, &ev, &n, &f->err), &f->err);
  assert_int_equal(n, 1);
  assert_int_equal(ev[0].number, 3);
  af_event_row_done(&ev[0]);
  free(ev);
  assert_ok(af_store_events(f->store, "c", 3, &ev, &n, &f->err), &f->err);
  assert_int_equal(n, 0);
  free(ev);
}

TEST(a_stale_writer_changes_nothing) {
  struct fixture *f = *state;
  fixture_open(f);
  struct af_copy_row c = fixture_step(f), old = c, got;
  struct af_step_row step = a_step("c", 0), other = a_step("c", 1);
  struct af_event_row about_1 = {.kind = "note", .step = 1};
  assert_ok(af_store_copy_update(f->store, &c, &NOTE, &f->err), &f->err);
  old.state = AF_COPY_WORKING;
  step.state = AF_STEP_DONE;
  assert_error(af_store_copy_update(f->store, &old, &NOTE, &f->err), -AF_ESTALE, &f->err, "revision 2 and is at 3");
  assert_error(af_store_step_update(f->store, &old, &step, &NOTE_0, &f->err), -AF_ESTALE, &f->err, "revision 2 and is at 3");
  assert_error(af_store_step_insert(f->store, &old, &other, &about_1, &f->err), -AF_ESTALE, &f->err, "revision 2 and is at 3");
  assert_error(af_store_facts_put(f->store, &old, "{}", &NOTE, &f->err), -AF_ESTALE, &f->err, "revision 2 and is at 3");
  assert_int_equal(old.revision, 2);
  fixture_commit(f);
  fixture_reopen(f);
  assert_ok(af_store_copy_get(f->store, "c", &got, &f->err), &f->err);
  assert_same_copy(&c, &got);
  af_copy_row_done(&got);
  assert_int_equal(count_events(f, "c"), 3);
  struct af_step_row *steps;
  size_t n;
  char *json;
  assert_ok(af_store_steps(f->store, "c", &steps, &n, &f->err), &f->err);
  assert_int_equal(n, 1);
  assert_int_equal(steps[0].state, AF_STEP_IDLE);
  af_step_row_done(&steps[0]);
  free(steps);
  assert_int_equal(af_store_facts_get(f->store, "c", &json, &f->err), -AF_ENOENT);
}

TEST(a_refused_call_leaves_the_transaction_to_the_others) {
  struct fixture *f = *state;
  fixture_open(f);
  struct af_copy_row c = fixture_step(f), old = c;
  old.revision = 1;
  assert_int_equal(af_store_copy_update(f->store, &old, &NOTE, &f->err), -AF_ESTALE);
  assert_ok(af_store_copy_update(f->store, &c, &NOTE, &f->err), &f->err);
  fixture_commit(f);
  fixture_reopen(f);
  assert_int_equal(count_events(f, "c"), 3);
}

TEST(a_copy_is_not_written_without_an_event_about_it) {
  struct fixture *f = *state;
  fixture_open(f);
  struct af_copy_row c = fixture_step(f);
  struct af_step_row step = a_step("c", 0);
  assert_error(af_store_copy_update(f->store, &c, NULL, &f->err), -AF_EINVAL, &f->err, "without an event");
  struct af_event_row nothing = {.step = -1};
  assert_error(af_store_copy_update(f->store, &c, &nothing, &f->err), -AF_EINVAL, &f->err, "without an event");
  assert_error(af_store_copy_update(f->store, &c, &NOTE_0, &f->err), -AF_EINVAL, &f->err, "about step 0");
  assert_error(af_store_step_update(f->store, &c, &step, &NOTE, &f->err), -AF_EINVAL, &f->err, "about step -1");
  assert_int_equal(count_events(f, "c"), 2);
}

TEST(what_is_not_there_is_not_found) {
  struct fixture *f = *state;
  struct af_batch_row b;
  struct af_copy_row got, *copies;
  struct af_exposure_row e = an_exposure("snap-1");
  size_t n;
  fixture_open(f);
  struct af_copy_row c = fixture_copy(f), unknown = a_copy("b", "x");
  unknown.revision = 1;
  struct af_step_row step = a_step("c", 0), lost = a_step("x", 0);
  assert_error(af_store_batch_get(f->store, "x", &b, &f->err), -AF_ENOENT, &f->err, "no batch x");
  assert_error(af_store_copy_get(f->store, "x", &got, &f->err), -AF_ENOENT, &f->err, "no copy x");
  assert_error(af_store_copy_update(f->store, &unknown, &NOTE, &f->err), -AF_ENOENT, &f->err, "no copy x");
  assert_error(af_store_step_insert(f->store, &unknown, &lost, &NOTE_0, &f->err), -AF_ENOENT, &f->err, "no copy x");
  assert_error(af_store_step_update(f->store, &unknown, &lost, &NOTE_0, &f->err), -AF_ENOENT, &f->err, "no copy x");
  assert_error(af_store_step_update(f->store, &c, &step, &NOTE_0, &f->err), -AF_ENOENT, &f->err, "no step 0");
  int rc = af_store_exposure_find(f->store, e.kind, e.account, e.region, e.resource, e.grantee, &e, &f->err);
  assert_error(rc, -AF_ENOENT, &f->err, "snap-1");
  e.id = 77;
  assert_error(af_store_exposure_put(f->store, &e, &f->err), -AF_ENOENT, &f->err, "no exposure 77");
  assert_error(af_store_holder_add(f->store, 77, "c", &f->err), -AF_ENOENT, &f->err, "no exposure 77");
  struct af_effect_row effect = an_effect("c", "snap-2");
  assert_error(af_store_effect_put(f->store, &effect, &f->err), -AF_ENOENT, &f->err, "no step 0");
  unknown = a_copy("nowhere", "y");
  assert_error(af_store_copy_insert(f->store, &unknown, &NOTE, &f->err), -AF_ENOENT, &f->err, "no batch nowhere");
  assert_ok(af_store_copies(f->store, "x", &copies, &n, &f->err), &f->err);
  assert_int_equal(n, 0);
  free(copies);
  fixture_commit(f);
}

TEST(events_cannot_be_changed_or_removed_by_anybody) {
  struct fixture *f = *state;
  sqlite3 *db;
  fixture_open(f);
  (void)fixture_copy(f);
  fixture_commit(f);
  fixture_close(f);
  assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "UPDATE event SET message = 'x'", NULL, NULL, NULL), SQLITE_CONSTRAINT);
  assert_string_equal(sqlite3_errmsg(db), "events are append-only");
  assert_int_equal(sqlite3_exec(db, "DELETE FROM event", NULL, NULL, NULL), SQLITE_CONSTRAINT);
  assert_int_equal(sqlite3_exec(db, "UPDATE copy SET state = 'asleep'", NULL, NULL, NULL), SQLITE_CONSTRAINT);
  assert_int_equal(sqlite3_exec(db, "UPDATE copy SET revision = 'one'", NULL, NULL, NULL), SQLITE_CONSTRAINT);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Keys and batches */

TEST(a_key_is_unique_until_its_copy_has_ended) {
  struct fixture *f = *state;
  fixture_open(f);
  struct af_copy_row c = fixture_copy(f);
  for (int v = 0; v < AF_COPY_STATE_MAX_; v++) {
    char id[8];
    (void)snprintf(id, sizeof id, "n%d", v);
    struct af_copy_row again = a_copy("b", id);
    again.key = TEXT_OF("c");
    c.state = (enum af_copy_state)v;
    assert_ok(af_store_copy_update(f->store, &c, &NOTE, &f->err), &f->err);
    int rc = af_store_copy_insert(f->store, &again, &NOTE, &f->err);
    if (!af_copy_state_ended(c.state)) {
      assert_int_equal(rc, -AF_EEXIST);
      assert_string_equal(f->err.resource, "c");
      assert_int_equal(again.revision, 0);
    } else {
      assert_ok(rc, &f->err);
      /* And the ended one can't come back to life beside it. */
      c.state = AF_COPY_WORKING;
      assert_int_equal(af_store_copy_update(f->store, &c, &NOTE, &f->err), -AF_EEXIST);
      assert_string_equal(f->err.resource, again.id);
      again.state = AF_COPY_DONE;
      assert_ok(af_store_copy_update(f->store, &again, &NOTE, &f->err), &f->err);
    }
  }
  fixture_commit(f);
}

TEST(an_id_is_used_once) {
  struct fixture *f = *state;
  fixture_open(f);
  struct af_copy_row c = fixture_step(f), again = a_copy("b", "c");
  struct af_batch_row b = a_batch("b");
  struct af_step_row step = a_step("c", 0);
  struct af_exposure_row e = an_exposure("snap-1"), twin = e;
  again.key = TEXT_OF("another");
  assert_error(af_store_copy_insert(f->store, &again, &NOTE, &f->err), -AF_EEXIST, &f->err, "copy c is there already");
  assert_error(af_store_copy_insert(f->store, &c, &NOTE, &f->err), -AF_EINVAL, &f->err, "inserted before");
  assert_error(af_store_batch_insert(f->store, &b, &f->err), -AF_EEXIST, &f->err, "batch b");
  assert_error(af_store_step_insert(f->store, &c, &step, &NOTE_0, &f->err), -AF_EEXIST, &f->err, "step 0");
  assert_ok(af_store_exposure_put(f->store, &e, &f->err), &f->err);
  assert_error(af_store_exposure_put(f->store, &twin, &f->err), -AF_EEXIST, &f->err, "snap-1");
  assert_int_equal(c.revision, 2);
  fixture_commit(f);
}

TEST(a_batch_is_found_by_its_digest_while_a_copy_of_it_has_not_ended) {
  struct fixture *f = *state;
  struct af_batch_row got;
  fixture_open(f);
  struct af_batch_row first = a_batch("b1"), second = a_batch("b2");
  second.created_ms = first.created_ms; /* the same millisecond: the later insert is the newer */
  struct af_copy_row c1 = a_copy("b1", "c1"), c2 = a_copy("b2", "c2");
  assert_ok(af_store_batch_insert(f->store, &first, &f->err), &f->err);
  assert_ok(af_store_batch_insert(f->store, &second, &f->err), &f->err);
  assert_int_equal(af_store_batch_find(f->store, "d1", &got, &f->err), -AF_ENOENT);
  assert_ok(af_store_copy_insert(f->store, &c1, &NOTE, &f->err), &f->err);
  assert_ok(af_store_copy_insert(f->store, &c2, &NOTE, &f->err), &f->err);
  assert_ok(af_store_batch_find(f->store, "d1", &got, &f->err), &f->err);
  assert_string_equal(got.id, "b2");
  af_batch_row_done(&got);
  c2.state = AF_COPY_FAILED;
  assert_ok(af_store_copy_update(f->store, &c2, &NOTE, &f->err), &f->err);
  assert_ok(af_store_batch_find(f->store, "d1", &got, &f->err), &f->err);
  assert_string_equal(got.id, "b1");
  af_batch_row_done(&got);
  c1.state = AF_COPY_BLOCKED; /* waits for a person, so it has not ended */
  assert_ok(af_store_copy_update(f->store, &c1, &NOTE, &f->err), &f->err);
  assert_ok(af_store_batch_find(f->store, "d1", &got, &f->err), &f->err);
  af_batch_row_done(&got);
  assert_int_equal(af_store_batch_find(f->store, "d2", &got, &f->err), -AF_ENOENT);
}

TEST(batches_are_listed_newest_first_and_copies_by_position) {
  struct fixture *f = *state;
  struct af_batch_row *batches;
  struct af_copy_row *copies;
  size_t n;
  fixture_open(f);
  for (int i = 0; i < 40; i++) {
    char id[16];
    (void)snprintf(id, sizeof id, "%c%d", i % 2 ? 'x' : 'y', i);
    struct af_batch_row b = a_batch(id);
    b.created_ms = 100 + i;
    assert_ok(af_store_batch_insert(f->store, &b, &f->err), &f->err);
    struct af_copy_row c = a_copy("y0", id);
    c.position = 100 - i;
    assert_ok(af_store_copy_insert(f->store, &c, &NOTE, &f->err), &f->err);
  }
  assert_ok(af_store_batches(f->store, &batches, &n, &f->err), &f->err);
  assert_int_equal(n, 40);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(batches[i].created_ms, 139 - (int64_t)i);
    af_batch_row_done(&batches[i]);
  }
  free(batches);
  assert_ok(af_store_copies(f->store, "y0", &copies, &n, &f->err), &f->err);
  assert_int_equal(n, 40);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(copies[i].position, 61 + i);
    af_copy_row_done(&copies[i]);
  }
  free(copies);
}

TEST(what_was_not_dated_is_dated_by_the_store) {
  struct fixture *f = *state;
  struct af_batch_row b = a_batch("b"), got;
  fixture_open(f);
  b.created_ms = 0;
  assert_ok(af_store_batch_insert(f->store, &b, &f->err), &f->err);
  assert_ok(af_store_batch_get(f->store, "b", &got, &f->err), &f->err);
  assert_int_equal(got.created_ms, 1000000);
  af_batch_row_done(&got);
}

/* Exposures */

TEST(an_exposure_counts_each_holder_once) {
  struct fixture *f = *state;
  size_t n;
  fixture_open(f);
  (void)fixture_copy(f);
  struct af_copy_row other = a_copy("b", "c2");
  struct af_exposure_row e = an_exposure("snap-1");
  assert_ok(af_store_copy_insert(f->store, &other, &NOTE, &f->err), &f->err);
  assert_ok(af_store_exposure_put(f->store, &e, &f->err), &f->err);
  assert_ok(af_store_holders(f->store, e.id, &n, &f->err), &f->err);
  assert_int_equal(n, 0);
  assert_ok(af_store_holder_add(f->store, e.id, "c", &f->err), &f->err);
  assert_ok(af_store_holder_add(f->store, e.id, "c", &f->err), &f->err);
  assert_ok(af_store_holder_add(f->store, e.id, "c2", &f->err), &f->err);
  assert_ok(af_store_holders(f->store, e.id, &n, &f->err), &f->err);
  assert_int_equal(n, 2);
  assert_ok(af_store_holder_remove(f->store, e.id, "c", &f->err), &f->err);
  assert_ok(af_store_holder_remove(f->store, e.id, "c", &f->err), &f->err);
  assert_ok(af_store_holders(f->store, e.id, &n, &f->err), &f->err);
  assert_int_equal(n, 1);
}

TEST(only_borrowed_exposures_that_are_not_closed_are_listed_as_open) {
  struct fixture *f = *state;
  struct af_exposure_row *open;
  size_t n;
  fixture_open(f);
  for (int v = 0; v < 2 * AF_EXPOSURE_STATE_MAX_; v++) {
    char resource[16];
    (void)snprintf(resource, sizeof resource, "snap-%d", v);
    struct af_exposure_row e = an_exposure(resource);
    e.state = (enum af_exposure_state)(v / 2);
    e.borrowed = v % 2;
    assert_ok(af_store_exposure_put(f->store, &e, &f->err), &f->err);
  }
  assert_ok(af_store_exposures_open(f->store, &open, &n, &f->err), &f->err);
  assert_int_equal(n, 3);
  for (size_t i = 0; i < n; i++) {
    assert_true(open[i].borrowed);
    assert_int_not_equal(open[i].state, AF_EXPOSURE_CLOSED);
    af_exposure_row_done(&open[i]);
  }
  free(open);
}

TEST(exposures_in_a_folder_are_listed_when_they_changed_later_than_asked) {
  struct fixture *f = *state;
  static const struct {
    const char *resource, *kind, *detail;
    bool listed;
  } rows[] = {
      {"bucket/a", "bucketPolicy", "1001", true},
      {"bucket/", "bucketPolicy", "1795000000000", true},
      {"bucket/\xc3\xbc", "bucketPolicy", "2000", true},
      {"bucket/b", "bucketPolicy", "1000", false},
      {"bucket/c", "bucketPolicy", NULL, false},
      {"bucket", "bucketPolicy", "2000", false},
      {"bucket-2/a", "bucketPolicy", "2000", false},
      {"bucket0", "bucketPolicy", "2000", false},
      {"bucket/d", "grant", "2000", false},
  };
  struct af_exposure_row *list;
  size_t n, seen = 0;
  fixture_open(f);
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct af_exposure_row e = an_exposure(rows[i].resource);
    e.kind = TEXT_OF(rows[i].kind);
    e.detail = rows[i].detail ? TEXT_OF(rows[i].detail) : NULL;
    assert_ok(af_store_exposure_put(f->store, &e, &f->err), &f->err);
  }
  assert_ok(af_store_exposures_changed(f->store, "bucketPolicy", "999999999999", "bucket/", 1000, &list, &n, &f->err), &f->err);
  assert_int_equal(n, 0);
  assert_ok(af_store_exposures_changed(f->store, "bucketPolicy", "111122223333", "bucket/", 1000, &list, &n, &f->err), &f->err);
  for (size_t i = 0; i < COUNT(rows); i++)
    if (rows[i].listed) {
      assert_in_range(seen, 0, n - 1);
      assert_string_equal(list[seen++].resource, rows[i].resource);
    }
  assert_int_equal(seen, n);
  for (size_t i = 0; i < n; i++)
    af_exposure_row_done(&list[i]);
  free(list);
}

TEST(a_stale_exposure_changes_nothing) {
  struct fixture *f = *state;
  fixture_open(f);
  struct af_exposure_row e = an_exposure("snap-1"), old, got;
  assert_ok(af_store_exposure_put(f->store, &e, &f->err), &f->err);
  old = e;
  e.state = AF_EXPOSURE_OPEN;
  assert_ok(af_store_exposure_put(f->store, &e, &f->err), &f->err);
  old.state = AF_EXPOSURE_CLOSED;
  assert_error(af_store_exposure_put(f->store, &old, &f->err), -AF_ESTALE, &f->err, "revision 1 and is at 2");
  assert_ok(af_store_exposure_find(f->store, e.kind, e.account, e.region, e.resource, e.grantee, &got, &f->err), &f->err);
  assert_same_exposure(&e, &got);
  af_exposure_row_done(&got);
}

TEST(exposures_that_differ_in_one_part_are_different) {
  struct fixture *f = *state;
  fixture_open(f);
  struct af_exposure_row e = an_exposure("snap-1"), first = e, got;
  assert_ok(af_store_exposure_put(f->store, &first, &f->err), &f->err);
  char **parts[] = {&e.kind, &e.account, &e.region, &e.resource, &e.grantee};
  for (size_t i = 0; i < COUNT(parts); i++) {
    char *was = *parts[i];
    *parts[i] = TEXT_OF("other");
    e.id = 0;
    assert_ok(af_store_exposure_put(f->store, &e, &f->err), &f->err);
    assert_ok(af_store_exposure_find(f->store, e.kind, e.account, e.region, e.resource, e.grantee, &got, &f->err), &f->err);
    assert_int_equal(got.id, e.id);
    af_exposure_row_done(&got);
    *parts[i] = was;
  }
  assert_ok(af_store_exposure_find(f->store, e.kind, e.account, e.region, e.resource, e.grantee, &got, &f->err), &f->err);
  assert_int_equal(got.id, first.id);
  af_exposure_row_done(&got);
}

/* Transactions */

TEST(the_first_write_begins_a_transaction_and_commit_ends_it) {
  struct fixture *f = *state;
  fixture_open(f);
  assert_false(af_store_dirty(f->store));
  fixture_commit(f);
  (void)fixture_copy(f);
  assert_true(af_store_dirty(f->store));
  fixture_commit(f);
  assert_false(af_store_dirty(f->store));
}

TEST(what_is_not_committed_is_gone_when_the_store_closes) {
  struct fixture *f = *state;
  struct af_batch_row b;
  fixture_open(f);
  (void)fixture_copy(f);
  fixture_reopen(f);
  assert_int_equal(af_store_batch_get(f->store, "b", &b, &f->err), -AF_ENOENT);
}

TEST(a_reader_sees_what_is_committed_and_may_not_write) {
  struct fixture *f = *state;
  struct af_store *reader;
  struct af_batch_row b = a_batch("b2"), got;
  fixture_open(f);
  struct af_copy_row c = fixture_copy(f);
  assert_ok(af_store_open(&reader, f->path, AF_STORE_READER, &f->clock.clock, &f->err), &f->err);
  assert_int_equal(af_store_batch_get(reader, "b", &got, &f->err), -AF_ENOENT);
  fixture_commit(f);
  assert_ok(af_store_batch_get(reader, "b", &got, &f->err), &f->err);
  af_batch_row_done(&got);
  assert_error(af_store_batch_insert(reader, &b, &f->err), -AF_EINVAL, &f->err, "opened for reading");
  assert_false(af_store_dirty(reader));
  assert_ok(af_store_commit(reader, &f->err), &f->err);
  af_store_close(reader);
  /* Its end takes no lock of the owner's away: the owner goes on. */
  assert_ok(af_store_copy_update(f->store, &c, &NOTE, &f->err), &f->err);
  fixture_commit(f);
}

TEST(a_sound_database_passes_the_integrity_check_and_a_lost_event_fails_it) {
  struct fixture *f = *state;
  sqlite3 *db;
  fixture_open(f);
  (void)fixture_step(f);
  fixture_commit(f);
  assert_ok(af_store_integrity_check(f->store, &f->err), &f->err);
  fixture_close(f);
  assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "DROP TRIGGER event_remains; DELETE FROM event WHERE number = 1", NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  fixture_open(f);
  assert_error(af_store_integrity_check(f->store, &f->err), -AF_ECORRUPT, &f->err, "copy c has events missing");
}

TEST(an_owned_text_is_replaced_and_cleared) {
  char *text = NULL;
  assert_int_equal(af_row_set(&text, "one"), 0);
  assert_string_equal(text, "one");
  assert_int_equal(af_row_set(&text, text), 0); /* from itself, too */
  assert_string_equal(text, "one");
  assert_int_equal(af_row_set(&text, NULL), 0);
  assert_null(text);
  af_copy_row_done(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STATE_TEST(a_batch_comes_back_as_it_was_stored),
      STATE_TEST(a_copy_comes_back_as_it_was_stored),
      STATE_TEST(an_updated_copy_comes_back_with_every_change),
      STATE_TEST(a_step_comes_back_as_it_was_stored_and_as_it_was_updated),
      STATE_TEST(an_effect_is_put_once_and_then_only_its_state_is_set),
      STATE_TEST(facts_come_back_and_are_replaced),
      STATE_TEST(an_exposure_comes_back_as_it_was_stored_and_as_it_was_updated),
      STATE_TEST(every_state_can_be_stored_and_read),
      STATE_TEST(names_are_parsed_back_and_others_are_refused),
      STATE_TEST(a_row_that_lacks_a_text_or_has_a_strange_state_is_refused_and_nothing_changes),
      STATE_TEST(events_are_numbered_without_a_gap_and_carry_what_was_said),
      STATE_TEST(events_are_read_on_from_the_one_that_was_seen),
      STATE_TEST(a_stale_writer_changes_nothing),
      STATE_TEST(a_refused_call_leaves_the_transaction_to_the_others),
      STATE_TEST(a_copy_is_not_written_without_an_event_about_it),
      STATE_TEST(what_is_not_there_is_not_found),
      STATE_TEST(events_cannot_be_changed_or_removed_by_anybody),
      STATE_TEST(a_key_is_unique_until_its_copy_has_ended),
      STATE_TEST(an_id_is_used_once),
      STATE_TEST(a_batch_is_found_by_its_digest_while_a_copy_of_it_has_not_ended),
      STATE_TEST(batches_are_listed_newest_first_and_copies_by_position),
      STATE_TEST(what_was_not_dated_is_dated_by_the_store),
      STATE_TEST(an_exposure_counts_each_holder_once),
      STATE_TEST(only_borrowed_exposures_that_are_not_closed_are_listed_as_open),
      STATE_TEST(exposures_in_a_folder_are_listed_when_they_changed_later_than_asked),
      STATE_TEST(a_stale_exposure_changes_nothing),
      STATE_TEST(exposures_that_differ_in_one_part_are_different),
      STATE_TEST(the_first_write_begins_a_transaction_and_commit_ends_it),
      STATE_TEST(what_is_not_committed_is_gone_when_the_store_closes),
      STATE_TEST(a_reader_sees_what_is_committed_and_may_not_write),
      STATE_TEST(a_sound_database_passes_the_integrity_check_and_a_lost_event_fails_it),
      STATE_TEST(an_owned_text_is_replaced_and_cleared),
  };
  return cmocka_run_group_tests_name("state rows", tests, NULL, NULL);
}
