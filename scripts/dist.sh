#!/usr/bin/env bash
# Packs a release into target/dist, for the PHP and the machine at hand: scripts/dist.sh [exporter|extension]...
#
# php_promshm-vVERSION_phpX.Y-MACHINE-linux-LIBC[-debug][-zts].tgz   promshm.so, as PIE looks for it (scripts/abi-name.sh)
# promshm-symbols-…                                                  its symbols, for debuggers and profilers
# promshm-exporter-VERSION-ARCH-linux.tar.gz                         the static exporter and its systemd unit
# promshm-exporter-VERSION-ARCH-linux.cdx.json                       what the exporter is made of
# .deb and .rpm                                                      of both (scripts/packages.sh)
# SHA256SUMS
#
# DIST_BUILT: a folder with promshm-exporter, its .cdx.json, promshm.so and promshm.so.debug, to pack what was built before
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

target=${CARGO_TARGET_DIR:-target}
dist=$target/dist
version=$(sed -nE 's/^version = "(.*)"$/\1/p' Cargo.toml | head -n 1)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
built=${DIST_BUILT:-$scratch/built}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

# The same bytes from the same input, so that a release can be compared. No name begins with a dot: PIE unpacks by
# PHP's PharData, which fails at the folder ".".
pack() { # archive folder
  (cd "$2" && tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -c -- *) | gzip -n9 >"$dist/$1"
  say "$dist/$1"
}

exporter() {
  local arch name
  arch=$(uname -m)
  name=promshm-exporter-$version-$arch-linux
  mkdir -p "$scratch/exporter/$name"
  cp "$built/promshm-exporter" packaging/promshm-exporter.service LICENSE-* docs/metrics.md "$scratch/exporter/$name/"
  pack "$name.tar.gz" "$scratch/exporter"
  cp "$built/promshm-exporter.cdx.json" "$dist/$name.cdx.json"
}

extension() {
  local abi
  abi=$(scripts/abi-name.sh "$built/promshm.so")
  mkdir -p "$scratch/extension" "$scratch/symbols"
  cp "$built/promshm.so" LICENSE-* "$scratch/extension/"
  cp "$built/promshm.so.debug" "$scratch/symbols/"
  # The version as the tag has it: PIE takes the name of the tag.
  pack "php_promshm-v${version}_$abi.tgz" "$scratch/extension"
  pack "promshm-symbols-v${version}_$abi.tgz" "$scratch/symbols"
}

[ $# -gt 0 ] || set -- exporter extension
rm -rf "$dist"
mkdir -p "$dist"
for what; do
  [ -n "${DIST_BUILT:-}" ] || scripts/release-build.sh "$what" "$built"
  "$what"
  scripts/packages.sh "$what" "$built" "$dist"
done
cd "$dist"
sha256sum -- * >"$scratch/sums"
mv "$scratch/sums" SHA256SUMS
