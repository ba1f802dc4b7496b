# The team's habits. Each is a few calls of programs that do the work; `make help` lists them.

# Programs here look for each other in target/, and queries are checked against the data committed in .sqlx.
export CARGO_TARGET_DIR := $(CURDIR)/target
export SQLX_OFFLINE := true

PRIVATE_POSTGRES := target/debug/private-postgres --throwaway --

.PHONY: help run test bench e2e lint fmt graphite release bundle tools

help: ## list the targets
	@sed -n 's/^\([a-z0-9]*\):.*## /make \1	/p' $(MAKEFILE_LIST) | expand -t 16

run: ## set up, build and start the panel with a simulated cloud; Ctrl-C stops all of it
	@server/dev/setup run
	@$(MAKE) --no-print-directory bundle
	@cargo build --release -p server
	@exec setpriv --pdeathsig TERM target/release/meridian demo

test: ## set up, lint and run every test: unit, server, browser
	@server/dev/setup test
	@# Side by side: one core is idle while the browser's module is linked.
	@$(MAKE) --no-print-directory --jobs=2 --output-sync lint bundle
	cargo build --workspace --bins --tests
	$(PRIVATE_POSTGRES) server/dev/migrated cargo test --workspace --no-fail-fast

e2e: ## the browser tests alone
	@server/dev/setup test
	@$(MAKE) --no-print-directory bundle
	cargo build --workspace --bins --tests
	$(PRIVATE_POSTGRES) server/dev/migrated cargo test --workspace --no-fail-fast --test browser

bench: ## measure the list, the index, the sessions, the proxy and the log; writes target/bench.json
	@server/dev/setup bench
	@$(MAKE) --no-print-directory bundle
	npm run --silent --prefix e2e/bench build
	cargo build --release -p e2e --bin bench
	@server/dev/trained
	$(PRIVATE_POSTGRES) target/release/bench

lint: tools ## formatting and clippy, the front end for the browser too
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	@target/debug/bundle --lint

fmt: ## format the sources
	cargo fmt --all

graphite: ## run statsd and Graphite beside `make run`, for the console's graphs; Ctrl-C stops both
	@server/dev/setup graphite
	@exec e2e/graphite/serve

release: ## the panel as it is shipped: target/release/meridian, trained by half a minute of use
	@server/dev/setup run
	@$(MAKE) --no-print-directory bundle
	@server/dev/trained

# What the browser loads, in target/bundle; the server compiles it in.
bundle: tools
	@target/debug/bundle

# `--workspace` with one binary chosen, instead of `-p`: dependencies get the features the tests build them with,
# so nothing is compiled twice.
tools:
	@cargo build --quiet --workspace --bin bundle --bin private-postgres
