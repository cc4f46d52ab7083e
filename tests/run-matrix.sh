#!/usr/bin/env bash
# The extension's tests on each PHP, thread-safe or not, on glibc and musl: tests/run-matrix.sh [CELL]...
#
# A cell is named like 8.4-zts-musl-x86_64; beside them are apache, for a server of threads, static, for a program with the
# extension in it, arm64, for what is the same for each PHP, frameworks-trixie and frameworks-sid, for the Composer library
# with the frameworks of newer Debians, runtimes, for containerd and Docker, and pie, if PIE names a checkout of it. Without
# names all that this machine can run are run. What each did goes into tests/matrix/last-run.json, and from there into
# docs/install.md: tests/matrix/table.py. Ends with the table. Wants root, for chroot.
#
# What is set up is kept in PROMSHM_PHP_CACHE (default: target/php), so a second run is quick. The first one builds
# twelve PHPs from source.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

host=$(php-config --version | cut -d. -f1,2)-nts-glibc-$(uname -m)

run_cell() { # php threads libc machine
  case $1-$2-$3-$4 in
    "$host") make --no-print-directory phpt ;;
    *-nts-glibc-x86_64) tests/matrix/debian.sh "$1" ;;
    *-zts-glibc-x86_64) tests/run-zts.sh "$1" ;;
    *-musl-x86_64) tests/matrix/alpine.sh "$1" "$2" ;;
    *-nts-glibc-arm64) tests/matrix/arm64.sh "$1" phpt ;;
    arm64---) tests/matrix/arm64.sh 8.4 rest ;;
    apache---) tests/run-apache.sh 8.4 ;;
    frameworks-*--) tests/matrix/debian.sh 8.4 "$2" ;;
    static---) tests/run-static.sh 8.4 ;;
    runtimes---) make --no-print-directory runtimes ;;
    pie---) tests/run-pie-install.sh ;;
    *) fail "There is nothing here to run $1-$2-$3-$4 on" ;;
  esac
}

# The counts of a step's last line.
number() { { grep -E '[0-9]+ passed' "$log" || true; } | tail -n 1 | grep -oE "[0-9]+ $1" | grep -oE '[0-9]+' || echo 0; }

# `make` says this, too: the tests of threads want it, and it is the same for each PHP.
PROMSHM_EXPORTER=${PROMSHM_EXPORTER:-$(realpath -m -- "${CARGO_TARGET_DIR:-target}")/release/promshm-exporter}
export PROMSHM_EXPORTER

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0
if [ $# -eq 0 ]; then
  mapfile -t cells < <(tests/matrix/table.py runnable)
  set -- "${cells[@]}"
fi
[ $# -gt 0 ] || fail 'matrix: there are no cells'
for cell; do
  say "== $cell"
  status=0
  IFS=- read -r php threads libc machine <<<"$cell"
  (run_cell "$php" "$threads" "$libc" "$machine") 2>&1 | tee "$log" || status=1
  # scripts/php-build.sh and arm64.sh say so: nothing was wrong with ours.
  if missing=$(grep -oE 'No (source|package) of PHP [0-9.]+ is to be had[^:]*' "$log"); then
    tests/matrix/table.py missing "$cell" "${missing,}"
    continue
  fi
  more=$(number failed)
  if [ "$more" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$(number passed)" -eq 0 ]; }; then more=1; fi
  tests/matrix/table.py record "$cell" "$(number passed)" "$more" "$(number skipped)"
  passed=$((passed + $(number passed))) failed=$((failed + more)) skipped=$((skipped + $(number skipped)))
done
tests/matrix/table.py write
tests/matrix/table.py
say "matrix: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
