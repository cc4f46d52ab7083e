#!/usr/bin/env bash
# Sees to a PHP 8.4 that is thread-safe, has the engine's debug checks and can be embedded: no
# distribution ships one. Built from the source that Debian trixie ships, signatures checked by apt.
# Prints where it is: below it are bin/php, bin/php-config and lib/libphp.a.
#
#   PROMSHM_PHP_CACHE    where it is kept (default: target/php)
#   PROMSHM_PHP_SOURCE   a php-8.4.*.tar.xz to build, instead of asking Debian
#   PROMSHM_PHP_MIRROR   Debian's mirror
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

cache=${PROMSHM_PHP_CACHE:-${CARGO_TARGET_DIR:-target}/php}
mkdir -p "$cache"
cache=$(realpath -- "$cache")
options=(--disable-all --disable-cgi --disable-phpdbg --enable-cli --enable-embed=static --enable-zts --enable-debug
  --enable-pcntl --enable-posix --enable-shmop --enable-opcache --without-pcre-jit)
prefix=$cache/8.4-zts-debug

# Downloads into the current folder. A list and a state of its own leave the system's apt alone.
fetch_source() {
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg apt
  [ -f "$keyring" ] || install_packages debian-archive-keyring
  mkdir -p lists/partial
  cat >trixie.sources <<EOF
Types: deb-src
URIs: ${PROMSHM_PHP_MIRROR:-http://deb.debian.org/debian}
Suites: trixie
Components: main
Signed-By: $keyring
EOF
  apt=(apt-get -qq -o "Dir::Etc::SourceList=$PWD/trixie.sources" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$PWD/lists" -o APT::Sandbox::User="$(id -un)")
  quietly "${apt[@]}" update
  quietly "${apt[@]}" source --download-only php8.4
}

# A release's source has all that is generated: no autoconf, bison or re2c.
install_tools() {
  local missing=()
  have cc || missing+=(gcc libc6-dev)
  have make || missing+=(make)
  have xz || missing+=(xz-utils)
  install_packages ${missing[@]+"${missing[@]}"}
}

build() {
  local work
  install_tools
  work=$(mktemp -d "$cache/building.XXXXXX")
  # shellcheck disable=SC2064 # the folder as it is named now
  trap "rm -rf '$work'" EXIT
  cd "$work"
  if [ -z "${PROMSHM_PHP_SOURCE:-}" ]; then
    have apt-get || fail "Debian's source needs apt-get: set PROMSHM_PHP_SOURCE to a php-8.4.*.tar.xz"
    fetch_source
    PROMSHM_PHP_SOURCE=$(ls php8.4_*.orig.tar.xz)
  fi
  mkdir source
  tar -xJf "$PROMSHM_PHP_SOURCE" -C source --strip-components=1
  cd source
  quietly ./configure --quiet --prefix="$prefix" "${options[@]}"
  # A static libphp shares its objects with the command line's PHP. But because opcache is a shared module,
  # libtool would compile every file a second time, for a shared libphp: this one does not.
  sed 's/^build_libtool_libs=yes/build_libtool_libs=no/' libtool >libtool-static
  # shellcheck disable=SC2016 # for make
  quietly make "-j$(nproc)" LIBTOOL='$(SHELL) ./libtool-static --silent' libphp.la sapi/cli/php
  quietly make "-j$(nproc)"
  quietly make install INSTALL_ROOT="$work/root"
  rm -rf "$prefix"
  mv "$work/root$prefix" "$prefix"
}

# What was built with other options is built again.
if [ "$(cat "$prefix/options" 2>/dev/null)" != "${options[*]}" ]; then
  say "Building PHP 8.4, thread-safe, with debug checks; this takes a few minutes ..." >&2
  (build) >&2
  echo "${options[*]}" >"$prefix/options"
fi
echo "$prefix"
