/* Fuzz: what is stored of a copy, and all that is decided from it (plans/).
 *
 * An input is JSON: {"spec": {…}, "facts": {…}, "tried": […]}. Laws: what is read is the same after it was stored again; there is always a
 * decision, the same one twice; money, times and tags are computed from whatever AWS said. */
#include "plans/estimate.h"
#include "plans/keep.h"
#include "plans/verify.h"
#include "tests/fuzz/fuzz.h"

static void check_stored(const struct af_facts *facts) {
  struct af_facts again;
  struct af_error err;
  json_t *first, *second;
  MUST(af_facts_to_json(facts, &first) == 0);
  MUST(af_facts_from_json(&again, first, &err) == 0);
  MUST(af_facts_to_json(&again, &second) == 0);
  MUST(json_equal(first, second));
  json_decref(first);
  json_decref(second);
  af_facts_done(&again);
}

static void check_text(const struct af_buf *b) {
  MUST(af_str_utf8(af_buf_view(b)));
}

static void estimate(const struct af_copy_spec *spec, const struct af_facts *facts, const struct af_decision *d) {
  struct af_estimate e;
  struct af_estimate_place total;
  struct af_buf out;
  af_estimate_init(&e);
  af_buf_init(&out, 1 << 20);
  for (int i = 0; i < 3; i++) MUST(af_estimate_add(&e, spec, facts, d) == 0);
  af_estimate_total(&e, &total);
  MUST(total.bytes >= 0 && total.storage_micros >= 0 && total.transfer_micros >= 0 && total.time_ms >= 0);
  af_estimate_say(&out, &total);
  check_text(&out);
  af_buf_done(&out);
  af_estimate_done(&e);
}

static void keep(const struct af_copy_spec *spec, const struct af_facts *facts, const struct af_decision *d) {
  static const char *const snapshots[] = {NULL, "", "snap-00000000000000001"};
  json_t *tags;
  for (size_t i = 0; i < COUNT(snapshots); i++) {
    MUST(af_keep_tags(spec, facts, d, "cp-1", "0.0", snapshots[i], &tags) == 0);
    MUST(json_array_size(tags) <= AF_KEEP_TAGS_MAX);
    json_decref(tags);
    MUST(af_keep_creation_tags(spec, facts, d, "cp-1", "0.0", snapshots[i], &tags) == 0);
    MUST(json_array_size(tags) <= AF_KEEP_TAGS_MAX);
    json_decref(tags);
  }
}

/* The source held against itself. */
static void verify(const struct af_copy_spec *spec, const struct af_facts *facts, const struct af_decision *d) {
  struct af_findings findings;
  struct af_error err;
  struct af_copy_reading copy = {.image = facts->image, .snapshots = facts->snapshots, .uefi_data = facts->uefi_data, .uefi_readable = true};
  MUST(af_verify(spec, facts, d, &copy, &findings) == 0);
  for (size_t i = 0; i < findings.n; i++) {
    MUST(af_str_utf8(af_str(findings.list[i].attribute)));
    MUST(af_str_utf8(af_str(findings.list[i].source)) && af_str_utf8(af_str(findings.list[i].copy)));
  }
  if (af_findings_judge(&findings, &err)) fuzz_error(&err);
  af_findings_done(&findings);
}

static void decide(const struct af_copy_spec *spec, const struct af_facts *facts, const json_t *tried) {
  static struct af_decision d, again;
  struct af_buf ladder;
  memset(&d, 0, sizeof(d));
  memset(&again, 0, sizeof(again));
  af_route_decide(spec, facts, tried, &d);
  af_route_decide(spec, facts, tried, &again);
  MUST(d.route == again.route && af_streq(d.reason, again.reason) && af_streq(d.name, again.name));
  MUST((d.route == AF_ROUTE_NONE) == (d.refusal.class != AF_CLASS_NONE));
  MUST(af_str_utf8(af_str(d.reason)) && af_str_utf8(af_str(d.name)));
  if (d.route == AF_ROUTE_NONE) fuzz_error(&d.refusal);
  for (int i = 0; i < d.n_warnings; i++) MUST(af_str_utf8(af_str(d.warnings[i])));
  af_route_reads_launch(spec, facts, tried);
  af_buf_init(&ladder, 4096);
  af_route_ladder(spec, facts, tried, &ladder);
  check_text(&ladder);
  af_buf_done(&ladder);
  estimate(spec, facts, &d);
  keep(spec, facts, &d);
  verify(spec, facts, &d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct af_copy_spec spec = {0};
  struct af_facts facts = {0};
  struct af_error err;
  json_t *all = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
  if (!all) return 0;
  bool read = af_copy_spec_from_json(&spec, json_object_get(all, "spec"), &err) == 0;
  if (!read) fuzz_error(&err);
  if (read && af_facts_from_json(&facts, json_object_get(all, "facts"), &err)) {
    fuzz_error(&err);
  } else if (read) {
    check_stored(&facts);
    decide(&spec, &facts, json_object_get(all, "tried"));
  }
  af_facts_done(&facts);
  af_copy_spec_done(&spec);
  json_decref(all);
  return 0;
}
