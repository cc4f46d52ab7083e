#!/bin/sh
# Debian's way: a link into conf.d of each SAPI of that PHP. What an administrator has switched off stays off.
set -e
[ "$1" = configure ] || exit 0
phpenmod -v @PHP@ promshm
