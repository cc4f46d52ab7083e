#!/usr/bin/env bash
# Sees to containerd and Docker of this machine's Debian, unpacked into target/runtimes and not installed: installing them
# would start both. The tests of real cgroup paths start their own.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

missing=()
have runc || missing+=(runc)
have catatonit || missing+=(catatonit)
have curl || missing+=(curl)
[ -x /lib/systemd/systemd ] || missing+=(systemd)
[ -x /usr/bin/php ] || missing+=(php-cli)
install_packages ${missing[@]+"${missing[@]}"}

into=$(realpath -m "${CARGO_TARGET_DIR:-target}")/runtimes
[ ! -x "$into/usr/sbin/dockerd" ] || exit 0
say "Fetching containerd and Docker into $into ..."
rm -rf "$into"
mkdir -p "$into/packages"
quietly apt_get update
(cd "$into/packages" && quietly apt-get -o APT::Sandbox::User="$(id -un)" download containerd docker.io)
for package in "$into"/packages/*.deb; do dpkg-deb --extract "$package" "$into/unpacked"; done
rm -rf "$into/packages"
mv "$into/unpacked/usr" "$into/usr"
rm -rf "$into/unpacked"
