#!/usr/bin/env bash
# Sees to what building and running promshm needs: PHP with its headers, libclang, a C linker, Rust.
# Installs what is missing through apt-get when it may, else says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

# The oldest compiler that builds the tree of ext-php-rs.
rust_minor=88

has_rust() {
  have cargo && have rustc && [ "$(rustc --version | sed -E 's/^rustc 1\.([0-9]+).*/\1/')" -ge "$rust_minor" ]
}

# Debian calls its up-to-date compiler rustc-web where the plain one is too old.
rust_packages() {
  if apt-cache show rustc-web >/dev/null 2>&1; then
    echo rustc-web cargo-web
  else
    echo rustc cargo
  fi
}

missing=()
have "${PHP:-php}" || missing+=(php-cli)
have "${PHP_CONFIG:-php-config}" || missing+=(php-dev)
scripts/find-libclang.sh || missing+=(libclang-dev)
have cc || missing+=(gcc libc6-dev)
have ipcrm || missing+=(util-linux)
install_packages ${missing[@]+"${missing[@]}"}

if ! has_rust; then
  have rustup && fail "Rust is older than 1.$rust_minor. Please run: rustup update stable"
  # The list of packages decides between two names, so it must be there first.
  if have apt-get && as_root true; then quietly apt_get update; fi
  # shellcheck disable=SC2046 # two words, two packages
  install_packages $(rust_packages)
  has_rust || fail "Rust 1.$rust_minor or newer is needed; $(rustc --version 2>/dev/null || echo none) is here. See https://rustup.rs"
fi
