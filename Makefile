PYTHON ?= python3
VENV := .venv
STAMPS := $(VENV)/.installed-demo $(VENV)/.installed-test
PYTEST := $(VENV)/bin/python -m pytest
# A test with one of these markers is not pure; -n auto runs as many processes as the machine has room for.
SERVICES := database or server or browser
PROCESSES := -n auto --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help demo check test bench clean

help:
	@echo "make demo   send photographs to a Label Studio server of its own, correct them, read them back"
	@echo "make check  check format, style and types, and run the tests that need no server; takes a minute"
	@echo "make test   make check, and all other tests; ARGS='-k polygon' for example runs pytest with these only"
	@echo "make bench  run the tests of large runs, whole sweeps and the benchmarks; takes half an hour"
	@echo "make clean  remove the environment and what the tools left"
	@echo "The first four make the environment $(VENV) with $(PYTHON); set PYTHON for another one."

demo: $(VENV)/.installed-demo
	@exec $(VENV)/bin/python -m examples.demo --template-dir $(VENV)/label-studio $(ARGS)

check: $(VENV)/.installed-test
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/mypy
	@exec $(PYTEST) $(PROCESSES) -m "not ($(SERVICES))"

test: $(VENV)/.installed-test
	@sh scripts/install_chromium.sh
	@sh scripts/install_postgresql.sh
ifdef ARGS
	@exec $(PYTEST) $(ARGS)
else
	@start=$$(date +%s); $(MAKE) --no-print-directory check && $(PYTEST) $(PROCESSES) -m "$(SERVICES)"; status=$$?; \
	  echo "make test took $$(($$(date +%s) - start)) s in all"; exit $$status
endif

bench: $(VENV)/.installed-test
	@$(PYTEST) $(PROCESSES) --nightly
	@for benchmark in round_trip memory mask_codec sdk_or_requests; do \
	  echo "== benchmarks/$$benchmark.py"; $(VENV)/bin/python benchmarks/$$benchmark.py || exit 1; done

$(STAMPS): $(VENV)/.installed-%: pyproject.toml scripts/install.sh
	@sh scripts/install.sh "$(PYTHON)" "$(VENV)" $*

clean:
	rm -rf $(VENV) build dist *.egg-info .hypothesis .pytest_cache .ruff_cache demo.png
	find examples fo_labelstudio tests -name __pycache__ -type d -prune -exec rm -rf {} +
