# promshm: PHP metrics in shared memory. `make` alone lists what can be made.

#
#   PHP=/usr/bin/php8.3                   another PHP than the one on the path
#   PHP_CONFIG=/usr/bin/php-config8.3     its php-config, if it does not stand beside it
#   PREFIX=/usr/local DESTDIR=            where `make install` puts the exporter

PREFIX  ?= /usr/local
DESTDIR ?=

# ext-php-rs wants full paths, and builds all anew when these variables come or go:
# so they are set only for those who set them.
ifdef PHP
override PHP := $(shell command -v $(PHP))
export PHP
ifndef PHP_CONFIG
beside := $(wildcard $(dir $(PHP))$(patsubst php%,php-config%,$(notdir $(PHP))))
ifneq ($(beside),)
PHP_CONFIG := $(beside)
endif
endif
endif
ifdef PHP_CONFIG
override PHP_CONFIG := $(shell command -v $(PHP_CONFIG))
export PHP_CONFIG
endif
php_config := $(or $(PHP_CONFIG),php-config)

target    := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
extension := $(abspath $(target))/release/libpromshm.so
exporter  := $(abspath $(target))/release/promshm-exporter

export PROMSHM_EXTENSION := $(extension)
export PROMSHM_EXPORTER := $(exporter)
# Launchers such as pyenv's change the path, and ext-php-rs builds anew when it changes:
# make that runs below one of them goes back to the first one's path.
export PROMSHM_PATH := $(or $(PROMSHM_PATH),$(PATH))
export PATH := $(PROMSHM_PATH)

# pytest and the tests' libraries, and no caches in the tree.
python := PYTHONDONTWRITEBYTECODE=1 $(CURDIR)/.cache/venv/bin/python
pytest := $(python) -m pytest
# The same in a PID namespace of its own, so that it sees no other processes.
pytest-alone := PYTHONDONTWRITEBYTECODE=1 unshare --pid --fork --mount-proc --kill-child $(CURDIR)/.cache/venv/bin/python -m pytest

# A checkout of promphp/prometheus_client_php, for `make promphp-suite` and `make bench`.
export PROMPHP
# For `make bench`: where Composer has installed open-telemetry/sdk, or a checkout of open-telemetry/opentelemetry-php, a
# colon, and one of Nevay/spi, which it needs; with Debian's php-psr-log.
export OTEL_PHP
# A checkout of php/pie, for `make pie-install` and `make test-matrix`.
export PIE

.PHONY: help model deps testdeps benchdeps build demo test soak bench check rust-lint msrv phpt-debug lint layers deny runner unit plain phpt zts test-matrix php-src musl arm64 apache valgrind php promphp-suite promphp-differential pie pie-install fpm e2e attacks tls formats memory operations posix page deploy containers runtimes reliability call-cost venv churn corruption kill-storm loom asan proofs fuzz readme documents prometheus3 scaling images dist install clean node

help: ## Show this list
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

deps: ## Install what building needs: PHP's headers, libclang, Rust
	@scripts/build-deps.sh

testdeps: ## Install what the tests talk to: php-fpm, Prometheus, cargo tools
	@scripts/test-deps.sh
	@scripts/venv.sh
	@scripts/deploy-tools.sh

build: ## Build the extension and the exporter
	cargo build --release --locked -p promshm -p promshm-exporter

venv:
	@scripts/venv.sh

benchdeps:
	@scripts/bench-deps.sh

demo: deps build ## Start PHP workers and the exporter on port 10200 (DEMO_SECONDS=5 ends it)
	@demo/run.sh

# Long ones first, so that no core is idle at the end, and what mostly waits beside what computes. The first builds the
# release, and valgrind comes when it is there, because a step that waits for another one's build seems to do nothing. One
# after the other what builds in target/debug; there `plain` would exchange the exporter below the tests of `unit`.
steps := containers unit,lint,plain asan fuzz valgrind zts loom pie call-cost page reliability runner phpt formats readme \
  operations deploy attacks node tls e2e fpm php documents model memory posix deny

# What the steps fetch from PyPI they see to themselves, beside what computes.
test: deps ## Lint, and run every test
	@scripts/test-deps.sh
	@tests/run-all.py -j3 $(steps)

check: venv ## What each commit needs: no root, no network; three minutes once it was built
	@tests/run-all.py rust-lint layers documents unit phpt-debug

soak: deps testdeps ## The long forms of the tests that kill, forge and fuzz: two hours
	@PROMSHM_SOAK=1 STEP_SPIN=14400 tests/run-all.py model kill-storm churn corruption reliability node prometheus3 php-src fuzz proofs

bench: deps testdeps benchdeps build ## Measure, and write docs/benchmarks.md: half an hour on an idle machine (PARTS=attacks: that part)
	cargo build --release --locked -p promshm-bench-scrape
	@PYTHONPATH=tests:benches $(python) benches/report.py $(if $(PARTS),--only $(PARTS))

lint: venv ## Check formats and lints; warnings are errors
	@scripts/lint.sh

rust-lint:
	@scripts/lint.sh rust

msrv: ## Build with the oldest Rust that Cargo.toml allows
	@scripts/msrv.sh

layers: ## Check that imports run downwards only, by scripts/layers.toml
	@scripts/layers.py

deny: ## Check the licences and sources of dependencies
	@scripts/deny.sh

runner: venv build ## What runs the tests, over steps that fail, do nothing or hang
	@$(pytest) tests/runner

# Without root those tests are left out that become other users or mount something: see .config/nextest.toml.
unit: export NEXTEST_PROFILE ?= $(if $(filter 0,$(shell id -u)),default,check)
unit: ## Rust tests, and the examples in their documentation
	@tests/run-unit.sh

# Of the whole workspace, because then the other crates are those that `make unit` has built.
plain: ## Rust tests of the exporter without TLS, as it is in its smaller image
	cargo nextest run --workspace --no-default-features --locked -E 'package(promshm-exporter)'

phpt: build ## Tests of the PHP extension
	@tests/run-phpt.sh $(extension)

phpt-debug:
	cargo build --locked -p promshm
	@tests/run-phpt.sh $(abspath $(target))/debug/libpromshm.so

php: build ## The Composer library, with the extension and without it
	@tests/run-php.sh $(extension)

promphp-suite: build ## PromPHP's own tests with our storage: PROMPHP=/path/to/its/checkout
	@tests/run-promphp.sh $(extension)

promphp-differential: build ## The same random programs on PromPHP's storage and on ours: PROMPHP=/path/to/it
	@ONLY=differential tests/run-promphp.sh $(extension)

pie: venv ## phpize, configure, make and make install, from a clean copy
	@$(pytest) tests/pie

pie-install: venv build ## An archive of a release, installed by PIE's own code: PIE=/path/to/its/checkout
	@tests/run-pie-install.sh

zts: venv build ## The phpt suite and many threads, in a thread-safe PHP with debug checks
	@tests/run-zts.sh

test-matrix: venv build ## Tests on PHP 8.2 to 8.6, thread-safe or not, glibc and musl, x86-64 and arm64, with newer frameworks: hours at the first run
	@tests/run-matrix.sh

php-src: build ## PHP's own tests of its engine, with every function observed
	@tests/run-php-src.sh

musl: ## The phpt suite on Alpine, cross-built: sets up a compiler, PHP and a root at the first run
	@tests/matrix/alpine.sh 8.4

arm64: ## On an emulated arm64: the phpt suite, the segment's tests, killed workers, the exporter
	@tests/matrix/arm64.sh 8.4

apache: ## Threads of Apache's mpm_event that count, restart and are killed
	@tests/run-apache.sh 8.4

valgrind: build ## The phpt suite under valgrind
	@tests/run-valgrind.sh $(extension)

reliability: venv build ## Kill real PHP workers, and let thousands come and go
	@$(pytest) tests/reliability

kill-storm:
	cargo nextest run -p promshm-segment --locked -j1 --no-capture -E 'test(/^kill_storm::/)'

churn:
	cargo nextest run -p promshm-segment --release --locked -j1 --no-capture -E 'test(/^churn::/)'

corruption:
	cargo nextest run -p promshm-segment --release --locked --no-capture -E 'test(/^corruption::/)'

loom: ## Loom alone: every order of what several processes do at once
	@scripts/with-nightly.sh loom segment/proofs.sh loom

asan: ## The segment's tests under AddressSanitizer
	@scripts/with-nightly.sh asan segment/proofs.sh asan

model: venv ## Every interleaving of what processes do when a generation begins
	@$(pytest) tests/model

proofs: ## Loom, Miri and the sanitizers over the segment
	@scripts/with-nightly.sh proofs segment/proofs.sh

fuzz: ## Forge segments at random, under AddressSanitizer
	@scripts/with-nightly.sh fuzz segment/fuzz/run.sh

memory: venv build ## What the exporter holds, idle and scraped
	@$(pytest) tests/memory

formats: venv build ## Each format, read by the programs it is for
	@$(pytest) tests/formats

operations: venv build ## Several segments, logs, signals, a service manager, files
	@$(pytest) tests/operations

# In a PID namespace of its own: it would look into the IPC namespaces of whatever else runs here.
node: venv build ## One exporter for all IPC namespaces of a machine; needs root
	@$(pytest-alone) tests/node

posix: venv build ## Segments in /dev/shm: containers without a shared IPC namespace, no room
	@$(pytest) tests/posix

page: venv build ## The live page in a browser, `top` in a terminal
	@$(pytest) tests/page

call-cost: venv build ## Instructions, system calls and allocations of a call
	@$(pytest) tests/call_cost

fpm: venv build ## Real requests to a real php-fpm
	@$(pytest) tests/fpm

e2e: venv build ## Workers, exporter and Prometheus in namespaces of their own
	@$(pytest) tests/e2e

attacks: venv build ## What an open port gets, while scrapes go on
	@$(pytest) tests/attacks

tls: venv build ## TLS and passwords, with openssl, curl and Prometheus
	@$(pytest) tests/tls

# Whatever starts the system's Prometheus starts that one, which says its version first.
prometheus3 := $(or $(PROMSHM_PROMETHEUS_3),$(abspath $(target))/prometheus-3/usr/bin/prometheus)
prometheus3: venv build ## What a real Prometheus reads, with a Prometheus 3
	@scripts/prometheus3.sh
	@PATH="$(dir $(prometheus3)):$$PATH"; export PATH; prometheus --version 2>&1 | grep 'version 3' && \
	$(pytest-alone) tests/e2e tests/formats tests/fpm tests/node tests/operations tests/tls

documents: venv ## What the documents name: links, files, settings, flags, metrics
	@$(pytest) tests/documents

readme: venv build ## The README's quick start, and the tables of settings and flags
	@$(pytest) tests/readme

deploy: venv build ## Manifests, chart, dashboard, alerts and archives, read by their tools
	@scripts/deploy-tools.sh
	@$(pytest) tests/deploy

# In a PID namespace of its own: the agent of a node would look into the IPC namespaces of whatever else runs here.
containers: venv build ## The shipped pod, and the agent of a node, played by podman and scraped by Prometheus
	@scripts/container-deps.sh
	@$(pytest-alone) tests/containers

runtimes: venv build ## The agent of a node with real containerd, as a kubelet asks it for pods, and Docker; needs root
	@scripts/container-runtimes.sh
	@$(pytest) tests/runtimes

scaling: testdeps build ## Let one Prometheus scrape 500 simulated exporters, and write docs/scaling.md
	@PYTHONPATH=tests $(python) benches/scaling/measure.py

images: ## Build the images of exporter, extension and example worker, with docker or podman
	@docker/build.sh

dist: deps ## Pack the archives of a release, with their checksums, into target/dist
	@scripts/dist.sh

install: build ## Install the extension beside PHP's own ones, and the exporter
	install -D -m 0644 $(extension) $(DESTDIR)$(shell $(php_config) --extension-dir)/promshm.so
	install -D -m 0755 $(exporter) $(DESTDIR)$(PREFIX)/bin/promshm-exporter
	@echo "Now add this line to php.ini: extension=promshm"

clean: ## Remove what was built, and what failed tests left behind
	cargo clean
	@cd php-tests && rm -f *.diff *.exp *.log *.out *.php *.sh *.mem
