# Everything one types in this repository; `make help` lists it.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
TEST_PROCESSES ?= 2
TEST_ARGS ?=
ONLY ?=

.DEFAULT_GOAL := help
.PHONY: help run test lint bench chaos contracts e2e capabilities lock clean runtime development python

help: ## List what can be made
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

run: runtime ## Start a working hub with its demo (HUB_PORT, HUB_SANDBOX_PORT, HUB_HOME, HUB_DEMO=0); Ctrl-C stops it
	@exec $(BIN)/python -m app.commands.run

test: development ## Run the whole suite, or a part: TEST_ARGS="tests/platform -k redis"
	@$(PYTEST) -n $(TEST_PROCESSES) --dist loadfile $(TEST_ARGS)

lint: development ## Check format, lint, types, import contracts and the architecture tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(PYTEST) -q --durations=0 tests/architecture

bench: development ## Measure, one JSON line a figure; ONLY="name name" measures some
	@$(BIN)/python -m bench $(ONLY)

chaos: development ## Kill, cut, crash, fill, freeze and skew under load; count what was lost or doubled (CHAOS_FAULTS)
	@$(BIN)/python -m bench.chaos

contracts: development ## Check every adapter against its port's contract and its vendor's documents
	@$(PYTEST) -n $(TEST_PROCESSES) --dist loadfile tests/contracts tests/adapters $(TEST_ARGS)

e2e: development ## Drive the console in Chromium
	@$(PYTEST) -q tests/console/test_chromium.py $(TEST_ARGS)

capabilities: development ## Print which capability has a passing test
	@test -f .capabilities.json || $(PYTEST) -q -n $(TEST_PROCESSES) --dist loadfile >&2
	@$(BIN)/python bin/capabilities.py

lock: development ## Compile requirements*.txt with hashes from requirements*.in
	@$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" -o requirements.txt requirements.in
	@$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" -o requirements-dev.txt requirements-dev.in

clean: ## Stop what runs here and remove what make made: .venv, caches, and ./var with its data
	@test ! -x $(BIN)/python || $(BIN)/python -m app.commands.run stop
	@rm -rf var .venv .capabilities.json .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime: python
	@$(PYTHON) bin/install.py runtime

development: python
	@$(PYTHON) bin/install.py runtime development

python:
	@test -n "$(PYTHON)" || { echo "Python is not installed: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11: install Python 3.11, or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
