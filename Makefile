# People, hooks and CI use the same names.  make demo · make test · make check · make bench · make docs
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV_VERSION := 0.13.8
ARGS ?=

.PHONY: help setup demo test check format bench docs lock clean

help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## install everything the lock file names (once)

# uv is several times faster; where it cannot work, pip installs the same file with the same hashes.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Evergreen needs Python 3.11 or newer, this is %d.%d" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked dependencies into $(VENV) (about 7 GB, most of it torch)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)" \
	  && $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python infra/first_import.py
	@touch $@

demo: $(STAMP) ## the whole loop on this machine; ARGS=--yes approves by itself, ARGS="--scenario parts" for the other one
	@$(BIN)/evergreen demo $(ARGS)

test: $(STAMP) ## every test that this machine can run
	@infra/test-tools.sh
	@tests/run $(ARGS)

check: $(STAMP) ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## put the code into shape
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(STAMP) ## ratios against peers, side by side in one run
	@$(BIN)/python benchmarks/run.py $(ARGS)

docs: $(STAMP) ## build the documentation site, refusing broken links
	@$(BIN)/mkdocs build --strict --quiet --site-dir .cache/site

lock: ## resolve again and write requirements.lock (hashes, no addresses)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --all-extras --group dev \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml -o requirements.lock

clean: ## remove what was built, keep the environment and the embedded stack's state
	@rm -rf dist .cache build
