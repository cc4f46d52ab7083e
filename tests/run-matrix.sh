#!/usr/bin/env bash
# The phpt suite on every PHP that is within reach: the host's, Debian trixie's own (8.4, in a root of its
# own), and a thread-safe one with debug checks (scripts/php-zts.sh). Wants root, for the chroot.
#
# What is set up is kept in PROMSHM_PHP_CACHE (default: target/php), so a second run is quick.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

# Mounts of this script end with it, and its segments meet nobody's.
if [ -z "${PROMSHM_MATRIX_INSIDE:-}" ]; then
  [ "$(id -u)" -eq 0 ] || fail "matrix: needs root, for debootstrap and chroot"
  PROMSHM_MATRIX_INSIDE=1 exec unshare --mount --ipc "$0" "$@"
fi

project=$PWD
cache=${PROMSHM_PHP_CACHE:-${CARGO_TARGET_DIR:-target}/php}
mkdir -p "$cache"
cache=$(realpath -- "$cache")
root=$cache/trixie
mirror=${PROMSHM_PHP_MIRROR:-http://deb.debian.org/debian}

# A root is used only if it was finished.
make_root() {
  [ ! -f "$root.ready" ] || return 0
  have debootstrap || install_packages debootstrap
  say "Making a root of Debian trixie with its PHP ..."
  rm -rf "$root"
  quietly debootstrap --variant=minbase trixie "$root" "$mirror"
  mount_root || return
  quietly in_root apt-get install -qy --no-install-recommends php8.4-cli php8.4-dev php8.4-opcache util-linux
  touch "$root.ready"
}

mount_root() {
  mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
  mountpoint -q "$root/dev" || mount --rbind /dev "$root/dev"
  mkdir -p "$root$project"
  mountpoint -q "$root$project" || mount --rbind "$project" "$root$project"
}

in_root() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@" </dev/null; }

# The host's compiler builds against that root's headers: a program for an older libc runs with a newer one.
write_wrappers() {
  mkdir -p "$cache/trixie-bin"
  cat >"$cache/trixie-bin/php" <<EOF
#!/bin/sh
exec chroot "$root" /usr/bin/php8.4 "\$@"
EOF
  cat >"$cache/trixie-bin/php-config" <<EOF
#!/bin/sh
chroot "$root" /usr/bin/php-config8.4 "\$@" | sed "s#/usr/include/php#$root/usr/include/php#g"
EOF
  chmod +x "$cache/trixie-bin/php" "$cache/trixie-bin/php-config"
}

build_for_trixie() {
  PHP=$cache/trixie-bin/php PHP_CONFIG=$cache/trixie-bin/php-config CARGO_TARGET_DIR=$project/target/trixie \
    cargo build --release --locked -p promshm
}

# Each is one chain: the shell does not stop at failures inside of a condition.
trixie() {
  make_root && mount_root && write_wrappers && build_for_trixie &&
    in_root env -C "$project" PHP=php8.4 PHP_CONFIG=php-config8.4 \
      tests/run-phpt.sh "$project/target/trixie/release/libpromshm.so"
}

host() { make --no-print-directory phpt; }
zts() { tests/run-zts.sh; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0 summary=()
number() { { grep -E '[0-9]+ passed' "$log" || true; } | tail -n 1 | grep -oE "[0-9]+ $1" | grep -oE '[0-9]+' || echo 0; }

[ $# -gt 0 ] || set -- host trixie zts
for one; do
  say "== $one"
  status=0
  "$one" 2>&1 | tee "$log" || status=1
  more=$(number failed)
  [ "$status" -eq 0 ] || [ "$more" -gt 0 ] || more=1
  [ "$(number passed)" -gt 0 ] || [ "$more" -gt 0 ] || more=1
  passed=$((passed + $(number passed))) failed=$((failed + more)) skipped=$((skipped + $(number skipped)))
  summary+=("$one: $(number passed) passed, $more failed, $(number skipped) skipped")
done
printf '%s\n' "${summary[@]}"
say "matrix: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
