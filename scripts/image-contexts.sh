#!/usr/bin/env bash
# Unpacks the archives of a release for images of the extension: scripts/image-contexts.sh DIST FOLDER
#
# For each PHP there is FOLDER/TAG afterwards, with promshm.ini and one promshm.so for each machine, as docker/packed.Dockerfile
# wants them. TAG is like 8.4, 8.4-zts, 8.4-alpine or 8.4-zts-alpine, the machine amd64 or arm64. Nobody ships a PHP with debug checks.
set -euo pipefail
dist=$(realpath -- "$1") folder=$(realpath -m -- "$2")
cd "$(dirname "$0")/.."
. scripts/lib.sh

# What was built for what stands in the file itself: an archive with a wrong name is not made an image.
unpack() { # archive
  local name arch tag=
  rm -rf "$work/one"
  mkdir "$work/one"
  tar -xzf "$1" -C "$work/one" promshm.so
  name=$(scripts/abi-name.sh "$work/one/promshm.so")
  case $1 in
    *_"$name".tgz) ;;
    *) fail "$1 holds an extension for $name" ;;
  esac
  case $name in
    *-debug*) return ;;
    *-zts) tag+=-zts ;;
  esac
  case $name in *-linux-musl*) tag+=-alpine ;; esac
  tag=${name%%-*}$tag tag=${tag#php}
  case $name in *-arm64-*) arch=arm64 ;; *) arch=amd64 ;; esac
  install -D -m 0644 "$work/one/promshm.so" "$folder/$tag/$arch/promshm.so"
  echo 'extension=/opt/promshm/promshm.so' >"$folder/$tag/promshm.ini"
  say "$tag $arch"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
shopt -s nullglob
archives=("$dist"/php_promshm-*.tgz)
[ ${#archives[@]} -gt 0 ] || fail "There are no archives of the extension in $dist: scripts/dist.sh extension makes one"
for archive in "${archives[@]}"; do unpack "$archive"; done
