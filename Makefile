# The course's commands. Works with GNU make 3.81 (macOS) and in a folder with a space in its
# name; all paths here are relative for that reason. Without make: TROUBLESHOOTING.md.

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.lesson5-installed
WORKERS ?= 2

# The data of `make run` and `make lab`: RATINGS=ml-100k DIGITS=mnist
ifdef RATINGS
export LESSON5_RATINGS := $(RATINGS)
endif
ifdef DIGITS
export LESSON5_DIGITS := $(DIGITS)
endif

# UV=1 installs with uv, which finds the small CPU build of torch on Linux.
# A folder wheels/ (from `make bundle`) holds everything, so nothing else is asked.
ifdef UV
INSTALL := uv pip install --python $(PY) --torch-backend=cpu
else
INSTALL := $(PY) -m pip install --disable-pip-version-check
endif
ifneq ($(wildcard wheels/*.whl),)
INSTALL += --no-index --find-links wheels
endif

# Saved outputs are made from, and compared on, the bundled data; a figure needs the kernel's
# own matplotlib backend. LESSON5_DATA_DIR stays: tests on real data look there. Without a folder
# for the learner's own ratings everybody sees the default viewer.
# One thread each: the tests already use every core.
TESTING := env -u MPLBACKEND -u LESSON5_DEVICE -u LESSON5_THREADS LESSON5_PROGRESS=0 \
	OMP_NUM_THREADS=1 LESSON5_RATINGS=sample LESSON5_DIGITS=sample LESSON5_WORK_DIR=

.PHONY: help setup run lab notebooks test test-all bench bundle clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  make run RATINGS=ml-100k DIGITS=mnist   the same on the real data"

setup: $(STAMP) ## make .venv and install the course into it

# Any of these Pythons will do; PYTHON=... names one.
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
CANDIDATES := $(if $(PYTHON),"$(PYTHON)",python3 python3.14 python3.13 python3.12 python3.11)
FIND_PYTHON = for p in $(CANDIDATES); do "$$p" $(NEW_ENOUGH) && break; p=; done

# A .venv without pip is what an interrupted set-up leaves: it is made anew.
$(STAMP): pyproject.toml constraints.txt
	@$(FIND_PYTHON); \
	if [ -z "$$p" ]; then \
		echo "The course needs Python 3.11 or newer: install one, then 'make setup PYTHON=/path/to/it'." >&2; \
		exit 1; fi; \
	if ! "$$p" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$p cannot make virtual environments: on Debian and Ubuntu 'apt install python3-venv'." >&2; \
		exit 1; fi; \
	$(PY) $(NEW_ENOUGH) && $(PY) -c 'import pip' 2>/dev/null || "$$p" -m venv --clear $(VENV)
	@echo "Installing into $(VENV) (the first time takes some minutes) ..."
	@$(INSTALL) --quiet -e '.[dev]' -c constraints.txt
	@touch $(STAMP)

run: $(STAMP) ## execute every notebook, write build/html/index.html
	@$(PY) -m lesson5_utils.cli run

lab: $(STAMP) ## open your own copies of the notebooks in JupyterLab
	@$(PY) -m lesson5_utils.cli lab

notebooks: $(STAMP) ## execute every notebook and save its outputs in place
	@$(PY) -m lesson5_utils.cli notebooks

MARKED := not slow
test: $(STAMP) ## lint, types, unit tests, notebooks against saved outputs
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(TESTING) $(PY) -m pytest -q -n $(WORKERS) --dist loadscope -m '$(MARKED)' \
		--nbval --nbval-current-env --nbval-sanitize-with tests/nbval.cfg tests notebooks

# A variable set for a target holds for what the target needs, too: `test` runs without -m's choice.
test-all: MARKED :=
test-all: test ## the same, and the slow; LESSON5_REAL_DATA=1: real data too

bench: $(STAMP) ## measure speed and accuracy, one table
	@LESSON5_PROGRESS=0 $(PY) benchmarks/ratings.py
	@LESSON5_PROGRESS=0 $(PY) benchmarks/digits.py

# The platform is part of the name: the wheels fit this kind of machine and Python only.
bundle: $(STAMP) ## one folder that installs without a network
	@git rev-parse --verify -q HEAD >/dev/null || \
		{ echo "A bundle is made from a git checkout with a commit: clone the course first." >&2; exit 1; }
	@set -e; \
	name=$$($(PY) -c 'import sys, sysconfig as s; print("lesson5-py%d.%d-" % sys.version_info[:2] + s.get_platform())'); \
	folder=build/bundle/$$name; rm -rf build/bundle; mkdir -p $$folder/wheels; \
	git archive HEAD | tar -x -C $$folder; \
	$(PY) -m pip wheel --disable-pip-version-check --quiet --wheel-dir $$folder/wheels \
		-c constraints.txt '.[dev]' editables pip; \
	printf '%s\n' \
		"Copy this folder ($$name) to the other machine: same system and same Python version." \
		"There, in the folder, without a network:    make run" \
		"Without make (the second line differs on Windows: .venv\\Scripts\\python):" \
		"    python -m venv .venv" \
		"    .venv/bin/python -m pip install --no-index --find-links wheels -e .[dev] -c constraints.txt" \
		"    .venv/bin/python -m lesson5_utils.cli run" > $$folder/INSTALL.txt; \
	du -sh $$folder

# Never work/, nor the checkpoints in it: that is the learner's own.
clean: ## remove what these commands made, except work/
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache notebooks/.ruff_cache .hypothesis *.egg-info
	find . -path ./work -prune -o -type d '(' -name __pycache__ -o -name .ipynb_checkpoints ')' \
		-prune -exec rm -rf {} +
