#!/usr/bin/env bash
# The phpt suite and the tests of threads against a thread-safe PHP with the engine's debug checks, which
# report what leaks: tests/run-zts.sh [VERSION]. scripts/php-build.sh builds that PHP; the extension for it lies apart from the host's.
set -euo pipefail
cd "$(dirname "$0")/.."

version=${1:-8.4}
prefix=$(scripts/php-build.sh "$version" zts-debug)
export PHP_WITHOUT_THREADS=${PHP:-php}
export PHP=$prefix/bin/php PHP_CONFIG=$prefix/bin/php-config
host=${CARGO_TARGET_DIR:-target}
PROMSHM_WITHOUT_THREADS=$(realpath -- "$host/release/libpromshm.so")
export PROMSHM_WITHOUT_THREADS CARGO_TARGET_DIR=$host/zts
[ "$version" = 8.4 ] || CARGO_TARGET_DIR+=-$version
export PROMSHM_EXTENSION=$CARGO_TARGET_DIR/release/libpromshm.so

scripts/seed-target.sh "$host/release" "$CARGO_TARGET_DIR/release"

# The tests below need both: without them they would pass without testing anything.
"$PHP" -n -r 'exit(PHP_ZTS && PHP_DEBUG ? 0 : 1);' || { echo "$PHP is not thread-safe with debug checks" >&2; exit 1; }
# Of the whole workspace: with the features of one crate alone others would be built again.
cargo build --release --locked --workspace --lib

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0 passed=0 failed=0 skipped=0
run() {
  "$@" 2>&1 | tee "$log" || status=1
  local counts
  counts=$(grep -E '[0-9]+ passed' "$log" | tail -n 1)
  passed=$((passed + $(number passed))) failed=$((failed + $(number failed))) skipped=$((skipped + $(number skipped)))
}
number() { grep -oE "[0-9]+ $1" <<<"$counts" | grep -oE '[0-9]+' || echo 0; }

run tests/run-phpt.sh "$PROMSHM_EXTENSION"
run env PYTHONDONTWRITEBYTECODE=1 .cache/venv/bin/python -m pytest tests/zts
[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
echo "zts: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
