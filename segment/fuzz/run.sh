#!/usr/bin/env bash
# Fuzzes the reader and the writer over forged segments, from the committed corpus on.
#
#   segment/fuzz/run.sh [seconds]     30 without an argument, 1,800 under PROMSHM_SOAK=1;
#                                     PROMSHM_FUZZ_KEEP=1 keeps what is new in the corpus
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. scripts/lib.sh

seconds=${1:-$([ "${PROMSHM_SOAK:-0}" = 0 ] && echo 30 || echo 1800)}
toolchain=${PROMSHM_NIGHTLY:-nightly}
CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")/fuzz
export CARGO_TARGET_DIR
cd segment/fuzz || exit
log=$(mktemp)
found=$(mktemp -d)
trap 'rm -rf "$log" "$found"' EXIT

# What cargo-fuzz would do, which takes longer to build than all that is built here: libFuzzer sees the edges and the
# numbers compared, and AddressSanitizer the memory. With --target the flags leave build scripts and macros alone.
host=$(rustc -vV | sed -n 's/^host: //p')
flags='--cfg fuzzing -Zsanitizer=address -Ccodegen-units=1 -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4'
for kind in inline-8bit-counters pc-table trace-compares stack-depth; do
  flags+=" -Cllvm-args=-sanitizer-coverage-$kind"
done
RUSTFLAGS=$flags quietly cargo +"$toolchain" build --release --locked --target "$host" --bin segment
artifacts=artifacts/segment
mkdir -p "$artifacts"

corpora=("$found" corpus/segment)
[ "${PROMSHM_FUZZ_KEEP:-0}" = 0 ] || corpora=(corpus/segment)
# Two gigabytes would be thousands of times the segment; ten seconds thousands of times an input's time.
if ! "$CARGO_TARGET_DIR/$host/release/segment" "${corpora[@]}" -artifact_prefix="$artifacts/" -max_total_time="$seconds" \
  -max_len=600 -timeout=10 -malloc_limit_mb=64 -rss_limit_mb=2048 -print_final_stats=1 >"$log" 2>&1; then
  tail -n 60 "$log"
  fail "fuzz: FAILED; the input is in segment/fuzz/$artifacts"
fi
executions=$(sed -nE 's/^stat::number_of_executed_units: ([0-9]+)/\1/p' "$log")
coverage=$(sed -nE 's/.* cov: ([0-9]+) .*/\1/p' "$log" | tail -n 1)
# The corpus comes first; what is new begins after it.
known=$(find corpus/segment -type f | wc -l)
[ "${executions:-0}" -gt "$known" ] || { tail -n 20 "$log"; fail "fuzz: ran nothing: ${executions:-0} executions"; }
say "fuzz: $executions executions in $seconds seconds, $coverage edges covered, nothing found"
