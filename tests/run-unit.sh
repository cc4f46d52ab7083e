#!/usr/bin/env bash
# The Rust tests: by nextest, and the examples in the documentation, which nextest does not know. Both run, even if one
# fails, and each must have run something.
#
#   tests/run-unit.sh [cargo's words]     such as: -p promshm-segment
set -uo pipefail
cd "$(dirname "$0")/.." || exit

log=$(mktemp)
trap 'rm -f "$log"' EXIT
[ $# -gt 0 ] || set -- --workspace

status=0
cargo nextest run --locked "$@" 2>&1 | tee "$log" || status=1
# A long run: 12 tests run: 10 passed (1 slow), 2 failed, 3 skipped
counted() { grep -E 'Summary .* tests? run:' "$log" | grep -oE "[0-9]+ $1" | grep -oE '[0-9]+' || echo 0; }
passed=$(counted passed) failed=$(($(counted failed) + $(counted 'timed out'))) skipped=$(counted skipped)
[ "$passed" -gt 0 ] || status=1

cargo test --doc --quiet --locked -p promshm-segment -p promshm-exposition 2>&1 | tee "$log" || status=1
examples=$(sed -nE 's/^test result: .* ([0-9]+) passed; .*/\1/p' "$log" | awk '{ sum += $1 } END { print sum + 0 }')
broken=$(sed -nE 's/^test result: .* ([0-9]+) failed; .*/\1/p' "$log" | awk '{ sum += $1 } END { print sum + 0 }')
[ "$examples" -gt 0 ] || { echo "unit: no example of the documentation was run"; status=1; }

passed=$((passed + examples)) failed=$((failed + broken))
[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
echo "unit: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
