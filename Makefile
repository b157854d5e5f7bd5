# Freightlake: a thin front to meson, ninja and scripts/.  `make` alone prints what there is.
.DEFAULT_GOAL := help
.PHONY: help build demo test test-slow test-deploy bench bench-all bench-ratios fmt fmt-check lint tidy clang asan tsan cover fuzz install package infra-check infra-plan infra-apply artefacts deploy release clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## install what is missing, build build/freightlake
	@scripts/build release

demo: ## build, make a lake with 1.4 million shipments of a client, run the five marts and print them
	@scripts/demo

test: ## install what is missing, build, run every test, or the STAGES named (docs: CONTRIBUTING.md)
	@scripts/test $(STAGES)

test-slow: ## make test with the long tests, longer fuzzing, and whole runs under the sanitizers
	@scripts/test --slow

test-deploy: ## what deploy/ holds and the Debian package: Terraform's plans, policies and scans, seeded mistakes (terraform wanted)
	@scripts/test deploy

bench: ## the five marts side by side with DuckDB and Polars, 1.4 M and 20 M rows
	@scripts/bench

bench-all: ## make bench with Spark, DataFusion and chDB, and 100 M rows
	@scripts/bench --all

bench-ratios: ## a short race with DuckDB and Polars; fails where the ratios fall below bench/ratios.json
	@scripts/bench-ratios

fmt: ## format C and Python in place
	@scripts/fmt

fmt-check: ## say which files `make fmt` would change
	@scripts/fmt --check

lint: ## format, layers; C, shell, Python, workflows, YAML, Terraform
	@scripts/test lint

tidy: ## clang-tidy over src/
	@scripts/tidy

clang: ## build with clang 14, warnings refused, and run the unit and smoke tests
	@scripts/test clang

asan: ## unit and smoke tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/test asan

tsan: ## unit and smoke tests under ThreadSanitizer
	@scripts/test tsan

cover: ## line and branch coverage of the tests: build-cover/coverage/index.html
	@scripts/cover

fuzz: ## each fuzz target for FUZZ_SECONDS (10 unless set) on its corpus
	@scripts/test fuzz

install: build ## install into PREFIX (/usr/local unless set), below DESTDIR when set
	@scripts/install

package: build ## build/freightlake_VERSION_ARCH.deb, for Debian 12
	@scripts/package

infra-check: ## Terraform against the real registry: fmt, validate, test, checkov
	@scripts/infra check

infra-plan: ## the plan of ENVIRONMENT (dev, prod) in build/infra; LOCK=false for a role that only reads
	@scripts/infra plan "$(ENVIRONMENT)"

infra-apply: ## apply the plan of ENVIRONMENT that infra-plan made
	@scripts/infra apply "$(ENVIRONMENT)"

artefacts: package ## what a deployment is made of, with checksums: build/artefacts
	@scripts/artefacts

deploy: ## send build/artefacts to BUCKET, and the flows to Kestra where KESTRA_URL is set
	@scripts/deploy "$(BUCKET)"

release: package ## the files of the release TAG (vX.Y.Z), checksums, SBOM and notes: build/release
	@scripts/release "$(TAG)"

clean: ## remove everything that was built
	rm -rf build build-clang build-asan build-tsan build-faults build-cover
