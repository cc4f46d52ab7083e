#!/usr/bin/env bash
# Builds the release artefacts: scripts/release-build.sh exporter|extension FOLDER
#
# exporter   one static binary, and the list of what it is made of (CycloneDX)
#            FEATURES: cargo features of the exporter; all that it has by default, and none if empty
# extension  promshm.so for the PHP at hand, and promshm.so.debug with its symbols
set -euo pipefail
what=$1
mkdir -p "$2"
out=$(realpath "$2")
cd "$(dirname "$0")/.."
. scripts/lib.sh

target=${CARGO_TARGET_DIR:-target}

# `install` strips: cargo's own way leaves the symbols of packages that have a profile override.
# glibc, linked statically: musl's memcpy makes a page several times slower to write.
# Relocations packed, 110 kB less: a static program relocates itself at its start, which glibc does with packed ones
# since 2.36. With an older one it crashes there and then, so it is started once. GNU's linker may not know the
# word on other machines than x86-64; it says so and goes on.
# With --target the flags reach the binary only, not the macros that the compiler itself loads.
exporter() {
  local host manifest crates sources flags words=(--no-default-features --features "${FEATURES-default}")
  host=$(rustc -vV | sed -n 's/^host: //p')
  flags='-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs'
  # Panics name the file that they come from: by crate and file, not by where this machine keeps crates.
  crates=${CARGO_HOME:-$HOME/.cargo}/registry/src
  [ -d "$crates" ] || cargo fetch --quiet --locked --target "$host"
  for sources in "$crates"/*/; do flags+=" --remap-path-prefix=$sources="; done
  RUSTFLAGS=$flags \
    cargo build --profile shipped --locked -p promshm-exporter "${words[@]}" --target "$host"
  cargo cyclonedx --manifest-path exporter/Cargo.toml --format json --no-build-deps "${words[@]}" --target "$host"
  linked_only exporter/promshm-exporter.cdx.json "${words[@]}" --target "$host" | lean_bom >"$out/promshm-exporter.cdx.json"
  # There is one beside each Cargo.toml by now.
  for manifest in */Cargo.toml */*/Cargo.toml; do rm -f "${manifest%Cargo.toml}"promshm*.cdx.json; done
  install --strip -m 0755 "$target/$host/shipped/promshm-exporter" "$out/"
  "$out/promshm-exporter" --version >/dev/null || fail "What was linked does not start; glibc 2.36 or newer is needed to link it"
}

# The list without macros, which run in the compiler alone, and crates that the features leave out: cargo-cyclonedx knows
# neither, and lists half as much again as is in the binary.
linked_only() { # file words...
  local file=$1 crates
  shift
  crates=$(cargo tree --locked -p promshm-exporter -e normal,no-proc-macro --prefix none --format '{p}' "$@" |
    sed -E 's/^([^ ]+) v([^ ]+).*/\1@\2/' | sort -u)
  [ -n "$crates" ] || fail 'cargo tree lists no crates'
  crates=$crates awk '
    BEGIN { count = split(ENVIRON["crates"], names, "\n"); for (n = 1; n <= count; n++) linked[names[n]] }
    function is_linked() { return match($0, /#[^"]*"/) && substr($0, RSTART + 1, RLENGTH - 2) in linked }
    /^    [{]$/ { entry = ""; is_kept = is_inside = 1 }
    !is_inside { print; next }
    /^      "(bom-ref|ref)": / { is_kept = is_linked() }
    /^        "[^"]*#[^"]*",?$/ && !is_linked() { next }
    { entry = entry $0 "\n" }
    /^    [}],?$/ { is_inside = 0; if (is_kept) printf "%s", entry }
  ' "$file"
}

# What scanners read (name, version, hash, licence, purl, dependencies), on one line: a third of what cargo-cyclonedx
# writes. A scope that is the default one is left out, too. No field that is left out is the first of its object; the links are the last.
# What refers to a crate within the list is a number, for each is named by its purl.
lean_bom() {
  numbered_refs | sed -E 's/^ *//; /^"(author|description)": /d; /^"scope": "required"/d; /^"externalReferences": \[/,/^\]/d; s/^("[^"]*"): /\1:/
    s|registry\+https://github.com/rust-lang/crates.io-index#||g' | tr -d '\n' | sed 's/,\([]}]\)/\1/g'
}

# A crate's own entry comes before all that refers to it; each is on a line of its own.
numbered_refs() {
  awk '
    /^ *("(bom-ref|ref)": )?"[^"]*",?$/ && match($0, /"[^"]*",?$/) {
      name = substr($0, RSTART)
      comma = sub(/,$/, "", name) ? "," : ""
      if ($1 == "\"bom-ref\":") number[name] = ++count
      $0 = substr($0, 1, RSTART - 1) "\"" number[name] "\"" comma
    }
    { print }
  '
}

extension() {
  cargo build --release --locked -p promshm
  scripts/strip-extension.sh "$target/release/libpromshm.so" "$out"
}

case $what in
  exporter | extension) "$what" ;;
  *) fail "Say exporter or extension, not $what" ;;
esac
