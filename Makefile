# make demo [ONCE=1]   watch two stores of contacts become and stay the same
# make test            everything but the slow tests        make test-all   everything
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(shell cat requirements.txt requirements-dev.txt | cksum | cut -d' ' -f1)

.PHONY: help setup browser demo clean-demo run test test-all recordings lint format types migrations messages ci clean

help: ## What there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | while IFS='|' read -r name text; do printf '%-12s %s\n' "$$name" "$$text"; done

$(READY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Pairwise needs Python 3.11 or newer; name one with PYTHON=...'; exit 2; }
	[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	rm -f $(VENV)/.ready-*
	touch $@

setup: $(READY) ## The virtual environment and its packages, made once

browser:
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 && exit 0
	# Quietly: without Chromium the browser tests are skipped and the last lines say how to get it.
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then
		{ apt-get update && apt-get install --yes --no-install-recommends chromium; } >/dev/null 2>&1 || true
	fi

demo: setup ## Two real stores of contacts on this machine, kept the same (ONCE=1: sync, sum up, exit)
	@$(BIN)/python manage.py demo $(if $(ONCE),--once)

clean-demo: ## Removes all that the demo made
	@rm -rf var/demo

run: setup ## The web server and the workers, on this machine
	@$(BIN)/python manage.py migrate --verbosity 0
	$(BIN)/python manage.py supervise &
	trap "kill $$!; wait" EXIT
	$(BIN)/gunicorn config.wsgi --bind 127.0.0.1:8000 --worker-class gthread --workers 2 --threads 4 --timeout 60

test: setup browser ## The tests, without the slow ones
	@$(BIN)/pytest -m "not slow" $(ARGS)

test-all: setup browser ## All tests
	@$(BIN)/pytest $(ARGS)

recordings: setup browser ## The films and pictures of the help centre, made anew; needs ffmpeg
	@RECORDINGS=connections/static/pairwise/recordings $(BIN)/pytest -n 0 tests/people/test_wizard_browser.py tests/people/test_browser.py -k "hubspot and desktop or salesforce or guides"

lint: setup ## What ruff finds
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup ## Puts all files into ruff's form
	@$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup ## What mypy finds
	@$(BIN)/mypy .

migrations: setup ## Whether the migrations say what the models say
	@$(BIN)/python manage.py makemigrations --check --dry-run

messages: setup ## Brings the German catalogue up to the messages of code and templates
	@DJANGO_SETTINGS_MODULE=config.settings $(BIN)/python -m tests.catalogue

ci: ## All that must hold before a change lands
	@.ci/run

clean: ## The virtual environment and all caches
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis staticfiles
