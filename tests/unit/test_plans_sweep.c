/* What becomes of things that carry amiferry's tags: the truth table, and laws that hold for every claim there can be. */
#include "plans/sweep.h"
#include "tests/unit/test.h"


static const struct row {
  const char *what;
  struct af_sweep_claim claim;
  enum af_sweep_verdict verdict;
} table[] = {
    {"an instance of a live copy", {.of = AF_OF_LIVE, .temporary = true}, AF_SWEEP_NEEDED},
    {"an AMI on its way", {.of = AF_OF_LIVE}, AF_SWEEP_NEEDED},
    {"what a live copy has made anew", {.of = AF_OF_LIVE, .stale = true}, AF_SWEEP_NEEDED},
    {"the AMI of a finished copy", {.of = AF_OF_DONE, .result = true, .whole = true}, AF_SWEEP_KEPT},
    {"a snapshot of it", {.of = AF_OF_DONE, .use = AF_USED_BY_KEPT}, AF_SWEEP_KEPT},
    {"a snapshot of it that AWS doesn't show in use", {.of = AF_OF_DONE}, AF_SWEEP_KEPT},
    {"its hop image", {.of = AF_OF_DONE, .temporary = true, .whole = true}, AF_SWEEP_ORPHAN},
    {"a snapshot of the hop image", {.of = AF_OF_DONE, .temporary = true, .use = AF_USED_BY_ORPHAN}, AF_SWEEP_ORPHAN},
    {"a snapshot that it has made anew", {.of = AF_OF_DONE, .stale = true}, AF_SWEEP_ORPHAN},
    {"one that somebody's AMI uses all the same", {.of = AF_OF_DONE, .stale = true, .use = AF_USED_BY_KEPT}, AF_SWEEP_KEPT},
    {"a temporary one that somebody's AMI uses", {.of = AF_OF_ENDED, .temporary = true, .use = AF_USED_BY_KEPT}, AF_SWEEP_KEPT},
    {"an AMI that a cancelled copy left", {.of = AF_OF_ENDED, .whole = true}, AF_SWEEP_ORPHAN},
    {"its snapshot", {.of = AF_OF_ENDED, .use = AF_USED_BY_ORPHAN}, AF_SWEEP_ORPHAN},
    {"its AMI, adopted by another copy", {.of = AF_OF_ENDED, .whole = true, .result = true}, AF_SWEEP_KEPT},
    {"somebody's copy of the AMI that it had", {.of = AF_OF_ENDED, .whole = true, .copied = true}, AF_SWEEP_KEPT},
    {"its snapshot, while the AMIs can't be read", {.of = AF_OF_ENDED, .use = AF_USED_BY_UNREAD}, AF_SWEEP_KEPT},
    {"an instance of an unknown copy", {.of = AF_OF_UNKNOWN, .temporary = true}, AF_SWEEP_UNKNOWN},
    {"its hop image", {.of = AF_OF_UNKNOWN, .temporary = true, .whole = true}, AF_SWEEP_UNKNOWN},
    {"its pending AMI", {.of = AF_OF_UNKNOWN}, AF_SWEEP_UNKNOWN},
    {"the snapshot of that", {.of = AF_OF_UNKNOWN, .use = AF_USED_BY_UNKNOWN}, AF_SWEEP_UNKNOWN},
    {"its whole AMI", {.of = AF_OF_UNKNOWN, .whole = true}, AF_SWEEP_ADOPTABLE},
    {"the snapshot of that", {.of = AF_OF_UNKNOWN, .use = AF_USED_BY_KEPT}, AF_SWEEP_KEPT},
    {"its whole AMI, adopted by a copy of ours", {.of = AF_OF_UNKNOWN, .whole = true, .result = true}, AF_SWEEP_KEPT},
    {"an ended copy's snapshot in an unknown copy's AMI", {.of = AF_OF_ENDED, .use = AF_USED_BY_UNKNOWN}, AF_SWEEP_UNKNOWN},
};

TEST(each_kind_of_claim_is_judged_as_the_table_says) {
  for (size_t i = 0; i < COUNT(table); i++) {
    const char *why = NULL;
    enum af_sweep_verdict got = af_sweep_judge(&table[i].claim, &why);
    if (got != table[i].verdict)
      fail_msg("%s: %s (%s)", table[i].what, af_sweep_verdict_name(got), why);
    assert_non_null(why);
  }
}

/* Calls check for every claim there can be. */
static void each_claim(void (*check)(const struct af_sweep_claim *c, enum af_sweep_verdict v)) {
  for (unsigned of = 0; of < AF_OF_MAX_; of++)
    for (unsigned use = 0; use < AF_USED_BY_MAX_; use++)
      for (unsigned bits = 0; bits < 32; bits++) {
        struct af_sweep_claim c = {.of = of, .use = use, .temporary = bits & 1, .result = bits & 2, .stale = bits & 4, .whole = bits & 8, .copied = bits & 16};
        const char *why = NULL;
        enum af_sweep_verdict v = af_sweep_judge(&c, &why);
        assert_true(why && *why);
        check(&c, v);
      }
}

static void live_is_needed(const struct af_sweep_claim *c, enum af_sweep_verdict v) {
  assert_int_equal(v == AF_SWEEP_NEEDED, c->of == AF_OF_LIVE);
}
TEST(whatever_a_live_copy_made_is_needed_and_nothing_else_is) {
  each_claim(live_is_needed);
}

static void protected_is_safe(const struct af_sweep_claim *c, enum af_sweep_verdict v) {
  bool safe = c->of == AF_OF_LIVE || c->result || c->copied || c->use == AF_USED_BY_KEPT || c->use == AF_USED_BY_UNREAD ||
              (c->of == AF_OF_DONE && !c->temporary && !c->stale);
  if (safe)
    assert_false(af_sweep_deletes(v, true));
}
TEST(what_is_needed_a_result_or_perhaps_in_use_is_never_deleted) {
  each_claim(protected_is_safe);
}

static void unknown_is_asked_for(const struct af_sweep_claim *c, enum af_sweep_verdict v) {
  if (c->of == AF_OF_UNKNOWN || c->use == AF_USED_BY_UNKNOWN)
    assert_false(af_sweep_deletes(v, false));
}
TEST(what_an_unknown_copy_has_to_do_with_is_not_deleted_unless_it_is_asked_for) {
  each_claim(unknown_is_asked_for);
}

static void whole_unknown_stays(const struct af_sweep_claim *c, enum af_sweep_verdict v) {
  if (c->of == AF_OF_UNKNOWN && c->whole && !c->temporary && c->use != AF_USED_BY_UNKNOWN)
    assert_false(af_sweep_deletes(v, true));
}
TEST(a_whole_ami_of_an_unknown_copy_is_never_deleted) {
  each_claim(whole_unknown_stays);
}

static void ended_goes(const struct af_sweep_claim *c, enum af_sweep_verdict v) {
  bool free = !c->result && !c->copied && (c->use == AF_USED_BY_NONE || c->use == AF_USED_BY_ORPHAN);
  if (free && (c->of == AF_OF_ENDED || (c->of == AF_OF_DONE && c->temporary)))
    assert_int_equal(v, AF_SWEEP_ORPHAN);
}
TEST(what_an_ended_copy_left_and_nothing_uses_is_an_orphan) {
  each_claim(ended_goes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_kind_of_claim_is_judged_as_the_table_says),
      cmocka_unit_test(whatever_a_live_copy_made_is_needed_and_nothing_else_is),
      cmocka_unit_test(what_is_needed_a_result_or_perhaps_in_use_is_never_deleted),
      cmocka_unit_test(what_an_unknown_copy_has_to_do_with_is_not_deleted_unless_it_is_asked_for),
      cmocka_unit_test(a_whole_ami_of_an_unknown_copy_is_never_deleted),
      cmocka_unit_test(what_an_ended_copy_left_and_nothing_uses_is_an_orphan),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
