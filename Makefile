# Two commands do everything on a fresh machine: `make run` and `make test`.
.PHONY: run test check rust journeys tidy docs release bench counts flame chaos soak fuzz help

run:            ## The gateway on :4000; without a provider's key it simulates one.
	scripts/setup rust
	cargo run --release --bin tollgate -- serve

test:           ## Everything: format, lints, Rust tests, tidy, SDK journeys. Installs what it needs.
	scripts/setup all
	scripts/test

check:          ## The quick part of `make test`: types and lints.
	cargo clippy --workspace --all-targets -- -D warnings

rust:           ## Rust tests alone.
	cargo nextest run --workspace

journeys:       ## The SDK journeys alone, against a debug build.
	scripts/journeys

tidy:           ## The house rules: arrows between crates, sizes of files, generated documents up to date.
	cargo xtask tidy

docs:           ## Writes the generated documents anew.
	cargo xtask docs

release:        ## The binary as it is published: built by the profile of mixed traffic. Prints where it is.
	scripts/release

bench:          ## The gateway beside nginx on this machine, into docs/performance.md (ARGS=--quick: six minutes, not thirty).
	scripts/bench $(ARGS)

counts:         ## Instructions of the hot path, beside crates/bench/baseline.txt (ARGS=--write: a new baseline).
	scripts/counts $(ARGS)

flame:          ## Flame graphs of a relayed and of a translated call, into docs/performance/.
	scripts/flame

chaos:          ## Calls of every face through the binary to providers that fail in every way, into docs/reliability.md (CALLS=100000 SEED=1).
	scripts/chaos

fuzz:           ## Every fuzz target for five minutes each (SECONDS_EACH=300).
	scripts/fuzz

soak:           ## The long runs: an hour of mixed traffic with flat memory (MINUTES=60), property tests with many cases, fuzzing.
	scripts/soak
	PROPTEST_CASES=20000 cargo nextest run --workspace
	scripts/fuzz

help:           ## This list.
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/'
