# The two commands of the README are `make demo` and `make test`; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo console host test e2e screenshots check-api lint check check-modules check-boot image image-test image-bootc image-bootc-test bench fuzz

CARGO ?= cargo
# nextest runs each test in a process of its own, as tests expect that look at what their process left behind; plain
# `cargo test` stands in where it is not installed, one test at a time.
NEXTEST := $(shell command -v cargo-nextest 2>/dev/null)
RUNNER := $(if $(NEXTEST),nextest run,test --no-fail-fast)
ifeq ($(NEXTEST),)
export RUST_TEST_THREADS := 1
endif
# Runs a command in web/ with a Node.js that is new enough.
NODE := crates/tools/scripts/with-node.sh
FUZZ_SECONDS ?= 600
# Builds the programs that are checked; `make check` builds all tests with them, as it needs those anyway.
BUILD = $(CARGO) build --locked -p punktfunk-host -p punktfunk-client -p punktfunk-update
# Where cargo puts what it builds.
TARGET = $(shell $(CARGO) metadata --format-version 1 --no-deps --offline | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')

help: ## Lists the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: ## Installs the system packages that building and testing need (Debian, Ubuntu)
	@crates/tools/scripts/setup.sh

demo: setup ## Streams a real desktop to a real client on this machine, checks it and prints one table
	$(CARGO) build --release --locked -p punktfunk-host -p punktfunk-client -p punktfunk-tools
	$(CARGO) run --release --locked -q -p punktfunk-tools -- demo

console: ## Builds the console, which the host has inside: web/dist
	$(NODE) npm run build

host: setup console ## Builds the host and the client for real use: target/release/punktfunk-host and punktfunk
	$(CARGO) build --release --locked -p punktfunk-host -p punktfunk-client

test: setup console ## Runs every test on a clean checkout
	$(CARGO) $(RUNNER) --workspace --locked
	$(NODE) npm test
	$(MAKE) e2e BUILD=true

e2e: setup console ## Drives the console of a real host in a real browser, with real devices
	crates/tools/scripts/setup.sh browser
	$(BUILD)
	PUNKTFUNK_HOST=$(TARGET)/debug/punktfunk-host PUNKTFUNK_CLIENT=$(TARGET)/debug/punktfunk $(NODE) npm run e2e:host

screenshots: setup console ## Pictures of every page of a real host: light, dark, phone, English, German (web/e2e/screenshots)
	crates/tools/scripts/setup.sh browser
	$(BUILD)
	PUNKTFUNK_HOST=$(TARGET)/debug/punktfunk-host PUNKTFUNK_CLIENT=$(TARGET)/debug/punktfunk $(NODE) npm run e2e:host -- every-page

lint: setup ## Formatting and lints, warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(NODE) npm run lint

check: lint ## What CI runs: lints, NixOS modules, units under systemd, tests
	$(MAKE) check-modules check-boot BUILD='$(CARGO) $(RUNNER) --workspace --locked --no-run'
	$(MAKE) test

check-modules: setup ## Evaluates the NixOS modules and compares what they render (UPDATE=1 accepts it)
	$(BUILD)
	crates/tools/scripts/check-modules.sh $(TARGET)/debug/punktfunk-host

check-boot: setup ## Boots the rendered units and configuration under systemd and streams from them (root, nspawn)
	$(BUILD)
	crates/tools/scripts/check-boot.sh $(TARGET)/debug/punktfunk-host $(TARGET)/debug/punktfunk $(TARGET)/debug/punktfunk-update

image: setup console ## Builds the flashable image for UEFI machines: target/image (root)
	crates/tools/scripts/image.sh

image-test: setup console ## Boots the image in QEMU, claims it, pairs, streams, updates, cuts the power (root)
	crates/tools/scripts/setup.sh vm
	$(CARGO) build --locked -p punktfunk-client -p punktfunk-tools
	crates/tools/scripts/image-test.sh

image-bootc: setup console ## Builds the bootc flavour on a base of Debian's packages, and deploys it on a disk (root)
	crates/tools/scripts/image-bootc.sh

image-bootc-test: setup console ## Boots that deployment in QEMU, claims it, streams, upgrades it, rolls it back (root)
	$(CARGO) build --locked -p punktfunk-client -p punktfunk-tools
	crates/tools/scripts/image-bootc-test.sh

check-api: ## Asks the API everything that its document allows and much that it does not (schemathesis, PyPI)
	crates/tools/scripts/check-api-schema.sh

bench: setup ## Criterion benchmarks: ours beside the baseline, in one run
	$(CARGO) bench --workspace --locked

fuzz: setup ## Runs every fuzz target for FUZZ_SECONDS (600) each
	crates/tools/scripts/fuzz.sh $(FUZZ_SECONDS)
