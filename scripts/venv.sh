#!/usr/bin/env bash
# Sees to the virtual environment .cache/venv, in which the tests find pytest and their libraries.
# It is made anew when tests/requirements.txt or Python has changed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

venv=.cache/venv
mkdir -p .cache
exec 9>.cache/venv.lock # steps that run beside each other make it once
flock 9

have python3 || install_packages python3
wanted=$(python3 -c 'import sys; print(sys.executable, sys.version)' && cat tests/requirements.txt)
[ "$(cat "$venv/.complete" 2>/dev/null)" != "$wanted" ] || exit 0
say "Installing pytest and the tests' Python libraries into $venv ..."
# Debian has what a virtual environment needs in a package of its own.
python3 -c 'import ensurepip' 2>/dev/null || install_packages python3-venv
rm -rf "$venv"
quietly python3 -m venv "$venv"
quietly "$venv/bin/pip" install --disable-pip-version-check -r tests/requirements.txt
printf '%s\n' "$wanted" >"$venv/.complete"
