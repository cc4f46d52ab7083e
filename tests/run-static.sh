#!/usr/bin/env bash
# The extension in a static build: tests/run-static.sh [VERSION]. It is made a static library, and linked into a program that has
# a thread-safe PHP in it, which scripts/php-build.sh builds.
set -euo pipefail
cd "$(dirname "$0")/.."

version=${1:-8.4}
scripts/venv.sh
prefix=$(scripts/php-build.sh "$version" zts-debug)
export PHP=$prefix/bin/php PHP_CONFIG=$prefix/bin/php-config
host=$(realpath -m -- "${CARGO_TARGET_DIR:-target}")
# What the tests look for at their start; these use neither.
export PROMSHM_EXTENSION=$host/release/libpromshm.so PROMSHM_EXPORTER=$host/release/promshm-exporter
export CARGO_TARGET_DIR=$host/static-$version
EXT_PHP_RS_STATIC_EXT=1 cargo rustc --release --locked -p promshm --lib --crate-type staticlib
export PROMSHM_LIBRARY=$CARGO_TARGET_DIR/release/libpromshm.a
PYTHONDONTWRITEBYTECODE=1 .cache/venv/bin/python -m pytest tests/static
