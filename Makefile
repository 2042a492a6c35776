# Every command sets up what it needs first: nothing has to be run before it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes

.PHONY: help demo test lint generate vsix bench fuzz audit lock clean
help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

demo: $(VENV)/.run ## the main jobs on the embedded AWS: a site goes up and comes back, another is released and taken back, a service goes to three instances
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

bench: $(VENV)/.dev $(VENV)-bench/.stamp $(VENV)-awscli/.stamp ## the measurements in docs/, beside the peers (hours; less: make bench BENCH="peers --quick")
	$(BIN)/python -m pytest -q bench  # needs a C compiler and OpenSSL's headers, which the tests of the product do not
	$(BIN)/python -m bench $(BENCH)

fuzz: $(VENV)/.fuzz ## fuzzes the reader of HTTP answers (some: make fuzz RUNS=100000)
	$(BIN)/python -m tests.fuzz $(RUNS)

audit: $(VENV)/.audit ## asks PyPI whether a pinned package is known to be vulnerable
	@$(BIN)/pip-audit --strict --vulnerability-service pypi --disable-pip --require-hashes --progress-spinner off \
	  -r requirements/dev.txt -r requirements/audit.txt || \
	  { echo "Not passed: a package is vulnerable, or PyPI could not be asked about one. What it was stands above."; exit 1; }

lock: ## the hash-pinned requirements, made anew (needs uv)
	uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header -q requirements/bundle.in -o requirements/bundle.txt
	uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header -q pyproject.toml --extra local --extra azure --group build -c requirements/bundle.txt -o requirements/run.txt
	uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header -q pyproject.toml --all-extras --group build --group dev -c requirements/run.txt -o requirements/dev.txt
	uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header -q --group audit -c requirements/dev.txt -o requirements/audit.txt
	uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header -q --group fuzz -c requirements/dev.txt -o requirements/fuzz.txt
	uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header -q requirements/bench.in -o requirements/bench.txt
	uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header -q requirements/bench-awscli.in -o requirements/bench-awscli.txt

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

$(VENV)/.fuzz: $(VENV)/.dev requirements/fuzz.txt
	@$(PIP) -r requirements/fuzz.txt
	@touch $@

# The peers, each kind in an environment of its own: what they pin is not what we pin.
$(VENV)-bench/.stamp $(VENV)-awscli/.stamp: $(VENV)-%/.stamp: | $(BIN)/python
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/$(subst awscli,bench-awscli,$*).txt
	@touch $@
$(VENV)-bench/.stamp: requirements/bench.txt
$(VENV)-awscli/.stamp: requirements/bench-awscli.txt

node_modules/.stamp: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

clean: ## all that was made here
	rm -rf $(VENV) $(VENV)-bench $(VENV)-awscli node_modules dist build .cache
