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
  say "Installing $* ..."
  have apt-get || fail "Please install what these Debian packages hold, then try again: $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
    fail "Installing needs root. Please run: apt-get install $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null ||
    fail "apt-get could not install: $*"
}

# Of the packages named, those that dpkg does not know as installed.
missing_packages() {
  local package
  for package; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

# Builds a cargo tool if it is missing. Its speed matters less than the wait for it.
cargo_tool() { # name version
  have "$1" && return
  say "Building $1 $2; this takes a few minutes ..."
  CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    CARGO_PROFILE_RELEASE_DEBUG=0 cargo install --quiet --locked "$1" --version "$2"
}
