#!/usr/bin/env bash
# Runs the test suite of promphp/prometheus_client_php against the adapter. Nothing of that library is kept
# here: PROMPHP names a checkout of it, with its tests.
#
#   PROMPHP=/path/to/prometheus_client_php tests/run-promphp.sh EXTENSION.so
set -euo pipefail
cd "$(dirname "$0")/.."
[ -d "${PROMPHP:-}/tests/Test/Prometheus" ] || {
  echo "PROMPHP must name a checkout of promphp/prometheus_client_php: PROMPHP=/path make promphp-suite" >&2
  exit 1
}
PROMPHP=$(realpath -- "$PROMPHP")
export PROMPHP
. tests/phpunit.sh
isolate "tests/$(basename "$0")" "$@"

with_extension "$1"
shift
words=(--bootstrap tests/promphp/bootstrap.php --fail-on-warning "$@" tests/promphp)
run_phpunit 'PromPHP, with the extension' "${native[@]}" -- "${words[@]}"
run_phpunit 'PromPHP, without the extension' -- "${words[@]}"
finish promphp-suite
