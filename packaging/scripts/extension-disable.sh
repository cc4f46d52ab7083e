#!/bin/sh
# Not for an update, which would switch it on again where an administrator had switched it off.
set -e
[ "${1:-}" = remove ] || exit 0
phpdismod -v @PHP@ promshm
