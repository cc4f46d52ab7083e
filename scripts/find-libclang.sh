#!/bin/sh
# Exit code 0 if there is a libclang, which bindgen needs for PHP's headers. Run before building,
# and by ext/config.m4.
#
#   scripts/find-libclang.sh [FOLDER...]    looks there instead of where systems keep it
[ -n "${LIBCLANG_PATH:-}" ] && exit 0
[ $# -gt 0 ] || set -- /usr/lib/llvm*/lib* /usr/lib* /usr/lib/*-linux-* /usr/local/lib*
for folder; do
  for library in "$folder"/libclang.so* "$folder"/libclang-[0-9]*.so*; do
    [ -e "$library" ] && exit 0
  done
done
exit 1
