# What a person or CI runs here. Python 3.11 or newer is all it needs; everything else goes into .venv and var/.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILE := $(BIN)/pip-compile --quiet --upgrade --strip-extras --no-header --annotation-style line \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.PHONY: help demo test test-volume mutants check format bench screenshots lock clean

help:  ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/installed  ## Run the whole portal with demo data on this machine; Ctrl-C stops it
	@DEMO=1 DEBUG=0 $(BIN)/python manage.py demo

# Where this is set, every worker and every process that a test starts would compile all modules anew.
test test-volume: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/installed  ## Run the tests, but for those of volume; `make test ARGS="-k ledger"` for a part
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not volume" $(ARGS)

test-volume: $(VENV)/installed  ## Run the rest: what moves a million rows, or through years
	$(BIN)/python -m pytest -n auto --dist worksteal -m volume $(ARGS)

mutants: $(VENV)/installed  ## Change the source in one place at a time: does a test notice? `make mutants ARGS="credits/engine"`
	@$(BIN)/python -m tests.mutants $(ARGS)

check: export DEBUG = 1
check: $(VENV)/installed  ## Style, import order, types, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy .
	$(BIN)/python manage.py makemigrations --check --dry-run

format: $(VENV)/installed  ## Put imports and layout in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/installed  ## Measure the ledger and usage beside PostgreSQL itself
	DEBUG=1 $(BIN)/python -m bench $(ARGS)

screenshots: $(VENV)/installed  ## Take the README's pictures; the demo must be running
	DEMO=1 DJANGO_SETTINGS_MODULE=billing_portal.settings $(BIN)/python -m tests.screenshots

lock: $(VENV)/installed  ## Pin the newest versions that the .in files allow
	$(COMPILE) --output-file requirements.txt requirements.in
	$(COMPILE) --output-file requirements-dev.txt requirements-dev.in

clean:  ## Forget the demo's data and everything that was installed
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/installed: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed. If it has another name: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || \
	  { echo "Python's venv module is missing (on Debian and Ubuntu: apt install python3-venv)."; exit 1; }
	@echo "Installing what requirements-dev.txt lists into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@
