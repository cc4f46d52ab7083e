#!/usr/bin/env bash
# Runs the steps named, each a target of the Makefile, and closes with their sum.
#
# A step says "N passed, N failed" in its last lines. One that says nothing, or skipped everything,
# ran nothing, and counts as a failure, as does one that ends badly without a count.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

log=$(mktemp)
trap 'rm -f "$log"' EXIT
total_passed=0 total_failed=0 total_skipped=0
summary=()

# The number before a word in the step's last line of counts.
counted() { # word
  grep -E '[0-9]+ passed' "$log" | tail -n 1 | grep -oE "[0-9]+ $1" | head -n 1 | cut -d' ' -f1
}

run() { # step
  local step=$1 status=0 passed failed skipped started=$SECONDS
  printf '\n== %s\n' "$step"
  "${MAKE:-make}" --no-print-directory "$step" </dev/null 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  passed=$(counted passed) failed=$(counted failed) skipped=$(counted skipped)
  : "${passed:=0}" "${failed:=0}" "${skipped:=0}"
  if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$passed" -eq 0 ]; }; then
    failed=1
  fi
  total_passed=$((total_passed + passed))
  total_failed=$((total_failed + failed))
  total_skipped=$((total_skipped + skipped))
  summary+=("$(printf '%-8s %5d passed %5d failed %5d skipped %6d s' \
    "$step" "$passed" "$failed" "$skipped" $((SECONDS - started)))")
}

for step; do run "$step"; done

printf '\n'
printf '%s\n' "${summary[@]}"
printf '%d passed, %d failed, %d skipped\n' "$total_passed" "$total_failed" "$total_skipped"
[ "$total_failed" -eq 0 ] && [ "$total_passed" -gt 0 ]
