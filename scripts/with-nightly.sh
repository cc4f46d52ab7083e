#!/usr/bin/env bash
# Runs a step that needs a nightly Rust, and counts it: scripts/with-nightly.sh NAME COMMAND...
#
# Without a nightly toolchain the step is skipped with a message; in CI it fails instead.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

name=$1
shift
if ! cargo +"${PROMSHM_NIGHTLY:-nightly}" --version >/dev/null 2>&1; then
  [ -z "${CI:-}" ] || fail "$name: needs a nightly Rust"
  say "$name: 0 passed, 0 failed, 1 skipped: needs a nightly Rust (rustup toolchain install nightly)"
  exit
fi
if "$@"; then
  say "$name: 1 passed, 0 failed"
else
  say "$name: 0 passed, 1 failed"
  exit 1
fi
