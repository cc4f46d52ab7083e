#!/bin/bash
# The first process of the virtual machine that tests/matrix/arm64.sh starts: runs the tests, and switches it off.
# Each test of the segment is a process of its own, as nextest runs them.
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TMPDIR=/tmp
project=@PROJECT@ php=@PHP@ extent=@EXTENT@
mkdir -p /proc /sys /dev /tmp /run /root /var/tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs shm /dev/shm
mount -t devpts pts /dev/pts
ln -sf /proc/self/fd /dev/fd
chmod 1777 /tmp
ip link set lo up
exec >/dev/console 2>&1 </dev/null
uname -srm
echo "pages of $(python3 -c 'import mmap; print(mmap.PAGESIZE)') bytes"

passed=0 failed=0 skipped=0
add() { # passed failed skipped
  passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

segment_tests() {
  local program test good=0 bad=0
  for program in /tests-of-segment/*; do
    while read -r test; do
      if timeout 900 "$program" --exact "$test" --nocapture >/tmp/log 2>&1 </dev/null && grep -q '^test result: ok. 1 passed' /tmp/log; then
        good=$((good + 1))
      else
        bad=$((bad + 1))
        echo "FAIL ${program##*/} $test"
        tail -n 30 /tmp/log
      fi
    done < <(grep -vxFf <("$program" --list --format terse --ignored) <("$program" --list --format terse) | sed -n 's/: test$//p')
    echo "${program##*/}: $good passed, $bad failed so far"
  done
  [ $((good + bad)) -gt 0 ] || bad=1
  echo "segment: $good passed, $bad failed"
  add $good $bad 0
}

# Counts of the last line that has some.
number() { grep -E '[0-9]+ passed' /tmp/log | tail -n 1 | grep -oE "[0-9]+ $1" | grep -oE '[0-9]+' || echo 0; }

run() { # command...
  local bad
  "$@" 2>&1 | tee /tmp/log
  [ "${PIPESTATUS[0]}" -eq 0 ] && bad=$(number failed) || bad=$(($(number failed) > 0 ? $(number failed) : 1))
  [ "$(number passed)" -gt 0 ] || bad=$((bad > 0 ? bad : 1))
  add "$(number passed)" "$bad" "$(number skipped)"
}

cd "$project" || exit
export PHP=/usr/bin/php$php PHP_CONFIG=/usr/bin/php-config$php JOBS=2 TEST_TIMEOUT=600 PYTHONDONTWRITEBYTECODE=1
export PROMSHM_EXTENSION=$project/bin/libpromshm.so PROMSHM_EXPORTER=$project/bin/promshm-exporter
if [ "$extent" != phpt ]; then
  run python3 -m pytest tests/reliability -k killed
  run python3 -m pytest tests/matrix
  segment_tests
fi
[ "$extent" = rest ] || run tests/run-phpt.sh "$PROMSHM_EXTENSION"
echo "arm64: $passed passed, $failed failed, $skipped skipped"
echo o >/proc/sysrq-trigger
sleep 60
