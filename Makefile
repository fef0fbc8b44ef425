# Everything that a person runs here. `make` alone lists it.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST = $(BIN)/python -m pytest -n auto --dist loadgroup --durations=20
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"
CODE := $(wildcard bot handlers flows models config tests wsgi.py)

# Every process would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow lint format bench chaos faults lock

help: ## this list
	@echo "Usage: make TARGET [ARGS=\"...\"] [PYTHON=python3] [VENV=.venv]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "Nothing has to be installed first but make and Python 3.11 or newer with venv."
	@if [ -x /usr/bin/python3.13 ]; then echo "With another Python beside the first: make test PYTHON=/usr/bin/python3.13 VENV=.venv-3.13"; fi

demo: $(VENV)/runtime ## the bot, its worker and a simulator of WeChat; prints where to look, Ctrl-C ends it
	BANGFU_ENV=demo $(BIN)/flask --app wsgi demo $(ARGS)

test: $(VENV)/tools ## the fast tests, on all cores; ARGS go to pytest, as in ARGS="tests/appeals/test_review.py"
	$(PYTEST) -m "not slow" $(ARGS)

test-slow: $(VENV)/tools ## the rest: processes, broken servers, browsers, long walks; and longer searches
	HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-full} $(PYTEST) -m "slow or search" $(ARGS)

lint: $(VENV)/tools ## ruff, mypy, who may import whom, bandit, and known vulnerabilities of what is pinned
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive $(filter-out tests,$(CODE))
	$(BIN)/python .ci/audit.py $(BIN)/pip-audit

format: $(VENV)/tools ## puts the code in order as lint wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/tools ## how fast the bot answers, beside a bare echo on the same server
	$(BIN)/python -m tests.bench $(ARGS)

chaos: $(VENV)/tools ## the tests that break servers and processes on purpose; ten minutes at most
	timeout 600 $(BIN)/python -m pytest -m chaos -n 2 --dist loadgroup $(ARGS)

faults: $(VENV)/tools ## do the tests still bite? 90 minutes at most, then goes on; ARGS="--only WORDS", --again, --slow
	$(BIN)/python -m tests.faults $(ARGS)

lock: $(VENV)/made ## pins what requirements*.in ask for; ARGS=--upgrade takes newer versions
	$(INSTALL) uv
	$(COMPILE) $(ARGS) requirements.in --output-file requirements.txt
	$(COMPILE) $(ARGS) requirements-dev.in --output-file requirements-dev.txt

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, and \"$(PYTHON)\" is none: name one, as in make $(MAKECMDGOALS) PYTHON=/usr/bin/python3.13"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "\"$(PYTHON)\" cannot make a virtual environment: on Debian and Ubuntu, install python3-venv"; exit 1; }
	@touch $@

$(VENV)/runtime: requirements.txt $(VENV)/made
	@echo "Installing what requirements.txt pins into $(VENV); this happens once, and again when the file changes."
	$(INSTALL) --require-hashes -r requirements.txt
	@touch $@

$(VENV)/tools: requirements-dev.txt $(VENV)/runtime
	@echo "Installing what requirements-dev.txt pins into $(VENV)."
	$(INSTALL) --require-hashes -r requirements-dev.txt
	@touch $@
