#!/usr/bin/env bash
# Runs cargo for another machine or another C library: scripts/cross-build.sh TARGET WORDS...
#
#   x86_64-unknown-linux-musl, aarch64-unknown-linux-musl   for Alpine; linked by zig, which comes with musl
#   aarch64-unknown-linux-gnu                               linked by Debian's gcc for arm64
#
# Takes rustup's standard library for TARGET where there is one. Else Debian's rustc-web builds it from
# rust-web-src, which is of the same release.
#
# For the extension: PHP and PHP_CONFIG name a PHP that runs here, and is the target's in version, threads and debug checks;
# PHP_CONFIG tells where the target's headers are.
set -euo pipefail
target=$1
shift
cd "$(dirname "$0")/.."
. scripts/lib.sh

name=${target//-/_}

musl() {
  local linker
  linker=$(scripts/zig-cc.sh "${target%%-*}-linux-musl")
  export "CARGO_TARGET_${name^^}_LINKER=$linker" "CC_$name=$linker"
  # zig brings musl's start files and its own unwinder: the library then needs libc.so alone.
  export "CARGO_TARGET_${name^^}_RUSTFLAGS=-C link-self-contained=no -C target-feature=-crt-static"
  # musl's headers in place of glibc's, for the bindings to PHP, and those of libclang itself.
  local include builtin
  include=$(.cache/cross/zig/bin/python -c 'import ziglang, os; print(os.path.dirname(ziglang.__file__))')/lib/libc/include
  builtin=$(find /usr/lib/llvm-*/lib/clang/*/include /usr/lib/clang/*/include -maxdepth 1 -name stddef.h 2>/dev/null | sort -V | tail -n 1)
  export "BINDGEN_EXTRA_CLANG_ARGS_$name=--target=${target%%-*}-linux-musl -isystem ${builtin%/*} -isystem $include/${target%%-*}-linux-musl -isystem $include/generic-musl"
}

arm64() {
  have aarch64-linux-gnu-gcc || install_packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross
  export "CARGO_TARGET_${name^^}_LINKER=aarch64-linux-gnu-gcc" "CC_$name=aarch64-linux-gnu-gcc" "AR_$name=aarch64-linux-gnu-ar"
  export "BINDGEN_EXTRA_CLANG_ARGS_$name=--target=aarch64-linux-gnu -I/usr/aarch64-linux-gnu/include"
}

case $target in
  *-musl) musl ;;
  aarch64-unknown-linux-gnu) arm64 ;;
  *) fail "There is no way to build for $target here" ;;
esac

if have rustup && rustup target list --installed 2>/dev/null | grep -qx "$target"; then
  exec cargo "$@" --target "$target"
fi
[ -d /usr/lib/rustlib/src/rust/library ] || install_packages rustc-web cargo-web rust-web-src
# An unstable flag of cargo's, in a compiler that is stable otherwise.
export RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc
unset RUSTUP_TOOLCHAIN
exec /usr/bin/cargo "$@" --target "$target" -Zbuild-std=std,panic_unwind
