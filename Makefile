# `make test` sets up .venv by itself when needed.
PYTHON ?= python3
# The checks before the tests are single processes, so two at a time.
MAKEFLAGS += --jobs=2
BIN := .venv/bin

.PHONY: demo test gpu lint types docs wheel example clean

.venv/installed: pyproject.toml $(wildcard plugins/rcnnzoo-*/pyproject.toml)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rcnnzoo needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]' --editable plugins/rcnnzoo-behaviour \
		--editable plugins/rcnnzoo-blt-vs --editable plugins/rcnnzoo-brain --editable plugins/rcnnzoo-cornet \
		--editable plugins/rcnnzoo-hgru --editable plugins/rcnnzoo-timm
	touch $@

demo: .venv/installed
	$(BIN)/python -m rcnnzoo.demo

test: .venv/installed lint types docs wheel example
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

gpu: .venv/installed
	$(BIN)/python benchmarks/gpu.py

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed
	$(BIN)/mypy

docs: .venv/installed
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -q -b html docs docs/_build/html

wheel: .venv/installed
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist . ./plugins/rcnnzoo-*
	$(BIN)/python -m zipfile --list dist/rcnnzoo-*.whl | grep -q template/files/module.py.txt

# In a folder of its own, so that the zoo's names stay what its documentation says.
example: .venv/installed
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target build/example plugins/example
	PYTHONPATH=build/example $(BIN)/python -m pytest plugins/example
	PYTHONPATH=build/example $(BIN)/python -m rcnnzoo check-plugin example

clean:
	rm -rf .venv build dist docs/_build
