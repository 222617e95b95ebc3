# Every target sets up .venv by itself. PYTHON chooses the interpreter, VENV the folder.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python

.PHONY: theorem2 audit test test-whole test-hostile test-long lint mutants bench clean

theorem2: $(VENV)/.runtime
	$(RUN) -m verify theorem2

audit: $(VENV)/.runtime
	$(RUN) -m verify audit

test: $(VENV)/.development
	$(RUN) -m pytest -n 2 --dist loadgroup

test-whole: $(VENV)/.development
	$(RUN) -m pytest -n 2 --dist loadgroup -m "whole and not long"

test-hostile: $(VENV)/.development
	$(RUN) -m pytest -n 2 -m hostile tests/hostile

test-long: $(VENV)/.development
	$(RUN) -m pytest -n 2 -m long

lint: $(VENV)/.development
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

mutants: $(VENV)/.runtime
	$(RUN) -m verify mutants --document docs/mutants.md

bench: $(VENV)/.development
	$(RUN) -m benchmarks.training

clean:
	rm -rf $(VENV)

$(VENV)/.runtime: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with PYTHON=..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.development: $(VENV)/.runtime
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
