#!/usr/bin/env bash
# Sees to a PHP 8.4 that is thread-safe, has the engine's debug checks and can be embedded: no
# distribution ships one. Built from a release of php.net's, known by its checksum, or from what Debian
# trixie has now, its signature checked by apt.
# Prints where it is: below it are bin/php, bin/php-config and lib/libphp.a.
#
#   PROMSHM_PHP_CACHE    where it is kept (default: target/php)
#   PROMSHM_PHP_SOURCE   a php-8.4.*.tar.xz to build, instead of fetching one
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
source=${PROMSHM_PHP_SOURCE:+$(realpath -- "$PROMSHM_PHP_SOURCE")}

mirror=${PROMSHM_PHP_MIRROR:-http://deb.debian.org/debian}

# The checksums of Debian's signed php8.4_*.dsc: its archive of a release is php.net's own.
releases=(
  "8.4.24 e127be09a8506f4327c5cfa78a614b00d210714484ec215ce0011b4a03c00731"
  "8.4.23 1ab9f52008414e43bb2427ffa288eff2a4de39e1a830f957e800ba368d887a72"
)

# One that is gone from here may still be there: a mirror keeps old releases for a while only, and its lists
# may name new ones before it has them.
fetch_source() {
  local release place version sum
  for release in "${releases[@]}"; do
    read -r version sum <<<"$release"
    for place in "https://www.php.net/distributions/php-$version.tar.xz" \
      "$mirror/pool/main/p/php8.4/php8.4_$version.orig.tar.xz" \
      "$mirror-security/pool/updates/main/p/php8.4/php8.4_$version.orig.tar.xz"; do
      fetch "$place" "$sum" php.tar.xz && return
    done
  done
  fetch_newest_of_debian || fail "No source of PHP 8.4 is to be had: set PROMSHM_PHP_SOURCE to a php-8.4.*.tar.xz"
}

fetch() { # address sha256 file
  curl -fsSL --connect-timeout 10 --max-time 300 -o "$3" "$1" && sha256sum --check --quiet <<<"$2  $3"
}

# A list and a state of its own leave the system's apt alone.
fetch_newest_of_debian() {
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg apt
  have apt-get || return
  [ -f "$keyring" ] || install_packages debian-archive-keyring
  mkdir -p lists/partial
  cat >trixie.sources <<END
Types: deb-src
URIs: $mirror
Suites: trixie
Components: main
Signed-By: $keyring
END
  apt=(apt-get -qq -o "Dir::Etc::SourceList=$PWD/trixie.sources" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$PWD/lists" -o APT::Sandbox::User="$(id -un)")
  "${apt[@]}" update && "${apt[@]}" source --download-only php8.4 && mv php8.4_*.orig.tar.xz php.tar.xz
}

# A release's source has all that is generated: no autoconf, bison or re2c.
install_tools() {
  local missing=()
  have cc || missing+=(gcc libc6-dev)
  have make || missing+=(make)
  have xz || missing+=(xz-utils)
  have curl || missing+=(curl ca-certificates)
  install_packages ${missing[@]+"${missing[@]}"}
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
