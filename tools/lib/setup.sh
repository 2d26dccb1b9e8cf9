# Getting ready: the Debian packages, and the builds. Sourced by the programs in tools/; runs nothing by itself.
#
#   setup_packages build test    installs what is missing of these groups; says so; quiet where nothing is
#   setup_build DIR [ARG]...     makes or renews the build in DIR, with meson's arguments (and CC=clang before it)
#
# Needs bash and Debian 12's base only. Debian's own programs come first in PATH: another python3 of the user's has not
# the modules that are installed here.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 2
export PATH=/usr/bin:/bin:/usr/sbin:/sbin:$PATH
unset PYTHONPATH PYTHONHOME

# The README's table of packages matches this one. group, package, reason.
setup_table() {
  cat <<'TABLE'
build     gcc                   compiles it
build     libc6-dev             the C library's headers
build     meson                 configures the build
build     ninja-build           runs the build
build     pkg-config            finds the libraries
build     libcurl4-openssl-dev  HTTP to AWS
build     libssl-dev            signatures, digests, wiping of secrets
build     libsqlite3-dev        the durable record
build     libjansson-dev        JSON
build     libexpat1-dev         XML in AWS's replies
build     libyaml-dev           YAML manifests
build     libmicrohttpd-dev     cloudsim's HTTP server
test      clang                 the second compiler, whose warnings and sanitizers differ
test      libclang-rt-14-dev    clang's address and undefined-behaviour sanitizers, and libFuzzer
test      libcmocka-dev         unit tests
test      valgrind              leaks and uninitialised memory
test      python3               end-to-end tests
test      python3-boto3         an AWS SDK, as a second opinion on cloudsim
test      awscli                the AWS command line, as a second opinion on cloudsim
test      sqlite3               looks into the database from outside
coverage  gcovr                 sums up gcov's counts
TABLE
}

setup_say() {
  printf '%s\n' "$*" >&2
}

# The packages of the groups, those only that are not installed.
setup_missing() {
  local group package _ wanted=" $* "
  setup_table | while read -r group package _; do
    [[ $wanted == *" $group "* ]] || continue
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || printf '%s\n' "$package"
  done
}

setup_packages() {
  local missing as_root=()
  if ! command -v dpkg-query >/dev/null; then
    setup_say "setup: this is no Debian: have these installed under the names of your system:" \
      $(setup_table | awk '{print $2}')
    return 0
  fi
  mapfile -t missing < <(setup_missing "$@")
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      setup_say "setup: become root and run: apt-get install --no-install-recommends ${missing[*]}"
      return 1
    fi
    as_root=(sudo)
  fi
  setup_say "setup: installing with apt-get: ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q update >&2 || setup_say "setup: apt-get update failed; trying with what is known"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "${missing[@]}" >&2 && return 0
  setup_say "setup: apt-get could not install them: see above"
  return 1
}

# A build whose arguments changed is made anew: meson would keep the old ones. The arguments stand in DIR/setup-arguments.
setup_build() {
  local dir=$root/$1 wanted="CC=${CC:-gcc} ${*:2}" log
  log=$(mktemp) || return 1
  if [[ ! -f $dir/build.ninja || $(cat "$dir/setup-arguments" 2>/dev/null) != "$wanted" ]]; then
    rm -rf "$dir"
    if ! CC=${CC:-gcc} meson setup "$dir" "$root" "${@:2}" >"$log" 2>&1; then
      tail -n 40 "$log" >&2
      rm -f "$log"
      return 1
    fi
    printf '%s' "$wanted" >"$dir/setup-arguments"
  fi
  if ! ninja -C "$dir" >"$log" 2>&1; then
    grep -v '^\[[0-9]*/' "$log" | tail -n 80 >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}
