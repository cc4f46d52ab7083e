#!/usr/bin/env bash
# PHP's own tests of its engine, with every function observed: tests/run-php-src.sh [VERSION [TEST...]]
#
# They run without observing, with `*, *::*` observed, and both again with opcache and the tracing JIT, which compiles at
# the first call. A test that fails only when functions are observed has to be on the list tests/php-src/expected.txt,
# with its cause, or one of those that print compiled code: there the two calls show that are added to a function.
#
# VERSION is that of PHP; the default is the host's. Environment: PHP and PHP_CONFIG; PROMSHM_EXTENSION;
# PROMSHM_PHP_SOURCE, a php-VERSION.*.tar.xz, instead of fetching one; JOBS; PHP_SRC_TESTS, which of its folders (Zend/tests);
# PHP_SRC_MODES (interpreter jit).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

php=$(command -v "${PHP:-php}") || fail "there is no ${PHP:-php}"
version=${1:-$("$php" -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')}
shift || true
extension=$(realpath -- "${PROMSHM_EXTENSION:-${CARGO_TARGET_DIR:-target}/release/libpromshm.so}")
cache=${PROMSHM_PHP_CACHE:-${CARGO_TARGET_DIR:-target}/php}
expected=$PWD/tests/php-src/expected.txt
folders=${PHP_SRC_TESTS:-Zend/tests}

"$php" -n -d "extension=$extension" -r 'exit(extension_loaded("promshm") ? 0 : 1);' || fail "$php does not load $extension"

see_to_source() {
  [ -d "$cache/source/$version" ] && return
  local work
  work=$(mktemp -d "$cache/fetching.XXXXXX")
  . scripts/php-source.sh
  (
    cd "$work"
    if [ -n "${PROMSHM_PHP_SOURCE:-}" ]; then cp "$PROMSHM_PHP_SOURCE" php.tar.xz; else fetch_source; fi
    mkdir source
    tar -xJf php.tar.xz -C source --strip-components=1
  ) >&2
  mkdir -p "$cache/source"
  mv "$work/source" "$cache/source/$version"
  rm -rf "$work"
}

mkdir -p "$cache"
cache=$(realpath -- "$cache")
see_to_source

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -a "$cache/source/$version" "$work/source" # tests write beside themselves
cd "$work/source"

# A file, because some tests hand the settings to a server through a shell, which takes quoted lists apart.
printf '*\n*::*\n' >"$work/list"
observed=(-d "extension=$extension" -d "promshm.observe_file=$work/list" -d promshm.segment=sysv:0x70687073)
jit=(-d zend_extension=opcache -d opcache.enable_cli=1 -d opcache.jit=tracing -d opcache.jit_buffer_size=64M)
for count in loop func return side_exit; do jit+=(-d "opcache.jit_hot_$count=1"); done

# An IPC namespace of its own: no segment is left behind, and none of others is met.
apart=()
if unshare --ipc true 2>/dev/null; then apart=(unshare --ipc); fi

# A run in which nothing is observed would find nothing.
cat >"$work/observed.php" <<'EOP'
<?php
function observed() {}
observed();
abs(-1);
exit(preg_match_all('/_count\{function="(observed|abs)"\} 1$/m', Promshm\Segment::render()) === 2 ? 0 : 1);
EOP
"${apart[@]}" "$php" -n "${observed[@]}" "$work/observed.php" || fail "$php does not observe functions"

run() { # name tests... -- settings...
  local name=$1 tests=()
  shift
  while [ "$1" != -- ]; do tests+=("$1") && shift; done
  shift
  "${apart[@]}" nice -n 10 "$php" run-tests.php -q -n -p "$php" "$@" "-j${JOBS:-2}" --no-color --no-progress -g BORK \
    --set-timeout 60 -W "$work/$name" "${tests[@]}" </dev/null >"$work/$name.log" 2>&1 || true
  [ -s "$work/$name" ] || { tail -n 20 "$work/$name.log" >&2 && fail "$name: no test ran"; }
}

of() { grep -P "^($1)\t" "$work/$2" | cut -f2 | sort || true; }

# What fails in the second run and passes in the first. Each is tried again alone, both ways, because some of PHP's tests
# depend on time or on each other.
new_failures() { # run settings...
  local name=$1 test
  shift
  comm -12 <(of PASSED "$name") <(of 'FAILED|BORKED|WARNED|LEAKED' "$name-observed") >"$work/suspects"
  while read -r test; do
    JOBS=1 run again "$test" -- "$@"
    JOBS=1 run again-observed "$test" -- "$@" "${observed[@]}"
    if [ -n "$(of PASSED again)" ] && [ -z "$(of PASSED again-observed)" ]; then
      echo "$test"
      if [ -f "${test%.phpt}.diff" ]; then sed "s/^/    /" "${test%.phpt}.diff" | head -n 30 >&2; fi
    fi
  done <"$work/suspects"
}

tests=("$@")
[ ${#tests[@]} -gt 0 ] || read -ra tests <<<"$folders"
failed=0 passed=0
prints_code() { grep -q '^opcache.opt_debug_level=' "$1"; }
for mode in ${PHP_SRC_MODES:-interpreter jit}; do
  settings=()
  [ "$mode" = interpreter ] || settings=("${jit[@]}")
  run "$mode" "${tests[@]}" -- "${settings[@]}"
  run "$mode-observed" "${tests[@]}" -- "${settings[@]}" "${observed[@]}"
  [ -n "$(of PASSED "$mode")" ] || { tail -n 20 "$work/$mode.log" >&2 && fail "$mode: no test passes without observing"; }
  passed=$((passed + $(of PASSED "$mode-observed" | wc -l)))
  new_failures "$mode" "${settings[@]}" >"$work/new"
  say "$version, $mode: $(of PASSED "$mode" | wc -l) tests pass without observing, $(wc -l <"$work/new") of them fail with it"
  while read -r test; do
    if why=$(grep -F "${test#"$PWD"/}: " "$expected"); then say "  expected: $why"
    elif prints_code "$test"; then say "  prints compiled code: ${test#"$PWD"/}"; else
      say "  NEW: ${test#"$PWD"/}"
      failed=$((failed + 1))
    fi
  done <"$work/new"
done
[ "$passed" -gt 0 ] || failed=$((failed + 1))
echo "php-src: $passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
