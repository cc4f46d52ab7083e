promshm_target = $${CARGO_TARGET_DIR:-$(top_srcdir)/../target}

# cargo knows what has changed.
.PHONY: promshm-cargo
promshm-cargo:
	PHP="$(PHP_EXECUTABLE)" PHP_CONFIG="$(PROMSHM_PHP_CONFIG)" "$(CARGO)" build --release --locked -p promshm \
	  --manifest-path "$(top_srcdir)/../Cargo.toml"

$(phplibdir)/promshm.so: promshm-cargo
	cp "$(promshm_target)/release/libpromshm.so" $@
