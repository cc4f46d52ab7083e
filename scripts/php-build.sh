#!/usr/bin/env bash
# Sees to a PHP that no distribution ships, built from source: scripts/php-build.sh VERSION KIND
#
#   zts-debug    thread-safe, with the engine's debug checks; can be embedded
#   zts-apache   thread-safe, with Apache's module
#   musl         linked with musl, as on Alpine; musl-zts is thread-safe, too
#
# The source is a release of php.net's, known by its checksum, or what Debian has now, its signature checked by
# apt. Prints where PHP is: below it are bin/php, bin/php-config, lib/libphp.a for zts-debug, and apache/libphp.so for zts-apache.
#
#   PROMSHM_PHP_CACHE    where it is kept (default: target/php)
#   PROMSHM_PHP_SOURCE   a php-VERSION.*.tar.xz to build, instead of fetching one
#   PROMSHM_PHP_MIRROR   Debian's mirror
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

version=$1 kind=$2
project=$PWD
cache=${PROMSHM_PHP_CACHE:-${CARGO_TARGET_DIR:-target}/php}
mkdir -p "$cache"
cache=$(realpath -- "$cache")
prefix=$cache/$version-$kind
source=${PROMSHM_PHP_SOURCE:+$(realpath -- "$PROMSHM_PHP_SOURCE")}

# Only what the extension's tests use.
options=(--disable-all --disable-cgi --disable-phpdbg --enable-cli --enable-pcntl --enable-posix --enable-shmop --without-pcre-jit)
case $version in
  8.2 | 8.3 | 8.4) options+=(--enable-opcache) ;; # later ones have it built in
esac
compiler=cc
case $kind in
  zts-debug) options+=(--enable-embed=static --enable-zts --enable-debug) ;;
  zts-apache) options+=(--enable-zts --with-apxs2) ;;
  # zig, not musl-gcc: the unwinder of a gcc that was made for glibc crashes in musl, and the JIT uses it.
  musl) options+=(--host=x86_64-linux-musl) compiler=zig ;;
  musl-zts) options+=(--host=x86_64-linux-musl --enable-zts) compiler=zig ;;
  *) fail "There are the kinds zts-debug, zts-apache, musl and musl-zts, not $kind" ;;
esac

. scripts/php-source.sh

# A release's source has all that is generated: no autoconf, bison or re2c.
install_tools() {
  local missing=()
  have cc || missing+=(gcc libc6-dev)
  have make || missing+=(make)
  have xz || missing+=(xz-utils)
  have curl || missing+=(curl ca-certificates)
  if [ "$kind" = zts-apache ]; then have apxs2 || missing+=(apache2-dev); fi
  install_packages ${missing[@]+"${missing[@]}"}
}

# A static libphp shares its objects with the command line's PHP. But because opcache is a shared module,
# libtool would compile every file a second time, for a shared libphp: this one does not.
build_embedded() {
  sed 's/^build_libtool_libs=yes/build_libtool_libs=no/' libtool >libtool-static
  # shellcheck disable=SC2016 # for make
  quietly make "-j$(nproc)" LIBTOOL='$(SHELL) ./libtool-static --silent' libphp.la sapi/cli/php
}

# apxs would switch the module on in the machine's own Apache.
install_built() { # root
  if [ "$kind" = zts-apache ]; then
    quietly make install-cli install-modules install-build install-headers install-programs INSTALL_ROOT="$1"
    install -D libs/libphp.so "$1$prefix/apache/libphp.so"
  else
    quietly make install INSTALL_ROOT="$1"
  fi
}

build() {
  local work
  install_tools
  work=$(mktemp -d "$cache/building.XXXXXX")
  # shellcheck disable=SC2064 # the folder as it is named now
  trap "rm -rf '$work'" EXIT
  cd "$work"
  [ -n "$source" ] || fetch_source
  mkdir source
  tar -xJf "${source:-php.tar.xz}" -C source --strip-components=1
  cd source
  if [ "$compiler" = zig ]; then
    # opcache's JIT walks the stack: with zig's own unwinder in each library, since musl's system has none at hand.
    CC=$("$project/scripts/zig-cc.sh" x86_64-linux-musl)
    export CC LDFLAGS=-lunwind
  fi
  quietly ./configure --quiet --prefix="$prefix" "${options[@]}"
  if [ "$kind" = zts-debug ]; then build_embedded; fi
  quietly make "-j$(nproc)"
  install_built "$work/root"
  rm -rf "$prefix"
  mv "$work/root$prefix" "$prefix"
}

# What was built with other options is built again, and what was moved: its php-config names the folder it was built for.
is_ready() {
  [ "$(cat "$prefix/options" 2>/dev/null)" = "${options[*]}" ] && [ "$("$prefix/bin/php-config" --prefix)" = "$prefix" ]
}

if ! is_ready; then
  say "Building PHP $version ($kind); this takes a few minutes ..." >&2
  (build) >&2
  echo "${options[*]}" >"$prefix/options"
fi
echo "$prefix"
