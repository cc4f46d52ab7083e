# shellcheck shell=bash
# Fetches PHP's source, sourced by the scripts that need it: `fetch_source` leaves php.tar.xz of $version in the current folder.
# shellcheck disable=SC2154 # version is the script's that sources this

mirror=${PROMSHM_PHP_MIRROR:-http://deb.debian.org/debian}

# Releases by the checksums of Debian's signed .dsc: its archive of a release is php.net's own.
releases() {
  case $version in
    8.4) echo "8.4.24 e127be09a8506f4327c5cfa78a614b00d210714484ec215ce0011b4a03c00731
8.4.23 1ab9f52008414e43bb2427ffa288eff2a4de39e1a830f957e800ba368d887a72" ;;
  esac
}

# Where Debian has the source now.
suites() {
  case $version in
    8.2) echo bookworm bookworm-security ;;
    8.4) echo trixie trixie-security ;;
    *) echo experimental ;;
  esac
}

# A release that is gone from here may still be there: a mirror keeps old releases for a while only, and its lists
# may name new ones before it has them.
fetch_source() {
  local release sum place
  while read -r release sum; do
    [ -n "$release" ] || continue
    for place in "https://www.php.net/distributions/php-$release.tar.xz" \
      "$mirror/pool/main/p/php$version/php${version}_$release.orig.tar.xz" \
      "$mirror-security/pool/updates/main/p/php$version/php${version}_$release.orig.tar.xz"; do
      fetch "$place" "$sum" php.tar.xz && return
    done
  done < <(releases)
  fetch_newest_of_debian || fail "No source of PHP $version is to be had, for Debian's mirror lacks the one that its list names: set PROMSHM_PHP_SOURCE to a php-$version.*.tar.xz"
}

fetch() { # address sha256 file
  curl -fsSL --connect-timeout 10 --max-time 300 -o "$3" "$1" && sha256sum --check --quiet <<<"$2  $3"
}

# A mirror may name a release that it does not have yet, or any more: then what the suite began with will do.
fetch_newest_of_debian() {
  local all
  read -ra all < <(suites)
  fetch_of_suites "${all[@]}" || { rm -rf lists && fetch_of_suites "${all[0]}"; }
}

# A list and a state of its own leave the system's apt alone.
fetch_of_suites() { # suite...
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg apt suite
  have apt-get || return
  [ -f "$keyring" ] || install_packages debian-archive-keyring
  mkdir -p lists/partial
  for suite; do
    case $suite in *-security) echo "deb-src [signed-by=$keyring] $mirror-security $suite main" ;;
      *) echo "deb-src [signed-by=$keyring] $mirror $suite main" ;;
    esac
  done >debian.list
  apt=(apt-get -qq -o "Dir::Etc::SourceList=$PWD/debian.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$PWD/lists" -o APT::Sandbox::User="$(id -un)" -o Acquire::Check-Valid-Until=false)
  "${apt[@]}" update && "${apt[@]}" source --download-only "php$version" && mv "php${version}"_*.orig.tar.xz php.tar.xz
}
