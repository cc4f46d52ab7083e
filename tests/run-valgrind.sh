#!/usr/bin/env bash
# Runs the phpt suite under valgrind, PHP's own allocator out of the way, and looks for errors
# and leaks with our code in their stack. What PHP itself does is not ours to judge.
#
#   tests/run-valgrind.sh EXTENSION.so [TEST.phpt...]
set -euo pipefail
cd "$(dirname "$0")/.."

extension=$(realpath -- "$1")
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
php=$(command -v "${PHP:-php}")

# run-tests.php takes it for PHP. Forked children are watched too. What PCRE compiles while it runs reads
# strings by 16 bytes, beyond their end. A test whose processes end by a fatal error says so in its --ENV--.
# Sections that only skip a test or clean up after it are not what is tested: each would take as long as most tests.
# Of the processes that one test starts, the first three are watched, or as many as PROMSHM_WATCHED says: some tests try
# out dozens of settings, each in a PHP of its own; one whose every process is another case names a number in its
# --ENV--. A leak is looked for in all memory, so a test's segment is small where the test does not say how large it is to
# be. Most code runs once, so that valgrind's longer translations, across jumps, do not pay. Reading which functions were
# inlined where takes a tenth of a start, and the function that they were inlined into is ours as well.
cat >"$work/php" <<EOF
#!/bin/sh
case "\$*" in *.skip.php* | *.clean.php*) exec $php "\$@" ;; esac
key=\${*#*promshm.segment=}
if [ "\$key" != "\$*" ]; then
  started=$work/started.\$(printf %s "\${key%%[\" ]*}" | tr -c '[:alnum:]' _)
  echo >>"\$started"
  [ "\$(wc -l <"\$started")" -le "\${PROMSHM_WATCHED:-3}" ] || exec $php "\$@"
fi
export USE_ZEND_ALLOC=0 ZEND_DONT_UNLOAD_MODULES=1 PROMSHM_ENDS="\${PROMSHM_ENDS:-}"
exec valgrind -q --leak-check=full --show-leak-kinds=definite --num-callers=40 --keep-stacktraces=alloc --vex-guest-chase=no \\
  --read-inline-info=no --log-file=$work/%p.log%q{PROMSHM_ENDS} $php -d pcre.jit=0 -d promshm.size=16M "\$@"
EOF
chmod +x "$work/php"

# Two tests need what PHP's own allocator knows, which valgrind replaces. Some look at what
# a creator learns from a child that shares its memory, and valgrind makes that child an ordinary one. Some
# measure memory, of which valgrind takes more. And one tells the settings, of which one is another here.
tests=("$@")
if [ ${#tests[@]} -eq 0 ]; then
  left_out=(! -name worker_exits.phpt ! -name runtime_metrics.phpt ! -name status.phpt ! -name phpinfo.phpt)
  left_out+=(! -name "memory_*.phpt" ! -name "generations*.phpt" ! -name ini_defaults.phpt)
  mapfile -t tests < <(find php-tests -name '*.phpt' "${left_out[@]}" | sort)
fi

status=0
# Many tests wait, so more run at a time than there are cores.
JOBS=4 PHP_UNDER_TEST="$work/php" TEST_TIMEOUT=600 tests/run-phpt.sh "$extension" "${tests[@]}" >"$work/phpt.txt" 2>&1 || {
  sed -n '/FAILED TEST SUMMARY/,$p' "$work/phpt.txt"
  echo "valgrind: the suite itself fails" >&2
  status=1
}

# A paragraph of valgrind's is an error or a leak. Classes are registered once and live as long as PHP. The child of
# the liveness trial shares its parent's memory; valgrind makes an ordinary process of it, which loses the trial's stack.
findings() {
  sed 's/^==[0-9]*== \?//' "$@" |
    awk 'BEGIN { RS = "" } /promshm/ && !/module::startup|register|get_module|claim_in_a_child/ { print; print "" }'
}

# After a fatal error PHP leaves a request's memory to its own allocator, which valgrind replaces. What is lost of
# that is not looked at; what Rust's allocator gave has to be back.
of_rust() {
  awk 'BEGIN { RS = "" } !(/ lost in / && /__zend_(malloc|calloc|realloc)/) { print; print "" }'
}

mapfile -t logs < <(find "$work" -name '*.log')
mapfile -t fatal < <(find "$work" -name '*.log.fatal')
ours=$(findings /dev/null "${logs[@]}"; findings /dev/null "${fatal[@]}" | of_rust)
processes=$((${#logs[@]} + ${#fatal[@]}))
[ -z "$ours" ] || { printf '%s\n' "$ours" | head -n 100; status=1; }
[ "$processes" -gt 0 ] || { echo "valgrind: nothing ran" >&2; status=1; }
grep -E '^phpt: ' "$work/phpt.txt" || true
echo "valgrind: $processes processes watched"
if [ "$status" -eq 0 ]; then echo "valgrind: 1 passed, 0 failed"; else echo "valgrind: 0 passed, 1 failed"; fi
exit "$status"
