#!/usr/bin/env bash
# Sees to what the benchmarks are measured against: APCu, Redis, Python's Prometheus client; and php-cgi.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

missing=()
have php-cgi || missing+=(php-cgi)
have redis-server || missing+=(redis-server)
dir=$("${PHP_CONFIG:-php-config}" --extension-dir)
[ -f "$dir/apcu.so" ] || missing+=(php-apcu)
[ -f "$dir/redis.so" ] || missing+=(php-redis)
install_packages ${missing[@]+"${missing[@]}"}
python3 -c 'import prometheus_client' 2>/dev/null ||
  python3 -m pip install --quiet prometheus_client 2>/dev/null || install_packages python3-prometheus-client
