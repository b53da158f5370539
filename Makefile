# The two commands that do everything: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/sh

.PHONY: help run test lint screenshots interop bench bench-peers bench-plot nightly sanitise clean

help:
	@echo "make run    make the environment and run both lines with their live twin (Ctrl-C ends it)"
	@echo "make test   make the environment and run the whole test suite"
	@echo "make lint   style, types and the direction of imports"
	@echo "make interop  node-opcua, gopcua, Eclipse Milo and asyncua against an emulated PLC, and a table"
	@echo "make bench  the benchmarks, one after the other, and a table of their figures"
	@echo "make bench-peers  other simulators on one line, each in an environment of its own"
	@echo "make bench-plot   how the cost grows, drawn into docs/images"
	@echo "make screenshots  pictures of the live page, from both running lines, into docs/images"
	@echo "make nightly  the long tests, with a report of what they counted"
	@echo "make sanitise  the engines' tests with a compiled engine that checks its memory and its sums (needs gcc)"
	@echo "make clean  remove the environment and what tools left behind"

run: $(VENV)/.runs
	$(BIN)/twin run $(ARGS)

test: $(VENV)/.tests $(VENV)/.servers $(VENV)/.browser tests/interop/node_modules
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not nightly" --hypothesis-profile ci $(ARGS)

nightly: $(VENV)/.tests $(VENV)/.servers $(VENV)/.browser
	$(BIN)/python -m pytest -m nightly --timeout 14400 -raP $(ARGS)

sanitise: $(VENV)/.tests
	sh tools/sanitise.sh $(BIN)/python -n 2 --dist loadgroup tests/property tests/theory tests/golden tests/unit $(ARGS)

lint: $(VENV)/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

interop: $(VENV)/.tests tests/interop/node_modules
	$(BIN)/python tests/interop/run.py $(ARGS)

bench: $(VENV)/.tests $(VENV)/.servers
	$(BIN)/python benchmarks/run_all.py --markdown docs/explanation/speed-figures.md $(ARGS)

bench-peers: $(VENV)/.tests
	PYTHON="$(PYTHON)" sh benchmarks/peers/install.sh $(VENV)/peers
	$(BIN)/python benchmarks/peers/compare.py $(ARGS)

bench-plot: $(VENV)/.tests
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group bench
	$(BIN)/python benchmarks/growth.py --csv docs/images/growth.csv --plot docs/images/growth.svg

screenshots: $(VENV)/.tests $(VENV)/.browser
	$(BIN)/python tools/screenshots.py

$(VENV)/.python:
	PYTHON="$(PYTHON)" sh tools/make_venv.sh $(VENV)
	touch $@

$(VENV)/.runs: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.tests: $(VENV)/.runs pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . --group dev
	touch $@

$(VENV)/.servers: $(VENV)/.python tools/get_servers.sh
	sh tools/get_servers.sh $(VENV)/servers
	touch $@

$(VENV)/.browser: $(VENV)/.python tools/get_browser.sh
	sh tools/get_browser.sh
	touch $@

# What the tests hold the emulated PLCs against; without npm those tests say why they are skipped.
tests/interop/node_modules: tests/interop/package-lock.json
	if command -v npm >/dev/null 2>&1; then npm ci --silent --no-audit --no-fund --prefix tests/interop && touch $@; fi

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
