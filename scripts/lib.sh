# shellcheck shell=bash
# Shared by the scripts: words to the user, and finding or installing tools.

say() { printf '%s\n' "$*"; }

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root, if that needs no password.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif have sudo && sudo -n true 2>/dev/null; then
    sudo "$@"
  else
    return 1
  fi
}

# Installs Debian packages, or says which ones to install.
install_packages() {
  [ $# -gt 0 ] || return 0
  if have apk; then install_alpine_packages "$@" && return; fi
  have apt-get || fail "Please install what these Debian packages hold, then try again: $*"
  as_root true || fail "Installing needs root. Please run: apt-get install $*"
  say "Installing $* ..."
  quietly apt_get update
  quietly apt_get install -y --no-install-recommends "$@"
}

# The same by the names that Alpine has for what building needs.
install_alpine_packages() {
  local name names=()
  for name; do
    case $name in
      libclang-dev) names+=(clang-dev) ;;
      libc6-dev) names+=(musl-dev) ;;
      php-cli | php-dev) fail 'Please install PHP with its headers: a php:…-alpine image, or apk add php84 php84-dev' ;;
      *) names+=("$name") ;;
    esac
  done
  as_root true || fail "Installing needs root. Please run: apk add ${names[*]}"
  say "Installing ${names[*]} ..."
  quietly as_root apk add --no-cache "${names[@]}"
}

# Steps of the tests may install at the same time: the second waits for the first. It does not wait for what
# a package starts, which does not get the lock handed down.
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive flock --close /var/lib/apt apt-get -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# Runs a command, and shows its output only if it fails.
quietly() {
  local log
  log=$(mktemp)
  "$@" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; fail "This failed: $*"; }
  rm -f "$log"
}

have_cargo_tool() { cargo "${1#cargo-}" --version >/dev/null 2>&1; }

# Builds a cargo tool if it is missing. Its speed matters less than the wait for it.
cargo_tool() { # name version [opt-level]
  have_cargo_tool "$1" && return
  say "Building $1 $2; this takes a few minutes ..."
  CARGO_PROFILE_RELEASE_OPT_LEVEL=${3:-1} CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    CARGO_PROFILE_RELEASE_DEBUG=0 cargo install --quiet --locked "$1" --version "$2"
}
