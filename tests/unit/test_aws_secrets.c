/* What the client frees holds no secret any more: each provider is walked through while every freed block is looked at (watch_free.h). */
#include "tests/unit/aws_fixture.h"

#include "tests/unit/watch_free.h"

#define ROLE "arn:aws:iam::111111111111:role/a"

static int watched_setup(void **state) {
  json_set_alloc_funcs(__wrap_malloc, __wrap_free); /* it is a library of its own, which --wrap doesn't reach */
  leaks = 0;
  return world_setup(state);
}

static int watched_teardown(void **state) {
  leaks_watched = false;
  return world_teardown(state);
}

/* Two lives of a session: one renewal, then all of the client is freed. */
static void live_and_die(struct world *w, const char *profile, void (*answers)(struct world *w)) {
  leaks_watched = true;
  struct af_session *s = session(w, profile, NULL, NULL);
  for (int i = 0; i < 2; i++) {
    answers(w);
    on_images(w);
    describe_ok(w, s);
    test_clock_advance(&w->clock, 61 * MINUTE);
  }
  af_aws_free(w->aws);
  w->aws = NULL;
  leaks_watched = false;
  assert_int_equal(leaks, 0);
}

static void no_answers(struct world *w) {
}

TEST(keys_of_files_are_wiped) {
  struct world *w = *state;
  write_file(w, "credentials", "[p]\naws_access_key_id=AK\naws_secret_access_key=SECRET\naws_session_token=SECRET\n");
  live_and_die(w, "p", no_answers);
}

static void role_answers(struct world *w) {
  on_role(w, "Action=AssumeRole", "SECRET", 60 * MINUTE);
}

TEST(keys_of_roles_are_wiped) {
  struct world *w = *state;
  write_file(w, "credentials", "[base]\naws_access_key_id=AK\naws_secret_access_key=SECRET\n");
  write_file(w, "config", "[profile p]\nrole_arn=" ROLE "\nsource_profile=base\n");
  live_and_die(w, "p", role_answers);
}

static void web_answers(struct world *w) {
  char expires[AF_TIME_SIZE];
  af_time_iso_s(w->clock.now_ms + 60 * MINUTE, expires);
  on(w, "Action=AssumeRoleWithWebIdentity", 200,
     "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AK</AccessKeyId><SecretAccessKey>SECRET</SecretAccessKey>"
     "<SessionToken>SECRET</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
     expires);
}

TEST(web_identity_tokens_are_wiped) {
  struct world *w = *state;
  char text[256];
  write_file(w, "token", "SECRET.jwt");
  snprintf(text, sizeof text, "[profile p]\nrole_arn=" ROLE "\nweb_identity_token_file=%s/token\n", w->dir);
  write_file(w, "config", text);
  live_and_die(w, "p", web_answers);
}

static void instance_answers(struct world *w) {
  char expires[AF_TIME_SIZE];
  af_time_iso_s(w->clock.now_ms + 60 * MINUTE, expires);
  on(w, "PUT ", 200, "SECRET-imds-token");
  on(w, "security-credentials/ ", 200, "r");
  on(w, "security-credentials/r ", 200, "{\"AccessKeyId\": \"AK\", \"SecretAccessKey\": \"SECRET\", \"Token\": \"SECRET\", \"Expiration\": \"%s\"}", expires);
}

TEST(keys_and_tokens_of_instances_are_wiped) {
  live_and_die(*state, NULL, instance_answers);
}

static void container_answers(struct world *w) {
  char expires[AF_TIME_SIZE];
  af_time_iso_s(w->clock.now_ms + 60 * MINUTE, expires);
  on(w, "169.254.170.2", 200, "{\"AccessKeyId\": \"AK\", \"SecretAccessKey\": \"SECRET\", \"Token\": \"SECRET\", \"Expiration\": \"%s\"}", expires);
}

TEST(keys_and_tokens_of_containers_are_wiped) {
  struct world *w = *state;
  set_var(w, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x");
  set_var(w, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "SECRET");
  live_and_die(w, NULL, container_answers);
}

TEST(what_a_process_prints_is_wiped) {
  struct world *w = *state;
  char text[256];
  write_file(w, "token", "{\"Version\": 1, \"AccessKeyId\": \"AK\", \"SecretAccessKey\": \"SECRET\", \"SessionToken\": \"SECRET\"}");
  snprintf(text, sizeof text, "[profile p]\ncredential_process = cat %s/token\n", w->dir);
  write_file(w, "config", text);
  w->real_time = true;
  live_and_die(w, "p", no_answers);
}

/* The URL within a CopySnapshot carries the session token. */
TEST(presigned_urls_are_wiped) {
  struct world *w = *state;
  struct af_answer a;
  write_file(w, "credentials", "[p]\naws_access_key_id=AK\naws_secret_access_key=SECRET\naws_session_token=SECRET\n");
  on(w, "Action=CopySnapshot", 200, "<CopySnapshotResponse><requestId>r</requestId><snapshotId>snap-2</snapshotId></CopySnapshotResponse>");
  leaks_watched = true;
  ask(w, session(w, "p", NULL, NULL), &af_ec2_copy_snapshot, "eu-west-1", json_pack("{s:s, s:s}", "SourceRegion", "us-east-1", "SourceSnapshotId", "snap-1"), 1);
  a = answer(w);
  assert_ok(a.rc, &a.error);
  af_answer_done(&a);
  af_aws_free(w->aws);
  w->aws = NULL;
  leaks_watched = false;
  assert_int_equal(leaks, 0);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, watched_setup, watched_teardown)
  const struct CMUnitTest tests[] = {
      CASE(keys_of_files_are_wiped),
      CASE(keys_of_roles_are_wiped),
      CASE(web_identity_tokens_are_wiped),
      CASE(keys_and_tokens_of_instances_are_wiped),
      CASE(keys_and_tokens_of_containers_are_wiped),
      CASE(what_a_process_prints_is_wiped),
      CASE(presigned_urls_are_wiped),
  };
  return cmocka_run_group_tests_name("engine/aws secrets", tests, NULL, NULL);
}
