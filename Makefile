# On a new machine with Python and make: `make demo`, `make test`. Each installs what it needs into .venv, once.
# pip's own settings hold (PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS, ...): they decide which build of torch is taken.

PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.10 python3; do \
	$$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
TRAINING := examples/lenet5_pytorch.py --data data/mnist
CHECK := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/samebits check --overwrite
PYTEST := $(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder
# some machines write none (PYTHONDONTWRITEBYTECODE): then each of thousands of processes would compile samebits again
BYTECODE := $(BIN)/python -m compileall -q src
# what Ray Train imports, in a folder of its own: every framework imports the pandas that it finds; without it a test is skipped
TRAIN := .venv/ray-train
TESTS := tests/unit tests/reports tests/probe tests/docs tests/frameworks

.PHONY: demo test test-all endurance study lint types layers budgets docs docs-version dist picture bench clean

demo: .venv/demo.stamp  ## LeNet-5 on real digits: it repeats; with one seed left out it does not
	$(BIN)/samebits data get mnist --to data/mnist
	$(CHECK) --out .samebits/demo-seeded $(TRAINING)
	@echo; echo "The same without numpy's seed, which orders the digits:"; echo
	$(CHECK) --out .samebits/demo-left-out $(TRAINING) --leave-out numpy-seed; test $$? -eq 1

test: .venv/test.stamp  ## all tests but the slow ones (some 15 minutes on two cores)
	@$(BYTECODE)
	$(PYTEST) -m "not slow" $(TESTS)

test-all: .venv/test.stamp  ## all tests (three quarters of an hour on two cores, the environments of `samebits env` included)
	@$(BYTECODE)
	$(PYTEST) --durations=40 --durations-min=15 $(TESTS)

study: .venv/test.stamp  ## the paper's study in small: today's setups, and the old ones whose environments are there
	$(BIN)/samebits study lenet5 --scale smoke --out studies/lenet5-smoke; test $$? -eq 0 -o $$? -eq 3
	$(BIN)/samebits study unet --scale smoke --out studies/unet-smoke; test $$? -eq 0 -o $$? -eq 3

endurance: export SAMEBITS_ENDURANCE ?= 1
endurance: .venv/test.stamp  ## in full what `make test-all` runs a share of: mutated records, hostile files, kills, laws (an hour)
	$(BIN)/python -m pytest --numprocesses=2 \
		tests/unit/test_mutated_records.py tests/unit/test_hostile_files.py tests/probe/test_kills.py
	$(BIN)/python -m pytest --numprocesses=2 -m hypothesis tests

lint: .venv/lint.stamp types layers budgets
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/vermin --target=3.6- --no-tips --violations --quiet src/samebits_probe examples/lenet5_pytorch.py examples/lenet5_keras2.py

types: .venv/lint.stamp
	$(BIN)/mypy

layers: .venv/lint.stamp
	$(BIN)/lint-imports

budgets: .venv/base.stamp
	$(BIN)/python benchmarks/budgets.py

docs: .venv/docs.stamp  ## its tables are read off the watchers, which need the frameworks that they watch
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

docs-version: docs  ## these pages beside those of earlier versions, in the branch gh-pages of this repository; nothing is pushed
	version=$$($(BIN)/python -c 'import samebits; print(samebits.__version__)') && export PATH="$(CURDIR)/$(BIN):$$PATH" && \
		NO_MKDOCS_2_WARNING=1 $(BIN)/mike deploy --update-aliases "$$version" latest && $(BIN)/mike set-default latest

dist: .venv/dist.stamp  ## sdist and wheel of the last commit, built twice: both builds must have the same bits
	.ci/dist

picture: .venv/demo.stamp  ## the README's picture, from two real runs
	$(BIN)/samebits data get mnist --to data/mnist
	$(BIN)/python docs/picture.py

bench: .venv/test.stamp  ## by hand, on a machine that does nothing else: see benchmarks/README.md
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

clean:
	rm -rf .venv dist site .samebits .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.venv/base.stamp: pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.10 or later with ensurepip here (on Debian: apt install python3-venv)." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing samebits and its libraries into .venv"
	$(PIP) --upgrade 'pip>=25.1'
	$(PIP) --editable .
	@touch $@

.venv/demo.stamp: .venv/base.stamp
	@echo "Installing PyTorch into .venv (a few minutes, if pip must download it)"
	$(PIP) --editable '.[torch]'
	@touch $@

.venv/test.stamp: .venv/base.stamp
	@echo "Installing PyTorch, TensorFlow, JAX and the tools of the tests into .venv (a few minutes)"
	$(PIP) --editable '.[torch,keras,jax,hdf5]' --group test
	-$(PIP) --upgrade --target $(TRAIN) --no-deps pandas pyarrow fsspec python-dateutil six pytz tzdata
	@touch $@

.venv/lint.stamp: .venv/base.stamp
	$(PIP) --group lint
	@touch $@

.venv/docs.stamp: .venv/test.stamp
	$(PIP) --group docs
	@touch $@

.venv/dist.stamp: .venv/base.stamp
	$(PIP) --group dist
	@touch $@
