/* Fuzz: the policies of other people's buckets, which amiferry reads, adds a statement to, and writes back (engine/steps).
 *
 * An input is a policy as S3 gives it. Laws: one that is read is the same when it is written again; what was added and removed leaves
 * it as it was; and whoever is said to be let in by others' statements is let in by cloudsim, which reads policies in a way of its own, or
 * denied by one. */
#include "engine/steps/bucket_policy.h"
#include "tests/fuzz/fuzz.h"
#include "tools/cloudsim/policy.h"

#define TARGET "222222222222"
#define BUCKET "arn:aws:s3:::golden-amis"

static const struct af_reader reader = {.partition = "aws", .account = TARGET, .region = "us-east-1", .bundle = "golden-amis/web/image."};

static void check_written(const json_t *policy) {
  json_t *again;
  char *text = json_dumps(policy, JSON_COMPACT);
  MUST(text != NULL);
  MUST(af_policy_parse(text, &again) == 0);
  MUST(json_equal(policy, again));
  json_decref(again);
  free(text);
}

static void check_added(json_t *policy) {
  json_t *before = json_deep_copy(policy);
  size_t n = af_policy_statements(policy);
  bool had = af_policy_has(policy, &reader);
  MUST(af_policy_add(policy, &reader) == 0);
  MUST(af_policy_has(policy, &reader) && af_policy_allows(policy, &reader));
  MUST(af_policy_statements(policy) == n + !had);
  check_written(policy);
  af_policy_remove(policy, &reader);
  MUST(!af_policy_has(policy, &reader));
  MUST(had || json_equal(policy, before));
  json_decref(before);
}

static void check_allowed(const json_t *policy, struct af_str text) {
  static const char *const asked[][2] = {
      {"s3:GetObject", BUCKET "/web/image.part.00"}, {"s3:ListBucket", BUCKET}, {"s3:GetBucketAcl", BUCKET}};
  json_t *document, *values = json_object();
  struct cs_context context = {.values = values};
  struct af_error err;
  bool theirs = !af_policy_has(policy, &reader) && af_policy_allows(policy, &reader);
  if (theirs && cs_policy_parse(&document, text, CS_POLICY_RESOURCE, &err) == 0) {
    for (size_t i = 0; i < COUNT(asked); i++) {
      struct cs_ask ask = {.who = {.account = TARGET, .arn = "arn:aws:iam::" TARGET ":root"},
                           .action = asked[i][0], .resource = asked[i][1], .context = &context};
      MUST(cs_policy_says(document, &ask, CS_POLICY_RESOURCE) != CS_SILENT);
    }
    json_decref(document);
  }
  json_decref(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = af_str_dup(af_str_n((const char *)data, size));
  json_t *policy;
  int rc = af_policy_parse(text, &policy);
  MUST(rc == 0 || rc == -AF_EINVAL || rc == -AF_ECORRUPT);
  if (rc == 0) {
    check_written(policy);
    check_allowed(policy, af_str(text));
    check_added(policy);
    json_decref(policy);
  }
  free(text);
  return 0;
}
