#!/usr/bin/env bash
# Runs the steps named, each a target of the Makefile, and closes with their sum. Steps named after a `--`
# run one after the other too, but beside the others: long ones, with builds and files of their own. Each further
# `--` begins another row beside the others.
#
# A step says "N passed, N failed" in its last lines. One that says nothing, or skipped everything,
# ran nothing, and counts as a failure, as does one that fails without a count, or makes no progress.
#
#   STEP_IDLE     seconds that a step may neither write nor compute (default: 10 minutes)
#   STEP_SPIN     seconds that it may compute without writing (default: an hour)
set -uo pipefail
cd "$(dirname "$0")/.." || exit

work=$(mktemp -d)
touch "$work/summary" "$work/over"

# The number before a word in a step's last line of counts.
counted() { # log word
  grep -E '[0-9]+ passed' "$1" | tail -n 1 | grep -oE "[0-9]+ $2" | head -n 1 | cut -d' ' -f1
}

# Runs a step, whose output is shown while it runs or kept; its counts go into the summary. What a step
# leaves running may hold its output open: so the log is a file, not a pipe whose end one would wait for.
run() { # step show|keep
  local step=$1 log=$work/$1.log status=0 passed failed skipped started=$SECONDS
  : >"$log"
  tests/limited.py "${STEP_IDLE:-600}" "${STEP_SPIN:-3600}" "${MAKE:-make}" --no-print-directory "$step" </dev/null >"$log" 2>&1 &
  process=$!
  [ "$2" = keep ] || tail -n +1 -s 0.2 -f --pid="$process" "$log" &
  wait "$process" || status=$?
  wait "$!"
  passed=$(counted "$log" passed) failed=$(counted "$log" failed) skipped=$(counted "$log" skipped)
  : "${passed:=0}" "${failed:=0}" "${skipped:=0}"
  if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$passed" -eq 0 ]; }; then
    failed=1
  fi
  printf '%-12s %5d passed %5d failed %5d skipped %6d s\n' \
    "$step" "$passed" "$failed" "$skipped" $((SECONDS - started)) >>"$work/summary"
}

# Their output is shown after they end, so that lines of two steps do not mix.
run_beside() {
  local step
  for step; do
    run "$step" keep
    printf '%s\n' "$step" >>"$work/over"
  done
}

# Shows the parallel steps that have ended since the last call.
show_over() {
  local step
  for step in $(tail -n "+$((shown + 1))" "$work/over"); do
    printf '\n== %s, which ran beside\n' "$step"
    cat "$work/$step.log"
    shown=$((shown + 1))
  done
}

before=() beside=() rows=() shown=0
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  before+=("$1")
  shift
done
for word; do
  if [ "$word" = -- ]; then rows+=(""); else rows[-1]+=" $word" beside+=("$word"); fi
done

others=() process=
set -m # a process group for each row, which ends with this script
for row in ${rows[@]+"${rows[@]}"}; do
  # shellcheck disable=SC2086 # a row is words
  run_beside $row &
  others+=("-$!")
done
set +m
trap 'kill -- ${others[@]+"${others[@]}"} $process 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

for step in "${before[@]}"; do
  printf '\n== %s\n' "$step"
  run "$step" show
  show_over
done
waiting() { printf '%s\n' ${beside[@]+"${beside[@]}"} | grep -vxFf "$work/over" | paste -sd' '; }
[ "$shown" -eq ${#beside[@]} ] || printf '\nWaiting for what runs beside: %s\n' "$(waiting)"
wait
show_over

printf '\n'
cat "$work/summary"
awk '$4 > 0 { print $1 }' "$work/summary" | while read -r step; do
  printf '\n== %s failed. Its last lines:\n' "$step"
  tail -n 15 "$work/$step.log"
done
printf '\n'
awk -v steps=$((${#before[@]} + ${#beside[@]})) '{ passed += $2; failed += $4; skipped += $6 }
  END {
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit failed > 0 || passed == 0 || NR != steps
  }' "$work/summary"
