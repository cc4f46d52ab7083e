#!/usr/bin/env bash
# Proofs by tools that see more than a test run does: loom, Miri, and two sanitizers. Each says how
# much it ran, and fails if that was nothing. Twenty minutes, most of them Miri's.
#
#   segment/proofs.sh [loom|miri|asan|tsan ...]     all of them without arguments
set -uo pipefail
cd "$(dirname "$0")/.." || exit
. scripts/lib.sh

toolchain=${PROMSHM_NIGHTLY:-nightly}
host=$(rustc -vV | sed -n 's/^host: //p')
# One directory for each: their flags rebuild everything. Relative ones are cargo's own business.
base=$(realpath -m "${CARGO_TARGET_DIR:-target}")
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Runs a command, then takes the sum of a number that it prints in many lines.
proof() { # name what pattern command...
  local name=$1 what=$2 pattern=$3 count
  shift 3
  if ! CARGO_TARGET_DIR=$base/proofs-$name "$@" >"$log" 2>&1; then
    cat "$log"
    fail "proofs: $name: FAILED"
  fi
  count=$(sed -nE "s/$pattern/\1/p" "$log" | awk '{ sum += $1 } END { print sum + 0 }')
  [ "$count" -gt 0 ] || fail "proofs: $name: ran nothing"
  say "proofs: $name: $count $what"
}

passed='^test result: ok\. ([0-9]+) passed.*'

# A component that is missing is fetched; where that is impossible the step says so and fails.
component() {
  rustup +"$toolchain" component list --installed 2>/dev/null | grep -q "^$1" ||
    quietly rustup component add --toolchain "$toolchain" "$1"
}

loom() {
  proof loom 'executions explored' '^.*proof: .*: ([0-9]+) executions.*' \
    env RUSTFLAGS='--cfg loom' CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo test --locked -p promshm-segment --lib --release proofs -- --nocapture
  sed -nE 's/^.*(proof: .*: [0-9]+ executions.*)/  \1/p' "$log"
}

miri() {
  component miri
  component rust-src
  # The clock is read when a series begins.
  export MIRIFLAGS=-Zmiri-disable-isolation
  # The reader of two halves looks at so many pages that it takes hours with large ones.
  proof miri 'tests of the reader of two halves interpreted' "$passed" env PROMSHM_SMALL_PAGES=1 \
    cargo +"$toolchain" miri test --locked -p promshm-segment --lib -- reader::tests::halves
  # What only computes is left out: Miri changes the last digits of mathematical functions at random.
  proof miri 'tests interpreted' "$passed" cargo +"$toolchain" miri test --locked -p promshm-segment --lib -- \
    --skip reader::tests::halves --skip native:: --skip buckets::
}

asan() {
  proof asan 'tests under AddressSanitizer' "$passed" env RUSTFLAGS=-Zsanitizer=address \
    cargo +"$toolchain" test --locked --target "$host" -p promshm-segment --lib --test counting --test corruption --test records
}

# ThreadSanitizer has to see the standard library's own locks, so that is built too.
tsan() {
  component rust-src
  proof tsan 'tests under ThreadSanitizer' "$passed" env RUSTFLAGS=-Zsanitizer=thread \
    cargo +"$toolchain" test --locked -Zbuild-std --target "$host" -p promshm-segment --lib
}

[ $# -gt 0 ] || set -- loom miri asan tsan
for step in "$@"; do
  case $step in
  loom | miri | asan | tsan) "$step" ;;
  *) fail "proofs: no such proof: $step" ;;
  esac
done
