# `make` alone lists the commands. Each installs what it misses first (see .ci/setup).
PORT ?= 8000
PYTHON = .venv/bin/python
PYTEST = $(PYTHON) -m pytest --durations=20

.PHONY: help run test test-postgres test-sqlite test-browser quick format lint types contracts data check bench golden lock
.DEFAULT_GOAL = help

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

run: ## run everything on this machine: http://127.0.0.1:8000, or PORT=8001 make run
	@.ci/setup run
	@exec $(PYTHON) manage.py runstack --port $(PORT)

# Two at a time, for two cores; the lines of each come together when it has ended.
test: ## all tests: those of pages in Chromium, those that use the database on PostgreSQL, and everything else on SQLite
	@.ci/setup test
	@echo "the tests run in three parts, two at a time; each speaks when it has ended, the first after some minutes"
	@$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target test-sqlite test-postgres test-browser

test-sqlite:
	@.ci/setup test
	$(PYTEST) -q -m "not browser"

test-postgres:
	@.ci/setup test
	TEST_DATABASE=postgres $(PYTEST) -q -m "db and not browser"

test-browser:
	@.ci/setup test
	$(PYTEST) -q -m browser

quick: ## the tests that need no database and no browser, in seconds
	@.ci/setup dev
	$(PYTEST) -q -m "not db and not browser and not slow"

format: ## format the code in place
	@.ci/setup dev
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

lint: ## format and style, without changing anything
	@.ci/setup dev
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .

types: ## types, strict in the pure code
	@.ci/setup dev
	$(PYTHON) -m mypy

contracts: ## the one direction of imports
	@.ci/setup dev
	.venv/bin/lint-imports --cache-dir .cache/imports

data: ## the catalog's files: shapes, sources, ranges, coverage
	@.ci/setup run
	$(PYTHON) manage.py check_data

check: lint types contracts data test ## everything the build server checks

bench: ## how fast it is on this machine: a table, and bench.json
	@.ci/setup bench
	OPENBLAS_NUM_THREADS=1 $(PYTHON) manage.py bench

golden: ## rewrite tests/golden from today's code; read the diff before you commit it
	@.ci/setup dev
	UPDATE_GOLDEN=1 $(PYTEST) -q tests/golden

lock: ## resolve pyproject.toml anew into requirements*.txt (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links -c requirements.txt --group dev -o requirements-dev.txt
