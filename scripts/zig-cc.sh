#!/usr/bin/env bash
# A C compiler for musl: scripts/zig-cc.sh x86_64-linux-musl|aarch64-linux-musl. Prints where it is.
#
# zig is a C compiler for every target, and brings musl's headers and libraries with it. It comes from PyPI, is kept in
# .cache/cross, and stands behind a wrapper that leaves out words of GNU's compiler and linker which it does not know.
set -euo pipefail
target=$1
cd "$(dirname "$0")/.."
. scripts/lib.sh

cache=$PWD/.cache/cross
wrapper=$cache/$target-cc
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
[ -x "$cache/zig/bin/python" ] || quietly python3 -m venv "$cache/zig" 9>&-
"$cache/zig/bin/python" -m ziglang version >/dev/null 2>&1 || quietly "$cache/zig/bin/pip" install ziglang==0.17.1 9>&-

# Without the checks of undefined behaviour and of reproducible texts that zig adds.
cat >"$wrapper.new" <<END_OF_WRAPPER
#!/usr/bin/env bash
words=()
for word; do
  case \$word in
    -m64 | --target=* | -Wl,--fix-cortex-a53-843419) ;;
    *) words+=("\$word") ;;
  esac
done
exec "$cache/zig/bin/python" -m ziglang cc -target $target -dynamic -fno-sanitize=undefined -Wno-date-time "\${words[@]}"
END_OF_WRAPPER
chmod +x "$wrapper.new"
cmp -s "$wrapper.new" "$wrapper" || mv "$wrapper.new" "$wrapper"
rm -f "$wrapper.new"
echo "$wrapper"
