# Everything from a fresh checkout, on Debian 12 with Swift 6. `make help` lists what there is.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PACKAGES := libmicrohttpd-dev libpq-dev libjansson-dev libcurl4-openssl-dev postgresql \
            coturn pkg-config python3-venv python3-pip curl make
# What a command is given besides its name: make migrate ARGS=status
ARGS ?=

# Tests that wait for tasks. They run apart from those that block, which hold the few threads that tasks run on.
ASYNCHRONOUS := ^(HTTPClientTests|HTTPServerTests\.Streamed|RestanteTests\.(CallStore|DeviceStore|Expiry|GroupStore|Health|Media(File|Library)|Push|Retention|SessionLookup)Tests)

.PHONY: help deps build run migrate test lint format bench load sanitize clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install the Debian packages that are missing; does nothing when none is
	@command -v swift >/dev/null || { echo "Swift 6 is missing: see https://www.swift.org/install/linux/" >&2; exit 1; }
	@command -v dpkg-query >/dev/null || { echo "This needs Debian; elsewhere install: $(PACKAGES)" >&2; exit 1; }
	@missing=(); \
	for package in $(PACKAGES); do \
	    [[ "$$(dpkg-query -W -f='$${db:Status-Status}' "$$package" 2>/dev/null || true)" == installed ]] || missing+=("$$package"); \
	done; \
	[[ $${#missing[@]} -eq 0 ]] && exit 0; \
	echo "installing $${missing[*]}"; \
	root=(); [[ $$(id -u) -eq 0 ]] || root=(sudo -n); \
	"$${root[@]}" apt-get update -qq; \
	"$${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}"

build: deps ## build for release
	swift build -c release

run: build ## serve on http://127.0.0.1:8080 with an embedded database and development settings
	@exec env RESTANTE_OTP_DELIVERY="$${RESTANTE_OTP_DELIVERY:-response}" .build/release/restante serve $(ARGS)

migrate: build ## bring the configured database's schema up to date, or: make migrate ARGS=status
	@.build/release/restante migrate $(or $(ARGS),up)

test: deps lint .venv/requirements.txt ## lint, unit tests, then the Contract suite against the release build
	swift build --build-tests
	swift test --skip-build --disable-xctest --filter '$(ASYNCHRONOUS)'
	swift test --skip-build --disable-xctest --filter '^RestanteTests\.' --skip '$(ASYNCHRONOUS)'
	swift test --skip-build --disable-xctest --skip '$(ASYNCHRONOUS)|^RestanteTests\.'
	swift build -c release --product restante
	RESTANTE_BIN="$$(swift build -c release --show-bin-path)/restante" .venv/bin/python -m pytest Tests/Contract

lint: ## check the style and the rules that a compiler does not know
	swift format lint --strict --recursive Sources Tests Package.swift
	@Tests/lint.sh

format: ## put the sources into the project's style
	swift format --in-place --recursive Sources Tests Package.swift

bench: build ## measure, and print a table with references from the same minutes
	Tests/Bench/run.sh

load: build ## run the load generator: make load ARGS="messages --rate 5000"
	@.build/release/restante-load $(ARGS)

# A sanitizer's own crash reports are what is wanted, not the runtime's. What is left out, and why, stands in Tests/Sanitizers.
sanitize: export SWIFT_BACKTRACE := enable=no
sanitize: export LSAN_OPTIONS := suppressions=$(CURDIR)/Tests/Sanitizers/leak.txt
sanitize: export TSAN_OPTIONS := suppressions=$(CURDIR)/Tests/Sanitizers/thread.txt
sanitize: deps ## the wrappers' tests under the address and the thread sanitizer
	for sanitizer in address thread; do \
	    swift test --sanitize="$$sanitizer" --scratch-path ".build-$${sanitizer:0:1}san" --disable-xctest \
	        --filter '^(HTTPServer|Postgres|JSON|HTTPClient)Tests\.'; \
	done

clean: ## remove what was built; the data of an embedded database (.restante) stays
	rm -rf .build .build-asan .build-tsan .venv

# The copy is what was installed: the environment is made anew when the list changes, and not otherwise.
.venv/requirements.txt: Tests/Contract/requirements.txt | deps
	python3 -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	cp $< $@
