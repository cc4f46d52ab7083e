#!/usr/bin/env bash
# `pie install` of a release's archive, for the PHP at hand: PIE=/path/to/its/checkout tests/run-pie-install.sh
#
# A checkout of PIE 1.4 or newer is enough: the libraries that it comes with are Debian's, which are mounted over
# this machine's for the test alone, as is the folder of PHP's extensions. Wants root, and a built extension.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

[ -d "${PIE:-}/src" ] || fail 'pie: PIE must name a checkout of github.com/php/pie, 1.4 or newer'
[ -f "$PIE/src/Platform/PrePackagedBinaryAssetName.php" ] || fail "pie: $PIE is older than 1.4: it knows no archives for Linux"
PIE=$(realpath -- "$PIE")
export PIE
if [ -z "${PROMSHM_PIE_INSIDE:-}" ]; then
  [ "$(id -u)" -eq 0 ] || fail 'pie: needs root, to mount'
  PROMSHM_PIE_INSIDE=1 exec unshare --mount "$0" "$@"
fi

target=$(realpath -m -- "${CARGO_TARGET_DIR:-target}")
libraries=${PROMSHM_PHP_CACHE:-$target/php}/pie-libraries
if [ ! -f "$libraries.ready" ]; then
  have mmdebstrap || install_packages mmdebstrap
  rm -rf "$libraries"
  mkdir -p "${libraries%/*}"
  quietly mmdebstrap --variant=extract --include=composer,php-illuminate-container,php-symfony-process,php-symfony-event-dispatcher,php-webmozart-assert,php-psr-container \
    trixie "$libraries" "${PROMSHM_PHP_MIRROR:-http://deb.debian.org/debian}"
  touch "$libraries.ready"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/built"
scripts/strip-extension.sh "$target/release/libpromshm.so" "$work/built"
CARGO_TARGET_DIR=$work DIST_BUILT=$work/built quietly scripts/dist.sh extension
PROMSHM_ARCHIVE=$(echo "$work"/dist/php_promshm-*.tgz)
folder=$("${PHP_CONFIG:-php-config}" --extension-dir)
cp -a "$folder" "$work/extensions"
rm -f "$work/extensions/promshm.so"
mkdir -p /usr/share/php
mount --bind "$libraries/usr/share/php" /usr/share/php
mount --bind "$work/extensions" "$folder"
export PROMSHM_ARCHIVE PROMSHM_EXTENSION=$target/release/libpromshm.so PROMSHM_EXPORTER=$target/release/promshm-exporter
PYTHONDONTWRITEBYTECODE=1 .cache/venv/bin/python -m pytest tests/installer
umount "$folder" /usr/share/php
