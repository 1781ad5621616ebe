PYTHON ?= python3
VENV := .venv
INSTALLER ?= uv
PYTEST := $(VENV)/bin/python -m pytest
# uv compiles nothing; what is not kept once it was compiled is compiled anew by each process that starts.
export PYTHONDONTWRITEBYTECODE :=
# A test with one of these markers is left out of make check; -n auto runs as many processes as the machine has room for,
# with --waiting one more.
SERVICES := database or server or browser or process or ffmpeg
PROCESSES := -n auto --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help demo check test test-matrix bench docs dist lock clean

# $(call set_up,COMMAND): makes, completes or updates the environment; takes less than a second if it is complete.
set_up = @command -v "$(PYTHON)" >/dev/null || { echo "There is no $(PYTHON) here; name another one: PYTHON=..." >&2; \
  exit 1; }; exec "$(PYTHON)" -m scripts.set_up $(1) --environment "$(VENV)" --installer "$(INSTALLER)"

help:
	@echo "make demo   send photographs to a Label Studio server of its own, correct them, read them back"
	@echo "make check  check format, style and types, and run the quick tests, without server; takes a minute"
	@echo "make test   make check, and all other tests; ARGS='-k polygon' for example runs pytest with these only"
	@echo "make test-matrix  run the quick tests and round trips with the oldest and the newest supported versions, with uv"
	@echo "make bench  run the tests of large runs, whole sweeps, all examples and the benchmarks; half an hour"
	@echo "make docs   build the documentation as HTML in docs/_build"
	@echo "make dist   build wheel and sdist in dist/, and try both in empty environments"
	@echo "make lock   lock the newest versions of everything that the others install"
	@echo "make clean  remove the environment and what the tools left"
	@echo "All but the last make the environment $(VENV) with $(PYTHON); set PYTHON for another one. They install with"
	@echo "uv, or with pip where there is none; INSTALLER=pip leaves uv out."

demo:
	$(call set_up,demo)
	@exec $(VENV)/bin/python -m examples.demo $(ARGS)

check:
	$(call set_up,check)
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/mypy
	@exec $(PYTEST) $(PROCESSES) -m "not ($(SERVICES))"

test:
	$(call set_up,test)
ifdef ARGS
	@exec $(PYTEST) $(ARGS)
else
	@start=$$(date +%s); $(MAKE) --no-print-directory check && $(PYTEST) $(PROCESSES) --waiting -m "$(SERVICES)"; status=$$?; \
	  echo "make test took $$(($$(date +%s) - start)) s in all"; exit $$status
endif

test-matrix:
	$(call set_up,check)
	@exec $(VENV)/bin/python -m scripts.matrix $(ARGS)

bench:
	$(call set_up,bench)
	@$(PYTEST) $(PROCESSES) --nightly
	@for benchmark in round_trip incremental import memory video mask_codec keyframes sdk_or_requests exports \
	  editor_limits; do \
	  echo "== benchmarks/$$benchmark.py"; $(VENV)/bin/python benchmarks/$$benchmark.py || exit 1; done

docs:
	$(call set_up,docs)
	@$(VENV)/bin/python -m sphinx -W --keep-going -q -b html docs docs/_build
	@echo "The documentation is in docs/_build/index.html"

dist:
	$(call set_up,check)
	@exec $(VENV)/bin/python -m scripts.release

lock:
	$(call set_up,lock)
	@exec $(VENV)/bin/python -m scripts.set_up.locks

clean:
	rm -rf $(VENV) .matrix build dist docs/_build *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache demo.png
	find examples fo_labelstudio scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +
