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
pause=

say() { printf '%s\n' "$*"; }

clean_up() {
  trap - EXIT INT TERM
  [ ${#started[@]} -eq 0 ] || kill "${started[@]}" $pause 2>/dev/null || true
  wait || true
  "$exporter" rm --yes --segment "$segment" >/dev/null 2>&1 || true
  say "Stopped; the demo's shared memory is removed."
}

# shellcheck disable=SC2016 # the dollar is PHP's
page() { "$php" -n -r 'echo @file_get_contents($argv[1]);' -- "$url"; }

# Waits so many seconds. A signal ends that, and so does the end of the exporter, with which the demo ends.
rest() {
  sleep "$1" &
  pause=$!
  wait -n "$pause" "${started[0]}" || true
  kill -0 "${started[0]}" 2>/dev/null || { say "The exporter has ended; is port $port in use?" >&2; return 1; }
}

# Whether the page has all to show: these come last, after any job and after one that did not fail.
is_complete() {
  local shown
  shown=$(page)
  [[ $shown == *$'\n'worker_memory_bytes* && $shown == *$'\n'job_last_success_timestamp_seconds* ]]
}

# The exporter tells nobody that its page has changed, so it is asked again and again.
await_first_jobs() {
  local try
  for ((try = 0; try < 150; try++)); do
    if is_complete; then return 0; fi
    rest 0.2
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

left=${DEMO_SECONDS:-}
while [ -z "$left" ] || [ "$left" -ge 5 ]; do
  rest 5
  progress
  left=${left:+$((left - 5))}
done
rest "$left"
