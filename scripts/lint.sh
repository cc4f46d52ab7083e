#!/usr/bin/env bash
# Formats and lints of every language in the tree. Each check fails when it found no file.
#
#   scripts/lint.sh [rust]     only what needs nothing but Rust, with the word
set -uo pipefail
cd "$(dirname "$0")/.." || exit
. scripts/lib.sh

passed=0 failed=0

check() { # name command...
  local name=$1 log
  shift
  log=$(mktemp)
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
    say "lint: $name: ok"
  else
    failed=$((failed + 1))
    say "lint: $name: FAILED"
    cat "$log"
  fi
  rm -f "$log"
}

# Files that git knows or would add, one a line.
files() { git ls-files --cached --others --exclude-standard -- "$@"; }

shell_scripts() {
  { files '*.sh'; files | xargs -r grep -lE '^#!.*\b(ba)?sh$' -- 2>/dev/null; } | sort -u
}

shell_lint() {
  local scripts
  mapfile -t scripts < <(shell_scripts)
  [ ${#scripts[@]} -gt 0 ] && shellcheck --external-sources "${scripts[@]}"
}

php_lint() {
  local file checked=0
  for file in $(files '*.php' 'php-tests/*.inc'); do
    "${PHP:-php}" -n -l "$file" >/dev/null || return 1
    checked=$((checked + 1))
  done
  [ "$checked" -gt 0 ]
}

# The packages' descriptions. Composer before 2.8 takes the section php-ext for a mistake, but only
# where it checks what may be published.
composer_lint() {
  local words=(--no-interaction --no-plugins validate --strict)
  export COMPOSER_ALLOW_SUPERUSER=1
  composer "${words[@]}" --no-check-publish composer.json && composer "${words[@]}" php/composer.json
}

# Also finds undefined names.
python_lint() {
  local sources
  mapfile -t sources < <(files '*.py')
  [ ${#sources[@]} -gt 0 ] && .cache/venv/bin/python -m pyflakes "${sources[@]}"
}

# Without Node.js the browser's tests report a broken script.
script_lint() {
  local source sources
  mapfile -t sources < <(files '*.js')
  [ ${#sources[@]} -gt 0 ] || return 1
  for source in "${sources[@]}"; do node --check "$source" || return 1; done
  node --check - < <(cat "${sources[@]}") # their names do not clash
}

check rustfmt cargo fmt --all --check
check clippy cargo clippy --quiet --workspace --all-targets --locked -- -D warnings
if [ "${1:-}" != rust ]; then
  check 'clippy without TLS' cargo clippy --quiet --workspace --no-default-features --all-targets --locked -- -D warnings
  check 'cargo doc' env RUSTDOCFLAGS='-D warnings' cargo doc --quiet --workspace --no-deps --document-private-items --locked
  check layers scripts/layers.py
  check shellcheck shell_lint
  check 'php -l' php_lint
  check composer composer_lint
  check python python_lint
  if have node; then check javascript script_lint; fi
fi
say "lint: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
