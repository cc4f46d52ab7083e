#!/usr/bin/env bash
# Checks the dependencies: licences, bans and sources always; advisories where their database can be had.
#
# The first three results depend only on the manifests, Cargo.lock and deny.toml. So where cargo-deny is missing,
# which takes minutes to build, and these are as they were when it last had nothing against them, that is the answer:
# deny.checked holds their checksum. A run that passes writes it anew, but not in CI.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

checked=deny.checked

# Of all that the answer depends on; the packages' descriptions of others are fixed by Cargo.lock.
checksum() {
  local files
  mapfile -t files < <(git ls-files -- Cargo.lock deny.toml Cargo.toml '*/Cargo.toml')
  [ ${#files[@]} -gt 3 ] || fail "deny: the manifests are not found"
  sha256sum -- "${files[@]}" | sha256sum | cut -d' ' -f1
}

now=$(checksum)
if ! have_cargo_tool cargo-deny && [ "$(cat "$checked" 2>/dev/null)" = "$now" ]; then
  say "deny: no dependency has changed since licences, bans and sources were checked; cargo-deny is not here to look again"
  say "deny: 1 passed, 0 failed"
  exit
fi
cargo_tool cargo-deny 0.20.2 0

checks=(licenses bans sources)
if timeout 120 cargo deny --log-level off fetch db >/dev/null 2>&1; then
  checks+=(advisories)
else
  say "deny: ADVISORIES ARE NOT CHECKED: their database cannot be reached from here"
fi

passed=0 failed=0
for check in "${checks[@]}"; do
  if cargo deny --log-level warn check "$check"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
if [ "$failed" -eq 0 ] && [ "$(cat "$checked" 2>/dev/null)" != "$now" ]; then
  if [ -n "${CI:-}" ]; then say "deny: $checked is out of date: make deny writes it"; else echo "$now" >"$checked"; fi
fi
say "deny: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
