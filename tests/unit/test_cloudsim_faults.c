/* cloudsim's faults: which calls they strike, what they leave done, and what the audit says of it. */
#include "tests/unit/cloudsim_front.h"

static const char small[] = WORLD("", "[]", "");
#define GRANT "{'KeyId':'" KEY "','GranteePrincipal':'arn:aws:iam::" TARGET ":root','Operations':['Decrypt']}"

static void set_faults(struct world *w, const char *text) {
  char json[2000];
  struct af_error err;
  snprintf(json, sizeof json, "%s", text);
  for (char *p = json; *p; p++)
    *p = *p == '\'' ? '"' : *p;
  json_t *list = json_loads(json, 0, NULL);
  assert_non_null(list);
  assert_ok(cs_sim_faults(w->sim, list, &err), &err);
  json_decref(list);
}

static int64_t count_of(struct world *w, const char *table, const char *row, const char *column) {
  json_t *audit = cs_sim_audit(w->sim, w->now_ms);
  int64_t n = json_integer_value(json_object_get(json_object_get(json_object_get(audit, table), row), column));
  json_decref(audit);
  return n;
}

static size_t length_of(struct world *w, const char *list) {
  json_t *audit = cs_sim_audit(w->sim, w->now_ms);
  size_t n = json_array_size(json_object_get(audit, list));
  json_decref(audit);
  return n;
}

TEST(a_fault_strikes_the_calls_that_match_it_and_no_others) {
  static const struct {
    const char *fault;
    bool strikes;
  } cases[] = {
      {"[{'kind':'throttle'}]", true},
      {"[{'kind':'throttle','service':'ec2'}]", true},
      {"[{'kind':'throttle','service':'kms'}]", false},
      {"[{'kind':'throttle','action':'DescribeRegions'}]", true},
      {"[{'kind':'throttle','action':'Describe*'}]", true},
      {"[{'kind':'throttle','action':'Copy*'}]", false},
      {"[{'kind':'throttle','account':'" SOURCE "'}]", true},
      {"[{'kind':'throttle','account':'" TARGET "'}]", false},
      {"[{'kind':'throttle','region':'us-east-1'}]", true},
      {"[{'kind':'throttle','region':'eu-*'}]", false},
      {"[{'kind':'throttle','probability':0.0}]", false},
      {"[{'kind':'throttle','after':1}]", false},
      {"[{'kind':'throttle','nth':2}]", false},
      {"[]", false},
  };
  struct world w;
  world_init(&w, small);
  for (size_t i = 0; i < COUNT(cases); i++) {
    set_faults(&w, cases[i].fault);
    if ((ec2(&w, &source_admin, "DescribeRegions", "") == 503) != cases[i].strikes)
      fail_msg("%s", cases[i].fault);
  }
  world_done(&w);
}

TEST(faults_count_the_calls_that_match) {
  static const struct {
    const char *fault, *pattern; /* x: struck */
  } cases[] = {
      {"[{'kind':'throttle','nth':2}]", ".x..."},
      {"[{'kind':'throttle','times':2}]", "xx..."},
      {"[{'kind':'throttle','after':3}]", "...xx"},
      {"[{'kind':'throttle','after':1,'times':2}]", ".xx.."},
  };
  struct world w;
  world_init(&w, small);
  for (size_t i = 0; i < COUNT(cases); i++) {
    char got[6] = "";
    set_faults(&w, cases[i].fault);
    for (int n = 0; n < 5; n++)
      got[n] = ec2(&w, &source_admin, "DescribeRegions", "") == 503 ? 'x' : '.';
    assert_string_equal(got, cases[i].pattern);
  }
  world_done(&w);
}

TEST(chance_is_drawn_from_the_seed) {
  int struck[2] = {0};
  for (int run = 0; run < 2; run++) {
    struct world w;
    world_init(&w,
               "version: 1\nquotas: {throttle: false}\naccounts:\n- {id: '" SOURCE
               "', users: [{name: a, access_keys: [{id: AKIAFAKESOURCEADMIN1, secret: fake/secret/of/the/source/admin}]}]}\n");
    set_faults(&w, "[{'kind':'throttle','probability':0.3}]");
    for (int i = 0; i < 1000; i++)
      struck[run] += ec2(&w, &source_admin, "DescribeRegions", "") == 503;
    world_done(&w);
  }
  assert_true(struck[0] > 200 && struck[0] < 400);
  assert_int_equal(struck[0], struck[1]);
}

TEST(before_the_effect_nothing_happens) {
  static const char *const faults[] = {"[{'kind':'throttle'}]", "[{'kind':'error','status':503}]", "[{'kind':'cut'}]",
                                       "[{'kind':'expired-token'}]"};
  struct world w;
  world_init(&w, small);
  for (size_t i = 0; i < COUNT(faults); i++) {
    set_faults(&w, faults[i]);
    kms(&w, &source_admin, "CreateGrant", GRANT);
    assert_int_equal(w.sim->kms->n_grants, 0);
  }
  assert_int_equal(w.reply.fate, CS_FATE_REPLY);
  assert_int_equal(length_of(&w, "ambiguous_effects"), 0);
  world_done(&w);
}

TEST(after_the_effect_it_has_happened_and_the_audit_knows) {
  static const struct {
    const char *fault;
    enum cs_fate fate;
  } cases[] = {
      {"[{'kind':'error-after'}]", CS_FATE_REPLY},
      {"[{'kind':'lost-reply'}]", CS_FATE_CLOSE},
      {"[{'kind':'half'}]", CS_FATE_HALF},
      {"[{'kind':'malformed'}]", CS_FATE_REPLY},
  };
  struct world w;
  world_init(&w, small);
  for (size_t i = 0; i < COUNT(cases); i++) {
    set_faults(&w, cases[i].fault);
    kms(&w, &source_admin, "CreateGrant", GRANT);
    assert_int_equal(w.reply.fate, cases[i].fate);
    assert_int_equal(w.sim->kms->n_grants, i + 1);
    assert_int_equal(length_of(&w, "ambiguous_effects"), i + 1);
    kms(&w, &source_admin, "ListGrants", "{'KeyId':'" KEY "'}"); /* a read leaves nothing in doubt */
    assert_int_equal(length_of(&w, "ambiguous_effects"), i + 1);
  }
  world_done(&w);
}

/* An image and a subscription are all that a launch needs of the world. */
static const char launchable[] = WORLD("", "[]",
                                       "      snapshots: [{id: snap-00000001, product_codes: [{code: sold}]}]\n"
                                       "      images: [{id: ami-00000001, name: one, mappings: [{device: /dev/xvda, snapshot: snap-00000001}]}]\n");
#define RUN "&ImageId=ami-00000001&InstanceType=m5.large&MinCount=1&MaxCount=1"

TEST(a_launch_is_struck_like_any_call_and_by_want_of_capacity_too) {
  struct world w;
  struct af_error err;
  world_init(&w, launchable);
  assert_ok(cs_sim_subscribe(w.sim, SOURCE, "sold", &err), &err);
  set_faults(&w, "[{'kind':'capacity','action':'RunInstances'}]");
  assert_int_equal(ec2(&w, &source_admin, "RunInstances", RUN), 500);
  assert_contains(af_buf_cstr(&w.reply.body), "<Code>InsufficientInstanceCapacity</Code>");
  assert_int_equal(length_of(&w, "instances"), 0);
  set_faults(&w, "[{'kind':'lost-reply','action':'RunInstances'}]");
  ec2(&w, &source_admin, "RunInstances", RUN "&ClientToken=one");
  assert_int_equal(w.reply.fate, CS_FATE_CLOSE);
  assert_int_equal(length_of(&w, "instances_open"), 1);
  assert_int_equal(length_of(&w, "ambiguous_effects"), 1);
  set_faults(&w, "[{'kind':'empty-page','action':'DescribeInstances','nth':1}]");
  assert_done(&w, ec2(&w, &source_admin, "DescribeInstances", "&MaxResults=5"));
  assert_contains(af_buf_cstr(&w.reply.body), "<reservationSet></reservationSet><nextToken>");
  assert_done(&w, ec2(&w, &source_admin, "RunInstances", RUN "&ClientToken=one"));
  assert_int_equal(length_of(&w, "instances"), 1);
  world_done(&w);
}

static void post(struct world *w, const char *path, const char *body) {
  const struct cs_request request = {.method = af_str("POST"), .path = af_str(path), .body = af_str(body)};
  af_buf_reset(&w->reply.headers);
  af_buf_reset(&w->reply.body);
  cs_sim_handle(w->sim, w->now_ms, &request, &w->reply);
}

TEST(a_product_is_subscribed_to_over_http) {
  static const char *const bad[] = {"", "7", "{}", "{\"account\": \"" SOURCE "\"}", "{\"account\": \"000000000000\", \"product_code\": \"sold\"}"};
  struct world w;
  world_init(&w, launchable);
  for (size_t i = 0; i < COUNT(bad); i++) {
    post(&w, "/_cloudsim/subscribe", bad[i]);
    assert_int_equal(w.reply.status, 400);
  }
  assert_int_equal(ec2(&w, &source_admin, "RunInstances", RUN), 401);
  post(&w, "/_cloudsim/subscribe", "{\"account\": \"" SOURCE "\", \"product_code\": \"sold\"}");
  assert_int_equal(w.reply.status, 200);
  assert_done(&w, ec2(&w, &source_admin, "RunInstances", RUN));
  world_done(&w);
}

TEST(a_call_that_was_refused_leaves_nothing_in_doubt) {
  struct world w;
  world_init(&w, small);
  set_faults(&w, "[{'kind':'lost-reply'}]");
  kms(&w, &source_admin, "CreateGrant", "{}");
  assert_int_equal(w.reply.fate, CS_FATE_CLOSE);
  assert_int_equal(length_of(&w, "ambiguous_effects"), 0);
  world_done(&w);
}

TEST(a_cut_closes_before_anything_is_done) {
  struct world w;
  world_init(&w, small);
  set_faults(&w, "[{'kind':'cut'}]");
  kms(&w, &source_admin, "CreateGrant", GRANT);
  assert_int_equal(w.reply.fate, CS_FATE_CLOSE);
  assert_int_equal(w.sim->kms->n_grants, 0);
  assert_int_equal(count_of(&w, "calls", "kms:CreateGrant", "(cut)"), 1);
  world_done(&w);
}

TEST(errors_are_the_services_own_unless_the_fault_words_them) {
  struct world w;
  world_init(&w, small);
  set_faults(&w, "[{'kind':'error'}]");
  assert_refused(&w, ec2(&w, &source_admin, "DescribeRegions", ""), 500, "InternalError");
  assert_refused(&w, kms(&w, &source_admin, "ListKeys", "{}"), 500, "KMSInternalException");
  assert_refused(&w, sts(&w, &source_admin, "GetCallerIdentity", ""), 500, "InternalFailure");
  set_faults(&w, "[{'kind':'error','status':503}]");
  assert_refused(&w, ec2(&w, &source_admin, "DescribeRegions", ""), 503, "Unavailable");
  set_faults(&w, "[{'kind':'error','code':'InsufficientInstanceCapacity','message':'none left'}]");
  assert_refused(&w, ec2(&w, &source_admin, "RunInstances", ""), 500, "InsufficientInstanceCapacity");
  assert_string_equal(w.message, "none left");
  set_faults(&w, "[{'kind':'error','status':502}]");
  assert_int_equal(ec2(&w, &source_admin, "DescribeRegions", ""), 502);
  assert_contains(af_buf_cstr(&w.reply.body), "<html>");
  assert_contains(af_buf_cstr(&w.reply.headers), "Content-Type: text/html");
  set_faults(&w, "[{'kind':'throttle'}]");
  assert_refused(&w, ec2(&w, &source_admin, "DescribeRegions", ""), 503, "RequestLimitExceeded");
  assert_refused(&w, kms(&w, &source_admin, "ListKeys", "{}"), 400, "ThrottlingException");
  assert_refused(&w, sts(&w, &source_admin, "GetCallerIdentity", ""), 400, "Throttling");
  world_done(&w);
}

TEST(delays_add_up_and_skew_shows_in_the_date) {
  struct world w;
  char date[AF_TIME_SIZE];
  world_init(&w, small);
  set_faults(&w, "[{'kind':'slow','delay_ms':100},{'kind':'slow','delay_ms':20},{'kind':'clock-skew','seconds':7200}]");
  assert_refused(&w, ec2(&w, &source_admin, "DescribeRegions", ""), 400, "RequestExpired");
  assert_int_equal(w.reply.delay_ms, 120);
  af_time_http(w.now_ms + 7200 * 1000, date);
  assert_contains(af_buf_cstr(&w.reply.headers), date);
  /* a client that corrects its clock by that date is let in */
  assert_done(&w, send_request(&w, &(struct sending){.who = &source_admin,
                                                     .service = "ec2",
                                                     .region = "us-east-1",
                                                     .date_off_ms = 7200 * 1000,
                                                     .body = "Action=DescribeRegions&Version=2016-11-15"}));
  world_done(&w);
}

TEST(every_reply_is_dated_numbered_and_typed) {
  struct world w;
  world_init(&w, small);
  assert_done(&w, ec2(&w, &source_admin, "DescribeRegions", ""));
  assert_contains(af_buf_cstr(&w.reply.headers), "\nDate: ");
  assert_contains(af_buf_cstr(&w.reply.headers), "x-amzn-RequestId: ");
  assert_contains(af_buf_cstr(&w.reply.headers), "Content-Type: text/xml");
  assert_done(&w, kms(&w, &source_admin, "ListKeys", "{}"));
  assert_contains(af_buf_cstr(&w.reply.headers), "Content-Type: application/x-amz-json-1.1");
  assert_done(&w, sts(&w, &source_admin, "GetCallerIdentity", ""));
  assert_contains(af_buf_cstr(&w.reply.headers), "Content-Type: text/xml");
  world_done(&w);
}

TEST(the_audit_counts_calls_by_outcome_and_grants_that_stay_open) {
  struct world w;
  world_init(
      &w, WORLD("", "[]", "        grants: [{grantee: 'arn:aws:iam::" TARGET ":root', operations: [Decrypt], name: of-old}]\n"));
  assert_done(&w, kms(&w, &source_admin, "CreateGrant", GRANT));
  assert_refused(&w, kms(&w, &target_narrow, "CreateGrant", GRANT), 400, "AccessDeniedException");
  assert_int_equal(count_of(&w, "calls", "kms:CreateGrant", "ok"), 1);
  assert_int_equal(count_of(&w, "calls", "kms:CreateGrant", "AccessDeniedException"), 1);
  assert_int_equal(length_of(&w, "grants_open"), 1);
  set_faults(&w, "[{'kind':'throttle'}]");
  kms(&w, &source_admin, "ListKeys", "{}");
  assert_int_equal(count_of(&w, "faults", "kms:ListKeys", "throttle"), 1);
  world_done(&w);
}

TEST(a_list_of_faults_that_makes_no_sense_changes_nothing) {
  static const char *const bad[] = {"[{'kind':'earthquake'}]",
                                    "[{'kind':'cut','nht':1}]",
                                    "[{'kind':'cut','probability':1.5}]",
                                    "[{'kind':'error','status':200}]",
                                    "[7]",
                                    "{'kind':'cut'}"};
  struct world w;
  world_init(&w, small);
  set_faults(&w, "[{'kind':'throttle'}]");
  for (size_t i = 0; i < COUNT(bad); i++) {
    struct af_error err;
    char json[200];
    snprintf(json, sizeof json, "%s", bad[i]);
    for (char *p = json; *p; p++)
      *p = *p == '\'' ? '"' : *p;
    json_t *list = json_loads(json, 0, NULL);
    assert_int_equal(cs_sim_faults(w.sim, list, &err), -AF_EINVAL);
    json_decref(list);
    assert_int_equal(ec2(&w, &source_admin, "DescribeRegions", ""), 503);
  }
  world_done(&w);
}

TEST(a_fault_of_the_world_file_is_read_with_line_and_path) {
  struct af_error err;
  struct af_doc *doc;
  struct cs_sim *sim;
  struct world w;
  world_init(&w, WORLD("faults: [{kind: throttle, service: ec2}]\n", "[]", ""));
  assert_int_equal(ec2(&w, &source_admin, "DescribeRegions", ""), 503);
  world_done(&w);
  assert_ok(af_doc_read(&doc, "world", af_str("faults:\n- {kind: cut}\n- {kind: flood}\n"), AF_DOC_YAML, NULL, &err), &err);
  assert_error(cs_sim_new(&sim, doc, START_MS, 1, &err), -AF_EINVAL, &err, "world:3: faults[1]: ");
  af_doc_free(doc);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_fault_strikes_the_calls_that_match_it_and_no_others),
      cmocka_unit_test(faults_count_the_calls_that_match),
      cmocka_unit_test(chance_is_drawn_from_the_seed),
      cmocka_unit_test(before_the_effect_nothing_happens),
      cmocka_unit_test(after_the_effect_it_has_happened_and_the_audit_knows),
      cmocka_unit_test(a_launch_is_struck_like_any_call_and_by_want_of_capacity_too),
      cmocka_unit_test(a_product_is_subscribed_to_over_http),
      cmocka_unit_test(a_call_that_was_refused_leaves_nothing_in_doubt),
      cmocka_unit_test(a_cut_closes_before_anything_is_done),
      cmocka_unit_test(errors_are_the_services_own_unless_the_fault_words_them),
      cmocka_unit_test(delays_add_up_and_skew_shows_in_the_date),
      cmocka_unit_test(every_reply_is_dated_numbered_and_typed),
      cmocka_unit_test(the_audit_counts_calls_by_outcome_and_grants_that_stay_open),
      cmocka_unit_test(a_list_of_faults_that_makes_no_sense_changes_nothing),
      cmocka_unit_test(a_fault_of_the_world_file_is_read_with_line_and_path),
  };
  return cmocka_run_group_tests_name("cloudsim/faults", tests, NULL, NULL);
}
