/* engine/aws/endpoint.h and settings.h: partitions, endpoints, configured endpoints; against AWS's own data where ../shared is there. */
#include "tests/unit/test.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/buf.h"
#include "engine/aws/endpoint.h"
#include "engine/aws/settings.h"

/* Where the data of shared/ lies; the test is skipped, and says so, where it isn't. */
static json_t *load_shared(const char *name) {
  char path[4096];
  const char *shared = getenv("AF_SHARED");
  snprintf(path, sizeof path, "%s/%s", shared ? shared : "../shared/aws", name);
  json_t *doc = json_load_file(path, 0, NULL);
  if (!doc) {
    print_message("skipped: %s is not there\n", path);
    skip();
  }
  return doc;
}

static void assert_url(const struct af_endpoint *e, const char *want) {
  struct af_buf b;
  af_buf_init(&b, AF_URL_MAX);
  af_endpoint_url(&e->url, &b);
  assert_string_equal(af_buf_cstr(&b), want);
  af_buf_done(&b);
}

static const struct af_endpoint_options none = {0};

TEST(standard_endpoints_follow_service_region_and_partition) {
  static const struct {
    const char *service, *region;
    struct af_endpoint_options o;
    const char *url, *signing;
  } cases[] = {
      {"ec2", "eu-west-1", {0}, "https://ec2.eu-west-1.amazonaws.com/", "eu-west-1"},
      {"ec2", "cn-north-1", {0}, "https://ec2.cn-north-1.amazonaws.com.cn/", "cn-north-1"},
      {"kms", "eusc-de-east-1", {0}, "https://kms.eusc-de-east-1.amazonaws.eu/", "eusc-de-east-1"},
      {"ec2", "us-gov-west-1", {.fips = true}, "https://ec2.us-gov-west-1.amazonaws.com/", "us-gov-west-1"},
      {"sts", "us-gov-west-1", {.fips = true}, "https://sts.us-gov-west-1.amazonaws.com/", "us-gov-west-1"},
      {"kms", "us-gov-west-1", {.fips = true}, "https://kms-fips.us-gov-west-1.amazonaws.com/", "us-gov-west-1"},
      {"ec2", "us-gov-west-1", {.fips = true, .dual_stack = true}, "https://ec2-fips.us-gov-west-1.api.aws/", "us-gov-west-1"},
      {"ec2", "us-east-1", {.fips = true}, "https://ec2-fips.us-east-1.amazonaws.com/", "us-east-1"},
      {"ec2", "cn-north-1", {.dual_stack = true}, "https://ec2.cn-north-1.api.amazonwebservices.com.cn/", "cn-north-1"},
      {"sts", "eu-west-1", {0}, "https://sts.eu-west-1.amazonaws.com/", "eu-west-1"},
      {"sts", "eu-west-1", {.sts_legacy = true}, "https://sts.amazonaws.com/", "us-east-1"},
      {"sts", "eu-south-1", {.sts_legacy = true}, "https://sts.eu-south-1.amazonaws.com/", "eu-south-1"},
      {"sts", "eu-west-1", {.sts_legacy = true, .fips = true}, "https://sts-fips.eu-west-1.amazonaws.com/", "eu-west-1"},
      {"sts", "aws-global", {0}, "https://sts.amazonaws.com/", "us-east-1"},
      {"ec2", "eu-west-1", {.sts_legacy = true}, "https://ec2.eu-west-1.amazonaws.com/", "eu-west-1"},
      {"sts", "eu-west-1", {.sts_legacy = true, .url = "https://sts.example"}, "https://sts.example/", "eu-west-1"},
      {"s3", "us-east-1", {0}, "https://s3.us-east-1.amazonaws.com/", "us-east-1"},
      {"s3", "cn-north-1", {0}, "https://s3.cn-north-1.amazonaws.com.cn/", "cn-north-1"},
      {"s3", "eusc-de-east-1", {0}, "https://s3.eusc-de-east-1.amazonaws.eu/", "eusc-de-east-1"},
      {"s3", "us-iso-east-1", {0}, "https://s3.us-iso-east-1.c2s.ic.gov/", "us-iso-east-1"},
      {"s3", "eu-west-1", {.fips = true}, "https://s3-fips.eu-west-1.amazonaws.com/", "eu-west-1"},
      {"s3", "us-gov-west-1", {.fips = true}, "https://s3-fips.us-gov-west-1.amazonaws.com/", "us-gov-west-1"},
      {"s3", "cn-north-1", {.dual_stack = true}, "https://s3.dualstack.cn-north-1.amazonaws.com.cn/", "cn-north-1"},
      {"s3", "us-east-1", {.fips = true, .dual_stack = true}, "https://s3-fips.dualstack.us-east-1.amazonaws.com/", "us-east-1"},
      {"s3", "eu-west-1", {.sts_legacy = true}, "https://s3.eu-west-1.amazonaws.com/", "eu-west-1"},
      {"ec2", "nowhere-new-9", {0}, "https://ec2.nowhere-new-9.amazonaws.com/", "nowhere-new-9"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct af_endpoint e;
    struct af_error err;
    assert_ok(af_endpoint_resolve(&e, cases[i].service, cases[i].region, &cases[i].o, &err), &err);
    assert_url(&e, cases[i].url);
    assert_string_equal(e.signing_region, cases[i].signing);
  }
}

TEST(the_host_names_the_bucket_where_it_can) {
  static const char in_path[] = "https://s3.eu-west-1.amazonaws.com/";
  static const struct {
    const char *bucket, *url, *want;
  } cases[] = {
      {"amis-for-1-in-eu", NULL, "https://amis-for-1-in-eu.s3.eu-west-1.amazonaws.com/"},
      {"abc", NULL, "https://abc.s3.eu-west-1.amazonaws.com/"},
      {"123456789-123456789-123456789-123456789-123456789-123456789-123", NULL,
       "https://123456789-123456789-123456789-123456789-123456789-123456789-123.s3.eu-west-1.amazonaws.com/"},
      {"123456789-123456789-123456789-123456789-123456789-123456789-1234", NULL, in_path},
      {"ab", NULL, in_path},
      {"my.bucket", NULL, in_path},
      {"MyBucket", NULL, in_path},
      {"my_bucket", NULL, in_path},
      {"-bucket", NULL, in_path},
      {"bucket-", NULL, in_path},
      {"evil/@x", NULL, in_path},
      {"", NULL, in_path},
      {"amis", "http://127.0.0.1:4566", "http://127.0.0.1:4566/"},
      {"amis", "https://[2001:db8::1]/", "https://[2001:db8::1]/"},
      {"amis", "https://s3.example.com/base", "https://s3.example.com/base"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct af_endpoint_options o = {.url = cases[i].url};
    struct af_endpoint e;
    struct af_error err;
    assert_ok(af_endpoint_resolve(&e, "s3", "eu-west-1", &o, &err), &err);
    af_endpoint_name_bucket(&e, af_str(cases[i].bucket));
    assert_url(&e, cases[i].want);
    assert_int_equal(e.names_bucket, !cases[i].url && cases[i].want != in_path);
    assert_string_equal(e.signing_region, "eu-west-1");
  }
}

TEST(a_configured_endpoint_and_fips_or_dual_stack_exclude_each_other) {
  struct af_endpoint e;
  struct af_error err;
  struct af_endpoint_options fips = {.url = "https://x", .origin = "AWS_ENDPOINT_URL", .fips = true};
  struct af_endpoint_options dual = {.url = "https://x", .origin = "config:3", .dual_stack = true};
  assert_error(af_endpoint_resolve(&e, "ec2", "eu-west-1", &fips, &err), -AF_EINVAL, &err, "AWS_ENDPOINT_URL gives an endpoint, and FIPS");
  assert_string_equal(err.code, "EndpointConflict");
  assert_error(af_endpoint_resolve(&e, "ec2", "eu-west-1", &dual, &err), -AF_EINVAL, &err, "config:3 gives an endpoint, and dual-stack");
}

TEST(plain_http_is_for_loopback_only) {
  static const char *const good[] = {"http://127.0.0.1:4566", "http://127.9.9.9", "http://[::1]:80", "http://LocalHost:1/x"};
  static const char *const bad[] = {"http://10.0.0.1", "http://example.com", "http://127.0.0.1.example.com", "http://localhost.example.com",
                                    "http://[::2]", "http://169.254.169.254", "http://128.0.0.1", "http://1270.0.0.1"};
  struct af_endpoint e;
  struct af_error err;
  for (size_t i = 0; i < COUNT(good); i++) {
    struct af_endpoint_options o = {.url = good[i], .origin = "X"};
    assert_ok(af_endpoint_resolve(&e, "ec2", "eu-west-1", &o, &err), &err);
  }
  for (size_t i = 0; i < COUNT(bad); i++) {
    struct af_endpoint_options o = {.url = bad[i], .origin = "X"};
    assert_error(af_endpoint_resolve(&e, "ec2", "eu-west-1", &o, &err), -AF_EINVAL, &err, "X: plain http");
    assert_string_equal(err.code, "PlainHttpRefused");
  }
}

TEST(urls_are_taken_apart_as_the_wire_needs_them) {
  static const struct {
    const char *text, *host, *authority, *path;
    bool https;
  } cases[] = {
      {"https://EC2.Example:443", "ec2.example", "ec2.example", "/", true},
      {"https://a:8443/x/y/", "a", "a:8443", "/x/y/", true},
      {"http://localhost:80/", "localhost", "localhost", "/", false},
      {"http://[::1]:4566", "[::1]", "[::1]:4566", "/", false},
      {" https://a ", "a", "a", "/", true},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct af_url u;
    struct af_error err;
    assert_ok(af_url_parse(&u, af_str(cases[i].text), "X", &err), &err);
    assert_string_equal(u.host, cases[i].host);
    assert_string_equal(u.authority, cases[i].authority);
    assert_string_equal(u.path, cases[i].path);
    assert_int_equal(u.https, cases[i].https);
  }
}

TEST(urls_that_could_mislead_are_refused) {
  static const char *const bad[] = {"",
                                    "a.example",
                                    "ftp://a",
                                    "https://",
                                    "https://user@a",
                                    "https://user:p@a",
                                    "http://user:s3cret@127.0.0.1:1/",
                                    "https://a?x=1",
                                    "https://a/x?y",
                                    "https://a/#x",
                                    "https://a\\b",
                                    "https://a/b c",
                                    "https://a/\r\nX: y",
                                    "https://a:0",
                                    "https://a:65536",
                                    "https://a:",
                                    "https://a:80x",
                                    "https://[::1",
                                    "https://[x]",
                                    "https://a\x80"};
  for (size_t i = 0; i < COUNT(bad); i++) {
    struct af_url u;
    struct af_error err;
    if (af_url_parse(&u, af_str(bad[i]), "AWS_ENDPOINT_URL", &err) != -AF_EINVAL)
      fail_msg("%s", bad[i]);
    assert_string_equal(err.code, "BadEndpointUrl");
    assert_contains(err.message, "AWS_ENDPOINT_URL");
    assert_null(strstr(err.message, "s3cret")); /* which would be stored with the copy */
  }
}

TEST(a_region_is_part_of_a_host_name_and_must_look_like_one) {
  static const char *const bad[] = {"eu-west-1.evil.com/", "EU-WEST-1", "-x", "x-", "a b", "a/b", "a.b",
                                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
  struct af_endpoint e;
  struct af_error err;
  for (size_t i = 0; i < COUNT(bad); i++) {
    assert_int_equal(af_endpoint_resolve(&e, "ec2", bad[i], &none, &err), -AF_EINVAL);
    assert_string_equal(err.code, "BadRegion");
  }
  assert_int_equal(af_endpoint_resolve(&e, "ec2", "", &none, &err), -AF_EINVAL);
  assert_string_equal(err.code, "MissingRegion");
  assert_int_equal(af_endpoint_resolve(&e, "ec2", NULL, &none, &err), -AF_EINVAL);
}

/* --- AWS's data: partitions --- */

TEST(the_partition_table_is_the_one_that_aws_publishes) {
  json_t *doc = load_shared("models/partitions.json"), *p, *region;
  const json_t *list = json_object_get(doc, "partitions");
  const char *name;
  size_t i, count = 0;
  json_array_foreach(list, i, p) {
    const json_t *out = json_object_get(p, "outputs");
    const struct af_partition *ours = af_partition_named(af_str(json_string_value(json_object_get(p, "id"))));
    assert_non_null(ours);
    assert_string_equal(ours->dns_suffix, json_string_value(json_object_get(out, "dnsSuffix")));
    assert_string_equal(ours->dual_stack_suffix, json_string_value(json_object_get(out, "dualStackDnsSuffix")));
    assert_string_equal(ours->global_region, json_string_value(json_object_get(out, "implicitGlobalRegion")));
    assert_true(json_is_true(json_object_get(out, "supportsFIPS")) && json_is_true(json_object_get(out, "supportsDualStack")));
    json_object_foreach(json_object_get(p, "regions"), name, region)
      assert_ptr_equal(af_partition_of(name), ours);
    count++;
  }
  for (const struct af_partition *ours = af_partitions; ours->name; ours++)
    count--;
  assert_int_equal(count, 0);
  json_decref(doc);
}

/* The regular expression that AWS gives for a partition's Regions, from our prefixes. */
TEST(the_region_patterns_are_those_that_aws_publishes) {
  json_t *doc = load_shared("models/partitions.json"), *p;
  size_t i;
  json_array_foreach(json_object_get(doc, "partitions"), i, p) {
    const struct af_partition *ours = af_partition_named(af_str(json_string_value(json_object_get(p, "id"))));
    const char *theirs = json_string_value(json_object_get(p, "regionRegex"));
    assert_non_null(ours);
    for (const char *const *prefix = ours->prefixes; *prefix; prefix++) {
      char part[64];
      const char *last = strrchr(*prefix, '-');
      assert_contains(theirs, last ? last + 1 : *prefix);
      snprintf(part, sizeof part, "%s-xyz_9-42", *prefix);
      assert_ptr_equal(af_partition_of(part), ours);
      snprintf(part, sizeof part, "%s-x-y-1", *prefix); /* \w has no - */
      assert_ptr_equal(af_partition_of(part), &af_partitions[0]);
      snprintf(part, sizeof part, "%s--1", *prefix);
      assert_ptr_equal(af_partition_of(part), &af_partitions[0]);
      snprintf(part, sizeof part, "%s-xyz-1b", *prefix);
      assert_ptr_equal(af_partition_of(part), &af_partitions[0]);
    }
    const char *pipes = theirs;
    size_t alternatives = 1, n = 0;
    while ((pipes = strchr(pipes, '|')))
      alternatives++, pipes++;
    while (ours->prefixes[n])
      n++;
    assert_int_equal(n, alternatives);
  }
  json_decref(doc);
}

/* --- AWS's data: the endpoint rules of EC2, evaluated --- */

struct world {
  const char *region, *endpoint;
  bool fips, dual;
  const json_t *partitions;
};

static const json_t *partition_outputs(const struct world *w) {
  const char *name = af_partition_of(w->region)->name; /* checked above */
  json_t *p;
  size_t i;
  json_array_foreach(w->partitions, i, p) if (strcmp(json_string_value(json_object_get(p, "id")), name) == 0) return json_object_get(p, "outputs");
  return NULL;
}

/* A value of an argv: a literal, {"ref": X} or {"fn": "getAttr", ...}; borrowed or one of the static ones. */
static json_t *value_of(const struct world *w, json_t *v) {
  const char *ref = json_string_value(json_object_get(v, "ref")), *fn = json_string_value(json_object_get(v, "fn"));
  static char text[300];
  static json_t *string;
  if (af_streq(fn, "getAttr"))
    return json_object_get(partition_outputs(w), json_string_value(json_array_get(json_object_get(v, "argv"), 1)));
  if (!ref)
    return v;
  if (strcmp(ref, "UseFIPS") == 0 || strcmp(ref, "UseDualStack") == 0)
    return (strcmp(ref, "UseFIPS") == 0 ? w->fips : w->dual) ? json_true() : json_false();
  const char *s = strcmp(ref, "Region") == 0 ? w->region : w->endpoint;
  if (!s)
    return NULL;
  snprintf(text, sizeof text, "%s", s);
  json_decref(string);
  string = json_string(text);
  return string;
}

static bool holds(const struct world *w, const json_t *condition) {
  const char *fn = json_string_value(json_object_get(condition, "fn"));
  json_t *argv = json_object_get(condition, "argv");
  json_t *a = value_of(w, json_array_get(argv, 0));
  if (strcmp(fn, "isSet") == 0 || strcmp(fn, "aws.partition") == 0)
    return a != NULL;
  assert_true(strcmp(fn, "booleanEquals") == 0 || strcmp(fn, "stringEquals") == 0);
  return json_equal(a, value_of(w, json_array_get(argv, 1)));
}

/* "https://ec2.{Region}.{PartitionResult#dnsSuffix}" */
static void expand(const struct world *w, const char *template, struct af_buf *out) {
  while (*template) {
    const char *open = strchr(template, '{'), *close = open ? strchr(open, '}') : NULL;
    if (!close) {
      af_buf_puts(out, template);
      return;
    }
    af_buf_add(out, template, (size_t)(open - template));
    struct af_str name = af_str_n(open + 1, (size_t)(close - open) - 1);
    if (af_str_eq(name, af_str("Region"))) {
      af_buf_puts(out, w->region);
    } else {
      char key[64];
      assert_true(af_str_starts(name, "PartitionResult#"));
      AF_COPY(key, af_str_n(name.ptr + 16, name.len - 16));
      af_buf_puts(out, json_string_value(json_object_get(partition_outputs(w), key)));
    }
    template = close + 1;
  }
}

/* 1: an endpoint; 0: an error; -1: no rule applies. */
static int evaluate(const struct world *w, const json_t *rules, struct af_buf *out) {
  json_t *rule, *condition;
  size_t i, k;
  json_array_foreach(rules, i, rule) {
    bool all = true;
    json_array_foreach(json_object_get(rule, "conditions"), k, condition) all = all && holds(w, condition);
    const char *type = json_string_value(json_object_get(rule, "type"));
    if (!all)
      continue;
    if (strcmp(type, "tree") == 0)
      return evaluate(w, json_object_get(rule, "rules"), out);
    if (strcmp(type, "error") == 0)
      return 0;
    json_t *url = json_object_get(json_object_get(rule, "endpoint"), "url");
    if (json_is_string(url))
      expand(w, json_string_value(url), out);
    else
      af_buf_puts(out, w->endpoint);
    return 1;
  }
  return -1;
}

static void compare(const struct world *w, const json_t *rules) {
  struct af_endpoint_options o = {.url = w->endpoint, .origin = "test", .fips = w->fips, .dual_stack = w->dual};
  struct af_endpoint e;
  struct af_error err;
  struct af_buf want;
  af_buf_init(&want, AF_URL_MAX);
  int theirs = evaluate(w, rules, &want), ours = af_endpoint_resolve(&e, "ec2", w->region, &o, &err);
  assert_int_not_equal(theirs, -1);
  if (theirs == 0) {
    assert_int_equal(ours, -AF_EINVAL);
  } else {
    af_buf_putc(&want, '/');
    assert_ok(ours, &err);
    assert_url(&e, af_buf_cstr(&want));
  }
  af_buf_done(&want);
}

TEST(ec2_endpoints_are_what_awss_rules_say_for_every_region) {
  json_t *partitions = load_shared("models/partitions.json"), *rules = load_shared("models/ec2-endpoint-rules.json"), *p, *region;
  const char *name;
  size_t i;
  json_array_foreach(json_object_get(partitions, "partitions"), i, p)
    json_object_foreach(json_object_get(p, "regions"), name, region)
      for (int bits = 0; bits < 8; bits++) {
        struct world w = {.region = name, .endpoint = bits & 4 ? "https://e.example" : NULL, .fips = bits & 1, .dual = bits & 2,
                          .partitions = json_object_get(partitions, "partitions")};
        compare(&w, json_object_get(rules, "rules"));
      }
  json_decref(rules);
  json_decref(partitions);
}

/* --- AWS's data: configured endpoints --- */

struct json_env {
  const json_t *vars;
};
static const char *get_var(void *ctx, const char *name) {
  return json_string_value(json_object_get(((struct json_env *)ctx)->vars, name));
}

/* The profiles and services of a suite as the text of a configuration file. */
static struct af_profiles *profiles_of(const json_t *suite) {
  struct af_profiles *p = NULL;
  struct af_error err;
  struct af_buf b;
  const char *name, *key, *service;
  json_t *section, *v, *settings;
  af_buf_init(&b, 1 << 20);
  json_object_foreach(json_object_get(suite, "profiles"), name, section) {
    af_buf_printf(&b, "[profile %s]\n", name);
    json_object_foreach(section, key, v) af_buf_printf(&b, "%s = %s\n", key, json_string_value(v));
  }
  json_object_foreach(json_object_get(suite, "services"), name, section) {
    af_buf_printf(&b, "[services %s]\n", name);
    json_object_foreach(section, service, settings) {
      af_buf_printf(&b, "%s =\n", service);
      json_object_foreach(settings, key, v) af_buf_printf(&b, "  %s = %s\n", key, json_string_value(v));
    }
  }
  assert_ok(af_profiles_new(&p, &err), &err);
  assert_ok(af_profiles_parse(p, AF_PROFILE_CONFIG, "config", af_buf_view(&b), &err), &err);
  af_buf_done(&b);
  return p;
}

static bool run_vector(const json_t *suite, const struct af_profiles *profiles, const json_t *test) {
  const char *profile = json_string_value(json_object_get(test, "profile")), *service = json_string_value(json_object_get(test, "service"));
  const json_t *client = json_object_get(json_object_get(suite, "client_configs"), json_string_value(json_object_get(test, "client_config")));
  struct json_env vars = {json_object_get(json_object_get(suite, "environments"), json_string_value(json_object_get(test, "environment")))};
  struct af_env env = {.get = get_var, .ctx = &vars};
  struct af_setting s;
  struct af_endpoint e;
  struct af_error err;
  char url[512] = "";
  bool found;
  if (json_object_get(client, "endpoint_url") || json_object_get(client, "ignore_configured_endpoint_urls"))
    return false; /* amiferry has no endpoints but those of variables and files */
  assert_ok(af_setting_endpoint(&s, &found, &env, profiles, af_str(profile), service, &err), &err);
  if (found)
    AF_COPY(url, s.text);
  struct af_endpoint_options o = {.url = found ? url : NULL, .origin = "vector"};
  assert_ok(af_endpoint_resolve(&e, service, "fake-region-10", &o, &err), &err);
  const char *want = json_string_value(json_object_get(json_object_get(test, "output"), "endpointUrl"));
  struct af_buf got;
  af_buf_init(&got, AF_URL_MAX);
  af_endpoint_url(&e.url, &got);
  if (got.len != strlen(want) + 1 || strncmp(got.ptr, want, strlen(want)) != 0)
    fail_msg("%s: %s, not %s", json_string_value(json_object_get(test, "name")), af_buf_cstr(&got), want);
  af_buf_done(&got);
  return true;
}

TEST(configured_endpoints_follow_the_vectors_of_the_sdks) {
  json_t *doc = load_shared("protocol/configured-endpoint-urls.json"), *suite, *test;
  size_t i, k, run = 0;
  json_array_foreach(json_object_get(doc, "testSuites"), i, suite) {
    struct af_profiles *profiles = profiles_of(suite);
    json_array_foreach(json_object_get(suite, "endpointUrlTests"), k, test) run += run_vector(suite, profiles, test);
    af_profiles_free(profiles);
  }
  assert_true(run >= 15);
  json_decref(doc);
}

/* --- settings --- */

static struct af_profiles *config(const char *text) {
  struct af_profiles *p = NULL;
  struct af_error err;
  assert_ok(af_profiles_new(&p, &err), &err);
  assert_ok(af_profiles_parse(p, AF_PROFILE_CONFIG, "config", af_str(text), &err), &err);
  return p;
}

static int read_settings(struct af_settings *s, const char *text, const char *vars, const char *profile, struct af_error *err) {
  struct json_env ctx = {json_loads(vars, 0, NULL)};
  struct af_env env = {.get = get_var, .ctx = &ctx};
  struct af_profiles *p = config(text);
  assert_non_null(ctx.vars);
  int rc = af_settings_read(s, &env, p, profile, err);
  af_profiles_free(p);
  json_decref((json_t *)(uintptr_t)ctx.vars);
  return rc;
}

TEST(variables_come_before_the_profile) {
  struct af_settings s;
  struct af_error err;
  const char *text = "[profile a]\nregion=eu-west-3\nuse_fips_endpoint=TRUE\nsts_regional_endpoints=legacy\n";
  assert_ok(read_settings(&s, text, "{\"AWS_PROFILE\": \"a\", \"AWS_REGION\": \"\"}", NULL, &err), &err);
  assert_string_equal(s.region, "eu-west-3");
  assert_true(s.fips && s.sts_legacy && !s.dual_stack && s.profile_named && !s.profile_explicit);
  af_settings_done(&s);
  assert_ok(read_settings(&s, text, "{\"AWS_PROFILE\": \"zzz\", \"AWS_DEFAULT_REGION\": \"x-1\", \"AWS_USE_FIPS_ENDPOINT\": \"false\"}", "a", &err), &err);
  assert_string_equal(s.region, "x-1");
  assert_true(!s.fips && s.profile_explicit);
  af_settings_done(&s);
  assert_ok(read_settings(&s, text, "{\"AWS_REGION\": \"y-1\", \"AWS_DEFAULT_REGION\": \"x-1\"}", NULL, &err), &err);
  assert_string_equal(s.region, "y-1");
  assert_string_equal(s.profile, "default");
  af_settings_done(&s);
}

TEST(settings_that_are_wrong_are_named_with_their_origin) {
  static const struct {
    const char *text, *vars, *profile, *message;
  } cases[] = {
      {"[profile a]\nregion=EU WEST\n", "{}", "a", "config:2: \"EU WEST\" is no Region"},
      {"", "{\"AWS_REGION\": \"x/y\"}", NULL, "AWS_REGION: \"x/y\" is no Region"},
      {"", "{\"AWS_USE_FIPS_ENDPOINT\": \"yes\"}", NULL, "AWS_USE_FIPS_ENDPOINT: \"yes\" is neither true nor false"},
      {"[default]\nuse_dualstack_endpoint = 1\n", "{}", NULL, "config:2: \"1\" is neither"},
      {"[default]\nignore_configured_endpoint_urls = x\n", "{}", NULL, "config:2: \"x\" is neither"},
      {"[default]\nsts_regional_endpoints = global\n", "{}", NULL, "config:2: sts_regional_endpoints"},
      {"[a]\n", "{}", "a", "there is no profile \"a\""},
      {"", "{\"AWS_PROFILE\": \"b\"}", NULL, "there is no profile \"b\", which is named by AWS_PROFILE"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct af_settings s;
    struct af_error err;
    assert_error(read_settings(&s, cases[i].text, cases[i].vars, cases[i].profile, &err), -AF_EINVAL, &err, cases[i].message);
    assert_int_equal(err.class, AF_CLASS_INVALID);
  }
}

TEST(each_service_has_its_own_endpoint) {
  struct af_settings s;
  struct af_error err;
  assert_ok(read_settings(&s, "[default]\nendpoint_url=https://all\nservices=s\n[services s]\nkms =\n  endpoint_url=https://k\n",
                          "{\"AWS_ENDPOINT_URL_STS\": \"https://t\"}", NULL, &err), &err);
  assert_string_equal(af_settings_endpoint(&s, "ec2").url, "https://all");
  assert_string_equal(af_settings_endpoint(&s, "kms").url, "https://k");
  assert_string_equal(af_settings_endpoint(&s, "kms").origin, "config:6");
  assert_string_equal(af_settings_endpoint(&s, "sts").url, "https://t");
  assert_string_equal(af_settings_endpoint(&s, "s3").url, "https://all");
  af_settings_done(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(standard_endpoints_follow_service_region_and_partition),
      cmocka_unit_test(the_host_names_the_bucket_where_it_can),
      cmocka_unit_test(a_configured_endpoint_and_fips_or_dual_stack_exclude_each_other),
      cmocka_unit_test(plain_http_is_for_loopback_only),
      cmocka_unit_test(urls_are_taken_apart_as_the_wire_needs_them),
      cmocka_unit_test(urls_that_could_mislead_are_refused),
      cmocka_unit_test(a_region_is_part_of_a_host_name_and_must_look_like_one),
      cmocka_unit_test(the_partition_table_is_the_one_that_aws_publishes),
      cmocka_unit_test(the_region_patterns_are_those_that_aws_publishes),
      cmocka_unit_test(ec2_endpoints_are_what_awss_rules_say_for_every_region),
      cmocka_unit_test(configured_endpoints_follow_the_vectors_of_the_sdks),
      cmocka_unit_test(variables_come_before_the_profile),
      cmocka_unit_test(settings_that_are_wrong_are_named_with_their_origin),
      cmocka_unit_test(each_service_has_its_own_endpoint),
  };
  return cmocka_run_group_tests_name("engine/aws/endpoint", tests, NULL, NULL);
}
