# Everything that is done with this project, by name. `make help` lists it.
# Every command runs under the Node of node_modules, whatever Node the system has.

SYSTEM_PATH := $(PATH)
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

NODE_MAJOR := 26
INSTALLED := node_modules/.installed

.PHONY: help
help: ## List what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: deps
deps: $(INSTALLED) ## Install the packages, among them Node itself

$(INSTALLED): package-lock.json
	@PATH='$(SYSTEM_PATH)'; \
	command -v npm >/dev/null || { echo 'npm is missing: install Node.js 20 or later, which brings it (https://nodejs.org, or apt-get install nodejs npm)' >&2; exit 1; }; \
	major=$$(node -p 'process.versions.node.split(".")[0]'); \
	[ "$$major" -ge 20 ] || { echo "Node.js $$major is too old to install the packages: get 20 or later (https://nodejs.org)" >&2; exit 1; }; \
	npm ci --no-audit --no-fund
	@case "$$(node_modules/.bin/node --version 2>/dev/null)" in \
	v$(NODE_MAJOR).*) ;; \
	*) echo 'node_modules/.bin/node is not Node $(NODE_MAJOR): npm did not run the install script of the package "node".' >&2; \
	   echo 'Check that neither "npm config get ignore-scripts" nor a policy forbids the scripts that package.json allows' >&2; \
	   echo '(allowScripts), then run: npm rebuild node && make deps' >&2; exit 1;; \
	esac
	@touch $@

.PHONY: go
go:
	@command -v go >/dev/null || { echo 'go is missing: the test bed is built from source; install Go 1.21 or later (https://go.dev/dl); it fetches the toolchain that is needed' >&2; exit 1; }

.PHONY: demo
demo: deps go ## Watch Drydock reboot the nodes of a real control plane, here
	@node test/demo/demo.ts

.PHONY: test
test: deps go ## Run all tests: the fast ones and those on a real control plane
	@node tools/run-tests.ts fast real

.PHONY: test-fast
test-fast: deps ## Run the tests that need no other programs
	@node tools/run-tests.ts fast

.PHONY: coverage
coverage: deps ## Measure which lines the fast tests reach (coverage/index.html)
	@c8 --all --src src --include 'src/**' --exclude 'src/api/generated/**' --reporter text --reporter html node tools/run-tests.ts fast

.PHONY: check check-types check-lint check-generated check-architecture check-model
check: check-types check-lint check-generated check-architecture check-model ## Check types, style, generated files, architecture and the model

check-types: deps
	@tsc --noEmit
check-lint: deps
	@biome check --error-on-warnings
check-generated: deps
	@node tools/generate-types.ts --check
	@node tools/complete-lockfile.ts --check
check-architecture: deps
	@node tools/check-architecture.ts
check-model:
	@if command -v python3 >/dev/null; then python3 test/model/handshake.py; \
	else echo 'The model was not checked: python3 is missing (apt-get install python3)'; fi

.PHONY: generate
generate: deps ## Make the types again from crds/
	@node tools/generate-types.ts

.PHONY: bench
bench: deps go ## Measure memory, start-up and requests
	@node test/bench/bench.ts

.PHONY: testbed
testbed: deps go ## Build the programs of the test bed
	@node test/testbed/build.ts

.PHONY: playground
playground: deps go ## Start a control plane with fake nodes to play with
	@node test/testbed/playground.ts

.PHONY: bundle
bundle: deps ## Bundle the commands into dist/
	@node tools/bundle.ts

.PHONY: clean
clean: ## Remove what was made, except the packages
	@rm -rf dist coverage
