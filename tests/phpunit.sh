# shellcheck shell=bash
# Shared by the scripts that run phpunit: PHP without the machine's own settings, and a count that
# cannot be empty. phpunit itself calls a run without tests a success.

php=$(command -v "${PHP:-php}") || { echo "there is no ${PHP:-php}" >&2; exit 1; }
phpunit=$(command -v phpunit) || { echo "phpunit is missing: apt-get install phpunit" >&2; exit 1; }
passed=0 failed=0

# Goes on in an IPC namespace of its own, where nothing is left behind and nobody is disturbed.
isolate() { # this script and its arguments
  if [ "$(id -u)" -eq 0 ] && [ -z "${PROMSHM_TEST_ISOLATED:-}" ]; then
    PROMSHM_TEST_ISOLATED=1 exec unshare --ipc "$@"
  fi
}

# The words that load what phpunit and the tests need, where PHP has it as shared modules.
modules() {
  local module
  for module in ctype dom iconv intl mbstring pdo pdo_sqlite phar posix shmop tokenizer xml xmlwriter; do
    "$php" -n -m | grep -qix "$module" || printf '%s\n' -d "extension=$module"
  done
}

# The words that load the extension, with a segment that no other run has.
with_extension() { # extension.so
  PROMSHM_EXTENSION=$(realpath -- "$1")
  export PROMSHM_EXTENSION
  key=$(printf '0x%05x00' $(((RANDOM << 15 | RANDOM) % 0x70000 + 0x10000)))
  trap 'ipcrm -M "$key" 2>/dev/null; ipcrm -S "$key" 2>/dev/null' EXIT
  native=(-d "extension=$PROMSHM_EXTENSION" -d "promshm.segment=sysv:$key")
  "$php" -n "${native[@]}" -r 'exit(extension_loaded("promshm") ? 0 : 1);' ||
    { echo "$php does not load $1" >&2; exit 1; }
}

run_phpunit() { # what it is, PHP's words, --, phpunit's words
  local what=$1 report words=() counts
  shift
  while [ "$1" != -- ]; do words+=("$1"); shift; done
  shift
  mapfile -t loaded < <(modules)
  report=$(mktemp)
  echo "-- $what"
  "$php" -n "${loaded[@]}" -d display_errors=1 -d memory_limit=512M ${words[@]+"${words[@]}"} \
    "$phpunit" --log-junit "$report" --do-not-cache-result "$@" || true
  counts=$(python3 - "$report" <<'PYTHON'
import sys, xml.etree.ElementTree as tree
try:
    suites = tree.parse(sys.argv[1]).getroot().findall("testsuite")
except tree.ParseError:
    suites = []
total = lambda name: sum(int(suite.get(name, 0)) for suite in suites)
bad = total("errors") + total("failures") + total("warnings") + total("skipped")
print(total("tests") - bad, max(bad, 0 if total("tests") else 1))
PYTHON
  )
  rm -f "$report"
  passed=$((passed + ${counts% *})) failed=$((failed + ${counts#* }))
}

finish() { # name
  echo "$1: $passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
