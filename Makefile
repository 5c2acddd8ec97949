# BoneSeg: what a developer, a new user and the continuous integration run. `make help` lists it.

PYTHON ?= python3
VENV ?= .venv
# Further arguments for the installation of torch, for instance the package index of the build for your graphics card:
#   make setup PIP_TORCH="--index-url ..."
PIP_TORCH ?=
# A file of requirements with hashes that is installed before everything else, as the continuous integration does:
#   make setup LOCK=Testing/constraints-ci.txt
LOCK ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --progress-bar off --disable-pip-version-check
READY := $(VENV)/.boneseg-ready
READY_TO_TEST := $(VENV)/.boneseg-ready-to-test
TORCH_AS_INSTALLED := $(VENV)/torch-as-installed.txt
TORCH_NOW := $(BIN)/python -c 'from importlib.metadata import version; print("torch==" + version("torch"))'
SAMPLE := Resources/SampleData

.PHONY: help setup demo test test-slow lint bench docs constraints screenshots clean distclean
.DEFAULT_GOAL := help

help:
	@echo "make demo         set up, then segment the bundled sample CT and compare it with its true labels (results: out/)"
	@echo "make test         set up, then run all tests but the slow ones"
	@echo "make test-slow    the tests that take minutes each"
	@echo "make lint         ruff and mypy"
	@echo "make bench        speed, against nnunetv2 and MONAI (BENCH=--help tells its options)"
	@echo "make screenshots  pictures of the module, for the documentation"
	@echo "make docs         the page of errors, made from the code"
	@echo "make constraints  the versions that are installed become those that the continuous integration tests with"
	@echo "make setup        only set up: a virtual environment in $(VENV)"
	@echo "make clean        remove results and caches;  make distclean: $(VENV) too"

setup: $(READY) $(READY_TO_TEST)

# torch comes first and alone: another package that asks for torch would bring its newest build, with gigabytes of CUDA.
# What was installed then is a constraint on everything after.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "BoneSeg needs Python 3.10 or newer; this is `$(PYTHON) --version`. Try: make PYTHON=python3.11 ..."; exit 1; }
	@echo "Setting up $(VENV). This is done once and takes some minutes."
	@$(PYTHON) -m venv $(VENV) || { echo "Could not make $(VENV). On Debian: apt-get install python3-venv"; exit 1; }
	@echo "  torch, which is large; PIP_TORCH chooses another build of it (see README) ..."
	@$(PIP) torch==2.13.0 $(PIP_TORCH)
	@$(TORCH_NOW) > $(TORCH_AS_INSTALLED)
ifneq ($(LOCK),)
	@echo "  what $(LOCK) lists, each file compared with its hash ..."
	@$(PIP) --require-hashes --no-deps -r $(LOCK)
endif
	@echo "  BoneSeg, MONAI, the runtime of 3D Slicer ..."
	@$(PIP) -c $(TORCH_AS_INSTALLED) -e ".[test,widget]"
	@touch $@

$(READY_TO_TEST): $(READY) Testing/requirements-oracles.txt Testing/requirements-oracles-imports.txt
	@echo "  nnunetv2 and what else the tests compare with ..."
	@$(PIP) -c $(TORCH_AS_INSTALLED) -r Testing/requirements-oracles-imports.txt
	@$(PIP) --no-deps -r Testing/requirements-oracles.txt
	@$(TORCH_NOW) | cmp -s - $(TORCH_AS_INSTALLED) || \
		{ echo "The set-up replaced torch by another build. Please report this; meanwhile: make distclean setup"; exit 1; }
	@touch $@

demo: $(READY)
	@mkdir -p out
	$(BIN)/boneseg segment $(SAMPLE)/sample_ct.nii.gz -o out/sample.seg.nrrd --statistics out/sample_statistics.csv
	$(BIN)/boneseg compare $(SAMPLE)/sample_labels.nii.gz out/sample.seg.nrrd -o out/sample_comparison.csv
	@$(BIN)/python Testing/acceptance/demo.py out

test: $(READY) $(READY_TO_TEST)
	@echo "Running all tests but the slow ones; the report goes to out/tests.xml."
	@$(BIN)/python -m pytest -q -m "not slow" --junit-xml=out/tests.xml

test-slow: $(READY) $(READY_TO_TEST)
	@echo "Running the slow tests; the report goes to out/tests-slow.xml."
	@$(BIN)/python -m pytest -q -m slow --junit-xml=out/tests-slow.xml

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY) $(READY_TO_TEST)
	@$(BIN)/python -m Testing.benchmarks.bench $(BENCH)

docs: $(READY)
	@$(BIN)/python -m Testing.support.errors_page

constraints: $(READY_TO_TEST)
	@$(BIN)/python -m Testing.support.constraints

screenshots: $(READY)
	@$(BIN)/python Testing/qt_runtime/screenshots.py docs/images

clean:
	rm -rf out build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find BoneSeg BoneSegLib Testing -name __pycache__ -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV) boneseg.egg-info
