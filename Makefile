# Every command sets up what it needs first: nothing has to be run before it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes

.PHONY: help demo test lint generate vsix bench audit lock clean
help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

demo: $(VENV)/.run ## the main job on the embedded AWS: a site goes up, comes back, and is compared
	@$(BIN)/ropeway demo
	@echo "The command is $(BIN)/ropeway. To call it ropeway, type: . $(BIN)/activate"

test: $(VENV)/.dev node_modules/.stamp ## all tests
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(VENV)/.dev ## style, types and the import contract
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

generate: $(VENV)/.dev ## task.json, ledgers and tables, from the declarations
	$(BIN)/python -m tooling.generate

vsix: $(VENV)/.dev node_modules/.stamp ## dist/ropeway-<version>.vsix
	$(BIN)/python -m tooling.vsix

bench: $(VENV)/.dev ## the measurements in docs/
	$(BIN)/python -m bench

audit: $(VENV)/.audit ## asks PyPI whether a pinned package is known to be vulnerable
	@$(BIN)/pip-audit --strict --vulnerability-service pypi --disable-pip --require-hashes --progress-spinner off \
	  -r requirements/dev.txt -r requirements/audit.txt || \
	  { echo "Not passed: a package is vulnerable, or PyPI could not be asked about one. What it was stands above."; exit 1; }

lock: ## the hash-pinned requirements, made anew (needs uv)
	uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header -q requirements/bundle.in -o requirements/bundle.txt
	uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header -q pyproject.toml --extra local --group build -c requirements/bundle.txt -o requirements/run.txt
	uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header -q pyproject.toml --all-extras --group build --group dev -c requirements/run.txt -o requirements/dev.txt
	uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header -q --group audit -c requirements/dev.txt -o requirements/audit.txt

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "Ropeway needs Python 3.10 or newer; $(PYTHON) is older or absent. Name another: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(BIN)/python requirements/run.txt pyproject.toml
	@echo "Setting up (once, for a minute or more) ..."
	@$(PIP) -r requirements/run.txt
	@$(BIN)/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	@echo "Setting up for development (once) ..."
	@$(PIP) -r requirements/dev.txt
	@touch $@

$(VENV)/.audit: $(VENV)/.dev requirements/audit.txt
	@$(PIP) -r requirements/audit.txt
	@touch $@

node_modules/.stamp: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

clean: ## all that was made here
	rm -rf $(VENV) node_modules dist build .cache
