#!/bin/bash
# The rules of the house that a program can check: who may include whom, what may not be called, headers that stand alone.
cd "$(dirname "$0")/../.." || exit 2
n=0

# NAME, then what breaks the rule on standard input, a line each
check() {
  local found
  found=$(cat)
  n=$((n + 1))
  if [[ $found ]]; then
    echo "not ok $n - $1"
    printf '%s\n' "$found" | head -n 20 | sed 's/^/# /'
    failed=1
  else
    echo "ok $n - $1"
  fi
}

# FOLDER ALLOWED...: the quoted includes of the folder's files that are in none of the allowed folders
includes() {
  local folder=$1 allowed
  shift
  allowed=$(IFS='|'; echo "$*")
  [[ -d $folder ]] && grep -rn --include='*.[ch]' '^ *# *include *"' "$folder" | grep -vE "include *\"($allowed)/"
}

sources() {
  find base plans state engine tools tests -name '*.[ch]' "$@"
}

banned() {
  sources -exec grep -nE '(^|[^A-Za-z0-9_])(sprintf|vsprintf|strcpy|strcat|strncpy|strncat|strtok|atoi|atol|sscanf|gets|localtime|system|popen) *\(' {} + |
    grep -vE ':[0-9]+: *(/?\*|//)'
}

lone_headers() {
  local header
  for header in $(sources -name '*.h' -not -path 'tests/*'); do
    gcc -std=gnu11 -D_GNU_SOURCE -I. -fsyntax-only -x c "$header" 2>&1 | grep -m 1 error
  done
}

check "base includes nothing but base" < <(includes base base)
check "plans look down to base only" < <(includes plans plans base)
check "state looks down to base only" < <(includes state state base)
check "engine/aws looks down to base only" < <(includes engine/aws engine/aws base)
check "the engine does not look up to tools" < <(includes engine engine plans state base)
# A benchmark compares the store with bare SQLite.
check "only state knows SQL" < <(sources -not -path 'state/*' -not -path 'tests/*' -not -path 'tools/benchmarks/*' -exec grep -n 'include *<sqlite3.h>' {} +)
check "no banned function is called" < <(banned)
check "cloudsim takes no memory but what ends it where there is none" < <(find tools/cloudsim -name '*.c' -not -name alloc.c -exec grep -nE \
  '(^|[^A-Za-z0-9_])([mc]alloc|realloc(array)?|strn?dup|v?asprintf|af_str_dup|af_buf_done|af_buf_reset|XML_ParserCreate) *\(' {} +)
check "every file begins by saying what it is" < <(sources -exec grep -LE '^/\*' {} +)
check "every header compiles alone" < <(lone_headers)
echo "1..$n"
exit ${failed:-0}
