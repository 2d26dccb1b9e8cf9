/* Fuzz: policies (tools/cloudsim): of identities and of resources.
 *
 * An input is "identity|resource ACTION RESOURCE PRINCIPAL\n" and the policy's JSON. Law: a policy that is read gives a verdict, the same one
 * twice. */
#include "tests/fuzz/fuzz.h"
#include "tools/cloudsim/policy.h"

static char *text_of(struct af_str s) {
  for (size_t i = 0; i < s.len; i++)
    if (!s.ptr[i]) s.len = i;
  return af_str_dup(s);
}

static void ask(const json_t *document, enum cs_policy_kind kind, const char *action, const char *resource, const char *principal) {
  json_t *values = json_pack("{s:s, s:s, s:b, s:[s, s]}", "kms:ViaService", "ec2.us-east-1.amazonaws.com", "aws:PrincipalArn", principal,
                             "kms:GrantIsForAWSResource", 1, "kms:GrantOperations", "Decrypt", "CreateGrant");
  struct cs_context context = {.values = values};
  struct cs_ask asks[] = {
      {.who = {.account = "111122223333", .arn = principal}, .action = action, .resource = resource, .context = &context},
      {.who = {.account = "444455556666", .arn = "arn:aws:sts::444455556666:assumed-role/r/s", .role_arn = "arn:aws:iam::444455556666:role/r"},
       .action = action, .context = &context},
      {.who = {.account = "", .arn = "", .service = "ec2.amazonaws.com"}, .action = action, .resource = resource, .context = &context},
  };
  for (size_t i = 0; i < COUNT(asks); i++) {
    enum cs_verdict first = cs_policy_says(document, &asks[i], kind);
    MUST(first <= CS_DENY);
    MUST(first == cs_policy_says(document, &asks[i], kind));
    cs_principal_matches(principal, &asks[i].who);
  }
  json_decref(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct af_str rest = af_str_n((const char *)data, size), head = fuzz_line(&rest);
  enum cs_policy_kind kind = af_str_eq(fuzz_word(&head), af_str("resource")) ? CS_POLICY_RESOURCE : CS_POLICY_IDENTITY;
  char *action = text_of(fuzz_word(&head)), *resource = text_of(fuzz_word(&head)), *principal = text_of(head);
  json_t *document;
  struct af_error err;
  if (!af_str_utf8(af_str(principal))) {
    /* who a caller is comes from the world, and is text */
  } else if (cs_policy_parse(&document, rest, kind, &err)) {
    fuzz_error(&err);
  } else {
    ask(document, kind, action, resource, principal);
    json_decref(document);
  }
  free(action);
  free(resource);
  free(principal);
  return 0;
}
