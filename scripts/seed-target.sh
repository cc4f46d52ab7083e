#!/usr/bin/env bash
# Copies compiled dependencies into another build's folder: scripts/seed-target.sh FROM TO, folders of one
# profile such as target/release. Dependencies take far longer than our own crates, and cargo takes over those that it
# would build the same; it builds anew what depends on PHP, on features or on where the sources lie.
set -euo pipefail
from=$1 to=$2
[ ! -e "$to" ] && [ -d "$from/.fingerprint" ] || exit 0

mkdir -p "$to"
trap 'rm -rf "$to.seed"' EXIT
rm -rf "$to.seed"
mkdir "$to.seed"
# Cargo's own lock keeps others from building there meanwhile.
flock "$from/.cargo-lock" cp -a --reflink=auto "$from/.fingerprint" "$from/build" "$from/deps" "$to.seed/"
mv "$to.seed"/.fingerprint "$to.seed"/* "$to/"
