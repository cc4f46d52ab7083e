#!/usr/bin/env bash
# Makes promshm.so as it is given away, and promshm.so.debug with its symbols: scripts/strip-extension.sh libpromshm.so FOLDER
#
# Debuggers and profilers find the symbols if that file lies beside promshm.so, or below /usr/lib/debug.
# OBJCOPY: the one for the file's machine, if it is not this machine's
set -euo pipefail
file=$(realpath "$1") out=$(realpath "$2")
objcopy=${OBJCOPY:-objcopy}

"$objcopy" --only-keep-debug --compress-debug-sections "$file" "$out/promshm.so.debug"
"$objcopy" --strip-unneeded --remove-section=.comment "$file" "$out/promshm.so"
cd "$out" # the link has the name as it is given
"$objcopy" --add-gnu-debuglink=promshm.so.debug promshm.so
chmod 0644 promshm.so promshm.so.debug
