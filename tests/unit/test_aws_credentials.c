/* engine/aws/credentials.h and session.c: which provider, which roles, what they answer, and when credentials are renewed. */
#include "tests/unit/aws_fixture.h"

#include "engine/aws/credentials.h"

#define ROLE_A "arn:aws:iam::111111111111:role/a"
#define ROLE_B "arn:aws:iam::222222222222:role/b"
#define ROLE_C "arn:aws:iam::333333333333:role/c"
#define ROLE_D "arn:aws:iam::444444444444:role/d"
#define KEYS(id) "aws_access_key_id=" id "\naws_secret_access_key=SECRET\n"

static const char one_role[] = "[base]\n" KEYS("AKBASE");
static const char one_role_config[] = "[profile r]\nrole_arn=" ROLE_A "\nsource_profile=base\nregion=eu-west-3\n";

static struct af_session *role_session(struct world *w) {
  write_file(w, "credentials", one_role);
  write_file(w, "config", one_role_config);
  return session(w, "r", NULL, NULL);
}

static void fails(struct world *w, struct af_session *s, const char *code, const char *message) {
  struct af_answer a = describe(w, s);
  assert_int_equal(a.rc, -AF_EAWS);
  assert_string_equal(a.error.code, code);
  assert_contains(a.error.message, message);
  af_answer_done(&a);
}

/* --- the order of providers --- */

TEST(keys_in_the_environment_come_first) {
  struct world *w = *state;
  write_file(w, "credentials", "[default]\n" KEYS("AKFILE"));
  set_var(w, "AWS_ACCESS_KEY_ID", "AKENV");
  set_var(w, "AWS_SECRET_ACCESS_KEY", "SECRET");
  set_var(w, "AWS_SECURITY_TOKEN", "TOKEN-old"); /* the older name */
  set_var(w, "AWS_PROFILE", "default");
  struct af_session *s = session(w, NULL, NULL, NULL);
  assert_string_equal(af_session_source(s), "environment");
  on_images(w);
  describe_ok(w, s);
  assert_signed_by(w, "AKENV");
  assert_contains(last_sent(w)->headers, "X-Amz-Security-Token: TOKEN-old\n");
}

TEST(keys_in_the_environment_do_not_count_where_the_caller_names_a_profile) {
  struct world *w = *state;
  write_file(w, "credentials", "[p]\n" KEYS("AKFILE") "aws_session_token=TOKEN-p\n");
  set_var(w, "AWS_ACCESS_KEY_ID", "AKENV");
  set_var(w, "AWS_SECRET_ACCESS_KEY", "SECRET");
  on_images(w);
  describe_ok(w, session(w, "p", NULL, NULL));
  assert_signed_by(w, "AKFILE");
  assert_contains(last_sent(w)->headers, "X-Amz-Security-Token: TOKEN-p\n");
}

TEST(a_profiles_providers_come_in_botocores_order) {
  static const struct {
    const char *config, *credentials, *label;
  } cases[] = {
      {"[profile p]\nrole_arn=" ROLE_A "\nsource_profile=q\ncredential_process=x\n[profile q]\n" KEYS("K"), "[p]\n" KEYS("S"), "profile q > role " ROLE_A},
      {"[profile p]\nrole_arn=" ROLE_A "\nweb_identity_token_file=/t\nsource_profile=q\n", "[p]\n" KEYS("S"), "web identity > role " ROLE_A},
      {"[profile p]\ncredential_process=x\n" KEYS("K"), "[p]\n" KEYS("S"), "profile p"},
      {"[profile p]\ncredential_process=x\n" KEYS("K"), "", "credential_process of profile p"},
      {"[profile p]\n" KEYS("K"), "", "profile p"},
      {"[profile p]\nsso_session=x\n", "[p]\n" KEYS("S"), "profile p"}, /* another tool signs in and writes keys */
      {"[profile p]\nregion=x-1\n", "", "instance"},
  };
  struct world *w = *state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct af_principal who = {.profile = "p", .external_id = (const char *[]){"0", "1", "2", "3", "4", "5", "6"}[i]}; /* a session for each */
    struct af_session *s = NULL;
    struct af_error err;
    write_file(w, "config", cases[i].config);
    write_file(w, "credentials", cases[i].credentials);
    assert_ok(af_aws_session(w->aws, &who, &s, &err), &err);
    assert_string_equal(af_session_source(s), cases[i].label);
  }
}

TEST(a_default_profile_variable_of_botocore_beats_the_other) {
  struct world *w = *state;
  write_file(w, "credentials", "[a]\n" KEYS("A") "[b]\n" KEYS("B"));
  set_var(w, "AWS_PROFILE", "a");
  assert_string_equal(af_session_name(session(w, NULL, NULL, NULL)), "profile a");
  set_var(w, "AWS_DEFAULT_PROFILE", "b");
  assert_string_equal(af_session_name(session(w, NULL, NULL, "x")), "profile b");
}

TEST(where_nothing_is_configured_the_message_says_what_was_looked_at) {
  struct world *w = *state;
  struct af_error err;
  set_var(w, "AWS_EC2_METADATA_DISABLED", "TRUE");
  no_session(w, NULL, NULL, "NoCredentials", "none in the environment, none in profile default", &err);
  assert_contains(err.message, world_credentials);
  assert_contains(err.hint, "AWS_PROFILE");
  assert_int_equal(err.class, AF_CLASS_AUTH);
}

TEST(what_cannot_work_is_refused_with_what_to_do_instead) {
  static const struct {
    const char *config, *code, *message, *hint;
    enum af_class class;
  } cases[] = {
      {"[profile p]\nsso_session=x\n", "SsoUnsupported", "IAM Identity Center", "export-credentials --profile p", AF_CLASS_AUTH},
      {"[profile p]\nsso_start_url=x\n", "SsoUnsupported", "profile p signs in", "credential_process", AF_CLASS_AUTH},
      {"[profile p]\nlogin_session=x\n", "LoginUnsupported", "`aws login`", "export-credentials --profile p", AF_CLASS_AUTH},
      {"[profile p]\nrole_arn=" ROLE_A "\nsource_profile=b\nmfa_serial=x\n[profile b]\n" KEYS("B"), "MfaUnsupported", "config:4: profile p asks for an MFA",
       "doesn't ask for MFA", AF_CLASS_AUTH},
      {"[profile p]\nrole_arn=" ROLE_A "\n", "BadProfile", "wants either source_profile or credential_source", "", AF_CLASS_INVALID},
      {"[profile p]\nrole_arn=" ROLE_A "\nsource_profile=b\ncredential_source=Environment\n", "BadProfile", "wants one of source_profile and", "",
       AF_CLASS_INVALID},
      {"[profile p]\nrole_arn=" ROLE_A "\ncredential_source=environment\n", "BadProfile", "config:3: credential_source is", "", AF_CLASS_INVALID},
      {"[profile p]\nrole_arn=" ROLE_A "\nsource_profile=b\n", "ProfileNotFound", "config:3: source_profile: there is no profile \"b\"", "", AF_CLASS_INVALID},
      {"[profile p]\nrole_arn=" ROLE_A "\nsource_profile=b\n[profile b]\nregion=x\n", "NoCredentials", "profile \"b\" has no credentials", "", AF_CLASS_INVALID},
      {"[profile p]\nrole_arn=" ROLE_A "\nsource_profile=p\n", "ProfileLoop", "names itself", "", AF_CLASS_INVALID},
      {"[profile p]\nrole_arn=" ROLE_A "\nsource_profile=b\n[profile b]\nrole_arn=" ROLE_B "\nsource_profile=p\n", "ProfileLoop", "in a circle at \"p\"", "",
       AF_CLASS_INVALID},
      {"[profile p]\nrole_arn=a role\nsource_profile=b\n[profile b]\n" KEYS("B"), "BadRole", "config:2: role_arn \"a role\"", "", AF_CLASS_INVALID},
      {"[profile p]\nrole_arn=arn:aws:iam::1:role/x\nsource_profile=b\n[profile b]\n" KEYS("B"), "BadRole", "role_arn", "", AF_CLASS_INVALID},
      {"[profile p]\nrole_arn=" ROLE_A "\nsource_profile=b\nexternal_id=a b\n[profile b]\n" KEYS("B"), "BadRole", "external_id \"a b\"", "", AF_CLASS_INVALID},
      {"[profile p]\nrole_arn=" ROLE_A "\nsource_profile=b\nrole_session_name=x\n[profile b]\n" KEYS("B"), "BadRole", "role_session_name", "", AF_CLASS_INVALID},
      {"[profile p]\nrole_arn=" ROLE_A "\nsource_profile=b\nduration_seconds=899\n[profile b]\n" KEYS("B"), "BadRole", "config:4: duration_seconds", "",
       AF_CLASS_INVALID},
      {"[profile p]\nweb_identity_token_file=/t\n", "BadProfile", "no role to assume with it", "", AF_CLASS_INVALID},
      {"[profile p]\nrole_arn=" ROLE_A "\nsource_profile=goldne\n[profile golden]\n" KEYS("B"), "ProfileNotFound", "no profile \"goldne\"",
       "did you mean golden?", AF_CLASS_INVALID},
      {"[profile q]\n", "ProfileNotFound", "there is no profile \"p\"", "[profile p]", AF_CLASS_INVALID},
      {"[profile p\n", "ProfileSyntax", "config:1: ", "", AF_CLASS_INVALID},
  };
  struct world *w = *state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct af_error err;
    write_file(w, "config", cases[i].config);
    no_session(w, "p", NULL, cases[i].code, cases[i].message, &err);
    assert_contains(err.hint, cases[i].hint);
    assert_int_equal(err.class, cases[i].class);
  }
}

TEST(a_chain_of_roles_that_never_ends_is_refused) {
  struct world *w = *state;
  struct af_buf b;
  struct af_error err;
  af_buf_init(&b, 1 << 16);
  for (int i = 0; i < 20; i++)
    af_buf_printf(&b, "[profile p%d]\nrole_arn=" ROLE_A "\nsource_profile=p%d\n", i, i + 1);
  write_file(w, "config", af_buf_cstr(&b));
  no_session(w, "p0", NULL, "ProfileLoop", "more than 8 roles", &err);
  no_session(w, "p19", NULL, "ProfileNotFound", "p20", &err);
  af_buf_done(&b);
}

/* --- roles --- */

TEST(a_role_is_assumed_with_what_its_profile_says) {
  struct world *w = *state;
  write_file(w, "credentials", one_role);
  write_file(w, "config", "[profile r]\nrole_arn=" ROLE_A "\nsource_profile=base\nexternal_id=ex:1\nrole_session_name=me@x\nduration_seconds=7200\nregion=eu-west-3\n");
  struct af_session *s = session(w, "r", NULL, NULL);
  assert_string_equal(af_session_account(s), "111111111111");
  assert_string_equal(af_session_region(s), "eu-west-3");
  on_role(w, "Action=AssumeRole", "AKROLE", 120 * MINUTE);
  on_images(w);
  describe_ok(w, s);
  assert_int_equal(w->n_sent, 2);
  assert_string_equal(w->sent[0].url, "https://sts.eu-west-3.amazonaws.com/");
  assert_contains(w->sent[0].headers, "Credential=AKBASE/20261123/eu-west-3/sts/");
  assert_contains(w->sent[0].body, "RoleArn=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Fa");
  assert_contains(w->sent[0].body, "RoleSessionName=me%40x");
  assert_contains(w->sent[0].body, "ExternalId=ex%3A1");
  assert_contains(w->sent[0].body, "DurationSeconds=7200");
  assert_signed_by(w, "AKROLE");
  assert_contains(last_sent(w)->headers, "X-Amz-Security-Token: TOKEN-AKROLE\n");
}

TEST(a_chain_of_roles_is_climbed_from_the_bottom) {
  struct world *w = *state;
  write_file(w, "credentials", one_role);
  write_file(w, "config", "[profile top]\nrole_arn=" ROLE_C "\nsource_profile=mid\n[profile mid]\nrole_arn=" ROLE_B "\nsource_profile=low\n"
                          "[profile low]\nrole_arn=" ROLE_A "\nsource_profile=base\n");
  struct af_session *s = session(w, "top", ROLE_D, "ext");
  assert_string_equal(af_session_source(s), "profile base > role " ROLE_A " > role " ROLE_B " > role " ROLE_C " > role " ROLE_D);
  assert_string_equal(af_session_name(s), "profile top, role " ROLE_D);
  assert_string_equal(af_session_account(s), "444444444444");
  on_role(w, "role%2Fa", "AKA", 60 * MINUTE);
  on_role(w, "role%2Fb", "AKB", 60 * MINUTE);
  on_role(w, "role%2Fc", "AKC", 60 * MINUTE);
  on_role(w, "role%2Fd", "AKD", 60 * MINUTE);
  on_images(w);
  describe_ok(w, s);
  static const char *const signers[] = {"AKBASE", "AKA", "AKB", "AKC", "AKD"};
  for (size_t i = 0; i < 5; i++) {
    char want[64];
    snprintf(want, sizeof want, "Credential=%s/", signers[i]);
    assert_contains(w->sent[i].headers, want);
    /* A chain may last an hour at most, and a larger duration fails: none is sent unless configured. */
    assert_lacks(w->sent[i].body, "DurationSeconds");
  }
  assert_contains(w->sent[0].body, "RoleSessionName=amiferry");
  assert_lacks(w->sent[0].body, "ExternalId");
  assert_contains(w->sent[3].body, "ExternalId=ext");
}

TEST(a_profile_may_be_its_own_source_if_it_has_keys) {
  struct world *w = *state;
  write_file(w, "config", "[profile p]\nrole_arn=" ROLE_A "\nsource_profile=p\n" KEYS("AKP"));
  on_role(w, "Action=AssumeRole", "AKROLE", 60 * MINUTE);
  on_images(w);
  describe_ok(w, session(w, "p", NULL, NULL));
  assert_contains(w->sent[0].headers, "Credential=AKP/");
}

TEST(a_source_profile_with_keys_and_a_role_gives_its_keys) {
  struct world *w = *state;
  write_file(w, "config", "[profile p]\nrole_arn=" ROLE_A "\nsource_profile=q\n[profile q]\nrole_arn=" ROLE_B "\nsource_profile=z\n" KEYS("AKQ"));
  assert_string_equal(af_session_source(session(w, "p", NULL, NULL)), "profile q > role " ROLE_A);
}

TEST(credential_source_names_the_provider_below_a_role) {
  static const char *const sources[][2] = {{"Environment", "environment > role " ROLE_A}, {"EcsContainer", "container > role " ROLE_A},
                                           {"Ec2InstanceMetadata", "instance > role " ROLE_A}};
  struct world *w = *state;
  for (size_t i = 0; i < COUNT(sources); i++) {
    char text[256];
    static const char *const ids[] = {"i1", "i2", "i3"};
    snprintf(text, sizeof text, "[profile p]\nrole_arn=" ROLE_A "\ncredential_source=%s\n", sources[i][0]);
    write_file(w, "config", text);
    assert_string_equal(af_session_source(session(w, "p", NULL, ids[i])), sources[i][1]);
  }
}

TEST(sts_is_asked_in_the_sessions_region_or_else_in_the_calls) {
  struct world *w = *state;
  write_file(w, "credentials", one_role);
  on_role(w, "role%2Fa", "AKA", 60 * MINUTE);
  on_images(w);
  describe_ok(w, session(w, "base", ROLE_A, NULL));
  assert_string_equal(w->sent[0].url, "https://sts.eu-west-1.amazonaws.com/");
  set_var(w, "AWS_STS_REGIONAL_ENDPOINTS", "legacy");
  on_role(w, "role%2Fb", "AKB", 60 * MINUTE);
  on_images(w);
  describe_ok(w, session(w, "base", ROLE_B, NULL));
  assert_string_equal(w->sent[2].url, "https://sts.amazonaws.com/");
  assert_contains(w->sent[2].headers, "/us-east-1/sts/");
}

TEST(a_role_of_another_partition_is_not_asked_for) {
  struct world *w = *state;
  write_file(w, "credentials", one_role);
  fails(w, session(w, "base", "arn:aws-cn:iam::111111111111:role/a", NULL), "PartitionMismatch", "is in partition aws-cn, the Region eu-west-1 in aws");
  assert_int_equal(w->n_sent, 0);
}

TEST(one_principal_has_one_session) {
  struct world *w = *state;
  write_file(w, "credentials", one_role);
  struct af_session *s = session(w, "base", ROLE_A, "x1");
  assert_ptr_equal(session(w, "base", ROLE_A, "x1"), s);
  assert_ptr_not_equal(session(w, "base", ROLE_A, NULL), s);
  assert_ptr_not_equal(session(w, "base", ROLE_A, "x2"), s);
  assert_ptr_not_equal(session(w, "base", NULL, NULL), s);
}

/* --- web identity --- */

TEST(a_web_identity_token_is_exchanged_without_a_signature_and_read_anew_each_time) {
  struct world *w = *state;
  char path[128];
  snprintf(path, sizeof path, "%s/token", w->dir);
  write_file(w, "token", "jwt.one\n");
  set_var(w, "AWS_WEB_IDENTITY_TOKEN_FILE", path);
  set_var(w, "AWS_ROLE_ARN", ROLE_A);
  set_var(w, "AWS_ROLE_SESSION_NAME", "pod");
  struct af_session *s = session(w, NULL, NULL, NULL);
  on(w, "Action=AssumeRoleWithWebIdentity", 200,
     "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKWEB</AccessKeyId><SecretAccessKey>SECRET"
     "</SecretAccessKey><SessionToken>TOKEN-W</SessionToken><Expiration>2026-11-23T07:29:00Z</Expiration></Credentials>"
     "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>");
  on_images(w);
  describe_ok(w, s);
  assert_contains(w->sent[0].body, "WebIdentityToken=jwt.one");
  assert_contains(w->sent[0].body, "RoleSessionName=pod");
  assert_lacks(w->sent[0].headers, "Authorization");
  assert_signed_by(w, "AKWEB");
  assert_string_equal(af_session_account(s), "111111111111");
  /* An hour later */
  test_clock_advance(&w->clock, 61 * MINUTE);
  write_file(w, "token", "jwt.two");
  on_sts_error(w, "Action=AssumeRoleWithWebIdentity", 400, "InvalidIdentityToken", "no");
  fails(w, s, "InvalidIdentityToken", "the web identity could not assume " ROLE_A ": no");
  assert_contains(last_sent(w)->body, "WebIdentityToken=jwt.two");
}

TEST(a_web_identity_of_the_environment_does_not_count_where_the_caller_names_a_profile) {
  struct world *w = *state;
  set_var(w, "AWS_WEB_IDENTITY_TOKEN_FILE", "/t");
  set_var(w, "AWS_ROLE_ARN", ROLE_A);
  write_file(w, "credentials", "[p]\n" KEYS("AKP"));
  assert_string_equal(af_session_source(session(w, "p", NULL, NULL)), "profile p");
  assert_string_equal(af_session_source(session(w, NULL, NULL, NULL)), "web identity > role " ROLE_A);
}

TEST(a_token_file_that_is_not_there_is_a_matter_for_a_person) {
  struct world *w = *state;
  set_var(w, "AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token");
  set_var(w, "AWS_ROLE_ARN", ROLE_A);
  struct af_answer a = describe(w, session(w, NULL, NULL, NULL));
  assert_int_equal(a.error.class, AF_CLASS_AUTH);
  assert_contains(a.error.message, "/nonexistent/token");
  af_answer_done(&a);
}

/* --- credential_process --- */

static struct af_session *process_session(struct world *w, const char *command) {
  char text[1024];
  snprintf(text, sizeof text, "[profile p]\ncredential_process = %s\n", command);
  write_file(w, "config", text);
  w->real_time = true;
  return session(w, "p", NULL, NULL);
}

TEST(a_process_prints_credentials) {
  struct world *w = *state;
  write_file(w, "token", "{\"Version\": 1, \"AccessKeyId\": \"AKPROC\", \"SecretAccessKey\": \"SECRET\", \"SessionToken\": \"TOKEN-P\","
                         " \"Expiration\": \"2026-11-23T07:29:00+00:00\", \"AccountId\": \"444444444444\"}");
  char command[256];
  snprintf(command, sizeof command, "/bin/cat '%s/token'", w->dir);
  struct af_session *s = process_session(w, command);
  on_images(w);
  describe_ok(w, s);
  assert_signed_by(w, "AKPROC");
  assert_string_equal(af_session_account(s), "444444444444");
}

TEST(a_process_that_goes_wrong_is_named) {
  static const char *const cases[][3] = {
      {"/bin/false", "ProcessFailed", "credential_process /bin/false: it ended with status 1"},
      {"sh -c 'kill -9 $$'", "ProcessFailed", "it was ended by signal 9"},
      {"/nonexistent/program", "ProcessFailed", "credential_process /nonexistent/program: "}, /* valgrind has no vfork, which changes the reason */
      {"/bin/echo {}", "BadCredentials", "Version is not 1"},
      {"/bin/echo '{\"Version\": \"1\"}'", "BadCredentials", "Version is not 1"},
      {"/bin/echo '{\"Version\": 2, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"S\"}'", "BadCredentials", "Version is not 1"},
      {"/bin/echo '{\"Version\": 1}'", "BadCredentials", "there is no access key id"},
      {"/bin/echo not json", "BadCredentials", "is no JSON object"},
      {"/bin/echo 'open", "BadProcess", "a quote or a backslash stands open"},
      {"head -c 300000 /dev/zero", "ProcessFailed", "it printed too much"},
      {"sleep 1000", "ProcessFailed", "it didn't end within a minute"},
      {"/bin/cat", "BadCredentials", "is no JSON object"}, /* its standard input is empty */
  };
  struct world *w = *state;
  static const char *const ids[] = {"1a", "1b", "1c", "1d", "1e", "1f", "1g", "1h", "1i", "1j", "1k", "1l"};
  for (size_t i = 0; i < COUNT(cases); i++) {
    char text[256];
    snprintf(text, sizeof text, "[profile p]\ncredential_process = %s\n", cases[i][0]);
    write_file(w, "config", text);
    w->real_time = strncmp(cases[i][0], "sleep", 5) != 0;
    struct af_answer a = describe(w, session(w, "p", NULL, ids[i]));
    assert_string_equal(a.error.code, cases[i][1]);
    assert_contains(a.error.message, cases[i][2]);
    assert_int_equal(a.error.class, AF_CLASS_AUTH);
    af_answer_done(&a);
  }
}

TEST(a_client_that_is_freed_takes_its_child_along) {
  struct world *w = *state;
  struct af_session *s = process_session(w, "sleep 1000");
  ask(w, s, &af_ec2_describe_images, "eu-west-1", json_object(), 1);
  assert_false(has_answer(w)); /* teardown would wait for a thousand seconds */
}

TEST(command_lines_are_split_without_a_shell) {
  static const struct {
    const char *line, *words[6];
  } cases[] = {
      {"a b  c", {"a", "b", "c"}},
      {"  a\tb ", {"a", "b"}},
      {"'a b' \"c d\"", {"a b", "c d"}},
      {"a'b'c\"d\"", {"abcd"}},
      {"'' \"\"", {"", ""}},
      {"a\\ b \\'", {"a b", "'"}},
      {"\"a\\\"b\\\\c\\d\"", {"a\"b\\c\\d"}},
      {"'a\\b'", {"a\\b"}},
      {"$HOME `x` a;b|c", {"$HOME", "`x`", "a;b|c"}},
      {"C:\\\\x", {"C:\\x"}},
  };
  static const char *const bad[] = {"", "   ", "'a", "\"a", "a\\", "\"a\\\""};
  struct af_error err;
  for (size_t i = 0; i < COUNT(cases); i++) {
    char **words = NULL;
    size_t n = 0;
    assert_ok(af_split_command(af_str(cases[i].line), &words, &err), &err);
    for (; cases[i].words[n]; n++) {
      assert_non_null(words[n]);
      assert_string_equal(words[n], cases[i].words[n]);
    }
    assert_null(words[n]);
    free(words);
  }
  for (size_t i = 0; i < COUNT(bad); i++) {
    char **words = NULL;
    assert_int_equal(af_split_command(af_str(bad[i]), &words, &err), -AF_EINVAL);
    assert_null(words);
  }
}

/* --- containers --- */

#define DOCUMENT(key) "{\"AccessKeyId\": \"" key "\", \"SecretAccessKey\": \"SECRET\", \"Token\": \"TOKEN-C\", \"Expiration\": \"2026-11-23T12:29:00Z\"}"

TEST(a_container_has_its_credentials_at_the_relative_address) {
  struct world *w = *state;
  set_var(w, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/creds?id=1");
  set_var(w, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://elsewhere.example/");
  on(w, "GET http://169.254.170.2/v2/creds?id=1", 200, DOCUMENT("AKECS"));
  on_images(w);
  describe_ok(w, session(w, NULL, NULL, NULL));
  assert_signed_by(w, "AKECS");
  assert_lacks(w->sent[0].headers, "Authorization");
}

TEST(a_containers_token_file_wins_and_is_read_each_time) {
  struct world *w = *state;
  char path[128];
  snprintf(path, sizeof path, "%s/token", w->dir);
  set_var(w, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
  set_var(w, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "from-variable");
  set_var(w, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path);
  write_file(w, "token", "from-file-1");
  struct af_session *s = session(w, NULL, NULL, NULL);
  on(w, "GET http://169.254.170.23/v1/credentials", 200, DOCUMENT("AKEKS"));
  on_images(w);
  describe_ok(w, s);
  assert_contains(w->sent[0].headers, "Authorization: from-file-1\n");
  test_clock_advance(&w->clock, 361 * MINUTE);
  write_file(w, "token", "from-file-2");
  on(w, "GET http://169.254.170.23/v1/credentials", 403, "%s", "");
  fails(w, s, "BadAnswer", "answers with HTTP status 403");
  assert_contains(w->sent[2].headers, "Authorization: from-file-2\n");
  test_clock_advance(&w->clock, MINUTE);
  write_file(w, "token", "bad\r\nX-Evil: 1");
  fails(w, s, "BadContainerToken", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE holds a line break");
  set_var(w, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "");
  set_var(w, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\nb");
  test_clock_advance(&w->clock, MINUTE);
  fails(w, s, "BadContainerToken", "AWS_CONTAINER_AUTHORIZATION_TOKEN holds a line break");
}

TEST(a_containers_address_is_local_or_https) {
  static const struct {
    const char *relative, *full, *url;
  } cases[] = {
      {"", "https://any.example/x?y=1", "https://any.example/x?y=1"},
      {"", "http://127.0.0.1:80/x", "http://127.0.0.1:80/x"},
      {"", "http://localhost/", "http://localhost/"},
      {"", "http://[::1]:8/x", "http://[::1]:8/x"},
      {"", "http://169.254.170.2/x", "http://169.254.170.2/x"},
      {"", "http://169.254.170.23/x", "http://169.254.170.23/x"},
      {"", "http://[fd00:ec2::23]/x", "http://[fd00:ec2::23]/x"},
      {"", "http://169.254.169.254/x", NULL},
      {"", "http://example.com/?http://127.0.0.1/", NULL},
      {"", "http://127.0.0.1@example.com/", NULL},
      {"", "http://127.0.0.1/a b", NULL},
      {"", "http://127.0.0.1/#x", NULL},
      {"", "/x", NULL},
      {"x", "", NULL},
      {"@example.com/", "", NULL},
      {"/a\r\nb", "", NULL},
      {"", "", NULL},
  };
  struct world *w = *state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct af_buf url, token;
    struct af_error err;
    af_buf_init(&url, 1000);
    af_buf_init_secret(&token, 1000);
    w->n_vars = 2;
    set_var(w, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", cases[i].relative);
    set_var(w, "AWS_CONTAINER_CREDENTIALS_FULL_URI", cases[i].full);
    int rc = af_container_request(&w->env, &url, &token, &err);
    if ((rc == 0) != (cases[i].url != NULL))
      fail_msg("%s %s", cases[i].relative, cases[i].full);
    if (rc == 0)
      assert_string_equal(af_buf_cstr(&url), cases[i].url);
    af_buf_done(&url);
    af_buf_done(&token);
  }
}

TEST(a_container_that_stumbles_is_asked_again) {
  struct world *w = *state;
  set_var(w, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c");
  on_failure(w, "169.254.170.2/c", AF_SENT_MAYBE);
  on(w, "169.254.170.2/c", 500, "%s", "");
  on(w, "169.254.170.2/c", 200, DOCUMENT("AKECS"));
  on_images(w);
  describe_ok(w, session(w, NULL, NULL, NULL));
  assert_int_equal(w->n_sent, 4);
}

/* --- instances --- */

static struct af_session *instance(struct world *w) {
  on(w, "PUT http://169.254.169.254/latest/api/token", 200, "imds-token");
  on(w, "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/ ", 200, "my-role\nother\n");
  on(w, "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/my-role ", 200,
     "{\"Code\": \"Success\", \"AccessKeyId\": \"AKEC2\", \"SecretAccessKey\": \"SECRET\", \"Token\": \"TOKEN-I\", \"Expiration\": \"2026-11-23T12:29:00Z\"}");
  return session(w, NULL, NULL, NULL);
}

TEST(an_instances_role_is_asked_by_imdsv2) {
  struct world *w = *state;
  struct af_session *s = instance(w);
  on_images(w);
  describe_ok(w, s);
  assert_contains(w->sent[0].headers, "x-aws-ec2-metadata-token-ttl-seconds: 21600\n");
  assert_contains(w->sent[1].headers, "x-aws-ec2-metadata-token: imds-token\n");
  assert_contains(w->sent[2].headers, "x-aws-ec2-metadata-token: imds-token\n");
  assert_int_equal(w->sent[0].timeout_ms, 1000);
  assert_int_equal(w->sent[0].connect_ms, 1000);
  assert_signed_by(w, "AKEC2");
}

TEST(an_instance_tells_the_time_by_which_its_credentials_expire) {
  struct world *w = *state;
  struct af_session *s = instance(w);
  w->clock.now_ms += 600 * MINUTE; /* we are ten hours ahead: by our clock they have expired */
  w->script[2].date = "Mon, 23 Nov 2026 06:29:00 GMT";
  on_images(w);
  describe_ok(w, s);
  assert_contains(last_sent(w)->headers, "X-Amz-Date: 20261123T062900Z\n");
}

TEST(where_no_instance_answers_there_are_no_credentials) {
  struct world *w = *state;
  on_failure(w, "PUT http://169.254.169.254", AF_SENT_NOT);
  struct af_answer a = describe(w, session(w, NULL, NULL, NULL));
  assert_string_equal(a.error.code, "NoCredentials");
  assert_int_equal(a.error.class, AF_CLASS_AUTH);
  assert_contains(a.error.message, "does not answer");
  assert_int_equal(w->n_sent, 1); /* one try: this is how a laptop finds out */
  af_answer_done(&a);
}

TEST(an_instance_without_a_role_is_told_so) {
  struct world *w = *state;
  on(w, "PUT ", 200, "t");
  on(w, "security-credentials/", 404, "%s", "");
  fails(w, session(w, NULL, NULL, NULL), "NoCredentials", "the instance has no role");
}

TEST(a_metadata_document_that_is_no_success_is_quoted) {
  struct world *w = *state;
  on(w, "PUT ", 200, "t");
  on(w, "security-credentials/ ", 200, "r");
  on(w, "security-credentials/r ", 200, "{\"Code\": \"AssumeRoleUnauthorizedAccess\", \"Message\": \"EC2 cannot assume the role\"}");
  fails(w, session(w, NULL, NULL, NULL), "BadCredentials", "AssumeRoleUnauthorizedAccess: EC2 cannot assume the role");
}

TEST(a_role_name_or_token_of_the_instance_that_is_none_is_refused) {
  struct world *w = *state;
  struct af_session *s = session(w, NULL, NULL, NULL);
  on(w, "PUT ", 200, "a b");
  fails(w, s, "BadAnswer", "a token that is none");
  test_clock_advance(&w->clock, MINUTE);
  on(w, "PUT ", 200, "t");
  on(w, "security-credentials/ ", 200, "../../x");
  fails(w, s, "BadAnswer", "a role name that is none");
}

TEST(the_metadata_service_may_be_elsewhere) {
  struct world *w = *state;
  set_var(w, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/");
  on_failure(w, "PUT http://127.0.0.1:1338/latest/api/token", AF_SENT_NOT);
  fails(w, session(w, NULL, NULL, NULL), "NoCredentials", "");
  set_var(w, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "");
  set_var(w, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6");
  on_failure(w, "PUT http://[fd00:ec2::254]/latest/api/token", AF_SENT_NOT);
  fails(w, session(w, NULL, NULL, "x"), "NoCredentials", "");
}

/* --- what credentials may look like --- */

TEST(credentials_that_could_break_a_header_are_refused_and_not_quoted) {
  static const char *const cases[][2] = {
      {"AK/X SECRET T", "access key id is not one"}, {"AK,X SECRET T", "access key id is not one"}, {"- SECRET T", "there is no access key id"},
      {"AK - T", "there is no secret access key"},    {"AK SEC\nRET T", "secret access key has"},    {"AK SECRET SEC\rRET", "session token has"},
      {"AK SECRET SEC\x7fRET", "session token has"},
  };
  struct world *w = *state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    char parts[3][32];
    struct af_credential_reply r = {0};
    struct af_error err;
    const char *p = cases[i][0];
    for (size_t k = 0; k < 3; k++) {
      size_t n = strcspn(p, " ");
      snprintf(parts[k], sizeof parts[k], "%.*s", *p == '-' ? 0 : (int)n, p);
      p += n + (p[n] ? 1 : 0);
    }
    w->n_vars = 2;
    set_var(w, "AWS_ACCESS_KEY_ID", parts[0]);
    set_var(w, "AWS_SECRET_ACCESS_KEY", parts[1]);
    set_var(w, "AWS_SESSION_TOKEN", parts[2]);
    assert_error(af_credentials_from_env(&r, &w->env, &err), -AF_EINVAL, &err, cases[i][1]);
    assert_lacks(err.message, "SEC");
    assert_int_equal(err.class, AF_CLASS_AUTH);
  }
}

TEST(credentials_that_have_expired_already_are_not_used) {
  struct world *w = *state;
  set_var(w, "AWS_ACCESS_KEY_ID", "AKENV");
  set_var(w, "AWS_SECRET_ACCESS_KEY", "SECRET");
  set_var(w, "AWS_CREDENTIAL_EXPIRATION", "2026-11-23T06:28:59Z");
  fails(w, session(w, NULL, NULL, NULL), "ExpiredCredentials", "the credentials of environment have expired");
  assert_int_equal(w->n_sent, 0);
}

TEST(the_account_of_an_arn_is_its_fifth_part) {
  char account[16] = "unchanged";
  assert_true(af_arn_account(af_str(ROLE_A), account));
  assert_string_equal(account, "111111111111");
  assert_false(af_arn_account(af_str("arn:aws:iam::11111111111x:role/a"), account));
  assert_false(af_arn_account(af_str("arn:aws:iam::111111111111"), account));
  assert_false(af_arn_account(af_str("arn:aws:iam::1:role/a"), account));
  assert_false(af_arn_account(af_str(""), account));
  assert_string_equal(account, "111111111111");
}

/* --- renewal --- */

TEST(credentials_are_kept_until_a_quarter_of_an_hour_before_their_end) {
  struct world *w = *state;
  struct af_session *s = role_session(w);
  on_role(w, "Action=AssumeRole", "AK1", 60 * MINUTE);
  on_images(w);
  describe_ok(w, s);
  test_clock_advance(&w->clock, 44 * MINUTE);
  on_images(w);
  describe_ok(w, s);
  assert_int_equal(w->n_sent, 3);
}

TEST(near_their_end_credentials_are_renewed_while_calls_go_on_with_the_old_ones) {
  struct world *w = *state;
  struct af_session *s = role_session(w);
  on_role(w, "Action=AssumeRole", "AK1", 60 * MINUTE);
  on_images(w);
  describe_ok(w, s);
  test_clock_advance(&w->clock, 46 * MINUTE);
  on_role(w, "Action=AssumeRole", "AK2", 60 * MINUTE)->held = true;
  on_images(w);
  describe_ok(w, s);
  assert_signed_by(w, "AK1");
  on_images(w);
  describe_ok(w, s);
  assert_signed_by(w, "AK1");
  assert_int_equal(w->n_sent, 5); /* one renewal, not two */
  release(w);
  assert_false(has_answer(w));
  on_images(w);
  describe_ok(w, s);
  assert_signed_by(w, "AK2");
}

TEST(very_near_their_end_calls_wait_for_the_renewal) {
  struct world *w = *state;
  struct af_session *s = role_session(w);
  on_role(w, "Action=AssumeRole", "AK1", 60 * MINUTE);
  on_images(w);
  describe_ok(w, s);
  test_clock_advance(&w->clock, 51 * MINUTE);
  on_role(w, "Action=AssumeRole", "AK2", 60 * MINUTE)->held = true;
  on_images(w);
  ask(w, s, &af_ec2_describe_images, "eu-west-1", json_object(), 9);
  assert_false(has_answer(w));
  assert_int_equal(w->n_sent, 3);
  release(w);
  struct af_answer a = answer(w);
  assert_ok(a.rc, &a.error);
  assert_int_equal(a.tag, 9);
  assert_signed_by(w, "AK2");
  af_answer_done(&a);
}

TEST(a_renewal_that_fails_leaves_the_old_credentials_in_use_while_they_are_valid) {
  struct world *w = *state;
  struct af_session *s = role_session(w);
  on_role(w, "Action=AssumeRole", "AK1", 60 * MINUTE);
  on_images(w);
  describe_ok(w, s);
  test_clock_advance(&w->clock, 52 * MINUTE);
  on_sts_error(w, "Action=AssumeRole", 403, "AccessDenied", "not any more");
  on_images(w);
  describe_ok(w, s);
  assert_signed_by(w, "AK1");
  assert_contains((fflush(w->log.out), w->log_text), "still valid");
  on_images(w);
  describe_ok(w, s); /* at once: no new try */
  assert_int_equal(w->n_sent, 5);
  test_clock_advance(&w->clock, 9 * MINUTE);
  on_sts_error(w, "Action=AssumeRole", 403, "AccessDenied", "not any more");
  fails(w, s, "AccessDenied", "not any more");
}

TEST(a_renewal_that_stumbles_releases_the_calls_that_waited_if_the_old_credentials_are_valid) {
  struct world *w = *state;
  struct af_session *s = role_session(w);
  on_role(w, "Action=AssumeRole", "AK1", 60 * MINUTE);
  on_images(w);
  describe_ok(w, s);
  test_clock_advance(&w->clock, 55 * MINUTE);
  on_failure(w, "Action=AssumeRole", AF_SENT_MAYBE);
  on_role(w, "Action=AssumeRole", "AK2", 60 * MINUTE);
  on_images(w);
  describe_ok(w, s);
  assert_signed_by(w, "AK1");
  for (int i = 0; i < 100 && w->n_sent < 5; i++)
    af_aws_wait(w->aws, 1000);
  af_aws_wait(w->aws, 0);
  on_images(w);
  describe_ok(w, s);
  assert_signed_by(w, "AK2");
}

TEST(credentials_of_a_short_life_are_renewed_at_a_part_of_it_and_not_in_a_loop) {
  struct world *w = *state;
  struct af_session *s = role_session(w);
  on_role(w, "Action=AssumeRole", "AK1", 15 * MINUTE);
  for (int minute = 0; minute < 10; minute++) {
    on_images(w);
    describe_ok(w, s);
    test_clock_advance(&w->clock, MINUTE);
  }
  assert_int_equal(w->n_sent, 11);
  test_clock_advance(&w->clock, 10000); /* a third of their life is left */
  on_role(w, "Action=AssumeRole", "AK2", 15 * MINUTE);
  on_images(w);
  describe_ok(w, s);
  on_images(w);
  describe_ok(w, s);
  assert_signed_by(w, "AK2");
  assert_int_equal(w->n_sent, 14);
}

TEST(even_a_life_of_seconds_gives_calls_and_no_loop) {
  struct world *w = *state;
  struct af_session *s = role_session(w);
  on_role(w, "Action=AssumeRole", "AK1", 3000);
  on_images(w);
  describe_ok(w, s);
  assert_int_equal(w->n_sent, 2);
  test_clock_advance(&w->clock, 3000);
  on_role(w, "Action=AssumeRole", "AK2", 3000);
  on_images(w);
  describe_ok(w, s);
  assert_signed_by(w, "AK2");
}

/* --- failure --- */

TEST(calls_wait_until_there_are_credentials_and_then_all_go) {
  struct world *w = *state;
  struct af_session *s = role_session(w);
  on_role(w, "Action=AssumeRole", "AK1", 60 * MINUTE)->held = true;
  for (uint64_t i = 0; i < 5; i++) {
    on_images(w);
    ask(w, s, &af_ec2_describe_images, "eu-west-1", json_object(), i);
  }
  assert_false(has_answer(w));
  assert_int_equal(w->n_sent, 1);
  assert_int_equal(af_aws_in_flight(w->aws), 5);
  release(w);
  for (uint64_t i = 0; i < 5; i++) {
    struct af_answer a = answer(w);
    assert_ok(a.rc, &a.error);
    assert_int_equal(a.tag, i);
    af_answer_done(&a);
  }
  assert_int_equal(w->n_sent, 6);
  assert_int_equal(af_aws_in_flight(w->aws), 0);
}

TEST(a_role_that_is_refused_answers_every_waiting_call_with_who_what_and_why) {
  struct world *w = *state;
  struct af_session *s = role_session(w);
  on_sts_error(w, "Action=AssumeRole", 403, "AccessDenied", "User x is not authorized to perform: sts:AssumeRole")->held = true;
  for (uint64_t i = 0; i < 3; i++)
    ask(w, s, &af_ec2_describe_images, "eu-west-1", json_object(), i);
  release(w);
  for (uint64_t i = 0; i < 3; i++) {
    struct af_answer a = answer(w);
    assert_int_equal(a.rc, -AF_EAWS);
    assert_int_equal(a.tag, i);
    assert_int_equal(a.error.class, AF_CLASS_AUTH);
    assert_string_equal(a.error.code, "AccessDenied");
    assert_string_equal(a.error.action, "sts:AssumeRole");
    assert_string_equal(a.error.resource, ROLE_A);
    assert_string_equal(a.error.request_id, "req-42");
    assert_string_equal(a.error.account, "111111111111");
    assert_string_equal(a.error.region, "eu-west-3");
    assert_int_equal(a.error.http_status, 403);
    assert_contains(a.error.message, "profile r: the keys of profile base could not assume " ROLE_A ": User x is not authorized");
    assert_contains(a.error.hint, "trust policy");
    assert_contains(a.error.hint, "external id is wrong or missing");
    af_answer_done(&a);
  }
  assert_int_equal(w->n_sent, 1);
}

TEST(after_a_failure_the_next_try_waits_a_few_seconds) {
  struct world *w = *state;
  struct af_session *s = role_session(w);
  on_sts_error(w, "Action=AssumeRole", 403, "AccessDenied", "first");
  fails(w, s, "AccessDenied", "first");
  fails(w, s, "AccessDenied", "first");
  assert_int_equal(w->n_sent, 1);
  test_clock_advance(&w->clock, 5000);
  on_role(w, "Action=AssumeRole", "AK1", 60 * MINUTE);
  on_images(w);
  describe_ok(w, s);
}

TEST(in_a_chain_the_failing_link_is_named) {
  struct world *w = *state;
  write_file(w, "credentials", one_role);
  struct af_session *s;
  write_file(w, "config", one_role_config);
  s = session(w, "r", ROLE_B, "ext");
  on_role(w, "role%2Fa", "AKA", 60 * MINUTE);
  on_sts_error(w, "role%2Fb", 403, "AccessDenied", "no");
  fails(w, s, "AccessDenied", ROLE_A " could not assume " ROLE_B ": no");
}

TEST(a_region_that_sts_does_not_know_is_not_blamed_on_the_secret) {
  struct world *w = *state;
  struct af_session *s = role_session(w);
  on_sts_error(w, "Action=AssumeRole", 403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region. ");
  struct af_answer a = describe(w, s);
  assert_int_equal(a.rc, -AF_EAWS);
  assert_contains(a.error.hint, "no Region eu-west-3: look at its spelling");
  af_answer_done(&a);
}

TEST(sts_is_asked_again_when_it_stumbles_and_the_delays_grow) {
  struct world *w = *state;
  struct af_session *s = role_session(w);
  on_failure(w, "Action=AssumeRole", AF_SENT_NOT);
  on_failure(w, "Action=AssumeRole", AF_SENT_MAYBE);
  on_sts_error(w, "Action=AssumeRole", 503, "ServiceUnavailable", "x");
  on_sts_error(w, "Action=AssumeRole", 400, "Throttling", "x");
  on_role(w, "Action=AssumeRole", "AK1", 60 * MINUTE);
  on_images(w);
  describe_ok(w, s);
  assert_int_equal(w->n_sent, 6);
  assert_true(w->sent[4].at_ms > w->sent[0].at_ms);
}

TEST(a_network_that_stays_down_is_no_matter_for_a_person) {
  struct world *w = *state;
  struct af_session *s = role_session(w);
  for (int i = 0; i < 5; i++)
    on_failure(w, "Action=AssumeRole", AF_SENT_NOT);
  struct af_answer a = describe(w, s);
  assert_int_equal(a.error.class, AF_CLASS_TRANSIENT);
  assert_string_equal(a.error.code, "ConnectionFailed");
  assert_int_equal(w->n_sent, 5);
  af_answer_done(&a);
}

TEST(no_secret_is_logged) {
  struct world *w = *state;
  struct af_session *s = role_session(w);
  on_role(w, "Action=AssumeRole", "AK1", 60 * MINUTE);
  on_images(w);
  describe_ok(w, s);
  test_clock_advance(&w->clock, 61 * MINUTE);
  on(w, "Action=AssumeRole", 200, "<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>SECRET</SecretAccessKey>");
  for (int i = 0; i < 4; i++)
    on(w, "Action=AssumeRole", 200, "<Secret>SECRET");
  struct af_answer a = describe(w, s);
  assert_int_not_equal(a.rc, 0);
  assert_lacks(a.error.message, "SECRET");
  af_answer_done(&a);
  fflush(w->log.out);
  assert_contains(w->log_text, "credentials from profile base");
  assert_lacks(w->log_text, "SECRET");
  assert_lacks(w->log_text, "TOKEN");
  assert_lacks(w->log_text, "Signature");
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
  const struct CMUnitTest tests[] = {
      CASE(keys_in_the_environment_come_first),
      CASE(keys_in_the_environment_do_not_count_where_the_caller_names_a_profile),
      CASE(a_profiles_providers_come_in_botocores_order),
      CASE(a_default_profile_variable_of_botocore_beats_the_other),
      CASE(where_nothing_is_configured_the_message_says_what_was_looked_at),
      CASE(what_cannot_work_is_refused_with_what_to_do_instead),
      CASE(a_chain_of_roles_that_never_ends_is_refused),
      CASE(a_role_is_assumed_with_what_its_profile_says),
      CASE(a_chain_of_roles_is_climbed_from_the_bottom),
      CASE(a_profile_may_be_its_own_source_if_it_has_keys),
      CASE(a_source_profile_with_keys_and_a_role_gives_its_keys),
      CASE(credential_source_names_the_provider_below_a_role),
      CASE(sts_is_asked_in_the_sessions_region_or_else_in_the_calls),
      CASE(a_role_of_another_partition_is_not_asked_for),
      CASE(one_principal_has_one_session),
      CASE(a_web_identity_token_is_exchanged_without_a_signature_and_read_anew_each_time),
      CASE(a_web_identity_of_the_environment_does_not_count_where_the_caller_names_a_profile),
      CASE(a_token_file_that_is_not_there_is_a_matter_for_a_person),
      CASE(a_process_prints_credentials),
      CASE(a_process_that_goes_wrong_is_named),
      CASE(a_client_that_is_freed_takes_its_child_along),
      CASE(command_lines_are_split_without_a_shell),
      CASE(a_container_has_its_credentials_at_the_relative_address),
      CASE(a_containers_token_file_wins_and_is_read_each_time),
      CASE(a_containers_address_is_local_or_https),
      CASE(a_container_that_stumbles_is_asked_again),
      CASE(an_instances_role_is_asked_by_imdsv2),
      CASE(an_instance_tells_the_time_by_which_its_credentials_expire),
      CASE(where_no_instance_answers_there_are_no_credentials),
      CASE(an_instance_without_a_role_is_told_so),
      CASE(a_metadata_document_that_is_no_success_is_quoted),
      CASE(a_role_name_or_token_of_the_instance_that_is_none_is_refused),
      CASE(the_metadata_service_may_be_elsewhere),
      CASE(credentials_that_could_break_a_header_are_refused_and_not_quoted),
      CASE(credentials_that_have_expired_already_are_not_used),
      CASE(the_account_of_an_arn_is_its_fifth_part),
      CASE(credentials_are_kept_until_a_quarter_of_an_hour_before_their_end),
      CASE(near_their_end_credentials_are_renewed_while_calls_go_on_with_the_old_ones),
      CASE(very_near_their_end_calls_wait_for_the_renewal),
      CASE(a_renewal_that_fails_leaves_the_old_credentials_in_use_while_they_are_valid),
      CASE(a_renewal_that_stumbles_releases_the_calls_that_waited_if_the_old_credentials_are_valid),
      CASE(credentials_of_a_short_life_are_renewed_at_a_part_of_it_and_not_in_a_loop),
      CASE(even_a_life_of_seconds_gives_calls_and_no_loop),
      CASE(calls_wait_until_there_are_credentials_and_then_all_go),
      CASE(a_role_that_is_refused_answers_every_waiting_call_with_who_what_and_why),
      CASE(after_a_failure_the_next_try_waits_a_few_seconds),
      CASE(in_a_chain_the_failing_link_is_named),
      CASE(a_region_that_sts_does_not_know_is_not_blamed_on_the_secret),
      CASE(sts_is_asked_again_when_it_stumbles_and_the_delays_grow),
      CASE(a_network_that_stays_down_is_no_matter_for_a_person),
      CASE(no_secret_is_logged),
  };
  return cmocka_run_group_tests_name("engine/aws/credentials", tests, NULL, NULL);
}
