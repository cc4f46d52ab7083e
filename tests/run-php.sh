#!/usr/bin/env bash
# Runs the tests of the Composer library: with the extension, and without it, where its stand-ins
# have to behave the same.
#
#   tests/run-php.sh EXTENSION.so [phpunit's words]
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/phpunit.sh
isolate "tests/$(basename "$0")" "$@"

with_extension "$1"
shift
# What a worker tells of itself would stand in each page that a test compares.
run_phpunit 'with the extension' "${native[@]}" -d promshm.runtime_metrics=0 -- -c php/phpunit.xml --exclude-group fallback "$@"
run_phpunit 'without the extension' -- -c php/phpunit.xml --exclude-group native "$@"
finish php
