#!/bin/bash
# tools/lib/tap.sh: nothing that went wrong in a test program may look like success.
. "$(dirname "$0")/../../tools/lib/tap.sh"

n=0
file=$(mktemp)
trap 'rm -f "$file"' EXIT

# NAME STATUS OUTPUT WANTED
check() {
  printf '%b' "$3" >"$file"
  local got
  got=$(tap_count "$file" "$2")
  n=$((n + 1))
  if [[ $got == "$4" ]]; then
    echo "ok $n - $1"
  else
    echo "not ok $n - $1"
    echo "# wanted: $4"
    echo "# got:    $got"
    failed=1
  fi
}

check "lines are counted" 0 '1..2\nok 1 - a\nok 2\n' '2 0 0 '
check "a failed line is counted, and its exit status is not a second failure" 1 '1..2\nok 1 - a\nnot ok 2 - b\n' '1 1 0 '
check "a failed line fails even with exit status 0" 0 '1..1\nnot ok 1\n' '0 1 0 '
check "a skipped test is neither passed nor failed" 0 '1..3\nok 1 # SKIP no key\nnot ok 2 # SKIP b\nok 3\n' '1 0 2 '
check "a program that skips everything is one skipped test" 0 '1..0 # SKIP no network\n' '0 0 1 '
check "tests that did not run are failures" 0 '1..3\nok 1\n' '1 2 0 2 of 3 tests did not run'
check "a plan at the end counts too" 0 'ok 1\nok 2\n1..2\n' '2 0 0 '
check "plans of several groups add up" 0 '1..1\nok 1\n1..2\nok 1\nok 2\n' '3 0 0 '
check "a second group that is short is a failure" 0 '1..1\nok 1\n1..2\nok 1\n' '2 1 0 1 of 3 tests did not run'
check "more tests than planned are a failure" 0 '1..1\nok 1\nok 2\n' '2 1 0 1 more tests than planned'
check "no output at all is a failure" 0 '' '0 1 0 printed no plan'
check "all lines ok with another exit status is a failure" 3 '1..1\nok 1\n' '1 1 0 exit status 3'
check "a crash after the last line is a failure" 139 '1..1\nok 1\n' '1 1 0 crashed with signal 11'
check "a crash amid the plan is counted by the tests that did not run" 134 '1..2\nok 1\n' \
  '1 1 0 1 of 2 tests did not run; crashed with signal 6'
check "a timeout is a failure and is named" 124 '1..2\nok 1\n' '1 1 0 1 of 2 tests did not run; timed out or was killed'
check "bailing out is a failure" 0 '1..1\nok 1\nBail out! no disk\n' '1 1 0 bailed out'
check "words like okay, and subtests, are no results" 0 '1..1\nokay\n    ok 1 - sub\nnot okay\nok 1\n' '1 0 0 '
check "a result hidden behind other text is missed, and so fails" 0 '1..1\nnoise ok 1\n' '0 1 0 1 of 1 tests did not run'
check "bytes that are no text do not confuse it" 0 '1..1\n\xff\xfe\nok 1 - \xff\n' '1 0 0 '
echo "1..$n"
exit ${failed:-0}
