dnl Lets `phpize && ./configure && make && make install` build the extension with cargo, as PIE does.

PHP_ARG_ENABLE([promshm],
  [whether to build promshm],
  [AS_HELP_STRING([--disable-promshm], [Do not build promshm])],
  [yes])

if test "$PHP_PROMSHM" != "no"; then
  AC_MSG_CHECKING([for PHP 8.2 or newer])
  promshm_php=`"$PHP_CONFIG" --vernum`
  if test "${promshm_php:-0}" -lt 80200; then
    promshm_php=`"$PHP_CONFIG" --version`
    AC_MSG_ERROR([PHP $promshm_php is too old: promshm needs PHP 8.2 or newer. Where there are several, --with-php-config names the one to build for])
  fi
  AC_MSG_RESULT([$promshm_php])

  AC_PATH_PROG([CARGO], [cargo])
  if test -z "$CARGO"; then
    AC_MSG_ERROR([cargo is missing. promshm is written in Rust: install Rust 1.88 or newer with your system's packages or from https://rustup.rs])
  fi

  AC_MSG_CHECKING([for Rust 1.88 or newer])
  promshm_rust=`"$CARGO" --version 2>/dev/null | $SED -n 's/^cargo 1\.\([[0-9]]*\).*/\1/p'`
  if test "${promshm_rust:-0}" -lt 88; then
    promshm_rust=`"$CARGO" --version`
    AC_MSG_ERROR([cargo is too old: $promshm_rust. Please update Rust, with rustup update or your system's packages])
  fi
  AC_MSG_RESULT([1.$promshm_rust])

  AC_MSG_CHECKING([for libclang])
  if ! "$srcdir/../scripts/find-libclang.sh"; then
    AC_MSG_ERROR([libclang is missing; PHP's headers are read with it. Install libclang-dev (Debian, Ubuntu), clang-devel (Fedora) or clang-dev (Alpine), or let LIBCLANG_PATH name its folder])
  fi
  AC_MSG_RESULT([found])

  dnl The crate that reads PHP's headers wants its full path.
  PROMSHM_PHP_CONFIG=`command -v "$PHP_CONFIG"`
  PHP_SUBST([CARGO])
  PHP_SUBST([PROMSHM_PHP_CONFIG])
  PHP_ADD_BUILD_DIR([modules])
  dnl There is no C file that PHP_NEW_EXTENSION could take: the module comes from Makefile.frag.
  PHP_MODULES="$PHP_MODULES \$(phplibdir)/promshm.so"
  PHP_SUBST([PHP_MODULES])
  PHP_ADD_MAKEFILE_FRAGMENT([$srcdir/Makefile.frag], [$srcdir], [.])
fi
