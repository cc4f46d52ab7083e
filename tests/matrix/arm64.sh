#!/usr/bin/env bash
# The extension, the exporter and the segment on arm64, in a virtual machine: tests/matrix/arm64.sh VERSION [phpt|rest|all]
#
# Both are cross-built and run on PHP VERSION of Debian's for arm64, below Debian's kernel with pages of 16 KiB: no emulator
# of single programs, which knows neither System V undo nor every kind of fork as the kernel does. `phpt` is the phpt suite, `rest`
# the segment's own tests, killed workers and the exporter, which are the same for each PHP; without a word both.
#
# Needs no root and no binfmt. The machine is emulated: it tells whether something works, not how the order of stores
# looks from another core, which Loom and Miri show.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib.sh

version=$1 extent=${2:-all}
target=$(realpath -m -- "${CARGO_TARGET_DIR:-target}")
cache=${PROMSHM_PHP_CACHE:-$target/php}
mkdir -p "$cache"
cache=$(realpath -- "$cache")
mirror=${PROMSHM_PHP_MIRROR:-http://deb.debian.org/debian}
root=$cache/arm64-$version
kernel=$cache/arm64-kernel
triple=aarch64-unknown-linux-gnu

tools=()
have mmdebstrap || tools+=(mmdebstrap)
have cpio || tools+=(cpio)
have qemu-system-aarch64 || tools+=(qemu-system-arm)
have qemu-aarch64-static || tools+=(qemu-user-static)
install_packages ${tools[@]+"${tools[@]}"}

# Packages are unpacked and not configured, which would need an arm64 at hand.
unpack() { # folder suite packages words...
  local folder=$1 suite=$2 packages=$3
  shift 3
  [ ! -f "$folder.ready" ] || return 0
  say "Unpacking Debian $suite for arm64 ..."
  rm -rf "$folder"
  quietly mmdebstrap --variant=extract --arch=arm64 "--include=$packages" "$@" "$suite" "$folder" "$mirror"
  touch "$folder.ready"
}

see_to_root() {
  local packages=php$version-cli,php$version-dev,bash,coreutils,diffutils,findutils,grep,sed,util-linux,mount,iproute2,procps,python3-pytest
  case $version in
    8.2) unpack "$root" bookworm "$packages,php$version-opcache" ;;
    8.4) unpack "$root" trixie "$packages,php$version-opcache" ;;
    *) (unpack "$root" sid "$packages" "--setup-hook=echo 'deb $mirror experimental main' >>\"\$1/etc/apt/sources.list\"" \
      --aptopt='APT::Default-Release "experimental"' --aptopt='Acquire::Check-Valid-Until "false"') ||
      fail "No package of PHP $version is to be had, for Debian's mirror has none for arm64: see above" ;;
  esac
  unpack "$kernel" trixie linux-image-arm64-16k
}

# The build asks PHP what it is, and php-config where its headers are.
write_wrappers() {
  bin=$cache/arm64-bin-$version
  mkdir -p "$bin"
  cat >"$bin/php" <<END_OF_PHP
#!/bin/sh
exec qemu-aarch64-static -L "$root" "$root/usr/bin/php$version" "\$@"
END_OF_PHP
  cat >"$bin/php-config" <<END_OF_CONFIG
#!/bin/sh
sh "$root/usr/bin/php-config$version" "\$@" | sed "s#/usr/include/php#$root/usr/include/php#g"
END_OF_CONFIG
  chmod +x "$bin/php" "$bin/php-config"
}

cross() { CARGO_TARGET_DIR=$target/arm64 scripts/cross-build.sh "$triple" "$@"; }

build() {
  PHP=$bin/php PHP_CONFIG=$bin/php-config cross build --release --locked -p promshm
  found=$(scripts/abi-name.sh "$built/libpromshm.so")
  [ "$found" = "php$version-arm64-linux-glibc" ] || fail "What was built is for $found"
  [ "$extent" = phpt ] || { cross build --release --locked -p promshm-exporter; build_segment_tests; }
}

# Their names: cargo says which programs it built. `linear` counts instructions with valgrind, which is about no machine.
build_segment_tests() {
  cross test --release --locked -p promshm-segment --no-run --message-format=json |
    sed -nE 's/.*"executable":"([^"]+)".*/\1/p' | grep -v /linear- >"$work/programs"
  [ -s "$work/programs" ] || fail 'arm64: there are no tests of the segment'
}

# What the tests need of the project, in a folder of the same name as here: tests of the segment know it.
write_overlay() {
  local place=$work/overlay$PWD
  mkdir -p "$place/bin" "$work/overlay/tests-of-segment"
  cp -r php-tests tests pytest.ini "$place/"
  mkdir "$place/ext"
  cp ext/promshm.stub.php "$place/ext/"
  cp "$built/libpromshm.so" "$place/bin/"
  if [ "$extent" != phpt ]; then
    cp "$built/promshm-exporter" "$place/bin/"
    xargs cp -t "$work/overlay/tests-of-segment" <"$work/programs"
    aarch64-linux-gnu-strip "$work/overlay/tests-of-segment"/*
  fi
  sed "s|@PROJECT@|$PWD|; s|@PHP@|$version|; s|@EXTENT@|$extent|" tests/matrix/arm64-init.sh >"$work/overlay/init"
  chmod +x "$work/overlay/init"
}

# Two archives, one behind the other; the kernel unpacks both.
write_initramfs() {
  pack "$root" >"$work/initramfs"
  pack "$work/overlay" >>"$work/initramfs"
}

pack() { # folder
  (cd "$1" && find . \( -path ./usr/share/doc -o -path ./usr/share/man -o -path ./usr/share/locale -o -path ./usr/include -o \
    -path ./usr/lib/gcc -o -path ./usr/share/perl -o -name '*.a' -o -path ./var -o -path ./boot -o -path ./dev -o -path '*/__pycache__' \) -prune -o -print0 |
    cpio --null --create --format=newc --owner=0:0 --quiet)
}

run() {
  timeout --kill-after=10 "${ARM64_TIMEOUT:-5400}" qemu-system-aarch64 -M virt -cpu max,pauth-impdef=on -smp 2 -m 4G -nographic -no-reboot \
    -nic none -kernel "$kernel"/boot/vmlinuz-* -initrd "$work/initramfs" -append 'console=ttyAMA0 quiet panic=-1 rdinit=/init' \
    </dev/null | stdbuf -oL tr -d '\r' | tee "$work/console"
}

number() { { grep -oE "^$1: .*" "$work/console" || true; } | tail -n 1 | { grep -oE "[0-9]+ $2" || true; } | { grep -oE '[0-9]+' || echo 0; }; }

work=$(mktemp -d "$target/arm64.XXXXXX")
trap 'rm -rf "$work"' EXIT
built=$target/arm64/$triple/release
see_to_root
write_wrappers
build
write_overlay
write_initramfs
run || fail 'arm64: the machine did not end by itself'
failed=$(number arm64 failed)
grep -q '^arm64: ' "$work/console" || failed=1
say "arm64: $(number arm64 passed) passed, $failed failed, $(number arm64 skipped) skipped"
[ "$failed" -eq 0 ] && [ "$(number arm64 passed)" -gt 0 ]
