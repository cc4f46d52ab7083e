#!/usr/bin/env bash
# The demo: PHP workers on a made-up job queue, and the exporter that serves what they count.
#
# Settings, all from the environment:
#   DEMO_SECONDS  end after so many seconds; without it, go on until Ctrl-C
#   DEMO_PORT     where the exporter listens (10200)
#   DEMO_WORKERS  how many workers (4)
#   DEMO_SEGMENT  their shared memory; not the default one, which may be in earnest use
set -euo pipefail
cd "$(dirname "$0")/.."

port=${DEMO_PORT:-10200}
workers=${DEMO_WORKERS:-4}
segment=${DEMO_SEGMENT:-sysv:0x64656d6f}
php=${PHP:-php}
target=${CARGO_TARGET_DIR:-target}
extension=$(realpath "${PROMSHM_EXTENSION:-$target/release/libpromshm.so}")
exporter=$(realpath "${PROMSHM_EXPORTER:-$target/release/promshm-exporter}")
url=http://localhost:$port/metrics
started=()

say() { printf '%s\n' "$*"; }

clean_up() {
  trap - EXIT INT TERM
  [ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null || true
  wait || true
  "$exporter" rm --yes --segment "$segment" >/dev/null 2>&1 || true
  say "Stopped; the demo's shared memory is removed."
}

# shellcheck disable=SC2016 # the dollar is PHP's
page() { "$php" -n -r 'echo @file_get_contents($argv[1]);' -- "$url"; }

# Waits for the first finished job of each kind of worker, so that the page has something to show.
await_first_jobs() {
  local try
  for ((try = 0; try < 150; try++)); do
    kill -0 "${started[0]}" 2>/dev/null || { say "The exporter has ended; is port $port in use?" >&2; return 1; }
    if page | grep -q '^job_duration_seconds_count'; then return 0; fi
    sleep 0.2
  done
  say "No worker has counted anything within 30 seconds." >&2
  return 1
}

progress() {
  page | awk '/^jobs_processed_total/ { done += $NF } /^jobs_in_flight/ { now += $NF }
    END { printf "%d jobs done, %d in flight\n", done, now }'
}

trap clean_up EXIT
trap 'exit 0' INT TERM

"$exporter" serve --segment "$segment" --web.listen-address ":$port" --log.level warn &
started+=($!)
for ((n = 0; n < workers; n++)); do
  "$php" -d "extension=$extension" -d "promshm.segment=$segment" demo/worker.php &
  started+=($!)
done

say "$workers workers count into $segment; the exporter serves $url"
await_first_jobs
say "The first scrape:"
say
page
say
say "Look at $url; Ctrl-C ends the demo."

seconds=0
while [ -z "${DEMO_SECONDS:-}" ] || [ "$seconds" -lt "$DEMO_SECONDS" ]; do
  sleep 1
  seconds=$((seconds + 1))
  [ $((seconds % 5)) -ne 0 ] || progress
done
