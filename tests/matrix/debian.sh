#!/usr/bin/env bash
# The tests on a PHP of Debian's, in a root of its own: tests/matrix/debian.sh VERSION [SUITE]
#
# Without a suite the phpt suite: trixie has 8.4, experimental 8.5 and 8.6, and these two share a root of sid. With one, the Composer
# library with that suite's frameworks: their containers, queues and workers. Wants root, for chroot.
# The host's compiler builds against that root's headers: a program for an older libc runs with a newer one.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib.sh

version=$1 library_in=${2:-}
if [ -z "${PROMSHM_MATRIX_INSIDE:-}" ]; then
  [ "$(id -u)" -eq 0 ] || fail 'debian: needs root, for debootstrap and chroot'
  PROMSHM_MATRIX_INSIDE=1 exec unshare --mount --ipc "$0" "$@"
fi

project=$PWD
target=$(realpath -- "${CARGO_TARGET_DIR:-target}")
cache=${PROMSHM_PHP_CACHE:-$target/php}
mkdir -p "$cache"
cache=$(realpath -- "$cache")
mirror=${PROMSHM_PHP_MIRROR:-http://deb.debian.org/debian}
case ${library_in:-$version} in
  8.4 | trixie) suite=trixie ;;
  *) suite=sid ;;
esac
root=$cache/$suite

mount_root() {
  mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
  mountpoint -q "$root/dev" || mount --rbind /dev "$root/dev"
  mkdir -p "$root$project" "$root$target"
  mountpoint -q "$root$project" || mount --rbind "$project" "$root$project"
  mountpoint -q "$root$target" || mount --bind "$target" "$root$target"
}

in_root() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@" </dev/null; }

# A root is used only if it was finished.
make_root() {
  [ ! -f "$root.ready" ] || return 0
  have debootstrap || install_packages debootstrap
  say "Making a root of Debian $suite with its PHP ..."
  rm -rf "$root"
  quietly debootstrap --variant=minbase "$suite" "$root" "$mirror"
  mount_root
  "install_$suite"
  touch "$root.ready"
}

install_trixie() { quietly in_root apt-get install -qy --no-install-recommends php8.4-cli php8.4-dev php8.4-opcache util-linux; }

# By their versions: apt takes nothing from experimental unasked. What it lists may have been valid until yesterday.
install_sid() {
  local php part words=()
  echo "deb $mirror experimental main" >"$root/etc/apt/sources.list.d/experimental.list"
  quietly in_root apt-get update -qo Acquire::Check-Valid-Until=false
  for php in 8.5 8.6; do
    for part in cli common readline dev; do
      words+=("php$php-$part=$(in_root apt-cache policy "php$php-$part" | sed -n 's/ *Candidate: //p')")
    done
  done
  quietly in_root apt-get install -qy --no-install-recommends "${words[@]}" util-linux
}

# What the library's tests use. Recommended packages are left out, among them web servers and databases.
install_frameworks() {
  [ ! -f "$root.frameworks" ] || return 0
  say "Installing the frameworks of Debian $suite ..."
  quietly in_root apt-get update -qo Acquire::Check-Valid-Until=false
  local module words=()
  for module in cli dev intl mbstring sqlite3 xml; do words+=("php$version-$module"); done
  quietly in_root apt-get install -qy --no-install-recommends "${words[@]}" util-linux python3 composer phpunit \
    php-{symfony-{messenger,doctrine-messenger,event-dispatcher,framework-bundle,http-client,yaml},doctrine-dbal} \
    php-{laravel-framework,illuminate-queue,illuminate-events,monolog,nyholm-psr7,psr-http-client}
  touch "$root.frameworks"
}

# Versions as Debian names them, without its own suffix.
say_versions() {
  # shellcheck disable=SC2016 # dpkg's variables
  in_root dpkg-query -W -f '${Package} ${Version}\n' php-symfony-messenger php-laravel-framework php-doctrine-dbal php-monolog phpunit |
    sed -E 's/[+-][^ ]*$//'
}

write_wrappers() {
  mkdir -p "$bin"
  cat >"$bin/php" <<END
#!/bin/sh
exec chroot "$root" /usr/bin/php$version "\$@"
END
  cat >"$bin/php-config" <<END
#!/bin/sh
chroot "$root" /usr/bin/php-config$version "\$@" | sed "s#/usr/include/php#$root/usr/include/php#g"
END
  chmod +x "$bin/php" "$bin/php-config"
}

make_root
mount_root
[ -z "$library_in" ] || install_frameworks
bin=$cache/bin-$version
write_wrappers
export CARGO_TARGET_DIR=$target/$suite
scripts/seed-target.sh "$target/release" "$CARGO_TARGET_DIR/release"
PHP=$bin/php PHP_CONFIG=$bin/php-config cargo build --release --locked -p promshm
if [ -n "$library_in" ]; then
  say_versions
  in_root env -C "$project" PHP="php$version" tests/run-php.sh "$CARGO_TARGET_DIR/release/libpromshm.so"
  exit
fi
in_root env -C "$project" PHP="php$version" PHP_CONFIG="php-config$version" tests/run-phpt.sh "$CARGO_TARGET_DIR/release/libpromshm.so"
