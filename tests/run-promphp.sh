#!/usr/bin/env bash
# Runs the test suite of promphp/prometheus_client_php against the adapter. Nothing of that library is kept
# here: PROMPHP names a checkout of it, with its tests.
#
#   PROMPHP=/path/to/prometheus_client_php tests/run-promphp.sh EXTENSION.so
#   ONLY=differential                      the same random programs on its storage and on ours: an installed package,
#                                          which has no tests, will do
set -euo pipefail
cd "$(dirname "$0")/.."
name=promphp-${ONLY:-suite} needed=tests/Test/Prometheus tests=tests/promphp
[ "${ONLY:-}" != differential ] || needed=src/Prometheus tests=tests/promphp/differential
[ -d "${PROMPHP:-}/$needed" ] || {
  echo "PROMPHP must name a checkout of promphp/prometheus_client_php: PROMPHP=/path make $name" >&2
  exit 1
}
PROMPHP=$(realpath -- "$PROMPHP")
export PROMPHP
. tests/phpunit.sh
isolate "tests/$(basename "$0")" "$@"

with_extension "$1"
shift
words=(--bootstrap tests/promphp/bootstrap.php --fail-on-warning "$@" "$tests")
run_phpunit 'PromPHP, with the extension' "${native[@]}" -d promshm.runtime_metrics=0 -d error_log=/dev/null -- "${words[@]}"
run_phpunit 'PromPHP, without the extension' -- --exclude-group native "${words[@]}"
finish "$name"
