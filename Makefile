# make run    installs what is needed, builds, starts the whole chain with life-like mail
# make test   installs what is needed, builds, runs every test
# The rest: setup build lambda-zip test-all bench bench-store bench-search format lint clean. What each
# costs: README.md.

SHELL := /bin/sh
JOBS ?= $(shell nproc)
DATA ?= $(CURDIR)/build/demo-data
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := true
# How many times the long loops (kill -9 and the like) run; test-all raises it. For tests alone: the
# program takes POSTGLASS_… in its environment for options and refuses what is none.
test-unit test-e2e: export POSTGLASS_TEST_LOOPS := $(or $(POSTGLASS_TEST_LOOPS),30)

.PHONY: run setup setup-test setup-all build web test test-web test-unit test-sanitizers test-e2e test-all \
        bench bench-store bench-search lambda-zip format lint clean

run: build
	@exec build/release/postglass demo --data $(DATA)

setup:
	@scripts/setup.sh build

setup-test:
	@scripts/setup.sh build test

setup-all:
	@scripts/setup.sh build test all

# The console: built once into web/dist, then embedded in the binary.
WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print 2>/dev/null)

web/node_modules/.stamp: web/package.json web/package-lock.json | setup
	@echo "web: installing the front-end tools"
	@scripts/with-node.sh npm ci --prefix web --silent --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.stamp $(WEB_SOURCES)
	@echo "web: building the console"
	@cd web && ../scripts/with-node.sh npm run --silent build
	@touch $@

web: web/dist/index.html

build: setup web
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS)

test: setup-test test-web test-unit test-sanitizers test-e2e

test-web: web
	@cd web && ../scripts/with-node.sh npm run --silent check
	@cd web && ../scripts/with-node.sh npm test --silent

test-unit: web
	@cmake --preset dev >/dev/null
	@cmake --build build/dev -j $(JOBS)
	@ctest --test-dir build/dev --output-on-failure -j $(JOBS)

# Address and undefined-behaviour sanitizers over everything; the thread sanitizer over the folders
# whose threads meet: base, net, journal, topics, store.
TSAN_TESTS := base_test net_test journal_test topics_test store_test store_table_test store_segment_test \
              store_exec_test store_embedded_test
# Sanitizers look at every line that runs, not at how often it does, and cost five times as much.
SANITIZER_LOOPS ?= 3
test-sanitizers: web
	@cmake --preset asan >/dev/null
	@cmake --build build/asan -j $(JOBS)
	@POSTGLASS_TEST_LOOPS=$(SANITIZER_LOOPS) ctest --test-dir build/asan --output-on-failure -j $(JOBS)
	@cmake --preset tsan >/dev/null
	@cmake --build build/tsan -j $(JOBS) --target $(TSAN_TESTS)
	@POSTGLASS_TEST_LOOPS=$(SANITIZER_LOOPS) ctest --test-dir build/tsan --output-on-failure -j $(JOBS) -R '^(base|net|journal|topics|store|store_table|store_segment|store_exec|store_embedded)$$'

tests/e2e/node_modules/.stamp: tests/e2e/package.json tests/e2e/package-lock.json
	@scripts/with-node.sh npm ci --prefix tests/e2e --silent --no-audit --no-fund
	@touch $@

# The release binary with unmodified clients: AWS SDK, nodemailer, aws CLI, Datadog's client, a browser.
test-e2e: build lambda-zip tests/e2e/node_modules/.stamp
	@cd tests/e2e && ../../scripts/with-node.sh node --test --test-concurrency=1 cases/*.test.mjs

test-all: setup-all test lint
	@cmake --preset dev-clang >/dev/null
	@cmake --build build/dev-clang -j $(JOBS)
	@ctest --test-dir build/dev-clang --output-on-failure -j $(JOBS)
	@POSTGLASS_TEST_LOOPS=1000 $(MAKE) test-e2e

# The forwarder for the real Lambda: deploy/lambda/README.md.
lambda-zip: setup
	@cmake --preset release >/dev/null
	@cmake --build build/release -j $(JOBS) --target postglass_bootstrap
	@deploy/lambda/package.sh build/release/lambda/postglass_bootstrap build/forwarder.zip

bench: setup-test web
	@cmake --preset bench >/dev/null
	@cmake --build build/bench -j $(JOBS)
	@bench/run.sh build/bench

# The store alone, on so many generated events, then the rivals on as many (RIVALS=0: not; or fewer).
# One JSON object a figure on standard output: bench/README.md. Each step is a process of its own, so
# that no memory of one counts for another.
EVENTS ?= 5000000
RIVALS ?= 1
RIVAL_EVENTS ?= $(EVENTS)
BENCH_STORE_DATA := $(if $(filter file,$(origin DATA)),$(CURDIR)/build/bench-store,$(DATA))
bench-store:
	@scripts/setup.sh build bench >&2
	@cmake --preset bench >/dev/null
	@cmake --build build/bench -j $(JOBS) --target store_bench >&2
	@status=0; \
	for variant in raw product; do for step in ingest ask; do \
	  build/bench/bench/store_bench --events $(EVENTS) --data $(BENCH_STORE_DATA) \
	    --variants $$variant --steps $$step || status=1; \
	done; done; \
	[ "$(RIVALS)" = 0 ] || bench/rivals/run.sh build/bench/bench/store_bench \
	  $(BENCH_STORE_DATA)/rivals $(RIVAL_EVENTS) || echo "bench-store: a rival failed" >&2; \
	exit $$status

# The search through HTTP on so many generated events: one JSON object a figure.
BENCH_SEARCH_DATA := $(if $(filter file,$(origin DATA)),$(CURDIR)/build/bench-search,$(DATA))
bench-search: web
	@scripts/setup.sh build bench >&2
	@cmake --preset bench >/dev/null
	@cmake --build build/bench -j $(JOBS) --target postglass chain_bench >&2
	@scripts/with-node.sh node bench/search_bench.mjs build/bench --events $(EVENTS) --data $(BENCH_SEARCH_DATA)

format: setup-all
	@git ls-files '*.h' '*.cc' | xargs clang-format -i

lint: setup-all
	@git ls-files '*.h' '*.cc' | xargs clang-format --dry-run --Werror
	@cmake --preset dev-clang >/dev/null
	@git ls-files 'src/*.cc' | xargs -P $(JOBS) -n 8 clang-tidy -p build/dev-clang --quiet

clean:
	@rm -rf build web/dist
