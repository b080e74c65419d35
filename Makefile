# The commands that everybody needs. `make demo` and `make test` need only Python 3.11-3.13 and this repository.
# Another interpreter: make PYTHON=python3.12 test

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
WORKERS ?= 2
# Stamps: the environment is completed again only when the lock, the project file or the interpreter changed.
PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>&1)
INSTALLED := $(VENV)/.installed-$(PYTHON_VERSION)
INSTALLED_DEV := $(VENV)/.installed-dev-$(PYTHON_VERSION)
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# What lies in the tree is the package's; what is being built must not be asked for a password or a yes.
export PIP_NO_INPUT := 1
STRUCTURE := tests/test_import_direction.py tests/test_file_sizes.py tests/test_public_surface.py \
	tests/test_no_workplace_traces.py tests/test_licences.py tests/test_standing_alone.py tests/test_lock.py

.PHONY: help demo studio test quick check soak format lock checksums clean

help:
	@echo 'make demo    install, parse a photograph with the built-in parser, say where the page is'
	@echo 'make studio  install, open the studio in the browser: make studio FOLDER=holiday'
	@echo 'make test    install the test extras, run all tests but the soak (at most 20 minutes on two cores)'
	@echo 'make quick   the suite without slow tests (at most 3 minutes)'
	@echo 'make check   ruff, mypy, import direction, file sizes, public surface, licences'
	@echo 'make soak    long runs: kills, load, drift'
	@echo 'make format  let ruff order imports and lay out the code'
	@echo 'make lock    resolve the dependencies anew and write the lock files'
	@echo 'make clean   remove .venv, caches and the demo'

demo: $(INSTALLED)
	@$(BIN)/python examples/demo.py --out demo

studio: $(INSTALLED)
	@$(PIP_INSTALL) -c requirements.lock -c requirements-dev.lock fastapi uvicorn
	@$(BIN)/mereo studio $(FOLDER)

test: $(INSTALLED_DEV)
	$(PYTEST) -n $(WORKERS) -m 'not soak'

quick: $(INSTALLED_DEV)
	$(PYTEST) -n $(WORKERS) -m 'not slow and not soak'

soak: $(INSTALLED_DEV)
	$(PYTEST) -m soak -o faulthandler_timeout=7200

check: $(INSTALLED_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) $(STRUCTURE)

format: $(INSTALLED_DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# A clean environment outside .venv, so that nothing that happens to be installed slips into the lock.
lock:
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet .
	.venv-lock/bin/python -m pip freeze --all > .venv-lock/core.txt
	.venv-lock/bin/python -m pip install --quiet '.[dev]'
	.venv-lock/bin/python -m pip freeze --all > .venv-lock/dev.txt
	.venv-lock/bin/python tools/write_lock.py .venv-lock/core.txt .venv-lock/dev.txt
	rm -rf .venv-lock

# After a built-in parser was made anew; `mereo doctor` and the tests compare.
checksums:
	cd src/mereo/parser/built_in && sha256sum *.safetensors > checksums.txt

clean:
	rm -rf $(VENV) .venv-lock .pytest_cache .mypy_cache .ruff_cache .hypothesis build demo

$(INSTALLED): requirements.lock requirements-dev.lock pyproject.toml
	@case '$(PYTHON_VERSION)' in 3.11|3.12|3.13) ;; *) \
		echo 'Mereo needs Python 3.11 to 3.13, but $(PYTHON) is "$(PYTHON_VERSION)"; try: make PYTHON=python3.12 $(MAKECMDGOALS)' >&2; \
		exit 3;; esac
	@# An environment of another interpreter is no use; one of this interpreter is completed in place.
	@[ "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = '$(PYTHON_VERSION)' ] \
		|| { echo 'Making $(VENV) with Python $(PYTHON_VERSION) ...'; $(PYTHON) -m venv --clear $(VENV); }
	@echo 'Installing what requirements.lock names (about 2.6 GB to fetch on Linux; docs/install.md has a light way) ...'
	@$(PIP_INSTALL) -r requirements.lock
	@# The photograph of the demo comes with scikit-learn; without it the demo draws a scene.
	@$(PIP_INSTALL) -c requirements.lock -c requirements-dev.lock scikit-learn || echo 'No scikit-learn: the demo draws its scene.'
	@$(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

$(INSTALLED_DEV): $(INSTALLED)
	@echo 'Installing what requirements-dev.lock names ...'
	@$(PIP_INSTALL) -r requirements.lock -r requirements-dev.lock
	@touch $@
