/* The client when memory runs out: the N-th allocation fails, for every N, ours and jansson's. What is left must be the right answer or an
 * error, and a call that went out without an answer must not pass for one that didn't; the sanitizers see what leaks. */
#include "tests/unit/aws_fixture.h"
#include "tests/unit/fail_alloc.h"

/* The fixture's own transport has all the memory that it wants. */
static int generous_submit(void *ctx, const struct af_http_request *req, uint64_t *ret_id, struct af_error *err) {
  long keep = allocations_left;
  allocations_left = -1;
  int rc = world_submit(ctx, req, ret_id, err);
  allocations_left = keep;
  return rc;
}

static bool was_sent(const struct world *w, const char *action) {
  for (size_t i = 0; i < w->n_sent; i++)
    if (strstr(w->sent[i].body, action))
      return true;
  return false;
}

static void check_answer(const struct world *w, struct af_answer *a) {
  if (a->rc == 0) {
    assert_string_equal(json_string_value(json_object_get(a->output, "SnapshotId")), "snap-2");
  } else {
    /* jansson's reader says "invalid token" where it had no memory to read one. */
    bool misread = strcmp(a->error.code, "BadCredentials") == 0;
    if (!misread)
      assert_string_equal(a->error.code, "OutOfMemory");
    assert_int_equal(a->error.class, was_sent(w, "Action=CopySnapshot") ? AF_CLASS_AMBIGUOUS : misread ? AF_CLASS_AUTH : AF_CLASS_INTERNAL);
  }
  af_answer_done(a);
}

/* A session that assumes a role, a CopySnapshot through it. */
static void copy_a_snapshot(struct world *w, json_t *input) {
  struct af_principal who = {.profile = "r", .role_arn = "arn:aws:iam::222222222222:role/b", .external_id = "ext"};
  struct af_session *s = NULL;
  struct af_answer a;
  struct af_error err;
  int rc = af_aws_session(w->aws, &who, &s, &err);
  if (rc == 0) {
    struct af_call call = {&af_ec2_copy_snapshot, s, "eu-west-1", input, 5};
    rc = af_aws_send(w->aws, &call, &err);
  }
  if (rc < 0) {
    assert_int_equal(rc, -AF_ENOMEM);
    assert_string_equal(err.code, "OutOfMemory");
    return;
  }
  for (int i = 0; i < 100; i++) {
    if (af_aws_next(w->aws, &a)) {
      check_answer(w, &a);
      return;
    }
    af_aws_wait(w->aws, 1000);
  }
  fail_msg("no answer came");
}

/* Whether all of it went well. */
static bool one_life(long n, void (*prepare)(struct world *w), void (*work)(struct world *w, json_t *input), size_t requests) {
  void *state = NULL;
  json_t *input = json_pack("{s:s, s:s}", "SourceRegion", "us-east-1", "SourceSnapshotId", "snap-1");
  assert_int_equal(world_setup(&state), 0);
  struct world *w = state;
  w->http.submit = generous_submit;
  prepare(w);
  on(w, "Action=CopySnapshot", 200, "<CopySnapshotResponse><requestId>r</requestId><snapshotId>snap-2</snapshotId></CopySnapshotResponse>");
  allocations_left = n;
  work(w, input);
  bool none_failed = allocations_left >= 0;
  allocations_left = -1;
  if (none_failed)
    assert_int_equal(w->n_sent, requests);
  world_teardown(&state);
  json_decref(input);
  return none_failed;
}

static void torture(void (*prepare)(struct world *w), size_t requests, long least) {
  long n = 0;
  json_set_alloc_funcs(__wrap_malloc, free);
  while (!one_life(n, prepare, copy_a_snapshot, requests))
    assert_true(++n < 100000);
  json_set_alloc_funcs(malloc, free);
  assert_true(n > least);
}

static void roles(struct world *w) {
  write_file(w, "credentials", "[base]\naws_access_key_id=AK\naws_secret_access_key=SECRET\n");
  write_file(w, "config", "[profile r]\nrole_arn=arn:aws:iam::111111111111:role/a\nsource_profile=base\nregion=eu-west-1\nendpoint_url=https://e.example\n");
  for (int i = 0; i < 2; i++) { /* STS is asked again where memory ran out over its reply */
    on_role(w, "role%2Fa", "AKA", 60 * MINUTE);
    on_role(w, "ExternalId=ext", "AKB", 60 * MINUTE);
  }
}

TEST(a_call_through_roles_survives_each_failed_allocation) {
  torture(roles, 3, 100);
}

static void instance(struct world *w) {
  write_file(w, "config", "[profile r]\nregion=eu-west-1\n");
  on(w, "PUT ", 200, "t");
  on(w, "security-credentials/ ", 200, "r");
  on(w, "security-credentials/r ", 200, "{\"AccessKeyId\": \"AK\", \"SecretAccessKey\": \"S\", \"Token\": \"T\", \"Expiration\": \"2026-11-23T12:29:00Z\"}");
  for (int i = 0; i < 2; i++)
    on_role(w, "ExternalId=ext", "AKB", 60 * MINUTE);
}

TEST(a_call_by_an_instance_survives_each_failed_allocation) {
  torture(instance, 5, 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_call_through_roles_survives_each_failed_allocation),
      cmocka_unit_test(a_call_by_an_instance_survives_each_failed_allocation),
  };
  return cmocka_run_group_tests_name("engine/aws torture", tests, NULL, NULL);
}
