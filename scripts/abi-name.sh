#!/usr/bin/env bash
# Names what an extension was built for, as PIE writes it: scripts/abi-name.sh promshm.so
#
#   php8.4-arm64-linux-musl-debug-zts
#
# Read from the file itself, and not from the PHP at hand: what is cross-compiled does not fit that one, and an
# archive with a wrong name would be loaded by the wrong PHP. The debug build stands before the thread safety;
# PHP without either has nothing there.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
file=$1

php_of_api() {
  case $1 in
    20220829) echo 8.2 ;;
    20230831) echo 8.3 ;;
    20240924) echo 8.4 ;;
    20250925) echo 8.5 ;;
    20260924) echo 8.6 ;;
    *) fail "$file is built for PHP's module API $1, which is none of a PHP from 8.2 to 8.6" ;;
  esac
}

machine() {
  case $(readelf -h "$file" | sed -n 's/^ *Machine: *//p') in
    *X86-64) echo x86_64 ;;
    AArch64) echo arm64 ;;
    *) fail "$file is for neither x86-64 nor arm64" ;;
  esac
}

# glibc's file is libc.so.6; musl's is libc.so, or libc.musl-x86_64.so.1 as Alpine links it.
libc() {
  local needed
  needed=$(readelf -dW "$file" | sed -n 's/.*(NEEDED).*\[\(libc\.[^]]*\)\]/\1/p')
  case $needed in
    libc.so.6) echo glibc ;;
    libc.so | libc.musl-*) echo musl ;;
    *) fail "$file needs neither glibc nor musl: ${needed:-no libc}" ;;
  esac
}

have readelf || fail 'readelf is missing: install binutils'
# What PHP compares when it loads a module: API20240924,TS,debug
build=$({ grep -aoE 'API20[0-9]{6},(TS|NTS)(,debug)?' "$file" || true; } | sort -u)
[ "$(wc -w <<<"$build")" -eq 1 ] || fail "$file is no PHP extension, or more than one: ${build:-no build id}"
api=${build%%,*}
php=$(php_of_api "${api#API}")
machine=$(machine)
libc=$(libc)
kind=
case $build in *,debug) kind=-debug ;; esac
case $build in *,TS*) kind+=-zts ;; esac
echo "php$php-$machine-linux-$libc$kind"
