#!/usr/bin/env bash
# The tests of Apache's mpm_event with a thread-safe PHP: tests/run-apache.sh [VERSION]. scripts/php-build.sh builds that PHP;
# Apache is Debian's. The extension for it lies apart from the host's.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

version=${1:-8.4}
[ "$(id -u)" -eq 0 ] || fail 'apache: needs root, so that its children can become other users'
have apache2 || install_packages apache2-bin
scripts/venv.sh
prefix=$(scripts/php-build.sh "$version" zts-apache)
host=${CARGO_TARGET_DIR:-target}
cargo build --release --locked -p promshm-exporter
PROMSHM_EXPORTER=$(realpath -- "$host/release/promshm-exporter")
export PROMSHM_EXPORTER PHP=$prefix/bin/php PHP_CONFIG=$prefix/bin/php-config CARGO_TARGET_DIR=$host/apache-$version
scripts/seed-target.sh "$host/release" "$CARGO_TARGET_DIR/release"
"$PHP" -n -r 'exit(PHP_ZTS && !PHP_DEBUG ? 0 : 1);' || fail "$PHP is not thread-safe, or has debug checks"
cargo build --release --locked -p promshm
export PROMSHM_EXTENSION=$CARGO_TARGET_DIR/release/libpromshm.so APACHE_PHP_MODULE=$prefix/apache/libphp.so
PYTHONDONTWRITEBYTECODE=1 .cache/venv/bin/python -m pytest tests/apache
