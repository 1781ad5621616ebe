PYTHON ?= python3
VENV := .venv
STAMPS := $(VENV)/.installed-demo $(VENV)/.installed-test

.DEFAULT_GOAL := help
.PHONY: help demo test bench clean

help:
	@echo "make demo   send photographs to a Label Studio server of its own, correct them, read them back"
	@echo "make test   run all tests; ARGS='-m \"not server\"' for example goes to pytest"
	@echo "make bench  run the tests of large runs and the benchmarks; takes half an hour"
	@echo "make clean  remove the environment and what the tools left"
	@echo "The first three make the environment $(VENV) with $(PYTHON); set PYTHON for another one."

demo: $(VENV)/.installed-demo
	@exec $(VENV)/bin/python -m examples.demo --template-dir $(VENV)/label-studio $(ARGS)

test: $(VENV)/.installed-test
	@sh scripts/install_chromium.sh
	@sh scripts/install_postgresql.sh
	@exec $(VENV)/bin/python -m pytest $(ARGS)

bench: $(VENV)/.installed-test
	@$(VENV)/bin/python -m pytest --nightly
	@for benchmark in round_trip memory mask_codec sdk_or_requests; do \
	  echo "== benchmarks/$$benchmark.py"; $(VENV)/bin/python benchmarks/$$benchmark.py || exit 1; done

$(STAMPS): $(VENV)/.installed-%: pyproject.toml scripts/install.sh
	@sh scripts/install.sh "$(PYTHON)" "$(VENV)" $*

clean:
	rm -rf $(VENV) build dist *.egg-info .hypothesis .pytest_cache .ruff_cache demo.png
	find examples fo_labelstudio tests -name __pycache__ -type d -prune -exec rm -rf {} +
