# Each target wraps plain commands; the README shows the same ones.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo test nightly soak matrix lint bench bench-large clean

demo: $(VENV)/.installed
	$(BIN)/p2pchat demo

# Three at once also on two cores: most of them wait for timers and for other processes.
test: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 3 --dist loadfile

# What others send does no harm: 100,000 examples of each property; two hours of one core, half of that on two.
nightly: $(VENV)/.installed-test
	HYPOTHESIS_PROFILE=nightly $(BIN)/pytest -n 2 -m nightly --timeout=0

# A hundred transfers in which one of the two programs is killed at a random byte; prints its seed.
soak: $(VENV)/.installed-test
	$(BIN)/pytest -m soak --timeout=0 -s tests/soak

# All pairs of NATs, with TURN in each way, and long interruptions; takes six minutes and root. Prints the tables.
matrix: $(VENV)/.installed-test
	$(BIN)/pytest -m matrix -s tests/laboratory

lint: $(VENV)/.installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks transfer
	$(BIN)/python -m benchmarks live_text

# 10 GiB and 200,000 files, memory at both sides; takes an hour and 15 GB of disk.
bench-large: $(VENV)/.installed
	$(BIN)/python -m benchmarks large

clean:
	rm -rf $(VENV)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@ $(VENV)/.installed
