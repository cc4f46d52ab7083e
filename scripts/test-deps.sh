#!/usr/bin/env bash
# Sees to what the tests need on top of scripts/build-deps.sh: the real partners
# (php-fpm, Prometheus, cgi-fcgi, frameworks, a browser, a terminal), linters and cargo's tools.
# Installs what is missing when it may, else says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

version=$("${PHP:-php}" -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')

# The test suite loads these as shared modules, as Debian ships them.
has_modules() {
  local module dir
  dir=$("${PHP_CONFIG:-php-config}" --extension-dir)
  for module in posix shmop opcache; do
    [ -f "$dir/$module.so" ] || "${PHP:-php}" -n -m | grep -qix "$module" || return 1
  done
}

missing=() not_enabled=()
# Another PHP than the system's brings its own php-fpm, or has none.
[ -n "${PHP:-}" ] || have "php-fpm$version" || have php-fpm || missing+=("php$version-fpm")
has_modules || missing+=("php$version-common" "php$version-opcache")
have cgi-fcgi || missing+=(libfcgi-bin)
{ have prometheus && have promtool; } || missing+=(prometheus)
have openssl || missing+=(openssl)
have curl || missing+=(curl)
have shellcheck || missing+=(shellcheck)
have valgrind || missing+=(valgrind)
have strace || missing+=(strace)
have ps || missing+=(procps)
# The release's packages are read and installed.
have rpm || missing+=(rpm)
have readelf || missing+=(binutils)
have cc || missing+=(gcc libc6-dev)
have python3 || missing+=(python3)
{ have unshare && have nsenter && have setpriv && have prlimit; } || missing+=(util-linux)
{ have chromium || have chromium-browser; } || missing+=(chromium)
have tmux || missing+=(tmux)
have git || missing+=(git)
have autoconf || missing+=(autoconf)
have composer || missing+=(composer)
have phpunit || missing+=(phpunit)
# The frameworks of the library and the examples. Debian's packages bring an autoload.php each.
[ -f /usr/share/php/Symfony/Component/Messenger/autoload.php ] || missing+=(php-symfony-messenger)
[ -f /usr/share/php/Symfony/Component/EventDispatcher/autoload.php ] || missing+=(php-symfony-event-dispatcher)
[ -f /usr/share/php/Illuminate/Queue/autoload.php ] || missing+=(php-illuminate-queue)
[ -f /usr/share/php/Illuminate/Events/autoload.php ] || missing+=(php-illuminate-events)
[ -f /usr/share/php/Symfony/Bundle/FrameworkBundle/autoload.php ] || missing+=(php-symfony-framework-bundle)
[ -f /usr/share/php/Symfony/Component/HttpClient/autoload.php ] || missing+=(php-symfony-http-client)
[ -f /usr/share/php/Symfony/Component/Messenger/Bridge/Doctrine/autoload.php ] || missing+=(php-symfony-doctrine-messenger)
[ -f /usr/share/php/Doctrine/DBAL/autoload.php ] || missing+=(php-doctrine-dbal)
[ -f /usr/share/php/Illuminate/Foundation/Application.php ] || missing+=(php-laravel-framework)
[ -f /usr/share/php/Monolog/autoload.php ] || missing+=(php-monolog)
[ -f /usr/share/php/Nyholm/Psr7/autoload.php ] || missing+=(php-nyholm-psr7)
[ -f /usr/share/php/Psr/Http/Client/autoload.php ] || missing+=(php-psr-http-client)
"${PHP:-php}" -m | grep -qix pdo_sqlite || missing+=("php$version-sqlite3")
"${PHP:-php}" -m | grep -qix intl || missing+=("php$version-intl")
# Functions of these are observed.
have redis-server || missing+=(redis-server)
"${PHP:-php}" -m | grep -qix redis || missing+=("php$version-redis")
"${PHP:-php}" -m | grep -qix curl || missing+=("php$version-curl")
"${PHP:-php}" -m | grep -qix mysqli || missing+=("php$version-mysql")
"${PHP:-php}" -m | grep -qix pgsql || missing+=("php$version-pgsql")
# Only the tests that name these load them: they make every other script slower, and are not to be loaded at once.
for module in xdebug pcov; do
  [ -f "$("${PHP_CONFIG:-php-config}" --extension-dir)/$module.so" ] && continue
  missing+=("php$version-$module")
  not_enabled+=("$module")
done
install_packages ${missing[@]+"${missing[@]}"}
[ ${#not_enabled[@]} -eq 0 ] || ! have phpdismod || quietly as_root phpdismod -v "$version" "${not_enabled[@]}"

# The linters come with the compiler: from rustup, or as packages beside rustc-web.
missing=()
cargo fmt --version >/dev/null 2>&1 || missing+=(rustfmt)
cargo clippy --version >/dev/null 2>&1 || missing+=(clippy)
if [ ${#missing[@]} -gt 0 ]; then
  if have rustup; then
    rustup component add "${missing[@]}"
  elif have apt-get && apt-cache show rustc-web >/dev/null 2>&1; then
    install_packages rustfmt-web rust-web-clippy
  else
    fail "Please install ${missing[*]} for your Rust"
  fi
fi

cargo_tool cargo-nextest 0.9.143
