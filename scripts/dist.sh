#!/usr/bin/env bash
# Packs a release into target/dist, for the PHP and the machine at hand: scripts/dist.sh [exporter|extension]...
#
# php_promshm-VERSION_phpX.Y-ARCH-linux-glibc-nts.tgz  as PIE looks for it; -zts for thread-safe PHP
# promshm-exporter-VERSION-ARCH-linux.tar.gz           the static exporter and its systemd unit
# promshm-exporter-VERSION-ARCH-linux.cdx.json         what the exporter is made of
# SHA256SUMS
#
# DIST_BUILT: a folder with promshm-exporter, its .cdx.json and promshm.so, to pack what was built before
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

target=${CARGO_TARGET_DIR:-target}
dist=$target/dist
version=$(sed -nE 's/^version = "(.*)"$/\1/p' Cargo.toml | head -n 1)
arch=$(uname -m)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
built=${DIST_BUILT:-$scratch/built}

# The same bytes from the same input, so that a release can be compared.
pack() { # archive folder
  tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}" \
    -C "$2" -c . | gzip -n9 >"$dist/$1"
  say "$dist/$1"
}

exporter() {
  local name=promshm-exporter-$version-$arch-linux
  mkdir -p "$scratch/exporter/$name"
  cp "$built/promshm-exporter" packaging/promshm-exporter.service LICENSE-* docs/metrics.md "$scratch/exporter/$name/"
  pack "$name.tar.gz" "$scratch/exporter"
  cp "$built/promshm-exporter.cdx.json" "$dist/$name.cdx.json"
}

extension() {
  local php
  php=$("${PHP:-php}" -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION, " ", PHP_DEBUG ? "-debug" : "", PHP_ZTS ? "-zts" : "-nts";')
  mkdir -p "$scratch/extension"
  cp "$built/promshm.so" LICENSE-* "$scratch/extension/"
  pack "php_promshm-${version}_php${php% *}-$arch-linux-glibc${php#* }.tgz" "$scratch/extension"
}

[ $# -gt 0 ] || set -- exporter extension
rm -rf "$dist"
mkdir -p "$dist"
for what; do
  [ -n "${DIST_BUILT:-}" ] || scripts/release-build.sh "$what" "$built"
  "$what"
done
cd "$dist"
sha256sum -- * >"$scratch/sums"
mv "$scratch/sums" SHA256SUMS
