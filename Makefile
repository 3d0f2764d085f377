# make run    a virtual environment, the install, and the main job on real two-tower embeddings
# make test   the same environment with what the tests need, and all tests but the slow ones
# make test-engines  indexes of databases and libraries that are extras, on the real ones
# make lint   ruff, mypy, import rules
# make docs   the guides as pages in build/site; a broken link is an error
# make gallery  the pictures that the README shows, from a real run
# make measured  what README and docs state, measured again: hours
# make bench  figures of speed, as ratios measured side by side
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# What one of the tests' many processes compiles the others need not. A test that hangs says where,
# and fails.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 2 -o faulthandler_timeout=600 -o faulthandler_exit_on_timeout=true

.PHONY: run test test-engines test-slow lint docs gallery measured bench clean

run: $(VENV)/installed
	$(BIN)/vbench run --index hnsw

test: $(VENV)/developed
	$(PYTEST) -m "not slow and not engines"

test-engines: $(VENV)/developed
	$(BIN)/python -m pip install --quiet --editable '.[pgvector,duckdb,lancedb,redis,usearch,epzero]'
	$(PYTEST) -m "engines and not slow"

test-slow: $(VENV)/developed
	$(BIN)/pytest -m slow

lint: $(VENV)/developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/developed
	$(BIN)/mkdocs build

gallery: $(VENV)/developed
	$(BIN)/python scripts/gallery.py

measured: $(VENV)/developed
	$(BIN)/python -m pip install --quiet --editable '.[text,als]'
	$(BIN)/python scripts/measured.py

bench: $(VENV)/developed
	@for script in benchmarks/[!_]*.py; do $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) results build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@sh scripts/can-build.sh $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/developed: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --group dev --editable '.[towers,tune]'
	@touch $@
