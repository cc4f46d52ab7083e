#!/usr/bin/env bash
# Sees to what the tests on real pods need on top of scripts/test-deps.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

missing=()
# The PHP of the pods is Debian's, with its headers.
[ -x /usr/bin/php ] || missing+=(php-cli)
[ -x /usr/bin/php-config ] || missing+=(php-dev)
# Debian's podman does not ask for these by itself where recommended packages are left out.
have podman || missing+=(podman)
have runc || missing+=(runc)
have catatonit || missing+=(catatonit)
have debootstrap || missing+=(debootstrap)
have readelf || missing+=(binutils)
install_packages ${missing[@]+"${missing[@]}"}
# It reads one lock file; unoptimised it is built in half the time.
cargo_tool cargo-cyclonedx 0.5.9 0
