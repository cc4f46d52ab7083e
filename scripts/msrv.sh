#!/usr/bin/env bash
# Compiles everything with the oldest Rust that Cargo.toml allows, where rustup has it. Clippy looks for newer functions of
# the standard library in any case (incompatible_msrv), but knows nothing of what dependencies need.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

version=$(sed -nE 's/^rust-version = "(.*)"$/\1/p' Cargo.toml)
[ -n "$version" ] || fail "msrv: Cargo.toml names no rust-version"
if ! cargo "+$version" --version >/dev/null 2>&1; then
  [ -z "${MSRV_REQUIRED:-}" ] || fail "msrv: needs Rust $version (rustup toolchain install $version --profile minimal)"
  say "msrv: NOT TRIED: needs Rust $version (rustup toolchain install $version --profile minimal)"
  say "msrv: 0 passed, 0 failed, 1 skipped"
  exit
fi
# A folder of its own: another compiler builds all anew.
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/msrv cargo "+$version" check --workspace --all-targets --locked
say "msrv: 1 passed, 0 failed"
