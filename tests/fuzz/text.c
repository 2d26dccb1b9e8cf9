/* Fuzz: the small readers: times, numbers, patterns, names, ARNs and other words of AWS's, and the redactor.
 *
 * An input is any text; for the pattern it is one line, matched against the rest. Laws: a time that is read is written and read as the
 * same; a number that is read is what it was; a name that a template makes is legal, or there is an error; no text hides the
 * secret behind it from the redactor. */
#include <stdio.h>

#include "base/log.h"
#include "base/time.h"
#include "plans/attribute.h"
#include "plans/name.h"
#include "plans/shape.h"
#include "tests/fuzz/fuzz.h"

static void check_time(struct af_str text) {
  int64_t ms, again;
  char out[AF_TIME_SIZE];
  static void (*const forms[])(int64_t ms, char out[AF_TIME_SIZE]) = {af_time_iso_s, af_time_basic, af_time_http};
  if (af_time_parse(text, &ms)) return;
  af_time_iso(ms, out);
  MUST(af_time_parse(af_str(out), &again) == 0 && again == ms);
  for (size_t i = 0; i < COUNT(forms); i++) {
    forms[i](ms, out);
    MUST(af_time_parse(af_str(out), &again) == 0);
    MUST(again <= ms && ms - again < 1000);
  }
  af_time_span(ms, out);
}

static void check_number(struct af_str text) {
  int64_t n, again;
  char out[32], span[AF_TIME_SIZE];
  if (af_str_to_i64(text, &n)) return;
  snprintf(out, sizeof(out), "%lld", (long long)n);
  MUST(af_str_to_i64(af_str(out), &again) == 0 && again == n);
  af_time_span(n, span);
}

static void check_name(struct af_str text) {
  struct af_copy_spec spec = {.image = (char *)(uintptr_t) "ami-1"};
  struct af_facts facts = {0};
  struct af_error err;
  char name[AF_NAME_SIZE];
  struct af_str mistake = af_name_mistake(text);
  MUST(mistake.len == 0 || (mistake.ptr >= text.ptr && mistake.ptr + mistake.len <= text.ptr + text.len));
  spec.name = af_str_dup(text);
  spec.source.region = spec.target.region = (char *)(uintptr_t) "us-east-1";
  if (strlen(spec.name) == text.len && mistake.len == 0) {
    facts.image = json_pack("{s:s, s:s}", "Name", "web *1", "Architecture", "x86_64");
    facts.begun_ms = INT64_C(1795415340000);
    if (af_name_expand(&spec, &facts, name, &err)) fuzz_error(&err);
    else
      for (const char *p = name; *p; p++) MUST(af_shape_name_byte(*p));
    json_decref(facts.image);
  }
  free(spec.name);
}

static void check_shapes(struct af_str text) {
  struct af_arn arn;
  for (int s = 0; s < AF_SHAPE_MAX_; s++) af_shape_fits((enum af_shape)s, text);
  MUST(af_arn_split(text, &arn) || !af_shape_fits(AF_SHAPE_ROLE_ARN, text));
  af_shape_users_tag(text);
  MUST(!af_attribute_may_differ(text) || af_attribute_covers(text, text));
}

/* Whatever stands before it. */
static void check_secret(struct af_str text) {
  static const char secret[] = "of-no-worth-at-all";
  struct af_buf in, out;
  if (memmem(text.ptr ? text.ptr : "", text.len, secret, strlen(secret))) return;
  af_buf_init(&in, 1 << 22);
  af_buf_init(&out, 1 << 22);
  af_buf_str(&in, text);
  af_buf_printf(&in, "\nX-Amz-Security-Token: %s\n", secret);
  af_redact(&out, af_buf_view(&in));
  MUST(af_buf_rc(&out) == 0 && !memmem(out.ptr, out.len, secret, strlen(secret)));
  af_buf_done(&in);
  af_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct af_str text = af_str_n((const char *)data, size), rest = text, line = fuzz_line(&rest);
  static const char *const known[] = {"source", "target", "name", "description", "tags", NULL};
  check_time(text);
  check_number(text);
  check_name(text);
  check_shapes(text);
  check_secret(text);
  MUST(af_str_glob(text, text) || memchr(text.ptr ? text.ptr : "", '*', text.len) || memchr(text.ptr ? text.ptr : "", '?', text.len));
  af_str_glob(line, rest);
  af_str_nearest(line, known);
  return 0;
}
