#!/usr/bin/env bash
# Sees to a Prometheus 3 beside the system's: Debian sid's, unpacked into target/prometheus-3, and not installed.
# PROMSHM_PROMETHEUS_3 names another one.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

[ -z "${PROMSHM_PROMETHEUS_3:-}" ] || exit 0
into=$(realpath -m "${CARGO_TARGET_DIR:-target}")/prometheus-3
[ ! -x "$into/usr/bin/prometheus" ] || exit 0
{ have apt-get && have dpkg-deb; } || fail 'prometheus3: needs apt-get, or PROMSHM_PROMETHEUS_3=/path/to/prometheus'
say "Fetching Debian sid's Prometheus into $into ..."
rm -rf "$into"
# apt's state is its own, so the system's is left alone, and no root is needed.
mkdir -p "$into/apt/lists/partial" "$into/apt/cache/archives/partial"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
mirror=${PROMSHM_PHP_MIRROR:-http://deb.debian.org/debian}
echo "deb [signed-by=$keyring] $mirror sid main" >"$into/apt/sources.list"
: >"$into/apt/status"
apt() {
  apt-get -qq -o Dir::State="$into/apt" -o Dir::State::Lists="$into/apt/lists" -o Dir::State::Status="$into/apt/status" \
    -o Dir::Cache="$into/apt/cache" -o Dir::Etc::SourceList="$into/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o APT::Sandbox::User="$(id -un)" "$@"
}
quietly apt update
(cd "$into/apt" && quietly apt download prometheus)
dpkg-deb --extract "$into"/apt/prometheus_*.deb "$into/unpacked"
rm -rf "$into/apt"
mv "$into/unpacked/usr" "$into/usr"
"$into/usr/bin/prometheus" --version >/dev/null
