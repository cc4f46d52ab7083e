#!/usr/bin/env bash
# Runs the phpt suite against a built extension.
#
#   tests/run-phpt.sh [EXTENSION.so [TEST.phpt...]]
#
# PHP names the interpreter (default: php), JOBS the number of workers. PHP_UNDER_TEST may name a
# program that runs that interpreter, under valgrind for instance; run-tests.php itself runs without it.
# run-tests.php calls a run in which every test was skipped a success, as happens
# when the extension does not load. So this script looks before and counts after.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
php=$(command -v "${PHP:-php}") || { echo "there is no ${PHP:-php}" >&2; exit 1; }
extension=$(realpath -- "${1:-${CARGO_TARGET_DIR:-$root/target}/release/libpromshm.so}")
shift || true
tests=("${@##*/}")
tests=("${tests[@]/#/php-tests/}")
[ ${#tests[@]} -gt 0 ] || tests=(php-tests)

# Skips that are expected, one a line: "test.phpt: why". Debian's PHP needs none.
allowed_skips="$root/tests/allowed-skips.txt"

# Finds run-tests.php beside this PHP's own headers and build files.
find_run_tests() {
  local config=${PHP_CONFIG:-php-config} prefix api
  prefix=$("$config" --prefix) api=$("$config" --phpapi)
  # Debian has several PHPs below one prefix, by their module API.
  { find "$prefix/lib/php/$api" "$prefix/lib/php" -path '*/build/run-tests.php' 2>/dev/null || true; } | sed -n 1p
}

check_extension() {
  "$php" -n -d "extension=$extension" -r 'exit(extension_loaded("promshm") ? 0 : 1);' || {
    echo "$php does not load $extension" >&2
    exit 1
  }
}

# Checks that run-tests.php does not make: two tests on one key, a test without a description.
check_tests() {
  local test keys
  keys=$(grep -hoE 'PROMSHM_RUN\}[0-9a-f]+' "$root"/php-tests/*.phpt | sort | uniq -d)
  [ -z "$keys" ] || { echo "more than one test uses the key $keys" >&2; exit 1; }
  for test in "$root"/php-tests/*.phpt; do
    grep -q '^--DESCRIPTION--' "$test" || { echo "$test does not say why it exists" >&2; exit 1; }
    ! grep -q '^promshm.segment=' "$test" || grep -q '^--CLEAN--' "$test" || {
      echo "$test does not remove its segment" >&2
      exit 1
    }
  done
}

# The number of tests in the result list with a given outcome.
count() {
  grep -cE "^($1)"$'\t' "$results" || true
}

unexpected_skips() {
  { grep -P '^SKIPPED\t' "$results" || true; } | cut -f2 | while read -r test; do
    grep -q "^$(basename "$test"):" "$allowed_skips" || echo "$test"
  done
}

run_tests=$(find_run_tests)
[ -n "$run_tests" ] || { echo "run-tests.php is missing: install php-dev" >&2; exit 1; }
check_extension
check_tests

# run-tests.php writes beside the tests. Other runs of the suite may be under way, with another PHP or under
# valgrind, so each has tests of its own.
work=$(mktemp -d)
results=$work/results
trap 'rm -rf "$work"' EXIT
mkdir "$work/ext" "$work/php-tests"
cp "$run_tests" "$work/run-tests.php" # which writes beside itself
cp "$root"/php-tests/*.phpt "$root"/php-tests/*.inc "$work/php-tests/"
cp "$root/ext/promshm.stub.php" "$work/ext/"

# Five hex digits of every key, so that runs beside each other do not meet.
PROMSHM_RUN=$(printf '%05x' $(((RANDOM << 15 | RANDOM) % 0x70000 + 0x10000)))
under_test=${PHP_UNDER_TEST:-$php}
export PROMSHM_RUN NO_INTERACTION=1 TEST_PHP_EXECUTABLE=$under_test

status=0
cd "$work"
"$php" "$work/run-tests.php" -q -n -p "$under_test" -d "extension=$extension" "-j${JOBS:-2}" \
  -g FAIL,XFAIL,BORK,WARN,LEAK,SKIP --no-color --no-progress --show-diff --set-timeout "${TEST_TIMEOUT:-600}" \
  -W "$results" "${tests[@]}" </dev/null || status=$?

passed=$(count PASSED)
skipped=$(count SKIPPED)
failed=$(($(wc -l <"$results") - passed - skipped))
surprising=$(unexpected_skips)
if [ -n "$surprising" ]; then
  echo "skipped, and not on the list of expected skips: $surprising"
  failed=$((failed + $(wc -w <<<"$surprising")))
  skipped=$((skipped - $(wc -w <<<"$surprising")))
fi
if [ "$failed" -eq 0 ] && { [ "$passed" -eq 0 ] || [ "$status" -ne 0 ]; }; then
  echo "run-tests.php ended with $status and $passed passed tests"
  failed=$((failed + 1))
fi
if [ "$failed" -gt 0 ]; then
  trap - EXIT
  echo "What the failed tests left behind: $work"
fi
echo "phpt: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
