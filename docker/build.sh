#!/usr/bin/env bash
# Builds the images exporter, extension and worker, or those that are named: docker/build.sh [IMAGE]...
#
# exporter      plain HTTP, with passwords if you like: what a pod needs
# exporter-tls  that speaks TLS, too; its tag ends in -tls
# exporter-node the same image, for one exporter a node; its tag ends in -node
# extension     promshm.so, to copy from
# packed        the same for each archive in target/dist, whatever machine it is for, and nothing is compiled; its tag is like
#               8.4-zts-alpine-arm64, and without the machine, too, if it is this one
# worker        an example, which copies from extension
#
# Settings, all from the environment:
#   ENGINE       docker or podman; whichever is there
#   PHP_VERSION  the worker's PHP (8.4)
#   BUILD_FLAGS  more words for each build, such as --build-arg=RUST_IMAGE=…
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

if have docker; then engine=docker; else engine=podman; fi
engine=${ENGINE:-$engine}
have "$engine" || fail "Building images needs docker or podman; $engine is not here"
php=${PHP_VERSION:-8.4}
version=$(sed -nE 's/^version = "(.*)"$/\1/p' Cargo.toml | head -n 1)
target=${CARGO_TARGET_DIR:-target}
dist=$target/dist contexts=$target/images
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
# podman's own format of images has no HEALTHCHECK.
export BUILDAH_FORMAT=docker
# Whole names: which short ones podman knows is up to each distribution.
official=docker.io/library
read -ra flags <<<"${BUILD_FLAGS:-}"

build() { # name tag words...
  local name=$1 tag=$2
  shift 2
  say "Building promshm-$name:$tag ..."
  "$engine" build ${flags[@]+"${flags[@]}"} "$@" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
    -f "docker/$name.Dockerfile" -t "promshm-$name:$tag" .
}

packed() {
  local tag arch here name
  case $(uname -m) in aarch64) here=arm64 ;; *) here=amd64 ;; esac
  rm -rf "$contexts"
  scripts/image-contexts.sh "$dist" "$contexts" | while read -r tag arch; do
    name=promshm-extension:$tag
    say "Packing $name-$arch ..."
    "$engine" build --platform "linux/$arch" --build-arg "TARGETARCH=$arch" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
      -f docker/packed.Dockerfile -t "$name-$arch" "$contexts/$tag" </dev/null
    [ "$arch" != "$here" ] || "$engine" tag "$name-$arch" "$name"
  done
}

[ $# -gt 0 ] || set -- exporter extension worker
for image; do
  case $image in
    exporter) build exporter "$version" ;;
    # With all that there is, so that it need not be compiled twice.
    exporter-tls | exporter-node)
      build exporter "$version-tls" --build-arg FEATURES=tls,node
      "$engine" tag "promshm-exporter:$version-tls" "promshm-exporter:$version-node"
      ;;
    packed) packed ;;
    extension) build extension "$php" --build-arg "PHP_IMAGE=$official/php:$php-cli-bookworm" ;;
    worker) build worker "$version" --build-arg "PHP_IMAGE=$official/php:$php-cli" --build-arg "EXTENSION_IMAGE=promshm-extension:$php" ;;
    *) fail "There are the images exporter, exporter-tls, exporter-node, extension, packed and worker, not $image" ;;
  esac
done
