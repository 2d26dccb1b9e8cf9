# Counting what a test program printed as TAP. Sourced by tools/test; tests/e2e/test_tap.sh shows what it does.
#
#   tap_count FILE EXIT_STATUS   prints "PASSED FAILED SKIPPED WHY": the counts, and what is wrong besides lines "not ok"
#
# Nothing that went wrong may look like success: a plan that is missing, short or passed, an exit status that is not 0
# without a line "not ok", a program that bailed out, each counts as a failure. cmocka prints one plan a group: they add up.

tap_count() {
  LC_ALL=C awk -v status="$2" '
    /^1\.\.[0-9]+/ {
      plans++
      planned += substr($1, 4)
      if ($1 == "1..0" && tolower($0) ~ /# *skip/) whole++
    }
    /^ok([ \t]|$)/ { seen++; if (tolower($0) ~ /# *skip/) skipped++; else passed++ }
    /^not ok([ \t]|$)/ { seen++; if (tolower($0) ~ /# *skip/) skipped++; else failed++ }
    /^Bail out!/ { why = why "; bailed out" }
    END {
      said = failed + 0
      if (why != "") failed++
      if (!plans) { failed++; why = why "; printed no plan" }
      else if (seen < planned) { failed += planned - seen; why = why "; " planned - seen " of " planned " tests did not run" }
      else if (seen > planned) { failed++; why = why "; " seen - planned " more tests than planned" }
      if (status == 124 || status == 137) { if (!failed) failed++; why = why "; timed out or was killed" }
      else if (status > 128) { if (!failed) failed++; why = why "; crashed with signal " status - 128 }
      else if (status != 0 && !said) { if (!failed) failed++; why = why "; exit status " status }
      printf "%d %d %d %s\n", passed, failed, skipped + whole, substr(why, 3)
    }' "$1"
}
