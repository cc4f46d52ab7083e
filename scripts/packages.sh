#!/usr/bin/env bash
# Makes the .deb and the .rpm of the exporter or the extension: scripts/packages.sh exporter|extension BUILT FOLDER
#
# BUILT holds promshm-exporter or promshm.so, as scripts/release-build.sh leaves them. The extension's packages are for
# the PHP of the distributions: Debian builds neither thread-safe nor debug PHPs, so there is no package for those.
set -euo pipefail
what=$1
built=$(realpath "$2") dist=$(realpath "$3")
cd "$(dirname "$0")/.."
. scripts/lib.sh

nfpm=$PWD/.cache/venv/bin/nfpm
[ -x "$nfpm" ] || scripts/venv.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
version=$(sed -nE 's/^version = "(.*)"$/\1/p' Cargo.toml | head -n 1)
php='' api='' glibc=''

# nfpm knows variables in some of its fields only.
pack() { # description format
  sed "s|@BUILT@|$built|; s|@SCRATCH@|$scratch|; s|@VERSION@|$version|; s|@ARCH@|$arch|; s|@PHP@|$php|; s|@API@|$api|
    s|@GLIBC@|$glibc|" "$1" >"$scratch/nfpm.yaml"
  quietly "$nfpm" package --config "$scratch/nfpm.yaml" --packager "$2" --target "$scratch"
  mv "$scratch"/*."$2" "$dist/"
}

# One word for a machine in both formats: nfpm translates it.
arch_of() {
  case $(readelf -h "$1" | sed -n 's/^ *Machine: *//p') in
    *X86-64) echo amd64 ;;
    AArch64) echo arm64 ;;
    *) fail "$1 is for neither x86-64 nor arm64" ;;
  esac
}

# The newest symbols that it takes from glibc decide on which distributions it runs.
glibc_of() { readelf -VW "$1" | grep -oE 'GLIBC_2\.[0-9]+' | sort -uV | tail -n 1 | sed 's/GLIBC_//'; }

# A user of its own that is known by name, in the group of the distribution's web server.
exporter_unit() { # group
  sed -e "s|/usr/local/bin/|/usr/bin/|; /^# Copy it to/d; s|^# A user that lives as long as the service,.*|# The package's user is in the group $1, which workers share their segment with (promshm.group).|
    s|^DynamicUser=yes|User=promshm-exporter|; /^SupplementaryGroups=/d" packaging/promshm-exporter.service >"$scratch/promshm-exporter.service"
  sed "s|@GROUP@|$1|g" packaging/scripts/exporter-add-user.sh >"$scratch/add-user.sh"
}

exporter() {
  arch=$(arch_of "$built/promshm-exporter")
  exporter_unit www-data
  pack packaging/exporter.yaml deb
  exporter_unit apache
  pack packaging/exporter.yaml rpm
}

extension() {
  local abi script
  abi=$(scripts/abi-name.sh "$built/promshm.so")
  case $abi in
    *-glibc) ;;
    *) say "No packages for $abi: distributions with .deb and .rpm have no such PHP" && return ;;
  esac
  arch=$(arch_of "$built/promshm.so")
  php=${abi#php} php=${php%%-*}
  glibc=$(glibc_of "$built/promshm.so")
  api=$(grep -aoE 'API20[0-9]{6},NTS' "$built/promshm.so" | head -n 1 | grep -oE '[0-9]{8}')
  for script in enable disable; do
    sed "s|@PHP@|$php|" "packaging/scripts/extension-$script.sh" >"$scratch/$script.sh"
  done
  pack packaging/extension-deb.yaml deb
  pack packaging/extension-rpm.yaml rpm
}

have readelf || fail 'readelf is missing: install binutils'
case $what in
  exporter | extension) "$what" ;;
  *) fail "Say exporter or extension, not $what" ;;
esac
